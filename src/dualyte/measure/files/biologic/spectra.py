"""The impedance of an .mpr file, as a sheet of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.biologic.columns import COLUMNS
from dualyte.measure.files.biologic.table import Data, hides, read_data
from dualyte.measure.files.table import Sheet

#: time, cycle, frequency, phase, modulus, parts, temperature, sweep
_USED: Final = (4, 24, 32, 35, 36, 37, 38, 462, 469, 213)
_IMPEDANCE: Final = frozenset({32, 35, 36, 37, 38})


def read_mpr(path: Path) -> list[Sheet]:
    """Read the impedance of an .mpr file: data module versions 2, 3, 10 and 11.

    Raises
    ------
    InputError
        If it is no .mpr file, is cut short, holds no impedance, or has columns of unknown
        width that the length of a record does not fix.
    """
    data = read_data(path)
    hidden = sorted(_IMPEDANCE & set(data.hidden))
    if hidden:
        raise hides(data, hidden[0])
    used = [number for number in _USED if number in data.offsets]
    if not holds_impedance(data):
        raise InputError(
            f"{path.name} holds no impedance: among its columns {', '.join(map(str, data.ids))} "
            "are not 32 (freq/Hz), 37 (Re(Z)/Ohm) and 38 (-Im(Z)/Ohm)"
        )
    sheet = Sheet(
        names=tuple(COLUMNS[number][0] for number in used),
        rows=np.column_stack([data.numbers(number) for number in used]),
        where="data module",
        literal=True,
        loops=_loops(data),
        changes=data.changes,
    )
    _check_modulus(path.name, sheet)
    return [sheet]


def holds_impedance(data: Data) -> bool:
    """Whether a file has the columns of an impedance."""
    there = set(data.offsets)
    return 32 in there and ({37, 38} <= there or {35, 36} <= there)


def _check_modulus(name: str, sheet: Sheet) -> None:
    """Refuse a record that was cut at the wrong places."""
    column = dict(zip(sheet.names, sheet.rows.T, strict=True))
    if not {"Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm"} <= set(column):
        return
    with np.errstate(all="ignore"):
        modulus = np.hypot(column["Re(Z)/Ohm"], column["-Im(Z)/Ohm"])
        off = np.abs(modulus - column["|Z|/Ohm"]) > 1e-3 * modulus
    if np.mean(off) > 0.5:
        raise InputError(
            f"{name}: the modulus of its impedance is not that of its real and imaginary parts; "
            "a column has an unexpected width, so export it as text from EC-Lab"
        )


def _loops(data: Data) -> npt.NDArray[np.int64] | None:
    """Which loop each record belongs to."""
    if (starts := data.starts) is None:
        return None
    return np.asarray(np.searchsorted(starts, np.arange(len(data.records)), side="right") - 1)
