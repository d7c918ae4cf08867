"""Levenberg–Marquardt of a whole series: small blocks of every spectrum, one small system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.measure.joint.laws import Design
from dualyte.numerics.levenberg import Stack, blocks, inverse
from dualyte.vocabulary import Floats

Bools = npt.NDArray[np.bool_]

_DECREMENT: Final = 1e-7  # predicted decrease of χ² in units of the noise variance that ends a fit
_MUTE: Final = 1e-6  # information, in units of the noise variance, below which a θ stays
_NONE: Final = 1e-4  # width of a law that every spectrum is free of
_REACH: Final = 2.0  # longest step of a transformed parameter of any spectrum


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """Gaussian knowledge of some θ: it adds (θ − mean)ᵀ precision (θ − mean) to χ² over noise."""

    mean: Floats  #: (k,)
    precision: Floats  #: (k, k), zero where nothing is known

    def cost(self, theta: Floats, unit: float) -> tuple[float, Floats, Floats]:
        """χ² added, its gradient/2 and Hessian/2; `unit` is the noise variance."""
        away = theta - self.mean
        g = unit * self.precision @ away
        return float(away @ g), g, unit * self.precision


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Where a joint fit ended."""

    theta: Floats  #: (k,)
    chi2: float  #: of the data
    hessian: Floats  #: (k, k) JᵀJ, prior included
    per_spectrum: Floats  #: (s,) χ² of each
    converged: bool
    steps: int


def solve(
    design: Design,
    data: Stack,
    start: Floats,
    *,
    max_steps: int = 120,
    prior: Prior | None = None,
    unit: float = 1.0,
    held: int | None = None,
) -> Solution:
    """Fit a series from one start.

    Parameters
    ----------
    design
        The laws, x = Aθ.
    data
        Spectra in the order of the design.
    start : (k,)
        θ to start from.
    max_steps
        Most steps.
    prior
        Knowledge from elsewhere, weighted with the noise variance `unit`.
    held
        Index of a θ that stays as it is (for profiles).
    """
    model, low, high = design.model, design.low, design.high
    theta = np.clip(np.asarray(start, dtype=np.float64), low, high)
    still = np.zeros(theta.size, dtype=np.bool_)
    if held is not None:
        still[held] = True
        theta[held] = start[held]
    rows = 2 * data.omega.size
    parts, cost, A, b = _normal(design, data, theta, prior, unit)
    lam, grow = 1e-3, 2.0
    for step in range(max_steps):
        mute = np.diag(A) <= _MUTE * cost / rows  # such as the logarithm of a vanished resistance
        edge = ((theta <= low) & (b > 0)) | ((theta >= high) & (b < 0)) | still | mute
        move = _step(A, b, lam, edge)
        decrease = float(-(b @ move)) + lam * float(move @ (np.diag(A) * move))
        if lam <= 1e-2 and decrease <= _DECREMENT * cost / max(rows - theta.size, 1):
            return _ended(theta, parts, A, converged=True, steps=step)
        longest = float(np.abs(design.x(move)[:, model.logs]).max(initial=0.0))
        trial = np.clip(theta + move * min(1.0, _REACH / max(longest, 1e-300)), low, high)
        if held is not None:
            trial[held] = theta[held]
        new_parts, new, A2, b2 = _normal(design, data, trial, prior, unit)
        if new < cost:
            ratio = (cost - new) / max(decrease, 1e-300)
            theta, cost, A, b, parts = trial, new, A2, b2, new_parts
            lam, grow = max(lam * max(0.1, 1 - (2 * ratio - 1) ** 3), 1e-12), 2.0
        else:
            if decrease <= 1e-9 * cost or lam > 1e12:
                return _ended(theta, parts, A, converged=lam <= 1e12, steps=step)
            lam *= grow
            grow *= 2
    return _ended(theta, parts, A, converged=False, steps=max_steps)


def _ended(theta: Floats, parts: Floats, A: Floats, *, converged: bool, steps: int) -> Solution:
    return Solution(
        theta=theta, chi2=float(parts.sum()), hessian=A, per_spectrum=parts, converged=converged,
        steps=steps,
    )  # fmt: skip


def _normal(
    design: Design, data: Stack, theta: Floats, prior: Prior | None, unit: float
) -> tuple[Floats, float, Floats, Floats]:
    """χ² of each spectrum, cost, and the normal equations of θ."""
    x = design.x(theta)
    n = ~design.model.logs
    x[:, n] = np.clip(x[:, n], 0.05, 1.0)  # a law may overshoot where a spectrum is at its end
    chi2, H, g = blocks(design.model.program, design.model.logs, data, x)
    A_s = design.matrix
    k = theta.size
    flat = A_s.reshape(-1, k)
    A = flat.T @ np.matmul(H, A_s).reshape(-1, k)
    b = flat.T @ g.ravel()
    cost = float(chi2.sum())
    if not np.isfinite(cost):
        return chi2, np.inf, A, b
    if prior is not None:
        more, slope, curve = prior.cost(theta, unit)
        cost, b, A = cost + more, b + slope, A + curve
    return chi2, cost, A, b


def _step(A: Floats, b: Floats, lam: float, edge: Bools) -> Floats:
    """Damped step with the numbers at an edge held."""
    move = np.zeros(b.size)
    free = np.flatnonzero(~edge)
    size = np.sqrt(np.maximum(np.diag(A)[free], 1e-300))
    scaled = A[np.ix_(free, free)] / np.outer(size, size)
    scaled[np.diag_indices(free.size)] += lam + 1e-13
    try:
        move[free] = np.linalg.solve(scaled, -b[free] / size) / size
    except np.linalg.LinAlgError:
        move[free] = -b[free] / size**2
    return move


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Soft:
    """Laws as priors: what each spectrum deviates from them, and by how much they usually do."""

    solution: Solution  #: θ with the marginal Hessian, which holds the widths
    width: Floats  #: (p,) standard deviation of the deviations


