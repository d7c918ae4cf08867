"""Modules of .mpr files, and what those of settings, log and loops say.

The format is not published; its modules are known from files. A file is a magic line and modules,
each with a name, a length and a version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import checked

MAGIC: Final = b"BIO-LOGIC MODULAR FILE"
_OLD_HEAD: Final = 6 + 10 + 25  # bytes of "MODULE", short and long name
_DATE: Final = 0x249  # where the log keeps the start: days since 1899-12-30, local time
_EPOCH: Final = 25569.0  # 1970-01-01 on that scale
_DAYS: Final = (34700.0, 73000.0)  # 1995 to 2099: others are no dates
# where the settings keep facts of the cell, and the codes of their units
_MASS, _AREA, _CHARACTERISTIC, _CAPACITY, _END = 0x107, 0x211, 0x24C, 0x25C, 0x261
_SQUARE_CENTIMETRES: Final = 2
_MASSES: Final = {1: 1e-3, 2: 1e-6}  # g and mg
_CHARGES: Final = frozenset({1, 2})  # shown in mA.h and µA.h; kept in mA.h either way
PRESETS: Final = (0.0, 0.001)  # what the program puts for mass (any unit) and area (cm²)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One part of the file."""

    name: str
    version: int
    body: memoryview


def modules(name: str, data: bytes) -> Iterator[Module]:
    """Every module of a file.

    Raises
    ------
    InputError
        If it is no .mpr file or is cut short.
    """
    if not data.startswith(MAGIC):
        raise InputError(f"{name} is not a Bio-Logic .mpr file: it does not begin as one")
    at, whole = data.find(b"MODULE", len(MAGIC)), memoryview(data)
    while 0 <= at < len(data):
        if data[at : at + 6] != b"MODULE" or len(data) < at + _OLD_HEAD + 24:
            raise _cut(name, at, len(data))
        (length, version), begin = struct.unpack_from("<II", data, at + _OLD_HEAD), at + 57
        if length == 0xFFFFFFFF:  # newer files put the greatest length first
            _, length, _, version = struct.unpack_from("<IIII", data, at + _OLD_HEAD)
            begin = at + 65
        if begin + length > len(data):
            raise _cut(name, at, len(data), begin + length)
        short = data[at + 6 : at + 16].decode("latin-1").strip("\x00 ")
        yield Module(name=short, version=version, body=whole[begin : begin + length])
        at = begin + length


def _cut(name: str, at: int, size: int, wanted: int | None = None) -> InputError:
    more = f"should reach to byte {wanted}" if wanted else "has no head"
    return InputError(
        f"{name} is cut short or damaged: its module at byte {at} {more}, but the file has "
        f"{size} bytes; copy it again, or export it as text from EC-Lab"
    )


def loop_starts(loop: Module | None) -> npt.NDArray[np.int64] | None:
    """Rows at which loops begin, as the module lists them; None if it does not or is damaged."""
    if loop is None or len(loop.body) < 8:
        return None
    count = struct.unpack_from("<I", loop.body)[0]
    there = min(int(count), len(loop.body) // 4 - 1)
    starts = np.frombuffer(loop.body, "<u4", count=there, offset=4).astype(np.int64)
    if not starts.size or starts[0] != 0 or np.any(np.diff(starts) <= 0):
        return None
    return starts


def clock(log: Module | None) -> float | None:
    """POSIX time at which the test began, from the log; None if it does not say.

    The file keeps the local time of its computer and no zone: it is taken as UTC.
    """
    if log is None or len(log.body) < _DATE + 8:
        return None
    days = struct.unpack_from("<d", log.body, _DATE)[0]
    return float((days - _EPOCH) * 86400.0) if _DAYS[0] < days < _DAYS[1] else None


def settings(module: Module | None) -> tuple[dict[str, float], list[str]]:
    """Mass, area and capacity where someone entered them, in SI, and what was not used."""
    if module is None or len(module.body) < _END:
        return {}, []
    body = module.body
    mass, area, capacity = (
        float(struct.unpack_from("<f", body, at)[0]) for at in (_MASS, _AREA, _CAPACITY)
    )
    own = float(struct.unpack_from("<f", body, _CHARACTERISTIC)[0])
    area_unit, mass_unit, charge_unit = body[0x250], body[0x251], body[0x260]
    return cell_facts(
        active=None if _preset(mass) else mass * 1e-6,
        characteristic=None
        if _preset(own) or mass_unit not in _MASSES
        else own * _MASSES[mass_unit],
        area=None if _preset(area) or area_unit != _SQUARE_CENTIMETRES else area * 1e-4,
        preset_area=area if _preset(area) and area_unit == _SQUARE_CENTIMETRES else None,
        capacity=capacity * 3.6 if capacity > 0 and charge_unit in _CHARGES else None,
    )


def _preset(number: float) -> bool:
    """Whether a setting is what the program puts there by itself.

    >>> _preset(0.0010000000474974513), _preset(1.131)
    (True, False)
    """
    return any(abs(number - preset) < 1e-7 for preset in PRESETS)


def cell_facts(
    *,
    active: float | None,
    characteristic: float | None,
    area: float | None,
    preset_area: float | None,
    capacity: float | None,
) -> tuple[dict[str, float], list[str]]:
    """Facts (SI) that can be believed, and a sentence for each that cannot.

    Parameters
    ----------
    active, characteristic
        The two masses of a head, kg; if they contradict each other, neither is used.
    area
        Electrode area, m².
    preset_area
        cm², if the head has but what the program puts there.
    capacity
        C.
    """
    found, said = {}, []
    masses = [m for m in (characteristic, active) if m is not None]
    if len(masses) == 2 and abs(masses[0] - masses[1]) > 1e-3 * masses[0]:
        said.append(
            f"ignored the masses in the head, {1e6 * masses[0]:g} mg (characteristic) and "
            f"{1e6 * masses[1]:g} mg (active material): they differ"
        )
        masses = []
    if preset_area is not None:
        said.append(f"ignored the electrode area of {preset_area:g} cm2 in the head: a preset")
    listed = (("mass", masses[0] if masses else None), ("area", area), ("capacity", capacity))
    for word, number in listed:
        if number is None:
            continue
        try:
            found[word] = float(checked(word, number))
        except InputError:
            said.append(f"ignored the {word} in the head: implausible")
    return found, said
