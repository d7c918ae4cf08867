"""Photoelectron spectra: readers, charge reference, backgrounds, peaks and film thickness."""

from dualyte.measure.xps.background import (
    linear_background,
    shirley_background,
    tougaard_background,
)
from dualyte.measure.xps.evaluate import XpsDetail, measure_xps
from dualyte.measure.xps.files import looks_like, read_xps
from dualyte.measure.xps.fit import fit_peaks
from dualyte.measure.xps.models import (
    C1S_CARBON,
    CL2P_OXYHALIDE,
    O1S_GARNET,
    Peak,
    PeakModel,
    model_for,
)
from dualyte.measure.xps.peaks import pseudo_voigt, voigt
from dualyte.measure.xps.reference import find_shift, main_line, reference_of
from dualyte.measure.xps.result import PeakFit
from dualyte.measure.xps.spectrum import XpsSpectrum
from dualyte.measure.xps.thickness import (
    FilmThickness,
    attenuation_length,
    film_thickness,
    imfp_tpp2m,
    overlayer_thickness,
)
from dualyte.measure.xps.vamas import read_vamas, write_vamas

__all__ = [
    "C1S_CARBON",
    "CL2P_OXYHALIDE",
    "O1S_GARNET",
    "FilmThickness",
    "Peak",
    "PeakFit",
    "PeakModel",
    "XpsDetail",
    "XpsSpectrum",
    "attenuation_length",
    "film_thickness",
    "find_shift",
    "fit_peaks",
    "imfp_tpp2m",
    "linear_background",
    "looks_like",
    "main_line",
    "measure_xps",
    "model_for",
    "overlayer_thickness",
    "pseudo_voigt",
    "read_vamas",
    "read_xps",
    "reference_of",
    "shirley_background",
    "tougaard_background",
    "voigt",
    "write_vamas",
]
