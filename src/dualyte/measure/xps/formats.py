"""Readers of XPS files other than VAMAS: Thermo, KherveFitting, SPECS, and text tables."""

from __future__ import annotations

import io
import json
import re
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError, MissingExtraError
from dualyte.measure.files.grid import Grid, grids
from dualyte.measure.xps.spectrum import XpsSpectrum, made
from dualyte.vocabulary import ELECTRON

_LARGEST: Final = 100_000_000  # bytes of a file or of a member of an archive
_MEMBERS: Final = 2000
_ROWS: Final = 200_000  # of a sheet
_SETTINGS: Final = "\x05Q5nw4m3lIjudbfwyAayojlptCa"  # stream of a .VGD file
_PASS_ENERGIES: Final = (10.0, 20.0, 35.0, 50.0, 100.0, 160.0, 200.0)  # eV, that makers offer
_AL_K_ALPHA: Final = 1486.68  # eV
#: headings of columns of energy
BINDING: Final = (
    r"binding\s*energy.*", r"b\.?\s?e\.?(\s*[\[(/].*)?", r"be[ _]?\(?ev\)?", r"e_?b(\s*[\[(/].*)?",
)  # fmt: skip
KINETIC: Final = (r"kinetic\s*energy.*", r"k\.?\s?e\.?(\s*[\[(/].*)?", r"e_?k(in)?(\s*[\[(/].*)?")
_COUNTS: Final = (
    r"counts?\b.*", r"intensity.*", r"raw\s*data.*", r"c(ounts)?[ _./]*p?er?[ _/]*s.*", r"cps.*",
    r"i\b.*", r"in\w*", r"signal.*", r"y",
)  # fmt: skip
_RATE: Final = re.compile(
    r"c(ounts?)?\s*/\s*s(ec)?|cps|counts?\s+per\s+s|c\s*s-1|counts?\s*s-1", re.I
)


def _small_enough(path: Path, most: int = _LARGEST) -> None:
    if path.stat().st_size > most:
        raise InputError(
            f"{path.name} has {path.stat().st_size / 1e6:.0f} MB; a file of spectra has less than "
            f"{most / 1e6:.0f} MB"
        )


