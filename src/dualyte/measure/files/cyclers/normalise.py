"""From the columns of a file to a Record: SI, one time, one sign, counters without resets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.cyclers import checks
from dualyte.measure.files.cyclers.clocks import clock_seconds, day_first_of, stamps
from dualyte.measure.files.cyclers.counters import (
    direction,
    filled,
    of_net,
    of_steps,
    without_resets,
)
from dualyte.measure.files.cyclers.headings import CLOCKS, UNITS, split
from dualyte.measure.files.cyclers.maps import PLAIN, QUANTITY, Format
from dualyte.measure.files.record import Record
from dualyte.vocabulary import Floats

Column = npt.NDArray[Any]
_USUAL: Final = {"charge": "ah", "energy": "wh"}  # until the current tells otherwise
_NEEDED: Final = ("voltage", "current")
_DISCHARGES: Final = (r"^d[_ ]", r"discharg", r"dchg", r"dischg", r"\bdis", "放电")


@dataclass(slots=True, kw_only=True)
class Raw:
    """Columns of a file by their role, in SI, before they are joined and checked."""

    form: Format
    file: str
    columns: dict[str, Column] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)  #: roles whose unit the file names
    facts: dict[str, float] = field(default_factory=dict)
    started: float | None = None  #: POSIX time when the test began
    changes: list[str] = field(default_factory=list)
    title: str = ""

    def say(self, text: str) -> None:
        """Remember what was changed."""
        self.changes.append(text)


def from_table(
    form: Format,
    file: str,
    headings: Sequence[str],
    units: Sequence[str],
    columns: Sequence[Column],
    *,
    changes: Sequence[str] = (),
    title: str = "",
) -> Raw:
    """Give columns their roles and SI units.

    Raises
    ------
    InputError
        If the unit of a column is unknown.
    """
    raw = Raw(form=form, file=file, changes=list(changes), title=title)
    words: dict[str, tuple[int, str]] = {}
    for k, heading in enumerate(headings):
        word, unit = split(heading, units[k] if k < len(units) else "")
        if word and word not in words:
            words[word] = (k, unit)
    for role in (*QUANTITY, *PLAIN):
        for word in form.role(role):
            if word not in words:
                continue
            k, unit = words[word]
            if role in PLAIN:
                raw.columns[role] = columns[k]
            elif not _put(raw, role, columns[k], unit, headings[k]):
                continue
            break
    return raw


def _put(raw: Raw, role: str, column: Column, unit: str, heading: str) -> bool:
    """Put a column into SI under its role; False if it is another quantity."""
    known = UNITS[QUANTITY[role]]
    said = unit
    unit = unit or raw.form.units.get(role) or _USUAL.get(QUANTITY[role], "")
    if role in ("time", "step_time") and (column.dtype == object or CLOCKS.fullmatch(unit)):
        if column.dtype == object:
            numbers = clock_seconds(column.tolist())
            if np.isnan(numbers).mean() > 0.5:
                return False  # a date, or words
            raw.stated.add(role)
            raw.columns[role] = numbers
            return True
        unit = ""
    if unit and unit not in known:
        if role in (*_NEEDED, "time"):
            raise InputError(
                f"{raw.file}: the unit of {heading!r} is not known for a {QUANTITY[role]}; give "
                f"one of {', '.join(list(known)[:8])}"
            )
        return False
    numbers = _numbers(column)
    if said:
        raw.stated.add(role)
    if role == "temperature":
        raw.columns[role] = _kelvin(raw, numbers, unit)
    else:
        raw.columns[role] = numbers * known[unit] if unit else numbers
    return True


def _numbers(column: Column) -> Floats:
    """Numbers of a column; nan for words."""
    if column.dtype != object:
        return np.asarray(column, dtype=np.float64)
    out = np.full(column.size, np.nan)
    for k, cell in enumerate(column):
        try:
            out[k] = float(cell)
        except (TypeError, ValueError):
            continue
    return out


def _kelvin(raw: Raw, numbers: Floats, unit: str) -> Floats:
    """Temperatures in K; without a unit, what lies far above a room in °C is K."""
    if not unit:
        middle = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else 0.0
        unit = "k" if 200 < middle < 500 else "c"
        raw.say(f"took the temperature, which has no unit, as {'K' if unit == 'k' else 'degC'}")
    return numbers + UNITS["temperature"][unit]


def record(raw: Raw) -> Record:
    """Join, check and sign the columns of a file.

    Raises
    ------
    InputError
        If time, voltage or current is missing, or the numbers cannot be right.
    """
    with np.errstate(all="ignore"):  # damaged files hold numbers of any size
        return _record(raw)


def _record(raw: Raw) -> Record:
    _without_impedance(raw)
    _with_time(raw)
    _whole_rows(raw)
    checks.plausible(raw)
    stamp = raw.columns.get("stamp")
    first = _when(raw, stamp, 0) if stamp is not None else None
    checks.time_unit(raw, _span(raw, stamp) if stamp is not None else None)
    checks.voltage_unit(raw)
    charged, discharged = _counters(raw)
    time = raw.columns["time"]
    if first is None and raw.started is not None:
        first = raw.started + float(time[0])
    return Record(
        time=time,
        voltage=raw.columns["voltage"],
        current=raw.columns["current"],
        charged=charged,
        discharged=discharged,
        cycle=_whole_numbers(raw.columns.get("cycle")),
        step=_whole_numbers(raw.columns.get("step")),
        temperature=_temperature(raw),
        name=raw.file if not raw.title else f"{raw.file}, {raw.title}",
        file=raw.file,
        form=raw.form.name,
        started=first,
        facts=raw.facts,
        changes=tuple(dict.fromkeys(raw.changes)),
    )


def _without_impedance(raw: Raw) -> None:
    """Leave out rows of a spectrum: neither their voltage nor their time is the cell's."""
    if (frequency := raw.columns.pop("frequency", None)) is None:
        return
    spectra = np.isfinite(frequency) & (frequency > 0)
    if spectra.any():
        _keep(raw, ~spectra)
        raw.say(f"left out {int(spectra.sum())} rows of impedance")


