"""Readers of compression runs: frames (Instron, MTS) and tables of any program."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.compression.record import Compression
from dualyte.measure.files.grid import Grid, grids
from dualyte.measure.files.sidecar import facts as facts_beside
from dualyte.vocabulary import Floats, checked, known, show, size

_MANY: Final = 5_000_000  # rows
_FEWEST: Final = 8
_LONE: Final = 0.05  # share of rows that may be lone jumps or void
#: facts that a compression run can use, and the row of the vocabulary each belongs to
FACTS: Final = {
    "diameter": "displacement", "mass": "mass", "density": "density", "thickness": "thickness",
}  # fmt: skip
#: column: patterns of its heading (without unit, ignoring case), the best first
_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        r"(test |running |run |elapsed )?time( \(?timed\)?)?", r"duration", r"t", r"(prüf)?zeit",
    ),
    "displacement": (
        r"(ch ?\d+ )?(corrected )?(compressive |compression |axial )?"
        r"(displacement|extension|stroke|deformation)( \d)?",
        r"(crosshead|cross-head|actuator|punch|piston|upper punch)?[ _]?(position|travel|stroke|"
        r"displacement|extension)", r"compression", r"crosshead",
        r"(traversen|standard|kolben)?weg", r"verformung", r"u",
    ),
    "force": (
        r"(ch ?\d+ )?(compressive |compression |axial |upper punch |punch |standard)?"
        r"(force|load)( \d)?", r"(load cell|force transducer)", r"(standard|prüf)?kraft", r"f",
    ),
    "pressure": (
        r"(confining|compaction|compression|axial|applied|die|punch|press)?[ _]?pressure",
        r"(compressive |axial )?stress", r"terzaghi pressure", r"druck", r"p",
    ),
    "height": (r"(sample |pellet |powder |bed |tablet |in-die )?(height|thickness)", r"gap", r"h"),
    "density": (
        r"interpolated fractional density",
        r"(relative|fractional|in-die|apparent|bulk|pellet|tablet)?[ _]?density",
        r"(solid|packing) fraction", r"dichte", r"rho|ρ|d",
    ),
    "porosity": (r"porosity", r"void fraction"),
    "strain": (r"volum(e|etric)[ _](plastic )?strain", r"plastic volumetric strain"),
}  # fmt: skip
_WORDS: Final = {
    "time": "time", "displacement": "displacement", "force": "force", "pressure": "pressure",
    "height": "displacement", "density": "density",
}  # fmt: skip
_SPELLED: Final = {
    "sec": "s", "secs": "s", "seconds": "s", "second": "s", "minutes": "min", "hr": "h",
    "hrs": "h", "hours": "h", "days": "day", "d": "day", "g/cc": "g/cm3", "g/cm³": "g/cm3",
    "g/cm^3": "g/cm3", "kg/m³": "kg/m3", "kg/m^3": "kg/m3", "n": "N", "kn": "kN", "mpa": "MPa",
    "gpa": "GPa", "kpa": "kPa", "pa": "Pa", "n/mm2": "MPa", "N/mm2": "MPa", "N/mm²": "MPa",
    "N/mm^2": "MPa", "inches": "in", "kp": "kgf", "um": "um", "µm": "um", "μm": "um",
}  # fmt: skip
_SUFFIX: Final = re.compile(
    r"(?P<name>.*\w)[ _](?P<unit>s|sec|min|h|mm|um|µm|m|kN|N|MPa|GPa|kPa|Pa|bar|psi|g_cm3|kg_m3)"
)
_SHARES: Final = frozenset({"", "-", "1", "frac", "fraction"})
_INSTRON: Final = re.compile(
    r'^"?Time"?[,;\t][^\n]*"?(Load|Force)\b[^\n]*\r?\n"?\(s(ec)?\)"?[,;\t][^\n]*\(k?N\)',
    re.MULTILINE,
)
_MTS: Final = re.compile(
    r"^(Ch \d+ )?Displacement[^\n]*\t(Ch \d+ )?Force[^\n]*\r?\n[^\n\t]+\t[^\n\t]+\t", re.MULTILINE
)
_LETTER: Final = re.compile(
    r"(F\s*[\[(/]\s*k?N|[uh]\s*[\[(/]\s*[mu]?m|P\s*[\[(/]\s*[kMG]?Pa|D\s*[\[(/]\s*%)\s*[\])]?",
    re.IGNORECASE,
)
_NEVER: Final = re.compile(
    r"voltage|current|potential|ecell|impedance|freq|capacity|depth|indent|tip area|binding|"
    r"kinetic|counts|2[- ]?theta|intensity|resistance|z'|[(\[/ ][mµμu]N\b",
    re.IGNORECASE,
)


def looks_like(path: Path, head: bytes) -> str | None:
    r"""Name of the format, if the first bytes of a file are those of a compression run.

    >>> looks_like(Path("a.csv"), b"Time,Extension,Load\n(s),(mm),(N)\n")
    'Instron Bluehill csv'
    """
    text = _plain(head)
    if text is None:
        return None
    if _INSTRON.search(text):
        return "Instron Bluehill csv"
    if _MTS.search(text) and not _NEVER.search(_heading(text, _MTS)):
        return "MTS text"
    for line in text.splitlines()[:60]:
        if _is_heading(line):
            return "compression table"
    return None


def _plain(head: bytes) -> str | None:
    """Bytes as text, or None where they are none."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
    else:
        if b"\x00" in head:
            return None
        text = head.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _heading(text: str, pattern: re.Pattern[str]) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


