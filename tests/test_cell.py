"""Cells against exact solutions, PyBaMM's own model, conservation laws and the study."""

import warnings
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualyte.cell.anode import (
    AgSeeds,
    LiFoil,
    alloy_capacity,
    silver_potential,
    stranded,
    stranding_ratio,
)
from dualyte.cell.cathode import Cathode, exchange_current, open_circuit
from dualyte.cell.cell import Cell, cycle, impedance, last_state
from dualyte.cell.composition import composite
from dualyte.cell.interphase import HeteroInterface, by_carbon, film_growth, growth_weight
from dualyte.cell.machine import Machine, discretised, inputs_of, linear, load_state
from dualyte.cell.parameters import PARAMETERS, parameter_dict
from dualyte.cell.protocol import protocol, study_protocol
from dualyte.circuit.elements import Ws
from dualyte.errors import ConvergenceError, InputError, ValidityError

T, F, R = 333.15, 96485.33212, 8.31446261815
MAH_G = 3600.0  # C/kg
VARIANTS = [(r, a) for r in ("porous", "single particle") for a in (LiFoil(), AgSeeds(), None)]
C5 = ["Charge at C/5 until 4.3 V at 7 MPa", "Discharge at C/5 until 2.8 V"]


def cell(anode=None, resolution="single particle", carbon=0.02, **more):
    mix = composite(carbon=carbon)
    return Cell(
        cathode=Cathode(composition=mix, resolution=resolution), anode=anode or LiFoil(), **more
    )


def half_cell():
    return Cell(cathode=None, anode=AgSeeds())


@cache
def of_study(name, kind="foil", cycles=None, carbon=0.02):
    made = (
        half_cell()
        if kind == "half"
        else cell(AgSeeds() if kind == "silver" else None, carbon=carbon)
    )
    return cycle(made, study_protocol(name, cycles=cycles))


# --- formulas ------------------------------------------------------------------------------


@given(st.floats(0, 5e4), st.floats(1e2, 1e4))
def test_the_potential_of_silver_falls_with_lithium_to_that_of_the_metal(n, capacity):
    assert silver_potential(n * 1.01 + 1, capacity) <= silver_potential(n, capacity)
    assert silver_potential(100 * capacity, capacity) == pytest.approx(0, abs=1e-9)


@given(st.floats(1, 5e3), st.floats(50, 5e3))
def test_a_complete_strip_strands_what_the_ratio_was_made_from(loss, depletion):
    ratio = stranding_ratio(min(loss, 20 * depletion), depletion)
    assert stranded(40 * depletion, 0, ratio, depletion) == pytest.approx(
        min(loss, 20 * depletion), rel=1e-6
    )


def test_stranding_follows_its_differential_equation():
    n, q, ratio, depletion = 5000.0, 0.0, 3.0, 1000.0
    for _ in range(200_000):
        dn = 0.0125  # removed from the inventory, stripped or stranded
        lam = ratio * np.exp(-(n - dn / 2) / depletion)
        q += dn * lam / (1 + lam)
        n -= dn
    assert q == pytest.approx(float(stranded(5000.0, 2500.0, ratio, depletion)), rel=1e-6)


def test_a_cell_that_keeps_lithium_on_silver_strands_almost_none():
    ratio = stranding_ratio(0.0239 * 72000, 1080.0)
    assert stranded(72000, 8000, ratio, 1080.0) < 0.01 * stranded(72000, 0, ratio, 1080.0)


def test_alloys_hold_what_the_plateaus_show_less_what_is_trapped():
    assert alloy_capacity(2160.0, 1000.0, 1.0) == pytest.approx(2160 - 1000 * -np.expm1(-2.16))


@given(st.floats(0, 1e6), st.floats(1e-7, 1e-3), st.floats(0, 1e-2))
def test_the_square_of_growth_is_linear_in_time(t, k, first):
    grown = (film_growth(t, k, first) - first) ** 2
    assert grown == pytest.approx(k**2 * t, rel=1e-6, abs=1e-17)


def test_films_grow_above_the_onset_only():
    assert growth_weight(np.array([3.6, 4.0, 4.4]), 4.0, 0.03).round(3).tolist() == [0, 0.5, 1]


