"""Figures of sections: the picture with its pores, the grey levels, and the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.particles import Particles
from dualyte.measure.result import Evaluation
from dualyte.measure.section import Boundary, Section, Segmentation
from dualyte.plot.figure import Figure, Series
from dualyte.vocabulary import Floats, shown

_MOST: Final = 6  # pictures drawn
_ACROSS: Final = 1000  # pixels of a picture as drawn
_COLOURS: Final = 6
_WIDE: Final = 8.0  # ratio of diameters from which their axis is logarithmic


def section_figures(found: Evaluation) -> list[Figure]:
    """Pictures with their pores marked, their grey levels, and the sizes of pores.

    Parameters
    ----------
    found
        What `measure_section` returned.

    Raises
    ------
    InputError
        If it is of another kind.
    """
    sections = found.detail
    if found.kind != "section" or not isinstance(sections, tuple):
        raise InputError(f"section_figures draws sections, not {found.kind}")
    figures = []
    for k, s in enumerate(sections[:_MOST]):
        end = "" if len(sections) == 1 else f"_{k + 1}"
        figures.append(_picture(s, f"section{end}"))
        figures.append(
            levels_figure(
                s.segmentation,
                name=f"grey_levels{end}",
                title=s.micrograph.name,
                label="grey level",
            )
        )
    sets = [
        (s.micrograph.name, s.pores, s.micrograph.pixel is not None)
        for s in sections if s.pores.weights.sum() > 0
    ]  # fmt: skip
    if sets:
        figures.append(sizes_figure(sets, name="pore_sizes", what="pore"))
    return figures


def _picture(s: Section, name: str) -> Figure:
    porosity = f"{100 * s.porosity.value:.3g} % ± {100 * s.porosity.spread:.2g} %"
    title = f"{s.micrograph.name}: porosity {porosity}"
    if s.gap is not None:
        title += f"\ngap along {100 * s.gap.value:.3g} % ± {100 * s.gap.spread:.2g} % of the line"
    return marked_picture(
        s.micrograph.levels, s.pores.labels > 0, s.micrograph.pixel, name=name, title=title,
        label="grey level", boundary=s.boundary,
    )  # fmt: skip


def marked_picture(
    levels: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_],
    pixel: float | None,
    *,
    name: str,
    title: str,
    label: str,
    boundary: Boundary | None = None,
) -> Figure:
    """Picture with a phase marked, and where a boundary is open.

    Parameters
    ----------
    levels, mask : (ny, nx)
        The first row is the top.
    pixel
        Its side [m].
    """
    ny, nx = mask.shape
    step = max(1, nx // _ACROSS, ny // _ACROSS)
    each, unit = _unit(nx * pixel) if pixel is not None else (1.0, "pixel")
    side = (pixel or 1.0) / each
    size = (nx * side, ny * side)
    return Figure(
        name=name,
        x=f"x / {unit}",
        y=f"y / {unit}",
        image=np.asarray(levels[::step, ::step], dtype=np.float64)[::-1].T,
        mask=mask[::step, ::step][::-1].T,
        extent=size,
        image_label=label,
        series=[] if boundary is None else _line(boundary, side, ny),
        title=title,
        x_limits=(0.0, size[0]),
        y_limits=(0.0, size[1]),
        height=min(1.1, 0.66 * ny / nx + (0.25 if boundary is None else 0.34)),
        legend="above",
    )


def _line(boundary: Boundary, side: float, ny: int) -> list[Series]:
    x = (boundary.points[:, 0] + 0.5) * side
    y = (ny - 0.5 - boundary.points[:, 1]) * side
    series = []
    for is_open, told, colour in ((False, "closed", 2), (True, "open", 1)):
        here = boundary.open == is_open
        if here.any():
            series.append(
                Series(
                    x=np.where(here, x, np.nan), y=np.where(here, y, np.nan), name=told,
                    colour=colour,
                )
            )  # fmt: skip
    return series


def _unit(length: float) -> tuple[float, str]:
    """Unit in which a length has a number that people like [m], and its name."""
    for size, unit in ((1e-3, "mm"), (1e-6, "µm")):
        if length >= 2 * size:
            return size, unit
    return 1e-9, "nm"


def levels_figure(
    seen: Segmentation, *, name: str, title: str, label: str, scale: float = 1.0
) -> Figure:
    """Histogram of levels, the bells it is taken apart into, and the thresholds of the sweep.

    Parameters
    ----------
    scale
        Unit of the levels as drawn, such as 1e-9 for nm.
    """
    c = seen.classes
    x = c.levels / scale
    step = x[1] - x[0]
    series = [Series(x=x, y=100 * c.density / step, name="measured", colour=6)]
    for k in range(c.means.size):
        bell = (
            c.shares[k]
            / c.spreads[k]
            * np.exp(-0.5 * ((c.levels - c.means[k]) / c.spreads[k]) ** 2)
        )
        y = 100 * scale * bell / np.sqrt(2 * np.pi)
        series.append(
            Series(x=x, y=y, name=f"class of {100 * c.shares[k]:.2g} %", style="dashed", colour=k)
        )
    top = float(max(s.y.max() for s in series))
    ends = [v / scale for v in _ends(seen, seen.cut.how)]
    others = [v / scale for cut in seen.others for v in (cut.low, cut.high) if np.isfinite(v)]
    if others:
        series.append(
            Series(
                x=np.array(others), y=np.full(len(others), 1.08 * top), style="open", colour=3,
                name="other thresholds", marker="v",
            )
        )  # fmt: skip
    series.append(
        Series(
            x=np.array(ends), y=np.full(len(ends), 1.08 * top), style="points", colour=3,
            name="threshold", marker="v",
        )
    )  # fmt: skip
    return Figure(
        name=name,
        x=label,
        y="share of pixels per level / %" if scale == 1.0 else f"share per {label[-2:]} / %",
        series=series,
        title=title,
        y_limits=(0.0, 1.18 * top),
        legend="above",
        height=0.72,
    )


def _ends(seen: Segmentation, how: str) -> list[float]:
    return [v for v in (seen.cut.low, seen.cut.high) if np.isfinite(v)]


def sizes_figure(
    sets: Sequence[tuple[str, Particles, bool]],
    *,
    name: str,
    what: str,
    band: tuple[Floats, Floats, Floats] | None = None,
) -> Figure:
    """Cumulative distributions of diameters, by number and by area.

    Parameters
    ----------
    sets
        Name, particles, and whether their lengths are metres (else pixels).
    what
        Word for one of them.
    band
        Diameters [m] and the lower and upper edge of the shares by number over the sweep.
    """
    known = all(metres for _, _, metres in sets)
    sizes = np.concatenate([p.diameters[p.weights > 0] for _, p, _ in sets])
    series = []
    for k, (told, particles, metres) in enumerate(sets):
        whole = particles.weights > 0
        order = np.argsort(particles.diameters[whole])
        d = particles.diameters[whole][order]
        x = shown("length", d) if metres else d
        for style, weight, by in (
            ("line", particles.weights[whole][order], "number"),
            ("dashed", (particles.weights * particles.areas)[whole][order], "area"),
        ):
            share = (np.cumsum(weight) - weight / 2) / weight.sum()
            title = f"by {by}" if len(sets) == 1 else f"{told}, by {by}"
            series.append(
                Series(
                    x=x, y=100 * share, name=title, style="line" if style == "line" else "dashed",
                    colour=k % _COLOURS,
                )
            )  # fmt: skip
    if band is not None:
        d, low, high = band
        x = shown("length", d) if known else d
        series.append(
            Series(
                x=np.concatenate([x, x[::-1]]), y=100 * np.concatenate([low, high[::-1]]),
                style="area", name="by number, other thresholds",
            )
        )  # fmt: skip
    return Figure(
        name=name,
        x=f"{what} diameter / {'µm' if known else 'pixel'}",
        y="share that is smaller / %",
        series=series,
        title=sets[0][0] if len(sets) == 1 else "",
        log_x=bool(sizes.max() > _WIDE * sizes.min()),
        y_limits=(0.0, 100.0),
        legend="above",
        height=0.75,
    )
