"""A folder of measurements of any kind, evaluated kind by kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dualyte.errors import DualyteError, InputError
from dualyte.material import Value
from dualyte.measure.files.sidecar import facts
from dualyte.measure.kinds import Sorted, evaluator, options_beside, sort_files
from dualyte.measure.result import Evaluation, FileFailure, Tell
from dualyte.report.evaluation import Measurement, evaluate, over_temperature
from dualyte.report.numbers import gathered

_SERIES: Final = frozenset({"eis", "conductivity", "growth"})  # kinds that need several files
_NUMBERED: Final = re.compile(r"[ _.-]?(rep(licate)?|no|nr)?[ _.-]?\d+$", re.IGNORECASE)
_SINGLE: Final = 1  # spectra whose arcs are results by their own names


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """What a folder says, kind by kind."""

    found: tuple[Evaluation, ...]
    unknown: tuple[str, ...]  #: files that no kind knows, in sentences
    paths: tuple[tuple[Path, ...], ...] = ()  #: files of each of `found`
    stopped: bool = False  #: by Ctrl-C, before all were evaluated

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        from dualyte.report.kinds import evaluation_json

        told: dict[str, Any] = {"measurements": [evaluation_json(each) for each in self.found]}
        if self.unknown:
            told["unknown"] = list(self.unknown)
        if self.stopped:
            told["stopped"] = True
        return told


def measure_everything(
    paths: Sequence[str | Path], *, held: Sorted | None = None, progress: Tell | None = None
) -> Everything:
    """Recognise every file of folders, and evaluate each sample with what sidecars say.

    Files of a folder are replicates if their names differ by a number at the end only
    (`pellet_1.csv`, `pellet_2.csv`), or their sidecars name one `group`; spectra, conductivities
    and growth of a folder are a series.

    Parameters
    ----------
    paths
        Folders and files.
    held
        What `sort_files` found in them, where that is known already.
    progress
        Told how many files are done, of how many.

    Raises
    ------
    InputError
        If a path does not exist, or no file is of a known kind.
    """
    held = sort_files(paths) if held is None else held
    if not held.kinds:
        why = f" ({held.unknown[0]})" if held.unknown else ""
        raise InputError(
            f"none of the files of {', '.join(map(str, paths))} is of a kind that is known{why}; "
            'say it in a sidecar dualyte.toml, such as ["scan.txt"] with kind = "xps"'
        )
    found: list[Evaluation] = []
    jobs = [(kind, part) for kind, files in held.kinds.items() for part in samples(kind, files)]
    total, before, stopped = sum(len(files) for _, files in jobs), 0, False
    for kind, files in jobs:
        try:
            found.append(_one(kind, files, _part(progress, before, len(files), total)))
        except DualyteError as error:  # one sample costs only itself
            failed = FileFailure(file=", ".join(p.name for p in files), why=str(error))
            found.append(Evaluation(kind=kind, files=(), results={}, failures=(failed,)))  # type: ignore[arg-type]  # checked there
        except KeyboardInterrupt:
            stopped = True
        if stopped or found[-1].stopped:
            stopped = True
            break
        before += len(files)
        if progress:
            progress(before, total)
    used = tuple(files for _, files in jobs[: len(found)])
    return Everything(found=tuple(found), unknown=held.unknown, paths=used, stopped=stopped)


def _part(progress: Tell | None, before: int, files: int, total: int) -> Tell | None:
    """Tell of one sample as a share of all files."""
    if progress is None:
        return None
    return lambda done, of: progress(before + files * done // max(of, 1), total)


def samples(kind: str, files: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Files of one kind, those of one sample together.

    >>> [[p.name for p in part] for part in samples("xps", [Path("a_1.vms"), Path("a_2.vms")])]
    [['a_1.vms', 'a_2.vms']]
    """
    found: dict[tuple[str, str], list[Path]] = {}
    for path in files:
        beside = facts(path) if path.is_file() else {}
        name = "" if kind in _SERIES else _NUMBERED.sub("", path.stem)
        name = str(beside["group"].value) if "group" in beside else name
        found.setdefault((str(path.parent), name), []).append(path)
    return [tuple(part) for part in found.values()]


def _one(kind: str, files: Sequence[Path], progress: Tell | None) -> Evaluation:
    if kind != "eis":
        return evaluator(kind)(files, **options_beside(kind, files), progress=progress)
    from dualyte.measure.files import read_spectra

    reading = read_spectra(files, raise_errors=False)
    return spectra_evaluation(over_temperature(evaluate(reading, progress=progress)))


def spectra_evaluation(found: Measurement) -> Evaluation:
    """Return an evaluation of spectra as that of any other kind.

    Arcs of a single spectrum, or of a joint fit, are results by their own names; those of
    several spectra carry the name of theirs; activation energies of a series are `Ea_…`.
    """
    good = [row for row in found.rows if row.fit is not None]
    results: dict[str, Value] = {}
    if found.joint is not None:
        results |= found.joint.values
    else:
        for row in good:
            if row.fit is None:
                continue
            own = "" if len(good) == _SINGLE else f" [{row.name}]"
            results |= {f"{name}{own}": value for name, value in row.fit.values.items()}
        for each in found.activations:
            results[f"Ea{each.arc}"] = each.fit.activation_energy
    changes = {r.name: r.spectrum.changes for r in found.rows if r.spectrum is not None}
    flags = {r.name: [f for f in r.flags if f not in changes.get(r.name, ())] for r in good}
    return Evaluation(
        kind="eis",
        files=tuple(row.name for row in good),
        results=results,
        warnings=(*found.flags, *gathered(flags)),
        changed=tuple(gathered(changes)),
        failures=tuple(
            FileFailure(file=row.name, why=row.failed) for row in found.rows if row.failed
        ),
        detail=replace(found),
        stopped=found.stopped,
    )
