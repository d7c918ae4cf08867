"""A height map of seeds on a smooth surface, as an atomic force microscope's software writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

OPTIONS: Final[dict[str, Any]] = {"particles": True, "level": "none"}
_N: Final = 96  # points a side
_FIELD: Final = 12e-6  # m
_GROUND: Final = 3e-9  # m, root mean square
_MARGIN: Final = 0.15e-6  # m


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write a Gwyddion text map of half-ellipsoids on a rough ground.

    Parameters
    ----------
    folder
        Where to.
    seed
        Of the places and sizes of the seeds, and the ground.

    Returns
    -------
    dict
        Result of `measure_topography`: its word and true value.
    """
    rng = np.random.default_rng(seed)
    x = (np.arange(_N) + 0.5) * _FIELD / _N
    z = rng.normal(0.0, _GROUND, (_N, _N))
    sizes = np.linspace(0.8e-6, 1.8e-6, 15) + rng.uniform(-0.02e-6, 0.02e-6, 15)
    placed: list[tuple[float, float, float]] = []
    for d in sorted(sizes, reverse=True):
        for _ in range(10_000):
            cx, cy = rng.uniform(d / 2 + _MARGIN, _FIELD - d / 2 - _MARGIN, 2)
            if all(
                np.hypot(cx - px, cy - py) > (d + pd) / 2 + 3 * _MARGIN for px, py, pd in placed
            ):
                placed.append((cx, cy, d))
                r = np.hypot(x[None, :] - cx, x[:, None] - cy) / (d / 2)
                z += 0.3 * d * np.sqrt(np.clip(1 - r**2, 0, None))
                break
    z = np.round(z * 1e9, 1) * 1e-9
    side = f"{_FIELD * 1e6:.6g} um"
    lines = ["# Channel: Height", f"# Width: {side}", f"# Height: {side}", "# Value units: nm"]
    lines += ["\t".join(f"{h * 1e9:.1f}" for h in row) for row in z]
    (folder / "seeds.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    d = np.array([d for _, _, d in placed])
    share = float((d > 1e-6).mean())
    return {
        "sq": ("roughness", float(z.std())),
        "sa": ("roughness", float(np.abs(z - z.mean()).mean())),
        "particle_count": ("count", float(d.size)),
        "particle_diameter_median": ("length", float(np.median(d))),
        "particle_diameter_spread": ("length", float(d.std())),
        "coverage": ("per_cent", float((np.pi / 4 * d**2).sum() / _FIELD**2)),
        "large_fraction": ("per_cent", share),
    }
