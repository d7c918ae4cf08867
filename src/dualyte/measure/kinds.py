"""Which kind of measurement a file holds, told by its content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.circuit.spectrum import Spectrum
from dualyte.errors import DualyteError, InputError
from dualyte.measure.files.sidecar import facts
from dualyte.measure.result import KINDS, Evaluation, Tell, told_apart
from dualyte.vocabulary import known, q, shown

#: option: row of the vocabulary that its quantity is
OPTION_WORDS: Final[Mapping[str, str]] = {
    "angle": "angle", "area": "area", "area_spread": "area", "at": "temperature", "begin": "time",
    "compliance": "compliance", "density": "density", "depth_from": "length",
    "depth_to": "length", "diameter": "displacement", "end": "time", "foil_pressure": "pressure",
    "foil_resistance": "asr", "frame_compliance": "compliance", "gap": "length",
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
#: what people write beside files
_PASSED: Final = re.compile(
    r"((readme|licen[cs]e|notes?|truth|provenance)(\.(txt|md|rst))?|.*\.toml)", re.IGNORECASE
)
_BY_US: Final = "provenance.json"  #: what a folder of results holds, with the names of the others
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
            _check_type(kind, name, value, said.source)
            if found.setdefault(name, value) != value:
                raise InputError(
                    f"{said.source}: option {name} differs between files; evaluate them apart"
                )
    return found


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "bool": (bool,), "float": (int, float), "int": (int,), "str": (str,), "Path": (str,),
}  # fmt: skip


def _check_type(kind: str, name: str, value: Any, source: str) -> None:  # noqa: ANN401 (what TOML holds)
    """Refuse what a verb could not take, such as a text for a number."""
    told = str(signature(evaluator(kind)).parameters[name].annotation)
    wanted = [part for part in told.split(" | ") if part != "None"]
    if name in OPTION_WORDS or not all(part in _TYPES for part in wanted):
        return  # checked by its reader, or by the verb
    fits = {type_ for part in wanted for type_ in _TYPES[part]}
    if type(value) not in fits:
        words = {"bool": "true or false", "int": "a whole number", "float": "a number"}
        need = " or ".join(dict.fromkeys(words.get(part, "a text") for part in wanted))
        raise InputError(f"{source}: option {name} = {value!r}; it is {need}")


def recognise(path: str | Path) -> Recognised | None:
    """Tell the kind of measurement that a file holds, by its content, or None.

    A sidecar that says `kind = "xps"` is believed.

    Raises
    ------
    InputError
        If there is no such file, or its sidecar is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    if (told := facts(path).get("kind")) is not None:
        if told.value not in KINDS:
            raise InputError(
                f"{told.source}: kind is {told.value!r}; it is one of {', '.join(KINDS)}"
            )
        return Recognised(path=path, kind=told.value, form="as its sidecar says")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path.name} cannot be opened: {error.strerror}") from error
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
    if not any(_spaced(one) for one in found):
        return None
    return Recognised(path=path, kind="eis", form=f"impedance {path.suffix.lower()}")


def _spaced(spectrum: Spectrum) -> bool:
    """Whether frequencies are spaced by a factor, as any three columns of numbers are not.

    Columns that no heading names must be so more evenly.
    """
    steps = np.diff(np.log(np.unique(spectrum.frequency)))
    unnamed = any("without headings" in said for said in spectrum.changes)
    uneven = 0.3 if unnamed else 1.0
    return bool(steps.size and steps.sum() > np.log(10) and steps.std() < uneven * steps.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Files of a folder by the kind of measurement they hold."""

    kinds: dict[str, tuple[Path, ...]]  #: in the order of `KINDS`
    unknown: tuple[str, ...]  #: files passed over, with the reason


def sort_files(
    paths: Iterable[str | Path], *, raise_errors: bool = False, progress: Tell | None = None
) -> Sorted:
    """Sort files, and those of folders below, by the kind of measurement they hold.

    Hidden files, and results that an earlier run wrote into a folder, are passed over; a file
    named twice is one.

    Parameters
    ----------
    paths
        Files and folders.
    raise_errors
        Whether a file whose sidecar is wrong raises; else it is passed over, and that is said.
    progress
        Told how many files are sorted, of how many.

    Raises
    ------
    InputError
        If a path does not exist.
    """
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    unknown: list[str] = []
    listed = [path for path in _inside(paths) if not _PASSED.fullmatch(path.name)]
    for k, (path, name) in enumerate(zip(listed, told_apart(listed), strict=True)):
        try:
            known = recognise(path)
        except DualyteError as error:
            if raise_errors:
                raise
            unknown.append(f"{name}: {error}")
        else:
            if known is None:
                unknown.append(f"{name}: no kind of measurement that is known")
            else:
                found[known.kind].append(path)
        if progress is not None:
            progress(k + 1, len(listed))
    return Sorted(
        kinds={kind: tuple(files) for kind, files in found.items() if files},
        unknown=tuple(unknown),
    )


def _inside(paths: Iterable[str | Path]) -> list[Path]:
    """Files, and those of folders that are neither hidden nor results of ours; each once."""
    listed: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            ours = {p for known in inside if known.name == _BY_US for p in _written(known)}
            hidden = (".", "~")
            listed += [
                p for p in inside
                if p not in ours
                and not any(part.startswith(hidden) for part in p.relative_to(path).parts)
            ]  # fmt: skip
        elif path.is_file():
            listed.append(path)
        else:
            raise InputError(f"no file or folder {str(path)!r}")
    return _once(listed)


def _written(provenance: Path) -> list[Path]:
    """The files that a run of ours says it wrote, and what says so."""
    try:
        names = json.loads(provenance.read_text(encoding="utf-8"))["files_written"]
        return [provenance, *(provenance.parent / str(name) for name in names)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _once(paths: Iterable[Path]) -> list[Path]:
    """Every file once: one counted twice would look like a replicate."""
    return list({path.resolve(): path for path in reversed(list(paths))}.values())[::-1]


def files_of(kind: str, paths: Sequence[str | Path]) -> list[Path]:
    """Files named, those matching patterns, and those of one kind in folders; each once.

    Raises
    ------
    InputError
        If nothing is there, or a sidecar in a folder is wrong.
    """
    listed: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            listed += sort_files([path], raise_errors=True).kinds.get(kind, ())
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
    return _once(listed)
