"""Run the benchmarks, print a table for each part and write its section of RESULTS.md.

python -m benchmarks [contact] [plane] [impedance] [pellet] [cell] [biologic] [cyclers]
"""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # so that `python benchmarks` works, too

from benchmarks import biologic, cell, contact, cyclers, impedance, pellet, plane  # noqa: E402 (needs the path above)
from benchmarks.timing import Found, Promise, Row  # noqa: E402

PARTS = {
    "contact": contact.run, "plane": plane.run, "impedance": impedance.run, "pellet": pellet.run,
    "cell": cell.run, "biologic": biologic.run, "cyclers": cyclers.run,
}  # fmt: skip
PACKAGES = {
    "contact": ("tamaas", "ContactMechanics"),
    "plane": ("taufactor", "torch", "porespy", "openpnm", "pyamg"),
    "impedance": ("impedance", "pyimpspec", "pyDRTtools", "lmfit", "cvxopt"),
    "pellet": ("muSpectre", "fipy"),
    "cell": ("pybamm",),
    "biologic": ("galvani",),
    "cyclers": ("access_parser", "NewareNDA", "fastnda"),
}
OURS = ("numpy", "scipy", "numba")  # what dualyte stands on
RESULTS = HERE / "RESULTS.md"
PREFACE = """\
# Results

Written by `python -m benchmarks`, each section by one whole run of its part; README.md says what \
is measured. Times are processor time of one thread, wall time in brackets, and ratios are of \
processor times.
"""
HEAD = (
    "problem",
    "peer",
    "peer: time",
    "error",
    "dualyte: time",
    "error",
    "faster by",
    "aim",
    "met",
)


def machine(part: str) -> str:
    """Describe what the numbers of a part were taken on, in one paragraph."""
    versions = []
    for name in ("dualyte", *PACKAGES[part], *OURS):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed")
    return (
        f"{processor()}, {os.cpu_count()} cores, one thread per solver; {platform.system()}, "
        f"Python {platform.python_version()}; {', '.join(versions)}."
    )


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def seconds(found: Found) -> str:
    """Processor time, and wall time in brackets."""
    if found.get("slow"):
        return f"> {found['cpu']:.0f} s"
    if "cpu" not in found or "failed" in found:
        return "–"
    if found["cpu"] < 1e-3:
        return f"{1e3 * found['cpu']:.3g} ms ({1e3 * found['wall']:.3g})"
    return f"{found['cpu']:.3g} s ({found['wall']:.3g})"


def accuracy(found: Found) -> str:
    """Error; of many spectra the median, and the worst in brackets."""
    if "error" not in found:
        return "–"
    if "worst" not in found:
        return f"{found['error']:.1e}"
    return f"{impedance.percent(found['error'])} ({impedance.percent(found['worst'])})"


def times(ratio: float) -> str:
    """How many times, to three digits."""
    return f"{float(f'{ratio:.3g}'):,.0f}×" if ratio >= 100 else f"{ratio:.3g}×"


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    ratio = "–" if row.ratio is None else times(row.ratio)
    if row.theirs.get("slow"):
        ratio = f"> {ratio}"
    return (
        row.problem,
        row.peer,
        seconds(row.theirs),
        accuracy(row.theirs),
        seconds(row.ours),
        accuracy(row.ours),
        ratio,
        "–" if row.target is None else times(row.target),
        row.verdict,
    )


def kept(promise: Promise) -> str:
    """One sentence about a cost of our own."""
    verdict = "met" if promise.value <= promise.limit else "not met"
    return (
        f"{promise.what}: {promise.value:.2f} {promise.unit} (aim ≤ {promise.limit:g}: {verdict}). "
        f"{promise.note}."
    )


def remarks(rows: list[Row]) -> list[str]:
    """Why a peer has no number, once each."""
    skipped = {f"Skipped: {row.theirs['skipped']}." for row in rows if "skipped" in row.theirs}
    failed = {
        f"{row.peer}, {row.problem}: {row.theirs['failed']}."
        for row in rows
        if "failed" in row.theirs
    }
    return sorted(skipped) + sorted(failed)


def section(part: str, rows: list[Row], sentences: list[str], extra: list[str]) -> str:
    """The text of one section of RESULTS.md."""
    lines = [HEAD, tuple("---" for _ in HEAD), *map(cells, rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "\n".join(f"- {sentence}" for sentence in sentences)
    body = "\n\n".join([f"## {part.capitalize()}", machine(part), table, notes, *extra])
    return f"{body}\n"


def write(part: str, text: str) -> None:
    """Put a section in its place in RESULTS.md, and leave the others as they are."""
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    parts = re.split(r"^(?=## )", old, flags=re.MULTILINE)[1:]
    kept = {each.split(maxsplit=2)[1].lower(): each for each in parts} | {part: text}
    found = [kept[name].rstrip() + "\n" for name in PARTS if name in kept]
    RESULTS.write_text("\n".join([PREFACE, *found]), encoding="utf-8")


def show(rows: list[Row]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEAD)
    for row in rows:
        table.add_row(*cells(row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def main(names: list[str]) -> None:
    """Run the parts named, or all; a part is written down if every peer of it was there."""
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))} (known: {', '.join(PARTS)})")
    for name in names or PARTS:
        rows, promises, said, *extra = PARTS[name]()
        sentences = [*map(kept, promises), *said, *remarks(rows)]
        show(rows)
        print("\n".join([*sentences, *extra, machine(name)]))
        if not any("skipped" in row.theirs for row in rows):
            write(name, section(name, rows, sentences, extra))


if __name__ == "__main__":
    main(sys.argv[1:])
