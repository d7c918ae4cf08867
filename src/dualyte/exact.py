"""Closed forms: what rough contact, constriction and impedance are when they can be written down.

Each takes and returns SI arrays that broadcast, and names its source. They serve as limits
for the models, as oracles for the tests, and as estimates in their own right.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import erf, erfc

from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import Floats, checked

__all__ = [
    "bearing_area",
    "brug",
    "cooper_mikic_yovanovich",
    "creep_contact",
    "effective_modulus",
    "hertz",
    "holm",
    "hsu_mansfeld",
    "isoflux_circle",
    "isothermal_circle",
    "lattice",
    "macroscopic",
    "maxwell",
    "peak_frequency",
    "perimeter_correction",
    "persson",
    "persson_plastic",
    "pullen_williamson",
    "random_two_phase",
    "strip",
    "westergaard",
]

Cell = Literal["square", "hexagonal"]
Spot = Literal["circle", "square"]

#: Sum of 1/r over a lattice of unit cell area in a neutralising background, sign reversed.
_LATTICE: Final[dict[Cell, float]] = {"square": 3.900265, "hexagonal": 3.921034}
#: σ √(spot area) × resistance of one isothermal spot on a half-space.
_SPOT: Final[dict[Spot, float]] = {"circle": np.sqrt(np.pi) / 4, "square": 0.43392}


# Contact -------------------------------------------------------------------------------


def effective_modulus(
    E1: npt.ArrayLike, nu1: npt.ArrayLike, E2: npt.ArrayLike, nu2: npt.ArrayLike
) -> Floats:
    r"""Contact modulus of two elastic half-spaces.

    .. math:: \frac{1}{E^*} = \frac{1-\nu_1^2}{E_1} + \frac{1-\nu_2^2}{E_2}

    Parameters
    ----------
    E1, E2 : (...)
        Young's moduli [Pa]; infinity stands for a rigid body.
    nu1, nu2 : (...)
        Poisson ratios [1].

    Returns
    -------
    (...)
        E* [Pa].

    Notes
    -----
    Limits: below both plane-strain moduli; equals one of them when the other body is rigid.
    Frictionless, isotropic, small slopes.
    Source: Johnson 1985, Contact Mechanics, eq. 4.22 ff., doi:10.1017/CBO9781139171731.

    Examples
    --------
    >>> float(effective_modulus(10e9, 0.0, 10e9, 0.0)) / 1e9
    5.0
    """
    nu_1, nu_2 = checked("poisson_ratio", nu1), checked("poisson_ratio", nu2)
    compliance = (1 - nu_1**2) / _modulus(E1) + (1 - nu_2**2) / _modulus(E2)
    return np.asarray(1 / compliance)


def hertz(
    force: npt.ArrayLike, radius: npt.ArrayLike, E_star: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    r"""Elastic contact of a sphere with a flat.

    .. math:: a^3 = \frac{3FR}{4E^*}, \qquad p_0 = \frac{2E^*a}{\pi R}, \qquad
              \delta = \frac{a^2}{R}

    Parameters
    ----------
    force : (...)
        F [N].
    radius : (...)
        R of the sphere [m].
    E_star : (...)
        Contact modulus E* [Pa], see `effective_modulus`.

    Returns
    -------
    a, p0, delta : (...)
        Contact radius [m], peak pressure [Pa] and approach [m].

    Notes
    -----
    Limits: a ≪ R, no friction, no adhesion; all three vanish with the force.
    Source: Hertz 1882, J. reine angew. Math. 92, 156, doi:10.1515/crll.1882.92.156.

    Examples
    --------
    >>> a, p0, delta = hertz(4 / 6 * 1e-3, 20e-6, 10e9)
    >>> round(float(a) * 1e6, 6), round(float(p0) / 1e6, 2), round(float(delta) * 1e9, 6)
    (1.0, 318.31, 50.0)
    """
    F, R, E = _positive("force", force, zero=True), checked("length", radius), _modulus(E_star)
    a = np.cbrt(3 * F * R / (4 * E))
    return np.asarray(a), np.asarray(2 * E * a / (np.pi * R)), np.asarray(a**2 / R)


def westergaard(
    pressure: npt.ArrayLike,
    amplitude: npt.ArrayLike,
    wavelength: npt.ArrayLike,
    E_star: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    r"""Elastic contact of a wave h cos(2πx/λ) with a flat.

    .. math:: f = \frac{2}{\pi}\arcsin\sqrt{P/p^*}, \qquad p^* = \frac{\pi E^* h}{\lambda}

    Parameters
    ----------
    pressure : (...)
        Mean pressure P [Pa].
    amplitude, wavelength : (...)
        h (half of peak to valley) and λ [m].
    E_star : (...)
        Contact modulus E* [Pa].

    Returns
    -------
    fraction, peak : (...)
        Contact fraction f [1] and pressure on the crest [Pa]: 2√(P p*) in partial, P + p*
        in full contact.

    Notes
    -----
    Limits: f → (2/π)√(P/p*) at light load; f = 1 from P = p* on. h ≪ λ, no friction.
    Source: Westergaard 1939, J. Appl. Mech. 6, A49; also Johnson 1985, Contact Mechanics,
    section 13.2, doi:10.1017/CBO9781139171731.

    Examples
    --------
    >>> p_star = np.pi * 10e9 * 0.1e-6 / 10e-6
    >>> f, peak = westergaard([0.2 * p_star, 0.5 * p_star], 0.1e-6, 10e-6, 10e9)
    >>> f.round(4).tolist()
    [0.2952, 0.5]
    """
    P, E = checked("pressure", pressure), _modulus(E_star)
    p_star = np.pi * E * checked("length", amplitude) / checked("length", wavelength)
    load = np.minimum(P / p_star, 1.0)
    fraction = 2 / np.pi * np.arcsin(np.sqrt(load))
    peak = np.where(p_star < P, P + p_star, 2 * np.sqrt(P * p_star))
    return np.asarray(fraction), peak


def pullen_williamson(pressure: npt.ArrayLike, flow_stress: npt.ArrayLike) -> Floats:
    r"""Contact of a rigid-plastic rough layer that cannot flow sideways.

    .. math:: f = \frac{P}{P + \sigma_y}

    Displaced volume comes up elsewhere, so the load shifts the local yield pressure.

    Parameters
    ----------
    pressure : (...)
        Nominal pressure P [Pa].
    flow_stress : (...)
        σ_y [Pa]; a third of the hardness for a Tabor solid.

    Returns
    -------
    (...)
        Contact fraction f [1].

    Notes
    -----
    Limits: the bearing area P/σ_y at light load; full contact only at infinite pressure.
    No elasticity, no hardening.
    Source: Pullen & Williamson 1972, Proc. R. Soc. A 327, 159, doi:10.1098/rspa.1972.0038.

    Examples
    --------
    >>> round(float(pullen_williamson(55e6, 420e6 / 3)), 3)
    0.282
    """
    P, s = checked("pressure", pressure), checked("stress", flow_stress)
    return np.asarray(P / (P + s))


def bearing_area(pressure: npt.ArrayLike, flow_pressure: npt.ArrayLike) -> Floats:
    r"""Contact of a rigid-plastic solid: every spot carries its flow pressure.

    .. math:: f = \min(P/p_Y,\ 1)

    Parameters
    ----------
    pressure : (...)
        Nominal pressure P [Pa].
    flow_pressure : (...)
        p_Y [Pa]; the hardness for spots far apart.

    Returns
    -------
    (...)
        Contact fraction f [1].

    Notes
    -----
    Limits: proportional to the load, whatever the roughness, until contact is full.
    No elasticity, no hardening, no interaction of the spots.
    Source: Bowden & Tabor 1939, Proc. R. Soc. A 169, 391.

    Examples
    --------
    >>> bearing_area([42e6, 1e9], 420e6).tolist()
    [0.1, 1.0]
    """
    P, p_Y = checked("pressure", pressure), checked("stress", flow_pressure)
    return np.asarray(np.minimum(P / p_Y, 1.0))


def persson(pressure: npt.ArrayLike, E_star: npt.ArrayLike, slope: npt.ArrayLike) -> Floats:
    r"""Elastic contact of a randomly rough surface.

    .. math:: f = \operatorname{erf}\frac{\sqrt2\,P}{E^* h'}

    Parameters
    ----------
    pressure : (...)
        Nominal pressure P [Pa].
    E_star : (...)
        Contact modulus E* [Pa].
    slope : (...)
        Root-mean-square slope h′ of the surface [1].

    Returns
    -------
    (...)
        Contact fraction f [1].

    Notes
    -----
    Limits: f → √(8/π) P/(E* h′) at light load; 1 for a smooth surface. Exact in full contact;
    at light load the factor 1.6 lies below the 2 to 2.2 of converged half-space solutions.
    Source: Persson 2001, J. Chem. Phys. 115, 3840, doi:10.1063/1.1388626.

    Examples
    --------
    >>> round(float(persson(0.05 * 10e9 * 0.1, 10e9, 0.1)), 4)
    0.0797
    """
    P, E, s = checked("pressure", pressure), _modulus(E_star), checked("slope", slope)
    with np.errstate(divide="ignore", over="ignore"):  # slope 0 is in full contact
        return np.asarray(erf(np.sqrt(2) * P / (E * s)))


def persson_plastic(
    pressure: npt.ArrayLike,
    E_star: npt.ArrayLike,
    slope: npt.ArrayLike,
    hardness: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    r"""Elastic-plastic contact of a randomly rough surface.

    The pressure distribution diffuses as finer roughness is seen, absorbed at 0 (out of
    contact) and at the hardness H (flowing). With x = P/H and τ = (E* h′/H)²/8,

    .. math::
        f_\mathrm{el} &= \sum_k \frac{2}{k\pi}\,(1-\cos k\pi)\,\sin(k\pi x)\,
            e^{-k^2\pi^2\tau} \\
        f_\mathrm{pl} &= x + \sum_k \frac{2}{k\pi}\,\cos(k\pi)\,\sin(k\pi x)\,
            e^{-k^2\pi^2\tau}

    For τ < 0.1 the same solution is summed over images, which then converges faster.

    Parameters
    ----------
    pressure : (...)
        Nominal pressure P [Pa].
    E_star : (...)
        Contact modulus E* [Pa].
    slope : (...)
        Root-mean-square slope h′ of the surface [1].
    hardness : (...)
        Indentation hardness H [Pa].

    Returns
    -------
    elastic, plastic : (...)
        Fractions of the nominal area in elastic and in plastic contact [1].

    Notes
    -----
    Limits: `persson` when H is large, `bearing_area` when E* h′/H is large; all plastic from
    P = H on. Summed to 1e-12. No hardening, no lateral confinement.
    Source: Persson 2001, Phys. Rev. Lett. 87, 116101, doi:10.1103/PhysRevLett.87.116101.

    Examples
    --------
    >>> elastic, plastic = persson_plastic(55e6, 8.3e9, 0.25, 420e6)
    >>> round(float(elastic), 3), round(float(plastic), 3)
    (0.0, 0.131)
    """
    P, E, s = checked("pressure", pressure), _modulus(E_star), checked("slope", slope)
    H = checked("hardness", hardness)
    x, tau = np.broadcast_arrays(np.minimum(P / H, 1.0), (E * s / H) ** 2 / 8)
    x, tau = x[..., None], tau[..., None]
    series, images = _many_scales(x, np.maximum(tau, 0.1)), _few_scales(x, np.minimum(tau, 0.1))
    elastic, plastic = (
        np.where(tau[..., 0] < 0.1, few, many)
        for few, many in zip(images, series, strict=True)
    )  # fmt: skip
    return np.clip(elastic, 0.0, 1.0), np.clip(plastic, 0.0, 1.0)


def _many_scales(x: Floats, tau: Floats) -> tuple[Floats, Floats]:
    """Fourier series of the absorbed diffusion; eight terms reach 1e-14 from τ = 0.1 on."""
    k = np.arange(1.0, 9.0)
    term = (
        2 / (k * np.pi) * np.sin(k * np.pi * x) * np.exp(-np.minimum((k * np.pi) ** 2 * tau, 700))
    )
    even = (-1) ** k
    return np.sum((1 - even) * term, -1), x[..., 0] + np.sum(even * term, -1)


def _few_scales(x: Floats, tau: Floats) -> tuple[Floats, Floats]:
    """Images of the absorbed diffusion; four either side reach 1e-14 up to τ = 0.1."""
    width = 2 * np.sqrt(np.maximum(tau, 1e-300))  # a smooth surface is the limit of a sharp step
    m, n = np.arange(-4.0, 5.0), np.arange(5.0)

    def inside(centre: Floats) -> Floats:
        return np.asarray(erf((1 - centre) / width) + erf(centre / width)) / 2

    elastic = np.sum(inside(2 * m + x) - inside(2 * m - x), -1)
    plastic = np.sum(erfc((2 * n + 1 - x) / width) - erfc((2 * n + 1 + x) / width), -1)
    return elastic, np.where(x[..., 0] < 1, plastic, 1.0)


def creep_contact(
    f0: npt.ArrayLike, t: npt.ArrayLike, n: npt.ArrayLike, t0: npt.ArrayLike = 1.0
) -> Floats:
    r"""Growth of contact under a held load by power-law creep without hardening.

    .. math:: f = f_0\,(t/t_0)^{1/n}

    Parameters
    ----------
    f0 : (...)
        Contact fraction after the time t₀ [1].
    t : (...)
        Time under load t [s].
    n : (...)
        Creep exponent [1].
    t0 : (...)
        Reference time t₀ [s].

    Returns
    -------
    (...)
        Contact fraction f [1], never above 1.

    Notes
    -----
    Limits: linear in time for a viscous solid (n = 1), constant for a plastic one (n → ∞).
    Follows from mean spot pressure ∝ (ȧ/a)^{1/n} at constant load; spots do not interact
    (f ≪ 1) and the elastic and plastic contact at t = 0 is forgotten.
    Source: Bower, Fleck, Needleman & Ogbonna 1993, Proc. R. Soc. A 441, 97,
    doi:10.1098/rspa.1993.0050 (similarity of power-law indentation).

    Examples
    --------
    >>> round(float(creep_contact(0.1, 1024.0, 10.0)), 6)
    0.2
    """
    f, ratio = checked("fraction", f0), checked("dwell", t) / _positive("t0", t0)
    return np.asarray(np.minimum(f * ratio ** (1 / checked("creep_exponent", n)), 1.0))


# Constriction --------------------------------------------------------------------------


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
    return np.asarray(_resistivity(sigma_a, sigma_b) / (4 * checked("length", radius)))


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
    squeezed = np.pi * a * (1 - np.sqrt(f)) ** 1.5 * _resistivity(sigma_a, sigma_b)
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
    return np.asarray(p / np.pi * squeeze * _resistivity(sigma_a, sigma_b))


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
    e = _within("eps", eps, 0.8, "the polynomial is more than 1 % off")
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
    e = _within("eps", eps, 0.6, "the polynomial is more than 2 % off")
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
    f = checked("fraction", _within("fraction", fraction, 0.1, "spots are no longer sparse"))
    root = np.sqrt(_positive("cell_area", cell_area))
    with np.errstate(divide="ignore", over="ignore"):
        alone = _SPOT[spot] / np.sqrt(f)
    return np.asarray(
        root * (alone - _LATTICE[cell] / (2 * np.pi)) * _resistivity(sigma_a, sigma_b)
    )


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
        return np.asarray(_positive("zeta", zeta) * ell * (1 - f) / f)


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


# Capacitance and contact maps ----------------------------------------------------------


def brug(Q: npt.ArrayLike, n: npt.ArrayLike, Rs: npt.ArrayLike, Rp: npt.ArrayLike) -> Floats:
    r"""Capacitance of a constant-phase element spread along the electrode.

    .. math:: C = Q^{1/n}\left(\frac1{R_s}+\frac1{R_p}\right)^{(n-1)/n}

    Parameters
    ----------
    Q : (...)
        Prefactor of the admittance Q(iω)ⁿ [S sⁿ/m²].
    n : (...)
        Exponent [1].
    Rs, Rp : (...)
        Resistance in series with, and parallel to, the element [Ω m²]; Rp may be infinite.

    Returns
    -------
    (...)
        C [F/m²] (in F with Q in S sⁿ and R in Ω).

    Notes
    -----
    Limits: Q at n = 1; never above `hsu_mansfeld`, which is its limit for Rs → ∞ with R = Rp.
    Assumes that the time constants differ from place to place along the electrode.
    Source: Brug et al. 1984, J. Electroanal. Chem. 176, 275,
    doi:10.1016/S0022-0728(84)80324-1.

    Examples
    --------
    >>> float(brug(1e-2, 1.0, 1e-3, 1e-2))
    0.01
    """
    n = checked("cpe_exponent", n)
    conductance = 1 / _positive("Rs", Rs) + 1 / _positive("Rp", Rp)
    return np.asarray(_positive("Q", Q) ** (1 / n) * conductance ** ((n - 1) / n))


def hsu_mansfeld(Q: npt.ArrayLike, n: npt.ArrayLike, R: npt.ArrayLike) -> Floats:
    r"""Capacitance of a constant-phase element spread through a layer.

    .. math:: C = Q^{1/n} R^{(1-n)/n}

    With it, RC is the time constant of the depressed arc.

    Parameters
    ----------
    Q : (...)
        Prefactor of the admittance Q(iω)ⁿ [S sⁿ/m²].
    n : (...)
        Exponent [1].
    R : (...)
        Resistance parallel to the element [Ω m²].

    Returns
    -------
    (...)
        C [F/m²] (in F with Q in S sⁿ and R in Ω).

    Notes
    -----
    Limits: Q at n = 1. Assumes that the time constants differ through the depth.
    Source: Hsu & Mansfeld 2001, Corrosion 57, 747, doi:10.5006/1.3280607.

    Examples
    --------
    >>> float(hsu_mansfeld(1e-2, 1.0, 0.5))
    0.01
    """
    n = checked("cpe_exponent", n)
    return np.asarray(_positive("Q", Q) ** (1 / n) * _positive("R", R) ** ((1 - n) / n))


def peak_frequency(R: npt.ArrayLike, Q: npt.ArrayLike, n: npt.ArrayLike = 1.0) -> Floats:
    r"""Frequency at the top of the arc of R parallel to a constant-phase element.

    .. math:: \nu = \frac{1}{2\pi\,(RQ)^{1/n}}

    Parameters
    ----------
    R : (...)
        Resistance [Ω m²].
    Q : (...)
        Prefactor of the admittance Q(iω)ⁿ [S sⁿ/m²]; a capacitance [F/m²] at n = 1.
    n : (...)
        Exponent [1].

    Returns
    -------
    (...)
        ν [Hz].

    Notes
    -----
    Limits: 1/(2πRC) at n = 1. The arc must stand alone.
    Source: Brug et al. 1984, J. Electroanal. Chem. 176, 275,
    doi:10.1016/S0022-0728(84)80324-1 (the depressed arc).

    Examples
    --------
    >>> round(float(peak_frequency(0.01, 0.01)), 1)
    1591.5
    """
    n = checked("cpe_exponent", n)
    return np.asarray((_positive("R", R) * _positive("Q", Q)) ** (-1 / n) / (2 * np.pi))


def perimeter_correction(
    area: npt.ArrayLike, perimeter: npt.ArrayLike, pixel: npt.ArrayLike
) -> Floats:
    r"""Contact area of a pixel map, corrected for pixels that touch only in part.

    .. math:: A' = A - \frac{\pi - 1 + \ln 2}{24}\, S\,\Delta x

    Parameters
    ----------
    area : (...)
        A, number of pixels in contact times their area [m²].
    perimeter : (...)
        S, number of pixel edges between contact and gap times Δx [m].
    pixel : (...)
        Δx [m].

    Returns
    -------
    (...)
        A′ [m²].

    Notes
    -----
    Limits: A when there is no edge, or as Δx → 0. Derived for smooth outlines of random
    direction; the error left is of second order in Δx.
    Source: Yastrebov, Anciaux & Molinari 2017, Tribol. Int. 114, 161.

    Examples
    --------
    >>> round(float(perimeter_correction(1.0, 4.0, 0.01)), 5)
    0.99528
    """
    A, S = _positive("area", area, zero=True), _positive("perimeter", perimeter, zero=True)
    return np.asarray(A - (np.pi - 1 + np.log(2)) / 24 * S * _positive("pixel", pixel))


# Checks --------------------------------------------------------------------------------


def _modulus(value: npt.ArrayLike) -> Floats:
    """Young's modulus; infinity stands for a rigid body."""
    E = np.asarray(value, dtype=np.float64)
    checked("youngs_modulus", np.where(np.isposinf(E), 1e9, E))
    return E


def _resistivity(sigma_a: npt.ArrayLike, sigma_b: npt.ArrayLike) -> Floats:
    """ζ = 1/σ_a + 1/σ_b."""
    return np.asarray(1 / checked("conductivity", sigma_a) + 1 / checked("conductivity", sigma_b))


def _positive(name: str, value: npt.ArrayLike, *, zero: bool = False) -> Floats:
    """Quantities that are no word of their own need only be positive."""
    array = np.asarray(value, dtype=np.float64)
    bad = ~((array >= 0) if zero else (array > 0))  # NaN is bad too
    if bad.any():
        wanted = "zero or more" if zero else "positive"
        raise InputError(f"{name}={array[bad].flat[0]:g} must be {wanted}; check its sign")
    return array


def _within(name: str, value: npt.ArrayLike, limit: float, why: str) -> Floats:
    """Refuse what the source of a formula does not cover."""
    array = _positive(name, value, zero=True)
    if (array > limit).any():
        raise ValidityError(f"{name}={array.max():g} is above {limit:g}, where {why}")
    return array
