"""Figures of fitted spectra: of one, and of a series over temperature or pressure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np

from dualyte.circuit.elements import Circuit, R, blocks
from dualyte.circuit.spectrum import Spectrum
from dualyte.material import Value
from dualyte.measure.arrhenius import ArrheniusFit
from dualyte.measure.drt import DRT, DRTMap
from dualyte.measure.eis import Fit
from dualyte.measure.eis.model import ArcNames, arc_names
from dualyte.measure.joint import JointFit
from dualyte.measure.kramers import Check
from dualyte.plot.arrhenius import Line, Points, arrhenius_figure
from dualyte.plot.figure import COLOURS, Figure, Series, Style
from dualyte.plot.looks import SCATTER, condition, looks, varies
from dualyte.plot.relaxation import drt_figure, drt_map_figure
from dualyte.plot.spectra import FREQUENCY, Curve, bode, foot, hertz, nyquist, residuals
from dualyte.vocabulary import ROOM, Floats, known, pretty, shown

Along = Literal["temperature", "pressure"]
_DENSE: Final = 12  # points of a model line for every measured one
_REACH: Final = 6.0  # a Nyquist plot holds spectra up to this much larger than that at 25 °C
_CROWD: Final = 200  # spectra in one figure of residuals
_LINES: Final = 40  # in a Bode plot
_MOST: Final = 8  # spectra in one Nyquist plot
_Z90: Final = 1.6449
_SETTLED: Final = 1.0  # spread of ln R up to which a single fit has a say
_UNNAMED: Final = len(COLOURS) - 1  # spectra that colours tell apart


# ---------------------------------------------------------------- one spectrum


def fit_figures(
    fit: Fit, *, joint: Circuit | None = None, noise: float | None = None, stem: str = ""
) -> list[Figure]:
    r"""Nyquist plot with the arcs, Bode plot and residuals of one fit.

    Parameters
    ----------
    fit
        What `fit_spectrum` found.
    joint
        The circuit of a joint fit at this spectrum, drawn dashed.
    noise
        Of the spectrum, relative to \|Z\|, by the Kramers–Kronig test; by default that of the
        fit.
    stem
        Ending of the names of the figures.
    """
    spectrum = fit.spectrum
    models = model_curves(fit, joint)
    return [
        nyquist_with_arcs(fit, joint=joint, name=f"nyquist{stem}"),
        bode(spectrum, models, name=f"bode{stem}"),
        residuals(
            spectrum.frequency,
            fit.residual,
            spread=noise or fit.chi2_reduced**0.5,
            left_out=~spectrum.used,
            name=f"residuals{stem}",
            title=_title(spectrum),
        ),
    ]


def nyquist_with_arcs(
    fit: Fit, *, joint: Circuit | None = None, name: str = "nyquist", title: str | None = None
) -> Figure:
    """Nyquist plot of a fit, with every arc as an area where it stands in the sum.

    Where there is a joint fit, the arcs are those of it.
    """
    areas = arc_areas(joint or fit.circuit, _size(fit.spectrum))
    return nyquist(fit.spectrum, model_curves(fit, joint), name=name, title=title, under=areas)


def model_curves(fit: Fit, joint: Circuit | None = None) -> list[Curve]:
    """Smooth lines of a fit, and of a joint fit."""
    f = dense(fit.spectrum)
    curves = [Curve(frequency=f, z=fit.circuit.impedance(f), name="fit")]
    if joint is not None:
        curves.append(Curve(frequency=f, z=joint.impedance(f), name="joint fit", dashed=True))
    return curves


def dense(spectrum: Spectrum) -> Floats:
    """Frequencies for a smooth line over those that were measured."""
    f = spectrum.frequency
    return np.asarray(np.geomspace(f[0], f[-1], _DENSE * f.size))


def _title(spectrum: Spectrum) -> str:
    told = [
        condition(name, value)
        for name in ("temperature", "pressure")
        if (value := getattr(spectrum, name)) is not None
    ]
    return ", ".join([spectrum.title, *told])


def _size(spectrum: Spectrum) -> float:
    """Factor from a circuit's impedance to that of the figure."""
    return 1.0 if spectrum.area is None else float(shown("impedance", 1.0))


