"""A pellet with its doubt: every uncertain input sampled, and what widens the answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.material import Material, Value, calibration, facts, sources
from dualyte.pellet.compact import (
    Densification,
    Model,
    Pellet,
    compact,
    densification,
    densify,
    law_of,
    retained,
    warmth,
)
from dualyte.pellet.conductivity import over_dense_bracket
from dualyte.pellet.history import History, hold
from dualyte.pellet.master import MasterCurve
from dualyte.uncertainty import draw, interval, shares
from dualyte.vocabulary import Floats

STACKS: Final = tuple(1e6 * p for p in (120, 55, 20, 7.2, 3, 1))  # Pa
UNLOADING: Final = (55e6, 7.2e6)  # Pa, of the study's Fig. 1f
REFERENCE: Final = (120e6, 180.0)  # Pa, s: the pellet whose conductivity a material file states
STATED: Final = 55e6  # Pa, at which it was measured


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PelletPrediction:
    """A pellet and samples of it; SI."""

    pellet: Pellet  #: at the best estimates
    other: Pellet | None  #: the same pressing by the other model, for comparison
    stacks: Floats  #: (k,) Pa, descending
    unloading: tuple[float, float]  #: pressures between which the loss is quoted, Pa
    seed: int
    draws: int
    inputs: dict[str, Floats] = field(repr=False)  #: (n,) every sampled input
    values: dict[str, Value] = field(repr=False)  #: what was sampled, for `sources`
    density: Floats = field(repr=False)  #: (n, m) relative density at the pellet's times
    loss: Floats = field(repr=False)  #: (n,) relative change of conductivity on unloading
    conductivity: Floats = field(repr=False)  #: (n, k) S/m at the stack pressures

    @property
    def flags(self) -> tuple[str, ...]:
        """What to know before using it."""
        return (
            *self.pellet.flags,
            "the conductivity of the material file is taken as that of a pellet pressed at "
            "120 MPa for 3 min and held at 55 MPa (assumed)",
            "the work is a best estimate without an interval; its elastic part rests on a Young's "
            f"modulus that is {self.pellet.material['youngs_modulus'].kind}",
        )

    @property
    def fitted_to(self) -> dict[str, str]:
        """Fields of `pellet_rows` that a fact was fitted to, and which: no predictions."""
        found = {}
        pressed = self.pellet.fabrication == REFERENCE[0] and self.pellet.creep
        held = self.pellet.time[-1] == REFERENCE[1] and self.pellet.history.pressure.min() > 0
        for name, fact in facts("pellet").items():
            if fact["use"] != "calibration" or fact["material"] != self.pellet.material.name:
                continue
            if fact["quantity"] == "relative density" and pressed and held:
                found["relative_density"] = name
            if "unloading" in fact["quantity"] and pressed and self.unloading == UNLOADING:
                found["unloading_loss_percent"] = name
        return found


def predict_pellet(
    material: Material,
    history: History | None = None,
    *,
    model: Model = "map",
    exponent: float = 7.0,
    creep: bool = True,
    stacks: tuple[float, ...] = STACKS,
    unloading: tuple[float, float] = UNLOADING,
    curve: MasterCurve | None = None,
    surface_energy: float = 0.0,
    size: float = 2e-6,
    draws: int = 300,
    seed: int = 0,
) -> PelletPrediction:
    """Press a powder with uncertain hardness, start, rate and unloading.

    Parameters
    ----------
    material
        Needs hardness and conductivity.
    history
        Of the press; 120 MPa for 3 min by default.
    model, exponent, creep, curve, surface_energy, size
        As for `densification` and `compact`.
    stacks
        Pressures at which the conductivity is wanted [Pa]; those above the fabrication
        pressure are left out.
    unloading
        Pressures between which the loss of conductivity is quoted [Pa].
    draws, seed
        Of the samples.

    Returns
    -------
    PelletPrediction
        The pellet at the best estimates, the same by the other model, and samples.
    """
    if draws < 2:
        raise InputError(f"draws is {draws}; an interval needs two or more")
    history = history or hold(*REFERENCE)
    process = densification(model, exponent, curve=curve)
    pellet = compact(
        material, history, process=process, creep=creep, surface_energy=surface_energy, size=size
    )
    top = pellet.fabrication
    if not 0 < unloading[1] < unloading[0] <= top:
        raise InputError(
            f"the loss on unloading is asked from {unloading[0] / 1e6:g} to "
            f"{unloading[1] / 1e6:g} MPa; both must lie below the fabrication pressure, "
            f"{top / 1e6:g} MPa, the first above the second"
        )
    other = None
    if curve is None:
        second: Model = "mesoscale" if model == "map" else "map"
        other = compact(
            material, history, process=densification(second, exponent), creep=creep,
            surface_energy=surface_energy, size=size,
        )  # fmt: skip
    values = _inputs(material, process)
    inputs = draw(values, draws, seed=seed, correlation=_correlation(model, exponent, values))
    at = np.array(sorted({p for p in stacks if p <= top}, reverse=True))
    density = _sampled(
        material, pellet.history, inputs, process, creep=creep, surface=pellet.surface
    )
    share = np.random.default_rng(seed).uniform(size=draws)  # place in the conductivity bracket
    inputs["place in the conductivity bracket"] = share
    H, k = inputs["hardness"], inputs["k of unloading"]
    keep = retained(at[None, :], top, H[:, None], k[:, None])
    a, b = retained(np.array(unloading)[:, None], top, H, k)
    return PelletPrediction(
        pellet=pellet,
        other=other,
        stacks=at,
        unloading=unloading,
        seed=seed,
        draws=draws,
        inputs=inputs,
        values=values,
        density=density,
        loss=b / a - 1,
        conductivity=_conductivity(pellet, inputs, density, keep, share),
    )


def _inputs(material: Material, process: Densification) -> dict[str, Value]:
    return {
        "hardness": material["hardness"],
        "start": process.start,
        "rate": process.rate,
        "k of unloading": process.unloading,
        "conductivity": material["conductivity"],
    }


def _correlation(model: str, exponent: float, values: dict[str, Value]) -> Floats:
    """Start and rate were fitted together."""
    known = calibration("pellet")
    names = list(known.values)
    a, b = (names.index(f"{model}_n{exponent:g}_{x}") for x in ("start", "rate"))
    full = np.eye(len(values))
    i, j = (list(values).index(x) for x in ("start", "rate"))
    full[i, j] = full[j, i] = known.correlation[a, b]
    return full


def _sampled(
    material: Material, history: History, inputs: dict[str, Floats], process: Densification, *,
    creep: bool, surface: float = 0.0,
) -> Floats:  # fmt: skip
    """Densities (n, m) over a history; starts closer than a thousandth share a law."""
    starts = np.clip(np.round(inputs["start"], 3), 0.45, 0.75)
    factor, law = warmth(material, history), process.law
    found = np.empty((starts.size, history.time.size))
    for start in np.unique(starts):
        rows = starts == start
        found[rows] = densify(
            law_of(law.name, float(start), law.exponent, law.curve),  # type: ignore[arg-type]  # a Model
            history,
            inputs["hardness"][rows] / 3,
            inputs["rate"][rows],
            factor,
            creep=creep,
            surface=surface,
        )
    return found


def _conductivity(
    pellet: Pellet, inputs: dict[str, Floats], density: Floats, keep: Floats, share: Floats
) -> Floats:
    """Conductivity (n, k) at the stack pressures, against that of the reference pellet."""
    reference = hold(*REFERENCE).resolved()
    standard = _sampled(pellet.material, reference, inputs, pellet.process, creep=True)

    def over(D: Floats) -> Floats:
        low, high = over_dense_bracket(D)
        return np.asarray(low + share * (high - low))

    H, k = inputs["hardness"], inputs["k of unloading"]
    known = over(standard[:, -1]) * retained(STATED, REFERENCE[0], H, k)
    ratio = over(density[:, -1]) / known
    return np.asarray((inputs["conductivity"] * ratio)[:, None] * keep)


def layer(found: PelletPrediction, pressure: float = STATED) -> Material:
    """Return the electrolyte as this pellet conducts it at a stack pressure [Pa], for a cell.

    The conductivity is `computed`: that of the material, over the density and the unloading
    of the pellet against the pellet that the material file describes.
    """
    k = int(np.argmin(np.abs(found.stacks - pressure)))
    if abs(found.stacks[k] - pressure) > 1e-6 * pressure:
        raise InputError(
            f"the pellet was not predicted at {pressure / 1e6:g} MPa (known: "
            f"{', '.join(f'{p / 1e6:g}' for p in found.stacks)} MPa)"
        )
    sample = found.conductivity[:, k]
    stated = found.pellet.material["conductivity"]
    value = Value(
        quantity="conductivity",
        si=float(np.median(sample)),
        kind="computed",
        source=stated.source,
        where=f"{stated.where}, scaled to a pellet of relative density {found.pellet.density:.3f}",
        law="log-normal",
        spread=float(np.log(sample).std()),
    )
    old = found.pellet.material
    return replace(old, properties={**old.properties, "conductivity": value})


def pellet_rows(found: PelletPrediction) -> dict[str, Any]:
    """Answer for machines: what `dualyte predict pellet --json` prints under `pellet`."""
    pellet = found.pellet
    low, high = interval(found.density[:, -1])
    loss = interval(found.loss)
    work = pellet.work
    sigma = interval(found.conductivity, axis=0)
    middle = np.median(found.conductivity, axis=0)
    widest = shares(found.inputs, 1 - found.density[:, -1] + 1e-9)
    dense = over_dense_bracket(pellet.density)
    moduli = {x: pellet.material[x] for x in ("youngs_modulus", "poisson_ratio")}  # of the work
    used = found.values | moduli
    return {
        "material": pellet.material.name,
        "model": pellet.process.law.name,
        "exponent": pellet.process.law.exponent,
        "creep": pellet.creep,
        "relative_density": pellet.density,
        "relative_density_90": [float(low), float(high)],
        "relative_density_by_yielding": float(pellet.yielded[-1]),
        "other_model": None
        if found.other is None
        else {
            "model": found.other.process.law.name,
            "relative_density": found.other.density,
        },
        "curve": {
            "time_s": pellet.time.tolist(),
            "relative_density": pellet.relative_density.tolist(),
        },
        "conductivity_over_dense": [float(x) for x in dense],
        "conductivity": [
            {
                "pressure_MPa": float(p / 1e6),
                "value_mS_per_cm": float(m * 10),
                "interval_90": [float(a * 10), float(b * 10)],
            }
            for p, m, a, b in zip(found.stacks, middle, *sigma, strict=True)
        ],
        "unloading_MPa": [p / 1e6 for p in found.unloading],
        "unloading_loss_percent": 100 * pellet.unloading_loss(*found.unloading),
        "unloading_loss_percent_90": [100 * float(x) for x in loss],
        "work_J_per_cm3": work.total / 1e6,
        "work_plastic_J_per_cm3": work.plastic / 1e6,
        "work_elastic_J_per_cm3": work.elastic / 1e6,
        "spring_back": work.spring_back,
        "fitted_to": found.fitted_to,
        "widest_input": next(iter(widest), None),
        "flags": list(found.flags),
        "sources": {key: sorted(kinds) for key, kinds in sorted(sources(used).items())},
    }
