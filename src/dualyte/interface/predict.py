"""The main job: from materials and a rough garnet to R_HE under pressure, with doubt.

Contact is solved again for every surface seed and hardness; resistances, conductivities
and activation energies are then sampled on the stored spectral measures of the maps.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import ConvergenceError, InputError
from dualyte.interface.press import (
    BOLTZMANN,
    REFERENCE_DWELL,
    ROOM,
    Contact,
    FlowRule,
    Step,
    pellet_to_pellet,
    powder_to_pellet,
    press,
)
from dualyte.interface.transport import (
    Transfer,
    arrhenius,
    check_temperature,
    local_resistance,
    measure_map,
    resistivity,
    transfer,
)
from dualyte.material import Material, Value, calibration, material
from dualyte.numerics.plane import SpectralMeasure, correlation_length
from dualyte.pellet.compact import Pellet, retained
from dualyte.pellet.predict import STATED
from dualyte.surface import Film, Surface, grit, self_affine, treatment
from dualyte.uncertainty import draw
from dualyte.vocabulary import Floats

Route = Literal["powder-to-pellet", "pellet-to-pellet"]
ROUTES: Final = ("powder-to-pellet", "pellet-to-pellet")
UNLOADS: Final = "k of unloading"
STACKS: Final = tuple(1e6 * p for p in (55, 20, 8.2, 6, 3, 1.8, 1))  # Pa
_NODES: Final = 16


def _prior(quantity: str, low: float, high: float, law: Any, where: str) -> Value:  # noqa: ANN401 (a Law)
    middle = float(np.sqrt(low * high)) if law == "log-uniform" else (low + high) / 2
    return Value(
        quantity=quantity,
        si=middle,
        low=low,
        high=high,
        law=law,
        kind="assumed",
        source="dualyte_prior",
        where=where,
    )


_ROLL_OFF: Final = _prior(
    "length", 6e-6, 10.7e-6, "log-uniform", "roll-off of a ground ceramic face"
)
_HURST: Final = _prior("ratio", 0.7, 0.9, "uniform", "Hurst exponent of ground faces")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoughFace:
    """A garnet face known by its statistics; each seed draws one."""

    sq: Value = field(default_factory=lambda: grit("P1000"))
    correlation_length: Value = _ROLL_OFF
    hurst: Value = _HURST
    cutoff: float = 0.5e-6  #: shortest wavelength kept, m
    size: float = 32e-6  #: side of the periodic cell, m
    n: int = 256

    def draw(self, seed: int, **numbers: float) -> Surface:
        """One face; `numbers` (SI) move sq, correlation_length or hurst."""
        given = {
            name: replace(getattr(self, name), si=float(numbers.get(name, getattr(self, name).si)))
            for name in ("sq", "correlation_length", "hurst")
        }
        return self_affine(cutoff=self.cutoff, seed=seed, size=self.size, n=self.n, **given)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """One interface to predict."""

    soft: Material
    hard: Material
    face: RoughFace | Surface
    film: Film
    transfer: Transfer
    route: Route = "powder-to-pellet"
    fabrication: float = 120e6  #: Pa, of the powder route
    dwell: float = REFERENCE_DWELL  #: s, at the fabrication pressure
    stacks: tuple[float, ...] = STACKS  #: Pa
    temperature: float = ROOM  #: K, at which the interface is measured
    rule: FlowRule = field(default_factory=FlowRule)
    pellet: Pellet | None = None  #: of the soft side: what it conducts follows the stack pressure
    stated: float = STATED  #: Pa, at which the conductivity of `soft` was measured

    def __post_init__(self) -> None:
        if self.route not in ROUTES:
            raise InputError(f"no route {self.route!r} (known: {', '.join(ROUTES)})")
        if not self.stacks:
            raise InputError("no stack pressure is given; give at least one, such as '7 MPa'")
        if self.film.patch > 0 and self.film.coverage < 1:
            raise InputError(
                "a prediction takes film patches finer than the contact (patch = 0); resolved "
                "patches are for resistance() and interface_impedance() of one contact"
            )
        check_temperature(self.temperature)
        if self.pellet is not None and self.route != "powder-to-pellet":
            raise InputError(
                "how a pellet conducts on unloading is known for powder pressed in place; leave "
                "pellet out for the route pellet-to-pellet"
            )
        self.rule.check(self.soft, self.hard, self.history)

    @property
    def history(self) -> tuple[Step, ...]:
        """Holds in order; the powder route also visits the stack pressures on the way up."""
        if self.route == "pellet-to-pellet":
            return pellet_to_pellet(self.stacks)
        return powder_to_pellet(self.fabrication, self.stacks, dwell=self.dwell)

    def softness(self, pressure: float, x: dict[str, Any]) -> Any:  # noqa: ANN401 (float or array)
        """Conductivity of the soft side at a stack pressure [Pa] over the one of its material.

        `x` holds `hardness` and `k of unloading`, numbers or samples; 1 without a pellet.
        """
        if self.pellet is None:
            return 1.0
        top = self.pellet.fabrication
        at = (retained(p, top, x["hardness"], x[UNLOADS]) for p in (pressure, self.stated))
        here, stated = at
        return here / stated


def built_in(**changes: Any) -> Design:  # noqa: ANN401 (fields of Design)
    """Return the LNOC | LLZTO design of the study, or one that differs by `changes`.

    Powder pressed on heat-treated garnet (P1000) at 120 MPa for 3 min, then 55 … 1 MPa.

    >>> built_in().soft.name
    'LNOC'
    """
    fields = {
        "soft": material("LNOC"),
        "hard": material("LLZTO"),
        "face": RoughFace(),
        "film": treatment("heat-treated"),
        "transfer": transfer(),
    }
    return Design(**{**fields, **changes})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContactSample:
    """One pressing of one sampled face: what transport needs, without the maps."""

    seed: int
    numbers: dict[str, float]  #: sampled inputs, SI
    fraction: Floats  #: (s,) per step of the history
    corrected: Floats  #: (s,)
    lengths: Floats  #: (s,) correlation length of the map, m
    gap: Floats  #: (s,) capacitance of the gap per nominal area, F/m²
    nodes: Floats  #: (s, m) of the spectral measures
    weights: Floats  #: (s, m)

    def measure(self, step: int) -> SpectralMeasure:
        """Spectral measure of the map at one step."""
        return SpectralMeasure(
            fraction=float(self.fraction[step]),
            nodes=self.nodes[step],
            weights=self.weights[step],
        )


def contact_inputs(design: Design) -> dict[str, Value]:
    """Inputs that change the contact, by name."""
    soft = design.soft
    names = ["hardness", "youngs_modulus", "poisson_ratio"]
    if any(step.dwell != REFERENCE_DWELL for step in design.history):
        names.append("creep_exponent")
    found = {name: soft[name] for name in names}
    if isinstance(design.face, RoughFace):
        found |= {x: getattr(design.face, x) for x in ("sq", "correlation_length", "hurst")}
    return found


def solve_sample(design: Design, seed: int, numbers: dict[str, float]) -> ContactSample:
    """Press one sampled face."""
    return _summarise(press_sample(design, seed, numbers), seed, numbers)


def press_sample(design: Design, seed: int, numbers: dict[str, float]) -> Contact:
    """Contact of one sampled face, with its maps."""
    face = design.face
    if isinstance(face, RoughFace):
        face = face.draw(seed, **{k: v for k, v in numbers.items() if k in _FACE})
    soft = design.soft.at(**{k: v for k, v in numbers.items() if k not in _FACE})
    return press(soft, design.hard, face, design.history, rule=design.rule, validate=False)


_FACE: Final = ("sq", "correlation_length", "hurst")


def _summarise(contact: Contact, seed: int, numbers: dict[str, float]) -> ContactSample:
    size = contact.surface.size
    measures = [measure_map(m, size, _NODES) for m in contact.maps]
    nodes, weights = np.ones((2, len(measures), _NODES))
    weights[:] = 0
    for k, found in enumerate(measures):  # a small map may end the recurrence early
        nodes[k, : found.nodes.size], weights[k, : found.nodes.size] = found.nodes, found.weights
    return ContactSample(
        seed=seed,
        numbers=numbers,
        fraction=contact.fraction,
        corrected=contact.corrected,
        lengths=np.array([correlation_length(m, size) for m in contact.maps]),
        gap=contact.gap_capacitance,
        nodes=nodes,
        weights=weights,
    )


def sample_contacts(
    design: Design,
    n: int,
    *,
    seed: int = 0,
    workers: int | None = None,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[ContactSample]:
    """Press `n` sampled faces, in parallel; finished ones in `store` are not done again.

    Sample k draws its face with seed `seed` + k + 1. Interrupting keeps what is stored; a
    face that does not converge is left out, unless none does.
    """
    if n < 1:
        raise InputError(f"seeds is {n}; at least one face must be pressed")
    drawn = draw(contact_inputs(design), n, seed=seed)
    jobs = [(seed + k + 1, {name: float(x[k]) for name, x in drawn.items()}) for k in range(n)]
    key = fingerprint(design, n, seed)
    done: dict[int, ContactSample] = {}
    for s, _ in jobs:
        if store and (kept := _load(store, s, key)):
            done[s] = kept
    if progress:
        progress(len(done), n)
    pool = ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1)
    try:
        todo = [pool.submit(solve_sample, design, s, x) for s, x in jobs if s not in done]
        failed = None
        for finished in as_completed(todo):
            try:
                sample = finished.result()
            except ConvergenceError as error:
                failed = error
                continue
            done[sample.seed] = sample
            if store:
                _save(store, sample, key)
            if progress:
                progress(len(done), n)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if failed is not None and not done:
        raise failed
    return [done[s] for s, _ in jobs if s in done]


def finished_contacts(design: Design, n: int, *, seed: int, store: Path) -> list[ContactSample]:
    """Return the samples an interrupted run left in `store`."""
    key = fingerprint(design, n, seed)
    found = [_load(store, seed + k + 1, key) for k in range(n)]
    return [sample for sample in found if sample is not None]


def fingerprint(design: Design, n: int, seed: int) -> str:
    """Hash of all that decides the contact samples: inputs, path, and the code itself."""
    face = design.face
    inputs = contact_inputs(design)
    told = {
        "inputs": {name: (v.si, v.law, v.spread, v.low, v.high) for name, v in inputs.items()},
        "hard": [design.hard[x].si for x in ("youngs_modulus", "poisson_ratio")],
        "steps": [(s.pressure, s.dwell, s.temperature) for s in design.history],
        "rule": (design.rule.chi, design.rule.kappa),
        "n": n,
        "seed": seed,
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    if isinstance(face, Surface):
        digest.update(face.heights.tobytes() + repr(face.size).encode())
    else:
        digest.update(repr((face.cutoff, face.size, face.n)).encode())
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        if path.parent.name in {"interface", "numerics", "surface"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _path(store: Path, seed: int, key: str) -> Path:
    return store / f"{key}-{seed}.npz"


def _save(store: Path, sample: ContactSample, key: str) -> None:
    store.mkdir(parents=True, exist_ok=True)
    arrays = {x: getattr(sample, x) for x in _STORED}
    names, numbers = list(sample.numbers), list(sample.numbers.values())
    path = _path(store, sample.seed, key)
    part = path.with_suffix(".part.npz")  # so that an interrupted write leaves nothing half done
    np.savez(part, names=np.array(names, dtype=np.str_), numbers=np.array(numbers), **arrays)
    part.replace(path)


_STORED: Final = ("fraction", "corrected", "lengths", "gap", "nodes", "weights")


def _load(store: Path, seed: int, key: str) -> ContactSample | None:
    path = _path(store, seed, key)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            names = [str(x) for x in kept["names"]]
            numbers = dict(zip(names, (float(x) for x in kept["numbers"]), strict=True))
            return ContactSample(seed=seed, numbers=numbers, **{x: kept[x] for x in _STORED})
    except (OSError, KeyError, ValueError):  # damaged: press it again
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InterfacePrediction:
    """R_HE and C_HE under each stack pressure, with intervals and reasons; SI."""

    design: Design
    contacts: tuple[ContactSample, ...] = field(repr=False)
    asked: int  #: contact samples asked for; fewer in `contacts` if interrupted
    seed: int
    draws: int
    reference: Contact = field(repr=False)  #: best estimates, first seed: the map to look at
    steps: tuple[int, ...]  #: of the history, one per stack pressure, descending
    inputs: dict[str, Floats] = field(repr=False)  #: (n·draws,) every sampled input
    total: Floats = field(repr=False)  #: (n·draws, k) R_HE
    constriction: Floats = field(repr=False)  #: (n·draws, k)
    film: Floats = field(repr=False)  #: (n·draws, k)
    transfer: Floats = field(repr=False)  #: (n·draws, k)
    capacitance: Floats = field(repr=False)  #: (n·draws, k) as quoted from a fit
    length_ratio: Floats = field(repr=False)  #: (n·draws, k)
    energy: Floats = field(repr=False)  #: (n·draws, k) apparent activation energy of R_HE, J
    values: dict[str, Value] = field(repr=False)  #: what was sampled, for `sources`

    @property
    def pressure(self) -> Floats:
        """(k,) stack pressures, Pa."""
        return self.reference.pressure[list(self.steps)]

    @property
    def fraction(self) -> Floats:
        """(n, k) contact fraction of each sample at the stack pressures."""
        return np.array([c.fraction[list(self.steps)] for c in self.contacts])


def transport_inputs(design: Design) -> dict[str, Value]:
    """Inputs sampled on the stored measures, by name."""
    soft, hard, film, change = design.soft, design.hard, design.film, design.transfer
    pressed = {} if design.pellet is None else {UNLOADS: design.pellet.process.unloading}
    return {
        "r_transfer": change.resistance,
        "Ea_transfer": change.activation_energy,
        "capacitance": change.capacitance,
        "exponent": change.exponent,
        "r_film": film.resistance,
        "Ea_film": film.activation_energy,
        "removal": film.removal,
        "sigma_soft": soft["conductivity"],
        "sigma_hard": hard["conductivity"],
        "Ea_soft": soft["activation_energy"],
        "Ea_hard": hard["activation_energy"],
    } | pressed


def _rigid(hard: Material) -> dict[str, Value]:
    """Properties of the hard side that are used but too unimportant to sample."""
    return {f"{name} (hard)": hard[name] for name in ("youngs_modulus", "poisson_ratio")}


def _correlation(inputs: dict[str, Value]) -> Floats | None:
    """Correlation of inputs that stem from one calibration."""
    fitted = [name for name, value in inputs.items() if value.kind == "calibrated"]
    if not fitted:
        return None
    known = calibration("interface")
    order = {id(value): k for k, value in enumerate(known.values.values())}
    full = np.eye(len(inputs))
    names = list(inputs)
    for a in fitted:
        for b in fitted:
            i, j = order.get(id(inputs[a])), order.get(id(inputs[b]))
            if i is not None and j is not None:
                full[names.index(a), names.index(b)] = known.correlation[i, j]
    return full


def predict_interface(
    design: Design,
    *,
    seeds: int = 20,
    draws: int = 200,
    seed: int = 0,
    workers: int | None = None,
    store: Path | None = None,
    contacts: Sequence[ContactSample] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> InterfacePrediction:
    """Predict contact, R_HE and C_HE of an interface, with 90 % intervals.

    Parameters
    ----------
    design
        What to predict; `built_in()` is the design of the study.
    seeds
        Faces to draw and press; each has its own hardness and moduli.
    draws
        Samples of the remaining inputs on each contact.
    seed
        Of everything random; recorded with the result.
    workers
        Threads; all cores by default.
    store
        Folder for finished contact samples: a second run continues from them.
    contacts
        Contact samples to use instead of pressing.
    progress
        Called with (faces pressed, faces in all).

    Returns
    -------
    InterfacePrediction
        Samples of every quantity; `interface_rows` turns them into a table.

    Raises
    ------
    InputError, ValidityError
        If the design is wrong or outside the range of the model.
    ConvergenceError
        If a solve stops short.
    """
    found = tuple(
        contacts
        if contacts is not None
        else sample_contacts(
            design, seeds, seed=seed, workers=workers, store=store, progress=progress
        )
    )
    if not found:
        raise InputError("no contact sample is finished; run the prediction again to continue")
    reference = press_sample(design, seed + 1, {})
    steps = tuple(reference.step(p) for p in sorted(set(design.stacks), reverse=True))
    inputs = transport_inputs(design)
    n = len(found) * draws
    sampled = draw(inputs, n, seed=seed + 1, correlation=_correlation(inputs))
    order = np.repeat(np.arange(len(found)), draws)
    answers = _transport(design, found, steps, sampled, order)
    per_face = {
        name: np.array([c.numbers[name] for c in found])[order] for name in found[0].numbers
    }
    faces = {"surface seed": np.array([c.seed for c in found])[order]}
    return InterfacePrediction(
        design=design,
        contacts=found,
        asked=seeds if contacts is None else max(seeds, len(found)),
        seed=seed,
        draws=draws,
        reference=reference,
        steps=steps,
        inputs={**sampled, **per_face, **faces},
        values={**contact_inputs(design), **_rigid(design.hard), **inputs},
        **answers,
    )


def _transport(
    design: Design,
    contacts: Sequence[ContactSample],
    steps: Sequence[int],
    x: dict[str, Floats],
    order: npt.NDArray[np.intp],
) -> dict[str, Floats]:
    """Every mechanism for every sample and stack pressure."""
    T = design.temperature
    pressures = sorted(set(design.stacks), reverse=True)
    sigma = {name: x[name] for name in ("sigma_soft", "sigma_hard", "Ea_soft", "Ea_hard")}
    hard = {"hardness": np.array([c.numbers["hardness"] for c in contacts])[order], **x}

    def budget(temperature: float) -> dict[str, Floats]:
        r_t = arrhenius(x["r_transfer"], x["Ea_transfer"], temperature)
        r_f = arrhenius(x["r_film"], x["Ea_film"], temperature) * (1 - x["removal"])
        r = local_resistance(design.film, r_t, r_f)
        rows: dict[str, list[Floats]] = {k: [] for k in _BUDGET}
        for step, pressure in zip(steps, pressures, strict=True):
            here = sigma | {"sigma_soft": x["sigma_soft"] * design.softness(pressure, hard)}
            zeta = resistivity(design.soft, design.hard, temperature, **here)
            total, f = np.empty(r.size), np.empty(r.size)
            for k, sample in enumerate(contacts):
                mine = order == k
                total[mine] = sample.measure(step).impedance(r[mine], zeta[mine])
                f[mine] = sample.fraction[step]
            length = np.array([sample.lengths[step] for sample in contacts])[order]
            gap = np.array([sample.gap[step] for sample in contacts])[order]
            capacitance = f * x["capacitance"] + gap
            numbers = (total, total - r / f, (r - r_t) / f, r_t / f, capacitance)
            for name, number in zip(_BUDGET, (*numbers, length * zeta / r), strict=True):
                rows[name].append(number)
        return {name: np.array(row).T for name, row in rows.items()}

    here, warmer = budget(T), budget(T + 1.0)
    slope = np.log(here["total"] / warmer["total"]) / (1 / T - 1 / (T + 1.0))
    return {**here, "energy": slope * BOLTZMANN}


_BUDGET: Final = ("total", "constriction", "film", "transfer", "capacitance", "length_ratio")
