"""Least squares on sums of relaxations 1/(1 + (iωτ)ⁿ): free signs, or smooth and non-negative.

Everything here is real: a complex curve of m points is a vector of 2m numbers, real parts
first, each times the weight of its point. A basis is stored with one function per row.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_DEPENDENT: Final = 1e-9  # of its length: what is left of a row that adds nothing new
_KEPT: Final = 3.5  # standard deviations within which the scale is a mean square
_KEPT_SHARE: Final = 0.99389  # variance of a normal law cut there
_NORMAL_MAD: Final = 1.4826  # standard deviation over median absolute deviation
_WORST_FIRST: Final = 0.6  # of the worst score: others wait for the next round
_TOGETHER: Final = 10  # turns in which unknowns enter together
_PATIENCE: Final = 3  # sizes without a better score after which the search ends


@njit(cache=True, nogil=True, fastmath=True)
def signed_rows(omega: Floats, tau: Floats, weight: Floats) -> Floats:
    """Weighted rows 1, iω, 1/iω and 1/(1 + iωτ) of each tau, shape (3 + tau.size, 2m).

    Frequencies are taken in units of their geometric middle, so that rows are alike in size.
    """
    m = omega.size
    rows = np.zeros((3 + tau.size, 2 * m))
    middle = math.sqrt(omega.max() * omega.min())
    for i in range(m):
        rows[0, i] = weight[i]
        rows[1, m + i] = weight[i] * omega[i] / middle
        rows[2, m + i] = -weight[i] * middle / omega[i]
    for k in range(tau.size):
        for i in range(m):
            x = omega[i] * tau[k]
            g = weight[i] / (1 + x * x)
            rows[3 + k, i] = g
            rows[3 + k, m + i] = -x * g
    return rows


@njit(cache=True, nogil=True, fastmath=True)
def dot(a: Floats, b: Floats) -> float:
    """Product of two vectors."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True, fastmath=True)
def times(rows: Floats, y: Floats) -> Floats:
    """Products of the rows with y; a threaded library would take longer at these sizes."""
    found = np.empty(rows.shape[0])
    for k in range(rows.shape[0]):
        found[k] = dot(rows[k], y)
    return found


@njit(cache=True, nogil=True, fastmath=True)
def less(y: Floats, rows: Floats, x: Floats) -> Floats:
    """Return y less the sum of x times the rows."""
    left = y.copy()
    for k in range(x.size):
        if x[k] != 0:
            for i in range(y.size):
                left[i] -= x[k] * rows[k, i]
    return left


@njit(cache=True, nogil=True, fastmath=True)
def take(y: Floats, q: Floats) -> float:
    """Remove from y its part along the unit vector q, and return how long that was."""
    along = dot(y, q)
    for i in range(y.size):
        y[i] -= along * q[i]
    return along


@njit(cache=True, nogil=True)
def orthonormal(rows: Floats, passes: int) -> tuple[Floats, Floats, int]:
    """Make rows orthonormal in place by modified Gram–Schmidt.

    Returns the rows, the triangle r with rows_before[k] = Σ r[k, j] rows[j], and the rank;
    a row that depends on those before it becomes zero.
    """
    p = rows.shape[0]
    triangle = np.zeros((p, p))
    rank = 0
    for k in range(p):
        before = math.sqrt(dot(rows[k], rows[k]))
        for _ in range(passes):
            for j in range(k):
                if triangle[j, j] > 0:
                    triangle[k, j] += take(rows[k], rows[j])
        left = math.sqrt(dot(rows[k], rows[k]))
        if left <= _DEPENDENT * before:
            rows[k] = 0.0
            continue
        triangle[k, k] = left
        rows[k] /= left
        rank += 1
    return rows, triangle, rank


@njit(cache=True, nogil=True)
def _leftover(rows: Floats, y: Floats, residual: Floats) -> tuple[int, float]:
    """Rank of the rows and squared length of the part of y that they do not reach.

    `rows` are overwritten by orthonormal ones and `residual` by that part of y.
    """
    rows, _, rank = orthonormal(rows, 1)
    residual[:] = y
    for k in range(rows.shape[0]):  # in the order of the rows: stable
        take(residual, rows[k])
    return rank, dot(residual, residual)


@njit(cache=True, nogil=True)
def grid(omega: Floats, size: int, reach: float) -> Floats:
    """Times spaced evenly in ln τ over 1/ω and a factor `reach` beyond at both ends."""
    low = -math.log(omega.max() * reach)
    high = -math.log(omega.min() / reach)
    tau = np.empty(size)
    for k in range(size):
        tau[k] = math.exp(low + (high - low) * k / (size - 1))
    return tau


