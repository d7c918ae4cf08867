"""Indents in workbooks and hdf5: Agilent, Keysight and KLA .xls, FischerScope .hdf5."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import DualyteError, InputError, MissingExtraError
from dualyte.measure.indentation.area import EPSILON, AreaFunction, contact_depth
from dualyte.measure.indentation.indent import Facts, Indent
from dualyte.measure.indentation.units import unit_size
from dualyte.vocabulary import Floats

_LARGEST: Final = 400_000_000  # bytes of a workbook
_LONGEST: Final = 5_000_000  # points of one indent
_NONE: Final = 1e99  # what the instrument writes where it has no number, and above

#: what is read of a sheet of one test: its headings, first the best, and its kind of unit
_COLUMNS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "depth": (("Displacement Into Surface", "DEPTH", "Depth"), "depth"),
    "load": (("Load On Sample", "Force On Surface", "LOAD", "Load"), "load"),
    "time": (("Time On Sample", "Time in Contact", "TIME", "Time"), "time"),
    "stiffness": (("Harmonic Contact Stiffness", "STIFFNESS", "Stiffness"), "stiffness"),
    "hardness": (("Hardness", "HARDNESS"), "stress"),
    "youngs_modulus": (("Modulus", "MODULUS"), "stress"),
    "modulus": (("Reduced Modulus",), "stress"),
    "contact_area": (("Contact Area",), "area"),
    "contact_depth": (("Contact Depth",), "depth"),
}
_NEEDED: Final = ("depth", "load", "time")


# ---------------------------------------------------------------- workbooks


def read_xls(path: Path) -> list[Indent]:
    """Read a workbook of Agilent, Keysight or KLA: one sheet for each test.

    Raises
    ------
    InputError
        If it is damaged, or holds no sheet of a test.
    MissingExtraError
        If xlrd is not installed.
    """
    try:
        xlrd = import_module("xlrd")
    except ImportError as error:
        raise MissingExtraError("xlrd", "files") from error
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path.name} is larger than {_LARGEST // 10**6} MB; split it")
    try:
        book = xlrd.open_workbook(
            str(path), on_demand=True, logfile=io.StringIO(), ragged_rows=True
        )
        names = sorted(n for n in book.sheet_names() if re.fullmatch(r"Test \d+", n))
        if not names:
            raise InputError(
                f"{path.name} has no sheet of a test ('Test 001'); export the curves with it"
            )
        about = _about(path.name, book)
        return [_xls_indent(path.name, name, _sheet(book, name), about) for name in names]
    except DualyteError:
        raise
    except Exception as error:  # a damaged workbook raises many kinds in xlrd
        raise InputError(
            f"{path.name} is not a readable workbook ({type(error).__name__}); it is damaged, so "
            "copy or export it again"
        ) from error


def _sheet(book: Any, name: str) -> list[list[Any]]:  # noqa: ANN401 (of xlrd)
    """Cells of a sheet by column, as long as the longest row."""
    sheet = book.sheet_by_name(name)
    rows = [sheet.row_values(k) for k in range(sheet.nrows)]
    book.unload_sheet(name)
    width = max(map(len, rows), default=0)
    if width * len(rows) > 10 * _LONGEST:
        raise InputError(f"sheet {name!r} has {len(rows)} rows of {width} cells; it is damaged")
    return [[row[k] if k < len(row) else "" for row in rows] for k in range(width)]


def _about(file: str, book: Any) -> dict[int, dict[str, float]]:  # noqa: ANN401 (of xlrd)
    """What the sheets of inputs and results say of each test, SI where they name a unit."""
    found: dict[int, dict[str, float]] = {}
    known = set(book.sheet_names())
    for name in ("Required Inputs", "Pre-Test Inputs", "Inputs Editable Post Test", "Results"):
        columns = _sheet(book, name) if name in known else []
        if not columns or len(columns[0]) < 3:
            continue
        tests = columns[0][2:]
        for column in columns[1:]:
            title, unit = str(column[0]).strip(), str(column[1]).strip()
            size = 1e-9 if unit == "nm" else 1e9 if unit == "GPa" else 1.0
            for test, value in zip(tests, column[2:], strict=True):
                number = _whole(test)
                if number is not None and isinstance(value, float) and abs(value) < _NONE:
                    found.setdefault(number, {})[title] = value * size
    return found


def _whole(cell: object) -> int | None:
    match = re.fullmatch(r"(\d{1,6})(\.0*)?", str(cell).strip())
    return int(match[1]) if match else None


def _xls_indent(
    file: str, name: str, columns: Sequence[Sequence[Any]], about: Mapping[int, dict[str, float]]
) -> Indent:
    where = f"{file}, {name}"
    titles = [str(column[0]).strip() if column else "" for column in columns]
    found: dict[str, Floats] = {}
    for word, (headings, quantity) in _COLUMNS.items():
        at = next((titles.index(h) for h in headings if h in titles), None)
        if at is not None and len(columns[at]) > 2:
            size = unit_size(str(columns[at][1]), quantity, where, titles[at])
            found[word] = _numbers(columns[at][2:]) * size
    lack = [word for word in _NEEDED if word not in found]
    if lack:
        raise InputError(
            f"{where}: among its columns ({', '.join(filter(None, titles))}) is none for "
            f"{' and '.join(lack)}; export them with it"
        )
    good = np.all([np.isfinite(found[word]) for word in _NEEDED], axis=0)
    found = {word: values[good] for word, values in found.items()}
    stiffness = found.pop("stiffness", None)
    if stiffness is not None:
        others = [found[w] for w in ("hardness", "youngs_modulus") if w in found]
        valid = np.isfinite(stiffness) & (stiffness > 0)
        for values in others:  # the instrument has no result there
            valid &= np.isfinite(values)
        stiffness = np.where(valid, stiffness, np.nan) if valid.sum() > 3 else None
    said: list[str] = []
    facts = _xls_facts(about.get(int(name.split()[1]), {}), found, stiffness, said)
    record = {word: found.pop(word) for word in _NEEDED}
    return Indent(
        file=file, name=name, format="Agilent .xls", stiffness=stiffness, reported=found,
        corrected=frozenset({"zero", "drift", "frame"}), facts=facts, changes=tuple(said),
        time=record["time"], depth=record["depth"], load=record["load"],
    )  # fmt: skip


def _numbers(cells: Sequence[Any]) -> Floats:
    out = np.array([c if isinstance(c, float) else np.nan for c in cells], dtype=np.float64)
    out[~(np.abs(out) < _NONE)] = np.nan
    return out


def _xls_facts(
    about: Mapping[str, float],
    found: Mapping[str, Floats],
    stiffness: Floats | None,
    said: list[str],
) -> Facts:
    low, high = (about.get(f"{m} Calculation Depth") for m in ("Minimum", "Maximum"))
    listed: list[float] = []
    while (c := about.get(f"Area Coefficient {len(listed) + 1}")) is not None and len(listed) < 9:
        listed.append(c)
    area = AreaFunction(coefficients=tuple(listed), source="file") if any(listed) else None
    if stiffness is not None:
        area = _whole_area(area, found, stiffness, said)
    return Facts(
        area=area,
        poisson_ratio=about.get("Poissons Ratio"),
        depth_range=(low, high) if low is not None and high is not None and low < high else None,
        hardness=about.get("H Average Over Defined Range"),
        youngs_modulus=about.get("E Average Over Defined Range"),
    )


def _whole_area(
    area: AreaFunction | None, found: Mapping[str, Floats], stiffness: Floats, said: list[str]
) -> AreaFunction | None:
    """The area function the instrument used, if its results show that it lists only a part."""
    A = found.get("contact_area")
    if A is None and "hardness" in found:
        with np.errstate(divide="ignore", invalid="ignore"):
            A = found["load"] / found["hardness"]
    if A is None:
        return area
    hc = found.get("contact_depth")
    if hc is None:
        hc = contact_depth(found["depth"], found["load"], stiffness, EPSILON)
    good = np.isfinite(A) & np.isfinite(hc) & np.isfinite(stiffness) & (hc > 5e-9) & (A > 0)
    if good.sum() < 30:
        return area
    A, hc = A[good], hc[good]
    if area is not None and float(np.median(np.abs(area(hc) / A - 1))) < 1e-4:
        return area
    for terms in range(1, 9):
        M = (
            np.stack([(hc * 1e9) ** (2.0 / 2**k) for k in range(terms)], axis=1)
            / (A * 1e18)[:, None]
        )
        size = np.abs(M).max(axis=0)
        c = np.linalg.lstsq(M / size, np.ones(A.size), rcond=None)[0] / size
        if float(np.abs(M @ c - 1).max()) < 1e-6:
            off = "no area function" if area is None else f"{len(area.coefficients)} coefficients"
            said.append(
                f"found the {terms} coefficients of the tip from the contact areas in the file, "
                f"which lists {off}"
            )
            return AreaFunction(coefficients=tuple(c.tolist()), source="contact areas in the file")
    return area


# ---------------------------------------------------------------- hdf5


def read_hdf5(path: Path) -> list[Indent]:
    """Read an hdf5 of indents: groups test_1, test_2, … with displacement, force and time.

    Raises
    ------
    InputError
        If it is damaged, or holds no test.
    MissingExtraError
        If h5py is not installed.
    """
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise MissingExtraError("h5py", "files") from error
    try:
        with h5py.File(path, "r") as file:
            names = [n for n in file if re.fullmatch(r"test_\d{1,6}", n)]
            names.sort(key=lambda n: int(n.split("_")[1]))
            if not names:
                raise InputError(f"{path.name} holds no indent (no group test_1, test_2, …)")
            fischer = "hap" in str(file.attrs.get("uri", ""))
            return [_hdf5_indent(path, name, file[name]["data"], fischer) for name in names]
    except DualyteError:
        raise
    except Exception as error:  # a damaged file raises many kinds in h5py
        raise InputError(
            f"{path.name} is not a readable hdf5 file of indents ({type(error).__name__}: its "
            "groups or datasets are missing or damaged); copy or convert it again"
        ) from error


def _hdf5_indent(path: Path, name: str, data: Any, fischer: bool) -> Indent:  # noqa: ANN401 (of h5py)
    where = f"{path.name}, {name}"
    record: dict[str, Floats] = {}
    for word, columns in (
        ("depth", ("displacement", "displacement_into_surface", "depth")),
        ("load", ("force", "load_on_sample", "load")),
        ("time", ("time", "time_on_sample")),
    ):
        column = next((c for c in columns if c in data), None)
        if column is None:
            raise InputError(f"{where} has no {columns[0]}; its columns are {', '.join(data)}")
        dataset = data[column]
        if len(dataset.shape) != 1 or dataset.shape[0] > _LONGEST:
            raise InputError(f"{where}: {column} has the shape {dataset.shape}; it is damaged")
        unit = dataset.attrs.get("unit", dataset.attrs.get("units", ""))
        unit = unit.decode("latin-1") if isinstance(unit, bytes) else str(unit)
        record[word] = np.asarray(dataset[:], np.float64) * unit_size(unit, word, where, column)
    said = []
    back = np.flatnonzero(np.diff(record["time"]) < 0)
    if back.size:
        start = int(back[-1]) + 1
        record = {word: values[start:] for word, values in record.items()}
        said.append(f"left out {start} points of the approach, before the time starts anew")
    done = frozenset({"zero", "frame"} if fischer else set())
    return Indent(
        file=path.name, name=name, format="indents .hdf5", corrected=done, changes=tuple(said),
        time=record["time"], depth=record["depth"], load=record["load"],
    )  # fmt: skip
