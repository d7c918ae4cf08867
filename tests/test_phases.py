"""Crystalline phases of powder patterns: reflections, peaks, shares and limits."""

import tomllib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from spectrum_files import shared_data, written

from dualyte import InputError
from dualyte.measure.examples import phases as example
from dualyte.measure.phases import (
    find_peaks,
    looks_like,
    lorentz_polarisation,
    measure_phases,
    phase,
    phases,
    read_pattern,
    reflections,
)
from dualyte.measure.phases.crystal import PHASES, _group
from dualyte.plot import draw
from dualyte.plot.phases import phases_figures

CU = 1.540593e-10
PAIR = (1.544427 / 1.540593, 0.5)
X = np.radians(np.arange(10.0, 70.0, 0.02))
NEAR = np.radians(np.arange(26.0, 46.0, 0.02))  # holds the first lines of LiCl
GARNET = {"LLZTO": 1.0}


def made(folder, shares, seed=0, name="a.xy", x=X, **how):
    counts = np.random.default_rng(seed).poisson(example.simulated(x, shares, **how))
    rows = [f"{a:.3f} {n:d}" for a, n in zip(np.degrees(x), counts, strict=True)]
    return written(folder, "\n".join(rows) + "\n", name)


# --- reflections ---------------------------------------------------------------------------


def test_every_reflection_of_the_garnet_obeys_the_conditions_of_its_group():
    """Ia-3d: h+k+l even; k, l even for 0kl; 2h+l a multiple of 4 for hhl."""
    for hkl in reflections(phase("LLZTO"), 1.0e-10).hkl:
        assert sum(hkl) % 2 == 0
        a, b, c = sorted(map(abs, hkl))
        if a == 0:
            assert b % 2 == c % 2 == 0
        if a == b:
            assert (2 * a + c) % 4 == 0
        if b == c:
            assert (2 * b + a) % 4 == 0


def test_rock_salt_has_only_unmixed_indices_and_their_multiplicities():
    lines = reflections(phase("LiCl"), 0.9e-10)
    assert all(len({index % 2 for index in hkl}) == 1 for hkl in lines.hkl)
    heavy = reflections(phase("LiCl"), 1.4e-10)
    F = np.sqrt(heavy.strength / np.array([8, 6, 12, 24, 8])) * phase("LiCl").volume
    assert heavy.hkl == ((1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1), (2, 2, 2))
    # odd: Cl − Li, even: Cl + Li, four of each in the cell
    assert F[0] < F[1]
    assert F[3] < F[2]
    assert 4 * (17 - 3) * 0.5 < F[0] < 4 * 17


def test_bragg_angles_are_those_of_the_cell():
    lines = reflections(phase("LiCl"), 1.2e-10)
    angles = np.degrees(lines.angles(CU))
    by_hand = [2 * np.degrees(np.arcsin(CU * np.sqrt(n) / 2 / 5.14e-10)) for n in (3, 4, 8, 11)]
    assert angles[:4] == pytest.approx(by_hand, abs=1e-9)
    assert angles[0] == pytest.approx(30.09, abs=0.01)
    assert np.isnan(lines.angles(3e-10)[-1])
    assert lines.angles(CU, 1.01)[0] < lines.angles(CU)[0]


def test_the_strong_lines_of_each_phase_are_those_that_everyone_sees():
    strong = {
        "LLZTO": {(4, 2, 2), (2, 1, 1), (4, 2, 0), (6, 4, 2)},
        "LiCl": {(1, 1, 1), (2, 0, 0)},
        "Li2CO3": {(0, 0, 2), (2, 0, -2), (1, 1, 0)},
    }
    for name, wanted in strong.items():
        lines = reflections(phase(name), 1.3e-10)
        order = np.argsort(-lines.intensities(CU))
        top = {lines.hkl[k] for k in order[: len(wanted)]}
        assert top == wanted


def test_densities_are_those_of_handbooks():
    for name, density in (("LiCl", 2070), ("Li2CO3", 2110), ("LLZTO", 5450)):
        assert phase(name).density == pytest.approx(density, rel=0.01)


