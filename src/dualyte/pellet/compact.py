"""Pressing a powder: relative density in time, work, and conductivity on letting go."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.exact.densification import confined_modulus, porous_moduli
from dualyte.material import Material, Value, calibration
from dualyte.pellet.conductivity import over_dense
from dualyte.pellet.history import History
from dualyte.pellet.law import Law, map_law, master_law
from dualyte.pellet.master import MasterCurve, master_curve
from dualyte.vocabulary import BOLTZMANN, ROOM, Floats, checked, show

Model = Literal["map", "mesoscale"]
MODELS: Final = ("map", "mesoscale")
_PARTS: Final = 8  # of a ramp, where the surface presses too
HIGHEST: Final = 1e9  #: Pa: pressures of the studies behind the laws end below it
WARMTH: Final = 1.0  #: K from room temperature within which creep is taken as at room temperature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Densification:
    """How a powder densifies: a law and its two fitted numbers, and how conduction lets go."""

    law: Law
    start: Value  #: relative density of the powder
    rate: Value  #: strain rate at the flow stress, 1/s, at room temperature
    unloading: Value  #: k of `retained`

    def __str__(self) -> str:
        return (
            f"{self.law.name} model, n = {self.law.exponent:g}\n  start: {self.start}\n"
            f"  rate: {self.rate}\n  k of unloading: {self.unloading}"
        )


def densification(
    model: Model = "map", exponent: float = 7.0, *, curve: MasterCurve | None = None
) -> Densification:
    """Calibrated densification (`dualyte calibrate pellet`).

    Parameters
    ----------
    model
        "map", or "mesoscale": the master curve.
    exponent
        n = 5, 7 or 10; the facts do not tell them apart.
    curve
        Master curve of your own instead of the shipped one.

    Examples
    --------
    >>> densification().start.kind
    'calibrated'
    """
    if model not in MODELS:
        raise InputError(f"no model {model!r} (known: {', '.join(MODELS)})")
    values = calibration("pellet").values
    names = [f"{model}_n{exponent:g}_{x}" for x in ("start", "rate")]
    if names[0] not in values:
        have = sorted({x.split("_")[1][1:] for x in values if x.startswith(model)}, key=float)
        raise InputError(f"exponent {exponent:g} is not calibrated (known: {', '.join(have)})")
    start, rate = (values[x] for x in names)
    return Densification(
        law=law_of(model, start.si, exponent, curve),
        start=start,
        rate=rate,
        unloading=values["unloading_k"],
    )


def law_of(model: Model, start: float, exponent: float, curve: MasterCurve | None = None) -> Law:
    """Law of a model at given numbers."""
    if model == "map":
        return map_law(start, exponent)
    return master_law(curve or master_curve(exponent), start)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pellet:
    """A powder after pressing. Read-only, SI."""

    material: Material
    process: Densification
    history: History  #: with the points that were followed
    creep: bool
    relative_density: Floats  #: (k,) at the times of the history
    yielded: Floats  #: (k,) density that yielding alone reaches
    surface: float = 0.0  #: γ/R [Pa] by which the surface of the grains helps

    @property
    def time(self) -> Floats:
        """(k,) s."""
        return self.history.time

    @property
    def density(self) -> float:
        """Relative density at the end, under load."""
        return float(self.relative_density[-1])

    @property
    def fabrication(self) -> float:
        """Highest pressure of the history, Pa."""
        return float(self.history.pressure.max())

    def history_text(self) -> str:
        """Highest pressure and how long it was held."""
        P = self.history.pressure
        held = self.time[self.fabrication <= P]
        return f"{show('pressure', self.fabrication)} for {show('dwell', float(np.ptp(held)))}"

    def at(self, time: npt.ArrayLike) -> Floats:
        """Relative density at times [s]."""
        return np.interp(np.asarray(time, dtype=np.float64), self.time, self.relative_density)

    def conductivity(self, pressure: npt.ArrayLike) -> Floats:
        """Over that of the dense electrolyte, at stack pressures [Pa] on unloading."""
        kept = retained(
            pressure, self.fabrication, self.material["hardness"].si, self.process.unloading.si
        )
        return np.asarray(kept * over_dense(self.density))

    def unloading_loss(self, high: float = 55e6, low: float = 7.2e6) -> float:
        """Relative change of the conductivity from `high` to `low` [Pa]; negative is a loss."""
        a, b = self.conductivity([high, low])
        return float(b / a - 1)

    @property
    def work(self) -> Work:
        """Work of compression up to the highest pressure."""
        return work_of_compression(self)

    @property
    def flags(self) -> tuple[str, ...]:
        """What to know before using it."""
        return _flags(self)

    def __str__(self) -> str:
        return (
            f"{self.material.name}: relative density {self.density:.3f} after "
            f"{show('pressure', self.fabrication)} ({self.process.law.name} model)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work of compression per volume of solid, J/m³."""

    plastic: float  #: spent on flow
    elastic: float  #: stored at the highest pressure, given back on release
    spring_back: float  #: strain of the pellet along the die on release

    @property
    def total(self) -> float:
        """Both."""
        return self.plastic + self.elastic


