"""Closed forms: their limits, their symmetries, and the numbers they are known by."""

import inspect
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import j1

from dualyte import InputError, ValidityError, exact

SIGMA = st.floats(1e-4, 1e3)
FRACTION = st.floats(1e-6, 1.0)
E_STAR = 10e9


def rising(low, high):
    return st.lists(st.floats(low, high), min_size=2, max_size=20, unique=True).map(sorted)


def square_cell_sum(spectrum, half_side=1.0, modes=800):
    """Σ over the wave vectors of a square cell, q ≠ 0, of |spectrum(q)|²/q, per cell area."""
    m = np.pi / half_side * np.arange(-modes, modes + 1)
    q = np.hypot(m[:, None], m[None, :])
    q = q[(q > 0) & (q <= m[-1])]
    return np.sum(spectrum(q) ** 2 / q) / (2 * half_side) ** 2


# Every function of the module ------------------------------------------------------------


def test_the_list_of_formulas_is_sorted_and_complete():
    public = [n for n, f in inspect.getmembers(exact, inspect.isfunction) if n[0] != "_"]
    own = [n for n in public if getattr(exact, n).__module__.startswith(exact.__name__)]
    assert exact.__all__ == sorted(own)


@pytest.mark.parametrize("name", exact.__all__)
def test_every_formula_names_its_source_limits_and_shows_an_example(name):
    text = inspect.getdoc(getattr(exact, name))
    assert re.search(r"Source: .*\b(18|19|20)\d\d\b", text, flags=re.S)
    assert "Limits: " in text
    assert ">>> " in text
    for section in ("Parameters", "Returns"):
        assert f"{section}\n-" in text


@pytest.mark.parametrize("name", exact.__all__)
def test_a_doi_is_written_as_a_doi(name):
    text = inspect.getdoc(getattr(exact, name))
    assert text.count("doi:") == len(re.findall(r"doi:10\.\d{4}/[^\s,;]+", text))


def test_formulas_broadcast_and_return_arrays():
    f = np.array([[0.1], [0.2], [0.3]])
    radius = np.array([1e-6, 2e-6])
    assert exact.cooper_mikic_yovanovich(f, radius, 1.0, 1.0).shape == (3, 2)
    assert exact.holm(1e-6, 1.0, 1.0).shape == ()
    assert all(a.shape == (3, 1) for a in exact.persson_plastic(f * 1e8, 1e10, 0.1, 1e9))


# Contact -----------------------------------------------------------------------------------


@given(st.floats(1e8, 1e12), st.floats(0, 0.49), st.floats(1e8, 1e12), st.floats(0, 0.49))
def test_contact_modulus_does_not_care_which_body_is_which(E1, nu1, E2, nu2):
    one, other = (
        exact.effective_modulus(E1, nu1, E2, nu2),
        exact.effective_modulus(E2, nu2, E1, nu1),
    )
    assert one == pytest.approx(other)
    assert one < min(E1 / (1 - nu1**2), E2 / (1 - nu2**2))


def test_against_a_rigid_body_the_contact_modulus_is_the_plane_strain_modulus():
    assert exact.effective_modulus(8e9, 0.3, np.inf, 0.2) == pytest.approx(8e9 / (1 - 0.09))


def test_hertz_gives_the_known_pressures_of_a_20_micron_sphere():
    a = np.array([0.5e-6, 1e-6, 2e-6])
    force = 4 * E_STAR * a**3 / (3 * 20e-6)
    radius, peak, approach = exact.hertz(force, 20e-6, E_STAR)
    np.testing.assert_allclose(radius, a)
    np.testing.assert_allclose(peak / 1e6, [159.15, 318.31, 636.62], atol=5e-3)
    np.testing.assert_allclose(approach, a**2 / 20e-6)


@given(st.floats(1e-9, 1e-1))
def test_hertz_carries_its_load(force):
    """The ellipsoidal pressure has mean ⅔ of its peak."""
    a, peak, _ = exact.hertz(force, 20e-6, E_STAR)
    assert 2 / 3 * peak * np.pi * a**2 == pytest.approx(force)


