"""Cycles: what a cycler file or a cell model yields.

Of the whole cell and in SI: charge passed in C, current in A, positive on charge. `area` and
`mass` turn it into C/m² and C/kg; tables write mAh/g.
"""

from dualyte.cycles.curve import Curve, Kind, SpectrumLike, incremental_capacity
from dualyte.cycles.record import Cycles, Direction, count_cycles, gather
from dualyte.cycles.store import cycles_from

__all__ = [
    "Curve",
    "Cycles",
    "Direction",
    "Kind",
    "SpectrumLike",
    "count_cycles",
    "cycles_from",
    "gather",
    "incremental_capacity",
]