def compact(
    material: Material,
    history: History,
    *,
    process: Densification | None = None,
    creep: bool = True,
    surface_energy: float = 0.0,
    size: float = 2e-6,
) -> Pellet:
    """Press a powder.

    Parameters
    ----------
    material
        Needs a hardness; σ_y = H/3.
    history
        From `hold`, or your own.
    process
        From `densification`; the map model by default.
    creep
        Whether the powder creeps, or only yields.
    surface_energy
        γ [J/m²] of the grains, whose surface then presses beside the press; 0 leaves it out.
    size
        Median diameter of the grains [m], for γ/R.

    Returns
    -------
    Pellet
        Relative density in time, and what follows from it.

    Raises
    ------
    ValidityError
        If the pressure exceeds 1 GPa.
    InputError
        If the press is warm and the material does not know how creep depends on temperature.

    Examples
    --------
    >>> from dualyte import hold, material
    >>> round(compact(material("LNOC"), hold(120e6, 180.0)).density, 2)
    0.96
    """
    process = process or densification()
    if history.pressure.max() > HIGHEST:
        raise ValidityError(
            f"pressure {show('pressure', float(history.pressure.max()))} exceeds "
            f"{show('pressure', HIGHEST)}, the range of the densification laws"
        )
    fine = history.resolved()
    sigma = material["hardness"].si / 3
    factor = warmth(material, fine)
    surface = pull_of(surface_energy, size)
    found = densify(
        process.law, fine, np.array([sigma]), np.array([process.rate.si]), factor, creep=creep,
        surface=surface,
    )  # fmt: skip
    peak = np.maximum.accumulate(fine.pressure)
    yielded = process.law.drawn(0.0, surface, sigma).yielded(peak / sigma)
    for array in (found, yielded):
        array.flags.writeable = False
    return Pellet(
        material=material,
        process=process,
        history=fine,
        creep=creep,
        relative_density=found[0],
        yielded=yielded,
        surface=surface,
    )


def pull_of(surface_energy: float, size: float) -> float:
    """γ/R [Pa] of grains of a diameter."""
    if not surface_energy:
        return 0.0
    return float(checked("surface_energy", surface_energy) / (checked("length", size) / 2))


