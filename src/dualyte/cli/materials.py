"""`dualyte materials`: the library."""

from __future__ import annotations

import sys
from typing import Any

import dualyte as dl
from dualyte.cli.common import app, dumps, print_table


@app.command
def materials(name: str | None = None, /, *, json: bool = False) -> None:
    """List the materials, or show one with every value, its kind and its source.

    Parameters
    ----------
    name
        Library name, or path to a TOML file.
    json
        Print JSON.
    """
    names = dl.materials() if name is None else [name]
    found = [dl.material(each) for each in names]
    if json:
        told = {m.name: {"formula": m.formula, **_material_json(m)} for m in found}
        sys.stdout.write(dumps(told))
    elif name is None:
        rows = [[m.name, m.formula, str(len(m.properties)), str(len(m.unknown))] for m in found]
        print_table(["name", "formula", "properties", "not known"], rows)
    else:
        print(found[0])
        for key, others in found[0].others.items():
            for value in others:
                print(f"  also {key}: {value}")


def _material_json(m: dl.Material) -> dict[str, Any]:
    def row(value: dl.Value) -> dict[str, Any]:
        low, high = value.interval()
        return {
            "si": value.si, "low": low, "high": high, "kind": value.kind, "source": value.source,
            "where": value.where, "shown": dl.show(value.quantity, value.si),
        }  # fmt: skip

    return {"properties": {k: row(v) for k, v in m.properties.items()}, "unknown": list(m.unknown)}
