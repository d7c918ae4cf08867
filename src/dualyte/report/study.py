"""Every `compare` fact about the interface, predicted, with its interval; misses included.

Calibrated numbers stand in a table of their own: what was fitted is no prediction.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte import plot
from dualyte.interface.predict import (
    ContactSample,
    Design,
    InterfacePrediction,
    RoughFace,
    built_in,
    predict_interface,
    sample_contacts,
)
from dualyte.interface.transport import frequencies
from dualyte.material import Value, calibration, facts, material
from dualyte.surface import grit, treatment
from dualyte.uncertainty import draw, interval
from dualyte.vocabulary import Floats, q, show, shown

_MODEL_FACE: Final = Value(
    quantity="roughness",
    si=220e-9,
    kind="literature",
    source="paper2026",
    where="F069: Sq of the published contact model",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One statement of the study beside what dualyte says."""

    fact: str
    what: str
    unit: str
    predicted: float | None
    low: float | None
    high: float | None
    measured: str
    inside: str  #: "yes", "within error", "no", or why there is no verdict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyTable:
    """Predictions and, apart from them, the calibrated numbers."""

    predicted: tuple[Row, ...]
    calibrated: tuple[Row, ...]
    curves: dict[str, tuple[Floats, Floats]] = field(repr=False)  #: P (s,), f (faces, s) on loading

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Both tables as plain objects."""
        return {
            name: [{key: getattr(row, key) for key in Row.__slots__} for row in rows]
            for name, rows in (("predicted", self.predicted), ("calibrated", self.calibrated))
        }

    def __str__(self) -> str:
        return "\n\n".join(
            f"{title}\n" + "\n".join(_line(row) for row in rows)
            for title, rows in (
                ("Predicted | 90 % interval | measured | inside?", self.predicted),
                ("Calibrated: fitted to these facts, not predicted", self.calibrated),
            )
        )


def _line(row: Row) -> str:
    told = "–" if row.predicted is None else f"{row.predicted:.3g}"
    band = "–" if row.low is None or row.high is None else f"{row.low:.3g} … {row.high:.3g}"
    return f"{row.fact} {row.what} [{row.unit}]: {told} | {band} | {row.measured} | {row.inside}"


class _Study:
    """The cells of the study, pressed once each and shared between rows."""

    def __init__(
        self,
        seeds: int,
        seed: int,
        workers: int | None,
        store: Path | None,
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self.seeds, self.seed, self.workers, self.store = seeds, seed, workers, store
        self.progress = progress
        self._contacts: dict[str, list[ContactSample]] = {}

    def contacts(self, name: str, design: Design) -> list[ContactSample]:
        if name not in self._contacts:
            told = self.progress
            self._contacts[name] = sample_contacts(
                design,
                self.seeds,
                seed=self.seed,
                workers=self.workers,
                store=self.store,
                progress=(lambda done, n: told(name, done, n)) if told else None,
            )
        return self._contacts[name]

    def predict(self, name: str, design: Design) -> InterfacePrediction:
        return predict_interface(
            design, seeds=self.seeds, seed=self.seed, contacts=self.contacts(name, design)
        )

    def fraction(self, soft: str) -> tuple[Floats, Floats]:
        """Loading curve of a soft material on the face of the published model."""
        design = built_in(
            soft=material(soft),
            face=RoughFace(sq=_MODEL_FACE),
            route="pellet-to-pellet",
            stacks=tuple(1e6 * p for p in (1, 3, 10, 30, 55, 120)),
        )
        samples = self.contacts(f"{soft} on loading", design)
        pressure = np.array([step.pressure for step in design.history])
        return pressure, np.array([sample.fraction for sample in samples])

    @cached_property
    def curves(self) -> dict[str, tuple[Floats, Floats]]:
        return {name: self.fraction(name) for name in ("LPSCl", "LNOC", "LTOC", "LAOC")}

    @cached_property
    def heat_treated(self) -> InterfacePrediction:
        return self.predict("LNOC pressed", built_in(stacks=(55e6, 6e6, 1.8e6)))

    def polished(self, soft: str) -> InterfacePrediction:
        stacks = (55e6, 6e6, 1.8e6) if soft == "LNOC" else (55e6,)
        design = built_in(soft=material(soft), film=treatment("polished"), stacks=stacks)
        return self.predict(f"{soft} pressed", design)

    @cached_property
    def warm(self) -> InterfacePrediction:
        design = built_in(route="pellet-to-pellet", stacks=(7e6,), temperature=333.15)
        return self.predict("LNOC pellet at 7 MPa", design)

    def finish(self, grade: str) -> InterfacePrediction:
        design = built_in(
            film=treatment("polished"), face=RoughFace(sq=grit(grade)), stacks=(55e6,)
        )
        return self.predict(f"LNOC on {grade}", design)


def interface_table(
    *,
    seeds: int = 20,
    seed: int = 0,
    workers: int | None = None,
    store: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> StudyTable:
    """Predict every `compare` fact of the study about the interface.

    Parameters
    ----------
    seeds, seed, workers, store
        As for `predict_interface`, for each of the cells.
    progress
        Called with (name of the cell, faces pressed, faces in all).

    Returns
    -------
    StudyTable
        A fact is inside if its value (the middle of a range) lies in the 90 % interval,
        `within error` if only its error bar or range touches it.
    """
    study = _Study(seeds, seed, workers, store, progress)
    rows = [*_contact_rows(study), *_transport_rows(study), *_other_rows(study)]
    covered = {row.fact for row in rows}
    missing = {k for k, f in facts("interface").items() if f["use"] == "compare"} - covered
    rows += [_unpredicted(name, "no model in this part of the package") for name in sorted(missing)]
    return StudyTable(
        predicted=tuple(sorted(rows, key=lambda row: row.fact)),
        calibrated=tuple(_calibrated_rows(study)),
        curves=study.curves,
    )


def _judge(fact: str, what: str, samples: Floats, unit: str) -> Row:
    """Row of one fact from samples of its prediction in the fact's unit."""
    measured = facts("interface")[fact]
    low, high = (float(x) for x in interval(samples))
    value = measured["value"]
    spread = float(measured.get("spread", 0.0))
    sign = str(measured.get("comparator", ""))
    lo, hi = (value[0], value[-1]) if isinstance(value, list) else (value, value)
    told = f"{sign} " if sign else ""
    told += f"{lo} … {hi}" if isinstance(value, list) else f"{value}"
    told += f" ± {spread:g}" if spread else ""
    if sign in {"<", "<="}:
        verdict = "yes" if high < hi else "within error" if low < hi else "no"
    elif sign in {">", ">="}:
        verdict = "yes" if low > lo else "within error" if high > lo else "no"
    elif low <= (lo + hi) / 2 <= high:
        verdict = "yes"
    else:
        verdict = "within error" if low <= hi + spread and high >= lo - spread else "no"
    return Row(
        fact=fact, what=what, unit=unit, predicted=float(np.median(samples)), low=low, high=high,
        measured=told, inside=verdict,
    )  # fmt: skip


