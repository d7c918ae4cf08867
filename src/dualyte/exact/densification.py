"""How powders densify, and voided bodies flow and yield."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.exact._checks import modulus, positive, within
from dualyte.vocabulary import Floats, checked


def _porosity(density: npt.ArrayLike) -> Floats:
    return np.asarray(1 - within("relative density", density, 1.0, "nothing is denser than dense"))


def yield_contacts(density: npt.ArrayLike, hardness: npt.ArrayLike, start: npt.ArrayLike) -> Floats:
    r"""Pressure at which a powder yields while its grains still touch in spots.

    .. math:: P = H D^2 \frac{D - D_0}{1 - D_0}

    Parameters
    ----------
    density : (...)
        Relative density D [1].
    hardness : (...)
        H of the grains [Pa], three times their flow stress.
    start : (...)
        Relative density D₀ of the loose powder [1].

    Returns
    -------
    (...)
        P [Pa].

    Notes
    -----
    Limits: D below about 0.9, equal spheres, random packing.
    Source: Helle, Easterling, Ashby 1985, doi:10.1016/0001-6160(85)90177-4.

    Examples
    --------
    >>> round(float(yield_contacts(0.8, 420e6, 0.6)) / 1e6, 1)
    134.4
    """
    D, D0 = 1 - _porosity(density), 1 - _porosity(start)
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
    Limits: D above about 0.9; a hollow sphere of perfectly plastic material.
    Source: Helle, Easterling, Ashby 1985, doi:10.1016/0001-6160(85)90177-4.

    Examples
    --------
    >>> round(float(yield_pores(0.95, 140e6)) / 1e6, 1)
    279.6
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-2 / 3 * checked("stress", flow_stress) * np.log(_porosity(density)))


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
        Relative density D, above D₀ [1].
    pressure, flow_stress : (...)
        P and σ_y [Pa].
    exponent : (...)
        n [1].
    rate : (...)
        Creep rate ε̇₀ at the flow stress [1/s].
    start : (...)
        Relative density D₀ of the loose powder [1].

    Returns
    -------
    (...)
        dD/dt [1/s].

    Notes
    -----
    Limits: D below about 0.9; diverges at D₀, where contacts are points.
    Source: Arzt, Ashby, Easterling 1983, doi:10.1007/BF02651618.

    Examples
    --------
    >>> loose, tight = creep_contacts([0.7, 0.8], 1e8, 1e8, 5, 1.0, 0.6)
    >>> bool(loose > tight)
    True
    """
    D, D0 = 1 - _porosity(density), 1 - _porosity(start)
    P, sigma = positive("pressure", pressure, zero=True), checked("stress", flow_stress)
    neck = np.sqrt((D - D0) / (1 - D0)) / np.sqrt(3)
    local = P * (1 - D0) / (D**2 * (D - D0)) / (3 * sigma)
    speed = positive("rate", rate, zero=True)
    return np.asarray(5.3 * np.cbrt(D**2 * D0) * neck * speed * local ** np.asarray(exponent))


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
    Limits: D above about 0.9; a hollow sphere of Norton material.
    Source: Arzt, Ashby, Easterling 1983, doi:10.1007/BF02651618.

    Examples
    --------
    >>> float(creep_pores(1.0, 1e8, 1e8, 5, 1.0))
    0.0
    """
    f, n = _porosity(density), np.asarray(exponent, dtype=np.float64)
    P, sigma = positive("pressure", pressure, zero=True), checked("stress", flow_stress)
    geometry = (1 - f) * f / (1 - f ** (1 / n)) ** n
    speed = positive("rate", rate, zero=True)
    return np.asarray(1.5 * speed * geometry * (1.5 * P / (n * sigma)) ** n)


def hollow_cylinder_pressure(
    fraction: npt.ArrayLike, exponent: npt.ArrayLike, rate: npt.ArrayLike = 1.0
) -> Floats:
    r"""Pressure that closes a hollow cylinder of Norton material in plane strain.

    .. math:: P = \frac{2}{\sqrt 3}\left(\frac{\dot E}{\sqrt 3}\right)^{1/n} \frac{n}{2}
              \left(f^{-1/n} - 1\right)

    Parameters
    ----------
    fraction : (...)
        Share f of the bore in the whole area [1].
    exponent : (...)
        n [1].
    rate : (...)
        Rate Ė of the whole area, over the reference rate [1].

    Returns
    -------
    (...)
        P over the reference stress [1].

    Notes
    -----
    Limits: 0 < f < 1; incompressible, inner surface free.
    Source: Duva, Hutchinson 1984, doi:10.1016/0167-6636(84)90013-9.

    Examples
    --------
    >>> round(float(hollow_cylinder_pressure(0.1, 1)), 4)
    3.0
    """
    f, n, E = (positive(x, y) for x, y in (("fraction", fraction), ("n", exponent), ("rate", rate)))
    within("fraction", f, 1.0, "the bore is the whole cylinder")
    return np.asarray(n / np.sqrt(3) * (E / np.sqrt(3)) ** (1 / n) * (f ** (-1 / n) - 1))


def hollow_sphere_pressure(
    fraction: npt.ArrayLike, exponent: npt.ArrayLike, rate: npt.ArrayLike = 1.0
) -> Floats:
    r"""Pressure that closes a hollow sphere of Norton material.

    .. math:: P = \frac{2n}{3}\left(\frac{2\dot E}{3}\right)^{1/n}\left(f^{-1/n} - 1\right)

    Parameters
    ----------
    fraction : (...)
        Share f of the hole in the whole volume [1].
    exponent : (...)
        n [1].
    rate : (...)
        Rate Ė of the whole volume, over the reference rate [1].

    Returns
    -------
    (...)
        P over the reference stress [1].

    Notes
    -----
    Limits: 0 < f < 1; incompressible, inner surface free.
    Source: Duva, Hutchinson 1984, doi:10.1016/0167-6636(84)90013-9.

    Examples
    --------
    >>> round(float(hollow_sphere_pressure(0.1, 1)), 4)
    4.0
    """
    f, n, E = (positive(x, y) for x, y in (("fraction", fraction), ("n", exponent), ("rate", rate)))
    within("fraction", f, 1.0, "the hole is the whole sphere")
    return np.asarray(2 * n / 3 * (2 * E / 3) ** (1 / n) * (f ** (-1 / n) - 1))


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
    Limits: empirical; holds over part of a compression, not at its start.
    Source: Heckel 1961, Trans. Metall. Soc. AIME 221, 671.

    Examples
    --------
    >>> round(float(heckel(64.66e6, 0.38, 64.66e6)), 3)
    0.772
    """
    P, P_y = positive("pressure", pressure, zero=True), positive("yield_pressure", yield_pressure)
    return np.asarray(1 - _porosity(start) * np.exp(-P / P_y))


