"""A cell made ready for PyBaMM, and the states it goes through step by step."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

import numpy as np

from dualyte.cell.cathode import shell_edges
from dualyte.cell.parameters import loading
from dualyte.cell.protocol import Step
from dualyte.cell.words import End
from dualyte.circuit import Spectrum
from dualyte.cycles import Curve
from dualyte.errors import ConvergenceError, InputError
from dualyte.vocabulary import Floats

if TYPE_CHECKING:
    from dualyte.cell.cell import Cell

SETTLE: Final = 600.0  # s of rest before a spectrum, beside the protocol


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """Where a cell stands: every unknown of its model, by name."""

    unknowns: Mapping[str, Floats]  #: SI
    time: float = 0.0  #: s
    pressure: float = 7e6  #: Pa
    steps: int = 0  #: of the protocol that are behind it

    def save(self, path: str | Path) -> Path:
        """Write it to an .npz file that `load_state` reads."""
        about = np.array([self.time, self.pressure, self.steps], dtype=np.float64)
        arrays: dict[str, Any] = {"about": about, **self.unknowns}
        file = Path(path).with_suffix(".npz")
        with file.open("wb") as out:
            np.savez(out, **arrays)
        return file

    def lithium(self, cell: Cell) -> dict[str, float]:
        """Where the lithium is [C/m²]; of a foil, what it has taken up since the start.

        The sum never changes.
        """
        found: dict[str, float] = {}
        density = 0.0
        if cell.cathode is not None:
            wired = cell.cathode.composition.connected(
                cell["bare_connection"].si, cell["connection_width"].si
            )
            density = float(cell["site_capacity"].si * loading(cell) * wired)
        for name, values in self.unknowns.items():
            if name.endswith("connected lithium"):
                shells = values.reshape(-1, cell.cathode.shells if cell.cathode else 1)
                volume = np.diff(shell_edges(shells.shape[1]) ** 3)
                found[name] = density * float((shells @ volume).mean())
            elif name.endswith("lithium [C.m-2]"):
                found[name.removesuffix(" [C.m-2]")] = float(values.mean())
        if "lithium" in cell.choices.values():  # discharge moves it from foil to cathode
            moved = 3600 * float(self.unknowns["Discharge capacity [A.h]"][0]) / cell["area"].si
            found["Foil"] = -moved
        return found


def load_state(path: str | Path) -> State:
    """Read a state that `State.save` wrote.

    Raises
    ------
    InputError
        If it is no such file.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as file:
            unknowns = {name: np.array(file[name]) for name in file.files}
        time, pressure, steps = unknowns.pop("about")
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{path} is no state of a cell: {error}") from error
    return State(unknowns=unknowns, time=float(time), pressure=float(pressure), steps=int(steps))


