"""Sections through grains, side by side and to one scale."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from dualyte.plot.figure import Figure

_TEXT: Final = 7  # pt, as printed
_VOID: Final = (0.12, 0.12, 0.14)
_FEW: Final = 0.618  # of the turn of hues between one grain and the next: neighbours stay apart


def draw_tiles(canvas: Any, figure: Figure) -> None:  # noqa: ANN401 (a Matplotlib figure)
    """Draw rows of sections; the largest fills its place, the others shrink in proportion."""
    rows, columns = len(figure.tiles), max(map(len, figure.tiles))
    axes = canvas.subplots(rows, columns, squeeze=False)
    sizes = np.array([tile.size for row in figure.tiles for tile in row])
    wide, high = sizes.max(axis=0)
    grains = max(int(np.max(tile.labels)) for row in figure.tiles for tile in row)
    colours = _colours(grains)
    for r, row in enumerate(figure.tiles):
        for c in range(columns):
            place = axes[r, c]
            place.set_axis_off()
            if c >= len(row):
                continue
            tile = row[c]
            side = tile.size
            left, low = (wide - side[0]) / 2, (high - side[1]) / 2
            place.imshow(
                colours[np.asarray(tile.labels).T], origin="lower", interpolation="nearest",
                extent=(left, left + side[0], low, low + side[1]),
            )  # fmt: skip
            place.set_xlim(0, wide)
            place.set_ylim(0, high)
            place.set_title(tile.title, fontsize=_TEXT, pad=2)
    if figure.bar is not None:
        length, text = figure.bar
        place = axes[-1, 0]
        place.plot([0.04 * wide, 0.04 * wide + length], [-0.05 * high] * 2, "k-", lw=2,
                   clip_on=False, solid_capstyle="butt")  # fmt: skip
        place.text(
            0.04 * wide + length / 2, -0.08 * high, text, fontsize=_TEXT, ha="center", va="top"
        )
    canvas.suptitle(figure.title, fontsize=_TEXT)


def _colours(grains: int) -> Any:  # noqa: ANN401 (n + 1, 3)
    """One muted colour for each grain, dark for the void."""
    from matplotlib.colors import hsv_to_rgb

    k = np.arange(grains)
    hue = (k * _FEW) % 1.0
    value = 0.62 + 0.33 * ((k * 0.755) % 1.0)
    depth = 0.25 + 0.4 * ((k * 0.57) % 1.0)
    colours = hsv_to_rgb(np.column_stack([hue, depth, value]))
    return np.vstack([_VOID, colours])
