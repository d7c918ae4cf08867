"""How powders densify under pressure, and what voids leave of stiffness."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.exact._checks import positive
from dualyte.vocabulary import Floats, checked


def yield_contacts(density: npt.ArrayLike, hardness: npt.ArrayLike, start: npt.ArrayLike) -> Floats:
    r"""Pressure at which a powder yields while its grains still touch in spots.

    .. math:: P = H D^2 \frac{D - D_0}{1 - D_0}

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    hardness : (...)
        H of the grains [Pa], three times their flow stress σ_y.
    start : (...)
        Relative density D₀ of the loose powder, below one [1].

    Returns
    -------
    (...)
        P [Pa].

    Notes
    -----
    Limits: 0 up to D₀, H when dense. Equal spheres in random packing under equal pressure from
    all sides; D below about 0.9, where pores still connect. No hardening, no friction.
    Source: Helle, Easterling & Ashby 1985, Acta Metall. 33, 2163,
    doi:10.1016/0001-6160(85)90177-4.

    Examples
    --------
    >>> round(float(yield_contacts(0.8, 420e6, 0.6)) / 1e6, 1)
    134.4
    """
    D, D0 = _share("density", density), _loose(start)
    H = checked("hardness", hardness)
    return np.asarray(H * D**2 * np.maximum(D - D0, 0.0) / (1 - D0))


def yield_pores(density: npt.ArrayLike, flow_stress: npt.ArrayLike) -> Floats:
    r"""Pressure at which a body with closed pores yields.

    .. math:: P = \frac{2\sigma_y}{3} \ln\frac{1}{1 - D}

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    flow_stress : (...)
        σ_y [Pa].

    Returns
    -------
    (...)
        P [Pa]; infinite when dense.

    Notes
    -----
    Limits: 0 without solid, infinite when dense; that of `hollow_sphere_pressure` for large n.
    A hollow sphere of perfectly plastic material, so D above about 0.9, and empty pores.
    Source: Helle, Easterling & Ashby 1985, Acta Metall. 33, 2163,
    doi:10.1016/0001-6160(85)90177-4.

    Examples
    --------
    >>> round(float(yield_pores(0.95, 140e6)) / 1e6, 1)
    279.6
    """
    D, sigma = _share("density", density), checked("stress", flow_stress)
    with np.errstate(divide="ignore"):
        return np.asarray(-2 / 3 * sigma * np.log1p(-D))


def creep_contacts(
    density: npt.ArrayLike, pressure: npt.ArrayLike, flow_stress: npt.ArrayLike,
    exponent: npt.ArrayLike, rate: npt.ArrayLike, start: npt.ArrayLike,
) -> Floats:  # fmt: skip
    r"""Densification rate of a powder by power-law creep at the contacts.

    .. math:: \dot D = 5.3\,(D^2 D_0)^{1/3} \frac{x}{R}\,\dot\varepsilon_0
              \left(\frac{P (1 - D_0)}{D^2 (D - D_0)\,3\sigma_y}\right)^n, \qquad
              \frac{x}{R} = \frac{1}{\sqrt 3}\sqrt{\frac{D - D_0}{1 - D_0}}

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    pressure, flow_stress : (...)
        P and σ_y [Pa].
    exponent : (...)
        n [1].
    rate : (...)
        Creep rate ε̇₀ at the flow stress [1/s].
    start : (...)
        Relative density D₀ of the loose powder, below one [1].

    Returns
    -------
    (...)
        dD/dt [1/s].

    Notes
    -----
    Limits: 0 without pressure; infinite up to D₀, where contacts are points. Where
    `yield_contacts` is reached with H = 3σ_y, the contacts creep at ε̇₀ whatever n. Equal
    spheres in random packing, steady creep; D below about 0.9, where pores still connect.
    Source: Arzt, Ashby & Easterling 1983, Metall. Trans. A 14, 211, doi:10.1007/BF02651618.

    Examples
    --------
    >>> creep_contacts([0.7, 0.8], 50e6, 140e6, 7.0, 1e-3, 0.6).round(7).tolist()
    [0.0008328, 1.6e-06]
    """
    D, D0 = _share("density", density), _loose(start)
    P, sigma = positive("pressure", pressure, zero=True), checked("stress", flow_stress)
    n, speed = positive("exponent", exponent), positive("rate", rate, zero=True)
    touching = (D0 < D) & (D > 0)
    grown = np.where(touching, (D - D0) / (1 - D0), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # infinite: they close at once
        squeezed = (P / (3 * sigma) / np.where(touching, D**2 * grown, 1.0)) ** n
        flow = 5.3 * np.cbrt(D**2 * D0) * np.sqrt(grown / 3) * speed * squeezed
    still = (P == 0) | (speed == 0)
    return np.asarray(np.where(still, 0.0, np.where(touching, flow, np.inf)))


def creep_pores(
    density: npt.ArrayLike, pressure: npt.ArrayLike, flow_stress: npt.ArrayLike,
    exponent: npt.ArrayLike, rate: npt.ArrayLike,
) -> Floats:  # fmt: skip
    r"""Densification rate of a creeping body with closed pores.

    .. math:: \dot D = \frac{3}{2}\dot\varepsilon_0 \frac{D(1 - D)}{(1 - (1 - D)^{1/n})^n}
              \left(\frac{3P}{2n\sigma_y}\right)^n

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    pressure, flow_stress : (...)
        P and σ_y [Pa].
    exponent : (...)
        n [1].
    rate : (...)
        Creep rate ε̇₀ at the flow stress [1/s].

    Returns
    -------
    (...)
        dD/dt [1/s].

    Notes
    -----
    Limits: 0 without pressure and when dense. It is the closing rate D Ė of the shell whose
    pressure is `hollow_sphere_pressure` with f = 1 − D; D above about 0.9, empty pores.
    Source: Arzt, Ashby & Easterling 1983, Metall. Trans. A 14, 211, doi:10.1007/BF02651618;
    Wilkinson & Ashby 1975, Acta Metall. 23, 1277, doi:10.1016/0001-6160(75)90136-4.

    Examples
    --------
    >>> creep_pores([0.95, 1.0], 120e6, 140e6, 7.0, 1e-3).round(7).tolist()
    [8e-07, 0.0]
    """
    D, sigma = _share("density", density, zero=False), checked("stress", flow_stress)
    P, n = positive("pressure", pressure, zero=True), positive("exponent", exponent)
    speed = positive("rate", rate, zero=True)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        wall = -np.expm1(np.log1p(-D) / n)  # 1 − f^(1/n)
        flow = 1.5 * speed * D * (1 - D) * (1.5 * P / (n * sigma * wall)) ** n
    return np.asarray(np.where((D == 1) | (P == 0) | (speed == 0), 0.0, flow))


def sintering_contacts(
    density: npt.ArrayLike, surface: npt.ArrayLike, start: npt.ArrayLike
) -> Floats:
    r"""Pressure by which the surface of touching spheres pulls them together.

    .. math:: P_s = \frac{3\gamma}{R} \frac{D^2 (2D - D_0)}{D_0}

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    surface : (...)
        γ/R [Pa], surface energy over the radius of the spheres.
    start : (...)
        Relative density of the powder, D₀ [1].

    Returns
    -------
    (...)
        [Pa].

    Notes
    -----
    Limits: D up to about 0.9. Source: Arzt, Ashby & Easterling 1983, Metall. Trans. A 14, 211,
    doi:10.1007/BF02651618.

    Examples
    --------
    >>> round(float(sintering_contacts(0.6, 0.3e6, 0.6)))
    324000
    """
    D, D0 = _share("density", density), _loose(start)
    pull = positive("surface", surface, zero=True)
    return np.asarray(3 * pull * D**2 * np.maximum(2 * D - D0, 0) / D0)


def sintering_pores(density: npt.ArrayLike, surface: npt.ArrayLike) -> Floats:
    r"""Pressure by which the surface of closed spherical pores closes them.

    .. math:: P_s = \frac{2\gamma}{R} \left(\frac{6D}{1 - D}\right)^{1/3}

    Parameters
    ----------
    density : (...)
        Relative density D [1]; at 1 the pressure is infinite.
    surface : (...)
        γ/R [Pa], surface energy over the radius of the grains.

    Returns
    -------
    (...)
        [Pa].

    Notes
    -----
    2γ/r of pores of radius r = R ((1 − D)/(6D))^(1/3). Limits: D above about 0.9. Source: Arzt,
    Ashby & Easterling 1983, Metall. Trans. A 14, 211, doi:10.1007/BF02651618.

    Examples
    --------
    >>> round(float(sintering_pores(0.96, 0.3e6)) / 1e6, 2)
    3.14
    """
    D, pull = _share("density", density), positive("surface", surface, zero=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(pull > 0, 2 * pull * np.cbrt(6 * D / (1 - D)), 0.0))


def hollow_cylinder_pressure(
    fraction: npt.ArrayLike, exponent: npt.ArrayLike, rate: npt.ArrayLike = 1.0
) -> Floats:
    r"""Pressure that closes a hollow cylinder of Norton material in plane strain.

    .. math:: \frac{P}{\sigma_0} = \frac{2}{\sqrt 3}\left(\frac{\dot E}{\sqrt 3}\right)^{1/n}
              \frac{n}{2}\left(f^{-1/n} - 1\right)

    The material follows ε̇/ε̇₀ = (σ/σ₀)ⁿ in equivalent (von Mises) rate and stress.

    Parameters
    ----------
    fraction : (...)
        f: share of the bore in the whole cross-section [1].
    exponent : (...)
        n [1].
    rate : (...)
        Ė: rate at which the whole cross-section A, bore included, shrinks, −(dA/dt)/(A ε̇₀)
        [1]. It equals the rate dD/dt = D Ė of the relative density D = 1 − f, over D.

    Returns
    -------
    (...)
        P over the reference stress σ₀ [1].

    Notes
    -----
    Limits: 0 at f = 1 or without rate, grows as f^(−1/n) for small bores; (1/√3) ln(1/f) of the
    perfectly plastic tube for large n; (1/f − 1)/3 Ė for n = 1. No volume change of the
    material, no axial flow, free bore.
    Source: Wilkinson & Ashby 1975, Acta Metall. 23, 1277, doi:10.1016/0001-6160(75)90136-4.

    Examples
    --------
    >>> hollow_cylinder_pressure(0.1, [1.0, 7.0]).round(4).tolist()
    [3.0, 1.4553]
    """
    n, speed = positive("exponent", exponent), positive("rate", rate, zero=True)
    shell = n * np.expm1(-np.log(_share("fraction", fraction, zero=False)) / n)
    return np.asarray((speed / np.sqrt(3)) ** (1 / n) * shell / np.sqrt(3))


def hollow_sphere_pressure(
    fraction: npt.ArrayLike, exponent: npt.ArrayLike, rate: npt.ArrayLike = 1.0
) -> Floats:
    r"""Pressure that closes a hollow sphere of Norton material.

    .. math:: \frac{P}{\sigma_0} = \frac{2n}{3}\left(\frac{2\dot E}{3}\right)^{1/n}
              \left(f^{-1/n} - 1\right)

    The material follows ε̇/ε̇₀ = (σ/σ₀)ⁿ in equivalent (von Mises) rate and stress.

    Parameters
    ----------
    fraction : (...)
        f: share of the hole in the whole volume [1].
    exponent : (...)
        n [1].
    rate : (...)
        Ė: rate at which the whole volume V, hole included, shrinks, −(dV/dt)/(V ε̇₀) [1]. It
        equals the rate dD/dt = D Ė of the relative density D = 1 − f, over D.

    Returns
    -------
    (...)
        P over the reference stress σ₀ [1].

    Notes
    -----
    Limits: 0 at f = 1 or without rate, grows as f^(−1/n) for small holes; (2/3) ln(1/f) of
    `yield_pores` for large n; (4/9)(1/f − 1) Ė for n = 1. No volume change of the material,
    free hole.
    Source: Wilkinson & Ashby 1975, Acta Metall. 23, 1277, doi:10.1016/0001-6160(75)90136-4.

    Examples
    --------
    >>> hollow_sphere_pressure(0.1, [1.0, 7.0]).round(4).tolist()
    [4.0, 1.7154]
    """
    n, speed = positive("exponent", exponent), positive("rate", rate, zero=True)
    shell = n * np.expm1(-np.log(_share("fraction", fraction, zero=False)) / n)
    return np.asarray(2 / 3 * (2 / 3 * speed) ** (1 / n) * shell)


def heckel(pressure: npt.ArrayLike, start: npt.ArrayLike, yield_pressure: npt.ArrayLike) -> Floats:
    r"""Relative density of a pressed powder after Heckel.

    .. math:: D = 1 - (1 - D_0)\,e^{-P/P_y}

    Parameters
    ----------
    pressure, yield_pressure : (...)
        P and P_y [Pa].
    start : (...)
        Relative density D₀ extrapolated to no pressure [1].

    Returns
    -------
    (...)
        D [1].

    Notes
    -----
    Limits: D₀ without pressure, dense at infinite pressure. Empirical: ln 1/(1 − D) is a
    straight line over the middle of a compression only, so D₀ is the intercept of that line,
    above the loose density, and P_y depends on the pressures fitted.
    Source: Heckel 1961, Trans. Metall. Soc. AIME 221, 671.

    Examples
    --------
    >>> round(float(heckel(64.66e6, 0.38, 64.66e6)), 3)
    0.772
    """
    P, P_y = positive("pressure", pressure, zero=True), positive("yield_pressure", yield_pressure)
    return np.asarray(1 - (1 - _share("start", start)) * np.exp(-P / P_y))


def kawakita(pressure: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    r"""Share of its volume that a pressed powder has lost, after Kawakita.

    .. math:: C = \frac{V_0 - V}{V_0} = \frac{a b P}{1 + b P}

    Parameters
    ----------
    pressure : (...)
        P [Pa].
    a : (...)
        Loss at infinite pressure, up to one [1].
    b : (...)
        Inverse of the pressure that gives half of it [1/Pa].

    Returns
    -------
    (...)
        C [1].

    Notes
    -----
    Limits: a b P at light load, a at infinite pressure; P/C is a straight line over P. V₀ is
    the loose volume, so the relative density is D₀/(1 − C). Empirical; the fit leans on the
    high pressures.
    Source: Kawakita & Lüdde 1971, Powder Technol. 4, 61, doi:10.1016/0032-5910(71)80001-3.

    Examples
    --------
    >>> round(float(kawakita(5.532e6, 0.7003, 1 / 5.532e6)), 4)
    0.3502
    """
    load = positive("b", b) * positive("pressure", pressure, zero=True)
    return np.asarray(_share("a", a) * load / (1 + load))


def porous_moduli(
    density: npt.ArrayLike, E: npt.ArrayLike, nu: npt.ArrayLike
) -> tuple[Floats, Floats]:
    r"""Stiffest isotropic body with voids: Hashin and Shtrikman's upper bound.

    .. math:: K = \frac{4 D K_s G_s}{4 G_s + 3(1 - D) K_s}, \qquad
              G = G_s\,\frac{D (9K_s + 8G_s)}{9K_s + 8G_s + 6(1 - D)(K_s + 2G_s)}

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    E, nu : (...)
        Young's modulus [Pa] and Poisson ratio [1] of the solid.

    Returns
    -------
    E, nu : (...)
        Young's modulus [Pa] and Poisson ratio [1] of the body.

    Notes
    -----
    Limits: the solid at D = 1, no stiffness at D = 0, ν = ½ allowed. Voids that touch
    nowhere, as in `maxwell_mixture`: pressed powders are softer, the more so the looser, because
    their necks are narrow.
    Source: Hashin & Shtrikman 1963, J. Mech. Phys. Solids 11, 127,
    doi:10.1016/0022-5096(63)90060-7.

    Examples
    --------
    >>> E, nu = porous_moduli([1.0, 0.8], 10e9, 0.3)
    >>> (E / 1e9).round(3).tolist(), nu.round(4).tolist()
    ([10.0, 6.662], [0.3, 0.2793])
    """
    D, E_s, nu_s = _share("density", density), checked("youngs_modulus", E), _poisson(nu)
    f, soft = 1 - D, 1.5 * (1 - 2 * nu_s) / (1 + nu_s)  # G_s/K_s, finite where K_s is not
    G = E_s / (2 * (1 + nu_s))
    narrowed = 9 + 8 * soft + 6 * f * (1 + 2 * soft)
    shear = G * D * (9 + 8 * soft) / narrowed
    ratio = (9 + 8 * soft) * (4 * soft + 3 * f) / (4 * narrowed)  # G/K of the body
    return np.asarray(9 * shear / (3 + ratio)), np.asarray((3 - 2 * ratio) / (6 + 2 * ratio))


def confined_modulus(E: npt.ArrayLike, nu: npt.ArrayLike) -> Floats:
    r"""Stiffness of an elastic body in a rigid die, along the die.

    .. math:: M = \frac{E (1 - \nu)}{(1 + \nu)(1 - 2\nu)}

    Parameters
    ----------
    E, nu : (...)
        Young's modulus [Pa] and Poisson ratio [1].

    Returns
    -------
    (...)
        M [Pa].

    Notes
    -----
    Limits: E at ν = 0, infinite at ν = ½; K + 4G/3 of any isotropic body. Small strain, no
    friction at the wall, which carries ν/(1 − ν) of the stress along the die.
    Source: Landau & Lifshitz 1986, Theory of Elasticity, section 5.

    Examples
    --------
    >>> round(float(confined_modulus(10e9, 0.25)) / 1e9, 6)
    12.0
    """
    E_s, nu_s = checked("youngs_modulus", E), _poisson(nu)
    with np.errstate(divide="ignore"):
        return np.asarray(E_s * (1 - nu_s) / ((1 + nu_s) * (1 - 2 * nu_s)))


def _share(name: str, value: npt.ArrayLike, *, zero: bool = True) -> Floats:
    array = positive(name, value, zero=zero)
    if (array > 1).any():
        raise InputError(f"{name}={array.max():g} is above 1; give it as a share of the whole")
    return array


def _loose(start: npt.ArrayLike) -> Floats:
    array = _share("start", start)
    if (array == 1).any():
        raise InputError("start=1 is dense already; give the relative density of the loose powder")
    return array


def _poisson(value: npt.ArrayLike) -> Floats:
    array = checked("poisson_ratio", value)
    if (array == -1).any():
        raise InputError("nu=-1 leaves no shear compliance; give a Poisson ratio above -1")
    return array
