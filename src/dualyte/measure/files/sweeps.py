"""From a table to sweeps: units, signs, loops, and the checks that every import runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.files.columns import Head, headings, missing
from dualyte.measure.files.table import Sheet
from dualyte.vocabulary import Floats

_FREQUENCIES: Final = (1e-7, 1e12)  # plausible, Hz
_MODULI: Final = (1e-9, 1e14)  # plausible, Ω
FEWEST: Final = 5  #: distinct frequencies of a spectrum
_ZERO_CELSIUS: Final = 273.15

Complexes = npt.NDArray[np.complex128]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One run over the frequencies."""

    frequency: Floats  #: (m,) Hz
    z: Complexes  #: (m,) Ω
    time: Floats | None = None  #: (m,) s
    loop: int = 0
    title: str = ""
    facts: dict[str, float] = field(default_factory=dict)  #: SI, from columns and head
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """A table whose columns have a meaning, in SI."""

    frequency: Floats
    z: Complexes
    others: dict[str, Floats]  #: time, temperature, pressure, loop, cycle
    lines: Indices  #: (m,) row of the table


def sweeps(name: str, sheet: Sheet, *, area: float | None = None) -> list[Sweep]:
    """Every sweep of a table, checked.

    Parameters
    ----------
    name
        The file, for messages.
    sheet
        The table.
    area
        Electrode area [m²], needed where the file gives area-specific numbers.

    Raises
    ------
    InputError
        If columns are missing, too few points remain, or the numbers are implausible.
    """
    said = list(sheet.changes)
    table = _finite(name, sheet, _meant(name, sheet, area, said), said)
    labels = _loops(sheet, table, said)
    pieces = [piece for rows in labels for piece in _runs(table.frequency, rows)]
    whole = [rows for rows in pieces if np.unique(table.frequency[rows]).size >= FEWEST]
    if not whole:
        most = max((np.unique(table.frequency[rows]).size for rows in pieces), default=0)
        raise InputError(
            f"{name}, {sheet.where}: only {most} distinct frequencies; a spectrum needs at "
            f"least {FEWEST}"
        )
    if len(pieces) > len(whole):
        said.append(
            f"left out {len(pieces) - len(whole)} of {len(pieces)} loops, which have fewer than "
            f"{FEWEST} frequencies"
        )
    if len(whole) > 1:
        said.append(f"kept {len(whole)} loops apart")
    return [_sweep(name, sheet, table, rows, k, said) for k, rows in enumerate(whole)]


def _sweep(
    name: str, sheet: Sheet, table: _Columns, rows: Indices, loop: int, said: Sequence[str]
) -> Sweep:
    frequency, z = table.frequency[rows], table.z[rows]
    own = list(said)
    if not _sign_is_sure(sheet):
        z = _signed(frequency, z, own)
    _check(name, frequency, z, own)
    facts = dict(sheet.facts)
    for word in ("temperature", "pressure"):
        if word in table.others:
            mean = _mean(table.others[word][rows], word, own)
            facts |= {} if mean is None else {word: mean}
    time = table.others.get("time")
    return Sweep(
        frequency=frequency,
        z=z,
        time=None if time is None or not np.isfinite(time[rows]).all() else time[rows],
        loop=loop,
        title=sheet.title,
        facts=facts,
        changes=tuple(own),
    )


def _mean(values: Floats, word: str, said: list[str]) -> float | None:
    """Mean of a column of temperatures or pressures, unless it is what an absent sensor says."""
    low, high = {"temperature": (100.0, 2000.0), "pressure": (1e3, 1e10)}[word]
    good = values[np.isfinite(values) & (low <= values) & (values <= high)]
    if not good.size:
        said.append(f"ignored the column of {word}, which holds no plausible number")
        return None
    return float(good.mean())


# ---------------------------------------------------------------- columns


