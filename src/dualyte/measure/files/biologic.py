"""Bio-Logic .mpr files: the binary format of EC-Lab and BT-Lab.

The format is not published; its modules and column numbers are known from files. A file is a
magic line and modules, each with a name, a length and a version. The data module lists the
numbers of its columns and then holds records of fixed length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.table import Sheet

_MAGIC: Final = b"BIO-LOGIC MODULAR FILE"
_OLD_HEAD: Final = 6 + 10 + 25  # bytes of "MODULE", short and long name
#: version of the data module: where the list of column numbers and the records begin
_VERSIONS: Final = {2: (5, 405), 3: (5, 406), 10: (6, 1007), 11: (6, 1007)}
#: columns that mean something here: number, heading, type
_COLUMNS: Final = {
    4: ("time/s", "<f8"),
    24: ("cycle number", "<f8"),
    32: ("freq/Hz", "<f4"),
    35: ("Phase(Z)/deg", "<f4"),
    36: ("|Z|/Ohm", "<f4"),
    37: ("Re(Z)/Ohm", "<f4"),
    38: ("-Im(Z)/Ohm", "<f4"),
    462: ("Temperature/°C", "<f4"),
    469: ("z cycle", "<u4"),
}
#: bytes of the other columns; those of 0 bytes are bits of one common byte
_FLAGS: Final = frozenset({1, 2, 3, 21, 31, 65})
_EIGHT: Final = frozenset({7, 11, 13, 23, 74, 123, 124, 125, 126, 438, 467, *range(498, 503)})
_TWO: Final = frozenset({39, 131})
_FOUR: Final = frozenset(
    {5, 6, 8, 9, 16, 17, 18, 19, 20, 26, 27, 33, 34, 69, 70, 75, 76, 77, 78, 96, 98, 99}
    | {100, 101, 163, 168, 169, 172, 173, 174, 178, 179, 182, 185, *range(241, 243), 271, 272}
    | {301, 302, 331, 332, 361, 362, 391, 392, *range(422, 427), *range(430, 436), 441, 468}
    | {471, 473, 474, 476, 477, 479, 480, *range(486, 498), 505}
)
_WIDTHS: Final = (
    {number: int(kind[-1]) for number, (_, kind) in _COLUMNS.items()}
    | dict.fromkeys(_EIGHT, 8)
    | dict.fromkeys(_FOUR, 4)
    | dict.fromkeys(_TWO, 2)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    """One part of the file."""

    name: str
    version: int
    body: bytes


def read_mpr(path: Path) -> list[Sheet]:
    """Read the impedance of an .mpr file: data module versions 2, 3, 10 and 11.

    Raises
    ------
    InputError
        If it is no .mpr file, is cut short, holds no impedance, or has columns of unknown
        width that the length of a record does not fix.
    """
    modules = list(_modules(path.name, path.read_bytes()))
    data = next((m for m in modules if m.name == "VMP data"), None)
    if data is None:
        names = ", ".join(m.name for m in modules) or "none"
        raise InputError(
            f"{path.name} has no data module (its modules: {names}); it holds settings only, or "
            "the measurement was not saved"
        )
    loop = next((m for m in modules if m.name == "VMP loop"), None)
    return [_sheet(path.name, data, loop)]


def _modules(name: str, data: bytes) -> Iterator[_Module]:
    if not data.startswith(_MAGIC):
        raise InputError(f"{name} is not a Bio-Logic .mpr file: it does not begin as one")
    at = data.find(b"MODULE")
    while 0 <= at < len(data):
        if data[at : at + 6] != b"MODULE" or len(data) < at + _OLD_HEAD + 24:
            raise _cut(name, at, len(data))
        (length, version), begin = struct.unpack_from("<II", data, at + _OLD_HEAD), at + 57
        if length == 0xFFFFFFFF:  # newer files put the greatest length first
            _, length, _, version = struct.unpack_from("<IIII", data, at + _OLD_HEAD)
            begin = at + 65
        if begin + length > len(data):
            raise _cut(name, at, len(data), begin + length)
        short = data[at + 6 : at + 16].decode("latin-1").strip("\x00 ")
        yield _Module(name=short, version=version, body=data[begin : begin + length])
        at = begin + length


def _cut(name: str, at: int, size: int, wanted: int | None = None) -> InputError:
    more = f"should reach to byte {wanted}" if wanted else "has no head"
    return InputError(
        f"{name} is cut short or damaged: its module at byte {at} {more}, but the file has "
        f"{size} bytes; copy it again, or export it as text from EC-Lab"
    )


def _sheet(name: str, data: _Module, loop: _Module | None) -> Sheet:
    if data.version not in _VERSIONS:
        known = ", ".join(map(str, _VERSIONS))
        raise InputError(
            f"{name}: version {data.version} of the data module is not known (known: {known}); "
            "export it as text from EC-Lab"
        )
    listed, begin = _VERSIONS[data.version]
    if len(data.body) < begin:
        raise InputError(f"{name}: its data module of {len(data.body)} bytes holds no record")
    count = struct.unpack_from("<I", data.body)[0]
    columns = int.from_bytes(data.body[4:listed], "little")
    ids = np.frombuffer(data.body, "<u2", count=columns, offset=listed).tolist()
    length, odd = divmod(len(data.body) - begin, count) if count else (0, 0)
    if not length or odd:
        raise InputError(
            f"{name}: {len(data.body) - begin} bytes do not make {count} records; the file is "
            "damaged, or the measurement was stopped; export it as text from EC-Lab"
        )
    offsets, said = _offsets(name, ids, length)
    return _table(name, data.body[begin:], length, ids, offsets, loop, said)


def _offsets(name: str, ids: Sequence[int], length: int) -> tuple[dict[int, int], list[str]]:
    """Where each known column stands in a record of `length` bytes.

    Columns before the first unknown one are counted from the front, those after the last
    from the end; so unknown columns only hide what stands between them.
    """
    widths: list[int | None] = []
    for k, number in enumerate(ids):
        if number in _FLAGS:
            widths.append(0 if _FLAGS & set(ids[:k]) else 1)
        else:
            widths.append(_WIDTHS.get(number))
    unknown = [k for k, width in enumerate(widths) if width is None]
    known = [width for width in widths if width is not None]
    left = length - sum(known)
    if left < 0 or (left and not unknown) or left > 8 * len(unknown):
        raise InputError(
            f"{name}: a record of {length} bytes does not fit its columns ({len(ids)} columns, "
            f"{sum(known)} bytes); export it as text from EC-Lab"
        )
    first, last = (unknown[0], unknown[-1]) if unknown else (len(ids), -1)
    found: dict[int, int] = {}
    for k, number in enumerate(ids):
        if k < first:
            found.setdefault(number, sum(w or 0 for w in widths[:k]))
        elif k > last:
            found.setdefault(number, length - sum(w or 0 for w in widths[k:]))
    hidden = sorted(set(ids) & {32, 35, 36, 37, 38} - set(found))
    if hidden:
        raise InputError(
            f"{name}: columns {', '.join(str(ids[k]) for k in unknown)} are of unknown width, and "
            f"column {hidden[0]} ({_COLUMNS[hidden[0]][0]}) stands between them; export it as "
            "text from EC-Lab"
        )
    said = []
    if unknown:
        numbers = ", ".join(str(ids[k]) for k in unknown)
        bytes_each = f" of {left} bytes" if len(unknown) == 1 else f", {left} bytes together"
        said.append(f"dropped column{'s' * (len(unknown) > 1)} {numbers}{bytes_each}: unknown")
    return found, said


def _table(
    name: str,
    records: bytes,
    length: int,
    ids: Sequence[int],
    offsets: dict[int, int],
    loop: _Module | None,
    said: Sequence[str],
) -> Sheet:
    used = [number for number in _COLUMNS if number in offsets]
    if 32 not in used or not ({37, 38} <= set(used) or {35, 36} <= set(used)):
        raise InputError(
            f"{name} holds no impedance: among its columns {', '.join(map(str, ids))} are not 32 "
            "(freq/Hz), 37 (Re(Z)/Ohm) and 38 (-Im(Z)/Ohm)"
        )
    record = np.dtype(
        {
            "names": [_COLUMNS[number][0] for number in used],
            "formats": [_COLUMNS[number][1] for number in used],
            "offsets": [offsets[number] for number in used],
            "itemsize": length,
        }
    )
    rows = np.frombuffer(records, record)
    names = record.names or ()
    sheet = Sheet(
        names=names,
        rows=np.column_stack([rows[column].astype(np.float64) for column in names]),
        where="data module",
        literal=True,
        loops=_loops(loop, len(rows)),
        changes=tuple(said),
    )
    _check_modulus(name, sheet)
    return sheet


def _check_modulus(name: str, sheet: Sheet) -> None:
    """Refuse a record that was cut at the wrong places."""
    column = dict(zip(sheet.names, sheet.rows.T, strict=True))
    if not {"Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm"} <= set(column):
        return
    with np.errstate(all="ignore"):
        modulus = np.hypot(column["Re(Z)/Ohm"], column["-Im(Z)/Ohm"])
        off = np.abs(modulus - column["|Z|/Ohm"]) > 1e-3 * modulus
    if np.mean(off) > 0.5:
        raise InputError(
            f"{name}: the modulus of its impedance is not that of its real and imaginary parts; "
            "a column has an unexpected width, so export it as text from EC-Lab"
        )


def _loops(loop: _Module | None, points: int) -> npt.NDArray[np.int64] | None:
    """Which loop each record belongs to: the module lists where loops begin."""
    if loop is None or len(loop.body) < 8:
        return None
    count = struct.unpack_from("<I", loop.body)[0]
    there = min(int(count), len(loop.body) // 4 - 1)
    starts = np.frombuffer(loop.body, "<u4", count=there, offset=4).astype(np.int64)
    if not starts.size or starts[0] != 0 or np.any(np.diff(starts) <= 0):
        return None
    return np.asarray(np.searchsorted(starts, np.arange(points), side="right") - 1)
