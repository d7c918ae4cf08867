"""Records written in the Battery Data Format (BDF), as text or Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from dualyte.errors import InputError, MissingExtraError
from dualyte.measure.files.record import Record
from dualyte.vocabulary import Floats

_KELVIN: Final = 273.15
_AMP_HOURS: Final = 3600.0


def write_bdf(records: Record | Sequence[Record], path: str | Path) -> Path:
    """Write a record in the Battery Data Format, current positive on charge.

    Parameters
    ----------
    records
        A record, or several of one cell that follow each other: their times and counters are
        then joined (by when they started, where all tell it).
    path
        Ends in .csv or .parquet.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If there is no record, or the suffix is neither .csv nor .parquet.
    MissingExtraError
        If pyarrow is needed and not installed.
    """
    listed = [records] if isinstance(records, Record) else list(records)
    if not listed:
        raise InputError("no record to write; give one or more")
    target = Path(path)
    columns = _columns(listed)
    if target.suffix.lower() == ".csv":
        _csv(columns, target)
    elif target.suffix.lower() == ".parquet":
        try:
            pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        except ImportError as error:
            raise MissingExtraError("pyarrow", "files") from error
        parquet.write_table(pa.table(columns), target)
    else:
        raise InputError(f"{target.name}: BDF is written as .csv or .parquet")
    return target


def _columns(records: Sequence[Record]) -> dict[str, Floats]:
    """Columns under their BDF labels."""
    starts = _starts(records)
    out = {
        "Test Time / s": _all([r.time + t for r, t in zip(records, starts, strict=True)]),
        "Voltage / V": _all([r.voltage for r in records]),
        "Current / A": _all([r.current for r in records]),
    }
    if all(r.started is not None for r in records):
        unix = [(r.started or 0.0) + r.time - r.time[0] for r in records]
        out["Unix Time / s"] = _all(unix)
    for label, word in (("Cycle Count / 1", "cycle"), ("Step Count / 1", "step")):
        if all(getattr(r, word) is not None for r in records):
            out[label] = _all([getattr(r, word) for r in records])
    for label, word in (("Charging Capacity / Ah", "charged"),
                        ("Discharging Capacity / Ah", "discharged")):  # fmt: skip
        if all(getattr(r, word) is not None for r in records):
            carried, parts = 0.0, []
            for r in records:
                parts.append(getattr(r, word) + carried)
                carried = float(parts[-1][-1])
            out[label] = _all(parts) / _AMP_HOURS
    if all(r.temperature is not None for r in records):
        warm = _all([r.temperature for r in records if r.temperature is not None])
        out["Surface Temperature T1 / degC"] = warm - _KELVIN
    return out


def _starts(records: Sequence[Record]) -> list[float]:
    """What to add to the time of each record so that they follow each other."""
    starts = [0.0]
    first = records[0]
    for before, after in pairwise(records):
        end = starts[-1] + float(before.time[-1])
        if first.started is None or after.started is None:
            starts.append(end)
            continue
        begin = after.started - first.started + float(first.time[0] - after.time[0])
        if begin + float(after.time[0]) < end:
            raise InputError(
                f"{after.title} starts before {before.title} ends; give the records in order"
            )
        starts.append(begin)
    return starts


def _all(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts)


def _csv(columns: dict[str, Floats], path: Path) -> None:
    import pandas as pd

    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")
