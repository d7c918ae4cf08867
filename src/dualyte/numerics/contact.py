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
_HUGE = 1e300  # an infinite cap, kept finite for the compiled loops
_COARSEST = 32  # pixels a side where the cascade starts
_jit: Callable[[Any], Any] = nb.njit(cache=True, fastmath=True, nogil=True)


def wavenumbers(shape: tuple[int, int], size: tuple[float, float]) -> Floats:
    """|q| of a real two-dimensional transform, shape (nx, ny // 2 + 1), unit 1/length."""
    (nx, ny), (lx, ly) = shape, size
    qx = 2 * np.pi * np.fft.fftfreq(nx, lx / nx)
    qy = 2 * np.pi * np.fft.rfftfreq(ny, ly / ny)
    return np.hypot(qx[:, None], qy[None, :])


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
    saturated: npt.NDArray[np.bool_]  #: (nx, ny) p = cap
    outcome: Outcome
    steps: int  #: on the finest grid
    residual: float  #: load-weighted complementarity error / rms height
    load_error: float  #: relative

    @property
    def contact(self) -> npt.NDArray[np.bool_]:
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
    """Starting pressure from solves on grids of 32, 64, … pixels."""
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


def _minimise(
    solid: HalfSpace,
    height: Floats,
    mean: float,
    limit: Floats,
    start: Floats,
    rtol: float,
    max_steps: int,
) -> ContactSolution:
    """Run the projected conjugate gradient described at the top of the file."""
    h, cap = np.ascontiguousarray(height).ravel(), np.ascontiguousarray(limit).ravel()
    load, rms = mean * h.size, float(h.std()) or 1.0
    free, trial = np.ones(h.size, np.bool_), np.empty(h.size)
    p = np.clip(np.ravel(start), 0, cap)
    p *= min(load / max(float(p.sum()), 1e-300), 1.0)
    _project(p.copy(), p, cap, free, load, True)
    u = solid.displacement(p)
    gap, last, t = np.empty(h.size), np.zeros(h.size), np.zeros(h.size)
    energy, norm = _energy(p, u, h), 1.0
    conjugate, fresh, plain = False, True, False
    outcome, step = Outcome.MAX_STEPS, 0
    while True:
        residual, offset = _complementarity(p, u, h, cap)
        if residual <= rtol * rms:
            if fresh:
                outcome = Outcome.CONVERGED
                break
            u, fresh = solid.displacement(p), True  # judge what p gives, not what was summed
            continue
        if step == max_steps or outcome is Outcome.STALLED:
            break
        step += 1
        released = _working_set(p, u, h, cap, offset, free, gap)
        z = gap.copy() if plain else solid.precondition(gap, residual)
        if released:
            _withhold(p, cap, free, z)
        norm = _direction(free, z, gap, last, t, norm, conjugate and not released)
        r = solid.displacement(t)
        length = _line_search(free, gap, t, r)
        if length <= 0:
            outcome = Outcome.STALLED if plain else outcome
            conjugate, plain = False, not conjugate
            continue
        if _moved(p, t, free, length, cap, trial) == 0:
            p, trial = trial, p
            u -= length * r
            energy, conjugate, fresh = _energy(p, u, h), True, False
            continue
        slack = 1e-13 * load * rms
        old, p = p, p.copy()
        for attempt in range(24 if plain else 6):
            if not _project(trial, p, cap, free, load, False):
                _project(trial, p, cap, free, load, True)
            u = solid.displacement(p)
            lower = _energy(p, u, h)
            if lower <= energy + slack:
                break
            length /= 2
            p[:] = old
            _moved(p, t, free, length, cap, trial)
        else:  # the preconditioned step fails: take one along the plain gradient
            p[:], lower, attempt = old, energy, 1
            u = solid.displacement(p)
            outcome, plain = (Outcome.STALLED if plain else outcome), True
            conjugate, fresh = False, True
            continue
        energy, conjugate, fresh, plain = lower, attempt == 0, True, False
    _, offset = _complementarity(p, u, h, cap)
    shape = height.shape
    return ContactSolution(
        pressure=p.reshape(shape),
        displacement=u.reshape(shape),
        gap=(u - h - offset).reshape(shape),
        saturated=(p >= cap * (1 - 1e-9)).reshape(shape),
        outcome=outcome,
        steps=step,
        residual=residual / rms,
        load_error=abs(float(p.sum()) / load - 1),
    )


@_jit
def _complementarity(p: Any, u: Any, h: Any, cap: Any) -> tuple[float, float]:
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
def _working_set(p: Any, u: Any, h: Any, cap: Any, offset: float, free: Any, gap: Any) -> int:
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
def _withhold(p: Any, cap: Any, free: Any, z: Any) -> None:
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
    free: Any, z: Any, gap: Any, last: Any, t: Any, norm: float, conjugate: bool
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
def _line_search(free: Any, gap: Any, t: Any, r: Any) -> float:
    """Length of the step along −t that minimises the energy; 0 if none does."""
    slope = curvature = 0.0
    for i in range(t.size):
        if free[i]:
            slope += gap[i] * t[i]
            curvature += r[i] * t[i]
    return slope / curvature if curvature > 0.0 else 0.0


@_jit
def _moved(p: Any, t: Any, free: Any, length: float, cap: Any, trial: Any) -> int:
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
def _project(trial: Any, p: Any, cap: Any, free: Any, load: float, everywhere: bool) -> bool:
    """Project `trial` on {0 ≤ p ≤ cap, Σp = load}, moving free pixels only; into `p`.

    One shift common to all moving pixels solves it; Newton's method on the piecewise
    linear load, kept inside a bracket. False if the load is out of reach.
    """
    n, fixed = trial.size, 0.0
    for i in range(n):
        if not (free[i] or everywhere):
            fixed += p[i]
    shift, low, high = 0.0, -1e300, 1e300
    for _ in range(100):
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
            break
        if missing > 0.0:
            low = shift
        else:
            high = shift
        if inside > 0:
            new = shift + missing / inside
        elif missing > 0.0:
            if to_zero > 1e299:
                return False
            new = shift + to_zero * 1.0000001 + 1e-300
        else:
            if to_cap > 1e299:
                return False
            new = shift - to_cap * 1.0000001 - 1e-300
        if (new <= low or new >= high) and low > -1e299 and high < 1e299:
            new = 0.5 * (low + high)
        if new == shift:
            break
        shift = new
    for i in range(n):
        if free[i] or everywhere:
            p[i] = min(max(trial[i] + shift, 0.0), cap[i])
    return True


@_jit
def _energy(p: Any, u: Any, h: Any) -> float:
    total = 0.0
    for i in range(p.size):
        total += p[i] * (0.5 * u[i] - h[i])
    return total


def perimeter(contact: npt.NDArray[np.bool_], pixel: tuple[float, float]) -> float:
    """Length of the edges between contact and gap of a periodic pixel map."""
    along_x = np.count_nonzero(contact != np.roll(contact, 1, axis=0))
    along_y = np.count_nonzero(contact != np.roll(contact, 1, axis=1))
    return float(along_x * pixel[1] + along_y * pixel[0])
