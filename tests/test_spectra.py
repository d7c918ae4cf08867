"""Impedance files: what is in them is what is read, and every change is said."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import HERE, PELLET, F, assert_same, cell, columns, one, said, table, written

from dualyte import InputError, q
from dualyte.measure.files import Reading, read_spectra
from dualyte.measure.files.columns import heading, unit_of
from dualyte.measure.files.sweeps import kronig

# --- plain tables ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sep", "comma"),
    [(",", False), (";", False), ("\t", False), ("  ", False), (";", True), ("\t", True),
     (" ", True)],
)  # fmt: skip
@pytest.mark.parametrize("header", ["", "f{0}Z'{0}Z''", "Freq.[Hz]{0}Z_re(Ohm){0}Z_im(Ohm)"])
def test_a_table_means_the_same_whatever_separates_it(tmp_path, sep, comma, header):
    spectrum = one(written(tmp_path, table(columns(), header.format(sep), sep, comma)))
    assert_same(spectrum)
    assert said(spectrum, "decimal commas") == comma


@pytest.mark.parametrize(
    ("header", "order", "signs"),
    [
        ("-Im(Z)/Ohm,Re(Z)/Ohm,freq/Hz", [2, 1, 0], [-1, 1, 1]),
        ("Frequency (Hz),Z\" (Ohm),Z' (Ohm)", [0, 2, 1], [1, 1, 1]),
        ("time/s,Zreal,-Zimag,Frequency", [0, 1, 2, 0], [0, 1, -1, 1]),
        ("f/Hz,Z′/Ω,−Z″/Ω", [0, 1, 2], [1, 1, -1]),
        ("# freq,real,imaginary", [0, 1, 2], [1, 1, 1]),
        ('"freq/Hz","Re(Z)/Ohm","-Im(Z)/Ohm"', [0, 1, 2], [1, 1, -1]),
        ('"f, Hz";"Z\' (Ohm)";"Z"" (Ohm)"', [0, 1, 2], [1, 1, 1]),
    ],
)
def test_columns_are_found_by_name_in_any_order(tmp_path, header, order, signs):
    sep = ";" if ";" in header else ","
    assert_same(one(written(tmp_path, table(columns()[:, order] * signs, header, sep))))


@pytest.mark.parametrize(
    ("header", "scale", "words"),
    [
        ("f/kHz,Z'/kOhm,Z''/kOhm", [1e-3, 1e-3, 1e-3], "'f/kHz' from kHz to Hz"),
        ("f/MHz,Z'/mΩ,Z''/mΩ", [1e-6, 1e3, 1e3], "from mΩ to ohm"),
        ("f/mHz,Z' (MOhm),Z'' (MOhm)", [1e3, 1e-6, 1e-6], "from MOhm to ohm"),
        ("omega,Z',Z''", [2 * np.pi, 1, 1], "as angular frequency in rad/s"),
        ("f [rad/s],Z',Z''", [2 * np.pi, 1, 1], "from rad/s to Hz"),
    ],
)
def test_units_of_headings_are_converted_and_said(tmp_path, header, scale, words):
    spectrum = one(written(tmp_path, table(columns() * scale, header)))
    assert_same(spectrum)
    assert said(spectrum, re.escape(words))


def test_area_specific_numbers_need_the_area(tmp_path):
    path = written(tmp_path, table(columns() * [1, 2, 2], "f/Hz,Z'/Ohm cm2,Z''/Ω·cm²"))
    with pytest.raises(InputError, match=r"in Ohm cm2, per area; give area="):
        read_spectra(path)
    spectrum = one(path, area=q("2 cm2"))
    assert_same(spectrum)
    assert spectrum.specific == pytest.approx(cell() * 2e-4)


@pytest.mark.parametrize("unit", ["deg", "rad"])
def test_modulus_and_phase_are_the_same_impedance(tmp_path, unit):
    z = cell()
    angle = np.degrees(np.angle(z)) if unit == "deg" else np.angle(z)
    for header in (f"f/Hz,|Z|/Ohm,Phase/{unit}", "f/Hz,|Z|/Ohm,phase"):
        path = written(tmp_path, table(np.column_stack([F, np.abs(z), angle]), header))
        assert_same(one(path))


@given(sign=st.sampled_from([1, -1]), r=st.floats(10, 1e5), c=st.floats(1e-9, 1e-3))
@settings(max_examples=30, deadline=None)
def test_a_relaxation_is_capacitive_whatever_sign_a_table_without_a_minus_has(
    tmp_path_factory, sign, r, c
):
    z = cell(r=r, c=c)
    rows = np.column_stack([F, z.real, sign * z.imag])
    spectrum = one(written(tmp_path_factory.mktemp("t"), table(rows, "f,Z',Z''")))
    assert (spectrum.z.imag < 0).all()
    assert said(spectrum, "turned the sign of Im round") == (sign < 0)


def test_a_minus_in_the_heading_decides_even_for_an_inductor(tmp_path):
    z = 1 + 2j * np.pi * F * 1e-6
    spectrum = one(written(tmp_path, table(columns(z=z) * [1, 1, -1], "f,Z',-Z''")))
    assert_same(spectrum, F, z)


def test_an_inductive_sweep_that_re_bears_out_keeps_its_sign(tmp_path):
    """A coil with a lossy core: Re and Im rise together, as Kronig's relation demands."""
    z = 0.1 + 1 / (1 + 1 / (2j * np.pi * F * 1e-5))
    spectrum = one(written(tmp_path, table(columns(z=z))))
    assert_same(spectrum, F, z)
    assert said(spectrum, "kept the sign of Im though 31 of 31")


