"""Which laws describe a series: hard ones first, looser ones where a test refuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dualyte.circuit.elements import Circuit
from dualyte.circuit.spectrum import Spectrum
from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.eis.fit import fit_spectrum
from dualyte.measure.eis.guess import starts
from dualyte.measure.eis.model import Weighting
from dualyte.measure.joint.begin import best_solution, reference
from dualyte.measure.joint.laws import Design, Terms, design
from dualyte.measure.joint.solve import Prior, Soft, Solution, soften, solve
from dualyte.measure.kramers import check_spectrum
from dualyte.numerics.levenberg import EXACT, Stack, blocks, fit_many
from dualyte.vocabulary import ELECTRON, Floats
from dualyte.vocabulary import known as known_word

_STUCK: Final = 1.4  # χ² over that of noise alone that says a fit got stuck
BROKEN: Final = 1e-3  # probability below which laws are taken to be broken
_CONTACT: Final = 1e-2  # probability below which a power law of the contact is given up
_DRIFT_N: Final = 0.01  # n of a sound arc drifts by no more over a series (one sigma; assumed)
_DRIFT_Q: Final = 0.05  # and its ln Q by no more
_Z90: Final = 3.2897072539029444  # width of a normal 90 % interval in standard deviations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alone:
    """Every spectrum fitted by itself: what the data leave as noise."""

    x: Floats  #: (s, p)
    chi2: float
    noise: float  #: variance of the weighted residuals
    smooth: float  #: χ² of noise alone, by the Kramers–Kronig test
    variance: float  #: of that noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """What all laws are tried on."""

    spectra: tuple[Spectrum, ...]
    circuit: Circuit
    data: Stack
    weighting: Weighting
    alone: Alone
    known: Mapping[str, Value]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LawTest:
    """One set of laws against every spectrum fitted alone."""

    terms: Terms
    chi2_reduced: float
    F: float  #: excess misfit over what is left when each spectrum is fitted alone
    probability: float  #: of a larger F if the laws hold
    drifts: float = 1.0  #: probability of drifts as large as seen if there are none
    bic: float

    @property
    def holds(self) -> bool:
        """Whether the laws describe the series."""
        return min(self.probability, self.drifts) >= BROKEN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Described:
    """The strictest laws that hold, and the series under them."""

    design: Design
    solution: Solution
    prior: Prior | None
    tests: tuple[LawTest, ...]
    soft: Soft | None = None


def fit_alone(
    spectra: Sequence[Spectrum], made: Design, data: Stack, weighting: Weighting
) -> Alone:
    """Fit every spectrum by itself, each from its neighbour in pressure and temperature."""
    T, P = np.nan_to_num(made.temperature), np.nan_to_num(made.pressure)
    first = reference(made)
    fit = fit_spectrum(spectra[first], made.model.circuit, weighting=weighting)
    layout = made.model.layout
    x, chi2 = np.zeros((len(spectra), len(made.model.names))), np.full(len(spectra), np.inf)
    start = fit.model.expand(fit.theta)
    for k, name in enumerate(made.model.names):  # that fit takes series parts as they are
        if name in fit.model.series:
            start[k] = np.log(max(start[k], 1e-3 * float(np.abs(fit.z).min())))
    done: list[int] = []

    def improve(s: int, begin: Floats) -> None:
        found = fit_many(layout, data.pick(np.full(len(begin), s)), begin)
        k = int(np.nanargmin(found.chi2))
        if found.chi2[k] < chi2[s]:
            x[s], chi2[s] = found.theta[k], found.chi2[k]

    for s in _outwards(T, P, first):
        near = min(done, key=lambda d: abs(T[d] - T[s]) + 1e3 * (P[d] != P[s]), default=None)
        improve(s, (start if near is None else x[near])[None])
        done.append(s)
    dof = 2 * data.count - len(made.model.names)
    smooth = chi2
    if weighting == "modulus":  # what no smooth model can be better than
        smooth = dof * np.array([_noise(s) for s in spectra])
        smooth = np.where(np.isfinite(smooth), smooth, chi2)
        for s in np.flatnonzero(chi2 > _STUCK * smooth).tolist():
            improve(s, starts(made.model, spectra[s]))
    total = float(chi2.sum())
    return Alone(
        x=x,
        chi2=total,
        noise=total / max(int(dof.sum()), 1),
        smooth=min(total, float(smooth.sum())),
        variance=float(smooth.sum()) / max(int(dof.sum()), 1),
    )


def _noise(spectrum: Spectrum) -> float:
    """Noise variance by the Kramers–Kronig test; nan where there are too few points for it."""
    try:
        return check_spectrum(spectrum).noise ** 2
    except InputError:
        return float("nan")


def _outwards(T: Floats, P: Floats, first: int) -> list[int]:
    """Spectra from the reference outwards in temperature, pressure after pressure."""
    return [int(k) for k in np.lexsort((np.abs(T - T[first]), -P))]


def _closer(series: Series, made: Design, solution: Solution) -> Alone:
    """The same with starts from a joint solution, where those end lower."""
    layout = made.model.layout
    x = np.clip(made.x(solution.theta), layout.low, layout.high)
    found = fit_many(layout, series.data, x)
    joint = float(np.fmin(found.chi2, solution.per_spectrum).sum())
    if joint >= series.alone.chi2:
        return series.alone
    dof = 2 * series.data.omega.size - x.size
    return Alone(
        x=found.theta,
        chi2=joint,
        noise=joint / max(dof, 1),
        smooth=min(joint, series.alone.smooth),
        variance=series.alone.variance,
    )


def describe(series: Series, hard: Design, terms: Terms | None) -> tuple[Series, Described]:
    """Climb from hard laws to looser ones until a set describes the series."""
    series, found, test = _tried(series, hard, None, rounds=3)
    if terms is not None:
        return series, Described(
            design=hard, solution=found.solution, prior=found.prior, tests=(test,)
        )
    tests = [test]
    if test.holds and hard.levels.size > 1:
        series, found, tests = _contact_freed(series, found, tests)
    for rounds in (0, 6):  # from the stricter laws first; from anew only if none of them holds
        for step in _ladder(hard):
            if tests[-1].holds:
                break
            made = design(series.spectra, series.circuit, step)
            series, other, more = _tried(series, made, found, rounds=rounds)
            tests.append(more)
            if rounds == 0 or more.holds or other.solution.chi2 < found.solution.chi2:
                found = other
        if tests[-1].holds and tests[-1].terms.drift_n and rounds == 0:
            series, found, more = _tried(series, found.design, found, rounds=6, least=3)
            tests[-1] = more  # drifts make many minima: look again before believing one
    if tests[-1].holds:
        return series, _with_priors(series, found, tests)
    soft = soften(
        found.design, series.data, found.solution.theta, unit=series.alone.noise,
        prior=found.prior,
    )  # fmt: skip
    return series, Described(
        design=found.design, solution=soft.solution, prior=found.prior, tests=tuple(tests),
        soft=soft,
    )  # fmt: skip


def _contact_freed(
    series: Series, found: _Try, tests: list[LawTest]
) -> tuple[Series, _Try, list[LawTest]]:
    """Give up the power law of the contact where it costs more than chance would."""
    made = design(series.spectra, series.circuit, replace(found.design.terms, contact=True))
    series, other, more = _tried(series, made, found, rounds=0)
    if _nested(found, other, series.data) >= _CONTACT:
        return series, found, tests
    return series, other, [*tests, more]


def _ladder(hard: Design) -> list[Terms]:
    """Looser and looser laws."""
    pressed, hot = hard.levels.size > 1, hard.hot
    base = hard.terms
    drift = replace(base, drift_n=True, drift_q=True)
    steps = [replace(base, contact=True), replace(base, pressure=True)] if pressed else []
    if hot:
        steps.append(drift)
    if pressed and hot:
        steps += [replace(drift, contact=True), replace(drift, pressure=True)]
    if pressed:
        steps.append(replace(drift if hot else base, contact=True, pressure=True))
    return steps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Try:
    design: Design
    solution: Solution
    prior: Prior | None


def _tried(
    series: Series, made: Design, stricter: _Try | None, *, rounds: int, least: int = 0
) -> tuple[Series, _Try, LawTest]:
    """Fit under some laws, from the stricter ones and, where that is poor, from anew."""
    prior = _knowledge(made, series.known)
    unit, data = series.alone.noise, series.data
    found: Solution | None = None
    if stricter is not None:
        start = _moved(stricter.design, stricter.solution.theta, made)
        found = solve(made, data, start, prior=prior, unit=unit)
    enough = _enough(series, made)
    if made.terms.free:  # what each spectrum settles for itself, its own fit knows best
        found = solve(made, data, _nearest(series, made), prior=prior, unit=unit)
    elif found is None or least or (rounds and found.chi2 > enough):
        alone = made.levels.size < 2  # temperature alone leaves more minima than with pressure
        fresh = best_solution(
            series.spectra, made, data, series.weighting, enough=enough, rounds=rounds,
            least=least or 1 + alone, seed=series.seed,
        )  # fmt: skip
        if prior is not None:
            fresh = solve(made, data, fresh.theta, prior=prior, unit=unit)
        found = fresh if found is None or fresh.chi2 < found.chi2 else found
    closer = _closer(series, made, found) if rounds else series.alone
    if closer is not series.alone:
        series = Series(
            spectra=series.spectra, circuit=series.circuit, data=data, known=series.known,
            weighting=series.weighting, alone=closer, seed=series.seed,
        )  # fmt: skip
    return series, _Try(design=made, solution=found, prior=prior), _tested(series, made, found)


def _nearest(series: Series, made: Design) -> Floats:
    """θ nearest to the spectra fitted alone, each number as well as its spectrum settles it."""
    x, A_s = _in_order(made, series.alone.x), made.matrix
    _, H, _ = blocks(made.model.program, made.model.logs, series.data, x)
    A = np.einsum("spk,spq,sql->kl", A_s, H, A_s)
    b = np.einsum("spk,spq,sq->k", A_s, H, x)
    size = np.sqrt(np.maximum(np.diag(A), 1e-300))
    scaled = A / np.outer(size, size) + 1e-9 * np.eye(size.size)
    return np.asarray(np.linalg.solve(scaled, b / size) / size)


def _in_order(made: Design, x: Floats) -> Floats:
    """Name arcs of one form by their order in time, spectrum by spectrum."""
    at = made.model.names.index
    lines = [arc for arc in made.model.arcs if arc.Q and arc.n]
    columns = [[at(arc.R), at(arc.Q), at(arc.n)] for arc in lines]
    moved = x.copy()
    if len(columns) > 1:
        by_name = dict(zip(made.model.names, x.T, strict=True))
        log_tau = np.array([arc.log_tau(by_name) for arc in lines])
        for s, order in enumerate(np.argsort(log_tau, axis=0, kind="stable").T):
            for to, source in zip(columns, order.tolist(), strict=True):
                moved[s, to] = x[s, columns[source]]
    return moved


def _enough(series: Series, made: Design) -> float:
    """χ² that laws which hold exceed in one case of ten."""
    from scipy.stats import f as law

    every = series.alone.x.size
    more, rest = max(every - len(made.names), 1), max(2 * series.data.omega.size - every, 1)
    smallest = min(series.alone.chi2, 1.03 * series.alone.smooth)  # alone, too, may be stuck
    return smallest * (1 + more / rest * float(law.isf(0.1, more, rest)))


def _tested(series: Series, made: Design, solution: Solution) -> LawTest:
    """F tests of laws: against spectra fitted alone, and against drifts that they leave out."""
    rows, k = 2 * series.data.omega.size, len(made.names)
    every = series.alone.x.size
    F, probability = _f_test(
        solution.chi2, series.alone.chi2, max(every - k, 1), max(rows - every, 1)
    )
    drifts = 1.0
    terms = made.terms
    if made.hot and not (terms.drift_n or terms.free):
        loose_terms = replace(terms, drift_n=True, drift_q=True)
        loose = design(series.spectra, series.circuit, loose_terms)
        start = _moved(made, solution.theta, loose)
        there = solve(loose, series.data, start)
        more = len(loose.names) - k
        _, drifts = _f_test(solution.chi2, there.chi2, more, rows - len(loose.names))
    return LawTest(
        terms=terms,
        chi2_reduced=solution.chi2 / (rows - k),
        F=F,
        probability=probability,
        drifts=drifts,
        bic=float(rows * np.log(max(solution.chi2 / rows, EXACT)) + k * np.log(rows)),
    )


def _f_test(strict: float, loose: float, more: int, rest: int) -> tuple[float, float]:
    """F of the excess misfit, and the probability of a larger one by chance."""
    from scipy.stats import f as law

    F = (strict - loose) / max(more, 1) / (max(loose, EXACT * rest) / max(rest, 1))
    return float(F), float(law.sf(F, max(more, 1), max(rest, 1)))


def _nested(strict: _Try, loose: _Try, data: Stack) -> float:
    """Probability that looser laws improve as much as they do by chance."""
    more = len(loose.design.names) - len(strict.design.names)
    rest = 2 * data.omega.size - len(loose.design.names)
    return _f_test(strict.solution.chi2, loose.solution.chi2, more, rest)[1]


def _with_priors(series: Series, found: _Try, tests: Sequence[LawTest]) -> Described:
    """Laws that hold, taken as priors: small drifts are allowed, so that intervals hold them."""
    made, terms = found.design, found.design.terms
    hot = made.hot
    if terms.drift_n or terms.free or not hot:
        return Described(
            design=made, solution=found.solution, prior=found.prior, tests=tuple(tests)
        )
    looser = replace(terms, drift_n=True, drift_q=True)
    wide = design(series.spectra, series.circuit, looser)
    prior = _knowledge(wide, series.known)
    mean = np.zeros(len(wide.names)) if prior is None else prior.mean
    weight = np.array(
        [
            _DRIFT_N**-2 if n.startswith("drift_n") else _DRIFT_Q**-2 if "drift_" in n else 0.0
            for n in wide.names
        ]
    )
    precision = np.diag(weight) + (0.0 if prior is None else prior.precision)
    both = Prior(mean=mean, precision=precision)
    start = _moved(made, found.solution.theta, wide)
    solution = solve(wide, series.data, start, prior=both, unit=series.alone.noise)
    return Described(design=wide, solution=solution, prior=both, tests=tuple(tests))


def _moved(old: Design, theta: Floats, new: Design) -> Floats:
    """θ of stricter laws as θ of looser ones."""
    known = dict(zip(old.names, theta.tolist(), strict=True))
    moved = np.zeros(len(new.names))
    for k, name in enumerate(new.names):
        if name in known:
            moved[k] = known[name]
        elif name.startswith(("m_", "phi_")):
            moved[k] = _log_contact(known, new, k)
    return moved


def _log_contact(known: Mapping[str, float], new: Design, k: int) -> float:
    """Start of an m or φ from whatever the stricter laws called it."""
    stem, bracket, rest = new.names[k].partition("[")
    word, _, owner = stem.partition("_")
    label = owner.removeprefix("R_").removeprefix("Q_").removeprefix("C_")
    for each in (owner, label):
        if (twin := f"{word}_{each}{bracket}{rest}") in known:
            return known[twin]
        if word == "phi" and (power := f"m_{each}") in known:
            s = int(np.argmax(np.abs(new.matrix[:, :, k]).max(axis=1)))
            return known[power] * float(np.log(new.pressure[s] / new.levels[0]))
        steps = [v for name, v in known.items() if name.startswith(f"phi_{each}[")]
        if word == "m" and steps:  # φ at the lowest pressure comes last
            return steps[-1] / float(np.log(new.levels[-1] / new.levels[0]))
    return 0.0


def _knowledge(made: Design, known: Mapping[str, Value]) -> Prior | None:
    """Values of reference cells as a Gaussian in θ."""
    if not known:
        return None
    mean, precision = np.zeros(len(made.names)), np.zeros(len(made.names))
    logs = dict(zip(made.model.names, made.model.logs.tolist(), strict=True))
    for name, value in known.items():
        at = f"Ea_R_{name.removeprefix('Ea_')}" if name.startswith("Ea_") else name
        if at not in made.names:
            raise InputError(
                f"{name} is no number of this joint fit; known may give {', '.join(made.names)}"
            )
        if value.quantity == "resistance" or value.quantity.startswith("cell_"):
            raise InputError(
                f"{name} is known in {known_word(value.quantity).shown} of a cell without area; "
                "give the reference cell its area"
            )
        low, high = value.interval()
        if not high > low:
            raise InputError(f"{name} is known without spread; give it one, however small")
        k = made.at(at)
        if logs.get(name, False):
            mean[k], sd = np.log(value.si), np.log(high / low) / _Z90
        else:
            unit = ELECTRON if name.startswith("Ea_") else 1.0
            mean[k], sd = value.si / unit, (high - low) / _Z90 / unit
        precision[k] = 1 / sd**2
    return Prior(mean=mean, precision=np.diag(precision))


def widened(prior: Prior | None, old: Design, new: Design) -> Prior | None:
    """The same knowledge of θ that both designs have."""
    if prior is None:
        return None
    mean, precision = np.zeros(len(new.names)), np.zeros((len(new.names), len(new.names)))
    both = [(i, new.names.index(name)) for i, name in enumerate(old.names) if name in new.names]
    for i, a in both:
        mean[a] = prior.mean[i]
        for j, b in both:
            precision[a, b] = prior.precision[i, j]
    return Prior(mean=mean, precision=precision)
