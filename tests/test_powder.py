"""Packings: grains that touch, do not overlap, and are as dense as asked."""

import numpy as np
import pytest

from dualyte import InputError, Packing, Value, pack


def distances(packing):
    d = packing.centres[:, None] - packing.centres[None]
    d -= np.rint(d / packing.size) * packing.size
    found = np.sqrt((d**2).sum(axis=-1))
    np.fill_diagonal(found, np.inf)
    return found


@pytest.mark.parametrize("density", [0.56, 0.6, 0.64])
def test_grains_touch_but_do_not_overlap(density):
    packing = pack(60, density=density, seed=1)
    both = packing.radii[:, None] + packing.radii[None]
    assert (1 - distances(packing) / both).max() < 1e-4
    assert packing.density == pytest.approx(density, rel=1e-12)
    assert packing.coordination().mean() > 3.5
    assert (packing.coordination(0.02) >= 1).mean() > 0.95


def test_random_close_packing_of_spheres_and_discs():
    """0.64 and 0.84 in boxes of few grains; about twice as many contacts as dimensions."""
    spheres = pack(200, seed=0, spread=0.1)
    assert spheres.density == pytest.approx(0.64, abs=0.015)
    held = spheres.coordination(1e-3)
    assert held[held >= 4].mean() == pytest.approx(6.0, abs=0.4)
    discs = pack(150, dim=2, seed=0, spread=0.2)
    assert discs.density == pytest.approx(0.84, abs=0.02)


def test_one_seed_one_packing():
    a, b, c = (pack(30, density=0.58, seed=s) for s in (4, 4, 5))
    assert np.array_equal(a.centres, b.centres)
    assert a.key() == b.key() != c.key()
    larger = pack(30, density=0.58, seed=4, size=5e-6)
    assert larger.key() == a.key()  # shapes do not depend on the size of grains
    assert larger.size / a.size == pytest.approx(2.5)


def test_sizes_follow_their_law():
    packing = pack(400, density=0.5, spread=0.2, size=3e-6, seed=2)
    logs = np.log(2 * packing.radii / 3e-6)
    assert logs.mean() == pytest.approx(0, abs=0.04)
    assert logs.std() == pytest.approx(0.2, abs=0.03)
    measured = np.array([1e-6, 1.5e-6, 2e-6])
    drawn = 2 * pack(60, density=0.5, diameters=measured, seed=1).radii
    assert np.unique(np.round(drawn * 1e6, 6)) == pytest.approx(measured * 1e6)


def test_a_packing_keeps_the_value_it_was_made_from():
    value = Value(quantity="length", si=3e-6, kind="measured", source="user", where="a sieve")
    packing = pack(30, density=0.5, seed=1, size=value)
    assert isinstance(packing, Packing)
    assert packing.diameter is value
    assert pack(30, density=0.5, seed=1).diameter is None
    assert packing.size == pytest.approx(pack(30, density=0.5, seed=1, size=3e-6).size)
    assert "relative density 0.500" in str(packing)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"n": 0}, "0 grains cannot be packed"),
        ({"n": -3}, "-3 grains cannot be packed"),
        ({"n": 2.5}, "2.5 grains cannot be packed"),
        ({"n": 5}, "take 10 or more"),
        ({"density": 0.72}, "0.72 is above random close packing: these 60 grains reach 0.6"),
        ({"density": 1.2}, "not between 0 and 1"),
        ({"density": 0.0}, "not between 0 and 1"),
        ({"size": 2.0}, r'did you mean length=q\("2 um"\)'),
        ({"spread": -0.1}, "spread is -0.1"),
        ({"dim": 4}, "dim is 4"),
        ({"diameters": [1e-6, float("nan")]}, "must be positive numbers"),
        ({"n": 10, "density": 0.4, "spread": 0.5}, "meets its own image; take more grains"),
    ],
)
def test_bad_input_gets_one_sentence(told, says):
    with pytest.raises(InputError, match=says):
        pack(**told)
