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
from dualyte.vocabulary import Floats, checked, known, show

OVERLAP: Final = 1e-4  #: of the sum of two radii: what is left while grains still swell
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
    overlap: float  #: worst overlap over the sum of two radii; rounding, if any
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
        Grains do not overlap, and the density is exactly the one that was asked for. Gaps
        of touching grains are within 1 % of the sum of two radii, most within 0.1 %.

    Raises
    ------
    InputError
        If the density is above random close packing, or the input makes no powder.

    Examples
    --------
    >>> packing = pack(30, density=0.6, seed=1)
    >>> round(packing.density, 6), packing.overlap < 1e-9
    (0.6, True)

    Notes
    -----
    Overlaps of swelling grains are minimised by FIRE (Bitzek et al. 2006,
    doi:10.1103/PhysRevLett.97.170201). Random close packing depends on the number of grains
    and on the start: up to twelve starts are tried. Below it grains hang together, without
    friction or gravity; a grain or two, at most one in twenty, may touch no other.
    """
    _check(n, density, spread, dim, seed)
    d = _diameters(n, size, spread, diameters, seed)
    unit = d / 2 / (_volume(d / 2, dim) ** (1 / dim))  # radii at density 1 in the unit box
    if density is not None:
        _refuse_wide(unit, density, dim, lambda m: _diameters(m, size, spread, diameters, seed))
    found, best = _search(unit, density, dim, seed, progress)
    if density is not None and best < density:
        other = "" if diameters is not None else f", or widen their sizes (spread, now {spread:g})"
        raise InputError(
            f"a relative density of {density:g} is above random close packing: these {n} "
            f"grains reach {best:.3f}; lower it{other}"
        )
    if density is None:
        _refuse_wide(unit, best, dim, lambda m: _diameters(m, size, spread, diameters, seed))
    side = (_volume(d / 2, dim) / best) ** (1 / dim)
    made = Packing(
        centres=found * side,
        radii=d / 2,
        size=side,
        seed=seed,
        overlap=_worst(found, d / 2 / side),
        diameter=size if isinstance(size, Value) and diameters is None else None,
    )
    for array in (made.centres, made.radii):
        array.flags.writeable = False
    return made


def _search(
    unit: Floats,
    density: float | None,
    dim: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Floats, float]:
    """Places (n, d) in the unit box from the first start that reaches the density, or the best."""
    best, first, found = 0.0, 0, np.empty((unit.size, dim))
    tries = 1 if density is None else _TRIES
    for attempt in range(tries):
        if progress:
            progress(attempt, tries)
        x, reached = _attempt(unit, density, dim, (seed, attempt), hasty=density is not None)
        if reached > best:
            best, first, found = reached, attempt, x
        if density is None or reached >= density:
            break
    if density is not None and best < density:  # the most promising start, with patience
        x, reached = _attempt(unit, density, dim, (seed, first), hasty=False)
        if reached > best:
            best, found = reached, x
    if progress:
        progress(tries, tries)
    return found, best


def _attempt(
    unit: Floats, density: float | None, dim: int, seed: tuple[int, int], *, hasty: bool
) -> tuple[Floats, float]:
    """Places (n, d) in the unit box, and the density at which grains there stay apart."""
    start = np.random.default_rng(list(seed)).random((unit.size, dim))
    x, reached = _swell(start, unit, density, dim, hasty)
    if reached and (density is None or reached >= density):
        x, apart = _part(x, unit * reached ** (1 / dim))
        if not apart:  # too tight to move: grains shrink by the overlap that is left
            reached *= (1 - _worst(x, unit * reached ** (1 / dim))) ** dim
    x = np.mod(x, 1.0)
    x[x >= 1.0] = 0.0  # what rounding leaves of a place just below zero
    return x, reached


def _swell(
    x: Floats, unit: Floats, density: float | None, dim: int, hasty: bool
) -> tuple[Floats, float]:
    """Places (n, d) in the unit box and the density reached without notable overlap.

    In haste, a try that jams well below the density is given up: the next start is cheaper.
    """
    from dualyte.numerics.packing import relax

    step, reached, best = _STEP, 0.0, x
    goal = 1.0 if density is None else density
    now = min(_FIRST[dim], goal)
    while step >= _FINEST and now > 0:
        tried = best.copy()
        worst, _ = relax(tried, unit * now ** (1 / dim), OVERLAP / 2, _STEPS, 0.0, 0.0)
        if worst < OVERLAP:
            best, reached = tried, now
            if reached >= goal:
                break
        else:
            step /= 2
            if hasty and reached and goal - reached > 2.5 * step:
                break
        now = min(reached + step, goal) if reached else now - step
    if reached and reached >= goal:
        best = _gather(best, unit * reached ** (1 / dim))
    return best, reached


def _part(x: Floats, radii: Floats) -> tuple[Floats, bool]:
    """Push grains apart as if they were slightly larger; whether no overlap is left."""
    from dualyte.numerics.packing import relax

    for swollen in (OVERLAP, OVERLAP / 4, OVERLAP / 16):
        tried = x.copy()
        worst, _ = relax(tried, radii * (1 + swollen), swollen / 2, _STEPS, 0.0, 0.0)
        if (1 - worst) * (1 + swollen) >= 1:
            return tried, True
    return x, False


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


def _refuse_wide(unit: Floats, density: float, dim: int, more: Callable[[int], Floats]) -> None:
    """Refuse a grain wider than half the box, and say how many grains make it narrower."""
    width = 2 * unit.max() * density ** (1 / dim)
    if width <= 0.5:
        return
    n = unit.size
    d = more(200 * n)
    volumes = np.pi / 4 * d**2 if dim == 2 else np.pi / 6 * d**3
    widths = np.maximum.accumulate(d) / (np.cumsum(volumes) / density) ** (1 / dim)
    enough = np.flatnonzero(widths[n:] <= 0.5)
    fix = f"take {n + 1 + int(enough[0])} grains or more" if enough.size else "take narrower sizes"
    raise InputError(
        f"the largest of {n} grains is {width:.2f} of the box wide, so that it meets its own "
        f"image; {fix}"
    )


def _check(n: Any, density: Any, spread: Any, dim: Any, seed: Any) -> None:  # noqa: ANN401 (what a caller may give)
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"{n!r} grains cannot be packed; give a whole number, 10 or more")
    if n < 10:
        raise InputError(f"{n} grains meet their own images in a periodic box; take 10 or more")
    if isinstance(dim, bool) or dim not in (2, 3):
        raise InputError(f"dim is {dim!r}; grains are packed in 2 or 3 dimensions")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}; give a whole number, 0 or more")
    if density is not None and not (_is_number(density) and 0 < density < 1):
        raise InputError(
            f"a relative density of {density} is not between 0 and 1; give the share of the box "
            "that grains fill, such as 0.6"
        )
    if not (_is_number(spread) and 0 <= spread <= 1):
        raise InputError(
            f"spread is {spread}; it is the standard deviation of the logarithm of the "
            "diameter, from 0 to 1"
        )


def _is_number(x: object) -> bool:
    return isinstance(x, int | float | np.integer | np.floating) and not isinstance(x, bool)


def _diameters(
    n: int, size: float | Value, spread: float, given: npt.ArrayLike | None, seed: int
) -> Floats:
    rng = np.random.default_rng([seed, 1 << 20])
    if given is not None:
        try:
            measured = np.asarray(given, dtype=np.float64).ravel()
        except (TypeError, ValueError):
            raise InputError("measured diameters must be numbers in m, at least one") from None
        if measured.size == 0 or not np.isfinite(measured).all() or (measured <= 0).any():
            raise InputError("measured diameters must be positive numbers in m, at least one")
        return np.asarray(rng.choice(checked("length", measured), n))
    if isinstance(size, Value) and known(size.quantity).unit != "m":
        raise InputError(f"size is a {size.quantity}; give a length, the median diameter of grains")
    median = float(checked("length", size.si if isinstance(size, Value) else size))
    return np.asarray(median * np.exp(rng.normal(0.0, spread, n)))
