"""Evaluation of one compression run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from dualyte.errors import InputError, ValidityError
from dualyte.measure.compression.creep import Creep, FormFit, creep_exponent, fit_form
from dualyte.measure.compression.densify import Heckel, Kawakita, heckel, kawakita
from dualyte.measure.compression.press import (
    Frame,
    LoadZero,
    Segments,
    Slope,
    Work,
    load_zero,
    loading_stiffness,
    noise_of,
    peak_row,
    regress,
    segments,
    unloading_stiffness,
    work_of,
)
from dualyte.measure.compression.read import FACTS
from dualyte.measure.compression.record import Compression
from dualyte.vocabulary import Floats, checked, show

_HIGHEST: Final = 8e9  # Pa: no die stands more
_OVERFULL: Final = 1.02
_BENT: Final = 0.1  # sag of a Heckel plot that is no line
_MISSED: Final = 0.03  # of the relative density, by which a line does not describe a run
_FREE: Final = 0.02  # of the largest pressure: unloaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the caller says of a run; SI, None where nothing is said."""

    diameter: float | None = None  #: m, of the die
    mass: float | None = None  #: kg, of the powder
    density: float | None = None  #: kg/m3, of the powder without pores
    thickness: float | None = None  #: m, of the pellet after unloading
    zero: float | None = None  #: N, load zero
    start_density: float | None = None  #: relative density without pressure
    heckel_low: float | None = None  #: Pa
    heckel_high: float | None = None  #: Pa
    frame: Frame | None = None

    def __post_init__(self) -> None:
        for name, word in FACTS.items():
            if (value := getattr(self, name)) is not None and not float(checked(word, value)) > 0:
                raise InputError(f"{name}={value:g}; it is more than nothing")
        for name in ("heckel_low", "heckel_high"):
            if (value := getattr(self, name)) is not None:
                checked("pressure", value)
        low, high = self.heckel_low, self.heckel_high
        if low is not None and high is not None and not low < high:
            raise InputError(
                f"the Heckel range goes from {show('pressure', low)} to {show('pressure', high)}; "
                "give heckel_low below heckel_high"
            )
        if self.diameter is not None and self.diameter > 0.5:
            raise InputError(f"diameter={self.diameter:g} m; SI is taken: a 10 mm die is 0.01")
        if self.start_density is not None and not 0 < self.start_density < 1:
            raise InputError(
                f"start_density={self.start_density:g}; it is a share of the full density"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What one compression run yields. Arrays are SI and read-only."""

    data: Compression
    choices: Choices  #: with what sidecars add
    parts: Segments
    force: Floats | None = None  #: (m,) N, without the load zero
    displacement: Floats | None = None  #: (m,) m, without what the frame gives
    pressure: Floats | None = None  #: (m,) Pa
    height: Floats | None = None  #: (m,) m
    density: Floats | None = None  #: (m,) relative
    zero: LoadZero | None = None
    work: Work | None = None
    to_peak: float | None = None  #: J, spent up to the largest force
    peak: int = 0  #: row of the largest force or pressure
    stiffness: Slope | None = None
    unloading: Slope | None = None
    heckel: Heckel | None = None
    kawakita: Kawakita | None = None
    creep: Creep | None = None
    creep_form: FormFit | None = None  #: form of Schnute through density against time
    spring_back: float | None = None  #: share of the height at the largest pressure
    spring_back_spread: float = np.nan  #: from the noise of the height
    flags: tuple[str, ...] = field(default=())


def evaluate_run(data: Compression, choices: Choices) -> Run:
    """Evaluate one run: whatever of work, density and creep its columns allow.

    Parameters
    ----------
    data
        As read.
    choices
        Facts of the caller; those beside the file fill what they leave open.

    Raises
    ------
    InputError
        If the columns or facts contradict each other.
    """
    known: dict[str, Any] = {k: v for k, v in data.facts.items() if getattr(choices, k) is None}
    choices = replace(choices, **known)
    flags: list[str] = []
    run = _pressed(data, choices, flags)
    run = _densities(run, flags)
    run = _compaction(run, flags)
    run = _crept(run, flags)
    return replace(run, flags=tuple(flags))


def _pressed(data: Compression, choices: Choices, flags: list[str]) -> Run:
    """Force, displacement and work, as far as there are columns for them."""
    f, u = data.force, data.displacement
    area = None if choices.diameter is None else np.pi / 4 * choices.diameter**2
    if f is None or u is None:
        return _pressed_only(data, choices, area)
    zero = load_zero(f, u, choices.zero)
    if not zero.known:
        more = show("energy", float(np.ptp(u)))
        flags.append(
            f"the load zero was {zero.how}; each N of it is {more} of work over the whole travel"
        )
    force = f - zero.value
    parts = segments(force, u, data.time, noise=zero.noise)
    if choices.frame is None:
        flags.append(
            "the displacement holds what the frame gives; give its compliance or a blank run"
        )
        moved, spread = u, 0.0
    else:
        moved, spread = u - choices.frame.at(force), choices.frame.spread
        if force.max() > 1.05 * choices.frame.force[-1] > 10:
            flags.append("the force goes beyond the blank run; its straight end was taken further")
    if np.ptp(moved[parts.contact : parts.release + 1]) <= 0:
        raise InputError(f"{data.title}: the compliance takes up all of the travel; check it")
    if not parts.unloads and parts.broke is None:
        flags.append("the run ends without unloading, so elastic and plastic work are not told")
    if parts.presses > 1:
        flags.append(
            f"the punch comes down {parts.presses} times; evaluated the first push to the largest "
            "force"
        )
    peak = parts.contact + peak_row(force[parts.contact : parts.end + 1])
    pressure = data.pressure if data.pressure is not None else _on_die(data, choices, force, area)
    work = work_of(force, moved, parts, zero, spread)
    if work.loading <= 0 or (parts.unloads and work.elastic < 0):
        why = "check the compliance" if choices.frame is not None else "check the load zero"
        raise InputError(
            f"{data.title}: its work of loading is {work.loading:.3g} J and its elastic work "
            f"{work.elastic:.3g} J, which cannot be below 0; {why}"
        )
    if parts.unloads and force[parts.end] > 0.05 * force.max():
        flags.append(
            f"the run unloads to {show('force', float(force[parts.end]))} only, so the elastic "
            "work is too small"
        )
    return Run(
        data=data, choices=choices, parts=parts, force=force, displacement=moved,
        pressure=pressure, height=data.height, zero=zero, work=work, peak=peak,
        to_peak=float(np.trapezoid(force[parts.contact : peak + 1],
                                   moved[parts.contact : peak + 1])),
        stiffness=loading_stiffness(force, moved, parts),
        unloading=unloading_stiffness(force, moved, parts),
    )  # fmt: skip


def _on_die(
    data: Compression, choices: Choices, force: Floats, area: float | None
) -> Floats | None:
    """Pressure of a force on a die, if its area is known and no press is beyond it."""
    if area is None:
        return None
    pressure = np.asarray(force / area)
    if pressure.max() > _HIGHEST:
        raise InputError(
            f"{data.title}: {show('force', float(force.max()))} on a die of "
            f"{choices.diameter or 0:g} m is {show('pressure', float(pressure.max()))}; check the "
            "unit of the force, and the diameter in m"
        )
    return pressure


def _pressed_only(data: Compression, choices: Choices, area: float | None) -> Run:
    """A run with a pressure, or only a force, against height or density; or density and time."""
    pressure = data.pressure
    if pressure is None and data.force is not None:
        if area is None:
            raise InputError(
                f"{data.title} has a force and no displacement; give the diameter of the die, so "
                "that the pressure can be told"
            )
        pressure = data.force / area
    size = len(data)
    if pressure is None:
        if data.time is None:
            raise InputError(
                f"{data.title} has neither force nor pressure nor time; give one of them"
            )
        whole = Segments(contact=0, top=0, release=size - 1, end=size - 1, held=True, unloads=False)
        return Run(data=data, choices=choices, parts=whole, height=data.height)
    parts = segments(pressure, None, data.time)
    return Run(
        data=data, choices=choices, parts=parts, pressure=pressure, height=data.height,
        force=data.force, peak=int(np.argmax(pressure)),
    )  # fmt: skip


def _densities(run: Run, flags: list[str]) -> Run:
    """Height and relative density, from whatever says them."""
    data, c = run.data, run.choices
    height, density = run.height, data.relative_density
    if height is None and c.thickness is not None and run.displacement is not None:
        f, parts = run.force, run.parts
        if not parts.unloads or (f is not None and f[parts.end] > 0.05 * f.max()):
            flags.append(
                "the thickness is that after unloading, which the run lacks or does not finish; "
                "densities are not told"
            )
        else:
            height = c.thickness + _at_end(run.displacement, parts)[0] - run.displacement
            if not height[run.parts.contact :].min() > 0:
                raise InputError(
                    f"{data.title}: with a thickness of {c.thickness:g} m after unloading the "
                    "pellet vanishes under load; check thickness and compliance"
                )
    if density is None and data.bulk_density is not None:
        if c.density is None:
            raise InputError(
                f"{data.title} has densities in kg/m3; give density=, that of the powder without "
                'pores, such as q("2.61 g/cm3")'
            )
        density = data.bulk_density / c.density
    if density is None and height is not None and None not in (c.mass, c.diameter, c.density):
        solid = (c.mass or 0.0) / ((c.density or 1.0) * np.pi / 4 * (c.diameter or 1.0) ** 2)
        density = solid / height
    if density is None and data.strain is not None and c.start_density is not None:
        density = c.start_density * np.exp(data.strain)
    if density is None:
        if data.displacement is None and height is None:
            raise InputError(
                f"{data.title} has strains only; give start_density, the relative density at none"
            )
        return replace(run, height=height)
    most = float(density[run.parts.contact :].max())
    if most > _OVERFULL:
        raise InputError(
            f"{data.title}: the relative density reaches {most:.4g}, more than full; check mass, "
            "diameter, thickness, compliance, and the density of the powder without pores"
        )
    if most > 1:
        flags.append(f"the relative density reaches {most:.4g}: a fact is off by that or more")
    return replace(run, height=height, density=density)


def _compaction(run: Run, flags: list[str]) -> Run:
    """Heckel, Kawakita, and what springs back."""
    a, b = run.parts.contact, run.parts.top
    out = run
    if run.density is not None and run.pressure is not None and b - a >= 3:
        p, d = run.pressure[a : b + 1], run.density[a : b + 1]
        c = run.choices
        try:
            fit = heckel(p, d, low=c.heckel_low, high=c.heckel_high)
            bent = fit.chosen and fit.sag > _BENT
            out = out if bent else replace(out, heckel=fit)
            if bent:
                flags.append(
                    "no Heckel line: the points bend everywhere; give heckel_low and heckel_high"
                )
            elif fit.sag > 0.05:
                flags.append(
                    f"the Heckel plot bends by {100 * fit.sag:.2g} % of its rise in its range"
                )
        except (InputError, ValidityError) as error:
            if c.heckel_low is not None or c.heckel_high is not None:
                raise
            flags.append(f"no Heckel line: {error}")
        out = _with_kawakita(out, p, d, flags)
    back, spread = _sprung(out, flags)
    return replace(out, spring_back=back, spring_back_spread=spread)


def _with_kawakita(run: Run, p: Floats, d: Floats, flags: list[str]) -> Run:
    start = run.choices.start_density
    if start is None:
        start = float(d[np.argmax(p > 0)])
        flags.append(
            f"took {start:.2g}, the relative density of the first row under load, as the one "
            "without pressure for the Kawakita line; give start_density"
        )
    try:
        line = kawakita(p, d, start)
        if not line.a_spread < line.a:
            raise ValidityError(f"a = {line.a:.3g} ± {line.a_spread:.2g} says nothing")
        inside = (p >= line.low) & (p <= line.high)
        drawn = start / (1 - line.a * p[inside] / (p[inside] + line.pressure))
        off = float(np.abs(drawn - d[inside]).max())
        if off > _MISSED:
            flags.append(f"the Kawakita line misses the relative density by up to {off:.2g}")
        return replace(run, kawakita=line)
    except (InputError, ValidityError) as error:
        flags.append(f"no Kawakita line: {error}")
        return run


def _sprung(run: Run, flags: list[str]) -> tuple[float | None, float]:
    """Share of the height that comes back on unloading, and its standard deviation."""
    parts = run.parts
    if not parts.unloads:
        return None, np.nan
    height = run.height
    if height is None and run.density is not None:
        height = 1 / run.density
    if height is None:
        return None, np.nan
    pressed = run.pressure if run.pressure is not None else run.force
    if pressed is not None and pressed[parts.end] > _FREE * pressed.max():
        flags.append(
            f"it springs back while {100 * float(pressed[parts.end] / pressed.max()):.3g} % of the "
            "largest pressure is still on; without pressure it is more"
        )
    last, error = _at_end(height, parts)
    first = float(height[parts.release])
    noise = noise_of(height[parts.contact :])
    return last / first - 1, float(noise * np.hypot(1, error) / first)


def _at_end(values: Floats, parts: Segments) -> tuple[float, float]:
    """Value after unloading, and its standard deviation over that of one row.

    By a line through five rows, so that the noise of one does not decide.
    """
    rows = np.arange(max(parts.end - 4, parts.release + 1), parts.end + 1)
    slope, _, middle = regress(rows.astype(np.float64), values[rows])
    if not np.isfinite(slope):
        return float(values[parts.end]), 1.0
    return middle + slope * (parts.end - float(rows.mean())), float(np.sqrt(3 / rows.size))


def _crept(run: Run, flags: list[str]) -> Run:
    """What a hold adds: exponent of time, and the form of Schnute."""
    a, b = run.parts.top, run.parts.release
    if not run.parts.held or run.data.time is None or b - a < 10:
        return run
    t = run.data.time[a : b + 1] - run.data.time[a]
    if run.density is not None:
        value = np.log(run.density[a : b + 1])
    elif run.displacement is not None:
        value = run.displacement[a : b + 1]
    else:
        return run
    try:
        out = replace(run, creep=creep_exponent(t, value))
    except InputError as error:
        flags.append(f"no creep: {error}")
        return run
    if out.creep is not None and out.creep.bound:
        flags.append("no power law of time describes the hold: its exponent runs to a bound")
    if run.density is not None:
        try:
            out = replace(out, creep_form=fit_form(t, run.density[a : b + 1], "schnute"))
        except (ValidityError, InputError) as error:
            flags.append(f"no form of Schnute: {error}")
    return out
