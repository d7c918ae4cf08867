"""Readers of instrument and export formats: each turns a file into tables with headings."""

from __future__ import annotations

import json
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError, MissingExtraError
from dualyte.measure.files.biologic import read_mpr
from dualyte.measure.files.table import Sheet, decoded, sheets, whole_lines
from dualyte.vocabulary import q

Reader = Callable[[Path], list[Sheet]]
_COUNTED: Final = re.compile(r"Nb header lines\s*:\s*(\d+)", re.IGNORECASE)
_LOOP: Final = re.compile(r"Loop (\d+) from point number (\d+) to (\d+)")
_SAID: Final = re.compile(
    r"[#%!*;\s]*(?:electrode |stack |cell |pellet )?(?P<word>temperature|pressure|area|thickness)"
    r"\s*(?:[\[(/]\s*(?P<unit>[^\])=:]+?)\s*[\])]?)?\s*[:=;,\t]\s*"
    r"(?P<number>[-−]?\d+(?:[.,]\d+)?)\s*(?P<after>[°A-Za-zµ][^\s]*)?[;,\s]*",
    re.IGNORECASE,
)
_PRESET_AREAS: Final = {"EC-Lab": (0.0, 0.001), "Gamry": (0.0, 1.0)}  # cm²


def read_text(path: Path) -> list[Sheet]:
    """Any text: known by its first lines, else a table whose columns are found by name."""
    text, cut = whole_lines(decoded(path))
    known = (reader for pattern, reader in _SIGNATURES if pattern.search(text[:2000]))
    reader = next(known, lambda name, text: sheets(name, text.splitlines()))
    facts = _said_of_cell(text)
    found = [replace(sheet, facts=facts | sheet.facts) for sheet in reader(path.name, text)]
    if cut:
        found[-1] = replace(found[-1], changes=(*found[-1].changes, cut))
    return found


def _said_of_cell(text: str) -> dict[str, float]:
    """Facts in lines of their own above a table, such as `# Temperature: 25 degC`."""
    found: dict[str, float] = {}
    for line in text.splitlines()[:200]:
        if (match := _SAID.fullmatch(line.strip())) is None:
            continue
        word, number = match["word"].lower(), match["number"].replace(",", ".")
        with suppress(InputError):  # without its unit, or implausible: then it is not used
            found.setdefault(word, q(f"{number} {match['unit'] or match['after'] or ''}", word))
    return found


def _literal(name: str, text: str) -> list[Sheet]:
    """Text of a program that writes the sign of Im as it is."""
    return [replace(sheet, literal=True) for sheet in sheets(name, text.splitlines())]


def _eclab(name: str, text: str) -> list[Sheet]:
    """Bio-Logic text export: a head of counted lines, perhaps with a list of loops."""
    lines = text.splitlines()
    counted = _COUNTED.search("\n".join(lines[:5]))
    start = int(counted[1]) - 1 if counted else 0
    if not 0 <= start < len(lines) or "freq" not in lines[start]:
        start = next((k for k, line in enumerate(lines) if "freq/" in line), 0)
    head = "\n".join(lines[:start])
    found = [replace(s, literal=True) for s in sheets(name, lines[start:], start=start)]
    area, said = _area_cm2(re.search(r"surface area\s*:\s*([\d.,]+)\s*cm", head), "EC-Lab")
    loops = [(int(a), int(b), int(c)) for a, b, c in _LOOP.findall(head)]
    if loops and len(found) == 1:
        labels = np.full(len(found[0].rows), -1, dtype=np.int64)
        for number, first, last in loops:
            labels[first : last + 1] = number
        found = [replace(found[0], loops=labels)]
    return [replace(s, facts=area, changes=(*s.changes, *said)) for s in found]


def _area_cm2(found: re.Match[str] | None, program: str) -> tuple[dict[str, float], list[str]]:
    """Electrode area of a head, unless it is what the program puts there by itself."""
    if found is None:
        return {}, []
    number = float(found[1].replace(",", "."))
    if number in _PRESET_AREAS[program]:
        return {}, [f"ignored the electrode area of {number:g} cm2 in the head: a preset"]
    return {"area": number * 1e-4}, []