def arc_areas(circuit: Circuit, size: float = 1.0) -> list[Series]:
    """Arcs side by side along the real axis, from fast to slow.

    Parameters
    ----------
    circuit
        With numbers.
    size
        Factor from its impedance to that of the figure.
    """
    parts = {frozenset(block.parameters): block for block in blocks(circuit)}
    numbers = circuit.parameters
    start = size * sum(block.R for block in parts.values() if isinstance(block, R))
    arcs = []
    for arc in arc_names(circuit):
        block = parts[frozenset(n for n in (arc.R, arc.Q, arc.n, arc.C, arc.tau) if n)]
        arcs.append((time_constant(arc, numbers), arc, block))
    found = []
    for k, (tau, arc, block) in enumerate(sorted(arcs, key=lambda each: each[0])):
        z = size * block.impedance(np.geomspace(1e5, 1e-5, 241) / (2 * np.pi * tau))
        end = start + size * numbers[arc.R]
        numbered = "arc" if len(arcs) == 1 else f"arc {arc.label or k + 1}"
        name = arc.label if arc.label and not arc.label.isdigit() else numbered
        found.append(
            Series(
                x=np.concatenate([[start], start + z.real, [end]]),
                y=np.concatenate([[0.0], -z.imag, [0.0]]),
                style="area", name=name, colour=1 + k % (_UNNAMED - 1),
            )
        )  # fmt: skip
        start = end
    return found


def time_constant(arc: ArcNames, numbers: Mapping[str, float]) -> float:
    """Time constant of an arc [s], whose peak is at 1/(2πτ)."""
    names = (name for name in (arc.R, arc.Q, arc.C, arc.tau) if name)
    logs = {name: np.log(numbers[name]) for name in names}
    return float(np.exp(arc.log_tau(logs | ({arc.n: numbers[arc.n]} if arc.n else {}))))


# ---------------------------------------------------------------- a series


def slices(spectra: Sequence[Spectrum]) -> dict[Along, list[int]]:
    """Spectra over temperature at the highest pressure, and over pressure near 25 °C."""
    hot = varies("temperature", [s.temperature for s in spectra])
    pressed = varies("pressure", [s.pressure for s in spectra])
    T = np.array([np.nan if s.temperature is None else s.temperature for s in spectra])
    P = np.array([np.nan if s.pressure is None else s.pressure for s in spectra])
    found: dict[Along, list[int]] = {}
    if hot:
        at = np.isclose(P, P.max(), rtol=0.01) if pressed else np.ones(T.size, dtype=np.bool_)
        found["temperature"] = [int(k) for k in np.argsort(T, kind="stable") if at[k]]
    if pressed:
        near = T[int(np.argmin(np.abs(T - ROOM)))] if hot else 0.0
        at = np.abs(T - near) < 0.5 if hot else np.ones(T.size, dtype=np.bool_)
        found["pressure"] = [int(k) for k in np.argsort(-P, kind="stable") if at[k]]
    return {along: which for along, which in found.items() if len(which) > 1}


def series_figures(fits: Sequence[Fit], joint: Sequence[Circuit | None]) -> list[Figure]:
    """Nyquist and Bode plots over temperature and pressure, and all residuals.

    Parameters
    ----------
    fits
        Single fits.
    joint
        The circuit of a joint fit at each of them, or None: then lines are the single fits.
    """
    parts = slices([fit.spectrum for fit in fits])
    figures = []
    if not parts:
        some = range(min(len(fits), _UNNAMED))
        figures = _over(fits, joint, list(some), "series")
    for along, which in parts.items():
        figures += _over(fits, joint, which, along)
    for k in _examples(fits, parts):
        spectrum = fits[k].spectrum
        about = [
            condition(name, value).replace(" ", "").replace("°", "").replace("−", "-")
            for name in ("temperature", "pressure")
            if (value := getattr(spectrum, name)) is not None
        ]
        figures.append(
            nyquist_with_arcs(fits[k], joint=joint[k], name="_".join(["nyquist", *about]))
        )
    return [*figures, residual_series(fits, joint)]


