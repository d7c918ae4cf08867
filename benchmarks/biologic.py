"""Bio-Logic files read by dualyte and by galvani, in one run.

A GCPL of a million rows in binary, and one of a hundred thousand as text. Both readers start
from a file that the system has in memory, and end with every column as an array; what they find
is compared with what was written. galvani is under the GPL: it is measured here, never used.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.timing import Found, Promise, Row, best_of, in_own_process

Columns = dict[str, npt.NDArray[np.float64]]

ROWS = {"mpr": 1_000_000, "mpt": 100_000}
LIMIT = 120.0  # processor seconds for a peer
MOST = 2.0  # s in which a million rows of .mpr are to be read
#: number, heading and type of the columns of a GCPL; the flags share the byte of the first
FLAGS = {1: "mode", 2: "ox/red", 3: "error", 21: "control changes", 31: "Ns changes",
         65: "counter inc."}  # fmt: skip
COLUMNS = {
    131: ("Ns", "<u2"), 4: ("time/s", "<f8"), 7: ("dq/mA.h", "<f8"), 13: ("(Q-Qo)/mA.h", "<f8"),
    5: ("control/V/mA", "<f4"), 6: ("Ewe/V", "<f4"), 39: ("I Range", "<u2"),
    467: ("Q charge/discharge/mA.h", "<f8"), 468: ("half cycle", "<u4"), 70: ("P/W", "<f4"),
}  # fmt: skip


def columns(rows: int) -> Columns:
    """A cell charged and discharged at 0.1 mA, a hundred half cycles, a row each second."""
    n = np.arange(rows)
    half = n // max(rows // 100, 1)
    current = np.where(half % 2 == 0, 0.1, -0.1)
    charge = np.cumsum(current / 3600)
    begin = np.flatnonzero(np.diff(half, prepend=-1))
    return {
        "Ns": half % 2 + 1.0, "time/s": n * 1.0, "dq/mA.h": current / 3600,
        "(Q-Qo)/mA.h": charge, "control/V/mA": current, "Ewe/V": 3 + charge,
        "I Range": n * 0 + 39.0, "Q charge/discharge/mA.h": charge - charge[begin][half],
        "half cycle": half * 1.0, "P/W": current * (3 + charge) * 1e-3,
    }  # fmt: skip


def write(form: str, path: Path) -> None:
    """Write the cell in a format of Bio-Logic."""
    true = columns(ROWS[form])
    if form == "mpt":
        # numbers in the two widths of the program, with three digits of exponent
        whole = {"Ns", "I Range", "half cycle"}
        lines = ["\t".join(["mode", *true]) + "\t"]
        for row in zip(*true.values(), strict=True):
            cells = (
                f"{x:.0f}"
                if name in whole
                else f"{x:.15E}".replace("E+", "E+0").replace("E-", "E-0")
                for name, x in zip(true, row, strict=True)
            )
            lines.append("\t".join(["1", *cells]))
        text = "EC-Lab ASCII FILE\r\nNb header lines : 4\r\n\r\n" + "\r\n".join(lines) + "\r\n"
        path.write_bytes(text.encode("cp1252"))
        return
    record = np.dtype([("flags", "u1"), *COLUMNS.values()])
    rows = np.ones(ROWS[form], record)
    for name, column in true.items():
        rows[name] = column
    ids = np.array([*FLAGS, *COLUMNS], "<u2")
    head = struct.pack("<IB", len(rows), len(ids)) + ids.tobytes()
    out = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\x00" * 4
    parts = (("VMP Set", b"\x00" * 700, 0), ("VMP data", head.ljust(406, b"\x00"), 3))
    for name, body, version in parts:
        body += rows.tobytes() if name == "VMP data" else b""
        out += b"MODULE" + name.encode().ljust(10) + name.encode().ljust(25)
        out += struct.pack("<II", len(body), version) + b"01/10/24" + body
    path.write_bytes(out)


def dualyte(form: str, path: Path) -> Callable[[], Columns]:
    from dualyte.measure.files.biologic import read_mpr_table, read_mpt_table

    read = {"mpr": read_mpr_table, "mpt": read_mpt_table}[form]

    def run() -> Columns:
        table = read(path)
        return dict(zip(table.names, table.columns, strict=True))

    return run


def record(form: str, path: Path) -> Callable[[], Columns]:
    """What an evaluation starts from: SI, current, charge and discharge."""
    from dualyte.measure.files.biologic import read_biologic_records

    def run() -> Columns:
        [found] = read_biologic_records(path)
        return {"time/s": found.time, "Ewe/V": found.voltage}

    return run


def galvani(form: str, path: Path) -> Callable[[], Columns]:
    """Its table, and each column of it as numbers; flags by its `get_flag`."""
    from galvani import BioLogic

    def run() -> Columns:
        if form == "mpt":
            table, _ = BioLogic.MPTfile(str(path))
            return {name: table[name].astype(np.float64) for name in table.dtype.names}
        file = BioLogic.MPRfile(str(path))
        found = {
            name: file.data[name].astype(np.float64)
            for name in file.data.dtype.names
            if name != "flags"
        }
        return found | {name: file.get_flag(name).astype(np.float64) for name in FLAGS.values()}

    return run


READERS = {"dualyte": dualyte, "record": record, "galvani": galvani}


def wrong(found: Columns, form: str) -> float:
    """Largest difference from what was written, relative to the largest of each column."""
    true = columns(ROWS[form])
    shared = [name for name in true if name in found]
    return max(
        float(np.abs(found[name] - true[name]).max() / np.abs(true[name]).max()) for name in shared
    )


def do(job: Found) -> Found:
    """Read a file with one reader: times, and the error of what it finds."""
    form = job["form"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"cell.{form}"
        write(form, path)
        read = READERS[job["reader"]](form, path)
        error = wrong(read(), form)
        return best_of(lambda: read, repeats=7) | {"error": error}


def run() -> tuple[list[Row], list[Promise], list[str]]:
    """Rows of the table, and the time in which a million rows become a record."""
    rows = []
    for form in ROWS:
        ours, theirs = (
            in_own_process(
                "biologic", {"reader": reader, "form": form, "needs": needs}, limit=LIMIT
            )
            for reader, needs in (("dualyte", []), ("galvani", ["galvani"]))
        )
        problem = f".{form}, {ROWS[form]:,} rows"
        rows.append(Row(problem=problem, peer="galvani", theirs=theirs, ours=ours, target=1.0))
    found = in_own_process("biologic", {"reader": "record", "form": "mpr"}, limit=LIMIT)
    promise = Promise(
        what=f"A .mpr file of {ROWS['mpr']:,} rows as a record",
        value=found["wall"],
        limit=MOST,
        unit="s",
        note="With current and charge in SI, and their agreement checked",
    )
    return rows, [promise], []


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("\n" + json.dumps(do(json.loads(sys.argv[1]))))
    else:
        from benchmarks.__main__ import main

        main(["biologic"])
