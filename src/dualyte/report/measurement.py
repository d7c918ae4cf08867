"""A measurement as JSON, tables, files and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.circuit.elements import Circuit, filled
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import write
from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.measure.drt import DRT, drt
from dualyte.measure.eis.result import INTERFACE, Estimate
from dualyte.measure.joint import JointFit
from dualyte.plot.figure import Figure
from dualyte.plot.measured import (
    activation_figures,
    contact_figure,
    distribution_figure,
    fit_figures,
    joint_activation_figure,
    series_figures,
    slices,
)
from dualyte.report.activation import (
    activation_csv,
    activation_flags,
    activation_rows,
    activation_table,
)
from dualyte.report.circuits import Told
from dualyte.report.evaluation import Measurement, Row
from dualyte.report.numbers import (
    Tell,
    as_json,
    conditions,
    draw_all,
    finite,
    gathered,
    number,
    plain_table,
    plus_minus,
    remove_former,
    short,
    stem_of,
    told,
    units,
    write_provenance,
    write_rows,
)
from dualyte.report.relaxation import drt_maps
from dualyte.vocabulary import shown

Table = tuple[list[str], list[list[str]]]
_DETAILED: Final = 3  # files that get a table, and figures, of their own
_MAPPED: Final = 200  # spectra in a map of distributions
_OF_ARCS: Final = ("R", "C", "f", "n", "sigma", "Ea", "m", "Q", "tau")  # in the table of arcs
_QUIET: Final = ("took the ", "Kramers–Kronig test: passing is no proof")  # flags told once


# ---------------------------------------------------------------- JSON


def measurement_json(found: Measurement) -> dict[str, Any]:
    """Return a measurement as JSON holds it, without NaN."""
    from dualyte.report.anything import spectra_evaluation

    whole = spectra_evaluation(found)
    told: dict[str, Any] = {
        "kind": "eis",
        "files": {row.name: _row(found, row) for row in found.rows},
        "results": _numbers(found, whole.results),
        "warnings": list(whole.warnings),
        "changed": list(whole.changed),
    }
    if found.comparison:
        told["comparison"] = _comparison(found.comparison)
    if found.joint is not None:
        told["joint"] = _joint(found, found.joint)
    if found.activations:
        told["arrhenius"] = activation_rows(found.activations)
    if found.flags:
        told["flags"] = list(found.flags)
    return told


def _row(found: Measurement, row: Row) -> dict[str, Any]:
    fit, check = row.fit, row.check
    made: dict[str, Any] = {
        "results": {} if fit is None else _numbers(found, fit.values),
        "chi2_reduced": None if fit is None else finite(fit.chi2_reduced),
        "kk_verdict": None if check is None else check.verdict,
        "flags": list(row.flags),
        "circuit": None if fit is None else write(fit.model.circuit),
        "convention": None if fit is None else convention(fit.spectrum, fit.estimate),
        **conditions(row.spectrum),
    }
    if check is not None:
        made["noise"] = finite(check.noise)
    if fit is not None:
        made["converged"] = fit.converged
    if fit is not None and row.profiles:
        made["profiles"] = _intervals(row.profiles, fit.values)
    if row.comparison:
        made["comparison"] = _comparison(row.comparison)
    if row.failed:
        made["failed"] = row.failed
    return made


def _comparison(rows: Told) -> list[dict[str, Any]]:
    """Circuits compared, best first, as JSON holds them."""
    return [
        {name: finite(x) if isinstance(x, float) else x for name, x in row.items()} for row in rows
    ]


def _numbers(found: Measurement, values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: number(value, sure=name in found.fixed) for name, value in values.items()}


def _intervals(
    ends: Mapping[str, tuple[float, float]], values: Mapping[str, Value]
) -> dict[str, Any]:
    """Profile intervals in the unit of the results."""
    made = {}
    for name, (low, high) in ends.items():
        row = number(values[name])
        factor = float(row["value"] / values[name].si)
        made[name] = {
            "low": finite(low * factor),
            "high": finite(high * factor),
            "unit": row["unit"],
            "level": 0.9,
        }
    return made


def convention(cell: Spectrum, estimate: Estimate) -> str:
    """Whose numbers the results are.

    Per area or of the whole cell, and per interface or per cell where an arc is labelled as
    that of the interface.
    """
    area = "per area" if cell.area is not None else "whole electrodes, no area given"
    labels = [arc.label for arc in estimate.arcs if arc.label.lower() in INTERFACE]
    if not labels:
        return f"per cell; {area}"
    if cell.interfaces == 1:
        return f"per cell as measured, taken as one interface; {area}"
    names = ", ".join(labels)
    return (
        f"per interface for {names} ({cell.interfaces} in series: R is divided, C and Q are "
        f"multiplied by {cell.interfaces}); per cell for all else; {area}"
    )


def _joint(found: Measurement, joint: JointFit) -> dict[str, Any]:
    design = joint.design
    T = joint.temperature
    made: dict[str, Any] = {
        "results": _numbers(found, joint.values),
        "chi2_reduced": finite(joint.chi2_reduced),
        "flags": list(joint.flags),
        "circuit": write(design.model.circuit),
        "convention": convention(joint.spectra[0], joint.estimate),
        "spectra": len(joint.spectra),
        "temperature_C": None if T is None else round(float(shown("temperature", T)), 6),
        "pressure_MPa": float(shown("pressure", design.levels[0])) if design.levels.size else None,
        "noise": finite(float(np.sqrt(joint.noise))),
        "laws": [
            {
                "laws": str(test.terms),
                "holds": bool(test.holds),
                "chi2_reduced": finite(test.chi2_reduced),
                "F": finite(test.F),
                "probability": finite(test.probability),
                "probability_of_no_drift": finite(test.drifts),
                "bic": finite(test.bic),
            }
            for test in joint.tests
        ],
        "profiles": _intervals(joint.profiles, joint.values),
        "mechanism": {
            label: {"mechanism": verdict.mechanism, "evidence": list(verdict.evidence)}
            for label, verdict in found.mechanism.items()
        },
    }
    if contacts := _contacts(joint):
        made["contact"] = contacts
    if found.joint_comparison:
        made["comparison"] = _comparison(found.joint_comparison)
    return made


def _contacts(joint: JointFit) -> dict[str, Any]:
    """Contact of every arc that follows the pressure, over that at the highest."""
    made = {}
    for label in joint.design.movers if joint.design.levels.size > 1 else ():
        if joint.design.terms.pressure:
            continue  # R and Q go their own ways: there is no one contact
        pressure, ratio, spread = joint.contact(label)
        made[label] = {
            "pressure_MPa": [float(p) for p in shown("pressure", pressure)],
            "relative_contact": [float(f) for f in ratio],
            "spread": [float(s) for s in spread],
        }
    return made


# ---------------------------------------------------------------- tables


def measurement_text(found: Measurement, *, most: int | None = None) -> list[str | Table]:
    """Lines and tables that people read first, in order.

    Parameters
    ----------
    most
        Longest table; all rows by default.
    """
    good = [row for row in found.rows if row.fit is not None]
    parts: list[str | Table] = []
    if good and len(good) <= _DETAILED:
        for row in good:
            parts += ["", *_detailed(row)] if parts else _detailed(row)
    elif good:
        parts += [_circuits(good), series_table(good[:most])]
        if most is not None and len(good) > most:
            parts.append(f"and {len(good) - most} more: --out or --json holds them all")
    parts += [f"{row.name}: {row.failed}" for row in found.rows if row.failed]
    if found.comparison:
        parts += ["", comparison_table(found.comparison)]
    if found.joint is not None:
        parts += ["", *_joint_text(found, found.joint)]
    if found.activations:
        parts += ["", "Activation energies (single fits)", activation_table(found.activations)]
    flags = [*found.flags, *(found.joint.flags if found.joint else ())]
    flags += gathered(_telling({row.name: _of_row(found, row) for row in good}, flags))
    flags += gathered(_telling(activation_flags(found.activations), flags))
    if flags:
        parts += ["", *(f"- {flag}" for flag in dict.fromkeys(flags))]
    return parts


def _of_row(found: Measurement, row: Row) -> Sequence[str]:
    """Flags of a spectrum; what its single fit lacks is no matter where there is a joint fit."""
    if found.joint is None or row.fit is None:
        return row.flags
    single = {*row.fit.flags} - {*row.fit.spectrum.changes}
    return [flag for flag in row.flags if flag not in single]


def _telling(flags: Mapping[str, Sequence[str]], said: Sequence[str]) -> dict[str, list[str]]:
    """Without what a table or another flag already says."""
    return {
        name: [f for f in each if not f.startswith(_QUIET) and f not in said]
        for name, each in flags.items()
    }


def comparison_table(rows: Told) -> Table:
    """One line for each circuit, best first: BIC relative to the best, ten units are decisive."""
    cells = [
        [
            row["circuit"], f"{row.get('parameters', '–')}", short(row.get("chi2_reduced"), 3),
            row.get("failed") or f"{row['delta_bic']:.1f}", row.get("laws", "–"),
        ]
        for row in rows
    ]  # fmt: skip
    return _without_empty((["circuits compared", "parameters", "χ²/dof", "ΔBIC", "laws"], cells))


def _circuits(rows: Sequence[Row]) -> str:
    circuits = dict.fromkeys(write(row.fit.model.circuit) for row in rows if row.fit is not None)
    return f"circuit: {'; '.join(circuits)}"


def _where(row: Row) -> list[str]:
    about = conditions(row.spectrum)
    return [short(about["temperature_C"]), short(about["pressure_MPa"])]


def series_table(rows: Sequence[Row]) -> Table:
    """One line for each spectrum: conditions, resistances, misfit, test."""
    fits = [row.fit for row in rows if row.fit is not None]
    names = dict.fromkeys(arc.R for fit in fits for arc in fit.estimate.arcs)
    unit = {number(fit.values[n])["unit"] for fit in fits for n in names if n in fit.values}
    one = units(next(iter(unit))) if len(unit) == 1 else ""
    head = ["file", "T / °C", "P / MPa", *(f"{n} / {one}" if one else n for n in names)]
    cells = []
    for row in rows:
        if row.fit is None:
            continue
        values = {name: number(value) for name, value in row.fit.values.items()}
        line = [row.name, *_where(row)]
        for name in names:
            if name not in values:
                line.append("–")
            elif one:
                line.append(plus_minus(values[name]["value"], values[name]["spread"]))
            else:
                line.append(told(values[name]))
        line += [short(row.fit.chi2_reduced, 3), row.check.verdict if row.check else "–"]
        cells.append(line)
    return _without_empty(([*head, "χ²/dof", "KK"], cells))


def _without_empty(table: Table) -> Table:
    """Leave out columns that hold nothing."""
    head, cells = table
    kept = [k for k in range(len(head)) if any(line[k] != "–" for line in cells)]
    return [head[k] for k in kept], [[line[k] for k in kept] for line in cells]


def arcs_table(estimate: Estimate, values: Mapping[str, Value]) -> Table:
    """One line for each arc: R, C, frequency, n, conductivity, activation energy."""
    cells = []
    for arc in estimate.arcs:
        tag = f"_{arc.label}" if arc.label else ""
        names = (arc.R, f"C{tag}", f"f{tag}", f"n{tag}", f"sigma{tag}", f"Ea{tag}", f"m{tag}")
        cells.append(
            [arc.label or "arc", *(told(number(values[n])) if n in values else "–" for n in names)]
        )
    return _without_empty((["arc", "R", "C", "frequency", "n", "σ", "Ea", "m"], cells))


def _rest(estimate: Estimate, values: Mapping[str, Value]) -> str:
    """Numbers that belong to no arc."""
    tags = {f"_{arc.label}" if arc.label else "" for arc in estimate.arcs}
    arcs = {f"{head}{tag}" for tag in tags for head in _OF_ARCS}
    others = {name: value for name, value in values.items() if name not in arcs}
    return ", ".join(f"{name} {told(number(value))}" for name, value in others.items())


def _detailed(row: Row) -> list[str | Table]:
    """Name and conditions, arcs, other elements, misfit."""
    fit = row.fit
    if fit is None:
        return []
    about = [
        f"{x} {unit}"
        for x, unit in zip(_where(row), ("°C", "MPa"), strict=True)
        if x != "–"
    ]  # fmt: skip
    verdict = row.check.verdict if row.check else "not tested"
    last = f"χ²/dof {fit.chi2_reduced:.3g}, Kramers–Kronig {verdict}"
    parts: list[str | Table] = [
        f"{', '.join([row.name, *about])}: {write(fit.model.circuit)}",
        convention(fit.spectrum, fit.estimate),
    ]
    if fit.estimate.arcs:
        parts.append(arcs_table(fit.estimate, fit.values))
    if rest := _rest(fit.estimate, fit.values):
        parts.append(rest)
    for name, ends in _intervals(row.profiles, fit.values).items():
        interval = f"{ends['low']:.4g} … {ends['high']:.4g} {units(ends['unit'])}"
        parts.append(f"{name} by profile: {interval} (90 %)")
    return [*parts, last, *([comparison_table(row.comparison)] if row.comparison else [])]


def _joint_text(found: Measurement, joint: JointFit) -> list[str | Table]:
    row = _joint(found, joint)
    about = (("temperature_C", "°C", 1), ("pressure_MPa", "MPa", 6))
    at = [f"{round(row[x], places):g} {unit}" for x, unit, places in about if row[x] is not None]
    where = f" at {', '.join(at)}" if at else ""
    parts: list[str | Table] = [
        f"Joint fit of {len(joint.spectra)} spectra{where}: {row['circuit']}",
        row["convention"],
        arcs_table(joint.estimate, joint.values),
    ]
    if rest := _rest(joint.estimate, joint.values):
        parts.append(rest)
    for name, ends in row["profiles"].items():
        interval = f"{ends['low']:.4g} … {ends['high']:.4g} {units(ends['unit'])}"
        parts.append(f"{name} by profile: {interval} (90 %)")
    parts.append(
        f"χ²/dof {joint.chi2_reduced:.3g}, noise {joint.noise**0.5:.2%}; "
        f"laws: {joint.tests[-1].terms}"
    )
    open_ = [label or "arc" for label, v in found.mechanism.items() if v.mechanism == "undecided"]
    for label, verdict in found.mechanism.items():
        if verdict.mechanism != "undecided":
            parts.append(f"{label or 'arc'}: {verdict.mechanism} ({'; '.join(verdict.evidence)})")
    if open_:
        parts.append(f"mechanism undecided: {', '.join(open_)}")
    if found.joint_comparison:
        parts += ["", comparison_table(found.joint_comparison)]
    return parts


# ---------------------------------------------------------------- files


def write_measurement(
    found: Measurement, folder: Path, *, progress: Tell | None = None
) -> list[Path]:
    """Write summary, JSON, CSV, provenance and figures of a measurement.

    Parameters
    ----------
    found
        What `evaluate`, `over_temperature` and `join` found.
    folder
        Made if it is not there.
    progress
        Called with (figures drawn, all).

    Returns
    -------
    list of Path
        What was written: summary.txt, results.json, results.csv, spectra.csv, joint.csv and
        arrhenius.csv where there are such results, provenance.json, figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_former(folder)
    names = ("summary.txt", "results.json", "results.csv", "spectra.csv")
    summary, results, table, points = (folder / name for name in names)
    summary.write_text("\n".join(_plain(measurement_text(found))) + "\n", encoding="utf-8")
    results.write_text(as_json(measurement_json(found), indent=1), encoding="utf-8")
    write_rows(table, [_csv_row(found, row) for row in found.rows])
    write_rows(points, _csv_points(found))
    spectra = [row.spectrum for row in found.rows if row.spectrum is not None]
    paths = [summary, results, table, points]
    paths.append(write_provenance(spectra, folder, found.options))
    if found.joint is not None:
        paths.append(write_rows(folder / "joint.csv", _csv_joint(found, found.joint)))
    if found.activations:
        paths.append(write_rows(folder / "arrhenius.csv", activation_csv(found.activations)))
    paths += draw_all(measurement_figures(found), folder, progress)
    write_provenance(spectra, folder, found.options, written=paths)
    return paths


