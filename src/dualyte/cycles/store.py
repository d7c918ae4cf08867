"""Cycles to and from a Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dualyte.cycles.curve import Curve, SpectrumLike
from dualyte.cycles.record import Cycles
from dualyte.vocabulary import WORDS

if TYPE_CHECKING:
    import xarray as xr


def dataset_of(cycles: Cycles) -> xr.Dataset:
    """Return cycles as a Dataset, see `Cycles.to_dataset`."""
    import xarray as xr

    def column(dim: str, y: Any, units: str, name: str) -> tuple[str, Any, dict[str, str]]:  # noqa: ANN401 (any column)
        return dim, y, {"units": units, "long_name": name}

    data: dict[str, Any] = {
        "charge": column("cycle", cycles.charge, "C", "charge capacity"),
        "discharge": column("cycle", cycles.discharge, "C", "discharge capacity"),
        "ce": column("cycle", cycles.ce, "1", "Coulombic efficiency"),
        "pressure": column("cycle", cycles.pressure, WORDS["pressure"].unit, "stack pressure"),
        "used": ("cycle", np.asarray(cycles.used).astype("i1")),
        "tag": ("cycle", np.array(cycles.tag, dtype=object)),
    }
    if cycles.mass:
        unit = WORDS["specific_capacity"].unit
        for name in ("charge", "discharge"):
            y = getattr(cycles, name) / cycles.mass
            data[f"specific_{name}"] = column("cycle", y, unit, f"specific {name} capacity")
    if cycles.curves:
        data |= _stacked(cycles.curves)
    about = {
        name: value
        for name in ("area", "mass", "temperature", "name", "first", "stopped")
        if (value := getattr(cycles, name)) is not None
    }
    about |= {"reservoir_free": int(cycles.reservoir_free), "flags": "\n".join(cycles.flags)}
    return xr.Dataset(data, coords={"cycle": ("cycle", cycles.cycle)}, attrs=about)


def cycles_from(
    dataset: xr.Dataset, *, spectrum: Callable[..., SpectrumLike] | None = None
) -> Cycles:
    """Read back what `Cycles.to_dataset` wrote; the nouns it was made from are not in it.

    `spectrum` makes a spectrum from `frequency`, `z` and `pressure`, as `Spectrum` does; without
    it spectra are left out.
    """
    about = dataset.attrs
    pressure = np.asarray(dataset["pressure"].values)
    sizes: dict[str, Any] = {
        name: float(about[name]) for name in ("area", "mass", "temperature") if name in about
    }
    return Cycles(
        cycle=dataset["cycle"].values,
        charge=dataset["charge"].values,
        discharge=dataset["discharge"].values,
        pressure=pressure,
        tag=tuple(str(t) for t in dataset["tag"].values),
        used=dataset["used"].values.astype(np.bool_),
        curves=_unstacked(dataset, spectrum) if "step_kind" in dataset else (),
        first=about["first"],
        reservoir_free=bool(about["reservoir_free"]),
        flags=tuple(filter(None, str(about["flags"]).split("\n"))),
        name=str(about["name"]),
        stopped=str(about["stopped"]),
        **sizes,
    )


def _stacked(curves: Sequence[Curve]) -> dict[str, Any]:
    """Variables of curves and spectra laid end to end."""
    step = np.repeat(np.arange(len(curves)), [c.time.size for c in curves])
    units = {"time": "s", "voltage": "V", "current": "A", "passed": "C"}
    columns = {
        name: np.concatenate([np.asarray(getattr(c, field)) for c in curves])
        for name, field in (
            ("time", "time"), ("voltage", "voltage"), ("current", "current"), ("passed", "charge")
        )
    }  # fmt: skip
    data: dict[str, Any] = {n: ("point", y, {"units": units[n]}) for n, y in columns.items()}
    pressure = [np.nan if c.pressure is None else c.pressure for c in curves]
    data |= {
        "point_step": ("point", step),
        "step_kind": ("step", np.array([c.kind for c in curves], dtype=object)),
        "step_cycle": ("step", np.array([c.cycle for c in curves])),
        "step_pressure": ("step", pressure, {"units": WORDS["pressure"].unit}),
        "step_tag": ("step", np.array([c.tag for c in curves], dtype=object)),
    }
    found = [(k, c.spectrum) for k, c in enumerate(curves) if c.spectrum is not None]
    if found:
        z = np.concatenate([s.z for _, s in found])
        f = np.concatenate([s.frequency for _, s in found])
        owner = np.repeat([k for k, _ in found], [s.frequency.size for _, s in found])
        data |= {
            "frequency": ("frequency_point", f, {"units": WORDS["frequency"].unit}),
            "re": ("frequency_point", z.real, {"units": "ohm"}),
            "im": ("frequency_point", z.imag, {"units": "ohm"}),
            "frequency_step": ("frequency_point", owner),
        }
    return data


def _unstacked(dataset: xr.Dataset, make: Callable[..., SpectrumLike] | None) -> tuple[Curve, ...]:
    """Curves of a Dataset."""
    step = dataset["point_step"].values
    curves = []
    for k in range(dataset.sizes["step"]):
        rows, held = step == k, float(dataset["step_pressure"].values[k])
        pressure = held if np.isfinite(held) else None
        spectrum = None
        if make and "frequency" in dataset and (dataset["frequency_step"].values == k).any():
            own = dataset["frequency_step"].values == k
            z = dataset["re"].values[own] + 1j * dataset["im"].values[own]
            spectrum = make(frequency=dataset["frequency"].values[own], z=z, pressure=pressure)
        curves.append(
            Curve(
                kind=str(dataset["step_kind"].values[k]),  # type: ignore[arg-type]  # Curve checks it
                cycle=int(dataset["step_cycle"].values[k]),
                tag=str(dataset["step_tag"].values[k]),
                time=dataset["time"].values[rows],
                voltage=dataset["voltage"].values[rows],
                current=dataset["current"].values[rows],
                charge=dataset["passed"].values[rows],
                pressure=pressure,
                spectrum=spectrum,
            )
        )
    return tuple(curves)
