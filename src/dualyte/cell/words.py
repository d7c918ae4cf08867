"""Words of a protocol: what a line says, and how a quantity is written so that it reads back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, Literal

from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import checked, q

EndKind = Literal["voltage", "rate", "current", "duration"]
Draft = tuple[dict[str, Any], str]  #: what a step is made of, and where it was written

MOST: Final = 100_000  #: steps of a protocol
#: what may end each kind of step
ENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "charge": ("voltage", "duration"),
    "discharge": ("voltage", "duration"),
    "rest": ("duration",),
    "hold": ("rate", "current", "duration"),
}
#: the same in words
WANTED: Final[Mapping[str, str]] = {
    "charge": "a voltage or a time, such as 'until 4.3 V' or 'for 1 h'",
    "discharge": "a voltage or a time, such as 'until 2.8 V' or 'for 1 h'",
    "rest": "a time, such as 'for 2 h'",
    "hold": "a current or a time, such as 'until C/20' or 'for 2 h'",
}
_UNITS: Final[Mapping[str, str]] = {  # what a unit measures
    "voltage": r"[mk]?V",
    "duration": r"m?s|sec|seconds?|min|minutes?|h|hr|hours?|d|days?",
    "pressure": r"[hkMG]?Pa|m?bar|atm|psi",
    "current": r"[mµuμ]?A ?(?:/ ?c?m(?:\^|\*\*)?[2²]|c?m\^?(?:-2|⁻²))",
}
_WORD: Final[Mapping[str, str]] = {  # the row of the vocabulary that checks it
    "voltage": "potential",
    "pressure": "pressure",
}
_PLAIN: Final[Mapping[str, str]] = {"duration": "time"}
_SHOWN: Final[Mapping[str, tuple[tuple[str, float], ...]]] = {  # unit and its size, SI last
    "voltage": (("V", 1.0),),
    "duration": (("h", 3600.0), ("min", 60.0), ("s", 1.0)),
    "pressure": (("MPa", 1e6), ("Pa", 1.0)),
    "current": (("mA/cm2", 10.0), ("A/m2", 1.0)),
}
_LARGEST: Final[Mapping[str, float]] = {"rate": 1e3, "current": 1e5, "duration": 1e9}  # 1/h A/m² s
_NUMBER: Final = r"[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_QUANTITY: Final = re.compile(rf"({_NUMBER}) ?(.*)")
_RATE: Final = re.compile(rf"C ?/ ?({_NUMBER})|({_NUMBER}) ?C")
_REPEAT: Final = re.compile(r"repeat\s+(\S+?)(?:\s+times)?\s*(?:\[([^\[\]]*)\])?\s*:", re.I)
_TAG: Final = re.compile(r"\[([^\[\]]*)\]\s*$")
_CUT: Final = re.compile(r"\b(or(?:\s+(?:until|for))?|at|until|for|and)\b", re.I)
_MEASURE: Final = ("measure impedance", "measure eis", "eis")
_VERBS: Final = ("Charge", "Discharge", "Rest", "Hold", "repeat")
_SAID: Final = (*_VERBS, "at", "until", "for", "or", "and", "measure", "impedance")
_MEANT: Final[Mapping[str, str]] = {
    "plate": "'Discharge' in a half-cell against lithium, 'Charge' in a full cell",
    "strip": "'Charge' in a half-cell against lithium, 'Discharge' in a full cell",
    "wait": "'Rest'",
    "relax": "'Rest'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What ends a step."""

    kind: EndKind
    value: float  #: V, C rate in 1/h, A/m² or s

    def __post_init__(self) -> None:
        if self.kind == "voltage":
            checked("potential", self.value)
            return
        positive(self.kind, self.value)

    def __str__(self) -> str:
        return said(self.kind, self.value)


def times_over(times: int, body: list[Draft], where: str) -> list[Draft]:
    """Repeat drafts, or say why not."""
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise InputError(f"{where}: {times!r} is no number of times; write 1 or more")
    if times * len(body) > MOST:
        raise InputError(
            f"{where}: {times} × {len(body)} steps are more than {MOST}; repeat it fewer times"
        )
    return body * times


