"""Conductivity of pellets against pressure and temperature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data, written

from dualyte import InputError, q
from dualyte.measure.conductivity import (
    conductivity,
    fit_foil,
    looks_like,
    measure_conductivity,
    unloading_loss,
)
from dualyte.measure.examples import conductivity as example
from dualyte.plot import draw
from dualyte.plot.conductivity import conductivity_figures
from dualyte.vocabulary import BOLTZMANN, ELECTRON

AREA, D = 0.785e-4, 1e-3
CIRCUIT = "p(R_bulk,CPE_bulk)-p(R_gb,CPE_gb)-CPE_tail"
PRESSURES = (7.2, 15, 30, 55, 30, 15, 7.2)  # MPa


def table(folder, rows, head="pressure / MPa,temperature / degC,R / ohm", name="a.csv"):
    lines = [head, *(",".join(f"{x:.9g}" for x in row) for row in rows)]
    return written(folder, "\n".join(lines) + "\n", name)


def resistance(sigma):
    return D / (sigma * AREA)


def measure(path, **how):
    paths = path if isinstance(path, list) else [path]
    return measure_conductivity(paths, **({"thickness": D, "area": AREA} | how))


def loading(loss=0.17):
    """Rows of a pellet that loses a share of its conductivity on unloading."""
    fall = loss * np.log(55 / np.array(PRESSURES)) / np.log(55 / 7.2)
    up = np.arange(7) <= 3
    sigma = 0.5 * (1 - np.where(up, 0.0, fall))
    return [(P, 25, resistance(s)) for P, s in zip(PRESSURES, sigma, strict=True)]


# --- formulas ------------------------------------------------------------------------------


def test_conductivity_is_thickness_over_area_and_resistance():
    assert float(conductivity(100 * AREA, D)) == pytest.approx(D / (AREA * 100))


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-6, 1e2), st.floats(1e-6, 1e-2), st.floats(0.0, 0.9), st.floats(0.1, 10))
def test_conductivity_does_not_change_when_a_pellet_of_the_same_material_is_thicker(R, d, f, n):
    one = conductivity(R * (1 + f), d, R * f)
    assert float(conductivity(R * (n + f), n * d, R * f)) == pytest.approx(float(one), rel=1e-9)


def test_foils_cannot_have_more_than_all_of_the_resistance():
    with pytest.raises(InputError, match="smaller foil resistance"):
        conductivity(1e-3, D, 1.1e-3)


def test_the_loss_is_the_drop_over_what_was_there():
    assert unloading_loss(0.5, 0.22) == pytest.approx(0.56)
    assert unloading_loss(0.5, 0.5) == 0


@pytest.mark.parametrize("slope", [100.0, 1000.0])
def test_a_foil_resistance_that_falls_as_one_over_pressure_is_found_exactly(slope):
    P = np.array([1, 2, 5, 10, 30, 55]) * 1e6
    fit = fit_foil(P, 0.02 + slope / P)
    assert fit.slope == pytest.approx(slope, rel=1e-9)
    assert fit.pellet == pytest.approx(0.02, rel=1e-9)
    assert fit.flags == ()


def test_the_error_of_a_foil_resistance_is_its_scatter():
    rng = np.random.default_rng(3)
    P = np.array([1, 2, 3, 5, 10, 30, 55]) * 1e6
    truth = 0.02 + 800 / P
    deviations = []
    for _ in range(300):
        fit = fit_foil(P, truth * (1 + 0.01 * rng.standard_normal(P.size)), 0.01 * truth)
        deviations.append((fit.slope - 800) / fit.slope_spread)
    assert abs(np.mean(deviations)) < 0.2
    assert 0.75 < np.std(deviations) < 1.1


def test_a_pellet_that_densifies_is_told_from_foils_by_the_bend():
    P = np.array([1, 2, 4, 8, 16, 32, 55]) * 1e6
    fit = fit_foil(P, 0.02 * (P / 1e6) ** -0.2)
    assert any("upper limit" in flag for flag in fit.flags)


def test_foils_need_four_pressures_over_a_factor_of_two():
    with pytest.raises(InputError, match="four pressures"):
        fit_foil([1e6, 2e6, 3e6], [1.0, 0.9, 0.8])
    with pytest.raises(InputError, match="factor of two"):
        fit_foil([10e6, 11e6, 12e6, 13e6], [1.0, 0.9, 0.8, 0.7])


# --- tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [0.04, 0.17, 0.56])
def test_unloading_loss_is_the_drop_per_cent(tmp_path, loss):
    """The three losses are those of the study: LAOC 4 %, LNOC 17 %, LPSCl 56 %."""
    found = measure(table(tmp_path, loading(loss)))
    assert found["unloading_loss"].si == pytest.approx(loss, rel=1e-6)
    assert found["unloading_loss"].quantity == "per_cent"
    assert found["conductivity_highest_pressure"].si == pytest.approx(0.5, rel=1e-6)
    assert found["conductivity_unloaded"].si == pytest.approx(0.5 * (1 - loss), rel=1e-6)
    assert "55 MPa … 7.2 MPa" in found["unloading_loss"].where


def test_thickness_and_area_cancel_in_the_loss_but_not_in_the_conductivity(tmp_path):
    path = table(tmp_path, [(*row, 0.01 * row[2]) for row in loading()],
                 "pressure / MPa,temperature / degC,R / ohm,R std / ohm")  # fmt: skip
    plain, wide = measure(path), measure(path, thickness_spread=5e-5)
    assert wide["unloading_loss"].spread == pytest.approx(plain["unloading_loss"].spread)
    assert plain["unloading_loss"].spread == pytest.approx(0.83 * 0.01 * 2**0.5, rel=1e-3)
    name = "conductivity_highest_pressure"
    assert wide[name].spread == pytest.approx(0.5 * np.hypot(0.01, 0.05), rel=1e-6)
    assert plain[name].spread == pytest.approx(0.5 * 0.01, rel=1e-6)


def test_the_loss_can_be_taken_down_to_another_pressure(tmp_path):
    path = table(tmp_path, loading())
    found = measure(path, unloaded_to=15e6)["unloading_loss"].si
    assert found == pytest.approx(0.17 * np.log(55 / 15) / np.log(55 / 7.2), rel=1e-6)
    between = measure(path, unloaded_to=20e6)["unloading_loss"].si
    assert between == pytest.approx(0.17 * np.log(55 / 20) / np.log(55 / 7.2), rel=1e-6)


def test_a_column_tells_loading_from_unloading_whatever_the_order(tmp_path):
    rows = [f"{P};25;{R:.6f};{'down' if k > 3 else 'up'}" for k, (P, _, R) in enumerate(loading())]
    head = "pressure / MPa;temperature / degC;R / ohm;branch"
    text = "\n".join([head, *sorted(rows)]) + "\n"
    found = measure(written(tmp_path, text, "a.csv"))
    assert found["unloading_loss"].si == pytest.approx(0.17, rel=1e-5)


def test_thickness_that_changes_with_pressure_is_a_column(tmp_path):
    d = 1.0 - 0.05 * np.arange(7) / 6  # mm
    rows = [(P, 25, 100.0, x) for P, x in zip(PRESSURES, d, strict=True)]
    path = table(tmp_path, rows, "pressure / MPa,temperature / degC,R / ohm,thickness / mm")
    found = measure_conductivity([path], area=AREA)
    assert found.detail.series[0].conductivity == pytest.approx(d * 1e-3 / (100 * AREA))


def test_foils_given_as_constant_or_falling_or_as_blank_or_column_are_taken_off(tmp_path):
    P = np.array(PRESSURES)
    off = 300 / (P * 1e6)  # Ω m²
    rows = [(p, 25, R + f / AREA) for (p, _, R), f in zip(loading(), off, strict=True)]
    path = table(tmp_path, rows)
    known = [(p, 300 / (p * 1e6) * 1e4) for p in (5, 7.2, 15, 30, 55)]
    blank = table(tmp_path, known, "P / MPa,R / ohm cm2", "blank.csv")
    given = measure(path, foil_resistance=300 / 7.2e6, foil_pressure=7.2e6)
    table_of_blank = measure(path, blank=str(blank))
    more = [(*row, f * 1e4) for row, f in zip(rows, off, strict=True)]
    column = measure(
        table(tmp_path, more, "pressure / MPa,temperature / degC,R / ohm,R_foil / ohm cm2", "b.csv")
    )
    for found in (given, table_of_blank, column):
        assert found["unloading_loss"].si == pytest.approx(0.17, rel=1e-5)
    constant = measure(table(tmp_path, [(p, 25, R + 5) for p, _, R in loading()], name="c.csv"),
                       foil_resistance=5 * AREA)  # fmt: skip
    assert constant["unloading_loss"].si == pytest.approx(0.17, rel=1e-5)
    assert any("was given and taken off" in w for w in constant.warnings)


def test_a_foil_resistance_fitted_to_loading_is_taken_off_and_said(tmp_path):
    P = (1, 2, 5, 10, 30, 55, 30, 10, 5)
    rows = [(p, 25, resistance(0.5) + 300 / (p * 1e6) / AREA) for p in P]
    found = measure(table(tmp_path, rows), foil_fit=True)
    assert found["foil_resistance"].si == pytest.approx(300 / 1e6, rel=1e-4)
    assert found["foil_resistance"].kind == "computed"
    assert abs(found["unloading_loss"].si) < 1e-6
    assert any("fitted as a/P" in c for c in found.changed)


def test_a_low_pressure_without_foils_is_said(tmp_path):
    rows = [(P / 7.2, 25, R) for P, _, R in loading()]
    assert any("electrode foils" in w for w in measure(table(tmp_path, rows)).warnings)


def test_replicates_are_combined_with_the_spread_between_them(tmp_path):
    paths = []
    for k, factor in enumerate((0.9, 1.0, 1.1)):
        rows = [(P, T, R / factor) for P, T, R in loading()]
        paths.append(table(tmp_path, rows, name=f"pellet{k}.csv"))
    found = measure(paths)
    value = found["conductivity_highest_pressure"]
    assert value.si == pytest.approx(0.5, rel=1e-6)
    assert value.spread == pytest.approx(0.05, rel=1e-6)
    assert "mean of 3 pellets" in value.where
    assert len(found.table) == 21


# --- temperature ---------------------------------------------------------------------------

T = np.array([-20, 0, 25, 40, 60.0])


def hot(folder, law, name="t.csv"):
    return table(folder, [(t, resistance(law(t + 273.15))) for t in T], "T / degC,R / ohm", name)


def test_activation_energies_of_both_forms_are_exact(tmp_path):
    E = 0.36 * ELECTRON
    path = hot(tmp_path, lambda t: 2e5 / t * np.exp(-E / (BOLTZMANN * t)))
    found = measure(path, form="sigmaT", law="arrhenius")
    assert found["activation_energy"].si == pytest.approx(E, rel=1e-6)
    slope = found["activation_energy_sigma"].si
    assert (E - slope) / BOLTZMANN == pytest.approx(T.mean() + 273.15, rel=0.02)  # kT less
    assert measure(path, law="arrhenius")["activation_energy"].si == pytest.approx(slope)
    truth = 2e5 / 298.15 * np.exp(-E / (BOLTZMANN * 298.15))
    assert found["conductivity_25C"].si == pytest.approx(truth, rel=1e-6)


def test_celsius_is_kelvin_plus_273_15(tmp_path):
    found = measure(hot(tmp_path, lambda t: 1e5 * np.exp(-4000 / t)))
    assert found.detail.series[0].temperature == pytest.approx(T + 273.15, abs=1e-12)
    assert found["activation_energy"].si == pytest.approx(4000 * BOLTZMANN, rel=1e-7)


def test_a_bent_plot_is_fitted_with_a_vtf_law(tmp_path):
    celsius = np.linspace(-20, 80, 9)
    rows = [(t, resistance(1e2 * np.exp(-600 / (t + 273.15 - 170)))) for t in celsius]
    found = measure(table(tmp_path, rows, "T / degC,R / ohm"))
    assert found["vtf_temperature"].si == pytest.approx(170, abs=0.5)
    slope = 600 * BOLTZMANN * (298.15 / (298.15 - 170)) ** 2
    assert found["activation_energy"].si == pytest.approx(slope, rel=1e-3)


def test_each_pressure_has_its_own_activation_energy(tmp_path):
    rows = [(P, t, resistance(1e5 * np.exp(-k / (t + 273.15)))) for P, k in ((7, 4400), (55, 4000))
            for t in T]  # fmt: skip
    found = measure(table(tmp_path, rows))
    assert found["activation_energy"].si == pytest.approx(4000 * BOLTZMANN, rel=1e-6)
    energies = [fit.activation_energy.si for _, _, fit in found.detail.fits if fit.form == "sigma"]
    assert energies == pytest.approx([4000 * BOLTZMANN, 4400 * BOLTZMANN], rel=1e-6)


# --- spectra -------------------------------------------------------------------------------


def test_the_total_activation_energy_of_a_measured_series_is_the_published_one():
    """0.8555 eV with °C + 273 as printed; 0.15 K more makes it 0.07 % larger."""
    paths = [shared_data(f"eis/eisfit_s04147_{t}C.txt") for t in range(140, 201, 10)]
    found = measure_conductivity(
        paths, thickness=0.0021, area=np.pi * 0.004**2, form="sigmaT", circuit=CIRCUIT
    )
    energy = found["activation_energy"]
    assert energy.si / ELECTRON == pytest.approx(0.8555 * (1 + 0.3 / 443), abs=2 * 0.0006)
    assert energy.si / ELECTRON == pytest.approx(0.856, abs=0.001)
    assert [s.name for s in found.detail.series] == ["eisfit_s04147"]
    assert "R is R_bulk + R_gb of the fitted circuit" in " ".join(found.changed)


def test_their_total_conductivities_come_back_point_by_point():
    report = shared_data("eis/eisfit_s04147.oracle_Arrhenius_Analysis_Report.txt")
    text = report.read_text(encoding="utf-8").split("Total Analysis")[1]
    printed = [float(line.split()[1]) for line in text.splitlines() if line.strip()[:1] == "4"]
    paths = [shared_data(f"eis/eisfit_s04147_{t}C.txt") for t in range(140, 201, 10)]
    found = measure_conductivity(paths, thickness=0.0021, area=np.pi * 0.004**2, circuit=CIRCUIT)
    ours = found.detail.series[0].conductivity / 100  # S/cm
    assert ours == pytest.approx(np.array(printed), rel=6e-3)


def test_spectra_say_unloading_by_name_or_by_order(tmp_path):
    f = np.logspace(6, 0, 25)
    paths = []
    for k, (P, _, R) in enumerate(loading(0.2)):
        z = R / 2 + (R / 2) / (1 + 2j * np.pi * f * R * 1e-8) + 1 / (2j * np.pi * f * 1e-5)
        rows = "".join(f"{a:.9g},{b.real:.9g},{b.imag:.9g}\n" for a, b in zip(f, z, strict=True))
        name = f"cell_{P:g}MPa_25C_{'un' * (k > 3)}loading.csv"
        paths.append(written(tmp_path, "freq/Hz,Z'/Ohm,Z''/Ohm\n" + rows, name))
    how = {"circuit": "R_0-p(R_1,C_1)-C_2"}
    assert measure(paths, **how)["unloading_loss"].si == pytest.approx(0.2, rel=1e-3)
    plain = [path.rename(path.with_name(f"{k}_{path.name.split('25C')[0]}25C.csv"))
             for k, path in enumerate(paths)]  # fmt: skip
    (tmp_path / "dualyte.toml").write_text('group = "cell"\n')
    found = measure(plain, **how)
    assert "unloading_loss" not in found.results
    assert any("nothing tells loading from unloading" in w for w in found.warnings)
    assert measure(plain, in_order=True, **how)["unloading_loss"].si == pytest.approx(0.2, rel=1e-3)


# --- what is put right, and what is refused -------------------------------------------------


def test_units_of_headings_and_decimal_commas_are_read(tmp_path):
    text = "P [bar];T [K];R [kΩ]\n" + "".join(
        f"{P * 10:g};298,15;{R / 1e3:.9f}\n".replace(".", ",") for P, _, R in loading()
    )
    found = measure(written(tmp_path, text, "a.csv"))
    assert found["unloading_loss"].si == pytest.approx(0.17, rel=1e-5)
    assert found["conductivity_25C"].si == pytest.approx(0.5, rel=1e-5)
    assert "read decimal commas" in found.changed


@pytest.mark.parametrize(
    ("head", "rows", "why"),
    [
        ("pressure,R / ohm", [(7, 1), (8, 2)], "'pressure' has no unit"),
        ("pressure / ohm,R / ohm", [(7, 1), (8, 2)], "unit 'ohm', which is none of pressure"),
        ("pressure / Pa,R / ohm", [(7, 1), (8, 2)], r"row 1 .* is outside"),
        ("pressure / MPa,R / ohm", [(7, 100), (8, -2)], "row 2 .* Check its sign and unit"),
        ("pressure / MPa,R / ohm,thickness / m", [(7, 1, 1), (8, 2, 1)], "thickness"),
    ],
)
def test_a_wrong_unit_or_sign_is_refused_with_its_place(tmp_path, head, rows, why):
    with pytest.raises(InputError, match=why):
        measure_conductivity([table(tmp_path, rows, head)], area=AREA,
                             **({} if "thick" in head else {"thickness": D}))  # fmt: skip


def test_lacking_thickness_or_area_is_refused(tmp_path):
    path = table(tmp_path, loading())
    with pytest.raises(InputError, match="needs thickness and area"):
        measure_conductivity([path])
    (tmp_path / "a.toml").write_text('diameter = "10 mm"\nthickness = "1 mm"\n')
    value = measure_conductivity([path])["conductivity_highest_pressure"]
    assert value.si == pytest.approx(0.5 * AREA / (np.pi * 0.005**2), rel=1e-5)


@pytest.mark.parametrize(
    "how",
    [
        {"form": "R"}, {"foil_resistance": 1e-4, "foil_fit": True}, {"foil_pressure": 1e6},
        {"foil_resistance": -1e-4}, {"thickness_spread": -1.0}, {"area": 55.0},
        {"blank": "nowhere.csv"}, {"foil_resistance": 1.0},
    ],
)  # fmt: skip
def test_options_that_contradict_are_refused(tmp_path, how):
    with pytest.raises(InputError):
        measure(table(tmp_path, loading()), **how)


def test_a_bad_file_costs_only_itself(tmp_path):
    good = table(tmp_path, loading())
    bad = written(tmp_path, "nothing here\n", "bad.csv")
    found = measure([bad, good])
    assert [f.file for f in found.failures] == ["bad.csv"]
    assert found.files == ("a.csv",)
    with pytest.raises(InputError, match=r"bad\.csv"):
        measure([bad, good], raise_errors=True)


def test_a_file_cut_anywhere_is_read_in_part_or_refused(tmp_path):
    whole = table(tmp_path, loading()).read_text()
    for size in range(0, len(whole), 7):
        try:
            found = measure(written(tmp_path, whole[:size], "cut.csv"))
        except InputError:
            continue
        assert all(0.4 < s < 0.51 for s in found.detail.series[0].conductivity)


def test_a_table_of_pressures_alone_has_its_loss_and_says_that_no_temperature_is_known(tmp_path):
    rows = [(P, R) for P, _, R in loading()]
    found = measure(table(tmp_path, rows, "pressure / MPa,R / ohm"))
    assert found["unloading_loss"].si == pytest.approx(0.17, rel=1e-6)
    assert found["conductivity_highest_pressure"].si == pytest.approx(0.5, rel=1e-6)
    assert any("no temperature is known" in w for w in found.warnings)


def test_a_blank_temperature_costs_only_its_row(tmp_path):
    rows = ["pressure / MPa,T / degC,R / ohm"]
    rows += [f"{P},{'' if k == 1 else T},{R}" for k, (P, T, R) in enumerate(loading())]
    found = measure(written(tmp_path, "\n".join(rows) + "\n", "a.csv"))
    assert found["unloading_loss"].si == pytest.approx(0.17, rel=1e-6)


def test_a_column_of_numbered_steps_leaves_the_branches_to_the_order(tmp_path):
    rows = [(*row, k + 1) for k, row in enumerate(loading())]
    path = table(tmp_path, rows, "pressure / MPa,temperature / degC,R / ohm,step")
    assert measure(path)["unloading_loss"].si == pytest.approx(0.17, rel=1e-6)


def test_rows_without_pressure_and_temperature_are_refused(tmp_path):
    path = table(tmp_path, [(3.3, 100), (3.1, 70), (3.0, 50)], "1000/T / 1/K,R / ohm")
    with pytest.raises(InputError, match="no column is a pressure or temperature"):
        measure(path)


def test_an_option_for_the_foils_goes_before_their_column(tmp_path):
    rows = [(P, T, R, 1.0) for P, T, R in loading()]
    path = table(tmp_path, rows, "pressure / MPa,temperature / degC,R / ohm,R_foil / ohm")
    found = measure(path, foil_resistance=2 * AREA)
    assert found.detail.series[0].foil == pytest.approx(2 * AREA)
    assert any("left the foil resistances of the table" in c for c in found.changed)


def test_a_gap_in_the_column_of_foils_is_refused(tmp_path):
    rows = ["pressure / MPa,T / degC,R / ohm,R_foil / ohm"]
    rows += [f"{P},{T},{R},{'' if k == 1 else 1}" for k, (P, T, R) in enumerate(loading())]
    with pytest.raises(InputError, match="a row has no foil resistance"):
        measure(written(tmp_path, "\n".join(rows) + "\n", "a.csv"))


@pytest.mark.parametrize("option", ["blank", "foil_fit", "foil_pressure"])
def test_foils_that_change_with_pressure_need_it_at_every_point(tmp_path, option):
    rows = ["pressure / MPa,T / degC,R / ohm,branch"]
    rows += [f"{'' if k == 1 else P},25,{R},up" for k, (P, _, R) in enumerate(loading())]
    path = written(tmp_path, "\n".join(rows) + "\n", "a.csv")
    how = {
        "blank": {"blank": str(table(tmp_path, [(5, 2), (60, 1)], "P / MPa,R / ohm", "b.csv"))},
        "foil_fit": {"foil_fit": True},
        "foil_pressure": {"foil_resistance": 1e-4, "foil_pressure": 1e7},
    }[option]
    with pytest.raises(InputError, match="need the pressure of every point"):
        measure(path, **how)


def test_foils_fitted_below_zero_are_not_added_to_the_pellet(tmp_path):
    rows = [(P, 25, R) for P, R in zip((5, 10, 20, 50), (20, 21, 22, 23), strict=True)]
    found = measure(table(tmp_path, rows), foil_fit=True)
    assert (found.detail.series[0].foil == 0).all()
    assert any("not told apart from zero" in w for w in found.warnings)


def test_the_spread_of_the_area_widens_conductivities_wherever_the_area_comes_from(tmp_path):
    rows = [(P, T, R, 0.785) for P, T, R in loading()]
    path = table(tmp_path, rows, "pressure / MPa,temperature / degC,R / ohm,area / cm2")
    for area in (None, AREA):
        found = measure(path, area=area, area_spread=0.05 * AREA, thickness_spread=0.02 * D)
        value = found["conductivity_highest_pressure"]
        assert value.spread / value.si == pytest.approx(np.hypot(0.05, 0.02), rel=1e-6)
    path = table(tmp_path, [(25, 3.0), (35, 2.0)], "T / degC,sigma / mS/cm", "s.csv")
    with pytest.raises(InputError, match="area_spread needs the area"):
        measure(path, area=None, area_spread=1e-6)


def test_a_conductivity_outside_the_measured_temperatures_is_computed(tmp_path):
    T = np.array([60.0, 80, 100, 120])
    sigma = 0.1 * np.exp(-0.4 * ELECTRON / BOLTZMANN * (1 / (T + 273.15) - 1 / 298.15))
    path = table(tmp_path, zip(T, resistance(sigma), strict=True), "T / degC,R / ohm")
    assert measure(path)["conductivity_25C"].kind == "computed"
    assert measure(path, at=q("90 degC"))["conductivity_90C"].kind == "measured"


def test_a_workbook_of_excel_is_read_as_its_text_is(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["a pellet"])
    page = book.create_sheet("data")
    page.append(["pressure / MPa", "temperature / degC", "R / ohm"])
    for row in loading():
        page.append([float(x) for x in row])
    book.save(tmp_path / "a.xlsx")
    text, sheet = measure(table(tmp_path, loading())), measure(tmp_path / "a.xlsx")
    assert sheet["unloading_loss"].si == pytest.approx(text["unloading_loss"].si)
    (tmp_path / "b.xlsx").write_bytes(b"no workbook")
    with pytest.raises(InputError, match=r"b\.xlsx is damaged or no \.xlsx workbook"):
        measure(tmp_path / "b.xlsx")


def test_tables_are_known_by_content(tmp_path):
    path = table(tmp_path, loading())
    assert looks_like(path, path.read_bytes()) == "table of resistances"
    assert looks_like(path, b"freq/Hz,Z'/Ohm,Z''/Ohm\n1,2,3\n2,3,4\n") is None
    assert looks_like(path, b"\x00\x01binary") is None
    assert looks_like(path, b"time / h,R / ohm\n1,2\n2,3\n") is None


# --- example and figures -------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_example_gives_its_truth(tmp_path, seed):
    truth = example.write(tmp_path, seed=seed)
    found = measure_conductivity(sorted(tmp_path.glob("*.csv")), **example.OPTIONS)
    for name, (quantity, si) in truth.items():
        value = found[name]
        assert value.quantity == quantity
        assert abs(value.si - si) < 3 * value.spread
        assert value.si == pytest.approx(si, rel=0.04)
    assert all(path.stat().st_size < 50_000 for path in tmp_path.iterdir())


def test_the_figures_are_drawn(tmp_path):
    example.write(tmp_path / "files")
    found = measure_conductivity(sorted((tmp_path / "files").glob("*.csv")))
    figures = conductivity_figures(found)
    assert [f.name for f in figures] == ["conductivity", "conductivity_arrhenius"]
    for figure in figures:
        draw(figure, tmp_path / f"{figure.name}.png")


def test_q_gives_the_units_of_the_options(tmp_path):
    found = measure(table(tmp_path, loading()), area=q("0.785 cm2"), thickness=q("1 mm"))
    assert found["conductivity_highest_pressure"].si == pytest.approx(0.5, rel=1e-6)
