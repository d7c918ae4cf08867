"""From the record of an indenter to depth and load from contact on: zero, drift, frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.errors import InputError, ValidityError
from dualyte.measure.indentation.indent import Indent
from dualyte.vocabulary import Floats, show

_SIGMAS: Final = 4.0  # of the load before contact, which contact must exceed
_ROW: Final = 5  # points in a row that must exceed it
_EARLY: Final = 0.1  # of the peak load, up to which the first loads tell where contact was
_POWERS: Final = (1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1)  # of a load that grows with depth
_BASELINE: Final = 100  # points before contact, at most
_STRUCK: Final = 0.04  # of the time of loading, within which no controlled load reaches a quarter


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corrected:
    """An indent from contact on. Arrays are those of the record, corrected."""

    time: Floats  #: (n,) s from contact
    depth: Floats  #: (n,) m from contact, without drift and frame
    load: Floats  #: (n,) N, zero before contact
    begin: int  #: index of contact
    depth_spread: float  #: m, of the zero of depth
    load_spread: float  #: N, of the zero of load
    drift_rate: float  #: m/s, corrected for here
    drift_spread: float  #: m/s
    compliance: float  #: m/N, corrected for here
    noise: float  #: N, of one point
    changes: tuple[str, ...]


def corrected(
    indent: Indent,
    *,
    frame_compliance: float | None = None,
    drift_rate: float | None = None,
    extrapolate: bool = True,
    strikes: bool = False,
) -> Corrected:
    """Find contact and subtract its depth and load, the thermal drift and the frame.

    Parameters
    ----------
    indent
        The record.
    frame_compliance
        m/N; None for what the file says of a record that is not corrected.
    drift_rate
        m/s, positive if the depth grows by itself; None for what the file says, or else what a
        hold at low load shows.
    extrapolate
        Whether contact is where the first loads point back to, and not where they exceed the
        noise.
    strikes
        Whether to accept indents whose tip struck the surface.

    Raises
    ------
    InputError
        If no contact is found.
    ValidityError
        If the tip struck the surface, so that nothing was loaded in a controlled way.
    """
    said: list[str] = []
    if "zero" in indent.corrected:
        begin = int(np.argmax(indent.depth > 0)) if (indent.depth > 0).any() else 0
        zero = (0.0, 0.0, 0.0, 0.0)
    else:
        begin, zero = _contact(indent, extrapolate, said)
    h0, P0, h_spread, P_spread = zero
    time = indent.time - indent.time[begin]
    depth, load = indent.depth - h0, indent.load - P0
    if float(load.max()) <= 0:
        raise InputError(f"{indent.title}: no load is measured after contact")
    if not strikes and "zero" not in indent.corrected:
        _check_strike(indent, time, load, begin)
    rate, rate_spread = _drift(indent, time, depth, load, drift_rate, said)
    compliance = _frame(indent, frame_compliance, said)
    depth = depth - rate * time - compliance * load
    return Corrected(
        time=time, depth=depth, load=load, begin=begin, depth_spread=h_spread,
        load_spread=P_spread, drift_rate=rate, drift_spread=rate_spread, compliance=compliance,
        noise=noise(load[begin:]), changes=tuple(said),
    )  # fmt: skip


def noise(values: Floats) -> float:
    """Standard deviation of single points about a smooth course, from second differences.

    >>> rng = np.random.default_rng(0)
    >>> round(noise(np.linspace(0, 1, 5000) ** 2 + rng.normal(0, 0.01, 5000)), 3)
    0.01
    """
    if values.size < 5:
        return 0.0
    return float(np.median(np.abs(np.diff(values, 2))) / (0.6745 * np.sqrt(6)))


def _contact(
    indent: Indent, extrapolate: bool, said: list[str]
) -> tuple[int, tuple[float, float, float, float]]:
    """Index of contact; depth and load there, and their spreads."""
    h, P = indent.depth, indent.load
    largest = float(P.max())
    count = _baseline(P)
    if count == 0:  # loaded from the first points on
        return _begins_at_contact(indent, said)
    before = P[:count]
    level, spread = float(before.mean()), float(before.std())
    begin = _exceeds(P, level + _SIGMAS * spread, count)
    if begin is None:
        raise InputError(f"{indent.title}: the load never rises; the tip met no surface")
    around = h[max(begin - 2, 0) : begin + _ROW]
    h_spread = max(float(np.ptp(around)) / 4, noise(h[:begin]))
    how = f"{_ROW} points in a row exceed the load before it by {_SIGMAS:g} standard deviations"
    zero = float(h[begin])
    early = _exceeds(P, level + _EARLY * (largest - level), begin)
    if extrapolate and early is not None and early - begin >= _ROW:
        part = slice(begin, min(early, begin + 400))
        zero, wide = _extrapolated(h[part], P[part] - level)
        h_spread = float(np.hypot(wide, noise(h[:begin]) / np.sqrt(_ROW)))
        how = "the first loads above the noise point back to"
    said.append(
        f"contact is where {how}: subtracted {zero * 1e9:.4g} nm of depth (± {h_spread * 1e9:.2g}) "
        f"and {level * 1e6:.4g} µN of load"
    )
    return begin, (zero, level, h_spread, spread / np.sqrt(count))


def _extrapolated(depth: Floats, load: Floats) -> tuple[float, float]:
    """Depth at zero load and its spread, of loads that grow as a power of depth.

    Depth is fitted as a line in the root of the load, for powers from that of a rounded tip to
    that of a sharp one; each counts as well as it fits.
    """
    P = np.maximum(load, 0.0)
    zeros, errors, rests = [], [], []
    for n in _POWERS:
        M = np.stack([np.ones(P.size), P ** (1 / n)], axis=1)
        c = np.linalg.lstsq(M, depth, rcond=None)[0]
        rests.append(float(np.sum((M @ c - depth) ** 2)))
        cov = np.linalg.pinv(M.T @ M) * rests[-1] / max(P.size - 2, 1)
        zeros.append(float(c[0]))
        errors.append(float(cov[0, 0]))
    rest = np.array(rests)
    size = max(float(rest.min()) / max(P.size - 2, 1), 1e-30)
    weight = np.exp(-(rest - rest.min()) / (2 * size))
    weight /= weight.sum()
    zero = float(weight @ np.array(zeros))
    wide = weight @ ((np.array(zeros) - zero) ** 2 + np.array(errors))
    return zero, float(np.sqrt(wide))


def _baseline(load: Floats) -> int:
    """How many points are before contact, at least: those over which the load does not rise."""
    size = float(load.max() - load[0])
    most = min(_BASELINE, load.size // 10)
    for count in (most, most // 2, most // 4, most // 8):
        if count < _ROW:
            break
        ends = max(count // 10, 1)
        rise = float(load[count - ends : count].mean() - load[:ends].mean())
        if rise <= max(0.002 * size, 3 * noise(load[:count])):
            return count
    return 0


def _exceeds(load: Floats, level: float, start: int) -> int | None:
    """First index from `start` on where some points in a row exceed a load."""
    above = load > level
    above[:start] = False
    row = np.convolve(above, np.ones(_ROW), mode="valid") == _ROW
    return int(np.argmax(row)) if row.any() else None


def _begins_at_contact(
    indent: Indent, said: list[str]
) -> tuple[int, tuple[float, float, float, float]]:
    """Zeros of a record without an approach."""
    h, P = indent.depth, indent.load
    h0, first = float(h[0]), float(P[0])
    deep, high = float(h.max()), float(P.max())
    step = float(abs(h[1] - h[0]))
    if h0 > 0.005 * deep and 0 < first < 0.2 * high:  # a record cut off at its beginning
        said.append("the record begins under load: zeros of depth and load are those of the file")
        return 0, (0.0, 0.0, step, 0.0)
    if first > 0.2 * high:
        raise InputError(
            f"{indent.title} begins at a load of {first:.3g} N, of {high:.3g} N at most: its "
            "loading is missing, or its zero is; export the whole record"
        )
    if h0 or first:
        said.append(
            f"there is no approach, so the first point is contact: subtracted {h0 * 1e9:.4g} nm of "
            f"depth and {first * 1e3:.4g} mN of load"
        )
    return 0, (h0, first, step, noise(P))


def _check_strike(indent: Indent, time: Floats, load: Floats, begin: int) -> None:
    """Refuse an indent whose load jumped at contact."""
    high = float(load.max())
    rising = load[begin:]
    quarter = float(time[begin + int(np.argmax(rising >= 0.25 * high))])
    full = float(time[begin + int(np.argmax(rising >= 0.95 * high))])
    if full > 0 and quarter < _STRUCK * full:
        raise ValidityError(
            f"{indent.title}: the tip struck the surface (a quarter of the load within "
            f"{quarter:.2g} s of contact, {100 * quarter / full:.1f} % of the time of loading), so "
            "its unloading gives no result; strikes=True takes it anyway"
        )


def _drift(
    indent: Indent,
    time: Floats,
    depth: Floats,
    load: Floats,
    given: float | None,
    said: list[str],
) -> tuple[float, float]:
    """Rate of thermal drift [m/s] to correct for, and its standard deviation."""
    if given is not None:
        said.append(f"corrected for the given drift of {given * 1e9:.3g} nm/s")
        return given, 0.0
    if "drift" in indent.corrected:
        return 0.0, 0.0
    if indent.facts.drift_rate is not None:
        rate, spread = indent.facts.drift_rate, indent.facts.drift_spread
        said.append(f"corrected for a drift of {rate * 1e9:.3g} nm/s, measured before the indent")
        return rate, spread
    found = drift_in_hold(time, depth, load)
    if found is None:
        return 0.0, 0.0
    said.append(f"corrected for a drift of {found[0] * 1e9:.3g} nm/s, from the hold at low load")
    return found


def drift_in_hold(time: Floats, depth: Floats, load: Floats) -> tuple[float, float] | None:
    """Thermal drift [m/s] from a hold at 5 to 20 % of the peak load after it, with its spread.

    The second half of the hold is used, where creep has ended. None if there is no such hold of
    5 s and 20 points.
    """
    high = float(load.max())
    peak = int(np.flatnonzero(load >= 0.9 * high)[-1])
    after = load[peak:]
    inside = np.flatnonzero((after > 0.05 * high) & (after < 0.2 * high))
    if inside.size < 20:
        return None
    level = float(np.median(after[inside]))
    flat = peak + inside[np.abs(after[inside] - level) < 0.01 * high]
    late = flat[flat.size // 2 :]
    if flat.size < 20 or time[flat[-1]] - time[flat[0]] < 5.0 or np.ptp(time[late]) <= 0:
        return None
    t, h = time[late], depth[late]
    fit, cov = np.polyfit(t, h, 1, cov=True)
    halves = [np.polyfit(a, b, 1)[0] for a, b in ((t[::2], h[::2]), (t[1::2], h[1::2]))]
    spread = max(float(np.sqrt(cov[0, 0])), abs(halves[0] - halves[1]) / 2)
    return float(fit[0]), spread


def _frame(indent: Indent, given: float | None, said: list[str]) -> float:
    """Compliance of the frame [m/N] to correct for."""
    named = indent.facts.frame_compliance
    done = "frame" in indent.corrected
    if given is not None:
        if done and given:
            said.append("corrected for the given frame on top of what the instrument did")
        return given
    if named is None:
        return 0.0
    if done:
        said.append(
            f"the frame of the file, {show('compliance', named)}, is taken off its depth already"
        )
        return 0.0
    said.append(f"corrected for the frame of the file, {show('compliance', named)}")
    return named
