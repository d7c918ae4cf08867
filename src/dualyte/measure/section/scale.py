"""How large a pixel is: what the tags of a file say, and a scale bar drawn into the picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import WORDS, q, show

_UNITS: Final = {
    "micron": "um", "microns": "um", "µm": "um", "μm": "um", "\\u00b5m": "um", "micrometer": "um",
    "inch": "in", "å": "angstrom",
}  # fmt: skip
_LARGEST: Final = 2e-6  # m: a resolution that gives a larger pixel is one of print
_BAR: Final = (0.015, 0.25)  # share of the height that a data bar takes
_PAPER: Final = 0.45  # share of one grey level in every row of a data bar
_STEP: Final = 0.25  # by how much that share rises where it begins


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSize:
    """Side of a pixel, and where that is from."""

    metres: float
    where: str


def from_tags(page: Any, tiff: Any) -> tuple[list[PixelSize], list[str]]:  # noqa: ANN401 (tifffile)
    """Pixel sizes that the tags of a TIFF say, the surest first, and what to know of them."""
    found: list[PixelSize] = []
    said: list[str] = []
    for look in (_zeiss, _fei, _ome, _resolution):
        try:
            sizes, words = look(page, tiff)
        except Exception:  # tags of a damaged file hold anything: they say nothing
            continue
        said += words
        low, high = WORDS["pixel"].low, WORDS["pixel"].high
        found += [size for size in sizes if low <= size.metres <= high]
    return found, said


def _zeiss(page: Any, tiff: Any) -> tuple[list[PixelSize], list[str]]:  # noqa: ANN401
    """Tag 34118: the size of a pixel of the stored image, checked against the field's width."""
    about = tiff.sem_metadata or {}
    sizes = {
        key: _metres(about[key][1:])
        for key in ("ap_image_pixel_size", "ap_pixel_size", "ap_width")
        if key in about
    }
    pixel = sizes.get("ap_image_pixel_size") or sizes.get("ap_pixel_size")
    if not pixel:
        return [], []
    said = []
    wide = sizes.get("ap_width")
    if wide and abs(wide / page.imagewidth / pixel - 1) > 0.02:
        said.append(
            f"its tag gives pixels of {show('pixel', pixel)} and a field {show('length', wide)} "
            f"wide, which {page.imagewidth} pixels do not make: cropped or resampled; give pixel= "
            "if the picture was resampled"
        )
    return [PixelSize(metres=pixel, where="Zeiss tag 34118")], said


def _metres(said: Any) -> float:  # noqa: ANN401 (what a tag holds)
    """A number and its unit from a tag, whatever the decimal mark."""
    text = " ".join(str(part) for part in said).replace(",", ".")
    number, unit = text.split()
    return _length(float(number), unit)


def _length(number: float, unit: str) -> float:
    unit = _UNITS.get(unit.strip().lower(), unit.strip())
    return q(f"{number!r} {unit}") if number > 0 else 0.0


def _fei(page: Any, tiff: Any) -> tuple[list[PixelSize], list[str]]:  # noqa: ANN401
    about = tiff.fei_metadata or {}
    for part in ("Scan", "EScan", "IScan"):
        pixel = about.get(part, {})
        if isinstance(pixel.get("PixelWidth"), float) and pixel["PixelWidth"] > 0:
            wide, high = pixel["PixelWidth"], pixel.get("PixelHeight") or pixel["PixelWidth"]
            said = []
            if abs(high / wide - 1) > 0.01:
                said.append(
                    f"its tag gives pixels of {show('pixel', wide)} × {show('pixel', high)}; "
                    "took them as square of the same area"
                )
            return [PixelSize(metres=float(np.sqrt(wide * high)), where="FEI tag")], said
    return [], []


def fei_rows(tiff: Any) -> int | None:  # noqa: ANN401 (tifffile)
    """Rows of the scan, without the data bar, that an FEI tag says."""
    rows = ((tiff.fei_metadata or {}).get("Image") or {}).get("ResolutionY")
    return rows if isinstance(rows, int) and rows > 0 else None


def _ome(page: Any, tiff: Any) -> tuple[list[PixelSize], list[str]]:  # noqa: ANN401
    text = str(page.description)[:20000]
    size = re.search(r'PhysicalSizeX="([\d.eE+-]+)"', text)
    if "<OME" not in text or size is None:
        return [], []
    unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', text)
    metres = _length(float(size[1]), unit[1] if unit else "um")
    return [PixelSize(metres=metres, where="OME description")], []


