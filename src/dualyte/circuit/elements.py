"""Circuits are expressions: `R(1) + (R(2, "gb") | Q(1e-3, 0.9, "gb"))`.

`+` is series, `|` is parallel. A circuit carries its own numbers, so a fit takes a guess
and returns the same expression with better ones; a number that is not known yet is nan.
To add an element, write one final class with its parameters as fields and `z` as formula,
and its derivatives in `numerics.network`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar, Final, Literal, cast, final

import numpy as np
import numpy.typing as npt

from dualyte import exact
from dualyte.errors import InputError
from dualyte.numerics import network

Complexes = npt.NDArray[np.complexfloating[Any, Any]]
Formula = Literal["hsu_mansfeld", "brug"]
UNSET: Final = float("nan")  #: a number still to be found


@dataclass(frozen=True, slots=True)
class Kind:
    """How a parameter of a circuit behaves, and in which units it is written."""

    text: str
    amplitude: int  #: exponent with which it scales when all impedances are doubled
    unit: str  #: as shown, per electrode area
    size: float  #: of that unit in SI
    plain: str  #: SI unit of a cell whose area is not known


KINDS: Final = {
    "R": Kind("resistance", 1, "ohm cm2", 1e-4, "ohm"),
    "C": Kind("capacitance", -1, "uF/cm2", 1e-2, "F"),
    "Q": Kind("prefactor of a constant-phase element", -1, "S s^n/cm2", 1e4, "S s^n"),
    "L": Kind("inductance", 1, "H cm2", 1e-4, "H"),
    "W": Kind("Warburg coefficient", 1, "ohm cm2/s^0.5", 1e-4, "ohm/s^0.5"),
    "tau": Kind("time constant", 0, "s", 1.0, "s"),
    "n": Kind("exponent of a constant-phase element", 0, "1", 1.0, "1"),
}


class Circuit(ABC):
    """Anything with an impedance."""

    name: str = ""

    @abstractmethod
    def z(self, s: npt.ArrayLike) -> Complexes:
        """Impedance [Ω m², or Ω] at complex frequency `s` = iω [rad/s], any shape."""

    def __add__(self, other: Circuit) -> Circuit:
        return Series(self, other)

    def __or__(self, other: Circuit) -> Circuit:
        return Parallel(self, other)

    def impedance(self, frequency: npt.ArrayLike) -> Complexes:
        """Impedance at `frequency` [Hz], any shape.

        >>> complex(R(2.0).impedance(50.0))
        (2+0j)
        """
        return self.z(2j * np.pi * np.asarray(frequency, dtype=np.float64))

    @property
    def parameters(self) -> dict[str, float]:
        """Every number under a readable name, SI.

        >>> (R(1.0) + (R(2.0, "gb") | Q(1e-3, 0.9, "gb"))).parameters
        {'R': 1.0, 'R_gb': 2.0, 'Q_gb': 0.001, 'n_gb': 0.9}
        """
        return {name: getattr(part, field) for name, part, field, _ in slots(self)}

    def at(self, **numbers: float) -> Circuit:
        """Return the same circuit with some numbers changed.

        >>> R(1.0, "bulk").at(R_bulk=3.0)
        R(R=3.0, name='bulk')
        """
        known = self.parameters
        for name in numbers:
            if name not in known:
                near = get_close_matches(name, known, n=3, cutoff=0.4) or list(known)
                raise InputError(
                    f"the circuit has no parameter {name!r}; best matches are {', '.join(near)}"
                )
        return filled(self, [float(numbers.get(name, old)) for name, old in known.items()])

    def derivatives(self, frequency: npt.ArrayLike) -> dict[str, Complexes]:
        """Exact ∂Z/∂(every parameter) at `frequency` [Hz], shape (m,) each."""
        f = np.atleast_1d(np.asarray(frequency, dtype=np.float64))
        numbers = np.array(list(self.parameters.values()))
        _, slopes = network.evaluate(program(self), numbers, 2 * np.pi * f)
        return dict(zip(self.parameters, slopes, strict=True))


class Element(Circuit, ABC):
    """One element: its fields are its parameters."""

    kinds: ClassVar[tuple[str, ...]]  #: of each parameter, in the order of the fields
    op: ClassVar[int]  #: opcode in `numerics.network`
    symbol: ClassVar[str]  #: in circuit strings

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([A-Za-z0-9]\w*)?", self.name, flags=re.A):
            raise InputError(
                f"{self.name!r} cannot name an element; use letters, digits and underscores, "
                'such as "gb"'
            )


def _power(s: npt.ArrayLike, n: float) -> Complexes:
    """Principal power of a complex frequency."""
    return cast("Complexes", np.exp(n * np.log(np.asarray(s, dtype=np.complex128))))


@final
@dataclass(frozen=True)
class R(Element):
    """Resistor, Z = R."""

    R: float = UNSET  #: Ω m²
    name: str = ""
    kinds = ("R",)
    op = network.R
    symbol = "R"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return cast("Complexes", self.R + 0 * np.asarray(s))


@final
@dataclass(frozen=True)
class C(Element):
    """Capacitor, Z = 1/(sC)."""

    C: float = UNSET  #: F/m²
    name: str = ""
    kinds = ("C",)
    op = network.C
    symbol = "C"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return cast("Complexes", 1 / (np.asarray(s) * self.C))


@final
@dataclass(frozen=True)
class L(Element):
    """Inductor, Z = sL: cables at high frequency."""

    L: float = UNSET  #: H m²
    name: str = ""
    kinds = ("L",)
    op = network.L
    symbol = "L"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return cast("Complexes", np.asarray(s) * self.L)


@final
@dataclass(frozen=True)
class Q(Element):
    """Constant-phase element, Z = 1/(Q sⁿ)."""

    Q: float = UNSET  #: S sⁿ/m²
    n: float = UNSET  #: in (0, 1]
    name: str = ""
    kinds = ("Q", "n")
    op = network.Q
    symbol = "CPE"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return 1 / (self.Q * _power(s, self.n))


@final
@dataclass(frozen=True)
class W(Element):
    """Warburg element of semi-infinite diffusion, Z = W √2/√s = W (1 − i)/√ω."""

    W: float = UNSET  #: Ω m²/√s
    name: str = ""
    kinds = ("W",)
    op = network.W
    symbol = "W"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return cast("Complexes", self.W * np.sqrt(2) / _power(s, 0.5))


@final
@dataclass(frozen=True)
class Ws(Element):
    """Diffusion through a layer to a sink ("short"), Z = R tanh√(sτ)/√(sτ)."""

    Rd: float = UNSET  #: Ω m²
    taud: float = UNSET  #: s
    name: str = ""
    kinds = ("R", "tau")
    op = network.WS
    symbol = "Ws"

    def z(self, s: npt.ArrayLike) -> Complexes:
        x = _power(np.asarray(s) * self.taud, 0.5)
        return cast("Complexes", self.Rd * np.tanh(x) / x)


@final
@dataclass(frozen=True)
class Wo(Element):
    """Diffusion into a layer with a closed end ("open"), Z = R coth√(sτ)/√(sτ)."""

    Rd: float = UNSET  #: Ω m²
    taud: float = UNSET  #: s
    name: str = ""
    kinds = ("R", "tau")
    op = network.WO
    symbol = "Wo"

    def z(self, s: npt.ArrayLike) -> Complexes:
        x = _power(np.asarray(s) * self.taud, 0.5)
        return self.Rd / (np.tanh(x) * x)


@final
@dataclass(frozen=True)
class ZARC(Element):
    """Depressed arc by its time constant, Z = R/(1 + (sτ)ⁿ)."""

    R: float = UNSET  #: Ω m²
    tau: float = UNSET  #: s
    n: float = UNSET  #: in (0, 1]
    name: str = ""
    kinds = ("R", "tau", "n")
    op = network.ZARC
    symbol = "Zarc"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return self.R / (1 + _power(np.asarray(s) * self.tau, self.n))


@final
@dataclass(frozen=True)
class K(Element):
    """Voigt element by its time constant, Z = R/(1 + sτ): one term of a Kramers–Kronig test."""

    Rk: float = UNSET  #: Ω m²
    tauk: float = UNSET  #: s
    name: str = ""
    kinds = ("R", "tau")
    op = network.K
    symbol = "K"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return self.Rk / (1 + np.asarray(s, dtype=np.complex128) * self.tauk)


@final
@dataclass(frozen=True)
class G(Element):
    """Gerischer element, diffusion with a reaction on the way, Z = R/√(1 + sτ)."""

    Rg: float = UNSET  #: Ω m²
    taug: float = UNSET  #: s
    name: str = ""
    kinds = ("R", "tau")
    op = network.G
    symbol = "G"

    def z(self, s: npt.ArrayLike) -> Complexes:
        return self.Rg / _power(1 + np.asarray(s) * self.taug, 0.5)


@final
@dataclass(frozen=True)
class TLM(Element):
    r"""Transmission line of a porous electrode with resistance in both rails.

    .. math:: Z = \frac{R_i R_e}{S}\left(1-\frac{2\tanh(\nu/2)}{\nu}\right)
              + \frac{S\coth\nu}{\nu},\quad \nu^2 = S\left(\frac1R + Q s^n\right),\; S = R_i+R_e

    Bisquert 2000, Phys. Chem. Chem. Phys. 2, 4185, doi:10.1039/b001708f. R may be infinite
    (blocking), R_e zero (a metal rail).
    """

    Rion: float = UNSET  #: Ω m², ionic rail
    Rel: float = UNSET  #: Ω m², electronic rail
    R: float = UNSET  #: Ω m², transfer between the rails
    Q: float = UNSET  #: S sⁿ/m², between the rails
    n: float = UNSET
    name: str = ""
    kinds = ("R", "R", "R", "Q", "n")
    op = network.TLM
    symbol = "TLM"

    def z(self, s: npt.ArrayLike) -> Complexes:
        total = self.Rion + self.Rel
        admittance = 1 / self.R + self.Q * _power(s, self.n)
        nu = _power(total * admittance, 0.5)
        rails = self.Rion * self.Rel / total
        return cast(
            "Complexes", rails * (1 - 2 * np.tanh(nu / 2) / nu) + total / (np.tanh(nu) * nu)
        )


@final
@dataclass(frozen=True)
class Series(Circuit):
    """`a + b`."""

    a: Circuit
    b: Circuit

    def z(self, s: npt.ArrayLike) -> Complexes:
        return cast("Complexes", self.a.z(s) + self.b.z(s))


@final
@dataclass(frozen=True)
class Parallel(Circuit):
    """`a | b`."""

    a: Circuit
    b: Circuit

    def z(self, s: npt.ArrayLike) -> Complexes:
        return cast("Complexes", 1 / (1 / self.a.z(s) + 1 / self.b.z(s)))


ELEMENTS: Final[tuple[type[Element], ...]] = (R, C, L, Q, W, Ws, Wo, ZARC, K, G, TLM)


def own(kind: type[Element]) -> tuple[str, ...]:
    """Names of the numbers of an element.

    >>> own(Ws)
    ('Rd', 'taud')
    """
    return tuple(x.name for x in fields(cast("Any", kind)) if x.name != "name")


def elements(circuit: Circuit) -> Iterator[Element]:
    """Every element, from left to right."""
    if isinstance(circuit, Series | Parallel):
        yield from elements(circuit.a)
        yield from elements(circuit.b)
    else:
        yield cast("Element", circuit)


def blocks(circuit: Circuit) -> list[Circuit]:
    """Parts in series at the top level, from left to right.

    >>> len(blocks(R(1.0) + (R(2.0) | C(1e-6)) + Q(1e-5, 0.9)))
    3
    """
    if isinstance(circuit, Series):
        return blocks(circuit.a) + blocks(circuit.b)
    return [circuit]


def slots(circuit: Circuit) -> list[tuple[str, Element, str, str]]:
    """Name, element, field and kind of every parameter, in order."""
    found: list[tuple[str, Element, str, str]] = []
    for part in elements(circuit):
        tag = f"_{part.name}" if part.name else ""
        found += [
            (field + tag, part, field, kind)
            for field, kind in zip(own(type(part)), part.kinds, strict=True)
        ]
    seen = [name for name, *_ in found]
    if twice := sorted({name for name in seen if seen.count(name) > 1}):
        raise InputError(
            f"two elements are both called {', '.join(twice)}; label them apart, "
            'as in R(2, "gb") or R_gb'
        )
    return found


def kinds(circuit: Circuit) -> dict[str, Kind]:
    """Kind of every parameter by its name."""
    return {name: KINDS[kind] for name, _, _, kind in slots(circuit)}


def filled(circuit: Circuit, numbers: list[float]) -> Circuit:
    """Return the circuit with the numbers of all its parameters replaced, in order."""
    rest = list(numbers)

    def fill(part: Circuit) -> Circuit:
        if isinstance(part, Series | Parallel):
            return type(part)(fill(part.a), fill(part.b))
        numbers = {x: rest.pop(0) for x in own(type(cast("Element", part)))}
        return cast("Circuit", replace(cast("Any", part), **numbers))

    return fill(circuit)


_ARCS: Final = {(R, Q): network.RQ, (Q, R): network.QR}


def program(circuit: Circuit) -> network.Program:
    """Flatten the expression for the numerical kernel."""
    rows: list[tuple[int, int, int, int]] = []

    def add(part: Circuit, first: int) -> int:
        if isinstance(part, Parallel) and (fused := _ARCS.get((type(part.a), type(part.b)))):
            rows.append((fused, first, first + 3, first + 3))
            return first + 3
        if isinstance(part, Series | Parallel):
            middle = add(part.a, first)
            last = add(part.b, middle)
            code = network.SERIES if isinstance(part, Series) else network.PARALLEL
            rows.append((code, first, middle, last))
            return last
        last = first + len(cast("Element", part).kinds)
        rows.append((cast("Element", part).op, first, last, last))
        return last

    add(circuit, 0)
    return np.array(rows, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """One arc of a circuit: a resistance with a capacitance across it."""

    name: str  #: label of the resistance, else of the capacitance
    R: float  #: Ω m²
    Q: float  #: S sⁿ/m²; a capacitance [F/m²] where n is 1
    n: float
    series: float  #: Ω m², the other resistances of the circuit that do not stand in an arc

    @property
    def frequency(self) -> float:
        """Frequency at the top of the arc [Hz], as if it stood alone."""
        return float(exact.peak_frequency(self.R, self.Q, self.n))

    @property
    def tau(self) -> float:
        """Time constant (RQ)^{1/n} [s], which orders arcs."""
        return 1 / (2 * np.pi * self.frequency)

    def capacitance(self, formula: Formula = "hsu_mansfeld") -> float:
        """Capacitance [F/m²] by a named formula of `dualyte.exact`.

        `hsu_mansfeld` makes RC the time constant, as `peak_capacitance` of the frequency
        does; `brug` needs a circuit with a series resistance.
        """
        if formula == "hsu_mansfeld":
            return float(exact.hsu_mansfeld(self.Q, self.n, self.R))
        if formula != "brug":
            raise InputError(f"capacitance formula {formula!r} is none of hsu_mansfeld, brug")
        if not self.series > 0:
            raise InputError(
                f"the formula of Brug needs a resistance in series with arc {self.name!r}, and "
                "the circuit has none; add one such as R_0, or use hsu_mansfeld"
            )
        return float(exact.brug(self.Q, self.n, self.series, self.R))


def arcs(circuit: Circuit) -> list[Arc]:
    """Every arc, from left to right.

    An arc is a resistance parallel to a capacitance or a constant-phase element, with or
    without diffusion behind the resistance, or a Zarc or K element.

    Parameters
    ----------
    circuit
        A circuit whose numbers are known.

    Examples
    --------
    >>> found = arcs(R(1.0) + (R(2.0, "gb") | Q(1e-3, 0.9, "gb")) + Q(0.1, 0.8, "tail"))
    >>> [(arc.name, round(arc.frequency, 1), round(arc.capacitance(), 6)) for arc in found]
    [('gb', 158.7, 0.000501)]
    >>> round(found[0].capacitance("brug"), 6)
    0.000444
    """
    series = float(sum(part.R for part in blocks(circuit) if isinstance(part, R)))
    found: list[Arc] = []

    def add(name: str, R: float, Q: float, n: float = 1.0) -> None:
        found.append(Arc(name=name, R=R, Q=Q, n=n, series=series))

    def search(part: Circuit) -> None:
        if isinstance(part, ZARC):
            add(part.name, part.R, part.tau**part.n / part.R, part.n)
        elif isinstance(part, K):
            add(part.name, part.Rk, part.tauk / part.Rk)
        elif isinstance(part, Parallel):
            for across, branch in ((part.a, part.b), (part.b, part.a)):
                path = [x for x in blocks(branch) if isinstance(x, R)]
                if isinstance(across, C | Q) and len(path) == 1:
                    name = path[0].name or across.name
                    Q_or_C, n = (across.Q, across.n) if isinstance(across, Q) else (across.C, 1.0)
                    add(name, path[0].R, Q_or_C, n)
        if isinstance(part, Series | Parallel):
            search(part.a)
            search(part.b)

    search(circuit)
    return found
