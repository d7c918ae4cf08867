"""Points at temperatures, and the weighted fit of a law to their logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.arrhenius.laws import RISES, SAME, Form, Law, Outliers, columns
from dualyte.uncertainty import moderated
from dualyte.vocabulary import BOLTZMANN, Floats, checked, q

_ALIKE: Final = 0.01  # scatters that differ by less than chance are one
TUKEY: Final = 4.685  # residuals beyond this many deviations have no weight


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """Points in the logarithm, with their weights and replicates."""

    form: Form
    T: Floats
    value: Floats
    y: Floats  #: what is linear in 1/T
    relative: Floats | None
    weights: str
    trusted: bool  #: spreads were given
    group: npt.NDArray[np.int64]  #: (n,) which temperature a point belongs to

    @property
    def w(self) -> Floats:
        """Weights 1/s², or 1."""
        return np.ones(self.T.size) if self.relative is None else 1 / self.relative**2

    @property
    def m(self) -> int:
        """Distinct temperatures."""
        return int(self.group.max()) + 1

    @property
    def pure(self) -> tuple[float, int]:
        """Weighted sum of squares about the means of replicates, and its degrees of freedom."""
        w, total = self.w, 0.0
        for k in range(self.m):
            here = self.group == k
            mean = np.average(self.y[here], weights=w[here])
            total += float(w[here] @ (self.y[here] - mean) ** 2)
        return total, self.T.size - self.m


def read(temperature: Any, value: Any, spread: Any, form: Form) -> Data:  # noqa: ANN401 (array-like)
    """Check the input, find replicates, and settle the weights."""
    given = np.ravel(temperature).tolist()
    T = checked("temperature", [q(x, "temperature") if isinstance(x, str) else x for x in given])
    v = np.asarray(value, dtype=np.float64).ravel()
    if T.size != v.size:
        raise InputError(f"{T.size} temperatures but {v.size} values")
    bad = ~(np.isfinite(v) & (v > 0))
    if bad.any():
        k = int(np.argmax(bad))
        raise InputError(
            f"value {v[k]:g} at {T[k]:g} K (point {k + 1} of {v.size}) has no logarithm; leave "
            "the point out or check its sign"
        )
    order = np.argsort(T, kind="stable")
    group = np.empty(T.size, dtype=np.int64)
    group[order] = np.cumsum(np.diff(T[order], prepend=T[order][:1]) > SAME)
    m = int(group.max()) + 1 if T.size else 0
    least = 2 if spread is not None else 3
    if m < least:
        raise InputError(
            f"{m} distinct temperature{'s' * (m != 1)} cannot give an activation energy with its "
            f"error; measure at {least} or more"
        )
    y = np.log(v * T) if form == "sigmaT" else np.log(v)
    if spread is None:
        relative, weights = _replicates(y, group)
        return Data(
            form=form, T=T, value=v, y=y, relative=relative, weights=weights, trusted=False,
            group=group,
        )  # fmt: skip
    s = np.broadcast_to(np.asarray(spread, dtype=np.float64), v.shape)
    if not (np.isfinite(s) & (s > 0)).all():
        k = int(np.argmin(np.isfinite(s) & (s > 0)))
        raise InputError(
            f"spread {s[k]:g} at {T[k]:g} K (point {k + 1}) must be positive; leave spread out if "
            "it is not known"
        )
    return Data(
        form=form, T=T, value=v, y=y, relative=s / v, weights="1/spread²", trusted=True,
        group=group,
    )  # fmt: skip


def _replicates(y: Floats, group: npt.NDArray[np.int64]) -> tuple[Floats | None, str]:
    """Relative deviation of each point from the scatter of replicates, if they tell it.

    The variance of a few replicates is uncertain by itself: see `uncertainty.moderated`.
    """
    from scipy.stats import bartlett

    m = int(group.max()) + 1
    parts = [y[group == k] for k in range(m)]
    degrees = np.array([x.size - 1.0 for x in parts])
    square = np.array([float(((x - x.mean()) ** 2).sum()) for x in parts])
    many = degrees > 0
    pooled = square.sum() / max(degrees.sum(), 1.0)
    if pooled <= (1e-12 * max(1.0, float(np.abs(y).max()))) ** 2:
        return None, "equal"
    same = np.full(y.size, np.sqrt(pooled)), "pooled scatter of replicates"
    if many.sum() < 3 or (square[many] == 0).any():
        return same
    if bartlett(*(x for x in parts if x.size > 1)).pvalue > _ALIKE:
        return same
    variance = moderated(square, degrees)
    if np.ptp(variance) == 0:
        return same
    return np.sqrt(variance)[group], "scatter of the replicates at each temperature"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A law fitted to the points."""

    law: Law
    theta: Floats
    J: Floats  #: (n, p) derivatives of the logarithm
    residual: Floats
    robust: Floats
    held: bool = False  #: T₀ is at its bound

    @property
    def p(self) -> int:
        """Parameters that were free."""
        return self.theta.size - self.held

    def inverse(self, w: Floats) -> Floats:
        """(JᵀWJ)⁻¹ with columns of order one; a held T₀ has no variance."""
        J = self.J[:, : self.p]
        size = np.abs(J).max(axis=0)
        A = J / size * np.sqrt(w)[:, None]
        small = np.linalg.pinv(A)
        out = np.zeros((self.theta.size, self.theta.size))
        out[: self.p, : self.p] = small @ small.T / np.outer(size, size)
        return out


