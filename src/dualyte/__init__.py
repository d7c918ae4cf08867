"""Dual solid-electrolyte batteries: from powder to cell, and back."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dualyte.errors import (
    ConvergenceError,
    DualyteError,
    InputError,
    MissingExtraError,
    ValidityError,
)
from dualyte.impedance import impedance  # shares its name with the package: never lazy
from dualyte.material import Material, Value, cite, material, materials, sources
from dualyte.vocabulary import label, q, show

_HOME = {  #: module: words that load when first used
    "interface": (
        "Contact", "CreepRule", "FlowRule", "Interface", "Resistance", "Step", "Transfer",
        "hetero_interface", "interface_impedance", "pellet_to_pellet", "powder_to_pellet",
        "press", "resistance", "transfer",
    ),
    "impedance.predict": ("ImpedancePrediction", "impedance_rows", "predict_impedance"),
    "impedance.stack": ("Bilayer", "bilayer"),
    "interface.answer": ("interface_rows",),
    "interface.predict": (
        "Design", "InterfacePrediction", "RoughFace", "built_in", "predict_interface",
    ),
    "circuit": ("Circuit", "Spectrum", "average_spectra", "parse_circuit", "write_circuit"),
    "measure.arrhenius": ("ArrheniusFit", "fit_arrhenius"),
    "measure.drt": ("drt", "drt_map"),
    "measure.eis": ("Fit", "Fits", "compare_circuits", "fit_spectra", "fit_spectrum", "profile"),
    "measure.files": ("Reading", "read_spectra", "remember"),
    "measure.joint": (
        "JointFit", "compare_joint", "fit_joint", "judge_mechanism", "reference_cell", "stability",
    ),
    "measure.kramers": ("check_spectrum", "compare_sweeps"),
    "surface": (
        "Film", "Surface", "detrend", "grit", "periodic_cell", "psd", "read_surface",
        "roughness", "self_affine", "treatment",
    ),
    "pellet": (
        "Densification", "History", "Law", "MasterCurve", "Microstructure", "Pellet",
        "average_curves", "compact", "conductivity_bracket", "densification", "hold",
        "load_curve", "load_microstructure", "map_law", "master_curve", "master_law", "mesoscale",
        "retained", "unloading_k",
    ),
    "pellet.predict": ("PelletPrediction", "pellet_rows", "predict_pellet"),
    "plot": ("draw",),
    "powder": ("Packing", "pack"),
    "report": ("interface_table", "write_measurement", "write_prediction"),
}  # fmt: skip
_WORDS = {word: f"dualyte.{home}" for home, words in _HOME.items() for word in words}
__version__ = "0.1.0"

__all__ = [
    "ArrheniusFit",
    "Bilayer",
    "Circuit",
    "Contact",
    "ConvergenceError",
    "CreepRule",
    "Densification",
    "Design",
    "DualyteError",
    "Film",
    "Fit",
    "Fits",
    "FlowRule",
    "History",
    "ImpedancePrediction",
    "InputError",
    "Interface",
    "InterfacePrediction",
    "JointFit",
    "Law",
    "MasterCurve",
    "Material",
    "Microstructure",
    "MissingExtraError",
    "Packing",
    "Pellet",
    "PelletPrediction",
    "Reading",
    "Resistance",
    "RoughFace",
    "Spectrum",
    "Step",
    "Surface",
    "Transfer",
    "ValidityError",
    "Value",
    "average_curves",
    "average_spectra",
    "bilayer",
    "built_in",
    "check_spectrum",
    "cite",
    "compact",
    "compare_circuits",
    "compare_joint",
    "compare_sweeps",
    "conductivity_bracket",
    "densification",
    "detrend",
    "draw",
    "drt",
    "drt_map",
    "fit_arrhenius",
    "fit_joint",
    "fit_spectra",
    "fit_spectrum",
    "grit",
    "hetero_interface",
    "hold",
    "impedance",
    "impedance_rows",
    "interface_impedance",
    "interface_rows",
    "interface_table",
    "judge_mechanism",
    "label",
    "load_curve",
    "load_microstructure",
    "map_law",
    "master_curve",
    "master_law",
    "material",
    "materials",
    "mesoscale",
    "pack",
    "parse_circuit",
    "pellet_rows",
    "pellet_to_pellet",
    "periodic_cell",
    "powder_to_pellet",
    "predict_impedance",
    "predict_interface",
    "predict_pellet",
    "press",
    "profile",
    "psd",
    "q",
    "read_spectra",
    "read_surface",
    "reference_cell",
    "remember",
    "resistance",
    "retained",
    "roughness",
    "self_affine",
    "show",
    "sources",
    "stability",
    "transfer",
    "treatment",
    "unloading_k",
    "write_circuit",
    "write_measurement",
    "write_prediction",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: words load when first used)
    if name in _WORDS:
        return getattr(import_module(_WORDS[name]), name)
    raise AttributeError(f"module 'dualyte' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
