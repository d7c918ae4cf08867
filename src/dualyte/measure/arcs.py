"""Search for the arcs of a spectrum: their number, and a least-squares fit of each number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit import Spectrum
from dualyte.errors import InputError
from dualyte.numerics import arcfit, relaxation
from dualyte.vocabulary import Floats

Complexes = npt.NDArray[np.complex128]
Bools = npt.NDArray[np.bool_]

REACH: Final = math.sqrt(10)  #: factor by which the times exceed the measured range
QUIET: Final = 1e-5  #: relative noise below which digits, not the cell, are fitted
ALIKE: Final = 6.0  #: difference of information criteria that is no evidence
LOOSE: Final = 0.25  #: relative spread of a resistance above which an arc is not resolved
_MOST_ARCS: Final = 9
_STEPS: Final = 100
_EXPONENTS: Final = (0.3, 1.0)
_HOPE: Final = 0.3  # of the fall that a further arc needs, expected to first order
_SURE: Final = 8.0  # spreads: a part above is kept without a trial


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """A spectrum as the kernels want it: sizes near one."""

    omega: Floats
    lw: Floats
    weight: Floats  #: size / |Z|
    y: Floats
    size: float  #: what Z was divided by

    @staticmethod
    def of(spectrum: Spectrum, z: Complexes) -> Task:
        size = float(np.exp(np.mean(np.log(np.abs(z)))))
        weight = size / np.abs(z)
        y = np.concatenate([z.real, z.imag]) * np.tile(weight, 2) / size
        omega = spectrum.omega
        return Task(omega=omega, lw=np.log(omega), weight=weight, y=y, size=size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Refined arcs in the units of a task."""

    x: Floats
    on: Bools
    free: Bools
    jac: Floats
    residual: Floats
    left: float
    settled: bool

    @property
    def arcs(self) -> int:
        return (self.x.size - arcfit.SERIES) // 3

    @property
    def counted(self) -> Bools:
        """Parameters to count: an exponent at its bound was found there, and is not known."""
        counted = self.on.copy()
        counted[:2] = self.free[:2]
        return counted

    @property
    def sure(self) -> bool:
        """Whether the resistance of every arc is known."""
        return bool((np.diag(self.covariance())[arcfit.SERIES :: 3] < LOOSE**2).all())

    @property
    def bic(self) -> float:
        count = self.residual.size
        misfit = count * math.log(self.left / count + QUIET**2)
        return misfit + (int(self.counted.sum()) + 1) * math.log(count)

    @property
    def variance(self) -> float:
        return self.left / max(self.residual.size - int(self.counted.sum()), 1)

    def covariance(self) -> Floats:
        """Of all parameters, (p, p); infinite where the data leave one open."""
        cov: Floats = arcfit.covariance(self.jac, self.counted) * self.variance
        return np.where(np.isfinite(cov), cov, np.inf)


def search(
    task: Task, ltau: Floats, x: Floats, n: float, parts: Bools, arcs: int | None
) -> tuple[Fit, dict[int, float]]:
    """Refined arcs of the number with the least information criterion."""
    if arcs is not None and not 0 <= arcs <= _MOST_ARCS:
        raise InputError(f"arcs={arcs}; give 0 … {_MOST_ARCS}, or None to let the data say")
    series = parts & np.array([True, True, x[2] > 0])
    base = np.array([x[0], x[1], math.log(max(x[2], 1e-300)), n])
    starts = _peaks(task, ltau, x, n, arcs)
    best = _fit(task, np.concatenate([base, *starts]), series)
    if arcs is not None:
        while best.arcs < arcs and (more := _one_more(task, ltau, best, 0.0)) is not None:
            best = more
        return best, {best.arcs: best.bic}
    tried = {best.arcs: best.bic}
    while best.arcs < _MOST_ARCS and (more := _one_more(task, ltau, best, _HOPE)) is not None:
        tried[more.arcs] = more.bic
        if more.bic > best.bic - ALIKE:
            break
        best = more
    while best.arcs > 0:
        fewer = _one_less(task, best, base)
        tried[fewer.arcs] = min(fewer.bic, tried.get(fewer.arcs, math.inf))
        if fewer.bic > best.bic + ALIKE and not best.sure and fewer.arcs > 0:
            fewer = _one_less(task, fewer, base)  # one less may be a poor minimum, two not
            tried[fewer.arcs] = min(fewer.bic, tried.get(fewer.arcs, math.inf))
        if fewer.bic > best.bic + ALIKE:
            break
        best = fewer
    best = _without_needless(task, best)
    if not best.settled:
        best = _fit(task, best.x, best.on[[0, 1, 2]], 5 * _STEPS)
    tried[best.arcs] = best.bic
    return best, tried


