"""Temperature, pressure and replicate number from the names people give to files."""

from __future__ import annotations

import re
from typing import Final

_ZERO_CELSIUS: Final = 273.15
_NUMBER: Final = r"(\d+(?:[.,p]\d+)?)"
_END: Final = r"(?![A-Za-z0-9])"
#: a minus: the sign after a separator, or m, minus, neg after one; a hyphen after a letter or
#: digit only separates
_MINUS: Final = r"(?:(?<![A-Za-z0-9])(?:(-)|(m|minus|neg)[_ ]?)|(?<=(?<![A-Za-z0-9])T)(-))?"
_CELSIUS: Final = re.compile(
    rf"{_MINUS}(?<![\d.,p]){_NUMBER}[_ ]?(°[_ ]?C|deg[_ ]?C?|oC|C|celsius){_END}"
)
_KELVIN: Final = re.compile(rf"(?<![A-Za-z\d.,p]){_NUMBER}[_ ]?K{_END}")
_PRESSURE: Final = re.compile(
    rf"(?<![\d.,p]){_NUMBER}[_ ]?(MPa|kPa|GPa|Pa|bar){_END}", re.IGNORECASE
)
_PASCALS: Final = {"mpa": 1e6, "kpa": 1e3, "gpa": 1e9, "pa": 1.0, "bar": 1e5}
_REPLICATE: Final = re.compile(
    r"[_ .-]*(?:\(\d+\)|(?:[_ .-](?:rep|repeat|replicate|run|meas|sweep|scan|loop|r|n|no)"
    r"[_ .-]?|#)\d+|_\d{1,3})$",
    re.IGNORECASE,
)


def _float(text: str) -> float:
    return float(text.replace(",", ".").replace("p", "."))


def temperatures(name: str) -> tuple[list[float], list[str]]:
    """Every temperature [K] that a name holds, and what was not taken for one.

    Examples
    --------
    >>> temperatures("cell1_-40C_55MPa")[0], temperatures("s04147-140deg")[0]
    ([233.15], [413.15])
    >>> temperatures("cell_m20C")[0], temperatures("LPSCl_298.15K_b")[0]
    ([253.15], [298.15])
    >>> temperatures("cell1_2C_55MPa")[0]
    [275.15]
    >>> temperatures("rate_2C_CP_C08")
    ([], ["took '2C' in the name for a rate of charge; write 2degC for a temperature"])
    """
    name = name.replace("−", "-").replace("–", "-")
    found, said = [], []
    for match in _CELSIUS.finditer(name):
        sign = -1.0 if match[1] or match[2] or match[3] else 1.0
        number = sign * _float(match[4])
        if match[5] == "C" and 0 < number < 4 and not _PRESSURE.search(name):
            said.append(
                f"took {match[4] + 'C'!r} in the name for a rate of charge; write "
                f"{match[4]}degC for a temperature"
            )
        elif number > -_ZERO_CELSIUS:
            found.append(round(number + _ZERO_CELSIUS, 9))
    found += [_float(match[1]) for match in _KELVIN.finditer(name) if _float(match[1]) >= 100]
    return sorted(set(found)), said


def pressures(name: str) -> list[float]:
    """Every pressure [Pa] that a name holds.

    >>> pressures("cell1_-40C_55MPa"), pressures("a_5.5MPa"), pressures("b_5p5MPa_run2")
    ([55000000.0], [5500000.0], [5500000.0])
    """
    found = {_float(m[1]) * _PASCALS[m[2].lower()] for m in _PRESSURE.finditer(name)}
    return sorted(found)


def without_replicate(stem: str) -> str:
    """A name without its replicate number, so that replicates share it.

    >>> without_replicate("cell1_25C_rep2"), without_replicate("cell1_25C (3)")
    ('cell1_25C', 'cell1_25C')
    >>> without_replicate("cell1_25C")
    'cell1_25C'
    """
    shorter = _REPLICATE.sub("", stem)
    return shorter or stem
