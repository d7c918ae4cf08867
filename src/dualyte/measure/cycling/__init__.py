"""Cycling: capacity, Coulombic efficiency, retention, and the shape of voltage curves.

Of the whole cell and in SI, like `dualyte.cycles`: charge in C, current positive on charge.
"""

from dualyte.measure.cycling.average import CyclesMean, average_cycles
from dualyte.measure.cycling.count import cycles_of
from dualyte.measure.cycling.evaluate import measure_cycling
from dualyte.measure.cycling.features import Knee, Plateau, half_of, inflection, plateaus
from dualyte.measure.cycling.stitch import stitch

__all__ = [
    "CyclesMean",
    "Knee",
    "Plateau",
    "average_cycles",
    "cycles_of",
    "half_of",
    "inflection",
    "measure_cycling",
    "plateaus",
    "stitch",
]
