"""Spectra evaluated one by one, and as a series: what `dualyte measure eis` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse, write
from dualyte.errors import InputError
from dualyte.material import Material, Value
from dualyte.measure.eis import Fit, compare_circuits, fit_spectra, fit_spectrum, profile
from dualyte.measure.eis.model import Weighting
from dualyte.measure.files import Reading, remember
from dualyte.measure.files.formats import READERS
from dualyte.measure.files.sidecar import facts as told
from dualyte.measure.joint import JointFit, fit_joint, judge_mechanism
from dualyte.measure.joint.mechanism import Verdict
from dualyte.measure.kramers import Check, check_spectrum
from dualyte.report.activation import Activation, activations
from dualyte.report.numbers import named, unread

_PROBES: Final = 5  # spectra of a series that a circuit is chosen on
_NEAR: Final = 4.0  # ratio of frequencies below which two arcs overlap
_LOOSE: Final = 0.5  # spread of ln R beyond which a spectrum does not settle it
_EXACT: Final = 1e-4  # relative spread of a fixed number in a joint fit
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One spectrum, or a file that held none."""

    name: str  #: key in tables and JSON
    spectrum: Spectrum | None = None
    fit: Fit | None = None
    check: Check | None = None
    profiles: Mapping[str, tuple[float, float]] = field(default_factory=dict)  #: SI, as results
    failed: str = ""  #: why there is no fit
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """What spectra say, one by one and together."""

    rows: tuple[Row, ...]
    fixed: Mapping[str, float] = field(default_factory=dict)  #: SI, of the cell
    joint: JointFit | None = None
    mechanism: Mapping[str, Verdict] = field(default_factory=dict)
    activations: tuple[Activation, ...] = ()
    flags: tuple[str, ...] = ()  #: of the series
    options: Mapping[str, Any] = field(default_factory=dict)  #: how it was made

    @property
    def fits(self) -> tuple[Fit, ...]:
        """Fits of single spectra."""
        return tuple(row.fit for row in self.rows if row.fit is not None)


def evaluate(
    reading: Reading,
    circuit: str = "auto",
    *,
    weighting: Weighting = "modulus",
    fixed: Mapping[str, float] | None = None,
    tied: Sequence[Sequence[str]] = (),
    profiles: bool = False,
    seed: int = 0,
    workers: int | None = None,
    progress: Tell | None = None,
) -> Measurement:
    """Test and fit every spectrum by itself.

    Parameters
    ----------
    reading
        What `read_spectra` found; files that failed become rows.
    circuit
        A circuit string, or `auto`: then each file chooses its own, and a series over
        temperature or pressure one for all.
    weighting, fixed, tied, seed, workers, progress
        As for `fit_spectra`.
    profiles
        Whether to compute the profile interval of every resistance of an arc.

    Returns
    -------
    Measurement
        One row for each spectrum and for each file that could not be read.

    Raises
    ------
    InputError
        If the circuit, a name or a fixed value is wrong.
    """
    spectra = list(reading.spectra)
    names = named(spectra)
    rows = [Row(name=name, spectrum=s) for name, s in zip(names, spectra, strict=True)]
    if circuit != "auto":
        parse(circuit)  # a wrong circuit is no failure of the spectra
    refused = _refused(spectra, weighting)
    good = [k for k in range(len(spectra)) if k not in refused]
    found = _fitted(
        [spectra[k] for k in good], circuit, progress=progress, workers=workers,
        weighting=weighting, fixed=fixed or {}, tied=tied, seed=seed,
    )  # fmt: skip
    for k, result in [*refused.items(), *zip(good, found, strict=True)]:
        rows[k] = (
            replace(rows[k], failed=result)
            if isinstance(result, str)
            else replace(rows[k], fit=result, profiles=_profiles(result) if profiles else {})
        )
    rows = [_checked(row) for row in rows]
    rows += [Row(name=name, failed=why) for name, why in unread(reading.failures, names)]
    options = {
        "circuit": circuit,
        "weighting": weighting,
        "fixed": dict(fixed or {}),
        "tied": [list(group) for group in tied],
        "seed": seed,
    }
    return Measurement(rows=tuple(rows), fixed=fixed or {}, options=options)


def _refused(spectra: Sequence[Spectrum], weighting: Weighting) -> dict[int, str]:
    """Spectra that cannot be weighted as asked: they cost only themselves."""
    if weighting != "spread":
        return {}
    return {
        k: f"{s.title}: weighting by spread needs replicates; give them with --average, or "
        "weight by modulus"
        for k, s in enumerate(spectra)
        if s.spread is None or not (s.spread > 0).all()
    }


