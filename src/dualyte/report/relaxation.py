"""Distributions of relaxation times of many spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.circuit.spectrum import Spectrum
from dualyte.measure.drt import DRT, Peak, drt, map_of
from dualyte.measure.files import Reading
from dualyte.plot.figure import Figure
from dualyte.plot.measured import distribution_figure, map_figures
from dualyte.report.numbers import (
    Tell,
    as_json,
    conditions,
    draw_all,
    finite,
    outcomes,
    short,
    stem_of,
    told,
    write_provenance,
    write_rows,
)
from dualyte.vocabulary import size

Table = tuple[list[str], list[list[str]]]
_FIGURES: Final = 6  # spectra that get figures of their own


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxation:
    """Distribution of one spectrum, or why there is none."""

    name: str
    spectrum: Spectrum | None = None
    drt: DRT | None = None
    failed: str = ""


def relaxations(
    reading: Reading, *, arcs: int | None = None, seed: int = 0, progress: Tell | None = None
) -> tuple[Relaxation, ...]:
    """Distribution of every spectrum with its band; a bad one costs only itself.

    Parameters
    ----------
    reading
        What `read_spectra` found.
    arcs, seed
        As for `drt`.
    progress
        Called with (spectra done, all).
    """
    work = partial(drt, arcs=arcs, bands=True, seed=seed)
    return tuple(
        Relaxation(name=each.name, spectrum=each.spectrum, drt=each.result, failed=each.failed)
        for each in outcomes(reading, work, progress)
    )


def relaxation_json(rows: Sequence[Relaxation]) -> dict[str, Any]:
    """Return peaks and what goes with them as JSON holds them."""
    return {"files": {row.name: _relaxation(row) for row in rows}}


def _relaxation(row: Relaxation) -> dict[str, Any]:
    found = row.drt
    made: dict[str, Any] = {
        "peaks": [] if found is None else [_peak(found, peak) for peak in found.peaks],
        "flags": [] if found is None else list(found.flags),
        **conditions(row.spectrum),
    }
    if found is not None:
        ohm, farad = _units(found)
        made |= {
            "series": _number(found.series, found.series_spread, ohm),
            "polarisation": _number(found.polarisation, None, ohm),
            "inductance": _number(found.inductance, None, ohm.replace("ohm", "H")),
            "tail": None
            if found.tail is None
            else {
                "Q": _number(found.tail[0], None, farad.replace("F", "S s^n")),
                "n": _number(found.tail[1], None, "1"),
            },
            "noise": finite(found.noise),
            "strength": finite(found.strength),
            "evidence": {str(k): finite(x) for k, x in found.evidence.items()},
            "convention": "per cell as measured",
        }
    if row.failed:
        made["failed"] = row.failed
    return made


def _units(found: DRT) -> tuple[str, str]:
    return ("ohm", "F") if found.unit == "ohm" else ("ohm cm2", "F/cm2")


_SIZES: Final = {
    "ohm cm2": ("asr", "ohm cm2"), "F/cm2": ("capacitance", "F/cm2"),
    "H cm2": ("inductance", "H cm2"), "S s^n/cm2": ("cpe_prefactor", "S/cm2"),
}  # fmt: skip


def _number(si: float, spread: float | None, unit: str) -> dict[str, Any]:
    word = _SIZES.get(unit)
    factor = 1.0 if word is None else size(word[1], word[0])
    known = spread is not None and np.isfinite(spread) and spread > 0
    return {
        "value": finite(si / factor),
        "spread": finite(spread / factor) if known and spread is not None else None,
        "unit": unit,
    }


def _peak(found: DRT, peak: Peak) -> dict[str, Any]:
    ohm, farad = _units(found)
    return {
        "resistance": _number(peak.resistance, peak.resistance_spread, ohm),
        "frequency": _number(peak.frequency, peak.frequency_spread, "Hz"),
        "capacitance": _number(peak.capacitance, peak.capacitance_spread, farad),
        "exponent": _number(peak.exponent, peak.exponent_spread, "1"),
        "area": _number(peak.area, None, ohm),
        "resolution": finite(peak.resolution),
        "resolved": bool(peak.resolved),
    }


def relaxation_table(rows: Sequence[Relaxation]) -> Table:
    """One line for each peak."""
    head = ["file", "T / °C", "P / MPa", "frequency", "R", "area of the peak", "C", "n", "resolved"]
    cells = []
    for row in rows:
        if row.drt is None:
            continue
        about = conditions(row.spectrum)
        for k, peak in enumerate(row.drt.peaks):
            made = _peak(row.drt, peak)
            first = [row.name, short(about["temperature_C"]), short(about["pressure_MPa"])]
            cells.append(
                [
                    *(first if k == 0 else ["", "", ""]),
                    *(told(made[x]) for x in ("frequency", "resistance", "area", "capacitance")),
                    told(made["exponent"]),
                    "yes" if peak.resolved else "no",
                ]
            )
        if not row.drt.peaks:
            cells.append([row.name, *("–" for _ in head[1:])])
    return head, cells


def write_relaxations(
    rows: Sequence[Relaxation], folder: Path, *, options: Mapping[str, Any] | None = None,
    progress: Tell | None = None,
) -> list[Path]:  # fmt: skip
    """Write drt.json, peaks.csv, distributions.csv, provenance.json and figures."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "drt.json"]
    paths[0].write_text(as_json(relaxation_json(rows), indent=1), encoding="utf-8")
    peaks, curves = [], []
    for row in rows:
        if row.drt is None:
            continue
        for k, peak in enumerate(row.drt.peaks):
            line: dict[str, Any] = {"file": row.name, "peak": k + 1, **conditions(row.spectrum)}
            for name, x in _peak(row.drt, peak).items():
                if isinstance(x, dict):
                    line[f"{name} / {x['unit']}" if x["unit"] != "1" else name] = x["value"]
                    line[f"{name} spread"] = "" if x["spread"] is None else x["spread"]
                else:
                    line[name] = x
            peaks.append(line)
        curves += _curve(row.name, row.drt)
    paths.append(write_rows(folder / "peaks.csv", peaks))
    paths.append(write_rows(folder / "distributions.csv", curves))
    paths.append(write_provenance([r.spectrum for r in rows if r.spectrum], folder, options))
    return paths + draw_all(relaxation_figures(rows), folder, progress)


