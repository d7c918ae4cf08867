"""Weighted complex least squares for networks: Levenberg–Marquardt over many data sets at once.

Parameters p of a network are fitted through x = ln p (`logs`) or x = p, which depend linearly
on the free numbers: x_i = θ[owner_i] + offset_i, or x_i = offset_i where owner_i < 0. So fixed
and tied parameters cost nothing, and bounds on θ are a box. Each data set is one problem of
the same network; problems are independent and run in threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from dualyte.numerics.network import Program, point, prepare

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CONVERGED: Final = 0
MAX_STEPS: Final = 1
STALLED: Final = 2
_DECREMENT: Final = (
    1e-7  # predicted decrease of χ², in units of the noise variance, that ends a fit
)
EXACT: Final = 1e-26  # χ² per row at which the data are reproduced to rounding
_FURTHEST: Final = 3.0  # the largest step of ln p


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """How the parameters of a network depend on the free numbers."""

    program: Program
    logs: npt.NDArray[np.bool_]  #: (p,) whether x = ln p
    owner: Ints  #: (p,) free number behind each parameter, −1 where it is fixed
    offset: Floats  #: (p,) added to it
    low: Floats  #: (k,)
    high: Floats  #: (k,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """Where each problem ended."""

    theta: Floats  #: (n, k)
    chi2: Floats  #: (n,) weighted sum of squares
    hessian: Floats  #: (n, k, k) JᵀJ at the end
    outcome: Ints  #: (n,) CONVERGED, MAX_STEPS or STALLED
    steps: Ints  #: (n,)
    structure: Floats  #: (n,) lag-one correlation of residuals, in standard deviations of noise
    stopped: bool = False  #: by Ctrl-C: problems not begun have an infinite χ²


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def gram(
    program: Program, logs: Bools, x: Floats, omega: Floats, lw: Floats, zr: Floats, zi: Floats,
    wr: Floats, wi: Floats, H: Floats, g: Floats, work: tuple[Any, ...],
) -> float:  # fmt: skip
    """χ² of one data set; JᵀJ and Jᵀr with respect to x in H (p, p) and g (p,)."""
    p, scale, trig, stack, d, jr, ji = work
    n = x.size
    for i in range(n):
        p[i] = np.exp(x[i]) if logs[i] else x[i]
        scale[i] = p[i] if logs[i] else 1.0
        g[i] = 0.0
        for j in range(i + 1):
            H[i, j] = 0.0
    prepare(program, p, trig)
    chi2 = 0.0
    for k in range(omega.size):
        z = point(program, p, trig, omega[k], lw[k], stack, d)
        a, b = wr[k], wi[k]
        rr, ri = (z.real - zr[k]) * a, (z.imag - zi[k]) * b
        chi2 += rr * rr + ri * ri
        for i in range(n):
            jr[i] = d[i].real * scale[i] * a
            ji[i] = d[i].imag * scale[i] * b
            g[i] += jr[i] * rr + ji[i] * ri
            u, v = jr[i], ji[i]
            for j in range(i + 1):
                H[i, j] += u * jr[j] + v * ji[j]
    for i in range(n):
        for j in range(i):
            H[j, i] = H[i, j]
    return chi2


@njit(cache=True, nogil=True, error_model="numpy")
def _room(rows: int, n: int) -> tuple[Any, ...]:
    """Working arrays of `gram`."""
    return (
        np.empty(n), np.empty(n), np.empty((rows, 2)), np.empty(rows, dtype=np.complex128),
        np.empty(n, dtype=np.complex128), np.empty(n), np.empty(n),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(H: Floats, g: Floats, owner: Ints, A: Floats, b: Floats) -> None:
    """Normal equations of the free numbers from those of the parameters."""
    A[:] = 0.0
    b[:] = 0.0
    for i in range(owner.size):
        oi = owner[i]
        if oi < 0:
            continue
        b[oi] += g[i]
        for j in range(owner.size):
            if owner[j] >= 0:
                A[oi, owner[j]] += H[i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(theta: Floats, owner: Ints, offset: Floats, x: Floats) -> None:
    for i in range(owner.size):
        x[i] = offset[i] + (theta[owner[i]] if owner[i] >= 0 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(A: Floats, b: Floats, damp: Floats, held: Bools, L: Floats, y: Floats) -> bool:
    """Solve (A + diag damp) y = −b by Cholesky, with y = 0 where a number is held."""
    n = b.size
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j] if not (held[i] or held[j]) else 0.0
            if i == j:
                s = s + damp[i] if not held[i] else 1.0
            for k in range(j):
                s -= L[i, k] * L[j, k]
            if i == j:
                if s <= 0.0:
                    return False
                L[i, i] = np.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    for i in range(n):
        s = 0.0 if held[i] else -b[i]
        for k in range(i):
            s -= L[i, k] * y[k]
        y[i] = s / L[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            y[i] -= L[k, i] * y[k]
        y[i] /= L[i, i]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _propose(
    theta: Floats, step: Floats, damp: Floats, b: Floats, low: Floats, high: Floats,
    reach: Floats, trial: Floats,
) -> float:  # fmt: skip
    """Write θ after a step that keeps to reach and box; return the fall of χ² expected."""
    longest, decrease = 1.0, 0.0
    for i in range(step.size):
        longest = max(longest, abs(step[i]) / reach[i])
    for i in range(step.size):
        trial[i] = min(max(theta[i] + step[i] / longest, low[i]), high[i])
        decrease += step[i] * (damp[i] * step[i] - b[i])
    return decrease


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(
    program: Program, logs: Bools, owner: Ints, offset: Floats, low: Floats, high: Floats,
    theta: Floats, omega: Floats, lw: Floats, zr: Floats, zi: Floats, wr: Floats, wi: Floats,
    max_steps: int, A: Floats,
) -> tuple[float, int, int]:  # fmt: skip
    """Fit one data set; θ and JᵀJ (in A) are changed in place."""
    n, k, rows = owner.size, theta.size, 2 * omega.size
    work = _room(program.shape[0], n)
    H, g, x = np.empty((n, n)), np.empty(n), np.empty(n)
    b, L, step, damp = np.empty(k), np.empty((k, k)), np.empty(k), np.empty(k)
    trial = np.empty(k)
    held, reach = np.zeros(k, dtype=np.bool_), np.full(k, np.inf)
    for i in range(n):
        if owner[i] >= 0 and logs[i]:
            reach[owner[i]] = _FURTHEST
    theta[:] = np.minimum(np.maximum(theta, low), high)
    _spread(theta, owner, offset, x)
    chi2 = gram(program, logs, x, omega, lw, zr, zi, wr, wi, H, g, work)
    _gather(H, g, owner, A, b)
    lam, grow = 1e-3, 2.0
    dof = max(rows - k, 1)
    for done in range(max_steps):
        if not np.isfinite(chi2):
            return chi2, STALLED, done
        if chi2 <= EXACT * rows:
            return chi2, CONVERGED, done
        for i in range(k):
            held[i] = (theta[i] <= low[i] and b[i] > 0) or (theta[i] >= high[i] and b[i] < 0)
            damp[i] = lam * A[i, i] + 1e-14 * A[i, i] + 1e-300
        if not _solve(A, b, damp, held, L, step):
            lam *= grow
            grow *= 2
            continue
        decrease = _propose(theta, step, damp, b, low, high, reach, trial)
        if lam <= 1e-2 and decrease <= _DECREMENT * chi2 / dof:
            return chi2, CONVERGED, done
        _spread(trial, owner, offset, x)
        new = gram(program, logs, x, omega, lw, zr, zi, wr, wi, H, g, work)
        if new < chi2:
            ratio = (chi2 - new) / max(decrease, 1e-300)
            tiny = chi2 - new <= 1e-12 * chi2 and decrease <= 1e-9 * chi2
            theta[:] = trial
            chi2 = new
            _gather(H, g, owner, A, b)
            lam = max(lam * max(0.1, 1 - (2 * ratio - 1) ** 3), 1e-13)
            grow = 2.0
            if tiny and lam <= 1e-2:
                return chi2, CONVERGED, done + 1
        else:
            if decrease <= 1e-11 * chi2:  # rounding hides what is left to gain
                return chi2, CONVERGED, done + 1
            lam *= grow
            grow *= 2
            if lam > 1e14:
                return chi2, STALLED, done + 1
    return chi2, MAX_STEPS, max_steps


@njit(cache=True, nogil=True, error_model="numpy")
def _lag_one(
    program: Program, logs: Bools, x: Floats, omega: Floats, lw: Floats, zr: Floats, zi: Floats,
    wr: Floats, wi: Floats,
) -> float:  # fmt: skip
    """Correlation of neighbouring residuals, scaled to variance one for white noise."""
    p, _, trig, stack, d, _, _ = _room(program.shape[0], x.size)
    for i in range(x.size):
        p[i] = np.exp(x[i]) if logs[i] else x[i]
    prepare(program, p, trig)
    before, along, square = np.zeros(2), np.zeros(2), np.full(2, 1e-300)
    for k in range(omega.size):
        z = point(program, p, trig, omega[k], lw[k], stack, d)
        r = np.array([(z.real - zr[k]) * wr[k], (z.imag - zi[k]) * wi[k]])
        along += before * r
        square += r * r
        before = r
    return float(np.sqrt(omega.size / 2) * np.sum(along / square))


@njit(cache=True, nogil=True, error_model="numpy")
def _descend_many(
    program: Program, logs: Bools, owner: Ints, offset: Floats, low: Floats, high: Floats,
    theta: Floats, omega: Floats, zr: Floats, zi: Floats, wr: Floats, wi: Floats,
    first: Ints, count: Ints, max_steps: int, chi2: Floats, hessian: Floats, outcome: Ints,
    steps: Ints, structure: Floats, begin: int, end: int,
) -> None:  # fmt: skip
    x = np.empty(owner.size)
    for s in range(begin, end):
        a, e = first[s], first[s] + count[s]
        lw = np.log(omega[a:e])
        chi2[s], outcome[s], steps[s] = _descend(
            program, logs, owner, offset[s], low, high, theta[s], omega[a:e], lw, zr[a:e],
            zi[a:e], wr[a:e], wi[a:e], max_steps, hessian[s],
        )  # fmt: skip
        _spread(theta[s], owner, offset[s], x)
        structure[s] = _lag_one(
            program, logs, x, omega[a:e], lw, zr[a:e], zi[a:e], wr[a:e], wi[a:e]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Data sets one after the other; several problems may share one."""

    omega: Floats  #: (m,) rad/s
    z: npt.NDArray[np.complex128]  #: (m,)
    weight: npt.NDArray[np.complex128]  #: (m,) weights of the real and of the imaginary part
    first: Ints  #: (n,) first row of each problem
    count: Ints  #: (n,) number of rows of each

    def pick(self, which: npt.ArrayLike) -> Stack:
        """Some of the problems, by index; an index may come twice."""
        rows = np.atleast_1d(np.asarray(which))
        return replace(self, first=self.first[rows], count=self.count[rows])


