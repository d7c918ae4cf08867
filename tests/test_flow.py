"""Norton flow with voids: exact solutions, symmetries, conservation, and master curves."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, cg

import dualyte as dl
from dualyte import InputError
from dualyte.exact import hollow_cylinder_pressure, hollow_sphere_pressure
from dualyte.numerics.flow import INSIDE, Flow, apply_green, green
from dualyte.numerics.phase import advect, carry_points, nearest_label, sharpen
from dualyte.pellet.mesoscale import grains, mesoscale
from dualyte.powder import pack

HYDROSTATIC = np.full(3, -1 / 3)


def bore(n, fraction):
    """Phase (n, 1, n) of a cylinder's bore, and the fraction it really has."""
    g = (np.arange(n) + 0.5) / n - 0.5
    r = np.hypot(g[:, None], g[None, :])[:, None, :]
    phase = 0.5 * (1 + np.tanh((r - np.sqrt(fraction / np.pi)) * n / 1.2))
    return phase, 1 - phase.mean()


def hole(n, fraction):
    """Phase (n, n, n) of a spherical hole, and the fraction it really has."""
    g = (np.arange(n) + 0.5) / n - 0.5
    r = np.sqrt(g[:, None, None] ** 2 + g[None, :, None] ** 2 + g**2)
    phase = 0.5 * (1 + np.tanh((r - np.cbrt(3 * fraction / (4 * np.pi))) * n / 1.2))
    return phase, 1 - phase.mean()


def flow(phase, exponent, rate=HYDROSTATIC, *, rtol=3e-4, dtype=np.float64, spacing=None):
    work = Flow(phase.shape, exponent, dtype=dtype)
    n = max(phase.shape)
    work.place(phase, np.full(3, 1 / n) if spacing is None else spacing, rate)
    return work, work.solve(rtol=rtol).ensure()


@pytest.fixture(scope="module")
def small():
    """A packing on a coarse grid."""
    return pack(40, density=0.6, seed=2)


# The operator ---------------------------------------------------------------------------


def test_the_operator_is_symmetric_and_dissipates():
    phase, _ = hole(12, 0.1)
    work, _ = flow(phase, 7.0, rtol=1e-2)
    work.update_viscosity()
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, *phase.shape))
    forth, back = (float((y * work.operator(x)).sum()) for x, y in ((a, b), (b, a)))
    size = float(np.sqrt((a * -work.operator(a)).sum() * (b * -work.operator(b)).sum()))
    assert abs(forth - back) < 1e-12 * size
    assert (a * work.operator(a)).sum() < 0


def test_greens_operator_inverts_that_of_a_uniform_medium():
    shape, spacing = (8, 6, 10), np.array([0.1, 0.2, 0.15])
    work = Flow(shape, 1.0, dtype=np.float64, floor=0.0)
    work.place(np.ones(shape), spacing, HYDROSTATIC)
    work.update_viscosity()
    loads = np.random.default_rng(1).standard_normal((3, *shape))
    loads -= loads.mean(axis=(1, 2, 3), keepdims=True)
    # viscosity 1/3 of the reference, at the rate that place() takes for it
    shear, bulk = float(work._eta[INSIDE].mean()), float(work._zeta[INSIDE].mean())
    moved = apply_green(green(shape, spacing, shear, bulk), loads)
    assert np.abs(-work.operator(moved) - loads).max() < 1e-12 * np.abs(loads).max()


