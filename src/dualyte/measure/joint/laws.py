r"""How the parameters of a circuit move with temperature and pressure: linear in what is fitted.

.. math:: \ln R_a = \rho_a + E_a\,u(T) - \varphi_a(P), \quad
          \ln Q_a = q_a + \varphi_a(P), \quad n_a = \text{const}

with u = 1/kT − 1/kT₀, and φ = ln of the true contact over that at the highest pressure: m ln P
where a power law holds, else free at each pressure. A contact that shrinks raises R and lowers
Q alike, so R·Q and the frequency of the arc stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit.elements import Circuit, Element, R, blocks, slots
from dualyte.circuit.spectrum import Spectrum
from dualyte.errors import InputError
from dualyte.measure.eis.model import ArcNames, Model, arc_names, precedence
from dualyte.measure.eis.result import INTERFACE
from dualyte.vocabulary import BOLTZMANN, ELECTRON, ROOM, Floats, show

_NARROW: Final = 0.5  # K: temperatures closer than this are one
_ALIKE: Final = 0.01  # relative: pressures closer than this are one


@dataclass(frozen=True, slots=True)
class Terms:
    """Which laws hold beyond the hard ones."""

    drift_n: bool = False  #: n of each arc linear in T
    drift_q: bool = False  #: ln Q of each arc linear in T
    contact: bool = False  #: contact free at each pressure instead of a power law
    pressure: bool = False  #: R and Q of every arc follow P, each in its own way
    free: tuple[str, ...] = ()  #: parameters that each spectrum settles for itself
    tied: tuple[tuple[str, ...], ...] = ()  #: groups of parameters that share value and laws

    def __str__(self) -> str:
        told = []
        if self.drift_n or self.drift_q:
            which = " and ".join(
                name for name, on in (("n", self.drift_n), ("ln Q", self.drift_q)) if on
            )
            told.append(f"{which} of each arc linear in T")
        if self.contact:
            told.append("contact free at each pressure")
        if self.pressure:
            told.append("every arc with pressure dependences of its own")
        if self.free:
            told.append(f"{', '.join(self.free)} free in each spectrum")
        return "; ".join(told) or "hard laws"


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """Transformed parameters of every spectrum, x = A θ, and what each θ is called."""

    model: Model  #: all resistances logarithmic
    names: tuple[str, ...]  #: (k,) of θ
    matrix: Floats  #: (s, p, k)
    low: Floats  #: (k,)
    high: Floats  #: (k,)
    temperature: Floats  #: (s,) K
    pressure: Floats  #: (s,) Pa
    hot: bool  #: whether the temperature varies
    centre: float  #: K that numbers are given at: 25 °C, or where all was measured; nan if unknown
    levels: Floats  #: (l,) distinct pressures, descending; Pa
    terms: Terms
    movers: tuple[str, ...]  #: labels of the arcs whose contact follows the pressure

    def x(self, theta: Floats) -> Floats:
        """(s, p) transformed parameters."""
        return np.asarray(self.matrix @ theta)

    def at(self, name: str) -> int:
        """Index of a θ."""
        return self.names.index(name)


@dataclass(slots=True)
class _Columns:
    """θ as they are added."""

    shape: tuple[int, int]
    names: list[str] = field(default_factory=list)
    columns: list[Floats] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def add(
        self, name: str, entries: Mapping[int, npt.ArrayLike], low: float = -80, high: float = 80
    ) -> None:
        column = np.zeros(self.shape)
        for parameter, values in entries.items():
            column[:, parameter] = values
        self.names.append(name)
        self.columns.append(column)
        self.low.append(low)
        self.high.append(high)


def conditions(spectra: Sequence[Spectrum]) -> tuple[Floats, Floats]:
    """Temperature [K] and pressure [Pa] of every spectrum, nan where all lack it."""
    found = []
    for name in ("temperature", "pressure"):
        values = [getattr(s, name) for s in spectra]
        known = [v is not None for v in values]
        if any(known) and not all(known):
            missing = spectra[known.index(False)].title
            raise InputError(
                f"{missing} has no {name} but others do; give it in the file name (such as "
                "cell1_-40C_55MPa.csv), in a sidecar file, or leave the file out"
            )
        found.append(np.array([np.nan if v is None else v for v in values], dtype=np.float64))
    return found[0], found[1]


def _levels(P: Floats) -> tuple[Floats, Floats]:
    """Pressures with those that are nearly alike made one, and the distinct ones, descending."""
    if not np.isfinite(P).all():
        return P, np.zeros(0)
    merged = P.copy()
    levels: list[float] = []
    for k in np.argsort(-P, kind="stable"):
        if not levels or P[k] < levels[-1] * (1 - _ALIKE):
            levels.append(float(P[k]))
        merged[k] = levels[-1]
    return merged, np.array(levels)


def inverse_temperature(temperature: npt.ArrayLike) -> Floats:
    """Return u = 1/kT − 1/kT₀ [1/eV], zero at 25 °C.

    >>> float(inverse_temperature(298.15))
    0.0
    """
    return np.asarray(ELECTRON / BOLTZMANN * (1 / np.asarray(temperature) - 1 / ROOM))


def design(spectra: Sequence[Spectrum], circuit: Circuit, terms: Terms = Terms()) -> Design:
    """Write down the laws of a series.

    Raises
    ------
    InputError
        If neither temperature nor pressure varies, or some spectra lack one of them.
    """
    T, P = conditions(spectra)
    hot = bool(np.ptp(T) > _NARROW)
    P, levels = _levels(P)
    pressed = levels.size > 1
    if not hot and not pressed and not terms.free:
        raise InputError(
            f"{len(spectra)} spectra at one temperature and one pressure are no series; a joint "
            "fit needs several of either (in file names such as cell1_-40C_55MPa.csv)"
        )
    model = Model(circuit=circuit, logarithmic=True, precedence=precedence(circuit))
    lines = arc_names(circuit)
    labelled = [a.label for a in lines if a.label.lower() in INTERFACE]
    movers = tuple(labelled or [a.label for a in lines]) if pressed else ()
    table = _Columns((len(spectra), len(model.names)))
    u = inverse_temperature(T) if hot else np.zeros(len(spectra))
    nearest = float(np.clip(ROOM, T.min(), T.max())) if hot else ROOM
    t = (T - nearest) / np.ptp(T) if hot else u  # drift per range of the series, none at 25 °C
    known = {name: k for k, name in enumerate(model.names)}
    _constants(table, model, spectra, u if hot else None, terms)
    for arc in lines:
        _drifts(table, arc, known, t if hot else None, terms)
        _contact(table, arc, known, P, levels, terms, moves=arc.label in movers)
    _merge(table, terms.tied, model)
    return Design(
        model=model,
        names=tuple(table.names),
        matrix=np.moveaxis(np.array(table.columns), 0, -1),
        low=np.array(table.low),
        high=np.array(table.high),
        temperature=T,
        pressure=P,
        hot=hot,
        centre=ROOM if hot else float(T.mean()),
        levels=levels,
        terms=terms,
        movers=movers,
    )


def _merge(table: _Columns, tied: Sequence[tuple[str, ...]], model: Model) -> None:
    """Make the θ of tied parameters one, with their activation energies and drifts."""
    Model(circuit=model.circuit, tied=tied, logarithmic=True)  # refuses ties without meaning
    for first, *others in tied:
        for follower in others:
            for stem in ("", "Ea_", "drift_"):
                leader, name = stem + first, stem + follower
                if name in table.names and leader in table.names:
                    k = table.names.index(name)
                    table.columns[table.names.index(leader)] += table.columns[k]
                    for column in (table.names, table.columns, table.low, table.high):
                        del column[k]


def _constants(
    table: _Columns, model: Model, spectra: Sequence[Spectrum], u: Floats | None, terms: Terms
) -> None:
    """Value at 25 °C of every parameter, and the activation energy of every resistance."""
    lone = {name for b in blocks(model.circuit) if isinstance(b, R) for name in b.parameters}
    for k, (name, _, _, kind) in enumerate(slots(model.circuit)):
        box = (0.2, 1.0) if kind == "n" else (-80.0, 80.0)
        if name in terms.free:
            for s in range(len(spectra)):
                only = np.zeros(len(spectra))
                only[s] = 1.0
                table.add(f"{name}[{s}]", {k: only}, *box)
            continue
        table.add(name, {k: 1.0}, *box)
        if u is None:
            continue
        if kind in {"R", "W"}:
            low = -1.0 if name in lone else -0.2
            table.add(f"Ea_{name}", {k: u}, low, 3.0)
        elif kind == "tau":
            table.add(f"Ea_{name}", {k: u}, -0.2, 3.0)
        elif _alone(model.circuit, name) and kind in {"C", "Q"}:
            table.add(f"Ea_{name}", {k: -u}, -1.0, 1.0)  # a tail may follow T, weakly


def _alone(circuit: Circuit, name: str) -> bool:
    """Whether a parameter belongs to an element in series at the top level."""
    return any(isinstance(b, Element) and name in b.parameters for b in blocks(circuit))


def _drifts(
    table: _Columns, arc: ArcNames, known: Mapping[str, int], t: Floats | None, terms: Terms
) -> None:
    if t is None:
        return
    if terms.drift_n and arc.n:
        table.add(f"drift_{arc.n}", {known[arc.n]: t}, -0.5, 0.5)
    if terms.drift_q and (arc.Q or arc.C):
        table.add(f"drift_{arc.Q or arc.C}", {known[arc.Q or arc.C]: t}, -5.0, 5.0)


def _contact(
    table: _Columns, arc: ArcNames, known: Mapping[str, int], P: Floats, levels: Floats,
    terms: Terms, *, moves: bool,
) -> None:  # fmt: skip
    """φ of an arc: m ln P or free at every pressure; of R and Q apart where asked.

    An arc given by its time constant keeps it: Q rises as R falls.
    """
    if levels.size < 2 or not (moves or terms.pressure):
        return
    other = arc.tau or arc.Q or arc.C
    both = {known[arc.R]: -1.0} | ({} if arc.tau else {known[other]: 1.0})
    groups = {arc.label: both}
    if terms.pressure:
        groups = {arc.R: {known[arc.R]: -1.0}, other: {known[other]: 1.0}}
    for name, signs in groups.items():
        if not terms.contact:
            log = np.log(P / levels[0])
            table.add(f"m_{name}", {k: sign * log for k, sign in signs.items()}, -2, 5)
            continue
        for level in levels[1:]:
            here = (level == P).astype(np.float64)
            tag = f"[{show('pressure', float(level))}]"
            table.add(f"phi_{name}{tag}", {k: sign * here for k, sign in signs.items()}, -12, 12)
