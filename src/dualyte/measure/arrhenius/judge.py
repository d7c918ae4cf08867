"""Errors of a temperature fit, and the tests that say whether to believe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.arrhenius.laws import DOUBT, RISES, SAME, Errors, Outliers
from dualyte.measure.arrhenius.solve import TUKEY, Data, Line, scale
from dualyte.vocabulary import Floats, show

_FEW: Final = 10  # points below which the median of residuals says little
LEFT_OUT: Final = 0.05  # a robust weight below it means the point has no say


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tests:
    """Covariance and what the tests said."""

    covariance: Floats
    errors: Literal["scaled", "unscaled"]
    degrees: float
    chi2_reduced: float
    r_squared: float
    curvature: float | None
    lack_of_fit: float | None
    outliers: tuple[int, ...]
    flags: list[str]


def judge(fit: Line, data: Data, policy: Outliers, errors: Errors) -> Tests:
    """Errors, and the tests that say whether to believe them."""
    from scipy.stats import chi2 as chi2_law

    flags: list[str] = []
    w, n = data.w * fit.robust, data.T.size
    free = max(float(fit.robust.sum()) - fit.p, 0.0)
    chi2 = float(w @ fit.residual**2)
    reduced = chi2 / free if free > 0.5 else float("nan")
    inverse = fit.inverse(w)
    lack, between, degrees_between = _lack_of_fit(fit, data)
    how: Literal["scaled", "unscaled"] = "scaled"
    scale, degrees = reduced, free
    if data.trusted and errors != "scaled":
        loud = free > 0.5 and float(chi2_law.sf(chi2, free)) < DOUBT
        if loud:
            flags.append(f"reduced χ² {reduced:.3g} is more than the given spreads allow")
        if errors == "unscaled" or not loud:
            how, scale, degrees = "unscaled", 1.0, float("inf")
    if policy == "robust" and n < _FEW:
        flags.append(f"{n} points are few for a robust fit: its errors may be too small by a third")
    if policy == "robust" and how == "scaled":
        scale, inverse = _robust_scale(fit, data), fit.inverse(data.w)
    if lack is not None and lack < DOUBT:
        flags.append(
            f"the law misses the means of replicates by more than their scatter (p = {lack:.2g})"
        )
        if how == "scaled" and policy != "robust" and degrees_between >= 1:
            scale, degrees = between, float(degrees_between)
    if not np.isfinite(scale):
        raise InputError(
            f"{n} points leave nothing to judge the error of {fit.p} numbers by; give spread, or "
            "measure at more temperatures"
        )
    curvature, told = _curvature(fit, data, how)
    found, named = _outliers(fit, data, policy)
    mean = np.average(data.y, weights=w)
    return Tests(
        covariance=inverse * scale, errors=how, degrees=degrees,
        chi2_reduced=1.0 if np.isnan(reduced) else reduced,
        r_squared=1 - chi2 / float(w @ (data.y - mean) ** 2), curvature=curvature,
        lack_of_fit=lack, outliers=found, flags=[*flags, *told, *named],
    )  # fmt: skip


def _lack_of_fit(fit: Line, data: Data) -> tuple[float | None, float, int]:
    """F test of the means of replicates about the law, their mean square and its degrees."""
    from scipy.stats import f as f_law

    pure, degrees = data.pure
    between = data.m - fit.p
    if degrees < 1 or between < 1 or pure <= 0 or (fit.robust < 1).any():
        return None, float("nan"), between
    mean_square = max(float(data.w @ fit.residual**2) - pure, 0.0) / between
    return float(f_law.sf(mean_square / (pure / degrees), between, degrees)), mean_square, between


def _robust_scale(fit: Line, data: Data) -> float:
    """What (JᵀWJ)⁻¹ of all points is multiplied by (Huber 1981, doi:10.1002/0471725250)."""
    n, p = data.T.size, fit.p
    size = scale(fit.residual, data)
    u = fit.residual * np.sqrt(data.w) / size
    inside = np.abs(u) < TUKEY
    v = (u / TUKEY) ** 2
    psi = np.where(inside, u * (1 - v) ** 2, 0.0)
    slope = np.where(inside, (1 - v) * (1 - 5 * v), 0.0)
    mean = float(slope.mean())
    wide = 1 + p / n * float(slope.var()) / mean**2
    return wide**2 * float(psi @ psi) / (n - p) / mean**2 * size**2


def _curvature(
    fit: Line, data: Data, how: Literal["scaled", "unscaled"]
) -> tuple[float | None, list[str]]:
    """Probability of a term in (1/T)² as large as found, under the Arrhenius law."""
    from scipy.stats import t as t_law

    n = data.T.size
    if data.m < 4 or fit.law == "vtf":
        told = "three temperatures cannot show whether the law bends" if data.m < 4 else ""
        return None, [told] if told else []
    x = 1 / data.T
    x = (x - x.mean()) / np.ptp(x)
    root = np.sqrt(data.w * fit.robust)
    A = np.column_stack([np.ones(n), x, x**2]) * root[:, None]
    c, *_ = np.linalg.lstsq(A, root * data.y, rcond=None)
    r = root * data.y - A @ c
    free = float(fit.robust.sum()) - 3
    if free <= 0.5:
        return None, []
    variance = float(np.linalg.inv(A.T @ A)[2, 2]) * (1.0 if how == "unscaled" else r @ r / free)
    floor = (1e-13 * float(np.abs(data.y).max())) ** 2 / n  # rounding is no curvature
    t = abs(c[2]) / np.sqrt(variance + floor)
    p = 2 * float(t_law.sf(t, np.inf if how == "unscaled" else free))
    if p >= DOUBT:
        return p, []
    colder = c[2] * RISES[data.form] > 0
    return p, [
        f"the Arrhenius plot bends (p = {p:.2g}): the activation energy grows on "
        + ("cooling, as a VTF law does" if colder else "heating, as with two processes")
    ]


def _outliers(fit: Line, data: Data, policy: Outliers) -> tuple[tuple[int, ...], list[str]]:
    """Points that stand out, and a sentence for each."""
    from scipy.stats import t as t_law

    n, p = data.T.size, fit.p
    if policy == "keep":
        return (), []
    if policy == "robust":
        found = np.nonzero(fit.robust < LEFT_OUT)[0]
        return tuple(found.tolist()), [
            f"point {k + 1} at {data.T[k]:g} K lies off by {_percent(fit.residual[k])} and "
            "has no say in the robust fit" for k in found
        ]  # fmt: skip
    root = np.sqrt(data.w)
    A = fit.J[:, :p] * root[:, None]
    basis = np.linalg.qr(A / np.abs(A).max(axis=0))[0]
    left = np.maximum(1 - (basis**2).sum(axis=1), 1e-12)  # 1 − leverage
    r = fit.residual * root
    if data.trusted:
        t, degrees = np.abs(r) / np.sqrt(left), np.inf
    else:
        degrees = n - p - 1
        if degrees < 1:
            return (), []
        others = np.maximum((r @ r - r**2 / left) / degrees, 0.0)
        tiny = (1e-12 * np.abs(data.y).max() * root.max()) ** 2
        t = np.abs(r) / np.sqrt((others + tiny) * left)
    chance = 2 * t_law.sf(t, degrees) * n
    found = np.nonzero(chance < DOUBT)[0]
    return tuple(found.tolist()), [
        f"point {k + 1} at {data.T[k]:g} K lies off by {_percent(fit.residual[k])} "
        f"(p = {chance[k]:.2g}); it was used" for k in found
    ]  # fmt: skip


def _percent(residual: float) -> str:
    """Relative deviation of a residual of the logarithm, to two digits.

    >>> _percent(np.log(2)), _percent(-0.031), _percent(4.2e-4)
    ('+100%', '-3.1%', '+0.042%')
    """
    x = float(np.expm1(residual))
    places = 0 if x == 0 else int(np.clip(-1 - np.floor(np.log10(abs(x))), 0, 9))
    return f"{x:+.{places}%}"


def input_flags(data: Data) -> list[str]:
    """What the temperatures themselves give away."""
    T = np.unique(data.T)
    flags = []
    if T.max() < 233:
        flags.append(
            f"all temperatures are below {show('temperature', float(T.max()) + 0.01, 3)}; if they "
            "are °C, add 273.15"
        )
    off = np.abs((T - 273 + 2.5) % 5 - 2.5)
    if T.size >= 3 and (off < 1e-6).all():
        flags.append(
            "the temperatures look like °C + 273; with 273.15 the activation energy is "
            f"{0.15 / float(T.mean()) * 200:.2f} % higher"
        )
    return flags


def use_flags(fit: Line, data: Data, at: float) -> list[str]:
    """What the numbers must not be used for."""
    flags = []
    low, high = float(data.T.min()), float(data.T.max())
    if not low - SAME <= at <= high + SAME:
        away = low - at if at < low else at - high
        flags.append(
            f"{show('temperature', at)} lies {away:.3g} K outside the measured "
            f"{show('temperature', low)} … {show('temperature', high)}: the value there is "
            "extrapolated"
        )
    if fit.theta[1] <= 0:
        flags.append("the activation energy is not positive; check the form and the temperatures")
    if fit.held:
        where = (
            "0 K, where the law is that of Arrhenius" if fit.theta[2] == 0 else "its upper bound"
        )
        flags.append(f"T0 of the VTF law is at {where}; its error is not known")
    return flags
