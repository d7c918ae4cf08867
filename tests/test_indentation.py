"""Indentation: files, contact, unloading, tips, maps; known truths and real instruments."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import SHARED, shared_data

from dualyte import InputError
from dualyte.errors import ValidityError
from dualyte.measure.examples import indentation as example
from dualyte.measure.indentation import (
    AreaFunction,
    Branch,
    Indent,
    Method,
    branches,
    contact_depth,
    corrected,
    drift_in_hold,
    fit_area_function,
    fit_frame_compliance,
    fit_unloading,
    flow_stress,
    indent_map,
    looks_like,
    measure_indentation,
    oliver_pharr,
    outliers,
    read_indents,
    reduced_modulus,
    spread,
    youngs_modulus,
)
from dualyte.plot import draw
from dualyte.plot.indentation import indentation_figures

TIP = AreaFunction(coefficients=(24.5, 1200.0, 8000.0))
H, E, NU = 9.0e9, 150e9, 0.26
ER = float(reduced_modulus(E, NU))


def trace(peak=8e-3, *, tip=TIP, hardness=H, reduced=ER, m=1.5, n=300, approach=60, frame=0.0,
          drift=0.0, hold=0.0):  # fmt: skip
    """Time, depth and load of an ideal indent, by Oliver and Pharr's own relations."""
    deep, final, _ = example.course(peak, hardness, reduced, tip, m)
    final = deep - m * peak / (2 / np.sqrt(np.pi) * reduced * np.sqrt(peak / hardness))
    up, down = np.linspace(0, 1, n), np.linspace(1, 0.02, n)
    depth = np.concatenate([np.linspace(-30e-9, -1e-10, approach), deep * up,
                            final + (deep - final) * down ** (1 / m)])  # fmt: skip
    load = np.concatenate([np.zeros(approach), peak * up**2, peak * down])
    if hold:
        share = 0.1
        at = final + (deep - final) * share ** (1 / m)
        cut = int(np.argmax((load < share * peak) & (np.arange(load.size) > approach + n)))
        many = int(hold / 0.05)
        depth = np.concatenate([depth[:cut], np.full(many, at)])
        load = np.concatenate([load[:cut], np.full(many, share * peak)])
    time = 0.05 * np.arange(depth.size)
    return time, depth + frame * load + drift * (time - time[approach]), load


def indent(peak=8e-3, **how):
    time, depth, load = trace(peak, **how)
    return Indent(file="made.csv", format="made", time=time, depth=depth, load=load)


def table(time, depth, load, comma=False, names="time [s],depth [nm],load [mN]"):
    mark = ";" if comma else ","
    rows = [
        mark.join(f"{x:.6f}" for x in row)
        for row in zip(time, depth * 1e9, load * 1e3, strict=True)
    ]
    text = "\n".join([names.replace(",", mark), *rows]) + "\n"
    return text.replace(".", ",") if comma else text


def hysitron(time, depth, load):
    rows = [
        f"{h * 1e9:.6f}\t{P * 1e6:.6f}\t{t:.6f}\t0.1\t0.2"
        for t, h, P in zip(time, depth, load, strict=True)
    ]
    head = ["Mon Apr 29 10:41:06 2019", "", f"Number of Points = {len(rows)}",
            "Depth (nm)\tLoad (µN)\tTime (s)\tDepth (V)\tLoad (V)"]  # fmt: skip
    return ("\n".join([*head, *rows]) + "\n").encode("cp1252")


def fischer(records, hit=8553.6):
    """A FischerScope text of some indents, with its statistics and decimal commas."""
    lines = ["FS1.hap\tName of the application", "\tApplication comment", "Standard\tName",
             f"{len(records)}\tn\tOverall statistics"]  # fmt: skip
    for k, (time, depth, load) in enumerate(records):
        lines += [f"FS1.hap   26.05.2020  15:1{k}:54", "Indenter shape correction: Hardness",
                  f"HM  {load.max():.6f}/  117.0/ 0.0= 3928.6", f"x=    {44 + k}.65  y=     6.01",
                  "EIT/(1-vs^2)\t[GPa]\t     83.7", f"HIT\t[N/mm²]\t   {hit:.1f}",
                  f"hmax\t[µm]\t    {depth.max() * 1e6:.5f}", "20.95% - 95.33% Fmax Epsilon = 0.75",
                  "", "F\th\tt"]  # fmt: skip
        lines += [f"{P * 1e3:.6g}\t{h * 1e6:.7g}\t{t:.6g}".replace(".", ",")
                  for t, h, P in zip(time, depth, load, strict=True)]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def loaded(peak=8e-3, **how):
    """A record without its approach, as FischerScope exports it."""
    time, depth, load = trace(peak, **how)
    return time[65:] - time[60], depth[65:], load[65:]


def written(folder, data, name):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def real(name):
    return shared_data(f"indentation/{name}")