def _line(x: Floats, y: Floats, w: Floats) -> tuple[Any, Any, Any]:
    """Intercept, slope and weighted sum of squares of a straight line; x (..., n)."""
    v = w / w.sum()
    xm, ym = x @ v, y @ v
    dx, dy = x - xm[..., None], y - ym
    slope = (dx * dy) @ v / (dx**2 @ v)
    r = dy - slope[..., None] * dx
    return ym - slope * xm, slope, r**2 @ w


def solve(data: Data, law: Law, robust: Floats) -> Line:
    """Weighted least squares in the logarithm."""
    w, T, y = data.w * robust, data.T, data.y
    sign = RISES[data.form] / BOLTZMANN
    if law == "arrhenius":
        a, E, _ = _line(sign / T, y, w)
        J = columns(T, 0.0, E, data.form, vtf=False)
        return Line(
            law=law, theta=np.array([a, E]), J=J, residual=y - a - E * J[:, 1], robust=robust
        )
    T0, held = _vtf_temperature(T, y, w, sign)
    a, E, _ = _line(sign / (T - T0), y, w)
    theta = np.array([a, E, T0])
    for _ in range(0 if held else 6):  # Gauss–Newton sharpens what a search in one number found
        J = columns(T, theta[2], theta[1], data.form, vtf=True)
        size = np.abs(J).max(axis=0)
        r = y - theta[0] - theta[1] * J[:, 1]
        root = np.sqrt(w)
        step = np.linalg.lstsq(J / size * root[:, None], root * r, rcond=None)[0] / size
        T0 = theta[2] + step[2]
        if not 0 < T0 < _highest(T):
            break
        a, E, _ = _line(sign / (T - T0), y, w)
        theta = np.array([a, E, T0])
    J = columns(T, theta[2], theta[1], data.form, vtf=True)
    r = y - theta[0] - theta[1] * J[:, 1]
    return Line(law=law, theta=theta, J=J, residual=r, robust=robust, held=held)


def _highest(T: Floats) -> float:
    """Upper bound of T₀: the law ends at T₀, and no point may lie on its pole."""
    return 0.98 * float(T.min())


def _vtf_temperature(T: Floats, y: Floats, w: Floats, sign: float) -> tuple[float, bool]:
    """T₀ with the least sum of squares, and whether it is at a bound (0 is Arrhenius)."""
    from scipy.optimize import minimize_scalar

    def cost(T0: float) -> float:
        return float(_line(sign / (T - T0), y, w)[2])

    grid = np.linspace(0.0, _highest(T), 60)
    k = int(np.argmin(_line(sign / (T - grid[:, None]), y, w)[2]))
    low, high = grid[max(k - 1, 0)], grid[min(k + 1, grid.size - 1)]
    T0 = float(
        minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x
    )
    for end in (grid[0], grid[-1]):
        if abs(T0 - end) < 1e-3 * grid[-1] and cost(float(end)) <= cost(T0) * (1 + 1e-9):
            return float(end), True
    return T0, False


