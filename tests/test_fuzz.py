"""Broken files end in numbers, fewer of the same numbers, or one sentence."""

import pytest
from fuzz_targets import TARGETS
from fuzzing import fuzz

SHORT = {True: 60, False: 12}


def check(target, mutations, tmp_path):
    if not target.seeds(tmp_path / "seeds"):
        pytest.skip("its files are not at hand")
    many = int(target.share * mutations)
    tally = fuzz(target, many)
    assert many / 2 < tally.done <= many
    assert not tally.failures, "\n".join([str(tally), *tally.failures[:10]])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_broken_files_are_read_or_refused(target, tmp_path):
    check(target, SHORT[target.own], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_many_broken_files_are_read_or_refused(target, tmp_path):
    check(target, 1000 if target.own else 100, tmp_path)
