"""What a press does: pressure and temperature in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dualyte.errors import InputError
from dualyte.vocabulary import ROOM, Floats, checked, show


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Pressure and temperature of a press, linear between points; joined with `+`."""

    time: Floats  #: (k,) s, from 0, ascending; two equal times are a jump
    pressure: Floats  #: (k,) Pa
    temperature: Floats  #: (k,) K

    def __post_init__(self) -> None:
        columns = (self.time, self.pressure, self.temperature)
        t, p, T = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in columns)
        if not (t.shape == p.shape == T.shape) or t.ndim != 1:
            raise InputError(
                f"a press history needs as many pressures ({p.size}) and temperatures ({T.size}) "
                f"as times ({t.size})"
            )
        if not np.isfinite(t).all() or t[0] != 0 or (np.diff(t) < 0).any():
            raise InputError(f"times {t.tolist()} of a press history must rise from 0 s")
        if not (p >= 0).all():
            raise InputError(f"pressure {p.min():g} Pa is negative; a press pushes")
        checked("pressure", p[p > 0])
        checked("temperature", T)
        for name, x in zip(("time", "pressure", "temperature"), (t, p, T), strict=True):
            x = x.copy()
            x.flags.writeable = False
            object.__setattr__(self, name, x)

    def __add__(self, other: History) -> History:
        """Do this, then the other."""
        return History(
            time=np.concatenate([self.time, self.time[-1] + other.time]),
            pressure=np.concatenate([self.pressure, other.pressure]),
            temperature=np.concatenate([self.temperature, other.temperature]),
        )

    def __str__(self) -> str:
        points = ", ".join(
            f"{show('pressure', p)} at {t:g} s"
            for t, p in zip(self.time, self.pressure, strict=True)
        )
        return f"press: {points}"

    def resolved(self, extra: Sequence[float] = ()) -> History:
        """Add points: even ones in ramps, in holds ever wider apart, and the times `extra`."""
        pieces = []
        ramped = np.linspace(0, 1, 33)
        held = np.concatenate([[0.0], np.geomspace(1e-4, 1, 32)])
        for k in range(self.time.size - 1):
            flat = self.pressure[k] == self.pressure[k + 1]
            span = self.time[k + 1] - self.time[k]
            pieces.append(self.time[k] + span * (held if flat else ramped)[:-1])
        inner = [t for t in extra if 0 < t < self.time[-1]]
        times = np.concatenate([*pieces, self.time[-1:]])
        # a jump keeps its two points: the first holds the old pressure, the second the new one
        P, T = self.pressure, self.temperature
        jumps = np.flatnonzero(np.diff(self.time) == 0)
        keep = np.unique(np.concatenate([times, inner]))
        pressure, temperature = np.interp(keep, self.time, P), np.interp(keep, self.time, T)
        for k in map(int, jumps):
            at = int(np.searchsorted(keep, self.time[k]))
            keep = np.insert(keep, at, self.time[k])
            pressure = np.insert(pressure, at, P[k])
            temperature = np.insert(temperature, at, T[k])
            pressure[at + 1], temperature[at + 1] = P[k + 1], T[k + 1]
        return History(time=keep, pressure=pressure, temperature=temperature)


def hold(
    pressure: float,
    dwell: float,
    *,
    ramp: float = 0.0,
    release: float | None = None,
    unloading: float = 0.0,
    temperature: float = ROOM,
) -> History:
    """Raise the pressure, hold it, and let it go.

    Parameters
    ----------
    pressure
        Held [Pa].
    dwell
        Time at it [s].
    ramp
        Time of the rise from zero [s]; none is an instant rise.
    release
        Pressure afterwards [Pa]; by default the hold is the end.
    unloading
        Time of the fall to it [s].
    temperature
        Throughout [K].

    Examples
    --------
    >>> print(hold(120e6, 180.0, ramp=10.0))
    press: 0 MPa at 0 s, 120 MPa at 10 s, 120 MPa at 190 s
    """
    for name, t in (("dwell", dwell), ("ramp", ramp), ("unloading", unloading)):
        if not (np.isfinite(t) and t >= 0):
            raise InputError(f"{name} is {t:g} s; a time is zero or more")
    checked("pressure", pressure)
    points = [(0.0, 0.0 if ramp > 0 else pressure)]
    if ramp > 0:
        points.append((ramp, pressure))
    if dwell > 0:
        points.append((points[-1][0] + dwell, pressure))
    if release is not None:
        if not 0 <= release <= pressure:
            raise InputError(
                f"release to {show('pressure', release)} is not between 0 and the held "
                f"{show('pressure', pressure)}"
            )
        points.append((points[-1][0] + unloading, release))
    rows = np.array(points)
    return History(
        time=rows[:, 0], pressure=rows[:, 1], temperature=np.full(len(points), temperature)
    )
