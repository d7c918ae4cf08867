"""Spectra of a symmetric cell at four temperatures, as an impedance analyser exports them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.circuit import parse_circuit
from dualyte.vocabulary import BOLTZMANN, ELECTRON, ROOM

CIRCUIT: Final = "R_0-p(R_gb,CPE_gb)-p(R_he,CPE_he)-CPE_tail"
OPTIONS: Final[dict[str, Any]] = {"circuit": CIRCUIT}
_AREA: Final = 1.13e-4  # m²
_ENERGIES: Final = {"R_0": 0.33, "R_gb": 0.40, "R_he": 0.45}  # eV
_AT_ROOM: Final = {"R_0": 60.0, "R_gb": 25.0, "R_he": 130.0}  # Ω of the cell
_NOISE: Final = 2e-3  # of |Z|


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write spectra and a sidecar; return the resistance of the interface and its energy.

    Parameters
    ----------
    folder
        Where to.
    seed
        Of the noise.

    Returns
    -------
    dict
        Name of a result: row of the vocabulary and SI number at 25 °C.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    frequency = np.logspace(7, -1, 65)
    for celsius in (-10, 5, 25, 40):
        kelvin = celsius + 273.15
        slow = 1 / kelvin - 1 / ROOM
        R = {k: x * np.exp(_ENERGIES[k] * ELECTRON / BOLTZMANN * slow) for k, x in _AT_ROOM.items()}
        circuit = parse_circuit(CIRCUIT).at(
            **R, Q_gb=4e-9, n_gb=0.95, Q_he=3e-6, n_he=0.88, Q_tail=4e-4, n_tail=0.9
        )
        z = circuit.impedance(frequency)
        z = z + _NOISE * np.abs(z) * (
            random.standard_normal(z.size) + 1j * random.standard_normal(z.size)
        ) / np.sqrt(2)
        rows = ["freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm"]
        rows += [f"{f:.6e},{x.real:.6e},{-x.imag:.6e}" for f, x in zip(frequency, z, strict=True)]
        (folder / f"cell_{celsius}C_55MPa.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "dualyte.toml").write_text('area = "1.13 cm2"\ninterfaces = 2\n', encoding="utf-8")
    return {
        "R_he": ("asr", _AT_ROOM["R_he"] * _AREA / 2),
        "Ea_he": ("activation_energy", _ENERGIES["R_he"] * ELECTRON),
    }
