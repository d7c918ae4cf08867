"""Density against pressure: Heckel, Kawakita, and what springs back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.measure.compression.press import regress
from dualyte.vocabulary import Floats, show

_DENSEST: Final = 0.98  # beyond it, -ln(1-D) is all error
_SAG: Final = 0.04  # of a straight line's rise: how far a range may bend
_WIDE: Final = 2.5  # highest over lowest pressure of a range that is chosen
_EDGES: Final = 14
_SWEEP: Final = (0.75, 1.0, 1.33)  # times each end of the range


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heckel:
    """A straight line through -ln(1 - D) against P."""

    slope: float  #: K, 1/Pa
    slope_error: float  #: standard error
    intercept: float  #: A
    intercept_error: float
    low: float  #: Pa, of the range
    high: float  #: Pa
    count: int  #: points in it
    chosen: bool  #: whether the range was found rather than given
    sag: float  #: bend of the points in the range, over their rise
    range_spread: float  #: Pa, standard deviation of 1/K as the ends of the range move; or nan
    sweep: tuple[tuple[float, float, float], ...] = field(default=(), repr=False)  #: low, high, 1/K

    @property
    def yield_pressure(self) -> float:
        """1/K, Pa."""
        return 1 / self.slope

    @property
    def yield_error(self) -> float:
        """Standard error of 1/K, Pa."""
        return self.slope_error / self.slope**2

    @property
    def spread(self) -> float:
        """Standard deviation of 1/K, Pa: that of the fit and that of the choice of range."""
        return _both(self.yield_error, self.range_spread)

    @property
    def start_density(self) -> float:
        """Relative density to which the line goes at zero pressure, 1 - exp(-A)."""
        return float(-np.expm1(-self.intercept))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kawakita:
    """A straight line through P/C against P, with C = 1 - D0/D."""

    a: float  #: largest C
    a_error: float
    pressure: float  #: Pa, 1/b: where C is half of a
    pressure_error: float
    start: float  #: D0
    low: float  #: Pa
    high: float  #: Pa
    count: int
    a_range: float  #: standard deviation of a as the range moves; or nan
    pressure_range: float  #: Pa, likewise

    @property
    def a_spread(self) -> float:
        """Standard deviation of a, of fit and range."""
        return _both(self.a_error, self.a_range)

    @property
    def pressure_spread(self) -> float:
        """Standard deviation of 1/b, of fit and range."""
        return _both(self.pressure_error, self.pressure_range)


def _both(error: float, spread: float) -> float:
    known = [x for x in (error, spread) if np.isfinite(x)]
    return float(np.sqrt(np.sum(np.square(known)))) if known else np.nan


def _points(pressure: Floats, density: Floats) -> tuple[Floats, Floats]:
    p, d = (np.asarray(x, dtype=np.float64).ravel() for x in (pressure, density))
    if p.size != d.size:
        raise InputError(f"{p.size} pressures and {d.size} densities; give as many of each")
    keep = np.isfinite(p) & np.isfinite(d) & (p > 0) & (d > 0)
    if d[keep].size and (d[keep].max() > 1.2 or p[keep].max() < 1e3):
        raise InputError(
            f"densities up to {d[keep].max():.4g} at pressures up to {p[keep].max():.4g} Pa; give "
            "relative densities (1 is full) and pressures in Pa"
        )
    order = np.argsort(p[keep], kind="stable")
    return p[keep][order], d[keep][order]


def heckel(
    pressure: Floats, density: Floats, *, low: float | None = None, high: float | None = None
) -> Heckel:
    """Fit the Heckel line -ln(1 - D) = K P + A over a range of pressure.

    Parameters
    ----------
    pressure : (m,)
        P, Pa, on loading.
    density : (m,)
        D, relative.
    low, high
        Pa, ends of the range. Without one of them it is sought: the widest range, 2.5 times in
        pressure or more, over which the points bend by less than 4 % of their rise.

    Returns
    -------
    Heckel
        With the standard error of 1/K, and the standard deviation of 1/K as both ends of the
        range are moved by 3/4 and 4/3.

    Raises
    ------
    InputError
        If fewer than three points lie in the range.
    ValidityError
        If the density does not grow with pressure there.

    Notes
    -----
    1/K is often called the yield pressure; in-die densities hold elastic strain too, which makes
    1/K too small for hard powders. Points with D > 0.98 are left out. Source: Heckel 1961,
    Trans. Metall. Soc. AIME 221, 671.

    Examples
    --------
    >>> p = np.linspace(2e7, 2e8, 10)
    >>> fit = heckel(p, 1 - np.exp(-p / 1e8 - 0.7))
    >>> round(fit.yield_pressure), round(fit.intercept, 6)
    (100000000, 0.7)
    """
    p, d = _points(pressure, density)
    keep = d < _DENSEST
    p, y = p[keep], -np.log1p(-d[keep])
    chosen = low is None or high is None
    if chosen:
        low, high = _best_range(p, y, low, high)
    assert low is not None and high is not None  # noqa: PT018 (one fact)
    inside = (p >= low) & (p <= high)
    if inside.sum() < 3:
        raise InputError(
            f"{int(inside.sum())} points lie between {show('pressure', low)} and "
            f"{show('pressure', high)} with a density below {_DENSEST:g}; a Heckel line needs 3"
        )
    slope, error, middle = regress(p[inside], y[inside])
    if not slope > 0:
        raise ValidityError(
            f"the density does not grow between {show('pressure', low)} and "
            f"{show('pressure', high)}, so there is no Heckel line; give another range"
        )
    error *= _inflation(p[inside], y[inside])
    mean = float(p[inside].mean())
    n = int(inside.sum())
    level = error * np.sqrt(float(((p[inside] - mean) ** 2).sum()) / n)
    sweep = _sweep(p, y, low, high)
    at = [1 / k for _, _, k in sweep]
    return Heckel(
        slope=slope, slope_error=error, intercept=middle - slope * mean,
        intercept_error=float(np.hypot(error * mean, level)), low=low, high=high, count=n,
        chosen=chosen, sag=_bend(p[inside], y[inside]),
        range_spread=float(np.std(at, ddof=1)) if len(at) > 2 else np.nan,
        sweep=tuple((a, b, 1 / k) for a, b, k in sweep),
    )  # fmt: skip


def _inflation(x: Floats, y: Floats) -> float:
    """How much larger errors are because neighbouring points are off together."""
    slope, _, middle = regress(x, y)
    left = y - middle - slope * (x - x.mean())
    if left.size < 12 or not float(left @ left) > 0:
        return 1.0
    r = float(left[1:] @ left[:-1]) / float(left @ left)
    return float(np.sqrt((1 + min(max(r, 0.0), 0.99)) / (1 - min(max(r, 0.0), 0.99))))


def _bend(x: Floats, y: Floats) -> float:
    """Sag of a parabola through points, over the rise of the line; 0 is straight."""
    if x.size < 4:
        return 0.0
    t = 2 * (x - x[0]) / max(float(x[-1] - x[0]), 1e-300) - 1
    c = np.polynomial.polynomial.polyfit(t, y, 2)
    return float(abs(c[2]) / max(abs(2 * c[1]), 1e-300))


def _best_range(p: Floats, y: Floats, low: float | None, high: float | None) -> tuple[float, float]:
    """Ends of the widest straight range, or of the straightest."""
    if p.size < 4:
        raise InputError(f"{p.size} points; give 4 or more, or the range of the Heckel line")
    top = float(p.max())
    edges = np.unique(np.concatenate([np.geomspace(max(p.min(), top / 40), top, _EDGES)]))
    lows = edges if low is None else np.array([low])
    highs = edges if high is None else np.array([high])
    found: list[tuple[float, float, float, float]] = []
    for a in lows:
        for b in highs:
            inside = (p >= a * (1 - 1e-9)) & (p <= b * (1 + 1e-9))
            if b < _WIDE * a * (1 - 1e-9) or inside.sum() < 4:
                continue
            rise = float(np.ptp(y[inside]))
            found.append((_bend(p[inside], y[inside]), -rise, float(a), float(b)))
    if not found:
        raise InputError(
            "no range of pressure holds 4 points over a factor of 2.5; give low and high"
        )
    straight = [f for f in found if f[0] <= _SAG]
    _, _, a, b = min(straight, key=lambda f: f[1]) if straight else min(found)
    return a * (1 - 1e-9), b * (1 + 1e-9)


def _sweep(p: Floats, y: Floats, low: float, high: float) -> list[tuple[float, float, float]]:
    """Slopes as both ends of the range move, where the points allow it."""
    found = []
    for one in _SWEEP:
        for other in _SWEEP:
            a, b = low * one, min(high * other, float(p.max()) * (1 + 1e-9))
            inside = (p >= a) & (p <= b)
            if inside.sum() >= 3 and (slope := regress(p[inside], y[inside])[0]) > 0:
                found.append((a, b, slope))
    return found


def kawakita(
    pressure: Floats,
    density: Floats,
    start: float,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Kawakita:
    """Fit the Kawakita line P/C = P/a + 1/(a b), with C = 1 - D0/D.

    Parameters
    ----------
    pressure : (m,)
        P, Pa, on loading.
    density : (m,)
        D, relative.
    start
        D0, relative density without pressure; what is taken for it moves 1/b most.
    low, high
        Pa, ends of the range; without them all points with C > 0.

    Raises
    ------
    InputError
        If fewer than three points are denser than `start`.
    ValidityError
        If the line has no positive a and b.

    Notes
    -----
    Source: Kawakita & Lüdde 1971, doi:10.1016/0032-5910(71)80001-3.

    Examples
    --------
    >>> p = np.linspace(1e6, 2e8, 20)
    >>> c = 0.6 * p / (p + 5e6)
    >>> fit = kawakita(p, 0.3 / (1 - c), 0.3)
    >>> round(fit.a, 9), round(fit.pressure)
    (0.6, 5000000)
    """
    p, d = _points(pressure, density)
    if not 0 < start < 1:
        raise InputError(f"start={start:g}; the density without pressure lies between 0 and 1")
    c = 1 - start / d
    keep = c > 1e-3
    keep &= (p >= (low or 0.0)) & (p <= (high or np.inf))
    p, c = p[keep], c[keep]
    if p.size < 3:
        raise InputError(f"{p.size} points are denser than {start:.4g}; a Kawakita line needs 3")
    a, b, ea, eb = _kawakita_line(p, p / c)
    if not (a > 0 and b > 0):
        raise ValidityError(
            f"the points follow no Kawakita line (a = {a:.3g}, 1/b = {b:.3g} Pa); check the start"
        )
    tried = [_kawakita_line(p[rows], (p / c)[rows])[:2] for rows in _parts(p)]
    tried = [t for t in tried if t[0] > 0 and t[1] > 0]
    wide = len(tried) > 1
    return Kawakita(
        a=a, a_error=ea, pressure=b, pressure_error=eb, start=start, low=float(p[0]),
        high=float(p[-1]), count=int(p.size),
        a_range=float(np.std([t[0] for t in tried], ddof=1)) if wide else np.nan,
        pressure_range=float(np.std([t[1] for t in tried], ddof=1)) if wide else np.nan,
    )  # fmt: skip


def _parts(p: Floats) -> list[npt.NDArray[np.int64]]:
    """Rows of the whole range, and without a quarter of the points at either end."""
    cut = p.size // 4
    whole = np.arange(p.size, dtype=np.int64)
    return [r for r in (whole, whole[cut:], whole[: p.size - cut]) if r.size >= 3]


def _kawakita_line(p: Floats, y: Floats) -> tuple[float, float, float, float]:
    """a, 1/b, and their standard errors."""
    slope, error, middle = regress(p, y)
    error *= _inflation(p, y)
    mean = float(p.mean())
    level = error * np.sqrt(float(((p - mean) ** 2).sum()) / p.size)
    cut = middle - slope * mean
    # cut/slope = middle/slope - mean: middle and slope are independent
    spread = float(np.hypot(level / slope, middle * error / slope**2))
    return 1 / slope, cut / slope, error / slope**2, spread


def spring_back(high: float, low: float) -> float:
    """Share by which a pellet of fixed width grows in height as its density falls.

    Parameters
    ----------
    high, low
        Relative densities at the largest pressure, and after unloading.

    Examples
    --------
    >>> f"{100 * spring_back(0.95, 0.94):.3f} %"
    '1.064 %'
    """
    if not 0 < low <= 1.2 or not 0 < high <= 1.2:
        raise InputError(f"relative densities {high:g} and {low:g}; they lie between 0 and 1")
    return high / low - 1
