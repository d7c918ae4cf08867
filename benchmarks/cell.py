"""Cycling a cell: a C/5 cycle against PyBaMM's stock half-cell DFN, in one process, and spectra.

The peer has the same electrode: thickness, particles, kinetics, conductivities, window, current,
mesh and tolerances, with a transference number of one. Both are stepped with their models built.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.timing import Found, Promise, Row, best_of, in_own_process, limit_processor, timed

LIMIT = 300.0  # processor seconds
POROUS, SINGLE = 1 / 1.2, 1 / 0.3  # how many times faster than the stock model
SPECTRUM = 0.5  # s, that 100 frequencies may take
WORDS = ["Charge at C/5 until 4.3 V at 7 MPa", "Discharge at C/5 until 2.8 V"]


def stock_values(cell: Any) -> Any:
    """PyBaMM's Xu2019 with the electrode of a cell."""
    import pybamm

    from dualyte.cell.parameters import parameter_dict

    ours = parameter_dict(cell)
    full, side = ours["Lithium sites [mol.m-3]"], ours["Cell area [m2]"] ** 0.5
    diffusivity = ours["Particle diffusivity [m2.s-1]"]
    kinetics, potential = (
        ours[f"Cathode {x}"] for x in ("exchange-current density [A.m-2]", "potential [V]")
    )
    values = pybamm.ParameterValues("Xu2019")
    positive = "Positive electrode"
    values.update(
        {
            "Electrode height [m]": side,
            "Electrode width [m]": side,
            "Nominal cell capacity [A.h]": ours["Nominal cell capacity [A.h]"],
            "Current function [A]": "[input]",
            f"{positive} thickness [m]": ours["Cathode thickness [m]"],
            "Separator thickness [m]": 1e-4,
            f"{positive} active material volume fraction": ours["Active volume fraction"]
            * ours["Connected fraction"],
            "Positive particle radius [m]": ours["Particle radius [m]"],
            "Positive particle diffusivity [m2.s-1]": lambda x, T: diffusivity(x),
            "Maximum concentration in positive electrode [mol.m-3]": full,
            "Initial concentration in positive electrode [mol.m-3]": 0.98 * full,
            f"{positive} OCP [V]": lambda x: potential(x),
            f"{positive} OCP entropic change [V.K-1]": 0.0,
            f"{positive} exchange-current density [A.m-2]": lambda ce, cs, cm, T: kinetics(cs / cm),
            "Exchange-current density for lithium metal electrode [A.m-2]": lambda a, b, T: 30.0,
            "Electrolyte conductivity [S.m-1]": ours["Ionic conductivity [S.m-1]"],
            f"{positive} conductivity [S.m-1]": ours["Electronic conductivity [S.m-1]"],
            "Cation transference number": 1.0,
            **dict.fromkeys(
                ("Ambient temperature [K]", "Reference temperature [K]", "Initial temperature [K]"),
                cell.temperature,
            ),
            f"{positive} porosity": 0.4,
            "Separator porosity": 0.5,
            f"{positive} Bruggeman coefficient (electrolyte)": 0.0,
            f"{positive} Bruggeman coefficient (electrode)": 0.0,
            "Separator Bruggeman coefficient (electrolyte)": 0.0,
            "Lower voltage cut-off [V]": "[input]",
            "Upper voltage cut-off [V]": "[input]",
        },
        check_already_exists=False,
    )
    return values


def stock_cycle(cell: Any) -> Callable[[], None]:
    """One C/5 cycle of the stock model after another."""
    import pybamm

    model = pybamm.lithium_ion.DFN({"working electrode": "positive"})
    simulation = pybamm.Simulation(model, parameter_values=stock_values(cell))
    simulation.build()
    solver = pybamm.IDAKLUSolver(rtol=1e-5, atol=1e-7)
    state, current = [None], cell.rated / 5

    def run() -> None:
        for i, low, high in ((-current, -1e3, 4.3), (current, 2.8, 1e3)):
            inputs = {
                "Current function [A]": i,
                "Lower voltage cut-off [V]": low,
                "Upper voltage cut-off [V]": high,
            }
            built = simulation.built_model
            done = solver.step(state[0], built, 8 * 3600, inputs=inputs, save=False)
            assert "event" in done.termination
            for name in ("Voltage [V]", "Current [A]", "Discharge capacity [A.h]"):
                _ = done[name].data
            done.termination = "final time"
            state[0] = done

    run()
    return run


