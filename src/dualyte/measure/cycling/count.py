"""Cycles of a record: halves counted, tagged, and doubted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np

from dualyte.cycles import Curve, Cycles, Direction, gather
from dualyte.errors import InputError
from dualyte.measure.cycling.artefacts import Half, doubted
from dualyte.measure.cycling.said import cycle_ranges, masks, pressures, within
from dualyte.measure.cycling.segment import Piece, Segments, Swing, segments
from dualyte.measure.files.record import Record
from dualyte.vocabulary import checked

Numbering = Literal["auto", "file", "own"]
ACTIVATION: Final = "activation"
PARTIAL: Final = "partial"
_MOSTLY: Final = 0.9  # of the file's cycles must hold one half-cycle of each direction
_PART: Final = 0.5  # of the typical half-cycle: a record that begins with less came partly charged


def cycles_of(
    record: Record,
    *,
    first: Direction | None = None,
    reservoir_free: bool = False,
    mass: float | None = None,
    area: float | None = None,
    temperature: float | None = None,
    pressure: float | None = None,
    activation: int | str | Iterable[int | str] = (),
    stack: Iterable[Mapping[str, Any]] = (),
    mask: Iterable[Mapping[str, Any]] = (),
    numbering: Numbering = "auto",
    name: str = "",
) -> Cycles:
    """Capacity and Coulombic efficiency of every cycle of a record.

    Parameters
    ----------
    record
        Rows of a cycler.
    first
        What a cycle begins with: `charge` in a full cell, `discharge` in a half-cell against
        lithium. By default what the record begins with, unless less than half of what later
        half-cycles pass: then the cell came partly charged.
    reservoir_free
        Whether all lithium comes from the cathode, so that no more can come back than went in.
    mass
        Of cathode active material [kg]; else what the record says.
    area
        Of the electrode [m²]; else what the record says.
    temperature
        Of the cell [K].
    pressure
        Stack pressure [Pa] of all cycles that `stack` does not name.
    activation
        Numbers of activation cycles, such as `[0]` or `"1-2"`. With 0 among them cycles are
        numbered from 0, else from 1 or as in the file.
    stack
        Stack pressures: `[{"cycles": "1-5", "pressure": "7 MPa"}]`; a number is in Pa.
    mask
        Cycles to leave out: `[{"cycles": "7, 12-14", "why": "power cut"}]`.
    numbering
        `file` keeps its cycle numbers, `own` counts half-cycles, `auto` takes those of the file
        where they hold one half-cycle of each direction.
    name
        What messages call it.

    Returns
    -------
    Cycles
        With the curves of every step. What came before the first whole cycle is numbered below
        it and tagged `partial`.

    Raises
    ------
    InputError
        If no current flows, current and counters contradict each other, or a cycle is named
        that does not exist.

    Notes
    -----
    Charge is that of the file's counters where it has them, else the integral of the current.
    A half-cycle is all that passed in one direction. Rests, holds at constant voltage and
    currents below 2 % of the typical one do not end it, nor do pulses against it: reversals that
    pass less than a fifth of both halves beside them and end away from the voltage limit. What
    pulses passed counts in both directions, as counters of cyclers do.
    """
    if first not in (None, "charge", "discharge"):
        raise InputError(f"first is 'charge' or 'discharge', not {first!r}")
    if numbering not in ("auto", "file", "own"):
        raise InputError(f"numbering is 'auto', 'file' or 'own', not {numbering!r}")
    found = segments(record)
    begins = cycle_ranges(activation, "activation")
    told = list(found.said)
    way = first or _begins(found, record)
    number = _numbers(record, found, way, begins, numbering, told)
    held = pressures(stack)
    _known([r for ranges, _ in held for r in ranges], number, "stack")
    _known(begins, number, "activation")
    lowest = _first_whole(found, number, way)
    curves = []
    for piece, n in zip(found.pieces, number, strict=True):
        tag = ACTIVATION if within(begins, n) else PARTIAL if n < lowest else ""
        stated = next((p for ranges, p in held if within(ranges, n)), pressure)
        curves.append(_curve(record, found, piece, n, stated, tag))
    sizes = {"mass": mass, "area": area}
    facts = {k: record.facts.get(k) if size is None else size for k, size in sizes.items()}
    if facts["mass"] is not None:
        checked("mass", facts["mass"])
    made = gather(
        curves,
        first=way,
        reservoir_free=reservoir_free,
        mass=facts["mass"],
        area=facts["area"],
        temperature=_warm(record) if temperature is None else temperature,
        name=name or record.title,
        flags=told,
        made_from=(record,),
    )
    made = _driven_only(made)
    made = _without(made, mask)
    return doubted(made, _halves(record, found, number), found.gaps, record)


def _driven_only(made: Cycles) -> Cycles:
    """Drop cycles in which nothing passed; their curves stay."""
    moved = (made.charge > 0) | (made.discharge > 0)
    if moved.all() or not moved.any():
        return made
    return replace(made.pick(moved), curves=made.curves)


def _without(made: Cycles, mask: Iterable[Mapping[str, Any]]) -> Cycles:
    for ranges, why in masks(mask):
        _known(ranges, made.cycle.tolist(), "mask")
        out = [n for n in made.cycle.tolist() if within(ranges, n)]
        made = made.mask(*out, why=why)
    return made


def _known(ranges: Sequence[tuple[int, int]], number: Sequence[int], what: str) -> None:
    """Refuse a range that names no cycle."""
    for low, high in ranges:
        if not any(low <= n <= high for n in number):
            told = str(low) if low == high else f"{low}-{high}"
            raise InputError(
                f"{what}: there is no cycle {told}; the record has {min(number)} to {max(number)}"
            )


def _begins(found: Segments, record: Record) -> Direction:
    """What cycles begin with: what the record begins with, unless that is a part only."""
    swings = found.swings
    if not swings:
        raise InputError(f"{record.title}: no half-cycle is found; give a file of cycling")
    lead = swings[0]
    alike = [s.charge for s in swings if s.sign == lead.sign]
    charged = lead.sign > 0
    # a discharge far below all later ones means that a charged cell came partly charged
    if len(alike) > 1 and lead.charge < _PART * float(np.median(alike[1:])):
        charged = not charged
    return "charge" if charged else "discharge"


def _per_cycle(record: Record, found: Segments) -> dict[int, list[int]]:
    """Half-cycles that each cycle of the file holds, in order."""
    assert record.cycle is not None
    held: dict[int, list[int]] = {}
    for piece in found.pieces:
        if piece.swing >= 0:
            swings = held.setdefault(int(record.cycle[piece.begin]), [])
            if piece.swing not in swings:
                swings.append(piece.swing)
    return held


def _unusable(record: Record, found: Segments, first: Direction) -> str:
    """Why the file's cycle numbers do not tell its cycles; empty if they do."""
    if record.cycle is None:
        return "the file has no cycle numbers"
    if (np.diff(record.cycle) < 0).any():
        return "the file's cycle numbers fall"
    lead = 1 if first == "charge" else -1
    bad: list[str] = []
    owner: dict[int, int] = {}
    held = _per_cycle(record, found)
    for cycle, swings in held.items():
        split = [k for k in swings if owner.setdefault(k, cycle) != cycle]
        order = [found.swings[k].sign for k in swings]
        if len(order) > 2:
            bad.append(f"its cycle {cycle} holds {len(order)} half-cycles")
        elif split:
            bad.append(f"its cycle {cycle} begins within a half-cycle")
        elif len(order) == 2 and order[0] != lead:
            bad.append(f"its cycle {cycle} does not begin with a {first}")
    if len(bad) > (1 - _MOSTLY) * len(held):
        return bad[0] + (f" (and {len(bad) - 1} more are not cycles)" if len(bad) > 1 else "")
    singles = sum(len(swings) == 1 for swings in held.values())
    if len(held) > 3 and singles > len(held) / 2:
        return "most of its cycles hold one half-cycle"
    return ""


