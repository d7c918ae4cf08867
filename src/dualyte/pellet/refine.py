r"""What is left of the grid in a master curve: the same packings on finer and finer grids.

Boundaries are smeared over cells, so that errors start with the first power of the cell. Three
grids give the limit for vanishing cells through linear and quadratic terms, and the step from the
linear limit of the finest two is its error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.pellet.master import SHIPPED, MasterCurve, average_curves
from dualyte.vocabulary import Floats

DENSITIES: Final = (0.66, 0.70, 0.75, 0.80, 0.85, 0.90, 0.93)
SHOWN: Final = (0.80, 0.90)
_NAMES: Final = ("pressure", "smooth", "sharp")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refinement:
    """P̂ and conductivities of the same packings on several grids, and their limits."""

    grids: tuple[int, ...]  #: (g,) ascending
    seeds: tuple[int, ...]
    density: Floats  #: (m,)
    pressure: Floats  #: (g, m) P̂, mean over the packings
    smooth: Floats  #: (g, m) σ/σ₀ weighted by phase
    sharp: Floats  #: (g, m) σ/σ₀ cut at one half
    spread: Floats = field(repr=False)  #: (g, m) deviation of ln P̂ between packings

    def limit(self, name: str) -> tuple[Floats, Floats]:
        """Limit (m,) for vanishing cells of `pressure`, `smooth` or `sharp`, and its error."""
        return limit(getattr(self, name), self.grids)

    def rows(self) -> list[dict[str, Any]]:
        """Return plain numbers: each quantity at each density."""
        found = []
        for name in _NAMES:
            values, (ends, errors) = getattr(self, name), self.limit(name)
            for k, D in enumerate(self.density):
                found.append(
                    {
                        "quantity": name,
                        "relative_density": float(D),
                        "grids": dict(
                            zip(map(str, self.grids), map(float, values[:, k]), strict=True)
                        ),
                        "limit": float(ends[k]),
                        "error": float(errors[k]),
                        "finest_over_limit": float(values[-1, k] / ends[k]),
                        "spread_of_packings": float(self.spread[-1, k])
                        if name == "pressure"
                        else None,
                    }
                )
        return found

    def __str__(self) -> str:
        head = "  ".join(f"{n}³" for n in self.grids)
        lines = [f"grids {head} of {len(self.seeds)} packings, and the limit for vanishing cells"]
        ends, errors = self.limit("pressure")
        for k, D in enumerate(self.density):
            if any(abs(D - x) < 1e-9 for x in SHOWN):
                told = "  ".join(f"{x:.3f}" for x in self.pressure[:, k])
                lines.append(
                    f"  P̂({D:.2f})  {told}  limit {ends[k]:.3f} ± {errors[k]:.3f}, packings differ "
                    f"by {100 * self.spread[-1, k]:.1f} %"
                )
        return "\n".join(lines)

    def save(self, path: Path) -> Path:
        """Write as TOML."""
        rows = ["# Master curves on several grids, computed by dualyte calibrate curves."]
        rows += [f"grids = {list(self.grids)}", f"seeds = {list(self.seeds)}"]
        rows += [f"density = {[float(x) for x in self.density]}"]
        for name in (*_NAMES, "spread"):
            digits = 2 if name == "spread" else 5
            lines = [
                f"  [{', '.join(f'{x:.{digits}g}' for x in row)}]," for row in getattr(self, name)
            ]
            rows += [f"{name} = [", *lines, "]"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path


def limit(values: npt.ArrayLike, grids: Sequence[int]) -> tuple[Floats, Floats]:
    """Limit for vanishing cells, and its error.

    Parameters
    ----------
    values : (g, ...)
        On each grid.
    grids : (g,)
        Cells along the box, two or more; the finest three are used.

    Returns
    -------
    (...), (...)
        The polynomial in the size of a cell that passes through all, at zero; and how far that
        is from the one through the finest grids less one.

    Examples
    --------
    >>> found, error = limit([1 + 3 / 32, 1 + 3 / 48, 1 + 3 / 64], [32, 48, 64])
    >>> round(float(found), 12), round(float(error), 12)
    (1.0, 0.0)
    """
    y = np.asarray(values, dtype=np.float64)
    order = np.argsort(grids)[-3:]
    if len(set(grids)) != len(y) or len(order) < 2:
        raise InputError(f"a limit needs two or more different grids, one per value; got {grids}")
    h = 1 / np.asarray(grids, dtype=np.float64)[order]
    end = _at_zero(h, y[order])
    return end, np.abs(end - _at_zero(h[1:], y[order[1:]]))


def _at_zero(h: Floats, y: Floats) -> Floats:
    """Value at zero of the polynomial through points."""
    weights = [np.prod([-other / (x - other) for other in h if other != x]) for x in h]
    return np.asarray(np.tensordot(np.array(weights), y, axes=1))


def refine(
    curves: Mapping[int, Sequence[MasterCurve]], density: Sequence[float] = DENSITIES
) -> Refinement:
    """Gather curves of the same packings by their grid.

    Parameters
    ----------
    curves
        Grid: curves of the packings, the same for each grid.
    density : (m,)
        At which to compare.
    """
    grids = sorted(curves)
    means = {n: average_curves(curves[n]) for n in grids}
    D = np.asarray(density, dtype=np.float64)
    if any(m.seeds != means[grids[0]].seeds for m in means.values()):
        raise InputError("grids are compared on the same packings; their seeds differ")
    return Refinement(
        grids=tuple(grids),
        seeds=means[grids[0]].seeds,
        density=D,
        pressure=np.array([means[n].at(D) for n in grids]),
        smooth=np.array([np.interp(D, means[n].solved, means[n].smooth) for n in grids]),
        sharp=np.array([np.interp(D, means[n].solved, means[n].sharp) for n in grids]),
        spread=np.array([np.interp(D, means[n].density, means[n].spread) for n in grids]),
    )


def with_limits(curves: Mapping[int, Sequence[MasterCurve]]) -> MasterCurve:
    """Mean curve of the finest grid, with the limits of its conductivities."""
    means = {n: average_curves(curves[n]) for n in sorted(curves)}
    finest = means[max(means)]

    def ends(name: str) -> Floats:
        rows = [np.interp(finest.solved, m.solved, getattr(m, name)) for m in means.values()]
        return np.minimum(limit(rows, list(means))[0], 1.0)

    return replace(finest, smooth_limit=ends("smooth"), sharp_limit=ends("sharp"))


def shipped_refinement() -> Refinement:
    """Return grids and limits of the shipped curve of n = 7 (kind `computed`).

    >>> shipped_refinement().grids
    (32, 48, 64)
    """
    path = SHIPPED / "grids" / "isostatic-3d-n7.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    arrays: dict[str, Any] = {
        name: np.array(table[name], dtype=np.float64) for name in ("density", *_NAMES, "spread")
    }
    return Refinement(grids=tuple(table["grids"]), seeds=tuple(table["seeds"]), **arrays)