@njit(cache=True, nogil=True)
def choose_size(
    omega: Floats, y: Floats, weight: Floats, sizes: npt.NDArray[np.int64], reach: float
) -> int:
    """Number of relaxations with the least generalised cross-validation score S/(N − p)².

    The search goes up and ends when three more sizes did not lower the score.
    """
    used = 0
    for i in range(weight.size):
        used += 2 * (weight[i] > 0)
    part, residual = y.copy(), np.empty_like(y)
    for i in range(weight.size):
        if weight[i] == 0:
            part[i] = part[weight.size + i] = 0.0
    best, chosen, waited = np.inf, 0, 0
    for size in sizes:
        rows = signed_rows(omega, grid(omega, size, reach), weight)
        rank, left = _leftover(rows, part, residual)
        if rank > used // 2:
            break
        score = left / (used - rank) ** 2
        if score < best:
            best, chosen, waited = score, int(size), 0
        else:
            waited += 1
            if waited == _PATIENCE:
                break
    return chosen


@njit(cache=True, nogil=True)
def fit_signed(
    omega: Floats, y: Floats, weight: Floats, kept: Bools, size: int, reach: float
) -> tuple[Floats, Floats, Floats, int]:
    """Fit `size` relaxations of free sign to the kept points.

    Returns
    -------
    residual : (2m,)
        y less the fit, at the points left out too.
    share : (2m,)
        Variance of the residual over that of the noise: 1 − leverage where the point was
        fitted, 1 + leverage where it was left out.
    neighbours : (2m,)
        Covariance of a residual with the next one of the same part, over the noise variance.
    rank : int
    """
    m = omega.size
    every = signed_rows(omega, grid(omega, size, reach), weight)
    rows, part = every.copy(), y.copy()
    for i in range(m):
        if not kept[i]:
            rows[:, i] = 0.0
            rows[:, m + i] = 0.0
            part[i] = part[m + i] = 0.0
    rows, triangle, rank = orthonormal(rows, 2)
    p = rows.shape[0]
    along = np.empty(p)
    for k in range(p):
        along[k] = take(part, rows[k])
    residual, share, neighbours = part, np.ones(2 * m), np.zeros(2 * m)
    for k in range(p):
        for i in range(2 * m):
            share[i] -= rows[k, i] * rows[k, i]
        for i in range(2 * m - 1):
            neighbours[i] -= rows[k, i] * rows[k, i + 1]
    neighbours[m - 1] = 0.0
    for i in range(2 * m):
        if kept[i % m]:
            continue
        u = np.zeros(p)
        for k in range(p):
            if triangle[k, k] > 0:
                u[k] = (every[k, i] - np.sum(triangle[k, :k] * u[:k])) / triangle[k, k]
        residual[i] = y[i] - np.sum(u * along)
        share[i] = 1 + np.sum(u * u)
    return residual, share, neighbours, rank


@njit(cache=True, nogil=True)
def scale_of(u: Floats) -> float:
    """Standard deviation of a normal sample with some outliers."""
    rough = _NORMAL_MAD * np.median(np.abs(u))
    total, count = 0.0, 0
    for x in u:
        if abs(x) <= _KEPT * rough:
            total += x * x
            count += 1
    return math.sqrt(total / count / _KEPT_SHARE) if total > 0 else 0.0


