"""Microstructures: what they are made of, what they conduct, and how they are kept in files."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import ConvergenceError, InputError, MissingExtraError
from dualyte.exact.porous import bruggeman, hashin_shtrikman
from dualyte.pellet.conductivity import FLOOR, conductivity_bracket
from dualyte.pellet.microstructure import (
    Microstructure,
    grain_contacts,
    grain_volumes,
    load_microstructure,
    section,
    specific_surface,
)

UM = 1e-6


def distances(centres, radii, n):
    """Distance of every cell of a unit box from the surface of every sphere; periodic."""
    x = (np.arange(n) + 0.5) / n
    for centre, radius in zip(centres, radii, strict=True):
        a, b, c = (((x - p + 0.5) % 1 - 0.5) ** 2 for p in centre)
        yield np.sqrt(a[:, None, None] + b[None, :, None] + c) - radius


def phase_of_spheres(centres, radii, n, width=1.2):
    """Phase field of spheres in a unit box of n³ cells, tanh boundary of `width` cells."""
    nearest = np.min(list(distances(centres, radii, n)), axis=0)
    return 0.5 * (1 - np.tanh(nearest * n / width))


def labels_of_spheres(centres, radii, n):
    every = np.array(list(distances(centres, radii, n)))
    return np.where(every.min(axis=0) < 0, every.argmin(axis=0) + 1, 0).astype(np.int32)


BCC = np.array([[0.25, 0.25, 0.25], [0.75, 0.75, 0.75]])
TOUCH = np.sqrt(3) / 4  # radius at which the spheres of a body-centred cube touch


def grains(n=24, grow=1.1, **more):
    radii = np.full(2, TOUCH * grow)
    return Microstructure(
        phase=phase_of_spheres(BCC, radii, n),
        labels=labels_of_spheres(BCC, radii, n),
        spacing=(4 * UM / n,) * 3,
        name="bcc",
        **more,
    )


def odd(seed=0):
    """Sides, shape and values all different, so that no axis can stand for another."""
    rng = np.random.default_rng(seed)
    return Microstructure(
        phase=rng.random((4, 5, 6)),
        labels=rng.integers(0, 40000, (4, 5, 6)),
        spacing=(1e-7, 2e-7, 0.3e-6),
        name='Li3 "ü" <&>',
        time=180.0,
        strain=(0.0, -0.1, -0.25),
    )


# --- the noun -------------------------------------------------------------------------


def test_a_microstructure_knows_its_density_and_box():
    micro = grains(time=30.0)
    assert micro.relative_density == pytest.approx(float(micro.phase.mean()), rel=1e-6)
    assert micro.box == pytest.approx((4 * UM,) * 3)
    assert micro.grains == 2
    assert "2 grains, relative density 0.8" in str(micro)
    assert "4 um × 4 um × 4 um, 24 × 24 × 24 cells" in str(micro)
    assert "after 0.5 min" in str(micro)


def test_arrays_are_read_only_copies():
    phase, labels = np.zeros((2, 2, 2)), np.zeros((2, 2, 2), np.int32)
    micro = Microstructure(phase=phase, labels=labels, spacing=(UM,) * 3)
    phase[:], labels[:] = 1, 1
    assert micro.phase.max() == micro.labels.max() == 0
    for array in (micro.phase, micro.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 1


def test_a_dataset_carries_names_units_and_places():
    micro = odd()
    data = micro.to_dataset()
    assert data.phase.dims == ("x", "y", "z")
    assert data.phase.dtype == np.float32
    assert data.labels.dtype == np.int32
    assert (data.x.attrs["units"], data.phase.attrs["units"]) == ("m", "1")
    np.testing.assert_allclose(data.y, (np.arange(5) + 0.5) * 2e-7)
    assert data.attrs["relative_density"] == micro.relative_density
    assert data.attrs["time"] == 180.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros((2, 2, 3), int)}, r"labels \(2, 2, 3\); give both as \(nx, ny, nz\)"),
        ({"phase": np.zeros((2, 2))}, "a plane one cell thick"),
        ({"phase": np.full((2, 2, 2), 1.5)}, "from 1.5 to 1.5; give the share of solid"),
        ({"phase": np.full((2, 2, 2), np.nan)}, "give the share of solid"),
        ({"labels": np.full((2, 2, 2), -1)}, "from -1; give whole numbers, 0 for void"),
        ({"labels": np.zeros((2, 2, 2))}, "labels are float64"),
        ({"spacing": (1.0, 1.0)}, r"give \(x, y, z\) in metres"),
        ({"spacing": (0.1, 0.1, 50.0)}, "length=50"),
        ({"time": -1.0}, "dwell=-1"),
    ],
)
def test_what_is_no_microstructure_is_refused_in_a_sentence(change, message):
    fine = {
        "phase": np.zeros((2, 2, 2)), "labels": np.zeros((2, 2, 2), int), "spacing": (UM,) * 3,
    }  # fmt: skip
    with pytest.raises(InputError, match=message):
        Microstructure(**{**fine, **change})


# --- sections, grains, contacts -------------------------------------------------------


@pytest.mark.parametrize(("axis", "across"), [("x", 0), ("y", 1), ("z", 2)])
def test_a_section_is_the_plane_of_cells_at_its_place(axis, across):
    micro = odd()
    n = micro.labels.shape[across]
    for at in (0.0, 0.5, 0.99, 1.0):
        cut = section(micro, axis, at)
        cell = min(int(at * n), n - 1)
        assert np.array_equal(cut.labels, np.take(micro.labels, cell, across))
        assert np.array_equal(cut.phase, np.take(micro.phase, cell, across))
        assert cut.position == pytest.approx((cell + 0.5) * micro.spacing[across])
        assert axis not in cut.axes
        assert cut.spacing == tuple(np.delete(micro.spacing, across))


@pytest.mark.parametrize(
    ("how", "message"), [({"axis": "w"}, "'x', 'y' or 'z'"), ({"at": 1.2}, "outside the box")]
)
def test_a_section_elsewhere_is_refused(how, message):
    with pytest.raises(InputError, match=message):
        section(odd(), **how)


def test_grain_volumes_add_up_to_the_labelled_volume_and_to_the_spheres():
    micro = grains(48, 0.95)
    volumes = grain_volumes(micro.labels, micro.spacing)
    assert volumes.sum() == pytest.approx(np.count_nonzero(micro.labels) * np.prod(micro.spacing))
    sphere = 4 / 3 * np.pi * (0.95 * TOUCH * 4 * UM) ** 3
    assert volumes == pytest.approx([sphere] * 2, rel=0.01)
    assert grain_volumes(np.array([[[3, 0, 1]]]), (1, 1, 2)).tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    "normal", [(1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 0), (3, 2, 1), (1, -4, 2)]
)
def test_two_grains_touch_over_planes_whatever_their_slope(normal):
    """Within 1 %, where counting faces would give up to 73 % more."""
    n = 48
    x = np.arange(n) / n
    along = normal[0] * x[:, None, None] + normal[1] * x[None, :, None] + normal[2] * x
    labels = np.where((along + 0.013) % 1 < 0.5, 2, 5)
    found = grain_contacts(labels, (1 / n,) * 3)
    assert found.pairs.tolist() == [[2, 5]]
    assert found.area[0] == pytest.approx(2 * np.linalg.norm(normal), rel=0.01)
    assert found.coordination.tolist() == [0, 1, 0, 0, 1]


@pytest.mark.parametrize("sides", [(1, 1, 1), (1, 2, 1), (2, 2, 1)])
def test_a_grain_within_another_touches_over_its_surface(sides):
    n = 48
    x, y, z = ((np.arange(n // s) + 0.5) * s / n - 0.5 for s in sides)
    radius = np.sqrt((x[:, None, None] + 0.003) ** 2 + y[None, :, None] ** 2 + z**2)
    found = grain_contacts(np.where(radius < 0.3, 1, 2), np.array(sides) / n)
    assert found.area == pytest.approx([4 * np.pi * 0.09], rel=0.01)


@pytest.mark.parametrize("n", [24, 48, 96])
def test_spheres_pressed_into_each_other_have_eight_necks_half_a_cell_too_wide(n):
    """Body-centred: each touches eight images of the other, over circles of √(R² − d²)."""
    found = grain_contacts(labels_of_spheres(BCC, np.full(2, 1.1 * TOUCH), n), (1 / n,) * 3)
    assert found.pairs.tolist() == [[1, 2]]
    radius = np.sqrt(found.area[0] / (8 * np.pi))
    excess = (radius - TOUCH * np.sqrt(1.1**2 - 1)) * n
    assert 0 < excess < 0.6  # cells, whatever the grid: first order


def test_a_plane_one_cell_thick_has_contacts_too():
    n = 64
    x = np.arange(n) / n
    labels = np.where((x[:, None] + 2 * x + 0.013) % 1 < 0.5, 1, 2)[:, None, :]
    found = grain_contacts(labels, (1 / n, 0.1, 1 / n))
    assert found.area == pytest.approx([2 * np.sqrt(5) * 0.1], rel=0.01)


def test_void_separates_and_a_lone_grain_touches_nobody():
    lone = grain_contacts(np.ones((4, 4, 4), int), (1, 1, 1))
    assert lone.pairs.shape == (0, 2)
    assert lone.coordination.tolist() == [0]
    apart = np.zeros((9, 4, 4), int)
    apart[1:3], apart[5:7] = 1, 2
    assert grain_contacts(apart, (1, 1, 1)).coordination.tolist() == [0, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(0, 6)] * 3))
def test_contacts_do_not_depend_on_where_the_box_begins(seed, shift):
    labels = np.random.default_rng(seed).integers(0, 4, (7, 6, 5))
    one = grain_contacts(labels, (1, 2, 3))
    two = grain_contacts(np.roll(labels, shift, (0, 1, 2)), (1, 2, 3))
    assert np.array_equal(one.pairs, two.pairs)
    np.testing.assert_allclose(one.area, two.area)


# --- surface --------------------------------------------------------------------------


def test_the_surface_of_a_plane_across_an_axis_is_exact():
    x = (np.arange(32) + 0.5) / 32
    layer = 0.5 * (1 - np.tanh((np.abs(x - 0.5) - 0.25) * 32 / 1.2))
    phase = np.broadcast_to(layer[:, None, None], (32, 4, 3))
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        found = specific_surface(phase.transpose(order), (1 / 32,) * 3)
        assert found == pytest.approx(2, rel=1e-5)


@pytest.mark.parametrize("normal", [(1, 1, 0), (1, 1, 1), (2, 1, 0), (3, 2, 1)])
def test_the_surface_of_slanted_planes_is_met_within_a_percent(normal):
    n = 64
    x = np.arange(n) / n
    along = normal[0] * x[:, None, None] + normal[1] * x[None, :, None] + normal[2] * x
    away = (np.abs(along % 1 - 0.5) - 0.25) / np.linalg.norm(normal)
    found = specific_surface(0.5 * (1 - np.tanh(away * n / 1.2)), (1 / n,) * 3)
    assert found == pytest.approx(2 * np.linalg.norm(normal), rel=0.01)


def test_the_surface_of_a_sphere_converges_with_the_square_of_the_cell():
    """A boundary of fixed width: ∫|∇φ| = 4πR²(1 + (π²/12)(w/R)²)."""
    radius, width = 0.3, 0.03
    exact = 4 * np.pi * (radius**2 + np.pi**2 / 12 * width**2)
    errors = []
    for n in (16, 32, 64, 128):
        phase = phase_of_spheres([[0.5] * 3], [radius], n, width * n)
        errors.append(abs(specific_surface(phase, (1 / n,) * 3) / exact - 1))
    found = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-3
    assert found[-1] == pytest.approx(2, abs=0.1)


def test_the_surface_of_a_sphere_of_sharp_boundary_is_met_as_cells_shrink():
    errors = [
        specific_surface(phase_of_spheres([[0.5] * 3], [0.3], n), (1 / n,) * 3) / (4 * np.pi * 0.09)
        - 1
        for n in (32, 64, 128)
    ]
    assert 0 < errors[2] < 1e-3
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx([2, 2], abs=0.3)


def test_the_surface_scales_as_an_inverse_length_and_sees_flat_cells():
    micro = grains()
    found = specific_surface(micro.phase, micro.spacing)
    half = np.array(micro.spacing) / 2
    assert specific_surface(micro.phase, half) == pytest.approx(2 * found)
    thin = specific_surface(micro.phase[:, :1], micro.spacing)
    assert thin == pytest.approx(specific_surface(np.repeat(micro.phase[:, :1], 3, 1), half * 2))


# --- conductivity ---------------------------------------------------------------------


def bracket(grow, n=32):
    return conductivity_bracket(phase_of_spheres(BCC, np.full(2, TOUCH * grow), n))


def test_cutting_the_boundary_of_touching_grains_conducts_less_than_weighing_it():
    found = bracket(1.02)
    assert found.relative_density == pytest.approx(0.72, abs=0.01)
    assert found.low == found.sharp < found.smooth == found.high
    assert "cut at φ = ½" in str(found)


def test_grains_that_do_not_touch_conduct_only_through_the_boundary():
    found = bracket(0.96)
    assert found.sharp == 0
    assert found.smooth > 0.2


def test_denser_pellets_conduct_better_and_the_bracket_closes():
    found = [bracket(grow) for grow in (1.0, 1.03, 1.06, 1.1, 1.2)]
    for key in ("relative_density", "smooth", "sharp"):
        assert (np.diff([getattr(x, key) for x in found]) > 0).all()
    assert (np.diff([x.smooth - x.sharp for x in found]) < 0).all()
    full = conductivity_bracket(np.ones((4, 4, 4)))
    assert (full.smooth, full.sharp, full.relative_density) == (1, 1, 1)


def test_pellets_stay_below_the_bound_of_isotropic_porous_solids():
    """And below Bruggeman's power at low density, as necks are narrow."""
    for grow in (1.02, 1.06, 1.12):
        found = bracket(grow)
        high = float(hashin_shtrikman(1.0, 0.0, found.sharp_density)[1])
        assert found.sharp < high
    loose = bracket(1.02)
    assert loose.sharp < float(bruggeman(loose.sharp_density))


