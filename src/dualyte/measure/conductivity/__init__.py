r"""Conductivity of pellets against pressure and temperature, from resistances or spectra.

.. math:: \sigma = \frac{d}{A\,(R - R_\mathrm{foil})}
"""

from dualyte.measure.conductivity.evaluate import measure_conductivity
from dualyte.measure.conductivity.foil import FoilFit, fit_foil
from dualyte.measure.conductivity.points import (
    ConductivitySeries,
    ConductivityStudy,
    conductivity,
    unloading_loss,
)
from dualyte.measure.conductivity.reading import looks_like

__all__ = [
    "ConductivitySeries",
    "ConductivityStudy",
    "FoilFit",
    "conductivity",
    "fit_foil",
    "looks_like",
    "measure_conductivity",
    "unloading_loss",
]