def test_kronig_tells_the_sign_of_real_cells():
    for name in (f"{PELLET}.mpr", "imppy_exampleDataGamry.DTA", "eisfit_s04147_140C.txt"):
        spectrum = one(HERE / name)
        assert kronig(spectrum.frequency, spectrum.z) > 0.7
        assert kronig(spectrum.frequency, spectrum.z.conj()) < -0.7


def test_swapped_columns_without_headings_are_put_right_and_said(tmp_path):
    spectrum = one(written(tmp_path, table(columns()[:, [0, 2, 1]], header="")))
    assert_same(spectrum)
    assert said(spectrum, "swapped the columns of the real and imaginary part")
    spectrum = one(written(tmp_path, table(columns()[:, [1, 2, 0]], header="")))
    assert_same(spectrum)
    assert said(spectrum, "took column 3 as the frequency")


def test_a_column_that_counts_the_rows_is_no_frequency(tmp_path):
    rows = np.column_stack([np.arange(31), columns()])
    spectrum = one(written(tmp_path, table(rows, header="")))
    assert_same(spectrum)
    assert said(spectrum, "left out the first column, which counts the rows")
    assert_same(one(written(tmp_path, table(rows, header=",f,Z',Z''"))))


def test_rows_that_are_no_measurement_are_dropped_and_said(tmp_path):
    rows = columns()
    text = table(rows) + "0,20,0\nNaN,1,1\n-5,1,1\n3,,\n2,0,0\n"
    spectrum = one(written(tmp_path, text))
    assert_same(spectrum)
    for words in ("1 of 34 rows with f = 0", "1 of 34 rows with a negative freq", "Z = 0",
                  "line 34, which lacks a number", "line 36, which has 1 of 3 col"):  # fmt: skip
        assert said(spectrum, words), words


def test_words_among_the_numbers_and_a_cut_last_line_cost_only_their_rows(tmp_path):
    text = table(columns()).replace("\n", "\n", 1)
    lines = text.splitlines()
    lines[5] = lines[5].rsplit(",", 1)[0] + ",overload"
    lines[-1] = lines[-1].split(",")[0]
    spectrum = one(written(tmp_path, "\n".join(lines)))
    keep = np.ones(31, bool)
    keep[[4, 30]] = False
    assert_same(spectrum, F[keep], cell(F[keep]))
    assert said(spectrum, "left out line 32, which has 1 of 3 columns")


def test_headings_and_units_are_never_read_as_data(tmp_path):
    text = "Measured 2026\n1;2;3\nfreq;Z';Z''\nkHz;Ohm;Ohm\n" + table(
        columns() * [1e-3, 1, 1], "", ";"
    )
    assert_same(one(written(tmp_path, text)))


def test_repeated_sweeps_without_a_loop_column_stay_apart(tmp_path):
    down_up = np.vstack([columns(), columns(z=2 * cell())[::-1]])
    twice = np.vstack([columns(), columns(z=2 * cell())])
    for rows in (down_up, twice):
        first, second = read_spectra(written(tmp_path, table(rows)))
        assert_same(first)
        assert_same(second, F, 2 * cell())


def test_duplicate_frequencies_are_kept_and_said(tmp_path):
    f = np.append(F, F[-1])
    spectrum = one(written(tmp_path, table(columns(f))))
    assert spectrum.frequency.size == 32
    assert said(spectrum, "1 frequencies occur more than once")


def test_a_loop_column_keeps_loops_apart(tmp_path):
    rows = np.column_stack([np.tile(F, 3), *[np.tile(x, 3) for x in columns().T[1:]],
                            np.repeat([4, 5, 6], F.size)])  # fmt: skip
    reading = read_spectra(written(tmp_path, table(rows, "f,Z',Z'',loop_index")))
    assert [s.loop for s in reading] == [0, 1, 2]


