"""Figures of a predicted interface: contact, resistance, budget."""

from __future__ import annotations

from typing import Final

import numpy as np

from dualyte.interface.answer import budget
from dualyte.interface.predict import InterfacePrediction
from dualyte.material import facts
from dualyte.plot.figure import Figure, Series
from dualyte.uncertainty import interval
from dualyte.vocabulary import Floats, show, shown

R_HE: Final = r"$R_\mathrm{HE}$ / Ω cm²"


def interface_figures(prediction: InterfacePrediction) -> list[Figure]:
    """The four figures of an interface: map, contact, resistance, budget."""
    return [
        contact_map(prediction),
        contact_curve(prediction),
        resistance_curve(prediction),
        resistance_budget(prediction),
    ]


def contact_map(prediction: InterfacePrediction, k: int = 0) -> Figure:
    """Height of the garnet with the true contact at one stack pressure."""
    contact = prediction.reference
    step = prediction.steps[k]
    side = tuple(float(shown("length", x)) for x in contact.surface.size)
    return Figure(
        name="contact_map",
        x="x / µm",
        y="y / µm",
        image=shown("height", contact.surface.heights),
        mask=contact.maps[step],
        extent=(side[0], side[1]),
        image_label="garnet height / nm",
        title=(
            f"{contact.soft.name} | {contact.hard.name}, {show('pressure', contact.pressure[step])}"
            f": {contact.fraction[step]:.1%} touch (orange)"
        ),
    )


def contact_curve(prediction: InterfacePrediction) -> Figure:
    """Contact fraction against pressure, loading and unloading, with 90 % bands."""
    contact = prediction.reference
    every = np.array([c.fraction for c in prediction.contacts]) * 100
    series = []
    for back, name, colour in ((False, "loading", 0), (True, "unloading", 1)):
        steps = np.flatnonzero(contact.unloading == back)
        if back and steps.size:  # the branch starts at the pressing itself
            steps = np.concatenate([[int(np.argmax(contact.pressure))], steps])
        if steps.size == 0:
            continue
        low, high = interval(every[:, steps], axis=0)
        series.append(
            Series(
                x=shown("pressure", contact.pressure[steps]),
                y=np.median(every[:, steps], axis=0),
                low=low,
                high=high,
                name=name,
                colour=colour,
            )
        )
    return Figure(
        name="contact_fraction",
        x="pressure P / MPa",
        y="contact fraction f / %",
        series=series,
        log_x=True,
        title=_who(prediction),
    )


def _who(prediction: InterfacePrediction) -> str:
    design = prediction.design
    return (
        f"{design.soft.name} | {design.hard.name}, {design.film.treatment}, "
        f"{show('temperature', design.temperature).replace('degC', '°C')}"
    )


def resistance_curve(prediction: InterfacePrediction) -> Figure:
    """R_HE against stack pressure: both branches, 90 % band, and what was measured."""
    p = shown("pressure", prediction.pressure)
    total = shown("asr", prediction.total)
    low, high = interval(total, axis=0)
    branch = "unloading" if prediction.design.route == "powder-to-pellet" else "loading"
    series = [
        Series(
            x=p, y=np.median(total, axis=0), low=low, high=high, name=f"predicted, {branch}",
            colour=1 if branch == "unloading" else 0,
        )
    ]  # fmt: skip
    if branch == "unloading":
        found = budget(prediction)
        up = np.flatnonzero(~prediction.reference.unloading)
        series.append(
            Series(
                x=shown("pressure", found.pressure[up]),
                y=shown("asr", found.total[up]),
                name="on loading",
                style="dashed",
                colour=0,
            )
        )
    series += _measured(prediction)
    return Figure(
        name="resistance",
        x="stack pressure P / MPa",
        y=R_HE,
        series=series,
        log_x=True,
        log_y=True,
        title=_who(prediction),
    )


def _measured(prediction: InterfacePrediction) -> list[Series]:
    """Measured R_HE of the same cell, each point saying whether it was fitted."""
    design = prediction.design
    found: dict[str, list[tuple[float, float, float]]] = {}
    for row in facts("interface").values():
        same = (
            row.get("quantity", "").startswith("H-E resistance")
            and row.get("soft") == design.soft.name
            and row.get("treatment") == design.film.treatment
            and abs(row.get("temperature_C", -300) - shown("temperature", design.temperature)) < 1
            and "stack_MPa" in row
        )
        if same:
            name = "measured, fitted" if row["use"] == "calibration" else "measured"
            spread = float(row.get("spread", 0.0))
            if row.get("comparator") == "<":
                name = "measured, upper bound"
            found.setdefault(name, []).append((row["stack_MPa"], row["value"], spread))
    series = []
    for colour, (name, rows) in enumerate(sorted(found.items())):
        x, y, d = np.array(rows, dtype=float).T
        series.append(
            Series(
                x=x, y=y, low=np.maximum(y - d, y * 0.02), high=y + d, name=name,
                style="bounds" if "bound" in name else "points", colour=(6, 2, 3)[colour % 3],
            )
        )  # fmt: skip
    return series


def resistance_budget(prediction: InterfacePrediction) -> Figure:
    """Transfer, film and constriction at each stack pressure, as stacked bars."""
    ticks = [f"{float(p):g}" for p in shown("pressure", prediction.pressure)]
    median = np.median(prediction.total, axis=0)
    series = []
    base = np.zeros(len(ticks))
    for colour, name in enumerate(("transfer", "film", "constriction")):
        share = np.mean(getattr(prediction, name) / prediction.total, axis=0)
        height = shown("asr", share * median)
        if not height.any():
            continue
        series.append(
            Series(
                x=np.arange(len(ticks)), y=height, low=base.copy(), name=name, style="bars",
                colour=(1, 4, 0)[colour],
            )
        )  # fmt: skip
        base += height
    return Figure(
        name="resistance_budget",
        x="stack pressure P / MPa",
        y=R_HE,
        series=series,
        ticks=ticks,
        title=_who(prediction),
    )


def flow_rule_figure(
    curves: dict[str, tuple[Floats, Floats]], published: dict[str, tuple[float, float]]
) -> Figure:
    """f(P) on loading of several soft materials, beside the published model's points.

    `curves` holds (pressure [Pa] (s,), fraction (faces, s)) by name, `published`
    (pressure [Pa], fraction).
    """
    series = []
    for k, (name, (p, f)) in enumerate(curves.items()):
        low, high = interval(100 * f, axis=0)
        middle = np.median(100 * f, axis=0)
        series.append(
            Series(x=shown("pressure", p), y=middle, low=low, high=high, name=name, colour=k)
        )
    for k, name in enumerate(curves):
        if name in published:
            where, what = published[name]
            series.append(
                Series(
                    x=shown("pressure", [where]), y=np.array([100 * what]), style="points",
                    colour=k, name=f"{name}, published model",
                )
            )  # fmt: skip
    return Figure(
        name="contact_of_soft_materials",
        x="pressure P / MPa",
        y="contact fraction f / %",
        series=series,
        log_x=True,
        title="first loading on garnet of Sq 220 nm",
    )
