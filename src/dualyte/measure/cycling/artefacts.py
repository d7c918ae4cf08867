"""Cycles that are not what they seem: interrupted, incomplete, off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dualyte.cycles import Cycles
from dualyte.measure.files.record import Record
from dualyte.vocabulary import Floats, show

_SHORT: Final = 0.8  # of the half-cycles around it: cut short
_AROUND: Final = 2  # cycles each side that an outlier is compared with
_OFF: Final = 6.0  # times the scatter: an outlier, if also
_FAR: Final = 0.03  # relative, off by so much
_MOST: Final = 0.8  # of half-cycles end at the limit: the limit ends them, not a time
_UNLIKE: Final = 1.5  # efficiency above which the halves of a cycle do not belong together
_EXCESS: Final = 0.01  # relative: more than counters err


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """A half-cycle, for doubts."""

    cycle: int
    sign: int
    charge: float  #: C
    at_limit: bool  #: ends at the voltage limit of its direction
    pulses: int
    pulsed: float  #: C
    ends_record: bool  #: the record ends within it, without a rest


def doubted(
    made: Cycles, halves: Sequence[Half], gaps: Sequence[tuple[int, float]], record: Record
) -> Cycles:
    """Flag what a reader must doubt, and leave out cycles that are surely broken."""
    made = _unlike(made)
    made = _unfinished(made, halves)
    made = _cut_short(made, halves)
    flags = [*_silences(made, gaps, record), *_pulses(halves), *_outliers(made)]
    if (excess := _excess(made)) is not None:
        flags.append(excess)
    return replace(made, flags=(*made.flags, *flags))


def _used(made: Cycles, cycle: int) -> bool:
    return bool(made.used[made.cycle == cycle].any())


def _unlike(made: Cycles) -> Cycles:
    """Cycles that gave back far more than went in have no efficiency: a half is only a part."""
    over = made.ce > _UNLIKE
    if not over.any():
        return made
    most = "" if over.sum() == 1 else "up to "
    why = (
        f"{most}{100 * made.ce[over].max():.0f} % came back of its {made.first}, which was only a "
        "part"
    )
    return made.mask(*made.cycle[over].tolist(), why=why)


def _unfinished(made: Cycles, halves: Sequence[Half]) -> Cycles:
    """A record that ends within a half-cycle has no efficiency of its last cycle."""
    last = halves[-1] if halves else None
    if last is None or not last.ends_record or last.at_limit:
        return made
    alike = [h.charge for h in halves[:-1] if h.sign == last.sign][-3:]
    way = "charge" if last.sign > 0 else "discharge"
    if not alike or last.charge >= 0.99 * float(np.median(alike)):
        return made  # as much as before: its time was up, or nothing is known
    why = f"the record ends within its {way}, before its voltage limit"
    if _used(made, last.cycle):
        made = made.mask(last.cycle, why=why)
    return replace(made, stopped=made.stopped or f"within the {way} of cycle {last.cycle}")


def _cut_short(made: Cycles, halves: Sequence[Half]) -> Cycles:
    """Half-cycles that stop far before those around them and before the voltage limit."""
    for sign, way in ((1, "charge"), (-1, "discharge")):
        mine = [h for h in halves if h.sign == sign]
        charge = np.array([h.charge for h in mine])
        limited = np.mean([h.at_limit for h in mine]) >= _MOST if mine else False
        for k, half in enumerate(mine):
            beside = np.delete(charge, k)[max(k - _AROUND, 0) : k + _AROUND]
            if half.at_limit or half.ends_record or beside.size < 2:
                continue
            if half.charge >= _SHORT * float(np.median(beside)):
                continue
            share = 100 * half.charge / float(np.median(beside))
            why = (
                f"its {way} was interrupted: it stopped before the voltage limit with {share:.0f} "
                "% of what passed in those around it"
            )
            broken = limited and way != made.first  # what went in is known, what came back is cut
            if broken and _used(made, half.cycle):
                made = made.mask(half.cycle, why=why)
            elif limited:
                made = replace(made, flags=(*made.flags, f"cycle {half.cycle}: {why}"))
    return made


def _silences(made: Cycles, gaps: Sequence[tuple[int, float]], record: Record) -> list[str]:
    """Where nothing was logged for long."""
    told = []
    for row, silent in gaps:
        inside = [c for c in made.curves if c.time[0] <= record.time[row] <= c.time[-1]]
        where = f"before the {inside[0].title}" if inside else "between two steps"
        told.append(
            f"nothing is logged for {show('time', silent, 3)} {where}; charge that passed then is "
            "not in the record"
            if record.charged is None
            else f"nothing is logged for {show('time', silent, 3)} {where}"
        )
    return told


def _pulses(halves: Sequence[Half]) -> list[str]:
    """Pulses against the direction of half-cycles."""
    count = sum(h.pulses for h in halves)
    if not count:
        return []
    share = 100 * sum(h.pulsed for h in halves) / sum(h.charge for h in halves)
    cycles = sorted({h.cycle for h in halves if h.pulses})
    told = ", ".join(map(str, cycles[:5])) + (" and more" if len(cycles) > 5 else "")
    return [
        f"cycle {told}: {count} pulses against the direction of half-cycles, {share:.2g} % of the "
        "charge, count both ways"
    ]


def _outliers(made: Cycles) -> list[str]:
    """Cycles whose discharge or efficiency lies off those around them."""
    told = []
    columns = {"discharge capacity": made.discharge, "Coulombic efficiency": made.ce}
    for name, y in columns.items():
        good = np.flatnonzero(made.whole & np.isfinite(y))
        for k in _off(y[good]):
            told.append(
                f"cycle {made.cycle[good[k]]}: its {name} lies far off those around it; it is used"
            )
    return told


def _off(y: Floats) -> list[int]:
    """Places that lie off the median of their neighbours, on both sides of them."""
    if y.size < 2 * _AROUND + 1:
        return []
    around = np.array(
        [
            np.median(np.delete(y[max(k - _AROUND, 0) : k + _AROUND + 1], min(k, _AROUND)))
            for k in range(y.size)
        ]
    )
    rest = y - around
    scatter = 1.4826 * float(np.median(np.abs(rest)))
    off = (np.abs(rest) > _OFF * scatter) & (np.abs(rest) > _FAR * np.abs(around))
    # the first cycles after activation and the last of a failing cell bend, and are no outliers
    off[[0, -1]] = False
    # a step to a new level (pressure, rate) is none either: it stays
    return [k for k in np.flatnonzero(off).tolist() if (y[k] - y[k - 1]) * (y[k] - y[k + 1]) > 0]


def _excess(made: Cycles) -> str | None:
    """More came back than went in, which a cell without a reservoir cannot do."""
    if not made.reservoir_free:
        return None
    given, back = np.cumsum(made.given * made.used), np.cumsum(made.returned * made.used)
    over = np.flatnonzero(back > given * (1 + _EXCESS))
    if not over.size:
        return None
    k = int(over[0])
    return (
        f"by cycle {made.cycle[k]} {100 * (back[k] / given[k] - 1):.1f} % more came back than went "
        "in, which a cell without a lithium reservoir cannot do: it came partly charged, or a "
        f"cycle does not begin with a {made.first}"
        if given[k] > 0
        else f"cycle {made.cycle[k]} gives back what never went in: the cell came partly charged"
    )
