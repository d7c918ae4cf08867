r"""Densification as one yield curve and one creep function.

.. math:: D \ge D_y(P/\sigma_y), \qquad \dot D = \dot\varepsilon_0 (P/\sigma_y)^n G(D)

Pressure and density separate, so with :math:`\Gamma(D) = \int dD/G` any history is a sum, and no
differential equation is solved. Two laws take this form: the map of Helle, Easterling and Ashby,
and the master curve of the mesoscale model.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.exact.densification import (
    creep_contacts,
    creep_pores,
    sintering_contacts,
    sintering_pores,
    yield_contacts,
    yield_pores,
)
from dualyte.pellet.master import MasterCurve
from dualyte.vocabulary import Floats

SPLICE: Final = 0.94  #: relative density from which pores are closed spheres
_BLEND: Final = (0.85, 0.95)  # densities between which contacts become pores
_POINTS: Final = 3000
_SIGMA: Final = 1e8  # Pa: any flow stress, since only ratios to it are kept
_DENSEST: Final = 1 - 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Law:
    """Yield curve and creep function of a powder, tabulated."""

    name: str  #: map or mesoscale
    exponent: float  #: n
    start: float  #: relative density of the powder before pressing, D₀
    density: Floats = field(repr=False)  #: (k,) ascending from `start`
    strength: Floats = field(repr=False)  #: (k,) P/σ_y at which the powder yields
    creep: Floats = field(repr=False)  #: (k,) G(D)
    elapsed: Floats = field(repr=False)  #: (k,) Γ(D)
    sintering: Floats = field(repr=False)  #: (k,) pressure of the surface over γ/R
    curve: MasterCurve | None = field(default=None, repr=False)

    def yielded(self, ratio: npt.ArrayLike) -> Floats:
        """Density that P/σ_y reaches at once."""
        x = np.asarray(ratio, dtype=np.float64)
        return np.asarray(np.interp(x, self.strength, self.density))

    def crept(self, density: npt.ArrayLike, dose: npt.ArrayLike) -> Floats:
        """Density after the dose ∫ε̇₀ (P/σ_y)ⁿ dt."""
        now = np.asarray(density, dtype=np.float64)
        after = np.asarray(np.interp(now, self.density, self.elapsed)) + np.asarray(dose)
        return np.asarray(np.interp(after, self.elapsed, self.density))

    def drawn(self, pressure: float, surface: float, flow_stress: float) -> Law:
        """Law at one pressure [Pa], with the surface pulling by γ/R [Pa] beside it.

        Yielding and creep feel P + (γ/R) s(D): pressure and density no longer separate, and a
        law holds for its own pressure.
        """
        pull = surface * self.sintering
        strength = np.maximum.accumulate(self.strength - pull / flow_stress)
        creep = self.creep
        if pressure > 0:
            creep = creep * (1 + pull / pressure) ** self.exponent
        return replace(self, strength=strength, creep=creep, elapsed=_elapsed(self.density, creep))


def _law(
    name: str, exponent: float, D: Floats, strength: Floats, creep: Floats, sintering: Floats,
    curve: MasterCurve | None = None,
) -> Law:  # fmt: skip
    """Tabulate; where a blend of two stages dips, the powder keeps the strength it had."""
    return Law(
        name=name,
        exponent=exponent,
        start=float(D[0]),
        density=D,
        strength=np.maximum.accumulate(strength),
        creep=creep,
        elapsed=_elapsed(D, creep),
        sintering=sintering,
        curve=curve,
    )


def _elapsed(D: Floats, creep: Floats) -> Floats:
    slow = 1 / creep
    return np.concatenate([[0.0], np.cumsum(np.diff(D) * 0.5 * (slow[1:] + slow[:-1]))])


def _densities(start: float) -> Floats:
    """Finer towards the loose and the dense end."""
    s = np.log((1 - start) / (1 - _DENSEST)) * np.linspace(0, 1, _POINTS) ** 2
    return np.asarray(1 - (1 - start) * np.exp(-s))


def _check(start: float, exponent: float) -> None:
    if not 0.3 <= start < 0.8:
        raise InputError(f"start {start:g} is no relative density of a powder (0.3 to 0.8)")
    if not 1 <= exponent <= 50:
        raise InputError(f"creep exponent {exponent:g} is outside 1 … 50")


def map_law(start: float, exponent: float = 7.0) -> Law:
    """Law of the densification maps: contacts that grow, then pores that shrink.

    Parameters
    ----------
    start
        Relative density of the powder, D₀.
    exponent
        n of power-law creep.

    Notes
    -----
    Stages are blended smoothly between relative densities 0.85 and 0.95. Sources: Arzt, Ashby,
    Easterling 1983, doi:10.1007/BF02651618; Helle, Easterling, Ashby 1985,
    doi:10.1016/0001-6160(85)90177-4.

    Examples
    --------
    >>> round(float(map_law(0.6).yielded(120 / 140)), 2)
    0.79
    """
    _check(start, exponent)
    D = _densities(start)
    w = np.clip((D - _BLEND[0]) / (_BLEND[1] - _BLEND[0]), 0, 1)
    w = w * w * (3 - 2 * w)
    sigma, n = _SIGMA, float(exponent)
    strength = (1 - w) * yield_contacts(D, 3 * sigma, start) + w * yield_pores(D, sigma)
    strength = strength / sigma
    contacts = creep_contacts(D, sigma, sigma, n, 1.0, start)
    creep = (1 - w) * contacts + w * creep_pores(D, sigma, sigma, n, 1.0)
    pull = (1 - w) * sintering_contacts(D, 1.0, start) + w * sintering_pores(D, 1.0)
    return _law("map", float(exponent), D, strength, creep, pull)


def master_law(curve: MasterCurve, start: float | None = None) -> Law:
    """Law of a master curve P̂(D): strength P̂, creep D P̂⁻ⁿ.

    Parameters
    ----------
    curve
        From `mesoscale` or shipped (`master_curve`).
    start
        Relative density of the powder; that of the packing by default. Another one scales
        porosities: the curve is read at the same porosity over that of the packing.

    Notes
    -----
    Above a relative density of 0.94 pores are smaller than the cells of the run; P̂ then follows
    the hollow sphere, (1 − D)^(−1/n) − 1, joined in value. Wilkinson and Ashby 1975,
    doi:10.1016/0001-6160(75)90136-4.
    """
    start = curve.start if start is None else start
    _check(start, curve.exponent)
    if curve.density[-1] < SPLICE:
        raise InputError(
            f"the master curve ends at {curve.density[-1]:.3f}; run it to {SPLICE} or more"
        )
    n, D = curve.exponent, _densities(start)
    read = 1 - (1 - D) * (1 - curve.density[0]) / (1 - start)
    inside = np.clip(read, curve.density[0], SPLICE)
    load = np.exp(np.interp(inside, curve.density, np.log(curve.pressure)))
    # the hollow sphere in the porosity of the pellet itself: the end of both is a full body
    join = 1 - (1 - SPLICE) * (1 - start) / (1 - curve.density[0])
    load = np.where(join < D, load * _sphere(D, n) / _sphere(join, n), load)
    return _law("mesoscale", n, D, load, D * load**-n, _surface_pull(curve, D, inside), curve)


def _surface_pull(curve: MasterCurve, D: Floats, read: Floats) -> Floats:
    """−D² ds/dD of the surface s per solid volume; as at the splice above it.

    The work of the surface on a change of volume, γ ds = −P d(1/D), is its pressure.
    """
    fit = np.polynomial.Polynomial.fit(curve.density, curve.surface, 4)  # smooth enough to derive
    slope = -fit.deriv()(read) * (1 - curve.density[0]) / (1 - D[0])
    return np.asarray(D**2 * np.maximum(slope, 0.0))


def _sphere(density: npt.ArrayLike, n: float) -> Floats:
    return np.asarray((1 - np.asarray(density, dtype=np.float64)) ** (-1 / n) - 1)
