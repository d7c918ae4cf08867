"""A cell with its doubt: a protocol at the best estimates, and what each assumption moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from dualyte.cell.cell import Cell, State, cycle, gathered, last_state
from dualyte.cell.interphase import HeteroInterface, by_carbon
from dualyte.cell.protocol import Protocol
from dualyte.cycles import Cycles
from dualyte.errors import DualyteError, InputError
from dualyte.material import Value, facts, sources
from dualyte.vocabulary import Floats, shown

RUNS: Final = 8  #: of the solver at most: one at the best estimates, the others each move one input
BETWEEN: Final = "hetero-interface"  #: name of its resistance among the inputs
SIGMA: Final = 0.8413  # quantile one deviation above the median
NINETY: Final = 1.6449  # deviations of half a 90 % interval
#: inputs whose ranges matter most, by anode; at most seven are moved
_MOVED: Final[Mapping[str, tuple[str, ...]]] = {
    "foil": (
        "particle_radius", "fast_diffusivity", "cathode_exchange_current", "film_onset",
        "garnet_thickness", "interlayer_thickness", BETWEEN,
    ),
    "reservoir-free": (
        "particle_radius", "fast_diffusivity", "cathode_exchange_current", "garnet_thickness",
        "depletion", "plating_loss", BETWEEN,
    ),
    "ag": ("garnet_thickness", "silver_exchange_current", "depletion", "plating_loss"),
}  # fmt: skip
#: (share of carbon, protocol) of foil cells: what of them was fitted, and to which fact
_FITTED_FILM: Final[Mapping[tuple[float, str], tuple[str, str]]] = {
    (0.0, "paper-li-foil"): ("discharge_mAh_g, cycle 0", "F135"),
    (0.02, "paper-li-foil"): ("r_ws_ohm, cycle 0", "F158"),
    (0.05, "paper-li-foil"): ("r_ws_ohm, cycle 0", "F156"),
    (0.05, "paper-rest"): ("growth of r_ws_ohm", "F201"),
}
#: (anode, protocol): field of `cell_rows`, its cycle if it is one of a cycle, and the fact that
#: a parameter was fitted to
_FITTED: Final[Mapping[tuple[str, str], tuple[tuple[str, int | None, str], ...]]] = {
    ("foil", "paper-li-foil"): (("retention_percent", None, "F144"),),
    ("reservoir-free", "paper-reservoir-free"): (
        ("discharge_mAh_g", 0, "F182"), ("ce_percent", 0, "F183"), ("discharge_mAh_g", 16, "F189"),
    ),
    ("reservoir-free", "paper-120"): (("discharge_mAh_g", 0, "F182"), ("ce_percent", 0, "F183")),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellPrediction:
    """Cycles at the best estimates, and cycles with one input moved by a deviation each."""

    cell: Cell
    protocol: Protocol
    cycles: Cycles
    moved: Mapping[str, Cycles] = field(repr=False)  #: input: the cycles it makes
    spread: float  #: deviation of ln R of the interface

    @property
    def anode(self) -> str:
        """foil, ag (half-cell) or reservoir-free."""
        return anode_of(self.cell)

    @property
    def values(self) -> dict[str, Value]:
        """Every number that the cell was made from, by name."""
        found = dict(self.cell.parameters)
        found |= {
            f"{BETWEEN} {k}": value
            for k, value in enumerate(self.cell.interface.made_from)
            if isinstance(value, Value)
        }
        return found

    def interval(self, of: Callable[[Cycles], Floats]) -> tuple[Floats, Floats]:
        """90 % interval of a quantity of cycles, from the sum of squared changes."""
        best = np.asarray(of(self.cycles), dtype=np.float64)
        half = np.zeros_like(best)
        for other in self.moved.values():
            y = np.asarray(of(other), dtype=np.float64)
            n = min(y.size, best.size)
            if best.ndim == 0:
                half = half + (y - best) ** 2
            else:
                half[:n] += (y[:n] - best[:n]) ** 2
        half = NINETY * np.sqrt(half)
        return best - half, best + half

    def changes(self, of: Callable[[Cycles], float]) -> dict[str, float]:
        """Change of a number by each input, one deviation up."""
        best = float(of(self.cycles))
        return {name: float(of(other)) - best for name, other in self.moved.items()}

    @property
    def flags(self) -> tuple[str, ...]:
        """What to know before using it."""
        said = [*self.cycles.flags]
        if self.moved:
            said.append(
                f"intervals from {len(self.moved) + 1} runs: each of {', '.join(self.moved)} moved "
                "by one deviation, others and calibrated ones held; changes add in squares"
            )
        said += [
            "cell area, thicknesses and particle size are not published: they are assumed ranges",
            "not modelled: shorts, voids under stripped lithium foil (it fails at 1 MPa), the drop "
            "at low frequency at 1 MPa, heat",
        ]
        if self.anode == "foil" and min(self.protocol.pressures) < 3e6:
            said.append("below 3 MPa lithium foil strips unevenly and fails, which is not modelled")
        if self.cycles.stopped:
            said.append(self.cycles.stopped)
        return tuple(said)


def anode_of(cell: Cell) -> str:
    """Name of the anode as the command spells it."""
    if cell.cathode is None:
        return "ag" if cell.reservoir_free else "lithium"
    return "reservoir-free" if cell.reservoir_free else "foil"


def predict_cell(
    cell: Cell,
    protocol: Protocol,
    *,
    before: Cycles | None = None,
    spread: float = 0.3,
    inputs: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CellPrediction:
    """Cycle a cell, and again with each uncertain input moved.

    Parameters
    ----------
    cell, protocol
        As for `cycle`.
    before
        Finished cycles of this protocol, from `cycle` or a stopped run, to go on from.
    spread
        Deviation of ln R of the hetero-interface.
    inputs
        To move, seven at most; those that matter most for the anode by default, none if empty.
    progress
        Called with (cycles done, cycles in all) over all runs.

    Returns
    -------
    CellPrediction
        `cell_rows` turns it into numbers. Ctrl-C keeps finished cycles: `cycles.stopped` says so.
    """
    asked = _MOVED.get(anode_of(cell), ()) if inputs is None else inputs
    if len(asked) >= RUNS:
        raise InputError(f"{len(asked)} inputs are to be moved; {RUNS - 1} are the most")
    names = list(asked)
    count = len(protocol.cycles)
    total, done = count * (len(names) + 1), 0 if before is None else len(before)

    def tell(number: int, state: State) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    if progress:
        progress(done, total)
    best = _continued(cell, protocol, before, tell)
    moved: dict[str, Cycles] = {}
    plain = _without_spectra(protocol)
    for name in names if not best.stopped else []:
        try:
            moved[name] = cycle(_moved(cell, name, spread), plain, progress=tell)
        except DualyteError:
            continue  # a corner of the ranges that no cell is made of
        if moved[name].stopped:
            del moved[name]
            break
    return CellPrediction(cell=cell, protocol=protocol, cycles=best, moved=moved, spread=spread)


def _continued(
    cell: Cell, protocol: Protocol, before: Cycles | None, progress: Callable[[int, State], None]
) -> Cycles:
    """Cycle on from what is finished."""
    if before is None:
        return cycle(cell, protocol, progress=progress)
    state = last_state(before)
    if state.steps >= len(protocol):
        return before
    rest = replace(protocol, steps=protocol.steps[state.steps :])
    more = cycle(cell, rest, start=state, progress=progress)
    # states count the steps behind them, of the protocol that `cycle` was given
    after = [
        replace(s, steps=s.steps + state.steps) for s in (last_state(more), *seen_states(more))
    ]
    states = (after[0], *seen_states(before), *after[1:])
    return gathered(cell, protocol, (*before.curves, *more.curves), states, more.stopped)


def _moved(cell: Cell, name: str, spread: float) -> Cell:
    """One input a deviation up."""
    if name == BETWEEN:
        up = float(np.exp(spread))
        table = replace(
            cell.interface, resistances=tuple(up * R for R in cell.interface.resistances)
        )
        return replace(cell, interface=table)
    return cell.at(**{name: float(cell[name].quantile(SIGMA))})


def _without_spectra(protocol: Protocol) -> Protocol:
    return replace(protocol, steps=tuple(replace(step, eis=False) for step in protocol.steps))


def hetero_table(found: Any) -> tuple[HeteroInterface, float]:  # noqa: ANN401 (an InterfacePrediction)
    """Table of a predicted interface for a cell, and the deviation of its ln R.

    `found` is an `InterfacePrediction`: medians against stack pressure, with its temperature
    and the median of its apparent activation energy.
    """
    order = np.argsort(found.pressure)
    total = found.total[:, order]
    if len(order) < 2:
        raise InputError("a cell needs the interface at two or more stack pressures")
    table = HeteroInterface(
        pressures=tuple(float(p) for p in found.pressure[order]),
        resistances=tuple(float(r) for r in np.median(total, axis=0)),
        temperature=found.design.temperature,
        energy=float(np.median(found.energy)),
        capacitance=float(np.median(found.capacitance)),
        made_from=tuple(found.values.values()),
    )
    return table, float(np.log(total).std(axis=0).mean())


def seen_states(cycles: Cycles) -> list[State]:
    """States at which the spectra of what `cycle` returned were taken, in order."""
    states = [noun for noun in cycles.made_from if isinstance(noun, State)]
    return states[1:]


def film_resistance(cell: Cell, state: State) -> float:
    """Resistance of the film on the particles in a state [Ω m²]."""
    if cell.cathode is None:
        return float("nan")
    growth = state.unknowns["Positive film growth [Ohm2.m4]"]
    first, _ = by_carbon(
        cell.cathode.composition.carbon, cell["film_initial_2"], cell["film_initial_5"]
    )
    return first + float(np.sqrt(np.maximum(growth, 0)).mean())


def growth_at_rest(cell: Cell, cycles: Cycles) -> float:
    """Slope [Ω/√h] of the film against the root of the time at rest, as the study fits it."""
    states = seen_states(cycles)
    hours = np.array([s.time - states[0].time for s in states]) / 3600
    ohm = [film_resistance(cell, s) / cell["area"].si for s in states]
    return float(np.polyfit(np.sqrt(hours), ohm, 1)[0])


def eis_rows(found: CellPrediction) -> list[dict[str, Any]]:
    """Film and interface at each spectrum: cycle, MPa, Ω and F of the cell, Ω cm²."""
    cell, rows = found.cell, []
    area = cell["area"].si
    for state in seen_states(found.cycles):
        film = film_resistance(cell, state)
        between = float(cell.interface.at(state.pressure, cell.temperature))
        rows.append(
            {
                "cycle": found.protocol.steps[state.steps - 1].cycle,
                "pressure_MPa": _round(shown("pressure", state.pressure)),
                "time_h": _round(state.time / 3600),
                "r_ws_ohm": _round(film / area),
                "c_ws_F": _round(cell["film_capacitance"].si * area),
                "r_he_ohm_cm2": _round(shown("asr", between * cell["pellet_factor"].si)),
            }
        )
    return rows


def cell_rows(found: CellPrediction) -> dict[str, Any]:
    """Plain numbers in the units of the names, as `dualyte predict cell --json` prints them."""
    cell, cycles = found.cell, found.cycles
    mix = None if cell.cathode is None else cell.cathode.composition
    low, high = found.interval(lambda c: c.ce)
    intervals: dict[str, Any] = {"ce_percent": _pairs(100 * low, 100 * high)}
    if cell.mass is not None:
        mass = cell.mass
        per = found.interval(lambda c: np.asarray(shown("specific_capacity", c.discharge / mass)))
        intervals["discharge_mAh_g"] = _pairs(*per)
    for name in ("retention_percent", "retention_vs_activation_percent"):
        ends = found.interval(lambda c, name=name: np.asarray(getattr(c, name)))  # type: ignore[misc]
        intervals[name] = [_round(x) for x in ends]
    return {
        "anode": found.anode,
        "protocol": found.protocol.name,
        "temperature_C": _round(shown("temperature", cell.temperature)),
        "area_cm2": _round(shown("area", cell["area"].si)),
        "vgcf_wt_percent": None if mix is None else _round(100 * mix.carbon),
        "cycles": cycles.rows(),
        "retention_percent": _round(cycles.retention_percent),
        "retention_vs_activation_percent": _round(cycles.retention_vs_activation_percent),
        "eis": eis_rows(found),
        "intervals_90": intervals if found.moved else None,
        "changes_of_last_discharge_percent": _shares(found),
        "fitted_to": fitted_to(found),
        "flags": list(found.flags),
        "sources": {k: sorted(v) for k, v in sorted(sources(found.values).items())},
    }


def _shares(found: CellPrediction) -> dict[str, float | None]:
    """Change of the last discharge by each input, in per cent; a rest has none."""
    last = float(found.cycles.discharge[-1])
    if last == 0:
        return {}
    changes = found.changes(lambda c: float(c.discharge[-1]))
    return {name: _round(100 * x / last) for name, x in changes.items()}


def fitted_to(found: CellPrediction) -> dict[str, str]:
    """Fields (of a cycle: `field, cycle n`) that a fact was fitted to: no predictions."""
    cell = found.cell
    told: dict[str, str] = {}
    if cell.cathode is not None:
        carbon = cell.cathode.composition.carbon
        fitted = _FITTED_FILM.get((round(carbon, 9), found.protocol.name))
        if found.anode == "foil" and fitted:
            told[fitted[0]] = fitted[1]
        if abs(carbon - 0.02) > 1e-9:
            return told
    for name, number, fact in _FITTED.get((found.anode, found.protocol.name), ()):
        if number is None:
            whole = found.cycles.cycle[-1] == 25  # F144 is of the 25th cycle
            told |= {name: fact} if whole else {}
        elif number in found.cycles.cycle:
            told[f"{name}, cycle {number}"] = fact
    known = facts("cell")
    if found.anode == "ag" and found.protocol.name == "paper-half-cell":
        told |= {
            f"ce_percent, {known[f].get('stack_MPa')} MPa": f
            for f in ("F172", "F173", "F174", "F175")
        }
        told["ce_percent, cycle 0"] = "F171"
    return told


def _pairs(low: Floats, high: Floats) -> list[list[float | None]]:
    return [[_round(a), _round(b)] for a, b in zip(low, high, strict=True)]


def _round(number: Any) -> float | None:  # noqa: ANN401 (a scalar)
    """Six significant digits; None where a number is not known."""
    value = float(number)
    return float(f"{value:.6g}") if np.isfinite(value) else None
