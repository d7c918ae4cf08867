"""Figures of powder patterns: counts, what was fitted, and where the lines of phases lie."""

from __future__ import annotations

from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.phases import PowderStudy
from dualyte.measure.result import Evaluation
from dualyte.plot.figure import Figure, Series

_ANGLE: Final = "angle of diffraction 2θ / °"
#: of the highest point, for the marks below zero: so little that no number of the axis, which
#: has nine steps at most, falls there
_ROOM: Final = 0.128
_SEEN: Final = 0.01  # of the strongest line: fainter ones are not marked
_MOST: Final = 6000  # points drawn


def phases_figures(found: Evaluation) -> list[Figure]:
    """Draw each pattern as the root of its counts, so that weak lines are seen beside strong ones.

    Ticks under the pattern are the lines of each phase: full where it is there, dashed where
    it is not found. Open points are peaks that no phase explains.
    """
    studies = found.detail
    if not studies or not all(isinstance(one, PowderStudy) for one in studies):
        raise InputError("there is no pattern to draw; evaluate files first")
    several = len(studies) > 1
    return [_figure(one, f"phases_{one.pattern.name}" if several else "phases") for one in studies]


def _figure(study: PowderStudy, name: str) -> Figure:
    pattern, lines = study.pattern, study.lines
    x = np.degrees(pattern.angle)
    thin = slice(None, None, max(1, x.size // _MOST))
    fitted = lines.background + lines.model
    top = float(np.sqrt(pattern.counts.max()))
    series = [
        Series(x=x[thin], y=np.sqrt(pattern.counts)[thin], name="measured", colour=5),
        Series(x=x[thin], y=np.sqrt(fitted)[thin], name="peaks and background", colour=6),
        Series(x=x[thin], y=np.sqrt(lines.background)[thin], style="dashed", colour=6),
    ]
    open_ = [p for p in study.peaks if not p.phase]
    if open_:
        at = np.array([np.degrees(p.angle) for p in open_])
        y = np.sqrt(np.interp(at, x, fitted)) + 0.03 * top
        series.append(Series(x=at, y=y, style="open", colour=3, marker="v", name="unexplained"))
    colours = (0, 1, 2, 4)
    room = _ROOM * top / (len(study.findings) + 0.5)
    for k, each in enumerate(study.findings):
        seen = each.areas > _SEEN * float(each.areas.max(initial=1e-300))
        at = np.degrees(each.angles[seen & np.isfinite(each.angles)])
        if not at.size:
            continue
        high = -(k + 0.35) * room
        low = high - 0.7 * room
        # one broken line makes all ticks of a phase
        ticks = np.column_stack([at, at, np.full(at.size, np.nan)]).ravel()
        ends = np.tile([low, high, np.nan], at.size)
        state = "" if each.present else ", not found"
        series.append(
            Series(
                x=ticks, y=ends, name=f"{each.phase.name}{state}", colour=colours[k % 4],
                style="line" if each.present else "dashed",
            )
        )  # fmt: skip
    return Figure(
        name=name, x=_ANGLE, y="root of counts", series=series, legend="above", height=0.9,
        x_limits=(float(x[0]), float(x[-1])), y_limits=(-_ROOM * top, 1.04 * top),
    )  # fmt: skip
