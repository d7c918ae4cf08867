"""measure_xps: files of photoelectron spectra to peak positions, shares and film thickness."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dualyte.errors import DualyteError, InputError
from dualyte.material import Value
from dualyte.measure.files.sidecar import Fact, facts
from dualyte.measure.result import Evaluation, FileFailure, Tell, each_file, measured
from dualyte.measure.xps.files import read_xps
from dualyte.measure.xps.fit import fit_peaks
from dualyte.measure.xps.models import LINE, PeakModel, model_for
from dualyte.measure.xps.reference import Reference, find_shift, line_model, reference_of
from dualyte.measure.xps.result import PeakFit
from dualyte.measure.xps.spectrum import XpsSpectrum, region_of
from dualyte.measure.xps.thickness import FilmThickness, film_thickness
from dualyte.vocabulary import checked, show, shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class XpsDetail:
    """All that `measure_xps` fitted."""

    fits: tuple[PeakFit, ...]
    films: tuple[FilmThickness | None, ...]  #: one for each fit
    spectra: tuple[XpsSpectrum, ...]  #: all that were read, charge shift applied


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Options of `measure_xps`."""

    model: str | PeakModel | None
    regions: frozenset[str]
    reference: str | None
    background: str
    angle: float | None
    window: tuple[float | None, float | None]
    ends: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    spectra: tuple[XpsSpectrum, ...]
    said: Mapping[str, Fact]