def test_groups_have_as_many_operations_as_they_should():
    for name, order in (("LLZTO", 96), ("LiCl", 192), ("Li2CO3", 8)):
        table = tomllib.loads((PHASES / f"{name}.toml").read_text(encoding="utf-8"))
        assert len(_group(table["generators"], table["centring"])) == order
    atoms = {"LLZTO": 24 + 2 * 16 + 96, "LiCl": 8, "Li2CO3": 8 + 4 + 4 + 8}
    assert {name: len(phase(name).positions) for name in atoms} == atoms


def test_bonds_of_the_structures_are_sensible():
    for name, a, b, length in (("LLZTO", 40, 8, 2.11), ("LLZTO", 57, 8, 2.55),
                               ("Li2CO3", 6, 8, 1.28), ("LiCl", 3, 17, 2.57)):  # fmt: skip
        crystal = phase(name)
        electrons = np.array([round(sum(f[::2])) for f in crystal.factors.tolist()])
        first = crystal.positions[electrons == a][0]
        gap = (crystal.positions[electrons == b] - first + 0.5) % 1.0 - 0.5
        lengths, angle = np.array(crystal.cell[:3]), crystal.cell[4]
        x, y, z = (gap * lengths).T
        d = np.sqrt(x**2 + y**2 + z**2 + 2 * x * z * np.cos(angle)) * 1e10
        assert d.min() == pytest.approx(length, abs=0.06)


def test_scattering_factors_add_up_to_the_electrons():
    table = tomllib.loads((PHASES / "scattering.toml").read_text(encoding="utf-8"))
    for name, row in table["factors"].items():
        assert sum(row[::2]) == pytest.approx(table["electrons"][name], abs=0.05)


def test_lorentz_and_polarisation_fall_from_small_angles():
    x = np.radians([10, 30, 60, 90])
    assert all(a > b for a, b in pairwise(lorentz_polarisation(x)))


