"""Series fitted as one: what one spectrum cannot tell, how laws are tested, what limits an arc."""

import numpy as np
import pytest
from bilayer_cells import (
    AREA,
    CIRCUIT,
    ENERGY,
    FRACTIONS,
    FREQUENCY,
    NOISE,
    R_HE,
    TEMPERATURES,
    circuit,
    noisy,
    series,
    spectrum,
    truth,
)

from dualyte import InputError, Value
from dualyte.circuit import Spectrum, parse
from dualyte.measure.eis import fit_spectrum
from dualyte.measure.joint import (
    Terms,
    compare_joint,
    fit_joint,
    judge_mechanism,
    reference_cell,
    stability,
)

EV = 1.602176634e-19
NINE = TEMPERATURES[::2]


def error(fit):
    return fit.values["R_he"].si / R_HE - 1


def energy(fit):
    return fit.values["Ea_he"].si / EV


@pytest.fixture(scope="module")
def both():
    """Arcs apart by two, over temperature and pressure."""
    return fit_joint(series(0, ratio=2.0, temperatures=NINE, fractions=FRACTIONS), CIRCUIT)


# --- overlap: separated by how arcs move -------------------------------------------------


@pytest.mark.parametrize(("ratio", "within"), [(3.0, 0.05), (2.0, 0.08), (1.3, 0.20)])
def test_temperature_separates_arcs_that_overlap_in_every_spectrum(ratio, within):
    for seed in range(2):
        fit = fit_joint(series(seed, ratio=ratio), CIRCUIT)
        assert abs(error(fit)) < within
        assert energy(fit) == pytest.approx(0.51, abs=0.01)
        assert not fit.broken


@pytest.mark.parametrize("ratio", [3.0, 2.0, 1.3])
def test_temperature_and_pressure_together_settle_them_to_a_percent(ratio):
    fit = fit_joint(series(1, ratio=ratio, fractions=FRACTIONS), CIRCUIT)
    assert abs(error(fit)) < 0.01
    assert energy(fit) == pytest.approx(0.51, abs=0.01)
    assert fit.values["m_he"].si == pytest.approx(1.0, abs=0.01)
    for name, expected in ENERGY.items():
        found = fit.values[f"Ea_{name.removeprefix('R_')}"].si / EV
        assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "within"), [(3.0, 0.05), (2.0, 0.08), (1.3, 0.20)])
def test_twenty_series_over_temperature_stay_within_bounds(ratio, within):
    fits = [fit_joint(series(seed, ratio=ratio), CIRCUIT) for seed in range(20)]
    assert max(abs(error(fit)) for fit in fits) < within
    assert max(abs(energy(fit) - 0.51) for fit in fits) < 0.01
    low_high = [fit.profiles["R_he"] for fit in fits]
    assert sum(low <= R_HE <= high for low, high in low_high) >= 15


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [3.0, 2.0, 1.3])
def test_twenty_series_over_temperature_and_pressure_stay_within_a_percent(ratio):
    fits = [
        fit_joint(series(seed, ratio=ratio, fractions=FRACTIONS), CIRCUIT) for seed in range(20)
    ]
    assert max(abs(error(fit)) for fit in fits) < 0.01
    assert max(abs(energy(fit) - 0.51) for fit in fits) < 0.01


def test_single_fits_cannot_separate_what_the_series_does():
    cells = series(0, ratio=1.3)
    alone = [fit_spectrum(cell, CIRCUIT) for cell in cells]
    joint = fit_joint(cells, CIRCUIT)
    energies = np.array([0.51 * (1 / s.temperature - 1 / 298.15) / 8.617333262e-5 for s in cells])
    away = [np.log(fit.numbers["R_he"] / R_HE) for fit in alone] - energies
    assert np.median(np.abs(away)) > 0.3
    assert abs(error(joint)) < 0.2


def test_the_noise_is_that_of_every_spectrum_fitted_alone(both):
    assert both.noise**0.5 == pytest.approx(NOISE, rel=0.02)
    assert both.chi2_reduced**0.5 == pytest.approx(NOISE, rel=0.02)


# --- laws that do not hold ---------------------------------------------------------------


