"""Pressing grains: one flow, one step of advection, whole curves, and the map model.

Every flow is the linear one through sixty spheres at a relative density of 0.64, pressed alike
from all sides. `judge` measures what forces remain in the stresses that a peer returns, as the
flow of dualyte does for its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.timing import Found, Promise, Row, best_of, in_own_process, limit_processor, timed

Floats = npt.NDArray[np.float64]
Solve = Callable[[float], tuple[Floats, Found]]  # tolerance → mean normal stresses, the rest

N = 48  # cells along the box
VOXELS = 64  # of the conduction
LIMIT = 300.0  # processor seconds of a solver
CURVES = {48: 60.0, 64: 300.0}  # cells: seconds of wall time that a master curve may take
CYCLE = 5.0  # milliseconds that a pressing cycle of the map model may take
AGREE = 1e-3  # of the mean stresses with those at the finest decade
DECADES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
FINER = 10**0.25  # steps of tolerance in search of an equal residual
MANY = 100  # calls at once of what is shorter than the clock of the processor can tell
COURANT = 0.1


def phase(n: int) -> Floats:
    """Sixty spheres at random close packing on a grid."""
    from dualyte.pellet.mesoscale import grains
    from dualyte.powder import pack

    return grains(pack(60, density=0.64, seed=0), n)


def loosest(solve: Solve) -> Found:
    """Find the loosest decade of tolerance whose mean stresses the finest confirms."""
    answers = [(tolerance, *solve(tolerance)) for tolerance in DECADES]
    best = answers[-1][1]

    def error(stress: Floats) -> float:
        return float(np.abs(stress - best).max() / np.abs(best).max())

    tolerance, stress, rest = next(answer for answer in answers if error(answer[1]) < AGREE)
    return rest | {"tolerance": tolerance, "error": error(stress), "pressure": -float(best.mean())}


def as_settled(solve: Solve, residual: float) -> Found:
    """Find the loosest quarter decade of tolerance whose residual is no larger."""
    tolerance = DECADES[1]
    while tolerance >= DECADES[-1]:
        _, rest = solve(tolerance)
        if rest["residual"] <= residual:
            return rest | {"tolerance": tolerance}
        tolerance /= FINER
    return {"failed": f"no residual of {residual:.1e} by a tolerance of {DECADES[-1]:g}"}


def repeated(solve: Callable[[], Any]) -> Found:
    """Time one of many calls in a row."""
    solve()

    def many() -> None:
        for _ in range(MANY):
            solve()

    found = best_of(lambda: many, repeats=30)
    return found | {key: found[key] / MANY for key in ("cpu", "wall")}


# --- flow -----------------------------------------------------------------------------


def flow_dualyte(job: Found) -> Found:
    """Linear flow, incompressible inside: the multipliers are part of the time."""
    from dualyte.numerics.flow import Flow

    filled, side = phase(N), np.full(3, 1 / N)

    def solve(tolerance: float) -> tuple[Floats, Found]:
        flow = Flow(filled.shape, 1.0, dtype=job["dtype"])
        flow.place(filled, side, np.full(3, -1 / 3))
        found = flow.solve(rtol=tolerance).ensure()
        return found.stress, {"residual": found.residual, "divergence": found.divergence}

    found = loosest(solve)
    return found | best_of(lambda: lambda: solve(found["tolerance"]), repeats=30)


def flow_muspectre(job: Found) -> Found:
    """Its elastic analogue: the same moduli in place of viscosities, no multipliers.

    With a `residual` in the job, as settled as that; else at the loosest decade that counts.
    """
    import muSpectre as msp  # noqa: N813 (its own documentation's name)
    from muFFT import Stencils3D

    cell = msp.Cell(
        [N] * 3, [1.0] * 3, msp.Formulation.small_strain, Stencils3D.averaged_upwind, [1]
    )
    material = msp.material.MaterialLinearElastic4_3d.make(cell, "grains")
    for k, (stiff, poisson) in enumerate(zip(*moduli(phase(N)), strict=True)):
        material.add_pixel(k, stiff, poisson)
    cell.initialise()
    quiet = msp.Verbosity.Silent

    def relax(tolerance: float) -> Any:
        krylov = msp.solvers.KrylovSolverCG(cell, tolerance, 4000, quiet)
        return msp.solvers.newton_cg(
            cell, -np.eye(3) / 3, krylov, newton_tol=tolerance, equil_tol=tolerance, verbose=quiet
        )

    def solve(tolerance: float) -> tuple[Floats, Found]:
        stress = np.array(relax(tolerance).stress).reshape(3, 3, N, N, N, order="F")
        return np.einsum("aaxyz->a", stress) / N**3, {"residual": judge(stress)}

    found = as_settled(solve, job["residual"]) if "residual" in job else loosest(solve)
    if "failed" in found:
        return found
    return found | best_of(lambda: lambda: relax(found["tolerance"]), repeats=3, budget=20)


def moduli(filled: Floats) -> tuple[Floats, Floats]:
    """Young's modulus and Poisson's ratio of every cell, the first axis fastest.

    Shear and bulk modulus are the viscosities of dualyte's flow at n = 1, voids included.
    """
    shear = (filled**2 * (3 - 2 * filled) + 1e-3) / 3
    bulk = (20 * filled**16 + 1e-3) / 3
    young = 9 * bulk * shear / (3 * bulk + shear)
    poisson = (3 * bulk - 2 * shear) / (6 * bulk + 2 * shear)
    return young.ravel(order="F"), poisson.ravel(order="F")


def judge(stress: Floats) -> float:
    """Root-mean-square force over that of the normal stresses, per cell.

    The force is that of muSpectre's own scheme: differences across a cell, averaged over its
    edges, transposed.
    """
    turn = np.exp(2j * np.pi * np.fft.fftfreq(N))
    along = [turn[:, None, None], turn[None, :, None], turn[None, None, :]]
    half = [(1 + x) / 2 for x in along]
    slope = [
        (along[a] - 1) * half[(a + 1) % 3] * half[(a + 2) % 3] for a in range(3)
    ]  # of a displacement
    waves = np.fft.fftn(stress, axes=(2, 3, 4))
    force = np.fft.ifftn(np.einsum("b...,ab...->a...", np.conj(slope), waves), axes=(1, 2, 3))
    normal = np.einsum("aaxyz->axyz", stress)
    return float(np.sqrt(np.mean(np.abs(force) ** 2) / np.mean(normal**2)))


# --- advection ------------------------------------------------------------------------


def angles() -> Floats:
    """Middles of cells, once round the box."""
    return 2 * np.pi * (np.arange(N) + 0.5) / N


def step_dualyte(job: Found) -> Found:
    """One step through shear waves along each axis, on the lower faces of cells."""
    from dualyte.numerics.phase import advect

    filled, wave, flow = phase(N), np.sin(angles()), np.zeros((3, N, N, N))
    flow[0], flow[1], flow[2] = wave[:, None], wave, wave[:, None, None]
    per = np.full(3, COURANT)
    after = advect(filled, flow, per)
    return {"after": moments(after)} | repeated(lambda: advect(filled, flow, per))


def step_fipy(job: Found) -> Found:
    """One explicit step with van Leer's limiter on the same grid and velocity."""
    sys.argv = [sys.argv[0], "--scipy"]  # FiPy reads its choice of solver from the command line
    import fipy
    from fipy import CellVariable, FaceVariable, PeriodicGrid3D, TransientTerm
    from fipy import VanLeerConvectionTerm as Convection

    mesh = PeriodicGrid3D(nx=N, ny=N, nz=N, dx=1.0, dy=1.0, dz=1.0)
    start = phase(N).ravel(order="F")
    filled = CellVariable(mesh=mesh, value=start, hasOld=True)
    x, y, z = 2 * np.pi / N * np.asarray(mesh.faceCenters)
    flow = FaceVariable(mesh=mesh, rank=1, value=np.array([np.sin(y), np.sin(z), np.sin(x)]))
    equation = TransientTerm() + Convection(coeff=flow)
    solver = getattr(fipy.solvers, job["by"])()

    def step() -> None:
        filled.updateOld()
        equation.solve(var=filled, dt=COURANT, solver=solver)

    step()
    after = np.array(filled.value).reshape(N, N, N, order="F")
    return {"after": moments(after)} | best_of(lambda: step, repeats=5, budget=60)


