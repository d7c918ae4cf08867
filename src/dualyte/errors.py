"""Everything dualyte raises.

DualyteError
├── InputError         you can fix it: a value, a unit, a name, a file
├── ValidityError      the model's source does not cover what was asked
├── MissingExtraError  an optional dependency is not installed; the message has the command
└── ConvergenceError   a solver stopped short; the partial answer is in `.solution`
"""

from __future__ import annotations

from typing import Any


class DualyteError(Exception):
    """Base of every error raised on purpose."""


class InputError(DualyteError, ValueError):
    """A value, unit, name or file the caller can correct."""


class ValidityError(DualyteError, ValueError):
    """A model was asked outside the range its source supports."""


class MissingExtraError(DualyteError, ImportError):
    """A feature needs a package that an extra of dualyte installs."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed; "
            f"python -m pip install 'dualyte[{extra}]' adds it"
        )


class ConvergenceError(DualyteError, RuntimeError):
    """A solver stopped short."""

    def __init__(self, message: str, solution: Any) -> None:  # noqa: ANN401 (any solver's answer)
        super().__init__(message)
        self.solution = solution
