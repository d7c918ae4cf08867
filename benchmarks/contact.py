"""Contact of a rough surface: dualyte, Tamaas and ContactMechanics on the same problems.

Every solver runs in a process of its own, on one thread. The answer of each is judged by
`judge` alone; each peer gets the loosest decade of its own tolerance that passes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.timing import Found, Promise, Row, best_of, in_own_process, limit_processor, timed

Floats = npt.NDArray[np.float64]
Solve = Callable[[], Floats]

SIDE = 32.0  # µm
MODULUS = 8340.0  # E*, MPa
LIMIT = 1e-6  # of every error in `judge`
HISTORY = (55, 120, 55, 8.2, 6, 3, 1.8, 1)  # MPa
_DECADES = tuple(10.0**-k for k in range(3, 11))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A mean pressure [MPa] and a cap on the local pressure [MPa] on an n × n surface."""

    n: int
    pressure: float = 0.0
    relative: float = 0.0  #: P/(E* h′) where the pressure follows from the slope h′
    cap: float = np.inf


CASES = {
    "elastic .05, 256²": Case(n=256, relative=0.05),
    "elastic .2, 256²": Case(n=256, relative=0.2),
    "elastic .05, 512²": Case(n=512, relative=0.05),
    "elastic .2, 512²": Case(n=512, relative=0.2),
    "saturated 55 MPa, 256²": Case(n=256, pressure=55.0, cap=195.0),
    "saturated 120 MPa, 256²": Case(n=256, pressure=120.0, cap=260.0),
}
# Unit of length in µm and of pressure in MPa that Tamaas is given. Its saturated solver
# takes steps that depend on them, so the last two are dimensionless.
UNITS = {
    "µm, MPa": (1.0, 1.0),
    "m, Pa": (1e6, 1e-6),
    "µm, GPa": (1.0, 1e3),
    "µm, E*": (1.0, MODULUS),
    "µm, 4 E*": (1.0, 4 * MODULUS),
}
PLAIN, TUNED = ("m, Pa", "µm, MPa", "µm, GPa"), ("µm, E*", "µm, 4 E*")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What every solver is given: µm and MPa."""

    height: Floats
    pressure: float
    cap: float


def draw(n: int) -> Any:
    """Draw the self-affine surface of all cases; dualyte loads in the processes only."""
    from dualyte.surface import self_affine

    return self_affine(
        sq=0.22e-6, correlation_length=8e-6, cutoff=0.5e-6, hurst=0.8, seed=1, size=SIDE * 1e-6, n=n
    )


def pose(case: Case) -> Problem:
    """Write a case in numbers."""
    from dualyte.surface import roughness

    surface = draw(case.n)
    slope = roughness(surface).sdq
    pressure = case.pressure or case.relative * MODULUS * slope
    height = np.ascontiguousarray(surface.heights * 1e6)
    return Problem(height=height, pressure=pressure, cap=case.cap)


def judge(p: Floats, problem: Problem) -> Found:
    """Measure an answer, whoever gave it; p in MPa.

    `error` is the load-weighted complementarity error over the rms height: the distance of
    the gap u − h − d from 0 where 0 < p < cap, weighted with p; from below 0 at p = cap,
    weighted with the cap; from above 0 at p = 0, weighted with the mean pressure.
    """
    n = p.shape[0]
    q = 2 * np.pi / SIDE * np.hypot(np.fft.fftfreq(n, 1 / n)[:, None], np.arange(n // 2 + 1))
    compliance = np.divide(2 / MODULUS, q, out=np.zeros_like(q), where=q > 0)
    gap = np.fft.irfft2(np.fft.rfft2(p) * compliance, s=p.shape) - problem.height
    full, empty = p >= problem.cap * (1 - 1e-9), p <= 0
    free = ~full & ~empty
    gap -= np.sum((p * gap)[free]) / np.sum(p[free])
    off = np.sum((p * np.abs(gap))[free]) + np.sum((p * np.maximum(gap, 0))[full])
    off += p.mean() * np.sum(np.maximum(-gap, 0)[empty])
    outside = np.sum(np.maximum(p - problem.cap, 0)) + np.sum(np.maximum(-p, 0))
    return {
        "error": float(off / p.sum() / problem.height.std()),
        "load_error": abs(float(p.mean()) / problem.pressure - 1),
        "bound_error": float(outside / p.sum()),
        "fraction": float(np.mean(p > 1e-10 * p.mean())),
    }


def passes(found: Found) -> bool:
    """Whether an answer counts."""
    return all(found[key] <= LIMIT for key in ("error", "load_error", "bound_error"))


def prepare_dualyte(problem: Problem, job: Found) -> Solve:
    from dualyte.numerics.contact import solve_contact

    return lambda: (
        solve_contact(
            problem.height,
            size=(SIDE, SIDE),
            modulus=MODULUS,
            pressure=problem.pressure,
            cap=problem.cap,
            rtol=job["tolerance"],
            workers=1,
        )
        .ensure()
        .pressure
    )


def prepare_tamaas(problem: Problem, job: Found) -> Solve:
    import tamaas

    tamaas.initialize(1)
    tamaas.set_log_level(tamaas.LogLevel.error)
    length, stress = UNITS[job["units"]]
    side, shape = SIDE / length, list(problem.height.shape)
    model = tamaas.ModelFactory.createModel(tamaas.model_type.basic_2d, [side, side], shape)
    model.E, model.nu = MODULUS / stress, 0.0
    height, tolerance = problem.height / length, job["tolerance"]
    if np.isinf(problem.cap):
        solver = tamaas.PolonskyKeerRey(model, height, tolerance)
    else:
        solver = tamaas.KatoSaturated(model, height, tolerance, problem.cap / stress)
    solver.max_iter = 1_000_000

    def solve() -> Floats:
        solver.solve(problem.pressure / stress)
        return np.array(model.traction) * stress

    return solve


def prepare_contactmechanics(problem: Problem, job: Found) -> Solve:
    from ContactMechanics import PeriodicFFTElasticHalfSpace
    from ContactMechanics.PlasticSystemSpecialisations import PlasticNonSmoothContactSystem
    from ContactMechanics.Systems import NonSmoothContactSystem
    from SurfaceTopography import PlasticTopography, Topography

    shape = problem.height.shape
    solid = PeriodicFFTElasticHalfSpace(shape, MODULUS, (SIDE, SIDE), fft="numpy")
    surface = Topography(problem.height, (SIDE, SIDE), periodic=True)
    if np.isinf(problem.cap):
        system = NonSmoothContactSystem(solid, surface)
    else:
        system = PlasticNonSmoothContactSystem(solid, PlasticTopography(surface, problem.cap))
    pentol, load = job["tolerance"] * problem.height.std(), problem.pressure * SIDE**2

    def solve() -> Floats:
        found = system.minimize_proxy(external_force=load, pentol=pentol, maxiter=1_000_000)
        return np.array(found.jac) * problem.height.size / SIDE**2

    return solve


PREPARE = {
    "dualyte": prepare_dualyte,
    "tamaas": prepare_tamaas,
    "ContactMechanics": prepare_contactmechanics,
}


def work(job: Found) -> Found:
    """Do one job, in the process made for it."""
    if job["solver"] == "history":
        return time_history()
    problem = pose(CASES[job["case"]])
    prepare = partial(PREPARE[job["solver"]], problem, job)
    solve = prepare()
    if job["solver"] == "dualyte":
        solve()  # compiles
    else:
        limit_processor(job["limit"])
    once, pressure = timed(solve)
    found = job | judge(pressure, problem) | once
    limit_processor(600)
    return found | best_of(prepare, repeats=job["repeats"]) if passes(found) else found


def time_history() -> Found:
    """Press LNOC on LLZTO through HISTORY with the public verb; imprint kept."""
    from dualyte import Step, material, press

    soft, hard, face = material("LNOC"), material("LLZTO"), draw(256)
    steps = [Step(pressure=p * 1e6) for p in HISTORY]

    def run() -> Any:
        return press(soft, hard, face, steps, workers=1)

    contact = run()
    error = float(np.max(contact.residual))
    return best_of(lambda: run, repeats=8) | {"error": error, "fraction": contact.fraction.tolist()}


def ours(name: str) -> Found:
    """Run dualyte on a case."""
    job = {"solver": "dualyte", "case": name, "tolerance": LIMIT, "repeats": 15}
    found = in_own_process("contact", job, limit=60)
    if not passes(found):
        raise RuntimeError(f"dualyte, {name}: {found}")
    return found


def loosest(name: str, solver: str, limit: float, **how: Any) -> Found:
    """Run a peer at the loosest decade of its tolerance whose answer passes."""
    job = {"solver": solver, "case": name, "repeats": 5, "limit": limit, "needs": [solver], **how}
    found: Found = {}
    for tolerance in _DECADES:
        found = in_own_process("contact", job | {"tolerance": tolerance}, limit=limit)
        if found.keys() & {"slow", "skipped", "failed"} or passes(found):
            return found
    return found | {"failed": f"no tolerance meets {LIMIT:g} (error {found['error']:.1e})"}


def in_units(name: str, limit: float) -> dict[str, Found]:
    """Run Tamaas with a cap in every choice of units."""
    return {unit: loosest(name, "tamaas", limit, units=unit) for unit in UNITS}


def quickest(tried: dict[str, Found], units: tuple[str, ...]) -> tuple[str, Found]:
    """Pick the units in which the answer came first, if there was one."""
    answers = [unit for unit in units if "error" in tried[unit] and "failed" not in tried[unit]]
    pick = min(answers or units, key=lambda unit: tried[unit].get("cpu", np.inf))
    return f"Tamaas ({pick})", tried[pick]


def compare(name: str, limit: float) -> tuple[list[Row], list[str]]:
    """One case against every peer."""
    mine, said = ours(name), []
    third = ("ContactMechanics", loosest(name, "ContactMechanics", limit))
    if np.isinf(CASES[name].cap):
        peers = [("Tamaas", loosest(name, "tamaas", limit, units="µm, MPa")), third]
        aims = [1 / 0.4, 1 / 0.4]
    else:
        tried = in_units(name, limit)
        peers = [quickest(tried, PLAIN), quickest(tried, TUNED), third]
        aims = [1 / 0.15, 1 / 0.15, 1 / 0.02]
        if "skipped" not in peers[0][1]:
            units = "; ".join(f"{unit} {brief(found)}" for unit, found in tried.items())
            said = [f"Tamaas, {name}, in units of {units}."]
    again = ours(name)  # the machine may have been busy the first time
    best = min(mine, again, key=lambda found: found["cpu"])
    rows = [
        Row(problem=name, peer=peer, theirs=found, ours=best, target=aim)
        for (peer, found), aim in zip(peers, aims, strict=True)
    ]
    return rows, said


def brief(found: Found) -> str:
    """Say how long a run took, or why it gave nothing."""
    if found.get("slow"):
        return f"> {found['cpu']:.0f} s"
    return found.get("failed") or f"{found['cpu']:.3g} s"


def run(limit: float = 60.0) -> tuple[list[Row], list[Promise], list[str]]:
    """All cases; rows, promises and remarks."""
    rows, remarks = [], []
    for name in CASES:
        print(f"contact: {name} …", flush=True)
        more, said = compare(name, limit)
        rows += more
        remarks += said
    return rows, [history()], remarks


def history() -> Promise:
    """Cost of a load–unload history."""
    found = in_own_process("contact", {"solver": "history"}, limit=60)
    fractions = ", ".join(f"{f:.3f}" for f in found["fraction"])
    path = " → ".join(f"{p:g}" for p in HISTORY)
    return Promise(
        what=f"`press` through {len(HISTORY)} loads at 256², imprint kept",
        value=found["cpu"],
        limit=1.0,
        unit="s",
        note=f"0 → {path} MPa; f = {fractions}; residual {found['error']:.0e}",
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("\n" + json.dumps(work(json.loads(sys.argv[1]))))
    else:
        from benchmarks.__main__ import main

        main(["contact"])
