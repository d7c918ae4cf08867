"""What every formula checks before it computes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import Floats, checked


def modulus(value: npt.ArrayLike) -> Floats:
    """Young's modulus; infinity stands for a rigid body."""
    E = np.asarray(value, dtype=np.float64)
    checked("youngs_modulus", np.where(np.isposinf(E), 1e9, E))
    return E


def resistivity(sigma_a: npt.ArrayLike, sigma_b: npt.ArrayLike) -> Floats:
    """ζ = 1/σ_a + 1/σ_b."""
    return np.asarray(1 / checked("conductivity", sigma_a) + 1 / checked("conductivity", sigma_b))


def positive(name: str, value: npt.ArrayLike, *, zero: bool = False) -> Floats:
    """Quantities that are no word of their own need only be positive."""
    array = np.asarray(value, dtype=np.float64)
    bad = ~((array >= 0) if zero else (array > 0))  # NaN is bad too
    if bad.any():
        wanted = "zero or more" if zero else "positive"
        raise InputError(f"{name}={array[bad].flat[0]:g} must be {wanted}; check its sign")
    return array


def within(name: str, value: npt.ArrayLike, limit: float, why: str) -> Floats:
    """Refuse what the source of a formula does not cover."""
    array = positive(name, value, zero=True)
    if (array > limit).any():
        raise ValidityError(f"{name}={array.max():g} is above {limit:g}, where {why}")
    return array