def measure_xps(
    paths: Sequence[str | Path],
    *,
    model: str | PeakModel | None = None,
    regions: str | Sequence[str] | None = None,
    reference: str | None = None,
    background: str = "shirley",
    angle: float | None = None,
    photon_energy: float | None = None,
    low: float | None = None,
    high: float | None = None,
    ends: int = 5,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Evaluate photoelectron spectra: positions, widths, shares of peaks, thickness of a film.

    Parameters
    ----------
    paths
        Files; `read_xps` lists the formats.
    model
        `"o1s-garnet"`, `"cl2p-oxyhalide"`, `"c1s-carbon"`, `"line"` (one line, or known doublet,
        wherever it lies), or a `PeakModel`; by default the one of each region, and `"line"` for a
        file in which no region has one.
    regions
        Only these, such as `"O 1s, Cl 2p"`.
    reference
        Charge reference: `"C 1s 284.8 eV"` (the strongest line of that region lies there) or
        `"shift -4.7 eV"`; by default that of the sidecar, else none.
    background
        `shirley`, `linear`, `shirley-fixed`, `linear-fixed`, `tougaard` or `stored`.
    angle
        Of emission from the surface normal [rad], for the thickness; by default that of the file.
    photon_energy
        J, in place of what the file says; by default that of the sidecar.
    low, high
        J, ends of the fitted window; by default those of the model.
    ends
        Channels at each end whose mean a fixed background meets.
    raise_errors
        Whether the first bad file raises.
    progress
        Told how many files are done.

    Returns
    -------
    Evaluation
        For every peak `o1s_lattice_position` (where it is seen, and not at the end of its range),
        `_width`, `_area` and `_share`
        (of the area of all peaks of the region); `film_thickness`, `film_thickness_at_least` or
        `film_thickness_at_most`. Spectra of one region are replicates: mean, and standard
        deviation between them. `detail` is an `XpsDetail`.

    Raises
    ------
    InputError
        If an option is wrong, or no file could be evaluated.
    """
    asked = _asked(model, regions, reference, background, angle, low, high, ends)

    def read(path: Path) -> _Read:
        said = facts(path)
        energy = photon_energy
        if energy is None and "photon_energy" in said:
            energy = float(said["photon_energy"].value)
        if energy is not None:
            checked("binding_energy", energy)
        return _Read(spectra=tuple(read_xps(path, photon_energy=energy)), said=said)

    batch = each_file(paths, read, raise_errors=raise_errors, progress=progress)
    failures = list(batch.failures)
    fits: list[PeakFit] = []
    spectra: list[XpsSpectrum] = []
    warnings: list[str] = []
    files: list[str] = []
    everything = [s for _, one in batch.made for s in one.spectra]
    for path, one in batch.made:
        try:
            moved, found, said = _evaluated(path, one, everything, asked)
        except DualyteError as error:
            if raise_errors:
                raise
            failures.append(FileFailure(file=path.name, why=str(error)))
            continue
        spectra += moved
        fits += found
        warnings += said
        files.append(path.name)
    if not fits:
        raise InputError(
            failures[0].why
            if failures
            else _nothing([p.name for p, _ in batch.made], everything, asked)
        )
    return _evaluation(fits, spectra, files, warnings, failures, asked, stopped=batch.stopped)


def _asked(
    model: str | PeakModel | None,
    regions: str | Sequence[str] | None,
    reference: str | None,
    background: str,
    angle: float | None,
    low: float | None,
    high: float | None,
    ends: int,
) -> _Asked:
    if isinstance(model, str):
        model_for(model, "")
    if reference is not None:
        reference_of(reference)
    for end in (low, high):
        if end is not None:
            checked("binding_energy", end)
    if low is not None and high is not None and low >= high:
        raise InputError(
            f"low={show('binding_energy', low)} is not below high={show('binding_energy', high)}"
        )
    if angle is not None and not 0 <= float(checked("angle", angle)) < np.pi / 2:
        raise InputError(
            f"angle={show('angle', angle)}; it lies between 0 and 90 deg from the surface normal"
        )
    listed = regions.split(",") if isinstance(regions, str) else list(regions or ())
    wanted = {region_of(text.strip()) for text in listed}
    if "" in wanted:
        raise InputError(f"regions={regions!r}: write core levels, such as 'O 1s, Cl 2p'")
    return _Asked(
        model=model, regions=frozenset(wanted), reference=reference, background=background,
        angle=angle, window=(low, high), ends=ends,
    )  # fmt: skip


def _nothing(names: Sequence[str], spectra: Sequence[XpsSpectrum], asked: _Asked) -> str:
    there = ", ".join(sorted({s.region for s in spectra if s.region})) or "none that is named"
    if asked.regions:
        what, fix = ", ".join(sorted(asked.regions)), "other regions"
    elif asked.model is not None and asked.model != LINE:
        chosen = model_for(asked.model, "") if isinstance(asked.model, str) else asked.model
        what = chosen.region if chosen is not None else ""
        fix = 'another model, such as "line" for the strongest line'
    elif asked.model is None:
        what, fix = "a region that a model covers", 'model="line" for the strongest line of each'
    else:
        what, fix = "a line: all are surveys", "scans of single regions"
    return f"{', '.join(names)}: no spectrum of {what} (regions: {there}); give {fix}"


def _evaluated(
    path: Path, one: _Read, everything: Sequence[XpsSpectrum], asked: _Asked
) -> tuple[list[XpsSpectrum], list[PeakFit], list[str]]:
    """Shift, then fit, the spectra of one file."""
    said: list[str] = []
    text = asked.reference
    if text is None and "reference" in one.said:
        text = str(one.said["reference"].value)
    reference = None if text is None else reference_of(text)
    moved = list(one.spectra)
    if reference is not None:
        own = any(s.region == reference.region for s in one.spectra)
        by, spread, why = find_shift(reference, one.spectra if own else everything)
        moved = [s.shifted(by, spread, why) for s in moved]
    jobs = _jobs(moved, reference, asked)
    if not jobs:
        raise InputError(_nothing([path.name], one.spectra, asked))
    if asked.model is None:
        said += [
            f"{path.name}: took the model {m.name} for {s.region}; where the sample is another, "
            'give model="line" or one of your own'
            for s, m in jobs if not m.name.startswith(LINE) and m.region != "C 1s"
        ]  # fmt: skip
    alone = [s.region for s, m in jobs if m.name.startswith(LINE) and asked.model is None]
    if alone:
        said.append(
            f"{path.name}: no model for {', '.join(dict.fromkeys(alone))}: only the strongest line "
            "was fitted"
        )
    if reference is None:
        said.append(
            f"{path.name}: no charge reference, so positions are those of the instrument; give "
            "reference='C 1s 284.8 eV'"
        )
    elif reference.region == "C 1s":
        said.append(
            f"{path.name}: carbon on a surface lies within some tenths of an eV of its usual "
            "place; that is not in the errors of positions"
        )
    fits = []
    for spectrum, model in jobs:
        low, high = asked.window
        window = (
            model.window[0] if low is None else low, model.window[1] if high is None else high
        )  # fmt: skip
        _inside(spectrum, model, window)
        fits.append(
            fit_peaks(spectrum, model, background=asked.background, window=window, ends=asked.ends)
        )
    return moved, fits, said


def _inside(spectrum: XpsSpectrum, model: PeakModel, window: tuple[float, float]) -> None:
    """Refuse a window that leaves out a peak."""
    for peak in model.peaks:
        if not window[0] < peak.centre < window[1]:
            low, high = (show("binding_energy", end) for end in window)
            raise InputError(
                f"{spectrum.title}: low and high leave {low} to {high}, where {peak.name} at "
                f"{show('binding_energy', peak.centre)} is not; give a window that holds it"
            )


def _jobs(
    spectra: Sequence[XpsSpectrum], reference: Reference | None, asked: _Asked
) -> list[tuple[XpsSpectrum, PeakModel]]:
    """Which spectra are fitted with which models."""
    jobs: list[tuple[XpsSpectrum, PeakModel]] = []
    for spectrum in spectra:
        if asked.regions and spectrum.region not in asked.regions:
            continue
        model = (
            asked.model if isinstance(asked.model, PeakModel)
            else model_for(asked.model, spectrum.region)
        )  # fmt: skip
        unnamed = not spectrum.region and len(spectra) == 1 and asked.model is not None
        if model is not None and (model.region == spectrum.region or unnamed):
            jobs.append((spectrum, model))
    if asked.model == LINE or (asked.model is None and not jobs):
        by_hand = asked.model == LINE  # then windows without a name have a line, too
        named = [
            s for s in spectra
            if s.region or (by_hand and (len(spectra) == 1 or not s.is_survey))
        ]  # fmt: skip
        return [(s, line_model(s)) for s in named if not asked.regions or s.region in asked.regions]
    only = reference is not None and reference.region == "C 1s"  # there for the reference
    others = [job for job in jobs if not (only and job[0].region == "C 1s")]
    return others if others and not asked.regions and asked.model is None else jobs


def _evaluation(
    fits: Sequence[PeakFit],
    spectra: Sequence[XpsSpectrum],
    files: Sequence[str],
    warnings: Sequence[str],
    failures: Sequence[FileFailure],
    asked: _Asked,
    *,
    stopped: bool,
) -> Evaluation:
    films = [film_thickness(fit, angle=asked.angle) for fit in fits]
    said = list(warnings)
    for fit in fits:
        said += [*fit.model.notes, *fit.flags]
    for fit, film in zip(fits, films, strict=True):
        if film is None and fit.model.film:
            lost = "a peak lies at the end of its range, so it may be something else"
            lost = lost if fit.at_end else "neither film nor substrate is seen"
            said.append(f"{fit.spectrum.title}: no thickness of a film: {lost}")
        said += [] if film is None else [f"thickness: {line}" for line in film.assumptions]
    changed = [f"{s.title}: {line}" for s in spectra for line in s.changes]
    results: dict[str, Value] = {}
    by_model: dict[str, list[PeakFit]] = {}
    for fit in fits:
        by_model.setdefault(fit.model.name, []).append(fit)
    for group in by_model.values():
        results |= _peaks(group)
        if len(group) > 1:
            said.append(
                f"{group[0].model.region}: {len(group)} spectra are taken for replicates: mean, "
                "and standard deviation between them"
            )
    results |= _films([film for film in films if film is not None], len(files))
    return Evaluation(
        kind="xps", files=tuple(files), results=results, warnings=tuple(dict.fromkeys(said)),
        changed=tuple(dict.fromkeys(changed)), failures=tuple(failures),
        table=tuple(row for fit, film in zip(fits, films, strict=True) for row in _rows(fit, film)),
        detail=XpsDetail(fits=tuple(fits), films=tuple(films), spectra=tuple(spectra)),
        stopped=stopped,
    )  # fmt: skip


def slug(text: str) -> str:
    """Write a name as results have it.

    >>> slug("O 1s"), slug("Li2CO3")
    ('o1s', 'li2co3')
    """
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _peaks(fits: Sequence[PeakFit]) -> dict[str, Value]:
    """Results of all peaks of one model over its spectra."""
    out: dict[str, Value] = {}
    where = ", ".join(fit.spectrum.title for fit in fits)
    for k, name in enumerate(fits[0].names):
        base = f"{slug(fits[0].model.region)}_{slug(name)}"
        seen = [fit for fit in fits if fit.seen[k] and name not in fit.at_end]
        if seen:
            shift = [fit.spectrum.shift_spread for fit in seen]
            place = [
                (float(fit.position[k]), float(np.hypot(fit.position_spread[k], s)))
                for fit, s in zip(seen, shift, strict=True)
            ]
            out[f"{base}_position"] = _combined("binding_energy", place, where)
        free = [fit for fit in fits if fit.seen[k] and fit.width_spread[k] > 0]
        if free:
            wide = [(float(fit.width[k]), float(fit.width_spread[k])) for fit in free]
            out[f"{base}_width"] = _combined("binding_energy", wide, where)
        area = [(float(fit.area[k]), float(fit.area_spread[k])) for fit in fits]
        shared = [fit for fit in fits if any(fit.seen)]  # nothing has no shares
        share = [(float(fit.share[k]), float(fit.share_spread[k])) for fit in shared]
        note = "" if all(fit.counted for fit in fits) else "of a rate, not of counts"
        out[f"{base}_area"] = _combined("peak_area", area, where, note)
        if share:
            out[f"{base}_share"] = _combined("per_cent", share, where)
    return out


def _combined(
    quantity: str, values: Sequence[tuple[float, float]], where: str, note: str = ""
) -> Value:
    """Mean of replicates; its spread is that between them, and not less than their own."""
    numbers = np.array([v for v, _ in values])
    own = float(np.sqrt(np.mean([s**2 for _, s in values])))
    between = float(np.std(numbers, ddof=1)) if numbers.size > 1 else 0.0
    spread = max(between, own)
    return measured(quantity, float(numbers.mean()), spread, where=where, computed=True, note=note)


def _films(films: Sequence[FilmThickness], files: int) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for limit in ("", "at least", "at most"):
        same = [film for film in films if film.limit == limit]
        if not same:
            continue
        name = "film_thickness" + (f"_{limit.replace(' ', '_')}" if limit else "")
        values = [(film.value.si, film.value.spread) for film in same]
        if len(same) == 1:
            out[name] = same[0].value
            continue
        numbers = np.array([v for v, _ in values])
        # attenuation lengths err alike in all, so the mean is no surer than each
        spread = max(float(np.std(numbers, ddof=1)), float(np.mean([s for _, s in values])))
        out[name] = measured(
            "thickness", float(numbers.mean()), spread, computed=True,
            where=f"{len(same)} spectra of {files} files", note=same[0].value.note,
        )  # fmt: skip
    return out


def _rows(fit: PeakFit, film: FilmThickness | None) -> list[dict[str, Any]]:
    """Rows of the table, one for each peak."""
    rows = []
    for k, name in enumerate(fit.names):
        spread = np.hypot(fit.position_spread[k], fit.spectrum.shift_spread)
        rows.append(
            {
                "file": fit.spectrum.file,
                "spectrum": fit.spectrum.name,
                "region": fit.model.region,
                "peak": name,
                "position / eV": float(shown("binding_energy", fit.position[k])),
                "± position / eV": (
                    float(shown("binding_energy", spread)) if np.isfinite(spread) else None
                ),
                "width / eV": float(shown("binding_energy", fit.width[k])),
                "area / counts eV": float(shown("peak_area", fit.area[k])),
                "± area / counts eV": float(shown("peak_area", fit.area_spread[k])),
                "share / %": float(shown("per_cent", fit.share[k])) if any(fit.seen) else None,
                "± share / %": (
                    float(shown("per_cent", fit.share_spread[k])) if any(fit.seen) else None
                ),
                "reduced χ²": fit.chi2_reduced if fit.counted else None,
                "charge shift / eV": float(shown("binding_energy", fit.spectrum.shift)),
                "film": "" if film is None else str(film),
            }
        )
    return rows