def _gamry(name: str, text: str) -> list[Sheet]:
    """Gamry .DTA: tables named in a line of their own; the impedance is ZCURVE."""
    lines = text.splitlines()
    tables = [
        (k, begin[1])
        for k, line in enumerate(lines)
        if (begin := re.match(r"(\w+)\tTABLE\b", line))
    ]
    area, said = _area_cm2(re.search(r"^AREA\tQUANT\t([\d.,Ee+-]+)", text, re.MULTILINE), "Gamry")
    found: list[Sheet] = []
    for k, title in tables:
        if not title.upper().startswith("ZCURVE"):
            continue
        rows = lines[k + 1 :]
        end = next((i for i, row in enumerate(rows) if not row.startswith("\t")), len(rows))
        for sheet in sheets(name, rows[:end], start=k + 1):
            changes = (*sheet.changes, *said)
            found.append(replace(sheet, literal=True, title="", facts=area, changes=changes))
    if not found:
        there = ", ".join(title for _, title in tables) or "none"
        raise InputError(f"{name} holds no impedance: no table ZCURVE (its tables: {there})")
    return found


def _zplot(name: str, text: str) -> list[Sheet]:
    """ZPlot and ZView .z: nine columns, with or without headings."""
    names = ("freq/Hz", "Ampl", "Bias", "time/s", "Z'/Ohm", "Z''/Ohm", "GD", "Err", "Range")
    found = sheets(name, text.splitlines())
    given = [s if s.names or s.rows.shape[1] < 6 else replace(
        s, names=names[: s.rows.shape[1]]) for s in found]  # fmt: skip
    return [replace(sheet, literal=True, title="") for sheet in given]


def _autolab(name: str, text: str) -> list[Sheet]:
    """Autolab .P00: after the line of units come a count and rows; Z'' is written as -Im."""
    lines = text.splitlines()
    start = next((k for k, line in enumerate(lines) if line.strip().lower()[:4] == "f/hz"), None)
    if start is None:
        raise InputError(f"{name} has no line that begins with F/Hz, as a .P00 file has")
    found = sheets(name, [line for line in lines[start + 1 :] if len(line.split()) > 1])
    names = ("freq/Hz", "Z'/Ohm", "-Z''/Ohm", "time/s", "E/V", "I/A")
    return [replace(s, names=(*names, *[""] * 9)[: s.rows.shape[1]], literal=True) for s in found]


def _versa(name: str, text: str) -> list[Sheet]:
    """VersaStudio .par: segments of rows under a line `Definition=`."""
    found: list[Sheet] = []
    lines = text.splitlines()
    for k, line in enumerate(lines):
        if not line.startswith("Definition="):
            continue
        rows = lines[k + 1 :]
        end = next((i for i, row in enumerate(rows) if row.startswith("<")), len(rows))
        units = {"Z Real": "Z Real/Ohm", "Z Imag": "Z Imag/Ohm"}
        names = [cell.strip() for cell in line.removeprefix("Definition=").split(",")]
        head = ",".join(units.get(cell, cell) for cell in names)
        if "Z Real" in names:
            found += sheets(name, [head, *rows[:end]], start=k)
    if not found:
        raise InputError(f"{name} holds no impedance: no segment defines Z Real and Z Imag")
    return [replace(sheet, literal=True, title="") for sheet in found]


#: what the first lines hold, and who reads such a text
_SIGNATURES: Final[tuple[tuple[re.Pattern[str], Callable[[str, str], list[Sheet]]], ...]] = (
    (re.compile(r"^(EC-Lab|BT-Lab) ASCII FILE", re.IGNORECASE), _eclab),
    (re.compile(r"^EXPLAIN\b"), _gamry),
    (re.compile(r'^"?ZPLOT2 ASCII', re.IGNORECASE), _zplot),
    (re.compile(r"^RelaxIS\b"), _literal),
    (re.compile(r"^A\.C\. Impedance", re.MULTILINE), _literal),  # CH Instruments
    (re.compile(r"<Application>|^VersaStudio", re.MULTILINE), _versa),
)


