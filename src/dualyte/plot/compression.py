"""Figures of compression runs: force and work, Heckel plot, density against pressure, creep."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from dualyte.measure.compression import Run
from dualyte.measure.result import Evaluation
from dualyte.plot.figure import Figure, Series
from dualyte.vocabulary import Floats

_MOST: Final = 400  # points of a line
_NAMED: Final = 6  # runs that a legend has room for


def compression_figures(found: Evaluation) -> list[Figure]:
    """Force against displacement, Heckel plot, density against pressure, and creep.

    Parameters
    ----------
    found
        What `measure_compression` returned.

    Returns
    -------
    list of Figure
        Those that the files have numbers for.
    """
    runs: tuple[Run, ...] = tuple(found.detail or ())
    makers = (force_figure, heckel_figure, density_figure, creep_figure)
    return [figure for make in makers if (figure := make(runs)) is not None]


def _thin(*columns: Floats) -> list[Floats]:
    """The same rows of every column, few enough to draw."""
    rows = np.unique(np.linspace(0, columns[0].size - 1, min(_MOST, columns[0].size)).astype(int))
    return [np.asarray(column)[rows] for column in columns]


def _name(run: Run, runs: tuple[Run, ...]) -> str:
    return run.data.name if 1 < len(runs) <= _NAMED else ""


def force_figure(runs: tuple[Run, ...]) -> Figure | None:
    """Force against displacement since contact; the work of the first run as areas."""
    pressed = [run for run in runs if run.work is not None and run.force is not None]
    if not pressed:
        return None
    most = max(float(run.force.max()) for run in pressed if run.force is not None)
    size, unit = (1e-3, "kN") if most > 2e3 else (1.0, "N")
    series: list[Series] = _areas(pressed[0], size)
    for k, run in enumerate(pressed):
        u, f = _since_contact(run, size)
        name = _name(run, runs) or ("measured" if k == 0 else "")
        series.append(Series(x=u, y=f, name=name, colour=_line_colour(k)))
    run = pressed[0]
    if run.stiffness is not None and run.displacement is not None:
        s = run.stiffness
        u0 = run.displacement[run.parts.contact]
        x = np.array([s.low, s.high])
        series.append(
            Series(x=1e3 * (x - u0), y=size * (s.force + s.value * (x - s.low)), style="dashed",
                   colour=6, name="steepest slope")
        )  # fmt: skip
    return Figure(
        name="force_displacement", x="displacement since contact u / mm", y=f"force F / {unit}",
        series=series, legend="above", height=0.9,
    )  # fmt: skip


def _line_colour(k: int) -> int:
    return (0, 2, 3, 4, 5)[k % 5]


def _since_contact(run: Run, size: float) -> tuple[Floats, Floats]:
    """Displacement [mm] and force [shown] from shortly before contact to the end."""
    assert run.displacement is not None  # as the caller found
    assert run.force is not None
    parts = run.parts
    first = max(parts.contact - 5, 0)
    u, f = run.displacement[first:], run.force[first:]
    u, f = _thin(u, f)
    return 1e3 * (u - run.displacement[parts.contact]), size * f


def _areas(run: Run, size: float) -> list[Series]:
    """Plastic work between the curves, elastic work below the unloading curve."""
    if run.displacement is None or run.force is None or run.work is None:
        return []
    a, r, e = run.parts.contact, run.parts.release, run.parts.end
    u, f = 1e3 * (run.displacement - run.displacement[a]), size * run.force
    if not run.parts.unloads:
        return [_area(u[a : e + 1], f[a : e + 1], f"{run.work.loading:.3g} J", 4)]
    found = [_area(u[a : e + 1], f[a : e + 1], f"plastic work, {run.work.plastic:.3g} J", 4)]
    back = _area(u[r : e + 1], f[r : e + 1], f"elastic work, {run.work.elastic:.3g} J", 1)
    return [*found, back]


def _area(u: Floats, f: Floats, name: str, colour: int) -> Series:
    u, f = _thin(u, np.maximum(f, 0.0))
    x = np.concatenate([[u[0]], u, [u[-1]]])
    y = np.concatenate([[0.0], f, [0.0]])
    return Series(x=x, y=y, style="area", name=name, colour=colour)


def heckel_figure(runs: tuple[Run, ...]) -> Figure | None:
    """-ln(1 - D) against pressure, with the line over its range."""
    shown = [run for run in runs if run.heckel is not None]
    if not shown:
        return None
    series: list[Series] = []
    for k, run in enumerate(shown):
        fit = run.heckel
        assert fit is not None  # as chosen above
        p, d = _loading(run)
        keep = (d < 0.999) & (p > 0)
        p, y = _thin(p[keep], -np.log1p(-d[keep]))
        some = np.unique(np.linspace(0, p.size - 1, min(25, p.size)).astype(int))
        name = _name(run, runs) or ("loading" if k == 0 else "")
        series.append(Series(x=p[some] / 1e6, y=y[some], style="open", name=name,
                             colour=_line_colour(k)))  # fmt: skip
        x = np.array([max(fit.low, float(p.min())), min(fit.high, float(p.max()))])
        words = f"1/K = {fit.yield_pressure / 1e6:.3g} MPa, over its range" if k == 0 else ""
        series.append(Series(x=x / 1e6, y=fit.slope * x + fit.intercept, name=words,
                             colour=1 if k == 0 else _line_colour(k)))  # fmt: skip
    return Figure(
        name="heckel", x="pressure P / MPa", y="−ln(1 − D)", series=series, legend="above",
        height=0.85,
    )  # fmt: skip


def _loading(run: Run) -> tuple[Floats, Floats]:
    """Pressure and density on loading."""
    assert run.pressure is not None  # as the caller found
    assert run.density is not None
    rows = slice(run.parts.contact, run.parts.top + 1)
    return np.asarray(run.pressure[rows]), np.asarray(run.density[rows])


def density_figure(runs: tuple[Run, ...]) -> Figure | None:
    """Relative density against pressure, there and back, with the Kawakita line."""
    shown = [run for run in runs if run.density is not None and run.pressure is not None
             and (run.heckel or run.kawakita or run.spring_back is not None)]  # fmt: skip
    if not shown:
        return None
    series: list[Series] = []
    for k, run in enumerate(shown):
        parts = run.parts
        assert run.pressure is not None  # as chosen above
        assert run.density is not None
        rows = slice(parts.contact, (parts.end if parts.unloads else parts.release) + 1)
        p, d = _thin(run.pressure[rows], run.density[rows])
        name = _name(run, runs) or ("measured" if k == 0 else "")
        style: Any = "points" if p.size <= 40 else "line"
        series.append(Series(x=p / 1e6, y=d, name=name, style=style, colour=_line_colour(k)))
        if k == 0 and (fit := run.kawakita) is not None:
            x = np.linspace(0, float(p.max()), 200)
            c = fit.a * x / (x + fit.pressure)
            words = f"Kawakita, a = {fit.a:.3g}, 1/b = {fit.pressure / 1e6:.3g} MPa"
            series.append(Series(x=x / 1e6, y=fit.start / (1 - c), style="dashed", colour=1,
                                 name=words))  # fmt: skip
    return Figure(
        name="density_pressure", x="pressure P / MPa", y="relative density D", series=series,
        legend="above", height=0.85,
    )  # fmt: skip


def creep_figure(runs: tuple[Run, ...]) -> Figure | None:
    """What a hold adds against the time since it began, with the power law."""
    shown = [run for run in runs if run.creep is not None]
    if not shown:
        return None
    strain = all(run.density is not None for run in shown)
    series: list[Series] = []
    longest = max(run.creep.last for run in shown if run.creep is not None)
    scale, unit = (3600.0, "h") if longest > 7200 else (1.0, "s")
    for k, run in enumerate(shown):
        fit = run.creep
        assert fit is not None  # as chosen above
        size = 100.0 if strain else 1e6
        colour = _line_colour(k)
        name = _name(run, runs) or ("mean of rows" if k == 0 else "")
        series.append(Series(x=fit.time / scale, y=size * (fit.value - fit.begin), style="open",
                             colour=colour, name=name))  # fmt: skip
        t = np.geomspace(fit.time[0], fit.last, 200)
        words = f"$t^{{{fit.exponent:.2f}}}$" if k == 0 else ""
        series.append(Series(x=t / scale, y=size * (fit.at(t) - fit.begin), colour=colour,
                             name=words))  # fmt: skip
    y = "strain of the hold ln D/D₀ / %" if strain else "displacement of the hold / µm"
    return Figure(
        name="creep", x=f"time since the load was reached t / {unit}", y=y, series=series,
        log_x=True, legend="above", height=0.85,
    )  # fmt: skip