def read_vgd(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read a Thermo .VGD file: an OLE container of counts, axes and settings.

    Parameters
    ----------
    path
        The file.
    photon_energy
        J; by default that of the settings, else that of Al Kα, which is said.

    Raises
    ------
    MissingExtraError
        If olefile is not installed.
    InputError
        If the file is damaged.

    Notes
    -----
    The properties that name persons and places are not read.
    """
    streams = _streams(path)
    counts = np.frombuffer(streams["VGData"], "<f8", len(streams["VGData"]) // 8)
    axes, space = streams["VGDataAxes"], streams["VGSpaceAxes"]
    several, points = 1, counts.size
    if len(axes) >= 32:
        first, second = (int(n) + 1 for n in struct.unpack_from("<i12xi", axes, 12))
        if first * second == counts.size and second > 1:
            points, several = first, second
        elif first != counts.size:
            raise InputError(
                f"{path.name} is damaged: it states {first} channels and holds {counts.size}; copy "
                "it again"
            )
    if len(space) < 46 or not 0 < points <= _ROWS:
        raise InputError(f"{path.name} is damaged or holds no spectrum; copy it again")
    start, step = struct.unpack_from("<dd", space, 30)
    found, dwell, scans, passing = _settings(streams[_SETTINGS])
    said = [] if found or photon_energy else ["it states no photon energy: took that of Al Kα"]
    ev = (found or _AL_K_ALPHA) if photon_energy is None else photon_energy / ELECTRON
    if not (np.isfinite(start) and np.isfinite(step) and abs(start) < 1e5 and abs(step) < 1e3):
        raise InputError(f"{path.name} is damaged: its energies are absurd; copy it again")
    return [
        made(
            start + step * np.arange(points), row, file=path.name, kinetic=True, photon_ev=ev,
            name=path.stem if several == 1 else f"{path.stem} {k + 1}", what=(path.stem,),
            form="Thermo VGD", dwell=dwell, scans=scans, changes=said,
            pass_energy=passing * ELECTRON if passing else None,
        )
        for k, row in enumerate(counts.reshape(several, points))
    ]  # fmt: skip


def _streams(path: Path) -> dict[str, bytes]:
    """Streams of an OLE container that a spectrum takes."""
    try:
        olefile = import_module("olefile")
    except ImportError as error:
        raise MissingExtraError("olefile", "files") from error
    _small_enough(path, 20_000_000)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strict = olefile.DEFECT_INCORRECT  # a file cut short has sectors that are not there
            with olefile.OleFileIO(io.BytesIO(path.read_bytes()), raise_defects=strict) as held:
                names = ("VGData", "VGDataAxes", "VGSpaceAxes", _SETTINGS)
                found = {name: held.openstream(name).read() for name in names}
                whole = all(len(data) == held.get_size(name) for name, data in found.items())
    except Exception as error:  # whatever the library raises on a damaged container
        raise InputError(
            f"{path.name} is cut short, damaged or no Thermo .VGD of a spectrum; copy it again"
        ) from error
    if not whole:
        raise InputError(f"{path.name} is cut short; copy it again")
    return found


def _settings(data: bytes) -> tuple[float | None, float | None, int | None, float | None]:
    """Photon energy [eV], dwell [s], scans and pass energy [eV], where they can be told.

    The settings have no names; others lie at fixed distances from the pass energy.
    """
    words = np.frombuffer(data, "<f4", len(data) // 4)
    whole = np.frombuffer(data, "<i4", len(data) // 4)
    with np.errstate(all="ignore"):  # most of them are no numbers
        near = [np.abs(words - e) < wide for e, wide in ((_AL_K_ALPHA, 3.0), (1253.6, 1.0))]
        at = np.flatnonzero(np.isin(words, _PASS_ENERGIES))
    photon = next((float(words[np.argmax(n)]) for n in near if n.any()), None)
    if not at.size:
        return photon, None, None, None
    k = int(at[0])
    dwell = float(words[k + 2]) if k + 2 < words.size else 0.0
    scans = int(whole[k - 8]) if k >= 8 else 0
    return (
        photon,
        dwell if 1e-3 < dwell < 10 else None,
        scans if 1 <= scans <= 1000 else None,
        float(words[k]),
    )


def read_xlsx(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read a workbook: an export of Thermo Avantage, or sheets of KherveFitting.

    Raises
    ------
    MissingExtraError
        If openpyxl is not installed.
    InputError
        If the file is damaged, or no sheet has energies and counts.
    """
    try:
        openpyxl = import_module("openpyxl")
    except ImportError as error:
        raise MissingExtraError("openpyxl", "files") from error
    _checked_archive(path)
    found: list[XpsSpectrum] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, data_only=True, read_only=True)
            pages = {
                page.title: [
                    row
                    for row, _ in zip(page.iter_rows(values_only=True), range(_ROWS), strict=False)
                ]
                for page in book.worksheets
            }
            book.close()
    except Exception as error:  # whatever the library raises on a file that is no workbook
        raise InputError(f"{path.name} is damaged or no .xlsx workbook; save it again") from error
    for title, rows in pages.items():
        spectrum = _sheet(path.name, title, rows, photon_energy)
        if spectrum is not None:
            found.append(spectrum)
    if not found:
        raise InputError(
            f"{path.name} has no sheet with a column 'Binding Energy' and one of counts"
        )
    return found


def _sheet(
    file: str, title: str, rows: list[tuple[Any, ...]], photon_energy: float | None
) -> XpsSpectrum | None:
    """Spectrum of a sheet, if it holds one."""
    at = next((k for k, row in enumerate(rows[:60]) if _axis(row) is not None), None)
    if at is None or len(rows) < at + 4:
        return None
    place = _axis(rows[at])
    if place is None:
        return None
    column, kinetic = place
    heading = [_text(cell) for cell in rows[at]]
    units = [_text(cell) for cell in rows[at + 1]]
    units = units if not _number(rows[at + 1][column]) else [""] * len(heading)
    begin = at + 1 if not any(units) else at + 2
    y = next(
        (k for k in range(column + 1, len(units)) if _RATE.search(units[k]) or "ount" in units[k]),
        None,
    )
    if y is None:
        y = next(
            (k for k in range(column + 1, len(heading)) if _matches(heading[k], _COUNTS)), None
        )
    if y is None:
        return None
    body = [row for row in rows[begin:] if row[column] is not None]
    energy = [_float(file, title, row[column]) for row in body]
    counts = [_float(file, title, row[y]) for row in body]
    stored = next((k for k, word in enumerate(heading) if word.lower() == "background"), None)
    extra: dict[str, Any] = {}
    if stored is not None and all(_number(row[stored]) for row in body):
        extra["background"] = [float(row[stored]) for row in body]
    stated = re.search(r"Elements=\D*(\d+)", " ".join(_text(c) for r in rows[:at] for c in r if c))
    if stated and int(stated[1]) != len(energy):
        raise InputError(
            f"{file}, {title}: it states {stated[1]} channels and holds {len(energy)}: it is cut "
            "short or damaged"
        )
    rate = "raw data" in heading[y].lower() or bool(_RATE.search(f"{heading[y]} {units[y]}"))
    return made(
        energy, counts, file=file, name=title, kinetic=kinetic, what=(title,), counted=not rate,
        photon_ev=None if photon_energy is None else photon_energy / ELECTRON, form="workbook",
        **extra,
    )  # fmt: skip


