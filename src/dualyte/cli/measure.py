"""`dualyte measure`: spectra fitted, distributions, tests, activation energies."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import dualyte as dl
from dualyte.cli.common import Quantity, check_folder, dumps, measure, print_table, progress

if TYPE_CHECKING:
    from dualyte.material import Material
    from dualyte.measure.files import Reading
    from dualyte.report.evaluation import Measurement

Files = Annotated[list[str], Parameter(negative=())]
Flag = Annotated[bool, Parameter(negative=())]
Several = Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())]
Again = Annotated[list[str] | None, Parameter(negative=())]
_LONGEST = 60  # rows of a table
WEIGHTINGS = ("modulus", "parts", "unit", "spread")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What is known of the files."""

    area: Quantity | None = None
    "Electrode area, such as '1.13 cm2'; without it results are in ohm and F of the cell."
    thickness: Quantity | None = None
    "Thickness of the electrolyte, such as '1 mm', for conductivities; remembered beside the files."
    temperature: Quantity | None = None
    "Of all files, such as '25 degC'; else from names (cell1_-40C_55MPa.csv), headers, sidecars."
    pressure: Quantity | None = None
    "Stack pressure of all files, such as '55 MPa', likewise."
    interfaces: int | None = None
    "Interfaces in series that share R_he and C_he; default 1, the cell as measured; remembered."
    lowest: Quantity | None = None
    "Leave out points below this frequency, such as '10 Hz'."
    highest: Quantity | None = None
    "Leave out points above it, such as '3 MHz'."
    average: Flag = False
    "Average replicates: loops, and files whose names differ by a replicate number."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OutOptions:
    """Where results go."""

    out: Path | None = None
    "Folder for tables, figures (png, pdf) and provenance.json."
    json: Flag = False
    "Print one JSON object and nothing else."


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How circuits are fitted."""

    circuit: Again = None
    "Circuit string with labelled arcs, such as 'R_0-p(R_he,CPE_he)-CPE_tail'; by default auto. \
Given again, circuits are compared by BIC, and the best is used."
    weighting: str = "modulus"
    "modulus (1/|Z|), parts (1/|Re|, 1/|Im|), unit, or spread (of averaged replicates)."
    fix: Several = None
    "Numbers that are known, such as n_tail=0.9 or 'R_0=5 ohm cm2', as results show them."
    tie: Several = None
    "Numbers that are equal, such as n_bulk,n_gb."
    seed: int = 0
    "Of the starts."
    workers: int | None = None
    "Threads; all cores by default."

    @property
    def circuits(self) -> list[str]:
        """Those given, or auto."""
        return self.circuit or ["auto"]

    @property
    def auto(self) -> bool:
        """Whether each file or series chooses its circuit."""
        return self.circuits == ["auto"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SeriesOptions:
    """What is done with a series."""

    joint: Flag = False
    "Fit all files as one series over temperature and pressure."
    soft: str | None = None
    "Soft electrolyte (library name or TOML file), to judge the mechanism of the arcs by."
    hard: str | None = None
    "Hard electrolyte, likewise."
    profile: Flag = False
    "Also the profile interval of each R of single fits (that of a joint fit is always given)."


@measure.command(name="eis")
def measure_eis(
    files: Files,
    /,
    *,
    read: ReadOptions | None = None,
    fit: FitOptions | None = None,
    series: SeriesOptions | None = None,
    to: OutOptions | None = None,
) -> None:
    """Fit circuits to impedance spectra, one by one or as a series over temperature and pressure.

    Parameters
    ----------
    files
        Instrument files, folders, or quoted patterns such as 'data/*.mpr'.
    """
    from dualyte.report.evaluation import evaluate, join, over_temperature, remembered

    read, fit = read or ReadOptions(), fit or FitOptions()
    series, to = series or SeriesOptions(), to or OutOptions()
    _check_options(fit, to)
    for text in fit.circuits:
        if text != "auto":
            dl.parse_circuit(text)  # a wrong one is refused before anything is read
    layers = _layers(series)
    reading = _reading(files, read)
    with progress("fitting spectra", quiet=to.json) as tell:
        found = evaluate(
            reading, fit.circuits, progress=tell, profiles=series.profile,
            **_how(fit, reading),
        )  # fmt: skip
    stopped = found.stopped
    if found.fits and not series.joint:
        found = over_temperature(found)
    elif found.fits and not stopped:
        try:
            with progress("joint fit", quiet=to.json) as tell:
                found = join(found, fit.circuits, layers=layers, seed=fit.seed, progress=tell)
        except KeyboardInterrupt:
            stopped = True
    elif series.joint and len(reading.failures) + len(reading) < 2:
        _refuse_all(found)
    flags = remembered(
        files, [f.spectrum for f in found.fits], thickness=_si(read, "thickness"),
        interfaces=read.interfaces,
    )  # fmt: skip
    _tell(_with_flags(found, flags, read, fit), to)
    if stopped:
        print(
            "dualyte: stopped before all were fitted; those fitted are given"
            if found.stopped
            else "dualyte: stopped before the joint fit ended; single fits are as given",
            file=sys.stderr,
        )
        sys.exit(130)


def _refuse_all(found: Measurement) -> None:
    raise dl.InputError(found.rows[0].failed)


def _with_flags(
    found: Measurement, flags: Sequence[str], read: ReadOptions, fit: FitOptions
) -> Measurement:
    """Add what happened outside the fits, and how they were asked for."""
    from dataclasses import replace

    asked = {k: v for k, v in (*_given(read).items(), *_given(fit).items()) if v is not None}
    return replace(
        found, flags=(*found.flags, *flags), options={**found.options, "asked": asked}
    )  # fmt: skip


def _given(options: Any) -> dict[str, Any]:  # noqa: ANN401 (a group of options)
    return {field.name: getattr(options, field.name) for field in fields(options)}


def _tell(found: Measurement, to: OutOptions) -> None:
    """Print and save; nothing that worked is an error."""
    from dualyte.report.measurement import measurement_json, measurement_text, write_measurement

    failed = [row for row in found.rows if row.failed]
    if not found.fits:
        _nothing([row.failed for row in failed])
    paths: list[Path] = []
    if to.out is not None:
        with progress("drawing figures", quiet=to.json) as tell:
            paths = write_measurement(found, to.out, progress=tell)
    if to.json:
        sys.stdout.write(dumps(measurement_json(found)))
        return
    print_parts(measurement_text(found, most=_LONGEST))
    _written(paths)


def _nothing(failed: Sequence[str]) -> None:
    """Refuse where every file failed: the sentence of the first, and how many more."""
    more = f" (and {len(failed) - 1} more failed)" if len(failed) > 1 else ""
    raise dl.InputError(f"{failed[0]}{more}" if failed else "none of the files holds a spectrum")


def print_parts(parts: Sequence[Any]) -> None:
    """Print lines and tables."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    for part in parts:
        if isinstance(part, str):
            console.print(part, markup=False, highlight=False)
        else:
            print_table(*part)


