"""What a cycler or a cell model yields: capacities, efficiency, retention, dQ/dV."""

import csv
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data

from dualyte import InputError, q, sources
from dualyte.circuit import Spectrum
from dualyte.cycles import (
    Curve,
    Cycles,
    count_cycles,
    cycles_from,
    gather,
    incremental_capacity,
)
from dualyte.material import material

MASS, AREA = 1e-5, 1e-4  # 10 mg of NMC on 1 cm²
HOUR = 3600.0
OTHER = {"charge": "discharge", "discharge": "charge"}
AMOUNT = st.floats(0.1, 100.0)


def step(kind, begin, coulomb, cycle=0, *, hours=1.0, pressure=7e6, points=7, **more):
    """A step at constant current, its voltage rising on charge and falling on discharge."""
    time = np.linspace(begin, begin + hours * HOUR, points)
    sign = {"charge": 1, "discharge": -1, "rest": 0, "hold": 1}[kind]
    current = np.full(points, sign * coulomb / (hours * HOUR))
    ramp = np.linspace(2.8, 4.3, points)
    voltage = {"charge": ramp, "discharge": ramp[::-1]}.get(kind, np.full(points, 4.3))
    return Curve(
        kind=kind,
        time=time,
        voltage=voltage,
        current=current,
        cycle=cycle,
        pressure=pressure,
        **more,
    )


def cell(pairs, first="charge", pressures=None, **more):
    """Cycles of (given, returned) in C, one hour per half."""
    curves, now = [], 0.0
    for n, (into, back) in enumerate(pairs):
        p = 7e6 if pressures is None else pressures[n]
        for kind, amount in ((first, into), (OTHER[first], back)):
            if amount:
                curves.append(step(kind, now, amount, n, pressure=p))
                now += HOUR
    return gather(curves, first=first, **{"mass": MASS, "area": AREA} | more)


# --- efficiency -----------------------------------------------------------------------


