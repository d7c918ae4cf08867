"""Small Bio-Logic files with known content: .mpr as bytes, .mpt as text."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dualyte.measure.files.biologic.columns import COLUMNS, FLAGS

DAYS = 45301.5  # 2024-01-10 12:00
BEGINS = {2: 405, 3: 406, 10: 1007, 11: 1007}
Columns = Mapping[int, npt.ArrayLike]


def mpr(
    columns: Columns,
    *,
    version: int = 3,
    kinds: Mapping[int, str] | None = None,
    loops: Sequence[int] | None = None,
    facts: Mapping[int, tuple[str, float]] | None = None,
    log: bool = True,
    new: bool = False,
) -> bytes:
    """Bytes of an .mpr file.

    `columns` maps numbers to rows; `kinds` gives the types of numbers that are not known;
    `facts` maps bytes of the settings to a type and a number; `new` writes the longer heads.
    """
    rows = records(columns, kinds or {})
    ids = np.array(list(columns), "<u2")
    head = struct.pack("<IB" if version < 10 else "<IH", len(rows), len(ids)) + ids.tobytes()
    settings = bytearray(0x300)
    for at, (kind, number) in (facts or {}).items():
        struct.pack_into(kind, settings, at, number)
    said = bytearray(0x300)
    struct.pack_into("<d", said, 0x249, DAYS)
    parts = [
        ("VMP Set", bytes(settings), 0),
        ("VMP data", head.ljust(BEGINS[version], b"\x00") + rows.tobytes(), version),
    ]
    parts += [("VMP LOG", bytes(said), 0)] if log else []
    if loops is not None:
        parts.append(("VMP loop", np.array([len(loops), *loops, 0, 0], "<u4").tobytes(), 10))
    out = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\x00" * 4
    for name, body, number in parts:
        out += b"MODULE" + name.encode().ljust(10) + name.encode().ljust(25)
        long = struct.pack("<IIII", 0xFFFFFFFF, len(body), 0, number)
        out += (long if new else struct.pack("<II", len(body), number)) + b"01/10/24" + body
    return out


def records(columns: Columns, kinds: Mapping[int, str]) -> npt.NDArray[np.void]:
    """Records of fixed length; all flags share the byte of the first."""
    flags = [number for number in columns if number in FLAGS]
    plain = [number for number in columns if number not in flags[1:]]
    known = {number: kind for number, (_, kind) in COLUMNS.items()} | dict(kinds)
    known |= dict.fromkeys(flags[:1], "u1")
    size = max(np.size(values) for values in columns.values())
    rows = np.zeros(size, np.dtype([(str(number), known[number]) for number in plain]))
    for number in plain:
        if number not in FLAGS:
            rows[str(number)] = columns[number]
    for number in flags:
        mask = FLAGS[number][1]
        rows[str(flags[0])] |= (np.asarray(columns[number], "u1") * (mask & -mask)) & mask
    return rows


def mpt(
    columns: Mapping[str, npt.ArrayLike],
    *,
    head: Sequence[str] = (),
    comma: bool = False,
    end: str = "\r\n",
    last: bool = False,
    encoding: str = "cp1252",
) -> bytes:
    """Bytes of a text export; `last` says whether the last line ends."""
    first = ["EC-Lab ASCII FILE", f"Nb header lines : {len(head) + 4}", "", *head]
    lines = []
    for row in zip(*(np.asarray(values) for values in columns.values()), strict=True):
        lines.append("\t".join(_cell(x) for x in row))
    numbers = end.join(lines)
    numbers = numbers.replace(".", ",") if comma else numbers
    text = end.join([*first, "\t".join(columns) + "\t", numbers]) + (end if last else "")
    return text.encode(encoding)


def _cell(number: object) -> str:
    """As the program writes numbers: three digits of exponent, integers as they are."""
    if isinstance(number, np.integer):
        return str(number)
    mantissa, _, power = f"{number:.15E}".partition("E")
    return f"{mantissa}E{power[0]}{int(power[1:]):03d}"


def cell(
    rows: int = 40, *, current: float = 0.1, step: float = 60.0
) -> dict[int, npt.NDArray[Any]]:
    """GCPL columns: charge at `current` mA for half of the rows, then discharge; `step` in s."""
    n = np.arange(rows)
    half = (n >= rows // 2).astype(int)
    dq = np.where(half == 0, 1, -1) * current * step / 3600
    dq[0] = 0.0
    return {
        1: np.ones(rows, int), 2: 1 - half, 3: 0 * n, 21: 0 * n,
        31: (np.diff(half, prepend=0) != 0).astype(int), 65: 0 * n,
        131: half, 4: step * n, 7: dq, 13: np.cumsum(dq),
        5: np.where(half == 0, current, -current), 6: 3.0 + 0.5 * np.cumsum(dq), 39: 0 * n + 39,
        467: np.where(half == 0, np.cumsum(dq), np.cumsum(dq * half)), 468: half, 70: 0.0 * n,
    }  # fmt: skip


def as_text(columns: Columns) -> dict[str, npt.ArrayLike]:
    """The same columns under the headings of a text export."""
    return {
        (FLAGS[number][0] if number in FLAGS else COLUMNS[number][0]): values
        for number, values in columns.items()
    }