def _contact_rows(study: _Study) -> list[Row]:
    at = {}
    for name, (pressure, fraction) in study.curves.items():
        at[name] = fraction[:, int(np.argmin(np.abs(pressure - 55e6)))]
    rows = [
        _judge(fact, f"contact of {name} at 55 MPa, on loading", 100 * at[name], "%")
        for fact, name in (("F071", "LPSCl"), ("F072", "LNOC"), ("F073", "LAOC"))
    ]
    both = np.concatenate([at["LNOC"] / at["LPSCl"], at["LAOC"] / at["LPSCl"]])
    rows += [
        _judge(fact, "contact of LNOC and LAOC over LPSCl, 55 MPa", both, "1")
        for fact in ("F005", "F021")
    ]
    return rows


def _transport_rows(study: _Study) -> list[Row]:
    hot, flat = study.heat_treated, study.polished("LNOC")
    soft, other, warm = study.polished("LAOC"), study.polished("LTOC"), study.warm

    def energy(found: InterfacePrediction) -> Floats:
        return shown("activation_energy", found.energy[:, 0])

    def capacitance(found: InterfacePrediction, k: int) -> Floats:
        return shown("capacitance", found.capacitance[:, k])

    peak = _peaks(flat)["Q"] / 1e3
    rows = [
        _judge("F103", "R_HE, LNOC heat-treated, 55 MPa", shown("asr", hot.total[:, 0]), "Ω cm²"),
        _judge("F121", "R_HE, LNOC heat-treated, 6 MPa", shown("asr", hot.total[:, 1]), "Ω cm²"),
        _judge("F122", "C_HE, LNOC heat-treated, 6 MPa", capacitance(hot, 1), "µF/cm²"),
        _judge("F088", "R_HE, LAOC polished, 55 MPa", shown("asr", soft.total[:, 0]), "Ω cm²"),
        _judge("F089", "C_HE, LAOC polished, 55 MPa", capacitance(soft, 0), "µF/cm²"),
        _judge("F095", "activation energy, LTOC polished", energy(other), "eV"),
        _judge("F099", "activation energy, LAOC polished", energy(soft), "eV"),
        _judge("F076", "arc frequency, LNOC polished (Q reading)", peak, "kHz"),
        _judge("F077", "arc frequency, LNOC polished (Q reading)", peak, "kHz"),
        _judge("F149", "arc frequency at 60 °C, 7 MPa (Q reading)", _peaks(warm)["Q"] / 1e3, "kHz"),
    ]
    as_c = _peaks(flat)["C"] / 1e3
    return [*rows, replace(
        _judge("F077", "the same, if the quoted value is a C", as_c, "kHz"), fact="F077 (C)"
    )]  # fmt: skip


