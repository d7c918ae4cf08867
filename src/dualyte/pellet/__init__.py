"""From powder to pellet: densification, what the pellet conducts, and the work of pressing."""

from dualyte.pellet.compact import (
    Densification,
    Pellet,
    Work,
    compact,
    densification,
    retained,
    unloading_k,
    work_of_compression,
)
from dualyte.pellet.conductivity import (
    ConductivityBracket,
    conductivity_bracket,
    over_dense,
    over_dense_bracket,
)
from dualyte.pellet.history import History, hold
from dualyte.pellet.law import Law, map_law, master_law
from dualyte.pellet.master import MasterCurve, average_curves, load_curve, master_curve
from dualyte.pellet.mesoscale import Run, grains, mesoscale
from dualyte.pellet.microstructure import Microstructure, load_microstructure
from dualyte.pellet.refine import Refinement, limit, refine, shipped_refinement, with_limits

__all__ = [
    "ConductivityBracket",
    "Densification",
    "History",
    "Law",
    "MasterCurve",
    "Microstructure",
    "Pellet",
    "Refinement",
    "Run",
    "Work",
    "average_curves",
    "compact",
    "conductivity_bracket",
    "densification",
    "grains",
    "hold",
    "limit",
    "load_curve",
    "load_microstructure",
    "map_law",
    "master_curve",
    "master_law",
    "mesoscale",
    "over_dense",
    "over_dense_bracket",
    "refine",
    "retained",
    "shipped_refinement",
    "unloading_k",
    "with_limits",
    "work_of_compression",
]
