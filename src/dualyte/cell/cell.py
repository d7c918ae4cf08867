"""Cells and what they do: `cycle` runs a protocol, `impedance` looks at a state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.cell.anode import AgSeeds, LiFoil
from dualyte.cell.cathode import Cathode
from dualyte.cell.interphase import HeteroInterface, by_carbon
from dualyte.cell.machine import SETTLE, Machine, State, load_state
from dualyte.cell.parameters import (
    PRESSURES,
    defaults,
    loading,
    parameter_dict,
    study_interface,
)
from dualyte.cell.protocol import Protocol
from dualyte.circuit import Spectrum
from dualyte.cycles import Curve, Cycles, gather
from dualyte.errors import ConvergenceError, InputError, ValidityError
from dualyte.material import Material, Value, material
from dualyte.vocabulary import checked, show

if TYPE_CHECKING:
    from dualyte.cell.model import DualElectrolyteCell

__all__ = ["Cell", "State", "cycle", "impedance", "last_state", "load_state"]

STUDY: Final = 333.15  # K, of the cells of the study
LIMIT: Final = 4.3  # V, above which no fact of the study reaches
FAR: Final = 1e9  # V, never met
FREQUENCIES: Final = np.logspace(np.log10(7e6), -3, 100)  # Hz, F147


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """A cell: electrodes, layers between them, and every number they need.

    `Cell()` is Li|LLZTO|LNOC|NMC82 of the study. Without a cathode it is Li|LLZTO|Ag or
    Li|LLZTO|Li, without an anode NMC|LNOC|NMC (discharge empties the negative side).

    Raises
    ------
    InputError
        If there is no electrode, or a number is implausible.
    """

    cathode: Cathode | None = field(default_factory=Cathode)
    anode: LiFoil | AgSeeds | None = field(default_factory=LiFoil)
    interface: HeteroInterface = field(default_factory=study_interface)
    garnet: Material = field(default_factory=lambda: material("LLZTO"))
    parameters: Mapping[str, Value] = field(default_factory=defaults)
    temperature: float = STUDY  #: K
    pressure: float = 7e6  #: Pa, where no step says another
    rtol: float = 1e-5  #: of the solver
    name: str = ""

    def __post_init__(self) -> None:
        if self.cathode is None and self.anode is None:
            raise InputError("a cell needs a cathode or an anode; leave out one of them at most")
        checked("temperature", self.temperature)
        checked("pressure", self.pressure)
        for key in ("area", "areal_capacity", "rated_capacity", "garnet_thickness"):
            if not 0 < self[key].si < np.inf:
                raise InputError(f"{key}={self[key].si:g} must be positive; check its sign")
        checked("area", self["area"].si)

    def __getitem__(self, name: str) -> Value:
        if name not in self.parameters:
            from difflib import get_close_matches

            near = get_close_matches(name, self.parameters, n=3, cutoff=0.4)
            hint = f"; best matches are {', '.join(near)}" if near else ""
            raise InputError(f"a cell has no parameter {name!r}{hint}")
        return self.parameters[name]

    def at(self, **numbers: float) -> Cell:
        """Return the same cell with the best estimate of some parameters moved (SI)."""
        moved = {name: replace(self[name], si=float(si)) for name, si in numbers.items()}
        return replace(self, parameters={**self.parameters, **moved})

    @property
    def choices(self) -> dict[str, str]:
        """Options of its `DualElectrolyteCell`."""
        if self.cathode is None:
            positive = "silver" if isinstance(self.anode, AgSeeds) else "lithium"
            return {"positive": positive, "negative": "lithium", "layers": "garnet"}
        kind = self.cathode.resolution
        if self.anode is None:
            return {"positive": kind, "negative": kind, "layers": "interlayer"}
        foil = isinstance(self.anode, LiFoil)
        return {"positive": kind, "negative": "lithium" if foil else "silver"}

    @property
    def reservoir_free(self) -> bool:
        """Whether no more lithium can come back than went in."""
        return isinstance(self.anode, AgSeeds)

    @property
    def meets_garnet(self) -> bool:
        """Whether a soft electrolyte lies against the garnet: half- and cathode cells have none."""
        return self.cathode is not None and self.anode is not None

    @property
    def limits(self) -> tuple[float, float]:
        """Voltages at which a step ends that names none [V]: beyond, NMC is full or empty."""
        if self.cathode is None:
            return -FAR, FAR
        return (-1.5, 1.5) if self.anode is None else (2.0, LIMIT)

    @property
    def mass(self) -> float | None:
        """Active material of the cathode [kg]."""
        return None if self.cathode is None else loading(self) * self["area"].si

    @property
    def rated(self) -> float:
        """Current of 1C [A]."""
        return self["areal_capacity"].si * self["area"].si / 3600

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader must know, in sentences."""
        said = []
        if abs(self.temperature - STUDY) > 1:
            said.append(
                "particles, exchange currents, film and silver are as at 60 °C; only electrolytes "
                f"and their interface are taken to {show('temperature', self.temperature)}"
            )
        if self.cathode is not None:
            mix = self.cathode.composition
            said.append(by_carbon(mix.carbon, self["film_rate_2"], self["film_rate_5"])[1])
            if mix.carbon == 0:
                said.append(
                    "without carbon the grains are taken as isolated from each other; a network "
                    "that conducts poorly would give the same capacity"
                )
        return tuple(sentence for sentence in said if sentence)

    def model(self, **options: str) -> DualElectrolyteCell:
        """Its PyBaMM model; `options` as in `dualyte.cell.model.CHOICES`."""
        from dualyte.cell.model import DualElectrolyteCell

        return DualElectrolyteCell({**self.choices, **options})

    def parameter_values(self) -> Any:  # noqa: ANN401 (pybamm has no types)
        """Its parameters as `pybamm.ParameterValues`."""
        import pybamm

        return pybamm.ParameterValues(parameter_dict(self))

    def check(self, protocol: Protocol) -> None:
        """Refuse a protocol that leaves what the cell's facts cover.

        Raises
        ------
        ValidityError
            If a stack pressure or a voltage is outside.
        """
        for P in protocol.pressures:
            if self.meets_garnet:
                self.interface.check(P)
            if self.reservoir_free and not PRESSURES[0] <= P <= PRESSURES[-1]:
                raise ValidityError(
                    f"stack pressure {show('pressure', P)} is outside "
                    f"{show('pressure', PRESSURES[0])} … {show('pressure', PRESSURES[-1])}, where "
                    "stripping from silver seeds was measured; cycle inside"
                )
        high = protocol.window[1]
        if self.cathode is not None and high > LIMIT:
            raise ValidityError(
                f"{show('potential', high)} is above {show('potential', LIMIT)}, to which the "
                "facts on NMC82 reach; end the charge at or below it"
            )

    def __str__(self) -> str:
        left = "Ag" if isinstance(self.anode, AgSeeds) else "Li"
        if self.cathode is None:
            return f"Li|LLZTO|{left}"
        if self.anode is None:
            return f"NMC|LNOC|NMC with {self.cathode}"
        return f"{left}|LLZTO|LNOC|NMC with {self.cathode}"


