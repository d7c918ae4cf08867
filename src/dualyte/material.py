"""Materials are data: every number carries its source, and says if it was assumed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats, checked, known, q, show, size

Kind = Literal["measured", "literature", "computed", "calibrated", "assumed"]
Law = Literal["normal", "log-normal", "uniform", "log-uniform"]
DATA: Final = Path(str(files("dualyte"))) / "data"
LIBRARY: Final = DATA / "materials"
_Z90: Final = 1.6448536269514722  # half-width of a normal 90 % interval, in standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number, how far to trust it, and why.

    A range (`low`, `high`) makes the law uniform; a spread makes it normal. Something
    known only as a range is a prior: its kind is `assumed` and `si` is its median.
    """

    quantity: str  #: row of the vocabulary
    si: float  #: best estimate, SI
    kind: Kind
    source: str  #: key in data/references.bib
    where: str  #: page, figure, table or rule
    law: Law = "normal"
    spread: float = 0.0  #: standard deviation, SI (of ln for log-normal)
    low: float | None = None  #: SI; uniform laws only
    high: float | None = None
    spread_kind: Kind | None = None  #: where the spread is not from the same source
    note: str = ""

    def quantile(self, u: npt.ArrayLike) -> Floats:
        """Values at cumulative probabilities `u` (any shape), SI."""
        from scipy.special import ndtri

        u = np.asarray(u, dtype=np.float64)
        if self.law == "uniform" and self.low is not None and self.high is not None:
            return np.asarray(self.low + (self.high - self.low) * u)
        if self.law == "log-uniform" and self.low is not None and self.high is not None:
            return np.asarray(self.low * (self.high / self.low) ** u)
        if self.spread == 0:  # sure, also at u = 0 and 1
            return np.full(u.shape, self.si)
        if self.law == "log-normal":
            return np.asarray(self.si * np.exp(self.spread * ndtri(u)))
        word = known(self.quantity)  # a wide normal must not leave what is plausible
        return np.asarray(np.clip(self.si + self.spread * ndtri(u), word.low, word.high))

    def interval(self) -> tuple[float, float]:
        """90 % interval, SI."""
        low, high = self.quantile([0.05, 0.95])
        return float(low), float(high)

    def __str__(self) -> str:
        text = show(self.quantity, self.si)
        low, high = self.interval()
        if high > low:
            text += f" ({show(self.quantity, low, 3)} … {show(self.quantity, high, 3)})"
        return f"{text}, {self.kind}, {self.source}: {self.where}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """One material: for each property the value to use, and the other known values."""

    name: str  #: short name, e.g. LNOC
    formula: str
    properties: Mapping[str, Value]
    others: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()  #: looked for and not found: neither value nor range

    def __getitem__(self, name: str) -> Value:
        if name in self.properties:
            return self.properties[name]
        if name in self.unknown:
            raise InputError(
                f"{name} of {self.name} is not known; give it in a material file of your "
                f'own (base = "{self.name}")'
            )
        near = get_close_matches(name, self.properties, n=3, cutoff=0.4)
        hint = f"; best matches are {', '.join(near)}" if near else ""
        raise InputError(f"{self.name} has no property {name!r}{hint}")

    def __contains__(self, name: str) -> bool:
        return name in self.properties

    def at(self, **numbers: float) -> Material:
        """Return the same material with the best estimate of some properties moved (SI)."""
        moved = {name: replace(self[name], si=float(si)) for name, si in numbers.items()}
        return replace(self, properties={**self.properties, **moved})

    def __str__(self) -> str:
        rows = [f"{self.name} ({self.formula})"]
        rows += [f"  {name}: {value}" for name, value in self.properties.items()]
        if self.unknown:
            rows.append(f"  not known: {', '.join(self.unknown)}")
        return "\n".join(rows)


def materials() -> list[str]:
    """Names of the materials in the library, sorted.

    >>> "LNOC" in materials()
    True
    """
    return sorted(p.stem for p in LIBRARY.glob("*.toml"))


def material(name: str | Path) -> Material:
    """Load a material by library name (`"LNOC"`) or by path to your own TOML file.

    Raises
    ------
    InputError
        If there is no such material, or a row of the file is wrong (with file and row).

    Examples
    --------
    >>> material("LNOC")["hardness"].kind
    'measured'
    """
    name = str(name)
    own = name.endswith(".toml")
    path = Path(name) if own else LIBRARY / f"{name}.toml"
    if not path.is_file():
        names = materials()
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        what = "file" if own else "material"
        raise InputError(f"no {what} {name!r} (known: {', '.join(names)}){hint}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not readable as TOML: {error}") from error
    return _material(path, table)


def _material(path: Path, table: dict[str, Any]) -> Material:
    base = material(table.pop("base")) if "base" in table else None
    name = str(table.pop("name", path.stem))
    formula = str(table.pop("formula", base.formula if base else name))
    unknown = table.pop("unknown", [])
    if not isinstance(unknown, list):
        raise InputError(f"{path.name}: unknown is {unknown!r}; write a list of property names")
    first: dict[str, Value] = dict(base.properties) if base else {}
    others: dict[str, tuple[Value, ...]] = dict(base.others) if base else {}
    for key, rows in table.items():
        rows = rows if isinstance(rows, list) else [rows]
        values = tuple(_value(key, row, path.name) for row in rows)
        if not values:
            raise InputError(f"{path.name}: [[{key}]] is empty; give it a value or leave it out")
        first[key], others[key] = values[0], values[1:]
    asked = dict.fromkeys([*(base.unknown if base else ()), *map(str, unknown)])
    open_ = tuple(key for key in asked if key not in first)
    return Material(name=name, formula=formula, properties=first, others=others, unknown=open_)


def _value(key: str, row: Any, file: str) -> Value:  # noqa: ANN401 (whatever TOML holds)
    """One row of a material or calibration file."""
    if not isinstance(row, dict):
        raise InputError(
            f"{file}: {key} is {row!r}; write [[{key}]] with value, unit, kind, source"
        )
    try:
        return _read_row(key, dict(row))
    except InputError as error:
        raise InputError(f"{file}: [[{key}]]: {error}") from error


def _read_row(key: str, row: dict[str, Any]) -> Value:
    quantity = str(row.pop("quantity", key))
    unit, kind = str(row.pop("unit", known(quantity).unit)), row.pop("kind", None)
    if kind not in get_args(Kind):
        raise InputError(f"kind is {kind!r}; it is one of {', '.join(get_args(Kind))}")
    si = {x: _number(quantity, x, row.pop(x), unit) for x in ("value", "low", "high") if x in row}
    law: Law = row.pop("law", "uniform" if "low" in si else "normal")
    if law not in get_args(Law):
        raise InputError(f"law is {law!r}; it is one of {', '.join(get_args(Law))}")
    spread_kind = row.pop("spread_kind", None)
    if spread_kind not in (None, *get_args(Kind)):
        raise InputError(
            f"spread_kind is {spread_kind!r}; it is one of {', '.join(get_args(Kind))}"
        )
    spread = _plain("spread", row.pop("spread", 0.0))
    if spread < 0 or (spread > 0 and "low" in si):
        raise InputError("give either a positive spread or a range (low, high), not both")
    if ("low" in si) != ("high" in si) or si.get("low", 0.0) > si.get("high", np.inf):
        raise InputError("a range needs low and high, with low below high")
    if ("low" in si) != law.endswith("uniform"):
        raise InputError(
            f"law {law!r} does not fit; a uniform law needs low and high, no other does"
        )
    if law == "log-uniform" and si["low"] <= 0:
        raise InputError("a log-uniform law needs low above zero")
    if "value" not in si:
        if "low" not in si:
            raise InputError("it has neither a value nor a range (low, high)")
        low, high = si["low"], si["high"]
        si["value"] = float(np.sqrt(low * high)) if law == "log-uniform" else (low + high) / 2
    if not si.get("low", -np.inf) <= si["value"] <= si.get("high", np.inf):
        raise InputError("value lies outside its own range (low, high)")
    known_keys = {"source", "where", "note", "conditions"}
    if strange := row.keys() - known_keys:
        raise InputError(f"unknown entry {', '.join(sorted(strange))}")
    if law != "log-normal":
        spread *= size(unit, quantity)
    where = "; ".join(str(row[x]) for x in ("where", "conditions") if row.get(x))
    return Value(
        quantity=quantity,
        si=si["value"],
        kind=kind,
        source=str(row.get("source", "user")),
        where=where,
        law=law,
        spread=spread,
        low=si.get("low"),
        high=si.get("high"),
        spread_kind=spread_kind,
        note=str(row.get("note", "")),
    )


def _number(quantity: str, entry: str, number: Any, unit: str) -> float:  # noqa: ANN401 (from TOML)
    number = _plain(entry, number)
    if unit == known(quantity).unit:  # also the dimensionless ones
        return float(checked(quantity, number))
    return q(f"{number!r} {unit}", quantity)


def _plain(entry: str, number: Any) -> float:  # noqa: ANN401 (from TOML)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InputError(f"{entry} is {number!r}, not a number")
    if not np.isfinite(number):
        raise InputError(f"{entry} is {number}, not a finite number")
    return float(number)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Parameters fitted to facts, never mixed with predictions."""

    name: str
    values: Mapping[str, Value]
    correlation: Floats  #: (k, k) of the values, in their order
    facts: tuple[str, ...]  #: identifiers of the facts that were fitted
    inputs: str  #: hash of the facts and materials that went in
    remarks: tuple[str, ...] = ()


