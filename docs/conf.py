"""Sphinx configuration. The nomenclature page is written from the vocabulary."""

from importlib.metadata import version as installed

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


def write_nomenclature(app, docname, source) -> None:
    if docname == "nomenclature":
        source[0] = source[0].replace("<!-- words -->", nomenclature())


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
    app.connect("source-read", write_nomenclature)
    app.connect("autodoc-process-docstring", keep_bars, priority=900)  # after napoleon
    return {"parallel_read_safe": True}