@pytest.mark.parametrize("drifting", [("he",), ("bulk", "gb", "he")])
def test_a_drift_of_n_is_flagged_and_fitted(drifting):
    fit = fit_joint(series(3, ratio=3.0, drift_n=0.05, drifting=drifting), CIRCUIT)
    assert fit.broken
    assert fit.tests[-1].holds
    assert fit.tests[-1].terms.drift_n
    assert any("hard laws do not describe the series" in flag for flag in fit.flags)
    low, high = fit.profiles["R_he"]
    assert low <= R_HE <= high
    assert fit.number("drift_n_he") == pytest.approx(0.05 * 0.85, abs=0.01)


def test_a_small_drift_of_Q_stays_inside_the_interval():
    fit = fit_joint(series(2, ratio=2.0, drift_Q=0.05), CIRCUIT)
    low, high = fit.profiles["R_he"]
    assert low <= R_HE <= high


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [3.0, 2.0, 1.3])
def test_twenty_drifts_of_n_are_flagged_and_covered(ratio):
    fits = [fit_joint(series(seed, ratio=ratio, drift_n=0.05), CIRCUIT) for seed in range(20)]
    assert sum(fit.broken for fit in fits) >= 19
    if ratio == 1.3:
        told = [any("R_he is not identifiable" in f for f in fit.flags) for fit in fits]
        assert sum(told) >= 19
        return
    assert sum(fit.profiles["R_he"][0] <= R_HE <= fit.profiles["R_he"][1] for fit in fits) >= 16


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [3.0, 2.0, 1.3])
def test_twenty_drifts_of_Q_stay_inside_the_interval(ratio):
    fits = [fit_joint(series(seed, ratio=ratio, drift_Q=0.05), CIRCUIT) for seed in range(20)]
    assert sum(fit.profiles["R_he"][0] <= R_HE <= fit.profiles["R_he"][1] for fit in fits) >= 16


def test_a_contact_that_is_no_power_law_is_found_level_by_level():
    pressures = [55e6, 30e6, 10e6, 3e6]
    fractions = [p / (p + 20e6) * 75 / 55 for p in pressures]
    cells = series(0, ratio=2.0, temperatures=NINE, fractions=fractions, pressures=pressures)
    fit = fit_joint(cells, CIRCUIT)
    assert fit.tests[-1].terms.contact
    levels, found, spread = fit.contact("he")
    assert levels.tolist() == pressures
    np.testing.assert_allclose(found, np.array(fractions) / fractions[0], atol=4 * spread.max())
    assert abs(error(fit)) < 0.05


def test_deviations_that_no_law_describes_widen_the_intervals():
    rng = np.random.default_rng(0)
    cells = []
    for k, T in enumerate(NINE):
        p = truth(3.0)
        for name, value in ENERGY.items():
            p[name] *= np.exp(value * (1 / T - 1 / 298.15) / 8.617333262e-5)
        for name in p:
            if name[0] == "R":
                p[name] *= np.exp(0.05 * rng.standard_normal())
        cells.append(spectrum(p, k, temperature=T))
    fit = fit_joint(cells, CIRCUIT)
    assert fit.soft is not None
    assert any("priors with fitted widths" in flag for flag in fit.flags)
    widths = dict(zip(fit.design.model.names, fit.soft.width, strict=True))
    assert 0.02 < widths["R_bulk"] < 0.1
    low, high = fit.profiles["R_he"]
    assert low <= R_HE <= high
    assert high / low > 1.05


# --- identity, reference cells, comparison -----------------------------------------------


def test_arcs_keep_their_identity_over_the_series(both):
    f = [both.values[f"f_{label}"].si for label in ("bulk", "gb", "he")]
    assert f == sorted(f, reverse=True)


def test_a_reference_cell_of_one_electrolyte_narrows_the_interface():
    cells = series(4, ratio=1.3, temperatures=NINE)
    loose = fit_joint(cells, CIRCUIT)
    known = {
        name: Value(
            quantity="asr", si=truth()[name], spread=0.01, law="log-normal", kind="measured",
            source="user", where="reference cell",
        )
        for name in ("R_gb", "R_bulk")
    }  # fmt: skip
    tight = fit_joint(cells, CIRCUIT, known=known)
    assert tight.values["R_he"].spread < 0.5 * loose.values["R_he"].spread
    assert abs(error(tight)) < 0.04


