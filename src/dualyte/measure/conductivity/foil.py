"""Resistance of electrode foils, which falls as they are pressed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats, checked, show

_FEWEST: Final = 4  # points; two numbers are fitted
_REACH: Final = 2.0  # ratio of pressures that tells 1/P from a constant


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoilFit:
    """R A = R_pellet A + a/P fitted to one branch."""

    slope: float  #: a, Ω m² Pa
    slope_spread: float
    pellet: float  #: Ω m², resistance at infinite pressure
    pellet_spread: float
    covariance: Floats  #: (2, 2) of pellet and slope
    curvature: float  #: probability of so much curvature in 1/P by chance; nan if not testable

    def at(self, pressure: npt.ArrayLike) -> Floats:
        """Resistance of the foils at a pressure [Pa], Ω m²."""
        return np.asarray(self.slope / np.asarray(pressure, dtype=np.float64))

    @property
    def flags(self) -> tuple[str, ...]:
        """What to know before using it."""
        found = []
        if self.slope < 2 * self.slope_spread:
            found.append(
                "the foil resistance is not told apart from zero: "
                f"{show('asr', self.slope / 1e6, 3)} ± {show('asr', self.slope_spread / 1e6, 2)} "
                "at 1 MPa"
            )
        if self.curvature < 0.05:
            found.append(
                f"resistance against 1/P bends (p = {self.curvature:.2g}): the pellet changes "
                "with pressure too, so the foil resistance is an upper limit"
            )
        return tuple(found)


def fit_foil(
    pressure: npt.ArrayLike, asr: npt.ArrayLike, spread: npt.ArrayLike | None = None
) -> FoilFit:
    """Fit a foil resistance that falls as 1/P to resistances of one pellet.

    Parameters
    ----------
    pressure : (n,)
        Pa; four points or more, over a factor of two or more.
    asr : (n,)
        Ω m².
    spread : (n,), optional
        Ω m², one standard deviation.

    Raises
    ------
    InputError
        If the pressures are too few or too close.

    Notes
    -----
    The pellet is taken to have one resistance over the branch: right after it was pressed
    harder before than in the branch, and no more than an upper limit else. A quadratic term in
    1/P is tested for that.

    Examples
    --------
    >>> import numpy as np
    >>> P = np.array([1e6, 2e6, 5e6, 20e6, 50e6])
    >>> fit = fit_foil(P, 0.010 + 500 / P)
    >>> round(fit.pellet, 6), round(fit.slope, 6)
    (0.01, 500.0)
    """
    P = checked("pressure", pressure).ravel()
    y = np.asarray(asr, dtype=np.float64).ravel()
    if P.size < _FEWEST or np.unique(P).size < 3 or P.max() < _REACH * P.min():
        raise InputError(
            f"{P.size} points at {show('pressure', float(P.min())) if P.size else 'no pressure'} … "
            f"{show('pressure', float(P.max())) if P.size else ''} cannot tell a foil resistance; "
            "measure at four pressures or more, over a factor of two, or give foil_resistance"
        )
    s = None if spread is None else np.asarray(spread, dtype=np.float64).ravel()
    x = P.min() / P
    theta, cov = _line(np.column_stack([np.ones_like(x), x]), y, s)
    unit = np.diag([1.0, P.min()])
    theta, cov = unit @ theta, unit @ cov @ unit
    return FoilFit(
        slope=float(theta[1]), slope_spread=float(np.sqrt(cov[1, 1])), pellet=float(theta[0]),
        pellet_spread=float(np.sqrt(cov[0, 0])), covariance=cov, curvature=_bends(x, y, s),
    )  # fmt: skip


def _line(A: Floats, y: Floats, s: Floats | None) -> tuple[Floats, Floats]:
    """Weighted least squares; the covariance is scaled where χ² is larger than the spreads."""
    root = np.ones_like(y) if s is None else 1 / s
    theta, *_ = np.linalg.lstsq(A * root[:, None], y * root, rcond=None)
    r = root * (y - A @ theta)
    reduced = float(r @ r) / max(y.size - A.shape[1], 1)
    cov = np.linalg.inv((A * root[:, None]).T @ (A * root[:, None]))
    scale = reduced if s is None else max(reduced, 1.0)
    return np.asarray(theta, dtype=np.float64), np.asarray(cov * scale)


def _bends(x: Floats, y: Floats, s: Floats | None) -> float:
    from scipy.stats import t as t_law

    free = y.size - 3
    if free < 1 or np.unique(x).size < 4:
        return float("nan")
    theta, cov = _line(np.column_stack([np.ones_like(x), x, x**2]), y, s)
    floor = (1e-12 * float(np.abs(y).max())) ** 2  # rounding is no curvature
    return 2 * float(t_law.sf(abs(theta[2]) / np.sqrt(cov[2, 2] + floor), free))
