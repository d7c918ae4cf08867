"""What a fit found: numbers with spread, arcs with capacitance and frequency, and doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit.elements import Circuit, R, blocks, slots
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import write
from dualyte.material import Value
from dualyte.measure.eis.model import ArcNames, Model, Weighting, arc_names, scale
from dualyte.numerics.levenberg import CONVERGED, EXACT, inverse
from dualyte.vocabulary import Floats, show

if TYPE_CHECKING:
    import xarray as xr

INTERFACE: Final = frozenset({"he", "hei", "int", "interface"})  #: labels of the interface's arc
_WORDS: Final = {  # kind of parameter: word per area, word of a cell
    "R": ("asr", "resistance"),
    "C": ("capacitance", "cell_capacitance"),
    "Q": ("cpe_prefactor", "cell_cpe_prefactor"),
    "L": ("inductance", "cell_inductance"),
    "W": ("warburg", "cell_warburg"),
    "tau": ("relaxation_time", "relaxation_time"),
    "n": ("cpe_exponent", "cpe_exponent"),
}
_LOOSE: Final = 0.5  # spread of ln p beyond which a spectrum does not settle p
_NEAR: Final = 4.0  # ratio of peak frequencies below which two arcs overlap
_ENDLESS: Final = 100.0  # spread of a logarithm beyond which more says nothing
_READ: Final = 3.0  # factor between the frequencies of two readings of Q that is a contradiction
_POOR: Final = 0.05  # misfit over |Z| that a word is due about
_ROUNDING: Final = 1e-8  # misfit that is rounding of the data
_STRUCTURE: Final = 3.5  # standard deviations of the lag-one correlation of residuals


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """Parameters of a circuit with their covariance, and the cell that they belong to."""

    model: Model
    numbers: Mapping[str, float]  #: every parameter of the cell, SI
    covariance: Floats  #: (p, p) of the transformed parameters
    cell: Spectrum  #: area, thickness and interfaces
    where: str  #: file and circuit
    slowest: float = 0.0  #: Hz, lowest frequency measured; zero where numbers are extrapolated

    @cached_property
    def arcs(self) -> tuple[ArcNames, ...]:
        """The arcs of the circuit."""
        return tuple(arc_names(self.model.circuit))

    @cached_property
    def values(self) -> dict[str, Value]:
        """Every number with its spread: parameters, then C, f and σ of each arc.

        R_he, Q_he and C_he are per interface where `Spectrum.interfaces` says how many
        there are. C is that of Hsu & Mansfeld, so 1/(2πRC) is the frequency of the arc.
        """
        found = {name: self._value(name, kind) for name, _, _, kind in slots(self.model.circuit)}
        for arc in self.arcs:
            found |= self._arc(arc)
        found |= self._conductivities(found)
        return found

    def _value(self, name: str, kind: str) -> Value:
        k = self.model.names.index(name)
        spread = float(np.sqrt(max(self.covariance[k, k], 0.0)))
        share = self.share(name, kind)
        number = self.numbers[name] * share
        if not self.model.logs[k]:
            size = spread * share if kind != "n" else spread
            return self._made(_WORDS[kind], number, size, logarithmic=False)
        return self._made(_WORDS[kind], number, spread)

    def share(self, name: str, kind: str) -> float:
        """Factor from the cell to one interface."""
        if self.model.labels[name].lower() not in INTERFACE:
            return 1.0
        n = self.cell.interfaces
        return {"R": 1 / n, "W": 1 / n, "C": n, "Q": n}.get(kind, 1.0)

    def _made(
        self, words: tuple[str, str], number: float, spread: float, *, logarithmic: bool = True
    ) -> Value:
        return Value(
            quantity=words[self.cell.area is None],
            si=number,
            spread=min(spread, _ENDLESS),
            law="log-normal" if logarithmic else "normal",
            kind="measured",
            source="user",
            where=self.where,
        )

    def _arc(self, arc: ArcNames) -> dict[str, Value]:
        """C and f of an arc, by propagation of the covariance."""
        log_tau, by = self.time_constant(arc)
        tag = f"_{arc.label}" if arc.label else ""
        share = self.share(arc.R, "R")
        found = {}
        if not arc.C:
            slope = {**by, arc.R: by.get(arc.R, 0.0) - 1}
            C = np.exp(log_tau) / self.numbers[arc.R] / share
            found[f"C{tag}"] = self._made(_WORDS["C"], float(C), self._spread(slope))
        f = float(np.exp(-log_tau) / (2 * np.pi))
        found[f"f{tag}"] = self._made(("frequency", "frequency"), f, self._spread(by))
        return found

    def time_constant(self, arc: ArcNames) -> tuple[float, dict[str, float]]:
        """Return ln τ of an arc and its derivatives with respect to the transformed parameters."""
        if arc.tau:
            return float(np.log(self.numbers[arc.tau])), {arc.tau: 1.0}
        n = self.numbers[arc.n] if arc.n else 1.0
        logs = {name: np.log(self.numbers[name]) for name in (arc.R, arc.Q or arc.C)}
        log_tau = float(arc.log_tau(logs | {arc.n: n}))
        by = {arc.R: 1 / n, arc.Q or arc.C: 1 / n}
        return log_tau, by | ({arc.n: -log_tau / n} if arc.n else {})

    def _spread(self, slope: Mapping[str, float]) -> float:
        g = np.zeros(len(self.model.names))
        for name, s in slope.items():
            g[self.model.names.index(name)] = s
        return float(np.sqrt(max(float(g @ self.covariance @ g), 0.0)))

    @cached_property
    def passed(self) -> tuple[str, ...]:
        """Resistances of the electrolyte in series: of lone resistors and of arcs.

        Without those of the interface, and of arcs slower than all that was measured, which
        stand for a blocking electrode.
        """
        alone = [b for b in blocks(self.model.circuit) if isinstance(b, R)]
        names = {name for b in alone for name in b.parameters}
        for arc in self.arcs:
            if np.exp(-self.time_constant(arc)[0]) >= 2 * np.pi * self.slowest:
                names.add(arc.R)
        return tuple(
            name
            for name in self.model.names
            if name in names
            and self.numbers[name] > 0
            and self.model.labels[name].lower() not in INTERFACE
        )

    def _conductivities(self, found: Mapping[str, Value]) -> dict[str, Value]:
        """σ = d/R of every part of the electrolyte, and of all together."""
        thick = self.cell.thickness
        if thick is None or self.cell.area is None:
            return {}
        made, names = {}, self.passed
        for name in names:
            k = self.model.names.index(name)
            spread = found[name].spread / (1.0 if self.model.logs[k] else self.numbers[name])
            made[f"sigma{name[1:]}"] = self._sigma(thick / self.numbers[name], spread)
        if len(names) > 1:
            total = sum(self.numbers[name] for name in names)
            slope = {
                name: (self.numbers[name] if self._logged(name) else 1.0) / total for name in names
            }
            made["sigma_total"] = self._sigma(thick / total, self._spread(slope))
        return made

    def _logged(self, name: str) -> bool:
        return bool(self.model.logs[self.model.names.index(name)])

    def _sigma(self, number: float, spread: float) -> Value:
        return self._made(("conductivity", "conductivity"), number, spread)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A circuit fitted to one spectrum."""

    spectrum: Spectrum
    model: Model
    theta: Floats  #: (k,) free numbers, transformed
    chi2: float  #: weighted sum of squares
    hessian: Floats  #: (k, k) JᵀJ
    outcome: int  #: of numerics.levenberg
    steps: int
    structure: float  #: lag-one correlation of the residuals, in standard deviations of white noise
    weighting: Weighting

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Every parameter of the circuit as measured, SI (of the cell where no area is known)."""
        return self.model.numbers(self.theta)

    @cached_property
    def circuit(self) -> Circuit:
        """The circuit with the numbers found."""
        return self.model.filled(self.theta)

    @property
    def _smallest(self) -> float:
        """Smallest modulus of the spectrum, in the units of the numbers."""
        return float(np.abs(self.spectrum.kept.z).min()) * scale(self.spectrum)

    @property
    def converged(self) -> bool:
        """Whether the fit ended at a minimum."""
        return self.outcome == CONVERGED

    @property
    def dof(self) -> int:
        """Degrees of freedom: real and imaginary parts less free numbers."""
        return max(2 * int(self.spectrum.used.sum()) - len(self.model.free), 1)

    @property
    def chi2_reduced(self) -> float:
        """χ² per degree of freedom; of relative residuals, hence the square of the noise."""
        return self.chi2 / self.dof

    @cached_property
    def at_bound(self) -> tuple[str, ...]:
        """Free numbers that ended at the edge of their box."""
        low, high = self.model.layout.low, self.model.layout.high
        edge = (self.theta <= low) | (self.theta >= high)
        return tuple(np.array(self.model.free)[edge].tolist())

    @cached_property
    def covariance(self) -> Floats:
        """(k, k) of the free numbers; scaled by χ² unless weighted by a known spread.

        Numbers at a bound are held there: their rows are zero.
        """
        k = self.theta.size
        inside = np.array([name not in self.at_bound for name in self.model.free])
        found = np.zeros((k, k))
        found[np.ix_(inside, inside)] = inverse(self.hessian[np.ix_(inside, inside)])
        return found * self.unit

    @property
    def unit(self) -> float:
        """Noise variance of weighted residuals: what is left, or 1 where spreads are known."""
        return max(self.chi2_reduced, 1.0) if self.weighting == "spread" else self.chi2_reduced

    @cached_property
    def correlation(self) -> Floats:
        """(k, k) of the free numbers."""
        size = np.sqrt(np.maximum(np.diag(self.covariance), 1e-300))
        return np.asarray(self.covariance / np.outer(size, size))

    @property
    def z(self) -> npt.NDArray[np.complex128]:
        """(m,) impedance of the model at the frequencies of the spectrum, Ω."""
        z = self.circuit.impedance(self.spectrum.frequency) / scale(self.spectrum)
        return np.asarray(z, dtype=np.complex128)

    @property
    def residual(self) -> npt.NDArray[np.complex128]:
        """(m,) measured less model, over |Z|."""
        return np.asarray((self.spectrum.z - self.z) / np.abs(self.spectrum.z))

    def to_dataset(self) -> xr.Dataset:
        """Return measured and fitted impedance [Ω] as a Dataset; values are its attributes."""
        found = self.spectrum.to_dataset()
        unit = {"units": "ohm"}
        found["model_re"] = ("frequency", self.z.real, unit)
        found["model_im"] = ("frequency", self.z.imag, unit)
        for name, value in self.values.items():
            found.attrs |= {name: value.si, f"{name}_spread": value.spread}
        return found.assign_attrs(circuit=write(self.model.circuit), chi2_reduced=self.chi2_reduced)

    @property
    def aicc(self) -> float:
        """Akaike's information criterion, corrected for few points."""
        n, k = 2 * int(self.spectrum.used.sum()), len(self.model.free) + 1
        misfit = n * np.log(max(self.chi2 / n, EXACT))
        return float(misfit + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 1))

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        n, k = 2 * int(self.spectrum.used.sum()), len(self.model.free) + 1
        return float(n * np.log(max(self.chi2 / n, EXACT)) + k * np.log(n))

    @cached_property
    def estimate(self) -> Estimate:
        """Parameters with covariance, and what follows from them."""
        spectrum, owner = self.spectrum, self.model.layout.owner
        moves = np.zeros((owner.size, self.theta.size))
        moves[np.arange(owner.size)[owner >= 0], owner[owner >= 0]] = 1.0
        return Estimate(
            model=self.model,
            numbers=self.numbers,
            covariance=moves @ self.covariance @ moves.T,
            cell=spectrum,
            where=f"{spectrum.file or spectrum.title}, {write(self.model.circuit)}",
            slowest=float(spectrum.kept.frequency[-1]),
        )

    @property
    def values(self) -> dict[str, Value]:
        """Every number with its spread: parameters, then C, f and σ of each arc.

        R_he, Q_he and C_he are per interface where `Spectrum.interfaces` says how many
        there are. C is that of Hsu & Mansfeld, so 1/(2πRC) is the frequency of the arc.
        """
        return self.estimate.values

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """What to know before using the numbers."""
        return (*self._about_the_cell(), *self._about_the_fit(), *self.spectrum.changes)

    def _about_the_cell(self) -> list[str]:
        return about_the_cell(self.spectrum, self.estimate.arcs)

    def _about_the_fit(self) -> list[str]:
        found = []
        if not self.converged:
            found.append(f"not converged after {self.steps} steps; start closer or simplify")
        found += [f"{name} lies at its bound: its spread is not known" for name in self.at_bound]
        owner = self.model.layout.owner
        for k, name in enumerate(self.model.names):
            loose = float(np.sqrt(self.estimate.covariance[k, k]))
            if not self.model.logs[k]:  # the rest of Z hides a small series part by itself
                loose = loose / max(self.numbers[name], 0.01 * self._smallest)
            if owner[k] >= 0 and loose > _LOOSE:
                found.append(
                    f"{name} is not settled by this spectrum (relative spread {loose:.2g})"
                )
        misfit = self.chi2_reduced**0.5
        if self.weighting == "modulus" and misfit > _POOR:
            found.append(
                f"the circuit misses the data by {misfit:.0%} of |Z|: its numbers mean little"
            )
        if self.structure > _STRUCTURE and misfit > _ROUNDING:
            found.append(
                f"residuals are no white noise ({self.structure:.1f} standard deviations): the "
                "circuit leaves structure"
            )
        return found + about_the_arcs(self.estimate, self.spectrum)

    def __str__(self) -> str:
        head = f"{self.spectrum.title}: {write(self.model.circuit)}"
        last = f"χ²/dof {self.chi2_reduced:.3g}, {self.steps} steps"
        return told(head, self.values, last, self.flags)


