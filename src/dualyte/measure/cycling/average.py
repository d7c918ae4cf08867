"""Replicate cells: mean and spread of every cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dualyte.cycles import Cycles
from dualyte.errors import InputError
from dualyte.vocabulary import Floats

Per = Literal["mass", "area", "cell"]
#: how capacity is given: row of the vocabulary
CAPACITY: dict[str, str] = {
    "mass": "specific_capacity", "area": "areal_capacity", "cell": "capacity"
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CyclesMean:
    """Mean and standard deviation between replicate cells, cycle by cycle. Read-only."""

    cycle: npt.NDArray[np.int64]  #: (n,)
    count: npt.NDArray[np.int64]  #: (n,) cells with this cycle whole
    charge: Floats  #: (n,) C/kg, C/m² or C, see `per`
    charge_spread: Floats  #: (n,) standard deviation between cells; NaN with one
    discharge: Floats  #: (n,)
    discharge_spread: Floats  #: (n,)
    ce: Floats  #: (n,) [1]
    ce_spread: Floats  #: (n,)
    pressure: Floats  #: (n,) Pa; NaN where unknown or not the same in all cells
    per: Per
    cells: tuple[Cycles, ...]

    def __len__(self) -> int:
        return int(self.cycle.size)


def per_what(cells: Sequence[Cycles]) -> Per:
    """What all cells can be divided by: mass, else area, else nothing."""
    if all(c.mass for c in cells):
        return "mass"
    return "area" if all(c.area for c in cells) else "cell"


def sized(cells: Cycles, capacity: npt.ArrayLike, per: Per) -> Floats:
    """Divide capacity [C] by mass, area or 1."""
    size = {"mass": cells.mass, "area": cells.area, "cell": 1.0}[per]
    if size is None:
        raise InputError(f"{cells.title}: no {per} is given")
    return np.asarray(np.asarray(capacity, dtype=np.float64) / size)


def average_cycles(cells: Sequence[Cycles], *, per: Per | None = None) -> CyclesMean:
    """Average replicate cells cycle by cycle.

    Parameters
    ----------
    cells
        One or more, that begin with the same direction. Cycles are matched by number; those
        left out or not whole do not count.
    per
        What capacity is divided by; by default mass if all cells have one, else area, else
        nothing.

    Returns
    -------
    CyclesMean
        Mean and standard deviation between cells (n − 1), and of how many.

    Raises
    ------
    InputError
        If there is no cell, or the cells do not begin with the same direction.
    """
    if not cells:
        raise InputError("no cell is given to average; give one or more")
    if len({c.first for c in cells}) > 1:
        told = ", ".join(f"{c.title} with a {c.first}" for c in cells)
        raise InputError(f"the cycles of these cells do not begin alike: {told}; give first=")
    by = per or per_what(cells)
    number = np.unique(np.concatenate([c.cycle for c in cells]))
    shape = (len(cells), number.size)
    table: dict[str, Floats] = {
        word: np.full(shape, np.nan) for word in ("charge", "discharge", "ce", "pressure")
    }
    for row, cell in enumerate(cells):
        at = np.searchsorted(number, cell.cycle)
        for word in ("charge", "discharge"):
            y = sized(cell, getattr(cell, word), by)
            table[word][row, at] = np.where(cell.whole, y, np.nan)
        table["ce"][row, at] = cell.ce
        table["pressure"][row, at] = cell.pressure
    columns: dict[str, Any] = {}
    for word in ("charge", "discharge", "ce"):
        columns[word], columns[f"{word}_spread"] = _mean(table[word])
    low, high = (_over(f, table["pressure"]) for f in (np.fmin, np.fmax))
    same = np.isclose(low, high, rtol=1e-6, atol=0)
    return CyclesMean(
        cycle=number,
        count=np.isfinite(table["ce"]).sum(axis=0),
        pressure=np.where(same, low, np.nan),
        per=by,
        cells=tuple(cells),
        **columns,
    )


def _mean(table: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation down the columns, without what is not known."""
    known = np.isfinite(table)
    count = known.sum(axis=0)
    mean = np.divide(
        np.where(known, table, 0).sum(axis=0), count, out=np.full(count.shape, np.nan),
        where=count > 0,
    )  # fmt: skip
    square = np.where(known, (table - mean) ** 2, 0).sum(axis=0)
    spread = np.full(count.shape, np.nan)
    np.divide(square, count - 1, out=spread, where=count > 1)
    return mean, np.asarray(np.sqrt(spread))


def _over(least: np.ufunc, table: Floats) -> Floats:
    return np.asarray(least.reduce(table, axis=0))