def test_relaxation_finds_what_conjugate_gradients_find():
    """Linear flow: the same stress by a Krylov solver with Green's preconditioner."""
    phase, _ = hole(12, 0.1)
    _, found = flow(phase, 1.0, rtol=1e-6)
    spacing = np.full(3, 1 / 12)
    shape = (3, *phase.shape)
    kernel = green(phase.shape, spacing, 0.3, 5.0)
    check = Flow(phase.shape, 1.0, dtype=np.float64)
    check.place(phase, spacing, HYDROSTATIC)
    check.update_viscosity()

    def operate(x):
        return -check.operator(x.reshape(shape)).ravel()

    A = LinearOperator((np.prod(shape),) * 2, operate)
    M = LinearOperator(A.shape, lambda x: apply_green(kernel, x.reshape(shape)).ravel())
    for _ in range(12):  # augmented Lagrangian around the linear solver
        still = check.velocity.copy()
        check.velocity[:] = 0
        check._update_stress()
        check._misfit()
        load = check._force[INSIDE].copy()
        check.velocity[:] = still
        u, _ = cg(A, load.ravel(), rtol=1e-9, M=M, maxiter=400)
        check.velocity[INSIDE] = u.reshape(shape)
        check.velocity[..., 0], check.velocity[..., -1] = (
            check.velocity[..., -2].copy(),
            check.velocity[..., 1].copy(),
        )
        check._update_stress()
        pressure = -float(check._mean_stress().mean())
        check._move_multipliers()
    assert found.pressure == pytest.approx(pressure, rel=1e-4)


# Exact solutions ------------------------------------------------------------------------


def test_a_uniform_body_needs_only_its_deviator():
    _, found = flow(np.ones((8, 8, 8)), 5.0, np.array([0.5, 0.5, -1.0]))
    equivalent = np.sqrt(2 / 3 * 1.5)
    assert found.stress - found.stress.mean() == pytest.approx(
        2 / 3 * equivalent ** (1 / 5 - 1) * np.array([0.5, 0.5, -1.0]), rel=2e-3
    )


@pytest.mark.parametrize("exponent", [1.0, 3.0, 7.0])
def test_a_hollow_cylinder_is_approached_with_the_grid(exponent):
    """f = 0.02, where neighbouring bores matter little; they keep n = 7 from reaching 1."""
    ratios = []
    for n in (32, 64, 128):
        phase, f = bore(n, 0.02)
        _, found = flow(phase, exponent, np.array([-0.5, 0.0, -0.5]))
        load = -(found.stress[0] + found.stress[2]) / 2
        ratios.append(load / hollow_cylinder_pressure(f, exponent))
    errors = 1 - np.array(ratios)
    rate = np.log2(errors[0] / errors[2]) / 2
    assert (np.diff(ratios) > 0).all()
    assert 0.85 < ratios[-1] < 1.0
    assert 0.3 < rate < 1.2


@pytest.mark.slow
def test_a_hollow_sphere_is_approached_at_a_rate_that_rises_to_one():
    """f = 0.1, n = 1: errors fall with the cell, the faster the finer, towards 1."""
    cells = np.array([24, 48, 96])
    ratios = []
    for n in cells:
        phase, f = hole(int(n), 0.1)
        _, found = flow(phase, 1.0, rtol=1e-3, dtype=np.float32)
        ratios.append(found.pressure / hollow_sphere_pressure(f, 1.0))
    errors = 1 - np.array(ratios)
    rates = np.log2(errors[:-1] / errors[1:])
    limit = 2 * ratios[2] - ratios[1]  # of an error that falls like the cell
    assert 0.65 < rates[0] < rates[1] < 1.1
    assert limit == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("exponent", [1.0, 7.0])
def test_ten_times_the_rate_takes_ten_to_the_inverse_exponent(exponent):
    phase, _ = hole(12, 0.15)
    _, slow = flow(phase, exponent)
    _, fast = flow(phase, exponent, 10 * HYDROSTATIC)
    assert fast.pressure / slow.pressure == pytest.approx(10 ** (1 / exponent), rel=1e-9)


def test_the_load_does_not_depend_on_where_the_box_begins():
    phase = grains(pack(40, density=0.6, seed=3), 16)
    _, here = flow(phase, 7.0)
    _, there = flow(np.ascontiguousarray(np.roll(phase, (3, 5, 7), (0, 1, 2))), 7.0)
    assert there.pressure == pytest.approx(here.pressure, rel=1e-6)


def test_axes_are_alike():
    phase = grains(pack(40, density=0.6, seed=3), 16)
    _, here = flow(phase, 7.0)
    _, turned = flow(np.ascontiguousarray(phase.transpose(2, 0, 1)), 7.0)
    assert turned.stress == pytest.approx(here.stress[[2, 0, 1]], rel=1e-6)


# The phase field ------------------------------------------------------------------------


