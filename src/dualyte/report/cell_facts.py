"""The study's statements about cells, each beside what the model says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from dualyte.cell import AgSeeds, Cathode, Cell, CellPrediction, composite, predict_cell
from dualyte.cell.interphase import garnet_layers
from dualyte.cell.parameters import HALF_CELL
from dualyte.cell.predict import NINETY, SIGMA, film_resistance, growth_at_rest, seen_states
from dualyte.cell.protocol import study_protocol
from dualyte.cycles import Cycles
from dualyte.material import Value, facts
from dualyte.report.numbers import plain_table
from dualyte.vocabulary import Floats, shown

#: statements that no model here can meet, and why
UNMODELLED: Final = {
    "F127": "shorts of powder pressed in place, and what they leak",
    "F152": "a fit of circuits; the layers in series are R, three arcs and a Ws",
    "F162": "voids under stripped lithium foil",
    "F208": "a capacitance of the film that changes in time",
    "F209": "a capacitance of the film that changes in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTable:
    """Rows of statements: id, quantity, predicted, interval, measured, inside, kind."""

    rows: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        head = ["fact", "of", "predicted", "90 %", "measured", "inside?", "kind"]
        cells = [
            [
                r[k]
                for k in ("id", "quantity", "predicted", "interval", "measured", "inside", "kind")
            ]
            for r in self.rows
        ]
        return "\n".join(plain_table(head, cells))

    def as_dict(self) -> dict[str, Any]:
        """Rows for JSON."""
        return {"cell": list(self.rows)}


def cell_facts(progress: Callable[[int, int], None] | None = None) -> CellTable:
    """Set every statement of the study about cells beside the model.

    Fitted ones say so; what is not modelled is listed with its reason.
    """
    made = _predictions(progress)
    rows = [
        *_fitted(made),
        _capacity("F142", made["2 wt%"]),
        _capacity("F143", made["5 wt%"]),
        _capacity("F136", made["2 wt%"]),
        *_frequencies(made["2 wt%"]),
        _film_onset(made["2 wt%"]),
        _film_angle(made["2 wt%"]),
        *_stripping(made["half-cell"]),
        _exponent(made["rest"]),
    ]
    known = facts("cell")
    for name, why in UNMODELLED.items():
        rows.append(
            _row(name, "–", "–", str(known[name]["value"]), "–", kind=f"not modelled: {why}")
        )
    return CellTable(rows=tuple(rows))


def _predictions(progress: Callable[[int, int], None] | None) -> dict[str, CellPrediction]:
    jobs: tuple[tuple[str, str, Cell, tuple[str, ...] | None], ...] = (
        ("2 wt%", "paper-li-foil", _cell(0.02), None),
        ("5 wt%", "paper-li-foil", _cell(0.05), None),
        ("bare", "paper-li-foil", _cell(0.0), ()),
        ("reservoir-free", "paper-reservoir-free", replace(_cell(0.02), anode=AgSeeds()), ()),
        ("half-cell", "paper-half-cell", Cell(cathode=None, anode=AgSeeds()), None),
        ("rest", "paper-rest", _cell(0.05), ()),
    )
    made = {}
    for k, (name, protocol, cell, inputs) in enumerate(jobs):
        if progress:
            progress(k, len(jobs))
        cycles = 0 if name == "bare" else None
        made[name] = predict_cell(cell, study_protocol(protocol, cycles=cycles), inputs=inputs)
    if progress:
        progress(len(jobs), len(jobs))
    return made


def _cell(carbon: float) -> Cell:
    return Cell(cathode=Cathode(composition=composite(carbon=carbon)))


def _row(
    name: str, predicted: str, interval: str, measured: str, inside: str, kind: str = "predicted",
    quantity: str = "",
) -> dict[str, Any]:  # fmt: skip
    fact = facts("cell")[name]
    return {
        "id": name, "quantity": quantity or fact["quantity"], "predicted": predicted,
        "interval": interval, "measured": measured, "inside": inside, "kind": kind,
        "where": fact["where"],
    }  # fmt: skip


def _measured(name: str) -> str:
    fact = facts("cell")[name]
    spread = f" ± {fact['spread']:g}" if "spread" in fact else ""
    return f"{fact['value']:g}{spread} {fact.get('unit', '')}".strip()


def _fitted(made: dict[str, CellPrediction]) -> list[dict[str, Any]]:
    """What parameters were fitted to, as the model gives it back."""
    free, half = made["reservoir-free"], made["half-cell"]
    rows = free.cycles.rows()
    film = {
        key: film_resistance(made[key].cell, seen_states(made[key].cycles)[0])
        / made[key].cell["area"].si
        for key in ("2 wt%", "5 wt%")
    }
    ce = {row["pressure_MPa"]: row["ce_percent"] for row in half.cycles.rows()}
    numbers = {
        "F135": made["bare"].cycles.rows()[0]["discharge_mAh_g"],
        "F182": rows[0]["discharge_mAh_g"],
        "F183": rows[0]["ce_percent"],
        "F189": rows[16]["discharge_mAh_g"],
        "F144": made["2 wt%"].cycles.retention_percent,
        "F158": film["2 wt%"],
        "F156": film["5 wt%"],
        "F201": growth_at_rest(made["rest"].cell, made["rest"].cycles),
        "F171": half.cycles.rows()[0]["ce_percent"],
        "F172": half.cycles.rows()[1]["ce_percent"],
        "F173": ce[5], "F174": ce[3], "F175": ce[1],
    }  # fmt: skip
    return [
        _row(name, f"{x:.4g}", "–", _measured(name), "–", kind="fitted")
        for name, x in numbers.items()
    ]


def _first(cell: Cell) -> Callable[[Cycles], Floats]:
    mass = float(cell.mass or np.nan)
    return lambda cycles: np.asarray(shown("specific_capacity", cycles.discharge[0] / mass))


def _capacity(name: str, found: CellPrediction) -> dict[str, Any]:
    """First discharge with its interval, against the measured one with its spread."""
    fact, of = facts("cell")[name], _first(found.cell)
    best = float(of(found.cycles))
    low, high = (float(x) for x in found.interval(of))
    spread = float(fact.get("spread", 0.0))
    if "spread" in fact:  # both are uncertain: do the ranges meet?
        inside = low <= fact["value"] + spread and high >= fact["value"] - spread
    else:
        inside = best > fact["value"]  # "more than"
    told = _measured(name) if "spread" in fact else f"> {_measured(name)}"
    return _row(name, f"{best:.1f}", f"{low:.1f} … {high:.1f}", told, "yes" if inside else "no")


def _frequencies(found: CellPrediction) -> list[dict[str, Any]]:
    """Where the arcs of grain boundaries and interface peak at 60 °C."""
    cell = found.cell
    thickness = cell["garnet_thickness"].si
    _, walls = garnet_layers(cell.garnet.properties, thickness, cell.temperature)
    between = float(cell.interface.at(7e6, cell.temperature)) * cell["pellet_factor"].si
    peaks = {
        "F148": (walls, cell["grain_boundary_capacitance"].si, 1e6, "MHz"),
        "F149": (between, cell.interface.capacitance, 1e3, "kHz"),
    }
    scatter = {  # deviations of ln R, with those inputs that have a range
        "F148": float(np.hypot(_deviation(cell["garnet_thickness"]), np.hypot(
            _deviation(cell.garnet["conductivity"]), _deviation(cell.garnet["gb_resistance_share"])
        ))),
        "F149": found.spread,
    }  # fmt: skip
    rows = []
    for name, (R, C, size, unit) in peaks.items():
        low, high = facts("cell")[name]["value"]
        peak = 1 / (2 * np.pi * R * C) / size
        wide = float(np.exp(NINETY * scatter[name]))
        interval = f"{peak / wide:.2g} … {peak * wide:.2g}"
        inside = "yes" if peak / wide <= high and peak * wide >= low else "no"
        rows.append(
            _row(name, f"{peak:.3g} {unit}", interval, f"{low:g} … {high:g} {unit}", inside)
        )
    return rows


def _deviation(value: Value) -> float:
    """One deviation of the logarithm of an input."""
    return float(np.log(value.quantile(SIGMA) / value.quantile(0.5)))


def _ends(found: CellPrediction, of: Callable[[Cycles], Floats], form: str) -> str:
    """Interval of a number of cycles, as a table has it."""
    low, high = (float(x) for x in found.interval(of))
    return f"{low:{form}} … {high:{form}}"


def _film_onset(found: CellPrediction) -> dict[str, Any]:
    """Frequency below which the film's branch is longer than a tenth of its resistance."""
    cell = found.cell
    tau = cell["film_capacitance"].si * film_resistance(cell, seen_states(found.cycles)[0])
    onset = 100 / (2 * np.pi * tau)  # tanh(u)/u is 0.1 at u = 10
    wide = float(np.exp(NINETY * _deviation(cell["film_capacitance"])))
    return _row(
        "F150",
        f"{onset:.0f} Hz",
        f"{onset / wide:.0f} … {onset * wide:.0f}",
        "< 50 Hz",
        "–",
        kind="assumed from it: film_capacitance",
    )