def test_growth_between_the_known_carbon_contents_is_interpolated_and_said():
    two, five = PARAMETERS["film_rate_2"], PARAMETERS["film_rate_5"]
    assert by_carbon(0.02, two, five) == (two.si, "")
    assert by_carbon(0.05, two, five)[0] == pytest.approx(five.si)
    number, said = by_carbon(0.035, two, five)
    assert number == pytest.approx(np.sqrt(two.si * five.si))
    assert "interpolated" in said
    assert "not known" in by_carbon(0.0, two, five)[1]
    for carbon in (0.01, 0.08):
        with pytest.raises(ValidityError, match="2 … 5 wt%"):
            by_carbon(carbon, two, five)


def test_the_interface_table_is_met_at_its_points_and_straight_in_logarithms_between():
    table = HeteroInterface(pressures=(1e6, 4e6), resistances=(0.02, 0.005), energy=7e-20)
    assert table.at([1e6, 2e6, 4e6], 298.15) == pytest.approx([0.02, 0.01, 0.005])
    assert float(table.at(1e6, T)) < 0.02
    with pytest.raises(ValidityError, match="outside"):
        table.at(5e6, T)
    with pytest.raises(InputError, match="pressures rising"):
        HeteroInterface(pressures=(2e6, 1e6), resistances=(1.0, 1.0))


# --- verification --------------------------------------------------------------------------


def stock_numbers():
    """One electrode in PyBaMM's words and in ours."""
    A, L, separator, kappa, sigma, eps, radius, sites = (
        1e-4, 50e-6, 30e-6, 0.3, 5.0, 0.55, 2e-6, 47500.0,
    )  # fmt: skip

    def D(x, *_):
        return 1e-14 * np.exp(-2 * x)

    theirs = {
        "Electrode height [m]": 1e-2,
        "Electrode width [m]": 1e-2,
        "Positive electrode thickness [m]": L,
        "Separator thickness [m]": separator,
        "Positive electrode active material volume fraction": eps,
        "Positive particle radius [m]": radius,
        "Positive particle diffusivity [m2.s-1]": D,
        "Maximum concentration in positive electrode [mol.m-3]": sites,
        "Initial concentration in positive electrode [mol.m-3]": 0.3 * sites,
        "Positive electrode OCP [V]": open_circuit,
        "Positive electrode OCP entropic change [V.K-1]": 0.0,
        "Positive electrode exchange-current density [A.m-2]": (
            lambda ce, cs, cm, T: exchange_current(cs / cm, 2.0)
        ),
        "Exchange-current density for lithium metal electrode [A.m-2]": lambda ce, cl, T: 30.0,
        "Electrolyte conductivity [S.m-1]": kappa,
        "Positive electrode conductivity [S.m-1]": sigma,
        "Cation transference number": 1.0,
        "Reference temperature [K]": T,
        "Initial temperature [K]": T,
        "Positive electrode porosity": 0.4,
        "Separator porosity": 0.5,
        "Positive electrode Bruggeman coefficient (electrolyte)": 0.0,
        "Positive electrode Bruggeman coefficient (electrode)": 0.0,
        "Separator Bruggeman coefficient (electrolyte)": 0.0,
    }
    ours = {
        "Cell area [m2]": A,
        "Stack pressure [Pa]": 1e6,
        "Contact resistance [Ohm.m2]": lambda P: 0.0,
        "Interlayer resistance [Ohm.m2]": separator / kappa,
        "Lithium exchange-current density [A.m-2]": 30.0,
        "Cathode thickness [m]": L,
        "Particle radius [m]": radius,
        "Active volume fraction": eps,
        "Connected fraction": 1.0,
        "Contact loss per charge [m2.C-1]": 0.0,
        "Lithium sites [mol.m-3]": sites,
        "Initial lithium fraction": 0.3,
        "Ionic conductivity [S.m-1]": kappa,
        "Electronic conductivity [S.m-1]": sigma,
        "Cathode potential [V]": open_circuit,
        "Particle diffusivity [m2.s-1]": D,
        "Cathode exchange-current density [A.m-2]": lambda x: exchange_current(x, 2.0),
    }
    both = {
        "Nominal cell capacity [A.h]": 25 * A,
        "Current function [A]": 50 * A,
        "Ambient temperature [K]": T,
        "Lower voltage cut-off [V]": 2.8,
        "Upper voltage cut-off [V]": 4.5,
    }
    return theirs | both, ours | both


