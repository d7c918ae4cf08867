"""Topography as a kind of measurement: roughness passed on, particles sized."""

import csv

import numpy as np
import pytest
from spectrum_files import shared_data

from dualyte import InputError
from dualyte.measure.examples import topography as example
from dualyte.measure.particles import find_particles
from dualyte.measure.topography import looks_like, measure_topography
from dualyte.plot import draw
from dualyte.plot.topography import topography_figures
from dualyte.surface import Surface, read_surface, roughness, self_affine

um, nm = 1e-6, 1e-9
DNA = {"unit": "nm", "size": 256 * 0.494 * nm}


def text_map(path, heights, field):
    lines = [
        "# Channel: Height", f"# Width: {field * 1e6:g} um", f"# Height: {field * 1e6:g} um",
        "# Value units: nm",
    ]  # fmt: skip
    lines += [" ".join(f"{z * 1e9:.6f}" for z in row) for row in heights.T]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def drawn(path, seed, n=96, sq=100 * nm):
    surface = self_affine(
        sq=sq, correlation_length=2 * um, cutoff=0.5 * um, seed=seed, size=16 * um, n=n
    )
    return text_map(path, surface.heights, 16 * um)


# --- roughness --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "level", "sq", "said"),
    [
        ("st_x3p-2.x3p", "none", 77.28033273597876, None),
        ("st_al3d-1.al3d", "none", 7688.266102603082, None),
        ("st_nms-1.nms", "none", 718.7186, "10⁶ too wide"),
        ("st_nms-1.nms", "plane", 33.5149, "10⁶ too wide"),
        ("st_tmd-1.tmd", "none", 74341.3, "TrueMap"),
    ],
)
def test_real_maps_keep_their_roughness_and_what_was_mended(name, level, sq, said):
    found = measure_topography([shared_data(f"topography/{name}")], level=level)
    assert found["sq"].si == pytest.approx(sq * nm, rel=1e-5)
    assert said is None or any(said in sentence for sentence in found.changed)


def test_voids_of_a_real_map_are_filled_and_it_is_said():
    found = measure_topography([shared_data("topography/st_frt-1.frt")])
    assert any("filled 76956 of 250000 points" in said for said in found.changed)
    assert found["sq"].si < 2.5 * um  # 20.5 um with the voids left in


def test_a_line_scan_costs_only_itself(tmp_path):
    good = drawn(tmp_path / "a.txt", 1)
    line = shared_data("topography/st_opdx-3.opdx")
    found = measure_topography([line, good])
    assert found.files == ("a.txt",)
    assert "line scan" in found.failures[0].why


def test_parameters_are_those_of_the_surface(tmp_path):
    path = drawn(tmp_path / "a.txt", 2)
    found = measure_topography([path], level="none")
    wanted = roughness(read_surface(path))
    for name in ("sq", "sa", "sdq", "correlation_length"):
        assert found[name].si == pytest.approx(getattr(wanted, name))
    assert found.table[0]["Sku"] == pytest.approx(wanted.sku)


def test_the_standard_error_covers_the_scatter_between_surfaces(tmp_path):
    """Fields of one kind of surface: each one's error is about their scatter."""
    paths = [drawn(tmp_path / f"{k}.txt", k) for k in range(12)]
    # exact Sq is drawn, so cut a quarter, whose Sq is not
    for path in paths:
        z = read_surface(path).heights[:48, :48]
        text_map(path, z, 8 * um)
    alone = [measure_topography([p], level="none")["sq"] for p in paths]
    scatter = float(np.std([v.si for v in alone], ddof=1))
    typical = float(np.median([v.spread for v in alone]))
    assert 0.5 * scatter < typical < 2 * scatter
    many = measure_topography(paths, level="none")
    assert many["sq"].spread == pytest.approx(scatter, rel=1e-6)
    assert many["sq"].si == pytest.approx(np.mean([v.si for v in alone]))