# ---------------------------------------------------------------- closed forms


@given(st.floats(1e8, 1.0e12), st.floats(-0.5, 0.49))
def test_reduced_and_youngs_modulus_are_inverse(modulus, nu):
    assert youngs_modulus(reduced_modulus(modulus, nu), nu) == pytest.approx(modulus, rel=1e-9)


def test_a_modulus_beyond_the_tip_has_no_number():
    assert np.isnan(youngs_modulus(2e12, 0.3))


@given(st.floats(1e-9, 1e-5), st.floats(1.0, 1000.0))
def test_the_slope_of_an_area_function_is_its_derivative(depth, c1):
    tip = AreaFunction(coefficients=(24.5, c1, 50.0))
    step = 1e-5 * depth
    difference = (tip(depth + step) - tip(depth - step)) / (2 * step)
    assert tip.slope(depth) == pytest.approx(float(difference), rel=1e-5)


def test_a_published_csm_point_is_reproduced():
    # values an instrument printed for one point on copper, and for one on fused silica
    tip = AreaFunction(coefficients=(32.9049, -6418.303798, 288484.8518, -989287.0625,
                                     103588.5588, 675977.3345))  # fmt: skip
    S, P, h = 159111.704268288, 0.491297865144331e-3, 111.172457420282e-9
    area = float(tip(contact_depth(h, P, S)))
    assert area == pytest.approx(598047.490101769e-18, rel=1e-3)
    Er = np.sqrt(np.pi) / 2 * S / np.sqrt(area)
    assert Er == pytest.approx(182.338858733495e9, rel=1e-3)


def test_coefficients_in_metres_are_refused():
    with pytest.raises(InputError, match="nm"):
        AreaFunction(coefficients=(24.5, 1.2e-6))


def test_flow_stress_is_a_third_of_hardness_with_its_assumption_in_the_spread():
    sigma, wide = flow_stress(3e9, 0.0)
    assert sigma == pytest.approx(1e9)
    assert wide == pytest.approx(1e9 * 0.2 / np.sqrt(3) / 3)
    with pytest.raises(InputError, match="constraint_factor"):
        flow_stress(3e9, constraint_factor=30)


# ---------------------------------------------------------------- unloading and contact


@given(st.floats(1.1, 2.6), st.floats(1e-4, 0.3))
@settings(max_examples=25, deadline=None)
def test_an_exact_power_law_is_found_exactly(m, peak):
    _, depth, load = trace(peak, m=m)
    _, _, stiffness = example.course(peak, H, ER, TIP, m)
    fit = fit_unloading(depth, load, branches(load)[-1])
    assert fit.exponent == pytest.approx(m, rel=2e-3)
    assert fit.stiffness == pytest.approx(stiffness, rel=1e-3)
    assert fit.load == pytest.approx(peak, rel=1e-9)


def test_hardness_and_modulus_come_out_as_put_in():
    found = oliver_pharr(indent(approach=60), Method(area=TIP, poisson_ratio=NU))
    assert found.hardness == pytest.approx(H, rel=5e-3)
    assert found.youngs_modulus == pytest.approx(E, rel=5e-3)


@given(st.floats(0.3, 3.0), st.floats(0.8, 3.0))
@settings(max_examples=10, deadline=None)
def test_results_scale_with_load_and_length(by_load, by_length):
    """Twice the load at the same depths is twice hardness and modulus."""
    tip = AreaFunction(coefficients=(24.5,))
    one = indent(2e-2, tip=tip)
    other = replace(one, load=one.load * by_load, depth=one.depth * by_length)
    a, b = (oliver_pharr(x, Method(area=tip, strikes=True)) for x in (one, other))
    assert b.hardness / a.hardness == pytest.approx(by_load / by_length**2, rel=1e-3)
    assert b.modulus / a.modulus == pytest.approx(by_load / by_length**2, rel=1e-3)


def test_a_load_zero_that_was_not_subtracted_changes_nothing():
    one = indent()
    rng = np.random.default_rng(1)
    noisy = replace(one, load=one.load + rng.normal(0, 1e-7, len(one)))
    off = replace(noisy, load=noisy.load + 1e-3, depth=noisy.depth + 50e-9)
    a, b = (oliver_pharr(x, Method(area=TIP)) for x in (noisy, off))
    assert b.hardness == pytest.approx(a.hardness, rel=1e-9)
    assert any("subtracted" in sentence and "1000 µN" in sentence for sentence in b.changes)


def test_a_load_zero_is_subtracted_without_an_approach_too():
    time, depth, load = trace(approach=60)
    off = Indent(file="a", format="made", time=time[60:], depth=depth[60:], load=load[60:] + 5e-4)
    found = oliver_pharr(off, Method(area=TIP))
    assert found.load == pytest.approx(8e-3, rel=1e-3)
    assert any("501.2 µN" in sentence for sentence in found.changes)