@njit(cache=True, nogil=True)
def examine(
    omega: Floats,
    y: Floats,
    weight: Floats,
    sizes: npt.NDArray[np.int64],
    reach: float,
    limit: float,
    floor: float,
    rounds: int,
) -> tuple[Floats, Floats, Bools, float, float, int]:
    """Fit relaxations of free sign, leave out points that do not belong, and fit again.

    A point is left out when its residual, both parts together, is more than `limit` times
    what its scatter would be, and at least `floor`; of several the worst go first, since a
    wrong point drags its neighbours along. At most a quarter of the points is left out.

    Returns
    -------
    residual : (2m,)
    score : (m,)
        Length of the residual in standard deviations.
    kept : (m,)
    sigma : float
        Standard deviation of the noise of y.
    structure : float
        Correlation of neighbouring residuals beyond chance, in standard deviations.
    size : int
    """
    m = omega.size
    kept = np.ones(m, dtype=np.bool_)
    score = np.empty(m)
    for _ in range(rounds):
        size = choose_size(omega, y, weight * kept, sizes, reach)
        residual, share, near, rank = fit_signed(omega, y, weight, kept, size, reach)
        sure = kept[np.arange(2 * m) % m] & (share > 1e-3)
        sigma = scale_of((residual / np.sqrt(np.maximum(share, 1e-3)))[sure])
        for i in range(m):
            a, b = residual[i], residual[m + i]
            va, vb = max(share[i], 1e-2), max(share[m + i], 1e-2)
            score[i] = math.sqrt(a * a / va + b * b / vb) / max(sigma, 1e-300)
        outside = np.empty(m, dtype=np.bool_)
        worst = 0.0
        for i in range(m):
            far = math.hypot(residual[i], residual[m + i])
            outside[i] = score[i] > limit and far > floor
            if outside[i] and kept[i]:
                worst = max(worst, score[i])
        again = kept & (~outside | (score < _WORST_FIRST * worst))
        if np.all(again == kept) or 4 * np.sum(~again) > m:
            break
        kept = again
    total, expected, pairs = 0.0, 0.0, 0
    for i in range(2 * m - 1):
        if i != m - 1 and kept[i % m] and kept[(i + 1) % m]:
            total += residual[i] * residual[i + 1]
            expected += near[i] * sigma * sigma
            pairs += 1
    free = 1 - rank / (2.0 * np.sum(kept))
    structure = (total - expected) / max(sigma * sigma * free * math.sqrt(pairs), 1e-300)
    return residual, score, kept & ~outside, sigma, structure, size


@njit(cache=True, nogil=True, fastmath=True)
def solve(h: Floats, b: Floats, which: npt.NDArray[np.int64], x: Floats) -> bool:
    """Solve h x = b for the unknowns `which`, the others being zero, by Cholesky."""
    n = which.size
    low, v = np.empty((n, n)), np.empty(n)
    x[:] = 0.0
    for i in range(n):
        for j in range(i + 1):
            s = h[which[i], which[j]]
            for k in range(j):
                s -= low[i, k] * low[j, k]
            if i > j:
                low[i, j] = s / low[j, j]
            elif s > 0:
                low[i, i] = math.sqrt(s)
            else:
                return False
        s = b[which[i]]
        for k in range(i):
            s -= low[i, k] * v[k]
        v[i] = s / low[i, i]
    for i in range(n - 1, -1, -1):
        s = v[i]
        for k in range(i + 1, n):
            s -= low[k, i] * v[k]
        v[i] = s / low[i, i]
        x[which[i]] = v[i]
    return True


@njit(cache=True, nogil=True, fastmath=True)
def smooth_rows(omega: Floats, ltau: Floats, weight: Floats, n: float) -> Floats:
    """Weighted rows 1, iω/ω₀, (iω/ω₁)⁻ⁿ, its slope in n, and h/(1 + iωτ), (4 + k, 2m).

    ω₀ is the highest and ω₁ the lowest frequency, h the spacing of `ltau`.
    """
    m, k = omega.size, ltau.size
    rows = np.zeros((4 + k, 2 * m))
    top, bottom, quarter = omega.max(), omega.min(), math.pi / 2
    ct, st = math.cos(n * quarter), math.sin(n * quarter)
    for i in range(m):
        w, le = weight[i], math.log(omega[i] / bottom)
        s = math.exp(-n * le)
        rows[0, i] = w
        rows[1, m + i] = w * omega[i] / top
        rows[2, i], rows[2, m + i] = s * ct * w, -s * st * w
        rows[3, i] = -s * (ct * le + st * quarter) * w
        rows[3, m + i] = s * (st * le - ct * quarter) * w
    h = (ltau[k - 1] - ltau[0]) / (k - 1)
    for j in range(k):
        tau = math.exp(ltau[j])
        for i in range(m):
            x = omega[i] * tau
            g = h * weight[i] / (1 + x * x)
            rows[4 + j, i] = g
            rows[4 + j, m + i] = -x * g
    return rows


@njit(cache=True, nogil=True)
def roughness(size: int, step: float) -> Floats:
    """Integral of the squared second derivative as a matrix, the function being zero outside."""
    matrix = np.zeros((size, size))
    part = np.array([1.0, -2.0, 1.0])
    for i in range(-1, size + 1):
        for a in range(3):
            for b in range(3):
                j, k = i - 1 + a, i - 1 + b
                if 0 <= j < size and 0 <= k < size:
                    matrix[j, k] += part[a] * part[b] / step**3
    return matrix