def _numbers(
    record: Record,
    found: Segments,
    first: Direction,
    activation: Sequence[tuple[int, int]],
    numbering: Numbering,
    told: list[str],
) -> list[int]:
    """Cycle number of each piece."""
    why = "" if numbering == "file" else _unusable(record, found, first)
    base = 0 if within(activation, 0) else 1
    if numbering == "own" or why:
        if why and record.cycle is not None:
            told.append(f"cycles are counted anew: {why}")
        return _counted(found, first, base)
    if record.cycle is None:
        raise InputError(f"{record.title}: it has no cycle numbers; give numbering='own'")
    if (np.diff(record.cycle) < 0).any():
        raise InputError(
            f"{record.title}: its cycle numbers fall; give numbering='own' to count anew"
        )
    number = [int(record.cycle[piece.begin]) for piece in found.pieces]
    lowest = min(number)
    shift = base - lowest if lowest in (0, 1) else 0
    if shift:
        told.append(f"cycle {lowest} of the file is numbered {base} here, and so on")
    return [n + shift for n in number]


def _counted(found: Segments, first: Direction, base: int) -> list[int]:
    """Count half-cycles; a first one of the other direction comes before the first cycle."""
    lead = 1 if first == "charge" else -1
    numbers: dict[int, int] = {}
    now = base if found.swings and found.swings[0].sign == lead else base - 1
    for k, swing in enumerate(found.swings):
        if k and swing.sign == lead:
            now += 1
        numbers[k] = now
    out, current = [], numbers.get(0, base)
    for piece in found.pieces:
        current = numbers.get(piece.swing, current)
        out.append(current)
    return out


