"""Distribution of relaxation times, and the arcs found in it."""

from collections import Counter

import numpy as np
import pytest
from bilayer_cells import FREQUENCY as F
from bilayer_cells import bilayer, noisy
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data

from dualyte import InputError
from dualyte.circuit import Spectrum
from dualyte.exact import hsu_mansfeld, peak_frequency
from dualyte.measure.drt import drt, drt_map
from dualyte.numerics import arcfit, relaxation
from dualyte.numerics.solve import Outcome


def zarc(r, f, n, at=F):
    return r / (1 + (1j * np.asarray(at) / f) ** n)


def power(q, n, at=F):
    return 1 / (q * (2j * np.pi * np.asarray(at)) ** n)


def spectrum(z, f=F, **more):
    return Spectrum(frequency=f, z=z, **more)


def integral(found):
    return found.gamma.sum() * np.log(found.tau[1] / found.tau[0])


# --- exact solutions -------------------------------------------------------------------


@given(r=st.floats(1, 1e4), f=st.floats(2, 5.5), n=st.floats(0.6, 1.0))
@settings(deadline=None, max_examples=25, derandomize=True)
def test_one_arc_is_found_as_it_is(r, f, n):
    found = drt(spectrum(r / 10 + zarc(r, 10**f, n)))
    (peak,) = found.peaks
    assert peak.resistance == pytest.approx(r, rel=1e-4)
    assert peak.frequency == pytest.approx(10**f, rel=1e-4)
    assert peak.exponent == pytest.approx(n, abs=1e-4)
    assert found.series == pytest.approx(r / 10, rel=1e-3)
    assert found.outcome is Outcome.CONVERGED


@pytest.mark.parametrize("n", [1.0, 0.9, 0.75])
def test_the_distribution_of_one_arc_integrates_to_its_resistance_and_peaks_at_its_time(n):
    found = drt(spectrum(noisy(10 + zarc(100, 1e3, n))), tail=False)
    step = np.log(found.tau[1] / found.tau[0])
    assert integral(found) == pytest.approx(100, rel=0.01)
    top = found.tau[np.argmax(found.gamma)]
    assert abs(np.log(top * 2 * np.pi * 1e3)) < step


def test_the_distribution_of_a_depressed_arc_is_that_of_cole_and_cole():
    found = drt(spectrum(10 + zarc(100, 1e3, 0.8)))
    (peak,) = found.peaks
    x = np.log(2 * np.pi * 1e3 * found.tau)
    exact = 100 / (2 * np.pi) * np.sin(0.8 * np.pi) / (np.cosh(0.8 * x) + np.cos(0.8 * np.pi))
    np.testing.assert_allclose(found.refined, exact, rtol=1e-3)
    np.testing.assert_allclose(found.gamma, exact, atol=0.08 * exact.max())
    fine = np.geomspace(1e-12, 1e4, 4000)
    total = peak.gamma(fine).sum() * np.log(fine[1] / fine[0])
    assert total == pytest.approx(100, rel=1e-3)


def test_capacitance_and_frequency_are_those_of_the_equivalent_circuit():
    r, q, n = 150.0, 3.6e-6, 0.727
    s = 2j * np.pi * F
    (peak,) = drt(spectrum(5 + r / (1 + r * q * s**n))).peaks
    assert peak.frequency == pytest.approx(float(peak_frequency(r, q, n)), rel=1e-4)
    assert peak.capacitance == pytest.approx(float(hsu_mansfeld(q, n, r)), rel=1e-4)


@pytest.mark.parametrize("n", [0.95, 0.85, 0.7])
def test_the_tail_is_found_with_its_exponent(n):
    found = drt(spectrum(noisy(5 + zarc(100, 1e4, 0.9) + power(1e-5, n), 0.002)))
    assert found.tail is not None
    q, exponent = found.tail
    assert exponent == pytest.approx(n, abs=0.01)
    assert q == pytest.approx(1e-5, rel=0.05)
    assert len(found.peaks) == 1


