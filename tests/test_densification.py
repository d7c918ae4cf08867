"""Closed forms of densification: shells integrated, stages joined, powders refitted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from spectrum_files import shared_data

from dualyte import InputError, exact

EXPONENTS = st.floats(1.0, 20.0)
SHARES = st.floats(1e-3, 0.99)
RATES = st.floats(1e-6, 1e3)
LOOSE = st.floats(0.4, 0.75)
BETWEEN = st.floats(0.01, 0.99)
SIGMA = 140e6  # flow stress, Pa
H = 3 * SIGMA


def rising(low, high):
    return st.lists(st.floats(low, high), min_size=2, max_size=20, unique=True).map(sorted)


def straight(x, y):
    """Slope and intercept of the least-squares line."""
    slope, intercept = np.polyfit(x, y, 1)
    return float(slope), float(intercept)


# Shells of Norton material ----------------------------------------------------------------


def tube(f, n, rate):
    """Pressure on a tube of outer radius 1 from its velocity field and equilibrium alone."""

    def gradient(r):
        radial, hoop = rate / 2 / r**2, -rate / 2 / r**2  # of u = −Ė/(2r), incompressible
        equivalent = np.sqrt(2 / 3 * (radial**2 + hoop**2))
        deviator = 2 / 3 * equivalent ** (1 / n - 1)  # stress over rate
        return deviator * (radial - hoop) / r

    return quad(gradient, np.sqrt(f), 1, epsabs=0, epsrel=1e-12, limit=200)[0]


def shell(f, n, rate):
    """Pressure on a sphere of outer radius 1 from its velocity field and equilibrium alone."""

    def gradient(r):
        radial, hoop = 2 * rate / 3 / r**3, -rate / 3 / r**3  # of u = −Ė/(3r²)
        equivalent = np.sqrt(2 / 3 * (radial**2 + 2 * hoop**2))
        deviator = 2 / 3 * equivalent ** (1 / n - 1)
        return 2 * deviator * (radial - hoop) / r

    return quad(gradient, np.cbrt(f), 1, epsabs=0, epsrel=1e-12, limit=200)[0]


HOLLOW = [(exact.hollow_cylinder_pressure, tube), (exact.hollow_sphere_pressure, shell)]


@pytest.mark.parametrize(("formula", "integral"), HOLLOW)
@pytest.mark.parametrize("n", [1.0, 3.0, 7.0, 20.0])
@pytest.mark.parametrize("f", [1e-3, 0.1, 0.8])
@pytest.mark.parametrize("rate", [1e-4, 1.0, 10.0])
def test_equilibrium_integrated_through_the_wall_gives_the_pressure(formula, integral, n, f, rate):
    assert formula(f, n, rate) == pytest.approx(integral(f, n, rate), rel=1e-8)


@pytest.mark.parametrize(("formula", "integral"), HOLLOW)
@given(f=SHARES, n=EXPONENTS, rate=RATES)
def test_a_wall_spends_what_the_pressure_delivers(formula, integral, f, n, rate):
    """P Ė is the power per volume of the whole, the integral of the dissipation in the wall."""
    power = formula(f, n, rate) * rate
    dim = 2 if formula is exact.hollow_cylinder_pressure else 3
    at_edge = rate / np.sqrt(3) if dim == 2 else 2 * rate / 3  # equivalent rate at r = 1
    m = 1 + 1 / n  # dissipation is rateᵐ, rate falls as r⁻ᵈ
    # ∫ (e r⁻ᵈ)ᵐ d r^(d−1) dr from f^(1/d) to 1
    spent = at_edge**m * (f ** (1 - m) - 1) / (m - 1)
    assert power == pytest.approx(spent, rel=1e-9)


@pytest.mark.parametrize(("formula", "_"), HOLLOW)
@given(f=SHARES, n=EXPONENTS, rate=RATES)
def test_ten_times_the_rate_takes_the_nth_root_of_ten_times_the_pressure(formula, _, f, n, rate):
    ratio = formula(f, n, 10 * rate) / formula(f, n, rate)
    assert ratio == pytest.approx(10 ** (1 / n), rel=1e-10)


@pytest.mark.parametrize(("formula", "_"), HOLLOW)
@given(fractions=rising(1e-3, 1.0), n=EXPONENTS)
def test_a_smaller_hole_never_closes_more_easily(formula, _, fractions, n):
    assert (np.diff(formula(fractions, n)) <= 0).all()


@pytest.mark.parametrize(("formula", "_"), HOLLOW)
def test_a_wall_without_thickness_carries_nothing(formula, _):
    assert formula(1.0, 7.0) == 0
    assert formula(0.1, 7.0, 0.0) == 0


@given(SHARES)
def test_a_perfectly_plastic_shell_yields_whatever_its_rate(f):
    n = 1e8
    for rate in (1e-3, 1.0, 1e3):
        sphere = exact.hollow_sphere_pressure(f, n, rate) * SIGMA
        assert sphere == pytest.approx(exact.yield_pores(1 - f, SIGMA), rel=1e-6)
        cylinder = exact.hollow_cylinder_pressure(f, n, rate)
        assert cylinder == pytest.approx(np.log(1 / f) / np.sqrt(3), rel=1e-6)


@given(density=SHARES, n=EXPONENTS, pressure=st.floats(1e5, 1e9))
def test_closed_pores_creep_as_the_hollow_sphere_closes(density, n, pressure):
    """Ḋ = D Ė: the rate that makes the shell carry the pressure is that of the second stage."""
    found = exact.creep_pores(density, pressure, SIGMA, n, 1e-3)
    rate = found / density / 1e-3
    carried = exact.hollow_sphere_pressure(1 - density, n, rate) * SIGMA
    assert carried == pytest.approx(pressure, rel=1e-8)


# Stages of pressing -----------------------------------------------------------------------


def between(start, share):
    return start + share * (1 - start)


@given(start=LOOSE, share=BETWEEN, n=EXPONENTS, rate=RATES)
def test_contacts_at_their_yield_pressure_creep_at_the_reference_rate(start, share, n, rate):
    D = between(start, share)
    P = exact.yield_contacts(D, H, start)
    found = exact.creep_contacts(D, P, SIGMA, n, rate, start)
    neck = np.sqrt(share / 3)
    assert found == pytest.approx(5.3 * np.cbrt(D**2 * start) * neck * rate, rel=1e-8)


def creeps(start, n):
    return [
        lambda D, P, rate: exact.creep_contacts(D, P, SIGMA, n, rate, start),
        lambda D, P, rate: exact.creep_pores(D, P, SIGMA, n, rate),
    ]


@given(start=LOOSE, share=BETWEEN, n=EXPONENTS, rate=RATES, pressure=st.floats(1e5, 1e8))
def test_creep_is_homogeneous_in_pressure_and_rate(start, share, n, rate, pressure):
    D = between(start, share)
    for creep in creeps(start, n):
        once = creep(D, pressure, rate)
        assert creep(D, pressure, 10 * rate) == pytest.approx(10 * once, rel=1e-9)
        assert creep(D, pressure * 10 ** (1 / n), rate) == pytest.approx(10 * once, rel=1e-9)


@given(start=LOOSE, shares=rising(0.01, 1.0), n=EXPONENTS)
def test_a_denser_powder_never_creeps_faster(start, shares, n):
    D = between(start, np.array(shares))
    for creep in creeps(start, n):
        assert (np.diff(creep(D, 50e6, 1e-3)) <= 0).all()


@given(start=LOOSE, shares=rising(0.0, 0.999))
def test_a_denser_powder_never_yields_earlier(start, shares):
    D = between(start, np.array(shares))
    assert (np.diff(exact.yield_contacts(D, H, start)) >= 0).all()
    assert (np.diff(exact.yield_pores(D, SIGMA)) >= 0).all()


def test_a_loose_powder_carries_nothing_and_a_dense_one_its_hardness():
    np.testing.assert_array_equal(exact.yield_contacts([0.0, 0.5, 0.6], H, 0.6), 0)
    assert exact.yield_contacts(1.0, H, 0.6) == pytest.approx(H)
    assert exact.yield_pores(0.0, SIGMA) == 0
    assert exact.yield_pores(1.0, SIGMA) == np.inf


def test_point_contacts_close_at_once_unless_nothing_presses():
    found = exact.creep_contacts([0.5, 0.6, 0.6, 0.7], [1e6, 1e6, 0, 0], SIGMA, 7.0, 1.0, 0.6)
    np.testing.assert_array_equal(found, [np.inf, np.inf, 0, 0])
    beyond_floats = exact.creep_contacts(0.6 + 1e-9, 1e8, SIGMA, 50.0, [1.0, 0.0], 0.6)
    np.testing.assert_array_equal(beyond_floats, [np.inf, 0])
    np.testing.assert_array_equal(
        exact.creep_pores(1e-9, 1e8, SIGMA, 50.0, [1.0, 0.0]), [np.inf, 0]
    )


def test_a_dense_body_creeps_no_further():
    assert exact.creep_pores(1.0, 120e6, SIGMA, 7.0, 1.0) == 0
    assert exact.creep_pores(1 - 1e-9, 120e6, SIGMA, 7.0, 1.0) < 1e-8


@given(st.floats(0.1, 10.0))
def test_both_yield_curves_scale_with_the_flow_stress(scale):
    one, two = exact.yield_contacts(0.8, H, 0.6), exact.yield_pores(0.95, SIGMA)
    assert exact.yield_contacts(0.8, scale * H, 0.6) == pytest.approx(scale * one)
    assert exact.yield_pores(0.95, scale * SIGMA) == pytest.approx(scale * two)


def test_stages_broadcast():
    D, P = np.array([[0.7], [0.8], [0.9]]), np.array([50e6, 120e6])
    assert exact.yield_contacts(D, np.array([H, 2 * H]), 0.6).shape == (3, 2)
    assert exact.creep_contacts(D, P, SIGMA, 7.0, 1.0, 0.6).shape == (3, 2)
    assert exact.creep_pores(D, P, SIGMA, 7.0, 1.0).shape == (3, 2)
    assert exact.yield_pores(0.9, SIGMA).shape == ()


# Empirical equations of pressing, on a real powder -----------------------------------------


def cellulose():
    """Pressure [Pa] and relative density of microcrystalline cellulose, loose at 0.3."""
    table = np.loadtxt(shared_data("compaction/mcc_cap_hardening_table.txt"))
    return table[:, 0] * 1e6, 0.3 * np.exp(table[:, 1])


def test_a_heckel_line_of_cellulose_has_its_known_slope_and_gives_the_densities_back():
    P, D = cellulose()
    fitted = (P >= 20e6) & (P <= 100e6)
    slope, intercept = straight(P[fitted] / 1e6, -np.log(1 - D[fitted]))
    assert slope == pytest.approx(0.015465, abs=5e-7)
    assert 1 / slope == pytest.approx(64.66, abs=5e-3)
    assert intercept == pytest.approx(0.6196, abs=5e-5)
    again = exact.heckel(P[fitted], 1 - np.exp(-intercept), 1e6 / slope)
    np.testing.assert_allclose(again, D[fitted], atol=0.01)


def test_a_heckel_line_of_cellulose_depends_on_the_pressures_fitted():
    P, D = cellulose()
    fitted = (P >= 10e6) & (P <= 150e6)
    slope, _ = straight(P[fitted] / 1e6, -np.log(1 - D[fitted]))
    assert 1 / slope == pytest.approx(74.80, abs=5e-3)


def test_the_kawakita_line_of_cellulose_has_its_known_constants_and_leans_on_high_pressures():
    """P/C grows with P, so least squares bind it there: 0.06 too much is lost at 10 MPa."""
    P, D = cellulose()
    P, loss = P[1:], 1 - D[0] / D[1:]  # the first row is the loose powder: nothing lost yet
    slope, intercept = straight(P / 1e6, P / 1e6 / loss)
    a, half = 1 / slope, intercept / slope
    assert a == pytest.approx(0.7003, abs=5e-5)
    assert half == pytest.approx(5.532, abs=5e-4)
    excess = exact.kawakita(P, a, 1 / (half * 1e6)) - loss
    high = P > 100e6
    assert np.abs(excess[high]).max() < 0.01
    assert (excess[~high] > 0.02).all()
    assert excess.max() == pytest.approx(0.0616, abs=5e-5)


@given(rising(0.0, 1e9))
def test_more_pressure_never_lowers_density(pressures):
    assert (np.diff(exact.heckel(pressures, 0.4, 65e6)) >= 0).all()
    assert (np.diff(exact.kawakita(pressures, 0.7, 1 / 5e6)) >= 0).all()


@given(start=st.floats(0.0, 0.99), P_y=st.floats(1e6, 1e9), pressure=st.floats(0.0, 1e9))
def test_heckel_closes_pores_at_a_rate_in_proportion_to_what_is_left(start, P_y, pressure):
    once = exact.heckel(pressure, start, P_y)
    twice = exact.heckel(pressure, once, P_y)
    assert twice == pytest.approx(exact.heckel(2 * pressure, start, P_y), abs=1e-12)
    assert exact.heckel(0.0, start, P_y) == pytest.approx(start, abs=1e-15)


@given(a=st.floats(0.01, 1.0), half=st.floats(1e5, 1e9))
def test_kawakita_has_half_its_loss_at_its_pressure(a, half):
    assert exact.kawakita(half, a, 1 / half) == pytest.approx(a / 2)
    assert exact.kawakita(1e-6 * half, a, 1 / half) == pytest.approx(1e-6 * a, rel=2e-6)
    assert exact.kawakita(1e12 * half, a, 1 / half) == pytest.approx(a)


# Elasticity with voids --------------------------------------------------------------------


def bulk_and_shear(E, nu):
    return E / (3 * (1 - 2 * nu)), E / (2 * (1 + nu))


@given(density=st.floats(0.01, 1.0), nu=st.floats(-0.9, 0.49))
def test_porous_moduli_are_the_bound_as_hashin_and_shtrikman_write_it(density, nu):
    """Their formula for two phases, with a second phase that has no stiffness."""
    K, G = bulk_and_shear(10e9, nu)
    f = 1 - density
    bulk = K + f / (-1 / K + 3 * density / (3 * K + 4 * G))
    shear = G + f / (-1 / G + 6 * density * (K + 2 * G) / (5 * G * (3 * K + 4 * G)))
    found = bulk_and_shear(*exact.porous_moduli(density, 10e9, nu))
    assert found == (pytest.approx(bulk, rel=1e-9), pytest.approx(shear, rel=1e-9))


@given(density=st.floats(0.05, 0.999), nu=st.floats(0.0, 0.49))
def test_a_shell_under_pressure_has_the_bulk_modulus_of_the_bound(density, nu):
    """Lamé's hollow sphere, outer radius 1: u = A r + B/r², no load on the hole."""
    K, G = bulk_and_shear(10e9, nu)
    f = 1 - density
    lame = np.array([[3 * K, -4 * G / f], [3 * K, -4 * G]])  # radial stress at both faces
    A, B = np.linalg.solve(lame, [0.0, -1.0])
    bulk, _ = bulk_and_shear(*exact.porous_moduli(density, 10e9, nu))
    assert bulk == pytest.approx(-1 / (3 * (A + B)), rel=1e-8)


