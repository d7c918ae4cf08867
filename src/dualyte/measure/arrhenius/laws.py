"""Names and numbers that the parts of a temperature fit share."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from dualyte.errors import InputError
from dualyte.vocabulary import BOLTZMANN, Floats

Form = Literal["R", "sigma", "sigmaT", "tau"]
Law = Literal["arrhenius", "vtf"]
Outliers = Literal["keep", "flag", "robust"]
Errors = Literal["auto", "scaled", "unscaled"]

SAME: Final = 0.05  # K: temperatures closer than this are replicates
DOUBT: Final = 0.05  # probability below which a test speaks up
RISES: Final[dict[Form, float]] = {"R": 1.0, "tau": 1.0, "sigma": -1.0, "sigmaT": -1.0}
FORM_TEXT: Final[dict[Form, str]] = {
    "R": "ln R", "sigma": "ln σ", "sigmaT": "ln σT", "tau": "ln τ",
}  # fmt: skip
LAW_TEXT: Final[dict[Law, str]] = {"arrhenius": "Arrhenius", "vtf": "VTF"}


def columns(T: Floats, T0: float, energy: float, form: Form, vtf: bool) -> Floats:
    """∂y/∂(ln prefactor, energy, T₀)."""
    x = RISES[form] / (BOLTZMANN * (T - T0))
    columns = [np.ones(T.size), x]
    return np.column_stack([*columns, energy * x / (T - T0)] if vtf else columns)


def quantile(level: float, degrees: float) -> float:
    """Half-width of an interval in standard deviations."""
    from scipy.stats import t as t_law

    if not 0 < level < 1:
        raise InputError(f"level={level:g} is no probability between 0 and 1; 0.9 is usual")
    return float(t_law.ppf((1 + level) / 2, degrees))
