"""What a treatment leaves on the garnet: a film in series with every true contact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.material import Value, calibration
from dualyte.numerics.contact import wavenumbers

_TREATMENTS: Final = {
    "polished": ("polished", "mp", "mechanical polishing", "as-polished"),
    "heat-treated": ("heat-treated", "ht", "heat treated", "heat treatment"),
    "phosphoric acid": ("phosphoric acid", "h3po4", "acid", "phosphoric-acid"),
}
TREATMENTS: Final = tuple(_TREATMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """State of a treated garnet surface, per area of true contact."""

    treatment: str
    resistance: Value  #: Ω m² of true contact at 25 °C, where covered
    activation_energy: Value  #: J
    coverage: float = 1.0  #: fraction of the true contact that the film covers
    patch: float = 0.0  #: lateral size of covered patches, m; 0 is finer than the contact
    removal: Value  #: fraction of the film that grinding takes away, against P1000

    def __post_init__(self) -> None:
        for name, x in (("coverage", self.coverage), ("removal", self.removal.si)):
            if not 0 <= x <= 1:
                raise InputError(f"{name} of the film is {x:g}; it is a fraction from 0 to 1")
        if not 0 <= self.patch < 1:
            raise InputError(f"patch of the film is {self.patch:g} m; give its size, or 0")

    def __str__(self) -> str:
        rows = [
            f"{self.treatment}, covers {self.coverage:.0%} of the true contact",
            f"  resistance: {self.resistance}",
            f"  activation energy: {self.activation_energy}",
        ]
        if self.removal.si:
            rows.append(f"  of which grinding removes {self.removal.si:.0%}")
        return "\n".join(rows)


def film_map(
    film: Film, shape: tuple[int, int], size: tuple[float, float], *, seed: int = 0
) -> npt.NDArray[np.bool_]:
    """Where the film lies: periodic random patches of the film's lateral size.

    A Gaussian field of correlation length `film.patch`, cut at the level that covers
    `film.coverage` of the plane.

    Returns
    -------
    (nx, ny) of bool
        All or nothing where the coverage is 1 or 0.
    """
    from scipy.fft import irfft2, rfft2

    if film.coverage in (0.0, 1.0):
        return np.full(shape, film.coverage == 1.0)
    wave = wavenumbers(shape, size)
    white = np.random.default_rng(seed).standard_normal(shape)
    field = irfft2(rfft2(white) * np.exp(-((wave * film.patch) ** 2) / 4), s=shape)
    return np.asarray(field >= np.quantile(field, 1 - film.coverage))


def treatment(
    name: str, *, removal: Value | float = 0.0, coverage: float = 1.0, patch: float = 0.0
) -> Film:
    """Film that a named surface treatment leaves.

    Parameters
    ----------
    name
        `"polished"`, `"heat-treated"` or `"phosphoric acid"` (also MP, HT, H3PO4).
    removal
        Fraction of the film that the finish takes away relative to the P1000 finish it
        is calibrated on: rougher grits grind more of it off.
    coverage
        Fraction of the true contact that the film covers.
    patch
        Lateral size of covered patches [m]; 0 is finer than the contact.

    Returns
    -------
    Film
        Heat-treated garnet is the reference: what film it still has is counted in the
        transfer resistance. The other two are calibrated (`dualyte calibrate interface`).

    Examples
    --------
    >>> treatment("HT").resistance.si
    0.0
    """
    wanted = next((key for key, names in _TREATMENTS.items() if name.lower() in names), None)
    if wanted is None:
        near = get_close_matches(name.lower(), TREATMENTS, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"no treatment {name!r} (known: {', '.join(TREATMENTS)}){hint}")
    if not isinstance(removal, Value):
        removal = Value(
            quantity="fraction",
            si=float(removal),
            kind="assumed",
            source="user" if removal else "dualyte_prior",
            where="film removal by grinding, relative to P1000",
        )
    if wanted == "heat-treated":
        return _reference(removal, coverage, patch)
    values = calibration("interface").values
    stem = "film_" + wanted.replace(" ", "_")
    return Film(
        treatment=wanted,
        resistance=values[f"{stem}_resistance"],
        activation_energy=values[f"{stem}_activation_energy"],
        coverage=coverage,
        patch=patch,
        removal=removal,
    )


def _reference(removal: Value, coverage: float, patch: float) -> Film:
    """No film: the state against which the others are measured."""
    none = Value(
        quantity="asr",
        si=0.0,
        kind="assumed",
        source="dualyte_prior",
        where="heat-treated garnet is the reference without a film",
    )
    energy = replace(none, quantity="activation_energy")
    return Film(
        treatment="heat-treated",
        resistance=none,
        activation_energy=energy,
        coverage=coverage,
        patch=patch,
        removal=removal,
    )
