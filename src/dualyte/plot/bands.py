"""Stack pressures as bands behind what is drawn against cycles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.plot.figure import Series


def held_pressures(pressure: npt.ArrayLike) -> list[float]:
    """Known stack pressures in the order they come [Pa].

    >>> held_pressures([7e6, 7e6, float("nan"), 5e6])
    [7000000.0, 5000000.0]
    """
    P = np.asarray(pressure, dtype=np.float64)
    return list(dict.fromkeys(P[np.isfinite(P)].tolist()))


def pressure_bands(
    cycle: npt.ArrayLike, pressure: npt.ArrayLike, limits: tuple[float, float]
) -> list[Series]:
    """Rectangles behind cycles of one pressure, as tall as the panel.

    Parameters
    ----------
    cycle, pressure : (n,)
        Numbers of cycles, and their stack pressures [Pa].
    limits
        Of the panel.
    """
    N, P = np.asarray(cycle), np.asarray(pressure, dtype=np.float64)
    out = []
    for colour, held in enumerate(held_pressures(P)):
        mine = np.flatnonzero(held == P)
        for run in np.split(mine, np.flatnonzero(np.diff(mine) > 1) + 1):
            a, b = N[run[0]] - 0.5, N[run[-1]] + 0.5
            edges = np.array([limits[0]] * 2 + [limits[1]] * 2)
            out.append(Series(x=np.array([a, b, b, a]), y=edges, style="area", colour=colour))
    return out
