"""Resistances of pellets made up from known conductivities."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.vocabulary import BOLTZMANN, ELECTRON, ROOM

OPTIONS: Final[dict[str, Any]] = {}
_ENERGY: Final = 0.38 * ELECTRON  # J
_SIGMA: Final = 0.42  # S/m at 25 °C and 55 MPa
_LOSS: Final = 0.17  # of the conductivity, 55 → 7.2 MPa
_AREA: Final = np.pi * 0.005**2  # m², 10 mm across
_FOIL: Final = 4e-4 * 1e6  # Ω m² Pa: 4 Ω cm² at 1 MPa
_NOISE: Final = 0.004  # relative, of a resistance
_PRESSURES: Final = (7.2, 15.0, 30.0, 55.0, 30.0, 15.0, 7.2)  # MPa
_CELSIUS: Final = (0.0, 10.0, 25.0, 40.0, 60.0)


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write tables of three pellets and their sidecar; return the truth.

    Parameters
    ----------
    folder
        Where to; it is made if it is not there.
    seed
        Of the noise.

    Returns
    -------
    dict
        Name of a result: row of the vocabulary and SI value.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for k in range(3):
        (folder / f"pellet_{k + 1}.csv").write_text(_table(rng, 0.9e-3 + 5e-5 * k))
    (folder / "dualyte.toml").write_text(
        'kind = "conductivity"\ndiameter = "10 mm"\n', encoding="utf-8"
    )
    high = _SIGMA
    return {
        "conductivity_25C": ("conductivity", high),
        "activation_energy": ("activation_energy", _ENERGY),
        "conductivity_highest_pressure": ("conductivity", high),
        "conductivity_unloaded": ("conductivity", high * (1 - _LOSS)),
        "unloading_loss": ("per_cent", _LOSS),
    }


def _table(rng: np.random.Generator, thickness: float) -> str:
    """Pressure up and down at 25 °C, then temperatures at 55 MPa."""
    rows = [
        "pressure / MPa;temperature / degC;R / ohm;R std / ohm;R_foil / ohm cm2;thickness / mm;"
        "branch"
    ]
    top = max(_PRESSURES)
    steps = [(P, 25.0, k <= _PRESSURES.index(top)) for k, P in enumerate(_PRESSURES)]
    steps += [(top, T, True) for T in _CELSIUS if T != 25.0]
    for P, celsius, up in steps:
        fall = _LOSS * np.log(top / P) / np.log(top / min(_PRESSURES))
        sigma = _SIGMA * (1 - (0.5 if up else 1.0) * fall)
        sigma *= np.exp(-_ENERGY / BOLTZMANN * (1 / (celsius + 273.15) - 1 / ROOM))
        foil = _FOIL / (P * 1e6)
        R = (thickness / sigma + foil) / _AREA * (1 + _NOISE * rng.standard_normal())
        rows.append(
            f"{P:.1f};{celsius:.1f};{R:.3f};{_NOISE * R:.3f};{foil * 1e4:.4f};"
            f"{thickness * 1e3:.3f};{'loading' if up else 'unloading'}"
        )
    return "\n".join(rows) + "\n"