def test_the_bracket_narrows_as_cells_shrink():
    wide = [bracket(1.06, n) for n in (16, 32, 64)]
    gap = [x.smooth - x.sharp for x in wide]
    assert gap[0] > gap[1] > gap[2] > 0


def test_a_bracket_has_one_value_along_each_axis_and_cubes_are_alike():
    found = bracket(1.06)
    assert found.axes == (0, 1, 2)
    assert found.smooth_along == pytest.approx([found.smooth] * 3, rel=1e-5)
    one = conductivity_bracket(grains(32, 1.06).phase, (1, 1, 2), axes=[2])
    assert one.axes == (2,)
    assert one.smooth > found.smooth  # stretched along the current


def test_a_plane_conducts_in_the_plane():
    phase = phase_of_spheres(BCC, np.full(2, TOUCH * 1.1), 24)[:, 5:6, :]
    found = conductivity_bracket(phase)
    assert found.axes == (0, 2)
    flat = conductivity_bracket(phase[:, 0, :])
    assert found.smooth == pytest.approx(flat.smooth, rel=1e-6)


def test_void_keeps_a_floor_when_weighed_and_none_when_cut():
    found = conductivity_bracket(np.zeros((4, 4, 4)))
    assert found.smooth == pytest.approx(FLOOR)
    assert found.sharp == 0


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (np.full((2, 2), 1.1), "reaches from 1.1 to 1.1; give the share of solid"),
        (np.array([[np.nan, 0], [0, 1]]), "give the share of solid"),
        (np.ones(3), r"shape \(3,\)"),
    ],
)
def test_what_is_no_phase_field_is_refused(phase, message):
    with pytest.raises(InputError, match=message):
        conductivity_bracket(phase)