def test_a_phase_of_your_own_is_read_and_a_wrong_one_refused(tmp_path):
    text = (PHASES / "LiCl.toml").read_text(encoding="utf-8")
    own = written(tmp_path, text.replace('"LiCl"', '"mine"'), "mine.toml")
    assert phase(own).name == "mine"
    for old, new, why in (
        ("mass = 169.56", "", "lacks 'mass'"), ('"-x,-y,z"', '"-x,-w,z"', "no operation"),
        ('centring = "F"', 'centring = "Q"', "centring"), ("5.14, 5.14, 5.14", "5e-10", "cell"),
        ('atom = "Cl"', 'atom = "Zz"', "no scattering factor"), ("kind =", "kind", "TOML"),
        ('"z,x,y"', '"z+1/7,x,y"', "no group"), ('kind = "assumed"', 'kind = "x"', "kind"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=why):
            phase(written(tmp_path, text.replace(old, new), "bad.toml"))
    with pytest.raises(InputError, match="known: LLZTO, Li2CO3, LiCl"):
        phase("LiNbOCl4")


# --- peaks ---------------------------------------------------------------------------------


def test_noise_alone_makes_no_peak(tmp_path):
    for seed in range(5):
        found = find_peaks(read_pattern(made(tmp_path, {}, seed)), PAIR)
        assert len(found.peaks) == 0


def test_places_and_areas_of_peaks_are_found_within_their_spreads(tmp_path):
    pattern = read_pattern(made(tmp_path, GARNET, 3))
    found = find_peaks(pattern, PAIR)
    lines = reflections(phase("LLZTO"), 1.3e-10)
    truth, areas = lines.angles(CU), lines.intensities(CU)
    strong = [p for p in found.peaks if p.significance > 40]
    assert len(strong) > 12
    ratios = []
    for peak in strong:
        k = int(np.nanargmin(np.abs(truth - peak.angle)))
        assert abs(truth[k] - peak.angle) < 4 * peak.angle_spread
        ratios.append(peak.area / areas[k])
    assert np.std(ratios) / np.mean(ratios) < 0.04
    assert found.shape[2] == pytest.approx(0.5, abs=0.03)
    assert np.degrees(found.width(0.6)) == pytest.approx(0.12, rel=0.03)
    left = (pattern.counts - found.background - found.model) / np.sqrt(found.variance)
    assert left.std() == pytest.approx(1.0, abs=0.06)


def test_the_background_keeps_an_amorphous_halo(tmp_path):
    pattern = read_pattern(made(tmp_path, GARNET, 1, halo=300.0))
    found = find_peaks(pattern, PAIR)
    truth = example.simulated(X, {}, halo=300.0)
    assert np.abs(found.background / truth - 1).max() < 0.06


def test_counts_that_were_scaled_are_seen_by_their_scatter(tmp_path):
    counts = np.random.default_rng(0).poisson(example.simulated(X, GARNET)) / 30.0
    text = "".join(f"{np.degrees(a):.3f} {n:.5f}\n" for a, n in zip(X, counts, strict=True))
    pattern = read_pattern(written(tmp_path, text, "rate.xy"))
    assert pattern.gain == pytest.approx(1 / 30, rel=0.1)
    assert any("scatter" in c for c in pattern.changes)
    assert 15 < len(find_peaks(pattern, PAIR).peaks) < 40


# --- phases --------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "a"), [(0.0, 12.94), (0.08, 12.965), (-0.1, 12.92)])
def test_zero_shift_and_cell_are_told_apart(tmp_path, shift, a):
    path = made(tmp_path, GARNET, 2, shift=np.radians(shift), cells={"LLZTO": a * 1e-10})
    found = measure_phases([path])
    value, cell = found["zero_shift"], found["LLZTO_cell"]
    assert np.degrees(value.si) == pytest.approx(shift, abs=0.005)
    assert abs(cell.si - a * 1e-10) < 3 * cell.spread
    assert cell.si == pytest.approx(a * 1e-10, rel=2e-4)
    assert found["peaks_unexplained"].si == 0
    assert found["explained"].si == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_lithium_chloride_is_found_with_its_share(tmp_path, share):
    path = made(tmp_path, {"LLZTO": 1 - share, "LiCl": share}, 5, height=20_000)
    value = measure_phases([path])["LiCl_share"]
    assert abs(value.si - share) < 3 * value.spread
    assert value.si == pytest.approx(share, rel=0.15)
    assert value.kind == "computed"


@pytest.mark.slow
def test_the_upper_limit_holds_for_what_is_not_seen(tmp_path):
    share, held = 0.001, 0
    for seed in range(12):
        path = made(tmp_path, {"LLZTO": 1 - share, "LiCl": share}, seed, x=NEAR)
        found = measure_phases([path], phases="LLZTO,LiCl")
        assert "LiCl_share" not in found.results
        held += found["LiCl_limit"].si > share
        assert found["LiCl_limit"].si < 0.01
    assert held >= 10  # 95 %, less than 10 of 12 by chance 2 %


def test_counting_longer_lowers_the_limit_as_the_root_of_counts(tmp_path):
    limits = []
    for height in (1000.0, 40_000.0):
        several = [
            measure_phases([_quiet(tmp_path, height, seed)], phases="LLZTO,LiCl")["LiCl_limit"].si
            for seed in range(3)
        ]
        limits.append(np.mean(several))
    assert 3 < limits[0] / limits[1] < 13  # √40 is 6.3


def _quiet(folder, height, seed):
    mean = example.simulated(NEAR, GARNET, height=4000.0) * height / 4000.0
    counts = np.random.default_rng(seed).poisson(mean)
    rows = [f"{a:.3f} {n:d}" for a, n in zip(np.degrees(NEAR), counts, strict=True)]
    return written(folder, "\n".join(rows) + "\n", "q.xy")


def test_a_limit_says_its_line_and_what_is_assumed(tmp_path):
    found = measure_phases([made(tmp_path, GARNET)])
    assert "its line 111 at 30.09" in found["LiCl_limit"].where
    assert "95 %" in found["LiCl_limit"].where
    assert found["intensity_ratio"].kind == "assumed"
    assert found["intensity_ratio"].spread > 0
    assert any("structure of LLZTO is assumed" in w for w in found.warnings)


def test_an_amorphous_pattern_explains_nothing_and_says_so(tmp_path):
    found = measure_phases([made(tmp_path, {}, 1, halo=400.0)])
    assert found["peaks"].si == 0
    assert not any(name.endswith(("_share", "_limit")) for name in found.results)
    assert any("no peak stands out" in w for w in found.warnings)
    assert any("no crystalline phase to compare LiCl with" in w for w in found.warnings)


def test_a_peak_that_no_phase_has_is_named(tmp_path):
    mean = example.simulated(X, GARNET) + 500 * np.exp(-(((X - np.radians(29.1)) / 1.3e-3) ** 2))
    counts = np.random.default_rng(0).poisson(mean)
    text = "".join(f"{np.degrees(a):.3f} {n}\n" for a, n in zip(X, counts, strict=True))
    found = measure_phases([written(tmp_path, text, "b.xy")])
    assert found["peaks_unexplained"].si >= 1
    [odd] = [r["2theta / degree"] for r in found.table if not r["phase"]]
    assert odd == pytest.approx(29.1, abs=0.05)
    assert any(f"no phase explains the peaks at {odd:.2f}" in w for w in found.warnings)
    assert found["explained"].si < 1


def test_patterns_are_replicates(tmp_path):
    paths = [made(tmp_path, GARNET, seed, f"{seed}.xy") for seed in range(3)]
    found = measure_phases(paths, phases="LLZTO")
    assert "mean of 3 patterns" in found["LLZTO_cell"].where
    assert found["LLZTO_cell"].si == pytest.approx(12.94e-10, rel=1e-4)
    assert {row["pattern"] for row in found.table} == {"0", "1", "2"}


# --- files ---------------------------------------------------------------------------------


def test_text_with_headings_and_xrdml_hold_the_same_pattern(tmp_path):
    plain = read_pattern(made(tmp_path, GARNET))
    y = " ".join(f"{n:.0f}" for n in plain.counts)
    degrees = np.degrees(plain.angle)
    rows = "\n".join(f"{a:.3f};{n:.0f}".replace(".", ",")
                     for a, n in zip(degrees, plain.counts, strict=True))  # fmt: skip
    comma = read_pattern(written(tmp_path, "2Theta [°];Counts\n" + rows + "\n", "c.csv"))
    xml = (
        f'<?xml version="1.0"?><xrdMeasurements><xrdMeasurement><usedWavelength>'
        f'<kAlpha1 unit="Angstrom">1.7890</kAlpha1></usedWavelength><scan><dataPoints>'
        f'<positions axis="2Theta" unit="deg"><startPosition>{degrees[0]:.3f}</startPosition>'
        f"<endPosition>{degrees[-1]:.3f}</endPosition></positions>"
        f'<intensities unit="counts">{y}</intensities></dataPoints></scan></xrdMeasurement>'
        "</xrdMeasurements>"
    )
    xrdml = read_pattern(written(tmp_path, xml, "c.xrdml"))
    for other in (comma, xrdml):
        assert other.angle == pytest.approx(plain.angle, abs=1e-9)
        assert other.counts == pytest.approx(plain.counts)
    assert "read decimal commas" in comma.changes
    assert xrdml.wavelength == pytest.approx(1.789e-10)
    with pytest.raises(InputError, match="damaged"):
        read_pattern(written(tmp_path, xml.replace(f"{y[:20]}", "1 2 x "), "d.xrdml"))
    with pytest.raises(InputError, match="positions but"):
        read_pattern(written(tmp_path, xml.replace("<startPos", "<listPositions>1 2</listPositions>"
                                                   "<startPos"), "e.xrdml"))  # fmt: skip


def test_a_pattern_that_falls_is_turned_round_and_another_wavelength_is_used(tmp_path):
    lines = made(tmp_path, GARNET).read_text().splitlines()
    pattern = read_pattern(written(tmp_path, "\n".join(lines[::-1]) + "\n", "r.xy"))
    assert pattern.angle[0] < pattern.angle[-1]
    assert any("turned round" in c for c in pattern.changes)
    wrong = measure_phases([tmp_path / "r.xy"], wavelength=1.789e-10)
    assert wrong.results.get("explained") is None or wrong["explained"].si < 0.5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing here\n", "no table"),
        ("".join(f"{k} 5\n" for k in range(40)), "has 40 points"),
        ("".join(f"{k} 5\n" for k in range(300)), "between 0 and 180"),
        ("".join(f"{k / 10} {5 - k}\n" for k in range(300)), "negative"),
        ("".join(f"{k % 150 / 10} 5\n" for k in range(300)), "does not rise"),
        ("".join(f"{k / 10} 0\n" for k in range(300)), "no counts"),
    ],
)
def test_what_is_no_pattern_is_refused(tmp_path, text, why):
    with pytest.raises(InputError, match=why):
        measure_phases([written(tmp_path, text, "a.xy")])


