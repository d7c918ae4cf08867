"""What it costs the current to pass through spots."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.exact._checks import positive, resistivity, within
from dualyte.vocabulary import Floats, checked

Cell = Literal["square", "hexagonal"]
Spot = Literal["circle", "square"]

#: Sum of 1/r over a lattice of unit cell area in a neutralising background, sign reversed.
_LATTICE: Final[dict[Cell, float]] = {"square": 3.900265, "hexagonal": 3.921034}
#: σ √(spot area) × resistance of one isothermal spot on a half-space.
_SPOT: Final[dict[Spot, float]] = {"circle": np.sqrt(np.pi) / 4, "square": 0.43392}


def holm(radius: npt.ArrayLike, sigma_a: npt.ArrayLike, sigma_b: npt.ArrayLike) -> Floats:
    r"""Resistance of one circular spot between two half-spaces.

    .. math:: R = \frac{1}{4a\sigma_a} + \frac{1}{4a\sigma_b}

    Parameters
    ----------
    radius : (...)
        a [m].
    sigma_a, sigma_b : (...)
        Conductivity on either side [S/m].

    Returns
    -------
    (...)
        Resistance of the spot [Ω]: not areal.

    Notes
    -----
    Limits: exact for a lone, perfectly conducting spot; an upper bound for one among others.
    Source: Holm 1967, Electric Contacts, 4th ed., Springer.

    Examples
    --------
    >>> float(holm(1e-6, 1.0, 1.0))
    500000.0
    """
    return np.asarray(resistivity(sigma_a, sigma_b) / (4 * checked("length", radius)))


def cooper_mikic_yovanovich(
    fraction: npt.ArrayLike,
    radius: npt.ArrayLike,
    sigma_a: npt.ArrayLike,
    sigma_b: npt.ArrayLike,
) -> Floats:
    r"""Areal resistance of current squeezing through equal circular spots.

    .. math:: R = \frac{\pi a\,(1-\sqrt f)^{3/2}}{4f}
              \left(\frac{1}{\sigma_a}+\frac{1}{\sigma_b}\right)

    Parameters
    ----------
    fraction : (...)
        Contact area over nominal area f [1].
    radius : (...)
        a of the spots [m].
    sigma_a, sigma_b : (...)
        Conductivity on either side [S/m].

    Returns
    -------
    (...)
        Area-specific resistance [Ω m²]; 0 at f = 1, infinite at f = 0.

    Notes
    -----
    Limits: `holm` times the area per spot as f → 0. One spot per insulated flux tube,
    clean contact; the exponent 3/2 is a fit (exact slope of the bracket at f → 0 is 1.41).
    Source: Cooper, Mikic & Yovanovich 1969, Int. J. Heat Mass Transfer 12, 279,
    doi:10.1016/0017-9310(69)90011-8.

    Examples
    --------
    >>> round(float(cooper_mikic_yovanovich(0.1, 0.5e-6, 0.9, 0.08)) * 1e4, 2)
    0.3
    """
    f, a = checked("fraction", fraction), checked("length", radius)
    squeezed = np.pi * a * (1 - np.sqrt(f)) ** 1.5 * resistivity(sigma_a, sigma_b)
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(squeezed / (4 * f))


def strip(
    period: npt.ArrayLike,
    fraction: npt.ArrayLike,
    sigma_a: npt.ArrayLike,
    sigma_b: npt.ArrayLike,
) -> Floats:
    r"""Areal resistance of current squeezing through parallel contact strips.

    .. math:: R = \frac{p}{\pi}\ln\csc\frac{\pi f}{2}
              \left(\frac{1}{\sigma_a}+\frac{1}{\sigma_b}\right)

    Parameters
    ----------
    period : (...)
        Distance p from strip to strip [m].
    fraction : (...)
        Strip width over period f [1].
    sigma_a, sigma_b : (...)
        Conductivity on either side [S/m].

    Returns
    -------
    (...)
        Area-specific resistance [Ω m²]; 0 at f = 1, infinite at f = 0.

    Notes
    -----
    Limits: exact (conformal map) for clean strips and layers much thicker than p/2π.
    Source: Veziroglu & Chandra 1969, Thermal conductance of two-dimensional constrictions,
    Prog. Astronaut. Aeronaut. 21, 591.

    Examples
    --------
    >>> strip(1.0, [0.25, 0.5], 1.0, 1.0).round(6).tolist()
    [0.611503, 0.220636]
    """
    p, f = checked("length", period), checked("fraction", fraction)
    with np.errstate(divide="ignore", over="ignore"):
        squeeze = np.abs(np.log(np.sin(np.pi * f / 2)))
    return np.asarray(p / np.pi * squeeze * resistivity(sigma_a, sigma_b))


def isoflux_circle(eps: npt.ArrayLike) -> Floats:
    r"""Constriction of a uniform current through a circle in a square cell, on one side.

    .. math:: \psi = 4a\sigma R = 1.08085 - 1.24110\,\epsilon + 0.18210\,\epsilon^3
              + 0.00825\,\epsilon^5 + 0.038916\,\epsilon^7

    Parameters
    ----------
    eps : (...)
        Radius over half the cell's side, ε = a/b ≤ 0.8 [1]; f = πε²/4.

    Returns
    -------
    (...)
        ψ [1]; R is the resistance of one cell on one side, from the mean potential of the
        spot [Ω].

    Notes
    -----
    Limits: 32/(3π²) = 1.08076 for a lone spot (the polynomial gives 1.08085).
    Against the Fourier sum it is 0.02 % high at ε = 0.2, 0.07 % at 0.5, 0.4 % at 0.7 and
    1.3 % at 0.8; beyond, it is refused.
    Source: Negus & Yovanovich 1984, ASME paper 84-WA/HT-110 (method of optimised images).

    Examples
    --------
    >>> isoflux_circle([0.2, 0.5]).round(3).tolist()
    [0.834, 0.484]
    """
    e = within("eps", eps, 0.8, "the polynomial is more than 1 % off")
    return np.asarray(
        1.08085 - 1.24110 * e + 0.18210 * e**3 + 0.00825 * e**5 + 0.038916 * e**7
    )  # fmt: skip


def isothermal_circle(eps: npt.ArrayLike) -> Floats:
    r"""Constriction of an equipotential circle in a square cell, on one side.

    .. math:: \psi = 4a\sigma R = 1 - 1.24142\,\epsilon + 0.20988\,\epsilon^3
              + 0.02715\,\epsilon^5 + 0.02768\,\epsilon^7

    Parameters
    ----------
    eps : (...)
        Radius over half the cell's side, ε = a/b ≤ 0.6 [1]; f = πε²/4.

    Returns
    -------
    (...)
        ψ [1]; R is the resistance of one cell on one side [Ω].

    Notes
    -----
    Limits: `holm` (ψ = 1) for a lone spot, then `lattice` with a square cell.
    Against a variational solution it is 0.03 % low at ε = 0.2, 0.4 % at 0.4, 0.9 % at 0.5
    and 2 % at 0.6; beyond, it is refused.
    Source: Negus & Yovanovich 1984, ASME paper 84-WA/HT-110 (method of optimised images).

    Examples
    --------
    >>> isothermal_circle([0.0, 0.5]).round(4).tolist()
    [1.0, 0.4066]
    """
    e = within("eps", eps, 0.6, "the polynomial is more than 2 % off")
    return np.asarray(1 - 1.24142 * e + 0.20988 * e**3 + 0.02715 * e**5 + 0.02768 * e**7)


def lattice(
    fraction: npt.ArrayLike,
    cell_area: npt.ArrayLike,
    sigma_a: npt.ArrayLike,
    sigma_b: npt.ArrayLike,
    *,
    spot: Spot = "circle",
    cell: Cell = "square",
) -> Floats:
    r"""Areal resistance of sparse equal spots on a lattice.

    .. math:: R = A \sum_{\sigma=\sigma_a,\sigma_b} \left(R_\infty -
              \frac{C}{2\pi\sigma\sqrt A}\right)

    R∞ is the spot alone on a half-space, 1/(4aσ) for a circle and 0.43392/(sσ) for a square
    of side s; C = 3.900265 (square cells) or 3.921034 (hexagonal cells).

    Parameters
    ----------
    fraction : (...)
        Spot area over cell area f ≤ 0.1 [1].
    cell_area : (...)
        A, nominal area per spot [m²].
    sigma_a, sigma_b : (...)
        Conductivity on either side [S/m].
    spot
        Shape of the equipotential spots.
    cell
        Shape of the lattice's cells.

    Returns
    -------
    (...)
        Area-specific resistance [Ω m²]; infinite at f = 0.

    Notes
    -----
    Limits: `holm` times A as f → 0. The first term left out is of order f^{3/2} of R∞, so
    this is a lower bound: 0.3 % low at f = 0.03, 2 % at 0.1; beyond, it is refused.
    Source: lattice sums of Bonsall & Maradudin 1977, Phys. Rev. B 15, 1959,
    doi:10.1103/PhysRevB.15.1959; R∞ of the square from its capacitance, 4πε₀ × 0.3668 s.

    Examples
    --------
    >>> A, f = 1e-12, 0.01
    >>> radius = np.sqrt(f * A / np.pi)
    >>> round(float(lattice(f, A, 1.0, 1.0) / (A * holm(radius, 1.0, 1.0))), 4)
    0.8599
    """
    if spot not in _SPOT or cell not in _LATTICE:
        raise InputError(
            f"spot={spot!r}, cell={cell!r}: a spot is circle or square, a cell square or hexagonal"
        )
    f = checked("fraction", within("fraction", fraction, 0.1, "spots are no longer sparse"))
    root = np.sqrt(positive("cell_area", cell_area))
    with np.errstate(divide="ignore", over="ignore"):
        alone = _SPOT[spot] / np.sqrt(f)
    return np.asarray(root * (alone - _LATTICE[cell] / (2 * np.pi)) * resistivity(sigma_a, sigma_b))


def maxwell(
    fraction: npt.ArrayLike, sigma: npt.ArrayLike, sigma_inclusion: npt.ArrayLike
) -> Floats:
    r"""Effective conductivity of a body with dilute spheres in it.

    .. math:: \sigma_\mathrm{eff} = \sigma\,
              \frac{\sigma_i + 2\sigma + 2f(\sigma_i-\sigma)}
                   {\sigma_i + 2\sigma - f(\sigma_i-\sigma)}

    Parameters
    ----------
    fraction : (...)
        Volume fraction f of the spheres [1].
    sigma : (...)
        Conductivity of the body [S/m].
    sigma_inclusion : (...)
        Conductivity σ_i of the spheres [S/m].

    Returns
    -------
    (...)
        σ_eff [S/m].

    Notes
    -----
    Limits: σ at f = 0, σ_i at f = 1. Exact to first order in f; at any f it is the
    Hashin-Shtrikman bound with the body as the connected phase.
    Source: Maxwell 1873, A Treatise on Electricity and Magnetism, art. 314; bounds and
    derivation in Torquato 2002, Random Heterogeneous Materials,
    doi:10.1007/978-1-4757-6355-3.

    Examples
    --------
    >>> maxwell([0.0, 1.0], 0.08, 0.9).round(6).tolist()
    [0.08, 0.9]
    """
    f, s = checked("fraction", fraction), checked("conductivity", sigma)
    s_i = checked("conductivity", sigma_inclusion)
    return np.asarray(s * (s_i + 2 * s + 2 * f * (s_i - s)) / (s_i + 2 * s - f * (s_i - s)))


def random_two_phase(
    fraction: npt.ArrayLike, correlation_length: npt.ArrayLike, zeta: npt.ArrayLike
) -> Floats:
    r"""Areal constriction of a random contact map, to first order.

    .. math:: R_c \approx \zeta\,\ell\,\frac{1-f}{f}

    Parameters
    ----------
    fraction : (...)
        Contact fraction f [1].
    correlation_length : (...)
        ℓ [m], the integral of the map's normalised autocovariance over distance (for
        exp(-r/a) it is a).
    zeta : (...)
        ζ = 1/σ_a + 1/σ_b [Ω m].

    Returns
    -------
    (...)
        Area-specific resistance [Ω m²]; 0 at f = 1, infinite at f = 0.

    Notes
    -----
    Limits: exact when the contact itself costs far more than ζℓ, so that current enters it
    evenly; otherwise an upper bound. Layers much thicker than ℓ.
    First order of the plane problem in the map's power spectrum S(q), as a uniform current
    dissipates (ζ/f²) Σ S(q)/q.
    Source: spectral density of a random two-phase medium in Torquato 2002, Random
    Heterogeneous Materials, doi:10.1007/978-1-4757-6355-3.

    Examples
    --------
    >>> round(float(random_two_phase(0.28, 1e-6, 13.6)) * 1e4, 2)
    0.35
    """
    f, ell = checked("fraction", fraction), checked("length", correlation_length)
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(positive("zeta", zeta) * ell * (1 - f) / f)


def macroscopic(
    fraction: npt.ArrayLike,
    L1: npt.ArrayLike,
    sigma1: npt.ArrayLike,
    L2: npt.ArrayLike,
    sigma2: npt.ArrayLike,
) -> Floats:
    r"""Areal resistance added by contact patches far wider than the layers are thick.

    .. math:: R = \left(\frac{L_1}{\sigma_1}+\frac{L_2}{\sigma_2}\right)
              \left(\frac1f-1\right)

    Parameters
    ----------
    fraction : (...)
        Contact fraction f [1].
    L1, L2 : (...)
        Thickness of the layers [m].
    sigma1, sigma2 : (...)
        Conductivity of the layers [S/m].

    Returns
    -------
    (...)
        Area-specific resistance beyond that of the layers [Ω m²].

    Notes
    -----
    Limits: current runs straight through the columns in contact and nowhere else, an upper
    bound for any map; 0 at f = 1, infinite at f = 0.
    Source: Wiener 1912, Abh. Math.-Phys. Kl. Königl. Sächs. Ges. Wiss. 32, 509 (columns in
    parallel).

    Examples
    --------
    >>> float(macroscopic(0.5, 1e-3, 1.0, 1e-3, 1.0))
    0.002
    """
    f = checked("fraction", fraction)
    one = checked("length", L1) / checked("conductivity", sigma1)
    two = checked("length", L2) / checked("conductivity", sigma2)
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray((one + two) * (1 / f - 1))
