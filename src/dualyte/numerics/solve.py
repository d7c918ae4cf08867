"""Iterative solvers always say how they ended."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """How a solve ended; the value is the advice shown to the user."""

    CONVERGED = ""
    MAX_STEPS = "stopped at max_steps; raise it, or loosen rtol"
    STALLED = "no step lowers the energy any more; loosen rtol, or smooth the input"
