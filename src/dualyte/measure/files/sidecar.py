"""Facts about files that lie beside them in TOML: area, thickness, temperature and so on.

`cell.toml` belongs to `cell.csv` and every other `cell.*`; `dualyte.toml` to all files of its
folder, with tables for single files by name or pattern::

    area = "1.13 cm2"
    interfaces = 2

    ["*_25C*.csv"]
    temperature = "25 degC"
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.vocabulary import WORDS, checked, q, shown

FOLDER: Final = "dualyte.toml"
#: fact: the word of the vocabulary that its quantity is
QUANTITIES: Final = {
    "area": "area",
    "thickness": "thickness",
    "temperature": "temperature",
    "pressure": "pressure",
    "lowest": "frequency",
    "highest": "frequency",
    "capacity": "capacity",
    "density": "density",
    "diameter": "displacement",
    "mass": "mass",
    "photon_energy": "binding_energy",
    "pixel": "pixel",
    "poisson_ratio": "poisson_ratio",
    "wavelength": "wavelength",
}
#: fact: its type, and one as it is written
_PLAIN: Final[dict[str, tuple[type, str]]] = {
    "activation": (list, "activation = [0]"),
    "first": (str, 'first = "discharge"'),
    "group": (str, 'group = "cell 1"'),
    "kind": (str, 'kind = "xps"'),
    "mask": (list, 'mask = [{cycles = "7, 12-14", why = "power cut"}]'),
    "options": (dict, 'options = {particles = true, large = "1 um"}'),
    "phase": (str, 'phase = "dark"'),
    "reference": (str, 'reference = "C 1s 284.8 eV"'),
    "reservoir_free": (bool, "reservoir_free = true"),
    "stack": (list, 'stack = [{cycles = "1-5", pressure = "7 MPa"}]'),
}
_NAMES: Final = (*QUANTITIES, "interfaces", *_PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing said of a file, and where."""

    value: Any  #: SI float, a whole number, a text, or what `_PLAIN` says
    source: str  #: for messages, such as "dualyte.toml"


def facts(path: Path) -> dict[str, Fact]:
    """What the sidecars of a file say of it; the nearest to the file wins.

    Raises
    ------
    InputError
        If a sidecar is not TOML, or holds an unknown name or a value without its unit.
    """
    found: dict[str, Fact] = {}
    folder = path.parent / FOLDER
    if folder.is_file():
        said = _load(folder)
        general = {k: v for k, v in said.items() if not isinstance(v, dict) or k in _PLAIN}
        found |= _read(folder.name, general)
        tables = [(k, v) for k, v in said.items() if isinstance(v, dict) and k not in _PLAIN]
        tables = [(key, t) for key, t in tables if fnmatch(path.name, key) or key == path.stem]
        for key, table in sorted(tables, key=lambda kt: kt[0] in (path.name, path.stem)):
            found |= _read(f"{folder.name} [{key}]", table)
    own = path.with_suffix(".toml")
    if own.is_file() and own != folder:
        found |= _read(own.name, _load(own))
    return found


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not TOML: {error}") from error


def _read(source: str, said: dict[str, Any]) -> dict[str, Fact]:
    return {name: Fact(value=_value(source, name, v), source=source) for name, v in said.items()}


def _value(source: str, name: str, value: Any) -> Any:  # noqa: ANN401 (whatever TOML holds)
    if name in QUANTITIES:
        try:
            return q(str(value), QUANTITIES[name])
        except InputError as error:
            raise InputError(f"{source}, {name}: {error}") from None
    if name == "interfaces":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{source}: interfaces = {value!r}; a cell has 1 or more")
        return value
    if name == "group":
        return str(value)
    if name in _PLAIN:
        wanted, example = _PLAIN[name]
        if not isinstance(value, wanted):
            raise InputError(f"{source}: {name} = {value!r}; write it as in {example}")
        return value
    near = get_close_matches(name, _NAMES, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(_NAMES)}"
    raise InputError(f"{source}: no fact is called {name!r}{hint}")


