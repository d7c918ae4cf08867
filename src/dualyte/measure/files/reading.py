"""Reads impedance files into spectra, with what is known of each, and says what it changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dualyte.circuit.spectrum import Spectrum, average
from dualyte.errors import InputError, MissingExtraError
from dualyte.measure.files.formats import NOTES, READERS, read_sheets
from dualyte.measure.files.names import pressures, temperatures, without_replicate
from dualyte.measure.files.sidecar import Fact, facts
from dualyte.measure.files.sweeps import Sweep, sweeps
from dualyte.measure.files.table import NoTableError
from dualyte.vocabulary import checked, show

#: fact: how far two sources may differ and still agree (absolute, relative)
_AGREE: Final = {
    "temperature": (0.51, 0.0), "pressure": (0.0, 0.01), "area": (0.0, 0.01),
    "thickness": (0.0, 0.01), "interfaces": (0.0, 0.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A file that could not be read, and why."""

    file: str
    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Spectra of one or many files, and what became of the others.

    It is a sequence of its spectra: `len(reading)`, `reading[0]`, `for s in reading`.
    """

    spectra: tuple[Spectrum, ...]
    failures: tuple[Failure, ...] = ()  #: files that hold no good spectrum
    skipped: tuple[Failure, ...] = ()  #: texts of a folder that hold no table, such as notes

    def __len__(self) -> int:
        return len(self.spectra)

    def __iter__(self) -> Iterator[Spectrum]:
        return iter(self.spectra)

    def __getitem__(self, which: int) -> Spectrum:
        return self.spectra[which]

    def __str__(self) -> str:
        lines = [str(spectrum) for spectrum in self.spectra]
        lines += [f"not read: {failure.why}" for failure in self.failures]
        lines += [f"passed over: {failure.why}" for failure in self.skipped]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What the caller says of all files."""

    facts: dict[str, Any]
    lowest: float | None
    highest: float | None


def read_spectra(
    paths: str | Path | Iterable[str | Path],
    *,
    area: float | None = None,
    thickness: float | None = None,
    temperature: float | None = None,
    pressure: float | None = None,
    interfaces: int | None = None,
    average: bool = False,
    lowest: float | None = None,
    highest: float | None = None,
    raise_errors: bool = True,
) -> Reading:
    """Read impedance spectra from instrument files, exports and tables.

    Columns are found by name, in whatever order and unit; loops and several spectra of one
    file are kept apart. Suffixes: .mpr .mpt (Bio-Logic), .dta (Gamry), .z (ZPlot), .ism
    (Zahner), .par (VersaStudio), .ids .idf (Ivium), .pssession (PalmSens), .dfr .p00
    (Autolab), .i2b (Elchemea), .xlsx, and .txt .csv .dat .tsv .asc for text exports (CH
    Instruments, Parstat, RelaxIS, EC-Lab, and tables with or without headings).

    Facts come, in this order, from the arguments, a sidecar in TOML (see `remember`), the
    head or a column of the file, the title of a spectrum in the file, and the file's name
    (`cell1_-40C_55MPa.csv`); where two contradict each other, `changes` says so.

    The sign of Im is that of the instrument's format or of a heading such as -Im(Z). Other
    tables have it turned round if most points would be inductive, unless the real part
    rises with frequency as it must when they are (Kronig relation).

    Parameters
    ----------
    paths
        Files, folders (every file whose suffix is known), patterns with `*`, or several.
    area, thickness, temperature, pressure
        Electrode area [m²], electrolyte thickness [m], temperature [K], stack pressure [Pa]
        of all files.
    interfaces
        Hetero-electrolyte interfaces in series in the cell; 1 if nothing says otherwise.
    average
        Average replicates: the loops of a file, files whose names differ by a replicate
        number only (`cell_25C_rep1`, `cell_25C_rep2`), and files of one `group` in a sidecar.
    lowest, highest
        Frequencies [Hz] beyond which points are masked.
    raise_errors
        Whether the first bad file raises; otherwise it is listed in `failures` and costs
        only itself.

    Returns
    -------
    Reading
        Spectra in the order of the paths (a folder: by name), failures and skipped notes.

    Raises
    ------
    InputError
        If a path does not exist, no file is given, or (with `raise_errors`) a file cannot
        be read; the message names the file, the line or field, and the fix.
    MissingExtraError
        If a format needs a package that is not installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> rows = ["freq/Hz;-Im(Z)/kOhm;Re(Z)/kOhm"]
    >>> rows += [f"{10**k};0,5;{1 + k / 10:.1f}".replace(".", ",") for k in range(6)]
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "cell_25C_55MPa.csv").write_text(chr(10).join(rows))
    ...     spectrum = read_spectra(folder)[0]
    >>> print(spectrum)
    cell_25C_55MPa: 6 points, 1e+05 … 1 Hz, 25 degC, 55 MPa
    >>> complex(spectrum.z[-1]), spectrum.changes[0]
    ((1000-500j), 'read decimal commas')
    """
    said = {"area": area, "thickness": thickness, "temperature": temperature}
    given = {k: float(checked(k, v)) for k, v in (said | {"pressure": pressure}).items()
             if v is not None}  # fmt: skip
    if interfaces is not None:
        if interfaces < 1:
            raise InputError(f"interfaces={interfaces}; a cell has 1 or more")
        given["interfaces"] = interfaces
    asked = _Given(facts=given, lowest=lowest, highest=highest)
    spectra: list[Spectrum] = []
    keys: list[tuple[str, ...]] = []
    failures: list[Failure] = []
    skipped: list[Failure] = []
    for path, from_folder in _files(paths):
        try:
            new = _spectra(path, asked)
        except (InputError, MissingExtraError) as error:
            note = path.suffix.lower() in NOTES or raise_errors  # a .csv is a row of a batch
            if from_folder and note and isinstance(error, NoTableError):
                skipped.append(Failure(file=str(path), why=str(error)))
                continue
            if raise_errors:
                raise
            failures.append(Failure(file=str(path), why=str(error)))
            continue
        spectra += [spectrum for spectrum, _ in new]
        keys += [key for _, key in new]
    if not spectra and not failures:
        why = skipped[0].why if len(skipped) == 1 else "none of the files holds a spectrum"
        raise InputError(why)
    if average:
        spectra = _averaged(spectra, keys, failures, raise_errors)
    return Reading(
        spectra=tuple(_distinct(spectra)), failures=tuple(failures), skipped=tuple(skipped)
    )


