"""Which circuit: candidates compared by information criteria."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.circuit.elements import Circuit
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import write
from dualyte.errors import InputError
from dualyte.measure.eis.fit import fit_spectrum
from dualyte.measure.eis.model import Weighting
from dualyte.measure.eis.result import Fit

_DECISIVE: Final = 10.0  # a larger circuit must lower the criterion by this (Kass & Raftery 1995)
_STEEP: Final = 0.5  # −Im/|Z| at the lowest frequency that calls for a blocking element


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Circuits fitted to one spectrum, best first."""

    fits: tuple[Fit, ...]

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
            failed.append(str(error))
    if not fits:
        raise InputError(failed[0] if failed else "give one circuit or more to compare")
    return Comparison(fits=tuple(sorted(fits, key=lambda fit: fit.bic)))


def candidates(spectrum: Spectrum) -> list[str]:
    """Circuits that the look of a spectrum allows, simplest first."""
    kept = spectrum.kept
    lead = "L_0-" if (kept.z.imag[: max(3, kept.z.size // 10)] > 0).any() else ""
    tails = [""]
    steep = -kept.z.imag[-3:].mean() / np.abs(kept.z[-3:]).mean()
    if steep > _STEEP / 2:
        tails = ["-CPE_tail"] if steep > _STEEP else ["-CPE_tail", ""]
    labels = {1: ("1",), 2: ("1", "2"), 3: ("bulk", "gb", "he")}
    lines = [
        "".join(f"-p(R_{name},CPE_{name})" for name in labels.get(count, ()))
        for count in (0, 1, 2, 3)
    ]
    return [f"{lead}R_0{arc}{tail}" for arc in lines for tail in tails if arc or tail]


def choose_circuit(spectrum: Spectrum, *, weighting: Weighting = "modulus") -> Fit:
    """Fit series circuits of one to three arcs, with and without tail and inductance; keep one.

    The simplest one that no larger one beats decisively (ΔBIC > 10) is kept, if all that it
    has is settled by the spectrum.
    """
    kept: Fit | None = None
    for text in candidates(spectrum):
        try:
            fit = fit_spectrum(spectrum, text, weighting=weighting)
        except InputError:
            continue
        if not fit.converged or (kept is not None and not _settled(fit)):
            continue
        if kept is None or fit.bic < kept.bic - _DECISIVE:
            kept = fit
    if kept is None:
        raise InputError(
            f"{spectrum.title}: no circuit of one to three arcs fits; give one with --circuit, "
            "or check the spectrum first"
        )
    return kept


def _settled(fit: Fit) -> bool:
    """Whether every parameter of a larger circuit means something."""
    return not fit.at_bound and not any("not settled" in flag for flag in fit.flags)
