"""Results of replicates put together: means, and the standard deviation between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dualyte.material import Value
from dualyte.measure.result import measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One number of one sample."""

    quantity: str  #: row of the vocabulary
    si: float
    where: str
    spread: float = 0.0  #: SI, one standard deviation; 0 where it is not known
    note: str = ""
    model: bool = False  #: whether a model or an assumption stands between


def combined(several: Sequence[Own], what: str) -> Value:
    """Mean of replicates with the standard deviation between them; a single one as it is.

    Parameters
    ----------
    several
        One number of each replicate.
    what
        What they are, in the plural, such as `pellets`.

    Notes
    -----
    The spread is that of one replicate, not of the mean, and never below the root mean square
    of the replicates' own spreads over √n: few replicates may agree by chance.

    Examples
    --------
    >>> both = [Own(quantity="ratio", si=x, where="a") for x in (1.0, 3.0)]
    >>> value = combined(both, "cells")
    >>> value.si, round(value.spread, 4), value.where
    (2.0, 1.4142, 'mean of 2 cells')
    """
    first = several[0]
    if len(several) == 1:
        return measured(
            first.quantity, first.si, first.spread, where=first.where, note=first.note,
            computed=first.model,
        )  # fmt: skip
    x = np.array([own.si for own in several])
    s = np.array([own.spread for own in several])
    floor = float(np.sqrt((s**2).mean() / s.size))
    notes = "; ".join(dict.fromkeys(own.note for own in several if own.note))
    return measured(
        first.quantity, float(x.mean()), max(float(x.std(ddof=1)), floor),
        where=f"mean of {x.size} {what}", computed=any(own.model for own in several),
        note="; ".join(filter(None, ("spread between them", notes))),
    )  # fmt: skip
