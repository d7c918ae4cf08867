"""Powder patterns from text and XRDML files, with their noise and background."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.grid import grids
from dualyte.measure.files.sidecar import facts
from dualyte.measure.files.table import decoded
from dualyte.vocabulary import Floats

CU: Final = (1.540593e-10, 1.544427e-10)  # m, Kα1 and Kα2 of copper
#: other anodes: Kα1, Kα2 [m]
ANODES: Final = {
    "Cu": CU, "Co": (1.789010e-10, 1.792900e-10), "Mo": (0.709317e-10, 0.713607e-10),
    "Fe": (1.936041e-10, 1.939973e-10), "Cr": (2.289726e-10, 2.293651e-10),
}  # fmt: skip
Bools = npt.NDArray[np.bool_]
_FEWEST: Final = 100  # points
_MOST: Final = 1_000_000
_ANGLE: Final = r"2[ _-]?th(eta)?|two[ _-]?theta|tth|2θ|angle|pos\.?|2[ _-]?Theta.*"
_COUNTS: Final = r"counts?.*|int(ens(ity|ities))?\.?.*|I|y ?obs|yobs|cps|n"
_WAVE: Final = re.compile(r"(?:wavelength|lambda|kalpha1|λ)\D{0,12}(\d[.]\d{3,8})", re.IGNORECASE)
_DIFFRACTION: Final = re.compile(
    r"2[ _-]?theta|2θ|two[ _-]?theta|xrdMeasurement|diffract|\btth\b", re.IGNORECASE
)
_KEY: Final = {"deg", "°", "degree", "degrees", "", "2θ", "deg."}
_MEDIAN: Final = 0.45494  # median of χ² of one degree of freedom


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pattern:
    """Counts against the angle of diffraction. Read-only."""

    angle: Floats  #: (m,) rad, 2θ, ascending
    counts: Floats  #: (m,)
    name: str
    file: str
    gain: float  #: variance of the counts over their mean; 1 for plain counts
    wavelength: float | None = None  #: m, where the file or its sidecar tells
    changes: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """Median distance of points [rad]."""
        return float(np.median(np.diff(self.angle)))


def looks_like(path: Path, head: bytes) -> str | None:
    """Name of the format if a file is a powder pattern, else None."""
    if b"\x00" in head[:1000]:
        return None
    text = head.decode("utf-8", errors="replace")
    if "<xrdMeasurement" in text:
        return "PANalytical XRDML"
    named = _DIFFRACTION.search(text[:3000]) is not None
    if not named and path.suffix.lower() not in (".xy", ".xye"):
        return None
    try:
        x, _ = _columns(path.name, text if text.endswith("\n") else text.rpartition("\n")[0], [])
    except (InputError, ValueError):
        return None
    return "powder pattern, text" if _angles(x) else None


def _angles(x: Floats) -> bool:
    """Whether numbers can be angles of diffraction in degrees: even steps within 180°."""
    d = np.diff(x)
    even = d.size > 20 and bool((np.abs(d - np.median(d)) < 0.2 * abs(np.median(d))).mean() > 0.9)
    step = abs(float(np.median(d))) if d.size else 0.0
    return even and float(x.min()) >= 0 and float(x.max()) < 170 and 1e-4 < step < 0.5


def read_pattern(path: Path) -> Pattern:
    """Read a powder pattern.

    Parameters
    ----------
    path
        Text with two columns, 2θ in degrees and counts (.xy, .xye, .csv, .txt), or XRDML.

    Raises
    ------
    InputError
        If it is none, its angles are no angles, or its counts no counts.
    """
    said: list[str] = []
    text = decoded(path)
    if "<xrdMeasurement" in text[:20_000]:
        x, y, wavelength = _xrdml(path.name, text)
    else:
        x, y = _columns(path.name, text, said)
        match = _WAVE.search(text[:3000])
        wavelength = float(match[1]) * 1e-10 if match else None
        if match:
            said.append(f"took the wavelength {match[1]} angstrom from the head of the file")
    beside = facts(path)
    if "wavelength" in beside:
        wavelength = float(beside["wavelength"].value)
        said.append(f"took the wavelength from {beside['wavelength'].source}")
    x, y = _ordered(path.name, x, y, said)
    if not (np.ptp(x) > 1e-3 and x.min() >= 0 and x.max() < 180):
        raise InputError(
            f"{path.name}: its first column has {x.min():g} … {x.max():g}; 2θ lies between 0 and "
            "180 degrees"
        )
    if (y < 0).any():
        row = int(np.argmax(y < 0)) + 1
        raise InputError(
            f"{path.name}, point {row}: {y[row - 1]:g} counts are negative; give the pattern as "
            "measured, with its background"
        )
    if not (y > 0).sum() > 0.5 * y.size:
        raise InputError(f"{path.name}: more than half of its points have no counts; count longer")
    gain = _gain(y)
    if not 0.5 < gain < 2:
        said.append(
            f"{path.name}: the scatter of the points is {gain**0.5:.2g} times that of plain "
            "counts; errors follow the scatter"
        )
    angle = np.radians(x)
    for column in (angle, y):
        column.setflags(write=False)
    return Pattern(
        angle=angle, counts=y, name=path.stem, file=path.name, gain=gain, wavelength=wavelength,
        changes=tuple(said),
    )  # fmt: skip


def _columns(name: str, text: str, said: list[str]) -> tuple[Floats, Floats]:
    """Angles [degrees] and counts of the longest table."""
    grid = max(grids(text, name=name), key=len)
    said += list(grid.changes)
    numbers = [k for k, c in enumerate(grid.columns) if c.dtype == np.float64]
    if len(numbers) < 2:
        raise InputError(f"{name} has no two columns of numbers, 2θ and counts")
    a, b = grid.find(_ANGLE), grid.find(_COUNTS)
    if a is not None and b is None:
        b = next((k for k in numbers if k > a), None)
    if a is None or b is None:
        a, b = numbers[:2]
        if grid.names:
            said.append(
                f"took {grid.headings[a]!r} for 2θ in degrees and {grid.headings[b]!r} for counts"
            )
    unit = grid.units[a].lower()
    x = np.array(grid.column(a))
    if unit in ("rad", "radian"):
        x = np.degrees(x)
    elif unit not in _KEY:
        raise InputError(f"{name}: 2θ has the unit {grid.units[a]!r}; give degrees")
    return x, np.array(grid.column(b))


def _ordered(name: str, x: Floats, y: Floats, said: list[str]) -> tuple[Floats, Floats]:
    kept = np.isfinite(x) & np.isfinite(y)
    if not kept.all():
        said.append(f"{name}: left out {int((~kept).sum())} points without a number")
        x, y = x[kept], y[kept]
    if not _FEWEST <= x.size <= _MOST:
        raise InputError(f"{name} has {x.size} points; a pattern has {_FEWEST} … {_MOST}")
    d = np.diff(x)
    if (d < 0).all():
        said.append(f"{name}: turned round, it fell")
        x, y, d = x[::-1], y[::-1], -d[::-1]
    if (d <= 0).any():
        row = int(np.argmax(d <= 0)) + 2
        raise InputError(f"{name}, point {row}: 2θ does not rise; give one scan a file")
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


def _xrdml(name: str, text: str) -> tuple[Floats, Floats, float | None]:
    """Angles, counts and Kα1 of the first scan; read by pattern, so that no entity is followed."""
    counts = re.search(r"<(?:intensities|counts)\b[^>]*>([^<]*)<", text)
    axis = re.search(r'<positions\b[^>]*axis="2Theta"[^>]*>(.*?)</positions>', text, re.DOTALL)
    if counts is None or axis is None:
        raise InputError(f"{name} has no scan over 2θ with counts")
    try:
        y = np.array([float(word) for word in counts[1].split()])
        ends = [
            float(found[1])
            for word in ("startPosition", "endPosition")
            if (found := re.search(rf"<{word}>([^<]*)<", axis[1]))
        ]
        listed = re.search(r"<listPositions>([^<]*)<", axis[1])
        x = (
            np.array([float(word) for word in listed[1].split()])
            if listed
            else np.linspace(ends[0], ends[1], y.size)
        )
    except (ValueError, IndexError):
        raise InputError(f"{name}: its positions or counts are damaged") from None
    if x.size != y.size:
        raise InputError(f"{name} has {x.size} positions but {y.size} counts: it is damaged")
    wave = re.search(r"<kAlpha1\b[^>]*>([^<]*)<", text)
    try:
        return x, y, float(wave[1]) * 1e-10 if wave else None
    except ValueError:
        return x, y, None


def _gain(y: Floats) -> float:
    """Variance over mean, from second differences; peaks do not matter to a median."""
    second = y[:-2] - 2 * y[1:-1] + y[2:]
    mean = np.maximum((y[:-2] + y[1:-1] + y[2:]) / 3, 1e-12)
    return max(float(np.median(second**2 / (6 * mean))) / _MEDIAN, 1e-6)


def background(
    pattern: Pattern, masked: Bools, period: float, lines: Floats | float = 0.0
) -> Floats:
    """Smooth curve through the points that no peak covers.

    Parameters
    ----------
    masked : (m,)
        Of bool: points under peaks.
    period
        rad: structure that repeats faster than this does not belong to the background.
    lines : (m,)
        Counts of the peaks as fitted, whose tails reach beyond the mask.

    Notes
    -----
    Whittaker's smoother with a penalty on second differences, weighted by the counts
    (Eilers 2003, doi:10.1021/ac034173t).
    """
    from scipy.linalg import solveh_banded

    y = pattern.counts
    level = np.maximum(_median(y, 31), 1e-3 * max(float(y.mean()), 1e-12))
    w = np.where(masked, 0.0, float(np.median(level)) / level)
    stiff = (period / (2 * np.pi * pattern.step)) ** 4
    n = y.size
    main = np.full(n, 6.0)
    main[[0, -1]], main[[1, -2]] = 1.0, 5.0
    one = np.full(n, -4.0)
    one[[1, -1]] = -2.0
    bands = np.zeros((3, n))
    bands[2] = w + stiff * main + 1e-12
    bands[1] = stiff * one
    bands[0, 2:] = stiff
    found = np.asarray(solveh_banded(bands, w * (y - lines)), dtype=np.float64)
    return np.asarray(np.maximum(found, 1e-3 * float(level.min())))


def _median(y: Floats, width: int) -> Floats:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(y, size=width, mode="nearest"), dtype=np.float64)