def read_p00(path: Path) -> list[Sheet]:
    """Autolab .P00."""
    return _autolab(path.name, decoded(path))


def read_i2b(path: Path) -> list[Sheet]:
    """Elchemea .i2b: a head of a few lines, then frequency, Re and Im."""
    lines = decoded(path).splitlines()
    return [replace(sheet, literal=True) for sheet in sheets(path.name, lines)]


def read_dfr(path: Path) -> list[Sheet]:
    """FRA .dfr: a count, then nine numbers a point, one a line: f, Re, -Im, ...

    Raises
    ------
    InputError
        If the count or a number is missing.
    """
    lines = decoded(path).split()
    if not lines or not lines[0].upper().startswith("VERSION"):
        raise InputError(f"{path.name} does not begin with VERSION, as a .dfr file does")
    try:
        count = int(lines[1])
        numbers = [float(word.replace(",", ".")) for word in lines[3 : 3 + 9 * count]]
        rows = np.array(numbers).reshape(count, 9)[:, :3]
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{path.name} is cut short or damaged: it does not hold nine numbers for each of "
            "the points that its second line counts; export it again"
        ) from error
    return [Sheet(names=("freq/Hz", "Z'/Ohm", "-Z''/Ohm"), rows=rows, where="line 4")]


def read_ivium(path: Path) -> list[Sheet]:
    """Ivium .ids and .idf: each measurement holds a table called primary_data: Re, Im, f."""
    text = path.read_bytes().decode("latin-1")
    found: list[Sheet] = []
    for part in re.split(r"primary_data[ \t]*\r?\n", text)[1:]:
        lines = part.splitlines()
        try:
            width, count = int(lines[0]), int(lines[1])
            numbers = [[float(word) for word in line.split()] for line in lines[2 : 2 + count]]
            rows = np.array(numbers).reshape(count, width)
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{path.name} is cut short or damaged: a table primary_data does not hold the "
                "rows it counts; export it again as text"
            ) from error
        if width >= 3 and count:
            names = ("Z'/Ohm", "Z''/Ohm", "freq/Hz")
            title = f"measurement {len(found) + 1}"
            found.append(
                Sheet(names=names, rows=rows[:, :3], title=title, where=title, literal=True)
            )
    if not found:
        raise InputError(f"{path.name} holds no table primary_data with Re, Im and frequency")
    return found


def read_pssession(path: Path) -> list[Sheet]:
    """PalmSens .pssession: JSON whose arrays say what they hold.

    Raises
    ------
    InputError
        If it is damaged or holds no impedance.
    """
    data = path.read_bytes()
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    try:
        session, _ = json.JSONDecoder().raw_decode(text.lstrip("\ufeff"))
        found = [sheet for m in session["Measurements"] for sheet in _palmsens(m)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} is cut short or damaged: it is not the JSON of a session; save it again"
        ) from error
    if not found:
        raise InputError(f"{path.name} holds no impedance: no measurement has Frequency and ZRe")
    return found


def _palmsens(measurement: dict[str, Any]) -> Iterator[Sheet]:
    title = str(measurement.get("Title", ""))
    listed = measurement.get("EISDataList") or []
    parts = listed if len(listed) > 1 else [measurement]
    for part in parts:
        heads = {"Frequency": "freq/Hz", "ZRe": "Z'/Ohm", "ZIm": "Z''/Ohm"}
        columns: dict[str, list[float]] = {}
        for array in part["DataSet"]["Values"]:
            if (name := array.get("Description")) in heads and heads[name] not in columns:
                unit = str((array.get("Unit") or {}).get("Q") or "")
                sign = -1.0 if unit.startswith("-") else 1.0
                columns[heads[name]] = [sign * float(v["V"]) for v in array["DataValues"]]
        if len(columns) == 3 and len({len(c) for c in columns.values()}) == 1:
            rows = np.array(list(columns.values())).T
            yield Sheet(names=tuple(columns), rows=rows, title=title, where=title, literal=True)


