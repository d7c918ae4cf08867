"""Resistances and capacitances against time, from tables and from series of spectra."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.conductivity.tables import first_tables
from dualyte.measure.files.grid import Grid
from dualyte.measure.files.quantity_columns import QuantityColumn, quantity_column
from dualyte.measure.files.sidecar import facts
from dualyte.vocabulary import Floats, show

if TYPE_CHECKING:
    from dualyte.circuit.spectrum import Spectrum
    from dualyte.measure.eis import Fit

TIME: Final = ("time", "t", "(elapsed|rest|test|total) time", "time at rest")
VOLTAGE: Final = (
    "voltage",
    "U",
    "E",
    "V",
    "potential",
    "(cell )?(voltage|potential)",
    "Ewe",
    "Ecell",
)
_NAMED: Final = ("cei", "int(erphase)?", "film", "he", "ct", "mf", "lf", "ws")
RESISTANCE: Final = (
    "R", "resistance", *(f"R[ _-]?{name}" for name in _NAMED),
    "(inter(phase|face)|film) resistance", "ASR",
)  # fmt: skip
CAPACITANCE: Final = (
    "C", "capacitance", *(f"C[ _-]?{name}" for name in _NAMED),
    "(inter(phase|face)|film) capacitance",
)  # fmt: skip
_TIMED: Final = re.compile(
    r"[_ .-]*(?<![A-Za-z0-9])t?[_ ]?(\d+(?:[.,p]\d+)?)[_ ]?(hours?|hrs?|h|min|days?|d|s)"
    r"(?![A-Za-z0-9])"
)
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "d": 86400.0, "s": 1.0}
Bools = npt.NDArray[np.bool_]
_FAR: Final = 1.0  # spans of the record after which its own zero of time is not that of growth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthSeries:
    """One cell over time. Read-only."""

    name: str
    time: Floats  #: (n,) s
    resistance: Floats  #: (n,) Ω of the cell, nan where there is none
    resistance_spread: Floats | None = None  #: (n,) Ω
    capacitance: Floats | None = None  #: (n,) F of the cell
    capacitance_spread: Floats | None = None
    voltage: Floats | None = None  #: (n,) V
    area: float | None = None  #: m²
    files: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            column = getattr(self, field.name)
            if isinstance(column, np.ndarray):
                column = np.array(column, dtype=np.float64)
                column.setflags(write=False)
                object.__setattr__(self, field.name, column)


def looks_like(path: Path, head: bytes) -> str | None:
    """Name of the format if a file is a table of resistances over time, else None."""
    found = first_tables(path, head)
    return "table of resistances over time" if any(map(_is_table, found)) else None


def _is_table(grid: Grid) -> bool:
    try:
        R = quantity_column(grid, RESISTANCE, ("resistance", "asr"))
        return R is not None and quantity_column(grid, TIME, ("time",)) is not None
    except InputError:
        return False


def read_table(path: Path, grid: Grid, column: str, area: float | None) -> GrowthSeries:
    """Read R, C and U over time from a table.

    Raises
    ------
    InputError
        If it has no time, or neither R nor C, or a unit is wrong.
    """
    said, warned = list(grid.changes), list[str]()
    beside = facts(path)
    if area is None and "area" in beside:
        area = float(beside["area"].value)
        said.append(f"took the area from {beside['area'].source}")
    time = quantity_column(grid, TIME, ("time",))
    if time is None:
        raise InputError(
            f"{path.name}: no column is the time; head one 'time / h' (it has "
            f"{', '.join(grid.headings) or 'no headings'})"
        )
    wanted = (re.escape(column),) if column else RESISTANCE
    R = quantity_column(grid, wanted, ("resistance", "asr"))
    if R is None and column:
        raise InputError(
            f"{path.name}: no column is called {column!r}; it has {', '.join(grid.headings)}"
        )
    R = _other(grid, R, said)
    C = _same_arc(grid, R)
    U = quantity_column(grid, VOLTAGE, ("voltage",))
    if R is None and C is None:
        raise InputError(
            f"{path.name}: no column is a resistance or capacitance; head one 'R / ohm' (it has "
            f"{', '.join(grid.headings)})"
        )
    n = len(grid)
    resistance = np.full(n, np.nan) if R is None else R.values * _size(path, R, area)
    kept = np.isfinite(time.values)
    if R is not None:
        kept = kept & np.isfinite(resistance)
    if not kept.all():
        said.append(f"left out {int((~kept).sum())} of {n} rows without a number")
    if R is not None and (resistance[kept] <= 0).any():
        row = int(np.nonzero(kept & ~(resistance > 0))[0][0]) + 1
        raise InputError(f"{path.name}, row {row} of {R.heading!r}: a resistance is positive")
    group = beside.get("group")
    return _begun(
        GrowthSeries(
            name=str(group.value) if group else path.stem, time=time.values[kept],
            resistance=resistance[kept], files=(path.name,), area=area,
            resistance_spread=_spread(path, R, area, kept),
            capacitance=None if C is None else C.values[kept] * _size(path, C, area),
            capacitance_spread=_spread(path, C, area, kept),
            voltage=None if U is None else U.values[kept],
        ),
        said, warned,
    )  # fmt: skip


def _other(grid: Grid, R: QuantityColumn | None, said: list[str]) -> QuantityColumn | None:
    """Without a named column: the one of several resistances that grows most."""
    if R is not None:
        return R
    names = [n for n in grid.names if re.fullmatch(r"R[ _-]?\w+", n)]
    found = [quantity_column(grid, (re.escape(n),), ("resistance", "asr")) for n in names]
    several = [f for f in found if f is not None and np.isfinite(f.values).sum() > 2]
    if not several:
        return None
    most = max(several, key=lambda f: float(np.nanmax(f.values[-2:]) - np.nanmin(f.values[:2])))
    if len(several) > 1:
        said.append(
            f"took {most.heading!r}, which grows most of {', '.join(f.heading for f in several)}; "
            "choose another with column"
        )
    return most


def _same_arc(grid: Grid, R: QuantityColumn | None) -> QuantityColumn | None:
    """The capacitance of the resistance: C_cei for R_cei."""
    words = ("cell_capacitance", "capacitance")
    if R is not None and (tag := re.match(r"R[ _-]?(\w+)", R.heading)):
        own = quantity_column(grid, (f"C[ _-]?{re.escape(tag[1])}",), words)
        if own is not None:
            return own
    return quantity_column(grid, CAPACITANCE, words)


def _size(path: Path, column: QuantityColumn, area: float | None) -> float:
    """What a column is multiplied by to be that of the cell."""
    if column.quantity not in ("asr", "capacitance"):
        return 1.0
    if area is None:
        raise InputError(
            f"{path.name}: {column.heading!r} is per area; give the area, such as "
            'area=q("0.785 cm2")'
        )
    return 1 / area if column.quantity == "asr" else area


def _spread(
    path: Path, column: QuantityColumn | None, area: float | None, kept: Bools
) -> Floats | None:
    if column is None or column.spread is None:
        return None
    s = column.spread[kept] * _size(path, column, area)
    if not (np.isfinite(s) & (s > 0)).all():
        raise InputError(
            f"{path.name}: a standard deviation of {column.heading!r} is not positive; fill the "
            "column or leave it out"
        )
    return np.asarray(s)


def _begun(series: GrowthSeries, said: list[str], warned: list[str]) -> GrowthSeries:
    """Count time from the first point where the record's own zero is far before it."""
    from dataclasses import replace

    t = series.time
    if t.size and (t < 0).any():
        raise InputError(f"{series.name}: a time is negative; count it from where growth begins")
    first, span = (float(t.min()), float(np.ptp(t))) if t.size else (0.0, 0.0)
    if first > _FAR * span > 0:
        said.append(f"{series.name}: counted time from the first point, {show('time', first)}")
        series = replace(series, time=t - first)
    return replace(series, changes=tuple(said), warnings=tuple(warned))