@given(st.lists(st.tuples(AMOUNT, st.floats(0.5, 1.0)), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_efficiency_is_what_comes_back_over_what_went_in(halves):
    pairs = [(into, into * back) for into, back in halves]
    full, half = cell(pairs, "charge"), cell(pairs, "discharge")
    expected = [back for _, back in halves]
    assert full.ce == pytest.approx(expected, rel=1e-12)
    assert half.ce == pytest.approx(expected, rel=1e-12)
    assert half.charge == pytest.approx(full.discharge, rel=1e-12)  # stripping is a charge


def test_a_silver_half_cell_divides_by_what_was_plated():
    plated = 7.2  # C: 2 mAh
    half = cell([(plated, 0.9735 * plated)], "discharge")
    assert half.first == "discharge"
    assert 100 * half.ce[0] == pytest.approx(97.35)
    assert gather(half.curves).ce[0] == pytest.approx(half.ce[0])  # the record begins with plating


@pytest.mark.paper("Fig. 7a", says="203.2 mAh/g at 94.08 % in the activation cycle")
def test_the_activation_charge_follows_from_capacity_and_efficiency():
    back = 203.2 * 3.6e3 * MASS
    row = cell([(back / 0.9408, back)], reservoir_free=True).check().rows()[0]
    assert row["discharge_mAh_g"] == pytest.approx(203.2)
    assert row["ce_percent"] == pytest.approx(94.08)
    assert row["charge_mAh_g"] == pytest.approx(215.99, abs=0.01)
    assert row["charge_mAh_cm2"] == pytest.approx(2.16, abs=1e-3)
    assert row["pressure_MPa"] == pytest.approx(7)


def test_a_half_cycle_alone_has_no_efficiency():
    record = cell([(10, 9), (10, 0)])
    assert np.isnan(record.ce[1])
    assert record.rows()[1]["ce_percent"] is None
    assert record.retention_vs_activation_percent == pytest.approx(100)  # of the last whole cycle


def test_a_cell_that_came_partly_charged_has_no_first_efficiency():
    """A first charge of a part, then a full discharge: 478 % is of no meaning."""
    record = cell([(10, 47.8), (48, 47.5)])
    assert np.isnan(record.ce[0])
    assert record.ce[1] == pytest.approx(47.5 / 48)
    assert any("478 %" in flag for flag in record.flags)


def test_a_slower_cycle_may_give_back_more_than_it_took_and_is_flagged():
    record = cell([(100, 80), (80, 90)], reservoir_free=True).check()
    assert record.ce[1] == pytest.approx(1.125)
    assert any("cycle 1" in flag for flag in record.flags)


@given(st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_a_larger_cell_has_the_same_specific_capacity(scale):
    one = cell([(10, 9), (9, 8.9)])
    other = cell([(10 * scale, 9 * scale), (9 * scale, 8.9 * scale)], mass=MASS * scale)
    assert other.specific_discharge == pytest.approx(one.specific_discharge, rel=1e-9)
    assert other.ce == pytest.approx(one.ce, rel=1e-9)
    assert other.retention_percent == pytest.approx(one.retention_percent, rel=1e-9)


# --- retention ------------------------------------------------------------------------


def test_the_two_retentions_differ_by_the_first_cycle_over_activation():
    record = cell([(110, 100), (95, 90), (88, 85.5)])
    assert record.retention_percent == pytest.approx(95)
    assert record.retention_vs_activation_percent == pytest.approx(85.5)
    ratio = record.retention_vs_activation_percent / record.retention_percent
    assert ratio == pytest.approx(record.discharge[1] / record.discharge[0])


def test_without_a_first_cycle_there_is_no_retention():
    assert np.isnan(cell([(10, 9)]).retention_percent)


@pytest.mark.paper("Fig. 7e", says="the drop near the 51st cycle is a connection issue")
def test_a_masked_cycle_is_left_out_of_efficiency_and_retention():
    record = cell([(100, 90), (90, 89), (60, 40)]).mask(2, why="connection issue")
    assert record.retention_percent == pytest.approx(100)
    assert np.isnan(record.ce[2])
    assert any("connection issue" in flag for flag in record.flags)
    assert record.discharge[2] == pytest.approx(40)  # nothing is lost


# --- conservation ---------------------------------------------------------------------


@given(AMOUNT, st.integers(2, 40), st.floats(0.1, 50))
@settings(max_examples=30, deadline=None)
def test_charge_is_the_integral_of_current_however_it_is_sampled(coulomb, points, hours):
    curve = step("discharge", 5.0, coulomb, points=points, hours=hours)
    assert curve.passed == pytest.approx(-coulomb, rel=1e-9)


def test_a_hold_counts_for_the_way_its_current_goes():
    charge = [step("charge", 0, 10.0), step("hold", HOUR, 2.0), step("discharge", 2 * HOUR, 11.0)]
    assert gather(charge).charge[0] == pytest.approx(12)
    out = Curve(kind="hold", time=[0, 10], voltage=[2.8, 2.8], current=[-1, -1], cycle=0)
    assert gather([out]).discharge[0] == pytest.approx(10)


def test_nothing_passes_at_rest_whatever_the_meter_reads():
    noise = Curve(kind="rest", time=[0, 1e5], voltage=[4, 4], current=[1e-6, 1e-6])
    assert gather([noise, step("charge", 1e5, 5.0)]).charge[0] == pytest.approx(5)


def test_an_ideal_cell_without_a_reservoir_gives_back_just_what_it_got():
    record = cell([(10, 10), (10, 10)], reservoir_free=True)
    assert record.check() is record


@given(st.lists(st.tuples(AMOUNT, AMOUNT), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_without_a_reservoir_no_more_comes_back_than_went_in(pairs):
    record = cell(pairs, reservoir_free=True)
    balance = np.cumsum(record.given) - np.cumsum(record.returned)
    assume(np.abs(balance).min() > 1e-6)
    if balance.min() > 0:
        assert record.check() is record
        assert np.nanmax(record.cumulative_ce) <= 1
    else:
        with pytest.raises(InputError, match="without a lithium reservoir cannot"):
            record.check()


def test_a_foil_cell_may_give_back_more_than_it_got():
    record = cell([(10, 10.2)])
    assert record.check() is record


def test_a_current_of_the_wrong_sign_is_refused():
    swapped = Curve(kind="charge", time=[0, 10], voltage=[3, 4], current=[-1, -1])
    with pytest.raises(InputError, match="wrong sign"):
        gather([swapped]).check()


@pytest.mark.parametrize("slip", [3600, 1 / 3600, 1000, 10])
def test_charge_in_another_unit_than_current_is_found(slip):
    told = Curve(kind="charge", time=[0, 10], voltage=[3, 4], current=[1, 1], charge=[0, 10 * slip])
    with pytest.raises(InputError, match="charge is in C and current in A"):
        gather([told]).check()


def test_time_goes_on_from_step_to_step():
    with pytest.raises(InputError, match="before the step before ends"):
        gather([step("charge", 0, 1.0), step("discharge", 100, 1.0)]).check()


# --- dQ/dV ----------------------------------------------------------------------------


def volts(m):
    return st.lists(st.floats(2.0, 4.5), min_size=m, max_size=m)


@given(st.integers(2, 30).flatmap(volts), st.floats(1e-3, 0.2), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_all_charge_is_under_dq_dv_even_where_voltage_goes_back(voltage, width, seed):
    charge = np.cumsum(np.random.default_rng(seed).random(len(voltage)))
    middle, slope = incremental_capacity(voltage, charge, width=width)
    assert slope.sum() * width == pytest.approx(charge[-1] - charge[0], rel=1e-9)
    assert (slope >= -1e-9 * slope.max()).all()
    assert middle[0] - width <= min(voltage)
    assert middle[-1] + width >= max(voltage)


@given(st.integers(2, 12).flatmap(volts), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_finer_logging_of_the_same_lines_changes_nothing(voltage, times):
    x = np.arange(len(voltage), dtype=float)
    fine = np.linspace(0, x[-1], times * (len(voltage) - 1) + 1)
    _, coarse_slope = incremental_capacity(voltage, x, width=0.05)
    _, fine_slope = incremental_capacity(np.interp(fine, x, voltage), fine, width=0.05)
    if coarse_slope.shape == fine_slope.shape:  # rounding may open an empty bin at an end
        assert fine_slope == pytest.approx(coarse_slope, abs=1e-6 * coarse_slope.max())


@given(st.integers(2, 12).flatmap(volts))
@settings(max_examples=30, deadline=None)
def test_a_curve_run_backwards_has_the_same_dq_dv(voltage):
    charge = np.arange(len(voltage), dtype=float)
    _, forth = incremental_capacity(voltage, charge)
    _, back = incremental_capacity(voltage[::-1], charge)
    assert back == pytest.approx(forth, abs=1e-6 * forth.max())


def test_a_straight_line_has_a_constant_dq_dv():
    _, slope = incremental_capacity(np.linspace(3, 4, 77), np.linspace(0, 5, 77), width=0.01)
    assert slope == pytest.approx(5, rel=1e-9)


def test_noise_moves_little_of_a_peak():
    """A plateau at 3.7 V with 1 mV of noise: the charge within 20 mV of it stays."""
    q_in = np.linspace(0, 1, 4001)
    clean = 3.7 + 0.02 * np.arctanh(np.clip(2 * q_in - 1, -0.999, 0.999))
    noisy = clean + 1e-3 * np.random.default_rng(1).standard_normal(q_in.size)
    assert (np.diff(noisy) < 0).any()
    near = []
    for voltage in (clean, noisy):
        middle, slope = incremental_capacity(voltage, q_in, width=5e-3)
        near.append(slope[np.abs(middle - 3.7) < 0.02].sum() * 5e-3)
        assert middle[np.argmax(slope)] == pytest.approx(3.7, abs=5e-3)
    assert near[1] == pytest.approx(near[0], abs=0.01)


def test_a_plateau_at_one_voltage_stays_finite():
    middle, slope = incremental_capacity([3.0, 3.0, 3.0], [0.0, 1.0, 2.0], width=0.01)
    assert (middle, slope) == (pytest.approx([3.005]), pytest.approx([200]))


def test_dq_dv_of_a_half_cycle_leaves_holds_out():
    record = gather(
        [
            step("charge", 0, 6.0),
            step("hold", HOUR, 2.0),
            step("charge", 2 * HOUR, 3.0),
            step("discharge", 3 * HOUR, 9.0),
        ]
    )
    _, slope = record.dq_dv(0, "charge", width=0.01)
    assert slope.sum() * 0.01 == pytest.approx(9)
    assert (slope >= 0).all()
    _, back = record.dq_dv(0, "discharge", width=0.01)
    assert back.sum() * 0.01 == pytest.approx(9)


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, 1e-12])
def test_a_bin_without_width_is_refused(width):
    with pytest.raises(InputError, match="no width of a bin"):
        incremental_capacity([3.0, 4.0], [0.0, 1.0], width=width)


# --- parts and tables -----------------------------------------------------------------


def test_cycles_at_each_pressure_are_all_cycles():
    pressures = [7e6, 7e6, 5e6, 5e6, 1e6]
    record = cell([(10, 9), (9, 8.9), (9, 8.8), (9, 8.7), (9, 8)], pressures=pressures)
    parts = [record.at(p, activation=True) for p in (7e6, 5e6, 1e6)]
    assert np.concatenate([p.cycle for p in parts]).tolist() == record.cycle.tolist()
    assert sum(p.discharge.sum() for p in parts) == pytest.approx(record.discharge.sum())
    assert sum(len(p.curves) for p in parts) == len(record.curves)
    assert record.at(7e6).cycle.tolist() == [1]  # activation stands apart
    with pytest.raises(InputError, match=r"no cycle at 3 MPa; it was cycled at 7 MPa, 5 MPa, 1"):
        record.at(3e6)


def test_rows_are_json_and_have_the_published_names():
    rows = json.loads(json.dumps(cell([(10, 9), (10, 0)]).rows(), allow_nan=False))
    assert list(rows[0])[:5] == [
        "cycle", "charge_mAh_g", "discharge_mAh_g", "ce_percent", "pressure_MPa"
    ]  # fmt: skip
    unknown = Cycles(cycle=[0], charge=[1.0], discharge=[0.9], pressure=[np.nan]).rows()[0]
    assert unknown["charge_mAh_g"] is None
    assert unknown["pressure_MPa"] is None


def seen(pressure):
    return Spectrum(frequency=[1e3, 1.0], z=[1 - 1j, 2 - 0.5j], pressure=pressure)


def recorded():
    curves = [
        step("charge", 0, 10.0, spectrum=seen(7e6), tag="activation"),
        step("rest", HOUR, 0.0),
        step("discharge", 2 * HOUR, 9.0),
        step("charge", 3 * HOUR, 9.0, 1, pressure=None),
        step("discharge", 4 * HOUR, 8.0, 1, pressure=None, spectrum=seen(None)),
    ]
    return gather(
        curves, mass=MASS, area=AREA, temperature=333.15, name="B7", flags=["one", "two"],
        reservoir_free=True, stopped="interrupted",
    )  # fmt: skip


def test_a_record_saved_reads_back_the_same(tmp_path):
    import xarray as xr

    record = recorded()
    record.to_dataset().to_netcdf(tmp_path / "cycles.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "cycles.nc", engine="h5netcdf") as file:
        back = cycles_from(file, spectrum=Spectrum)
        plain = cycles_from(file)
    assert back.rows() == record.rows()
    assert str(back) == str(record)
    for name in ("area", "mass", "temperature", "first", "reservoir_free", "flags", "stopped"):
        assert getattr(back, name) == getattr(record, name)
    for ours, theirs in zip(record.curves, back.curves, strict=True):
        assert (ours.kind, ours.cycle, ours.tag) == (theirs.kind, theirs.cycle, theirs.tag)
        assert ours.pressure == theirs.pressure
        for name in ("time", "voltage", "current", "charge"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert [n for n, _ in back.spectra] == [0, 1]
    for (_, ours), (_, theirs) in zip(record.spectra, back.spectra, strict=True):
        assert np.array_equal(ours.z, theirs.z)
        assert ours.pressure == theirs.pressure
    assert plain.spectra == ()


def test_a_record_without_curves_is_saved_too():
    bare = Cycles(cycle=[0, 1], charge=[2.0, 1.9], discharge=[1.9, 1.8], pressure=[5e6, 5e6])
    back = cycles_from(bare.to_dataset())
    assert back.rows() == bare.rows()
    assert back.mass is None


def test_what_is_recorded_cannot_be_changed():
    raw = np.array([0.0, 10.0])
    curve = Curve(kind="charge", time=raw, voltage=[3.0, 4.0], current=[1.0, 1.0])
    raw[1] = 99.0
    assert curve.time[1] == 10
    record = gather([curve])
    for column in (curve.time, curve.charge, record.charge, record.pressure, record.used):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_a_record_keeps_what_it_was_made_from():
    assert "paper2026" in sources(gather([step("charge", 0, 1.0)], made_from=[material("LNOC")]))


def test_what_a_person_reads_first():
    text = str(cell([(110, 100), (95, 90), (88, 85.5)], name="Ag", stopped="no convergence"))
    assert text.startswith("Ag: 3 cycles, last discharge ")
    assert "95.0 % of cycle 1" in text
    assert "at 7 MPa" in text
    assert text.endswith("stopped early: no convergence")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"time": [0, 1, 2]}, "3 of time, 2 of voltage"),
        ({"time": []}, "give as many"),
        ({"time": [1, 0]}, "time falls at row 2"),
        ({"voltage": [3, np.nan]}, "row 2 of voltage is not a finite number"),
        ({"charge": [0, -1]}, "charge passed is negative"),
        ({"kind": "pause"}, "not of a 'pause'"),
        ({"pressure": 5.0}, r'did you mean pressure=q\("5 MPa"\)'),
    ],
)
def test_a_curve_that_cannot_be_is_refused(change, why):
    parts = {"kind": "charge", "time": [0, 1], "voltage": [3, 4], "current": [1, 1]}
    with pytest.raises(InputError, match=why):
        Curve(**parts | change)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"charge": [1.0]}, "2 cycles but 1 of charge"),
        ({"cycle": [1, 1]}, "cycle numbers do not rise"),
        ({"discharge": [1.0, -2.0]}, "discharge of cycle 1 is -2 C"),
        ({"mass": 0.0}, "is not positive"),
        ({"first": "plating"}, "'charge' or 'discharge'"),
        ({"pressure": [7, 7]}, "did you mean"),
    ],
)
def test_cycles_that_cannot_be_are_refused(change, why):
    parts = {"cycle": [0, 1], "charge": [1.0, 1.0], "discharge": [1.0, 1.0], "pressure": [7e6] * 2}
    with pytest.raises(InputError, match=why):
        Cycles(**parts | change)