def test_a_conductivity_that_does_not_converge_says_so(monkeypatch):
    from dualyte.pellet import conductivity

    solve = conductivity.effective_conductivities
    monkeypatch.setattr(
        conductivity, "effective_conductivities", lambda *a, **k: solve(*a, **k, max_steps=1)
    )
    with pytest.raises(ConvergenceError, match="voxel conduction along axis 0"):
        bracket(1.06, 16)


# --- files ----------------------------------------------------------------------------


def same(one, two):
    assert np.array_equal(one.labels, two.labels)
    assert one.spacing == two.spacing
    assert (one.name, one.time, one.strain) == (two.name, two.time, two.strain)


@pytest.mark.parametrize("suffix", [".npz", ".zarr", ".vti", ".tif", ".tiff"])
@pytest.mark.parametrize("thin", [False, True], ids=["box", "plane"])
def test_what_is_saved_is_read_back(tmp_path, suffix, thin):
    micro = odd()
    if thin:
        micro = Microstructure(
            phase=micro.phase[:, :1], labels=micro.labels[:, :1], spacing=micro.spacing, name="thin"
        )
    for _ in range(2):  # the second replaces the first
        path = micro.save(tmp_path / f"pellet{suffix}")
    found = load_microstructure(str(path))
    same(found, micro)
    if suffix.startswith(".tif"):  # a stack of labels alone
        assert np.array_equal(found.phase, micro.labels > 0)
    else:
        assert np.array_equal(found.phase, micro.phase)


