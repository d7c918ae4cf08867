"""Which circuit: candidates compared by information criteria."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from dualyte.circuit.elements import Circuit
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse, write
from dualyte.errors import InputError
from dualyte.measure.eis.fit import fit_spectrum
from dualyte.measure.eis.model import Weighting
from dualyte.measure.eis.result import Fit
from dualyte.numerics.levenberg import EXACT

_DECISIVE: Final = 10.0  # a larger circuit must lower the criterion by this (Kass & Raftery 1995)
_ARCS: Final = 3
_BILAYER: Final = ("bulk", "gb", "he")  # three arcs between blocking electrodes, if
_CAPACITANCE: Final = (1e-4, 1e-2, 1.0)  # F/m²: they lie below these, the first to the last
_BLOCKING: Final = 0.75  # exponent of the tail above which electrodes block
_LOOSE_R: Final = 0.5  # spread of ln R of an arc beyond which it means nothing
_STEEP: Final = 0.5  # −Im/|Z| at the lowest frequency that calls for a blocking element


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Circuits fitted to one spectrum, best first."""

    fits: tuple[Fit, ...]
    failures: tuple[tuple[str, str], ...] = ()  #: circuit that could not be fitted, and why

    def table(self) -> list[dict[str, str | float]]:
        """One row a circuit: criteria relative to the best."""
        best = self.fits[0]
        return [
            {
                "circuit": write(fit.model.circuit),
                "parameters": len(fit.model.free),
                "chi2_reduced": fit.chi2_reduced,
                "delta_aicc": fit.aicc - best.aicc,
                "delta_bic": fit.bic - best.bic,
                "structure": fit.structure,
            }
            for fit in self.fits
        ]


def compare_circuits(
    spectrum: Spectrum, circuits: Sequence[Circuit | str], *, weighting: Weighting = "modulus"
) -> Comparison:
    """Fit several circuits to one spectrum and order them by BIC.

    Parameters
    ----------
    spectrum
        Measured or simulated.
    circuits
        Two or more circuits or circuit strings.
    weighting
        As for `fit_spectrum`.

    Notes
    -----
    BIC takes ten units as decisive (Kass & Raftery 1995, doi:10.1080/01621459.1995.10476572).
    """
    fits, failed = [], []
    for circuit in circuits:
        try:
            fits.append(fit_spectrum(spectrum, circuit, weighting=weighting))
        except InputError as error:
            told = circuit if isinstance(circuit, str) else write(circuit)
            failed.append((told, str(error)))
    if not fits:
        raise InputError(failed[0][1] if failed else "give one circuit or more to compare")
    ordered = sorted(fits, key=lambda fit: fit.bic)
    return Comparison(fits=tuple(ordered), failures=tuple(failed))


def candidates(spectrum: Spectrum) -> list[str]:
    """Circuits that the look of a spectrum allows, simplest first."""
    kept = spectrum.kept
    high = kept.z.imag[: max(3, kept.z.size // 10)]
    leads = [["L_0"], []] if (high > 0).any() else [[]]
    steep = -kept.z.imag[-3:].mean() / np.abs(kept.z[-3:]).mean()
    tails = [["CPE_tail"]] if steep > _STEEP / 2 else []
    tails += [[]] if steep <= _STEEP else []
    found = []
    for count, lead, series, tail in product(range(_ARCS + 1), leads, ([], ["R_0"]), tails):
        arcs = [f"p(R_{k},CPE_{k})" for k in range(1, count + 1)]
        if arcs or series:
            found.append("-".join([*lead, *series, *arcs, *tail]))
    return sorted(found, key=lambda text: len(parse(text).parameters))


def choose_circuit(spectrum: Spectrum, *, weighting: Weighting = "modulus") -> Fit:
    """Fit series circuits of up to three arcs, with and without tail, R and L; keep one.

    The simplest one that no larger one beats decisively (ΔBIC > 10) is kept, of those in which
    every arc means something; if none does, the best one.
    """
    kept: Fit | None = None
    poor: Fit | None = None
    for text in candidates(spectrum):
        try:
            fit = fit_spectrum(spectrum, text, weighting=weighting)
        except InputError:
            continue
        if not (fit.converged and _meaningful(fit)):
            poor = fit if poor is None or fit.bic < poor.bic else poor
        elif kept is None or _gain(kept, fit) > _DECISIVE:
            kept = fit
    found = kept or poor
    if found is None:
        raise InputError(
            f"{spectrum.title}: no circuit of up to three arcs fits; give one with --circuit, "
            "or check the spectrum first"
        )
    return _named(found)


def _named(fit: Fit) -> Fit:
    """Call three arcs bulk, gb and he where their capacitances are those of a bilayer."""
    lines = fit.estimate.arcs
    if len(lines) != len(_BILAYER) or fit.spectrum.area is None:
        return fit
    C = [fit.values[f"C_{arc.label}"].si for arc in lines]
    blocked = fit.numbers.get("n_tail", 0.0) > _BLOCKING
    if not blocked or any(c > most for c, most in zip(C, _CAPACITANCE, strict=True)):
        return fit
    text = write(fit.model.circuit)
    for arc, label in zip(lines, _BILAYER, strict=True):
        text = text.replace(f"_{arc.label}|", f"_{label}|").replace(f"_{arc.label})", f"_{label})")
    return fit_spectrum(fit.spectrum, parse(text, *fit.numbers.values()), weighting=fit.weighting)


def _gain(simple: Fit, large: Fit) -> float:
    """Fall of BIC; residuals that are alike from point to point count as fewer points."""
    n = 2.0 * int(large.spectrum.used.sum())
    alike = min(max(large.structure / np.sqrt(n), 0.0), 0.95)  # lag-one correlation
    n *= (1 - alike) / (1 + alike)
    more = len(large.model.free) - len(simple.model.free)
    least = EXACT * n
    return float(n * np.log(max(simple.chi2, least) / max(large.chi2, least)) - more * np.log(n))


def _meaningful(fit: Fit) -> bool:
    """Whether every part is needed: nothing vanished, every arc has a resistance and a place."""
    f = fit.spectrum.kept.frequency
    for name, value in fit.numbers.items():
        if name in fit.at_bound and not (name.startswith("n") and value > 0.5):
            return False
    for arc in fit.estimate.arcs:
        k = fit.model.names.index(arc.R)
        if np.sqrt(fit.estimate.covariance[k, k]) > _LOOSE_R:
            return False
        peak = float(np.exp(-fit.estimate.time_constant(arc)[0]) / (2 * np.pi))
        if not f[-1] <= peak <= f[0] * 10:  # slower ones are a tail in disguise
            return False
    return True
