"""From powder to pellet: laws, histories, unloading, work, and what the study measured."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import dualyte as dl
from dualyte import InputError, ValidityError
from dualyte.cli import main as command
from dualyte.exact import hashin_shtrikman
from dualyte.material import calibration
from dualyte.pellet import limit, over_dense_bracket, shipped_refinement
from dualyte.pellet.compact import HIGHEST, densify
from dualyte.pellet.predict import predict_pellet


def main(words):
    """Run a command that ends well."""
    with pytest.raises(SystemExit) as left:
        command(words)
    assert left.value.code in (0, None)


PRESS = dl.hold(120e6, 180.0)
LAWS = {"map": dl.map_law(0.6), "mesoscale": dl.master_law(dl.master_curve())}


def pressed(name, model="map", history=PRESS, **hardness):
    soft = dl.material(name).at(**hardness) if hardness else dl.material(name)
    return dl.compact(soft, history, process=dl.densification(model))


# Laws -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_strength_rises_and_creep_falls_with_density(name):
    law = LAWS[name]
    assert (np.diff(law.strength) >= 0).all()
    assert law.density[0] == law.start
    assert (np.diff(law.elapsed) > 0).all()


@pytest.mark.parametrize("name", LAWS)
def test_the_separated_form_solves_the_rate_equation(name):
    """Yield and creep together, against an ODE solver on a ramp and a hold."""
    law, sigma, rate, n = LAWS[name], 140e6, 0.1, LAWS[name].exponent
    found = densify(law, PRESS.resolved(), np.array([sigma]), np.array([rate]), np.ones(99))
    at = float(law.yielded(120e6 / sigma))
    creep = lambda t, D: rate * (120e6 / sigma) ** n * np.interp(D, law.density, law.creep)  # noqa: E731 (a rate)
    exact = solve_ivp(creep, (0, 180), [at], rtol=1e-9, atol=1e-12, method="LSODA")
    assert found[0, -1] == pytest.approx(exact.y[0, -1], abs=2e-4)


def test_finer_ramps_change_nothing():
    ramp = dl.hold(120e6, 60.0, ramp=60.0)
    fine = ramp.resolved(np.linspace(0, 60, 2000))
    law = LAWS["map"]
    ends = [
        densify(law, h, np.array([140e6]), np.array([0.1]), np.ones(h.time.size))[0, -1]
        for h in (ramp.resolved(), fine)
    ]
    assert ends[0] == pytest.approx(ends[1], abs=5e-4)


def test_the_map_keeps_the_limits_of_its_stages():
    law = dl.map_law(0.6, 7.0)
    loose, dense = law.density < 0.85, law.density > 0.95
    D = law.density
    assert law.strength[loose] == pytest.approx(3 * D[loose] ** 2 * (D[loose] - 0.6) / 0.4)
    assert law.strength[dense] == pytest.approx(-2 / 3 * np.log(1 - D[dense]))


def test_the_master_curve_joins_the_hollow_sphere():
    law = LAWS["mesoscale"]
    D, n = law.density, law.exponent
    sphere = (1 - D) ** (-1 / n) - 1
    top = D > 0.95
    ratio = law.strength[top] / sphere[top]
    assert np.ptp(ratio) < 1e-9 * ratio.mean()
    near = (D > 0.93) & (D < 0.95)
    assert np.abs(np.diff(np.log(law.strength[near]))).max() < 0.05


@settings(max_examples=30, deadline=None)
@given(st.floats(1e6, 800e6), st.floats(1.01, 3.0), st.floats(0, 600.0))
def test_more_pressure_and_more_time_never_lower_the_density(pressure, more, dwell):
    low, high, longer = (
        dl.compact(dl.material("LNOC"), h).density
        for h in (
            dl.hold(pressure, dwell),
            dl.hold(min(pressure * more, HIGHEST), dwell),
            dl.hold(pressure, dwell * more),
        )
    )
    assert low <= high + 1e-12
    assert low <= longer + 1e-12


def test_a_harder_powder_stays_looser_and_release_changes_nothing():
    soft, hard = pressed("LNOC"), pressed("LNOC", hardness=0.6e9)
    assert hard.density < soft.density
    released = pressed("LNOC", history=dl.hold(120e6, 180.0, release=0.0))
    assert released.density == pytest.approx(soft.density)
    assert released.fabrication == 120e6


def test_two_holds_are_as_long_as_one():
    half = dl.hold(120e6, 90.0)
    assert pressed("LNOC", history=half + half).density == pytest.approx(
        pressed("LNOC").density, abs=1e-4
    )


def test_warm_presses_need_an_activation_energy(tmp_path):
    warm = dl.hold(120e6, 180.0, temperature=dl.q("80 degC"))
    with pytest.raises(InputError, match=r"at 80 degC, and no source .*creep_activation_energy"):
        pressed("LNOC", history=warm)
    path = tmp_path / "warm.toml"
    path.write_text(
        'base = "LNOC"\n[creep_activation_energy]\nvalue = 0.5\nunit = "eV"\n'
        'kind = "assumed"\nsource = "user"\n'
    )
    found = dl.compact(dl.material(str(path)), warm)
    assert found.density > pressed("LNOC").density


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: dl.hold(120e6, -1.0), "dwell is -1 s; a time is zero or more"),
        (lambda: dl.hold(120e6, 180.0, ramp=float("nan")), "ramp is nan s"),
        (lambda: dl.hold(120.0, 180.0), r'did you mean pressure=q\("120 MPa"\)'),
        (lambda: dl.hold(120e6, 1.0, release=130e6), "release to 130 MPa is not between"),
        (
            lambda: dl.History(
                time=np.array([0.0, 2.0, 1.0]),
                pressure=np.full(3, 1e6),
                temperature=np.full(3, 298),
            ),
            "must rise from 0 s",
        ),
        (lambda: dl.map_law(0.95), "start 0.95 is no relative density of a powder"),
        (lambda: dl.densification("guess"), "no model 'guess'"),
        (lambda: dl.densification("map", 6.0), "exponent 6 is not calibrated"),
        (lambda: dl.master_curve(6.0), "no master curve is shipped for n = 6"),
        (lambda: dl.retained(-1.0, 120e6, 1e9, 3.7), "stack pressure -1 Pa is negative"),
        (lambda: dl.unloading_k(0.1, 1e9), "is no loss"),
        (lambda: predict_pellet(dl.material("LNOC"), draws=1), "draws is 1"),
        (lambda: predict_pellet(dl.material("LNOC"), unloading=(1e6, 2e6)), "above the second"),
    ],
)
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_pressures_beyond_the_laws_are_refused():
    with pytest.raises(ValidityError, match="2000 MPa exceeds 1000 MPa"):
        pressed("LNOC", history=dl.hold(2e9, 1.0))


# Surface ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_the_surface_presses_by_about_its_energy_over_the_radius(name):
    """A closed loop of work: ∫P_s d(1/D) is the surface that vanishes, 3γ/R per solid at most."""
    law = LAWS[name]
    inside = law.density < 0.94
    work = -np.trapezoid(law.sintering[inside], 1 / law.density[inside])
    assert 0.5 < work < 3.0
    assert (law.sintering >= 0).all()


@pytest.mark.parametrize("model", ["map", "mesoscale"])
def test_surface_energy_adds_little_at_120_mpa_and_sinters_without_pressure(model):
    """γ/R = 0.3 MPa against 120 MPa."""
    process = dl.densification(model)
    plain = dl.compact(dl.material("LPSCl"), PRESS, process=process)
    pulled = dl.compact(dl.material("LPSCl"), PRESS, process=process, surface_energy=0.3, size=2e-6)
    assert pulled.surface == pytest.approx(0.3e6)
    assert plain.density < pulled.density < plain.density + 0.01
    assert any("surface of the grains presses too" in flag for flag in pulled.flags)
    assert dl.compact(dl.material("LPSCl"), PRESS, process=process, size=2e-6).density == (
        plain.density
    )


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 2.0), st.floats(1.0, 3.0), st.floats(1e6, 300e6))
def test_more_surface_never_lowers_the_density(energy, more, pressure):
    low, high = (
        dl.compact(dl.material("LNOC"), dl.hold(pressure, 60.0, ramp=5.0), surface_energy=x).density
        for x in (energy, energy * more)
    )
    assert low <= high + 1e-9


def test_a_vanishing_surface_is_the_law_without_it():
    ramp = dl.hold(120e6, 60.0, ramp=20.0)
    a = dl.compact(dl.material("LNOC"), ramp)
    b = dl.compact(dl.material("LNOC"), ramp, surface_energy=1e-3, size=1e-3)
    assert b.density == pytest.approx(a.density, abs=2e-4)


# What the study measured ----------------------------------------------------------------


@pytest.mark.paper("Properties and densification; Fig. 2b", says="96, 74 %, almost 100 % in 30 s")
@pytest.mark.parametrize("model", ["map", "mesoscale"])
def test_one_rate_gives_the_densities_of_three_electrolytes(model):
    assert pressed("LNOC", model).density == pytest.approx(0.96, abs=0.01)  # fitted
    assert pressed("LPSCl", model).density == pytest.approx(0.74, abs=0.02)  # fitted
    assert float(pressed("LAOC", model).at(30.0)) >= 0.99  # predicted


@pytest.mark.parametrize("exponent", [5.0, 7.0, 10.0])
def test_the_exponent_is_not_identifiable(exponent):
    process = dl.densification("mesoscale", exponent)
    for name, density, within in (("LNOC", 0.96, 0.01), ("LPSCl", 0.74, 0.02)):
        found = dl.compact(dl.material(name), PRESS, process=process)
        assert found.density == pytest.approx(density, abs=within)


def test_all_that_lpscl_gains_is_creep_in_the_mesoscale_model():
    """The published model says that creep adds almost nothing: a contradiction, reported."""
    found = pressed("LPSCl", "mesoscale")
    assert found.yielded[-1] < found.process.law.start + 0.02
    assert found.density > found.yielded[-1] + 0.05


@pytest.mark.paper("Fig. 1f", says="-17, -4, -56 % from 55 to 7.2 MPa")
def test_unloading_of_lnoc_alone_predicts_the_others():
    k = float(dl.unloading_k(-0.17, 0.42e9))
    assert k == pytest.approx(3.708, abs=0.001)

    def loss(hardness):
        a, b = dl.retained([55e6, 7.2e6], 120e6, hardness, k)
        return 100 * (b / a - 1)

    assert loss(0.42e9) == pytest.approx(-17, abs=1e-6)
    assert loss(0.18e9) == pytest.approx(-4, abs=2)
    assert loss(2.0e9) == pytest.approx(-56, abs=3)
    assert -49 < loss(1.4e9) < -47


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 2e8), st.floats(1e7, 5e8), st.floats(1e8, 3e9), st.floats(0.1, 10))
def test_conductivity_kept_lies_between_none_and_all(pressure, top, hardness, k):
    kept = float(dl.retained(pressure, top, hardness, k))
    assert 0 <= kept <= 1
    assert kept <= float(dl.retained(min(pressure * 1.1, top), top, hardness, k)) + 1e-12


GRIDS = shipped_refinement()


@pytest.mark.parametrize(
    ("density", "smooth", "sharp"),
    [
        (0.66, 0.47, 0.34), (0.75, 0.61, 0.52), (0.80, 0.70, 0.64), (0.90, 0.865, 0.85),
        (0.97, 0.963, 0.973),
    ],
)  # fmt: skip
def test_conductivity_of_pressed_grains(density, smooth, sharp):
    """64³ pellets. Loose ones conduct up to 0.065 more than the reference's.

    Cells of 64³ bridge gaps between grains (the next test), and how much depends on how
    boundaries are kept sharp.
    """
    curve = dl.master_curve()
    within = 0.065 if density < 0.85 else 0.02
    assert np.interp(density, curve.solved, curve.smooth) == pytest.approx(smooth, abs=within)
    assert np.interp(density, curve.solved, curve.sharp) == pytest.approx(sharp, abs=within)


@pytest.mark.parametrize("density", [0.66, 0.7, 0.75, 0.8, 0.9])
def test_both_readings_of_the_boundary_conduct_alike_for_vanishing_cells(density):
    """Within 0.035, where 64³ leaves up to 0.1; and below the bound of isotropic mixtures."""
    curve = dl.master_curve()
    low, high = over_dense_bracket(density)
    smooth = float(np.interp(density, curve.solved, curve.smooth))
    sharp = float(np.interp(density, curve.solved, curve.sharp))
    assert low <= high < min(smooth, sharp)
    assert high - low < 0.035
    bound = float(hashin_shtrikman(1.0, 0.0, density)[1])
    assert high <= bound


@pytest.mark.parametrize("density", [0.8, 0.9])
def test_refining_the_grid_lowers_the_load_towards_a_limit(density):
    """64³ lies a sixth above it: what the calibrated rate belongs to, and no more."""
    k = int(np.argmin(np.abs(GRIDS.density - density)))
    column = GRIDS.pressure[:, k]
    assert (np.diff(column) < 0).all()
    end, error = (float(x[k]) for x in GRIDS.limit("pressure"))
    assert 1 < column[-1] / end < 1.2
    assert error < 0.1 * end
    assert GRIDS.spread[-1, k] < 0.05


@given(st.floats(0.5, 2), st.floats(-3, 3), st.floats(-20, 20))
def test_the_limit_is_exact_for_errors_of_first_and_second_order(a, b, c):
    grids = [32, 48, 64]
    found, error = limit([a + b / n + c / n**2 for n in grids], grids)
    assert float(found) == pytest.approx(a, abs=1e-10)
    assert float(error) == pytest.approx(abs(c) / (48 * 64), abs=1e-10)


@pytest.mark.parametrize(("density", "load"), [(0.74, 0.465), (0.80, 0.657), (0.90, 1.33)])
def test_load_at_unit_rate(density, load):
    """The reference numbers were not converged tightly: 2 to 7 % apart.

    At 0.96, above the splice, 64³ gives 2.40 and 48³ 2.6, where the reference is 2.87.
    """
    assert float(dl.master_curve().at(density)) == pytest.approx(load, rel=0.08)


# Work -----------------------------------------------------------------------------------


def test_slow_plastic_work_is_the_area_under_the_yield_curve():
    process = dl.densification()
    test = dl.hold(310e6, 0.0, ramp=100.0)
    found = dl.compact(dl.material("LNOC"), test, process=process, creep=False)
    law, sigma = process.law, dl.material("LNOC")["hardness"].si / 3
    P = law.strength * sigma
    path = P <= 310e6
    area = np.trapezoid(P[path] / law.density[path] ** 2, law.density[path])
    assert found.work.plastic == pytest.approx(area, rel=0.02)
    assert found.work.elastic > 0
    assert found.work.total == found.work.plastic + found.work.elastic


def test_a_jump_of_pressure_and_a_ramp_without_creep_do_the_same_work():
    jump = dl.compact(dl.material("LNOC"), dl.hold(120e6, 1.0), creep=False)
    ramp = dl.compact(dl.material("LNOC"), dl.hold(120e6, 1.0, ramp=10.0), creep=False)
    assert jump.work.plastic == pytest.approx(ramp.work.plastic, rel=0.02)


# Prediction -----------------------------------------------------------------------------


def test_a_prediction_covers_its_best_estimate_and_names_its_sources():
    found = dl.predict_pellet(dl.material("LNOC"), draws=100)
    rows = dl.pellet_rows(found)
    low, high = rows["relative_density_90"]
    assert low < rows["relative_density"] < high
    assert rows["fitted_to"] == {"relative_density": "F037", "unloading_loss_percent": "F057"}
    laoc = dl.predict_pellet(dl.material("LAOC"), draws=10)
    longer = dl.predict_pellet(dl.material("LNOC"), dl.hold(120e6, 600.0), draws=10)
    assert laoc.fitted_to == {}
    assert "relative_density" not in longer.fitted_to
    assert rows["other_model"]["relative_density"] == pytest.approx(0.96, abs=0.01)
    assert rows["sources"]["paper2026"] == ["calibrated", "measured"]
    assert "assumed" in rows["sources"]["dualyte_prior"]  # the moduli of the work
    sigma = [row["value_mS_per_cm"] for row in rows["conductivity"]]
    assert sigma == sorted(sigma, reverse=True)
    at55 = next(r for r in rows["conductivity"] if r["pressure_MPa"] == 55)
    assert at55["value_mS_per_cm"] == pytest.approx(9.0, rel=0.02)  # the pellet it was measured on


def test_the_same_seed_gives_the_same_samples():
    a, b = (dl.predict_pellet(dl.material("LAOC"), draws=20, seed=3) for _ in range(2))
    assert np.array_equal(a.density, b.density)


def test_calibration_is_regenerated_by_its_command(tmp_path, capsys):
    out = tmp_path / "pellet.toml"
    main(["calibrate", "pellet", "--out", str(out)])
    assert "not identifiable" in capsys.readouterr().out
    shipped = calibration("pellet")
    text = out.read_text(encoding="utf-8")
    for name, value in shipped.values.items():
        assert f"[{name}]" in text
        assert value.kind == "calibrated"
    assert f'inputs = "{shipped.inputs}"' in text
    assert f"value = {shipped.values['map_n7_start'].si:.5g}" in text


# The command ----------------------------------------------------------------------------


def run(capsys, *words):
    main(["predict", "pellet", *words])
    return capsys.readouterr().out


def test_predict_pellet_prints_what_a_machine_reads(capsys):
    told = json.loads(
        run(capsys, "--material", "LAOC", "--press", "120 MPa", "--dwell", "3 min", "--json")
    )["pellet"]
    assert told["material"] == "LAOC"
    assert told["relative_density"] > 0.99
    assert {"time_s", "relative_density"} == set(told["curve"])
    assert told["unloading_loss_percent"] == pytest.approx(-3.5, abs=0.5)
    assert told["work_J_per_cm3"] > 0
    assert told["flags"]
    assert told["sources"]


def test_predict_pellet_writes_a_folder(capsys, tmp_path):
    out = run(capsys, "--material", "LPSCl", "--out", str(tmp_path / "made"), "--draws", "20")
    assert "relative density 0.7" in out
    names = {p.name for p in (tmp_path / "made").iterdir()}
    assert {"summary.txt", "pellet.json", "pellet.csv", "references.bib"} <= names
    assert {"pellet_density.png", "pellet_conductivity.pdf"} <= names


@pytest.mark.slow
def test_predict_pellet_runs_the_mesoscale_model(capsys, tmp_path):
    words = (
        "--dim", "2", "--grid", "48", "--grains", "40", "--out", str(tmp_path), "--save", "vti",
        "--draws", "20", "--material", "LAOC",
    )  # fmt: skip
    assert "mesoscale" in run(capsys, *words)
    assert (tmp_path / "sections.png").is_file()
    assert (tmp_path / "grains-1.vti").is_file()
    assert list((tmp_path / "mesoscale").glob("*/state.npz"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--dwell", "-3 min"), "dwell"),
        (("--material", "LNOX"), "did you mean"),
        (("--grains", "0", "--dim", "3"), "0 grains cannot be packed"),
        (("--dim", "3", "--grid", "10"), "too coarse for the grains"),
        (("--save", "stl"), "--save is 'stl'"),
        (("--press", "120"), "has no unit"),
    ],
)
def test_a_wrong_option_is_one_sentence(capsys, tmp_path, words, says):
    with pytest.raises(SystemExit) as left:
        command(["predict", "pellet", *words, "--out", str(tmp_path / "x")])
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


@pytest.mark.slow
def test_report_pellet_sets_measurements_beside_the_model(capsys, tmp_path):
    main(["report", "pellet", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert "F057" in out
    assert "fitted" in out
    assert "predicted" in out
    assert (tmp_path / "density_time.png").is_file()