def _robust(data: Data, law: Law) -> Line:
    """Iteratively reweighted fit: Huber's weights first, then Tukey's bisquare."""
    ones = np.ones(data.T.size)
    fit = solve(data, law, ones)
    r = fit.residual
    if law == "arrhenius":  # begin at the median of slopes, which a few points cannot move
        x = RISES[data.form] / (BOLTZMANN * data.T)
        i, j = np.nonzero(np.triu(np.abs(np.subtract.outer(data.group, data.group)) > 0))
        slope = float(np.median((data.y[i] - data.y[j]) / (x[i] - x[j])))
        r = data.y - slope * x
        r = r - np.median(r)
    for step in range(100):
        u = np.abs(r) * np.sqrt(data.w) / scale(r, data)
        huber = law == "vtf" and step < 20
        weight = np.minimum(1, 1.345 / np.maximum(u, 1e-300)) if huber else _tukey(u)
        fit = solve(data, law, weight)
        if np.abs(weight - ones).max() < 1e-10 and not huber:
            break
        r, ones = fit.residual, weight
    return fit


def _tukey(u: Floats) -> Floats:
    return np.asarray(np.where(u < TUKEY, (1 - (u / TUKEY) ** 2) ** 2, 0.0))


def scale(r: Floats, data: Data) -> float:
    """Deviation of weighted residuals: 1 where spreads are given, else from their median."""
    if data.trusted:
        return 1.0
    size = np.sort(np.abs(r) * np.sqrt(data.w))[1:]  # a line passes near some points for free
    return max(1.4826 * float(np.median(size)), 1e-12 * float(np.sqrt(data.w.max())))


def choose(
    data: Data, law: Law | Literal["auto"], outliers: Outliers
) -> tuple[Law, dict[Law, Line], dict[str, float]]:
    """Fit the laws that are asked for and can be had."""
    able = data.m >= 5
    if law == "vtf" and not able:
        raise InputError(
            f"a VTF law needs five temperatures or more, and there are {data.m}; use the "
            "Arrhenius law"
        )
    if law == "auto" and outliers == "robust":
        raise InputError(
            "curvature and outliers cannot be told apart by themselves; choose law='arrhenius' or "
            "'vtf' for a robust fit, or outliers='flag' with law='auto'"
        )
    ones = np.ones(data.T.size)
    fits: dict[Law, Line] = {"arrhenius": solve(data, "arrhenius", ones)}
    if able:
        fits["vtf"] = solve(data, "vtf", ones)
    believed = data.trusted and _believable(list(fits.values())[-1], data)
    aicc = {str(name): _aicc(fit, data, trusted=believed) for name, fit in fits.items()}
    chosen: Law = "arrhenius" if law == "auto" else law
    if law == "auto" and able and not fits["vtf"].held and aicc["vtf"] < aicc["arrhenius"] - 2:
        chosen = "vtf"
    if outliers == "robust":
        fits[chosen] = _robust(data, chosen)
    return chosen, fits, aicc


def _believable(fit: Line, data: Data) -> bool:
    """Whether the scatter about the law with most numbers is what the spreads say (5 %)."""
    from scipy.stats import chi2

    free = data.T.size - fit.theta.size
    return free < 1 or bool(chi2.sf(float(data.w @ fit.residual**2), free) >= 0.05)


def _aicc(fit: Line, data: Data, *, trusted: bool) -> float:
    """Corrected information criterion; infinite where the points are too few for it."""
    n, chi2 = data.T.size, float(data.w @ fit.residual**2)
    k = fit.theta.size + (not trusted)  # the scatter is a parameter too if not given
    if n - k - 1 <= 0:
        return float("inf")
    floor = n * (1e-14 * float(np.abs(data.y).max())) ** 2 * float(data.w.max())
    told = chi2 if trusted else n * float(np.log(max(chi2, floor) / n))
    return told + 2 * k + 2 * k * (k + 1) / (n - k - 1)
