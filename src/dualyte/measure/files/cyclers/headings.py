"""Headings of cyclers: words and units apart, and units into SI."""

from __future__ import annotations

import re
from typing import Final

_TIME: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    "ms": 1e-3,
}
_CURRENT: Final = {
    **dict.fromkeys(("a", "amp", "amps", "ampere", "amperes"), 1.0),
    **dict.fromkeys(("ma", "milliampere"), 1e-3),
    **dict.fromkeys(("ua", "microampere"), 1e-6),
    "na": 1e-9,
}
_VOLTAGE: Final = {
    **dict.fromkeys(("v", "volt", "volts"), 1.0),
    **dict.fromkeys(("mv", "millivolt"), 1e-3),
    "uv": 1e-6,
}
_CHARGE: Final = {
    **dict.fromkeys(("ah", "amph", "amphr", "ahr"), 3600.0),
    **dict.fromkeys(("mah", "mahr"), 3.6),
    "uah": 3.6e-3,
    "nah": 3.6e-6,
    **dict.fromkeys(("c", "coulomb", "as"), 1.0),
    **dict.fromkeys(("mc", "mas"), 1e-3),
}
_ENERGY: Final = {
    **dict.fromkeys(("wh", "watth", "watthr", "whr"), 3600.0),
    **dict.fromkeys(("mwh", "mwhr"), 3.6),
    "uwh": 3.6e-3,
    **dict.fromkeys(("j", "joule", "ws"), 1.0),
}
_POWER: Final = {**dict.fromkeys(("w", "watt", "watts"), 1.0), "mw": 1e-3, "uw": 1e-6}
_TEMPERATURE: Final = {
    **dict.fromkeys(("c", "°c", "degc", "celsius", "degreecelsius", "℃", "oc", "ºc"), 273.15),
    **dict.fromkeys(("k", "kelvin"), 0.0),
}
_FREQUENCY: Final = {"hz": 1.0, "khz": 1e3}
#: quantity: unit as `plain` gives it, and its factor to SI (of temperature: what is added)
UNITS: Final = {
    "time": _TIME, "current": _CURRENT, "voltage": _VOLTAGE, "charge": _CHARGE,
    "energy": _ENERGY, "power": _POWER, "temperature": _TEMPERATURE, "frequency": _FREQUENCY,
}  # fmt: skip
_KNOWN: Final = frozenset(unit for table in UNITS.values() for unit in table)
#: units that say that cells are clocks or dates, not numbers
CLOCKS: Final = re.compile(r"(?:d\s*-?\s*)?(?:dd|hh?|mm?|yyyy)\s*[:./-].*", re.IGNORECASE)
_BRACKET: Final = re.compile(r"(?P<word>.*?)\s*[\[(（{]\s*(?P<unit>[^\])）}]*?)\s*[\])）}]?\s*")
_HASH: Final = re.compile(r"(?P<word>[^#]+)#(?P<unit>[^#]+)")
_SLASH: Final = re.compile(r"(?P<word>[^/]+?)\s*/\s*(?P<unit>.+)")
_TAIL: Final = re.compile(r"(?P<word>.+)_(?P<unit>[^_]+)")


def plain(unit: str) -> str:
    """A unit in one spelling.

    >>> plain("A.h"), plain("µAh"), plain("deg C")
    ('ah', 'uah', 'degc')
    """
    text = unit.strip().casefold().replace("μ", "u").replace("µ", "u")
    return re.sub(r"[\s.,·*]", "", text)


def bare(word: str) -> str:
    """A heading's word without what people vary.

    >>> bare("~Chg. Cap."), bare("test_time")
    ('chgcap', 'testtime')
    """
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]+", "", word.casefold())


def split(heading: str, unit: str = "") -> tuple[str, str]:
    """Word and unit of a heading, both in one spelling.

    Parameters
    ----------
    heading
        As the file has it.
    unit
        What a row of units says; used if the heading names none.

    Examples
    --------
    >>> split("Voltage(V)"), split("charge_capacity_Ah"), split("Test Time / s"), split("Cycle")
    (('voltage', 'v'), ('chargecapacity', 'ah'), ('testtime', 's'), ('cycle', ''))
    """
    text = heading.strip().strip('"').lstrip("~#").strip()
    if (match := _BRACKET.fullmatch(text)) and match["word"]:
        return bare(match["word"]), plain(match["unit"])
    for pattern in (_HASH, _SLASH, _TAIL):
        if (match := pattern.fullmatch(text)) is None:
            continue
        name, last = match["word"], plain(match["unit"])
        if last in _KNOWN or (pattern is _SLASH and " / " in text):
            return bare(name), last
        if pattern is _SLASH:  # dV/dt, mAh/g, Capacity/mAh/g: a quantity of its own
            return bare(text), plain(unit)
    return bare(text), plain(unit)
