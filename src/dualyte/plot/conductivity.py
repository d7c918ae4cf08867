"""Figures of conductivities: against pressure, loading and unloading, and against 1/T."""

from __future__ import annotations

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.arrhenius import ArrheniusFit
from dualyte.measure.conductivity import ConductivitySeries, ConductivityStudy
from dualyte.measure.result import Evaluation
from dualyte.plot.arrhenius import Line, Points, arrhenius_figure, with_spread
from dualyte.plot.figure import Figure, Series
from dualyte.vocabulary import Floats, label, shown

_DENSE = 60  # points of a fitted line
_DECADES = 8.0  # ratio of conductivities from which their axis is logarithmic


def conductivity_figures(found: Evaluation) -> list[Figure]:
    """Draw conductivities against pressure, and against 1/T, as far as they were measured.

    Filled points are of loading, open ones of unloading; bars are one standard deviation of
    the resistance.
    """
    study = found.detail
    if not isinstance(study, ConductivityStudy):
        raise InputError("there is no conductivity to draw; evaluate files first")
    figures = []
    pressed = [s for s in study.series if np.unique(s.pressure[np.isfinite(s.pressure)]).size > 1]
    if pressed:
        figures.append(_against_pressure(pressed))
    if study.fits:
        figures.append(_against_temperature(study))
    return figures


def _against_pressure(several: list[ConductivitySeries]) -> Figure:
    series: list[Series] = []
    for k, each in enumerate(several):
        use = np.isfinite(each.pressure) & _at_room(each)
        P, sigma = (
            shown("pressure", each.pressure[use]),
            shown("conductivity", each.conductivity[use]),
        )
        spread = np.nan_to_num(shown("conductivity", each.spread[use]))
        down = np.array(each.branch)[use] == "unloading"
        series.append(Series(x=P, y=sigma, colour=k, style="line"))
        for mask, style in ((~down, "points"), (down, "open")):
            if mask.any():
                series.append(
                    Series(
                        x=P[mask], y=sigma[mask], low=(sigma - spread)[mask],
                        high=(sigma + spread)[mask], colour=k, marker="os^Dv"[k % 5],
                        style="points" if style == "points" else "open",
                        name=each.name if style == "points" else _open(each.name, k, len(several)),
                    )
                )  # fmt: skip
    every = np.concatenate([s.y for s in series])
    return Figure(
        name="conductivity", x="stack pressure P / MPa", y=label("conductivity"), series=series,
        log_y=bool(every.max() > _DECADES * every.min()), legend="above",
    )  # fmt: skip


def _open(name: str, k: int, count: int) -> str:
    """Text of the open points: once where there are several pellets."""
    if count == 1:
        return f"{name}, unloading"
    return "open: unloading" if k == 0 else ""


def _at_room(each: ConductivitySeries) -> Floats:
    """Points at the temperature with the most of them, the one nearest 25 °C where equal."""
    T = each.temperature
    if not np.isfinite(T).any():
        return np.ones(T.size, dtype=np.bool_)
    rounded = np.round(T)
    best = max(
        np.unique(rounded[np.isfinite(T)]).tolist(),
        key=lambda t: (int((rounded == t).sum()), -abs(t - 298)),
    )
    return np.asarray(rounded == best)


def _against_temperature(study: ConductivityStudy) -> Figure:
    form = study.fits[0][2].form
    chosen: dict[str, tuple[float, object]] = {}
    points, lines = [], []
    for name, P, fit in study.fits:
        if fit.form != form or name in chosen:  # the highest pressure of each pellet
            continue
        chosen[name] = (P, fit)
        out = np.zeros(fit.temperature.size, dtype=np.bool_)
        out[list(fit.outliers)] = True
        spread = None if fit.relative is None else fit.relative * fit.value
        points.append(
            Points(temperature=fit.temperature, value=fit.value, spread=spread, left_out=out,
                   name=f"{fit.name}: {_energy(fit)}")
        )  # fmt: skip
        T = 1 / np.linspace(1 / fit.temperature.max(), 1 / fit.temperature.min(), _DENSE)
        band = fit.band(T)
        lines.append(Line(temperature=T, value=band.value, low=band.low, high=band.high))
    return arrhenius_figure(points, lines, quantity="conductivity", name="conductivity_arrhenius")


def _energy(fit: ArrheniusFit) -> str:
    """Activation energy for a legend."""
    energy = fit.activation_energy
    number, spread = (float(shown("activation_energy", x)) for x in (energy.si, energy.spread))
    what = {"sigmaT": "σT", "sigma": "σ"}.get(fit.form, fit.form)
    law = ", VTF" if fit.law == "vtf" else ""
    return f"{with_spread(number, spread)} eV ({what}{law})"
