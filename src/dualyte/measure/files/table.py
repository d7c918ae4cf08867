"""Tables of numbers in text, whatever separates them and marks their decimals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.columns import groups, headings, missing, unit_of
from dualyte.vocabulary import Floats


class NoTableError(InputError):
    """A text that holds no table of impedance at all, such as notes."""


_VOIDS: Final = {"", "-", "--", "---", "#n/a", "inf", "-inf", "n/a", "na", "nan", "none", "null",
                 "ol", "overload", "#num!", "#value!", "#div/0!"}  # fmt: skip
_POINT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")
_COMMA: Final = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eEdD][+-]?\d+)?")
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?([eEdD][+-]?\d+)?")
_SEPARATORS: Final = {"tab": "\t", "semicolon": ";", "comma": ",", "spaces": None}
#: separator and how decimals are marked, in the order in which they are believed
_STYLES: Final = (
    ("tab", "point"),
    ("semicolon", "point"),
    ("comma", "point"),
    ("spaces", "point"),
    ("tab", "comma"),
    ("semicolon", "comma"),
    ("spaces", "comma"),
    ("tab", "thousands"),
    ("semicolon", "thousands"),
)
_FEWEST: Final = 3  # columns of a table


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of numbers as a file has it, before its columns are given a meaning."""

    names: tuple[str, ...]  #: (k,) headings; none if the file has none
    rows: Floats  #: (m, k), nan where the file has no number
    units: tuple[str, ...] = ()  #: (k,) what a row of units below the headings says
    title: str = ""  #: what the file calls it
    where: str = ""  #: line or sheet, for messages
    literal: bool = False  #: the sign of the imaginary part is known and not to be doubted
    loops: npt.NDArray[np.int64] | None = None  #: (m,) which sweep a row belongs to
    facts: dict[str, float] = field(default_factory=dict)  #: what the head says, SI
    changes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Block:
    """Consecutive lines of numbers."""

    first: int  #: index of the first line
    width: int
    rows: list[list[float]]
    last: int = 0
    said: list[str] = field(default_factory=list)


