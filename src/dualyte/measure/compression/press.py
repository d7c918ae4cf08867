"""Force against displacement: load zero, contact, work, stiffness and break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.vocabulary import Floats, show

_QUIET: Final = 5  # rows, the fewest of a baseline
_AT: Final = 0.98  # of the largest force: the top of the run
_FELL: Final = 0.2  # of the largest force, within two rows: a break
_STEEP: Final = (0.2, 0.25, 1 / 3, 0.4)  # share of the largest force that a slope is taken over


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadZero:
    """The force that the load cell shows without load."""

    value: float  #: N
    spread: float  #: N, standard error; nan where it is not known
    noise: float  #: N, standard deviation of one row
    how: str  #: in words
    known: bool  #: whether it was found or given


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Rows at which parts of a run begin and end; every part holds both."""

    contact: int  #: first row under load
    top: int  #: first row near the largest force
    release: int  #: last row before the punch goes back
    end: int  #: last row of the unloading, or of the run
    held: bool  #: whether the force was held between top and release
    unloads: bool  #: whether the punch goes back
    broke: int | None = None  #: last row before the force falls at once
    presses: int = 1  #: how often the punch comes down; these are the parts of the highest one


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work of compression by segment, J, with standard deviations."""

    loading: float  #: spent from contact to the release, hold included
    hold: float  #: of that, spent while the force was held
    elastic: float  #: returned on unloading; nan where nothing was unloaded
    plastic: float  #: what stays
    loading_spread: float
    elastic_spread: float
    plastic_spread: float
    hold_spread: float  #: J; nan without a hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A stiffness, N/m."""

    value: float
    error: float  #: standard error of the regression
    spread: float  #: standard deviation over ranges, or nan
    low: float  #: m, where its range begins
    high: float  #: m
    force: float  #: N, on the line at `low`

    @property
    def total(self) -> float:
        """Standard deviation: error and spread together."""
        return float(np.hypot(self.error, 0.0 if np.isnan(self.spread) else self.spread))


def noise_of(values: Floats) -> float:
    """Standard deviation of one row about its neighbours, whatever the trend.

    >>> rng = np.random.default_rng(1)
    >>> round(noise_of(np.linspace(0, 99, 4000) + rng.normal(0, 0.2, 4000)), 2)
    0.2
    """
    if values.size < 3:
        return 0.0
    bend = np.abs(np.diff(values, 2))
    return float(1.4826 * np.median(bend) / np.sqrt(6))


def peak_row(force: Floats) -> int:
    """Row of the largest force, by a running mean of five rows, which noise hardly moves.

    >>> peak_row(np.array([0.0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0]))
    5
    """
    if force.size < 20:
        return int(np.argmax(force))
    sums = np.concatenate([[0.0], np.cumsum(force)])
    rows = np.arange(force.size)
    half = np.minimum(np.minimum(rows, rows[::-1]), 2)
    smooth = int(np.argmax((sums[rows + half + 1] - sums[rows - half]) / (2 * half + 1)))
    first = int(np.argmax(force))  # a sharp peak is no noise
    return first if force[first] - force[smooth] > 5 * noise_of(force) else smooth


def load_zero(force: Floats, displacement: Floats, given: float | None = None) -> LoadZero:
    """Find the force without load: before contact, else after the run.

    Parameters
    ----------
    force, displacement : (m,)
        N and m, growing on loading.
    given
        N, if it is known.

    Returns
    -------
    LoadZero
        With `known` false, and 0 N, if the run begins and ends under load.
    """
    noise = noise_of(force)
    if given is not None:
        return LoadZero(value=given, spread=0.0, noise=noise, how="as given", known=True)
    before = _quiet(force, noise)
    if before is not None:
        return _zero(force[:before], f"mean of the first {before} rows, before contact")
    after = _quiet(force[::-1], noise)
    top = peak_row(force)
    if after is not None and force.size - after > top:
        return _zero(force[-after:], f"mean of the last {after} rows, after the run")
    return LoadZero(
        value=0.0, spread=np.nan, noise=noise, known=False,
        how="not found: the run begins and ends under load, so the force is as in the file",
    )  # fmt: skip


