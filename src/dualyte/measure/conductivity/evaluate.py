"""From resistances to conductivities, their loss on unloading and activation energies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dualyte.errors import DualyteError, InputError
from dualyte.material import Value
from dualyte.measure.arrhenius import ArrheniusFit, fit_arrhenius
from dualyte.measure.conductivity.foil import (
    FoilFit,
    Foils,
    fit_foil,
    of_table,
    settled,
    taken_off,
)
from dualyte.measure.conductivity.points import (
    ConductivitySeries,
    ConductivityStudy,
    Point,
    conductivity,
    unloading_loss,
)
from dualyte.measure.conductivity.reading import How, Read, branched, read_points
from dualyte.measure.files.replicates import Own, combined
from dualyte.measure.result import Evaluation, Tell, each_file
from dualyte.vocabulary import ROOM, Floats, checked, show, shown

Form = Literal["sigma", "sigmaT"]
_SAME_PRESSURE: Final = 0.02  # relative difference within which pressures are one
_NEAR_ROOM: Final = 1.5  # K from 25 °C that a measurement may be without a fit
_SOFT: Final = 5e6  # Pa below which foils add a resistance worth a word
_FEWEST: Final = 3  # temperatures for an activation energy
_OTHER: Final[dict[Form, Form]] = {"sigma": "sigmaT", "sigmaT": "sigma"}
_FORM: Final = {"sigma": "ln σ", "sigmaT": "ln σT"}


def measure_conductivity(
    paths: Sequence[str | Path],
    *,
    thickness: float | None = None,
    area: float | None = None,
    temperature: float | None = None,
    pressure: float | None = None,
    thickness_spread: float = 0.0,
    area_spread: float = 0.0,
    foil_resistance: float | None = None,
    foil_pressure: float | None = None,
    blank: str | None = None,
    foil_fit: bool = False,
    form: Form = "sigma",
    law: Literal["auto", "arrhenius", "vtf"] = "auto",
    outliers: Literal["keep", "flag", "robust"] = "flag",
    circuit: str = "auto",
    in_order: bool = False,
    unloaded_to: float | None = None,
    at: float = ROOM,
    raise_errors: bool = False,
    progress: Tell | None = None,
) -> Evaluation:
    """Conductivity of pellets against pressure and temperature.

    Parameters
    ----------
    paths
        Tables with a column of resistances (or conductivities) against pressure or
        temperature, and impedance files, which are fitted with `circuit`.
    thickness, area
        Of the pellet [m, m²]; else a column, a sidecar, the head of the file.
    temperature, pressure
        K, Pa, of all files that do not say so in a column.
    thickness_spread, area_spread
        One standard deviation [m, m²]; common to all points of a pellet, so that they widen
        conductivities only.
    foil_resistance
        Resistance of both electrode foils and their contacts times the area [Ω m²], taken off.
    foil_pressure
        Pa, where `foil_resistance` holds: it then falls as 1/P. Without it, it is constant.
    blank
        Table of the resistance of the foils without a pellet against pressure: interpolated
        in the logarithms.
    foil_fit
        Fit R A = R_pellet A + a/P to the loading of each pellet, and take a/P off.
    form
        Of the activation energy: `sigma` (ln σ) or `sigmaT` (ln σT); both are given.
    law, outliers
        As for `fit_arrhenius`.
    circuit
        For spectra: a circuit string, or `auto`.
    in_order
        Whether spectra are given in the order measured, so that those after the highest
        pressure are of unloading. Else names say it (`..._unloading`).
    unloaded_to
        Pa, down to which the unloading loss is taken; by default the lowest pressure.
    at
        K, where the conductivity of a temperature fit is reported.
    raise_errors, progress
        As for every kind of measurement.

    Returns
    -------
    Evaluation
        `conductivity_25C`, `activation_energy`, `conductivity_highest_pressure`,
        `unloading_loss`, `foil_resistance` and others, as far as the files tell them.

    Raises
    ------
    InputError
        If an option is wrong, or no file can be evaluated.

    Notes
    -----
    Several pellets are replicates: means, with the standard deviation between pellets.
    """
    if form not in get_args(Form):
        raise InputError(f"form {form!r} is none of {', '.join(get_args(Form))}")
    for name, number in (("thickness", thickness), ("area", area), ("temperature", temperature),
                         ("pressure", pressure), ("asr", foil_resistance),
                         ("pressure", foil_pressure), ("pressure", unloaded_to)):  # fmt: skip
        if number is not None:
            checked(name, number)
    for name, number in (("thickness_spread", thickness_spread), ("area_spread", area_spread)):
        if not (np.isfinite(number) and number >= 0):
            raise InputError(f"{name}={number:g}; give a standard deviation in SI, 0 or more")
    how = How(
        area=area, thickness=thickness, temperature=temperature, pressure=pressure,
        circuit=circuit, in_order=in_order,
    )  # fmt: skip
    foil = settled(foil_resistance, foil_pressure, blank, foil_fit, area)
    batch = each_file(
        paths, lambda path: read_points(path, how), raise_errors=raise_errors, progress=progress
    )
    reads = [read for _, read in batch.made]
    if not reads:
        return Evaluation(kind="conductivity", files=(), results={}, stopped=batch.stopped)
    warned = [w for read in reads for w in read.warnings]
    said = [c for read in reads for c in read.changes]
    series = _series(reads, foil, in_order, (area_spread, thickness_spread), warned, said)
    study = ConductivityStudy(series=series, fits=_fits(series, form, law, outliers, at, warned))
    found = _results(study, form, at, unloaded_to, foil, warned)
    return Evaluation(
        kind="conductivity", files=tuple(path.name for path, _ in batch.made), results=found,
        warnings=tuple(dict.fromkeys(warned)), changed=tuple(dict.fromkeys(said)),
        failures=batch.failures, table=_table(study), detail=study, stopped=batch.stopped,
    )  # fmt: skip


# ---------------------------------------------------------------- series


def _series(
    reads: Sequence[Read],
    foil: Foils,
    in_order: bool,
    spreads: tuple[float, float],
    warned: list[str],
    said: list[str],
) -> tuple[ConductivitySeries, ...]:
    """Points of each pellet, with their conductivities."""
    points = [(p, read.foil[k] if read.foil else None)
              for read in reads for k, p in enumerate(read.points)]  # fmt: skip
    made = []
    for name in dict.fromkeys(p.sample for p, _ in points):
        here = [(p, R) for p, R in points if p.sample == name]
        own = [p for p, _ in here]
        if in_order and not any(p.branch for p in own):
            own = branched(own)
        columns = [R for _, R in here]
        made.append(_one(name, own, columns, foil, spreads, warned, said))
    return tuple(made)


def _one(
    name: str,
    points: Sequence[Point],
    columns: Sequence[float | None],
    foil: Foils,
    spreads: tuple[float, float],
    warned: list[str],
    said: list[str],
) -> ConductivitySeries:
    P, T, asr, spread, d, A, given = (
        np.array([getattr(p, word) for p in points])
        for word in ("pressure", "temperature", "asr", "spread", "thickness", "area", "sigma")
    )
    branch = tuple(p.branch for p in points)
    has = np.isfinite(asr)
    fit = None
    if foil.fit and has.any():
        fit = _fitted_foil(name, P, T, asr, spread, branch)
        warned += [f"{name}: {flag}" for flag in fit.flags]
        said.append(
            f"{name}: took off a foil resistance fitted as a/P, "
            f"{show('asr', fit.slope / 1e6, 3)} at 1 MPa"
        )
    off = taken_off(foil, P, fit, name, warned)
    if any(R is not None for R in columns):
        off = of_table(name, columns, foil, off, said)
    sigma, share = given.copy(), np.full(P.size, np.nan)
    if has.any():
        try:
            sigma[has] = conductivity(asr[has], d[has], off[has])
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        share[has] = spread[has] / (asr - off)[has]
    share[~has] = spread[~has] / given[~has]
    if fit is not None:  # an uncertain foil is an uncertain pellet
        part = fit.slope_spread / P[has] / (asr - off)[has]
        share[has] = np.sqrt(np.nan_to_num(share[has]) ** 2 + part**2)
    soft = np.isfinite(P) & (P < _SOFT)
    if soft.any() and has.any() and not off.any():
        warned.append(
            f"{name}: below {show('pressure', _SOFT)} electrode foils add a resistance; none was "
            "taken off (give foil_resistance, blank or foil_fit)"
        )
    checked("conductivity", sigma)
    return ConductivitySeries(
        name=name, pressure=P, temperature=T, asr=asr, thickness=d, foil=off, conductivity=sigma,
        spread=share * sigma, branch=branch, foil_fit=fit, geometry=_geometry(name, spreads, A, d),
        files=tuple(dict.fromkeys(p.file for p in points)),
    )  # fmt: skip


def _geometry(name: str, spreads: tuple[float, float], *sizes: Floats) -> float:
    """Relative spread of d/A, from those of area and thickness."""
    shares = []
    for word, spread, size in zip(("area", "thickness"), spreads, sizes, strict=True):
        if spread > 0 and not np.isfinite(size).any():
            raise InputError(f"{name}: {word}_spread needs the {word}; give it, or leave both out")
        shares.append(spread / float(np.nanmean(size)) if spread > 0 else 0.0)
    return math.hypot(*shares)


def _fitted_foil(
    name: str, P: Floats, T: Floats, asr: Floats, spread: Floats, branch: tuple[str, ...]
) -> FoilFit:
    """Fit the foils on loading, at the temperature with the most points."""
    up = np.array([b != "unloading" for b in branch]) & np.isfinite(P) & np.isfinite(asr)
    if not up.any():
        raise InputError(f"{name}: foil_fit needs points of loading; give foil_resistance instead")
    keys = np.where(np.isfinite(T), np.round(T), -1)
    best = max(np.unique(keys[up]).tolist(), key=lambda t: int((keys[up] == t).sum()))
    use = up & (keys == best)
    s = spread[use] if np.isfinite(spread[use]).all() and (spread[use] > 0).all() else None
    try:
        return fit_foil(P[use], asr[use], s)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


# ---------------------------------------------------------------- temperature


def _fits(
    series: Sequence[ConductivitySeries],
    form: Form,
    law: Literal["auto", "arrhenius", "vtf"],
    outliers: Literal["keep", "flag", "robust"],
    at: float,
    warned: list[str],
) -> tuple[tuple[str, float, ArrheniusFit], ...]:
    """Temperature fits of each pellet at each pressure, highest first, in both forms."""
    found = []
    for each in series:
        for pressure, mask in _by_pressure(each):
            _, T, sigma, spread = each.rows(mask)
            hot = np.isfinite(T)
            if np.unique(np.round(T[hot], 1)).size < _FEWEST:
                continue
            s = spread[hot]
            known = s if np.isfinite(s).all() and (s > 0).all() else None
            where = each.name
            if np.isfinite(pressure):
                where += f", {show('pressure', pressure)}"
            try:
                fit = fit_arrhenius(
                    T[hot], sigma[hot], known, form=form, law=law, outliers=outliers, at=at,
                    name=where,
                )  # fmt: skip
                other = fit_arrhenius(  # the same points and law in the other form
                    T[hot], sigma[hot], known, form=_OTHER[form], law=fit.law,
                    outliers=outliers, at=at, name=where,
                )  # fmt: skip
            except DualyteError as error:
                warned.append(f"{where}: no activation energy: {error}")
                continue
            warned += [f"{where}: {flag}" for flag in fit.flags]
            found += [(each.name, pressure, fit), (each.name, pressure, other)]
    return tuple(found)


def _by_pressure(each: ConductivitySeries) -> list[tuple[float, npt.NDArray[np.bool_]]]:
    """Points at one pressure, highest first; of loading where both branches have it."""
    P = each.pressure
    if not np.isfinite(P).any():
        return [(float("nan"), np.ones(P.size, dtype=np.bool_))]
    up = np.array([b != "unloading" for b in each.branch])
    left = np.isfinite(P)
    found = []
    while left.any():
        top = float(P[left].max())
        near = left & (P / top >= 1 - _SAME_PRESSURE)
        use = near & up if (near & up).sum() >= _FEWEST else near
        found.append((float(P[use].mean()), use))
        left &= ~near
    return found


# ---------------------------------------------------------------- results


def _results(
    study: ConductivityStudy,
    form: Form,
    at: float,
    unloaded_to: float | None,
    foil: Foils,
    warned: list[str],
) -> dict[str, Value]:
    collected: dict[str, list[Own]] = {}
    for each in study.series:
        for name, own in _own(study, each, form, at, unloaded_to, warned).items():
            collected.setdefault(name, []).append(own)
    order = (
        _room(at), "activation_energy", f"activation_energy_{_OTHER[form]}",
        "vtf_temperature", "conductivity_highest_pressure", "conductivity_unloaded",
        "unloading_loss", "foil_resistance",
    )  # fmt: skip
    found = {name: combined(collected[name], "pellets") for name in order if name in collected}
    if not found:
        raise InputError("no conductivity came out; give temperatures or pressures with the values")
    if foil.asr is not None:
        fall = (
            ""
            if foil.pressure is None
            else f", falling as 1/P from {show('pressure', foil.pressure)}"
        )
        warned.append(f"foil resistance {show('asr', foil.asr)} was given and taken off{fall}")
    if not any(np.isfinite(each.temperature).all() for each in study.series):
        warned.append("no temperature is known: conductivities hold where they were measured")
    return found


def _room(at: float) -> str:
    """Name of the conductivity at one temperature."""
    return f"conductivity_{round(at - 273.15, 6):g}C"


def _own(
    study: ConductivityStudy,
    each: ConductivitySeries,
    form: Form,
    at: float,
    unloaded_to: float | None,
    warned: list[str],
) -> dict[str, Own]:
    """Results of one pellet."""
    found = _of_temperature(study, each, form, at)
    room = _room(at)
    warm = np.isfinite(each.temperature)
    near = warm & (np.abs(each.temperature - at) < _NEAR_ROOM) if warm.any() else ~warm
    if warm.any() and not near.any():
        closest = np.abs(each.temperature - at) == np.nanmin(np.abs(each.temperature - at))
        near = closest
    finite = near & np.isfinite(each.pressure)
    if not finite.any():
        if room not in found and (near & warm).any() and np.abs(
            each.temperature[near] - at
        ).max() < _NEAR_ROOM:  # fmt: skip
            found[room] = _mean(each, near, "measured there")
        elif room not in found:
            found["conductivity_highest_pressure"] = _mean(each, near, "pressure not known")
        return found
    P = each.pressure
    up = np.array([b != "unloading" for b in each.branch])
    top = finite & (P / P[finite].max() >= 1 - _SAME_PRESSURE)
    where = show("pressure", float(P[top].mean()))
    hot = f", {show('temperature', float(each.temperature[top][0]))}" if warm.any() else ""
    found["conductivity_highest_pressure"] = _mean(each, top, where + hot)
    if room not in found and (near & warm).any() and abs(
        float(each.temperature[top][0]) - at
    ) < _NEAR_ROOM:  # fmt: skip
        found[room] = _mean(each, top, where)
    down = finite & (~up | top)
    if (~up & finite).any():
        found |= _unloaded(each, down, top, unloaded_to, warned)
    elif np.unique(P[finite]).size > 1 and not any(each.branch):
        warned.append(
            f"{each.name}: nothing tells loading from unloading (a column called branch, "
            "unloading in the names, or in_order=True), so no unloading loss is given"
        )
    if each.foil_fit is not None:
        low = float(np.nanmin(P))
        fit = each.foil_fit
        found["foil_resistance"] = Own(
            quantity="asr", si=max(fit.slope / low, 0.0), spread=fit.slope_spread / low, model=True,
            where=f"{each.name}, a/P fitted on loading, at {show('pressure', low)}",
        )  # fmt: skip
    return found


def _of_temperature(
    study: ConductivityStudy, each: ConductivitySeries, form: Form, at: float
) -> dict[str, Own]:
    """Activation energies and the conductivity at one temperature, at the highest pressure."""
    mine = [(P, fit) for name, P, fit in study.fits if name == each.name]
    if not mine:
        return {}
    highest = mine[0][0]
    fits = {fit.form: fit for P, fit in mine if np.isnan(highest) or np.isclose(P, highest)}
    found: dict[str, Own] = {}
    for which, name in (
        (form, "activation_energy"),
        (_OTHER[form], f"activation_energy_{_OTHER[form]}"),
    ):
        if which in fits:
            energy = fits[which].activation_energy
            found[name] = Own(
                quantity="activation_energy", si=energy.si, spread=energy.spread,
                where=f"{fits[which].name}: {energy.where}", note=energy.note,
            )  # fmt: skip
    if form in fits:
        fit = fits[form]
        outside = not fit.temperature.min() - _NEAR_ROOM <= at <= fit.temperature.max() + _NEAR_ROOM
        value = fit.reference
        found[_room(at)] = Own(
            quantity="conductivity", si=value.si, where=f"{fit.name}: {value.where}",
            spread=value.si * float(np.hypot(value.spread, each.geometry)), note=value.note,
            model=outside,  # an extrapolation is not measured
        )  # fmt: skip
        if fit.law == "vtf":
            found["vtf_temperature"] = Own(
                quantity="temperature", si=max(float(fit.theta[2]), 100.0), where=fit.name,
                spread=float(np.sqrt(fit.covariance[2, 2])), note="T0 of the VTF law",
            )  # fmt: skip
    return found


def _mean(each: ConductivitySeries, mask: npt.NDArray[np.bool_], where: str) -> Own:
    """Mean of repeated points, with the larger of their scatter and their own spread."""
    sigma, spread = each.conductivity[mask], each.spread[mask]
    scatter = float(sigma.std(ddof=1)) / np.sqrt(sigma.size) if sigma.size > 1 else 0.0
    own = float(np.sqrt(np.nansum(spread**2))) / sigma.size
    mean = float(sigma.mean())
    return Own(
        quantity="conductivity", si=mean, where=f"{each.name}, {where}",
        spread=float(np.hypot(max(scatter, own), mean * each.geometry)),
    )  # fmt: skip


def _unloaded(
    each: ConductivitySeries,
    down: npt.NDArray[np.bool_],
    top: npt.NDArray[np.bool_],
    unloaded_to: float | None,
    warned: list[str],
) -> dict[str, Own]:
    """Conductivity at the end of unloading, and the loss."""
    P = each.pressure
    order = np.nonzero(down)[0][np.argsort(P[down], kind="stable")]
    low = float(P[order[0]])
    if unloaded_to is not None:
        if not low * 0.99 <= unloaded_to <= float(P[top].max()):
            warned.append(
                f"{each.name}: {show('pressure', unloaded_to)} lies outside the unloading; the "
                f"loss is taken down to {show('pressure', low)}"
            )
        else:
            low = unloaded_to
    near = down & (np.abs(P / low - 1) < _SAME_PRESSURE) & ~top
    if near.any():
        at_low = _mean(each, near, show("pressure", low))
    else:  # between two pressures, straight in the logarithm of pressure
        x, y = np.log(P[order]), each.conductivity[order]
        value = float(np.interp(np.log(low), x, y))
        share = float(np.interp(np.log(low), x, np.nan_to_num(each.spread[order] / y)))
        at_low = Own(quantity="conductivity", si=value, spread=value * share,
                     where=f"{each.name}, interpolated at {show('pressure', low)}")  # fmt: skip
    bare = replace(each, geometry=0.0)  # thickness and area cancel in a ratio
    high = _mean(bare, top, "")
    low_share = at_low.spread if not near.any() else _mean(bare, near, "").spread
    loss = unloading_loss(high.si, at_low.si)
    spread = at_low.si / high.si * float(np.hypot(low_share / at_low.si, high.spread / high.si))
    ends = f"{show('pressure', float(P[top].mean()))} … {show('pressure', low)}"
    return {
        "conductivity_unloaded": at_low,
        "unloading_loss": Own(
            quantity="per_cent", si=loss, spread=spread, where=f"{each.name}, {ends}, unloading"
        ),
    }


def _table(study: ConductivityStudy) -> list[Mapping[str, Any]]:
    """One row a point."""
    rows: list[Mapping[str, Any]] = []
    for each in study.series:
        for k in range(len(each)):
            rows.append(
                {
                    "sample": each.name,
                    "branch": each.branch[k],
                    "pressure / MPa": _or_none(shown("pressure", each.pressure[k])),
                    "temperature / degC": _or_none(shown("temperature", each.temperature[k])),
                    "R / ohm cm2": _or_none(shown("asr", each.asr[k])),
                    "R_foil / ohm cm2": _or_none(shown("asr", each.foil[k])),
                    "thickness / mm": _or_none(each.thickness[k] * 1e3),
                    "sigma / mS/cm": _or_none(shown("conductivity", each.conductivity[k])),
                    "sigma spread / mS/cm": _or_none(shown("conductivity", each.spread[k])),
                }
            )
    return rows


def _or_none(x: Any) -> float | None:  # noqa: ANN401 (a number of numpy)
    return float(x) if np.isfinite(x) else None
