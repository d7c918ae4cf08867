"""One circuit fitted to a whole series over temperature and pressure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from dualyte.circuit.elements import Circuit, R, blocks
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse, write
from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.eis.model import Weighting, refuse, scale, stack
from dualyte.measure.eis.result import Estimate, Fit, about_the_cell, told
from dualyte.measure.joint.ladder import LawTest, Series, describe, fit_alone
from dualyte.measure.joint.laws import Design, Terms, design
from dualyte.measure.joint.solve import Prior, Soft, Solution, solve
from dualyte.numerics.levenberg import Stack, inverse
from dualyte.vocabulary import ELECTRON, ROOM, WORDS, Floats, show

if TYPE_CHECKING:
    import xarray as xr

_POOR: Final = 3.0  # variance over that of the noise from which on a circuit is not believed
_WIDE: Final = 1.2  # ratio of the ends of a 90 % interval beyond which R is not identifiable


@dataclass(frozen=True, kw_only=True, eq=False)
class JointFit:
    """A circuit fitted to a series with laws of temperature and pressure."""

    spectra: tuple[Spectrum, ...]
    design: Design
    solution: Solution
    noise: float  #: variance of the weighted residuals when every spectrum is fitted alone
    smooth: float  #: the same by the Kramers–Kronig test, whatever the circuit
    tests: tuple[LawTest, ...]  #: laws tried, in order; the last is the one used
    weighting: Weighting
    data: Stack
    prior: Prior | None = None
    soft: Soft | None = None  #: widths of the laws, where no law held
    profiles: Mapping[str, tuple[float, float]]  #: 90 % interval of each R by profile, SI

    @property
    def theta(self) -> Floats:
        """(k,) fitted numbers; names are in `design.names`."""
        return self.solution.theta

    @property
    def dof(self) -> int:
        """Degrees of freedom."""
        return 2 * self.data.omega.size - len(self.design.names)

    @property
    def chi2_reduced(self) -> float:
        """χ² per degree of freedom, of relative residuals."""
        return self.solution.chi2 / self.dof

    @property
    def unit(self) -> float:
        """Noise variance that the covariance is scaled with; 1 or more where spreads are known."""
        return max(self.noise, 1.0) if self.weighting == "spread" else self.noise

    @property
    def temperature(self) -> float | None:
        """Temperature [K] that numbers are given at: 25 °C, or where all was measured."""
        return self.design.centre if np.isfinite(self.design.centre) else None

    @cached_property
    def covariance(self) -> Floats:
        """(k, k) of θ; zero rows where a number is at its bound."""
        low, high, theta = self.design.low, self.design.high, self.theta
        inside = np.flatnonzero((theta > low) & (theta < high))
        found = np.zeros((theta.size, theta.size))
        found[np.ix_(inside, inside)] = inverse(self.solution.hessian[np.ix_(inside, inside)])
        return found * self.unit

    def spread(self, name: str) -> float:
        """Standard deviation of a fitted number."""
        k = self.design.at(name)
        return float(np.sqrt(self.covariance[k, k]))

    def number(self, name: str) -> float:
        """A fitted number, transformed."""
        return float(self.theta[self.design.at(name)])

    @cached_property
    def reference(self) -> Floats:
        """(p, k) laws at `temperature` and the highest pressure."""
        rows = np.zeros(self.design.matrix.shape[1:])
        followers = {n: group for group in self.design.terms.tied for n in group}
        for k, name in enumerate(self.design.names):
            base = name.split("[")[0]
            if base in self.design.model.names:  # of what is free in each spectrum, the mean
                share = 1.0 if base == name else 1.0 / len(self.spectra)
                for each in followers.get(base, (base,)):
                    rows[self.design.model.names.index(each), k] = share
        return rows

    @cached_property
    def estimate(self) -> Estimate:
        """Circuit parameters at `temperature` and the highest pressure, with their covariance."""
        model, A = self.design.model, self.reference
        return Estimate(
            model=model,
            numbers=model.numbers(A @ self.theta),
            covariance=A @ self.covariance @ A.T,
            cell=self.spectra[0],
            where=f"{len(self.spectra)} spectra, {write(model.circuit)}",
        )

    @cached_property
    def values(self) -> dict[str, Value]:
        """Parameters at `temperature` and the highest pressure, activation energies, exponents.

        `Ea_he` is the activation energy of R_he, `m_he` the exponent of the contact, P^m.
        """
        found = dict(self.estimate.values)
        free = {name.split("[")[0] for name in self.design.names if "[" in name}
        for arc in self.estimate.arcs:  # nor what follows from them
            if free & {arc.R, arc.Q, arc.n, arc.C, arc.tau}:
                tag = f"_{arc.label}" if arc.label else ""
                free |= {f"C{tag}", f"f{tag}", f"sigma{tag}", "sigma_total"}
        found = {name: value for name, value in found.items() if name not in free}
        followers = {group[0]: group for group in self.design.terms.tied}
        plain = {b.R for b in self.estimate.arcs} | {
            name for b in blocks(self.design.model.circuit) if isinstance(b, R)
            for name in b.parameters
        }  # fmt: skip
        for name in self.design.names:
            if name.startswith("Ea_R"):
                of = name.removeprefix("Ea_")
                tag = of.removeprefix("R").removeprefix("k_") if of in plain else f"_{of}"
                tag = tag if tag.startswith("_") or not tag else f"_{tag}"
                found[f"Ea{tag}"] = self._value(name, "activation_energy", ELECTRON)
                for each in followers.get(of, ())[1:]:
                    found[f"Ea{each.removeprefix('R')}"] = found[f"Ea{tag}"]
            elif name.startswith("m_") and not self.design.terms.pressure:
                found[name] = self._value(name, "ratio", 1.0)
        return found

    def _value(self, name: str, quantity: str, unit: float) -> Value:
        return Value(
            quantity=quantity,
            si=self.number(name) * unit,
            spread=self.spread(name) * unit,
            kind="measured",
            source="user",
            where=f"joint fit of {len(self.spectra)} spectra",
        )

    def resistance(self, label: str) -> tuple[Floats, Floats]:
        """R of an arc in every spectrum by the laws, and the spread of ln R; (s,) each."""
        arc = next(arc for arc in self.estimate.arcs if arc.label == label)
        j = self.design.model.names.index(arc.R)
        rows = self.design.matrix[:, j]
        spread = np.sqrt(np.einsum("sk,kl,sl->s", rows, self.covariance, rows))
        return np.exp(rows @ self.theta), spread

    def contact(self, label: str) -> tuple[Floats, Floats, Floats]:
        """Pressure [Pa], contact over that at the highest, and its spread; (l,) each."""
        levels, names = self.design.levels, self.design.names
        log = np.log(levels / levels[0])
        for owner in (label, f"R_{label}" if label else "R"):  # of the contact, or of R alone
            if (name := f"m_{owner}") in names:
                f = np.exp(self.number(name) * log)
                return levels, f, f * np.abs(log) * self.spread(name)
            picks = [k for k, each in enumerate(names) if each.startswith(f"phi_{owner}[")]
            if picks:
                f = np.exp(np.concatenate([[0.0], self.theta[picks]]))
                sd = np.sqrt(np.concatenate([[0.0], np.diag(self.covariance)[picks]]))
                return levels, f, f * sd
        raise InputError(f"arc {label!r} does not follow the pressure in this fit")

    def to_dataset(self) -> xr.Dataset:
        """Return R of every arc in every spectrum as a Dataset, with the spread of ln R."""
        import xarray as xr

        word = "asr" if self.spectra[0].area is not None else "resistance"
        data = {}
        for arc in self.estimate.arcs:
            R, spread = self.resistance(arc.label)
            data[arc.R] = ("spectrum", R, {"units": WORDS[word].unit})
            data[f"{arc.R}_spread"] = ("spectrum", spread, {"units": "1"})
        coords = {
            "temperature": ("spectrum", self.design.temperature, {"units": "K"}),
            "pressure": ("spectrum", self.design.pressure, {"units": "Pa"}),
            "name": ("spectrum", [s.title for s in self.spectra]),
        }
        about: dict[str, float | str] = {"circuit": write(self.design.model.circuit)}
        for name, value in self.values.items():
            about |= {name: value.si, f"{name}_spread": value.spread}
        return xr.Dataset(data, coords=coords, attrs=about)

    @property
    def broken(self) -> bool:
        """Whether the hard laws (Arrhenius, constant n and Q, one contact) were refused."""
        return not self.tests[0].holds

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """What to know before using the numbers."""
        found = about_the_cell(self.spectra[0], self.estimate.arcs)
        found += self._about_the_laws() + self._about_identity()
        T = self.design.temperature
        if self._extrapolated:
            found.append(
                f"25 °C lies outside the measured {show('temperature', float(T.min()))} … "
                f"{show('temperature', float(T.max()))}: numbers at it are extrapolated"
            )
        if self.temperature is None:
            found.append("no temperature given: numbers are those of the measurement")
        elif not self.design.hot and abs(self.temperature - ROOM) > 1:
            found.append(f"numbers are those at {show('temperature', self.temperature)}, not 25 °C")
        return tuple(found)

    @property
    def _extrapolated(self) -> bool:
        T = self.design.temperature
        return self.design.hot and not T.min() - 1 <= ROOM <= T.max() + 1

    def _about_the_laws(self) -> list[str]:
        found = []
        if self.noise > _POOR * self.smooth:
            found = [
                f"fitted alone, the spectra keep residuals of {self.noise**0.5:.2%}, more than the "
                f"{self.smooth**0.5:.2%} of their noise: the circuit does not describe them"
            ]
        if not self.broken:
            return found
        first, last = self.tests[0], self.tests[-1]
        told = "the hard laws do" if str(first.terms) == "hard laws" else f"“{first.terms}” does"
        instead = f"; used instead: {last.terms}" if last is not first else ""
        found.append(
            f"{told} not describe the series (F = {first.F:.3g}, probability "
            f"{min(first.probability, first.drifts):.1g}){instead}"
        )
        if self.soft is not None:
            found.append(
                "no law tried describes the series: laws are priors with fitted widths, and the "
                "intervals hold the deviations"
            )
        return found

    def _about_identity(self) -> list[str]:
        found = [] if self.solution.converged else ["the joint fit did not converge"]
        single = self.design.levels.size < 2
        for name, (low, high) in self.profiles.items():
            if high > _WIDE * low and not self._extrapolated:
                why = (
                    "temperature alone: add a pressure series or a reference cell"
                    if single
                    else "this series: add a reference cell or more pressures"
                )
                found.append(
                    f"{name} is not identifiable from {why} (90 % interval spans a factor "
                    f"{high / low:.2g})"
                )
        seen = min(float(np.abs(s.z).min()) * scale(s) for s in self.spectra)
        found += [
            f"{name} vanishes beside the rest: the series does not tell it"
            for name, value in self.estimate.numbers.items()
            if name.startswith("R") and value < 1e-4 * seen
        ]
        edge = (self.theta <= self.design.low) | (self.theta >= self.design.high)
        found += [
            f"{name} lies at its bound: its spread is not known"
            for name in np.array(self.design.names)[edge]
        ]
        return found

    def __str__(self) -> str:
        head = f"joint fit of {len(self.spectra)} spectra: {write(self.design.model.circuit)}"
        last = f"χ²/dof {self.chi2_reduced:.3g}, noise {self.noise**0.5:.2%}"
        return told(head, self.values, last, self.flags)


def fit_joint(
    spectra: Sequence[Spectrum],
    circuit: Circuit | str,
    *,
    weighting: Weighting = "modulus",
    terms: Terms | None = None,
    known: Mapping[str, Value] | None = None,
    tied: Sequence[Sequence[str]] = (),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> JointFit:
    """Fit one circuit to a series over temperature, pressure or both.

    Parameters
    ----------
    spectra
        Each with a temperature, a pressure or both.
    circuit
        With arcs labelled, such as `R_0-p(R_bulk,CPE_bulk)-p(R_he,CPE_he)-CPE_tail`. The
        contact of arcs labelled he (hei, int, interface) follows the pressure; where no arc
        is labelled so, that of all does.
    weighting
        As for `fit_spectrum`.
    terms
        Laws beyond the hard ones. By default hard laws are tried first, and given up one
        after the other where an F test against every spectrum fitted alone refuses them.
    known
        Values from reference cells of a single electrolyte, by name (`R_bulk`, `n_gb`,
        `Ea_bulk` …), for the geometry of this cell: Gaussian knowledge with their spread.
    tied
        Groups of parameters that share value, activation energy and drift, such as
        `[("n_gb", "n_he")]`.
    seed
        Of the starts.
    progress
        Called with (stages done, all).

    Returns
    -------
    JointFit
        Values at 25 °C and the highest pressure; activation energies; the laws tried.

    Raises
    ------
    InputError
        If nothing varies, conditions are missing, or a spectrum has too few points.
    """
    made = parse(circuit) if isinstance(circuit, str) else circuit
    if len(spectra) < 2:
        raise InputError(f"{len(spectra)} spectrum is no series; a joint fit needs several")
    tell = progress or (lambda done, total: None)
    groups = tuple(map(tuple, tied))
    first = design(spectra, made, terms or Terms(tied=groups))
    for spectrum in spectra:
        if why := refuse(spectrum, first.model):
            raise InputError(why)
    same_cell(spectra)
    data = stack(spectra, weighting)
    series = Series(spectra=tuple(spectra), circuit=made, data=data, weighting=weighting,
                    alone=fit_alone(spectra, first, data, weighting), known=known or {},
                    seed=seed)  # fmt: skip
    tell(1, 3)
    series, found = describe(series, first, terms)
    tell(2, 3)
    result = JointFit(
        spectra=tuple(spectra), design=found.design, solution=found.solution,
        noise=series.alone.noise, smooth=series.alone.variance, tests=found.tests,
        weighting=weighting, data=data, prior=found.prior, soft=found.soft, profiles={},
    )  # fmt: skip
    ends = {arc.R: profile_joint(result, arc.R) for arc in result.estimate.arcs
            if arc.R in found.design.names}  # fmt: skip
    tell(3, 3)
    return replace(result, profiles=ends)


def same_cell(spectra: Sequence[Spectrum]) -> None:
    """Refuse spectra of different cells in one joint fit."""
    for name in ("area", "thickness", "interfaces"):
        seen = {getattr(s, name) for s in spectra}
        if len(seen) > 1:
            told = ", ".join("none" if v is None else f"{v:g}" for v in sorted(seen, key=str))
            raise InputError(
                f"the spectra have different {name} ({told} in SI); a joint fit is of one cell"
            )


def profile_joint(fit: JointFit, name: str, *, level: float = 0.9) -> tuple[float, float]:
    """Interval of a circuit parameter at 25 °C, all others fitted anew at each value of it.

    Parameters
    ----------
    fit
        What `fit_joint` found.
    name
        Such as `R_he`.
    level
        Of confidence.

    Returns
    -------
    (low, high)
        SI, in the convention of `JointFit.values`. Where laws are priors with fitted widths, the
        interval is that of the covariance.
    """
    from scipy.stats import chi2 as law

    made, k = fit.design, fit.design.at(name)
    centre, sd = float(fit.theta[k]), max(fit.spread(name), 1e-6)
    allowed = float(law.ppf(level, 1)) * fit.unit
    logged = made.model.logs[made.model.names.index(name)]
    share = fit.estimate.share(name, name[0])
    back: Callable[[float], float] = (
        (lambda v: float(np.exp(v)) * share) if logged else (lambda v: v * share)
    )
    if fit.soft is not None:
        reach = float(np.sqrt(law.ppf(level, 1))) * sd
        return back(centre - reach), back(centre + reach)
    ends = []
    for sign in (-1.0, 1.0):
        ends.append(_end(fit, k, centre, sign * sd * float(np.sqrt(law.ppf(level, 1))), allowed))
    return back(ends[0]), back(ends[1])


def _end(fit: JointFit, k: int, centre: float, step: float, allowed: float) -> float:
    """Where the profile of χ² crosses what is allowed, by secant from the quadratic guess."""
    start, base = fit.theta.copy(), fit.solution.chi2 + _prior_cost(fit, fit.theta)
    inside, outside, at = 0.0, np.inf, 1.0
    for _ in range(14):
        start[k] = centre + at * step
        found = solve(
            fit.design, fit.data, start, prior=fit.prior, unit=fit.unit, held=k, max_steps=40
        )
        start = found.theta.copy()
        ratio = (found.chi2 + _prior_cost(fit, found.theta) - base) / allowed
        if abs(ratio - 1) < 0.02:
            break
        if ratio < 1:
            inside = at
        else:
            outside = at
        guess = at / np.sqrt(max(ratio, 0.05))
        at = (
            guess
            if inside < guess < outside
            else (2 * at if not np.isfinite(outside) else (inside + outside) / 2)
        )
        if abs(at * step) > 8:
            break
    return centre + at * step


def _prior_cost(fit: JointFit, theta: Floats) -> float:
    return 0.0 if fit.prior is None else fit.prior.cost(theta, fit.unit)[0]


def reference_cell(
    fit: JointFit | Fit, labels: Sequence[str], *, thickness: float | None = None
) -> dict[str, Value]:
    """Values of a cell of a single electrolyte, as knowledge for a joint fit of a bilayer.

    Parameters
    ----------
    fit
        Of the reference cell; its area and thickness are those of its spectra.
    labels
        Arcs that the bilayer shares with it, such as `bulk` and `gb`.
    thickness
        Of that electrolyte in the bilayer [m]; without it, that of the reference cell.

    Returns
    -------
    dict
        R and Q for that thickness, n and Ea, for `fit_joint(…, known=…)`, per cell and at the
        temperature of the reference, which must be that of the numbers of the joint fit (25 °C,
        unless all was measured at another).

    Raises
    ------
    InputError
        If the reference has no such arc, or a thickness is asked for and it has none.
    """
    estimate = fit.estimate
    known = {arc.label: arc for arc in estimate.arcs}
    if strange := [label for label in labels if label not in known]:
        raise InputError(
            f"the reference cell has no arc {', '.join(strange)}; it has {', '.join(known)}"
        )
    factor = 1.0
    if thickness is not None:
        if estimate.cell.thickness is None:
            raise InputError("the reference cell has no thickness; give it one to scale from")
        factor = thickness / estimate.cell.thickness
    found: dict[str, Value] = {}
    at = fit.temperature if isinstance(fit, JointFit) else fit.spectrum.temperature
    where = "" if at is None else f", at {show('temperature', at)}"
    for label in labels:
        arc = known[label]
        for name, scaled in ((arc.R, factor), (arc.Q or arc.C, 1 / factor), (arc.n, 1.0)):
            if name:
                value = fit.values[name]
                found[name] = replace(
                    value, si=value.si * scaled, where=f"reference cell{where}: {value.where}"
                )
        if (energy := f"Ea_{label}") in fit.values:
            found[energy] = fit.values[energy]
    return found
