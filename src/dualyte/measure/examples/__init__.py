"""Small synthetic instrument files with known truth, one module per kind."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from dualyte.errors import InputError
from dualyte.measure.files.sidecar import remember
from dualyte.measure.kinds import option_text
from dualyte.measure.result import KINDS, MeasurementKind
from dualyte.vocabulary import known, show

TRUTH = "truth.txt"


def write_example(
    kind: MeasurementKind, folder: str | Path, *, seed: int = 0
) -> dict[str, tuple[str, float]]:
    """Write small instrument files of one kind, made from numbers that are known.

    Parameters
    ----------
    kind
        One of `dualyte.measure.result.KINDS`.
    folder
        Where to; made if it is not there.
    seed
        Of their noise.

    Returns
    -------
    dict
        Name of a result: its row of the vocabulary and the true number, SI. `truth.txt` in the
        folder says it for people.

    Raises
    ------
    InputError
        If the kind is unknown, the seed negative, or the folder holds files already or cannot
        be made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     truth = write_example("eis", Path(folder) / "cells")
    >>> truth["R_he"]
    ('asr', 0.007345)
    """
    if kind not in KINDS:
        raise InputError(f"there is no kind {kind!r}; it is one of {', '.join(KINDS)}")
    folder = Path(folder)
    if folder.is_file():
        raise InputError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds files already; name a new folder")
    if seed < 0:
        raise InputError(f"seed is {seed}; it is a whole number, 0 or more")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from error
    truth: dict[str, tuple[str, float]] = _home(kind).write(folder, seed=seed)
    options = {name: option_text(name, x) for name, x in example_options(kind).items()}
    if options and kind != "eis":
        remember(folder, options=options)
    lines = [f"{name}: {_shown(word, si)}" for name, (word, si) in truth.items()]
    (folder / TRUTH).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return truth


def example_options(kind: MeasurementKind) -> dict[str, Any]:
    """Keyword arguments that `measure_KIND` needs for the files of `write_example`."""
    return dict(getattr(_home(kind), "OPTIONS", {}))


def _home(kind: str) -> Any:  # noqa: ANN401 (a module)
    return import_module(f"dualyte.measure.examples.{kind}")


def _shown(word: str, si: float) -> str:
    return show(word, si) + (f" ({known(word).text})" if known(word).text else "")
