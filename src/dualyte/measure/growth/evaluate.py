"""From R(t) and C(t) to rates of growth, their exponent and onset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.conductivity.tables import table_of
from dualyte.measure.files.replicates import Own, combined
from dualyte.measure.growth.laws import DECISIVE, Curve, GrowthFit, fit_growth, hinge
from dualyte.measure.growth.reading import (
    GrowthSeries,
    from_spectra,
    read_table,
    sample_of,
)
from dualyte.measure.result import Evaluation, FileFailure, Tell, each_file
from dualyte.vocabulary import Floats, checked, show, shown

_HOUR: Final = 3600.0
_SWEEP: Final = 0.05  # V over which the voltage must vary for an onset of voltage
_SURE: Final = 2.0  # standard deviations that tell a rate from zero
_KEPT: Final = 0.1  # change of R·C that is worth a word


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grown:
    """One cell with what was fitted to it."""

    series: GrowthSeries
    resistance: GrowthFit | None = None
    elastance: GrowthFit | None = None  #: of 1/C
    voltage: Curve | None = None  #: R against U: level up to its p


def measure_growth(
    paths: Sequence[str | Path],
    *,
    area: float | None = None,
    column: str = "",
    circuit: str = "auto",
    arc: str = "",
    interval: float | None = None,
    begin: float = 0.0,
    end: float | None = None,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Rate of growth of an interphase from its resistance and capacitance over time.

    Parameters
    ----------
    paths
        Tables with a column of times and one of resistances or capacitances, each a cell; or
        impedance files of which several make the series of one cell.
    area
        m², for `growth_asr` and for columns that are per area.
    column
        Heading of the resistance, without its unit, where a table has several.
    circuit
        For spectra: a circuit string, or `auto` (that of the last spectrum, for all).
    arc
        For spectra: label of the arc that grows; by default the one whose R grows most.
    interval
        s from one spectrum to the next, where neither names nor files tell.
    begin, end
        s, the part of the record that is used; growth is counted from `begin`.
    raise_errors, progress
        As for every kind of measurement.

    Returns
    -------
    Evaluation
        `growth_rate` (k′ of R = R₀ + k′√t), `start_resistance`, `relative_growth`
        (k′√(1 h)/R₀: the number of the normalised k″ in h⁻¹ᐟ²), `growth_asr`,
        `growth_exponent`, `elastance_growth`, `onset_time`, `growth_before_record` and
        `onset_voltage`, as far as the files tell them.

    Raises
    ------
    InputError
        If an option is wrong, or no file can be evaluated.

    Notes
    -----
    Growth limited by transport through the layer is parabolic: R rises as t to the power +1/2
    (C. Wagner, Z. Phys. Chem. B 21, 25, 1933), also where a text prints t⁻¹ᐟ². The layer that
    thickens lowers its capacitance, so 1/C is a straight line against √t, too.
    """
    if area is not None:
        checked("area", area)
    if interval is not None and not (np.isfinite(interval) and interval > 0):
        raise InputError(f"interval={interval:g} s; give the time between spectra, above 0")
    if not (np.isfinite(begin) and begin >= 0) or (end is not None and not end > begin):
        raise InputError(f"begin={begin:g} s and end={end} s: 0 ≤ begin < end")
    batch = each_file(
        paths, lambda path: _read(path, column, area), raise_errors=raise_errors, progress=progress
    )
    failures = list(batch.failures)
    series = _series(batch.made, circuit, arc, interval, raise_errors, failures)
    grown: list[Grown] = []
    warned: list[str] = []
    for each in series:
        try:
            grown.append(_grown(_part(each, begin, end), warned))
        except InputError as error:
            named = str(error).startswith((each.name, *each.files))
            why = str(error) if named else f"{each.name}: {error}"
            if raise_errors:
                raise InputError(why) from None
            failures.append(FileFailure(file=each.files[0], why=why))
    if not grown and failures:
        raise InputError(failures[0].why)
    collected: dict[str, list[Own]] = {}
    for one in grown:
        for name, own in _own(one, warned).items():
            collected.setdefault(name, []).append(own)
    results = {name: combined(collected[name], "cells") for name in _ORDER if name in collected}
    return Evaluation(
        kind="growth", files=tuple(f for one in grown for f in one.series.files), results=results,
        warnings=tuple(dict.fromkeys([*(w for g in grown for w in g.series.warnings), *warned])),
        changed=tuple(dict.fromkeys(c for g in grown for c in g.series.changes)),
        failures=tuple(failures), table=_table(grown), detail=tuple(grown), stopped=batch.stopped,
    )  # fmt: skip


_ORDER: Final[tuple[str, ...]] = (
    "growth_rate", "start_resistance", "relative_growth", "growth_asr", "growth_exponent",
    "elastance_growth", "elastance_exponent", "onset_time", "growth_before_record",
    "onset_voltage",
)  # fmt: skip


