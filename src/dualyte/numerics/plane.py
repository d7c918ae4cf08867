"""Current through a patterned plane between two homogeneous layers, without a 3-D grid.

A periodic plane of pixels separates two layers with equipotential outer faces. Current
density j crosses some pixels only (`contact`), against a local resistance z. With
⟨j⟩ = 1 the potential λ is constant on the contact,

    (z(x) + Z) j = λ,    Ẑ(q) = a₁ T₁(q) + a₂ T₂(q),    T(q) = tanh(qL)/q,  T(0) = 0,

where a = 1/σ of a layer, L its thickness, and λ is the excess of the areal resistance
over the two layers in series. Pixel averages of T make this a Galerkin method: the
resistance of a given map is approached from above.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.linalg import eigh_tridiagonal

from dualyte.errors import ConvergenceError
from dualyte.numerics.solve import Outcome

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Mask = npt.NDArray[np.bool_]
_ALIASES = 8  # on either side; what lies beyond is summed in closed form


@lru_cache(maxsize=24)
def symbol(shape: tuple[int, int], size: tuple[float, float], thickness: float = np.inf) -> Floats:
    """Pixel-averaged T(q) of a layer, shape (nx, ny // 2 + 1), unit of length.

    The average over source and target pixel is an aliased sinc² sum of tanh(qL)/q; its
    terms fall like the cube of the alias, so what lies beyond the first few is added from
    one sum along each axis. Within 2·10⁻⁴ for square pixels, within 10⁻³ for pixels ten
    times as long as wide or far wider than the layer is thick.
    """
    (nx, ny), (lx, ly) = shape, size
    tails = _beyond(lx / nx, thickness), _beyond(ly / ny, thickness)
    quadrant = _aliased(nx // 2 + 1, ny // 2 + 1, nx, ny, lx, ly, thickness, tails)
    mirrored = np.concatenate([quadrant, quadrant[1 : (nx + 1) // 2][::-1]])
    mirrored.setflags(write=False)
    return mirrored


def _beyond(pixel: float, thickness: float) -> float:
    """Σ tanh(2πaL/h)/a³ over the aliases left out on either side."""
    a = np.arange(_ALIASES + 1, 20001.0)
    layer = np.tanh(2 * np.pi * a / pixel * thickness)
    return 2 * float(np.sum(layer / a**3))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _aliased(
    mx: int,
    my: int,
    nx: int,
    ny: int,
    lx: float,
    ly: float,
    thickness: float,
    tails: tuple[float, float],
) -> Floats:
    """Aliased sum for the wave vectors with both components non-negative."""
    out = np.zeros((mx, my))
    hx, hy = lx / nx, ly / ny
    m = _ALIASES
    wx, wy = np.empty(2 * m + 1), np.empty(2 * m + 1)
    for i in range(mx):
        sx = np.sin(np.pi * i / nx)
        for a in range(-m, m + 1):
            x = np.pi * (i / nx + a)
            wx[a + m] = 1.0 if x == 0.0 else (sx / x) ** 2
        for j in range(my):
            if i == 0 and j == 0:
                continue
            sy = np.sin(np.pi * j / ny)
            for b in range(-m, m + 1):
                y = np.pi * (j / ny + b)
                wy[b + m] = 1.0 if y == 0.0 else (sy / y) ** 2
            total = 0.0
            for a in range(-m, m + 1):
                qx = 2 * np.pi * (i / nx + a) / hx
                for b in range(-m, m + 1):
                    weight = wx[a + m] * wy[b + m]
                    if weight > 0.0:
                        qy = 2 * np.pi * (j / ny + b) / hy
                        q = np.sqrt(qx * qx + qy * qy)
                        layer = np.tanh(q * thickness) if q * thickness < 20 else 1.0
                        total += weight * layer / q
            total += (sx / np.pi) ** 2 * tails[0] * hx / (2 * np.pi) * _slant(j / ny * hx / hy)
            total += (sy / np.pi) ** 2 * tails[1] * hy / (2 * np.pi) * _slant(i / nx * hy / hx)
            out[i, j] = total
    return out


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _slant(s: float) -> float:
    """How far the other component s of the wave vector lowers the sum of `_beyond`."""
    x = (s / (_ALIASES + 0.5)) ** 2
    return 2.0 / (1.0 + math.sqrt(1.0 + x))


def convolve(kernel: npt.NDArray[Any], field: npt.NDArray[Any], workers: int = 1) -> Any:  # noqa: ANN401 (real or complex)
    """Apply a symbol of T's shape, real or complex, to a real or complex field."""
    if np.iscomplexobj(field):
        return convolve(kernel, field.real, workers) + 1j * convolve(kernel, field.imag, workers)
    modes = scipy.fft.rfft2(field, workers=workers)
    if not np.iscomplexobj(kernel):
        return scipy.fft.irfft2(modes * kernel, s=field.shape, workers=workers)
    real = scipy.fft.irfft2(modes * kernel.real, s=field.shape, workers=workers)
    return real + 1j * scipy.fft.irfft2(modes * kernel.imag, s=field.shape, workers=workers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaneSolution:
    """Excess resistance (or impedance) of a plane, and how the solve ended."""

    resistance: complex  #: λ: area × impedance; real input gives a real number
    current: npt.NDArray[Any]  #: (nx, ny) current density over its mean
    outcome: Outcome
    steps: int
    residual: float  #: relative

    def ensure(self) -> PlaneSolution:
        """Return the solution, or raise if the solve did not converge."""
        if self.outcome is Outcome.CONVERGED:
            return self
        raise ConvergenceError(
            f"plane conduction: {self.outcome.value} (residual {self.residual:.1e} after "
            f"{self.steps} steps)",
            self,
        )


def solve_plane(
    local: npt.NDArray[Any],
    contact: Mask,
    kernel: npt.NDArray[Any],
    *,
    rtol: float = 1e-9,
    max_steps: int = 1000,
    workers: int = 1,
    start: npt.NDArray[Any] | None = None,
) -> PlaneSolution:
    """Solve (z + Z) j = λ on the contact by preconditioned conjugate gradients.

    Parameters
    ----------
    local : (nx, ny)
        z: resistance (or complex impedance) of a unit area of contact; read only where
        `contact`.
    contact : (nx, ny)
        Pixels that carry current.
    kernel : (nx, ny // 2 + 1)
        Ẑ, for example `symbol(...) * (1 / sigma_1 + 1 / sigma_2)`.
    start : (nx, ny), optional
        Current density to start from.

    Notes
    -----
    The operator is complex symmetric when z or Z is complex, so inner products are
    unconjugated (conjugate orthogonal conjugate gradients).
    """
    if not contact.any():
        raise ValueError("no pixel is in contact, so no current can cross the plane")
    complex_ = np.iscomplexobj(local) or np.iscomplexobj(kernel)
    kind: type[Any] = np.complex128 if complex_ else np.float64
    z = np.where(contact, local, 0).astype(kind)
    if contact.all() and not z.any():  # nothing resists: the operator is singular
        return PlaneSolution(
            resistance=0.0, current=z + 1, outcome=Outcome.CONVERGED, steps=0, residual=0.0
        )
    inverse = _preconditioner(kernel, z[contact])

    def apply(j: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.where(contact, z * j + convolve(kernel, j, workers), 0)

    def precondition(r: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.where(contact, convolve(inverse, r, workers), 0)

    x = np.zeros(contact.shape, kind) if start is None else np.where(contact, start, 0)
    x, step, residual = _conjugate_gradients(apply, precondition, contact, x, rtol, max_steps)
    mean = x.sum() / x.size
    return PlaneSolution(
        resistance=1 / mean,
        current=x / mean,
        outcome=Outcome.CONVERGED if residual <= rtol else Outcome.MAX_STEPS,
        steps=step,
        residual=residual,
    )


def _conjugate_gradients(
    apply: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    precondition: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    contact: Mask,
    x: npt.NDArray[Any],
    rtol: float,
    max_steps: int,
) -> tuple[npt.NDArray[Any], int, float]:
    """Solve A x = 1 on the contact; return x, the steps taken and the relative residual."""
    r = contact - (apply(x) if x.any() else 0)
    scale = float(np.sqrt(np.count_nonzero(contact)))
    d = s = precondition(r)
    rs, step = np.sum(r * s), 0
    while (residual := float(np.linalg.norm(r)) / scale) > rtol and step < max_steps:
        ad = apply(d)
        length = rs / np.sum(d * ad)
        x = x + length * d
        r = r - length * ad
        s = precondition(r)
        rs, previous = np.sum(r * s), rs
        d = s + (rs / previous) * d
        step += 1
    return x, step, residual


def _preconditioner(kernel: npt.NDArray[Any], local: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(z̄ + Ẑ)⁻¹; without local resistance its mean mode is that of the longest wave."""
    if local.all():
        return np.asarray(1 / (1 / np.mean(1 / local) + kernel))
    inverse = np.zeros_like(kernel)
    np.divide(1.0, kernel, out=inverse, where=kernel != 0)
    inverse[0, 0] = inverse.flat[1]
    return inverse


@nb.njit(cache=True, nogil=True, fastmath=True)
def _dot(a: Floats, b: Floats) -> float:
    """Inner product without the threads of a BLAS, which would fight those of the caller."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@nb.njit(cache=True, nogil=True, fastmath=True)
def _remove(basis: Floats, count: int, u: Floats) -> None:
    """Subtract from u its components along the first `count` vectors, one after another."""
    for k in range(count):
        along = _dot(basis[k], u)
        for i in range(u.size):
            u[i] -= along * basis[k, i]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpectralMeasure:
    """All that a contact map says about its admittance: nodes and weights.

    Y = f Σ wₖ / (z + ζ λₖ) for any local impedance z and any ζ = 1/σ₁ + 1/σ₂.
    """

    fraction: float  #: f
    nodes: Floats  #: (m,) λₖ, unit of length, ascending
    weights: Floats  #: (m,) wₖ, sum 1

    @property
    def bounds(self) -> tuple[float, float]:
        """(λ_harmonic, λ_mean)/f: R lies between z/f + ζ times these two."""
        harmonic = 1 / float(np.sum(self.weights / self.nodes))
        return harmonic / self.fraction, float(self.weights @ self.nodes) / self.fraction

    def impedance(self, local: npt.ArrayLike, zeta: npt.ArrayLike) -> npt.NDArray[Any]:
        """Excess impedance 1/Y; `local` z and `zeta` ζ broadcast, real or complex."""
        z, zeta = np.asarray(local)[..., None], np.asarray(zeta)[..., None]
        return np.asarray(1 / (self.fraction * np.sum(self.weights / (z + zeta * self.nodes), -1)))


def spectral_measure(
    contact: Mask, kernel: Floats, *, nodes: int = 40, workers: int = 1
) -> SpectralMeasure:
    """Lanczos on the contact's restriction of T, started from uniform current.

    Parameters
    ----------
    contact : (nx, ny)
        Pixels that carry current; at least one.
    kernel : (nx, ny // 2 + 1)
        T of `symbol`, the same for both layers (layers thick against the pattern).
    nodes
        m: 40 gives machine precision on any map that one solve resolves, 16 gives it
        when the local resistance is not small against ζℓ.

    Notes
    -----
    Gauss quadrature of the spectral measure of χTχ: Golub & Meurant 2010,
    doi:10.1515/9781400833887.
    """
    inside = np.flatnonzero(contact)
    field = np.zeros(contact.shape)

    def apply(v: Floats) -> Floats:
        field.flat[inside] = v
        return np.asarray(convolve(kernel, field, workers)).ravel()[inside]

    basis = np.empty((nodes + 1, inside.size))
    basis[0] = 1 / np.sqrt(inside.size)
    diagonal: list[float] = []
    off: list[float] = []
    for k in range(nodes):
        u = apply(basis[k])
        diagonal.append(_dot(basis[k], u))
        for _ in range(2):  # full reorthogonalisation: m is small, copies would be wrong
            _remove(basis, k + 1, u)
        norm = _dot(u, u) ** 0.5
        if norm <= 1e-13 * diagonal[0] or k == nodes - 1:
            break
        off.append(norm)
        basis[k + 1] = u / norm
    lam, vectors = eigh_tridiagonal(np.array(diagonal), np.array(off[: len(diagonal) - 1]))
    return SpectralMeasure(
        fraction=inside.size / contact.size,
        nodes=np.maximum(lam, 1e-300),
        weights=vectors[0] ** 2,
    )


class ReducedPlane:
    """A plane with several phases, reduced to a few unknowns for all frequencies.

    Galerkin projection of Σₚ zₚ χₚ + a₁T₁ + a₂T₂ on the real and imaginary parts of a few
    solutions: symmetric, so the error of the impedance is the square of that of j.
    """

    def __init__(
        self, phases: Sequence[Mask], kernels: tuple[Floats, Floats], workers: int = 1
    ) -> None:
        self._phases, self._kernels, self._workers = list(phases), kernels, workers
        self._contact = np.logical_or.reduce(self._phases)
        self._basis: list[Floats] = []
        self._images: list[tuple[Floats, Floats]] = []  # T₁v and T₂v on the contact
        self.solves = 0

    @property
    def unknowns(self) -> int:
        """Size of the reduced system."""
        return len(self._basis)

    def train(self, points: Sequence[tuple[Any, ...]], *, rtol: float = 1e-6) -> ReducedPlane:
        """Add solutions at the worst of `points` (z₁ … zₚ, a₁, a₂) until all are met.

        `rtol` bounds the relative residual of the full system, whose square bounds the
        relative error of the impedance up to a constant.
        """
        for _ in range(len(points)):
            errors = [self._residual(point) for point in points] if self._basis else [np.inf]
            worst = int(np.argmax(errors))
            if errors[worst] <= rtol:
                break
            self._add(points[worst])
        return self

    def impedance(self, point: tuple[Any, ...]) -> complex:
        """Excess impedance at (z₁ … zₚ, a₁, a₂)."""
        y, b = self._reduced(point)
        return complex(self._contact.size / (b @ y))

    def _local(self, point: tuple[Any, ...]) -> Complexes:
        z = np.zeros(self._contact.shape, np.complex128)
        for value, mask in zip(point[:-2], self._phases, strict=True):
            z[mask] = value
        return z

    def _add(self, point: tuple[Any, ...]) -> None:
        kernel = point[-2] * self._kernels[0] + point[-1] * self._kernels[1]
        found = solve_plane(
            self._local(point), self._contact, kernel, rtol=1e-9, workers=self._workers
        ).ensure()
        self.solves += 1
        j = found.current / found.resistance
        for part in (j.real, j.imag):
            v, size = part[self._contact], float(np.linalg.norm(part))
            for _ in range(2):
                for w in self._basis:
                    v = v - (w @ v) * w
            norm = float(np.linalg.norm(v))
            if norm > 1e-10 * max(size, 1e-300):
                self._basis.append(v / norm)
                field = np.zeros(self._contact.shape)
                field[self._contact] = v / norm
                first = np.asarray(convolve(self._kernels[0], field, self._workers))
                second = (
                    first
                    if self._kernels[1] is self._kernels[0]
                    else np.asarray(convolve(self._kernels[1], field, self._workers))
                )
                self._images.append((first[self._contact], second[self._contact]))

    def _image(self, point: tuple[Any, ...]) -> Complexes:
        """Return A V, one column per basis vector."""
        z = self._local(point)[self._contact]
        columns = [
            z * v + point[-2] * t1 + point[-1] * t2
            for v, (t1, t2) in zip(self._basis, self._images, strict=True)
        ]
        return np.array(columns).T

    def _reduced(self, point: tuple[Any, ...]) -> tuple[Complexes, Floats]:
        basis: Floats = np.array(self._basis)
        b = basis.sum(axis=1)
        y = np.linalg.solve(basis @ self._image(point), b.astype(np.complex128))
        return np.asarray(y, np.complex128), b

    def _residual(self, point: tuple[Any, ...]) -> float:
        y, _ = self._reduced(point)
        r = self._image(point) @ y - 1.0
        return float(np.linalg.norm(r) / np.sqrt(r.size))


def correlation_length(contact: Mask, size: tuple[float, float]) -> float:
    """Distance at which the autocovariance of a periodic map falls to 1/e.

    Along the mean over directions; NaN for a map without contrast.
    """
    field = contact - contact.mean()
    power = np.abs(scipy.fft.rfft2(field)) ** 2
    covariance = scipy.fft.irfft2(power, s=contact.shape)
    if covariance[0, 0] <= 0:
        return float("nan")
    pixel = (size[0] / contact.shape[0], size[1] / contact.shape[1])
    x = np.minimum(np.arange(contact.shape[0]), contact.shape[0] - np.arange(contact.shape[0]))
    y = np.minimum(np.arange(contact.shape[1]), contact.shape[1] - np.arange(contact.shape[1]))
    distance = np.hypot(x[:, None] * pixel[0], y[None, :] * pixel[1])
    step = max(pixel)
    ring = np.rint(distance / step).astype(int)
    count = np.bincount(ring.ravel())
    mean = np.bincount(ring.ravel(), covariance.ravel()) / np.maximum(count, 1) / covariance[0, 0]
    below = np.flatnonzero(mean < np.exp(-1))
    if below.size == 0:
        return float("nan")
    k = int(below[0])
    return float(step * (k - 1 + (mean[k - 1] - np.exp(-1)) / (mean[k - 1] - mean[k])))
