"""Columns of .mpr files: the number by which a file lists one, its heading, its type.

The numbers are not published. Those here were told by files whose text export gives the headings;
of the rest only the width is used, so that the columns after them are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: bits of one byte, which all of them share: heading and mask
FLAGS: Final = {
    1: ("mode", 0x03),
    2: ("ox/red", 0x04),
    3: ("error", 0x08),
    21: ("control changes", 0x10),
    31: ("Ns changes", 0x20),
    65: ("counter inc.", 0x80),
}
_DOUBLES: Final = {
    4: "time/s", 7: "dq/mA.h", 11: "<I>/mA", 13: "(Q-Qo)/mA.h", 23: "dQ/mA.h", 24: "cycle number",
    74: "|Energy|/W.h", 123: "Energy charge/W.h", 124: "Energy discharge/W.h",
    125: "Capacitance charge/µF", 126: "Capacitance discharge/µF", 182: "step time/s",
    211: "Q charge/discharge/mA.h", 438: "step time/s", 467: "Q charge/discharge/mA.h",
}  # fmt: skip
_SINGLES: Final = {
    5: "control/V/mA", 6: "Ewe/V", 8: "I/mA", 9: "Ece/V", 16: "Analog IN 1/V",
    17: "Analog IN 2/V", 18: "Analog IN 3/V", 19: "control/V", 20: "control/mA", 26: "Rapp/Ohm",
    27: "Ewe-Ece/V", 32: "freq/Hz", 33: "|Ewe|/V", 34: "|I|/A", 35: "Phase(Z)/deg",
    36: "|Z|/Ohm", 37: "Re(Z)/Ohm", 38: "-Im(Z)/Ohm", 69: "R/Ohm", 70: "P/W",
    75: "Analog OUT/V", 76: "<I>/mA", 77: "<Ewe>/V", 78: "Cs-2/µF-2", 96: "|Ece|/V",
    98: "Phase(Zce)/deg", 99: "|Zce|/Ohm", 100: "Re(Zce)/Ohm", 101: "-Im(Zce)/Ohm",
    163: "|Estack|/V", 168: "Rcmp/Ohm", 169: "Cs/µF", 172: "Cp/µF", 173: "Cp-2/µF-2",
    174: "<Ewe>/V", 178: "(Q-Qo)/C", 179: "dQ/C", 185: "<Ece>/V", 217: "THD Ewe/%",
    218: "THD I/%", 220: "NSD Ewe/%", 221: "NSD I/%", 223: "NSR Ewe/%", 224: "NSR I/%",
    **{228 + k: f"|Ewe h{k}|/V" for k in range(2, 8)},
    **{234 + k: f"|I h{k}|/A" for k in range(2, 7)},
    271: "Phase(Z1)/deg", 272: "Phase(Z2)/deg", 301: "|Z1|/Ohm", 302: "|Z2|/Ohm", 326: "P/W",
    331: "Re(Z1)/Ohm", 332: "Re(Z2)/Ohm", 361: "-Im(Z1)/Ohm", 362: "-Im(Z2)/Ohm",
    391: "<E1>/V", 392: "<E2>/V", 422: "Phase(Zstack)/deg", 423: "|Zstack|/Ohm",
    424: "Re(Zstack)/Ohm", 425: "-Im(Zstack)/Ohm", 426: "<Estack>/V", 430: "Phase(Zwe-ce)/deg",
    431: "|Zwe-ce|/Ohm", 432: "Re(Zwe-ce)/Ohm", 433: "-Im(Zwe-ce)/Ohm", 434: "(Q-Qo)/C",
    435: "dQ/C", 441: "<Ecv>/V", 462: "Temperature/°C", 471: "<Ece>/V", 473: "THD Ewe/%",
    474: "THD I/%", 476: "NSD Ewe/%", 477: "NSD I/%", 479: "NSR Ewe/%", 480: "NSR I/%",
    **{484 + k: f"|Ewe h{k}|/V" for k in range(2, 8)},
    **{490 + k: f"|I h{k}|/A" for k in range(2, 8)},
    505: "Rdc/Ohm",
}  # fmt: skip
_WHOLE: Final = {
    39: ("I Range", "<u2"), 131: ("Ns", "<u2"), 212: ("half cycle", "<u4"),
    213: ("z cycle", "<u4"), 295: ("I Range", "<u2"), 468: ("half cycle", "<u4"),
    469: ("z cycle", "<u4"), 509: ("Acir/Dcir Control", "<u1"),
}  # fmt: skip
#: number: heading and type
COLUMNS: Final[dict[int, tuple[str, str]]] = (
    {number: (heading, "<f8") for number, heading in _DOUBLES.items()}
    | {number: (heading, "<f4") for number, heading in _SINGLES.items()}
    | _WHOLE
)
#: meaning unknown or not one, width known: 241 and 242 are harmonics or voltages of a stack
_WIDTHS: Final = {241: 4, 242: 4}


def width(number: int) -> int | None:
    """Bytes of a column, None if unknown; those of flags are counted elsewhere.

    >>> width(4), width(39), width(9999)
    (8, 2, None)
    """
    if number in COLUMNS:
        return int(COLUMNS[number][1][-1])
    return _WIDTHS.get(number)


def likely(number: int) -> int | None:
    """Bytes of a column by the lower byte of its number, which newer programs add 256 to."""
    return width(number) or (width(number % 256) if number >= 256 else None)


def widths(ids: Sequence[int], *, guess: bool) -> list[int | None]:
    """Bytes that each column takes in a record; the first flag takes one, the others none."""
    first = next((k for k, number in enumerate(ids) if number in FLAGS), -1)
    known = likely if guess else width
    return [int(k == first) if n in FLAGS else known(n) for k, n in enumerate(ids)]
