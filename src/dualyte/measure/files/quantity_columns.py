"""Columns of a table as quantities: found by heading, sized by unit, in SI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.files.grid import Grid
from dualyte.vocabulary import Floats, checked, q, size

_CELSIUS: Final = frozenset({"c", "°c", "degc", "deg c", "oc", "celsius", "grad c"})
_OHM: Final = re.compile(r"(?<=[kMGmµμn])[Oo]hms?\b|\bOhms?\b")
_SPREAD: Final = re.compile(
    r"(?<![a-z])(spread|std|stdev|s\.?d\.?|sigma of|error|err|uncertainty|standard deviation|±)"
    r"(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantityColumn:
    """One column of a table."""

    quantity: str  #: row of the vocabulary
    values: Floats  #: (m,) SI, nan where the cell is void
    heading: str  #: as written
    spread: Floats | None = None  #: (m,) SI, one standard deviation, where the table has it


def quantity_column(
    grid: Grid, patterns: Sequence[str], words: Sequence[str], *, signed: bool = False
) -> QuantityColumn | None:
    r"""Find a column by its heading, and its spreads; None if there is none.

    Parameters
    ----------
    grid
        The table.
    patterns
        Whole headings without unit, ignoring case, best first.
    words
        Rows of the vocabulary that its unit may fit, best first.
    signed
        Whether a value outside the plausible range passes.

    Raises
    ------
    InputError
        If the column has no unit, one of another quantity, words for numbers, or a value
        that is implausible.

    Examples
    --------
    >>> from dualyte.measure.files.grid import read_grid
    >>> grid = read_grid("T / degC,R_kOhm,R std / ohm\n25,1.5,30\n35,1.2,20\n")
    >>> found = quantity_column(grid, ["R"], ["resistance", "asr"])
    >>> found.quantity, found.values.tolist(), found.spread.tolist()
    ('resistance', [1500.0, 1200.0], [30.0, 20.0])
    """
    for pattern in patterns:
        known = re.compile(pattern, re.IGNORECASE)
        for k in range(len(grid.names)):
            name, unit = _parted(grid, k, words)
            if _SPREAD.search(name) or not known.fullmatch(name):
                continue
            word, values = _sized(grid, k, unit, words, name)
            if not signed:
                _plausible(grid, k, word, values)
            return QuantityColumn(
                quantity=word, values=values, heading=grid.headings[k],
                spread=_spread(grid, name, unit, word, words),
            )  # fmt: skip
    return None


def word_column(grid: Grid, *patterns: str) -> list[str] | None:
    """Cells of a column as text, whatever they hold; None if there is no such column."""
    k = grid.find(*patterns)
    if k is None:
        return None
    column = grid.columns[k]
    if column.dtype == np.float64:
        return [f"{x:g}" if np.isfinite(x) else "" for x in column.tolist()]
    return [str(x).strip() for x in column]


def _parted(grid: Grid, k: int, words: Sequence[str]) -> tuple[str, str]:
    """Name and unit; a heading such as `pressure_MPa` has its unit after the underscore."""
    name, unit = grid.names[k], grid.units[k]
    if unit or "_" not in name:
        return name, unit
    stem, _, last = name.rpartition("_")
    try:
        _factor(last, words)
    except InputError:
        return name, unit
    return stem, last


def _factor(unit: str, words: Sequence[str]) -> tuple[str, float]:
    """Which quantity a unit belongs to, and its size in SI."""
    written = _OHM.sub("ohm", unit.strip().strip("[]()"))
    for word in words:
        if word == "temperature":
            if written.lower() in _CELSIUS or written == "K":
                return word, 1.0
            continue
        if written in ("-", "1", ""):
            continue
        try:
            return word, size(written, word)
        except Exception:  # whatever the unit reader says, the next may fit
            continue
    raise InputError(f"unit {unit!r} fits none of {', '.join(words)}")


def _sized(grid: Grid, k: int, unit: str, words: Sequence[str], name: str) -> tuple[str, Floats]:
    heading = grid.headings[k]
    where = f"{grid.name}, line {max(grid.first_line - 1, 1)}: column {heading!r}"
    if not unit:
        shown = {"temperature": "degC", "resistance": "ohm", "time": "h", "pressure": "MPa"}
        raise InputError(
            f"{where} has no unit; write it in the heading, such as "
            f"'{name} / {shown.get(words[0], 'mm' if words[0] == 'thickness' else 'SI unit')}'"
        )
    try:
        word, factor = _factor(unit, words)
    except InputError:
        raise InputError(
            f"{where} has the unit {unit!r}, which is none of "
            f"{' or '.join(word.replace('_', ' ') for word in words)}; correct the heading"
        ) from None
    values = np.asarray(grid.column(k), dtype=np.float64)
    if word == "temperature" and unit.strip() != "K":
        return word, values + q("0 degC")  # 273.15, not 273
    return word, values * factor


def _plausible(grid: Grid, k: int, word: str, values: Floats) -> None:
    kept = np.isfinite(values)
    for row in np.nonzero(kept)[0].tolist():
        try:
            checked(word, values[row])
        except InputError as error:
            raise InputError(
                f"{grid.name}, row {row + 1} from line {grid.first_line}, column "
                f"{grid.headings[k]!r}: {error}"
            ) from None


def _spread(grid: Grid, name: str, unit: str, word: str, words: Sequence[str]) -> Floats | None:
    """Standard deviations of a column, by a heading such as `R std`, `sd of R` or `dR`."""
    for k in range(len(grid.names)):
        other, own = _parted(grid, k, words)
        plain = re.sub(r"[\s_,:()]+|\bof\b", " ", _SPREAD.sub(" ", other)).strip().lower()
        if not _SPREAD.search(other):
            if other not in (f"d{name}", f"Δ{name}", f"s_{name}", f"u_{name}"):
                continue
        elif plain != re.sub(r"[\s_]+", " ", name).strip().lower():
            continue
        factor = _factor(own or unit, (word,))[1]
        values = np.asarray(grid.column(k), dtype=np.float64) * factor
        if (values[np.isfinite(values)] < 0).any():
            raise InputError(
                f"{grid.name}: column {grid.headings[k]!r} holds a negative standard deviation"
            )
        return values
    return None
