"""Figures of impedance spectra: Nyquist, Bode, residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit import Spectrum
from dualyte.plot.figure import Figure, Series, Style
from dualyte.plot.looks import Look, Looks, looks
from dualyte.uncertainty import interval
from dualyte.vocabulary import Floats, known, pretty, shown

Complexes = npt.NDArray[np.complex128]
FREQUENCY: Final = "frequency ν / Hz"
_ROOM: Final = 1.2  # of the plotted range, beside the data
_FLATTEST, _TALLEST = 0.38, 1.0  # height of a Nyquist plot over its width
#: size from which an axis is in larger units: numbers of five digits crowd
_PREFIXES: Final = ((1e7, 1e6, "M"), (1e4, 1e3, "k"), (1.0, 1.0, ""))
_STEEP: Final = 1.73  # slope of a blocking tail, at least


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A model spectrum: in Ω m² over spectra with an area, else in Ω."""

    frequency: npt.ArrayLike  #: (m,) Hz
    z: npt.ArrayLike  #: (m,) complex
    name: str = ""
    samples: Any = None  #: (n, m) complex: drawn as a band that holds 90 % of them
    shade: float | None = None  #: place on the colour scale, from 0 to 1
    dashed: bool = False


Curves = Sequence[Curve | tuple[str, npt.ArrayLike, npt.ArrayLike]]


def nyquist(
    spectra: Sequence[Spectrum] | Spectrum = (),
    models: Curves = (),
    *,
    name: str = "nyquist",
    title: str | None = None,
    tail: bool = False,
    decades: bool = True,
    under: Sequence[Series] = (),
) -> Figure:
    """Nyquist plot: measured points over model lines, equal axes, decades marked.

    Parameters
    ----------
    spectra
        One or several; shaded over temperature or pressure where these differ. Per area
        where every spectrum has one.
    models
        Curves, or tuples (name, frequency, z); as many as spectra to share their colours.
    tail
        Whether to show all of a blocking tail; by default the axes end where it has begun.
    decades
        Whether to mark the points nearest 1 Hz, 10 Hz, 100 Hz, ….
    under
        Drawn below everything, in Ω cm² (Ω without an area).
    """
    group = _group(spectra, models)
    series = [*under, *_bands(group), *_lines(group)]
    series += [*_points(group, lambda _, z: (z.real, -z.imag)), *_key(group)]
    curves = [group.values(s.kept) for s in group.spectra] or [z for _, z, _ in group.curves]
    axis = [s.kept.frequency for s in group.spectra] or [f for f, _, _ in group.curves]
    x_limits, y_limits = _limits(curves, tail=tail)
    if decades and curves:
        series += _decades(axis, curves, x_limits, y_limits, group)
    size, prefix = next((p[1:] for p in _PREFIXES if x_limits[1] >= p[0]), (1.0, ""))
    return Figure(
        name=name,
        x=f"Z′ / {prefix}{group.unit}",
        y=f"−Z″ / {prefix}{group.unit}",
        series=[replace(s, x=s.x / size, y=s.y / size) for s in series] if size > 1 else series,
        title=group.looks.title if title is None else title,
        equal=True,
        x_limits=(x_limits[0] / size, x_limits[1] / size),
        y_limits=(y_limits[0] / size, y_limits[1] / size),
        scale=group.looks.scale,
        legend="above",
    )


def bode(
    spectra: Sequence[Spectrum] | Spectrum = (),
    models: Curves = (),
    *,
    name: str = "bode",
    title: str | None = None,
) -> Figure:
    """Bode plot in two panels: modulus and phase against frequency.

    Parameters are those of `nyquist`.
    """
    group = _group(spectra, models)
    panels = []
    for label, view, log in (
        (f"|Z| / {group.unit}", np.abs, True),
        ("−phase / °", _phase, False),
    ):
        lines = _against_frequency(group, view)
        panels.append(Figure(name=name, x=FREQUENCY, y=label, series=lines, log_x=True, log_y=log))
    told = group.looks.title if title is None else title
    return Figure(
        name=name, x=FREQUENCY, y="", panels=panels, legend="above", height=1.15, title=told,
        scale=group.looks.scale,
    )  # fmt: skip