def test_single_ion_electrode_agrees_with_the_stock_model_at_2c():
    import pybamm

    from dualyte.cell.model import DualElectrolyteCell

    theirs, ours = stock_numbers()
    stock = pybamm.ParameterValues("Xu2019")
    stock.update(theirs)
    even = dict.fromkeys(["positive electrode", "positive particle"], pybamm.Uniform1DSubMesh)
    pairs = [
        (pybamm.lithium_ion.DFN({"working electrode": "positive"}), stock),
        (
            DualElectrolyteCell({"layers": "interlayer", "film": "none"}),
            pybamm.ParameterValues(ours),
        ),
    ]
    t, found = np.linspace(0, 1000, 101), []
    for model, values in pairs:
        solver = pybamm.IDAKLUSolver(rtol=1e-8, atol=1e-10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the peer
            mesh = None if model.name.startswith("Doyle") else even
            run = pybamm.Simulation(
                model, parameter_values=values, solver=solver, submesh_types=mesh
            ).solve(t)
            found.append(run["Voltage [V]"](t))
    assert found[0][0] - found[0][-1] > 0.4  # a long way down the curve
    assert np.abs(found[0] - found[1]).max() < 0.05e-3


@pytest.mark.parametrize(("resolution", "anode"), VARIANTS)
def test_lithium_is_conserved(resolution, anode):
    made = replace(cell(resolution=resolution), anode=anode)
    steps = protocol((6, C5)).steps
    if anode is None:  # both sides begin full: the charged one must be emptied from there
        steps = protocol((6, ["Charge at C/5 for 1 h at 7 MPa", "Discharge at C/5 for 1 h"])).steps
        made = made.at(initial_fraction=0.5)
    machine = Machine(made)
    state = machine.start()
    first = sum(state.lithium(made).values())
    for step in steps:
        state, _ = machine.step(state, step)
        assert sum(state.lithium(made).values()) == pytest.approx(first, rel=1e-8)
    assert state.lithium(made)["Positive isolated lithium"] > 0


def test_a_half_cell_conserves_lithium():
    made = half_cell()
    machine = Machine(made)
    state = machine.start()
    for step in study_protocol("paper-half-cell", cycles=5):
        state, _ = machine.step(state, step)
        held = state.lithium(made)
        assert sum(held.values()) == pytest.approx(0, abs=1e-8 * 72000)
        assert held["Positive lithium"] >= 0


def test_one_particle_stands_for_all_at_c_5():
    many, one = (
        cycle(cell(resolution=r), protocol((2, C5))) for r in ("porous", "single particle")
    )
    apart = np.abs(many.specific_discharge - one.specific_discharge) / MAH_G
    assert apart.max() < 0.05


def specific(made, cells=None, film="none", frequency=None):
    """Impedance [Ω m²] of a cell as built, without rest."""
    from scipy.sparse.linalg import splu

    model, inputs = discretised(made, interfaces="capacitive", film=film), inputs_of(made)
    y = np.asarray(model.concatenated_initial_conditions.evaluate(0, inputs=inputs)).ravel()
    mass, J, b, c, d = linear(model, y, inputs)
    s = 2j * np.pi * np.asarray(frequency)
    return -np.array([c @ splu(w * mass - J).solve(b + 0j) + d for w in s]) * made["area"].si


def transmission_line(cells):
    """Our porous electrode and the exact one, without diffusion: both Z of the electrode."""
    made = Cell(cathode=Cathode(cells=cells, shells=5))
    made = made.at(
        site_capacity=1e9 * made["site_capacity"].si,
        network_conductivity=1e3,
        initial_fraction=0.5,
    )
    d, f = parameter_dict(made), np.logspace(5, -2, 50)
    s = 2j * np.pi * f
    L, kappa, sigma = (
        d[f"{k}"]
        for k in (
            "Cathode thickness [m]",
            "Ionic conductivity [S.m-1]",
            "Electronic conductivity [S.m-1]",
        )
    )
    a = 3 * d["Active volume fraction"] * d["Connected fraction"] / d["Particle radius [m]"]
    transfer = R * T / F / made["cathode_exchange_current"].si
    face = transfer / (1 + s * transfer * made["double_layer"].si)
    nu = L * np.sqrt((1 / kappa + 1 / sigma) * a / face)
    exact = (
        L / (kappa + sigma)
        * (1 + (2 + (sigma / kappa + kappa / sigma) * np.cosh(nu)) / (nu * np.sinh(nu)))
    )  # fmt: skip
    he, gb = float(made.interface.at(7e6, T)), d["Grain-boundary resistance [Ohm.m2]"]
    rest = (
        d["Grain resistance [Ohm.m2]"]
        + d["Interlayer resistance [Ohm.m2]"]
        + R * T / F / made["lithium_exchange_current"].si
        + made["pellet_factor"].si * he
        / (1 + s * made["pellet_factor"].si * he * made.interface.capacitance)
        + gb / (1 + s * gb * made["grain_boundary_capacitance"].si)
    )  # fmt: skip
    return specific(made, frequency=f) - rest, exact


def test_a_porous_electrode_is_a_transmission_line():
    ours, exact = transmission_line(40)
    assert (np.abs(ours - exact) / np.abs(exact)).max() < 0.003


def test_the_transmission_line_converges_with_second_order_or_better():
    errors = [
        float((np.abs(ours - exact) / np.abs(exact)).max())
        for ours, exact in map(transmission_line, (10, 20, 40))
    ]
    assert np.log2(errors[0] / errors[1]) > 2
    assert np.log2(errors[1] / errors[2]) > 2


def test_the_film_is_a_finite_length_warburg():
    made, f = cell(), np.logspace(3, -3, 40)
    bare, covered = (specific(made, film=film, frequency=f) for film in ("none", "warburg"))
    resistance = made["film_initial_2"].si + made["film_rate_2"].si  # grown for one second
    exact = Ws(resistance, resistance * made["film_capacitance"].si).impedance(f)
    away = np.abs(covered - bare - exact)
    assert (away / np.abs(exact))[f < 50].max() < 0.002
    assert away.max() < 0.002 * resistance


# --- laws ----------------------------------------------------------------------------------


def test_no_more_comes_back_than_went_in():
    found = of_study("paper-reservoir-free", "silver")
    assert (np.cumsum(found.discharge) <= np.cumsum(found.charge)).all()
    state = last_state(found)
    assert state.unknowns["Negative lithium [C.m-2]"][0] >= 0


def test_every_overpotential_costs_power():
    machine = Machine(cell(AgSeeds(), "porous"))
    state = machine.start()
    for step in protocol((2, C5)):
        state, _ = machine.step(state, step)
        current = machine.seen["Current density [A.m-2]"].data
        for name, sign in (("Positive", -1), ("Negative", 1)):
            assert (sign * machine.seen[f"{name} overpotential [V]"].data * current >= 0).all()
        for name in ("Ohmic", "Grain-boundary", "Hetero-interface"):
            assert (machine.seen[f"{name} drop [V]"].data * current > 0).all()


def test_less_pressure_never_gives_more_capacity():
    words = ["Charge at C/5 until 4.3 V", "Discharge at C/5 until 2.8 V"]
    found = [cycle(cell(AgSeeds()), protocol(words, pressure=P * 1e6)) for P in (7, 3, 1)]
    capacity = [float(run.discharge[0]) for run in found]
    assert capacity == sorted(capacity, reverse=True)


def test_a_pressure_step_costs_no_rebuild():
    made = cell()
    machine = Machine(made)
    state, built = machine.start(), machine.built("current")
    for P in (7, 5, 3, 1):
        for words in (
            f"Charge at C/5 for 5 min at {P} MPa",
            f"Discharge at C/5 for 5 min at {P} MPa",
        ):
            state, _ = machine.step(state, protocol(words).steps[0])
    assert machine.built("current") is built
    assert len(machine._built) == 1


def test_resistance_of_the_interface_shows_as_an_ohmic_drop():
    made = cell(interface=HeteroInterface(pressures=(1e6, 8e6), resistances=(0.02, 0.005)))
    machine = Machine(made)
    start = machine.start()
    volts = [
        machine.step(start, protocol(f"Charge at C/5 for 1 s at {P} MPa").steps[0])[1].voltage[0]
        for P in (1, 8)
    ]
    factor = made["pellet_factor"].si
    assert volts[0] - volts[1] == pytest.approx(4 * factor * 0.015, rel=1e-4)


def test_films_grow_parabolically_at_rest_and_not_when_discharged():
    made = cell(carbon=0.05)
    charged = last_state(cycle(made, protocol("Charge at C/10 until 4.3 V at 7 MPa")))
    machine = Machine(made)

    def grown(state, hours):
        rest = protocol(f"Rest for {hours} h at 7 MPa").steps[0]
        return machine.step(state, rest)[0].unknowns["Positive film growth [Ohm2.m4]"].mean()

    y = [float(grown(charged, h)) for h in (1, 2, 3)]
    assert y[2] - y[1] == pytest.approx(y[1] - y[0], rel=1e-3)  # y = (R − R₀)² is straight
    fresh = machine.start()
    before = fresh.unknowns["Positive film growth [Ohm2.m4]"].mean()
    assert grown(fresh, 18) == pytest.approx(before, rel=1e-2)


def test_less_pressure_widens_the_spectrum_by_the_interface_alone():
    made = cell()
    charged = last_state(cycle(made, protocol("Charge at C/5 for 2 h at 7 MPa")))
    high, low = (
        impedance(made, replace(charged, pressure=P), frequency=[7e6, 10.0]).z for P in (7e6, 1e6)
    )
    assert (high.imag < 0).all()
    assert (np.diff(high.real) > 0).all()
    added = np.diff(made.interface.at([7e6, 1e6], T)) * made["pellet_factor"].si / made["area"].si
    assert low[1].real - high[1].real == pytest.approx(float(added[0]), rel=0.02)
    assert low[0].real == pytest.approx(high[0].real, rel=0.02)  # its capacitance shorts it


def test_a_hundred_frequencies_follow_an_aged_porous_cell():
    made = cell(resolution="porous")
    found = cycle(made, protocol((2, C5)))
    seen = impedance(made, last_state(found))
    assert seen.frequency.size == 100
    assert np.isfinite(seen.z).all()


# --- what cycle promises -------------------------------------------------------------------


def test_an_interrupted_run_keeps_its_finished_cycles():
    def stop(number, state):
        if number == 1:
            raise KeyboardInterrupt

    found = cycle(cell(), protocol((4, C5)), progress=stop)
    assert len(found) == 2
    assert "interrupted" in found.stopped


def test_a_failing_solver_keeps_finished_cycles_and_says_which_failed(monkeypatch):
    import pybamm

    calm = Machine.step

    def fails(self, state, step):
        if step.cycle == 2:
            raise pybamm.SolverError("no step is small enough")
        return calm(self, state, step)

    monkeypatch.setattr(Machine, "step", fails)
    found = cycle(cell(), protocol((4, C5)))
    assert len(found) == 2
    assert "cycle 2" in found.stopped
    assert "no step is small enough" in found.stopped


def test_a_run_without_one_finished_cycle_is_an_error(monkeypatch):
    import pybamm

    def fails(self, state, step):
        raise pybamm.SolverError("no step is small enough")

    monkeypatch.setattr(Machine, "step", fails)
    with pytest.raises(ConvergenceError, match="no cycle came to its end"):
        cycle(cell(), protocol(C5))


def test_a_run_goes_on_where_another_ended(tmp_path):
    whole = cycle(cell(), protocol((3, C5)))
    first = cycle(cell(), protocol((2, C5)))
    state = load_state(last_state(first).save(tmp_path / "state.npz"))
    last = cycle(cell(), protocol([C5]), start=state)
    assert last.discharge[0] == pytest.approx(whole.discharge[2], rel=1e-4)
    (tmp_path / "no.npz").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="no state"):
        load_state(tmp_path / "no.npz")