def wave(load, amplitude=0.1e-6, wavelength=10e-6):
    p_star = np.pi * E_STAR * amplitude / wavelength
    return exact.westergaard(np.asarray(load) * p_star, amplitude, wavelength, E_STAR), p_star


def test_westergaard_gives_the_known_fractions():
    (f, _), _ = wave([0.05, 0.2, 0.5, 0.8, 0.95])
    np.testing.assert_allclose(f, [0.1436, 0.2952, 0.5, 0.7048, 0.8564], atol=5e-5)


def test_a_lightly_pressed_wave_touches_as_the_root_of_the_load():
    (f, _), _ = wave(1e-4)
    assert f == pytest.approx(2 / np.pi * 1e-2, rel=1e-4)


def test_a_wave_is_in_full_contact_from_p_star_on():
    (f, peak), p_star = wave([1.0, 1.5])
    np.testing.assert_allclose(f, 1.0, rtol=1e-7)
    np.testing.assert_allclose(peak, [2 * p_star, 2.5 * p_star])


@given(st.floats(1e-3, 0.999))
def test_the_pressure_on_a_wave_averages_to_the_load(load):
    """Under p₀ √(1 − sin²ψ/sin²ψ_a) cos ψ the crest pressure p₀ fixes the mean."""
    (f, peak), p_star = wave(load)
    psi_a = np.pi * f / 2
    theta = (np.arange(2000) + 0.5) / 2000 * np.pi / 2  # sin ψ = sin ψ_a sin θ, midpoint rule
    mean = 2 / np.pi * peak * np.sin(psi_a) * np.mean(np.cos(theta) ** 2) * np.pi / 2
    assert mean == pytest.approx(load * p_star, rel=1e-6)


@given(st.floats(1e4, 1e9), st.floats(1e6, 1e10))
def test_confined_flow_never_gives_more_contact_than_free_flow(pressure, flow):
    assert exact.pullen_williamson(pressure, flow) <= exact.bearing_area(pressure, flow)


@pytest.mark.parametrize("law", [exact.pullen_williamson, exact.bearing_area])
def test_a_light_load_is_carried_at_the_flow_pressure(law):
    assert law(1e3, 1e9) == pytest.approx(1e-6, rel=1e-5)


@pytest.mark.parametrize(
    "law",
    [
        lambda P: exact.pullen_williamson(P, 140e6),
        lambda P: exact.bearing_area(P, 420e6),
        lambda P: exact.persson(P, 8e9, 0.2),
        lambda P: sum(exact.persson_plastic(P, 8e9, 0.2, 420e6)),
        lambda P: sum(exact.persson_plastic(P, 8e9, 0.02, 420e6)),
        lambda P: exact.westergaard(P, 1e-7, 1e-5, 8e9)[0],
    ],
)
@given(rising(1e4, 1e10))
def test_more_pressure_never_means_less_contact(law, pressures):
    f = law(np.array(pressures))
    assert (np.diff(f) >= -1e-12).all()
    assert (f >= 0).all()
    assert (f <= 1 + 1e-12).all()


def test_perssons_contact_starts_with_slope_root_eight_over_pi():
    load = 1e-4
    assert exact.persson(load * E_STAR * 0.1, E_STAR, 0.1) / load == pytest.approx(
        np.sqrt(8 / np.pi), rel=1e-6
    )


def test_a_smooth_surface_is_in_full_elastic_contact():
    assert exact.persson(1e6, E_STAR, 0.0) == 1.0
    assert exact.persson_plastic(1e6, E_STAR, 0.0, 1e9) == (1.0, 0.0)


def test_from_the_hardness_on_all_contact_is_plastic():
    for slope in (0.0, 1e-3, 0.02, 0.5):
        elastic, plastic = exact.persson_plastic([1e9, 2e9], E_STAR, slope, 1e9)
        np.testing.assert_allclose(elastic, 0, atol=1e-12)
        np.testing.assert_allclose(plastic, 1, atol=1e-12)


@given(st.floats(1e5, 1e8), st.floats(1e-3, 0.05))
def test_a_very_hard_solid_touches_elastically(pressure, slope):
    elastic, plastic = exact.persson_plastic(pressure, E_STAR, slope, 2e11)
    assert elastic == pytest.approx(exact.persson(pressure, E_STAR, slope), abs=1e-9)
    assert plastic == pytest.approx(0, abs=1e-9)