def _read(path: Path, column: str, area: float | None) -> GrowthSeries | list[Any]:
    """A series of a table, or spectra."""
    grid = table_of(path, lambda _: True)
    if grid is not None:
        return read_table(path, grid, column, area)
    from dualyte.measure.files.reading import read_spectra

    return list(read_spectra(path, area=area))


def _series(
    made: Sequence[tuple[Path, GrowthSeries | list[Any]]],
    circuit: str,
    arc: str,
    interval: float | None,
    raise_errors: bool,
    failures: list[FileFailure],
) -> list[GrowthSeries]:
    """Tables as they are, and the spectra of each cell as one series."""
    found = [each for _, each in made if isinstance(each, GrowthSeries)]
    several: dict[str, list[Any]] = {}
    for path, each in made:
        if not isinstance(each, GrowthSeries):
            several.setdefault(sample_of(path), []).extend(each)
    for name, spectra in several.items():
        try:
            found.append(from_spectra(name, spectra, circuit, arc, interval))
        except InputError as error:
            if raise_errors:
                raise
            failures.append(FileFailure(file=Path(spectra[0].file).name, why=str(error)))
    return found


def _part(series: GrowthSeries, begin: float, end: float | None) -> GrowthSeries:
    """The part of a record from `begin` to `end`, its time counted from `begin`."""
    from dataclasses import replace

    if begin == 0 and end is None:
        return series
    use = (series.time >= begin) & (series.time <= (np.inf if end is None else end))
    if np.unique(series.time[use]).size < 3:
        raise InputError(
            f"{series.name}: {int(use.sum())} points lie between begin and end; the record has "
            f"{show('time', float(series.time.min()))} … {show('time', float(series.time.max()))}"
        )
    names = ("resistance", "resistance_spread", "capacitance", "capacitance_spread", "voltage")
    columns: dict[str, Any] = {
        name: getattr(series, name)[use] for name in names if getattr(series, name) is not None
    }
    said = f"{series.name}: used {int(use.sum())} of {use.size} points, from {show('time', begin)}"
    return replace(
        series, time=series.time[use] - begin, changes=(*series.changes, said), **columns
    )


def _grown(series: GrowthSeries, warned: list[str]) -> Grown:
    """Fit one cell."""
    R = E = None
    curve = None
    if np.isfinite(series.resistance).any():
        R = fit_growth(series.time, series.resistance, series.resistance_spread)
    if series.capacitance is not None:
        C = series.capacitance
        if (C <= 0).any():
            raise InputError(f"{series.name}: a capacitance is not positive; leave the row out")
        known = np.isfinite(C)
        if not known.all():
            warned.append(
                f"{series.name}: no capacitance in {int((~known).sum())} of {C.size} rows"
            )
        s = series.capacitance_spread
        E = fit_growth(series.time[known], 1 / C[known], None if s is None else (s / C**2)[known])
    U = series.voltage
    if U is not None and R is not None and float(np.ptp(U)) > _SWEEP and np.unique(U).size >= 5:
        curve = hinge(U, series.resistance, series.resistance_spread)
        if not _decisive_hinge(curve, U, series):
            warned.append(f"{series.name}: R against the voltage shows no onset")
            curve = None
    if R is not None and E is not None:
        warned += _one_film(series)
    return Grown(series=series, resistance=R, elastance=E, voltage=curve)


def _decisive_hinge(curve: Curve, U: Floats, series: GrowthSeries) -> bool:
    """Whether a level part and a rise fit better than one straight line."""
    from dualyte.measure.growth.laws import line

    s = series.resistance_spread
    w = np.ones(U.size) if s is None else 1 / s**2
    straight = line(U, series.resistance, w)
    n = U.size
    floor = 1e-24 * float(w @ series.resistance**2)
    if s is None:
        gain = n * float(np.log(max(straight.chi2, floor) / max(curve.chi2, floor)))
    else:
        gain = straight.chi2 - curve.chi2
    return gain > 2 + DECISIVE and curve.b > 0


def _one_film(series: GrowthSeries) -> list[str]:
    """Whether R and C are those of one film, whose R·C does not depend on its thickness."""
    if series.capacitance is None:
        return []
    order = np.argsort(series.time, kind="stable")
    tau = (series.resistance * series.capacitance)[order]
    tau = tau[np.isfinite(tau)]
    if tau.size < 6:
        return []
    third = tau.size // 3
    first, last = float(tau[:third].mean()), float(tau[-third:].mean())
    change = last / first - 1
    scatter = float(np.hypot(tau[:third].std(), tau[-third:].std())) / first
    if abs(change) < max(_KEPT, _SURE * scatter):
        return []
    return [
        f"{series.name}: R·C changes by {change:+.0%} over the record; that of one film which "
        "only thickens would stay, so R holds more than the film, or the film changes"
    ]


