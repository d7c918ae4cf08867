"""Predicted spectra, with measured ones over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dualyte.circuit import Spectrum
from dualyte.impedance.predict import ImpedancePrediction, convention
from dualyte.plot.figure import Figure
from dualyte.plot.looks import condition
from dualyte.plot.spectra import Curve, bode, nyquist

_LINES: Final = 4  # stack pressures that one figure holds
_SAME: Final = 1.0  # K
_NEAR: Final = 0.05  # a measured pressure that is as good as a predicted one


def impedance_figures(
    found: ImpedancePrediction, measured: Sequence[Spectrum] = ()
) -> list[Figure]:
    """Nyquist and Bode plots of a predicted cell; measured points lie over the lines."""
    who = f"{found.name}, {condition('temperature', found.prediction.design.temperature)}"
    title = f"{who}, {convention(found).split(':')[0]}"
    curves = _over(found, measured) if measured else _alone(found)
    title += _elsewhere(found, measured) if measured else ""
    title = title if measured else f"predicted: {title}"
    return [
        nyquist(measured, curves, name="impedance_nyquist", title=title),
        bode(measured, curves, name="impedance_bode", title=title),
    ]


def _elsewhere(found: ImpedancePrediction, measured: Sequence[Spectrum]) -> str:
    """Say so where the points are not of the temperature of the lines."""
    here = found.prediction.design.temperature
    other = {s.temperature for s in measured if s.temperature is not None}
    told = [condition("temperature", T) for T in sorted(other) if abs(T - here) > _SAME]
    return f"\nnot comparable: measured at {', '.join(told)}" if told else ""


def _alone(found: ImpedancePrediction) -> list[Curve]:
    """Some stack pressures, spread over the range, with the band of the highest."""
    k = np.unique(np.linspace(0, found.z.shape[0] - 1, _LINES).round().astype(int))
    place = np.linspace(1, 0, len(k)) if len(k) > 1 else [None]
    return [
        Curve(
            frequency=found.frequency,
            z=found.z[row],
            name=condition("pressure", float(found.prediction.pressure[row])),
            samples=found.samples[:, row] if row == 0 else None,
            shade=shade,
        )
        for row, shade in zip(k, place, strict=True)
    ]


def _over(found: ImpedancePrediction, measured: Sequence[Spectrum]) -> list[Curve]:
    """Lines for the measured pressures: in the colours of the spectra where each has its own."""
    held = found.prediction.pressure
    asked = [s.pressure or float(held[0]) for s in measured]
    rows = [int(np.argmin(np.abs(np.log(held / p)))) for p in asked]
    near = all(abs(held[k] / p - 1) < _NEAR for k, p in zip(rows, asked, strict=True))
    paired = near and len(set(rows)) == len(rows) > 1
    return [
        Curve(
            frequency=found.frequency,
            z=found.z[k],
            name="predicted" if paired else f"predicted, {condition('pressure', float(held[k]))}",
            samples=found.samples[:, k],
        )
        for k in (rows if paired else sorted(set(rows)))
    ]
