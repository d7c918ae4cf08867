"""Units that indenters write, and columns that mean something, as tables."""

from __future__ import annotations

import re
from typing import Final

from dualyte.errors import InputError

_LENGTHS: Final = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "pm": 1e-12, "A": 1e-10}
_FORCES: Final = {"N": 1.0, "mN": 1e-3, "uN": 1e-6, "nN": 1e-9, "kN": 1e3, "gf": 9.80665e-3}
_STRESSES: Final = {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "GPa": 1e9, "N/mm2": 1e6}
#: quantity: unit as written (µ as u, ^ left out): its size in SI
UNITS: Final[dict[str, dict[str, float]]] = {
    "depth": _LENGTHS | {"micron": 1e-6, "microns": 1e-6},
    "load": _FORCES,
    "time": {"s": 1.0, "sec": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0},
    "stiffness": {f"{f}/{x}": a / b for f, a in _FORCES.items() for x, b in _LENGTHS.items()},
    "compliance": {f"{x}/{f}": b / a for f, a in _FORCES.items() for x, b in _LENGTHS.items()},
    "stress": _STRESSES,
    "area": {f"{x}2": a**2 for x, a in _LENGTHS.items()},
    "rate": {f"{x}/s": a for x, a in _LENGTHS.items()},
    "number": {"": 1.0, "-": 1.0},
}


def unit_size(unit: str, quantity: str, where: str, column: str) -> float:
    """Size of a unit as written, in SI.

    Raises
    ------
    InputError
        If there is none, or it is not one of that quantity.

    Examples
    --------
    >>> unit_size("µN", "load", "a.csv", "Load")
    1e-06
    """
    plain = re.sub(r"[\u00b5\u03bc]", "u", unit.strip()).replace("^", "").replace("²", "2")
    known = UNITS[quantity]
    if plain in known:
        return known[plain]
    usual = {"depth": "nm", "load": "mN", "time": "s", "stiffness": "N/m"}.get(quantity, "")
    if not plain:
        raise InputError(
            f"{where}: the column {column!r} has no unit; write it behind the heading, such as "
            f"'{column} [{usual}]'"
        )
    raise InputError(
        f"{where}: {unit!r} of {column!r} is no unit of {quantity}; known are {', '.join(known)}"
    )
