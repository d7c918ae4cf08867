"""Everything a change must pass. Each part installs what it needs."""

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["lint", "types", "tests", "docs", "benchmarks"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session):
    """Style, formatting, layers, and a readable changelog."""
    session.install("-e", ".[test]", "towncrier>=24.8")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session
def types(session):
    """mypy --strict."""
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session):
    """The test suite; arguments go to pytest."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def docs(session):
    """Build the documentation; a warning is an error."""
    session.install(".[docs]")
    session.run("python", "-m", "sphinx", "-W", "-b", "html", "docs", "docs/_build/html")


@nox.session
def benchmarks(session):
    """Time ourselves against other packages: the parts named, or all of them."""
    session.install(".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)
