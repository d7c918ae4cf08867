"""How fast cyclers' files are read, against the libraries that read the same.

    python -m benchmarks.cyclers FOLDER

FOLDER holds instrument files: an Arbin .res and Neware .nda files are timed against access-parser
and NewareNDA; a CSV and a Parquet file of a million rows are made for the occasion.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Found, best_of

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


def main(folder: Path) -> None:
    """Print a line for every file."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PEERS:
            continue
        peer, theirs = PEERS[path.suffix.lower()]
        mine = timed(ours, path)
        try:
            other = timed(theirs, path)
        except ImportError:
            print(f"{path.name}: {1e3 * mine['wall']:.1f} ms; {peer} is not installed")
            continue
        ratio = other["wall"] / mine["wall"]
        print(
            f"{path.name}: {1e3 * mine['wall']:.1f} ms, {peer} {1e3 * other['wall']:.1f} ms: "
            f"{ratio:.3g} times as fast"
        )
    with tempfile.TemporaryDirectory() as home:
        for suffix in (".csv", ".parquet"):
            path = Path(home) / f"long.bdf{suffix}"
            long_run(path)
            mine = timed(ours, path, repeats=3)
            verdict = "met" if mine["wall"] <= LIMIT else "not met"
            print(
                f"{ROWS} rows of BDF {suffix}: {mine['wall']:.2f} s (aim ≤ {LIMIT:g} s: {verdict})"
            )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("give the folder of instrument files: python -m benchmarks.cyclers FOLDER")
    main(Path(sys.argv[1]))