def test_a_stack_of_labels_tells_imagej_its_voxels(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    micro = odd()
    with tifffile.TiffFile(micro.save(tmp_path / "a.tif")) as file:
        told, page, stack = file.imagej_metadata, file.pages[0], file.asarray()
    assert stack.dtype == np.uint16
    assert np.array_equal(stack.transpose(2, 1, 0), micro.labels)
    assert (told["unit"], told["spacing"]) == ("um", pytest.approx(0.3))
    top, bottom = page.tags["YResolution"].value
    assert bottom / top == pytest.approx(0.2, rel=1e-6)


@pytest.mark.parametrize("unit", ["um", "micron", "nm"])
def test_a_stack_from_elsewhere_is_read_with_its_voxels(tmp_path, unit):
    tifffile = pytest.importorskip("tifffile")
    stack = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    tifffile.imwrite(
        tmp_path / "b.tif", stack, imagej=True, resolution=(10, 5),
        metadata={"axes": "ZYX", "spacing": 0.5, "unit": unit},
    )  # fmt: skip
    found = load_microstructure(tmp_path / "b.tif")
    size = 1e-9 if unit == "nm" else 1e-6
    assert found.spacing == pytest.approx((0.1 * size, 0.2 * size, 0.5 * size))
    assert found.labels[3, 2, 1] == 23
    assert found.name == "b"


def test_a_stack_without_voxels_is_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((2, 3, 4), np.uint16))
    with pytest.raises(InputError, match="set it in ImageJ"):
        load_microstructure(tmp_path / "c.tif")


