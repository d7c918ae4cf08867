"""Contact of rough surfaces: lengths in µm, pressures in MPa unless a test says otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample

from dualyte import ConvergenceError, exact
from dualyte.numerics.contact import perimeter, solve_contact
from dualyte.numerics.solve import Outcome
from dualyte.surface import roughness, self_affine

SIDE = 32.0  # µm, of the ground surface
BOX = (SIDE, SIDE)
LNOC = {"E": 8e3, "H": 420.0}  # MPa
LAOC = {"E": 4e3, "H": 180.0}


def against_garnet(E, nu=0.3):
    return float(exact.effective_modulus(E * 1e6, nu, 150e9, 0.26)) / 1e6


def ground(seed=1, n=256, sq=0.22, cutoff=0.5):
    """Garnet as ground: Hurst exponent 0.8, flat spectrum beyond 8 µm."""
    drawn = self_affine(
        sq=sq * 1e-6,
        correlation_length=8e-6,
        cutoff=cutoff * 1e-6,
        seed=seed,
        size=SIDE * 1e-6,
        n=n,
    )
    return drawn.heights * 1e6


def refined(height, n):
    """The same band-limited surface on n × n points."""
    return resample(resample(height, n, axis=0), n, axis=1)


def corrected(contact, size):
    """Contact fraction without the part that pixels at the edge have too much."""
    area = size[0] * size[1]
    pixel = size[0] / contact.shape[0], size[1] / contact.shape[1]
    edge = perimeter(contact, pixel)
    return float(exact.perimeter_correction(contact.mean() * area, edge, pixel[0])) / area


def pressed(height, path, flow, modulus):
    """Solutions along a path of pressures; what flows under the cap stays imprinted."""
    imprint, pressure, found = np.zeros_like(height), None, []
    for load in path:
        solution = solve_contact(
            height - imprint,
            size=BOX,
            modulus=modulus,
            pressure=load,
            cap=flow(load),
            start=pressure,
        ).ensure()
        pressure = solution.pressure
        imprint = imprint + np.where(solution.saturated, np.maximum(0, -solution.gap), 0)
        found.append(solution)
    return found


def fractions(solutions):
    return np.array([s.contact.mean() for s in solutions])


def noise(seed, shape, roughness_exponent=1.5):
    """Rough heights of unit rms on any grid."""
    k = np.hypot(np.fft.fftfreq(shape[0], 1 / shape[0])[:, None], np.arange(shape[1] // 2 + 1))
    k[0, 0] = np.inf
    white = np.random.default_rng(seed).standard_normal(shape)
    height = np.fft.irfft2(np.fft.rfft2(white) * k**-roughness_exponent, s=shape)
    return height / height.std()


# --- closed forms ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "fraction"),
    [(0.05, 0.1436), (0.2, 0.2952), (0.5, 0.5), (0.8, 0.7048), (0.95, 0.8564)],
)
def test_a_wave_touches_as_westergaard_says(load, fraction):
    """Within half a pixel of width, whichever part of a pixel the crest lies on."""
    n, amplitude = 256, 0.01
    size, full = (1.0, 4 / n), np.pi * amplitude
    width = []
    for crest in (0.125, 0.375, 0.625, 0.875):
        x = (np.arange(n) + crest) / n
        height = np.tile(amplitude * np.cos(2 * np.pi * x)[:, None], (1, 4))
        found = solve_contact(height, size=size, modulus=1.0, pressure=load * full, rtol=1e-8)
        width.append(corrected(found.ensure().contact, size))
        assert found.pressure.max() == pytest.approx(2 * full * np.sqrt(load), rel=1e-3)
    assert np.mean(width) == pytest.approx(fraction, abs=0.5 / n)


@pytest.mark.parametrize(("radius", "peak"), [(0.5, 159.15), (1.0, 318.31), (2.0, 636.62)])
def test_a_sphere_touches_as_hertz_says(radius, peak):
    """R = 20 µm, E* = 10 GPa. Periodic images raise the peak by (a/L)³, 0.2 % at a = 2 µm."""
    n, side, sphere, modulus = 512, 16.0, 20.0, 10e3
    x = (np.arange(n) - n // 2) * side / n
    height = -(x[:, None] ** 2 + x[None, :] ** 2) / (2 * sphere)
    load = 4 * modulus * radius**3 / (3 * sphere) / side**2
    found = solve_contact(height, size=(side, side), modulus=modulus, pressure=load).ensure()
    touching = np.sqrt(corrected(found.contact, (side, side)) * side**2 / np.pi)
    assert touching == pytest.approx(radius, abs=0.1 * side / n)
    assert found.pressure.max() == pytest.approx(peak, rel=5e-3)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_a_soft_solid_flows_until_pressure_is_carried_at_the_cap(share):
    """Plastic limit f = P/cap as cap/E* → 0, and the summits alone carry it."""
    height, cap = ground(n=128), 1e-3 * against_garnet(LNOC["E"])
    off = []
    for scale in (1.0, 0.1, 0.01):
        found = solve_contact(
            height, size=BOX, modulus=8e3, pressure=share * cap * scale, cap=cap * scale
        ).ensure()
        off.append(found.contact.mean() / float(exact.bearing_area(share * 1e6, 1e6)) - 1)
    assert off[0] >= off[1] >= off[2] >= 0
    assert off[2] < 2e-3
    summits = height > np.quantile(height, 1 - share)
    assert np.count_nonzero(summits != found.contact) <= 2e-3 * height.size


@pytest.mark.slow
def test_rough_contact_grows_as_boundary_elements_say_and_above_persson():
    """κ = f E*h′/P, edge corrected; Persson's erf lies 7–30 % below it."""
    loads = np.array([0.01, 0.05, 0.2, 0.5])
    kappa, persson = [], []
    for seed in (1, 2, 3):
        drawn = self_affine(
            sq=1e-4, correlation_length=0.25e-2, cutoff=8e-2 / 512, seed=seed, size=1e-2, n=512
        )
        slope, found = roughness(drawn).sdq, []
        for load in loads:
            pressed_on = solve_contact(
                drawn.heights, size=drawn.size, modulus=1.0, pressure=load * slope
            )
            found.append(corrected(pressed_on.ensure().contact, drawn.size))
        kappa.append(found / loads)
        persson.append(1 - exact.persson(loads * 1e6, 1e6, 1.0) / found)
    low, high = np.array([[2.1, 2.2], [2.0, 2.1], [1.8, 1.9], [1.46, 1.46]]).T
    digit = np.array([0.05, 0.05, 0.05, 0.01])  # half of the last digit; one at high load
    assert (np.min(kappa, axis=0) > low - digit).all()
    assert (np.max(kappa, axis=0) < high + digit).all()
    assert np.min(persson) >= 0.065  # 7 to the whole per cent
    assert np.max(persson) <= 0.30