def _plain(parts: Sequence[str | Table]) -> list[str]:
    lines: list[str] = []
    for part in parts:
        lines += [part] if isinstance(part, str) else plain_table(*part)
    return lines


def _csv_row(found: Measurement, row: Row) -> dict[str, Any]:
    told = _row(found, row)
    line: dict[str, Any] = {"file": row.name}
    for name in ("temperature_C", "pressure_MPa", "circuit", "chi2_reduced", "kk_verdict"):
        line[name] = "" if told[name] is None else told[name]
    for name, result in told["results"].items():
        column = f"{name} / {result['unit']}" if result["unit"] != "1" else name
        line[column] = result["value"]
        line[f"{name} spread"] = "" if result["spread"] is None else result["spread"]
    return line | {"failed": row.failed, "flags": " | ".join(row.flags)}


def _csv_joint(found: Measurement, joint: JointFit) -> list[dict[str, Any]]:
    results = _joint(found, joint)
    rows = []
    for name, result in results["results"].items():
        ends = results["profiles"].get(name, {})
        rows.append(
            {
                "name": name,
                **{k: "" if v is None else v for k, v in result.items()},
                "profile_low": ends.get("low", ""),
                "profile_high": ends.get("high", ""),
            }
        )
    return rows


def _csv_points(found: Measurement) -> list[dict[str, Any]]:
    """Every point, with what the fits give there."""
    lines = []
    joint = joint_circuits(found)
    for row in found.rows:
        if row.spectrum is None:
            continue
        s, z = row.spectrum, row.spectrum.z
        fitted = None if row.fit is None else row.fit.z
        together = None
        if row.name in joint:
            together = joint[row.name].impedance(s.frequency) / (s.area or 1.0)
        for k, f in enumerate(s.frequency):
            line: dict[str, Any] = {
                "file": row.name, "frequency_Hz": float(f), "re_ohm": float(z[k].real),
                "im_ohm": float(z[k].imag), "used": int(s.used[k]),
            }  # fmt: skip
            for name, curve in (("fit", fitted), ("joint", together)):
                if curve is not None:
                    line[f"{name}_re_ohm"] = float(curve[k].real)
                    line[f"{name}_im_ohm"] = float(curve[k].imag)
            lines.append(line)
    return lines