def test_a_thinner_electrolyte_has_less_resistance_and_more_capacitance():
    pellet = "R_0-p(R_bulk,CPE_bulk)-p(R_gb,CPE_gb)-CPE_tail"
    p = {name: v for name, v in truth().items() if "he" not in name}
    z = noisy(parse(pellet, *p.values()).impedance(FREQUENCY) / AREA, seed=0)
    cell = Spectrum(frequency=FREQUENCY, z=z, area=AREA, thickness=1e-3)
    fit = fit_spectrum(cell, pellet)
    known = reference_cell(fit, ["bulk", "gb"], thickness=0.5e-3)
    assert known["R_gb"].si == pytest.approx(fit.values["R_gb"].si / 2)
    assert known["Q_gb"].si == pytest.approx(2 * fit.values["Q_gb"].si)
    cells = series(4, ratio=1.3, temperatures=NINE)
    loose = fit_joint(cells, CIRCUIT)
    tight = fit_joint(cells, CIRCUIT, known=reference_cell(fit, ["bulk", "gb"]))
    assert tight.values["R_he"].spread < loose.values["R_he"].spread
    with pytest.raises(InputError, match="no arc film"):
        reference_cell(fit, ["film"])


def test_two_arcs_are_preferred_where_there_are_two():
    two = "R_0-p(R_bulk,CPE_bulk)-p(R_he,CPE_he)-CPE_tail"
    cells = []
    for k, T in enumerate(NINE):
        p = truth(3.0)
        for name, value in ENERGY.items():
            p[name] *= np.exp(value * (1 / T - 1 / 298.15) / 8.617333262e-5)
        p = {name: v for name, v in p.items() if "gb" not in name}
        z = parse(two, *p.values()).impedance(FREQUENCY) / AREA
        cells.append(
            Spectrum(frequency=FREQUENCY, z=noisy(z, seed=k), area=AREA, temperature=float(T))
        )
    table = compare_joint(cells, [CIRCUIT, two]).table()
    assert table[0]["circuit"].count("CPE") == 3
    three = compare_joint(series(0, ratio=3.0, temperatures=NINE), [two, CIRCUIT]).table()
    assert three[0]["circuit"].count("CPE") == 4
    assert three[1]["delta_bic"] > 100


# --- what limits an arc ------------------------------------------------------------------


def test_an_arc_that_follows_the_contact_is_transfer_or_film(both):
    found = judge_mechanism(both)
    assert found["he"].mechanism == "transfer or film on true contact"
    assert found["gb"].mechanism == "grain-boundary-like"
    assert found["bulk"].mechanism == "bulk-like"
    m, dm = found["he"].pressure_exponent
    assert m == pytest.approx(1.0, abs=0.02)
    assert dm < 0.02
    assert "R·Q stays under pressure" in str(found["he"])


def test_an_arc_with_a_layers_energy_whose_frequency_shifts_is_constriction():
    cells = []
    for j, contact in enumerate((1.0, 0.5, 0.2)):
        for k, T in enumerate(TEMPERATURES[::4]):
            p = truth(3.0)
            u = (1 / T - 1 / 298.15) / 8.617333262e-5
            for name, value in {**ENERGY, "R_he": 0.43}.items():
                p[name] *= np.exp(value * u)
            p["R_he"] /= contact
            cells.append(spectrum(p, [j, k], temperature=T, pressure=55e6 * contact))
    fit = fit_joint(cells, CIRCUIT)
    assert fit.tests[-1].terms.pressure
    found = judge_mechanism(fit)["he"]
    assert found.mechanism == "constriction of layer 2"
    assert found.capacitance_exponent[0] == pytest.approx(0, abs=0.02)


def test_without_a_pressure_series_the_verdict_stays_open():
    fit = fit_joint(series(0, temperatures=NINE), CIRCUIT)
    found = judge_mechanism(fit)["he"]
    assert found.mechanism == "undecided"
    assert "no pressure series" in str(found)


def test_a_Q_read_as_a_capacitance_contradicts_the_frequency():
    fit = fit_joint(series(0, ratio=None, temperatures=NINE), CIRCUIT)
    assert "quote C_he, not Q" in str(judge_mechanism(fit)["he"])


# --- one cell over time ------------------------------------------------------------------