def cycle(
    cell: Cell,
    protocol: Protocol,
    *,
    start: State | None = None,
    progress: Callable[[int, State], None] | None = None,
    frequency: npt.ArrayLike = FREQUENCIES,
) -> Cycles:
    """Run a protocol on a cell.

    Parameters
    ----------
    cell
        What is cycled.
    protocol
        Steps with their stack pressures; the cell is built once for all of them.
    start
        State to go on from (`last_state` of what `cycle` returned); the cell as built if None.
    progress
        Called after each cycle with its number and the state.
    frequency : (m,)
        Of the spectra that steps ask for [Hz].

    Returns
    -------
    Cycles
        Of the cycles that came to their end. If the solver fails or Ctrl-C comes, `stopped`
        says why and in which cycle.

    Raises
    ------
    ValidityError
        If a pressure or a voltage lies outside what the cell's facts cover.
    ConvergenceError
        If not even the first cycle came to its end.

    Notes
    -----
    Spectra are taken from a copy of the cell that has rested for a while (see `impedance`).
    """
    cell.check(protocol)
    machine = Machine(cell)
    state = machine.start() if start is None else replace(start, steps=0)
    curves: list[Curve] = []
    visited: list[State] = []  # at which spectra were taken
    finished, stopped = 0, ""
    kept = state
    try:
        for number in protocol.cycles:
            for step in protocol.of_cycle(number):
                at = f"cycle {number}, '{step}'"
                state, curve = machine.step(state, step)
                if step.eis:
                    visited.append(state)
                    seen = machine.impedance(state, np.asarray(frequency, dtype=np.float64))
                    curve = replace(curve, spectrum=seen)
                curves.append(curve)
            finished, kept = len(curves), state
            if progress:
                progress(number, state)
    except KeyboardInterrupt:
        stopped = f"interrupted in {at}"
    except machine.failures as error:
        stopped = f"the solver failed in {at}: {str(error).splitlines()[0]}"
    done = curves[:finished]
    if not done:
        raise ConvergenceError(f"no cycle came to its end: {stopped}", curves)
    states = [kept, *(s for s in visited if s.steps <= kept.steps)]
    return gathered(cell, protocol, done, states, stopped)


def gathered(
    cell: Cell, protocol: Protocol, curves: Iterable[Curve], states: Iterable[State], stopped: str
) -> Cycles:
    """Cycles of a cell, with the last state and those at which spectra were taken."""
    return gather(
        curves,
        first=protocol.first,
        reservoir_free=cell.reservoir_free,
        area=cell["area"].si,
        mass=cell.mass,
        temperature=cell.temperature,
        name=cell.name or str(cell),
        flags=cell.flags,
        stopped=stopped,
        made_from=(cell, protocol, *states),
    )


def last_state(cycles: Cycles) -> State:
    """State after the last finished cycle of what `cycle` returned."""
    for noun in cycles.made_from:
        if isinstance(noun, State):
            return noun
    raise InputError("these cycles were not made by cycle(), so they end in no state")


def impedance(
    cell: Cell,
    state: State | None = None,
    *,
    frequency: npt.ArrayLike = FREQUENCIES,
    settle: float = SETTLE,
) -> Spectrum:
    """Impedance of a cell in a state.

    Parameters
    ----------
    cell, state
        What is looked at; the cell as built if None.
    frequency : (m,)
        [Hz].
    settle
        Rest before the measurement [s], of a copy.

    Returns
    -------
    Spectrum
        Of the whole cell [Ω].

    Notes
    -----
    The same equations with capacitances at every interface, made linear at the rested state.
    The film on the particles is one finite-length diffusion element for the whole electrode.
    """
    machine = Machine(cell)
    at = state or machine.start()
    return machine.impedance(at, np.asarray(frequency, dtype=np.float64), settle)
