"""Powder patterns made up from structures, with counting noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.vocabulary import Floats

OPTIONS: Final[dict[str, Any]] = {}
_SHIFT: Final = np.radians(0.04)
_CELL: Final = 12.945e-10  # m, of the garnet
_SHARE: Final = 0.06  # of Li2CO3, by mass
_COUNTS: Final = 4000.0  # height of the strongest line
_WAVES: Final = (1.540593e-10, 1.544427e-10)  # m
_WIDTH: Final = np.radians(0.12)


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write a pattern of a garnet with lithium carbonate and no LiCl; return the truth.

    Parameters
    ----------
    folder
        Where to; it is made if it is not there.
    seed
        Of the counting noise.

    Returns
    -------
    dict
        Name of a result: row of the vocabulary and SI value.
    """
    folder.mkdir(parents=True, exist_ok=True)
    x = np.radians(np.arange(10.0, 70.0, 0.02))
    shares = {"LLZTO": 1 - _SHARE, "Li2CO3": _SHARE}
    mean = simulated(x, shares, shift=_SHIFT, cells={"LLZTO": _CELL})
    counts = np.random.default_rng(seed).poisson(mean)
    rows = [f"{a:.3f} {n:d}" for a, n in zip(np.degrees(x), counts, strict=True)]
    (folder / "garnet.xy").write_text("\n".join(rows) + "\n")
    (folder / "dualyte.toml").write_text('kind = "phases"\nwavelength = "1.540593 angstrom"\n')
    return {
        "zero_shift": ("angle", _SHIFT),
        "LLZTO_cell": ("lattice_parameter", _CELL),
        "LLZTO_share": ("per_cent", 1 - _SHARE),
        "Li2CO3_share": ("per_cent", _SHARE),
    }


def simulated(
    angle: Floats,
    shares: Mapping[str, float],
    *,
    shift: float = 0.0,
    cells: Mapping[str, float] | None = None,
    height: float = _COUNTS,
    halo: float = 60.0,
) -> Floats:
    """Mean counts of a mixture at 2θ [rad], over a falling background with a halo.

    Parameters
    ----------
    angle : (m,)
        2θ [rad].
    shares
        Share by mass of each phase of the library.
    shift
        Zero shift [rad].
    cells
        a [m] of cubic phases that differs from the reference.
    height
        Counts of the strongest line.
    halo
        Counts of an amorphous halo at 2θ = 25°.
    """
    from dualyte.measure.phases.crystal import phase, reflections

    total = np.zeros(angle.size)
    shortest = _WAVES[0] / (2 * np.sin(angle[-1] / 2 + 0.02))
    for name, share in shares.items():
        crystal = phase(name)
        lines = reflections(crystal, shortest)
        scale = (cells or {}).get(name, crystal.cell[0]) / crystal.cell[0]
        areas = lines.intensities(_WAVES[0]) * share / crystal.density
        for wave, part in zip(_WAVES, (1.0, 0.5), strict=True):
            for at, area in zip(lines.angles(wave, scale) + shift, areas * part, strict=True):
                if np.isfinite(at):
                    total += area * _profile((angle - at) / _WIDTH)
    total = total * (height / max(float(total.max()), 1e-300)) if shares else total
    degrees = np.degrees(angle)
    base = 80 + 400 * np.exp(-degrees / 12) + halo * np.exp(-(((degrees - 25) / 6) ** 2))
    return np.asarray(base + total)


def _profile(z: Floats) -> Floats:
    """Pseudo-Voigt of half a Lorentz share, at a distance in full widths."""
    return np.asarray(0.5 / (1 + 4 * z**2) + 0.5 * np.exp(-4 * np.log(2) * z**2))
