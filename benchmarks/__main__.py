"""Run the benchmarks, print one table and write it to RESULTS.md.

python -m benchmarks [contact] [plane]
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # so that `python benchmarks` works, too

from benchmarks import contact, plane  # noqa: E402 (needs the path above)
from benchmarks.timing import Found, Promise, Row  # noqa: E402

PARTS = {"contact": contact.run, "plane": plane.run}
PACKAGES = (
    "dualyte",
    "tamaas",
    "ContactMechanics",
    "taufactor",
    "torch",
    "porespy",
    "openpnm",
    "pyamg",
    "numpy",
    "scipy",
    "numba",
)
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


def machine() -> str:
    """Describe what the numbers were taken on, in one paragraph."""
    versions = []
    for name in PACKAGES:
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
    return f"{found['cpu']:.3g} s ({found['wall']:.3g})"


def times(ratio: float) -> str:
    """How many times, to three digits."""
    return f"{float(f'{ratio:.3g}'):,.0f}×" if ratio >= 100 else f"{ratio:.3g}×"


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    ratio = "–" if row.ratio is None else times(row.ratio)
    if row.theirs.get("slow"):
        ratio = f"> {ratio}"
    error = f"{row.theirs['error']:.1e}" if "error" in row.theirs else "–"
    return (
        row.problem,
        row.peer,
        seconds(row.theirs),
        error,
        seconds(row.ours),
        f"{row.ours['error']:.1e}",
        ratio,
        times(row.target),
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


def markdown(rows: list[Row], sentences: list[str]) -> str:
    """The text of RESULTS.md."""
    lines = [HEAD, tuple("---" for _ in HEAD), *map(cells, rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "\n".join(f"- {sentence}" for sentence in sentences)
    return (
        "# Results\n\n"
        "Written by `python -m benchmarks`; README.md says what is measured. Times are "
        "processor seconds of one thread, wall seconds in brackets, and ratios are of processor "
        f"times.\n\n{machine()}\n\n{table}\n\n{notes}\n"
    )


def show(rows: list[Row]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEAD)
    for row in rows:
        table.add_row(*cells(row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def main(names: list[str]) -> None:
    """Run the parts named, or all; only a whole run with every peer is written down."""
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))} (known: {', '.join(PARTS)})")
    rows, sentences = [], []
    for name in names or PARTS:
        more, promises, said = PARTS[name]()
        rows += more
        sentences += [*map(kept, promises), *said]
    sentences += remarks(rows)
    show(rows)
    print("\n".join(sentences), machine(), sep="\n")
    if not names and not any("skipped" in row.theirs for row in rows):
        (HERE / "RESULTS.md").write_text(markdown(rows, sentences), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
