"""Figures of surfaces: the height map, its spectrum, and the particles on it."""

from __future__ import annotations

from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.result import Evaluation
from dualyte.measure.topography import Seeds, Topography
from dualyte.plot.figure import Figure, Series
from dualyte.plot.section import levels_figure, marked_picture, sizes_figure
from dualyte.surface import Surface, psd
from dualyte.vocabulary import Floats

_MOST: Final = 6  # maps drawn
_COLOURS: Final = 6


def topography_figures(found: Evaluation) -> list[Figure]:
    """Height maps or pictures with their particles, spectra, and sizes of particles.

    Parameters
    ----------
    found
        What `measure_topography` returned.

    Raises
    ------
    InputError
        If it is of another kind.
    """
    parts = found.detail
    if found.kind != "topography" or not isinstance(parts, tuple):
        raise InputError(f"topography_figures draws topographies, not {found.kind}")
    figures = []
    for k, t in enumerate(parts[:_MOST]):
        end = "" if len(parts) == 1 else f"_{k + 1}"
        figures.append(_map(t, f"topography{end}"))
        if t.seeds is not None:
            figures.append(_histogram(t, t.seeds, f"levels{end}"))
    surfaces = [t.surface for t in parts if t.surface is not None]
    if surfaces:
        figures.append(_spectra(surfaces))
    seeds = [
        (t.name, t.seeds) for t in parts if t.seeds is not None and t.seeds.particles.density > 0
    ]
    if seeds:
        band = _band(seeds[0][1]) if len(seeds) == 1 else None
        sets = [(name, s.particles, True) for name, s in seeds]
        figures.append(sizes_figure(sets, name="particle_sizes", what="particle", band=band))
    return figures


def _map(t: Topography, name: str) -> Figure:
    """Heights, brighter where higher, or the picture, with the particles marked."""
    title = t.name
    if t.roughness is not None:
        title += f": Sq {_length(t.roughness.sq)}, Sdq {t.roughness.sdq:.3g}"
    if t.seeds is not None:
        number, median = (
            t.seeds.estimates[key] for key in ("particle_count", "particle_diameter_median")
        )
        size = "" if not np.isfinite(median.value) else f", median {_length(median.value)}"
        title += f"\n{number.value:.0f} particles{size}"
    if t.surface is None:
        if t.picture is None or t.seeds is None:
            raise InputError(f"{t.name}: neither heights nor particles to draw")
        return marked_picture(
            t.picture.levels, t.seeds.particles.labels > 0, t.picture.pixel, name=name,
            title=title, label="grey level",
        )  # fmt: skip
    z = t.surface.heights.T[::-1]
    mask = np.zeros(z.shape, dtype=bool) if t.seeds is None else t.seeds.particles.labels > 0
    scale, unit = _scale(float(z.std()))
    low, high = np.percentile(z, [0.1, 99.9])  # a few spikes would leave no contrast
    return marked_picture(
        np.clip(z, low, high) / scale, mask, t.surface.pixel[0], name=name, title=title,
        label=f"height / {unit}",
    )  # fmt: skip


def _scale(height: float) -> tuple[float, str]:
    return (1e-6, "µm") if height >= 1e-6 else (1e-9, "nm")


def _length(x: float) -> str:
    size, unit = (1e-6, "µm") if x >= 0.5e-6 else (1e-9, "nm")
    return f"{x / size:.3g} {unit}"


def _histogram(t: Topography, seeds: Seeds, name: str) -> Figure:
    if t.surface is None:
        return levels_figure(seeds.segmentation, name=name, title=t.name, label="grey level")
    scale, unit = _scale(float(t.surface.heights.std()))
    return levels_figure(
        seeds.segmentation, name=name, title=t.name, label=f"height / {unit}", scale=scale
    )


def _spectra(surfaces: list[Surface]) -> Figure:
    """Power spectral densities, radially averaged."""
    series = []
    for k, surface in enumerate(surfaces):
        q, power = psd(surface)
        sound = (q > 0) & (power > 0)
        series.append(
            Series(
                x=q[sound] * 1e-6, y=power[sound] * 1e24,
                name=surface.name if len(surfaces) > 1 else "", colour=k % _COLOURS,
            )
        )  # fmt: skip
    return Figure(
        name="spectrum",
        x="wavevector q / 1/µm",
        y="power spectral density / µm⁴",
        series=series,
        title=surfaces[0].name if len(surfaces) == 1 else "",
        log_x=True,
        log_y=True,
        legend="above",
        height=0.75,
    )


def _band(seeds: Seeds) -> tuple[Floats, Floats, Floats] | None:
    """Range of the distribution by number over the sweep of thresholds."""
    sets = [p for _, p in seeds.sweep if p.density > 0]
    if len(sets) < 2:
        return None
    whole = seeds.particles.diameters[seeds.particles.weights > 0]
    grid = np.geomspace(whole.min(), whole.max() * (1 + 1e-9), 60)
    shares = []
    for p in sets:
        order = np.argsort(p.diameters)
        w = p.weights[order]
        place = (np.cumsum(w) - w / 2) / w.sum()
        shares.append(np.interp(grid, p.diameters[order], place))
    return grid, np.min(shares, axis=0), np.max(shares, axis=0)
