"""Unloading curves: where they are, and the power law of Oliver and Pharr fitted to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import Floats

FEWEST: Final = 8  #: points of an unloading that are fitted
_EXPONENTS: Final = (0.1, 10.0)
_TURN: Final = 0.05  # of the peak load, by which load must turn back to begin another branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One unloading: from its peak to its end."""

    peak: int  #: index where it begins
    end: int  #: index of its last point
    load: float  #: N, at the peak
    load_spread: float  #: N


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnloadingFit:
    """P = α (h - h_f)^m, and what it says of the peak."""

    alpha: float  #: N/m^m
    final_depth: float  #: h_f [m]
    exponent: float  #: m
    load: float  #: N, at the peak
    depth: float  #: m, where the law reaches the load of the peak
    stiffness: float  #: N/m, dP/dh there
    covariance: Floats  #: (3, 3) of depth, load, stiffness
    part: tuple[float, float]  #: of the peak load, over which it is fitted
    points: int
    r_squared: float
    at_bound: bool  #: the exponent or the final depth is at the end of what is allowed
    span: tuple[float, float]  #: m, depths that were fitted

    def __call__(self, depth: Floats) -> Floats:
        """Load [N] of the law at depths [m]; 0 below the final depth."""
        above = np.maximum(np.asarray(depth, dtype=np.float64) - self.final_depth, 0.0)
        width = self.depth - self.final_depth
        return np.asarray(self.load * (above / width) ** self.exponent)


def branches(load: Floats, noise: float = 0.0) -> list[Branch]:
    """Find the unloadings of a record: one, or one for each cycle.

    Parameters
    ----------
    load : (n,)
        N.
    noise
        N, standard deviation of one point.
    """
    step = _TURN * float(load.max())
    found: list[Branch] = []
    high = low = 0
    down = False
    for k, P in enumerate(load.tolist()):
        if down:
            if load[low] >= P:
                low = k
            elif load[low] + step < P:
                found.append(_branch(load, high, low, noise))
                high, down = k, False
        elif load[high] <= P:
            high = k
        elif load[high] - step > P:
            low, down = k, True
    if down:
        found.append(_branch(load, high, low, noise))
    return found