# ---------------------------------------------------------------- spectra


def time_of(name: str) -> float | None:
    """Time [s] that a name holds, if it holds just one.

    >>> time_of("cell1_4.3V_60C_18h"), time_of("rest 30min"), time_of("cell_C10_60C")
    (64800.0, 1800.0, None)
    """
    found = {
        float(m[1].replace(",", ".").replace("p", ".")) * _SECONDS[m[2][0]]
        for m in _TIMED.finditer(name)
    }
    return found.pop() if len(found) == 1 else None


def sample_of(path: Path) -> str:
    """Which cell a spectrum belongs to: the group of a sidecar, else its name less the time."""
    group = facts(path).get("group")
    if group is not None:
        return str(group.value)
    return _TIMED.sub("", path.stem).strip("_ .-") or path.stem


def times_of(spectra: Sequence[Spectrum], interval: float | None, said: list[str]) -> Floats:
    """When each spectrum was measured [s]: the interval, else names, else the files' own time.

    Raises
    ------
    InputError
        If nothing tells.
    """
    if interval is not None:
        said.append(f"spectra are {show('time', interval)} apart, as given")
        return np.arange(len(spectra), dtype=np.float64) * interval
    named = [time_of(Path(s.file).stem) for s in spectra]
    if all(t is not None for t in named) and len(set(named)) == len(named):
        said.append("took the times from the names")
        return np.array(named, dtype=np.float64)
    own = [float(s.time.min()) if s.time is not None else np.nan for s in spectra]
    files = {s.file for s in spectra}
    if np.isfinite(own).all() and len(files) == 1 and (np.diff(own) > 0).all():
        said.append("took the times of the file, at which each sweep began")
        return np.array(own)
    raise InputError(
        f"{Path(spectra[0].file).name} and {len(spectra) - 1} more: nothing tells when the spectra "
        'were measured; give interval=q("2 h"), or times in the names (cell_2h.mpr)'
    )


