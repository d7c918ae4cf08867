"""Circuits fitted to one spectrum or to thousands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit.elements import UNSET, Circuit, filled
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse
from dualyte.errors import InputError
from dualyte.measure.eis.guess import starts
from dualyte.measure.eis.model import ArcNames, Model, Weighting, precedence, refuse, stack
from dualyte.measure.eis.result import Fit
from dualyte.numerics.levenberg import CONVERGED, Fitted, Stack, fit_many
from dualyte.vocabulary import Floats

_WORSE: Final = 1.5  # a fit whose noise exceeds the best start's by this is tried again
_SAME: Final = 1 + 1e-6
_SHORT: Final = 60  # steps of one start among many
_SHAKES: Final = 32  # starts around a fit that leaves structure
_STRANGE: Final = 5.0  # standard deviations of structure that make a second try worthwhile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failure:
    """A spectrum that could not be fitted, and why."""

    spectrum: Spectrum
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fits:
    """What a batch found, in the order given; failures are rows like the others."""

    rows: tuple[Fit | Failure, ...]
    stopped: bool = False  #: by Ctrl-C, before all were fitted

    @property
    def fits(self) -> tuple[Fit, ...]:
        """Those that were fitted."""
        return tuple(row for row in self.rows if isinstance(row, Fit))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Those that were not."""
        return tuple(row for row in self.rows if isinstance(row, Failure))

    def __iter__(self) -> Iterator[Fit | Failure]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def table(self) -> dict[str, Floats]:
        """Columns by name over all rows, SI; nan where a spectrum failed."""
        names = dict.fromkeys(name for fit in self.fits for name in fit.numbers)
        nan = float("nan")
        return {
            name: np.array(
                [r.numbers.get(name, nan) if isinstance(r, Fit) else nan for r in self.rows]
            )
            for name in names
        }


def fit_spectrum(
    spectrum: Spectrum,
    circuit: Circuit | str = "auto",
    *,
    weighting: Weighting = "modulus",
    fixed: Mapping[str, float] | None = None,
    tied: Sequence[Sequence[str]] = (),
    bounds: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
) -> Fit:
    """Fit a circuit to one spectrum by weighted complex least squares.

    Parameters
    ----------
    spectrum
        Measured or simulated; masked points are left out.
    circuit
        A circuit, a circuit string, or `"auto"`. Numbers in it are where the fit starts;
        where one is missing, starts are found from the spectrum.
    weighting
        `modulus` (``1/|Z|``), `parts` (``1/|Re|``, ``1/|Im|``), `unit`, or `spread` (of
        replicates).
    fixed
        Parameters kept at a value, SI by name.
    tied
        Groups of parameters that share one value.
    bounds
        Lowest and highest value of parameters, SI by name.
    seed
        Of the starts of circuits whose parts are nested.

    Returns
    -------
    Fit
        With full covariance. Arcs of one form are named in the order of their time constants:
        as the numbers of the circuit order them, else bulk before gb before he, else as
        written, fastest first. Those that are fixed, tied or bounded stay as they are.

    Raises
    ------
    InputError
        If the circuit or a name is wrong, or the spectrum has too few points.

    Notes
    -----
    Levenberg–Marquardt on logarithms with exact derivatives; series resistances are linear.

    Examples
    --------
    >>> f = np.geomspace(1e6, 1, 61)
    >>> truth = parse("R_0-p(R_he,CPE_he)", 5e-4, 150e-4, 3.6e-2, 0.73)
    >>> cell = Spectrum(frequency=f, z=truth.impedance(f) / 1e-4, area=1e-4)
    >>> fit = fit_spectrum(cell, "R_0-p(R_he,CPE_he)")
    >>> print(f"{fit.numbers['R_he'] * 1e4:.1f} ohm cm2")
    150.0 ohm cm2
    """
    if isinstance(circuit, str) and circuit == "auto":
        from dualyte.measure.eis.choose import choose_circuit

        if fixed or tied or bounds:
            raise InputError("fixed, tied and bounds name parameters: give the circuit, not auto")
        return choose_circuit(spectrum, weighting=weighting)
    model = _model(circuit, fixed, tied, bounds)
    if why := refuse(spectrum, model, weighting):
        raise InputError(why)
    data = stack([spectrum], weighting)
    fit = None
    if (given := _given(circuit, model)) is not None:
        fit = _fit_of(spectrum, model, weighting, fit_many(model.layout, data, given[None]), 0)
        if _settled(fit):
            return _ordered(fit)
    return _ordered(_best(spectrum, model, weighting, data, fit, seed))


