"""Steps and half-cycles of a record, from the sign of its current and its step changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.cycles import Kind
from dualyte.errors import InputError
from dualyte.measure.files.record import Record
from dualyte.vocabulary import Floats, show

Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_ZERO: Final = 2e-4  # of the typical current: no current at all
_TINY: Final = 0.02  # of the typical current: leakage and noise, unless it passes much charge
_LITTLE: Final = 0.02  # of the most that passed one way: not much
_PULSE: Final = 0.2  # of both half-cycles beside it: a pulse against the direction
_GLITCH: Final = 0.02  # of the typical half-cycle: a pulse, whatever is beside it
_NEAR: Final = 0.05  # of the voltage range: at the limit
_GAP: Final = 3600.0  # s; a longer silence, and
_SPARSE: Final = 20.0  # times as long as the rows around it are apart, is a gap
_HELD: Final = 3e-3  # V: a voltage held constant stays within it
_TAPER: Final = 0.9  # the current of a hold falls below so much of what it began with
_MOST_RUNS: Final = 200_000
_UNIT_SLIP: Final = 100.0  # counter and integral further apart: not one unit
_APART: Final = 0.05  # of a counter and the current's integral, worth saying


@dataclass(slots=True, kw_only=True)
class Piece:
    """Rows of one kind, between two changes. Rows `begin` to `end` (left out) of the record."""

    begin: int
    end: int
    sign: int  #: +1 charged, -1 discharged, 0 at rest
    kind: Kind
    charge: float  #: C passed, ≥ 0
    swing: int = -1  #: half-cycle it belongs to


@dataclass(slots=True, kw_only=True)
class Swing:
    """A half-cycle: all pieces of one direction, with the rests and pulses between them."""

    sign: int
    charge: float  #: C passed in its direction, net of pulses, ≥ 0
    pieces: list[int]  #: driven pieces, in order
    volts: float  #: V at its end
    pulses: int = 0  #: against its direction
    pulsed: float = 0.0  #: C passed in them
    at_limit: bool = True  #: ends where half-cycles of its direction end


@dataclass(slots=True, kw_only=True)
class Segments:
    """What a record is made of."""

    passed: Floats  #: (m,) C since the first row, positive on charge
    pieces: list[Piece]
    swings: list[Swing]
    gaps: list[tuple[int, float]]  #: row after it, and s of silence
    said: list[str]  #: what a reader must know


def segments(record: Record) -> Segments:
    """Find steps and half-cycles.

    Raises
    ------
    InputError
        If no current flows, or current, counters and voltage contradict each other.
    """
    said: list[str] = []
    typical = _typical(record)
    gaps = _gaps(record.time)
    sign = np.sign(record.current) * (np.abs(record.current) > _ZERO * typical)
    cuts = _cuts(record, gaps)
    passed = _passed(record, sign, cuts, gaps, said)
    sign, left = _driven(record, sign, cuts, passed, typical)
    if left > _LITTLE:
        said.append(
            f"{100 * left:.1f} % of the charge passed at currents below "
            f"{show('current', _TINY * typical, 2)}; they are taken for rests"
        )
    pieces = _pieces(record, sign, cuts, passed)
    swings = _swings(record, pieces)
    _check_sign(record, passed, swings)
    return Segments(passed=passed, pieces=pieces, swings=swings, gaps=gaps, said=said)


def _typical(record: Record) -> float:
    """Current at which half of all charge has passed [A]."""
    size = np.abs(record.current)
    weight = size * np.gradient(record.time) if len(record) > 1 else size
    order = np.argsort(size)
    total = np.cumsum(weight[order])
    if not total[-1] > 0:
        raise InputError(
            f"{record.title}: no current flows in its {len(record)} rows; give a file of cycling"
        )
    return float(size[order][np.searchsorted(total, total[-1] / 2)])


def _gaps(time: Floats) -> list[tuple[int, float]]:
    """Rows before which nothing was logged for long, and for how long."""
    dt = np.diff(time)
    if dt.size < 3:
        return []
    # the rows beside it tell how often this part of the record is logged
    beside = np.maximum(np.concatenate([dt[:1], dt[:-1]]), np.concatenate([dt[1:], dt[-1:]]))
    found = np.flatnonzero((dt > _GAP) & (dt > _SPARSE * np.maximum(beside, 1e-3)))
    return [(int(k) + 1, float(dt[k])) for k in found]


def _cuts(record: Record, gaps: Sequence[tuple[int, float]]) -> Bools:
    """(m,) where a row begins something new: a step or cycle of the file, or after a gap."""
    cut = np.zeros(len(record), dtype=np.bool_)
    cut[0] = True
    for numbers in (record.step, record.cycle):
        if numbers is not None:
            cut[1:] |= np.diff(numbers) != 0
    cut[[row for row, _ in gaps]] = True
    return cut


def _passed(
    record: Record,
    sign: Floats,
    cuts: Bools,
    gaps: Sequence[tuple[int, float]],
    said: list[str],
) -> Floats:
    """Charge since the first row [C], (m,): by the file's counters, else by the current."""
    dt, current = np.diff(record.time), record.current
    # between two steps the row before belongs to the old one, and tells nothing of the new,
    # which began no more than one of its own intervals before its first row
    joined = (sign[1:] == sign[:-1]) & ~cuts[1:]
    rate = np.where(joined, (current[1:] + current[:-1]) / 2, current[1:])
    own = np.append(np.where(joined[1:], dt[1:], np.inf), np.inf)
    dt = np.where(joined, dt, np.minimum(dt, own))
    rate[[row - 1 for row, _ in gaps]] = 0.0
    summed = np.concatenate([[0.0], np.cumsum(rate * dt)])
    if record.charged is None or record.discharged is None:
        return np.asarray(summed)
    counted = record.charged - record.discharged
    counted = counted - counted[0]
    _compare(record, np.abs(rate * dt).sum(), said)
    return np.asarray(counted)


