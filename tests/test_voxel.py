"""Effective conductivity of periodic voxels: exact mixtures, bounds, invariances, rates."""

import itertools

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import ConvergenceError, InputError
from dualyte.exact.porous import bruggeman, effective_medium, hashin_shtrikman, maxwell_mixture
from dualyte.numerics import voxel
from dualyte.numerics.solve import Outcome
from dualyte.numerics.voxel import effective_conductivities, effective_conductivity


def conductivity(sigma, axis=0, spacing=None, rtol=1e-12):
    return effective_conductivity(sigma, axis, spacing, rtol=rtol).ensure().value


def along_all(sigma, spacing=None):
    return np.array(
        [x.ensure().value for x in effective_conductivities(sigma, spacing, rtol=1e-12)]
    )


def ball(n, radius, inside=0.0, dim=3, outside=1.0):
    """A sphere (or disc) in the middle of a unit cell."""
    x = (np.arange(n) + 0.5) / n - 0.5
    square = sum(np.expand_dims(x**2, [b for b in range(dim) if b != a]) for a in range(dim))
    return np.where(np.sqrt(square) < radius, inside, outside)


def checkerboard(n, a, b):
    block = np.arange(n) // (n // 2)
    return np.where((block[:, None] + block) % 2 == 0, a, b)


