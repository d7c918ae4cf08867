"""Where a fit starts when nobody says: peaks tried along the frequency axis, amplitudes solved.

Given the time constants of its parts, a circuit whose parts are in series is linear in its
amplitudes. So every ordered choice of time constants from a grid costs one small non-negative
least squares, and the best few are worth a fit. Circuits with nested parts start at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit.elements import ZARC, C, Circuit, L, Parallel, Q, R, W, Wo, Ws, blocks, slots
from dualyte.circuit.spectrum import Spectrum
from dualyte.measure.eis.model import Model, arc_names, scale, weights
from dualyte.vocabulary import Floats

_GRID: Final = 12  # places along the frequency axis for the peak of an arc
_ARC: Final = (0.85,)  # exponents an arc starts with
_TAIL: Final = (0.9, 0.6)  # exponents a blocking tail starts with
_RANDOM: Final = 48
Shape = tuple[float, float]  #: time constant [s] and exponent; (nan, nan) if the part has none


def starts(model: Model, spectrum: Spectrum, *, best: int = 6, seed: int = 0) -> Floats:
    """Free numbers to start from, best first.

    Returns
    -------
    (n, k)
        Up to `best` starts for a circuit of parts in series, more for any other.
    """
    parts = blocks(model.circuit)
    if all(_simple(part) for part in parts):
        return _solved(model, spectrum.kept, parts, best)
    return _random(model, spectrum.kept, seed)


def _simple(part: Circuit) -> bool:
    if isinstance(part, Parallel):
        return len(arc_names(part)) == 1
    return isinstance(part, R | L | C | Q | W | Ws | Wo | ZARC)


def _is_arc(part: Circuit) -> bool:
    return isinstance(part, Parallel | ZARC)


def _shapes(part: Circuit, tau: Floats) -> list[Shape]:
    """What a part may look like before anything is known."""
    if isinstance(part, Parallel):
        return list(product(tau.tolist(), _ARC if arc_names(part)[0].n else (1.0,)))
    if isinstance(part, ZARC):
        return list(product(tau.tolist(), _ARC))
    if isinstance(part, Ws | Wo):
        return [(t, 0.5) for t in tau[tau.size // 2 :: 2].tolist()]
    return [(np.nan, n) for n in (_TAIL if isinstance(part, Q) else (np.nan,))]


def _column(
    part: Circuit, shape: Shape, s: npt.NDArray[np.complexfloating]
) -> npt.NDArray[np.complex128]:
    """Impedance of a part of unit amplitude."""
    tau, n = shape
    made: Circuit
    if _is_arc(part):
        made = ZARC(1.0, tau, n)
    elif isinstance(part, Ws | Wo):
        made = type(part)(1.0, tau)
    else:
        made = Q(1.0, n) if isinstance(part, Q) else type(part)(1.0)  # type: ignore[call-arg]  # one amplitude each
    return np.asarray(made.z(s), dtype=np.complex128)


def _numbers(part: Circuit, shape: Shape, amplitude: float) -> list[float]:
    """Parameters of a part, in the order of the circuit."""
    tau, n = shape
    if isinstance(part, ZARC):
        return [amplitude, tau, n]
    if isinstance(part, Parallel):
        by_kind = {"R": amplitude, "Q": tau**n / amplitude, "C": tau / amplitude, "n": n}
        return [by_kind[name.split("_")[0]] for name in part.parameters]
    if isinstance(part, Ws | Wo):
        return [amplitude, tau]
    if isinstance(part, C | Q):
        return [1 / amplitude, n] if isinstance(part, Q) else [1 / amplitude]
    return [amplitude]


def _solved(model: Model, spectrum: Spectrum, parts: Sequence[Circuit], best: int) -> Floats:
    from scipy.optimize import nnls

    f, w = spectrum.frequency, weights(spectrum, "modulus")
    z, s = spectrum.z * scale(spectrum), 1j * spectrum.omega
    tau = 1 / (2 * np.pi * np.geomspace(3 * f[0], f[-1] / 3, _GRID))
    offered = [(j, shape) for j, part in enumerate(parts) for shape in _shapes(part, tau)]
    units = np.array([_column(parts[j], shape, s) for j, shape in offered]).T
    columns = np.concatenate([units.real * w.real[:, None], units.imag * w.imag[:, None]])
    size = np.linalg.norm(columns, axis=0)
    basis, small = np.linalg.qr(columns / size)  # the same problem in fewer rows
    target = basis.T @ np.concatenate([z.real * w.real, z.imag * w.imag])
    tried = []
    for pick in _picks(parts, [j for j, _ in offered]):
        amplitude, rest = nnls(small[:, pick], target)
        tried.append((rest, pick, amplitude / size[pick]))
    tried.sort(key=lambda row: row[0])
    least = float(np.abs(z).min()) * 1e-3  # what may vanish starts small, not at zero
    found = []
    for _, pick, amplitude in tried[:best]:
        numbers: list[float] = []
        for part, k, each in zip(parts, pick, amplitude, strict=True):
            enough = float(each) if isinstance(part, R | L) else max(float(each), least)
            numbers += _numbers(part, offered[k][1], enough)
        found.append(_theta(model, numbers))
    return np.array(found)


def _picks(parts: Sequence[Circuit], owner: list[int]) -> list[list[int]]:
    """Choices of one candidate for each part; arcs in the order written are ever slower."""
    of_part = [[k for k, j in enumerate(owner) if j == number] for number in range(len(parts))]
    lines = [j for j, part in enumerate(parts) if _is_arc(part)]
    rest = [j for j in range(len(parts)) if j not in lines]
    places = len(of_part[lines[0]]) if lines else 0
    found = []
    for places_taken in combinations(range(places), len(lines)):
        for others in product(*(of_part[j] for j in rest)):
            pick = dict(zip(rest, others, strict=True))
            pick |= {j: of_part[j][at] for j, at in zip(lines, places_taken, strict=True)}
            found.append([pick[j] for j in range(len(parts))])
    return found


def _theta(model: Model, numbers: Sequence[float]) -> Floats:
    with np.errstate(divide="ignore"):  # a series part that came out as zero
        return model.theta(dict(zip(model.names, numbers, strict=True)))


def _random(model: Model, spectrum: Spectrum, seed: int) -> Floats:
    """Resistances within the span of |Z|, every time constant within that of the data."""
    rng = np.random.default_rng(seed)
    z, omega = np.abs(spectrum.z) * scale(spectrum), spectrum.omega
    low, high = np.log(z.min() / 3), np.log(z.max() * 1.5)
    found = []
    for _ in range(_RANDOM):
        R0 = np.exp(rng.uniform(low, high, len(model.names)))
        w0 = np.exp(rng.uniform(np.log(omega.min()), np.log(omega.max()), len(model.names)))
        n = rng.choice([1.0, 0.9, 0.8, 0.6], len(model.names))
        by_kind = {
            "R": R0, "C": 1 / (R0 * w0), "L": R0 / w0, "Q": 1 / (R0 * w0**n), "n": n,
            "tau": 1 / w0, "W": R0 * np.sqrt(w0),
        }  # fmt: skip
        named = enumerate(kind for *_, kind in slots(model.circuit))
        found.append(_theta(model, [float(by_kind[kind][k]) for k, kind in named]))
    return np.array(found)
