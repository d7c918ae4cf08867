"""Files of indentation: recognised by content, read into `Indent`s."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.files.grid import read_grid
from dualyte.measure.indentation.binary import read_hdf5, read_xls
from dualyte.measure.indentation.indent import Indent
from dualyte.measure.indentation.text import (
    is_fischer,
    read_fischer,
    read_hld,
    read_hysitron_txt,
    read_table,
    table_columns,
)
from dualyte.measure.indentation.units import UNITS

_HEAD: Final = 65_536
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_READERS: Final[dict[str, Callable[[Path], list[Indent]]]] = {
    "Agilent .xls": read_xls,
    "indents .hdf5": read_hdf5,
    "Hysitron .hld": read_hld,
    "Hysitron .txt": read_hysitron_txt,
    "FischerScope .txt": read_fischer,
    "table": read_table,
}
_DEEPEST: Final = 2e-4  # m: presses and drills go deeper


def looks_like(path: Path, head: bytes) -> str | None:
    """Name the format of a file of indents, by its content; None if it is none.

    Parameters
    ----------
    path
        The file; containers are looked into.
    head
        Its first 64 kB.
    """
    try:
        if head.startswith(_OLE):
            return "Agilent .xls" if _has_tests(path) else None
        if head.startswith(_HDF5):
            return "indents .hdf5" if _has_groups(path) else None
        return _text_kind(head)
    except Exception:  # whatever is wrong, it is not one of ours
        return None


def _has_tests(path: Path) -> bool:
    with path.open("rb") as file:
        data = file.read(400_000_000)
    return any(
        word.encode(code) in data
        for word in ("Displacement Into Surface", "Load On Sample", "Force On Surface")
        for code in ("latin-1", "utf-16-le")
    )


def _has_groups(path: Path) -> bool:
    import h5py

    with h5py.File(path, "r") as file:
        names = [n for n in file if re.fullmatch(r"test_\d{1,6}", n)]
        return bool(names) and "data" in file[names[0]]


def _text_kind(head: bytes) -> str | None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    elif b"\x00" in head:
        return None
    else:
        text = head.decode("cp1252", errors="replace").lstrip("ï»¿")
    if text.startswith("File Version: Hysitron") or (
        "Data Points:" in text and ("Tip C0:" in text or text.startswith("Test Type: Indentation"))
    ):
        return "Hysitron .hld"
    if re.search(r"^Number of Points = \d+\s*\n\s*Depth \(nm\)\tLoad", text, re.MULTILINE):
        return "Hysitron .txt"
    if is_fischer(text):
        return "FischerScope .txt"
    if not re.search(r"depth|penetration|displacement into surface|indent", text, re.IGNORECASE):
        return None
    if not re.search(r"load|force", text, re.IGNORECASE):
        return None
    return "table" if _is_table(text[: text.rfind("\n") + 1] or text) else None


def _is_table(text: str) -> bool:
    """Whether a table has a depth and a load, the depth in a unit of small lengths."""
    grid = read_grid(text, name="")
    at = table_columns(grid)
    if not {"depth", "load"} <= set(at):
        return False
    depth, load = (re.sub(r"[µμ]", "u", grid.units[at[w]]) for w in ("depth", "load"))
    if load not in UNITS["load"] or depth not in UNITS["depth"]:
        return False
    deepest = float(np.nanmax(np.abs(grid.column(at["depth"])))) * UNITS["depth"][depth]
    return deepest < _DEEPEST


def read_indents(path: str | Path) -> list[Indent]:
    """Read every indent of a file.

    Parameters
    ----------
    path
        Agilent, Keysight or KLA .xls; Hysitron .hld or .txt; FischerScope .txt or .hdf5; or a
        table with headings and units such as `depth [nm]`, `load [mN]`, `time [s]`.

    Raises
    ------
    InputError
        If it is none of these, is damaged, or holds no indent.

    Examples
    --------
    >>> read_indents("nowhere.hld")
    Traceback (most recent call last):
        ...
    dualyte.errors.InputError: no file 'nowhere.hld'
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\x00 \r\n\t"):
        raise InputError(f"{path.name} is empty; copy or export it again")
    if head.startswith(_OLE):
        kind = "Agilent .xls"
    elif head.startswith(_HDF5):
        kind = "indents .hdf5"
    else:
        kind = _text_kind_or_table(head)
    return _READERS[kind](path)


def _text_kind_or_table(head: bytes) -> str:
    try:
        return _text_kind(head) or "table"
    except InputError:
        return "table"
