"""VAMAS files (ISO 14976), read and written: regular and irregular scans, any number of blocks.

The format counts its lines: every entry is one line, and what an entry means follows from the
entries before it. So a wrong count shifts all that follows, and is found by the words and numbers
that must stand at known places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.xps.spectrum import XpsSpectrum, made
from dualyte.vocabulary import ELECTRON, Floats

SIGNATURE: Final = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
_EXPERIMENTS: Final = (
    "MAP", "MAPDP", "MAPSV", "MAPSVDP", "NORM", "SDP", "SDPSV", "SEM", "NOEXP",
)  # fmt: skip
_SCANS: Final = ("REGULAR", "IRREGULAR", "MAPPING")
_SPUTTERED: Final = ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
_MAPS: Final = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM")
_IONS: Final = (
    "FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec",
)  # fmt: skip
_TECHNIQUES: Final = ("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF", *_IONS)
_ELECTRONS: Final = ("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF")
_COMMA: Final = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_ITEMS: Final = 40  # entries of a block that the inclusion list may leave out
_MISSING: Final = 1e36  # 1E37 stands for a number that is not known
#: eV, of sources that labels name
_SOURCES: Final = (("al", 1486.6), ("mg", 1253.6), ("ag", 2984.3), ("cr", 5414.8), ("zr", 2042.4))
_LONGEST: Final = 80  # characters of an entry, as the standard has it
_LARGEST: Final = 200_000_000  # bytes


class _Lines:
    """Lines of a file, taken one after the other."""

    def __init__(self, name: str, lines: Sequence[str], at: int) -> None:
        self.name, self.lines, self.at = name, lines, at
        self.commas = False

    @property
    def left(self) -> int:
        return len(self.lines) - self.at

    def text(self, what: str) -> str:
        if not self.left:
            raise self.wrong(f"it ends where {what} should stand, so it is cut short")
        self.at += 1
        return self.lines[self.at - 1].strip()[:_LONGEST]

    def number(self, what: str) -> float | None:
        """Take a number; None where the file says that it is not known."""
        word = self.text(what)
        if _COMMA.fullmatch(word):
            word, self.commas = word.replace(",", "."), True
        try:
            found = float(word)
        except ValueError:
            raise self.wrong(f"{what} should stand here, not {word[:40]!r}") from None
        if not np.isfinite(found):
            raise self.wrong(f"{what} is {word[:40]!r}, which is not a finite number")
        return None if abs(found) >= _MISSING else found

    def needed(self, what: str) -> float:
        found = self.number(what)
        if found is None:
            raise self.wrong(f"{what} is missing (1E37)")
        return found

    def count(self, what: str, lines_each: int = 1, *, signed: bool = False) -> int:
        """Take a number of things, each of which takes some lines: more than are left is wrong."""
        found = self.needed(f"the number of {what}")
        if found != int(found) or (found < 0 and not signed):
            raise self.wrong(f"the number of {what} is {found:g}")
        if abs(found) * lines_each > self.left:
            raise self.wrong(
                f"the number of {what} is {found:g}, but only {self.left} lines follow: a wrong "
                "count, or a file cut short"
            )
        return int(found)

    def one_of(self, what: str, words: Sequence[str]) -> str:
        word = self.text(what)
        for known in words:
            if word.upper() == known.upper():
                return known
        raise self.wrong(f"{what} should stand here, not {word[:40]!r} (a count above is wrong)")

    def skip(self, lines: int, what: str) -> None:
        if lines > self.left:
            raise self.wrong(f"it ends within {what}, so it is cut short")
        self.at += lines

    def wrong(self, why: str) -> InputError:
        return InputError(
            f"{self.name}, line {max(self.at, 1)}: {why}; export or copy the file again"
        )


@dataclass(slots=True)
class _Head:
    experiment: str
    scan: str
    variables: int = 0
    included: tuple[bool, ...] = (True,) * _ITEMS  #: which entries stand in blocks after the first
    upgrades: int = 0
    blocks: int = 0


@dataclass(slots=True)
class _Block:
    """What a block says; entries it leaves out keep those of the first block."""

    name: str = ""
    sample: str = ""
    technique: str = ""
    source: str = ""
    photon: float | None = None
    mode: str = ""
    passing: float | None = None
    takeoff: float | None = None
    species: str = ""
    transition: str = ""
    abscissa: str = ""
    unit: str = ""
    start: float = 0.0
    step: float = 0.0
    regular: bool = True
    variables: tuple[tuple[str, str], ...] = ()
    signal: str = ""
    time: float | None = None
    scans: float | None = None
    tilt: float | None = None
    limits: list[tuple[float | None, float | None]] = field(default_factory=list)
    columns: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    line: int = 0


def read_vamas(path: Path, photon_energy: float | None = None) -> list[XpsSpectrum]:
    """Read the electron spectra of a VAMAS file.

    Parameters
    ----------
    path
        The file.
    photon_energy
        J, where the file has none or a wrong one.

    Returns
    -------
    list of XpsSpectrum
        One for each block of XPS or UPS, in order. Counts are those of all scans in a channel:
        a rate is multiplied by the collection time and the number of scans.

    Raises
    ------
    InputError
        If the file is cut short, a count in it is wrong, or it holds no electron spectrum.

    Notes
    -----
    Binding energies are the photon energy minus kinetic energies, which the standard refers to
    the Fermi level; the work function in the file is not used. W. A. Dench, L. B. Hazell and
    M. P. Seah, Surf. Interface Anal. 13 (1988) 63, doi:10.1002/sia.740130202.
    """
    if path.stat().st_size > _LARGEST:
        raise InputError(
            f"{path.name} has {path.stat().st_size / 1e6:.0f} MB; a VAMAS file of spectra has less "
            "than 200 MB"
        )
    text = path.read_bytes().decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    first = next((k for k, line in enumerate(lines[:20]) if _signed(line)), None)
    if first is None:
        raise InputError(f"{path.name} does not begin as a VAMAS file does; export it again")
    cursor = _Lines(path.name, lines, first + 1)
    head = _read_head(cursor)
    blocks: list[_Block] = []
    for k in range(head.blocks):
        blocks.append(_read_block(cursor, head, blocks[0] if blocks else None, k + 1))
    said = _ending(cursor, ended=text.endswith("\n"))
    if cursor.commas:
        said.append("read decimal commas")
    used = [block for block in blocks if block.technique in ("XPS", "UPS")]
    if not used:
        what = ", ".join(sorted({block.technique for block in blocks}))
        raise InputError(f"{path.name} holds no XPS or UPS spectrum, but {what}")
    return [_spectrum(path.name, block, photon_energy, said) for block in used]


def _signed(line: str) -> bool:
    return line.strip().upper().startswith(SIGNATURE[:40].upper())


def _read_head(cursor: _Lines) -> _Head:
    for what in ("institution", "instrument", "operator", "experiment"):
        cursor.text(f"the {what}")
    cursor.skip(cursor.count("comment lines"), "its comment")
    head = _Head(
        experiment=cursor.one_of("the experiment mode", _EXPERIMENTS),
        scan=cursor.one_of("the scan mode", _SCANS),
    )
    if head.scan == "MAPPING":
        raise cursor.wrong("it holds a map, not spectra")
    if head.experiment in ("MAP", "MAPDP", "NORM", "SDP"):
        cursor.number("the number of spectral regions")
    if head.experiment in ("MAP", "MAPDP"):
        cursor.skip(3, "the sizes of its map")
    head.variables = cursor.count("experimental variables", 2)
    cursor.skip(2 * head.variables, "its experimental variables")
    listed = cursor.count("included or excluded entries", signed=True)
    numbers = {int(cursor.needed("the number of an entry")) for _ in range(abs(listed))}
    if listed:
        head.included = tuple((k + 1 in numbers) == (listed > 0) for k in range(_ITEMS))
    cursor.skip(cursor.count("manually entered items"), "its manually entered items")
    upgrades = cursor.count("future upgrade experiment entries")
    head.upgrades = cursor.count("future upgrade block entries")
    cursor.skip(upgrades, "its future upgrade entries")
    head.blocks = cursor.count("blocks", 10)
    if not head.blocks:
        raise cursor.wrong("it counts no blocks")
    return head


def _read_block(cursor: _Lines, head: _Head, first: _Block | None, number: int) -> _Block:
    """Read one block; each entry may be left out of blocks after the first."""
    block = _Block() if first is None else _copied(first)
    there = (True,) * _ITEMS if first is None else head.included
    block.line = cursor.at + 1
    block.name = cursor.text(f"the name of block {number}")
    block.sample = cursor.text("the sample")
    cursor.skip(sum(there[:7]), "a date")
    if there[7]:
        cursor.skip(cursor.count("comment lines of a block"), "a comment")
    if there[8]:
        block.technique = cursor.one_of("the technique", _TECHNIQUES)
    if there[9] and head.experiment in ("MAP", "MAPDP"):
        cursor.skip(2, "coordinates")
    if there[10]:
        cursor.skip(head.variables, "experimental variables")
    _read_source(cursor, head, block, there)
    _read_analyser(cursor, head, block, there)
    _read_signal(cursor, head, block, there)
    cursor.skip(head.upgrades, "future upgrade entries")
    _read_ordinates(cursor, block)
    return block


def _copied(first: _Block) -> _Block:
    block = _Block()
    for name in _Block.__slots__:
        setattr(block, name, getattr(first, name))
    block.limits, block.columns = [], np.zeros((0, 0))
    return block


def _read_source(cursor: _Lines, head: _Head, block: _Block, there: tuple[bool, ...]) -> None:
    if there[11]:
        block.source = cursor.text("the source")
    if there[12] and (head.experiment in _SPUTTERED or block.technique in _IONS):
        cursor.skip(3, "the sputtering ion")
    if there[13]:
        block.photon = cursor.number("the energy of the source")
    cursor.skip(there[14] + 2 * there[15], "the source")
    if head.experiment in _MAPS:
        cursor.skip(2 * there[16], "a field of view")
    if head.experiment in ("MAPSV", "MAPSVDP", "SEM"):
        cursor.skip(6 * there[17], "line scans")
    cursor.skip(there[18] + there[19], "angles of the source")


def _read_analyser(cursor: _Lines, head: _Head, block: _Block, there: tuple[bool, ...]) -> None:
    if there[20]:
        block.mode = cursor.text("the mode of the analyser")
    if there[21]:
        block.passing = cursor.number("the pass energy")
    if block.technique == "AES diff":
        cursor.skip(there[22], "a differential width")
    cursor.skip(there[23] + there[24] + there[25] + 2 * there[26], "the analyser")
    if there[27]:
        block.takeoff = cursor.number("the take-off angle")
        cursor.number("the take-off azimuth")
    if there[28]:
        block.species = cursor.text("the species")
    if there[29]:
        block.transition = cursor.text("the transition")
        cursor.number("the charge of the particle")


def _read_signal(cursor: _Lines, head: _Head, block: _Block, there: tuple[bool, ...]) -> None:
    block.regular = head.scan == "REGULAR"
    if block.regular and there[30]:
        block.abscissa, block.unit = cursor.text("the abscissa"), cursor.text("its unit")
        block.start = cursor.needed("the first energy")
        block.step = cursor.needed("the step of energy")
    if there[31]:
        several = cursor.count("corresponding variables", 2)
        block.variables = tuple(
            (cursor.text("a variable"), cursor.text("its unit")) for _ in range(several)
        )
    if not block.regular and block.variables:
        block.abscissa, block.unit = block.variables[0]
    if there[32]:
        block.signal = cursor.text("the signal mode")
    if there[33]:
        block.time = cursor.number("the collection time")
    if there[34]:
        block.scans = cursor.number("the number of scans")
    if there[35]:
        cursor.number("the time correction")
    if there[36] and head.experiment in _SPUTTERED and block.technique in _ELECTRONS:
        cursor.skip(7, "the sputtering source")
    if there[37]:
        block.tilt = cursor.number("the tilt of the sample")
        cursor.number("the azimuth of the tilt")
    cursor.skip(there[38], "the rotation of the sample")
    if there[39]:
        cursor.skip(3 * cursor.count("additional parameters", 3), "additional parameters")


def _read_ordinates(cursor: _Lines, block: _Block) -> None:
    variables = len(block.variables)
    if not variables:
        raise cursor.wrong(f"block {block.name!r} has no variable")
    size = cursor.count("ordinate values")
    block.limits = [
        (cursor.number("a least value"), cursor.number("a greatest value"))
        for _ in range(variables)
    ]
    if size > cursor.left:
        raise cursor.wrong(
            f"block {block.name!r} counts {size} values, but {cursor.left} lines follow: it is cut "
            "short"
        )
    if size == 0 or size % variables:
        raise cursor.wrong(f"block {block.name!r} counts {size} values of {variables} variables")
    words = cursor.lines[cursor.at : cursor.at + size]
    try:
        numbers = np.array(words, dtype=np.float64)
    except ValueError:
        numbers = np.array([cursor.needed("a value") for _ in range(size)])
        cursor.at -= size
    if not np.isfinite(numbers).all() or np.abs(numbers).max() >= _MISSING:
        cursor.at += int(np.argmin(np.isfinite(numbers) & (np.abs(numbers) < _MISSING))) + 1
        raise cursor.wrong("a value is missing or not finite")
    cursor.at += size
    block.columns = numbers.reshape(-1, variables).T


def _ending(cursor: _Lines, *, ended: bool) -> list[str]:
    """Check what stands after the last block."""
    rest = [line.strip() for line in cursor.lines[cursor.at :] if line.strip()]
    if rest and rest[0].lower().startswith("end of experiment"):
        return []
    if rest:
        cursor.at += 1
        raise cursor.wrong(
            f"after the last block stands {rest[0][:40]!r}, not 'end of experiment': a count of "
            "blocks or lines is wrong, or the end is damaged"
        )
    if not ended:
        raise cursor.wrong("it ends within its last number or before its last line")
    return ["the line 'end of experiment' is missing, all numbers are there"]


def _spectrum(name: str, block: _Block, photon: float | None, said: Sequence[str]) -> XpsSpectrum:
    """Give the columns of a block their meaning."""
    where = f"{name}, block {block.name or block.species or block.line}"
    changes = list(said)
    columns, variables = block.columns, list(block.variables)
    if block.regular:
        if block.step == 0:
            raise InputError(f"{where}: its step of energy is 0; export it again")
        energy = block.start + block.step * np.arange(columns.shape[1])
    else:
        if len(columns) < 2:
            raise InputError(f"{where}: an irregular scan needs energies and counts")
        energy, columns, variables = columns[0], columns[1:], variables[1:]
    unit = block.unit.lower()
    if unit not in ("ev", ""):
        raise InputError(f"{where}: its energies are in {block.unit!r}, not eV")
    changes += _limits(block)
    kinetic = _is_kinetic(where, block.abscissa)
    ev = _photon(where, block, photon, needed=kinetic)
    counts, counted = _counted(block, columns[0], variables[0], changes)
    passed = next((k for k, (v, _) in enumerate(variables) if "transmission" in v.lower()), None)
    angle = block.takeoff if block.takeoff is not None and not block.tilt else None
    label = f"{block.species} {block.transition}".strip()
    if block.mode.upper() == "FRR":
        block.passing = None  # a ratio, not an energy
    return made(
        energy, counts, file=name, name=block.name or label, kinetic=kinetic, photon_ev=ev,
        what=(f"{block.species}{block.transition}", label, block.name, block.sample),
        counted=counted, form="VAMAS", dwell=block.time if block.time and block.time > 0 else None,
        scans=int(block.scans) if block.scans and 1 <= block.scans < 1e9 else None,
        pass_energy=block.passing * ELECTRON if block.passing and block.passing > 0 else None,
        angle=float(np.deg2rad(angle)) if angle is not None and 0 <= angle < 90 else None,
        transmission=columns[passed] if passed else None, changes=changes,
    )  # fmt: skip


def _limits(block: _Block) -> list[str]:
    """Compare the numbers with the least and greatest that the file states, if it does."""
    said = []
    for (low, high), column, (what, _) in zip(
        block.limits, block.columns, block.variables, strict=True
    ):
        if low is None or high is None or (low, high) in ((0.0, 1.0), (0.0, 0.0)):
            continue
        found = np.array([column.min(), column.max()])
        if np.abs(found - (low, high)).max() > 1e-3 * max(abs(low), abs(high)):
            said.append(
                f"block {block.name!r}: {what or 'its values'} go from {found[0]:g} to "
                f"{found[1]:g}, but the file states {low:g} to {high:g}: check for damage"
            )
    return said


def _is_kinetic(where: str, label: str) -> bool:
    word = label.lower()
    if "kinetic" in word or word in ("ke", "energy", ""):
        return True
    if "binding" in word or word in ("be", "b.e."):
        return False
    raise InputError(f"{where}: its abscissa is {label!r}, neither kinetic nor binding energy")


def _photon(where: str, block: _Block, given: float | None, *, needed: bool) -> float | None:
    """Photon energy [eV]: the given one, else that of the file if its source has such."""
    if given is not None:
        return given / ELECTRON
    found = block.photon
    if found is None or found <= 0:
        if needed:
            raise InputError(
                f"{where}: it has kinetic energies and no photon energy; give it, such as "
                'photon_energy=q("1486.6 eV")'
            )
        return None
    label = re.split(r"[^a-z]", block.source.lower())[0]
    for name, usual in _SOURCES:
        if label in (name, f"{name}ka") and abs(found / usual - 1) > 0.005:
            raise InputError(
                f"{where}: its source is {block.source!r}, whose photons have {usual:g} eV, but it "
                f'says {found:g} eV; give the right one, such as photon_energy=q("{usual:g} eV")'
            )
    return found


def _counted(
    block: _Block, column: Floats, variable: tuple[str, str], changes: list[str]
) -> tuple[Floats, bool]:
    """Counts of all scans, and whether their scatter is that of counting."""
    label, unit = variable
    time, scans = block.time, block.scans
    seconds = time * (scans or 1) if time is not None and time > 0 else None
    if unit.lower().replace(" ", "") in ("c/s", "cps", "counts/s") or "per second" in label.lower():
        if seconds is None:
            changes.append("holds a rate and no collection time: errors come from the scatter")
            return column, False
        changes.append(f"made counts of a rate over {seconds:g} s")
        return column * seconds, True
    if "per second" in block.name.lower():
        changes.append(
            f"block {block.name!r} says it holds a rate, its unit that it holds counts: errors "
            "come from the scatter"
        )
        return column, False
    return column, unit.lower() in ("d", "n", "counts", "") and "pulse" in block.signal.lower()


def write_vamas(path: Path, spectra: Sequence[XpsSpectrum], *, irregular: bool = False) -> Path:
    """Write spectra as a VAMAS file, one block each.

    Parameters
    ----------
    path
        The file.
    spectra
        All with a photon energy; regular scans need even steps of energy.
    irregular
        Write the energies of all channels.

    Raises
    ------
    InputError
        If there is no spectrum, or one has no photon energy or uneven steps.
    """
    if not spectra:
        raise InputError("give one spectrum or more to write")
    lines = [SIGNATURE, *["Not Specified"] * 4, "0", "NORM",
             "IRREGULAR" if irregular else "REGULAR", f"{len(spectra)}", *["0"] * 5,
             f"{len(spectra)}"]  # fmt: skip
    for spectrum in spectra:
        lines += _written(spectrum, irregular)
    path.write_text("\n".join([*lines, "end of experiment"]) + "\n", encoding="latin-1")
    return path


def _written(spectrum: XpsSpectrum, irregular: bool) -> list[str]:
    if spectrum.photon_energy is None:
        raise InputError(f"{spectrum.title} has no photon energy, which VAMAS needs")
    kinetic = (spectrum.photon_energy - spectrum.energy[::-1]) / ELECTRON
    steps = np.diff(kinetic)
    if not irregular and np.ptp(steps) > 1e-3 * abs(steps.mean()):
        raise InputError(f"{spectrum.title} has uneven steps; write it as irregular")
    unknown = "1E+37"
    species, _, transition = spectrum.region.partition(" ")
    passing = unknown if spectrum.pass_energy is None else f"{spectrum.pass_energy / ELECTRON:g}"
    angle = unknown if spectrum.angle is None else f"{np.rad2deg(spectrum.angle):g}"
    columns = [spectrum.counts[::-1]]
    if irregular:
        columns.insert(0, kinetic)
    if spectrum.transmission is not None:
        columns.append(spectrum.transmission[::-1])
    labels = [*(["Kinetic Energy", "eV"] if irregular else []), "Intensity", "d"]
    labels += ["Transmission", "d"] if spectrum.transmission is not None else []
    axis = ["Kinetic Energy", "eV", f"{kinetic[0]:.6f}", f"{steps.mean():.6f}"]
    ends = [f"{v:.10g}" for column in columns for v in (column.min(), column.max())]
    return [
        spectrum.name or spectrum.region, "Not Specified", *["0"] * 7, "0", "XPS", "Al",
        f"{spectrum.photon_energy / ELECTRON:.6f}", *[unknown] * 5, "FAT", passing,
        *[unknown] * 5, angle, unknown, species, transition, "-1", *([] if irregular else axis),
        f"{len(columns)}", *labels, "pulse counting", f"{spectrum.dwell or 1:.10g}",
        f"{spectrum.scans or 1}", *[unknown] * 4, "0", f"{sum(c.size for c in columns)}", *ends,
        *(f"{v:.10g}" for v in np.stack(columns).T.ravel()),
    ]  # fmt: skip