def _is_heading(line: str) -> bool:
    """Whether a line holds headings of a compression run: what pressed, and how far."""
    cells = [c.strip().strip('"') for c in re.split(r"[,;\t]", line) if c.strip()]
    if not 2 <= len(cells) <= 40 or _NEVER.search(line):
        return False
    bare = [(_without_unit(cell), cell) for cell in cells]
    # a letter alone may be anything: then the unit has to say it
    roles = {_role(n) for n, cell in bare if len(n) > 1 or _LETTER.fullmatch(cell)}
    pressed = roles & {"force", "pressure"}
    moved = roles & {"displacement", "height", "density", "porosity", "strain"}
    moved |= {name for name, _ in bare if name == "D"}
    return bool(pressed and moved) or {"time", "density"} <= roles


def _without_unit(cell: str) -> str:
    bare = re.sub(r"\s*([\[(][^\])]*[\])]+|/\s*\S+)\s*$", "", cell.strip()).strip()
    found = _SUFFIX.fullmatch(bare)
    return found["name"] if found else bare


def _role(name: str) -> str:
    for role, patterns in _HEADINGS.items():
        if any(re.fullmatch(p, name.replace("_", " "), re.IGNORECASE) for p in patterns):
            return role
    return ""


# ---------------------------------------------------------------- reading