def test_the_inductance_is_found_and_no_arc_made_of_it():
    z = 5 + 2j * np.pi * F * 2e-7 + zarc(100, 1e3, 0.9)
    found = drt(spectrum(noisy(z, 0.002)))
    assert found.inductance == pytest.approx(2e-7, rel=0.05)
    assert len(found.peaks) == 1
    assert found.series == pytest.approx(5, rel=0.05)


def test_what_is_not_there_is_not_found():
    found = drt(spectrum(noisy(10 + zarc(100, 1e3, 0.9))))
    assert found.tail is None
    assert found.inductance == 0
    assert drt(spectrum(noisy(np.full(F.size, 10.0 + 0j)))).peaks == ()


def test_the_polarisation_resistance_is_conserved():
    z = 5 + zarc(40, 1e5, 0.9) + zarc(60, 1e2, 0.8)
    found = drt(spectrum(noisy(z)))
    assert found.polarisation == pytest.approx(100, rel=0.01)
    assert integral(found) == pytest.approx(100, rel=0.03)
    assert sum(p.area for p in found.peaks) == pytest.approx(100, rel=0.05)


# --- invariances -----------------------------------------------------------------------


@given(power_=st.floats(-8, 8))
@settings(deadline=None, max_examples=10, derandomize=True)
def test_twice_the_impedance_is_twice_the_distribution(power_):
    z = noisy(bilayer())
    one, other = drt(spectrum(z)), drt(spectrum(z * 10**power_))
    np.testing.assert_allclose(
        other.gamma / 10**power_, one.gamma, atol=1e-5 * one.gamma.max(), rtol=0
    )
    for a, b in zip(one.peaks, other.peaks, strict=True):
        assert b.resistance / 10**power_ == pytest.approx(a.resistance, rel=1e-4)
        assert b.capacitance * 10**power_ == pytest.approx(a.capacitance, rel=1e-4)
        assert b.frequency == pytest.approx(a.frequency, rel=1e-4)


@given(power_=st.floats(-3, 3))
@settings(deadline=None, max_examples=10, derandomize=True)
def test_slower_by_a_factor_is_shifted_in_ln_tau(power_):
    z = noisy(bilayer())
    one, other = drt(spectrum(z)), drt(spectrum(z, F * 10**power_))
    np.testing.assert_allclose(other.gamma, one.gamma, atol=1e-5 * one.gamma.max(), rtol=0)
    np.testing.assert_allclose(other.tau * 10**power_, one.tau, rtol=1e-12)
    for a, b in zip(one.peaks, other.peaks, strict=True):
        assert b.frequency / 10**power_ == pytest.approx(a.frequency, rel=1e-4)
        assert b.resistance == pytest.approx(a.resistance, rel=1e-4)


def test_with_an_area_resistances_are_per_area():
    area = 0.5e-4
    bare, known = drt(spectrum(bilayer())), drt(spectrum(bilayer(), area=area))
    assert (bare.unit, known.unit) == ("ohm", "ohm m2")
    for a, b in zip(bare.peaks, known.peaks, strict=True):
        assert b.resistance == pytest.approx(a.resistance * area, rel=1e-5)
        assert b.capacitance == pytest.approx(a.capacitance / area, rel=1e-5)
    assert known.tail[0] == pytest.approx(bare.tail[0] / area, rel=1e-5)


def test_the_order_of_the_points_does_not_matter():
    z = noisy(bilayer())
    mixed = np.random.default_rng(3).permutation(F.size)
    np.testing.assert_array_equal(drt(spectrum(z[mixed], F[mixed])).gamma, drt(spectrum(z)).gamma)


# --- the reference spectrum --------------------------------------------------------------


@pytest.fixture(scope="module")
def reference():
    return [drt(spectrum(noisy(bilayer(), seed=s))) for s in range(60)]