def test_drift_of_a_hold_is_found_and_corrected():
    rate = 0.3e-9
    plain, drifting = indent(), indent(drift=rate, hold=20.0)
    time, depth, load = (getattr(drifting, w) for w in ("time", "depth", "load"))
    assert drift_in_hold(time, depth, load)[0] == pytest.approx(rate, rel=1e-3)
    a, b = (oliver_pharr(x, Method(area=TIP)) for x in (plain, drifting))
    assert b.hardness == pytest.approx(a.hardness, rel=5e-3)
    left = oliver_pharr(drifting, Method(area=TIP, drift_rate=0.0))
    assert abs(left.hardness / a.hardness - 1) > 0.02


def test_a_given_frame_compliance_is_taken_off():
    frame = 2e-7
    found = oliver_pharr(indent(frame=frame), Method(area=TIP, frame_compliance=frame))
    assert found.hardness == pytest.approx(H, rel=5e-3)
    assert found.modulus == pytest.approx(ER, rel=5e-3)
    assert oliver_pharr(indent(frame=frame), Method(area=TIP)).modulus < 0.97 * ER


def test_every_cycle_is_found():
    load = np.concatenate([np.linspace(0, p, 50).tolist() + np.linspace(p, p / 5, 50).tolist()
                           for p in (0.2, 0.5, 1.0)])  # fmt: skip
    assert [b.load for b in branches(load)] == pytest.approx([0.2, 0.5, 1.0])


def test_a_plateau_of_noise_gives_its_median_load():
    rng = np.random.default_rng(2)
    load = np.concatenate([np.linspace(0, 1, 300), np.ones(200), np.linspace(1, 0, 300)])
    load += rng.normal(0, 0.004, load.size)
    (branch,) = branches(load, 0.004)
    assert branch.load == pytest.approx(1.0, abs=1e-3)
    assert 480 < branch.peak < 510


def test_the_spread_is_that_of_repeated_indents():
    rng = np.random.default_rng(3)
    time, depth, load = trace(5e-3, n=200, approach=100)
    found = []
    for _ in range(60):
        one = Indent(file="a", format="made", time=time,
                     depth=depth + rng.normal(0, 2e-10, depth.size),
                     load=load + rng.normal(0, 1e-6, load.size))  # fmt: skip
        found.append(oliver_pharr(one, Method(area=TIP)))
    for word in ("hardness", "modulus"):
        between = np.std([getattr(r, word) for r in found], ddof=1)
        own = np.median([getattr(r, f"{word}_spread") for r in found])
        assert 0.5 < own / between < 2.0, word
    assert np.mean([r.hardness for r in found]) == pytest.approx(H, rel=0.01)


def test_an_indent_without_unloading_says_so():
    time, depth, load = trace()
    cut = Indent(file="a.csv", format="made", time=time[:350], depth=depth[:350], load=load[:350])
    with pytest.raises(InputError, match=r"a\.csv: the load is never taken back"):
        oliver_pharr(cut, Method(area=TIP))


def test_an_unloading_that_ends_early_says_so():
    time, depth, load = trace()
    cut = Indent(file="a", format="made", time=time[:460], depth=depth[:460], load=load[:460])
    with pytest.raises(InputError, match="ends at 68 %"):
        oliver_pharr(cut, Method(area=TIP))


def test_an_area_function_outside_its_depths_is_refused():
    with pytest.raises(ValidityError, match="not valid there"):
        oliver_pharr(indent(), Method(area=AreaFunction(coefficients=(24.5, -20000.0))))


def test_an_implausible_unit_is_refused():
    one = indent()
    with pytest.raises(InputError, match="check the units"):
        oliver_pharr(replace(one, load=one.load * 1e3), Method(area=TIP))
    with pytest.raises(InputError, match="not plausible"):
        oliver_pharr(replace(one, depth=one.depth * 1e6), Method(area=TIP))


# ---------------------------------------------------------------- calibration


@pytest.mark.parametrize("weights", ["absolute", "relative"])
def test_a_tip_and_a_frame_are_found_again(weights):
    tip = AreaFunction(coefficients=(25.0, 400.0, 2000.0))
    hc = np.geomspace(30e-9, 2e-6, 80)
    Er = float(reduced_modulus(72e9, 0.18))
    A = tip(hc)
    S, P, frame = 2 / np.sqrt(np.pi) * Er * np.sqrt(A), 9e9 * A, 1e-7
    h = hc + 0.75 * P / S + frame * P
    found = fit_area_function(h, P, 1 / (1 / S + frame), weights=weights)
    assert found.coefficients == pytest.approx(tip.coefficients, rel=1e-6)
    assert found.compliance == pytest.approx(frame, rel=1e-6)


def test_a_frame_cannot_be_told_from_one_load():
    with pytest.raises(InputError, match="factor of 2"):
        fit_frame_compliance([1.0, 1.01, 1.0], [1e5, 1e5, 1e5])


