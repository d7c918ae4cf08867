"""Backgrounds under peaks: what electrons that lost energy on their way out add.

All take energies in ascending order of binding energy, and any unit of energy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dualyte.errors import ConvergenceError, InputError
from dualyte.vocabulary import Floats

Array = npt.ArrayLike


def running_integral(x: Floats, y: Floats) -> Floats:
    """Integral of y from the first x to each (trapezoids), (m,).

    >>> running_integral(np.array([0.0, 1.0, 3.0]), np.array([1.0, 1.0, 1.0])).tolist()
    [0.0, 1.0, 3.0]
    """
    return np.concatenate([[0.0], np.cumsum((y[1:] + y[:-1]) / 2 * np.diff(x))])


def ends_of(counts: Array, ends: int = 5) -> tuple[float, float]:
    """Mean of the first and of the last channels.

    Raises
    ------
    InputError
        If the channels at the ends overlap.
    """
    n = np.asarray(counts, dtype=np.float64)
    if not 1 <= ends <= n.size // 2:
        raise InputError(
            f"ends={ends}: {n.size} channels have 1 to {n.size // 2} at each end; give fewer"
        )
    return float(n[:ends].mean()), float(n[-ends:].mean())


def linear_background(energy: Array, counts: Array, *, ends: int = 5) -> Floats:
    """Straight line between the means of the first and last channels, (m,)."""
    e = np.asarray(energy, dtype=np.float64)
    low, high = ends_of(counts, ends)
    half = (ends - 1) / 2
    x0, x1 = np.interp([half, e.size - 1 - half], np.arange(e.size), e)
    return np.asarray(low + (high - low) * (e - x0) / (x1 - x0))


def shirley_background(
    energy: Array,
    counts: Array,
    *,
    ends: int = 5,
    rtol: float = 1e-8,
    max_steps: int = 200,
) -> Floats:
    r"""Background that rises with the peak area at lower binding energy.

    Parameters
    ----------
    energy : (m,)
        Binding energies, ascending.
    counts : (m,)
        Counts or rate.
    ends
        Channels at each end whose mean the background meets.
    rtol
        Largest change of the last step, over the step of the background.

    Returns
    -------
    (m,) array

    Raises
    ------
    InputError
        If no peak rises above the ends.
    ConvergenceError
        If it does not settle.

    Notes
    -----
    :math:`B(E) = I_0 + (I_1 - I_0) \int_{E_0}^{E} (I - B) / \int_{E_0}^{E_1} (I - B)`, iterated.
    D. A. Shirley, Phys. Rev. B 5 (1972) 4709, doi:10.1103/PhysRevB.5.4709; A. Proctor and
    P. M. A. Sherwood, Anal. Chem. 54 (1982) 13, doi:10.1021/ac00238a008.

    Examples
    --------
    >>> E = np.linspace(0, 20, 401)
    >>> peak = 1000 * np.exp(-((E - 10) ** 2))
    >>> truth = 100 + 0.1 * running_integral(E, peak)
    >>> found = shirley_background(E, peak + truth, ends=1)
    >>> bool(np.abs(found - truth).max() < 0.01)
    True
    """
    e, n = np.asarray(energy, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    low, high = ends_of(n, ends)
    background: Floats = np.full(n.size, low)
    step = high - low
    for _ in range(max_steps):
        inside = running_integral(e, n - background)
        if inside[-1] <= 0:
            raise InputError(
                "no peak rises above the ends of the window, so there is no Shirley background; "
                "give another window or a linear background"
            )
        new = low + step * inside / inside[-1]
        change = float(np.abs(new - background).max())
        background = new
        if change <= rtol * max(abs(step), 1e-12 * abs(low), 1e-300):
            return background
    raise ConvergenceError(
        f"the Shirley background did not settle in {max_steps} steps (last change {change:.3g}); "
        "its window may end within a peak",
        background,
    )


def tougaard_background(
    energy: Array, counts: Array, *, ends: int = 5, c: float = 1643.0
) -> Floats:
    """Background of the universal loss cross-section, scaled to meet the high end.

    Parameters
    ----------
    energy : (m,)
        eV, ascending, in even steps.
    counts : (m,)
        Counts or rate.
    c
        eV², where the cross-section T / (c + T²)² bends.

    Notes
    -----
    Two or three times 10 eV beyond the peak are needed for it to mean much. S. Tougaard, Surf.
    Interface Anal. 11 (1988) 453, doi:10.1002/sia.740110902.
    """
    e, n = np.asarray(energy, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    low, high = ends_of(n, ends)
    loss = e - e[0]
    kernel = loss / (c + loss**2) ** 2
    lost = np.convolve(n - low, kernel)[: n.size] * (loss[-1] / (n.size - 1))
    _, top = ends_of(lost, ends)
    if top <= 0:
        raise InputError(
            "no peak rises above the ends of the window, so there is no Tougaard background; give "
            "another window or a linear background"
        )
    return np.asarray(low + (high - low) * lost / top)
