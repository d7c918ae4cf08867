"""Peaks of a pattern: found by a matched filter in what is left, refined together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.measure.phases.pattern import Pattern, background
from dualyte.vocabulary import Floats

_CHANCE: Final = 0.01  # that noise alone makes one false peak in a pattern
_PERIOD: Final = np.radians(6.0)  # of the background: an amorphous halo is one, a line is not
_ROUNDS: Final = 12
_STEEP: Final = 0.15  # of the strongest new peak: fainter ones wait for the next round
_MOST: Final = 150  # peaks
_STEPS: Final = 25  # of a refinement
_WIDTHS: Final = (0.03, 1.0)  # degrees, of a line
_USUAL: Final = np.radians(0.15)  # width where no line is plain
_PLAIN: Final = 8.0  # standard deviations that make a line plain
_CLOSE: Final = 0.7  # full widths: peaks nearer than this are one
_REACH: Final = 40.0  # full widths over which a line is drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One line, of Kα1."""

    angle: float  #: rad, 2θ
    angle_spread: float
    area: float  #: counts times rad, Kα1 and Kα2 together
    area_spread: float
    height: float  #: counts, of Kα1
    width: float  #: rad, full width at half maximum
    phase: str = ""  #: that explains it
    hkl: tuple[int, int, int] | None = None

    @property
    def significance(self) -> float:
        """Area over its spread."""
        return self.area / self.area_spread if self.area_spread > 0 else np.inf


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines:
    """What was fitted to a pattern. Read-only."""

    background: Floats  #: (m,) counts
    model: Floats  #: (m,) counts of all peaks, without the background
    peaks: tuple[Peak, ...]  #: by angle
    variance: Floats  #: (m,) of the counts
    shape: tuple[float, float, float]  #: width² = u + v tan²θ [rad²], share of Lorentz
    pair: tuple[float, float]  #: Kα2/Kα1 of wavelengths, and of intensities
    threshold: float  #: significance from which a peak counts

    def width(self, angle: npt.ArrayLike) -> Floats:
        """Full width at half maximum at 2θ [rad]."""
        u, v, _ = self.shape
        return np.asarray(np.sqrt(u + v * np.tan(np.asarray(angle) / 2) ** 2))


