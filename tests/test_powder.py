"""Packings: grains that touch, do not overlap, and are as dense as asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import InputError, Packing, Value, pack
from dualyte.numerics.packing import neighbours, relax

GRAIN = Value(
    quantity="length",
    si=3e-6,
    kind="measured",
    source="paper2026",
    where="sieve",
    spread=5e-7,
)


def distances(packing):
    d = packing.centres[:, None] - packing.centres[None]
    d -= np.rint(d / packing.size) * packing.size
    found = np.sqrt((d**2).sum(axis=-1))
    np.fill_diagonal(found, np.inf)
    return found


def overlap(packing):
    both = packing.radii[:, None] + packing.radii[None]
    return float((1 - distances(packing) / both).max())


def filled(packing):
    """Share of the box in grains, from their radii."""
    ball = np.pi * packing.radii**2 if packing.dim == 2 else 4 / 3 * np.pi * packing.radii**3
    return float(ball.sum() / packing.size**packing.dim)


@pytest.mark.parametrize("seed", range(5))
def test_the_packings_of_the_mesoscale_model_exist(seed):
    packing = pack(60, density=0.64, seed=seed)
    assert overlap(packing) < 1e-9
    assert filled(packing) == pytest.approx(0.64, rel=1e-12)
    assert packing.coordination().mean() > 5


@pytest.mark.parametrize("n", [80, 120])
def test_discs_reach_four_fifths(n):
    packing = pack(n, dim=2, density=0.82, seed=n)
    assert packing.dim == 2
    assert overlap(packing) < 1e-9
    assert filled(packing) == pytest.approx(0.82, rel=1e-12)
    assert packing.coordination().mean() > 3


@settings(max_examples=15, deadline=None)
@given(
    density=st.floats(0.3, 0.6),
    spread=st.floats(0.0, 0.2),
    seed=st.integers(0, 1000),
    dim=st.sampled_from([2, 3]),
)
def test_grains_never_overlap_and_fill_what_is_stated(density, spread, seed, dim):
    packing = pack(40, density=density, spread=spread, seed=seed, dim=dim)
    assert overlap(packing) < 1e-9
    assert packing.overlap < 1e-9
    assert packing.density == pytest.approx(density, rel=1e-12)
    assert filled(packing) == pytest.approx(density, rel=1e-12)
    assert ((packing.centres >= 0) & (packing.centres < packing.size)).all()


@pytest.mark.parametrize("density", [0.55, 0.58, 0.61])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_grains_of_loose_packings_touch(density, seed):
    held = pack(60, density=density, seed=seed).coordination()
    assert (held >= 1).mean() > 0.96
    assert (held >= 2).mean() > 0.93
    assert held.mean() > 4


@pytest.mark.parametrize("seed", [0, 1])
def test_random_close_packing_of_spheres_and_discs(seed):
    """0.64 and 0.84 in boxes of few grains; twice as many contacts as dimensions hold them."""
    spheres = pack(120, seed=seed, spread=0.1)
    assert spheres.density == pytest.approx(0.64, abs=0.015)
    assert backbone(spheres).mean() == pytest.approx(6.0, abs=0.4)
    discs = pack(120, dim=2, seed=seed, spread=0.2)
    assert discs.density == pytest.approx(0.84, abs=0.015)
    assert backbone(discs).mean() == pytest.approx(4.0, abs=0.25)


def backbone(packing, tolerance=1e-3):
    """Contacts of the grains that are held, rattlers taken away until none is left."""
    both = packing.radii[:, None] + packing.radii[None]
    near = distances(packing) < both * (1 + tolerance)
    kept = np.ones(len(near), dtype=bool)
    while True:
        held = (near[kept][:, kept]).sum(axis=1)
        if (held > packing.dim).all():
            return held
        kept[np.flatnonzero(kept)[held <= packing.dim]] = False


def test_moving_all_grains_through_the_box_changes_nothing():
    packing = pack(50, density=0.6, seed=3)
    moved = Packing(
        centres=np.mod(packing.centres + np.array([0.3, 0.7, 0.1]) * packing.size, packing.size),
        radii=packing.radii,
        size=packing.size,
        seed=packing.seed,
        overlap=packing.overlap,
    )
    assert np.allclose(distances(moved), distances(packing), rtol=1e-9)
    assert np.array_equal(moved.coordination(), packing.coordination())
    assert moved.density == packing.density


def test_the_neighbour_list_holds_every_pair_that_is_near():
    rng = np.random.default_rng(7)
    x, r, skin = rng.random((70, 3)), rng.uniform(0.02, 0.06, 70), 0.05
    listed = {(int(i), int(j)) for i, j in neighbours(x, r, skin)}
    d = x[:, None] - x[None]
    d -= np.rint(d)
    near = np.sqrt((d**2).sum(axis=-1)) < r[:, None] + r[None] + skin
    assert listed == {(int(i), int(j)) for i, j in np.argwhere(near) if j < i}


def test_two_grains_are_pushed_apart_along_the_line_between_them():
    x, r = np.array([[0.95, 0.5], [0.05, 0.5]]), np.array([0.1, 0.1])
    worst, _ = relax(x, r, 1e-9, 20000, 0.0, 0.0)
    assert worst < 1e-9
    gap = x[1] - x[0] - np.rint(x[1] - x[0])
    assert gap[0] >= 0.2 * (1 - 1e-9)  # across the edge of the box; they may coast on
    assert gap[1] == 0.0
    assert x.mean(axis=0) == pytest.approx([0.5, 0.5])


def test_one_seed_one_packing():
    a, b, c = (pack(30, density=0.58, seed=s) for s in (4, 4, 5))
    assert np.array_equal(a.centres, b.centres)
    assert np.array_equal(a.radii, b.radii)
    assert a.key() == b.key() != c.key()
    larger = pack(30, density=0.58, seed=4, size=5e-6)
    assert larger.key() == a.key()  # shapes do not depend on the size of grains
    assert larger.size / a.size == pytest.approx(2.5)


def test_sizes_follow_their_law():
    packing = pack(400, density=0.5, spread=0.2, size=3e-6, seed=2)
    logs = np.log(2 * packing.radii / 3e-6)
    assert logs.mean() == pytest.approx(0, abs=0.04)
    assert logs.std() == pytest.approx(0.2, abs=0.03)


def test_measured_diameters_come_back_in_their_shares():
    measured = np.array([1e-6, 1.5e-6, 1.5e-6, 2e-6])
    drawn = 2 * pack(300, density=0.5, diameters=measured, seed=1).radii
    found, counts = np.unique(np.round(drawn * 1e6, 9), return_counts=True)
    assert found == pytest.approx([1.0, 1.5, 2.0])
    assert counts / 300 == pytest.approx([0.25, 0.5, 0.25], abs=0.08)


def test_a_packing_keeps_the_value_it_was_made_from():
    assert pack(30, density=0.5, size=GRAIN, seed=1).diameter is GRAIN
    same = pack(30, density=0.5, size=3e-6, seed=1)
    assert same.diameter is None
    assert np.array_equal(same.radii, pack(30, density=0.5, size=GRAIN, seed=1).radii)
    assert "30 spheres" in str(same)
    assert "relative density 0.500" in str(same)


def test_a_packing_cannot_be_changed():
    packing = pack(20, density=0.5)
    with pytest.raises(ValueError, match="read-only"):
        packing.centres[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        packing.radii[0] = 0


def test_progress_ends_at_the_last_try():
    told = []
    pack(20, density=0.5, progress=lambda done, total: told.append((done, total)))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]


def test_as_many_grains_as_the_refusal_names_are_enough():
    with pytest.raises(InputError, match="meets its own image") as refused:
        pack(10, density=0.4, spread=0.5)
    enough = int(str(refused.value).split("take ")[1].split()[0])
    packing = pack(enough, density=0.4, spread=0.5)
    assert 2 * packing.radii.max() <= packing.size / 2
    with pytest.raises(InputError, match="meets its own image"):
        pack(enough - 1, density=0.4, spread=0.5)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"n": 0}, "0 grains cannot be packed"),
        ({"n": -3}, "-3 grains cannot be packed"),
        ({"n": 2.5}, "2.5 grains cannot be packed"),
        ({"n": True}, "True grains cannot be packed"),
        ({"n": 5}, "take 10 or more"),
        ({"density": 0.72}, r"0.72 is above random close packing: these 60 grains reach 0\.6\d+"),
        ({"density": 1.2}, "not between 0 and 1"),
        ({"density": 0.0}, "not between 0 and 1"),
        ({"density": float("nan")}, "not between 0 and 1"),
        ({"density": "dense"}, "not between 0 and 1"),
        ({"size": 2.0}, r'did you mean length=q\("2 um"\)'),
        ({"size": 0.0}, "length=0 m"),
        ({"size": Value(quantity="pressure", si=1e6, kind="assumed", source="s", where="w")},
         "size is a pressure"),
        ({"spread": -0.1}, "spread is -0.1"),
        ({"spread": 1.5}, "spread is 1.5"),
        ({"dim": 4}, "dim is 4"),
        ({"seed": -1}, "seed is -1"),
        ({"diameters": []}, "at least one"),
        ({"diameters": ["fine"]}, "must be numbers in m"),
        ({"diameters": [1e-6, float("nan")]}, "must be positive numbers"),
        ({"diameters": [2.0, 3.0]}, "did you mean length"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(told, says):
    with pytest.raises(InputError, match=says):
        pack(**told)
