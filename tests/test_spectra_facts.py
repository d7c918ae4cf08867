"""What is known of the cell behind a spectrum: from names, heads and sidecars; replicates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import F, assert_same, cell, columns, one, said, table, written

from dualyte import InputError, q
from dualyte.measure.files import read_spectra, remember
from dualyte.measure.files.names import pressures, temperatures, without_replicate

# --- names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "celsius"),
    [
        ("cell1_-40C_55MPa", -40), ("s04147-140deg", 140), ("a_25degC", 25), ("a_25 °C_b", 25),
        ("PEIS_LPSCl_IonBlocking_-25C", -25), ("x_m20C_y", -20), ("x_minus20C", -20),
        ("T-10C", -10), ("T=40C", 40), ("−30C_cell", -30), ("PEIS_TSeq7_-25C_#61_C01", -25),
        ("x_0C", 0), ("x_0.5degC", 0.5), ("x_22,5C", 22.5), ("x_22p5C", 22.5), ("cell-60C", 60),
        ("-5C", -5), ("x_80oC", 80), ("LLZTO(25C)", 25),
    ],
)  # fmt: skip
def test_temperatures_are_read_from_names(name, celsius):
    assert temperatures(name)[0] == pytest.approx([celsius + 273.15], abs=1e-9)


@pytest.mark.parametrize(
    "name",
    ["PC06_100mg_C01", "C06", "rate_0.1C", "rate_2C", "25", "a_C10", "10kHz", "HybridGEIS_0.01C",
     "LPSCl5", "25Cr_steel", "5K", "12CK"],
)  # fmt: skip
def test_what_is_no_temperature_is_not_taken_for_one(name):
    assert temperatures(name)[0] == []


def test_kelvin_is_kelvin_and_celsius_is_off_by_273_15():
    assert temperatures("a_298K_b")[0] == [298.0]
    assert temperatures("a_298.15K")[0] == temperatures("a_25C")[0] == [298.15]


@pytest.mark.parametrize(
    ("name", "pascal"),
    [("cell1_-40C_55MPa", 55e6), ("a_5.5MPa", 5.5e6), ("a_5p5MPa", 5.5e6), ("a-300kPa", 3e5),
     ("x_1GPa", 1e9), ("5mpa", 5e6), ("a_20bar_b", 2e6)],
)  # fmt: skip
def test_pressures_are_read_from_names(name, pascal):
    assert pressures(name) == pytest.approx([pascal])


def test_two_temperatures_in_a_name_are_not_chosen_from(tmp_path):
    spectrum = one(written(tmp_path, table(columns()), "sintered_1100C_25C_360MPa_50MPa.csv"))
    assert spectrum.temperature is None
    assert spectrum.pressure is None
    assert said(spectrum, "took no temperature from the name, which holds 25 degC and 1100 degC")
    assert said(spectrum, "took no pressure")


def test_replicates_share_a_name():
    for stem in ("cell_25C_rep2", "cell_25C_2", "cell_25C (2)", "cell_25C#2", "cell_25C-run3",
                 "cell_25C_r1"):  # fmt: skip
        assert without_replicate(stem) == "cell_25C"
    assert without_replicate("cell1_25C") != without_replicate("cell2_25C")
    assert without_replicate("cell_25C") != without_replicate("cell_40C")


# --- sidecars -------------------------------------------------------------------------


def test_what_is_remembered_for_a_folder_need_not_be_given_again(tmp_path):
    written(tmp_path, table(columns()), "cell_25C.csv")
    remember(tmp_path, area=q("1.13 cm2"), thickness="1 mm", interfaces=2, pressure=None)
    spectrum = one(tmp_path)
    assert spectrum.area == pytest.approx(1.13e-4)
    assert spectrum.thickness == pytest.approx(1e-3)
    assert spectrum.interfaces == 2
    assert spectrum.temperature == pytest.approx(298.15)
    assert said(spectrum, r"took the area 1\.13 cm2 from dualyte\.toml")
    assert said(spectrum, r"took the thickness 1 mm from dualyte\.toml")
    remember(tmp_path, thickness=5e-4)
    assert 'thickness = "0.5 mm"' in (tmp_path / "dualyte.toml").read_text()


def test_the_argument_wins_over_the_sidecar_over_the_head_over_the_name(tmp_path):
    path = written(tmp_path, "Area: 3 cm2\n" + table(columns()), "cell_25C.csv")
    assert one(path).area == pytest.approx(3e-4)
    (tmp_path / "dualyte.toml").write_text('area = "2 cm2"\n["cell_*"]\ntemperature = "30 degC"\n')
    spectrum = one(path)
    assert spectrum.area == pytest.approx(2e-4)
    assert spectrum.temperature == pytest.approx(303.15)
    assert said(spectrum, "the name says temperature 25 degC, which dualyte.toml .* contradicts")
    assert said(spectrum, "the file's head or column says area 3 cm2")
    remember(path, temperature="40 degC")
    assert one(path).temperature == pytest.approx(313.15)
    spectrum = one(path, area=1e-4, temperature=300.0)
    assert (spectrum.area, spectrum.temperature) == (1e-4, 300.0)


def test_the_nearest_table_of_a_sidecar_wins(tmp_path):
    text = """
