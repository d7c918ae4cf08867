"""Drawing of figure descriptions with Matplotlib."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.plot.figure import COLOURS, COLUMN, Figure, Scale, Series
from dualyte.plot.tiles import draw_tiles

_SMALL, _TEXT, _LABEL = 6, 7, 8  # pt, as printed
_MARGIN, _LINE, _TITLE = 0.57, 0.17, 0.1  # inches: of an axis, a legend row, a title
_SCALE: Final = "viridis"
_BRIGHTEST: Final = 0.88  # of the colour scale: yellow lines vanish on paper


def draw(figure: Figure, path: Path | None = None) -> Any:  # noqa: ANN401 (a Matplotlib figure)
    """Draw a description; save it if `path` is given (the suffix picks the format)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # equal axes are fitted after the layout: some room below, so that no label is cut
    below = 0.025 if figure.equal else 0.0
    layout = ConstrainedLayoutEngine(rect=(0, below, 1, 1 - below))
    canvas = Canvas(figsize=(COLUMN, _height(figure)), layout=layout)
    FigureCanvasAgg(canvas)
    if figure.tiles:
        draw_tiles(canvas, figure)
        if path is not None:
            canvas.savefig(path, dpi=300)
        return canvas
    parts = figure.panels or [figure]
    rows = canvas.subplots(len(parts), 1, squeeze=False, sharex=bool(figure.panels))[:, 0]
    for part, axes in zip(parts, rows, strict=True):
        _draw_panel(canvas, axes, part)
    for axes in rows[:-1]:
        axes.set_xlabel("")
    if figure.panels:
        rows[0].set_title(figure.title, fontsize=_TEXT)
        canvas.align_ylabels(list(rows))
        if figure.scale is not None:
            _colour_bar(canvas, list(rows), figure.scale)
    _legend(canvas, rows, figure)
    if path is not None:
        canvas.savefig(path, dpi=300)
    return canvas


def _height(figure: Figure) -> float:
    """Height of the canvas [inch]: what the axes need, and a line for each row of the legend."""
    names = {s.name for part in (figure.panels or [figure]) for s in part.series if s.name}
    rows = math.ceil(len(names) / _columns(names)) if names and figure.legend == "above" else 0
    if figure.equal and figure.x_limits and figure.y_limits:
        shape = np.ptp(figure.y_limits) / np.ptp(figure.x_limits)
        wide = COLUMN - (_MARGIN if figure.scale is None else 2 * _MARGIN)
        lines = figure.title.count("\n") + 1 if figure.title else 0
        return float(wide * shape + _MARGIN + _LINE * rows + _TITLE * lines)
    return COLUMN * figure.height + _LINE * max(rows - 1, 0)


