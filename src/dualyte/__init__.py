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
from dualyte.material import Material, Value, cite, material, materials, sources
from dualyte.vocabulary import label, q, show

_HOME = {  #: module: words that load when first used
    "interface": (
        "Contact", "CreepRule", "FlowRule", "Interface", "Resistance", "Step", "Transfer",
        "hetero_interface", "interface_impedance", "pellet_to_pellet", "powder_to_pellet",
        "press", "resistance", "transfer",
    ),
    "interface.answer": ("interface_rows",),
    "interface.predict": (
        "Design", "InterfacePrediction", "RoughFace", "built_in", "predict_interface",
    ),
    "surface": (
        "Film", "Surface", "detrend", "grit", "periodic_cell", "psd", "read_surface",
        "roughness", "self_affine", "treatment",
    ),
    "plot": ("draw",),
    "report": ("interface_table", "write_prediction"),
}  # fmt: skip
_WORDS = {word: f"dualyte.{home}" for home, words in _HOME.items() for word in words}
__version__ = "0.1.0"

__all__ = [
    "Contact",
    "ConvergenceError",
    "CreepRule",
    "Design",
    "DualyteError",
    "Film",
    "FlowRule",
    "InputError",
    "Interface",
    "InterfacePrediction",
    "Material",
    "MissingExtraError",
    "Resistance",
    "RoughFace",
    "Step",
    "Surface",
    "Transfer",
    "ValidityError",
    "Value",
    "built_in",
    "cite",
    "detrend",
    "draw",
    "grit",
    "hetero_interface",
    "interface_impedance",
    "interface_rows",
    "interface_table",
    "label",
    "material",
    "materials",
    "pellet_to_pellet",
    "periodic_cell",
    "powder_to_pellet",
    "predict_interface",
    "press",
    "psd",
    "q",
    "read_surface",
    "resistance",
    "roughness",
    "self_affine",
    "show",
    "sources",
    "transfer",
    "treatment",
    "write_prediction",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: words load when first used)
    if name in _WORDS:
        return getattr(import_module(_WORDS[name]), name)
    raise AttributeError(f"module 'dualyte' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