@njit(cache=True, nogil=True)
def nonnegative(h: Floats, b: Floats, signed: Bools, passive: Bools, x: Floats, most: int) -> bool:
    """Minimise ½xᵀhx − bᵀx with x ≥ 0 where not `signed`, by an active set.

    The search starts from `passive` (unknowns not held at zero) and x ≥ 0, which it
    overwrites. Unknowns enter together in the first turns, later one by one, which cannot
    cycle. Source: Lawson & Hanson 1974, Solving Least Squares Problems, chapter 23.
    """
    p = b.size
    target = np.empty(p)
    size = math.sqrt(max(np.sum(b * b / np.diag(h)), 1e-300))
    slack = 1e-9 * size * np.sqrt(np.diag(h))
    for turn in range(most):
        while True:  # move to the minimum over the passive set, dropping what would turn negative
            if not solve(h, b, np.flatnonzero(passive), target):
                return False
            step, first = 1.0, -1
            for i in range(p):
                if passive[i] and not signed[i] and target[i] <= 0:
                    reach = x[i] / (x[i] - target[i]) if x[i] > 0 else 0.0
                    if reach < step or first < 0:
                        step, first = reach, i
            if first < 0:
                x[:] = target
                break
            for i in range(p):
                if passive[i]:
                    x[i] += step * (target[i] - x[i])
                    if not signed[i] and (i == first or (x[i] <= 0 and target[i] <= 0)):
                        x[i], passive[i] = 0.0, False
        dual = less(b, h, x)
        entered, worst = -1, 0.0
        for i in range(p):
            if not passive[i] and dual[i] > slack[i]:
                if turn < _TOGETHER:
                    passive[i] = True
                    entered = i
                elif dual[i] / slack[i] > worst:
                    entered, worst = i, dual[i] / slack[i]
        if entered < 0:
            return True
        passive[entered] = True
    return False


@njit(cache=True, nogil=True, fastmath=True)
def products(rows: Floats, first: int, gram: Floats) -> None:
    """Write the products of all rows with those below `first` to gram (p, p), symmetric."""
    for i in range(rows.shape[0]):
        for j in range(min(i + 1, first)):
            gram[i, j] = gram[j, i] = dot(rows[i], rows[j])


@njit(cache=True, nogil=True, fastmath=True)
def freedom(h: Floats, gram: Floats, passive: Bools) -> float:
    """Trace of h⁻¹ gram over the passive unknowns: the number of parameters in effect."""
    which = np.flatnonzero(passive)
    n = which.size
    low, inverse = np.empty((n, n)), np.zeros((n, n))  # of the Cholesky factor
    total = 0.0
    for i in range(n):
        for j in range(i + 1):
            s = h[which[i], which[j]]
            for k in range(j):
                s -= low[i, k] * low[j, k]
            low[i, j] = s / low[j, j] if i > j else math.sqrt(max(s, 1e-300))
        row = inverse[i]
        row[i] = 1.0
        for k in range(i):
            for j in range(k + 1):
                row[j] -= low[i, k] * inverse[k, j]
        for j in range(i + 1):
            row[j] /= low[i, i]
        for j in range(i + 1):
            s = 0.0
            for k in range(i + 1):
                s += gram[which[j], which[k]] * row[k]
            total += row[j] * s
    return total