@given(st.floats(1e5, 4e8))
def test_a_very_stiff_rough_solid_touches_at_its_hardness(pressure):
    elastic, plastic = exact.persson_plastic(pressure, 1e11, 0.5, 420e6)
    assert elastic == pytest.approx(0, abs=1e-12)
    assert plastic == pytest.approx(exact.bearing_area(pressure, 420e6))


@given(st.floats(0.01, 0.99), st.floats(0.02, 3.0))
def test_elastic_and_plastic_contact_follow_the_fourier_series(x, stiffness):
    """Brute force: 5000 terms of the series that the source gives, term by term."""
    H, tau = 1e9, stiffness**2 / 8
    k = np.arange(1, 5001)
    decay = np.exp(-np.minimum((k * np.pi) ** 2 * tau, 700))
    elastic = np.sum(2 / (k * np.pi) * (1 - (-1.0) ** k) * np.sin(k * np.pi * x) * decay)
    plastic = x + np.sum(2 / (k * np.pi) * (-1.0) ** k * np.sin(k * np.pi * x) * decay)
    got = exact.persson_plastic(x * H, stiffness * H / 0.1, 0.1, H)
    np.testing.assert_allclose(got, (elastic, plastic), atol=1e-10)


@given(st.floats(0.001, 0.999))
def test_the_two_ways_to_sum_agree_where_they_meet(x):
    stiffness = np.sqrt(0.8) * np.array([1 - 1e-9, 1 + 1e-9])
    below, above = np.transpose(exact.persson_plastic(x * 1e9, stiffness * 1e10, 0.1, 1e9))
    np.testing.assert_allclose(below, above, atol=1e-8)


def test_at_55_MPa_the_three_electrolytes_touch_as_their_hardness_allows():
    """Hardness 1.4, 0.42, 0.18 GPa: recorded .040/.130/.305 at the hardness limit.

    The companion values .042/.136/.312 lie above P/H; E* h'/H = 1.75 accounts for them.
    """
    hardness = np.array([1.4e9, 420e6, 180e6])
    limit = sum(exact.persson_plastic(55e6, 1e11, 0.5, hardness))
    np.testing.assert_allclose(limit, [0.040, 0.130, 0.305], rtol=0.02)
    finite = sum(exact.persson_plastic(55e6, 1.75 * hardness / 0.1, 0.1, hardness))
    np.testing.assert_allclose(finite, [0.042, 0.136, 0.312], rtol=0.025)


def test_creeping_contact_grows_as_the_root_n_of_time():
    t = np.array([1.0, 10.0, 100.0])
    np.testing.assert_allclose(exact.creep_contact(0.05, t, 10.0), 0.05 * t**0.1)
    assert exact.creep_contact(0.05, 600.0, 1.0, t0=60.0) == pytest.approx(0.5)


@given(FRACTION, st.floats(0, 1e8), st.floats(1, 50))
def test_creep_never_passes_full_contact(f0, t, n):
    assert 0 <= exact.creep_contact(f0, t, n) <= 1


# Constriction ------------------------------------------------------------------------------

AREAL = {
    "cooper_mikic_yovanovich": lambda f, a, b: exact.cooper_mikic_yovanovich(f, 1e-6, a, b),
    "strip": lambda f, a, b: exact.strip(1e-6, f, a, b),
    "macroscopic": lambda f, a, b: exact.macroscopic(f, 1e-3, a, 1e-3, b),
    "random_two_phase": lambda f, a, b: exact.random_two_phase(f, 1e-6, 1 / a + 1 / b),
}


@pytest.mark.parametrize("name", AREAL)
@given(f=FRACTION, a=SIGMA, b=SIGMA)
def test_resistance_does_not_care_which_side_is_which(name, f, a, b):
    assert AREAL[name](f, a, b) == pytest.approx(AREAL[name](f, b, a))


