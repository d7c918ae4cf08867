"""Arrhenius figure: a resistance, conductivity or time against 1000/T."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.plot.figure import Figure, Series, Style
from dualyte.vocabulary import Floats, known, pretty, shown

_ZERO: Final = 273.15  # K


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Values at temperatures, with their spread."""

    temperature: npt.ArrayLike  #: (k,) K
    value: npt.ArrayLike  #: (k,) SI
    spread: Any = None  #: (k,) SI, one standard deviation
    left_out: Any = None  #: (k,) of bool: outliers, drawn open
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A fitted law with its band, SI."""

    temperature: npt.ArrayLike  #: (m,) K
    value: npt.ArrayLike  #: (m,)
    low: Any = None
    high: Any = None
    name: str = ""


def arrhenius_figure(
    points: Sequence[Points],
    lines: Sequence[Line] = (),
    *,
    quantity: str = "asr",
    label: str | None = None,
    name: str = "arrhenius",
    title: str = "",
) -> Figure:
    """Values on a logarithmic axis against 1000/T, with °C along the top.

    Parameters
    ----------
    points
        One set per process, with one standard deviation as error bar.
    lines
        Fitted laws with their bands, in the order (and colours) of the points.
    quantity
        Row of the vocabulary that the values belong to; `conductivity`, `asr`, `frequency`.
    label
        Axis label instead of that of the quantity, for values shown as they are (σT).
    """
    word = known(quantity)

    def sized(si: Any) -> Floats:  # noqa: ANN401 (array-like)
        return np.asarray(si, dtype=np.float64) if label else shown(quantity, si)

    series = []
    for k, line in enumerate(lines):
        order = np.argsort(np.asarray(line.temperature))
        low, high = (None if y is None else sized(y)[order] for y in (line.low, line.high))
        x = 1000 / np.asarray(line.temperature, dtype=np.float64)[order]
        series.append(
            Series(x=x, y=sized(line.value)[order], low=low, high=high, name=line.name, colour=k)
        )
    for k, each in enumerate(points):
        series += _points(each, k, sized)
    every = np.concatenate([np.asarray(p.temperature, dtype=np.float64) for p in points])
    x = 1000 / every
    room = 0.05 * max(float(np.ptp(x)), 0.05)
    limits = (float(x.min()) - room, float(x.max()) + room)
    unit = "" if word.shown == "1" else f" / {pretty(word.shown)}"
    return Figure(
        name=name,
        x="1000 K / T",
        y=label or f"{word.text} {word.symbol}{unit}",
        series=series,
        title=title,
        log_y=True,
        x_limits=limits,
        top="temperature / °C",
        top_ticks=_celsius(limits),
        legend="above",
        height=0.92,
    )


def with_spread(number: float, spread: float) -> str:
    """A number and its standard deviation for a legend, to the same place.

    >>> with_spread(0.0014788, 6.4e-06), with_spread(22.62, 0.11), with_spread(4.0, 0.0)
    ('0.0014788 ± 0.0000064', '22.62 ± 0.11', '4')
    """
    if not (np.isfinite(spread) and spread > 1e-9 * abs(number)):
        return f"{number:.4g}"
    places = max(1 - int(np.floor(np.log10(spread))), 0)
    return f"{number:.{places}f} ± {spread:.{places}f}"


def _points(each: Points, k: int, sized: Any) -> list[Series]:  # noqa: ANN401 (a function)
    x = 1000 / np.asarray(each.temperature, dtype=np.float64)
    y = sized(each.value)
    out = np.zeros(x.shape, dtype=np.bool_) if each.left_out is None else np.asarray(each.left_out)
    low = high = None
    if each.spread is not None:
        d = sized(each.spread)
        low, high = np.maximum(y - d, 0.02 * y), y + d  # a bar to zero has no end on a log axis
    found = []
    styles: tuple[tuple[Any, Style, str], ...] = ((~out, "points", each.name), (out, "open", ""))
    for mask, style, name in styles:
        if mask.any():
            found.append(
                Series(
                    x=x[mask], y=y[mask], style=style, name=name, colour=k, marker="os^Dv"[k % 5],
                    low=None if low is None else low[mask],
                    high=None if high is None else high[mask],
                )
            )  # fmt: skip
    return found


def _celsius(limits: tuple[float, float]) -> list[tuple[float, str]]:
    """Round temperatures at a distance that leaves room for their names."""
    coldest, hottest = 1000 / limits[1] - _ZERO, 1000 / limits[0] - _ZERO
    step = next(d for d in (5, 10, 20, 25, 50, 100, 200, 500) if (hottest - coldest) / d <= 6)
    ticks = np.arange(np.ceil(coldest / step) * step, hottest + 1e-9, step)
    return [(1000 / (t + _ZERO), f"{t + 0:g}".replace("-", "−")) for t in ticks]
