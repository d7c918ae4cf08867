"""Micrographs: pictures of an electron or light microscope, with the size of their pixels."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.sidecar import facts
from dualyte.measure.section.extra import needed
from dualyte.measure.section.phases import Levels
from dualyte.measure.section.scale import (
    PixelSize,
    bar_length,
    data_bar,
    fei_rows,
    from_tags,
    of_scale_bar,
)
from dualyte.vocabulary import checked, q, show

_MOST: Final = 100_000_000  # pixels times channels: 10 000 × 10 000 in grey
_FEWEST: Final = 32  # along a side
_GREY: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_MAGIC: Final = (
    (b"II*\x00", "TIFF"), (b"MM\x00*", "TIFF"), (b"II+\x00", "TIFF"), (b"MM\x00+", "TIFF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Micrograph:
    """A picture in grey, without its data bar. Pixel (x, y) is `levels[y, x]`, y downwards."""

    levels: Levels  #: (ny, nx) grey levels as the file has them, read-only
    pixel: float | None  #: side of a pixel, m
    pixel_from: str  #: where that is from
    name: str
    full: float = 255.0  #: highest level that the file could hold
    bar: npt.NDArray[np.float32] | None = None  #: data bar below the picture
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.levels.setflags(write=False)

    @property
    def size(self) -> tuple[float, float] | None:
        """Width and height of the field [m]."""
        if self.pixel is None:
            return None
        return self.levels.shape[1] * self.pixel, self.levels.shape[0] * self.pixel

    def __str__(self) -> str:
        ny, nx = self.levels.shape
        side = "of unknown size" if self.pixel is None else (
            f"of {show('pixel', self.pixel)} ({self.pixel_from})")  # fmt: skip
        lines = [f"{self.name}: {nx} × {ny} pixels {side}"]
        lines += [f"  changed: {said}" for said in self.changes]
        return "\n".join(lines)


def looks_like(path: Path, head: bytes) -> str | None:
    """Kind of picture that the first bytes of a file are of, or None."""
    return next((f"{kind} picture" for magic, kind in _MAGIC if head.startswith(magic)), None)


def read_micrograph(
    path: str | Path,
    *,
    pixel: float | None = None,
    scale_bar: str | float | None = None,
) -> Micrograph:
    """Read a micrograph (TIFF, PNG, JPEG), and find how large its pixels are.

    Parameters
    ----------
    path
        The file.
    pixel
        Side of a pixel [m], in place of what the file says.
    scale_bar
        Length of the scale bar in the data bar, such as `"500 nm"` or a number in m.

    Returns
    -------
    Micrograph
        In grey, the data bar cropped off. Its pixel is what the call says, then the scale
        bar, the sidecar, and the tags (Zeiss, FEI, OME, ImageJ, TIFF resolution if it is
        none of print); None if nothing does.

    Raises
    ------
    InputError
        If the file is missing, damaged, no picture, or absurdly large.
    MissingExtraError
        If tifffile or Pillow is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    with path.open("rb") as file:
        kind = looks_like(path, file.read(64))
    if kind is None:
        raise InputError(f"{path.name} is no TIFF, PNG or JPEG picture; export it as one")
    try:
        with warnings.catch_warnings(), _quiet("tifffile"):
            warnings.simplefilter("ignore")
            read = _tiff(path) if kind.startswith("TIFF") else _plain(path)
    except (InputError, ImportError):
        raise
    except Exception as error:  # whatever the libraries raise on a damaged picture
        raise InputError(
            f"{path.name} is damaged or cut short: its pixels cannot be read; export it again"
        ) from error
    return _sized(_cropped(read, path.name), path, pixel, scale_bar)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a library from writing of damage that our own sentence tells."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """Pixels and what the file says of them."""

    levels: npt.NDArray[np.float32]
    full: float
    sizes: tuple[PixelSize, ...] = ()
    rows: int | None = None  #: of the picture without its data bar, where the file says so
    bar: npt.NDArray[np.float32] | None = None
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _checked_size(path: Path, width: int, height: int, channels: int) -> None:
    if width * height * channels > _MOST:
        raise InputError(
            f"{path.name} says it has {width} × {height} pixels"
            f"{f' of {channels} channels' if channels > 1 else ''}; dualyte reads up to "
            f"{_MOST / 1e6:g} million numbers: crop it, or export it again if that is wrong"
        )
    if min(width, height) < _FEWEST:
        raise InputError(
            f"{path.name} has {width} × {height} pixels; give a picture of at least "
            f"{_FEWEST} a side"
        )


def _tiff(path: Path) -> _Read:
    """First page of a TIFF; tags say more than other libraries read."""
    tifffile = needed("tifffile")
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        _checked_size(path, page.imagewidth, page.imagelength, page.samplesperpixel)
        ends = [a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > path.stat().st_size:
            raise InputError(f"{path.name} is cut short: its pixels end early; copy it again")
        if page.imagedepth * page.samplesperpixel > 8:
            raise InputError(
                f"{path.name} has {page.samplesperpixel} channels; export one grey channel"
            )
        sizes, said = from_tags(page, tiff)
        changes = []
        if len(tiff.pages) > 1:
            changes.append(f"read the first of {len(tiff.pages)} pages")
        try:
            array, axes = page.asarray(), page.axes
        except Exception as error:
            if "imagecodecs" not in str(error):  # a compression that needs a further package
                raise
            read = _plain(path)
            return replace(
                read, sizes=tuple(sizes), warnings=tuple(said), rows=fei_rows(tiff),
                changes=(*changes, *read.changes),
            )  # fmt: skip
        if axes.startswith("S"):
            array = np.moveaxis(array, 0, -1)
        colours = page.colormap if int(page.photometric) == 3 else None
        levels, full, words = _grey(path, array, colours)
        if int(page.photometric) == 0:
            levels = np.float32(full) - levels
            changes.append("turned its levels round: the file stores white as 0")
        return _Read(
            levels=levels, full=full, sizes=tuple(sizes), rows=fei_rows(tiff),
            changes=(*changes, *words), warnings=tuple(said),
        )  # fmt: skip


def _plain(path: Path) -> _Read:
    """What Pillow reads."""
    pillow = needed("PIL.Image")
    with pillow.open(path) as image:
        width, height = image.size
        _checked_size(path, width, height, len(image.getbands()))
        frames = getattr(image, "n_frames", 1)
        if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
            image = image.convert("RGB")
        levels, full, words = _grey(path, np.asarray(image), None)
    said = (f"read the first of {frames} frames",) if frames > 1 else ()
    return _Read(levels=levels, full=full, changes=(*said, *words))


def _grey(
    path: Path,
    array: Any,  # noqa: ANN401 (pixels as libraries give them)
    colours: Any,  # noqa: ANN401 (pixels and palette as libraries give them)
) -> tuple[npt.NDArray[np.float32], float, list[str]]:
    """Levels in grey, the highest possible, and what was done."""
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        raise InputError(f"{path.name} has pixels of type {array.dtype}; export it in grey")
    full = float(np.iinfo(array.dtype).max) if array.dtype.kind in "ui" else 1.0
    said = []
    if colours is not None and array.ndim == 2 and array.max() < colours.shape[1]:
        shades = _GREY @ (colours.astype(np.float32) / 257)
        if np.abs(shades - np.arange(shades.size)).max() > 1:
            array, full = shades[array], 255.0
            said.append("made grey of its palette")
    if array.ndim == 3 and array.shape[2] in (2, 4):
        if array[..., -1].min() < full:
            share = float((array[..., -1] < full).mean())
            said.append(f"took no notice that {100 * share:.2g} % of it is transparent")
        array = array[..., :-1]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[2] == 3:
        first = array[..., 0]
        if all(np.array_equal(first, array[..., k]) for k in (1, 2)):
            array = first
        else:
            array = array.astype(np.float32) @ _GREY
            said.append("made grey of its colours")
    if array.ndim != 2:
        raise InputError(f"{path.name} holds an array of shape {array.shape}; export it in grey")
    levels = np.array(array, dtype=np.float32)
    if not np.isfinite(levels).all():
        raise InputError(f"{path.name} holds pixels that are no numbers; export it in grey")
    return levels, full, said


def _cropped(read: _Read, name: str) -> _Read:
    """Without the data bar along the bottom."""
    ny = read.levels.shape[0]
    top = read.rows if read.rows is not None and read.rows < ny else data_bar(read.levels)
    if top >= ny or top < _FEWEST:
        return read
    said = f"cropped off the data bar: the last {ny - top} of {ny} rows"
    return replace(
        read, levels=read.levels[:top].copy(), bar=read.levels[top:].copy(),
        changes=(*read.changes, said),
    )  # fmt: skip


def _sized(
    read: _Read, path: Path, pixel: float | None, scale_bar: str | float | None
) -> Micrograph:
    """With the surest of the sizes of its pixels; a quarrel between them is said."""
    sizes = list(read.sizes)
    said = list(read.warnings)
    beside = facts(path).get("pixel")
    if beside is not None:
        sizes.insert(0, PixelSize(metres=float(beside.value), where=beside.source))
    if scale_bar is not None:
        bar = read.bar if read.bar is not None else read.levels[-read.levels.shape[0] // 6 :]
        sizes.insert(0, of_scale_bar(scale_bar, bar, path.name))
    if pixel is not None:
        asked = q(pixel, "pixel") if isinstance(pixel, str) else float(checked("pixel", pixel))
        sizes.insert(0, PixelSize(metres=asked, where="as given"))
    for other in sizes[1:]:
        ratio = other.metres / sizes[0].metres
        if not 0.95 < ratio < 1.05:
            said.append(
                f"{path.name}: pixels are {show('pixel', sizes[0].metres)} ({sizes[0].where}), but "
                f"{show('pixel', other.metres)} ({other.where}); took the first"
            )
    if not sizes:
        length = None if read.bar is None else bar_length(read.bar)
        hint = "" if length is None else (
            f', or scale_bar="…" with the text at the bar of {length:g} pixels'
        )  # fmt: skip
        said.append(
            f"{path.name} does not say how large its pixels are, so lengths are missing: give "
            f"pixel= [m]{hint}"
        )
    return Micrograph(
        levels=read.levels, full=read.full, name=path.name, bar=read.bar,
        pixel=sizes[0].metres if sizes else None,
        pixel_from=sizes[0].where if sizes else "unknown",
        changes=read.changes, warnings=tuple(said),
    )  # fmt: skip
