"""Fits named free parameters to facts marked `calibration`, and writes what it found.

Nothing else in the package may adjust a parameter to a measurement of the study.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.calibrate.files import write_values
from dualyte.errors import InputError
from dualyte.interface.predict import ContactSample, Design, RoughFace, sample_contacts
from dualyte.interface.press import BOLTZMANN, ROOM
from dualyte.interface.transport import Transfer, resistivity
from dualyte.material import Value, facts, material
from dualyte.surface import Film
from dualyte.vocabulary import Floats, q, show

FACTS: Final = ("F114", "F105", "F084", "F106", "F104", "F107", "F085")
_ENERGY_RANGE: Final = (0.3, 1.1)  # eV: of any film on garnet, lithium carbonate included


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InterfaceFit:
    """Samples of the calibrated parameters, SI, and what they were fitted to."""

    samples: dict[str, Floats] = field(repr=False)  #: name: (n,)
    quantities: dict[str, str]  #: name: row of the vocabulary
    facts: tuple[str, ...]
    kept: float  #: share of the draws that gave physical parameters
    inputs: str  #: hash of facts and materials

    def __str__(self) -> str:
        rows = [f"calibrated on {', '.join(self.facts)} ({self.kept:.0%} of the draws physical)"]
        rows += [
            f"  {row['parameter']}: {row['value']} ({row['low']} … {row['high']})"
            for row in summary(self)
        ]
        return "\n".join(rows)


def calibrate_interface(
    *,
    seeds: int = 40,
    draws: int = 500,
    seed: int = 0,
    workers: int | None = None,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> InterfaceFit:
    """Fit transfer, films and capacitance per true contact of LNOC | LLZTO.

    One transfer resistance from F114 (heat-treated, 1.8 MPa) with the activation energy
    of F105; a film in series with it for polished (F084, F106) and for acid-treated
    garnet (F104, F107); the capacitance of true contact from F085. As many parameters as
    facts: every draw of the facts and of the contact gives one exact solution, and draws
    that need a negative film are rejected.

    Parameters
    ----------
    seeds, draws
        Faces pressed, and draws of the facts on each.
    seed, workers, store, progress
        As for `predict_interface`.

    Returns
    -------
    InterfaceFit
        Parameter samples; `write` puts them into the package's data.
    """
    design = _study()
    contacts = sample_contacts(
        design, seeds, seed=seed, workers=workers, store=store, progress=progress
    )
    rng = np.random.default_rng(seed)
    rows = [_solve(design, contact, draws, rng) for contact in contacts]
    drawn = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    low, high = (q(f"{e} eV") for e in _ENERGY_RANGE)
    good = np.ones(next(iter(drawn.values())).size, dtype=bool)
    for name, x in drawn.items():
        good &= (low < x) & (x < high) if name.endswith("energy") else x > 0
    words = {name: "activation_energy" if name.endswith("energy") else "asr" for name in drawn} | {
        "transfer_capacitance": "capacitance"
    }
    return InterfaceFit(
        samples={name: x[good] for name, x in drawn.items()},
        quantities=words,
        facts=FACTS,
        kept=float(good.mean()),
        inputs=_hash(design),
    )


def _study() -> Design:
    """The cells of the facts; transfer and film are what is sought, so none is given."""
    zero = {
        word: Value(quantity=word, si=0.0, kind="assumed", source="dualyte_prior", where="sought")
        for word in ("asr", "activation_energy", "capacitance", "fraction", "cpe_exponent")
    }
    film = Film(
        treatment="sought",
        resistance=zero["asr"],
        activation_energy=zero["activation_energy"],
        removal=zero["fraction"],
    )
    change = Transfer(
        resistance=zero["asr"],
        activation_energy=zero["activation_energy"],
        capacitance=zero["capacitance"],
        exponent=zero["cpe_exponent"],
    )
    return Design(
        soft=material("LNOC"),
        hard=material("LLZTO"),
        face=RoughFace(),
        film=film,
        transfer=change,
        stacks=(55e6, 1.8e6),
    )


def _solve(
    design: Design, contact: ContactSample, draws: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Exact parameters of each draw of the facts on one contact."""
    top, low = _index(design, 55e6), _index(design, 1.8e6)
    zeta = float(resistivity(design.soft, design.hard, ROOM))
    Ea_zeta = _apparent(design)
    at = {name: _drawn(name, draws, rng) for name in FACTS}
    r_ct = _local(contact, low, at["F114"], zeta)
    found = {
        "transfer_resistance": r_ct,
        "transfer_activation_energy": _energy(contact, top, r_ct, at["F105"], zeta, Ea_zeta),
        "transfer_capacitance": (at["F085"] - contact.gap[top]) / contact.fraction[top],
    }
    for film, R, Ea in (("polished", "F084", "F106"), ("phosphoric_acid", "F104", "F107")):
        r = _local(contact, top, at[R], zeta)
        r_film = r - r_ct
        Ea_r = _energy(contact, top, r, at[Ea], zeta, Ea_zeta)
        with np.errstate(divide="ignore", invalid="ignore"):
            Ea_film = (Ea_r * r - found["transfer_activation_energy"] * r_ct) / r_film
        found[f"film_{film}_resistance"] = r_film
        found[f"film_{film}_activation_energy"] = np.nan_to_num(Ea_film, nan=-1.0)
    return found


