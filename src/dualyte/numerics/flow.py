r"""Viscous power-law flow of a medium with voids on a periodic staggered grid.

The medium resists shear with the stress potential :math:`h(\phi)\,\dot e^{1+1/n}/(1+1/n)` of the
equivalent strain rate (stress and rate in units of the reference ones) and keeps its volume where
the phase field exceeds 0.97. Voids keep a small viscosity. A mean rate is prescribed; what comes
back is the mean stress. Normal rates and stresses live in cells, shear on edges, velocities on
faces. Two dimensions are three with an axis of one cell.

The solver is a relaxation with momentum: each velocity moves against its force, scaled by the sum
of the coefficients that act on it, and the momentum follows the softest mode met on the way
(Papadrakakis 1981, doi:10.1016/0045-7825(81)90066-9). Incompressibility is kept by multipliers
that are moved now and then (augmented Lagrangian).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import ConvergenceError
from dualyte.numerics.flow_kernels import (
    add_viscosity,
    advance,
    force,
    scales,
    shear_rates,
    stresses,
)

Floats = npt.NDArray[np.float64]
Field = npt.NDArray[Any]  # float32 or float64
INSIDE: Final = (Ellipsis, slice(1, -1))  # arrays repeat one cell at either end of the last axis
_FULL = 0.97  # of the phase field: here volume is kept
_STIFF = 20.0  # bulk over reference shear viscosity, times φ¹⁶
_EVERY = 5  # relaxation steps between updates of the viscosity
_REACH = 1.5  # cells per axis × this: steps between updates of the multipliers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowSolution:
    """Mean stress and flow of one geometry."""

    stress: Floats  #: (3,) mean normal stresses over the reference stress
    velocity: Field  #: (3, nx, ny, nz) fluctuation on lower faces, box length × reference rate
    outcome: Literal["converged", "too many steps"]
    steps: int
    residual: float  #: root-mean-square force over stress per cell
    divergence: float  #: root-mean-square rate of volume where it is kept, over the mean rate

    @property
    def pressure(self) -> float:
        """Mean normal pressure over the axes."""
        return -float(self.stress.mean())

    def ensure(self) -> FlowSolution:
        """Return itself, or raise if it did not converge."""
        if self.outcome != "converged":
            raise ConvergenceError(
                f"the flow stopped after {self.steps} steps with residual {self.residual:.1e} "
                f"and divergence {self.divergence:.1e}; allow more steps or a looser rtol",
                self,
            )
        return self


class Flow:
    """Working arrays of a grid, kept from one geometry to the next so that solves start warm.

    Parameters
    ----------
    shape
        Cells along each axis; one cell makes it two-dimensional.
    exponent
        n of the power law; 1 is linear.
    dtype
        Of the fields; float32 is twice as fast and good to residuals of 1e-5.
    floor, smallest
        Viscosity of voids over the reference, and strain rate over the mean below which
        the viscosity stops growing.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        exponent: float,
        *,
        dtype: npt.DTypeLike = np.float32,
        floor: float = 1e-3,
        smallest: float = 1e-2,
    ) -> None:
        self.shape, self.exponent = shape, float(exponent)
        self.dtype = np.dtype(dtype)
        self._floor, self._smallest = floor, smallest
        nx, ny, nz = shape
        padded = (nx, ny, nz + 2)

        def zeros(k: int) -> Field:
            return np.zeros((k, *padded), self.dtype)

        self.velocity, self._step, self._edge = zeros(3), zeros(3), zeros(3)
        self._scale, self._force, self._before = zeros(3), zeros(3), zeros(3)
        self._stress = zeros(6)
        self._eta, self._zeta, self._soft, self._stiff, self.multiplier, self._source = zeros(6)
        self._kept = np.zeros(shape, np.bool_)

    def _number(self, x: float) -> Any:  # noqa: ANN401 (a scalar of the fields' type)
        return np.asarray(x, self.dtype)[()]

    def place(
        self,
        phase: npt.ArrayLike,
        spacing: npt.ArrayLike,
        rate: npt.ArrayLike,
        source: npt.ArrayLike = 0.0,
    ) -> None:
        """Set the geometry: phase (nx, ny, nz), cell sides (3,), mean normal rates (3,).

        `source` is the rate of volume to be met where volume is kept.
        """
        f = np.clip(np.asarray(phase, dtype=np.float64), 0.0, 1.0)
        self._rate = np.asarray(rate, dtype=self.dtype)
        self._inverse = (1 / np.asarray(spacing, dtype=np.float64)).astype(self.dtype)
        self.mean_rate = float(np.sqrt(2 / 3 * (np.asarray(rate, dtype=np.float64) ** 2).sum()))
        reference = self.mean_rate ** (1 / self.exponent - 1) / 3
        self._power = self._number(0.5 * (1 / self.exponent - 1))
        self._least = self._number((self._smallest * self.mean_rate) ** 2)
        self._void = self._number(self._floor * reference)
        self._soft[INSIDE] = f * f * (3 - 2 * f)
        self._zeta[INSIDE] = _STIFF * reference * f**16 + self._void
        self._kept = f > _FULL
        self._source[INSIDE] = source
        self.multiplier[INSIDE] *= self._kept
        for field in (self._soft, self._zeta, self._source, self.multiplier):
            wrap(field)

    def operator(self, velocity: Field) -> Field:
        """Force (3, nx, ny, nz) on a fluctuation: the linear part, at the present viscosities.

        `update_viscosity` sets these from the present flow.
        """
        moved, still = np.zeros_like(self.velocity), np.zeros_like(self._zeta)
        moved[INSIDE] = velocity
        wrap(moved)
        none = np.zeros(3, self.dtype)
        stresses(
            moved, none, self._inverse, self._eta, self._edge, self._zeta, still, still,
            self._stress,
        )  # fmt: skip
        force(self._stress, self._inverse, self._force)
        return self._force[INSIDE].copy()

    def update_viscosity(self) -> None:
        """Viscosities, and the scale of each velocity, from the present flow."""
        shear_rates(self.velocity, self._inverse, self._stress[:3])
        add_viscosity(
            self.velocity, self._rate, self._inverse, self._stress[:3], self._soft,
            self._power, self._least, self._void, self._eta,
        )  # fmt: skip
        scales(self._eta, self._zeta, self._inverse, self._edge, self._scale)

    def _update_stress(self) -> None:
        stresses(
            self.velocity, self._rate, self._inverse, self._eta, self._edge, self._zeta,
            self.multiplier, self._source, self._stress,
        )  # fmt: skip

    def volume_rate(self) -> Field:
        """(nx, ny, nz) rate of volume, less the source."""
        u, v, w = self.velocity
        change = (np.roll(u, -1, 0) - u) * self._inverse[0]
        change += (np.roll(v, -1, 1) - v) * self._inverse[1]
        inside = change[INSIDE] + (w[..., 2:] - w[..., 1:-1]) * self._inverse[2]
        return np.asarray(inside + self._rate.sum() - self._source[INSIDE])

    def solve(self, *, rtol: float = 3e-4, max_steps: int = 20000) -> FlowSolution:
        """Relax from the present flow until residual and divergence fall below `rtol`."""
        every = max(int(_REACH * max(self.shape)), 30)
        softest = (0.5 / max(self.shape)) ** 2
        self._step[:] = 0
        last: Floats = np.full(3, np.inf)
        converged, step = False, 0
        residual = divergence = np.inf
        while True:
            if step % _EVERY == 0:
                self.update_viscosity()
            self._update_stress()
            if step % every == 0:
                stress = self._mean_stress()
                residual, divergence = self._misfit()
                size = float(np.abs(stress).max())
                settled = float(np.abs(stress - last).max()) < rtol * size
                converged = step > 0 and settled and residual < rtol and divergence < rtol
                if converged or step >= max_steps:
                    break
                last = stress
                if step:
                    self._move_multipliers()
                    self._update_stress()
            softest = self._relax(softest, watch=step % 20 == 10)
            step += 1
        return FlowSolution(
            stress=stress,
            velocity=self.velocity[INSIDE].copy(),
            outcome="converged" if converged else "too many steps",
            steps=step,
            residual=residual,
            divergence=divergence,
        )

    def _relax(self, softest: float, *, watch: bool) -> float:
        """One step; with `watch`, also estimate the softest mode from how the force changes."""
        if watch:
            force(self._stress, self._inverse, self._before)
        root = np.sqrt(softest)
        pull = self._number((2 / (1 + root)) ** 2)
        keep = self._number(((1 - root) / (1 + root)) ** 2)
        advance(self._stress, self._inverse, self._scale, self.velocity, self._step, pull, keep)
        if not watch:
            return softest
        self._update_stress()
        force(self._stress, self._inverse, self._force)
        moved = self._step[INSIDE].astype(np.float64)
        change = self._before[INSIDE] - self._force[INSIDE]
        work = float((moved * change).sum())
        size = float((moved * moved / self._scale[INSIDE]).sum())
        return float(np.clip(work / size, 1e-7, 0.3)) if work > 0 and size > 0 else softest

    def _mean_stress(self) -> Floats:
        return np.array([self._stress[k][INSIDE].mean(dtype=np.float64) for k in range(3)])

    def _misfit(self) -> tuple[float, float]:
        """Residual and divergence, relative."""
        force(self._stress, self._inverse, self._force)
        squares = [float(np.square(a[INSIDE], dtype=np.float64).mean()) for a in self._stress[:3]]
        forces = [float(np.square(a[INSIDE], dtype=np.float64).mean()) for a in self._force]
        size = np.sqrt(sum(squares)) * float(self._inverse.max())
        kept = self.volume_rate()[self._kept]
        square = float(np.square(kept, dtype=np.float64).mean()) if kept.size else 0.0
        return float(np.sqrt(sum(forces)) / size), float(np.sqrt(square)) / self.mean_rate

    def _move_multipliers(self) -> None:
        """Augmented Lagrangian: the pressure takes over what the bulk viscosity carries."""
        self.multiplier[INSIDE] -= self._kept * self._zeta[INSIDE] * self.volume_rate()
        wrap(self.multiplier)


