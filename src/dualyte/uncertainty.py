"""Samples of Values, intervals of answers, and the input that widens them most.

Knows no model: it hands out numbers and judges numbers that come back.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dualyte.material import Value

Floats = npt.NDArray[np.float64]


def draw(
    inputs: Mapping[str, Value],
    n: int,
    *,
    seed: int,
    correlation: npt.ArrayLike | None = None,
) -> dict[str, Floats]:
    """Latin hypercube of `n` samples of every input, SI.

    Parameters
    ----------
    inputs
        Values by name; one without spread comes back constant.
    n
        Number of samples.
    seed
        Of the generator; the same seed gives the same samples.
    correlation : (k, k), optional
        Correlation of the normal scores of the inputs, in their order (a Gaussian copula).

    Examples
    --------
    >>> from dualyte.material import material
    >>> found = draw({"H": material("LNOC")["hardness"]}, 1000, seed=1)["H"]
    >>> round(float(found.mean()) / 1e9, 3)
    0.42
    """
    from scipy.special import ndtr, ndtri
    from scipy.stats import qmc

    names = list(inputs)
    if not names:
        return {}
    u = qmc.LatinHypercube(d=len(names), rng=np.random.default_rng(seed)).random(n)
    if correlation is not None:
        scores = ndtri(np.clip(u, 1e-12, 1 - 1e-12)) @ _root(np.asarray(correlation)).T
        u = ndtr(scores)
    return {name: inputs[name].quantile(u[:, k]) for k, name in enumerate(names)}


def _root(correlation: Floats) -> Floats:
    """Square root of a correlation matrix, tolerant of rounding."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def interval(samples: npt.ArrayLike, level: float = 0.9, axis: int = -1) -> tuple[Floats, Floats]:
    """Central interval that holds `level` of the samples, along `axis`.

    >>> low, high = interval(np.arange(101.0))
    >>> round(float(low), 6), round(float(high), 6)
    (5.0, 95.0)
    """
    tail = (1 - level) / 2
    low, high = np.quantile(np.asarray(samples), [tail, 1 - tail], axis=axis)
    return np.asarray(low), np.asarray(high)


def shares(inputs: Mapping[str, Floats], output: Floats) -> dict[str, float]:
    """Share of the variance of ln(output) that each input accounts for.

    Parameters
    ----------
    inputs : each (n,)
        Samples of the inputs; constant ones get no share. An input of integers names
        classes (a seed) and is judged by the class means that the others leave.
    output : (n,)
        Positive samples of the answer.

    Returns
    -------
    dict
        Shares in descending order. They sum to one or less: the rest is interaction and
        curvature.

    Notes
    -----
    Squared standardised coefficients of a linear fit on normal scores of the ranks
    (Saltelli et al. 2008, doi:10.1002/9780470725184).
    """
    y = np.log(np.asarray(output, dtype=np.float64))
    total = float(y.var())
    moving = {k: np.asarray(x) for k, x in inputs.items() if np.ptp(x) > 0}
    if total <= 0 or not moving:
        return dict.fromkeys(inputs, 0.0)
    graded = {k: x for k, x in moving.items() if not np.issubdtype(x.dtype, np.integer)}
    found: dict[str, float] = {}
    rest = y - y.mean()
    if graded:
        z = np.column_stack([_scores(x) for x in graded.values()])
        slope, *_ = np.linalg.lstsq(z, rest, rcond=None)
        found = dict(zip(graded, (slope**2 / total).tolist(), strict=True))
        rest = rest - z @ slope
    for k, x in moving.items():
        if k not in graded:
            _, index = np.unique(x, return_inverse=True)
            means = np.bincount(index, rest) / np.bincount(index)
            found[k] = float(means[index].var() / total)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _scores(x: Floats) -> Floats:
    """Normal scores of the ranks, mean 0 and variance 1."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    z = ndtri((rankdata(x) - 0.5) / x.size)
    return np.asarray((z - z.mean()) / z.std())


def moderated(square: npt.ArrayLike, degrees: npt.ArrayLike) -> Floats:
    """Variances of groups of few values, each drawn towards the common one.

    Parameters
    ----------
    square : (g,)
        Sum of squared deviations from the mean of each group.
    degrees : (g,)
        Degrees of freedom of each; a group of none gets the common variance.

    Returns
    -------
    (g,)
        Variances. Groups are drawn together as far as the spread between them is chance.

    Notes
    -----
    Smyth 2004, doi:10.2202/1544-6115.1027.

    Examples
    --------
    >>> moderated([2.0, 2.0, 2.0], [1, 1, 1]).tolist()
    [2.0, 2.0, 2.0]
    """
    from scipy.special import digamma

    square, degrees = np.asarray(square, dtype=np.float64), np.asarray(degrees, dtype=np.float64)
    pooled = float(square.sum() / degrees.sum())
    positive = square > 0
    if positive.sum() < 3:
        return np.full(square.shape, pooled)
    half = degrees[positive] / 2
    log = np.log(square[positive] / degrees[positive]) - digamma(half) + np.log(half)
    prior = _prior_degrees(float(log.var(ddof=1)), half)
    if np.isinf(prior):
        return np.full(square.shape, pooled)
    common = np.exp(log.mean() + digamma(prior / 2) - np.log(prior / 2))
    return np.asarray((prior * common + square) / (prior + degrees))


def _prior_degrees(variance: float, half: Floats) -> float:
    """Degrees of freedom that the common variance is worth; inf where it explains all."""
    from scipy.optimize import brentq
    from scipy.special import polygamma

    left = variance - float(polygamma(1, half).mean())
    if left <= float(polygamma(1, 500.0)):
        return float("inf")
    return float(brentq(lambda x: polygamma(1, x / 2) - left, 1e-3, 1e3))
