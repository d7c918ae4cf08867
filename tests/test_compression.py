"""Compression: work, densification and creep from runs of a frame or a press."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data, written

from dualyte import InputError, ValidityError
from dualyte.measure.compression import (
    Choices,
    Compression,
    creep_exponent,
    evaluate_run,
    fit_form,
    frame_of,
    heckel,
    kawakita,
    load_zero,
    looks_like,
    measure_compression,
    read_compression,
    segments,
    spring_back,
    work_of,
)
from dualyte.measure.compression.creep import gompertz_form, linear_form, schnute_form
from dualyte.measure.examples import compression as examples
from dualyte.plot.compression import compression_figures

CELL = {"force_column": "Aux Input 5", "force_gain": 72.572, "force_offset": 0.0552, "zero": 0.0}
AREA = np.pi / 4 * 0.01**2


def push(n=200, most=1000.0, back=0.2, zero=0.0, approach=20):
    """A straight push of 1 mm to `most` N and back over a share of the way: time, u, F."""
    u = np.r_[np.linspace(-0.1, 0, approach, endpoint=False), np.linspace(0, 1, n),
              np.linspace(1, 1 - back, n)[1:]] * 1e-3  # fmt: skip
    f = np.r_[np.zeros(approach), np.linspace(0, most, n), np.linspace(most, 0, n)[1:]]
    return np.arange(u.size) * 0.1, u, f + zero


def text(*columns, header="Time (s),Displacement (mm),Force (N)", sep=","):
    rows = [sep.join(f"{x:.7g}" for x in row) for row in zip(*columns, strict=True)]
    return "\n".join([header, *rows, ""])


def pushed(folder, name="run.csv", **how):
    t, u, f = push(**how)
    return written(folder, text(t, 1e3 * u, f), name)


# --- readers --------------------------------------------------------------------------


def test_a_quoted_file_with_a_row_of_units_reads_in_si(tmp_path):
    lines = ["Time,Extension,Load", "(s),(mm),(N)"]
    lines += [f'"{0.1 * k:.3f}","{0.01 * k:.5f}","{1000.0 * k:,.3f}"' for k in range(12)]
    run = read_compression(written(tmp_path, "\n".join(lines) + "\n"))
    assert run.form == "Instron Bluehill csv"
    assert run.force[-1] == 11000
    assert run.displacement[-1] == pytest.approx(1.1e-4)
    assert "read commas as thousands separators" in run.changes


def test_a_frame_that_counts_compression_negative_is_turned_round(tmp_path):
    t, u, f = push()
    head = "File Path: C:\\x\r\nTest: push\r\n\r\n"
    body = text(-1e3 * u, -f / 1e3, t, header="Ch 1 Displacement \tCh 1 Force\tRunning Time \t",
                sep="\t").replace("\n", "\r\n")  # fmt: skip
    body = body.replace("\r\n", "\r\nmm\tkN\tsec\r\n", 1)
    path = written(tmp_path, "\ufeff" + head + body, "frame.txt")
    run = read_compression(path)
    assert run.form == "MTS text"
    assert run.force.max() == pytest.approx(1000)
    assert np.ptp(run.displacement) == pytest.approx(1.1e-3)
    assert sum("turned the sign" in said for said in run.changes) == 2


@pytest.mark.parametrize(
    ("header", "columns", "si"),
    [
        ("Displacement [µm];Force [kN]", (1e6, 1e-3), (1.0, 1.0)),
        ("Stroke / mm;Load / N", (1e3, 1.0), (1.0, 1.0)),
        ("Kraft (N);Standardweg (mm)", (1.0, 1e3), None),
        ("crosshead_position_mm;force_N", (1e3, 1.0), (1.0, 1.0)),
        ("Compressive extension (in);Compressive load (lbf)", (1 / 0.0254, 1 / 4.4482216), None),
    ],
)
def test_units_and_headings_of_other_programs_give_the_same_run(tmp_path, header, columns, si):
    _, u, f = push()
    first_is_force = header.startswith("Kraft")
    a, b = (f, u) if first_is_force else (u, f)
    body = text(a * columns[0], b * columns[1], header=header, sep=";")
    run = read_compression(written(tmp_path, body))
    assert run.force == pytest.approx(f, rel=1e-5, abs=1e-3)
    assert run.displacement == pytest.approx(u, rel=1e-5, abs=1e-9)


def test_a_temperature_called_t_is_no_time(tmp_path):
    _, u, f = push()
    body = text(1e3 * u, f, 25 + 0 * u, header="u (mm)\tF (N)\tT (°C)", sep="\t")
    run = read_compression(written(tmp_path, body))
    assert run.time is None
    assert run.force == pytest.approx(f, rel=1e-6)


def test_decimal_commas_are_read_and_said(tmp_path):
    t, u, f = push()
    body = text(t, 1e3 * u, f, sep=";").replace(".", ",").replace("(s),", "(s);")
    body = body.replace("(mm),", "(mm);")
    run = read_compression(written(tmp_path, body))
    assert run.force == pytest.approx(f, rel=1e-6)
    assert "read decimal commas" in run.changes


def test_a_column_without_unit_is_refused(tmp_path):
    _, u, f = push()
    path = written(tmp_path, text(1e3 * u, f, header="Displacement (mm),Force"))
    with pytest.raises(InputError, match=r"line 1: the column 'Force' has no unit.*'Force \(N\)'"):
        read_compression(path)


def test_columns_without_headings_are_refused(tmp_path):
    _, u, f = push()
    path = written(tmp_path, text(1e3 * u, f, header="").lstrip("\n"))
    with pytest.raises(InputError, match="name the columns"):
        read_compression(path)


def test_a_force_wrong_by_powers_of_ten_is_refused(tmp_path):
    _, u, f = push()
    path = written(tmp_path, text(1e3 * u, f * 1e6, header="Displacement (mm),Force (kN)"))
    with pytest.raises(InputError, match="not plausible"):
        read_compression(path)


def test_a_number_that_lost_its_point_is_left_out_and_said(tmp_path):
    t, u, f = push()
    f[100] *= 1e3
    run = read_compression(written(tmp_path, text(t, 1e3 * u, f)))
    assert len(run) == f.size - 1
    assert any("jumps and comes back" in said for said in run.changes)
    assert run.force.max() == pytest.approx(1000)


def test_rows_below_a_broken_line_are_not_lost(tmp_path):
    t, u, f = push()
    lines = text(t, 1e3 * u, f).split("\n")
    lines[120] = "power cut"
    whole = measure_compression([written(tmp_path, text(t, 1e3 * u, f), "a.csv")])
    broken = measure_compression([written(tmp_path, "\n".join(lines), "b.csv")])
    assert broken["work_loading"].si == pytest.approx(whole["work_loading"].si, rel=1e-3)
    assert any("joined the rows" in said for said in broken.changed)


def test_time_that_falls_is_refused(tmp_path):
    t, u, f = push()
    t[50] = 0
    with pytest.raises(InputError, match="time falls at row 51"):
        read_compression(written(tmp_path, text(t, 1e3 * u, f)))


@pytest.mark.parametrize(
    ("head", "form"),
    [
        ("Time,Extension,Load\n(s),(mm),(N)\n", "Instron Bluehill csv"),
        ("Displacement (mm);Force (N)\n1;2\n", "compression table"),
        ("Pressure (MPa),Relative density\n1,0.5\n", "compression table"),
        ("P / MPa\th / mm\n1\t2\n", "compression table"),
        ("Time (s),Fractional Density\n1,0.5\n", "compression table"),
        ("Depth (nm)\tLoad (µN)\tTime (s)\n", None),
        ("Displacement (nm),Load (mN)\n", None),
        ("Time[s]\tU[V]\tI[A]\tP[W]\td\n", None),
        ("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n", None),
    ],
)
def test_formats_are_known_by_their_content(tmp_path, head, form):
    assert looks_like(tmp_path / "x.csv", head.encode()) == form


def test_bytes_that_are_no_text_are_no_run(tmp_path):
    assert looks_like(tmp_path / "x.csv", bytes(range(256))) is None


# --- load zero, contact, work ---------------------------------------------------------


def test_work_of_a_straight_push_is_half_force_times_way(tmp_path):
    found = measure_compression([pushed(tmp_path)], compliance=0.0)
    assert found["work_loading"].si == pytest.approx(0.5, rel=1e-4)
    assert found["work_elastic"].si == pytest.approx(0.1, rel=1e-4)
    assert found["work_plastic"].si == pytest.approx(0.4, rel=1e-4)
    assert found["max_force"].si == pytest.approx(1000, rel=1e-4)
    assert found["stiffness"].si == pytest.approx(1e6, rel=1e-4)
    assert found["unloading_stiffness"].si == pytest.approx(5e6, rel=1e-4)


@given(zero=st.floats(-50, 50))
@settings(max_examples=25, deadline=None)
def test_the_load_zero_of_the_cell_changes_no_work(zero):
    t, u, f = push(zero=zero)
    run = evaluate_run(Compression(time=t, displacement=u, force=f), Choices())
    assert run.zero.value == pytest.approx(zero, abs=1e-9)
    assert run.work.loading == pytest.approx(0.5, rel=1e-3)


def test_one_newton_left_in_costs_one_newton_times_the_way():
    t, u, f = push(zero=1.0)
    data = Compression(time=t, displacement=u, force=f)
    right = evaluate_run(data, Choices())
    wrong = evaluate_run(data, Choices(zero=0.0))
    assert wrong.work.loading - right.work.loading == pytest.approx(1e-3, rel=0.15)


def test_noise_before_contact_gives_the_zero_within_its_error():
    rng = np.random.default_rng(3)
    _, u, f = push(zero=3.0, approach=60)
    zero = load_zero(f + rng.normal(0, 0.5, f.size), u)
    assert "before contact" in zero.how
    assert zero.value == pytest.approx(3.0, abs=4 * zero.spread)


def test_a_run_that_begins_under_load_takes_its_zero_from_after_the_run():
    _, u, f = push(zero=2.0, approach=1)
    u, f = np.r_[u, np.linspace(u[-1], 0, 30)[1:]], np.r_[f, np.full(29, 2.0)]
    zero = load_zero(f, u)
    assert "after the run" in zero.how
    assert zero.value == pytest.approx(2.0, abs=1e-9)


def test_a_run_always_under_load_says_that_its_zero_is_not_known():
    u = np.linspace(0, 1e-3, 200)
    data = Compression(time=np.arange(200.0), displacement=u, force=5 + 1e6 * u)
    run = evaluate_run(data, Choices())
    assert not run.zero.known
    assert any("load zero was not found" in said for said in run.flags)


@given(scale=st.sampled_from([1e-2, 1.0, 1e3]), extra=st.integers(0, 300))
@settings(max_examples=20, deadline=None)
def test_work_scales_with_force_and_not_with_the_approach(scale, extra):
    _, u, f = push(approach=20 + extra)
    run = evaluate_run(Compression(displacement=u, force=f * scale), Choices())
    assert run.work.loading == pytest.approx(0.5 * scale, rel=1e-3)
    assert run.work.elastic + run.work.plastic == pytest.approx(run.work.loading, rel=1e-9)


def test_the_frame_takes_its_part_of_the_work(tmp_path):
    compliance = 2e-7
    t, u, f = push()
    path = written(tmp_path, text(t, 1e3 * (u + compliance * f), f))
    found = measure_compression([path], compliance=compliance)
    left_in = measure_compression([path])
    assert found["work_loading"].si == pytest.approx(0.5, rel=1e-4)
    assert left_in["work_loading"].si == pytest.approx(0.5 + compliance * 1e6 / 2, rel=1e-4)
    assert any("what the frame gives" in said for said in left_in.warnings)


def test_a_blank_run_gives_the_compliance(tmp_path):
    rng = np.random.default_rng(1)
    f = np.r_[np.zeros(40), np.linspace(0, 1200, 400)]
    u = 2e-7 * f + np.r_[np.linspace(-1e-4, 0, 40), np.zeros(400)] + rng.normal(0, 2e-8, 440)
    blank = written(tmp_path, text(np.arange(440) * 0.1, 1e3 * u, f), "blank.csv")
    t, u, f = push()
    path = written(tmp_path, text(t, 1e3 * (u + 2e-7 * f), f), "run.csv")
    found = measure_compression([path], blank=blank)
    assert found["work_loading"].si == pytest.approx(0.5, rel=2e-3)
    assert found["unloading_stiffness"].si == pytest.approx(5e6, rel=0.01)
    assert any("blank run blank.csv" in said for said in found.changed)
    with pytest.raises(InputError, match="one of them"):
        measure_compression([path], blank=blank, compliance=1e-7)


def test_a_blank_run_that_does_not_push_is_refused():
    with pytest.raises(InputError, match="under load"):
        frame_of(np.r_[np.zeros(30), 5.0, 10.0], np.linspace(0, 1e-3, 32))


def test_a_hold_counts_as_work_of_loading():
    _, u, f = push()
    top = int(np.argmax(f))
    creep = 1e-5 * (np.arange(1, 301) / 300) ** 0.3
    u = np.r_[u[: top + 1], u[top] + creep, u[top + 1 :] + creep[-1]]
    f = np.r_[f[: top + 1], np.full(300, 1000.0), f[top + 1 :]]
    data = Compression(time=np.arange(u.size) * 0.1, displacement=u, force=f)
    run = evaluate_run(data, Choices())
    assert run.parts.held
    assert run.work.loading == pytest.approx(0.5 + 1000 * 1e-5, rel=1e-4)
    assert run.creep.exponent == pytest.approx(0.3, abs=0.03)


def test_a_break_ends_the_work():
    u = np.linspace(0, 1e-3, 200)
    f = np.where(np.arange(200) < 150, 1e6 * u, 0.0)
    f[:10] = 0
    run = evaluate_run(Compression(displacement=u, force=f), Choices())
    assert run.parts.broke == 149
    assert not run.parts.unloads
    assert run.work.loading == pytest.approx(0.5e6 * u[149] ** 2, rel=0.01)
    assert np.isnan(run.work.elastic)


def test_only_the_first_of_several_equal_pushes_counts():
    _, u, f = push()
    u2, f2 = np.r_[u, u[20:]], np.r_[f, f[20:]]
    run = evaluate_run(Compression(displacement=u2, force=f2), Choices())
    assert run.parts.presses == 2
    assert run.work.loading == pytest.approx(0.5, rel=0.02)
    assert any("2 times" in said for said in run.flags)


def test_a_run_cut_short_before_unloading_says_so(tmp_path):
    t, u, f = push()
    path = written(tmp_path, text(t[:150], 1e3 * u[:150], f[:150]))
    found = measure_compression([path])
    assert "work_elastic" not in found.results
    assert any("without unloading" in said for said in found.warnings)


def test_work_per_mass_and_volume_follow_from_the_work(tmp_path):
    found = measure_compression([pushed(tmp_path)], mass=1e-4, density=2500.0)
    assert found["specific_work"].si == pytest.approx(found["work_loading"].si / 1e-4)
    assert found["work_density"].si == pytest.approx(found["specific_work"].si * 2500)


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ({"diameter": 10.0}, "10 mm die is 0.01"),
        ({"mass": 0.2, "compliance": 1.0}, "not that of a frame"),
        ({"diameter": 1e-4}, "check the unit of the force"),
        ({"diameter": 0.01, "mass": 1e-3, "density": 2e3, "thickness": 1e-3}, "more than full"),
        ({"start_density": 30.0}, "share of the full density"),
    ],
)
def test_facts_that_cannot_be_are_refused(tmp_path, option, why):
    with pytest.raises(InputError, match=why):
        measure_compression([pushed(tmp_path)], **option)


# --- density against pressure ---------------------------------------------------------


@given(yields=st.floats(3e7, 1e9), intercept=st.floats(0.2, 1.2))
@settings(max_examples=25, deadline=None)
def test_heckel_returns_the_yield_pressure_it_was_made_with(yields, intercept):
    p = np.linspace(0.1, 1.0, 40) * 2.5 * yields
    fit = heckel(p, -np.expm1(-p / yields - intercept))
    assert fit.yield_pressure == pytest.approx(yields, rel=1e-6)
    assert fit.intercept == pytest.approx(intercept, abs=1e-6)
    assert fit.sag < 1e-6


def test_the_range_that_is_chosen_leaves_out_the_foot():
    p = np.linspace(1e6, 3e8, 300)
    d = -np.expm1(-p / 1.5e8 - 0.5) * (1 - 0.4 * np.exp(-p / 8e6))
    fit = heckel(p, d)
    assert fit.chosen
    assert fit.low > 5e6
    assert fit.yield_pressure == pytest.approx(1.5e8, rel=0.05)
    assert fit.spread > 0


def test_heckel_errors_hold_the_truth():
    rng = np.random.default_rng(0)
    p = np.linspace(2e7, 2e8, 30)
    off = []
    for _ in range(200):
        d = -np.expm1(-p / 1e8 - 0.6) + rng.normal(0, 2e-3, p.size) * np.exp(-p / 1e8)
        fit = heckel(p, d, low=2e7, high=2e8)
        off.append((fit.yield_pressure - 1e8) / fit.yield_error)
    assert 0.8 < np.std(off) < 1.2


def test_a_falling_density_has_no_heckel_line():
    p = np.linspace(1e7, 1e8, 20)
    with pytest.raises(ValidityError, match="does not grow"):
        heckel(p, 0.9 - p / 1e9, low=1e7, high=1e8)


@given(a=st.floats(0.2, 0.7), half=st.floats(1e6, 5e7))
@settings(max_examples=25, deadline=None)
def test_kawakita_returns_what_it_was_made_with(a, half):
    p = np.geomspace(half / 5, 20 * half, 30)
    fit = kawakita(p, 0.28 / (1 - a * p / (p + half)), 0.28)
    assert fit.a == pytest.approx(a, rel=1e-6)
    assert fit.pressure == pytest.approx(half, rel=1e-6)


def test_spring_back_is_the_growth_of_the_height():
    assert spring_back(0.95, 0.95) == 0
    assert spring_back(0.96, 0.90) == pytest.approx(0.96 / 0.90 - 1)
    with pytest.raises(InputError):
        spring_back(96, 90)


def test_pressure_and_height_give_density_and_spring_back(tmp_path):
    p = np.r_[np.linspace(1, 300, 60), np.linspace(300, 0, 20)[1:]]
    d = np.r_[-np.expm1(-p[:60] / 150 - 0.5), np.linspace(0, -0.03, 20)[1:] - np.expm1(-2.5)]
    h = 1e-4 / (2500 * AREA) / d
    path = written(tmp_path, text(p, 1e3 * h, header="Pressure (MPa)\tHeight (mm)", sep="\t"))
    found = measure_compression([path], diameter=0.01, mass=1e-4, density=2500.0)
    assert found["heckel_yield"].si == pytest.approx(1.5e8, rel=1e-3)
    assert found["spring_back"].si == pytest.approx(d[59] / d[-1] - 1, rel=1e-3)
    bare = measure_compression([path])
    assert bare["spring_back"].si == pytest.approx(found["spring_back"].si)
    assert "heckel_yield" not in bare.results


def test_density_per_volume_needs_the_full_density(tmp_path):
    p = np.linspace(5, 300, 40)
    d = -np.expm1(-p / 150 - 0.5)
    path = written(tmp_path, text(p, 2.6 * d, header="Pressure (MPa),Density (g/cm3)"))
    with pytest.raises(InputError, match="without pores"):
        measure_compression([path])
    found = measure_compression([path], density=2600.0)
    assert found["heckel_yield"].si == pytest.approx(1.5e8, rel=1e-3)


def test_a_density_in_per_cent_is_known_by_its_unit(tmp_path):
    p = np.linspace(5, 300, 40)
    d = -np.expm1(-p / 150 - 0.5)
    path = written(tmp_path, text(p, 100 * d, header="Pressure (MPa),Relative density (%)"))
    assert measure_compression([path])["heckel_yield"].si == pytest.approx(1.5e8, rel=1e-3)
    path = written(tmp_path, text(p, 100 * d, header="Pressure (MPa),Relative density"))
    with pytest.raises(InputError, match="no share of the full density"):
        measure_compression([path])


# --- creep ----------------------------------------------------------------------------


@given(m=st.floats(0.1, 0.8), size=st.floats(1e-3, 0.05))
@settings(max_examples=25, deadline=None)
def test_creep_returns_the_exponent_it_was_made_with(m, size):
    t = np.linspace(0, 200, 2001)
    fit = creep_exponent(t, -0.1 + size * (t / 200) ** m)
    assert fit.exponent == pytest.approx(m, abs=0.02)


def test_andrades_third_lies_in_its_interval_and_a_half_does_not():
    rng = np.random.default_rng(2)
    t = np.linspace(0, 1000, 5001)
    noise = rng.normal(0, 1e-5, t.size)
    assert creep_exponent(t, 0.01 * (t / 1000) ** (1 / 3) + noise).andrade
    assert not creep_exponent(t, 0.01 * (t / 1000) ** 0.6 + noise).andrade


def test_a_value_that_falls_does_not_creep():
    t = np.linspace(0, 100, 500)
    with pytest.raises(InputError, match="nothing creeps"):
        creep_exponent(t, -0.01 * (t / 100) ** 0.3)


@pytest.mark.parametrize(
    ("form", "law", "theta"),
    [
        ("linear", linear_form, (2.0, 0.3)),
        ("gompertz", gompertz_form, (0.8, 0.1, 3.0, 0.25)),
        ("schnute", schnute_form, (0.3, 4.0, 0.7, 0.9)),
    ],
)
def test_forms_return_what_they_were_made_with(form, law, theta):
    x = np.linspace(0, 30, 200)
    fit = fit_form(x, law(x, *theta), form)
    assert fit.theta == pytest.approx(theta, rel=1e-5)


def test_noise_alone_fits_no_form():
    x = np.linspace(0, 30, 200)
    with pytest.raises(ValidityError, match="better than a constant"):
        fit_form(x, np.random.default_rng(0).normal(0, 1, 200), "schnute")


# --- examples, replicates, figures ----------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7])
def test_pellets_of_known_truth_are_measured_within_three_deviations(tmp_path, seed):
    truth = examples.write(tmp_path, seed=seed)
    files = sorted(tmp_path.glob("*.csv"))
    assert max(path.stat().st_size for path in files) < 50_000
    found = measure_compression(files, **examples.OPTIONS)
    assert not found.failures
    for name, (quantity, value) in truth.items():
        result = found[name]
        assert result.quantity == quantity
        assert abs(result.si - value) < 3 * result.spread, name
        assert result.si == pytest.approx(value, rel=0.15 if "creep" in name else 0.04), name
    for figure in compression_figures(found):
        assert figure.series
    assert len(compression_figures(found)) == 4


def test_a_bad_file_costs_only_itself(tmp_path):
    good, bad = pushed(tmp_path), written(tmp_path, "nothing\n", "bad.csv")
    found = measure_compression([good, bad])
    assert found.files == ("run.csv",)
    assert [failure.file for failure in found.failures] == ["bad.csv"]
    with pytest.raises(InputError, match=r"bad\.csv"):
        measure_compression([good, bad], raise_errors=True)


def test_replicates_give_their_mean_and_deviation(tmp_path):
    files = [pushed(tmp_path, f"{k}.csv", most=most) for k, most in enumerate((900.0, 1100.0))]
    found = measure_compression(files)
    assert found["work_loading"].si == pytest.approx(0.5, rel=1e-3)
    assert found["work_loading"].spread == pytest.approx(0.1 / np.sqrt(2), rel=0.01)
    assert len(found.table) == 2


@given(at=st.floats(0, 1), junk=st.binary(min_size=0, max_size=6))
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_read_or_refused(tmp_path_factory, at, junk):
    folder = tmp_path_factory.mktemp("damaged")
    t, u, f = push(n=60)
    whole = text(t, 1e3 * u, f).encode()
    k = int(at * len(whole))
    damaged = (whole[:k], whole[:k] + junk + whole[k:], whole[:k] + whole[k + 40 :])
    for number, body in enumerate(damaged):
        path = written(folder, body, f"{number}.csv")
        try:
            found = measure_compression([path])
        except InputError:
            continue
        assert found["max_force"].si < 1100


# --- real files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "most", "to_peak", "to_break", "stiffness"),
    [("C18-L", 18.878, 3.480, 4.775, 101.83), ("C18-LL", 16.767, 2.456, 13.048, 88.77)],
)
def test_bones_break_as_their_laboratory_says(name, most, to_peak, to_break, stiffness):
    """Its force is that of a second load cell, in volts; ends and slope were clicked by hand."""
    found = measure_compression([shared_data(f"compaction/mts_{name}_3pt.txt")], **CELL)
    assert found["max_force"].si == pytest.approx(most, abs=5e-4)
    assert found["work_to_peak"].si * 1e3 == pytest.approx(to_peak, abs=6e-4)
    assert found["work_loading"].si * 1e3 == pytest.approx(to_break, rel=0.005)
    assert found["stiffness"].si / 1e3 == pytest.approx(stiffness, rel=0.05)


@pytest.mark.parametrize(
    ("name", "most", "to_peak", "to_break", "stiffness", "how"),
    [
        ("C18-L", 18.878, 3.480, 4.775, 101.83, "after the run"),
        ("C18-LL", 16.767, 2.456, 13.048, 88.77, "before contact"),
    ],
)
def test_the_own_cell_of_the_frame_agrees_within_ten_per_cent(
    name, most, to_peak, to_break, stiffness, how
):
    found = measure_compression([shared_data(f"compaction/mts_{name}_3pt.txt")])
    assert found["max_force"].si == pytest.approx(most, rel=0.1)
    assert found["work_to_peak"].si * 1e3 == pytest.approx(to_peak, rel=0.1)
    assert found["work_loading"].si * 1e3 == pytest.approx(to_break, rel=0.1)
    assert found["stiffness"].si / 1e3 == pytest.approx(stiffness, rel=0.1)
    assert any(how in said for said in found.changed)


def cellulose():
    p, strain = np.loadtxt(shared_data("compaction/mcc_cap_hardening_table.txt")).T
    return p * 1e6, 0.3 * np.exp(strain)


def test_cellulose_follows_heckel_and_kawakita_as_before():
    p, d = cellulose()
    fit = heckel(p, d, low=20e6, high=100e6)
    assert fit.slope * 1e6 == pytest.approx(0.015465, abs=1e-6)
    assert fit.yield_pressure / 1e6 == pytest.approx(64.66, abs=0.01)
    assert fit.intercept == pytest.approx(0.6196, abs=1e-4)
    wider = heckel(p, d, low=10e6, high=150e6)
    assert wider.yield_pressure / 1e6 == pytest.approx(74.80, abs=0.01)
    assert abs(wider.yield_pressure - fit.yield_pressure) < 2 * fit.spread
    line = kawakita(p, d, 0.3)
    assert line.a == pytest.approx(0.7003, abs=1e-4)
    assert line.pressure / 1e6 == pytest.approx(5.532, abs=1e-3)


def test_cellulose_as_a_file_of_strains(tmp_path):
    p, d = cellulose()
    p, strain = p[:-1], np.log(d[:-1] / 0.3)  # the last point lies at 13 GPa
    path = written(tmp_path, text(p / 1e6, strain, header="Pressure (MPa),Volumetric strain"))
    with pytest.raises(InputError, match="start_density"):
        measure_compression([path])
    options = {"start_density": 0.3, "heckel_low": 20e6, "heckel_high": 100e6}
    found = measure_compression([path], **options)
    assert found["heckel_yield"].si / 1e6 == pytest.approx(64.66, abs=0.01)


SALT = [
    ("175_01_LOAD_OUT", "linear", {
        "slope": (0.00085953, 0.000254), "intercept": (0.88205003, 0.003204)}),
    ("175_03_UNLOAD_OUT", "linear", {
        "slope": (0.00011099, 7.99e-7), "intercept": (0.94136858, 8.55e-6)}),
    ("175_01_CREEP_OUT", "schnute", {
        "a": (-1.21343462, 0.026292), "b": (197.833240, 0.754744),
        "c": (0.90785072, 0.000229), "d": (0.94259521, 1.57e-5)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "report"), SALT)
def test_crushed_salt_fits_as_its_report_says(name, form, report):
    run = read_compression(shared_data(f"compaction/salt_{name}.csv"))
    x = run.time / 86400 if form == "schnute" else run.pressure / 1e6
    fit = fit_form(x, run.relative_density, form)
    for parameter, (value, error) in report.items():
        assert fit[parameter] == pytest.approx(value, abs=1e-3 * error + 5e-9 * abs(value) + 6e-9)
        assert fit.error(parameter) == pytest.approx(error, rel=0.006)


def test_the_loading_curve_of_crushed_salt_is_the_sigmoid_of_its_report():
    """The file holds the fitted curve, not the points: its own errors are lost."""
    run = read_compression(shared_data("compaction/salt_175_03_LOAD.csv"))
    fit = fit_form(run.pressure / 1e6, run.relative_density, "gompertz", start=0.1284111)
    report = {"a": (0.09257653, 0.002689), "c": (0.22110995, 0.009670),
              "intercept": (0.79903968, 0.000364), "b": (2.94709689, 0.103477)}  # fmt: skip
    for parameter, (value, error) in report.items():
        assert abs(fit[parameter] - value) < 1e-4 * error


def test_crushed_salt_creeps_and_springs_back():
    creep = measure_compression([shared_data("compaction/salt_175_01_CREEP_OUT.csv")])
    exponent = creep["creep_exponent"]
    assert 2 * exponent.spread < exponent.si < 1 / 3
    assert creep.detail[0].creep_form["d"] == pytest.approx(0.94259521, abs=1.6e-5)
    assert creep.detail[0].creep_form["a"] * 86400 == pytest.approx(-1.21343462, abs=1e-4)
    back = measure_compression([shared_data("compaction/salt_175_03_UNLOAD_OUT.csv")])
    assert 3e-4 < back["spring_back"].si < 1e-3
    assert any("still on" in said for said in back.warnings)


def test_an_instron_file_reads_number_by_number():
    path = shared_data("compaction/instron_W27_PA_Black_RawData_1.csv")
    run = read_compression(path)
    assert (run.form, len(run)) == ("Instron Bluehill csv", 222)
    assert (run.time[1], run.displacement[1], run.force[1]) == (0.1, 1.74172e-3, 6.09226)
    assert (run.time[-1], run.displacement[-1], run.force[-1]) == (21.926, 2.38013e-3, -0.00675)
    found = measure_compression([path])
    assert found["max_force"].si == pytest.approx(100.18766)
    direct = np.trapezoid(run.force[:114], run.displacement[:114])
    assert found["work_loading"].si == pytest.approx(direct, rel=1e-9)


def test_work_of_segments_adds_up_to_the_closed_integral():
    path = shared_data("compaction/instron_W27_PA_Black_RawData_1.csv")
    run = read_compression(path)
    parts = segments(run.force, run.displacement, run.time)
    work = work_of(run.force, run.displacement, parts, load_zero(run.force, run.displacement, 0.0))
    loop = np.trapezoid(run.force[: parts.end + 1], run.displacement[: parts.end + 1])
    assert work.plastic == pytest.approx(loop, rel=1e-9)


def test_no_other_kind_of_file_is_taken_for_a_run():
    folder = shared_data("compaction").parent
    found = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            if looks_like(path, file.read(65536)):
                found.add(path.parent.name)
    assert found == {"compaction"}


def test_a_range_of_the_heckel_line_that_runs_backwards_is_refused(tmp_path):
    with pytest.raises(InputError, match="from 100 MPa to 50 MPa; give heckel_low below"):
        measure_compression([pushed(tmp_path)], heckel_low=1e8, heckel_high=5e7)


def test_a_compliance_that_makes_work_negative_is_refused_by_what_to_check(tmp_path):
    # all of the way down is the frame's, and on unloading more than came back
    with pytest.raises(InputError, match=r"run: its work of loading is .* check the compliance"):
        measure_compression([pushed(tmp_path)], compliance=1.2e-6)


def test_the_largest_pressure_is_as_sure_as_the_largest_force(tmp_path):
    t, u, f = push()
    f = f + np.random.default_rng(0).normal(0, 2.0, f.size)
    path = written(tmp_path, text(t, 1e3 * u, f), "run.csv")
    found = measure_compression([path], diameter=0.01)
    assert found["max_force"].spread == pytest.approx(2.0, rel=0.5)
    assert found["max_pressure"].spread == pytest.approx(found["max_force"].spread / AREA)


def test_work_and_force_without_a_load_zero_claim_no_deviation(tmp_path):
    _, u, f = push(approach=0, zero=50.0)
    t = np.arange(u.size) * 0.1
    found = measure_compression([written(tmp_path, text(t, 1e3 * u, f + 3 * np.sin(t)), "run.csv")])
    assert any("load zero was not found" in said for said in found.warnings)
    for name in ("max_force", "work_loading", "work_elastic", "work_plastic"):
        assert found[name].spread == 0.0, name  # not known


def test_a_kawakita_line_that_misses_the_density_says_so(tmp_path):
    examples.write(tmp_path)
    paths = sorted(tmp_path.glob("*.csv"))
    found = measure_compression(paths[:1], **examples.OPTIONS)
    assert any("Kawakita line misses the relative density" in said for said in found.warnings)
    p = np.geomspace(1e6, 3e8, 40)
    rows = text(p / 1e6, 0.3 / (1 - 0.6 * p / (p + 5e6)), header="Pressure (MPa),Relative density")
    found = measure_compression([written(tmp_path, rows, "line.csv")], start_density=0.3)
    assert found["kawakita_a"].si == pytest.approx(0.6, rel=1e-4)
    assert not any("misses" in said for said in found.warnings)


def test_the_range_of_one_file_is_not_told_as_that_of_all(tmp_path):
    paths = []
    for most in (2e8, 3e8):
        p = np.linspace(2e7, most, 30)
        rows = text(p / 1e6, 1 - np.exp(-p / 1e8 - 0.7), header="Pressure (MPa),Relative density")
        paths.append(written(tmp_path, rows, f"to_{most:g}.csv"))
    found = measure_compression(paths)
    assert found["heckel_yield"].where.endswith("1/K in the first; mean of 2 files")
    assert found["max_pressure"].where == "largest pressure; mean of 2 files"


def test_told_deviations_of_a_run_are_those_between_runs_with_other_noise(tmp_path):
    found = []
    for seed in range(10):
        folder = tmp_path / f"{seed}"
        examples.write(folder, seed=seed)
        found.append(measure_compression([folder / "press_1.csv"], **examples.OPTIONS))
    for name in ("max_pressure", "work_loading", "work_hold", "work_elastic", "work_plastic",
                 "creep_strain", "unloading_stiffness"):  # fmt: skip
        scatter = np.std([one[name].si for one in found], ddof=1)
        told = np.median([one[name].spread for one in found])
        assert 0.5 < told / scatter < 2.5, (name, told, scatter)


@pytest.mark.parametrize("option", [{"force_gain": 2.0}, {"force_offset": 1.0}])
def test_a_load_cell_without_its_column_is_refused_and_not_ignored(tmp_path, option):
    with pytest.raises(InputError, match="give its force_column too"):
        measure_compression([pushed(tmp_path)], **option)