def test_columns_of_temperature_and_pressure_are_read(tmp_path):
    rows = np.column_stack([columns(), F * 0 - 19.98, F * 0 + 5.5])
    header = "f,Z',Z'',Temperature/°C,pressure/MPa"
    spectrum = one(written(tmp_path, table(rows, header), "cell_-20C.csv"))
    assert spectrum.temperature == pytest.approx(253.17)
    assert spectrum.pressure == pytest.approx(5.5e6)
    absent = np.column_stack([columns(), F * 0 - 327.67, F * 0 + 5.5])
    spectrum = one(written(tmp_path, table(absent, header), "cell_-20C.csv"))
    assert spectrum.temperature == pytest.approx(253.15)
    assert said(spectrum, "ignored the column of temperature")


@pytest.mark.parametrize(
    ("unit", "meant"),
    [("kΩ", ("ohm", 1e3)), ("mOhm", ("ohm", 1e-3)), ("MOhm", ("ohm", 1e6)), ("kohm", ("ohm", 1e3)),
     ("Ohm.cm2", ("ohm area", 1e-4)), ("Ω m²", ("ohm area", 1.0)), ("V", None),
     ("ohm cm", None), ("s", ("time", 1.0))],
)  # fmt: skip
def test_units_keep_milli_and_mega_apart(unit, meant):
    assert unit_of(unit) == meant


def test_other_impedances_and_admittances_are_not_taken_for_the_cells():
    for name in ("Re(Zce)/Ohm", "Re(Y)/Ohm-1", "|Ewe|/V", "I/mA", "Re(Zwe-ce)/Ohm", "THD Z/%"):
        assert heading(name).role == ""


# --- powers of ten --------------------------------------------------------------------


def test_a_lost_decimal_comma_is_refused_not_read_1e15_too_large(tmp_path):
    text = table(columns())
    digits = "\n".join(
        [text.splitlines()[0]]
        + [f"{f:.0f},{re_ * 1e14:.0f},{im * 1e14:.0f}" for f, re_, im in columns(F[:20])]
    )
    with pytest.raises(InputError, match=r"cell\.csv: a modulus of .* a decimal comma may have"):
        read_spectra(written(tmp_path, digits))


def test_commas_that_mark_decimals_and_columns_at_once_are_refused(tmp_path):
    lines = [f"{f:.3f},{re_:.9f},{im:.9f}".replace(".", ",") for f, re_, im in columns()]
    for header in ("f,Z',Z''\n", ""):
        with pytest.raises(InputError, match=r"line \d.*commas seem to mark decimals and columns"):
            read_spectra(written(tmp_path, header + "\n".join(lines)))


def test_thousands_separators_are_read_as_such(tmp_path):
    text = "f;Z';Z''\n" + "\n".join(f"{f:,.4f};{re_:,.6f};{im:,.6f}" for f, re_, im in columns())
    spectrum = one(written(tmp_path, text))
    assert_same(spectrum, rtol=5e-4)
    assert said(spectrum, "thousands")


def test_one_point_off_by_powers_of_ten_is_said(tmp_path):
    rows = columns()
    rows[10, 1:] *= 1e3
    assert said(one(written(tmp_path, table(rows))), f"modulus at {F[10]:.4g} Hz is off by powers")


def test_a_negative_real_part_and_a_contradicted_sign_are_said(tmp_path):
    rows = columns() * [1, 1, -1]
    spectrum = one(written(tmp_path, table(rows, "f,Z',-Im(Z)")))  # the column holds Im
    assert_same(spectrum)
    rows = columns()
    spectrum = one(written(tmp_path, table(rows, "f,Z',-Im(Z)")))
    assert said(spectrum, "sign of Im is opposite to what the real part implies")
    rows[:3, 1] *= -1
    assert said(one(written(tmp_path, table(rows))), "real part is negative at 3 of 31")


