"""Pellets: what a prediction says, and the study's statements beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte import plot
from dualyte.material import Material, cite, facts, material
from dualyte.pellet.compact import Model, Pellet, compact, densification
from dualyte.pellet.history import hold
from dualyte.pellet.mesoscale import Run, mesoscale
from dualyte.pellet.microstructure import Microstructure
from dualyte.pellet.predict import PelletPrediction, pellet_rows
from dualyte.pellet.refine import Refinement, shipped_refinement
from dualyte.plot.pellet import (
    conductivity_figure,
    density_curves,
    density_figure,
    refinement_figure,
    sections_figure,
)
from dualyte.powder import pack
from dualyte.uncertainty import draw, interval
from dualyte.vocabulary import Floats

MATERIALS: Final = ("LAOC", "LTOC", "LNOC", "LPSCl")
RAMP: Final = 120.0  #: s to 310 MPa in the test of the work of compression; not published, assumed


def pellet_summary(found: PelletPrediction, rows: dict[str, Any] | None = None) -> str:
    """Plain-text account of a pellet."""
    r = rows or pellet_rows(found)
    low, high = r["relative_density_90"]
    lost = r["unloading_loss_percent_90"]
    dense = r["conductivity_over_dense"]
    fitted = {key: f" (fitted to {fact})" for key, fact in r["fitted_to"].items()}
    lines = [
        f"Pellet of {r['material']}, {found.pellet.history_text()}",
        f"relative density {r['relative_density']:.3f} ({low:.3f} … {high:.3f})"
        f"{fitted.get('relative_density', '')}, {r['model']} model, n = {r['exponent']:g}; "
        f"by yielding alone {r['relative_density_by_yielding']:.3f}",
    ]
    if r["other_model"]:
        other = r["other_model"]
        lines.append(f"by the {other['model']} model {other['relative_density']:.3f}")
    lines += [
        f"conductivity over dense {dense[0]:.3f} … {dense[1]:.3f} under the fabrication pressure",
        f"unloading from {r['unloading_MPa'][0]:g} to {r['unloading_MPa'][1]:g} MPa changes the "
        f"conductivity by {r['unloading_loss_percent']:.1f} % ({lost[0]:.1f} … {lost[1]:.1f})"
        + fitted.get("unloading_loss_percent", ""),
        f"work of compression {r['work_J_per_cm3']:.1f} J per cm³ of solid "
        f"({r['work_plastic_J_per_cm3']:.1f} plastic, {r['work_elastic_J_per_cm3']:.1f} elastic)",
        "",
        *(
            f"{row['pressure_MPa']:g} MPa: σ {row['value_mS_per_cm']:.3g} mS/cm "
            f"({row['interval_90'][0]:.3g} … {row['interval_90'][1]:.3g})"
            for row in r["conductivity"]
        ),
    ]
    return "\n".join(lines)


def write_pellet_prediction(
    found: PelletPrediction,
    folder: Path,
    *,
    microstructures: Sequence[tuple[str, Microstructure]] = (),
) -> list[Path]:
    """Write summary, JSON, the curve as CSV, references and figures.

    Parameters
    ----------
    found
        What `predict_pellet` found.
    folder
        Made if it is not there.
    microstructures
        Titles and microstructures to draw side by side.

    Returns
    -------
    list of Path
        What was written, in that order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = pellet_rows(found)
    paths = [folder / x for x in ("summary.txt", "pellet.json", "pellet.csv", "references.bib")]
    said = [f"- {flag}" for flag in rows["flags"]]
    values = [f"- {name}: {value}" for name, value in found.values.items()]
    text = [pellet_summary(found, rows), "", "Read this first", *said, "", "Inputs", *values, ""]
    paths[0].write_text("\n".join(text), encoding="utf-8")
    paths[1].write_text(json.dumps({"pellet": rows}, indent=2, ensure_ascii=False), "utf-8")
    with paths[2].open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "pressure_MPa", "relative_density"])
        pellet = found.pellet
        writer.writerows(
            zip(pellet.time, pellet.history.pressure / 1e6, pellet.relative_density, strict=True)
        )
    paths[3].write_text(cite(found.values) + "\n", encoding="utf-8")
    figures = [density_figure(found), conductivity_figure(found)]
    if microstructures:
        titles, grains = zip(*microstructures, strict=True)
        figures.append(sections_figure([grains], [titles], title=found.pellet.material.name))
    for figure in figures:
        paths += [folder / f"{figure.name}.{suffix}" for suffix in ("png", "pdf")]
        plot.draw(figure, paths[-2]).savefig(paths[-1])
    return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class PelletTable:
    """Statements of the study about pellets, each beside what the model says."""

    rows: tuple[dict[str, Any], ...]
    refinement: Refinement  #: what the grid of the mesoscale model leaves in P̂

    def __str__(self) -> str:
        head = f"{'fact':5} {'of':7} {'quantity':42} {'model':>20} {'measured':>10}  kind"
        lines = [
            f"{r['id']:5} {r['material']:7} {r['quantity'][:42]:42} {r['model']:>20} "
            f"{r['measured']:>10}  {r['kind']}"
            for r in self.rows
        ]
        return "\n".join([head, *lines, str(self.refinement)])

    def as_dict(self) -> dict[str, Any]:
        """Rows for JSON."""
        return {"pellet": list(self.rows), "grids": self.refinement.rows()}


