"""Text exports of EC-Lab and BT-Lab: a head of counted lines, then one table."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.biologic.modules import PRESETS, cell_facts
from dualyte.measure.files.biologic.table import Table
from dualyte.measure.files.grid import Grid, grids
from dualyte.measure.files.table import decoded
from dualyte.vocabulary import Floats

#: how the text begins
OPENING: Final = re.compile(r"\ufeff?(EC|BT)-Lab ASCII FILE")
_COUNTED: Final = re.compile(r"Nb header lines\s*:\s*(\d+)", re.IGNORECASE)
_LOOP: Final = re.compile(r"^Loop \d+ from point number (\d+) to (\d+)", re.MULTILINE)
_BEGAN: Final = re.compile(r"^Acquisition started on : (\S+ \S+)", re.MULTILINE)
_WHOLE: Final = re.compile(r"[^\t]*[0-9][eE][+-]\d{3}")  # a number whose end can be told
_MASSES: Final = {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "µg": 1e-9}
_AREAS: Final = {"m²": 1.0, "dm²": 1e-2, "cm²": 1e-4, "mm²": 1e-6}
_CHARGES: Final = {"A.h": 3600.0, "mA.h": 3.6, "µA.h": 3.6e-3}


def read_mpt_table(path: Path) -> Table:
    """Read every column of a text export.

    Parameters
    ----------
    path
        The .mpt file: decimals marked by points or commas, lines ended in any way.

    Returns
    -------
    Table
        Its columns as float64; those of words are left out, which `changes` says.

    Raises
    ------
    InputError
        If it has no table, or broken lines.
    """
    text = decoded(path).replace("\r\n", "\n").replace("\r", "\n")
    if not OPENING.match(text):
        raise InputError(
            f"{path.name} is no text export of EC-Lab or BT-Lab: it does not begin with "
            "'EC-Lab ASCII FILE'"
        )
    start = _start(path.name, text)
    head = _first_lines(text, start)
    text, said = _whole_lines(text)
    above = "\n".join(head) + "\n"
    heading, _, numbers = text[len(above) :].partition("\n")
    text = f"{above}{heading.rstrip()}\n{numbers}"  # headings end with a tab, rows do not
    found = grids(text, name=path.name, start=start, fewest=2)
    if len(found) > 1:
        raise InputError(
            f"{path.name}, line {found[1].first_line}: the table is broken here; export it again"
        )
    names, columns, clock = _columns(found[0], said)
    rows = columns[0].size
    starts = _starts(head, rows, said)
    facts, ignored = _facts(head)
    return Table(
        names=names,
        columns=columns,
        file=path.name,
        form="Bio-Logic .mpt",
        starts=starts,
        clock=_clock(head) if clock is None else clock,
        facts=facts,
        changes=(*found[0].changes, *said, *ignored),
    )


def headings(path: Path) -> tuple[str, ...]:
    """Headings of a text export, without reading its numbers.

    Raises
    ------
    InputError
        If it has none.
    """
    text = decoded(path).replace("\r\n", "\n").replace("\r", "\n")
    start = _start(path.name, text)
    return tuple(name.strip() for name in _first_lines(text, start + 1)[-1].split("\t"))


def _first_lines(text: str, count: int) -> list[str]:
    return text.split("\n", count)[:count]


def _start(name: str, text: str) -> int:
    """Index of the line of headings."""
    counted = _COUNTED.search(text[:500])
    start = int(counted[1]) - 1 if counted else -1
    lines = _first_lines(text, min(max(start + 1, 1), 5000))
    if 0 <= start < len(lines) and "\t" in lines[start] and "/" in lines[start]:
        return start
    lines = _first_lines(text, 5000)  # the count is wrong: look for headings
    for k, line in enumerate(lines):
        if re.search(r"(^|\t)(time/s|freq/Hz)(\t|$)", line):
            return k
    raise InputError(
        f"{name}: no line of headings (time/s, Ewe/V …) was found; export it again from EC-Lab"
    )


def _whole_lines(text: str) -> tuple[str, list[str]]:
    """The text without a last line that may be cut short.

    The program ends no last line. All its decimal numbers have three digits of exponent, which
    tell a whole one; of an integer, or of a line that lacks cells, nobody can tell.
    """
    if text.endswith("\n"):
        return text, []
    above, _, last = text.rpartition("\n")
    before = above.rpartition("\n")[2]
    if last.count("\t") == before.count("\t") and _WHOLE.fullmatch(last.rpartition("\t")[2]):
        return text, []
    if not last.strip():
        return text, []
    return above + "\n", ["left out the last line, which does not end: the file may be cut short"]


def _columns(
    grid: Grid, said: list[str]
) -> tuple[tuple[str, ...], tuple[Floats, ...], float | None]:
    """Headings and numbers; a time written as dates becomes seconds after the first."""
    names: list[str] = []
    columns: list[Floats] = []
    began: float | None = None
    words: list[str] = []
    if not grid.headings:
        raise InputError(f"{grid.name}, line {grid.first_line}: no headings above the numbers")
    for heading, column in zip(grid.headings, grid.columns, strict=True):
        numbers: Floats
        if column.dtype == np.float64:
            numbers = column
        elif heading == "time/s":
            stamps = _dates(grid.name, column)
            began, numbers = float(stamps[0]), stamps - stamps[0]
            said.append("read dates as seconds after the first row")
        else:
            words.append(heading)
            continue
        numbers.setflags(write=False)
        names.append(heading)
        columns.append(numbers)
    if words:
        said.append(f"left out columns of words: {', '.join(words)}")
    if not columns:
        raise InputError(f"{grid.name}, line {grid.first_line}: no column of numbers")
    return tuple(names), tuple(columns), began


def _dates(name: str, column: npt.NDArray[Any]) -> Floats:
    import pandas as pd

    texts = pd.Series(column).str.replace(",", ".", regex=False)
    for form in ("%m/%d/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S"):
        with suppress(ValueError):
            stamps = pd.to_datetime(texts, format=form).to_numpy("datetime64[ns]")
            if not np.isnat(stamps).any():
                return np.asarray(stamps.astype(np.int64) * 1e-9)
    raise InputError(
        f"{name}: column time/s holds {str(column[0])!r}, neither seconds nor a date as "
        "01/31/2026 14:05:00.000; export it with the time in seconds"
    )


def _starts(head: list[str], rows: int, said: list[str]) -> npt.NDArray[np.int64] | None:
    """Rows at which loops begin; says so if the head counts more rows than there are."""
    loops = [(int(a), int(b)) for a, b in _LOOP.findall("\n".join(head)) if len(b) < 12]
    if not loops:
        return None
    if loops[-1][1] >= rows:
        said.append(
            f"the head counts {loops[-1][1] + 1} rows, the table has {rows}: it may be cut short"
        )
    starts = np.array([a for a, _ in loops if a < rows and a < 2**40], dtype=np.int64)
    if not starts.size or starts[0] != 0 or np.any(np.diff(starts) <= 0):
        return None
    return starts


def _clock(head: list[str]) -> float | None:
    """POSIX time at which the test began, local time taken as UTC."""
    began = _BEGAN.search("\n".join(head))
    if began is None:
        return None
    text = re.sub(r"[.-](?=\d+[./-]\d{4} )|(?<=\d)[.-](?=\d{4} )", "/", began[1].replace(",", "."))
    for form in ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S.%f"):
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    return None


def _facts(head: list[str]) -> tuple[dict[str, float], list[str]]:
    """What someone entered about the cell."""
    active = _entered(head, "Mass of active material", _MASSES)
    characteristic = _entered(head, "Characteristic mass", _MASSES)
    area = _entered(head, "Electrode surface area", _AREAS)
    capacity = _entered(head, "Battery capacity", _CHARGES)
    preset = area is not None and area[0] in PRESETS
    return cell_facts(
        active=_si(active, _MASSES),
        characteristic=_si(characteristic, _MASSES),
        area=_si(area, _AREAS),
        preset_area=area[0] if preset and area is not None else None,
        capacity=None if capacity is None or capacity[0] == 0 else _si(capacity, _CHARGES),
    )


def _entered(head: list[str], title: str, units: dict[str, float]) -> tuple[float, str] | None:
    for line in head:
        name, _, rest = line.partition(" : ")
        words = rest.split()
        if name.strip() == title and len(words) == 2 and words[1] in units:
            with suppress(ValueError):
                return float(words[0].replace(",", ".")), words[1]
    return None


def _si(entered: tuple[float, str] | None, units: dict[str, float]) -> float | None:
    if entered is None or entered[0] in PRESETS:
        return None
    return entered[0] * units[entered[1]]
