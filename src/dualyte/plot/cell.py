"""Figures of cells: capacity and efficiency, voltage curves, alloy plateaus, Nyquist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dualyte.cell.predict import CellPrediction
from dualyte.cycles import Curve, Cycles, SpectrumLike
from dualyte.plot.bands import pressure_bands
from dualyte.plot.figure import Figure, Series
from dualyte.vocabulary import Floats, show, shown

_ALLOY = 3.0  # plateaus of the alloys fill a third of the figure


def cell_figures(found: CellPrediction) -> list[Figure]:
    """Every figure that a reader expects of a protocol."""
    cycles = found.cycles
    figures = []
    if (cycles.charge > 0).any() and (cycles.discharge > 0).any():
        figures.append(capacity_figure(found))
    voltage = voltage_figure(cycles)
    if found.anode == "reservoir-free":
        # below the plateaus, left of where discharges end
        voltage = replace(voltage, inset=plateau_figure(found), inset_at=(0.2, 0.13, 0.4, 0.31))
    figures.append(voltage)
    if cycles.spectra:
        figures.append(nyquist_figure(found))
    return figures


def _unit(cycles: Cycles) -> tuple[float, str]:
    """Size of the unit of capacity in C of this cell, and how axes write it."""
    if cycles.mass:
        return cycles.mass * 3.6e3, "mAh g$^{-1}$"
    if cycles.area:
        return cycles.area * 36e3, "mAh cm$^{-2}$"
    return 3.6, "mAh"


def capacity_figure(found: CellPrediction) -> Figure:
    """Capacity and Coulombic efficiency of every cycle, stack pressures as bands behind."""
    cycles = found.cycles
    size, unit = _unit(cycles)
    low, high = found.interval(lambda c: c.returned / size)
    first, last = found.interval(lambda c: 100 * c.ce)
    held = dict.fromkeys(cycles.pressure.tolist())
    shown_rows = [np.flatnonzero((cycles.pressure == p) & cycles.whole) for p in held]

    def marked(y: Floats, ends: tuple[Floats, Floats], named: bool) -> list[Series]:
        """Points by pressure, with their intervals if inputs were moved."""
        return [
            Series(
                x=cycles.cycle[mine], y=y[mine], style="points", colour=colour,
                low=ends[0][mine] if found.moved else None,
                high=ends[1][mine] if found.moved else None,
                name=show("pressure", pressure) if named else "",
            )
            for colour, (pressure, mine) in enumerate(zip(held, shown_rows, strict=True))
            if mine.size
        ]  # fmt: skip

    upper = marked(cycles.returned / size, (low, high), named=True)
    lower = marked(100 * cycles.ce, (first, last), named=False)
    back = "discharge" if cycles.first == "charge" else "stripped"
    lowest = float(np.nanmin(first if found.moved else 100 * cycles.ce))
    best = cycles.returned / size
    below, above = (low, high) if found.moved else (best, best)
    ends = float(np.nanmin(below[cycles.whole])), float(np.nanmax(above[cycles.whole]))
    room = 0.08 * (ends[1] - ends[0]) + 1e-3 * ends[1]
    limits = ends[0] - room, ends[1] + room
    ce_limits = min(lowest, 99.0) - 0.5, 101.0
    bands = [pressure_bands(cycles.cycle, cycles.pressure, each) for each in (limits, ce_limits)]
    return Figure(
        name="cell_capacity",
        x="cycle",
        y="",
        title=_title(found),
        legend="above",
        height=1.0,
        panels=[
            Figure(
                name="",
                x="cycle",
                y=f"{back} / {unit}",
                series=[*bands[0], *upper],
                y_limits=limits,
                legend="above",
            ),
            Figure(
                name="",
                x="cycle",
                y="CE / %",
                series=[*bands[1], *lower],
                y_limits=ce_limits,
            ),
        ],
    )


def _title(found: CellPrediction) -> str:
    anode = {"foil": "Li", "ag": "Ag", "reservoir-free": "Ag", "lithium": "Li"}[found.anode]
    warm = show("temperature", found.cell.temperature).replace("degC", "°C")
    if found.cell.cathode is None:
        return f"Li|LLZTO|{anode}, {warm}"
    carbon = 100 * found.cell.cathode.composition.carbon
    return f"{anode}|LLZTO|LNOC|NMC, {carbon:g} wt% VGCF, {warm}"


def voltage_figure(cycles: Cycles) -> Figure:
    """Voltage against capacity of the first cycles and of the last at each pressure."""
    size, unit = _unit(cycles)
    numbers = list(dict.fromkeys([*cycles.cycle[:2].tolist(), *_lasts(cycles)]))
    series = []
    for colour, number in enumerate(numbers[:7]):
        mine = [c for c in cycles.curves if c.cycle == number and c.kind in ("charge", "discharge")]
        told = show("pressure", mine[0].pressure) if mine and mine[0].pressure else ""
        for k, curve in enumerate(mine):
            x = _charge(curve) / size
            name = f"cycle {number}, {told}" if k == 0 else ""
            series.append(Series(x=x, y=curve.voltage, name=name, colour=colour))
    return Figure(
        name="cell_voltage",
        x=f"capacity / {unit}",
        y="cell voltage / V",
        series=series,
        legend="above",
        title=cycles.name.split(" with ")[0],
        height=0.95,
        # a half-cell plates and strips within millivolts; its alloys end at 0.2 V
        y_limits=(-0.08, 0.3) if cycles.first == "discharge" else None,
    )


def _lasts(cycles: Cycles) -> list[int]:
    """Last cycle at each pressure."""
    found = {}
    for number, pressure in zip(cycles.cycle.tolist(), cycles.pressure.tolist(), strict=True):
        found[pressure] = number
    return list(found.values())


def _charge(curve: Curve) -> Floats:
    assert curve.charge is not None
    return curve.charge


def plateau_figure(found: CellPrediction) -> Figure:
    """Start of the first charge: lithium alloys with silver before it plates."""
    cycles, cell = found.cycles, found.cell
    size, unit = _unit(cycles)
    first = next(c for c in cycles.curves if c.kind == "charge")
    whole = cell["alloy_charge"].si * float(cell.mass or 0) / size
    x = _charge(first) / size
    shown_part = x <= _ALLOY * whole
    V = first.voltage[shown_part]
    top = float(V.max())
    ends = [float(np.interp(0.05 * whole, x[shown_part], V)) - 0.05, top + 0.03]
    return Figure(
        name="cell_plateaus",
        x=f"charge / {unit}",
        y="V",
        y_limits=(ends[0], ends[1]),
        series=[
            Series(x=x[shown_part], y=V),
            Series(x=[whole, whole], y=ends, style="dashed", colour=1),
        ],
        title="alloys, then Li (dashed: fitted)",
    )


def nyquist_figure(found: CellPrediction) -> Figure:
    """Spectra at the states that the protocol looks at, per area."""
    cycles = found.cycles
    area = float(cycles.area or 1.0)
    series = []
    chosen = _spread(list(cycles.spectra), 7)
    hours = _hours(cycles) if len({number for number, _ in chosen}) == 1 else {}
    for colour, (number, spectrum) in enumerate(chosen):
        z = np.asarray(spectrum.z) * area
        told = show("pressure", spectrum.pressure) if spectrum.pressure else ""
        when = f"{hours[id(spectrum)]:.3g} h" if hours else f"cycle {number}"
        series.append(
            Series(
                x=shown("asr", z.real), y=-np.asarray(shown("asr", z.imag)), colour=colour,
                name=f"{when}, {told}",
            )
        )  # fmt: skip
    ends = [float(np.max(s.x)) for s in series]
    limit = 1.05 * float(np.max(ends))
    heights = [float(np.max(s.y[s.x <= limit], initial=0.0)) for s in series]
    top = float(np.clip(1.15 * np.max(heights), 0.3 * limit, 0.75 * limit))
    return Figure(
        name="cell_nyquist",
        x="Re Z / Ω cm$^2$",
        y="−Im Z / Ω cm$^2$",
        series=series,
        equal=True,
        x_limits=(0.0, limit),
        y_limits=(0.0, top),
        legend="above",
        title=_title(found),
        height=0.95,
    )


def _hours(cycles: Cycles) -> dict[int, float]:
    """Time since the first spectrum [h], for spectra of one and the same cycle."""
    seen = [c for c in cycles.curves if c.spectrum is not None]
    return {id(c.spectrum): (c.time[-1] - seen[0].time[-1]) / 3600 for c in seen}


def _spread(items: Sequence[tuple[int, SpectrumLike]], most: int) -> list[tuple[int, SpectrumLike]]:
    """No more than so many of a list, its ends among them."""
    if len(items) <= most:
        return list(items)
    chosen = np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))
    return [items[k] for k in chosen]
