"""Tables in text, whatever separates their cells and marks their decimals; fast for long ones.

A table is a run of lines with as many cells, some of them numbers; the lines above it hold its
headings and units. Columns of words (states, dates) are kept as words.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.table import decoded, whole_lines
from dualyte.vocabulary import Floats

if TYPE_CHECKING:
    import pandas as pd

_VOIDS: Final = (
    "", "-", "--", "---", "#N/A", "#n/a", "n/a", "na", "N/A", "NA", "nan", "NaN", "NAN", "none",
    "None", "null", "NULL", "OL", "overload", "#NUM!", "#VALUE!", "#DIV/0!", "#REF!", "inf", "-inf",
    "Inf", "-Inf", "INF", "-INF", "+inf",
)  # fmt: skip
_LOWER_VOIDS: Final = frozenset(word.lower() for word in _VOIDS)
_NUMBERS: Final = {
    "point": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "comma": re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?"),
    "thousands": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?([eE][+-]?\d+)?|"
                            r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
}  # fmt: skip
_MARKS: Final = {"tab": "\t", "semicolon": ";", "comma": ",", "spaces": None}
#: separator and decimals, in the order in which they are believed
_STYLES: Final = (
    ("tab", "point"), ("semicolon", "point"), ("comma", "point"), ("spaces", "point"),
    ("tab", "comma"), ("semicolon", "comma"), ("spaces", "comma"), ("comma", "comma"),
    ("tab", "thousands"), ("semicolon", "thousands"), ("comma", "thousands"),
)  # fmt: skip
_IN_HEADING: Final = re.compile(
    r"""(?P<name>.*?[^\s/,_])\s*
    (?:\[(?P<a>[^\][]*)\]|\((?P<b>[^()]*)\)|/\s*(?P<c>[^/\s][^/]*(?:/[^/\s]+)*)|,\s*(?P<d>\S+))\s*""",
    re.VERBOSE,
)
#: what stands in a row of units, in brackets or not
_UNIT: Final = re.compile(
    r"""[(\[]?\s*(?:
    [kMGmuµμn]?(?:s|V|A|Ah|W|Wh|Pa|N|m|Hz|g|F|J|S|C|eV|Ohm|ohm|Ω|\u2126|bar|mol)
    (?:[/·*. ](?:[kMcmµun]?(?:m|s|g|A|V|V2|V²|h|Hz|N|mol|K))(?:\^?-?[0-9²³]+)?)*
    (?:\^?-?[0-9²³])?
    |sec|secs?|min|hr?s?|h|cm(?:[23²³]|\^[23])?|°C|degC|deg\s?C|°|deg|rad|%|K|1|-|counts?(?:/s)?|cps|a\.?u\.?
    |dd\.mm\.yyyy.*|hh:mm:ss.*|mAh/g|mAh/cm2|psi|mils?|in|lbf
    )\s*[)\]]?""",
    re.VERBOSE,
)
_SNIFFED: Final = 300  # lines looked at to tell the style
_FEW: Final = 0.02  # share of the rows that may be broken
_LARGEST: Final = 2_000_000_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """A table as a text has it."""

    names: tuple[
        str, ...
    ]  #: (k,) headings as written, without their units; empty if there are none
    units: tuple[str, ...]  #: (k,) as written, "" where none is
    columns: tuple[npt.NDArray[Any], ...]  #: k of (m,): float64 (nan where void) or words (object)
    first_line: int  #: number of the line of its first row, from 1
    name: str = ""  #: of the file, for messages
    head: tuple[str, ...] = ()  #: lines above the headings
    headings: tuple[str, ...] = ()  #: (k,) as written, with their units
    changes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.columns[0].size)

    def find(self, *patterns: str) -> int | None:
        """Index of the first column whose heading a pattern matches wholly, ignoring case.

        The first pattern is looked for in all headings, then the next. Both the heading as
        written and the name without its unit are tried.
        """
        for pattern in patterns:
            known = re.compile(pattern, re.IGNORECASE)
            for k, (name, written) in enumerate(zip(self.names, self.headings, strict=True)):
                if known.fullmatch(name) or known.fullmatch(written):
                    return k
        return None

    def column(self, k: int) -> Floats:
        """Numbers of a column.

        Raises
        ------
        InputError
            If it is a column of words.
        """
        found = self.columns[k]
        if found.dtype == np.float64:
            return found
        what = self.names[k] if self.names else f"{k + 1}"
        row = next((i for i, word in enumerate(found) if not _void(str(word))), 0)
        raise InputError(
            f"{self.name}, line {self.first_line + row}: column {what} holds {str(found[row])!r}, "
            "not numbers"
        )


def read_grid(
    source: Path | str,
    *,
    name: str | None = None,
    start: int = 0,
    fewest: int = 2,
    want: Sequence[str] = (),
) -> Grid:
    r"""Read the one table of a text, or the first whose headings are the wanted ones.

    Parameters
    ----------
    source
        A path, or the text itself (a `str`).
    name
        Of the file, for messages; by default that of the path.
    start
        Number of lines to pass over.
    fewest
        Fewest numbers in a row.
    want
        Patterns (whole headings, ignoring case): each must match one heading.

    Raises
    ------
    InputError
        If there is no table, or none has the wanted headings.

    Examples
    --------
    >>> grid = read_grid("Time [s];U [V]\n0;3,1\n10;3,2\n")
    >>> grid.names, grid.units, grid.column(1).tolist(), grid.changes
    (('Time', 'U'), ('s', 'V'), [3.1, 3.2], ('read decimal commas',))
    """
    found = grids(source, name=name, start=start, fewest=fewest)
    for k, grid in enumerate(found):
        if all(grid.find(pattern) is not None for pattern in want):
            return _with_rest(grid, found[k + 1 :])
    lack = next(p for p in want if all(grid.find(p) is None for grid in found) or len(found) > 0)
    heads = ", ".join(found[0].headings) or "none"
    raise InputError(
        f"{found[0].name}, line {max(found[0].first_line - 1, 1)}: among the headings ({heads}) is "
        f"none like {lack}"
    )


def _with_rest(grid: Grid, others: Sequence[Grid]) -> Grid:
    """Join what follows under no heading of its own: a strange line in a table does not end it."""
    parts = [grid]
    for other in others:
        same = [a.dtype == b.dtype for a, b in zip(grid.columns, other.columns, strict=False)]
        if other.headings or len(other.columns) != len(grid.columns) or not all(same):
            break
        parts.append(other)
    if len(parts) == 1 or not grid.headings:
        return grid
    said = [
        f"went on at line {part.first_line}, after lines that are no rows" for part in parts[1:]
    ]
    columns = tuple(
        np.concatenate(pieces) for pieces in zip(*(p.columns for p in parts), strict=True)
    )
    changes = [x for part in parts for x in part.changes]
    return replace(grid, columns=columns, changes=tuple(dict.fromkeys([*changes, *said])))


def grids(
    source: Path | str, *, name: str | None = None, start: int = 0, fewest: int = 2
) -> list[Grid]:
    """Every table of a text, in order; see `read_grid`."""
    if isinstance(source, Path):
        name, text = name or source.name, decoded(source)
    else:
        name, text = name or "text", source
    if len(text) > _LARGEST:
        raise InputError(
            f"{name} has {len(text) / 1e9:.1f} GB of text; split it into smaller files"
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, cut = whole_lines(text)
    text += "\n" if text and not text.endswith("\n") else ""
    offset, head = 0, start
    for _ in range(start):
        offset = text.find("\n", offset) + 1
        if offset == 0:
            raise _none(name)
    opening = text[offset : offset + 400 * _SNIFFED].split("\n")
    style = _style(opening[:-1] if len(opening) > 1 else opening, fewest)
    if style is None:  # a long head: look at all lines
        style = _style(text[offset:].split("\n"), fewest)
    if style is None:
        raise _none(name)
    whole = _whole(name, text, offset, opening, style, fewest, head)
    found = [whole] if whole is not None else _apart(name, text[offset:], style, fewest, head)
    if cut:
        found[-1] = replace(found[-1], changes=(*found[-1].changes, cut))
    return found


def _none(name: str) -> InputError:
    return InputError(
        f"{name} has no table of numbers; give a line of headings, then lines of numbers with "
        "tabs, semicolons, commas or spaces between them"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    separator: str
    decimals: str
    width: int  #: cells of a row


# ---------------------------------------------------------------- lines and cells


def _cells(line: str, separator: str) -> list[str]:
    mark = _MARKS[separator]
    if mark is None:
        return line.split()
    if '"' in line:
        try:
            return [c.strip() for c in next(csv.reader([line], delimiter=mark), [])]
        except csv.Error:  # a stray quote
            pass
    return [cell.strip() for cell in line.split(mark)]


def _void(cell: str) -> bool:
    return cell.lower() in _LOWER_VOIDS


def _count(cells: Sequence[str], decimals: str) -> int:
    known = _NUMBERS[decimals]
    return sum(known.fullmatch(cell) is not None for cell in cells)


def _is_row(cells: Sequence[str], decimals: str, fewest: int) -> bool:
    """Whether a line is one of a table: some numbers, and no fewer than words."""
    numbers = _count(cells, decimals)
    if numbers < fewest:
        return False
    words = sum(not _void(cell) for cell in cells) - numbers
    return numbers >= words


def _style(lines: Sequence[str], fewest: int) -> _Style | None:
    """Separator, decimals and width that make the most cells numbers."""
    digits = [line for line in lines if any(c.isdigit() for c in line)]
    digits = digits[:: 1 + len(digits) // (2 * _SNIFFED)]
    best, most = None, 0.0
    for separator, decimals in _STYLES:
        quoted = separator == "comma" and decimals != "point"  # only quotes can tell them apart
        if quoted and not any('"' in line for line in digits):
            continue
        split = (_cells(line, separator) for line in digits)
        rows = [cells for cells in split if _is_row(cells, decimals, fewest)]
        if not rows:
            continue
        width = Counter(len(row) for row in rows).most_common(1)[0][0]
        score = sum(_count(row, decimals) / len(row) for row in rows if len(row) == width)
        if score > most + 1e-9:
            best, most = _Style(separator=separator, decimals=decimals, width=width), score
    return best


# ---------------------------------------------------------------- one long table, fast


def _whole(
    name: str,
    text: str,
    offset: int,
    opening: Sequence[str],
    style: _Style,
    fewest: int,
    head: int,
) -> Grid | None:
    """The table, if all after its first row is one table without a broken line."""
    at = next(
        (k for k, line in enumerate(opening) if _row(line, style, fewest)),
        None,
    )
    if at is None:
        return None
    begin = offset + sum(len(line) + 1 for line in opening[:at])
    frame = _parsed(text[begin:], style)
    if frame is None or len(frame) == 0:
        return None
    columns = [_numbers(frame[k]) for k in frame.columns]
    first = _cells(opening[at], style.separator)
    for cell, column in zip(first, columns, strict=False):
        # a word somewhere in a column of numbers: go through the lines one by one
        if column.dtype != np.float64 and _NUMBERS[style.decimals].fullmatch(cell):
            return None
    if any(column.dtype == np.float64 and np.isnan(column).mean() > 0.0 for column in columns):
        lost = np.isnan(np.column_stack([c for c in columns if c.dtype == np.float64]))
        if lost[:-1].sum(axis=1).max(initial=0) > lost[0].sum():
            return None  # short rows look like voids here
    grid = _made(name, columns, opening[:at], style, head + at + 1)
    return _without_short_end(grid, text, style)


def _row(line: str, style: _Style, fewest: int) -> bool:
    cells = _cells(line, style.separator)
    return len(cells) == style.width and _is_row(cells, style.decimals, fewest)


def _parsed(text: str, style: _Style) -> pd.DataFrame | None:
    import pandas as pd

    mark = _MARKS[style.separator]
    try:
        return pd.read_csv(
            io.StringIO(text),
            header=None,
            names=range(style.width),
            index_col=False,
            sep=r"\s+" if mark is None else mark,
            decimal="," if style.decimals == "comma" else ".",
            thousands="," if style.decimals == "thousands" else None,
            na_values=list(_VOIDS),
            skipinitialspace=True,
            low_memory=False,
            on_bad_lines="error",
        )
    except (ValueError, OverflowError, pd.errors.ParserWarning):  # includes ParserError
        return None


def _numbers(column: Any) -> npt.NDArray[Any]:  # noqa: ANN401 (a column of pandas)
    if column.dtype.kind in "fiu":
        out = np.array(column, dtype=np.float64)
        out[~np.isfinite(out)] = np.nan
    elif column.dtype.kind == "b":
        out = np.array([str(word) for word in column], dtype=object)
    else:
        words = column.fillna("").astype(str).str.strip()
        out = words.to_numpy(dtype=object)
    out.setflags(write=False)
    return out


def _made(
    name: str,
    columns: Sequence[npt.NDArray[Any]],
    above: Sequence[str],
    style: _Style,
    first_line: int,
) -> Grid:
    """Put headings over columns; an empty last one without a heading is dropped."""
    headings, units, head = _headings(above, style)
    empty = [c.dtype == np.float64 and bool(np.isnan(c).all()) for c in columns]
    keep = len(columns)
    while keep > 1 and empty[keep - 1] and not (len(headings) >= keep and headings[keep - 1]):
        keep -= 1
    if columns[0].size == 1 and len(columns) < sum(map(bool, headings)):
        raise InputError(
            f"{name}, line {first_line}: {len(columns)} cells under {len(headings)} headings; the "
            "file may be cut short"
        )
    headings, units = headings[:keep], units[:keep]
    if headings and len(headings) != keep:
        fix = "give every column a name, and every row a number for each"
        if keep == 2 * len(headings) and style.separator == "comma":
            fix = "commas seem to mark decimals and columns at once, so export with decimal points"
        raise InputError(
            f"{name}, line {first_line}: {keep} cells under {len(headings)} headings "
            f"({', '.join(headings)}); {fix}"
        )
    split = [_split(h) for h in headings]
    names = tuple(n for n, _ in split)
    units = tuple(u.strip(" ()[]") for u in units) if any(units) else tuple(u for _, u in split)
    said = {"comma": "read decimal commas", "thousands": "read commas as thousands separators"}
    return Grid(
        names=names,
        units=units or ("",) * keep,
        columns=tuple(columns[:keep]),
        first_line=first_line,
        name=name,
        head=tuple(head),
        headings=tuple(headings),
        changes=(said[style.decimals],) if style.decimals in said else (),
    )


def _split(heading: str) -> tuple[str, str]:
    """Name and unit of a heading.

    >>> _split("Voltage(V)"), _split("Ecell/V"), _split("Time, s"), _split("Cycle")
    (('Voltage', 'V'), ('Ecell', 'V'), ('Time', 's'), ('Cycle', ''))
    """
    match = _IN_HEADING.fullmatch(heading)
    if match is None:
        return heading, ""
    unit = next((match[g] for g in "abcd" if match[g] is not None), "").strip()
    if match["d"] is not None and not _UNIT.fullmatch(unit):
        return heading, ""
    return match["name"].strip(), unit


def _headings(
    above: Sequence[str], style: _Style
) -> tuple[list[str], tuple[str, ...], Sequence[str]]:
    """Headings, units of a row of their own, and the lines above both."""
    units: tuple[str, ...] = ()
    for k in range(len(above) - 1, -1, -1):
        line = above[k].lstrip(" #%!*") if style.separator == "spaces" else above[k].lstrip("#%!*")
        if not line.strip():
            continue
        fitting = next(
            (c for c in _ways(line, style) if len(c) == style.width and _worded(c, style)), None
        )
        if fitting is None:
            loose = _cells(line, style.separator)
            while loose and not loose[-1]:
                loose.pop()
            worded = len(loose) > 2 and _worded(loose, style)
            if worded and len(loose) == style.width:
                fitting = loose
            elif worded and abs(len(loose) - style.width) == 1:
                short = [*loose, ""] if len(loose) < style.width else loose
                return short, units or ("",) * len(short), above[:k]
            elif style.separator == "comma" and 2 * len(loose) == style.width:
                return loose, (), above[:k]  # refused later, with the likely reason
            else:
                break
        held = [cell for cell in fitting if cell]
        if not units and held and sum(bool(_UNIT.fullmatch(c)) for c in held) > len(held) / 2:
            units = tuple(fitting)
            continue
        return fitting, units or ("",) * len(fitting), above[:k]
    return [], (), above


def _ways(line: str, style: _Style) -> Iterator[list[str]]:
    """Ways of splitting a line of headings, the most likely first."""
    yield _cells(line, style.separator)
    for separator in _MARKS:
        if separator not in (style.separator, "spaces"):
            yield _cells(line, separator)
    yield [cell for cell in re.split(r"\s{2,}", line.strip()) if cell]


def _worded(cells: Sequence[str], style: _Style) -> bool:
    """Whether cells are headings: words, hardly a number."""
    held = [cell for cell in cells if cell]
    return bool(held) and _count(held, style.decimals) <= len(held) / 4


def _without_short_end(grid: Grid, text: str, style: _Style) -> Grid:
    """Leave out a last line that has fewer cells than the others, and say so."""
    tail = text[max(0, len(text) - 20_000) :].rstrip("\n").split("\n")
    mark = _MARKS[style.separator]
    last = tail[-1].split(mark)
    if len(grid) < 2 or len(last) >= len(tail[-2].split(mark)) or len(last) >= style.width:
        return grid
    said = (
        "left out the last line, which has fewer cells than the others: the file may be cut short"
    )
    kept = tuple(column[:-1] for column in grid.columns)
    return replace(grid, columns=kept, changes=(*grid.changes, said))


# ---------------------------------------------------------------- line by line


@dataclass(slots=True)
class _Block:
    first: int  #: index of its first line
    width: int
    lines: list[str] = field(default_factory=list)
    last: int = 0
    said: list[str] = field(default_factory=list)
    broken: int = 0


def _apart(name: str, text: str, style: _Style, fewest: int, head: int) -> list[Grid]:
    """Every table of a text whose lines are gone through one by one."""
    lines = text.split("\n")
    found: list[Grid] = []
    before = 0
    for block in _blocks(lines, style, fewest, head):
        above = lines[before : block.first]
        before = block.last + 1
        if len(block.lines) < 2 and found:
            continue
        own = replace(style, width=block.width)
        frame = _parsed("\n".join(block.lines), own)
        if frame is None or not len(frame):
            continue
        if block.broken > max(_FEW * len(block.lines), 1):
            raise InputError(
                f"{name}: {block.said[0]}, and so are {block.broken - 1} more; mend it"
            )
        columns = [_numbers(frame[k]) for k in frame.columns]
        grid = _made(name, columns, above, own, head + block.first + 1)
        said = [line.replace("is broken", "was left out") for line in block.said[:3]]
        more = [f"left out {block.broken - 3} more broken lines"] if block.broken > 3 else []
        grid = replace(grid, changes=(*grid.changes, *said, *more))
        found.append(
            _without_short_end(grid, text, style) if block.last >= len(lines) - 2 else grid
        )
    if not found:
        raise _none(name)
    return found


def _blocks(lines: Sequence[str], style: _Style, fewest: int, head: int) -> Iterator[_Block]:
    """Runs of rows; a broken line between two rows of one table is left out, and said."""
    block: _Block | None = None
    kinds: tuple[bool, ...] = ()
    number = _NUMBERS[style.decimals]
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        cells = _cells(line, style.separator)
        row = _is_row(cells, style.decimals, fewest)
        if row and block is not None and len(cells) == block.width:
            wrong = next(
                (k for k, (c, known) in enumerate(zip(cells, kinds, strict=True))
                 if known and not number.fullmatch(c) and not _void(c)), None,
            )  # fmt: skip
            if wrong is None:
                block.lines.append(line)
            else:
                _broke(block, f"line {head + at + 1} is broken: {cells[wrong]!r} is no number")
            block.last = at
        elif (
            block is not None
            and (row or number.fullmatch(cells[0]))
            and (len(cells) < block.width and _no_new_table(lines, at, style))
        ):
            _broke(
                block, f"line {head + at + 1} is broken: it has {len(cells)} of {block.width} cells"
            )
            block.last = at
        elif row:
            if block is not None:
                yield block
            block = _Block(first=at, width=len(cells), lines=[line], last=at)
            kinds = tuple(number.fullmatch(c) is not None for c in cells)
        elif block is not None:
            yield block
            block = None
    if block is not None:
        yield block


def _broke(block: _Block, why: str) -> None:
    block.broken += 1
    if len(block.said) < 3:
        block.said.append(why)


def _no_new_table(lines: Sequence[str], at: int, style: _Style) -> bool:
    """Whether the line after has another width: else both are of another table."""
    width = len(_cells(lines[at], style.separator))
    after = next((line for line in lines[at + 1 : at + 4] if line.strip()), None)
    if after is None:
        return True
    cells = _cells(after, style.separator)
    return len(cells) != width
