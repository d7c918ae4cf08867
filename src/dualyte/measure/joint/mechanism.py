"""What limits an arc: judged from how it moves with temperature and pressure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dualyte.circuit.elements import Circuit
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse, write
from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.eis.model import ArcNames, Weighting, arc_names
from dualyte.measure.eis.result import INTERFACE
from dualyte.measure.joint.fit import JointFit, fit_joint
from dualyte.measure.joint.ladder import widened
from dualyte.measure.joint.laws import Terms, design
from dualyte.measure.joint.solve import solve
from dualyte.numerics.levenberg import EXACT, inverse
from dualyte.vocabulary import ELECTRON, Floats, show

_STILL: Final = 0.1  # exponent of pressure below which an arc does not follow it
_ALIKE: Final = 0.02  # eV: activation energies closer than this are alike
_SURE: Final = 2.0  # standard deviations that make a difference
_SHIFT: Final = 0.15  # difference of the exponents of R and Q that moves the frequency
_READ: Final = 3.0  # factor between frequencies of the two readings of Q that is a contradiction


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What limits one arc, and what says so."""

    label: str
    mechanism: str  #: such as `transfer or film on true contact`, or `undecided`
    evidence: tuple[str, ...]  #: sentences
    pressure_exponent: tuple[float, float] | None  #: m of R ∝ P^−m, and its spread
    capacitance_exponent: tuple[float, float] | None  #: of Q ∝ P^m, and its spread
    activation_energy: tuple[float, float] | None  #: J, and its spread

    def __str__(self) -> str:
        return "\n".join([f"{self.label}: {self.mechanism}", *(f"  - {e}" for e in self.evidence)])


def judge_mechanism(
    fit: JointFit, *, layers: Mapping[int, tuple[str, Value]] | None = None
) -> dict[str, Verdict]:
    """Judge every arc of a joint fit.

    Parameters
    ----------
    fit
        What `fit_joint` found.
    layers
        Name and activation energy of conduction of the layers in contact, the soft one as 1
        and the hard one as 2. By default the bulk arc of the same fit stands for layer 2.

    Returns
    -------
    dict
        Verdict by label.

    Notes
    -----
    Contact that grows with pressure lowers R and raises Q alike: R·Q and the frequency of the
    arc stay, and the activation energy is that of the transfer or film. Constriction has the
    activation energy of the layer it bends the current in; its R falls with pressure, too, but
    the capacitance across the gap does not rise as R falls, so the frequency shifts. A grain
    boundary lies inside a layer and does not follow the pressure.
    """
    apart = _exponents(fit)
    known = dict(layers or {})
    if not known and "Ea_bulk" in fit.values:
        known = {2: ("the bulk arc", fit.values["Ea_bulk"])}
    return {arc.label: _judge(fit, arc, apart.get(arc.label), known) for arc in fit.estimate.arcs}


def _exponents(fit: JointFit) -> dict[str, tuple[float, float, float, float]]:
    """Exponents m of R and of Q of every arc with their spreads, each fitted on its own."""
    if fit.design.levels.size < 2:
        return {}
    terms = fit.design.terms
    loose = design(
        fit.spectra,
        fit.design.model.circuit,
        replace(terms, contact=False, pressure=True),
    )
    start = np.array(
        [
            fit.number(name) if name in fit.design.names else _start(fit, name)
            for name in loose.names
        ]
    )
    prior = widened(fit.prior, fit.design, loose)
    found = solve(loose, fit.data, start, prior=prior, unit=fit.noise)
    dof = max(2 * fit.data.omega.size - len(loose.names), 1)
    spread = np.sqrt(np.diag(inverse(found.hessian)) * max(fit.unit, found.chi2 / dof))
    made = {}
    for arc in fit.estimate.arcs:
        names = [f"m_{arc.R}", f"m_{arc.Q or arc.C or arc.tau}"]
        if set(names) <= set(loose.names):
            a, b = (loose.at(name) for name in names)
            made[arc.label] = (
                float(found.theta[a]), float(spread[a]), float(found.theta[b]), float(spread[b])
            )  # fmt: skip
    return made


def _start(fit: JointFit, name: str) -> float:
    """Exponent of the contact law, for R and Q of an arc that follows it."""
    of = name.removeprefix("m_")
    label = fit.design.model.labels.get(of, "")
    if of == name or label not in fit.design.movers:
        return 0.0
    levels, f, _ = fit.contact(label)
    return float(np.polyfit(np.log(levels), np.log(f), 1)[0])


def _judge(
    fit: JointFit,
    arc: ArcNames,
    exponents: tuple[float, float, float, float] | None,
    layers: Mapping[int, tuple[str, Value]],
) -> Verdict:
    evidence: list[str] = []
    energy = _energy(fit, arc, evidence)
    alike = _alike_layer(arc, energy, layers, evidence)
    moves, shifts = _pressure(arc, exponents, evidence)
    _reading(fit, arc, evidence)
    return Verdict(
        label=arc.label,
        mechanism=_mechanism(fit, arc, moves, shifts, alike),
        evidence=tuple(evidence),
        pressure_exponent=None if exponents is None else exponents[:2],
        capacitance_exponent=None if exponents is None else exponents[2:],
        activation_energy=energy,
    )


