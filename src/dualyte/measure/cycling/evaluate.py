"""Cycler files to the study's numbers: capacity, efficiency, retention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.cycles import Cycles
from dualyte.errors import DualyteError, InputError, ValidityError
from dualyte.material import Value
from dualyte.measure.cycling.average import CAPACITY, Per, average_cycles, per_what, sized
from dualyte.measure.cycling.count import ACTIVATION, PARTIAL, cycles_of
from dualyte.measure.cycling.features import half_of, inflection, plateaus
from dualyte.measure.cycling.stitch import goes_on, stitch
from dualyte.measure.files.record import Record
from dualyte.measure.files.sidecar import Fact, facts
from dualyte.measure.result import Evaluation, FileFailure, Tell, each_file, measured
from dualyte.vocabulary import show, shown

_MOST_PLATEAUS: Final = 4
_SHAPE: Final = ("inflection", "plateau")
_ALIKE: Final = 0.03  # V: plateaus of replicates farther apart are not the same
_FACTS: Final = (
    "mass", "area", "temperature", "pressure", "first", "reservoir_free", "activation", "stack",
    "mask",
)  # fmt: skip


def measure_cycling(
    paths: Sequence[str | Path],
    *,
    mass: float | None = None,
    area: float | None = None,
    temperature: float | None = None,
    pressure: float | None = None,
    first: str | None = None,
    reservoir_free: bool | None = None,
    activation: str | None = None,
    stack: str | None = None,
    mask: str | None = None,
    numbering: str = "auto",
    stitched: bool | None = None,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Evaluate cycler files of one cell, or of replicate cells.

    Parameters
    ----------
    paths
        Files of any cycler. What is not given here is taken from the sidecar of each file, then
        from the file itself.
    mass
        Of cathode active material [kg].
    area
        Of the electrode [m²].
    temperature
        Of the cell [K].
    pressure
        Stack pressure [Pa] of cycles that `stack` does not name.
    first
        What a cycle begins with, `charge` or `discharge`.
    reservoir_free
        Whether all lithium comes from the cathode.
    activation
        Activation cycles, such as `"0"`.
    stack
        Stack pressures, such as `"1-5: 7 MPa; 6-10: 5 MPa"`.
    mask
        Cycles to leave out, such as `"7, 12-14"`.
    numbering
        `auto`, `file` or `own`; see `cycles_of`.
    stitched
        Whether all files are parts of one cell. By default those are whose time and cycle
        numbers go on.
    raise_errors
        Whether the first bad file raises.
    progress
        Told how many files are read, of how many.

    Returns
    -------
    Evaluation
        Results of one cell, or means over replicate cells with the standard deviation between
        them; `detail` is a tuple of Cycles, `table` has one row per cycle and cell.

    Raises
    ------
    InputError
        If no file can be evaluated.
    """
    from dualyte.measure.files.cyclers import read_records

    batch = each_file(
        paths, lambda path: list(read_records([path])), raise_errors=raise_errors,
        progress=progress,
    )  # fmt: skip
    told = _told(
        mass=mass, area=area, temperature=temperature, pressure=pressure, first=first,
        reservoir_free=reservoir_free, activation=activation,
        stack=None if stack is None else _stack(stack),
        mask=None if mask is None else [{"cycles": mask, "why": "asked for"}],
    )  # fmt: skip
    pairs = [(path, record) for path, records in batch.made for record in records]
    failures = list(batch.failures)
    cells: list[tuple[str, Cycles]] = []
    files: list[str] = []
    changed: list[str] = []
    for parts in _grouped(pairs, stitched):
        try:
            group, cell, said = _cell(parts, told, numbering)
        except DualyteError as error:
            if raise_errors:
                raise
            failures.append(FileFailure(file=parts[0][0].name, why=str(error)))
            continue
        cells.append((group, cell))
        files += [path.name for path, _ in parts]
        changed += [f"{cell.title}: {change}" for change in said]
    if not cells:
        raise InputError(failures[0].why if failures else "no record is in these files")
    return Evaluation(
        kind="cycling",
        files=tuple(dict.fromkeys(files)),
        changed=tuple(changed),
        failures=tuple(failures),
        detail=tuple(cell for _, cell in cells),
        stopped=batch.stopped,
        made_from=tuple(cell for _, cell in cells),
        **_answers(cells),
    )