def rate(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


# --- mixtures with an exact answer ----------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 64), (16, 16, 16), (12, 5, 7), (64, 1, 1)])
def test_layers_add_in_series_and_in_parallel(shape):
    sigma = np.ones(shape)
    sigma[: shape[0] // 2] = 0.1
    found = along_all(sigma)
    assert found[0] == pytest.approx(2 / 11, abs=1e-8)
    assert found[1:] == pytest.approx([0.55] * (len(shape) - 1), abs=1e-8)


def test_a_product_of_two_profiles_is_exact_on_any_grid():
    """σ = a(x) b(y): the harmonic mean of a times the mean of b, here 1 by symmetry."""
    x = 2 * np.pi * (np.arange(32) + 0.5) / 32
    sigma = np.exp(np.cos(x)[:, None] + np.cos(x + 0.7))
    assert along_all(sigma) == pytest.approx([1.0, 1.0], abs=1e-10)


def test_a_checkerboard_conducts_by_the_geometric_mean():
    """Dykhne and Keller: √(σ₁σ₂). The corners' singularity r^α sets the rate 2α."""
    contrast = 0.1
    errors = [
        1 - conductivity(checkerboard(n, 1.0, contrast)) / np.sqrt(contrast)
        for n in (32, 64, 128, 256)
    ]
    assert errors[-1] < 0.016
    singular = 8 / np.pi * np.arctan(np.sqrt(contrast))  # 0.780
    found = rate(errors)
    assert found[-1] == pytest.approx(singular, abs=0.01)
    assert (np.diff(np.abs(found - singular)) < 0).all()


def test_pores_in_a_simple_cubic_array_conduct_a_little_less_than_maxwell_says():
    sigma = ball(64, 0.3)
    pores = 1 - sigma.mean()
    assert pores == pytest.approx(0.112, abs=1e-3)
    found = conductivity(sigma)
    assert found == pytest.approx(0.835, abs=0.003)
    assert found < maxwell_mixture(1.0, 0.0, pores) == pytest.approx(0.840, abs=1e-3)


def test_few_pores_in_a_cubic_array_obey_maxwell_and_few_discs_too():
    for dim, n in ((3, 64), (2, 256)):
        sigma = ball(n, 0.15, dim=dim)
        expected = float(maxwell_mixture(1.0, 0.0, 1 - sigma.mean(), dim))
        assert conductivity(sigma) == pytest.approx(expected, rel=2e-3)


def test_conductivity_and_resistivity_are_dual_in_the_plane():
    """Keller: σ_x[σ] σ_y[1/σ] = 1 where mirrors leave no cross term; second order in the cell."""
    errors = []
    for n in (16, 32, 64, 128):
        x = 2 * np.pi * (np.arange(n) + 0.5) / n
        sigma = np.exp(np.cos(x)[:, None] * np.cos(2 * x) + 0.5 * np.cos(x)[:, None])
        errors.append(abs(conductivity(sigma, 0) * conductivity(1 / sigma, 1) - 1))
    assert errors[-1] < 1e-3
    assert rate(errors)[-2:] == pytest.approx([2, 2], abs=0.1)


def test_a_smooth_field_converges_with_the_square_of_the_cell():
    found = []
    for n in (16, 32, 64, 128):
        x = 2 * np.pi * (np.arange(n) + 0.5) / n
        found.append(conductivity(np.exp(np.sin(x)[:, None] * np.cos(2 * x) + np.cos(x))))
    assert rate(np.abs(np.diff(found))) == pytest.approx(2, abs=0.15)


# --- against an independent solution --------------------------------------------------


def dense(sigma, axis, spacing):
    """Least-squares current of the same network, from edges, without any iteration."""
    cells, ends, weight, drive = np.arange(sigma.size).reshape(sigma.shape), [], [], []
    for a in range(sigma.ndim):
        one, other = sigma, np.roll(sigma, -1, a)
        g = np.where((one > 0) & (other > 0), 2 * one * other / np.maximum(one + other, 1e-300), 0)
        ends.append(np.stack([cells.ravel(), np.roll(cells, -1, a).ravel()]))
        weight.append(g.ravel())
        drive.append(np.full(sigma.size, float(a == axis) * spacing[a]))
    ends, weight, drive = (
        np.concatenate(ends, axis=1),
        np.concatenate(weight),
        np.concatenate(drive),
    )
    length = np.repeat(spacing, sigma.size)
    gradient = np.zeros((weight.size, sigma.size))
    rows = np.arange(weight.size)
    np.add.at(gradient, (rows, ends[1]), 1 / length)
    np.add.at(gradient, (rows, ends[0]), -1 / length)
    root = np.sqrt(weight)
    u = np.linalg.lstsq(root[:, None] * gradient, -root * drive / length, rcond=None)[0]
    return np.sum(weight * (gradient @ u + drive / length) ** 2) / sigma.size


@st.composite
def fields(draw, dims=(2, 3), voids=True):
    dim = draw(st.sampled_from(dims))
    shape = draw(st.tuples(*[st.integers(1, 7 if dim == 2 else 5)] * dim))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    sigma = 10 ** (rng.uniform(-1, 1, shape) * draw(st.sampled_from([0.1, 1, 2])))
    if voids:
        sigma[rng.random(shape) < draw(st.sampled_from([0, 0.2, 0.5]))] = 0
    spacing = tuple(draw(st.sampled_from([0.5, 1.0, 3.0])) for _ in shape)
    return sigma, spacing


@settings(max_examples=100, deadline=None)
@given(fields())
def test_the_iteration_agrees_with_dense_algebra(case):
    sigma, spacing = case
    for axis in range(sigma.ndim):
        expected = dense(sigma, axis, spacing)
        found = conductivity(sigma, axis, spacing)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12 * sigma.max())


def operator(shape, seed=0, sides=(1.0, 1.0, 1.0), voids=0.3):
    rng = np.random.default_rng(seed)
    sigma = 10 ** rng.uniform(-1, 1, shape) * (rng.random(shape) >= voids)
    faces = voxel._per_area(voxel._faces(sigma), np.array(sides))
    inside = sum(f + np.roll(f, -1, a) for a, f in enumerate(faces)) > 0
    return faces, rng.standard_normal((2, *shape)) * inside


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 6, 5), (16, 3, 1)])
def test_operator_and_preconditioner_are_symmetric_and_positive(shape):
    """⟨u, A v⟩ = ⟨A u, v⟩ to 10⁻¹², and the same for one multigrid cycle."""
    sides = np.array([1.0, 1.0, 2.0])
    faces, (u, v) = operator(shape, sides=sides)
    grids = voxel._hierarchy(faces, sides)

    def apply(x):
        out = np.empty_like(x)
        voxel._apply(x, *faces, out)
        return out

    def cycle(x):
        out = np.empty_like(x)
        voxel._cycle(grids, 0, out, x, fresh=True)
        return out

    for act in (apply, cycle):
        size = np.linalg.norm(act(u)) * np.linalg.norm(v)
        assert abs(np.vdot(u, act(v)) - np.vdot(act(u), v)) <= 1e-12 * size
        assert np.vdot(u, act(u)) > 0
    assert np.abs(apply(np.ones(shape))).max() == 0


