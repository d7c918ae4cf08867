"""Figures of distributions of relaxation times: one, and a map over temperature or pressure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.plot.figure import Figure, Series
from dualyte.plot.spectra import hertz
from dualyte.vocabulary import Floats, known, pretty, shown

_LOGARITHMIC: Final = 30.0  # ratio of heights of peaks from which the axis is logarithmic
_CLOSE: Final = 0.9  # decades: texts of peaks nearer than this overlap
TAU: Final = "relaxation time τ / s"


def drt_figure(
    tau: npt.ArrayLike,
    gamma: npt.ArrayLike,
    bands: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    *,
    others: Sequence[tuple[str, npt.ArrayLike, npt.ArrayLike]] = (),
    peaks: Sequence[tuple[float, str]] = (),
    per_area: bool = True,
    label: str = "measured",
    name: str = "drt",
    title: str = "",
) -> Figure:
    """Distribution of relaxation times, with frequency along the top.

    Parameters
    ----------
    tau : (m,)
        s.
    gamma : (m,)
        Distribution over ln τ [Ω m², or Ω without `per_area`].
    bands
        Lower and upper edge of the credible band, (m,) each.
    others
        Further curves (name, tau, gamma), such as that of a simulated spectrum.
    peaks
        Places τ [s] and names to write over the curve.
    """
    x, y = np.asarray(tau, dtype=np.float64), _sized(gamma, per_area)
    low, high = (None, None) if bands is None else (_sized(b, per_area) for b in bands)
    series = [Series(x=x, y=y, low=low, high=high, name=label)]
    series += [
        Series(
            x=np.asarray(t, dtype=np.float64), y=_sized(g, per_area), name=told, style="dashed",
            colour=k + 1,
        )
        for k, (told, t, g) in enumerate(others)
    ]  # fmt: skip
    if peaks:
        where = np.array([t for t, _ in peaks])
        series.append(
            Series(
                x=where, y=np.interp(where, *_ascending(x, y)), style="marks", colour=6,
                text=_apart(where, [told for _, told in peaks]),
            )
        )  # fmt: skip
    top = max(float(np.max(s.high if s.high is not None else s.y)) for s in series)
    limits = (min(0.0, 1.1 * float(y.min())), 1.22 * top)
    tops = _heights(series, [t for t, _ in peaks])
    spread_out = tops.size > 1 and float(tops.max()) > _LOGARITHMIC * float(np.median(tops)) > 0
    if spread_out:  # a blocking end taken for arcs would hide all others
        limits = (float(tops.min()) / 30, 3 * top)
    return Figure(
        name=name,
        x=TAU,
        y=f"γ(ln τ) / {_unit(per_area)}",
        series=series,
        title=title,
        log_x=True,
        x_limits=(float(x.min()), float(x.max())),
        y_limits=limits,
        log_y=spread_out,
        top="frequency 1/(2πτ)",
        top_ticks=_frequencies(x),
        legend="above",
        height=0.72,
    )


def drt_map_figure(
    tau: npt.ArrayLike,
    values: npt.ArrayLike,
    gamma: npt.ArrayLike,
    *,
    quantity: str = "temperature",
    per_area: bool = True,
    normalised: bool = False,
    name: str = "drt_map",
    title: str = "",
) -> Figure:
    """Distributions of a series as an image: relaxation time across, temperature or pressure up.

    Parameters
    ----------
    tau : (m,)
        s.
    values : (k,)
        Temperatures [K] or pressures [Pa].
    gamma : (k, m)
        Distributions over ln τ [Ω m², or Ω without `per_area`].
    normalised
        Divide each by its maximum: resistances that grow a thousandfold on cooling would
        hide all other rows.
    """
    x = np.asarray(tau, dtype=np.float64)
    v = shown(quantity, values)
    g = _sized(gamma, per_area)
    if normalised:
        g = g / g.max(axis=1, keepdims=True)
    by_tau, by_value = np.argsort(x), np.argsort(v)
    word = known(quantity)
    symbol = "P" if quantity == "pressure" else word.symbol
    return Figure(
        name=name,
        x=TAU,
        y=f"{'stack pressure' if quantity == 'pressure' else word.text} {symbol} / "
        f"{pretty(word.shown)}",
        image=g[np.ix_(by_value, by_tau)].T,
        grid=(x[by_tau], v[by_value]),
        image_label="γ / its maximum" if normalised else f"γ(ln τ) / {_unit(per_area)}",
        title=title,
        log_x=True,
        log_y=quantity == "pressure",
        top="frequency 1/(2πτ)",
        top_ticks=_frequencies(x),
    )


def _heights(series: Sequence[Series], at: Sequence[float]) -> Floats:
    """Heights of the curves at the peaks, whichever is higher there."""
    curves = [s for s in series if s.style in ("line", "dashed")]
    heights = [np.interp(at, *_ascending(s.x, s.y)) for s in curves]
    found = np.max(heights, axis=0) if at else np.zeros(0)
    return np.asarray(found[found > 0])


def _apart(where: Floats, told: Sequence[str]) -> tuple[str, ...]:
    """Texts of peaks, without those that would lie on the one before."""
    texts, last = [], -np.inf
    for x, text in sorted(zip(np.log10(where).tolist(), told, strict=True)):
        texts.append((x, text if x - last > _CLOSE else ""))
        last = x if x - last > _CLOSE else last
    found = dict(texts)
    return tuple(found[x] for x in np.log10(where).tolist())


def _sized(gamma: Any, per_area: bool) -> Floats:  # noqa: ANN401 (array-like)
    return shown("impedance", gamma) if per_area else np.asarray(gamma, dtype=np.float64)


def _unit(per_area: bool) -> str:
    return pretty(known("impedance").shown) if per_area else "Ω"


def _ascending(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(x)
    return x[order], y[order]


def _frequencies(tau: Floats) -> list[tuple[float, str]]:
    """Places of full decades of frequency along τ; every other one where they crowd."""
    ends = np.log10(1 / (2 * np.pi * np.array([tau.max(), tau.min()])))
    powers = np.arange(np.ceil(ends[0]), np.floor(ends[1]) + 1)
    powers = powers[:: max(1, int(np.ceil(powers.size / 5)))]
    return [(float(1 / (2 * np.pi * 10.0**p)), hertz(10.0**p)) for p in powers]