def residuals(
    frequency: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    spread: npt.ArrayLike | float | None = None,
    left_out: npt.ArrayLike | None = None,
    name: str = "residuals",
    title: str = "",
) -> Figure:
    """Residuals of a fit or of a Kramers-Kronig test against frequency.

    Parameters
    ----------
    frequency : (m,)
        Hz.
    values : (m,)
        Complex (Z − model)/|Z|; drawn in percent, real and imaginary part.
    spread : (m,) or float, optional
        Standard deviation of the noise relative to |Z|: a band of two of them.
    left_out : (m,) of bool, optional
        Points that a test failed or a mask left out; drawn open.
    """
    f = np.asarray(frequency, dtype=np.float64)
    z = 100 * np.asarray(values, dtype=np.complex128)
    out = np.zeros(f.shape, dtype=np.bool_) if left_out is None else np.asarray(left_out)
    series = []
    order = np.argsort(f)
    if spread is not None:
        wide = 200 * np.broadcast_to(np.asarray(spread, dtype=np.float64), f.shape)[order]
        series.append(
            Series(
                x=f[order], y=0 * wide, low=-wide, high=wide, colour=6, name="± 2 σ of the noise"
            )
        )
    else:
        series.append(Series(x=f[order], y=0 * f, colour=6))
    for part, label, colour, marker in (
        (z.real, "real part", 0, "o"), (z.imag, "imaginary part", 1, "^"),
    ):  # fmt: skip
        series.append(
            Series(
                x=f[~out], y=part[~out], style="points", name=label, colour=colour, marker=marker
            )
        )
        if out.any():
            series.append(Series(x=f[out], y=part[out], style="open", colour=colour, marker=marker))
    limit, told = _reach(z, out)
    return Figure(
        name=name,
        x=FREQUENCY,
        y="(Z − model) / |Z| / %",
        series=series,
        log_x=True,
        y_limits=None if limit is None else (-limit, limit),
        title=f"{title}{told}",
        legend="above",
        height=0.62,
    )


def _reach(z: Complexes, out: npt.NDArray[np.bool_]) -> tuple[float | None, str]:
    """End of the axis where points left out would squeeze all others, and how many lie beyond."""
    largest = np.maximum(np.abs(z.real), np.abs(z.imag))
    if not out.any() or out.all():
        return None, ""
    limit = 2.5 * float(largest[~out].max())
    beyond = int((largest > limit).sum())
    if beyond == 0 or largest.max() < 4 * limit:
        return None, ""
    return limit, f"\n{beyond} point{'s' * (beyond > 1)} beyond the axis"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """Spectra and models in one unit."""

    spectra: tuple[Spectrum, ...]
    curves: tuple[tuple[Floats, Complexes, Any], ...]  #: frequency, z, samples; as shown
    names: tuple[str, ...]  #: of the curves
    shades: tuple[float | None, ...]  #: of the curves
    styles: tuple[Style, ...]  #: of the curves
    looks: Looks
    per_area: bool

    @property
    def unit(self) -> str:
        return pretty(known("impedance").shown) if self.per_area else "Ω"

    def values(self, spectrum: Spectrum) -> Complexes:
        return self.scaled(spectrum.specific if self.per_area else spectrum.z)

    def scaled(self, z: npt.ArrayLike) -> Complexes:
        factor = float(shown("impedance", 1.0)) if self.per_area else 1.0
        return factor * np.asarray(z, dtype=np.complex128)

    @property
    def paired(self) -> bool:
        """Whether every model belongs to one of several spectra."""
        return len(self.curves) == len(self.spectra) > 1

    def model_look(self, k: int) -> Look:
        """Colour of a model: that of its spectrum, or its own."""
        if self.paired:
            found = self.looks.each[k]
            return Look(name="", colour=found.colour, shade=found.shade)
        colour = 6 if self.spectra and len(self.curves) == 1 else len(self.spectra) + k
        return Look(name=self.names[k], colour=colour, shade=self.shades[k])


