"""Resistances of pellets from tables, and from impedance spectra fitted with a circuit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.conductivity.foil import FOIL
from dualyte.measure.conductivity.points import Point
from dualyte.measure.conductivity.tables import first_tables, table_of
from dualyte.measure.files.grid import Grid
from dualyte.measure.files.names import pressures, temperatures
from dualyte.measure.files.quantity_columns import QuantityColumn, quantity_column, word_column
from dualyte.measure.files.sidecar import facts
from dualyte.vocabulary import Floats, q, show

PRESSURE: Final = ("pressure", "stack pressure", "p", "p_stack")
TEMPERATURE: Final = ("temperature", "temp\\.?", "T", "T_cell", "cell temperature")
RESISTANCE: Final = (
    "R", "resistance", "R[ _]?(total|tot|pellet|cell|ion|SE)", "total resistance", "ASR",
    "R[ _]?(bulk|b)", "bulk resistance",
)  # fmt: skip
SIGMA: Final = ("sigma", "σ", "(ionic |total )?conductivity", "sigma[ _]?(total|ion)?")
THICKNESS: Final = ("thickness", "d", "L", "(pellet )?(thickness|height)")
AREA: Final = ("area", "A", "(electrode )?area")
_BRANCH: Final = ("branch", "direction", "step", "load(ing)?", "sweep")
_SAMPLE: Final = ("sample", "cell", "replicate", "pellet", "specimen")
_HEAD: Final = re.compile(
    r"^\W*(?:electrode |pellet |stack )?(area|thickness|diameter|temperature|pressure)"
    r"\s*[:=]\s*(.+?)\s*$",
    re.IGNORECASE,
)
_IN_NAME: Final = re.compile(
    r"[_ .-]*(?:m|minus|neg|-)?\d+(?:[.,p]\d+)?[_ ]?"
    r"(?:°[_ ]?C|deg[_ ]?C?|oC|C|K|MPa|kPa|GPa|Pa|bar)"
    r"(?![A-Za-z0-9])|[_ .-]*(?:un|re)?load(?:ing|ed)?|[_ .-]*loop \d+",
    re.IGNORECASE,
)
_FACT: Final = {"diameter": "displacement"}


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What the caller says of all files."""

    area: float | None = None
    thickness: float | None = None
    temperature: float | None = None
    pressure: float | None = None
    circuit: str = "auto"
    in_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Points of one file."""

    points: tuple[Point, ...]
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    foil: tuple[float, ...] | None = None  #: Ω m² of each point, where the table has it


def looks_like(path: Path, head: bytes) -> str | None:
    """Name of the format if a file is a table of resistances or conductivities, else None."""
    return "table of resistances" if any(map(_is_table, first_tables(path, head))) else None


def _is_table(grid: Grid) -> bool:
    """Whether it has a resistance or conductivity, and what it was measured against."""
    try:
        value = quantity_column(grid, RESISTANCE, ("resistance", "asr")) or quantity_column(
            grid, SIGMA, ("conductivity",)
        )
        against = quantity_column(grid, PRESSURE, ("pressure",)) or quantity_column(
            grid, TEMPERATURE, ("temperature",)
        )
    except InputError:
        return False
    return value is not None and against is not None


def read_points(path: Path, how: How) -> Read:
    """Read the points of a table of resistances, or fit those of spectra.

    Raises
    ------
    InputError
        If it is neither, or area or thickness are not known.
    """
    table = table_of(path, _has_value)
    return _spectra(path, how) if table is None else _tabulated(path, table, how)


def _has_value(grid: Grid) -> bool:
    wanted = [*RESISTANCE, *SIGMA]
    names = [re.sub(r"_(m|k|M)?ohm$|_m?S_?cm$", "", n, flags=re.IGNORECASE) for n in grid.names]
    return any(re.fullmatch(p, n, re.IGNORECASE) for p in wanted for n in names)


# ---------------------------------------------------------------- facts


def _known(path: Path, how: How, head: Sequence[str], said: list[str]) -> dict[str, float]:
    """Area, thickness and so on: the argument, else a sidecar, else the head, else the name."""
    found: dict[str, float] = {}
    for line in head:
        if match := _HEAD.match(line):
            word = match[1].lower()
            try:
                found[word] = q(match[2].strip("\"' "), _FACT.get(word, word))
            except InputError:
                continue
            said.append(f"took the {word} {match[2]} from the head of the file")
    names = {"temperature": temperatures(path.stem)[0], "pressure": pressures(path.stem)}
    for word, several in names.items():
        if len(several) == 1 and word not in found:
            found[word] = several[0]
            said.append(f"took the {word} {show(word, several[0])} from the name")
    for word, fact in facts(path).items():
        if isinstance(fact.value, float):
            found[word] = fact.value
            said.append(f"took the {word} from {fact.source}")
    if "area" not in found and "diameter" in found:
        found["area"] = math.pi * found["diameter"] ** 2 / 4
    given = {w: getattr(how, w) for w in ("area", "thickness", "temperature", "pressure")}
    return found | {word: value for word, value in given.items() if value is not None}


def sample_of(path: Path) -> str:
    """Which pellet a file belongs to: the group of a sidecar, else its name without conditions.

    >>> sample_of(Path("nowhere/LNOC_2_-40C_55MPa_unloading.csv"))
    'LNOC_2'
    """
    group = facts(path).get("group")
    if group is not None:
        return str(group.value)
    return _IN_NAME.sub("", path.stem).strip("_ .-") or path.stem


def branch_of(text: str) -> str:
    """Loading or unloading, if a text says so.

    >>> branch_of("a_unloading_7MPa"), branch_of("down"), branch_of("b_load"), branch_of("c")
    ('unloading', 'unloading', 'loading', '')
    """
    if re.search(r"unload|decreas|release|(?<![a-z])(down|dec|u)(?![a-z])", text, re.IGNORECASE):
        return "unloading"
    if re.search(r"load|increas|(?<![a-z])(up|inc|l)(?![a-z])", text, re.IGNORECASE):
        return "loading"
    return ""


# ---------------------------------------------------------------- tables


def _tabulated(path: Path, grid: Grid, how: How) -> Read:
    said = list(grid.changes)
    known = _known(path, how, grid.head, said)
    R = quantity_column(grid, RESISTANCE, ("resistance", "asr"))
    sigma = None if R is not None else quantity_column(grid, SIGMA, ("conductivity",))
    value = R or sigma
    if value is None:  # cannot be: `_has_value`
        raise InputError(f"{path.name} has no column of resistances")
    n = len(grid)
    wanted = {"pressure": PRESSURE, "temperature": TEMPERATURE}
    wanted |= {"thickness": THICKNESS, "area": AREA}
    column = {
        word: _full(grid, quantity_column(grid, patterns, (word,)), known.get(word), n, word, how)
        for word, patterns in wanted.items()
    }
    lack = [
        word
        for word in ("thickness", "area")
        if R is not None
        and np.isnan(column[word]).any()
        and not (word == "area" and R.quantity == "asr")
    ]
    if lack:
        raise InputError(
            f"{path.name}: a conductivity needs {' and '.join(lack)}; give "
            + ", ".join(f'{w}=q("{_EXAMPLE[w]}")' for w in lack)
            + f", a column, or {lack[0]} in a dualyte.toml beside the file"
        )
    branches, samples = word_column(grid, *_BRANCH), word_column(grid, *_SAMPLE)
    if n > 1 and all(np.isnan(column[word]).all() for word in ("pressure", "temperature")):
        raise InputError(
            f"{path.name}: no column is a pressure or temperature; head one 'pressure / MPa' or "
            f"'T / degC' (it has {', '.join(grid.headings)})"
        )
    points = _points(path, value, column, branches, samples)
    foil = quantity_column(grid, FOIL, ("asr", "resistance"))
    kept = [k for k in range(n) if np.isfinite(value.values[k])]
    if dropped := n - len(kept):
        said.append(f"left out {dropped} of {n} rows without a value")
    if not kept:
        raise InputError(f"{path.name}: column {value.heading!r} holds no number")
    resistances = None
    if foil is not None:
        area = column["area"] if foil.quantity == "resistance" else np.ones(n)
        resistances = tuple((foil.values * area)[kept].tolist())
    return Read(points=tuple(points[k] for k in kept), changes=tuple(said), foil=resistances)


_EXAMPLE: Final = {"thickness": "1 mm", "area": "0.785 cm2"}


def _full(
    grid: Grid, column: QuantityColumn | None, known: float | None, n: int, word: str, how: How
) -> Floats:
    """A column, or one number for all rows; an argument goes before a column."""
    if column is None or getattr(how, word, None) is not None:
        return np.full(n, float("nan") if known is None else known)
    values = column.values
    if word == "thickness" and (np.nanmax(values) > 0.02 or np.nanmin(values) < 1e-6):
        raise InputError(
            f"{grid.name}: column {column.heading!r} holds {np.nanmax(values) * 1e3:g} mm, which "
            "is no thickness of a pellet; check its unit"
        )
    return values


def _points(
    path: Path,
    value: QuantityColumn,
    column: Mapping[str, Floats],
    branches: list[str] | None,
    samples: list[str] | None,
) -> list[Point]:
    own = sample_of(path)
    size = column["area"] if value.quantity == "resistance" else np.ones(value.values.size)
    spread = np.full(size.size, np.nan) if value.spread is None else value.spread * size
    made = []
    for k, number in enumerate((value.values * size).tolist()):
        made.append(
            Point(
                file=path.name, name=f"row {k + 1}",
                sample=f"{own} {samples[k]}" if samples and samples[k] else own,
                spread=float(spread[k]), thickness=float(column["thickness"][k]),
                area=float(column["area"][k]),
                pressure=float(column["pressure"][k]),
                temperature=float(column["temperature"][k]),
                branch=branch_of(branches[k]) if branches else "",
                **{"sigma" if value.quantity == "conductivity" else "asr": number},
            )
        )  # fmt: skip
        if np.isfinite(number) and number <= 0:
            raise InputError(
                f"{path.name}, row {k + 1} of column {value.heading!r}: {number:g} is not "
                "positive; check its sign, or leave the row out"
            )
    return made if any(point.branch for point in made) else branched(made)


def branched(points: Sequence[Point]) -> list[Point]:
    """Tell loading from unloading by order: up to the highest pressure, and after it."""
    out = list(points)
    keys = [(p.sample, str(round(p.temperature, 0))) for p in points]  # nan is not nan
    for key in dict.fromkeys(keys):
        here = [k for k, other in enumerate(keys) if other == key]
        P = np.array([points[k].pressure for k in here])
        if not np.isfinite(P).all() or np.ptp(P) <= 0:
            continue
        top = int(P.size - 1 - np.argmax(P[::-1]))
        for at, k in enumerate(here):
            out[k] = replace(points[k], branch="loading" if at <= top else "unloading")
    return out


# ---------------------------------------------------------------- spectra


def _spectra(path: Path, how: How) -> Read:
    from dualyte.circuit.strings import write
    from dualyte.measure.eis import fit_spectrum
    from dualyte.measure.files.reading import read_spectra

    given = {w: getattr(how, w) for w in ("area", "thickness", "temperature", "pressure")}
    if given["area"] is None and "area" not in facts(path) and "diameter" in facts(path):
        given["area"] = math.pi * facts(path)["diameter"].value ** 2 / 4
    spectra = read_spectra(path, **given)
    said: list[str] = []
    warned: list[str] = []
    points = []
    for spectrum in spectra:
        lack = [w for w in ("thickness", "area") if getattr(spectrum, w) is None]
        if lack:
            raise InputError(
                f"{spectrum.title}: a conductivity needs {' and '.join(lack)}; give "
                + ", ".join(f'{w}=q("{_EXAMPLE[w]}")' for w in lack)
                + f", or {lack[0]} in a dualyte.toml beside the file"
            )
        fit = fit_spectrum(spectrum, how.circuit)
        said += [f"{spectrum.title}: {change}" for change in spectrum.changes]
        R, spread, names = total_resistance(fit)
        warned += [
            f"{spectrum.title}: {flag}"
            for flag in fit.flags
            if flag not in spectrum.changes and "misses the data" in flag
        ]
        said.append(f"R is {' + '.join(names)} of the fitted circuit {write(fit.model.circuit)}")
        points.append(
            Point(
                file=path.name, sample=sample_of(path), name=spectrum.title, asr=R, spread=spread,
                thickness=float(spectrum.thickness or np.nan), branch=branch_of(spectrum.title),
                area=float(spectrum.area or np.nan),
                pressure=_or_nan(spectrum.pressure), temperature=_or_nan(spectrum.temperature),
            )
        )  # fmt: skip
    return Read(points=tuple(points), changes=tuple(said), warnings=tuple(warned))


def _or_nan(x: float | None) -> float:
    return float("nan") if x is None else float(x)


def total_resistance(fit: Any) -> tuple[float, float, tuple[str, ...]]:  # noqa: ANN401 (a Fit: eis loads late)
    """Resistance of the electrolyte of a fitted spectrum [Ω m²], its spread, and of what.

    The sum of all resistances in series but the interface's and a blocking electrode's.

    Raises
    ------
    InputError
        If the circuit has none.
    """
    estimate = fit.estimate
    names = tuple(estimate.passed)
    if not names:
        raise InputError(
            f"{fit.spectrum.title}: the fitted circuit has no resistance of the electrolyte; give "
            "another with circuit="
        )
    total = float(sum(fit.numbers[name] for name in names))
    slope = np.zeros(len(estimate.model.names))
    for name in names:
        k = estimate.model.names.index(name)
        slope[k] = fit.numbers[name] if estimate.model.logs[k] else 1.0
    spread = math.sqrt(max(float(slope @ estimate.covariance @ slope), 0.0))
    return total, spread, names
