"""Powder: grains packed at random in a periodic box, touching but not overlapping."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.vocabulary import Floats, checked, show

OVERLAP: Final = 1e-4  #: of the sum of two radii: below it grains count as touching
_FIRST: Final = {2: 0.5, 3: 0.35}  # density from which grains swell
_STEP, _FINEST = 0.01, 2e-4  # of density
_TRIES: Final = 12
_STEPS: Final = 20000
_COHESION: Final = 0.08  # gap over the sum of radii that grains close


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packing:
    """Grains in a periodic square or cube."""

    centres: Floats = field(repr=False)  #: (n, d) m, within the box
    radii: Floats = field(repr=False)  #: (n,) m
    size: float  #: side of the box, m
    seed: int
    overlap: float  #: worst overlap over the sum of two radii
    diameter: Value | None = None  #: the grain size it was asked for, if that was a Value

    @property
    def dim(self) -> int:
        """2 or 3."""
        return int(self.centres.shape[1])

    @property
    def density(self) -> float:
        """Volume of the grains over that of the box."""
        return float(_volume(self.radii, self.dim) / self.size**self.dim)

    def coordination(self, tolerance: float = 0.01) -> npt.NDArray[np.int64]:
        """Contacts (n,) of each grain: gaps below `tolerance` of the sum of two radii."""
        d = self.centres[:, None] - self.centres[None]
        d -= np.rint(d / self.size) * self.size
        distance = np.sqrt((d**2).sum(axis=-1))
        both = self.radii[:, None] + self.radii[None]
        near = distance < both * (1 + tolerance)
        np.fill_diagonal(near, False)
        return np.asarray(near.sum(axis=1))

    def key(self) -> str:
        """Hash of the grains over the box, the same for every size of grain."""
        digest = hashlib.sha256()
        for array in (self.centres / self.size, self.radii / self.size):
            digest.update(np.round(array, 12).astype("<f8").tobytes())
        return digest.hexdigest()[:16]

    def __str__(self) -> str:
        what = "discs" if self.dim == 2 else "spheres"
        return (
            f"{len(self.radii)} {what}, median diameter "
            f"{show('length', float(2 * np.median(self.radii)))}, relative density "
            f"{self.density:.3f}, {self.coordination().mean():.1f} contacts each"
        )


def pack(
    n: int = 60,
    *,
    density: float | None = None,
    size: float | Value = 2e-6,
    spread: float = 0.15,
    diameters: npt.ArrayLike | None = None,
    dim: int = 3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Packing:
    """Pack grains at random.

    Parameters
    ----------
    n
        Grains.
    density
        Relative density; by default the densest at which they still move (random close
        packing). Below it, a short-ranged cohesion brings grains into touch.
    size
        Median diameter [m].
    spread
        Standard deviation of the logarithm of the diameter.
    diameters
        Measured diameters [m] to draw from, instead of a lognormal law.
    dim
        2 (discs) or 3 (spheres).
    seed
        Of sizes and places; the same seed gives the same packing.
    progress
        Called with (tries done, tries at most).

    Returns
    -------
    Packing
        Overlaps stay below 1e-4 of the sum of two radii.

    Raises
    ------
    InputError
        If the density is above random close packing, or the input makes no powder.

    Examples
    --------
    >>> packing = pack(30, density=0.6, seed=1)
    >>> round(packing.density, 6), bool(packing.overlap < 1e-4)
    (0.6, True)
    """
    _check(n, density, spread, dim)
    d = _diameters(n, size, spread, diameters, seed)
    unit = d / 2 / (_volume(d / 2, dim) ** (1 / dim))  # radii at density 1 in the unit box
    best, found = 0.0, None
    for attempt in range(_TRIES if density is not None else 1):
        if progress:
            progress(attempt, _TRIES)
        rng = np.random.default_rng([seed, attempt])
        x, reached = _swell(rng.random((n, dim)), unit, density, dim)
        if reached > best:
            best, found = reached, x
        if density is None or reached >= density:
            break
    if found is None or (density is not None and best < density):
        raise InputError(
            f"a relative density of {density:g} is above random close packing: these {n} grains "
            f"reach {best:.3f}; lower it, or widen their sizes (spread, now {spread:g})"
        )
    radii = unit * best ** (1 / dim)
    if 2 * radii.max() > 0.5:
        raise InputError(
            f"the largest of {n} grains is {2 * radii.max():.2f} of the box wide, so that it "
            "meets its own image; take more grains"
        )
    x = np.mod(found, 1.0)
    overlap = _worst(x, radii)
    side = float(d.mean() / 2 / radii.mean())
    made = Packing(
        centres=x * side,
        radii=radii * side,
        size=side,
        seed=seed,
        overlap=overlap,
        diameter=size if isinstance(size, Value) else None,
    )
    for array in (made.centres, made.radii):
        array.flags.writeable = False
    return made


def _swell(x: Floats, unit: Floats, density: float | None, dim: int) -> tuple[Floats, float]:
    """Places (n, d) in the unit box and the density reached without overlap."""
    from dualyte.numerics.packing import relax

    now, step, reached, best = _FIRST[dim], _STEP, 0.0, x
    goal = 1.0 if density is None else density
    now = min(now, goal)
    while step >= _FINEST:
        tried = best.copy()
        worst, _ = relax(tried, unit * now ** (1 / dim), OVERLAP / 2, _STEPS, 0.0, 0.0)
        if worst < OVERLAP:
            best, reached = tried, now
            if reached >= goal:
                break
        else:
            step /= 2
        now = min(reached + step, goal) if reached else now - step
    if reached and reached >= goal:
        best = _gather(best, unit * reached ** (1 / dim))
    return best, reached


def _gather(x: Floats, radii: Floats) -> Floats:
    """Close small gaps, then undo the overlaps that makes; keep it if grains stay apart."""
    from dualyte.numerics.packing import relax

    tried = x.copy()
    relax(tried, radii, OVERLAP / 2, 2000, _COHESION, 0.1)
    worst, _ = relax(tried, radii, OVERLAP / 2, _STEPS, 0.0, 0.0)
    return tried if worst < OVERLAP else x


def _worst(x: Floats, radii: Floats) -> float:
    d = x[:, None] - x[None]
    d -= np.rint(d)
    over = 1 - np.sqrt((d**2).sum(axis=-1)) / (radii[:, None] + radii[None])
    np.fill_diagonal(over, 0.0)
    return float(max(over.max(), 0.0))


def _volume(radii: Floats, dim: int) -> float:
    return float((np.pi * radii**2).sum() if dim == 2 else (4 / 3 * np.pi * radii**3).sum())


def _check(n: Any, density: float | None, spread: float, dim: int) -> None:  # noqa: ANN401
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"{n!r} grains cannot be packed; give a whole number, 10 or more")
    if n < 10:
        raise InputError(f"{n} grains meet their own images in a periodic box; take 10 or more")
    if dim not in (2, 3):
        raise InputError(f"dim is {dim!r}; grains are packed in 2 or 3 dimensions")
    if density is not None and not 0 < density < 1:
        raise InputError(f"a relative density of {density:g} is not between 0 and 1")
    if not 0 <= spread <= 1:
        raise InputError(
            f"spread is {spread:g}; it is the standard deviation of the logarithm of the "
            "diameter, from 0 to 1"
        )


def _diameters(
    n: int, size: float | Value, spread: float, given: npt.ArrayLike | None, seed: int
) -> Floats:
    rng = np.random.default_rng([seed, 1 << 20])
    if given is not None:
        known = np.asarray(given, dtype=np.float64).ravel()
        if known.size == 0 or not np.isfinite(known).all() or (known <= 0).any():
            raise InputError("measured diameters must be positive numbers, at least one")
        return np.asarray(rng.choice(checked("length", known), n))
    median = float(checked("length", size.si if isinstance(size, Value) else size))
    return np.asarray(median * np.exp(rng.normal(0.0, spread, n)))
