"""Writes a prediction to a folder: summary, figures, data, provenance."""

from __future__ import annotations

import csv
import json
import platform
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dualyte import plot
from dualyte.circuit import Spectrum
from dualyte.impedance.predict import ImpedancePrediction, impedance_rows, predict_impedance
from dualyte.interface.answer import conditions, interface_rows, to_dataset
from dualyte.interface.predict import InterfacePrediction, fingerprint
from dualyte.material import cite
from dualyte.pellet.predict import PelletPrediction, pellet_rows
from dualyte.plot.pellet import conductivity_figure, density_figure
from dualyte.report.pellet import pellet_summary
from dualyte.vocabulary import pretty

_COLUMNS = (
    ("stack", "stack_MPa", "{:g} MPa"),
    ("contact", "contact_fraction", "{:.1%}"),
    ("R_HE", "r_he_ohm_cm2", "{:.3g} Ω cm²"),
    ("90 % interval", "r_he_interval_90", "{0[0]:.3g} … {0[1]:.3g}"),
    ("C_HE", "c_he_uF_cm2", "{:.2g} µF/cm²"),
    ("ℓ/ℓ*", "length_ratio", "{:.2g}"),
    ("widened most by", "widest_input", "{}"),
)


def table(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table people read first."""
    head = [name for name, _, _ in _COLUMNS]
    cells = [[form.format(row[key]) for _, key, form in _COLUMNS] for row in rows]
    for row, line in zip(rows, cells, strict=True):
        if row["fitted_to"]:
            line[2] += f" (fitted to {', '.join(row['fitted_to'])})"
    return head, cells


def summary(
    prediction: InterfacePrediction,
    rows: list[dict[str, Any]],
    spectra: ImpedancePrediction | None = None,
) -> str:
    """Plain-text account of a prediction, and of its spectra."""
    head, cells = table(rows)
    wide = [max(len(line[k]) for line in [head, *cells]) for k in range(len(head))]
    lines = [
        "  ".join(cell.rjust(w) for cell, w in zip(x, wide, strict=True)) for x in [head, *cells]
    ]
    top = rows[0]
    said = [f"- {flag}" for flag in top["flags"]]
    parts = [
        f"{row['stack_MPa']:g} MPa: "
        + ", ".join(f"{name} {x:.3g}" for name, x in row["mechanisms"].items())
        for row in rows
    ]
    kinds = [f"- {source}: {', '.join(kind)}" for source, kind in top["sources"].items()]
    values = [f"- {name}: {value}" for name, value in prediction.values.items()]
    return "\n".join(
        [
            "Interface",
            conditions(prediction),
            f"{len(prediction.contacts)} faces, {prediction.draws} samples each, "
            f"seed {prediction.seed}",
            "",
            *lines,
            "",
            "Mechanisms (Ω cm²)",
            *parts,
            "",
            "If the values calibrated on are sums of two interfaces",
            *(
                f"{row['stack_MPa']:g} MPa: R_HE {row['r_he_if_per_cell_ohm_cm2']:.3g} Ω cm², "
                f"C_HE {row['c_he_if_per_cell_uF_cm2']:.2g} µF/cm²"
                for row in rows
            ),
            "",
            *([] if spectra is None else [*_impedance(spectra), ""]),
            "Read this first",
            *said,
            "",
            "Inputs (value, 90 % range, kind, source)",
            *values,
            "",
            "Sources",
            *kinds,
            "",
        ]
    )


def _pellet_part(pellet: PelletPrediction) -> str:
    """Pellet's part of the summary."""
    flags = [f"- {flag}" for flag in pellet.flags]
    return "\n".join([pellet_summary(pellet), *flags, "", ""])


def _impedance(spectra: ImpedancePrediction) -> list[str]:
    """Circuit of the spectra at each stack pressure."""
    rows = impedance_rows(spectra)
    lines = ["Impedance", f"{spectra.name}, {rows[0]['convention']}"]
    for row in rows:
        told = ", ".join(
            f"{name} {x['value']:.3g}" + ("" if x["unit"] == "1" else f" {pretty(x['unit'])}")
            for name, x in row["parameters"].items()
            if name.startswith("R_") or name.endswith("_he")
        )
        lines.append(f"{row['stack_MPa']:g} MPa: {told}")
    return [*lines, *(f"- {flag}" for flag in rows[0]["flags"])]


def write_prediction(
    prediction: InterfacePrediction,
    folder: Path,
    *,
    spectra: ImpedancePrediction | None = None,
    measured: Sequence[Spectrum] = (),
    pellet: PelletPrediction | None = None,
) -> list[Path]:
    """Write summary, JSON, CSV, netCDF, provenance, references and figures.

    Parameters
    ----------
    prediction
        What `predict_interface` found.
    folder
        Made if it is not there.
    spectra
        What `predict_impedance` found; by default that of the symmetric cell.
    measured
        Spectra to draw over the predicted ones, with their areas.
    pellet
        What `predict_pellet` found of the soft electrolyte.

    Returns
    -------
    list of Path
        What was written, in that order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spectra = spectra or predict_impedance(prediction)
    rows = interface_rows(prediction)
    paths = [folder / name for name in ("summary.txt", "interface.json", "interface.csv")]
    first = "" if pellet is None else _pellet_part(pellet)
    paths[0].write_text(first + summary(prediction, rows, spectra), encoding="utf-8")
    paths[1].write_text(json.dumps({"interface": rows}, indent=2, ensure_ascii=False), "utf-8")
    _write_csv(rows, paths[2])
    paths.append(folder / "interface.nc")
    with warnings.catch_warnings():  # h5netcdf warns of its own use of h5py
        warnings.simplefilter("ignore")
        to_dataset(prediction).to_netcdf(paths[-1], engine="h5netcdf")
    paths.append(folder / "provenance.json")
    told = provenance(prediction) | {"impedance": _cell(spectra)}
    paths[-1].write_text(json.dumps(told, indent=2, ensure_ascii=False), "utf-8")
    paths.append(folder / "references.bib")
    paths[-1].write_text(cite(spectra.values) + "\n", encoding="utf-8")
    paths += _write_spectra(spectra, folder)
    if pellet is not None:
        paths.append(folder / "pellet.json")
        told = {"pellet": pellet_rows(pellet)}
        paths[-1].write_text(json.dumps(told, indent=2, ensure_ascii=False), "utf-8")
    pellets = [] if pellet is None else [density_figure(pellet), conductivity_figure(pellet)]
    figures = (
        pellets + plot.interface_figures(prediction) + plot.impedance_figures(spectra, measured)
    )
    for figure in figures:
        paths += [folder / f"{figure.name}.{suffix}" for suffix in ("png", "pdf")]
        plot.draw(figure, paths[-2]).savefig(paths[-1])
    return paths


def _write_spectra(spectra: ImpedancePrediction, folder: Path) -> list[Path]:
    """Write the rows as JSON, one line per pressure and frequency as CSV, samples as netCDF."""
    rows = impedance_rows(spectra)
    paths = [folder / f"impedance.{suffix}" for suffix in ("json", "csv", "nc")]
    paths[0].write_text(json.dumps({"impedance": rows}, indent=1, ensure_ascii=False), "utf-8")
    with paths[1].open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["stack_MPa", "temperature_C", "interfaces", *_SPECTRUM])
        for row in rows:
            columns = [row["frequency"], row["re"], row["im"]]
            for name in ("re", "im", "modulus"):
                columns += [row[f"{name}_interval_90"][end] for end in ("low", "high")]
            start = [row["stack_MPa"], row["temperature_C"], row["interfaces"]]
            writer.writerows([*start, *line] for line in zip(*columns, strict=True))
    with warnings.catch_warnings():  # h5netcdf warns of its own use of h5py
        warnings.simplefilter("ignore")
        spectra.to_dataset().to_netcdf(paths[2], engine="h5netcdf")
    return paths


_SPECTRUM = (
    "frequency_Hz", "re_ohm_cm2", "im_ohm_cm2", "re_low", "re_high", "im_low", "im_high",
    "modulus_low", "modulus_high",
)  # fmt: skip


def _cell(spectra: ImpedancePrediction) -> dict[str, Any]:
    """Layers and electrodes of the simulated cell, with where their numbers are from."""
    own = {x: v for x, v in spectra.values.items() if x not in spectra.prediction.values}
    return {
        "cell": spectra.name,
        "interfaces": spectra.interfaces,
        "reading": spectra.reading,
        "inputs": {name: str(value) for name, value in own.items()},
    }


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    """One line per stack pressure, one number per column."""
    plain = []
    for row in rows:
        line: dict[str, Any] = {}
        for key, value in row.items():
            if key in {"flags", "sources", "variance_shares"}:
                continue
            if key == "fitted_to":
                line[key] = " ".join(value)
            elif isinstance(value, list):
                line |= {f"{key}_low": value[0], f"{key}_high": value[1]}
            elif isinstance(value, dict):
                for name, part in value.items():
                    ends = (
                        {"_low": part[0], "_high": part[1]}
                        if isinstance(part, list)
                        else {"": part}
                    )
                    line |= {f"{key}_{name}{end}": x for end, x in ends.items()}
            else:
                line[key] = value
        plain.append(line)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(plain[0]))
        writer.writeheader()
        writer.writerows(plain)


def provenance(prediction: InterfacePrediction) -> dict[str, Any]:
    """What is needed to make the same numbers again, and where they are from."""
    design = prediction.design
    return {
        "dualyte": version("dualyte"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "numba")},
        "contact_fingerprint": fingerprint(design, prediction.asked, prediction.seed),
        "seed": prediction.seed,
        "faces": [contact.seed for contact in prediction.contacts],
        "draws": prediction.draws,
        "design": conditions(prediction),
        "history": [
            {"pressure_Pa": s.pressure, "dwell_s": s.dwell, "temperature_K": s.temperature}
            for s in design.history
        ],
        "inputs": {name: str(value) for name, value in prediction.values.items()},
        "surface_changes": list(prediction.reference.surface.changes),
    }
