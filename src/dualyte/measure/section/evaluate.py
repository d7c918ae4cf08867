"""From pictures of sections to porosity, pore sizes and gaps, with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.files.sidecar import facts
from dualyte.measure.particles import Particles, find_particles, weighted_quantile
from dualyte.measure.result import Evaluation, Tell, each_file, measured
from dualyte.measure.section.boundary import Boundary, find_boundary, gaps_along, given_boundary
from dualyte.measure.section.micrograph import Micrograph, read_micrograph
from dualyte.measure.section.phases import Cut, Mask, Segmentation, segment
from dualyte.vocabulary import checked, show, shown

SMALLEST: Final = 6.0  # pixels: diameter below which a region is taken for noise
_DRAWS: Final = 200  # of the bootstrap of a median
_DELESSE: Final = (
    "porosity is the area fraction of a section, taken as the volume fraction (Delesse): the "
    "section must be typical of the body, and its pores not smeared shut or torn open"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with the two parts of its uncertainty, one standard deviation each."""

    value: float
    threshold: float  #: over the sweep of thresholds
    sampling: float  #: because the field is finite

    @property
    def spread(self) -> float:
        """Both together."""
        return float(np.hypot(self.threshold, self.sampling))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """What one picture of a section yields. Lengths are metres, or pixels without a scale."""

    micrograph: Micrograph
    segmentation: Segmentation
    pores: Particles
    porosity: Estimate
    count: Estimate
    diameter: Estimate  #: median by number, of pores that are whole within the picture
    sweep: tuple[tuple[Cut, float], ...]  #: porosity by every way to tell the pores
    boundary: Boundary | None = None
    gap: Estimate | None = None


