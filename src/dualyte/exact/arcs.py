"""Capacitance and frequency of an arc with a constant-phase element."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.exact._checks import positive
from dualyte.vocabulary import Floats, checked


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
    conductance = 1 / positive("Rs", Rs) + 1 / positive("Rp", Rp)
    return np.asarray(positive("Q", Q) ** (1 / n) * conductance ** ((n - 1) / n))


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
    return np.asarray(positive("Q", Q) ** (1 / n) * positive("R", R) ** ((1 - n) / n))


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
    return np.asarray((positive("R", R) * positive("Q", Q)) ** (-1 / n) / (2 * np.pi))


def peak_capacitance(R: npt.ArrayLike, frequency: npt.ArrayLike) -> Floats:
    r"""Capacitance of an arc from where its top lies.

    .. math:: C = \frac{1}{2\pi\nu R}

    It needs no circuit: the frequency may be that of a maximum of −Im Z, or of a peak of a
    distribution of relaxation times.

    Parameters
    ----------
    R : (...)
        Resistance of the arc [Ω m²].
    frequency : (...)
        ν at its top [Hz].

    Returns
    -------
    (...)
        C [F/m²] (in F with R in Ω).

    Notes
    -----
    Limits: exact for an ideal arc; of a depressed one it is `hsu_mansfeld`. The arc must
    stand alone: where arcs overlap the maximum of the sum lies elsewhere.
    Source: Irvine, Sinclair & West 1990, Adv. Mater. 2, 132, doi:10.1002/adma.19900020304.

    Examples
    --------
    >>> round(float(peak_capacitance(0.01, 1591.5)), 6)
    0.01
    """
    return np.asarray(1 / (2 * np.pi * positive("frequency", frequency) * positive("R", R)))