def _meant(name: str, sheet: Sheet, area: float | None, said: list[str]) -> _Columns:
    """Numbers of the columns that mean something, in SI."""
    if not sheet.names:
        return _by_place(name, sheet, said)
    heads = headings(sheet.names, sheet.units)
    if lack := missing(heads):
        raise InputError(
            f"{name}, {sheet.where}: among the columns {', '.join(sheet.names)} is none for "
            f"{lack}; name the columns freq/Hz, Z'/Ohm, Z''/Ohm"
        )
    at: dict[str, int] = {}
    for k, head in enumerate(heads):
        if head.role:
            at.setdefault(head.role, k)

    def column(role: str) -> Floats:
        return _si(name, sheet.rows[:, at[role]], heads[at[role]], area, said)

    frequency = column("frequency" if "frequency" in at else "omega")
    if "frequency" not in at and not heads[at["omega"]].unit:
        frequency = frequency / (2 * np.pi)
        said.append(f"took {heads[at['omega']].text!r} as angular frequency in rad/s")
    if "re" in at and "im" in at:
        z = column("re") + 1j * column("im")
        if "modulus" in at:
            _compare(z, column("modulus"), heads[at["modulus"]], said)
    else:
        modulus = column("modulus")
        angle = _angle(frequency, modulus, column("phase"), heads[at["phase"]], said)
        z = modulus * np.exp(1j * angle)
        said.append("computed Re and Im from modulus and phase")
    others = ("time", "temperature", "pressure", "loop", "cycle")
    found = {role: column(role) for role in others if role in at}
    rows = np.arange(len(frequency))
    return _Columns(frequency=frequency, z=z, others=found, lines=rows)


def _si(name: str, numbers: Floats, head: Head, area: float | None, said: list[str]) -> Floats:
    """A column in SI, with its sign; says what was converted."""
    if head.role == "temperature":
        return numbers if head.unit == "K" else numbers + _ZERO_CELSIUS
    values = numbers * head.factor
    if head.per_area:
        if area is None:
            raise InputError(
                f"{name}: {head.text!r} is in {head.unit}, per area; give area=, such as "
                'q("1.13 cm2"), so that the impedance of the cell can be told'
            )
        values = values / area
        said.append(f"divided {head.text!r} ({head.unit}) by the electrode area")
    elif head.factor != 1 and head.role not in ("time", "phase"):
        unit = {"frequency": "Hz", "omega": "Hz", "pressure": "Pa"}
        said.append(f"converted {head.text!r} from {head.unit} to {unit.get(head.role, 'ohm')}")
    return -values if head.negative else values


def _compare(z: Complexes, modulus: Floats, head: Head, said: list[str]) -> None:
    """Say so if the modulus in the file is not that of its real and imaginary parts."""
    known = np.isfinite(z) & np.isfinite(modulus) & (modulus > 0) & (np.abs(z) > 0)
    if known.sum() >= FEWEST:
        off = np.abs(np.abs(z[known]) / modulus[known] - 1)
        if float(np.median(off)) > 0.01:
            said.append(
                f"the column {head.text!r} differs from the modulus of Re and Im by "
                f"{100 * float(np.median(off)):.2g} % (median); used Re and Im"
            )


def _angle(
    frequency: Floats, modulus: Floats, phase: Floats, head: Head, said: list[str]
) -> Floats:
    """Phase in radian; without a unit, the one that fits how the modulus changes."""
    if head.unit:
        return phase
    known = np.isfinite(frequency) & np.isfinite(modulus) & np.isfinite(phase)
    known &= (frequency > 0) & (modulus > 0)
    degrees = True
    if np.any(known) and float(np.abs(phase[known]).max()) <= np.pi / 2:
        f, log = _ordered(frequency[known], np.log(modulus[known]))
        _, angle = _ordered(frequency[known], phase[known])
        if f.size >= FEWEST:  # Bode: phase ≈ π/2 d ln|Z| / d ln ω
            bode = np.pi / 2 * np.gradient(log, np.log(f))
            degrees = float(np.sum(angle**2)) > 180 / np.pi * float(np.sum(bode**2))
    said.append(f"took {head.text!r} in {'degrees' if degrees else 'radian'}")
    return np.asarray(np.radians(phase) if degrees else phase)


def _by_place(name: str, sheet: Sheet, said: list[str]) -> _Columns:
    """Frequency, real and imaginary part of a table without headings."""
    rows = sheet.rows
    if _counts(rows[:, 0]) and rows.shape[1] > 3 and _is_frequency(rows[:, 1]):
        rows = rows[:, 1:]
        said.append("left out the first column, which counts the rows")
    first = 0
    if not _is_frequency(rows[:, 0]):
        others = [k for k in range(rows.shape[1]) if _is_frequency(rows[:, k])]
        if len(others) != 1:
            raise InputError(
                f"{name}, {sheet.where}: without headings, the columns are frequency, real and "
                "imaginary part, but the first is no series of positive frequencies over a "
                "decade or more; name the columns freq/Hz, Z'/Ohm, Z''/Ohm"
            )
        first = others[0]
        said.append(f"took column {first + 1} as the frequency: it alone is positive and sorted")
    rest = [k for k in range(rows.shape[1]) if k != first]
    re, im = rows[:, rest[0]], rows[:, rest[1]]
    known = np.isfinite(re) & np.isfinite(im)
    if np.mean(re[known] < 0) > 0.5 and np.all(im[known] >= 0):
        re, im = im, re
        said.append(
            "swapped the columns of the real and imaginary part: the first is mostly negative, "
            "the second never"
        )
    what = "frequency [Hz], real and imaginary part [ohm]"
    more = f", the first of {rows.shape[1]}" if rows.shape[1] > 3 else ""
    said.append(f"took the columns without headings as {what}{more}")
    lines = np.arange(len(rows))
    return _Columns(frequency=rows[:, first], z=re + 1j * im, others={}, lines=lines)


