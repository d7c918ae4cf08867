"""Units at the border: what people may write, and what they are told when it cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualyte import InputError, label, q, show
from dualyte.vocabulary import WORDS, checked, known, pretty, shown


@pytest.mark.parametrize(
    ("written", "si"),
    [
        ("25 degC", 298.15),
        ("25 °C", 298.15),
        ("-40 degC", 233.15),
        ("−40 °C", 233.15),
        ("150 ohm cm2", 0.015),
        ("150 ohm cm^2", 0.015),
        ("150 \N{GREEK CAPITAL LETTER OMEGA} cm²", 0.015),
        ("150 \N{OHM SIGN}·cm2", 0.015),
        ("0.8 mS/cm", 0.08),
        ("0.8 mS cm-1", 0.08),
        ("0.8 mS·cm⁻¹", 0.08),
        ("3 × 10⁻⁴ S cm⁻¹", 0.03),
        ("1e-3 S/cm", 0.1),
        ("3 \N{MICRO SIGN}F/cm²", 0.03),
        ("3 \N{GREEK SMALL LETTER MU}F cm-2", 0.03),
        ("2.61 g cm-3", 2610),
        ("1.2 MPa m^0.5", 1.2e6),
        ("165 mAh/g", 594e3),
        ("3 min", 180),
        ("17 %", 0.17),
        ("17%", 0.17),
        ("55 MPa", 55e6),
    ],
)
def test_people_may_write_units_as_papers_do(written, si):
    assert q(written) == pytest.approx(si)


def test_an_energy_per_mole_is_read_per_particle():
    assert q("36 kJ/mol", "activation_energy") == pytest.approx(q("0.3731 eV"), rel=1e-3)


def test_a_word_with_the_right_unit_passes_through():
    assert q("3 MPa", "pressure") == q("30 bar", "pressure") == pytest.approx(3e6)
    assert q("0.3", "poisson_ratio") == 0.3


@pytest.mark.parametrize(
    ("written", "word", "says"),
    [
        ("3", "pressure", "pressure '3' has no unit; write it with one, such as '3 MPa'"),
        ("25", "temperature", "temperature '25' has no unit; .* such as '25 degC'"),
        ("3 m", "pressure", "pressure '3 m' has the wrong unit; it is given in MPa, not in m"),
        ("3 MPa", "fraction", "fraction '3 MPa' has the wrong unit; it is given in %"),
        ("nan MPa", "pressure", "pressure=nan is not a finite number; give one in MPa"),
        ("inf MPa", "pressure", "pressure=inf is not a finite number; give one in MPa"),
        ("55 Pa", "pressure", r'did you mean pressure=q\("55 MPa"\)\?'),
        ("-3 MPa", "pressure", "Check its sign and unit"),
        ("3 MPPa", None, "cannot read '3 MPPa' as a quantity"),
        ("", None, "cannot read '' as a quantity"),
        ("3 MPa", "presure", "no quantity is called 'presure'; best matches are pressure"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(written, word, says):
    with pytest.raises(InputError, match=says) as caught:
        q(written, word)
    assert "\n" not in str(caught.value)


def test_a_decimal_comma_is_never_dropped():
    """1,5 MPa is one and a half, or refused: not fifteen."""
    try:
        si = q("1,5 MPa")
    except InputError:
        return
    assert si == pytest.approx(1.5e6)


@pytest.mark.parametrize(
    ("word", "slip", "fix"),
    [
        ("pressure", 55, 'pressure=q("55 MPa")'),
        ("temperature", 25, 'temperature=q("25 degC")'),
        ("hardness", 0.42, 'hardness=q("0.42 GPa")'),
        ("length", 10, 'length=q("10 um")'),
        ("fraction", 17, 'fraction=q("17 %")'),
    ],
)
def test_a_unit_slip_is_answered_with_its_fix(word, slip, fix):
    with pytest.raises(InputError) as caught:
        checked(word, slip)
    assert f"did you mean {fix}?" in str(caught.value)
    assert " is outside " in str(caught.value)


def test_one_bad_number_in_an_array_is_the_one_named():
    with pytest.raises(InputError, match="pressure=55 Pa"):
        checked("pressure", [1e6, 2e6, 55.0, 3e6])
    with pytest.raises(InputError, match="pressure=nan is not a finite number"):
        checked("pressure", [1e6, np.nan])


def test_plausible_numbers_pass_unchanged():
    given_ = np.array([[1e6, 2e6], [3e6, 4e6]])
    assert checked("pressure", given_) is given_
    assert checked("pressure", [1e6, 2e6]).dtype == np.float64


def test_the_table_is_sorted():
    assert list(WORDS) == sorted(WORDS)


@pytest.mark.parametrize("name", WORDS)
def test_every_word_has_units_that_fit_and_a_range(name):
    word = known(name)
    assert word.low < word.high
    assert np.isfinite([word.low, word.high]).all()
    assert shown(name, word.low) < shown(name, word.high)
    assert q(f"1 {word.shown}", None) > 0
    assert word.text[0].islower() or word.text.split("'")[0] in {"Poisson ratio", "Young"}


@pytest.mark.parametrize("name", WORDS)
def test_every_word_can_be_shown_and_labelled(name):
    word = known(name)
    text = show(name, (word.low + word.high) / 2)
    assert text.endswith(word.shown if word.shown != "1" else text[-1])
    assert label(name).startswith(f"{word.text} {word.symbol}")
    if word.shown != "1":
        assert label(name).endswith(f" / {pretty(word.shown)}")
    assert "ohm" not in label(name)
    assert "degC" not in label(name)


@given(st.sampled_from(sorted(WORDS)), st.floats(1e-3, 1 - 1e-3))
def test_what_is_shown_can_be_read_back(name, u):
    word = known(name)
    si = word.low + (word.high - word.low) * u
    assert q(show(name, si, digits=17), name) == pytest.approx(si, rel=1e-12)


@given(st.sampled_from(sorted(WORDS)), st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5))
def test_showing_an_array_shows_each_number(name, values):
    one_by_one = [float(shown(name, x)) for x in values]
    np.testing.assert_array_equal(shown(name, values), one_by_one)
