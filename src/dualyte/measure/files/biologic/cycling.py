"""What a Bio-Logic file says of the cycling of a cell: one record, in SI.

The current of the program is positive where the working electrode is oxidised. For a cell whose
working electrode is the positive one, that is charge, and the sign stays as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.biologic.modules import MAGIC
from dualyte.measure.files.biologic.spectra import holds_impedance
from dualyte.measure.files.biologic.table import Table, read_data, read_mpr_table
from dualyte.measure.files.biologic.text import OPENING, headings, read_mpt_table
from dualyte.measure.files.record import Record
from dualyte.vocabulary import Floats, checked

_TIMES: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_VOLTS: Final = {"V": 1.0, "mV": 1e-3, "µV": 1e-6}
_AMPERES: Final = {"A": 1.0, "mA": 1e-3, "µA": 1e-6, "nA": 1e-9, "pA": 1e-12}
_COULOMBS: Final = {"C": 1.0, "mC": 1e-3, "A.h": 3600.0, "mA.h": 3.6, "µA.h": 3.6e-3}
_HEAD: Final = 65536
_ZERO: Final = 273.15  # K at 0 °C
_GALVANOSTATIC, _REST = 1, 3  # what the column "mode" says
_EIS: Final = ({"Re(Z)/Ohm", "-Im(Z)/Ohm"}, {"|Z|/Ohm", "Phase(Z)/deg"})


def looks_like(path: Path, head: bytes) -> str | None:
    """Name of the format if a file begins as one of Bio-Logic's, whatever its suffix.

    Parameters
    ----------
    path
        The file; not opened.
    head
        Its first bytes.
    """
    if head.startswith(MAGIC):
        return "Bio-Logic .mpr"
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head[:200].decode("utf-16" if wide else "utf-8", errors="ignore")
    return "Bio-Logic .mpt" if OPENING.match(text) else None


def holds(path: Path) -> frozenset[str]:
    """What a Bio-Logic file holds: "eis", "cycling", both or nothing; never raises.

    A file holds impedance if a row has a frequency, and cycling if one has none and the columns
    of a cycler are there. The first rows at rest of an impedance are no cycling.
    """
    try:
        with path.open("rb") as file:
            form = looks_like(path, file.read(_HEAD))
        if form == "Bio-Logic .mpr":
            return _in_binary(path)
        return _in_text(path) if form else frozenset()
    except (InputError, OSError, ValueError):
        return frozenset()


def _in_binary(path: Path) -> frozenset[str]:
    data = read_data(path)
    there = set(data.offsets)
    cycler = 4 in there and bool(there & {6, 174, 27}) and not there & {77}
    frequency = data.column(32) if holds_impedance(data) else None
    return _kinds(cycler, frequency)


def _in_text(path: Path) -> frozenset[str]:
    names = set(headings(path))
    impedance = "freq/Hz" in names and any(parts <= names for parts in _EIS)
    cycler = any(name.startswith("time/") or name == "time/s" for name in names) and (
        not impedance or "mode" in names
    )
    if not impedance or not cycler:
        return frozenset({"eis"} if impedance else {"cycling"} if cycler else ())
    return _kinds(cycler, read_mpt_table(path).get("freq/Hz"))


def _kinds(cycler: bool, frequency: npt.NDArray[np.floating] | None) -> frozenset[str]:
    if frequency is None:
        return frozenset({"cycling"} if cycler else ())
    swept = frequency != 0
    found = {"eis"} if swept.any() else set()
    return frozenset(found | ({"cycling"} if cycler and not swept.all() else set()))


def read_biologic_records(path: Path) -> list[Record]:
    """Read the cycling of a Bio-Logic .mpr or .mpt file.

    Parameters
    ----------
    path
        The file; what it is, its content tells.

    Returns
    -------
    list of Record
        One record. Its voltage is that of the cell, Ewe - Ece, where both were logged, else Ewe.
        Rows of impedance are left out, the charge that flowed in them is not. `started` takes
        the local time of the file as UTC. What was computed or left out, `changes` says.

    Raises
    ------
    InputError
        If it is damaged, holds no cycling, or charge and current contradict each other.
    """
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    try:
        with path.open("rb") as file:
            form = looks_like(path, file.read(_HEAD))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from error
    if form is None:
        raise InputError(
            f"{path.name} is no Bio-Logic file: it begins neither as an .mpr file nor with "
            "'EC-Lab ASCII FILE'"
        )
    table = read_mpr_table(path) if form == "Bio-Logic .mpr" else read_mpt_table(path)
    return [_record(path, table)]


def _record(path: Path, table: Table) -> Record:
    said: list[str] = []
    time = _quantity(table, "time", _TIMES)
    voltage = _voltage(table, said)
    swept, frequency = np.zeros(len(table), dtype=bool), table.get("freq/Hz")
    if frequency is not None:
        swept = frequency != 0
    if time is None or voltage is None or swept.all() or _alone(table):
        is_ = (
            "it is an impedance measurement"
            if frequency is not None
            else f"its columns are {', '.join(table.names)}"
        )
        raise InputError(f"{path.name} holds no cycling: {is_}")
    added = _added(table, said)
    current = _current(table, time, added, said)
    if added is not None:
        _check_charge(path.name, time, current, added, swept)
    cycle = _cycle(table, said)
    heat = table.get("Temperature/°C")
    if swept.any():
        said.append(f"left out {int(swept.sum())} of {swept.size} rows, which are of impedance")
    kept = ~swept
    with np.errstate(all="ignore"):
        charged = None if added is None else np.cumsum(np.maximum(added, 0.0))[kept]
        discharged = None if added is None else np.cumsum(np.maximum(-added, 0.0))[kept]
    step = table.get("Ns")
    return Record(
        time=time[kept],
        voltage=_plausible(path.name, "voltage", voltage[kept]),
        current=_plausible(path.name, "current", current[kept]),
        charged=charged,
        discharged=discharged,
        cycle=None if cycle is None else _whole(path.name, "cycle number", cycle[kept]),
        step=None if step is None else _whole(path.name, "Ns", step[kept]),
        temperature=None if heat is None else heat[kept] + _ZERO,
        name=path.stem,
        file=path.name,
        form=table.form,
        started=None if table.clock is None else table.clock + float(time[kept][0]),
        facts=table.facts,
        changes=(*table.changes, *said),
    )


def _plausible(name: str, word: str, column: Floats) -> Floats:
    """Refuse what cannot be, such as decimal commas read as thousands."""
    try:
        return np.asarray(checked(word, column))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _alone(table: Table) -> bool:
    """Whether it is an impedance measurement, whose rows without a frequency are its rest."""
    there = set(table.names)
    return "freq/Hz" in there and "mode" not in there


def _quantity(table: Table, name: str, units: dict[str, float]) -> Floats | None:
    """The column of a name in SI, whatever unit its heading has."""
    for heading, column in zip(table.names, table.columns, strict=True):
        if not heading.startswith(f"{name}/"):
            continue
        unit = (heading[len(name) + 1 :].split() or [""])[0].replace("μ", "µ")
        if unit in units:
            return column if units[unit] == 1.0 else column * units[unit]
    return None


def _voltage(table: Table, said: list[str]) -> Floats | None:
    work = next(
        (v for n in ("Ewe", "<Ewe>", "Ecell") if (v := _quantity(table, n, _VOLTS)) is not None),
        None,
    )
    whole = _quantity(table, "Ewe-Ece", _VOLTS)
    counter = next(
        (v for n in ("Ece", "<Ece>") if (v := _quantity(table, n, _VOLTS)) is not None), None
    )
    if whole is None and work is not None and counter is not None:
        whole = work - counter
    if whole is not None:
        said.append("took Ewe - Ece as the voltage: that of the cell, not of one electrode")
        return whole
    return work


def _added(table: Table, said: list[str]) -> Floats | None:
    """Charge (C) that each row adds to those before it.

    The count since the start is taken rather than that of each row, which lacks what flowed
    before a sweep of impedance; it begins anew with some loops.
    """
    total, part = (_quantity(table, name, _COULOMBS) for name in ("(Q-Qo)", "dq"))
    half, of_half = table.get("half cycle"), _quantity(table, "Q charge/discharge", _COULOMBS)
    of_half = None if half is None else of_half  # where it begins anew cannot be told
    with np.errstate(all="ignore"):
        if total is not None and "(Q-Qo)/C" in table.names and of_half is not None:
            total = None  # a count of half cycles in double precision is the better one
        if total is not None:
            added = np.diff(total, prepend=total[:1])
            fresh = np.zeros(added.size, dtype=bool)
            if table.starts is not None:
                fresh[table.starts[table.starts < added.size]] = True
            if part is not None:
                most = 1e-3 * np.max(np.abs(total))
                fresh |= (np.abs(total) < most) & (np.abs(added - part) > most)
            added[fresh] = 0.0 if part is None else part[fresh]
            added[0] = 0.0
            said.append("took the charge from (Q-Qo)")
            return added
        if of_half is not None and half is not None:
            added = np.diff(of_half, prepend=of_half[:1])
            turned = np.diff(half, prepend=half[:1]) != 0
            added[turned] = of_half[turned]
            said.append("took the charge from Q charge/discharge")
            return added
        if part is not None:
            said.append("took the charge from dq")
            return np.where(np.arange(part.size) == 0, 0.0, part)
    return None


def _current(table: Table, time: Floats, added: Floats | None, said: list[str]) -> Floats:
    for name in ("I", "<I>"):
        if (logged := _quantity(table, name, _AMPERES)) is not None:
            return logged
    part = _quantity(table, "dq", _COULOMBS)
    charge, mode = added if part is None else part, table.get("mode")
    if charge is not None:
        with np.errstate(all="ignore"):
            passed = np.diff(time, prepend=time[:1])
            current = np.where(passed > 0, charge / passed, 0.0)
        control = _control(table)
        if control is not None and mode is not None:
            set_ = (passed <= 0) & (mode == _GALVANOSTATIC)
            current = np.where(set_, control, current)
        said.append("took the current from charge and time: the file logs none")
        return current
    if mode is not None and (mode == _REST).all():
        said.append("took the current as 0: the file logs none, and the cell is at rest")
        return np.zeros(len(table))
    control = _control(table)
    if control is not None and mode is not None and (mode <= _GALVANOSTATIC).all():
        said.append("took the current that was set: the file logs none")
        return control
    raise InputError(
        f"{table.file} logs neither current nor charge: its columns are {', '.join(table.names)}"
    )


def _control(table: Table) -> Floats | None:
    """Current that was set, A; the column holds volts where the mode is not galvanostatic."""
    found = table.get("control/V/mA")
    found = table.get("control/mA") if found is None else found
    return None if found is None else found * 1e-3


def _check_charge(
    name: str, time: Floats, current: Floats, added: Floats, swept: npt.NDArray[np.bool_]
) -> None:
    """Refuse a sign or power of ten in which charge and current differ."""
    with np.errstate(all="ignore"):
        mean = np.diff(time) * (current[1:] + current[:-1]) / 2
        strong = np.minimum(np.abs(current[1:]), np.abs(current[:-1]))
        steady = np.abs(current[1:] - current[:-1]) < 0.2 * strong
        used = steady & ~swept[1:] & ~swept[:-1] & (added[1:] != 0) & (np.diff(time) > 0)
        ratios = (added[1:] / mean)[used]
    ratios = ratios[np.isfinite(ratios)]
    if ratios.size < 20:
        return
    ratio = float(np.median(ratios))
    if not 0.5 < ratio < 2.0:
        raise InputError(
            f"{name}: its charge is {ratio:.3g} times the current by the time; a column is of "
            "another unit or sign, or the file is damaged: export it again from EC-Lab"
        )


def _cycle(table: Table, said: list[str]) -> Floats | None:
    for name in ("cycle number", "Cycle number"):
        if (cycle := table.get(name)) is not None:
            return cycle
    if (half := table.get("half cycle")) is not None:
        said.append("counted cycles from half cycles, as the text export does")
        return np.floor(half / 2)
    return None


def _whole(name: str, what: str, column: Floats) -> npt.NDArray[np.int64]:
    if not (np.isfinite(column) & (np.abs(column) < 2**53)).all():
        raise InputError(f"{name}: {what} holds what is no count; the file is damaged")
    return np.asarray(column.astype(np.int64))
