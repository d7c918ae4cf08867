"""A run that stopped, in a folder: its finished cycles and the states to go on from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from dualyte.cell.cell import Cell, last_state, load_state
from dualyte.cell.predict import CellPrediction, seen_states
from dualyte.cell.protocol import Protocol
from dualyte.circuit import Spectrum
from dualyte.cycles import Cycles, cycles_from
from dualyte.errors import InputError

_NAME: Final = "run"


def save_run(found: CellPrediction, folder: Path) -> Path:
    """Write cycles, the last state, and those at which spectra were taken, into `folder`/run."""
    home = folder / _NAME
    home.mkdir(parents=True, exist_ok=True)
    for old in home.glob("*.npz"):
        old.unlink()
    found.cycles.to_dataset().to_netcdf(home / "cycles.nc", engine="h5netcdf")
    last_state(found.cycles).save(home / "last.npz")
    for state in seen_states(found.cycles):
        state.save(home / f"seen-{state.steps:05d}.npz")
    key = {"cell": _key(found.cell), "protocol": str(found.protocol)}
    (home / "run.json").write_text(json.dumps(key, indent=1), encoding="utf-8")
    return home


def load_run(folder: Path, cell: Cell, protocol: Protocol) -> Cycles:
    """Read what `save_run` wrote for the same cell and a protocol that begins alike.

    Raises
    ------
    InputError
        If there is no run in the folder, or it is one of another cell or protocol.
    """
    import xarray as xr

    home = folder / _NAME
    look = partial(Spectrum, area=cell["area"].si, temperature=cell.temperature)
    try:
        key = json.loads((home / "run.json").read_text(encoding="utf-8"))
        with xr.open_dataset(home / "cycles.nc", engine="h5netcdf") as kept:
            cycles = cycles_from(kept.load(), spectrum=look)
        states = [load_state(home / "last.npz")]
        states += [load_state(path) for path in sorted(home.glob("seen-*.npz"))]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{folder} holds no stopped run ({error}); run once without --resume"
        ) from error
    if key.get("cell") != _key(cell):
        raise InputError(
            f"the run in {folder} is of another cell; give the options it was made with, or "
            "another --out"
        )
    done = states[0].steps
    begun = str(replace(protocol, steps=protocol.steps[:done]))
    if done > len(protocol) or _beginning(key["protocol"], done) != begun:
        raise InputError(
            f"the run in {folder} followed another protocol; give the one it was made with, or "
            "another --out"
        )
    return replace(cycles, stopped="", made_from=(cell, protocol, *states))


def _beginning(text: str, steps: int) -> str:
    from dualyte.cell.protocol import protocol as read

    whole = read(text)
    return str(replace(whole, steps=whole.steps[:steps]))


def _key(cell: Cell) -> str:
    told = {name: value.si for name, value in sorted(cell.parameters.items())}
    about = [str(cell), cell.temperature, cell.interface.pressures, cell.interface.resistances]
    return hashlib.sha256(json.dumps([told, about]).encode()).hexdigest()[:16]
