"""Protocols in words, with the stack pressure as part of each step.

    Charge at C/5 until 4.3 V at 5 MPa and measure impedance
    Hold at 4.3 V until C/20
    Rest for 10 min
    Discharge at 0.4 mA/cm2 until 2.8 V or 6 h [aged]

A step without a pressure keeps the one before. Steps nest and repeat as Python lists, as
`(5, [...])`, or in a text file as indented `repeat 5:` blocks. In a half-cell against lithium,
discharge plates and charge strips.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from dualyte.cell.words import (
    ENDS,
    MOST,
    WANTED,
    Draft,
    End,
    EndKind,
    line_draft,
    positive,
    said,
    text_drafts,
    times_over,
)
from dualyte.cycles import count_cycles
from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import checked, show

Kind = Literal["charge", "discharge", "rest", "hold"]

HIGHEST: Final = 120e6  #: Pa: pellets are pressed at 120 MPa; above it they would densify again


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a protocol, with its stack pressure.

    A charge or discharge has a `rate` or a `current`, a hold has a `voltage`; `kind` gives the
    direction, so that both are positive. `cycle` 0 is the activation cycle.

    Raises
    ------
    InputError
        If a part is missing, does not fit the kind or is implausible.
    ValidityError
        If the stack pressure is above 120 MPa.

    Examples
    --------
    >>> print(Step(kind="hold", voltage=4.3, until=(End(kind="rate", value=0.05),), pressure=5e6))
    Hold at 4.3 V until C/20 at 5 MPa
    """

    kind: Kind
    until: tuple[End, ...]  #: the first that is met ends the step
    pressure: float  #: Pa, stack pressure
    rate: float | None = None  #: C rate, 1/h
    current: float | None = None  #: A/m² of nominal area
    voltage: float | None = None  #: V
    cycle: int = 0
    tag: str = ""
    eis: bool = False  #: a spectrum is measured after this step

    def __post_init__(self) -> None:
        if self.kind not in ENDS:
            raise InputError(f"a step is one of {', '.join(ENDS)}, not {self.kind!r}")
        self._check_drive()
        if not self.until:
            raise InputError(f"a {self.kind} has no end; give it {WANTED[self.kind]}")
        kinds = [end.kind for end in self.until]
        for end in self.until:
            if end.kind not in ENDS[self.kind]:
                raise InputError(
                    f"a {self.kind} cannot end at {end}: it ends at {WANTED[self.kind]}"
                )
            if kinds.count(end.kind) > 1:
                raise InputError(f"a {self.kind} has two ends of one kind; give one of them")
        if self.cycle < 0:
            raise InputError(f"cycle={self.cycle} is negative; cycle 0 is the activation cycle")
        if set(self.tag) & set("[]#\r\n") or self.tag != self.tag.strip():
            raise InputError(
                f"tag {self.tag!r} has a bracket, '#', new line or space around it; leave it out"
            )
        checked("pressure", self.pressure)
        if self.pressure > HIGHEST:
            raise ValidityError(
                f"stack pressure {show('pressure', self.pressure)} is above the "
                f"{show('pressure', HIGHEST)} that pellets are pressed at: they would densify "
                "again, which no cell model here describes; cycle at a lower pressure"
            )

    def _check_drive(self) -> None:
        given = {
            name: value
            for name in ("rate", "current", "voltage")
            if (value := getattr(self, name)) is not None
        }
        drives = {"rest": (), "hold": ("voltage",)}.get(self.kind, ("rate", "current"))
        if extra := [name for name in given if name not in drives]:
            meant = f"leave out 'at {said(extra[0], given[extra[0]])}'"
            if extra[0] == "voltage":
                meant += f", or write 'until {said('voltage', given['voltage'])}'"
            raise InputError(f"a {self.kind} has no {extra[0]} of its own; {meant}")
        if not given and drives:
            wanted = "a voltage, such as 'at 4.3 V'"
            if self.kind != "hold":
                wanted = "a current, such as 'at C/5' or 'at 0.4 mA/cm2'"
            raise InputError(f"a {self.kind} needs {wanted}")
        if len(given) > 1:
            raise InputError(f"a {self.kind} has a rate and a current; give one of them")
        for name, value in given.items():
            if name == "voltage":
                checked("potential", value)
            else:
                positive(name, value)

    def end(self, kind: EndKind) -> float | None:
        """Value of the end of that kind (V, 1/h, A/m² or s), if there is one."""
        return next((end.value for end in self.until if end.kind == kind), None)

    def __str__(self) -> str:
        words = [self.kind.capitalize()]
        for name in ("rate", "current", "voltage"):
            if (value := getattr(self, name)) is not None:
                words.append(f"at {said(name, value)}")
        first, *others = self.until
        words.append(f"{'for' if first.kind == 'duration' else 'until'} {first}")
        words += [f"or {end}" for end in others]
        words.append(f"at {said('pressure', self.pressure)}")
        if self.eis:
            words.append("and measure impedance")
        if self.tag:
            words.append(f"[{self.tag}]")
        return " ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Steps in the order they are run.

    `len` counts steps; `str` is text that `protocol` reads back to the same steps.

    Raises
    ------
    InputError
        If there is no step, cycle numbers fall, or an end can never be met.
    """

    steps: tuple[Step, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not self.steps:
            raise InputError(
                "a protocol has one step or more, such as 'Charge at C/5 until 4.3 V at 5 MPa'"
            )
        for i, (one, two) in enumerate(zip(self.steps, self.steps[1:], strict=False)):
            if two.cycle < one.cycle:
                raise InputError(
                    f"step {i + 2} is of cycle {two.cycle}, after cycle {one.cycle}; cycle "
                    "numbers never fall"
                )
        if found := _impossible(self.steps):
            raise InputError(f"step {found[0] + 1}, '{self.steps[found[0]]}': {found[1]}")

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @property
    def cycles(self) -> tuple[int, ...]:
        """Cycle numbers in order; 0 is the activation cycle."""
        return tuple(dict.fromkeys(step.cycle for step in self.steps))

    def of_cycle(self, cycle: int) -> tuple[Step, ...]:
        """Return the steps of one cycle."""
        found = tuple(step for step in self.steps if step.cycle == cycle)
        if not found:
            raise InputError(
                f"{self.name or 'the protocol'} has no cycle {cycle}; it has cycles "
                f"{self.cycles[0]} … {self.cycles[-1]}"
            )
        return found

    def up_to(self, cycle: int) -> Protocol:
        """Return the same until the end of that cycle."""
        self.of_cycle(cycle)
        return replace(self, steps=tuple(step for step in self.steps if step.cycle <= cycle))

    @property
    def first(self) -> Literal["charge", "discharge"]:
        """What a cycle begins with."""
        for step in self.steps:
            if step.kind == "charge" or step.kind == "discharge":
                return step.kind
        return "charge"

    @property
    def window(self) -> tuple[float, float]:
        """Lowest and highest voltage that a step holds or ends at [V], NaN if none does."""
        asked = [v for s in self.steps for v in (s.voltage, s.end("voltage")) if v is not None]
        return (min(asked), max(asked)) if asked else (float("nan"), float("nan"))

    @property
    def pressures(self) -> tuple[float, ...]:
        """Distinct stack pressures in the order they come [Pa]."""
        return tuple(dict.fromkeys(step.pressure for step in self.steps))

    def __str__(self) -> str:
        cycles = [
            _folded([[str(step)] for step in steps])
            for _, steps in groupby(self.steps, key=lambda step: step.cycle)
        ]
        return "\n".join(_folded(cycles))


def _folded(parts: Iterable[list[str]]) -> list[str]:
    """Lines of all parts, those that come again and again under one `repeat`."""
    lines: list[str] = []
    for part, same in groupby(parts):
        times = len(list(same))
        if times > 1:
            lines.append(f"repeat {times}:")
        lines += [f"{'    ' if times > 1 else ''}{line}" for line in part]
    return lines


@dataclass(frozen=True, slots=True)
class Block:
    """Steps that are repeated or tagged together, as `repeat` and `tagged` make them."""

    steps: tuple[Words, ...]
    times: int = 1
    tag: str = ""


#: what `protocol` takes: words, steps, protocols, and any nesting of them; `(5, [...])` repeats
Words: TypeAlias = "str | Step | Protocol | Block | tuple[int, Sequence[Words]] | Sequence[Words]"


def repeat(times: int, *steps: Words) -> Block:
    """Repeat steps.

    >>> cycle = repeat(2, "Charge at C/5 until 4.3 V", "Discharge at C/5 until 2.8 V")
    >>> protocol(cycle, pressure=5e6).cycles
    (0, 1)
    """
    return Block(steps, times=times)


def tagged(tag: str, *steps: Words) -> Block:
    """Give every step that has no tag this one.

    >>> protocol(tagged("aged", "Rest for 1 h at 5 MPa")).steps[0].tag
    'aged'
    """
    return Block(steps, tag=tag)


def protocol(steps: Words, *, name: str = "", pressure: float | None = None) -> Protocol:
    """Read a protocol from words.

    Parameters
    ----------
    steps
        A step in words, text with one step per line, a `Step`, or any nesting of lists of
        them; `(5, [...])` and `repeat(5, ...)` repeat.
    name
        What tables and figures call it.
    pressure
        Stack pressure [Pa] until a step has its own.

    Returns
    -------
    Protocol
        Flat, every step with its pressure. A cycle ends where the direction that the protocol
        began with comes again; the first is cycle 0.

    Raises
    ------
    InputError
        If a word is unknown, a quantity does not fit, no pressure is given, or an end can
        never be met.
    ValidityError
        If a stack pressure is above 120 MPa.

    Examples
    --------
    >>> one = "Charge at C/5 until 4.3 V at 5 MPa", "Discharge at C/5 until 2.8 V"
    >>> print(protocol((3, one)))
    repeat 3:
        Charge at C/5 until 4.3 V at 5 MPa
        Discharge at C/5 until 2.8 V at 5 MPa
    >>> protocol("Chrage at C/5 until 4.3 V at 5 MPa")
    Traceback (most recent call last):
        ...
    dualyte.errors.InputError: 'Chrage at C/5 until 4.3 V at 5 MPa': unknown protocol word 'Chrage';
    did you mean 'Charge'?
    """
    return _built(_flat(steps, ""), name, pressure)


def read_protocol(path: str | Path, *, pressure: float | None = None) -> Protocol:
    """Read a protocol from a text file.

    Parameters
    ----------
    path
        One step per line; `repeat 5:` repeats the lines indented below it, `repeat 5 [tag]:`
        also tags them; text after `#` is not read.
    pressure
        Stack pressure [Pa] until a step has its own.

    Returns
    -------
    Protocol
        Called as the file, without its ending.

    Raises
    ------
    InputError
        Naming file, line and word.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no file {file}; {_names()}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file} as a text file: {error}") from error
    return _built(text_drafts(text, file.name), file.stem, pressure)


