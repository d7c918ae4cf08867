"""Cyclers' files that are no texts: databases, Neware's own, workbooks, Parquet."""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import DualyteError, InputError, MissingExtraError
from dualyte.measure.files.cyclers import jet
from dualyte.measure.files.cyclers.maps import FORMATS, Format, known
from dualyte.measure.files.cyclers.normalise import Raw, facts_of, from_table, record
from dualyte.measure.files.record import Record

_UNPACKED: Final = 600_000_000  # bytes that a zip may unpack to
_HEADING_ROWS: Final = 60
_FORMS: Final = {form.name: form for form in FORMATS if not form.text}
_ARBIN: Final = {
    "Test_Time": "time", "DateTime": "stamp", "Step_Index": "step", "Cycle_Index": "cycle",
    "Current": "current", "Voltage": "voltage", "Charge_Capacity": "charged",
    "Discharge_Capacity": "discharged",
}  # fmt: skip
_AMP_HOURS: Final = 3600.0


def guarded(what: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever a library gives)
    """Do what a library does; whatever it raises becomes one sentence.

    Raises
    ------
    InputError
        If it raises anything; also a panic of a library in Rust, which is no `Exception`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return act()
    except (DualyteError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # panics of compiled libraries are not Exceptions
        raise InputError(f"{what} is cut short or damaged; copy or export it again") from error


def library(module: str, package: str) -> Any:  # noqa: ANN401 (a module)
    """A module of the extra `files`."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(package, "files") from error


# ---------------------------------------------------------------- Arbin .res


def read_res(path: Path) -> list[Record]:
    """Arbin .res: one record for every test of the database."""
    base = jet.Database(path.read_bytes(), path.name)
    table = base.read("Channel_Normal_Table", ("Test_ID", "Data_Point", *_ARBIN))
    missing = [name for name in ("Test_ID", "Data_Point", *_ARBIN) if name not in table]
    if missing:
        raise InputError(f"{path.name}: its table of rows lacks {', '.join(missing)}")
    if not table["Test_ID"].size:
        raise InputError(f"{path.name}: its table of rows is empty")
    numbered = np.isfinite(table["Test_ID"]) & np.isfinite(table["Data_Point"])
    if not numbered.all():
        base.changes.append(f"left out {int((~numbered).sum())} rows without a number of their own")
        table = {name: column[numbered] for name, column in table.items()}
    tests = np.unique(table["Test_ID"])
    if not tests.size:
        raise InputError(f"{path.name} is damaged: no row has a number; copy it again")
    if tests.size > 1000:
        raise InputError(f"{path.name} is damaged: it counts {tests.size} tests")
    return [_res_test(path, base, table, test, several=tests.size > 1) for test in tests]


def _res_test(
    path: Path,
    base: jet.Database,
    table: dict[str, npt.NDArray[Any]],
    test: float,
    *,
    several: bool,
) -> Record:
    rows = np.flatnonzero(table["Test_ID"] == test)
    points = table["Data_Point"][rows]
    order = np.argsort(points, kind="stable")
    rows, points = rows[order], points[order]
    raw = Raw(form=_FORMS["Arbin .res"], file=path.name, changes=list(base.changes))
    raw.title = f"test {int(test)}" if several else ""
    for name, role in _ARBIN.items():
        with np.errstate(invalid="ignore"):  # a damaged float may be a signalling nan
            raw.columns[role] = table[name][rows].astype(np.float64)
    for role in ("charged", "discharged"):
        raw.columns[role] = raw.columns[role] * _AMP_HOURS
    lost = int(points[-1] - points[0]) + 1 - points.size
    if lost > 0:
        raw.say(f"{lost} data points between the first and the last are missing in the file")
    raw.stated |= set(_ARBIN.values())
    if "Auxiliary_Table" in base.tables:
        warm = _auxiliary(base, test, points)
        if warm is not None:
            raw.columns["temperature"] = warm
    head = base.read("Global_Table", ("Test_ID", "MASS")) if "Global_Table" in base.tables else {}
    if "MASS" in head and "Test_ID" in head and (head["Test_ID"] == test).any():
        grams = float(head["MASS"][head["Test_ID"] == test][0])
        if grams not in (0.0, 1.0) and 1e-7 < grams < 1e4:
            raw.facts = facts_of({"mass": grams * 1e-3})
    return record(raw)


