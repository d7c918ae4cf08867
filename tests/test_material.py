"""Materials are data: every number has a unit, a kind and a source."""

import tomllib
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualyte.errors import InputError
from dualyte.material import (
    LIBRARY,
    Material,
    Value,
    cite,
    material,
    materials,
    references,
    sources,
    values,
)
from dualyte.vocabulary import WORDS, checked, q, size

ELECTROLYTES = ("LNOC", "LTOC", "LAOC", "LPSCl", "LLZTO")
GOOD = """
[[hardness]]
value = 0.5
unit = "GPa"
kind = "measured"
"""


def every_value(name):
    m = material(name)
    return [*m.properties.values(), *(v for more in m.others.values() for v in more)]


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def value(**row):
    row = {"quantity": "hardness", "si": 1e9, "kind": "measured", "source": "user"} | row
    return Value(where="", **row)


# The library


def test_the_library_holds_the_parts_of_the_cell():
    assert {*ELECTROLYTES, "Li", "Ag", "LiAg", "NMC82", "VGCF", "Li2CO3", "LiOH"} <= {*materials()}


@pytest.mark.parametrize("name", materials())
def test_every_file_of_the_library_loads_and_prints(name):
    m = material(name)
    assert m.name == name
    assert m.properties
    assert not set(m.unknown) & set(m.properties)
    assert str(m).startswith(f"{name} ({m.formula})")


@pytest.mark.parametrize("name", materials())
def test_every_source_has_an_entry_in_the_bibliography(name):
    assert {v.source for v in every_value(name)} <= references().keys()


@pytest.mark.parametrize("name", materials())
def test_every_value_is_plausible_and_says_where_it_is_from(name):
    for v in every_value(name):
        checked(v.quantity, [v.si, *v.quantile([0.0, 0.5, 1.0])])
        assert v.where


@pytest.mark.parametrize("name", materials())
def test_every_row_of_a_file_states_unit_kind_and_source(name):
    table = tomllib.loads((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))
    rows = [row for part in table.values() if isinstance(part, list) for row in part]
    rows = [row for row in rows if isinstance(row, dict)]
    assert all({"unit", "kind", "source", "where"} <= row.keys() for row in rows)


@pytest.mark.parametrize("name", materials())
def test_what_is_known_only_as_a_prior_is_called_assumed(name):
    for v in every_value(name):
        if v.source in {"dualyte_prior", "recalled", "handbook"}:
            assert v.kind == "assumed"


@pytest.mark.parametrize("name", ELECTROLYTES)
@pytest.mark.parametrize("key", ["hardness", "conductivity", "activation_energy"])
def test_what_predictions_of_the_interface_need_is_uncertain(name, key):
    low, high = material(name)[key].interval()
    assert low < high


@pytest.mark.paper("Fig. 1e; Fig. S2", says="0.42, 0.38, 0.18 GPa; 9, 7.8, 0.93, 0.8 mS/cm")
def test_the_papers_own_values_come_first():
    for name, hardness in {"LNOC": "0.42 GPa", "LTOC": "0.38 GPa", "LAOC": "0.18 GPa"}.items():
        assert material(name)["hardness"].si == pytest.approx(q(hardness))
    for name, sigma in {"LNOC": 9, "LTOC": 7.8, "LAOC": 0.93, "LLZTO": 0.8}.items():
        assert material(name)["conductivity"].si == pytest.approx(q(f"{sigma} mS/cm"))
        assert material(name)["conductivity"].source == "paper2026"


def test_a_small_number_keeps_its_power_of_ten():
    assert material("Ag")["electronic_conductivity"].si == pytest.approx(6.3e7)
    assert material("LNOC")["diffusivity"].si == pytest.approx(2.37e-11)
    assert q("5.6e-11 cm2/s") == pytest.approx(5.6e-15)
    assert q("1.e-7 m2") == pytest.approx(1e-7)


def test_a_temperature_below_zero_celsius_is_read_in_kelvin():
    assert material("LAOC")["glass_transition"].si == pytest.approx(273.15 - 16.8)


# Looking things up


def test_an_unknown_material_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'LNOC'"):
        material("LNCO")


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match=r"no file 'nowhere/mine\.toml'"):
        material("nowhere/mine.toml")


def test_a_property_nobody_knows_names_the_fix():
    with pytest.raises(InputError, match=r'surface_energy of LNOC is not known; .*base = "LNOC"'):
        material("LNOC")["surface_energy"]


def test_a_misspelt_property_suggests_the_nearest():
    with pytest.raises(InputError, match=r"'hardnes'; best matches are hardness"):
        material("LNOC")["hardnes"]


def test_a_prior_is_its_median():
    prior = material("LNOC")["youngs_modulus"]
    assert prior.kind == "assumed"
    assert prior.si == pytest.approx(np.sqrt(q("1.4 GPa") * q("12 GPa")))
    assert [v.source for v in material("LTOC").others["youngs_modulus"]] == ["li2023"]


