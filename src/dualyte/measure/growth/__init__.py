r"""Growth of an interphase: R(t) and C(t) at rest, against the parabolic law of Wagner.

.. math:: R = R_0 + k'\sqrt t, \qquad \frac{1}{C} = \frac{1}{C_0} + k''_C\sqrt t

The law is sometimes printed with the exponent −1/2. A rate in Ω h⁻¹ᐟ² and a straight line of R
against √t mean that R grows as t to the power +1/2.
"""

from dualyte.measure.growth.evaluate import measure_growth
from dualyte.measure.growth.laws import Curve, GrowthFit, compare_laws, fit_growth, hinge
from dualyte.measure.growth.reading import GrowthSeries, looks_like

__all__ = [
    "Curve",
    "GrowthFit",
    "GrowthSeries",
    "compare_laws",
    "fit_growth",
    "hinge",
    "looks_like",
    "measure_growth",
]