def _told(**said: Any) -> dict[str, Any]:  # noqa: ANN401 (options of many types)
    return {name: value for name, value in said.items() if value is not None}


def _stack(text: str) -> list[dict[str, str]]:
    """Read `1-5: 7 MPa; 6-10: 5 MPa`."""
    found = []
    for part in text.split(";"):
        if not part.strip():
            continue
        cycles, colon, held = part.partition(":")
        if not colon:
            raise InputError(f'stack: {part.strip()!r}; write such as "1-5: 7 MPa; 6-10: 5 MPa"')
        found.append({"cycles": cycles.strip(), "pressure": held.strip()})
    return found


_Part = tuple[Path, Record]


def _grouped(pairs: Sequence[_Part], stitched: bool | None) -> list[list[_Part]]:
    """Records that belong to one cell."""
    if stitched:
        return [list(pairs)]
    if stitched is False:
        return [[pair] for pair in pairs]
    out: list[list[_Part]] = []
    for pair in sorted(pairs, key=lambda p: float(p[1].time[0])):
        home = next((g for g in out if goes_on(g[-1][1], pair[1])), None)
        if home is None:
            out.append([pair])
        else:
            home.append(pair)
    place = {id(record): k for k, (_, record) in enumerate(pairs)}
    return sorted(out, key=lambda g: place[id(g[0][1])])


def _cell(
    parts: Sequence[_Part], told: Mapping[str, Any], numbering: str
) -> tuple[str, Cycles, tuple[str, ...]]:
    """Group, cycles and what was changed, of the records of one cell."""
    beside: dict[str, Fact] = {}
    for path, _ in reversed(parts):
        beside |= facts(path)
    names = list(dict.fromkeys(path.stem for path, _ in parts))
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    own = parts[0][1].name
    if len(parts) == 1 and own not in ("", name, parts[0][0].name):
        name = f"{name}, {own}"  # one of several records of a file
    record = stitch([r for _, r in parts], name=name)
    options = {n: beside[n].value for n in _FACTS if n in beside} | dict(told)
    group = str(beside["group"].value) if "group" in beside else ""
    cell = cycles_of(record, numbering=numbering, name=name, **options)  # type: ignore[arg-type]  # cycles_of checks it
    return group, cell, record.changes


# --- results ---


def _answers(cells: Sequence[tuple[str, Cycles]]) -> dict[str, Any]:
    """Results, warnings and table of all cells."""
    groups: dict[str, list[Cycles]] = {}
    for group, cell in cells:
        groups.setdefault(group, []).append(cell)
    results: dict[str, Value] = {}
    warnings: list[str] = []
    for group, members in groups.items():
        suffix = "" if len(groups) == 1 else f"_{_plain(group) or 'others'}"
        found, said = _results(members)
        results |= {f"{name}{suffix}": value for name, value in found.items()}
        warnings += said
    alone = sum(not group for group, _ in cells)
    if alone > 1:
        warnings.append(
            f"{alone} cells without a group are taken for replicates and averaged; write "
            'group = "…" into the sidecars of those that are not'
        )
    rows = [row for group, cell in cells for row in _rows(group, cell)]
    return {"results": results, "warnings": tuple(warnings), "table": rows}


