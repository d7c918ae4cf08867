"""Pressing a soft electrolyte on rough garnet: contact under a history of pressures.

The soft solid is an elastic half-space whose pixels flow at a cap and keep the imprint

    p ≤ p_Y = χ H a(t, T) + κ P,        w ← w + max(0, −gap) where p = p_Y,

so unloading starts from the imprinted shape: a pellet pressed at 120 MPa and held at
3 MPa keeps more contact than one pressed at 3 MPa.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import ConvergenceError, InputError, ValidityError
from dualyte.exact import effective_modulus, perimeter_correction
from dualyte.material import Material
from dualyte.numerics.contact import ContactSolution, perimeter, solve_contact
from dualyte.surface import Surface
from dualyte.vocabulary import WORDS, Floats, checked, show

if TYPE_CHECKING:
    import xarray as xr

BOLTZMANN: Final = 1.380649e-23  # J/K
VACUUM: Final = 8.8541878128e-12  # F/m
ROOM: Final = 298.15  # K
_THINNEST: Final = 3e-10  # m, a lattice plane: no gap is a thinner capacitor
REFERENCE_DWELL: Final = 180.0  # s: the 3 min for which σ_y = H/3 is taken to hold
_SETTLED: Final = 0.03  # mean relative change of the creep caps at which a step ends
_FULLEST: Final = 0.75  # contact fraction of the flow rule: by default reached at P = H


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One hold of the pressing history."""

    pressure: float  #: Pa
    dwell: float = REFERENCE_DWELL  #: s
    temperature: float = ROOM  #: K

    def __post_init__(self) -> None:
        checked("pressure", self.pressure)
        checked("dwell", self.dwell)
        checked("temperature", self.temperature)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRule:
    """Local flow pressure p_Y = χ H a(t, T) + κ P.

    (χ, κ) = (1/3, 1) has no fitted parameter: σ_y = H/3, shifted by the nominal pressure
    because the layer is laterally confined; its rigid limit is f = P/(P + σ_y) of Pullen
    & Williamson 1972, doi:10.1098/rspa.1972.0038. (1, 0) and (1, 1) are the alternatives
    to compare with.
    """

    chi: float = 1 / 3
    kappa: float = 1.0

    def flow_stress(self, soft: Material, step: Step) -> float:
        """χ H a(t, T) [Pa]: the hardness a 3 min test sees, eased by time and heat."""
        return self.chi * soft["hardness"].si * _ease(soft, step)

    def cap(self, soft: Material, step: Step) -> float:
        """p_Y [Pa]."""
        return self.flow_stress(soft, step) + self.kappa * step.pressure

    def check(self, soft: Material, hard: Material, history: Sequence[Step]) -> None:
        """Refuse what the rule's source does not cover."""
        _check_pair(soft, hard)
        for step in history:
            stress, cap = self.flow_stress(soft, step), self.cap(soft, step)
            if step.pressure > _FULLEST * cap:
                most = _FULLEST * stress / (1 - _FULLEST * self.kappa)
                raise ValidityError(
                    f"pressure {show('pressure', step.pressure)} is above the validity range of "
                    f"the flow rule for {soft.name}, which ends at {show('pressure', most, 3)} "
                    f"(contact fraction {_FULLEST:.0%}); press with less, or densify further "
                    "with a pellet model"
                )


def _check_pair(soft: Material, hard: Material) -> None:
    H_soft, H_hard = soft["hardness"].si, hard["hardness"].si
    if H_hard < 3 * H_soft:
        raise ValidityError(
            f"{hard.name} ({show('hardness', H_hard)}) is not three times as hard as {soft.name} "
            f"({show('hardness', H_soft)}); the model takes the hard side as rigid"
        )


