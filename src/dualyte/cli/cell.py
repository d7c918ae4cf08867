"""`dualyte predict cell`: a protocol on a cell, from composition to capacity and ageing."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import dualyte as dl
from dualyte.cli.common import (
    Quantity,
    calibrate,
    check_folder,
    dumps,
    predict,
    print_table,
    progress,
    report,
)

if TYPE_CHECKING:
    from dualyte.cell.cell import Cell
    from dualyte.cell.predict import CellPrediction
    from dualyte.cell.protocol import Protocol
    from dualyte.cycles import Cycles

Anode = Literal["foil", "ag", "reservoir-free"]
#: protocol where none is named
USUAL: dict[str, str] = {
    "foil": "paper-li-foil", "ag": "paper-half-cell", "reservoir-free": "paper-reservoir-free",
}  # fmt: skip


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CellOptions:
    """Options of a cell and what is done with it."""

    anode: Anode = "foil"
    "foil (lithium), reservoir-free (silver seeds) or ag (half-cell Li | LLZTO | Ag)."
    vgcf: float = 2.0
    "Carbon fibres in the cathode, in per cent by weight: 0, or 2 to 5."
    protocol: str | None = None
    "File of steps in words, or a protocol of the study by name; its own for each anode."
    cycles: int | None = None
    "Cycles after the activation; as many as the protocol has by default."
    pressure: Quantity | None = None
    "Stack pressure of a protocol file until one of its steps says another."
    temperature: Quantity = "60 degC"
    "Of the cell."
    area: Quantity | None = None
    "Electrode area; 0.785 cm2 is assumed."
    loading: Quantity | None = None
    "Capacity of the cathode per area; 2 mAh/cm2 by default."
    garnet_thickness: Quantity | None = None
    "Of the garnet; 0.8 mm is assumed."
    cathode: Literal["porous", "single particle"] = "porous"
    "porous (resolved across its thickness) or single particle (one for all)."
    without_intervals: Annotated[bool, Parameter(negative=())] = False
    "Leave out the runs that make the 90 % intervals."
    out: Path | None = None
    "Folder to write; default dualyte-cell."
    resume: Annotated[bool, Parameter(negative=())] = False
    "Go on after the last finished cycle of a run that stopped in this folder."
    json: Annotated[bool, Parameter(negative=())] = False
    "Print one JSON object and nothing else (then a folder is written only with --out)."


@predict.command(name="cell")
def predict_cell(options: CellOptions | None = None) -> None:
    """Capacity, efficiency, impedance and ageing of a cell under stack pressure."""
    from dualyte.cell.predict import cell_rows
    from dualyte.cell.predict import predict_cell as verb
    from dualyte.cell.protocol import find_protocol
    from dualyte.cell.stopped import save_run
    from dualyte.report.cell import write_cell_prediction

    o = options or CellOptions()
    cell = make_cell(o)
    told = None if o.pressure is None else dl.q(o.pressure, "pressure")
    protocol = find_protocol(o.protocol or USUAL[o.anode], cycles=o.cycles, pressure=told)
    cell.check(protocol)
    folder = o.out if o.out is not None or o.json else Path("dualyte-cell")
    if folder is not None:
        check_folder(folder)
    before = _former(o, folder, cell, protocol) if o.resume else None
    with progress("cycling", quiet=o.json) as tell:
        found = verb(
            cell, protocol, before=before, progress=tell,
            inputs=() if o.without_intervals else None,
        )  # fmt: skip
    paths = write_cell_prediction(found, folder) if folder is not None else []
    if folder is not None:
        save_run(found, folder)
    if o.json:
        print(json.dumps({"cell": cell_rows(found)}, ensure_ascii=False))
    else:
        _show(found, paths)
    if found.cycles.stopped:
        print(
            f"dualyte: {found.cycles.stopped}; {len(found.cycles)} cycles are kept", file=sys.stderr
        )
        sys.exit(130 if "interrupted" in found.cycles.stopped else 1)


def _former(o: CellOptions, folder: Path | None, cell: Cell, protocol: Protocol) -> Cycles:
    """Cycles of the run that stopped in this folder."""
    from dualyte.cell.stopped import load_run

    if folder is None:
        raise dl.InputError("--resume needs the folder of the stopped run; name it with --out")
    return load_run(folder, cell, protocol)


@calibrate.command(name="cell")
def calibrate_cell(*, out: Path | None = None, json: bool = False) -> None:
    """Fit wiring, film, first cycle, ageing and silver to the calibration facts of cells.

    Parameters
    ----------
    out
        Write the calibration file here (TOML).
    json
        Print JSON.
    """
    from dualyte.calibrate import calibrate_cell as verb
    from dualyte.calibrate import cell_parameters, write_cell

    with progress("fitting", quiet=json) as tell:
        fit = verb(progress=tell)
    if out is not None:
        write_cell(fit, out)
    rows = cell_parameters(fit)
    if json:
        print(dumps({"parameters": rows, "missed": fit.missed}))
        return
    print_table(
        ["calibrated parameter", "value", "90 % interval", "unit", "fact"],
        [
            [r["parameter"], r["value"], f"{r['low']} … {r['high']}", r["unit"], r["fact"]]
            for r in rows
        ],
    )
    for line in fit.missed:
        print(line)
    print("not identifiable: growth of the film at 2 wt% apart from its start (F158 alone)")
    if out is not None:
        print(f"written to {out}")


@report.command(name="cell")
def report_cell(*, out: Path | None = None, json: bool = False) -> None:
    """Set every statement of the study about cells beside the model.

    Parameters
    ----------
    out
        Folder for the table (JSON).
    json
        Print JSON.
    """
    from dualyte.report.cell_facts import cell_facts

    if out is not None:
        check_folder(out)
    with progress("cycling cells", quiet=json) as tell:
        table = cell_facts(tell)
    if out is not None:
        (out / "cell_facts.json").write_text(dumps(table.as_dict()), encoding="utf-8")
    print(dumps(table.as_dict()) if json else table)


def make_cell(o: CellOptions) -> Cell:
    """Build the cell that the options describe."""
    from dualyte.cell import AgSeeds, Cathode, Cell, LiFoil, composite

    silver = o.anode != "foil"
    cathode = None
    if o.anode != "ag":
        cathode = Cathode(composition=composite(carbon=o.vgcf / 100), resolution=o.cathode)
    cell = Cell(
        cathode=cathode,
        anode=AgSeeds() if silver else LiFoil(),
        temperature=dl.q(o.temperature, "temperature"),
    )
    given = {
        "area": (o.area, "area"),
        "areal_capacity": (o.loading, "areal_capacity"),
        "garnet_thickness": (o.garnet_thickness, "thickness"),
    }
    moved = dict(cell.parameters)
    for name, (text, word) in given.items():
        if text is not None:
            moved[name] = dl.Value(
                quantity=word, si=dl.q(text, word), kind="assumed", source="user",
                where=f"--{name.replace('_', '-').replace('areal-capacity', 'loading')}",
            )  # fmt: skip
    return replace(cell, parameters=moved)


def _show(found: CellPrediction, paths: list[Path]) -> None:
    from rich.console import Console

    from dualyte.report.cell import cell_summary

    console = Console()
    console.print(cell_summary(found), markup=False, highlight=False)
    for flag in found.flags:
        console.print(f"- {flag}", markup=False, highlight=False)
    if paths:
        console.print(f"written to {paths[0].parent}", markup=False, highlight=False)