def _over(
    fits: Sequence[Fit], joint: Sequence[Circuit | None], which: Sequence[int], along: str
) -> list[Figure]:
    """Nyquist and Bode plot of some of the spectra."""
    thin = np.unique(np.linspace(0, len(which) - 1, _LINES).round().astype(int)).tolist()
    which = [which[k] for k in thin]
    near = _comparable([fits[k].spectrum for k in which], which)
    return [
        nyquist([fits[k].spectrum for k in near], _lines(fits, joint, near),
                name=f"nyquist_{along}"),
        bode([fits[k].spectrum for k in which], _lines(fits, joint, which), name=f"bode_{along}"),
    ]  # fmt: skip


def _lines(
    fits: Sequence[Fit], joint: Sequence[Circuit | None], which: Sequence[int]
) -> list[Curve]:
    """Lines of some fits in one unit: per area, or of whole cells if an area is not known."""
    per_area = all(fits[k].spectrum.area is not None for k in which)
    curves = []
    for k in which:
        f = dense(fits[k].spectrum)
        size = 1.0 if per_area else fits[k].spectrum.area or 1.0
        curves.append(
            Curve(
                frequency=f,
                z=(joint[k] or fits[k].circuit).impedance(f) / size,
                name="fit" if joint[k] is None else "joint fit",
            )
        )
    return curves


def _comparable(spectra: Sequence[Spectrum], which: Sequence[int]) -> list[int]:
    """Some spectra of like size around that nearest 25 °C: equal axes hold no more."""
    size = np.array([float(s.kept.z[foot(s.kept.z)].real) for s in spectra])
    T = np.array([ROOM if s.temperature is None else s.temperature for s in spectra])
    middle = size[int(np.argmin(np.abs(T - ROOM)))]
    good = np.flatnonzero((size < _REACH * middle) & (size > middle / _REACH**2))
    if good.size > _MOST:
        good = good[np.unique(np.linspace(0, good.size - 1, _MOST).round().astype(int))]
    return [which[k] for k in good.tolist()]


def _examples(fits: Sequence[Fit], parts: Mapping[Along, Sequence[int]]) -> list[int]:
    """Ends and middle of the series."""
    found: dict[int, None] = {}
    for along, which in parts.items():
        found |= dict.fromkeys((which[0], which[-1]))
        if along == "temperature":
            T = [abs((fits[k].spectrum.temperature or ROOM) - ROOM) for k in which]
            found[which[int(np.argmin(T))]] = None
    return list(found)


def residual_series(fits: Sequence[Fit], joint: Sequence[Circuit | None]) -> Figure:
    """Residuals of all spectra against frequency, real and imaginary part in two panels."""
    some = np.unique(np.linspace(0, len(fits) - 1, _CROWD).round().astype(int)).tolist()
    fits, joint = [fits[k] for k in some], [joint[k] for k in some]
    spectra = [fit.spectrum for fit in fits]
    style = looks(spectra)
    panels = []
    for part, label in ((np.real, "Re"), (np.imag, "Im")):
        series = []
        for fit, circuit, look in zip(fits, joint, style.each, strict=True):
            kept = fit.spectrum.kept
            size = 1.0 if kept.area is None else kept.area
            z = (circuit or fit.circuit).impedance(kept.frequency) / size
            left = 100 * part((kept.z - z) / np.abs(kept.z))
            named = look.name if style.scale is None and len(fits) <= _MOST else ""
            series.append(
                Series(
                    x=kept.frequency, y=left, style="points", marker=".", name=named,
                    colour=look.colour, shade=look.shade,
                )
            )  # fmt: skip
        f = np.array([min(s.frequency[-1] for s in spectra), max(s.frequency[0] for s in spectra)])
        series.append(Series(x=f, y=np.zeros(2), colour=6))
        panels.append(Figure(name="", x=FREQUENCY, y=f"Δ{label} / %", series=series, log_x=True))
    which = "joint fit" if any(joint) else "fit"
    return Figure(
        name="residuals", x=FREQUENCY, y="", panels=panels, legend="above", scale=style.scale,
        height=1.0,
        title=", ".join(filter(None, [f"(Z − {which}) / |Z|", style.title])),
    )  # fmt: skip