def text_drafts(text: str, file: str) -> list[Draft]:
    """Read lines; a deeper indentation belongs to the `repeat` above it."""
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#")[0].rstrip().expandtabs(4)
        if line.strip():
            where = f"{file}, line {number}" if file else f"line {number}"
            lines.append((len(line) - len(line.lstrip()), line.strip(), where))
    if not lines:
        raise InputError(f"{file or 'the protocol'} holds no step")
    # text written inside Python code may be indented as a whole
    drafts, at = _block(lines, 0, lines[0][0])
    if at < len(lines):
        raise InputError(f"{lines[at][2]}: it is indented less than the first line")
    return drafts


def _block(lines: list[tuple[int, str, str]], at: int, indent: int) -> tuple[list[Draft], int]:
    """Drafts of one indentation from line `at` on, and the line after them."""
    drafts: list[Draft] = []
    while at < len(lines) and lines[at][0] >= indent:
        depth, line, where = lines[at]
        if depth > indent:
            raise InputError(
                f"{where}: '{line}' is indented, but the line above repeats nothing; start the "
                "block with 'repeat 5:'"
            )
        at += 1
        if not (head := _REPEAT.fullmatch(line)):
            drafts.append(line_draft(line, where))
            continue
        if at == len(lines) or lines[at][0] <= indent:
            raise InputError(f"{where}: '{line}' repeats nothing; indent the steps below it")
        body, at = _block(lines, at, lines[at][0])
        times = int(head[1]) if head[1].isdecimal() else 0
        if not times:
            raise InputError(f"{where}: {head[1]!r} is no number of times; write 1 or more")
        tag = (head[2] or "").strip()
        tagged_body = [({**parts, "tag": parts["tag"] or tag}, place) for parts, place in body]
        drafts += times_over(times, tagged_body, where)
    return drafts, at


def line_draft(line: str, where: str) -> Draft:
    """One step in words."""
    try:
        if line.lower().startswith("repeat"):
            raise InputError(f"cannot read '{line}'; write 'repeat 5:' and indent what repeats")
        tag = _TAG.search(line)
        parts = _parsed(line[: tag.start()] if tag else line)
    except (InputError, ValidityError) as error:
        raise type(error)(f"{where}: {error}") from error
    parts["tag"] = tag[1].strip() if tag else ""
    return parts, where


def _parsed(line: str) -> dict[str, Any]:
    """Parts of a `Step` from its words."""
    head, *rest = _CUT.split(line)
    if not line.strip():
        raise InputError("no step is written; write one, such as 'Charge at C/5 until 4.3 V'")
    verb, *loose = head.split() or [rest[0]]
    if verb.lower() not in ENDS:
        raise _unknown(verb, near=_VERBS)
    if loose:
        raise _unknown(loose[0], near=_SAID if loose[0].isalpha() else ("at " + " ".join(loose),))
    parts: dict[str, Any] = {"kind": verb.lower()}
    ends: list[End] = []
    for joint, words in zip(rest[::2], rest[1::2], strict=True):
        keyword, phrase = " ".join(joint.lower().split()), " ".join(words.split())
        if keyword == "and":
            if phrase.lower() not in _MEASURE:
                raise _unknown(phrase or "and", near=_MEASURE)
            parts["eis"] = True
            continue
        kind, value = _quantity(phrase, joint)
        if keyword == "at":
            if kind == "duration":
                raise InputError(f"'at {phrase}' is a time; write 'for {phrase}'")
            if kind in parts:
                raise InputError(f"a second {kind}, 'at {phrase}'; give one")
            parts[kind] = value
            continue
        if keyword.startswith("or") != bool(ends):
            raise InputError(
                f"'{joint} {phrase}': join two ends with 'or', such as 'until 4.3 V or for 2 h'"
            )
        if kind == "pressure":
            raise InputError(f"a step cannot end at a pressure; write 'at {phrase}'")
        if keyword.endswith("for") and kind != "duration":
            raise InputError(f"'for {phrase}' is no time; write 'until {phrase}' or 'for 1 h'")
        ends.append(End(kind=kind, value=value))
    return parts | {"until": tuple(ends)}