def test_a_vti_file_is_the_xml_that_vtk_describes(tmp_path):
    """Offsets point at blocks led by their length, x runs fastest, ParaView finds the time."""
    micro = odd()
    raw = micro.save(tmp_path / "a.vti").read_bytes()
    assert raw.startswith(b'<?xml version="1.0"?>\n<VTKFile type="ImageData"')
    assert b'WholeExtent="0 4 0 5 0 6" Origin="0 0 0" Spacing="1e-07 2e-07 3e-07"' in raw
    assert b'Name="TimeValue" NumberOfTuples="1" format="ascii">180.0<' in raw
    data = raw.split(b'<AppendedData encoding="raw">\n_')[1]
    assert int.from_bytes(data[:8], "little") == 4 * 120
    labels = np.frombuffer(data[8 : 8 + 480], "<i4")
    assert labels[1] == micro.labels[1, 0, 0]
    assert labels[4] == micro.labels[0, 1, 0]
    assert b'Name="phase" format="appended" offset="488"' in raw


def test_a_zarr_store_is_read_by_xarray(tmp_path):
    pytest.importorskip("zarr")
    import xarray as xr

    path = grains().save(tmp_path / "a.zarr")
    with xr.open_dataset(path, engine="zarr", consolidated=False) as data:
        assert data.labels.attrs["long_name"] == "grain; 0 is void"
        assert data.x.attrs["units"] == "m"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.vtk", "use one of .npz, .tif, .tiff, .vti, .zarr"),
        ("a", "no suffix that names a format"),
        ("folder.npz", "is a folder; name a file to write"),
        ("other.zarr", "is a folder"),
        ("file.zarr", "is a file, where Zarr makes a folder"),
        ("missing/a.npz", "no folder to write a.npz in; make it first"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name, message):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "other.zarr").mkdir()
    (tmp_path / "other.zarr" / "thesis.txt").write_text("mine")
    (tmp_path / "file.zarr").write_text("")
    with pytest.raises(InputError, match=message):
        grains(8).save(tmp_path / name)
    assert (tmp_path / "other.zarr" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("suffix", [".npz", ".vti", ".tif"])
def test_what_is_no_microstructure_is_not_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(InputError, match=r"there is no .*; check the name"):
        load_microstructure(path)
    path.write_bytes(b"not at all")
    with pytest.raises(InputError, match=path.name):
        load_microstructure(path)
    whole = odd().save(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=path.name):
        load_microstructure(path)


def test_a_folder_is_no_file_and_a_table_no_microstructure(tmp_path):
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(InputError, match="is a folder; name a file"):
        load_microstructure(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.ones(3))
    with pytest.raises(InputError, match=r"b.npz cannot be read as a microstructure"):
        load_microstructure(tmp_path / "b.npz")
    (tmp_path / "c.zarr").mkdir()
    with pytest.raises(InputError, match=r"c.zarr cannot be read as a microstructure"):
        load_microstructure(tmp_path / "c.zarr")


def test_sixteen_bits_do_not_hold_a_hundred_thousand_grains(tmp_path):
    labels = np.full((2, 2, 2), 100_000)
    many = Microstructure(phase=np.ones((2, 2, 2)), labels=labels, spacing=(UM,) * 3)
    with pytest.raises(InputError, match=r"save it as \.vti or \.zarr"):
        many.save(tmp_path / "a.tif")


@pytest.mark.parametrize(("suffix", "package"), [(".zarr", "zarr"), (".tif", "tifffile")])
def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch, suffix, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"this needs {package}.*dualyte\[files\]"):
        grains(8).save(tmp_path / f"a{suffix}")