def test_the_reference_spectrum_has_three_arcs_whatever_the_noise(reference):
    assert Counter(len(found.peaks) for found in reference) == {3: 60}


def test_the_interface_resistance_reaches_the_floor_of_one_spectrum(reference):
    """The Cramér–Rao bound is 4.3 %, so that the median error cannot be below 2.9 %."""
    error = np.array([found.peaks[2].resistance / 150 - 1 for found in reference])
    assert np.median(np.abs(error)) < 0.036
    assert np.abs(error).max() < 0.15
    assert np.mean(np.abs(error) < 0.05) > 0.7
    assert abs(error.mean()) < 0.02


def test_spreads_are_those_of_the_errors(reference):
    for k, (r, f, n) in enumerate([(125, 3e6, 0.95), (80, 6e4, 0.9), (150, 5.048e3, 0.727)]):
        pulls = np.array(
            [
                (
                    (p.peaks[k].resistance - r) / p.peaks[k].resistance_spread,
                    (p.peaks[k].frequency - f) / p.peaks[k].frequency_spread,
                    (p.peaks[k].exponent - n) / p.peaks[k].exponent_spread,
                )
                for p in reference
            ]
        )
        assert (np.mean(np.abs(pulls) < 2, axis=0) > 0.88).all()
        assert (pulls.std(axis=0) > 0.7).all()


def test_the_area_of_a_peak_is_a_biased_resistance(reference):
    """A regularised peak loses what its smoothing hands to the neighbour."""
    area = np.array([found.peaks[2].area for found in reference])
    assert np.mean(area) == pytest.approx(130, abs=6)
    assert (np.mean(area) - 150) / area.std() < -1.5


def test_the_residual_is_noise(reference):
    noise = [found.noise for found in reference]
    assert np.mean(noise) == pytest.approx(0.003, rel=0.03)
    for found in reference[:5]:
        rms = np.sqrt(np.mean(np.abs(found.residual) ** 2) / 2)
        assert rms == pytest.approx(0.003, rel=0.2)


@pytest.mark.parametrize("ratio", [3, 2, 1.3])
def test_overlapping_arcs_are_never_told_with_confidence(ratio):
    """Either both are said not to be resolved, or the one arc is said to be able to be two."""
    for seed in range(20):
        found = drt(spectrum(noisy(bilayer(ratio=ratio), seed=seed)))
        slow = [p for p in found.peaks if p.frequency < 1e6]
        assert sum(p.resistance for p in slow) == pytest.approx(230, rel=0.04)
        if len(slow) == 1:
            rivals = any("about as well" in flag for flag in found.flags)
            assert slow[0].resolution > 0.9 * ratio or rivals
        else:
            he = min(slow, key=lambda p: abs(np.log(p.frequency * ratio / 6e4)))
            off = abs(he.resistance - 150)
            assert not he.resolved or off < 4.5 * he.resistance_spread


def test_arcs_that_trade_resistance_have_a_known_sum():
    """At a factor three the sum is known to 1 %, the parts to a quarter at best."""
    for seed in range(20):
        found = drt(spectrum(noisy(bilayer(ratio=3.0), seed=seed)), arcs=3)
        if not found.peaks[2].resolved and found.peaks[1].frequency < 1e6:
            assert any("overlap; their sum is known to" in flag for flag in found.flags)
            return
    pytest.fail("every seed resolved the arcs")


# --- options ------------------------------------------------------------------------------


def test_bands_hold_the_true_distribution_at_the_stated_rate():
    inside = []
    true = [(100, 1e5, 0.8), (60, 1e3, 0.75)]
    for seed in range(12):
        z = noisy(5 + sum(zarc(*arc) for arc in true), seed=seed)
        found = drt(spectrum(z), bands=True, draws=150, seed=seed)
        x = [n * np.log(2 * np.pi * f * found.tau) for _, f, n in true]
        gamma = sum(
            r / (2 * np.pi) * np.sin(n * np.pi) / (np.cosh(y) + np.cos(n * np.pi))
            for (r, _, n), y in zip(true, x, strict=True)
        )
        assert (found.bands[0] <= found.bands[1]).all()
        inside.append((found.bands[0] <= gamma) & (gamma <= found.bands[1]))
    assert 0.85 < np.mean(inside) < 0.99


