"""Cycles: capacity and efficiency of every cycle, and the curves behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.cycles.curve import Curve, SpectrumLike, check_curve, incremental_capacity, joined
from dualyte.errors import InputError
from dualyte.vocabulary import Floats, checked, show, shown

if TYPE_CHECKING:
    import xarray as xr

Direction = Literal["charge", "discharge"]
Bools = npt.NDArray[np.bool_]

_PARTLY: Final = 1.05  # efficiency above which the first half of a record was surely a part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cycles:
    """Capacity and efficiency of every cycle, and the curves behind them. Read-only.

    Cycle 0 is the activation cycle. A cycle begins with `first`: a full cell is charged first,
    a half-cell against lithium (silver, graphite) is discharged first. Coulombic efficiency is
    what comes back over what went in, so its denominator is the half that comes first.

    Raises
    ------
    InputError
        If lengths differ, cycle numbers do not rise, or a capacity is negative.
    """

    cycle: npt.NDArray[np.int64]  #: (n,)
    charge: Floats  #: (n,) C
    discharge: Floats  #: (n,) C
    pressure: Floats  #: (n,) Pa, NaN where unknown
    tag: tuple[str, ...] = ()  #: (n,)
    first: Direction = "charge"  #: what a cycle begins with
    reservoir_free: bool = False  #: no more can come back than went in (silver half-cells too)
    area: float | None = None  #: m²
    mass: float | None = None  #: kg of cathode active material in the cell
    temperature: float | None = None  #: K
    name: str = ""
    curves: tuple[Curve, ...] = ()
    #: (n,) mask; a cycle left out has no efficiency and no retention
    used: Bools = field(default_factory=lambda: np.ones(0, dtype=np.bool_))
    flags: tuple[str, ...] = ()  #: what a reader must know, in sentences
    stopped: str = ""  #: why the record ends early
    made_from: tuple[object, ...] = ()  #: the nouns it was made from

    def __post_init__(self) -> None:
        number = np.array(self.cycle, dtype=np.int64).ravel()
        put: dict[str, Any] = {"cycle": number}
        for name in ("charge", "discharge", "pressure"):
            put[name] = np.array(getattr(self, name), dtype=np.float64).ravel()
        keep = self.used if np.size(self.used) else np.ones(number.size, dtype=np.bool_)
        put["used"] = np.array(keep, dtype=np.bool_).ravel()
        put["tag"] = tuple(self.tag) or ("",) * number.size
        for name, column in put.items():
            if len(column) != number.size:
                raise InputError(f"{self.title}: {number.size} cycles but {len(column)} of {name}")
            if isinstance(column, np.ndarray):
                column.setflags(write=False)
            object.__setattr__(self, name, column)
        if (np.diff(number) <= 0).any():
            raise InputError(f"{self.title}: cycle numbers do not rise; give each cycle once")
        for name in ("charge", "discharge"):
            if (bad := ~(put[name] >= 0) | ~np.isfinite(put[name])).any():
                worst = int(np.argmax(bad))
                raise InputError(
                    f"{self.title}: {name} of cycle {number[worst]} is {put[name][worst]:g} C; a "
                    "capacity is zero or more, without a sign"
                )
        if (known := put["pressure"][np.isfinite(put["pressure"])]).size:
            checked("pressure", known)
        for name in ("area", "temperature"):
            if (value := getattr(self, name)) is not None:
                checked(name, value)
        if self.mass is not None and not 0 < self.mass < np.inf:
            raise InputError(
                f"mass={self.mass} kg is not positive; give that of the active material"
            )
        if self.first not in ("charge", "discharge"):
            raise InputError(f"first is 'charge' or 'discharge', not {self.first!r}")

    def __len__(self) -> int:
        return int(self.cycle.size)

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name or "cycles"

    # --- efficiency and retention ---

    @property
    def given(self) -> Floats:
        """What went in, in the half that comes first [C], (n,)."""
        return self.charge if self.first == "charge" else self.discharge

    @property
    def returned(self) -> Floats:
        """What came back in the other half [C], (n,)."""
        return self.discharge if self.first == "charge" else self.charge

    @property
    def whole(self) -> Bools:
        """Which cycles are used and have both halves, (n,)."""
        return np.asarray(self.used & (self.charge > 0) & (self.discharge > 0))

    @property
    def ce(self) -> Floats:
        """Coulombic efficiency [1], (n,): returned / given, NaN where a cycle is not whole."""
        out = np.full(len(self), np.nan)
        np.divide(self.returned, self.given, out=out, where=self.whole)
        return out

    @property
    def cumulative_ce(self) -> Floats:
        """All that came back over all that went in, up to each cycle [1], (n,)."""
        given = np.cumsum(self.given)
        out = np.full(len(self), np.nan)
        np.divide(np.cumsum(self.returned), given, out=out, where=given > 0)
        return out

    @property
    def retention_percent(self) -> float:
        """Last discharge over that of cycle 1, the first after activation [%]; NaN without it."""
        return self._retention(1)

    @property
    def retention_vs_activation_percent(self) -> float:
        """Last discharge over that of cycle 0 [%]; NaN without it."""
        return self._retention(0)

    def _retention(self, against: int) -> float:
        begin = np.flatnonzero((self.cycle == against) & self.whole)
        last = np.flatnonzero(self.whole)
        if not begin.size:
            return float("nan")
        return float(100 * self.discharge[last[-1]] / self.discharge[begin[0]])

    # --- per area and per mass ---

    @property
    def specific_charge(self) -> Floats:
        """Charge capacity per mass of active material [C/kg], (n,)."""
        return self._per("mass", self.charge)

    @property
    def specific_discharge(self) -> Floats:
        """Discharge capacity per mass of active material [C/kg], (n,)."""
        return self._per("mass", self.discharge)

    @property
    def areal_charge(self) -> Floats:
        """Charge capacity per area [C/m²], (n,)."""
        return self._per("area", self.charge)

    @property
    def areal_discharge(self) -> Floats:
        """Discharge capacity per area [C/m²], (n,)."""
        return self._per("area", self.discharge)

    def _per(self, name: str, capacity: Floats) -> Floats:
        size = getattr(self, name)
        if size is None:
            unit = {"mass": "9 mg", "area": "0.785 cm2"}[name]
            raise InputError(
                f'{self.title}: no {name} is given; pass one, such as {name}=q("{unit}")'
            )
        return np.asarray(capacity / size)

    # --- parts ---

    @property
    def spectra(self) -> tuple[tuple[int, SpectrumLike], ...]:
        """Cycle number and spectrum, in the order they were measured."""
        return tuple((c.cycle, c.spectrum) for c in self.curves if c.spectrum is not None)

    def pick(self, which: npt.ArrayLike) -> Cycles:
        """Return the cycles that `which` (a mask or indices) names, with their curves.

        `check` is for the whole record: of a part, more may come back than went in.
        """
        index = np.arange(len(self))[np.asarray(which)]
        number = self.cycle[index]
        rows: dict[str, Any] = {
            name: getattr(self, name)[index] for name in ("charge", "discharge", "pressure", "used")
        }
        kept = set(number.tolist())
        return replace(
            self,
            cycle=number,
            tag=tuple(self.tag[k] for k in index),
            curves=tuple(curve for curve in self.curves if curve.cycle in kept),
            **rows,
        )

    def at(self, pressure: float, *, activation: bool = False) -> Cycles:
        """Return the cycles at a stack pressure [Pa]; the activation cycle only if asked for."""
        hits = np.isclose(self.pressure, pressure, rtol=1e-6, atol=0.0)
        if not activation:
            hits &= self.cycle != 0
        if not hits.any():
            held = dict.fromkeys(self.pressure[np.isfinite(self.pressure)].tolist())
            told = ", ".join(show("pressure", p) for p in held) or "none that is known"
            raise InputError(
                f"{self.title}: no cycle at {show('pressure', pressure)}; it was cycled at {told}"
            )
        return self.pick(hits)

    def mask(self, *cycles: int, why: str) -> Cycles:
        """Leave cycles (by number) out of efficiency and retention, and say why."""
        if missing := set(cycles) - set(self.cycle.tolist()):
            raise InputError(f"{self.title}: there is no cycle {min(missing)} to leave out")
        told = ", ".join(str(n) for n in sorted(cycles))
        return replace(
            self,
            used=self.used & ~np.isin(self.cycle, cycles),
            flags=(*self.flags, f"cycle {told} left out: {why}"),
        )

    def dq_dv(
        self, cycle: int, direction: Direction, *, width: float = 5e-3
    ) -> tuple[Floats, Floats]:
        """Incremental capacity of one half of a cycle.

        Parameters
        ----------
        cycle
            Its number.
        direction
            Which half; holds and rests are left out.
        width
            Of a bin [V].

        Returns
        -------
        voltage, slope : (b,)
            Middle of each bin [V] and charge per volt [C/V], positive both ways. See
            `incremental_capacity`.
        """
        parts = [c for c in self.curves if c.cycle == cycle and c.kind == direction]
        if not parts:
            raise InputError(f"{self.title}: cycle {cycle} has no curve of a {direction}")
        voltage, passed = joined(parts)
        return incremental_capacity(voltage, passed, width=width)

    # --- checks ---

    def check(self, *, rtol: float = 1e-9) -> Cycles:
        """Return itself if what must hold for every cell does, else say what is wrong.

        Current has the sign of its step; the charge passed is the integral of the current
        (to 5 %, which finds a wrong unit and forgives coarse logging); time goes on from step
        to step; without a reservoir no more comes back than went in, up to any cycle.

        Parameters
        ----------
        rtol
            Of the last, relative to what went in.

        Raises
        ------
        InputError
            Naming step or cycle.
        """
        now = -np.inf
        for curve in self.curves:
            check_curve(curve, self.title)
            if curve.time[0] < now:
                raise InputError(
                    f"{self.title}: the {curve.title} begins at {curve.time[0]:g} s, before the "
                    f"step before ends ({now:g} s); give time since the test began"
                )
            now = float(curve.time[-1])
        if self.reservoir_free:
            given, returned = np.cumsum(self.given), np.cumsum(self.returned)
            over = returned > given * (1 + rtol)
            if over.any():
                k = int(np.argmax(over))
                raise InputError(
                    f"{self.title}: by cycle {self.cycle[k]} {returned[k]:.6g} C came back but "
                    f"only {given[k]:.6g} C went in: a cell without a lithium reservoir cannot do "
                    "that; "
                    f"look at the sign of the current, or at whether a {self.first} comes first"
                )
        return self

    # --- tables ---

    def rows(self) -> list[dict[str, Any]]:
        """One dict per cycle for tables and JSON; None where a number is not known."""
        table: list[dict[str, Any]] = []
        ce, whole = 100 * self.ce, {"charge": self.charge, "discharge": self.discharge}
        per_mass = {
            name: shown("specific_capacity", y / self.mass)
            if self.mass
            else np.full(len(self), np.nan)
            for name, y in whole.items()
        }
        for k, number in enumerate(self.cycle.tolist()):
            row: dict[str, Any] = {"cycle": number}
            row |= {f"{name}_mAh_g": _known(y[k]) for name, y in per_mass.items()}
            row["ce_percent"] = _known(ce[k])
            row["pressure_MPa"] = _known(float(shown("pressure", self.pressure[k])))
            if self.area:
                row |= {
                    f"{n}_mAh_cm2": float(shown("areal_capacity", y[k] / self.area))
                    for n, y in whole.items()
                }
            row["tag"] = self.tag[k]
            table.append(row)
        return table

    def to_dataset(self) -> xr.Dataset:
        """Return it as a Dataset that can be saved and plotted; `cycles_from` reads it back.

        Curves lie end to end along `point`, with their step; spectra along `frequency_point`.
        """
        from dualyte.cycles.store import dataset_of

        return dataset_of(self)

    def __str__(self) -> str:
        about = [f"{len(self)} cycle{'' if len(self) == 1 else 's'}"]
        if (last := np.flatnonzero(self.whole)).size:
            k = int(last[-1])
            amount = f"{self.discharge[k]:.4g} C"
            if self.mass:
                amount = show("specific_capacity", self.discharge[k] / self.mass)
            about.append(f"last discharge {amount} at {100 * self.ce[k]:.2f} % efficiency")
        for name, value in (
            ("of cycle 1", self.retention_percent),
            ("of activation", self.retention_vs_activation_percent),
        ):
            if np.isfinite(value):
                about.append(f"{value:.1f} % {name}")
        held = dict.fromkeys(self.pressure[np.isfinite(self.pressure)].tolist())
        if held:
            about.append(
                "at " + ", ".join(f"{float(shown('pressure', p)):g}" for p in held) + " MPa"
            )
        if self.stopped:
            about.append(f"stopped early: {self.stopped}")
        return f"{self.title}: {', '.join(about)}"


def gather(
    curves: Iterable[Curve],
    *,
    first: Direction | None = None,
    reservoir_free: bool = False,
    area: float | None = None,
    mass: float | None = None,
    temperature: float | None = None,
    name: str = "",
    flags: Iterable[str] = (),
    stopped: str = "",
    made_from: Iterable[object] = (),
) -> Cycles:
    """Sum what the curves of each cycle passed.

    Parameters
    ----------
    curves
        In the order they were recorded; their cycle numbers do not fall.
    first
        What a cycle begins with; by default what the record begins with.
    reservoir_free, area, mass, temperature, name, flags, stopped, made_from
        As in `Cycles`.

    Returns
    -------
    Cycles
        The pressure of a cycle is that of its last charge or discharge. A first cycle that gives
        back over 105 % of what went in came partly charged; it is left out of efficiencies, and
        flagged. Later cycles above 105 % are flagged.

    Examples
    --------
    >>> def step(kind, at, current):
    ...     return Curve(kind=kind, time=[at, at + 3600], voltage=[3.5, 3.6], current=[current] * 2)
    >>> both = gather([step("charge", 0, 1.0), step("discharge", 3600, -0.9)], mass=0.01)
    >>> both.ce.tolist(), both.rows()[0]["discharge_mAh_g"]
    ([0.9], 90.0)
    """
    parts = tuple(curves)
    by: dict[int, list[Curve]] = {}
    last = -1
    for curve in parts:
        if curve.cycle < last:
            raise InputError(f"the {curve.title} comes after cycle {last}; put curves in order")
        last = curve.cycle
        by.setdefault(curve.cycle, []).append(curve)
    if first is None:
        driven = [c.kind for c in parts if c.kind in ("charge", "discharge")]
        first = "discharge" if driven[:1] == ["discharge"] else "charge"
    passed = [[curve.passed for curve in steps] for steps in by.values()]
    made = Cycles(
        cycle=np.array(list(by), dtype=np.int64),
        charge=np.array([sum(max(x, 0.0) for x in xs) for xs in passed]),
        discharge=np.array([sum(max(-x, 0.0) for x in xs) for xs in passed]),
        pressure=np.array([_pressure(steps) for steps in by.values()]),
        tag=tuple(next((c.tag for c in steps if c.tag), "") for steps in by.values()),
        first=first,
        reservoir_free=reservoir_free,
        area=area,
        mass=mass,
        temperature=temperature,
        name=name,
        curves=parts,
        flags=tuple(flags),
        stopped=stopped,
        made_from=tuple(made_from),
    )
    return _doubted(made)


def count_cycles(kinds: Sequence[str]) -> list[int]:
    """Cycle number of each step, from 0.

    A cycle ends where the direction that the record began with comes again after the other;
    holds and rests belong to the cycle before.

    >>> count_cycles(["charge", "hold", "rest", "discharge", "rest", "charge", "discharge"])
    [0, 0, 0, 0, 0, 1, 1]
    """
    first, back, cycle, out = "", False, 0, []
    for kind in kinds:
        if kind in ("charge", "discharge"):
            first = first or kind
            if kind != first:
                back = True
            elif back:
                cycle, back = cycle + 1, False
        out.append(cycle)
    return out


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _pressure(steps: Sequence[Curve]) -> float:
    """Stack pressure of the last driven step, else of the last."""
    driven = [c for c in steps if c.kind in ("charge", "discharge")] or list(steps)
    return float("nan") if driven[-1].pressure is None else driven[-1].pressure


def _doubted(made: Cycles) -> Cycles:
    """Leave out a partial first cycle, and flag what came back in excess."""
    over = np.flatnonzero(made.ce > _PARTLY)
    if over.size and over[0] == 0:
        made = made.mask(
            int(made.cycle[0]),
            why=f"{100 * made.ce[0]:.0f} % came back of its {made.first}, so that the cell came "
            "partly charged",
        )
        over = over[1:]
    if over.size:
        told = ", ".join(str(made.cycle[k]) for k in over)
        flag = f"cycle {told}: over {100 * _PARTLY:.0f} % came back; half cycles are not alike"
        made = replace(made, flags=(*made.flags, flag))
    return made
