"""What the columns of an impedance table mean: one row per quantity, found by name and unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: quantity: what its column is called, in lower case, without unit, space, dot and underscore
COLUMNS: Final = {
    "frequency": r"f|freq|frequency|frequencies|frequenz|fréquence|fset|freqset",
    "omega": r"ω|w|omega|ang(ular)?freq(uency)?",
    "re": r"re|rez|re\(z\)|z?real|z're|z'|zs'|z'\(a\)|zre|realz|real\(z\)"
    r"|impedancereal|realpart",
    "im": r"im|imz|im\(z\)|z?imag(inary)?|z''im|z''|zs''|z''\(b\)|zim|imagz|imag\(z\)"
    r"|impedanceimag|imaginarypart",
    "modulus": r"\|z\||z|zmod|zmodulus|zmag|zabs|modulus|mod\(z\)|modz|abs\(z\)|absz|mag(nitude)?"
    r"|impedance|\|zs\|",
    "phase": r"phase|phase\(z\)|phasez|zphz|zphase|theta|theta\(z\)|θ|phi|φ|ϕ|phaseangle|angle"
    r"|arg|arg\(z\)",
    "time": r"t|time|elapsedtime|zeit|testtime",
    "temperature": r"t|temp|temperature|temperatur|tcell",
    "pressure": r"p|pressure|stackpressure",
    "loop": r"loop|loopindex|loopnumber|loopno|zcycle|sweep|sweepnumber|scan|scannumber",
    "cycle": r"cycle|cyclenumber|cycleno|cycleindex",
}
_PATTERNS: Final = {role: re.compile(pattern) for role, pattern in COLUMNS.items()}
#: quantity: the kind of unit it has, and whether a column without a unit is believed
_KINDS: Final = {
    "frequency": ("frequency", True),
    "omega": ("angular", True),
    "re": ("ohm", True),
    "im": ("ohm", True),
    "modulus": ("ohm", True),
    "phase": ("angle", True),
    "time": ("time", False),
    "temperature": ("temperature", False),
    "pressure": ("pressure", False),
    "loop": ("", True),
    "cycle": ("", True),
}
#: unit: its kind and its size in SI
_UNITS: Final = {
    "Hz": ("frequency", 1.0),
    "hz": ("frequency", 1.0),
    "HZ": ("frequency", 1.0),
    "kHz": ("frequency", 1e3),
    "KHz": ("frequency", 1e3),
    "khz": ("frequency", 1e3),
    "MHz": ("frequency", 1e6),
    "mHz": ("frequency", 1e-3),
    "GHz": ("frequency", 1e9),
    "rad/s": ("angular", 1 / (2 * math.pi)),
    "rads-1": ("angular", 1 / (2 * math.pi)),
    "deg": ("angle", math.pi / 180),
    "degree": ("angle", math.pi / 180),
    "degrees": ("angle", math.pi / 180),
    "°": ("angle", math.pi / 180),
    "rad": ("angle", 1.0),
    "radian": ("angle", 1.0),
    "radians": ("angle", 1.0),
    "mrad": ("angle", 1e-3),
    "s": ("time", 1.0),
    "sec": ("time", 1.0),
    "Sec": ("time", 1.0),
    "seconds": ("time", 1.0),
    "ms": ("time", 1e-3),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "hr": ("time", 3600.0),
    "°C": ("temperature", 1.0),
    "degC": ("temperature", 1.0),
    "C": ("temperature", 1.0),
    "K": ("temperature", 1.0),
    "Pa": ("pressure", 1.0),
    "kPa": ("pressure", 1e3),
    "MPa": ("pressure", 1e6),
    "GPa": ("pressure", 1e9),
    "bar": ("pressure", 1e5),
}
_PREFIXES: Final = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3,
    "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
_AREAS: Final = {"": 1.0, "m2": 1.0, "cm2": 1e-4, "mm2": 1e-6}
_OHM: Final = re.compile(
    r"([nuµμmkKMGT]?)(?:ohms?|Ohms?|OHMS?)(m2|cm2|mm2|)(/sq|)"
)  # prefix, then an area
_PRIMES: Final = (("″", "''"), ("”", "''"), ("“", "''"), ('"', "''"), ("′", "'"), ("’", "'"),
                  ("´", "'"), ("`", "'"), ("−", "-"), ("–", "-"))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One column heading, taken apart."""

    text: str  #: as the file has it
    role: str = ""  #: a key of COLUMNS, or nothing
    unit: str = ""  #: as the file has it
    factor: float = 1.0  #: size of the unit in SI
    per_area: bool = False  #: the numbers are area-specific
    negative: bool = False  #: the column holds minus the quantity