def told(head: str, values: Mapping[str, Value], last: str, flags: Sequence[str]) -> str:
    """Values with their 90 % intervals, and flags, as text."""
    rows = [head]
    for name, value in values.items():
        low, high = (show(value.quantity, end, 3) for end in value.interval())
        rows.append(f"  {name}: {show(value.quantity, value.si)} ({low} … {high})")
    return "\n".join([*rows, f"  {last}", *(f"  - {flag}" for flag in flags)])


def about_the_cell(cell: Spectrum, lines: Sequence[ArcNames]) -> list[str]:
    """What area and interfaces mean for the numbers."""
    found = []
    if cell.area is None:
        found.append("no electrode area given: R is in ohm and C in F of the whole cell")
        if cell.thickness is not None:
            found.append("a conductivity needs the area beside the thickness")
    if any(arc.label.lower() in INTERFACE for arc in lines):
        n = cell.interfaces
        found.append(
            "per cell as measured: if two interfaces are in series, R_he halves and C_he "
            "doubles (--interfaces 2)"
            if n == 1
            else f"per interface, {n} in series: the cell has {n} times R_he and 1/{n} of C_he"
        )
    return found


def about_the_arcs(estimate: Estimate, spectrum: Spectrum) -> list[str]:
    """Arcs outside the measured range, and arcs that overlap."""
    found = []
    f = {
        arc.label: float(np.exp(-estimate.time_constant(arc)[0]) / (2 * np.pi))
        for arc in estimate.arcs
    }
    kept = spectrum.kept.frequency
    for label, peak in f.items():
        if not kept[-1] / 1.5 <= peak <= kept[0] * 1.5:
            found.append(
                f"arc {label} peaks at {show('frequency', peak, 3)}, outside the measured range"
            )
    for arc in estimate.arcs:
        if arc.label.lower() in INTERFACE and arc.Q:
            R, Q = (estimate.numbers[name] for name in (arc.R, arc.Q))
            if not 1 / _READ <= 2 * np.pi * R * Q * f[arc.label] <= _READ:
                found.append(
                    f"R_{arc.label} with Q_{arc.label} read as a capacitance would put the arc at "
                    f"{show('frequency', 1 / (2 * np.pi * R * Q), 2)}; it peaks at "
                    f"{show('frequency', f[arc.label], 2)}: quote C_{arc.label}, not Q"
                )
    order = sorted(f, key=lambda label: -f[label])
    for a, b in pairwise(order):
        if f[a] < _NEAR * f[b]:
            found.append(
                f"arcs {a} and {b} peak within a factor {f[a] / f[b]:.2g}: one spectrum hardly "
                "separates them; fit a series over temperature and pressure jointly"
            )
    return found
