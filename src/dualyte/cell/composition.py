"""The composite cathode: what is weighed in, what that fills, and how it conducts.

Weights become volume fractions; carbon fibres wire the active material once they percolate;
the catholyte conducts ions through what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.exact import bruggeman
from dualyte.material import Material, material
from dualyte.vocabulary import BOLTZMANN, ROOM, Floats, checked

#: exponent of conduction above the percolation threshold in three dimensions
UNIVERSAL: Final = 2.0


def volume_fractions(weights: npt.ArrayLike, densities: npt.ArrayLike) -> Floats:
    r"""Volume fractions of a dense mixture from what was weighed in.

    .. math:: v_k = \frac{w_k/\rho_k}{\sum_i w_i/\rho_i}

    Parameters
    ----------
    weights : (..., k)
        w: weights in any one unit [1].
    densities : (k,)
        ρ [kg/m³].

    Returns
    -------
    (..., k)
        v [1], of the solids; they add up to 1.

    Raises
    ------
    InputError
        If a weight is negative or all are zero.

    Notes
    -----
    Limits: no pores, no excess volume on mixing.

    Examples
    --------
    >>> volume_fractions([7, 3], [4630.0, 2610.0]).round(2).tolist()
    [0.57, 0.43]
    """
    w, rho = np.asarray(weights, dtype=np.float64), checked("density", densities)
    if not (np.isfinite(w) & (w >= 0)).all() or not (w.sum(axis=-1) > 0).all():
        raise InputError(f"weights {w.tolist()} must be positive or zero, and not all zero")
    volume = w / rho
    return np.asarray(volume / volume.sum(axis=-1, keepdims=True))


def percolation_threshold(diameter: npt.ArrayLike, length: npt.ArrayLike) -> Floats:
    r"""Volume fraction at which long fibres of random direction first connect.

    .. math:: \phi_c = 0.7\, d/\ell

    Parameters
    ----------
    diameter, length : (...)
        d and ℓ of a fibre [m].

    Returns
    -------
    (...)
        φ_c [1].

    Raises
    ------
    ValidityError
        If fibres are shorter than ten diameters.

    Notes
    -----
    Limits: soft, straight, thin fibres: 1.4 other fibres in the excluded volume π d ℓ²/2 of
    each. Fibres among hard grains are pushed together and connect earlier.
    Source: Balberg et al. 1984, Phys. Rev. B 30, 3933, doi:10.1103/PhysRevB.30.3933.

    Examples
    --------
    >>> round(float(percolation_threshold(0.15e-6, 10e-6)), 6)
    0.0105
    """
    d, ell = checked("length", diameter), checked("length", length)
    if (ell < 10 * d).any():
        raise ValidityError(
            f"a fibre {float(np.min(ell / d)):.3g} diameters long is too short for the threshold "
            "of thin fibres; it holds from ten diameters on"
        )
    return np.asarray(0.7 * d / ell)


def percolating(sigma: npt.ArrayLike, fraction: npt.ArrayLike, threshold: npt.ArrayLike) -> Floats:
    r"""Conductivity of a network of fibres in an insulator.

    .. math:: \sigma_\mathrm{eff} = \sigma
              \left(\frac{\phi-\phi_c}{1-\phi_c}\right)^2 \quad (\phi > \phi_c), \quad
              \text{else } 0

    Parameters
    ----------
    sigma : (...)
        σ of the fibre network when it fills all [S/m].
    fraction, threshold : (...)
        φ and φ_c [1].

    Returns
    -------
    (...)
        σ_eff [S/m].

    Notes
    -----
    Limits: 0 at the threshold, σ at φ = 1. σ lies below that of a single fibre: contacts
    between fibres resist. Source: Kirkpatrick 1973, Rev. Mod. Phys. 45, 574,
    doi:10.1103/RevModPhys.45.574.

    Examples
    --------
    >>> percolating(1e4, [0.005, 0.0105, 1.0], 0.0105).tolist()
    [0.0, 0.0, 10000.0]
    """
    f, c = checked("fraction", fraction), checked("fraction", threshold)
    above = np.maximum(f - c, 0.0) / (1 - c)
    return np.asarray(checked("conductivity", sigma) * above**UNIVERSAL)


def arrhenius(conductivity: npt.ArrayLike, energy: npt.ArrayLike, temperature: float) -> Floats:
    r"""Conductivity at a temperature from the one at 25 °C.

    .. math:: \sigma(T) = \sigma(T_0)\,\exp\left[-\frac{E_a}{k_B}
              \left(\frac1T-\frac1{T_0}\right)\right]

    Parameters
    ----------
    conductivity : (...)
        σ at T₀ = 298.15 K [S/m].
    energy : (...)
        E_a [J].
    temperature
        T [K].

    Returns
    -------
    (...)
        σ [S/m].

    Notes
    -----
    Limits: one process; σ rather than σT is activated, as the energies of the material files are.

    Examples
    --------
    >>> float(arrhenius(0.9, 0.29 * 1.602176634e-19, 298.15))
    0.9
    """
    T = float(checked("temperature", temperature))
    E = checked("activation_energy", energy)
    return np.asarray(conductivity * np.exp(-E / BOLTZMANN * (1 / T - 1 / ROOM)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Composition:
    """A composite cathode by weight.

    `carbon` is a share of the whole; active material and catholyte share the rest.

    Raises
    ------
    InputError
        If a share is outside 0 … 1.
    ValidityError
        If there is carbon, but too little for its fibres to connect.
    """

    active: Material
    catholyte: Material
    fibre: Material
    ratio: float = 0.7  #: active / (active + catholyte), by weight
    carbon: float = 0.02  #: carbon / all, by weight
    porosity: float = 0.0  #: pores / volume of the electrode

    def __post_init__(self) -> None:
        for name in ("ratio", "carbon", "porosity"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name}={getattr(self, name):g} is not a share between 0 and 1; 2 wt% is 0.02"
                )
        if self.ratio == 0:
            raise InputError("ratio=0 leaves no active material; 7:3 by weight is 0.7")
        if self.carbon > 0 and self.fibres <= self.threshold:
            # the weight at which the fibres would just connect, for the message
            dense = self.fibre["density"].si * self.threshold
            rest = (1 - self.threshold) * self._matrix_density
            least = 100 * dense / (dense + rest)
            raise ValidityError(
                f"{100 * self.carbon:.3g} wt% carbon is below the {least:.2g} wt% at which its "
                "fibres connect; take more, or none"
            )

    @property
    def _matrix_density(self) -> float:
        rho = self.active["density"].si, self.catholyte["density"].si
        return float(1 / (self.ratio / rho[0] + (1 - self.ratio) / rho[1]))

    @property
    def fractions(self) -> Floats:
        """Volume fractions of active material, catholyte and carbon in the electrode [1]."""
        w = np.array([self.ratio, 1 - self.ratio, 0.0]) * (1 - self.carbon)
        w[2] = self.carbon
        rho = [m["density"].si for m in (self.active, self.catholyte, self.fibre)]
        return volume_fractions(w, rho) * (1 - self.porosity)

    @property
    def fibres(self) -> float:
        """Volume fraction of carbon among the solids [1]."""
        return float(self.fractions[2] / (1 - self.porosity))

    @property
    def threshold(self) -> float:
        """Volume fraction at which the fibres connect [1]."""
        return float(percolation_threshold(self.fibre["diameter"].si, self.fibre["length"].si))

    def ionic(self, temperature: float) -> float:
        """κ_eff: catholyte around spheres, by Bruggeman [S/m]."""
        rows = self.catholyte["conductivity"].si, self.catholyte["activation_energy"].si
        return float(arrhenius(*rows, temperature) * bruggeman(self.fractions[1]))

    def electronic(self, network: float) -> float:
        """σ_eff: fibres that connect, beside the active material [S/m].

        `network` is the conductivity of fibres at volume fraction 1 [S/m].
        """
        grains = self.active["electronic_conductivity"].si * bruggeman(self.fractions[0])
        return float(grains + percolating(network, self.fibres, self.threshold))

    def connected(self, bare: float, spread: float) -> float:
        """Share of the active material that electrons reach [1].

        Isolated grains are what is assumed to limit an electrode without carbon: `bare` is
        reached by grain-to-grain contact alone, and fibres above their threshold add the rest,
        1 − exp(−(φ − φ_c)/`spread`).
        """
        beyond = max(self.fibres - self.threshold, 0.0)
        return float(bare + (1 - bare) * -np.expm1(-beyond / spread))

    def __str__(self) -> str:
        v = 100 * self.fractions
        return (
            f"{self.active.name}:{self.catholyte.name} {10 * self.ratio:.3g}:"
            f"{10 * (1 - self.ratio):.3g} by weight with {100 * self.carbon:.3g} wt% "
            f"{self.fibre.name} ({v[0]:.1f}:{v[1]:.1f}:{v[2]:.1f} % by volume)"
        )


def composite(
    *, carbon: float = 0.02, ratio: float = 0.7, porosity: float = 0.0, catholyte: str = "LNOC"
) -> Composition:
    """Composite of NMC82, a catholyte of the library and VGCF, shares by weight.

    >>> print(composite(carbon=0.02))
    NMC82:LNOC 7:3 by weight with 2 wt% VGCF (54.7:41.6:3.7 % by volume)
    """
    names = ("NMC82", catholyte, "VGCF")
    active, electrolyte, fibre = (material(name) for name in names)
    return Composition(
        active=active,
        catholyte=electrolyte,
        fibre=fibre,
        ratio=ratio,
        carbon=carbon,
        porosity=porosity,
    )