def _written(paths: Sequence[Path]) -> None:
    if paths:
        print(f"written to {paths[0].parent}")


# ---------------------------------------------------------------- options


def _check_options(fit: FitOptions, to: OutOptions) -> None:
    if fit.weighting not in WEIGHTINGS:
        raise dl.InputError(
            f"--weighting is {fit.weighting!r}; it is one of {', '.join(WEIGHTINGS)}"
        )
    if len(fit.circuits) > 1 and (fit.fix or fit.tie):
        raise dl.InputError("--fix and --tie name numbers of one circuit: give one --circuit")
    if fit.workers is not None and fit.workers < 1:
        raise dl.InputError(f"--workers is {fit.workers}; it must be 1 or more")
    _check_out(to)


def _check_out(to: OutOptions) -> None:
    if to.out is not None:
        check_folder(to.out)


def _si(read: ReadOptions, name: str) -> float | None:
    word = "frequency" if name in ("lowest", "highest") else name
    text = getattr(read, name)
    if text is None:
        return None
    try:
        return dl.q(text, word)
    except dl.InputError as error:
        raise dl.InputError(f"--{name}: {error}") from None


def _reading(files: Sequence[str], read: ReadOptions) -> Reading:
    """Spectra of the files; a bad file costs only itself."""
    from dualyte.measure.files import read_spectra

    names = ("area", "thickness", "temperature", "pressure", "lowest", "highest")
    known = {name: _si(read, name) for name in names}
    reading = read_spectra(
        files, interfaces=read.interfaces, average=read.average, raise_errors=False, **known
    )  # fmt: skip
    for note in reading.skipped:
        print(f"dualyte: passed over: {note.why}", file=sys.stderr)
    return reading