def test_points_of_one_depth_give_no_area_function():
    with pytest.raises(InputError, match="apart"):
        fit_area_function(np.full(9, 1e-6), np.full(9, 0.1), np.full(9, 5e5), frame_compliance=0.0)


# ---------------------------------------------------------------- maps


def test_one_nan_among_911_indents_does_not_make_a_mean_nan():
    values = np.random.default_rng(0).normal(5e9, 2e8, 911)
    values[400] = np.nan
    found = spread(values)
    assert found.count == 910
    assert found.mean == pytest.approx(np.nanmean(values))
    assert outliers(values).sum() <= 5
    assert outliers(values)[400]


def test_a_map_counts_each_good_indent_and_keeps_nan_out():
    one = oliver_pharr(indent(), Method(area=TIP))
    many = [replace(one, hardness=one.hardness * (1 + 0.01 * (k % 5))) for k in range(911)]
    many[7] = replace(one, hardness=np.nan)
    many[9] = replace(one, modulus=10 * one.modulus)
    gathered = indent_map(many)
    assert gathered.kept.sum() == 909
    assert np.isfinite(gathered.spread("hardness").mean)
    assert indent_map(many, "keep").kept.sum() == 910


@given(st.lists(st.floats(1e8, 1e10), min_size=0, max_size=4))
def test_few_indents_have_no_outliers(values):
    assert not outliers(values).any()


def test_an_unknown_policy_is_refused():
    with pytest.raises(InputError, match="mad or keep"):
        outliers([1.0], "sigma")


# ---------------------------------------------------------------- files


def test_a_table_reads_as_it_was_written(tmp_path):
    time, depth, load = trace()
    path = written(tmp_path, table(time, depth, load), "a.csv")
    (one,) = read_indents(path)
    assert one.depth == pytest.approx(depth, abs=1e-15)
    assert one.load == pytest.approx(load, abs=1e-9)
    assert looks_like(path, path.read_bytes()[:65536]) == "table"


def test_decimal_commas_give_the_same_numbers(tmp_path):
    record = trace()
    point = read_indents(written(tmp_path, table(*record), "a.csv"))[0]
    comma = read_indents(written(tmp_path, table(*record, comma=True), "b.csv"))[0]
    assert comma.depth == pytest.approx(point.depth)
    assert "read decimal commas" in comma.changes


def test_units_are_those_of_the_headings(tmp_path):
    time, depth, load = trace()
    text = table(time, depth * 1e-3, load * 1e3, names="time [s],depth [µm],load [µN]")
    (one,) = read_indents(written(tmp_path, text, "a.csv"))
    assert one.depth == pytest.approx(depth, abs=1e-12)
    assert one.load.max() == pytest.approx(8e-3)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("time [s],depth,load [mN]", "has no unit"),
        ("time [s],depth [kg],load [mN]", "no unit of depth"),
        ("time [s],depth [nm],voltage [V]", "none for load"),
    ],
)
def test_a_table_without_what_it_needs_says_which(tmp_path, names, why):
    with pytest.raises(InputError, match=why):
        read_indents(written(tmp_path, table(*trace(), names=names), "a.csv"))


def test_depth_that_is_counted_downwards_is_turned_round(tmp_path):
    time, depth, load = trace(approach=2)
    one = read_indents(written(tmp_path, table(time, -depth, -load), "a.csv"))[0]
    assert one.depth.max() == pytest.approx(depth.max(), rel=1e-6)
    assert sum("turned the sign" in sentence for sentence in one.changes) == 2


def test_rows_without_a_number_are_left_out_and_said(tmp_path):
    lines = table(*trace()).splitlines()
    lines[200] = "6.95,nan,1.0"
    (one,) = read_indents(written(tmp_path, "\n".join(lines) + "\n", "a.csv"))
    assert np.isfinite(one.depth).all()
    assert any("left out 1 of" in sentence for sentence in one.changes)


def test_a_hysitron_text_reads(tmp_path):
    record = trace()
    path = written(tmp_path, hysitron(*record), "a.txt")
    assert looks_like(path, path.read_bytes()) == "Hysitron .txt"
    assert read_indents(path)[0].load == pytest.approx(record[2], abs=1e-12)