def _axis(row: tuple[Any, ...]) -> tuple[int, bool] | None:
    """Column of energies, and whether they are kinetic."""
    for k, cell in enumerate(row[:8]):
        if isinstance(cell, str):
            if _matches(cell, BINDING):
                return k, False
            if _matches(cell, KINETIC):
                return k, True
    return None


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    word = text.strip().strip("#\"' ").replace("\n", " ")
    return any(re.fullmatch(pattern, word, re.IGNORECASE) for pattern in patterns)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _float(file: str, title: str, cell: object) -> float:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    raise InputError(f"{file}, {title}: {_text(cell)[:40]!r} stands where a number should stand")


def read_json(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read a .json file of KherveFitting, or one with `rawBE` and `rawIntensity`."""
    del photon_energy  # energies are binding energies
    _small_enough(path)
    return _from_json(path.name, path.read_bytes())


def read_project(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read an archive of .json spectra."""
    del photon_energy
    names = [name for name in _checked_archive(path) if name.lower().endswith(".json")]
    found: list[XpsSpectrum] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                found += _from_json(f"{path.name}, {Path(name).name}", archive.read(name))
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{path.name} is cut short or damaged; save it again") from error
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path.name} is damaged; save it again") from error
    if not found:
        raise InputError(f"{path.name} holds no .json spectrum")
    return [replace(s, file=path.name, name=s.name or s.file) for s in found]


def _checked_archive(path: Path) -> list[str]:
    """Names in an archive, if it is none that grows to gigabytes."""
    _small_enough(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # struct.error and others, on damage
        raise InputError(f"{path.name} is cut short or damaged; save it again") from error
    if len(members) > _MEMBERS or sum(m.file_size for m in members) > 5 * _LARGEST:
        raise InputError(f"{path.name} unpacks to more than spectra take; it is not read")
    return [member.filename for member in members]


def _from_json(file: str, data: bytes) -> list[XpsSpectrum]:
    try:
        told = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{file} is cut short or damaged: it is not JSON; save it again"
        ) from error
    try:
        if isinstance(told, dict) and "rawBE" in told:
            return [_tab(file, told)]
        if isinstance(told, dict) and isinstance(told.get("Core levels"), dict):
            levels = told["Core levels"].items()
            return [_level(file, key, level) for key, level in levels if _has_columns(level)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{file} is damaged: a spectrum lacks its columns; save it again"
        ) from error
    raise InputError(f"{file} holds no spectrum: neither 'Core levels' nor 'rawBE'")


def _has_columns(level: Mapping[str, Any]) -> bool:
    return bool(level.get("B.E.")) and bool(level.get("Raw Data"))


def _level(file: str, key: str, level: Mapping[str, Any]) -> XpsSpectrum:
    e, n = level["B.E."], level["Raw Data"]
    stored = level.get("Background") or {}
    extra: dict[str, Any] = {}
    b, x = stored.get("Bkg Y"), stored.get("Bkg X")
    if b and x and len(b) == len(e) == len(x) and np.allclose(x, e, atol=1e-6):
        extra["background"] = b
    return made(
        e, n, file=file, name=key, what=(str(level.get("Name", key)),), counted=False,
        form="KherveFitting", **extra,
    )  # fmt: skip


def _tab(file: str, told: Mapping[str, Any]) -> XpsSpectrum:
    moved = -float(told.get("ccShift") or 0.0)
    name = str(told.get("name", ""))
    spectrum = made(
        np.array(told["rawBE"], dtype=np.float64), told["rawIntensity"], file=file, name=name,
        what=(name,), form="project",
    )  # fmt: skip
    if not moved:
        return spectrum
    why = f"moved by {moved:+.3f} eV, as the project says"
    return spectrum.shifted(moved * ELECTRON, why=why)


