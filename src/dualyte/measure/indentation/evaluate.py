"""Indentation files → hardness, moduli and flow stress with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import DualyteError, InputError
from dualyte.material import Value
from dualyte.measure.files.sidecar import facts
from dualyte.measure.indentation.area import (
    EPSILON,
    IDEAL,
    TIP_MODULUS,
    TIP_POISSON,
    AreaFunction,
    as_area,
    fit_frame_compliance,
)
from dualyte.measure.indentation.files import read_indents
from dualyte.measure.indentation.indent import Indent
from dualyte.measure.indentation.maps import (
    CONSTRAINT,
    IndentMap,
    Policy,
    flow_stress,
    indent_map,
    too_elastic,
)
from dualyte.measure.indentation.oliver_pharr import IndentResult, Method, oliver_pharr
from dualyte.measure.result import Evaluation, FileFailure, Tell, each_file, measured
from dualyte.vocabulary import checked, show, shown

_FACTORS: Final = {
    "epsilon": (0.5, 1.0), "beta": (0.9, 1.3), "constraint_factor": (1.0, 4.0),
    "drift_rate": (-1e-7, 1e-7), "frame_compliance": (0.0, 1e-4),
}  # fmt: skip
_STATED: Final = "hardness stated by the instrument"  #: where a tip is found from
_IDEAL_TIP: Final = "ideal Berkovich tip"
_SAME: Final = 3  # sentences alike, from which on they are counted and not repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One indent and how it is evaluated."""

    indent: Indent
    method: Method


