"""Sections: pictures read with their pixel size, phases, pores, and gaps along a boundary."""

import csv
import struct
import zlib
from contextlib import suppress
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data

from dualyte import InputError
from dualyte.errors import MissingExtraError
from dualyte.measure.examples import section as example
from dualyte.measure.particles import find_particles
from dualyte.measure.section import (
    find_boundary,
    given_boundary,
    looks_like,
    measure_section,
    read_micrograph,
    segment,
)
from dualyte.measure.section.boundary import gaps_along
from dualyte.measure.section.extra import needed
from dualyte.plot import draw
from dualyte.plot.section import section_figures

tifffile = pytest.importorskip("tifffile")
um, nm = 1e-6, 1e-9


def discs(n=12, d=14.0, shape=(200, 240), noise=5.0, dark=40.0, bright=160.0, seed=0):
    """Dark discs on a grid, and the share of the area that they cover."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 4 * shape[0], 0 : 4 * shape[1]] / 4 + 0.125
    mask = np.zeros(x.shape, dtype=bool)
    for k in range(n):
        mask |= np.hypot(x - (30 + 60 * (k % 4)), y - (30 + 60 * (k // 4))) < d / 2
    fine = np.where(mask, dark, bright)
    picture = fine.reshape(shape[0], 4, shape[1], 4).mean(axis=(1, 3))
    picture = picture + rng.normal(0, noise, shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), float(mask.mean())


def saved(folder, pixels, name="a.tif", **how):
    path = folder / name
    tifffile.imwrite(path, pixels, **how)
    return path


def zeiss(text):
    head = f"0\r\n0\r\nAP_IMAGE_PIXEL_SIZE\r\n{text}\r\n".encode("cp1252") + b"\x00"
    return [(34118, 2, len(head), head, True)]


# --- real pictures with known answers ---------------------------------------------------


def llzto(**how):
    path = shared_data("sem/llzto_lco_sem.png")
    return measure_section([path], pixel=0.2063 * um, **how)


def test_the_pores_of_a_real_composite_are_6_per_cent_and_not_72():
    found = llzto(phase="dark")
    assert abs(found["porosity"].si - 0.0622) < found["porosity"].spread < 0.04
    assert found["relative_density"].si == pytest.approx(1 - found["porosity"].si)
    assert abs(found["count"].si - 245) < found["count"].spread


def test_the_pore_sizes_of_a_real_composite_are_those_others_found():
    with shared_data("sem/llzto_lco.oracle_pore_stats.csv").open(encoding="utf-8") as file:
        theirs = np.array([float(row[1]) for row in list(csv.reader(file))[1:]]) * um
    found = llzto(phase="dark")
    assert found["pore_diameter_median"].si == pytest.approx(1.946 * um, rel=0.05)
    ours = np.sort(found.detail[0].pores.diameters)
    grid = np.sort(np.concatenate([ours, theirs]))
    gap = [np.searchsorted(np.sort(a), grid, "right") / a.size for a in (ours, theirs)]
    assert np.abs(gap[0] - gap[1]).max() < 0.1  # Kolmogorov and Smirnov's distance


def test_a_threshold_seen_by_eye_gives_their_porosity_closely():
    found = llzto(phase="dark", threshold=43, smooth=1.0)
    assert found["porosity"].si == pytest.approx(0.0622, abs=0.003)


def test_three_classes_without_a_phase_are_refused_with_the_classes():
    with pytest.raises(InputError, match=r"three classes \(1\d % near grey level 4\d.*phase="):
        llzto()


def test_45_noisy_discs_are_45():
    path = shared_data("sem/iseg_1.tif")
    truth = tifffile.imread(shared_data("sem/iseg_1_ground_truth.tif")).squeeze() == 127
    found = measure_section([path], phase="dark")
    seen = found.detail[0].pores
    assert found["count"].si == seen.count == find_particles(truth).count == 45
    assert found["porosity"].si == pytest.approx(0.163, abs=0.005)  # NLM, Otsu and opening
    mask = seen.labels > 0
    assert (mask & truth).sum() / (mask | truth).sum() == pytest.approx(0.82, abs=0.02)
    # the truth (0.198, 39.9 pixels) is wider: its outermost pixels are as grey as the ground
    assert np.median(seen.diameters) == pytest.approx(39.9, rel=0.15)
    assert "pore_diameter_median" not in found.results
    assert any("how large its pixels are" in said for said in found.warnings)


def test_a_zeiss_tag_says_the_pixel():
    picture = read_micrograph(shared_data("sem/Zeiss.tif"))
    assert picture.pixel == pytest.approx(158.7 * nm)
    assert picture.size[0] == pytest.approx(162.5 * um, rel=1e-3)
    assert picture.levels.shape == (768, 1024)
    assert not picture.changes


def test_the_scale_bar_agrees_with_the_tag_of_the_same_picture():
    path = shared_data("sem/aquami_nanoporous_Au.tif")
    tag, bar = read_micrograph(path), read_micrograph(path, scale_bar="20 nm")
    assert tag.pixel == pytest.approx(0.543 * nm)
    assert bar.pixel == pytest.approx(tag.pixel, rel=0.01)
    assert bar.levels.shape == (691, 1024)
    assert "the last 77 of 768 rows" in bar.changes[0]


def test_a_scale_bar_read_wrongly_is_told():
    path = shared_data("sem/aquami_nanoporous_Au.tif")
    picture = read_micrograph(path, scale_bar="20 um")
    assert any("but 0.543 nm (Zeiss tag 34118)" in said for said in picture.warnings)


# --- the size of a pixel ----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Image Pixel Size = 158.7 nm", "Image Pixel Size = 158,7 nm", "Image Pixel Size = 0.1587 µm"],
)
def test_a_zeiss_tag_is_read_whatever_its_unit_and_decimal_mark(tmp_path, text):
    path = saved(tmp_path, discs()[0], metadata=None, extratags=zeiss(text))
    assert read_micrograph(path).pixel == pytest.approx(158.7 * nm)


def test_a_field_that_does_not_fit_the_pixel_is_told(tmp_path):
    text = "Image Pixel Size = 100 nm\r\nAP_WIDTH\r\nWidth = 48.0 um"
    path = saved(tmp_path, discs()[0], metadata=None, extratags=zeiss(text))
    assert any("cropped or resampled" in said for said in read_micrograph(path).warnings)


def test_an_fei_tag_says_pixel_and_rows(tmp_path):
    pixels = np.vstack([discs()[0], np.zeros((30, 240), dtype=np.uint8)])
    head = (
        b"[Scan]\r\nPixelWidth=2.5e-008\r\nPixelHeight=2.5e-008\r\n"
        b"[Image]\r\nResolutionX=240\r\nResolutionY=200\r\n\x00"
    )
    tags = [(34682, 2, len(head), head, True)]
    picture = read_micrograph(saved(tmp_path, pixels, metadata=None, extratags=tags))
    assert picture.pixel == pytest.approx(25 * nm)
    assert picture.levels.shape == (200, 240)


def test_imagej_says_its_unit(tmp_path):
    path = saved(
        tmp_path, discs()[0], imagej=True, resolution=(20.0, 20.0), metadata={"unit": "micron"}
    )
    assert read_micrograph(path).pixel == pytest.approx(50 * nm)


def test_a_resolution_of_print_is_no_pixel_size(tmp_path):
    path = saved(tmp_path, discs()[0], metadata=None, resolution=(300, 300), resolutionunit=2)
    assert read_micrograph(path).pixel is None
    path = saved(tmp_path, discs()[0], metadata=None, resolution=(2e5, 2e5), resolutionunit=3)
    assert read_micrograph(path).pixel == pytest.approx(50 * nm)


def test_the_call_wins_over_the_sidecar_and_that_over_the_tag(tmp_path):
    path = saved(tmp_path, discs()[0], metadata=None, extratags=zeiss("Image Pixel Size = 10 nm"))
    (tmp_path / "a.toml").write_text('pixel = "20 nm"\n')
    picture = read_micrograph(path)
    assert (picture.pixel, picture.pixel_from) == (pytest.approx(20 * nm), "a.toml")
    assert any("10 nm (Zeiss tag 34118)" in said for said in picture.warnings)
    assert read_micrograph(path, pixel=30 * nm).pixel == pytest.approx(30 * nm)
    with pytest.raises(InputError, match="pixel=30 m"):
        read_micrograph(path, pixel=30)


def test_a_missing_scale_bar_is_refused(tmp_path):
    with pytest.raises(InputError, match="no scale bar is found"):
        read_micrograph(saved(tmp_path, discs()[0]), scale_bar="1 um")


# --- pictures as programs write them ----------------------------------------------------


def png(path, pixels):
    """A grey PNG, by hand."""
    rows = b"".join(b"\x00" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip
    return path


def test_the_same_picture_is_the_same_in_every_form(tmp_path):
    pixels, _ = discs()
    levels = read_micrograph(saved(tmp_path, pixels)).levels
    np.testing.assert_array_equal(levels, pixels)
    np.testing.assert_array_equal(read_micrograph(png(tmp_path / "a.png", pixels)).levels, levels)
    colour = saved(tmp_path, np.stack([pixels] * 3, axis=-1), "c.tif", photometric="rgb")
    np.testing.assert_array_equal(read_micrograph(colour).levels, levels)
    white = saved(tmp_path, 255 - pixels, "w.tif", photometric="miniswhite")
    turned = read_micrograph(white)
    np.testing.assert_array_equal(turned.levels, levels)
    assert "white as 0" in turned.changes[0]


def test_16_bits_give_the_porosity_of_8(tmp_path):
    pixels, truth = discs()
    found = [
        measure_section([saved(tmp_path, p, name)], phase="dark")["porosity"].si
        for p, name in ((pixels, "8.tif"), (pixels.astype(np.uint16) * 200, "16.tif"))
    ]
    assert found[1] == pytest.approx(found[0], rel=0.01)
    assert found[0] == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["tif", "zip.tif", "png"])
def test_a_picture_cut_short_is_refused(tmp_path, share, kind):
    pixels, _ = discs()
    if kind == "png":
        path = png(tmp_path / "a.png", pixels)
    else:
        path = saved(tmp_path, pixels, compression="zlib" if kind == "zip.tif" else None)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=path.name):
        read_micrograph(path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_flipped_bytes_give_a_picture_or_one_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flip")
    path = saved(
        folder, discs(4, shape=(64, 64))[0], metadata=None,
        extratags=zeiss("Image Pixel Size = 10 nm"),
    )  # fmt: skip
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        where = data.draw(st.integers(0, min(len(whole), 600) - 1))
        whole[where] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(whole))
    with suppress(InputError):
        assert read_micrograph(path).levels.size <= 2e8


def test_an_absurd_size_is_refused_before_it_is_asked_for(tmp_path):
    path = saved(tmp_path, discs()[0], metadata=None)
    data = bytearray(path.read_bytes())
    for tag in (256, 257):
        at = data.index(struct.pack("<HH", tag, 4)) if struct.pack(
            "<HH", tag, 4) in data else data.index(struct.pack("<HH", tag, 3))  # fmt: skip
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, 100_000)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="100000 × 100000 pixels"):
        read_micrograph(path)


def test_what_is_no_picture_is_refused(tmp_path):
    for name, content in {"a.tif": b"", "b.png": b"no picture", "c.tif": b"II*\x00"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_micrograph(tmp_path / name)
        if not content.startswith(b"II"):
            assert looks_like(tmp_path / name, content) is None
    with pytest.raises(InputError, match="no file"):
        read_micrograph(tmp_path / "d.tif")


# --- phases -----------------------------------------------------------------------------


def test_the_dark_share_of_an_image_and_of_its_negative_are_one(tmp_path):
    pixels, truth = discs()
    dark = segment(pixels.astype(np.float32), name="a", phase="dark").mask
    bright = segment(255 - pixels.astype(np.float32), name="a", phase="bright").mask
    assert (dark == bright).mean() > 0.999
    assert dark.mean() == pytest.approx(truth, rel=0.05)


def test_the_middle_of_three_phases_is_told(tmp_path):
    rng = np.random.default_rng(1)
    strips = np.repeat([40.0, 100.0, 180.0], [40, 100, 60])[:, None] + rng.normal(0, 5, (200, 240))
    mask = segment(strips.astype(np.float32), name="a", phase="middle").mask
    assert mask.mean() == pytest.approx(0.5, abs=0.02)
    assert mask[45:135].mean() > 0.99


@cache
def pixels_and_their_dark_share():
    pixels = discs()[0].astype(np.float32)
    return pixels, segment(pixels, name="a", phase="dark").mask.mean()


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.2, 5), offset=st.floats(-100, 1000))
def test_brightness_and_contrast_do_not_move_a_phase(gain, offset):
    pixels, one = pixels_and_their_dark_share()
    two = segment(
        np.float32(gain) * pixels + np.float32(offset), name="a", phase="dark"
    ).mask.mean()
    assert two == pytest.approx(one, rel=0.02)


def test_one_class_holds_no_pores(tmp_path):
    rng = np.random.default_rng(2)
    path = saved(tmp_path, np.clip(rng.normal(120, 10, (200, 200)), 0, 255).astype(np.uint8))
    for phase in (None, "dark"):
        with pytest.raises(InputError, match=r"a\.tif: its histogram shows one class"):
            measure_section([path], phase=phase)
    with pytest.raises(InputError, match="same grey level"):
        measure_section([saved(tmp_path, np.full((64, 64), 7, dtype=np.uint8))], phase="dark")


def test_a_phase_or_threshold_that_is_none_is_refused(tmp_path):
    path = saved(tmp_path, discs()[0])
    with pytest.raises(InputError, match="one of dark, middle, bright"):
        measure_section([path], phase="pores")
    with pytest.raises(InputError, match="so none is middle"):
        measure_section([path], phase="middle")
    with pytest.raises(InputError, match="outside the levels"):
        measure_section([path], phase="dark", threshold=900)


def test_two_phases_well_apart_need_no_word_and_it_is_said(tmp_path):
    found = measure_section([saved(tmp_path, discs()[0])])
    assert any("took the dark phase, the smaller of two" in said for said in found.changed)


def test_the_phase_of_a_sidecar_counts(tmp_path):
    path = saved(tmp_path, discs()[0])
    (tmp_path / "dualyte.toml").write_text('phase = "bright"\n')
    found = measure_section([path])
    assert found["porosity"].si > 0.9
    assert any("if they are the other phase" in said for said in found.warnings)


# --- sizes ------------------------------------------------------------------------------


def test_equal_discs_have_their_diameter(tmp_path):
    found = measure_section([saved(tmp_path, discs(d=16)[0])], phase="dark", pixel=10 * nm)
    assert found["count"].si == 12
    assert found["pore_diameter_median"].si == pytest.approx(160 * nm, rel=0.03)


def test_the_weights_undo_that_large_particles_are_cut_off_more_often():
    rng = np.random.default_rng(3)
    sizes, density = [], []

    def far(dx, dy):
        return np.hypot((dx + 90) % 180 - 90, (dy + 90) % 180 - 90)

    for _ in range(60):
        field = np.zeros((180, 180), dtype=bool)  # it repeats, so no place is like an edge
        y, x = np.mgrid[0:180, 0:180]
        placed = []
        while len(placed) < 10:
            cx, cy, r = *rng.uniform(0, 180, 2), (4 if len(placed) % 2 else 14)
            if all(far(cx - px, cy - py) > r + pr + 2 for px, py, pr in placed):
                placed.append((cx, cy, r))
                field |= far(x - cx, y - cy) < r
        found = find_particles(field[:120, :120])
        sizes.append((found.weights[found.diameters < 12].sum(), found.weights.sum()))
        density.append(found.density)
    small, number = np.array(sizes).sum(axis=0)
    assert small / number == pytest.approx(0.5, abs=0.05)
    assert np.mean(density) == pytest.approx(10 / 180**2, rel=0.1)


def test_particles_at_the_edge_cover_but_have_no_size():
    mask = np.zeros((40, 40), dtype=bool)
    mask[0:10, 0:10] = mask[20:24, 20:24] = True
    found = find_particles(mask, pixel=(2.0, 3.0))
    assert found.edge.tolist() == [True, False]
    assert found.coverage == pytest.approx(116 / 1600)
    assert found.median == pytest.approx(2 * np.sqrt(16 * 6 / np.pi))
    np.testing.assert_allclose(found.centres, [[4.5, 4.5], [21.5, 21.5]])


def test_touching_discs_are_parted_on_request():
    y, x = np.mgrid[0:60, 0:80]
    mask = (np.hypot(x - 25, y - 30) < 13) | (np.hypot(x - 48, y - 30) < 13)
    assert find_particles(mask).count == 1
    assert find_particles(mask, split=True).count == 2


def test_nothing_has_no_sizes():
    found = find_particles(np.zeros((20, 20), dtype=bool))
    assert (found.count, found.coverage, found.density) == (0, 0.0, 0.0)
    assert np.isnan([found.median, found.spread, *found.larger(1.0)]).all()


# --- gaps along a boundary --------------------------------------------------------------


def layers(slope=0.05, share=0.4, thick=5, noise=4.0, shape=(160, 240)):
    """Two layers, parted along the first share of their boundary."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(float)
    line = 80 + slope * x
    grey = np.where(y < line, 110.0, 190.0)
    void = (np.abs(y - line) < thick / 2) & (x < share * shape[1])
    grey[void] = 20
    return (
        (grey + np.random.default_rng(4).normal(0, noise, shape)).astype(np.float32),
        void,
        line[0],
    )


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_gap_fraction_is_the_share_of_the_length(share):
    _, void, _ = layers(share=share)
    points = given_boundary("0,80 239,91.95", void.shape)
    found = gaps_along(points, void, gap=3, reach=4)
    assert found.fraction == pytest.approx(share, abs=0.015)
    if share:
        assert np.median(found.thickness[found.open]) == pytest.approx(5, abs=0.6)


