"""Figures of indentation: load against depth, hardness and modulus of depth, indents, maps."""

from __future__ import annotations

from typing import Final

import numpy as np

from dualyte.measure.indentation import IndentMap, IndentResult
from dualyte.measure.result import Evaluation
from dualyte.plot.figure import COLOURS, Figure, Scale, Series
from dualyte.vocabulary import Floats, label, shown

_CURVES: Final = 6  # drawn at most
_POINTS: Final = 600  # of a curve
_MANY: Final = 20  # indents, from which on a histogram is drawn
_PLACES: Final = 9  # indents with a place, from which on a map is drawn


def indentation_figures(found: Evaluation) -> list[Figure]:
    """Draw an evaluation of indents: curves, depth profiles, spread over the indents, map."""
    gathered = found.detail
    if not isinstance(gathered, IndentMap) or not gathered.indents:
        return []
    figures = [_curves(gathered)]
    if any(r.csm is not None for r in gathered.indents):
        figures.append(_profiles(gathered))
    count = len(gathered.indents)
    if count >= _MANY:
        figures.append(_histogram(gathered))
    elif count > 1:
        figures.append(_row_of_indents(gathered))
    if sum(r.position is not None for r in gathered.indents) >= _PLACES:
        figures.append(_map(gathered))
    return figures


def _some(gathered: IndentMap) -> list[IndentResult]:
    """Indents to draw: evenly chosen of those that count."""
    kept = [r for r, k in zip(gathered.indents, gathered.kept, strict=True) if k]
    kept = kept or list(gathered.indents)
    most = _CURVES if all(len(r.cycles) <= 1 for r in kept) else _CURVES // 2
    chosen = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), most)).round().astype(int))
    return [kept[k] for k in chosen]


def _short(title: str) -> str:
    return title.rsplit(", ", maxsplit=1)[-1].removesuffix(".hld").removesuffix(".txt")


