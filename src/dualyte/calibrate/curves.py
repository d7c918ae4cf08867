"""The shipped master curves, made again: computed, with no parameter fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from dualyte.pellet.master import MasterCurve, average_curves
from dualyte.pellet.mesoscale import Mode, mesoscale
from dualyte.pellet.refine import refine, with_limits
from dualyte.powder import pack

#: exponent, loading, cells along the box: of the curves that the package ships. Several grids
#: are those of the same packings, for the limit of vanishing cells.
KINDS: Final[tuple[tuple[float, Mode, tuple[int, ...]], ...]] = (
    (7.0, "isostatic", (32, 48, 64)),
    (5.0, "isostatic", (48,)),
    (10.0, "isostatic", (48,)),
    (7.0, "die", (48,)),
)
GRAINS: Final = 60
DENSITY: Final = 0.64  #: of the packings: random close packing for this spread of sizes
SEEDS: Final = (0, 1, 2)


def compute_curves(
    out: Path,
    *,
    kinds: tuple[tuple[float, Mode, tuple[int, ...]], ...] = KINDS,
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
        (exponent, mode, grids) of each curve; three grids also give limits.
    seeds
        Of the packings.
    store
        Folder from which an interrupted run continues.
    progress
        Called with (runs done, runs in all).
    """
    found, done = [], 0
    total = sum(len(grids) for _, _, grids in kinds) * len(seeds)
    for exponent, mode, grids in kinds:
        runs: dict[int, list[MasterCurve]] = {}
        for grid in grids:
            for seed in seeds:
                if progress:
                    progress(done, total)
                packing = pack(GRAINS, density=DENSITY, seed=seed)
                run = mesoscale(packing, exponent=exponent, mode=mode, grid=grid, store=store)
                runs.setdefault(grid, []).append(run.curve)
                done += 1
        name = f"{mode}-3d-n{exponent:g}.toml"
        curve = average_curves(runs[grids[-1]])
        if len(grids) > 1:
            curve = with_limits(runs)
            refine(runs).save(out / "grids" / name)
        curve.save(out / name)
        found.append(curve)
    if progress:
        progress(total, total)
    return found