def _peaks(found: InterfacePrediction) -> dict[Any, Floats]:
    return dict(frequencies(found.total[:, 0], found.capacitance[:, 0], found.inputs["exponent"]))


def _other_rows(study: _Study) -> list[Row]:
    rough, fine = study.finish("P400").total[:, 0], study.finish("P4000").total[:, 0]
    film = material("Li2CO3")["conductivity"]
    known = calibration("interface").values["film_polished_resistance"]
    drawn = draw({"r": known, "sigma": film}, 4000, seed=study.seed)
    thickness = shown("thickness", drawn["r"] * drawn["sigma"])
    return [
        _judge("F082", "R_HE on P400 over P4000, contact alone", rough / fine, "1"),
        _judge("F108", "film on polished garnet, if Li2CO3", thickness, "nm"),
        _unpredicted("F155", "ageing of the interface is not modelled"),
    ]


def _unpredicted(name: str, why: str) -> Row:
    row = facts("interface")[name]
    return Row(
        fact=name, what=str(row["quantity"]), unit=str(row["unit"]), predicted=None, low=None,
        high=None, measured=str(row["value"]), inside=why,
    )  # fmt: skip


def _calibrated_rows(study: _Study) -> list[Row]:
    """What the fitted facts come out as: a check of the fit, printed apart."""
    hot, flat = study.heat_treated, study.polished("LNOC")
    acid = study.predict(
        "LNOC pressed", built_in(film=treatment("phosphoric acid"), stacks=(55e6, 6e6, 1.8e6))
    )
    cells = (
        ("F114", "R_HE, LNOC heat-treated, 1.8 MPa", hot, 2, "asr", "total"),
        ("F084", "R_HE, LNOC polished, 55 MPa", flat, 0, "asr", "total"),
        ("F104", "R_HE, LNOC phosphoric acid, 55 MPa", acid, 0, "asr", "total"),
        ("F085", "C_HE, LNOC polished, 55 MPa", flat, 0, "capacitance", "capacitance"),
        ("F105", "activation energy, heat-treated", hot, 0, "activation_energy", "energy"),
        ("F106", "activation energy, polished", flat, 0, "activation_energy", "energy"),
        ("F107", "activation energy, phosphoric acid", acid, 0, "activation_energy", "energy"),
    )
    rows = []
    for fact, what, found, k, word, name in cells:
        samples = shown(word, getattr(found, name)[:, k])
        unit = show(word, q("1 eV")).split()[-1] if word == "activation_energy" else ""
        unit = unit or {"asr": "Ω cm²", "capacitance": "µF/cm²"}[word]
        rows.append(replace(_judge(fact, what, samples, unit), inside="fitted"))
    return rows


def write_table(table: StudyTable, folder: Path) -> list[Path]:
    """Write both tables as JSON and CSV, and the figure of f(P) of the soft materials."""
    folder.mkdir(parents=True, exist_ok=True)
    told = table.as_dict()
    paths = [folder / "interface_table.json"]
    paths[0].write_text(json.dumps(told, indent=2, ensure_ascii=False), encoding="utf-8")
    for name, rows in told.items():
        paths.append(folder / f"{name}.csv")
        with paths[-1].open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(Row.__slots__))
            writer.writeheader()
            writer.writerows(rows)
    published = {
        name: (55e6, facts("interface")[fact]["value"] / 100)
        for name, fact in (("LPSCl", "F071"), ("LNOC", "F072"), ("LAOC", "F073"))
    }
    figure = plot.flow_rule_figure(table.curves, published)
    paths += [folder / f"{figure.name}.{suffix}" for suffix in ("png", "pdf")]
    for path in paths[-2:]:
        plot.draw(figure, path)
    return paths
