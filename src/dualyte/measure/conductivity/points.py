"""What was measured of one pellet, and the conductivity that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.arrhenius import ArrheniusFit
from dualyte.measure.conductivity.foil import FoilFit
from dualyte.vocabulary import Floats, show


def conductivity(asr: npt.ArrayLike, thickness: npt.ArrayLike, foil: npt.ArrayLike = 0.0) -> Floats:
    """Conductivity of a layer between two electrodes [S/m].

    Parameters
    ----------
    asr : (...)
        Resistance between the electrodes times their area, R A [Ω m²].
    thickness : (...)
        d [m].
    foil : (...)
        Resistance of electrode foils and their contacts in series, times the area [Ω m²].

    Raises
    ------
    InputError
        If the foils have all of the resistance, or more.

    Notes
    -----
    σ = d/(R A − R_foil A). Exact for plane electrodes that cover the layer.

    Examples
    --------
    >>> round(float(conductivity(asr=0.011, thickness=1e-3, foil=0.001)), 6)
    0.1
    """
    left = np.asarray(asr, dtype=np.float64) - np.asarray(foil, dtype=np.float64)
    if (left <= 0).any():
        worst = float(left[left <= 0].flat[0])
        raise InputError(
            f"less the foils, {show('asr', worst)} is left of the resistance; the foils cannot "
            "have all of it: give a smaller foil resistance"
        )
    return np.asarray(np.asarray(thickness, dtype=np.float64) / left)


def unloading_loss(at_high: float, at_low: float) -> float:
    """Share of the conductivity that is lost on unloading, 1 − σ(low)/σ(high).

    >>> round(unloading_loss(0.50, 0.22), 3)  # a fall by 56 %
    0.56
    """
    return 1.0 - at_low / at_high


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One resistance."""

    file: str
    sample: str
    asr: float = float("nan")  #: Ω m², with the foils
    spread: float = float("nan")  #: Ω m², one standard deviation; nan where it is not known
    thickness: float = float("nan")  #: m
    area: float = float("nan")  #: m²
    sigma: float = float("nan")  #: S/m, where the file has it and no resistance
    pressure: float = float("nan")  #: Pa
    temperature: float = float("nan")  #: K
    branch: str = ""  #: loading, unloading, or "" where it is not known
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConductivitySeries:
    """Conductivity of one pellet, in the order measured. Read-only."""

    name: str
    pressure: Floats  #: (n,) Pa, nan where it is not known
    temperature: Floats  #: (n,) K, nan where it is not known
    asr: Floats  #: (n,) Ω m², foils included; nan where the file has the conductivity only
    thickness: Floats  #: (n,) m
    foil: Floats  #: (n,) Ω m², taken off
    conductivity: Floats  #: (n,) S/m
    spread: Floats  #: (n,) S/m, of the resistances; nan where it is not known
    branch: tuple[str, ...]  #: (n,) loading, unloading or ""
    geometry: float = 0.0  #: relative spread of d/A, common to all points
    foil_fit: FoilFit | None = None
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            column = getattr(self, field.name)
            if isinstance(column, np.ndarray):
                column = np.array(column, dtype=np.float64)
                column.setflags(write=False)
                object.__setattr__(self, field.name, column)

    def __len__(self) -> int:
        return int(self.conductivity.size)

    def rows(self, which: npt.ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
        """Pressure, temperature, conductivity and spread of some points."""
        mask = np.asarray(which)
        return (
            self.pressure[mask], self.temperature[mask], self.conductivity[mask],
            self.spread[mask],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConductivityStudy:
    """All pellets, and their temperature fits."""

    series: tuple[ConductivitySeries, ...]
    #: by pellet and pressure [Pa, nan where it is not known]
    fits: tuple[tuple[str, float, ArrheniusFit], ...] = ()
