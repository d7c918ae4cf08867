"""Figures of growth: R and 1/C against the root of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.growth import GrowthFit
from dualyte.measure.growth.evaluate import Grown
from dualyte.measure.result import Evaluation
from dualyte.plot.arrhenius import with_spread
from dualyte.plot.figure import Figure, Series
from dualyte.vocabulary import Floats, shown

_ROOT: Final = 60.0  # √s in √h
_X: Final = "root of time √t / √h"


def growth_figures(found: Evaluation) -> list[Figure]:
    """Draw R, and 1/C where it is known, against √t with the parabolic law and its band.

    Bars are one standard deviation, bands the 90 % interval of the law.
    """
    grown = found.detail
    if not grown or not all(isinstance(one, Grown) for one in grown):
        raise InputError("there is no growth to draw; evaluate files first")
    figures = []
    R = [(one.series.name, one.resistance) for one in grown if one.resistance is not None]
    E = [(one.series.name, one.elastance) for one in grown if one.elastance is not None]
    if R:
        figures.append(_figure("growth", "resistance R / Ω", R, 1.0, "growth_rate"))
    if E:
        label = "reciprocal capacitance 1/C / µF⁻¹"
        figures.append(_figure("growth_elastance", label, E, 1e-6, "elastance_growth"))
    hinges = [one for one in grown if one.voltage is not None]
    if hinges:
        figures.append(_voltage(hinges))
    return figures


def _figure(
    name: str, label: str, fits: Sequence[tuple[str, GrowthFit]], unit: float, word: str
) -> Figure:
    series = []
    for k, (cell, fit) in enumerate(fits):
        x = np.linspace(0.0, float(np.sqrt(fit.time.max())), 80)
        low, high = fit.band(x**2)
        rate, spread = (float(shown(word, s)) for s in (fit.rate, fit.spread[1]))
        what = "Ω/√h" if word == "growth_rate" else "µF⁻¹/√h"
        series.append(
            Series(x=x / _ROOT, y=fit.at(x**2) * unit, low=low * unit, high=high * unit, colour=k)
        )
        y = fit.value * unit
        bars: tuple[Floats | None, Floats | None] = (None, None)
        if fit.error is not None:
            bars = (y - fit.error * unit, y + fit.error * unit)
        series.append(
            Series(
                x=np.sqrt(fit.time) / _ROOT, y=y, low=bars[0], high=bars[1], style="points",
                colour=k, marker="os^Dv"[k % 5],
                name=f"{cell}: {with_spread(rate, spread)} {what}",
            )
        )  # fmt: skip
    return Figure(name=name, x=_X, y=label, series=series, legend="above")


def _voltage(grown: Sequence[Grown]) -> Figure:
    series = []
    for k, one in enumerate(grown):
        U, curve = one.series.voltage, one.voltage
        if U is None or curve is None:
            continue
        x = np.array([U.min(), curve.p, U.max()])
        series.append(Series(x=x, y=curve.a + curve.b * np.maximum(x - curve.p, 0), colour=k))
        series.append(
            Series(
                x=U, y=one.series.resistance, style="points", colour=k, marker="os^Dv"[k % 5],
                name=f"{one.series.name}: from {with_spread(curve.p, curve.spread)} V",
            )
        )  # fmt: skip
    return Figure(
        name="growth_onset", x="voltage U / V", y="resistance R / Ω", series=series, legend="above"
    )
