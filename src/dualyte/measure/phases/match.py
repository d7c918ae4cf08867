"""Which peaks the reflections of phases explain, how much of each there is, and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.measure.phases.crystal import Phase, Reflections
from dualyte.measure.phases.pattern import Pattern
from dualyte.measure.phases.peaks import Lines, Peak, _basis, line_area
from dualyte.vocabulary import Floats

_SHIFT: Final = np.radians(0.3)  # largest zero shift
_CELL: Final = 0.005  # largest change of a cell against its reference
_SMALL: Final = 0.001  # of a phase that is no main one
_FAINT: Final = 0.002  # of the strongest line: fainter ones are not looked for
_MUCH: Final = 4.0  # times what a line should have: more is not that line
_LOOSE: Final = 0.35  # full widths within which a peak is a line
_ALIGNED: Final = np.radians(0.01)  # of a diffractometer, beside the spread of a place
_TEXTURE: Final = 0.15  # relative error of intensities: texture, structure, absorption
_CHANCE: Final = 0.02  # that peaks agree with a phase by chance
_FREE: Final = 1.3  # full widths that keep a line free of others
_Z95: Final = 1.6448536269514722


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """One phase in one pattern."""

    phase: Phase
    lines: Reflections
    angles: Floats  #: (m,) rad, where its lines are, shift and cell as fitted; nan outside
    areas: Floats  #: (m,) per amount, in one unit for all phases
    present: bool
    scale: float = 1.0  #: of the cell against its reference
    scale_spread: float = 0.0
    matched: tuple[tuple[int, int], ...] = ()  #: (peak, line)
    chance: float = 1.0  #: that as many peaks agree by chance
    amount: float = 0.0  #: counts · rad over `areas`: proportional to the volume
    amount_spread: float = 0.0
    limit: float = float("nan")  #: of the amount, 95 %, where the phase is not found
    limit_line: int = -1  #: the line it is from


def match(
    pattern: Pattern, lines: Lines, several: Sequence[tuple[Phase, Reflections]], wavelength: float
) -> tuple[list[Finding], float, float, tuple[Peak, ...]]:
    """Explain peaks with phases.

    Returns
    -------
    list of Finding
        In the order given.
    float
        Zero shift [rad], from the phase that explains most.
    float
        Its spread.
    tuple of Peak
        The peaks, with the phase and line that explain each.
    """
    peaks = list(lines.peaks)
    span = (float(pattern.angle[0]), float(pattern.angle[-1]))
    waves = [_Task.of(p, r, wavelength, span) for p, r in several]
    shift, shift_spread, scales = 0.0, 0.0, dict[int, tuple[float, float]]()
    main = _main(waves, peaks, lines)
    if main is not None:
        k, shift, scale = main
        shift, shift_spread, cell, cell_spread = _aligned(waves[k], peaks, lines, shift, scale)
        scales[k] = (cell, cell_spread)
    order = sorted(range(len(waves)), key=lambda k: k != (main[0] if main else -1))
    found: dict[int, Finding] = {}
    taken: set[int] = set()
    for k in order:
        known = [found[j] for j in found if found[j].present]
        own = scales.get(k)
        found[k] = _one(waves[k], peaks, lines, shift, own, known, taken)
        if found[k].present:
            taken |= {peak for peak, _ in found[k].matched}
    for k, each in found.items():
        others = [f for j, f in found.items() if j != k and f.present]
        if not each.present:
            found[k] = _limited(each, pattern, lines, others, peaks)
    for each in found.values():
        for peak, line in each.matched if each.present else ():
            peaks[peak] = replace(peaks[peak], phase=each.phase.name, hkl=each.lines.hkl[line])
    return [found[k] for k in range(len(waves))], shift, shift_spread, tuple(peaks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """Lines of a phase inside the pattern."""

    phase: Phase
    lines: Reflections
    wavelength: float
    areas: Floats  #: (m,), 0 outside
    strong: npt.NDArray[np.bool_]  #: (m,)

    @staticmethod
    def of(phase: Phase, lines: Reflections, wavelength: float, span: tuple[float, float]) -> _Task:
        angles = lines.angles(wavelength)
        inside = (angles > span[0]) & (angles < span[1])
        areas = np.where(inside, np.nan_to_num(lines.intensities(wavelength)), 0.0)
        top = areas.max() if areas.size else 0.0
        return _Task(phase=phase, lines=lines, wavelength=wavelength, areas=areas,
                     strong=areas > _FAINT * top)  # fmt: skip

    def at(self, shift: float, scale: float) -> Floats:
        return self.lines.angles(self.wavelength, scale) + shift


def _tolerance(lines: Lines, angles: Floats) -> Floats:
    return np.asarray(_LOOSE * lines.width(angles) + _ALIGNED)


def _main(
    tasks: Sequence[_Task], peaks: Sequence[Peak], lines: Lines
) -> tuple[int, float, float] | None:
    """The phase that explains most of the peaks, with its shift and scale, from a grid."""
    if not peaks:
        return None
    at = np.array([p.angle for p in peaks])
    area = np.array([p.area for p in peaks])
    best: tuple[float, int, float, float] | None = None
    tolerance = 2 * _tolerance(lines, at)
    for k, task in enumerate(tasks):
        if task.strong.sum() < 2:
            continue
        weight = np.sqrt(task.areas[task.strong] / task.areas.max())
        for scale in 1 + np.linspace(-_CELL, _CELL, 21):
            where = task.at(0.0, float(scale))[task.strong]
            gap = at[:, None] - where[None]
            for shift in np.linspace(-_SHIFT, _SHIFT, 25):
                near = np.exp(-(((gap - shift) / tolerance[:, None]) ** 2))
                score = float(area @ near.max(axis=1)) / area.sum()
                score *= float(near.max(axis=0) @ weight) / weight.sum()
                score -= 0.02 * (abs(shift) / _SHIFT + abs(scale - 1) / _CELL)  # least change
                if best is None or score > best[0]:
                    best = (score, k, float(shift), float(scale))
    if best is None or best[0] < 0.2:
        return None
    return best[1:]


def _pairs(
    task: _Task, peaks: Sequence[Peak], lines: Lines, shift: float, scale: float, wide: float,
    taken: set[int],
) -> list[tuple[int, int]]:  # fmt: skip
    """Peaks and lines that lie together, each once, nearest first."""
    where = task.at(shift, scale)
    free = [k for k in range(len(peaks)) if k not in taken]
    if not free or not where.size:
        return []
    at = np.array([peaks[k].angle for k in free])
    gap = np.abs(at[:, None] - np.where(task.strong, where, np.inf)[None])
    room = wide * _tolerance(lines, at)
    found, used = [], set[int]()
    # the strongest line within reach of a peak explains it
    for j in np.argsort(gap.min(axis=1)).tolist():
        near = [int(m) for m in np.nonzero(gap[j] < room[j])[0] if int(m) not in used]
        if near:
            line = max(near, key=lambda m: float(task.areas[m]))
            used.add(line)
            found.append((free[j], line))
    return found


def _aligned(
    task: _Task, peaks: Sequence[Peak], lines: Lines, shift: float, scale: float
) -> tuple[float, float, float, float]:
    """Zero shift and cell by least squares over the matched peaks."""
    errors = (0.0, 0.0)
    for wide in (2.0, 1.5, 1.0, 1.0):
        pairs = _pairs(task, peaks, lines, shift, scale, wide, set())
        if len(pairs) < 2:
            break
        at = np.array([peaks[k].angle for k, _ in pairs])
        s = np.array([np.hypot(peaks[k].angle_spread, 0.2 * _ALIGNED) for k, _ in pairs])
        where = task.at(0.0, 1.0)[[m for _, m in pairs]]
        A = np.column_stack([np.ones(at.size), -2 * np.tan(where / 2)]) / s[:, None]
        y = (at - where) / s
        if len(pairs) < 4:  # too few for both: the cell stays
            A = A[:, :1]
        theta, *_ = np.linalg.lstsq(A, y, rcond=None)
        left = y - A @ theta
        loud = max(float(left @ left) / max(at.size - A.shape[1], 1), 1.0)
        cov = np.linalg.inv(A.T @ A) * loud
        shift = float(np.clip(theta[0], -_SHIFT, _SHIFT))
        scale = 1.0
        errors = (float(cov[0, 0] ** 0.5), 0.0)
        if A.shape[1] == 2:
            scale = 1 + float(np.clip(theta[1], -2 * _CELL, 2 * _CELL))
            errors = (errors[0], float(cov[1, 1] ** 0.5))
    return shift, errors[0], scale, errors[1]


def _one(
    task: _Task,
    peaks: Sequence[Peak],
    lines: Lines,
    shift: float,
    own: Sequence[float] | None,
    known: Sequence[Finding],
    taken: set[int],
) -> Finding:
    """Judge one phase."""
    scale, spread = (float(own[0]), float(own[1])) if own else (1.0, 0.0)
    pairs = _pairs(task, peaks, lines, shift, scale, 1.0, taken)
    if not own and peaks:
        for tried in 1 + np.linspace(-_SMALL, _SMALL, 7):
            fresh = _pairs(task, peaks, lines, shift, float(tried), 1.0, taken)
            if sum(task.areas[m] for _, m in fresh) > 1.001 * sum(task.areas[m] for _, m in pairs):
                pairs, scale = fresh, float(tried)
    angles = np.where(task.areas > 0, task.at(shift, scale), np.nan)
    finding = Finding(
        phase=task.phase, lines=task.lines, angles=angles, areas=task.areas, present=False,
        scale=scale, scale_spread=spread,
    )  # fmt: skip
    if not pairs:
        return finding
    pairs, (amount, amount_spread) = _likely(task, peaks, pairs)
    free = [int(m) for m in np.nonzero(task.strong)[0] if not _hidden(angles[m], lines, known)]
    sigma = np.median([p.area_spread for p in peaks])
    due = [m for m in free if task.areas[m] * amount > 1.5 * lines.threshold * sigma]
    hit = {m for _, m in pairs}
    due = due or [max(free, key=lambda m: float(task.areas[m]))] if free else []
    chance = _by_chance(task, peaks, lines, angles, free, due, hit, own is None, taken)
    n = sum(m in hit for m in due)
    weight = sum(task.areas[m] for m in due if m in hit) / max(
        sum(task.areas[m] for m in due), 1e-300
    )
    present = n >= 1 and weight > 0.6 and chance < _CHANCE
    return replace(
        finding, present=bool(present), matched=tuple(pairs), chance=chance, amount=amount,
        amount_spread=amount_spread,
    )  # fmt: skip


def _by_chance(
    task: _Task,
    peaks: Sequence[Peak],
    lines: Lines,
    angles: Floats,
    free: Sequence[int],
    due: Sequence[int],
    hit: set[int],
    loose: bool,
    taken: set[int],
) -> float:
    """Probability that peaks at random agree as well: lines met, or peaks explained."""
    from scipy.stats import binom

    if not free:
        return 1.0
    reach = 2 * (float(np.mean(_tolerance(lines, angles[list(free)]))) + _SMALL * loose)
    room = float(np.nanmax(angles) - np.nanmin(angles)) + 0.2
    left = [k for k in range(len(peaks)) if k not in taken]
    met = sum(m in hit for m in due)
    by_line = binom.sf(met - 1, max(len(due), 1), min(reach * len(left) / room, 1.0))
    clear = [m for m in free if task.areas[m] > 0.15 * task.areas[list(free)].max()]
    where = angles[clear]
    explained = sum(bool((np.abs(peaks[k].angle - where) < reach / 2).any()) for k in left)
    by_peak = binom.sf(explained - 1, len(left), min(reach * len(clear) / room, 1.0))
    return float(min(by_line, by_peak))


def _likely(
    task: _Task, peaks: Sequence[Peak], pairs: list[tuple[int, int]]
) -> tuple[list[tuple[int, int]], tuple[float, float]]:
    """Leave out peaks that are far too strong for their line."""
    top = max(task.areas[m] for _, m in pairs)
    strong = [(k, m) for k, m in pairs if task.areas[m] > 0.1 * top]
    amount = _amount(task, peaks, strong)
    kept = [
        (k, m) for k, m in pairs
        if peaks[k].area < _MUCH * amount[0] * task.areas[m] + 3 * peaks[k].area_spread
    ]  # fmt: skip
    return kept, amount


def _amount(
    task: _Task, peaks: Sequence[Peak], pairs: Sequence[tuple[int, int]]
) -> tuple[float, float]:
    """Scale of the areas over the reference, each line with its error of intensity."""
    a = np.array([peaks[k].area for k, _ in pairs])
    ref = np.array([task.areas[m] for _, m in pairs])
    s = np.hypot([peaks[k].area_spread for k, _ in pairs], _TEXTURE * a.mean() * ref / ref.mean())
    weight = float((ref**2 / s**2).sum())
    amount = float((a * ref / s**2).sum()) / weight
    left = (a - amount * ref) / s
    loud = max(float(left @ left) / max(a.size - 1, 1), 1.0) ** 0.5
    return amount, weight**-0.5 * loud


def _hidden(angle: float, lines: Lines, known: Sequence[Finding]) -> bool:
    """Whether a line lies under one of a phase that is there."""
    room = _FREE * float(lines.width(angle))
    for other in known:
        visible = other.areas * other.amount > 0.3 * np.median(
            [p.area_spread for p in lines.peaks] or [0.0]
        )
        gap = angle - other.angles[visible]
        # Kα2 lies above its line
        if (np.abs(gap) < room).any():
            return True
    return False


def _limited(
    each: Finding, pattern: Pattern, lines: Lines, others: Sequence[Finding],
    peaks: Sequence[Peak],
) -> Finding:  # fmt: skip
    """Upper limit of an amount, from the free line that is most telling."""
    best: tuple[float, int, float] | None = None
    residual = pattern.counts - lines.background - lines.model
    for m in np.nonzero(each.areas > 0)[0].tolist():
        at = float(each.angles[m])
        room = _FREE * float(lines.width(at))
        if _hidden(at, lines, others) or any(abs(p.angle - at) < room for p in peaks):
            continue
        part, g = _basis(pattern.angle, at, lines.shape, lines.pair)
        near = np.abs(pattern.angle[part] - at) < 2 * room
        if near.sum() < 5:
            continue
        g, y, v = g[near], residual[part][near], lines.variance[part][near]
        weight = float((g**2 / v).sum())
        unit = line_area(float(lines.width(at)), lines.shape[2]) * (1 + lines.pair[1])
        area = float((g * y / v).sum()) / weight * unit
        spread = weight**-0.5 * unit
        telling = spread / float(each.areas[m])
        if best is None or telling < best[0]:
            limit = (max(area, 0.0) + _Z95 * spread) / float(each.areas[m])
            best = (telling, m, limit)
    if best is None:
        return each
    return replace(each, limit=best[2], limit_line=best[1])