# ---------------------------------------------------------------- relaxation times


def distribution_figure(found: DRT, *, name: str = "drt") -> Figure:
    """Distribution with its band, the refined arcs, and the frequency of each."""
    bands = None if found.bands is None else (found.bands[0], found.bands[1])
    return drt_figure(
        found.tau,
        found.gamma,
        bands,
        others=[("refined arcs", found.tau, found.refined)] if found.peaks else (),
        peaks=[
            (1 / (2 * np.pi * p.frequency), hertz(float(f"{p.frequency:.2g}")))
            for p in found.peaks
            if found.tau.min() <= 1 / (2 * np.pi * p.frequency) <= found.tau.max()
        ],
        per_area=found.unit != "ohm",
        label="distribution, 90 % band" if bands is not None else "distribution",
        name=name,
        title=_title(found.spectrum),
    )


def map_figures(found: DRTMap, *, stem: str = "") -> list[Figure]:
    """Maps of a series over temperature and over pressure, with the arcs found.

    Parameters
    ----------
    found
        What `drt_map` or `map_of` found.
    stem
        Ending of the names of the figures.
    """
    figures = []
    for along, which in slices([d.spectrum for d in found.drts]).items():
        values = np.array([getattr(found.drts[k].spectrum, along) for k in which])
        gamma = found.gamma[which]
        if np.unique(values).size < 3:
            continue
        values, gamma = _merged(values, gamma)
        top = gamma.max(axis=1)
        figure = drt_map_figure(
            found.tau, values, gamma, quantity=along, per_area=found.unit != "ohm",
            normalised=bool(top.max() > 3 * top.min()), name=f"drt_map_{along}{stem}",
            title=looks([found.drts[k].spectrum for k in which]).title,
        )  # fmt: skip
        figures.append(replace(figure, series=_peaks(found, which, along), legend="above"))
    return figures


def _merged(values: Floats, gamma: Floats) -> tuple[Floats, Floats]:
    """One row for each value, the mean of those that share it."""
    single, owner = np.unique(values, return_inverse=True)
    mean = np.array([gamma[owner == k].mean(axis=0) for k in range(single.size)])
    return single, mean


def _peaks(found: DRTMap, which: Sequence[int], along: Along) -> list[Series]:
    """Arcs at their time constants: filled where resolved."""
    made = []
    styles: tuple[tuple[bool, Style, str], ...] = (
        (True, "points", "arc"), (False, "open", "arc not resolved"),
    )  # fmt: skip
    for resolved, style, name in styles:
        places = [
            (1 / (2 * np.pi * peak.frequency), float(shown(along, getattr(d.spectrum, along))))
            for d in (found.drts[k] for k in which)
            for peak in d.peaks
            if peak.resolved == resolved
            and found.tau.min() < 1 / (2 * np.pi * peak.frequency) < found.tau.max()
        ]
        if places:
            x, y = np.array(places).T
            made.append(Series(x=x, y=y, style=style, name=name, colour=1))
    return made


# ---------------------------------------------------------------- laws


