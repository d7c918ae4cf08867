"""How fast cyclers' files are read, against the libraries that read the same.

    INSTRUMENT_FILES=FOLDER python -m benchmarks cyclers

FOLDER holds instrument files: Arbin .res and Neware .nda files are timed against access-parser and
NewareNDA; a CSV and a Parquet file of a million rows are made for the occasion.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Found, Promise, Row, best_of

ROWS = 1_000_000
LIMIT = 2.0  # s for a million rows


def arbin(path: Path) -> Any:
    """The table of rows as access-parser gives it."""
    return (
        import_module("access_parser").AccessParser(str(path)).parse_table("Channel_Normal_Table")
    )


def neware(path: Path) -> Any:
    """The table of rows as NewareNDA gives it."""
    return import_module("NewareNDA").read(str(path))


PEERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    ".res": ("access-parser", arbin),
    ".nda": ("NewareNDA", neware),
}


def ours(path: Path) -> Any:
    """Records of the file, checked and in SI."""
    from dualyte.measure.files.cyclers import read_records

    return read_records(path)


def timed(read: Callable[[Path], Any], path: Path, repeats: int = 5) -> Found:
    """Shortest time of reading, after a first one that loads what is needed."""
    read(path)
    return best_of(lambda: lambda: read(path), repeats=repeats)


def long_run(path: Path) -> None:
    """Write a run of a million rows as BDF, by the suffix as text or Parquet."""
    from dualyte.measure.files.cyclers import write_bdf
    from dualyte.measure.files.record import Record

    time = np.arange(ROWS, dtype=np.float64)
    up = (time // 3600) % 2 == 0
    current = np.where(up, 1e-3, -1e-3)
    record = Record(
        time=time, voltage=3.6 + 0.4 * np.abs(time % 7200 / 3600 - 1), current=current,
        charged=np.cumsum(np.clip(current, 0, None)),
        discharged=np.cumsum(np.clip(-current, 0, None)),
        cycle=(time // 7200).astype(np.int64),
    )  # fmt: skip
    write_bdf(record, path)


def files() -> list[Path]:
    """Arbin and Neware files below the folder that INSTRUMENT_FILES names."""
    home = os.environ.get("INSTRUMENT_FILES", "")
    return [p for p in sorted(Path(home).rglob("*")) if p.suffix in PEERS] if home else []


def run() -> tuple[list[Row], list[Promise], list[str]]:
    """Rows for the files at hand, and the time in which a million rows become a record."""
    rows = []
    for path in files():
        peer, theirs = PEERS[path.suffix]
        problem = f"{path.suffix}, {sum(map(len, ours(path))):,} rows"
        try:
            other = timed(theirs, path)
        except ImportError:
            other = {"skipped": f"{peer} is not installed"}
        rows.append(Row(problem=problem, peer=peer, theirs=other, ours=timed(ours, path), target=1))
    if not rows:
        skipped = {"skipped": "INSTRUMENT_FILES names no folder with .res or .nda files"}
        rows = [
            Row(problem=suffix, peer=peer, theirs=skipped, ours=skipped, target=None)
            for suffix, (peer, _) in PEERS.items()
        ]
    promises = []
    with tempfile.TemporaryDirectory() as home:
        for suffix in (".csv", ".parquet"):
            path = Path(home) / f"long.bdf{suffix}"
            long_run(path)
            mine = timed(ours, path, repeats=3)
            promises.append(
                Promise(
                    what=f"BDF {suffix} of {ROWS:,} rows as a record",
                    value=mine["wall"],
                    limit=LIMIT,
                    unit="s",
                    note="With units, signs and counters checked",
                )
            )
    return rows, promises, []


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["cyclers"])
