"""Growth of an interphase: the parabolic law, its exponent and its onset."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import written

from dualyte import InputError
from dualyte.measure.examples import growth as example
from dualyte.measure.growth import compare_laws, fit_growth, hinge, looks_like, measure_growth
from dualyte.measure.growth.reading import time_of
from dualyte.plot import draw
from dualyte.plot.growth import growth_figures

HOURS = np.arange(0, 18.1, 1.0)
T = 3600 * HOURS
K = 22.7 / 60  # Ω/√s: 22.7 Ω h^-1/2


def law(t=T, start=85.4, k=K, n=0.5):
    return start + k * 60 * (np.asarray(t) / 3600) ** n


def noisy(seed, size=1.0, n=0.5, **how):
    return law(n=n, **how) + size * np.random.default_rng(seed).standard_normal(T.size)


def table(folder, columns, name="a.csv"):
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(f"{x:.9g}" for x in row) for row in rows)]
    return written(folder, "\n".join(lines) + "\n", name)


# --- laws ----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.floats(1, 1e3), st.floats(1e-3, 1e2))
def test_an_exact_parabola_comes_back_to_rounding(start, k):
    fit = fit_growth(T, start + k * np.sqrt(T))
    assert fit.rate == pytest.approx(k, rel=1e-9)
    assert fit.start == pytest.approx(start, rel=1e-9)
    assert fit.exponent.p == pytest.approx(0.5, abs=1e-4)


@pytest.mark.paper("Fig. 8b", says="22.7 Ω h^-1/2, and R ~ t^(+1/2) where t^-1/2 is printed")
def test_the_printed_exponent_minus_one_half_means_plus_one_half():
    """A rate in Ω h^-1/2 makes R rise by 22.7 Ω in the first hour, and by half of it in 15 min."""
    fit = fit_growth(T, law())
    assert fit.rate * 60 == pytest.approx(22.7)
    assert fit.at(3600) - fit.at(0) == pytest.approx(22.7)
    assert fit.at(900) - fit.at(0) == pytest.approx(22.7 / 2)
    assert (fit.exponent.low, fit.exponent.high) == pytest.approx((0.5, 0.5), abs=1e-6)


def test_errors_are_the_scatter_of_repeated_experiments():
    found = [fit_growth(T, noisy(seed)) for seed in range(400)]
    pull = [(fit.rate - K) / fit.spread[1] for fit in found]
    inside = [low < K < high for low, high in (fit.interval() for fit in found)]
    right = [fit.exponent.low < 0.5 < fit.exponent.high for fit in found]
    assert abs(np.mean(pull)) < 0.15
    assert 0.9 < np.std(pull) < 1.2
    assert np.mean(inside) == pytest.approx(0.9, abs=0.045)  # 3 standard deviations of 400
    assert np.mean(right) == pytest.approx(0.9, abs=0.045)


def test_given_spreads_weigh_and_are_trusted_unless_the_scatter_is_larger():
    s = np.where(HOURS < 9, 0.2, 5.0)
    y = law() + s * np.random.default_rng(1).standard_normal(T.size)
    weighted, plain = fit_growth(T, y, s), fit_growth(T, y)
    assert weighted.trusted
    assert weighted.spread[1] < 0.5 * plain.spread[1]
    assert abs(weighted.rate - K) < 3 * weighted.spread[1]
    doubtful = fit_growth(T, y, s / 20)
    assert not doubtful.trusted
    assert doubtful.spread[1] == pytest.approx(weighted.spread[1], rel=0.6)
    assert any("scatter is" in flag for flag in doubtful.flags)


@pytest.mark.parametrize("n", [0.25, 0.5, 1.0, 1.5])
def test_a_free_exponent_is_found(n):
    fit = fit_growth(T, law(n=n))
    assert fit.exponent.p == pytest.approx(n, abs=2e-4)
    loose = fit_growth(T, noisy(7, 0.3, n=n), np.full(T.size, 0.3))
    assert abs(loose.exponent.p - n) < 3 * loose.exponent.spread


@pytest.mark.parametrize(
    ("y", "best"),
    [
        (law(), "sqrt"), (law(n=1.0), "linear"), (85 + 20 * np.log1p(T / 900), "log"),
        (85 + 0 * T, "constant"), (85 + 10 * np.sqrt(np.maximum(HOURS - 5, 0)), "shifted"),
    ],
)  # fmt: skip
def test_each_law_wins_where_it_is_true(y, best):
    s = np.full(T.size, 0.3)
    y = y + 0.3 * np.random.default_rng(5).standard_normal(T.size)
    found = compare_laws(T, y, s)
    assert min(found, key=lambda law: found[law][1]) == best
    assert found[best][1] == 0


def test_a_short_noisy_record_cannot_decide_and_says_so():
    few, s = T[:6], np.full(6, 6.0)
    rng = np.random.default_rng(0)
    said = [fit_growth(few, law(few) + s * rng.standard_normal(6), s).verdict for _ in range(100)]
    assert sum("cannot decide between" in verdict for verdict in said) > 75
    assert sum("√t" in verdict for verdict in said) > 85
    clear = fit_growth(T, noisy(2, 0.3), np.full(T.size, 0.3))
    assert clear.verdict == "√t fits best by AICc and BIC"


def test_replicates_at_one_time_narrow_the_rate():
    s = np.full(T.size, 1.0)
    once = fit_growth(T, noisy(1), s)
    twice = fit_growth(np.tile(T, 4), np.tile(law(), 4), np.full(4 * T.size, 1.0))
    assert twice.spread[1] == pytest.approx(once.spread[1] / 2, rel=1e-9)


@pytest.mark.parametrize(
    ("t", "y", "s"),
    [
        ([0, 1], [1, 2], None), ([0, 0, 1], [1, 2, 3], None), ([-1, 1, 2], [1, 2, 3], None),
        ([0, 1, 2], [1, 2], None), ([0, 1, np.nan], [1, 2, 3], None), ([0, 1, 2], [1, 2, 3], 0.0),
    ],
)  # fmt: skip
def test_too_few_or_wrong_numbers_are_refused(t, y, s):
    with pytest.raises(InputError):
        fit_growth(t, y, s)


def test_an_onset_of_voltage_is_where_the_level_part_ends():
    U = np.arange(3.6, 4.31, 0.05)
    y = 20 + 90 * np.maximum(U - 3.98, 0)
    assert hinge(U, y).p == pytest.approx(3.98, abs=1e-3)
    loose = hinge(U, y + 0.5 * np.random.default_rng(3).standard_normal(U.size))
    assert abs(loose.p - 3.98) < 3 * loose.spread
    with pytest.raises(InputError, match="give five"):
        hinge([1, 2, 3], [1, 2, 3])


# --- tables --------------------------------------------------------------------------------


def test_rates_of_a_table_come_back_in_every_unit(tmp_path):
    one = measure_growth([table(tmp_path, {"time / h": HOURS, "R / ohm": law()})])
    two = measure_growth(
        [table(tmp_path, {"t / min": HOURS * 60, "R_cei / kOhm": law() / 1e3}, "b.csv")]
    )
    per_area = {"time / s": T, "ASR / ohm cm2": law() * 0.785}
    three = measure_growth([table(tmp_path, per_area, "c.csv")], area=0.785e-4)
    for found in (one, two, three):
        assert found["growth_rate"].si == pytest.approx(K, rel=1e-6)
        assert found["start_resistance"].si == pytest.approx(85.4, rel=1e-6)
        assert found["relative_growth"].si == pytest.approx(22.7 / 85.4 / 60, rel=1e-6)
        assert found["growth_exponent"].si == pytest.approx(0.5, abs=1e-3)
    assert three["growth_asr"].si == pytest.approx(K * 0.785e-4, rel=1e-6)
    assert "growth_asr" not in one.results


def test_a_growing_film_lowers_its_capacitance_as_its_resistance_rises(tmp_path):
    R = law()
    C = 180e-6 * R[0] / R
    found = measure_growth(
        [table(tmp_path, {"time / h": HOURS, "R_cei / ohm": R, "C_cei / uF": C * 1e6})]
    )
    assert found["elastance_growth"].si == pytest.approx(K / 85.4 / 180e-6, rel=1e-6)
    assert found["elastance_exponent"].si == pytest.approx(0.5, abs=1e-3)
    assert not any("R·C" in w for w in found.warnings)
    odd = {"time / h": HOURS, "R_cei / ohm": R, "C_cei / uF": 180 + 0 * R}
    found = measure_growth([table(tmp_path, odd)])
    assert any("R·C changes by" in w for w in found.warnings)


def test_a_capacitance_that_rises_is_no_growing_film(tmp_path):
    path = table(tmp_path, {"time / h": HOURS, "R / ohm": law(), "C / uF": 100 + 3 * HOURS})
    found = measure_growth([path])
    assert "elastance_growth" not in found.results
    assert any("no growing film" in w for w in found.warnings)


def test_an_onset_inside_the_record_is_found_and_used_from_there(tmp_path):
    t = np.maximum(T - 5.3 * 3600, 0)
    y = law(t) + 0.3 * np.random.default_rng(4).standard_normal(T.size)
    path = table(tmp_path, {"time / h": HOURS, "R / ohm": y, "R std / ohm": 0.3 + 0 * T})
    onset = measure_growth([path])["onset_time"]
    assert abs(onset.si - 5.3 * 3600) < 3 * onset.spread
    assert onset.si == pytest.approx(5.3 * 3600, rel=0.01)
    cut = measure_growth([path], begin=5.3 * 3600 - 1)
    assert cut["growth_rate"].si == pytest.approx(K, rel=0.02)


def test_growth_before_the_record_bends_the_line_and_is_told(tmp_path):
    y = law(T + 2 * 3600) + 0.05 * np.random.default_rng(4).standard_normal(T.size)
    found = measure_growth([table(tmp_path, {"time / h": HOURS, "R / ohm": y})])
    before = found["growth_before_record"]
    assert abs(before.si - 7200) < 3 * before.spread
    assert found["growth_rate"].si < K  # the slope against √t is less than that of the layer
    assert any("of the layer itself k' is about 22.7" in w or "is about 22." in w
               for w in found.warnings)  # fmt: skip


def test_no_growth_is_not_a_rate(tmp_path):
    y = 85 + 0.3 * np.random.default_rng(11).standard_normal(T.size)
    found = measure_growth([table(tmp_path, {"time / h": HOURS, "R / ohm": y})])
    assert any("no growth is told from zero" in w for w in found.warnings)
    falling = measure_growth([table(tmp_path, {"time / h": HOURS, "R / ohm": 200 - law() / 2})])
    assert "growth_rate" not in falling.results
    assert any("no growth" in w for w in falling.warnings)


def test_an_onset_of_voltage_comes_from_a_column_of_voltages(tmp_path):
    U = 3.6 + 0.04 * HOURS
    R = 40 + 100 * np.maximum(U - 4.0, 0)
    found = measure_growth([table(tmp_path, {"time / h": HOURS, "U / V": U, "R / ohm": R})])
    assert found["onset_voltage"].si == pytest.approx(4.0, abs=2e-3)


def test_of_several_resistances_that_which_grows_most_is_taken_and_said(tmp_path):
    columns = {"time / h": HOURS, "R_1 / ohm": 12 + 0 * T, "R_2 / ohm": law()}
    path = table(tmp_path, columns)
    found = measure_growth([path])
    assert found["growth_rate"].si == pytest.approx(K, rel=1e-6)
    assert any("grows most of" in c for c in found.changed)
    assert measure_growth([path], column="R_1")["start_resistance"].si == pytest.approx(12)
    with pytest.raises(InputError, match="no column is called 'R_9'"):
        measure_growth([path], column="R_9")


def test_cells_are_replicates_with_the_spread_between_them(tmp_path):
    rates = np.array([20.0, 22.0, 25.0]) / 60
    paths = [table(tmp_path, {"time / h": HOURS, "R / ohm": law(k=k)}, f"cell{j}.csv")
             for j, k in enumerate(rates)]  # fmt: skip
    value = measure_growth(paths)["growth_rate"]
    assert value.si == pytest.approx(rates.mean(), rel=1e-6)
    assert value.spread == pytest.approx(rates.std(ddof=1), rel=1e-6)
    assert "mean of 3 cells" in value.where


def test_a_record_that_begins_long_after_its_zero_is_counted_from_its_first_point(tmp_path):
    path = table(tmp_path, {"time / h": HOURS + 100, "R / ohm": law()})
    found = measure_growth([path])
    assert found["growth_rate"].si == pytest.approx(K, rel=1e-5)
    assert any("counted time from the first point, 100 h" in c for c in found.changed)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"time": HOURS, "R / ohm": law()}, "'time' has no unit"),
        ({"time / h": HOURS, "R": law()}, "'R' has no unit"),
        ({"time / V": HOURS, "R / ohm": law()}, "unit 'V', which is none of time"),
        ({"step / h": HOURS, "R / ohm": law()}, "no column is the time"),
        ({"time / h": HOURS, "x / ohm": law()}, "no column is a resistance or capacitance"),
        ({"time / h": HOURS - 3, "R / ohm": law()}, "time"),
        ({"time / h": HOURS, "R / ohm": 100 - law()}, "R / ohm"),
        ({"time / h": HOURS, "ASR / ohm cm2": law()}, "give the area"),
        ({"time / h": HOURS, "R / ohm": law(), "R std / ohm": 0 * T}, "standard deviation"),
    ],
)  # fmt: skip
def test_wrong_columns_are_refused_with_their_place(tmp_path, columns, why):
    with pytest.raises(InputError, match=why):
        measure_growth([table(tmp_path, columns)])


@pytest.mark.parametrize(
    "how", [{"interval": 0.0}, {"begin": -1.0}, {"begin": 5.0, "end": 4.0}, {"area": 3.0},
            {"begin": 1e6}]
)  # fmt: skip
def test_wrong_options_are_refused(tmp_path, how):
    with pytest.raises(InputError):
        measure_growth([table(tmp_path, {"time / h": HOURS, "R / ohm": law()})], **how)


def test_a_record_that_is_too_short_is_refused_by_name(tmp_path):
    path = written(tmp_path, "time / h,R / ohm\n0,1\n1,2\n", "short.csv")
    with pytest.raises(InputError, match=r"^short: 2 different times"):
        measure_growth([path])


def test_a_blank_capacitance_costs_only_its_row(tmp_path):
    t = np.arange(0.0, 20, 2)
    R, E = 85.4 + 22.7 * np.sqrt(t), 5e3 + 1e3 * np.sqrt(t)
    C = [f"{1e6 / e:.9g}" for e in E]
    C[3] = ""
    rows = "".join(f"{a},{r:.9g},{c}\n" for a, r, c in zip(t, R, C, strict=True))
    path = written(tmp_path, "time / h,R / ohm,C / uF\n" + rows, "a.csv")
    found = measure_growth([path])
    assert found["growth_rate"].si * 60 == pytest.approx(22.7, rel=1e-6)
    assert found["elastance_growth"].si * 60 == pytest.approx(1e3, rel=1e-6)
    assert any("no capacitance in 1 of 10 rows" in w for w in found.warnings)
    assert found.table[3]["C / uF"] is None


def test_a_bad_file_costs_only_itself(tmp_path):
    good = table(tmp_path, {"time / h": HOURS, "R / ohm": law()})
    found = measure_growth([written(tmp_path, "nothing\n", "bad.csv"), good])
    assert [f.file for f in found.failures] == ["bad.csv"]
    assert found["growth_rate"].si == pytest.approx(K, rel=1e-6)


def test_a_file_cut_anywhere_is_read_in_part_or_refused(tmp_path):
    rows = [f"{h:.3f},{R:.4f}\n" for h, R in zip(HOURS, law(), strict=True)]
    whole = "time / h,R / ohm\n" + "".join(rows)
    for size in range(0, len(whole), 5):
        try:
            found = measure_growth([written(tmp_path, whole[:size], "cut.csv")])
        except InputError:
            continue
        series = found.detail[0].series
        assert series.resistance == pytest.approx(law(series.time), rel=1e-6)


# --- spectra -------------------------------------------------------------------------------


def spectra(folder, hours, names):
    f = np.logspace(5, -1, 37)
    paths = []
    for h, name in zip(hours, names, strict=True):
        R = float(law(3600 * h))
        C = 180e-6 * 85.4 / R
        z = 8 + 15 / (1 + 2j * np.pi * f * 15 * 4e-6) + R / (1 + 2j * np.pi * f * R * C)
        rows = "".join(f"{a:.9g},{b.real:.9g},{b.imag:.9g}\n" for a, b in zip(f, z, strict=True))
        paths.append(written(folder, "freq/Hz,Z'/Ohm,Z''/Ohm\n" + rows, name))
    return paths


CIRCUIT = "R_0-p(R_ct,C_ct)-p(R_cei,C_cei)"


def test_a_series_of_spectra_is_fitted_and_the_arc_that_grows_is_followed(tmp_path):
    hours = [0, 2, 4, 6, 10, 14, 18]
    paths = spectra(tmp_path, hours, [f"cell_4.3V_{h}h.csv" for h in hours])
    found = measure_growth(paths, circuit=CIRCUIT)
    assert found["growth_rate"].si == pytest.approx(K, rel=1e-4)
    assert found["elastance_growth"].si == pytest.approx(K / 85.4 / 180e-6, rel=1e-4)
    assert "took the times from the names" in found.changed
    assert any("arc cei grows most of" in c for c in found.changed)


def test_the_interval_tells_when_nothing_else_does(tmp_path):
    paths = spectra(tmp_path, range(0, 12, 2), [f"cell_{k:03d}.csv" for k in range(6)])
    (tmp_path / "dualyte.toml").write_text('group = "cell"\n')
    with pytest.raises(InputError, match="nothing tells when"):
        measure_growth(paths, circuit=CIRCUIT)
    found = measure_growth(paths, circuit=CIRCUIT, interval=7200.0, arc="cei")
    assert found["growth_rate"].si == pytest.approx(K, rel=1e-4)
    with pytest.raises(InputError, match="R_bulk"):
        measure_growth(paths, circuit=CIRCUIT, interval=7200.0, arc="bulk")


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("a_2h", 7200.0), ("a_0.5h", 1800.0), ("a t=30min", 1800.0), ("a_2h_30min", None),
     ("C10_60C", None), ("cell_1s", 1.0), ("a_1,5h", 5400.0), ("2d", 172800.0)],
)  # fmt: skip
def test_times_in_names(name, seconds):
    assert time_of(name) == seconds


def test_tables_are_known_by_content(tmp_path):
    path = table(tmp_path, {"time / h": HOURS, "R / ohm": law()})
    assert looks_like(path, path.read_bytes()) == "table of resistances over time"
    assert looks_like(path, b"freq/Hz,Z'/Ohm,Z''/Ohm\n1,2,3\n2,3,4\n") is None
    assert looks_like(path, b"pressure / MPa,R / ohm\n1,2\n2,3\n") is None
    assert looks_like(path, b"\x00\x01binary") is None


# --- example and figures -------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_example_gives_its_truth(tmp_path, seed):
    truth = example.write(tmp_path, seed=seed)
    found = measure_growth(sorted(tmp_path.glob("*.txt")), **example.OPTIONS)
    for name, (quantity, si) in truth.items():
        value = found[name]
        assert value.quantity == quantity
        assert abs(value.si - si) < 3 * value.spread
        assert value.si == pytest.approx(si, rel=0.05)


def test_the_figures_are_drawn(tmp_path):
    example.write(tmp_path / "files")
    found = measure_growth(sorted((tmp_path / "files").glob("*.txt")))
    figures = growth_figures(found)
    assert [f.name for f in figures] == ["growth", "growth_elastance"]
    for figure in figures:
        draw(figure, tmp_path / f"{figure.name}.png")
