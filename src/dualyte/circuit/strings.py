"""Circuit strings people have: infix, impedance.py, circuit description codes.

One grammar covers infix strings and those of impedance.py: `-` and `+` are series, `|` is
parallel, `p(a,b)` and `[a,b]` are parallel too. A string without any of these is a circuit
description code (Boukamp 1986, doi:10.1016/0167-2738(86)90031-7): neighbours are in series,
parentheses change to parallel and back, square brackets mean series, and braces hold
numbers and a label as pyimpspec writes them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from functools import reduce
from typing import Any, Final, Literal, cast, get_args

from dualyte.circuit.elements import (
    ELEMENTS,
    TLM,
    ZARC,
    C,
    Circuit,
    Element,
    G,
    K,
    L,
    Parallel,
    Q,
    R,
    Series,
    W,
    Wo,
    Ws,
    blocks,
    elements,
    filled,
    own,
    slots,
)
from dualyte.errors import InputError

Style = Literal["infix", "impedance.py", "cdc"]

_SPELLED: Final[dict[str, type[Element]]] = {
    **{kind.symbol: kind for kind in ELEMENTS},
    "Q": Q, "P": Q, "ZARC": ZARC, "FLW": Ws, "FSW": Wo,
}  # fmt: skip
_CODES: Final[dict[str, type[Element]]] = {
    "R": R, "C": C, "L": L, "Q": Q, "W": W, "Ws": Ws, "Wo": Wo, "T": Wo, "O": Ws, "Zarc": ZARC,
    "K": K, "G": G, "Tlm": TLM,
}  # fmt: skip
_CODE_OF: Final = {kind: code for code, kind in reversed(_CODES.items())}
_UNKNOWN: Final = {
    "Ga": "a Gerischer element with an exponent; G has 0.5", "Gs": "a finite Gerischer element",
    "H": "Havriliak-Negami", "Ha": "Havriliak-Negami", "Ky": "a Kramers-Kronig admittance",
    "La": "a lossy inductor", "Ls": "a porous electrode; write a TLM",
    "TLMQ": "a line with one rail; write a TLM with Rel = 0 and R = inf held",
    "T": "two meanings: in codes Wo, in impedance.py a porous electrode; write Wo or TLM",
}  # fmt: skip
_MAX_DEPTH: Final = 50
_MAX_ELEMENTS: Final = 100
_BRACES: Final = re.compile(r"\{[^{}]*\}")
_LABELLED: Final = re.compile(r"([A-Za-z]+?)(?:_([A-Za-z0-9]\w*)|(\d\w*)?)(?!\w)", flags=re.A)
_CODED: Final = re.compile(r"([A-Z][a-z]*)(\d+)?(?:\{([^{}]*)\})?")
_SIGNS: Final = str.maketrans({"−": "-", "–": "-", "∥": "|", "‖": "|"})


def parse(text: str, *values: float) -> Circuit:
    """Read a circuit string, without evaluating it.

    Parameters
    ----------
    text
        Such as `R0-p(R1,CPE1)-Ws1` (impedance.py), `R_0+(R_gb|Q_gb)+Q_tail`,
        `R(RQ)(RQ)(Ws)` (circuit description code; Boukamp's T and O are Wo and Ws) or
        `R{R=5:bulk}(RQ)` (pyimpspec). What follows an underscore names an arc; digits
        are names too. If elements without names would be mistaken for each other, they are
        named by the number of their group.
    values
        Numbers of all parameters in order, SI; without them they are nan until a fit
        finds them, or those in the braces of a code.

    Raises
    ------
    InputError
        If the string is no circuit, with the position.

    Examples
    --------
    >>> list(parse("R_0-p(R_gb,CPE_gb)-CPE_tail").parameters)
    ['R_0', 'R_gb', 'Q_gb', 'n_gb', 'Q_tail', 'n_tail']
    >>> write(parse("R(RQ)W"))
    'R_0+(R_1|CPE_1)+W_2'
    """
    clean = re.sub(r"\s+(?![^{}]*\})", "", text).translate(_SIGNS)
    clean = re.sub(r"^!V=\d+!", "", clean)
    if not clean:
        raise InputError("the circuit string is empty; write one such as R0-p(R1,CPE1)")
    reader = _Infix(clean) if _is_infix(clean) else _Code(clean)
    found = _numbered(reader.read())
    names = slots(found)
    if values:
        if len(values) != len(names):
            told = ", ".join(name for name, *_ in names)
            raise InputError(f"{text!r} has {len(names)} parameters ({told}), not {len(values)}")
        found = filled(found, [float(x) for x in values])
    return found


def _is_infix(text: str) -> bool:
    """Whether a string has what only infix strings have, or is one element of theirs."""
    bare = _BRACES.sub("", text)
    if re.search(r"[-+|,_]", bare):
        return True
    alone = _LABELLED.fullmatch(bare)
    return alone is not None and alone[1] in _SPELLED and alone[1] not in _CODES


class _Reader(ABC):
    """A position in a string, and complaints that show it."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.count = text, 0, 0, 0

    def read(self) -> Circuit:
        found = self.whole()
        if self.at < len(self.text):
            raise self.wrong(f"unexpected {self.text[self.at]!r}")
        return found

    @abstractmethod
    def whole(self) -> Circuit:
        """Read up to where this level ends."""

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def seen(self) -> str:
        return repr(self.peek()) if self.peek() else "the end"

    def take(self, what: str) -> None:
        if self.peek() != what:
            raise self.wrong(f"expected {what!r}, found {self.seen()}")
        self.at += 1
        self.depth -= 1

    def enter(self, width: int) -> None:
        """Pass an opening bracket."""
        self.at += width
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.wrong(f"brackets are nested more than {_MAX_DEPTH} deep")

    def wrong(self, why: str) -> InputError:
        return InputError(f"circuit {self.text!r}, character {self.at + 1}: {why}")

    def symbol(self, table: dict[str, type[Element]], word: str) -> type[Element]:
        self.count += 1
        if self.count > _MAX_ELEMENTS:
            raise self.wrong(f"the circuit has more than {_MAX_ELEMENTS} elements")
        if word in table:
            return table[word]
        told = ", ".join(table)
        if word in _UNKNOWN:
            raise self.wrong(f"{word} ({_UNKNOWN[word]}) is not an element here: {told}")
        raise self.wrong(f"{word!r} is no element (known: {told}){_hint(table, word)}")


def _hint(table: dict[str, type[Element]], word: str) -> str:
    """The element that may have been meant."""
    lower = {x.lower(): x for x in table}
    starts = [x for x in table if word.startswith(x)]
    if word.lower() in lower:
        meant = lower[word.lower()]
    elif starts and len(word) > 1:
        first = max(starts, key=len)
        meant = f"{first}_{word[len(first) :]}"
    elif near := get_close_matches(word.lower(), lower, n=1, cutoff=0.3):
        meant = lower[near[0]]
    else:
        return ""
    return f"; did you mean {meant!r}?"


class _Infix(_Reader):
    def whole(self) -> Circuit:
        found = self.parallel()
        while self.peek() and self.peek() in "-+":
            self.at += 1
            found = Series(found, self.parallel())
        return found

    def parallel(self) -> Circuit:
        found = self.atom()
        while self.peek() == "|":
            self.at += 1 + (self.text[self.at + 1 : self.at + 2] == "|")
            found = Parallel(found, self.atom())
        return found

    def atom(self) -> Circuit:
        if self.text[self.at : self.at + 2] == "p(":
            self.enter(2)
            return self.listed(")")
        if self.peek() == "[":
            self.enter(1)
            return self.listed("]")
        if self.peek() == "(":
            self.enter(1)
            found = self.whole()
            self.take(")")
            return found
        match = _LABELLED.match(self.text, self.at)
        if match is None:
            raise self.wrong(f"expected an element such as R1 or CPE_gb, found {self.seen()}")
        kind = self.symbol(_SPELLED, match[1])
        self.at = match.end()
        return cast("Circuit", cast("Any", kind)(name=match[2] or match[3] or ""))

    def listed(self, end: str) -> Circuit:
        parts = [self.whole()]
        while self.peek() == ",":
            self.at += 1
            parts.append(self.whole())
        self.take(end)
        return reduce(Parallel, parts)


class _Code(_Reader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.square = "[" in _BRACES.sub("", text)

    def whole(self) -> Circuit:
        return self.run("", Series)

    def run(self, end: str, join: Callable[[Circuit, Circuit], Circuit]) -> Circuit:
        parts = []
        while self.peek() != end:
            if not self.peek():
                raise self.wrong(f"expected {end!r}, found the end")
            if self.peek() in "([":
                opened = self.peek()
                self.enter(1)
                series = opened == "[" or (join is Parallel and not self.square)
                parts.append(
                    self.run(")" if opened == "(" else "]", Series if series else Parallel)
                )
            else:
                parts.append(self.element())
        if not parts:
            raise self.wrong("nothing between the brackets")
        if end:
            self.take(end)
        return reduce(join, parts)

    def element(self) -> Circuit:
        match = _CODED.match(self.text, self.at)
        if match is None:
            raise self.wrong(f"expected an element, found {self.seen()}")
        kind = self.symbol(_CODES, match[1])
        made: Element = cast("Any", kind)(name=match[2] or "")
        if match[3] is not None:
            made = _with_numbers(made, match[3], self)
        self.at = match.end()
        if self.peek() == "{":
            raise self.wrong("the brace does not close")
        return made


def _with_numbers(made: Element, told: str, reader: _Reader) -> Element:
    """Read numbers and label in pyimpspec's braces, `R=5.0F/0.0/10.0:label`.

    Whether a number is held (F) and its bounds belong to a fit and are passed over.
    """
    numbers, _, label = told.partition(":")
    given: dict[str, float] = {}
    for entry in filter(None, (x.strip() for x in numbers.split(","))):
        key, _, rest = entry.partition("=")
        try:
            given[key] = float(rest.split("/")[0].removesuffix("F"))
        except ValueError:
            raise reader.wrong(f"{entry!r} is no number of the element before it") from None
    label = re.sub(r"^no (?=\d)", "", label.strip())
    name = re.sub(r"[^A-Za-z0-9]+", "_", label).strip("_") or made.name
    numbered = _from_code(made, given, reader) if given else made
    return cast("Element", replace(cast("Any", numbered), name=name))


def _from_code(made: Element, given: dict[str, float], reader: _Reader) -> Element:
    """Fill an element with the numbers pyimpspec gives it."""
    kind = type(made)
    wanted = {Q: ("Y", "n"), W: ("Y",), Ws: ("Y", "B"), Wo: ("Y", "B"), G: ("Y", "k")}.get(
        kind, ("R", "tau") if kind is K else own(kind)
    )
    diffusion = kind in (W, Ws, Wo, G)
    if diffusion and given.pop("n", 0.5) != 0.5:
        raise reader.wrong(f"{kind.__name__} has an exponent that is not 0.5, as diffusion has")
    if strange := given.keys() - set(wanted):
        raise reader.wrong(
            f"{kind.__name__} has no number {', '.join(sorted(strange))}; it has "
            f"{', '.join(wanted)}"
        )
    if diffusion and (missing := set(wanted) - given.keys()) and given:
        raise reader.wrong(f"{kind.__name__} needs {', '.join(sorted(missing))} too")
    if diffusion and not all(x > 0 for x in given.values()):
        raise reader.wrong(f"the numbers of {kind.__name__} must be positive")
    if diffusion and not given:
        return made
    if kind is W:
        return W(1 / (given["Y"] * 2**0.5))
    if kind in (Ws, Wo):
        # version 5 of pyimpspec: Z = tanh√(Bs)/√(Ys), or coth
        return cast("Element", cast("Any", kind)((given["B"] / given["Y"]) ** 0.5, given["B"]))
    if kind is G:
        return G(1 / (given["Y"] * given["k"] ** 0.5), 1 / given["k"])
    moved = {
        field: given[key] for field, key in zip(own(kind), wanted, strict=True) if key in given
    }
    return cast("Element", replace(cast("Any", made), **moved))


def _to_code(element: Element) -> dict[str, float]:
    """Numbers of an element as pyimpspec writes them, where they are known."""
    numbers = {field: float(getattr(element, field)) for field in own(type(element))}
    if isinstance(element, Q):
        numbers = {"Y": element.Q, "n": element.n}
    elif isinstance(element, K):
        numbers = {"R": element.Rk, "tau": element.tauk}
    elif any(x != x for x in numbers.values()) and isinstance(element, W | Ws | Wo | G):
        return {}
    elif isinstance(element, W):
        numbers = {"Y": 1 / (element.W * 2**0.5)}
    elif isinstance(element, Ws | Wo):
        numbers = {"Y": element.taud / element.Rd**2, "B": element.taud, "n": 0.5}
    elif isinstance(element, G):
        numbers = {"Y": element.taug**0.5 / element.Rg, "k": 1 / element.taug, "n": 0.5}
    return {key: x for key, x in numbers.items() if x == x}


def _numbered(found: Circuit) -> Circuit:
    """Name elements that would be mistaken for each other by the number of their group.

    Groups are counted from 0 at a lone first R. Elements that have names keep them.
    """
    bare = Counter(name for x in elements(found) if not x.name for name in own(type(x)))
    if max(bare.values(), default=0) < 2:
        return found
    parts = blocks(found)
    first = 0 if isinstance(parts[0], R) else 1
    used = {name for x in elements(found) if x.name for name in x.parameters}

    def label(part: Circuit, group: str) -> Circuit:
        if isinstance(part, Series | Parallel):
            return type(part)(label(part.a, group), label(part.b, group))
        if part.name:
            return part
        for tail in ("", *(f"_{k}" for k in range(2, _MAX_ELEMENTS + 2))):
            made = cast("Circuit", replace(cast("Any", part), name=group + tail))
            if not used & made.parameters.keys():
                break
        used.update(made.parameters)
        return made

    return reduce(Series, [label(part, str(first + k)) for k, part in enumerate(parts)])


def write(circuit: Circuit, style: Style = "infix") -> str:
    """Write a circuit as a string; `parse` reads it back.

    Parameters
    ----------
    circuit
        The circuit.
    style
        `infix`: `R_0+(R_1|CPE_1)`; `impedance.py`: `R_0-p(R_1,CPE_1)`; `cdc`: a circuit
        description code with the numbers and labels in braces where they are known.

    Examples
    --------
    >>> write(parse("R0-p(R1,CPE1)-Ws1"), "impedance.py")
    'R_0-p(R_1,CPE_1)-Ws_1'
    >>> write(parse("R_bulk-p(R_gb,CPE_gb)", 5, 80, 1e-6, 0.9), "cdc")
    'R{R=5.0:bulk}(R{R=80.0:gb}Q{Y=1e-06,n=0.9:gb})'
    """
    if style not in get_args(Style):
        raise InputError(f"circuit style {style!r} is none of {', '.join(get_args(Style))}")
    if style == "cdc":
        return _code(circuit, inside=Series)
    return _plain(circuit) if style == "impedance.py" else _infix(circuit)


def _operands(part: Circuit, kind: type[Circuit], right: bool = True) -> list[Circuit]:
    """Operands of a chain, nested ones on the right too if asked."""
    if not (isinstance(part, Series | Parallel) and isinstance(part, kind)):
        return [part]
    after = _operands(part.b, kind) if right else [part.b]
    return [*_operands(part.a, kind, right), *after]


def _infix(part: Circuit) -> str:
    """Brackets keep the order in which the circuit was put together."""
    if isinstance(part, Series):
        first, *rest = _operands(part, Series, right=False)
        told = [f"({_infix(x)})" if isinstance(x, Series) else _infix(x) for x in rest]
        return "+".join([_infix(first), *told])
    if isinstance(part, Parallel):
        operands = _operands(part, Parallel, right=False)
        told = [f"({_infix(x)})" if isinstance(x, Series) else _infix(x) for x in operands]
        return f"({'|'.join(told)})"
    return _named(part)


def _plain(part: Circuit) -> str:
    """impedance.py has no brackets but those of p()."""
    if isinstance(part, Series):
        return "-".join(_plain(x) for x in _operands(part, Series))
    if isinstance(part, Parallel):
        return f"p({','.join(_plain(x) for x in _operands(part, Parallel))})"
    return _named(part)


def _named(part: Circuit) -> str:
    symbol = cast("Element", part).symbol
    return f"{symbol}_{part.name}" if part.name else symbol


def _code(part: Circuit, inside: type[Circuit]) -> str:
    if isinstance(part, Series | Parallel):
        text = "".join(_code(x, type(part)) for x in _operands(part, type(part)))
        if isinstance(part, Parallel):
            return f"({text})"
        return f"[{text}]" if inside is Parallel else text
    element = cast("Element", part)
    numbers = ",".join(f"{key}={x!r}" for key, x in _to_code(element).items())
    # pyimpspec takes no label that begins with a digit
    label = re.sub(r"^(?=\d)", "no ", element.name)
    told = numbers + (f":{label}" if label else "")
    return _CODE_OF[type(element)] + (f"{{{told}}}" if told else "")
