"""Powder: start and rate of each model, and k of unloading, fitted to three facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.calibrate.files import write_values
from dualyte.errors import InputError
from dualyte.material import facts, material
from dualyte.pellet.compact import Model, law_of, unloading_k
from dualyte.pellet.master import SHIPPED, master_curve
from dualyte.vocabulary import Floats

FACTS: Final = ("F037", "F038", "F057")
EXPONENTS: Final = {"map": (5.0, 7.0, 10.0), "mesoscale": (5.0, 7.0, 10.0)}
_STARTS: Final = {"map": (0.5, 0.72), "mesoscale": (0.56, 0.735)}  # of a powder that can be poured


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PelletFit:
    """Samples of the calibrated parameters, SI, and what they were fitted to."""

    samples: dict[str, Floats] = field(repr=False)  #: name: (n,)
    quantities: dict[str, str]  #: name: row of the vocabulary
    facts: tuple[str, ...]
    kept: float  #: share of the draws that a start within bounds can meet
    checks: tuple[str, ...]  #: what each exponent gives for LAOC, which is not fitted
    inputs: str  #: hash of facts, hardnesses and master curves

    def __str__(self) -> str:
        rows = [f"calibrated on {', '.join(self.facts)}"]
        rows += [
            f"  {row['parameter']}: {row['value']} ({row['low']} … {row['high']})"
            for row in pellet_parameters(self)
        ]
        return "\n".join([*rows, *(f"  {line}" for line in self.checks)])


def calibrate_pellet(
    *,
    draws: int = 400,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PelletFit:
    """Fit the start D₀ and the rate ε̇₀ of both models, and k of unloading.

    The densities of LNOC (F037) and LPSCl (F038) after 3 min at 120 MPa give two numbers for
    each model and exponent, exactly; the loss of LNOC on unloading (F057) gives k. Hardnesses
    are those of the study, 0.42 and 2.0 GPa. The exponent is not identifiable: 5, 7 and 10
    all meet both densities, and what they say of LAOC is kept beside.

    Parameters
    ----------
    draws
        Of the facts within their spread.
    seed
        Of the draws.
    progress
        Called with (exponents and models done, in all).

    Returns
    -------
    PelletFit
        Parameter samples; `write_pellet` puts them into the package's data.
    """
    if draws < 2:
        raise InputError(f"draws is {draws}; an interval needs two or more")
    rng = np.random.default_rng(seed)
    at = {name: _drawn(name, draws, rng) for name in FACTS}
    samples: dict[str, Floats] = {}
    words: dict[str, str] = {}
    checks, kept = [], []
    jobs = [(m, n) for m, every in EXPONENTS.items() for n in every]
    for k, (model, n) in enumerate(jobs):
        if progress:
            progress(k, len(jobs))
        start, rate = _fit(model, n, at["F037"], at["F038"])  # type: ignore[arg-type]  # a Model
        stem = f"{model}_n{n:g}"
        good = np.isfinite(start)
        kept.append(float(good.mean()))
        samples[f"{stem}_start"], words[f"{stem}_start"] = start[good], "ratio"
        samples[f"{stem}_rate"], words[f"{stem}_rate"] = rate[good], "creep_rate"
        checks.append(_check(model, n, float(np.median(start[good])), float(np.median(rate[good]))))  # type: ignore[arg-type]  # a Model
    if progress:
        progress(len(jobs), len(jobs))
    samples["unloading_k"] = unloading_k(at["F057"], material("LNOC")["hardness"].si)
    words["unloading_k"] = "ratio"
    return PelletFit(
        samples=samples,
        quantities=words,
        facts=FACTS,
        kept=min(kept),
        checks=tuple(checks),
        inputs=_hash(),
    )


def _drawn(name: str, n: int, rng: np.random.Generator) -> Floats:
    row = facts("pellet")[name]
    if row["use"] != "calibration":
        raise InputError(f"{name} is marked {row['use']!r}; only calibration facts may be fitted")
    return np.asarray(rng.normal(row["value"], row["spread"], n))


def _fit(model: Model, n: float, soft: Floats, hard: Floats) -> tuple[Floats, Floats]:
    """Start and rate of each draw: the start from a table of what LPSCl reaches with it."""
    starts = np.linspace(*_STARTS[model], 45)
    reached, rates = (np.empty((starts.size, soft.size)) for _ in range(2))
    ratio = {m: 120e6 / (material(m)["hardness"].si / 3) for m in ("LNOC", "LPSCl")}
    for k, start in enumerate(starts):
        law = law_of(model, float(start), n)
        first = {m: float(law.yielded(x)) for m, x in ratio.items()}
        dose = np.interp(soft, law.density, law.elapsed) - np.interp(
            first["LNOC"], law.density, law.elapsed
        )
        rates[k] = np.maximum(dose, 0) / (180.0 * ratio["LNOC"] ** n)
        reached[k] = law.crept(first["LPSCl"], rates[k] * 180.0 * ratio["LPSCl"] ** n)
    start, rate = (np.full(soft.size, np.nan) for _ in range(2))
    for j in range(soft.size):
        column = reached[:, j]
        if column[0] <= hard[j] <= column[-1]:
            start[j] = np.interp(hard[j], column, starts)
            rate[j] = np.exp(np.interp(start[j], starts, np.log(rates[:, j])))
    if not np.isfinite(start).any():
        raise InputError(f"no start between {starts[0]:g} and {starts[-1]:g} meets F038")
    return start, rate


def _check(model: Model, n: float, start: float, rate: float) -> str:
    """LAOC after 30 s, which no parameter was fitted to."""
    law = law_of(model, start, n)
    ratio = 120e6 / (material("LAOC")["hardness"].si / 3)
    found = float(law.crept(law.yielded(ratio), rate * 30.0 * ratio**n))
    return f"{model}, n = {n:g}: LAOC {found:.3f} at 30 s (study's model: almost 1)"


def _hash() -> str:
    """Identify the facts, hardnesses and master curves that went in."""
    hard = {m: material(m)["hardness"].si for m in ("LNOC", "LPSCl", "LAOC")}
    told = json.dumps([{x: facts("pellet")[x] for x in FACTS}, hard], sort_keys=True)
    digest = hashlib.sha256(told.encode())
    for n in EXPONENTS["mesoscale"]:
        curve = master_curve(n)
        digest.update((SHIPPED / f"{curve.mode}-{curve.dim}d-n{n:g}.toml").read_bytes())
    return digest.hexdigest()[:16]


def write_pellet(fit: PelletFit, path: Path) -> Path:
    """Write a fit as TOML: values with intervals, facts used, correlation, input hash."""
    names = list(fit.samples)
    correlation = np.eye(len(names))
    for a in range(0, len(names) - 1, 2):  # start and rate of one model and exponent
        pair = np.corrcoef(_scale(fit, names[a]), _scale(fit, names[a + 1]))[0, 1]
        correlation[a, a + 1] = correlation[a + 1, a] = pair
    return write_values(
        path,
        "pellet",
        facts=fit.facts,
        inputs=fit.inputs,
        remarks=(
            "the creep exponent is not identifiable: 5, 7 and 10 meet both densities",
            "hardness 0.42 GPa (LNOC) and 2.0 GPa (LPSCl); density of LPSCl over 1.64 g/cm3",
            *fit.checks,
        ),
        correlation=correlation,
        entries={name: _entry(fit, name) for name in names},
    )


def _scale(fit: PelletFit, name: str) -> Floats:
    """Samples as they enter their law: starts as they are, the rest as logarithms."""
    x = fit.samples[name]
    return x if name.endswith("start") else np.log(x)


def _entry(fit: PelletFit, name: str) -> list[str]:
    x = _scale(fit, name)
    low, high = np.quantile(x, [0.05, 0.95])
    of = "F057" if name == "unloading_k" else "F037, F038"
    return [
        f'quantity = "{fit.quantities[name]}"',
        f"value = {float(np.median(fit.samples[name])):.5g}",
        f"spread = {float(high - low) / 2 / 1.6449:.3g}",
        f'law = "{"normal" if name.endswith("start") else "log-normal"}"',
        f'unit = "{"1/s" if fit.quantities[name] == "creep_rate" else "1"}"',
        'kind = "calibrated"',
        'source = "paper2026"',
        f'where = "LNOC and LPSCl at 120 MPa, fitted to {of}"'
        if of != "F057"
        else 'where = "LNOC, fitted to F057"',
    ]


def pellet_parameters(fit: PelletFit) -> list[dict[str, Any]]:
    """Rows of calibrated parameters: name, value, 90 % interval."""
    rows = []
    for name, x in fit.samples.items():
        low, middle, high = np.quantile(x, [0.05, 0.5, 0.95])
        unit = " 1/s" if fit.quantities[name] == "creep_rate" else ""
        rows.append(
            {"parameter": name}
            | {
                key: f"{v:.3g}{unit}"
                for key, v in (("value", middle), ("low", low), ("high", high))
            }
        )
    return rows