def _index(design: Design, pressure: float) -> int:
    """Last step of the history at a pressure: on unloading."""
    return max(k for k, s in enumerate(design.history) if abs(s.pressure - pressure) < 1.0)


def _drawn(name: str, n: int, rng: np.random.Generator) -> Floats:
    """SI draws of a fact within its stated uncertainty."""
    row = facts("interface")[name]
    if row["use"] != "calibration":
        raise InputError(f"{name} is marked {row['use']!r}; only calibration facts may be fitted")
    number = rng.normal(row["value"], row["spread"], n)
    return np.asarray(number * (q(f"1 {row['unit']}")))


def _local(contact: ContactSample, step: int, total: Floats, zeta: float) -> Floats:
    """Local resistance r that gives R_HE = `total` on a map: monotone, by fixed point."""
    measure = contact.measure(step)
    r = total * measure.fraction
    for _ in range(50):
        r = np.maximum(
            r + (total - measure.impedance(np.maximum(r, 1e-12), zeta)) * measure.fraction, 1e-12
        )
    return np.where(total > measure.impedance(1e-12, zeta), r, -1.0)


def _apparent(design: Design) -> float:
    """Activation energy of ζ at 25 °C, J."""
    a, b = (float(resistivity(design.soft, design.hard, T)) for T in (ROOM, ROOM + 0.1))
    return float(np.log(a / b) / (1 / ROOM - 1 / (ROOM + 0.1)) * BOLTZMANN)


def _energy(
    contact: ContactSample, step: int, r: Floats, apparent: Floats, zeta: float, Ea_zeta: float
) -> Floats:
    """Activation energy of r, given that of R_HE and of constriction."""
    total = contact.measure(step).impedance(np.maximum(r, 1e-12), zeta)
    share = np.maximum(r, 1e-12) / contact.fraction[step] / total
    return np.asarray((apparent - (1 - share) * Ea_zeta) / share)


def _hash(design: Design) -> str:
    """Identify the facts and materials that went in."""
    rows = {name: facts("interface")[name] for name in FACTS}
    names = ("hardness", "youngs_modulus", "poisson_ratio", "conductivity", "activation_energy")
    stuff = {
        side.name: {x: str(side[x]) for x in names if x in side}
        for side in (design.soft, design.hard)
    }
    told = json.dumps([rows, stuff], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def write(fit: InterfaceFit, path: Path) -> Path:
    """Write a fit as TOML: values with intervals, facts used, correlation, input hash."""
    names = list(fit.samples)
    scores = np.column_stack([_scale(fit, name) for name in names])
    correlation = np.atleast_2d(np.corrcoef(scores, rowvar=False))
    return write_values(
        path,
        "interface",
        facts=fit.facts,
        inputs=fit.inputs,
        remarks=(
            f"{fit.kept:.1%} of the draws give physical parameters",
            "quoted R and C are read as one interface (F090)",
            "contact after pressing at 120 MPa and unloading to 55 and 1.8 MPa",
        ),
        correlation=correlation,
        entries={name: _entry(fit, name) for name in names},
    )


def _scale(fit: InterfaceFit, name: str) -> Floats:
    """Samples as they enter their law: energies as they are, the rest as logarithms."""
    x = fit.samples[name]
    return x if fit.quantities[name] == "activation_energy" else np.log(x)


_OF: Final = {
    "transfer": ("F114", "F105"),
    "transfer_capacitance": ("F085",),
    "film_polished": ("F084", "F106"),
    "film_phosphoric_acid": ("F104", "F107"),
}


def _entry(fit: InterfaceFit, name: str) -> Sequence[str]:
    word = fit.quantities[name]
    unit = {"asr": "ohm cm2", "capacitance": "uF/cm2", "activation_energy": "eV"}[word]
    x = _scale(fit, name)
    normal = word == "activation_energy"
    size = q(f"1 {unit}")
    middle = float(np.median(fit.samples[name])) / size
    low, high = np.quantile(x, [0.05, 0.95])
    spread = float(high - low) / 2 / 1.6449 / (size if normal else 1.0)
    stem = max((key for key in _OF if name.startswith(key)), key=len)
    return [
        f'quantity = "{word}"',
        f"value = {middle:.4g}",
        f"spread = {spread:.3g}",
        f'law = "{"normal" if normal else "log-normal"}"',
        f'unit = "{unit}"',
        'kind = "calibrated"',
        'source = "paper2026"',
        f'where = "LNOC on LLZTO, fitted to {", ".join(_OF[stem])}"',
    ]


def summary(fit: InterfaceFit) -> list[dict[str, Any]]:
    """Rows of calibrated parameters: name, value, 90 % interval, unit."""
    rows = []
    for name, x in fit.samples.items():
        word = fit.quantities[name]
        low, middle, high = (show(word, float(v), 3) for v in np.quantile(x, [0.05, 0.5, 0.95]))
        rows.append({"parameter": name, "value": middle, "low": low, "high": high})
    return rows
