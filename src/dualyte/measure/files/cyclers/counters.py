"""Counters of charge: what they counted, whatever sets them to zero and signs them."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.vocabulary import Floats

_FALLEN: Final = 0.5  # a counter that falls below this share of what it was has been reset
_AT_STEP: Final = 0.99  # likewise, where a step begins


def without_resets(counter: Floats, begun: npt.NDArray[np.bool_] | None = None) -> Floats:
    """What was counted in all, of a counter that is set to zero now and then.

    A fall below half of what it was is a reset; a smaller one is noise and is passed over, but
    where a step begins, a fall by more than a hundredth is a reset.

    Parameters
    ----------
    counter
        (m,) not negative.
    begun
        (m,) whether a step or cycle begins with the row, where that is known.

    Examples
    --------
    >>> without_resets(np.array([0.0, 2.0, 5.0, 0.0, 1.0, 0.99, 3.0])).tolist()
    [0.0, 2.0, 5.0, 5.0, 6.0, 6.0, 8.0]
    """
    before, after = counter[:-1], counter[1:]
    fallen = after < _FALLEN * before
    if begun is not None:
        fallen |= begun[1:] & (after < _AT_STEP * before)
    reset = np.flatnonzero(fallen) + 1
    edges = np.concatenate([[0], reset, [counter.size]])
    out = counter.copy()
    carried = 0.0
    for a, b in pairwise(edges):
        top = float(counter[a:b].max())
        out[a:b] += carried
        carried += top
    return np.asarray(np.maximum.accumulate(out))


def filled(column: Floats) -> Floats:
    """A counter with its voids filled by what it was before."""
    whole = np.isfinite(column)
    if whole.all():
        return column
    at = np.maximum.accumulate(np.where(whole, np.arange(column.size), 0))
    return np.nan_to_num(column[at])


def of_steps(column: Floats) -> Floats:
    """Growth per row of a counter that counts without sign, from zero in every step."""
    size = np.abs(column)
    grown = np.diff(size, prepend=0.0)
    reset = grown < 0
    grown[reset] = np.where(size[reset] < _FALLEN * (size[reset] - grown[reset]), size[reset], 0.0)
    return grown


def of_net(column: Floats) -> Floats:
    """Growth per row of a counter that runs up on charge and down on discharge."""
    grown = np.abs(np.diff(column, prepend=column[0]))
    to_zero = (column == 0) & (grown > 0)
    grown[to_zero] = 0.0
    return grown


def direction(current: Floats) -> Floats:
    """1 on charge, -1 on discharge; a row without current belongs to what was before."""
    sign = np.sign(current)
    known = np.flatnonzero(sign)
    if known.size == 0:
        return sign
    at = np.maximum.accumulate(np.where(sign != 0, np.arange(sign.size), known[0]))
    return np.asarray(sign[at])
