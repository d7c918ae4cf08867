"""Time a solve fairly: one thread, warm, the best of several, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from signal import SIGXCPU
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START_UP = 20.0  # processor seconds allowed for imports and compilation, before any solve
Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: a problem, a peer, and ourselves."""

    problem: str
    peer: str
    theirs: Found  #: cpu, wall, error, perhaps the worst of many; or `slow`, `failed`, `skipped`
    ours: Found  #: cpu, wall, error
    target: float | None  #: how many times faster we mean to be
    by_error: bool = False  #: whether our error must be the smaller one, too

    @property
    def ratio(self) -> float | None:
        """Peer's processor time over ours; a lower bound if the peer was stopped."""
        known = "cpu" in self.theirs and not self.theirs.get("failed")
        return self.theirs["cpu"] / self.ours["cpu"] if known else None

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.ratio is None or self.target is None:
            return "–"
        if self.theirs.get("slow"):
            return "yes" if self.ratio >= self.target else "unknown"
        worse = self.by_error and self.ours["error"] > self.theirs["error"]
        return "no" if self.ratio < self.target or worse else "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A cost of our own that must stay below a limit."""

    what: str
    value: float
    limit: float
    unit: str
    note: str = ""


def timed(solve: Callable[[], Any]) -> tuple[Found, Any]:
    """Run once; return wall and processor seconds, and what was found."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = solve()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}, found


def best_of(
    prepare: Callable[[], Callable[[], Any]], *, repeats: int, budget: float = 10.0
) -> Found:
    """Shortest processor and wall time of a solve; what `prepare` does is not timed.

    Stops early when the runs have used `budget` processor seconds.
    """
    runs: list[Found] = []
    while len(runs) < repeats and sum(run["cpu"] for run in runs) < budget:
        runs.append(timed(prepare())[0])
    return {key: min(run[key] for run in runs) for key in ("cpu", "wall")} | {"runs": len(runs)}


def in_own_process(module: str, job: Found, *, limit: float) -> Found:
    """Do `job` in a fresh interpreter; `slow` if its solve uses more than `limit` seconds."""
    missing = [name for name in job.get("needs", []) if find_spec(name) is None]
    if missing:
        return {"skipped": f"{', '.join(missing)} not installed"}
    command = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(job)]
    allowed = 4 * (limit + START_UP)  # wall: other work on the machine is not the peer's fault
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)
    try:
        out, err = child.communicate(timeout=allowed)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return {"failed": f"no answer in {allowed:g} s of wall time"}
    if child.returncode == -SIGXCPU:
        return {"slow": True, "cpu": limit, "wall": limit}
    if child.returncode:
        return {"failed": (err.strip().splitlines() or [f"exit code {child.returncode}"])[-1]}
    return dict(json.loads(out.strip().splitlines()[-1]))


def limit_processor(seconds: float) -> None:
    """End this process once it has used `seconds` of processor time from now."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))