def _compare(record: Record, summed: float, said: list[str]) -> None:
    """Refuse counters of another unit than the current, and say what is merely off."""
    assert record.charged is not None
    assert record.discharged is not None
    counted = float(np.ptp(record.charged) + np.ptp(record.discharged))
    if not counted > 0:
        raise InputError(
            f"{record.title}: its counters of charge stand still while current flows "
            f"({show('capacity', summed)}); leave the counters out"
        )
    ratio = summed / counted
    if not 1 / _UNIT_SLIP < ratio < _UNIT_SLIP:
        raise InputError(
            f"{record.title}: its current sums to {summed:.4g} C but its counters to "
            f"{counted:.4g} C; one of them has the wrong unit (mA for A, mAh for Ah, or Ah for C)"
        )
    if abs(ratio - 1) > _APART:
        said.append(
            f"its current sums to {ratio:.3g} times what its counters of charge say; the counters "
            "are used, because rows may be too far apart to sum"
        )


def _driven(
    record: Record, sign: Floats, cuts: Bools, passed: Floats, typical: float
) -> tuple[Floats, float]:
    """Signs with leakage and noise set to 0, and the share of charge that passed in them."""
    begin = np.flatnonzero(cuts | (np.diff(sign, prepend=np.nan) != 0))
    if begin.size > _MOST_RUNS:
        raise InputError(
            f"{record.title}: its current changes sign {begin.size} times; that is no cycling"
        )
    peak = np.maximum.reduceat(np.abs(record.current), begin)
    step = np.abs(np.diff(passed, prepend=passed[:1]))
    amount = np.add.reduceat(step, begin)
    small = (peak <= _TINY * typical) & (amount < _LITTLE * amount.max())
    rows = np.repeat(small, np.diff(np.append(begin, sign.size)))
    total = float(amount.sum())
    lost = float(amount[small].sum()) / total if total else 0.0
    return np.where(rows, 0.0, sign), lost


def _pieces(record: Record, sign: Floats, cuts: Bools, passed: Floats) -> list[Piece]:
    """Runs of one sign within one step; a driven run is cut where its voltage is held."""
    begin = np.flatnonzero(cuts | (np.diff(sign, prepend=np.nan) != 0))
    # steps of a rest that nothing lies between are one rest
    keep = np.ones(begin.size, dtype=np.bool_)
    keep[1:] = (sign[begin[1:]] != 0) | (sign[begin[:-1]] != 0)
    if record.cycle is not None:
        keep[1:] |= np.diff(record.cycle[begin]) != 0
    begin = begin[keep]
    ends = np.append(begin[1:], sign.size)
    pieces: list[Piece] = []
    for start, stop in zip(begin.tolist(), ends.tolist(), strict=True):
        way = int(sign[start])
        held = stop if not way else start + _hold(record, start, stop)
        parts: tuple[tuple[int, int, Kind], ...] = (
            (start, held, _kind(way)), (held, stop, "hold")
        )  # fmt: skip
        for a, b, kind in parts:
            if b > a:
                before = passed[max(a - 1, 0)]
                amount = float(max(way * (passed[b - 1] - before), 0.0))
                pieces.append(Piece(begin=a, end=b, sign=way, kind=kind, charge=amount))
    return pieces


def _kind(sign: int) -> Kind:
    return "charge" if sign > 0 else "discharge" if sign < 0 else "rest"


