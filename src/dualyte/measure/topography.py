"""From height maps to roughness, and from surfaces with seeds to the sizes of the seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.particles import Particles, find_particles
from dualyte.measure.result import Evaluation, Tell, each_file, measured
from dualyte.measure.section.evaluate import (
    SMALLEST,
    Estimate,
    combined,
    drawn_again,
    estimated,
    phase_of,
    sampled,
)
from dualyte.measure.section.micrograph import Micrograph, read_micrograph
from dualyte.measure.section.micrograph import looks_like as picture_kind
from dualyte.measure.section.phases import Cut, Levels, Segmentation, segment
from dualyte.surface import Roughness, Surface, detrend, read_surface, roughness
from dualyte.vocabulary import Floats, checked, shown

_LEVELS: Final[dict[str, Literal["mean", "tilt", "curvature"]]] = {
    "none": "mean",
    "plane": "tilt",
    "curvature": "curvature",
}
#: result: the word of the vocabulary, and what it is of
_PARAMETERS: Final = {
    "sq": ("roughness", "root-mean-square height"),
    "sa": ("roughness", "mean absolute height"),
    "sdq": ("slope", "root-mean-square slope"),
    "correlation_length": ("length", "where the autocorrelation falls to 1/e"),
}
_LARGE: Final = 1e-6  # m: seeds of a larger diameter are called large
_SIGNATURES: Final = (
    (b"AliconaImaging", "Alicona AL3D"), (b"FRTM_GLIDER", "FRT MicroProf"),
    (b"Binary TrueMap Data File", "TrueMap TMD"), (b"VCA DATA", "Bruker OPDx"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seeds:
    """Particles on a surface, and how sure their sizes are."""

    particles: Particles
    segmentation: Segmentation
    estimates: Mapping[str, Estimate]  #: by the names of the results
    sweep: tuple[tuple[Cut, Particles], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Topography:
    """What one file of a surface yields."""

    name: str
    surface: Surface | None = None  #: levelled; None of a picture
    picture: Micrograph | None = None
    roughness: Roughness | None = None
    estimates: Mapping[str, Estimate] | None = None  #: roughness by the names of the results
    seeds: Seeds | None = None
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def looks_like(path: Path, head: bytes) -> str | None:
    """Format of a height map that the first 64 kB of a file are of, or None."""
    for magic, kind in _SIGNATURES:
        if head.startswith(magic):
            return kind
    if head[32:38] == b"OM_MS_":
        return "NanoFocus nms"
    if head.startswith(b"PK\x03\x04") and b"bindata/data.bin" in head:
        return "x3p"
    if head.startswith(b"PK\x03\x04") and b"main.xml" in head and b"bindata" in head:
        return "x3p"
    if path.suffix.lower() == ".plu" and head[20:24].isdigit() and b"\x00" in head[24:128]:
        return "Sensofar PLu"  # which has a date for a signature
    if b"# Width:" in head[:500] and b"# Value units:" in head[:500]:
        return "Gwyddion text"
    if head.startswith((b"DSAA", b"DSBB", b"DSRB")):
        return "Surfer grid"
    if head.startswith(b"\\*File list") or head.startswith(b"?*File list"):
        return "Nanoscope"
    if head.startswith(b"GWYP"):
        return "Gwyddion"
    if head.startswith((b"DIGITAL SURF", b"DSCOMPRESSED")):
        return "Mountains SUR"
    return None


def measure_topography(
    paths: Sequence[str | Path],
    *,
    unit: str | None = None,
    size: float | tuple[float, float] | None = None,
    level: str = "plane",
    particles: bool = False,
    phase: str | None = None,
    pixel: float | None = None,
    scale_bar: str | float | None = None,
    threshold: float | None = None,
    smooth: float | None = None,
    smallest: float | None = None,
    large: float = _LARGE,
    split: bool = False,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Evaluate height maps: roughness, and the sizes of particles such as seeds on a surface.

    Parameters
    ----------
    paths
        Height maps of any format that `read_surface` knows. With `particles` pictures
        (TIFF, PNG, JPEG), too. Several are replicates of one surface.
    unit, size
        As `read_surface` takes them: the unit of the heights, and the field [m].
    level
        What is removed first: `"none"`, `"plane"` or `"curvature"`.
    particles
        Whether particles are looked for.
    phase
        `"dark"`, `"middle"` or `"bright"` class of the grey levels or heights. Without it, of
        height maps all that stands out of the ground, the largest class; of pictures the
        smaller of two classes well apart.
    pixel, scale_bar
        Of pictures, as `read_micrograph` takes them.
    threshold
        Between particles and ground: height above the ground's median [m], or grey level.
    smooth
        Width of the Gaussian that takes out noise [pixels]; by default from the noise.
    smallest
        Diameter below which a particle is left out as noise [m]; by default 6 pixels.
    large
        Diameter from which a particle counts as large [m].
    split
        Whether touching particles are parted at their waists.
    raise_errors
        Whether the first bad file raises; else it costs only itself.
    progress
        Told how many files are done, of how many.

    Returns
    -------
    Evaluation
        `sq`, `sa`, `sdq`, `correlation_length`; with particles `particle_count`,
        `particle_diameter_median`, `particle_diameter_spread`, `coverage`,
        `large_fraction`; `table` has skewness, kurtosis, number per area, heights and
        volumes. `detail` is a tuple of `Topography`.

    Raises
    ------
    InputError
        If no file can be evaluated, or an option is none.

    Notes
    -----
    Spreads of one map are standard errors from its four quarters, the trend of the whole
    removed; of several the scatter between them. Roughness depends on the field and the
    pixel: only maps of like field and pixel compare. Particles: `Particles` says how the
    edge is corrected; the spreads hold a sweep of thresholds.
    """
    if level not in _LEVELS:
        raise InputError(f"level={level!r}; it is one of {', '.join(_LEVELS)}")
    limit = float(checked("length", large))
    seen = {"phase": phase, "threshold": threshold, "smooth": smooth, "smallest": smallest,
            "pixel": pixel, "scale_bar": scale_bar, "split": split or None}  # fmt: skip
    idle = [name for name, value in seen.items() if value is not None]
    if idle and not particles:
        raise InputError(f"{', '.join(idle)}: of particles only; give particles=True with it")

    sought = partial(_seeds, smooth=smooth, smallest=smallest, large=limit, split=split)

    def one(path: Path) -> Topography:
        if _is_picture(path, particles):
            picture = read_micrograph(path, pixel=pixel, scale_bar=scale_bar)
            return _of_picture(picture, sought, phase_of(path, phase), threshold)
        surface = detrend(read_surface(path, unit=unit, size=size), _LEVELS[level])
        return _of_heights(surface, sought if particles else None, phase, threshold)

    batch = each_file(paths, one, raise_errors=raise_errors, progress=progress)
    if not batch.made:
        raise InputError("stopped before the first file was evaluated")
    found = tuple(topography for _, topography in batch.made)
    return Evaluation(
        kind="topography",
        files=tuple(t.name for t in found),
        results=_results(found, limit),
        warnings=_warnings(found),
        changed=tuple(f"{t.name}: {said}" for t in found for said in t.changes),
        failures=batch.failures,
        table=[_row(t) for t in found],
        detail=found,
        stopped=batch.stopped,
    )


