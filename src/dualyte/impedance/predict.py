"""The spectrum that a predicted interface shows in a cell, under each stack pressure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.circuit import Circuit, write
from dualyte.circuit.elements import KINDS, slots
from dualyte.errors import InputError
from dualyte.impedance.layers import Complexes
from dualyte.impedance.stack import FREQUENCIES, Bilayer, bilayer
from dualyte.interface.answer import fitted_to
from dualyte.interface.predict import ContactSample, InterfacePrediction
from dualyte.interface.transport import (
    Reading,
    arrhenius,
    hetero_interface,
    local_resistance,
    resistivity,
)
from dualyte.material import Value
from dualyte.uncertainty import draw, interval
from dualyte.vocabulary import WORDS, Floats, show, shown

if TYPE_CHECKING:
    import xarray as xr

CellKind = Literal["symmetric", "interface"]
CELLS: Final = ("symmetric", "interface")
_SAMPLES: Final = 400  # for a band; more would change it by less than its own scatter
_NODES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpedancePrediction:
    """Spectra of the cell with a predicted interface, one per stack pressure; Ω m²."""

    prediction: InterfacePrediction = field(repr=False)
    cell: CellKind
    bilayer: Bilayer  #: layers and electrodes around the reference contact
    reading: Reading
    frequency: Floats  #: (m,) Hz, descending
    z: Complexes  #: (k, m) at the medians of all inputs, on the median face
    samples: Complexes = field(repr=False)  #: (n, k, m)
    circuits: tuple[Circuit, ...] = field(repr=False)  #: (k,) equivalent circuits of `z`
    values: dict[str, Value] = field(repr=False)  #: what was sampled, for `sources`

    def to_dataset(self) -> xr.Dataset:
        """Return median spectra and samples as a Dataset that can be saved and drawn."""
        import xarray as xr

        unit, k = {"units": WORDS["impedance"].unit}, ("stack_pressure", "frequency")
        return xr.Dataset(
            {
                "re": (k, self.z.real, unit),
                "im": (k, self.z.imag, unit),
                "re_samples": (("sample", *k), self.samples.real, unit),
                "im_samples": (("sample", *k), self.samples.imag, unit),
            },
            coords={
                "stack_pressure": ("stack_pressure", self.prediction.pressure, {"units": "Pa"}),
                "frequency": ("frequency", self.frequency, {"units": WORDS["frequency"].unit}),
            },
            attrs={
                "cell": self.name, "interfaces": self.interfaces, "convention": convention(self),
                "reading": self.reading, "temperature_K": self.prediction.design.temperature,
            },
        )  # fmt: skip

    @property
    def interfaces(self) -> int:
        """Interfaces in series that R and C belong to."""
        return self.bilayer.interfaces if self.cell == "symmetric" else 1

    @property
    def name(self) -> str:
        """What figures call the cell."""
        design = self.prediction.design
        return (
            self.bilayer.name
            if self.cell == "symmetric"
            else f"{design.soft.name} | {design.hard.name}, interface"
        )


def predict_impedance(
    prediction: InterfacePrediction,
    *,
    cell: CellKind = "symmetric",
    hard_thickness: Value | float | None = None,
    soft_thickness: Value | float | None = None,
    reading: Reading = "Q",
    frequency: npt.ArrayLike | None = None,
) -> ImpedancePrediction:
    """Spectra that a predicted interface shows in a cell, with 90 % bands.

    Parameters
    ----------
    prediction
        What `predict_interface` found.
    cell
        `"symmetric"`: soft | hard | soft between blocking electrodes, with two interfaces;
        `"interface"`: one interface alone.
    hard_thickness, soft_thickness
        Of the hard layer and of each soft layer [m], or a `Value`; assumed ranges by default.
    reading
        Of the capacitance that the calibration quotes: Q of a constant-phase element, or C.
    frequency : (m,)
        Hz; 7 MHz to 1 Hz with 69 points by default.

    Returns
    -------
    ImpedancePrediction
        `z` is one physical spectrum per stack pressure: every input at its median, on the
        face whose R_HE is nearest the median. `samples` vary contact, transfer, film, layers
        and electrodes together.

    Raises
    ------
    InputError
        If the cell or the reading is none of those.
    """
    if cell not in CELLS:
        raise InputError(f"cell is {cell!r}; it is one of {', '.join(CELLS)}")
    if reading not in ("C", "Q"):
        raise InputError(f"reading is {reading!r}; it is C or Q")
    f = FREQUENCIES if frequency is None else np.sort(np.asarray(frequency, np.float64))[::-1]
    if not (np.isfinite(f) & (f > 0)).all():
        raise InputError("a frequency is not a positive number; give them in Hz")
    joined = hetero_interface(
        prediction.reference, prediction.design.film, steps=prediction.steps, nodes=_NODES,
        charge_transfer=prediction.design.transfer,
    )  # fmt: skip
    around = bilayer(joined, hard_thickness=hard_thickness, soft_thickness=soft_thickness)
    inputs = around.layer_inputs() if cell == "symmetric" else {}
    layers = {x: v for x, v in inputs.items() if x not in _SHARED}
    middle = {
        x: float(v.quantile(0.5))
        for x, v in {**layers, **prediction.values}.items()
        if x in layers or x in prediction.inputs
    }
    model = _Model(prediction, around, cell, reading, f)
    z, circuits = model.middle(middle)
    return ImpedancePrediction(
        prediction=prediction,
        cell=cell,
        bilayer=around,
        reading=reading,
        frequency=f,
        z=z,
        samples=model.sampled(layers),
        circuits=circuits,
        values={**prediction.values, **layers},
    )


#: Numbers that interface and layers share, by their names in either.
_SHARED: Final = {
    "hard conductivity": "sigma_hard",
    "soft conductivity": "sigma_soft",
    "soft activation_energy": "Ea_soft",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Evaluates the cell at numbers or at samples of its inputs."""

    prediction: InterfacePrediction
    cell: Bilayer
    kind: CellKind
    reading: Reading
    frequency: Floats

    @property
    def s(self) -> Complexes:
        return np.asarray(2j * np.pi * self.frequency)

    def one(self, face: ContactSample, step: int, x: dict[str, Any]) -> Complexes:
        """Impedance of one interface on one face, (..., m)."""
        r, zeta = _local(self.prediction, step, x)
        n = np.asarray(x["exponent"] if self.reading == "Q" else 1.0)[..., None]
        bypass = np.asarray(x["capacitance"])[..., None] * self.s**n
        local = 1 / (1 / r[..., None] + bypass)
        plane = face.measure(step).impedance(local, zeta[..., None])
        return np.asarray(1 / (1 / plane + self.s * face.gap[step]))

    def around(self, step: int, x: dict[str, Any]) -> Complexes:
        """Impedance of layers and electrodes, (..., m); zero for the interface alone."""
        if self.kind == "interface":
            return 0 * self.s
        shared = _shared(self.prediction, step, x)
        return self.cell.layers(self.s, self.prediction.design.temperature, **{**x, **shared})

    @property
    def count(self) -> int:
        return self.cell.interfaces if self.kind == "symmetric" else 1

    def middle(self, x: dict[str, float]) -> tuple[Complexes, tuple[Circuit, ...]]:
        """Median spectrum and circuit of every stack pressure."""
        rows, circuits = [], []
        temperature = self.prediction.design.temperature
        for step in self.prediction.steps:
            r, zeta = _local(self.prediction, step, x)
            found = [float(c.measure(step).impedance(r, zeta)) for c in self.prediction.contacts]
            k = int(np.argmin(np.abs(np.array(found) - np.median(found))))
            face = self.prediction.contacts[k]
            rows.append(self.count * self.one(face, step, x) + self.around(step, x))
            quoted = float(face.fraction[step]) * x["capacitance"]
            he = (found[k], quoted, x["exponent"], float(face.gap[step]))
            named = _shared(self.prediction, step, x)
            circuits.append(self.cell.lumped(he, temperature, self.reading, **{**x, **named}))
        return np.array(rows), tuple(circuits)

    def sampled(self, layers: dict[str, Value]) -> Complexes:
        """Spectra of samples of every input, (n, k, m)."""
        found = self.prediction
        rng = np.random.default_rng(found.seed + 2)
        n = min(_SAMPLES, found.total.shape[0])
        chosen = np.sort(rng.choice(found.total.shape[0], n, replace=False))
        order = chosen // found.draws
        x: dict[str, Any] = {name: y[chosen] for name, y in found.inputs.items()}
        x |= draw(layers, n, seed=found.seed + 2)
        z = np.empty((n, len(found.steps), self.frequency.size), dtype=np.complex128)
        outside = np.stack(
            [np.broadcast_to(self.around(step, x), z[:, 0].shape) for step in found.steps], axis=1
        )
        for k in np.unique(order):
            mine = order == k
            part = {name: y[mine] for name, y in x.items()}
            for j, step in enumerate(found.steps):
                z[mine, j] = self.count * self.one(found.contacts[k], step, part)
        return np.asarray(z + outside)


