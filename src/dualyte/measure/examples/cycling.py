"""A reservoir-free cell at falling stack pressure: two replicates as a Neware tester exports them.

Every cycle gives back a known share of what went in, and the discharge bends at 90 % of its depth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.vocabulary import Floats

OPTIONS: Final[dict[str, Any]] = {}  #: all is said in `dualyte.toml`

_MASS, _AREA = 9e-6, 0.785e-4  # kg of cathode active material, m²
_CURRENT: Final = 1.35e-4  # A
_ACTIVATION: Final = (612.0, 0.86)  # C/g charged, and share that comes back
_FIRST: Final = 529.2  # C/g charged in cycle 1
#: MPa and share that comes back in each of its three cycles
_STEPS: Final = ((7.0, 0.996), (5.0, 0.994), (3.0, 0.985), (1.0, 0.96))
_PER_STEP: Final = 3
_SCALES: Final = (1.01, 0.99)  # of the two cells: replicates are 1 % above and below
_SHIFTS: Final = (5e-4, -5e-4)  # of what comes back in each, likewise
_KNEE: Final = 0.9
_SIDECAR: Final = """\
mass = "9 mg"
area = "0.785 cm2"
reservoir_free = true
first = "charge"
activation = [0]
stack = [
  {cycles = "0-3", pressure = "7 MPa"},
  {cycles = "4-6", pressure = "5 MPa"},
  {cycles = "7-9", pressure = "3 MPa"},
  {cycles = "10-12", pressure = "1 MPa"},
]
group = "reservoir-free"
"""
_HEADINGS: Final = (
    "DataPoint,Cycle Index,Step Index,Step Type,Time,Cumulative Time,Current(A),Voltage(V),"
    "Chg. Cap.(Ah),DChg. Cap.(Ah)"
)


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write two cells and their sidecar, and return what is true of their mean.

    Parameters
    ----------
    folder
        Where to write `cell_1.csv`, `cell_2.csv` and `dualyte.toml`.
    seed
        Of the noise of the voltage (0.5 mV).

    Returns
    -------
    dict
        Name of a result: row of the vocabulary, and value in SI.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    cells = [scale * _cycles(by) for scale, by in zip(_SCALES, _SHIFTS, strict=True)]
    for k, cycles in enumerate(cells, 1):
        text = _text(cycles * _MASS * 1e3, rng)
        (folder / f"cell_{k}.csv").write_text(text, encoding="utf-8")
    (folder / "dualyte.toml").write_text(_SIDECAR, encoding="utf-8")
    each = [_truth(cycles) for cycles in cells]
    return {
        name: (word, float(np.mean([truth[name][1] for truth in each])))
        for name, (word, _) in each[0].items()
    }


def _cycles(by: float) -> Floats:
    """What goes in and comes back in each cycle [C/g], (13, 2); `by` more of it than told above."""
    rows = [(_ACTIVATION[0], _ACTIVATION[0] * (_ACTIVATION[1] + by))]
    given = _FIRST
    for _, share in _STEPS:
        for _ in range(_PER_STEP):
            rows.append((given, given * (share + by)))
            given *= share + by  # what did not come back is missing in the next charge
    return np.array(rows)


def _truth(cycles: Floats) -> dict[str, tuple[str, float]]:
    """What is true of one cell."""
    given, back = cycles.T * 1e3
    word = "specific_capacity"
    truth = {
        "charge_capacity_activation": (word, given[0]),
        "discharge_capacity_activation": (word, back[0]),
        "ce_activation": ("efficiency", back[0] / given[0]),
        "charge_capacity_first": (word, given[1]),
        "discharge_capacity_first": (word, back[1]),
        "ce_first": ("efficiency", back[1] / given[1]),
        "discharge_capacity_last": (word, back[-1]),
        "ce_last": ("efficiency", back[-1] / given[-1]),
        "ce_mean": ("efficiency", float(np.mean(back[1:] / given[1:]))),
        "retention": ("per_cent", back[-1] / back[1]),
        "retention_vs_activation": ("per_cent", back[-1] / back[0]),
        "inflection_depth": ("per_cent", _KNEE),
    }
    for k, (held, _) in enumerate(_STEPS):
        mine = slice(1 + k * _PER_STEP, 1 + (k + 1) * _PER_STEP)
        truth[f"discharge_capacity_{held:g}MPa"] = (word, float(back[mine].mean()))
        truth[f"ce_{held:g}MPa"] = ("efficiency", float((back[mine] / given[mine]).mean()))
    return {name: (quantity, float(value)) for name, (quantity, value) in truth.items()}


def _text(cycles: Floats, rng: np.random.Generator) -> str:
    """The export of one cell; `cycles` in C."""
    lines, now, step = [_HEADINGS], 0.0, 0

    def put(kind: str, cycle: int, time: Floats, current: float, volts: Floats) -> None:
        nonlocal now, step
        step += 1
        passed = abs(current) * time / 3600
        zero = np.zeros(time.size)
        into, back = (passed, zero) if current > 0 else (zero, passed)
        for t, v, a, b in zip(time, volts, into, back, strict=True):
            lines.append(
                f"{len(lines)},{cycle},{step},{kind},{_clock(t)},{_clock(now + t)},{current:.8f},"
                f"{v:.4f},{a:.9f},{b:.9f}"
            )
        now += float(time[-1])

    for k, (given, back) in enumerate(cycles):
        rows = 70 if k < 2 else 9  # later cycles are logged coarsely, to keep the file small
        share = np.linspace(0, 1, rows)
        noise = rng.normal(0, 5e-4, (2, rows))
        rest = np.array([0.0, 600.0])
        put("Rest", k + 1, rest, 0.0, np.array([2.9, 2.91]))
        put("CC Chg", k + 1, share * given / _CURRENT, _CURRENT, _up(share) + noise[0])
        put("Rest", k + 1, rest, 0.0, np.array([4.12, 4.1]))
        put("CC DChg", k + 1, share * back / _CURRENT, -_CURRENT, _down(share) + noise[1])
    return "\n".join(lines) + "\n"


def _up(share: Floats) -> Floats:
    return 3.55 + 0.65 * share


def _down(depth: Floats) -> Floats:
    """Two straight lines that meet at the knee."""
    return 4.0 - 0.5 * depth - 9.0 * np.maximum(depth - _KNEE, 0)


def _clock(seconds: float) -> str:
    whole, part = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:03d}"
