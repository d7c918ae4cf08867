"""Records of cyclers' files: each is recognised by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.files.cyclers import binary, jet
from dualyte.measure.files.cyclers.clocks import day_first_of, stamps
from dualyte.measure.files.cyclers.headings import split
from dualyte.measure.files.cyclers.maps import CURVE, FORMATS, HEAD_FACTS, HEAD_START, Format, known
from dualyte.measure.files.cyclers.normalise import Raw, from_table, record
from dualyte.measure.files.grid import Grid, grids
from dualyte.measure.files.record import Record
from dualyte.measure.files.sidecar import facts as sidecar_facts
from dualyte.measure.result import Tell, each_file

_HEAD: Final = 65536
_LINES: Final = 400  # of the head, searched for headings
_SEPARATORS: Final = ("\t", ";", ",")
_SURE: Final = 10  # lines that tell how long a last cell may be
_LARGEST: Final = 4_000_000_000  # bytes


def read_records(
    paths: str | Path | Iterable[str | Path],
    *,
    raise_errors: bool = True,
    progress: Tell | None = None,
) -> list[Record]:
    """Read what cyclers logged, whatever wrote the files.

    Parameters
    ----------
    paths
        Files (or one): Arbin .res, .csv and .xlsx; Neware .nda, .ndax, .csv and .xlsx; Landt,
        Maccor, Basytec, Novonix, Digatron, BDF (.csv, .parquet), Argonne, ampworks, PyBaMM and
        ionworks, Bio-Logic, and any table with columns named time, voltage and current.
    raise_errors
        Whether the first file that cannot be read raises; else it is passed over, unless all are.
    progress
        Told how many files are done, of how many.

    Returns
    -------
    list of Record
        In the order of the files; some files hold several.

    Raises
    ------
    InputError
        If a file is missing, damaged, of no known format, or contradicts itself.
    MissingExtraError
        If a format needs a library that is not installed.

    Notes
    -----
    Current is positive on charge. Bio-Logic, Arbin, Neware and BDF files have it so; PyBaMM's and
    ionworks' tables, positive on discharge, are turned; unsigned currents (Landt, Maccor) take
    the sign of their state. Times of day are taken as if in UTC. Every correction stands in
    `Record.changes`.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    batch = each_file(listed, _read, raise_errors=raise_errors, progress=progress)
    return [one for _, records in batch.made for one in records]