def find_protocol(
    name: str | Path, *, cycles: int | None = None, pressure: float | None = None
) -> Protocol:
    """Return a protocol of the study by its name, or else read the file of that name.

    `cycles` counts those after the activation cycle, as in `study_protocol`; it shortens a
    file's protocol. `pressure` [Pa] is used by files only.
    """
    if str(name) in STUDY:
        return study_protocol(str(name), cycles=cycles)
    if not Path(name).exists():
        near = get_close_matches(str(name), STUDY, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; {_names()}"
        raise InputError(f"{str(name)!r} is no protocol of the study and no file{hint}")
    found = read_protocol(name, pressure=pressure)
    if cycles is None:
        return found
    return found.up_to(_counted(cycles))


def _names() -> str:
    return f"the protocols of the study are {', '.join(STUDY)}"


# --- from words to steps --------------------------------------------------------------


def _built(drafts: list[Draft], name: str, pressure: float | None) -> Protocol:
    """Carry pressures on, count cycles, and check each step and their order."""
    steps = []
    cycles = count_cycles([parts["kind"] for parts, _ in drafts])
    for (parts, where), cycle in zip(drafts, cycles, strict=True):
        pressure = parts.get("pressure", pressure)
        if pressure is None:
            raise InputError(
                f"{where}: the first step has no stack pressure; write it, such as 'at 5 MPa', "
                "or pass pressure="
            )
        try:
            steps.append(Step(**{**parts, "pressure": pressure, "cycle": cycle}))
        except (InputError, ValidityError) as error:
            raise type(error)(f"{where}: {error}") from error
    if found := _impossible(steps):
        raise InputError(f"{drafts[found[0]][1]}: {found[1]}")
    return Protocol(steps=tuple(steps), name=name)


def _flat(words: Words, tag: str) -> list[Draft]:
    """Unfold lists, repeats and tags."""
    if isinstance(words, str):
        many = len(words.strip().splitlines()) > 1
        drafts = text_drafts(words, "") if many else [line_draft(words.strip(), f"'{words}'")]
    elif isinstance(words, Step):
        drafts = [({k: getattr(words, k) for k in Step.__slots__}, f"'{words}'")]
    elif isinstance(words, Protocol):
        drafts = [draft for step in words.steps for draft in _flat(step, "")]
    elif isinstance(words, Block):
        body = [draft for part in words.steps for draft in _flat(part, words.tag)]
        drafts = times_over(words.times, body, f"repeat {words.times}")
    elif isinstance(words, Sequence):
        parts: list[Any] = list(words)
        if len(parts) == 2 and isinstance(parts[0], int):
            return _flat(Block((parts[1],), times=parts[0]), tag)
        drafts = [draft for part in parts for draft in _flat(part, "")]
    else:
        raise InputError(f"a protocol is made of words, steps and lists of them, not {words!r}")
    return [({**draft, "tag": draft["tag"] or tag}, where) for draft, where in drafts]


# --- ends that can never be met -------------------------------------------------------


def _impossible(steps: Sequence[Step]) -> tuple[int, str] | None:
    """Index of the first step whose end is passed before it begins, and why."""
    before: Step | None = None  # the last step that surely came to its voltage
    rested = False
    for i, step in enumerate(steps):
        if step.kind == "rest":
            rested = True
            continue
        if before and (why := _passed(before, step, rested)):
            return i, why
        rested = False
        sure = step.kind == "hold" or [end.kind for end in step.until] == ["voltage"]
        before = step if sure else None
    return None


def _passed(before: Step, step: Step, rested: bool) -> str:
    """Why the end of `step` is passed already, or nothing."""
    at = before.voltage if before.voltage is not None else before.end("voltage")
    goal = step.end("voltage")
    if at is not None and step.voltage == at and not rested:
        return _tapered(before, step)
    if at is None or goal is None:
        return ""
    rises = step.kind == "charge"
    beyond = goal < at if rises else goal > at  # passed before the step begins
    turned = before.kind not in (step.kind, "hold")
    if not ((beyond and not rested) or (turned and (beyond or goal == at))):
        return ""
    side, other = ("above", "Discharge") if rises else ("below", "Charge")
    return (
        f"a {step.kind} until {said('voltage', goal)} can never be met: the {before.kind} before "
        f"it ends at {said('voltage', at)}; end {side} that, or did you mean '{other}'?"
    )


def _tapered(before: Step, hold: Step) -> str:
    """Why the current of a hold is below its end when it begins, or nothing."""
    for kind, now in (("rate", before.rate), ("current", before.current)):
        goal = next((end.value for end in hold.until if end.kind == kind), None)
        if goal is not None and now is not None and goal >= now:
            return (
                f"a hold until {said(kind, goal)} can never be met: the current is "
                f"{said(kind, now)} when it begins, and falls; end below {said(kind, now)}"
            )
    return ""


# --- the study's protocols ------------------------------------------------------------

#: name: what it is; what the paper does not publish is marked as assumed
STUDY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paper-li-foil": "Li foil cell: activation at C/10, then 25 cycles at C/5, all at 7 MPa",
        "paper-li-foil-steps": "Li foil cell: activation, then 5 cycles each at 7, 5, 3 and 1 MPa",
        "paper-reservoir-free": "reservoir-free cell: activation, then 5 cycles each at 7, 5, 3 "
        "and 1 MPa",
        "paper-120": "reservoir-free cell: activation and 5 cycles at 7 MPa, then 115 at 5 MPa",
        "paper-half-cell": "Li|LLZTO|Ag: activation, then 5 cycles each at 7, 5, 3 and 1 MPa",
        "paper-rest": "full cell 18 h at rest empty, charged to 4.3 V, 18 h at rest with spectra",
    }
)


