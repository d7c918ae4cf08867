"""Which kind of measurement a file holds, told by its content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import DualyteError, InputError
from dualyte.measure.files.sidecar import facts
from dualyte.measure.result import KINDS, Evaluation
from dualyte.vocabulary import known, q, shown

#: option: row of the vocabulary that its quantity is
OPTION_WORDS: Final[Mapping[str, str]] = {
    "angle": "angle", "area": "area", "area_spread": "area", "at": "temperature", "begin": "time",
    "compliance": "compliance", "density": "density", "depth_from": "length",
    "depth_to": "length", "diameter": "displacement", "end": "time", "foil_pressure": "pressure",
    "foil_resistance": "resistance", "frame_compliance": "compliance", "gap": "length",
    "heckel_high": "pressure", "heckel_low": "pressure", "high": "binding_energy",
    "interval": "time", "large": "length", "low": "binding_energy", "mass": "mass",
    "photon_energy": "binding_energy", "pixel": "pixel", "pressure": "pressure",
    "reach": "length", "size": "displacement", "smallest": "length", "temperature": "temperature",
    "thickness": "displacement", "thickness_spread": "displacement",
    "tip_modulus": "youngs_modulus", "unloaded_to": "pressure", "wavelength": "wavelength",
    "zero": "force",
}  # fmt: skip
_OR_TEXT: Final = frozenset({"frame_compliance"})  #: a quantity, or a word such as fit
_HEAD: Final = 65_536  # bytes that tell a format
#: kinds in the order in which they are asked: those with marks of their own first
_ORDER: Final = (
    "xps", "indentation", "section", "topography", "cycling", "growth", "conductivity",
    "compression", "phases",
)  # fmt: skip
_PASSED: Final = re.compile(r"(readme|licen[cs]e|notes?|truth|provenance)\b.*", re.IGNORECASE)
_LARGEST_TABLE: Final = 50_000_000  # bytes of a file that is tried as a spectrum


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A file and what it holds."""

    path: Path
    kind: str
    form: str  #: format, such as "VAMAS"


def evaluator(kind: str) -> Callable[..., Evaluation]:
    """`measure_KIND` of a kind other than impedance spectra."""
    home = import_module(f"dualyte.measure.{kind}")
    found: Callable[..., Evaluation] = getattr(home, f"measure_{kind}")
    return found


@cache
def option_names(kind: str) -> tuple[str, ...]:
    """Names of the options of `measure_KIND`."""
    if kind == "eis":
        return ()
    general = {"paths", "raise_errors", "progress"}
    return tuple(name for name in signature(evaluator(kind)).parameters if name not in general)


def si_options(given: Mapping[str, Any], *, told: str = "{}") -> dict[str, Any]:
    """Options as people write them, as the arguments of a verb.

    Parameters
    ----------
    given
        Quantities as texts with a unit; others as they are.
    told
        How messages call an option.

    Raises
    ------
    InputError
        If a quantity cannot be read or has no unit.
    """
    asked: dict[str, Any] = {}
    for name, value in given.items():
        try:
            word = OPTION_WORDS.get(name)
            if name in _OR_TEXT and not any(c.isdigit() for c in str(value)):
                word = None
            if name == "area_function":
                asked[name] = _numbers(value)
                continue
            asked[name] = value if word is None else q(str(value), word)
        except InputError as error:
            raise InputError(f"{told.format(name.replace('_', '-'))}: {error}") from None
    return asked


def _numbers(value: Any) -> tuple[float, ...]:  # noqa: ANN401 (a text, or what TOML holds)
    """Numbers with commas between them, or a list."""
    parts = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        raise InputError(f"{value!r} is no list of numbers such as '24.5,396'") from None


def option_text(name: str, value: Any) -> Any:  # noqa: ANN401 (whatever an option is)
    """An argument of a verb as people write it in a sidecar."""
    if name not in OPTION_WORDS:
        return value
    word = OPTION_WORDS[name]
    return f"{float(shown(word, value)):.10g} {known(word).shown}"


def options_beside(kind: str, paths: Sequence[Path]) -> dict[str, Any]:
    """Options that the sidecars of files give, as the arguments of `measure_KIND`.

    Those of other kinds, in the sidecar of a folder, are passed over.

    Raises
    ------
    InputError
        If no kind has such an option, or files disagree.
    """
    found: dict[str, Any] = {}
    for path in paths:
        said = facts(path).get("options") if path.is_file() else None
        if said is None:
            continue
        for name, value in si_options(said.value, told=f"{said.source}, {{}}").items():
            if name not in option_names(kind):
                if not any(name in option_names(other) for other in KINDS):
                    names = ", ".join(option_names(kind))
                    raise InputError(f"{said.source}: no option {name!r}; {kind} has {names}")
                continue
            if found.setdefault(name, value) != value:
                raise InputError(
                    f"{said.source}: option {name} differs between files; evaluate them apart"
                )
    return found