@cache
def calibration(name: str) -> Calibration:
    """Load data/calibration/`name`.toml, which `dualyte calibrate` writes."""
    path = DATA / "calibration" / f"{name}.toml"
    if not path.is_file():
        raise InputError(f"no calibration {name!r}; dualyte calibrate {name} makes it")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    about = table.pop("calibration")
    found = {key: _value(key, row, path.name) for key, row in table.items()}
    return Calibration(
        name=name,
        values=found,
        correlation=np.array(about["correlation"], dtype=np.float64),
        facts=tuple(about["facts"]),
        inputs=str(about["inputs"]),
        remarks=tuple(about.get("remarks", ())),
    )


@cache
def facts(name: str) -> dict[str, dict[str, Any]]:
    """Rows of data/facts/`name`.toml by identifier, as published.

    >>> facts("interface")["F114"]["value"]
    250
    """
    path = DATA / "facts" / f"{name}.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["fact"]
    return {row["id"]: row for row in rows}


def values(thing: Any) -> Iterator[Value]:  # noqa: ANN401 (any result)
    """Every `Value` a result was made from.

    The object graph is the provenance: a result keeps the nouns it was made from.
    """
    if isinstance(thing, Value):
        yield thing
    elif isinstance(thing, Material):
        yield from thing.properties.values()
    elif isinstance(thing, Mapping):
        for part in thing.values():
            yield from values(part)
    elif isinstance(thing, list | tuple):
        for part in thing:
            yield from values(part)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for part in fields(thing):
            yield from values(getattr(thing, part.name))


def sources(thing: Any) -> dict[str, set[Kind]]:  # noqa: ANN401 (any result)
    """Name the references a result's inputs came from, with the kinds of value each gave.

    >>> sources(material("LNOC")["hardness"])
    {'paper2026': {'measured'}}
    """
    found: dict[str, set[Kind]] = {}
    for value in values(thing):
        found.setdefault(value.source, set()).add(value.kind)
    return found


@cache
def references() -> dict[str, str]:
    """Every entry of data/references.bib under its key."""
    text = (DATA / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{([^,\s]+),.*?^\}", text, flags=re.M | re.S)
    bodies = re.findall(r"^@\w+\{.*?^\}", text, flags=re.M | re.S)
    return dict(zip(entries, bodies, strict=True))


def cite(thing: Any) -> str:  # noqa: ANN401 (any result)
    """BibTeX of everything a result was made from.

    >>> cite(material("LNOC")["hardness"]).splitlines()[0]
    '@article{paper2026,'
    """
    keys = {thing} if isinstance(thing, str) else set(sources(thing))
    book = references()
    return "\n\n".join(book[key] for key in sorted(keys & book.keys()))
