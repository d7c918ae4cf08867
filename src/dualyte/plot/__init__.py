"""Results as plain figure descriptions, and their drawing with Matplotlib.

A description holds series, bands and labels and knows no drawing library, so that any
front end can draw the same figure.
"""

from dualyte.plot.arrhenius import Line, Points, arrhenius_figure
from dualyte.plot.canvas import draw
from dualyte.plot.figure import COLOURS, COLUMN, Figure, Scale, Series
from dualyte.plot.interface import (
    R_HE,
    contact_curve,
    contact_map,
    flow_rule_figure,
    interface_figures,
    resistance_budget,
    resistance_curve,
)
from dualyte.plot.predicted import impedance_figures
from dualyte.plot.relaxation import drt_figure, drt_map_figure
from dualyte.plot.spectra import Curve, bode, nyquist, residuals

__all__ = [
    "COLOURS",
    "COLUMN",
    "R_HE",
    "Curve",
    "Figure",
    "Line",
    "Points",
    "Scale",
    "Series",
    "arrhenius_figure",
    "bode",
    "contact_curve",
    "contact_map",
    "draw",
    "drt_figure",
    "drt_map_figure",
    "flow_rule_figure",
    "impedance_figures",
    "interface_figures",
    "nyquist",
    "residuals",
    "resistance_budget",
    "resistance_curve",
]
