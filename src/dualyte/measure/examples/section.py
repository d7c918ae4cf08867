"""A section of a dense electrolyte on a metal, come apart along part of their boundary."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.measure.files.sidecar import remember
from dualyte.measure.section.extra import needed

OPTIONS: Final[dict[str, Any]] = {"boundary": "find", "gap": 0.2e-6}
_NX, _NY, _BAR = 240, 168, 16  # pixels
_FINE: Final = 4  # points a pixel: edges are as soft as a detector's
_PIXEL: Final = 0.1e-6  # m
_GREY: Final = {"pore": 30.0, "electrolyte": 115.0, "metal": 190.0}
_OPEN: Final = ((30, 78), (150, 174))  # columns where the two have come apart


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write a Zeiss TIFF with a data bar, and a sidecar that says which phase is void.

    Parameters
    ----------
    folder
        Where to.
    seed
        Of the places of pores, and the noise.

    Returns
    -------
    dict
        Result of `measure_section`: its word and true value.

    Raises
    ------
    MissingExtraError
        If tifffile is not installed.
    """
    rng = np.random.default_rng(seed)
    void, diameters = _void(rng)
    y = (np.arange(_NY * _FINE) + 0.5)[:, None] / _FINE
    grey = np.where(y < _line(), _GREY["electrolyte"], _GREY["metal"])
    fine = np.where(void, _GREY["pore"], grey)
    picture = fine.reshape(_NY, _FINE, _NX, _FINE).mean(axis=(1, 3))
    picture += rng.normal(0.0, 6.0, picture.shape)
    pixels = np.vstack([np.clip(np.rint(picture), 0, 255), _data_bar()]).astype(np.uint8)
    head = (
        "0\r\n0\r\n0\r\nDP_DETECTOR_TYPE\r\nDetector = SE2\r\n"
        f"AP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = {_PIXEL * 1e9:.1f} nm\r\n"
        f"AP_WIDTH\r\nWidth = {_PIXEL * _NX * 1e6:.2f} um\r\n"
    ).encode("ascii")
    needed("tifffile").imwrite(
        folder / "section.tif", pixels, compression="zlib", metadata=None,
        extratags=[(34118, 2, len(head) + 1, head + b"\x00", True)],
    )  # fmt: skip
    remember(folder, phase="dark")
    porosity = float(void.mean())
    return {
        "porosity": ("per_cent", porosity),
        "relative_density": ("relative_density", 1 - porosity),
        "count": ("count", float(len(diameters) + len(_OPEN))),
        "pore_diameter_median": ("length", float(np.median(diameters)) * _PIXEL),
        "gap_fraction": ("per_cent", sum(b - a for a, b in _OPEN) / _NX),
    }


def _line() -> npt.NDArray[np.float64]:
    """Row of the boundary in every fine column [pixels]."""
    x = (np.arange(_NX * _FINE) + 0.5) / _FINE
    return 112 + 5 * np.sin(2 * np.pi * x / _NX)


def _void(rng: np.random.Generator) -> tuple[npt.NDArray[np.bool_], list[float]]:
    """Round pores in the electrolyte, and gaps along the boundary; diameters in pixels."""
    y, x = (np.mgrid[0 : _NY * _FINE, 0 : _NX * _FINE] + 0.5) / _FINE
    void = np.zeros(x.shape, dtype=bool)
    for first, last in _OPEN:
        void |= (np.abs(y - _line()) < 2.0) & (x >= first) & (x < last)
    # two more of the median: the gaps count as pores, and are the largest
    diameters = [*rng.uniform(8, 12, 12).tolist(), *rng.uniform(13, 17, 14).tolist()]
    placed: list[tuple[float, float, float]] = []
    for d in sorted(diameters, reverse=True):
        for _ in range(10_000):
            cx, cy = rng.uniform(d, _NX - d), rng.uniform(d, 100 - d)
            if all(np.hypot(cx - px, cy - py) > (d + pd) / 2 + 4 for px, py, pd in placed):
                placed.append((cx, cy, d))
                void |= np.hypot(x - cx, y - cy) < d / 2
                break
    return void, [d for _, _, d in placed]


def _data_bar() -> npt.NDArray[np.float64]:
    """White paper with a scale bar of 5 µm between two marks."""
    bar = np.full((_BAR, _NX), 255.0)
    length = round(5e-6 / _PIXEL)
    bar[8, 20 : 21 + length] = 0
    bar[5:12, [20, 20 + length]] = 0
    return bar