def _ease(soft: Material, step: Step) -> float:
    """a(t, T) of power-law creep, 1 for 3 min at 25 °C: f ∝ t^(1/n) in the rigid limit."""
    if step.dwell == REFERENCE_DWELL and abs(step.temperature - ROOM) < 1.0:
        return 1.0
    n = soft["creep_exponent"].si
    ease = float((max(step.dwell, 1.0) / REFERENCE_DWELL) ** (-1 / n))
    if abs(step.temperature - ROOM) >= 1.0:
        energy = soft["creep_activation_energy"].si
        ease *= float(np.exp(energy / (n * BOLTZMANN) * (1 / step.temperature - 1 / ROOM)))
    return ease


@dataclass(frozen=True, slots=True, kw_only=True)
class CreepRule:
    """Power-law creep of every contact: ẇ = ℓ ε̇₀ (p/H)ⁿ, followed through each dwell."""

    exponent: float  #: n
    rate: float  #: ε̇₀ at p = H, 1/s
    length: float  #: ℓ over which strain becomes indentation, m
    steps_per_decade: int = 2

    def check(self, soft: Material, hard: Material, history: Sequence[Step]) -> None:
        """Refuse what creep cannot describe."""
        checked("creep_exponent", self.exponent)
        checked("creep_rate", self.rate)
        checked("length", self.length)
        _check_pair(soft, hard)


Rule = FlowRule | CreepRule


def powder_to_pellet(
    fabrication: float,
    stacks: Iterable[float],
    *,
    dwell: float = REFERENCE_DWELL,
    temperature: float = ROOM,
    loading: bool = True,
) -> tuple[Step, ...]:
    """History of a powder pressed onto the garnet, then unloaded to the stack pressures.

    With `loading`, the stack pressures are also visited on the way up: the record then
    holds both branches. Stack pressures above the fabrication pressure are refused.
    """
    down = sorted({float(p) for p in checked("pressure", list(stacks))}, reverse=True)
    if down and down[0] > fabrication:
        raise InputError(
            f"stack pressure {show('pressure', down[0])} exceeds the fabrication pressure "
            f"{show('pressure', fabrication)}; raise the latter, or choose pellet-to-pellet"
        )
    up = [Step(pressure=p) for p in reversed(down) if p < fabrication] if loading else []
    top = Step(pressure=fabrication, dwell=dwell, temperature=temperature)
    return (*up, top, *(Step(pressure=p) for p in down if p < fabrication))


def pellet_to_pellet(stacks: Iterable[float]) -> tuple[Step, ...]:
    """History of two finished faces loaded once, up to each stack pressure."""
    up = sorted({float(p) for p in checked("pressure", list(stacks))})
    return tuple(Step(pressure=p) for p in up)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contact:
    """What `press` found, one entry per step of the history. Read-only, SI."""

    soft: Material
    hard: Material
    surface: Surface
    rule: Rule
    history: tuple[Step, ...]
    pressure: Floats  #: (s,) Pa
    unloading: npt.NDArray[np.bool_]  #: (s,) whether the pressure has been higher before
    fraction: Floats  #: (s,) share of pixels that touch
    corrected: Floats  #: (s,) the same with the perimeter correction of pixel maps
    gap: Floats  #: (s,) mean gap where nothing touches, m
    gap_capacitance: Floats  #: (s,) of the gap per nominal area, F/m²
    residual: Floats  #: (s,) load-weighted complementarity error / Sq
    maps: npt.NDArray[np.bool_]  #: (s, nx, ny) what touches
    imprint: Floats = field(repr=False)  #: (nx, ny) shape left in the soft face, m

    def step(self, pressure: float, *, unloading: bool | None = None) -> int:
        """Index of the last step at `pressure` (on one branch, if named)."""
        hits = np.flatnonzero(np.isclose(self.pressure, pressure, rtol=1e-9))
        if unloading is not None:
            hits = hits[self.unloading[hits] == unloading]
        if hits.size == 0:
            held = ", ".join(show("pressure", p) for p in self.pressure)
            raise InputError(f"no step at {show('pressure', pressure)}; the history has {held}")
        return int(hits[-1])

    def to_dataset(self) -> xr.Dataset:
        """Return curves and maps as a Dataset that can be saved and plotted."""
        import xarray as xr

        def column(name: str, word: str, y: Floats) -> tuple[str, Floats, dict[str, str]]:
            return "step", y, {"units": WORDS[word].unit, "long_name": name}

        return xr.Dataset(
            {
                "pressure": column("pressure", "pressure", self.pressure),
                "unloading": ("step", self.unloading.astype("i1")),
                "fraction": column("contact fraction", "fraction", self.fraction),
                "fraction_corrected": column(
                    "contact fraction, perimeter-corrected", "fraction", self.corrected
                ),
                "gap": column("mean gap", "length", self.gap),
                "gap_capacitance": column(
                    "capacitance of the gap", "capacitance", self.gap_capacitance
                ),
                "residual": ("step", self.residual),
                "contact": (("step", "x", "y"), self.maps.astype("i1")),
                "imprint": (("x", "y"), self.imprint, {"units": "m"}),
            },
            attrs={"soft": self.soft.name, "hard": self.hard.name, "surface": self.surface.name},
        )

    def __str__(self) -> str:
        rows = [f"{self.soft.name} | {self.hard.name} on {self.surface.name}"]
        rows += [
            f"  {show('pressure', p):>9} {'unloading' if back else 'loading':>9}: contact {f:.1%}"
            for p, back, f in zip(self.pressure, self.unloading, self.fraction, strict=True)
        ]
        return "\n".join(rows)