def _how(fit: FitOptions, reading: Reading) -> dict[str, Any]:
    """Arguments of `evaluate`."""
    return {
        "weighting": fit.weighting,
        "fixed": _fixed(fit, reading),
        "tied": _tied(fit),
        "seed": fit.seed,
        "workers": fit.workers,
    }


def _tied(fit: FitOptions) -> list[tuple[str, ...]]:
    groups = []
    for text in fit.tie or ():
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if len(names) < 2:
            raise dl.InputError(
                f"--tie {text!r} names one number; give two or more with commas, such as n_gb,n_he"
            )
        groups.append(names)
    return groups


def _fixed(fit: FitOptions, reading: Reading) -> dict[str, float]:
    """SI numbers of the cell from NAME=VALUE, in the unit and convention of results."""
    from dualyte.report.fixing import fixed_number

    found = {}
    for text in fit.fix or ():
        name, mark, value = text.partition("=")
        if not mark or not name.strip() or not value.strip():
            raise dl.InputError(
                f"--fix {text!r} is no NAME=VALUE, such as n_tail=0.9; files go before the options"
            )
        if fit.auto:
            raise dl.InputError("--fix names numbers of a circuit: give --circuit, too")
        name = name.strip()
        found[name] = fixed_number(fit.circuits[0], name, value.strip(), reading.spectra)
    return found


def _layers(series: SeriesOptions) -> Mapping[int, Material] | None:
    names = {1: series.soft, 2: series.hard}
    return {place: dl.material(name) for place, name in names.items() if name is not None} or None


# ---------------------------------------------------------------- other commands


@measure.command(name="drt")
def measure_drt(
    files: Files,
    /,
    *,
    read: ReadOptions | None = None,
    arcs: int | None = None,
    seed: int = 0,
    to: OutOptions | None = None,
) -> None:
    """Distributions of relaxation times: how many arcs there are, and how large each is.

    Parameters
    ----------
    files
        Instrument files, folders, or quoted patterns such as 'data/*.mpr'.
    arcs
        Number of arcs, to set it by hand.
    seed
        Of the draws of the bands.
    """
    from dualyte.report import relaxation as report

    read, to = read or ReadOptions(), to or OutOptions()
    _check_out(to)
    reading = _reading(files, read)
    with progress("distributions", quiet=to.json) as tell:
        rows = report.relaxations(reading, arcs=arcs, seed=seed, progress=tell)
    asked = _given(read) | {"arcs": arcs, "seed": seed}
    _finish(
        rows, to, json=report.relaxation_json, table=report.relaxation_table,
        flags=report.relaxation_flags, write=partial(report.write_relaxations, options=asked),
    )  # fmt: skip


@measure.command(name="check")
def measure_check(
    files: Files, /, *, read: ReadOptions | None = None, to: OutOptions | None = None
) -> None:
    """Test spectra against the Kramers–Kronig relations, and later sweeps against the first.

    Parameters
    ----------
    files
        Instrument files, folders, or quoted patterns such as 'data/*.mpr'.
    """
    from dualyte.report import kramers as report

    read, to = read or ReadOptions(), to or OutOptions()
    _check_out(to)
    reading = _reading(files, read)
    with progress("testing", quiet=to.json) as tell:
        rows = report.checks(reading, progress=tell)
    _finish(
        rows, to, json=report.checks_json, table=report.checks_table, flags=report.checks_flags,
        write=partial(report.write_checks, options=_given(read)),
    )  # fmt: skip


def _finish(
    rows: Sequence[Any],
    to: OutOptions,
    *,
    json: Callable[[Any], dict[str, Any]],
    table: Callable[[Any], Any],
    flags: Callable[[Any], Mapping[str, Sequence[str]]],
    write: Callable[..., list[Path]],
) -> None:
    """Save and print what was done with every spectrum by itself."""
    from dualyte.report.numbers import gathered

    if all(row.failed for row in rows):
        _nothing([row.failed for row in rows])
    paths: list[Path] = []
    if to.out is not None:
        with progress("drawing figures", quiet=to.json) as tell:
            paths = write(rows, to.out, progress=tell)
    if to.json:
        sys.stdout.write(dumps(json(rows)))
        return
    failed = [f"{row.name}: {row.failed}" for row in rows if row.failed]
    print_parts([table(rows), *failed, *(f"- {flag}" for flag in gathered(flags(rows)))])
    _written(paths)


FORMS = ("R", "sigma", "sigmaT", "tau")