def _is_picture(path: Path, particles: bool) -> bool:
    """Whether a file has grey levels in place of heights, which only particles may have."""
    with path.open("rb") as file:
        kind = picture_kind(path, file.read(64))
    if kind is not None and not particles:
        raise InputError(
            f"{path.name} is a {kind}, which has no heights; give the height map, or "
            "particles=True for the sizes of what is seen"
        )
    return kind is not None


_Sought = Callable[[Levels, tuple[float, float], str, str | None, float | None], Seeds]


def _of_picture(
    picture: Micrograph, sought: _Sought, phase: str | None, threshold: float | None
) -> Topography:
    """Particles of a picture; without the size of its pixels they have none."""
    if picture.pixel is None:
        raise InputError(picture.warnings[-1])
    sides = (picture.pixel, picture.pixel)
    seeds = sought(picture.levels, sides, picture.name, phase, threshold)
    return Topography(
        name=picture.name, picture=picture, seeds=seeds, warnings=picture.warnings,
        changes=(*picture.changes, *seeds.segmentation.said),
    )  # fmt: skip


def _of_heights(
    surface: Surface, sought: _Sought | None, phase: str | None, threshold: float | None
) -> Topography:
    """Roughness of a levelled map, and particles on it."""
    whole = roughness(surface)
    estimates = _by_quarters(surface, whole)
    seeds = None
    if sought is not None:
        # rows of an image are y downwards, so that labels lie as a picture's do
        image = np.ascontiguousarray(surface.heights.T[::-1])
        image -= np.median(image)  # from where a threshold counts
        seeds = sought(image, surface.pixel, surface.name, phase, threshold)
    return Topography(
        name=surface.name, surface=surface, roughness=whole, estimates=estimates, seeds=seeds,
        changes=surface.changes,
    )  # fmt: skip


