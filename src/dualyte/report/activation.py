"""Activation energies of the arcs of a temperature series, and of values in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.arrhenius import ArrheniusFit, fit_arrhenius
from dualyte.measure.arrhenius.laws import SAME, Form, Law, Outliers
from dualyte.measure.arrhenius.table import Points
from dualyte.measure.eis.result import Fit
from dualyte.report.numbers import (
    Row,
    Tell,
    as_json,
    draw_all,
    finite,
    number,
    plus_minus,
    short,
    told,
    write_provenance,
    write_rows,
)
from dualyte.vocabulary import ROOM, show, shown

FEWEST: Final = 3  # temperatures
_LOOSE: Final = 1.0  # spread of ln beyond which a point has no say
_PREFIX: Final[dict[Form, str]] = {"R": "R", "sigma": "sigma", "sigmaT": "sigma", "tau": "f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """Activation energy of one quantity."""

    name: str  #: such as R_bulk
    fit: ArrheniusFit
    pressure: float | None = None  #: Pa, where the series has several
    flags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name, and the pressure where there are several."""
        if self.pressure is None:
            return self.name
        return f"{self.name}, {show('pressure', self.pressure)}"

    @property
    def arc(self) -> str:
        """What follows the underscore, with it."""
        _, mark, label = self.name.partition("_")
        return mark + label if mark else ""


def activations(
    fits: Sequence[Fit],
    *,
    form: Form = "R",
    law: Law | Literal["auto"] = "arrhenius",
    outliers: Outliers = "flag",
    at: float = ROOM,
) -> tuple[Activation, ...]:
    """Fit an activation energy to every arc of spectra at three temperatures or more.

    Parameters
    ----------
    fits
        Of one circuit; those without a temperature are passed over. Each pressure is a series
        of its own.
    form, law, outliers, at
        As for `fit_arrhenius`. Conductivities need the thickness of the electrolyte.

    Returns
    -------
    tuple of Activation
        In the order of the circuit; empty where there are too few temperatures.
    """
    hot = [fit for fit in fits if fit.spectrum.temperature is not None]
    pressures = sorted({fit.spectrum.pressure or 0.0 for fit in hot}, reverse=True)
    found = []
    for pressure in pressures:
        series = [fit for fit in hot if (fit.spectrum.pressure or 0.0) == pressure]
        names = dict.fromkeys(name for fit in series for name in _values(fit, form))
        for name in names:
            one = _activation(series, name, form, law, outliers, at)
            if one is not None:
                several = pressure if len(pressures) > 1 else None
                found.append(
                    Activation(name=one.name, fit=one.fit, pressure=several, flags=one.flags)
                )
    return tuple(found)


def _values(fit: Fit, form: Form) -> dict[str, Value]:
    """What is fitted of one spectrum: resistances or times of the arcs, conductivities."""
    values = fit.values
    if form in ("sigma", "sigmaT"):
        return {name: v for name, v in values.items() if name.startswith("sigma")}
    arcs = {f"_{arc.label}" if arc.label else "" for arc in fit.estimate.arcs}
    found = {f"{_PREFIX[form]}{tag}": values[f"{_PREFIX[form]}{tag}"] for tag in arcs}
    ordered = {name: found[name] for name in values if name in found}
    if form == "tau":
        return {f"tau{name[1:]}": value for name, value in ordered.items()}
    return ordered | total_resistance(fit)


def total_resistance(fit: Fit) -> dict[str, Value]:
    """R of the electrolyte as a whole, of what `sigma_total` is the conductivity.

    The sum of `Estimate.passed`: resistances such as R_0 and those of all arcs but the
    interface's and a blocking electrode's. Empty where it is one resistance only.
    """
    estimate = fit.estimate
    names = estimate.passed
    if len(names) < 2:
        return {}
    total = sum(fit.numbers[name] for name in names)
    slope = np.zeros(len(estimate.model.names))
    for name in names:
        k = estimate.model.names.index(name)
        slope[k] = (fit.numbers[name] if estimate.model.logs[k] else 1.0) / total
    spread = math.sqrt(max(float(slope @ estimate.covariance @ slope), 0.0))
    first = fit.values[names[0]]
    return {
        "R_total": Value(
            quantity=first.quantity, si=float(total), spread=spread, law="log-normal",
            kind="measured", source="user", where=first.where, note=" + ".join(names),
        )
    }  # fmt: skip


def _activation(
    series: Sequence[Fit],
    name: str,
    form: Form,
    law: Law | Literal["auto"],
    outliers: Outliers,
    at: float,
) -> Activation | None:
    """Fit one quantity; None where too few temperatures settle it."""
    points: list[tuple[float, float, float, str]] = []
    left: list[str] = []
    for fit in series:
        value = _values(fit, form).get(name)
        if value is None or fit.spectrum.temperature is None:
            continue
        relative = value.spread if value.law == "log-normal" else value.spread / value.si
        if not 0 < relative < _LOOSE or value.si <= 0:
            left.append(show("temperature", fit.spectrum.temperature, 3))
            continue
        si = 1 / (2 * np.pi * value.si) if form == "tau" else value.si
        points.append((fit.spectrum.temperature, si, si * relative, value.quantity))
    if _distinct([p[0] for p in points]) < FEWEST or len({p[3] for p in points}) > 1:
        return None
    T, y, spread = (np.array([p[k] for p in points]) for k in range(3))
    kind = "relaxation_time" if form == "tau" else points[0][3]
    found = fit_arrhenius(
        T, y, spread, form=form, law=law, outliers=outliers, at=at, quantity=kind, name=name
    )
    flags = list(found.flags)
    if left:
        flags.insert(0, f"not settled at {', '.join(left)}: left out")
    return Activation(name=name, fit=found, flags=tuple(flags))