def study_protocol(name: str, *, cycles: int | None = None) -> Protocol:
    """Return a protocol of the study (doi:10.1039/d5ee07777j) by its name.

    Parameters
    ----------
    name
        A key of `STUDY`.
    cycles
        Cycles after the activation; more than the study ran go on at the last pressure.

    Notes
    -----
    Published: activation at C/10 and 7 MPa; Li foil cells at C/5 between 2.8 and 4.3 V, with a
    spectrum at 100 % state of charge every 5 cycles, for 25 cycles at 7 MPa, and a series at
    7, 5, 3 and 1 MPa; reservoir-free cells with 5 cycles at 7 MPa and the 16th at 1 MPa, or
    cycles 6 to 120 at 5 MPa; half-cells plated to 2 mAh cm⁻² with 5 cycles at each of 7, 5, 3
    and 1 MPa, activated at C/10 and cycled at C/5; 18 h at rest empty, and 18 h at open
    circuit after 4.3 V with a spectrum every 2 h. 1 C is 200 mA per gram of NMC, 2 mA cm⁻² in
    the half-cell.

    Assumed: `paper-li-foil-steps` has 5 cycles at each pressure, as the others have;
    reservoir-free cells have the window of the foil cells, C/5 after activation, and 5 cycles at
    5 and 3 MPa (which makes the 16th the first at 1 MPa); their spectra, taken charged in the
    last cycle at each pressure; the half-cell's activation comes before its five cycles at
    7 MPa, and it is stripped to 1 V; `paper-rest` charges once, at C/10 and 7 MPa. No rest
    stands between steps, as none is published.

    Examples
    --------
    >>> study_protocol("paper-120").cycles[-1], len(study_protocol("paper-rest"))
    (120, 11)
    >>> print(study_protocol("paper-half-cell", cycles=2))
    Discharge at C/10 for 10 h at 7 MPa [activation]
    Charge at C/10 until 1 V at 7 MPa [activation]
    repeat 2:
        Discharge at C/5 for 5 h at 7 MPa
        Charge at C/5 until 1 V at 7 MPa
    """
    if name not in STUDY:
        near = get_close_matches(name, STUDY, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; {_names()}"
        raise InputError(f"the study has no protocol {name!r}{hint}")
    if name == "paper-rest":
        if cycles is not None:
            raise InputError("paper-rest holds one charge and no cycle to count; leave out cycles")
        held = repeat(9, "Rest for 2 h and measure impedance")
        charge = "Charge at C/10 until 4.3 V and measure impedance"
        return protocol(["Rest for 18 h", charge, held], name=name, pressure=7e6)
    stages = {
        "paper-li-foil": ((7, 25),),
        "paper-120": ((7, 5), (5, 115)),
    }.get(name, ((7, 5), (5, 5), (3, 5), (1, 5)))
    total = sum(n for _, n in stages) if cycles is None else _counted(cycles)
    pressures = [p for p, n in stages for _ in range(n)]
    pressures += [pressures[-1]] * (total - len(pressures))
    steps: list[Words] = [tagged("activation", *_cycle(name, "C/10", 7, name != "paper-half-cell"))]
    for n, p in enumerate(pressures[:total], 1):
        last = n == total or pressures[n : n + 1] != [p]
        steps += _cycle(name, "C/5", p, n % 5 == 0 if name == "paper-li-foil" else last)
    return protocol(steps, name=name)


def _cycle(name: str, rate: str, pressure: int, eis: bool) -> list[str]:
    """One cycle of the study."""
    if name == "paper-half-cell":  # 2 mAh/cm² of lithium onto silver, and back
        return [
            f"Discharge at {rate} for {rate[2:]} h at {pressure} MPa",
            f"Charge at {rate} until 1 V",
        ]
    look = " and measure impedance" if eis else ""
    return [
        f"Charge at {rate} until 4.3 V at {pressure} MPa{look}",
        f"Discharge at {rate} until 2.8 V",
    ]


def _counted(cycles: int) -> int:
    if isinstance(cycles, bool) or not isinstance(cycles, int) or not 0 <= cycles <= MOST // 4:
        raise InputError(
            f"cycles={cycles!r} is no number of cycles after the activation; give 0 to {MOST // 4}"
        )
    return cycles