def test_growth_of_one_arc_is_found_and_an_unchanged_cell_stays_unchanged():
    def cell(k, grown):
        return spectrum(
            {**truth(3.0), "R_he": R_HE * (1 + grown * np.sqrt(k))}, k, temperature=298.15
        )

    time = [3600.0 * k for k in range(5)]
    grown = stability([cell(k, 0.05) for k in range(5)], CIRCUIT, time=time)
    assert grown.ratio["he"][-1] == pytest.approx(1.10, abs=0.03)
    assert grown.score["he"] > 3
    slope, spread = grown.growth["he"]
    assert slope == pytest.approx(0.05 / 60, rel=0.2)
    assert spread < slope / 3
    still = stability([cell(k, 0.0) for k in range(5)], CIRCUIT, time=time)
    assert abs(still.score["he"]) < 3
    assert "does not change measurably" in str(still)


# --- refusals ----------------------------------------------------------------------------


def test_a_series_needs_something_that_varies():
    same = [spectrum(truth(), k, temperature=298.15) for k in range(3)]
    with pytest.raises(InputError, match="at one temperature and one pressure are no series"):
        fit_joint(same, CIRCUIT)
    with pytest.raises(InputError, match="1 spectrum is no series"):
        fit_joint(same[:1], CIRCUIT)


def test_a_spectrum_without_temperature_is_named():
    cells = series(0, temperatures=NINE)
    lost = Spectrum(frequency=FREQUENCY, z=cells[0].z, area=AREA, name="lost")
    with pytest.raises(InputError, match="lost has no temperature but others do"):
        fit_joint([*cells, lost], CIRCUIT)


def test_cells_of_different_area_are_refused():
    cells = series(0, temperatures=NINE)
    other = Spectrum(frequency=FREQUENCY, z=cells[0].z, area=2e-4, temperature=300.0)
    with pytest.raises(InputError, match="different area"):
        fit_joint([*cells, other], CIRCUIT)


def test_knowledge_of_what_is_not_in_the_fit_is_refused():
    value = Value(
        quantity="asr", si=1.0, spread=0.1, kind="measured", source="user", where="nowhere"
    )
    with pytest.raises(InputError, match="R_film is no number of this joint fit"):
        fit_joint(series(0, temperatures=NINE), CIRCUIT, known={"R_film": value})


def test_laws_can_be_chosen_by_hand():
    fit = fit_joint(series(0, temperatures=NINE), CIRCUIT, terms=Terms(drift_n=True))
    assert "drift_n_he" in fit.design.names
    assert len(fit.tests) == 1


def test_the_laws_of_the_synthetic_series_are_those_of_the_fit():
    p = truth(3.0)
    clean = circuit(**p).impedance(FREQUENCY)
    assert clean.shape == FREQUENCY.shape
    fit = fit_joint(series(0, temperatures=NINE, noise=1e-5), CIRCUIT)
    for name, number in p.items():
        assert fit.estimate.numbers[name] == pytest.approx(number, rel=2e-3)


# --- conditions, forms of arcs, few points -------------------------------------------------


def pressed(celsius, fractions=FRACTIONS, scatter=0.0):
    """A pressure series at one temperature."""
    rng = np.random.default_rng(0)
    found = []
    for k, contact in enumerate(fractions):
        p = truth(3.0)
        u = (1 / (celsius + 273.15) - 1 / 298.15) / 8.617333262e-5
        for name, value in ENERGY.items():
            p[name] *= np.exp(value * u)
        p["R_he"] /= contact
        p["Q_he"] *= contact
        T = celsius + 273.15 + scatter * rng.standard_normal()
        found.append(spectrum(p, k, temperature=T, pressure=55e6 * contact))
    return found


@pytest.mark.parametrize("scatter", [0.0, 0.05])
def test_a_pressure_series_at_60_degrees_is_reported_at_60_degrees(scatter):
    fit = fit_joint(pressed(60.0, scatter=scatter), CIRCUIT)
    u = (1 / 333.15 - 1 / 298.15) / 8.617333262e-5
    assert fit.values["R_he"].si == pytest.approx(R_HE * np.exp(0.51 * u), rel=0.02)
    assert fit.temperature == pytest.approx(333.15, abs=0.2)
    assert not any("extrapolated" in flag for flag in fit.flags)
    assert any("not 25 °C" in flag for flag in fit.flags)
    assert not fit.design.terms.drift_n