def _model(
    circuit: Circuit | str,
    fixed: Mapping[str, float] | None,
    tied: Sequence[Sequence[str]],
    bounds: Mapping[str, tuple[float, float]] | None,
) -> Model:
    made = _read(circuit) if isinstance(circuit, str) else circuit
    if fixed or tied or bounds:
        return Model(
            circuit=made, fixed=fixed or {}, tied=tuple(map(tuple, tied)), bounds=bounds or {},
            precedence=precedence(made),
        )  # fmt: skip
    return _plain(_bare(made), precedence(made))


_read = lru_cache(maxsize=256)(parse)


@lru_cache(maxsize=256)
def _bare(circuit: Circuit) -> Circuit:
    """The circuit without its numbers (one nan object, so that equal circuits are equal)."""
    return filled(circuit, [UNSET] * len(circuit.parameters))


@lru_cache(maxsize=256)
def _plain(circuit: Circuit, order: tuple[str, ...]) -> Model:
    return Model(circuit=circuit, precedence=order)


def _given(circuit: Circuit | str, model: Model) -> Floats | None:
    """Start from the numbers of the circuit, if it has all."""
    numbers = (_read(circuit) if isinstance(circuit, str) else circuit).parameters
    return model.theta(numbers) if np.isfinite(list(numbers.values())).all() else None


def _fit_of(spectrum: Spectrum, model: Model, weighting: Weighting, found: Fitted, k: int) -> Fit:
    return Fit(
        spectrum=spectrum,
        model=model,
        theta=found.theta[k],
        chi2=float(found.chi2[k]),
        hessian=found.hessian[k],
        outcome=int(found.outcome[k]),
        steps=int(found.steps[k]),
        structure=float(found.structure[k]),
        weighting=weighting,
    )


def _settled(fit: Fit) -> bool:
    """Whether a fit needs no other start: it converged, and only noise is left."""
    return fit.converged and not fit.at_bound and fit.structure < _STRANGE


def _best(
    spectrum: Spectrum,
    model: Model,
    weighting: Weighting,
    data: Stack,
    first: Fit | None,
    seed: int,
) -> Fit:
    """Try the starts that the spectrum suggests, and keep the best."""
    fit = _race_of(spectrum, model, weighting, data, starts(model, spectrum, seed=seed), first)
    if _settled(fit):
        return fit
    return _race_of(spectrum, model, weighting, data, _shaken(model, fit.theta, seed), fit)


def _race_of(
    spectrum: Spectrum,
    model: Model,
    weighting: Weighting,
    data: Stack,
    begin: Floats,
    first: Fit | None,
) -> Fit:
    """Fit from several starts in a few steps; only the best goes on, where it has to."""
    found = fit_many(model.layout, _repeated(data, len(begin)), begin, max_steps=_SHORT)
    fit = _least(spectrum, model, weighting, found, first)
    if fit.converged:
        return fit
    return _least(spectrum, model, weighting, fit_many(model.layout, data, fit.theta[None]), fit)


def _shaken(model: Model, theta: Floats, seed: int) -> Floats:
    """Starts around a fit that leaves structure: time constants, splits and exponents moved."""
    rng = np.random.default_rng(seed)
    logs = np.array([model.logs[model.names.index(name)] for name in model.free])
    flat = np.array([name in model.series for name in model.free])
    size = np.exp(rng.uniform(np.log(0.5), np.log(3.0), (_SHAKES, 1)))
    noise = rng.standard_normal((_SHAKES, theta.size))
    moved = theta + noise * np.where(logs, size, 0.1 * size)
    moved[:, flat] = theta[flat] * rng.uniform(0, 1.5, (_SHAKES, int(flat.sum())))
    return np.clip(moved, model.layout.low, model.layout.high)


def _least(
    spectrum: Spectrum, model: Model, weighting: Weighting, found: Fitted, first: Fit | None
) -> Fit:
    """The best of several, or the first where none is better."""
    chi2 = np.where(np.isfinite(found.chi2), found.chi2, np.inf)
    best = float(chi2.min())
    good = np.flatnonzero((chi2 <= best * _SAME) & (found.outcome == CONVERGED))
    k = int(good[0]) if good.size else int(np.argmin(chi2))
    fit = _fit_of(spectrum, model, weighting, found, k)
    return first if first is not None and first.chi2 <= fit.chi2 * _SAME else fit


def _repeated(data: Stack, n: int) -> Stack:
    return data.pick(np.zeros(n, dtype=np.int64))


