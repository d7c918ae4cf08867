"""Broken files end in numbers, fewer of the same numbers, or one sentence."""

import pytest
from fuzz_targets import TARGETS
from fuzzing import fuzz

EVERY = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def tried(target, mutations, tmp_path):
    """What became of some mutations; skipped where the files are not at hand."""
    if not target.seeds(tmp_path / "seeds"):
        pytest.skip("its files are not at hand")
    many = int(target.share * mutations)
    tally = fuzz(target, many)
    assert many / 2 < tally.done <= many
    return tally


@EVERY
def test_broken_files_are_read_or_refused(target, tmp_path):
    tally = tried(target, 36 if target.own else 8, tmp_path)
    assert not tally.failures, f"{tally}: {tally.failures[:10]}"


@pytest.mark.slow
@EVERY
def test_many_broken_files_are_read_or_refused(target, tmp_path):
    tally = tried(target, 1000 if target.own else 100, tmp_path)
    assert not tally.failures, f"{tally}: {tally.failures[:10]}"
