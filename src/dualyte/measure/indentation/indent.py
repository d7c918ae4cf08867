"""Indent: what an instrument recorded while a tip was pressed in and drawn back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.indentation.area import AreaFunction
from dualyte.vocabulary import Floats

FEWEST: Final = 20  #: points of a record
_DEEPEST: Final = (1e-9, 2e-3)  # m
_LARGEST: Final = (1e-9, 1e3)  # N
_HARDNESS: Final = (1e5, 4e11)  # Pa, nominal: peak load over 24.5 h²


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file says of an indent besides its record, SI; None where it says nothing."""

    area: AreaFunction | None = None
    poisson_ratio: float | None = None  #: of the sample
    frame_compliance: float | None = None  #: m/N
    drift_rate: float | None = None  #: m/s
    drift_spread: float = 0.0  #: m/s, one standard deviation
    depth_range: tuple[float, float] | None = None  #: m, over which CSM results are averaged
    epsilon: float | None = None  #: geometry factor the instrument used
    hardness: float | None = None  #: Pa, as the instrument computed it
    youngs_modulus: float | None = None  #: Pa, as the instrument computed it
    plane_modulus: float | None = None  #: Pa, E/(1 - ν²), as the instrument computed it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Indent:
    """One indent: time, depth and load, and what the file says of it. Arrays are read-only."""

    file: str
    format: str
    time: Floats  #: (n,) s
    depth: Floats  #: (n,) m, positive into the surface
    load: Floats  #: (n,) N, positive on the surface
    name: str = ""  #: within its file
    stiffness: Floats | None = None  #: (n,) N/m, measured dynamically (CSM); nan where not valid
    reported: Mapping[str, Floats] = field(default_factory=dict)  #: (n,) instrument's own results
    corrected: frozenset[str] = frozenset()  #: of zero, drift, frame: done by the instrument
    facts: Facts = field(default_factory=Facts)
    position: tuple[float, float] | None = None  #: m, on the sample
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for word in ("time", "depth", "load", "stiffness"):
            values = getattr(self, word)
            if values is None:
                continue
            array = np.array(values, dtype=np.float64).ravel()
            if array.size != np.size(self.depth):
                raise InputError(
                    f"{self.title}: {word} has {array.size} points, depth {np.size(self.depth)}; "
                    "give as many of each"
                )
            array.setflags(write=False)
            object.__setattr__(self, word, array)

    def __len__(self) -> int:
        return int(self.depth.size)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.file}, {self.name}" if self.name else self.file


def checked_indent(indent: Indent) -> Indent:
    """Refuse a record that is too short, not finite, or wrong by powers of ten.

    Raises
    ------
    InputError
        With the file, the indent, and the likely fix.
    """
    if len(indent) < FEWEST:
        raise InputError(
            f"{indent.title} has {len(indent)} points; an indent needs {FEWEST} or more, with its "
            "unloading"
        )
    for word in ("time", "depth", "load"):
        if not np.isfinite(getattr(indent, word)).all():
            raise InputError(f"{indent.title}: its {word} is not finite everywhere; export it anew")
    if np.any(np.diff(indent.time) < 0):
        raise InputError(f"{indent.title}: its time runs backwards; export it anew")
    deepest, largest = float(indent.depth.max()), float(indent.load.max())
    for word, size, (low, high), unit in (
        ("depth", deepest, _DEEPEST, "m"),
        ("load", largest, _LARGEST, "N"),
    ):
        if not low <= size <= high:
            raise InputError(
                f"{indent.title}: a greatest {word} of {size:.3g} {unit} is not plausible "
                f"({low:g} … {high:g} {unit}); check its unit, its sign and its decimal mark"
            )
    travel = float(np.ptp(indent.depth))
    nominal = float(np.ptp(indent.load)) / (24.5 * min(deepest, travel) ** 2)
    low, high = _HARDNESS
    if not low <= nominal <= high:
        raise InputError(
            f"{indent.title}: {largest:.3g} N at a depth of {deepest:.3g} m would be a hardness of "
            f"about {nominal:.1e} Pa; check the units of load and depth"
        )
    return indent