def _zero(quiet: Floats, how: str) -> LoadZero:
    noise = float(np.std(quiet, ddof=1))
    return LoadZero(
        value=float(np.mean(quiet)), spread=noise / np.sqrt(quiet.size), noise=noise, how=how,
        known=True,
    )  # fmt: skip


def _quiet(force: Floats, noise: float) -> int | None:
    """Number of rows at the beginning that show no load, or None."""
    span = float(np.ptp(force))
    floor = max(noise, 1e-5 * span)
    begin = min(max(_QUIET, force.size // 100), 40)
    if force.size < 3 * _QUIET:
        return None
    head = force[:begin]
    sd = max(float(np.std(head, ddof=1)), floor)
    rows = np.arange(begin) - (begin - 1) / 2
    drift = float(rows @ head / (rows @ rows)) * begin
    error = floor * np.sqrt(12 / begin)
    if abs(drift) > max(2.5 * error, 2e-4 * span) or sd > max(3 * floor, 2e-3 * span):
        return None
    above = force > float(np.mean(head)) + max(4 * sd, 5e-4 * span)
    three = above[:-2] & above[1:-1] & above[2:]
    first = int(np.argmax(three)) if three.any() else force.size
    # the toe of the contact lies below what can be seen: stay away from it
    count = int(0.7 * first)
    if count < _QUIET:
        return None
    return count if abs(np.median(force[:count]) - np.median(force)) < span else None


# ---------------------------------------------------------------- segments


def segments(
    pressed: Floats,
    travel: Floats | None = None,
    time: Floats | None = None,
    *,
    noise: float = 0.0,
) -> Segments:
    """Part a run into loading, hold and unloading, and find a break.

    Parameters
    ----------
    pressed : (m,)
        Force [N] without its zero, or pressure [Pa].
    travel : (m,)
        Displacement of the punch [m], where it is known.
    time : (m,)
        s; else rows count.
    noise
        Of one row of `pressed`.

    Raises
    ------
    InputError
        If nothing presses.
    """
    most = float(pressed.max())
    if not most > 0:
        raise InputError(f"the largest force or pressure is {most:.3g}: nothing presses")
    if time is not None and pressed.min() > 0.9 * most and pressed.size >= 10 and travel is None:
        last = pressed.size - 1
        return Segments(contact=0, top=0, release=last, end=last, held=True, unloads=False)
    clock = np.arange(pressed.size, dtype=np.float64) if time is None else time
    level = _AT * most - 2 * noise
    top = int(np.argmax(pressed >= level))
    presses, stop = _presses(pressed, top)
    pressed, travel = pressed[:stop], None if travel is None else travel[:stop]
    peak = top + peak_row(pressed[top:])
    broke = _break(pressed, travel, most)
    release, unloads = _release(pressed, travel, peak, level, broke)
    contact = _contact(pressed, top, max(5 * noise, 1e-3 * most))
    steady = bool(pressed[top : release + 1].min() > 0.9 * most)
    at_90 = int(np.argmax(pressed >= 0.9 * most))
    rise, dwell = clock[top] - clock[at_90], clock[release] - clock[top]
    held = steady and release - top >= 10 and dwell > 3 * rise and broke is None
    if held:
        top = _reached(pressed, top, release, noise)
    end = pressed.size - 1
    if unloads:
        done = pressed[release:] <= max(2 * noise, 1e-3 * most)
        end = release + int(np.argmax(done)) if done.any() else end
    elif broke is not None:
        end = broke
    return Segments(
        contact=contact, top=top, release=release, end=end, held=held, unloads=unloads,
        broke=broke, presses=presses,
    )  # fmt: skip


def _reached(pressed: Floats, top: int, release: int, noise: float) -> int:
    """Row at which the load of a hold is reached: where the rise, drawn on, comes to it."""
    usual = float(np.median(pressed[top : release + 1]))
    first, last = (int(np.argmax(pressed >= share * usual)) for share in (0.96, 0.99))
    slope, _, middle = regress(np.arange(first, last + 1.0), pressed[first : last + 1])
    if last - first >= 4 and slope > 0:
        at = (first + last) / 2 + (usual - middle) / slope
        return int(np.clip(round(at), last, release - 10))
    return top + int(np.argmax(pressed[top:] >= 0.998 * usual - 3 * noise))


def _presses(pressed: Floats, top: int) -> tuple[int, int]:
    """How often the punch comes down, and the row at which the push with the top is over."""
    most = float(pressed.max())
    state = np.where(pressed > 0.6 * most, 1, np.where(pressed < 0.3 * most, -1, 0))
    clear = np.flatnonzero(state)
    before = np.concatenate([[-1], state[clear[:-1]]])
    ups = [int(k) for k in clear[(before < 0) & (state[clear] > 0)]]
    later = [up for up in ups if up > top]
    if not later:
        return max(len(ups), 1), pressed.size
    return len(ups), top + int(np.argmin(pressed[top : later[0]])) + 1


def _contact(pressed: Floats, top: int, level: float) -> int:
    """First row from which on the force stays above the level."""
    under = np.flatnonzero(pressed[: top + 1] < level)
    return int(under[-1]) + 1 if under.size and under[-1] < top else 0


def _break(pressed: Floats, travel: Floats | None, most: float) -> int | None:
    """Last row before the force falls at once though the punch does not go back."""
    if travel is None or pressed.size < 20:
        return None
    fall = pressed[:-2] - pressed[2:]
    stroke = float(np.ptp(travel))
    on = travel[2:] - travel[:-2] > -2e-3 * stroke
    for k in np.flatnonzero((fall > _FELL * most) & on):
        after = pressed[k + 2 :]
        if after.size and np.median(after) < 0.1 * most and np.max(after) < 0.3 * most:
            return int(k) if pressed[k] - pressed[k + 1] > _FELL / 2 * most else int(k) + 1
    return None


def _release(
    pressed: Floats, travel: Floats | None, peak: int, level: float, broke: int | None
) -> tuple[int, bool]:
    """Last row before the punch goes back, and whether it does."""
    most = float(pressed.max())
    if broke is not None:
        return peak, False
    if travel is None:
        last = int(np.flatnonzero(pressed >= level)[-1])
        return last, bool(pressed[last:].min() < 0.9 * most) and pressed.size - 1 - last >= 3
    turn = float(travel[pressed >= 0.5 * most].max())
    jitter = 3 * noise_of(travel) + 1e-9 * abs(turn)
    near = np.flatnonzero((travel >= turn - jitter) & (pressed >= 0.5 * most))
    last = int(near[-1])
    goes = travel[last:].min() < turn - max(jitter, 1e-4 * float(np.ptp(travel)))
    return last, bool(goes and pressed[last:].min() < 0.9 * pressed[last])


# ---------------------------------------------------------------- work and stiffness


def work_of(
    force: Floats,
    displacement: Floats,
    parts: Segments,
    zero: LoadZero,
    compliance_spread: float = 0.0,
) -> Work:
    """Integrate the force over the displacement, by segment.

    Parameters
    ----------
    force, displacement : (m,)
        N without the load zero, and m without what the frame gives.
    parts
        Where the segments begin and end.
    zero
        Its spread enters that of the work.
    compliance_spread
        m/N, standard deviation of the compliance.

    Examples
    --------
    >>> u = np.r_[np.linspace(0, 1e-3, 101), np.linspace(1e-3, 8e-4, 101)]
    >>> f = np.r_[np.linspace(0, 100, 101), np.linspace(100, 0, 101)]
    >>> work = work_of(f, u, segments(f, u), load_zero(f, u, 0.0))
    >>> round(work.loading, 4), round(work.elastic, 4), round(work.plastic, 4)
    (0.05, 0.01, 0.04)
    """
    a, r, e = parts.contact, parts.release, parts.end

    def area(i: int, j: int) -> float:
        return float(np.trapezoid(force[i : j + 1], displacement[i : j + 1]))

    def spread(i: int, j: int) -> float:
        """Load zero, compliance, and the noise of both columns."""
        shift = zero.spread * abs(displacement[j] - displacement[i])  # nan where it is not known
        frame = compliance_spread * abs(force[j] ** 2 - force[i] ** 2) / 2
        du, df = np.diff(displacement[i : j + 1]), np.diff(force[i : j + 1])
        cell = zero.noise * float(np.sqrt((du**2).sum()))
        ends = np.hypot(force[i], force[j])  # where a segment begins and ends is off by noise
        encoder = noise_of(displacement) * float(np.hypot(np.sqrt((df**2).sum()), ends))
        return float(np.sqrt(shift**2 + frame**2 + cell**2 + encoder**2))

    last = parts.end if parts.broke is not None or not parts.unloads else r
    loading = area(a, last)
    elastic = -area(r, e) if parts.unloads else np.nan
    sl, se = spread(a, last), spread(r, e) if parts.unloads else np.nan
    return Work(
        loading=loading, hold=area(parts.top, r) if parts.held else 0.0, elastic=elastic,
        plastic=loading - elastic, loading_spread=sl, elastic_spread=se,
        # what the row of the release is off by is in both, and not in their difference
        plastic_spread=spread(a, e) if parts.unloads else np.nan,
        hold_spread=spread(parts.top, r) if parts.held else np.nan,
    )  # fmt: skip


def regress(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Slope, its standard error, and value at the mean of x of a straight line.

    >>> slope, error, middle = regress(np.arange(4.0), 2 * np.arange(4.0) + 1)
    >>> round(slope, 9), round(middle, 9)
    (2.0, 4.0)
    """
    dx = x - x.mean()
    sxx = float(dx @ dx)
    if x.size < 3 or sxx == 0:
        return np.nan, np.nan, float(y.mean())
    slope = float(dx @ y) / sxx
    left = y - y.mean() - slope * dx
    return slope, float(np.sqrt(left @ left / (x.size - 2) / sxx)), float(y.mean())


def loading_stiffness(force: Floats, displacement: Floats, parts: Segments) -> Slope | None:
    """Steepest slope of the loading curve over a third of the largest force.

    Returns
    -------
    Slope or None
        Its spread is over ranges of 0.2 to 0.4 of the largest force; None if no range holds
        five rows.
    """
    peak = parts.contact + peak_row(force[parts.contact : parts.end + 1])
    stop = parts.top + 1 if parts.held else peak + 1
    x, y = displacement[parts.contact : stop], force[parts.contact : stop]
    found = {share: _steepest(x, y, share * float(force.max())) for share in _STEEP}
    best = found[_STEEP[2]]
    if best is None:
        return None
    i, j = best
    slope, error, middle = regress(x[i:j], y[i:j])
    others = [regress(x[f[0] : f[1]], y[f[0] : f[1]])[0] for f in found.values() if f is not None]
    spread = float(np.std(others, ddof=1)) if len(others) > 1 else np.nan
    return Slope(
        value=slope, error=error, spread=spread, low=float(x[i]), high=float(x[j - 1]),
        force=middle + slope * float(x[i] - x[i:j].mean()),
    )  # fmt: skip


def _steepest(x: Floats, y: Floats, rise: float) -> tuple[int, int] | None:
    """Rows of the steepest regression over a rise of y."""
    smooth = np.maximum.accumulate(y)
    starts = np.arange(x.size)
    ends = np.searchsorted(smooth, y + rise) + 1
    ok = (ends <= x.size) & (ends - starts >= _QUIET)
    if not ok.any():
        return None
    starts, ends = starts[ok], ends[ok]
    x0, y0 = x - x.mean(), y - y.mean()
    sums = [np.concatenate([[0.0], np.cumsum(v)]) for v in (x0, y0, x0 * x0, x0 * y0)]
    n = ends - starts
    sx, sy, sxx, sxy = (s[ends] - s[starts] for s in sums)
    below = sxx - sx * sx / n
    slopes = np.where(below > 0, (sxy - sx * sy / n) / np.where(below > 0, below, 1.0), -np.inf)
    k = int(np.argmax(slopes))
    return int(starts[k]), int(ends[k])


def unloading_stiffness(force: Floats, displacement: Floats, parts: Segments) -> Slope | None:
    """Slope of the unloading curve from 95 to 50 % of the force at the release.

    Its spread is over 95–70, 95–50 and 80–40 %; None if the unloading is too short.
    """
    if not parts.unloads:
        return None
    x, y = displacement[parts.release : parts.end + 1], force[parts.release : parts.end + 1]
    found = []
    for high, low in ((0.95, 0.5), (0.95, 0.7), (0.8, 0.4)):
        rows = (y <= high * y[0]) & (y >= low * y[0])
        if rows.sum() >= 3:
            slope, error, middle = regress(x[rows], y[rows])
            found.append((slope, error, middle, x[rows]))
    if not found or not found[0][0] > 0:
        return None
    slope, error, middle, at = found[0]
    spread = float(np.std([f[0] for f in found], ddof=1)) if len(found) > 1 else np.nan
    low = float(at.min())
    return Slope(
        value=slope, error=error, spread=spread, low=low, high=float(at.max()),
        force=middle + slope * (low - float(at.mean())),
    )  # fmt: skip


# ---------------------------------------------------------------- the frame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """How far the frame itself gives under a force."""

    force: Floats  #: (k,) N, rising from 0
    give: Floats  #: (k,) m
    compliance: float  #: m/N, slope of the upper part
    spread: float  #: m/N
    how: str

    def at(self, force: Floats) -> Floats:
        """Give [m] at forces [N]; beyond the last one it goes on straight."""
        inside = np.interp(force, self.force, self.give)
        beyond = np.maximum(force - self.force[-1], 0.0) + np.minimum(force, 0.0)
        return np.asarray(inside + self.compliance * beyond)


def stiff_frame(compliance: float) -> Frame:
    """A frame of constant compliance [m/N].

    >>> float(stiff_frame(1e-8).at(np.array([2e4]))[0])
    0.0002
    """
    if not 0 <= compliance < 1e-3:
        raise InputError(
            f"a compliance of {compliance:g} m/N ({show('compliance', compliance)}) is not that of "
            "a frame; give it in m/N, such as 1e-8"
        )
    force = np.array([0.0, 1.0])
    return Frame(force=force, give=compliance * force, compliance=compliance, spread=0.0,
                 how=f"compliance {compliance:.4g} m/N as given")  # fmt: skip


def frame_of(force: Floats, displacement: Floats, *, name: str = "blank run") -> Frame:
    """What the frame gives, from a run without powder.

    Parameters
    ----------
    force, displacement : (m,)
        N and m, as logged.

    Raises
    ------
    InputError
        If fewer than ten rows are under load, or the slope is not positive.
    """
    zero = load_zero(force, displacement)
    f = force - zero.value
    parts = segments(f, displacement, noise=zero.noise)
    peak = peak_row(f)
    f, u = f[parts.contact : peak + 1], displacement[parts.contact : peak + 1]
    if f.size < 10:
        raise InputError(f"{name} has {f.size} rows under load; a blank run has 10 or more")
    upper = f >= 0.3 * f.max()
    slope, _, _ = regress(u[upper], f[upper])
    # force has the noise of the cell, displacement that of the encoder: regress u on f
    give, error, _ = regress(f[upper], u[upper])
    if not (slope > 0 and give > 0):
        raise InputError(
            f"{name}: the force does not grow with the displacement; is it a blank run?"
        )
    edges = np.linspace(0.0, float(f.max()), 41)
    which = np.clip(np.digitize(f, edges) - 1, 0, 39)
    filled = [k for k in range(40) if (which == k).any()]
    at = np.array([f[which == k].mean() for k in filled])
    where = np.maximum.accumulate([u[which == k].mean() for k in filled])
    start = float(where[0] - (where[1] - where[0]) / (at[1] - at[0]) * at[0])
    return Frame(
        force=np.concatenate([[0.0], at]), give=np.concatenate([[0.0], where - start]),
        compliance=give, spread=error,
        how=f"blank run {name}: {give:.4g} m/N above 30 % of its largest force",
    )  # fmt: skip
