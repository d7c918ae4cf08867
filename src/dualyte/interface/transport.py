r"""From contact to R_HE and C_HE: transfer, film and constriction, apart and together.

.. math:: R_{HE}(T, P) = \frac{r_{ct}(T) + r_{film}(T)}{f(P)} + R_c(\text{map}, \zeta(T))

Each mechanism has its own activation energy. Constriction comes from the spectral
measure of the contact map, which also carries every frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.exact import peak_frequency
from dualyte.interface.press import BOLTZMANN, ROOM, Contact
from dualyte.material import Material, Value, calibration
from dualyte.numerics.plane import (
    ReducedPlane,
    SpectralMeasure,
    correlation_length,
    solve_plane,
    spectral_measure,
    symbol,
)
from dualyte.surface import Film, film_map
from dualyte.vocabulary import WORDS, Floats, show

if TYPE_CHECKING:
    import xarray as xr

_COLDEST, _HOTTEST = 213.15, 393.15  # K: conductivities are measured from −40 to 40 °C
Reading = Literal["C", "Q"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Charge transfer of a unit of true contact between soft electrolyte and garnet."""

    resistance: Value  #: Ω m² at 25 °C
    activation_energy: Value  #: J
    capacitance: Value  #: F/m², the number quoted from a fit, whatever it is
    exponent: Value  #: n of the constant-phase element, if the quoted number is its Q

    def __str__(self) -> str:
        names = ("resistance", "activation_energy", "capacitance", "exponent")
        return "\n".join(["transfer", *(f"  {name}: {getattr(self, name)}" for name in names)])


def transfer() -> Transfer:
    """Transfer of LNOC | LLZTO, calibrated (`dualyte calibrate interface`)."""
    values = calibration("interface").values
    return Transfer(
        resistance=values["transfer_resistance"],
        activation_energy=values["transfer_activation_energy"],
        capacitance=values["transfer_capacitance"],
        exponent=Value(
            quantity="cpe_exponent",
            si=0.75,
            spread=0.03,
            kind="assumed",
            source="dualyte_prior",
            where="exponent at which the quoted R, Q and frequency of F077 agree to a factor 2",
        ),
    )


def arrhenius(room: npt.ArrayLike, energy: npt.ArrayLike, temperature: npt.ArrayLike) -> Floats:
    """Resistance at `temperature` [K] from that at 25 °C and its activation energy [J].

    >>> float(arrhenius(12.0, 0.0, 333.15))
    12.0
    """
    change = np.asarray(energy) / BOLTZMANN * (1 / np.asarray(temperature) - 1 / ROOM)
    return np.asarray(np.asarray(room) * np.exp(change))


def resistivity(
    soft: Material,
    hard: Material,
    temperature: npt.ArrayLike,
    **samples: Any,  # noqa: ANN401 (floats or arrays)
) -> Floats:
    """ζ = 1/σ_soft + 1/σ_hard [Ω m] at `temperature` [K].

    `samples` may move the numbers: sigma_soft, sigma_hard [S/m], Ea_soft, Ea_hard [J].
    """
    total: Floats = np.zeros(())
    for side, stuff in (("soft", soft), ("hard", hard)):
        sigma = samples.get(f"sigma_{side}", stuff["conductivity"].si)
        energy = samples.get(f"Ea_{side}", stuff["activation_energy"].si)
        total = total + arrhenius(1 / np.asarray(sigma), energy, temperature)
    return np.asarray(total)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interface:
    """A contact with its film and transfer: everything R_HE and C_HE need."""

    contact: Contact
    film: Film
    transfer: Transfer
    steps: tuple[int, ...]  #: steps of the history that are resolved electrically
    measures: tuple[SpectralMeasure, ...] = field(repr=False)  #: one per step
    lengths: Floats  #: (k,) correlation length ℓ of the contact maps, m


def hetero_interface(
    contact: Contact,
    film: Film,
    *,
    charge_transfer: Transfer | None = None,
    steps: Sequence[int] | None = None,
    nodes: int = 40,
) -> Interface:
    """Join a contact with the film on the garnet and the transfer across.

    Parameters
    ----------
    contact
        What `press` found.
    film
        What `treatment` says the garnet carries.
    charge_transfer
        By default the calibrated one of `transfer`.
    steps
        Steps of the history to resolve; all by default.
    nodes
        Of the spectral measure; 16 are enough unless transfer is negligible.

    Raises
    ------
    InputError
        If nothing touches at one of the steps.
    """
    chosen = tuple(range(len(contact.history)) if steps is None else steps)
    measures = []
    for k in chosen:
        if not contact.maps[k].any():
            raise InputError(f"nothing touches at {show('pressure', contact.pressure[k])}")
        measures.append(measure_map(contact.maps[k], contact.surface.size, nodes))
    lengths = [correlation_length(contact.maps[k], contact.surface.size) for k in chosen]
    return Interface(
        contact=contact,
        film=film,
        transfer=charge_transfer or transfer(),
        steps=chosen,
        measures=tuple(measures),
        lengths=np.array(lengths),
    )


