"""What a mixture conducts, and how far a measured or computed mixture can lie from that."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.exact._checks import positive
from dualyte.vocabulary import Floats, checked


def bruggeman(relative_density: npt.ArrayLike, dim: int = 3) -> Floats:
    r"""Conductivity of a porous solid over that of the dense one, differential medium.

    .. math:: \frac{\sigma}{\sigma_0} = D^{d/(d-1)}

    Parameters
    ----------
    relative_density : (...)
        D: share of solid [1].
    dim
        d: 3 for spherical pores, 2 for cylindrical ones across the current.

    Returns
    -------
    (...)
        σ/σ₀ [1].

    Notes
    -----
    Limits: 1 when dense, 1 − d(1 − D)/(d − 1) for few pores; the solid conducts to the last,
    so it lies above sintered or pressed grains whose necks close the path.
    Source: Bruggeman 1935, Ann. Phys. 416, 636, doi:10.1002/andp.19354160705.

    Examples
    --------
    >>> bruggeman([1.0, 0.81]).round(6).tolist()
    [1.0, 0.729]
    """
    D = checked("fraction", relative_density)
    return np.asarray(D ** (_dimension(dim) / (dim - 1)))


def effective_medium(
    sigma_a: npt.ArrayLike, sigma_b: npt.ArrayLike, fraction: npt.ArrayLike, dim: int = 3
) -> Floats:
    r"""Conductivity of a random mixture in which both phases play the same part.

    .. math:: f\,\frac{\sigma_a-\sigma}{\sigma_a+(d-1)\sigma}
              + (1-f)\,\frac{\sigma_b-\sigma}{\sigma_b+(d-1)\sigma} = 0

    Parameters
    ----------
    sigma_a, sigma_b : (...)
        Conductivity of either phase [S/m]; 0 is a pore.
    fraction : (...)
        f: share of phase a [1].
    dim
        d: 3, or 2 for a plane or for columns across it.

    Returns
    -------
    (...)
        σ [S/m].

    Notes
    -----
    Limits: σ_a at f = 1, √(σ_a σ_b) at f = ½ in the plane; with pores it vanishes at f = 1/d.
    Right to second order in the contrast; the percolation threshold is that of no real grain.
    Source: Bruggeman 1935, Ann. Phys. 416, 636, doi:10.1002/andp.19354160705; Landauer 1952,
    J. Appl. Phys. 23, 779, doi:10.1063/1.1702301.

    Examples
    --------
    >>> float(effective_medium(1.0, 0.0, 0.8).round(6)), float(effective_medium(4.0, 1.0, 0.5, 2))
    (0.7, 2.0)
    """
    a, b = positive("sigma_a", sigma_a, zero=True), positive("sigma_b", sigma_b, zero=True)
    f, d = checked("fraction", fraction), _dimension(dim)
    half = ((d * f - 1) * a + (d * (1 - f) - 1) * b) / 2
    return np.asarray((half + np.sqrt(half**2 + (d - 1) * a * b)) / (d - 1))


def hashin_shtrikman(
    sigma_a: npt.ArrayLike, sigma_b: npt.ArrayLike, fraction: npt.ArrayLike, dim: int = 3
) -> tuple[Floats, Floats]:
    r"""Bounds on the conductivity of an isotropic mixture: none tighter from f alone.

    .. math:: \sigma_\pm = \sigma_1 +
              \frac{f_2}{1/(\sigma_2-\sigma_1) + f_1/(d\,\sigma_1)}

    with σ₁ the larger (upper bound) or the smaller (lower bound) of the two.

    Parameters
    ----------
    sigma_a, sigma_b : (...)
        Conductivity of either phase [S/m]; 0 is a pore.
    fraction : (...)
        f: share of phase a [1].
    dim
        d: 3, or 2 for a plane or for columns across it.

    Returns
    -------
    low, high : (...)
        σ₋ and σ₊ [S/m].

    Notes
    -----
    Limits: equal when f is 0 or 1 or the phases are alike; the lower one is 0 with pores. Met
    by coated spheres of all sizes, so the bound whose matrix is σ₁ is Maxwell's mixture.
    Source: Hashin & Shtrikman 1962, J. Appl. Phys. 33, 3125, doi:10.1063/1.1728579.

    Examples
    --------
    >>> low, high = hashin_shtrikman(1.0, 0.0, 0.888)
    >>> float(low), round(float(high), 3)
    (0.0, 0.841)
    """
    a, b = positive("sigma_a", sigma_a, zero=True), positive("sigma_b", sigma_b, zero=True)
    f = checked("fraction", fraction)
    one, other = maxwell_mixture(a, b, 1 - f, dim), maxwell_mixture(b, a, f, dim)
    return np.asarray(np.minimum(one, other)), np.asarray(np.maximum(one, other))


def maxwell_mixture(
    matrix: npt.ArrayLike, inclusion: npt.ArrayLike, fraction: npt.ArrayLike, dim: int = 3
) -> Floats:
    r"""Conductivity of a matrix with spheres (or cylinders across the current) far apart.

    .. math:: \frac{\sigma-\sigma_m}{\sigma+(d-1)\sigma_m}
              = f\,\frac{\sigma_i-\sigma_m}{\sigma_i+(d-1)\sigma_m}

    Parameters
    ----------
    matrix, inclusion : (...)
        Conductivity of the matrix σ_m and of the spheres σ_i [S/m]; 0 is a pore.
    fraction : (...)
        f: share of the spheres [1].
    dim
        d: 3, or 2 for cylinders across the current.

    Returns
    -------
    (...)
        σ [S/m].

    Notes
    -----
    Limits: σ_m at f = 0, σ_i at f = 1; with spherical pores 2(1 − f)/(2 + f) σ_m. For spheres
    in a cubic lattice the error is of order f^(10/3).
    Source: Maxwell 1873, A Treatise on Electricity and Magnetism, art. 314,
    doi:10.1017/CBO9780511709333.

    Examples
    --------
    >>> round(float(maxwell_mixture(1.0, 0.0, 0.112)), 3)
    0.841
    """
    m = positive("matrix", matrix, zero=True)
    i = positive("inclusion", inclusion, zero=True)
    f, d = checked("fraction", fraction), _dimension(dim)
    above, below = i + (d - 1) * m + (d - 1) * f * (i - m), i + (d - 1) * m - f * (i - m)
    ratio = np.ones_like(above)
    np.divide(above, below, out=ratio, where=below > 0)  # insulators, or f = 1 without a matrix
    return np.asarray(np.where(below > 0, m * ratio, i))


def _dimension(dim: int) -> int:
    if dim not in (2, 3):
        raise InputError(f"dim={dim} must be 2 or 3")
    return dim
