"""A circuit as a fit sees it: which numbers are free, in which form, within which bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.circuit.elements import (
    ZARC,
    Circuit,
    K,
    L,
    Parallel,
    R,
    blocks,
    elements,
    filled,
    program,
    slots,
)
from dualyte.circuit.spectrum import Spectrum
from dualyte.errors import InputError
from dualyte.numerics.levenberg import Layout, Stack
from dualyte.numerics.network import Program
from dualyte.vocabulary import Floats

Weighting = Literal["modulus", "parts", "unit", "spread"]
N_LOW: Final = 0.2  # an exponent below it is no constant-phase element people would publish
_RANK: Final = {"bulk": 0, "gb": 1, "he": 2, "hei": 2, "int": 2, "interface": 2}
_WIDE: Final = 80.0  # |ln p| beyond which a parameter has run away


@dataclass(frozen=True, slots=True)
class ArcNames:
    """Names of the parameters of one arc, R parallel to a capacitive element."""

    label: str
    R: str
    Q: str = ""  #: of a constant-phase element
    n: str = ""
    C: str = ""  #: of a capacitor
    tau: str = ""  #: of a ZARC

    def log_tau(self, x: Mapping[str, Any]) -> Any:  # noqa: ANN401 (floats or arrays)
        """Return ln τ from ln R, ln Q or ln C and n, or ln τ itself, by their names."""
        if self.tau:
            return x[self.tau]
        return (x[self.R] + x[self.Q or self.C]) / (x[self.n] if self.n else 1.0)


def arc_names(circuit: Circuit) -> list[ArcNames]:
    """Every arc in series at the top level, in the order written.

    >>> from dualyte.circuit.strings import parse
    >>> [arc.label for arc in arc_names(parse("R_0-p(R_gb,CPE_gb)-p(R_he,CPE_he)-CPE_tail"))]
    ['gb', 'he']
    """
    found = []
    for block in blocks(circuit):
        if isinstance(block, ZARC | K):
            by = {kind: name for name, _, _, kind in slots(block)}
            found.append(ArcNames(block.name, by["R"], n=by.get("n", ""), tau=by["tau"]))
        if not isinstance(block, Parallel):
            continue
        parts = list(elements(block))
        kinds = sorted(type(part).__name__ for part in parts)
        if kinds not in (["Q", "R"], ["C", "R"]):
            continue
        names = {kind: name for name, _, _, kind in slots(block)}
        label = next(part.name for part in parts if isinstance(part, R))
        found.append(
            ArcNames(label, names["R"], names.get("Q", ""), names.get("n", ""), names.get("C", ""))
        )
    return found


@dataclass(frozen=True, slots=False, kw_only=True, eq=False)
class Model:
    """A circuit, what is fixed or tied in it, and the bounds of the rest.

    Raises
    ------
    InputError
        If a name is no parameter of the circuit, or a fixed value is impossible.
    """

    circuit: Circuit
    fixed: Mapping[str, float] = field(default_factory=dict)  #: name: SI value
    tied: Sequence[tuple[str, ...]] = ()  #: groups of names that share one value
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)  #: SI
    precedence: tuple[str, ...] = ()  #: labels of arcs from fast to slow, where they are known
    logarithmic: bool = False  #: also series R and L (for laws that are linear in ln R)

    def __post_init__(self) -> None:
        self._known()
        self._groups()
        for name, value in self.fixed.items():
            self._possible(name, value, "be fixed at")
        for name, (low, high) in self.bounds.items():
            self._possible(name, high, "reach")
            if not 0 <= low < high:
                raise InputError(
                    f"{name} cannot lie between {low:g} and {high:g}; give the lower bound first, "
                    "zero or more"
                )
        if not self.free:
            raise InputError("every parameter of the circuit is fixed; leave one free")

    def _known(self) -> None:
        asked = {*self.fixed, *self.bounds, *(name for group in self.tied for name in group)}
        known = self.circuit.parameters
        if strange := sorted(asked - set(known)):
            raise InputError(
                f"the circuit has no parameter {', '.join(strange)}; it has {', '.join(known)}"
            )

    def _groups(self) -> None:
        """Refuse ties that have no meaning."""
        seen: set[str] = set()
        for group in self.tied:
            if len({self._kinds[name] for name in group}) > 1:
                raise InputError(
                    f"{', '.join(group)} are of different kinds and cannot share one value"
                )
            if twice := seen & set(group):
                raise InputError(f"{', '.join(sorted(twice))} is tied twice; make one group of it")
            seen |= set(group)
            for what, given in (("fixed", self.fixed), ("bounded", self.bounds)):
                if len({given[name] for name in group if name in given}) > 1:
                    raise InputError(f"{', '.join(group)} are tied but {what} apart")

    def _possible(self, name: str, value: float, told: str) -> None:
        most = 1.0 if self._kinds[name] == "n" else np.inf
        if not 0 <= value <= most or np.isinf(value) or (value == 0 and self._log(name)):
            wanted = "a number from 0 to 1" if most == 1 else "a positive number"
            raise InputError(f"{name} cannot {told} {value:g}; give {wanted}")

    @cached_property
    def arcs(self) -> list[ArcNames]:
        """Arcs from fast to slow: as `precedence` says, by what labels mean, or as written."""
        lines = arc_names(self.circuit)
        rank = {label: k for k, label in enumerate(self.precedence)} or _RANK
        if any(arc.label.lower() not in rank and arc.label not in rank for arc in lines):
            return lines
        return sorted(lines, key=lambda arc: rank.get(arc.label, rank.get(arc.label.lower(), 0)))

    @cached_property
    def labels(self) -> dict[str, str]:
        """Label of the element that each parameter belongs to."""
        return {name: part.name for name, part, _, _ in slots(self.circuit)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(p,) parameters of the circuit in order."""
        return tuple(self.circuit.parameters)

    @cached_property
    def series(self) -> frozenset[str]:
        """Parameters that simply add to Z: they may be zero, so they are fitted as they are."""
        if self.logarithmic:
            return frozenset()
        alone = [b for b in blocks(self.circuit) if isinstance(b, R | L)]
        linear = {name for b in alone for name in b.parameters}
        split = [set(group) for group in self.tied if not linear.issuperset(group)]
        return frozenset(linear.difference(*split))  # a group is of one form

    def _log(self, name: str) -> bool:
        return self._kinds[name] != "n" and name not in self.series

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {name: kind for name, _, _, kind in slots(self.circuit)}

    @cached_property
    def logs(self) -> npt.NDArray[np.bool_]:
        """(p,) whether a parameter is fitted as its logarithm."""
        return np.array([self._log(name) for name in self.names])

    @cached_property
    def leader(self) -> dict[str, str]:
        """First name of the group that each parameter is tied in."""
        return {name: group[0] for group in self.tied for name in group}

    @cached_property
    def free(self) -> tuple[str, ...]:
        """(k,) parameters that a fit moves, one for each tied group."""
        firsts = dict.fromkeys(self.leader.get(name, name) for name in self.names)
        return tuple(name for name in firsts if name not in self._held)

    @cached_property
    def _held(self) -> dict[str, float]:
        """Fixed values by the leader of each group."""
        return {self.leader.get(name, name): value for name, value in self.fixed.items()}

    @cached_property
    def program(self) -> Program:
        """The circuit for the kernel."""
        return program(self.circuit)

    @cached_property
    def layout(self) -> Layout:
        """How the kernel sees it."""
        where = {name: k for k, name in enumerate(self.free)}
        owner = [where.get(self.leader.get(name, name), -1) for name in self.names]
        offset = [
            float(self.to_x({name: self._held[self.leader.get(name, name)]})[0]) if k < 0 else 0.0
            for name, k in zip(self.names, owner, strict=True)
        ]
        boxes = np.array([self._box(name) for name in self.free])
        low, high = (np.ascontiguousarray(edge) for edge in boxes.T)  # one type for the kernel
        return Layout(
            program=self.program,
            logs=self.logs,
            owner=np.array(owner, dtype=np.int64),
            offset=np.array(offset),
            low=low,
            high=high,
        )

    def _box(self, name: str) -> tuple[float, float]:
        group = next((group for group in self.tied if name in group), (name,))
        for each in group:
            if each in self.bounds:
                low, high = (float(self.to_x({name: end})[0]) for end in self.bounds[each])
                return max(low, -_WIDE) if self._log(name) else low, high
        if self._log(name):
            return -_WIDE, _WIDE
        return (0.0, np.inf) if name in self.series else (N_LOW, 1.0)

    def to_x(self, numbers: Mapping[str, float]) -> Floats:
        """Transform SI numbers of the parameters named."""
        with np.errstate(divide="ignore"):
            return np.array(
                [np.log(v) if self._log(name) else v for name, v in numbers.items()], dtype=float
            )

    def expand(self, theta: Floats) -> Floats:
        """Parameters x (..., p) from free numbers (..., k)."""
        layout = self.layout
        taken = np.where(layout.owner >= 0, theta[..., layout.owner], 0.0)
        return np.asarray(taken + layout.offset)

    def numbers(self, theta: Floats) -> dict[str, float]:
        """SI numbers of all parameters."""
        x = self.expand(theta)
        p = np.where(self.logs, np.exp(np.where(self.logs, x, 0.0)), x)
        return dict(zip(self.names, p.tolist(), strict=True))

    def filled(self, theta: Floats) -> Circuit:
        """The circuit with these numbers."""
        return filled(self.circuit, list(self.numbers(theta).values()))

    def theta(self, numbers: Mapping[str, float]) -> Floats:
        """(k,) free numbers from SI numbers, clipped into the box."""
        x = self.to_x({name: numbers[name] for name in self.free})
        return np.clip(x, self.layout.low, self.layout.high)


