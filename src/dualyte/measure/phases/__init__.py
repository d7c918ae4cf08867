"""Crystalline phases of a powder pattern: which peaks are explained, and limits for the rest."""

from dualyte.measure.phases.crystal import (
    Phase,
    Reflections,
    lorentz_polarisation,
    phase,
    phases,
    reflections,
)
from dualyte.measure.phases.evaluate import PowderStudy, measure_phases
from dualyte.measure.phases.pattern import Pattern, looks_like, read_pattern
from dualyte.measure.phases.peaks import Lines, Peak, find_peaks

__all__ = [
    "Lines",
    "Pattern",
    "Peak",
    "Phase",
    "PowderStudy",
    "Reflections",
    "find_peaks",
    "looks_like",
    "lorentz_polarisation",
    "measure_phases",
    "phase",
    "phases",
    "read_pattern",
    "reflections",
]