def densify(
    law: Law,
    history: History,
    flow_stress: Floats,
    rate: Floats,
    factor: Floats,
    *,
    creep: bool = True,
    surface: float = 0.0,
) -> Floats:
    """Relative density (s, k) of samples of flow stress [Pa] and rate [1/s] over a history.

    `factor` (k,) multiplies the rate, for temperature; `surface` is γ/R [Pa].
    """
    if surface > 0:
        rows = zip(flow_stress, rate, strict=True)
        return np.array(
            [_drawn(law, history, (s, r), factor, surface, creep=creep) for s, r in rows]
        )
    n, P, t = law.exponent, history.pressure, history.time
    found = np.empty((flow_stress.size, t.size))
    found[:, 0] = now = law.yielded(P[0] / flow_stress)
    strength = flow_stress**-n * rate
    for k in range(t.size - 1):
        if creep and t[k + 1] > t[k]:
            now = law.crept(now, _dose(P[k], P[k + 1], t[k + 1] - t[k], n, factor, k) * strength)
        if P[k + 1] > P[k]:
            now = np.maximum(now, law.yielded(P[k + 1] / flow_stress))
        found[:, k + 1] = now
    return found


def _drawn(
    law: Law, history: History, grains: tuple[float, float], factor: Floats, surface: float, *,
    creep: bool,
) -> Floats:  # fmt: skip
    """Relative density (k,) of one powder whose surface presses too: a law for each pressure."""
    sigma, rate = grains
    P, t, n = history.pressure, history.time, law.exponent
    yields = law.drawn(0.0, surface, sigma)  # strength does not depend on the pressure
    found = np.empty(t.size)
    found[0] = now = float(yields.yielded(P[0] / sigma))
    for k in range(t.size - 1):
        parts = _PARTS if P[k] != P[k + 1] else 1
        ends = np.linspace(P[k], P[k + 1], parts + 1)
        for a, b in pairwise(ends):
            span = (t[k + 1] - t[k]) / parts
            dose = _dose(a, b, span, n, factor, k)
            mean = (dose / (span * 0.5 * (factor[k] + factor[k + 1]))) ** (1 / n) if span else 0.0
            if creep and mean > 0:
                law_here = law.drawn(mean, surface, sigma)
                now = float(law_here.crept(now, rate * dose * sigma**-n))
            now = max(now, float(yields.yielded(b / sigma)))
        found[k + 1] = now
    return found


def _dose(a: float, b: float, span: float, n: float, factor: Floats, k: int) -> float:
    """∫Pⁿ dt over a segment, exact for a linear pressure."""
    low, high = min(a, b), max(a, b)
    mean = high**n
    if high - low > 1e-9 * high:
        mean = (high ** (n + 1) - low ** (n + 1)) / ((n + 1) * (high - low))
    return float(mean * span * 0.5 * (factor[k] + factor[k + 1]))


def warmth(material: Material, history: History) -> Floats:
    """Creep rate (k,) over that at room temperature, at the points of a history."""
    T = history.temperature
    if (np.abs(T - ROOM) <= WARMTH).all():
        return np.ones(T.size)
    if "creep_activation_energy" not in material:
        raise InputError(
            f"the press is at {show('temperature', float(T[np.argmax(np.abs(T - ROOM))]))}, and no "
            f"source states how creep of {material.name} depends on temperature; add "
            "creep_activation_energy to a TOML file of the material"
        )
    Q = material["creep_activation_energy"].si
    return np.exp(-Q / BOLTZMANN * (1 / T - 1 / ROOM))


def retained(
    pressure: npt.ArrayLike,
    fabrication: npt.ArrayLike,
    hardness: npt.ArrayLike,
    k: npt.ArrayLike,
) -> Floats:
    r"""Conductivity kept on unloading, over that under the fabrication pressure.

    .. math:: \sigma/\sigma_{fab} = b + (1 - b)\,P/P_{fab}, \qquad b = 1 - e^{-k P_{fab}/H}

    Parameters
    ----------
    pressure, fabrication : (...)
        P and P_fab [Pa]; above P_fab nothing is gained.
    hardness : (...)
        H [Pa].
    k : (...)
        Share of contacts that flow, by pressure over hardness [1].

    Returns
    -------
    (...)
        [1].

    Notes
    -----
    Contacts that have flowed stay (b); elastic ones open in proportion. The best of several
    forms on three measurements: an empirical rule. Limits: unloading only.

    Examples
    --------
    >>> a, b = retained([55e6, 7.2e6], 120e6, 0.42e9, 3.707)
    >>> round(float(b / a - 1), 2)
    -0.17
    """
    P, top = np.asarray(pressure, dtype=np.float64), np.asarray(fabrication, dtype=np.float64)
    if (P < 0).any():
        raise InputError(f"stack pressure {P.min():g} Pa is negative")
    b = 1 - np.exp(-np.asarray(k) * top / np.asarray(hardness))
    return np.asarray(b + (1 - b) * np.minimum(P / top, 1.0))


