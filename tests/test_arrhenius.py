"""Activation energies: recovered when known, with intervals that hold what they say."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import InputError
from dualyte.measure.arrhenius import fit_arrhenius
from dualyte.vocabulary import BOLTZMANN, ELECTRON

DATA = Path(__file__).parent / "data" / "eis" / "arrhenius"
EV = 1.602176634e-19
K = 1.380649e-23 / EV  # eV/K
T = np.linspace(253.15, 313.15, 7)
TRUE = 0.43  # eV


def law(T, energy=TRUE, prefactor=3e-9, T0=0.0):
    return prefactor * np.exp(energy / (K * (np.asarray(T) - T0)))


def eV(fit):
    return fit.activation_energy.si / EV


# --- recovery ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["R", "tau", "sigma", "sigmaT"])
def test_every_form_returns_the_energy_it_was_made_with(form):
    value = {"R": law(T), "tau": law(T), "sigma": 1 / law(T), "sigmaT": 1 / law(T) / T}[form]
    fit = fit_arrhenius(T, value, form=form)
    assert eV(fit) == pytest.approx(TRUE, rel=1e-12)
    assert fit.r_squared == pytest.approx(1, abs=1e-12)
    sign = 1 if form in ("R", "tau") else -1
    assert fit.theta[0] == pytest.approx(sign * np.log(3e-9), rel=1e-10)
    at_room = {"sigmaT": 1 / law(298.15) / 298.15}.get(form, law(298.15) ** sign)
    assert fit.reference.si == pytest.approx(at_room, rel=1e-10)
    assert fit.band(T).value == pytest.approx(value, rel=1e-12)
    assert fit.flags == ()


def test_a_vtf_law_is_recovered_with_its_temperature():
    fit = fit_arrhenius(T, law(T, 0.05, 3e-5, 180.0), law="vtf")
    assert fit.theta[1] / EV == pytest.approx(0.05, rel=1e-6)
    assert fit.theta[2] == pytest.approx(180.0, abs=1e-4)
    # its slope at 25 °C: B (T/(T − T0))²
    assert eV(fit) == pytest.approx(0.05 * (298.15 / 118.15) ** 2, rel=1e-6)
    slope = np.log(law(298.16, 0.05, 1, 180) / law(298.14, 0.05, 1, 180)) / (
        1 / 298.16 - 1 / 298.14
    )
    assert eV(fit) == pytest.approx(slope * K, rel=1e-6)


def test_a_sure_point_counts_and_an_unsure_one_does_not():
    value = law(T)
    value[0] *= 2
    spread = 0.01 * value
    spread[0] = 1e6 * value[0]
    assert eV(fit_arrhenius(T, value, spread)) == pytest.approx(TRUE, rel=1e-6)
    assert eV(fit_arrhenius(T, value)) > 1.1 * TRUE


@settings(deadline=None)  # the first example compiles or imports
@given(st.floats(-30, 30), st.floats(0.05, 1.5), st.integers(0, 99))
def test_units_change_the_prefactor_only(power, energy, seed):
    noisy = law(T, energy) * np.exp(0.05 * np.random.default_rng(seed).standard_normal(T.size))
    size = 10.0**power
    one, other = (
        fit_arrhenius(T, noisy, 0.05 * noisy),
        fit_arrhenius(T, size * noisy, size * 0.05 * noisy),
    )
    assert eV(other) == pytest.approx(eV(one), rel=1e-9)
    assert other.activation_energy.spread == pytest.approx(one.activation_energy.spread, rel=1e-9)
    assert other.reference.si == pytest.approx(size * one.reference.si, rel=1e-9)
    assert other.reference.spread == pytest.approx(one.reference.spread, rel=1e-9)


def test_a_resistance_and_its_inverse_are_one_fit():
    noisy = law(T) * np.exp(0.05 * np.random.default_rng(1).standard_normal(T.size))
    R, sigma = fit_arrhenius(T, noisy, form="R"), fit_arrhenius(T, 1 / noisy, form="sigma")
    assert eV(R) == pytest.approx(eV(sigma), rel=1e-12)
    assert R.activation_energy.spread == pytest.approx(sigma.activation_energy.spread, rel=1e-12)


def test_the_order_of_points_does_not_matter():
    rng = np.random.default_rng(2)
    many = np.repeat(T, 3)
    noisy = law(many) * np.exp(0.03 * rng.standard_normal(many.size))
    shuffled = rng.permutation(many.size)
    one, other = fit_arrhenius(many, noisy), fit_arrhenius(many[shuffled], noisy[shuffled])
    assert eV(other) == pytest.approx(eV(one), rel=1e-12)
    assert other.lack_of_fit == pytest.approx(one.lack_of_fit)


def test_sigma_t_is_steeper_than_sigma_by_the_mean_thermal_energy():
    fit = [fit_arrhenius(T, 1 / law(T), form=form) for form in ("sigma", "sigmaT")]
    assert eV(fit[1]) - eV(fit[0]) == pytest.approx(K * T.mean(), rel=0.01)


# --- intervals --------------------------------------------------------------------------

SEEDS = 400


def held(make, inside=0.9, **choices):
    """How often the truth lies in the intervals of the energy and of the band at 25 °C."""
    energy = room = 0
    for seed in range(SEEDS):
        temperature, value, spread = make(np.random.default_rng(seed))
        fit = fit_arrhenius(temperature, value, spread, **choices)
        low, high = fit.interval(inside)
        energy += low < TRUE * EV < high
        band = fit.band(298.15, level=inside)
        room += bool(band.low[0] < law(298.15) < band.high[0])
    return energy / SEEDS, room / SEEDS


EXPECTED = pytest.approx(0.9, abs=0.045)  # three standard deviations of 400 draws


def test_intervals_hold_the_truth_when_nothing_is_known_of_the_errors():
    energy, room = held(lambda r: (T, law(T) * np.exp(0.02 * r.standard_normal(7)), None))
    assert energy == EXPECTED
    assert room == EXPECTED


def test_intervals_hold_the_truth_with_given_spreads():
    s = np.array([0.01, 0.05, 0.02, 0.02, 0.04, 0.01, 0.03])
    energy, room = held(lambda r: (T, law(T) * np.exp(s * r.standard_normal(7)), s * law(T)))
    assert energy == EXPECTED
    assert room == EXPECTED


def test_intervals_hold_the_truth_with_replicates_of_unequal_scatter():
    s = np.repeat([0.01, 0.05, 0.02, 0.02, 0.1, 0.01, 0.03], 5)
    many = np.repeat(T, 5)
    energy, room = held(lambda r: (many, law(many) * np.exp(s * r.standard_normal(35)), None))
    assert energy == EXPECTED
    assert room == EXPECTED


def test_intervals_hold_the_truth_when_each_temperature_has_an_error_of_its_own():
    """Three sweeps at one temperature share the error of the thermostat."""

    def make(r):
        shared = np.repeat(0.02 * r.standard_normal(7), 3)
        return (
            np.repeat(T, 3),
            law(np.repeat(T, 3)) * np.exp(shared + 0.003 * r.standard_normal(21)),
            None,
        )

    energy, room = held(make)
    assert energy == EXPECTED
    assert room == EXPECTED


def test_a_robust_fit_holds_the_truth_in_spite_of_bad_points():
    wide = np.linspace(233, 333, 15)

    def make(r):
        value = law(wide) * np.exp(0.02 * r.standard_normal(15))
        value[r.choice(15, 2, replace=False)] *= 1.5
        return wide, value, None

    energy, room = held(make, outliers="robust")
    assert energy == EXPECTED
    assert room == EXPECTED


def test_errors_follow_the_textbook_of_a_straight_line():
    noisy = law(T) * np.exp(0.03 * np.random.default_rng(3).standard_normal(7))
    x, y = 1 / (K * T), np.log(noisy)
    slope, cov = np.polyfit(x, y, 1, cov="unscaled")
    r = y - np.polyval(slope, x)
    fit = fit_arrhenius(T, noisy)
    assert eV(fit) == pytest.approx(slope[0])
    assert fit.activation_energy.spread / EV == pytest.approx(np.sqrt(cov[0, 0] * (r @ r) / 5))
    assert fit.chi2_reduced == pytest.approx(r @ r / 5)
    given = fit_arrhenius(T, noisy, 0.06 * noisy)
    assert given.errors == "unscaled"
    assert given.activation_energy.spread / EV == pytest.approx(0.06 * np.sqrt(cov[0, 0]))
    scaled = fit_arrhenius(T, noisy, 0.06 * noisy, errors="scaled")
    assert scaled.activation_energy.spread == pytest.approx(fit.activation_energy.spread)
    assert fit.correlation[0, 1] == pytest.approx(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]))


def test_spreads_that_are_too_small_are_scaled_up_and_said():
    noisy = law(T) * np.exp(0.03 * np.random.default_rng(4).standard_normal(7))
    fit = fit_arrhenius(T, noisy, 0.001 * noisy, outliers="keep")
    assert fit.errors == "scaled"
    assert any("more than the given spreads allow" in flag for flag in fit.flags)
    trusted = fit_arrhenius(T, noisy, 0.001 * noisy, errors="unscaled", outliers="keep")
    assert trusted.activation_energy.spread < 0.2 * fit.activation_energy.spread
    assert any("more than the given spreads allow" in flag for flag in trusted.flags)


def test_a_band_is_narrowest_amid_the_data_and_wider_for_a_new_measurement():
    noisy = law(T) * np.exp(0.03 * np.random.default_rng(5).standard_normal(7))
    fit = fit_arrhenius(T, noisy)
    band = fit.band([200.0, 283.15, 400.0])
    width = np.log(band.high / band.low)
    assert width[1] < min(width[0], width[2])
    assert band.extrapolated.tolist() == [True, False, True]
    new = fit.band(283.15, new=True)
    assert new.high[0] / new.low[0] > band.high[1] / band.low[1]
    with pytest.raises(InputError, match="no probability"):
        fit.band(283.15, level=90)


# --- replicates, curvature, outliers ----------------------------------------------------


def test_replicates_weigh_by_their_own_scatter_where_it_differs():
    s = np.repeat([0.001, 0.1, 0.001, 0.1, 0.001, 0.1, 0.001], 6)
    many = np.repeat(T, 6)
    fit = fit_arrhenius(many, law(many) * np.exp(s * np.random.default_rng(6).standard_normal(42)))
    assert fit.weights == "scatter of the replicates at each temperature"
    weight = 1 / fit.relative**2
    assert weight[s < 0.01].min() > 100 * weight[s > 0.01].max()
    alike = law(many) * np.exp(0.02 * np.random.default_rng(6).standard_normal(42))
    assert fit_arrhenius(many, alike).weights == "pooled scatter of replicates"
    assert fit_arrhenius(T, law(T)).weights == "equal"


def test_replicates_tell_a_wrong_law():
    rng = np.random.default_rng(7)
    many = np.repeat(np.linspace(253, 353, 6), 3)
    straight = law(many) * np.exp(0.01 * rng.standard_normal(18))
    bent = law(many, 0.05, 3e-5, 180) * np.exp(0.01 * rng.standard_normal(18))
    assert fit_arrhenius(many, straight).lack_of_fit > 0.05
    fit = fit_arrhenius(many, bent)
    assert fit.lack_of_fit < 1e-6
    assert any("misses the means of replicates" in flag for flag in fit.flags)
    assert fit_arrhenius(many, bent, law="vtf").lack_of_fit > 0.05


def test_equal_replicates_are_no_evidence_of_scatter():
    fit = fit_arrhenius(np.repeat(T, 2), law(np.repeat(T, 2)))
    assert fit.weights == "equal"
    assert fit.lack_of_fit is None


@pytest.mark.parametrize(("T0", "bends"), [(180.0, "cooling"), (-150.0, "heating")])
def test_a_bent_plot_is_flagged_with_its_side(T0, bends):
    wide = np.linspace(253, 353, 9)
    noise = np.exp(0.01 * np.random.default_rng(8).standard_normal(9))
    for form, power in (("R", 1), ("sigma", -1)):
        fit = fit_arrhenius(wide, (law(wide, 0.2, 1e-5, T0) * noise) ** power, form=form)
        assert fit.curvature < 0.05
        assert any(f"grows on {bends}" in flag for flag in fit.flags)


def test_a_straight_plot_is_seldom_called_bent():
    false = 0
    for seed in range(SEEDS):
        noise = np.exp(0.02 * np.random.default_rng(seed).standard_normal(7))
        false += fit_arrhenius(T, law(T) * noise).curvature < 0.05
    assert false / SEEDS == pytest.approx(0.05, abs=0.033)


def test_information_criteria_choose_the_law_that_made_the_data():
    wide = np.linspace(233, 353, 13)
    straight = bent = 0
    for seed in range(50):
        noise = np.exp(0.01 * np.random.default_rng(seed).standard_normal(13))
        straight += fit_arrhenius(wide, law(wide) * noise, law="auto").law == "arrhenius"
        fit = fit_arrhenius(wide, law(wide, 0.05, 3e-5, 180) * noise, law="auto")
        bent += fit.law == "vtf"
        assert fit.aicc["vtf"] < fit.aicc["arrhenius"]
        assert any("VTF law was chosen" in flag for flag in fit.flags)
    assert straight >= 45
    assert bent == 50


def test_the_criterion_is_that_of_its_paper():
    wide = np.linspace(233, 353, 13)
    noisy = law(wide) * np.exp(0.01 * np.random.default_rng(9).standard_normal(13))
    fit = fit_arrhenius(wide, noisy)
    rss, n, k = float(fit.residual @ fit.residual), 13, 3  # two numbers and the scatter
    assert fit.aicc["arrhenius"] == pytest.approx(
        n * np.log(rss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
    )


def test_a_straight_plot_leaves_the_vtf_temperature_at_zero():
    fit = fit_arrhenius(T, law(T), law="vtf")
    assert fit.theta[2] == 0
    assert eV(fit) == pytest.approx(TRUE)
    assert any("T0 of the VTF law is at 0 K" in flag for flag in fit.flags)


def test_a_vtf_law_is_not_asked_below_its_temperature():
    fit = fit_arrhenius(T, law(T, 0.05, 3e-5, 180.0), law="vtf")
    with pytest.raises(InputError, match="is not above T0 = 180 K"):
        fit.band(170.0)


def test_an_outlier_is_named_kept_or_left_out_as_asked():
    value = law(T) * np.exp(0.02 * np.random.default_rng(10).standard_normal(7))
    value[2] *= 1.5
    kept, flagged, robust = (
        fit_arrhenius(T, value, outliers=policy) for policy in ("keep", "flag", "robust")
    )
    assert kept.outliers == ()
    assert flagged.outliers == robust.outliers == (2,)
    assert eV(kept) == eV(flagged)
    assert "point 3 at 273.15 K lies off" in flagged.flags[-1]
    assert "it was used" in flagged.flags[-1]
    without = fit_arrhenius(np.delete(T, 2), np.delete(value, 2))
    assert robust.robust[2] == 0
    assert eV(robust) == pytest.approx(eV(without), abs=0.006)
    assert abs(eV(robust) - TRUE) < abs(eV(kept) - TRUE)


def test_a_robust_fit_ignores_a_wild_point_entirely():
    value = law(T)
    value[[1, 5]] *= [1e4, 1e-3]
    fit = fit_arrhenius(T, value, outliers="robust")
    assert eV(fit) == pytest.approx(TRUE, rel=1e-9)
    assert fit.outliers == (1, 5)


# --- refusals and flags -----------------------------------------------------------------


def test_temperatures_in_celsius_are_refused_with_a_hint():
    with pytest.raises(InputError, match=r'did you mean temperature=q\("25 degC"\)\?'):
        fit_arrhenius([25, 35, 45], [3, 2, 1])
    with pytest.raises(InputError, match=r'did you mean temperature=q\("-20 degC"\)\?'):
        fit_arrhenius([-20, 140, 145], [3, 2, 1])
    read = fit_arrhenius(
        ["-20 degC", "0 degC", "20 degC", "313.15 K"], law([253.15, 273.15, 293.15, 313.15])
    )
    assert eV(read) == pytest.approx(TRUE, rel=1e-9)


def test_hot_celsius_and_a_rounded_zero_are_flagged():
    hot = fit_arrhenius([140, 150, 160, 170], [4, 3, 2, 1])
    assert any("if they are °C, add 273.15" in flag for flag in hot.flags)
    rounded = np.array([20, 40, 60, 80]) + 273
    fit = fit_arrhenius(rounded, law(rounded))
    (told,) = [flag for flag in fit.flags if "look like °C + 273" in flag]
    better = fit_arrhenius(rounded + 0.15, law(rounded))
    assert float(re.search(r"(\S+) % higher", told)[1]) == pytest.approx(
        100 * (eV(better) / eV(fit) - 1), abs=0.006
    )
    right = rounded + 0.15
    assert not any("look like" in flag for flag in fit_arrhenius(right, law(right)).flags)


@pytest.mark.parametrize(
    ("T", "value", "choices", "says"),
    [
        ([300, 310, 320], [1, 2], {}, "3 temperatures but 2 values"),
        ([300, 310, 320], [1, -2, 3], {}, r"value -2 at 310 K \(point 2 of 3\) has no logarithm"),
        ([300, 310, 320], [1, float("nan"), 3], {}, r"value nan at 310 K"),
        ([300, 310], [2, 1], {}, "2 distinct temperatures cannot give"),
        ([300, 300, 300], [2, 1, 3], {}, "1 distinct temperature cannot give"),
        ([300, 310, 320], [3, 2, 1], {"law": "vtf"}, "five temperatures or more, and there are 3"),
        ([300, 310, 320], [3, 2, 1], {"law": "wlf"}, "law 'wlf' is none of arrhenius, vtf, auto"),
        ([300, 310, 320], [3, 2, 1], {"form": "G"}, "form 'G' is none of R, sigma, sigmaT, tau"),
        ([300, 310, 320], [3, 2, 1], {"outliers": "drop"}, "outliers 'drop' is none of keep"),
        ([300, 310, 320], [3, 2, 1], {"spread": [1, 0, 1]}, r"spread 0 at 310 K \(point 2\)"),
        ([300, 310, 320], [3, 2, 1], {"errors": "unscaled"}, "needs spread"),
        ([300, 310, 320], [3, 2, 1], {"quantity": "asrr"}, "best matches are asr"),
        ([300, 310, 320], [3, 2, 1], {"law": "auto", "outliers": "robust"}, "cannot be told apart"),
        ([], [], {}, "0 distinct temperatures"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_sentence(T, value, choices, says):
    with pytest.raises(InputError, match=says) as told:
        fit_arrhenius(T, value, **choices)
    assert "\n" not in str(told.value)


def test_what_lies_outside_the_data_is_called_extrapolated():
    hot = np.array([413.15, 433.15, 453.15, 473.15])
    fit = fit_arrhenius(hot, law(hot))
    assert any("lies 115 K outside the measured 140 degC … 200 degC" in f for f in fit.flags)
    assert fit.reference.note == "extrapolated"
    assert fit_arrhenius(hot, law(hot), at=440.0).reference.note == ""


def test_two_temperatures_with_spreads_give_an_energy_and_its_error():
    fit = fit_arrhenius([293.15, 313.15], law([293.15, 313.15]), 0.01 * law([293.15, 313.15]))
    reach = np.sqrt(2) * 0.01 * K / (1 / 293.15 - 1 / 313.15)
    assert eV(fit) == pytest.approx(TRUE)
    assert fit.activation_energy.spread / EV == pytest.approx(reach)


def test_energies_that_fall_on_heating_are_questioned():
    fit = fit_arrhenius(T, 1 / law(T), form="R")
    assert any("not positive" in flag for flag in fit.flags)


def test_a_fit_tells_what_it_is():
    noisy = law(T) * np.exp(0.02 * np.random.default_rng(11).standard_normal(7))
    fit = fit_arrhenius(T, noisy, name="R_gb")
    assert str(fit).startswith("R_gb: Ea = 0.4")
    assert "errors scaled" in str(fit)
    assert fit.activation_energy.kind == fit.reference.kind == "measured"
    assert fit.reference.law == "log-normal"
    table = fit.to_dataset()
    assert table["value"].attrs["units"] == "ohm m2"
    assert table.attrs["activation_energy"] == fit.activation_energy.si


# --- published --------------------------------------------------------------------------


def report(name):
    """Temperature, conductivity [S/cm] and what is claimed, by process."""
    text = (DATA / name).read_text(encoding="utf-8")
    found = {}
    for part in re.split(r"\n(?=\w+ Analysis:)", text)[1:]:
        rows = re.findall(r"^ +(\d{3}\.0) +(\S+) +(\S+) ", part, flags=re.M)
        numbers = np.array(rows, dtype=float).T
        claims = [float(x) for line in ("EA", "a0") for x in
                  re.search(rf"\({line}\): (\S+) ± (\S+)", part).groups()]  # fmt: skip
        room = float(re.search(r"σRT\): (\S+)", part)[1])
        r2 = float(re.search(r"R-squared: (\S+)", part)[1])
        found[part.split()[0]] = (*numbers[:2], [*claims, room, r2])
    return found


def rounding(T, value, digits=4):
    """How far the rounding of the values can move the energy, in eV."""
    x = 1 / (K * T)
    pull = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    unit = 10.0 ** (np.floor(np.log10(value)) - digits + 1)
    return float(np.abs(pull) @ (unit / 2 / value))


@pytest.mark.parametrize(
    "name", ["eisfit_arrhenius_report.txt", "eisfit_joint_arrhenius_report.txt"]
)
@pytest.mark.parametrize("process", ["Bulk", "Gb", "Total"])
def test_published_energies_come_from_equal_weights_and_scaled_errors(name, process):
    """ln(σT), °C + 273 K, no weights, errors from the residuals: every printed digit.

    A table of four digits cannot settle the last one; how far it can move is worked out.
    """
    T273, sigma, (energy, error, prefactor, factor, room, r2) = report(name)[process]
    fit = fit_arrhenius(T273, 100 * sigma, form="sigmaT", at=298.0, outliers="keep")
    blur = rounding(T273, sigma)
    assert blur < 4e-4
    assert eV(fit) == pytest.approx(energy, abs=0.5e-4 + blur)
    assert fit.activation_energy.spread / EV == pytest.approx(error, abs=0.5e-4 + blur / 2)
    assert np.exp(np.sqrt(fit.covariance[0, 0])) == pytest.approx(factor, rel=5e-3)
    assert fit.theta[0] == pytest.approx(np.log(100 * prefactor), abs=blur / (K * T273.min()))
    assert fit.reference.si == pytest.approx(100 * room, rel=blur / (K * 298))
    assert fit.r_squared == pytest.approx(r2, abs=1e-4)
    assert fit.weights == "equal"
    assert fit.errors == "scaled"


def test_resistances_of_the_batch_report_give_the_same_energies():
    """0.587 ± 0.016, 0.892 ± 0.003 and 0.856 ± 0.001 eV from R1, R2 and their sum."""
    text = (DATA / "eisfit_batch_report.txt").read_text(encoding="utf-8")
    T273 = np.array([float(x) for x in re.findall(r"Data_(\d+)K", text)])
    R1, R2 = (
        np.array([float(x) for x in re.findall(rf"^{name} = +(\S+)", text, flags=re.M)])
        for name in ("R1", "R2")
    )
    known = {"bulk": (R1, 0.587, 0.016), "gb": (R2, 0.892, 0.003), "total": (R1 + R2, 0.856, 0.001)}
    for R, energy, error in known.values():
        fit = fit_arrhenius(T273, 1 / R, form="sigmaT")
        assert eV(fit) == pytest.approx(energy, abs=0.5e-3 + rounding(T273, R))
        assert fit.activation_energy.spread / EV == pytest.approx(error, abs=0.6e-3)
        # the plain resistance is lower by kT in the middle of the range
        plain = fit_arrhenius(T273, R, form="R")
        assert eV(fit) - eV(plain) == pytest.approx(K * 441, abs=0.0005)


def test_the_zero_of_celsius_explains_the_other_published_pair():
    """0.5694 and 0.8907 eV are those of the joint fit, with 273; 0.5698 and 0.8913 with 273.15."""
    found = report("eisfit_joint_arrhenius_report.txt")
    for process, theirs, ours in (("Bulk", 0.5694, 0.5698), ("Gb", 0.8907, 0.8913)):
        T273, sigma, _ = found[process]
        blur = rounding(T273, sigma)
        for shift, energy in ((0.0, theirs), (0.15, ours)):
            fit = fit_arrhenius(T273 + shift, 100 * sigma, form="sigmaT")
            assert eV(fit) == pytest.approx(energy, abs=0.5e-4 + blur)
            assert any("°C + 273" in flag for flag in fit.flags) == (shift == 0)


def test_the_stated_errors_as_weights_give_another_bulk_energy():
    """What the report leaves out: a fit that uses its own standard errors as weights."""
    text = (DATA / "eisfit_batch_report.txt").read_text(encoding="utf-8")
    T = np.array([float(x) for x in re.findall(r"Data_(\d+)K", text)]) + 0.15
    R, s = np.array(re.findall(r"^R1 = +(\S+) +(\S+)", text, flags=re.M), dtype=float).T
    fit = fit_arrhenius(T, 1 / R, s / R**2, form="sigmaT")
    assert eV(fit) == pytest.approx(0.5975, abs=0.0002)
    assert fit.errors == "unscaled"
    assert abs(eV(fit) - 0.5873) < fit.activation_energy.spread / EV


def test_spreads_that_are_too_small_do_not_make_a_line_curved():
    """Scatter ten times what is stated says that the spreads are wrong, not the law."""
    T = np.linspace(273.15, 333.15, 7)
    chosen = []
    for seed in range(20):
        scatter = 0.05 * np.random.default_rng(seed).standard_normal(T.size)
        R = np.exp(-8 + 0.4 * ELECTRON / (BOLTZMANN * T) + scatter)
        chosen.append(fit_arrhenius(T, R, spread=0.005 * R, law="auto").law)
    assert chosen.count("vtf") <= 2
