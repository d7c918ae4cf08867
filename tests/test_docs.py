"""The documentation keeps up with the package; its examples run as doctests."""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from bilayer_cells import CIRCUIT, series

import dualyte as dl
from dualyte.cli import InterfaceOptions
from dualyte.cli.kinds import (
    CompressionOptions,
    ConductivityOptions,
    CyclingOptions,
    GrowthOptions,
    IndentationOptions,
    PhasesOptions,
    SaveOptions,
    SectionOptions,
    TopographyOptions,
    XpsOptions,
)
from dualyte.cli.measure import FitOptions, OutOptions, ReadOptions, SeriesOptions
from dualyte.measure.files import Failure as Unread
from dualyte.measure.files import Reading
from dualyte.measure.kinds import option_names
from dualyte.report import evaluate, join, measurement_json, over_temperature

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "verbs").glob("*.md"))
KINDS = {
    "cycling": CyclingOptions, "indentation": IndentationOptions,
    "compression": CompressionOptions, "conductivity": ConductivityOptions,
    "topography": TopographyOptions, "section": SectionOptions, "xps": XpsOptions,
    "growth": GrowthOptions, "phases": PhasesOptions,
}  # fmt: skip
MEASURED = [
    field.name
    for options in (ReadOptions, FitOptions, SeriesOptions, OutOptions)
    for field in fields(options)
]
VERBS = [name for name in dl.__all__ if inspect.isfunction(getattr(dl, name))]


def examples(page):
    """Lines of the examples of a page that are run."""
    lines = page.read_text(encoding="utf-8").splitlines()
    shown = [line for line in lines if line.startswith((">>> ", "... "))]
    return "\n".join(line[4:] for line in shown if "+SKIP" not in line)


def block_after(text, mark):
    """First fenced block after a mark."""
    return re.search(r"^```\w*\n(.*?)^```", text.split(mark, 1)[1], flags=re.M | re.S)[1].strip()


@pytest.mark.parametrize("name", VERBS)
def test_every_public_verb_is_called_in_an_example_that_runs(name):
    assert any(re.search(rf"(?<![\w.])(?:dl\.)?{name}\(", examples(page)) for page in PAGES)


@pytest.mark.parametrize("option", [field.name for field in fields(InterfaceOptions)])
def test_every_option_of_the_prediction_is_explained(option):
    page = (ROOT / "docs/verbs/predict_interface.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| .*`--{option.replace('_', '-')}`", page, flags=re.M)


@pytest.mark.parametrize("option", MEASURED)
def test_every_option_of_a_measurement_is_explained(option):
    page = (ROOT / "docs/verbs/measure.md").read_text(encoding="utf-8")
    assert f"`--{option.replace('_', '-')}`" in page


@pytest.mark.parametrize(
    ("kind", "option"),
    [(k, field.name) for k, options in KINDS.items() for field in fields(options)],
)
def test_every_option_of_a_kind_is_explained_and_known_to_its_verb(kind, option):
    page = (ROOT / f"docs/verbs/measure_{kind}.md").read_text(encoding="utf-8")
    assert re.search(rf"`(--)?{option.replace('_', '[_-]')}[`=]", page)
    assert option in option_names(kind)


@pytest.mark.parametrize("option", [field.name for field in fields(SaveOptions)])
def test_every_common_option_of_kinds_is_explained(option):
    page = (ROOT / "docs/verbs/measure.md").read_text(encoding="utf-8")
    assert f"| `--{option}` |" in page


def test_every_field_of_the_json_of_a_measurement_is_explained():
    page = (ROOT / "docs/verbs/measure.md").read_text(encoding="utf-8")
    page = page.split("## The JSON")[1].split("## The folder")[0]
    T = np.linspace(253.15, 313.15, 4)
    spectra = series(1, temperatures=T, fractions=(1.0, 0.5))
    several = Reading(spectra=tuple(spectra), failures=(Unread(file="a.csv", why="it is empty"),))
    found = evaluate(several, CIRCUIT, profiles=True)
    together = measurement_json(join(found, CIRCUIT))
    told = together | measurement_json(over_temperature(found))
    rows = [*told["files"].values(), told["joint"], *told["arrhenius"].values()]
    rows += [told["joint"]["laws"][0], told["joint"]["mechanism"]["he"]]
    rows += [told["joint"]["contact"]["he"], told["joint"]["profiles"]["R_he"]]
    rows += [told["joint"]["results"]["R_he"], told]
    assert sorted({key for row in rows for key in row if f"`{key}`" not in page}) == []


def test_every_field_of_the_json_is_explained():
    page = (ROOT / "docs/verbs/predict_interface.md").read_text(encoding="utf-8")
    table = page.split("## The JSON")[1]
    face = dl.RoughFace(n=32, size=16e-6, cutoff=1e-6)
    found = dl.predict_interface(dl.built_in(face=face, stacks=(6e6,)), seeds=1, draws=10)
    missing = [name for name in dl.interface_rows(found)[0] if f"`{name}`" not in table]
    assert missing == []


def test_the_readme_gives_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert block_after(text, "# dualyte") == "python -m pip install . && dualyte predict"
    tests = "python -m pip install '.[test]' && python -m pytest"
    assert block_after(text, "<!-- tests -->") == tests


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
def test_links_inside_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", re.sub(r"```.*?```", "", text, flags=re.S))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_source_that_a_page_cites_is_known():
    book = (ROOT / "src/dualyte/data/references.bib").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        for keys in re.findall(r"\{cite\}`([^`]+)`", page.read_text(encoding="utf-8")):
            assert all(f"{{{key.strip()}," in book for key in keys.split(","))


def test_figures_of_the_documentation_are_small():
    assert all(path.stat().st_size < 150_000 for path in (ROOT / "docs/figures").glob("*.png"))


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES])
def test_examples_are_python(page):
    assert ast.parse(examples(page)).body