def unloading_k(
    loss: npt.ArrayLike,
    hardness: npt.ArrayLike,
    fabrication: float = 120e6,
    high: float = 55e6,
    low: float = 7.2e6,
) -> Floats:
    """Coefficient k of `retained` from one relative change of conductivity between two pressures.

    >>> round(float(unloading_k(-0.17, 0.42e9)), 3)
    3.708
    """
    x = -np.asarray(loss, dtype=np.float64)
    open_ = x / ((high - low) / fabrication + x * (1 - high / fabrication))
    if ((open_ <= 0) | (open_ >= 1)).any():
        raise InputError(
            f"a change of {-100 * float(np.max(x)):.3g} % is no loss that unloading from "
            f"{show('pressure', high)} to {show('pressure', low)} can make"
        )
    return np.asarray(-np.log(open_) * np.asarray(hardness) / fabrication)


def work_of_compression(pellet: Pellet) -> Work:
    """Work up to the highest pressure, per volume of solid.

    Plastic work is ∫P dD/D². A jump of pressure counts as the yielding it causes. The stored
    part is that of a porous elastic body in a die (upper bound for its stiffness).
    """
    D, P = pellet.relative_density, pellet.history.pressure
    top = int(np.argmax(P))
    held = np.flatnonzero(P[top] <= P)
    top = int(held[-1])
    rows = slice(0, top + 1)
    law, sigma = pellet.process.law, pellet.material["hardness"].si / 3
    plastic = float(np.sum(0.5 * (P[rows][1:] + P[rows][:-1]) * -np.diff(1 / D[rows])))
    first = law.density <= D[0]
    path = law.strength[first] * sigma
    plastic += float(np.sum(0.5 * (path[1:] + path[:-1]) * -np.diff(1 / law.density[first])))
    E, nu = pellet.material["youngs_modulus"].si, pellet.material["poisson_ratio"].si
    stiff = float(confined_modulus(*porous_moduli(D[top], E, nu)))
    strain = float(P[top]) / stiff
    return Work(
        plastic=plastic,
        elastic=0.5 * float(P[top]) * strain / float(D[top]),
        spring_back=strain,
    )


def _flags(pellet: Pellet) -> tuple[str, ...]:
    law = pellet.process.law
    found = [
        f"the start ({pellet.process.start.si:.3f}) and rate of the {law.name} model are "
        "calibrated on LNOC and LPSCl (F037, F038) and carried over to every material"
    ]
    found.append("the creep exponent is not identifiable: n = 5, 7 and 10 fit the facts alike")
    if law.name == "mesoscale" and pellet.density > 0.94:
        found.append("above 0.94 pores are unresolved; the hollow sphere takes over")
    if law.curve is not None and law.curve.dim == 2:
        found.append(
            "discs start denser than spheres: two dimensions are for pictures, and the start and "
            "rate were fitted with three"
        )
    if pellet.material.name == "LPSCl":
        found.append(
            "the density of LPSCl refers to 1.64 g/cm³; over the crystal's 1.86 it is 12 % lower"
        )
    if pellet.surface > 0:
        found.append(
            f"the surface of the grains presses too (γ/R {show('pressure', pellet.surface)}); "
            "start and rate were fitted without it"
        )
    if not pellet.creep:
        found.append("without creep: yielding only")
    return tuple(found)
