r"""Layers and electrodes around an interface, each with its arc.

The garnet has two arcs. In its grains the time constant is that of the material,
τ = ε₀ε_r/σ, whatever the thickness; the boundaries between grains are thin layers of their
own conductivity and have τ = ε₀ε_r/σ_gb in the same way (brick layers), while their share of
the resistance is a separate number. An arc is R parallel to a constant-phase element, and its
Q follows from R and the frequency at 25 °C:

.. math:: Q = \frac{1}{R\,(2\pi\nu)^n}, \qquad \nu = \frac{\sigma}{2\pi\varepsilon_0\varepsilon_r}

so R, Q and ν cannot contradict each other. Q and n stay when the temperature moves; R moves
by its activation energy E, and the frequency then by E/n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.exact import peak_frequency
from dualyte.interface.transport import arrhenius
from dualyte.material import Material, Value, material
from dualyte.vocabulary import Floats, checked, show

Complexes = npt.NDArray[np.complex128]
VACUUM: Final = 8.8541878128e-12  #: F/m


def prior(quantity: str, low: float, high: float, where: str, *, log: bool = False) -> Value:
    """Make a range of kind `assumed` for what no source states."""
    return Value(
        quantity=quantity,
        si=float(np.sqrt(low * high)) if log else (low + high) / 2,
        low=low,
        high=high,
        law="log-uniform" if log else "uniform",
        kind="assumed",
        source="dualyte_prior",
        where=where,
    )


def given(quantity: str, number: Value | float, where: str) -> Value:
    """Return a `Value` as it is, and a plain SI number as one that the user gave."""
    if isinstance(number, Value):
        return number
    checked(quantity, number)
    return Value(
        quantity=quantity, si=float(number), kind="assumed", source="user", where=where
    )  # fmt: skip


HARD_THICKNESS: Final = prior(
    "length", 0.5e-3, 1.5e-3, "garnet pellets of laboratory cells; not in the main text", log=True
)
SOFT_THICKNESS: Final = prior(
    "length", 0.2e-3, 0.6e-3, "pressed layers of laboratory cells; not in the main text", log=True
)
SOFT_PERMITTIVITY: Final = prior(
    "permittivity", 5.0, 50.0, "span of ionic glasses and crystals; its arc is beyond 7 MHz",
    log=True,
)  # fmt: skip
TAIL: Final = prior(
    "capacitance", 3e-2, 3e-1, "Q of a blocking electrode, S sⁿ/m²: span of double layers on "
    "metal and carbon", log=True,
)  # fmt: skip
TAIL_EXPONENT: Final = prior("cpe_exponent", 0.85, 0.95, "n of a blocking electrode")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arc:
    """R parallel to a constant-phase element; numbers or arrays of samples, per area."""

    resistance: Floats  #: (...,) Ω m²
    Q: Floats  #: (...,) S sⁿ/m²
    n: Floats  #: (...,)

    @property
    def frequency(self) -> Floats:
        """Hz, at the top of the arc, (...,)."""
        return peak_frequency(self.resistance, self.Q, self.n)

    def impedance(self, s: Complexes) -> Complexes:
        """Impedance [Ω m²] at s = iω [rad/s] (m,), shape (..., m)."""
        R, Q, n = (np.asarray(x)[..., None] for x in (self.resistance, self.Q, self.n))
        return np.asarray(R / (1 + R * Q * s**n))


def arc(R: Any, Ea: Any, frequency: Any, n: Any, temperature: float) -> Arc:  # noqa: ANN401 (floats or arrays)
    """Arc of resistance R [Ω m²] and frequency [Hz] at 25 °C, at another temperature [K]."""
    Q = 1 / (np.asarray(R) * (2 * np.pi * np.asarray(frequency)) ** np.asarray(n))
    return Arc(resistance=arrhenius(R, Ea, temperature), Q=Q, n=np.asarray(n, dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class HardLayer:
    """A polycrystalline layer: grains and the boundaries between them in series."""

    name: str
    thickness: Value  #: m
    conductivity: Value  #: S/m, total, at 25 °C
    gb_resistance_share: Value  #: of the total resistance at 25 °C, from 0 to 1
    permittivity: Value
    bulk_exponent: Value  #: n of the arc of the grains
    bulk_activation_energy: Value  #: J
    gb_conductivity: Value  #: S/m, of the boundary itself, at 25 °C
    gb_permittivity: Value
    gb_exponent: Value
    gb_activation_energy: Value  #: J

    def __post_init__(self) -> None:
        share = self.gb_resistance_share.si
        if not 0 <= share < 1:
            raise InputError(
                f"{self.name}: grain boundaries are given {share:g} of the resistance; it is a "
                "share from 0 to below 1"
            )

    @classmethod
    def of(cls, stuff: Material, thickness: Value | float | None = None) -> HardLayer:
        """Layer of a material; what its file lacks is taken over from LLZTO as assumed."""
        names = [x for x in cls.__dataclass_fields__ if x not in {"name", "thickness"}]
        d = HARD_THICKNESS if thickness is None else given("length", thickness, "hard thickness")
        return cls(name=stuff.name, thickness=d, **{x: _or_garnet(stuff, x) for x in names})

    def arcs(self, temperature: float, **x: Any) -> dict[str, Arc]:  # noqa: ANN401 (floats or arrays)
        """Arcs `bulk` and `gb` at a temperature [K]; `x` replaces numbers of the fields (SI)."""
        at = _numbers(self, x)
        total = at["thickness"] / at["conductivity"]
        share = at["gb_resistance_share"]
        # grains conduct better than the whole, since the boundaries take their share
        grains = at["conductivity"] / (1 - share)
        return {
            "bulk": arc(
                total * (1 - share),
                at["bulk_activation_energy"],
                relaxation(grains, at["permittivity"]),
                at["bulk_exponent"],
                temperature,
            ),
            "gb": arc(
                total * np.maximum(share, 1e-12),  # an arc of no size keeps its frequency
                at["gb_activation_energy"],
                relaxation(at["gb_conductivity"], at["gb_permittivity"]),
                at["gb_exponent"],
                temperature,
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftLayer:
    """A glass or pressed powder with one arc, beyond the reach of the instrument."""

    name: str
    thickness: Value  #: m
    conductivity: Value  #: S/m at 25 °C
    activation_energy: Value  #: J
    permittivity: Value

    @classmethod
    def of(cls, stuff: Material, thickness: Value | float | None = None) -> SoftLayer:
        """Layer of a material; an unknown permittivity is an assumed range."""
        known = "permittivity" in stuff
        return cls(
            name=stuff.name,
            thickness=SOFT_THICKNESS
            if thickness is None
            else given("length", thickness, "soft thickness"),
            conductivity=stuff["conductivity"],
            activation_energy=stuff["activation_energy"],
            permittivity=stuff["permittivity"] if known else SOFT_PERMITTIVITY,
        )

    def arc(self, temperature: float, **x: Any) -> Arc:  # noqa: ANN401 (floats or arrays)
        """Arc of the layer at a temperature [K]; `x` replaces numbers of the fields (SI)."""
        at = _numbers(self, x)
        frequency = relaxation(at["conductivity"], at["permittivity"])
        R = at["thickness"] / at["conductivity"]
        return arc(R, at["activation_energy"], frequency, 1.0, temperature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Electrode:
    """Contact to the outside: a blocking tail (Q, n), a resistance, or both in parallel."""

    resistance: Value | None = None  #: Ω m² at 25 °C; none blocks ions
    activation_energy: Value | None = None  #: J, of the resistance
    Q: Value | None = None  #: S sⁿ/m²
    n: Value | None = None
    name: str = "tail"  #: label in the circuit

    def __post_init__(self) -> None:
        if self.resistance is None and self.Q is None:
            raise InputError(
                f"electrode {self.name!r} has neither a resistance nor a Q; blocking() makes one "
                "that blocks ions"
            )
        if (self.Q is None) != (self.n is None):
            raise InputError(f"electrode {self.name!r}: Q and n belong together; give both")
        if self.resistance is not None and self.resistance.si <= 0:
            told = show("asr", self.resistance.si)
            raise InputError(f"electrode {self.name!r}: its resistance {told} must be positive")

    def numbers(self, temperature: float, **x: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 (floats or arrays)
        """Resistance [Ω m²] (infinite if it blocks), Q [S sⁿ/m²] (0 if none) and n."""
        at = _numbers(self, x)
        R: Any = np.inf
        if "resistance" in at:
            R = arrhenius(at["resistance"], at.get("activation_energy", 0.0), temperature)
        return R, at.get("Q", 0.0), at.get("n", 1.0)

    def impedance(self, s: Complexes, temperature: float, **x: Any) -> Complexes:  # noqa: ANN401 (floats or arrays)
        """Impedance [Ω m²] at s = iω [rad/s] (m,), shape (..., m)."""
        R, Q, n = (np.asarray(y)[..., None] for y in self.numbers(temperature, **x))
        return np.asarray(1 / (1 / R + Q * s**n))


def blocking() -> Electrode:
    """Electrode that blocks ions, with an assumed range of Q and n.

    >>> blocking().Q.kind
    'assumed'
    """
    return Electrode(Q=TAIL, n=TAIL_EXPONENT)


def relaxation(conductivity: npt.ArrayLike, permittivity: npt.ArrayLike) -> Floats:
    """Frequency σ/(2πε₀ε_r) [Hz] at which conduction and displacement are equal.

    >>> round(float(relaxation(0.08, 60.0)) / 1e6, 1)
    24.0
    """
    return np.asarray(np.asarray(conductivity) / (2 * np.pi * VACUUM * np.asarray(permittivity)))


def fields_of(part: HardLayer | SoftLayer | Electrode) -> dict[str, Value]:
    """Values of a part by the names of its fields."""
    names = type(part).__dataclass_fields__
    return {x: v for x in names if isinstance(v := getattr(part, x), Value)}


def _numbers(part: HardLayer | SoftLayer | Electrode, x: dict[str, Any]) -> dict[str, Any]:
    return {name: x.get(name, value.si) for name, value in fields_of(part).items()}


def _or_garnet(stuff: Material, name: str) -> Value:
    if name in stuff:
        return stuff[name]
    if name == "bulk_activation_energy" and "activation_energy" in stuff:
        return stuff["activation_energy"]
    garnet = material("LLZTO")[name]
    return replace(
        garnet,
        kind="assumed",
        source="dualyte_prior",
        where=f"that of LLZTO ({garnet.source}: {garnet.where})",
    )