def _hold(record: Record, start: int, stop: int) -> int:
    """Rows of a driven run before its voltage is held constant; all of them without a hold."""
    rows = stop - start
    voltage, size = record.voltage[start:stop], np.abs(record.current[start:stop])
    if rows < 4:
        return rows
    level = float(np.median(voltage[-max(3, rows // 20) :]))
    away = np.flatnonzero(np.abs(voltage - level) > _HELD)
    tail = int(away[-1]) + 1 if away.size else 0
    if rows - tail < 4 or not size[-1] < _TAPER * size[tail:].max():
        return rows
    # a plateau under constant current does not taper; noise does not fall steadily
    if np.mean(np.diff(size[tail:]) <= 0) < 0.6:
        return rows
    tapering = np.flatnonzero(size[tail:] < 0.995 * size[tail:].max())
    return tail + max(int(tapering[0]) - 1, 0)


def _swings(record: Record, pieces: list[Piece]) -> list[Swing]:
    """Half-cycles of driven pieces; pulses against the direction belong to the half-cycle."""
    swings: list[Swing] = []
    for k, piece in enumerate(pieces):
        if not piece.sign:
            continue
        volts = float(record.voltage[piece.end - 1])
        if swings and swings[-1].sign == piece.sign:
            swings[-1].charge += piece.charge
            swings[-1].pieces.append(k)
            swings[-1].volts = volts
        else:
            swings.append(Swing(sign=piece.sign, charge=piece.charge, pieces=[k], volts=volts))
    swings = _without_pulses(swings)
    _mark_limits(swings)
    for n, swing in enumerate(swings):
        for k in swing.pieces:
            pieces[k].swing = n
    return swings


def _without_pulses(swings: list[Swing]) -> list[Swing]:
    """Merge half-cycles across reversals that are small beside both neighbours, least first."""
    swings = list(swings)
    while len(swings) > 2:
        typical = _mark_limits(swings)
        charge = np.array([s.charge for s in swings])
        inner, beside = charge[1:-1], np.minimum(charge[:-2], charge[2:])
        small = (inner < _PULSE * beside) | (inner < _GLITCH * typical)
        # from limit to limit it is a half-cycle, however little passes (a cell that fails)
        limit = np.array([s.at_limit for s in swings])
        small &= ~(limit[1:-1] & limit[:-2])
        if not small.any():
            break
        # those least among the three around them, and far enough apart to be merged at once
        least = np.where(small, inner, np.inf)
        around = np.pad(least, 1, constant_values=np.inf)
        chosen = np.flatnonzero(small & (least <= np.minimum(around[:-2], around[2:])))
        merged: list[Swing] = []
        taken = 0  # swings before are merged already
        for k in (chosen + 1).tolist():
            if k - 1 >= taken:
                merged += [*swings[taken : k - 1], _merged(*swings[k - 1 : k + 2])]
                taken = k + 2
        swings = merged + swings[taken:]
    return swings


def _merged(before: Swing, pulse: Swing, after: Swing) -> Swing:
    """One half-cycle of two with a pulse between them."""
    return Swing(
        sign=before.sign,
        charge=max(before.charge - pulse.charge + after.charge, 0.0),
        pieces=before.pieces + pulse.pieces + after.pieces,
        volts=after.volts,
        pulses=before.pulses + 1 + pulse.pulses + after.pulses,
        pulsed=before.pulsed + pulse.charge + after.pulsed,
    )


def _mark_limits(swings: list[Swing]) -> float:
    """Mark half-cycles that end at the limit of their direction; the typical charge [C]."""
    volts = np.array([s.volts for s in swings])
    charge = np.array([s.charge for s in swings])
    sign = np.array([s.sign for s in swings])
    ends = {way: _middle(volts[sign == way], charge[sign == way]) for way in (1, -1)}
    span = abs(ends[1] - ends[-1]) if np.isfinite([ends[1], ends[-1]]).all() else np.nan
    room = _NEAR * span if np.isfinite(span) else _HELD
    for swing in swings:
        swing.at_limit = bool(swing.sign * (swing.volts - ends[swing.sign]) >= -room)
    return _middle(charge, charge)


def _middle(values: Floats, weight: Floats) -> float:
    """Weighted median; nan of nothing."""
    if not values.size or not weight.sum() > 0:
        return float("nan")
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _check_sign(record: Record, passed: Floats, swings: Sequence[Swing]) -> None:
    """Refuse a current of the wrong sign: voltage would fall on charge, and energy be won."""
    step = np.diff(passed)
    level = (record.voltage[1:] + record.voltage[:-1]) / 2
    into, back = np.maximum(step, 0), np.maximum(-step, 0)
    rise = np.diff(record.voltage) * np.sign(step) * (np.abs(step) > 0)
    if into.sum() <= 0 or back.sum() <= 0 or len(swings) < 2:
        return
    won = (back @ level) / back.sum() - (into @ level) / into.sum()
    if won > 5e-3 and rise.sum() < 0:
        raise InputError(
            f"{record.title}: on average {show('voltage', won)} more come out on discharge than go "
            "in on charge, and voltage falls on charge: the current has the wrong sign; it is "
            "positive on charge"
        )
