r"""Activation energies: resistances, conductivities and relaxation times against temperature.

Everything is fitted in the logarithm, where the errors of a resistance that spans decades are
alike. With x = 1/kT the forms are

.. math:: \ln R = \ln R_\infty + E_a x, \quad \ln\sigma = \ln\sigma_0 - E_a x, \quad
          \ln \sigma T = \ln A - E_a x, \quad \ln\tau = \ln\tau_0 + E_a x

and the law of Vogel, Fulcher and Tammann has x = 1/k(T − T₀).
"""

from dualyte.measure.arrhenius.fit import fit_arrhenius
from dualyte.measure.arrhenius.result import ArrheniusFit, Band

__all__ = ["ArrheniusFit", "Band", "fit_arrhenius"]
