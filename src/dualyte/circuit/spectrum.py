"""Spectrum: an impedance at many frequencies, measured or simulated, and what it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.uncertainty import moderated
from dualyte.vocabulary import WORDS, Floats, checked, show

if TYPE_CHECKING:
    import xarray as xr

Complexes = npt.NDArray[np.complex128]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """Impedance of a cell against frequency, sorted from high to low frequency.

    `z` belongs to the whole cell as measured, in Ω; `specific` is it times the area. A
    simulated spectrum is that of a cell of 1 cm².

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, a frequency is not positive, or area,
        thickness, temperature or pressure are implausible.
    """

    frequency: Floats  #: (m,) Hz, descending
    z: Complexes  #: (m,) Ω
    area: float | None = None  #: m², electrode area
    thickness: float | None = None  #: m, of the electrolyte between the electrodes
    temperature: float | None = None  #: K
    pressure: float | None = None  #: Pa, stack pressure
    interfaces: int = 1  #: hetero-electrolyte interfaces in series that R and C are shared by
    name: str = ""  #: what tables and figures call it
    file: str = ""  #: where it was read from
    loop: int = 0  #: which sweep of the file
    time: Floats | None = None  #: (m,) s, when each point was measured
    spread: Floats | None = None  #: (m,) Ω, standard deviation of Re and Im from replicates
    used: Bools = field(default_factory=lambda: np.ones(0, dtype=np.bool_))  #: (m,) mask
    changes: tuple[str, ...] = ()  #: what reading changed, in sentences

    def __post_init__(self) -> None:
        f = np.array(self.frequency, dtype=np.float64).ravel()
        z = np.array(self.z, dtype=np.complex128).ravel()
        if f.size != z.size:
            raise InputError(f"{self.title}: {f.size} frequencies but {z.size} impedances")
        if f.size == 0:
            raise InputError(f"{self.title}: it holds no point")
        bad = ~(np.isfinite(f) & np.isfinite(z))
        if bad.any():
            raise InputError(
                f"{self.title}: point {int(np.argmax(bad)) + 1} of {f.size} is not a finite "
                "number; remove it or read the file with read_spectra, which drops it"
            )
        if (f <= 0).any():
            raise InputError(
                f"{self.title}: frequency {f[f <= 0][0]:g} Hz is not positive; leave out DC rows"
            )
        for name in ("area", "thickness", "temperature", "pressure"):
            if (number := getattr(self, name)) is not None:
                checked(name, number)
        if self.interfaces < 1:
            raise InputError(f"interfaces={self.interfaces}; a cell has 1 or more")
        order = np.argsort(-f, kind="stable")
        put: dict[str, Any] = {"frequency": f[order], "z": z[order]}
        used = self.used if np.size(self.used) else np.ones(f.size, dtype=np.bool_)
        for name, column in (("time", self.time), ("spread", self.spread), ("used", used)):
            if column is None:
                continue
            values = np.array(column).ravel()
            if values.size != f.size:
                raise InputError(f"{self.title}: {f.size} frequencies but {values.size} of {name}")
            put[name] = values[order]
        for name, column in put.items():
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name or self.file or "spectrum"

    @property
    def omega(self) -> Floats:
        """Angular frequency [rad/s], (m,)."""
        return np.asarray(2 * np.pi * self.frequency)

    @property
    def specific(self) -> Complexes:
        """Area-specific impedance [Ω m²], (m,)."""
        if self.area is None:
            raise InputError(
                f'{self.title}: no area is given; pass one, such as area=q("1.13 cm2")'
            )
        return np.asarray(self.z * self.area)

    @property
    def kept(self) -> Spectrum:
        """The same with only the points that the mask keeps."""
        if self.used.all():
            return self
        return self.pick(self.used)

    def pick(self, which: npt.ArrayLike) -> Spectrum:
        """Return the points that `which` (a mask or indices) names."""
        rows = {
            name: getattr(self, name)[which]
            for name in ("frequency", "z", "time", "spread", "used")
            if getattr(self, name) is not None
        }
        return replace(self, **rows)

    def between(self, lowest: float = 0.0, highest: float = np.inf) -> Spectrum:
        """Return the same with points outside `lowest` … `highest` [Hz] masked."""
        inside = (self.frequency >= lowest) & (self.frequency <= highest)
        if not (inside & self.used).any():
            raise InputError(
                f"{self.title}: no point lies between {lowest:g} and {highest:g} Hz; it was "
                f"measured from {self.frequency[-1]:g} to {self.frequency[0]:g} Hz"
            )
        return replace(self, used=self.used & inside)

    def to_dataset(self) -> xr.Dataset:
        """Return it as a Dataset that can be saved and plotted."""
        import xarray as xr

        unit = {"units": "ohm"}
        about = {
            name: value
            for name in ("area", "thickness", "temperature", "pressure", "interfaces", "name")
            if (value := getattr(self, name)) is not None
        }
        data = {"re": self.z.real, "im": self.z.imag}
        if self.spread is not None:
            data["spread"] = self.spread
        return xr.Dataset(
            {name: ("frequency", y, unit) for name, y in data.items()}
            | {"used": ("frequency", self.used.astype("i1"))},
            coords={"frequency": ("frequency", self.frequency, {"units": WORDS["frequency"].unit})},
            attrs=about,
        )

    def __str__(self) -> str:
        f = self.frequency
        about = [f"{f.size} points, {f[0]:.3g} … {f[-1]:.3g} Hz"]
        about += [
            show(name, number)
            for name in ("temperature", "pressure", "area")
            if (number := getattr(self, name)) is not None
        ]
        return f"{self.title}: {', '.join(about)}"


def average(spectra: Sequence[Spectrum], *, name: str = "") -> Spectrum:
    """Mean of replicates, with the spread of each point.

    Parameters
    ----------
    spectra
        Two or more sweeps of the same cell at the same frequencies (to 1 %).

    Returns
    -------
    Spectrum
        `spread` is the standard deviation of one sweep over √(number of sweeps); that of each
        point, relative to ``|Z|``, is drawn towards the common one (`uncertainty.moderated`).

    Raises
    ------
    InputError
        If there are fewer than two, or the frequencies differ.

    Examples
    --------
    >>> f = [10.0, 1.0]
    >>> both = [Spectrum(frequency=f, z=[1 - 1j, 2]), Spectrum(frequency=f, z=[3 - 1j, 2])]
    >>> average(both).z.tolist()
    [(2-1j), (2+0j)]
    """
    if len(spectra) < 2:
        raise InputError("replicates are two or more sweeps of one cell")
    first = spectra[0]
    for other in spectra[1:]:
        if other.frequency.shape != first.frequency.shape or not np.allclose(
            other.frequency, first.frequency, rtol=1e-2
        ):
            raise InputError(
                f"{other.title} has other frequencies than {first.title}; replicates need the same"
            )
    z = np.array([s.z for s in spectra])
    mean = z.mean(axis=0)
    away = np.abs(z - mean) / np.maximum(np.abs(mean), 1e-300)
    degrees = np.full(mean.size, 2.0 * (len(spectra) - 1))  # of both parts
    scatter = np.sqrt(moderated((away**2).sum(axis=0), degrees)) * np.abs(mean)
    return replace(
        first,
        z=mean,
        spread=scatter / np.sqrt(len(spectra)),
        used=np.all([s.used for s in spectra], axis=0),
        name=name or first.name,
        time=None,
        changes=(*first.changes, f"mean of {len(spectra)} sweeps"),
    )
