"""Indents in text: Hysitron .hld and .txt, FischerScope .txt, and tables with headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.files.grid import Grid, read_grid
from dualyte.measure.files.table import decoded
from dualyte.measure.indentation.area import AreaFunction
from dualyte.measure.indentation.indent import Facts, Indent
from dualyte.measure.indentation.units import UNITS, unit_size
from dualyte.vocabulary import Floats

_NUMBER: Final = r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"
_LONGEST: Final = 5_000_000  # points of one indent

#: headings of tables, most telling first
_COLUMNS: Final = {
    "depth": (
        r"(indentation |penetration |contact )?depth( h)?", r"displacement into surface",
        r"penetration", r"h", r"disp(lacement)?",
    ),
    "load": (
        r"load on sample", r"(normal )?load( p)?", r"(normal |indentation )?force", r"p", r"f",
    ),
    "time": (r"time on sample", r"(test )?time( t)?", r"t"),
    "stiffness": (
        r"(harmonic )?(contact )?stiffness", r"harmonic contact stiffness", r"dynamic stiffness",
    ),
}  # fmt: skip


# ---------------------------------------------------------------- Hysitron


def read_hld(path: Path) -> list[Indent]:
    """Read a Hysitron (Bruker TriboScan) .hld file: one indent, its drift and tip.

    Raises
    ------
    InputError
        If it holds no test, or fewer points than it declares.
    """
    name, text = path.name, decoded(path)
    lines = text.splitlines()
    said: list[str] = []
    head: dict[str, str] = {}
    parts: dict[str, tuple[list[str], Floats]] = {}
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        match = re.fullmatch(r"(.+?) Data Points:\s*(\d+)", line)
        if match is None:
            key, _, value = line.partition(":")
            head.setdefault(key.strip(), value.strip())
            at += 1
            continue
        count = int(match[2])
        if at + 1 >= len(lines) and count:
            raise _short(name, count, 0)
        if count == 0 and not (at + 1 < len(lines) and "_" in lines[at + 1]):
            at += 1
            continue
        titles = [t.strip() for t in lines[at + 1].split("\t")]
        if count > _LONGEST or len(lines) - at - 2 < count:
            raise _short(name, count, len(lines) - at - 2)
        if at + 2 + count == len(lines) and not text.endswith(("\n", "\r")):
            raise InputError(
                f"{name}: its last line has no end, so its last number may be cut short; copy or "
                "export it again"
            )
        rows = _rows(name, lines[at + 2 : at + 2 + count], at + 3, len(titles), "\t", said)
        parts[match[1].lower()] = titles, rows
        at += 2 + count
    if "test" not in parts:
        raise InputError(f"{name} holds no test ('Test Data Points'); the measurement was not made")
    titles, rows = parts["test"]
    columns = {
        word: _hld_column(name, titles, rows, start, word)
        for word, start in (("time", "Time"), ("depth", "Disp"), ("load", "Force"))
    }
    drift = _head_number(name, head, "Drift Rate", "rate")
    facts = Facts(
        area=_hld_area(name, head),
        frame_compliance=_head_number(name, head, "Machine Comp", "compliance"),
        drift_rate=drift,
        drift_spread=_drift_spread(parts, drift),
    )
    return [
        Indent(
            # the controller takes the frame off the depth it records: twice would leave no sample
            file=name, format="Hysitron .hld", facts=facts, corrected=frozenset({"frame"}),
            changes=tuple(dict.fromkeys(said)), time=columns["time"], depth=columns["depth"],
            load=columns["load"],
        )
    ]  # fmt: skip


def _short(name: str, wanted: int, there: int) -> InputError:
    return InputError(
        f"{name} is cut short or damaged: its head counts {wanted} points, and {max(there, 0)} "
        "lines follow; copy or export it again"
    )


def _rows(
    name: str, lines: Sequence[str], first: int, width: int, mark: str | None, said: list[str]
) -> Floats:
    """Numbers of lines; decimal commas are read and said."""
    text = [line.strip("\r\n ") for line in lines]
    if mark != "," and any("," in line for line in text):
        text = [line.replace(",", ".") for line in text]
        said.append("read decimal commas")
    out = np.empty((len(text), width))
    for k, line in enumerate(text):
        cells = line.split(mark)
        try:
            out[k] = [float(cell) for cell in cells]
        except ValueError:
            raise InputError(
                f"{name}, line {first + k}: {line[:40]!r} is not a row of {width} numbers; the "
                "file is damaged, so export it again"
            ) from None
    return out


def _hld_column(name: str, titles: Sequence[str], rows: Floats, start: str, word: str) -> Floats:
    for k, title in enumerate(titles):
        column, _, unit = title.rpartition("_")
        if column == start:
            return np.asarray(rows[:, k] * unit_size(unit, word, name, title))
    raise InputError(
        f"{name}: among the columns {', '.join(titles)} is none for {word} ({start}_…)"
    )


def _head_number(name: str, head: dict[str, str], key: str, quantity: str) -> float | None:
    """A number with its unit from a head, in SI."""
    match = re.fullmatch(rf"({_NUMBER})\s*(\S*)", head.get(key, ""))
    if match is None:
        return None
    return float(match[1].replace(",", ".")) * unit_size(match[2], quantity, name, key)


def _hld_area(name: str, head: dict[str, str]) -> AreaFunction | None:
    found = []
    for k in range(9):
        match = re.match(_NUMBER, head.get(f"Tip C{k}", ""))
        if match is None:
            break
        found.append(float(match[0].replace(",", ".")))
    if not any(found):
        return None
    shift = re.match(_NUMBER, head.get("Tip B", ""))
    if shift is not None and float(shift[0].replace(",", ".")) != 0:
        raise InputError(
            f"{name}: its tip area function has an offset (Tip B = {head['Tip B']}), which is not "
            "evaluated; give area_function without one"
        )
    while found and found[-1] == 0:
        found.pop()
    return AreaFunction(coefficients=tuple(found), source="head of the file")


def _drift_spread(parts: dict[str, tuple[list[str], Floats]], rate: float | None) -> float:
    """Standard deviation of the drift rate, from how far the halves of its record differ."""
    _, rows = parts.get("drift measurement", ([], np.empty((0, 2))))
    if rate is None or len(rows) < 40:
        return 0.0
    late = rows[len(rows) // 2 :]
    halves = [
        np.polyfit(x[:, 0], x[:, 1], 1)[0] for x in np.array_split(late, 2) if np.ptp(x[:, 0])
    ]
    return float(abs(halves[0] - halves[-1]) / 2 * 1e-9) if halves else 0.0


def read_hysitron_txt(path: Path) -> list[Indent]:
    """Read a load-displacement text of Hysitron: date, number of points, five columns.

    Raises
    ------
    InputError
        If it holds fewer points than its head counts, or lacks a column.
    """
    text = decoded(path)
    count = re.search(r"Number of Points\s*=\s*(\d+)", text)
    grid = read_grid(text, name=path.name)
    if count is not None and int(count[1]) != len(grid):
        raise _short(path.name, int(count[1]), len(grid))
    return [_from_grid(path.name, grid, "Hysitron .txt")]


# ---------------------------------------------------------------- tables with headings


def read_table(path: Path) -> list[Indent]:
    """Read a table with headings and units: depth, load, and time if there is one.

    Raises
    ------
    InputError
        If a column or its unit is missing, or nothing is measured.
    """
    return [_from_grid(path.name, read_grid(path), "table")]


def table_columns(grid: Grid) -> dict[str, int]:
    """Which column of a table is which: depth, load, time, stiffness."""
    found: dict[str, int] = {}
    for word, patterns in _COLUMNS.items():
        at = grid.find(*patterns)
        if at is None or at in found.values():
            continue
        if word in ("depth", "load") and not _fits(grid, at, word):
            at = next(
                (
                    k
                    for k, name in enumerate(grid.names)
                    if any(re.fullmatch(p, name, re.IGNORECASE) for p in patterns)
                    and _fits(grid, k, word)
                ),
                at,
            )
        found[word] = at
    return found


def _fits(grid: Grid, k: int, word: str) -> bool:
    plain = re.sub(r"[\u00b5\u03bc]", "u", grid.units[k])
    return plain in UNITS[word]


def _first_of(headings: Sequence[str]) -> str:
    """Name the first headings of many."""
    more = f" and {len(headings) - 6} more" if len(headings) > 6 else ""
    return (", ".join(headings[:6]) or "(none)") + more


def _from_grid(name: str, grid: Grid, kind: str) -> Indent:
    at = table_columns(grid)
    for word in ("depth", "load"):
        if word not in at:
            raise InputError(
                f"{name}, line {max(grid.first_line - 1, 1)}: among the headings "
                f"{_first_of(grid.headings)} is none for {word}; name the columns "
                "'depth [nm]', 'load [mN]', 'time [s]'"
            )
    said = list(grid.changes)
    columns: dict[str, Floats] = {}
    for word, k in at.items():
        unit = grid.units[k] or ("s" if word == "time" else "")
        columns[word] = grid.column(k) * unit_size(unit, word, name, grid.headings[k])
    bad = ~np.all([np.isfinite(columns[w]) for w in columns if w != "stiffness"], axis=0)
    if bad.any():
        said.append(f"left out {int(bad.sum())} of {bad.size} rows in which a number is missing")
        columns = {word: values[~bad] for word, values in columns.items()}
    for word in ("depth", "load"):
        values, other = columns[word], columns["load" if word == "depth" else "depth"]
        downwards = values.size and -values.min() > 5 * max(float(values.max()), 0.0)
        if downwards and _together(values, other):  # and not only an approach
            columns[word] = -values
            said.append(f"turned the sign of {word} round: into the surface is positive here")
    if "time" not in columns:
        columns["time"] = np.arange(len(columns["depth"]), dtype=np.float64)
        said.append("there is no time: drift is not corrected")
    return Indent(
        file=name, format=kind, changes=tuple(said), time=columns["time"], depth=columns["depth"],
        load=columns["load"], stiffness=columns.get("stiffness"),
    )  # fmt: skip


def _together(one: Floats, other: Floats) -> bool:
    """Whether two columns grow together, or one as the other falls."""
    if one.size < 3 or np.ptp(one) <= 0 or np.ptp(other) <= 0:
        return False
    return bool(abs(np.corrcoef(one, other)[0, 1]) > 0.5)


# ---------------------------------------------------------------- FischerScope


def is_fischer(head: str) -> bool:
    """Whether a text begins as a FischerScope export does."""
    return re.match(r"[^\n]*\.ha[pd]\tName of the application", head) is not None


def read_fischer(path: Path) -> list[Indent]:
    """Read a FischerScope (WIN-HCU) text: blocks of F [mN], h [µm], t [s] with their results.

    Raises
    ------
    InputError
        If there is no block, or its numbers contradict the depth and load of its own head.
    """
    name, text = path.name, decoded(path)
    lines = text.splitlines()
    lost: list[str] = []
    if lines and not text.endswith(("\n", "\r")):
        lines.pop()
        lost.append("left out the last line, which has no end")
    begin = lines[0].split("\t")[0].strip() if lines else ""
    starts = [
        k
        for k, line in enumerate(lines)
        if k and line.startswith(begin) and re.search(r"\d\d\.\d\d\.\d{4}\s+\d\d:\d\d", line)
    ]
    if not starts:
        raise InputError(f"{name} holds statistics but no indent; export the curves with it")
    ends = [*starts[1:], len(lines)]
    found: list[Indent] = []
    for k, (a, b) in enumerate(zip(starts, ends, strict=True)):
        try:
            found.append(_fischer_block(name, f"indent {k + 1}", lines, a, b))
        except InputError as error:  # one bad indent costs only itself
            if len(starts) == 1:
                raise
            lost.append(f"left out indent {k + 1}: {error}")
    if not found:
        raise InputError(lost[-1].partition(": ")[2])
    counted = [
        int(line.split()[0])
        for line in lines[: starts[0]]
        if re.match(r"\d{1,9}\tn\tOverall statistics", line)
    ]
    if counted and counted[0] != len(found):
        lost.append(f"its head counts {counted[0]} indents, and {len(found)} are read")
    found[0] = replace(found[0], changes=(*found[0].changes, *lost))
    return found


def _fischer_block(name: str, title: str, lines: Sequence[str], a: int, b: int) -> Indent:
    where = f"{name}, {title}"
    head = next((k for k in range(a, b) if re.match(r"F\s+h\s+t(\s|$)", lines[k])), None)
    if head is None:
        raise InputError(f"{where} (line {a + 1}) has no table 'F h t'; export the curves with it")
    width = len(lines[head].split())
    said: list[str] = []
    rows: list[str] = []
    for line in lines[head + 1 : b]:
        if not line.strip():
            break
        rows.append(line)
    if rows and len(rows[-1].split()) < width:
        said.append("left out the last line, which is cut short")
        rows.pop()
    table = _rows(where, rows, head + 2, width, None, said)
    load, depth, time = table[:, 0] * 1e-3, table[:, 1] * 1e-6, table[:, 2]
    facts = _fischer_facts(lines[a:head])
    _compare(where, "depth", depth, _fischer_number(lines[a:head], r"hmax\s*\[.m\]\s*"), 1e-6, "µm")
    _compare(where, "load", load, _fischer_number(lines[a:head], r"HM\s+"), 1.0, "N")
    place = re.search(rf"x=\s*({_NUMBER})\s+y=\s*({_NUMBER})", "\n".join(lines[a:head]))
    said = [s for s in dict.fromkeys(said) if s != "read decimal commas"]  # as the format has them
    return Indent(
        file=name, name=title, format="FischerScope .txt", time=time, depth=depth, load=load,
        facts=facts, corrected=frozenset({"zero", "frame"}), changes=tuple(said),
        position=None if place is None else (_float(place[1]) * 1e-3, _float(place[2]) * 1e-3),
    )  # fmt: skip


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def _fischer_number(head: Sequence[str], pattern: str) -> float | None:
    match = re.search(rf"^{pattern}({_NUMBER})", "\n".join(head), re.MULTILINE)
    return None if match is None else _float(match[1])


def _fischer_facts(head: Sequence[str]) -> Facts:
    hardness = _fischer_number(head, r"HIT\s*\[N/mm.{0,2}\]\s*")
    plane = _fischer_number(head, r"EIT/\(1-vs\^2\)\s*\[GPa\]\s*")
    epsilon = re.search(rf"Epsilon\s*=\s*({_NUMBER})", "\n".join(head))
    return Facts(
        hardness=None if hardness is None else hardness * 1e6,
        plane_modulus=None if plane is None else plane * 1e9,
        epsilon=None if epsilon is None else _float(epsilon[1]),
    )


def _compare(
    where: str, word: str, values: Floats, said: float | None, size: float, unit: str
) -> None:
    """Refuse a record whose greatest value is not what its own head says."""
    if said is None or said <= 0 or not values.size:
        return
    there = float(values.max()) / size
    if not 0.95 <= there / said <= 1.05:
        raise InputError(
            f"{where}: its greatest {word} is {there:.4g} {unit}, but its head says {said:g} "
            f"{unit}; it is cut short, or a decimal mark was lost"
        )
