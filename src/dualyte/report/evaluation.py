"""Spectra evaluated one by one, and as a series: what `dualyte measure eis` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import write
from dualyte.errors import InputError
from dualyte.material import Material, Value
from dualyte.measure.eis import Fit, profile
from dualyte.measure.eis.model import Weighting
from dualyte.measure.files import Reading, remember
from dualyte.measure.files.formats import READERS
from dualyte.measure.files.sidecar import facts as told
from dualyte.measure.joint import JointFit, compare_joint, fit_joint, judge_mechanism
from dualyte.measure.joint.mechanism import Verdict
from dualyte.measure.kramers import Check, check_spectrum
from dualyte.report.activation import Activation, activations
from dualyte.report.circuits import AUTO, Tell, Told, fit_all, is_series, names_of, undecided
from dualyte.report.numbers import named, unread

_NEAR: Final = 4.0  # ratio of frequencies below which two arcs overlap
_LOOSE: Final = 0.5  # spread of ln R beyond which a spectrum does not settle it
_EXACT: Final = 1e-4  # relative spread of a fixed number in a joint fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One spectrum, or a file that held none."""

    name: str  #: key in tables and JSON
    spectrum: Spectrum | None = None
    fit: Fit | None = None
    check: Check | None = None
    profiles: Mapping[str, tuple[float, float]] = field(default_factory=dict)  #: SI, as results
    comparison: Told = field(default_factory=list)  #: of the circuits, where several were given
    failed: str = ""  #: why there is no fit
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """What spectra say, one by one and together."""

    rows: tuple[Row, ...]
    fixed: Mapping[str, float] = field(default_factory=dict)  #: SI, of the cell
    comparison: Told = field(default_factory=list)  #: of circuits over all single fits of a series
    joint: JointFit | None = None
    joint_comparison: Told = field(default_factory=list)  #: of circuits by joint fits
    mechanism: Mapping[str, Verdict] = field(default_factory=dict)
    activations: tuple[Activation, ...] = ()
    flags: tuple[str, ...] = ()  #: of the series
    options: Mapping[str, Any] = field(default_factory=dict)  #: how it was made
    stopped: bool = False  #: by Ctrl-C, before all were fitted

    @property
    def fits(self) -> tuple[Fit, ...]:
        """Fits of single spectra."""
        return tuple(row.fit for row in self.rows if row.fit is not None)


def evaluate(
    reading: Reading,
    circuit: str | Sequence[str] = AUTO,
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
        temperature or pressure one for all. Several are compared by BIC likewise.
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
    circuits = names_of(circuit)
    found = fit_all(
        spectra, circuits, progress=progress, workers=workers, weighting=weighting,
        fixed=fixed or {}, tied=tied, seed=seed,
    )  # fmt: skip
    for k, result in enumerate(found.rows):
        rows[k] = replace(
            rows[k],
            comparison=found.comparisons.get(k, []),
            **(
                {"failed": result}
                if isinstance(result, str)
                else {"fit": result, "profiles": _profiles(result) if profiles else {}}
            ),
        )
    rows = [_checked(row, alone=not found.together) for row in rows]
    rows += [Row(name=name, failed=why) for name, why in unread(reading.failures, names)]
    options = {
        "circuit": circuits[0] if len(circuits) == 1 else list(circuits),
        "weighting": weighting,
        "fixed": dict(fixed or {}),
        "tied": [list(group) for group in tied],
        "seed": seed,
    }
    return Measurement(
        rows=tuple(rows), fixed=fixed or {}, options=options, comparison=found.together,
        flags=tuple(undecided(found.together)), stopped=found.stopped,
    )  # fmt: skip


def _profiles(fit: Fit) -> dict[str, tuple[float, float]]:
    """Profile interval of every free resistance of an arc."""
    names = [arc.R for arc in fit.estimate.arcs if arc.R in fit.model.free]
    return {name: profile(fit, name) for name in names}


def _checked(row: Row, *, alone: bool) -> Row:
    """Add the Kramers–Kronig test, or why there is none, and the flags.

    Which circuit is best is a matter of the single spectrum only where it is `alone`.
    """
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
    flags += undecided(row.comparison) if alone else []
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
    if overlap and len(spectra) > 1 and is_series(spectra):
        flags.append(
            f"arcs overlap or are not settled in {len(overlap)} of {len(spectra)} spectra: fit "
            "the series as one with --joint, which separates them by how they move"
        )
    return replace(found, activations=made, flags=tuple(flags))


def join(
    found: Measurement,
    circuit: str | Sequence[str] = AUTO,
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
        As for `evaluate`; `auto` is what it chose. Of several, that with the least BIC as a
        joint fit is taken.
    layers
        Materials in contact, the soft one as 1 and the hard one as 2, for the mechanism.
    seed, progress
        As for `fit_joint`.

    Raises
    ------
    InputError
        If nothing varies, conditions are missing, or the spectra are of different cells.
    """
    fits, lost = _with_conditions(found.fits)
    if len(fits) < 2:
        raise InputError(
            f"--joint needs several spectra at different temperatures or pressures; "
            f"{'only one' if fits else 'none'} of the files gave one that can be fitted"
        )
    circuits = names_of(circuit)
    known, flags = _known(found)
    spectra, table = [fit.spectrum for fit in fits], []
    weighting = found.options.get("weighting", "modulus")
    if len(circuits) > 1:
        several = compare_joint(spectra, circuits, weighting=weighting, seed=seed)
        joint, table = several.fits[0], [dict(row) for row in several.table()]
        flags += _about_circuits(table, fits)
    else:
        if circuits[0] == AUTO:
            circuits = (max((write(fit.model.circuit) for fit in fits), key=len),)
        joint = fit_joint(
            spectra,
            circuits[0],
            weighting=weighting,
            known=known,
            seed=seed,
            progress=progress,
            tied=found.options.get("tied", ()),
        )
    left = [row.name for row in found.rows if row.fit is None or row.fit in lost]
    if left:
        flags.append(f"left out of the joint fit: {', '.join(left)}")
    bad = [r.name for r in found.rows if r.check is not None and r.check.verdict == "fail"]
    if bad:
        flags.append(f"fail the Kramers–Kronig test but are in the joint fit: {', '.join(bad)}")
    verdicts = judge_mechanism(joint, layers=_energies(layers))
    return replace(
        found, joint=joint, joint_comparison=table, mechanism=verdicts,
        flags=(*found.flags, *flags),
    )  # fmt: skip


def _with_conditions(fits: Sequence[Fit]) -> tuple[tuple[Fit, ...], list[Fit]]:
    """Fits with the temperature and pressure that the others have, and those without."""
    lost: list[Fit] = []
    for name in ("temperature", "pressure"):
        lacking = [fit for fit in fits if getattr(fit.spectrum, name) is None]
        if len(lacking) < len(fits) / 2:  # where most lack it, the series has none
            lost += lacking
    return tuple(fit for fit in fits if fit not in lost), lost


def _about_circuits(table: Told, fits: Sequence[Fit]) -> list[str]:
    """What a series says of the circuits, where it says something else than single spectra."""
    best, singles = table[0]["circuit"], {write(fit.model.circuit) for fit in fits}
    flags = undecided(table)
    if singles != {best}:
        flags.append(
            f"single fits are of {', '.join(sorted(singles))}; as one, the series asks for {best}"
        )
    return flags


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