def _film_angle(found: CellPrediction) -> dict[str, Any]:
    """Angle at which the film's branch leaves the real axis, just above its own frequency."""
    cell = found.cell
    state = seen_states(found.cycles)[0]
    tau = cell["film_capacitance"].si * film_resistance(cell, state)
    f = 10 / tau / (2 * np.pi) * 5
    u = np.sqrt(2j * np.pi * f * tau)
    z, more = (np.tanh(u * s) / (u * s) for s in (1.0, 1.05))
    angle = float(np.degrees(np.arctan2(-(z - more).imag, (z - more).real)))
    inside = "yes" if abs(angle - 45) < 5 else "no"
    return _row("F151", f"{angle:.0f}°", "–", _measured("F151"), inside)


def _stripping(found: CellPrediction) -> list[dict[str, Any]]:
    """Overpotential of stripping at 90 % of the charge, over that at half of it, at 1 MPa."""

    def voltages(cycles: Cycles) -> Floats:
        last = [c for c in cycles.curves if c.kind == "charge" and c.pressure == 1e6][-1]
        assert last.charge is not None
        share = last.charge / HALF_CELL / found.cell["area"].si
        return np.interp([0.5, 0.9], share, last.voltage)

    at = voltages(found.cycles)
    stable = "yes" if at[1] < 1.5 * at[0] else "no"
    told = f"{1e3 * at[1]:.0f} mV at 90 %, {1e3 * at[0]:.0f} at 50 %"
    ends = _ends(found, lambda c: 1e3 * voltages(c)[1], ".0f")
    what = "stripping at 1 MPa, 2 mAh/cm2"
    return [
        _row(name, told, f"{ends} mV at 90 %", "stable to 90 %", stable, quantity=what)
        for name in ("F169", "F170")
    ]


def _exponent(rest: CellPrediction) -> dict[str, Any]:
    """Whether the film at rest follows √t better than t; the exponent is printed as −1/2.

    Growth during the charge bends either line.
    """

    def shares(cycles: Cycles) -> Floats:
        states = seen_states(cycles)
        hours = np.array([s.time - states[0].time for s in states])
        film = np.array([film_resistance(rest.cell, s) for s in states])
        return np.array([np.corrcoef(hours**power, film)[0, 1] ** 2 for power in (0.5, 1.0)])

    root, linear = shares(rest.cycles)
    told = f"r² {root:.4f} of √t, {linear:.4f} of t"
    return _row(
        "F200", told, "–", "√t (printed t^−1/2)", "yes" if root > linear else "no",
        quantity="law of growth at rest",
    )  # fmt: skip