# ---------------------------------------------------------------- paths


def _files(paths: str | Path | Iterable[str | Path]) -> list[tuple[Path, bool]]:
    """Files in order, and whether a folder brought them."""
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not several:
        raise InputError("no file is given; give files, a folder, or a pattern such as data/*.mpr")
    found: dict[Path, bool] = {}
    for given in several:
        path = Path(given)
        if path.is_dir():
            inside = _known(path.iterdir())
            if not inside:
                there = sorted({p.suffix or p.name for p in path.iterdir() if p.is_file()})
                raise InputError(
                    f"folder {path.name!r} holds no file that a reader knows (its suffixes: "
                    f"{', '.join(there) or 'none'}; known: {', '.join(sorted(READERS))})"
                )
            found |= {p: found.get(p, True) for p in inside}
        elif any(mark in str(given) for mark in "*?[") and not path.exists():
            parent = Path(path.anchor) if path.is_absolute() else Path()
            pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
            matched = _known(parent.glob(pattern))
            if not matched:
                raise InputError(f"no file that a reader knows matches {str(given)!r}")
            found |= {p: found.get(p, True) for p in matched}
        else:
            found[path] = False
    return list(found.items())


def _known(paths: Iterable[Path]) -> list[Path]:
    """Files of known suffix, in the order people count: -20C before 5C before 10C."""
    kept = [p for p in paths if p.suffix.lower() in READERS and p.is_file()]

    def counted(path: Path) -> list[tuple[int, float, str]]:
        parts = re.split(r"((?:(?<![A-Za-z0-9])-)?\d+)", str(path))
        return [
            (0, float(part), "") if part[-1:].isdigit() else (1, 0.0, part.lower())
            for part in parts
        ]

    return sorted((p for p in kept if not p.name.startswith((".", "~"))), key=counted)


# ---------------------------------------------------------------- one file


def _spectra(path: Path, asked: _Given) -> list[tuple[Spectrum, tuple[str, ...]]]:
    """Spectra of one file, each with what its replicates share."""
    beside = facts(path) if path.is_file() else {}
    found: list[Sweep] = []
    for sheet in read_sheets(path):
        area = asked.facts.get("area", beside["area"].value if "area" in beside else None)
        found += sweeps(path.name, sheet, area=area or sheet.facts.get("area"))
    titles = [sweep.title for sweep in found]
    made = []
    for k, sweep in enumerate(found):
        title = sweep.title if len(set(titles)) > 1 else ""
        loop = f"loop {titles[:k].count(sweep.title)}" if titles.count(sweep.title) > 1 else ""
        parts = [path.stem, title, loop]
        name = " ".join(part for part in parts if part)
        spectrum = _spectrum(path, replace(sweep, loop=k), beside, asked, name)
        made.append((spectrum, _shared(path, title, beside)))
    return made


def _spectrum(
    path: Path, sweep: Sweep, beside: dict[str, Fact], asked: _Given, name: str
) -> Spectrum:
    said = list(sweep.changes)
    known = {
        word: value
        for word in _AGREE
        if (value := _settled(word, path, sweep, beside, asked, said)) is not None
    }
    spectrum = Spectrum(
        frequency=sweep.frequency,
        z=sweep.z,
        time=sweep.time,
        name=name,
        file=str(path),
        loop=sweep.loop,
        **known,
    )
    limits = {"lowest": asked.lowest, "highest": asked.highest}
    for end, value in limits.items():
        if value is None and end in beside:
            limits[end] = beside[end].value
    low, high = limits["lowest"], limits["highest"]
    if low is not None or high is not None:
        spectrum = spectrum.between(low or 0.0, float("inf") if high is None else high)
        if masked := int((~spectrum.used).sum()):
            said.append(f"masked {masked} of {spectrum.used.size} points by frequency")
    return replace(spectrum, changes=tuple(said))