def remember(where: str | Path, **facts: float | str | dict[str, Any] | None) -> Path:
    """Write facts into the sidecar of a folder or file, so that they need not be given again.

    Parameters
    ----------
    where
        A folder (all its files, in `dualyte.toml`), or a file (its own `NAME.toml`).
    **facts
        `area`, `thickness`, `temperature`, `pressure`, `lowest`, `highest`: SI numbers, or
        texts with a unit; `interfaces`: a whole number; `group`: a name that replicates
        share. None is passed over.

    Returns
    -------
    Path
        The sidecar. What else it holds, comments included, stays.

    Raises
    ------
    InputError
        If a fact is unknown or implausible, or `where` does not exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     print(remember(folder, area="1.13 cm2", interfaces=2).read_text().strip())
    area = "1.13 cm2"
    interfaces = 2
    """
    path = Path(where)
    if not path.exists():
        raise InputError(f"no file or folder {str(path)!r}")
    target = path / FOLDER if path.is_dir() else path.with_suffix(".toml")
    lines = {name: _line(name, value) for name, value in facts.items() if value is not None}
    text = target.read_text(encoding="utf-8") if target.is_file() else ""
    if text:
        _load(target)  # an unreadable sidecar is not written over
    text = _merged(text, lines)
    made = tomllib.loads(text).items()
    _read(target.name, {k: v for k, v in made if not isinstance(v, dict) or k in _PLAIN})
    draft = target.with_name(target.name + ".part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, target)
    return target


def _line(name: str, value: float | str | dict[str, Any]) -> str:
    """One line of TOML."""
    if name in QUANTITIES:
        word = QUANTITIES[name]
        if isinstance(value, dict):
            raise InputError(f"{name} is a quantity, not a table")
        if isinstance(value, str):
            q(value, word)
            written = value
        else:
            written = _written(word, float(checked(word, value)))
        return f'{name} = "{written}"'
    if name == "group":
        return f"{name} = {json.dumps(str(value), ensure_ascii=False)}"
    _value("remember", name, value)
    if isinstance(value, bool):
        return f"{name} = {str(value).lower()}"
    if isinstance(value, str):
        return f"{name} = {json.dumps(value, ensure_ascii=False)}"
    if isinstance(value, dict):
        parts = (f"{key} = {json.dumps(x, ensure_ascii=False)}" for key, x in value.items())
        return f"{name} = {{{', '.join(parts)}}}"
    if name in _PLAIN:
        raise InputError(f"remember cannot write {name}; write it yourself: {_PLAIN[name][1]}")
    return f"{name} = {value}"


def _written(word: str, si: float) -> str:
    """A quantity in the unit people expect, exact when read again; else in SI."""
    number, unit = float(shown(word, si)), WORDS[word].shown
    if word == "thickness":  # of a pellet, not of a film
        number, unit = si * 1e3, "mm"
    for digits in (6, 12, 17):
        text = f"{number:.{digits}g} {unit}"
        if np.isclose(q(text, word), si, rtol=1e-12, atol=0):
            return text
    return f"{si!r} {WORDS[word].unit}"


def _merged(text: str, lines: dict[str, str]) -> str:
    """The text with lines replaced or added above its first table."""
    old = text.splitlines()
    top = next((k for k, line in enumerate(old) if line.lstrip().startswith("[")), len(old))
    head, tail = old[:top], old[top:]
    for name, line in lines.items():
        at = next((k for k, o in enumerate(head) if re.match(rf"\s*{name}\s*=", o)), None)
        if at is None:
            while head and not head[-1].strip():
                head.pop()
            head.append(line)
        else:
            head[at] = line
    gap = [""] if tail and head and head[-1].strip() else []
    return "\n".join([*head, *gap, *tail]).rstrip("\n") + "\n"