def test_thin_or_distant_voids_are_no_gaps():
    _, void, _ = layers(share=1.0)
    points = given_boundary("0,80 239,91.95", void.shape)
    assert gaps_along(points, void, gap=7, reach=4).fraction == 0
    assert gaps_along(points - [0, 20], void, gap=3, reach=4).fraction == 0


@pytest.mark.parametrize("turn", [0, 1])
def test_the_line_between_two_layers_is_found(turn):
    levels, void, _ = layers()
    line = 80 + 0.05 * np.arange(240)
    points = find_boundary(np.rot90(levels, turn), np.rot90(void, turn), "a")
    if turn:
        points = np.column_stack([239 - points[:, 1], points[:, 0]])
    order = np.argsort(points[:, 0])
    assert np.abs(points[order, 1] - line)[100:].max() < 2.5
    assert np.abs(points[order, 1] - line).max() < 5  # within the gap it lies where it likes


def test_a_boundary_that_is_none_is_refused(tmp_path):
    pixels, _ = discs()
    path = saved(tmp_path, pixels)
    with pytest.raises(InputError, match="no boundary of two layers"):
        measure_section([path], phase="dark", boundary="find")
    for text in ("here", "1,2", "0,0 5000,3", "1,1 2,2"):
        with pytest.raises(InputError, match="boundary="):
            measure_section([path], phase="dark", boundary=text)


