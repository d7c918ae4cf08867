"""What a pressed powder conducts: the microstructure solved as a field of voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.numerics.voxel import effective_conductivities
from dualyte.pellet.master import MasterCurve, master_curve
from dualyte.vocabulary import Floats

FLOOR: Final = 1e-6  #: σ/σ₀ left to the void where the phase field weighs the conductivity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConductivityBracket:
    """Conductivity over that of the dense solid, with the boundary of grains read two ways.

    A phase field has a boundary some cells wide. `smooth` lets it conduct by its share of
    solid, which bridges necks that are narrower than it; `sharp` cuts it at φ = ½ and lets
    nothing flow in the void. They differ by what the grid leaves open.
    """

    axes: tuple[int, ...]
    smooth_along: Floats = field(repr=False)  #: (m,) σ/σ₀ along each axis, φ-weighted
    sharp_along: Floats = field(repr=False)  #: (m,) σ/σ₀ along each axis, cut at φ = ½
    relative_density: float  #: mean φ
    sharp_density: float  #: share of cells above φ = ½

    @property
    def smooth(self) -> float:
        """σ/σ₀, φ-weighted, mean over the axes."""
        return float(self.smooth_along.mean())

    @property
    def sharp(self) -> float:
        """σ/σ₀, cut at φ = ½, mean over the axes."""
        return float(self.sharp_along.mean())

    @property
    def low(self) -> float:
        """Lower end of the bracket: `sharp` at low density, `smooth` near full density."""
        return min(self.smooth, self.sharp)

    @property
    def high(self) -> float:
        """Upper end of the bracket."""
        return max(self.smooth, self.sharp)

    def __str__(self) -> str:
        return (
            f"σ/σ₀ {self.low:.3f} … {self.high:.3f} at relative density "
            f"{self.relative_density:.3f}\n"
            f"  φ-weighted {self.smooth:.3f}, cut at φ = ½ {self.sharp:.3f} "
            f"(relative density {self.sharp_density:.3f} when cut)"
        )


def conductivity_bracket(
    phase: npt.ArrayLike,
    spacing: Sequence[float] | Floats | None = None,
    *,
    axes: Sequence[int] | None = None,
    rtol: float = 1e-6,
) -> ConductivityBracket:
    """Effective conductivity of a phase field, as a bracket of two conventions.

    Parameters
    ----------
    phase : (nx, ny) or (nx, ny, nz)
        Phase field φ [1]: 1 in the solid, 0 in the void; periodic.
    spacing : (d,), optional
        Sides of a cell [m]; cubes unless told. Only their ratios matter.
    axes
        Directions of the current; all along which there is more than one cell unless told.
    rtol
        Relative error of each value.

    Returns
    -------
    ConductivityBracket
        σ/σ₀ [1] along each axis and in the mean.

    Raises
    ------
    InputError
        If the phase field lies outside 0 … 1, or is no grid.
    ConvergenceError
        If a solve stops short; the partial answer is in `.solution`.

    Notes
    -----
    φ-weighted: σ/σ₀ = max(φ²(3 − 2φ), 10⁻⁶). Cut: 1 where φ > ½, else 0. Grains conduct as
    one: their boundaries add no resistance. See `dualyte.numerics.voxel`.
    """
    phi = np.asarray(phase, dtype=np.float64)
    if phi.ndim not in (2, 3) or phi.size == 0:
        raise InputError(f"the phase field has shape {phi.shape}; give (nx, ny) or (nx, ny, nz)")
    low, high = float(phi.min()), float(phi.max())
    if not (low >= 0 and high <= 1):  # NaN fails too
        raise InputError(
            f"the phase field reaches from {low:g} to {high:g}; give the share of solid, 0 … 1"
        )
    if axes is None:
        axes = [a for a, n in enumerate(phi.shape) if n > 1] or list(range(phi.ndim))
    weighted, cut = np.maximum(phi**2 * (3 - 2 * phi), FLOOR), np.where(phi > 0.5, 1.0, 0.0)
    smooth, sharp = (
        np.array(
            [
                found.ensure().value
                for found in effective_conductivities(field, spacing, axes=axes, rtol=rtol)
            ]
        )
        for field in (weighted, cut)
    )
    for values in (smooth, sharp):
        values.setflags(write=False)
    return ConductivityBracket(
        axes=tuple(int(a) % phi.ndim for a in axes),
        smooth_along=smooth,
        sharp_along=sharp,
        relative_density=float(phi.mean()),
        sharp_density=float(cut.mean()),
    )


def over_dense(density: npt.ArrayLike, curve: MasterCurve | None = None) -> Floats:
    """Conductivity of a pellet over that of the dense solid: middle of the bracket.

    Curves that were refined give the bracket for vanishing cells, others that of their grid,
    whose cells bridge gaps between grains.

    Parameters
    ----------
    density : (...)
        Relative density [1]; below that of the packing it counts as that.
    curve
        Solved microstructures; the shipped ones by default.

    Examples
    --------
    >>> bool(0.9 < over_dense(0.96) < 0.97)
    True
    """
    low, high = over_dense_bracket(density, curve)
    return np.asarray((low + high) / 2)


def over_dense_bracket(
    density: npt.ArrayLike, curve: MasterCurve | None = None
) -> tuple[Floats, Floats]:
    """Lower and upper end of the bracket at relative densities (...), each (...)."""
    curve = curve or master_curve()
    if not curve.solved.size:
        raise InputError("this master curve has no conductivities; run mesoscale with conduct=True")
    D = np.append(curve.solved, 1.0)
    x = np.asarray(density, dtype=np.float64)
    fine = curve.smooth_limit.size > 0
    pair = (curve.smooth_limit, curve.sharp_limit) if fine else (curve.smooth, curve.sharp)
    ends = [np.interp(x, D, np.append(y, 1.0)) for y in pair]
    return np.minimum(*ends), np.maximum(*ends)