def joint_circuits(found: Measurement) -> dict[str, Circuit]:
    """Circuit of the joint fit at each spectrum, by name."""
    joint = found.joint
    if joint is None:
        return {}
    model = joint.design.model
    names = [row.name for row in found.rows if row.fit is not None]
    circuits = {}
    for name, x in zip(names, joint.design.x(joint.theta), strict=True):
        p = np.where(model.logs, np.exp(np.where(model.logs, x, 0.0)), x)
        circuits[name] = filled(model.circuit, p.tolist())
    return circuits


# ---------------------------------------------------------------- figures


def measurement_figures(found: Measurement) -> list[Figure]:
    """Figures of a measurement: of each spectrum where there are few, else of the series."""
    rows = [row for row in found.rows if row.fit is not None]
    if not rows:
        return []
    fits = [row.fit for row in rows if row.fit is not None]
    joint = joint_circuits(found)
    figures: list[Figure] = []
    if len(rows) <= _DETAILED:
        for row, fit in zip(rows, fits, strict=True):
            stem = f"_{stem_of(row.name)}" if len(rows) > 1 else ""
            figures += fit_figures(fit, joint=joint.get(row.name), noise=_noise(row), stem=stem)
            for own in distributions([fit.spectrum], bands=True):
                figures.append(distribution_figure(own, name=f"drt{stem}"))
    else:
        figures += series_figures(fits, [joint.get(row.name) for row in rows])
        figures += drt_maps(distributions([fit.spectrum for fit in fits]))
    if found.activations:
        figures += activation_figures([(each.key, each.fit) for each in found.activations])
    if found.joint is not None:
        figures += joint_figures(found, found.joint)
    return figures


def _noise(row: Row) -> float | None:
    return None if row.check is None else row.check.noise


def distributions(spectra: Sequence[Spectrum], *, bands: bool = False) -> list[DRT]:
    """Distributions of relaxation times, of a sample where there are many; without failures."""
    found = []
    some = np.unique(np.linspace(0, len(spectra) - 1, _MAPPED).round().astype(int))
    for spectrum in (spectra[k] for k in some.tolist()):
        with suppress(InputError):  # too few points, say
            found.append(drt(spectrum, bands=bands))
    return found


def joint_figures(found: Measurement, joint: JointFit) -> list[Figure]:
    """Resistances over temperature and contact over pressure by the joint fit."""
    singles = [row.fit for row in found.rows if row.fit is not None]
    figures = []
    if joint.design.hot and "temperature" in slices(joint.spectra):
        figures.append(joint_activation_figure(joint, singles))
    if _contacts(joint):
        figures.append(contact_figure(joint, singles))
    return figures
