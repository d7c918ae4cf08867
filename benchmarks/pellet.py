"""Pressing grains: one flow, one step of advection, a whole curve, and the map."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.timing import Found, Promise, Row, best_of, in_own_process, limit_processor

Floats = npt.NDArray[np.float64]

N = 49  # cells along the box: Fourier derivatives of muSpectre need an odd number
GRID = 48  # of the advection step and the curve
LIMIT = 300.0  # processor seconds of a peer
AGREE = 1e-3  # of the mean stress with that of the next decade of tolerance
DECADES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
FLOW, STEP = f"flow, n = 1, {N}³", f"advection, {GRID}³"


def phase(n: int) -> Floats:
    """Sixty spheres at random close packing on a grid."""
    from dualyte.pellet.mesoscale import grains
    from dualyte.powder import pack

    return grains(pack(60, density=0.64, seed=0), n)


def loosest(solve: Callable[[float], float]) -> tuple[float, float]:
    """Loosest decade of tolerance whose answer the finest confirms, and the error it leaves."""
    answers = [solve(tolerance) for tolerance in DECADES[:-1]]
    best = solve(DECADES[-1])
    for tolerance, answer in zip(DECADES, answers, strict=False):
        if abs(answer / best - 1) < AGREE:
            return tolerance, abs(answer / best - 1)
    return DECADES[-1], 0.0


def flow_dualyte(job: Found) -> Found:
    """Linear flow, incompressible inside: the multipliers are part of the time."""
    from dualyte.numerics.flow import Flow

    filled, side = phase(N), np.full(3, 1 / N)

    def solve(tolerance: float) -> float:
        flow = Flow(filled.shape, 1.0, dtype=job["dtype"])
        flow.place(filled, side, np.full(3, -1 / 3))
        return flow.solve(rtol=tolerance).ensure().pressure

    tolerance, error = loosest(solve)
    return best_of(lambda: lambda: solve(tolerance), repeats=10, budget=20) | {
        "error": error,
        "tolerance": tolerance,
    }


def flow_muspectre(job: Found) -> Found:
    """Its elastic analogue: the same moduli in place of viscosities, no multipliers."""
    import muSpectre as msp  # noqa: N813 (its own documentation's name)

    filled = phase(N)
    shear = (filled**2 * (3 - 2 * filled) + 1e-3) / 3
    bulk = (20 * filled**16 + 1e-3) / 3
    lame = bulk - 2 / 3 * shear
    stiff = (shear * (3 * lame + 2 * shear) / (lame + shear)).reshape(-1, order="F")
    poisson = (lame / (2 * (lame + shear))).reshape(-1, order="F")
    cell = msp.Cell([N] * 3, [1.0] * 3, msp.Formulation.small_strain)
    material = msp.material.MaterialLinearElastic4_3d.make(cell, "grains")
    for k in range(N**3):
        material.add_pixel(k, stiff[k], poisson[k])
    cell.initialise()

    def solve(tolerance: float) -> float:
        quiet = msp.Verbosity.Silent
        krylov = msp.solvers.KrylovSolverCG(cell, tolerance, 4000, quiet)
        found = msp.solvers.newton_cg(
            cell, -np.eye(3) / 3, krylov, newton_tol=tolerance, equil_tol=tolerance, verbose=quiet
        )
        stress = np.asarray(found.stress).reshape(3, 3, -1, order="F").mean(axis=-1)
        return float(-np.trace(stress) / 3)

    tolerance, error = loosest(solve)
    return best_of(lambda: lambda: solve(tolerance), repeats=3, budget=20) | {
        "error": error,
        "tolerance": tolerance,
    }


def velocity() -> Floats:
    """Divergence-free, smooth, on the lower faces."""
    x = np.arange(GRID) / GRID
    found = np.zeros((3, GRID, GRID, GRID))
    found[0] = np.sin(2 * np.pi * x)[None, :, None]
    found[1] = np.sin(2 * np.pi * x)[None, None, :]
    found[2] = np.sin(2 * np.pi * x)[:, None, None]
    return found


def step_dualyte(job: Found) -> Found:
    from dualyte.numerics.phase import advect

    filled, flow, per = phase(GRID), velocity(), np.full(3, 0.1)
    advect(filled, flow, per)

    def many() -> None:  # one is shorter than the clock of the processor can tell
        for _ in range(100):
            advect(filled, flow, per)

    found = best_of(lambda: many, repeats=10)
    return found | {key: found[key] / 100 for key in ("cpu", "wall")}


def step_fipy(job: Found) -> Found:
    """One explicit step with van Leer's limiter on the same grid and velocity."""
    sys.argv = [sys.argv[0], "--scipy"]  # FiPy reads its choice of solver from the command line
    from fipy import (
        CellVariable,
        FaceVariable,
        PeriodicGrid3D,
        TransientTerm,
        VanLeerConvectionTerm,
    )

    mesh = PeriodicGrid3D(nx=GRID, ny=GRID, nz=GRID, dx=1.0, dy=1.0, dz=1.0)
    filled = CellVariable(mesh=mesh, value=phase(GRID).ravel(order="F"), hasOld=True)
    x = 2 * np.pi / GRID * np.asarray(mesh.faceCenters)
    flow = FaceVariable(
        mesh=mesh, rank=1, value=np.array([np.sin(x[1]), np.sin(x[2]), np.sin(x[0])])
    )
    equation = TransientTerm() + VanLeerConvectionTerm(coeff=flow)

    def step() -> None:
        filled.updateOld()
        equation.solve(var=filled, dt=0.1)

    step()
    return best_of(lambda: step, repeats=3, budget=60)


