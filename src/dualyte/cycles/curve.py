"""Curve: what was recorded during one step, and its incremental capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats, checked

Kind = Literal["charge", "discharge", "rest", "hold"]

_KINDS: Final = ("charge", "discharge", "rest", "hold")
_COUNTED: Final = 0.05  # relative: a counter of charge and the current's integral agree so far
_MOST_BINS: Final = 1_000_000


class SpectrumLike(Protocol):
    """A spectrum by its shape: this module stands beside `circuit` and does not import it."""

    @property
    def frequency(self) -> Floats:
        """(m,) Hz."""

    @property
    def z(self) -> npt.NDArray[np.complex128]:
        """(m,) Ω."""

    @property
    def pressure(self) -> float | None:
        """Stack pressure [Pa]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """What was recorded during one step. Read-only.

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, or time falls.
    """

    kind: Kind
    time: Floats  #: (m,) s since the test began
    voltage: Floats  #: (m,) V
    current: Floats  #: (m,) A, positive on charge
    charge: Floats | None = None  #: (m,) C passed since the step began, ≥ 0; None: from I and t
    cycle: int = 0  #: 0 is the activation cycle
    pressure: float | None = None  #: Pa, stack pressure
    tag: str = ""
    spectrum: SpectrumLike | None = None  #: measured after the step

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InputError(f"a curve is of a {', '.join(_KINDS)}, not of a {self.kind!r}")
        columns = {name: _read_only(getattr(self, name)) for name in ("time", "voltage", "current")}
        if self.charge is None:
            columns["charge"] = _read_only(np.abs(_integral(columns["time"], columns["current"])))
        else:
            columns["charge"] = _read_only(self.charge)
        sizes = {name: column.size for name, column in columns.items()}
        if len(set(sizes.values())) > 1 or not sizes["time"]:
            told = ", ".join(f"{n} of {name}" for name, n in sizes.items())
            raise InputError(
                f"{self.title}: the columns have {told}; give as many, and one or more"
            )
        for name, column in columns.items():
            if not np.isfinite(column).all():
                row = int(np.argmin(np.isfinite(column))) + 1
                raise InputError(f"{self.title}: row {row} of {name} is not a finite number")
            object.__setattr__(self, name, column)
        if (np.diff(columns["time"]) < 0).any():
            row = int(np.argmax(np.diff(columns["time"]) < 0)) + 2
            raise InputError(f"{self.title}: time falls at row {row}; put the rows in order")
        if (columns["charge"] < 0).any():
            raise InputError(
                f"{self.title}: charge passed is negative; give what passed since the step began, "
                "without a sign"
            )
        if self.pressure is not None:
            checked("pressure", self.pressure)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.kind} of cycle {self.cycle}"

    @property
    def passed(self) -> float:
        """Net charge of the step [C], positive on charge."""
        if self.kind == "rest" or self.charge is None:
            return 0.0
        sign = {"charge": 1.0, "discharge": -1.0}.get(self.kind)
        if sign is None:  # a hold may go either way
            sign = float(np.sign(_integral(self.time, self.current)[-1]))
        return sign * float(self.charge[-1])