@pytest.mark.parametrize("how", [{"wavelength": 1.54}, {"phases": "LiF"}, {"phases": " "},
                                 {"wavelength": 9e-9}])  # fmt: skip
def test_wrong_options_are_refused(tmp_path, how):
    with pytest.raises(InputError):
        measure_phases([made(tmp_path, GARNET)], **how)


def test_patterns_are_known_by_content_and_photoelectrons_are_none(tmp_path):
    path = made(tmp_path, GARNET)
    assert looks_like(path, path.read_bytes()[:65536]) == "powder pattern, text"
    assert looks_like(path, b"<xrdMeasurements><xrdMeasurement>") == "PANalytical XRDML"
    assert looks_like(path.with_suffix(".csv"), b"time / h,R / ohm\n1,2\n2,3\n") is None
    assert looks_like(path, b"\x00\x01") is None
    spectrum = shared_data("xps/pynx_MgFe2O4_small.xy")
    assert looks_like(spectrum, spectrum.read_bytes()[:65536]) is None


def test_a_pattern_that_ends_before_the_first_line_has_no_limit(tmp_path):
    x = np.radians(np.arange(4.0, 9.0, 0.02))
    found = measure_phases([made(tmp_path, {}, x=x)], phases="LiCl")
    assert found["peaks"].si == 0
    assert any("no limit of it" in w for w in found.warnings)
    assert phases_figures(found)


