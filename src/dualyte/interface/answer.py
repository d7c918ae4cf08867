"""A prediction as people and programs read it: rows, flags, Dataset, summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dualyte.interface.predict import InterfacePrediction, RoughFace
from dualyte.interface.transport import (
    Resistance,
    frequencies,
    hetero_interface,
    resistance,
)
from dualyte.material import calibration, facts, sources
from dualyte.uncertainty import interval, shares
from dualyte.vocabulary import WORDS, Floats, show, shown

if TYPE_CHECKING:
    import xarray as xr

_MEASURED_FROM, _MEASURED_TO = 233.15, 313.15  # K: range of the measured conductivities
_ENOUGH: Final = 10  # faces from which on variance is shared among their inputs
_LIMITED: Final = 0.1  # ℓ/ℓ* below which constriction never limits


def interface_rows(prediction: InterfacePrediction) -> list[dict[str, Any]]:
    """One object per stack pressure, descending: plain numbers in the units of the names.

    `mechanisms` are mean shares of R_HE applied to its median, so they add up to it.
    """
    told = {name: sorted(kinds) for name, kinds in sorted(sources(prediction.values).items())}
    return [
        {
            **_identity(prediction),
            **_numbers(prediction, k),
            "fitted_to": fitted_to(prediction, k),
            "flags": flags(prediction, k),
            "sources": told,
        }
        for k in range(len(prediction.steps))
    ]


def fitted_to(prediction: InterfacePrediction, k: int) -> list[str]:
    """Facts that the parameters of this very row were fitted to: then it is no prediction."""
    design = prediction.design
    if design.route != "powder-to-pellet" or design.film.removal.si > 0:
        return []
    here = {
        "soft": design.soft.name,
        "hard": design.hard.name,
        "treatment": design.film.treatment,
        "stack_MPa": _round(shown("pressure", float(prediction.pressure[k]))),
        "temperature_C": _round(shown("temperature", design.temperature)),
    }
    return [
        name
        for name in calibration("interface").facts
        if facts("interface")[name]["quantity"] == "H-E resistance"
        and all(facts("interface")[name].get(key) == value for key, value in here.items())
    ]


def _identity(prediction: InterfacePrediction) -> dict[str, Any]:
    design = prediction.design
    powder = design.route == "powder-to-pellet"
    sq = float(prediction.reference.surface.heights.std())
    return {
        "soft": design.soft.name,
        "hard": design.hard.name,
        "route": design.route,
        "treatment": design.film.treatment,
        "film_removal": design.film.removal.si,
        "surface": prediction.reference.surface.name
        if not isinstance(design.face, RoughFace)
        else "self-affine",
        "sq_nm": _round(shown("roughness", sq)),
        "press_MPa": _round(shown("pressure", design.fabrication)) if powder else None,
        "dwell_min": _round(shown("dwell", design.dwell)) if powder else None,
        "temperature_C": _round(shown("temperature", design.temperature)),
        "seeds": len(prediction.contacts),
        "seed": prediction.seed,
        "capacitance_reading": "number quoted from a fit: C, or Q of a constant-phase element",
        "resistance_reading": "one interface",
    }


def _numbers(prediction: InterfacePrediction, k: int) -> dict[str, Any]:
    total = prediction.total[:, k]
    median = float(np.median(total))
    x = prediction.inputs
    quoted = prediction.capacitance[:, k]
    peak = frequencies(total, quoted, prediction.inputs["exponent"])
    fraction = prediction.fraction[:, k]
    corrected = np.array([c.corrected[prediction.steps[k]] for c in prediction.contacts])
    if len(prediction.contacts) < _ENOUGH:  # too few faces to tell their inputs apart
        faces = prediction.contacts[0].numbers
        x = {name: y for name, y in x.items() if name not in faces}
    part = shares(x, total)
    parts = {
        name: _round(shown("asr", median * float(np.mean(getattr(prediction, name)[:, k] / total))))
        for name in ("constriction", "film", "transfer")
    }
    return {
        "stack_MPa": _round(shown("pressure", float(prediction.pressure[k]))),
        "contact_fraction": _round(np.median(fraction)),
        "contact_fraction_interval_90": _pair(fraction),
        "contact_fraction_corrected": _round(np.median(corrected)),
        "r_he_ohm_cm2": _round(shown("asr", median)),
        "r_he_interval_90": _pair(shown("asr", total)),
        "r_he_if_per_cell_ohm_cm2": _round(shown("asr", median / 2)),
        "c_he_uF_cm2": _round(shown("capacitance", np.median(quoted))),
        "c_he_interval_90": _pair(shown("capacitance", quoted)),
        "c_he_if_per_cell_uF_cm2": _round(shown("capacitance", 2 * np.median(quoted))),
        "activation_energy_eV": _round(
            shown("activation_energy", np.median(prediction.energy[:, k]))
        ),
        "activation_energy_interval_90": _pair(shown("activation_energy", prediction.energy[:, k])),
        "frequency_Hz": {name: _round(np.median(f)) for name, f in peak.items()},
        "frequency_interval_90": {name: _pair(f) for name, f in peak.items()},
        "mechanisms": parts,
        "length_ratio": _round(np.median(prediction.length_ratio[:, k])),
        "widest_input": next(iter(part), ""),
        "variance_shares": {name: _round(share) for name, share in part.items() if share > 0.01},
    }


def _round(number: Any) -> float:  # noqa: ANN401 (a NumPy scalar or float)
    """Six significant digits: more would be noise, and files stay readable."""
    return float(f"{float(number):.6g}")


def _pair(samples: Any) -> list[float]:  # noqa: ANN401 (array-like)
    low, high = interval(samples)
    return [_round(low), _round(high)]


def flags(prediction: InterfacePrediction, k: int) -> list[str]:
    """What a reader must know about one row before using it."""
    design = prediction.design
    found = []
    if fitted := fitted_to(prediction, k):
        found.append(
            f"not a prediction: the calibration is fitted to {', '.join(fitted)}, this row"
        )
    ratio = float(np.median(prediction.length_ratio[:, k]))
    if ratio < _LIMITED:
        found.append(
            f"not constriction-limited: ℓ/ℓ* = {ratio:.2g}, R follows 1/f of the true contact"
        )
    if (design.soft.name, design.hard.name) != ("LNOC", "LLZTO"):
        found.append(
            "transfer, film and capacitance per true contact are calibrated on LNOC | LLZTO and "
            f"carried over to {design.soft.name} | {design.hard.name}"
        )
    found.append(
        "per interface: if the values calibrated on are sums of two interfaces, R halves and C "
        "doubles"
    )
    peak = frequencies(
        np.median(prediction.total[:, k]),
        np.median(prediction.capacitance[:, k]),
        np.median(prediction.inputs["exponent"]),
    )
    found.append(
        f"the arc peaks at {show('frequency', float(peak['C']), 2)} if the capacitance is a C, at "
        f"{show('frequency', float(peak['Q']), 2)} if it is the Q of an element with n = "
        f"{float(np.median(prediction.inputs['exponent'])):.2f}"
    )
    assumed = [
        name
        for name, v in prediction.values.items()
        if v.kind == "assumed" and _wide(v) and name in prediction.inputs
    ]
    if assumed:
        found.append(f"assumed within a range: {', '.join(assumed)}")
    if not _MEASURED_FROM <= design.temperature <= _MEASURED_TO:
        found.append(
            "temperature outside the measured range of -40 … 40 degC: Arrhenius laws extrapolated"
        )
    if design.film.removal.si > 0:
        found.append(f"grinding is taken to remove {design.film.removal.si:.0%} of the film")
    if design.soft.name == "LPSCl":
        found.append("contact of LPSCl comes out lower than the published mesoscale model (17 %)")
    if len(prediction.contacts) < 20:
        found.append(f"{len(prediction.contacts)} faces pressed: intervals need 20 or more")
    if len(prediction.contacts) < prediction.asked:
        found.append(
            f"{len(prediction.contacts)} of {prediction.asked} faces are finished: interrupted, or "
            "the others did not converge"
        )
    if not isinstance(design.face, RoughFace):
        found.append("one measured face: its scatter from place to place is not in the interval")
        found += [f"surface: {sentence}" for sentence in design.face.changes]
    return found


def _wide(value: Any) -> bool:  # noqa: ANN401 (a Value)
    low, high = value.interval()
    return bool(high > low)


def budget(prediction: InterfacePrediction) -> Resistance:
    """Resistance budget of the reference contact (best estimates, first seed), all steps."""
    found = hetero_interface(
        prediction.reference, prediction.design.film, charge_transfer=prediction.design.transfer
    )
    return resistance(found, temperature=prediction.design.temperature)


def to_dataset(prediction: InterfacePrediction) -> xr.Dataset:
    """Everything that was sampled, as a Dataset that can be saved and drawn."""
    import xarray as xr

    k = ("sample", "stack_pressure")
    asr, unit = {"units": WORDS["asr"].unit}, WORDS
    names = {"total": "r_he", "constriction": "r_constriction", "film": "r_film"}
    names |= {"transfer": "r_transfer"}
    data: dict[str, Any] = {new: (k, getattr(prediction, old), asr) for old, new in names.items()}
    data["c_he"] = (k, prediction.capacitance, {"units": unit["capacitance"].unit})
    data["length_ratio"] = (k, prediction.length_ratio)
    data["contact_fraction"] = (("face", "step"), _steps(prediction, "fraction"))
    data["contact_fraction_corrected"] = (("face", "step"), _steps(prediction, "corrected"))
    data["history_pressure"] = ("step", prediction.reference.pressure, {"units": "Pa"})
    data["unloading"] = ("step", prediction.reference.unloading.astype("i1"))
    for name, x in prediction.inputs.items():
        data[f"input_{name.replace(' ', '_')}"] = ("sample", x)
    data["contact_map"] = (
        ("stack_pressure", "x", "y"),
        prediction.reference.maps[list(prediction.steps)].astype("i1"),
    )
    data["height"] = (("x", "y"), prediction.reference.surface.heights, {"units": "m"})
    about = {name: str(value) for name, value in _identity(prediction).items()}
    return xr.Dataset(
        data,
        coords={"stack_pressure": ("stack_pressure", prediction.pressure, {"units": "Pa"})},
        attrs=about,
    )


def _steps(prediction: InterfacePrediction, name: str) -> Floats:
    return np.array([getattr(c, name) for c in prediction.contacts])


def conditions(prediction: InterfacePrediction) -> str:
    """One line: who is pressed on what, and how."""
    design = prediction.design
    sq = show("roughness", float(prediction.reference.surface.heights.std()))
    history = f"{design.route}"
    if design.route == "powder-to-pellet":
        history += (
            f", {show('pressure', design.fabrication)} for {show('dwell', design.dwell)}, unloaded"
        )
    rule = design.rule
    return (
        f"{design.soft.name} | {design.hard.name} ({design.film.treatment}, Sq {sq}), {history}, "
        f"{show('temperature', design.temperature)}, p_Y = {rule.chi:.3g} H + {rule.kappa:.3g} P"
    )
