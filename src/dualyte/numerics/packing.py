"""Discs and spheres in a periodic box, pushed apart until none overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.int64]
_REST = 1e-5  # net force on a grain over the force of the worst contact


@njit(cache=True, error_model="numpy")
def neighbours(x: Floats, r: Floats, skin: float) -> Pairs:
    """Pairs (m, 2) whose surfaces are closer than `skin` in the unit box."""
    n, d = x.shape
    found = np.empty((n * 16, 2), np.int64)
    count = 0
    for i in range(n):
        for j in range(i):
            square = 0.0
            for k in range(d):
                t = x[i, k] - x[j, k]
                t -= np.rint(t)
                square += t * t
            reach = r[i] + r[j] + skin
            if square < reach * reach:
                if count == found.shape[0]:
                    larger = np.empty((2 * count, 2), np.int64)
                    larger[:count] = found
                    found = larger
                found[count, 0], found[count, 1] = i, j
                count += 1
    return found[:count].copy()


@njit(cache=True, error_model="numpy")
def _pull(x: Floats, r: Floats, pairs: Pairs, reach: float, hold: float, f: Floats) -> float:
    """Forces of overlaps, and of gaps up to `reach` with weight `hold`; the worst overlap."""
    d = x.shape[1]
    f[:] = 0.0
    worst = 0.0
    step = np.empty(d)
    for m in range(pairs.shape[0]):
        i, j = pairs[m]
        square = 0.0
        for k in range(d):
            t = x[i, k] - x[j, k]
            step[k] = t - np.rint(t)
            square += step[k] * step[k]
        both = r[i] + r[j]
        limit = both * (1 + reach)
        if square >= limit * limit:
            continue
        distance = np.sqrt(square) + 1e-300
        over = 1 - distance / both
        weight = 1.0 if over > 0 else hold
        worst = max(worst, over)
        push = weight * over / both / distance
        for k in range(d):
            f[i, k] += push * step[k]
            f[j, k] -= push * step[k]
    return worst


@njit(cache=True, error_model="numpy")
def relax(
    x: Floats, r: Floats, tolerance: float, max_steps: int, reach: float, hold: float
) -> tuple[float, int]:
    """Minimise overlaps (and gaps) in place by FIRE; the worst overlap and the steps taken.

    Bitzek et al. 2006, doi:10.1103/PhysRevLett.97.170201.
    """
    n, d = x.shape
    mean = r.mean()
    skin = max(0.3, 3 * reach) * mean
    pairs, start = neighbours(x, r, skin), x.copy()
    v, f = np.zeros_like(x), np.zeros_like(x)
    largest = 0.3 * mean
    dt, mixing, good, worst = 0.1 * largest, 0.1, 0, 1.0
    for step in range(max_steps):
        worst = _pull(x, r, pairs, reach, hold, f)
        if worst < tolerance and (hold == 0.0 or step > max_steps // 2):
            return worst, step
        power, ff, vv = 0.0, 0.0, 0.0
        for i in range(n):
            for k in range(d):
                power += f[i, k] * v[i, k]
                ff += f[i, k] ** 2
                vv += v[i, k] ** 2
        # grains at rest against each other, still overlapping: they are jammed
        if ff < 1e-24 / mean**2 or (hold == 0.0 and ff < n * (_REST * worst / mean) ** 2):
            return worst, step
        if power > 0:
            v[:] = (1 - mixing) * v + mixing * np.sqrt(vv / ff) * f
            good += 1
            if good > 5:
                dt = min(1.1 * dt, largest)
                mixing *= 0.99
        else:
            v[:] = 0.0
            dt, mixing, good = 0.5 * dt, 0.1, 0
        moved = 0.0
        for i in range(n):
            far = 0.0
            for k in range(d):
                v[i, k] += dt * f[i, k]
                x[i, k] += dt * v[i, k]
                far += (x[i, k] - start[i, k]) ** 2
            moved = max(moved, far)
        if 2 * np.sqrt(moved) > skin - reach * 2.5 * mean:
            pairs, start = neighbours(x, r, skin), x.copy()
    return worst, max_steps