def test_bands_narrow_with_the_noise_and_repeat_with_the_seed():
    wide, narrow = (drt(spectrum(noisy(bilayer(), x)), bands=True, draws=60) for x in (1e-2, 1e-3))
    assert np.ptp(wide.bands, axis=0).sum() > 1.5 * np.ptp(narrow.bands, axis=0).sum()
    again = drt(spectrum(noisy(bilayer(), 1e-3)), bands=True, draws=60)
    np.testing.assert_array_equal(again.bands, narrow.bands)


def test_the_number_of_arcs_can_be_given():
    z = noisy(bilayer())
    for arcs in (0, 2, 3, 4):
        assert len(drt(spectrum(z), arcs=arcs).peaks) == arcs


def test_more_smoothing_means_fewer_and_wider_peaks():
    z = noisy(bilayer())
    rough, smooth = (drt(spectrum(z), strength=x).gamma for x in (1e-7, 1e-1))
    tops = [np.sum((g[1:-1] > g[:-2]) & (g[1:-1] >= g[2:])) for g in (rough, smooth)]
    assert tops[0] > tops[1]
    assert rough.max() > smooth.max()


def test_a_spectrum_on_given_times_lands_on_them():
    tau = np.geomspace(1e-8, 1.0, 70)
    found = drt(spectrum(bilayer()), tau=tau)
    np.testing.assert_allclose(found.tau, tau, rtol=1e-12)
    assert found.gamma.shape == (70,)


def test_a_wrong_point_is_left_out_and_named():
    z = noisy(bilayer(), 0.001)
    z[30] *= 1.1
    found = drt(spectrum(z))
    assert "left out points that fail" in found.flags[0]
    assert found.spectrum.frequency.size == F.size - 1
    assert len(found.peaks) == 3


def test_a_map_has_one_axis_for_all():
    series = [
        spectrum(noisy(5 + zarc(r, f, 0.9)), F * scale, temperature=t, area=1e-4)
        for r, f, t, scale in ((100, 1e3, 280.0, 1.0), (50, 1e4, 300.0, 0.1))
    ]
    found = drt_map(series)
    assert found.gamma.shape == (2, found.tau.size)
    assert found.tau[0] < 1 / (2 * np.pi * 7e6)
    assert found.tau[-1] > 1 / (2 * np.pi * 0.1)
    data = found.to_dataset()
    assert data["temperature"].values.tolist() == [280.0, 300.0]
    assert np.isnan(data["pressure"]).all()
    assert data["gamma"].attrs["units"] == "ohm m2"


def test_a_result_becomes_a_dataset_and_a_text():
    found = drt(spectrum(noisy(bilayer()), area=1e-4, name="cell 1"), bands=True, draws=20)
    data = found.to_dataset()
    assert data["gamma"].attrs["units"] == "ohm m2"
    assert set(data) >= {"gamma", "refined", "low", "high", "peak_resistance", "peak_area"}
    assert str(found).startswith("cell 1: 3 arcs")
    with pytest.raises(ValueError, match="read-only"):
        found.gamma[0] = 1


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"tau": [1.0, 2.0, 3.0, 4.0, 5.0]}, "evenly in ln"),
        ({"tau": [1.0, 2.0]}, "five or more"),
        ({"strength": -1.0}, "strength=-1"),
        ({"arcs": 40}, "arcs=40"),
    ],
)
def test_impossible_options_are_refused(how, says):
    with pytest.raises(InputError, match=says):
        drt(spectrum(bilayer()), **how)