def _ordered(fit: Fit) -> Fit:
    """Name arcs of one form by their order in time, fastest first: the model stays the same."""
    if not _swapped(fit.model, fit.theta[None])[0]:
        return fit
    model, free = fit.model, list(fit.model.free)
    x = dict(zip(model.names, model.expand(fit.theta), strict=True))
    source = list(range(len(free)))
    for same in _alike(model):
        order = sorted(same, key=lambda arc: float(arc.log_tau(x)))
        for arc, origin in zip(same, order, strict=True):
            for to, name in zip(_names(arc), _names(origin), strict=True):
                source[free.index(to)] = free.index(name)
    return replace(fit, theta=fit.theta[source], hessian=fit.hessian[np.ix_(source, source)])


def _alike(model: Model) -> list[list[ArcNames]]:
    """Groups of arcs of one form that may change places."""
    touched = {*model.fixed, *model.bounds, *(name for group in model.tied for name in group)}
    groups: dict[tuple[bool, ...], list[ArcNames]] = {}
    for arc in model.arcs:
        if not touched & set(_names(arc)):
            form = tuple(map(bool, (arc.Q, arc.n, arc.C, arc.tau)))
            groups.setdefault(form, []).append(arc)
    return list(groups.values())


def _swapped(model: Model, theta: Floats) -> npt.NDArray[np.bool_]:
    """(n,) whether arcs are out of order, for free numbers (n, k)."""
    x = dict(zip(model.names, model.expand(theta).T, strict=True))
    found = np.zeros(len(theta), dtype=np.bool_)
    for same in _alike(model):
        if len(same) > 1:
            found |= (np.diff([arc.log_tau(x) for arc in same], axis=0) < 0).any(axis=0)
    return found


def _names(arc: ArcNames) -> list[str]:
    return [name for name in (arc.R, arc.Q, arc.n, arc.C, arc.tau) if name]