def _group(spectra: Sequence[Spectrum] | Spectrum, models: Curves) -> _Group:
    every = (spectra,) if isinstance(spectra, Spectrum) else tuple(spectra)
    per_area = all(s.area is not None for s in every)
    given = [
        m if isinstance(m, Curve) else Curve(name=m[0], frequency=m[1], z=m[2]) for m in models
    ]
    blank = _Group(
        spectra=every,
        curves=(),
        names=(),
        shades=(),
        styles=(),
        looks=looks(every),
        per_area=per_area,
    )
    curves = tuple(
        (
            np.asarray(m.frequency, dtype=np.float64),
            blank.scaled(m.z),
            None if m.samples is None else blank.scaled(m.samples),
        )
        for m in given
    )
    seen: list[str] = []
    for m in given:  # a name that repeats is told once
        seen.append("" if m.name in seen else m.name)
    styles: tuple[Style, ...] = tuple("dashed" if m.dashed else "line" for m in given)
    return replace(
        blank, curves=curves, names=tuple(seen), shades=tuple(m.shade for m in given),
        styles=styles,
    )  # fmt: skip


def _points(group: _Group, view: Any) -> list[Series]:  # noqa: ANN401 (a function)
    """Measured points; those a mask leaves out are open."""
    found: list[Series] = []
    for s, look in zip(group.spectra, group.looks.each, strict=True):
        x, y = view(s.frequency, group.values(s))
        styles: tuple[tuple[Any, Style, str], ...] = (
            (s.used, "points", look.name), (~s.used, "open", ""),
        )  # fmt: skip
        for mask, style, name in styles:
            if mask.any():
                found.append(
                    Series(
                        x=x[mask], y=y[mask], style=style, name=name, colour=look.colour,
                        shade=look.shade, marker=look.marker,
                    )
                )  # fmt: skip
    return found


def _lines(group: _Group) -> list[Series]:
    found = []
    for k, (_, z, _) in enumerate(group.curves):
        look = group.model_look(k)
        found.append(
            Series(
                x=z.real,
                y=-z.imag,
                name=look.name,
                colour=look.colour,
                shade=look.shade,
                style=group.styles[k],
            )
        )
    return found


def _key(group: _Group) -> list[Series]:
    """Name what models are called that share the colours of their spectra."""
    if not group.paired:
        return []
    nowhere = np.array([np.nan])
    return [Series(x=nowhere, y=nowhere, name=name, colour=6) for name in group.names if name]


def _bands(group: _Group) -> list[Series]:
    """Area between the spectra at either end of the samples, ranked by their size."""
    found: list[Series] = []
    for k, (_, z, samples) in enumerate(group.curves):
        if samples is None:
            continue
        rank = np.argsort(samples.real[:, foot(z)])
        n = len(rank)
        low, high = (
            samples[rank[int(a * n) : max(int(b * n), int(a * n) + 1)]].mean(axis=0)
            for a, b in ((0.02, 0.08), (0.92, 0.98))
        )
        around = np.concatenate([low, high[::-1]])
        look = group.model_look(k)
        found.append(
            Series(
                x=around.real, y=-around.imag, style="area", name="90 % band" if not found else "",
                colour=look.colour, shade=look.shade,
            )
        )  # fmt: skip
    return found


def _against_frequency(group: _Group, view: Any) -> list[Series]:  # noqa: ANN401 (a function)
    found = []
    for k, (f, z, samples) in enumerate(group.curves):
        look = group.model_look(k)
        low, high = (None, None) if samples is None else interval(view(samples), axis=0)
        found.append(
            Series(
                x=f, y=view(z), low=low, high=high, name=look.name, colour=look.colour,
                shade=look.shade, style=group.styles[k],
            )
        )  # fmt: skip
    return found + _points(group, lambda f, z: (f, view(z))) + _key(group)


def _phase(z: Complexes) -> Floats:
    return np.asarray(-np.angle(z, deg=True))


def foot(z: Complexes) -> int:
    """Index where a blocking tail begins, from high to low frequency; the last where none does.

    A tail is steeper than 60° up to the lowest frequency, also where arcs run into it.
    """
    if z.size < 4:
        return int(z.size - 1)
    steep = -np.diff(z.imag) > _STEEP * np.diff(z.real)
    gentle = np.flatnonzero(~steep | (np.diff(z.imag) >= 0))
    foot = int(gentle[-1]) + 1 if gentle.size else 0
    return foot if z.size - 1 - foot >= 3 and foot > 0 else int(z.size - 1)


