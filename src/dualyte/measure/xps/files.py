"""Which reader reads an XPS file: told by what the file holds, not by its name."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path
from typing import Final

from dualyte.errors import InputError
from dualyte.measure.xps.formats import (
    read_json,
    read_project,
    read_specs,
    read_table,
    read_vgd,
    read_xlsx,
)
from dualyte.measure.xps.spectrum import Reader, XpsSpectrum
from dualyte.measure.xps.vamas import read_vamas

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_VGD: Final = "VGData".encode("utf-16-le")
_BINDING: Final = re.compile(
    rb"(?im)^[\s#\"']*(?:binding[ _]?energy|b\.?\s?e\.?\s*(?:[\[(/]\s*ev|\(ev\)))[^\n]{0,80}\n"
)
_KINETIC: Final = re.compile(rb"(?im)^[\s#\"']*kinetic[ _]?energy[^\n]{0,80}\n")
#: format: reader
READERS: Final[dict[str, Reader]] = {
    "VAMAS": read_vamas,
    "Thermo VGD": read_vgd,
    "XPS workbook": read_xlsx,
    "XPS project": read_project,
    "XPS json": read_json,
    "SPECS xy": read_specs,
    "XPS table": read_table,
}
_HEAD: Final = 65536


def looks_like(path: Path, head: bytes) -> str | None:
    """Name of the format if a file is one of XPS, else None.

    Parameters
    ----------
    path
        The file; opened only if it is an archive.
    head
        Its first 64 kB.

    Notes
    -----
    Never raises. A table of two columns without a heading is not recognised.
    """
    try:
        return _looks_like(path, head)
    except Exception:  # a damaged container is none of ours
        return None


def _looks_like(path: Path, head: bytes) -> str | None:
    if b"VAMAS Surface Chemical Analysis" in head[:2000]:
        return "VAMAS"
    if head.startswith(_OLE):
        return "Thermo VGD" if _VGD in _ole_directory(path, head) else None
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    text = head.decode("utf-16").encode() if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head
    if text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        ours = b'"rawBE"' in text or (b'"Core levels"' in text and b'"B.E."' in text)
        return "XPS json" if ours else None
    if text.startswith(b"#") and b"SpecsLab" in text[:400] and b"Energy Axis:" in text[:4000]:
        return "SPECS xy"
    if b"\x00" in text[:4000]:
        return None
    return "XPS table" if _BINDING.search(text[:8000]) or _KINETIC.search(text[:8000]) else None


def _ole_directory(path: Path, head: bytes) -> bytes:
    """First sector of the directory of an OLE file, and the head."""
    if len(head) < 512:
        return b""
    size = 1 << min(struct.unpack_from("<H", head, 30)[0], 12)
    at = (struct.unpack_from("<I", head, 48)[0] + 1) * size
    if at + 8 * size <= len(head):
        return head[at : at + 8 * size]
    with path.open("rb") as file:
        file.seek(at)
        return file.read(size)


def _archive(path: Path) -> str | None:
    """Look into a workbook or an archive of .json files."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()[:2000]
        if "xl/workbook.xml" in names:
            words = next((n for n in names if n.lower() == "xl/sharedstrings.xml"), None)
            inside = [words] if words else [n for n in names if n.startswith("xl/worksheets/")][:3]
            ours = any(_binding(_beginning(archive, name)) for name in inside)
            return "XPS workbook" if ours else None
        texts = [n for n in names if n.lower().endswith(".json")][:3]
        ours = any(b'"rawBE"' in _beginning(archive, n) for n in texts)
        return "XPS project" if ours else None


def _beginning(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(1_000_000)


def _binding(words: bytes) -> bool:
    return re.search(rb">(?:Binding Energy|Kinetic Energy|BE<|B\.E\.)", words) is not None


def read_xps(path: str | Path, *, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read the spectra of an XPS file.

    Parameters
    ----------
    path
        VAMAS (.vms, .npl), Thermo .VGD, an .xlsx export of Thermo Avantage or KherveFitting,
        KherveFitting .json, SPECS .xy, or text with a column of energies and one of counts.
    photon_energy
        J, in place of what the file says.

    Returns
    -------
    list of XpsSpectrum
        In the order of the file.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged or holds no spectrum.
    MissingExtraError
        If a library that reads its format is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; export or copy it again")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        return READERS[_told(path, head)](path, photon_energy)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from error


def _told(path: Path, head: bytes) -> str:
    """Format by content; by suffix where the content says nothing, so that errors name it."""
    if found := looks_like(path, head):
        return found
    suffix = path.suffix.lower()
    by_suffix = {
        ".vms": "VAMAS", ".npl": "VAMAS", ".vgd": "Thermo VGD", ".xlsx": "XPS workbook",
        ".zip": "XPS project", ".json": "XPS json", ".xy": "XPS table",
    }  # fmt: skip
    if suffix in by_suffix:
        return by_suffix[suffix]
    if b"\x00" in head[:4000] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(
            f"{path.name} is no XPS file that dualyte reads; export it as VAMAS or as text"
        )
    return "XPS table"