def test_a_hysitron_text_with_fewer_points_than_counted_is_refused(tmp_path):
    data = hysitron(*trace())
    with pytest.raises(InputError, match="cut short"):
        read_indents(written(tmp_path, data[: len(data) // 2], "a.txt"))


def test_a_fischerscope_text_reads_every_indent(tmp_path):
    records = [loaded(0.3, frame=0.0) for _ in range(3)]
    path = written(tmp_path, fischer(records), "a.txt")
    assert looks_like(path, path.read_bytes()[:65536]) == "FischerScope .txt"
    found = read_indents(path)
    assert [i.name for i in found] == ["indent 1", "indent 2", "indent 3"]
    assert found[1].load == pytest.approx(records[1][2], rel=1e-5)
    assert found[1].position == pytest.approx((45.65e-3, 6.01e-3))
    assert found[0].facts.hardness == pytest.approx(8.5536e9)


def test_the_hardness_an_instrument_states_gives_its_tip(tmp_path):
    path = written(tmp_path, fischer([loaded(0.3)] * 2, hit=8000.0), "a.txt")
    found = measure_indentation([path], poisson_ratio=NU)
    assert found["hardness"].si == pytest.approx(8e9, rel=1e-3)
    assert any("C1" in sentence for sentence in found.changed)


def test_lost_decimal_commas_of_a_fischerscope_text_are_refused(tmp_path):
    data = fischer([loaded(0.3)]).replace(b",", b"")
    with pytest.raises(InputError, match="decimal mark"):
        read_indents(written(tmp_path, data, "a.txt"))


def test_a_fischerscope_text_cut_short_loses_only_its_last_indent(tmp_path):
    data = fischer([loaded(0.3)] * 3)
    found = read_indents(written(tmp_path, data[: int(len(data) * 0.8)], "a.txt"))
    assert len(found) == 2
    assert any("its head counts 3 indents" in sentence for sentence in found[0].changes)


def test_an_hdf5_reads(tmp_path):
    h5py = pytest.importorskip("h5py")
    time, depth, load = trace()
    columns = (
        ("displacement", depth * 1e6, "um"),
        ("force", load * 1e3, "mN"),
        ("time", time, "s"),
    )
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        for k in (1, 2, 10):
            data = file.create_group(f"test_{k}/data")
            for name, values, unit in columns:
                data.create_dataset(name, data=values).attrs["unit"] = unit
    assert looks_like(path, path.read_bytes()[:65536]) == "indents .hdf5"
    found = read_indents(path)
    assert [i.name for i in found] == ["test_1", "test_2", "test_10"]
    assert found[2].depth == pytest.approx(depth)


def test_an_hdf5_of_something_else_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file.create_dataset("x", data=[1.0])
    assert looks_like(tmp_path / "a.hdf5", (tmp_path / "a.hdf5").read_bytes()) is None
    with pytest.raises(InputError, match="holds no indent"):
        read_indents(tmp_path / "a.hdf5")


def test_damaged_containers_are_one_sentence(tmp_path):
    pytest.importorskip("xlrd")
    pytest.importorskip("h5py")
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + struct.pack("<I", 0xFFFFFFFF) * 200
    for data, name in ((ole, "a.xls"), (b"\x89HDF\r\n\x1a\n" + b"\x00" * 500, "a.hdf5")):
        path = written(tmp_path, data, name)
        assert looks_like(path, data) is None
        with pytest.raises(InputError, match="copy or"):
            read_indents(path)


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"notes\nno table here\n", b"1,2\n3,4\n"])
def test_files_of_nothing_are_one_sentence(tmp_path, data):
    path = written(tmp_path, data, "a.txt")
    assert looks_like(path, data) is None
    with pytest.raises(InputError, match=r"a\.txt"):
        read_indents(path)


def test_an_hld_with_fewer_points_than_counted_is_refused(tmp_path):
    example.write(tmp_path)
    data = (tmp_path / "indent_1.hld").read_bytes()
    for cut in (len(data) // 2, len(data) - 4):
        with pytest.raises(InputError, match="cut short"):
            read_indents(written(tmp_path, data[:cut], "b.hld"))


def test_an_hld_with_another_count_asks_for_no_memory(tmp_path):
    example.write(tmp_path)
    data = (tmp_path / "indent_1.hld").read_bytes()
    huge = data.replace(b"Data Points: ", b"Data Points: 99999999")
    with pytest.raises(InputError, match="cut short"):
        read_indents(written(tmp_path, huge, "b.hld"))


def test_a_press_is_not_taken_for_an_indenter(tmp_path):
    time, depth, load = trace()
    deep = table(time, depth * 1e-5, load, names="time [s],depth [mm],load [mN]")
    assert looks_like(tmp_path, deep.encode()) == "table"
    press = table(time, depth * 1e-1, load, names="time [s],depth [mm],load [kN]")
    assert looks_like(tmp_path, press.encode()) is None


def test_other_instruments_are_not_taken_for_indents():
    if not SHARED.is_dir():
        pytest.skip("no shared data at hand")
    for path in sorted(SHARED.glob("*/*")):
        if path.is_file() and path.parent.name != "indentation":
            with path.open("rb") as file:
                assert looks_like(path, file.read(65536)) is None, path.name


# ---------------------------------------------------------------- the verb


@pytest.mark.parametrize("seed", [0, 1])
def test_the_example_comes_out_as_it_was_made(tmp_path, seed):
    truth = example.write(tmp_path, seed=seed)
    assert all(path.stat().st_size < 50_000 for path in tmp_path.iterdir())
    found = measure_indentation(sorted(tmp_path.glob("*.hld")), **example.OPTIONS)
    for name, (quantity, si) in truth.items():
        value = found[name]
        assert value.quantity == quantity
        assert value.si == pytest.approx(si, rel=0.01), name
        assert abs(value.si - si) <= 3 * value.spread + 1e-9, name
    assert not found.failures


def test_a_bad_file_costs_only_itself(tmp_path):
    example.write(tmp_path)
    bad = written(tmp_path, "nothing", "bad.hld")
    found = measure_indentation([*sorted(tmp_path.glob("indent*")), bad, tmp_path / "gone.hld"])
    assert found["count"].si == 5
    assert [f.file for f in found.failures] == ["bad.hld", "gone.hld"]
    with pytest.raises(InputError, match=r"bad\.hld"):
        measure_indentation([bad], raise_errors=True)


def test_without_area_function_and_poisson_ratio_it_is_said(tmp_path):
    found = measure_indentation([written(tmp_path, table(*trace()), "a.csv")])
    assert "youngs_modulus" not in found.results
    assert found["hardness"].kind == "computed"
    assert any("ideal Berkovich" in note for note in found.warnings)
    assert any("give poisson_ratio" in note for note in found.warnings)
    assert found["flow_stress"].kind == "computed"
    assert "Tabor" in found["flow_stress"].note


def test_an_argument_goes_before_the_sidecar(tmp_path):
    example.write(tmp_path)
    paths = sorted(tmp_path.glob("*.hld"))
    found = measure_indentation(paths, poisson_ratio=0.4)
    Er = found["modulus"].si
    assert found["youngs_modulus"].si == pytest.approx(float(youngs_modulus(Er, 0.4)), rel=1e-3)


def test_a_frame_is_fitted_to_indents_of_many_loads(tmp_path):
    frame = 3e-7
    paths = [
        written(tmp_path, table(*trace(p, frame=frame, tip=AreaFunction(coefficients=(24.5,)))),
                f"{k}.csv")
        for k, p in enumerate((4e-3, 1e-2, 5e-2, 0.2))
    ]  # fmt: skip
    found = measure_indentation(paths, area_function=(24.5,), frame_compliance="fit")
    assert found["frame_compliance"].si == pytest.approx(frame, rel=0.02)
    assert found["modulus"].si == pytest.approx(ER, rel=0.01)


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ({"frame_compliance": "guess"}, "fit"),
        ({"outliers": "all"}, "mad or keep"),
        ({"unload_to": 0.95, "unload_from": 0.25}, "part of the unloading"),
        ({"poisson_ratio": 3.0}, "poisson_ratio"),
        ({"area_function": "24.5"}, "coefficients"),
        ({"depth_from": 200.0, "depth_to": 300.0}, "metres"),
        ({"csm": True}, "no dynamic stiffness"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path, option, why):
    path = written(tmp_path, table(*trace()), "a.csv")
    with pytest.raises(InputError, match=why):
        measure_indentation([path], **option)


def test_figures_are_drawn(tmp_path):
    example.write(tmp_path)
    figures = indentation_figures(measure_indentation(sorted(tmp_path.glob("*.hld"))))
    assert [f.name for f in figures] == ["indents", "indent_spread"]
    for figure in figures:
        draw(figure, tmp_path / f"{figure.name}.png")
    many = indent_map([oliver_pharr(indent(), Method(area=TIP))] * 25)
    found = replace(measure_indentation(sorted(tmp_path.glob("*.hld"))), detail=many)
    assert indentation_figures(found)[1].name == "indent_histogram"
    assert indentation_figures(replace(found, detail=None)) == []


# ---------------------------------------------------------------- real instruments


def csm_points(name):
    found = read_indents(real(name))
    valid = [np.isfinite(i.stiffness) for i in found]
    return [
        [getattr(i, w)[v] for i, v in zip(found, valid, strict=True)]
        for w in ("depth", "load", "stiffness")
    ]


def test_the_tip_calibrated_on_fused_silica_is_that_of_micromechanics():
    depth, load, stiffness = csm_points("mm_FS_Calibration.xls")
    h, P, S = (np.concatenate(x) for x in (depth, load, stiffness))
    # its frame is fitted over loads from 1 µN below the least one on
    shifted = np.concatenate([x - x.min() + 1e-6 for x in load])
    frame = fit_frame_compliance(shifted[h > 1e-6], S[h > 1e-6]).si
    found = fit_area_function(h, P, S, frame_compliance=frame, tip_modulus=1.14e12)
    assert found.coefficients == pytest.approx((25.99088, 305.69784, 2050.70109), abs=0.1)
    own = fit_area_function(h, P, S, tip_modulus=1.14e12)
    errors = np.sqrt(np.diag(own.covariance))
    assert np.all(np.abs(np.subtract(own.coefficients, found.coefficients)) < 0.05 * errors)


@pytest.mark.parametrize("csm", [True, False])
def test_fused_silica_has_its_modulus_with_the_tip_calibrated_on_it(csm):
    h, P, S = (np.concatenate(x) for x in csm_points("mm_FS_Calibration.xls"))
    tip = fit_area_function(h, P, S)
    found = measure_indentation(
        [real("mm_FS_Calibration.xls")], area_function=tip, frame_compliance=tip.compliance,
        csm=csm, depth_from=200e-9, depth_to=1900e-9,
    )  # fmt: skip
    assert found["youngs_modulus"].si == pytest.approx(72.7e9, abs=2.5e9)
    assert found["count"].si == 16


@pytest.mark.parametrize(
    ("name", "E_mean", "E_std", "H_mean", "H_std"),
    [("mm_FS_XP.xls", 77.722, 1.663, 10.211, 0.284),
     ("mm_FS_Calibration.xls", 75.25, 1.352, 9.551, 0.281)],
)  # fmt: skip
def test_csm_averages_are_those_of_the_instrument(name, E_mean, E_std, H_mean, H_std):
    found = measure_indentation([real(name)])
    E_, H_ = found["youngs_modulus"], found["hardness"]
    assert (E_.si / 1e9, H_.si / 1e9) == pytest.approx((E_mean, H_mean), abs=2e-3)
    assert (E_.spread / 1e9, H_.spread / 1e9) == pytest.approx((E_std, H_std), abs=2e-3)
    for one, result in zip(read_indents(real(name)), found.detail.indents, strict=True):
        assert result.hardness == pytest.approx(one.facts.hardness, rel=2e-3)
        assert result.youngs_modulus == pytest.approx(one.facts.youngs_modulus, rel=2e-3)


def test_csm_curves_are_those_of_the_instrument_point_by_point():
    for one in read_indents(real("mm_FS_XP.xls")):
        found = oliver_pharr(one, Method(area=one.facts.area, poisson_ratio=0.18))
        at = np.isin(one.depth, found.csm.depth) & (one.depth > 50e-9)
        ours = found.csm.depth > 50e-9
        for word, theirs in (("hardness", "hardness"), ("modulus", "modulus"),
                             ("youngs_modulus", "youngs_modulus"),
                             ("contact_area", "contact_area")):  # fmt: skip
            stated = one.reported[theirs][at & np.isfinite(one.stiffness)]
            assert getattr(found.csm, word)[ours] == pytest.approx(stated, rel=1e-4), word


def test_the_whole_area_function_is_found_where_the_file_lists_a_part():
    one = read_indents(real("mm_FS_XP.xls"))[0]
    wanted = (24.695, 395.77, -16.132, 133.41, 106.46)
    assert one.facts.area.coefficients == pytest.approx(wanted, rel=1e-4)
    assert any("found the 5 coefficients" in sentence for sentence in one.changes)


@pytest.mark.parametrize(
    ("name", "hmax", "hc", "S", "hardness", "modulus"),
    [("nanodent_a.hld", 114.286, 106.233, 328.44, 3.694, 297.9),
     ("nanodent_b.hld", 112.856, 105.445, 360.03, 3.767, 328.3)],
)  # fmt: skip
def test_nanodent_and_we_agree_on_an_unloading(name, hmax, hc, S, hardness, modulus):
    """With its choices: contact at the noise, all from the one greatest load on."""
    (one,) = read_indents(real(name))
    record = corrected(one, extrapolate=False)
    peak = int(record.load.argmax())
    branch = Branch(peak=peak, end=len(one) - 1, load=float(record.load[peak]), load_spread=0.0)
    fit = fit_unloading(record.depth, record.load, branch, part=(0.0, 1.0))
    depth = float(contact_depth(fit.depth, fit.load, fit.stiffness))
    A = float(one.facts.area(depth))
    assert (fit.depth * 1e9, depth * 1e9) == pytest.approx((hmax, hc), abs=2e-3)
    assert fit.stiffness / 1e3 == pytest.approx(S, rel=1e-4)
    assert fit.load / A / 1e9 == pytest.approx(hardness, rel=2e-4)
    assert np.sqrt(np.pi) / 2 * fit.stiffness / np.sqrt(A) / 1e9 == pytest.approx(modulus, rel=3e-4)


@pytest.mark.parametrize(
    ("name", "H_GPa", "Er_GPa"),
    [("nanodent_a.hld", 3.694, 297.9), ("nanodent_b.hld", 3.767, 328.3)],
)
def test_our_own_choices_agree_within_their_spread(name, H_GPa, Er_GPa):
    (one,) = read_indents(real(name))
    method = Method(area=one.facts.area, part=(0.0, 1.0), extrapolate=False)
    found = oliver_pharr(one, method)
    assert found.hardness == pytest.approx(H_GPa * 1e9, rel=0.02)
    assert abs(found.modulus - Er_GPa * 1e9) < found.modulus_spread
    assert any("scatters" in sentence for sentence in found.warnings)


def test_an_indent_whose_tip_struck_the_surface_is_a_failure_with_a_sentence():
    paths = [real(f"nanodent_{k}.hld") for k in "abc"]
    found = measure_indentation(paths)
    assert found["count"].si == 2
    (failure,) = found.failures
    assert failure.file == "nanodent_c.hld"
    assert "struck the surface" in failure.why
    assert measure_indentation(paths, strikes=True)["count"].si == 3


def test_a_polymer_in_an_hdf5_has_the_modulus_that_is_stored_for_it():
    found = measure_indentation(
        [real("mm_FischerScope_N1_1.hdf5")], poisson_ratio=0.3, unload_from=0.99, unload_to=0.21,
        area_function=(24.494,), outliers="keep",
    )  # fmt: skip
    assert found["count"].si == 16
    last = next(r for r in found.detail.indents if r.title.endswith("test_9"))
    assert abs(last.youngs_modulus - 0.66858e9) < last.youngs_modulus_spread
    assert last.youngs_modulus_spread < 0.03 * last.youngs_modulus


def test_a_fischerscope_measurement_of_silica_reads_and_evaluates():
    found = measure_indentation([real("mm_FischerScope_FS1.txt")], poisson_ratio=0.18)
    assert found["count"].si == 10
    stated = [i.facts for i in read_indents(real("mm_FischerScope_FS1.txt"))]
    plane = np.mean([f.plane_modulus for f in stated])
    ours = found["youngs_modulus"].si / (1 - 0.18**2)
    assert ours == pytest.approx(plane, rel=0.03)
    assert found["hardness"].si == pytest.approx(np.mean([f.hardness for f in stated]), rel=0.01)


def test_the_frame_of_an_hld_is_not_taken_off_twice():
    found = measure_indentation([real("mm_Hysitron_50mN.hld")])
    assert any("taken off its depth already" in sentence for sentence in found.changed)
    assert any("hardly valid" in note for note in found.warnings)


def test_a_hysitron_text_of_steel_reads_and_evaluates():
    (one,) = read_indents(real("mm_Hysitron_RobinSteel_LC.txt"))
    assert len(one) == 5304
    found = measure_indentation([real("mm_Hysitron_RobinSteel_LC.txt")], poisson_ratio=0.3)
    assert found["hardness"].si == pytest.approx(5.4e9, rel=0.05)


def test_no_name_of_a_person_or_tip_is_printed():
    text = str(measure_indentation([real("mm_FS_Calibration.xls")]))
    assert "Berk40" not in text


def test_flow_stress_has_the_same_span_of_whatever_constraint_factor():
    for factor in (1.5, 3.0):
        sigma, wide = flow_stress(3e9, 0.0, factor)
        assert wide / sigma == pytest.approx(0.2 / np.sqrt(3) / factor)


@pytest.mark.parametrize(
    ("option", "value"),
    [("epsilon", 75), ("beta", -1), ("constraint_factor", 30), ("drift_rate", float("nan")),
     ("drift_rate", 1.0), ("frame_compliance", float("nan")), ("frame_compliance", -0.001)],
)  # fmt: skip
def test_a_factor_that_no_tip_has_is_refused_by_its_name(tmp_path, option, value):
    example.write(tmp_path)
    with pytest.raises(InputError, match=f"{option} is {value:g}; it is from"):
        measure_indentation(sorted(tmp_path.glob("*.hld")), **{option: value})


def test_hardness_of_a_tip_from_the_stated_hardness_is_not_called_measured():
    found = measure_indentation([real("mm_FischerScope_FS1.txt")], poisson_ratio=0.18)
    for word in ("hardness", "modulus", "youngs_modulus"):
        assert found[word].kind == "computed"
        assert "instrument states" in found[word].note


def test_the_origin_says_which_deviation_is_given(tmp_path):
    example.write(tmp_path)
    paths = sorted(tmp_path.glob("*.hld"))
    many, one = measure_indentation(paths), measure_indentation(paths[:1])
    between = many.detail.spread("hardness").spread
    own = np.sqrt(np.mean(many.detail.values("hardness_spread") ** 2))
    assert many["hardness"].spread == pytest.approx(max(between, own))
    told = "deviation between them" if between > own else "deviation of each"
    assert many["hardness"].where.endswith(told)
    assert one["hardness"].where == "unloading of one indent"
    assert one["hardness"].spread == one.detail.indents[0].hardness_spread


def test_a_table_of_something_else_is_refused_in_a_short_sentence(tmp_path):
    path = tmp_path / "other.csv"
    names = [f"Column {k} [V]" for k in range(30)]
    rows = [",".join(names)] + [",".join(str(k * j) for j in range(30)) for k in range(30)]
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(InputError, match="and 24 more is none for depth"):
        measure_indentation([path])