def _first_whole(found: Segments, number: Sequence[int], first: Direction) -> int:
    """Number of the first cycle, whose halves are not what came before it."""
    lead = 1 if first == "charge" else -1
    driven = [(p, n) for p, n in zip(found.pieces, number, strict=True) if p.swing >= 0]
    swings = found.swings
    if len(swings) > 1 and swings[0].sign != lead:
        return next((n for p, n in driven if p.swing == 1), min(number))
    return min(number)


def _curve(
    record: Record, found: Segments, piece: Piece, cycle: int, pressure: float | None, tag: str
) -> Curve:
    """Rows of a piece, and what passed before its first row since the step began."""
    rows = slice(piece.begin, piece.end)
    columns: dict[str, Any] = {
        "time": record.time[rows], "voltage": record.voltage[rows], "current": record.current[rows]
    }  # fmt: skip
    before = float(found.passed[max(piece.begin - 1, 0)])
    charge = np.maximum.accumulate(
        np.maximum(piece.sign * (found.passed[rows] - before), 0.0) + 0.0
    )
    # a step logged from its first interval on gets the point it began with
    if piece.sign and charge[0] > 1e-3 * charge[-1] and piece.begin > 0:
        lasted = charge[0] / max(abs(float(columns["current"][0])), 1e-300)
        began = max(float(columns["time"][0]) - lasted, float(record.time[piece.begin - 1]))
        at = {"time": began}
        columns = {k: np.concatenate([[at.get(k, y[0])], y]) for k, y in columns.items()}
        charge = np.concatenate([[0.0], charge])
    return Curve(kind=piece.kind, charge=charge, cycle=cycle, pressure=pressure, tag=tag, **columns)


def _halves(record: Record, found: Segments, number: Sequence[int]) -> list[Half]:
    """Half-cycles with their cycle numbers, for doubts."""
    last_driven = max((k for k, p in enumerate(found.pieces) if p.sign), default=-1)
    resting = float(record.time[-1] - record.time[found.pieces[last_driven].end - 1])
    out = []
    for k, swing in enumerate(found.swings):
        out.append(
            Half(
                cycle=number[swing.pieces[-1]],
                sign=swing.sign,
                charge=swing.charge,
                at_limit=_at_limit(found, swing),
                pulses=swing.pulses,
                pulsed=swing.pulsed,
                ends_record=k == len(found.swings) - 1 and resting <= 0,
            )
        )
    return out


def _at_limit(found: Segments, swing: Swing) -> bool:
    return swing.at_limit or found.pieces[swing.pieces[-1]].kind == "hold"


def _warm(record: Record) -> float | None:
    """Mean temperature [K], if the file has plausible ones."""
    if record.temperature is None:
        return None
    known = record.temperature[np.isfinite(record.temperature)]
    if not known.size or not 173.15 < known.min() <= known.max() < 773.15:
        return None
    return float(known.mean())
