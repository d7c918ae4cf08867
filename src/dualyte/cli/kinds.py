"""`dualyte measure KIND` of every instrument, `dualyte measure FOLDER`, `dualyte example`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import dualyte as dl
from dualyte.cli.common import Quantity, app, check_folder, dumps, measure, progress
from dualyte.cli.measure import Files, Flag, OutOptions, print_parts

if TYPE_CHECKING:
    from dualyte.measure.result import Evaluation, Tell


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SaveOptions:
    """Where results go."""

    out: Path | None = None
    "Folder for summary, tables, figures (png, pdf), a material file and provenance.json."
    save: Path | None = None
    "TOML file to write results to as values of a material, which `dualyte predict` accepts."
    base: str | None = None
    "Material that has the other properties of --save, such as LNOC."
    json: Flag = False
    "Print one JSON object and nothing else."


def _run(kind: str, files: Sequence[str], options: Any, to: SaveOptions | None) -> None:  # noqa: ANN401 (a group of options)
    """Evaluate files of one kind; print and save."""
    from dualyte.measure.kinds import evaluator, files_of, options_beside, si_options

    to = to or SaveOptions()
    _check(to)
    asked = si_options(_given(options), told="--{}")
    paths = files_of(kind, files)
    asked = options_beside(kind, paths) | asked
    with progress(f"evaluating {kind}", quiet=to.json) as tell:
        found = evaluator(kind)(paths, **asked, progress=tell)
    _tell(found, paths, asked, to)


def _check(to: SaveOptions) -> None:
    if to.out is not None:
        check_folder(to.out)
    if to.base is not None:
        if to.save is None:
            raise dl.InputError("--base names what a file of --save lacks: give --save, too")
        dl.material(to.base)
    if to.save is not None and to.save.suffix != ".toml":
        raise dl.InputError(f"--save {to.save} is no TOML file; name it such as my_material.toml")
    if to.save is not None and not to.save.parent.is_dir():
        raise dl.InputError(f"--save {to.save}: there is no folder {to.save.parent}; make it first")


def _given(options: Any) -> dict[str, Any]:  # noqa: ANN401 (a group of options)
    """Options that were given, as text: defaults are None or False, so that any other is given."""
    if options is None:
        return {}
    every = {field.name: (getattr(options, field.name), field.default) for field in fields(options)}
    return {name: value for name, (value, default) in every.items() if value != default}


def _tell(
    found: Evaluation, paths: Sequence[Path], asked: Mapping[str, Any], to: SaveOptions
) -> None:
    """Print and save; nothing that worked is an error."""
    from dualyte.report.kinds import (
        evaluation_json,
        evaluation_text,
        write_evaluation,
        write_material,
    )

    stopped = False
    if to.out is not None:
        with progress("drawing figures", quiet=to.json) as tell:
            write = partial(write_evaluation, found, to.out, paths=paths, options=asked)
            stopped = _stopped(write, tell)
    if to.save is not None:
        write_material(found, to.save, base=to.base)
    if to.json:
        sys.stdout.write(dumps(evaluation_json(found)))
    else:
        print_parts(evaluation_text(found))
        for path in [p for p in (to.out, to.save) if p is not None]:
            print(f"written to {path}")
    _leave(reading=found.stopped, writing=stopped)


def _stopped(write: Callable[..., object], tell: Tell) -> bool:
    """Write; whether Ctrl-C stopped it, which must not cost what is printed next."""
    try:
        write(progress=tell)
    except KeyboardInterrupt:
        return True
    return False


def _leave(*, reading: bool, writing: bool) -> None:
    """Say what Ctrl-C cost, and leave."""
    if reading:
        print("dualyte: stopped before all were read; those read are given", file=sys.stderr)
    if writing:
        print("dualyte: stopped while writing; the folder is not whole", file=sys.stderr)
    if reading or writing:
        sys.exit(130)


# ---------------------------------------------------------------- folders and examples


@measure.default
def measure_folder(files: Files, /, *, to: OutOptions | None = None) -> None:
    """Recognise every file of a folder by its content, evaluate each kind, and sum it up.

    What files do not say themselves (area, mass, pressures …) is read from sidecars: NAME.toml of
    a file, dualyte.toml of a folder.

    Parameters
    ----------
    files
        Folders, or files of any kinds.
    """
    from dualyte.measure.kinds import sort_files
    from dualyte.report.anything import measure_everything
    from dualyte.report.kinds import evaluation_text, write_page

    to = to or OutOptions()
    if to.out is not None:
        check_folder(to.out)
    for path in map(Path, files):
        if not path.exists():
            raise dl.InputError(f"no file or folder {str(path)!r}")
    with progress("recognising files", quiet=to.json) as tell:
        held = sort_files(files, progress=tell)
    with progress("measuring files", quiet=to.json) as tell:
        every = measure_everything(files, held=held, progress=tell)
    if not every.stopped and not any(each.results for each in every.found):
        failed = [failure.why for each in every.found for failure in each.failures]
        more = f" (and {len(failed) - 1} more failed)" if len(failed) > 1 else ""
        raise dl.InputError(f"{failed[0]}{more}" if failed else "no file could be evaluated")
    stopped = False
    if to.out is not None:
        with progress("writing the page", quiet=to.json) as tell:
            write = partial(
                write_page, every.found, to.out, unknown=every.unknown, paths=every.paths
            )
            stopped = _stopped(write, tell)
    if to.json:
        sys.stdout.write(dumps(every.as_dict()))
    else:
        for each in every.found:
            print_parts([*evaluation_text(each, single=False), ""])
        print_parts([f"- passed over: {said}" for said in every.unknown])
        if to.out is not None:
            print(f"written to {to.out / 'summary.html'}")
    _leave(reading=every.stopped, writing=stopped)


@app.command
def example(
    kind: str,
    folder: Annotated[Path, Parameter(negative=())],
    /,
    *,
    seed: int = 0,
    json: Flag = False,
) -> None:
    """Write small instrument files of one kind with known truth, to try a command on.

    Parameters
    ----------
    kind
        cycling, eis, indentation, compression, conductivity, topography, section, xps, growth or
        phases.
    folder
        New folder to write into.
    seed
        Of the noise.
    json
        Print the truth as JSON.
    """
    from dualyte.measure.examples import write_example

    truth = write_example(kind, folder, seed=seed)  # type: ignore[arg-type]  # checked there
    names = sorted(path.name for path in folder.iterdir())
    if json:
        rows = {name: {"quantity": word, "si": si} for name, (word, si) in truth.items()}
        sys.stdout.write(dumps({"kind": kind, "files": names, "truth": rows}))
        return
    print(f"wrote {', '.join(names)}")
    for name, (word, si) in truth.items():
        print(f"  {name.replace('_', ' ')}: {dl.show(word, si)}")
    print(f"try: dualyte measure {kind} {folder}")


# ---------------------------------------------------------------- one command for each kind


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CyclingOptions:
    """What is known of cells."""

    mass: Quantity | None = None
    "Of the active material of the cathode, such as '9.1 mg', for mAh/g."
    area: Quantity | None = None
    "Electrode area, such as '0.785 cm2', for mAh/cm2."
    temperature: Quantity | None = None
    "Of the cell, such as '60 degC'."
    pressure: Quantity | None = None
    "Stack pressure of all cycles, such as '7 MPa'; else from --stack or a sidecar."
    first: str | None = None
    "What a cycle begins with, charge or discharge; by default what the record begins with."
    reservoir_free: Flag = False
    "The cell has no lithium but that of its cathode: no more can come back than went in."
    activation: str | None = None
    "Numbers of the activation cycles, such as '0'."
    stack: str | None = None
    "Stack pressures of cycles, such as '1-5: 7 MPa; 6-10: 5 MPa'."
    mask: str | None = None
    "Cycles to leave out, such as '7, 12-14'."
    numbering: str | None = None
    "auto (default), file (the cycle numbers of the file) or own (found from the current)."
    stitched: Flag = False
    "The files are parts of one cell, in order."


@measure.command(name="cycling")
def measure_cycling(
    files: Files, /, *, known: CyclingOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Capacity, Coulombic efficiency and retention of cycler files; replicates are averaged.

    Parameters
    ----------
    files
        Cycler files, folders, or quoted patterns such as 'data/*.mpr'.
    """
    _run("cycling", files, known, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class IndentationOptions:
    """How indents are evaluated."""

    poisson_ratio: float | None = None
    "Of the sample, such as 0.3, for Young's modulus."
    area_function: str | None = None
    "Prefactors of the tip in nm, such as '24.5,396,-16.1'; else those of the files."
    frame_compliance: Quantity | None = None
    "Of the frame, such as '0.5 nm/mN', or fit; else that of the files."
    csm: Flag = False
    "Take the stiffness measured continuously."
    unload_from: float | None = None
    "Share of the load from which unloading is fitted, by default 0.95."
    unload_to: float | None = None
    "Share of the load to which it is, by default 0.25."
    depth_from: Quantity | None = None
    "Depth from which continuous stiffness is used, such as '500 nm'."
    depth_to: Quantity | None = None
    "Depth to which it is."
    drift_rate: float | None = None
    "Thermal drift [m/s]; by default from a hold near the end, if there is one."
    epsilon: float | None = None
    "Shape of the indenter in the contact depth, by default 0.75."
    beta: float | None = None
    "Correction of the stiffness, by default 1."
    tip_modulus: Quantity | None = None
    "Young's modulus of the tip, by default that of diamond, '1141 GPa'."
    tip_poisson: float | None = None
    "Its Poisson ratio, by default 0.07."
    strikes: Flag = False
    "Also evaluate indents whose tip struck the surface."
    constraint_factor: float | None = None
    "Hardness over flow stress, by default 3."
    outliers: str | None = None
    "How indents far from the others are treated: mad (default; left out, and said) or keep."


@measure.command(name="indentation")
def measure_indentation(
    files: Files, /, *, how: IndentationOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Hardness, modulus and flow stress of load–depth curves by Oliver and Pharr.

    Parameters
    ----------
    files
        Files of indenters, folders, or quoted patterns such as 'data/*.hld'.
    """
    _run("indentation", files, how, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CompressionOptions:
    """What is known of a press."""

    diameter: Quantity | None = None
    "Of die or pellet, such as '10 mm'."
    mass: Quantity | None = None
    "Of the powder, such as '200 mg'."
    density: Quantity | None = None
    "Of the solid without pores, such as '2.61 g/cm3'."
    thickness: Quantity | None = None
    "Of the pellet after unloading, such as '1.2 mm'."
    compliance: Quantity | None = None
    "Of the frame, such as '0.012 um/N'."
    blank: Path | None = None
    "File of a run without a sample, to take the frame's compliance from."
    zero: Quantity | None = None
    "Reading of the load cell without a load, such as '0.8 N'; by default found before contact."
    start_density: float | None = None
    "Relative density before pressing, for Kawakita."
    heckel_low: Quantity | None = None
    "Pressure from which the Heckel line is fitted, such as '20 MPa'; by default chosen."
    heckel_high: Quantity | None = None
    "Pressure to which it is."
    force_column: str | None = None
    "Column to take as the force, such as 'Aux Input 5'."
    force_gain: float | None = None
    "What a unit of that column is in N."
    force_offset: float | None = None
    "What its zero is in N, by default 0."


@measure.command(name="compression")
def measure_compression(
    files: Files, /, *, known: CompressionOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Work of compression, density under pressure (Heckel, Kawakita), spring-back, creep.

    Parameters
    ----------
    files
        Files of presses, folders, or quoted patterns such as 'data/*.csv'.
    """
    _run("compression", files, known, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ConductivityOptions:
    """What is known of a pellet, and how it is evaluated."""

    thickness: Quantity | None = None
    "Of the pellet, such as '0.8 mm'; else a column of the table."
    area: Quantity | None = None
    "Electrode area, such as '0.785 cm2'."
    temperature: Quantity | None = None
    "Of all rows, such as '25 degC'."
    pressure: Quantity | None = None
    "Stack pressure of all rows."
    thickness_spread: Quantity | None = None
    "Standard deviation of the thickness, such as '10 um'."
    area_spread: Quantity | None = None
    "Standard deviation of the area."
    foil_resistance: Quantity | None = None
    "Of electrode foils in series, such as '0.6 ohm cm2', at --foil-pressure."
    foil_pressure: Quantity | None = None
    "Where it was measured; it falls as 1/P."
    blank: Path | None = None
    "Table of a cell without a pellet, to take the foils' resistance from."
    foil_fit: Flag = False
    "Fit the foils' resistance, as 1/P, to the loading."
    form: str | None = None
    "What is linear in 1/T: sigma (default) or sigmaT."
    law: str | None = None
    "auto (default), arrhenius or vtf."
    outliers: str | None = None
    "keep, flag (default) or robust."
    circuit: str | None = None
    "Circuit string, where the files are spectra; by default chosen."
    in_order: Flag = False
    "Rows are in the order measured: loading, then unloading."
    unloaded_to: Quantity | None = None
    "Pressure at which the loss on unloading is given; by default the lowest."
    at: Quantity | None = None
    "Temperature of the conductivity given, by default '25 degC'."


@measure.command(name="conductivity")
def measure_conductivity(
    files: Files, /, *, known: ConductivityOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Conductivity against pressure and temperature, its loss on unloading, its activation energy.

    Parameters
    ----------
    files
        Tables or impedance files, folders, or quoted patterns.
    """
    _run("conductivity", files, known, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TopographyOptions:
    """How height maps and pictures of particles are evaluated."""

    unit: str | None = None
    "Unit of the heights of a bare table, such as nm."
    size: Quantity | None = None
    "Field of a bare table, such as '50 um'."
    level: str | None = None
    "What is removed first: none, plane (default) or curvature."
    particles: Flag = False
    "Find particles, such as silver seeds, and their sizes."
    phase: str | None = None
    "Class of grey levels or heights that particles are: dark, middle or bright."
    pixel: Quantity | None = None
    "Side of a pixel of a picture, such as '20 nm'."
    scale_bar: str | None = None
    "What its scale bar stands for, such as '500 nm'."
    threshold: float | None = None
    "Between particles and ground: height above the ground [m], or grey level."
    smooth: float | None = None
    "Width of the smoothing [pixels]; by default from the noise."
    smallest: Quantity | None = None
    "Diameter below which a particle is noise; by default 6 pixels."
    large: Quantity | None = None
    "Diameter from which a particle counts as large, by default '1 um'."
    split: Flag = False
    "Part touching particles at their waists."


@measure.command(name="topography")
def measure_topography(
    files: Files, /, *, how: TopographyOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Roughness of height maps, and the sizes of particles on a surface.

    Parameters
    ----------
    files
        Height maps (with --particles pictures, too), folders, or quoted patterns.
    """
    _run("topography", files, how, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SectionOptions:
    """How micrographs are evaluated."""

    phase: str | None = None
    "Class of grey levels that is the pores: dark, middle or bright."
    pixel: Quantity | None = None
    "Side of a pixel, such as '20 nm'; else from the file."
    scale_bar: str | None = None
    "What the scale bar stands for, such as '500 nm'."
    threshold: float | None = None
    "Grey level between pores and solid; by default found."
    smooth: float | None = None
    "Width of the smoothing [pixels]; by default from the noise."
    smallest: Quantity | None = None
    "Diameter below which a pore is noise."
    boundary: str | None = None
    "find, or a line in pixels such as '0,110 640,118': the share of it that gapes is given."
    gap: Quantity | None = None
    "Thickness from which it gapes, such as '0.1 um'."
    reach: Quantity | None = None
    "How far from the line a gap may lie."


@measure.command(name="section")
def measure_section(
    files: Files, /, *, how: SectionOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Porosity, pore sizes and gaps along a boundary of micrographs.

    Parameters
    ----------
    files
        Pictures (TIFF, PNG, JPEG), folders, or quoted patterns.
    """
    _run("section", files, how, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class XpsOptions:
    """How photoelectron spectra are evaluated."""

    model: str | None = None
    "o1s-garnet, cl2p-oxyhalide, c1s-carbon or line; by default guessed from the region."
    regions: str | None = None
    "Region of a file that holds several, such as 'O 1s'."
    reference: str | None = None
    "Charge reference, such as 'C 1s 284.8 eV', or a shift such as '-0.4 eV'."
    background: str | None = None
    "shirley (default), linear, tougaard, shirley-fixed, linear-fixed, or stored in the file."
    angle: Quantity | None = None
    "Between the normal and the analyser, such as '45 deg'."
    photon_energy: Quantity | None = None
    "Such as '1486.7 eV', where a file has kinetic energies and does not say it."
    low: Quantity | None = None
    "Lowest binding energy used, such as '526 eV'."
    high: Quantity | None = None
    "Highest binding energy used."
    ends: int | None = None
    "Points averaged at each end of the background, by default 5."


@measure.command(name="xps")
def measure_xps(
    files: Files, /, *, how: XpsOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Peaks of photoelectron spectra: positions, widths, shares, thickness of a film.

    Parameters
    ----------
    files
        VAMAS, VGD, Avantage, SPECS or tables, folders, or quoted patterns.
    """
    _run("xps", files, how, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GrowthOptions:
    """How growth is evaluated."""

    area: Quantity | None = None
    "Electrode area, for resistances per area."
    column: str | None = None
    "Column of the resistance, where a table has several."
    circuit: str | None = None
    "Circuit string, where the files are spectra; by default chosen."
    arc: str | None = None
    "Arc of the circuit that grows, such as ws."
    interval: Quantity | None = None
    "Time between spectra that do not say theirs, such as '2 h'."
    begin: Quantity | None = None
    "Time from which growth is fitted."
    end: Quantity | None = None
    "Time to which it is."


@measure.command(name="growth")
def measure_growth(
    files: Files, /, *, how: GrowthOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Growth of a film: parabolic rate of its resistance, fall of its capacitance, exponent.

    Parameters
    ----------
    files
        Tables of resistance in time, or spectra, folders, or quoted patterns.
    """
    _run("growth", files, how, to)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PhasesOptions:
    """How powder patterns are evaluated."""

    wavelength: Quantity | None = None
    "Such as '1.5406 angstrom'; by default that of copper."
    phases: str | None = None
    "References to compare with, such as 'LLZTO,LiCl'; by default all."
    alpha2: Annotated[bool | None, Parameter(negative="--no-alpha2")] = None
    "Whether lines have Kα2 beside Kα1; by default they have."


@measure.command(name="phases")
def measure_phases(
    files: Files, /, *, how: PhasesOptions | None = None, to: SaveOptions | None = None
) -> None:
    """Lines of powder patterns, the phases that explain them, an upper limit for LiCl.

    Parameters
    ----------
    files
        Patterns (.xy and tables), folders, or quoted patterns.
    """
    _run("phases", files, how, to)
