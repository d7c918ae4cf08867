"""Charge reference: energies moved so that a known line lies where it should."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.xps.fit import fit_peaks
from dualyte.measure.xps.models import C1S_CARBON, DOUBLETS, LINE, MODELS, Peak, PeakModel
from dualyte.measure.xps.spectrum import XpsSpectrum, is_region, region_of
from dualyte.vocabulary import ELECTRON, Floats, q, show

_SHIFT: Final = re.compile(r"\s*(?:shift\s*)?([+-]\s*[\d.]+\s*\w+)\s*", re.IGNORECASE)
_PEAK: Final = re.compile(r"\s*(\S.*?)(?:\s+at\s+|\s*[=:]\s*|\s+)([\d.]+\s*[a-zA-Z]+)\s*")
_REACH: Final = 4.0  # eV on both sides of a line, that are fitted
_EDGE: Final = 1.0  # eV from an end, within which no line can be told
_COARSEST: Final = 0.5  # eV: a line about 1 eV wide has two channels across
_FARTHEST: Final = 30.0  # eV: a larger shift is a mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What is known: a shift, or where the strongest line of a region lies."""

    region: str = ""  #: such as "C 1s"; "" for a shift
    energy: float = 0.0  #: J: where the line lies, or the shift

    def __str__(self) -> str:
        at = show("binding_energy", self.energy, 6)
        return f"{self.region} at {at}" if self.region else f"a shift of {at}"


def reference_of(text: str) -> Reference:
    """Read a charge reference.

    Parameters
    ----------
    text
        A region, or a peak of a model that is the strongest of its region, and its energy; or a
        shift with its sign.

    Raises
    ------
    InputError
        If it is neither.

    Examples
    --------
    >>> str(reference_of("C 1s 284.8 eV")), str(reference_of("shift -4.7 eV"))
    ('C 1s at 284.8 eV', 'a shift of -4.7 eV')
    >>> reference_of("lattice 528.9 eV").region
    'O 1s'
    """
    if match := _SHIFT.fullmatch(text):
        by = q(match[1].replace(" ", "", 1), "binding_energy")
        if abs(by) > _FARTHEST * ELECTRON:
            raise InputError(f"reference {text!r}: a shift is at most {_FARTHEST:g} eV")
        return Reference(energy=by)
    if match := _PEAK.fullmatch(text):
        named = next(
            (m.region for m in MODELS for p in m.peaks if p.name.lower() == match[1].lower()), ""
        )
        region = region_of(match[1]) if is_region(match[1]) else named
        if region:
            return Reference(region=region, energy=q(match[2], "binding_energy"))
    raise InputError(
        f"reference {text!r} is no charge reference; write 'C 1s 284.8 eV' or 'shift -4.7 eV'"
    )


def find_shift(reference: Reference, spectra: Sequence[XpsSpectrum]) -> tuple[float, float, str]:
    """Return the shift that a reference asks for [J], its standard deviation, and a sentence.

    Parameters
    ----------
    reference
        What is known.
    spectra
        Among them is one of the region.

    Raises
    ------
    InputError
        If none, or more than one, is of the region, or the shift is absurd.
    """
    if not reference.region:
        return reference.energy, 0.0, f"moved by {_signed(reference.energy)}, as asked"
    there = [s for s in spectra if s.region == reference.region]
    if not there:
        regions = ", ".join(sorted({s.region for s in spectra if s.region})) or "none"
        raise InputError(
            f"no spectrum of {reference.region} is there for the charge reference (regions: "
            f"{regions}); give one, or a shift such as reference='shift -1.2 eV'"
        )
    found = [main_line(s) for s in there]
    places = np.array([place for place, _ in found])
    if np.ptp(places) > 0.3 * ELECTRON:
        raise InputError(
            f"{there[0].file}: {len(there)} spectra of {reference.region} have their strongest "
            f"lines {show('binding_energy', float(np.ptp(places)))} apart; give those of one "
            "sample, or a shift"
        )
    by = reference.energy - float(places.mean())
    if abs(by) > _FARTHEST * ELECTRON:
        raise InputError(
            f"{there[0].title}: its strongest line lies at "
            f"{show('binding_energy', float(places.mean()), 6)}, too far from {reference}"
        )
    spread = float(np.sqrt(np.mean([wide**2 for _, wide in found]) / len(found)))
    at = show("binding_energy", float(places.mean()), 6)
    return by, spread, f"moved by {_signed(by)}: {reference}, found at {at}"


def _signed(by: float) -> str:
    return f"{by / ELECTRON:+.3f} eV"


def main_line(spectrum: XpsSpectrum) -> tuple[float, float]:
    """Position of the strongest line [J] and its standard deviation.

    Parameters
    ----------
    spectrum
        Of one region. C 1s is fitted with its usual satellites on the high side.

    Raises
    ------
    InputError
        If no line stands above the noise.
    """
    model = line_model(spectrum)
    if spectrum.region == "C 1s":
        model = C1S_CARBON.moved(model.peaks[0].centre - C1S_CARBON.peaks[0].centre)
    fit = fit_peaks(spectrum, model)
    if fit.area[0] < 5 * fit.area_spread[0]:
        raise _no_line(spectrum)
    return float(fit.position[0]), float(fit.position_spread[0])


def line_model(spectrum: XpsSpectrum) -> PeakModel:
    """Model of one line, or known doublet, where the spectrum is highest.

    Raises
    ------
    InputError
        If it is highest at an end, or its steps are coarse.
    """
    top = _highest(spectrum)
    if min(top - spectrum.energy[0], spectrum.energy[-1] - top) < _EDGE * ELECTRON:
        raise _no_line(spectrum)
    coarse = float(np.median(np.diff(spectrum.energy_ev)))
    if coarse > _COARSEST:
        raise InputError(
            f"{spectrum.title}: steps of {coarse:.3g} eV are too coarse for the place and width "
            "of a line; give a scan of one region"
        )
    splitting, ratio = DOUBLETS.get(spectrum.region, (0.0, 0.0))
    play, reach = 0.6 * ELECTRON, _REACH * ELECTRON
    peak = Peak(
        name="line", centre=top, play=play, splitting=splitting * ELECTRON, ratio=float(ratio)
    )
    window = top - reach, top + reach + splitting * ELECTRON
    region = spectrum.region or f"{top / ELECTRON:.0f} eV"  # so that windows stay apart
    name = f"{LINE} of {region}"
    width = (0.4 * ELECTRON, 1.4 * ELECTRON, 4.0 * ELECTRON)
    return PeakModel(name=name, region=region, peaks=(peak,), window=window, width=width)


def _no_line(spectrum: XpsSpectrum) -> InputError:
    what = f"line of {spectrum.region}" if spectrum.region else "line"
    return InputError(
        f"{spectrum.title}: no {what} stands above the noise, away from the "
        "ends: it gives no peak and no charge reference; give a shift or another spectrum"
    )


def _highest(spectrum: XpsSpectrum) -> float:
    """Energy of the largest count above a straight line, smoothed over 0.5 eV [J]."""
    e: Floats = spectrum.energy_ev
    wide = max(3, round(0.5 / float(np.median(np.diff(e)))))
    kernel = np.ones(wide) / wide
    smooth = np.convolve(np.pad(spectrum.counts, wide // 2, mode="edge"), kernel, mode="same")
    smooth = smooth[wide // 2 : wide // 2 + e.size]
    few = max(3, e.size // 20)
    line = np.interp(e, [e[0], e[-1]], [smooth[:few].mean(), smooth[-few:].mean()])
    return float(spectrum.energy[int(np.argmax(smooth - line))])