def test_a_map_of_nothing_or_of_mixed_units_is_refused():
    with pytest.raises(InputError, match="one spectrum or more"):
        drt_map([])
    with pytest.raises(InputError, match="no area is given for b"):
        drt_map([spectrum(bilayer(), area=1e-4), spectrum(bilayer(), name="b")])


# --- kernels ------------------------------------------------------------------------------


def test_the_derivatives_of_the_arcs_are_exact():
    lw = np.log(2 * np.pi * F)
    x = np.array([0.5, 0.3, 2.0, 0.9, 0.2, -16.0, 0.95, -0.3, -10.0, 0.7])
    on, y, w = np.ones(10, dtype=bool), np.zeros(2 * F.size), np.linspace(1, 2, F.size)

    def at(p):
        r, jac = np.zeros(2 * F.size), np.zeros((10, 2 * F.size))
        arcfit.slopes(p, on, lw, y, w, r, jac)
        return r, jac

    _, jac = at(x)
    for k in range(10):
        h = np.zeros(10)
        h[k] = 1e-5
        four = [at(x + c * h)[0] for c in (-2, -1, 1, 2)]
        numeric = (four[0] - 8 * four[1] + 8 * four[2] - four[3]) / (12 * 1e-5)
        np.testing.assert_allclose(jac[k], numeric, atol=1e-9 * np.abs(jac[k]).max())


@given(seed=st.integers(0, 10**6), n=st.integers(2, 30))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_the_active_set_meets_the_conditions_of_a_minimum(seed, n):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((2 * n, n))
    h, b = a.T @ a + 1e-6 * np.eye(n), a.T @ rng.standard_normal(2 * n)
    signed = rng.random(n) < 0.2
    passive, x = np.ones(n, dtype=bool), np.zeros(n)
    assert relaxation.nonnegative(h, b, signed, passive, x, 500)
    slope = h @ x - b
    scale = np.abs(b).max()
    assert (x[~signed] >= 0).all()
    assert (np.abs(slope[signed]) < 1e-7 * scale).all()
    assert (slope[~signed] > -1e-7 * scale).all()
    assert (np.abs(slope[x > 0]) < 1e-7 * scale).all()


def test_the_effective_number_of_parameters_is_a_trace():
    rng = np.random.default_rng(5)
    a = rng.standard_normal((40, 12))
    gram = a.T @ a
    h = gram + np.diag(rng.random(12) * 20)
    passive = rng.random(12) < 0.7
    exact = np.trace(np.linalg.solve(h[np.ix_(passive, passive)], gram[np.ix_(passive, passive)]))
    assert relaxation.freedom(h, gram, passive) == pytest.approx(exact, rel=1e-10)


def test_the_roughness_is_the_integral_of_the_squared_second_derivative():
    x = np.linspace(-12, 12, 2001)
    g = np.exp(-(x**2) / 2)
    h = x[1] - x[0]
    assert g @ relaxation.roughness(x.size, h) @ g == pytest.approx(0.75 * np.sqrt(np.pi), rel=1e-4)


# --- instruments ---------------------------------------------------------------------------


def test_a_sulfide_pellet_has_a_tail_and_says_that_arcs_do_not_describe_it():
    text = shared_data("eis_ssb/PEIS_LPSCl_IonBlocking_-25C.txt").read_text(encoding="latin-1")
    lines = text.splitlines()
    head = next(k for k, line in enumerate(lines) if line.startswith("freq/Hz"))
    f, re, im = np.array([[float(x) for x in row.split("\t")[:3]] for row in lines[head + 1 :]]).T
    found = drt(spectrum(re - 1j * im, f))
    assert found.tail[1] == pytest.approx(0.89, abs=0.02)
    plateau = re[f > 2e3][np.argmin(np.abs(im[f > 2e3]))]  # between the arcs and the tail
    fast = sum(p.resistance for p in found.peaks if p.frequency > 1e4) + found.series
    assert fast == pytest.approx(plateau, rel=0.01)
    assert any("no sum of such arcs" in flag for flag in found.flags)
