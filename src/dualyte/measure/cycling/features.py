"""What a voltage curve shows: plateaus, and the knee near its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from dualyte.cycles import Curve, Cycles, Direction, incremental_capacity
from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import Floats, show

_BINS: Final = 200  # bins over the voltage span, unless a width is given
_PROMINENT: Final = 0.1  # of the highest peak of dQ/dV
_TOP: Final = 0.95  # of its height: what is averaged to place a peak
_ABOVE: Final = 1.5  # times the mean dQ/dV of the curve: lower is no plateau
_SHARE: Final = 0.03  # of the charge of the curve: less is no plateau
_DEPTHS: Final = 2001  # points of an even grid of depth
_BEND: Final = 0.03  # of the voltage span of the curve: less is no knee
_FEWEST: Final = 10  # rows of a curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """A peak of dQ/dV."""

    voltage: float  #: V, of the peak
    spread: float  #: V, one standard deviation
    charge: float  #: C passed between the minima beside the peak
    share: float  #: of all charge of the curve [1]
    begin: float  #: C passed when the curve enters the plateau (half height)
    end: float  #: C passed when it leaves it


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """Where the voltage turns down near the end of a discharge (up, of a charge)."""

    depth: float  #: charge passed until then over all of the curve [1]
    depth_spread: float  #: one standard deviation
    voltage: float  #: V
    voltage_spread: float  #: V, one standard deviation
    charge: float  #: C


def plateaus(curve: Curve, *, width: float | None = None) -> tuple[Plateau, ...]:
    """Plateaus of a curve: peaks of its incremental capacity.

    Parameters
    ----------
    curve
        Of a charge or discharge; its voltage need not be monotonic.
    width
        Bin width of dQ/dV [V]; by default a 200th of the voltage span, or three times the
        typical voltage step where rows are sparse.

    Returns
    -------
    tuple of Plateau
        In the order of voltage. The spread joins the bin width (w/√12) and the standard
        deviation of the peak between half, once and twice the width. A peak that is not there
        at twice the width, rises less than a tenth of the highest above its surroundings, is
        lower than 1.5 times the mean dQ/dV, or holds less than 3 % of the charge is none.

    Raises
    ------
    InputError
        If the curve has fewer than ten rows, or the width is no width.

    Examples
    --------
    >>> q = np.linspace(0, 100, 1001)
    >>> v = 3.4 + 0.002 * q + np.where(q > 50, 0.3, 0.0)
    >>> curve = Curve(kind="charge", time=q, voltage=v, current=np.ones(q.size))
    >>> [(round(p.voltage, 2), round(p.share, 2)) for p in plateaus(curve, width=0.05)]
    [(3.45, 0.5), (3.85, 0.5)]
    """
    voltage, charge = _rows(curve)
    w = _width(voltage) if width is None else float(width)
    if not w > 0:
        raise InputError(f"{curve.title}: its voltage does not change; it has no dQ/dV")
    found = _peaks(voltage, charge, w)
    finer, coarser = (_peaks(voltage, charge, f * w) for f in (0.5, 2.0))
    out = []
    for at, low, high, near, height in found:
        others = [_nearest(at, peaks, 3 * w) for peaks in (finer, coarser)]
        amount = float(_between(voltage, charge, low, high))
        low_peak = height < _ABOVE * float(charge[-1]) / float(np.ptp(voltage))
        if others[1] is None or low_peak or amount < _SHARE * float(charge[-1]):
            continue
        places = [at, *(p for p in others if p is not None)]
        inside = np.flatnonzero((voltage >= near[0]) & (voltage <= near[1]))
        out.append(
            Plateau(
                voltage=at,
                spread=float(np.hypot(np.std(places), w / np.sqrt(12))),
                charge=amount,
                share=amount / float(charge[-1]),
                begin=float(charge[inside[0]]) if inside.size else float("nan"),
                end=float(charge[inside[-1]]) if inside.size else float("nan"),
            )
        )
    return tuple(out)


def half_of(cycles: Cycles, cycle: int, direction: Direction) -> Curve:
    """One half of a cycle as one curve: its parts end to end, without rests and holds."""
    parts = [c for c in cycles.curves if c.cycle == cycle and c.kind == direction]
    if not parts:
        raise InputError(f"{cycles.title}: cycle {cycle} has no curve of a {direction}")
    charge, before = [], 0.0
    for part in parts:
        passed = np.asarray(part.charge)
        charge.append(before + passed)
        before += float(passed[-1])
    return Curve(
        kind=direction,
        time=np.concatenate([p.time for p in parts]),
        voltage=np.concatenate([p.voltage for p in parts]),
        current=np.concatenate([p.current for p in parts]),
        charge=np.concatenate(charge),
        cycle=cycle,
        pressure=parts[-1].pressure,
        tag=parts[-1].tag,
    )


_Peak = tuple[float, float, float, tuple[float, float], float]  # V, minima, half height, height


def _peaks(voltage: Floats, charge: Floats, width: float) -> list[_Peak]:
    """Peaks of dQ/dV at one bin width, with the minima beside them and their half height."""
    from scipy.signal import find_peaks, peak_widths

    v, slope = incremental_capacity(voltage, charge, width=width)
    smooth = np.convolve(np.pad(slope, 2), [0.25, 0.5, 0.25], "same")
    v = np.concatenate([v[0] + width * np.array([-2, -1]), v, v[-1] + width * np.array([1, 2])])
    places, _ = find_peaks(smooth, prominence=_PROMINENT * float(smooth.max()))
    if not places.size:
        return []
    _, _, left, right = peak_widths(smooth, places, rel_height=0.5)
    minima = [float(v[a + int(np.argmin(smooth[a:b]))]) for a, b in pairwise(places.tolist())]
    edges = [float(v[0]) - width, *minima, float(v[-1]) + width]
    out = []
    for k, place in enumerate(places.tolist()):
        top = smooth >= _TOP * smooth[place]
        a, b = place, place
        while top[a - 1]:
            a -= 1
        while top[b + 1]:
            b += 1
        flat = slice(a - 1, b + 2)  # the bins beside it place the peak between bins
        at = float(np.average(v[flat], weights=np.maximum(smooth[flat], 0)))
        half = tuple(np.interp([left[k], right[k]], np.arange(v.size), v).tolist())
        out.append((at, edges[k], edges[k + 1], (half[0], half[1]), float(smooth[place])))
    return out


def _width(voltage: Floats) -> float:
    """Bin width that resolves the curve, and holds several rows."""
    return max(float(np.ptp(voltage)) / _BINS, 3 * float(np.median(np.abs(np.diff(voltage)))))


def _nearest(at: float, peaks: Sequence[_Peak], within: float) -> float | None:
    near = [p[0] for p in peaks if abs(p[0] - at) <= within]
    return min(near, key=lambda v: abs(v - at)) if near else None


def _between(voltage: Floats, charge: Floats, low: float, high: float) -> float:
    """Charge passed between two voltages [C], shared out within steps."""
    a, b = np.minimum(voltage[:-1], voltage[1:]), np.maximum(voltage[:-1], voltage[1:])
    over = np.clip(np.minimum(b, high) - np.maximum(a, low), 0, None)
    still = ((a >= low) & (a < high)).astype(np.float64)
    share = np.divide(over, b - a, out=still, where=b > a)
    return float(share @ np.diff(charge))


def inflection(curve: Curve, *, width: float = 0.02, begin: float = 0.5) -> Knee:
    r"""Knee of the voltage near the end of a discharge.

    With depth d, the charge passed over all of the curve, it lies where the voltage is farthest
    above the straight line from depth `begin` to the end (below it, for a charge):

    .. math:: d^* = \arg\max_{d \ge d_0} \left| V(d) - V(d_0) -
              \frac{d - d_0}{1 - d_0}\,(V(1) - V(d_0)) \right|

    There dV/dd equals its mean over that part: before it the voltage falls more slowly, after
    it faster.

    Parameters
    ----------
    curve
        Of a discharge (or charge) to its voltage limit.
    width
        Smoothing width, in depth [1]: V is averaged over it.
    begin
        Depth d₀ from which to look [1].

    Returns
    -------
    Knee
        Extrapolated to no smoothing from the width and half of it. The spreads join the
        width (w/√12) and the standard deviation between half, once and twice the width.

    Raises
    ------
    ValidityError
        If the voltage keeps to the line within 3 % of its span, or bends the other way.
    InputError
        If the curve has fewer than ten rows.

    Notes
    -----
    Two straight lines that meet at a depth have their knee there, whatever their slopes. A
    voltage that bends evenly (a parabola) has it halfway between `begin` and the end. A
    discharge that stops early has it elsewhere: compare curves with one voltage limit.

    Examples
    --------
    >>> d = np.linspace(0, 1, 501)
    >>> v = 3.8 - 0.3 * d - np.where(d > 0.9, 8 * (d - 0.9), 0)
    >>> curve = Curve(kind="discharge", time=d, voltage=v, current=-np.ones(d.size))
    >>> round(inflection(curve).depth, 2)
    0.9
    """
    if not 0 < width < 0.25 or not 0 <= begin <= 0.9:
        raise InputError(
            f"width={width:g}, begin={begin:g}: give a width of depth such as 0.02, and a begin "
            "from 0 to 0.9"
        )
    voltage, charge = _rows(curve)
    way = 1.0 if voltage[-1] < voltage[0] else -1.0  # of the bend that a knee has
    found = [_knee(way * voltage, charge, f * width, begin) for f in (1.0, 0.5, 2.0)]
    depth, level, bend = found[0]
    # smoothing draws a sharp knee towards the flatter line by a share of its width
    sharper = 2 * found[1][0] - depth
    if abs(sharper - depth) < width:
        depth = float(np.clip(sharper, begin, 1.0))
        level = float(np.interp(depth, charge / charge[-1], way * voltage))
    if bend < _BEND:
        raise ValidityError(
            f"{curve.title}: its voltage has no knee after {100 * begin:.0f} % of its charge: it "
            f"leaves a straight line by {100 * bend:.1f} % of its span at most"
        )
    depths = np.array([d for d, _, _ in found])
    volts = way * np.array([v for _, v, _ in found])
    spread = float(np.hypot(np.std(depths), width / np.sqrt(12)))
    d, v = charge / charge[-1], voltage
    near = [float(np.interp(np.clip(depth + s, 0, 1), d, v)) for s in (-spread, spread)]
    return Knee(
        depth=float(depth),
        depth_spread=spread,
        voltage=float(way * level),
        voltage_spread=float(np.hypot(np.std(volts), (near[0] - near[1]) / 2)),
        charge=float(depth * charge[-1]),
    )


def _knee(
    falling: Floats, charge: Floats, width: float, begin: float
) -> tuple[float, float, float]:
    """Depth and voltage of the knee, and how far it lies off the line, over the span."""
    depth = np.linspace(0.0, 1.0, _DEPTHS)
    level = np.interp(depth, charge / charge[-1], falling)
    half = round(width * (_DEPTHS - 1) / 2)
    total = np.concatenate([[0.0], np.cumsum(level)])
    index = np.arange(_DEPTHS)
    reach = np.minimum(np.minimum(index, _DEPTHS - 1 - index), half)  # narrower at the ends
    smooth = (total[index + reach + 1] - total[index - reach]) / (2 * reach + 1)
    part = depth >= begin
    d, v = depth[part], smooth[part]
    fall = float(v[0] - v[-1])
    if not fall > 0:
        return float(d[0]), float(v[0]), 0.0
    above = v - (v[0] - fall * (d - d[0]) / (d[-1] - d[0]))
    k = int(np.argmax(above))
    return float(d[k]), float(v[k]), float(above[k] / np.ptp(falling))


def _rows(curve: Curve) -> tuple[Floats, Floats]:
    """Voltage, and charge that rises to more than nothing."""
    assert curve.charge is not None
    if curve.time.size < _FEWEST or not curve.charge[-1] > 0:
        raise InputError(
            f"{curve.title}: {curve.time.size} rows in which {show('capacity', curve.charge[-1])} "
            f"passed; {_FEWEST} or more with charge are needed"
        )
    return curve.voltage, np.maximum.accumulate(curve.charge)