@given(nu=st.floats(-0.9, 0.5))
def test_without_voids_the_solid_is_left(nu):
    E, ratio = exact.porous_moduli(1.0, 10e9, nu)
    assert (E, ratio) == (pytest.approx(10e9), pytest.approx(nu, abs=1e-12))
    assert exact.porous_moduli(0.0, 10e9, nu)[0] == 0


@given(densities=rising(0.0, 1.0), nu=st.floats(-0.9, 0.5))
def test_fewer_voids_never_make_it_softer(densities, nu):
    E, ratio = exact.porous_moduli(densities, 10e9, nu)
    assert (np.diff(E) >= -1e-12 * 10e9).all()
    assert (np.array(densities) * 10e9 * (1 + 1e-12) >= E).all()  # Voigt
    assert ((ratio > -1) & (ratio <= 0.5)).all()


@given(st.floats(-0.9, 0.5))
def test_few_voids_cost_what_single_ones_do(nu):
    """A sphere far from others takes 3(1 − ν)(9 + 5ν)/(2(7 − 5ν)) of its share, 2 at ν = 0.2."""
    f = 1e-6
    lost = 1 - exact.porous_moduli(1 - f, 10e9, nu)[0] / 10e9
    alone = 3 * (1 - nu) * (9 + 5 * nu) / (2 * (7 - 5 * nu))
    assert lost / f == pytest.approx(alone, rel=1e-4)


