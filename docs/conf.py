"""Sphinx configuration. Tables of words, materials and fits are written from the package's data."""

from importlib.metadata import version as installed

from dualyte.material import calibration, material, materials
from dualyte.vocabulary import WORDS, pretty, show

project = "dualyte"
author = "The dualyte authors"
copyright = "2026, The dualyte authors"
version = release = installed("dualyte")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "none"  # the docstrings give symbol, unit and shape
autodoc_preserve_defaults = True
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False

suppress_warnings = ["ref.python"]  # shapes such as (n,) name no attribute

bibtex_bibfiles = ["../src/dualyte/data/references.bib"]
bibtex_default_style = "unsrt"

html_theme = "furo"
html_title = f"dualyte {release}"


def nomenclature() -> str:
    """Markdown table of every quantity: one row per word of the vocabulary."""
    head = "| name | symbol | quantity | shown in | SI unit | plausible range |"
    rows = [
        f"| `{name}` | {word.symbol} | {word.text} | {pretty(word.shown)} | {pretty(word.unit)} "
        f"| {typeset(name, word.low)} … {typeset(name, word.high)} |"
        for name, word in WORDS.items()
    ]
    return "\n".join([head, "| --- " * 6 + "|", *rows])


def typeset(name: str, si: float) -> str:
    number, _, unit = show(name, si, 3).partition(" ")
    return f"{number} {pretty(unit)}".strip()


def electrolytes() -> str:
    """Markdown table of the materials that can be an electrolyte of the interface."""
    names = ("hardness", "youngs_modulus", "poisson_ratio", "conductivity", "activation_energy")
    every = [material(name) for name in materials()]
    rows = [
        f"| {m.name} | {m.formula} | {' | '.join(cell(m[name]) for name in names)} |"
        for m in every
        if all(name in m for name in names)
    ]
    head = "| name | formula | " + " | ".join(WORDS[name].text for name in names) + " |"
    return "\n".join([head, "| --- " * 7 + "|", *rows])


def cell(value) -> str:
    return f"{typeset(value.quantity, value.si)} ({value.kind[0]})"


def calibrated() -> str:
    """Markdown table of the calibrated parameters, with 90 % intervals."""
    rows = []
    for name, value in calibration("interface").values.items():
        low, high = (typeset(value.quantity, x) for x in value.interval())
        words = name.replace("_", " ")
        rows.append(f"| {words} | {typeset(value.quantity, value.si)} | {low} … {high} |")
    head = "| per true contact, 25 °C | value | 90 % interval |"
    return "\n".join([head, "| --- " * 3 + "|", *rows])


TABLES = {
    "nomenclature": ("<!-- words -->", nomenclature),
    "verbs/materials": ("<!-- electrolytes -->", electrolytes),
    "verbs/calibrate": ("<!-- calibrated -->", calibrated),
}


def write_tables(app, docname, source) -> None:
    if docname in TABLES:
        mark, table = TABLES[docname]
        source[0] = source[0].replace(mark, table())


def keep_bars(app, what, name, obj, options, lines) -> None:
    """Escape the bars of |x|, which mean a substitution in reStructuredText, outside math."""
    math = example = False
    for i, line in enumerate(lines):
        text = line.lstrip()
        math = text.startswith(".. math::") or (math and (not text or line != text))
        example = bool(text) and (example or text.startswith(">>>"))
        if not (math or example or "`" in line):
            lines[i] = line.replace("|", r"\|")


def setup(app) -> dict[str, bool]:
    app.connect("source-read", write_tables)
    app.connect("autodoc-process-docstring", keep_bars, priority=900)  # after napoleon
    return {"parallel_read_safe": True}
