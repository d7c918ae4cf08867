"""Surfaces as they are before contact: measured with an instrument, or drawn."""

from dualyte.surface.files import read_surface
from dualyte.surface.film import TREATMENTS, Film, film_map, treatment
from dualyte.surface.prepare import detrend, periodic_cell
from dualyte.surface.topography import (
    Roughness,
    Surface,
    grit,
    psd,
    roughness,
    self_affine,
)

__all__ = [
    "TREATMENTS",
    "Film",
    "Roughness",
    "Surface",
    "detrend",
    "film_map",
    "grit",
    "periodic_cell",
    "psd",
    "read_surface",
    "roughness",
    "self_affine",
    "treatment",
]
