"""XpsSpectrum: photoelectrons counted against binding energy, whatever the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import ELECTRON, Floats, checked, show

_LEVEL: Final = re.compile(r"\b([A-Z][a-z]?)[ _]?([1-6])\s?([spdf])(\d/2)?(?![a-z])")
#: region: eV, where its peaks lie, to tell a region that has no name
PLACES: Final = {"Cl 2p": (196.0, 203.0), "C 1s": (283.0, 291.0), "O 1s": (528.0, 534.0)}
_WIDEST: Final = 60.0  # eV: a wider window is a survey
_CHARGE: Final = 12.0  # eV, that charge may move lines by
_FEWEST: Final = 5  # channels
_MOST: Final = 1e12  # counts in a channel
_JUMP: Final = 10.0  # steps of energy that are too large, over the median


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class XpsSpectrum:
    """Photoelectrons counted against binding energy. Read-only.

    Raises
    ------
    InputError
        If the columns differ in length, are short, hold a number that is not finite, or the
        energies are not in order.
    """

    energy: Floats  #: (m,) J, binding energy, ascending
    counts: Floats  #: (m,) electrons counted in a channel over all scans, or a rate
    counted: bool = True  #: whether `counts` are numbers of electrons, whose scatter is known
    region: str = ""  #: such as "O 1s"; "" where it is not known or a survey
    name: str = ""  #: what the file calls it
    file: str = ""
    form: str = ""  #: format, such as "VAMAS"
    photon_energy: float | None = None  #: J
    pass_energy: float | None = None  #: J
    dwell: float | None = None  #: s in each channel and scan
    scans: int | None = None
    angle: float | None = None  #: rad, of emission from the surface normal
    transmission: Floats | None = None  #: (m,) of the analyser
    background: Floats | None = None  #: (m,) that the program stored, in units of `counts`
    shift: float = 0.0  #: J, added to the energies that were read, by a charge reference
    shift_spread: float = 0.0  #: J, one standard deviation
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size = np.size(self.energy)
        for word in ("energy", "counts", "transmission", "background"):
            if getattr(self, word) is None:
                continue
            column = np.array(getattr(self, word), dtype=np.float64).ravel()
            if column.size != size:
                raise InputError(
                    f"{self.title}: {word} has {column.size} numbers and energy {size}; give as "
                    "many of each"
                )
            if not np.isfinite(column).all():
                at = int(np.argmin(np.isfinite(column))) + 1
                raise InputError(f"{self.title}: number {at} of {word} is not finite")
            column.setflags(write=False)
            object.__setattr__(self, word, column)
        if size < _FEWEST:
            raise InputError(f"{self.title} has {size} channels; a spectrum has {_FEWEST} or more")
        if (np.diff(self.energy) <= 0).any():
            raise InputError(f"{self.title}: its energies do not ascend; put them in order")
        checked("binding_energy", self.energy[[0, -1]])

    def __len__(self) -> int:
        return int(self.energy.size)

    def __str__(self) -> str:
        low, high = (show("binding_energy", e) for e in self.energy[[0, -1]])
        return f"{self.title}: {self.region or 'survey or unknown'}, {low} … {high}"

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.file}, {self.name}" if self.file and self.name else self.file or self.name

    @property
    def is_survey(self) -> bool:
        """Whether it is too wide for one region."""
        return bool(np.ptp(self.energy) > _WIDEST * ELECTRON)

    @property
    def energy_ev(self) -> Floats:
        """Binding energies in eV, (m,)."""
        return self.energy / ELECTRON

    @property
    def kinetic_energy(self) -> Floats | None:
        """Kinetic energies [J], (m,), referred to the Fermi level; None without photon energy."""
        if self.photon_energy is None:
            return None
        return self.photon_energy - (self.energy - self.shift)

    @property
    def rate(self) -> Floats | None:
        """Counts per second, (m,); None where the time is not known."""
        if not self.counted:
            return self.counts
        if self.dwell is None:
            return None
        return np.asarray(self.counts / (self.dwell * (self.scans or 1)))

    def shifted(self, by: float, spread: float = 0.0, why: str = "") -> XpsSpectrum:
        """Return it with its energies moved [J]."""
        total, wide = self.shift + by, float(np.hypot(self.shift_spread, spread))
        said = (*self.changes, why) if why else self.changes
        return replace(self, energy=self.energy + by, shift=total, shift_spread=wide, changes=said)

    def between(self, low: float, high: float) -> XpsSpectrum:
        """Return the channels from `low` to `high` [J].

        Raises
        ------
        InputError
            If fewer than five are there.
        """
        inside = (self.energy >= low - 1e-24) & (self.energy <= high + 1e-24)
        if np.count_nonzero(inside) < _FEWEST:
            raise InputError(
                f"{self.title} has {np.count_nonzero(inside)} channels between "
                f"{show('binding_energy', low)} and {show('binding_energy', high)}; it goes from "
                f"{show('binding_energy', self.energy[0])} to "
                f"{show('binding_energy', self.energy[-1])}"
            )
        return replace(
            self,
            energy=self.energy[inside],
            counts=self.counts[inside],
            transmission=None if self.transmission is None else self.transmission[inside],
            background=None if self.background is None else self.background[inside],
        )


def region_of(*texts: str) -> str:
    """Core level that the first of some texts names, or "".

    >>> region_of("Survey", "O1s Scan"), region_of("Cl 2p3/2"), region_of("wide")
    ('O 1s', 'Cl 2p', '')
    """
    for text in texts:
        if match := _LEVEL.search(text):
            return f"{match[1]} {match[2]}{match[3]}"
    return ""


def is_region(text: str) -> bool:
    """Whether a text is the name of a core level and nothing else.

    >>> is_region("C 1s"), is_region("Cl2p3/2"), is_region("C 1s 284")
    (True, True, False)
    """
    return _LEVEL.fullmatch(text.strip()) is not None


def made(
    energy_ev: npt.ArrayLike,
    counts: npt.ArrayLike,
    *,
    file: str,
    name: str = "",
    kinetic: bool = False,
    photon_ev: float | None = None,
    what: Iterable[str] = (),
    changes: Iterable[str] = (),
    **facts: Any,  # noqa: ANN401 (fields of XpsSpectrum)
) -> XpsSpectrum:
    """Make a spectrum of columns as a file has them: check them, and put them in order.

    Parameters
    ----------
    energy_ev : (m,)
        eV, binding or kinetic.
    counts : (m,)
        Counts or rate.
    kinetic
        Whether the energies are kinetic: then the photon energy is needed.
    photon_ev
        eV.
    what
        Texts that may name the region.
    **facts
        Fields of `XpsSpectrum`.

    Raises
    ------
    InputError
        If the energies are no energies of a spectrum, or the photon energy is missing.
    """
    title = f"{file}, {name}" if name else file
    said = list(changes)
    e = np.array(energy_ev, dtype=np.float64).ravel()
    n = np.array(counts, dtype=np.float64).ravel()
    if e.size != n.size:
        raise InputError(f"{title} is damaged: {e.size} energies and {n.size} counts")
    for word, column in (("energies", e), ("counts", n)):
        if not np.isfinite(column).all():
            at = int(np.argmin(np.isfinite(column))) + 1
            raise InputError(f"{title}: number {at} of its {word} is missing or not finite")
    if n.size and np.abs(n).max() > _MOST:
        at = int(np.argmax(np.abs(n))) + 1
        raise InputError(f"{title}: number {at} of its counts is {n[at - 1]:g}, which is absurd")
    if kinetic:
        if photon_ev is None:
            raise InputError(
                f"{title} has kinetic energies and no photon energy; give it, such as "
                'photon_energy=q("1486.6 eV")'
            )
        e = photon_ev - e
    _check_energies(title, e, photon_ev)
    order: slice | Any = slice(None, None, -1) if e.size > 1 and e[0] > e[-1] else slice(None)
    columns: dict[str, Any] = {
        key: np.array(facts.pop(key), dtype=np.float64)[order]
        for key in ("transmission", "background")
        if facts.get(key) is not None
    }
    if (n < 0).any():
        said.append("some counts are negative: a background was taken off, so errors are guessed")
        facts["counted"] = False
    said += _spikes(e[order], n[order])
    known = facts.pop("region", "") or region_of(*what)
    if known in PLACES and not (
        e.min() - _CHARGE < PLACES[known][0] and PLACES[known][1] < e.max() + _CHARGE
    ):
        said.append(
            f"it is named {known}, whose lines lie from {PLACES[known][0]:g} to "
            f"{PLACES[known][1]:g} eV, but goes from {e.min():g} to {e.max():g} eV: check the "
            "photon energy and the step"
        )
    return XpsSpectrum(
        energy=e[order] * ELECTRON, counts=n[order], file=file, name=name,
        photon_energy=None if photon_ev is None else photon_ev * ELECTRON,
        region=known or _placed(e), changes=tuple(said), **columns, **facts,
    )  # fmt: skip


def _check_energies(title: str, e: Floats, photon_ev: float | None) -> None:
    """Refuse what is no axis of energy: out of range, out of order, or with a jump."""
    top = photon_ev if photon_ev is not None else 20_000.0
    if e.size and not (e.min() > -100.0 and e.max() < top + 100.0):
        raise InputError(
            f"{title}: binding energies from {e.min():g} to {e.max():g} eV do not fit a photon "
            f"energy of {top:g} eV; check its column of energies and the photon energy"
        )
    if e.size < _FEWEST:
        raise InputError(f"{title} has {e.size} channels; a spectrum has {_FEWEST} or more")
    steps = np.diff(e)
    usual = float(np.median(steps))
    wrong = (np.sign(steps) != np.sign(usual)) | (np.abs(steps) > _JUMP * abs(usual))
    if usual == 0 or wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{title}: its energies jump from {e[at]:g} to {e[at + 1]:g} eV between channels "
            f"{at + 1} and {at + 2}, others by {usual:g} eV; mend the number or cut the file there"
        )


def _spikes(e: Floats, n: Floats) -> list[str]:
    """Name channels that no peak explains: a cosmic ray, or a number with a wrong power of ten."""
    if e.size < 9 or abs(e[-1] - e[0]) / (e.size - 1) > 0.25:
        return []
    stack = np.stack([np.roll(n, k) for k in (-2, -1, 1, 2)])
    beside = np.median(stack, axis=0)
    beside[:2], beside[-2:] = np.median(n[:5]), np.median(n[-5:])
    noisy = 10 * np.sqrt(np.maximum(np.abs(beside), 1))
    odd = (np.abs(n - beside) > noisy) & ((n > 3 * beside) | (n < beside / 3))
    where = ", ".join(f"{x:.2f}" for x in e[odd][:3])
    return [
        f"counts at {where} eV stand apart from those beside: a spike or a wrong number"
    ] * bool(odd.any())


def _placed(e: Floats) -> str:
    """Region of a window of energies, or ""."""
    if np.ptp(e) > _WIDEST:
        return ""
    inside = [
        region for region, (low, high) in PLACES.items() if e.min() <= low and high <= e.max()
    ]
    return inside[0] if len(inside) == 1 else ""


Reader = Callable[[Path, "float | None"], list[XpsSpectrum]]