def moments(after: Floats) -> list[float]:
    """What tells two fields after a step apart: sum of φ and of φ², and a wave that moves."""
    wave = np.sin(angles())[:, None, None] * np.cos(2 * angles())[:, None]
    return [float(x.sum()) for x in (after, after**2, after * wave)]


# --- conduction -----------------------------------------------------------------------


def conduct_dualyte(job: Found) -> Found:
    from dualyte.numerics.voxel import effective_conductivity

    solid = (phase(VOXELS) > 0.5).astype(np.float64)

    def solve() -> float:
        return effective_conductivity(solid, 0, rtol=1e-3).value

    value = solve()
    return {"value": value} | best_of(lambda: solve, repeats=30)


def conduct_taufactor(job: Found) -> Found:
    import torch
    from taufactor import MultiPhaseSolver

    torch.set_num_threads(1)
    solid = (phase(VOXELS) > 0.5).astype(np.uint8)

    def solve() -> float:
        solver = MultiPhaseSolver(solid, cond={1: 1.0}, device="cpu")
        solver.solve(verbose=False)
        return float(np.ravel(solver.D_eff)[0])

    cost, value = timed(solve)
    return cost | {"value": value}


# --- costs of our own -----------------------------------------------------------------


def curve(job: Found) -> Found:
    """Wall time of a whole master curve, after compilation."""
    os.environ["NUMBA_NUM_THREADS"] = str(job["threads"])  # before Numba is imported
    import numba

    from dualyte.pellet.mesoscale import mesoscale
    from dualyte.powder import pack

    packing = pack(60, density=0.64, seed=0)
    mesoscale(packing, grid=24, until=0.66, conduct=False)
    cost, found = timed(lambda: mesoscale(packing, grid=job["grid"], conduct=False))
    reached = float(found.curve.density[-1])
    return cost | {"reached": reached, "threads": numba.get_num_threads()}


