r"""The mesoscale model: grains that flow by a power law until the voids between them close.

Norton flow with voids is homogeneous of degree 1/n, so the shapes that a packing passes through
depend on its density only. One run at a prescribed rate of volume gives the master curve P̂(D),
the load at unit rate in units of the flow stress; any material, pressure and hold follow from it
(`dualyte.pellet.law`). Grains are a phase field on a staggered grid, incompressible inside, and
points in them carry their names.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal
from zipfile import BadZipFile

import numpy as np

from dualyte.errors import ConvergenceError, InputError
from dualyte.numerics.flow import INSIDE, Flow, FlowSolution
from dualyte.numerics.phase import advect, carry_points, nearest_label, sharpen
from dualyte.pellet.conductivity import conductivity_bracket
from dualyte.pellet.master import MasterCurve
from dualyte.pellet.microstructure import Microstructure, specific_surface
from dualyte.powder import Packing
from dualyte.vocabulary import Floats, checked

Mode = Literal["isostatic", "die"]
MODES: Final = ("isostatic", "die")
WIDTH: Final = 1.2  #: of the grains' boundaries, cells
RESOLVED: Final = 0.94  #: relative density above which pores are smaller than cells
_STRAIN = 0.01  # logarithm of the volume per step
_COURANT = 0.25
_SMALLEST = 2.0  # cells in the radius of the smallest grain
_FRAMES = 0.015  # density between frames
_BYTES = 30 * 4 + 1 + 12 * 8 + 3 * 8 + 40  # a cell of flow, phase, a point, and solving it
_COLUMNS: Final = ("density", "pressure", "lateral", "surface", "residual", "steps")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """A master curve, with the microstructures it passed through."""

    curve: MasterCurve
    packing: Packing
    grid: int
    frames: tuple[Frame, ...] = field(repr=False)

    def microstructure(self, density: float, *, time: float | None = None) -> Microstructure:
        """Grains at the frame nearest to a relative density; lengths scale with the packing."""
        have = np.array([frame.density for frame in self.frames])
        frame = self.frames[int(np.argmin(np.abs(have - density)))]
        return Microstructure(
            phase=(frame.phase / np.float32(255)).astype(np.float32),
            labels=frame.labels,
            spacing=_three(frame.spacing * self.packing.size),
            time=time,
            name=f"D = {frame.density:.3f}",
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One state of a run, small enough to keep them all."""

    density: float
    phase: Any = field(repr=False)  #: (nx, ny, nz) of uint8, 255 is full
    labels: Any = field(repr=False)  #: (nx, ny, nz) of int32, 0 is void
    spacing: Floats  #: (3,) over the initial side of the box