def _limits(
    curves: Sequence[Complexes], *, tail: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of both axes: all arcs and the foot of the tail, with room for the marks."""
    if not curves:
        return (0.0, 1.0), (0.0, 1.0)
    shown_parts = [z if tail else z[: foot(z) + 1] for z in curves]
    re = np.concatenate([z.real for z in shown_parts])
    im = np.concatenate([-z.imag for z in shown_parts])
    right = float(re.max()) * _ROOM
    left = min(0.0, float(re.min()) * _ROOM)
    wide = right - left
    below = min(float(im.min()), 0.0) * _ROOM
    above = max(float(im.max()) + 0.12 * wide, _FLATTEST * wide + below)
    below -= 0.02 * wide if below else 0.0
    right = max(right, left + (above - below) / _TALLEST)
    return (left, right), (below, above)


def _decades(
    axis: Sequence[Floats],
    curves: Sequence[Complexes],
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
    group: _Group,
) -> list[Series]:
    """Ring the points nearest full decades on every curve; name them on the largest."""
    largest = int(np.argmax([z[: foot(z) + 1].real.max() for z in curves]))
    found = []
    for k, (f, z) in enumerate(zip(axis, curves, strict=True)):
        powers = np.arange(np.ceil(np.log10(f.min())), np.floor(np.log10(f.max())) + 1)
        near = [int(np.argmin(np.abs(np.log10(f) - p))) for p in powers]
        kept = [
            (i, p)
            for i, p in zip(near, powers, strict=True)
            if abs(np.log10(f[i]) - p) < 0.06
            and x_limits[0] <= z[i].real <= x_limits[1]
            and y_limits[0] <= -z[i].imag <= y_limits[1] - 0.03 * (y_limits[1] - y_limits[0])
        ]
        if not kept:
            continue
        points = np.array([z[i] for i, _ in kept])
        ways = np.array([_away(z, i) for i, _ in kept])
        told = _spaced(
            points, [hertz(10.0**p) for _, p in kept], ways, x_limits, crowded=len(curves) > 1
        )
        look = group.looks.each[k] if group.spectra else group.model_look(k)
        found.append(
            Series(
                x=points.real, y=-points.imag, style="marks", colour=look.colour,
                shade=look.shade, text=told if k == largest else (), towards=ways,
            )
        )  # fmt: skip
    return found


def _away(z: Complexes, i: int) -> tuple[float, float]:
    """Direction from a point to where little is drawn: over an arc, right of a tail.

    Where an arc falls towards the next one or a tail, its inside; below the valley between.
    """
    around = -z.imag[max(i - 3, 0) : i + 4]
    if 2 < i < z.size - 3 and -z.imag[i] < min(around[0], around[-1]):
        return 0.25, -0.97
    a, b = z[max(i - 1, 0)], z[min(i + 1, z.size - 1)]
    along = complex((b - a).real, -(b - a).imag)
    if abs(along) == 0:
        return 0.0, 1.0
    along /= abs(along)
    if along.imag > 0.3 and i >= foot(z) - 2:
        return 1.0, 0.0
    if along.imag < -0.5:
        return -1.0, 0.0
    return -along.imag, along.real


def _spaced(
    points: Complexes,
    told: list[str],
    ways: Floats,
    x_limits: tuple[float, float],
    *,
    crowded: bool,
) -> tuple[str, ...]:
    """Leave out texts that would lie on the one before or on the axis."""
    kept: list[complex] = []
    texts = []
    wide = 0.16 * (x_limits[1] - x_limits[0])
    for z, text, way in zip(points, told, ways, strict=True):
        close = any(
            abs(z.real - other.real) < wide and abs(z.imag - other.imag) < 0.4 * wide
            for other in kept
        )
        beyond = way[0] < -0.3 and z.real - x_limits[0] < 0.9 * wide  # on the axis labels
        beyond |= crowded and z.real - points.real.min() < 0.6 * wide  # where all curves begin
        texts.append("" if close or beyond else text)
        if not (close or beyond):
            kept.append(z)
    return tuple(texts)


def hertz(f: float) -> str:
    """Write a frequency as people do.

    >>> hertz(1e6), hertz(10.0), hertz(1e-2)
    ('1 MHz', '10 Hz', '10 mHz')
    """
    for size, unit in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")):
        if f >= 0.999 * size:
            return f"{f / size:g} {unit}"
    return f"{f * 1e3:g} mHz"