def _unknown(word: str, near: Sequence[str] = _SAID) -> InputError:
    hint = f"; the first word is one of {', '.join(near)}" if near is _VERBS else ""
    if meant := _MEANT.get(word.lower()):
        hint = f"; write {meant}"
    elif word.startswith("paper-"):
        hint = f"; protocols of the study come by name, from study_protocol({word!r})"
    else:
        spelt = {n.lower(): n for n in near}
        if close := get_close_matches(word.lower(), spelt, n=1, cutoff=0.6):
            hint = f"; did you mean '{spelt[close[0]]}'?"
    return InputError(f"unknown protocol word '{word}'{hint}")


@lru_cache(maxsize=4096)
def _quantity(phrase: str, after: str = "at") -> tuple[Any, float]:
    """What a phrase measures, and how much of it in SI."""
    text = phrase.replace("−", "-")
    if not text:
        raise InputError(f"nothing follows '{after}'")
    if rate := _RATE.fullmatch(text):
        number = float(rate[1] or rate[2])
        if number <= 0:
            raise InputError(f"rate '{phrase}' is not positive; 'Charge' and 'Discharge' say which")
        return "rate", 1 / number if rate[1] else number
    if "," in text:
        raise InputError(f"cannot read '{phrase}': write a decimal point, no comma")
    found = _QUANTITY.fullmatch(text)
    kind = next((k for k, u in _UNITS.items() if found and re.fullmatch(u, found[2])), None)
    if not found or not kind:
        raise _unread(phrase, found)
    name = _PLAIN.get(kind, kind)
    if kind != "voltage" and float(found[1]) <= 0:
        fix = "negative; write it without the sign" if float(found[1]) else "zero; leave it out"
        raise InputError(f"{name} '{phrase}' is {fix}")
    return kind, q(f"{found[1]} {found[2]}", _WORD.get(kind))


def _unread(phrase: str, found: re.Match[str] | None) -> InputError:
    """Why a phrase is no quantity."""
    for word in phrase.split():
        if word.isalpha() and not any(re.fullmatch(u, word) for u in _UNITS.values()):
            if found and word == found[2]:
                return InputError(
                    f"unknown unit '{word}' in '{phrase}'; a voltage is in V, a current in "
                    "mA/cm2 or as C/5, a time in s, min or h, a pressure in MPa"
                )
            return _unknown(word)
    if found and not found[2]:
        return InputError(f"'{phrase}' has no unit; write one, such as 4.3 V, 2 h, 5 MPa or C/5")
    return InputError(f"cannot read '{phrase}'; write it such as 4.3 V, 2 h, 5 MPa, C/5 or 0.2C")


@lru_cache(maxsize=4096)
def said(kind: str, value: float) -> str:
    """The shortest words that read back to exactly this value."""
    value = float(value)
    if kind == "rate":
        part = f"{1 / value:.6g}"
        return f"C/{part}" if value < 1 and 1 / float(part) == value else f"{value!r}C"
    for unit, size in _SHOWN[kind]:
        number = f"{value / size:.6g}"
        text = f"{number} {unit}"
        if (size == 1 or float(number) >= 1 or kind != "duration") and _reads(text, value):
            return text
    return f"{value!r} {_SHOWN[kind][-1][0]}"


def _reads(text: str, value: float) -> bool:
    try:
        return _quantity(text)[1] == value
    except InputError:  # rounded to nothing, or past the plausible range
        return False


def positive(kind: str, value: float) -> None:
    """Refuse a rate, current or time that is not positive or implausibly large."""
    name = _PLAIN.get(kind, kind)
    if not 0 < value < float("inf"):  # NaN too
        raise InputError(f"{name} {value:g} is not positive; the kind of a step says its direction")
    if value > _LARGEST[kind]:
        raise InputError(f"{name} {said(kind, value)} is implausibly large; check its unit")