# --- the whole --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_the_example_is_evaluated_to_its_truth(tmp_path, seed):
    truth = example.write(tmp_path, seed=seed)
    path = tmp_path / "section.tif"
    assert path.stat().st_size < 50_000
    found = measure_section([path], **example.OPTIONS)
    for name, (word, value) in truth.items():
        assert found[name].quantity == word
        assert abs(found[name].si - value) <= 3 * found[name].spread
        assert found[name].si == pytest.approx(value, rel=0.05)
    bar = read_micrograph(path, scale_bar="5 um")
    assert bar.pixel == pytest.approx(100 * nm, rel=0.01)
    assert any("the last 16 of 184 rows" in said for said in bar.changes)


def test_replicates_are_combined_and_a_bad_file_costs_only_itself(tmp_path):
    paths = [saved(tmp_path, discs(n=n)[0], f"{n}.tif") for n in (8, 12)]
    (tmp_path / "bad.tif").write_bytes(b"II*\x00bad")
    told = []
    found = measure_section(
        [*paths, tmp_path / "bad.tif"], phase="dark", progress=lambda k, n: told.append((k, n))
    )
    alone = [measure_section([p], phase="dark")["porosity"].si for p in paths]
    assert found["porosity"].si == pytest.approx(np.mean(alone))
    assert found["porosity"].spread >= np.std(alone, ddof=1)
    assert [f.file for f in found.failures] == ["bad.tif"]
    assert told[-1] == (3, 3)
    with pytest.raises(InputError, match=r"bad\.tif"):
        measure_section([tmp_path / "bad.tif"], phase="dark")