def curve(job: Found) -> Found:
    """Wall time of a whole master curve, two threads, after compilation."""
    from dualyte.pellet.mesoscale import mesoscale
    from dualyte.powder import pack

    packing = pack(60, density=0.64, seed=0)
    mesoscale(packing, grid=24, until=0.66, conduct=False)
    started = time.perf_counter()
    mesoscale(packing, grid=job["grid"], conduct=False)
    return {"wall": time.perf_counter() - started}


def press_map(job: Found) -> Found:
    """A whole cycle by the map model: ramp, hold, release."""
    from dualyte import compact, hold, material

    soft, cycle = material("LNOC"), hold(120e6, 180.0, ramp=10.0, release=0.0, unloading=10.0)
    compact(soft, cycle)
    return best_of(lambda: lambda: compact(soft, cycle), repeats=50)


SOLVERS: dict[str, Callable[[Found], Found]] = {
    "flow_dualyte": flow_dualyte, "flow_muspectre": flow_muspectre, "step_dualyte": step_dualyte,
    "step_fipy": step_fipy, "curve": curve, "press_map": press_map,
}  # fmt: skip


def ask(name: str, **job: Any) -> Found:
    threads = str(job.pop("threads", 1))
    for word in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[word] = threads
    return in_own_process("pellet", {"solver": name, **job}, limit=LIMIT)


def run() -> tuple[list[Row], list[Promise], list[str]]:
    """Rows of the table, costs of our own, and what to say beside them."""
    ours, exact = ask("flow_dualyte", dtype="float32"), ask("flow_dualyte", dtype="float64")
    theirs = ask("flow_muspectre", needs=["muSpectre"])
    step, slow = ask("step_dualyte"), ask("step_fipy", needs=["fipy"])
    rows = [
        Row(problem=FLOW, peer="muSpectre", theirs=theirs, ours=ours, target=5.0),
        Row(problem=f"{FLOW}, float64", peer="muSpectre", theirs=theirs, ours=exact, target=5.0),
        Row(problem=STEP, peer="FiPy", theirs=slow, ours=step, target=200.0),
    ]
    promises = [
        Promise(
            what=f"master curve {n}³, two threads",
            value=ask("curve", grid=n, threads=2)["wall"],
            limit=limit,
            unit="s",
            note="Wall time, after compilation, n = 7, 0.64 to 0.985",
        )
        for n, limit in ((48, 60.0), (64, 300.0))
    ]
    promises.append(
        Promise(
            what="map model, a whole pressing cycle",
            value=1e3 * ask("press_map")["wall"],
            limit=5.0,
            unit="ms",
            note="Ramp, hold and release, 98 times",
        )
    )
    told = (
        f"Tolerances: dualyte {ours.get('tolerance')}, muSpectre {theirs.get('tolerance')}: the "
        f"loosest decade whose mean stress agrees to {AGREE:g} with that at {DECADES[-1]:g}"
    )
    return rows, promises, [f"{told}."]


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    limit_processor(LIMIT + 60)
    print(json.dumps(SOLVERS[job["solver"]](job)))
