"""Kramers–Kronig test, noise of a spectrum, and drift between sweeps."""

import csv

import numpy as np
import pytest
from bilayer_cells import FREQUENCY as F
from bilayer_cells import bilayer, noisy
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data

from dualyte import InputError
from dualyte.circuit import Spectrum
from dualyte.circuit.elements import TLM, C, L, Q, R, W, Wo
from dualyte.measure.kramers import check_spectrum, compare_sweeps


def spectrum(z, f=F, **more):
    return Spectrum(frequency=f, z=z, **more)


def drifting(change):
    """The resistance of the hetero-electrolyte interface grows evenly during the sweep."""
    r = 150 * (1 + change * np.arange(F.size) / (F.size - 1))
    return np.array([bilayer(f, x) for f, x in zip(F, r, strict=True)])


# --- spectra that obey the relations ----------------------------------------------------


@given(
    arcs=st.lists(
        st.tuples(st.floats(0.5, 500), st.floats(-6, -1), st.floats(0.6, 1.0)),
        min_size=1,
        max_size=4,
    ),
    series=st.floats(0.1, 50),
    tail=st.floats(0.5, 1.0),
    seed=st.integers(0, 10**6),
)
@settings(deadline=None, max_examples=40, derandomize=True)
def test_any_circuit_of_arcs_and_a_tail_passes(arcs, series, tail, seed):
    s = 2j * np.pi * F
    z = series + 1e-7 * s + 1 / (1e-4 * s**tail)
    z = z + sum(r / (1 + (s * 10**t) ** n) for r, t, n in arcs)
    assert check_spectrum(spectrum(z)).verdict == "pass"
    assert check_spectrum(spectrum(noisy(z, seed=seed))).verdict != "fail"


@pytest.mark.parametrize(
    "circuit",
    [
        R(10.0) + (R(90.0) | C(1e-6)),
        R(10.0) + (R(90.0) | Q(1e-5, 0.7)) + W(5.0),
        R(1.0) + L(1e-6) + Wo(20.0, 1e-2),
        R(1.0) + TLM(50.0, 3.0, 20.0, 1e-4, 0.9),
        Q(1e-6, 0.8),
        R(10.0) + (R(50.0) | (L(1e-3) + R(5.0))),  # an inductive loop
    ],
    ids=str,
)
def test_the_elements_of_circuits_pass(circuit):
    check = check_spectrum(spectrum(noisy(circuit.impedance(F))))
    assert check.verdict == "pass"
    assert check.noise == pytest.approx(0.003, rel=0.25)


def test_one_good_spectrum_in_a_hundred_at_most_is_suspected():
    verdicts = [check_spectrum(spectrum(noisy(bilayer(), seed=s))).verdict for s in range(200)]
    assert verdicts.count("pass") >= 198


@pytest.mark.parametrize("relative", [1e-3, 3e-3, 1e-2])
def test_the_noise_is_estimated_without_bias(relative):
    found = [
        check_spectrum(spectrum(noisy(bilayer(), relative, s))).noise / relative for s in range(100)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.03)
    assert np.std(found) < 0.12


def test_a_few_wrong_points_leave_the_noise_as_it_is():
    found = []
    for seed in range(40):
        z = noisy(bilayer(), seed=seed)
        z[[10, 33, 50]] *= 1.2
        found.append(check_spectrum(spectrum(z)).noise / 0.003)
    assert np.mean(found) == pytest.approx(1, abs=0.05)


@given(scale=st.floats(-6, 6), stretch=st.floats(-3, 3))
@settings(deadline=None, max_examples=20, derandomize=True)
def test_the_test_knows_no_scale_of_ohms_or_seconds(scale, stretch):
    z = noisy(bilayer())
    one, other = (
        check_spectrum(spectrum(z)),
        check_spectrum(spectrum(z * 10**scale, F * 10**stretch)),
    )
    np.testing.assert_allclose(other.residual, one.residual, atol=1e-7)
    assert other.noise == pytest.approx(one.noise, rel=1e-4)


# --- spectra that do not ----------------------------------------------------------------


@given(at=st.integers(3, 65), by=st.sampled_from([0.9, 0.97, 1.03, 1.1, 1.5]))
@settings(deadline=None, max_examples=30, derandomize=True)
def test_a_shifted_point_is_found_and_only_it(at, by):
    z = noisy(bilayer(), 0.001)
    z[at] *= by
    check = check_spectrum(spectrum(z))
    assert check.verdict == "suspect"
    assert np.flatnonzero(~check.good).tolist() == [at]
    assert abs(check.residual[at]) == pytest.approx(abs(1 - 1 / by), rel=0.35)


def test_a_wrong_sign_of_im_is_named():
    check = check_spectrum(spectrum(noisy(bilayer()).conj()))
    assert check.verdict == "fail"
    assert "wrong sign" in check.flags[0]


def test_a_large_drift_during_the_sweep_fails():
    z = noisy(bilayer() * (1 + 0.3 * np.arange(F.size) / F.size))
    check = check_spectrum(spectrum(z))
    assert check.verdict == "fail"
    assert "correlated" in check.flags[0]


def test_a_drift_of_six_percent_passes_and_the_check_says_that_it_could():
    check = check_spectrum(spectrum(noisy(drifting(0.06))))
    assert check.verdict == "pass"
    assert "no proof of a stationary cell" in check.flags[-1]