def measure_map(
    contact: npt.NDArray[np.bool_], size: tuple[float, float], nodes: int = 40
) -> SpectralMeasure:
    """Spectral measure of a contact map between layers thick against its pattern."""
    return spectral_measure(contact, symbol(contact.shape, size), nodes=nodes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resistance:
    """R_HE and its mechanisms, one entry per resolved step; Ω m² of nominal area."""

    interface: Interface = field(repr=False)
    temperature: float  #: K
    pressure: Floats  #: (k,) Pa
    total: Floats  #: (k,)
    constriction: Floats  #: (k,)
    film: Floats  #: (k,)
    transfer: Floats  #: (k,)
    bracket: tuple[Floats, Floats]  #: (k,) each: exact bounds for the given map
    discretisation: Floats  #: (k,) what halving the pixels of the same map still changes
    length_ratio: Floats  #: (k,) ℓ/ℓ*, below 0.1 constriction does not matter

    def to_dataset(self) -> xr.Dataset:
        """Return the budget as a Dataset that can be saved and plotted."""
        import xarray as xr

        names = ("total", "constriction", "film", "transfer", "discretisation")
        columns = {name: getattr(self, name) for name in names}
        columns |= {"lower_bound": self.bracket[0], "upper_bound": self.bracket[1]}
        attrs = {"units": WORDS["asr"].unit}
        return xr.Dataset(
            {name: ("pressure", y, attrs) for name, y in columns.items()}
            | {"length_ratio": ("pressure", self.length_ratio)},
            coords={"pressure": ("pressure", self.pressure, {"units": "Pa"})},
            attrs={"temperature_K": self.temperature},
        )

    def __str__(self) -> str:
        rows = [f"R_HE at {show('temperature', self.temperature)}"]
        for k, p in enumerate(self.pressure):
            parts = ", ".join(
                f"{name} {show('asr', getattr(self, name)[k], 3)}"
                for name in ("transfer", "film", "constriction")
            )
            rows.append(f"  {show('pressure', p):>9}: {show('asr', self.total[k], 3)} ({parts})")
        return "\n".join(rows)


def local_resistance(
    interface_film: Film, r_transfer: npt.ArrayLike, r_film: npt.ArrayLike
) -> Floats:
    """Resistance of a unit of true contact [Ω m²]: transfer and film, patches in parallel.

    Patches finer than ℓ* act in parallel; larger ones need a map of phases.
    """
    cover = interface_film.coverage
    r_t, r_f = np.asarray(r_transfer), np.asarray(r_film)
    if cover == 1:
        return np.asarray(r_t + r_f)
    return np.asarray(1 / (cover / (r_t + r_f) + (1 - cover) / r_t))


def check_temperature(temperature: float) -> None:
    """Refuse temperatures where no conductivity of these electrolytes is known."""
    if not _COLDEST <= temperature <= _HOTTEST:
        meant = f'; did you mean q("{temperature:g} degC")?' if -60 <= temperature <= 120 else ""
        raise ValidityError(
            f"temperature {show('temperature', temperature)} is outside "
            f"{show('temperature', _COLDEST)} … {show('temperature', _HOTTEST)}, the range in "
            f"which Arrhenius laws measured from -40 to 40 degC may be used{meant}"
        )


def _parts(interface: Interface, temperature: float) -> tuple[float, float, float]:
    """ζ [Ω m], transfer and film resistance of a unit of true contact [Ω m²], best estimates."""
    contact, film, change = interface.contact, interface.film, interface.transfer
    zeta = float(resistivity(contact.soft, contact.hard, temperature))
    r_t = float(arrhenius(change.resistance.si, change.activation_energy.si, temperature))
    r_f = float(arrhenius(film.resistance.si, film.activation_energy.si, temperature))
    return zeta, r_t, r_f * (1 - film.removal.si)


def resistance(interface: Interface, *, temperature: float = ROOM) -> Resistance:
    """R_HE at one temperature, for every resolved step, split into its mechanisms.

    Parameters
    ----------
    interface
        What `hetero_interface` made.
    temperature
        K.

    Returns
    -------
    Resistance
        Total, constriction, film and transfer; the bracket r/f + ζλ_harm/f ≤ R ≤
        r/f + ζλ_mean/f; the discretisation error; ℓ/ℓ* with ℓ* = r/ζ.

    Raises
    ------
    ValidityError
        If the temperature is outside the range of the conductivities.
    """
    check_temperature(temperature)
    contact, film = interface.contact, interface.film
    zeta, r_t, r_f = _parts(interface, temperature)
    f = np.array([m.fraction for m in interface.measures])
    if _patchy(film):
        rows = [_in_patches(interface, k, r_t, r_f, zeta) for k in range(f.size)]
        r, total, low, high = (np.array(column) for column in zip(*rows, strict=True))
    else:
        r = np.full(f.size, float(local_resistance(film, r_t, r_f)))
        total = np.array(
            [float(m.impedance(x, zeta)) for m, x in zip(interface.measures, r, strict=True)]
        )
        low, high = (
            r / f + zeta * np.array([m.bounds[k] for m in interface.measures]) for k in (0, 1)
        )
    return Resistance(
        interface=interface,
        temperature=temperature,
        pressure=contact.pressure[list(interface.steps)],
        total=total,
        constriction=total - r / f,
        film=(r - r_t) / f,
        transfer=r_t / f,
        bracket=(low, high),
        discretisation=_discretisation(interface, r, zeta),
        length_ratio=interface.lengths * zeta / r,
    )


def _patchy(film: Film) -> bool:
    """Whether covered patches are resolved as phases of their own."""
    return film.patch > 0 and 0 < film.coverage < 1


def _phases(interface: Interface, k: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Clean and film-covered true contact of a resolved step."""
    contact = interface.contact.maps[interface.steps[k]]
    covered = film_map(interface.film, contact.shape, interface.contact.surface.size)
    return contact & ~covered, contact & covered


def _in_patches(
    interface: Interface, k: int, r_t: float, r_f: float, zeta: float
) -> tuple[float, float, float, float]:
    """Local resistance (phases in parallel), R_HE and its bounds with resolved patches."""
    clean, covered = _phases(interface, k)
    contact = clean | covered
    local = np.where(covered, r_t + r_f, r_t)
    kernel = symbol(contact.shape, interface.contact.surface.size) * zeta
    total = solve_plane(local, contact, kernel).ensure().resistance.real
    f, r = float(contact.mean()), 1 / float(np.mean(1 / local[contact]))
    uniform = float(np.mean(local[contact])) / f + zeta * interface.measures[k].bounds[1]
    return r, float(total), r / f, uniform


def _discretisation(interface: Interface, r: Floats, zeta: float) -> Floats:
    """Error left by the pixels of the plane solve: first order, so twice one halving.

    Of a uniform local resistance; patches change it to second order only.
    """
    found = []
    for k, step in enumerate(interface.steps):
        fine = np.repeat(np.repeat(interface.contact.maps[step], 2, axis=0), 2, axis=1)
        finer = measure_map(fine, interface.contact.surface.size, nodes=16)
        coarse = float(interface.measures[k].impedance(r[k], zeta))
        found.append(2 * (coarse - float(finer.impedance(r[k], zeta))))
    return np.array(found)


def interface_impedance(
    interface: Interface,
    frequency: npt.ArrayLike,
    *,
    temperature: float = ROOM,
    reading: Reading = "C",
) -> npt.NDArray[np.complex128]:
    """Impedance of the interface in excess of the two layers [Ω m²].

    Parameters
    ----------
    interface
        What `hetero_interface` made.
    frequency : (m,)
        Hz.
    temperature
        K.
    reading
        How the quoted capacitance per true area is read: as a capacitance `"C"`, or as
        the Q of a constant-phase element with the exponent of the transfer, `"Q"`.

    Returns
    -------
    (k, m)
        One spectrum per resolved step. The gap adds its own capacitance in parallel.
    """
    check_temperature(temperature)
    contact, change, film = interface.contact, interface.transfer, interface.film
    s = 2j * np.pi * np.atleast_1d(np.asarray(frequency, dtype=np.float64))
    zeta, r_t, r_f = _parts(interface, temperature)
    n = change.exponent.si if reading == "Q" else 1.0
    bypass = change.capacitance.si * s**n

    def plane(k: int) -> npt.NDArray[Any]:
        if not _patchy(film):
            r = float(local_resistance(film, r_t, r_f))
            return interface.measures[k].impedance(1 / (1 / r + bypass), zeta)
        kernel = symbol(contact.maps[0].shape, contact.surface.size)
        points = [(1 / (1 / r_t + b), 1 / (1 / (r_t + r_f) + b), zeta, 0.0) for b in bypass]
        reduced = ReducedPlane(_phases(interface, k), (kernel, kernel)).train(points, rtol=1e-3)
        return np.array([reduced.impedance(point) for point in points])

    gap = contact.gap_capacitance[list(interface.steps)]
    return np.array([1 / (1 / plane(k) + s * c) for k, c in enumerate(gap)])


def frequencies(
    resistance_: npt.ArrayLike, capacitance: npt.ArrayLike, exponent: npt.ArrayLike
) -> dict[Reading, Floats]:
    """Peak frequency [Hz] of an arc under both readings of its quoted capacitance.

    >>> both = frequencies(150e-4, 3.6e-2, 0.727)
    >>> round(float(both["C"])), round(float(both["Q"]), -2)
    (295, 5000.0)
    """
    return {
        "C": peak_frequency(resistance_, capacitance, 1.0),
        "Q": peak_frequency(resistance_, capacitance, exponent),
    }