# --- flow, imprint and unloading ------------------------------------------------------

RELEASE = np.array([1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01])


def kept(height, flow, modulus, most=120.0):
    """f/f_max along a release from the pressure that imprints."""
    f = fractions(pressed(height, most * RELEASE, lambda _: flow, modulus))
    return f[1:] / f[0]


def test_unloading_keeps_contact():
    """P_max/p_Y = 0.467 on the surface of seed 1; the digits recorded are met to one unit."""
    found = kept(ground(), 120 / 0.467, against_garnet(LNOC["E"]))
    np.testing.assert_allclose(found, [0.858, 0.571, 0.379, 0.246, 0.141, 0.091], atol=1e-3)


def test_unloading_does_not_know_stiffness_and_hardness_apart_from_pressure():
    """E and H doubled together, with the pressures: the same contact."""
    one = kept(ground(), 120 / 0.467, against_garnet(LNOC["E"]))
    two = kept(ground(), 240 / 0.467, 2 * against_garnet(LNOC["E"]), most=240.0)
    np.testing.assert_allclose(one, two, rtol=1e-3)


@pytest.mark.parametrize("times", [1.5, 2.0, 4.0])
def test_unloading_hardly_knows_how_rough_a_flowing_contact_is(times):
    """Within 2 % from Sq = 0.22 µm up; at half of it flow is less complete, and f 2–7 % lower."""
    height, flow, modulus = ground(), 120 / 0.467, against_garnet(LNOC["E"])
    np.testing.assert_allclose(
        kept(times * height, flow, modulus), kept(height, flow, modulus), rtol=0.02
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solid", "mean", "spread"),
    [
        (
            LNOC,
            [0.386, 0.134, 0.108, 0.065, 0.044, 0.028],
            [0.002, 0.004, 0.004, 0.005, 0.005, 0.004],
        ),
        (
            LAOC,
            [0.591, 0.251, 0.207, 0.129, 0.089, 0.058],
            [0.002, 0.005, 0.006, 0.005, 0.004, 0.005],
        ),
    ],
    ids=["LNOC", "LAOC"],
)
def test_a_pellet_pressed_at_120_MPa_keeps_its_contact_down_to_1_MPa(solid, mean, spread):
    """Ten surfaces, raw fractions at 55, 8.2, 6, 3, 1.8 and 1 MPa, to a unit of the last digit."""
    path, modulus = [55, 120, 55, 8.2, 6, 3, 1.8, 1], against_garnet(solid["E"])
    found = np.array(
        [
            fractions(pressed(ground(seed), path, lambda P: solid["H"] / 3 + P, modulus))[2:]
            for seed in range(1, 11)
        ]
    )
    np.testing.assert_allclose(found.mean(axis=0), mean, atol=1e-3)
    np.testing.assert_allclose(found.std(axis=0, ddof=1), spread, atol=1e-3)


