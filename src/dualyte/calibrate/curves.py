"""The shipped master curves, made again: computed, with no parameter fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from dualyte.pellet.master import MasterCurve, average_curves
from dualyte.pellet.mesoscale import Mode, mesoscale
from dualyte.powder import pack

#: exponent, loading, cells along the box: of the curves that the package ships
KINDS: Final[tuple[tuple[float, Mode, int], ...]] = (
    (7.0, "isostatic", 64),
    (5.0, "isostatic", 48),
    (10.0, "isostatic", 48),
    (7.0, "die", 48),
)
GRAINS: Final = 60
DENSITY: Final = 0.64  #: of the packings: random close packing for this spread of sizes
SEEDS: Final = (0, 1, 2)


def compute_curves(
    out: Path,
    *,
    kinds: tuple[tuple[float, Mode, int], ...] = KINDS,
    seeds: tuple[int, ...] = SEEDS,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[MasterCurve]:
    """Run every master curve on some packings, average them, and write them to `out`.

    Parameters
    ----------
    out
        Folder for the TOML files.
    kinds
        (exponent, mode, grid) of each curve.
    seeds
        Of the packings.
    store
        Folder from which an interrupted run continues.
    progress
        Called with (runs done, runs in all).
    """
    found = []
    for k, (exponent, mode, grid) in enumerate(kinds):
        runs = []
        for j, seed in enumerate(seeds):
            if progress:
                progress(k * len(seeds) + j, len(kinds) * len(seeds))
            packing = pack(GRAINS, density=DENSITY, seed=seed)
            run = mesoscale(packing, exponent=exponent, mode=mode, grid=grid, store=store)
            runs.append(run.curve)
        curve = average_curves(runs)
        curve.save(out / f"{mode}-3d-n{exponent:g}.toml")
        found.append(curve)
    if progress:
        progress(len(kinds) * len(seeds), len(kinds) * len(seeds))
    return found
