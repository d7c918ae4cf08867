"""Circuits fitted to impedance, with honest errors."""

from dualyte.measure.eis.choose import Comparison, choose_circuit, compare_circuits
from dualyte.measure.eis.fit import Failure, Fits, fit_spectra, fit_spectrum, profile
from dualyte.measure.eis.result import Fit

__all__ = [
    "Comparison",
    "Failure",
    "Fit",
    "Fits",
    "choose_circuit",
    "compare_circuits",
    "fit_spectra",
    "fit_spectrum",
    "profile",
]
