"""Figures of cycled cells: capacity and efficiency, voltage curves, incremental capacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from dualyte.cycles import Cycles
from dualyte.errors import DualyteError, InputError
from dualyte.measure.cycling import CyclesMean, average_cycles, half_of, inflection
from dualyte.measure.result import Evaluation
from dualyte.plot.bands import held_pressures, pressure_bands
from dualyte.plot.figure import Figure, Series, Style
from dualyte.vocabulary import Floats, known, pretty, show, shown

_MOST_CURVES: Final = 6
_BINS: Final = 150
_WORD: Final = {"mass": "specific_capacity", "area": "areal_capacity", "cell": "capacity"}
_GREY: Final = 6  # colour of what is left out


def cycling_figures(found: Evaluation) -> list[Figure]:
    """Every figure that a reader expects of cycled cells."""
    cells: Sequence[Cycles] = found.detail
    by_group: dict[str, list[Cycles]] = {}
    groups = {row["cell"]: str(row.get("group", "")) for row in found.table}
    for cell in cells:
        by_group.setdefault(groups.get(cell.title, ""), []).append(cell)
    figures = []
    for k, (group, members) in enumerate(by_group.items(), 1):
        mark = "" if len(by_group) == 1 else f"_{k}"
        title = group or (members[0].title if len(members) == 1 else f"{len(members)} cells")
        if any(cell.whole.any() for cell in members):
            figures.append(capacity_figure(members, name=f"cycling_capacity{mark}", title=title))
        cell = members[0]
        figures.append(voltage_figure(cell, name=f"cycling_voltage{mark}"))
        if (derived := dqdv_figure(cell, name=f"cycling_dqdv{mark}")) is not None:
            figures.append(derived)
    return figures


def capacity_figure(
    cells: Sequence[Cycles], *, name: str = "cycling_capacity", title: str = ""
) -> Figure:
    """Capacity and Coulombic efficiency against cycle, stack pressures as bands behind.

    Parameters
    ----------
    cells
        Replicates. Mean and standard deviation are drawn of two or more.
    """
    mean = average_cycles(cells)
    word = known(_WORD[mean.per])
    first = cells[0].first
    back, spread = (
        (mean.discharge, mean.discharge_spread)
        if first == "charge"
        else (mean.charge, mean.charge_spread)
    )
    y, dy = (shown(_WORD[mean.per], x) for x in (back, spread))
    ce, dce = 100 * mean.ce, 100 * mean.ce_spread
    good = mean.count > 0
    low, high = _span(cells[0], mean, ce)
    room = 0.08 * (high - low)
    ce_limits = (low - room, high + room)
    top = 1.08 * float(np.nanmax(y[good] + np.nan_to_num(dy[good]))) if good.any() else 1.0
    panels = [
        Figure(
            name="", x="cycle", y=f"{_way(first)} / {pretty(word.shown)}", y_limits=(0.0, top),
            series=[
                *pressure_bands(mean.cycle, mean.pressure, (0.0, top)),
                *_marked(cells, mean, y, dy),
            ],
        ),
        Figure(
            name="", x="cycle", y="CE / %", y_limits=ce_limits,
            series=[
                *pressure_bands(mean.cycle, mean.pressure, ce_limits),
                *_marked(cells, mean, ce, dce, names=False),
                *_below(mean, ce, ce_limits[0]),
            ],
        ),
    ]  # fmt: skip
    told = title if len(cells) == 1 else f"{title}, {len(cells)} cells, mean and s.d."
    return Figure(name=name, x="cycle", y="", title=told, legend="above", height=1.0, panels=panels)


def _span(cell: Cycles, mean: CyclesMean, ce: Floats) -> tuple[float, float]:
    """Efficiencies to show; activation loses so much that it would flatten all others."""
    good = np.isfinite(ce)
    tags = dict(zip(cell.cycle.tolist(), cell.tag, strict=True))
    begin = int(np.argmax(good)) if good.any() else 0
    late = good & np.array([tags.get(n) != "activation" for n in mean.cycle.tolist()])
    late[begin] &= good.sum() < 3
    kept = ce[late] if late.any() else ce[good]
    if not kept.size:
        return 99.0, 100.0
    return max(min(float(kept.min()), 99.0), 50.0), min(max(float(kept.max()), 100.0), 120.0)


def _below(mean: CyclesMean, ce: Floats, floor: float) -> list[Series]:
    """What lies below the axis, at its edge."""
    gone = np.isfinite(ce) & (ce < floor)
    if not gone.any():
        return []
    told = f"{ce[gone].min():.0f}" if gone.sum() == 1 else f"{ce[gone].min():.0f} or more"
    edge = np.full(int(gone.sum()), floor + 0.02 * (100 - floor))
    name = f"below the axis ({told} %)"
    return [Series(x=mean.cycle[gone], y=edge, style="bounds", colour=_GREY, name=name)]


def _way(first: str) -> str:
    return "discharge" if first == "charge" else "charge"


def _marked(
    cells: Sequence[Cycles], mean: CyclesMean, y: Floats, dy: Floats, *, names: bool = True
) -> list[Series]:
    """Points by pressure, and what was left out of one cell in open grey."""
    out = []
    pressures: list[float | None] = [*held_pressures(mean.pressure)]
    unknown = ~np.isfinite(mean.pressure)
    if (unknown & (mean.count > 0)).any():
        pressures.append(None)
    for colour, held in enumerate(pressures):
        at = unknown if held is None else mean.pressure == held
        mine = np.flatnonzero(at & (mean.count > 0))
        if not mine.size:
            continue
        bars = np.isfinite(dy[mine]).any()
        d = np.nan_to_num(dy[mine])
        told = "" if not names else "" if held is None else show("pressure", held)
        out.append(
            Series(
                x=mean.cycle[mine], y=y[mine], style="points", name=told, colour=colour,
                low=y[mine] - d if bars else None, high=y[mine] + d if bars else None,
                marker="os^Dv"[colour % 5],
            )
        )  # fmt: skip
    if names and len(cells) == 1 and (out_of := _left_out(cells[0], mean)) is not None:
        out.append(out_of)
    return out


def _left_out(cell: Cycles, mean: CyclesMean) -> Series | None:
    y = shown(_WORD[mean.per], cell.returned / _size(cell, mean.per))
    gone = ~cell.whole & (y > 0)
    if not gone.any():
        return None
    return Series(x=cell.cycle[gone], y=y[gone], style="open", name="left out", colour=_GREY)


def _size(cell: Cycles, per: str) -> float:
    return float({"mass": cell.mass, "area": cell.area}.get(per) or 1.0)


def _per(cell: Cycles) -> str:
    return "mass" if cell.mass else "area" if cell.area else "cell"


def _chosen(cell: Cycles) -> list[int]:
    """Cycles to draw: the first two, the last at each pressure, and the last."""
    usable = cell.cycle[cell.whole] if cell.whole.any() else cell.cycle
    held: dict[Any, int] = {}
    for number, pressure in zip(cell.cycle.tolist(), cell.pressure.tolist(), strict=True):
        if number in usable and np.isfinite(pressure):
            held[pressure] = number
    numbers = sorted({*usable[:2].tolist(), *held.values(), *usable[-1:].tolist()})
    if len(numbers) > _MOST_CURVES:
        places = np.unique(np.linspace(0, len(numbers) - 1, _MOST_CURVES).round().astype(int))
        numbers = [numbers[k] for k in places]
    return numbers


def _name(cell: Cycles, number: int) -> str:
    k = int(np.flatnonzero(cell.cycle == number)[0])
    told = f"cycle {number}"
    if cell.tag[k]:
        told += f" ({cell.tag[k]})"
    if np.isfinite(cell.pressure[k]):
        told += f", {show('pressure', float(cell.pressure[k]))}"
    return told


def voltage_figure(cell: Cycles, *, name: str = "cycling_voltage") -> Figure:
    """Voltage against capacity of chosen cycles, with the knee of the first discharge."""
    per = _per(cell)
    word = known(_WORD[per])
    series = []
    numbers = _chosen(cell)
    for colour, number in enumerate(numbers):
        named = False
        for way in ("charge", "discharge"):
            before = 0.0  # holds pass charge, too: the next part goes on after them
            for curve in cell.curves:
                if curve.cycle != number or curve.kind not in (way, "hold"):
                    continue
                if curve.kind == "hold" and (curve.passed > 0) != (way == "charge"):
                    continue
                charge = np.asarray(curve.charge)
                x = shown(_WORD[per], (before + charge) / _size(cell, per))
                before += float(charge[-1])
                label = "" if named else _name(cell, number)
                series.append(Series(x=x, y=curve.voltage, name=label, colour=colour))
                named = True
    if (knee := _knee(cell)) is not None:
        number, passed, v, text = knee
        series.append(
            Series(
                x=np.array([shown(_WORD[per], passed / _size(cell, per))]), y=np.array([v]),
                style="marks", text=(text,), colour=numbers.index(number) if number in numbers
                else _GREY, towards=[(-1.0, -0.6)],
            )
        )  # fmt: skip
    return Figure(
        name=name, x=f"capacity / {pretty(word.shown)}", y="cell voltage / V", series=series,
        legend="above", title=cell.title, height=0.9,
    )  # fmt: skip


def _knee(cell: Cycles) -> tuple[int, float, float, str] | None:
    """Cycle, charge, voltage and text of the knee of the first discharge after activation."""
    after = [
        int(n)
        for n, tag, good in zip(cell.cycle, cell.tag, cell.whole, strict=True)
        if good and tag != "activation"
    ]
    if not after:
        return None
    try:
        found = inflection(half_of(cell, after[0], "discharge"))
    except DualyteError:
        return None
    return after[0], found.charge, found.voltage, f"knee at {100 * found.depth:.0f} %"


def dqdv_figure(cell: Cycles, *, name: str = "cycling_dqdv") -> Figure | None:
    """Incremental capacity of chosen cycles, of the charge up and of the discharge down."""
    per = _per(cell)
    size, word = _size(cell, per), known(_WORD[per])
    series = []
    for colour, number in enumerate(_chosen(cell)):
        named = False
        for way, sign in (("charge", 1.0), ("discharge", -1.0)):
            try:
                half = half_of(cell, number, way)  # type: ignore[arg-type]  # one of the two
                width = _width(half.voltage)
                v, slope = cell.dq_dv(number, way, width=width)  # type: ignore[arg-type]  # so here
            except InputError:
                continue
            if v.size < 3:
                continue
            smooth = np.convolve(slope, [0.25, 0.5, 0.25], "same")
            y = sign * shown(_WORD[per], smooth / size)
            style: Style = "line"
            label = "" if named else _name(cell, number)
            series.append(Series(x=v, y=y, name=label, colour=colour, style=style))
            named = True
    if not series:
        return None
    return Figure(
        name=name, x="cell voltage / V", y=f"dQ/dV / {pretty(word.shown)} V$^{{-1}}$",
        series=series, legend="above", title=cell.title, height=0.85, x_limits=_shown_part(series),
    )  # fmt: skip


def _shown_part(series: Sequence[Series]) -> tuple[float, float]:
    """Voltages at which charge passes: a cell that came at 3 V would squeeze all peaks."""
    highest = max(float(np.abs(s.y).max()) for s in series)
    seen = np.concatenate([np.asarray(s.x)[np.abs(s.y) > 5e-3 * highest] for s in series])
    room = 0.04 * max(float(np.ptp(seen)), 1e-3)
    return float(seen.min()) - room, float(seen.max()) + room


def _width(voltage: Floats) -> float:
    """Bin width [V] that resolves the curve and holds several rows."""
    return max(float(np.ptp(voltage)) / _BINS, 3 * float(np.median(np.abs(np.diff(voltage)))), 1e-5)
