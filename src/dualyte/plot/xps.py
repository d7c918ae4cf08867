"""Figures of photoelectron spectra: counts, peaks, background, and what the fit misses."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.plot.figure import Figure, Series
from dualyte.vocabulary import known, pretty, shown

if TYPE_CHECKING:
    from dualyte.measure.result import Evaluation
    from dualyte.measure.xps import PeakFit

ENERGY: Final = f"binding energy / {pretty(known('binding_energy').shown)}"
_POINT, _FIT, _BACKGROUND = 6, 1, 6  # colours
_PEAKS: Final = (0, 2, 4, 3, 5)


def xps_figures(found: Evaluation) -> list[Figure]:
    """Draw one figure for each fit: the spectrum with its peaks over their residuals.

    Parameters
    ----------
    found
        Of `measure_xps`.

    Raises
    ------
    InputError
        If it is of another kind.
    """
    fits = getattr(found.detail, "fits", None)
    if fits is None:
        raise InputError(f"these are results of {found.kind}, not of xps")
    used: Counter[str] = Counter()
    figures = []
    for fit in fits:
        base = f"xps_{fit.model.region.replace(' ', '').lower()}"
        used[base] += 1
        figures.append(peak_figure(fit, name=base if used[base] == 1 else f"{base}_{used[base]}"))
    return figures


def peak_figure(fit: PeakFit, *, name: str = "xps", title: str | None = None) -> Figure:
    """Spectrum with its fit, peaks and background, over the residuals.

    Binding energy rises to the left, as is the custom.
    """
    e = shown("binding_energy", fit.spectrum.energy)
    scale, unit = _scaled(fit)
    limits = (float(e[-1]), float(e[0]))
    peaks = [
        Series(
            x=np.concatenate([e, e[::-1]]),
            y=np.concatenate([fit.background + part, fit.background[::-1]]) / scale,
            style="area",
            name=_formula(told) + (f" {100 * share:.0f} %" if any(fit.seen) else ""),
            colour=_PEAKS[k % len(_PEAKS)],
        )
        for k, (told, part, share) in enumerate(
            zip(fit.names, fit.components, fit.share, strict=True)
        )
    ]  # fmt: skip
    outlines = [
        Series(x=e, y=(fit.background + part) / scale, colour=_PEAKS[k % len(_PEAKS)])
        for k, part in enumerate(fit.components)
    ]
    top = float(max(fit.spectrum.counts.max(), fit.fitted.max())) / scale
    low = float(min(fit.spectrum.counts.min(), fit.background.min())) / scale
    room = 0.06 * (top - low)
    far = max(4.0, 1.1 * float(np.abs(fit.residuals).max()))
    return Figure(
        name=name,
        x=ENERGY,
        y=unit,
        title=fit.spectrum.title if title is None else title,
        legend="above",
        height=1.0,
        panels=[
            Figure(
                name="spectrum", x=ENERGY, y=unit, x_limits=limits,
                y_limits=(max(0.0, low - room), top + room),
                series=[
                    *peaks, *outlines,
                    Series(x=e, y=fit.background / scale, style="dashed", colour=_BACKGROUND,
                           name="background"),
                    Series(x=e, y=fit.fitted / scale, colour=_FIT, name="fit"),
                    Series(x=e, y=fit.spectrum.counts / scale, style="open", colour=_POINT,
                           name="measured"),
                ],
            ),
            Figure(
                name="residuals", x=ENERGY, y="residual / σ", x_limits=limits,
                y_limits=(-far, far),
                series=[
                    Series(x=e, y=fit.residuals, style="open", colour=_POINT),
                    Series(x=np.array(limits), y=np.zeros(2), style="dashed", colour=_FIT),
                ],
            ),
        ],
    )  # fmt: skip


def _formula(name: str) -> str:
    """Typeset a formula.

    >>> _formula("Li2CO3")
    'Li₂CO₃'
    """
    low = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return re.sub(r"(?<=[A-Za-z)])\d+", lambda match: match[0].translate(low), name)


def _scaled(fit: PeakFit) -> tuple[float, str]:
    """Thousands where the numbers are large, and what to write on the axis."""
    what = "counts" if fit.spectrum.counted else "intensity"
    largest = float(np.max(fit.spectrum.counts))
    return (1e3, f"{what} / 10³") if largest >= 5e3 else (1.0, what)
