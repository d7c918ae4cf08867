"""Current through a patterned plane between two layers, in any consistent units."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import ConvergenceError, exact
from dualyte.numerics.plane import (
    ReducedPlane,
    convolve,
    correlation_length,
    solve_plane,
    spectral_measure,
    symbol,
)
from dualyte.numerics.solve import Outcome

EPS0 = 8.854e-14  # F/cm


def blobs(n, fraction, length=3.0, seed=0):
    """Islands of contact: a Gaussian field of `length` pixels above its quantile."""
    return field(n, length, seed) >= np.quantile(field(n, length, seed), 1 - fraction)


def field(n, length, seed):
    q = 2 * np.pi * np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n))
    white = np.random.default_rng(seed).standard_normal((n, n))
    return np.fft.irfft2(np.fft.rfft2(white) * np.exp(-((q * length) ** 2) / 4), s=(n, n))


def stripes(n, fraction, across=4):
    contact = np.zeros((n, across), bool)
    contact[: round(fraction * n)] = True
    return contact


def disc(n, radius, centre=(0.0, 0.0)):
    """A circle in a square of side 2; the centre is given in pixels off the middle."""
    x, y = (((np.arange(n) + 0.5 + c) / n * 2 - 1) for c in centre)
    return x[:, None] ** 2 + y[None, :] ** 2 < radius**2


def resistance(contact, local, kernel, rtol=1e-10, max_steps=2000):
    z = np.broadcast_to(local, contact.shape)
    return solve_plane(z, contact, kernel, rtol=rtol, max_steps=max_steps).ensure().resistance


# --- closed forms ---------------------------------------------------------------------


@pytest.mark.parametrize("r", [1e-3, 1.0, 42.0, 7.0 - 3.0j])
def test_full_contact_costs_only_its_own_resistance(r):
    full = np.ones((16, 24), bool)
    assert abs(resistance(full, r, symbol((16, 24), (1.0, 2.0))) / r - 1) <= 1e-12
    assert abs(spectral_measure(full, symbol((16, 24), (1.0, 2.0))).impedance(r, 5) / r - 1) < 1e-12


def test_full_contact_without_resistance_costs_nothing():
    assert resistance(np.ones((8, 8), bool), 0.0, symbol((8, 8), (1.0, 1.0))) == 0


@pytest.mark.parametrize(("fraction", "expected"), [(0.25, 0.611503), (0.5, 0.220636)])
def test_current_squeezes_through_strips_as_the_conformal_map_says(fraction, expected):
    """Period 1, σ = 1 on both sides; the error falls like the pixel, so extrapolate once."""
    coarse, fine = (
        resistance(stripes(n, fraction), 0.0, 2 * symbol((n, 4), (1.0, 4 / n))) for n in (256, 512)
    )
    assert fine - expected == pytest.approx((coarse - expected) / 2, rel=0.01)
    assert 2 * fine - coarse == pytest.approx(expected, abs=1e-4)
    assert expected == pytest.approx(float(exact.strip(1.0, fraction, 1.0, 1.0)), abs=1e-6)


@pytest.mark.parametrize(("eps", "psi"), [(0.2, 0.83391), (0.5, 0.48329), (0.8, 0.18961)])
def test_uniform_current_through_a_circle_dissipates_as_images_say(eps, psi):
    n = 512
    spot = disc(n, eps)
    current = spot / spot.mean()
    potential = np.mean(convolve(symbol((n, n), (2.0, 2.0)), current) * current)
    radius = np.sqrt(spot.mean() * 4 / np.pi)  # of a circle of the pixels' area
    assert potential * radius == pytest.approx(psi, abs=3e-4)


def test_an_equipotential_circle_lies_between_its_bounds():
    """ε = 0.5, the textbook polynomial below. Centres vary to average the outline's steps."""
    centres = [
        (0, 0), (0.5, 0.5), (0.25, 0.1), (0.4, 0.2), (0.1, 0.35), (0.3, 0.45), (0, 0.25),
        (0.15, 0.05),
    ]  # fmt: skip
    psi = []
    for n in (128, 256):
        kernel, found = symbol((n, n), (2.0, 2.0)), []
        for centre in centres:
            spot = disc(n, 0.5, centre)
            radius = np.sqrt(spot.mean() * 4 / np.pi)
            found.append(radius * resistance(spot, 0.0, kernel, rtol=1e-8))
        psi.append(np.mean(found))
    assert 0.40654 < 2 * psi[1] - psi[0] < 0.41057
    assert psi[0] > psi[1] > 2 * psi[1] - psi[0]