def read_compression(
    path: str | Path,
    *,
    force_column: str | None = None,
    force_gain: float | None = None,
    force_offset: float = 0.0,
) -> Compression:
    """Read a compression run: Instron, MTS, or any table with headings and units.

    Parameters
    ----------
    path
        Text file with a force or pressure, and a displacement, height, density or strain; or a
        time and a density.
    force_column
        Heading of the column that holds the force, for example that of an external load cell.
    force_gain
        N per unit of that column, such as N/V. Without it, its unit must be one of force.
    force_offset
        N, added after the gain.

    Returns
    -------
    Compression
        SI; force and displacement positive on loading.

    Raises
    ------
    InputError
        If a column or unit is missing or unknown, or a number is implausible.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    said: list[str] = []
    grid = _table(grids(path), said)
    if len(grid) > _MANY:
        raise InputError(f"{path.name} has {len(grid)} rows; give {_MANY} or fewer")
    columns = _columns(grid, said, force_column)
    if force_column is not None:
        columns["force"] = _channel(grid, force_column, force_gain, force_offset, said)
    columns = _clean(grid, columns, said)
    columns = _signs(columns, said)
    _plausible(path.name, columns)
    facts = {name: fact.value for name, fact in facts_beside(path).items() if name in FACTS}
    return Compression(
        **columns, name=path.stem, file=path.name, form=_form(path), facts=facts,
        changes=tuple(said),
    )  # fmt: skip


def _form(path: Path) -> str:
    with path.open("rb") as file:
        return looks_like(path, file.read(65536)) or "compression table"


def _table(found: list[Grid], said: list[str]) -> Grid:
    """The table with a run, and what goes on below it; the longest where there are several."""
    fit: list[Grid] = []
    for grid in found:
        if grid.names:
            fit += [grid] if _has_run(grid) else []
        elif fit:
            fit[-1] = _joined(fit[-1], grid)
    if not fit:
        heads = ", ".join(next((g.headings for g in found if g.headings), ())) or "none"
        raise InputError(
            f"{found[0].name}, line {found[0].first_line}: among the headings ({heads}) are no "
            "force or pressure with a displacement, height or density; name the columns, such as "
            "'Displacement (mm)' and 'Force (N)'"
        )
    best = max(fit, key=len)
    if len(fit) > 1:
        said.append(f"the file holds {len(fit)} tables; used the longest, of {len(best)} rows")
    said += best.changes
    return best


def _joined(upper: Grid, lower: Grid) -> Grid:
    """A table and what stands below it without headings of its own.

    Raises
    ------
    InputError
        If it has other columns, so that it may be a part of the run that cannot be read.
    """
    at = f"{upper.name}, line {lower.first_line}"
    kinds = [column.dtype for column in upper.columns]
    if [column.dtype for column in lower.columns] != kinds:
        raise InputError(
            f"{at}: {len(lower)} rows of {len(lower.columns)} cells follow below a table of "
            f"{len(kinds)}; the file is damaged, or needs headings there"
        )
    columns = [np.concatenate(pair) for pair in zip(upper.columns, lower.columns, strict=True)]
    note = f"joined the rows from line {lower.first_line} on to those above: no headings in between"
    changes = (*upper.changes, note, *lower.changes)
    return replace(upper, columns=tuple(columns), changes=changes)


def _has_run(grid: Grid) -> bool:
    roles = set(_roles(grid))
    return bool(roles & {"displacement", "height", "density", "porosity", "strain"})


def _roles(grid: Grid) -> dict[str, int]:
    """Index of the column of each role; the first pattern that fits anything decides."""
    found: dict[str, int] = {}
    bare = [_without_unit(name).replace("_", " ").strip() for name in grid.names]
    for role, patterns in _HEADINGS.items():
        for pattern in patterns:
            fits = [
                k for k, name in enumerate(bare)
                if re.fullmatch(pattern, name, re.IGNORECASE) and k not in found.values()
                and grid.columns[k].dtype == np.float64 and _meant(grid, k, name, role)
            ]  # fmt: skip
            if fits:
                found[role] = fits[0]
                break
    return found


def _meant(grid: Grid, k: int, name: str, role: str) -> bool:
    """Whether a heading of one letter has the unit of the role; T may be a temperature."""
    if len(name) > 1:
        return True
    unit = _unit(grid, k)
    if role == "density" and name == "D":
        return unit in (*_SHARES, "%")
    return bool(unit) and _factor(unit, _WORDS[role]) is not None


def _unit(grid: Grid, k: int) -> str:
    unit = grid.units[k].strip() if grid.units else ""
    if not unit and (found := _SUFFIX.fullmatch(grid.names[k])):
        unit = found["unit"].replace("g_cm3", "g/cm3").replace("kg_m3", "kg/m3")
    return _SPELLED.get(unit, _SPELLED.get(unit.lower(), unit))


@cache
def _factor(unit: str, word: str) -> float | None:
    try:
        return float(size(unit, word))
    except Exception:  # pint raises many kinds; all mean that the unit does not fit
        return None


def _columns(grid: Grid, said: list[str], other: str | None) -> dict[str, Floats]:
    """Columns in SI by their role."""
    columns: dict[str, Floats] = {}
    for role, k in _roles(grid).items():
        if role == "force" and other is not None:
            continue
        values, unit = grid.column(k), _unit(grid, k)
        heading = grid.headings[k]
        if role in ("porosity", "strain") or (role == "density" and unit in (*_SHARES, "%")):
            share = _share(grid, heading, values, unit, role)
            name = {"density": "relative_density", "porosity": "relative_density"}.get(role, role)
            columns.setdefault(name, 1 - share if role == "porosity" else share)
            continue
        factor = _factor(unit, _WORDS[role]) if unit else None
        if factor is None:
            what = f"no unit that a {role} has" if unit else "no unit"
            raise InputError(
                f"{grid.name}, line {max(grid.first_line - 1, 1)}: the column {heading!r} has "
                f"{what}{f' ({unit})' if unit else ''}; name it with one, such as "
                f"'{grid.names[k]} ({known(_WORDS[role]).shown})'"
            )
        columns["bulk_density" if role == "density" else role] = values * factor
    return columns


def _share(grid: Grid, heading: str, values: Floats, unit: str, role: str) -> Floats:
    """A density, porosity or strain without dimension."""
    share = values / 100 if unit == "%" else values
    top = float(np.nanmax(np.abs(share))) if np.isfinite(share).any() else np.nan
    if role != "strain" and not (0 < top <= 1.2 and np.nanmin(share) > -0.05):
        raise InputError(
            f"{grid.name}: the column {heading!r} reaches {top:.4g}, which is no share of the "
            "full density; give its unit, such as % or g/cm3"
        )
    return np.asarray(share)


def _channel(grid: Grid, column: str, gain: float | None, offset: float, said: list[str]) -> Floats:
    """The force from a column that the caller names."""
    both = zip(grid.headings, grid.names, strict=True)
    k = next((i for i, (h, n) in enumerate(both) if column.strip() in (h.strip(), n.strip())), None)
    if k is None:
        raise InputError(f"{grid.name} has no column {column!r}; it has {', '.join(grid.headings)}")
    if gain is None:
        gain = _factor(_unit(grid, k), "force") if _unit(grid, k) else None
    if gain is None or not np.isfinite(gain) or gain == 0:
        raise InputError(
            f"{grid.name}: the column {column!r} has no unit of force; give force_gain, in N per "
            f"{_unit(grid, k) or 'unit of the column'}"
        )
    said.append(f"took the force from {grid.names[k]!r}, {gain:g} N per {_unit(grid, k) or 'unit'}")
    raw = grid.column(k) * gain
    down = abs(np.nanmin(raw)) > abs(np.nanmax(raw))
    return np.asarray((-raw if down else raw) + offset)


def _clean(grid: Grid, columns: dict[str, Floats], said: list[str]) -> dict[str, Floats]:
    """Leave out rows that lack a number, and lone jumps; refuse many of them."""
    keep = np.ones(len(grid), dtype=np.bool_)
    for values in columns.values():
        keep &= np.isfinite(values)
    lost = int((~keep).sum())
    if lost:
        said.append(f"left out {lost} of {keep.size} rows in which a number is missing")
    for role in ("force", "displacement", "pressure", "height", "relative_density"):
        if role in columns:
            lone = _lone(columns[role], keep, travel=role == "displacement")
            if lone.any():
                row = int(np.argmax(lone)) + 1
                said.append(
                    f"left out {int(lone.sum())} rows where {role} jumps and comes back at once, "
                    f"the first in row {row} of the table"
                )
                keep &= ~lone
    if (keep.size - keep.sum()) > max(_LONE * keep.size, 1):
        raise InputError(
            f"{grid.name}: {keep.size - int(keep.sum())} of {keep.size} rows lack a number or "
            "jump; export the run again"
        )
    if keep.sum() < 3:
        raise InputError(f"{grid.name} has {int(keep.sum())} rows; a run has {_FEWEST} or more")
    return {role: values[keep] for role, values in columns.items()}


def _lone(values: Floats, keep: npt.NDArray[np.bool_], *, travel: bool) -> npt.NDArray[np.bool_]:
    """Single rows far off both neighbours that agree: no press moves like that."""
    out = np.zeros(values.size, dtype=np.bool_)
    rows = np.flatnonzero(keep)
    for _ in range(8):
        if rows.size < 30:
            break
        v = values[rows]
        span = float(np.ptp(v) if travel else np.abs(v).max())
        off = np.abs(v[1:-1] - (v[:-2] + v[2:]) / 2) > 0.2 * span
        lone = np.concatenate([[False], off & (np.abs(v[2:] - v[:-2]) < 0.05 * span), [False]])
        if travel:  # a force may fall at once in the last row, a punch does not
            jump, calm = np.abs(np.diff(v)) > 0.2 * span, np.abs(np.diff(v)) < 0.05 * span
            lone[0], lone[-1] = jump[0] and calm[1], jump[-1] and calm[-2]
        if not lone.any():
            break
        out[rows[lone]] = True
        rows = rows[~lone]
    return out


def _signs(columns: dict[str, Floats], said: list[str]) -> dict[str, Floats]:
    """Force, pressure and displacement as growing on loading."""
    out = dict(columns)
    for role in ("force", "pressure"):
        if role in out and abs(out[role].min()) > abs(out[role].max()):
            out[role] = -out[role]
            said.append(f"turned the sign of {role} round: compression counts as positive")
    pressed = out.get("force", out.get("pressure"))
    if "displacement" in out and pressed is not None:
        u = out["displacement"]
        top = int(np.argmax(pressed))
        begin = u[0] if top else u[-1]
        if top and u[top] < begin:
            out["displacement"] = -u
            said.append("turned the sign of displacement round: it grows on loading")
    if "strain" in out and abs(out["strain"].min()) > abs(out["strain"].max()):
        out["strain"] = -out["strain"]
        said.append("turned the sign of the volumetric strain round: it grows on densification")
    if "time" in out:
        out["time"] = out["time"] - out["time"][0]
    return out


_BOUNDS: Final[Sequence[tuple[str, str, float, float]]] = (
    ("force", "force", 1e-3, 1e8),
    ("displacement", "displacement", 1e-7, 1.0),
    ("pressure", "pressure", 1e3, 1e10),
)


def _plausible(name: str, columns: Mapping[str, Floats]) -> None:
    """Refuse numbers that are wrong by powers of ten."""
    for role, word, low, high in _BOUNDS:
        if role not in columns:
            continue
        values = columns[role]
        reach = float(np.ptp(values)) if role == "displacement" else float(values.max())
        if not low <= reach <= high:
            what = "a travel" if role == "displacement" else f"a largest {role}"
            raise InputError(
                f"{name}: {what} of {show(word, reach)} is not plausible "
                f"({show(word, low)} … {show(word, high)}); check the unit and the decimal marks"
            )
    heights = columns.get("height")
    if heights is not None and not (heights.min() > 1e-6 and heights.max() < 1):
        low, high = heights.min(), heights.max()
        raise InputError(
            f"{name}: heights from {low:.3g} m to {high:.3g} m are not plausible; check the unit"
        )
    with suppress(KeyError):
        checked("density", columns["bulk_density"])
