"""Master curves: the load P̂(D) at unit rate of a packing, saved as readable text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.material import DATA
from dualyte.vocabulary import Floats

SHIPPED: Final = DATA / "master"
_NONE: Final = np.zeros(0)
_ARRAYS: Final = (
    "density", "pressure", "lateral", "surface", "residual", "spread", "solved", "smooth",
    "sharp", "smooth_limit", "sharp_limit",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MasterCurve:
    """Load at unit rate of volume against relative density, in units of the flow stress.

    Computed by `mesoscale`, or the mean of several runs (`average_curves`).
    """

    exponent: float  #: n of the power law
    mode: str  #: isostatic or die
    dim: int
    grid: tuple[int, ...]  #: cells along the box, of each run
    seeds: tuple[int, ...]  #: of the packings
    grains: int
    start: float  #: relative density of the packing
    density: Floats  #: (k,) ascending
    pressure: Floats  #: (k,) P̂: mean normal load over the flow stress at unit rate; axial in a die
    lateral: Floats  #: (k,) pressure across over along the die; 1 if isostatic
    surface: Floats  #: (k,) surface of the voids per volume of solid × mean grain radius
    residual: Floats  #: (k,) of the flows
    mass_error: float  #: of the phase at the end, relative
    spread: Floats = field(default_factory=lambda: _NONE)  #: (k,) deviation of ln P̂ of the runs
    solved: Floats = field(default_factory=lambda: _NONE)  #: (m,) densities with a conductivity
    smooth: Floats = field(default_factory=lambda: _NONE)  #: (m,) over dense, weighted by phase
    sharp: Floats = field(default_factory=lambda: _NONE)  #: (m,) over dense, more than half full
    smooth_limit: Floats = field(default_factory=lambda: _NONE)  #: (m,) for vanishing cells
    sharp_limit: Floats = field(default_factory=lambda: _NONE)  #: (m,) for vanishing cells

    def __str__(self) -> str:
        ends = f"D = {self.density[0]:.3f} … {self.density[-1]:.3f}"
        grids = ", ".join(f"{n}{'²' if self.dim == 2 else '³'}" for n in sorted(set(self.grid)))
        return (
            f"master curve n = {self.exponent:g}, {self.mode}, {grids}, {self.grains} grains, "
            f"{len(self.seeds)} packing{'s' if len(self.seeds) > 1 else ''}, {ends}"
        )

    def at(self, density: Any) -> Floats:  # noqa: ANN401 (array-like)
        """P̂ at relative densities inside the table, by its logarithm."""
        d = np.asarray(density, dtype=np.float64)
        if ((d < self.density[0]) | (d > self.density[-1])).any():
            raise InputError(
                f"density {d} is outside the master curve, {self.density[0]:.3f} … "
                f"{self.density[-1]:.3f}"
            )
        return np.exp(np.interp(d, self.density, np.log(self.pressure)))

    def save(self, path: Path) -> Path:
        """Write as TOML."""
        rows = ["# A master curve, computed by dualyte.mesoscale.", f"exponent = {self.exponent!r}"]
        rows += [f'mode = "{self.mode}"', f"dim = {self.dim}", f"grid = {list(self.grid)}"]
        rows += [
            f"seeds = {list(self.seeds)}",
            f"grains = {self.grains}",
            f"start = {self.start!r}",
        ]
        rows += [f"mass_error = {self.mass_error:.2g}"]
        for name in _ARRAYS:
            digits = 2 if name in ("residual", "spread") else 6
            numbers = [f"{x:.{digits}g}" for x in getattr(self, name)]
            lines = [", ".join(numbers[k : k + 10]) for k in range(0, len(numbers), 10)]
            rows += [f"{name} = [", *(f"  {line}," for line in lines), "]"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path


def load_curve(path: Path) -> MasterCurve:
    """Read what `MasterCurve.save` wrote."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        arrays: dict[str, Any] = {x: np.array(table.pop(x), dtype=np.float64) for x in _ARRAYS}
        grid, seeds = tuple(table.pop("grid")), tuple(table.pop("seeds"))
        return MasterCurve(grid=grid, seeds=seeds, **arrays, **table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no master curve: {error}") from error


@cache
def master_curve(exponent: float = 7.0, mode: str = "isostatic", dim: int = 3) -> MasterCurve:
    """Return a shipped master curve (kind `computed`).

    >>> print(master_curve())
    master curve n = 7, isostatic, ...
    """
    path = SHIPPED / f"{mode}-{dim}d-n{exponent:g}.toml"
    if not path.is_file():
        have = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise InputError(
            f"no master curve is shipped for n = {exponent:g}, {mode}, {dim}-D (shipped: {have}); "
            "mesoscale() computes one"
        )
    return load_curve(path)


def average_curves(curves: Sequence[MasterCurve]) -> MasterCurve:
    """Mean of runs of one kind with different packings, on the densities that all of them pass."""
    first = curves[0]
    for other in curves[1:]:
        if (other.exponent, other.mode, other.dim) != (first.exponent, first.mode, first.dim):
            raise InputError(f"curves of different kinds cannot be averaged: {first}; {other}")
    low, high = max(c.density[0] for c in curves), min(c.density[-1] for c in curves)
    d = np.linspace(low, high, len(first.density))
    logs = np.array([np.log(np.interp(d, c.density, c.pressure)) for c in curves])
    solved = np.linspace(low, high, max(len(first.solved), 1))

    def mean(name: str) -> Floats:
        rows = [np.interp(d, c.density, getattr(c, name)) for c in curves]
        return np.asarray(np.mean(rows, axis=0))

    def conducted(name: str) -> Floats:
        if any(c.solved.size == 0 for c in curves):
            return _NONE
        rows = [np.interp(solved, c.solved, getattr(c, name)) for c in curves]
        return np.asarray(np.mean(rows, axis=0))

    return MasterCurve(
        exponent=first.exponent,
        mode=first.mode,
        dim=first.dim,
        grid=tuple(n for c in curves for n in c.grid),
        seeds=tuple(s for c in curves for s in c.seeds),
        grains=first.grains,
        start=float(np.mean([c.start for c in curves])),
        density=d,
        pressure=np.exp(logs.mean(axis=0)),
        lateral=mean("lateral"),
        surface=mean("surface"),
        residual=np.max([np.interp(d, c.density, c.residual) for c in curves], axis=0),
        mass_error=max((c.mass_error for c in curves), key=abs),
        spread=logs.std(axis=0, ddof=1) if len(curves) > 1 else _NONE,
        solved=solved if conducted("smooth").size else _NONE,
        smooth=conducted("smooth"),
        sharp=conducted("sharp"),
    )