def _soft(found: InterfacePrediction, step: int, x: dict[str, Any]) -> Any:  # noqa: ANN401 (float or array)
    """Conductivity [S/m] of the soft side at the stack pressure of a step."""
    return x["sigma_soft"] * found.design.softness(float(found.reference.pressure[step]), x)


def _shared(found: InterfacePrediction, step: int, x: dict[str, Any]) -> dict[str, Any]:
    """Numbers that the layers take from the interface, at one step."""
    soft = _soft(found, step, x)
    return {name: soft if key == "sigma_soft" else x[key] for name, key in _SHARED.items()}


def _local(found: InterfacePrediction, step: int, x: dict[str, Any]) -> tuple[Floats, Floats]:
    """Resistance of a unit of true contact [Ω m²] and ζ [Ω m], from numbers or samples."""
    design = found.design
    T = design.temperature
    sigma = {name: x[name] for name in ("sigma_hard", "Ea_soft", "Ea_hard")}
    sigma["sigma_soft"] = _soft(found, step, x)
    r_t = arrhenius(x["r_transfer"], x["Ea_transfer"], T)
    r_f = arrhenius(x["r_film"], x["Ea_film"], T) * (1 - x["removal"])
    zeta = resistivity(design.soft, design.hard, T, **sigma)
    return local_resistance(design.film, r_t, r_f), zeta