def from_spectra(
    name: str, spectra: Sequence[Spectrum], circuit: str, arc: str, interval: float | None
) -> GrowthSeries:
    """Fit spectra with one circuit, and follow the arc that grows.

    Raises
    ------
    InputError
        If there are too few spectra, no times, or no arc.
    """
    from dualyte.circuit.strings import write
    from dualyte.measure.eis import fit_spectrum

    said: list[str] = []
    if len(spectra) < 3:
        raise InputError(
            f"{name}: {len(spectra)} spectra cannot tell growth; give three or more of one cell"
        )
    t = times_of(spectra, interval, said)
    order = np.argsort(t, kind="stable")
    ordered = [spectra[k] for k in order]
    last = fit_spectrum(ordered[-1], circuit)
    fits = [fit_spectrum(s, last.circuit if circuit == "auto" else circuit) for s in ordered[:-1]]
    fits.append(last)
    label = arc or _growing(name, fits, said)
    said.append(
        f"fitted every spectrum with {write(last.model.circuit)}; R and C are of arc {label}"
    )
    R, dR = _followed(name, fits, f"R_{label}", 1.0)
    C, dC = _followed(name, fits, f"C_{label}", -1.0)
    poor = [f"{fit.spectrum.title}: {flag}" for fit in fits for flag in fit.flags
            if "misses the data" in flag or "not settled" in flag]  # fmt: skip
    said += [change for s in spectra for change in s.changes]
    return _begun(
        GrowthSeries(
            name=name, time=t[order], resistance=R, resistance_spread=dR, capacitance=C,
            capacitance_spread=dC, area=spectra[0].area,
            files=tuple(dict.fromkeys(Path(s.file).name for s in ordered)),
        ),
        list(dict.fromkeys(said)), poor,
    )  # fmt: skip


def _growing(name: str, fits: Sequence[Fit], said: list[str]) -> str:
    labels = [a.label for a in fits[-1].estimate.arcs if f"R_{a.label}" in fits[0].values]
    if not labels:
        raise InputError(f"{name}: the circuit has no arc whose growth could be followed")
    rise = {
        label: fits[-1].values[f"R_{label}"].si - fits[0].values[f"R_{label}"].si
        for label in labels
    }
    most = max(rise, key=lambda label: rise[label])
    if len(labels) > 1:
        said.append(f"arc {most} grows most of {', '.join(labels)}; choose another with arc")
    return most


def _followed(name: str, fits: Sequence[Fit], key: str, power: float) -> tuple[Floats, Floats]:
    """A number of every fit, of the cell, with its spread."""
    values = [fit.values.get(key) for fit in fits]
    if any(v is None for v in values):
        known = ", ".join(n for n in fits[-1].values if n.startswith("R"))
        raise InputError(f"{name}: no arc of the circuit gives {key}; its resistances are {known}")
    area = fits[0].spectrum.area
    size = 1.0 if area is None else area**-power
    si = np.array([v.si for v in values if v is not None]) * size
    share = np.array(
        [v.spread if v.law == "log-normal" else v.spread / v.si for v in values if v is not None]
    )
    return np.asarray(si), np.asarray(si * np.maximum(share, 1e-6))
