"""Times as cyclers write them: clocks of durations, and dates in many orders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.vocabulary import Floats

_DAYS: Final = re.compile(r"\s*(?:days?|d)[\s,:-]*", re.IGNORECASE)
_WORDS: Final = re.compile(r"[^\d:.,]")
_DATE: Final = re.compile(
    r"\W*(\d{1,4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,4})日?[ T,]*"
    r"(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,:](\d{1,9}))?)?)?\s*([AaPp])?\.?[Mm]?\.?"
    r"\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?\W*"
)
_EXCEL, _MATLAB = 25569.0, 719529.0  # days before 1970 of their first days
_DAY: Final = 86400.0


def clock_seconds(cells: Sequence[object]) -> Floats:
    """Durations such as 26:03:04.5, 1d 02:03:04 or 0:00:01:500, in seconds; nan where none.

    >>> clock_seconds(["00:01:00", "26:00:00", "1d 02:00:00.5"]).tolist()
    [60.0, 93600.0, 93600.5]
    """
    joined = ":".join(map(str, cells))
    if joined.count(":") == 3 * len(cells) - 1 and not _WORDS.search(joined):
        try:
            flat = np.array(joined.replace(",", ".").split(":"), dtype=np.float64)
            return np.asarray(flat.reshape(-1, 3) @ (3600.0, 60.0, 1.0))
        except ValueError:
            pass
    texts = [str(cell).strip() for cell in cells]
    return np.array([_clock(text) for text in texts])


def _clock(text: str) -> float:
    """One duration, nan if it is none."""
    parts = _DAYS.split(text)
    try:
        days = float(parts[0]) if len(parts) == 2 else 0.0
        pieces = [float(piece.replace(",", ".")) for piece in parts[-1].split(":")]
    except ValueError:
        return float("nan")
    if len(pieces) == 4:  # the last are thousandths
        pieces[2] += pieces.pop() / 1000
    if not 2 <= len(pieces) <= 3:
        return float("nan")
    hours, minutes, seconds = (*pieces, 0.0)[:3]
    return days * _DAY + hours * 3600 + minutes * 60 + seconds


def stamps(cells: npt.NDArray[Any], day_first: bool | None) -> Floats:
    """Dates as seconds since 1970, as if written in UTC; nan where there is none.

    Parameters
    ----------
    cells
        Words, or numbers: seconds or milliseconds since 1970, days of a spreadsheet or of MATLAB.
    day_first
        Whether 06/05/2021 is the 6th of May; None: unknown, then such dates give nan.
    """
    if cells.dtype == np.float64:
        known = cells[np.isfinite(cells)]
        middle = float(np.median(known)) if known.size else 0.0
        if 2e4 < middle < 8e4:
            return (cells - _EXCEL) * _DAY
        if 7e5 < middle < 8e5:
            return (cells - _MATLAB) * _DAY
        if 3e11 < middle < 5e12:
            return cells / 1e3
        return cells if 3e8 < middle < 5e9 else np.full(cells.shape, np.nan)
    return np.array([_stamp(str(cell), day_first) for cell in cells])


def day_first_of(cells: Sequence[object]) -> bool | None:
    """Whether dates put the day first; None if nothing tells."""
    for cell in cells:
        if (match := _DATE.fullmatch(str(cell))) is None:
            continue
        a, b = int(match[1]), int(match[2])
        if a > 31 or a == b:
            continue
        if "." in str(cell)[:10].split(":")[0] or 12 < a <= 31:
            return True
        if 12 < b <= 31:
            return False
    return None


def _stamp(text: str, day_first: bool | None) -> float:
    """One date, nan if it is none or its order unknown."""
    if (match := _DATE.fullmatch(text)) is None:
        return float("nan")
    a, b, c = int(match[1]), int(match[2]), int(match[3])
    if a > 31:
        year, month, day = a, b, c
    elif a == b:
        year, month, day = c, a, b
    elif day_first is None and not (a > 12 or b > 12):
        return float("nan")
    elif b > 12 or (day_first is False and a <= 12):
        year, month, day = c, a, b
    else:
        year, month, day = c, b, a
    hour, minute, second = (int(match[k] or 0) for k in (4, 5, 6))
    if match[8]:
        hour = hour % 12 + 12 * (match[8] in "Pp")
    fraction = float(f"0.{match[7]}") if match[7] else 0.0
    try:
        year += 2000 if year < 100 else 0
        when = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return float("nan")
    return when.timestamp() + fraction
