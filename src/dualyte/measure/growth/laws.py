"""Laws of growth y = a + b g(t; p), fitted by least squares that is linear but for one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats

Law = Literal["constant", "sqrt", "linear", "log", "shifted"]
LAW_TEXT: Final[dict[str, str]] = {
    "constant": "no growth", "sqrt": "√t", "linear": "t", "log": "ln(1 + t/τ)",
    "shifted": "√(t − t₀)",
}  # fmt: skip
#: numbers of each law that are fitted
_COUNT: Final[dict[str, int]] = {"constant": 1, "sqrt": 2, "linear": 2, "log": 3, "shifted": 3}
_EXPONENTS: Final = (0.02, 4.0)
_GRID: Final = 600  # places of the one number that is not linear
_BLOCK: Final = 2_000_000  # numbers held at once
_DOUBT: Final = 0.05
DECISIVE: Final = 6.0  # difference of a criterion that tells two laws apart: odds of 20 to 1
_Basis = Callable[[Floats, Floats], Floats]  #: (k,) parameters and (n,) times to (k, n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A law y = a + b g(t; p) with the p that fits best."""

    a: float
    b: float
    p: float  #: the number that is not linear; nan where the law has none
    low: float  #: ends of the interval of p at `level`; nan where the law has none
    high: float
    spread: float  #: of p, half the width of its 68 % interval
    open: bool  #: whether an end of the interval is that of the search
    chi2: float
    covariance: Floats  #: (2, 2) of a and b at this p, unscaled
    level: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthFit:
    """Parabolic growth of a quantity, and the tests of its exponent. Read-only."""

    time: Floats  #: (n,) s
    value: Floats  #: (n,) SI
    error: Floats | None  #: (n,) SI, one standard deviation, where it is known
    start: float  #: value at t = 0
    rate: float  #: per √s
    covariance: Floats  #: (2, 2) of start and rate
    degrees: float  #: of freedom of intervals; inf where the spreads are trusted
    chi2_reduced: float
    trusted: bool  #: whether the given spreads set the errors
    exponent: Curve | None  #: y = a + b tⁿ with free n; None where points are too few
    aicc: Mapping[str, float]  #: by law, relative to the best
    bic: Mapping[str, float]
    shifted: Curve | None  #: √(t − t₀): t₀ > 0 is an onset, t₀ < 0 growth before the record
    flags: tuple[str, ...] = ()

    @property
    def spread(self) -> tuple[float, float]:
        """One standard deviation of start and rate."""
        return float(np.sqrt(self.covariance[0, 0])), float(np.sqrt(self.covariance[1, 1]))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Interval of the rate, with the degrees of freedom of the fit."""
        reach = _quantile(level, self.degrees) * self.spread[1]
        return self.rate - reach, self.rate + reach

    def at(self, time: npt.ArrayLike) -> Floats:
        """Value of the parabolic law at a time [s]."""
        return np.asarray(self.start + self.rate * np.sqrt(np.asarray(time, dtype=np.float64)))

    def band(self, time: npt.ArrayLike, level: float = 0.9) -> tuple[Floats, Floats]:
        """Interval of the law at some times."""
        x = np.sqrt(np.asarray(time, dtype=np.float64))
        c = self.covariance
        s = np.sqrt(np.maximum(c[0, 0] + 2 * x * c[0, 1] + x**2 * c[1, 1], 0.0))
        reach = _quantile(level, self.degrees) * s
        return np.asarray(self.at(time) - reach), np.asarray(self.at(time) + reach)

    @property
    def verdict(self) -> str:
        """What the criteria say of the laws, in a sentence."""
        shapes = ("constant", "sqrt", "linear", "log")
        near = [
            law for law in shapes
            if min(self.aicc.get(law, np.inf), self.bic.get(law, np.inf)) < DECISIVE
        ]  # fmt: skip
        if not near:  # only a shifted root is good enough
            return "none of √t, t and ln t from the start of the record fits as well as √(t − t₀)"
        if near == ["sqrt"]:
            return "√t fits best by AICc and BIC"
        if len(near) == 1:
            return f"{LAW_TEXT[near[0]]} fits better than √t by AICc and BIC"
        texts = [LAW_TEXT[law] for law in near]
        return f"the data cannot decide between {', '.join(texts[:-1])} and {texts[-1]}"


def fit_growth(
    time: npt.ArrayLike, value: npt.ArrayLike, error: npt.ArrayLike | None = None
) -> GrowthFit:
    """Fit y = y₀ + k√t, and test the exponent.

    Parameters
    ----------
    time : (n,)
        s since growth began, not negative; three different times or more.
    value : (n,)
        A resistance, a reciprocal capacitance or a thickness, SI.
    error : (n,), optional
        One standard deviation of each value. The weights are 1/error²; the errors trust it
        unless χ² is too large (5 %).

    Returns
    -------
    GrowthFit

    Raises
    ------
    InputError
        If the times are too few or negative, or lengths differ.

    Notes
    -----
    Growth limited by diffusion through the layer itself: C. Wagner, Z. Phys. Chem. B 21, 25
    (1933). AICc: Hurvich & Tsai 1989, doi:10.1093/biomet/76.2.297.

    Examples
    --------
    >>> import numpy as np
    >>> t = 3600.0 * np.arange(0, 20, 2)
    >>> fit = fit_growth(t, 30.0 + 22.7 * np.sqrt(t / 3600))
    >>> rate = fit.rate * 60  # Ω/√h
    >>> round(float(fit.start), 6), round(float(rate), 6), round(fit.exponent.p, 4)
    (30.0, 22.7, 0.5)
    """
    t, y, s = _checked(time, value, error)
    n = t.size
    top = float(t.max())
    x = t / top
    w = np.ones(n) if s is None else 1 / s**2
    curve = line(np.sqrt(x), y, w)
    curves = {
        "constant": line(np.zeros(n), y, w), "sqrt": curve, "linear": line(x, y, w),
    }  # fmt: skip
    power = None
    if np.unique(x).size > 3 and n > 4:
        power = profile(_power, np.linspace(*_EXPONENTS, _GRID), x, y, w, trusted=s is not None)
        smallest = float(x[x > 0].min())
        curves["log"] = profile(_log, np.geomspace(smallest / 30, 30, _GRID), x, y, w,
                                trusted=s is not None)  # fmt: skip
        curves["shifted"] = profile(_root, _shifts(), x, y, w, trusted=s is not None)
    flags: list[str] = []
    free = n - 2
    reduced = curve.chi2 / free if free > 0 else float("nan")
    trusted = s is not None and not _loud(min(c.chi2 for c in curves.values()), n, flags)
    scale = 1.0 if trusted else (reduced if np.isfinite(reduced) else 0.0)
    unit = np.diag([1.0, 1 / np.sqrt(top)])
    told = curves | ({} if power is None else {"power": power})
    if _exact(y, w, curve.chi2):
        reduced, scale = 0.0, 1.0 if trusted else 0.0
    aicc, bic = _criteria({law: c.chi2 for law, c in curves.items()}, n, trusted, y, w)
    shifted = told.get("shifted")
    return GrowthFit(
        time=t, value=y, error=s, start=curve.a, rate=curve.b / top**0.5,
        covariance=unit @ curve.covariance @ unit * scale,
        degrees=float("inf") if trusted else float(max(free, 1)), chi2_reduced=reduced,
        trusted=trusted, exponent=power, aicc=aicc, bic=bic,
        shifted=None if shifted is None else _in_seconds(shifted, top), flags=tuple(flags),
    )  # fmt: skip


def compare_laws(
    time: npt.ArrayLike, value: npt.ArrayLike, error: npt.ArrayLike | None = None
) -> dict[str, tuple[float, float]]:
    """AICc and BIC of each law, relative to the best.

    Returns
    -------
    dict
        By law (`constant`, `sqrt`, `linear`, `log`, `shifted`): AICc and BIC.
    """
    fit = fit_growth(time, value, error)
    return {law: (fit.aicc[law], fit.bic[law]) for law in fit.aicc}


def hinge(x: npt.ArrayLike, value: npt.ArrayLike, error: npt.ArrayLike | None = None) -> Curve:
    """Fit y = a + b max(x − x₀, 0): level up to an onset x₀, and straight from there.

    Parameters
    ----------
    x : (n,)
        Voltage or time; five different ones or more.
    value, error : (n,)
        As for `fit_growth`.

    Examples
    --------
    >>> import numpy as np
    >>> U = np.arange(3.6, 4.35, 0.05)
    >>> round(hinge(U, 10 + 80 * np.maximum(U - 4.02, 0)).p, 3)
    4.02
    """
    x = np.asarray(x, dtype=np.float64).ravel()
    y = np.asarray(value, dtype=np.float64).ravel()
    if np.unique(x).size < 5:
        raise InputError(f"{np.unique(x).size} different places cannot tell an onset; give five")
    s = None if error is None else np.asarray(error, dtype=np.float64).ravel()
    w = np.ones(x.size) if s is None else 1 / s**2
    ends = np.unique(x)
    places = np.linspace(ends[0], ends[-2], _GRID)
    return profile(lambda p, x: np.maximum(x[None] - p[:, None], 0.0), places, x, y, w,
                   trusted=s is not None)  # fmt: skip


# ---------------------------------------------------------------- shapes


def _power(p: Floats, x: Floats) -> Floats:
    return np.asarray(x[None] ** p[:, None])


def _log(p: Floats, x: Floats) -> Floats:
    return np.asarray(np.log1p(x[None] / p[:, None]))


def _root(p: Floats, x: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(x[None] - p[:, None], 0.0)))


def _shifts() -> Floats:
    """Onsets over the length of the record: from 3 lengths before it to 0.8 into it."""
    return np.concatenate([-np.geomspace(3.0, 1e-3, _GRID // 2), np.linspace(0, 0.8, _GRID // 2)])


# ---------------------------------------------------------------- least squares


def line(g: Floats, y: Floats, w: Floats) -> Curve:
    """Weighted straight line y = a + b g; b is zero where g is level."""
    W = w.sum()
    gm, ym = float(w @ g / W), float(w @ y / W)
    var = float(w @ (g - gm) ** 2)
    b = float(w @ ((g - gm) * (y - ym))) / var if var > 0 else 0.0
    a = ym - b * gm
    bb = 1 / var if var > 0 else 0.0
    cov = np.array([[1 / W + gm**2 * bb, -gm * bb], [-gm * bb, bb]])
    nan = float("nan")
    return Curve(a=a, b=b, p=nan, low=nan, high=nan, spread=nan, open=False,
                 chi2=float(w @ (y - a - b * g) ** 2), covariance=cov)  # fmt: skip


def profile(
    basis: _Basis,
    grid: Floats,
    x: Floats,
    y: Floats,
    w: Floats,
    *,
    trusted: bool,
    level: float = 0.9,
) -> Curve:
    """Find the p of y = a + b g(x; p) whose sum of squares is least, and its interval.

    The sum of squares at every p of a grid is that of a straight line; a second, finer grid
    lies around the best one. The interval is where the sum has risen by a quantile of t².
    """
    chi2 = _sums(basis, grid, x, y, w)
    fine, finer = grid, chi2
    tried = [(grid, chi2)]
    for _ in range(2):  # each pass is some hundred times finer
        k = int(np.argmin(finer))
        fine = np.linspace(fine[max(k - 1, 0)], fine[min(k + 1, fine.size - 1)], _GRID)
        finer = _sums(basis, fine, x, y, w)
        tried.append((fine, finer))
    best, least = float(fine[int(np.argmin(finer))]), float(finer.min())
    free = max(x.size - 3, 1)
    # never so small that rounding makes an interval
    unit = 1.0 if trusted else max(least / free, 1e-24 * float(w @ y**2) / x.size)
    allp, allc = (np.concatenate([each[k] for each in tried]) for k in (0, 1))
    order = np.argsort(allp, kind="stable")
    allp, allc = allp[order], allc[order]
    degrees = float("inf") if trusted else float(free)
    ends = {
        q: _crossings(allp, allc, best, least + unit * _quantile(q, degrees) ** 2)
        for q in (level, 0.6827)
    }
    low, high, unbounded = ends[level]
    fit = line(basis(np.array([best]), x)[0], y, w)
    return Curve(
        a=fit.a, b=fit.b, p=best, low=low, high=high, open=unbounded,
        spread=0.5 * (ends[0.6827][1] - ends[0.6827][0]), chi2=least, covariance=fit.covariance,
        level=level,
    )  # fmt: skip


def _sums(basis: _Basis, grid: Floats, x: Floats, y: Floats, w: Floats) -> Floats:
    """Weighted sum of squares about the best line, at each p."""
    step = max(1, _BLOCK // x.size)
    W, ym = w.sum(), float(w @ y / w.sum())
    yc = y - ym
    total = float(w @ yc**2)
    found = []
    for k in range(0, grid.size, step):
        g = basis(grid[k : k + step], x)
        g = g - (g @ w / W)[:, None]
        var, cross = (g**2) @ w, g @ (w * yc)
        b = np.where(var > 1e-300, cross / np.maximum(var, 1e-300), 0.0)
        found.append(((yc - b[:, None] * g) ** 2) @ w if x.size < 5000 else total - b * cross)
    return np.asarray(np.maximum(np.concatenate(found), 0.0))


def _crossings(p: Floats, chi2: Floats, best: float, level: float) -> tuple[float, float, bool]:
    """Where the sum of squares passes a level on both sides of the best."""
    ends, unbounded = [], False
    for side in (p <= best, p >= best):
        at, c = (p[side][::-1], chi2[side][::-1]) if p[side][0] < best else (p[side], chi2[side])
        above = np.nonzero(c > level)[0]
        if not above.size:
            ends.append(float(at[-1]))
            unbounded = True
            continue
        k = int(above[0])
        if k == 0:
            ends.append(best)
            continue
        share = (level - c[k - 1]) / (c[k] - c[k - 1])
        ends.append(float(at[k - 1] + share * (at[k] - at[k - 1])))
    return ends[0], ends[1], unbounded


def _checked(
    time: npt.ArrayLike, value: npt.ArrayLike, error: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats | None]:
    t = np.array(time, dtype=np.float64).ravel()
    y = np.array(value, dtype=np.float64).ravel()
    s = None if error is None else np.array(np.broadcast_to(error, y.shape), dtype=np.float64)
    if t.size != y.size:
        raise InputError(f"{t.size} times but {y.size} values")
    if not (np.isfinite(t).all() and np.isfinite(y).all()):
        raise InputError("a time or value is not a finite number; leave the point out")
    if (t < 0).any():
        raise InputError(f"time {t.min():g} s is negative; count time from where growth begins")
    if np.unique(t).size < 3:
        raise InputError(
            f"{np.unique(t).size} different times cannot tell a rate with its error; give three "
            "or more"
        )
    if s is not None and not (np.isfinite(s) & (s > 0)).all():
        raise InputError("a standard deviation is not positive; leave them out if not known")
    for column in (t, y, *([] if s is None else [s])):
        column.setflags(write=False)
    return t, y, s


def _loud(chi2: float, n: int, flags: list[str]) -> bool:
    """Whether even the best law leaves more than the given spreads allow."""
    from scipy.stats import chi2 as chi2_law

    free = max(n - 3, 1)
    if float(chi2_law.sf(chi2, free)) >= _DOUBT:
        return False
    flags.append(
        f"the scatter is {np.sqrt(chi2 / free):.2g} times what the given spreads allow: the "
        "errors come from the scatter"
    )
    return True


def _exact(y: Floats, w: Floats, chi2: float) -> bool:
    """Whether what is left is rounding."""
    return chi2 <= 1e-24 * float(w @ y**2)


def _criteria(
    chi2: Mapping[str, float], n: int, trusted: bool, y: Floats, w: Floats
) -> tuple[dict[str, float], dict[str, float]]:
    """AICc and BIC of each law, less those of the best."""
    aicc, bic = {}, {}
    least = 1e-24 * float(w @ y**2)
    for law, c in chi2.items():
        k = _COUNT[law] + (not trusted)
        misfit = c if trusted else n * float(np.log(max(c, least) / n))
        aicc[law] = misfit + 2 * k + (2 * k * (k + 1) / (n - k - 1) if n - k > 1 else np.inf)
        bic[law] = misfit + k * float(np.log(n))
    return ({law: x - min(aicc.values()) for law, x in aicc.items()} if
            np.isfinite(min(aicc.values())) else dict.fromkeys(aicc, 0.0),
            {law: x - min(bic.values()) for law, x in bic.items()})  # fmt: skip


def _in_seconds(curve: Curve, top: float) -> Curve:
    from dataclasses import replace

    return replace(curve, p=curve.p * top, low=curve.low * top, high=curve.high * top,
                   spread=curve.spread * top, b=curve.b / np.sqrt(top))  # fmt: skip


def _quantile(level: float, degrees: float) -> float:
    from scipy.stats import norm
    from scipy.stats import t as t_law

    q = 0.5 + level / 2
    return float(norm.ppf(q) if np.isinf(degrees) else t_law.ppf(q, degrees))