def test_a_smooth_field_warns_that_it_is_too_small(tmp_path):
    x = np.linspace(0, np.pi, 32)
    path = text_map(tmp_path / "a.txt", 200 * nm * np.sin(x)[:, None] * np.ones(32), 10 * um)
    assert any("a fifth of the field" in said for said in measure_topography([path]).warnings)


def test_maps_of_other_pixels_are_not_alike(tmp_path):
    paths = [drawn(tmp_path / "a.txt", 1), drawn(tmp_path / "b.txt", 1, n=192)]
    assert any("differ in field or pixel" in s for s in measure_topography(paths).warnings)


def test_options_that_are_none_are_refused(tmp_path):
    path = drawn(tmp_path / "a.txt", 1)
    with pytest.raises(InputError, match="one of none, plane, curvature"):
        measure_topography([path], level="tilt")
    with pytest.raises(InputError, match="1000 m"):
        measure_topography([path], large=1e3)
    with pytest.raises(InputError, match="no file is given"):
        measure_topography([])


def test_a_picture_has_no_roughness(tmp_path):
    picture = shared_data("sem/iseg_1.tif")
    with pytest.raises(InputError, match="has no heights"):
        measure_topography([picture])
    with pytest.raises(InputError, match="pixel="):
        measure_topography([picture], particles=True)


def test_formats_are_known_by_content_and_others_are_not(tmp_path):
    known = {
        "st_al3d-1.al3d": "Alicona AL3D", "st_frt-1.frt": "FRT MicroProf",
        "st_nms-1.nms": "NanoFocus nms", "st_opdx-3.opdx": "Bruker OPDx",
        "st_plu-1.plu": "Sensofar PLu", "st_tmd-1.tmd": "TrueMap TMD", "st_x3p-2.x3p": "x3p",
    }  # fmt: skip
    folder = shared_data("topography").parent
    for path in folder.glob("*/*"):
        if path.is_file():
            with path.open("rb") as file:
                assert looks_like(path, file.read(65536)) == known.get(path.name)
    assert looks_like(tmp_path / "a.txt", b"") is None


# --- particles --------------------------------------------------------------------------


def oracle():
    path = shared_data("topography/topostats_minicircle.oracle_grainstats.csv")
    with path.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["threshold"] == "above"]
    return {
        key: np.array([float(r[key]) for r in rows]) for key in ("area", "volume", "height_max")
    }


def test_particles_of_a_mask_are_those_others_measured():
    z = np.load(shared_data("topography/topostats_minicircle_flat.npy")) * nm
    mask = np.load(shared_data("topography/topostats_minicircle_mask.npy")) > 0
    theirs = oracle()
    found = find_particles(mask, pixel=(0.494 * nm, 0.494 * nm), heights=z)
    ours, order = np.argsort(found.areas), np.argsort(theirs["area"])
    for values, key in (
        (found.areas, "area"), (found.volumes, "volume"), (found.heights, "height_max")
    ):  # fmt: skip
        np.testing.assert_allclose(values[ours], theirs[key][order], rtol=2e-4)


def test_a_threshold_given_as_theirs_finds_their_whole_particles():
    path = shared_data("topography/topostats_minicircle_flat.npy")
    z = np.load(path) * nm
    found = measure_topography(
        [path], **DNA, particles=True, level="none", threshold=1 * nm - float(np.median(z)),
        smooth=0, smallest=3 * nm,
    )  # fmt: skip
    p = found.detail[0].seeds.particles
    theirs = oracle()
    assert np.count_nonzero(~p.edge) == 6
    np.testing.assert_allclose(np.sort(p.areas[~p.edge]), np.sort(theirs["area"]), rtol=0.01)
    # ours stand above the ground's median, theirs above the zero of the flattened map
    tall = np.sort(p.heights[~p.edge]) - np.sort(theirs["height_max"])
    assert np.ptp(tall) < 1e-3 * nm
    assert 0 < tall.mean() < 0.1 * nm