def test_a_hold_keeps_its_voltage_until_the_current_has_fallen():
    words = ["Charge at C/5 until 4.2 V at 7 MPa", "Hold at 4.2 V until C/20"]
    made = cell(resolution="porous")
    charge, hold = cycle(made, protocol(words)).curves
    assert hold.voltage == pytest.approx(4.2, abs=1e-5)
    assert hold.current[-1] == pytest.approx(made.rated / 20, rel=1e-3)
    assert hold.current[-1] < charge.current[-1]
    assert hold.passed > 0


def test_a_step_by_time_ends_where_the_cathode_is_empty_and_says_so():
    found = cycle(cell(), protocol([C5, "Charge at C/5 for 9 h", "Discharge at C/5 for 1 h"]))
    assert len(found) == 1
    assert "the cell was full" in found.stopped


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["Charge at C/5 until 4.3 V at 0.5 MPa"], "1 MPa"),
        (["Charge at C/5 until 4.5 V at 7 MPa"], r"4\.5 V is above 4\.3 V"),
    ],
)
def test_protocols_beyond_the_facts_are_refused(words, why):
    with pytest.raises(ValidityError, match=why):
        cycle(cell(AgSeeds()), protocol(words))


def test_bad_cells_are_refused_in_one_sentence():
    with pytest.raises(InputError, match="areal_capacity"):
        Cell().at(areal_capacity=-1.0)
    with pytest.raises(InputError, match=r"needs a cathode or an anode"):
        Cell(cathode=None, anode=None)
    with pytest.raises(InputError, match="film_rate_2"):
        Cell()["film_rate"]
    with pytest.raises(InputError, match="porous"):
        Cathode(resolution="thick")
    with pytest.raises(ValidityError, match="2 … 5 wt%"):
        cycle(cell(carbon=0.01), protocol([C5]))


