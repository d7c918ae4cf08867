"""What a figure holds, without a drawing library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from dualyte.vocabulary import Floats

COLUMN: Final = 85 / 25.4  # inches: one column of a journal
#: Colours that stay apart for every kind of colour vision (Okabe & Ito).
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
Style = Literal["line", "dashed", "points", "open", "bounds", "bars", "area", "marks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One line, set of points, or stack of bars."""

    x: Any
    y: Any
    name: str = ""
    style: Style = "line"
    low: Any = None  #: lower edge of a band or error bar
    high: Any = None
    colour: int = 0
    text: tuple[str, ...] = ()  #: labels of points
    towards: Any = None  #: (k, 2) direction in which the label of each point lies; up by default
    shade: float | None = None  #: place on the colour scale, 0 to 1, instead of `colour`
    marker: str = "o"  #: of points


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the colours of series mean: drawn as a colour bar."""

    label: str
    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """A section through grains, drawn without axes."""

    labels: Any  #: (nx, ny) of int: 0 is void, every grain has a number
    size: tuple[float, float]  #: sides, in the unit of the figure's scale bar
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """What to draw."""

    name: str
    x: str  #: axis label
    y: str
    series: Sequence[Series] = ()
    image: Floats | None = None  #: (nx, ny) drawn under everything
    mask: Any = None  #: (nx, ny) of bool, drawn over the image
    extent: tuple[float, float] | None = None  #: of the image
    grid: tuple[Floats, Floats] | None = None  #: (nx,), (ny,) centres, where it is not even
    image_label: str = ""
    title: str = ""
    log_x: bool = False
    log_y: bool = False
    ticks: Sequence[str] = field(default_factory=tuple)  #: names along x, for bars
    equal: bool = False  #: one unit is as long along y as along x
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    top: str = ""  #: label of a second axis above
    top_ticks: Sequence[tuple[float, str]] = ()  #: place along x and text
    scale: Scale | None = None  #: of the shades of the series
    legend: Literal["inside", "above"] = "inside"
    height: float = 0.8  #: of the figure, over its width
    inset: Figure | None = None  #: drawn small in a corner of the axes
    inset_at: tuple[float, float, float, float] = (0.5, 0.12, 0.46, 0.4)  #: x, y, width, height
    panels: Sequence[Figure] = ()  #: stacked over one another along the same x, instead of series
    tiles: Sequence[Sequence[Tile]] = ()  #: rows of sections, all to one scale, instead of series
    bar: tuple[float, str] | None = None  #: length of the scale bar of the tiles, and its text
