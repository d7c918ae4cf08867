"""Frictionless contact of a flat half-space with a periodic rough rigid surface.

With height h, pressure p, surface displacement u = K p and offset d, the solution of

    min ½⟨p, K p⟩ − ⟨p, h⟩   subject to  0 ≤ p ≤ cap,  mean p = P,     K̂(q) = 2 / (E*|q|)

has gap u − h − d = 0 where 0 < p < cap, ≥ 0 where p = 0, and ≤ 0 where p = cap.

The minimiser is found by projected conjugate gradients (the problem of Polonsky & Keer
1999, doi:10.1016/S0043-1648(99)00113-1) with three changes that matter for speed:

* the offset d and the set of pixels free to move are made consistent before each step,
  so that pixels enter and leave contact in the first steps, not one by one;
* the residual is preconditioned by E*|q|/2, the inverse of K, restricted to that set
  (single precision is enough there), which makes the number of steps nearly independent
  of the grid;
* each step ends with the exact projection onto the box and the load together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import scipy.fft

from dualyte.errors import ConvergenceError
from dualyte.numerics.solve import Outcome

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_HUGE = 1e300  # an infinite cap, kept finite for the compiled loops
_COARSEST = 32  # pixels a side where the cascade starts
_jit: Callable[[Any], Any] = nb.njit(cache=True, fastmath=True, nogil=True)


def wavenumbers(shape: tuple[int, int], size: tuple[float, float]) -> Floats:
    """|q| of a real two-dimensional transform, shape (nx, ny // 2 + 1), unit 1/length."""
    (nx, ny), (lx, ly) = shape, size
    qx = 2 * np.pi * np.fft.fftfreq(nx, lx / nx)
    qy = 2 * np.pi * np.fft.rfftfreq(ny, ly / ny)
    return np.asarray(np.hypot(qx[:, None], qy[None, :]))


class HalfSpace:
    """Elastic half-space of contact modulus E* under a periodic cell of `size`."""

    def __init__(
        self, shape: tuple[int, int], size: tuple[float, float], modulus: float, workers: int = 1
    ) -> None:
        wave = wavenumbers(shape, size)
        self.shape, self.workers = shape, workers
        self._stiffness = modulus * wave / 2
        self._compliance = np.divide(
            1.0, self._stiffness, out=np.zeros_like(wave), where=self._stiffness > 0
        )
        relative = self._stiffness / self._stiffness[0, 1]  # single precision needs no units
        relative[0, 0] = 1.0  # the mean is restored by the caller; any positive number does
        self._relative = relative.astype(np.float32)
        self._unit = float(self._stiffness[0, 1])

    def displacement(self, pressure: Floats) -> Floats:
        """K p: displacement of the surface under `pressure` (both flat), mean zero."""
        modes = scipy.fft.rfft2(pressure.reshape(self.shape), workers=self.workers)
        modes *= self._compliance
        found = scipy.fft.irfft2(modes, s=self.shape, workers=self.workers, overwrite_x=True)
        return np.asarray(found).ravel()

    def precondition(self, gap: Floats, scale: float) -> Floats:
        """K⁻¹ of a masked gap, to single precision; `scale` is a typical gap."""
        small = (gap / scale).astype(np.float32).reshape(self.shape)
        modes = scipy.fft.rfft2(small, workers=self.workers)
        modes *= self._relative
        found = scipy.fft.irfft2(modes, s=self.shape, workers=self.workers, overwrite_x=True)
        return np.asarray(found.ravel(), dtype=np.float64) * (scale * self._unit)


@lru_cache(maxsize=24)
def half_space(
    shape: tuple[int, int], size: tuple[float, float], modulus: float, workers: int = 1
) -> HalfSpace:
    """Return the half-space of a cell; kernels are kept between calls."""
    return HalfSpace(shape, size, modulus, workers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContactSolution:
    """Pressure and displacement of one load, and the story of how they were obtained."""

    pressure: Floats  #: (nx, ny)
    displacement: Floats  #: (nx, ny)
    gap: Floats  #: (nx, ny) u − h − d: negative where the cap makes the solid flow
    saturated: Mask  #: (nx, ny) p = cap
    outcome: Outcome
    steps: int  #: on the finest grid
    residual: float  #: load-weighted complementarity error / rms height
    load_error: float  #: relative

    @property
    def contact(self) -> Mask:
        """Pixels that carry pressure."""
        return self.pressure > 1e-10 * float(self.pressure.mean())

    def ensure(self) -> ContactSolution:
        """Return the solution, or raise if the solve did not converge."""
        if self.outcome is Outcome.CONVERGED and self.load_error <= 1e-10:
            return self
        raise ConvergenceError(
            f"contact: {self.outcome.value or 'the load is not met'} (residual "
            f"{self.residual:.1e}, load error {self.load_error:.1e}, {self.steps} steps)",
            self,
        )


def solve_contact(
    height: Floats,
    *,
    size: tuple[float, float],
    modulus: float,
    pressure: float,
    cap: npt.ArrayLike = np.inf,
    start: Floats | None = None,
    rtol: float = 1e-6,
    max_steps: int = 400,
    workers: int = 1,
) -> ContactSolution:
    """Press a flat half-space on a periodic rigid surface.

    Parameters
    ----------
    height : (nx, ny)
        Surface height, peaks up; any unit of length, the same as `size`.
    size
        Sides of the periodic cell.
    modulus, pressure
        Contact modulus E* and mean pressure P, in one unit.
    cap : scalar or (nx, ny)
        Local flow pressure: no pixel carries more.
    start : (nx, ny), optional
        Pressure to start from, such as that of a neighbouring load. Without it the
        solve starts on coarser grids.
    rtol
        Load-weighted complementarity error over rms height at which to stop.

    Returns
    -------
    ContactSolution
        Not raised on: call `.ensure()`.
    """
    limit = np.broadcast_to(np.minimum(cap, _HUGE), height.shape)
    if not 0 < pressure < float(limit.mean(dtype=np.longdouble)):
        raise ValueError("the mean pressure must lie between 0 and the mean cap")
    if start is None:
        start = _cascade(height, size, modulus, pressure, limit, workers)
    solid = half_space(height.shape, size, modulus, workers)
    return _minimise(solid, height, pressure, limit, start, rtol, max_steps)


def _cascade(
    height: Floats,
    size: tuple[float, float],
    modulus: float,
    pressure: float,
    limit: Floats,
    workers: int,
) -> Floats:
    """Find a starting pressure by solving on grids of 32, 64, … pixels."""
    nx, ny = height.shape
    if nx % 2 or ny % 2 or min(nx, ny) <= _COARSEST:
        return np.full(height.shape, pressure)
    coarse, low = _halved(height), _halved(limit)
    start = _cascade(coarse, size, modulus, pressure, low, workers)
    solid = half_space(coarse.shape, size, modulus, workers)
    found = _minimise(solid, coarse, pressure, low, start, 1e-3, 100)
    return np.repeat(np.repeat(found.pressure, 2, axis=0), 2, axis=1)


def _halved(field: Floats) -> Floats:
    nx, ny = field.shape
    return np.asarray(field.reshape(nx // 2, 2, ny // 2, 2).mean(axis=(1, 3)))


class _Descent:
    """The projected conjugate gradient described at the top of the file, step by step."""

    def __init__(
        self, solid: HalfSpace, height: Floats, mean: float, limit: Floats, start: Floats
    ) -> None:
        self.solid, self.h = solid, np.ascontiguousarray(height).ravel()
        self.cap = np.ascontiguousarray(limit).ravel()
        self.load, self.rms = mean * self.h.size, float(self.h.std()) or 1.0
        self.free, self.trial = np.ones(self.h.size, np.bool_), np.empty(self.h.size)
        self.gap, self.last, self.t = (np.zeros(self.h.size) for _ in range(3))
        self.p = np.clip(np.ravel(start), 0, self.cap)
        self.p *= min(self.load / max(float(self.p.sum()), 1e-300), 1.0)
        _project(self.p.copy(), self.p, self.cap, self.free, self.load, True)
        self.judge()
        self.energy, self.norm = _energy(self.p, self.u, self.h), 1.0
        self.conjugate = self.plain = self.stalled = False

    def judge(self) -> None:
        """Compute the displacement that p gives, in place of the sum over past steps."""
        self.u, self.fresh = self.solid.displacement(self.p), True

    def step(self, residual: float, offset: float) -> None:
        """Move the free pixels along the next direction, to the lowest energy it offers."""
        released = _working_set(self.p, self.u, self.h, self.cap, offset, self.free, self.gap)
        z = self.gap.copy() if self.plain else self.solid.precondition(self.gap, residual)
        if released:
            _withhold(self.p, self.cap, self.free, z)
        again = self.conjugate and not released
        self.norm = _direction(self.free, z, self.gap, self.last, self.t, self.norm, again)
        r = self.solid.displacement(self.t)
        length = _line_search(self.free, self.gap, self.t, r)
        if length <= 0:
            self.stalled = self.plain
            self.conjugate, self.plain = False, not self.conjugate
        elif _moved(self.p, self.t, self.free, length, self.cap, self.trial) == 0:
            self.p, self.trial = self.trial, self.p
            self.u -= length * r
            self.energy = _energy(self.p, self.u, self.h)
            self.conjugate, self.fresh = True, False
        else:
            self._project_back(length)

    def _project_back(self, length: float) -> None:
        """Project a step that leaves the box, shortened until the energy falls."""
        slack = 1e-13 * self.load * self.rms
        old, self.p = self.p, self.p.copy()
        for attempt in range(24 if self.plain else 6):
            if not _project(self.trial, self.p, self.cap, self.free, self.load, False):
                _project(self.trial, self.p, self.cap, self.free, self.load, True)
            self.judge()
            lower = _energy(self.p, self.u, self.h)
            if lower <= self.energy + slack:
                self.energy, self.conjugate, self.plain = lower, attempt == 0, False
                return
            length /= 2
            self.p[:] = old
            _moved(self.p, self.t, self.free, length, self.cap, self.trial)
        self.judge()  # no step along the preconditioned gradient does: try the plain one
        self.stalled, self.conjugate, self.plain = self.plain, False, True


def _minimise(
    solid: HalfSpace,
    height: Floats,
    mean: float,
    limit: Floats,
    start: Floats,
    rtol: float,
    max_steps: int,
) -> ContactSolution:
    """Step until the complementarity error is met, or no step helps."""
    now, steps, outcome = _Descent(solid, height, mean, limit, start), 0, Outcome.MAX_STEPS
    while True:
        residual, offset = _complementarity(now.p, now.u, now.h, now.cap)
        if residual <= rtol * now.rms:
            if now.fresh:
                outcome = Outcome.CONVERGED
                break
            now.judge()
            continue
        if now.stalled:
            outcome = Outcome.STALLED
            break
        if steps == max_steps:
            break
        steps += 1
        now.step(residual, offset)
    shape = height.shape
    return ContactSolution(
        pressure=now.p.reshape(shape),
        displacement=now.u.reshape(shape),
        gap=(now.u - now.h - offset).reshape(shape),
        saturated=(now.p >= now.cap * (1 - 1e-9)).reshape(shape),
        outcome=outcome,
        steps=steps,
        residual=residual / now.rms,
        load_error=abs(float(now.p.sum()) / now.load - 1),
    )


@_jit
def _complementarity(p: Floats, u: Floats, h: Floats, cap: Floats) -> tuple[float, float]:
    """Load-weighted complementarity error (a length) and the offset it is measured from."""
    total = weight = moment = 0.0
    for i in range(p.size):
        total += p[i]
        if 0.0 < p[i] < cap[i]:
            weight += p[i]
            moment += p[i] * (u[i] - h[i])
    if weight > 0.0:
        offset = moment / weight
    else:
        above, below = -1e300, 1e300
        for i in range(p.size):
            if p[i] >= cap[i]:
                above = max(above, u[i] - h[i])
            else:
                below = min(below, u[i] - h[i])
        offset = 0.5 * (above + below)
    mean, error = total / p.size, 0.0
    for i in range(p.size):
        g = u[i] - h[i] - offset
        if p[i] >= cap[i]:
            error += cap[i] * max(g, 0.0)
        elif p[i] > 0.0:
            error += p[i] * abs(g)
        else:
            error += mean * max(-g, 0.0)
    return error / total, offset


@_jit
def _working_set(
    p: Floats, u: Floats, h: Floats, cap: Floats, offset: float, free: Mask, gap: Floats
) -> int:
    """Fill `free` and `gap`: pixels inside the box, and those the gap pulls off its faces.

    The offset is the mean gap of these pixels, found by iteration because the set
    depends on it. Returns how many pixels leave a face.
    """
    n = p.size
    for _ in range(30):
        total, count = 0.0, 0
        for i in range(n):
            g = u[i] - h[i]
            on = (p[i] > 0.0 or g < offset) and (p[i] < cap[i] or g > offset)
            if on:
                total += g
                count += 1
        if count == 0:
            break
        better = total / count
        if abs(better - offset) <= 1e-12 * abs(offset):
            offset = better
            break
        offset = better
    released = 0
    for i in range(n):
        g = u[i] - h[i] - offset
        on = (p[i] > 0.0 or g < 0.0) and (p[i] < cap[i] or g > 0.0)
        free[i] = on
        gap[i] = g if on else 0.0
        if on and (p[i] <= 0.0 or p[i] >= cap[i]):
            released += 1
    return released


@_jit
def _withhold(p: Floats, cap: Floats, free: Mask, z: Floats) -> None:
    """Take back pixels on a face of the box that the step −z would push further out.

    Their gap pulls them in, so each contributes a negative term to ⟨gap, z⟩: without
    them z stays a direction of descent, and the projection cannot spoil it.
    """
    n = p.size
    for _ in range(3):
        total, count = 0.0, 0
        for i in range(n):
            if free[i]:
                total += z[i]
                count += 1
        mean, taken = total / max(count, 1), 0
        for i in range(n):
            if free[i] and ((p[i] <= 0.0 and z[i] > mean) or (p[i] >= cap[i] and z[i] < mean)):
                free[i] = False
                taken += 1
        if taken == 0:
            break


@_jit
def _direction(
    free: Mask, z: Floats, gap: Floats, last: Floats, t: Floats, norm: float, conjugate: bool
) -> float:
    """Turn t into the next conjugate direction (Polak–Ribière), mean zero on the free set."""
    n, total, count = z.size, 0.0, 0
    for i in range(n):
        if free[i]:
            total += z[i]
            count += 1
    mean = total / max(count, 1)
    new = change = 0.0
    for i in range(n):
        if free[i]:
            new += (z[i] - mean) * gap[i]
            change += (z[i] - mean) * (gap[i] - last[i])
    beta = max(change / norm, 0.0) if conjugate and norm > 0.0 else 0.0
    total = 0.0
    for i in range(n):
        last[i] = gap[i]
        t[i] = z[i] - mean + beta * t[i] if free[i] else 0.0
        total += t[i]
    mean = total / max(count, 1)
    for i in range(n):
        if free[i]:
            t[i] -= mean
    return new


@_jit
def _line_search(free: Mask, gap: Floats, t: Floats, r: Floats) -> float:
    """Length of the step along −t that minimises the energy; 0 if none does."""
    slope = curvature = 0.0
    for i in range(t.size):
        if free[i]:
            slope += gap[i] * t[i]
            curvature += r[i] * t[i]
    return slope / curvature if curvature > 0.0 else 0.0


@_jit
def _moved(p: Floats, t: Floats, free: Mask, length: float, cap: Floats, trial: Floats) -> int:
    """Write p − length·t into `trial`; return how many pixels leave the box."""
    outside = 0
    for i in range(p.size):
        trial[i] = p[i]
        if free[i]:
            trial[i] -= length * t[i]
            if trial[i] <= 0.0 or trial[i] >= cap[i]:
                outside += 1
    return outside


@_jit
def _project(
    trial: Floats, p: Floats, cap: Floats, free: Mask, load: float, everywhere: bool
) -> bool:
    """Project `trial` on {0 ≤ p ≤ cap, Σp = load}, moving free pixels only; into `p`.

    One shift common to all moving pixels solves it; Newton's method on the piecewise
    linear load, kept inside a bracket. Where a cap is so thin that no shift in double
    precision meets the load, the ends of the bracket are blended. False if the load is
    out of reach.
    """
    n, fixed = trial.size, 0.0
    for i in range(n):
        if not (free[i] or everywhere):
            fixed += p[i]
    shift, low, high, at_low, at_high, jump = 0.0, -1e300, 1e300, 0.0, 0.0, 1.0000001
    for step in range(200):
        total, inside, to_zero, to_cap = fixed, 0, 1e300, 1e300
        for i in range(n):
            if free[i] or everywhere:
                v = trial[i] + shift
                if v >= cap[i]:
                    total += cap[i]
                    to_cap = min(to_cap, v - cap[i])
                elif v > 0.0:
                    total += v
                    inside += 1
                else:
                    to_zero = min(to_zero, -v)
        missing = load - total
        if abs(missing) <= 1e-14 * load:
            low = high = shift
            break
        if missing > 0.0:
            low, at_low = shift, missing
        else:
            high, at_high = shift, missing
        if inside > 0:
            new = shift + missing / inside
        else:  # on a flat of the load: to its end, and further each time
            to_next = to_zero if missing > 0.0 else to_cap
            if to_next > 1e299:
                return False
            leap, jump = max(jump * to_next, 4e-16 * abs(shift), 1e-300), 2 * jump
            new = shift + leap if missing > 0.0 else shift - leap
        if low > -1e299 and high < 1e299 and (step > 40 or new <= low or new >= high):
            new = 0.5 * (low + high)
        if new in (shift, low, high):
            break
        shift = new
    if low < -1e299 or high > 1e299:
        low = high = shift
    share = at_low / (at_low - at_high) if low < high else 0.0
    for i in range(n):
        if free[i] or everywhere:
            v = min(max(trial[i] + low, 0.0), cap[i])
            p[i] = v + share * (min(max(trial[i] + high, 0.0), cap[i]) - v)
    return True


@_jit
def _energy(p: Floats, u: Floats, h: Floats) -> float:
    total = 0.0
    for i in range(p.size):
        total += p[i] * (0.5 * u[i] - h[i])
    return total


def perimeter(contact: Mask, pixel: tuple[float, float]) -> float:
    """Length of the edges between contact and gap of a periodic pixel map."""
    along_x = np.count_nonzero(contact != np.roll(contact, 1, axis=0))
    along_y = np.count_nonzero(contact != np.roll(contact, 1, axis=1))
    return float(along_x * pixel[1] + along_y * pixel[0])
