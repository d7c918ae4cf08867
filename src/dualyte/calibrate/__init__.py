"""Fits named free parameters to facts marked `calibration`, and writes what it found.

Nothing else in the package may adjust a parameter to a measurement of the study.
"""

from dualyte.calibrate.cell import CellFit, calibrate_cell, cell_parameters, write_cell
from dualyte.calibrate.curves import compute_curves
from dualyte.calibrate.interface import InterfaceFit, calibrate_interface, summary, write
from dualyte.calibrate.pellet import PelletFit, calibrate_pellet, pellet_parameters, write_pellet

__all__ = [
    "CellFit",
    "InterfaceFit",
    "PelletFit",
    "calibrate_cell",
    "calibrate_interface",
    "calibrate_pellet",
    "cell_parameters",
    "compute_curves",
    "pellet_parameters",
    "summary",
    "write",
    "write_cell",
    "write_pellet",
]
