"""What a person meets first: the exported words, and how little an import costs."""

import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

import dualyte as dl

HEAVY = ("pint", "xarray", "scipy", "matplotlib", "numba", "SurfaceTopography", "pybamm", "dask")


def fresh(code):
    """Output of `code` in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_exported_names_are_sorted_and_unique():
    assert dl.__all__ == sorted(set(dl.__all__))


@pytest.mark.parametrize("name", dl.__all__)
def test_every_exported_name_is_served_and_documented(name):
    thing = getattr(dl, name)
    text = inspect.getdoc(thing)
    assert text
    assert text[0].isupper()
    assert text.splitlines()[0].endswith((".", ":", "?"))


def test_the_lazy_names_are_exported():
    assert set(dl._WORDS) < set(dl.__all__)
    assert dir(dl) == dl.__all__


def test_a_word_keeps_its_meaning_when_its_module_is_imported():
    import_module("dualyte.material")
    assert dl.material(dl.materials()[0]).name


@pytest.mark.parametrize("name", dl._WORDS)
def test_a_word_is_the_one_its_home_defines(name):
    """Also where a word and its module share a name, and after the module is imported."""
    home = import_module(dl._WORDS[name])
    assert getattr(dl, name) is getattr(home, name)
    assert getattr(dl, name) is getattr(home, name)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'presss'"):
        _ = dl.presss


def test_importing_the_package_loads_nothing_heavy():
    code = f"import dualyte, sys; print([m for m in {HEAVY} if m in sys.modules])"
    assert fresh(code) == "[]"


def test_the_version_is_the_one_installed():
    assert version("dualyte") == dl.__version__


def test_our_errors_are_also_the_errors_python_programmers_expect():
    assert issubclass(dl.InputError, ValueError)
    assert issubclass(dl.ValidityError, ValueError)
    assert issubclass(dl.MissingExtraError, ImportError)
    assert issubclass(dl.ConvergenceError, RuntimeError)
    assert all(issubclass(getattr(dl, n), dl.DualyteError) for n in dl.__all__ if "Error" in n)


def test_a_missing_extra_comes_with_its_command():
    assert "python -m pip install 'dualyte[files]'" in str(dl.MissingExtraError("bdf", "files"))


def test_a_stopped_solver_hands_over_its_partial_answer():
    assert dl.ConvergenceError("stopped", solution=[1, 2]).solution == [1, 2]
