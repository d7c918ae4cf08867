"""Where a joint fit starts: one spectrum fitted alone, and variations of what it cannot settle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit.elements import Circuit
from dualyte.circuit.spectrum import Spectrum
from dualyte.measure.eis.fit import fit_spectrum
from dualyte.measure.eis.guess import starts
from dualyte.measure.eis.model import ArcNames, Weighting, arc_names
from dualyte.measure.joint.laws import Design, design
from dualyte.measure.joint.solve import Solution, solve
from dualyte.numerics.levenberg import Stack
from dualyte.vocabulary import ROOM, Floats

_TRIES: Final = 12
_APART: Final = 0.5  # ln of the shift of the two time constants that an arc is split into
_SPLIT_N: Final = 0.9  # exponent they start with
_FEW: Final = 9  # spectra that decide which start is best
_STEMS: Final = frozenset(
    {"R", "Q", "n", "Ea_R", "drift_n", "drift_Q", "m", "phi", "m_R", "m_Q", "phi_R", "phi_Q"}
)  # of the θ of an arc, before its label
_TYPICAL: Final = 0.45  # eV, activation energy an arc starts with
_LEVEL: Final = 0.7  # exponent with which contact starts to follow pressure


def best_solution(
    spectra: Sequence[Spectrum],
    made: Design,
    data: Stack,
    weighting: Weighting,
    *,
    enough: float,
    rounds: int = 6,
    least: int = 1,
    seed: int = 0,
) -> Solution:
    """Fit the series from several starts and keep the best, arcs ordered by time constant.

    Parameters
    ----------
    spectra, made, data
        The series, its laws, and its arrays.
    weighting
        Of the single fit that it starts from.
    enough
        χ² that ends the search.
    rounds
        Most rounds of starts.
    least
        Fewest rounds, whatever they find.
    seed
        Of the variations.
    """
    few = _few(made)
    smaller = design([spectra[int(k)] for k in few], made.model.circuit, made.terms)
    sparse = data.pick(few)
    bases = _alone(spectra[reference(made)], made.model.circuit, weighting)
    best: Solution | None = None
    for attempt in range(rounds):
        rng = np.random.default_rng([seed, attempt])
        if best is None or attempt % 2 == 0:
            begin = [
                _start(smaller, bases[k % len(bases)], rng if attempt or k >= len(bases) else None)
                for k in range(_TRIES)
            ]
        else:
            begin = _hops(smaller, _carried(made, smaller, best.theta))
        tried = [_revived(smaller, sparse, _short(smaller, sparse, b), b) for b in begin]
        tried.sort(key=lambda s: s.chi2 if np.isfinite(s.chi2) else np.inf)
        for short in tried[:2]:
            found = solve(made, data, _carried(smaller, made, short.theta))
            if best is None or found.chi2 < best.chi2:
                best = found
        if best is not None and best.chi2 <= enough and attempt + 1 >= least:
            break
    if best is None:
        raise AssertionError("a round always ends with a solution")
    ordered = _ordered(made, best.theta)
    return best if ordered is best.theta else solve(made, data, ordered)


def _hops(made: Design, theta: Floats) -> list[Floats]:
    """Starts in other basins: one arc given to its neighbour, another split in two."""
    lines = [
        arc
        for arc in arc_names(made.model.circuit)
        if arc.Q and arc.n and {arc.R, arc.Q, arc.n} <= set(made.names)
    ]
    order = sorted(lines, key=lambda arc: _log_tau(made, theta, arc))
    return [_hop(made, theta, order, a, b) for a in order for b in order if a is not b]


def _log_tau(made: Design, theta: Floats, arc: ArcNames) -> float:
    """Return ln τ of an arc where it was measured nearest to 25 °C, at the highest pressure."""
    x = made.matrix[reference(made)] @ theta
    return float(arc.log_tau(dict(zip(made.model.names, x, strict=True))))


def _hop(
    made: Design, theta: Floats, lines: Sequence[ArcNames], lost: ArcNames, parted: ArcNames
) -> Floats:
    """Remove arc `lost`, split arc `parted`, and name all in order."""
    kept = [arc for arc in lines if arc is not lost]
    rows = [(_log_tau(made, theta, a), theta[made.at(a.R)], a) for a in kept]
    near = min(range(len(rows)), key=lambda k: abs(rows[k][0] - _log_tau(made, theta, lost)))
    t, R, source = rows[near]
    rows[near] = (t, float(np.logaddexp(R, theta[made.at(lost.R)])), source)
    twin = next(k for k, row in enumerate(rows) if row[2].label == parted.label)
    t, R, source = rows.pop(twin)
    rows += [(t + step, R - np.log(2), source) for step in (-_APART, _APART)]
    rows.sort(key=lambda row: row[0])
    moved = theta.copy()
    for arc, (log_tau, log_R, origin) in zip(lines, rows, strict=True):
        for k, name in enumerate(made.names):
            other = _renamed(name, arc.label, origin.label)
            if other in made.names:
                moved[k] = 0.0 if name.startswith("drift_") else theta[made.at(other)]
        moved[made.at(arc.R)], moved[made.at(arc.n)] = log_R, _SPLIT_N
        moved[made.at(arc.Q)] = log_tau * _SPLIT_N - log_R
    return moved


def _short(made: Design, data: Stack, start: Floats) -> Solution:
    return solve(made, data, start, max_steps=50)


def _ordered(made: Design, theta: Floats) -> Floats:
    """θ with arcs that obey the same laws named by their order in time at 25 °C."""
    lines = [arc for arc in made.model.arcs if arc.Q and arc.n]
    moved = theta.copy()
    for moves in (True, False):
        same = [arc for arc in lines if (arc.label in made.movers) == moves]
        log_tau = [_log_tau(made, theta, a) for a in same if {a.R, a.Q, a.n} <= set(made.names)]
        if len(log_tau) < len(same):
            return theta  # some are free in every spectrum and have no one time constant
        for to, origin in zip(same, np.argsort(log_tau, kind="stable"), strict=True):
            source = same[origin].label
            for k, name in enumerate(made.names):
                twin = _renamed(name, to.label, source)
                if twin in made.names:
                    moved[k] = theta[made.at(twin)]
    return theta if (moved == theta).all() else moved


def _renamed(name: str, label: str, other: str) -> str:
    """Name of the same θ of another arc; nothing if it is not of this arc."""
    base, bracket, rest = name.partition("[")
    stem = base.removesuffix(f"_{label}")
    return f"{stem}_{other}{bracket}{rest}" if stem != base and stem in _STEMS else ""


def _few(made: Design) -> npt.NDArray[np.int64]:
    """Spectra that span temperature and pressure, every pressure among them."""
    T, P = made.temperature, made.pressure
    if T.size <= _FEW:
        return np.arange(T.size)
    order = np.lexsort((np.nan_to_num(T), -np.nan_to_num(P)))
    if made.levels.size > 1:
        chosen = []
        for j, level in enumerate(made.levels):
            row = order[P[order] == level]
            count = 3 if j in (0, made.levels.size - 1) else 1
            chosen += row[np.linspace(0, row.size - 1, min(count, row.size)).astype(int)].tolist()
        return np.unique(chosen)
    return np.unique(order[np.linspace(0, T.size - 1, _FEW).astype(int)])


def reference(made: Design) -> int:
    """Spectrum nearest 25 °C at the highest pressure."""
    T, P = made.temperature, made.pressure
    away = np.abs(np.where(np.isfinite(T), T, ROOM) - ROOM)
    if made.levels.size:
        away = away + 1e6 * (made.levels[0] != P)
    return int(np.argmin(away))


def _alone(spectrum: Spectrum, circuit: Circuit, weighting: Weighting) -> list[dict[str, float]]:
    """Numbers from one spectrum: its fit, then guesses (overlapping arcs fit in odd ways)."""
    given = circuit.parameters
    fit = fit_spectrum(spectrum, circuit, weighting=weighting)
    guessed = [fit.model.numbers(theta) for theta in starts(fit.model, spectrum)[:6]]
    z = np.abs(fit.z) * (spectrum.area or 1.0)
    low, high = 1e-2 * float(z.min()), float(z.max())
    return [
        {k: float(np.clip(v, low, high)) if k.startswith("R") else v for k, v in numbers.items()}
        for numbers in (
            fit.numbers,
            *guessed,
            *([given] if np.isfinite([*given.values()]).all() else []),
        )
    ]


def _start(made: Design, numbers: Mapping[str, float], rng: np.random.Generator | None) -> Floats:
    """θ from one spectrum; shaken where a generator is given."""
    x = dict(numbers)
    if rng is not None:
        for arc in arc_names(made.model.circuit):
            x = _shaken(x, arc.R, arc.Q, arc.n, rng)
    theta = np.zeros(len(made.names))
    logs = dict(zip(made.model.names, made.model.logs, strict=True))
    arc_R = {arc.R for arc in arc_names(made.model.circuit)}
    for k, name in enumerate(made.names):
        base = name.split("[")[0]
        if base in logs:
            theta[k] = np.log(max(x[base], 1e-300)) if logs[base] else x[base]
        elif name.startswith("Ea_") and name[3:] in arc_R:
            theta[k] = _TYPICAL + (0.08 * rng.standard_normal() if rng else 0.0)
        elif name.startswith("m_"):
            theta[k] = _LEVEL
        elif name.startswith("phi_"):
            level = made.levels[1:][_level(made, name)]
            theta[k] = _LEVEL * np.log(level / made.levels[0])
    return theta


def _shaken(
    x: dict[str, float], R: str, Q: str, n: str, rng: np.random.Generator
) -> dict[str, float]:
    """Another split of resistance, exponent and time constant of an arc."""
    if not Q or not n:
        return x
    log_tau = np.log(x[R] * x[Q]) / x[n] + 0.7 * rng.standard_normal()
    more = {R: x[R] * float(np.exp(0.4 * rng.standard_normal())), n: float(rng.uniform(0.7, 0.98))}
    return x | more | {Q: float(np.exp(log_tau * more[n]) / more[R])}


def _level(made: Design, name: str) -> int:
    """Which pressure below the highest a φ belongs to."""
    same = [n for n in made.names if n.split("[")[0] == name.split("[")[0]]
    return same.index(name)


def _carried(small: Design, made: Design, theta: Floats) -> Floats:
    """θ of some spectra as a start for all."""
    known = dict(zip(small.names, theta, strict=True))
    first = {name.split("[")[0]: value for name, value in known.items()}
    return np.array([known.get(name, first.get(name.split("[")[0], 0.0)) for name in made.names])


def _revived(made: Design, data: Stack, found: Solution, start: Floats) -> Solution:
    """Fit again what drove a series resistance to nothing: often no true minimum."""
    gone = [
        k for k, name in enumerate(made.names)
        if name.startswith("R") and found.theta[k] < start[k] - 7
    ]  # fmt: skip
    if not gone:
        return found
    theta = found.theta.copy()
    theta[gone] = start[gone]
    for k in gone:
        if (energy := f"Ea_{made.names[k]}") in made.names:
            theta[made.at(energy)] = 0.0
    again = solve(made, data, theta, max_steps=50)
    return again if again.chi2 < found.chi2 else found