@pytest.mark.parametrize("name", AREAL)
@given(rising(0.0, 1.0))
def test_more_contact_never_costs_more(name, fractions):
    R = AREAL[name](np.array(fractions), 0.9, 0.08)
    assert (R[1:] <= R[:-1]).all()


@pytest.mark.parametrize("name", AREAL)
def test_full_contact_costs_nothing_and_no_contact_everything(name):
    assert AREAL[name](1.0, 0.9, 0.08) == pytest.approx(0, abs=1e-20)
    assert AREAL[name](0.0, 0.9, 0.08) == np.inf


@pytest.mark.parametrize("name", AREAL)
@given(f=st.floats(1e-6, 0.99), scale=st.floats(0.1, 10.0))
def test_resistance_scales_with_resistivity(name, f, scale):
    assert AREAL[name](f, scale, scale) == pytest.approx(AREAL[name](f, 1.0, 1.0) / scale)


def test_sparse_spots_obey_holm():
    f, a = 1e-8, 1e-6
    alone = exact.holm(a, 0.9, 0.08) * np.pi * a**2 / f
    assert exact.cooper_mikic_yovanovich(f, a, 0.9, 0.08) == pytest.approx(alone, rel=2e-4)
    cell = np.pi * a**2 / f
    assert exact.lattice(f, cell, 0.9, 0.08) == pytest.approx(alone, rel=2e-4)


def test_half_micron_spots_at_a_tenth_cost_a_third_of_an_ohm_cm2():
    asr = exact.cooper_mikic_yovanovich(0.1, 0.5e-6, 0.9, 0.08)
    assert float(asr) == pytest.approx(0.30e-4, rel=0.02)


def test_strips_give_the_known_resistances():
    R = exact.strip(1.0, [0.25, 0.5], 1.0, 1.0)
    np.testing.assert_allclose(R, [0.611503, 0.220636], atol=5e-7)


@pytest.mark.parametrize("f", [0.05, 0.25, 0.5, 0.75, 0.95])
def test_strips_equal_the_numeric_sum_over_their_own_current(f):
    """The current of the conformal map dissipates Σ |ĵ|²/q; its edges leave a tail in 1/m².

    j dx ∝ dθ with sin πx = sin(πf/2) sin θ, so the edge singularity needs no care.
    """
    theta = (np.arange(4000) + 0.5) / 4000 * np.pi - np.pi / 2
    x = np.arcsin(np.sin(np.pi * f / 2) * np.sin(theta)) / np.pi
    m = np.arange(1, 801)
    j_hat = np.mean(np.cos(2 * np.pi * m[:, None] * x), axis=1)
    total = 2 * np.sum(j_hat**2 / (2 * np.pi * m))
    tail = 1 / (np.tan(np.pi * f / 2) * 2 * np.pi**2 * m[-1])
    one_side = exact.strip(1.0, f, 1.0, 1.0) / 2
    assert one_side == pytest.approx(total + tail, abs=0.1 * tail)


def test_a_uniform_current_through_a_circle_gives_the_known_constrictions():
    eps = np.array([0.2, 0.5, 0.8])
    known = [0.83391, 0.48329, 0.18961]
    relative = exact.isoflux_circle(eps) / known - 1
    np.testing.assert_array_less(np.abs(relative), [3e-4, 1e-3, 1.4e-2])


@pytest.mark.parametrize(("eps", "known"), [(0.2, 0.83391), (0.5, 0.48329), (0.8, 0.18961)])
def test_the_known_constrictions_are_the_fourier_sum(eps, known):
    modes = 800
    total = square_cell_sum(lambda q: 2 * j1(q * eps) / (q * eps), modes=modes)
    tail = 1 / (np.pi * eps) ** 3 * np.pi / (np.pi * modes) ** 2  # mean of J₁² is 1/(πqε)
    assert 4 * eps * (total + tail) == pytest.approx(known, abs=2e-5)


def test_a_lone_circle_has_the_constriction_of_a_half_space():
    assert exact.isoflux_circle(0.0) == pytest.approx(32 / (3 * np.pi**2), rel=1e-4)
    assert exact.isothermal_circle(0.0) == 1.0


