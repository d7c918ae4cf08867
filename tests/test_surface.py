"""Surfaces before contact: drawn, measured, described and made to repeat."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import InputError, Value, sources
from dualyte.surface import (
    Surface,
    detrend,
    files,
    grit,
    periodic_cell,
    psd,
    read_surface,
    roughness,
    self_affine,
)

HERE = Path(__file__).parent / "data" / "topography"
um, nm = 1e-6, 1e-9


def drawn(seed=1, n=128, **how):
    given = {"sq": 130 * nm, "correlation_length": 4 * um, "cutoff": 0.5 * um, "size": 32 * um}
    return self_affine(seed=seed, n=n, **{**given, **how})


def wave(amplitude=0.1 * um, waves=3, n=64, side=10 * um, periodic=True):
    x = (np.arange(n) + 0.5) * side / n
    heights = amplitude * np.sin(2 * np.pi * waves * x[:, None] / side) * np.ones(n)
    return Surface(heights=heights, size=(side, side), name="wave", periodic=periodic)


def tilted(slope_x=0.1, slope_y=-0.2, n=32, side=10 * um):
    x, y = np.mgrid[0:n, 0:n] * side / n
    return Surface(heights=slope_x * x + slope_y * y, size=(side, side), name="plane")


# --- the noun -------------------------------------------------------------------------


def test_heights_have_zero_mean_and_cannot_be_written_to():
    surface = Surface(heights=np.arange(16.0).reshape(4, 4) * nm, size=(um, um), name="steps")
    assert surface.heights.mean() == pytest.approx(0, abs=1e-20)
    with pytest.raises(ValueError, match="read-only"):
        surface.heights[0, 0] = 1.0


def test_a_surface_keeps_its_own_copy_of_the_heights():
    heights = np.eye(8) * nm
    surface = Surface(heights=heights, size=(um, um), name="mine")
    heights[0, 0] = 1.0
    assert surface.heights.max() < 2 * nm


def test_a_surface_says_first_what_a_person_wants_to_know():
    said = str(drawn())
    assert said.startswith("self-affine surface, seed 1: 32 um × 32 um, 128 × 128 points, periodic")
    assert "Sq 130 nm, slope 0." in said
    assert "assumed, user" in said


def test_a_surface_becomes_a_dataset_with_units():
    data = detrend(drawn()).to_dataset()
    assert data["height"].attrs["units"] == data["x"].attrs["units"] == "m"
    assert float(data["x"][0]) == pytest.approx(0.125 * um)
    assert data.attrs["changes"].startswith("removed the least-squares plane")
    assert data.attrs["seed"] == 1


def test_a_surface_travels_between_processes():
    surface = drawn()
    again = pickle.loads(pickle.dumps(surface))
    np.testing.assert_array_equal(again.heights, surface.heights)
    assert again.inputs == surface.inputs


@pytest.mark.parametrize(
    ("heights", "size", "says"),
    [
        (np.zeros(16), (um, um), r"shape \(16,\); give a grid"),
        (np.zeros((3, 9)), (um, um), "at least 4 × 4 points"),
        (np.where(np.eye(8), np.nan, 0), (um, um), "8 of 64 heights are not finite.*read_surface"),
        (np.eye(8), (um, um), r'did you mean height=q\("-0.125 nm"\)'),
        (np.eye(8) * nm, (0, um), "length=0 m"),
        (np.eye(8) * nm, (um, um, um), r"give \(x, y\) in metres"),
    ],
)
def test_heights_that_cannot_be_a_surface_are_refused(heights, size, says):
    with pytest.raises(InputError, match=says):
        Surface(heights=heights, size=size, name="s")


# --- drawn surfaces -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roll_off", "hurst", "cutoff"), [(4, 0.8, 0.5), (32, 0.5, 0.25), (8, 1, 1)]
)
def test_a_seed_means_the_same_surface_for_ever(roll_off, hurst, cutoff):
    """Filtered white noise, written out in micrometres as in the contact prototype."""
    n, side = 256, 32.0
    qx, qy = (2 * np.pi * f(n, side / n) for f in (np.fft.fftfreq, np.fft.rfftfreq))
    q = np.hypot(qx[:, None], qy[None, :])
    c = np.maximum(q / (2 * np.pi / roll_off), 1.0) ** (-2 - 2 * hurst)
    c[q > 2 * np.pi / cutoff] = c[0, 0] = 0
    noise = np.random.default_rng(7).standard_normal((n, n))
    h = np.fft.irfft2(np.fft.rfft2(noise) * np.sqrt(c), s=(n, n))
    h = (h - h.mean()) * (0.13 * um / h.std())
    surface = drawn(7, n, correlation_length=roll_off * um, hurst=hurst, cutoff=cutoff * um)
    np.testing.assert_allclose(surface.heights, h, rtol=1e-12, atol=1e-12 * h.std())


@given(seed=st.integers(0, 2**32), sq=st.floats(1 * nm, 10 * um), n=st.sampled_from([64, 65, 96]))
@settings(deadline=None, max_examples=20)
def test_the_rms_height_is_exactly_what_was_asked(seed, sq, n):
    surface = drawn(seed, n, sq=sq, cutoff=2 * um)
    assert roughness(surface).sq == pytest.approx(sq, rel=1e-12)


@pytest.mark.parametrize("hurst", [0.5, 0.8, 1.0])
def test_the_spectrum_falls_as_q_to_the_minus_two_minus_two_hurst(hurst):
    q, c = psd(drawn(3, 512, hurst=hurst, correlation_length=16 * um, cutoff=0.2 * um))
    band = (q > 1.2 * 2 * np.pi / (16 * um)) & (q < 0.95 * 2 * np.pi / (0.2 * um))
    slope = np.polyfit(np.log(q[band]), np.log(c[band]), 1, w=np.sqrt(q[band]))[0]
    assert slope == pytest.approx(-2 - 2 * hurst, abs=0.03)


def test_the_spectrum_is_flat_below_the_roll_off_and_zero_beyond_the_cutoff():
    q, c = psd(drawn(3, 512, correlation_length=2 * um))
    flat = c[q < 0.9 * 2 * np.pi / (2 * um)]
    assert flat[4:].max() / flat[4:].min() < 3  # few modes a ring, so it scatters
    assert c[q > 1.05 * 2 * np.pi / (0.5 * um)].max() < 1e-20 * c.max()


def test_a_drawn_surface_is_gaussian():
    found = roughness(drawn(5, 512, correlation_length=1 * um, cutoff=0.25 * um))
    assert found.ssk == pytest.approx(0, abs=0.05)
    assert found.sku == pytest.approx(3, abs=0.1)
    assert found.sa == pytest.approx(found.sq * np.sqrt(2 / np.pi), rel=0.01)


def test_the_correlation_length_is_a_quarter_of_the_roll_off_at_hurst_08():
    lengths = [roughness(drawn(s, 256)).correlation_length for s in range(4)]
    assert np.mean(lengths) == pytest.approx(1 * um, rel=0.1)


def test_a_drawn_surface_knows_where_its_numbers_are_from():
    surface = drawn(sq=grit("P1000"))
    assert sources(surface) == {"paper2026": {"measured"}, "user": {"assumed"}}
    assert roughness(surface).sq == pytest.approx(130 * nm)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"cutoff": 0.4 * um}, "shorter than two pixels of 0.25 um; give n of at least 160"),
        ({"correlation_length": 0.45 * um}, "shorter than cutoff=0.5 um"),
        ({"correlation_length": 40 * um}, "size=32 um is shorter than correlation_length=40 um"),
        ({"hurst": 1.2}, r"hurst=1.2 is outside \(0, 1\]"),
        ({"hurst": 0.0}, "hurst=0 is outside"),
        ({"sq": 130.0}, r'did you mean roughness=q\("130 nm"\)'),
        ({"n": 2}, "n=2 points a side are too few"),
    ],
)
def test_impossible_lengths_are_refused_with_the_fix(how, says):
    with pytest.raises(InputError, match=says):
        drawn(**how)


# --- roughness and spectrum -----------------------------------------------------------


def test_the_roughness_of_a_sinusoid_is_known_exactly():
    a, k = 0.1 * um, 2 * np.pi * 3 / (10 * um)
    found = roughness(wave(a))
    assert found.sq == pytest.approx(a / np.sqrt(2), rel=1e-12)
    assert found.sdq == pytest.approx(a * k / np.sqrt(2), rel=1e-12)
    assert found.curvature == pytest.approx(a * k**2 / np.sqrt(8), rel=1e-12)
    assert found.ssk == pytest.approx(0, abs=1e-12)
    assert found.sku == pytest.approx(1.5, rel=1e-12)
    assert roughness(wave(a, n=600)).sa == pytest.approx(2 * a / np.pi, rel=1e-4)


def test_finite_differences_converge_to_the_slope_at_second_order():
    exact = roughness(wave()).sdq
    errors = [abs(roughness(wave(n=n, periodic=False)).sdq / exact - 1) for n in (300, 600)]
    # over whole periods; the last interval of the field is missing, so a little worse
    assert errors[1] < errors[0] / 1.8
    assert errors[1] < 0.01


def test_the_slope_and_curvature_of_a_paraboloid_are_exact():
    x, y = (np.mgrid[0:41, 0:41] - 20) * 0.1 * um
    bowl = Surface(heights=(x**2 + y**2) / (2 * 50 * um), size=(4.1 * um, 4.1 * um), name="bowl")
    assert roughness(bowl).curvature == pytest.approx(1 / (50 * um), rel=1e-6)


def test_a_flat_surface_has_no_shape():
    found = roughness(Surface(heights=np.zeros((8, 8)), size=(um, um), name="flat"))
    assert found.sq == found.sdq == 0
    assert np.isnan([found.ssk, found.sku, found.correlation_length]).all()


def test_a_tilted_plane_has_no_correlation_length_shorter_than_itself():
    assert not roughness(tilted()).correlation_length < 2 * um


@given(seed=st.integers(0, 999), n=st.sampled_from([(32, 32), (33, 48)]), periodic=st.booleans())
@settings(deadline=None, max_examples=20)
def test_the_spectrum_sums_to_the_mean_square_height(seed, n, periodic):
    heights = np.random.default_rng(seed).standard_normal(n) * nm
    surface = Surface(heights=heights, size=(3 * um, 5 * um), name="noise", periodic=periodic)
    _, c = psd(surface, radial=False)
    assert c.sum() / (15 * um**2) == pytest.approx(surface.heights.var(), rel=1e-12)


def test_the_ring_averages_sum_to_the_mean_square_height_within_two_per_cent():
    surface = drawn(2, 256)
    q, c = psd(surface)
    whole = np.sum(c * 2 * np.pi * q) * (2 * np.pi / (32 * um)) / (4 * np.pi**2)
    assert whole == pytest.approx(surface.heights.var(), rel=0.02)


def test_the_window_leaves_the_spectrum_of_a_big_enough_field_alone():
    surface = drawn(2, 256, correlation_length=2 * um)
    q, c = psd(surface)
    _, windowed = psd(replace(surface, periodic=False))
    band = (q > 2e6) & (q < 1e7)
    assert np.mean(windowed[band] / c[band]) == pytest.approx(1, abs=0.15)


@given(factor=st.floats(0.1, 10), periodic=st.booleans())
@settings(deadline=None, max_examples=20)
def test_taller_surfaces_are_rougher_and_steeper_in_proportion(factor, periodic):
    surface = replace(drawn(n=64, cutoff=1 * um), periodic=periodic)
    a, b = roughness(surface), roughness(replace(surface, heights=surface.heights * factor))
    assert b.sq == pytest.approx(factor * a.sq)
    assert b.sdq == pytest.approx(factor * a.sdq)
    assert b.curvature == pytest.approx(factor * a.curvature)
    assert (b.ssk, b.sku) == pytest.approx((a.ssk, a.sku))
    assert b.correlation_length == pytest.approx(a.correlation_length)


@given(factor=st.floats(0.05, 50))
@settings(deadline=None, max_examples=20)
def test_a_change_of_unit_of_all_lengths_leaves_slope_and_shape_alone(factor):
    surface = drawn(n=64, cutoff=1 * um)
    size = (surface.size[0] * factor, surface.size[1] * factor)
    a = roughness(surface)
    b = roughness(replace(surface, heights=surface.heights * factor, size=size))
    assert b.sdq == pytest.approx(a.sdq)
    assert (b.ssk, b.sku) == pytest.approx((a.ssk, a.sku))
    assert b.correlation_length == pytest.approx(factor * a.correlation_length)
    assert b.curvature == pytest.approx(a.curvature / factor)


# --- detrending -----------------------------------------------------------------------


@given(st.floats(-1, 1), st.floats(-1, 1))
@settings(deadline=None, max_examples=20)
def test_removing_the_tilt_of_a_plane_leaves_nothing(slope_x, slope_y):
    assert np.abs(detrend(tilted(slope_x, slope_y)).heights).max() < 1e-19


@pytest.mark.parametrize("what", ["tilt", "curvature", "mean"])
def test_removing_a_trend_twice_is_removing_it_once(what):
    once = detrend(replace(drawn(n=64, cutoff=1 * um), periodic=False), what)
    np.testing.assert_allclose(detrend(once, what).heights, once.heights, atol=1e-12 * 130 * nm)


def test_removing_a_trend_never_makes_a_surface_rougher():
    surface = drawn()
    sq = [roughness(detrend(surface, what)).sq for what in ("mean", "tilt", "curvature")]
    assert sq[0] >= sq[1] >= sq[2]


def test_the_curvature_of_a_bowl_is_removed_with_its_tilt():
    x, y = np.mgrid[0:30, 0:40] * 0.1 * um
    heights = 0.1 * x + x**2 / (40 * um) - x * y / (90 * um) + y**2 / (70 * um)
    bowl = Surface(heights=heights, size=(3 * um, 4 * um), name="bowl")
    assert np.abs(detrend(bowl, "curvature").heights).max() < 1e-19
    assert roughness(detrend(bowl)).sq > 1 * nm


def test_detrending_says_what_it_removed():
    assert detrend(tilted()).changes == (
        "removed the least-squares plane (slope 0.1 along x, -0.2 along y; 100 % of the variance)",
    )
    assert not detrend(drawn()).periodic
    with pytest.raises(InputError, match="it is mean, tilt or curvature"):
        detrend(tilted(), "slope")


# --- periodic cells -------------------------------------------------------------------


@pytest.mark.parametrize("window", ["tukey", "mirror"])
def test_a_cell_keeps_the_roughness_of_the_cut_and_says_what_it_did(window):
    whole = detrend(drawn(3, 256, cutoff=2 * um))
    cell = periodic_cell(whole, n=128, window=window)
    assert cell.periodic
    assert cell.heights.shape == (128, 128)
    assert roughness(cell).sq == pytest.approx(roughness(whole).sq, rel=0.03)
    assert "resampled to" in " ".join(cell.changes)
    assert ("scaled heights by" if window == "tukey" else "mirrored") in cell.changes[-1]


@pytest.mark.parametrize("window", ["tukey", "mirror"])
def test_a_cell_has_no_step_at_its_edge(window):
    whole = replace(drawn(3, 256, correlation_length=16 * um, cutoff=2 * um), periodic=False)
    z = periodic_cell(whole, n=128, size=11 * um, window=window).heights
    inside = np.abs(np.diff(z, axis=0)).max()
    assert np.abs(z[0] - z[-1]).max() <= inside


def test_a_mirrored_cell_is_twice_as_wide_and_symmetric():
    cell = periodic_cell(tilted(n=64), n=64, size=5 * um, window="mirror")
    assert cell.size == pytest.approx((10 * um, 10 * um))
    np.testing.assert_array_equal(cell.heights, cell.heights[::-1, ::-1])


def test_a_tilted_sample_does_not_become_a_hill():
    """The tilt would be all of the roughness; a surface that repeats has none."""
    flat = replace(drawn(3), periodic=False)
    x = np.arange(128)[:, None] * 0.25 * um
    leaning = replace(flat, heights=flat.heights + 0.2 * x)
    for window in ("tukey", "mirror"):
        cells = [periodic_cell(s, n=64, window=window) for s in (flat, leaning)]
        np.testing.assert_allclose(cells[0].heights, cells[1].heights, atol=1e-18)
        assert "removed the least-squares plane" in " ".join(cells[1].changes)


def test_a_surface_that_already_repeats_is_left_alone():
    surface = drawn(n=64, cutoff=1 * um)
    assert periodic_cell(surface, n=64) is surface
    finer = periodic_cell(surface, n=256)
    assert "blended" not in " ".join(finer.changes)
    assert roughness(finer).sq == pytest.approx(roughness(surface).sq, rel=0.01)


def test_finer_pixels_of_a_wave_are_the_wave():
    fine, exact = periodic_cell(wave(n=48), n=128), wave(n=128)
    np.testing.assert_allclose(fine.heights, exact.heights, atol=1e-3 * 0.1 * um)


def test_coarser_pixels_are_averages_and_do_not_alias():
    """60 waves on 40 points would look like 20; averaged they nearly vanish."""
    assert roughness(periodic_cell(wave(waves=60, n=480), n=40)).sq < 0.35 * roughness(wave()).sq
    blocks = periodic_cell(drawn(n=128), n=32).heights
    means = drawn(n=128).heights.reshape(32, 4, 32, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks, means, atol=1e-12 * um)


def test_a_cell_taken_as_it_is_says_how_big_its_steps_are():
    cell = periodic_cell(tilted(0.1, 0, n=64), n=64, window="none")
    assert cell.periodic
    assert "steps of 696" in cell.changes[-1]  # 0.1 × 10 µm × 63/64 / √2, nm


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"size": 20 * um}, "size=20 um does not fit into plane, whose shorter side is 10 um"),
        ({"n": 65, "window": "mirror"}, "an even number to mirror"),
        ({"window": "hann"}, "tukey, mirror or none"),
    ],
)
def test_a_cell_that_cannot_be_cut_is_refused(how, says):
    with pytest.raises(InputError, match=says):
        periodic_cell(tilted(), **{"n": 32, **how})


# --- the paper's grits ----------------------------------------------------------------


@pytest.mark.paper(
    "Electrical properties of bilayer symmetric cells", says="Sq 300, 120-150, 30 nm"
)
def test_finer_paper_grinds_smoother():
    assert [grit(x).si for x in ("P400", "P1000", "p4000")] == pytest.approx([3e-7, 1.3e-7, 3e-8])
    assert {grit(x).kind for x in ("P400", "P1000", "P4000")} == {"measured"}
    assert grit("P1000").interval() == pytest.approx((121.5 * nm, 148.5 * nm))
    assert grit("P400").spread == pytest.approx(30 * nm)
    assert grit("P400").spread_kind == grit("P4000").spread_kind == "assumed"
    assert isinstance(grit("P400"), Value)


def test_an_unknown_grit_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'P80' \(known: P400, P1000, P4000\)"):
        grit("P80")


# --- instrument files -----------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    """Every example file that holds an area, read once."""
    names = ("x3p-2.x3p", "plu-1.plu", "al3d-1.al3d", "frt-1.frt", "nms-1.nms", "tmd-1.tmd")
    return {name.split("-")[0]: read_surface(HERE / f"st_{name}") for name in names}


@pytest.mark.parametrize(
    ("name", "size", "sq", "level"),
    [
        ("x3p", (82.97673 * um, 204.47837 * um), 7.728033273597876e-08, 7.719303e-08),
        ("plu", (1274.88007 * um, 956.16005 * um), 2.834391e-6, 1.8281956e-08),
        ("al3d", (87.6054 * um, 129.655992 * um), 7.688266e-06, 2.8982210e-07),
        ("nms", (160 * um, 160 * um), 0.7187186e-6, 0.0335149e-6),
        ("tmd", (18.9566e-3, 18.9566e-3), 74.3413e-6, 74.340880e-6),
    ],
)
def test_real_files_have_the_roughness_others_find(real, name, size, sq, level):
    surface = real[name]
    assert surface.size == pytest.approx(size, rel=1e-6)
    assert surface.heights.std() == pytest.approx(sq, rel=1e-6)
    assert detrend(surface).heights.std() == pytest.approx(level, rel=1e-5)
    assert surface.name.endswith(name)
    assert not surface.periodic


def test_the_slope_of_a_real_file_is_the_one_others_find(real):
    assert real["x3p"].heights.shape == (650, 650)
    assert roughness(real["x3p"]).sdq == pytest.approx(0.0620701, abs=5e-8)


def test_a_file_that_needed_no_mending_reports_none(real):
    assert real["x3p"].changes == real["plu"].changes == real["al3d"].changes == ()


def test_a_nanofocus_field_of_160_metres_is_mended_to_micrometres(real):
    assert real["nms"].pixel == pytest.approx((0.3125 * um, 0.3125 * um), rel=1e-6)
    assert "160 um × 160 um: NanoFocus" in real["nms"].changes[0]


def test_a_dime_is_eighteen_millimetres_wide(real):
    """TrueMap numbers are mm: its rim, the steepest ring, has the diameter of the coin."""
    z = real["tmd"].heights
    x, y = np.mgrid[0:300, 0:300]
    r = np.rint(np.hypot(x - 152, y - 147)).astype(int)
    profile = np.bincount(r.ravel(), z.ravel())[:148] / np.bincount(r.ravel())[:148]
    edge = 125 + np.argmin(np.diff(profile[125:145]))
    assert 2 * edge * real["tmd"].pixel[0] == pytest.approx(17.91e-3, rel=0.05)
    assert "as mm" in real["tmd"].changes[0]
    assert 'unit="um"' in real["tmd"].changes[0]


def test_a_true_map_file_read_as_micrometres_is_mended():
    numbers = np.eye(8)
    raw = files._in_metres("coin", "tmd", numbers, (18.9566, 18.9566), "µm", None, None)
    assert raw.size == pytest.approx((18.9566e-3, 18.9566e-3))
    assert "as mm, as TrueMap files are written (read as µm)" in raw.changes[0]


def test_undefined_points_are_filled_without_raising_the_roughness(real):
    """76456 points are marked undefined; 500 more, one line at exactly 0, are not."""
    raw = files._instrument(HERE / "st_frt-1.frt", None, None)
    marked = np.isfinite(raw.heights)
    assert marked.size - marked.sum() == 76456
    assert raw.heights[marked].std() == pytest.approx(4.9158e-06, rel=1e-5)
    surface = real["frt"]
    said = surface.changes[0]
    assert said.startswith("filled 76956 of 250000 points (30.8 %) that are undefined, 500 of them")
    assert "Sq of the defined points 2505 nm, 1610 nm without the plane" in said
    assert surface.heights.std() < 1.7 * um
    assert np.count_nonzero(surface.heights < -30 * um) < 10  # spikes stay; the line is gone


def test_the_plane_of_defined_points_ignores_the_voids():
    raw = files._instrument(HERE / "st_frt-1.frt", None, None)
    marked = np.isfinite(raw.heights)
    trend, _ = files.fitted_trend(np.nan_to_num(raw.heights), (1.0, 1.0), 1, marked)
    assert (raw.heights - trend)[marked].std() == pytest.approx(4.396006e-06, rel=1e-6)


def test_a_line_scan_is_refused_because_a_contact_needs_an_area():
    with pytest.raises(InputError, match=r"opdx-3.opdx is a line scan; a contact needs an area"):
        read_surface(HERE / "st_opdx-3.opdx")


def test_the_unit_a_person_gives_overrides_the_files(real):
    small = read_surface(HERE / "st_tmd-1.tmd", unit="um")
    assert small.size == pytest.approx((18.9566 * um, 18.9566 * um))
    assert roughness(small).sdq == pytest.approx(roughness(real["tmd"]).sdq)
    assert small.changes == ("took its numbers as um, as asked (the file says mm)",)


def test_the_size_a_person_gives_overrides_the_files(real):
    sized = read_surface(HERE / "st_nms-1.nms", size=320 * um)
    assert sized.size == (320 * um, 320 * um)
    assert sized.changes == ("took its field as 320 um × 320 um, as asked",)
    assert sized.heights.std() == pytest.approx(real["nms"].heights.std())


# --- files that are wrong -------------------------------------------------------------


def test_a_missing_or_empty_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_surface(tmp_path / "gone.x3p")
    (tmp_path / "empty.plu").touch()
    with pytest.raises(InputError, match=r"empty\.plu is empty; export or copy it again"):
        read_surface(tmp_path / "empty.plu")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5])
@pytest.mark.parametrize(
    "name", ["x3p-2.x3p", "plu-1.plu", "al3d-1.al3d", "frt-1.frt", "tmd-1.tmd"]
)
def test_a_file_cut_short_is_refused_whatever_its_format(tmp_path, name, share):
    content = (HERE / f"st_{name}").read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=f"{name}.*(damaged|cut short)"):
        read_surface(tmp_path / name)


def test_text_and_noise_are_not_topographies(tmp_path, capfd):
    noise = np.random.default_rng(0).bytes(5000)
    for name, content in {"letter.x3p": b"dear all,\n" * 40, "noise.bin": noise}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} is damaged, cut short or of an unknown"):
            read_surface(tmp_path / name)
    assert capfd.readouterr().out == ""


def save(path, heights):
    np.save(path, heights)
    return path


def bumpy(n=40):
    """Heights in nanometres."""
    return detrend(drawn(n=n, cutoff=2 * um)).heights / nm


def test_a_plain_array_is_read_when_its_size_and_unit_are_given(tmp_path):
    path = save(tmp_path / "h.npy", bumpy())
    surface = read_surface(path, size=(4 * um, 8 * um), unit="nm")
    np.testing.assert_allclose(surface.heights, bumpy() * nm, atol=1e-18)
    assert surface.pixel == pytest.approx((0.1 * um, 0.2 * um))
    with pytest.raises(InputError, match=r"h.npy holds bare numbers; give size="):
        read_surface(path, unit="nm")
    with pytest.raises(InputError, match="has the wrong unit"):
        read_surface(path, size=4 * um, unit="s")


@pytest.mark.parametrize(
    ("mark", "decimal", "heading"),
    [
        (",", ".", "x 1,x 2\n"),
        (";", ",", ""),
        ("\t", ",", "# heights\n\n"),
        (" ", ".", ""),
        (" ", ",", ""),
    ],
)
def test_a_table_is_read_whatever_separates_its_numbers(tmp_path, mark, decimal, heading):
    """A line of text runs along x, so the table is the transpose of the heights."""
    rows = [mark.join(f"{z:.9g}".replace(".", decimal) for z in row) for row in bumpy().T]
    (tmp_path / "h.csv").write_text(heading + "\n".join(rows) + "\n")
    surface = read_surface(tmp_path / "h.csv", size=4 * um, unit="nm")
    np.testing.assert_allclose(surface.heights, bumpy() * nm, atol=1e-16)
    assert (surface.changes[0] == "skipped 1 line of heading") == bool(heading)


def test_a_text_map_that_says_its_size_and_unit_needs_no_help(tmp_path):
    heading = "# Channel: Main\n# Width: 10 µm\n# Height: 10 µm\n# Value units: nm\n"
    rows = "\n".join(" ".join(f"{z:.9g}" for z in row) for row in bumpy().T)
    (tmp_path / "h.txt").write_text(heading + rows + "\n", encoding="utf-8")
    surface = read_surface(tmp_path / "h.txt")
    assert surface.size == pytest.approx((10 * um, 10 * um))
    np.testing.assert_allclose(surface.heights, bumpy() * nm, atol=1e-16)


def test_a_text_map_without_size_is_refused_with_what_to_give(tmp_path):
    for name, text in {"a.txt": "1 2 3 4\n" * 4, "b.txt": "good\nmorning\n"}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=rf"{name}.*give size= \[m\] and unit= of its heights"):
            read_surface(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 2 3 4\n1 2 oops 4\n", "line 2, column 3: 'oops' is not a number"),
        ("1,2,3,4\n1,2,3,4\n1,2\n", "line 3: 2 numbers, not the 4 of the rows above"),
        ("height\nof\nnothing\n", "no row of numbers"),
        ("1 2 3\n" * 9, "x, y, z must be gridded first"),
        ("1 2 \0 3", "not text"),
        ("1 1 1 1\n" * 4, "all heights are the same"),
    ],
)
def test_a_table_that_is_not_a_map_is_refused_with_its_line(tmp_path, text, says):
    (tmp_path / "h.txt").write_text(text)
    with pytest.raises(InputError, match=says):
        read_surface(tmp_path / "h.txt", size=4 * um, unit="nm")


def test_arrays_that_are_not_maps_are_refused(tmp_path):
    for heights in (np.zeros(9), np.full((4, 4), "a"), np.zeros((4, 4), complex)):
        with pytest.raises(InputError, match="save real heights as"):
            read_surface(save(tmp_path / "h.npy", heights), size=4 * um, unit="nm")
    (tmp_path / "h.npy").write_bytes(save(tmp_path / "h.npy", bumpy()).read_bytes()[:900])
    with pytest.raises(InputError, match=r"not a whole \.npy file"):
        read_surface(tmp_path / "h.npy", size=4 * um, unit="nm")


def holed(share, seed=0):
    heights = bumpy()
    heights[np.random.default_rng(seed).random(heights.shape) < share] = np.nan
    return heights


@given(share=st.floats(0.001, 0.35), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_small_voids_are_filled_between_their_neighbours(share, seed):
    heights = holed(share, seed)
    raw = files._Raw(heights=heights * nm, size=(4 * um, 4 * um), changes=())
    whole = files._without_voids(raw, "h").heights
    assert np.isfinite(whole).all()
    assert whole.std() <= 1.05 * np.nanstd(heights) * nm
    full = detrend(Surface(heights=bumpy() * nm, size=(4 * um, 4 * um), name="h")).heights
    assert np.std(whole - whole.mean() - full) < 0.45 * full.std()


def test_a_hole_in_a_plane_is_filled_with_the_plane():
    x, y = np.mgrid[0:40, 0:40]
    heights = 0.1 * um * (0.3 * x - 0.1 * y)
    heights[10:25, 12:30] = np.nan
    raw = files._Raw(heights=heights, size=(4 * um, 4 * um), changes=())
    assert np.abs(files._without_voids(raw, "h").heights).max() < 1e-18


def test_a_hole_in_a_saddle_is_filled_almost_as_laplace_would():
    """x² - y² is harmonic, so a harmonic fill of a hole in it is the saddle itself."""
    x, y = (np.mgrid[0:64, 0:64] - 31.5) / 32
    known = np.hypot(x, y) > 0.4
    filled = files._filled(np.where(known, x**2 - y**2, 0.0), known)
    assert np.abs(filled - (x**2 - y**2)).max() < 0.05


def test_too_many_voids_are_refused_with_their_number(tmp_path):
    path = save(tmp_path / "h.npy", holed(0.6))
    with pytest.raises(InputError, match=r"of 1600 points \(59.1 %\) are undefined; crop"):
        read_surface(path, size=4 * um, unit="nm")
    with pytest.raises(InputError, match=r"1600 of 1600 points \(100 %\)"):
        read_surface(save(path, np.full((40, 40), np.nan)), size=4 * um, unit="nm")


def test_voids_left_in_at_one_far_off_height_are_found():
    """Left in, 10 % of points at -9999 nm would give an Sq of 3000 nm instead of 130."""
    heights = np.where(np.isnan(holed(0.1)), -9999.0, bumpy())
    raw = files._Raw(heights=heights * nm, size=(4 * um, 4 * um), changes=())
    mended = files._without_voids(raw, "h")
    assert mended.heights.std() < 150 * nm
    assert "not marked but all at one far-off height" in mended.changes[0]


@pytest.mark.parametrize("clip", [1.5, 2.5])
def test_clipped_summits_and_gratings_are_not_taken_for_voids(clip):
    clipped = np.clip(bumpy(), -clip * 130, clip * 130)
    grating = np.where(np.arange(40)[:, None] % 8 < 2, 0.0, 100.0) * np.ones(40)
    for heights in (clipped, grating):
        raw = files._Raw(heights=heights * nm, size=(4 * um, 4 * um), changes=())
        assert files._without_voids(raw, "h") is raw


@pytest.mark.parametrize(
    ("size", "unit", "says"),
    [
        (0.5, "nm", r"field of 5e\+05 um.*all lengths × 1e-3 or a field × 1e-3 would be plausible"),
        (4 * um, "mm", "heights × 1e-6"),
        (4 * um, "m", "heights × 1e-9 would be plausible"),
        (0.4, "mm", "all lengths × 1e-3"),
    ],
)
def test_lengths_a_power_of_ten_off_are_refused_with_a_plausible_one(tmp_path, size, unit, says):
    with pytest.raises(InputError, match=says):
        read_surface(save(tmp_path / "h.npy", bumpy()), size=size, unit=unit)
