"""Evaluations of any kind of measurement, told, saved, and turned into a material file."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from html import escape
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from dualyte.errors import InputError
from dualyte.material import Value, material
from dualyte.measure.kinds import options_beside
from dualyte.measure.result import Evaluation, FileFailure, told_apart
from dualyte.plot.figure import Figure
from dualyte.report.circuits import Tell
from dualyte.report.numbers import (
    as_json,
    draw_all,
    number,
    plain_table,
    remove_former,
    told,
    write_rows,
)
from dualyte.vocabulary import known

Table = tuple[list[str], list[list[str]]]

#: (kind, result): property of a material that a prediction looks for
PROPERTIES: Final[Mapping[tuple[str, str], str]] = {
    ("conductivity", "conductivity_25C"): "conductivity",
    ("conductivity", "activation_energy"): "activation_energy",
    ("indentation", "flow_stress"): "yield_stress",
    ("indentation", "hardness"): "hardness",
    ("indentation", "youngs_modulus"): "youngs_modulus",
}
_PROVENANCE: Final = "provenance.json"
_ROWS: Final = 40  # of a table for people
_STOPPED: Final = "- stopped before all files were read: these are the results of some"


def evaluation_json(found: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON holds it: kind, files, results, warnings, changed."""
    row: dict[str, Any] = {
        "kind": found.kind,
        "files": list(found.files),
        "results": {name: _result(value) for name, value in found.results.items()},
        "warnings": list(found.warnings),
        "changed": list(found.changed),
    }
    if found.table:
        row["table"] = [{k: _plain(x) for k, x in line.items()} for line in found.table]
    if found.failures:
        row["failed"] = _failed(found.failures)
    if found.stopped:
        row["stopped"] = True
    return row


def _failed(failures: Sequence[FileFailure]) -> dict[str, str]:
    """File and why; of several failures of one name none is lost."""
    told: dict[str, str] = {}
    for each in failures:
        told[each.file] = f"{told[each.file]}; {each.why}" if each.file in told else each.why
    return told


def _result(value: Value) -> dict[str, Any]:
    """Value, standard deviation and unit; what stands between file and number where it matters."""
    row = number(value)
    if value.kind != "measured":
        row["kind"] = value.kind
    if value.note:
        row["note"] = value.note
    return row


def _plain(cell: Any) -> Any:  # noqa: ANN401 (what a row of a table holds)
    """A cell that JSON can hold: NaN and infinity are null."""
    if hasattr(cell, "item"):
        cell = cell.item()
    if isinstance(cell, float) and not (abs(cell) < float("inf")):
        return None
    return cell


def results_table(found: Evaluation) -> Table:
    """Headings and cells: name, value with spread, where it is from."""
    cells = [
        [name.replace("_", " "), told(number(value)), value.kind, value.where]
        for name, value in found.results.items()
    ]
    return ["result", "value", "kind", "from"], cells


def rows_table(found: Evaluation, most: int = _ROWS) -> Table | None:
    """Rows of single files, cycles or indents, as far as people read them."""
    if not found.table:
        return None
    head = list(dict.fromkeys(name for row in found.table for name in row))
    cells = [[_cell(row.get(name)) for name in head] for row in found.table[:most]]
    return head, cells


def _cell(x: Any) -> str:  # noqa: ANN401 (what a row of a table holds)
    plain = _plain(x)
    if plain is None:
        return "–"
    return f"{plain:.5g}" if isinstance(plain, float) else str(plain)


def evaluation_text(found: Evaluation, *, single: bool = True) -> list[str | Table]:
    """What people read of an evaluation, part by part; `single` rows where there are several."""
    parts: list[str | Table] = [f"{found.kind}: {_title(found)}"]
    if found.results:
        parts.append(results_table(found))
    rows = rows_table(found) if single else None
    if rows is not None and len(found.table) > 1:
        parts += ["", rows]
        if len(found.table) > _ROWS:
            parts.append(f"… and {len(found.table) - _ROWS} more rows (all of them with --out)")
    parts += [f"- changed: {said}" for said in found.changed]
    parts += [f"- {said}" for said in found.warnings]
    parts += [f"- not read: {failure.why}" for failure in found.failures]
    if found.stopped:
        parts.append(_STOPPED)
    return parts