def fit_spectra(
    spectra: Sequence[Spectrum],
    circuit: Circuit | str,
    *,
    weighting: Weighting = "modulus",
    fixed: Mapping[str, float] | None = None,
    tied: Sequence[Sequence[str]] = (),
    bounds: Mapping[str, tuple[float, float]] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> Fits:
    """Fit one circuit to many spectra, in threads; a bad one costs only itself.

    Parameters
    ----------
    spectra
        Any number, each with frequencies of its own.
    circuit, weighting, fixed, tied, bounds, seed
        As for `fit_spectrum`. Without numbers in the circuit, a few spectra spread over the
        batch are fitted from starts of their own, and what they find starts the others.
    workers
        Threads; all cores by default.
    progress
        Called with (spectra done, all).

    Returns
    -------
    Fits
        One row for each spectrum, a `Fit` or a `Failure`. Ctrl-C gives those fitted so far.

    Examples
    --------
    >>> f = np.geomspace(1e6, 1, 61)
    >>> truth = parse("R_0-p(R_1,CPE_1)", 5.0, 150.0, 1e-6, 0.9)
    >>> batch = [Spectrum(frequency=f, z=k * truth.impedance(f)) for k in (1, 2, 3)]
    >>> fit_spectra(batch, "R_0-p(R_1,CPE_1)").table()["R_1"].round(3).tolist()
    [150.0, 300.0, 450.0]
    """
    if isinstance(circuit, str) and circuit == "auto":
        raise InputError("a batch needs one circuit; fit_spectrum(spectrum) proposes one")
    model = _model(circuit, fixed, tied, bounds)
    why = [refuse(s, model, weighting) for s in spectra]
    ready = [k for k, sentence in enumerate(why) if not sentence]
    rows: list[Fit | Failure | None] = [
        Failure(spectrum=s, why=sentence) if sentence else None
        for s, sentence in zip(spectra, why, strict=True)
    ]
    threads = workers or os.cpu_count() or 1
    if ready:
        good = [spectra[k] for k in ready]
        data = stack(good, weighting)
        begin = _shared_starts(good, model, weighting, circuit, seed)
        found = _race(model, data, begin, threads, progress)
        for at, k in enumerate(ready):
            rows[k] = _fit_of(spectra[k], model, weighting, found, at)
        if found.stopped:
            return _stopped(rows)
        _again(rows, ready, good, model, weighting, seed)
        theta = np.array([row.theta for row in rows if isinstance(row, Fit)])
        for at in np.flatnonzero(_swapped(model, theta)).tolist():
            fit = rows[ready[at]]
            if isinstance(fit, Fit):
                rows[ready[at]] = _ordered(fit)
    return Fits(rows=tuple(row for row in rows if row is not None))


def _stopped(rows: Sequence[Fit | Failure | None]) -> Fits:
    """What was fitted before Ctrl-C."""
    kept = [
        Failure(spectrum=row.spectrum, why="stopped before it was fitted")
        if isinstance(row, Fit) and not np.isfinite(row.chi2)
        else row
        for row in rows
        if row is not None
    ]
    return Fits(rows=tuple(kept), stopped=True)


def _shared_starts(
    spectra: Sequence[Spectrum],
    model: Model,
    weighting: Weighting,
    circuit: Circuit | str,
    seed: int,
) -> Floats:
    """(s, k) starts that every spectrum of a batch tries."""
    if (given := _given(circuit, model)) is not None:
        return given[None]
    probes = sorted({0, len(spectra) // 2, len(spectra) - 1})
    found = [
        _best(spectra[k], model, weighting, stack([spectra[k]], weighting), None, seed).theta
        for k in probes
    ]
    return np.array(found)


def _race(
    model: Model,
    data: Stack,
    begin: Floats,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> Fitted:
    """Fit every spectrum from the first start, those that look odd from the others too."""
    n = data.first.size
    found = fit_many(
        model.layout, data, np.broadcast_to(begin[0], (n, begin.shape[1])), workers=workers,
        progress=progress, partial=True,
    )  # fmt: skip
    if found.stopped:
        return found
    usual = float(np.median(found.chi2 / data.count))
    for start in begin[1:]:
        odd = np.flatnonzero(
            (found.outcome != CONVERGED) | (found.chi2 / data.count > _WORSE**2 * usual)
        )
        if odd.size:
            other = fit_many(
                model.layout, data.pick(odd), np.broadcast_to(start, (odd.size, start.size)),
                workers=workers,
            )  # fmt: skip
            better = other.chi2 < found.chi2[odd]
            for name in ("theta", "chi2", "hessian", "outcome", "steps", "structure"):
                getattr(found, name)[odd[better]] = getattr(other, name)[better]
    return found


def _again(
    rows: list[Fit | Failure | None],
    ready: Sequence[int],
    spectra: Sequence[Spectrum],
    model: Model,
    weighting: Weighting,
    seed: int,
) -> None:
    """Give what still looks odd starts of its own; a bound met at the usual noise is not odd."""
    usual = float(np.median([row.chi2_reduced for row in rows if isinstance(row, Fit)]))
    for at, k in enumerate(ready):
        fit = rows[k]
        if isinstance(fit, Fit) and not (
            fit.converged
            and fit.structure < _STRANGE
            and (not fit.at_bound or fit.chi2_reduced < _WORSE**2 * usual)
        ):
            data = stack([spectra[at]], weighting)
            rows[k] = _best(spectra[at], model, weighting, data, fit, seed)


def profile(fit: Fit, name: str, *, level: float = 0.9) -> tuple[float, float]:
    """Interval of a parameter by fitting all others anew at values of it.

    Parameters
    ----------
    fit
        What `fit_spectrum` found.
    name
        A free parameter, such as `R_he`.
    level
        Of confidence.

    Returns
    -------
    (low, high)
        SI, in the convention of `Fit.values`. An end at the edge of what is searched (a factor
        e⁵ for what is fitted as a logarithm, else the bound) is open.

    Notes
    -----
    The profile of χ² over the noise variance follows χ² with one degree of freedom
    (Bates & Watts 1988, doi:10.1002/9780470316757).
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2 as law

    model, free = fit.model, fit.model.free
    if name not in free:
        raise InputError(f"{name!r} is not free in this fit; free are {', '.join(free)}")
    k, data = free.index(name), stack([fit.spectrum], fit.weighting)
    allowed = float(law.ppf(level, 1)) * fit.unit
    step = float(np.sqrt(fit.covariance[k, k])) or 0.01
    span = 5.0 if model.logs[model.names.index(name)] else np.inf

    def excess(x: float) -> float:
        low, high = model.layout.low.copy(), model.layout.high.copy()
        low[k] = high[k] = x
        start = fit.theta.copy()
        start[k] = x
        found = fit_many(replace(model.layout, low=low, high=high), data, start[None])
        return float(found.chi2[0]) - fit.chi2 - allowed

    ends = []
    for sign in (-1, 1):
        limit = model.layout.low[k] if sign < 0 else model.layout.high[k]
        far, reach = fit.theta[k], step
        while abs(far - fit.theta[k]) < span and excess(far) < 0 and far != limit:
            far = (max if sign < 0 else min)(fit.theta[k] + sign * reach, limit)
            reach *= 1.6
        inside = excess(far) < 0
        ends.append(far if inside else float(brentq(excess, fit.theta[k], far, rtol=1e-6)))
    logged, share = model.logs[model.names.index(name)], fit.estimate.share(name, name[0])
    low_end, high_end = (float(np.exp(end)) if logged else end for end in ends)
    return low_end * share, high_end * share