def _peaks(task: Task, ltau: Floats, x: Floats, n: float, arcs: int | None) -> list[Floats]:
    """Start values ln R, ln τ, n of the peaks of a distribution that the data notice."""
    g = x[4:]
    tops, cuts = _tops(g)
    if not tops:
        return []
    masks = np.zeros((len(tops), g.size))
    for row, first, last in zip(masks, cuts, cuts[1:], strict=False):
        row[first:last] = g[first:last]
    noticed = relaxation.noticed(task.omega, task.weight, ltau, x[:3] > 0, n, masks)
    needed = arcfit.PER_ARC * math.log(task.y.size)
    rows = relaxation.smooth_rows(task.omega, ltau, task.weight, n)
    miss = relaxation.less(task.y, rows, x)
    variance = max(float(np.mean(miss**2)), QUIET**2)
    order = np.argsort(-noticed)[: _MOST_ARCS if arcs is None else arcs]
    h, found = float(ltau[1] - ltau[0]), []
    for k in order:
        if arcs is None and noticed[k] < needed * variance:
            continue
        area, height = float(masks[k].sum() * h), float(g[tops[k]])
        e = min(max(2 / math.pi * math.atan(2 * math.pi * height / area), 0.5), 0.98)
        found.append(np.array([math.log(area), ltau[tops[k]], e]))
    return found


def _tops(g: Floats) -> tuple[list[int], list[int]]:
    """Indices of the maxima, and where the peaks begin and end."""
    padded = np.concatenate([[-1.0], g, [-1.0]])
    rises = (padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]) & (g > 0)
    tops = [int(i) for i in np.flatnonzero(rises)]
    between = [a + int(np.argmin(g[a:b])) for a, b in pairwise(tops)]
    return tops, [0, *between, g.size]


def _bounds(task: Task, count: int, tail: bool) -> tuple[Floats, Floats]:
    biggest = float(1 / task.weight.min())
    low = [0.0, 0.0, -50.0, _EXPONENTS[0]]
    high = [1e3 * biggest, 1e3 * biggest, 50.0, _EXPONENTS[1]]
    # an arc whose top lies below the lowest frequency is what the tail stands for
    span = (-task.lw[0] - math.log(REACH), -task.lw[-1] + (0.0 if tail else math.log(10)))
    low += [math.log(1e-7 / task.weight.max()), span[0], _EXPONENTS[0]] * count
    high += [math.log(1e3 * biggest), span[1], _EXPONENTS[1]] * count
    return np.array(low), np.array(high)


def _fit(task: Task, start: Floats, series: Bools, most: int = _STEPS) -> Fit:
    count = (start.size - arcfit.SERIES) // 3
    on = np.concatenate([series[[0, 1, 2, 2]], np.ones(3 * count, dtype=np.bool_)])
    low, high = _bounds(task, count, bool(series[2]))
    x, left, free, jac, residual, settled = arcfit.fit(
        start, on, low, high, task.lw, task.y, task.weight, most
    )
    order = np.argsort(x[arcfit.SERIES + 1 :: 3], kind="stable")
    turned = np.concatenate(
        [np.arange(arcfit.SERIES)] + [arcfit.SERIES + 3 * k + np.arange(3) for k in order]
    )
    return Fit(
        x=x[turned],
        on=on,
        free=free[turned],
        jac=jac[turned],
        residual=residual,
        left=left,
        settled=settled,
    )


