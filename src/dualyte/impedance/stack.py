"""Cells around an interface: layers, electrodes and leads, with their spectrum and circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit import C, Circuit, L, Q, R, Spectrum
from dualyte.errors import InputError
from dualyte.impedance import impedance
from dualyte.impedance.layers import (
    Complexes,
    Electrode,
    HardLayer,
    SoftLayer,
    blocking,
    fields_of,
    given,
)
from dualyte.interface.press import ROOM
from dualyte.interface.transport import Interface, Reading, interface_impedance, resistance
from dualyte.material import Value
from dualyte.vocabulary import Floats, checked, show

FREQUENCIES: Final = np.geomspace(7e6, 1.0, 69)  #: Hz, 10 points per decade
FREQUENCIES.setflags(write=False)
CM2: Final = 1e-4  # m²
_BLOCKING: Final = blocking()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bilayer:
    """Soft and hard layers with their interface between two electrodes.

    With two interfaces it is the symmetric cell soft | hard | soft: R_HE counts twice and
    C_HE half. With one it is soft | hard, and the second electrode is on the hard side, as
    in Li | LLZTO | LNOC.
    """

    interface: Interface = field(repr=False)
    hard: HardLayer
    soft: SoftLayer  #: each of the soft layers
    interfaces: int = 2  #: 1 or 2, as many as soft layers
    electrodes: tuple[Electrode, Electrode] = (_BLOCKING, _BLOCKING)
    lead_resistance: Value | None = None  #: Ω m², of cables and contacts
    inductance: Value | None = None  #: H m², of the cables
    area: float = CM2  #: m², electrode area of the simulated cell

    def __post_init__(self) -> None:
        if self.interfaces not in (1, 2):
            raise InputError(
                f"interfaces={self.interfaces}; a bilayer cell has 1 (soft | hard) or 2 "
                "(soft | hard | soft)"
            )
        checked("area", self.area)

    @property
    def name(self) -> str:
        """Layers in order, such as LNOC | LLZTO | LNOC."""
        layers = [self.soft.name, self.hard.name, self.soft.name]
        return " | ".join(layers[: self.interfaces + 1])

    @property
    def thickness(self) -> float:
        """m, of all electrolyte between the electrodes."""
        return self.hard.thickness.si + self.interfaces * self.soft.thickness.si

    def layers(self, s: Complexes, temperature: float, **x: Any) -> Complexes:  # noqa: ANN401
        """Impedance of all but the interfaces [Ω m²] at s = iω [rad/s] (m,), shape (..., m).

        `x` replaces numbers by the names of `layer_inputs`, also by arrays of samples.
        """
        parts = [a.impedance(s) for a in self.hard.arcs(temperature, **_of("hard", x)).values()]
        soft = self.soft.arc(temperature, **_of("soft", x)).impedance(s)
        parts.append(self.interfaces * soft)
        ends = ("electrode", "electrode" if self._alike else "other electrode")
        for part, end in zip(self.electrodes, ends, strict=True):
            parts.append(part.impedance(s, temperature, **_of(end, x)))
        parts += [np.asarray(self._lead("resistance", x))[..., None] + 0 * s]
        parts += [np.asarray(self._lead("inductance", x))[..., None] * s]
        return reduce(add, parts)

    def layer_inputs(self) -> dict[str, Value]:
        """Every number outside the interfaces, by a name such as `hard thickness`."""
        parts: dict[str, HardLayer | SoftLayer | Electrode] = {
            "hard": self.hard, "soft": self.soft, "electrode": self.electrodes[0],
        }  # fmt: skip
        if not self._alike:
            parts["other electrode"] = self.electrodes[1]
        found = {f"{a} {x}": v for a, part in parts.items() for x, v in fields_of(part).items()}
        for name, value in (("resistance", self.lead_resistance), ("inductance", self.inductance)):
            if value is not None:
                found[f"lead {name}"] = value
        return found

    def _lead(self, name: str, x: dict[str, Any]) -> Any:  # noqa: ANN401 (float or array)
        value = self.lead_resistance if name == "resistance" else self.inductance
        return 0.0 if value is None else x.get(f"lead {name}", value.si)

    @property
    def _alike(self) -> bool:
        return self.electrodes[0] == self.electrodes[1]

    def circuit(
        self,
        *,
        temperature: float = ROOM,
        pressure: float | None = None,
        reading: Reading = "Q",
    ) -> Circuit:
        """Equivalent circuit with its numbers, in the names that a fit uses.

        Parameters
        ----------
        temperature
            K.
        pressure
            Pa, a stack pressure that the interface is resolved at.
        reading
            Of the quoted capacitance, as for `impedance`.

        Returns
        -------
        Circuit
            `R_0` (leads and soft layers, whose own arc is beyond any instrument), `L_0` if
            there is one, arcs `bulk` and `gb` of the hard layer, `he` of all interfaces
            together, electrodes `tail`; per area. Under the reading Q, the gap around the
            contact is a capacitor `C_gap` beside the arc; under C it is part of `C_he`.

        Notes
        -----
        It equals the spectrum below the frequency of the soft layers, up to the constriction:
        above the frequency of the arc, current still has to find the contact, and that part
        of R_HE stays as a resistance which a fit counts to `R_0`.
        """
        [k] = _steps(self.interface, pressure)
        R_he = float(resistance(self.interface, temperature=temperature).total[k])
        step, f = self.interface.steps[k], self.interface.measures[k].fraction
        change, gap = self.interface.transfer, self.interface.contact.gap_capacitance
        he = (R_he, f * change.capacitance.si, change.exponent.si, float(gap[step]))
        return self.lumped(he, temperature, reading)

    def lumped(
        self,
        he: tuple[float, float, float, float],
        temperature: float,
        reading: Reading,
        **x: Any,  # noqa: ANN401 (floats)
    ) -> Circuit:
        """Circuit with one interface of R [Ω m²], C or Q, n and the capacitance of its gap."""
        soft = self.soft.arc(temperature, **_of("soft", x)).resistance
        leads = float(self._lead("resistance", x))
        parts: list[Circuit] = [R(float(self.interfaces * soft) + leads, "0")]
        if self.inductance is not None:
            parts.append(L(float(self._lead("inductance", x)), "0"))
        for name, part in self.hard.arcs(temperature, **_of("hard", x)).items():
            numbers = (float(part.resistance), float(part.Q), float(part.n))
            parts.append(R(numbers[0], name) | Q(numbers[1], numbers[2], name))
        parts.append(_he(he, self.interfaces, reading))
        return reduce(add, parts + self._tails(temperature, x))

    def _tails(self, temperature: float, x: dict[str, Any]) -> list[Circuit]:
        """Electrodes as elements; two of one kind are one element in series with itself."""
        ends = self.electrodes[:1] if self._alike else self.electrodes
        found = []
        for part, end in zip(ends, ("electrode", "other electrode"), strict=False):
            count = 2 if self._alike else 1
            res, q, n = (float(y) for y in part.numbers(temperature, **_of(end, x)))
            elements: list[Circuit] = []
            if np.isfinite(res):
                elements.append(R(count * res, part.name))
            if q:
                elements.append(Q(q / count, n, part.name))
            found.append(elements[0] if len(elements) == 1 else elements[0] | elements[1])
        return found

    def __str__(self) -> str:
        rows = [f"{self.name}, {self.interfaces} interface{'s' * (self.interfaces > 1)} per cell"]
        rows += [f"  {name}: {value}" for name, value in self.layer_inputs().items()]
        rows.append(f"  electrode area: {show('area', self.area)}")
        return "\n".join(rows)


def _he(he: tuple[float, float, float, float], count: int, reading: Reading) -> Circuit:
    R_he, quoted, n, gap = he
    arc = R(count * R_he, "he")
    if reading == "C":
        return arc | C((quoted + gap) / count, "he")
    return arc | Q(quoted / count, n, "he") | C(gap / count, "gap")


def _of(part: str, x: dict[str, Any]) -> dict[str, Any]:
    """Numbers of one part, without its prefix."""
    return {name[len(part) + 1 :]: y for name, y in x.items() if name.startswith(f"{part} ")}


def bilayer(
    interface: Interface,
    *,
    interfaces: int = 2,
    hard_thickness: Value | float | None = None,
    soft_thickness: Value | float | None = None,
    electrodes: tuple[Electrode, Electrode] | None = None,
    lead_resistance: Value | float | None = None,
    inductance: Value | float | None = None,
    area: float = CM2,
) -> Bilayer:
    """Build the cell around an interface from the materials it joins.

    Parameters
    ----------
    interface
        What `hetero_interface` made.
    interfaces
        2 for the symmetric cell soft | hard | soft, 1 for soft | hard.
    hard_thickness, soft_thickness
        Of the hard layer and of each soft layer [m], or a `Value`; assumed ranges by default.
    electrodes
        Beside the first soft layer, and at the other end; both block ions by default.
    lead_resistance
        Of cables and contacts, times the area [Ω m²]; none by default.
    inductance
        Of the cables, times the area [H m²]; none by default.
    area
        Electrode area of the simulated cell [m²]; 1 cm² by default.

    Returns
    -------
    Bilayer
        For `impedance`; its `circuit` has the same names as a fit.
    """
    soft, hard = interface.contact.soft, interface.contact.hard

    def lead(word: str, number: Value | float | None) -> Value | None:
        return None if number is None else given(word, number, f"{word} of the leads")

    return Bilayer(
        interface=interface,
        hard=HardLayer.of(hard, hard_thickness),
        soft=SoftLayer.of(soft, soft_thickness),
        interfaces=interfaces,
        electrodes=electrodes or (_BLOCKING, _BLOCKING),
        lead_resistance=lead("asr", lead_resistance),
        inductance=lead("inductance", inductance),
        area=area,
    )


def series(
    one: Callable[[Floats, float, int], Spectrum],
    interface: Interface,
    frequency: npt.ArrayLike | None,
    temperature: npt.ArrayLike | None,
    pressure: npt.ArrayLike | None,
) -> Spectrum | list[Spectrum]:
    """Spectra for every pressure and temperature: a list where either is a sequence.

    Parameters
    ----------
    one
        Spectrum at frequencies [Hz], temperature [K] and resolved step (an index).
    """
    f = FREQUENCIES if frequency is None else np.atleast_1d(np.asarray(frequency, np.float64))
    if not (np.isfinite(f) & (f > 0)).all():
        raise InputError("a frequency is not a positive number; give them in Hz")
    T = ROOM if temperature is None else temperature
    found = [
        one(f, float(t), k)
        for k in _steps(interface, pressure)
        for t in np.atleast_1d(np.asarray(T, np.float64))
    ]
    several = np.ndim(T) > 0 or (pressure is not None and np.ndim(pressure) > 0)
    return found if several else found[0]


def _steps(interface: Interface, pressure: npt.ArrayLike | None) -> list[int]:
    """Resolved steps (indices) at the pressures asked for."""
    held = interface.contact.pressure[list(interface.steps)]
    if pressure is None:
        if held.size > 1:
            told = ", ".join(show("pressure", p) for p in held)
            raise InputError(
                f"the interface is resolved at {told}; say which, such as "
                f'pressure=q("{show("pressure", held[-1])}")'
            )
        return [0]
    found = []
    for p in np.atleast_1d(checked("pressure", pressure)):
        hits = np.flatnonzero(np.isclose(held, p, rtol=1e-6))
        if hits.size == 0:
            told = ", ".join(show("pressure", x) for x in held)
            raise InputError(
                f"the interface is not resolved at {show('pressure', float(p))} (only at {told}); "
                "press to it and name the step in hetero_interface"
            )
        found.append(int(hits[-1]))  # the last of equal ones: on unloading
    return found


@impedance.register
def _interface(
    thing: Interface,
    *,
    frequency: npt.ArrayLike | None = None,
    temperature: npt.ArrayLike | None = None,
    pressure: npt.ArrayLike | None = None,
    reading: Reading = "Q",
) -> Spectrum | list[Spectrum]:
    """Spectrum of one interface alone."""
    contact = thing.contact

    def one(f: Floats, t: float, k: int) -> Spectrum:
        z = interface_impedance(thing, f, temperature=t, reading=reading)[k]
        return Spectrum(
            frequency=f,
            z=z / CM2,
            area=CM2,
            temperature=t,
            pressure=float(contact.pressure[thing.steps[k]]),
            name=f"{contact.soft.name} | {contact.hard.name}, interface",
        )

    return series(one, thing, frequency, temperature, pressure)


@impedance.register
def _bilayer(
    thing: Bilayer,
    *,
    frequency: npt.ArrayLike | None = None,
    temperature: npt.ArrayLike | None = None,
    pressure: npt.ArrayLike | None = None,
    reading: Reading = "Q",
) -> Spectrum | list[Spectrum]:
    """Spectrum of the whole cell."""
    joined = thing.interface

    def one(f: Floats, t: float, k: int) -> Spectrum:
        he = interface_impedance(joined, f, temperature=t, reading=reading)[k]
        z = thing.interfaces * he + thing.layers(np.asarray(2j * np.pi * f, np.complex128), t)
        return Spectrum(
            frequency=f,
            z=z / thing.area,
            area=thing.area,
            thickness=thing.thickness,
            temperature=t,
            pressure=float(joined.contact.pressure[joined.steps[k]]),
            interfaces=thing.interfaces,
            name=thing.name,
        )

    return series(one, joined, frequency, temperature, pressure)
