"""Forward impedance: layers, interfaces and electrodes in one spectrum, and its circuit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dualyte as dl
from dualyte.circuit import Spectrum, parse, write
from dualyte.exact import peak_frequency
from dualyte.impedance import (
    FREQUENCIES,
    Electrode,
    HardLayer,
    SoftLayer,
    bilayer,
    blocking,
    impedance,
    impedance_rows,
    predict_impedance,
)
from dualyte.interface.press import BOLTZMANN, ROOM
from dualyte.material import Value, sources

MPa, EV = 1e6, 1.602176634e-19
SOFT, HARD = dl.material("LNOC"), dl.material("LLZTO")
STACKS = (55 * MPa, 8.2 * MPa, 1.8 * MPa)
COLD, WARM = ROOM - 30, ROOM + 15


def value(quantity, si):
    return Value(quantity=quantity, si=si, kind="assumed", source="user", where="test")


def joined(**how):
    face = dl.self_affine(
        sq=0.14e-6, correlation_length=8e-6, hurst=0.8, cutoff=1e-6, seed=1, size=32e-6, n=64
    )
    history = dl.powder_to_pellet(120 * MPa, STACKS, loading=False)
    contact = dl.press(SOFT, HARD, face, history)
    film = how.pop("film", dl.treatment("polished"))
    return dl.hetero_interface(contact, film, steps=[1, 2, 3], **how)


@pytest.fixture(scope="module")
def interface():
    return joined()


@pytest.fixture(scope="module")
def cell(interface):
    return bilayer(interface)


@pytest.fixture(scope="module")
def open_cell(interface):
    """Electrodes that do not block, so that the cell has a resistance at zero frequency."""
    metal = Electrode(resistance=value("asr", 1e-4), name="metal")
    return bilayer(interface, electrodes=(metal, metal))


@pytest.fixture(scope="module")
def prediction():
    face = dl.RoughFace(n=64, cutoff=1e-6)
    return dl.predict_interface(dl.built_in(face=face, stacks=(55 * MPa, 3 * MPa)), seeds=3)


def total(circuit):
    """Sum of all resistances of a circuit."""
    return sum(x for name, x in circuit.parameters.items() if name.startswith("R_"))


# Pellets that unload in place ----------------------------------------------------------


def test_soft_layers_resist_more_as_their_pellet_unloads(prediction):
    """By the rule of unloading, in the layers and in the constriction to the true contact."""
    pellet = dl.compact(dl.material("LPSCl"), dl.hold(120e6, 180.0))
    soft = dl.material("LPSCl")
    face, stacks = prediction.design.face, (55 * MPa, 3 * MPa)
    plain = dl.built_in(soft=soft, face=face, stacks=stacks)
    found = {
        name: dl.predict_interface(design, seeds=2, draws=50)
        for name, design in (
            ("plain", plain), ("pellet", replace(plain, pellet=pellet)),
        )
    }  # fmt: skip
    rows = {name: dl.predict_impedance(x).circuits for name, x in found.items()}
    bulk = {name: [c.parameters["R_0"] for c in cs] for name, cs in rows.items()}
    middle = [float(x.quantile(0.5)) for x in (soft["hardness"], pellet.process.unloading)]
    kept = dl.retained([55e6, 3e6], 120e6, *middle)
    assert bulk["plain"][0] == pytest.approx(bulk["plain"][1])
    assert bulk["pellet"][0] == pytest.approx(bulk["plain"][0], rel=1e-6)
    assert bulk["pellet"][1] / bulk["pellet"][0] == pytest.approx(kept[0] / kept[1], rel=1e-6)
    more = np.median(found["pellet"].constriction, axis=0) / np.median(
        found["plain"].constriction, axis=0
    )
    assert more[0] == pytest.approx(1, abs=0.01)  # other draws
    assert more[1] > 1.02
    assert "k of unloading" in found["pellet"].inputs


def test_a_pellet_pressed_beforehand_has_no_known_unloading():
    pellet = dl.compact(dl.material("LNOC"), dl.hold(120e6, 180.0))
    with pytest.raises(dl.InputError, match="leave pellet out"):
        dl.built_in(route="pellet-to-pellet", pellet=pellet)


# The verb ------------------------------------------------------------------------------


def test_one_condition_is_one_spectrum_and_a_sequence_is_a_list(cell):
    one = impedance(cell, pressure=55 * MPa)
    assert isinstance(one, Spectrum)
    assert np.array_equal(one.frequency, FREQUENCIES)
    assert (one.temperature, one.pressure, one.interfaces) == (ROOM, 55 * MPa, 2)
    many = impedance(cell, temperature=[COLD, ROOM], pressure=[55 * MPa, 1.8 * MPa])
    assert [(s.temperature, s.pressure) for s in many] == [
        (COLD, 55 * MPa), (ROOM, 55 * MPa), (COLD, 1.8 * MPa), (ROOM, 1.8 * MPa),
    ]  # fmt: skip
    assert np.array_equal(many[1].z, one.z)


def test_the_verb_is_the_verb_after_its_package_is_imported():
    import dualyte.impedance.stack  # noqa: F401 (the import is what is tested)

    assert dl.impedance is impedance
    assert callable(dl.impedance.register)


def test_another_type_may_register_its_own_model():
    class Wire:
        pass

    @impedance.register
    def _(thing: Wire, *, frequency=None, temperature=None, pressure=None, reading="Q"):
        return Spectrum(frequency=frequency, z=np.ones(np.size(frequency)))

    assert impedance(Wire(), frequency=[1.0, 2.0]).z.tolist() == [1, 1]


def test_what_has_no_model_is_refused_with_what_has_one():
    with pytest.raises(dl.InputError, match=r"for a int; there is one for Bilayer, .*Interface"):
        impedance(3)


def test_a_pressure_that_was_not_pressed_is_refused(cell):
    with pytest.raises(dl.InputError, match=r"not resolved at 7 MPa \(only at 55 MPa, 8.2 MPa"):
        impedance(cell, pressure=7 * MPa)
    with pytest.raises(dl.InputError, match="say which, such as"):
        impedance(cell)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"interfaces": 3}, "1 \\(soft \\| hard\\) or 2"),
        ({"area": -1.0}, "area=-1"),
        ({"hard_thickness": 0.8}, None),
        ({"hard_thickness": -1e-3}, "length=-0.001"),
    ],
)
def test_impossible_cells_are_refused(interface, changes, says):
    if says is None:  # 0.8 m is long, but a length
        assert bilayer(interface, **changes).hard.thickness.si == 0.8
        return
    with pytest.raises(dl.InputError, match=says):
        bilayer(interface, **changes)


def test_impossible_layers_and_electrodes_are_refused():
    with pytest.raises(dl.InputError, match="a share from 0 to below 1"):
        replace(HardLayer.of(HARD), gb_resistance_share=value("ratio", 1.0))
    with pytest.raises(dl.InputError, match="neither a resistance nor a Q"):
        Electrode()
    with pytest.raises(dl.InputError, match="Q and n belong together"):
        Electrode(Q=value("capacitance", 0.1))
    with pytest.raises(dl.InputError, match="must be positive"):
        Electrode(resistance=value("asr", 0.0))
    with pytest.raises(dl.ValidityError, match="Arrhenius"):
        impedance(joined(), temperature=500.0, pressure=55 * MPa)


# The interface -------------------------------------------------------------------------


@pytest.mark.parametrize("reading", ["C", "Q"])
def test_an_interface_alone_adds_nothing(interface, reading):
    found = impedance(interface, temperature=COLD, pressure=8.2 * MPa, reading=reading)
    same = dl.interface_impedance(interface, FREQUENCIES, temperature=COLD, reading=reading)[1]
    assert np.allclose(found.specific, same, rtol=1e-14)
    assert found.interfaces == 1


@pytest.mark.parametrize("reading", ["C", "Q"])
@pytest.mark.parametrize("pressure", STACKS)
@pytest.mark.parametrize("temperature", [COLD, ROOM, WARM])
def test_spectrum_and_circuit_agree_where_constriction_is_negligible(
    interface, cell, temperature, pressure, reading
):
    """Far above the arc the constriction is still there: their difference is that, no more."""
    k = STACKS.index(pressure)
    found = dl.resistance(interface, temperature=temperature)
    assert found.length_ratio[k] < 0.02
    constriction, R_he = 2 * found.constriction[k], 2 * found.total[k]
    assert constriction < 0.02 * R_he
    f = np.append(FREQUENCIES[FREQUENCIES < 1e6], 1e-4)
    at = {"temperature": temperature, "pressure": pressure, "reading": reading}
    exact = impedance(cell, frequency=f, **at).specific
    error = np.abs(cell.circuit(**at).impedance(f) - exact)
    assert error.max() < 1.2 * constriction
    assert error[-1] < 1e-3 * constriction


def test_spectrum_and_circuit_part_where_constriction_counts():
    """Without a film, on a weak transfer resistance, no single R and Q describe the map."""
    weak = replace(dl.transfer(), resistance=value("asr", 1e-7))
    bad = joined(film=dl.treatment("heat-treated"), charge_transfer=weak)
    assert dl.resistance(bad).length_ratio[0] > 1
    f = np.geomspace(1e6, 1e2, 60)
    exact = impedance(bad, frequency=f, pressure=55 * MPa).specific
    circuit = bilayer(bad).lumped(_he_of(bad), ROOM, "Q")
    he = parse("(R_he|CPE_he|C_gap)").at(
        **{x: y for x, y in circuit.parameters.items() if x in ("R_he", "Q_he", "n_he", "C_gap")}
    )
    assert np.abs(he.impedance(f) / 2 / exact - 1).max() > 0.05


def _he_of(thing):
    f, change = thing.measures[0].fraction, thing.transfer
    return (
        float(dl.resistance(thing).total[0]),
        f * change.capacitance.si,
        change.exponent.si,
        float(thing.contact.gap_capacitance[thing.steps[0]]),
    )


def test_pressure_moves_only_the_interface(cell, interface):
    """R of the contact falls as 1/f, Q rises as f; every other number stays."""
    high, low = (cell.circuit(pressure=p).parameters for p in (55 * MPa, 1.8 * MPa))
    f = [m.fraction for m in interface.measures]
    assert high["R_he"] / low["R_he"] == pytest.approx(f[2] / f[0], rel=0.02)
    assert high["Q_he"] / low["Q_he"] == pytest.approx(f[0] / f[2], rel=1e-12)
    moved = {name for name in high if high[name] != low[name]}
    assert moved == {"R_he", "Q_he", "C_gap"}


def test_a_symmetric_cell_doubles_r_and_halves_c(interface):
    two, one = (bilayer(interface, interfaces=k).circuit(pressure=55 * MPa) for k in (2, 1))
    assert two.parameters["R_he"] == 2 * one.parameters["R_he"]
    assert two.parameters["Q_he"] == one.parameters["Q_he"] / 2
    assert two.parameters["C_gap"] == one.parameters["C_gap"] / 2
    assert two.parameters["R_0"] == 2 * one.parameters["R_0"]
    assert two.parameters["R_gb"] == one.parameters["R_gb"]
    alone = impedance(interface, pressure=55 * MPa).specific
    soft = SoftLayer.of(SOFT).arc(ROOM).impedance(2j * np.pi * FREQUENCIES)
    both = [impedance(bilayer(interface, interfaces=k), pressure=55 * MPa) for k in (2, 1)]
    assert np.allclose(both[0].specific - both[1].specific, alone + soft, rtol=1e-9)
    assert [s.interfaces for s in both] == [2, 1]
    assert [s.name for s in both] == ["LNOC | LLZTO | LNOC", "LNOC | LLZTO"]


# Limits --------------------------------------------------------------------------------


def test_at_zero_frequency_resistances_add_up(open_cell):
    for temperature in (COLD, ROOM):
        circuit = open_cell.circuit(temperature=temperature, pressure=55 * MPa)
        still = impedance(
            open_cell, frequency=1e-9, temperature=temperature, pressure=55 * MPa
        ).specific[0]
        # a constant-phase element still conducts (ωRQ)ⁿ of it
        assert still.real == pytest.approx(total(circuit), rel=1e-6)
        assert abs(still.imag) < 1e-5 * still.real


def test_at_high_frequency_only_leads_are_left(interface):
    metal = Electrode(resistance=value("asr", 1e-4), Q=value("capacitance", 0.1),
                      n=value("cpe_exponent", 0.9), name="metal")  # fmt: skip
    leads = bilayer(interface, electrodes=(metal, metal), lead_resistance=5e-4, inductance=1e-12)
    z = impedance(leads, frequency=1e15, pressure=55 * MPa).specific[0]
    bare = z - 2j * np.pi * 1e15 * 1e-12
    assert bare.real == pytest.approx(5e-4, rel=0.02)
    assert abs(bare.imag) < 1e-4


def test_a_blocking_cell_has_no_resistance_and_the_angle_of_its_tail(cell):
    z = impedance(cell, frequency=[1e-6, 1e-7], pressure=55 * MPa).specific
    assert np.angle(z, deg=True) == pytest.approx(-90 * blocking().n.si, abs=0.01)
    assert abs(z[1] / z[0]) == pytest.approx(10**0.9, rel=1e-3)


def test_the_spectrum_obeys_kramers_and_kronig(open_cell):
    """Re Z(0) − Re Z(∞) = (2/π) ∫ −Im Z d ln ω."""
    f = np.geomspace(1e16, 1e-8, 4001)
    z = impedance(open_cell, frequency=f, pressure=55 * MPa).specific
    area = np.trapezoid(-z.imag, -np.log(f)) * 2 / np.pi
    assert z.real[-1] - z.real[0] == pytest.approx(area, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(50e-6, 5e-3), st.floats(0.0, 0.9), st.floats(0.8, 1.0), st.floats(0.8, 1.0),
    st.floats(238.15, 338.15),
)  # fmt: skip
def test_frequency_and_r_times_c_of_an_arc_never_disagree(d, share, n_bulk, n_gb, temperature):
    layer = replace(
        HardLayer.of(HARD, d),
        gb_resistance_share=value("ratio", share),
        bulk_exponent=value("cpe_exponent", n_bulk),
        gb_exponent=value("cpe_exponent", n_gb),
    )
    for name, n in (("bulk", n_bulk), ("gb", n_gb)):
        arc = layer.arcs(temperature)[name]
        assert float(arc.frequency) == pytest.approx(
            float(peak_frequency(arc.resistance, arc.Q, n)), rel=1e-12
        )
        f = np.geomspace(0.8, 1.25, 401) * float(arc.frequency)
        top = f[np.argmax(-arc.impedance(2j * np.pi * f).imag)]
        assert top == pytest.approx(float(arc.frequency), rel=2e-3)


def test_the_share_of_the_grain_boundaries_leaves_the_total(cell):
    for share in (0.0, 0.2, 0.6):
        layer = replace(cell.hard, gb_resistance_share=value("ratio", share))
        found = sum(float(arc.resistance) for arc in layer.arcs(ROOM).values())
        expected = layer.thickness.si / layer.conductivity.si
        assert found == pytest.approx(expected, rel=1e-9)


def test_the_relaxation_of_a_material_does_not_depend_on_thickness():
    thin, thick = (HardLayer.of(HARD, d).arcs(ROOM) for d in (1e-4, 1e-3))
    for name in ("bulk", "gb"):
        assert float(thin[name].frequency) == pytest.approx(float(thick[name].frequency))
        assert float(thick[name].resistance) == pytest.approx(10 * float(thin[name].resistance))


def test_each_arc_moves_by_its_own_activation_energy(cell, interface):
    """R by E, and the frequency by E/n: Q and n stay."""
    cold, room = (cell.circuit(temperature=T, pressure=55 * MPa).parameters for T in (COLD, ROOM))
    change = 1 / COLD - 1 / ROOM
    for name, energy in (("bulk", 0.43), ("gb", 0.48)):
        found = np.log(cold[f"R_{name}"] / room[f"R_{name}"]) * BOLTZMANN / change / EV
        assert found == pytest.approx(energy, abs=1e-9)
        assert cold[f"Q_{name}"] == room[f"Q_{name}"]
        shift = [
            float(peak_frequency(x[f"R_{name}"], x[f"Q_{name}"], x[f"n_{name}"]))
            for x in (cold, room)
        ]
        slope = np.log(shift[1] / shift[0]) * BOLTZMANN / change / EV
        assert slope == pytest.approx(energy / room[f"n_{name}"], rel=1e-9)
    he = np.log(cold["R_he"] / room["R_he"]) * BOLTZMANN / change / EV
    assert interface.transfer.activation_energy.si / EV < he < 0.52
    assert cold["Q_he"] == room["Q_he"]


# The study -----------------------------------------------------------------------------


@pytest.mark.paper("Fig. 3a,b", says="> 3 MHz, 50-80 kHz, 3-6 kHz at 25 °C and 55 MPa")
def test_arcs_lie_where_the_study_finds_them(cell):
    """None of these frequencies went in; the grain boundary is that of another garnet."""
    x = cell.circuit(pressure=55 * MPa).parameters
    f = {
        name: float(peak_frequency(x[f"R_{name}"], x[f"Q_{name}"], x[f"n_{name}"]))
        for name in ("bulk", "gb", "he")
    }
    assert f["bulk"] > 3e6
    assert 50e3 < f["gb"] < 80e3
    assert 2e3 < f["he"] < 9e3  # the spread of the calibration is wider than the study's


@pytest.mark.paper("Fig. 5d,e", says="grain boundary 0.6-0.9 MHz at 60 °C")
def test_the_grain_boundary_speeds_up_as_measured():
    assert 0.6e6 < float(HardLayer.of(HARD).arcs(333.15)["gb"].frequency) < 0.9e6


def test_no_fact_for_comparison_went_in(cell):
    """Frequencies of arcs are compared with, so no input is a frequency."""
    assert all(v.quantity != "frequency" for v in cell.layer_inputs().values())
    assert {"assumed"} == {
        v.kind for name, v in cell.layer_inputs().items() if v.source == "dualyte_prior"
    }
    assert sources(cell)["eckhardt2023"] == {"literature"}


# Other cells ---------------------------------------------------------------------------


def test_a_cell_with_lithium_ends_in_a_resistance(interface):
    lithium = Electrode(
        resistance=value("asr", 10e-4), activation_energy=value("activation_energy", 0.5 * EV),
        name="li",
    )  # fmt: skip
    half = bilayer(interface, interfaces=1, electrodes=(blocking(), lithium))
    room, cold = (half.circuit(temperature=T, pressure=55 * MPa) for T in (ROOM, COLD))
    assert write(room, "impedance.py") == (
        "R_0-p(R_bulk,CPE_bulk)-p(R_gb,CPE_gb)-p(R_he,CPE_he,C_gap)-CPE_tail-R_li"
    )
    assert room.parameters["R_li"] == pytest.approx(10e-4)
    slope = np.log(cold.parameters["R_li"] / room.parameters["R_li"])
    assert slope * BOLTZMANN / (1 / COLD - 1 / ROOM) / EV == pytest.approx(0.5)
    f = FREQUENCIES[FREQUENCIES < 1e6]
    z = impedance(half, frequency=f, pressure=55 * MPa).specific
    assert np.abs(room.impedance(f) / z - 1).max() < 0.01


def test_leads_add_their_resistance_and_inductance(interface, cell):
    more = bilayer(interface, lead_resistance=3e-4, inductance=1e-11)
    plain, with_leads = (impedance(c, pressure=55 * MPa) for c in (cell, more))
    added = with_leads.specific - plain.specific
    assert np.allclose(added, 3e-4 + 1e-11j * plain.omega, rtol=1e-9)
    x = more.circuit(pressure=55 * MPa).parameters
    assert x["L_0"] == 1e-11
    assert x["R_0"] == pytest.approx(cell.circuit(pressure=55 * MPa).parameters["R_0"] + 3e-4)


def test_area_scales_the_impedance_and_not_the_specific_one(interface, cell):
    large = impedance(bilayer(interface, area=2e-4), pressure=55 * MPa)
    small = impedance(cell, pressure=55 * MPa)
    assert np.allclose(large.z, small.z / 2)
    assert np.allclose(large.specific, small.specific)
    assert small.z[0] == pytest.approx(small.specific[0] * 1e4)


def test_a_hard_material_without_a_grain_boundary_borrows_it_as_assumed():
    bare = replace(
        HARD, properties={x: HARD[x] for x in ("conductivity", "activation_energy", "hardness")}
    )
    layer = HardLayer.of(bare)
    assert layer.gb_conductivity.kind == "assumed"
    assert "that of LLZTO" in layer.gb_conductivity.where
    assert layer.bulk_activation_energy is HARD["activation_energy"]


# Prediction ----------------------------------------------------------------------------


@pytest.mark.parametrize("reading", ["C", "Q"])
def test_the_predicted_spectrum_is_that_of_its_circuit(prediction, reading):
    """Up to the constriction, which a patchwork keeps above the frequency of its arc."""
    found = predict_impedance(prediction, reading=reading)
    f = found.frequency < 1e6
    for z, circuit in zip(found.z, found.circuits, strict=True):
        error = np.abs(circuit.impedance(found.frequency)[f] - z[f])
        assert error.max() < 0.02 * circuit.parameters["R_he"]


def test_a_prediction_counts_interfaces_once_and_says_so(prediction):
    pair, alone = (predict_impedance(prediction, cell=x) for x in ("symmetric", "interface"))
    rows = [impedance_rows(x) for x in (pair, alone)]
    R = [row[0]["parameters"]["R_he"]["value"] for row in rows]
    assert R[0] / 2 == pytest.approx(dl.interface_rows(prediction)[0]["r_he_ohm_cm2"], rel=0.2)
    assert [row[0]["interfaces"] for row in rows] == [2, 1]
    assert rows[0][0]["convention"].startswith("per cell: two interfaces")
    assert rows[1][0]["convention"].startswith("per interface")
    assert R[0] == R[1]  # the circuit is always that of the cell


def test_the_interface_alone_ends_at_its_resistance(prediction):
    alone = predict_impedance(prediction, cell="interface", frequency=[1e-6, 1.0])
    R = [c.parameters["R_he"] / 2 for c in alone.circuits]
    assert alone.z[:, -1].real == pytest.approx(R, rel=1e-4)
    ends = np.median(alone.samples[:, :, -1].real, axis=0)
    assert ends == pytest.approx(np.median(prediction.total, axis=0), rel=0.1)


def test_the_band_holds_the_median_and_narrows_when_thickness_is_given(prediction):
    wide = impedance_rows(predict_impedance(prediction))[0]
    thin = value("length", 0.8e-3)
    narrow = impedance_rows(predict_impedance(prediction, hard_thickness=thin))[0]
    for name in ("re", "im"):
        low, high = (np.array(wide[f"{name}_interval_90"][x]) for x in ("low", "high"))
        inside = (low <= np.array(wide[name])) & (np.array(wide[name]) <= high)
        assert inside.mean() > 0.9

    def width(row):
        ends = row["re_interval_90"]
        return ends["high"][20] - ends["low"][20]

    assert width(narrow) < 0.8 * width(wide)
    assert any("thickness of the hard layer assumed" in flag for flag in wide["flags"])
    assert not any("thickness of the hard layer assumed" in flag for flag in narrow["flags"])


def test_a_prediction_in_another_cell_or_reading_is_refused(prediction):
    with pytest.raises(dl.InputError, match="cell is 'coin'; it is one of symmetric, interface"):
        predict_impedance(prediction, cell="coin")
    with pytest.raises(dl.InputError, match="reading is 'R'; it is C or Q"):
        predict_impedance(prediction, reading="R")
    with pytest.raises(dl.InputError, match="not a positive number"):
        predict_impedance(prediction, frequency=[0.0, 1.0])


def test_the_same_prediction_gives_the_same_samples(prediction):
    first, second = (predict_impedance(prediction).samples for _ in range(2))
    assert np.array_equal(first, second)


def test_a_predicted_spectrum_can_be_saved(prediction):
    data = predict_impedance(prediction).to_dataset()
    assert data["re"].attrs["units"] == "ohm m2"
    assert data.attrs["convention"].startswith("per cell")