def _columns(names: Collection[str]) -> int:
    """Entries of a legend that fit side by side."""
    return max(1, min(len(names), 75 // (max(map(len, names)) + 8)))


def _draw_panel(canvas: Any, axes: Any, figure: Figure) -> None:  # noqa: ANN401 (Matplotlib objects)
    if figure.image is not None:
        _draw_image(canvas, axes, figure)
    for series in figure.series:
        _draw_series(axes, series)
    _scale_axes(axes, figure)
    if figure.ticks:
        axes.set_xticks(np.arange(len(figure.ticks)), figure.ticks)
    axes.set_xlabel(figure.x, fontsize=_LABEL)
    axes.set_ylabel(figure.y, fontsize=_LABEL)
    axes.set_title(figure.title, fontsize=_TEXT)
    axes.tick_params(labelsize=_TEXT)
    if figure.top_ticks:
        above = axes.twiny()
        above.set_xscale(axes.get_xscale())
        above.set_xlim(axes.get_xlim())
        above.set_xticks([x for x, _ in figure.top_ticks], [text for _, text in figure.top_ticks])
        above.minorticks_off()
        above.set_xlabel(figure.top, fontsize=_LABEL)
        above.tick_params(labelsize=_TEXT)
    if figure.scale is not None:
        _colour_bar(canvas, axes, figure.scale)
    if figure.inset is not None:
        _draw_inset(axes, figure.inset, figure.inset_at)


def _draw_inset(axes: Any, figure: Figure, at: tuple[float, float, float, float]) -> None:  # noqa: ANN401 (Matplotlib axes)
    """Draw a small figure inside: its series, labels and words, without a legend."""
    small = axes.inset_axes(at)
    for series in figure.series:
        _draw_series(small, series)
    _scale_axes(small, figure)
    small.set_title(figure.title, fontsize=_SMALL, pad=2)
    small.set_xlabel(figure.x, fontsize=_SMALL, labelpad=1)
    small.set_ylabel(figure.y, fontsize=_SMALL, labelpad=1)
    small.tick_params(labelsize=_SMALL - 1, pad=1.5, length=2)


def _scale_axes(axes: Any, figure: Figure) -> None:  # noqa: ANN401 (Matplotlib axes)
    if figure.log_x:
        axes.set_xscale("log")
    if figure.log_y:
        axes.set_yscale("log")
    if figure.x_limits is not None:
        axes.set_xlim(figure.x_limits)
    if figure.y_limits is not None:
        axes.set_ylim(figure.y_limits)
    if figure.log_x:
        _plain_ticks(axes.xaxis, axes.get_xlim())
    if figure.log_y:
        _plain_ticks(axes.yaxis, axes.get_ylim())
    if figure.equal:
        axes.set_aspect("equal", adjustable="box")
        axes.locator_params(nbins=6)


def _legend(canvas: Any, rows: Any, figure: Figure) -> None:  # noqa: ANN401 (Matplotlib objects)
    parts = [axes.get_legend_handles_labels() for axes in rows]
    found = {
        label: handle
        for handles, labels in parts
        for handle, label in zip(handles, labels, strict=True)
    }
    if not found:
        return
    style = {"fontsize": 6.5, "frameon": False}
    if figure.legend == "above":
        canvas.legend(
            found.values(), found.keys(), loc="outside upper center", ncols=_columns(found),
            columnspacing=1.2, handletextpad=0.5, borderaxespad=0.2, **style,
        )  # fmt: skip
    else:
        rows[0].legend(found.values(), found.keys(), **style)


def _plain_ticks(axis: Any, limits: tuple[float, float]) -> None:  # noqa: ANN401 (a Matplotlib axis)
    """Numbers as people write them over few decades, powers of ten over many."""
    from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, LogLocator, NullFormatter

    decades = abs(float(np.log10(limits[1] / limits[0])))
    subs = (1.0, 2.0, 5.0) if decades <= 2.5 else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=9))
    plain = decades <= 4 and max(limits) < 1e5 and min(limits) >= 1e-4
    axis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:g}")
        if plain
        else LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf))
    )
    axis.set_minor_formatter(NullFormatter())


def _draw_image(canvas: Any, axes: Any, figure: Figure) -> None:  # noqa: ANN401 (Matplotlib objects)
    from matplotlib.colors import ListedColormap

    if figure.image is None:
        return
    if figure.grid is not None:
        shade = axes.pcolormesh(
            _edges(figure.grid[0], figure.log_x), _edges(figure.grid[1], figure.log_y),
            figure.image.T, cmap="cividis", rasterized=True,
        )  # fmt: skip
        bar = canvas.colorbar(shade, ax=axes)
    elif figure.extent is not None:
        where = (0, figure.extent[0], 0, figure.extent[1])
        shade = axes.imshow(figure.image.T, origin="lower", extent=where, cmap="gray")
        if figure.mask is not None:
            over = np.ma.masked_where(~figure.mask, np.ones_like(figure.image))
            axes.imshow(
                over.T, origin="lower", extent=where, cmap=ListedColormap(["#E69F00"]),
                alpha=0.85, interpolation="nearest",
            )  # fmt: skip
        bar = canvas.colorbar(shade, ax=axes, shrink=0.8)
    else:
        return
    bar.set_label(figure.image_label, fontsize=_TEXT)
    bar.ax.tick_params(labelsize=_SMALL)