def decoded(path: Path) -> str:
    """Text of a file in the usual encodings."""
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\x00" in data[:100_000]:
        raise InputError(
            f"{path.name} is not text: it is damaged, or of a format that is not known; copy it "
            "again, or export it as text"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def whole_lines(text: str) -> tuple[str, str]:
    r"""Leave out a last line whose last number may be cut short, and say so.

    A number cut short reads as another number. A line that does not end is whole if its last
    number has as many digits as those above; where theirs differ, and of whole numbers, this
    cannot be told, and is said.

    Returns
    -------
    text, said : str
        The text without the line, and a sentence; the text as it is, and nothing.

    Examples
    --------
    >>> whole_lines("t,U\n1,3.25\n2,3.50\n3,3.7")[0].splitlines()[-1]
    '2,3.50'
    >>> whole_lines("t,U\n1,3.25\n2,3.50\n3,3.75")[1]
    ''
    """
    if not text or text[-1] in "\r\n":
        return text, ""
    at = max(text.rfind("\n"), text.rfind("\r")) + 1
    above = text[max(0, at - 20_000) : at].splitlines()[-12:]
    mark = next((mark for mark in "\t;," if above and mark in above[-1]), None)
    last = _parts(text[at:], mark)
    rows = [parts for parts in (_parts(line, mark) for line in above) if len(parts) == len(last)]
    ends = [row[-1] for row in rows if _some(row)]
    if not ends and _some(last) and len(last) > 1 and _ANY.fullmatch(last[-1]):
        return text, _UNSURE
    if not ends or not all(_ANY.fullmatch(end) for end in ends):
        return text, ""  # shorter lines are left out by whoever reads the table
    alike = [_digits(end) for end in ends]
    if _ANY.fullmatch(last[-1]) and _digits(last[-1]) >= min(alike):
        if _digits(last[-1]) >= max(alike) and max(alike) > (-1, 0):
            return text, ""
        return text, _UNSURE
    return text[:at], (
        "left out the last line, which does not end and has fewer digits than those above: the "
        "file may be cut short (put an end of line there if it is whole)"
    )


_UNSURE: Final = (
    "the last line does not end: if the file is cut short, its last number is not whole"
)
_ANY: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")


def _parts(line: str, mark: str | None) -> list[str]:
    """Cells of a line, a decimal comma as a point."""
    cells = line.strip("\r\n").split(mark)
    if mark != ",":
        cells = [cell.replace(",", ".") for cell in cells]
    return [cell.strip(' "') for cell in cells]


def _some(parts: Sequence[str]) -> bool:
    return sum(_ANY.fullmatch(part) is not None for part in parts) >= min(2, len(parts))


def _digits(cell: str) -> tuple[int, int]:
    """Digits after the mark of decimals, and characters of the exponent."""
    mantissa, _, exponent = cell.lower().replace("d", "e").partition("e")
    after = mantissa.partition(".")[2]
    return (len(after) if "." in mantissa else -1, len(exponent))


def sheets(name: str, lines: Sequence[str], *, start: int = 0) -> list[Sheet]:
    """Every table of impedance in the lines of a text.

    Parameters
    ----------
    name
        The file, for messages.
    lines
        Its lines.
    start
        Number of lines before them, for messages.

    Raises
    ------
    InputError
        If there is no table, or its columns cannot be told.

    Examples
    --------
    >>> [sheet] = sheets("cell.txt", ["1,5;2,5;3,5"] * 5)
    >>> sheet.rows[0].tolist(), sheet.changes
    ([1.5, 2.5, 3.5], ('read decimal commas',))
    """
    style = _style(lines)
    if style is None:
        raise _no_table(name)
    blocks = list(_blocks(name, lines, style, start))
    found: list[Sheet] = []
    head: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    strange: tuple[int, list[str]] | None = None
    before = 0
    for block in blocks:
        above = lines[before : block.first]
        own = _head(above, block.width, style)
        if own is None and head is not None and len(head[0]) != block.width:
            head = None
        head = own or head
        if head is None and (unknown := _strange(above, block.width, style)):
            strange = strange or (start + block.first, unknown)
        before = block.last + 1
        if head is not None:
            _check_width(name, head[0], block, style, start)
            found += _named(block, head, above, style, start)
    if found:
        return found
    if strange is not None:
        heads = headings(strange[1])
        other = not {h.role for h in heads} & {"frequency", "omega", "re", "im", "modulus"}
        raise (NoTableError if other else InputError)(
            f"{name}, line {strange[0]}: among the columns {', '.join(strange[1])} is none for "
            f"{missing(heads)}; name the columns freq/Hz, Z'/Ohm, Z''/Ohm"
        )
    return [_nameless(name, block, style, start) for block in _longest(name, blocks)]


def _no_table(name: str) -> InputError:
    return NoTableError(
        f"{name} has no table of numbers; give lines of frequency, real and imaginary part, "
        "with tabs, semicolons, commas or spaces between them"
    )


def _longest(name: str, blocks: list[_Block]) -> list[_Block]:
    """Blocks without headings that are long enough to be a spectrum."""
    kept = [b for b in blocks if len(b.rows) >= 5]
    if not kept:
        most = max((len(b.rows) for b in blocks), default=0)
        if most == 0:
            raise _no_table(name)
        raise InputError(
            f"{name} has only {most} line{'s' * (most > 1)} of numbers; a spectrum needs at "
            "least 5 frequencies"
        )
    return kept


def _cells(line: str, separator: str) -> list[str]:
    mark = _SEPARATORS[separator]
    if mark is None:
        return line.split()
    cells = [cell.strip() for cell in line.rstrip("\r\n").split(mark)]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _number(cell: str, decimals: str) -> float | None:
    """A number, nan for a void, or None for a word."""
    bare = cell.strip('"')
    if decimals == "point" and _POINT.fullmatch(bare):
        return float(bare.replace("d", "e").replace("D", "e"))
    if decimals == "comma" and _COMMA.fullmatch(bare):
        return float(bare.replace(",", ".").replace("d", "e").replace("D", "e"))
    if decimals == "thousands" and _THOUSANDS.fullmatch(bare):
        return float(bare.replace(",", ""))
    return float("nan") if bare.lower() in _VOIDS else None


def _numbers(line: str, style: tuple[str, str]) -> list[float | None]:
    return [_number(cell, style[1]) for cell in _cells(line, style[0])]


def _is_row(numbers: Sequence[float | None]) -> bool:
    """Whether a line is one of a table: mostly numbers, and at least three."""
    known = sum(x is not None and x == x for x in numbers)
    return known >= _FEWEST and known >= len(numbers) / 2


def _style(lines: Sequence[str]) -> tuple[str, str] | None:
    """Separator and decimals that make the most lines rows of whole numbers."""
    digits = [line for line in lines if any(c.isdigit() for c in line)]
    digits = digits[:: 1 + len(digits) // 400]
    best, most = None, 0.0
    for style in _STYLES:
        rows = [n for line in digits if _is_row(n := _numbers(line, style))]
        # words among the numbers tell of the wrong style; so do thousands commas in a table
        # that a point would fit
        score = sum(sum(x is not None for x in row) / len(row) for row in rows)
        if score > most + 1e-9:
            best, most = style, score
    return best


def _blocks(
    name: str, lines: Sequence[str], style: tuple[str, str], start: int
) -> Iterator[_Block]:
    """Runs of lines of numbers; what is broken within one is left out, and said."""
    block: _Block | None = None
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        numbers = _numbers(line, style)
        row = [float("nan") if x is None else x for x in numbers]
        if _is_row(numbers) and (block is None or len(row) == block.width):
            block = block or _Block(first=at, width=len(row), rows=[])
            block.rows.append(row)
            block.last = at
            continue
        if block is None:
            continue
        if numbers[0] is not None and len(numbers) <= block.width and not _is_row(numbers):
            whole = len(numbers) == block.width
            why = "lacks a number" if whole else f"has {len(row)} of {block.width} columns"
            block.said.append(f"left out line {start + at + 1}, which {why}")
            block.last = at
            continue
        yield block
        block = None
        if _is_row(numbers):
            block = _Block(first=at, width=len(row), rows=[row], last=at)
    if block is not None:
        yield block


def _splits(line: str, style: tuple[str, str]) -> Iterator[list[str]]:
    """Ways of splitting a line of headings, the most likely first."""
    line = line.lstrip(" #%!")  # a tab at the start is an empty column
    for separator in (style[0], *(s for s in _SEPARATORS if s not in (style[0], "spaces"))):
        yield _cells(line, separator)
    yield [cell for cell in re.split(r"\s{2,}", line) if cell]
    yield line.split()


def _head(
    above: Sequence[str], width: int, style: tuple[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Headings and units from the lines above a block: the nearest that name an impedance."""
    units: tuple[str, ...] = ()
    for line in reversed(above):
        ways = list(_splits(line, style))
        for cells in ways:
            if len(cells) == width and sum(unit_of(cell) is not None for cell in cells) >= 2:
                units = tuple(cells)
        complete = [c for c in ways if len(c) >= _FEWEST and not missing(headings(c, units))]
        for cells in complete:
            if len(cells) == width:
                return tuple(cells), units
        if complete:
            return tuple(complete[0]), units
    return None


def _strange(above: Sequence[str], width: int, style: tuple[str, str]) -> list[str]:
    """Cells of a line just above a block that names its columns in unknown words."""
    line = next((line for line in reversed(above) if any(c.isalnum() for c in line)), "")
    for cells in _splits(line, style):
        if len(cells) == width and all(_number(c, style[1]) is None for c in cells):
            return cells
    return []


def _check_width(
    name: str, names: Sequence[str], block: _Block, style: tuple[str, str], start: int
) -> None:
    if len(names) == block.width:
        return
    fix = "give every column a name, and every row a number for each"
    if block.width == 2 * len(names) and style == ("comma", "point"):
        fix = "commas seem to mark decimals and columns at once, so export with decimal points"
    raise InputError(
        f"{name}, line {start + block.first + 1}: {block.width} numbers under {len(names)} "
        f"headings ({', '.join(names)}); {fix}"
    )


def _said(style: tuple[str, str]) -> tuple[str, ...]:
    words = {"comma": "read decimal commas", "thousands": "read commas as thousands separators"}
    return (words[style[1]],) if style[1] in words else ()


def _named(
    block: _Block,
    head: tuple[tuple[str, ...], tuple[str, ...]],
    above: Sequence[str],
    style: tuple[str, str],
    start: int,
) -> Iterator[Sheet]:
    """Tables of a block under headings: more than one where they stand side by side."""
    names, units = head
    whole = Sheet(
        names=names,
        units=units,
        rows=np.array(block.rows),
        title=_title(above, names),
        where=f"line {start + block.first + 1}",
        changes=(*_said(style), *block.said),
    )
    parts = groups(headings(names, units))
    for a, b in parts:
        title = f"{whole.title} {parts.index((a, b)) + 1}".strip() if len(parts) > 1 else None
        yield replace(
            whole,
            names=names[a:b],
            units=units[a:b],
            rows=whole.rows[:, a:b],
            title=whole.title if title is None else title,
        )


def _title(above: Sequence[str], names: Sequence[str]) -> str:
    """What stands between the headings and the numbers, or alone above them."""
    for line in reversed(above):
        cells = [cell.strip() for cell in re.split(r"\t|;|\s{2,}", line) if cell.strip()]
        if all(name in line for name in names) or sum(unit_of(c) is not None for c in cells) > 1:
            return ""
        if cells:
            return cells[-1]
    return ""


def _nameless(name: str, block: _Block, style: tuple[str, str], start: int) -> Sheet:
    rows = np.array(block.rows)
    if style == ("comma", "point") and block.width % 2 == 0 and block.width >= 6:
        whole = np.all((rows == np.round(rows)) | np.isnan(rows))
        if whole and float(np.nanmax(np.abs(rows))) > 1e8:
            raise InputError(
                f"{name}, line {start + block.first + 1}: commas seem to mark decimals and "
                "columns at once; export with decimal points, or with semicolons between columns"
            )
    return Sheet(
        names=(),
        rows=rows,
        where=f"line {start + block.first + 1}",
        changes=(*_said(style), *block.said),
    )