@pytest.mark.slow
def test_imprinted_contact_does_not_depend_on_the_grid():
    """One band-limited surface (seed 1 drawn at 256²) resampled to three grids."""
    path, modulus = [55, 120, 55, 8.2, 6, 3, 1.8], against_garnet(LNOC["E"])
    found = []
    for n in (128, 256, 512):
        last = pressed(refined(ground(), n), path, lambda P: LNOC["H"] / 3 + P, modulus)[-1]
        found.append(corrected(last.contact, BOX))
    np.testing.assert_allclose(found, [0.0521, 0.0529, 0.0528], atol=2e-4)


def test_a_pellet_pressed_harder_before_keeps_more_contact():
    modulus, flow = against_garnet(LNOC["E"]), LNOC["H"] / 3
    once = pressed(ground(n=128), [3], lambda P: flow + P, modulus)
    after = pressed(ground(n=128), [120, 3], lambda P: flow + P, modulus)
    assert fractions(after)[-1] > 2 * fractions(once)[-1]


# --- what every solution obeys --------------------------------------------------------


@st.composite
def problems(draw):
    shape = draw(st.tuples(*[st.sampled_from([16, 24, 32, 33])] * 2))
    height = noise(draw(st.integers(0, 2**31)), shape, draw(st.floats(0.5, 2.5)))
    height *= 10 ** draw(st.floats(-3, 0.5))
    pressure, share = 10 ** draw(st.floats(-3, 1)), draw(st.floats(0.02, 0.98))
    kind = draw(st.sampled_from(["elastic", "one cap", "patchy cap"]))
    cap = np.full(shape, np.inf if kind == "elastic" else 1.0)
    if kind == "patchy cap":
        cap = np.random.default_rng(draw(st.integers(0, 99))).uniform(0.2, 1, shape)
    cap = cap if kind == "elastic" else cap * pressure / share / cap.mean()
    size = (1.0, 10 ** draw(st.floats(-0.5, 0.5)))
    return {"height": height, "size": size, "modulus": 1.0, "pressure": pressure, "cap": cap}


def displacement(pressure, size):
    """K p for E* = 1, the mean left out."""
    (nx, ny), (lx, ly) = pressure.shape, size
    qx, qy = 2 * np.pi * np.fft.fftfreq(nx, lx / nx), 2 * np.pi * np.fft.fftfreq(ny, ly / ny)
    q = np.hypot(qx[:, None], qy[None, :])
    q[0, 0] = np.inf
    return np.fft.ifft2(2 / q * np.fft.fft2(pressure)).real


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_pressure_meets_gap_only_in_contact_and_carries_the_load(problem):
    solution = solve_contact(**problem).ensure()
    p, cap, rms = solution.pressure, problem["cap"], problem["height"].std()
    assert solution.load_error <= 1e-10
    assert solution.residual <= 1e-6
    assert (p >= 0).all()
    assert (p <= cap * (1 + 1e-12)).all()
    gap = displacement(p, problem["size"]) - problem["height"]
    gap -= np.mean(gap - solution.gap)  # the offset is the solver's
    np.testing.assert_allclose(gap, solution.gap, atol=1e-12 * np.ptp(problem["height"]))
    wrong = np.where(p >= cap, np.maximum(gap, 0), np.where(p > 0, abs(gap), 0))
    weighted = (p * wrong).sum() + p.mean() * np.maximum(-gap[p == 0], 0).sum()
    assert weighted / p.sum() <= 1.01e-6 * rms


@settings(max_examples=15, deadline=None)
@given(problem=problems())
def test_contact_does_not_depend_on_units(problem):
    """Lengths × 10⁻⁶ and pressures × 10⁶, as from µm and MPa to m and Pa."""
    si = {
        "height": problem["height"] * 1e-6,
        "size": (problem["size"][0] * 1e-6, problem["size"][1] * 1e-6),
        "modulus": problem["modulus"] * 1e6,
        "pressure": problem["pressure"] * 1e6,
        "cap": problem["cap"] * 1e6,
    }
    one, two = solve_contact(**problem).ensure(), solve_contact(**si).ensure()
    assert abs(np.count_nonzero(one.contact) - np.count_nonzero(two.contact)) <= 2