def test_a_bad_file_costs_only_itself(tmp_path):
    found = measure_phases([written(tmp_path, "no\n", "bad.xy"), made(tmp_path, GARNET)])
    assert [f.file for f in found.failures] == ["bad.xy"]
    assert found.files == ("a.xy",)


# --- example and figures -------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_example_gives_its_truth(tmp_path, seed):
    truth = example.write(tmp_path, seed=seed)
    found = measure_phases(sorted(tmp_path.glob("*.xy")), **example.OPTIONS)
    for name, (quantity, si) in truth.items():
        value = found[name]
        assert value.quantity == quantity
        assert abs(value.si - si) < 3 * value.spread
        assert value.si == pytest.approx(si, rel=0.3)
    assert "LiCl_limit" in found.results
    assert all(path.stat().st_size < 50_000 for path in tmp_path.iterdir())


def test_the_figure_is_drawn(tmp_path):
    found = measure_phases([made(tmp_path, GARNET)])
    [figure] = phases_figures(found)
    assert figure.name == "phases"
    draw(figure, tmp_path / "phases.png")


@pytest.mark.parametrize("height", [4.0, 130.0, 4000.0, 9.7e4])
def test_no_number_of_the_axis_is_below_zero(tmp_path, height):
    from matplotlib.ticker import AutoLocator

    found = measure_phases([made(tmp_path, GARNET)])
    study = found.detail[0]
    counts = study.pattern.counts * height / study.pattern.counts.max()
    figure = phases_figures(
        replace(found, detail=(replace(study, pattern=replace(study.pattern, counts=counts)),))
    )[0]
    low, high = figure.y_limits
    ticks = AutoLocator().tick_values(low, high)
    assert min(np.min(s.y[np.isfinite(s.y)]) for s in figure.series) > low
    assert ticks[(ticks >= low) & (ticks <= high)].min() >= 0


def test_the_library_lists_its_phases():
    assert phases() == ["LLZTO", "Li2CO3", "LiCl"]
