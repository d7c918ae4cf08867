"""Sign, unit and power of ten: whether what a file says is possible, and agrees with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.cyclers.counters import without_resets
from dualyte.vocabulary import Floats

if TYPE_CHECKING:
    from dualyte.measure.files.cyclers.normalise import Raw

_AGREE: Final = 0.05  # relative: what a counter and the integral of the current may differ by
_NEAR: Final = 0.2  # relative: so near to a factor it is that factor
_WITNESSES: Final = 4  # intervals with a current that a unit is told from
_HIGHEST: Final = 10.0  # V of a cell
#: role: most that is believed, and its unit
_MOST: Final = {
    "time": (3e9, "s"), "current": (1e7, "A"), "voltage": (1e7, "V"), "charged": (1e13, "C"),
    "discharged": (1e13, "C"), "capacity": (1e13, "C"), "net": (1e13, "C"),
}  # fmt: skip
_TIMES: Final = {60.0: "minutes", 3600.0: "hours", 86400.0: "days", 1e-3: "milliseconds"}
_SIXTIES: Final = (3600.0, 1 / 3600.0, 60.0, 1 / 60.0)
_TENS: Final = (1e3, 1e-3, *_SIXTIES, 1e6, 1e-6)
_SAMPLE: Final = 20_000


def plausible(raw: Raw) -> None:
    """Refuse numbers that no cycler logs.

    Raises
    ------
    InputError
        If a time, current or counter is beyond any test.
    """
    for role, (most, unit) in _MOST.items():
        column = raw.columns.get(role)
        if column is None or not column.size:
            continue
        size = np.abs(np.nan_to_num(np.asarray(column, dtype=np.float64), posinf=np.inf))
        if float(size.max()) > most:
            row = int(np.argmax(size))
            raise InputError(
                f"{raw.file}: {role} is {float(column[row]):.4g} {unit} in row {row + 1}, beyond "
                "any test; correct the row, or the unit in the heading"
            )


def time_unit(raw: Raw, span: float | None) -> None:
    """Put a time right whose unit is not what the dates of the rows tell."""
    time = raw.columns["time"]
    own = float(time[-1] - time[0])
    if span is None or span < 30 or own <= 0:
        return
    for factor, name in _TIMES.items():
        for ratio, words in ((factor, f"in {name}"), (1 / factor, f"in s, not {name}")):
            if abs(span / own / ratio - 1) < 0.02:
                raw.columns["time"] = time * ratio
                if "step_time" in raw.columns:
                    raw.columns["step_time"] = raw.columns["step_time"] * ratio
                raw.stated.add("time")
                raw.say(f"took the time as {words}, as the dates of the rows tell")
                return


def voltage_unit(raw: Raw) -> None:
    """Put mV for V right, or refuse a voltage that no cell has.

    Raises
    ------
    InputError
        If the voltage is beyond 10 V.
    """
    voltage = raw.columns["voltage"]
    most, middle = float(np.abs(voltage).max()), float(np.median(np.abs(voltage)))
    if most > _HIGHEST:
        if 100 < middle < 1e3 * _HIGHEST and most < 1e3 * _HIGHEST:
            raw.columns["voltage"] = voltage * 1e-3
            raw.say("took the voltage as in mV: as V it would be beyond 10 V")
            return
        row = int(np.argmax(np.abs(voltage))) + 1
        raise InputError(
            f"{raw.file}: the voltage is {voltage[row - 1]:.4g} V in row {row}, beyond the "
            f"{_HIGHEST:g} V of a cell; correct the row, or name the unit in the heading"
        )
    current = raw.columns["current"]
    small = most < 1e-3 * _HIGHEST and float(voltage.min()) > 5e-5 and middle > 5e-4
    if "voltage" in raw.stated and small and float(np.abs(current).max()) > 0:
        raw.columns["voltage"] = voltage * 1e3
        raw.say("took the voltage as in V: in mV it would stay below 10 mV without changing sign")


def integrals(raw: Raw, rows: int | None = None) -> tuple[float, float]:
    """Least and most charge that the current may have moved between the (first) rows."""
    time, size = raw.columns["time"][:rows], np.abs(raw.columns["current"][:rows])
    dt = np.diff(time)
    before, after = size[:-1], size[1:]
    return float(np.minimum(before, after) @ dt), float(np.maximum(before, after) @ dt)


def _steps_of(column: Floats) -> float:
    """Step in which a column is written: the least difference of its numbers."""
    values = np.unique(np.abs(column[:: max(1, column.size // _SAMPLE)]))
    gaps = np.diff(values)
    gaps = gaps[gaps > 1e-12 * max(float(values[-1]), 1e-300)]
    return float(gaps.min()) if gaps.size else 0.0


def _tolerance(raw: Raw) -> float:
    """Relative difference that the digits of the current explain, and 5 % more."""
    current = raw.columns["current"]
    flowing = np.abs(current[current != 0])
    if flowing.size == 0:
        return _AGREE
    return _AGREE + min(0.5 * _steps_of(current) / float(flowing.mean()), 0.5)


def distance(raw: Raw, counted: float) -> float:
    """How far a charge is off the integral of the current: log of the ratio, 0 within bounds."""
    low, high = integrals(raw)
    if counted <= 0 or high <= 0:
        return float("inf")
    below, above = np.log(max(low, 1e-300) / counted), np.log(counted / high)
    return max(float(below), float(above), 0.0)


def charge_unit(raw: Raw, counted: Floats) -> float:
    """Factor that puts counters right; the current or the time is put right in place.

    Raises
    ------
    InputError
        If they differ by a power of ten and nothing tells which is wrong.
    """
    total = float(counted[-1])
    low, high = integrals(raw)
    flowing = np.count_nonzero(raw.columns["current"][1:] * np.diff(raw.columns["time"]))
    if flowing < _WITNESSES or total <= 0 or high <= 0 or distance(raw, total) < np.log(2):
        return 1.0
    # the last number of a file cut short is another number: half of the rows must say the same
    half = int(np.searchsorted(counted, 0.5 * float(counted[-2]))) + 1
    part = float(counted[half - 1]), *integrals(raw, half)
    if "time" not in raw.stated:
        for factor, name in _TIMES.items():
            if _between(total, factor, low, high) and _between(part[0], factor, *part[1:]):
                raw.columns["time"] = raw.columns["time"] * factor
                raw.say(f"took the time as in {name}, as the counters of charge tell")
                return 1.0
    near = [
        factor
        for factor in _TENS
        if _between(total, factor, low, high) and _between(part[0], factor, *part[1:])
    ]
    if not near:
        return 1.0
    factor = near[0]
    wrong = _wrong(raw, factor, total)
    if wrong == "current" and factor in _SIXTIES:
        wrong = "time"
    if wrong in ("current", "time"):
        raw.columns[wrong] = raw.columns[wrong] * factor
        raw.say(f"multiplied the {wrong} by {factor:.6g}, as the counters of charge tell")
        return 1.0
    if wrong == "charge":
        raw.say(f"divided the counters of charge by {factor:.6g}, as the current tells")
        return 1 / factor
    raise InputError(
        f"{raw.file}: the counters of charge are {factor:.6g} times the integral of the current, "
        "so a unit is wrong (A or mA, Ah or mAh, h or s); correct the heading"
    )


def _between(total: float, factor: float, low: float, high: float) -> bool:
    """Whether a charge is within what the current may have moved, times a factor."""
    mean = 0.5 * (low + high) * factor
    return min(low * factor, (1 - _NEAR) * mean) <= total <= max(high * factor, (1 + _NEAR) * mean)


def _wrong(raw: Raw, factor: float, total: float) -> str:
    """Whether current or charge has the wrong unit; empty if nothing tells."""
    columns = raw.columns
    power = columns.get("power")
    voltage = np.abs(columns["voltage"])
    if power is not None and np.isfinite(power).all():
        ours = float((np.abs(columns["current"]) * voltage).sum())
        if ours > 0 and (theirs := float(np.abs(power).sum())) > 0:
            if abs(theirs / ours - 1) < _NEAR:
                return "charge"
            if abs(theirs / ours / factor - 1) < _NEAR:
                return "current"
    energy = _energy(raw)
    if energy > 0 and (middle := float(np.median(voltage))) > 0:
        mean = energy / total  # V, by the counters
        if 0.3 < mean / middle < 3:
            return "current"
        if 0.3 < mean * factor / middle < 3:
            return "charge"
    known = {"current": "current" in raw.stated,
             "charge": bool(raw.stated & {"charged", "discharged", "capacity", "net"})}  # fmt: skip
    if known["current"] != known["charge"]:
        return "charge" if known["current"] else "current"
    return ""


def _energy(raw: Raw) -> float:
    """Energy that the counters hold, J."""
    total = 0.0
    for role in ("charge_energy", "discharge_energy"):
        column = raw.columns.get(role)
        if column is not None and np.isfinite(column).all() and column.size:
            grown = without_resets(np.abs(column))
            total += float(grown[-1] - grown[0])
    return total


def sign(
    raw: Raw,
    counters: dict[str, Floats] | None,
    states: Floats | None,
    begun: npt.NDArray[np.bool_] | None,
) -> None:
    """Make the current positive on charge, by states, counters, or how the voltage answers."""
    current = raw.columns["current"]
    if not (current != 0).any():
        return
    if raw.form.positive == "discharge":
        raw.columns["current"] = current = -current
        raw.say(f"turned the sign of the current: {raw.form.name} has it positive on discharge")
    told = _by_counters(current, counters, begun) if counters is not None else None
    if states is not None:
        told = states if told is None else np.where(told != 0, told, states)
    if told is not None and (told != 0).any():
        flowing = (told != 0) & (current != 0)
        weight = np.abs(current[flowing])
        agree = float((np.sign(current[flowing]) == told[flowing]) @ weight)
        share = agree / float(weight.sum()) if weight.size else 1.0
        signless = (current >= 0).all() or (current <= 0).all()
        if share > (0.999 if signless else 0.9):
            return
        if signless and share > -0.999:
            raw.columns["current"] = np.abs(current) * np.where(told != 0, told, np.sign(current))
            why = "states" if states is not None else "counters of charge"
            raw.say(f"gave the current, which has no sign, the sign that the {why} tell")
            return
        if share < 0.1:
            raw.columns["current"] = -current
            raw.say("turned the sign of the current, which is positive on discharge by the file")
            return
        if share > 0.7:
            raw.say(f"the current has the sign that the counters tell in {share:.0%} of the charge")
            return
        raise InputError(
            f"{raw.file}: the sign of the current agrees with what was charged and discharged in "
            f"only {share:.0%} of the charge; the file contradicts itself"
        )
    if raw.form.positive == "discharge" or not raw.form.text:  # the format itself has a sign
        return
    if _both_ways(raw):
        raise InputError(
            f"{raw.file}: the current has no sign, and nothing tells charge from discharge; add a "
            "column State (C, D, R), or export a signed current"
        )
    if _answers(raw) < 0:
        raw.columns["current"] = -current
        raw.say("turned the sign of the current: the voltage falls where it was positive")


def _by_counters(
    current: Floats, counters: dict[str, Floats], begun: npt.NDArray[np.bool_] | None
) -> Floats | None:
    """1 where the counter of charge grows, -1 where that of discharge does."""
    up = np.diff(counters["charged"], prepend=counters["charged"][0])
    down = np.diff(counters["discharged"], prepend=counters["discharged"][0])
    told = np.where(np.abs(up - down) > 0.5 * (up + down), np.sign(up - down), 0.0)
    known = np.flatnonzero(told)
    if known.size == 0:
        return None
    # counters written in few digits stand still for rows: what they do next, or did last in the
    # same stretch of current, is told there, too
    away = np.sign(current)
    turned = np.diff(away, prepend=away[0]) != 0
    turned |= begun if begun is not None else False
    run = np.cumsum(turned)
    size = int(run[-1]) + 1
    up_votes = np.bincount(run[known], told[known] > 0, size)
    down_votes = np.bincount(run[known], told[known] < 0, size)
    votes = np.sign(up_votes - down_votes)[run]
    signless = (current >= 0).all() or (current <= 0).all()
    if not signless:
        return np.asarray(votes)
    after = np.searchsorted(known, np.arange(told.size))
    following = told[known[np.minimum(after, known.size - 1)]]
    mixed = ((up_votes > 0) & (down_votes > 0))[run]
    return np.asarray(np.where(mixed, following, votes))


def _both_ways(raw: Raw) -> bool:
    """Whether the voltage runs far up and far down while a current flows that has no sign."""
    voltage, current = raw.columns["voltage"], raw.columns["current"]
    if (current < 0).any():
        return False
    flowing = voltage[current > 0.5 * float(current.max())]
    far = 0.5 * float(np.ptp(flowing))
    fall = float((np.maximum.accumulate(flowing) - flowing).max())
    rise = float((flowing - np.minimum.accumulate(flowing)).max())
    return far > 0.01 and min(fall, rise) > far


def _answers(raw: Raw) -> float:
    """-1 if the voltage answers against the current, 1 if with it, 0 if unclear."""
    time, voltage, current = (raw.columns[k] for k in ("time", "voltage", "current"))
    dv, di = np.diff(voltage), np.diff(current)
    most = float(np.abs(current).max())
    jump = np.abs(di) > 0.5 * most
    flow = ~jump & (np.abs(current[1:]) > 0.05 * most) & (np.diff(time) > 0)
    at_jumps = _lean(np.sign(di[jump]) * dv[jump])
    in_steps = _lean(np.sign(current[1:][flow]) * dv[flow])
    if at_jumps * in_steps < 0:
        return 0.0
    return float(np.sign(at_jumps + in_steps))


def _lean(products: Floats) -> float:
    """1 or -1 if most of a sum has one sign, else 0."""
    size = float(np.abs(products).sum())
    if size == 0:
        return 0.0
    share = float(products.sum()) / size
    return float(np.sign(share)) if abs(share) > 0.5 else 0.0


def counters_agree(raw: Raw, charged: Floats, discharged: Floats) -> bool:
    """Whether counters may be kept; a smaller difference from the current is said only."""
    counted = float(charged[-1] - charged[0] + discharged[-1] - discharged[0])
    _, high = integrals(raw)
    if counted <= 0 and high > 0:
        grain = max(high, 1e-300)
        if grain > 1e-3:
            raw.say("left out counters of charge that stand still while a current flows")
            return False
        return True
    if high <= 0:
        return True
    off = distance(raw, counted)
    if off > np.log(2):
        raw.say(
            "left out the counters of charge, which are off the integral of the current by a "
            f"factor of {np.exp(off):.3g}"
        )
        return False
    if off > np.log1p(_tolerance(raw)):
        raw.say(
            "kept the counters of charge, though the integral of the current differs by "
            f"{np.expm1(off):.1%} (rows far apart, or a wrong factor)"
        )
    return True
