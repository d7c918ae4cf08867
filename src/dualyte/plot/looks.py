"""How series of spectra are told apart: names, shades over temperature or pressure, markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.circuit import Spectrum
from dualyte.plot.figure import Scale
from dualyte.vocabulary import known, pretty, shown

_MARKERS: Final = "os^Dv<>"
_BAR: Final = 8  # more shades than a legend can list
_QUANTITIES: Final = ("temperature", "pressure")
SCATTER: Final = 0.5  # K: temperatures closer than this are one
_ALIKE: Final = 0.01  # relative: pressures closer than this are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Appearance of one spectrum."""

    name: str
    colour: int = 0
    shade: float | None = None
    marker: str = "o"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Appearance of all spectra of a figure."""

    each: tuple[Look, ...]
    scale: Scale | None = None
    title: str = ""  #: what they have in common


def condition(name: str, si: float) -> str:
    """Write a temperature or pressure for a legend.

    >>> condition("temperature", 298.15), condition("pressure", 55e6)
    ('25 °C', '55 MPa')
    """
    text = f"{float(shown(name, si)):.3g} {pretty(known(name).shown)}"
    return text.replace("-", "−")


def varies(name: str, values: Sequence[float | None]) -> bool:
    """Whether temperatures [K] or pressures [Pa] differ by more than readings of one do.

    All must be known. Joint fits take 0.5 K and 1 % as one, and so do figures.

    >>> varies("temperature", [333.1, 333.2]), varies("pressure", [55e6, 22e6])
    (False, True)
    """
    known_ones = [v for v in values if v is not None]
    if len(known_ones) < max(len(values), 2):
        return False
    low, high = min(known_ones), max(known_ones)
    return high - low > (SCATTER if name == "temperature" else _ALIKE * high)


def looks(spectra: Sequence[Spectrum]) -> Looks:
    """Shade over what varies, or tell apart by name where nothing does."""
    values = {x: [getattr(s, x) for s in spectra] for x in _QUANTITIES}
    moving = [x for x, y in values.items() if varies(x, y)]
    title = [
        condition(x, float(np.mean(y)))
        for x, y in values.items()
        if x not in moving and y and None not in y
    ]
    names = {s.name for s in spectra}
    if len(names) == 1 and (only := next(iter(names))) and len(spectra) > 1:
        title.insert(0, only)
    if len(spectra) == 1:
        told = ", ".join(["measured", *title])
        return Looks(each=(Look(name=told),), title=spectra[0].name)
    if not moving:
        each = [
            Look(name=s.title if len(names) > 1 else "", colour=k) for k, s in enumerate(spectra)
        ]
        return Looks(each=tuple(each), title=", ".join(title))
    if len(moving) == 2:
        return _grid(spectra, title)
    return _one(spectra, moving[0], title)


def _one(spectra: Sequence[Spectrum], x: str, title: list[str]) -> Looks:
    """Shades over the one quantity that varies; a colour bar where a legend is too long."""
    values = np.array([getattr(s, x) for s in spectra])
    several = len(np.unique(values)) > _BAR
    if len(np.unique(values)) <= 2:
        place = {v: k for k, v in enumerate(np.unique(values))}
        each = [Look(name=condition(x, v), colour=place[v]) for v in values]
    else:
        shade = _place(values, log=x == "pressure")
        each = [
            Look(name="" if several else condition(x, v), shade=float(c))
            for v, c in zip(values, shade, strict=True)
        ]
    return Looks(
        each=tuple(each), scale=_scale(x, values) if several else None, title=", ".join(title)
    )


def _grid(spectra: Sequence[Spectrum], title: list[str]) -> Looks:
    """Temperature as shade, pressure as marker."""
    T = np.array([s.temperature for s in spectra], dtype=np.float64)
    P = np.array([s.pressure for s in spectra], dtype=np.float64)
    pressures = list(np.unique(P)[::-1])
    each, seen = [], set()
    for c, p in zip(_place(T, log=False), P, strict=True):
        name = "" if p in seen else condition("pressure", p)
        seen.add(p)
        marker = _MARKERS[pressures.index(p) % len(_MARKERS)]
        each.append(Look(name=name, shade=float(c), marker=marker))
    return Looks(each=tuple(each), scale=_scale("temperature", T), title=", ".join(title))


def _place(values: np.ndarray, *, log: bool) -> np.ndarray:
    x = np.log(values) if log else values
    return np.asarray((x - x.min()) / np.ptp(x))


def _scale(x: str, values: np.ndarray) -> Scale:
    low, high = (float(shown(x, v)) for v in (values.min(), values.max()))
    word = known(x)
    symbol = "P" if x == "pressure" else word.symbol
    return Scale(
        label=f"{x} {symbol} / {pretty(word.shown)}", low=low, high=high, log=x == "pressure"
    )