def _counts(column: Floats) -> bool:
    return bool(np.all(np.diff(column) == 1) and column[0] in (0, 1))


def _is_frequency(column: Floats) -> bool:
    """Positive, and sorted but for the starts of further sweeps."""
    known = column[np.isfinite(column)]
    if known.size < FEWEST or np.any(known < 0) or np.ptp(known) == 0:
        return False
    if known.max() < 10 * known[known > 0].min():  # spectra span decades
        return False
    steps = np.sign(np.diff(known))
    steps = steps[steps != 0]
    return bool(max(np.mean(steps > 0), np.mean(steps < 0)) >= 0.9)


# ---------------------------------------------------------------- rows


def _finite(name: str, sheet: Sheet, table: _Columns, said: list[str]) -> _Columns:
    """Leave out rows that are no measurement, and say how many."""
    f, z = table.frequency, table.z
    reasons = (
        (~(np.isfinite(f) & np.isfinite(z)), "in which a number is missing"),
        (f == 0, "with f = 0 (direct current)"),
        (f < 0, "with a negative frequency"),
        (z == 0, "with Z = 0 (nothing measured)"),
    )
    keep = np.ones(f.size, dtype=np.bool_)
    for bad, why in reasons:
        if count := int((bad & keep).sum()):
            said.append(f"dropped {count} of {f.size} rows {why}")
            keep &= ~bad
    if not keep.any():
        raise InputError(
            f"{name}, {sheet.where}: no row has a positive frequency and an impedance; "
            "export the impedance again"
        )
    return _Columns(
        frequency=f[keep],
        z=z[keep],
        others={role: values[keep] for role, values in table.others.items()},
        lines=table.lines[keep],
    )


def _loops(sheet: Sheet, table: _Columns, said: list[str]) -> list[Indices]:
    """Rows of each loop, by what the file says of loops."""
    everything = np.arange(table.frequency.size)
    if sheet.loops is not None:
        labels: npt.NDArray[Any] = sheet.loops[table.lines]
    elif "loop" in table.others:
        labels = table.others["loop"]
    elif "cycle" in table.others:
        labels = table.others["cycle"]
    else:
        return [everything]
    found = [everything[labels == label] for label in dict.fromkeys(labels.tolist())]
    found = [rows for rows in found if rows.size]
    if sheet.loops is not None or "loop" in table.others or len(found) < 2:
        return found or [everything]
    joined = [found[0]]  # a cycle may be counted up in the middle of a sweep
    for rows in found[1:]:
        if _goes_on(table.frequency, joined[-1], rows):
            joined[-1] = np.concatenate([joined[-1], rows])
        else:
            joined.append(rows)
    if len(joined) < len(found):
        said.append("joined cycles that count up in the middle of a sweep")
    return joined


def _goes_on(frequency: Floats, one: Indices, other: Indices) -> bool:
    """Whether a run over the frequencies goes on from one group of rows to the next."""
    both = np.log(frequency[np.concatenate([one, other])])
    steps = np.sign(np.diff(both))
    across = steps[one.size - 1]
    return bool(across != 0 and np.all(steps == across))


def _runs(frequency: Floats, rows: Indices) -> list[Indices]:
    """Split rows where the frequency turns back, if that gives two or more full sweeps."""
    f = np.log(frequency[rows])
    starts, way = [0], 0.0
    steps = np.sign(np.diff(f))
    for k, step in enumerate(steps, 1):
        if way and step == -way:
            again = k > 1 and steps[k - 2] == 0  # the turning point was measured twice
            starts.append(k - 1 if again else k)
            way = float(step) if again else 0.0
        elif step:
            way = float(step)
    runs = [np.arange(a, b) for a, b in zip(starts, [*starts[1:], f.size], strict=True)]
    span = np.ptp(f)
    full = [run for run in runs if run.size >= FEWEST and np.ptp(f[run]) >= 0.8 * span]
    return [rows[run] for run in runs] if len(full) > 1 else [rows]