def soften(
    design: Design,
    data: Stack,
    start: Floats,
    *,
    unit: float,
    prior: Prior | None = None,
    rounds: int = 300,
) -> Soft:
    """Let every spectrum deviate from the laws by a width that the series itself tells.

    Parameters
    ----------
    design, data, start
        As for `solve`.
    unit
        Noise variance of the weighted residuals.
    prior
        Knowledge of θ from elsewhere.
    rounds
        Of expectation and maximisation.

    Notes
    -----
    A mixed-effects model, linearised at its own solution (Lindstrom & Bates 1990,
    doi:10.2307/2532087), with widths by expectation–maximisation (Dempster et al. 1977,
    doi:10.1111/j.2517-6161.1977.tb01600.x).
    """
    count, p = design.matrix.shape[:2]
    theta, delta = start.copy(), np.zeros((count, p))
    width = np.where(design.model.logs, 0.05, 0.01)
    bound = np.array([name in design.terms.free for name in design.model.names])
    width[bound] = _NONE  # free in each spectrum already
    lam, settled, steps = 1e-4, False, 0
    while steps < rounds and not settled:
        steps += 1
        state = _soft_state(design, data, theta, delta, unit / width**2, prior, unit, lam)
        edge = ((theta <= design.low) & (state.slope > 0)) | (
            (theta >= design.high) & (state.slope < 0)
        )
        move = _step(state.reduced, state.slope, lam, edge)
        shift = -np.einsum("sij,sj->si", state.K, state.pull + state.HA @ move)
        trial = np.clip(theta + move, design.low, design.high)
        new, *_ = _soft_cost(design, data, trial, delta + shift, unit / width**2, prior, unit)
        if not new <= state.cost * (1 + 1e-12):
            lam = min(lam * 8, 1e6)
            continue
        spread = np.sqrt(unit * np.diag(inverse(state.reduced)))
        fresh = np.where(bound, _NONE, np.maximum(_widths(state, delta + shift, unit), 1e-5))
        settled = bool(
            (np.abs(trial - theta)[~edge] <= 0.02 * spread[~edge]).all()
            and (np.abs(fresh - width) <= 0.01 * width + _NONE).all()
        )
        theta, delta, width, lam = trial, delta + shift, fresh, max(lam / 4, 1e-8)
    ended = _soft_state(design, data, theta, delta, unit / width**2, prior, unit, 0.0)
    return Soft(
        solution=Solution(
            theta=theta, chi2=float(ended.parts.sum()), hessian=ended.reduced,
            per_spectrum=ended.parts, converged=settled, steps=steps,
        ),
        width=width,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SoftState:
    """Linear equations of θ and of the deviations at one place."""

    cost: float
    parts: Floats  #: (s,) χ² of each spectrum
    K: Floats  #: (s, p, p) inverse of the equations of the deviations
    HA: Floats  #: (s, p, k)
    pull: Floats  #: (s, p) gradient of the deviations
    reduced: Floats  #: (k, k) equations of θ with the deviations eliminated
    slope: Floats  #: (k,)


def _soft_state(
    design: Design, data: Stack, theta: Floats, delta: Floats, D: Floats, prior: Prior | None,
    unit: float, lam: float,
) -> _SoftState:  # fmt: skip
    A_s = design.matrix
    _, p, k = A_s.shape
    cost, parts, H, g = _soft_cost(design, data, theta, delta, D, prior, unit)
    inner = H + np.eye(p) * D
    inner[:, np.arange(p), np.arange(p)] *= 1 + lam
    pull, HA = g + D * delta, H @ A_s
    K = np.asarray(np.linalg.inv(inner), dtype=np.float64)
    reduced = A_s.reshape(-1, k).T @ (HA - H @ (K @ HA)).reshape(-1, k)
    slope = np.einsum("spk,sp->k", A_s, g - np.einsum("sij,sj->si", H @ K, pull))
    if prior is not None:
        _, more, curve = prior.cost(theta, unit)
        reduced, slope = reduced + curve, slope + more
    return _SoftState(
        cost=cost, parts=parts, K=K, HA=HA, pull=pull, reduced=reduced, slope=slope
    )  # fmt: skip


def _widths(state: _SoftState, delta: Floats, unit: float) -> Floats:
    """Widths (p,) under which deviations as large as these are most likely."""
    C, KHA = unit * inverse(state.reduced), state.K @ state.HA
    spread = unit * np.einsum("sjj->sj", state.K) + np.einsum("sjk,kl,sjl->sj", KHA, C, KHA)
    return np.asarray(np.sqrt(np.mean(delta**2 + spread, axis=0)))


def _soft_cost(
    design: Design, data: Stack, theta: Floats, delta: Floats, D: Floats, prior: Prior | None,
    unit: float,
) -> tuple[float, Floats, Floats, Floats]:  # fmt: skip
    x = design.x(theta) + delta
    n = ~design.model.logs
    x[:, n] = np.clip(x[:, n], 0.05, 1.0)
    chi2, H, g = blocks(design.model.program, design.model.logs, data, x)
    cost = float(chi2.sum() + np.sum(D * delta**2))
    if prior is not None:
        cost += prior.cost(theta, unit)[0]
    return cost, chi2, H, g