def kawakita(pressure: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    r"""Relative reduction of the volume of a pressed powder after Kawakita.

    .. math:: C = \frac{V_0 - V}{V_0} = \frac{a b P}{1 + b P}

    Parameters
    ----------
    pressure : (...)
        P [Pa].
    a : (...)
        Reduction at infinite pressure [1].
    b : (...)
        Inverse of the pressure that gives half of it [1/Pa].

    Returns
    -------
    (...)
        C [1].

    Notes
    -----
    Limits: empirical; a below one.
    Source: Kawakita, Lüdde 1971, doi:10.1016/0032-5910(71)80001-3.

    Examples
    --------
    >>> round(float(kawakita(5.532e6, 0.7003, 1 / 5.532e6)), 4)
    0.3502
    """
    P, a, b = positive("pressure", pressure, zero=True), positive("a", a), positive("b", b)
    return np.asarray(a * b * P / (1 + b * P))


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
    Limits: an upper bound; pressed powders are softer, the more so the looser.
    Source: Hashin, Shtrikman 1963, doi:10.1016/0022-5096(63)90060-7.

    Examples
    --------
    >>> E, nu = porous_moduli(1.0, 10e9, 0.3)
    >>> round(float(E) / 1e9, 6), round(float(nu), 6)
    (10.0, 0.3)
    """
    f, E_s, nu_s = _porosity(density), modulus(E), checked("poisson_ratio", nu)
    K, G = E_s / (3 * (1 - 2 * nu_s)), E_s / (2 * (1 + nu_s))
    bulk = 4 * (1 - f) * K * G / (4 * G + 3 * f * K)
    shear = G * (1 - f) * (9 * K + 8 * G) / (9 * K + 8 * G + 6 * f * (K + 2 * G))
    whole = 9 * bulk * shear / (3 * bulk + shear)
    return np.asarray(whole), np.asarray(whole / (2 * shear) - 1)


def confined_modulus(E: npt.ArrayLike, nu: npt.ArrayLike) -> Floats:
    r"""Stiffness along a rigid die.

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
    Limits: no friction, ν below one half.
    Source: Johnson 1985, Contact Mechanics, doi:10.1017/CBO9781139171731.

    Examples
    --------
    >>> round(float(confined_modulus(10e9, 0.25)) / 1e9, 6)
    12.0
    """
    E, nu = modulus(E), checked("poisson_ratio", nu)
    return np.asarray(E * (1 - nu) / ((1 + nu) * (1 - 2 * nu)))
