"""Records of one cell that lie in several files, put end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.files.record import Record
from dualyte.vocabulary import Floats, show

_NEAR: Final = 0.5  # V: a cell relaxes by less between two files of one run
_SAME: Final = 5e-3  # V: two files that log one time twice agree within it
_MOST_OFF: Final = 0.05  # of rows may differ more, where steps change between rows
_INSTANT: Final = 1e-3  # s: clocks of dates are no finer
_SILENT: Final = 60.0  # s between files, worth saying


def stitch(records: Sequence[Record], *, name: str = "") -> Record:
    """Put the records of one cell end to end.

    Parameters
    ----------
    records
        In any order if all tell when they started, or if their time goes on; else in theirs.
    name
        What messages call it.

    Returns
    -------
    Record
        Time, steps and charge go on from record to record. Rows logged twice count once. Cycle
        numbers are kept where they go on, else left out, to be counted anew. `changes` says
        all of it, and every gap.

    Raises
    ------
    InputError
        If there is no record, or two that overlap in time differ.
    """
    if not records:
        raise InputError("no record is given to put end to end; give one or more")
    if len(records) == 1:
        return records[0]
    said: list[str] = []
    ordered, offsets = _ordered(records, said)
    parts: list[Record] = []
    shifts: list[float] = []
    for record, offset in zip(ordered, offsets, strict=True):
        part = record if offset == 0 else replace(record, time=record.time + offset)
        if parts:
            trimmed = _after(parts[-1], part, said)
            if trimmed is None:
                continue
            part = trimmed
        parts.append(part)
        shifts.append(offset)
    went_on = [abs(b - a) < _SILENT for a, b in pairwise(shifts)]  # with one and the same clock
    columns: dict[str, Any] = {
        word: np.concatenate([getattr(p, word) for p in parts])
        for word in ("time", "voltage", "current")
    }
    columns |= _counters(parts, said) | _numbers(parts, went_on, said)
    if all(p.temperature is not None for p in parts):
        columns["temperature"] = np.concatenate([np.asarray(p.temperature) for p in parts])
    facts: dict[str, float] = {}
    for part in reversed(parts):
        facts |= part.facts
    changes = [change for p in parts for change in p.changes]
    return Record(
        name=name or parts[0].title,
        file=", ".join(dict.fromkeys(p.file for p in parts if p.file)),
        form=parts[0].form,
        started=parts[0].started,
        facts=facts,
        changes=(*dict.fromkeys(changes), *said),
        **columns,
    )


def goes_on(before: Record, after: Record) -> bool:
    """Whether a record continues another by its own time, counters or cycle numbers."""
    if before.file == after.file and before.file:
        return False
    time = after.time[0] >= before.time[-1] > 0 and after.time[0] < 2 * before.time[-1]
    if not time:
        return False
    near = abs(float(after.voltage[0] - before.voltage[-1])) < _NEAR
    if before.cycle is not None and after.cycle is not None:
        return bool(0 <= after.cycle[0] - before.cycle[-1] <= 1) and near
    return near


def _ordered(records: Sequence[Record], said: list[str]) -> tuple[list[Record], list[float]]:
    """Records in order, and what to add to the time of each [s]."""
    starts = [r.started for r in records]
    if all(s is not None for s in starts) and len(set(starts)) == len(starts):
        ordered = sorted(records, key=lambda r: float(r.started or 0.0))
        begin = float(ordered[0].started or 0.0) - float(ordered[0].time[0])
        # `started` is of the first row, whatever its time says
        return ordered, [float(r.started or 0.0) - begin - float(r.time[0]) for r in ordered]
    by_time = sorted(records, key=lambda r: float(r.time[0]))
    pairs = list(pairwise(by_time))
    if all(a.time[0] < b.time[0] and b.time[-1] > a.time[-1] for a, b in pairs):
        distinct = all(b.time[0] > 0.5 * a.time[-1] for a, b in pairs)
        if distinct:
            return by_time, [0.0] * len(by_time)
    offsets, now = [], 0.0
    for record in records:
        pause = float(np.median(np.diff(record.time))) if len(record) > 1 else 0.0
        offsets.append(now - float(record.time[0]))
        now += float(np.ptp(record.time)) + pause
    said.append(
        "the files do not tell when they began: they are put end to end in the order given, and "
        "pauses between them are not known"
    )
    return list(records), offsets


def _after(before: Record, part: Record, said: list[str]) -> Record | None:
    """Rows of a record that the one before does not have already."""
    last = float(before.time[-1])
    if part.time[0] > last:
        gap = float(part.time[0]) - last
        if gap > _SILENT:
            said.append(f"{show('time', gap, 3)} pass between {before.title} and {part.title}")
        return part
    # steps change in an instant: a row at the last instant repeats only if it is the same row
    last_row = (float(before.voltage[-1]), float(before.current[-1]))
    same = np.isclose(part.voltage, last_row[0], rtol=1e-9, atol=0) & np.isclose(
        part.current, last_row[1], rtol=1e-9, atol=0
    )
    double = (part.time < last - _INSTANT) | ((part.time <= last + _INSTANT) & same)
    double = np.logical_and.accumulate(double)
    if double.any():
        expected = np.interp(part.time[double], before.time, before.voltage)
        off = np.abs(part.voltage[double] - expected) > _SAME
        if off.mean() > _MOST_OFF:
            row = int(np.argmax(off))
            raise InputError(
                f"{before.title} and {part.title} both log "
                f"{show('time', float(part.time[row]), 4)}, but {before.title} has "
                f"{expected[row]:.4f} V and {part.title} {part.voltage[row]:.4f} V: they are not "
                "of one cell, or the time of one is wrong"
            )
        said.append(f"{int(double.sum())} rows of {part.title} repeat {before.title}; left out")
    if double.all():
        return None
    rest = _rows(part, ~double)
    return replace(rest, time=np.maximum(rest.time, last))


def _rows(record: Record, keep: Any) -> Record:  # noqa: ANN401 (a mask)
    columns: dict[str, Any] = {}
    for word in ("time", "voltage", "current", "charged", "discharged", "cycle", "step"):
        column = getattr(record, word)
        columns[word] = None if column is None else column[keep]
    warm = None if record.temperature is None else record.temperature[keep]
    return replace(record, temperature=warm, **columns)


def _counters(parts: Sequence[Record], said: list[str]) -> dict[str, Floats]:
    """Counters of charge that go on from record to record, if all have them."""
    have = [p.charged is not None and p.discharged is not None for p in parts]
    if not all(have):
        if any(have):
            said.append("not every file counts charge; the current is summed instead")
        return {}
    columns: dict[str, list[Floats]] = {"charged": [], "discharged": []}
    for word, pieces in columns.items():
        for part in parts:
            counter = np.asarray(getattr(part, word))
            if pieces and counter[0] < pieces[-1][-1]:
                counter = counter - counter[0] + pieces[-1][-1]
            pieces.append(counter)
    return {word: np.concatenate(pieces) for word, pieces in columns.items()}


def _numbers(parts: Sequence[Record], went_on: Sequence[bool], said: list[str]) -> dict[str, Any]:
    """Step numbers, and cycle numbers where they go on."""
    columns: dict[str, Any] = {}
    if all(p.step is not None for p in parts):
        steps: list[Any] = []
        for part in parts:
            step = np.asarray(part.step)
            if steps:  # another number than the last row's, so that the join is seen
                step = step - step.min() + int(steps[-1].max()) + 1
            steps.append(step)
        columns["step"] = np.concatenate(steps)
    if all(p.cycle is not None for p in parts):
        cycles = [np.asarray(p.cycle) for p in parts]
        # without a common clock the same number again may be a count that begins anew
        steps_up = zip(pairwise(cycles), went_on, strict=True)
        if all(b[0] > a[-1] or (b[0] == a[-1] and on) for (a, b), on in steps_up):
            columns["cycle"] = np.concatenate(cycles)
        else:
            said.append("cycle numbers begin again in a later file; cycles are counted anew")
    return columns