def impedance_rows(found: ImpedancePrediction) -> list[dict[str, Any]]:
    """One object per stack pressure, descending: plain numbers in Hz and Ω cm².

    `im` is negative where the cell is capacitive. Intervals hold 90 % of the samples.
    """
    scale = float(shown("asr", 1.0))
    told = {"frequency": "Hz", "re": "ohm cm2", "im": "ohm cm2"}
    rows = []
    for k, pressure in enumerate(found.prediction.pressure):
        bands = {}
        for name, y in (("re", found.samples.real), ("im", found.samples.imag)):
            bands[f"{name}_interval_90"] = _columns(interval(scale * y[:, k], axis=0))
        size = interval(scale * np.abs(found.samples[:, k]), axis=0)
        circuit = found.circuits[k]
        rows.append(
            {
                "stack_MPa": _round(shown("pressure", float(pressure))),
                "temperature_C": _round(shown("temperature", found.prediction.design.temperature)),
                "cell": found.name,
                "interfaces": found.interfaces,
                "convention": convention(found),
                "reading": found.reading,
                "units": told,
                "frequency": [_round(f) for f in found.frequency],
                "re": [_round(y) for y in scale * found.z[k].real],
                "im": [_round(y) for y in scale * found.z[k].imag],
                **bands,
                "modulus_interval_90": _columns(size),
                "circuit": write(circuit, "impedance.py") if found.cell == "symmetric" else None,
                "parameters": parameters(circuit, found.cell),
                "flags": flags(found, k),
            }
        )
    return rows


def parameters(circuit: Circuit, cell: CellKind) -> dict[str, dict[str, Any]]:
    """Numbers of the circuit by the names of a fit, in the units that fits print."""
    return {
        name: {"value": _round(getattr(part, key) / KINDS[kind].size), "unit": KINDS[kind].unit}
        for name, part, key, kind in slots(circuit)
        if cell == "symmetric" or name.endswith(("_he", "_gap"))
    }


def convention(found: ImpedancePrediction) -> str:
    """Which interfaces R and C belong to, in words."""
    if found.cell == "interface":
        return "per interface: one interface in excess of its layers"
    return "per cell: two interfaces in series, so R_he is twice and Q_he half of one interface"


def flags(found: ImpedancePrediction, k: int) -> list[str]:
    """What a reader must know before laying a measured spectrum over this one."""
    told = []
    if fitted := fitted_to(found.prediction, k):
        told.append(f"not a prediction: R_HE is fitted to {', '.join(fitted)}, this row")
    told += [
        "the capacitance the calibration quotes is read as "
        + ("the Q of a constant-phase element" if found.reading == "Q" else "a capacitance")
    ]
    if found.cell == "symmetric":
        hard, soft = found.bilayer.hard.thickness, found.bilayer.soft.thickness
        for name, value in (("hard", hard), ("soft", soft)):
            if value.source == "dualyte_prior":
                low, high = value.interval()
                told.append(
                    f"thickness of the {name} layer assumed, {show('length', low, 3)} … "
                    f"{show('length', high, 3)}; give it to narrow the band"
                )
        told.append("electrodes block ions; their tail and the grain boundary share are assumed")
        told.append(
            "R_0 holds the soft layers; the bulk arc may lie beyond the highest frequency, and a "
            "fit then moves R_bulk to R_0"
        )
    return told


def _columns(pair: tuple[Floats, Floats]) -> dict[str, list[float]]:
    return {name: [_round(y) for y in x] for name, x in zip(("low", "high"), pair, strict=True)}


def _round(number: Any) -> float:  # noqa: ANN401 (a NumPy scalar or float)
    """Six significant digits: more would be noise, and files stay readable."""
    return float(f"{float(number):.6g}")
