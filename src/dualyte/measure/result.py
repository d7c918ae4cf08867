"""Evaluation: what files of one kind of measurement yield, whatever the kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar, get_args

import numpy as np

from dualyte.errors import DualyteError, InputError
from dualyte.material import Value
from dualyte.vocabulary import checked, show

MeasurementKind = Literal[
    "cycling", "eis", "indentation", "compression", "conductivity", "topography", "section",
    "xps", "growth", "phases",
]  # fmt: skip
KINDS: Final[tuple[str, ...]] = get_args(MeasurementKind)
Tell = Callable[[int, int], None]  #: done, of how many
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFailure:
    """A file that could not be evaluated, and why in one sentence."""

    file: str
    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """What files of one kind of measurement yield. Read-only.

    Each of the `results` is a `Value` of kind measured (or computed, where a model or an assumption
    stands between) with one standard deviation as spread (0 where it is not known), so that a
    prediction takes it as it is.
    """

    kind: MeasurementKind
    files: tuple[str, ...]  #: names of those evaluated
    results: Mapping[str, Value]  #: in the order people want to read them
    warnings: tuple[str, ...] = ()  #: what to know before using them, in sentences
    changed: tuple[str, ...] = ()  #: what is not as the files have it, in sentences
    failures: tuple[FileFailure, ...] = ()  #: files that cost only themselves
    table: Sequence[Mapping[str, Any]] = ()  #: rows for people and CSV, in shown units, named so
    detail: Any = None  #: the kind's own noun, for figures
    stopped: bool = False  #: by Ctrl-C, before all files were evaluated
    made_from: tuple[object, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind is {self.kind!r}; it is one of {', '.join(KINDS)}")

    def __getitem__(self, name: str) -> Value:
        try:
            return self.results[name]
        except KeyError:
            raise InputError(
                f"{self.kind} gave no {name!r}; it gave {', '.join(self.results) or 'nothing'}"
            ) from None

    def __str__(self) -> str:
        lines = [f"{self.kind}: {', '.join(self.files)}"]
        for name, value in self.results.items():
            lines.append(f"  {name}: {shown_value(value)}")
        lines += [f"  changed: {said}" for said in self.changed]
        lines += [f"  note: {said}" for said in self.warnings]
        lines += [f"  not read: {failure.why}" for failure in self.failures]
        return "\n".join(lines)


def shown_value(value: Value) -> str:
    """Write a value with one standard deviation, in the unit people expect.

    >>> shown_value(measured("hardness", 4.2e8, 3e7, where="twelve indents"))
    '0.42 GPa ± 0.03 GPa'
    """
    text = show(value.quantity, value.si)
    if value.law == "log-normal":
        return f"{text}, times or over {np.exp(value.spread):.3g}"
    if value.spread > 0 and value.quantity != "temperature":  # a difference has no offset
        text += f" ± {show(value.quantity, value.spread, 2)}"
    return text


def measured(
    quantity: str,
    si: float,
    spread: float | None = None,
    *,
    where: str,
    computed: bool = False,
    note: str = "",
) -> Value:
    """Make a value of what was measured.

    Parameters
    ----------
    quantity
        Row of the vocabulary.
    si
        The number, SI.
    spread
        One standard deviation, SI; None or nan where it is not known.
    where
        What it was found from, such as `"file.txt, unloading branch"`.
    computed
        Whether a model or an assumption stands between the files and the number.
    note
        What to know of it.

    Raises
    ------
    InputError
        If the number is implausible for its quantity, or the spread is negative.
    """
    number = float(checked(quantity, si))
    wide = 0.0 if spread is None or not np.isfinite(spread) else float(spread)
    if wide < 0:
        raise InputError(f"{quantity}: the spread {wide:g} is negative; give a standard deviation")
    return Value(
        quantity=quantity, si=number, spread=wide, where=where, note=note,
        kind="computed" if computed else "measured", source="own measurement",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[T]):
    """What was made of every path, and what failed."""

    made: tuple[tuple[Path, T], ...]
    failures: tuple[FileFailure, ...]
    stopped: bool = False


def told_apart(paths: Sequence[Path]) -> list[str]:
    """Names of files; the path where two folders hold the same name.

    >>> told_apart([Path("a/1.csv"), Path("b/1.csv"), Path("b/2.csv")])
    ['a/1.csv', 'b/1.csv', '2.csv']
    """
    often = Counter(path.name for path in paths)
    return [path.name if often[path.name] == 1 else path.as_posix() for path in paths]


def each_file(
    paths: Iterable[str | Path],
    make: Callable[[Path], T],
    *,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Batch[T]:
    """Do one thing with every file; a bad file costs only itself, Ctrl-C keeps what is done.

    Parameters
    ----------
    paths
        Files.
    make
        What to do with one; may raise any error of dualyte.
    raise_errors
        Whether the first bad file raises.
    progress
        Told how many are done, of how many.

    Raises
    ------
    InputError
        If there is no file, or every file failed (the sentence of the first).
    """
    listed = [Path(path) for path in paths]
    if not listed:
        raise InputError("no file is given; give one or more")
    names = told_apart(listed)
    made: list[tuple[Path, T]] = []
    failures: list[FileFailure] = []
    stopped = False
    for k, (path, name) in enumerate(zip(listed, names, strict=True)):
        try:
            if not path.is_file():
                raise InputError(f"no file {str(path)!r}")
            made.append((path, make(path)))
        except DualyteError as error:
            if raise_errors:
                raise
            failures.append(FileFailure(file=name, why=str(error)))
        except OSError as error:
            why = f"{path.name} cannot be opened: {error.strerror}"
            if raise_errors:
                raise InputError(why) from error
            failures.append(FileFailure(file=name, why=why))
        except KeyboardInterrupt:
            stopped = True
            break
        if progress is not None:
            progress(k + 1, len(listed))
    if not made and failures:
        more = f" (and {len(failures) - 1} more failed)" if len(failures) > 1 else ""
        raise InputError(f"{failures[0].why}{more}")
    return Batch(made=tuple(made), failures=tuple(failures), stopped=stopped)