def test_an_equipotential_spot_costs_less_than_a_uniform_current():
    eps = np.linspace(0, 0.6, 50)
    assert (exact.isothermal_circle(eps) < exact.isoflux_circle(eps)).all()


def test_the_isothermal_circle_lies_in_its_known_bracket():
    assert 0.40654 < exact.isothermal_circle(0.5) < 0.41057


@pytest.mark.parametrize("formula", [exact.isoflux_circle, exact.isothermal_circle])
def test_a_polynomial_is_not_asked_beyond_its_range(formula):
    with pytest.raises(ValidityError, match=r"eps=0\.9 is above"):
        formula([0.1, 0.9])


def test_the_lattice_and_the_polynomial_agree_for_small_circles():
    """ψ of one cell: 4aσR, with ε = a/b and b half the pitch."""
    eps = np.array([0.05, 0.1, 0.2])
    radius = eps * 0.5e-6
    f = np.pi * eps**2 / 4
    psi = exact.lattice(f, 1e-12, 1.0, 1.0) / 1e-12 / 2 * 4 * radius
    np.testing.assert_allclose(psi, exact.isothermal_circle(eps), atol=2e-3)


@given(st.floats(1e-6, 1e-3))
def test_flux_tubes_cost_less_than_hexagonal_cells_and_those_less_than_square_cells(f):
    cell = 1e-12
    radius = np.sqrt(f * cell / np.pi)
    tube = exact.cooper_mikic_yovanovich(f, radius, 0.9, 0.08)
    hexagonal = exact.lattice(f, cell, 0.9, 0.08, cell="hexagonal")
    square = exact.lattice(f, cell, 0.9, 0.08, cell="square")
    assert tube < hexagonal < square < cell * exact.holm(radius, 0.9, 0.08)


@given(st.floats(1e-6, 0.1))
def test_a_square_spot_costs_a_little_less_than_a_circle_of_its_area(f):
    square, circle = (exact.lattice(f, 1e-12, 1.0, 1.0, spot=s) for s in ("square", "circle"))
    assert 0.9 * circle < square < circle


def test_spots_that_are_not_sparse_are_refused():
    with pytest.raises(ValidityError, match="no longer sparse"):
        exact.lattice(0.2, 1e-12, 1.0, 1.0)
    with pytest.raises(InputError, match="a spot is circle or square"):
        exact.lattice(0.05, 1e-12, 1.0, 1.0, spot="star")


def test_maxwell_starts_and_ends_at_its_phases():
    np.testing.assert_allclose(exact.maxwell([0.0, 1.0], 0.08, 0.9), [0.08, 0.9])
    np.testing.assert_allclose(exact.maxwell(0.37, 0.5, 0.5), 0.5)


@given(st.floats(0.0, 1.0), SIGMA, SIGMA)
def test_maxwell_lies_between_series_and_parallel(f, body, spheres):
    sigma = exact.maxwell(f, body, spheres)
    assert sigma <= ((1 - f) * body + f * spheres) * (1 + 1e-12)
    assert sigma >= 1 / ((1 - f) / body + f / spheres) * (1 - 1e-12)


@given(st.floats(0.01, 0.99), SIGMA, SIGMA)
def test_swapping_body_and_spheres_gives_the_other_bound(f, one, two):
    """The better conductor as the connected phase conducts better."""
    swapped = exact.maxwell(1 - f, two, one)
    assert (exact.maxwell(f, one, two) >= swapped * (1 - 1e-9)) == (
        one >= two or np.isclose(exact.maxwell(f, one, two), swapped, rtol=1e-9)
    )


@pytest.mark.parametrize(("contrast", "slope"), [(1e-15, -1.5), (1e15, 3.0)])
def test_dilute_spheres_change_conductivity_at_maxwells_rate(contrast, slope):
    f = 1e-6
    change = exact.maxwell(f, 1e-3, 1e-3 * contrast if contrast < 1 else 1e9) / 1e-3 - 1
    assert change / f == pytest.approx(slope, rel=1e-4)