def _curve(name: str, found: DRT) -> list[dict[str, Any]]:
    unit = _units(found)[0]
    factor = 1.0 if unit == "ohm" else size(unit, "asr")
    lines = []
    for k, tau in enumerate(found.tau):
        line = {
            "file": name, "tau_s": float(tau), f"gamma / {unit}": float(found.gamma[k] / factor),
            f"refined / {unit}": float(found.refined[k] / factor),
        }  # fmt: skip
        if found.bands is not None:
            line |= {"low": float(found.bands[0][k] / factor),
                     "high": float(found.bands[1][k] / factor)}  # fmt: skip
        lines.append(line)
    return lines


def relaxation_figures(rows: Sequence[Relaxation]) -> list[Figure]:
    """Distribution of each spectrum where there are few, and the map of a series."""
    good = [(row.name, row.drt) for row in rows if row.drt is not None]
    figures = []
    for name, found in good[:_FIGURES]:
        stem = f"_{stem_of(name)}" if len(good) > 1 else ""
        figures.append(distribution_figure(found, name=f"drt{stem}"))
    return figures + drt_maps([found for _, found in good])


def drt_maps(drts: Sequence[DRT]) -> list[Figure]:
    """Maps of a series over temperature and pressure; cells without an area get their own."""
    figures = []
    for k, unit in enumerate(dict.fromkeys(found.unit for found in drts)):
        alike = [found for found in drts if found.unit == unit]
        figures += map_figures(map_of(alike), stem="" if k == 0 else f"_{k + 1}")
    return figures


def relaxation_flags(rows: Sequence[Relaxation]) -> dict[str, Sequence[str]]:
    """Flags by spectrum."""
    return {row.name: row.drt.flags for row in rows if row.drt is not None}