def _fitted(
    spectra: Sequence[Spectrum],
    circuit: str,
    *,
    workers: int | None,
    progress: Tell | None,
    **how: Any,  # noqa: ANN401 (options of fit_spectra)
) -> list[Fit | str]:
    """Fit of every spectrum, or why there is none."""
    if not spectra:
        return []
    if circuit == "auto":
        if how["fixed"] or how["tied"]:
            raise InputError("--fix and --tie name parameters: give the circuit, not auto")
        if not _is_series(spectra):
            return _own_circuits(spectra, workers, progress, how)
        circuit = _shared_circuit(spectra, how["weighting"])
    batch = fit_spectra(spectra, circuit, workers=workers, progress=progress, **how)
    return [row if isinstance(row, Fit) else row.why for row in batch]


def _is_series(spectra: Sequence[Spectrum]) -> bool:
    """Whether temperature or pressure varies over the spectra."""
    for name in ("temperature", "pressure"):
        values = [getattr(s, name) for s in spectra]
        if None not in values and len({round(v, 3) for v in values}) > 1:
            return True
    return False


def _own_circuits(
    spectra: Sequence[Spectrum],
    workers: int | None,
    progress: Tell | None,
    how: Mapping[str, Any],
) -> list[Fit | str]:
    """Let every file choose its circuit; the sweeps of one share it."""
    files: dict[str, list[int]] = {}
    for k, spectrum in enumerate(spectra):
        files.setdefault(spectrum.file or f"#{k}", []).append(k)
    done = 0

    def choose(which: Sequence[int]) -> list[Fit | str]:
        nonlocal done
        here = [spectra[k] for k in which]
        found: list[Fit | str]
        try:
            if len(here) == 1:
                found = [
                    fit_spectrum(here[0], "auto", weighting=how["weighting"], seed=how["seed"])
                ]
            else:
                batch = fit_spectra(here, _shared_circuit(here, how["weighting"]), **how)
                found = [row if isinstance(row, Fit) else row.why for row in batch]
        except InputError as error:
            found = [str(error)] * len(here)
        done += len(here)
        if progress is not None:
            progress(done, len(spectra))
        return found

    result: dict[int, Fit | str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for which, found in zip(files.values(), pool.map(choose, files.values()), strict=True):
            result |= dict(zip(which, found, strict=True))
    return [result[k] for k in range(len(spectra))]


def _shared_circuit(spectra: Sequence[Spectrum], weighting: Weighting) -> str:
    """Circuit for a whole series: that with the least sum of BIC over a few of its spectra."""
    which = np.unique(np.linspace(0, len(spectra) - 1, _PROBES).round().astype(int))
    probes = [spectra[k] for k in which]
    chosen: dict[str, None] = {}
    for spectrum in probes:
        try:
            chosen[write(fit_spectrum(spectrum, "auto", weighting=weighting).model.circuit)] = None
        except InputError as error:
            last = error
    if not chosen:
        raise last
    total = dict.fromkeys(chosen, 0.0)
    for spectrum in probes:
        for fit in compare_circuits(spectrum, list(chosen), weighting=weighting).fits:
            total[write(fit.model.circuit)] += fit.bic
    return min(total, key=lambda text: total[text])


def _profiles(fit: Fit) -> dict[str, tuple[float, float]]:
    """Profile interval of every free resistance of an arc."""
    names = [arc.R for arc in fit.estimate.arcs if arc.R in fit.model.free]
    return {name: profile(fit, name) for name in names}


def _checked(row: Row) -> Row:
    """Add the Kramers–Kronig test, or why there is none, and the flags."""
    if row.spectrum is None:
        return row
    flags = _repeated(row.spectrum)
    check = None
    try:
        check = check_spectrum(row.spectrum)
        flags += [f"Kramers–Kronig test: {sentence}" for sentence in check.flags]
    except InputError as error:
        flags.append(f"no Kramers–Kronig test: {error}")
    own = row.fit.flags if row.fit is not None else row.spectrum.changes
    return replace(row, check=check, flags=(*own, *flags))


def _repeated(spectrum: Spectrum) -> list[str]:
    """Say where frequencies come more than once."""
    f, count = np.unique(spectrum.frequency, return_counts=True)
    if (twice := f[count > 1][::-1]).size == 0:
        return []
    named = ", ".join(f"{x:.4g}" for x in twice[:4]) + (", …" if twice.size > 4 else "")
    return [f"{twice.size} of {f.size} frequencies come more than once ({named} Hz): all are used"]


def overlapping(fit: Fit) -> bool:
    """Whether two arcs of a fit peak close to each other, or one is not settled."""
    arcs = fit.estimate.arcs
    f = np.sort([-fit.estimate.time_constant(arc)[0] for arc in arcs])
    if (np.diff(f) < np.log(_NEAR)).any():
        return True
    values = [fit.values[arc.R] for arc in arcs]
    return any(v.law == "log-normal" and v.spread > _LOOSE for v in values)


def over_temperature(found: Measurement) -> Measurement:
    """Add the activation energy of every arc, where there are three temperatures or more."""
    made = activations(found.fits)
    flags = list(found.flags)
    overlap = [row for row in found.rows if row.fit is not None and overlapping(row.fit)]
    spectra = [fit.spectrum for fit in found.fits]
    if overlap and len(spectra) > 1 and _is_series(spectra):
        flags.append(
            f"arcs overlap or are not settled in {len(overlap)} of {len(spectra)} spectra: fit "
            "the series as one with --joint, which separates them by how they move"
        )
    return replace(found, activations=made, flags=tuple(flags))


def join(
    found: Measurement,
    circuit: str = "auto",
    *,
    layers: Mapping[int, Material] | None = None,
    seed: int = 0,
    progress: Tell | None = None,
) -> Measurement:
    """Add a joint fit of all spectra, with the mechanism of every arc.

    Parameters
    ----------
    found
        What `evaluate` found.
    circuit
        As for `evaluate`; `auto` is what it chose.
    layers
        Materials in contact, the soft one as 1 and the hard one as 2, for the mechanism.
    seed, progress
        As for `fit_joint`.

    Raises
    ------
    InputError
        If nothing varies, conditions are missing, or the spectra are of different cells.
    """
    fits = found.fits
    if len(fits) < 2:
        raise InputError(
            f"--joint needs several spectra at different temperatures or pressures; "
            f"{'only one' if fits else 'none'} of the files gave one that can be fitted"
        )
    if circuit == "auto":
        circuit = max((write(fit.model.circuit) for fit in fits), key=len)
    options = found.options
    known, flags = _known(found)
    joint = fit_joint(
        [fit.spectrum for fit in fits], circuit, weighting=options.get("weighting", "modulus"),
        known=known, seed=seed, progress=progress,
    )  # fmt: skip
    left = [row.name for row in found.rows if row.fit is None]
    if left:
        flags.append(f"left out of the joint fit: {', '.join(left)}")
    bad = [r.name for r in found.rows if r.check is not None and r.check.verdict == "fail"]
    if bad:
        flags.append(f"fail the Kramers–Kronig test but are in the joint fit: {', '.join(bad)}")
    verdicts = judge_mechanism(joint, layers=_energies(layers))
    return replace(found, joint=joint, mechanism=verdicts, flags=(*found.flags, *flags))


def _known(found: Measurement) -> tuple[dict[str, Value], list[str]]:
    """Fixed numbers as knowledge of a joint fit, and what it cannot take over."""
    known, flags = {}, []
    for name, si in found.fixed.items():
        if si <= 0:
            raise InputError(
                f"{name} is fixed at 0, but a joint fit works on logarithms; leave {name} out of "
                "the circuit"
            )
        known[name] = Value(
            quantity="ratio", si=si, spread=_EXACT, law="log-normal", kind="assumed",
            source="user", where="--fix",
        )  # fmt: skip
        flags.append(f"{name} is held at its fixed value (at 25 °C) in the joint fit, too")
    if found.options.get("tied"):
        flags.append("tied parameters are tied in the single fits, not in the joint fit")
    return known, flags


def _energies(layers: Mapping[int, Material] | None) -> dict[int, tuple[str, Value]] | None:
    """Name and activation energy of conduction of the layers in contact."""
    if not layers:
        return None
    return {
        place: (material.name, material["activation_energy"]) for place, material in layers.items()
    }


def remembered(
    files: Sequence[str | Path], spectra: Sequence[Spectrum], **facts: float | None
) -> list[str]:
    """Remember facts beside the files that were given, and say where that fails.

    A folder that was given, or all of whose files were, gets one sidecar; other files get one
    each.
    """
    given = {name: value for name, value in facts.items() if value is not None}
    flags: dict[str, None] = {}
    for place in _places(files, spectra) if given else ():
        try:
            known = {} if place.is_dir() else {n: f.value for n, f in told(place).items()}
            if any(known.get(name) != value for name, value in given.items()):
                remember(place, **given)
        except OSError:
            where = place if place.is_dir() else place.parent
            flags[
                f"{', '.join(given)} could not be remembered: folder {str(where)!r} cannot be "
                "written to"
            ] = None
    return list(flags)


def _places(files: Sequence[str | Path], spectra: Sequence[Spectrum]) -> list[Path]:
    """Folders and files whose sidecars hold what was said of all these spectra."""
    found = dict.fromkeys(path for path in map(Path, files) if path.is_dir())
    paths = dict.fromkeys(Path(s.file) for s in spectra if s.file)
    for folder in dict.fromkeys(path.parent for path in paths):
        here = [path for path in paths if path.parent == folder]
        every = {p.name for p in folder.iterdir() if p.suffix.lower() in READERS}
        whole = len(here) > 1 and every == {p.name for p in here}
        if folder not in found:
            found |= {folder: None} if whole else dict.fromkeys(here)
    return list(found)