# A file of your own


def test_your_file_overrides_one_property_and_keeps_the_rest(tmp_path):
    mine = material(written(tmp_path, 'base = "LNOC"\nname = "mine"\n' + GOOD))
    assert (mine.name, mine.formula) == ("mine", "LiNbOCl4")
    assert mine["hardness"].si == q("0.5 GPa")
    assert mine["hardness"].source == "user"
    assert mine["conductivity"] == material("LNOC")["conductivity"]
    assert mine.unknown == material("LNOC").unknown


def test_your_file_can_fill_what_was_unknown(tmp_path):
    row = '[surface_energy]\nvalue = 0.2\nunit = "J/m2"\nkind = "assumed"\n'
    mine = material(written(tmp_path, 'base = "LNOC"\n' + row))
    assert "surface_energy" in mine
    assert "surface_energy" not in mine.unknown
    assert mine.name == "mine"


def test_your_file_needs_no_base(tmp_path):
    mine = material(written(tmp_path, GOOD))
    assert list(mine.properties) == ["hardness"]


def test_the_first_row_is_used_and_the_others_are_kept(tmp_path):
    mine = material(written(tmp_path, GOOD + GOOD.replace("0.5", "0.6")))
    assert mine["hardness"].si == q("0.5 GPa")
    assert [v.si for v in mine.others["hardness"]] == [q("0.6 GPa")]


def test_a_spread_has_the_unit_of_its_value(tmp_path):
    text = """
    [[hardness]]
    value = 0.5
    spread = 0.1
    unit = "GPa"
    kind = "measured"
    [[temperature]]
    value = 25.0
    spread = 2.0
    unit = "degC"
    kind = "measured"
    [[activation_energy]]
    value = 37.0
    spread = 3.0
    unit = "kJ/mol"
    kind = "literature"
    """
    mine = material(written(tmp_path, text))
    assert mine["hardness"].spread == pytest.approx(1e8)
    assert mine["temperature"].spread == pytest.approx(2.0)
    assert mine["activation_energy"].si / q("1 eV") == pytest.approx(0.3835, abs=1e-4)
    assert mine["activation_energy"].spread / mine["activation_energy"].si == pytest.approx(3 / 37)
    assert size("kJ/mol", "activation_energy") == pytest.approx(1000 / 6.02214076e23)


