"""Creep under constant load: density against time, and forms that describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np

from dualyte.errors import InputError, ValidityError
from dualyte.vocabulary import Floats

FormName = Literal["linear", "gompertz", "schnute"]
_BINS: Final = 40  # per hold, even in log t
_EXPONENTS: Final = (0.02, 1.5)
_ANDRADE: Final = 1 / 3


def linear_form(x: Floats, slope: float, intercept: float) -> Floats:
    """Straight line.

    >>> linear_form(np.array([2.0]), 3.0, 1.0).tolist()
    [7.0]
    """
    return np.asarray(slope * x + intercept)


def gompertz_form(x: Floats, intercept: float, a: float, b: float, c: float) -> Floats:
    """Sigmoid that ends at intercept + a; x counts from where it starts.

    >>> round(float(gompertz_form(np.array([1e3]), 0.8, 0.1, 3.0, 0.2)[0]), 9)
    0.9
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(intercept + a * np.exp(-np.exp(np.clip(b - c * x, -700, 700))))


def schnute_form(x: Floats, a: float, b: float, c: float, d: float) -> Floats:
    """Growth from c at the first x to d at the last, in a form that stays finite.

    (cᵇ + (dᵇ - cᵇ)(1 - exp(-a (x - x₀)))/(1 - exp(-a (x₁ - x₀))))^(1/b). Source: Schnute 1981,
    doi:10.1139/f81-153.

    >>> schnute_form(np.array([0.0, 1.0]), 0.5, 3.0, 0.7, 0.9).round(9).tolist()
    [0.7, 0.9]
    """
    s, whole = x - x[0], float(x[-1] - x[0])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        share = s / whole if abs(a * whole) < 1e-9 else np.expm1(-a * s) / np.expm1(-a * whole)
        if abs(b) < 1e-9:
            return np.asarray(c * (d / c) ** share)
        inner = (c / d) ** b * (1 - share) + share
        return np.asarray(d * inner ** (1 / b))