def test_lengths_without_a_pixel_are_refused(tmp_path):
    with pytest.raises(InputError, match="needs the size of a pixel"):
        measure_section([saved(tmp_path, discs()[0])], phase="dark", smallest=1 * um)


def test_the_figures_show_picture_levels_and_sizes(tmp_path):
    example.write(tmp_path)
    found = measure_section([tmp_path / "section.tif"], **example.OPTIONS)
    figures = {f.name: f for f in section_figures(found)}
    assert list(figures) == ["section", "grey_levels", "pore_sizes"]
    picture = figures["section"]
    assert picture.image.shape == picture.mask.shape == (240, 168)
    assert picture.x == "x / µm"
    # y points up in the figure: the metal, bright, lies below
    assert picture.image[:, :40].mean() > picture.image[:, -40:].mean()
    assert np.nanmean(picture.series[0].y) == pytest.approx((168 - 112) * 0.1, abs=0.5)
    draw(figures["grey_levels"], tmp_path / "a.png")


def test_damage_is_told_in_one_sentence_and_nothing_else_is_written(tmp_path, capfd):
    path = saved(tmp_path, discs()[0], compression="zlib")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"a\.tif is damaged"):
        read_micrograph(path)
    assert capfd.readouterr() == ("", "")


def test_a_missing_library_is_one_sentence_with_the_command():
    with pytest.raises(MissingExtraError, match=r"pip install 'dualyte\[files\]'"):
        needed("no_such_library")


