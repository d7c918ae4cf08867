"""Runs of a pellet press with known truth: three pellets of a soft powder in a 10 mm die."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.vocabulary import Floats

_DIAMETER, _MASS, _DENSITY = 0.010, 0.110, 2610.0  # m, g, kg/m3
_PRESSURE, _YIELD, _START = 310e6, 130e6, 0.45  # Pa, Pa, intercept of the Heckel line
_TOE: Final = 12e6  # Pa, below which powder rearranges faster than the Heckel line says
_COMPLIANCE: Final = 1.2e-8  # m/N, of the frame
_CREEP, _EXPONENT, _HOLD = 0.012, 0.3, 180.0  # strain that a hold adds, exponent of time, s
_UNLOADING: Final = 1.1e9  # N/m
_NOISE: Final = (2.0, 2e-7)  # N, m

OPTIONS: Final[dict[str, Any]] = {"compliance": _COMPLIANCE}


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write three runs in the format of Instron Bluehill, and what is known of the pellets.

    Parameters
    ----------
    folder
        Where to write `press_1.csv` to `press_3.csv` and `dualyte.toml`.
    seed
        Of the noise and of the scatter between pellets.

    Returns
    -------
    dict
        Name of the result: row of the vocabulary, and truth in SI.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    area = np.pi / 4 * _DIAMETER**2
    truth: dict[str, list[float]] = {}
    lines = ['diameter = "10 mm"', f'density = "{_DENSITY / 1000:g} g/cm3"', ""]
    for k in range(3):
        mass = _MASS * (1 + 0.01 * (k - 1)) * 1e-3
        solid = mass / (_DENSITY * area)
        found = _one(folder / f"press_{k + 1}.csv", solid, area, mass, rng)
        lines += [f'["press_{k + 1}.csv"]', f'mass = "{1e6 * mass:.4g} mg"',
                  f'thickness = "{1e3 * found.pop("thickness"):.4f} mm"', ""]  # fmt: skip
        for name, value in found.items():
            truth.setdefault(name, []).append(value)
    (folder / "dualyte.toml").write_text("\n".join(lines), encoding="utf-8")
    rows = {
        "max_force": "force", "work_loading": "energy", "work_elastic": "energy",
        "work_plastic": "energy", "specific_work": "specific_work", "heckel_yield": "stress",
        "unloading_stiffness": "stiffness", "spring_back": "per_cent",
        "creep_exponent": "exponent", "density_pressed": "relative_density",
    }  # fmt: skip
    return {name: (word, float(np.mean(truth[name]))) for name, word in rows.items()}


def _density(pressure: Floats) -> Floats:
    """Heckel line, with a quick rise at its foot."""
    line = -np.expm1(-pressure / _YIELD - _START)
    return np.asarray(line * (1 - 0.25 * np.exp(-pressure / (_TOE / 4))))


def _one(
    path: Path, solid: float, area: float, mass: float, rng: np.random.Generator
) -> dict[str, float]:
    """One run: approach, loading, hold, unloading; its truth."""
    most = _PRESSURE * area
    # loading, evenly in height as a crosshead moves; then the hold; then unloading
    fine = np.concatenate([[0.0], np.geomspace(1e2, _PRESSURE, 20001)])
    height = solid / _density(fine)
    at = np.linspace(height[0], height[-1], 300)
    loading = np.interp(-at, -height, fine) * area
    clock = np.arange(0.5, _HOLD + 0.1, 0.5)
    strain = _CREEP * (clock / _HOLD) ** _EXPONENT
    held = height[-1] * np.exp(-strain)
    down = np.linspace(most, 0.0, 60)
    back = held[-1] + (most - down) / _UNLOADING
    h = np.concatenate([np.full(60, height[0]), at, held, back[1:]])
    f = np.concatenate([np.zeros(60), loading, np.full(clock.size, most), down[1:]])
    u = height[0] - h + _COMPLIANCE * f
    u[:60] -= np.linspace(60, 1, 60) * 2e-5  # the punch comes down
    time = np.concatenate([np.arange(360) * 0.5, 179.5 + clock, 359.5 + 0.5 * np.arange(1, 60)])
    zero = rng.normal(6.0, 2.0)  # N, load zero of the day
    _save(path, time, u - u[0], f + zero, rng)
    spent = float(np.trapezoid(fine * area, -height)) + most * (height[-1] - held[-1])
    elastic = most**2 / (2 * _UNLOADING)
    return {
        "max_force": most, "work_loading": spent, "work_elastic": elastic,
        "work_plastic": spent - elastic, "specific_work": spent / mass, "heckel_yield": _YIELD,
        "unloading_stiffness": _UNLOADING, "spring_back": most / _UNLOADING / held[-1],
        "creep_exponent": _EXPONENT, "density_pressed": solid / held[-1],
        "thickness": back[-1],
    }  # fmt: skip


def _save(path: Path, time: Floats, u: Floats, f: Floats, rng: np.random.Generator) -> None:
    """Quoted numbers under a row of units, as Bluehill writes raw data."""
    force = f + rng.normal(0, _NOISE[0], f.size)
    extension = 1e3 * (u + rng.normal(0, _NOISE[1], u.size))
    rows = zip(time, extension, force, strict=True)
    lines = [f'"{t:.5f}","{x:.5f}","{y:.5f}"' for t, x, y in rows]
    path.write_text(
        "\n".join(["Time,Extension,Load", "(s),(mm),(N)", *lines, ""]), encoding="utf-8"
    )
