"""From powder patterns to phases, shares and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.files.replicates import Own, combined
from dualyte.measure.phases.crystal import Phase, phase, phases, reflections
from dualyte.measure.phases.match import _TEXTURE, Finding, match
from dualyte.measure.phases.pattern import ANODES, CU, Pattern, read_pattern
from dualyte.measure.phases.peaks import Lines, Peak, find_peaks
from dualyte.measure.result import Evaluation, Tell, each_file
from dualyte.vocabulary import checked, show

_SAME: Final = 2e-3  # relative difference within which a wavelength is that of an anode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowderStudy:
    """One pattern and what explains it."""

    pattern: Pattern
    lines: Lines
    findings: tuple[Finding, ...]
    peaks: tuple[Peak, ...]
    shift: float  #: rad
    shift_spread: float
    wavelength: float  #: m, Kα1


def measure_phases(
    paths: Sequence[str | Path],
    *,
    wavelength: float | None = None,
    phases: str | None = None,
    alpha2: bool = True,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Crystalline phases of powder patterns: which peaks are explained, and limits for the rest.

    Parameters
    ----------
    paths
        Patterns: two columns of 2θ in degrees and counts (.xy, .xye, .csv, .txt), or XRDML.
    wavelength
        Kα1 [m]; else that of a sidecar or the file, else that of copper.
    phases
        Names, or paths of TOML files of your own, with commas between; by default all that
        the package has.
    alpha2
        Whether the beam holds Kα2, too.
    raise_errors, progress
        As for every kind of measurement.

    Returns
    -------
    Evaluation
        `explained` (share of the peak area), `peaks`, `peaks_unexplained`, `zero_shift`; of
        each phase that is there its share by mass of the crystalline part (`LLZTO_share`) and
        cell (`LLZTO_cell`), of each other one an upper limit of its share (`LiCl_limit`).

    Raises
    ------
    InputError
        If an option is wrong, or no file can be evaluated.

    Notes
    -----
    Shares come from areas over intensities computed from the structures, which is the method of
    reference intensities without an internal standard: amorphous parts have no share.
    """
    wanted = _phases(phases)
    if wavelength is not None:
        checked("wavelength", wavelength)
        if not 0.2e-10 < wavelength < 3e-10:
            raise InputError(f"wavelength={wavelength:g} m is no X-ray of a diffractometer")
    batch = each_file(
        paths, lambda path: _study(path, wanted, wavelength, alpha2), raise_errors=raise_errors,
        progress=progress,
    )  # fmt: skip
    studies = [study for _, (study, _) in batch.made]
    warned: list[str] = []
    said = [c for _, (study, own) in batch.made for c in (*study.pattern.changes, *own)]
    collected: dict[str, list[Own]] = {}
    for study in studies:
        for name, own in _own(study, warned).items():
            collected.setdefault(name, []).append(own)
    results: dict[str, Value] = {n: combined(o, "patterns") for n, o in collected.items()}
    if any(name.endswith(("_share", "_limit")) for name in results):
        results["intensity_ratio"] = _assumed()
    return Evaluation(
        kind="phases", files=tuple(path.name for path, _ in batch.made), results=results,
        warnings=tuple(dict.fromkeys(warned)), changed=tuple(dict.fromkeys(said)),
        failures=batch.failures, table=_table(studies), detail=tuple(studies),
        stopped=batch.stopped,
    )  # fmt: skip


def _assumed() -> Value:
    """What stands between areas and shares."""
    return Value(
        quantity="ratio", si=1.0, kind="assumed", source="dualyte_prior", law="log-normal",
        spread=_TEXTURE, where="areas of lines over those computed from the structures",
        note="no texture, no contrast of absorption; structures as their files say",
    )  # fmt: skip


def _phases(text: str | None) -> list[Phase]:
    names = phases() if text is None else [name.strip() for name in text.split(",")]
    wanted = [phase(name) for name in names if name]
    if not wanted:
        raise InputError(f"phases={text!r} names none; known are {', '.join(phases())}")
    return wanted


def _pair(wave: float, alpha2: bool) -> tuple[float, float]:
    """Kα2 over Kα1, and its share of intensity."""
    for first, second in ANODES.values():
        if abs(wave / first - 1) < _SAME:
            return second / first, 0.5 if alpha2 else 0.0
    return 1.0, 0.0


def _study(
    path: Path, wanted: Sequence[Phase], wavelength: float | None, alpha2: bool
) -> tuple[PowderStudy, list[str]]:
    """Evaluate one pattern."""
    pattern = read_pattern(path)
    said = []
    wave = wavelength or pattern.wavelength
    if wave is None:
        wave = CU[0]
        said.append(f"{path.name}: took Cu Kα1, {show('wavelength', wave, 7)}, for the wavelength")
    pair = _pair(wave, alpha2)
    if pair[1]:
        said.append(f"{path.name}: lines have Kα2 with half the intensity beside Kα1")
    shortest = wave / (2 * np.sin(min(float(pattern.angle[-1]) / 2 + 0.01, np.pi / 2)))
    several = [(p, reflections(p, shortest)) for p in wanted]
    lines = find_peaks(pattern, pair)
    findings, shift, spread, peaks = match(pattern, lines, several, wave)
    return (
        PowderStudy(
            pattern=pattern, lines=lines, findings=tuple(findings), peaks=peaks, shift=shift,
            shift_spread=spread, wavelength=wave,
        ),
        said,
    )  # fmt: skip


