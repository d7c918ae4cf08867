"""Many indents: statistics with outliers left out by a stated rule, and flow stress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.indentation.oliver_pharr import IndentResult
from dualyte.vocabulary import Floats, checked

CONSTRAINT: Final = 3.0  #: hardness over flow stress of a fully plastic contact (Tabor)
CONSTRAINT_SPREAD: Final = 0.2 / 3**0.5  #: standard deviation of even chances from 2.8 to 3.2
_FEWEST: Final = 5  # indents from which on outliers can be told
_FAR: Final = 3.5  # scaled median deviations
_CLOSE: Final = 0.1  # of the logarithm: nothing so near the median stands out
_PLASTIC: Final = 30.0  # E* tan β / flow stress, below which the contact is not fully plastic
_SLOPE: Final = 0.3582  # tan β of a cone like a Berkovich tip, 90° - 70.3°

Policy = Literal["mad", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean of many values."""

    mean: float
    spread: float  #: standard deviation between them; nan for one
    count: int  #: that are finite


def spread(values: npt.ArrayLike) -> Spread:
    """Mean and standard deviation of the values that are numbers.

    >>> spread([1.0, 2.0, float("nan"), 3.0])
    Spread(mean=2.0, spread=1.0, count=3)
    """
    known = np.asarray(values, dtype=np.float64).ravel()
    known = known[np.isfinite(known)]
    if not known.size:
        return Spread(mean=np.nan, spread=np.nan, count=0)
    wide = float(known.std(ddof=1)) if known.size > 1 else np.nan
    return Spread(mean=float(known.mean()), spread=wide, count=int(known.size))


def outliers(values: npt.ArrayLike, policy: Policy = "mad") -> npt.NDArray[np.bool_]:
    """Which values stand out; those that are no number always do.

    Parameters
    ----------
    values : (n,)
        Positive.
    policy
        `mad`: the logarithm is more than 3.5 scaled median deviations from the median (from 5
        values on, and only if that is more than 10 %); `keep`: none.

    Returns
    -------
    (n,)
        True where one stands out.

    Examples
    --------
    >>> outliers([1.0, 1.1, 0.9, 1.05, 4.0, float("nan")]).tolist()
    [False, False, False, False, True, True]
    """
    if policy not in ("mad", "keep"):
        raise InputError(f"outliers is {policy!r}; it is mad or keep")
    y = np.asarray(values, dtype=np.float64).ravel()
    bad = ~(np.isfinite(y) & (y > 0))
    if policy == "keep" or int((~bad).sum()) < _FEWEST:
        return np.asarray(bad)
    log = np.log(np.where(bad, 1.0, y))
    middle = float(np.median(log[~bad]))
    wide = 1.4826 * float(np.median(np.abs(log[~bad] - middle)))
    return np.asarray(bad | (np.abs(log - middle) > max(_FAR * wide, _CLOSE)))


def flow_stress(
    hardness: float, spread: float = 0.0, constraint_factor: float = CONSTRAINT
) -> tuple[float, float]:
    """Flow stress from hardness by Tabor's relation σ = H/C.

    Parameters
    ----------
    hardness, spread
        H [Pa] and one standard deviation.
    constraint_factor
        C: 3 for metals and other fully plastic contacts; even chances within ± 0.2 of it are taken.

    Returns
    -------
    tuple
        σ [Pa], at the representative strain of the tip (about 8 % for a Berkovich or Vickers tip),
        and one standard deviation.

    Notes
    -----
    C is an assumption. It is lower (1.5 … 2.8) where the elastic strain matters: glasses, hard
    ceramics, polymers. Source: D. Tabor, The Hardness of Metals, Oxford 1951.

    Examples
    --------
    >>> sigma, wide = flow_stress(3e8)
    >>> f"{sigma / 1e6:.0f} ± {wide / 1e6:.1f} MPa"
    '100 ± 3.8 MPa'
    """
    checked("hardness", hardness)
    if not 1.0 <= constraint_factor <= 4.0:
        raise InputError(f"constraint_factor is {constraint_factor:g}; it is from 1 to 4")
    sigma = hardness / constraint_factor
    relative = np.hypot(spread / hardness, CONSTRAINT_SPREAD / constraint_factor)
    return sigma, float(sigma * relative)


def too_elastic(
    hardness: float, modulus: float, constraint_factor: float = CONSTRAINT
) -> float | None:
    """Johnson's parameter E* tan β / σ, where it is too low for Tabor's relation; else None.

    >>> too_elastic(9.5e9, 69.6e9) is not None, too_elastic(5e8, 70e9) is None
    (True, True)
    """
    found = modulus * _SLOPE * constraint_factor / hardness
    return found if found < _PLASTIC else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndentMap:
    """Evaluated indents, and which of them count."""

    indents: tuple[IndentResult, ...]
    kept: npt.NDArray[np.bool_]  #: (n,) not an outlier
    policy: Policy

    def values(self, word: str) -> Floats:
        """One number of every indent, such as hardness, (n,)."""
        return np.array([getattr(r, word) for r in self.indents], dtype=np.float64)

    def spread(self, word: str) -> Spread:
        """Mean and standard deviation of one number over the indents that count."""
        return spread(self.values(word)[self.kept])


def indent_map(indents: Sequence[IndentResult], policy: Policy = "mad") -> IndentMap:
    """Put indents together and tell outliers, by hardness and by reduced modulus."""
    found = tuple(indents)
    H = np.array([r.hardness for r in found], dtype=np.float64)
    Er = np.array([r.modulus for r in found], dtype=np.float64)
    kept = ~(outliers(H, policy) | outliers(Er, policy))
    kept.setflags(write=False)
    return IndentMap(indents=found, kept=kept, policy=policy)
