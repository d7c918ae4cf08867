"""A measured surface made ready to press: levelled, cut, resampled, made to repeat."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.surface.topography import Surface
from dualyte.vocabulary import Floats, checked, show

_BLEND: Final = 0.1  # share of the side over which a tukey window takes a crop to its mean


def detrend(surface: Surface, what: Literal["mean", "tilt", "curvature"] = "tilt") -> Surface:
    """Remove what the sample's mounting or form adds to its roughness.

    Parameters
    ----------
    surface
        Heights (nx, ny) [m].
    what
        `"mean"` (always done), `"tilt"`: the least-squares plane, or `"curvature"`: the
        least-squares polynomial of second order.

    Returns
    -------
    Surface
        No longer periodic where a plane or polynomial was removed; `changes` says what.

    Examples
    --------
    >>> x, y = np.mgrid[0:8, 0:8] * 1e-6
    >>> plane = Surface(heights=0.1 * x - 0.2 * y, size=(8e-6, 8e-6), name="plane")
    >>> print(*detrend(plane).changes)
    removed the least-squares plane (slope 0.1 along x, -0.2 along y; 100 % of the variance)
    """
    if what not in ("mean", "tilt", "curvature"):
        raise InputError(f"what={what!r} cannot be removed; it is mean, tilt or curvature")
    if what == "mean":
        return surface  # heights always have zero mean
    trend, slopes = fitted_trend(surface.heights, surface.pixel, 1 if what == "tilt" else 2)
    variance = float(surface.heights.var())
    share = float(trend.var()) / variance if variance > 0 else 0.0
    form = "plane" if what == "tilt" else "second-order polynomial"
    said = (
        f"removed the least-squares {form} (slope {slopes[0]:.3g} along x, "
        f"{slopes[1]:.3g} along y; {100 * share:.3g} % of the variance)"
    )
    return replace(
        surface,
        heights=surface.heights - trend,
        periodic=False,
        changes=(*surface.changes, said),
    )


def fitted_trend(
    heights: Floats,
    pixel: tuple[float, float],
    order: int,
    known: npt.NDArray[np.bool_] | None = None,
) -> tuple[Floats, tuple[float, float]]:
    """Least-squares plane (`order` 1) or second-order polynomial, and its slope mid-field.

    Parameters
    ----------
    heights : (nx, ny)
        [m]; only where `known` is true.
    pixel
        [m].
    order
        1 or 2.
    known : (nx, ny)
        Points to fit to; all of them if not given.

    Returns
    -------
    trend : (nx, ny)
        [m].
    slopes
        Along x and y at the centre of the field.
    """
    nx, ny = heights.shape
    x = np.broadcast_to(np.linspace(-1, 1, nx)[:, None], heights.shape)
    y = np.broadcast_to(np.linspace(-1, 1, ny)[None, :], heights.shape)
    terms = [np.ones_like(heights), x, y]
    if order == 2:
        terms += [x * x, x * y, y * y]
    basis = np.stack([term.ravel() for term in terms], axis=1)
    here = slice(None) if known is None else known.ravel()
    weights = np.linalg.lstsq(basis[here], heights.ravel()[here], rcond=None)[0]
    per_x, per_y = 2 / ((nx - 1) * pixel[0]), 2 / ((ny - 1) * pixel[1])
    slopes = float(weights[1] * per_x), float(weights[2] * per_y)
    return (basis @ weights).reshape(heights.shape), slopes


def periodic_cell(
    surface: Surface,
    *,
    n: int = 256,
    size: float | None = None,
    window: Literal["tukey", "mirror", "none"] = "tukey",
) -> Surface:
    """Cut a square out of a surface and make it repeat, as a contact solver needs.

    Parameters
    ----------
    surface
        Heights (nx, ny) [m].
    n
        Points a side of the result.
    size
        Side of the centred square cut out [m]; the largest that fits if not given.
    window
        How its edges are joined. `"tukey"`: the outer tenth on each side goes smoothly to
        the mean height, and all heights are scaled to keep the Sq of the cut. `"mirror"`:
        three reflected copies are added, so the side doubles and Sq stays. `"none"`: the
        cut is taken to repeat as it is, steps included.

    Returns
    -------
    Surface
        (n, n), periodic; `changes` says each step and what it did to Sq.

    Raises
    ------
    InputError
        If the square does not fit, or `n` is odd or below 8 for a mirrored cell.

    Notes
    -----
    Coarser pixels are exact area averages of the finer ones, finer pixels a cubic spline.
    A repeating surface has no tilt, so "tukey" and "mirror" remove the plane of the cut.
    """
    if window not in ("tukey", "mirror", "none"):
        raise InputError(f"window={window!r} is not known; it is tukey, mirror or none")
    if n < 8 or (window == "mirror" and n % 2):
        raise InputError(f"n={n} does not do; give at least 8 points, an even number to mirror")
    side = min(surface.size) if size is None else float(checked("length", size))
    if side > min(surface.size) * (1 + 1e-9):
        raise InputError(
            f"size={show('length', side)} does not fit into {surface.name}, "
            f"whose shorter side is {show('length', min(surface.size))}"
        )
    whole = np.allclose(surface.size, side, rtol=1e-9)
    if whole and surface.periodic:
        return _resampled(surface, side, n)
    if window == "mirror":
        return _mirrored(_levelled(_resampled(surface, side, n // 2)))
    cut = _resampled(surface, side, n)
    return _declared(cut) if window == "none" else _blended(_levelled(cut))


def _resampled(surface: Surface, side: float, n: int) -> Surface:
    """Take the centred square of a side on n × n points."""
    z, whole = surface.heights, np.allclose(surface.size, side, rtol=1e-9)
    if whole and z.shape == (n, n):
        return surface
    for axis in (0, 1):
        start = (surface.size[axis] - side) / 2 / surface.pixel[axis]
        edges = start + np.linspace(0, side / surface.pixel[axis], n + 1)
        z = _on_pixels(z, edges, axis, wrap=surface.periodic)
    cut = "" if whole else f"cut the centred square of {show('length', side)}, "
    said = (
        f"{cut}resampled to {n} × {n} points of {show('length', side / n)} "
        f"(Sq {_sq(surface.heights)} before, {_sq(z)} after)"
    )
    return replace(
        surface,
        heights=z,
        size=(side, side),
        periodic=surface.periodic and bool(whole),
        changes=(*surface.changes, said),
    )


def _on_pixels(z: Floats, edges: Floats, axis: int, *, wrap: bool) -> Floats:
    """Heights on pixels bounded by `edges`, given in old pixels along an axis."""
    from scipy.interpolate import make_interp_spline

    z = np.moveaxis(z, axis, 0)
    m, width = len(z), edges[1] - edges[0]
    if width >= 1 - 1e-9:  # coarser: average, which neither aliases nor rings
        edges = np.clip(edges, 0, m)
        whole = np.minimum(edges.astype(np.intp), m - 1)
        sums = np.concatenate([np.zeros_like(z[:1]), np.cumsum(z, axis=0)])
        upto = sums[whole] + (edges - whole)[:, None] * z[whole]
        return np.moveaxis(np.diff(upto, axis=0) / width, 0, axis)
    pad = min(8, m) if wrap else 0
    known = np.pad(z, [(pad, pad), (0, 0)], mode="wrap") if wrap else z
    centres = (edges[:-1] + edges[1:]) / 2 - 0.5
    centres = centres if wrap else np.clip(centres, 0, m - 1)
    spline = make_interp_spline(np.arange(-pad, m + pad), known, k=3)
    return np.moveaxis(np.asarray(spline(centres), dtype=np.float64), 0, axis)


def _levelled(cut: Surface) -> Surface:
    """Without the plane of the cut, unless there is none to speak of."""
    trend, _ = fitted_trend(cut.heights, cut.pixel, 1)
    return detrend(cut) if trend.var() > 1e-12 * cut.heights.var() else cut


def _blended(cut: Surface) -> Surface:
    n, before = len(cut.heights), float(cut.heights.std())
    depth = np.minimum(np.arange(n) + 0.5, n - 0.5 - np.arange(n)) / n
    taper = 0.5 - 0.5 * np.cos(np.pi * np.minimum(depth / _BLEND, 1.0))
    z = cut.heights * np.outer(taper, taper)
    z = z - z.mean()
    scale = before / float(z.std()) if before > 0 else 1.0
    said = (
        f"blended the outer {_BLEND:.0%} of each side to the mean height so that it repeats, "
        f"and scaled heights by {scale:.4g} to keep Sq at {_sq(cut.heights)}"
    )
    return replace(cut, heights=z * scale, periodic=True, changes=(*cut.changes, said))


def _mirrored(cut: Surface) -> Surface:
    z = np.concatenate([cut.heights, cut.heights[::-1]], axis=0)
    z = np.concatenate([z, z[:, ::-1]], axis=1)
    side = 2 * cut.size[0]
    said = f"mirrored to a cell of {show('length', side)} that repeats (Sq {_sq(z)} kept)"
    return replace(cut, heights=z, size=(side, side), periodic=True, changes=(*cut.changes, said))


def _declared(cut: Surface) -> Surface:
    if cut.periodic:
        return cut
    z = cut.heights
    step = np.sqrt(((z[0] - z[-1]) ** 2).mean() / 2 + ((z[:, 0] - z[:, -1]) ** 2).mean() / 2)
    said = f"taken to repeat as it is, with steps of {_sq(step)} (rms) at its edges"
    return replace(cut, periodic=True, changes=(*cut.changes, said))


def _sq(heights: npt.ArrayLike) -> str:
    """Sq of heights (or a step height) for a sentence."""
    z = np.asarray(heights)
    return show("roughness", float(z.std() if z.ndim else z))
