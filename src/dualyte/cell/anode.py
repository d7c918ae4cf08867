"""Anodes: lithium foil, and silver seeds on which the cathode's lithium plates.

The functions are written with NumPy alone, and take PyBaMM symbols as well as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.exact._checks import positive
from dualyte.vocabulary import Floats

#: share of the alloy capacity where a phase ends, and the fall of potential there [V]
PLATEAUS: Final = ((0.4, 0.07), (1.0, 0.05))
SHARPNESS: Final = 0.03  #: of a plateau's end, in shares of the alloy capacity
EMPTY: Final = 0.9  #: V above the first plateau, of silver without lithium


@dataclass(frozen=True, slots=True, kw_only=True)
class LiFoil:
    """Lithium in excess: it limits nothing, and costs its exchange current."""

    def __str__(self) -> str:
        return "lithium foil"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgSeeds:
    """Silver seeds without lithium: what is plated on them is all there is."""

    def __str__(self) -> str:
        return "silver seeds, no lithium reservoir"


def silver_potential(lithium: Any, capacity: Any) -> Any:  # noqa: ANN401 (array or symbol)
    r"""Potential of silver seeds against lithium: two alloys, then plated lithium.

    .. math:: U = \sum_k \frac{\Delta U_k}{1+e^{(n/N-z_k)/0.03}} + 0.9\,e^{-100\,n/N}

    Parameters
    ----------
    lithium : (...)
        n that can be stripped [C/m²].
    capacity
        N of the alloys [C/m²].

    Returns
    -------
    (...)
        U [V].

    Notes
    -----
    Limits: 0 V for n ≫ N; above 1 V when empty. The plateaus (0.12 V, then 0.05 V) are assumed:
    published ones span 0 … 0.3 V and differ between alloying and dealloying.

    Examples
    --------
    >>> silver_potential(np.array([0.0, 0.2, 0.7, 2.0]), 1.0).round(2).tolist()
    [1.02, 0.12, 0.05, 0.0]
    """
    z = lithium / capacity
    potential = EMPTY * np.exp(-100 * z)
    for end, fall in PLATEAUS:
        # the same as 1/(1 + exp), without its overflow
        potential = potential + fall * (1 - np.tanh((z - end) / (2 * SHARPNESS))) / 2
    return potential


def alloy_capacity(plateau: npt.ArrayLike, trapped: npt.ArrayLike, share: float) -> Floats:
    r"""Lithium in the alloys when their plateaus end, less what silver keeps for good.

    .. math:: N = q - N_t\,(1-e^{-f q/N_t})

    Parameters
    ----------
    plateau : (...)
        q: charge at the end of the plateaus of the first charge [C/m²].
    trapped : (...)
        N_t: lithium that silver keeps for good [C/m²].
    share
        f of the plated lithium that is trapped at first [1].

    Returns
    -------
    (...)
        N [C/m²].

    Examples
    --------
    >>> float(alloy_capacity(2160.0, 0.0, 0.2))
    2160.0
    """
    q, n = positive("plateau", plateau, zero=True), positive("trapped", trapped, zero=True)
    safe = np.where(n > 0, n, 1.0)
    return np.asarray(q - np.where(n > 0, safe * -np.expm1(-share * q / safe), 0.0))


def stranding_ratio(loss: npt.ArrayLike, depletion: npt.ArrayLike) -> Floats:
    r"""Stranded per stripped lithium at depletion, from what a complete strip leaves behind.

    .. math:: \lambda = e^{q/N_d} - 1

    Parameters
    ----------
    loss : (...)
        q left behind by a complete strip [C/m²].
    depletion : (...)
        N_d: inventory below which lithium loses contact [C/m²].

    Returns
    -------
    (...)
        λ [1].

    Notes
    -----
    Exact for dn = −(1 + λ e^(−n/N_d)) ds from n ≫ N_d, see `stranded`.

    Examples
    --------
    >>> round(float(stranding_ratio(100.0, 100.0)), 4)
    1.7183
    """
    q, n = positive("loss", loss, zero=True), positive("depletion", depletion)
    return np.asarray(np.expm1(q / n))


def stranded(
    start: npt.ArrayLike, end: npt.ArrayLike, ratio: npt.ArrayLike, depletion: float
) -> Floats:
    r"""Lithium stranded while an inventory is stripped.

    .. math:: q = N_d \ln\frac{1+\lambda e^{-n_1/N_d}}{1+\lambda e^{-n_0/N_d}}

    Parameters
    ----------
    start, end : (...)
        n₀ and n₁ [C/m²].
    ratio : (...)
        λ at depletion [1].
    depletion
        N_d [C/m²].

    Returns
    -------
    (...)
        q [C/m²].

    Notes
    -----
    Limits: N_d ln(1 + λ) for a complete strip; 0 as long as n₁ ≫ N_d: a cell whose cathode
    cannot take back all lithium strands almost none.

    Examples
    --------
    >>> float(stranded(7200.0, 0.0, np.e - 1, 100.0).round(6))
    100.0
    """
    n0, n1 = positive("start", start, zero=True), positive("end", end, zero=True)
    lam = positive("ratio", ratio, zero=True)
    top = np.log1p(lam * np.exp(-n1 / depletion)) - np.log1p(lam * np.exp(-n0 / depletion))
    return np.asarray(depletion * top)