def _read(path: Path) -> list[Record]:
    """Records of one file."""
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty; export or copy it again")
    if size > _LARGEST:
        raise InputError(f"{path.name} has {size / 1e9:.1f} GB; split it into smaller files")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        return _reader(path, head)(path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from error


def _reader(path: Path, head: bytes) -> Callable[[Path], list[Record]]:
    """Who reads a file, by its first bytes."""
    if _is_biologic(head):
        return _biologic
    if head[4:19] in (b"Standard Jet DB", b"Standard ACE DB"):
        return binary.read_res
    if head.startswith(b"NEWARE"):
        return binary.read_nda
    if head.startswith(b"PAR1"):
        return binary.read_parquet
    if head.startswith(b"PK\x03\x04"):
        names = binary.zip_names(path)
        if any(name.endswith(".ndc") for name in names):
            return binary.read_ndax
        if any(name.startswith("xl/") for name in names):
            return _book
        raise InputError(f"{path.name} is a zip of neither Neware nor a workbook; unpack it")
    return _text


def _is_biologic(head: bytes) -> bool:
    from dualyte.measure.files.biologic import looks_like as biologic

    return biologic(Path(), head) is not None


def _biologic(path: Path) -> list[Record]:
    from dualyte.measure.files.biologic import read_biologic_records

    found: Sequence[Record] = read_biologic_records(path)
    return list(found)


def _text(path: Path) -> list[Record]:
    """Every table of a text that a cycler wrote."""
    found: list[Record] = []
    tables = grids(path)
    tables[-1] = _without_open_end(path, tables[-1])
    for grid in tables:
        form = known(grid.headings, "\n".join(grid.head))
        if form is not None:
            found.append(_record_of(path, grid, form))
    if not found:
        heads = ", ".join(tables[0].headings[:12]) or "no headings"
        raise InputError(
            f"{path.name}: no table with time, voltage and current (its first has {heads}); name "
            "the columns such as Time [s], Voltage [V], Current [A]"
        )
    return found


def _without_open_end(path: Path, grid: Grid) -> Grid:
    """Leave out a last row that may be cut short: without an end, and shorter than others.

    Digits vary from row to row in many of these files, so that a number cut short looks whole.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        tail = file.read()
    text = tail.replace(b"\x00", b"").decode("latin-1")
    if text.endswith(("\n", "\r")) or len(grid) < 2 or any("last line" in s for s in grid.changes):
        return grid
    lines = [re.split(r"[\t;,]", line) for line in text.splitlines()[1:] if line.strip()]
    if len(lines) > _SURE:
        widths, ends = [len(cells) for cells in lines], [len(cells[-1].strip()) for cells in lines]
        if widths[-1] >= max(widths[:-1]) and ends[-1] >= max(ends[:-1]):
            return grid
    said = "left out the last line, which does not end: the file may be cut short"
    kept = tuple(column[:-1] for column in grid.columns)
    return replace(grid, columns=kept, changes=(*grid.changes, said))


def _record_of(path: Path, grid: Grid, form: Format) -> Record:
    units = ["" if split(h)[1] else u for h, u in zip(grid.headings, grid.units, strict=True)]
    raw = from_table(form, path.name, grid.headings, units, grid.columns, changes=grid.changes)
    if form is CURVE:
        return _curve(path, raw)
    _say_head(raw, "\n".join(grid.head))
    return record(raw)


def _say_head(raw: Raw, head: str) -> None:
    """What the lines above the headings tell."""
    for pattern, name, factor, presets in HEAD_FACTS:
        if (match := pattern.search(head)) is None or name in raw.facts:
            continue
        try:
            number = float(match[1].replace(",", "."))
        except ValueError:
            continue
        if number in presets:
            raw.say(f"ignored the {name} of {number:g} in the head: a preset")
        elif number > 0:
            raw.facts[name] = number * factor
    if (match := HEAD_START.search(head)) is not None:
        cell = np.array([match[1].strip()], dtype=object)
        told = day_first_of(cell.tolist())
        when = float(stamps(cell, told if told is not None else raw.form.day_first)[0])
        raw.started = when if np.isfinite(when) else None


def _curve(path: Path, raw: Raw) -> Record:
    """A table of state of charge and voltage: a half cycle at a made-up rate."""
    said = sidecar_facts(path)
    if "capacity" not in said:
        raise InputError(
            f"{path.name} holds voltage over state of charge, without time and current; say the "
            f'capacity in {path.stem}.toml (capacity = "5 mAh"), then it is read as a half cycle'
        )
    soc, voltage = (np.asarray(raw.columns[k], dtype=np.float64) for k in ("soc", "voltage"))
    whole = np.isfinite(soc) & np.isfinite(voltage)
    soc, voltage = soc[whole], voltage[whole]
    if soc.size < 2 or (np.diff(soc) < 0).any():
        raise InputError(f"{path.name}: the state of charge falls; put the rows in order")
    if np.abs(soc).max() > 1.5:
        soc = soc / 100
        raw.say("took the state of charge as in per cent")
    charge = float(said["capacity"].value) * (soc - soc[0])
    away = 1.0 if voltage[-1] > voltage[0] else -1.0
    raw.columns = {
        "time": soc * 36000.0,
        "voltage": voltage,
        "current": np.full(soc.size, away * float(said["capacity"].value) / 36000.0),
        "charged": charge if away > 0 else np.zeros_like(charge),
        "discharged": charge if away < 0 else np.zeros_like(charge),
    }
    raw.stated |= {"time", "current", "charged"}
    raw.say("made up time and current of C/10: the file holds state of charge and voltage only")
    return record(raw)


def _book(path: Path) -> list[Record]:
    """Every sheet of a workbook that a cycler wrote; sheets of one channel are one record."""
    found: list[tuple[Format, tuple[str, ...], list[np.ndarray[Any, Any]], str]] = []
    for title, names, columns in binary.sheets(path):
        form = known(names, title)
        if form is None:
            continue
        if found and found[-1][:2] == (form, names):  # a long run goes on in the next sheet
            joined = [np.concatenate(pair) for pair in zip(found[-1][2], columns, strict=True)]
            found[-1] = (form, names, joined, found[-1][3])
        else:
            found.append((form, names, columns, title))
    if not found:
        raise InputError(
            f"{path.name}: no sheet with columns for time, voltage and current; export the rows "
            "that were recorded"
        )
    several = len(found) > 1
    return [
        record(from_table(form, path.name, names, (), columns, title=title if several else ""))
        for form, names, columns, title in found
    ]


def looks_like(path: Path, head: bytes) -> str | None:
    """Name of the format if the first bytes are those of a cycler's file; never raises.

    Parameters
    ----------
    path
        The file; a zip is listed, and the headings of a workbook are looked at.
    head
        Its first 64 kB or so.
    """
    try:
        return _looks_like(path, head)
    except Exception:  # whatever a damaged file makes a reader raise
        return None


def _looks_like(path: Path, head: bytes) -> str | None:
    if head[4:19] in (b"Standard Jet DB", b"Standard ACE DB"):
        name = "Channel_Normal_Table".encode("utf-16-le")
        found = name in head or b"Channel_Normal_Table" in head
        return "Arbin .res" if found or _has_rows(path) else None
    if head.startswith(b"NEWARE"):
        return "Neware .nda"
    if head.startswith(b"PAR1"):
        form = binary.parquet_form(path)
        return None if form is None else form.name
    if head.startswith(b"PK\x03\x04"):
        names = binary.zip_names(path)
        if any(name.endswith(".ndc") for name in names):
            return "Neware .ndax"
        if any(name.startswith("xl/") for name in names):
            for title, headings, _ in binary.sheets(path, most=1):
                if (form := known(headings, title)) is not None:
                    return form.name
        return None
    if _is_biologic(head):
        from dualyte.measure.files.biologic import holds

        return "Bio-Logic" if "cycling" in holds(path) else None
    if b"\x00" in head[:1000] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return None
    form = _form_of_text(head)
    return None if form is None else form.name


def _has_rows(path: Path) -> bool:
    return "Channel_Normal_Table" in jet.Database(path.read_bytes(), path.name).tables


def _form_of_text(head: bytes) -> Format | None:
    """Format of the first line that names columns of a cycler."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head.decode("utf-16" if wide else "utf-8-sig", "replace").replace("\ufffd", "°")
    if re.match(r"(EC|BT)-Lab ASCII FILE|EXPLAIN\b|ZPLOT2|VAMAS", text, re.IGNORECASE):
        return None
    lines = text.splitlines()[:_LINES]
    for k, line in enumerate(lines):
        for mark in _SEPARATORS:
            cells = line.split(mark)
            if len(cells) < 2:
                continue
            form = known(cells, "\n".join(lines[:k]))
            if form is not None:
                return form
    return None


__all__ = ["FORMATS", "looks_like", "read_records"]