def measure_indentation(
    paths: Sequence[str | Path],
    *,
    poisson_ratio: float | None = None,
    area_function: Sequence[float] | AreaFunction | None = None,
    frame_compliance: float | str | None = None,
    drift_rate: float | None = None,
    csm: bool | None = None,
    unload_from: float = 0.95,
    unload_to: float = 0.25,
    depth_from: float | None = None,
    depth_to: float | None = None,
    epsilon: float = EPSILON,
    beta: float = 1.0,
    tip_modulus: float = TIP_MODULUS,
    tip_poisson: float = TIP_POISSON,
    constraint_factor: float = CONSTRAINT,
    outliers: str = "mad",
    extrapolate: bool = True,
    strikes: bool = False,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Evaluate indents by the method of Oliver and Pharr.

    Parameters
    ----------
    paths
        Files: Agilent .xls, Hysitron .hld and .txt, FischerScope .txt and .hdf5, tables.
    poisson_ratio
        ν of the sample; None for that of the sidecar or the file. Without one there is no Young's
        modulus.
    area_function
        C0, C1, C2, … of the tip, for depths in nm and areas in nm² (as instruments print them);
        None for that of the file, or else an ideal Berkovich tip, which is said.
    frame_compliance
        m/N; "fit" to fit it to the indents; None for that of the file.
    drift_rate
        m/s; None for that of the file, or else of a hold at low load.
    csm
        Whether to average a dynamic stiffness over depth (True) or fit the unloading (False); None
        for the first where there is one.
    unload_from, unload_to
        Part of the unloading that is fitted, over the peak load.
    depth_from, depth_to
        m, over which CSM results are averaged; None for what the file says, or else the deeper
        half.
    epsilon, beta
        Of contact depth and of stiffness.
    tip_modulus, tip_poisson
        Pa and 1, of the tip; diamond.
    constraint_factor
        Hardness over flow stress (Tabor).
    outliers
        "mad" leaves out indents far from the median, "keep" none.
    extrapolate
        Whether contact is where the first loads point back to, or (False) where they exceed the
        noise, which comes later.
    strikes
        Whether to take indents whose tip struck the surface.
    raise_errors
        Whether the first bad file or indent raises.
    progress
        Told how many files are read, of how many.

    Returns
    -------
    Evaluation
        `hardness`, `youngs_modulus` (with a Poisson ratio), `modulus` (reduced), `flow_stress`,
        `count`, and `frame_compliance` if it was fitted. The spread is the standard deviation
        between indents, of one indent its own. `detail` is an `IndentMap`.

    Raises
    ------
    InputError
        If an option is wrong, or nothing can be evaluated.
    """
    depths = _depths(depth_from, depth_to)
    fit = isinstance(frame_compliance, str)
    if fit and frame_compliance != "fit":
        raise InputError(f"frame_compliance is {frame_compliance!r}; give m/N, or 'fit'")
    stiff = None if isinstance(frame_compliance, str) else frame_compliance
    _within(
        epsilon=epsilon, beta=beta, constraint_factor=constraint_factor, drift_rate=drift_rate,
        frame_compliance=stiff,
    )  # fmt: skip
    checked("youngs_modulus", tip_modulus)
    checked("poisson_ratio", tip_poisson)
    base = Method(
        area=AreaFunction(coefficients=(IDEAL,), source=_IDEAL_TIP), csm=csm,
        poisson_ratio=_number("poisson_ratio", poisson_ratio), part=(unload_to, unload_from),
        drift_rate=drift_rate, depths=depths, epsilon=epsilon, beta=beta, tip_modulus=tip_modulus,
        tip_poisson=tip_poisson, strikes=strikes, extrapolate=extrapolate, frame_compliance=stiff,
    )  # fmt: skip
    policy = _policy(outliers)
    given = None if area_function is None else as_area(area_function)
    said: list[str] = []
    doubts: list[str] = []
    batch = each_file(
        paths, lambda path: _cases(path, base, given, said, doubts), raise_errors=raise_errors,
        progress=progress,
    )  # fmt: skip
    cases = [case for _, found in batch.made for case in found]
    extra: dict[str, Value] = {}
    if fit:
        cases = _with_frame(cases, extra, said)
    done, failed, stopped = _evaluated(cases, raise_errors)
    gathered = indent_map(done, policy)
    doubts += _left_out(gathered)
    return _evaluation(
        batch.failures + tuple(failed), gathered, extra, constraint_factor, said, doubts,
        files=tuple(path.name for path, _ in batch.made), stopped=batch.stopped or stopped,
        assumed=_assumed_tip(cases),
    )  # fmt: skip


def _policy(outliers: str) -> Policy:
    if outliers not in ("mad", "keep"):
        raise InputError(f"outliers is {outliers!r}; it is mad or keep")
    return "keep" if outliers == "keep" else "mad"


def _depths(low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is None and high is None:
        return None
    a, b = (0.0 if low is None else low), (np.inf if high is None else high)
    if not 0 <= a < b or (np.isfinite(b) and b > 1e-3):
        raise InputError(
            f"depth_from={low} and depth_to={high} are no range of depths; give metres, such as "
            "100e-9 and 200e-9"
        )
    return a, b


def _within(**options: float | None) -> None:
    """Refuse numbers that no tip, no frame and no material has; SI. None is not given."""
    for name, value in options.items():
        low, high = _FACTORS[name]
        if value is not None and not low <= value <= high:
            raise InputError(f"{name} is {value:g}; it is from {low:g} to {high:g}")


def _number(word: str, value: float | None) -> float | None:
    return None if value is None else float(checked(word, value))


# ---------------------------------------------------------------- one file


def _cases(
    path: Path, base: Method, given: AreaFunction | None, said: list[str], doubts: list[str]
) -> list[_Case]:
    """Indents of a file, each with its tip and Poisson ratio: argument, then sidecar, then file."""
    beside = facts(path)
    indents = read_indents(path)
    nu = base.poisson_ratio
    if nu is None and "poisson_ratio" in beside:
        nu = float(beside["poisson_ratio"].value)
    found = []
    for indent in indents:
        own = nu
        if own is None and indent.facts.poisson_ratio is not None:
            own = float(checked("poisson_ratio", indent.facts.poisson_ratio))
            said.append(f"{path.name}: took the Poisson ratio of the file, {own:g}")
        area = given or indent.facts.area
        method = replace(base, poisson_ratio=own, area=area or base.area)
        found.append(_Case(indent=indent, method=method))
    if given is None and all(i.facts.area is None for i in indents):
        tip = _reported_tip(indents, base)
        if tip is not None:
            said.append(
                f"{path.name}: its tip correction is not in the file; took A = 24.5 h² + C1 h with "
                f"C1 = {tip.coefficients[1]:.4g} nm, which gives the hardness the instrument states"
            )
            found = [replace(c, method=replace(c.method, area=tip)) for c in found]
        else:
            doubts.append(
                f"{path.name}: no area function is given or in the file; took an ideal Berkovich "
                "tip, A = 24.5 h², which makes shallow indents too hard; give area_function"
            )
    if all(case.method.poisson_ratio is None for case in found):
        doubts.append(
            f"{path.name}: no Poisson ratio is given, so there is no Young's modulus; give "
            "poisson_ratio"
        )
    return found


def _reported_tip(indents: Sequence[Indent], base: Method) -> AreaFunction | None:
    """A blunted tip that gives the hardness which the instrument states with its own."""
    found = []
    for indent in indents:
        if indent.facts.hardness is None:
            continue
        try:
            result = oliver_pharr(indent, base)
        except DualyteError:  # is said when it is evaluated
            continue
        hc, wanted = result.contact_depth, result.load / indent.facts.hardness
        found.append((wanted - float(base.area(hc))) / hc * 1e9)
    if not found:
        return None
    c1 = float(np.median(found))
    return AreaFunction(coefficients=(IDEAL, c1), source=_STATED)


def _with_frame(cases: Sequence[_Case], extra: dict[str, Value], said: list[str]) -> list[_Case]:
    """Fit the compliance of the frame to all indents, and correct for it."""
    load: list[float] = []
    stiffness: list[float] = []
    for case in cases:
        try:
            result = oliver_pharr(case.indent, replace(case.method, frame_compliance=0.0))
        except DualyteError:  # is said when it is evaluated
            continue
        if result.csm is not None:
            deep = result.csm.depth > 0.5 * result.csm.depth.max()
            load += result.csm.load[deep].tolist()
            stiffness += result.csm.stiffness[deep].tolist()
        else:
            load += [fit.load for fit in result.cycles]
            stiffness += [fit.stiffness for fit in result.cycles]
    frame = fit_frame_compliance(np.array(load), np.array(stiffness))
    where = f"1/S against 1/√P, {frame.points} points"
    extra["frame_compliance"] = measured(
        "compliance", frame.si, frame.spread, where=where, computed=True
    )
    said.append(f"corrected for a frame compliance of {show('compliance', frame.si)}, fitted")
    return [replace(case, method=replace(case.method, frame_compliance=frame.si)) for case in cases]


def _evaluated(
    cases: Sequence[_Case], raise_errors: bool
) -> tuple[list[IndentResult], list[FileFailure], bool]:
    """Evaluate every indent; a bad one costs only itself."""
    done: list[IndentResult] = []
    failed: list[FileFailure] = []
    try:
        for case in cases:
            try:
                done.append(oliver_pharr(case.indent, case.method))
            except DualyteError as error:
                if raise_errors:
                    raise
                failed.append(FileFailure(file=case.indent.title, why=str(error)))
    except KeyboardInterrupt:
        return done, failed, True
    if not done and failed:
        more = f" (and {len(failed) - 1} more indents failed)" if len(failed) > 1 else ""
        raise InputError(f"{failed[0].why}{more}")
    return done, failed, False


# ---------------------------------------------------------------- all together


def _assumed_tip(cases: Sequence[_Case]) -> str:
    """What the tip is taken from where neither a person nor the file says it, else nothing."""
    sources = {case.method.area.source for case in cases}
    if _STATED in sources:
        return "its tip gives the hardness that the instrument states, which is no test of either"
    return "of an ideal Berkovich tip" if _IDEAL_TIP in sources else ""


def _left_out(gathered: IndentMap) -> list[str]:
    names = [r.title for r, kept in zip(gathered.indents, gathered.kept, strict=True) if not kept]
    if not names:
        return []
    return [
        f"left out {len(names)} of {len(gathered.indents)} indents, more than 3.5 scaled median "
        f"deviations from the median: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
    ]


def _evaluation(
    failures: tuple[FileFailure, ...],
    gathered: IndentMap,
    extra: Mapping[str, Value],
    constraint_factor: float,
    said: list[str],
    doubts: list[str],
    *,
    files: tuple[str, ...],
    stopped: bool,
    assumed: str,
) -> Evaluation:
    results = _results(gathered, constraint_factor, assumed, doubts)
    for result in gathered.indents:
        said += [f"{result.title}: {sentence}" for sentence in result.changes]
        doubts += list(result.warnings)
    return Evaluation(
        kind="indentation", files=files, results={**results, **extra},
        warnings=tuple(_counted(doubts)), changed=tuple(_counted(said)), failures=failures,
        table=tuple(_row(r, bool(k)) for r, k in zip(gathered.indents, gathered.kept, strict=True)),
        detail=gathered, stopped=stopped,
    )  # fmt: skip


def _results(
    gathered: IndentMap, constraint_factor: float, assumed: str, doubts: list[str]
) -> dict[str, Value]:
    count = int(gathered.kept.sum())
    if count == 0:
        return {}
    ways = " and ".join(sorted({r.method for r in gathered.indents}))
    found: dict[str, Value] = {}
    for word in ("hardness", "youngs_modulus", "modulus"):
        mean = gathered.spread(word)
        if mean.count == 0:
            continue
        known = gathered.kept & np.isfinite(gathered.values(word))
        own = gathered.values(f"{word}_spread")[known]
        # that of CSM is over depth, and no error of its mean
        alone = float(np.sqrt(np.mean(own**2))) if "unloading" in ways else 0.0
        if mean.count == 1:
            wide, many = float(own[0]), "one indent"
        elif alone > mean.spread:
            wide, many = alone, f"{mean.count} indents, standard deviation of each"
        else:
            wide, many = mean.spread, f"{mean.count} indents, standard deviation between them"
        found[word] = measured(
            word, mean.mean, wide, where=f"{ways} of {many}", computed=bool(assumed), note=assumed
        )
    H = found["hardness"]
    sigma, wide = flow_stress(H.si, H.spread, constraint_factor)
    found["flow_stress"] = measured(
        "stress", sigma, wide, where=f"hardness / {constraint_factor:g}", computed=True,
        note=f"Tabor's constraint factor {constraint_factor:g} is assumed (± 0.2)",
    )  # fmt: skip
    doubts.append(f"flow_stress assumes Tabor's constraint factor of {constraint_factor:g} ± 0.2")
    elastic = too_elastic(H.si, found["modulus"].si, constraint_factor)
    if elastic is not None:
        doubts.append(
            f"the contact is too elastic for Tabor's factor (E* tan β / σ = {elastic:.0f}, fully "
            "plastic above 30): the flow stress is higher than given"
        )
    found["count"] = measured("count", float(count), where="indents that were averaged")
    return found


def _counted(sentences: Sequence[str]) -> list[str]:
    """Sentences that differ only in the indent, once with their number."""
    groups: dict[str, list[str]] = {}
    for sentence in dict.fromkeys(sentences):
        _, mark, rest = sentence.partition(": ")
        key = "".join(c for c in rest if not c.isdigit() and c not in ".-+") if mark else sentence
        groups.setdefault(key, []).append(sentence)
    found = []
    for alike in groups.values():
        if len(alike) < _SAME:
            found += alike
        else:
            found.append(f"{alike[0]} (and {len(alike) - 1} more indents likewise)")
    return found


def _row(result: IndentResult, kept: bool) -> dict[str, Any]:
    """A row for people, in shown units."""
    row: dict[str, Any] = {
        "indent": result.title,
        "method": result.method,
        "used": kept,
        "load / mN": float(shown("load", result.load)),
        "depth / nm": result.depth * 1e9,
        "contact depth / nm": result.contact_depth * 1e9,
        "contact area / µm²": result.contact_area * 1e12,
        "stiffness / N/mm": float(shown("stiffness", result.stiffness)),
    }
    for word, title in (
        ("hardness", "hardness / GPa"),
        ("modulus", "reduced modulus / GPa"),
        ("youngs_modulus", "Young's modulus / GPa"),
    ):
        row[title] = float(shown(word, getattr(result, word)))
        row[title.replace(" /", " spread /")] = float(
            shown(word, getattr(result, f"{word}_spread"))
        )
    if result.fit is not None:
        row["exponent"] = result.fit.exponent
    if result.position is not None:
        row["x / mm"], row["y / mm"] = (1e3 * x for x in result.position)
    return row
