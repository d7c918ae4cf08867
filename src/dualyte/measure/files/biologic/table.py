"""The table of an .mpr file: its data module lists numbers of columns, then holds records."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.biologic.columns import COLUMNS, FLAGS, widths
from dualyte.measure.files.biologic.modules import Module, clock, loop_starts, modules, settings
from dualyte.vocabulary import Floats

#: version of the data module: where the list of column numbers and the records begin
VERSIONS: Final = {2: (5, 405), 3: (5, 406), 10: (6, 1007), 11: (6, 1007)}
_WIDEST: Final = 8  # bytes of a column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Columns of a Bio-Logic file under the headings of its text export. Read-only."""

    names: tuple[str, ...]  #: (k,) headings, such as "Ewe/V"
    columns: tuple[Floats, ...]  #: k of (m,), in the unit of the heading
    file: str  #: name of the file
    form: str  #: "Bio-Logic .mpr" or "Bio-Logic .mpt"
    starts: npt.NDArray[np.int64] | None = None  #: rows at which loops begin, if listed
    clock: float | None = None  #: POSIX time of time = 0; local time taken as UTC
    facts: Mapping[str, float] = field(default_factory=dict)  #: SI: mass, area, capacity
    changes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.columns[0].size) if self.columns else 0

    def get(self, name: str) -> Floats | None:
        """The column under a heading, or None."""
        return self.columns[self.names.index(name)] if name in self.names else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """The records of an .mpr file, before they are taken apart."""

    name: str
    ids: tuple[int, ...]  #: numbers of its columns
    offsets: Mapping[int, int]  #: number: first byte in a record, of the columns that were found
    hidden: tuple[int, ...]  #: numbers of known columns that unknown ones hide
    unknown: tuple[int, ...]
    records: npt.NDArray[np.void]  #: (m,) as bytes
    parts: Mapping[str, Module]  #: the first module of each name
    changes: tuple[str, ...]

    def column(self, number: int) -> npt.NDArray[Any]:
        """The numbers of one column, as the file has them (a view for all but flags)."""
        at, size = self.offsets[number], self.records.dtype.itemsize
        kind = "u1" if number in FLAGS else COLUMNS[number][1]
        layout = np.dtype({"names": ["x"], "formats": [kind], "offsets": [at], "itemsize": size})
        found: npt.NDArray[Any] = self.records.view(layout)["x"]
        if number in FLAGS:
            mask = FLAGS[number][1]
            return (found & mask) >> ((mask & -mask).bit_length() - 1)
        return found

    def numbers(self, number: int) -> Floats:
        """The numbers of one column, read-only."""
        with np.errstate(invalid="ignore"):  # a damaged file may hold signalling nan
            found = self.column(number).astype(np.float64)
        found.setflags(write=False)
        return found

    @property
    def starts(self) -> npt.NDArray[np.int64] | None:
        """Rows at which loops begin, as the module of loops lists them."""
        return loop_starts(self.parts.get("VMP loop"))


def read_data(path: Path) -> Data:
    """Find the records of an .mpr file.

    Raises
    ------
    InputError
        If it is no .mpr file, is cut short, has no data, or its records do not fit its columns.
    """
    parts: dict[str, Module] = {}
    for module in modules(path.name, path.read_bytes()):
        parts.setdefault(module.name, module)
    if "VMP data" not in parts:
        names = ", ".join(parts) or "none"
        raise InputError(
            f"{path.name} has no data module (its modules: {names}); it holds settings only, or "
            "the measurement was not saved"
        )
    return _data(path.name, parts["VMP data"], parts)


def _data(name: str, data: Module, parts: Mapping[str, Module]) -> Data:
    if data.version not in VERSIONS:
        known = ", ".join(map(str, VERSIONS))
        raise InputError(
            f"{name}: version {data.version} of the data module is not known (known: {known}); "
            "export it as text from EC-Lab"
        )
    listed, begin = VERSIONS[data.version]
    if len(data.body) < begin:
        raise InputError(f"{name}: its data module of {len(data.body)} bytes holds no record")
    count = struct.unpack_from("<I", data.body)[0]
    columns = int.from_bytes(data.body[4:listed], "little")
    if listed + 2 * columns > begin:
        raise InputError(
            f"{name} is damaged: it counts {columns} columns, more than fit before its records; "
            "export it as text from EC-Lab"
        )
    ids = np.frombuffer(data.body, "<u2", count=columns, offset=listed).tolist()
    length, odd = divmod(len(data.body) - begin, count) if count else (0, 0)
    if not length or odd:
        raise InputError(
            f"{name}: {len(data.body) - begin} bytes do not make {count} records; the file is "
            "damaged, or the measurement was stopped; export it as text from EC-Lab"
        )
    offsets, unknown, said = _offsets(name, ids, length)
    return Data(
        name=name,
        ids=tuple(ids),
        offsets=offsets,
        hidden=tuple(n for n in dict.fromkeys(ids) if _known(n) and n not in offsets),
        unknown=unknown,
        records=np.frombuffer(data.body, np.dtype((np.void, length)), offset=begin),
        parts=parts,
        changes=tuple(said),
    )


