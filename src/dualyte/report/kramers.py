"""Kramers–Kronig tests of many spectra, and drift between sweeps of one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dualyte.circuit.spectrum import Spectrum
from dualyte.errors import InputError
from dualyte.measure.files import Reading
from dualyte.measure.kramers import Check, Drift, check_spectrum, compare_sweeps
from dualyte.plot.measured import check_figure
from dualyte.report.numbers import (
    Tell,
    as_json,
    conditions,
    draw_all,
    finite,
    outcomes,
    short,
    stem_of,
    write_provenance,
    write_rows,
)

Table = tuple[list[str], list[list[str]]]
_FIGURES: Final = 6  # spectra that get a figure: those with most to show
_ORDER: Final = ("pass", "suspect", "fail")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tested:
    """Kramers–Kronig test of one spectrum and its drift from an earlier sweep, or why none."""

    name: str
    spectrum: Spectrum | None = None
    check: Check | None = None
    drift: Drift | None = None
    against: str = ""  #: name of the earlier sweep
    failed: str = ""


def checks(reading: Reading, *, progress: Tell | None = None) -> tuple[Tested, ...]:
    """Kramers–Kronig test of every spectrum; later sweeps of a file are compared with its first.

    Parameters
    ----------
    reading
        What `read_spectra` found.
    progress
        Called with (spectra done, all).
    """
    rows = []
    first: dict[str, tuple[str, Spectrum]] = {}
    for each in outcomes(reading, check_spectrum, progress):
        drift, against, spectrum = None, "", each.spectrum
        if spectrum is not None and spectrum.file and each.result is not None:
            against, earlier = first.setdefault(spectrum.file, (each.name, spectrum))
            drift = _drift(earlier, spectrum) if against != each.name else None
        rows.append(
            Tested(
                name=each.name, spectrum=spectrum, check=each.result, drift=drift,
                against=against if against != each.name else "", failed=each.failed,
            )
        )  # fmt: skip
    return tuple(rows)


def _drift(first: Spectrum, second: Spectrum) -> Drift | None:
    """Compare two sweeps, where they can be: same conditions, same frequencies."""
    if (first.temperature, first.pressure) != (second.temperature, second.pressure):
        return None
    try:
        return compare_sweeps(first, second)
    except InputError:
        return None


def checks_json(rows: Sequence[Tested]) -> dict[str, Any]:
    """Return verdicts as JSON holds them."""
    return {"files": {row.name: _tested(row) for row in rows}}


def _tested(row: Tested) -> dict[str, Any]:
    check = row.check
    made: dict[str, Any] = {
        "kk_verdict": None if check is None else check.verdict,
        "flags": [] if check is None else list(check.flags),
        **conditions(row.spectrum),
    }
    if check is not None:
        made |= {
            "noise": finite(check.noise),
            "structure": finite(check.structure),
            "points": int(check.good.size),
            "failing_Hz": [float(f) for f in check.spectrum.frequency[~check.good]],
        }
    if row.drift is not None:
        made["drift"] = {
            "against": row.against,
            "verdict": row.drift.verdict,
            "largest": finite(row.drift.largest),
            "flags": list(row.drift.flags),
        }
    if row.failed:
        made["failed"] = row.failed
    return made


def checks_table(rows: Sequence[Tested]) -> Table:
    """One line for each spectrum."""
    head = ["file", "T / °C", "P / MPa", "KK", "noise", "points that fail", "against first sweep"]
    cells = []
    for row in rows:
        if row.check is None:
            continue
        about = conditions(row.spectrum)
        drift = "–" if row.drift is None else f"{row.drift.verdict}, {row.drift.largest:.2%}"
        cells.append(
            [
                row.name, short(about["temperature_C"]), short(about["pressure_MPa"]),
                row.check.verdict, f"{row.check.noise:.2%}",
                f"{int((~row.check.good).sum())} of {row.check.good.size}", drift,
            ]
        )  # fmt: skip
    return head, cells


def checks_flags(rows: Sequence[Tested]) -> dict[str, list[str]]:
    """Flags by spectrum; drift included."""
    return {
        row.name: [*row.check.flags, *(row.drift.flags if row.drift else ())]
        for row in rows
        if row.check is not None
    }


def write_checks(
    rows: Sequence[Tested], folder: Path, *, options: Mapping[str, Any] | None = None,
    progress: Tell | None = None,
) -> list[Path]:  # fmt: skip
    """Write check.json, check.csv (every point), provenance.json and figures of residuals."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "check.json"]
    paths[0].write_text(as_json(checks_json(rows), indent=1), encoding="utf-8")
    points: list[dict[str, Any]] = []
    for row in rows:
        if row.check is None:
            continue
        check = row.check
        points += [
            {
                "file": row.name, "frequency_Hz": float(f),
                "residual_re": float(check.residual[k].real),
                "residual_im": float(check.residual[k].imag), "score": float(check.score[k]),
                "good": int(check.good[k]),
            }
            for k, f in enumerate(check.spectrum.frequency)
        ]  # fmt: skip
    paths.append(write_rows(folder / "check.csv", points))
    paths.append(write_provenance([r.spectrum for r in rows if r.spectrum], folder, options))
    good = [row for row in rows if row.check is not None]
    worst = sorted(good, key=_badness, reverse=True)[:_FIGURES]
    figures = [
        check_figure(row.check, name=f"check_{stem_of(row.name)}" if len(good) > 1 else "check")
        for row in good
        if row.check is not None and row in worst
    ]
    return paths + draw_all(figures, folder, progress)


def _badness(row: Tested) -> tuple[int, float]:
    """How much a test has to show: verdict first, then noise."""
    if row.check is None:
        return -1, 0.0
    return _ORDER.index(row.check.verdict), row.check.noise
