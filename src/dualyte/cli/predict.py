"""`dualyte predict`: pellet, interface, its impedance and a cell, from materials and geometry."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import dualyte as dl
from dualyte.cli.common import Quantity, check_folder, predict, print_table, progress

if TYPE_CHECKING:
    from dualyte.circuit import Spectrum
    from dualyte.interface.predict import Design, InterfacePrediction, RoughFace
    from dualyte.pellet.predict import PelletPrediction
    from dualyte.surface import Surface


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class InterfaceOptions:
    """Options of the interface."""

    soft: str = "LNOC"
    "Soft electrolyte: a library name, or path to a TOML file of your own."
    hard: str = "LLZTO"
    "Hard electrolyte, likewise."
    press: Quantity = "120 MPa"
    "Fabrication pressure of the powder-to-pellet route."
    dwell: Quantity = "3 min"
    "Time at the fabrication pressure."
    stack: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True, negative=())] = None
    "Stack pressure, such as '7 MPa'; repeat for a curve. Default: 55 … 1 MPa."
    temperature: Quantity = "25 degC"
    "Temperature of the measurement."
    treatment: str = "heat-treated"
    "Of the garnet: polished, heat-treated, phosphoric acid."
    film_removal: float = 0.0
    "Fraction of the film that grinding removes, against the P1000 finish."
    route: str = "powder-to-pellet"
    "powder-to-pellet (pressed, then unloaded) or pellet-to-pellet (loaded once)."
    surface: Path | None = None
    "Measured topography of the garnet: x3p, plu, al3d, opdx, frt, nms, tmd, npy, txt …"
    unit: str | None = None
    "Unit of the topography, where its file is wrong or silent."
    size: Quantity | None = None
    "Side of a topography without lateral scale (npy, txt, csv), such as '90 um'."
    window: str = "tukey"
    "How a measured face is made periodic: tukey, mirror, none."
    sq: Quantity | None = None
    "Root-mean-square roughness of a synthetic face; default that of the P1000 grit."
    grit: str | None = None
    "Named finish instead of --sq: P400, P1000, P4000."
    correlation_length: Quantity | None = None
    "Roll-off wavelength of a synthetic face."
    hurst: float | None = None
    "Hurst exponent of a synthetic face."
    cutoff: Quantity = "0.5 um"
    "Shortest wavelength of a synthetic face."
    box: Quantity | None = None
    "Side of the periodic cell: of a synthetic face (default 32 um), or cut from a measured one."
    pixels: int = 256
    "Points along each side of the cell."
    cell: str = "symmetric"
    "Whose impedance: symmetric (soft | hard | soft, two interfaces) or interface (one alone)."
    hard_thickness: Quantity | None = None
    "Of the hard layer, such as '0.8 mm'; an assumed range by default."
    soft_thickness: Quantity | None = None
    "Of each soft layer, likewise."
    reading: str = "Q"
    "How the quoted capacitance is read in the impedance: Q (constant-phase element) or C."
    measured: Annotated[list[Path] | None, Parameter(consume_multiple=True, negative=())] = None
    "Impedance files to draw over the prediction; they need --area where they do not say it."
    area: Quantity | None = None
    "Electrode area of the measured cell, such as '1.13 cm2'."
    seeds: int = 20
    "Faces to press; intervals need 20 or more."
    draws: int = 200
    "Samples of the remaining inputs on each face."
    seed: int = 0
    "Of everything random."
    workers: int | None = None
    "Threads; all cores by default."
    out: Path | None = None
    "Folder to write; default dualyte-interface. The same command continues a stopped run."
    json: Annotated[bool, Parameter(negative=())] = False
    "Print one JSON object and nothing else (then a folder is written only with --out)."


@predict.default
def predict_all(options: InterfaceOptions | None = None) -> None:
    """Run every part of the prediction: pellet, interface, impedance, cell."""
    _interface(options or InterfaceOptions(), with_cell=True)


@predict.command(name="interface")
def predict_interface(options: InterfaceOptions | None = None) -> None:
    """Contact, R_HE and C_HE of a soft electrolyte pressed on garnet, under stack pressure."""
    _interface(options or InterfaceOptions())


def _interface(options: InterfaceOptions, *, with_cell: bool = False) -> None:
    from dualyte.impedance import impedance_rows, predict_impedance
    from dualyte.interface.answer import interface_rows
    from dualyte.interface.predict import finished_contacts
    from dualyte.interface.predict import predict_interface as verb
    from dualyte.pellet.predict import pellet_rows
    from dualyte.report import write_prediction

    _check(options)
    pellet = _pellet(options)
    design = _design(options, pellet)
    cell = _cell(options)
    measured = _measured(options)
    folder = _folder(options, design)
    store = folder / "samples" if folder else None
    stopped = False
    try:
        with progress("pressing faces", quiet=options.json) as tell:
            found = verb(
                design, seeds=options.seeds, draws=options.draws, seed=options.seed,
                workers=options.workers, store=store, progress=tell,
            )  # fmt: skip
    except KeyboardInterrupt:
        if store is None:
            raise
        done = finished_contacts(design, options.seeds, seed=options.seed, store=store)
        if not done:
            raise
        stopped = True
        found = verb(
            design, seeds=options.seeds, draws=options.draws, seed=options.seed, contacts=done
        )
    spectra = predict_impedance(found, **cell)
    paths = (
        write_prediction(found, folder, spectra=spectra, measured=measured, pellet=pellet)
        if folder
        else []
    )
    told: dict[str, Any] = {
        "pellet": pellet_rows(pellet),
        "interface": interface_rows(found),
        "impedance": impedance_rows(spectra),
    }
    summary = ""
    if with_cell:
        told["cell"], summary = _cycled(found, folder)
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _show(found, paths, pellet, summary)
    if stopped:
        print(
            f"dualyte: stopped with {len(found.contacts)} of {options.seeds} faces finished; "
            "the same command continues",
            file=sys.stderr,
        )
        sys.exit(130)


def _check(options: InterfaceOptions) -> None:
    for name in ("seeds", "draws", "workers"):
        number = getattr(options, name)
        if number is not None and number < 1:
            raise dl.InputError(f"--{name} is {number}; it must be 1 or more")
    if not 0 <= options.film_removal <= 1:
        raise dl.InputError(
            f"--film-removal is {options.film_removal:g}; it is a fraction from 0 to 1"
        )


def _cycled(found: InterfacePrediction, folder: Path | None) -> tuple[dict[str, Any], str]:
    """Rows and account of a cell with this interface, cycled at each stack pressure.

    A soft electrolyte that no cathode can be made of leaves a reason instead.
    """
    from dualyte.cell import Cathode, Cell, Composition, cell_rows, hetero_table, predict_cell
    from dualyte.cell.predict import BETWEEN
    from dualyte.cell.protocol import protocol, repeat, tagged
    from dualyte.report.cell import cell_summary, write_cell_prediction

    design = found.design
    try:
        between, spread = hetero_table(found)
        mix = Composition(
            active=dl.material("NMC82"), catholyte=design.soft, fibre=dl.material("VGCF")
        )
        cell = Cell(
            cathode=Cathode(composition=mix, resolution="single particle"),
            interface=between,
            garnet=design.hard,
        )
        steps = [
            repeat(
                2, f"Charge at C/5 until 4.3 V at {p / 1e6:g} MPa", "Discharge at C/5 until 2.8 V"
            )
            for p in found.pressure
        ]
        first = (
            f"Charge at C/10 until 4.3 V at {found.pressure[0] / 1e6:g} MPa",
            "Discharge at C/10 until 2.8 V",
        )
        told = protocol([tagged("activation", *first), *steps], name="two cycles at each pressure")
        made = predict_cell(cell, told, spread=spread, inputs=(BETWEEN,))
    except dl.DualyteError as error:
        return {"left_out": str(error)}, f"no cell: {error}"
    if folder is not None:
        write_cell_prediction(made, folder)
    return cell_rows(made), cell_summary(made)


def _cell(options: InterfaceOptions) -> dict[str, Any]:
    """Arguments of `predict_impedance`."""
    from dualyte.impedance.predict import CELLS

    for name, known in (("cell", CELLS), ("reading", ("Q", "C"))):
        if (word := getattr(options, name)) not in known:
            raise dl.InputError(f"--{name} is {word!r}; it is one of {', '.join(known)}")
    found: dict[str, Any] = {"cell": options.cell, "reading": options.reading}
    for name in ("hard_thickness", "soft_thickness"):
        if (text := getattr(options, name)) is not None:
            found[name] = _given("length", dl.q(text, "length"), name)
    return found


def _measured(options: InterfaceOptions) -> list[Spectrum]:
    """Measured spectra to draw over the prediction, all with their area."""
    if options.measured is None:
        if options.area is not None:
            raise dl.InputError("--area belongs to measured files; name them with --measured")
        return []
    from dualyte.measure.files import read_spectra

    area = None if options.area is None else dl.q(options.area, "area")
    found = list(read_spectra(options.measured, area=area).spectra)
    for spectrum in found:
        if spectrum.area is None:
            raise dl.InputError(
                f"{spectrum.title}: no electrode area is known; give it, such as --area '1.13 cm2'"
            )
    return found


def _pellet(options: InterfaceOptions) -> PelletPrediction:
    """Pellet of the soft electrolyte, pressed as the options say."""
    from dualyte.pellet import hold
    from dualyte.pellet.predict import STACKS, STATED, UNLOADING
    from dualyte.pellet.predict import predict_pellet as verb

    top = dl.q(options.press, "pressure")
    asked = tuple(dl.q(p, "pressure") for p in options.stack) if options.stack else STACKS
    low = UNLOADING if top > UNLOADING[0] else (top, top * UNLOADING[1] / UNLOADING[0])
    return verb(
        dl.material(options.soft),
        hold(top, dl.q(options.dwell, "dwell")),
        stacks=(*asked, min(STATED, top)),
        unloading=low,
        draws=max(options.draws, 100),
        seed=options.seed,
    )


def _design(options: InterfaceOptions, pellet: PelletPrediction) -> Design:
    from dualyte.interface.predict import STACKS, Design
    from dualyte.interface.transport import transfer
    from dualyte.pellet.predict import REFERENCE, STATED, layer
    from dualyte.surface import treatment

    stacks = [dl.q(p, "pressure") for p in options.stack] if options.stack else STACKS
    press = (dl.q(options.press, "pressure"), dl.q(options.dwell, "dwell"))
    known = press == REFERENCE  # then the material file says what its layer conducts
    soft = dl.material(options.soft) if known else layer(pellet, min(STATED, press[0]))
    return Design(
        soft=soft,
        hard=dl.material(options.hard),
        face=_face(options),
        film=treatment(options.treatment, removal=options.film_removal),
        transfer=transfer(),
        route=options.route,  # type: ignore[arg-type]  # Design refuses other words
        fabrication=dl.q(options.press, "pressure"),
        dwell=dl.q(options.dwell, "dwell"),
        stacks=tuple(stacks),
        pellet=pellet.pellet if options.route == "powder-to-pellet" else None,
        stated=min(STATED, press[0]),
        temperature=dl.q(options.temperature, "temperature"),
    )


def _face(options: InterfaceOptions) -> RoughFace | Surface:
    from dualyte.interface.predict import RoughFace
    from dualyte.surface import detrend, grit, periodic_cell, read_surface

    synthetic = ("sq", "grit", "correlation_length", "hurst")
    given = [name.replace("_", "-") for name in synthetic if getattr(options, name) is not None]
    if options.surface is None:
        if len({"sq", "grit"} & set(given)) == 2:
            raise dl.InputError("--sq and --grit both give the roughness; keep one")
        face = RoughFace(
            cutoff=dl.q(options.cutoff, "length"),
            size=dl.q(options.box or "32 um", "length"),
            n=options.pixels,
        )  # fmt: skip
        if options.grit is not None:
            face = replace(face, sq=grit(options.grit))
        for name, word in (("sq", "roughness"), ("correlation_length", "length")):
            if (text := getattr(options, name)) is not None:
                moved: dict[str, Any] = {name: _given(word, dl.q(text, word), name)}
                face = replace(face, **moved)
        if options.hurst is not None:
            face = replace(face, hurst=_given("ratio", options.hurst, "hurst"))
        try:
            face.draw(1)  # refuses impossible lengths before anything long starts
        except dl.InputError as error:
            told = "--pixels, --box, --cutoff, --correlation-length and --hurst set the face"
            raise dl.InputError(f"{error} ({told})") from error
        return face
    if given:
        raise dl.InputError(
            f"--surface already is a face; leave out {', '.join('--' + name for name in given)}"
        )
    size = None if options.size is None else dl.q(options.size, "length")
    read = read_surface(options.surface, unit=options.unit, size=size)
    side = None if options.box is None else dl.q(options.box, "length")
    level = detrend(read, "tilt")
    return periodic_cell(level, n=options.pixels, size=side, window=options.window)  # type: ignore[arg-type]  # refused there


def _given(word: str, si: float, name: str) -> dl.Value:
    return dl.Value(
        quantity=word, si=si, kind="assumed", source="user", where=f"--{name.replace('_', '-')}"
    )


def _folder(options: InterfaceOptions, design: Design) -> Path | None:
    """Folder to write to: the one named, else a fresh one or that of the same stopped run."""
    from dualyte.interface.predict import fingerprint

    if options.out is not None:
        check_folder(options.out)
        return options.out
    if options.json:
        return None
    key = fingerprint(design, options.seeds, options.seed)
    for k in range(1, 1000):
        folder = Path("dualyte-interface" if k == 1 else f"dualyte-interface-{k}")
        if not folder.exists() or any((folder / "samples").glob(f"{key}-*.npz")):
            return folder
    raise dl.InputError("1000 folders named dualyte-interface exist; name one with --out")


def _show(
    found: InterfacePrediction, paths: list[Path], pellet: PelletPrediction, cell: str
) -> None:
    from rich.console import Console

    from dualyte.interface.answer import conditions, interface_rows
    from dualyte.report.folder import table
    from dualyte.report.pellet import pellet_summary

    rows = interface_rows(found)
    console = Console()
    console.print(pellet_summary(pellet), markup=False, highlight=False)
    console.print()
    console.print(conditions(found), markup=False, highlight=False)
    print_table(*table(rows))
    for flag in rows[0]["flags"]:
        console.print(f"- {flag}", markup=False, highlight=False)
    if cell:
        console.print()
        console.print(cell, markup=False, highlight=False)
    if paths:
        console.print(f"written to {paths[0].parent}", markup=False, highlight=False)
