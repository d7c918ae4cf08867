"""Tables of a value against temperature, as people type them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.arrhenius.laws import Form
from dualyte.vocabulary import Floats, known, q, size

_HEADING: Final = re.compile(r"^\s*(.*?)\s*(?:/|\(|\[|\bin\b)\s*(.*?)\s*[\])]?\s*$")
_TEMPERATURE: Final = {"temperature", "temp", "t"}
_SPREAD: Final = re.compile(r"(spread|std|sd|sigma of|error|uncertainty|±)", re.IGNORECASE)
#: how a column begins: form, and words of the vocabulary that its unit may fit
_VALUES: Final[dict[str, tuple[Form, tuple[str, ...]]]] = {
    "r": ("R", ("asr", "resistance")), "resistance": ("R", ("asr", "resistance")),
    "sigma": ("sigma", ("conductivity",)), "σ": ("sigma", ("conductivity",)),
    "conductivity": ("sigma", ("conductivity",)), "tau": ("tau", ("relaxation_time",)),
    "τ": ("tau", ("relaxation_time",)),
}  # fmt: skip
_HINT: Final = (
    "name the columns temperature / degC (or K) and R / ohm cm2 (or sigma / S/cm, tau / s), "
    "and, if known, R spread / ohm cm2"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """A quantity at some temperatures."""

    name: str  #: as the column is called, such as R_bulk
    file: str
    form: Form
    quantity: str  #: row of the vocabulary
    temperature: Floats  #: (n,) K
    value: Floats  #: (n,) SI
    spread: Floats | None = None  #: (n,) SI, one standard deviation


def read_points(path: str | Path) -> tuple[Points, ...]:
    r"""Read every quantity of a table against temperature.

    Parameters
    ----------
    path
        Text with a line of headings, each a name and its unit (`temperature / degC`,
        `R_bulk / ohm cm2`, `sigma (S/cm)`), and commas, semicolons or tabs between columns.
        A column called `R_bulk spread` holds the standard deviations of `R_bulk`. Lines that
        begin with # are passed over; rows without a number are left out of that quantity.

    Returns
    -------
    tuple of Points
        One for each quantity.

    Raises
    ------
    InputError
        If there is no such file, column or unit, or a cell holds no number.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = "temperature / degC,R_he / ohm cm2\n0,900\n25,150\n50,32\n"
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text(text)
    ...     [points] = read_points(Path(folder) / "a.csv")
    >>> points.name, points.temperature.tolist(), points.value.round(6).tolist()
    ('R_he', [273.15, 298.15, 323.15], [0.09, 0.015, 0.0032])
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is no text; {_HINT}") from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1)
             if line.strip() and not line.lstrip().startswith("#")]  # fmt: skip
    if len(lines) < 2:
        raise InputError(f"{path.name} holds no table of values against temperature; {_HINT}")
    table = _Table.read(path.name, lines)
    T = _temperatures(table)
    found = []
    for k, title in enumerate(table.head):
        name, unit = _split(title)
        stem = re.split(r"[_ ,]", name.lower())[0]
        if stem not in _VALUES or _SPREAD.search(name):
            continue
        form, words = _VALUES[stem]
        word = _word(table.file, title, unit, words)
        value = table.column(k) * size(unit, word)
        spread = _spread(table, name, unit, word)
        kept = np.isfinite(value) & np.isfinite(T)
        found.append(
            Points(
                name=name, file=path.name, form=form, quantity=word, temperature=T[kept],
                value=value[kept], spread=None if spread is None else spread[kept],
            )
        )  # fmt: skip
    if not found:
        raise InputError(
            f"{path.name}: none of the columns {', '.join(table.head)} is a resistance, "
            f"conductivity or time; {_HINT}"
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Cells of a text, and where they stand in it."""

    file: str
    head: list[str]
    lines: list[int]  #: number of each row in the text
    rows: list[list[str]]
    mark: str  #: what separates columns

    @staticmethod
    def read(file: str, lines: Sequence[tuple[int, str]]) -> _Table:
        mark = max(";\t,", key=lines[0][1].count)
        cells = [[c.strip() for c in next(csv.reader([t], delimiter=mark))] for _, t in lines]
        numbers = [n for n, _ in lines[1:]]
        return _Table(file=file, head=cells[0], lines=numbers, rows=cells[1:], mark=mark)

    def column(self, k: int) -> Floats:
        """Numbers of a column, nan where a cell is empty."""
        found = []
        for line, row in zip(self.lines, self.rows, strict=True):
            cell = row[k] if k < len(row) else ""
            if self.mark != ",":
                cell = cell.replace(",", ".")
            try:
                found.append(float(cell) if cell else float("nan"))
            except ValueError:
                raise InputError(
                    f"{self.file}, line {line}, {self.head[k]}: {cell!r} is not a number"
                ) from None
        return np.array(found)


def _split(title: str) -> tuple[str, str]:
    """Name and unit of a heading."""
    match = _HEADING.match(title)
    return (match[1], match[2]) if match else (title.strip(), "")


def _temperatures(table: _Table) -> Floats:
    """Temperature of each row, K."""
    for k, title in enumerate(table.head):
        name, unit = _split(title)
        if name.lower() not in _TEMPERATURE:
            continue
        unit = {"C": "degC", "°C": "degC"}.get(unit, unit)
        if unit not in ("degC", "K"):
            raise InputError(
                f"{table.file}: column {title!r} needs degC or K as its unit, such as "
                "temperature / degC"
            )
        numbers = table.column(k).tolist()
        return np.array(
            [q(f"{x!r} {unit}", "temperature") if np.isfinite(x) else np.nan for x in numbers]
        )
    raise InputError(
        f"{table.file}: none of the columns {', '.join(table.head)} is the temperature; {_HINT}"
    )


def _word(file: str, title: str, unit: str, words: Sequence[str]) -> str:
    """Which quantity a unit belongs to."""
    for word in words:
        try:
            size(unit, word)
        except Exception:  # whatever the unit reader says, the next quantity may fit
            continue
        return word
    raise InputError(f"{file}: column {title!r} has no unit of {_article(words[0])}; {_HINT}")


def _article(word: str) -> str:
    text = known(word).text
    return f"an {text}" if text[0] in "aeiou" else f"a {text}"


def _spread(table: _Table, name: str, unit: str, word: str) -> Floats | None:
    """Standard deviations of a column; those of the only column need no name."""
    alone = sum(_split(title)[0].lower() not in _TEMPERATURE for title in table.head) == 2
    for k, title in enumerate(table.head):
        told, own = _split(title)
        if not _SPREAD.search(told):
            continue
        owner = _SPREAD.sub("", told).strip(" _,:").removeprefix("of ").strip()
        if owner.lower() == name.lower() or (not owner and alone):
            _word(table.file, title, own or unit, (word,))
            return table.column(k) * size(own or unit, word)
    return None