def precedence(circuit: Circuit) -> tuple[str, ...]:
    """Labels of arcs from fast to slow by the numbers of the circuit, if it has all."""
    numbers = circuit.parameters
    lines = arc_names(circuit)
    if len(lines) < 2 or not all(np.isfinite(v) and v > 0 for v in numbers.values()):
        return ()
    x = {k: v if k.startswith("n") else float(np.log(v)) for k, v in numbers.items()}
    return tuple(arc.label for arc in sorted(lines, key=lambda arc: float(arc.log_tau(x))))


def scale(spectrum: Spectrum) -> float:
    """What an impedance [Ω] is multiplied by: the area [m²], or 1 where it is not known."""
    return 1.0 if spectrum.area is None else spectrum.area


def weights(spectrum: Spectrum, weighting: Weighting) -> npt.NDArray[np.complex128]:
    """Weights of real and imaginary residuals (m,), relative except for `spread`."""
    z = spectrum.z * scale(spectrum)
    if weighting == "modulus":
        return np.asarray((1 + 1j) / np.abs(z))
    if weighting == "parts":  # a part near zero would count without limit
        floor = 1e-3 * np.abs(z)
        return np.asarray(
            1 / np.maximum(np.abs(z.real), floor) + 1j / np.maximum(np.abs(z.imag), floor)
        )
    if weighting == "unit":
        return np.full(z.size, (1 + 1j) / float(np.median(np.abs(z))))
    if weighting == "spread":
        if spectrum.spread is None or not (spectrum.spread > 0).all():
            raise InputError(
                f"{spectrum.title}: weighting by spread needs the spread of every point; "
                "average replicates first, or weight by modulus"
            )
        return np.asarray((1 + 1j) / (spectrum.spread * scale(spectrum)))
    raise InputError(f"weighting {weighting!r} is none of modulus, parts, unit, spread")


def stack(spectra: Sequence[Spectrum], weighting: Weighting) -> Stack:
    """Spectra (their kept points) one after the other for the kernel."""
    kept = [s.kept for s in spectra]
    count = np.array([s.frequency.size for s in kept], dtype=np.int64)
    return Stack(
        omega=np.concatenate([s.omega for s in kept]),
        z=np.concatenate([s.z * scale(s) for s in kept]),
        weight=np.concatenate([weights(s, weighting) for s in kept]),
        first=np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64),
        count=count,
    )


def refuse(spectrum: Spectrum, model: Model, weighting: Weighting = "modulus") -> str:
    """Why a spectrum cannot be fitted with a model, or nothing."""
    try:
        weights(spectrum.kept, weighting)
    except InputError as error:
        return str(error)
    kept = spectrum.kept
    distinct = np.unique(kept.frequency).size
    if 2 * distinct <= len(model.free):
        return (
            f"{spectrum.title}: {distinct} distinct frequencies cannot settle "
            f"{len(model.free)} parameters; measure more points or fix some"
        )
    if (np.abs(kept.z) == 0).any():
        return f"{spectrum.title}: an impedance is exactly zero; mask that point"
    return ""
