"""Tables of results, told from impedance spectra: texts, and workbooks of Excel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from dualyte.errors import InputError, MissingExtraError
from dualyte.measure.files.grid import Grid, grids

_SPECTRAL: Final = re.compile(r"freq|Re\(Z\)|Z'|Zs'|Zreal", re.IGNORECASE)
_TEXTS: Final = (".txt", ".csv", ".dat", ".tsv", ".asc", "")
_SNIFFED: Final = 20_000  # bytes of a file by which it is known
_ROWS: Final = 20_000  # of a sheet


def first_tables(path: Path, head: bytes) -> list[Grid]:
    """Tables at the beginning of a text; none if it holds a spectrum, or is no text."""
    if b"\x00" in head[:1000]:
        return []
    text = head[:_SNIFFED].decode("utf-8", errors="replace")
    if _SPECTRAL.search(text):
        return []
    try:
        return grids(text if text.endswith("\n") else text.rpartition("\n")[0], name=path.name)
    except (InputError, ValueError):
        return []


def table_of(path: Path, wanted: Callable[[Grid], bool]) -> Grid | None:
    """The first table of a file that is none of a spectrum and passes a test, else None.

    Raises
    ------
    InputError
        If a text holds no table at all, or a workbook is damaged.
    MissingExtraError
        If it is a workbook and openpyxl is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        found = _workbook(path)
    elif suffix in _TEXTS:
        found = grids(path)
    else:
        return None
    return next((g for g in found if not _spectral(g) and wanted(g)), None)


def _spectral(grid: Grid) -> bool:
    return any(_SPECTRAL.search(heading) for heading in grid.headings)


def _workbook(path: Path) -> list[Grid]:
    """Tables of all sheets of a workbook, read as texts with tabs."""
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("openpyxl", "files") from error
    try:
        book = openpyxl.load_workbook(path, data_only=True, read_only=True)
        texts = {
            sheet.title: "\n".join(
                "\t".join(map(_cell, row))
                for row in sheet.iter_rows(max_row=_ROWS, values_only=True)
            )
            for sheet in book.worksheets
        }
        book.close()
    except Exception as error:  # whatever a damaged workbook makes the library raise
        raise InputError(f"{path.name} is damaged or no .xlsx workbook; save it again") from error
    found: list[Grid] = []
    for title, text in texts.items():
        try:
            found += grids(text + "\n", name=f"{path.name}, {title}")
        except InputError:  # a sheet of words or figures
            continue
    return found


def _cell(x: Any) -> str:  # noqa: ANN401 (whatever a cell holds)
    return "" if x is None else re.sub(r"\s+", " ", str(x))