def _by_quarters(surface: Surface, whole: Roughness) -> dict[str, Estimate]:
    """Roughness, each with its standard error from the four quarters of the field.

    Heights count from the mean of the whole, so the mean squares of the quarters have that
    of the whole as their mean.
    """
    parts = [
        part for half in np.array_split(surface.heights, 2)
        for part in np.array_split(half, 2, axis=1)
    ]  # fmt: skip
    sides = surface.pixel
    each: dict[str, list[float]] = {
        "sq": [float((z**2).mean()) for z in parts],
        "sa": [float(np.abs(z).mean()) for z in parts],
        "sdq": [_mean_square_slope(z, sides) for z in parts],
    }
    found = {}
    for name in _PARAMETERS:
        value = float(getattr(whole, name))
        error = float("nan")
        if name in each and value > 0:
            error = float(np.std(each[name], ddof=1)) / 2
            if name != "sa":
                error /= 2 * value
        found[name] = Estimate(value=value, threshold=0.0, sampling=error)
    return found


def _mean_square_slope(z: Floats, sides: tuple[float, float]) -> float:
    if min(z.shape) < 2:
        return float("nan")
    return float(sum((np.diff(z, axis=a) ** 2).mean() / sides[a] ** 2 for a in (0, 1)))


def _seeds(
    levels: Levels,
    sides: tuple[float, float],
    name: str,
    phase: str | None,
    threshold: float | None,
    *,
    smooth: float | None,
    smallest: float | None,
    large: float,
    split: bool,
) -> Seeds:
    """Particles by the chosen cut, and what the others of the sweep make of them."""
    heights = None if levels.dtype == np.float32 else levels.astype(np.float64)
    seen = segment(
        levels, name=name, phase=phase, threshold=threshold, smooth=smooth, what="particles",
        ground=heights is not None and phase is None,
    )  # fmt: skip
    side = float(np.sqrt(sides[0] * sides[1]))
    noise = max(SMALLEST, 4 * seen.cut.smooth)
    across = noise if smallest is None else float(checked("length", smallest)) / side
    found: list[tuple[Cut, Particles]] = []
    for cut, mask in seen.sweep():
        above = None
        if heights is not None and not mask.all():
            above = heights - float(np.median(heights[~mask]))
        these = find_particles(
            mask, pixel=sides, smallest=np.pi / 4 * across**2, fill=heights is None, split=split,
            heights=above,
        )  # fmt: skip
        found.append((cut, these))
    first = found[0][1]
    ways: dict[str, tuple[Callable[[Particles], float], float]] = {
        "particle_count": (lambda p: float(p.count), float(np.sqrt(first.count))),
        "particle_diameter_median": (lambda p: p.median, drawn_again(first)),
        "particle_diameter_spread": (lambda p: p.spread, _spread_error(first)),
        "coverage": (lambda p: p.coverage, sampled(first.labels > 0)),
        "large_fraction": (lambda p: p.larger(large)[0], _share_error(first, large)),
    }
    estimates = {}
    for key, (of, sampling) in ways.items():
        estimates[key] = estimated([of(p) for _, p in found], sampling)
    return Seeds(particles=first, segmentation=seen, estimates=estimates, sweep=tuple(found))


def _spread_error(particles: Particles) -> float:
    n = int(np.count_nonzero(particles.weights))
    return particles.spread / float(np.sqrt(2 * (n - 1))) if n > 1 else float("nan")


def _share_error(particles: Particles, large: float) -> float:
    """Standard error of a share of n, kept from 0 by one of each kind more."""
    n = int(np.count_nonzero(particles.weights))
    share = particles.larger(large)[0]
    if n == 0 or not np.isfinite(share):
        return float("nan")
    kept = (share * n + 1) / (n + 2)
    return float(np.sqrt(kept * (1 - kept) / n))


