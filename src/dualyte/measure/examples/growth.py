"""Resistance and capacitance of an interphase that grows by a known parabolic law."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

OPTIONS: Final[dict[str, Any]] = {}
_RATE: Final = 22.7 / 60  # Ω/√s
_START: Final = 85.4  # Ω
_ELASTANCE: Final = 1 / 180e-6  # 1/F at the beginning
_HOURS: Final = np.arange(0.0, 18.1, 1.0)
_NOISE: Final = 0.004  # relative, of R and C
_AREA: Final = 0.785e-4  # m²


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write tables of two cells at rest for 18 h and their sidecar; return the truth.

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
    for k in range(2):
        R = _START + _RATE * np.sqrt(3600 * _HOURS)
        C = R[0] / (R * _ELASTANCE)  # a film that thickens keeps R·C
        R = R * (1 + _NOISE * rng.standard_normal(R.size))
        C = C * (1 + _NOISE * rng.standard_normal(R.size))
        rows = ["time / h\tR_cei / ohm\tR_cei std / ohm\tC_cei / uF\tC_cei std / uF"]
        for h, r, c in zip(_HOURS, R, C * 1e6, strict=True):
            rows.append(f"{h:.2f}\t{r:.4f}\t{_NOISE * r:.4f}\t{c:.4f}\t{_NOISE * c:.4f}")
        (folder / f"cell_{k + 1}_rest_4.3V.txt").write_text("\n".join(rows) + "\n")
    (folder / "dualyte.toml").write_text('kind = "growth"\narea = "0.785 cm2"\n', encoding="utf-8")
    return {
        "growth_rate": ("growth_rate", _RATE),
        "start_resistance": ("resistance", _START),
        "relative_growth": ("relative_growth", _RATE / _START),
        "growth_asr": ("growth_asr", _RATE * _AREA),
        "growth_exponent": ("exponent", 0.5),
        "elastance_growth": ("elastance_growth", _ELASTANCE * _RATE / _START),
    }
