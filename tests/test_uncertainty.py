"""Samples, intervals and shares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte.material import Value
from dualyte.uncertainty import draw, interval, shares


def normal(si=10.0, spread=1.0):
    return Value(quantity="ratio", si=si, spread=spread, kind="assumed", source="x", where="y")


def test_the_same_seed_gives_the_same_samples():
    a, b = (draw({"a": normal()}, 50, seed=3)["a"] for _ in range(2))
    assert (a == b).all()
    assert (a != draw({"a": normal()}, 50, seed=4)["a"]).any()


def test_a_latin_hypercube_has_one_sample_per_class():
    u = draw({"a": Value(quantity="ratio", si=0.5, low=0.0, high=1.0, law="uniform", kind="assumed",
                         source="x", where="y")}, 40, seed=0)["a"]  # fmt: skip
    assert sorted(np.floor(u * 40).astype(int)) == list(range(40))


def test_correlation_is_kept():
    wanted = np.array([[1, -0.8], [-0.8, 1]])
    x = draw({"a": normal(), "b": normal()}, 4000, seed=1, correlation=wanted)
    assert np.corrcoef(x["a"], x["b"])[0, 1] == pytest.approx(-0.8, abs=0.02)


def test_a_value_without_spread_stays():
    assert (draw({"a": normal(spread=0.0)}, 5, seed=0)["a"] == 10.0).all()


def test_the_interval_holds_its_level():
    x = np.random.default_rng(0).standard_normal(20000)
    low, high = interval(x)
    assert np.mean((low < x) & (x < high)) == pytest.approx(0.9, abs=1e-3)


@settings(max_examples=30)
@given(st.floats(0.1, 3), st.floats(0.1, 3))
def test_shares_of_a_product_are_the_squares_of_its_exponents(a, b):
    rng = np.random.default_rng(1)
    x, y = np.exp(rng.standard_normal((2, 4000)))
    found = shares({"x": x, "y": y}, x**a * y**b)
    assert found["x"] == pytest.approx(a**2 / (a**2 + b**2), abs=0.06)
    assert next(iter(found)) == ("x" if a > b else "y") or abs(a - b) < 0.1 * (a + b)


def test_a_seed_gets_the_share_of_its_class_means():
    rng = np.random.default_rng(0)
    seed = np.repeat(np.arange(20), 100)
    effect = rng.standard_normal(20)[seed]
    noise = rng.standard_normal(2000)
    found = shares({"seed": seed, "other": noise}, np.exp(effect + 0.5 * noise))
    assert found["seed"] > found["other"] > 0.05
    assert sum(found.values()) == pytest.approx(1, abs=0.1)


def test_constant_inputs_have_no_share():
    assert shares({"a": np.ones(10)}, np.arange(1.0, 11)) == {"a": 0.0}
