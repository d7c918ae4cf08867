"""The composite cathode: from what is weighed in to what it conducts, and its NMC."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualyte.cell.cathode import diffusivity, exchange_current, open_circuit
from dualyte.cell.composition import (
    arrhenius,
    composite,
    percolating,
    percolation_threshold,
    volume_fractions,
)
from dualyte.errors import InputError, ValidityError
from dualyte.material import material

shares = st.floats(0.01, 0.99)


@pytest.mark.paper("Full cell performance", says="7:3 by weight is 57:43 by volume")
def test_seven_to_three_by_weight_is_57_to_43_by_volume():
    found = composite(carbon=0.0).fractions
    assert found[:2] == pytest.approx([0.57, 0.43], abs=5e-3)
    exact = (0.7 / 4630) / (0.7 / 4630 + 0.3 / 2610)
    assert found[0] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("carbon", "row"), [(0.02, "2"), (0.05, "5")])
def test_the_material_file_and_the_formula_agree_on_the_carbon_volume(carbon, row):
    kept = material("VGCF")[f"volume_fraction_at_{row}_wt"].si
    assert composite(carbon=carbon).fibres == pytest.approx(kept, rel=6e-3)


@given(shares, st.floats(0.011, 0.5), st.floats(0.0, 0.5))
def test_volumes_add_up_to_what_is_not_pore(ratio, carbon, porosity):
    mix = composite(ratio=ratio, carbon=carbon, porosity=porosity)
    assert mix.fractions.sum() == pytest.approx(1 - porosity, rel=1e-12)


@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), st.floats(0.1, 10))
def test_only_the_ratio_of_weights_matters(weights, scale):
    rho = [4630.0, 2610.0, 2000.0]
    same = volume_fractions(np.array(weights) * scale, rho)
    assert same == pytest.approx(volume_fractions(weights, rho), rel=1e-12)


def test_equal_densities_leave_weights_as_volumes():
    assert volume_fractions([1, 3], [2e3, 2e3]) == pytest.approx([0.25, 0.75])


def test_longer_fibres_connect_earlier():
    assert percolation_threshold(0.15e-6, 20e-6) == percolation_threshold(0.15e-6, 10e-6) / 2


def test_fibres_conduct_nothing_until_they_connect_and_then_with_the_universal_exponent():
    c = 0.01
    assert percolating(1e4, [0.0, c], c).tolist() == [0, 0]
    near = c + np.array([1e-4, 1e-3])
    slope = np.diff(np.log(percolating(1e4, near, c))) / np.diff(np.log(near - c))
    assert slope == pytest.approx(2, rel=1e-9)


@given(st.floats(0.012, 0.2), st.floats(1.01, 3))
def test_more_carbon_wires_more_and_leaves_less_room_for_ions(carbon, more):
    one, two = composite(carbon=carbon), composite(carbon=min(carbon * more, 0.6))
    assert two.electronic(100.0) >= one.electronic(100.0)
    assert two.connected(0.1, 0.006) >= one.connected(0.1, 0.006)
    assert two.ionic(333.15) <= one.ionic(333.15)


def test_without_carbon_only_touching_grains_are_reached():
    assert composite(carbon=0).connected(0.1, 0.006) == pytest.approx(0.1)


def test_heat_speeds_the_catholyte_by_its_own_energy():
    mix = composite()
    ratio = mix.ionic(333.15) / mix.ionic(298.15)
    E = material("LNOC")["activation_energy"].si
    assert ratio == pytest.approx(float(arrhenius(1.0, E, 333.15)), rel=1e-12)
    assert ratio == pytest.approx(3.27, abs=0.02)


def test_too_little_carbon_is_refused_with_the_least_that_connects():
    with pytest.raises(ValidityError, match=r"0\.3 wt% carbon is below the 0\.\d+ wt%"):
        composite(carbon=0.003)


@pytest.mark.parametrize("bad", [{"carbon": 2}, {"ratio": -0.1}, {"porosity": 1.0}, {"ratio": 0}])
def test_shares_outside_zero_to_one_are_refused(bad):
    with pytest.raises(InputError, match=r"ratio|carbon|porosity"):
        composite(**bad)


def test_negative_and_vanishing_weights_are_refused():
    with pytest.raises(InputError, match="weights"):
        volume_fractions([-1, 2], [1e3, 1e3])
    with pytest.raises(InputError, match="weights"):
        volume_fractions([0, 0], [1e3, 1e3])


def test_short_fibres_are_no_fibres():
    with pytest.raises(ValidityError, match="ten diameters"):
        percolation_threshold(1e-6, 5e-6)


def test_nmc_gives_up_four_fifths_of_its_lithium_at_4_3_V():
    assert open_circuit(np.array([0.19])) == pytest.approx(4.3, abs=1e-3)


@given(st.floats(0.16, 0.99))
def test_the_potential_of_nmc_falls_with_lithium(x):
    assert open_circuit(x + 1e-3) < open_circuit(x)


def test_lithium_is_slow_where_nmc_is_full():
    D = diffusivity(np.array([0.3, 0.9, 1.0]), 1e-14, 1e-18, 0.9, 0.01)
    assert D[0] == pytest.approx(1e-14)
    assert D[1] == pytest.approx(1e-16)
    assert D[2] == pytest.approx(1e-18, rel=1e-2)
    assert exchange_current(np.array([0.0, 0.5, 1.0]), 3.0).tolist() == [0, 3, 0]
