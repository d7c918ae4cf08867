"""Synthetic indents in a Hysitron .hld format: a soft electrolyte of known hardness and modulus."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.measure.indentation.area import AreaFunction, reduced_modulus
from dualyte.vocabulary import Floats

OPTIONS: Final[dict[str, Any]] = {}  #: the sidecar that is written says the Poisson ratio

HARDNESS: Final = 0.42e9  # Pa, that of LNOC
MODULUS: Final = 12e9  # Pa
POISSON: Final = 0.3
TIP: Final = (24.5, 1200.0, 8000.0)
_DRIFT: Final = 0.05  # nm/s
_OFFSET: Final = 40.0  # µN that the load is off
_LOADS: Final = (6000.0, 7000.0, 8000.0, 9000.0, 10000.0)  # µN
_NOISE: Final = (0.5, 0.1)  # µN, nm


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write five indents into a folder, and what they are made of.

    Parameters
    ----------
    folder
        Where to.
    seed
        Of the noise.

    Returns
    -------
    dict
        Result: its row of the vocabulary, and the SI value it should come out as.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for k, peak in enumerate(_LOADS):
        time, depth, load = _record(peak, rng)
        (folder / f"indent_{k + 1}.hld").write_text(_text(time, depth, load), encoding="cp1252")
    (folder / "dualyte.toml").write_text(f'poisson_ratio = "{POISSON}"\n', encoding="utf-8")
    return {
        "hardness": ("hardness", HARDNESS),
        "youngs_modulus": ("youngs_modulus", MODULUS),
        "modulus": ("modulus", float(reduced_modulus(MODULUS, POISSON))),
        "flow_stress": ("stress", HARDNESS / 3),
        "count": ("count", float(len(_LOADS))),
    }


def course(
    peak: float, hardness: float, reduced: float, tip: AreaFunction, exponent: float = 1.5
) -> tuple[float, float, float]:
    """Greatest depth [m], final depth [m] and stiffness [N/m] of an ideal indent of `peak` [N]."""
    area = peak / hardness
    grid = np.linspace(1e-9, 5e-6, 200_001)
    hc = float(np.interp(area, tip(grid), grid))
    stiffness = 2 / np.sqrt(np.pi) * reduced * np.sqrt(area)
    depth = hc + 0.75 * peak / stiffness
    return depth, depth - exponent * peak / stiffness, float(stiffness)


def _record(peak: float, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Time [s], depth [nm] and load [µN]: approach, loading, hold, unloading."""
    reduced = float(reduced_modulus(MODULUS, POISSON))
    deep, final, _ = course(peak * 1e-6, HARDNESS, reduced, AreaFunction(coefficients=TIP))
    deep, final = deep * 1e9, final * 1e9
    up, down = np.linspace(0, 1, 250), np.linspace(1, 0.02, 250)
    depth = np.concatenate(
        [np.linspace(-40, 0, 120), deep * np.sqrt(up), np.full(60, deep),
         final + (deep - final) * down ** (1 / 1.5)]
    )  # fmt: skip
    load = np.concatenate([np.zeros(120), peak * up, np.full(60, peak), peak * down])
    time = 0.02 * np.arange(depth.size)
    contact = float(time[120])
    depth = depth + _DRIFT * (time - contact) + rng.normal(0, _NOISE[1], depth.size) + 7.0
    load = load + _OFFSET + rng.normal(0, _NOISE[0], load.size)
    return np.asarray(time, np.float64), depth, load


def _text(time: Floats, depth: Floats, load: Floats) -> str:
    units = ("nm^2/nm^2", "nm^2/nm", "nm^2/nm^0.5")
    head = [
        "File Version: Hysitron",
        "Test Type: Indentation",
        *(f"Tip C{k}: {c:g} {u}" for k, (c, u) in enumerate(zip(TIP, units, strict=True))),
        f"Drift Rate: {_DRIFT:g} nm/s",
        f"Test Data Points: {time.size}",
        "Time_s\tDisp_nm\tForce_uN",
    ]
    rows = [f"{t:.4f}\t{h:.4f}\t{P:.4f}" for t, h, P in zip(time, depth, load, strict=True)]
    return "\r\n".join([*head, *rows]) + "\r\n"
