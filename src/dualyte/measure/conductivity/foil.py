"""Resistance of electrode foils, which falls as they are pressed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.grid import read_grid
from dualyte.measure.files.quantity_columns import quantity_column
from dualyte.vocabulary import Floats, checked, show

_FEWEST: Final = 4  # points; two numbers are fitted
#: headings of a column of foils
FOIL: Final = ("R[ _]?foils?", "foils?( resistance)?", "R[ _]?blank", "blank")
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
        """Resistance of the foils at a pressure [Pa], Ω m²; never below zero."""
        return np.asarray(max(self.slope, 0.0) / np.asarray(pressure, dtype=np.float64))

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


# ---------------------------------------------------------------- what is taken off


@dataclass(frozen=True, slots=True, kw_only=True)
class Foils:
    """What is known of the foils."""

    asr: float | None = None
    pressure: float | None = None  #: Pa, where `asr` holds; it falls as 1/P from there
    blank: tuple[Floats, Floats] | None = None  #: Pa, Ω m²
    fit: bool = False


def settled(
    asr: float | None, pressure: float | None, blank: str | None, fit: bool, area: float | None
) -> Foils:
    """Settle how the foils are taken off."""
    if (asr is not None) + (blank is not None) + fit > 1:
        raise InputError(
            "give one of foil_resistance, blank and foil_fit: each takes the foils off"
        )
    if pressure is not None and asr is None:
        raise InputError("foil_pressure needs foil_resistance, the resistance there")
    if asr is not None and asr < 0:
        raise InputError(f"foil_resistance={asr:g} Ω m² is negative; check its sign")
    return Foils(
        asr=asr, pressure=pressure, fit=fit, blank=_blank(Path(blank), area) if blank else None
    )


def _blank(path: Path, area: float | None) -> tuple[Floats, Floats]:
    """Resistance of foils against pressure, sorted."""
    if not path.is_file():
        raise InputError(f"no file {str(path)!r} with the resistance of the foils")
    grid = read_grid(path)
    P = quantity_column(grid, ("pressure", "stack pressure", "P"), ("pressure",))
    R = quantity_column(grid, (*FOIL, "R", "resistance", "ASR"), ("asr", "resistance"))
    if P is None or R is None:
        raise InputError(
            f"{path.name}: a blank needs columns such as pressure / MPa and R / ohm cm2; it has "
            f"{', '.join(grid.headings) or 'no headings'}"
        )
    if R.quantity == "resistance" and area is None:
        raise InputError(f'{path.name}: R in ohm needs the area; give area=q("0.785 cm2")')
    y = R.values * (float(area or 1.0) if R.quantity == "resistance" else 1.0)
    kept = np.isfinite(P.values) & np.isfinite(y)
    if not kept.any() or (y[kept] <= 0).any():
        raise InputError(f"{path.name}: the resistances of foils must be positive")
    P_sorted = np.unique(P.values[kept])
    means = np.array([y[kept][P.values[kept] == p].mean() for p in P_sorted])
    return P_sorted, means


def taken_off(foil: Foils, P: Floats, fit: FoilFit | None, name: str, warned: list[str]) -> Floats:
    """Resistance of the foils at every point, Ω m²."""
    if np.isnan(P).any() and (foil.fit or foil.blank is not None or foil.pressure is not None):
        raise InputError(
            f"{name}: foils that change with pressure need the pressure of every point; one has "
            "none: fill it in, or leave the row out"
        )
    if fit is not None:
        return fit.at(P)
    if foil.blank is not None:
        at, R = foil.blank
        beyond = (at.min() * 0.99 > P) | (at.max() * 1.01 < P)
        if beyond.any():
            warned.append(f"{name}: the blank was held constant beyond its pressures")
        return np.asarray(np.exp(np.interp(np.log(P), np.log(at), np.log(R))))
    if foil.asr is None:
        return np.zeros(P.size)
    if foil.pressure is None:
        return np.full(P.size, foil.asr)
    return np.asarray(foil.asr * foil.pressure / P)


def of_table(
    name: str, columns: Sequence[float | None], foil: Foils, off: Floats, said: list[str]
) -> Floats:
    """Resistances of the foils in a column of the table, unless an option goes before them."""
    if foil.asr is not None or foil.blank is not None or foil.fit:
        said.append(f"{name}: left the foil resistances of the table for those of the options")
        return off
    found = np.array([0.0 if R is None else R for R in columns])
    if np.isnan(found).any():
        raise InputError(
            f"{name}: a row has no foil resistance; fill the column, with 0 where there is none"
        )
    said.append(f"{name}: took off the foil resistances of the table")
    return found