@measure.command(name="arrhenius")
def measure_arrhenius(
    files: Files,
    /,
    *,
    read: ReadOptions | None = None,
    fit: FitOptions | None = None,
    form: str | None = None,
    law: str = "arrhenius",
    outliers: str = "flag",
    at: Quantity = "25 degC",
    to: OutOptions | None = None,
) -> None:
    """Activation energies: of the arcs of spectra, or of the columns of a table.

    Parameters
    ----------
    files
        Spectra at three temperatures or more, with --circuit; or tables (CSV) with columns such
        as 'temperature / degC' and 'R_he / ohm cm2' or 'sigma / S/cm', and 'R_he spread / ohm cm2'.
    form
        What is linear in 1/T: R, sigma, sigmaT or tau; by default R, or what a table holds.
    law
        arrhenius, vtf, or auto.
    outliers
        keep, flag or robust.
    at
        Temperature at which values are given.
    """
    from dualyte.report import activation as report
    from dualyte.report.numbers import gathered

    read, fit, to = read or ReadOptions(), fit or FitOptions(), to or OutOptions()
    _check_options(fit, to)
    if form is not None and form not in FORMS:
        raise dl.InputError(f"--form is {form!r}; it is one of {', '.join(FORMS)}")
    how = {"law": law, "outliers": outliers, "at": dl.q(at, "temperature")}
    told: dict[str, Any] = {}
    if fit.auto:
        points = _points(files)
        found = report.tabulated(points, form=form, **how)  # type: ignore[arg-type]  # refused there
        fits: tuple[Any, ...] = ()
    else:
        single = _single(files, read, fit, to)
        fits = single.fits
        asked = form or "R"
        found = report.activations(fits, form=asked, **how)  # type: ignore[arg-type]  # ditto
        _enough(found, single, form or "R")
        told = {"failed": {row.name: row.failed for row in single.rows if row.failed}}
    told = {"arrhenius": report.activation_rows(found)} | {k: v for k, v in told.items() if v}
    paths: list[Path] = []
    if to.out is not None:
        given = _given(read) | _given(fit) | {"form": form} | how
        paths = report.write_activation(found, to.out, fits=fits, told_json=told, options=given)
    if to.json:
        sys.stdout.write(dumps(told))
        return
    failed = [f"{name}: {why}" for name, why in told.get("failed", {}).items()]
    flags = [f"- {flag}" for flag in gathered(report.activation_flags(found))]
    print_parts([report.activation_table(found), *failed, *flags])
    _written(paths)


def _points(files: Sequence[str]) -> list[Any]:
    """Columns of tables."""
    from dualyte.measure.arrhenius.table import read_points

    try:
        return [each for file in files for each in read_points(file)]
    except dl.InputError as error:
        raise dl.InputError(f"{error}; to fit spectra, give --circuit") from None


def _single(
    files: Sequence[str], read: ReadOptions, fit: FitOptions, to: OutOptions
) -> Measurement:
    """Single fits of spectra."""
    from dualyte.report.evaluation import evaluate, remembered

    reading = _reading(files, read)
    with progress("fitting spectra", quiet=to.json) as tell:
        found = evaluate(reading, fit.circuits, progress=tell, **_how(fit, reading))
    if not found.fits:
        _nothing([row.failed for row in found.rows if row.failed])
    for flag in remembered(
        files, [f.spectrum for f in found.fits], thickness=_si(read, "thickness"),
        interfaces=read.interfaces,
    ):  # fmt: skip
        print(f"dualyte: {flag}", file=sys.stderr)
    return found


def _enough(found: Sequence[Any], single: Measurement, form: str) -> None:
    """Refuse where nothing could be fitted, and say why."""
    if found:
        return
    fits = single.fits
    cold = [fit.spectrum.title for fit in fits if fit.spectrum.temperature is None]
    if cold:
        raise dl.InputError(
            f"no temperature is known of {cold[0]}; give it in the file's name "
            "(cell1_-40C.csv), in a sidecar, or with --temperature"
        )
    if form.startswith("sigma") and not any("sigma" in name for f in fits for name in f.values):
        raise dl.InputError("a conductivity needs --thickness and --area")
    count = len({round(fit.spectrum.temperature or 0.0, 1) for fit in fits})
    raise dl.InputError(
        f"an activation energy takes three temperatures or more at one pressure; there "
        f"{'is' if count == 1 else 'are'} {count}"
    )