thickness = "1 mm"
["*.csv"]
thickness = "2 mm"
["a.csv"]
thickness = "3 mm"
["b*"]
lowest = "1 Hz"
highest = "10 kHz"
"""
    (tmp_path / "dualyte.toml").write_text(text)
    for name in ("a.csv", "b.csv", "c.txt"):
        written(tmp_path, table(columns()), name)
    a, b, c = read_spectra(tmp_path)
    assert (a.thickness, b.thickness, c.thickness) == pytest.approx((3e-3, 2e-3, 1e-3))
    assert a.used.all()
    assert b.frequency[b.used].min() >= 1
    assert b.frequency[b.used].max() <= 1e4
    assert said(b, "masked 10 of 31 points by frequency")


def test_lines_of_the_head_are_used_if_they_have_units(tmp_path):
    head = "# Temperature: -19,9 °C\n# stack pressure (MPa) = 5.5\nArea: 1.13 cm2\nThickness: 3\n"
    spectrum = one(written(tmp_path, head + table(columns()), "cell_-20C.csv"))
    assert spectrum.temperature == pytest.approx(253.25)
    assert spectrum.pressure == pytest.approx(5.5e6)
    assert spectrum.area == pytest.approx(1.13e-4)
    assert spectrum.thickness is None
    assert_same(spectrum)


def test_298_kelvin_in_a_name_agrees_with_25_celsius(tmp_path):
    path = written(tmp_path, table(columns()), "cell_298K.csv")
    remember(path, temperature="25 degC")
    assert not said(one(path), "contradicts")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('aera = "1 cm2"', r"dualyte\.toml: no fact is called 'aera'; did you mean area"),
        ("area = 1.13", r"dualyte\.toml, area: area '1\.13' has no unit"),
        ('area = "1 mm"', r"dualyte\.toml, area: area '1 mm' has the wrong unit"),
        ("interfaces = 0", "interfaces = 0; a cell has 1 or more"),
        ("area = ", r"dualyte\.toml is not TOML"),
    ],
)
def test_a_bad_sidecar_is_one_clear_sentence(tmp_path, text, words):
    written(tmp_path, table(columns()))
    (tmp_path / "dualyte.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_spectra(tmp_path)


def test_remembering_keeps_comments_and_other_tables(tmp_path):
    path = tmp_path / "dualyte.toml"
    path.write_text('# pellets of May\narea = "1 cm2"\n\n["a*"]\narea = "2 cm2"\n')
    assert remember(tmp_path, area=1.13e-4, interfaces=2, group="A") == path
    text = path.read_text()
    assert text.startswith('# pellets of May\narea = "1.13 cm2"\ninterfaces = 2\ngroup = "A"\n')
    assert text.endswith('["a*"]\narea = "2 cm2"\n')
    assert [p.name for p in tmp_path.iterdir()] == ["dualyte.toml"]


def test_nonsense_is_not_remembered(tmp_path):
    for facts in ({"aera": 1}, {"area": "1 mm"}, {"area": 5.0}, {"interfaces": 0}):
        with pytest.raises(InputError):
            remember(tmp_path, **facts)
    assert not (tmp_path / "dualyte.toml").exists()
    with pytest.raises(InputError, match="no file or folder"):
        remember(tmp_path / "gone", area=1e-4)


@given(area=st.floats(1e-8, 1e-2), thickness=st.floats(1e-8, 1e-2), t=st.floats(150, 1000))
@settings(max_examples=50, deadline=None)
def test_what_is_remembered_is_read_again_as_it_was(tmp_path_factory, area, thickness, t):
    folder = tmp_path_factory.mktemp("t")
    remember(folder, area=area, thickness=thickness, temperature=t)
    spectrum = one(written(folder, table(columns())))
    assert spectrum.area == pytest.approx(area, rel=1e-11)
    assert spectrum.thickness == pytest.approx(thickness, rel=1e-11)
    assert spectrum.temperature == pytest.approx(t, rel=1e-11)


# --- replicates -----------------------------------------------------------------------


def test_replicates_are_averaged_with_their_spread(tmp_path):
    rng = np.random.default_rng(1)
    for k in range(3):
        z = cell() + rng.normal(size=F.size) + 1j * rng.normal(size=F.size)
        written(tmp_path, table(columns(z=z)), f"cell_25C_rep{k + 1}.csv")
    written(tmp_path, table(columns()), "cell_40C.csv")
    separate = read_spectra(tmp_path)
    mean, other = read_spectra(tmp_path, average=True)
    assert mean.name == "cell_25C"
    assert mean.z == pytest.approx(np.mean([s.z for s in list(separate)[:3]], axis=0))
    assert np.median(mean.spread) == pytest.approx(1 / np.sqrt(3), rel=0.3)
    assert said(mean, "mean of 3 sweeps: cell_25C_rep1, cell_25C_rep2, cell_25C_rep3")
    assert other.spread is None


def test_a_group_in_a_sidecar_makes_replicates_of_files_named_otherwise(tmp_path):
    for name in ("monday", "tuesday"):
        remember(written(tmp_path, table(columns()), f"{name}.csv"), group="cell A")
    assert one(tmp_path, average=True).name == "cell A"


def test_replicates_at_other_frequencies_or_areas_are_not_averaged(tmp_path):
    written(tmp_path, table(columns()), "a_1.csv")
    second = written(tmp_path, table(columns(F[:20])), "a_2.csv")
    with pytest.raises(InputError, match="other frequencies"):
        read_spectra(tmp_path, average=True)
    reading = read_spectra(tmp_path, average=True, raise_errors=False)
    assert len(reading) == 2
    assert len(reading.failures) == 1
    second.write_text(table(columns()))
    remember(second, area=1e-4)
    with pytest.raises(InputError, match="their area differs"):
        read_spectra(tmp_path, average=True)


def test_spectra_of_one_name_get_different_ones_and_say_so(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, table(columns()), "a.csv")
    written(tmp_path / "one", table(columns()), "a.txt")
    reading = read_spectra([tmp_path / "one", tmp_path / "two"])
    assert [s.name for s in reading] == ["one/a.csv", "a.txt", "two/a.csv"]
    assert all(said(s, "another spectrum is also called 'a'") for s in reading)


def test_a_file_given_twice_is_read_once(tmp_path):
    path = written(tmp_path, table(columns()))
    assert len(read_spectra([path, path, tmp_path])) == 1


def test_points_beyond_the_asked_frequencies_are_masked_not_lost(tmp_path):
    path = written(tmp_path, table(columns()))
    spectrum = one(path, lowest=1.0, highest=1e4)
    assert spectrum.frequency.size == 31
    assert spectrum.kept.frequency.max() <= 1e4
    with pytest.raises(InputError, match="no point lies between"):
        read_spectra(path, lowest=1e9)
