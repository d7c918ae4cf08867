"""Figures of pellets: density in time, conductivity on unloading, sections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dualyte.pellet import Microstructure, Pellet
from dualyte.pellet.microstructure import section
from dualyte.pellet.predict import PelletPrediction
from dualyte.pellet.refine import SHOWN, Refinement
from dualyte.plot.figure import Figure, Series, Tile
from dualyte.uncertainty import interval
from dualyte.vocabulary import show


def density_curves(pellets: Sequence[Pellet], *, name: str = "density_time") -> Figure:
    """Relative density against time; without creep it is dashed."""
    series = []
    names: dict[str, int] = {}
    for pellet in pellets:
        colour = names.setdefault(pellet.material.name, len(names))
        series.append(
            Series(
                x=pellet.time,
                y=100 * pellet.relative_density,
                name=pellet.material.name if pellet.creep else "",
                style="line" if pellet.creep else "dashed",
                colour=colour,
            )
        )
    if any(not pellet.creep for pellet in pellets):
        series.append(
            Series(x=[np.nan], y=[np.nan], name="without creep", style="dashed", colour=6)
        )
    top, law = show("pressure", pellets[0].fabrication), pellets[0].process.law
    return Figure(
        name=name,
        x="time / s",
        y="relative density / %",
        series=series,
        title=f"{top}, {law.name} model, n = {law.exponent:g}",
        legend="above",
        y_limits=(min(55.0, 100 * min(p.process.law.start for p in pellets)), 101.0),
    )


def density_figure(found: PelletPrediction) -> Figure:
    """Relative density of one pellet in time, with its 90 % band and the other model."""
    pellet = found.pellet
    low, high = interval(100 * found.density, axis=0)
    series = [
        Series(
            x=pellet.time, y=100 * pellet.relative_density, low=low, high=high,
            name=f"{pellet.process.law.name} model",
        )
    ]  # fmt: skip
    if found.other is not None:
        other = found.other
        series.append(
            Series(
                x=other.time, y=100 * other.relative_density, style="dashed", colour=1,
                name=f"{other.process.law.name} model",
            )
        )  # fmt: skip
    return Figure(
        name="pellet_density",
        x="time / s",
        y="relative density / %",
        series=series,
        title=f"{pellet.material.name}, {show('pressure', pellet.fabrication)}",
        y_limits=(min(100 * pellet.process.law.start, float(low.min())) - 2, 101.0),
    )


def conductivity_figure(found: PelletPrediction) -> Figure:
    """Conductivity of the pellet against stack pressure on unloading."""
    low, high = interval(found.conductivity, axis=0)
    return Figure(
        name="pellet_conductivity",
        x="stack pressure P / MPa",
        y="conductivity σ / mS cm$^{-1}$",
        series=[
            Series(
                x=found.stacks / 1e6, y=10 * np.median(found.conductivity, axis=0), low=10 * low,
                high=10 * high, name="unloading, 90 % band",
            )
        ],
        title=_pressed(found.pellet),
        log_x=True,
    )  # fmt: skip


def refinement_figure(found: Refinement) -> Figure:
    """P̂ against the size of a cell, with the limit for vanishing cells."""
    ends, errors = found.limit("pressure")
    h = 1 / np.array(found.grids)
    series = []
    shown = [k for k, D in enumerate(found.density) if np.isclose(D, SHOWN).any()]
    for colour, k in enumerate(shown):
        y, end, error = found.pressure[:, k], float(ends[k]), float(errors[k])
        wide = y * found.spread[:, k]
        series.append(
            Series(
                x=100 * h, y=y, low=y - wide, high=y + wide, style="points", colour=colour,
                name=f"D = {found.density[k]:.2f}",
            )
        )  # fmt: skip
        line = np.linspace(0, h[0], 40)
        fit = np.polynomial.Polynomial.fit(np.append(h, 0.0), np.append(y, end), len(h) - 1)
        series.append(Series(x=100 * line, y=fit(line), style="dashed", colour=colour))
        at = np.array([end])
        series.append(
            Series(
                x=np.zeros(1), y=at, low=at - error, high=at + error, style="open", colour=colour
            )
        )
    return Figure(
        name="grid_convergence",
        x="size of a cell / % of the box",
        y=r"load at unit rate $\hat P$ / σ$_y$",
        series=series,
        title=f"{len(found.seeds)} packings, n = 7: bars are packings, at zero the limit",
        legend="above",
    )


def _pressed(pellet: Pellet) -> str:
    return f"{pellet.material.name} pressed at {show('pressure', pellet.fabrication)}"


def sections_figure(
    rows: Sequence[Sequence[Microstructure]],
    titles: Sequence[Sequence[str]],
    *,
    title: str = "",
    name: str = "sections",
) -> Figure:
    """Sections through the middle of microstructures, in rows, to one scale."""
    tiles = []
    for row, texts in zip(rows, titles, strict=True):
        line = []
        for micro, text in zip(row, texts, strict=True):
            flat = min(micro.labels.shape) == 1
            axis = "xyz"[int(np.argmin(micro.labels.shape))] if flat else "y"
            cut = section(micro, axis=axis)
            side = np.array(cut.labels.shape) * np.array(cut.spacing) * 1e6
            line.append(Tile(labels=cut.labels, size=(float(side[0]), float(side[1])), title=text))
        tiles.append(line)
    wide = max(tile.size[0] for row in tiles for tile in row)
    step = next((x for x in (20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1) if x < 0.4 * wide), 0.05)
    return Figure(
        name=name,
        x="",
        y="",
        tiles=tiles,
        bar=(step, f"{step:g} µm"),
        title=title,
        height=0.42 * len(tiles) + 0.08,
    )
