"""What stands between cathode and garnet: the film that grows on NMC, and the H-E interface.

The functions are written with NumPy alone, and take PyBaMM symbols as well as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.exact._checks import positive
from dualyte.material import Value
from dualyte.vocabulary import BOLTZMANN, ROOM, Floats, checked, show

#: shares of carbon by weight at which the growth is known
KNOWN: Final = (0.02, 0.05)


def growth_weight(potential: Any, onset: Any, width: Any) -> Any:  # noqa: ANN401 (or symbol)
    """Share of the full growth rate at a cathode potential: 1/(1 + exp((U₀ − U)/w)).

    >>> float(growth_weight(4.0, 4.0, 0.05))
    0.5
    """
    return 1 / (1 + np.exp((onset - potential) / width))


def film_growth(time: npt.ArrayLike, rate: npt.ArrayLike, initial: npt.ArrayLike = 0.0) -> Floats:
    r"""Resistance of a film through which its reactants diffuse (Wagner's parabolic law).

    .. math:: R = R_0 + k\sqrt t, \qquad \frac{d(R-R_0)^2}{dt} = k^2

    Parameters
    ----------
    time : (...)
        t at full growth [s].
    rate : (...)
        k [Ω m²/√s].
    initial : (...)
        R₀ [Ω m²].

    Returns
    -------
    (...)
        R [Ω m²].

    Notes
    -----
    Limits: R₀ at t = 0. In the square of the growth the law is not stiff.
    Source: Wagner 1933, Z. Phys. Chem. B 21, 25, doi:10.1515/zpch-1933-2105.

    Examples
    --------
    >>> film_growth([0.0, 4.0, 16.0], 1.0, 0.5).tolist()
    [0.5, 2.5, 4.5]
    """
    t = positive("time", time, zero=True)
    return np.asarray(positive("initial", initial, zero=True) + np.asarray(rate) * np.sqrt(t))


def by_carbon(carbon: float, at_low: Value, at_high: Value) -> tuple[float, str]:
    """Interpolate what is calibrated at 2 and 5 wt% carbon, and say so.

    Parameters
    ----------
    carbon
        Share by weight [1].
    at_low, at_high
        The two calibrated values.

    Returns
    -------
    number, flag
        SI, geometric between the two; "" or a sentence for the reader.

    Raises
    ------
    ValidityError
        If there is carbon, but less than 2 or more than 5 wt%.
    """
    low, high = KNOWN
    if carbon == 0:
        return at_low.si, (
            "without carbon the growth of the film is not known; that at 2 wt% is taken"
        )
    if not low - 1e-12 <= carbon <= high + 1e-12:
        raise ValidityError(
            f"{100 * carbon:.3g} wt% carbon is outside 2 … 5 wt%, where the growth of the film "
            "is known; take an amount between"
        )
    share = (carbon - low) / (high - low)
    number = float(at_low.si ** (1 - share) * at_high.si**share)
    exact = min(abs(carbon - low), abs(carbon - high)) < 1e-12
    return number, "" if exact else (
        f"the growth of the film at {100 * carbon:.3g} wt% carbon is interpolated between 2 and "
        "5 wt%"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeteroInterface:
    """Resistance of the catholyte on garnet against stack pressure, as a table.

    Between its points ln R is linear in ln P; other temperatures follow its energy.

    Raises
    ------
    InputError
        If the table is not one of rising pressures and positive resistances.
    """

    pressures: tuple[float, ...]  #: Pa, rising
    resistances: tuple[float, ...]  #: Ω m², of one interface
    temperature: float = ROOM  #: K, at which the table holds
    energy: float = 0.0  #: J, activation energy of 1/R
    capacitance: float = 0.036  #: F/m²
    made_from: tuple[Any, ...] = ()  #: values and nouns behind the table

    def __post_init__(self) -> None:
        P, R = checked("pressure", self.pressures), checked("asr", self.resistances)
        if P.size < 1 or P.size != R.size or (np.diff(P) <= 0).any() or (R <= 0).any():
            raise InputError(
                f"the table of the interface has {P.size} pressures and {R.size} resistances; "
                "give as many of each, pressures rising and resistances above zero"
            )
        checked("temperature", self.temperature)
        checked("activation_energy", self.energy)
        checked("capacitance", self.capacitance)

    def heat(self, temperature: Any) -> Any:  # noqa: ANN401 (number or symbol)
        """R at a temperature over that of the table."""
        return np.exp(self.energy / BOLTZMANN * (1 / temperature - 1 / self.temperature))

    def at(self, pressure: npt.ArrayLike, temperature: float) -> Floats:
        """R at stack pressures [Pa] and a temperature [K], in Ω m².

        Raises
        ------
        ValidityError
            If a pressure is outside the table.
        """
        P = checked("pressure", pressure)
        self.check(P)
        logs = np.interp(np.log(P), np.log(self.pressures), np.log(self.resistances))
        return np.asarray(np.exp(logs) * self.heat(float(checked("temperature", temperature))))

    def check(self, pressure: npt.ArrayLike) -> None:
        """Refuse pressures outside the table; one point holds at any pressure."""
        P, low, high = np.asarray(pressure), self.pressures[0], self.pressures[-1]
        if len(self.pressures) == 1:
            return
        bad = (low * (1 - 1e-9) > P) | (high * (1 + 1e-9) < P)
        if bad.any():
            raise ValidityError(
                f"stack pressure {show('pressure', float(P[bad].flat[0]))} is outside "
                f"{show('pressure', low)} … {show('pressure', high)}, where the resistance of "
                "the interface is known; cycle inside, or give the cell a wider table"
            )

    @classmethod
    def constant(cls, resistance: Value, *, capacitance: float = 0.036) -> HeteroInterface:
        """An interface whose resistance does not change with the stack pressure."""
        return cls(
            pressures=(1e6,),
            resistances=(resistance.si,),
            capacitance=capacitance,
            made_from=(resistance,),
        )


def garnet_layers(
    properties: Mapping[str, Value], thickness: float, temperature: float
) -> tuple[float, float]:
    """Area-specific resistances of the grains and grain boundaries of a garnet pellet [Ω m²].

    Each has its own activation energy; their shares are those at 25 °C.
    """
    total = thickness / properties["conductivity"].si
    share = properties["gb_resistance_share"].si
    slow = 1 / float(checked("temperature", temperature)) - 1 / ROOM
    grains = np.exp(properties["bulk_activation_energy"].si / BOLTZMANN * slow)
    walls = np.exp(properties["gb_activation_energy"].si / BOLTZMANN * slow)
    return float(total * (1 - share) * grains), float(total * share * walls)