def _known(number: int) -> bool:
    return number in COLUMNS or number in FLAGS


def _offsets(
    name: str, ids: Sequence[int], length: int
) -> tuple[dict[int, int], tuple[int, ...], list[str]]:
    """Where each known column stands in a record of `length` bytes, the unknown, what to say.

    Columns before the first of unknown width are counted from the front, those after the last
    from the end; so unknown widths only hide what stands between them.
    """
    sizes = widths(ids, guess=True)
    if None in sizes or sum(w or 0 for w in sizes) != length:
        sizes = widths(ids, guess=False)
    blind = [k for k, size in enumerate(sizes) if size is None]
    total = sum(size or 0 for size in sizes)
    left = length - total
    fewest = 0 if len(blind) == 1 and set(ids) & set(FLAGS) else len(blind)  # a flag takes none
    if 0 in ids or not fewest <= left <= _WIDEST * len(blind):
        raise InputError(
            f"{name}: a record of {length} bytes does not fit its columns ({len(ids)} columns, "
            f"{total} bytes; unknown: {_listed([n for n in ids if not _known(n)]) or 'none'}); "
            "export it as text from EC-Lab"
        )
    first, last = (blind[0], blind[-1]) if blind else (len(ids), -1)
    fronts = np.cumsum([0, *(size or 0 for size in sizes)]).tolist()
    found: dict[int, int] = {}
    flags = next((n for n in ids if n in FLAGS), None)  # all others are bits of its byte
    for k, number in enumerate(ids):
        if number in FLAGS and number != flags:
            continue
        if _known(number) and (k < first or k > last):
            found.setdefault(number, fronts[k] if k < first else length - (total - fronts[k]))
    if flags in found:
        found |= {n: found[flags] for n in ids if n in FLAGS}
    unknown = tuple(n for n in dict.fromkeys(ids) if not _known(n))
    said = []
    if unknown:
        size = left + sum(s or 0 for n, s in zip(ids, sizes, strict=True) if n in unknown)
        bytes_each = f" of {size} bytes" if len(unknown) == 1 else f", {size} bytes together"
        said.append(
            f"dropped column{'s' * (len(unknown) > 1)} {_listed(unknown)}{bytes_each}: unknown"
        )
    return found, unknown, said


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def hides(data: Data, number: int) -> InputError:
    """What is said of a column that stands between unknown ones."""
    heading = COLUMNS[number][0] if number in COLUMNS else FLAGS[number][0]
    return InputError(
        f"{data.name}: columns {_listed(data.unknown)} are of unknown width, and column {number} "
        f"({heading}) stands between them; export it as text from EC-Lab"
    )


def read_mpr_table(path: Path) -> Table:
    """Read every column of an .mpr file: data module versions 2, 3, 10 and 11.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Table
        Its columns as float64 under the headings that the text export gives them. A column whose
        number is unknown is dropped, which `changes` says.

    Raises
    ------
    InputError
        If it is no .mpr file, is cut short, holds no records, or has columns of unknown width
        that the length of a record does not fix.

    Notes
    -----
    The text export has columns that the program computes when it writes it (energies, "cycle
    number", the impedance as an admittance); they are not in the .mpr file.
    """
    data = read_data(path)
    if data.hidden:
        raise hides(data, data.hidden[0])
    facts, said = settings(data.parts.get("VMP Set"))
    names: list[str] = []
    columns: list[Floats] = []
    for number in dict.fromkeys(data.ids):
        if number not in data.offsets:
            continue
        heading = FLAGS[number][0] if number in FLAGS else COLUMNS[number][0]
        names.append(heading)
        columns.append(data.numbers(number))
    table = Table(
        names=tuple(names),
        columns=tuple(columns),
        file=path.name,
        form="Bio-Logic .mpr",
        starts=data.starts,
        clock=clock(data.parts.get("VMP LOG")),
        facts=facts,
        changes=(*data.changes, *said),
    )
    if (time := table.get("time/s")) is not None and not np.isfinite(time).all():
        row = int(np.argmin(np.isfinite(time))) + 1
        raise InputError(
            f"{path.name}: time/s of row {row} is no number; the file is damaged, or a column has "
            "an unexpected width: export it as text from EC-Lab"
        )
    return table
