"""Cells: what a prediction says, and the study's statements beside it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from dualyte import plot
from dualyte.cell.predict import CellPrediction, cell_rows
from dualyte.material import cite
from dualyte.plot.cell import cell_figures
from dualyte.report.numbers import plain_table


def cell_summary(found: CellPrediction, rows: dict[str, Any] | None = None) -> str:
    """Plain-text account of a protocol on a cell."""
    r = rows or cell_rows(found)
    lines = [f"{found.cycles.name}, {r['protocol'] or 'protocol'}, {r['temperature_C']:g} °C"]
    for name, words in (
        ("retention_percent", "of the discharge of cycle 1 is left at the end"),
        ("retention_vs_activation_percent", "of that of the activation cycle"),
    ):
        if r[name] is None:
            continue
        ends = (r["intervals_90"] or {}).get(name)
        between = f" ({ends[0]:.1f} … {ends[1]:.1f})" if ends and None not in ends else ""
        fact = r["fitted_to"].get(name)
        lines.append(f"{r[name]:.1f} %{between} {words}" + (f" (fitted to {fact})" if fact else ""))
    lines += ["", *plain_table(*cell_table(r))]
    if r["eis"]:
        head = ["cycle", "P / MPa", "R film / Ω", "R_HE / Ω cm²"]
        cells = [
            [
                str(e["cycle"]), f"{e['pressure_MPa']:g}",
                "–" if e["r_ws_ohm"] is None else f"{e['r_ws_ohm']:.1f}",
                f"{e['r_he_ohm_cm2']:.1f}",
            ]
            for e in r["eis"]
        ]  # fmt: skip
        lines += ["", "impedance", *plain_table(head, cells)]
    if r["fitted_to"]:
        told = ", ".join(f"{name} to {fact}" for name, fact in r["fitted_to"].items())
        lines += ["", f"fitted, not predicted: {told}"]
    return "\n".join(lines)


def cell_table(r: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of cycles; long protocols are thinned."""
    per_mass = r["cycles"][0]["discharge_mAh_g"] is not None
    unit = "mAh_g" if per_mass else "mAh_cm2"
    head = ["cycle", "P / MPa", f"charge / {unit.replace('_', '/')}", "discharge", "CE / %", ""]
    last = len(r["cycles"]) - 1
    cells = []
    for k, row in enumerate(r["cycles"]):
        before = r["cycles"][k - 1]["pressure_MPa"] if k else None
        if last > 30 and k not in (0, 1, last) and k % 10 and row["pressure_MPa"] == before:
            continue
        cells.append(
            [
                str(row["cycle"]), f"{row['pressure_MPa']:g}", f"{row[f'charge_{unit}']:.4g}",
                f"{row[f'discharge_{unit}']:.4g}",
                "–" if row["ce_percent"] is None else f"{row['ce_percent']:.2f}", row["tag"],
            ]
        )  # fmt: skip
    return head, cells


def write_cell_prediction(found: CellPrediction, folder: Path) -> list[Path]:
    """Write summary, JSON, cycles and curves as CSV, references and figures.

    Parameters
    ----------
    found
        What `predict_cell` found.
    folder
        Made if it is not there.

    Returns
    -------
    list of Path
        What was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = cell_rows(found)
    names = ("cell_summary.txt", "cell.json", "cycles.csv", "curves.csv", "cell_references.bib")
    paths = [folder / x for x in names]
    said = [f"- {flag}" for flag in rows["flags"]]
    values = [f"- {name}: {value}" for name, value in found.values.items()]
    text = [cell_summary(found, rows), "", "Read this first", *said, "", "Inputs", *values, ""]
    paths[0].write_text("\n".join(text), encoding="utf-8")
    paths[1].write_text(json.dumps({"cell": rows}, indent=2, ensure_ascii=False), "utf-8")
    with paths[2].open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows["cycles"][0]))
        table.writeheader()
        table.writerows(rows["cycles"])
    with paths[3].open("w", newline="", encoding="utf-8") as file:
        plain = csv.writer(file)
        plain.writerow(["cycle", "kind", "pressure_MPa", "time_s", "voltage_V", "current_A"])
        for curve in found.cycles.curves:
            where = (curve.cycle, curve.kind, (curve.pressure or 0) / 1e6)
            columns = zip(curve.time, curve.voltage, curve.current, strict=True)
            plain.writerows([*where, *(f"{x:.7g}" for x in line)] for line in columns)
    paths[4].write_text(cite(found.values) + "\n", encoding="utf-8")
    for figure in cell_figures(found):
        paths += [folder / f"{figure.name}.{suffix}" for suffix in ("png", "pdf")]
        plot.draw(figure, paths[-2]).savefig(paths[-1])
    return paths