@njit(cache=True, nogil=True)
def distribution(
    omega: Floats,
    y: Floats,
    weight: Floats,
    ltau: Floats,
    parts: Bools,
    exponent: float,
    strengths: Floats,
    ridge: float,
    excess: float,
) -> tuple[Floats, float, float, float, float]:
    """Smooth, non-negative distribution g over ln τ, with R, L and a power-law tail.

    Minimises |y − model|² + strength ∫ (g″² + ridge g²) d ln τ, all coefficients ≥ 0.

    Parameters
    ----------
    parts : (3,)
        Whether R, L and the tail may take part.
    exponent
        Of the tail, where its search starts.
    strengths : (s,)
        Strengths to try, falling.
    excess
        The largest strength is taken whose score S/(2m − 1.4 p)² is within this factor of
        the least (S: sum of squares, p: parameters in effect).

    Returns
    -------
    x : (4 + k,)
        Coefficients of `smooth_rows`; that of the slope is zero.
    strength, exponent, left, effective : float
    """
    k = ltau.size
    step = (ltau[-1] - ltau[0]) / (k - 1)
    rough = roughness(k, step) + ridge * step * np.eye(k)
    signed = np.zeros(4 + k, dtype=np.bool_)
    signed[3] = True
    passive = np.ones(4 + k, dtype=np.bool_)
    on = np.array([parts[0], parts[1], parts[2], parts[2]])
    x = np.zeros(4 + k)
    scores, exponents = np.empty(strengths.size), np.empty(strengths.size)
    sets = np.empty((strengths.size, 4 + k), dtype=np.bool_)
    gram = np.empty((4 + k, 4 + k))
    n, turn = exponent, 0
    while True:
        last = turn == strengths.size
        now = strengths[turn % strengths.size]
        if last:
            chosen = np.flatnonzero(scores <= excess * scores.min())[0]
            while chosen + 1 < strengths.size and strengths[chosen + 1] == strengths[chosen]:
                chosen += 1
            now, n, passive = strengths[chosen], exponents[chosen], sets[chosen]
            on[3] = False
        rows = smooth_rows(omega, ltau, weight, n)
        for i in range(4):
            if not on[i]:
                rows[i] = 0.0
        products(rows, 4 + k if turn == 0 else 4, gram)
        h = gram.copy()
        h[4:, 4:] += now * rough
        for i in range(4 + k):
            h[i, i] += 1e-11 * gram[i, i] + 1e-14
        nonnegative(h, times(rows, y), signed, passive, x, 300)
        if on[3] and x[2] <= 0:
            on[2] = on[3] = False
            continue
        miss = less(y, rows, x)
        left, effective = dot(miss, miss), freedom(h, gram, passive)
        if last:
            return x, now, n, left, effective
        if on[3]:
            n = min(max(n + min(max(x[3] / x[2], -0.1), 0.1), 0.4), 1.0)
        scores[turn] = left / max(y.size - 1.4 * effective, 1.0) ** 2
        exponents[turn], sets[turn] = n, passive
        turn += 1


@njit(cache=True, nogil=True)
def resample(
    omega: Floats,
    y: Floats,
    weight: Floats,
    ltau: Floats,
    parts: Bools,
    exponent: float,
    strength: float,
    ridge: float,
    shifts: Floats,
) -> Floats:
    """Distributions of shifted data and prior: draws from the posterior, (draws, k).

    `shifts` (draws, 2m + k) are normal deviates times the noise of y. Source: Bardsley,
    Solonen, Haario & Laine 2014, SIAM J. Sci. Comput. 36, A1895, doi:10.1137/140964023
    (randomise, then optimise).
    """
    m2, k = y.size, ltau.size
    step = (ltau[-1] - ltau[0]) / (k - 1)
    rough = strength * (roughness(k, step) + ridge * step * np.eye(k))
    root = np.linalg.cholesky(rough)
    rows = smooth_rows(omega, ltau, weight, exponent)
    for i in range(4):
        if i == 3 or not parts[i]:
            rows[i] = 0.0
    h = np.empty((4 + k, 4 + k))
    products(rows, 4 + k, h)
    for i in range(4 + k):
        h[i, i] += 1e-11 * h[i, i] + 1e-14
    h[4:, 4:] += rough
    signed = np.zeros(4 + k, dtype=np.bool_)
    passive = np.ones(4 + k, dtype=np.bool_)
    x = np.zeros(4 + k)
    found = np.empty((shifts.shape[0], k))
    for d in range(shifts.shape[0]):
        b = times(rows, y + shifts[d, :m2])
        b[4:] += times(root, shifts[d, m2:])
        nonnegative(h, b, signed, passive, x, 300)
        found[d] = x[4:]
    return found


@njit(cache=True, nogil=True)
def noticed(
    omega: Floats, weight: Floats, ltau: Floats, parts: Bools, n: float, shapes: Floats
) -> Floats:
    """Sum of squares that each of `shapes` (s, k) adds beyond R, L and the tail, (s,)."""
    rows = smooth_rows(omega, ltau, weight, n)
    series = rows[:4].copy()
    for i in range(4):
        if not parts[min(i, 2)]:
            series[i] = 0.0
    series, _, _ = orthonormal(series, 2)
    kernels, nought = rows[4:], np.zeros(rows.shape[1])
    found = np.empty(shapes.shape[0])
    for s in range(found.size):
        v = -less(nought, kernels, shapes[s])
        for i in range(4):
            take(v, series[i])
        found[s] = dot(v, v)
    return found