def _keep(raw: Raw, rows: npt.NDArray[np.bool_]) -> None:
    for role, column in raw.columns.items():
        raw.columns[role] = column[rows]


def _whole_rows(raw: Raw) -> None:
    """Leave out rows without a time, a voltage or a current."""
    whole = np.ones(raw.columns["voltage"].size, dtype=bool)
    for role in ("time", *_NEEDED):
        whole &= np.isfinite(raw.columns[role])
    if not whole.any():
        raise InputError(f"{raw.file}: no row has a time, a voltage and a current")
    if not whole.all():
        lost = int((~whole).sum())
        if lost > 0.5 * whole.size:
            raise InputError(
                f"{raw.file}: {lost} of {whole.size} rows lack a time, a voltage or a current; "
                "export it again"
            )
        _keep(raw, whole)
        raw.say(f"left out {lost} rows without a time, a voltage or a current")


def _with_time(raw: Raw) -> None:
    """One time since the test began."""
    for role in _NEEDED:
        if role not in raw.columns:
            raise InputError(
                f"{raw.file}: no column for the {role}; a cycler's file has time, voltage and "
                "current, such as Time [s], Voltage [V], Current [A]"
            )
    for role in ("time", "step_time"):
        if (column := raw.columns.get(role)) is None or not np.isfinite(column).any():
            continue
        if role == "step_time" or (np.diff(column[np.isfinite(column)]) < 0).any():
            column = _joined(raw, column, role)
        raw.columns["time"] = column
        return
    stamp = raw.columns.get("stamp")
    when = _stamps(raw, stamp) if stamp is not None else np.zeros(0)
    if not np.isfinite(when).any():
        raise InputError(f"{raw.file}: no column for the time; add one, such as Time [s]")
    raw.columns["time"] = when - when[np.isfinite(when)][0]
    raw.stated.add("time")
    raw.say("took the time from the dates of the rows")


def _joined(raw: Raw, column: Floats, role: str) -> Floats:
    """A time that starts again at every step, or after a restart, as one."""
    whole = np.isfinite(column)
    known = column[whole]
    fallen = np.flatnonzero(np.diff(known) < 0) + 1
    if (known[fallen] > 0.1 * known[fallen - 1]).any() and role == "time":
        return column  # not a restart: the record refuses it and names the row
    out = column.copy()
    out[whole] = known + np.cumsum(np.bincount(fallen, known[fallen - 1], known.size))
    if fallen.size:
        raw.say(f"joined a time that starts again {fallen.size} times")
    return out