class Machine:
    """A cell built once, with current, pressure and ends as inputs of the solver."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._built: dict[str, tuple[Any, Any]] = {}
        self.seen: Any = None  #: the last step as PyBaMM has it, with every variable of the model

    def built(self, control: str) -> tuple[Any, Any]:
        """Discretised model and its solver, made when first used."""
        if control not in self._built:
            import pybamm

            model = discretised(self.cell, control=control)
            # tight absolute tolerance: lithium fractions are of order 1, drops are millivolts
            solver = pybamm.IDAKLUSolver(rtol=self.cell.rtol, atol=self.cell.rtol * 1e-2)
            self._built[control] = model, solver
        return self._built[control]

    def start(self) -> State:
        """The cell as built."""
        model, _ = self.built("current")
        y = model.concatenated_initial_conditions.evaluate(0, inputs=inputs_of(self.cell))
        return _state(model, np.asarray(y).ravel(), State(unknowns={}, pressure=self.cell.pressure))

    def step(self, state: State, step: Step) -> tuple[State, Curve]:
        """Run one step from a state."""
        import pybamm

        control = "voltage" if step.kind == "hold" else "current"
        model, solver = self.built(control)
        inputs = inputs_of(self.cell, step)
        before = _solution(model, state, inputs)
        lasts = step.end("duration") or self._longest(step)
        with _quiet():
            try:
                done = solver.step(before, model, lasts, inputs=inputs, save=False)
            except pybamm.SolverError as error:
                if "non-positive at initial" not in str(error):
                    raise
                raise pybamm.SolverError("its end is passed as soon as it begins") from error
        timed = step.end("duration") is not None
        if not timed and done.termination == "final time":
            raise pybamm.SolverError(f"it did not come to its end in {lasts / 3600:.3g} h")
        cut = timed and step.end("voltage") is None and "event" in done.termination
        if cut and step.kind in ("charge", "discharge"):
            hours = float(done.t[-1] - state.time) / 3600
            raise pybamm.SolverError(
                f"the cell was {'full' if step.kind == 'charge' else 'empty'} after {hours:.3g} h, "
                "before the time of the step was over; end it at a voltage"
            )
        self.seen = done
        names = "Current [A]", "Discharge capacity [A.h]", "Voltage [V]"
        current, passed, voltage = (np.ravel(done[name].data) for name in names)
        curve = Curve(
            kind=step.kind,
            time=np.array(done.t),
            voltage=voltage,
            current=-current,
            charge=3600 * np.abs(passed - passed[0]),
            cycle=step.cycle,
            pressure=step.pressure,
            tag=step.tag,
        )
        y = np.asarray(done.all_ys[-1])[:, -1]
        after = replace(state, time=float(done.t[-1]), pressure=step.pressure)
        return _state(model, y, replace(after, steps=state.steps + 1)), curve

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What a solver that gives up raises."""
        import pybamm

        return (pybamm.SolverError, ConvergenceError)

    def twin(self) -> Any:  # noqa: ANN401 (pybamm has no types)
        """The same cell with a capacitance at every interface, discretised."""
        if "twin" not in self._built:
            film = "warburg" if self.cell.cathode is not None else "none"
            self._built["twin"] = discretised(self.cell, interfaces="capacitive", film=film), None
        return self._built["twin"][0]

    def impedance(self, state: State, frequency: Floats, settle: float = SETTLE) -> Spectrum:
        """Spectrum of a rested copy of a state.

        The copy rests without capacitances: at rest none is charged, and only the slopes of
        the twin's equations are asked for.
        """
        from scipy.sparse.linalg import splu

        model = self.twin()
        rest = Step(
            kind="rest", until=(End(kind="duration", value=settle),), pressure=state.pressure
        )
        rested, _ = self.step(replace(state, time=0.0), rest)
        inputs = inputs_of(self.cell, rest)
        y = _vector(model, rested)
        mass, J, b, c, d = linear(model, y, inputs)
        f = np.asarray(frequency, dtype=np.float64)
        z = [-(c @ splu(2j * np.pi * w * mass - J).solve(b + 0j) + d) for w in f]
        return Spectrum(
            frequency=f,
            z=np.array(z),
            area=self.cell["area"].si,
            temperature=self.cell.temperature,
            pressure=state.pressure,
            name=self.cell.name or str(self.cell),
        )

    def _longest(self, step: Step) -> float:
        """Seconds within which a step must come to its end."""
        current = abs(_current(self.cell, step)) or self.cell.rated / 20
        return 3600 * 4 * self.cell.rated / current


def _solution(model: Any, state: State, inputs: Mapping[str, float]) -> Any:  # noqa: ANN401
    """A state as PyBaMM passes it on."""
    import pybamm

    y = _vector(model, state)[:, None]
    return pybamm.Solution(np.array([state.time]), y, model, dict(inputs), termination="final time")


def _current(cell: Cell, step: Step | None) -> float:
    """Current of the whole cell [A], positive on discharge."""
    if step is None or step.kind in ("rest", "hold"):
        return 0.0
    size = (
        cell.rated * step.rate if step.rate is not None else (step.current or 0) * cell["area"].si
    )
    return size if step.kind == "discharge" else -size


