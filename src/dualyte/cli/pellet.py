"""`dualyte predict pellet`, `calibrate pellet`, `report pellet`: from powder to pellet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    from dualyte.pellet import History, Microstructure, Run
    from dualyte.pellet.mesoscale import Mode
    from dualyte.pellet.predict import PelletPrediction

_FORMATS = ("vti", "zarr", "tif", "npz")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PelletOptions:
    """Options of pressing."""

    material: str = "LNOC"
    "A library name, or path to a TOML file of your own."
    press: Quantity = "120 MPa"
    "Pressure of the press."
    dwell: Quantity = "3 min"
    "Time at that pressure."
    ramp: Quantity = "0 s"
    "Time of the rise to it."
    temperature: Quantity = "25 degC"
    "Of the press; away from 25 °C the material must know its creep_activation_energy."
    model: Literal["map", "mesoscale"] = "map"
    "Densification maps, or the shipped master curve of the mesoscale model."
    exponent: float = 7.0
    "Creep exponent n: 5, 7 or 10 (the facts do not tell them apart)."
    surface_energy: Quantity | None = None
    "Of the grains, such as '0.3 J/m2': their surface then presses too. Left out by default."
    without_creep: Annotated[bool, Parameter(negative=())] = False
    "Yielding only."
    stack: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True, negative=())] = None
    "Stack pressure at which the conductivity is wanted; repeat for more. Default: 120 … 1 MPa."
    unload_from: Quantity = "55 MPa"
    "The loss of conductivity is quoted from this pressure"
    unload_to: Quantity = "7.2 MPa"
    "to this one."
    dim: Literal[2, 3] | None = None
    "Run the mesoscale model itself, in 2 or 3 dimensions."
    grid: int = 48
    "Cells along each side of its box."
    grains: int = 60
    "Grains in the box."
    size: Quantity = "2 um"
    "Median diameter of the grains."
    spread: float = 0.15
    "Standard deviation of the logarithm of the diameter."
    die: Annotated[bool, Parameter(negative=())] = False
    "Shorten one axis alone, as in a die, instead of all."
    at: Annotated[list[str] | None, Parameter(negative=())] = None
    "Time of a microstructure to draw and save, such as '30 s'; repeat. Default: 0 s, 5 s, end."
    save: Annotated[list[str] | None, Parameter(negative=())] = None
    "Format of saved microstructures: vti, zarr, tif or npz; repeat for more."
    draws: int = 300
    "Samples of the inputs."
    seed: int = 0
    "Of everything random."
    out: Path | None = None
    "Folder to write; default dualyte-pellet. The same command continues a stopped run."
    json: Annotated[bool, Parameter(negative=())] = False
    "Print one JSON object and nothing else (then a folder is written only with --out)."


@predict.command(name="pellet")
def predict_pellet(options: PelletOptions | None = None) -> None:
    """Relative density, conductivity under stack pressure and work of a pressed powder."""
    from dualyte.pellet.predict import STACKS, pellet_rows
    from dualyte.pellet.predict import predict_pellet as verb
    from dualyte.report.pellet import write_pellet_prediction

    o = options or PelletOptions()
    for word in o.save or ():
        if word not in _FORMATS:
            raise dl.InputError(f"--save is {word!r}; it is one of {', '.join(_FORMATS)}")
    history = _history(o)
    told: dict[str, Any] = {
        "exponent": o.exponent, "creep": not o.without_creep, "draws": o.draws, "seed": o.seed,
        "unloading": (dl.q(o.unload_from, "pressure"), dl.q(o.unload_to, "pressure")),
        "stacks": tuple(dl.q(p, "pressure") for p in o.stack) if o.stack else STACKS,
        "surface_energy": dl.q(o.surface_energy, "surface_energy") if o.surface_energy else 0.0,
        "size": dl.q(o.size, "length"),
    }  # fmt: skip
    material = dl.material(o.material)
    # refuses bad input before anything long starts
    found = verb(material, history, model=o.model, **told)
    folder = o.out if o.out is not None or o.json else Path("dualyte-pellet")
    if folder is not None:
        check_folder(folder)
    grains: list[tuple[str, Microstructure]] = []
    if o.dim is not None:
        run = _run(o, folder)
        found = verb(material, history, model="mesoscale", curve=run.curve, **told)
        grains = _grains(o, run, found)
    paths = []
    if folder is not None:
        paths = write_pellet_prediction(found, folder, microstructures=grains)
        paths += _saved(o, folder, grains)
    if o.json:
        print(json.dumps({"pellet": pellet_rows(found)}, ensure_ascii=False))
        return
    _show(found, paths)


def _history(o: PelletOptions) -> History:
    from dualyte.pellet import hold

    return hold(
        dl.q(o.press, "pressure"),
        dl.q(o.dwell, "dwell"),
        ramp=dl.q(o.ramp, "dwell"),
        temperature=dl.q(o.temperature, "temperature"),
    )


def _run(o: PelletOptions, folder: Path | None) -> Run:
    from dualyte.pellet.mesoscale import check_run, mesoscale
    from dualyte.powder import pack

    loose = 0.64 if o.dim == 3 else 0.82
    packing = pack(
        o.grains, density=loose, size=dl.q(o.size, "length"), spread=o.spread, dim=o.dim or 3,
        seed=o.seed,
    )  # fmt: skip
    mode: Mode = "die" if o.die else "isostatic"
    check_run(packing, exponent=o.exponent, mode=mode, grid=o.grid)
    with progress("pressing grains", quiet=o.json) as tell:
        return mesoscale(
            packing,
            exponent=o.exponent,
            mode=mode,
            grid=o.grid,
            store=None if folder is None else folder / "mesoscale",
            progress=tell,
        )


def _grains(
    o: PelletOptions, run: Run, found: PelletPrediction
) -> list[tuple[str, Microstructure]]:
    """Microstructures at the wanted times."""
    end = float(found.pellet.time[-1])
    asked = [dl.q(t, "dwell") for t in o.at] if o.at else [0.0, min(5.0, end), end]
    first = run.microstructure(0.0, time=0.0)
    rows = [(f"powder, {100 * first.relative_density:.0f} %", first)]
    for t in asked:
        if o.at is None and t == 0.0:
            continue
        if t > end:
            raise dl.InputError(f"--at {t:g} s is after the end of the press, {end:g} s")
        D = float(found.pellet.at(t))
        rows.append((f"{t:g} s, {100 * D:.0f} %", run.microstructure(D, time=t)))
    return rows


def _saved(o: PelletOptions, folder: Path, grains: list[tuple[str, Microstructure]]) -> list[Path]:
    paths = []
    for k, (_, micro) in enumerate(grains):
        for form in o.save or ():
            path = folder / f"grains-{k}.{form}"
            micro.save(path)
            paths.append(path)
    return paths


def _show(found: PelletPrediction, paths: list[Path]) -> None:
    from rich.console import Console

    from dualyte.report.pellet import pellet_summary

    console = Console()
    console.print(pellet_summary(found), markup=False, highlight=False)
    for flag in found.flags:
        console.print(f"- {flag}", markup=False, highlight=False)
    if paths:
        console.print(f"written to {paths[0].parent}", markup=False, highlight=False)


@calibrate.command(name="pellet")
def calibrate_pellet(
    *, draws: int = 400, seed: int = 0, out: Path | None = None, json: bool = False
) -> None:
    """Fit start and rate of densification and k of unloading to the calibration facts.

    Parameters
    ----------
    draws
        Of the facts within their spread.
    seed
        Of the draws.
    out
        Write the calibration file here (TOML).
    json
        Print JSON.
    """
    from dualyte.calibrate import calibrate_pellet as verb
    from dualyte.calibrate import pellet_parameters, write_pellet

    with progress("fitting", quiet=json) as tell:
        fit = verb(draws=draws, seed=seed, progress=tell)
    if out is not None:
        write_pellet(fit, out)
    if json:
        print(
            dumps({"facts": fit.facts, "parameters": pellet_parameters(fit), "checks": fit.checks})
        )
        return
    print(f"calibrated on {', '.join(fit.facts)}; {fit.kept:.0%} of the draws can be met")
    rows = [
        [r["parameter"], r["value"], f"{r['low']} … {r['high']}"] for r in pellet_parameters(fit)
    ]
    print_table(["calibrated parameter", "value", "90 % interval"], rows)
    for line in fit.checks:
        print(line)
    print("the creep exponent is not identifiable: every n above meets both densities")
    if out is not None:
        print(f"written to {out}")


@calibrate.command(name="curves")
def calibrate_curves(*, out: Path) -> None:
    """Compute the shipped master curves again; nothing is fitted.

    Parameters
    ----------
    out
        Folder for the curves (TOML); it also keeps finished work.
    """
    from dualyte.calibrate import compute_curves

    check_folder(out)
    with progress("pressing packings") as tell:
        for curve in compute_curves(out, store=out / "runs", progress=tell):
            print(curve)
    print(f"written to {out}")


@report.command(name="pellet")
def report_pellet(
    *,
    model: Literal["map", "mesoscale"] = "map",
    exponent: float = 7.0,
    grid: int = 48,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Set every statement of the study about powder and pellet beside the model.

    Parameters
    ----------
    model
        map, or mesoscale (shipped master curve).
    exponent
        Creep exponent: 5, 7 or 10.
    grid
        Cells along the box whose grains are drawn.
    out
        Folder for the table (JSON), the densities in time, and grains of LPSCl and LAOC pressed
        for the picture; it also keeps finished steps.
    json
        Print JSON.
    """
    from dualyte.report.pellet import pellet_table, write_pellet_table

    table = pellet_table(model, exponent)
    if out is not None:
        check_folder(out)
        with progress("pressing grains", quiet=json) as tell:
            write_pellet_table(table, out, model, grid=grid, progress=tell)
    print(dumps(table.as_dict()) if json else table)