def test_lithium_symmetric_cells_are_resistors():
    found = cycle(Cell(cathode=None), protocol(["Charge at C/10 for 1 h at 5 MPa"]))
    volts = found.curves[0].voltage
    assert volts == pytest.approx(volts[0], rel=1e-9)
    seen = impedance(Cell(cathode=None), frequency=[1e-3])
    ohm = volts[0] / found.curves[0].current[0]  # both electrodes are still linear
    assert seen.z.real[0] == pytest.approx(ohm, rel=2e-2)


def test_nmc_symmetric_cells_come_back_to_zero():
    made = Cell(anode=None).at(initial_fraction=0.5, contact_loss=0.0)
    words = ["Charge at C/10 for 1 h at 5 MPa", "Discharge at C/10 for 1 h", "Rest for 5 h"]
    charge, discharge, rest = cycle(made, protocol(words)).curves
    assert charge.voltage[-1] > charge.voltage[0] > 0 > discharge.voltage[-1]
    assert rest.voltage[-1] == pytest.approx(0, abs=1e-5)
    assert (impedance(made, frequency=[1e3, 1.0]).z.real > 0).all()


# --- PyBaMM's own idiom --------------------------------------------------------------------


@pytest.mark.parametrize("group", ["pybamm_models", "pybamm_parameter_sets"])
def test_every_entry_point_loads(group):
    ours = [e for e in entry_points(group=group) if e.value.startswith("dualyte.")]
    if not ours:
        pytest.skip("installed without entry points")
    for entry in ours:
        assert entry.load()()