def activation_figures(found: Sequence[tuple[str, ArrheniusFit]]) -> list[Figure]:
    """Arrhenius plots with 90 % bands, one for each kind of quantity."""
    groups: dict[tuple[str, str], list[tuple[str, ArrheniusFit]]] = {}
    for name, fit in found:
        groups.setdefault((fit.form, fit.quantity), []).append((name, fit))
    figures = []
    for k, ((form, quantity), members) in enumerate(groups.items()):
        points, lines = [], []
        for name, fit in members:
            T = np.linspace(fit.temperature.min(), fit.temperature.max(), 60)
            band = fit.band(T)
            told = f"{name}: {_electronvolts(fit.activation_energy)}"
            size = _shown_as(form, quantity, fit.temperature)
            grid = _shown_as(form, quantity, T)
            spread = None if fit.relative is None else fit.relative * fit.value * size
            out = np.zeros(fit.temperature.size, dtype=np.bool_)
            out[list(fit.outliers)] = True
            points.append(
                Points(
                    temperature=fit.temperature, value=fit.value * size, spread=spread,
                    left_out=out, name=told,
                )
            )  # fmt: skip
            lines.append(
                Line(
                    temperature=T, value=band.value * grid, low=band.low * grid,
                    high=band.high * grid,
                )
            )  # fmt: skip
        figures.append(
            arrhenius_figure(
                points, lines, quantity=quantity, label=_label(form, quantity),
                name="arrhenius" if k == 0 else f"arrhenius_{k + 1}",
            )
        )  # fmt: skip
    return figures


def _electronvolts(energy: Value) -> str:
    """Activation energy for a legend."""
    value, spread = (float(shown("activation_energy", x)) for x in (energy.si, energy.spread))
    return f"{value:.3f} ± {spread:.3f} eV" if spread >= 5e-4 else f"{value:.4f} eV"


def _shown_as(form: str, quantity: str, T: Floats) -> Any:  # noqa: ANN401 (a number or an array)
    """Factor from SI to the axis."""
    size = float(shown(quantity, 1.0) - shown(quantity, 0.0))
    if form == "sigmaT":
        return size * T
    return size


def _label(form: str, quantity: str) -> str:
    word = known(quantity)
    unit = pretty(word.shown)
    if form == "sigmaT":
        return f"σT / K {unit}"
    return f"{word.text} {word.symbol} / {unit}"


def joint_activation_figure(joint: JointFit, fits: Sequence[Fit]) -> Figure:
    """Resistances of a series over temperature: points of single fits, laws of the joint fit."""
    which = slices(joint.spectra).get("temperature", [])
    arcs = joint.estimate.arcs
    points, lines = [], []
    T = joint.design.temperature[which]
    singles = {fit.spectrum.title: fit for fit in fits}
    quantity = "asr" if joint.estimate.cell.area is not None else "resistance"
    for arc in arcs:
        size, spread = joint.resistance(arc.label)
        value = joint.values.get(arc.R)
        share = value.si / joint.estimate.numbers[arc.R] if value is not None else 1.0
        R, s = size[which] * share, spread[which]
        energy = joint.values.get(f"Ea_{arc.label}" if arc.label else "Ea")
        told = arc.label or "arc"
        if energy is not None:
            told += f": {_electronvolts(energy)}"
        lines.append(
            Line(temperature=T, value=R, low=R * np.exp(-_Z90 * s), high=R * np.exp(_Z90 * s))
        )
        points.append(_single_points([joint.spectra[k] for k in which], singles, arc.R, told))
    title = ["lines: joint fit; points: single fits"]
    P = joint.design.levels
    if P.size:
        title.append(condition("pressure", float(P[0])))
    return arrhenius_figure(
        points, lines, quantity=quantity, name="arrhenius", title=", ".join(title)
    )


def _single_points(
    spectra: Sequence[Spectrum], singles: Mapping[str, Fit], name: str, told: str
) -> Points:
    """R of single fits with its spread."""
    rows = []
    for spectrum in spectra:
        fit = singles.get(spectrum.title)
        if fit is None or name not in fit.values:
            continue
        value = fit.values[name]
        spread = value.spread * value.si if value.law == "log-normal" else value.spread
        rows.append((spectrum.temperature, value.si, min(spread, 10 * value.si)))
    T, R, s = np.array(rows).T if rows else np.full((3, 1), np.nan)
    return Points(temperature=T, value=R, spread=s, name=told)