def press(
    soft: Material,
    hard: Material,
    surface: Surface,
    history: Sequence[Step],
    *,
    rule: Rule | None = None,
    workers: int = 1,
    validate: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Contact:
    """Press a soft electrolyte on the rough face of a hard one.

    Parameters
    ----------
    soft, hard
        Materials with hardness, Young's modulus and Poisson ratio.
    surface
        Periodic height map of the hard face (`periodic_cell` makes one).
    history
        Holds in order, as `powder_to_pellet` and `pellet_to_pellet` write them.
    rule
        `FlowRule()` by default, or a `CreepRule`.
    workers
        Threads of the Fourier transforms.
    validate
        Whether to refuse pressures beyond the range of the flow rule.
    progress
        Called with (steps done, steps in all).

    Returns
    -------
    Contact
        Fraction, map, gap and imprint after each hold.

    Raises
    ------
    InputError
        If the surface is not periodic or the history is empty.
    ValidityError
        If the pressure or the pair of materials is outside the range of the rule.
    ConvergenceError
        If a solve stops short; the partial answer is in `.solution`.
    """
    rule = rule or FlowRule()
    if not history:
        raise InputError("the pressing history is empty; give at least one step")
    if not surface.periodic:
        raise InputError(
            f"{surface.name} does not repeat at its edges; pass it through periodic_cell first"
        )
    if validate:
        rule.check(soft, hard, history)
    modulus = float(
        effective_modulus(
            soft["youngs_modulus"].si,
            soft["poisson_ratio"].si,
            hard["youngs_modulus"].si,
            hard["poisson_ratio"].si,
        )
    )
    bench = _Bench(surface, modulus, workers)
    peak, rows, maps = 0.0, [], []
    for k, step in enumerate(history):
        back = step.pressure < peak
        peak = max(peak, step.pressure)
        if isinstance(rule, CreepRule):
            found = bench.creep(step, rule, soft["hardness"].si)
        else:
            found = bench.hold(step.pressure, rule.cap(soft, step))
        rows.append((back, *_describe(found, surface)))
        maps.append(found.contact)
        if progress:
            progress(k + 1, len(history))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Contact(
        soft=soft,
        hard=hard,
        surface=surface,
        rule=rule,
        history=tuple(history),
        pressure=np.array([step.pressure for step in history]),
        unloading=columns[0],
        fraction=columns[1],
        corrected=columns[2],
        gap=columns[3],
        gap_capacitance=columns[4],
        residual=columns[5],
        maps=np.array(maps),
        imprint=bench.imprint,
    )


class _Bench:
    """The press: keeps the imprint and the last pressure from hold to hold."""

    def __init__(self, surface: Surface, modulus: float, workers: int) -> None:
        self.surface, self.modulus, self.workers = surface, modulus, workers
        self.imprint: Floats = np.zeros_like(surface.heights)
        self._last: Floats | None = None
        self._cap = 0.0  # the highest so far: flowed material stays as confined as it was

    def solve(self, pressure: float, cap: npt.ArrayLike) -> ContactSolution:
        start = self._last
        if start is not None:
            start = start * (pressure / float(start.mean()))
        found = solve_contact(
            self.surface.heights - self.imprint,
            size=self.surface.size,
            modulus=self.modulus,
            pressure=pressure,
            cap=cap,
            start=start,
            workers=self.workers,
        ).ensure()
        self._last = found.pressure
        return found

    def hold(self, pressure: float, cap: float) -> ContactSolution:
        """Hold a pressure under a uniform cap; what flows is kept."""
        self._cap = max(self._cap, cap)
        found = self.solve(pressure, self._cap)
        self.imprint = self.imprint + np.where(found.saturated, np.maximum(-found.gap, 0), 0)
        return found

    def creep(self, step: Step, rule: CreepRule, hardness: float) -> ContactSolution:
        """Follow power-law creep through a dwell in implicit steps, growing by decades."""
        first = max(step.dwell, 1.0) * 1e-3
        count = 1 + 3 * rule.steps_per_decade
        times = np.concatenate([[0.0], np.geomspace(first, max(step.dwell, 1.0), count)])
        for dt in np.diff(times):
            found, grown = self._implicit(step.pressure, float(dt), rule, hardness)
            self.imprint = self.imprint + grown
        return found

    def _implicit(
        self, pressure: float, dt: float, rule: CreepRule, hardness: float
    ) -> tuple[ContactSolution, Floats]:
        """One implicit step: a fixed point on the cap p_Y = H (Δw/(Δt ℓ ε̇₀))^(1/n).

        The cap depends on the n-th root of the growth, so most pixels contract by about 1/n;
        pixels below their cap creep as Norton's law says. Guesses are averaged with falling
        weight, since neighbours trade load. The test is on the caps, weighted with load.
        """
        scale = dt * rule.length * rule.rate
        least = 1e-4 * float(self.surface.heights.std())  # growth below counts as none
        guess = np.full(self.surface.heights.shape, np.log(least))
        found, tries = None, 0
        for _ in range(100):
            cap = hardness * np.exp((guess - np.log(scale)) / rule.exponent)
            if float(cap.mean()) <= 1.05 * pressure:  # all flows: it must sink further first
                guess = guess + np.log(2) * rule.exponent / 2
                continue
            found, tries = self.solve(pressure, cap), tries + 1
            norton = scale * (found.pressure / hardness) ** rule.exponent
            new = np.log(np.maximum(np.where(found.saturated, -found.gap, norton), least))
            off = np.sum(found.pressure * np.abs(new - guess)) / found.pressure.sum()
            if off <= _SETTLED * rule.exponent:
                return found, np.where(found.saturated, np.maximum(-found.gap, 0), 0)
            guess = guess + min(0.5, 4 / tries) * (new - guess)
        if found is None:
            raise ValidityError(
                f"at {show('pressure', pressure)} the whole face flows within the dwell; "
                "shorten it, or lower the pressure or the creep rate"
            )
        raise ConvergenceError("creep: the cap does not settle; take shorter dwells", found)


def _describe(found: ContactSolution, surface: Surface) -> tuple[float, float, float, float, float]:
    """Fraction, corrected fraction, mean gap, gap capacitance, residual of one hold."""
    touching = found.contact
    fraction = float(touching.mean())
    pixel = float(np.sqrt(surface.pixel[0] * surface.pixel[1]))
    area = surface.size[0] * surface.size[1]
    edge = perimeter(touching, surface.pixel)
    corrected = max(float(perimeter_correction(fraction * area, edge, pixel)) / area, 0.0)
    gap = np.maximum(found.gap[~touching], _THINNEST)
    mean = float(gap.mean()) if gap.size else 0.0
    capacitance = VACUUM * float((1 / gap).sum()) / touching.size
    return fraction, corrected, mean, capacitance, found.residual
