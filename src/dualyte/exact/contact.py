"""How much of two rough faces touches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import erf, erfc

from dualyte.exact._checks import modulus, positive
from dualyte.vocabulary import Floats, checked


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
    compliance = (1 - nu_1**2) / modulus(E1) + (1 - nu_2**2) / modulus(E2)
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
    F, R, E = positive("force", force, zero=True), checked("length", radius), modulus(E_star)
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
    P, E = checked("pressure", pressure), modulus(E_star)
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
    P, E, s = checked("pressure", pressure), modulus(E_star), checked("slope", slope)
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
    P, E, s = checked("pressure", pressure), modulus(E_star), checked("slope", slope)
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
    f, ratio = checked("fraction", f0), checked("dwell", t) / positive("t0", t0)
    return np.asarray(np.minimum(f * ratio ** (1 / checked("creep_exponent", n)), 1.0))


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
    A, S = positive("area", area, zero=True), positive("perimeter", perimeter, zero=True)
    return np.asarray(A - (np.pi - 1 + np.log(2)) / 24 * S * positive("pixel", pixel))
