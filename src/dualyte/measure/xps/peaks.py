"""Shapes of lines, as arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.vocabulary import Floats

_LN2: Final = float(np.log(2))


def pseudo_voigt(x: npt.ArrayLike, centre: float, width: float, mixing: float) -> Floats:
    """Sum of a Gaussian and a Lorentzian of one full width at half maximum; its area is 1.

    Parameters
    ----------
    x : (m,)
        Energies, in the unit of `centre` and `width`.
    centre, width
        Place of the maximum, and full width at half maximum.
    mixing
        Share of the Lorentzian in the height, 0 to 1.

    Examples
    --------
    >>> y = pseudo_voigt(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 0.3)
    >>> round(float(y[1] / y[0]), 12)
    0.5
    """
    u = (np.asarray(x, dtype=np.float64) - centre) / width
    shape = (1 - mixing) * np.exp(-4 * _LN2 * u**2) + mixing / (1 + 4 * u**2)
    return np.asarray(shape / (width * pseudo_voigt_area(mixing)))


def pseudo_voigt_area(mixing: float) -> float:
    """Area of a pseudo-Voigt line of unit height and width.

    >>> round(pseudo_voigt_area(0.0), 6), round(pseudo_voigt_area(1.0), 6)
    (1.064467, 1.570796)
    """
    return float((1 - mixing) * np.sqrt(np.pi / (4 * _LN2)) + mixing * np.pi / 2)


def voigt(x: npt.ArrayLike, centre: float, width: float, mixing: float) -> Floats:
    """Convolution of a Gaussian and a Lorentzian; its area is 1.

    Parameters
    ----------
    x : (m,)
        Energies, in the unit of `centre` and `width`.
    centre, width
        Place of the maximum, and full width at half maximum (to 0.02 %).
    mixing
        Width of the Lorentzian over the sum of the widths of both, 0 to 1.

    Notes
    -----
    Widths: J. J. Olivero and R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977)
    233, doi:10.1016/0022-4073(77)90161-3.

    Examples
    --------
    >>> y = voigt(np.array([0.0, 0.5]), 0.0, 1.0, 0.3)
    >>> bool(abs(y[1] / y[0] - 0.5) < 5e-4)
    True
    """
    from scipy.special import voigt_profile

    both = width / (0.5346 * mixing + np.sqrt(0.2166 * mixing**2 + (1 - mixing) ** 2))
    sigma, gamma = both * (1 - mixing) / np.sqrt(8 * _LN2), both * mixing / 2
    return np.asarray(voigt_profile(np.asarray(x, dtype=np.float64) - centre, sigma, gamma))


SHAPES: Final = {"pseudo-voigt": pseudo_voigt, "voigt": voigt}
