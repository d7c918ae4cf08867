"""Reference reflections: positions from the cell, intensities from the structure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.material import DATA
from dualyte.vocabulary import Floats

PHASES: Final = DATA / "phases"
_ANGSTROM: Final = 1e-10
_CENTRING: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "P": (), "I": ((0.5, 0.5, 0.5),), "C": ((0.5, 0.5, 0.0),),
    "F": ((0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0)),
}  # fmt: skip
_TERM: Final = re.compile(r"([+-]?)(?:(\d+)/(\d+)|([xyz]))")
_FAINT: Final = 1e-6  # of the strongest: below it a reflection is extinct
_MOST: Final = 400_000  # triples hkl that are tried
_AVOGADRO: Final = 6.02214076e23
_KINDS: Final = ("measured", "literature", "computed", "assumed")
Operation = tuple[npt.NDArray[np.int64], Floats]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phase:
    """A crystal whose reflections a pattern is compared with."""

    name: str
    formula: str
    kind: str  #: of its structure: literature, assumed …
    source: str
    where: str
    cell: tuple[float, ...]  #: a, b, c [m], α, β, γ [rad]
    positions: Floats  #: (k, 3) of all atoms of the cell
    factors: Floats  #: (k, 9) of their scattering
    occupancy: Floats  #: (k,)
    B: Floats  #: (k,) m², of thermal motion
    mass: float  #: kg, of the cell

    @property
    def volume(self) -> float:
        """Of the cell [m³]."""
        return float(np.sqrt(np.linalg.det(_metric(self.cell))))

    @property
    def density(self) -> float:
        """Of the crystal [kg/m³]."""
        return self.mass / self.volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reflections:
    """Lines of a powder, by falling distance of planes. Read-only."""

    d: Floats  #: (m,) m
    strength: Floats  #: (m,) m⁻⁶: Σ|F|²/V², equivalent planes added up
    hkl: tuple[tuple[int, int, int], ...]

    def angles(self, wavelength: float, scale: float = 1.0) -> Floats:
        """2θ [rad] of each line, nan beyond 180°; `scale` multiplies the cell."""
        s = wavelength / (2 * self.d * scale)
        return np.where(s < 1, 2 * np.arcsin(np.minimum(s, 1.0)), np.nan)

    def intensities(self, wavelength: float) -> Floats:
        """Area of each line per volume of the phase, in one unit for all phases."""
        return np.asarray(self.strength * lorentz_polarisation(self.angles(wavelength)))


def lorentz_polarisation(two_theta: npt.ArrayLike) -> Floats:
    """Factor of a powder line, flat sample, unpolarised beam, no monochromator.

    Parameters
    ----------
    two_theta : (...)
        Angle of diffraction [rad].

    Notes
    -----
    (1 + cos² 2θ)/(sin² θ cos θ).

    Examples
    --------
    >>> round(float(lorentz_polarisation(np.pi / 2)), 4)
    2.8284
    """
    x = np.asarray(two_theta, dtype=np.float64)
    return np.asarray((1 + np.cos(x) ** 2) / (np.sin(x / 2) ** 2 * np.cos(x / 2)))


def phases() -> list[str]:
    """Names of the phases in the library, sorted.

    >>> phases()
    ['LLZTO', 'Li2CO3', 'LiCl']
    """
    return sorted(p.stem for p in PHASES.glob("*.toml") if p.stem != "scattering")


def phase(name: str | Path) -> Phase:
    """Load a phase by name, or by path to a TOML file of your own.

    Raises
    ------
    InputError
        If there is no such phase, or its file is wrong.

    Examples
    --------
    >>> found = phase("LiCl")
    >>> found.positions.shape, round(found.density)
    ((8, 3), 2073)
    """
    name = str(name)
    path = Path(name) if name.endswith(".toml") else PHASES / f"{name}.toml"
    if not path.is_file() or path.stem == "scattering":
        raise InputError(
            f"no phase {name!r} (known: {', '.join(phases())}); give the path of a TOML file of "
            "your own"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not readable as TOML: {error}") from error
    try:
        return _phase(table)
    except (KeyError, TypeError, ValueError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path.name}: {why}; see the phases of the package") from None


def _phase(table: Mapping[str, Any]) -> Phase:
    operations = _group(table["generators"], str(table["centring"]))
    lengths, angles = np.array(table["cell"][:3], float), np.array(table["cell"][3:], float)
    if lengths.size != 3 or angles.size != 3 or not ((lengths > 1) & (lengths < 100)).all():
        raise InputError("cell is three lengths in angstrom and three angles in degrees")
    if table["kind"] not in _KINDS:
        raise InputError(f"kind {table['kind']!r} is none of {', '.join(_KINDS)}")
    rows = []
    for site in table["site"]:
        factors = _factors().get(str(site["atom"]))
        if factors is None:
            raise InputError(f"no scattering factor of {site['atom']!r} is known")
        for at in _orbit(np.array(site["at"], float), operations):
            rows.append((at, factors, float(site["occupancy"]), float(site["B"])))
    return Phase(
        name=str(table["name"]), formula=str(table["formula"]), kind=str(table["kind"]),
        source=str(table["source"]), where=str(table["where"]),
        cell=(*(lengths * _ANGSTROM).tolist(), *np.radians(angles).tolist()),
        positions=np.array([r[0] for r in rows]), factors=np.array([r[1] for r in rows]),
        occupancy=np.array([r[2] for r in rows]),
        B=np.array([r[3] for r in rows]) * _ANGSTROM**2,
        mass=float(table["mass"]) * 1e-3 / _AVOGADRO,
    )  # fmt: skip


@cache
def _factors() -> dict[str, list[float]]:
    table = tomllib.loads((PHASES / "scattering.toml").read_text(encoding="utf-8"))
    return {name: list(map(float, row)) for name, row in table["factors"].items()}


# ---------------------------------------------------------------- symmetry


def _operation(text: str) -> Operation:
    """Read `-x+1/2,y,z` as a matrix and a translation.

    >>> W, t = _operation("-x+1/2,y,z-x")
    >>> W.tolist(), t.tolist()
    ([[-1, 0, 0], [0, 1, 0], [-1, 0, 1]], [0.5, 0.0, 0.0])
    """
    parts = text.replace(" ", "").split(",")
    W, t = np.zeros((3, 3), dtype=np.int64), np.zeros(3)
    if len(parts) != 3:
        raise InputError(f"{text!r} is no operation such as -x+1/2,y,z")
    for row, part in enumerate(parts):
        if not part or _TERM.sub("", part):
            raise InputError(f"{text!r} is no operation such as -x+1/2,y,z")
        for match in _TERM.finditer(part):
            sign = -1 if match[1] == "-" else 1
            if match[4]:
                W[row, "xyz".index(match[4])] += sign
            else:
                t[row] += sign * int(match[2]) / int(match[3])
    return W, t


def _key(operation: Operation) -> tuple[int, ...]:
    W, t = operation
    return (*W.ravel().tolist(), *(np.round(t * 24).astype(int) % 24).tolist())


def _group(generators: Sequence[str], centring: str) -> list[Operation]:
    """All operations of a space group, translations modulo the cell."""
    if centring not in _CENTRING:
        raise InputError(f"centring {centring!r} is none of {', '.join(_CENTRING)}")
    made = [_operation(text) for text in generators]
    made += [(np.eye(3, dtype=np.int64), np.array(shift)) for shift in _CENTRING[centring]]
    unit: Operation = (np.eye(3, dtype=np.int64), np.zeros(3))
    found = {_key(unit): unit}
    new = [unit]
    while new:
        fresh = []
        for (W, t), (V, u) in product(new, made):
            both = (V @ W, (V @ t + u) % 1.0)
            if _key(both) not in found:
                found[_key(both)] = both
                fresh.append(both)
        if len(found) > 192:
            raise InputError("the generators make more than 192 operations: they are no group")
        new = fresh
    return list(found.values())


def _orbit(at: Floats, operations: Sequence[Operation]) -> list[Floats]:
    """Different positions that the operations make of one."""
    found: list[Floats] = []
    for W, t in operations:
        r = (W @ at + t) % 1.0
        near = [np.abs((r - other + 0.5) % 1.0 - 0.5).max() < 1e-4 for other in found]
        if not any(near):
            found.append(r)
    return found


# ---------------------------------------------------------------- reflections


def _metric(cell: Sequence[float]) -> Floats:
    a, b, c, al, be, ga = cell
    cos = np.cos([al, be, ga])
    return np.array(
        [[a * a, a * b * cos[2], a * c * cos[1]],
         [a * b * cos[2], b * b, b * c * cos[0]],
         [a * c * cos[1], b * c * cos[0], c * c]]
    )  # fmt: skip


def reflections(crystal: Phase, shortest: float) -> Reflections:
    """Powder lines with a distance of planes of `shortest` [m] or more.

    Notes
    -----
    F = Σ f exp(−B s²) exp(2πi h·r) over all atoms, so that extinctions follow from the
    structure. Planes of one distance are one line. No anomalous scattering, no absorption.

    Examples
    --------
    >>> found = reflections(phase("LiCl"), 1.2e-10)
    >>> found.hkl
    ((1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1), (2, 2, 2), (4, 0, 0))
    """
    reciprocal = np.linalg.inv(_metric(crystal.cell))
    most = [int(np.ceil(length / shortest)) for length in crystal.cell[:3]]
    if np.prod([2 * m + 1 for m in most]) > _MOST:
        raise InputError(f"{crystal.name} has too many reflections in the pattern; cut the pattern")
    grid = np.array(list(product(*(range(-m, m + 1) for m in most))))
    q2 = np.einsum("ij,jk,ik->i", grid, reciprocal, grid)
    keep = (q2 > 0) & (q2 <= 1 / shortest**2)
    hkl, q2 = grid[keep], q2[keep]
    s2 = q2 / 4 * _ANGSTROM**2  # (sin θ/λ)², Å⁻²
    F = np.zeros(q2.size, dtype=np.complex128)
    rows = zip(crystal.factors.tolist(), crystal.B.tolist(), strict=True)
    for *f, b in dict.fromkeys((*f, b) for f, b in rows):
        mine = np.isin(crystal.B, b) & np.isin(crystal.factors, f).all(axis=1)
        phase_of = hkl @ crystal.positions[mine].T
        sums = np.exp(2j * np.pi * phase_of) @ crystal.occupancy[mine]
        a, w = np.array(f[:8:2]), np.array(f[1:8:2])
        size = np.exp(-s2[:, None] * w) @ a + f[8]
        F += size * np.exp(-b / _ANGSTROM**2 * s2) * sums
    return _lines(hkl, q2, np.abs(F) ** 2 / crystal.volume**2)


def _lines(hkl: npt.NDArray[np.int64], q2: Floats, strength: Floats) -> Reflections:
    """Add up planes of one distance; leave out what is extinct."""
    if not q2.size:
        return Reflections(d=np.zeros(0), strength=np.zeros(0), hkl=())
    order = np.argsort(q2, kind="stable")
    q2, strength, hkl = q2[order], strength[order], hkl[order]
    first = np.concatenate([[True], np.diff(q2) > 1e-7 * q2[1:]])
    group = np.cumsum(first) - 1
    total = np.bincount(group, strength)
    kept = total > _FAINT * total.max()
    names = []
    for k in np.nonzero(kept)[0]:
        mine = group == k
        lively = hkl[mine & (strength > 0.01 * strength[mine].max())]
        best = max(lively.tolist(), key=lambda x: (min(x) >= 0, x))
        names.append((int(best[0]), int(best[1]), int(best[2])))
    return Reflections(
        d=1 / np.sqrt(q2[first][kept]), strength=np.asarray(total[kept]), hkl=tuple(names)
    )