# ---------------------------------------------------------------- results


def _own(study: PowderStudy, warned: list[str]) -> dict[str, Own]:
    """Results of one pattern."""
    name, peaks = study.pattern.name, study.peaks
    found: dict[str, Own] = {}
    there = [f for f in study.findings if f.present]
    open_ = [p for p in peaks if not p.phase]
    if peaks:
        area = np.array([p.area for p in peaks])
        mine = np.array([bool(p.phase) for p in peaks])
        share = float(area[mine].sum() / area.sum())
        spread = np.array([p.area_spread for p in peaks])
        wide = float(np.sqrt((np.where(mine, 1 - share, share) ** 2 * spread**2).sum()))
        found["explained"] = Own(
            quantity="per_cent", si=share, spread=wide / float(area.sum()),
            where=f"{name}, share of the area of {len(peaks)} peaks",
        )  # fmt: skip
    found["peaks"] = Own(quantity="count", si=len(peaks), where=name)
    found["peaks_unexplained"] = Own(quantity="count", si=len(open_), where=name)
    if there:
        found["zero_shift"] = Own(
            quantity="angle", si=study.shift, spread=study.shift_spread,
            where=f"{name}, lines of {there[0].phase.name}",
        )  # fmt: skip
    found |= _shares(study, there, warned)
    found |= _limits(study, there, warned)
    if open_:
        where = ", ".join(f"{np.degrees(p.angle):.2f}" for p in open_[:12])
        more = f" and {len(open_) - 12} more" if len(open_) > 12 else ""
        warned.append(f"{name}: no phase explains the peaks at {where}{more} degrees")
    if not peaks:
        warned.append(f"{name}: no peak stands out of the noise: what is there is amorphous")
    for each in there:
        if each.phase.kind == "assumed":
            warned.append(
                f"the structure of {each.phase.name} is assumed ({each.phase.where}): positions of "
                "lines hold within its fitted cell, shares follow its intensities"
            )
    return found


def _shares(study: PowderStudy, there: Sequence[Finding], warned: list[str]) -> dict[str, Own]:
    """Cells, and shares by mass of the crystalline part."""
    name = study.pattern.name
    found: dict[str, Own] = {}
    mass = np.array([f.amount * f.phase.density for f in there])
    share = np.array([f.amount_spread / f.amount for f in there])
    wide = np.hypot(share, _TEXTURE)
    for k, each in enumerate(there):
        own = each.phase.name
        if each.scale_spread > 0:
            a = each.phase.cell[0]
            found[f"{own}_cell"] = Own(
                quantity="lattice_parameter", si=a * each.scale, spread=a * each.scale_spread,
                where=f"{name}, a from {len(each.matched)} lines",
            )  # fmt: skip
        w = mass / mass.sum()
        # a share w of several: relative spreads of the others count by their shares
        others = np.delete(w * wide, k)
        spread = w[k] * float(np.sqrt(((1 - w[k]) * wide[k]) ** 2 + (others**2).sum()))
        found[f"{own}_share"] = Own(
            quantity="per_cent", si=float(w[k]), spread=spread, model=True,
            where=f"{name}, of the crystalline mass, {len(each.matched)} lines",
        )  # fmt: skip
    return found


def _limits(study: PowderStudy, there: Sequence[Finding], warned: list[str]) -> dict[str, Own]:
    """Upper limits of phases that were not found."""
    name = study.pattern.name
    found: dict[str, Own] = {}
    mass = sum(f.amount * f.phase.density for f in there)
    for each in study.findings:
        if each.present:
            continue
        if not np.isfinite(each.limit):
            warned.append(f"{name}: every line of {each.phase.name} is hidden: no limit of it")
            continue
        hkl = "".join(map(str, each.lines.hkl[each.limit_line]))
        at = float(np.degrees(each.angles[each.limit_line]))
        line = f"its line {hkl} at {at:.2f} degrees, 95 %"
        if not mass > 0:
            area = each.limit * each.areas[each.limit_line]
            height = area / (1.3 * float(study.lines.width(each.angles[each.limit_line])))
            warned.append(
                f"{name}: no crystalline phase to compare {each.phase.name} with; {line}, has less "
                f"than about {height:.3g} counts"
            )
            continue
        own = each.limit * each.phase.density
        found[f"{each.phase.name}_limit"] = Own(
            quantity="per_cent", si=float(own / (own + mass)), model=True,
            where=f"{name}, of the crystalline mass, {line}", note="upper limit",
        )  # fmt: skip
    return found


def _table(studies: Sequence[PowderStudy]) -> list[Mapping[str, Any]]:
    """One row a peak."""
    return [
        {
            "pattern": study.pattern.name,
            "2theta / degree": float(np.degrees(p.angle)),
            "spread / degree": float(np.degrees(p.angle_spread)),
            "d / angstrom": study.wavelength / (2 * np.sin((p.angle - study.shift) / 2)) * 1e10,
            "area / counts degree": float(np.degrees(p.area)),
            "significance": float(p.significance),
            "phase": p.phase,
            "hkl": "" if p.hkl is None else " ".join(map(str, p.hkl)),
        }
        for study in studies
        for p in study.peaks
    ]