def find_peaks(pattern: Pattern, pair: tuple[float, float]) -> Lines:
    """Find and refine the peaks of a pattern.

    Parameters
    ----------
    pair
        Wavelength of Kα2 over that of Kα1, and its share of intensity (0 for one line).

    Notes
    -----
    A peak counts where a matched filter of the width of a line exceeds what noise alone would
    reach once in a hundred patterns. Then all are refined as pseudo-Voigt lines of one shape.
    """
    from scipy.stats import norm

    x, y = pattern.angle, pattern.counts
    width = _first_width(pattern)
    places = max(float(np.ptp(x)) / width, 10.0)
    threshold = float(norm.isf(_CHANCE / places))
    base, variance = _settled(pattern, width)
    at, theta = np.zeros(0), np.zeros(0)
    shape = (width**2, 0.0, 0.5)
    model, settled = np.zeros(x.size), False
    for _ in range(_ROUNDS):
        fresh = _new(x, y - base - model, variance, shape, at, threshold)
        if at.size + fresh.size > _MOST:
            break
        if not fresh.size and settled:
            break
        at = np.sort(np.concatenate([at, fresh]))
        if not at.size:
            break
        theta, shape = _refined(x, y - base, variance, at, shape, pair)
        sure = [
            p.significance > threshold for p in _peaks(x, y - base, variance, theta, shape, pair)
        ]
        theta, settled = theta[np.tile(sure, 2)], not fresh.size
        at = theta[: theta.size // 2]
        model = _drawn(x, theta, shape, pair)
        under = _under(x, at, shape, np.maximum(theta[at.size :], 0) / np.sqrt(np.median(variance)))
        base = background(pattern, under, _PERIOD, model)
        variance = pattern.gain * np.maximum(base + np.maximum(model, 0), 0.5)
    peaks = _peaks(x, y - base, variance, theta, shape, pair) if at.size else []
    return Lines(
        background=base, model=model, peaks=tuple(peaks), variance=variance, shape=shape,
        pair=pair, threshold=threshold,
    )  # fmt: skip


def _first_width(pattern: Pattern) -> float:
    """Width of the strongest line, from its half height; a usual one where there is none."""
    base, variance = _settled(pattern, _USUAL)
    y = pattern.counts - base
    smooth = np.convolve(y, np.ones(3) / 3, mode="same")
    k = int(np.argmax(smooth / np.sqrt(variance)))
    least = max(np.radians(_WIDTHS[0]), 2 * pattern.step)
    if smooth[k] < _PLAIN * np.sqrt(variance[k] / 3):
        return float(max(_USUAL, least))
    half = y > 0.5 * y[max(k - 1, 0) : k + 2].mean()
    left = k - int(np.argmin(half[: k + 1][::-1]))
    right = k + int(np.argmin(half[k:]))
    return float(np.clip((right - left) * pattern.step, least, np.radians(_WIDTHS[1])))


def _settled(pattern: Pattern, width: float) -> tuple[Floats, Floats]:
    """First background: points far above it are left out step by step."""
    masked = np.zeros(pattern.counts.size, dtype=np.bool_)
    base = background(pattern, masked, _PERIOD)
    grow = max(int(2 * width / pattern.step), 1)
    for _ in range(12):
        high = pattern.counts > base + 3.0 * np.sqrt(pattern.gain * np.maximum(base, 0.5))
        near = np.convolve(high, np.ones(2 * grow + 1), mode="same") > 1.5 + 0.01 * grow
        if (near == masked).all() or near.mean() > 0.8:
            break
        masked = near
        base = background(pattern, masked, _PERIOD)
    return base, pattern.gain * np.maximum(pattern.counts, np.maximum(base, 0.5))


def matched(
    x: Floats, residual: Floats, variance: Floats, at: float, width: float
) -> tuple[float, float]:
    """Height of a Gaussian of a width at one place in a residual, and its spread."""
    near = np.abs(x - at) < 1.5 * width
    if near.sum() < 3:
        return 0.0, float("inf")
    g = np.exp(-4 * np.log(2) * ((x[near] - at) / width) ** 2)
    weight = float((g**2 / variance[near]).sum())
    return float((g * residual[near] / variance[near]).sum()) / weight, weight**-0.5


def _new(
    x: Floats,
    residual: Floats,
    variance: Floats,
    shape: tuple[float, float, float],
    at: Floats,
    threshold: float,
) -> Floats:
    """Places where a line is significant in what is left, not too close to one already there."""
    width = np.sqrt(shape[0] + shape[1] * np.tan(x / 2) ** 2)
    step = float(np.median(np.diff(x)))
    half = max(int(1.5 * float(width.mean()) / step), 2)
    k = np.arange(-half, half + 1) * step
    g = np.exp(-4 * np.log(2) * (k / float(width.mean())) ** 2)
    top = np.convolve(residual / variance, g[::-1], mode="same")
    sig = top / np.sqrt(np.convolve(1 / variance, g**2, mode="same"))
    least = max(threshold, _STEEP * float(sig.max()))  # strong ones first: they give the shape
    peak = (sig[1:-1] > sig[:-2]) & (sig[1:-1] >= sig[2:]) & (sig[1:-1] > least)
    found = x[1:-1][peak]
    strong = sig[1:-1][peak]
    kept: list[float] = []
    for place in found[np.argsort(-strong)].tolist():
        room = _CLOSE * float(np.sqrt(shape[0] + shape[1] * np.tan(place / 2) ** 2))
        others = np.concatenate([at, kept])
        if not others.size or np.abs(others - place).min() > room:
            kept.append(place)
    return np.array(kept)


def _line(z: Floats, eta: float) -> Floats:
    """Pseudo-Voigt of height 1 at a distance z in full widths."""
    return np.asarray(eta / (1 + 4 * z**2) + (1 - eta) * np.exp(-4 * np.log(2) * z**2))


def second(angle: npt.ArrayLike, ratio: float) -> Floats:
    """2θ of the Kα2 line of one at 2θ [rad]."""
    s = np.minimum(np.sin(np.asarray(angle, dtype=np.float64) / 2) * ratio, 1.0)
    return np.asarray(2 * np.arcsin(s))


def _basis(
    x: Floats, at: float, shape: tuple[float, float, float], pair: tuple[float, float]
) -> tuple[slice, Floats]:
    """One line of height 1, with its Kα2, where it matters."""
    u, v, eta = shape
    width = float(np.sqrt(max(u + v * np.tan(at / 2) ** 2, 1e-12)))
    low, high = np.searchsorted(x, [at - _REACH * width, at + (_REACH + 2) * width])
    part = slice(int(low), int(high))
    g = _line((x[part] - at) / width, eta)
    if pair[1] > 0:
        g = g + pair[1] * _line((x[part] - float(second(at, pair[0]))) / width, eta)
    return part, g


def _drawn(
    x: Floats, theta: Floats, shape: tuple[float, float, float], pair: tuple[float, float]
) -> Floats:
    n = theta.size // 2
    model = np.zeros(x.size)
    for at, height in zip(theta[:n].tolist(), theta[n:].tolist(), strict=True):
        part, g = _basis(x, at, shape, pair)
        model[part] += height * g
    return model


def _heights(
    x: Floats, y: Floats, variance: Floats, at: Floats, shape: tuple[float, float, float],
    pair: tuple[float, float],
) -> Floats:  # fmt: skip
    """Heights of lines at given places: linear, none negative."""
    from scipy.optimize import nnls

    A = np.zeros((x.size, at.size))
    for k, place in enumerate(at.tolist()):
        part, g = _basis(x, place, shape, pair)
        A[part, k] = g
    root = 1 / np.sqrt(variance)
    found, _ = nnls(A * root[:, None], np.maximum(y, -1e12) * root)
    return np.asarray(found)


def _refined(
    x: Floats, y: Floats, variance: Floats, at: Floats, shape: tuple[float, float, float],
    pair: tuple[float, float],
) -> tuple[Floats, tuple[float, float, float]]:  # fmt: skip
    """Places, heights and the common shape by nonlinear least squares."""
    n = at.size
    heights = np.maximum(_heights(x, y, variance, at, shape, pair), 1e-3)
    width = np.sqrt(shape[0] + shape[1] * np.tan(at / 2) ** 2)
    root = 1 / np.sqrt(variance)
    unit = shape[0]

    def parted(p: Floats) -> tuple[Floats, tuple[float, float, float]]:
        own = (float(p[2 * n]) * unit, float(p[2 * n + 1]) * unit, float(p[2 * n + 2]))
        return np.concatenate([at + p[:n] * width, p[n : 2 * n] * heights]), own

    def residual(p: Floats) -> Floats:
        return np.asarray((_drawn(x, *parted(p), pair) - y) * root)

    def jacobian(p: Floats) -> Floats:
        theta, own = parted(p)
        J = _slopes(x, theta, own, pair)
        J[:, :n] *= width
        J[:, n : 2 * n] *= heights
        J[:, 2 * n : 2 * n + 2] *= unit
        return np.asarray(J * root[:, None])

    low, high = (np.radians(w) ** 2 / unit for w in _WIDTHS)
    start = np.concatenate([np.zeros(n), np.ones(n), [1.0, shape[1] / unit, shape[2]]])
    lower = np.concatenate([np.full(n, -0.6), np.zeros(n), [low, 0.0, 0.0]])
    upper = np.concatenate([np.full(n, 0.6), np.full(n, 50.0), [high, 20.0, 1.0]])
    p = _least(residual, jacobian, np.clip(start, lower, upper), lower, upper)
    theta, own = parted(p)
    order = np.argsort(theta[:n])
    return np.concatenate([theta[:n][order], theta[n:][order]]), own


def _least(
    residual: Callable[[Floats], Floats],
    jacobian: Callable[[Floats], Floats],
    start: Floats,
    lower: Floats,
    upper: Floats,
) -> Floats:
    """Levenberg and Marquardt's least squares inside a box, by normal equations.

    With a hundred numbers and thousands of points, a factorisation of the whole Jacobian
    takes a hundred times as long.
    """
    p, damp = start, 1e-3
    r = residual(p)
    cost = float(r @ r)
    for _ in range(_STEPS):
        J = jacobian(p)
        H, g = J.T @ J, J.T @ r
        held = ((p <= lower) & (g > 0)) | ((p >= upper) & (g < 0))
        size = np.maximum(np.diag(H), 1e-12 * float(np.diag(H).max()))
        for _ in range(8):
            A = H + np.diag(damp * size)
            A[held] = A[:, held] = 0.0
            A[held, held] = 1.0
            step = np.linalg.solve(A, np.where(held, 0.0, -g))
            trial = np.clip(p + step, lower, upper)
            rt = residual(trial)
            if float(rt @ rt) < cost:
                break
            damp *= 6
        else:
            return p
        gain, p, r = cost - float(rt @ rt), trial, rt
        cost, damp = cost - gain, damp / 6
        if gain < 1e-5 * max(cost, 1.0):
            break
    return p


def _slopes(
    x: Floats, theta: Floats, shape: tuple[float, float, float], pair: tuple[float, float]
) -> Floats:
    """Derivatives of all lines by their places and heights, and by the common shape."""
    n = theta.size // 2
    u, v, eta = shape
    J = np.zeros((x.size, 2 * n + 3))
    for k, (at, height) in enumerate(zip(theta[:n].tolist(), theta[n:].tolist(), strict=True)):
        part, J_height = _basis(x, at, shape, pair)
        J[part, n + k] = J_height
        tan2 = float(np.tan(at / 2) ** 2)
        w = float(np.sqrt(max(u + v * tan2, 1e-12)))
        for place, share in ((at, 1.0), (float(second(at, pair[0])), pair[1])):
            if share == 0:
                continue
            z = (x[part] - place) / w
            lorentz, gauss = 1 / (1 + 4 * z**2), np.exp(-4 * np.log(2) * z**2)
            slope = -8 * z * (eta * lorentz**2 + (1 - eta) * np.log(2) * gauss)
            J[part, k] -= height * share * slope / w
            by_width = -height * share * slope * z / w
            J[part, 2 * n] += by_width / (2 * w)
            J[part, 2 * n + 1] += by_width * tan2 / (2 * w)
            J[part, 2 * n + 2] += height * share * (lorentz - gauss)
    return J


def _under(
    x: Floats, at: Floats, shape: tuple[float, float, float], strength: Floats
) -> npt.NDArray[np.bool_]:
    """Points under peaks: wider under strong ones, whose tails reach further."""
    masked = np.zeros(x.size, dtype=np.bool_)
    for place, strong in zip(at.tolist(), strength.tolist(), strict=True):
        width = float(np.sqrt(shape[0] + shape[1] * np.tan(place / 2) ** 2))
        reach = width * (1.5 + min(0.5 * np.sqrt(shape[2] * max(strong, 0.0)), 5.0))
        masked |= np.abs(x - place - 0.1 * width) < reach
    return masked if masked.mean() < 0.85 else np.zeros(x.size, dtype=np.bool_)


def _peaks(
    x: Floats, y: Floats, variance: Floats, theta: Floats, shape: tuple[float, float, float],
    pair: tuple[float, float],
) -> list[Peak]:  # fmt: skip
    """Every line with the spreads of its place and area, given the common shape."""
    n = theta.size // 2
    J = _slopes(x, theta, shape, pair)[:, : 2 * n]
    J /= np.sqrt(variance)[:, None]
    size = np.maximum(np.sqrt((J**2).sum(axis=0)), 1e-12)
    scaled = (J / size).T @ (J / size)
    cov = np.linalg.inv(scaled + 1e-9 * np.eye(2 * n)) / np.outer(size, size)
    spread = np.sqrt(np.maximum(np.diag(cov), 0.0))
    model = J @ np.concatenate([np.zeros(n), theta[n:]])
    left = y / np.sqrt(variance) - model
    loud = max(float((left**2).sum()) / max(x.size - 2 * n, 1), 1.0) ** 0.5
    found = []
    for k in range(n):
        at = float(theta[k])
        width = float(np.sqrt(shape[0] + shape[1] * np.tan(at / 2) ** 2))
        unit = line_area(width, shape[2]) * (1 + pair[1])
        found.append(
            Peak(
                angle=at, angle_spread=float(spread[k]) * loud, area=float(theta[n + k]) * unit,
                area_spread=float(spread[n + k]) * unit * loud, height=float(theta[n + k]),
                width=width,
            )
        )  # fmt: skip
    return found


def line_area(width: float, eta: float) -> float:
    """Area of a pseudo-Voigt of height 1.

    >>> round(line_area(1.0, 1.0) / np.pi, 6), round(line_area(1.0, 0.0), 6)
    (0.5, 1.064467)
    """
    return width * float(eta * np.pi / 2 + (1 - eta) * np.sqrt(np.pi / np.log(2)) / 2)