def test_a_square_spot_costs_its_recorded_resistance():
    """f = 0.25, σ = 1 on both sides, r = 1."""
    spot = np.zeros((256, 256), bool)
    spot[:128, :128] = True
    found = resistance(spot, 1.0, 2 * symbol((256, 256), (1.0, 1.0)))
    assert found - 1 / 0.25 == pytest.approx(0.70241, abs=1e-4)


def test_patches_wider_than_the_layers_conduct_as_columns():
    """(L₁/σ₁ + L₂/σ₂)(1/f − 1) to 1 %; what is missing falls like the inverse width."""
    (L1, L2), (s1, s2) = (1.0, 2.0), (1.5, 0.5)
    short = []
    for period, n in ((500, 2048), (1000, 4096)):
        size = (period, 4 * period / n)
        kernel = symbol((n, 4), size, L1) / s1 + symbol((n, 4), size, L2) / s2
        contact = stripes(n, 0.3)
        columns = float(exact.macroscopic(contact.mean(), L1 * 1e-3, s1, L2 * 1e-3, s2)) * 1e3
        short.append(1 - resistance(contact, 0.0, kernel) / columns)
    assert 0 < short[1] < 0.01
    assert short[0] / short[1] == pytest.approx(2, rel=0.03)


def test_square_patches_wider_than_the_layers_conduct_as_columns():
    n, side = 256, 1000.0
    kernel = symbol((n, n), (side, side), 1.0) / 1.5 + symbol((n, n), (side, side), 0.5) / 0.5
    contact = np.kron(np.eye(2), np.ones((n // 2, n // 2))).astype(bool)
    assert resistance(contact, 0.0, kernel) == pytest.approx(5 / 3, rel=0.01)


# --- the symbol -----------------------------------------------------------------------


def brute_symbol(shape, size, thickness, aliases=150):
    """Aliased sinc² sum of tanh(qL)/q, term by term."""
    (nx, ny), (lx, ly) = shape, size
    kx, ky = np.fft.fftfreq(nx)[:, None, None], np.fft.rfftfreq(ny)[None, :, None]
    b = np.arange(-aliases, aliases + 1)
    total = np.zeros((nx, ny // 2 + 1))
    for a in range(-aliases, aliases + 1):
        q = 2 * np.pi * np.hypot((kx + a) * nx / lx, (ky + b) * ny / ly)
        q[q == 0] = np.inf
        weight = np.sinc(kx + a) ** 2 * np.sinc(ky + b) ** 2
        total += (weight * np.tanh(q * thickness) / q).sum(axis=-1)
    total[0, 0] = 0
    return total


@pytest.mark.parametrize("thickness", [1e9, 0.3, 0.03, 0.01])
@pytest.mark.parametrize(
    ("shape", "size"),
    [((8, 8), (1.0, 1.0)), ((8, 12), (1.0, 1.0)), ((7, 9), (1.0, 1.0)), ((16, 4), (1.0, 0.25))],
)
def test_the_symbol_is_the_sum_over_all_aliases(shape, size, thickness):
    expected = brute_symbol(shape, size, thickness)
    np.testing.assert_allclose(symbol(shape, size, thickness), expected, rtol=2e-4)


def test_the_symbol_of_long_waves_is_that_of_the_continuum():
    for thickness in (np.inf, 0.1):
        kernel = symbol((256, 256), (1.0, 1.0), thickness)
        q = 2 * np.pi * np.arange(1, 5)
        np.testing.assert_allclose(kernel[1:5, 0], np.tanh(q * thickness) / q, rtol=2e-3)
    assert symbol((256, 256), (1.0, 1.0))[0, 0] == 0


def test_the_symbol_of_a_layer_thinner_than_a_pixel_is_its_thickness():
    kernel = symbol((8, 8), (1.0, 1.0), 1e-6)
    np.testing.assert_allclose(kernel.ravel()[1:], 1e-6, rtol=1e-3)


def test_the_symbol_scales_with_length_and_turns_with_the_cell():
    kernel = symbol((12, 8), (3.0, 1.0), 0.2)
    np.testing.assert_allclose(symbol((12, 8), (3e-6, 1e-6), 0.2e-6), kernel * 1e-6, rtol=1e-12)
    full = np.fft.fft2(np.fft.irfft2(kernel, s=(12, 8))).real
    turned = symbol((8, 12), (1.0, 3.0), 0.2)
    np.testing.assert_allclose(full.T[:, :7], turned, rtol=1e-12, atol=1e-14)


# --- against a finite-volume bilayer --------------------------------------------------


def layer_symbol(shape, pixel, step, steps):
    """T(q) of a layer of cells, by recursion from the electrode to the interface."""
    sx, sy = (np.sin(np.pi * k) for k in (np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])))
    leak = step * (4 / pixel**2) * (sx[:, None] ** 2 + sy[None, :] ** 2)
    impedance = np.zeros_like(leak)
    for _ in range(steps):
        centre = 1 / (step / 2 + impedance) + leak
        impedance = step / 2 + 1 / centre
    impedance[0, 0] = 0
    return impedance


def finite_volume_excess(local, contact, sigma, pixel, step, steps):
    """Excess areal impedance from all cells of both layers, solved directly."""
    shape, kind = (sum(steps), *contact.shape), np.result_type(local, *sigma)
    number = np.arange(np.prod(shape)).reshape(shape)
    conductivity = np.repeat(np.array(sigma, kind), steps)
    side = np.broadcast_to((conductivity * step)[:, None, None], shape)
    links = [(number, np.roll(number, -1, axis), side) for axis in (1, 2)]
    for k in range(shape[0] - 1):
        through = np.full(contact.shape, conductivity[k] * pixel**2 / step)
        if k == steps[0] - 1:
            series = step / 2 / sigma[0] + step / 2 / sigma[1] + local
            through = np.where(contact, pixel**2 / series, 0)
        links.append((number[k], number[k + 1], through))
    i, j, g = (np.concatenate([np.ravel(link[m]) for link in links]) for m in range(3))
    outer = [2 * s * pixel**2 / step for s in sigma]
    diagonal = np.zeros(number.size, kind)
    np.add.at(diagonal, i, g)
    np.add.at(diagonal, j, g)
    diagonal[number[0].ravel()] += outer[0]
    diagonal[number[-1].ravel()] += outer[1]
    rows, columns = np.concatenate([i, j]), np.concatenate([j, i])
    matrix = sp.coo_matrix((np.concatenate([-g, -g]), (rows, columns))).tocsc()
    source = np.zeros(number.size, kind)
    source[number[0].ravel()] = outer[0]
    potential = spla.spsolve((matrix + sp.diags(diagonal)).tocsc(), source)
    current = outer[0] * (1 - potential[number[0].ravel()]).sum()
    area = contact.size * pixel**2
    return area / current - sum(n * step / s for n, s in zip(steps, sigma, strict=True))


@pytest.mark.parametrize("sigma", [(1.0, 0.3), (0.8 + 0.5j, 0.1 + 2.0j)], ids=["dc", "ac"])
@pytest.mark.parametrize("patchy", [False, True])
def test_the_plane_is_the_bilayer(sigma, patchy):
    """A 3-D grid and the plane with that grid's symbol give one impedance."""
    pixel, step, steps = 0.1, 0.08, (5, 7)
    contact = blobs(12, 0.35, 1.5)
    local = np.full(contact.shape, 0.2)
    if patchy:
        local = local * np.random.default_rng(1).uniform(0.2, 5, contact.shape)
    if isinstance(sigma[0], complex):
        local = local / (1 + 0.7j * local)
    kernel = sum(
        layer_symbol(contact.shape, pixel, step, n) / s for n, s in zip(steps, sigma, strict=True)
    )
    plane = resistance(contact, local, kernel, rtol=1e-12)
    bilayer = finite_volume_excess(local, contact, sigma, pixel, step, steps)
    assert abs(plane / bilayer - 1) <= 1e-9


# --- the spectral measure -------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_one_measure_holds_for_every_resistance_and_conductivity(seed):
    contact, kernel = blobs(64, 0.3, seed=seed), symbol((64, 64), (1.0, 1.0))
    measure = spectral_measure(contact, kernel, nodes=40)
    for r in (0.0, 1e-6, 1e-3, 0.1, 10.0, 1e3, 0.1 / (1 + 20j), -0.01j):
        for zeta in (3.0, 1 / (0.5 + 2j)):
            direct = resistance(contact, r, zeta * kernel, rtol=1e-12)
            assert abs(measure.impedance(r, zeta) / direct - 1) <= 1e-9


def test_the_measure_takes_many_frequencies_at_once():
    measure = spectral_measure(blobs(32, 0.4), symbol((32, 32), (1.0, 1.0)))
    z, zeta = np.array([[1.0], [2.0 - 1j]]), np.array([0.5, 1.0, 2.0])
    together = measure.impedance(z, zeta)
    assert together.shape == (2, 3)
    assert together[1, 2] == pytest.approx(complex(measure.impedance(2.0 - 1j, 2.0)))


def test_few_nodes_do_where_the_contact_itself_resists():
    contact, kernel = blobs(64, 0.3), symbol((64, 64), (1.0, 1.0))
    few, many = (spectral_measure(contact, kernel, nodes=m) for m in (10, 40))
    assert abs(few.impedance(0.0, 1.0) / many.impedance(0.0, 1.0) - 1) < 2e-3
    assert abs(few.impedance(0.1, 1.0) / many.impedance(0.1, 1.0) - 1) < 1e-9


def test_weights_sum_to_one_and_their_mean_is_the_power_spectrum():
    """Σw = 1 and Σwλ/f = Σ|χ̂|² T/f²: what a uniform current dissipates."""
    contact, kernel = blobs(48, 0.25), symbol((48, 48), (1.0, 1.0))
    measure = spectral_measure(contact, kernel)
    assert measure.fraction == contact.mean()
    assert measure.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (measure.weights >= 0).all()
    assert (np.diff(measure.nodes) > 0).all()
    assert measure.bounds[1] == pytest.approx(first_order(contact, kernel), rel=1e-12)


def first_order(contact, kernel):
    """Σ |χ̂|² T(q) / f² over all wave vectors."""
    full = np.fft.fft2(np.fft.irfft2(kernel, s=contact.shape)).real
    power = np.abs(np.fft.fft2(contact) / contact.size) ** 2
    return float((power * full).sum() / contact.mean() ** 2)


def test_resistive_contact_meets_first_order_in_its_power_spectrum():
    """R → r/f + (ζ/f²) Σ|χ̂|² T as r ≫ ζℓ; what is left falls as ζ²/r."""
    contact, kernel, zeta = blobs(64, 0.3), symbol((64, 64), (1.0, 1.0)), 2.0
    r = np.array([10.0, 100.0, 1000.0])
    exactly = np.array([resistance(contact, x, zeta * kernel, rtol=1e-14) for x in r])
    left = r / contact.mean() + zeta * first_order(contact, kernel) - exactly
    assert (left > 0).all()
    rate = np.diff(np.log(left)) / np.diff(np.log(r))
    np.testing.assert_allclose(rate, -1, atol=0.01)


maps = st.builds(
    blobs,
    st.just(24),
    st.floats(0.03, 0.97),
    st.floats(0.3, 4),
    st.integers(0, 2**31),
)


@settings(max_examples=40, deadline=None)
@given(maps, st.floats(-4, 3), st.floats(-2, 2))
def test_resistance_lies_in_its_bracket(contact, log_r, log_zeta):
    r, zeta, kernel = 10**log_r, 10**log_zeta, symbol((24, 24), (1.0, 1.0))
    low, high = spectral_measure(contact, kernel).bounds
    found, f = resistance(contact, r, zeta * kernel), contact.mean()
    assert r / f + zeta * low <= found * (1 + 1e-9)
    assert found <= (r / f + zeta * high) * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(maps, st.integers(0, 2**31), st.floats(-3, 1))
def test_more_contact_never_conducts_less(contact, seed, log_r):
    more = contact | (np.random.default_rng(seed).random(contact.shape) < 0.1)
    kernel = symbol((24, 24), (1.0, 1.0))
    assert resistance(more, 10**log_r, kernel) <= resistance(contact, 10**log_r, kernel) * (
        1 + 1e-8
    )


@settings(max_examples=15, deadline=None)
@given(st.builds(blobs, st.just(16), st.floats(0.05, 0.95), st.floats(0.3, 3)), st.floats(-4, 2))
def test_finer_pixels_never_raise_the_resistance_of_a_map(contact, log_r):
    """Currents constant on coarse pixels are among those constant on fine ones."""
    found = []
    for k in (1, 2, 4):
        fine = contact.repeat(k, axis=0).repeat(k, axis=1)
        found.append(resistance(fine, 10**log_r, symbol(fine.shape, (1.0, 1.0)), rtol=1e-12))
    assert found[0] * (1 + 1e-12) >= found[1]
    assert found[1] * (1 + 1e-12) >= found[2]


def test_the_layers_can_be_interchanged_and_the_map_turned_or_moved():
    contact, r = blobs(32, 0.3), 0.05
    one, two = symbol((32, 32), (1.0, 1.0), 0.05), symbol((32, 32), (1.0, 1.0), 0.4)
    found = resistance(contact, r, one / 0.2 + two / 3.0)
    for moved in (contact.T, contact[::-1], np.roll(contact, (3, 7), (0, 1))):
        assert resistance(moved, r, one / 0.2 + two / 3.0) == pytest.approx(found, rel=1e-8)
    a, b = (1 + 2j, 3 - 1j)
    forth = ReducedPlane([contact], (one, two)).train([(r, a, b)])
    back = ReducedPlane([contact], (two, one)).train([(r, b, a)])
    assert forth.impedance((r, a, b)) == pytest.approx(back.impedance((r, b, a)), rel=1e-10)


# --- several phases at all frequencies ------------------------------------------------


def phases(n=64, seed=1):
    """Clean contact, contact through a film, and gap: 20, 30 and 50 % of the plane."""
    z = field(n, 4.0, seed)
    clean, touching = z >= np.quantile(z, 0.8), z >= np.quantile(z, 0.5)
    return clean, touching & ~clean, ~touching


def at(frequency, film=300.0):
    """Impedances [Ω cm²] of the three phases and 1/σ* of both layers [Ω cm]."""
    w = 2j * np.pi * frequency
    local = 1 / (1 / 12 + w * 1e-6), 1 / (1 / film + w * 1e-6), 1 / (w * 1e-9)
    return (*local, 1 / (9e-3 + w * 15 * EPS0), 1 / (0.8e-3 + w * 60 * EPS0))


def plane_of(ell, n=64):
    """Phases of blobs `ell` cm wide, and the symbol of a thick layer."""
    side = ell * n / 4
    kernel = symbol((n, n), (side, side))
    return ReducedPlane(phases(n), (kernel, kernel)), kernel


@pytest.mark.parametrize("ell", [1e-4, 6e-4])
def test_five_solves_hold_from_1_Hz_to_1_GHz(ell):
    """Layers with permittivity: σ* = σ + iωε. Impedances at frequencies not trained on."""
    reduced, kernel = plane_of(ell)
    reduced.train([at(f) for f in np.logspace(0, 9, 37)], rtol=3e-2)
    assert reduced.solves == 5
    assert reduced.unknowns <= 10
    for frequency in (1.2, 3.1e2, 5.5e4, 2.3e6, 4.4e7, 8.5e8):
        *local, a, b = at(frequency)
        z = np.select(phases(), local)
        direct = resistance(np.ones_like(z, bool), z, (a + b) * kernel, rtol=1e-9)
        assert abs(reduced.impedance(at(frequency)) / direct - 1) <= 1e-5


def test_training_ends_when_its_tolerance_is_met():
    reduced, _ = plane_of(1e-4, n=32)
    points = [at(f) for f in np.logspace(0, 6, 13)]
    reduced.train(points, rtol=1e-1)
    first = reduced.solves
    assert reduced.train(points, rtol=1e-1).solves == first
    assert reduced.train(points, rtol=1e-4).solves > first


def arc_exponent(ell, film):
    """n of R ∥ CPE with the height of the arc: max(−Im Z) = ½ R tan(nπ/4)."""
    reduced, _ = plane_of(ell)
    frequencies = np.logspace(-1, 8, 361)
    reduced.train([at(f, film) for f in frequencies[::20]], rtol=1e-3)
    z = np.array([reduced.impedance(at(f, film)) for f in frequencies])
    width = z.real.max() - z.real.min()
    return 4 / np.pi * np.arctan(2 * (-z.imag).max() / width)


@pytest.mark.parametrize("film", [42.0, 300.0])
def test_a_patchwork_finer_than_6_microns_does_not_depress_the_arc(film):
    """LNOC on LLZTO, ℓ ≪ r/ζ: all patches see one voltage, so their admittances just add."""
    for ell in (0.5e-4, 2e-4, 6e-4):
        assert arc_exponent(ell, film) >= 0.99


def test_a_patchwork_wider_than_r_over_zeta_depresses_the_arc():
    assert arc_exponent(500e-4, 300.0) < 0.9


# --- correlation length ---------------------------------------------------------------


def test_correlation_length_of_stripes():
    """Triangular covariance averaged over directions: ℓ = π(1 − 1/e)/8 of the period."""
    n, period = 512, 64
    contact = np.tile((np.arange(n) % period < period // 2)[:, None], (1, n))
    expected = np.pi * (1 - np.exp(-1)) / 8 * period
    assert correlation_length(contact, (n, n)) == pytest.approx(expected, abs=0.5)
    assert correlation_length(contact.T, (2.0, 2.0)) == pytest.approx(expected * 2 / n, rel=0.03)


def test_correlation_length_of_a_clipped_gaussian_field():
    """Clipped at its median, covariance exp(−r²/2a²) becomes (2/π) asin of itself."""
    n, a = 256, 8.0
    found = [correlation_length(blobs(n, 0.5, a, seed), (n, n)) for seed in range(6)]
    expected = a * np.sqrt(-2 * np.log(np.sin(np.pi / 2 / np.e)))
    assert np.mean(found) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("contact", [np.ones((8, 8), bool), np.zeros((8, 8), bool)])
def test_a_map_without_contrast_has_no_correlation_length(contact):
    assert np.isnan(correlation_length(contact, (1.0, 1.0)))


# --- how the solver ends --------------------------------------------------------------


def test_a_solve_cut_short_says_so_and_keeps_its_answer():
    contact, kernel = blobs(32, 0.3), symbol((32, 32), (1.0, 1.0))
    found = solve_plane(np.zeros((32, 32)), contact, kernel, max_steps=2)
    assert found.outcome is Outcome.MAX_STEPS
    with pytest.raises(ConvergenceError, match="raise it, or loosen rtol") as caught:
        found.ensure()
    assert caught.value.solution is found
    assert found.current.mean() == pytest.approx(1)


def test_a_plane_without_contact_is_refused():
    with pytest.raises(ValueError, match="no pixel is in contact"):
        solve_plane(np.ones((8, 8)), np.zeros((8, 8), bool), symbol((8, 8), (1.0, 1.0)))


def test_some_pixels_may_have_no_resistance_of_their_own():
    contact, kernel = blobs(32, 0.4), symbol((32, 32), (1.0, 1.0))
    local = np.where(blobs(32, 0.2), 0.0, 0.3)
    inside = resistance(contact, local, kernel)
    assert resistance(contact, 0.0, kernel) < inside < resistance(contact, 0.3, kernel)


def test_a_good_start_saves_steps():
    contact, kernel = blobs(64, 0.3), symbol((64, 64), (1.0, 1.0))
    z = np.full(contact.shape, 0.01)
    cold = solve_plane(z, contact, kernel).ensure()
    warm = solve_plane(z, contact, kernel, start=cold.current / cold.resistance).ensure()
    assert warm.steps < cold.steps / 2
    assert warm.resistance == pytest.approx(cold.resistance, rel=1e-9)


def test_current_flows_through_contact_only_and_has_unit_mean():
    contact = blobs(32, 0.3)
    found = solve_plane(np.full((32, 32), 0.1), contact, symbol((32, 32), (1.0, 1.0))).ensure()
    assert (found.current[~contact] == 0).all()
    assert (found.current[contact] > 0).all()
    assert found.current.mean() == pytest.approx(1)