def test_a_random_map_costs_its_spectrum_to_first_order():
    """exp(-r/a) has the spectrum 2πa²/(1 + q²a²)^{3/2}: ∫ d²q/(2π)² S/q = a."""
    a, f, zeta = 1e-6, 0.28, 13.6
    u = np.tan((np.arange(20000) + 0.5) / 20000 * np.pi / 2)  # q a from 0 to ∞
    du = np.pi / 2 / 20000 * (1 + u**2)
    ell = a * np.sum(du / (1 + u**2) ** 1.5)
    R = zeta / f**2 * f * (1 - f) * ell
    assert exact.random_two_phase(f, a, zeta) == pytest.approx(R, rel=1e-6)


@given(st.floats(0.01, 0.99))
def test_the_coarser_the_patches_the_more_they_cost(f):
    strips = exact.strip(1e-6, f, 0.9, 0.08)
    columns = exact.macroscopic(f, 1e-3, 0.9, 1e-3, 0.08)
    assert strips < columns


# Capacitance and contact maps --------------------------------------------------------------

Q, R, N = st.floats(1e-8, 1e2), st.floats(1e-6, 1e4), st.floats(0.5, 1.0)


@given(Q, R, R)
def test_a_capacitor_is_its_own_capacitance(q, r_s, r_p):
    assert exact.brug(q, 1.0, r_s, r_p) == pytest.approx(q)
    assert exact.hsu_mansfeld(q, 1.0, r_p) == pytest.approx(q)


@given(Q, N, R, R)
def test_brug_never_exceeds_hsu_and_mansfeld(q, n, r_s, r_p):
    assert exact.brug(q, n, r_s, r_p) <= exact.hsu_mansfeld(q, n, r_p) * (1 + 1e-9)
    assert exact.brug(q, n, np.inf, r_p) == pytest.approx(exact.hsu_mansfeld(q, n, r_p))


@given(R, Q, N)
def test_the_top_of_the_arc_is_where_hsu_and_mansfelds_capacitance_says(r, q, n):
    C = exact.hsu_mansfeld(q, n, r)
    assert exact.peak_frequency(r, q, n) == pytest.approx(1 / (2 * np.pi * r * C))


@given(st.floats(0.6, 1.0))
def test_the_top_of_the_arc_has_the_largest_reactance(n):
    r, q = 0.015, 1e-2
    nu = exact.peak_frequency(r, q, n) * np.array([0.99, 1.0, 1.01])
    Z = r / (1 + r * q * (2j * np.pi * nu) ** n)
    assert np.argmax(-Z.imag) == 1


def test_the_quoted_R_and_C_do_not_give_the_quoted_frequency():
    """150 Ω cm² with a C that gives 300 Hz; read as a CPE with n = 0.75 it is kHz."""
    r = 0.015
    q = 1 / (2 * np.pi * 300 * r)
    assert exact.peak_frequency(r, q) == pytest.approx(300)
    assert 3e3 < exact.peak_frequency(r, q, 0.75) < 6e3


def test_a_pixel_map_loses_0118_pixels_along_its_outline():
    lost = 1.0 - exact.perimeter_correction(1.0, 4.0, 0.01)
    assert lost == pytest.approx(0.118114 * 4.0 * 0.01, rel=1e-5)
    assert exact.perimeter_correction(1.0, 0.0, 0.01) == 1.0


@given(st.floats(0, 1), st.floats(0, 10))
def test_finer_pixels_need_less_correction(area, perimeter):
    coarse, fine = (exact.perimeter_correction(area, perimeter, h) for h in (1e-2, 1e-3))
    assert coarse <= fine <= area


# Input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: exact.bearing_area(55, 420e6), r'did you mean pressure=q\("55 MPa"\)'),
        (lambda: exact.strip(1e-6, 1.2, 1.0, 1.0), "fraction=1.2"),
        (lambda: exact.hertz(-1.0, 1e-6, 1e9), "force=-1 must be zero or more"),
        (lambda: exact.hsu_mansfeld(0.0, 0.9, 1.0), "Q=0 must be positive"),
        (lambda: exact.brug(np.nan, 0.9, 1.0, 1.0), "Q=nan must be positive"),
        (lambda: exact.effective_modulus(8.0, 0.3, 150e9, 0.3), "youngs_modulus"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(call, says):
    with pytest.raises(InputError, match=says):
        call()