def _settled(
    word: str,
    path: Path,
    sweep: Sweep,
    beside: dict[str, Fact],
    asked: _Given,
    said: list[str],
) -> Any:  # noqa: ANN401 (a float, or a whole number of interfaces)
    """The most trusted value of a fact; says where it is from, and who contradicts it."""
    claims: list[tuple[str, Any]] = []
    if word in asked.facts:
        claims.append(("the argument", asked.facts[word]))
    if word in beside:
        claims.append((beside[word].source, beside[word].value))
    if word in sweep.facts:
        claims.append(("the file's head or column", sweep.facts[word]))
    if word in ("temperature", "pressure"):
        for source, name in (("the title in the file", sweep.title), ("the name", path.stem)):
            claims += [(source, value) for value in _named(word, source, name, said)]
    if not claims:
        return None
    source, value = claims[0]
    if source != "the argument":
        said.append(f"took the {word} {_shown(word, value)} from {source}")
    near, part = _AGREE[word]
    for other, differs in claims[1:]:
        if abs(differs - value) > max(near, part * abs(value)):
            said.append(
                f"{other} says {word} {_shown(word, differs)}, which {source} contradicts: "
                f"{_shown(word, value)}; kept that of {source}"
            )
    return value


def _named(word: str, source: str, name: str, said: list[str]) -> list[float]:
    """Temperature or pressure of a name, if it holds just one."""
    if word == "temperature":
        values, odd = temperatures(name)
        said += odd if source == "the name" else []
    else:
        values = pressures(name)
    if len(values) > 1:
        both = " and ".join(_shown(word, value) for value in values)
        said.append(f"took no {word} from {source}, which holds {both}; give {word}=")
        return []
    return values


def _shown(word: str, value: float) -> str:
    if word == "thickness":  # of a pellet, not of a film
        return f"{value * 1e3:.4g} mm"
    return str(value) if word == "interfaces" else show(word, value)


# ---------------------------------------------------------------- many spectra


def _shared(path: Path, title: str, beside: dict[str, Fact]) -> tuple[str, ...]:
    """What replicates have in common."""
    if "group" in beside:
        return (str(path.parent), "group", beside["group"].value)
    return (str(path.parent), without_replicate(path.stem), path.suffix.lower(), title)


def _averaged(
    spectra: Sequence[Spectrum],
    keys: Sequence[tuple[str, ...]],
    failures: list[Failure],
    raise_errors: bool,
) -> list[Spectrum]:
    """Means of replicates; a spectrum without any stays as it is."""
    together: dict[tuple[Any, ...], list[Spectrum]] = {}
    for spectrum, key in zip(spectra, keys, strict=True):
        same = (*key, spectrum.temperature, spectrum.pressure)
        together.setdefault(same, []).append(spectrum)
    result = []
    for same, members in together.items():
        if len(members) == 1:
            result += members
            continue
        try:
            result.append(_mean(members, str(same[2]) if same[1] == "group" else str(same[1])))
        except InputError as error:
            if raise_errors:
                raise
            failures.append(Failure(file=members[0].file, why=str(error)))
            result += members
    return result


def _mean(members: Sequence[Spectrum], name: str) -> Spectrum:
    for word in ("area", "thickness", "interfaces"):
        if len({getattr(member, word) for member in members}) > 1:
            raise InputError(
                f"{members[0].title} and {members[1].title} would be averaged, but their {word} "
                "differs; give them different groups in a sidecar"
            )
    mean = average(members, name=name)
    every = dict.fromkeys(sentence for member in members for sentence in member.changes)
    names = ", ".join(member.title for member in members)
    return replace(mean, loop=0, changes=(*every, f"mean of {len(members)} sweeps: {names}"))


def _distinct(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    """Give spectra of the same name different ones: with the suffix, the folder, a number."""

    def clashes(names: Sequence[str]) -> set[str]:
        return {name for name in names if names.count(name) > 1}

    names = [spectrum.name for spectrum in spectra]
    first = clashes(names)
    for step in (_with_suffix, _with_folder):
        again = clashes(names)
        names = [
            step(spectrum, name) if name in again else name
            for spectrum, name in zip(spectra, names, strict=True)
        ]
    result, seen = [], dict.fromkeys(names, 0)
    for spectrum, name in zip(spectra, names, strict=True):
        seen[name] += 1
        unique = name if names.count(name) == 1 else f"{name} ({seen[name]})"
        if spectrum.name in first:
            sentence = f"called it {unique!r}: another spectrum is also called {spectrum.name!r}"
            spectrum = replace(spectrum, name=unique, changes=(*spectrum.changes, sentence))
        result.append(spectrum)
    return result


def _with_suffix(spectrum: Spectrum, name: str) -> str:
    path = Path(spectrum.file)
    return name.replace(path.stem, path.name, 1) if name.startswith(path.stem) else name


def _with_folder(spectrum: Spectrum, name: str) -> str:
    folder = Path(spectrum.file).parent.name
    return f"{folder}/{name}" if folder else name
