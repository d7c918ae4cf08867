"""Compression runs as results with their standard deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.compression.press import Frame, frame_of, noise_of, stiff_frame
from dualyte.measure.compression.read import read_compression
from dualyte.measure.compression.run import Choices, Run, evaluate_run
from dualyte.measure.result import Evaluation, Tell, each_file, measured
from dualyte.vocabulary import WORDS, shown


@dataclass(frozen=True, slots=True)
class _Number:
    """One number of one run."""

    name: str
    quantity: str
    si: float
    spread: float  #: nan where it is not known
    where: str
    computed: bool = False  #: whether a model or an assumption stands in between


def measure_compression(
    paths: Sequence[str | Path],
    *,
    diameter: float | None = None,
    mass: float | None = None,
    density: float | None = None,
    thickness: float | None = None,
    compliance: float | None = None,
    blank: str | Path | None = None,
    zero: float | None = None,
    start_density: float | None = None,
    heckel_low: float | None = None,
    heckel_high: float | None = None,
    force_column: str | None = None,
    force_gain: float | None = None,
    force_offset: float = 0.0,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Evaluate compression runs: work by segment, densification, creep under load.

    Parameters
    ----------
    paths
        Files of a frame or tables; several are replicates.
    diameter
        m, of the die: then the force is a pressure too.
    mass
        kg, of the powder.
    density
        kg/m3, of the powder without pores.
    thickness
        m, of the pellet after unloading; with mass, diameter and density it gives the density
        in the die.
    compliance
        m/N, of the frame.
    blank
        File of a run without powder, instead of `compliance`.
    zero
        N, load zero. Without it, it is found before contact or after the run.
    start_density
        Relative density without pressure, for the Kawakita line and for files with strains.
    heckel_low, heckel_high
        Pa, range of the Heckel line; without them it is chosen.
    force_column, force_gain, force_offset
        Heading of the column with the force, N per unit of it, and N to add, for an external
        load cell.
    raise_errors
        Whether the first bad file raises.
    progress
        Told how many files are done, of how many.

    Returns
    -------
    Evaluation
        Its detail is a tuple of `Run`, one per file. Results of several files are their mean,
        with the larger of the standard deviation between files and that within them.

    Raises
    ------
    InputError
        If no file can be evaluated.

    Notes
    -----
    Work of loading is the integral of force over displacement from contact to the release, what a
    hold adds included; elastic work comes back on unloading; plastic work is the difference.
    """
    if blank is not None and compliance is not None:
        raise InputError("both compliance and blank are given; give one of them")
    frame = _frame(compliance, blank)
    if force_column is None and (force_gain is not None or force_offset != 0):
        raise InputError(
            "force_gain and force_offset are of an external load cell; give its force_column too"
        )
    choices = Choices(
        diameter=diameter, mass=mass, density=density, thickness=thickness, zero=zero,
        start_density=start_density, heckel_low=heckel_low, heckel_high=heckel_high, frame=frame,
    )  # fmt: skip

    def one(path: Path) -> Run:
        data = read_compression(
            path, force_column=force_column, force_gain=force_gain, force_offset=force_offset
        )
        run = evaluate_run(data, choices)
        if not list(_numbers(run)):
            raise InputError(
                f"{path.name}: nothing can be said of its few rows; give a whole run of force "
                "against displacement, or density against pressure or time"
            )
        return run

    batch = each_file(paths, one, raise_errors=raise_errors, progress=progress)
    runs = tuple(run for _, run in batch.made)
    found = [list(_numbers(run)) for run in runs]
    many = len(runs) > 1
    frames = [frame.how] if frame is not None else []
    return Evaluation(
        kind="compression",
        files=tuple(run.data.file for run in runs),
        results=_combined(found),
        warnings=tuple(_told(runs, "flags", many)),
        changed=(*_changed(runs, many), *(f"took off the {how}" for how in frames)),
        failures=batch.failures,
        table=[_row(run, numbers) for run, numbers in zip(runs, found, strict=True)],
        detail=runs,
        stopped=batch.stopped,
    )


def _frame(compliance: float | None, blank: str | Path | None) -> Frame | None:
    if compliance is not None:
        return stiff_frame(compliance)
    if blank is None:
        return None
    data = read_compression(blank)
    if data.force is None or data.displacement is None:
        raise InputError(f"{data.title} is no blank run: it lacks a force or a displacement")
    return frame_of(data.force, data.displacement, name=data.file)