_FORMS: Final[Mapping[FormName, tuple[Callable[..., Floats], tuple[str, ...]]]] = {
    "linear": (linear_form, ("slope", "intercept")),
    "gompertz": (gompertz_form, ("intercept", "a", "b", "c")),
    "schnute": (schnute_form, ("a", "b", "c", "d")),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FormFit:
    """A form fitted to points by least squares with equal weights."""

    form: FormName
    names: tuple[str, ...]  #: (k,) of its parameters
    theta: Floats  #: (k,)
    errors: Floats  #: (k,) standard errors, as if points were off independently of one another
    inflation: float  #: times which the errors are larger for how neighbours are off together
    residual: Floats = field(repr=False)  #: (m,) point minus form

    def __getitem__(self, name: str) -> float:
        return float(self.theta[self.names.index(name)])

    def error(self, name: str) -> float:
        """Standard error of a parameter."""
        return float(self.errors[self.names.index(name)])


def fit_form(x: Floats, y: Floats, form: FormName, *, start: float = 0.0) -> FormFit:
    """Fit density against pressure or time with a form used for crushed salt.

    Parameters
    ----------
    x : (m,)
        Pressure or time, in any unit; `schnute` needs it sorted.
    y : (m,)
        Density or strain.
    form
        `linear`: slope, intercept; `gompertz`: intercept + a exp(-exp(b - c (x - start)));
        `schnute`: a, b, and the values c and d at the first and last x.
    start
        Of `gompertz`; it only shifts b.

    Returns
    -------
    FormFit
        Standard errors from the scatter about the form.

    Raises
    ------
    InputError
        If there are too few points.
    ValidityError
        If the form is hardly better than a constant, from any start of the search.

    Examples
    --------
    >>> x = np.linspace(0, 10, 50)
    >>> fit = fit_form(x, schnute_form(x, 0.4, 2.0, 0.7, 0.9), "schnute")
    >>> round(fit["a"], 6), round(fit["d"], 6)
    (0.4, 0.9)
    """
    from scipy.optimize import least_squares

    if form not in get_args(FormName):
        raise InputError(f"form {form!r} is none of {', '.join(get_args(FormName))}")
    x, y = (np.asarray(v, dtype=np.float64).ravel() for v in (x, y))
    law, names = _FORMS[form]
    if x.size != y.size or x.size < len(names) + 2:
        raise InputError(f"{x.size} x and {y.size} y; {form} needs {len(names) + 2} of each")
    if not float(np.ptp(x)) > 0:
        raise InputError(f"all x are {x[0]:g}; a {form} needs them to differ")
    origin = start if form == "gompertz" else (float(x[0]) if form == "schnute" else 0.0)
    width = float(np.ptp(x))
    t = (x - origin) / width
    best = None
    for guess in _guesses(form, t, y):

        def off(theta: Floats) -> Floats:
            with np.errstate(all="ignore"):
                found = law(t, *theta) - y
            return np.nan_to_num(found, nan=1e3, posinf=1e3, neginf=-1e3)

        scale = np.maximum(np.abs(guess), 1e-3)
        tried = least_squares(off, guess, x_scale=scale, max_nfev=400, xtol=1e-13, ftol=1e-13)
        if best is None or tried.cost < best.cost:
            best = tried
    if best is None or not _better(2 * float(best.cost), y, len(names)):
        raise ValidityError(f"no {form} fits these {x.size} points better than a constant")
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * 2 * best.cost / (x.size - len(names))
    # back from t to x: rates are per unit of x
    back = np.array([1 / width if n == {"linear": "slope", "gompertz": "c", "schnute": "a"}[form]
                     else 1.0 for n in names])  # fmt: skip
    return FormFit(
        form=form, names=names, theta=best.x * back, errors=np.sqrt(np.diag(covariance)) * back,
        inflation=_together(-best.fun), residual=-best.fun,
    )  # fmt: skip


def _better(left: float, y: Floats, count: int) -> bool:
    """Whether a form of `count` parameters leaves less of y than a constant (F test, 1 %)."""
    from scipy.stats import f as fisher

    whole = float(np.sum((y - y.mean()) ** 2))
    if not np.isfinite(left) or whole == 0:
        return False
    degrees = y.size - count
    ratio = (whole - left) / (count - 1) * degrees
    return bool(ratio > left * float(fisher.ppf(0.99, count - 1, degrees)))


def _guesses(form: FormName, t: Floats, y: Floats) -> list[Floats]:
    first, last = float(y[0]), float(y[-1])
    if form == "linear":
        return [np.array([last - first, first])]
    if form == "gompertz":
        low, span = float(y.min()), float(np.ptp(y)) or 1e-6
        return [np.array([low, k * span, b, c]) for k in (1.0, 1.5) for b, c in
                ((1.0, 4.0), (3.0, 6.0), (3.0, 4.0))]  # fmt: skip
    rates = ((1.0, 3.0), (4.0, 3.0), (-1.0, 30.0), (-1.0, 150.0), (0.5, 100.0), (3.0, -20.0))
    return [np.array([a, b, first, last]) for a, b in rates]


def _together(left: Floats) -> float:
    """How much larger errors are because neighbouring points are off together."""
    total = float(left @ left)
    if left.size < 12 or total == 0:
        return 1.0
    r = min(max(float(left[1:] @ left[:-1]) / total, 0.0), 0.9999)
    return float(np.sqrt((1 + r) / (1 - r)))


# ---------------------------------------------------------------- power law


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Creep:
    """A power law of time, y = y₀ + A (t/t₁)ᵐ, through what a hold adds."""

    exponent: float  #: m
    error: float  #: standard error
    range_spread: float  #: standard deviation over parts of the hold, or nan
    low: float  #: of m, 95 %
    high: float
    begin: float  #: y₀
    gain: float  #: A, reached at t₁
    last: float  #: t₁, s
    time: Floats = field(repr=False)  #: (k,) s, means of bins even in log t
    value: Floats = field(repr=False)  #: (k,) y
    andrade: bool = False  #: whether m = 1/3 lies in the interval
    bound: bool = False  #: whether m stopped at an end of what is looked at

    @property
    def spread(self) -> float:
        """Standard deviation of m: that of the fit and that of the choice of range."""
        return float(
            np.hypot(self.error, 0.0 if np.isnan(self.range_spread) else self.range_spread)
        )

    def at(self, time: Floats) -> Floats:
        """The law at times [s] since the hold began: (m,)."""
        return np.asarray(self.begin + self.gain * (np.asarray(time) / self.last) ** self.exponent)


def creep_exponent(time: Floats, value: Floats) -> Creep:
    """Fit a power law of time to what creeps under constant load.

    Parameters
    ----------
    time : (m,)
        s, since the load was reached.
    value : (m,)
        Strain, ln D or displacement, which grow on densification.

    Returns
    -------
    Creep
        With the exponent of time, its interval, and whether Andrade's 1/3 lies in it.

    Raises
    ------
    InputError
        If the hold is too short, or nothing creeps.

    Notes
    -----
    The points are averaged in bins even in log t, so that a long end does not outweigh the
    beginning. The time during which the load rose counts for nothing, which matters as long as it
    is not much shorter than the hold. The exponent is of time; one hold at one pressure tells
    nothing of the exponent of stress. Andrade 1910, doi:10.1098/rspa.1910.0050.

    Examples
    --------
    >>> t = np.linspace(0, 180, 1801)
    >>> round(creep_exponent(t, 0.8 + 0.01 * t ** 0.3).exponent, 3)
    0.3
    """
    t, y = (np.asarray(v, dtype=np.float64).ravel() for v in (time, value))
    keep = t > 0
    t, y = t[keep], y[keep]
    if t.size < 10 or t[-1] < 10 * t[0]:
        raise InputError(
            f"the hold has {t.size} rows after its first, over less than a decade of time; creep "
            "needs 10 rows and a decade"
        )
    t, y = _binned(t, y)
    m, left, theta = _power(t, y)
    if not float(theta[1]) > 0:
        raise InputError("nothing creeps: the value falls while the load is held")
    error, half = _exponent_error(t, m, theta, left)
    first, last = t > np.sqrt(10) * t[0], t < t[-1] / 2
    parts = [_power(t[k], y[k])[0] for k in (first, last) if k.sum() >= 8]
    spread = float(np.std([m, *parts], ddof=1)) if parts else np.nan
    wide = half if np.isnan(spread) else float(np.hypot(half, 2 * spread))
    return Creep(
        exponent=m, error=error, range_spread=spread, low=m - wide, high=m + wide,
        begin=float(theta[0]), gain=float(theta[1]), last=float(t[-1]), time=t, value=y,
        andrade=bool(m - wide <= _ANDRADE <= m + wide),
        bound=bool(min(m - _EXPONENTS[0], _EXPONENTS[1] - m) < 1e-3),
    )  # fmt: skip


def _binned(t: Floats, y: Floats) -> tuple[Floats, Floats]:
    edges = np.geomspace(t[0], t[-1] * (1 + 1e-9), _BINS + 1)
    which = np.digitize(t, edges)
    filled, index = np.unique(which, return_inverse=True)
    count = np.bincount(index, minlength=filled.size)
    return np.asarray(np.bincount(index, t) / count), np.asarray(np.bincount(index, y) / count)


def _line(t: Floats, y: Floats, m: float) -> tuple[Floats, Floats]:
    basis = np.column_stack([np.ones_like(t), (t / t[-1]) ** m])
    theta = np.linalg.lstsq(basis, y, rcond=None)[0]
    return theta, y - basis @ theta


def _power(t: Floats, y: Floats) -> tuple[float, Floats, Floats]:
    """Exponent, residuals, and (y₀, A), by a search over the exponent alone."""
    from scipy.optimize import minimize_scalar

    def cost(m: float) -> float:
        left = _line(t, y, m)[1]
        return float(left @ left)

    grid = np.linspace(*_EXPONENTS, 60)
    k = int(np.argmin([cost(m) for m in grid]))
    around = (float(grid[max(k - 1, 0)]), float(grid[min(k + 1, grid.size - 1)]))
    m = float(minimize_scalar(cost, bounds=around, method="bounded", options={"xatol": 1e-9}).x)
    theta, left = _line(t, y, m)
    return m, left, theta


def _exponent_error(t: Floats, m: float, theta: Floats, left: Floats) -> tuple[float, float]:
    """Standard error of the exponent, and half the 95 % interval."""
    from scipy.stats import t as student

    share = t / t[-1]
    slope = theta[1] * share**m * np.log(share)
    jac = np.column_stack([np.ones_like(t), share**m, slope])
    degrees = max(t.size - 3, 1)
    variance = float(left @ left) / degrees
    error = float(np.sqrt(np.linalg.pinv(jac.T @ jac)[2, 2] * variance)) * _together(left)
    return error, error * float(student.ppf(0.975, degrees))