def test_the_threshold_found_sees_their_particles_and_says_how_sure_it_is():
    path = shared_data("topography/topostats_minicircle_flat.npy")
    found = measure_topography([path], **DNA, particles=True, level="none")
    p, theirs = found.detail[0].seeds.particles, oracle()
    assert abs(found["particle_count"].si - 10) <= found["particle_count"].spread  # at 1 nm
    three = np.sort(p.areas[~p.edge])[-3:]
    # half their threshold: the slopes of the molecules count in
    np.testing.assert_allclose(three, np.sort(theirs["area"])[-3:], rtol=0.35)
    assert found["coverage"].spread > 0.01


def test_seeds_of_a_picture_are_counted_and_sized():
    found = measure_topography(
        [shared_data("sem/iseg_1.tif")], particles=True, pixel=25 * nm, phase="dark"
    )
    assert found["particle_count"].si == 45
    assert found["coverage"].si == pytest.approx(0.163, abs=0.005)
    assert found["particle_diameter_median"].si == pytest.approx(39.9 * 25 * nm, rel=0.1)
    assert 0.2 < found["large_fraction"].si < 0.5  # larger than 1 um
    assert "sq" not in found.results


@pytest.mark.parametrize("seed", [0, 1])
def test_the_example_is_evaluated_to_its_truth(tmp_path, seed):
    truth = example.write(tmp_path, seed=seed)
    path = tmp_path / "seeds.txt"
    assert path.stat().st_size < 50_000
    assert looks_like(path, path.read_bytes()[:65536]) == "Gwyddion text"
    found = measure_topography([path], **example.OPTIONS)
    for name, (word, value) in truth.items():
        assert found[name].quantity == word
        assert abs(found[name].si - value) <= 3 * found[name].spread
        assert found[name].si == pytest.approx(value, rel=0.12)
    assert found["sq"].si == pytest.approx(truth["sq"][1], rel=1e-3)


def test_a_flat_map_has_no_particles(tmp_path):
    rng = np.random.default_rng(5)
    path = text_map(tmp_path / "a.txt", rng.normal(0, 3 * nm, (64, 64)), 10 * um)
    with pytest.raises(InputError, match="no particles stand out"):
        measure_topography([path], particles=True)


def test_a_half_ellipsoid_has_its_volume_and_height():
    n, field, d, h = 200, 10 * um, 3 * um, 0.5 * um
    x = (np.arange(n) + 0.5) * field / n
    r = np.hypot(x[:, None] - 5 * um, x[None, :] - 5 * um) / (d / 2)
    z = h * np.sqrt(np.clip(1 - r**2, 0, None))
    surface = Surface(heights=z, size=(field, field), name="a")
    found = find_particles(r < 1, pixel=surface.pixel, heights=z)
    assert found.volumes[0] == pytest.approx(np.pi / 6 * d**2 * h, rel=2e-3)
    assert found.heights[0] == pytest.approx(h, rel=1e-3)
    assert found.median == pytest.approx(d, rel=2e-3)


def test_the_figures_show_map_spectrum_and_sizes(tmp_path):
    example.write(tmp_path)
    found = measure_topography([tmp_path / "seeds.txt"], **example.OPTIONS)
    figures = {f.name: f for f in topography_figures(found)}
    assert list(figures) == ["topography", "levels", "spectrum", "particle_sizes"]
    picture = figures["topography"]
    inside = picture.image[picture.mask].mean()
    assert inside > picture.image[~picture.mask].mean() + 50  # nm: the marks lie on the seeds
    draw(picture, tmp_path / "a.png")


def test_options_of_particles_are_refused_without_them(tmp_path):
    """Else a threshold is ignored in silence."""
    path = drawn(tmp_path / "a.txt", 0)
    for how in ({"threshold": 1e-8}, {"split": True}, {"smallest": 1e-7}, {"phase": "dark"}):
        with pytest.raises(InputError, match=f"{next(iter(how))}: of particles only"):
            measure_topography([path], **how)


def test_a_threshold_outside_a_map_is_named_as_it_was_given(tmp_path):
    path = drawn(tmp_path / "a.txt", 0)
    with pytest.raises(InputError, match=r"threshold=0\.25 is outside"):
        measure_topography([path], particles=True, threshold=0.25)
