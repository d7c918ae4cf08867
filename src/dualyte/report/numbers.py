"""Numbers of a measurement for machines and for people, and the files that hold them."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from dualyte import plot
from dualyte.circuit.spectrum import Spectrum
from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.files import Reading
from dualyte.plot.figure import Figure
from dualyte.vocabulary import known, pretty, shown, size

T = TypeVar("T")
Row = dict[str, Any]
Tell = Callable[[int, int], None]
#: word of the vocabulary: unit in results, where it is not the one shown
_UNITS: Final = {
    "capacitance": "F/cm2", "cell_capacitance": "F", "cell_inductance": "H",
    "conductivity": "S/cm",
}  # fmt: skip
#: units that stand for another spelling: S s^n is S for one n
_SPELLED: Final = {"cpe_prefactor": "S s^n/cm2", "cell_cpe_prefactor": "S s^n"}
_PREFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"),
                    (1e-9, "n"), (1e-12, "p"), (1e-15, "f"))  # fmt: skip
_MANY: Final = 4  # names that a flag lists
_PREFIXED: Final = {"F/cm2", "F", "H", "H cm2", "Hz", "s"}


def number(value: Value, *, sure: bool = False) -> Row:
    """Value, one standard deviation and unit, as JSON holds them.

    Parameters
    ----------
    sure
        Whether a spread of zero is meant; otherwise it is not known, and null.

    Examples
    --------
    >>> from dualyte import material
    >>> number(material("LNOC")["hardness"])["unit"]
    'GPa'
    """
    word, spread = value.quantity, value.spread
    if value.law == "log-normal":
        spread *= value.si
    unit = _UNITS.get(word, known(word).shown)
    factor = size(unit, word)
    told = {"value": finite(value.si / factor), "spread": finite(spread / factor)}
    if spread == 0 and not sure:
        told["spread"] = None
    return told | {"unit": _SPELLED.get(word, unit)}


def finite(x: float | None) -> float | None:
    """Return the number, or None (null in JSON) where it is none.

    >>> finite(1.5), finite(float("nan"))
    (1.5, None)
    """
    return float(x) if x is not None and math.isfinite(x) else None


def plus_minus(x: float, spread: float | None) -> str:
    """Write a number with its spread, whose two leading digits decide how many are shown.

    >>> plus_minus(149.63, 0.662), plus_minus(2.13e-7, 3.1e-9), plus_minus(0.05, None)
    ('149.63 ± 0.66', '(2.130 ± 0.031)e-7', '0.05')
    """
    if not spread or not math.isfinite(spread):
        return f"{x:.4g}"
    if x == 0:
        return f"0 ± {spread:.1g}"
    if spread > abs(x):
        return f"{x:.2g} ± {spread:.1g}"
    power = math.floor(math.log10(abs(x)))
    digits = 1 - math.floor(math.log10(spread))
    if spread < 1e-5 * abs(x):  # more digits than anyone reads
        return f"{x:.6g} ± {spread:.1g}"
    if 1e-3 <= abs(x) < 1e5 and digits <= 6:
        digits = max(digits, 0)
        return f"{x:.{digits}f} ± {spread:.{digits}f}"
    scale, places = 10.0**power, min(max(digits + power, 0), 6)
    return f"({x / scale:.{places}f} ± {spread / scale:.{places}f})e{power}"


def told(row: Row) -> str:
    """Write value, spread and unit for people.

    >>> told({"value": 2.137e-7, "spread": 3e-9, "unit": "F/cm2"})
    '213.7 ± 3.0 nF/cm²'
    >>> told({"value": 0.9, "spread": None, "unit": "1"})
    '0.9'
    """
    x, spread, unit = row["value"], row["spread"], row["unit"]
    if x is None:
        return "–"
    if unit in _PREFIXED and x > 0:
        scale, prefix = next((p for p in _PREFIXES if x >= p[0]), _PREFIXES[-1])
        return f"{plus_minus(x / scale, spread and spread / scale)} {prefix}{units(unit)}"
    return f"{plus_minus(x, spread)} {units(unit)}".strip()


def units(unit: str) -> str:
    """Typeset a unit; nothing for numbers without.

    >>> units("S s^n/cm2"), units("ohm cm2/s^0.5")
    ('S sⁿ/cm²', 'Ω cm²/√s')
    """
    if unit == "1":
        return ""
    return pretty(unit).replace("s^n", "sⁿ").replace("s^0.5", "√s")


def named(spectra: Sequence[Spectrum]) -> list[str]:
    """Keys of spectra: the file's name, with #1, #2 … where it holds several.

    Means of replicates go by their own name. Files of one name in two folders go by their path.

    >>> named([Spectrum(frequency=[1.0], z=[1.0], file=f"{a}/c.csv") for a in "ab"])
    ['a/c.csv', 'b/c.csv']
    """
    whole = [Path(s.file).as_posix() if s.file else s.title for s in spectra]
    short = [s.title if s.spread is not None else Path(w).name or w
             for s, w in zip(spectra, whole, strict=True)]  # fmt: skip
    owners: dict[str, set[str]] = {}
    for name, path in zip(short, whole, strict=True):
        owners.setdefault(name, set()).add(path)
    names = [
        path if len(owners[name]) > 1 else name for name, path in zip(short, whole, strict=True)
    ]
    count, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name}#{seen[name]}" if count[name] > 1 else name)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome(Generic[T]):
    """What a piece of work gave on one spectrum, or why there is nothing."""

    name: str  #: key in tables and JSON
    spectrum: Spectrum | None = None  #: None for a file that could not be read
    result: T | None = None
    failed: str = ""


def outcomes(
    reading: Reading, work: Callable[[Spectrum], T], progress: Tell | None = None
) -> list[Outcome[T]]:
    """Do the same with every spectrum; one that is refused costs only itself.

    Parameters
    ----------
    reading
        What `read_spectra` found; files that failed come last.
    work
        Takes a spectrum.
    progress
        Called with (spectra done, all).
    """
    found: list[Outcome[T]] = []
    names = named(reading.spectra)
    for name, spectrum in zip(names, reading.spectra, strict=True):
        try:
            found.append(Outcome(name=name, spectrum=spectrum, result=work(spectrum)))
        except InputError as error:
            found.append(Outcome(name=name, spectrum=spectrum, failed=str(error)))
        if progress is not None:
            progress(len(found), len(names))
    bad = unread(reading.failures, names)
    return found + [Outcome(name=name, failed=why) for name, why in bad]


def unread(failures: Iterable[Any], taken: Iterable[str]) -> list[tuple[str, str]]:
    """Keys of files that could not be read, and why."""
    used = set(taken)
    found = []
    for failure in failures:
        name = Path(failure.file).name
        name = Path(failure.file).as_posix() if name in used else name
        used.add(name)
        found.append((name, str(failure)))
    return found


def conditions(spectrum: Spectrum | None) -> Row:
    """Temperature and pressure in the units of results."""
    found: Row = {"temperature_C": None, "pressure_MPa": None}
    if spectrum is None:
        return found
    if spectrum.temperature is not None:
        found["temperature_C"] = round(float(shown("temperature", spectrum.temperature)), 6)
    if spectrum.pressure is not None:
        found["pressure_MPa"] = round(float(shown("pressure", spectrum.pressure)), 9)
    return found


def short(x: float | None, digits: int = 4) -> str:
    """Write a plain number of a table; a dash where there is none."""
    if x is None:
        return "–"
    return f"−{-x:.{digits}g}" if x < 0 else f"{x:.{digits}g}"


def gathered(flags: Mapping[str, Sequence[str]]) -> list[str]:
    """Flags of many spectra, those alike but for their numbers told once.

    >>> gathered({"a": ["n drifts by 3 %"], "b": ["n drifts by 5 %", "no area"]})
    ['n drifts by 3 % (a; likewise b)', 'no area (b)']
    """
    alike: dict[str, list[tuple[str, str]]] = {}
    for name, sentences in flags.items():
        for sentence in dict.fromkeys(sentences):
            key = re.sub(r"[-−+]?\d[\d.,]*(e[-+]?\d+)?", "#", sentence)
            alike.setdefault(key, []).append((name, sentence))
    found = []
    for members in alike.values():
        names = list(dict.fromkeys(name for name, _ in members))
        if len(flags) == 1:
            found += [sentence for _, sentence in members]
            continue
        same = len({sentence for _, sentence in members}) == 1
        if len(names) == len(flags) and (same or len(names) > _MANY):
            who = "all" if same else f"{names[0]}; likewise all others"
        elif same:
            who = _listed(names)
        else:
            who = f"{names[0]}; likewise {_listed(names[1:])}" if len(names) > 1 else names[0]
        found.append(f"{members[0][1]} ({who})")
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def plain_table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table in plain text."""
    wide = [max(len(line[k]) for line in [head, *cells]) for k in range(len(head))]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(line, wide, strict=True)).rstrip()
        for line in [head, *cells]
    ]