def _mechanism(
    fit: JointFit, arc: ArcNames, moves: bool | None, shifts: bool | None, alike: int | None
) -> str:
    if moves is None:
        return "undecided"
    if not moves:
        f = {a.label: fit.values[f"f_{a.label}" if a.label else "f"].si for a in fit.estimate.arcs}
        fastest = f[arc.label] == max(f.values())
        return "bulk-like" if fastest and len(f) > 1 else "grain-boundary-like"
    if shifts and alike:
        return f"constriction of layer {alike}"
    if not shifts and alike == 0:
        return "transfer or film on true contact"
    return "undecided"


def _energy(fit: JointFit, arc: ArcNames, evidence: list[str]) -> tuple[float, float] | None:
    value = fit.values.get(f"Ea_{arc.label}" if arc.label else "Ea")
    if value is None:
        evidence.append("no temperature series: no activation energy")
        return None
    evidence.append(
        f"activation energy {_with_spread(value.si / ELECTRON, value.spread / ELECTRON)} eV"
    )
    return value.si, value.spread


def _alike_layer(
    arc: ArcNames,
    energy: tuple[float, float] | None,
    layers: Mapping[int, tuple[str, Value]],
    evidence: list[str],
) -> int | None:
    """Place of the layer whose conduction is activated alike, 0 for none, None if unknown."""
    if energy is None or not layers or arc.label == "bulk":
        return None
    away: dict[int, float] = {}
    for place, (name, value) in layers.items():
        low, high = value.interval()
        allowed = _ALIKE * ELECTRON + _SURE * float(np.hypot(energy[1], (high - low) / 3.29))
        gap = abs(energy[0] - value.si)
        if gap <= allowed:
            away[place] = gap
        told = "like" if gap <= allowed else "unlike"
        evidence.append(
            f"{told} the conduction of {name} ({show('activation_energy', value.si, 3)})"
        )
    return min(away, key=lambda place: away[place]) if away else 0


def _pressure(
    arc: ArcNames, exponents: tuple[float, float, float, float] | None, evidence: list[str]
) -> tuple[bool | None, bool | None]:
    """Whether R follows the pressure, and whether the frequency shifts with it."""
    if exponents is None:
        evidence.append("no pressure series: contact and conduction cannot be told apart")
        return None, None
    m, dm, k, dk = exponents
    moves = m > max(_STILL, _SURE * dm)
    if not moves and dm > _STILL:
        evidence.append(f"its pressure dependence is not settled: R ∝ P^({_with_spread(-m, dm)})")
        return None, None
    evidence.append(f"R ∝ P^({_with_spread(-m, dm)}), Q ∝ P^({_with_spread(k, dk)})")
    shift = abs(m - k)
    shifts = shift > max(_SHIFT, _SURE * float(np.hypot(dm, dk)))
    if moves:
        evidence.append(
            "R·Q changes with pressure: the frequency of the arc shifts"
            if shifts
            else "R·Q stays under pressure, as if the contact area alone changed"
        )
    return moves, shifts


def _with_spread(number: float, spread: float) -> str:
    """A number and its spread, to two digits of the spread.

    >>> _with_spread(0.51023, 0.00081)
    '0.51023 ± 0.00081'
    """
    digits = 3 if not spread > 0 else int(np.clip(1 - np.floor(np.log10(spread)), 0, 6))
    return f"{number:.{digits}f} ± {spread:.{digits}f}"


