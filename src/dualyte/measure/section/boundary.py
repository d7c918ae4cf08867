"""Gaps along a boundary between two layers: how much of its length has come apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.section.phases import Levels, Mask
from dualyte.vocabulary import Floats

_STEP: Final = 0.5  # pixels between the places looked at along a normal
_EXPLAINED: Final = 0.3  # share of the variance that two layers must explain
_PARTS: Final = 8  # pieces of the boundary whose scatter is the sampling error
_STEEPEST: Final = 2  # pixels that a found boundary rises from one column to the next


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boundary:
    """A line through a picture, and the gaps along it."""

    points: Floats  #: (n, 2) pixels, one apart: x to the right, y down
    thickness: Floats  #: (n,) of the gap that crosses or touches it, pixels
    gap: float  #: thickness from which there is a gap, pixels

    @property
    def open(self) -> npt.NDArray[np.bool_]:
        """Where there is a gap, (n,)."""
        return np.asarray(self.thickness >= self.gap)

    @property
    def fraction(self) -> float:
        """Share of the length along which there is a gap."""
        return float(self.open.mean())

    @property
    def sampling(self) -> float:
        """Standard error of that share, from the scatter between eight pieces."""
        pieces = [float(part.mean()) for part in np.array_split(self.open, _PARTS)]
        return float(np.std(pieces, ddof=1) / np.sqrt(_PARTS))


def given_boundary(text: str, shape: tuple[int, int]) -> Floats:
    """Points one pixel apart along a line that a person gives.

    Parameters
    ----------
    text
        Corners in pixels, x to the right and y down, such as `"0,210 512,205 1023,214"`.
    shape
        Rows and columns of the picture.

    Raises
    ------
    InputError
        If the text holds no line within the picture.

    Examples
    --------
    >>> given_boundary("0,5 9,5", (10, 10))[:3].tolist()
    [[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]]
    """
    number = r"[-+]?\d+(?:\.\d+)?"
    if not re.fullmatch(rf"\s*(?:{number}\s*,\s*{number}[\s;]*)+", text):
        raise InputError(
            f'boundary={text!r}; write its corners in pixels, as in "0,210 1023,214" '
            '(x to the right, y down), or "find"'
        )
    corners = np.array([float(x) for x in re.findall(number, text)]).reshape(-1, 2)
    ny, nx = shape
    if len(corners) < 2 or (corners < 0).any() or (corners > [nx - 1, ny - 1]).any():
        raise InputError(
            f"boundary={text!r}: give two corners or more within 0,0 and {nx - 1},{ny - 1}"
        )
    steps = np.hypot(*np.diff(corners, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] < _PARTS:
        raise InputError(f"boundary={text!r} is shorter than {_PARTS} pixels")
    keep = np.concatenate([[True], steps > 0])
    s = np.linspace(0, along[-1], round(float(along[-1])) + 1)
    return np.column_stack([np.interp(s, along[keep], corners[keep, k]) for k in (0, 1)])


def find_boundary(levels: Levels, void: Mask, name: str) -> Floats:
    """Find the line between two layers of different grey, across the whole picture.

    Of every split of every column (or row) into two, those are taken that part the grey
    levels best and make a line that rises by at most two pixels a column. Voids have no say.

    Raises
    ------
    InputError
        If two layers explain less than 30 % of the variance of the grey levels.
    """
    across = _split(levels, void)
    down = _split(levels.T, void.T)
    explained, rows = max(across, down, key=lambda found: found[0])
    if explained < _EXPLAINED:
        raise InputError(
            f"{name}: no boundary of two layers of different grey is found (they explain "
            f"{explained:.0%} of the contrast); give boundary= as corners in pixels, "
            'such as "0,210 1023,214"'
        )
    place = np.arange(rows.size, dtype=np.float64)
    return np.column_stack([place, rows] if across[0] >= down[0] else [rows, place])


def _split(levels: Levels, void: Mask) -> tuple[float, Floats]:
    """Explained share of the variance, and the row of the boundary in every column."""
    from scipy.ndimage import gaussian_filter1d

    solid = ~void
    weight = np.cumsum(solid, axis=0, dtype=np.float64)
    total = np.cumsum(np.where(solid, levels, 0.0), axis=0, dtype=np.float64)
    weight, total = (gaussian_filter1d(a, 4.0, axis=1, mode="nearest") for a in (weight, total))
    n, s = weight[-1], total[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = total / weight, (s - total) / (n - weight)
        gain = np.nan_to_num(weight * (n - weight) / n * (above - below) ** 2)
        side = np.nan_to_num(np.sign(above - below))
    sign = np.sign((gain * side).sum())  # the same layer is bright in all columns
    gain = np.where(side == sign, gain, 0.0)
    rows = _path(gain)
    seen = levels[solid]
    if seen.size == 0:
        return 0.0, rows
    rest = np.arange(levels.shape[0])[:, None] > rows
    variance = float(seen.var())
    within = sum(
        float(part.var()) * part.size for part in (levels[solid & rest], levels[solid & ~rest])
        if part.size
    )  # fmt: skip
    explained = 1 - within / seen.size / variance if variance > 0 else 0.0
    return explained, rows


def _path(gain: Floats) -> Floats:
    """Row in every column that gains most, if a step is at most two rows: dynamic programming."""
    ny, nx = gain.shape
    best = gain[:, 0].copy()
    came = np.zeros((nx, ny), dtype=np.int8)
    moves = range(-_STEEPEST, _STEEPEST + 1)
    for x in range(1, nx):
        padded = np.pad(best, _STEEPEST, constant_values=-np.inf)
        options = np.stack([padded[_STEEPEST + m : _STEEPEST + m + ny] for m in moves])
        pick = options.argmax(axis=0)
        came[x] = pick - _STEEPEST
        best = options[pick, np.arange(ny)] + gain[:, x]
    row = int(np.argmax(best))
    rows = np.empty(nx)
    for x in range(nx - 1, -1, -1):
        rows[x] = row
        row += int(came[x, row]) if x else 0
    return rows


def gaps_along(points: Floats, void: Mask, *, gap: float, reach: float) -> Boundary:
    """Thickness of the gap at every place of a line.

    Parameters
    ----------
    points : (n, 2)
        Pixels, x to the right and y down, one apart.
    void : (ny, nx)
        Where there is nothing.
    gap
        Thickness from which there is a gap [pixels].
    reach
        How far from the line a gap may lie [pixels].
    """
    from scipy.ndimage import gaussian_filter1d

    soft = gaussian_filter1d(points, 3.0, axis=0, mode="nearest")
    along = np.gradient(soft, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    half = int(np.ceil(max(6 * reach, 3 * gap, 20) / _STEP))
    t = np.arange(-half, half + 1) * _STEP
    place = np.rint(points[:, None, :] + t[None, :, None] * normal[:, None, :]).astype(int)
    x, y = place[..., 0], place[..., 1]
    ny, nx = void.shape
    inside = (x >= 0) & (y >= 0) & (x < nx) & (y < ny)
    empty = np.zeros(x.shape, dtype=bool)
    empty[inside] = void[y[inside], x[inside]]
    near = np.abs(t) <= reach
    return Boundary(points=points, thickness=_runs(empty, near) * _STEP, gap=gap)


def _runs(empty: Mask, near: npt.NDArray[np.bool_]) -> Floats:
    """Longest run in every row that holds a place near the line."""
    n, m = empty.shape
    padded = np.zeros((n, m + 2), dtype=np.int8)
    padded[:, 1:-1] = empty
    change = np.diff(padded, axis=1)
    row, begin = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    count = np.concatenate([[0], np.cumsum(near)])
    touches = count[end] > count[begin]
    longest = np.zeros(n)
    np.maximum.at(longest, row[touches], (end - begin)[touches])
    return longest


__all__ = ["Boundary", "find_boundary", "gaps_along", "given_boundary"]