def test_a_modulus_column_that_contradicts_is_said(tmp_path):
    rows = np.column_stack([columns(), 2 * np.abs(cell())])
    spectrum = one(written(tmp_path, table(rows, "f,Z',Z'',|Z|")))
    assert_same(spectrum)
    assert said(spectrum, "differs from the modulus of Re and Im by 50 %")


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "cell.csv", r"cell\.csv is empty"),
        ("hello\nworld\n", "cell.csv", r"cell\.csv has no table of numbers"),
        ("1,2,3\n" * 3, "cell.csv", "only 3 lines of numbers; a spectrum needs at least 5"),
        (table(columns(F[:4])), "cell.csv", "only 4 distinct frequencies"),
        (table(columns(), "a,b,c"), "cell.csv", "line 1: among the columns a, b, c is none for "
         "the frequency"),
        (table(columns(), "f,Z',x"), "cell.csv", r"none for the imaginary part \(such as Z''\)"),
        (table(columns(), "f,Z',Y''"), "cell.csv", "none for the imaginary part"),
        (table(columns(), "f,Z',Z'',T"), "cell.csv", "line 2: 3 numbers under 4 headings"),
        (table(columns() * [0, 1, 1]), "cell.csv", "no row has a positive frequency"),
        (b"\x00\x01\x02junk" * 50, "cell.csv", "is not text"),
        (b"\x00\x01\x02junk" * 50, "cell.xlsx", "damaged or no .xlsx"),
        (b"\x00\x01\x02junk" * 50, "cell.ism", "cut short or no Zahner"),
        (b"\x00\x01\x02junk" * 50, "cell.ids", "no table primary_data"),
        (b"\x00\x01\x02junk" * 50, "cell.pssession", "not the JSON of a session"),
        (b"\x00\x01\x02junk" * 50, "cell.dfr", "is not text"),
        ("VERSION8.0\n29\n1\n1.0\n", "cell.dfr", "nine numbers for each"),
        ("primary_data\n3\n29\n1 2 3\n", "cell.ids", "does not hold the rows it counts"),
        ("x\n", "cell.P00", "no line that begins with F/Hz"),
        (table(columns()), "cell.docx", r"no reader knows the suffix '\.docx' \(known: \.asc"),
        (table(columns()[::-1][:, [1, 2, 2]], ""), "cell.csv", "the first is no series of"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_clear_sentence(tmp_path, text, name, words):
    with pytest.raises(InputError, match=words) as caught:
        read_spectra(written(tmp_path, text, name))
    assert name in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_paths_that_lead_nowhere_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no file .*gone\.mpr"):
        read_spectra(tmp_path / "gone.mpr")
    with pytest.raises(InputError, match="holds no file that a reader knows"):
        read_spectra(tmp_path)
    with pytest.raises(InputError, match="no file that a reader knows matches"):
        read_spectra(str(tmp_path / "*.mpr"))
    with pytest.raises(InputError, match="no file is given"):
        read_spectra([])
    with pytest.raises(InputError, match="interfaces=0"):
        read_spectra(HERE / f"{PELLET}.mpr", interfaces=0)
    with pytest.raises(InputError, match=r'did you mean area=q\("1.13 cm2"\)'):
        read_spectra(HERE / f"{PELLET}.mpr", area=1.13)


@given(junk=st.binary(max_size=400), suffix=st.sampled_from([".mpr", ".csv", ".ism", ".dta",
       ".z", ".ids", ".dfr", ".pssession", ".p00", ".mpt", ".par"]))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_junk_never_breaks_a_batch(tmp_path_factory, junk, suffix):
    path = written(tmp_path_factory.mktemp("t"), junk, "a" + suffix)
    reading = read_spectra(path, raise_errors=False)
    assert len(reading.failures) == 1
    assert "a" + suffix in reading.failures[0].why


def test_a_bad_file_in_a_batch_costs_only_itself(tmp_path):
    written(tmp_path, table(columns()), "a2.csv")
    written(tmp_path, table(columns()), "a10.csv")
    written(tmp_path, table(columns(), "f,Z',x"), "bad.csv")
    written(tmp_path, "Cell made on Monday.\n", "notes.txt")
    reading = read_spectra(tmp_path, raise_errors=False)
    assert [s.name for s in reading] == ["a2", "a10"]
    assert [Path(failure.file).name for failure in reading.failures] == ["bad.csv"]
    assert [Path(failure.file).name for failure in reading.skipped] == ["notes.txt"]
    assert "imaginary part" in str(reading)
    with pytest.raises(InputError, match="imaginary part"):
        read_spectra(tmp_path)
    with pytest.raises(InputError, match="no table"):
        read_spectra(tmp_path / "notes.txt")


def test_a_folder_is_read_in_the_order_people_count(tmp_path):
    names = [f"a_{t}C" for t in (-40, -5, 5, 10, 100)]
    for name in sorted(names):
        written(tmp_path, table(columns()), f"{name}.csv")
    assert [s.name for s in read_spectra(tmp_path)] == names
    assert [s.name for s in read_spectra(str(tmp_path / "*.csv"))] == names


def test_a_reading_is_a_sequence_and_prints_its_spectra():
    reading = read_spectra([HERE / f"{PELLET}.mpr", HERE / "imppy_exampleDataZPlot.z"])
    assert isinstance(reading, Reading)
    assert len(reading) == len(list(reading)) == 2
    assert str(reading).splitlines()[0] == f"{PELLET}: 79 points, 7e+06 … 0.1 Hz, -25 degC"


def test_reading_says_nothing_to_the_screen(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_spectra(HERE, raise_errors=False)
    assert capsys.readouterr() == ("", "")
