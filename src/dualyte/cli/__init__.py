"""`dualyte` on the command line: parse, call one public verb, print, save."""

from __future__ import annotations

import os
import sys

from cyclopts import CycloptsError

import dualyte as dl
from dualyte.cli import cell, kinds, materials, measure, pellet, predict, study  # noqa: F401 (they add their commands)
from dualyte.cli.common import app
from dualyte.cli.predict import InterfaceOptions

__all__ = ["InterfaceOptions", "app", "main"]


def main(words: list[str] | None = None) -> None:
    """Entry point: our errors are one line and exit code 2, bugs keep their traceback."""
    _write_utf8()
    try:
        app(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _fail(" ".join(str(error).split()))
    except dl.DualyteError as error:
        _fail(str(error))
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print(
            "dualyte: stopped; what was finished before is kept where a folder was named",
            file=sys.stderr,
        )
        sys.exit(130)


def _write_utf8() -> None:
    """Let pipes take Ω and χ², which the encoding of some systems does not know."""
    for stream in (sys.stdout, sys.stderr):
        encoding = str(getattr(stream, "encoding", "")).lower().replace("-", "")
        if encoding != "utf8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")


def _fail(sentence: str) -> None:
    print(f"dualyte: {sentence}", file=sys.stderr)
    sys.exit(2)
