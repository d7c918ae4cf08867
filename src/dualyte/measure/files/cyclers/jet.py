"""Tables of a Microsoft Access database (Jet 4 and later), as Arbin .res files are.

Only what cyclers need: columns of fixed width at once for all rows, and texts. The layout is that
which the mdbtools project describes: pages of 4096 bytes, of which those of a table name its
definition as their owner; rows stand at the end of a page, their offsets at its beginning.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError

_PAGE: Final = 4096
_DATA, _DEFINITION = 1, 2
_CATALOGUE: Final = 2  # page of the definition of MSysObjects
_MOST_COLUMNS: Final = 255
#: type of a column: how NumPy reads it, as it is stored
_TYPES: Final = {
    2: "u1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f4", 7: "<f8", 8: "<f8",
}  # fmt: skip
_TEXT: Final = 10
MAGIC: Final = (b"\x00\x01\x00\x00Standard Jet DB", b"\x00\x01\x00\x00Standard ACE DB")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    name: str
    kind: int
    number: int
    fixed: bool
    offset: int  #: from the third byte of a row
    variable: int  #: which of the columns of variable length


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition:
    columns: tuple[_Column, ...]
    rows: int


class Database:
    """A database held in memory; tables are read one by one.

    Parameters
    ----------
    data
        All bytes of the file.
    name
        For messages.

    Raises
    ------
    InputError
        If it is no database of Jet 4 or later, or is damaged.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        if not data.startswith(MAGIC):
            raise InputError(f"{name} is no Access database, as .res files of Arbin are")
        if len(data) > 20 and data[20] == 0:
            raise InputError(
                f"{name} is a database of Access 97; convert it to Access 2000, or export it as csv"
            )
        whole = len(data) // _PAGE
        if whole <= _CATALOGUE:
            raise self._damaged("it has too few pages")
        self.changes: list[str] = []
        self.pages = np.frombuffer(data, np.uint8, whole * _PAGE).reshape(whole, _PAGE)
        owners = self.pages[:, 4:8].copy().view("<u4").ravel()
        self._owner = np.where(self.pages[:, 0] == _DATA, owners, 0)
        self.tables = self._catalogue()

    def _damaged(self, why: str) -> InputError:
        return InputError(f"{self.name} is cut short or damaged: {why}; copy it again")

    def _catalogue(self) -> dict[str, int]:
        """Page of the definition of every table, by its name."""
        wanted = ("Id", "Name", "Type")
        found = self._read(_CATALOGUE, wanted)
        if lack := [word for word in wanted if word not in found]:
            raise self._damaged(f"its list of tables has no {lack[0]}")
        tables: dict[str, int] = {}
        for number, name, kind in zip(found["Id"], found["Name"], found["Type"], strict=True):
            if kind == 1 and 0 < number < len(self.pages):
                tables[str(name)] = int(number)
        return tables

    def read(self, table: str, columns: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
        """Columns of a table, rows in the order of the pages; those it lacks are left out.

        Raises
        ------
        InputError
            If there is no such table, or it is damaged.
        """
        if table not in self.tables:
            raise InputError(
                f"{self.name} holds no table {table}: it is a database, but none of a cycler, or "
                "it is damaged"
            )
        return self._read(self.tables[table], columns)

    def _read(self, page: int, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
        definition = self._definition(page)
        start, end = self._rows(page)
        if len(start) < definition.rows and page != _CATALOGUE:
            self.changes.append(
                f"the file may be cut short: a table holds {len(start)} of the {definition.rows} "
                "rows it counts"
            )
        raw = self.pages.ravel()
        wanted = [c for c in definition.columns if c.name in names]
        out: dict[str, npt.NDArray[Any]] = {}
        for column in wanted:
            if column.fixed and column.kind in _TYPES:
                out[column.name] = self._fixed(raw, start, end, column)
            elif column.kind == _TEXT:
                texts = [self._text(a, b, column) for a, b in zip(start, end, strict=True)]
                out[column.name] = np.array(texts, dtype=object)
        return out

    def _definition(self, page: int) -> _Definition:
        """Columns of a table."""
        text = bytearray()
        following, seen = page, set[int]()
        while following and following not in seen and following < len(self.pages):
            seen.add(following)
            one = self.pages[following]
            if one[0] != _DEFINITION:
                raise self._damaged(f"page {following} defines no table")
            text += one[(0 if not text else 8) :].tobytes()
            following = int.from_bytes(one[4:8].tobytes(), "little")
        try:
            rows, count, indexes = (
                struct.unpack_from("<I", text, 16)[0],
                struct.unpack_from("<H", text, 45)[0],
                struct.unpack_from("<I", text, 51)[0],
            )
            at = 63 + 12 * indexes
            if count > _MOST_COLUMNS or at > len(text):
                raise self._damaged(f"page {page} counts {count} columns and {indexes} indexes")
            fields = [struct.unpack_from("<B4xHHxxxxxxB5xHH", text, at + 25 * k)
                      for k in range(count)]  # fmt: skip
            at += 25 * count
            names: list[str] = []
            for _ in range(count):
                (size,) = struct.unpack_from("<H", text, at)
                names.append(bytes(text[at + 2 : at + 2 + size]).decode("utf-16-le", "replace"))
                at += 2 + size
        except struct.error as error:
            raise self._damaged(f"the definition of a table on page {page} ends early") from error
        columns = tuple(
            _Column(name=name, kind=kind, number=number, variable=variable, fixed=bool(flags & 1),
                    offset=offset)
            for name, (kind, number, variable, flags, offset, _) in zip(names, fields, strict=True)
        )  # fmt: skip
        return _Definition(columns=columns, rows=rows)

    def _rows(self, owner: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """First byte of every row of a table, and the byte after its last."""
        numbers = np.flatnonzero(self._owner == owner)
        pages = self.pages[numbers]
        counts = pages[:, 12:14].copy().view("<u2").ravel().astype(np.int64)
        if counts.size == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        most = int(counts.max())
        if 14 + 2 * most > _PAGE:
            raise self._damaged(f"a page counts {most} rows")
        words = pages[:, 14 : 14 + 2 * most].copy().view("<u2").astype(np.int64)
        there = np.arange(most) < counts[:, None]
        start = np.where(there, words & 0x1FFF, _PAGE)
        end = np.concatenate([np.full((len(pages), 1), _PAGE), start[:, :-1]], axis=1)
        whole = there & (words & 0xC000 == 0)  # neither deleted nor moved elsewhere
        if (there & ((start > end) | (start < 14 + 2 * counts[:, None]))).any():
            raise self._damaged("rows of a page overlap")
        base = numbers[:, None] * _PAGE
        return (start + base)[whole], (end + base)[whole]

    def _fixed(
        self,
        raw: npt.NDArray[np.uint8],
        start: npt.NDArray[np.int64],
        end: npt.NDArray[np.int64],
        column: _Column,
    ) -> npt.NDArray[Any]:
        kind = np.dtype(_TYPES[column.kind])
        at = start + 2 + column.offset
        if (at + kind.itemsize > end).any():
            raise self._damaged(f"a row is too short for {column.name}")
        cells = raw[at[:, None] + np.arange(kind.itemsize)]
        values = cells.view(kind).ravel()
        mask = self._present(raw, start, end, column.number)
        if mask.all():
            return np.asarray(values)
        with np.errstate(invalid="ignore"):  # a damaged float may be a signalling nan
            found: npt.NDArray[np.float64] = np.where(mask, values.astype(np.float64), np.nan)
        return found

    def _present(
        self,
        raw: npt.NDArray[np.uint8],
        start: npt.NDArray[np.int64],
        end: npt.NDArray[np.int64],
        number: int,
    ) -> npt.NDArray[np.bool_]:
        """Whether rows hold the column: bits at their ends tell."""
        count = raw[start].astype(np.int64) + 256 * raw[start + 1].astype(np.int64)
        at = end - (count + 7) // 8 + number // 8
        known = (number < count) & (at < end) & (at > start)
        bits = raw[np.where(known, at, 0)] >> (number % 8) & 1
        return np.asarray(known & (bits == 1))

    def _text(self, start: int, end: int, column: _Column) -> str:
        """Text of one row."""
        row = self.pages.ravel()[start:end].tobytes()
        count = int.from_bytes(row[:2], "little")
        mask = (count + 7) // 8
        tail = len(row) - mask - 2
        number = int.from_bytes(row[tail : tail + 2], "little") if tail > 2 else 0
        k = column.variable
        if k >= number or tail - 2 * (k + 2) < 0:
            return ""
        first, last = (
            int.from_bytes(row[tail - 2 * (j + 1) : tail - 2 * j], "little") for j in (k, k + 1)
        )
        cell = row[first:last]
        if cell[:2] == b"\xff\xfe":  # one byte a letter; zeros switch to two and back
            parts = cell[2:].split(b"\x00")
            return "".join(
                part.decode("utf-16-le" if j % 2 else "latin-1", "replace")
                for j, part in enumerate(parts)
            )
        return cell.decode("utf-16-le", "replace")