def pellet_table(model: Model = "map", exponent: float = 7.0) -> PelletTable:
    """Set every statement about powder and pellet beside the model.

    Fitted ones say so; they are never predictions.
    """
    known = facts("pellet")
    process = densification(model, exponent)
    press = hold(120e6, 180.0)
    made = {name: compact(material(name), press, process=process) for name in MATERIALS}
    rows = []
    for key in ("F037", "F038"):
        name = known[key]["material"]
        rows.append(_row(key, f"{made[name].density:.3f}", f"{known[key]['value']:.2f}"))
    rows.append(_row("F066", f"{float(made['LAOC'].at(30.0)):.3f}", "≈ 1", "density at 30 s"))
    gain = made["LPSCl"].density - float(made["LPSCl"].yielded[-1])
    rows.append(_row("F068", f"+{gain:.3f}", "minimal"))
    for key in ("F057", "F056", "F055"):
        name = known[key]["material"]
        loss = 100 * made[name].unloading_loss()
        rows.append(_row(key, f"{loss:.1f} %", f"{100 * known[key]['value']:.0f} %"))
    soft = made["LPSCl"].material.at(hardness=1.4e9)
    loss = 100 * compact(soft, press, process=process).unloading_loss()
    rows.append(_row("F055", f"{loss:.1f} %", "-56 %", "change on unloading at H = 1.4 GPa"))
    for top, low in (("F044", "F046"), ("F047", "F046")):
        a, b = known[top], known[low]
        ratio = work_ratio(material(a["material"]), material(b["material"]), model, exponent)
        told = f"work over that of {b['material']}, per cm³ of solid"
        found = f"{ratio[1]:.2f} ({ratio[0]:.2f} … {ratio[2]:.2f})"
        rows.append(_row(top, found, f"{a['value'] / b['value']:.2f}", told))
    return PelletTable(rows=tuple(rows), refinement=shipped_refinement())


def _row(key: str, found: str, measured: str, quantity: str = "") -> dict[str, Any]:
    fact = facts("pellet")[key]
    fitted = fact["use"] == "calibration"
    return {
        "id": key,
        "material": fact["material"],
        "quantity": quantity or fact["quantity"],
        "model": found,
        "measured": measured,
        "kind": "fitted" if fitted else "predicted",
        "where": fact["where"],
    }


def work_ratio(
    soft: Material, other: Material, model: Model = "map", exponent: float = 7.0, draws: int = 100
) -> tuple[float, float, float]:
    """Work to 310 MPa of one powder over that of another, per volume of solid.

    Returns the lower end of the 90 % interval, the best estimate and the upper end. Hardness
    and the assumed moduli are sampled; the time of the test is not published and assumed.
    """
    test = hold(310e6, 0.0, ramp=RAMP)
    process = densification(model, exponent)
    names = ("hardness", "youngs_modulus", "poisson_ratio")

    def work(side: Material, seed: int) -> tuple[float, Floats]:
        drawn = draw({x: side[x] for x in names}, draws, seed=seed)
        each = [
            compact(side.at(**{x: float(drawn[x][k]) for x in names}), test, process=process)
            for k in range(draws)
        ]
        best = compact(side, test, process=process).work.total
        return best, np.array([pellet.work.total for pellet in each])

    (a, every_a), (b, every_b) = work(soft, 0), work(other, 1)
    low, high = interval(every_a / every_b)
    return float(low), a / b, float(high)


def four_pellets(model: Model = "map", exponent: float = 7.0) -> list[Pellet]:
    """All four electrolytes at 120 MPa for 3 min, with and without creep."""
    process = densification(model, exponent)
    press = hold(120e6, 180.0, ramp=2.0)
    return [
        compact(material(name), press, process=process, creep=creep)
        for creep in (True, False)
        for name in MATERIALS
    ]


def grain_figure(run: Run, exponent: float = 7.0) -> plot.Figure:
    """Grains of LPSCl and LAOC before, during and after pressing at 120 MPa."""
    process = densification("mesoscale", exponent)
    rows, titles = [], []
    for name in ("LPSCl", "LAOC"):
        pellet = compact(material(name), hold(120e6, 180.0), process=process)
        states = [(f"{name}, powder", run.frames[0].density)]
        for t in (5.0, 180.0):
            D = float(pellet.at(t))
            states.append((f"{t:g} s, {100 * D:.1f} %", D))
        rows.append([run.microstructure(D) for _, D in states])
        titles.append([text for text, _ in states])
    return sections_figure(rows, titles, title="sections through pressed grains, 120 MPa")


def write_pellet_table(
    table: PelletTable,
    folder: Path,
    model: Model = "map",
    *,
    grid: int = 48,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the table, the four densities in time, and grains pressed for the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "pellet_facts.json"]
    paths[0].write_text(json.dumps(table.as_dict(), indent=2, ensure_ascii=False), "utf-8")
    run = mesoscale(
        pack(60, density=0.64, seed=0), grid=grid, conduct=False, store=folder / "mesoscale",
        progress=progress,
    )  # fmt: skip
    grids = refinement_figure(table.refinement)
    for figure in (density_curves(four_pellets(model)), grain_figure(run), grids):
        paths += [folder / f"{figure.name}.{suffix}" for suffix in ("png", "pdf")]
        plot.draw(figure, paths[-2]).savefig(paths[-1])
    return paths