def solenoidal(shape, seed=0):
    """A random divergence-free velocity on faces."""
    a = np.random.default_rng(seed).standard_normal((3, *shape))
    d = lambda x, k: x - np.roll(x, -1, k)  # noqa: E731 (a difference)
    return np.array([d(a[1], 2) - d(a[2], 1), d(a[2], 0) - d(a[0], 2), d(a[0], 1) - d(a[1], 0)])


def test_advection_keeps_the_mass_and_a_full_medium_full():
    rng = np.random.default_rng(1)
    velocity = solenoidal((6, 7, 8))
    per = np.full(3, 0.1 / np.abs(velocity).max())
    phase = rng.random((6, 7, 8))
    assert advect(phase, velocity, per).sum() == pytest.approx(phase.sum(), rel=1e-14)
    assert np.abs(advect(np.ones((6, 7, 8)), velocity, per) - 1).max() < 1e-14


def test_advection_is_of_second_order():
    errors = []
    for n in (32, 64, 128):
        x = (np.arange(n) + 0.5) / n
        phase = np.broadcast_to((np.sin(2 * np.pi * x) ** 4)[:, None, None], (n, 1, 1)).copy()
        velocity = np.zeros((3, n, 1, 1))
        velocity[0] = 1.0
        moved = phase
        for _ in range(n):  # a quarter turn of the box
            moved = advect(moved, velocity, np.array([0.25, 0, 0]))
        errors.append(np.abs(moved - np.roll(phase, n // 4, 0)).mean())
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (rates > 1.7).all()


def test_sharpening_restores_the_profile_and_keeps_the_mass():
    n = 48
    x = np.arange(n) + 0.5

    def slab(width):
        y = 0.5 * (np.tanh((x - 12) / width) - np.tanh((x - 36) / width))
        return np.broadcast_to(y[:, None, None], (n, 4, 4)).copy()

    blurred, wanted = slab(3.0), slab(1.2)
    sharp = sharpen(blurred, np.full(3, 1 / n), width=1.2, steps=200)
    assert sharp.sum() == pytest.approx(blurred.sum(), rel=1e-13)
    assert np.abs(sharp - wanted).max() < 0.02 < np.abs(blurred - wanted).max()
    assert sharp.min() > -1e-3
    assert sharp.max() < 1 + 1e-3


def test_points_ride_with_a_uniform_flow():
    velocity = np.zeros((3, 5, 6, 7))
    velocity[1] = 2.0
    points = np.array([[1.5, 5.5, 2.5], [0.1, 0.2, 6.9]])
    carry_points(points, velocity, np.full(3, 0.5))
    assert points == pytest.approx(np.array([[1.5, 0.5, 2.5], [0.1, 1.2, 6.9]]))


def test_cells_take_the_name_of_the_nearest_point_across_the_edge():
    phase = np.ones((8, 1, 1))
    points = np.array([[0.5, 0.5, 0.5], [4.0, 0.5, 0.5]])
    found = nearest_label(points, np.array([1, 2], np.int32), phase)
    assert found[7, 0, 0] == 1
    assert found[4, 0, 0] == 2


# Master curves --------------------------------------------------------------------------


def test_grains_on_a_grid_hold_their_volume(small):
    for n in (20, 32):
        phase = grains(small, n)
        assert phase.mean() == pytest.approx(small.density, rel=1e-6)


def test_pressing_keeps_the_mass_and_takes_more_and_more_load(small):
    run = mesoscale(small, grid=20, until=0.9, conduct=False)
    curve = run.curve
    assert abs(curve.mass_error) < 1e-12
    assert (np.diff(curve.density) > 0).all()
    assert (np.diff(curve.pressure) > 0).all()
    assert curve.lateral == pytest.approx(1.0, abs=0.2)
    assert len({int(x) for x in np.unique(run.frames[-1].labels)} - {0}) == 40
    micro = run.microstructure(0.8)
    assert micro.relative_density == pytest.approx(0.8, abs=0.02)


def test_a_die_presses_harder_along_than_across(small):
    curve = mesoscale(small, grid=20, mode="die", until=0.75, conduct=False).curve
    assert (curve.lateral < 1).all()
    # loose grains with few contacts carry next to nothing across; with density it builds up
    assert (np.diff(curve.lateral) > 0).all()
    assert curve.lateral[-1] > 0.2


def test_discs_are_pressed_in_plane_strain():
    packing = pack(20, density=0.8, dim=2, seed=1)
    run = mesoscale(packing, grid=48, until=0.92)
    assert run.curve.dim == 2
    assert abs(run.curve.mass_error) < 1e-12
    assert (np.diff(run.curve.pressure) > 0).all()
    assert (run.curve.smooth < 1).all()


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 4])
def test_a_run_stopped_anywhere_resumes_to_the_same_result(small, tmp_path, after):
    def stop(done, total):
        if done == after:
            raise StoppedError

    told = {"grid": 20, "until": 0.7, "conduct": False}
    whole = mesoscale(small, **told)
    with pytest.raises(StoppedError):
        mesoscale(small, **told, store=tmp_path, progress=stop)
    resumed = mesoscale(small, **told, store=tmp_path)
    assert np.array_equal(resumed.curve.pressure, whole.curve.pressure)
    assert np.array_equal(resumed.frames[-1].labels, whole.frames[-1].labels)
    assert np.array_equal(resumed.frames[-1].phase, whole.frames[-1].phase)


def test_a_damaged_state_starts_over(small, tmp_path):
    told = {"grid": 20, "until": 0.66, "conduct": False, "store": tmp_path}
    first = mesoscale(small, **told).curve
    state = next(tmp_path.glob("*/state.npz"))
    state.write_bytes(state.read_bytes()[:1000])
    assert np.array_equal(mesoscale(small, **told).curve.pressure, first.pressure)


def test_what_no_run_can_do_is_refused_before_it_starts(small, monkeypatch):
    with pytest.raises(InputError, match=r"too coarse for the grains.*take \d+ or more"):
        mesoscale(small, grid=8)
    with pytest.raises(InputError, match=r"needs .* GiB of memory and .* the largest that fits"):
        mesoscale(small, grid=4096)
    with pytest.raises(InputError, match="no mode 'sideways'"):
        mesoscale(small, mode="sideways")
    with pytest.raises(InputError, match="no relative density between"):
        mesoscale(small, until=0.5)


def test_an_unconverged_flow_says_so_and_keeps_its_answer():
    phase, _ = hole(12, 0.1)
    work = Flow(phase.shape, 7.0)
    work.place(phase, np.full(3, 1 / 12), HYDROSTATIC)
    found = work.solve(rtol=1e-12, max_steps=60)
    assert found.outcome == "too many steps"
    with pytest.raises(dl.ConvergenceError, match="stopped after 60 steps") as caught:
        found.ensure()
    assert caught.value.solution is found


def test_a_curve_survives_its_file(small, tmp_path):
    from dualyte.pellet import load_curve

    curve = mesoscale(small, grid=20, until=0.68).curve
    again = load_curve(curve.save(tmp_path / "curve.toml"))
    assert again.pressure == pytest.approx(curve.pressure, rel=1e-5)
    assert again.smooth == pytest.approx(curve.smooth, rel=1e-5)
    assert (again.mode, again.seeds, again.grid) == (curve.mode, curve.seeds, curve.grid)
    (tmp_path / "bad.toml").write_text("exponent = 7")
    with pytest.raises(InputError, match=r"bad\.toml is no master curve"):
        load_curve(tmp_path / "bad.toml")


@pytest.mark.slow
def test_the_load_converges_with_the_grid():
    """P̂ at 0.8 and 0.9 on 32³, 48³, 64³: extrapolated to zero cell, with its error."""
    packing = pack(60, density=0.64, seed=0)
    cells = (32, 48, 64)
    curves = [mesoscale(packing, grid=n, until=0.91, conduct=False).curve for n in cells]
    for density in (0.8, 0.9):
        load = np.array([float(c.at(density)) for c in curves])
        slope, limit = np.polyfit(1 / np.array(cells), load, 1)
        error = abs(load - (limit + slope / np.array(cells))).max()
        assert abs(load[2] / limit - 1) < 0.15
        assert error < 0.03 * limit
        assert abs(load[2] - load[1]) < abs(load[1] - load[0]) + 0.01 * limit