def as_json(row: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Write JSON without NaN, which it does not know."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False, indent=indent)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """One line each as CSV; columns are those of any row, empty where a row has none."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def provenance(spectra: Sequence[Spectrum], options: Mapping[str, Any]) -> Row:
    """What is needed to make the same numbers again, and where they are from."""
    files: dict[str, Row] = {}
    for name, spectrum in zip(named(spectra), spectra, strict=True):
        files[name] = {
            "file": spectrum.file,
            "sha256": _digest(Path(spectrum.file)) if spectrum.file else None,
            "area_m2": spectrum.area,
            "thickness_m": spectrum.thickness,
            "temperature_K": spectrum.temperature,
            "pressure_Pa": spectrum.pressure,
            "interfaces": spectrum.interfaces,
            "points": int(spectrum.used.size),
            "points_used": int(spectrum.used.sum()),
            "changes": list(spectrum.changes),
        }
    return {
        "dualyte": version("dualyte"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "numba")},
        "options": dict(options),
        "files": files,
    }


def write_provenance(
    spectra: Sequence[Spectrum],
    folder: Path,
    options: Mapping[str, Any] | None = None,
    *,
    written: Sequence[Path] = (),
) -> Path:
    """Write provenance.json, with the names of the files `written` beside it."""
    path = folder / "provenance.json"
    told = provenance(spectra, options or {}) | {"files_written": [each.name for each in written]}
    path.write_text(as_json(told, indent=2), encoding="utf-8")
    return path


def remove_former(folder: Path) -> None:
    """Remove what an earlier run says it wrote here, so that no file outlives its results."""
    try:
        told = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        names = [str(name) for name in told.get("files_written", [])]
    except (OSError, ValueError, AttributeError):
        return
    for name in names:
        if Path(name).name == name:
            (folder / name).unlink(missing_ok=True)


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def stem_of(name: str) -> str:
    """A name that can be part of the name of a file.

    >>> stem_of("a/cell 1.csv#2")
    'a_cell_1.csv_2'
    """
    return "".join(c if c.isalnum() or c in "-_.+" else "_" for c in name).strip(".")


def draw_all(figures: Sequence[Figure], folder: Path, progress: Tell | None = None) -> list[Path]:
    """Write every figure as PNG and PDF."""
    paths = []
    for k, figure in enumerate(figures):
        if progress is not None:
            progress(k, len(figures))
        paths += [folder / f"{figure.name}.{suffix}" for suffix in ("png", "pdf")]
        canvas = plot.draw(figure, paths[-2])
        canvas.set_layout_engine("none")  # the layout is found: finding it again takes as long
        canvas.savefig(paths[-1])
    if progress is not None and figures:
        progress(len(figures), len(figures))
    return paths