def incremental_capacity(
    voltage: npt.ArrayLike, charge: npt.ArrayLike, *, width: float = 5e-3
) -> tuple[Floats, Floats]:
    r"""Incremental capacity dQ/dV of a curve whose voltage need not be monotonic.

    .. math:: \left(\frac{dQ}{dV}\right)_k = \frac{1}{w}\sum_i \Delta Q_i\,
              \frac{|[V_i, V_{i+1}] \cap [e_k, e_k + w]|}{|V_{i+1} - V_i|}

    Parameters
    ----------
    voltage : (m,)
        V [V], in the order recorded.
    charge : (m,)
        Q passed since the step began [C].
    width
        Bin width w [V]; edges lie on its multiples.

    Returns
    -------
    voltage, slope : (b,)
        Middle of each bin [V] and dQ/dV [C/V].

    Notes
    -----
    Nothing is divided by a voltage step, so noise, steps and plateaus stay finite; where the
    voltage turns, each pass adds what it passed. Summed over bins, dQ/dV times w is all charge.
    A plateau narrower than w is as high as w lets it be.

    Examples
    --------
    >>> v, slope = incremental_capacity([3.0, 3.02, 3.01, 3.04], [0.0, 2.0, 3.0, 6.0], width=0.02)
    >>> v.round(2).tolist(), slope.round(6).tolist()
    ([3.01, 3.03], [200.0, 100.0])
    """
    V, Q = np.asarray(voltage, dtype=np.float64), np.asarray(charge, dtype=np.float64)
    if V.ndim != 1 or V.shape != Q.shape or V.size < 2:
        raise InputError("dQ/dV needs as many voltages as charges, two or more")
    if not (np.isfinite(V).all() and np.isfinite(Q).all()):
        raise InputError("dQ/dV needs finite voltages and charges; leave out rows without them")
    if not 0 < width < np.inf or np.ptp(V) / width > _MOST_BINS:
        raise InputError(f"width={width:g} V is no width of a bin; give one such as 5e-3")
    low, high = np.minimum(V[:-1], V[1:]) / width, np.maximum(V[:-1], V[1:]) / width
    # a whole number of bins written in decimals misses its edge by rounding: go to the nearest
    low, high = (np.where(np.abs(x - np.rint(x)) < 1e-9, np.rint(x), x) for x in (low, high))
    start = np.floor(low).astype(np.int64)
    spans = np.maximum(np.ceil(high).astype(np.int64) - start, 1)
    owner = np.repeat(np.arange(spans.size), spans)
    within = np.arange(owner.size) - np.repeat(np.cumsum(spans) - spans, spans)
    edge = start[owner] + within
    overlap = np.minimum(high[owner], edge + 1) - np.maximum(low[owner], edge)
    length = (high - low)[owner]
    share = np.divide(overlap, length, out=np.ones_like(overlap), where=length > 0)
    origin = int(start.min())
    amount = np.bincount(edge - origin, weights=share * np.diff(Q)[owner])
    middle = (origin + np.arange(amount.size) + 0.5) * width
    return np.asarray(middle), np.asarray(amount / width)


def check_curve(curve: Curve, title: str) -> None:
    """Refuse a current of the wrong sign, and charge that is not its integral."""
    total = float(_integral(curve.time, curve.current)[-1])
    wrong = {"charge": total < 0, "discharge": total > 0}.get(curve.kind, False)
    if wrong:
        raise InputError(
            f"{title}: the current of the {curve.title} has the wrong sign; it is positive on "
            "charge (PyBaMM's is positive on discharge)"
        )
    off = abs(abs(curve.passed) - abs(total)) > _COUNTED * max(abs(curve.passed), abs(total))
    if curve.kind != "rest" and curve.time.size > 1 and off:
        raise InputError(
            f"{title}: {abs(curve.passed):.4g} C passed in the {curve.title}, but its current sums "
            f"to {abs(total):.4g} C; charge is in C and current in A of the whole cell"
        )


def joined(parts: Sequence[Curve]) -> tuple[Floats, Floats]:
    """Voltage and charge passed of curves end to end; nothing passes between them."""
    voltage, charge, before = [], [], 0.0
    for curve in parts:
        passed = np.asarray(curve.charge)
        # a repeated first point keeps the voltage jump between steps from taking up charge
        voltage += [curve.voltage[:1], curve.voltage]
        charge += [np.array([before]), before + passed]
        before += float(passed[-1])
    return np.concatenate(voltage), np.concatenate(charge)


def _read_only(column: npt.ArrayLike) -> Floats:
    out = np.array(column, dtype=np.float64).ravel()
    out.setflags(write=False)
    return out


def _integral(time: Floats, current: Floats) -> Floats:
    """∫ I dt by trapezia, (m,)."""
    if time.size != current.size:
        return np.zeros(current.size)  # the lengths are refused later, by name
    pieces = np.diff(time) * (current[1:] + current[:-1]) / 2
    return np.concatenate([np.zeros(min(time.size, 1)), np.cumsum(pieces)])