def _title(found: Evaluation) -> str:
    """The files evaluated; where there are none, those that failed."""
    return ", ".join(found.files or [failure.file for failure in found.failures])


# ---------------------------------------------------------------- figures


def evaluation_figures(found: Evaluation) -> list[Figure]:
    """Figures of an evaluation, by its kind."""
    if found.kind == "eis":
        from dualyte.report.measurement import measurement_figures

        return measurement_figures(found.detail)
    home = import_module(f"dualyte.plot.{found.kind}")
    figures: Callable[[Evaluation], list[Figure]] = getattr(home, f"{found.kind}_figures")
    return figures(found)


# ---------------------------------------------------------------- files


def write_evaluation(
    found: Evaluation,
    folder: Path,
    *,
    paths: Sequence[Path] = (),
    options: Mapping[str, Any] | None = None,
    progress: Tell | None = None,
) -> list[Path]:
    """Write summary, JSON, tables, a material file, figures and provenance.

    Parameters
    ----------
    found
        An evaluation.
    folder
        Made if it is not there; what an earlier run wrote into it is removed.
    paths
        The files evaluated, for their digests.
    options
        How it was asked for.
    progress
        Told of figures drawn.

    Returns
    -------
    list of Path
        What was written, in that order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_former(folder)
    stem = found.kind
    written = [folder / f"{stem}_summary.txt", folder / f"{stem}.json"]
    written[0].write_text("\n".join(_lines(evaluation_text(found))) + "\n", encoding="utf-8")
    written[1].write_text(as_json(evaluation_json(found), indent=2) + "\n", encoding="utf-8")
    if found.table:
        rows = [{k: _plain(x) for k, x in row.items()} for row in found.table]
        written.append(write_rows(folder / f"{stem}.csv", rows))
    written.append(write_material(found, folder / f"{stem}_values.toml"))
    written += draw_all(evaluation_figures(found), folder, progress)
    about = {
        "dualyte": version("dualyte"),
        "python": platform.python_version(),
        "options": {k: v for k, v in (options or {}).items() if v is not None},
        "files": dict(zip(told_apart(paths), map(_digest, paths), strict=True)),
        "changed": list(found.changed),
        "files_written": [each.name for each in written],
    }
    return [*written, _provenance(folder, about)]


def _provenance(folder: Path, about: Mapping[str, Any]) -> Path:
    path = folder / _PROVENANCE
    path.write_text(as_json(about, indent=2) + "\n", encoding="utf-8")
    return path


def _lines(parts: Sequence[str | Table]) -> list[str]:
    lines: list[str] = []
    for part in parts:
        lines += [part] if isinstance(part, str) else plain_table(*part)
    return lines


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def write_material(found: Evaluation, path: Path, *, base: str | None = None) -> Path:
    """Write results as values of a material, for `dualyte.material` and predictions.

    Parameters
    ----------
    found
        An evaluation.
    path
        The TOML file to write.
    base
        Material that has the other properties, such as `"LNOC"`.

    Returns
    -------
    Path
        The file. Results that a prediction looks for have its name; the others keep theirs.

    Raises
    ------
    InputError
        If the base is not a material, there is nothing to write, or the file cannot be written.
    """
    if not found.results:
        raise InputError(f"{found.kind} gave no result that could be saved")
    lines = [f"# what {found.kind} measurements say: {', '.join(found.files)}"]
    if base is not None:
        lines.append(f"base = {json.dumps(material(base).name)}")
    lines.append(f"name = {json.dumps(path.stem)}")
    for name, value in found.results.items():
        lines += ["", *_toml(PROPERTIES.get((found.kind, name), name), value)]
    text = "\n".join(lines) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    material(path)  # what was written can be read
    return path


def _toml(name: str, value: Value) -> list[str]:
    """One value, in SI so that nothing is rounded."""
    rows = {
        "quantity": json.dumps(value.quantity),
        "value": repr(float(value.si)),
        "unit": json.dumps(known(value.quantity).unit),
        "kind": json.dumps(value.kind),
        "source": json.dumps(value.source),
        "where": json.dumps(value.where, ensure_ascii=False),
    }
    if value.law not in ("normal", "uniform", "log-uniform"):
        rows["law"] = json.dumps(value.law)
    if value.low is not None and value.high is not None:
        rows |= {"low": repr(float(value.low)), "high": repr(float(value.high))}
    elif value.spread:
        rows["spread"] = repr(float(value.spread))
    if value.note:
        rows["note"] = json.dumps(value.note, ensure_ascii=False)
    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
    return [f"[[{key}]]", *(f"{key} = {text}" for key, text in rows.items())]


# ---------------------------------------------------------------- a folder on one page


def write_page(
    found: Sequence[Evaluation],
    folder: Path,
    *,
    unknown: Sequence[str] = (),
    paths: Sequence[Sequence[Path]] = (),
    title: str = "Measurements",
    progress: Tell | None = None,
) -> list[Path]:
    """Write one page of all that a folder of measurements says, with figures beside it.

    Parameters
    ----------
    found
        Evaluations, in the order of the page.
    folder
        Made if it is not there; what an earlier page had is removed.
    unknown
        What was passed over, in sentences.
    paths
        The files of each evaluation, for their digests.
    title
        Of the page.
    progress
        Told of kinds written.

    Returns
    -------
    list of Path
        The page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_page(folder)
    written: list[Path] = []
    homes: list[str] = []
    body: list[str] = []
    taken: dict[str, int] = {}
    for k, each in enumerate(found):
        taken[each.kind] = taken.get(each.kind, 0) + 1
        number = f"_{taken[each.kind]}" if taken[each.kind] > 1 else ""
        home = folder / f"{each.kind}{number}"
        own: list[Path] = []
        if each.results:
            files = paths[k] if k < len(paths) else ()
            asked = options_beside(each.kind, files)
            own = write_evaluation(each, home, paths=files, options=asked)
            homes.append(home.name)
        written += own
        images = [p for p in own if p.suffix == ".png"]
        body += _section(each, [f"{home.name}/{p.name}" for p in images])
        if progress:
            progress(k + 1, len(found))
    if unknown:
        body += ["<h2>Passed over</h2>", _listed(unknown)]
    page = folder / "summary.html"
    page.write_text(_PAGE.format(title=escape(title), body="\n".join(body)), encoding="utf-8")
    about = {
        "dualyte": version("dualyte"),
        "files_written": [page.name],
        "folders_written": homes,
        "passed_over": list(unknown),
    }
    return [page, *written, _provenance(folder, about)]