def _resolution(page: Any, tiff: Any) -> tuple[list[PixelSize], list[str]]:  # noqa: ANN401
    """ImageJ's unit, or inches and centimetres; resolutions of print say nothing."""
    resolution = page.tags.valueof(282)
    if resolution is None or not resolution[0] or not resolution[1]:
        return [], []
    each = resolution[1] / resolution[0]
    about = tiff.imagej_metadata or {}
    if unit := str(about.get("unit", "")):
        if unit.lower() in ("pixel", "pixels", "inch", "cm"):
            return [], []
        return [PixelSize(metres=_length(each, unit), where="ImageJ description")], []
    metres = each * {2: 0.0254, 3: 0.01}.get(int(page.tags.valueof(296) or 1), float("nan"))
    if not metres < _LARGEST:
        return [], []
    return [PixelSize(metres=metres, where="TIFF resolution")], []


def data_bar(levels: npt.NDArray[np.floating]) -> int:
    """First row of a data bar along the bottom, or the height of the image if there is none.

    A data bar has one grey level, its paper, in most pixels of most rows; its share rises
    all of a sudden where the bar begins.
    """
    ny, nx = int(levels.shape[0]), int(levels.shape[1])
    first = ny - int(_BAR[1] * ny)
    if ny < 64 or nx < 64:
        return ny
    tail = np.asarray(levels[first:])
    values, counts = np.unique(tail[-max(4, int(_BAR[0] * ny)) :], return_counts=True)
    paper = values[np.argmax(counts)]
    share = (tail == paper).mean(axis=1)
    best, top = 0.0, ny
    for row in range(4, tail.shape[0] - int(_BAR[0] * ny)):
        below = share[row:]
        step = float(np.median(below) - share[max(0, row - 8) : row].max())
        most = (below > _PAPER).mean()
        if (
            share[row] > _PAPER
            and step > max(_STEP, best)
            and most > 0.8
            and np.median(below) > _PAPER
        ):
            best, top = step, first + row
    above = share[: top - first]
    if top == ny or (above.size and above.mean() > 0.5 * _PAPER):
        return ny
    while top > first and _is_frame(levels[top - 1]):  # the line around the bar
        top -= 1
    return top


def _is_frame(row: npt.NDArray[np.floating]) -> bool:
    return bool(np.mean(row == np.median(row)) > 0.9)


def bar_length(bar: npt.NDArray[np.floating]) -> float | None:
    """Length of the scale bar in a data bar [pixels], between the middles of its end marks.

    The bar is the drawn shape with the longest unbroken level stroke as wide as itself:
    either with upright marks at both ends, or solid. None if there is none.
    """
    from scipy import ndimage

    if bar.size == 0:
        return None
    values, counts = np.unique(bar, return_counts=True)
    paper = float(values[np.argmax(counts)])
    reach = float(np.abs(bar.astype(np.float64) - paper).max())
    ink = np.abs(bar.astype(np.float64) - paper) > reach / 2
    labels, _ = ndimage.label(ink, structure=np.ones((3, 3)))
    best: float | None = None
    for k, box in enumerate(ndimage.find_objects(labels), 1):
        high, wide = box[0].stop - box[0].start, box[1].stop - box[1].start
        framed = wide > 0.9 * bar.shape[1]
        if framed or wide < 20 or wide < 1.2 * high:
            continue
        shape = labels[box] == k
        strokes = shape.all(axis=1)
        ends = shape[:, [0, -1]].mean()
        if not strokes.any() or ends < 0.6 or strokes.sum() > 0.4 * wide:
            continue
        solid = bool(strokes.mean() > 0.8)
        columns = shape.mean(axis=0)
        mark = 1.0 if solid else float(max(1, _run(columns > 0.8)))
        length = wide - (0.0 if solid else mark)
        if best is None or length > best:
            best = length
    return best


def _run(true: npt.NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    return int(true.size if true.all() else np.argmin(true))


def of_scale_bar(given: str | float, bar: npt.NDArray[np.floating], name: str) -> PixelSize:
    """Pixel size from the scale bar, whose length a person read.

    Raises
    ------
    InputError
        If the length is no length, or there is no bar.
    """
    length = q(given, "length") if isinstance(given, str) else float(given)
    pixels = bar_length(bar)
    if pixels is None:
        raise InputError(
            f"{name}: no scale bar is found below the picture; measure it and give pixel= "
            "(its length over its pixels)"
        )
    return PixelSize(
        metres=length / pixels, where=f"scale bar of {show('length', length)}, {pixels:g} pixels"
    )