@given(st.floats(-0.9, 0.49))
def test_the_die_adds_the_shear_to_the_bulk_stiffness(nu):
    K, G = bulk_and_shear(10e9, nu)
    assert exact.confined_modulus(10e9, nu) == pytest.approx(K + 4 * G / 3, rel=1e-9)
    assert exact.confined_modulus(10e9, nu) >= 10e9 * (1 - 1e-12)


def test_nothing_incompressible_gives_way_in_a_die():
    assert exact.confined_modulus(10e9, 0.5) == np.inf
    assert exact.confined_modulus(10e9, 0.0) == pytest.approx(10e9)


def test_cellulose_is_softer_than_the_bound():
    """A pressed powder hangs on its necks; the last row, at 0.9999, stands for the solid."""
    E, nu, D = np.loadtxt(shared_data("compaction/mcc_elastic_table.txt")).T
    bound, _ = exact.porous_moduli(D[:-1], E[-1] * 1e6, nu[-1])
    assert (E[:-1] * 1e6 < bound).all()


# Refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: exact.yield_contacts(1.2, H, 0.6), "density=1.2 is above 1"),
        (lambda: exact.yield_contacts(0.8, H, 1.0), "start=1 is dense already"),
        (lambda: exact.yield_contacts(0.8, 0.42, 0.6), "did you mean"),
        (lambda: exact.yield_pores(-0.1, SIGMA), "density=-0.1 must be zero or more"),
        (lambda: exact.creep_contacts(0.8, -1.0, SIGMA, 7.0, 1.0, 0.6), "pressure=-1 must be"),
        (lambda: exact.creep_contacts(0.8, 1e8, SIGMA, 0.0, 1.0, 0.6), "exponent=0 must be"),
        (lambda: exact.creep_pores(0.0, 1e8, SIGMA, 7.0, 1.0), "density=0 must be positive"),
        (lambda: exact.hollow_cylinder_pressure(0.0, 7.0), "fraction=0 must be positive"),
        (lambda: exact.hollow_sphere_pressure(1.1, 7.0), "fraction=1.1 is above 1"),
        (lambda: exact.heckel(np.nan, 0.4, 65e6), "pressure=nan must be"),
        (lambda: exact.kawakita(1e6, 1.5, 1e-6), "a=1.5 is above 1"),
        (lambda: exact.porous_moduli(0.8, np.inf, 0.3), "youngs_modulus=inf is not a finite"),
        (lambda: exact.confined_modulus(10e9, -1.0), "nu=-1 leaves no shear compliance"),
    ],
)
def test_what_no_powder_can_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_the_pull_of_closed_pores_is_that_of_their_curvature():
    """2γ/r of pores, one of radius r in each sphere of radius R of solid and pore."""
    D, pull = np.array([0.9, 0.95, 0.99]), 0.3e6
    r = np.cbrt((1 - D) / (6 * D))  # over R
    assert exact.sintering_pores(D, pull) == pytest.approx(2 * pull / r)
    assert exact.sintering_pores(1.0, pull) == np.inf
    assert exact.sintering_pores(1.0, 0.0) == 0


def test_the_pull_of_contacts_grows_from_that_of_the_powder():
    start = 0.6
    D = np.linspace(start, 0.9, 30)
    pull = exact.sintering_contacts(D, 1.0, start)
    assert pull[0] == pytest.approx(3 * start**2)
    assert (np.diff(pull) > 0).all()
    assert exact.sintering_contacts(0.2, 1.0, start) == 0