def our_cycle(cell: Any) -> Callable[[], None]:
    """One C/5 cycle of the same cell after another."""
    from dualyte.cell.machine import Machine
    from dualyte.cell.protocol import protocol

    machine, steps = Machine(cell), protocol(WORDS).steps
    state = [machine.start()]

    def run() -> None:
        for step in steps:
            state[0], _ = machine.step(state[0], step)

    run()
    return run


def cycles(job: Found) -> Found:
    """Every model in this one process, turn by turn."""
    from dualyte.cell import AgSeeds, Cathode, Cell, LiFoil

    runs = {"stock": stock_cycle(Cell())}
    for resolution in ("porous", "single particle"):
        for name, anode in (("foil", LiFoil()), ("silver", AgSeeds())):
            cell = Cell(cathode=Cathode(resolution=resolution), anode=anode)
            runs[f"{resolution}, {name}"] = our_cycle(cell)
    return {name: best_of(lambda run=run: run, repeats=15) for name, run in runs.items()}


def spectrum(job: Found) -> Found:
    """100 frequencies of a porous cell after two cycles, the rest before them included."""
    from dualyte.cell import Cell, cycle, impedance, last_state, study_protocol

    cell = Cell()
    state = last_state(cycle(cell, study_protocol("paper-li-foil", cycles=2)))
    _, first = timed(lambda: impedance(cell, state))
    from dualyte.cell.machine import Machine

    machine = Machine(cell)
    machine.impedance(state, np.asarray(first.frequency))
    cost = best_of(
        lambda: lambda: machine.impedance(state, np.asarray(first.frequency)), repeats=10
    )
    return cost | {"points": int(np.size(first.frequency))}


SOLVERS: dict[str, Callable[[Found], Found]] = {"cycles": cycles, "spectrum": spectrum}


def ask(name: str) -> Found:
    """Have a job done in a process of its own; it must not fail."""
    print(f"cell: {name} …", flush=True)
    found = in_own_process("cell", {"solver": name, "limit": LIMIT}, limit=LIMIT)
    if "failed" in found or "slow" in found:
        raise RuntimeError(f"{name}: {found.get('failed', 'took too long')}")
    return found


def run() -> tuple[list[Row], list[Promise], list[str]]:
    """The stock model beside ours; promises and remarks."""
    found = ask("cycles")
    rows = [
        Row(
            problem=f"C/5 cycle, {name}",
            peer="PyBaMM DFN, half-cell",
            theirs=found["stock"],
            ours=ours,
            target=POROUS if name.startswith("porous") else SINGLE,
        )
        for name, ours in found.items()
        if name != "stock"
    ]
    seen = ask("spectrum")
    promise = Promise(
        what=f"impedance of a porous cell, {seen['points']} frequencies",
        value=seen["wall"],
        limit=SPECTRUM,
        unit="s",
        note="Wall time after the model is built; the rest before the spectrum is part of it",
    )
    said = [
        "Same electrode, mesh, window, current, tolerances and process; the stock model has even "
        "shells, ours finer ones towards the surface of particles, and four layers more."
    ]
    return rows, [promise], said


if __name__ == "__main__":
    if len(sys.argv) > 1:
        job = json.loads(sys.argv[1])
        limit_processor(job["limit"])
        print("\n" + json.dumps(SOLVERS[job["solver"]](job)))
    else:
        from benchmarks.__main__ import main

        main(["cell"])