def _own(one: Grown, warned: list[str]) -> dict[str, Own]:
    """Results of one cell."""
    series, found = one.series, dict[str, Own]()
    if one.resistance is not None:
        found |= _of_resistance(series, one.resistance, warned)
    fit = one.elastance
    if fit is not None:
        warned += [f"{series.name}, 1/C: {flag}" for flag in fit.flags]
        if fit.rate < -_SURE * fit.spread[1]:
            warned.append(f"{series.name}: C rises over time, which no growing film does")
        elif fit.rate > 0:
            found["elastance_growth"] = Own(
                quantity="elastance_growth", si=fit.rate, spread=fit.spread[1],
                where=f"{series.name}, 1/C against √t",
            )  # fmt: skip
            found |= _exponent(series, fit, "elastance_exponent")
    if one.voltage is not None:
        found["onset_voltage"] = Own(
            quantity="voltage", si=one.voltage.p, spread=one.voltage.spread, model=True,
            where=f"{series.name}, R level up to there",
        )  # fmt: skip
    return found


def _of_resistance(series: GrowthSeries, fit: GrowthFit, warned: list[str]) -> dict[str, Own]:
    warned += [f"{series.name}: {flag}" for flag in fit.flags]
    R0, k = fit.start, fit.rate
    s0, sk = fit.spread
    where = f"{series.name}, R against √t, {fit.time.size} points"
    found = {}
    if R0 > 0:
        found["start_resistance"] = Own(quantity="resistance", si=R0, spread=s0, where=where)
    else:
        warned.append(f"{series.name}: the line against √t begins below zero: √t is not its law")
    low, high = fit.interval(0.9)
    if k < _SURE * sk or k <= 0:
        warned.append(
            f"{series.name}: no growth is told from zero: k' is {show('growth_rate', k, 3)} "
            f"({show('growth_rate', low, 3)} … {show('growth_rate', high, 3)}, 90 %)"
        )
    if k <= 0:
        return found
    found["growth_rate"] = Own(quantity="growth_rate", si=k, spread=sk, where=where,
                               note=f"90 %: {show('growth_rate', low, 3)} … "
                               f"{show('growth_rate', high, 3)}")  # fmt: skip
    if R0 > 0:
        slope = np.array([-k / R0**2, 1 / R0])
        found["relative_growth"] = Own(
            quantity="relative_growth", si=k / R0, where=where,
            spread=float(np.sqrt(slope @ fit.covariance @ slope)), note="k'' = k'/R0",
        )  # fmt: skip
    if series.area is not None:
        found["growth_asr"] = Own(
            quantity="growth_asr", si=k * series.area, spread=sk * series.area, where=where
        )
    found |= _exponent(series, fit, "growth_exponent")
    found |= _onset(series, fit, warned)
    warned.append(f"{series.name}: {fit.verdict}")
    return found


def _exponent(series: GrowthSeries, fit: GrowthFit, name: str) -> dict[str, Own]:
    curve = fit.exponent
    if curve is None:
        return {}
    note = f"{'beyond ' if curve.open else ''}{curve.low:.3g} … {curve.high:.3g}, 90 %"
    return {
        name: Own(
            quantity="exponent", si=curve.p, spread=curve.spread, note=note,
            where=f"{series.name}, n of y0 + k tⁿ, free",
        )
    }  # fmt: skip


def _onset(series: GrowthSeries, fit: GrowthFit, warned: list[str]) -> dict[str, Own]:
    """A beginning of growth inside or before the record, where the data ask for one."""
    curve = fit.shifted
    gain = min(fit.aicc["sqrt"] - fit.aicc["shifted"], fit.bic["sqrt"] - fit.bic["shifted"]) if (
        curve is not None
    ) else 0.0  # fmt: skip
    if curve is None or gain < DECISIVE or curve.low < 0 < curve.high:
        return {}
    k = show("growth_rate", curve.b, 4)
    if curve.p > 0:
        warned.append(
            f"{series.name}: growth begins {show('time', curve.p, 3)} into the record; from there "
            f"k' is {k}"
        )
        return {
            "onset_time": Own(
                quantity="time", si=curve.p, spread=curve.spread, model=True,
                where=f"{series.name}, R0 + k√(t − t0)",
            )
        }  # fmt: skip
    warned.append(
        f"{series.name}: growth began about {show('time', -curve.p, 3)} before the record, which "
        f"bends the line against √t; of the layer itself k' is about {k}"
    )
    return {
        "growth_before_record": Own(
            quantity="time", si=-curve.p, spread=curve.spread, model=True,
            where=f"{series.name}, R0 + k√(t + t1)",
        )
    }  # fmt: skip


def _table(grown: Sequence[Grown]) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for one in grown:
        s = one.series
        for k in range(s.time.size):
            row: dict[str, Any] = {"cell": s.name, "time / h": float(s.time[k]) / _HOUR}
            if one.resistance is not None:
                row["R / ohm"] = float(s.resistance[k])
                row["fit / ohm"] = float(one.resistance.at(s.time[k]))
            if s.capacitance is not None:
                C = float(shown("cell_capacitance", s.capacitance[k]))
                row["C / uF"] = C if np.isfinite(C) else None
            if s.voltage is not None:
                row["U / V"] = float(s.voltage[k])
            rows.append(row)
    return rows