def _branch(load: Floats, high: int, low: int, noise: float) -> Branch:
    """Peak of a branch: where a hold ends, with the median load of the hold."""
    top = float(load[high])
    calm = float(load[max(high - 4, 0) : high + 5].max())
    if load.size >= 9:  # without single points that jut out
        around = load[max(high - 500, 0) : min(high + 500, low) + 1]
        runs = np.lib.stride_tricks.sliding_window_view(around, min(9, around.size))
        calm = float(np.median(runs, axis=1).max())
    band = max(0.005 * calm, 3 * noise)
    below = np.flatnonzero(load[high : low + 1] < 0.5 * top)
    down = int(below[0]) if below.size else low - high
    away = load[: high + 1] < calm - 2 * band
    first = int(np.flatnonzero(away)[-1]) + 1 if away.any() else 0
    near = first + np.flatnonzero(load[first : low + 1] > calm - 2 * band)
    # a sharp apex has as many points near it as the slope of the unloading makes
    if near.size < 10 + 4 * down * 2 * band / (0.5 * top):
        return Branch(peak=high, end=low, load=top, load_spread=noise)
    inner = load[near[near.size // 4 : -(near.size // 4)]]
    return Branch(
        peak=int(near[-1]), end=low, load=float(np.median(inner)),
        load_spread=float(noise / np.sqrt(inner.size)),
    )  # fmt: skip


def fit_unloading(
    depth: Floats,
    load: Floats,
    branch: Branch,
    *,
    part: tuple[float, float] = (0.25, 0.95),
    where: str = "indent",
) -> UnloadingFit:
    """Fit the power law of Oliver and Pharr to a part of an unloading.

    Parameters
    ----------
    depth, load : (n,)
        Of the whole record, corrected, m and N.
    branch
        Which unloading.
    part
        Lowest and highest load that are fitted, over the peak load.
    where
        For messages.

    Raises
    ------
    InputError
        If the unloading is too short, or has too few points.
    ValidityError
        If no power law describes it.

    Notes
    -----
    Least squares in load. The covariance allows for residuals that hang together, and for the
    scatter of depth, which makes the stiffness come out low by about 1 - R². Source: W. C. Oliver,
    G. M. Pharr, J. Mater. Res. 7 (1992) 1564, doi:10.1557/JMR.1992.1564.
    """
    from scipy.optimize import least_squares

    h, P = _fitted_part(depth, load, branch, part, where)
    span, top = float(np.ptp(h)), float(P.max())
    if span <= 0 or top <= 0:
        raise InputError(f"{where}: the depth does not change while unloading; check its columns")
    lowest = float(h.min())
    x, y = (h - lowest) / span, P / branch.load

    def residual(theta: Floats) -> Floats:
        scale, gap, m = theta
        return np.asarray(scale * ((x + gap) / (1 + gap)) ** m - y)

    starts = [
        least_squares(
            residual, (float(y.max()), gap, m), max_nfev=400,
            bounds=((0.0, 1e-9, _EXPONENTS[0]), (10.0, 100.0, _EXPONENTS[1])),
        )
        for gap, m in ((0.3, 1.4), (1.0, 1.7))
    ]  # fmt: skip
    best = min(starts, key=lambda s: s.cost)
    total = float(np.sum((y - y.mean()) ** 2))
    r_squared = 1 - 2 * float(best.cost) / total if total > 0 else 0.0
    if not np.isfinite(best.x).all() or r_squared < 0.5:
        raise ValidityError(
            f"{where}: no power law describes its unloading (R² = {r_squared:.2f}), so it gives no "
            "result; look at the curve"
        )
    return _fitted(best, h, branch, part, r_squared, (lowest, span))


def _fitted_part(
    depth: Floats, load: Floats, branch: Branch, part: tuple[float, float], where: str
) -> tuple[Floats, Floats]:
    low, high = part
    if not 0 <= low < high <= 1:
        raise InputError(
            f"the part of the unloading is {low:g} to {high:g}; give shares of the peak load, such "
            "as 0.25 to 0.95"
        )
    h, P = depth[branch.peak : branch.end + 1], load[branch.peak : branch.end + 1]
    if low > 0 and float(P.min()) > low * branch.load:
        raise InputError(
            f"{where}: its unloading ends at {100 * float(P.min()) / branch.load:.0f} % of the "
            f"peak load, above the {100 * low:.0f} % to be fitted; it is cut short, or fit less"
        )
    below = np.flatnonzero(low * branch.load > P)
    stop = int(below[0]) if below.size else P.size
    h, P = h[:stop], P[:stop]
    inside = (high * branch.load >= P) | (high >= 1)
    if inside.sum() < FEWEST:
        raise InputError(
            f"{where}: {int(inside.sum())} points of its unloading lie between {100 * low:.0f} and "
            f"{100 * high:.0f} % of the peak load; a fit needs {FEWEST}"
        )
    return h[inside], P[inside]


def _fitted(
    best: object,
    h: Floats,
    branch: Branch,
    part: tuple[float, float],
    r_squared: float,
    frame: tuple[float, float],
) -> UnloadingFit:
    """Depth and stiffness at the peak, with their covariance."""
    theta: Floats = best.x  # type: ignore[attr-defined]  # scipy has no types
    J: Floats = best.jac  # type: ignore[attr-defined]  # as above
    rest: Floats = best.fun  # type: ignore[attr-defined]  # as above
    lowest, span = frame

    def told(scale: float, gap: float, m: float, P: float) -> tuple[float, float]:
        """Depth [m] and stiffness [N/m] at the peak, from the scaled law."""
        above = (1 + gap) * (P / branch.load / scale) ** (1 / m)
        return lowest + span * (above - gap), m * P / (span * above)

    left = max(h.size - 3, 1)
    variance = np.linalg.pinv(J.T @ J) * float(rest @ rest) / left * _hang_together(rest)
    values = (*theta.tolist(), branch.load)
    base = np.array(told(*values))
    gradient = np.empty((2, 4))
    for k in range(4):
        step = 1e-5 * max(abs(values[k]), 1e-6)
        moved = [v + step * (j == k) for j, v in enumerate(values)]
        gradient[:, k] = (np.array(told(*moved)) - base) / step
    every = np.zeros((4, 4))
    every[:3, :3] = variance
    every[3, 3] = branch.load_spread**2
    # depth, load, stiffness from the three of the law and the load
    to = np.array([gradient[0], [0, 0, 0, 1.0], gradient[1]])
    covariance = to @ every @ to.T
    depth, stiffness = float(base[0]), float(base[1])
    covariance[2, 2] += ((1 - r_squared) * stiffness / np.sqrt(3)) ** 2
    _, gap, m = theta.tolist()
    width = depth - (lowest - span * gap)
    low, high = _EXPONENTS
    return UnloadingFit(
        alpha=branch.load / width**m,
        final_depth=lowest - span * gap,
        exponent=m,
        load=branch.load,
        depth=depth,
        stiffness=stiffness,
        covariance=np.asarray(covariance),
        part=part,
        points=int(h.size),
        r_squared=r_squared,
        at_bound=bool(gap > 99 or m < low * 1.01 or m > high * 0.99),
        span=(lowest, lowest + span),
    )


def _hang_together(rest: Floats) -> float:
    """By how much the variance grows because neighbouring residuals are alike."""
    size = float(rest @ rest)
    if size <= 0 or rest.size < 4:
        return 1.0
    alike = float(np.clip(rest[1:] @ rest[:-1] / size, 0.0, 0.98))
    return (1 + alike) / (1 - alike)