def unit_of(text: str) -> tuple[str, float] | None:
    """Kind and size of a unit, or None.

    >>> unit_of("kΩ"), unit_of("Ohm cm^2"), unit_of("MHz"), unit_of("V")
    (('ohm', 1000.0), ('ohm area', 0.0001), ('frequency', 1000000.0), None)
    """
    bare = text.strip().strip("[]()")
    for seen, meant in (("Ω", "ohm"), ("\u2126", "ohm"), ("²", "2"), ("⁻¹", "-1"), ("−", "-")):
        bare = bare.replace(seen, meant)
    bare = re.sub(r"[\s·*^]|\.(?=c?m)", "", bare)
    if bare in _UNITS:
        return _UNITS[bare]
    if (found := _OHM.fullmatch(bare)) is None or found[3]:
        return None
    kind = "ohm area" if found[2] else "ohm"
    return kind, _PREFIXES[found[1]] * _AREAS[found[2]]


def _parts(text: str) -> tuple[str, str]:
    """Name and unit of a heading; the unit is empty where none is recognised."""
    found = re.fullmatch(r"(.+?)\s*[\[(]([^\[\]()]*)[\])]\s*", text)
    if found and unit_of(found[2]):
        return found[1], found[2].strip()
    for mark in ("/", "_", ","):
        for at in (k for k, letter in enumerate(text) if letter == mark and k):
            if unit_of(text[at + 1 :]):
                return text[:at], text[at + 1 :].strip().strip("[]()")
    words = text.split()
    for k in range(1, len(words)):
        if unit_of(" ".join(words[k:])):
            name = words[: k - 1] if words[k - 1] == "in" and k > 1 else words[:k]
            return " ".join(name), " ".join(words[k:])
    return text, ""


def heading(text: str, unit: str = "") -> Head:
    """Take a column heading apart; `unit` is what a row of units below it says.

    >>> head = heading("-Im(Z)/kOhm")
    >>> head.role, head.negative, head.factor
    ('im', True, 1000.0)
    >>> heading("Z_re (Ohm)").role, heading("Freq.[Hz]").role, heading("Ewe/V").role
    ('re', 'frequency', '')
    """
    text = text.strip().lstrip("#").strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    plain = text[1:-1].replace('""', '"') if quoted else text
    for seen, meant in _PRIMES:
        plain = plain.replace(seen, meant)
    plain = re.sub(r"^data:\s*", "", plain, flags=re.IGNORECASE)
    name, own = _parts(plain)
    unit = own or (unit if unit_of(unit) else "")
    bare = re.sub(r"[\s_.]", "", name).lower()
    negative = bool(re.match(r"-|\(-\)", bare))
    bare = re.sub(r"^(-|\(-\))", "", bare)
    kind, factor = unit_of(unit) or ("", 1.0)
    for role, pattern in _PATTERNS.items():
        wanted, bare_is_enough = _KINDS[role]
        if not pattern.fullmatch(bare):
            continue
        if kind == wanted or (not kind and bare_is_enough):
            return Head(text=text, role=role, unit=unit, factor=factor, negative=negative)
        if (kind, wanted) == ("ohm area", "ohm"):
            return Head(
                text=text, role=role, unit=unit, factor=factor, negative=negative, per_area=True
            )
        if (kind, role) == ("angular", "frequency"):
            return Head(text=text, role="omega", unit=unit, factor=factor, negative=negative)
    return Head(text=text)


def headings(names: Sequence[str], units: Sequence[str] = ()) -> list[Head]:
    """Take a line of headings apart.

    >>> [head.role for head in headings(["f", "|Z|", "-phase"])]
    ['frequency', 'modulus', 'phase']
    """
    units = [*units, *[""] * (len(names) - len(units))]
    return [heading(name, unit) for name, unit in zip(names, units, strict=False)]


def missing(heads: Sequence[Head]) -> str:
    """What a line of headings lacks to be an impedance, or nothing.

    >>> missing(headings(["f", "Z'"]))
    "the imaginary part (such as Z'')"
    >>> missing(headings(["freq/Hz", "|Z|/Ohm", "Phase(Z)/deg"]))
    ''
    """
    roles = {head.role for head in heads}
    if not roles & {"frequency", "omega"}:
        return "the frequency (such as freq/Hz)"
    if {"re", "im"} <= roles or {"modulus", "phase"} <= roles:
        return ""
    if "re" in roles:
        return "the imaginary part (such as Z'')"
    if "im" in roles:
        return "the real part (such as Z')"
    if "modulus" in roles:
        return "the phase (such as phase/deg)"
    return "the impedance (such as Z' and Z'')"


def groups(heads: Sequence[Head]) -> list[tuple[int, int]]:
    """Where each spectrum of a table with several side by side begins and ends.

    >>> groups(headings(["f", "Z'", "Z''", "f", "Z'", "Z''"]))
    [(0, 3), (3, 6)]
    """
    starts = [k for k, head in enumerate(heads) if head.role in ("frequency", "omega")]
    starts = [k for k in starts if heads[k].role == heads[starts[0]].role]
    if len(starts) < 2:
        return [(0, len(heads))]
    ends = [*starts[1:], len(heads)]
    found = [(a, b) for a, b in zip(starts, ends, strict=True) if not missing(heads[a:b])]
    return found if len(found) > 1 else [(0, len(heads))]
