"""Compression of powders and solids: work, densification and creep from runs of a frame."""

from dualyte.measure.compression.creep import Creep, FormFit, creep_exponent, fit_form
from dualyte.measure.compression.densify import (
    Heckel,
    Kawakita,
    heckel,
    kawakita,
    spring_back,
)
from dualyte.measure.compression.evaluate import measure_compression
from dualyte.measure.compression.press import (
    Frame,
    LoadZero,
    Segments,
    Slope,
    Work,
    frame_of,
    load_zero,
    segments,
    work_of,
)
from dualyte.measure.compression.read import looks_like, read_compression
from dualyte.measure.compression.record import Compression
from dualyte.measure.compression.run import Choices, Run, evaluate_run

__all__ = [
    "Choices",
    "Compression",
    "Creep",
    "FormFit",
    "Frame",
    "Heckel",
    "Kawakita",
    "LoadZero",
    "Run",
    "Segments",
    "Slope",
    "Work",
    "creep_exponent",
    "evaluate_run",
    "fit_form",
    "frame_of",
    "heckel",
    "kawakita",
    "load_zero",
    "looks_like",
    "measure_compression",
    "read_compression",
    "segments",
    "spring_back",
    "work_of",
]