def test_the_discrete_green_function_inverts_the_operator_of_a_uniform_field():
    shape, sides = (12, 10, 8), np.array([1.0, 2.0, 0.7])
    faces = voxel._per_area(voxel._faces(np.ones(shape)), sides)
    symbol = np.zeros(shape)
    for a, (n, h) in enumerate(zip(shape, sides, strict=True)):
        wave = (2 - 2 * np.cos(2 * np.pi * np.arange(n) / n)) / h**2
        symbol = symbol + np.expand_dims(wave, [b for b in range(3) if b != a])
    symbol[0, 0, 0] = np.inf
    b = np.random.default_rng(0).standard_normal(shape)
    b -= b.mean()
    u = scipy.fft.ifftn(scipy.fft.fftn(b) / symbol).real
    out = np.empty(shape)
    voxel._apply(u, *faces, out)
    assert np.abs(out - b).max() <= 1e-12 * np.abs(b).max()


@pytest.mark.parametrize("inside", [0.0, 1e-6, 0.1, 1e3])
def test_the_number_of_steps_hardly_depends_on_grid_or_contrast(inside):
    steps = [effective_conductivity(ball(n, 0.35, inside)).ensure().steps for n in (16, 32, 64)]
    assert max(steps) <= 20
    assert max(steps) - min(steps) <= 3


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_the_error_asked_for_is_met(rtol):
    rng = np.random.default_rng(5)
    for sigma in (
        10 ** rng.uniform(-2, 2, (24, 24, 24)),
        ball(32, 0.55),
        checkerboard(64, 1, 0.01),
    ):
        best = conductivity(sigma, rtol=1e-13)
        found = effective_conductivity(sigma, rtol=rtol).ensure()
        assert 0 <= found.value / best - 1 + 1e-13 <= rtol
        assert found.residual <= rtol


# --- bounds ---------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(fields())
def test_a_mixture_lies_between_series_and_parallel(case):
    sigma, spacing = case
    with np.errstate(divide="ignore"):
        series = 1 / np.mean(1 / sigma)
    found = along_all(sigma, spacing)
    assert (found <= sigma.mean() * (1 + 1e-10)).all()
    assert (found >= series * (1 - 1e-10)).all()


@settings(max_examples=40, deadline=None)
@given(fields(), st.integers(0, 2**31), st.floats(1.1, 100))
def test_a_better_cell_never_makes_a_worse_mixture(case, seed, times):
    sigma, spacing = case
    better = sigma.copy()
    better.flat[seed % sigma.size] = max(better.flat[seed % sigma.size] * times, 1e-3)
    before, after = along_all(sigma, spacing), along_all(better, spacing)
    assert (after >= before * (1 - 1e-9)).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 0.6), st.sampled_from([0.0, 0.01, 0.2, 5.0, 100.0]), st.sampled_from([2, 3]))
def test_cubic_arrays_respect_hashin_and_shtrikman(radius, inside, dim):
    """A mixture in steps of a cell may leave them by its error, here 32 cells to the box."""
    sigma = ball(32, radius, inside, dim)
    f = float(np.mean(sigma == 1.0))
    low, high = hashin_shtrikman(1.0, inside, f, dim)
    found = conductivity(sigma, rtol=1e-8)
    assert low * 0.98 <= found <= high * 1.001


