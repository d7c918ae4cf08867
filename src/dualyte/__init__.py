"""Dual solid-electrolyte batteries: from powder to cell, and back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dualyte.errors import (
    ConvergenceError,
    DualyteError,
    InputError,
    MissingExtraError,
    ValidityError,
)
from dualyte.material import Material, Value, cite, material, materials, sources
from dualyte.vocabulary import label, q, show

_HOME: dict[str, tuple[str, ...]] = {}  #: module: words that load when first used
_WORDS = {word: f"dualyte.{home}" for home, words in _HOME.items() for word in words}
__version__ = "0.1.0"

__all__ = [
    "ConvergenceError",
    "DualyteError",
    "InputError",
    "Material",
    "MissingExtraError",
    "ValidityError",
    "Value",
    "cite",
    "label",
    "material",
    "materials",
    "q",
    "show",
    "sources",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: words load when first used)
    if name in _WORDS:
        return getattr(import_module(_WORDS[name]), name)
    raise AttributeError(f"module 'dualyte' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