def _told(runs: Sequence[Run], what: str, many: bool) -> Iterator[str]:
    """Sentences, each once, with its file where there are several."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for said in getattr(run, what):
            found.setdefault(said, []).append(run.data.file)
    for said, files in found.items():
        whose = files[0] if len(files) == 1 else f"{len(files)} files"
        yield f"{whose}: {said}" if many else said


def _changed(runs: Sequence[Run], many: bool) -> Iterator[str]:
    for run in runs:
        before = f"{run.data.file}: " if many else ""
        yield from (f"{before}{said}" for said in run.data.changes)
        if run.zero is not None and run.zero.value != 0:
            yield f"{before}took off a load zero of {run.zero.value:.4g} N ({run.zero.how})"


# ---------------------------------------------------------------- numbers


def _numbers(run: Run) -> Iterator[_Number]:
    """Every number of a run, in the order people want to read them."""
    yield from _forces(run)
    yield from _works(run)
    yield from _slopes(run)
    yield from _density_numbers(run)
    if (creep := run.creep) is not None:
        where = "power law of time through the hold"
        if not creep.bound:
            yield _Number("creep_exponent", "exponent", creep.exponent, creep.spread, where, True)
        if run.density is not None:
            a, b = run.parts.top, run.parts.release
            gain = float(np.log(run.density[b] / run.density[a]))
            # noise of its two ends, and the row at which it begins
            noise = 2**0.5 * noise_of(run.density[run.parts.contact :]) / float(run.density[a])
            row = np.log(run.density[a + 1] / run.density[a]) / 12**0.5
            where = "ln of the density over the hold"
            yield _Number("creep_strain", "strain", gain, float(np.hypot(noise, row)), where)


def _forces(run: Run) -> Iterator[_Number]:
    spread = np.nan  # not known without the load zero
    if run.force is not None and run.zero is not None:
        spread = float(np.hypot(run.zero.noise, run.zero.spread))
        most = float(run.force[run.peak])
        where = "largest force" + (" without the load zero" if run.zero.known else "")
        yield _Number("max_force", "force", most, spread, where)
    if run.pressure is not None:
        most = float(run.pressure[run.peak])
        d = run.choices.diameter
        own = run.data.pressure is not None or d is None  # and not the force over the area
        wide = noise_of(run.pressure) if own or d is None else spread / (np.pi / 4 * d**2)
        yield _Number("max_pressure", "pressure", most, wide, "largest pressure")
    if run.parts.broke is not None and run.force is not None:
        last = float(run.force[run.parts.broke])
        yield _Number("break_force", "force", last, np.nan, "last row before the break")


def _works(run: Run) -> Iterator[_Number]:
    if (work := run.work) is None:
        return
    to = "break" if run.parts.broke is not None else "release"
    where = f"force over displacement from contact to the {to}"
    yield _Number("work_loading", "energy", work.loading, work.loading_spread, where)
    if run.to_peak is not None and run.parts.broke is not None:
        yield _Number(
            "work_to_peak", "energy", run.to_peak, work.loading_spread,
            "force over displacement from contact to the largest force",
        )  # fmt: skip
    if run.parts.held:
        yield _Number(
            "work_hold", "energy", work.hold, work.hold_spread, "of it, while the force was held"
        )
    if np.isfinite(work.elastic):
        yield _Number(
            "work_elastic", "energy", work.elastic, work.elastic_spread, "returned on unloading"
        )
        yield _Number(
            "work_plastic", "energy", work.plastic, work.plastic_spread, "loading minus elastic"
        )
    c = run.choices
    if c.mass is not None:
        per, spread = work.loading / c.mass, work.loading_spread / c.mass
        yield _Number("specific_work", "specific_work", per, spread, "work of loading over mass")
        if c.density is not None:
            yield _Number(
                "work_density", "work_density", per * c.density, spread * c.density,
                "work of loading over the volume of the powder without pores",
            )  # fmt: skip


def _slopes(run: Run) -> Iterator[_Number]:
    for name, slope, where in (
        ("stiffness", run.stiffness, "steepest third of the loading curve"),
        ("unloading_stiffness", run.unloading, "unloading from 95 to 50 % of the force"),
    ):
        if slope is not None and slope.value > 0:
            yield _Number(name, "stiffness", slope.value, slope.total, where)


def _density_numbers(run: Run) -> Iterator[_Number]:
    parts = run.parts
    if run.density is not None:
        word = "relative_density"
        most = float(run.density[parts.release])
        noise = 1.3 * noise_of(run.density[parts.contact :])  # of two rows, one a mean of five
        yield _Number("density_pressed", word, most, noise, "at the end of the load", True)
        if parts.unloads:
            after = float(run.density[parts.end])
            yield _Number("density_after", word, after, noise, "after unloading", True)
    if (fit := run.heckel) is not None:
        low, high = shown("pressure", fit.low), shown("pressure", fit.high)
        where = f"Heckel line from {low:.3g} to {high:.3g} MPa, 1/K"
        yield _Number("heckel_yield", "stress", fit.yield_pressure, fit.spread, where, True)
    if (line := run.kawakita) is not None:
        where = f"Kawakita line from a density of {line.start:.3g}"
        yield _Number("kawakita_a", "ratio", line.a, line.a_spread, where, True)
        yield _Number(
            "kawakita_pressure", "pressure", line.pressure, line.pressure_spread, f"{where}, 1/b",
            True,
        )  # fmt: skip
    if run.spring_back is not None:
        where = "height gained on unloading, over that under load"
        yield _Number("spring_back", "per_cent", run.spring_back, run.spring_back_spread, where)


def _combined(found: Sequence[Sequence[_Number]]) -> dict[str, Any]:
    """Mean of each number over the files that gave it."""
    names = list(dict.fromkeys(number.name for numbers in found for number in numbers))
    results = {}
    for name in names:
        these = [number for numbers in found for number in numbers if number.name == name]
        first = these[0]
        values = np.array([number.si for number in these])
        within = np.array([number.spread for number in these])
        inside = float(np.sqrt(np.mean(within**2))) if np.isfinite(within).all() else np.nan
        where = first.where
        spread = inside
        if len(these) > 1:
            spread = float(np.nanmax([np.std(values, ddof=1), inside]))
            alike = len({number.where for number in these}) == 1
            where += f"{'' if alike else ' in the first'}; mean of {len(these)} files"
        results[name] = measured(
            first.quantity, float(values.mean()), spread, where=where, computed=first.computed
        )
    return results


def _row(run: Run, numbers: Sequence[_Number]) -> dict[str, Any]:
    """One row of the table, in shown units."""
    row: dict[str, Any] = {"file": run.data.file, "format": run.data.form}
    if run.zero is not None:
        row["load zero (N)"] = run.zero.value
    for number in numbers:
        unit = WORDS[number.quantity].shown
        label = number.name.replace("_", " ")
        row[label if unit == "1" else f"{label} ({unit})"] = float(
            shown(number.quantity, number.si)
        )
    return row
