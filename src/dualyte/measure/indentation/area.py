"""Tip area functions and frame compliance, and their calibration on a known material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats, checked

IDEAL: Final = 24.5  #: C0 of an ideal Berkovich tip
TIP_MODULUS: Final = 1.141e12  #: Pa, of diamond
TIP_POISSON: Final = 0.07  #: of diamond
EPSILON: Final = 0.75  #: of a paraboloid, used for every pyramid
SILICA: Final = (72e9, 0.18)  #: Young's modulus [Pa] and Poisson ratio of fused silica
_MOST: Final = 9  # coefficients
_NANO: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AreaFunction:
    """Projected contact area against contact depth: A = C0 h² + C1 h + C2 h^½ and so on.

    The coefficients are those of h in nm and A in nm², as every instrument prints them.

    >>> round(float(AreaFunction(coefficients=(24.5,))(1e-6)) * 1e12, 6)  # µm² at 1 µm
    24.5
    """

    coefficients: tuple[float, ...]  #: C0 [1], C1 [nm], C2 [nm^1.5], …
    covariance: Floats | None = None  #: of the coefficients, where they were fitted
    depths: tuple[float, float] | None = None  #: m, contact depths over which it was fitted
    source: str = "given"
    compliance: float = 0.0  #: m/N of the frame that was corrected for while fitting
    scatter: float = 0.0  #: relative, of the areas about the fit

    def __post_init__(self) -> None:
        found = tuple(float(c) for c in np.ravel(self.coefficients))
        if not 1 <= len(found) <= _MOST:
            raise InputError(f"an area function has 1 to {_MOST} coefficients, not {len(found)}")
        if not np.isfinite(found).all():
            raise InputError(f"the area function {found} is not finite; give numbers")
        if not any(found):
            raise InputError("the coefficients of the area function are all zero; give C0 at least")
        if len(found) > 1 and 0 < max(abs(c) for c in found[1:]) < 1e-3 and found[0] > 0:
            raise InputError(
                f"the area function {found} seems to be in metres; give its coefficients for "
                "depths in nm, as the instrument prints them"
            )
        object.__setattr__(self, "coefficients", found)

    def __call__(self, contact_depth: npt.ArrayLike) -> Floats:
        """Projected area [m²] at contact depths [m], any shape; 0 at depths below 0."""
        h = np.maximum(np.asarray(contact_depth, dtype=np.float64), 0.0) / _NANO
        total = np.zeros(h.shape)
        for k, c in enumerate(self.coefficients):
            if c:
                total = total + c * h ** (2.0 / 2**k)
        return np.asarray(total * _NANO**2)

    def slope(self, contact_depth: npt.ArrayLike) -> Floats:
        """dA/dh [m] at contact depths [m] above 0."""
        h = np.asarray(contact_depth, dtype=np.float64) / _NANO
        total = np.zeros(h.shape)
        for k, c in enumerate(self.coefficients):
            if c:
                power = 2.0 / 2**k
                total = total + c * power * h ** (power - 1)
        return np.asarray(total * _NANO)

    def __str__(self) -> str:
        names = ("h²", "h", *(f"h^(1/{2**k})" for k in range(1, _MOST)))
        terms = [f"{c:.6g} {x}" for c, x in zip(self.coefficients, names, strict=False) if c]
        return f"A/nm² = {' + '.join(terms)}, h in nm ({self.source})".replace("+ -", "- ")


def reduced_modulus(
    youngs_modulus: npt.ArrayLike,
    poisson_ratio: float,
    *,
    tip_modulus: float = TIP_MODULUS,
    tip_poisson: float = TIP_POISSON,
) -> Floats:
    """Reduced modulus of a sample against a tip.

    1/Er = (1 - ν²)/E + (1 - νᵢ²)/Eᵢ

    Parameters
    ----------
    youngs_modulus : (...)
        E [Pa] of the sample.
    poisson_ratio
        ν of the sample.
    tip_modulus, tip_poisson
        Eᵢ [Pa] and νᵢ of the tip; diamond by default.

    Returns
    -------
    (...)
        Er [Pa].

    Notes
    -----
    Source: W. C. Oliver, G. M. Pharr, J. Mater. Res. 7 (1992) 1564, doi:10.1557/JMR.1992.1564.

    Examples
    --------
    >>> float(round(reduced_modulus(72e9, 0.18) / 1e9, 2))
    69.88
    """
    E = np.asarray(youngs_modulus, dtype=np.float64)
    return np.asarray(1 / ((1 - poisson_ratio**2) / E + (1 - tip_poisson**2) / tip_modulus))


def youngs_modulus(
    reduced: npt.ArrayLike,
    poisson_ratio: float,
    *,
    tip_modulus: float = TIP_MODULUS,
    tip_poisson: float = TIP_POISSON,
) -> Floats:
    """Young's modulus of a sample from its reduced modulus; the inverse of `reduced_modulus`.

    Parameters
    ----------
    reduced : (...)
        Er [Pa].
    poisson_ratio
        ν of the sample.
    tip_modulus, tip_poisson
        Of the tip; diamond by default.

    Returns
    -------
    (...)
        E [Pa]; nan where Er is beyond what the tip allows.

    Examples
    --------
    >>> float(round(youngs_modulus(reduced_modulus(72e9, 0.18), 0.18) / 1e9, 6))
    72.0
    """
    Er = np.asarray(reduced, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = 1 / Er - (1 - tip_poisson**2) / tip_modulus
        return np.asarray(np.where(left > 0, (1 - poisson_ratio**2) / left, np.nan))


def contact_depth(
    depth: npt.ArrayLike, load: npt.ArrayLike, stiffness: npt.ArrayLike, epsilon: float = EPSILON
) -> Floats:
    """Contact depth h - ε P/S [m], of any shape.

    Notes
    -----
    Sinks in, never piles up: where material piles up the area is underestimated. Source: Oliver
    and Pharr 1992, doi:10.1557/JMR.1992.1564.

    >>> float(round(contact_depth(1e-6, 0.1, 1e6) * 1e9, 6))
    925.0
    """
    P, S = np.asarray(load, dtype=np.float64), np.asarray(stiffness, dtype=np.float64)
    return np.asarray(np.asarray(depth, dtype=np.float64) - epsilon * P / S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """Compliance of a frame, fitted."""

    si: float  #: m/N
    spread: float  #: m/N, one standard deviation
    points: int


def fit_frame_compliance(load: npt.ArrayLike, stiffness: npt.ArrayLike) -> Compliance:
    r"""Fit the compliance of the frame to indents of one material at many loads.

    Where hardness and modulus do not depend on depth, :math:`1/S = C_f + a/\sqrt P`.

    Parameters
    ----------
    load : (n,)
        P [N], where the material is homogeneous (deep enough).
    stiffness : (n,)
        S [N/m], not corrected for the frame.

    Raises
    ------
    InputError
        If there are fewer than 3 points, or their loads span less than a factor of 2.
    """
    P, S = (np.asarray(x, dtype=np.float64).ravel() for x in (load, stiffness))
    good = np.isfinite(P) & np.isfinite(S) & (P > 0) & (S > 0)
    P, S = P[good], S[good]
    if P.size < 3 or P.max() < 2 * P.min():
        raise InputError(
            f"{P.size} indents with loads from {P.min() if P.size else 0:.3g} to "
            f"{P.max() if P.size else 0:.3g} N cannot tell the compliance of the frame; it takes 3 "
            "or more over a factor of 2 in load (or give frame_compliance)"
        )
    M = np.stack([np.ones(P.size), 1 / np.sqrt(P)], axis=1)
    found, variance = _least_squares(M, 1 / S)
    return Compliance(si=float(found[0]), spread=float(np.sqrt(variance[0, 0])), points=P.size)


def fit_area_function(
    depth: npt.ArrayLike,
    load: npt.ArrayLike,
    stiffness: npt.ArrayLike,
    *,
    youngs_modulus: float = SILICA[0],
    poisson_ratio: float = SILICA[1],
    terms: int = 3,
    frame_compliance: float | None = None,
    compliance_from: float = 1e-6,
    weights: Literal["absolute", "relative"] = "absolute",
    epsilon: float = EPSILON,
    beta: float = 1.0,
    tip_modulus: float = TIP_MODULUS,
    tip_poisson: float = TIP_POISSON,
) -> AreaFunction:
    """Calibrate a tip on a material of known modulus, by default fused silica.

    The stiffness gives the contact area, A = π/4 (S/(β Er))², and the depth the contact depth;
    the coefficients are a linear least-squares fit of one to the other.

    Parameters
    ----------
    depth, load, stiffness : (n,)
        h [m], P [N] and S [N/m]: of unloadings at many loads, or of CSM while loading.
    youngs_modulus, poisson_ratio
        Of the material, Pa and 1.
    terms
        Number of coefficients.
    frame_compliance
        m/N, to correct depth and stiffness for; None to fit it first (0 if they are corrected).
    compliance_from
        Depth [m] from which on the frame is fitted.
    weights
        Whether the deviation of areas counts as it is (as common; governed by deep indents) or
        relative to the area (better for shallow ones).

    Raises
    ------
    InputError
        If there are too few points, or none is deep enough for the frame.

    Notes
    -----
    Source: Oliver and Pharr 1992, doi:10.1557/JMR.1992.1564.
    """
    h, P, S = (np.asarray(x, dtype=np.float64).ravel() for x in (depth, load, stiffness))
    if not 1 <= terms <= _MOST:
        raise InputError(f"terms is {terms}; an area function has 1 to {_MOST}")
    if weights not in ("absolute", "relative"):
        raise InputError(f"weights is {weights!r}; it is absolute or relative")
    checked("youngs_modulus", youngs_modulus)
    checked("poisson_ratio", poisson_ratio)
    good = np.isfinite(h) & np.isfinite(P) & np.isfinite(S) & (S > 0)
    h, P, S = h[good], P[good], S[good]
    if frame_compliance is None:
        deep = h > compliance_from
        frame_compliance = fit_frame_compliance(P[deep], S[deep]).si
    h = h - frame_compliance * P
    with np.errstate(divide="ignore"):
        S = 1 / (1 / S - frame_compliance)
    Er = float(
        reduced_modulus(
            youngs_modulus, poisson_ratio, tip_modulus=tip_modulus, tip_poisson=tip_poisson
        )
    )
    hc = contact_depth(h, P, S, epsilon)
    good = (S > 0) & (hc > 0) & (h > 0)
    if good.sum() < max(2 * terms, 5):
        raise InputError(
            f"{int(good.sum())} points are too few for an area function of {terms} terms"
        )
    hc, A = hc[good], np.pi / 4 * (S[good] / (beta * Er)) ** 2
    M = np.stack([(hc / _NANO) ** (2.0 / 2**k) for k in range(terms)], axis=1)
    y = A / _NANO**2
    w = 1 / y if weights == "relative" else np.ones(y.size)
    found, variance = _least_squares(M * w[:, None], y * w)
    return AreaFunction(
        coefficients=tuple(found.tolist()),
        covariance=variance,
        depths=(float(hc.min()), float(hc.max())),
        source=f"fitted to {y.size} points",
        compliance=float(frame_compliance),
        scatter=float(np.median(np.abs(M @ found / y - 1)) / 0.6745),
    )


def _least_squares(M: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Solution and covariance of M c ≈ y, with columns of one size."""
    size = np.abs(M).max(axis=0)
    size[size == 0] = 1.0
    scaled = M / size
    found, _, rank, _ = np.linalg.lstsq(scaled, y, rcond=None)
    if rank < M.shape[1]:
        raise InputError(
            f"the points cannot tell {M.shape[1]} coefficients apart; give points over a wider "
            "range, or fit fewer"
        )
    left = max(y.size - M.shape[1], 1)
    variance = np.linalg.inv(scaled.T @ scaled) * float(np.sum((scaled @ found - y) ** 2)) / left
    return found / size, np.asarray(variance / np.outer(size, size))


def as_area(given: Any, source: str = "given") -> AreaFunction:  # noqa: ANN401 (checked here)
    """Make an area function of coefficients for nm, or pass one on."""
    if isinstance(given, AreaFunction):
        return given
    if isinstance(given, int | float):
        given = (given,)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InputError(
            f"area_function is {given!r}; give its coefficients C0, C1, … for depths in nm"
        )
    return AreaFunction(coefficients=tuple(float(c) for c in given), source=source)