def test_a_simulation_in_pybamms_own_words():
    import pybamm

    from dualyte.cell.model import DualElectrolyteCell

    model = DualElectrolyteCell({"positive": "single particle", "negative": "silver"})
    experiment = pybamm.Experiment(
        [("Charge at C/10 until 4.3 V", "Discharge at C/10 until 2.8 V")]
    )
    run = pybamm.Simulation(model, experiment=experiment)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peer
        found = run.solve()
    capacity = found["Discharge capacity [A.h]"].data
    ours = of_study("paper-reservoir-free", "silver", cycles=0)
    assert 3600 * np.ptp(capacity) == pytest.approx(float(ours.charge[0]), rel=1e-3)


def test_unknown_options_are_named():
    import pybamm

    from dualyte.cell.model import DualElectrolyteCell

    with pytest.raises(pybamm.OptionError, match="options are"):
        DualElectrolyteCell({"colour": "red"})
    with pytest.raises(pybamm.OptionError, match="is one of"):
        DualElectrolyteCell({"positive": "sulfur"})


# --- the study -----------------------------------------------------------------------------


@pytest.mark.paper("Fig. 6d", says="97.35, 99.66, 99.67, 99.42, 97.61 % at 7, 7, 5, 3, 1 MPa")
def test_half_cells_have_the_efficiencies_they_were_calibrated_on():
    found = of_study("paper-half-cell", "half")
    assert 100 * found.ce[0] == pytest.approx(97.35, abs=0.02)
    for P, says in ((7e6, 99.66), (5e6, 99.67), (3e6, 99.42), (1e6, 97.61)):
        assert 100 * found.at(P).ce.mean() == pytest.approx(says, abs=0.02)


def test_every_parameter_has_a_source_and_an_honest_kind():
    for name, value in PARAMETERS.items():
        assert value.source, name
        assert value.where, name
        if value.kind == "calibrated":
            assert "F" in value.where, name  # the fact it was fitted to
