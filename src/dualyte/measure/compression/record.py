"""Compression: what a frame or a press logged, whatever the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dualyte.errors import InputError
from dualyte.vocabulary import Floats

_COLUMNS = (
    "time", "displacement", "force", "pressure", "height", "relative_density", "bulk_density",
    "strain",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compression:
    """One run of a frame or a press, SI; force and displacement grow on loading. Read-only.

    Raises
    ------
    InputError
        If the columns differ in length or hold a number that is not finite, if time falls, or if
        nothing says how far the sample was compressed.
    """

    time: Floats | None = None  #: (m,) s, never falls
    displacement: Floats | None = None  #: (m,) m, of the crosshead or of a gauge
    force: Floats | None = None  #: (m,) N, as the load cell gave it
    pressure: Floats | None = None  #: (m,) Pa
    height: Floats | None = None  #: (m,) m, of the sample
    relative_density: Floats | None = None  #: (m,)
    bulk_density: Floats | None = None  #: (m,) kg/m3
    strain: Floats | None = None  #: (m,) volumetric, ln(D/D0), grows on densification
    name: str = ""
    file: str = ""
    form: str = ""  #: format, such as "Instron Bluehill csv"
    facts: Mapping[str, float] = field(default_factory=dict)  #: SI: diameter, mass, density, ...
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for word in _COLUMNS:
            if (column := getattr(self, word)) is None:
                continue
            column = np.array(column, dtype=np.float64).ravel()
            if not np.isfinite(column).all():
                row = int(np.argmin(np.isfinite(column))) + 1
                raise InputError(f"{self.title}: row {row} of {word} is not a finite number")
            column.setflags(write=False)
            sizes[word] = int(column.size)
            object.__setattr__(self, word, column)
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{word} {size}" for word, size in sizes.items())
            raise InputError(f"{self.title}: its columns differ in length: {listed}")
        if self.time is not None and (np.diff(self.time) < 0).any():
            row = int(np.argmax(np.diff(self.time) < 0)) + 2
            raise InputError(
                f"{self.title}: time falls at row {row}; put one run into one file, rows in order"
            )
        if self.travel is None:
            raise InputError(
                f"{self.title} says nothing of how far the sample was compressed; give a "
                "displacement, a height or a density"
            )

    def __len__(self) -> int:
        travel = self.travel
        return 0 if travel is None else int(travel.size)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name or self.file or "run"

    @property
    def travel(self) -> Floats | None:
        """The column that says how far the sample was compressed: (m,), or None."""
        for word in ("displacement", "height", "relative_density", "bulk_density", "strain"):
            if (column := getattr(self, word)) is not None:
                return np.asarray(column)
        return None