def map_model(job: Found) -> Found:
    """A whole cycle by the map model: ramp, hold, release."""
    from dualyte import hold, material
    from dualyte.pellet.compact import compact

    soft, cycle = material("LNOC"), hold(120e6, 180.0, ramp=10.0, release=0.0, unloading=10.0)
    found = compact(soft, cycle)
    return {"times": len(found.history.time)} | repeated(lambda: compact(soft, cycle))


# --- all of them ----------------------------------------------------------------------

SOLVERS: dict[str, Callable[[Found], Found]] = {
    "flow_dualyte": flow_dualyte, "flow_muspectre": flow_muspectre, "step_dualyte": step_dualyte,
    "step_fipy": step_fipy, "conduct_dualyte": conduct_dualyte,
    "conduct_taufactor": conduct_taufactor, "curve": curve, "map_model": map_model,
}  # fmt: skip


def ask(name: str, *, limit: float = LIMIT, **job: Any) -> Found:
    """Have a solver run in a process of its own."""
    print(f"pellet: {name} …", flush=True)
    return in_own_process("pellet", {"solver": name, "limit": limit, **job}, limit=limit)


def own(name: str, **job: Any) -> Found:
    """As `ask`, for what must not fail: our own."""
    found = ask(name, **job)
    if "failed" in found or "slow" in found:
        raise RuntimeError(f"{name} {job}: {found.get('failed', 'took too long')}")
    return found


