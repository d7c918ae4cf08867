"""Least squares on a sum of depressed arcs, R + iωL + A (iω/ω₁)⁻ⁿ + Σ R_k / (1 + (iωτ_k)ⁿ).

A curve of m complex points is a vector of 2m numbers, real parts first, each times the
weight of its point. The parameters of a sum with K arcs are, in this order,

    R, L ω₀, ln A, n, then ln R_k, ln τ_k, n_k of each arc,

with ω₁ the lowest and ω₀ the highest angular frequency. A part that is not in the sum is
switched off by a mask over the parameters. Exponents and R, L keep to their bounds by an
active set.

This form alone is fitted here, twice as fast as any network is by `levenberg`: a distribution
of relaxation times tries many numbers of arcs.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from dualyte.numerics.relaxation import dot, orthonormal, solve, take

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SERIES: Final = 4  #: parameters before those of the arcs
PER_ARC: Final = 3  #: parameters of an arc
_QUARTER: Final = math.pi / 2
_STEP: Final = 2.0  # largest change of a logarithm in one step
_SETTLED: Final = 1e-9  # relative fall of the sum of squares
_STUCK: Final = 1e10  # damping at which no step helps


@njit(cache=True, nogil=True, fastmath=True)
def slopes(
    x: Floats, on: Bools, lw: Floats, y: Floats, weight: Floats, r: Floats, jac: Floats
) -> float:
    """Write residual r (2m,) = model − y and its derivatives jac (p, 2m); return |r|²."""
    m, p = lw.size, x.size
    top, bottom = lw.max(), lw.min()
    arcs = (p - SERIES) // 3
    ct, st = math.cos(x[3] * _QUARTER), math.sin(x[3] * _QUARTER)
    sizes, cosines, sines = np.empty(arcs), np.empty(arcs), np.empty(arcs)
    for k in range(arcs):
        j = SERIES + 3 * k
        sizes[k] = math.exp(x[j])
        cosines[k] = math.cos(x[j + 2] * _QUARTER)
        sines[k] = math.sin(x[j + 2] * _QUARTER)
    total = 0.0
    for i in range(m):
        w = weight[i]
        re, im = 0.0, 0.0
        if on[0]:
            re += x[0]
            jac[0, i], jac[0, m + i] = w, 0.0
        if on[1]:
            s = math.exp(lw[i] - top)
            im += x[1] * s
            jac[1, i], jac[1, m + i] = 0.0, s * w
        if on[2]:
            le = lw[i] - bottom
            s = math.exp(x[2] - x[3] * le)
            a, b = s * ct, -s * st
            re += a
            im += b
            jac[2, i], jac[2, m + i] = a * w, b * w
            jac[3, i] = (-a * le + b * _QUARTER) * w
            jac[3, m + i] = (-b * le - a * _QUARTER) * w
        for k in range(arcs):
            j = SERIES + 3 * k
            n = x[j + 2]
            le = lw[i] + x[j + 1]
            s, size = math.exp(n * le), sizes[k]
            u, v = s * cosines[k], s * sines[k]
            d = (1 + u) * (1 + u) + v * v
            g, h = (1 + u) / d, -v / d  # 1 / (1 + (iωτ)ⁿ)
            re += size * g
            im += size * h
            jac[j, i], jac[j, m + i] = size * g * w, size * h * w
            gg, hh = g * g - h * h, 2 * g * h
            a, b = -size * (u * gg - v * hh), -size * (u * hh + v * gg)  # ∂/∂(n ln iωτ)
            jac[j + 1, i], jac[j + 1, m + i] = a * n * w, b * n * w
            jac[j + 2, i] = (a * le - b * _QUARTER) * w
            jac[j + 2, m + i] = (b * le + a * _QUARTER) * w
        r[i], r[m + i] = re * w - y[i], im * w - y[m + i]
        total += r[i] * r[i] + r[m + i] * r[m + i]
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _normal(jac: Floats, r: Floats, on: Bools, h: Floats, b: Floats) -> None:
    p, n = jac.shape
    for i in range(p):
        if not on[i]:
            continue
        s = 0.0
        for k in range(n):
            s += jac[i, k] * r[k]
        b[i] = -s
        for j in range(i + 1):
            if not on[j]:
                continue
            s = 0.0
            for k in range(n):
                s += jac[i, k] * jac[j, k]
            h[i, j] = h[j, i] = s


@njit(cache=True, nogil=True)
def fit(
    start: Floats,
    on: Bools,
    low: Floats,
    high: Floats,
    lw: Floats,
    y: Floats,
    weight: Floats,
    most: int,
) -> tuple[Floats, float, Bools, Floats, Floats, bool]:
    """Levenberg–Marquardt with exact derivatives.

    Returns
    -------
    x : (p,)
    left : float
        Sum of squares.
    free : (p,) bool
        Parameters in the sum that do not sit at a bound.
    jac : (p, 2m)
        Derivatives at x.
    r : (2m,)
        Residual at x.
    settled : bool
    """
    p, n = start.size, y.size
    x = np.minimum(np.maximum(start, low), high)
    r, jac, r2, jac2 = np.zeros(n), np.zeros((p, n)), np.zeros(n), np.zeros((p, n))
    h, b, d, a = np.zeros((p, p)), np.zeros(p), np.zeros(p), np.zeros((p, p))
    left = slopes(x, on, lw, y, weight, r, jac)
    _normal(jac, r, on, h, b)
    damping, growth, settled = 1e-2, 2.0, False
    free = on.copy()
    for _ in range(most):
        for i in range(p):
            stays = (x[i] <= low[i] and b[i] < 0) or (x[i] >= high[i] and b[i] > 0)
            free[i] = on[i] and not stays and h[i, i] > 0
        a[:] = h
        for i in range(p):
            a[i, i] *= 1 + damping
        if not solve(a, b, np.flatnonzero(free), d):
            damping *= 10
            if damping > _STUCK:
                break
            continue
        trial = x.copy()
        for i in range(p):
            step = d[i] if i < 2 else min(max(d[i], -_STEP), _STEP)
            trial[i] = min(max(x[i] + step, low[i]), high[i])
        now = slopes(trial, on, lw, y, weight, r2, jac2)
        if now < left:
            fall = (left - now) / left
            x, left = trial, now
            r, r2, jac, jac2 = r2, r, jac2, jac
            _normal(jac, r, on, h, b)
            damping, growth = max(damping / 5, 1e-12), 2.0
            if fall < _SETTLED:
                settled = True
                break
        else:
            damping *= growth
            growth *= 2
            if damping > _STUCK:
                settled = True  # no step of any length helps: rounding
                break
    for i in range(p):
        stays = (x[i] <= low[i] and b[i] < 0) or (x[i] >= high[i] and b[i] > 0)
        free[i] = on[i] and not stays and h[i, i] > 0
    return x, left, free, jac, r, settled


@njit(cache=True, nogil=True)
def covariance(jac: Floats, free: Bools) -> Floats:
    """Inverse of JJᵀ over the free parameters, (p, p); zero elsewhere, nan if singular."""
    p = jac.shape[0]
    which = np.flatnonzero(free)
    h, unit, x = np.zeros((p, p)), np.zeros(p), np.zeros(p)
    cov = np.zeros((p, p))
    size = np.ones(p)
    for i in which:
        size[i] = math.sqrt(np.sum(jac[i] ** 2))
    for i in which:
        for j in which:
            h[i, j] = np.sum(jac[i] * jac[j]) / (size[i] * size[j])
    for i in which:
        unit[:] = 0.0
        unit[i] = 1.0
        if not solve(h, unit, which, x):
            cov[i] = np.nan
            continue
        cov[i] = x / (size[i] * size)
    return cov


@njit(cache=True, nogil=True)
def missing(
    jac: Floats, free: Bools, r: Floats, lw: Floats, weight: Floats, ltau: Floats, n: float
) -> tuple[int, float, float]:
    """Where one more arc of exponent n would lower the sum of squares most.

    Returns the index in `ltau`, the arc's size and the fall expected, all other parameters
    moving along (to first order); index −1 if no positive arc helps.
    """
    m = lw.size
    ct, st = math.cos(n * _QUARTER), math.sin(n * _QUARTER)
    rows, _, _ = orthonormal(jac[np.flatnonzero(free)].copy(), 2)
    best, size, fall = -1, 0.0, 0.0
    v = np.empty(2 * m)
    for t in range(ltau.size):
        for i in range(m):
            s = math.exp(n * (lw[i] + ltau[t]))
            a, b = 1 + s * ct, s * st
            v[i] = weight[i] * a / (a * a + b * b)
            v[m + i] = -weight[i] * b / (a * a + b * b)
        for k in range(rows.shape[0]):
            take(v, rows[k])
        along, long = -dot(v, r), dot(v, v)
        if along > 0 and along * along > fall * long:
            best, size, fall = t, along / long, along * along / long
    return best, size, fall


@njit(cache=True, nogil=True)
def twins(
    x: Floats,
    k: int,
    jac: Floats,
    free: Bools,
    lw: Floats,
    weight: Floats,
    apart: Floats,
    needed: float,
) -> float:
    """First distance in `apart` at which two equal arcs tell from the one arc k they replace.

    They tell by `needed` in the sum of squares while the other parameters, and those of the
    one arc, move along to first order; inf if none does. `apart` rises, in ln τ.
    """
    m, j = lw.size, SERIES + 3 * k
    rows, _, _ = orthonormal(jac[np.flatnonzero(free)].copy(), 2)
    n, v = x[j + 2], np.empty(2 * m)
    ct, st, size = math.cos(n * _QUARTER), math.sin(n * _QUARTER), math.exp(x[j])
    first, last = 0, apart.size
    while first < last:
        middle = (first + last) // 2
        v[:] = 0.0
        for side, share in ((-0.5, 0.5), (0.5, 0.5), (0.0, -1.0)):
            for i in range(m):
                s = math.exp(n * (lw[i] + x[j + 1] + side * apart[middle]))
                a, b = 1 + s * ct, s * st
                g = share * size * weight[i] / (a * a + b * b)
                v[i] += g * a
                v[m + i] -= g * b
        for q in range(rows.shape[0]):
            take(v, rows[q])
        if dot(v, v) > needed:
            last = middle
        else:
            first = middle + 1
    return apart[first] if first < apart.size else np.inf