def _results(cells: Sequence[Cycles]) -> tuple[dict[str, Value], list[str]]:
    """Results of replicate cells, and warnings."""
    said = [f"{cell.title}: {flag}" for cell in cells for flag in cell.flags]
    per = per_what(cells)
    if per == "cell":
        said.append(f"{cells[0].title}: no mass and no area is given, so capacities are in mAh")
    if len({cell.first for cell in cells}) > 1:
        average_cycles(cells)  # refuses, and names them
    numbers = [_of_one(cell, per, said) for cell in cells]
    ends = {int(cell.cycle[k[-1]]) for cell in cells if (k := _counted(cell)[0]).size}
    if len(ends) > 1:
        said.append(
            f"the replicates end with different cycles, {', '.join(map(str, sorted(ends)))}: the "
            "last cycle, retention and ce_mean are averaged over unequal numbers of cycles"
        )
    found: dict[str, Value] = {}
    for name in dict.fromkeys(n for of in numbers for n in of):
        have = [of[name] for of in numbers if name in of]
        quantity, where = have[0].quantity, have[0].where
        if len(have) > 1:
            mean = float(np.mean([v.si for v in have]))
            spread = float(np.std([v.si for v in have], ddof=1))
            if name.startswith(_SHAPE):  # every cell's own error is of the method, and shared
                own = float(np.sqrt(np.mean([v.spread**2 for v in have])))
                if name.startswith("plateau") and (len(have) < len(cells) or spread > _ALIKE):
                    continue  # not the same plateau
                spread = float(np.hypot(spread, own))
            alike = len({v.where.partition(", ")[2] for v in have}) == 1
            where = where.partition(", ")[2] if alike else f"{where} and so on"
            where = f"{where}; mean of {len(have)} cells, standard deviation between them"
            note = "" if have[0].note.startswith("spread") else have[0].note  # that of one cell
            found[name] = measured(quantity, mean, spread, where=where, note=note)
        else:
            found[name] = have[0]
    return found, said