@pytest.mark.parametrize("cap", [np.inf, 260.0])
@pytest.mark.parametrize(
    "moved",
    [
        lambda a: np.roll(a, (5, 11), (0, 1)),
        lambda a: a[::-1],
        lambda a: a[:, ::-1],
        lambda a: a.T,
    ],
    ids=["shifted", "mirrored in x", "mirrored in y", "turned"],
)
def test_contact_moves_with_the_surface(moved, cap):
    how = {"size": BOX, "modulus": 8e3, "pressure": 120.0, "cap": cap, "rtol": 1e-9}
    one = solve_contact(ground(n=128), **how).ensure()
    two = solve_contact(moved(ground(n=128)), **how).ensure()
    assert np.count_nonzero(moved(one.contact) != two.contact) <= 2
    np.testing.assert_allclose(moved(one.pressure), two.pressure, atol=1e-4 * one.pressure.max())


seeds, loads = st.integers(0, 2**31), st.floats(-2, 0.5).map(lambda x: 10**x)


def touching(seed, pressure, cap):
    found = solve_contact(
        noise(seed, (32, 32)), size=(1.0, 1.0), modulus=1.0, pressure=pressure, cap=cap, rtol=1e-8
    )
    return int(np.count_nonzero(found.ensure().contact))


@settings(max_examples=30, deadline=None)
@given(seeds, loads, st.floats(1, 4), st.one_of(st.just(np.inf), st.floats(1.05, 50)))
def test_more_pressure_never_makes_less_contact(seed, pressure, times, hardness):
    cap = pressure * times * hardness
    assert touching(seed, pressure, cap) <= touching(seed, pressure * times, cap)


@settings(max_examples=30, deadline=None)
@given(seeds, loads, st.floats(1.05, 20), st.one_of(st.just(np.inf), st.floats(1, 10)))
def test_a_softer_solid_never_makes_less_contact(seed, pressure, soft, times):
    """But for a pixel whose pressure is below what the solve resolves."""
    hard = touching(seed, pressure, pressure * soft * times)
    assert hard <= touching(seed, pressure, pressure * soft) + 1


# --- how the solver ends --------------------------------------------------------------


def test_a_solve_cut_short_says_so_and_keeps_its_answer():
    found = solve_contact(ground(n=128), size=BOX, modulus=8e3, pressure=400.0, max_steps=1)
    assert found.outcome is Outcome.MAX_STEPS
    with pytest.raises(ConvergenceError, match="raise it, or loosen rtol") as caught:
        found.ensure()
    assert caught.value.solution is found
    assert found.pressure.mean() == pytest.approx(400.0, rel=1e-9)


@pytest.mark.parametrize("pressure", [0.0, -1.0, 100.0, 101.0])
def test_pressure_beyond_what_the_caps_carry_is_refused(pressure):
    with pytest.raises(ValueError, match="between 0 and the mean cap"):
        solve_contact(np.zeros((8, 8)), size=(1, 1), modulus=1.0, pressure=pressure, cap=100.0)


def test_a_flat_surface_touches_everywhere():
    found = solve_contact(np.zeros((16, 16)), size=(1.0, 1.0), modulus=1.0, pressure=0.5)
    assert found.ensure().contact.all()
    np.testing.assert_allclose(found.pressure, 0.5)


def test_a_cap_thin_against_the_stiffness_is_met_exactly():
    """Caps 10⁻⁵ of E*h′: the projection has steps far longer than the cap is high."""
    for seed in range(20):
        height, share = 5 * noise(seed, (32, 48), 0.5), (seed + 0.5) / 20
        found = solve_contact(
            height, size=(1.0, 3.0), modulus=1.0, pressure=share * 1e-4, cap=1e-4
        ).ensure()
        assert found.contact.mean() == pytest.approx(share, abs=2 / height.size)


@pytest.mark.parametrize(
    ("pressure", "cap"), [(0.2, np.inf), (0.01, np.inf), (0.05, 0.107)], ids=str
)
def test_the_number_of_steps_hardly_depends_on_the_grid(pressure, cap):
    """64² to 512² pixels of one surface; pressures over E*h′."""
    surface = ground(cutoff=2.0)
    q = 2 * np.pi * np.fft.fftfreq(256, SIDE / 256)
    power = np.abs(np.fft.fft2(surface) / surface.size) ** 2
    slope = np.sqrt((power * (q[:, None] ** 2 + q**2)).sum())
    steps = [
        solve_contact(
            refined(surface, n), size=BOX, modulus=1.0, pressure=pressure * slope, cap=cap * slope
        )
        .ensure()
        .steps
        for n in (64, 128, 256, 512)
    ]
    assert max(steps) <= 3 * min(steps)


def test_an_edge_between_contact_and_gap_is_counted_once():
    contact = np.zeros((8, 8), bool)
    contact[2:4, 3:7] = True
    assert perimeter(contact, (0.5, 0.25)) == pytest.approx(2 * (2 * 0.5 + 4 * 0.25))