def inputs_of(cell: Cell, step: Step | None = None) -> dict[str, float]:
    """What changes from step to step."""
    pressure = cell.pressure if step is None else step.pressure
    if step is not None and step.kind == "hold":
        least = step.end("current")
        ends = (
            least * cell["area"].si if least is not None else (step.end("rate") or 0) * cell.rated
        )
        # no end of current: one below zero is never met
        return {
            "Stack pressure [Pa]": pressure,
            "Held voltage [V]": float(step.voltage or 0),
            "Current cut-off [A]": ends or -1.0,
        }
    end = None if step is None else step.end("voltage")
    charging = step is not None and step.kind == "charge"
    low, high = cell.limits
    return {
        "Stack pressure [Pa]": pressure,
        "Current function [A]": _current(cell, step),
        "Lower voltage cut-off [V]": end if end is not None and not charging else low,
        "Upper voltage cut-off [V]": end if end is not None and charging else high,
    }


def discretised(cell: Cell, **options: str) -> Any:  # noqa: ANN401 (pybamm has no types)
    """Build a model of the cell whose inputs are those of `inputs_of`."""
    import pybamm

    model = cell.model(**options)
    values = cell.parameter_values()
    held = options.get("control") == "voltage"
    names = ["Stack pressure [Pa]", "Held voltage [V]", "Current cut-off [A]"]
    if not held:
        names[1:] = [
            "Current function [A]",
            "Lower voltage cut-off [V]",
            "Upper voltage cut-off [V]",
        ]
    values.update(dict.fromkeys(names, "[input]"))
    points = dict(model.default_var_pts)
    if cell.cathode is not None:
        for coordinate in points:
            if coordinate.name.startswith("x_"):
                points[coordinate] = cell.cathode.cells
            elif coordinate.name.startswith("r_"):
                points[coordinate] = cell.cathode.shells
    simulation = pybamm.Simulation(model, parameter_values=values, var_pts=points)
    simulation.build()
    return simulation.built_model


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    where: slice
    scale: float
    reference: float


def _slots(model: Any) -> Iterator[_Slot]:  # noqa: ANN401
    """Unknowns of a discretised model and where they stand."""
    for variable, slices in model.y_slices.items():
        scale, reference = (
            float(np.ravel(part.evaluate())[0]) for part in (variable.scale, variable.reference)
        )
        yield _Slot(variable.name, slices[0], scale, reference)


def _state(model: Any, y: Floats, last: State) -> State:  # noqa: ANN401
    found = {s.name: np.array(s.reference + s.scale * y[s.where]) for s in _slots(model)}
    for values in found.values():
        values.setflags(write=False)
    return replace(last, unknowns={**last.unknowns, **found})


def _vector(model: Any, state: State) -> Floats:  # noqa: ANN401
    """Unknowns in the order of a model; those that a state does not have begin at zero."""
    y = np.zeros(model.len_rhs_and_alg)
    for s in _slots(model):
        if s.name in state.unknowns:
            y[s.where] = (state.unknowns[s.name] - s.reference) / s.scale
    return y


@contextmanager
def _quiet() -> Iterator[None]:
    """A step may cross a point that no number belongs to; the solver then takes a smaller one."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def linear(model: Any, y: Floats, inputs: Mapping[str, float]) -> tuple[Any, ...]:  # noqa: ANN401
    """Make M dy = J y + b I, V = c y + d I of a discretised model at a state."""
    import casadi
    from scipy.sparse import csc_matrix

    if not hasattr(model, "_linear"):
        Y, current = casadi.MX.sym("y", y.size), casadi.MX.sym("i")
        rest = {name: casadi.MX.sym(name[:5]) for name in inputs if name != "Current function [A]"}
        told = {**rest, "Current function [A]": current}
        parts = [model.concatenated_rhs, model.concatenated_algebraic]
        f = casadi.vertcat(*(p.to_casadi(casadi.MX(0), Y, inputs=told) for p in parts if p.size))
        voltage = model.get_processed_variable("Voltage [V]").to_casadi(
            casadi.MX(0), Y, inputs=told
        )
        outputs = [casadi.jacobian(e, v) for e in (f, voltage) for v in (Y, current)]
        model._linear = casadi.Function("linear", [Y, current, *rest.values()], outputs)
    numbers = [value for name, value in inputs.items() if name != "Current function [A]"]
    J, b, c, d = (part.sparse() for part in model._linear(y, 0.0, *numbers))
    mass = csc_matrix(model.mass_matrix.entries)
    return mass, csc_matrix(J), b.toarray().ravel(), c.toarray().ravel(), float(d.toarray()[0, 0])
