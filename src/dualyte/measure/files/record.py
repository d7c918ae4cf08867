"""Record: what a cycler logged, row by row, whatever the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """What a cycler logged, row by row, in SI; current is positive on charge. Read-only.

    Raises
    ------
    InputError
        If the columns differ in length, are empty, or hold a number that is not finite; if time
        or a counter of charge falls.
    """

    time: Floats  #: (m,) s since the test began, never falls
    voltage: Floats  #: (m,) V
    current: Floats  #: (m,) A, positive on charge
    charged: Floats | None = None  #: (m,) C, all that was charged since the test began, never falls
    discharged: Floats | None = None  #: (m,) C, likewise; None where the file counts neither
    cycle: Integers | None = None  #: (m,) as in the file
    step: Integers | None = None  #: (m,) as in the file
    temperature: Floats | None = None  #: (m,) K
    name: str = ""
    file: str = ""
    form: str = ""  #: format, such as "Arbin .res"
    started: float | None = None  #: POSIX time of the first row, where the file tells it
    facts: Mapping[str, float] = field(default_factory=dict)  #: SI, such as mass and area
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes: set[int] = set()
        for word in ("time", "voltage", "current", "charged", "discharged", "temperature"):
            if (column := getattr(self, word)) is None:
                continue
            column = np.array(column, dtype=np.float64).ravel()
            if word != "temperature" and not np.isfinite(column).all():
                row = int(np.argmin(np.isfinite(column))) + 1
                raise InputError(f"{self.title}: row {row} of {word} is not a finite number")
            if word in ("time", "charged", "discharged") and (np.diff(column) < 0).any():
                row = int(np.argmax(np.diff(column) < 0)) + 2
                raise InputError(f"{self.title}: {word} falls at row {row}; put the rows in order")
            self._put(word, column, sizes)
        for word in ("cycle", "step"):
            if (numbers := getattr(self, word)) is not None:
                self._put(word, np.array(numbers, dtype=np.int64).ravel(), sizes)
        if len(sizes) > 1 or sizes == {0}:
            raise InputError(
                f"{self.title}: its columns have {' and '.join(map(str, sorted(sizes)))} rows; "
                "give as many of each, and one or more"
            )

    def _put(self, word: str, column: npt.NDArray[np.generic], sizes: set[int]) -> None:
        column.setflags(write=False)
        sizes.add(column.size)
        object.__setattr__(self, word, column)

    def __len__(self) -> int:
        return int(self.time.size)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name or self.file or "record"