def flows() -> tuple[list[Row], list[str]]:
    """Linear flow against muSpectre: each at its loosest decade, and at an equal residual."""
    rows, said = [], []
    theirs = ask("flow_muspectre", needs=["muSpectre"])
    for dtype in ("float32", "float64"):
        ours = own("flow_dualyte", dtype=dtype)
        even = theirs
        if "residual" in theirs:
            even = ask("flow_muspectre", residual=ours["residual"])
        pairs = (("loosest decade", theirs), ("equal residual", even))
        rows += [
            Row(
                problem=f"flow {N}³, {how}, {dtype}",
                peer="muSpectre",
                theirs=peer,
                ours=ours,
                target=5.0,
            )
            for how, peer in pairs
        ]
        said += [f"Flow, {dtype}: dualyte {settled(ours)}, divergence {ours['divergence']:.1e}."]
        said += [f"Flow, {how}: muSpectre {settled(it)}." for how, it in pairs if "residual" in it]
    return rows, list(dict.fromkeys(said))


def settled(found: Found) -> str:
    """Where a flow stopped."""
    mean = f", mean pressure {found['pressure']:.4f} at the finest" if "pressure" in found else ""
    return f"tolerance {found['tolerance']:.2g}, residual {found['residual']:.1e}{mean}"


def steps() -> tuple[list[Row], list[str]]:
    """A step of advection against FiPy with the quicker of its solvers, a direct one first."""
    ours = own("step_dualyte")
    tried = {
        by: ask("step_fipy", needs=["fipy"], by=by) for by in ("LinearLUSolver", "LinearCGSSolver")
    }
    by, theirs = min(tried.items(), key=lambda it: it[1].get("cpu", np.inf))
    row = Row(problem=f"advection {N}³", peer="FiPy", theirs=theirs, ours=ours, target=200.0)
    if "after" not in theirs:
        return [row], []
    apart = max(abs(a / b - 1) for a, b in zip(ours["after"], theirs["after"], strict=True))
    return [row], [
        f"Advection: FiPy with {by}; sums of φ, φ² and of a wave in φ differ {apart:.0e}."
    ]


def conduction() -> tuple[list[Row], list[str]]:
    """For information: conduction through the grains against TauFactor, where installed."""
    theirs = ask("conduct_taufactor", needs=["taufactor", "torch"])
    if "skipped" in theirs:
        return [], [f"Conduction {VOXELS}³, for information: {theirs['skipped']}."]
    ours = own("conduct_dualyte")
    row = Row(
        problem=f"conduction {VOXELS}³", peer="TauFactor", theirs=theirs, ours=ours, target=None
    )
    values = f"{theirs.get('value', np.nan):.4f} and {ours['value']:.4f} of the solid's"
    return [row], [f"Conduction {VOXELS}³: TauFactor and dualyte find {values}."]


def costs() -> list[Promise]:
    """Whole curves on two threads, and a cycle of the map model."""
    promises = []
    for n, limit in CURVES.items():
        found = own("curve", grid=n, threads=2, limit=8 * limit)  # of processor time, so that
        promises.append(  # a slow curve is still timed
            Promise(
                what=f"master curve {n}³",
                value=found["wall"],
                limit=limit,
                unit="s",
                note=f"Wall time on {found['threads']} threads, after compilation; "
                f"n = 7, relative density 0.64 to {found['reached']:.3f}",
            )
        )
    found = own("map_model")
    note = f"Wall time; ramp, hold and release of LNOC at 120 MPa, {found['times']} times"
    what = "map model, a whole pressing cycle"
    return [
        *promises,
        Promise(what=what, value=1e3 * found["wall"], limit=CYCLE, unit="ms", note=note),
    ]


def run() -> tuple[list[Row], list[Promise], list[str]]:
    """All peers and costs; rows, promises and remarks."""
    parts = [flows(), steps(), conduction()]
    rows = [row for some, _ in parts for row in some]
    return rows, costs(), [sentence for _, said in parts for sentence in said]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        job = json.loads(sys.argv[1])
        limit_processor(job["limit"])
        print("\n" + json.dumps(SOLVERS[job["solver"]](job)))
    else:
        from benchmarks.__main__ import main

        main(["pellet"])
