"""Cells: wiring, film, first cycle, ageing and anode, each fitted to one fact of the study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.calibrate.files import write_values
from dualyte.cell.anode import AgSeeds, LiFoil
from dualyte.cell.cathode import Cathode
from dualyte.cell.cell import Cell, cycle
from dualyte.cell.composition import composite
from dualyte.cell.parameters import HALF_CELL, PARAMETERS
from dualyte.cell.predict import film_resistance, growth_at_rest, seen_states
from dualyte.cell.protocol import study_protocol
from dualyte.errors import ConvergenceError, InputError
from dualyte.material import facts
from dualyte.vocabulary import WORDS, shown

_ROUNDS: Final = 3  #: of all fits in turn, since each moves the others a little
_TRIES: Final = 14
_CLOSE: Final = 2e-4  # of the fact
_ASSUMED_SPREAD: Final = 0.05  # of a fact that is published without one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """One parameter and the fact that it is moved to meet."""

    name: str
    fact: str
    of: Callable[[Cell], float]  #: what the cell gives in place of the fact
    carbon: float = 0.02
    silver: bool = False
    high: float = np.inf  #: largest value that makes sense


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellFit:
    """Calibrated parameters of cells, SI, and what they were fitted to."""

    values: dict[str, float]
    spreads: dict[str, float]  #: deviation of the logarithm, from that of the fact
    facts: dict[str, str]  #: parameter: fact
    met: dict[str, tuple[float, float]] = field(repr=False)  #: fact: model and measured
    missed: tuple[str, ...]  #: what could not be met, in sentences
    inputs: str  #: hash of the facts and of the assumed parameters


def calibrate_cell(*, progress: Callable[[int, int], None] | None = None) -> CellFit:
    """Fit the free parameters of cells to facts marked `calibration`.

    In turn: the share of grains that are wired without carbon (F135); lithium left at 4.3 V
    and its diffusivity near full (F182, F183: activation of the reservoir-free cell); film at 5 wt%
    carbon (its growth at rest F201, fitted as the study does, and its resistance after
    activation F156) and at 2 wt% (F158); loss of contact on cycling (F144); the factor of
    R_HE between pellets (F189); and, in closed form, what silver keeps and strands (F171 to
    F175, F181). As many parameters as facts.

    Parameters
    ----------
    progress
        Called with (fits done, in all).

    Returns
    -------
    CellFit
        `write_cell` puts it into the package's data.
    """
    values = {**{k: v.si for k, v in PARAMETERS.items()}, **_silver()}
    values = _thin_film(values)
    spreads = dict.fromkeys(_silver(), _ASSUMED_SPREAD)
    named = {name: fact for name, fact in _SILVER.items()}
    missed: dict[str, str] = {}
    met: dict[str, tuple[float, float]] = {}
    fits = _fits()
    for turn in range(_ROUNDS):
        for k, fit in enumerate(fits):
            if progress:
                progress(turn * len(fits) + k, _ROUNDS * len(fits))
            goal = _fact(fit.fact)
            found, slope, reached = _solve(fit, values, goal["value"])
            values[fit.name], named[fit.name] = found, fit.fact
            values = _thin_film(values)
            met[fit.fact] = reached, goal["value"]
            off = abs(reached / goal["value"] - 1)
            missed.pop(fit.name, None)
            if off > 10 * _CLOSE:
                missed[fit.name] = (
                    f"{fit.name} cannot meet {fit.fact}: {reached:.4g} at best, not "
                    f"{goal['value']:g}"
                )
            share = goal.get("spread", _ASSUMED_SPREAD * goal["value"]) / goal["value"]
            spreads[fit.name] = share / max(abs(slope), 0.05)
    spreads["film_rate_2"], named["film_rate_2"] = spreads["film_initial_2"], "F158"
    if progress:
        progress(_ROUNDS * len(fits), _ROUNDS * len(fits))
    kept = {name: values[name] for name in named}
    return CellFit(
        values=kept,
        spreads={name: float(min(spreads[name], 1.0)) for name in kept},
        facts=named,
        met=met,
        missed=tuple(missed.values()),
        inputs=_hash(),
    )


def _fact(name: str) -> dict[str, Any]:
    row = facts("cell")[name]
    if row["use"] != "calibration":
        raise InputError(f"{name} is marked {row['use']!r}; only calibration facts may be fitted")
    return row


#: parameters of silver and the facts that give them in closed form
_SILVER: Final = {
    "strip_loss_7": "F172", "strip_loss_5": "F173", "strip_loss_3": "F174", "strip_loss_1": "F175",
    "trapped_lithium": "F171", "alloy_charge": "F181",
}  # fmt: skip


def _silver() -> dict[str, float]:
    """Losses of complete strips, what the first one loses beyond, and the charge of the alloys."""
    lost = {
        name: 1 - _fact(fact)["value"] / 100 for name, fact in _SILVER.items() if "strip" in name
    }
    first = 1 - _fact("F171")["value"] / 100
    return {
        **lost,
        "trapped_lithium": (first - lost["strip_loss_7"]) * HALF_CELL,
        "alloy_charge": _fact("F181")["value"] * 3600.0,
    }


# --- the fits -------------------------------------------------------------------------


def _fits() -> tuple[_Fit, ...]:
    return (
        _Fit(name="charged_fraction", fact="F183", of=_first_charge, silver=True),
        _Fit(name="slow_diffusivity", fact="F182", of=_first_discharge, silver=True),
        _Fit(name="bare_connection", fact="F135", of=_bare, carbon=0.0, high=1.0),
        _Fit(name="film_rate_5", fact="F201", of=_growth, carbon=0.05),
        _Fit(name="film_initial_5", fact="F156", of=_film, carbon=0.05),
        _Fit(name="film_initial_2", fact="F158", of=_film),
        _Fit(name="contact_loss", fact="F144", of=_retention),
        _Fit(name="pellet_factor", fact="F189", of=_at_1_mpa, silver=True),
    )


def _thin_film(values: dict[str, float]) -> dict[str, float]:
    """One fact for two numbers at 2 wt% carbon: growth keeps the ratio that it has at 5 wt%."""
    ratio = values["film_initial_2"] / values["film_initial_5"]
    return {**values, "film_rate_2": ratio * values["film_rate_5"]}


def _cell(fit: _Fit, values: dict[str, float]) -> Cell:
    values = _thin_film(values)
    parameters = {name: replace(v, si=values.get(name, v.si)) for name, v in PARAMETERS.items()}
    return Cell(
        cathode=Cathode(composition=composite(carbon=fit.carbon)),
        anode=AgSeeds() if fit.silver else LiFoil(),
        parameters=parameters,
    )


def _run(cell: Cell, name: str, cycles: int | None) -> Any:  # noqa: ANN401 (Cycles)
    found = cycle(cell, study_protocol(name, cycles=cycles))
    if found.stopped:
        raise ConvergenceError(found.stopped, found)
    return found


def _specific(cell: Cell, coulomb: float) -> float:
    return float(shown("specific_capacity", coulomb / float(cell.mass or np.nan)))


def _first_charge(cell: Cell) -> float:
    """Efficiency [%] that the activation charge leaves, at the discharge that was measured.

    The charge depends on what is left at 4.3 V; the discharge is fitted after it.
    """
    found = _run(cell, "paper-reservoir-free", 0)
    return 100 * float(_fact("F182")["value"]) / _specific(cell, float(found.charge[0]))


def _first_discharge(cell: Cell) -> float:
    return _specific(cell, float(_run(cell, "paper-reservoir-free", 0).discharge[0]))


def _bare(cell: Cell) -> float:
    return _specific(cell, float(_run(cell, "paper-li-foil", 0).discharge[0]))


def _film(cell: Cell) -> float:
    """Resistance of the film [Ω] of the charged cell after activation."""
    state = seen_states(_run(cell, "paper-li-foil", 0))[0]
    return film_resistance(cell, state) / cell["area"].si


def _growth(cell: Cell) -> float:
    return growth_at_rest(cell, _run(cell, "paper-rest", None))


def _retention(cell: Cell) -> float:
    return float(_run(cell, "paper-li-foil", None).retention_percent)


def _at_1_mpa(cell: Cell) -> float:
    found = _run(cell, "paper-reservoir-free", 16)
    return _specific(cell, float(found.discharge[-1]))


def _solve(fit: _Fit, values: dict[str, float], goal: float) -> tuple[float, float, float]:
    """Value that meets a fact, d ln(model)/d ln(value) there, and what the model then gives.

    Secants in logarithms; steps are bounded, since a fact may lie where the model saturates.
    """

    def at(value: float) -> float:
        return fit.of(_cell(fit, {**values, fit.name: value}))

    start = min(values[fit.name], 0.999 * fit.high)
    nudge = 1.002 if np.isfinite(fit.high) and start > 0.9 else 1.15
    other = start * nudge if start * nudge < fit.high else start / nudge
    x = [np.log(start), np.log(other)]
    y = [np.log(at(np.exp(v)) / goal) for v in x]
    slope = (y[1] - y[0]) / (x[1] - x[0])
    for _ in range(_TRIES):
        k = int(np.argmin(np.abs(y)))
        if abs(y[k]) < _CLOSE or abs(slope) < 1e-6:
            break
        step = float(np.clip(-y[-1] / slope, -1.5, 1.5))
        new = min(x[-1] + step, np.log(fit.high)) if np.isfinite(fit.high) else x[-1] + step
        if abs(new - x[-1]) < 1e-9:
            break
        x.append(new)
        y.append(np.log(at(np.exp(new)) / goal))
        slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
    k = int(np.argmin(np.abs(y)))
    return float(np.exp(x[k])), float(slope), float(goal * np.exp(y[k]))


def _hash() -> str:
    assumed = {k: v.si for k, v in PARAMETERS.items() if v.kind != "calibrated"}
    used = {name: _fact(name) for name in sorted({*_SILVER.values(), *(f.fact for f in _fits())})}
    return hashlib.sha256(json.dumps([assumed, used], sort_keys=True).encode()).hexdigest()[:16]


# --- what it writes -------------------------------------------------------------------


def write_cell(fit: CellFit, path: Path) -> Path:
    """Write a fit as TOML: values with intervals, facts used, input hash."""
    return write_values(
        path,
        "cell",
        facts=sorted(set(fit.facts.values())),
        inputs=fit.inputs,
        remarks=(
            "each parameter meets its own fact; correlations are not known and left at zero",
            "not identifiable: film_rate_2 apart from film_initial_2 (F158 alone), onset of the "
            "film, and how fast silver traps lithium",
            *fit.missed,
        ),
        correlation=np.eye(len(fit.values)),
        entries={name: _entry(fit, name) for name in fit.values},
    )


def _entry(fit: CellFit, name: str) -> list[str]:
    word = PARAMETERS[name].quantity
    return [
        f'quantity = "{word}"',
        f"value = {fit.values[name]:.6g}",
        f"spread = {fit.spreads[name]:.3g}",
        'law = "log-normal"',
        f'unit = "{WORDS[word].unit}"',
        'kind = "calibrated"',
        'source = "paper2026"',
        f'where = "fitted to {fit.facts[name]}"',
    ]


def cell_parameters(fit: CellFit) -> list[dict[str, Any]]:
    """Rows of calibrated parameters: name, value, 90 % interval, fact."""
    rows = []
    for name, value in fit.values.items():
        wide, word = np.exp(1.6449 * fit.spreads[name]), PARAMETERS[name].quantity
        low, middle, high = (float(shown(word, value * x)) for x in (1 / wide, 1.0, wide))
        rows.append(
            {
                "parameter": name,
                "value": f"{middle:.4g}",
                "low": f"{low:.3g}",
                "high": f"{high:.3g}",
                "unit": WORDS[word].shown,
                "fact": fit.facts[name],
            }
        )
    return rows