def measure_section(
    paths: Sequence[str | Path],
    *,
    phase: str | None = None,
    pixel: float | None = None,
    scale_bar: str | float | None = None,
    threshold: float | None = None,
    smooth: float | None = None,
    smallest: float | None = None,
    boundary: str | None = None,
    gap: float | None = None,
    reach: float | None = None,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Evaluate micrographs of sections: porosity, pores, and the gaps along a boundary.

    Parameters
    ----------
    paths
        TIFF, PNG or JPEG pictures; several are replicates of one body.
    phase
        Which grey the pores have: `"dark"`, `"middle"` (of three classes) or `"bright"`.
        Without it, a sidecar says it, or a histogram of two classes well apart; other
        pictures are refused.
    pixel
        Side of a pixel [m], in place of what the file says.
    scale_bar
        Length of the scale bar drawn below the picture, such as `"500 nm"` or a number in m.
    threshold
        Grey level between the pores and what is next to them, in place of the one found.
    smooth
        Width of the Gaussian that takes out noise [pixels]; by default from the noise.
    smallest
        Diameter below which a region is left out as noise [m]; by default 6 pixels, or four
        times `smooth` if that is more.
    boundary
        Line along which gaps are looked for: corners in pixels, such as `"0,210 1023,214"`
        (x to the right, y down), or `"find"` for the line between two layers.
    gap
        Thickness from which there is a gap [m]; by default 3 pixels.
    reach
        How far from the line a gap may lie [m]; by default 5 pixels.
    raise_errors
        Whether the first bad file raises; else it costs only itself.
    progress
        Told how many files are done, of how many.

    Returns
    -------
    Evaluation
        `porosity`, `relative_density`, `pore_diameter_median` (if the pixel is known),
        `count`, and with a boundary `gap_fraction`. Spreads hold the sweep of thresholds and
        the sampling; of several pictures, the scatter between them and the sweep. `detail`
        is a tuple of `Section`.

    Raises
    ------
    InputError
        If no picture can be evaluated, or an option lacks the one it belongs to.

    Notes
    -----
    Porosity is the area fraction of the pores (Delesse 1848). Diameters are of circles of
    equal area and of sections: a pore is larger than most of its sections.
    """
    if boundary is None and (gap is not None or reach is not None):
        raise InputError('gap and reach are of a boundary; give boundary="find", or its corners')

    def one(path: Path) -> Section:
        return evaluated(
            read_micrograph(path, pixel=pixel, scale_bar=scale_bar),
            phase=phase_of(path, phase),
            threshold=threshold, smooth=smooth, smallest=smallest, boundary=boundary, gap=gap,
            reach=reach,
        )  # fmt: skip

    batch = each_file(paths, one, raise_errors=raise_errors, progress=progress)
    if not batch.made:
        raise InputError("stopped before the first picture was evaluated")
    found = tuple(section for _, section in batch.made)
    return Evaluation(
        kind="section",
        files=tuple(section.micrograph.name for section in found),
        results=_results(found),
        warnings=_warnings(found),
        changed=tuple(_changes(found)),
        failures=batch.failures,
        table=[_row(section) for section in found],
        detail=found,
        stopped=batch.stopped,
    )


def phase_of(path: Path, given: str | None) -> str | None:
    """What is given, else what the sidecar says."""
    beside = facts(path).get("phase")
    return given if given is not None or beside is None else str(beside.value)


def evaluated(
    picture: Micrograph,
    *,
    phase: str | None = None,
    threshold: float | None = None,
    smooth: float | None = None,
    smallest: float | None = None,
    boundary: str | None = None,
    gap: float | None = None,
    reach: float | None = None,
) -> Section:
    """Evaluate one micrograph; `measure_section` says what the options mean."""
    seen = segment(
        picture.levels, name=picture.name, phase=phase, threshold=threshold, smooth=smooth
    )
    noise = max(SMALLEST, 4 * seen.cut.smooth)  # what noise makes of a smoothed picture
    pixels = _pixels(picture, smallest, "smallest", noise)
    least = np.pi / 4 * pixels**2
    each = 1.0 if picture.pixel is None else picture.pixel
    line: Any = None
    if boundary is not None:
        line = (
            find_boundary(picture.levels, seen.mask, picture.name)
            if boundary.strip().lower() == "find"
            else given_boundary(boundary, seen.mask.shape)
        )
    thick = _pixels(picture, gap, "gap", 3.0)
    near = _pixels(picture, reach, "reach", 5.0)

    shares, counts, medians, gaps = [], [], [], []
    pores: Particles | None = None
    found: Boundary | None = None
    sweep = []
    for cut, mask in seen.sweep():
        these = find_particles(mask, pixel=(each, each), smallest=least)
        if pores is None:
            pores = these
        shares.append(these.coverage)
        counts.append(float(these.count))
        medians.append(these.median)
        sweep.append((cut, these.coverage))
        if line is not None:
            along = gaps_along(line, these.labels > 0, gap=thick, reach=near)
            found = found or along
            gaps.append(along.fraction)
    assert pores is not None  # the sweep begins with the chosen cut
    return Section(
        micrograph=picture,
        segmentation=seen,
        pores=pores,
        porosity=estimated(shares, sampled(pores.labels > 0)),
        count=estimated(counts, float(np.sqrt(pores.count))),
        diameter=estimated(medians, drawn_again(pores)),
        sweep=tuple(sweep),
        boundary=found,
        gap=None if found is None else estimated(gaps, found.sampling),
    )


def _pixels(picture: Micrograph, metres: float | None, what: str, usual: float) -> float:
    """A length in pixels."""
    if metres is None:
        return usual
    if picture.pixel is None:
        raise InputError(
            f"{picture.name}: {what}={metres:g} m needs the size of a pixel; give pixel= [m]"
        )
    return float(checked("length", metres)) / picture.pixel


def estimated(values: Sequence[float], sampling: float) -> Estimate:
    """The first value, the scatter of the sweep about it, and the sampling error."""
    sound = np.array([v for v in values if np.isfinite(v)])
    about = float(np.sqrt(((sound - values[0]) ** 2).mean())) if sound.size else float("nan")
    return Estimate(value=float(values[0]), threshold=about, sampling=sampling)


def sampled(mask: Mask) -> float:
    """Standard error of an area fraction: the scatter of 4, 9 or 16 blocks of the picture.

    The largest of the three counts, since small blocks of clustered pores are not
    independent.
    """
    errors = []
    for n in (2, 3, 4):
        blocks = [
            float(part.mean())
            for rows in np.array_split(mask, n)
            for part in np.array_split(rows, n, axis=1)
        ]
        errors.append(float(np.std(blocks, ddof=1)) / n)
    return max(errors)


def drawn_again(pores: Particles) -> float:
    """Standard error of the median diameter, from sets drawn with replacement."""
    whole = pores.weights > 0
    if np.count_nonzero(whole) < 2:
        return float("nan")
    d, w = pores.diameters[whole], pores.weights[whole]
    rng = np.random.default_rng(0)
    picks = rng.integers(0, d.size, (_DRAWS, d.size))
    medians = [weighted_quantile(d[pick], w[pick], 0.5) for pick in picks]
    return float(np.std(medians, ddof=1))


def combined(parts: Sequence[Estimate]) -> tuple[float, float]:
    """Mean of replicates and its spread; of one, its own uncertainty.

    The spread holds their scatter, and the sweep of thresholds, which errs alike in all.
    """
    if len(parts) == 1:
        return parts[0].value, parts[0].spread
    values = [part.value for part in parts]
    common = float(np.sqrt(np.mean([part.threshold**2 for part in parts])))
    return float(np.mean(values)), float(np.hypot(np.std(values, ddof=1), common))


def _results(found: Sequence[Section]) -> dict[str, Value]:
    phase = " or ".join(dict.fromkeys(s.segmentation.phase for s in found))
    where = f"{phase} phase of {_named(found)}"
    share, spread = combined([s.porosity for s in found])
    results = {
        "porosity": measured("per_cent", share, spread, where=where, computed=True),
        "relative_density": measured(
            "relative_density", 1 - share, spread, where=f"1 - porosity, {where}", computed=True
        ),
    }
    sized = [s for s in found if s.micrograph.pixel is not None and np.isfinite(s.diameter.value)]
    if sized:
        median, wide = combined([s.diameter for s in sized])
        results["pore_diameter_median"] = measured(
            "length", median, wide, where=f"pores of {_named(sized)}, by number"
        )
    number, wide = combined([s.count for s in found])
    results["count"] = measured(
        "count", number, wide, where=f"pores of {_named(found)}"
        + (", mean of the pictures" if len(found) > 1 else ""),
    )  # fmt: skip
    gaps = [s.gap for s in found if s.gap is not None]
    if gaps:
        part, wide = combined(gaps)
        results["gap_fraction"] = measured(
            "per_cent", part, wide, where=f"along the boundary, {_named(found)}"
        )
    return results


def _named(found: Sequence[Section]) -> str:
    names = [s.micrograph.name for s in found]
    return names[0] if len(names) == 1 else f"{len(names)} pictures"


def _changes(found: Sequence[Section]) -> list[str]:
    said = []
    for s in found:
        seen = s.segmentation
        said += [f"{s.micrograph.name}: {change}" for change in s.micrograph.changes]
        said += [f"{s.micrograph.name}: {change}" for change in seen.said]
        raw = float(seen.mask.mean())
        if raw - s.porosity.value > 0.05 * raw:
            said.append(
                f"{s.micrograph.name}: left out specks smaller than the smallest pore, "
                f"{100 * (raw - s.porosity.value):.2g} % of the area"
            )
    return said


def _warnings(found: Sequence[Section]) -> tuple[str, ...]:
    said = [warning for s in found for warning in s.micrograph.warnings]
    phases = {s.segmentation.phase: s.micrograph.name for s in reversed(found)}
    if len(phases) > 1:
        each = ", ".join(f"{phase} in {name}" for phase, name in phases.items())
        said.append(
            f"the pores are of different phases ({each}), so the mean may mix pores and solid; "
            "say which with phase="
        )
    for s in found:
        name = s.micrograph.name
        if s.porosity.value > 0.5:
            said.append(
                f"{name}: {s.porosity.value:.0%} of it is taken as pores; if they are the other "
                "phase, say so with phase="
            )
        if s.porosity.value == 0:
            said.append(f"{name}: no pore is left; lower smallest= or give threshold=")
        elif s.porosity.threshold > 0.5 * s.porosity.value:
            said.append(
                f"{name}: the sweep of thresholds moves the porosity by more than half of it; "
                "the grey levels do not tell the pores, so give threshold= from what you see"
            )
        touching = int(np.count_nonzero(s.pores.edge))
        if touching > 0.5 * s.pores.count > 0:
            said.append(
                f"{name}: {touching} of {s.pores.count} pores touch the edge, and the median "
                "diameter is that of the others; take a wider picture"
            )
    said.append(_DELESSE)
    return tuple(dict.fromkeys(said))


def _row(s: Section) -> dict[str, Any]:
    """One line for people and CSV."""
    known = s.micrograph.pixel is not None
    unit = "um" if known else "px"

    def long(x: float) -> float:
        return float(shown("length", x)) if known else x

    cut = s.segmentation.cut
    row: dict[str, Any] = {
        "file": s.micrograph.name,
        "pixel / nm": float(shown("pixel", s.micrograph.pixel or 1.0)) if known else float("nan"),
        "pixel from": s.micrograph.pixel_from,
        "phase": s.segmentation.phase,
        "threshold": cut.low if np.isinf(cut.high) else cut.high,
        "porosity / %": 100 * s.porosity.value,
        "by threshold / %": 100 * s.porosity.threshold,
        "by sampling / %": 100 * s.porosity.sampling,
        "pores": s.pores.count,
        "at the edge": int(np.count_nonzero(s.pores.edge)),
        f"median diameter / {unit}": long(s.diameter.value),
        f"10 % / {unit}": long(s.pores.quantile(0.1)),
        f"90 % / {unit}": long(s.pores.quantile(0.9)),
    }
    if s.boundary is not None and s.gap is not None:
        row["gap / %"] = 100 * s.gap.value
        opened = s.boundary.thickness[s.boundary.open] * (s.micrograph.pixel or 1.0)
        row[f"mean gap / {unit}"] = long(float(opened.mean())) if opened.size else 0.0
    return row


def sentence(s: Section) -> str:
    """What a person wants to know first of one picture."""
    said = f"porosity {100 * s.porosity.value:.3g} % ± {100 * s.porosity.spread:.2g} %"
    if s.micrograph.pixel is not None and np.isfinite(s.diameter.value):
        said += f", median {show('length', s.diameter.value, 3)}"
    return said