def _results(found: Sequence[Topography], limit: float) -> dict[str, Value]:
    results: dict[str, Value] = {}
    names = [t.name for t in found]
    where = names[0] if len(names) == 1 else f"{len(names)} files"
    maps = [t.estimates for t in found if t.estimates is not None]
    for name, (word, what) in _PARAMETERS.items():
        sound = [m[name] for m in maps if np.isfinite(m[name].value)]
        if sound:
            value, spread = combined(sound)
            results[name] = measured(word, value, spread, where=f"{what}, {where}")
    seeds = [t.seeds.estimates for t in found if t.seeds is not None]
    words = {
        "particle_count": ("count", "particles seen"),
        "particle_diameter_median": ("length", "by number, of circles of equal area"),
        "particle_diameter_spread": ("length", "standard deviation of the diameters"),
        "coverage": ("per_cent", "of the field"),
        "large_fraction": ("per_cent", f"by number, larger than {limit * 1e6:.4g} um"),
    }
    for name, (word, what) in words.items():
        sound = [s[name] for s in seeds if np.isfinite(s[name].value)]
        if sound:
            value, spread = combined(sound)
            results[name] = measured(word, value, spread, where=f"{what}, {where}")
    return results


def _warnings(found: Sequence[Topography]) -> tuple[str, ...]:
    said = [warning for t in found for warning in t.warnings]
    for t in found:
        if t.roughness is not None and t.surface is not None:
            length = t.roughness.correlation_length
            if not length < min(t.surface.size) / 5:
                said.append(
                    f"{t.name}: the heights correlate over a fifth of the field or more, so Sq "
                    "is that of this field and no property of the surface; measure a wider one"
                )
        if t.seeds is None:
            continue
        particles = t.seeds.particles
        edge = int(np.count_nonzero(particles.edge))
        if particles.count == 0:
            said.append(f"{t.name}: no particle is found; give threshold= or a lower smallest=")
        elif edge > 0.5 * particles.count:
            said.append(
                f"{t.name}: {edge} of {particles.count} particles touch the edge and have no "
                "size; take a wider field"
            )
    pixels = [t.surface.pixel[0] for t in found if t.surface is not None]
    fields = [t.surface.size[0] for t in found if t.surface is not None]
    if pixels and (max(pixels) > 1.5 * min(pixels) or max(fields) > 1.5 * min(fields)):
        said.append(
            "the maps differ in field or pixel by more than half, and roughness depends on "
            "both: compare each alone"
        )
    return tuple(dict.fromkeys(said))


def _row(t: Topography) -> dict[str, Any]:
    """One line for people and CSV."""
    row: dict[str, Any] = {"file": t.name}
    if t.surface is not None and t.roughness is not None:
        r = t.roughness
        row |= {
            "width / um": float(shown("length", t.surface.size[0])),
            "height / um": float(shown("length", t.surface.size[1])),
            "pixel / nm": float(shown("pixel", t.surface.pixel[0])),
            "Sq / nm": r.sq * 1e9,
            "Sa / nm": r.sa * 1e9,
            "Ssk": r.ssk,
            "Sku": r.sku,
            "Sdq": r.sdq,
            "correlation length / um": r.correlation_length * 1e6,
        }
    if t.seeds is not None:
        p, cut = t.seeds.particles, t.seeds.segmentation.cut
        row |= {
            "phase": t.seeds.segmentation.phase,
            "threshold": cut.low if np.isinf(cut.high) else cut.high,
            "particles": p.count,
            "at the edge": int(np.count_nonzero(p.edge)),
            "particles / 1/um2": p.density * 1e-12,
            "median diameter / um": p.median * 1e6,
            "10 % / um": p.quantile(0.1) * 1e6,
            "90 % / um": p.quantile(0.9) * 1e6,
            "largest / um": float(p.diameters.max(initial=0.0)) * 1e6,
            "coverage / %": 100 * p.coverage,
        }
        if p.heights is not None and p.volumes is not None and p.count:
            row["median particle height / nm"] = float(np.median(p.heights)) * 1e9
            row["volume per area / nm"] = float(p.volumes.sum() / p.field) * 1e9
    return row