def _auxiliary(
    base: jet.Database, test: float, points: npt.NDArray[Any]
) -> npt.NDArray[np.float64] | None:
    """Temperature of the first sensor at the data points that have one."""
    names = ("Test_ID", "Data_Point", "Auxiliary_Index", "Data_Type", "X")
    table = base.read("Auxiliary_Table", names)
    if any(name not in table for name in names) or not table["X"].size:
        return None
    mine = (table["Test_ID"] == test) & (table["Data_Type"] == 1)  # 1: temperature
    if not mine.any():
        return None
    mine &= table["Auxiliary_Index"] == table["Auxiliary_Index"][mine].min()
    at, celsius = table["Data_Point"][mine], table["X"][mine].astype(np.float64)
    order = np.argsort(at, kind="stable")
    at, celsius = at[order], celsius[order]
    k = np.clip(np.searchsorted(at, points), 0, at.size - 1)
    return np.where(at[k] == points, celsius[k] + 273.15, np.nan)


# ---------------------------------------------------------------- Neware


def read_nda(path: Path) -> list[Record]:
    """Neware .nda."""
    fastnda = library("fastnda", "fastnda")
    return [_neware(path, "Neware .nda", fastnda)]


def read_ndax(path: Path) -> list[Record]:
    """Neware .ndax."""
    check_zip(path)
    fastnda = library("fastnda", "fastnda")
    return [_neware(path, "Neware .ndax", fastnda)]


def _neware(path: Path, form: str, fastnda: Any) -> Record:  # noqa: ANN401 (a module)
    logger = logging.getLogger("fastnda")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # it warns of what does not matter here
    try:
        with _suffixed(path, form.split()[-1]) as named:
            frame = guarded(path.name, lambda: fastnda.read(named, cycle_mode="raw"))
            try:
                told = guarded(path.name, lambda: fastnda.read_metadata(named))
            except InputError:
                told = {}
    finally:
        logger.setLevel(level)
    columns = guarded(path.name, lambda: {n: _polars(frame[n]) for n in frame.columns})
    raw = Raw(form=_FORMS[form], file=path.name)
    for name, role, factor in (
        ("total_time_s", "time", 1.0), ("unix_time_s", "stamp", 1.0), ("voltage_V", "voltage", 1.0),
        ("current_mA", "current", 1e-3), ("capacity_mAh", "capacity", 3.6),
        ("cycle_count", "cycle", 1.0), ("step_count", "step", 1.0),
    ):  # fmt: skip
        if name in columns:
            raw.columns[role] = columns[name].astype(np.float64) * factor
            raw.stated.add(role)
    warm = [name for name in columns if "temperature" in name.lower() and "degC" in name]
    if warm:
        raw.columns["temperature"] = columns[warm[0]].astype(np.float64) + 273.15
    if "voltage" not in raw.columns or not raw.columns["voltage"].size:
        raise InputError(f"{path.name} holds no rows")
    mass = told.get("active_mass_mg") if isinstance(told, dict) else None
    if mass == 1:
        raw.say("ignored the mass of 1 mg in the head: a preset")
    elif isinstance(mass, int | float):
        raw.facts = facts_of({"mass": float(mass) * 1e-6})
    return record(raw)


def _polars(column: Any) -> npt.NDArray[Any]:  # noqa: ANN401 (a column of polars)
    return np.asarray(column.to_numpy()) if column.dtype.is_numeric() else np.zeros(len(column))


class _suffixed:  # noqa: N801 (used as a function)
    """A path with the suffix that a library goes by: the file itself, or a copy of it."""

    def __init__(self, path: Path, suffix: str) -> None:
        self.path, self.suffix = path, suffix
        self.folder: Any = None

    def __enter__(self) -> Path:
        if self.path.suffix.lower() == self.suffix:
            return self.path
        from shutil import copyfile
        from tempfile import TemporaryDirectory

        self.folder = TemporaryDirectory()
        named = Path(self.folder.name) / f"copy{self.suffix}"
        copyfile(self.path, named)
        return named

    def __exit__(self, *_: object) -> None:
        if self.folder is not None:
            self.folder.cleanup()


# ---------------------------------------------------------------- zips and workbooks


