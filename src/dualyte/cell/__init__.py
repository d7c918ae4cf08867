"""Cells on PyBaMM: from the interface to capacity, efficiency and life under stack pressure.

PyBaMM itself is imported when a cell is first built.
"""

import os

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")  # before PyBaMM, or it asks and sends

from dualyte.cell.anode import AgSeeds, LiFoil
from dualyte.cell.cathode import Cathode
from dualyte.cell.cell import Cell, State, cycle, impedance, last_state, load_state
from dualyte.cell.composition import Composition, composite
from dualyte.cell.interphase import HeteroInterface
from dualyte.cell.predict import CellPrediction, cell_rows, hetero_table, predict_cell
from dualyte.cell.protocol import (
    Protocol,
    Step,
    find_protocol,
    protocol,
    read_protocol,
    repeat,
    study_protocol,
    tagged,
)

__all__ = [
    "AgSeeds",
    "Cathode",
    "Cell",
    "CellPrediction",
    "Composition",
    "HeteroInterface",
    "LiFoil",
    "Protocol",
    "State",
    "Step",
    "cell_rows",
    "composite",
    "cycle",
    "find_protocol",
    "hetero_table",
    "impedance",
    "last_state",
    "load_state",
    "predict_cell",
    "protocol",
    "read_protocol",
    "repeat",
    "study_protocol",
    "tagged",
]