def _curves(gathered: IndentMap) -> Figure:
    chosen = _some(gathered)
    series = []
    for k, result in enumerate(chosen):
        begin = result.record.begin
        step = max((result.record.depth.size - begin) // _POINTS, 1)
        h, P = result.record.depth[begin::step], result.record.load[begin::step]
        series.append(
            Series(
                x=h * 1e9, y=shown("load", P), name=_short(result.title), colour=k % len(COLOURS)
            )
        )
    named = False
    for result in chosen:
        if result.fit is None:
            continue
        fit = result.fit
        h = np.linspace(max(fit.final_depth, fit.span[0]), fit.depth, 80)
        name = "" if named else "fit to unloading"
        named = True
        series.append(
            Series(x=h * 1e9, y=shown("load", fit(h)), style="dashed", name=name, colour=6)
        )
    return Figure(
        name="indents", x="depth h / nm", y=label("load"), series=series, legend="above",
        x_limits=_upward(np.concatenate([s.x for s in series])),
    )  # fmt: skip


def _upward(values: Floats) -> tuple[float, float]:
    """From zero, or a little below what lies under it, to above the greatest."""
    high = float(np.nanmax(values))
    return min(0.0, max(float(np.nanmin(values)), -0.05 * high)) - 0.01 * high, 1.04 * high


def _profiles(gathered: IndentMap) -> Figure:
    chosen = [r for r in _some(gathered) if r.csm is not None]
    panels = []
    for word in ("hardness", "youngs_modulus"):
        series = []
        greatest = [0.0]
        for k, result in enumerate(chosen):
            curve = result.csm
            if curve is None:
                continue
            values = getattr(curve, word)
            values = curve.modulus if values is None else values
            step = max(curve.depth.size // _POINTS, 1)
            y = shown("hardness", values[::step])
            deep = curve.depth > 0.2 * curve.depths[0]
            greatest.append(float(np.nanpercentile(shown("hardness", values[deep]), 99)))
            series.append(
                Series(x=curve.depth[::step] * 1e9, y=y, name=_short(result.title), colour=k)
            )
        reduced = word == "youngs_modulus" and chosen[0].csm.youngs_modulus is None  # type: ignore[union-attr]  # chosen have one
        limits = (0.0, 1.3 * max(greatest))
        low, high = (x * 1e9 for x in chosen[0].csm.depths)  # type: ignore[union-attr]  # as above
        high = min(high, max(float(np.nanmax(s.x)) for s in series))
        series.append(
            Series(x=np.array([low, high, high, low]), y=np.repeat(limits, 2), style="area",
                   name="averaged", colour=6)
        )  # fmt: skip
        panels.append(
            Figure(
                name=word,
                x="depth h / nm",
                y="E_r / GPa" if reduced else _axis(word),
                series=series,
                y_limits=limits,
            )
        )
    return Figure(
        name="indent_profiles", x="depth h / nm", y="", panels=panels, legend="above", height=1.1
    )


def _axis(word: str) -> str:
    return {"hardness": "H / GPa", "youngs_modulus": "E / GPa"}[word]


def _row_of_indents(gathered: IndentMap) -> Figure:
    words = ["hardness", "youngs_modulus"]
    if not np.isfinite(gathered.values("youngs_modulus")).any():
        words[1] = "modulus"
    n = len(gathered.indents)
    panels = []
    for word in words:
        y = shown(word, gathered.values(word))
        d = np.nan_to_num(shown(word, gathered.values(f"{word}_spread")))
        x = np.arange(1, n + 1)
        mean = gathered.spread(word)
        middle, wide = (float(shown(word, v)) for v in (mean.mean, mean.spread))
        ends, one = np.array([0.5, n + 0.5]), np.ones(2)
        series = [
            Series(x=ends, y=middle * one, low=(middle - wide) * one, high=(middle + wide) * one,
                   name="mean and standard deviation", colour=0)
        ]  # fmt: skip
        for mask, style, name in (
            (gathered.kept, "points", "indent"),
            (~gathered.kept, "open", "left out"),
        ):
            if mask.any():
                series.append(
                    Series(x=x[mask], y=y[mask], low=(y - d)[mask], high=(y + d)[mask],
                           style=style, name=name, colour=1)  # type: ignore[arg-type]  # literals
                )  # fmt: skip
        axis = {"modulus": "E_r / GPa"}.get(word) or _axis(word)
        panels.append(Figure(name=word, x="indent", y=axis, series=series, x_limits=(0.5, n + 0.5)))
    return Figure(name="indent_spread", x="indent", y="", panels=panels, legend="above", height=0.9)


def _histogram(gathered: IndentMap) -> Figure:
    H = shown("hardness", gathered.values("hardness"))
    used = H[gathered.kept & np.isfinite(H)]
    edges = np.histogram_bin_edges(used, bins="auto" if used.size < 5000 else 60)
    count, edges = np.histogram(used, bins=edges)
    x = np.concatenate([[edges[0]], np.repeat(edges[1:-1], 2), [edges[-1]]])
    y = np.repeat(count, 2).astype(np.float64)
    mean = gathered.spread("hardness")
    middle = float(shown("hardness", mean.mean))
    top = 1.12 * float(count.max())
    outline = Series(
        x=np.concatenate([[x[0]], x, [x[-1]]]), y=np.concatenate([[0.0], y, [0.0]]),
        name=f"{used.size} indents", colour=0,
    )  # fmt: skip
    line = Series(
        x=np.full(2, middle), y=np.array([0.0, top]), style="dashed", name="mean", colour=1
    )
    return Figure(
        name="indent_histogram", x=label("hardness"), y="indents", series=[outline, line],
        y_limits=(0.0, top), legend="above",
    )  # fmt: skip


def _map(gathered: IndentMap) -> Figure:
    placed = [
        (r.position, r.hardness, k)
        for r, k in zip(gathered.indents, gathered.kept, strict=True)
        if r.position is not None
    ]
    where = np.array([p for p, _, _ in placed]) * 1e3
    H = shown("hardness", np.array([h for _, h, _ in placed]))
    kept = np.array([k for _, _, k in placed])
    sure = H[kept] if kept.any() else H
    low, high = float(sure.min()), float(sure.max())
    room = high - low if high > low else 1.0
    series = [
        Series(x=where[j : j + 1, 0], y=where[j : j + 1, 1], style="points", marker="s",
               shade=float(np.clip((H[j] - low) / room, 0, 1)))
        for j in range(len(placed)) if kept[j]
    ]  # fmt: skip
    if not kept.all():
        out = where[~kept]
        series.append(Series(x=out[:, 0], y=out[:, 1], style="open", name="left out", colour=6))
    return Figure(
        name="indent_map", x="x / mm", y="y / mm", series=series, legend="above",
        scale=Scale(label=label("hardness"), low=low, high=high),
    )  # fmt: skip