# ---------------------------------------------------------------- checks


def _sign_is_sure(sheet: Sheet) -> bool:
    """A heading with a minus, or an instrument's own format, decides the sign of Im."""
    heads = headings(sheet.names, sheet.units)
    return sheet.literal or any(h.negative for h in heads if h.role in ("im", "phase"))


def _ordered(frequency: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Distinct frequencies, ascending, with the mean of the values at each."""
    f, which, counts = np.unique(frequency, return_inverse=True, return_counts=True)
    return f, np.asarray(np.bincount(which, values) / counts)


def kronig(frequency: Floats, z: Complexes) -> float:
    """How well Im follows from the slope of Re: near 1, or near -1 with the opposite sign.

    The local Kronig relation Im ≈ π/2 · d Re / d ln ω holds roughly for any sum of
    relaxations; it tells the sign of Im from Re alone.

    >>> f = np.logspace(4, 0, 30)
    >>> z = 1 / (1 + 1j * f / 100)
    >>> kronig(f, z) > 0.5, kronig(f, z.conj()) < -0.5
    (True, True)
    """
    f, re = _ordered(frequency, z.real)
    _, im = _ordered(frequency, z.imag)
    if f.size < FEWEST:
        return 0.0
    size = np.hypot(re, im)
    size[size == 0] = 1.0
    slope, im = np.gradient(re, np.log(f)) / size, im / size
    slope = np.clip(slope, -1, 1)  # no single jump may decide
    norm = float(np.sqrt(np.sum(slope**2) * np.sum(im**2)))
    return float(np.sum(slope * im)) / norm if norm > 0 else 0.0


def _signed(frequency: Floats, z: Complexes, said: list[str]) -> Complexes:
    """Turn Im round if most points would be inductive and Re does not bear that out."""
    inductive = int((z.imag > 0).sum())
    if inductive <= z.size / 2:
        return z
    if kronig(frequency, z) > 0.3:
        said.append(
            f"kept the sign of Im though {inductive} of {z.size} points are inductive: the "
            "real part rises with frequency there, as it then must"
        )
        return z
    said.append(
        f"turned the sign of Im round: {inductive} of {z.size} points would be inductive "
        "(name the column -Im or Im to decide)"
        if kronig(frequency, z) > -0.3
        else f"turned the sign of Im round: {inductive} of {z.size} points would be inductive, "
        "against how the real part changes with frequency"
    )
    return np.asarray(z.conj())


def _check(name: str, frequency: Floats, z: Complexes, said: list[str]) -> None:
    """Refuse numbers that are wrong by powers of ten; say what is odd."""
    for what, values, (low, high), unit in (
        ("frequency", frequency, _FREQUENCIES, "Hz"),
        ("modulus", np.abs(z), _MODULI, "ohm"),
    ):
        bad = (values < low) | (values > high)
        if bad.any():
            raise InputError(
                f"{name}: a {what} of {values[bad][0]:.3g} {unit} is not plausible "
                f"({low:g} … {high:g} {unit}); a decimal comma may have been lost, or the "
                "columns are not what their headings say"
            )
    said += _oddities(frequency, z)


def _oddities(frequency: Floats, z: Complexes) -> Iterator[str]:
    if more := int(frequency.size - np.unique(frequency).size):
        yield f"{more} frequencies occur more than once; kept all"
    order = np.argsort(-frequency, kind="stable")
    size = np.log10(np.abs(z[order]))
    jumps = np.diff(size)
    if np.any(lone := (np.abs(jumps[:-1]) > 2) & (np.abs(jumps[1:]) > 2)
              & (jumps[:-1] * jumps[1:] < 0)):  # fmt: skip
        at = frequency[order][1:-1][lone][0]
        yield f"the modulus at {at:.4g} Hz is off by powers of ten from both neighbours"
    if negative := int((z.real < 0).sum()):
        yield f"the real part is negative at {negative} of {z.size} points"
    if kronig(frequency, z) < -0.6 and np.sqrt(np.mean((z.imag / np.abs(z)) ** 2)) > 0.05:
        yield (
            "the sign of Im is opposite to what the real part implies (Kronig relation); check "
            "which column is which"
        )