@given(st.floats(0.001, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([2, 3]))
def test_estimates_lie_between_the_bounds(a, b, f, dim):
    low, high = hashin_shtrikman(a, b, f, dim)
    for found in (
        effective_medium(a, b, f, dim), maxwell_mixture(a, b, 1 - f, dim),
        maxwell_mixture(b, a, f, dim),
    ):  # fmt: skip
        assert low - 1e-12 <= found <= high + 1e-12
    assert effective_medium(a, b, f, dim) == pytest.approx(effective_medium(b, a, 1 - f, dim))


def test_all_estimates_agree_on_few_pores_and_on_a_dense_solid():
    pores = 1e-4
    for dim in (2, 3):
        slope = [
            (1 - found) / pores
            for found in (
                bruggeman(1 - pores, dim),
                effective_medium(1.0, 0.0, 1 - pores, dim),
                maxwell_mixture(1.0, 0.0, pores, dim),
            )
        ]
        assert slope == pytest.approx([dim / (dim - 1)] * 3, rel=1e-3)
        assert effective_medium(1.0, 0.0, 1 / dim, dim) == pytest.approx(0, abs=1e-12)
        assert maxwell_mixture(1.0, 0.0, 1.0, dim) == 0
        assert maxwell_mixture(0.0, 1.0, 1.0, dim) == 1
        assert maxwell_mixture(0.0, 0.0, 0.5, dim) == 0
    with pytest.raises(InputError, match="dim=1 must be 2 or 3"):
        bruggeman(0.9, 1)


# --- invariances ----------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(fields(), st.tuples(*[st.integers(0, 7)] * 3))
def test_conductivity_does_not_depend_on_where_the_box_begins(case, shift):
    sigma, spacing = case
    moved = np.roll(sigma, shift[: sigma.ndim], range(sigma.ndim))
    assert along_all(moved, spacing) == pytest.approx(along_all(sigma, spacing), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(fields(dims=(3,)), st.permutations(range(3)))
def test_axes_may_be_permuted_and_mirrored(case, order):
    sigma, spacing = case
    found = along_all(sigma, spacing)
    turned = along_all(sigma.transpose(order), [spacing[a] for a in order])
    assert turned == pytest.approx(found[list(order)], rel=1e-9)
    assert along_all(sigma[::-1], spacing) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("times", [1e-15, 1e-3, 1e12])
def test_conductivity_scales_with_its_unit_and_not_with_the_cells(times):
    sigma = ball(16, 0.35, 0.05) + 0.5 * np.random.default_rng(1).random((16, 16, 16))
    expected = conductivity(sigma)
    assert conductivity(times * sigma) == pytest.approx(times * expected, rel=1e-11)
    assert conductivity(sigma, spacing=(times,) * 3) == pytest.approx(expected, rel=1e-11)


def test_finer_cells_along_one_axis_describe_the_same_layers():
    """Each cell cut in two along z, across which nothing changes: the mean field sees no cut."""
    sigma = np.random.default_rng(2).uniform(0.1, 1, (8, 8))
    thick = np.repeat(sigma[:, :, None], 4, axis=2)
    assert conductivity(thick, 0, (1, 1, 0.25)) == pytest.approx(conductivity(sigma), rel=1e-10)


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_a_box_one_cell_thick_is_a_plane(thin):
    rng = np.random.default_rng(3)
    sigma = rng.uniform(0.1, 1, (12, 9)) * (rng.random((12, 9)) > 0.2)
    sides = (1.0, 2.0)
    flat = along_all(sigma, sides)
    box = along_all(np.expand_dims(sigma, thin), np.insert(sides, thin, 0.3))
    assert np.delete(box, thin) == pytest.approx(flat, rel=1e-10)
    assert box[thin] == pytest.approx(sigma.mean())


@pytest.mark.parametrize("stretch", [1.0, 10.0, 100.0])
def test_flat_cells_cost_no_more_steps(stretch):
    sigma = np.random.default_rng(4).uniform(0.1, 1, (24, 24, 24))
    for axis in (0, 2):
        found = effective_conductivity(sigma, axis, (1, 1, stretch)).ensure()
        assert found.steps <= 30


# --- voids ----------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [2, 3])
def test_what_is_not_connected_does_not_conduct(dim):
    sigma = np.ones((8,) * dim)
    sigma[3] = 0
    found = effective_conductivities(sigma)
    assert found[0].value == 0
    assert not found[0].connected
    assert found[0].outcome is Outcome.CONVERGED
    assert [x.value for x in found[1:]] == pytest.approx([7 / 8] * (dim - 1))


def test_cells_that_meet_in_an_edge_or_a_corner_are_not_connected():
    plane = np.indices((8, 8)).sum(0) % 2.0
    assert conductivity(plane) == 0
    assert conductivity(np.indices((6, 6, 6)).sum(0) % 2.0) == 0


def test_nothing_but_void_conducts_nothing():
    found = effective_conductivity(np.zeros((4, 4, 4)), flux=True)
    assert (found.value, found.connected, found.steps) == (0.0, False, 0)
    assert not found.flux.any()


def test_a_helix_conducts_along_its_axis_by_its_length():
    """A wire of one cell, up one cell per turn of four: one path 8 times as long as the box."""
    turn = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    n = 16
    sigma = np.zeros((5, 5, n))
    for k in range(n):
        for x, y in (turn[k % 8], turn[(k + 1) % 8]):
            sigma[x, y, k] = 1
    found = along_all(sigma)
    steps = 2 * n  # faces on the way: one up and one aside per cell
    assert found == pytest.approx([0, 0, n * n / steps / (25 * n)], rel=1e-9)


def test_isolated_grains_neither_conduct_nor_disturb():
    sigma = ball(16, 0.3, 0.0)
    with_grain = sigma.copy()
    with_grain[7:9, 7:9, 7:9] = 100.0
    assert conductivity(with_grain) == pytest.approx(conductivity(sigma), rel=1e-10)


def test_an_insulating_void_is_the_limit_of_a_bad_conductor():
    exact = conductivity(ball(24, 0.4, 0.0))
    off = [conductivity(ball(24, 0.4, floor)) - exact for floor in (1e-2, 1e-4, 1e-6)]
    assert off[0] > off[1] > off[2] > 0
    assert rate(off) == pytest.approx(np.log2(100), rel=0.05)


# --- the flux -------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(fields())
def test_the_mean_flux_is_the_conductivity_and_none_flows_in_voids(case):
    sigma, spacing = case
    for axis in range(sigma.ndim):
        found = effective_conductivity(sigma, axis, spacing, rtol=1e-14, flux=True)
        flux = found.flux
        assert flux.shape == (sigma.ndim, *sigma.shape)
        assert flux[axis].mean() == pytest.approx(found.value, rel=1e-6, abs=1e-10 * sigma.max())
        assert np.abs(flux[:, sigma == 0]).max(initial=0) == 0


def test_flux_in_layers_is_uniform_across_and_proportional_along():
    sigma = np.ones((8, 8))
    sigma[:4] = 0.1
    across, along = effective_conductivities(sigma, rtol=1e-14, flux=True)
    np.testing.assert_allclose(across.flux[0], 2 / 11, rtol=1e-7)  # the root of rtol
    np.testing.assert_allclose(along.flux[1], sigma)
    np.testing.assert_allclose(along.flux[0], 0, atol=1e-15)


# --- how it ends ----------------------------------------------------------------------


def test_a_solve_cut_short_says_so_and_keeps_its_answer():
    sigma = ball(16, 0.4)
    found = effective_conductivity(sigma, max_steps=2)
    assert found.outcome is Outcome.MAX_STEPS
    with pytest.raises(ConvergenceError, match="raise it, or loosen rtol") as caught:
        found.ensure()
    assert caught.value.solution is found
    assert found.value > conductivity(sigma)


@pytest.mark.parametrize("seed", range(3))
def test_a_contrast_beyond_rounding_is_right_or_owns_up(seed):
    """Cells drawn at random, 10¹⁰ apart, in a bar too narrow for the good ones to connect."""
    sigma = np.where(np.random.default_rng(seed).random((64, 3, 2)) < 0.5, 1.0, 1e-10)
    found = effective_conductivity(sigma)
    best = effective_conductivity(sigma, rtol=1e-15, max_steps=3000)
    if found.outcome is Outcome.CONVERGED:
        assert found.value == pytest.approx(best.value, rel=1e-6)


@pytest.mark.parametrize(
    ("sigma", "how", "message"),
    [
        (np.ones(4), {}, r"shape \(4,\); give \(nx, ny\)"),
        (np.ones((0, 4)), {}, "shape"),
        (-np.eye(3), {}, r"cell \(0, 0\) is -1; give finite numbers"),
        (np.full((2, 2), np.nan), {}, r"cell \(0, 0\) is nan"),
        (np.ones((4, 4)), {"axis": 2}, "axis=2 is none of the 2 axes"),
        (np.ones((4, 4)), {"spacing": (1, 1, 1)}, "does not fit a field of 2 axes"),
        (np.ones((4, 4)), {"spacing": (1, 0)}, "one positive length per axis"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(sigma, how, message):
    with pytest.raises(InputError, match=message):
        effective_conductivity(sigma, **how)


def test_the_field_is_left_as_it_was():
    sigma = ball(8, 0.3)
    before = sigma.copy()
    for axis, spacing in itertools.product((0, -1), (None, (1, 2, 3))):
        effective_conductivity(sigma, axis, spacing)
    assert np.array_equal(sigma, before)
    assert effective_conductivity(sigma, -1).axis == 2