def test_pores_of_different_phases_are_said_where_they_are_averaged(tmp_path):
    """Dark pores in one picture and bright ones in the other are no replicates without a word."""
    rng = np.random.default_rng(0)
    dark = np.where(rng.random((8, 8)) < 0.15, 40.0, 180.0).repeat(20, 0).repeat(20, 1)
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path, levels in zip(paths, (dark, 220 - dark), strict=True):
        levels = levels + rng.normal(0, 4, levels.shape)
        needed("tifffile").imwrite(path, np.clip(levels, 0, 255).astype(np.uint8))
    found = measure_section(paths)
    assert any("different phases (bright in b.tif, dark in a.tif)" in w for w in found.warnings)
    assert "dark or bright phase" in found["porosity"].where
    same = measure_section([paths[0], paths[0]])
    assert not any("different phases" in said for said in same.warnings)


def test_gap_and_reach_need_a_boundary(tmp_path):
    example.write(tmp_path)
    for how in ({"gap": 2e-7}, {"reach": 2e-7}):
        with pytest.raises(InputError, match="are of a boundary"):
            measure_section([tmp_path / "section.tif"], **how)


def test_a_porosity_and_a_diameter_are_those_counted_by_hand(tmp_path):
    """Twelve discs of 305 pixels each, as many integer places lie within 10 of the middle."""
    y, x = np.mgrid[0:240, 0:320]
    void = np.zeros(x.shape, dtype=bool)
    for cy in (40, 120, 200):
        for cx in (40, 120, 200, 280):
            void |= np.hypot(x - cx, y - cy) < 10
    levels = np.where(void, 40, 200).astype(np.uint8)
    needed("tifffile").imwrite(tmp_path / "discs.tif", levels)
    found = measure_section([tmp_path / "discs.tif"], phase="dark", pixel=5e-8)
    assert found["porosity"].si == pytest.approx(12 * 305 / (240 * 320), rel=1e-9)
    assert found["pore_diameter_median"].si == pytest.approx(
        2 * np.sqrt(305 / np.pi) * 5e-8, rel=1e-9
    )
    assert found["count"].si == 12