def _distinct(temperatures: Sequence[float]) -> int:
    ordered = np.sort(np.array(temperatures, dtype=np.float64))
    return int((np.diff(ordered) > SAME).sum()) + 1 if len(temperatures) else 0


def tabulated(
    points: Sequence[Points],
    *,
    form: Form | None = None,
    law: Law | Literal["auto"] = "arrhenius",
    outliers: Outliers = "flag",
    at: float = ROOM,
) -> tuple[Activation, ...]:
    """Fit an activation energy to each column of a table.

    Parameters
    ----------
    points
        What `read_points` found.
    form
        Only columns of this form, by default all; `sigmaT` for conductivities.
    law, outliers, at
        As for `fit_arrhenius`.
    """
    found = []
    for each in points:
        if form not in (None, each.form) and (form, each.form) != ("sigmaT", "sigma"):
            continue
        fit = fit_arrhenius(
            each.temperature, each.value, each.spread, form=form or each.form, law=law,
            outliers=outliers, at=at, quantity=each.quantity, name=each.name,
        )  # fmt: skip
        found.append(Activation(name=each.name, fit=fit, flags=fit.flags))
    if not found:
        raise InputError(
            f"--form {form} fits none of the columns {', '.join(p.name for p in points)}"
        )
    return tuple(found)


def activation_rows(found: Sequence[Activation]) -> Row:
    """Return each as JSON holds it: results with spreads, tests and flags."""
    return {each.key: _row(each) for each in found}


def _row(each: Activation) -> Row:
    fit = each.fit
    low, high = (float(shown("activation_energy", x)) for x in fit.interval())
    T = shown("temperature", fit.temperature)
    found: Row = {
        "results": {
            f"Ea{each.arc}": number(fit.activation_energy),
            each.name: number(fit.reference),
        },
        "at_C": round(float(shown("temperature", fit.at)), 6),
        "Ea_interval_90": [low, high],
        "form": fit.form,
        "law": fit.law,
        "chi2_reduced": finite(fit.chi2_reduced),
        "r_squared": finite(fit.r_squared),
        "curvature": finite(fit.curvature),
        "temperatures_C": [round(float(t), 6) for t in T],
        "outliers_C": [round(float(T[k]), 6) for k in fit.outliers],
        "flags": list(each.flags),
    }
    if each.pressure is not None:
        found["pressure_MPa"] = round(float(shown("pressure", each.pressure)), 9)
    return found


def activation_table(found: Sequence[Activation]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table people read first."""
    at = show("temperature", found[0].fit.at).replace(" degC", " °C") if found else ""
    head = ["quantity", "Ea / eV", f"at {at}", "law", "temperatures", "χ²/dof", "R²"]
    cells = []
    for each in found:
        fit, energy = each.fit, number(each.fit.activation_energy)
        cells.append(
            [
                each.key,
                plus_minus(energy["value"], energy["spread"]),
                told(number(fit.reference)),
                f"{fit.law}, ln {fit.form.replace('sigma', 'σ')}",
                f"{fit.temperature.size}",
                short(finite(fit.chi2_reduced), 3),
                f"{fit.r_squared:.5f}",
            ]
        )
    return head, cells


def activation_flags(found: Sequence[Activation]) -> dict[str, Sequence[str]]:
    """Flags by what they belong to."""
    return {each.key: each.flags for each in found}


def write_activation(
    found: Sequence[Activation],
    folder: Path,
    *,
    fits: Sequence[Fit] = (),
    told_json: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Tell | None = None,
) -> list[Path]:
    """Write JSON, CSV, provenance and figures of activation energies.

    Parameters
    ----------
    found
        What `activations` or `tabulated` found.
    folder
        Made if it is not there.
    fits
        What they were found from.
    told_json
        What to write as arrhenius.json, where it is more than `activation_rows`.
    options
        For the provenance.

    Returns
    -------
    list of Path
        What was written.
    """
    from dualyte.plot.measured import activation_figures

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "arrhenius.json"]
    whole = told_json or {"arrhenius": activation_rows(found)}
    paths[0].write_text(as_json(whole, indent=1), encoding="utf-8")
    paths.append(write_rows(folder / "arrhenius.csv", activation_csv(found)))
    paths.append(write_provenance([fit.spectrum for fit in fits], folder, options))
    figures = activation_figures([(each.key, each.fit) for each in found])
    return paths + draw_all(figures, folder, progress)


def activation_csv(found: Sequence[Activation]) -> list[Row]:
    """One line for every point of every fit."""
    rows = []
    for each in found:
        fit = each.fit
        band = fit.band(fit.temperature)
        for k, T in enumerate(fit.temperature):
            rows.append(
                {
                    "quantity": each.key,
                    "temperature_K": float(T),
                    "value_SI": float(fit.value[k]),
                    "relative_spread": "" if fit.relative is None else float(fit.relative[k]),
                    "fit_SI": float(band.value[k]),
                    "low_SI": float(band.low[k]),
                    "high_SI": float(band.high[k]),
                    "weight": float(fit.robust[k]),
                    "outlier": int(k in fit.outliers),
                }
            )
    return rows