def test_pressures_that_scatter_by_little_are_one():
    cells = pressed(25.0, (1.0, 0.999, 0.5, 0.4995))
    fit = fit_joint(cells, CIRCUIT, terms=Terms(contact=True))
    assert fit.design.levels.size == 2


def test_an_arc_by_its_time_constant_follows_the_contact_too():
    zarc = "R_0-Zarc_bulk-Zarc_gb-Zarc_he-CPE_tail"
    fit = fit_joint(pressed(25.0), zarc)
    assert fit.values["R_he"].si == pytest.approx(R_HE, rel=0.05)
    levels, found, _ = fit.contact("he")
    np.testing.assert_allclose(found, levels / levels[0], rtol=0.05)


def test_arcs_of_several_forms_are_fitted_side_by_side():
    mixed = "R_0-p(R_bulk,C_bulk)-p(R_gb,CPE_gb)-p(R_he,CPE_he)-CPE_tail"
    numbers = {k: v for k, v in truth(3.0).items() if k != "n_bulk"}
    numbers["Q_bulk"] = 4.2e-6
    cells = []
    for k, T in enumerate(NINE):
        p = dict(numbers)
        for name, value in ENERGY.items():
            p[name] *= np.exp(value * (1 / T - 1 / 298.15) / 8.617333262e-5)
        z = parse(mixed, *p.values()).impedance(FREQUENCY) / AREA
        cells.append(
            Spectrum(frequency=FREQUENCY, z=noisy(z, seed=k), area=AREA, temperature=float(T))
        )
    fit = fit_joint(cells, mixed)
    assert abs(error(fit)) < 0.05


def test_a_series_of_few_points_is_fitted_without_a_test_of_its_noise():
    one = "R_0-p(R_1,CPE_1)"
    f = np.geomspace(1e5, 10, 8)
    cells = [
        Spectrum(
            frequency=f,
            z=noisy(parse(one, 5.0, 100.0 * np.exp(5800 * (1 / T - 1 / 298.15)), 1e-6, 0.9)
                    .impedance(f), seed=k),
            temperature=T,
        )
        for k, T in enumerate((280.0, 298.15, 320.0))
    ]  # fmt: skip
    fit = fit_joint(cells, one)
    assert fit.values["R_1"].si == pytest.approx(100.0, rel=0.05)


@pytest.mark.slow
def test_intervals_of_laws_with_widths_are_neither_narrow_nor_wide():
    rng = np.random.default_rng(1)
    pulls = []
    for seed in range(12):
        cells = []
        for k, T in enumerate(NINE):
            p = truth(12.0)
            for name, value in ENERGY.items():
                p[name] *= np.exp(
                    value * (1 / T - 1 / 298.15) / 8.617333262e-5 + 0.05 * rng.standard_normal()
                )
            cells.append(spectrum(p, [seed, k], temperature=T))
        fit = fit_joint(cells, CIRCUIT)
        pulls.append(np.log(fit.values["R_bulk"].si / 125e-4) / fit.values["R_bulk"].spread)
    assert 0.5 < np.std(pulls) < 1.6


def test_a_joint_fit_is_saved_with_its_conditions_and_values(both):
    data = both.to_dataset()
    assert data["R_he"].attrs["units"] == "ohm m2"
    top = data.where((data.pressure > 54e6) & (abs(data.temperature - 298.15) < 7), drop=True)
    assert data.attrs["R_he"] == pytest.approx(both.values["R_he"].si)
    assert top["R_he"].size > 0


def test_a_reference_cell_without_area_is_refused():
    value = Value(
        quantity="resistance", si=80.0, spread=0.01, law="log-normal", kind="measured",
        source="user", where="reference",
    )  # fmt: skip
    with pytest.raises(InputError, match="of a cell without area"):
        fit_joint(series(0, temperatures=NINE), CIRCUIT, known={"R_gb": value})


def test_without_a_temperature_series_contact_and_film_stay_undecided():
    found = judge_mechanism(fit_joint(pressed(25.0), CIRCUIT))["he"]
    assert found.mechanism == "undecided"
    assert "R·Q stays under pressure" in str(found)