def read_ism(path: Path) -> list[Sheet]:
    """Zahner .ism: counted arrays of big-endian numbers: f, |Z|, phase, time.

    The instrument starts in the middle, runs to one end and then to the other; the points
    before it turns are left out, as the maker's own programs do.

    Raises
    ------
    InputError
        If it is cut short.
    """
    data = path.read_bytes()
    count = int.from_bytes(data[6:12], "big", signed=True) + 1
    if len(data) < 12 or not 1 < count < 1_000_000 or len(data) < 12 + 32 * count:
        raise InputError(
            f"{path.name} is cut short or no Zahner .ism file: its {len(data)} bytes do not hold "
            f"the {count} points that it counts"
        )
    f, modulus, phase, time = np.frombuffer(data, ">f8", 4 * count, 12).reshape(4, count)
    first, last = sorted((int(np.argmin(f)), int(np.argmax(f))))
    rows = np.column_stack([f, modulus, phase, np.abs(time)])[first : last + 1].astype(np.float64)
    rows[:, 3] -= rows[:, 3].min()
    left = count - len(rows)
    said = (f"left out {left} points before the sweep turns back",) if left else ()
    names = ("freq/Hz", "|Z|/Ohm", "phase/rad", "time/s")
    return [Sheet(names=names, rows=rows, where="its arrays", literal=True, changes=said)]


def read_xlsx(path: Path) -> list[Sheet]:
    """Tables of the sheets of a workbook.

    Raises
    ------
    MissingExtraError
        If openpyxl is not installed.
    """
    try:
        openpyxl = import_module("openpyxl")
    except ImportError as error:
        raise MissingExtraError("openpyxl", "files") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, data_only=True, read_only=True)
            pages = {page.title: list(page.iter_rows(values_only=True)) for page in book}
            book.close()
    except Exception as error:  # whatever the library raises on a file that is no workbook
        raise InputError(f"{path.name} is damaged or no .xlsx workbook; save it again") from error
    found: list[Sheet] = []
    first: InputError | None = None
    for title, rows in pages.items():
        try:
            lines = ["\t".join(_cell(value) for value in row) for row in rows]
            found += [replace(s, title=title) for s in sheets(f"{path.name}, {title}", lines)]
        except InputError as error:
            first = first or error
    if not found:
        raise first or InputError(f"{path.name} has no sheet with numbers")
    return found


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("\t", " ").replace("\n", " ")


#: suffix: who reads it
READERS: Final[dict[str, Reader]] = {
    ".mpr": read_mpr,
    ".ism": read_ism,
    ".xlsx": read_xlsx,
    ".dfr": read_dfr,
    ".ids": read_ivium,
    ".idf": read_ivium,
    ".pssession": read_pssession,
    ".p00": read_p00,
    ".i2b": read_i2b,
    **dict.fromkeys(
        (".mpt", ".dta", ".z", ".par", ".txt", ".csv", ".dat", ".tsv", ".asc"), read_text
    ),
}
#: suffixes that other things than spectra have too
NOTES: Final = frozenset({".txt", ".dat", ".asc"})  # texts that may hold no table at all


def read_sheets(path: Path) -> list[Sheet]:
    """Tables of a file, by its suffix.

    Raises
    ------
    InputError
        If the file is missing, empty, unreadable or of an unknown suffix.
    """
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; export or copy it again")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise InputError(
            f"{path.name}: no reader knows the suffix {path.suffix!r} (known: "
            f"{', '.join(sorted(READERS))}); export it as .csv"
        )
    try:
        return READERS[suffix](path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from error
    except (struct.error, IndexError) as error:
        raise InputError(f"{path.name} is cut short or damaged; copy it again") from error