def _stamps(raw: Raw, column: Column) -> Floats:
    first = raw.form.day_first
    if column.dtype == object:
        sample = column[:: max(1, column.size // 200)]
        told = day_first_of([*sample, *column[-1:]])
        first = told if told is not None else first
    return stamps(column, first)


def _when(raw: Raw, column: Column, row: int) -> float | None:
    """POSIX time of a row; None where nothing tells the order of day and month."""
    first = raw.form.day_first
    if column.dtype == object:
        told = day_first_of(column[:: max(1, column.size // 200)].tolist())
        first = told if told is not None else first
    cell = column[row : row + 1 or None]
    found = float(stamps(cell, first)[0])
    return found if np.isfinite(found) else None


def _span(raw: Raw, column: Column) -> float | None:
    """Seconds between the dates of the first and the last row."""
    a, b = _when(raw, column, 0), _when(raw, column, -1)
    if (a is None or b is None) and column.dtype == object:  # of either order, if both agree
        both = [stamps(column[[0, -1]], order) for order in (True, False)]
        spans = {round(float(pair[1] - pair[0])) for pair in both if np.isfinite(pair).all()}
        return float(spans.pop()) if len(spans) == 1 else None
    return None if a is None or b is None else b - a


def _counters(raw: Raw) -> tuple[Floats | None, Floats | None]:
    """Sign the current, and make one growing counter for each direction."""
    found: dict[str, Floats] = {}
    for role in ("charged", "discharged"):
        column = raw.columns.get(role)
        if column is not None and np.isfinite(column).any():
            magnitude = np.abs(filled(column))
            found[role] = without_resets(magnitude, _begun(raw))
    if len(found) == 1:  # the other direction is counted nowhere
        only = next(iter(found))
        if "capacity" not in raw.columns and "net" not in raw.columns:
            raw.say(f"passed over the counter of what was {only}: the other one is missing")
        found = {}
    if found:
        counted = found["charged"] + found["discharged"]
        scale = checks.charge_unit(raw, counted - counted[0])
        found = {role: column * scale for role, column in found.items()}
        checks.sign(raw, found, _by_state(raw), _begun(raw))
        return _agreeing(raw, found["charged"], found["discharged"])
    checks.sign(raw, None, _by_state(raw), _begun(raw))
    ways: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
        ("capacity", of_steps), ("net", of_net), ("capacity", of_net), ("net", of_steps),
    )  # fmt: skip
    best: tuple[float, Floats] | None = None
    for role, steps in ways:
        if (column := raw.columns.get(role)) is None or not np.isfinite(column).any():
            continue
        grown = steps(filled(column))
        off = checks.distance(raw, float(grown.sum()))
        if best is None or off < best[0] - 1e-9:
            best = (off, grown)
    if best is None:
        return None, None
    grown = best[1] * checks.charge_unit(raw, np.cumsum(best[1]))
    away = direction(raw.columns["current"])
    return _agreeing(raw, np.cumsum(grown * (away > 0)), np.cumsum(grown * (away < 0)))


def _begun(raw: Raw) -> npt.NDArray[np.bool_] | None:
    """Rows with which a step or cycle begins; None where the file numbers neither."""
    begun = None
    for role in ("step", "cycle"):
        if (column := raw.columns.get(role)) is not None and column.size:
            turned = np.concatenate([[False], column[1:] != column[:-1]])
            begun = turned if begun is None else begun | turned
    return begun


def _agreeing(raw: Raw, charged: Floats, discharged: Floats) -> tuple[Floats | None, Floats | None]:
    if not checks.counters_agree(raw, charged, discharged):
        return None, None
    return charged, discharged


def _by_state(raw: Raw) -> Floats | None:
    """1, -1 or 0 by the words of a column of states; None where they tell nothing."""
    state = raw.columns.get("state")
    if state is None or state.dtype != object:
        return None
    import pandas as pd

    codes, states = pd.factorize(state)
    sign = np.zeros(len(states) + 1)  # the last is for what is void
    for k, word in enumerate(states):
        text = str(word).strip().casefold()
        if text == "d" or any(re.search(pattern, text) for pattern in _DISCHARGES):
            sign[k] = -1.0
        elif text == "c" or re.search(r"^c[_ ]|charg|chg|\bcha|充电", text):
            sign[k] = 1.0
    if not sign.any():
        return None
    return np.asarray(sign[codes])


def _whole_numbers(column: Column | None) -> npt.NDArray[np.int64] | None:
    """Numbers of cycles or steps; None if any is missing."""
    if column is None:
        return None
    numbers = _numbers(column)
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > 1e9:
        return None
    return np.round(numbers).astype(np.int64)


def _temperature(raw: Raw) -> Floats | None:
    """Temperature, unless no sensor is connected."""
    column = raw.columns.get("temperature")
    if column is None or not np.isfinite(column).any():
        return None
    known = column[np.isfinite(column)]
    if column.size > 1 and (known == 273.15).all():
        raw.say("left out a temperature of 0 degC in every row: no sensor seems to be connected")
        return None
    if known.min() < 150 or known.max() > 700:
        raw.say(
            f"left out a temperature that runs from {known.min():.4g} to {known.max():.4g} K, "
            "beyond what cells bear"
        )
        return None
    return column


def facts_of(pairs: Mapping[str, float | None]) -> dict[str, float]:
    """Facts that are known and positive."""
    return {name: float(x) for name, x in pairs.items() if x is not None and x > 0}