def _one_more(task: Task, ltau: Floats, fit: Fit, hope: float) -> Fit | None:
    """Add an arc where the residual asks most for one, if it asks for `hope` of what is needed."""
    inside = ltau[(ltau > -task.lw[0]) & (ltau < -task.lw[-1])][::2]
    at, size, fall = arcfit.missing(
        fit.jac, fit.free, fit.residual, task.lw, task.weight, inside, 0.9
    )
    needed = arcfit.PER_ARC * math.log(task.y.size) * max(fit.variance, QUIET**2)
    if at < 0 or fall < hope * needed:
        return None
    start = np.concatenate([fit.x, [math.log(size), inside[at], 0.9]])
    return _fit(task, start, fit.on[[0, 1, 2]])


def _one_less(task: Task, fit: Fit, base: Floats) -> Fit:
    """Take away one arc, the least certain or one of the nearest two, whichever costs less."""
    j = arcfit.SERIES
    unsure = np.where(fit.free[j::3], np.diag(fit.covariance())[j::3], np.inf)
    arcs = fit.x[j:].reshape(-1, 3)
    first = int(np.argmax(unsure))
    drop = {first}
    if fit.arcs > 2:
        near = int(np.argmin(np.diff(arcs[:, 1])))
        drop.add(near if unsure[near] > unsure[near + 1] else near + 1)
    found = []
    for k in sorted(drop):
        others = np.delete(arcs, k, axis=0)
        if others.size:
            heir = int(np.argmin(np.abs(others[:, 1] - arcs[k, 1])))
            others[heir, 0] = np.logaddexp(others[heir, 0], arcs[k, 0])
        series = base if fit.on[2] else fit.x[:j]
        start = np.concatenate([series, others.ravel()])
        found.append(_fit(task, start, fit.on[[0, 1, 2]]))
    return min(found, key=lambda f: f.left)


def _needed(fit: Fit, part: int) -> bool:
    """Whether a part in series is far too certain to be chance."""
    if not fit.free[part]:
        return False
    spread = math.sqrt(fit.covariance()[part, part])
    value = fit.x[part] if part < 2 else 1.0  # that of the tail is a logarithm
    return bool(value > _SURE * spread)


def _without_needless(task: Task, fit: Fit) -> Fit:
    """Drop R, L or the tail where the information criterion falls without it."""
    for part in (1, 0, 2):
        series = fit.on[[0, 1, 2]].copy()
        if not series[part] or _needed(fit, part):
            continue
        series[part] = False
        x = fit.x.copy()
        if part < 2:
            x[part] = 0.0
        other = fit if part < 2 and not fit.free[part] else _fit(task, x, series)
        if other.bic < fit.bic:
            fit = other
    return fit


def areas(ltau: Floats, gamma: Floats, at: Floats) -> list[float]:
    """Area of the distribution around each arc, between the minima and where it falls to 1 %."""
    h = ltau[1] - ltau[0]
    places = np.clip(np.round((at - ltau[0]) / h), 0, gamma.size - 1).astype(int)
    cuts = [a + int(np.argmin(gamma[a : b + 1])) for a, b in pairwise(places)]
    found = []
    edges = [0, *cuts, gamma.size]
    for place, first, last in zip(places, edges, edges[1:], strict=False):
        part = gamma[first:last]
        faint = np.flatnonzero(part < 0.01 * part.max(initial=0.0)) + first
        first = max(faint[faint < place], default=first)
        last = min(faint[faint > place], default=last)
        found.append(float(gamma[first:last].sum() * h))
    return found