def _reading(fit: JointFit, arc: ArcNames, evidence: list[str]) -> None:
    """Say when a Q read as a capacitance contradicts the frequency of the arc."""
    if not arc.Q:
        return
    numbers = fit.estimate.numbers
    as_capacitance = 1 / (2 * np.pi * numbers[arc.R] * numbers[arc.Q])
    f = fit.values[f"f_{arc.label}" if arc.label else "f"].si
    if not 1 / _READ <= f / as_capacitance <= _READ:
        evidence.append(
            f"R and Q read as a capacitance give {show('frequency', as_capacitance, 2)}, but the "
            f"arc peaks at {show('frequency', f, 2)}: quote C_{arc.label}, not Q"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointComparison:
    """Circuits fitted to one series, best first."""

    fits: tuple[JointFit, ...]

    def table(self) -> list[dict[str, str | float]]:
        """One row a circuit: BIC relative to the best, and whether its laws hold."""
        best = _bic(self.fits[0])
        return [
            {
                "circuit": write(fit.design.model.circuit),
                "parameters": len(fit.design.names),
                "chi2_reduced": fit.chi2_reduced,
                "delta_bic": _bic(fit) - best,
                "laws": str(fit.tests[-1].terms),
            }
            for fit in self.fits
        ]


def _bic(fit: JointFit) -> float:
    rows = 2 * fit.data.omega.size
    misfit = rows * np.log(max(fit.solution.chi2 / rows, EXACT))
    return float(misfit + len(fit.design.names) * np.log(rows))


def compare_joint(
    spectra: Sequence[Spectrum],
    circuits: Sequence[Circuit | str],
    *,
    weighting: Weighting = "modulus",
    seed: int = 0,
) -> JointComparison:
    """Fit several circuits to one series and order them by BIC.

    Two arcs against three: where a grain boundary and an interface move alike with temperature
    and pressure, the data do not ask for both.

    Parameters
    ----------
    spectra, weighting, seed
        As for `fit_joint`.
    circuits
        Circuits or circuit strings.
    """
    if not circuits:
        raise InputError("give one circuit or more to compare")
    fits = [fit_joint(spectra, c, weighting=weighting, seed=seed) for c in circuits]
    return JointComparison(fits=tuple(sorted(fits, key=_bic)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stability:
    """How the arcs of one cell change from spectrum to spectrum."""

    time: Floats  #: (s,) s, or the order of the spectra
    ratio: Mapping[str, Floats]  #: (s,) R over that of the first spectrum, by label
    spread: Mapping[str, Floats]  #: (s,) standard deviation of its logarithm
    growth: Mapping[str, tuple[float, float]]  #: change of ln R per √s (or per step), spread
    score: Mapping[str, float]  #: change from first to last in standard deviations
    fit: JointFit

    def __str__(self) -> str:
        rows = []
        for label, ratio in self.ratio.items():
            told = "changes" if abs(self.score[label]) > _SURE else "does not change measurably"
            rows.append(
                f"R_{label}: last over first {ratio[-1]:.3f} ± "
                f"{ratio[-1] * self.spread[label][-1]:.3f}, {told}"
            )
        return "\n".join(rows)


def stability(
    spectra: Sequence[Spectrum],
    circuit: Circuit | str,
    *,
    time: Sequence[float] | None = None,
    follow: Sequence[str] | None = None,
    weighting: Weighting = "modulus",
    seed: int = 0,
) -> Stability:
    """Compare spectra of one cell before, after and over hours: n and the other arcs are shared.

    Parameters
    ----------
    spectra
        Two or more, at one temperature and pressure, in order.
    circuit
        With labelled arcs.
    time : (s,), optional
        When each was measured [s].
    follow
        Labels of the arcs that may change; by default that of the interface, else all. All
        other parameters are shared by the spectra.
    weighting, seed
        As for `fit_joint`.

    Returns
    -------
    Stability
        Ratios to the first spectrum with their spread, the growth with the square root of time
        and what stands out. R and Q of the arcs followed are free in each spectrum.
    """
    made = parse(circuit) if isinstance(circuit, str) else circuit
    lines = arc_names(made)
    if not lines:
        raise InputError("the circuit has no arc to follow; give one such as R_0-p(R_he,CPE_he)")
    if time is not None and len(time) != len(spectra):
        raise InputError(f"{len(time)} times for {len(spectra)} spectra")
    labelled = [arc.label for arc in lines if arc.label.lower() in INTERFACE]
    chosen = list(follow) if follow is not None else labelled or [arc.label for arc in lines]
    if strange := sorted(set(chosen) - {arc.label for arc in lines}):
        raise InputError(f"the circuit has no arc {', '.join(strange)} to follow")
    lines = [arc for arc in lines if arc.label in chosen]
    free = tuple(name for arc in lines for name in (arc.R, arc.Q or arc.C or arc.tau))
    fit = fit_joint(spectra, made, weighting=weighting, terms=Terms(free=free), seed=seed)
    when = np.arange(len(spectra), dtype=float) if time is None else np.asarray(time, dtype=float)
    ratio, spread, growth, score = {}, {}, {}, {}
    for arc in lines:
        picks = [fit.design.at(f"{arc.R}[{s}]") for s in range(len(spectra))]
        log = fit.theta[picks] - fit.theta[picks[0]]
        cov = fit.covariance[np.ix_(picks, picks)]
        sd = np.sqrt(np.maximum(np.diag(cov) + cov[0, 0] - 2 * cov[0], 0.0))
        ratio[arc.label], spread[arc.label] = np.exp(log), sd
        score[arc.label] = float(log[-1] / sd[-1]) if sd[-1] > 0 else 0.0
        growth[arc.label] = _growth(when, fit.theta[picks], cov, root=time is not None)
    return Stability(
        time=when, ratio=ratio, spread=spread, growth=growth, score=score, fit=fit
    )  # fmt: skip


def _growth(when: Floats, log: Floats, cov: Floats, *, root: bool) -> tuple[float, float]:
    """Slope of ln R against √t (or the order) by generalised least squares."""
    t = np.sqrt(when - when.min()) if root else when
    A = np.column_stack([np.ones_like(t), t])
    weight = np.linalg.pinv(cov, hermitian=True)
    inverse = np.linalg.pinv(A.T @ weight @ A, hermitian=True)
    return float((inverse @ A.T @ weight @ log)[1]), float(np.sqrt(inverse[1, 1]))