def mesoscale(
    packing: Packing,
    *,
    exponent: float = 7.0,
    mode: Mode = "isostatic",
    grid: int = 48,
    until: float = 0.985,
    rtol: float = 5e-4,
    conduct: bool = True,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Press a packing at a steady rate and record the load it takes.

    Parameters
    ----------
    packing
        Grains in a periodic box, from `pack`; two-dimensional ones give plane strain.
    exponent
        n of the power law.
    mode
        "isostatic", or "die": the last axis shortens alone.
    grid
        Cells along each side of the box.
    until
        Relative density at which to stop.
    rtol
        Residual of each flow.
    conduct
        Whether to solve the conductivity of the frames.
    store
        Folder for the state after each step: the same call continues an interrupted run, to
        the same result.
    progress
        Called with (steps done, steps expected).

    Returns
    -------
    Run
        Its `curve` holds P̂(D), the lateral pressure, surface and conductivity.

    Raises
    ------
    InputError
        If the grid is too coarse for the grains, or needs more memory than there is.
    ConvergenceError
        If a flow does not converge below a relative density of 0.94; finished steps stay in
        `store`. Above it the run ends there: pores are smaller than cells.
    """
    check_run(packing, exponent=exponent, mode=mode, grid=grid, until=until)
    told = {
        "packing": packing.key(), "exponent": exponent, "mode": mode, "grid": grid, "rtol": rtol,
        "code": _code(),
    }  # fmt: skip
    folder = None
    if store is not None:
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        folder = store / key
    bench = _Bench(packing, exponent, mode, grid, rtol)
    if folder is not None:
        bench.load(folder)
    expected = int(np.ceil(np.log(until / packing.density) / _STRAIN)) + 1
    while bench.density < until or not bench.rows:
        if progress:
            progress(min(len(bench.rows), expected), expected)
        if bench.rows:
            bench.move()
        try:
            bench.solve()
        except ConvergenceError:
            if bench.density < RESOLVED:
                raise
            break  # the last pores are gone from the grid, and a full body cannot shrink
        if folder is not None:
            bench.save(folder)
    if progress:
        progress(expected, expected)
    frames = tuple(bench.frames)
    curve = _curve(bench, packing, exponent, mode, grid)
    if conduct:
        curve = _with_conductivity(curve, frames, mode)
    return Run(curve=curve, packing=packing, grid=grid, frames=frames)


def check_run(
    packing: Packing, *, exponent: float = 7.0, mode: str = "isostatic", grid: int = 48,
    until: float = 0.985,
) -> None:  # fmt: skip
    """Refuse a run that cannot be made, before it starts; as `mesoscale` does."""
    if mode not in MODES:
        raise InputError(f"no mode {mode!r} (known: {', '.join(MODES)})")
    checked("creep_exponent", exponent)
    if not packing.density < until < 1:
        raise InputError(
            f"until={until:g} is no relative density between that of the packing "
            f"({packing.density:.3f}) and 1"
        )
    least = float(packing.radii.min()) / packing.size
    if grid * least < _SMALLEST:
        raise InputError(
            f"a grid of {grid} is too coarse for the grains: the smallest has a radius of "
            f"{grid * least:.1f} cells and needs {_SMALLEST:g}; take {int(_SMALLEST / least) + 1} "
            "or more cells, or fewer grains"
        )
    need, free = grid**packing.dim * _BYTES, _free_memory()
    if need > free:
        largest = int((free / _BYTES) ** (1 / packing.dim))
        raise InputError(
            f"a grid of {grid} needs {need / 2**30:.3g} GiB of memory and {free / 2**30:.3g} GiB "
            f"are free; the largest that fits is {largest}"
        )


def _free_memory() -> float:
    """Bytes of memory that can be had; infinite where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024.0 * int(text.split("MemAvailable:")[1].split()[0])
    except (OSError, IndexError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _code() -> str:
    """Hash of the code that makes a run, so that a stored state is never continued by another."""
    digest = hashlib.sha256()
    numerics = Path(__file__).parent.parent / "numerics"
    for path in (
        Path(__file__),
        *(numerics / f"{x}.py" for x in ("flow", "flow_kernels", "phase")),
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class _Bench:
    """The state of a run: all that a step needs, and nothing else."""

    def __init__(
        self, packing: Packing, exponent: float, mode: Mode, grid: int, rtol: float
    ) -> None:
        self.rtol = rtol
        flat = packing.dim == 2
        self.phase = grains(packing, grid)
        self.rate = np.array([-0.5, 0.0, -0.5] if flat else [-1 / 3] * 3)
        if mode == "die":
            self.rate = np.array([0.0, 0.0, -1.0])
        self.axes = [2] if mode == "die" else [0, 2] if flat else [0, 1, 2]
        self.sides = [0] if flat else [0, 1]  # across the die
        self.spacing = np.full(3, 1.0 / grid)
        self.mass = float(self.phase.sum())
        self.flow = Flow(self.phase.shape, exponent)
        full = self.phase >= 0.5
        self.points: Floats = np.argwhere(full).astype(np.float64) + 0.5
        self.labels = _first_labels(packing, self.points, grid)
        self.rows: list[tuple[float, ...]] = []
        self.frames: list[Frame] = []
        self._saved = 0

    @property
    def density(self) -> float:
        return float(self.phase.mean())

    def solve(self) -> None:
        """Flow of the present shape, and its row."""
        # a little phase above one, left by divergence within tolerance, is let out again
        source = np.minimum(np.maximum(self.phase - 1, 0) * 0.5 / _STRAIN, 3.0)
        self.flow.place(self.phase, self.spacing, self.rate, source)
        found: FlowSolution = self.flow.solve(rtol=self.rtol).ensure()
        load = -float(found.stress[self.axes].mean())
        lateral = -float(found.stress[self.sides].mean()) / load
        surface = specific_surface(self.phase, self.spacing)
        self.rows.append((self.density, load, lateral, surface, found.residual, float(found.steps)))
        if self.frames and self.density - self.frames[-1].density < _FRAMES:
            return
        named = nearest_label(self.points, self.labels, self.phase)
        self.frames.append(
            Frame(
                density=self.density,
                phase=np.rint(255 * np.clip(self.phase, 0, 1)).astype(np.uint8),
                labels=named,
                spacing=self.spacing.copy(),
            )
        )

    def move(self) -> None:
        """Carry the grains through one step of strain with the flow just solved."""
        velocity = self.flow.velocity[INSIDE].astype(np.float64)
        reach = float((np.abs(velocity).reshape(3, -1).max(axis=1) / self.spacing).sum())
        parts = max(1, int(np.ceil(reach * _STRAIN / _COURANT)))
        share = self.rate / self.rate.sum()
        for _ in range(parts):
            dt = _STRAIN / parts
            volume = 1 + float(self.rate.sum()) * dt
            self.phase = advect(self.phase, velocity, dt / self.spacing, volume=volume)
            carry_points(self.points, velocity, dt / self.spacing)
            self.spacing = self.spacing * volume**share
        steps = int(np.clip(np.ceil(reach * _STRAIN / 0.1), 2, 12))
        self.phase = sharpen(self.phase, self.spacing, width=WIDTH, steps=steps)

    def save(self, folder: Path) -> None:
        """Write new frames and the state, so that an interrupted write leaves the old one."""
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(self._saved, len(self.frames)):
            frame = self.frames[k]
            _write(
                folder / f"frame-{k:04d}.npz", density=frame.density, phase=frame.phase,
                labels=frame.labels, spacing=frame.spacing,
            )  # fmt: skip
        self._saved = len(self.frames)
        _write(
            folder / "state.npz", phase=self.phase, spacing=self.spacing, points=self.points,
            velocity=self.flow.velocity, multiplier=self.flow.multiplier,
            rows=np.array(self.rows), frames=len(self.frames),
        )  # fmt: skip

    def load(self, folder: Path) -> None:
        """Take up the state that `save` left; damaged or missing files start over."""
        try:
            with _opened(folder / "state.npz") as kept:
                rows = [tuple(map(float, row)) for row in kept["rows"]]
                frames = [_frame(folder / f"frame-{k:04d}.npz") for k in range(int(kept["frames"]))]
                state = {x: kept[x] for x in ("phase", "spacing", "points")}
                velocity, multiplier = kept["velocity"], kept["multiplier"]
        except (OSError, KeyError, ValueError, EOFError, BadZipFile):
            return
        self.phase, self.spacing, self.points = state["phase"], state["spacing"], state["points"]
        self.flow.velocity[:], self.flow.multiplier[:] = velocity, multiplier
        self.rows, self.frames, self._saved = rows, frames, len(frames)


def _three(x: Floats) -> tuple[float, float, float]:
    a, b, c = map(float, x)
    return a, b, c


def _write(path: Path, **arrays: Any) -> None:  # noqa: ANN401 (arrays and numbers)
    part = path.with_suffix(".part.npz")
    np.savez(part, **arrays)
    part.replace(path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Arrays of a file, which is closed even if it is damaged."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        yield kept


def _frame(path: Path) -> Frame:
    with _opened(path) as kept:
        return Frame(
            density=float(kept["density"]),
            phase=kept["phase"],
            labels=kept["labels"],
            spacing=kept["spacing"],
        )


def grains(packing: Packing, grid: int) -> Floats:
    """Phase field of a packing, (n, n, n) or (n, 1, n), that holds each grain's volume.

    A diffuse sphere holds more than a sharp one of the same radius, so radii are drawn in
    until the volumes agree.
    """
    flat = packing.dim == 2
    axes = np.array([0, 2] if flat else [0, 1, 2])
    phase = np.zeros((grid, 1, grid) if flat else (grid, grid, grid))
    centres = packing.centres / packing.size * grid
    for centre, radius in zip(centres, packing.radii / packing.size * grid, strict=True):
        distance = _offsets(phase.shape, axes, centre, grid)
        volume = (np.pi if flat else 4 / 3 * np.pi) * radius**packing.dim
        r = radius
        for _ in range(20):
            one = 0.5 * (1 - np.tanh((distance - r) / WIDTH))
            r -= (float(one.sum()) - volume) / (packing.dim * volume / radius)
        phase += one
    return np.ascontiguousarray(phase)


def _offsets(shape: tuple[int, ...], axes: Any, centre: Floats, grid: int) -> Floats:  # noqa: ANN401
    """Distance of every cell's middle from a centre, in cells."""
    square = np.zeros(shape)
    for axis, x in zip(axes, centre, strict=True):
        d = np.arange(grid) + 0.5 - x
        d -= np.rint(d / grid) * grid
        side = [1, 1, 1]
        side[axis] = grid
        square = square + d.reshape(side) ** 2
    return np.sqrt(square)


def _first_labels(packing: Packing, points: Floats, grid: int) -> Any:  # noqa: ANN401 (int32)
    """Grain of each point, 1 … n: the one whose surface is deepest around it."""
    axes = [0, 2] if packing.dim == 2 else [0, 1, 2]
    best, label = np.full(len(points), np.inf), np.zeros(len(points), np.int32)
    here = points[:, axes] / grid
    for k, centre in enumerate(packing.centres / packing.size):
        d = here - centre
        d -= np.rint(d)
        depth = np.sqrt((d**2).sum(axis=1)) - packing.radii[k] / packing.size
        near = depth < best
        best[near], label[near] = depth[near], k + 1
    return label


def _curve(bench: _Bench, packing: Packing, exponent: float, mode: Mode, grid: int) -> MasterCurve:
    columns = dict(zip(_COLUMNS, np.array(bench.rows).T, strict=True))
    # surface per solid volume, times the mean radius: independent of the size of grains
    mean = float(packing.radii.mean()) / packing.size
    return MasterCurve(
        exponent=exponent,
        mode=mode,
        dim=packing.dim,
        grid=(grid,),
        seeds=(packing.seed,),
        grains=len(packing.radii),
        start=packing.density,
        density=columns["density"],
        pressure=columns["pressure"],
        lateral=columns["lateral"],
        surface=columns["surface"] / columns["density"] * mean,
        residual=columns["residual"],
        mass_error=float(bench.phase.sum() * np.prod(bench.spacing * grid) / bench.mass - 1),
    )


def _with_conductivity(curve: MasterCurve, frames: tuple[Frame, ...], mode: Mode) -> MasterCurve:
    """Solve the conductivity of every frame: along the die, else the mean over the axes."""
    axes = (2,) if mode == "die" else None
    found = [
        conductivity_bracket(frame.phase / 255.0, frame.spacing, axes=axes) for frame in frames
    ]
    return replace(
        curve,
        solved=np.array([frame.density for frame in frames]),
        smooth=np.array([x.smooth for x in found]),
        sharp=np.array([x.sharp for x in found]),
    )