def read_specs(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read a SPECS Prodigy .xy export; scans of one region are summed.

    Raises
    ------
    InputError
        If it holds no region with energies and counts, or one has fewer values than it states.
    """
    _small_enough(path)
    text = path.read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n")
    found: list[XpsSpectrum] = []
    for head, rows, last in _regions(path.name, text):
        spectrum = _specs(path.name, head, rows, photon_energy, whole=last or text.endswith("\n"))
        same = next((k for k, old in enumerate(found) if _same_scan(old, spectrum)), None)
        if same is None:
            found.append(spectrum)
        else:
            old = found[same]
            found[same] = replace(
                old, counts=old.counts + spectrum.counts, scans=(old.scans or 1) + 1
            )
    if not found:
        raise InputError(f"{path.name} holds no region with energies and counts")
    return found


def _regions(
    file: str, text: str
) -> Iterator[tuple[dict[str, str], list[tuple[float, float]], bool]]:
    """Heads and rows of the tables of a SPECS file, and whether another table follows."""
    head: dict[str, str] = {}
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            if rows:
                yield dict(head), rows, True
                rows = []
            key, mark, value = line[1:].partition(":")
            if mark:
                head[key.strip().lower()] = value.strip()
        elif line.strip():
            cells = line.split()
            try:
                rows.append((float(cells[0]), float(cells[1])))
            except (ValueError, IndexError):
                raise InputError(
                    f"{file}, line {number}: {line[:40]!r} stands where energy and counts should "
                    "stand"
                ) from None
    if rows:
        yield dict(head), rows, False


def _specs(
    file: str,
    head: Mapping[str, str],
    rows: list[tuple[float, float]],
    photon_energy: float | None,
    *,
    whole: bool,
) -> XpsSpectrum:
    e, n = np.array(rows, dtype=np.float64).T
    stated = _stated(head, "values/curve")
    if stated is not None and stated != len(rows):
        raise InputError(
            f"{file}: region {head.get('region', '')!r} states {stated:g} values and has "
            f"{len(rows)}: it is cut short or damaged"
        )
    if not whole and stated is None:
        raise InputError(f"{file} ends within a line, so it may be cut short; export it again")
    said = [] if whole else ["the last line has no end: its last number may be cut short"]
    dwell, passing = _stated(head, "dwell time"), _stated(head, "pass energy")
    photon = _stated(head, "excitation energy")
    photon = photon if photon_energy is None else photon_energy / ELECTRON
    rate = "second" in head.get("count rate", "").lower() or "/s" in head.get("columnlabels", "")
    if rate and dwell:
        n = n * dwell
        said.append(f"made counts of a rate over {dwell:g} s")
    name = head.get("region", "")
    return made(
        e, n, file=file, name=name, what=(name,), form="SPECS xy", photon_ev=photon,
        kinetic="kinetic" in head.get("energy axis", "").lower(), dwell=dwell, scans=1,
        counted=bool(dwell) or not rate, pass_energy=passing * ELECTRON if passing else None,
        changes=said,
    )  # fmt: skip


def _stated(head: Mapping[str, str], key: str) -> float | None:
    try:
        found = float(head[key])
    except (KeyError, ValueError):
        return None
    return found if np.isfinite(found) and found > 0 else None


def _same_scan(old: XpsSpectrum, new: XpsSpectrum) -> bool:
    same = old.name == new.name and len(old) == len(new) and old.counted and new.counted
    return same and bool(np.allclose(old.energy, new.energy, rtol=0, atol=1e-3 * ELECTRON))


def read_table(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read energies and counts of a text table.

    Raises
    ------
    InputError
        If it has no column of energies, or none of counts.
    """
    _small_enough(path)
    return [_table(path, grid, photon_energy) for grid in grids(path, fewest=2)]


def _table(path: Path, grid: Grid, photon_energy: float | None) -> XpsSpectrum:
    said = list(grid.changes)
    x = grid.find(*BINDING)
    kinetic = x is None and (x := grid.find(*KINETIC)) is not None
    if x is None:
        x = 0
        said.append("no heading names its energies: took the first column for binding energies")
    unit = grid.units[x].lower() if grid.units else ""
    if unit not in ("", "ev"):
        raise InputError(f"{path.name}: its energies are in {grid.units[x]!r}; give them in eV")
    others = [k for k in range(len(grid.columns)) if k != x]
    y = grid.find(*_COUNTS)
    y = y if y in others else next((k for k in others if grid.columns[k].dtype == float), None)
    if y is None:
        raise InputError(f"{path.name} has no column of counts beside its energies")
    if len(others) > 1:
        heading = grid.headings[y] if grid.headings else f"{y + 1}"
        said.append(f"took column {heading!r} for counts, and left out {len(others) - 1} others")
    n = grid.column(y)
    heading = f"{grid.headings[y]} {grid.units[y]}" if grid.headings else ""
    whole = bool(np.all(n == np.round(n))) and bool(n.max(initial=0) > 20)
    counted = whole and not _RATE.search(heading)
    if not counted:
        said.append("its intensities are no whole counts: errors come from the scatter")
    return made(
        grid.column(x), n, file=path.name, kinetic=kinetic, what=(path.stem, heading),
        name=path.stem, photon_ev=None if photon_energy is None else photon_energy / ELECTRON,
        form="text", counted=counted, changes=said,
    )  # fmt: skip
