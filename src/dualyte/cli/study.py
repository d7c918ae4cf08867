"""`dualyte calibrate` and `dualyte report`: the model against the study."""

from __future__ import annotations

from pathlib import Path

from dualyte.cli.common import calibrate, dumps, print_table, progress, report


@calibrate.command(name="interface")
def calibrate_interface(
    *, seeds: int = 40, seed: int = 0, workers: int | None = None, out: Path | None = None
) -> None:
    """Fit transfer, films and capacitance of LNOC | LLZTO to the calibration facts.

    Parameters
    ----------
    seeds
        Faces to press.
    seed
        Of everything random.
    workers
        Threads; all cores by default.
    out
        Write the calibration file here (TOML).
    """
    from dualyte.calibrate import calibrate_interface as verb
    from dualyte.calibrate import summary, write

    with progress("pressing faces") as tell:
        fit = verb(seeds=seeds, seed=seed, workers=workers, progress=tell)
    print(f"calibrated on {', '.join(fit.facts)}; {fit.kept:.0%} of the draws are physical")
    rows = [[r["parameter"], r["value"], f"{r['low']} … {r['high']}"] for r in summary(fit)]
    print_table(["calibrated parameter", "value", "90 % interval"], rows)
    if out is not None:
        print(f"written to {write(fit, out)}")


@report.command(name="interface")
def report_interface(
    *,
    seeds: int = 20,
    seed: int = 0,
    workers: int | None = None,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Set every statement of the study about the interface beside its prediction.

    Parameters
    ----------
    seeds
        Faces to press for each cell.
    seed
        Of everything random.
    workers
        Threads; all cores by default.
    out
        Folder for the tables (CSV, JSON) and the figure of f(P); it also keeps finished work.
    json
        Print JSON.
    """
    from dualyte.report import interface_table
    from dualyte.report.study import write_table

    store = out / "samples" if out else None
    with progress("pressing faces", quiet=json) as tell:
        table = interface_table(
            seeds=seeds, seed=seed, workers=workers, store=store,
            progress=lambda _, done, total: tell(done, total),
        )  # fmt: skip
    if out:
        write_table(table, out)
    print(dumps(table.as_dict()) if json else table)
