"""Circuits fitted to spectra: exact recovery, the statistical floor, honest errors, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from bilayer_cells import (
    AREA,
    CIRCUIT,
    FREQUENCY,
    NOISE,
    R_HE,
    bound,
    circuit,
    spectrum,
    start,
    truth,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import InputError
from dualyte.circuit import Spectrum, average, parse
from dualyte.measure.eis import (
    compare_circuits,
    fit_spectra,
    fit_spectrum,
    profile,
)
from dualyte.numerics import levenberg

SEEDS = 200


@pytest.fixture(scope="module")
def floor():
    """Fits of the reference spectrum over noise seeds, from starts off by a factor two."""
    return [fit_spectrum(spectrum(truth(), seed), start(seed)) for seed in range(SEEDS)]


# --- the statistical floor ---------------------------------------------------------------


def test_fits_from_starts_off_by_two_reach_the_statistical_floor(floor):
    errors = np.array([fit.numbers["R_he"] / R_HE - 1 for fit in floor])
    sigma = bound(truth())
    assert sigma == pytest.approx(0.0427, abs=0.0001)
    assert np.median(np.abs(errors)) <= 1.1 * 0.6745 * 0.0427
    assert np.mean(np.abs(errors) > 4 * sigma) <= 0.02


def test_no_fit_is_left_unconverged(floor):
    assert all(fit.converged for fit in floor)


def test_errors_are_as_large_as_the_fits_say(floor):
    pull = np.array([np.log(f.numbers["R_he"] / R_HE) / f.values["R_he"].spread for f in floor])
    assert 0.93 <= np.mean(np.abs(pull) < 2) <= 0.97


def test_the_noise_comes_back_from_the_residuals(floor):
    assert np.mean([fit.chi2_reduced for fit in floor]) ** 0.5 == pytest.approx(NOISE, rel=0.01)


def test_white_residuals_have_no_structure(floor):
    structure = np.array([fit.structure for fit in floor])
    assert -1.5 < structure.mean() < 0  # fitted parameters make neighbours slightly unlike
    assert structure.max() < 3.5


# --- exactness and invariance ------------------------------------------------------------


def test_without_noise_the_truth_comes_back():
    fit = fit_spectrum(spectrum(truth(), 0, noise=0.0), start(3))
    for name, number in truth().items():
        assert fit.numbers[name] == pytest.approx(number, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("R0-p(R1,CPE1)-Ws1", (2.0, 80.0, 1e-6, 0.9, 30.0, 0.3)),
        ("R0-p(R1-Wo1,CPE1)", (5.0, 60.0, 40.0, 5.0, 1e-5, 0.95)),
        ("L0-R0-p(R1,C1)-W2", (1e-7, 10.0, 100.0, 1e-7, 12.0)),
        ("R0-Zarc1-Zarc2", (5.0, 40.0, 1e-5, 0.9, 60.0, 1e-2, 0.85)),
        ("R0-p(C1,R1-p(R2,C2))", (10.0, 1e-8, 100.0, 300.0, 1e-5)),
    ],
)
def test_circuits_are_found_without_a_start(text, numbers):
    made = parse(text, *numbers)
    f = np.geomspace(1e6, 1e-2, 65)
    fit = fit_spectrum(Spectrum(frequency=f, z=made.impedance(f)), text)
    np.testing.assert_allclose(fit.z, made.impedance(f), rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 1e3))
def test_resistance_scales_with_the_impedance_and_capacitance_against_it(factor):
    base = spectrum(truth(), 1)
    one, two = (fit_spectrum(s, CIRCUIT) for s in (base, replace(base, z=base.z * factor)))
    assert two.numbers["R_he"] == pytest.approx(one.numbers["R_he"] * factor, rel=1e-4)
    assert two.values["C_he"].si == pytest.approx(one.values["C_he"].si / factor, rel=1e-4)
    assert two.values["f_he"].si == pytest.approx(one.values["f_he"].si, rel=1e-4)
    assert two.values["R_he"].spread == pytest.approx(one.values["R_he"].spread, rel=1e-3)


def test_area_turns_ohm_into_ohm_square_metre():
    with_area = spectrum(truth(), 1)
    without = replace(with_area, area=None)
    a, b = fit_spectrum(with_area, CIRCUIT), fit_spectrum(without, CIRCUIT)
    assert a.values["R_he"].si == pytest.approx(b.values["R_he"].si * AREA, rel=1e-6)
    assert (a.values["R_he"].quantity, b.values["R_he"].quantity) == ("asr", "resistance")
    assert any("no electrode area" in flag for flag in b.flags)


def test_arcs_are_named_by_their_order_in_time():
    written = "R_0-p(R_a,CPE_a)-p(R_b,CPE_b)-p(R_c,CPE_c)-CPE_tail"
    fit = fit_spectrum(spectrum(truth(), 2), written)
    f = [fit.values[f"f_{label}"].si for label in "abc"]
    assert f == sorted(f, reverse=True)


def test_labels_with_a_meaning_keep_it_wherever_they_are_written():
    reverse = "R_0-p(R_he,CPE_he)-p(R_gb,CPE_gb)-p(R_bulk,CPE_bulk)-CPE_tail"
    one, two = (fit_spectrum(spectrum(truth(), 2), text).numbers for text in (CIRCUIT, reverse))
    assert two["R_he"] == pytest.approx(one["R_he"], rel=1e-5)


def test_numbers_say_which_arc_is_which():
    names = list(truth())
    reverse = "R_0-p(R_c,CPE_c)-p(R_b,CPE_b)-p(R_a,CPE_a)-CPE_tail"
    p = truth()
    order = ("R_0", "R_he", "Q_he", "n_he", "R_gb", "Q_gb", "n_gb", "R_bulk", "Q_bulk", "n_bulk")
    made = parse(reverse, *[p[name] for name in (*order, *names[-2:])])
    fit = fit_spectrum(spectrum(truth(), 2), made)
    assert fit.values["f_c"].si == pytest.approx(5e3, rel=0.3)
    assert fit.values["f_a"].si == pytest.approx(3e6, rel=0.3)


def test_the_product_of_R_and_C_is_the_time_constant_of_the_arc():
    fit = fit_spectrum(spectrum(truth(), 2), CIRCUIT)
    for arc in ("bulk", "gb", "he"):
        R, C, f = (fit.values[f"{x}_{arc}"].si for x in "RCf")
        assert 2 * np.pi * f * R * C == pytest.approx(1, rel=1e-9)


def test_two_interfaces_halve_R_and_double_C():
    one = spectrum(truth(), 2)
    two = replace(one, interfaces=2)
    a, b = fit_spectrum(one, CIRCUIT), fit_spectrum(two, CIRCUIT)
    assert b.values["R_he"].si == pytest.approx(a.values["R_he"].si / 2)
    assert b.values["C_he"].si == pytest.approx(2 * a.values["C_he"].si)
    assert b.values["f_he"].si == pytest.approx(a.values["f_he"].si)
    assert b.values["R_gb"].si == a.values["R_gb"].si
    assert any("per interface, 2 in series" in flag for flag in b.flags)


def test_a_thickness_gives_conductivities_that_add_like_resistances():
    cell = replace(spectrum(truth(), 2), thickness=1e-3)
    values = fit_spectrum(cell, CIRCUIT).values
    total = sum(values[f"R_{x}"].si for x in ("0", "bulk", "gb"))
    assert values["sigma_total"].si == pytest.approx(1e-3 / total)
    assert values["sigma_bulk"].si == pytest.approx(1e-3 / values["R_bulk"].si)
    assert values["sigma_bulk"].spread == pytest.approx(values["R_bulk"].spread)


# --- what is fixed, tied, bounded, masked, weighted --------------------------------------


def test_fixing_what_is_known_narrows_the_rest():
    cell = spectrum(truth(), 4)
    loose = fit_spectrum(cell, CIRCUIT)
    known = {"n_he": truth()["n_he"], "R_gb": truth()["R_gb"]}
    tight = fit_spectrum(cell, CIRCUIT, fixed=known)
    assert tight.numbers["n_he"] == known["n_he"]
    assert tight.values["R_he"].spread < 0.5 * loose.values["R_he"].spread
    assert "n_he" not in tight.model.free


def test_tied_parameters_stay_equal():
    fit = fit_spectrum(spectrum(truth(), 4), CIRCUIT, tied=[("n_bulk", "n_gb")])
    assert fit.numbers["n_bulk"] == fit.numbers["n_gb"]
    assert len(fit.model.free) == 11


def test_bounds_are_kept_and_told():
    made = parse("R_0-p(R_1,CPE_1)", 5.0, 100.0, 1e-6, 0.8)
    f = np.geomspace(1e6, 1, 61)
    cell = Spectrum(frequency=f, z=made.impedance(f))
    fit = fit_spectrum(cell, "R_0-p(R_1,CPE_1)", bounds={"n_1": (0.85, 1.0)})
    assert fit.numbers["n_1"] == pytest.approx(0.85)
    assert any("n_1 lies at its bound" in flag for flag in fit.flags)


def test_a_masked_point_does_not_count():
    cell = spectrum(truth(), 4)
    z = cell.z.copy()
    z[30] *= 3
    spoilt = replace(cell, z=z, used=np.arange(69) != 30)
    clean = fit_spectrum(cell.pick(np.arange(69) != 30), CIRCUIT)
    fit = fit_spectrum(spoilt, CIRCUIT)
    assert fit.numbers["R_he"] == pytest.approx(clean.numbers["R_he"], rel=1e-6)
    assert fit.dof == clean.dof


def test_a_known_spread_weighs_points_and_leaves_errors_unscaled():
    cell = spectrum(truth(), 4)
    known = replace(cell, spread=NOISE * np.abs(cell.z))
    fit = fit_spectrum(known, CIRCUIT, weighting="spread")
    assert fit.chi2_reduced == pytest.approx(1, abs=0.35)
    modulus = fit_spectrum(cell, CIRCUIT)
    assert fit.numbers["R_he"] == pytest.approx(modulus.numbers["R_he"], rel=1e-6)


# --- profiles, comparison, automatic circuits --------------------------------------------


def test_a_profile_agrees_with_the_covariance_where_the_problem_is_nearly_linear():
    fit = fit_spectrum(spectrum(truth(), 4), CIRCUIT)
    low, high = profile(fit, "R_bulk")
    a, b = fit.values["R_bulk"].interval()
    assert (low, high) == (pytest.approx(a, rel=5e-3), pytest.approx(b, rel=5e-3))


def test_profiles_cover_the_truth_as_often_as_they_claim():
    inside = 0
    for seed in range(60):
        low, high = profile(fit_spectrum(spectrum(truth(), seed), start(seed)), "R_he")
        inside += low <= R_HE <= high
    assert 48 <= inside <= 59  # 54 ± 2.3


def test_a_missing_arc_leaves_structure_and_loses_by_criterion():
    cell = spectrum(truth(), 5)
    short = "R_0-p(R_1,CPE_1)-p(R_2,CPE_2)-CPE_tail"
    found = compare_circuits(cell, [short, CIRCUIT])
    assert [row["parameters"] for row in found.table()] == [12, 9]
    assert found.table()[1]["delta_bic"] > 10
    assert found.table()[1]["delta_aicc"] > 10
    wrong = fit_spectrum(spectrum(truth(), 5, noise=1e-4), short)
    assert any("no white noise" in flag for flag in wrong.flags)


def test_the_automatic_circuit_is_the_true_one():
    for seed in range(5):
        fit = fit_spectrum(spectrum(truth(), seed))
        assert list(fit.numbers) == list(truth())


def test_an_automatic_circuit_of_one_arc_has_one():
    made = parse("R_0-p(R_1,CPE_1)", 5.0, 100.0, 1e-6, 0.9)
    f = np.geomspace(1e6, 1, 61)
    rng = np.random.default_rng(0)
    z = made.impedance(f) * (1 + 2e-3 * (rng.standard_normal(61) + 1j * rng.standard_normal(61)))
    assert list(fit_spectrum(Spectrum(frequency=f, z=z)).numbers) == list(made.parameters)


@pytest.mark.parametrize("ratio", [2.0, 1.3])
def test_overlapping_arcs_are_called_overlapping(ratio):
    fit = fit_spectrum(spectrum(truth(ratio), 1), start(1, 1.15, ratio))
    told = " ".join(fit.flags)
    assert "hardly separates" in told or "not settled" in told


# --- batches -----------------------------------------------------------------------------


def test_a_batch_finds_what_single_fits_find():
    cells = [spectrum({**truth(), "R_he": R_HE * (1 + k / 20)}, k) for k in range(40)]
    batch = fit_spectra(cells, CIRCUIT, workers=2)
    for cell, fit in zip(cells, batch, strict=True):
        assert fit.chi2 <= fit_spectrum(cell, CIRCUIT).chi2 * (1 + 1e-6)


def test_a_bad_spectrum_in_a_batch_costs_only_itself():
    good = spectrum(truth(), 1)
    few = good.pick(slice(0, 5))
    told = []
    batch = fit_spectra([good, few, good], CIRCUIT, progress=lambda *at: told.append(at))
    assert len(batch.fits) == 2
    assert len(batch.failures) == 1
    assert "5 distinct frequencies cannot settle 12" in batch.rows[1].why
    column = batch.table()["R_he"]
    assert np.isnan(column[1])
    assert column[0] == column[2]
    assert told[-1] == (2, 2)


def test_spectra_of_a_batch_may_have_frequencies_of_their_own():
    cells = [spectrum(truth(), k) for k in range(3)]
    cut = [cells[0], cells[1].pick(slice(0, None, 2)), cells[2].between(10.0, 1e6)]
    batch = fit_spectra(cut, CIRCUIT)
    assert [fit.dof for fit in batch] == [126, 58, 2 * int(cut[2].used.sum()) - 12]


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"circuit": "R_0-p(R_1"}, "expected"),
        ({"fixed": {"R_hee": 1.0}}, "no parameter R_hee"),
        ({"fixed": {"R_he": -1.0}}, "cannot be fixed at -1"),
        ({"weighting": "spread"}, "needs the spread of every point"),
        ({"weighting": "log"}, "none of modulus"),
        ({"circuit": "auto", "tied": [("a", "b")]}, "give the circuit, not auto"),
    ],
)
def test_wrong_requests_get_one_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_spectrum(spectrum(truth(), 0), **{"circuit": CIRCUIT, **call})


def test_too_few_points_are_refused():
    with pytest.raises(InputError, match="4 distinct frequencies cannot settle 12 parameters"):
        fit_spectrum(spectrum(truth(), 0).pick(slice(0, 4)), CIRCUIT)


def test_repeated_frequencies_do_not_count_as_more():
    one = spectrum(truth(), 0).pick(slice(0, 4))
    many = Spectrum(frequency=np.tile(one.frequency, 5), z=np.tile(one.z, 5), area=AREA)
    with pytest.raises(InputError, match="4 distinct frequencies"):
        fit_spectrum(many, CIRCUIT)


def test_numbers_that_are_not_finite_are_refused():
    z = np.ones(69, dtype=complex)
    z[3] = np.nan
    with pytest.raises(InputError, match="point 4 of 69 is not a finite number"):
        Spectrum(frequency=FREQUENCY, z=z)


def test_a_fit_is_saved_with_what_was_measured_and_its_values():
    fit = fit_spectrum(spectrum(truth(), 0), CIRCUIT)
    data = fit.to_dataset()
    modulus = (data["re"] ** 2 + data["im"] ** 2) ** 0.5
    assert (abs(data["model_re"] - data["re"]) / modulus).max() < 5 * NOISE
    assert data.attrs["R_he_spread"] == fit.values["R_he"].spread


def test_the_circuit_of_a_fit_is_the_model_it_was_fitted_with():
    fit = fit_spectrum(spectrum(truth(), 0), circuit(**truth()))
    np.testing.assert_allclose(fit.circuit.impedance(FREQUENCY) / AREA, fit.z)
    assert str(fit).startswith("spectrum: R_0+(R_bulk|CPE_bulk)")


def test_three_arcs_are_named_after_a_bilayer_only_where_their_capacitances_are_its():
    numbers = {**truth(), "Q_bulk": 1e3 * truth()["Q_bulk"], "Q_gb": 300 * truth()["Q_gb"]}
    numbers |= {"Q_he": 100 * truth()["Q_he"], "Q_tail": 10.0}
    assert "R_1" in fit_spectrum(spectrum(numbers, 0)).numbers
    assert "R_1" in fit_spectrum(replace(spectrum(truth(), 0), area=None)).numbers
    assert "R_he" in fit_spectrum(spectrum(truth(), 0)).numbers


# --- what is easily got wrong --------------------------------------------------------------


def test_a_direction_that_the_data_leave_open_has_no_narrow_spread():
    made = parse("R_0-p(R_1,CPE_1)", 5.0, 100.0, 1e-6, 0.9)
    f = np.geomspace(1e6, 1, 61)
    rng = np.random.default_rng(0)
    z = made.impedance(f) * (1 + 1e-3 * (rng.standard_normal(61) + 1j * rng.standard_normal(61)))
    for twin in ("R_0-R_9-p(R_1,CPE_1)", "R_0-p(R_1,CPE_1,R_2)"):
        fit = fit_spectrum(Spectrum(frequency=f, z=z), twin)
        told = " ".join(fit.flags)
        assert "R_1 is not settled" in told or "R_0 lies at its bound" in told


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"tied": [("R_bulk", "n_gb")]}, "of different kinds"),
        ({"tied": [("n_gb", "n_he"), ("n_he", "n_bulk")]}, "n_he is tied twice"),
        ({"tied": [("n_gb", "n_he")], "fixed": {"n_gb": 0.8, "n_he": 0.9}}, "fixed apart"),
        ({"bounds": {"R_he": (5.0, 1.0)}}, "cannot lie between 5 and 1"),
        ({"fixed": {"n_he": 1.5}}, "cannot be fixed at 1.5; give a number from 0 to 1"),
    ],
)
def test_ties_and_bounds_without_meaning_are_refused(how, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_spectrum(spectrum(truth(), 0), CIRCUIT, **how)


def test_a_tie_holds_where_one_part_is_in_series_and_the_other_in_an_arc():
    made = parse("R_0-p(R_1,CPE_1)", 50.0, 50.0, 1e-6, 0.9)
    f = np.geomspace(1e6, 1, 61)
    fit = fit_spectrum(
        Spectrum(frequency=f, z=made.impedance(f)), "R_0-p(R_1,CPE_1)", tied=[("R_0", "R_1")]
    )
    assert fit.numbers["R_0"] == fit.numbers["R_1"] == pytest.approx(50.0)


def test_fixing_one_of_a_tied_group_fixes_all():
    how = {"tied": [("n_gb", "n_he")], "fixed": {"n_he": 0.8}}
    fit = fit_spectrum(spectrum(truth(), 0), CIRCUIT, **how)
    assert fit.numbers["n_gb"] == fit.numbers["n_he"] == 0.8


def test_the_profile_of_a_large_series_resistance_is_as_wide_as_its_spread():
    made = parse("R_0-p(R_1,CPE_1)", 1e4, 1e4, 1e-8, 0.9)
    f = np.geomspace(1e6, 1, 61)
    rng = np.random.default_rng(0)
    z = made.impedance(f) * (1 + 3e-3 * (rng.standard_normal(61) + 1j * rng.standard_normal(61)))
    fit = fit_spectrum(Spectrum(frequency=f, z=z), "R_0-p(R_1,CPE_1)")
    low, high = profile(fit, "R_0")
    assert high - low == pytest.approx(2 * 1.645 * fit.values["R_0"].spread, rel=0.02)


@pytest.mark.parametrize("replicates", [2, 3, 5])
def test_errors_from_few_replicates_are_as_large_as_they_say(replicates):
    pulls = []
    for seed in range(60):
        sweeps = [spectrum(truth(), 1000 * seed + k) for k in range(replicates)]
        fit = fit_spectrum(average(sweeps), start(seed), weighting="spread")
        pulls.append(
            np.log(fit.numbers["R_bulk"] / truth()["R_bulk"]) / fit.values["R_bulk"].spread
        )
    assert 0.75 < np.std(pulls) < 1.3


def test_a_spread_is_shared_between_interfaces_like_its_number():
    made = parse("R_he-p(R_1,CPE_1)", 50.0, 100.0, 1e-6, 0.9)
    f = np.geomspace(1e6, 1, 61)
    rng = np.random.default_rng(0)
    z = made.impedance(f) * (1 + 1e-3 * (rng.standard_normal(61) + 1j * rng.standard_normal(61)))
    one, two = (
        fit_spectrum(Spectrum(frequency=f, z=z, interfaces=n), "R_he-p(R_1,CPE_1)").values["R_he"]
        for n in (1, 2)
    )
    assert two.spread / two.si == pytest.approx(one.spread / one.si)


def test_ctrl_c_in_a_batch_keeps_what_is_fitted(monkeypatch):
    def stop(part, begins, *_):
        for begin in list(begins)[:2]:
            part(begin)
        return True

    monkeypatch.setattr(levenberg, "_in_parts", stop)
    cells = [spectrum(truth(), k) for k in range(40)]
    batch = fit_spectra(cells, start(0), workers=2)
    assert batch.stopped
    assert 0 < len(batch.fits) < len(cells)
    assert {row.why for row in batch.failures} == {"stopped before it was fitted"}


def test_an_arc_slower_than_all_that_was_measured_is_no_part_of_the_electrolyte():
    made = parse("R_0-p(R_bulk,CPE_bulk)-p(R_e,CPE_e)", 5e-4, 0.1, 1e-5, 0.9, 1e3, 1e-2, 0.95)
    f = np.geomspace(1e6, 10, 51)
    cell = Spectrum(frequency=f, z=made.impedance(f) / AREA, area=AREA, thickness=1e-3)
    values = fit_spectrum(cell, made).values
    assert "sigma_e" not in values
    assert values["sigma_total"].si == pytest.approx(1e-3 / (0.1 + 5e-4), rel=1e-3)
