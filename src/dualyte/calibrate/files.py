"""Calibrated values as readable text, with what they were fitted to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dualyte.vocabulary import Floats


def write_values(
    path: Path,
    name: str,
    *,
    facts: Sequence[str],
    inputs: str,
    remarks: Sequence[str],
    correlation: Floats,
    entries: Mapping[str, Sequence[str]],
) -> Path:
    """Write the head of a calibration and the lines of each value, as `calibration` reads them."""
    rows = [
        f"# Written by `dualyte calibrate {name}`: fitted, never predicted.",
        "[calibration]",
        f"facts = {json.dumps(list(facts))}",
        f'inputs = "{inputs}"',
        "remarks = [",
        *(f'  "{remark}",' for remark in remarks),
        "]",
        "correlation = [",
        *(f"  [{', '.join(f'{x:.3f}' for x in line)}]," for line in correlation),
        "]",
    ]
    for value, lines in entries.items():
        rows += ["", f"[{value}]", *lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
