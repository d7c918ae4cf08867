"""Single-crystal NMC82: what it holds, how fast lithium moves in it, and at which potential.

The functions are written with NumPy alone, and take PyBaMM symbols as well as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from dualyte.cell.composition import Composition, composite
from dualyte.errors import InputError
from dualyte.vocabulary import Floats

Resolution = Literal["porous", "single particle"]

#: lithium fraction and stoichiometry of the source, at 4.3 V and at its fullest point
CHARGED: Final = (0.19, 0.26134)
FULL: Final = (0.95, 0.9084)
FINER: Final = 3.0  #: logarithm of the innermost over the outermost shell


def open_circuit(x: Any, charged: float = CHARGED[0]) -> Any:  # noqa: ANN401 (or a symbol)
    r"""Potential of NMC82 against lithium.

    .. math:: U = U_\mathrm{Chen}(s(x)) - e^{(x-1)/0.006}

    with s linear in x, so that x = 0.19 lies at 4.3 V.

    Parameters
    ----------
    x : (...)
        Lithium fraction [1]; 1 is 275 mAh per gram.
    charged
        x at 4.3 V [1].

    Returns
    -------
    (...)
        U [V].

    Notes
    -----
    Limits: 0.15 < x < 1, at any temperature (the entropy is not known). NMC811 stands for
    NMC82; the fall to full lithiation, which the source does not reach, is assumed.
    Source: Chen et al. 2020, J. Electrochem. Soc. 167, 080534, doi:10.1149/1945-7111/ab9050.

    Examples
    --------
    >>> open_circuit(np.array([0.2, 0.5, 0.9])).round(2).tolist()
    [4.27, 3.94, 3.6]
    """
    (_, s1), (x2, s2), x1 = CHARGED, FULL, charged
    s = s1 + (x - x1) * ((s2 - s1) / (x2 - x1))
    chen = (
        -0.8090 * s
        + 4.4875
        - 0.0428 * np.tanh(18.5138 * (s - 0.5542))
        - 17.7326 * np.tanh(15.7890 * (s - 0.3117))
        + 17.5842 * np.tanh(15.9308 * (s - 0.3120))
    )
    return chen - np.exp((x - 1) / 0.006)


def diffusivity(x: Any, fast: Any, slow: Any, edge: Any, width: Any) -> Any:  # noqa: ANN401
    r"""Chemical diffusivity of lithium in NMC82, which falls steeply near full lithiation.

    .. math:: \ln D = \ln D_f + \frac{\ln(D_s/D_f)}{1+e^{(x_e-x)/w}}

    Parameters
    ----------
    x : (...)
        Lithium fraction [1].
    fast, slow
        D_f away from and D_s at full lithiation [m²/s].
    edge, width
        x_e and w of the fall [1].

    Returns
    -------
    (...)
        D [m²/s].

    Notes
    -----
    Limits: D_f at x ≪ x_e, D_s at x ≫ x_e, their geometric mean at x_e. The fall carries the
    capacity that the first cycle does not give back.

    Examples
    --------
    >>> f"{diffusivity(0.9, 1e-14, 1e-18, 0.9, 0.02):.3g}"
    '1e-16'
    """
    return fast * np.exp(np.log(slow / fast) / (1 + np.exp((edge - x) / width)))


def exchange_current(x: Any, reference: Any) -> Any:  # noqa: ANN401
    """2 i₀ √(x(1 − x)) [A/m²]: `reference` i₀ at half lithiation, 0 when full or empty.

    >>> float(exchange_current(0.5, 2.0))
    2.0
    """
    return 2 * reference * np.sqrt(x * (1 - x))


def shell_edges(shells: int) -> Floats:
    """Radii of shells in a particle over its radius, finer towards its surface.

    There the lithium that moves slowly piles up: twenty such shells are as good as 160 even ones.

    >>> shell_edges(2).round(3).tolist()
    [0.0, 0.818, 1.0]
    """
    k = np.arange(shells + 1) / shells
    return np.asarray(np.expm1(-FINER * k) / np.expm1(-FINER))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cathode:
    """A composite cathode.

    A porous one is resolved across its thickness; a single particle stands for all, at a
    quarter of the cost.
    """

    composition: Composition = field(default_factory=composite)
    resolution: Resolution = "porous"
    cells: int = 20  #: across the electrode
    shells: int = 20  #: in a particle

    def __post_init__(self) -> None:
        if self.resolution not in ("porous", "single particle"):
            raise InputError(
                f"resolution={self.resolution!r}; a cathode is 'porous' or 'single particle'"
            )
        for name in ("cells", "shells"):
            if getattr(self, name) < 3:
                raise InputError(f"{name}={getattr(self, name)}; take 3 or more, 20 is usual")

    def __str__(self) -> str:
        return f"{self.composition}, {self.resolution}"