def _edges(centres: Any, log: bool) -> Any:  # noqa: ANN401 (arrays)
    """Edges of cells around their centres, halfway on the axis as drawn."""
    x = np.log(centres) if log else np.asarray(centres, dtype=np.float64)
    if x.size == 1:
        edges = np.array([x[0] - 0.5, x[0] + 0.5])
    else:
        middle = (x[1:] + x[:-1]) / 2
        edges = np.concatenate([[2 * x[0] - middle[0]], middle, [2 * x[-1] - middle[-1]]])
    return np.exp(edges) if log else edges


def _colour_bar(canvas: Any, axes: Any, scale: Scale) -> None:  # noqa: ANN401 (Matplotlib objects)
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    norm = (LogNorm if scale.log else Normalize)(scale.low, scale.high)
    used = ListedColormap(colormaps[_SCALE](np.linspace(0, _BRIGHTEST, 128)))
    bar = canvas.colorbar(ScalarMappable(norm, used), ax=axes, pad=0.02)
    bar.set_label(scale.label, fontsize=_TEXT)
    bar.ax.tick_params(labelsize=_SMALL)


def _colour(series: Series) -> Any:  # noqa: ANN401 (a colour of Matplotlib)
    if series.shade is None:
        return COLOURS[series.colour % len(COLOURS)]
    from matplotlib import colormaps

    return colormaps[_SCALE](_BRIGHTEST * series.shade)


def _draw_series(axes: Any, series: Series) -> None:  # noqa: ANN401 (Matplotlib axes)
    colour = _colour(series)
    if series.style == "bars":
        axes.bar(series.x, series.y, bottom=series.low, color=colour, label=series.name, width=0.7)
    elif series.style == "area":
        axes.fill(series.x, series.y, color=colour, alpha=0.18, lw=0, label=series.name, zorder=1)
    elif series.style == "marks":
        _draw_marks(axes, series, colour)
    elif series.style in {"points", "open", "bounds"}:
        _draw_points(axes, series, colour)
    else:
        dash = "--" if series.style == "dashed" else "-"
        axes.plot(series.x, series.y, dash, color=colour, lw=1.2, label=series.name)
        if series.low is not None:
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.2, lw=0)


def _draw_points(axes: Any, series: Series, colour: Any) -> None:  # noqa: ANN401 (Matplotlib objects)
    error = None
    if series.low is not None and series.style != "bounds":
        error = np.abs([series.y - series.low, series.high - series.y])
        error = error if error.any() else None
    many = np.size(series.x) > 25
    axes.errorbar(
        series.x, series.y, error, fmt="v" if series.style == "bounds" else series.marker,
        ms=2.2 if many else 3.5, capsize=2, lw=1, color=colour, label=series.name, zorder=5,
        mfc="white" if series.style == "open" else None, mew=0.7,
    )  # fmt: skip


def _draw_marks(axes: Any, series: Series, colour: Any) -> None:  # noqa: ANN401 (Matplotlib objects)
    """Ringed points with a text beside each."""
    from matplotlib.patheffects import withStroke

    axes.plot(
        series.x, series.y, "o", ms=4.6, mfc="white", mec=colour, mew=1.1, label=series.name,
        zorder=6,
    )  # fmt: skip
    halo = [withStroke(linewidth=1.6, foreground="white")]
    ways = np.tile([0.0, 1.0], (len(series.x), 1)) if series.towards is None else series.towards
    for x, y, text, way in zip(series.x, series.y, series.text, ways, strict=False):
        side = "left" if way[0] > 0.5 else "right" if way[0] < -0.5 else "center"
        axes.annotate(
            text, (x, y), tuple(5 * np.asarray(way)), textcoords="offset points", ha=side,
            va="center" if abs(way[1]) < 0.3 else "bottom" if way[1] > 0 else "top",
            fontsize=_SMALL, zorder=7, path_effects=halo, annotation_clip=True,
        )  # fmt: skip