def contact_figure(joint: JointFit, fits: Sequence[Fit]) -> Figure:
    """True contact over that at the highest pressure, on logarithmic axes.

    Parameters
    ----------
    joint
        What `fit_joint` found: lines with their 90 % band, or points where the contact is free.
    fits
        Single fits: points where the joint fit has a power law.
    """
    series = []
    singles = {fit.spectrum.title: fit for fit in fits}
    for k, label in enumerate(joint.design.movers):
        pressure, f, spread = joint.contact(label)
        name, x = label or "arc", shown("pressure", pressure)
        if (m := joint.values.get(f"m_{label}")) is None:
            bar = np.exp(_Z90 * spread / np.maximum(f, 1e-300))
            series += [
                Series(x=x, y=f, low=f / bar, high=f * bar, style="points", name=name, colour=k),
                Series(x=x, y=f, style="dashed", colour=k),
            ]
            continue
        grid = np.geomspace(x.min(), x.max(), 60)
        log = np.log(grid / x.max())
        y, band = np.exp(m.si * log), np.exp(_Z90 * np.abs(log) * m.spread)
        digits = 3 if m.spread >= 5e-4 else 4
        told = f"{name}: ∝ Pᵐ, m = {m.si:.{digits}f} ± {m.spread:.{digits}f}"
        series.append(Series(x=grid, y=y, low=y / band, high=y * band, name=told, colour=k))
        series += _single_contact(joint, singles, label, k)
    free = joint.design.terms.contact
    T = joint.temperature
    at = "" if T is None or joint.design.hot else f" at {condition('temperature', T)}"
    return Figure(
        name="contact",
        x="stack pressure P / MPa",
        y="true contact / that at the highest P",
        series=series,
        log_x=True,
        log_y=True,
        legend="above",
        height=0.72,
        title=f"joint fit{at}, 90 % intervals"
        if free
        else f"line: joint fit{at}, 90 % band; points: R of single fits",
    )


def _single_contact(
    joint: JointFit, singles: Mapping[str, Fit], label: str, colour: int
) -> list[Series]:
    """R at the highest pressure over R, of single fits, averaged over temperatures."""
    levels = joint.design.levels
    name = f"R_{label}" if label else "R"
    logs: dict[tuple[int, float], tuple[float, float]] = {}
    for spectrum, T, P in zip(
        joint.spectra, _apart(joint.design.temperature), joint.design.pressure, strict=True
    ):
        value = singles[spectrum.title].values.get(name) if spectrum.title in singles else None
        if value is not None and 0 < value.spread < _SETTLED:
            logs[T, float(P)] = (np.log(value.si), value.spread)
    x, y, s = [], [], []
    for level in levels[1:].tolist():
        both = [
            (logs[T, float(levels[0])], logs[T, P]) for T, P in logs
            if level == P and (T, float(levels[0])) in logs
        ]  # fmt: skip
        if not both:
            continue
        ratio = np.array([top[0] - low[0] for top, low in both])
        weight = np.array([1 / (top[1] ** 2 + low[1] ** 2) for top, low in both])
        mean = float(np.average(ratio, weights=weight))
        scatter = max(1.0, float(np.average((ratio - mean) ** 2 * weight * len(both))))
        x.append(float(shown("pressure", level)))
        y.append(np.exp(mean))
        s.append(_Z90 * np.sqrt(scatter / weight.sum()))
    if not x:
        return []
    at, f, bar = np.array(x), np.array(y), np.exp(np.array(s))
    return [Series(x=at, y=f, low=f / bar, high=f * bar, style="points", colour=colour)]


def _apart(temperature: Floats) -> list[int]:
    """Number of the distinct temperature that each belongs to; unknown ones are one."""
    order = np.argsort(temperature, kind="stable")
    group = np.zeros(temperature.size, dtype=np.int64)
    group[order] = np.cumsum(np.diff(temperature[order], prepend=temperature[order][0]) > SCATTER)
    return [int(k) for k in group]


def check_figure(check: Check, *, name: str = "check") -> Figure:
    """Residuals of a Kramers–Kronig test; points that fail are open."""
    return residuals(
        check.spectrum.frequency,
        check.residual,
        spread=check.noise,
        left_out=~check.good,
        name=name,
        title=f"{_title(check.spectrum)}, Kramers–Kronig test: {check.verdict}",
    )