def recognise(path: str | Path) -> Recognised | None:
    """Tell the kind of measurement that a file holds, by its content, or None.

    A sidecar that says `kind = "xps"` is believed.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    with suppress(DualyteError):
        told = facts(path)
        if "kind" in told:
            kind = str(told["kind"].value)
            if kind not in KINDS:
                raise InputError(
                    f"{told['kind'].source}: kind is {kind!r}; it is one of {', '.join(KINDS)}"
                )
            return Recognised(path=path, kind=kind, form="as its sidecar says")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return None
    if (held := _biologic(path, head)) is not None:
        return held
    for kind in _ORDER:
        looks: Callable[[Path, bytes], str | None] = _looks(kind)
        if (form := looks(path, head)) is not None:
            return Recognised(path=path, kind=kind, form=form)
    return _spectrum(path)


def _looks(kind: str) -> Any:  # noqa: ANN401 (a function of a module)
    home = "files.cyclers" if kind == "cycling" else kind
    return import_module(f"dualyte.measure.{home}").looks_like


def _biologic(path: Path, head: bytes) -> Recognised | None:
    """Bio-Logic files hold cycling or impedance, by their columns."""
    from dualyte.measure.files.biologic import holds, looks_like

    form = looks_like(path, head)
    if form is None:
        return None
    kinds = holds(path)
    if not kinds:
        return None
    return Recognised(path=path, kind="eis" if kinds == {"eis"} else sorted(kinds)[0], form=form)


def _spectrum(path: Path) -> Recognised | None:
    """A file that can be read as a spectrum is one."""
    from dualyte.measure.files import read_spectra
    from dualyte.measure.files.formats import READERS

    if path.suffix.lower() not in READERS or path.stat().st_size > _LARGEST_TABLE:
        return None
    try:
        found = read_spectra(path)
    except DualyteError:
        return None
    # any three columns of numbers could be a spectrum: its frequencies are spaced by a factor
    steps = [np.diff(np.log(np.unique(s.frequency))) for s in found]
    if not any(d.size and d.sum() > np.log(10) and d.std() < d.mean() for d in steps):
        return None
    return Recognised(path=path, kind="eis", form=f"impedance {path.suffix.lower()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Files of a folder by the kind of measurement they hold."""

    kinds: dict[str, tuple[Path, ...]]  #: in the order of `KINDS`
    forms: dict[str, str]  #: name of a file: its format
    unknown: tuple[str, ...]  #: files passed over, with the reason


def sort_files(paths: Iterable[str | Path]) -> Sorted:
    """Sort files, and those of folders below, by the kind of measurement they hold.

    Parameters
    ----------
    paths
        Files and folders.

    Raises
    ------
    InputError
        If a path does not exist.
    """
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    forms: dict[str, str] = {}
    unknown: list[str] = []
    for path in _inside(paths):
        if _PASSED.fullmatch(path.name) or path.suffix.lower() == ".toml":
            continue
        known = recognise(path)
        if known is None:
            unknown.append(f"{path.name}: no kind of measurement that is known")
            continue
        found[known.kind].append(path)
        forms[path.name] = known.form
    return Sorted(
        kinds={kind: tuple(files) for kind, files in found.items() if files},
        forms=forms,
        unknown=tuple(unknown),
    )


def _inside(paths: Iterable[str | Path]) -> list[Path]:
    listed: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            hidden = [p for p in inside if any(x.startswith((".", "~")) for x in p.parts[-2:])]
            listed += [p for p in inside if p not in set(hidden)]
        elif path.is_file():
            listed.append(path)
        else:
            raise InputError(f"no file or folder {str(path)!r}")
    return listed


def files_of(kind: str, paths: Sequence[str | Path]) -> list[Path]:
    """Files named, those matching patterns, and those of one kind in folders.

    Raises
    ------
    InputError
        If nothing is there.
    """
    listed: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            listed += sort_files([path]).kinds.get(kind, ())
        elif any(mark in str(given) for mark in "*?[") and not path.exists():
            parent = Path(path.anchor) if path.is_absolute() else Path()
            pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
            matched = sorted(p for p in parent.glob(pattern) if p.is_file())
            if not matched:
                raise InputError(f"no file matches {str(given)!r}")
            listed += [p for p in matched if p.suffix.lower() != ".toml"]
        elif path.is_file():
            listed.append(path)
        else:
            raise InputError(f"no file {str(given)!r}")
    if not listed:
        raise InputError(
            f"none of the files of {', '.join(map(str, paths))} holds a measurement of {kind}; "
            "name the files themselves to have them read as such"
        )
    return listed