BAD = {
    "no kind": ('[[hardness]]\nvalue = 0.5\nunit = "GPa"', "kind is None"),
    "kind made up": (GOOD.replace("measured", "guessed"), "kind is 'guessed'"),
    "text for a number": (GOOD.replace("0.5", '"0.5 GPa"'), "'0.5 GPa', not a number"),
    "truth for a number": (GOOD.replace("0.5", "true"), "True, not a number"),
    "not a number": (GOOD.replace("0.5", "nan"), "not a finite number"),
    "infinite": (GOOD.replace("0.5", "inf"), "not a finite number"),
    "wrong unit": (GOOD.replace("GPa", "mS/cm"), "wrong unit; it is given in GPa"),
    "unreadable unit": (GOOD.replace("GPa", "GPPa"), "cannot read '0.5 GPPa'"),
    "unit slip": (GOOD.replace("GPa", "Pa"), "is outside"),
    "no value": ('[[hardness]]\nunit = "GPa"\nkind = "measured"', "neither a value nor a range"),
    "spread and range": (GOOD + "spread = 0.1\nlow = 0.4\nhigh = 0.6", "not both"),
    "negative spread": (GOOD + "spread = -0.1", "positive spread"),
    "text for a spread": (GOOD + 'spread = "10 %"', "spread is '10 %', not a number"),
    "spread not a number": (GOOD + "spread = nan", "spread is nan, not a finite number"),
    "half a range": (GOOD + "low = 0.4", "needs low and high"),
    "range upside down": (GOOD + "low = 0.6\nhigh = 0.4", "with low below high"),
    "value outside its range": (GOOD + "low = 0.6\nhigh = 0.7", "outside its own range"),
    "law made up": (GOOD + 'law = "flat"', "law is 'flat'"),
    "law without its range": (GOOD + 'law = "uniform"', "law 'uniform' does not fit"),
    "range without its law": (GOOD + 'law = "normal"\nlow = 0.4\nhigh = 0.6', "does not fit"),
    "kind of spread made up": (GOOD + 'spread_kind = "hoped"', "spread_kind is 'hoped'"),
    "entry made up": (GOOD + "colour = 1", "unknown entry colour"),
    "quantity made up": (GOOD.replace("[[hardness]]", "[[hardnes]]"), "best matches are hardness"),
    "bare number": ("hardness = 0.5", "hardness is 0.5; write"),
    "empty": ("hardness = []", r"\[\[hardness\]\] is empty"),
    "unknown is no list": ('unknown = "hardness"\n' + GOOD, "unknown is 'hardness'"),
    "log of zero": (
        '[[potential]]\nlow = 0.0\nhigh = 1.0\nlaw = "log-uniform"\nkind = "assumed"',
        "low above zero",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_one_line_with_file_and_row(tmp_path, case):
    text, says = BAD[case]
    with pytest.raises(InputError, match=says) as caught:
        material(written(tmp_path, text))
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("mine.toml")
    assert any(row in line for row in ("hardnes", "potential", "unknown"))


def test_a_truncated_file_is_one_line_with_its_name(tmp_path):
    with pytest.raises(InputError, match=r"^mine\.toml is not readable as TOML: [^\n]+$"):
        material(written(tmp_path, GOOD[: len(GOOD) // 2]))


def test_a_file_that_is_not_text_is_one_line_with_its_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"^mine\.toml is not readable as TOML"):
        material(path)


# Uncertainty


def test_medians_of_the_laws_are_exact():
    assert value(spread=1e8).quantile(0.5) == 1e9
    assert value(law="log-normal", spread=0.3).quantile(0.5) == 1e9
    assert value(law="uniform", low=1e9, high=3e9).quantile(0.5) == 2e9
    assert value(law="log-uniform", low=1e9, high=4e9).quantile(0.5) == pytest.approx(2e9)


def test_a_uniform_law_reaches_exactly_to_its_ends():
    for law in ("uniform", "log-uniform"):
        ends = value(law=law, low=1e9, high=3e9).quantile([0.0, 1.0])
        np.testing.assert_allclose(ends, [1e9, 3e9], rtol=1e-15)


def test_a_normal_law_has_its_ninety_percent_within_1_645_spreads():
    low, high = value(spread=1e8).interval()
    np.testing.assert_allclose([low, high], [1e9 - 1.6449e8, 1e9 + 1.6449e8], rtol=1e-4)


def test_a_value_without_spread_is_sure():
    assert value().interval() == (1e9, 1e9)
    np.testing.assert_array_equal(value().quantile([0.0, 0.5, 1.0]), 1e9)
    assert "…" not in str(value())
    assert "…" in str(value(spread=1e8))


def test_a_wide_normal_stays_plausible():
    word = WORDS["poisson_ratio"]
    ends = value(quantity="poisson_ratio", si=0.4, spread=5.0).quantile([1e-6, 1 - 1e-6])
    np.testing.assert_array_equal(ends, [word.low, word.high])


def test_quantiles_keep_the_shape_they_are_asked_in():
    assert value(spread=1e8).quantile(np.full((3, 2), 0.4)).shape == (3, 2)


LAWS = st.one_of(
    st.floats(0, 1e9).map(lambda s: value(spread=s)),
    st.floats(0, 2).map(lambda s: value(law="log-normal", spread=s)),
    st.tuples(
        st.sampled_from(["uniform", "log-uniform"]), st.floats(1e6, 1e10), st.floats(1, 50)
    ).map(lambda x: value(law=x[0], low=x[1], high=x[1] * x[2])),
)


@given(v=LAWS, u=st.lists(st.floats(1e-9, 1 - 1e-9), min_size=2).map(sorted))
def test_a_quantile_never_falls_as_probability_rises(v, u):
    x = v.quantile(u)
    assert (np.diff(x) >= -1e-12 * np.abs(x[1:])).all()


# Where a result comes from


@dataclass(frozen=True)
class Result:
    soft: Material
    others: tuple
    named: dict
    number: float = 1.0


def test_sources_walk_through_whatever_a_result_was_made_from():
    prior, own = material("LNOC")["youngs_modulus"], value()
    carbon = material("LiOH")
    result = Result(carbon, (prior, [own]), {"k": material("LNOC")["hardness"]})
    assert sources(result) == {
        "handbook": {"assumed"},
        "dualyte_prior": {"assumed"},
        "user": {"measured"},
        "paper2026": {"measured"},
    }
    assert len(list(values(result))) == len(carbon.properties) + 3
    assert sources(3.0) == {}


def test_cite_gives_each_entry_once_sorted_and_skips_your_own_values():
    both = [material("LNOC")["hardness"], material("LNOC")["youngs_modulus"], value()]
    text = cite(both + both)
    assert text.count("@") == 2
    assert text.index("dualyte_prior") < text.index("{paper2026,")
    assert "10.1039/d5ee07777j" in text
    assert cite("holm1967").startswith("@book{holm1967,")
    assert cite(value()) == ""


def test_every_entry_of_the_bibliography_is_closed_and_unique():
    text = (LIBRARY.parent / "references.bib").read_text(encoding="utf-8")
    assert text.count("\n@") == len(references())
    assert all(body.count("{") == body.count("}") for body in references().values())
