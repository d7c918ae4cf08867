"""The commands' tree, and what all commands share: progress, tables, JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

import dualyte as dl

app = App(
    name="dualyte",
    help="Dual solid-electrolyte batteries: from powder to cell, and back from measurements.",
    version=dl.__version__,
)
predict = App(name="predict", help="Predict, from materials and geometry.")
measure = App(name="measure", help="Evaluate measurements, with uncertainty.")
calibrate = App(name="calibrate", help="Fit free parameters to facts marked calibration.")
report = App(name="report", help="Set predictions beside the study's measurements.")
for branch in (predict, measure, calibrate, report):
    app.command(branch)

Quantity = Annotated[str, Parameter(allow_leading_hyphen=True)]


def check_folder(out: Path) -> None:
    """Make the folder of --out, or say at once why results cannot go there."""
    if out.exists() and not out.is_dir():
        raise dl.InputError(f"--out {out} is a file; name a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise dl.InputError(f"--out {out} cannot be made: {error.strerror}") from error
    if not os.access(out, os.W_OK):
        raise dl.InputError(f"--out {out} cannot be written to; name another folder")


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Progress bar on standard error; a plain line now and then where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, quiet=quiet)
    with Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, disable=quiet,
    ) as bar:  # fmt: skip
        task = bar.add_task(what, total=None)
        plain = not console.is_terminal and not quiet

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if plain and (done in {0, total} or done % max(total // 5, 1) == 0):
                print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

        yield tell


def print_table(head: list[str], cells: list[list[str]]) -> None:
    """Print a table, as wide as the terminal; a file or pipe has no width to fit."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for name in head:
        drawn.add_column(name, overflow="fold")  # a number cut short is another number
    for line in cells:
        drawn.add_row(*line)
    console = Console()
    if not console.is_terminal:
        console.width = max(160, min(sum(_widths(head, cells)), 400))
    console.print(drawn)


def _widths(head: list[str], cells: list[list[str]]) -> list[int]:
    """Characters that each column needs, and two between."""
    return [max(map(len, column)) + 2 for column in zip(head, *cells, strict=False)]


def dumps(told: Any) -> str:  # noqa: ANN401 (anything JSON holds)
    """JSON with a line for everything, without NaN."""
    from dualyte.report.numbers import as_json

    return as_json(told, indent=2) + "\n"