def test_the_check_says_how_long_the_sweep_took():
    check = check_spectrum(spectrum(noisy(bilayer()), time=np.linspace(0, 720, F.size)))
    assert "took 12 min" in check.flags[-1]


def test_failing_high_frequencies_are_blamed_on_cables():
    z = noisy(bilayer(), 0.001)
    z[:3] *= [1.3, 0.8, 1.2]
    assert any("cables" in flag for flag in check_spectrum(spectrum(z)).flags)


def test_masked_points_are_not_tested():
    z = noisy(bilayer())
    z[20] *= 2
    kept = np.arange(F.size) != 20
    check = check_spectrum(spectrum(z, used=kept))
    assert check.verdict == "pass"
    assert check.residual.size == F.size - 1


def test_a_check_becomes_a_dataset_and_says_first_what_matters():
    check = check_spectrum(spectrum(noisy(bilayer()), name="cell 1"))
    assert str(check).startswith("cell 1: pass, noise 0.")
    data = check.to_dataset()
    assert data["good"].all()
    assert data.attrs["verdict"] == "pass"
    with pytest.raises(ValueError, match="read-only"):
        check.residual[0] = 0


@pytest.mark.parametrize(
    ("f", "z", "says"),
    [
        (F[:9], bilayer()[:9], "9 points are too few"),
        (np.full(12, 50.0), np.full(12, 1 - 1j), "all frequencies lie between 50 and 50 Hz"),
        (F, np.where(np.arange(69) == 5, 0, bilayer()), "Z = 0 at"),
    ],
)
def test_what_cannot_be_tested_is_refused(f, z, says):
    with pytest.raises(InputError, match=says):
        check_spectrum(spectrum(z, f))


def test_duplicate_frequencies_do_no_harm():
    f = np.sort(np.concatenate([F, F[30:33]]))[::-1]
    assert check_spectrum(spectrum(noisy(bilayer(f)), f)).verdict == "pass"


# --- two sweeps ---------------------------------------------------------------------------


def test_a_repeated_sweep_finds_the_drift_that_one_sweep_hides():
    first, second = (noisy(z, seed=s) for s, z in ((1, drifting(0.06)), (2, bilayer(r_he=159))))
    drift = compare_sweeps(spectrum(first), spectrum(second))
    assert drift.verdict == "fail"
    at = drift.frequency[np.argmax(drift.score)]
    assert 50 < at < 2e4  # from the arc of the interface down to where the tail takes over
    assert drift.largest == pytest.approx(0.025, abs=0.015)


def test_two_sweeps_of_a_stationary_cell_pass():
    verdicts = [
        compare_sweeps(
            spectrum(noisy(bilayer(), seed=2 * s)), spectrum(noisy(bilayer(), seed=2 * s + 1))
        ).verdict
        for s in range(100)
    ]
    assert verdicts.count("pass") >= 98


def test_a_reversed_sweep_shows_drift_where_its_times_lie_far_apart():
    """What is measured first on the way down is measured last on the way up."""
    t = np.linspace(0, 600, F.size)
    forward = bilayer() * (1 + 1e-4 * t)
    backward = bilayer() * (1 + 1e-4 * (1200 - t))
    drift = compare_sweeps(
        spectrum(noisy(forward, 1e-3), time=t), spectrum(noisy(backward, 1e-3, 1), time=1200 - t)
    )
    assert drift.verdict == "fail"
    assert np.argmax(np.abs(drift.smooth)) < 5
    rate = float(drift.flags[1].split("lie between: ")[1].split(" %")[0])
    assert rate == pytest.approx(36, rel=0.15)  # % per hour: 1e-4 per s, in the mean


def test_sweeps_over_other_frequencies_cannot_be_compared():
    with pytest.raises(InputError, match="share 0 frequencies"):
        compare_sweeps(spectrum(bilayer()), spectrum(bilayer(F * 1.07), F * 1.07))


# --- instruments ---------------------------------------------------------------------------


def solid_state_cell():
    """First loop of an NCM | sulfide | indium cell at rest."""
    with shared_data("eis_ssb/Sample2_PEIS_AtRest.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["loop_index"] in "01" and float(r["freq/Hz"])]
    both = []
    for loop in "01":
        f, size, phase = np.array(
            [
                [float(r[k]) for k in ("freq/Hz", "|Z|/Ohm", "Phase(Z)/deg")]
                for r in rows
                if r["loop_index"] == loop
            ]
        ).T
        both.append(spectrum(size * np.exp(1j * np.radians(phase)), f, name=f"loop {loop}"))
    return both


def test_a_solid_state_cell_passes_but_for_its_megahertz_points():
    first, second = solid_state_cell()
    for sweep in (first, second):
        check = check_spectrum(sweep)
        assert check.verdict == "suspect"
        assert 4e-4 < check.noise < 1e-3
        assert (sweep.frequency[~check.good] > 4e6).all()
    assert compare_sweeps(first, second).largest < 0.01


def test_a_sulfide_pellet_between_blocking_electrodes_passes():
    text = shared_data("eis_ssb/PEIS_LPSCl_IonBlocking_-25C.txt").read_text(encoding="latin-1")
    lines = text.splitlines()
    head = next(k for k, line in enumerate(lines) if line.startswith("freq/Hz"))
    f, re, im = np.array([[float(x) for x in row.split("\t")[:3]] for row in lines[head + 1 :]]).T
    check = check_spectrum(spectrum(re - 1j * im, f))
    assert check.verdict == "pass"
    assert 5e-4 < check.noise < 1.2e-3