def inverse(hessian: Floats) -> Floats:
    """Inverse of JᵀJ (k, k); what the data leave open gets a variance without practical limit."""
    if hessian.size == 0:
        return np.zeros_like(hessian)
    if not np.isfinite(hessian).all():
        return np.diag(np.full(len(hessian), np.inf))
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    value, vector = np.linalg.eigh(hessian / np.outer(size, size))
    least = 1e-14 * max(float(value[-1]), 1e-300)
    return np.asarray((vector / np.maximum(value, least)) @ vector.T / np.outer(size, size))


def fit_many(
    layout: Layout,
    data: Stack,
    start: Floats,
    *,
    offset: Floats | None = None,
    max_steps: int = 300,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    partial: bool = False,
) -> Fitted:
    """Fit every problem of `data` from its own start.

    Parameters
    ----------
    layout
        Network and free numbers, shared by all problems.
    data
        The data sets.
    start : (n, k)
        θ to start from; clipped to the box.
    offset : (n, p), optional
        Offsets of each problem instead of those of the layout.
    max_steps
        Most steps of one problem.
    workers
        Threads.
    progress
        Called with (problems done, all).
    partial
        Whether Ctrl-C gives what is finished instead of being raised.
    """
    n, k = start.shape
    theta = np.array(start, dtype=np.float64, order="C")  # one type for the compiler
    moved = np.broadcast_to(layout.offset if offset is None else offset, (n, layout.owner.size))
    moved = np.array(moved, dtype=np.float64, order="C")
    chi2, hessian = np.full(n, np.inf), np.zeros((n, k, k))
    outcome, steps = np.full(n, STALLED), np.zeros(n, dtype=np.int64)
    structure = np.zeros(n)
    columns = (data.omega, data.z.real, data.z.imag, data.weight.real, data.weight.imag)
    omega, zr, zi, wr, wi = (np.ascontiguousarray(c, dtype=np.float64) for c in columns)

    def part(begin: int) -> int:
        end = int(min(begin + size, n))
        _descend_many(
            layout.program, layout.logs, layout.owner, moved, layout.low, layout.high, theta,
            omega, zr, zi, wr, wi, data.first, data.count, max_steps, chi2, hessian, outcome,
            steps, structure, begin, end,
        )  # fmt: skip
        return end - begin

    size = n if workers == 1 and progress is None else max(1, min(64, -(-n // (4 * workers))))
    stopped = _in_parts(part, range(0, n, size), n, workers, progress)
    if stopped and not partial:
        raise KeyboardInterrupt
    return Fitted(
        theta=theta, chi2=chi2, hessian=hessian, outcome=outcome, steps=steps,
        structure=structure, stopped=stopped,
    )  # fmt: skip


def _in_parts(
    part: Callable[[int], int],
    begins: Sequence[int],
    total: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> bool:
    """Do every part, in threads if there are several; whether Ctrl-C came before the end."""
    done = 0
    pool = ThreadPoolExecutor(workers) if workers > 1 else None
    try:
        for finished in pool.map(part, begins) if pool else map(part, begins):
            done += finished
            if progress:
                progress(done, total)
    except KeyboardInterrupt:
        return True
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _blocks(
    program: Program, logs: Bools, x: Floats, omega: Floats, lw: Floats, zr: Floats, zi: Floats,
    wr: Floats, wi: Floats, first: Ints, count: Ints, chi2: Floats, H: Floats, g: Floats,
    begin: int, end: int,
) -> None:  # fmt: skip
    work = _room(program.shape[0], x.shape[1])
    for s in range(begin, end):
        a, e = first[s], first[s] + count[s]
        chi2[s] = gram(
            program, logs, x[s], omega[a:e], lw[a:e], zr[a:e], zi[a:e], wr[a:e], wi[a:e],
            H[s], g[s], work,
        )  # fmt: skip


def blocks(
    program: Program, logs: npt.NDArray[np.bool_], data: Stack, x: Floats
) -> tuple[Floats, Floats, Floats]:
    """χ² (n,), JᵀJ (n, p, p) and Jᵀr (n, p) of every data set at its own x (n, p)."""
    n, p = x.shape
    chi2, H, g = np.empty(n), np.empty((n, p, p)), np.empty((n, p))
    columns = (data.omega, data.z.real, data.z.imag, data.weight.real, data.weight.imag)
    omega, zr, zi, wr, wi = (np.ascontiguousarray(c, dtype=np.float64) for c in columns)
    _blocks(
        program, logs, np.ascontiguousarray(x, dtype=np.float64), omega, np.log(omega), zr, zi,
        wr, wi, data.first, data.count, chi2, H, g, 0, n,
    )  # fmt: skip
    return chi2, H, g