def wrap(field: Field) -> None:
    """Repeat the cells at either end of the last axis, in place."""
    field[..., 0] = field[..., -2]
    field[..., -1] = field[..., 1]


def green(
    shape: tuple[int, int, int], spacing: npt.ArrayLike, shear: float, bulk: float
) -> tuple[tuple[Field, ...], tuple[Field, ...], Floats, Floats]:
    """Inverse of the operator of a uniform medium, in Fourier space.

    Returns forward and backward differences along each axis and the two factors a, b with
    K⁻¹ f = a f − b ∇(∇·f), as `apply_green` takes them. The mean is dropped.
    """
    h = np.asarray(spacing, dtype=np.float64)
    turn = [np.exp(2j * np.pi * np.fft.fftfreq(n)) for n in shape[:2]]
    turn.append(np.exp(2j * np.pi * np.fft.rfftfreq(shape[2])))
    sides = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))
    waves = [x.reshape(side) for x, side in zip(turn, sides, strict=True)]
    forward = tuple((x - 1) / side for x, side in zip(waves, h, strict=True))
    backward = tuple((1 - 1 / x) / side for x, side in zip(waves, h, strict=True))
    square = np.asarray(sum(np.abs(x) ** 2 for x in forward), dtype=np.float64)
    square[0, 0, 0] = np.inf
    lame = bulk - 2 / 3 * shear
    return (
        forward,
        backward,
        1 / (shear * square),
        (lame + shear) / (shear * (lame + 2 * shear) * square**2),
    )


def apply_green(
    kernel: tuple[tuple[Field, ...], tuple[Field, ...], Floats, Floats], loads: Field
) -> Field:
    """Fluctuation (3, nx, ny, nz) of a uniform medium under `loads`, of zero mean.

    The operator returns forces, so this inverts its negative.
    """
    from scipy import fft

    forward, backward, a, b = kernel
    shape = loads.shape[1:]
    waves = [fft.rfftn(x) for x in loads]
    spread = b * sum(d * w for d, w in zip(forward, waves, strict=True))
    found = [a * w + d * spread for d, w in zip(backward, waves, strict=True)]
    return np.array([fft.irfftn(x, s=shape) for x in found])