def _counted(cell: Cycles) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Places of the whole cycles after activation, and of the whole activation cycles."""
    active = np.array([tag == ACTIVATION for tag in cell.tag], dtype=np.bool_)
    partial = np.array([tag == PARTIAL for tag in cell.tag], dtype=np.bool_)
    whole = cell.whole & ~partial
    return np.flatnonzero(whole & ~active), np.flatnonzero(whole & active)


def _of_one(cell: Cycles, per: Per, said: list[str]) -> dict[str, Value]:
    """Results of one cell."""
    title = cell.title
    found: dict[str, Value] = {}
    cycling, starting = _counted(cell)

    def put(name: str, quantity: str, si: Any, spread: Any, where: str, note: str = "") -> None:  # noqa: ANN401 (numbers)
        found[name] = measured(quantity, float(si), spread, where=f"{title}, {where}", note=note)

    capacity = CAPACITY[per]
    ends = {"activation": starting[:1], "first": cycling[:1], "last": cycling[-1:]}
    for label, places in ends.items():
        for k in places.tolist():
            at = f"cycle {cell.cycle[k]}"
            for way in ("charge", "discharge"):
                size = sized(cell, getattr(cell, way)[k], per)
                put(f"{way}_capacity_{label}", capacity, size, None, at)
            put(f"ce_{label}", "efficiency", cell.ce[k], None, at, _denominator(cell))
    if not cycling.size and not starting.size:
        said.append(f"{title}: no cycle is whole, so that there is no efficiency")
        for way in ("charge", "discharge"):
            y = getattr(cell, way)
            if (some := np.flatnonzero(y > 0)).size:
                at = f"cycle {cell.cycle[some[0]]}, which is not whole"
                put(f"{way}_capacity_first", capacity, sized(cell, y[some[0]], per), None, at)
        return found
    if cycling.size:
        ce = cell.ce[cycling]
        put("ce_mean", "efficiency", ce.mean(), _error(ce), _mean_of(cycling.size),
            "spread: standard error over cycles")  # fmt: skip
    if cycling.size > 1:
        kept = cell.discharge[cycling[-1]] / cell.discharge[cycling[0]]
        at = f"discharge of cycle {cell.cycle[cycling[-1]]} over that of"
        put("retention", "per_cent", kept, None, f"{at} cycle {cell.cycle[cycling[0]]}")
        if starting.size:
            kept = cell.discharge[cycling[-1]] / cell.discharge[starting[0]]
            at += f" activation cycle {cell.cycle[starting[0]]}"
            put("retention_vs_activation", "per_cent", kept, None, at)
    for held in dict.fromkeys(cell.pressure[cycling][np.isfinite(cell.pressure[cycling])].tolist()):
        mine = cycling[cell.pressure[cycling] == held]
        name = f"{float(shown('pressure', held)):g}MPa".replace(".", "_")
        at = f"{_mean_of(mine.size)} at {show('pressure', held)}"
        y = sized(cell, cell.discharge[mine], per)
        note = "spread: standard deviation over cycles"
        put(f"discharge_capacity_{name}", capacity, y.mean(), _scatter(y), at, note)
        put(f"ce_{name}", "efficiency", cell.ce[mine].mean(), _scatter(cell.ce[mine]), at, note)
    begin = min(k[0] for k in (cycling, starting) if k.size)
    _shapes(cell, int((cycling if cycling.size else starting)[0]), int(begin), put)
    return found


def _shapes(cell: Cycles, cycle: int, begin: int, put: Any) -> None:  # noqa: ANN401 (a function)
    """Knee of the first discharge after activation, plateaus of the first half of all."""
    number = int(cell.cycle[cycle])
    try:
        knee = inflection(half_of(cell, number, "discharge"))
    except (InputError, ValidityError):
        pass  # too short, or bent otherwise: it has no knee
    else:
        at = f"knee of the discharge of cycle {number}"
        put("inflection_depth", "per_cent", knee.depth, knee.depth_spread, at,
            "share of the discharge passed where voltage lies farthest above the line from half "
            "depth to the end")  # fmt: skip
        put("inflection_voltage", "voltage", knee.voltage, knee.voltage_spread, at)
    number = int(cell.cycle[begin])
    try:
        found = plateaus(half_of(cell, number, cell.first))
    except InputError:
        return
    if len(found) <= _MOST_PLATEAUS:
        for k, plateau in enumerate(found, 1):
            at = f"peak of dQ/dV, {cell.first} of cycle {number}, {100 * plateau.share:.0f} % of it"
            put(f"plateau_{k}", "voltage", plateau.voltage, plateau.spread, at)


def _denominator(cell: Cycles) -> str:
    other = "discharge" if cell.first == "charge" else "charge"
    return f"{other} over {cell.first}, which comes first"


def _mean_of(many: int) -> str:
    return "one cycle" if many == 1 else f"mean of {many} cycles"


def _error(y: npt.NDArray[np.float64]) -> float | None:
    return float(np.std(y, ddof=1) / np.sqrt(y.size)) if y.size > 1 else None


def _scatter(y: npt.NDArray[np.float64]) -> float | None:
    return float(np.std(y, ddof=1)) if y.size > 1 else None


def _plain(group: str) -> str:
    return re.sub(r"\W+", "_", group).strip("_")


def _rows(group: str, cell: Cycles) -> Iterable[dict[str, Any]]:
    """One row per cycle, in shown units."""
    known = {"charge": cell.charge, "discharge": cell.discharge}
    for k, number in enumerate(cell.cycle.tolist()):
        row: dict[str, Any] = {"cell": cell.title}
        if group:
            row["group"] = group
        row["cycle"] = number
        for way, y in known.items():
            row[f"{way}_mAh"] = float(shown("capacity", y[k]))
        if cell.mass:
            for way, y in known.items():
                row[f"{way}_mAh_g"] = float(shown("specific_capacity", y[k] / cell.mass))
        if cell.area:
            for way, y in known.items():
                row[f"{way}_mAh_cm2"] = float(shown("areal_capacity", y[k] / cell.area))
        ce, held = float(cell.ce[k]), float(shown("pressure", cell.pressure[k]))
        row["ce_percent"] = 100 * ce if np.isfinite(ce) else None
        row["pressure_MPa"] = held if np.isfinite(held) else None
        row["tag"] = cell.tag[k]
        row["used"] = bool(cell.used[k])
        yield row