def zip_names(path: Path) -> list[str]:
    """Names in a zip.

    Raises
    ------
    InputError
        If it is damaged.
    """
    return list(guarded(path.name, lambda: zipfile.ZipFile(path).namelist()))


def check_zip(path: Path) -> None:
    """Refuse a zip that unpacks to more than memory should hold.

    Raises
    ------
    InputError
        If it does, or is damaged.
    """
    members = guarded(path.name, lambda: zipfile.ZipFile(path).infolist())
    size = sum(member.file_size for member in members)
    if size > _UNPACKED:
        raise InputError(
            f"{path.name} would unpack to {size / 1e9:.1f} GB; export it as csv in parts"
        )


def sheets(
    path: Path, *, most: int | None = None
) -> Iterator[tuple[str, tuple[str, ...], list[npt.NDArray[Any]]]]:
    """Title, headings and columns of every sheet that has headings of a cycler.

    Parameters
    ----------
    path
        The workbook.
    most
        Most rows below the headings to read.
    """
    check_zip(path)
    openpyxl = library("openpyxl", "openpyxl")
    book = guarded(path.name, lambda: openpyxl.load_workbook(path, data_only=True, read_only=True))
    try:
        for page in guarded(path.name, lambda: list(book.worksheets)):
            found = guarded(path.name, partial(_sheet, page, most))
            if found is not None:
                yield str(page.title), *found
    finally:
        guarded(path.name, book.close)


def _sheet(page: Any, most: int | None) -> tuple[tuple[str, ...], list[npt.NDArray[Any]]] | None:  # noqa: ANN401
    """Headings and columns below them."""
    page.reset_dimensions()  # what a sheet says of its size may be wrong
    rows = page.iter_rows(values_only=True)
    names: tuple[str, ...] = ()
    for k, row in enumerate(rows):
        cells = ["" if cell is None else str(cell).replace("\n", " ") for cell in row]
        if known(cells, str(page.title)) is not None:
            names = tuple(cells)
            break
        if k >= _HEADING_ROWS:
            break
    if not names:
        return None
    kept: list[tuple[Any, ...]] = []
    for row in rows:
        if most is not None and len(kept) >= most:
            break
        if any(cell is not None for cell in row):
            kept.append((*row, *[None] * len(names))[: len(names)])
    columns = [_cells(column) for column in zip(*kept, strict=True)] if kept else []
    return (names, columns) if columns else None


def _cells(cells: tuple[Any, ...]) -> npt.NDArray[Any]:
    """Cells of a column: numbers, or words."""
    plain = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in plain):
        return np.array([np.nan if cell is None else float(cell) for cell in cells])
    texts = ["" if cell is None else str(cell) for cell in cells]
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array(texts, dtype=object)


# ---------------------------------------------------------------- Parquet


def parquet_form(path: Path) -> Format | None:
    """Format whose columns a Parquet file has."""
    parquet = library("pyarrow.parquet", "pyarrow")
    names = list(guarded(path.name, lambda: parquet.ParquetFile(path).schema_arrow.names))
    return known(names, "")


def read_parquet(path: Path) -> list[Record]:
    """Parquet with the columns of BDF, or any named columns."""
    form = parquet_form(path)
    if form is None:
        raise InputError(f"{path.name}: no columns for time, voltage and current")
    parquet = library("pyarrow.parquet", "pyarrow")

    def table() -> tuple[list[str], list[npt.NDArray[Any]]]:
        file = parquet.ParquetFile(path)
        if file.metadata.num_rows * max(file.metadata.num_columns, 1) > 1e9:
            raise InputError(f"{path.name} counts {file.metadata.num_rows} rows; split it")
        whole = file.read()
        return list(whole.column_names), [_arrow(whole.column(k)) for k in range(whole.num_columns)]

    names, columns = guarded(path.name, table)
    if not columns or not columns[0].size:
        raise InputError(f"{path.name} holds no rows")
    raw = from_table(form, path.name, names, (), columns)
    return [record(raw)]


def _arrow(column: Any) -> npt.NDArray[Any]:  # noqa: ANN401 (a column of pyarrow)
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return np.asarray(column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()) / 1e6
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    return np.array(["" if x is None else str(x) for x in column.to_pylist()], dtype=object)