def test_a_capacity_per_mass_needs_a_mass():
    with pytest.raises(InputError, match=r'mass=q\("9 mg"\)'):
        _ = gather([step("charge", 0, 1.0)]).specific_charge
    assert q("9 mg") == pytest.approx(9e-6)


# --- counting -------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["charge", "discharge", "rest", "hold"]), max_size=30))
def test_every_cycle_but_the_last_goes_both_ways(kinds):
    numbers = count_cycles(kinds)
    assert len(numbers) == len(kinds)
    assert all(b - a in (0, 1) for a, b in pairwise(numbers))
    for n in set(numbers[:-1]) - {numbers[-1] if numbers else 0}:
        assert {"charge", "discharge"} <= {k for k, m in zip(kinds, numbers, strict=True) if m == n}


# --- a real file ----------------------------------------------------------------------


def test_a_laboratory_finds_the_same_capacities():
    """Argonne cell p492-13: cycle 1 is a discharge alone, cycle 2 the capacity check."""
    with shared_data("cycling/bdt_p492-13-raw.csv").open() as file:
        table = [row for row in csv.DictReader(file) if row["Cycle_Index"] in ("1", "2")]
    with shared_data("cycling/bdt_p492-13.oracle_summary.csv").open() as file:
        known = {row["Cycle_Index"]: row for row in csv.DictReader(file)}
    curves = []
    for number in dict.fromkeys(row["Step"] for row in table):
        rows = [row for row in table if row["Step"] == number]
        current = [float(row["Current_A"]) for row in rows]
        sign = np.sign(sum(current))
        kind = {1: "charge", -1: "discharge"}.get(int(sign), "rest")
        counter = np.array([float(row["Amphr"]) for row in rows])
        curves.append(
            Curve(
                kind=kind,
                time=[float(row["Time_s"]) for row in rows],
                voltage=[float(row["Voltage_V"]) for row in rows],
                current=current,
                charge=HOUR * (counter if kind != "rest" else 0 * counter),
                cycle=int(rows[0]["Cycle_Index"]),
            )
        )
    record = gather(curves, first="charge").check()
    assert record.cycle.tolist() == [1, 2]
    assert record.charge[1] == pytest.approx(HOUR * float(known["2"]["Q_chg"]), rel=1e-6)
    assert record.discharge[1] == pytest.approx(HOUR * float(known["2"]["Q_dis"]), rel=1e-6)
    assert record.ce[1] == pytest.approx(float(known["2"]["CE"]), rel=1e-6)
    assert np.isnan(record.ce[0])
    _, slope = record.dq_dv(2, "charge")
    assert slope.sum() * 5e-3 == pytest.approx(record.charge[1], rel=1e-2)