def _remove_page(folder: Path) -> None:
    """Remove what an earlier page had here, so that no result outlives its page."""
    try:
        told = json.loads((folder / _PROVENANCE).read_text(encoding="utf-8"))
        homes = [folder / Path(str(name)).name for name in told.get("folders_written", [])]
    except (OSError, ValueError, AttributeError, TypeError):
        homes = []
    for home in homes:
        remove_former(home)
        (home / _PROVENANCE).unlink(missing_ok=True)
        with suppress(OSError):  # what else it holds stays
            home.rmdir()
    remove_former(folder)


def _section(found: Evaluation, images: Sequence[str]) -> list[str]:
    parts = [f"<h2>{escape(found.kind)}</h2>", f"<p>{escape(_title(found))}</p>"]
    if found.results:
        parts.append(_html(*results_table(found)))
    if (rows := rows_table(found)) is not None and len(found.table) > 1:
        parts.append(f"<details><summary>single rows</summary>{_html(*rows)}</details>")
    parts += [f'<img src="{escape(name)}" alt="{escape(found.kind)}">' for name in images]
    notes = [*(f"changed: {said}" for said in found.changed), *found.warnings]
    notes += [f"not read: {failure.why}" for failure in found.failures]
    notes += [_STOPPED.removeprefix("- ")] if found.stopped else []
    return [*parts, _listed(notes)] if notes else parts


def _html(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    rows = ("".join(f"<td>{escape(c)}</td>" for c in line) for line in cells)
    return f"<table><tr>{top}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _listed(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
h2 {{ margin-top: 2em; border-bottom: 1px solid #bbb }}
table {{ border-collapse: collapse; margin: .7em 0 }}
td, th {{ padding: .15em .9em .15em 0; text-align: left; vertical-align: top }}
th {{ border-bottom: 1px solid #bbb; font-weight: 600 }}
img {{ width: 26em; max-width: 100%; margin: .5em .5em 0 0 }}
li {{ color: #555 }}
</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"""
