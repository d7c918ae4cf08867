"""Oliver and Pharr's method: hardness and modulus of one indent, by unloading or by CSM."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from dualyte.errors import InputError, ValidityError
from dualyte.measure.indentation.area import (
    EPSILON,
    TIP_MODULUS,
    TIP_POISSON,
    AreaFunction,
    contact_depth,
    youngs_modulus,
)
from dualyte.measure.indentation.correct import Corrected, corrected
from dualyte.measure.indentation.indent import Indent, checked_indent
from dualyte.measure.indentation.unloading import Branch, UnloadingFit, branches, fit_unloading
from dualyte.vocabulary import Floats

_HARDNESS: Final = (1e5, 2e11)  # Pa
_MODULUS: Final = (1e6, 2e12)  # Pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How indents are evaluated. SI."""

    area: AreaFunction
    poisson_ratio: float | None = None
    frame_compliance: float | None = None  #: m/N; None for that of the file
    drift_rate: float | None = None  #: m/s; None for that of the file, or of a hold
    part: tuple[float, float] = (0.25, 0.95)  #: of the unloading that is fitted, over peak load
    csm: bool | None = None  #: None: where the file has a stiffness
    depths: tuple[float, float] | None = None  #: m, over which CSM results are averaged
    epsilon: float = EPSILON
    beta: float = 1.0
    tip_modulus: float = TIP_MODULUS
    tip_poisson: float = TIP_POISSON
    extrapolate: bool = True  #: contact from the first loads, not where they exceed the noise
    strikes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CsmCurve:
    """Hardness and modulus against depth, from a stiffness measured while loading."""

    depth: Floats  #: (k,) m
    load: Floats  #: (k,) N
    contact_depth: Floats  #: (k,) m
    contact_area: Floats  #: (k,) m²
    stiffness: Floats  #: (k,) N/m
    hardness: Floats  #: (k,) Pa
    modulus: Floats  #: (k,) Pa, reduced
    youngs_modulus: Floats | None  #: (k,) Pa
    depths: tuple[float, float]  #: m, over which results are averaged


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndentResult:
    """What one indent yields, each with one standard deviation (nan where it is not known)."""

    title: str
    method: str  #: unloading or CSM
    load: float  #: N, at the peak
    depth: float  #: m, at the peak
    contact_depth: float  #: m
    contact_area: float  #: m²
    stiffness: float  #: N/m
    stiffness_spread: float
    hardness: float  #: Pa
    hardness_spread: float
    modulus: float  #: Pa, reduced
    modulus_spread: float
    youngs_modulus: float  #: Pa; nan without a Poisson ratio
    youngs_modulus_spread: float
    record: Corrected
    fit: UnloadingFit | None = None
    cycles: tuple[UnloadingFit, ...] = ()  #: of every unloading, the used one last
    csm: CsmCurve | None = None
    position: tuple[float, float] | None = None  #: m
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def oliver_pharr(indent: Indent, method: Method) -> IndentResult:
    r"""Evaluate one indent.

    :math:`h_c = h - \epsilon P/S`, :math:`H = P/A(h_c)`,
    :math:`E_r = \sqrt\pi\, S / (2\beta\sqrt{A})`.

    Parameters
    ----------
    indent
        The record.
    method
        Area function, Poisson ratio and so on.

    Raises
    ------
    InputError
        If the record is damaged, or has no unloading and no stiffness.
    ValidityError
        If the area function does not cover the contact depth, no power law describes the
        unloading, or the tip struck the surface.

    Notes
    -----
    Piling up makes the area too small, hence both results too large. Source: W. C. Oliver, G. M.
    Pharr, J. Mater. Res. 7 (1992) 1564, doi:10.1557/JMR.1992.1564.
    """
    record = corrected(
        checked_indent(indent),
        frame_compliance=method.frame_compliance,
        drift_rate=method.drift_rate,
        extrapolate=method.extrapolate,
        strikes=method.strikes,
    )
    by_csm = indent.stiffness is not None if method.csm is None else method.csm
    if by_csm:
        if indent.stiffness is None:
            raise InputError(f"{indent.title} has no dynamic stiffness; evaluate its unloading")
        found = _by_csm(indent, record, method)
    else:
        found = _by_unloading(indent, record, method)
    for word, value, (low, high) in (
        ("hardness", found.hardness, _HARDNESS),
        ("reduced modulus", found.modulus, _MODULUS),
    ):
        if not low <= value <= high:
            raise InputError(
                f"{indent.title}: a {word} of {value:.3g} Pa is not plausible; check the units of "
                "load and depth, and the area function"
            )
    return replace(found, changes=(*indent.changes, *record.changes), position=indent.position)


# ---------------------------------------------------------------- unloading


def _by_unloading(indent: Indent, record: Corrected, method: Method) -> IndentResult:
    depth, load = record.depth, record.load
    found = branches(load[record.begin :], record.noise)
    if not found:
        raise InputError(
            f"{indent.title}: the load is never taken back, so there is no unloading; it is cut "
            "short, or was stopped"
        )
    moved = [replace(b, peak=b.peak + record.begin, end=b.end + record.begin) for b in found]
    greatest = max(b.load for b in moved)
    main = [b for b in moved if b.load >= 0.95 * greatest][-1]
    fit = _with_corrections(
        fit_unloading(depth, load, main, part=method.part, where=indent.title), record, main
    )
    cycles = []
    for b in moved:
        if b is not main:
            try:
                cycles.append(fit_unloading(depth, load, b, part=method.part, where=indent.title))
            except (InputError, ValidityError):  # only the last must be sound
                continue
    h, P, S = fit.depth, fit.load, fit.stiffness
    hc = float(contact_depth(h, P, S, method.epsilon))
    A = _area(indent.title, method.area, hc)
    values, spreads = _moduli(h, P, S, fit.covariance, hc, A, method)
    return IndentResult(
        title=indent.title, method="unloading", load=P, depth=h, contact_depth=hc, contact_area=A,
        stiffness=S, stiffness_spread=float(np.sqrt(fit.covariance[2, 2])), hardness=values[0],
        hardness_spread=spreads[0], modulus=values[1], modulus_spread=spreads[1],
        youngs_modulus=values[2], youngs_modulus_spread=spreads[2], record=record, fit=fit,
        cycles=(*cycles, fit), warnings=tuple(_doubts(indent.title, record, fit, main, method)),
    )  # fmt: skip


def _with_corrections(fit: UnloadingFit, record: Corrected, branch: Branch) -> UnloadingFit:
    """Add what contact, drift and noise make of depth, load and stiffness."""
    covariance = fit.covariance.copy()
    time = float(record.time[branch.peak])
    ends = slice(branch.peak, branch.end + 1)
    span = float(np.ptp(record.time[ends])) or np.inf
    rate = float(np.ptp(record.load[ends])) / span  # N/s
    covariance[0, 0] += record.depth_spread**2 + (record.drift_spread * time) ** 2
    covariance[1, 1] += record.load_spread**2
    if rate > 0:  # a drift tilts the unloading: d(1/S) = rate of depth over rate of load
        covariance[2, 2] += (fit.stiffness**2 * record.drift_spread / rate) ** 2
    return replace(fit, covariance=covariance)


def _area(title: str, area: AreaFunction, hc: float) -> float:
    if not hc > 0:
        raise ValidityError(
            f"{title}: its contact depth is {hc * 1e9:.3g} nm, which is no contact; its unloading "
            "is nearly flat or the zero of depth is wrong"
        )
    A = float(area(hc))
    if not A > 0 or not float(area.slope(hc)) > 0:
        raise ValidityError(
            f"{title}: the area function does not grow with depth at {hc * 1e9:.4g} nm "
            f"({A * 1e12:.3g} µm²), so it is not valid there; give area_function"
        )
    return A


def _moduli(
    h: float,
    P: float,
    S: float,
    covariance: Floats,
    hc: float,
    A: float,
    method: Method,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Hardness, reduced and Young's modulus with their spreads, from (h, P, S)."""
    slope = float(method.area.slope(hc))
    H, Er = P / A, np.sqrt(np.pi) / (2 * method.beta) * S / np.sqrt(A)
    to_hc = np.array([1.0, -method.epsilon / S, method.epsilon * P / S**2])
    to_H = np.array([0.0, 1 / A, 0.0]) - H / A * slope * to_hc
    to_Er = np.array([0.0, 0.0, Er / S]) - Er / (2 * A) * slope * to_hc
    u_area = _area_spread(method.area, hc)
    u_H = np.sqrt(to_H @ covariance @ to_H + (H * u_area) ** 2)
    u_Er = np.sqrt(to_Er @ covariance @ to_Er + (Er * u_area / 2) ** 2)
    E = u_E = np.nan
    if method.poisson_ratio is not None:
        E = float(_young(Er, method))
        u_E = float((_young(Er * (1 + 1e-6), method) - E) / (Er * 1e-6) * u_Er)
    return (float(H), float(Er), E), (float(u_H), float(u_Er), u_E)


def _young(Er: float | Floats, method: Method) -> Floats:
    nu = 0.0 if method.poisson_ratio is None else method.poisson_ratio
    return youngs_modulus(Er, nu, tip_modulus=method.tip_modulus, tip_poisson=method.tip_poisson)


def _area_spread(area: AreaFunction, hc: float) -> float:
    """Relative standard deviation of the area, if the function was fitted."""
    if area.covariance is None:
        return 0.0
    terms = np.array([(hc * 1e9) ** (2.0 / 2**k) for k in range(len(area.coefficients))])
    return float(np.sqrt(max(terms @ area.covariance @ terms, 0.0)) / (float(area(hc)) * 1e18))


def _doubts(
    title: str, record: Corrected, fit: UnloadingFit, branch: Branch, method: Method
) -> list[str]:
    said = []
    if fit.at_bound:
        said.append(f"{title}: the exponent of its unloading ({fit.exponent:.2g}) is at a bound")
    if fit.r_squared < 0.97:
        said.append(
            f"{title}: its unloading scatters (R² = {fit.r_squared:.3f}); the stiffness may be "
            f"low by {100 * (1 - fit.r_squared):.0f} %"
        )
    measured = float(np.median(record.depth[max(branch.peak - 2, 0) : branch.peak + 3]))
    if abs(measured - fit.depth) > 0.03 * fit.depth:
        said.append(
            f"{title}: the fit reaches the peak load at {fit.depth * 1e9:.4g} nm, the record "
            f"at {measured * 1e9:.4g} nm: it creeps while unloading, so S is uncertain"
        )
    depths = method.area.depths
    share = float(method.area(fit.depth)) / (method.area.coefficients[0] * fit.depth**2 or np.inf)
    if method.area.coefficients[0] > 0 and share < 0.9:
        said.append(
            f"{title}: the area function gives {100 * share:.0f} % of its own C0 h² at the peak "
            "depth, so it is hardly valid there; check it on a known material"
        )
    hc = float(contact_depth(fit.depth, fit.load, fit.stiffness, method.epsilon))
    if depths is not None and not depths[0] <= hc <= depths[1]:
        said.append(f"{title}: {hc * 1e9:.3g} nm is outside what the area function was fitted to")
    return said


# ---------------------------------------------------------------- CSM


def csm_curve(indent: Indent, record: Corrected, method: Method) -> CsmCurve:
    """Hardness and modulus at every point of a dynamic stiffness.

    Raises
    ------
    InputError
        If no point has a stiffness and a contact area.
    """
    S = np.array(indent.stiffness, dtype=np.float64)
    if record.compliance:
        with np.errstate(divide="ignore", invalid="ignore"):
            S = 1 / (1 / S - record.compliance)
    h, P = record.depth, record.load
    with np.errstate(divide="ignore", invalid="ignore"):
        hc = contact_depth(h, P, S, method.epsilon)
        good = np.isfinite(S) & (S > 0) & (hc > 0) & (P > 0)
        A = method.area(np.where(good, hc, 0.0))
    good &= A > 0
    if good.sum() < 3:
        raise InputError(
            f"{indent.title}: {int(good.sum())} points have a stiffness and a contact area; "
            "evaluate its unloading (csm=False)"
        )
    h, P, S, hc, A = (x[good] for x in (h, P, S, hc, A))
    Er = np.sqrt(np.pi) / (2 * method.beta) * S / np.sqrt(A)
    return CsmCurve(
        depth=h, load=P, contact_depth=hc, contact_area=A, stiffness=S, hardness=P / A, modulus=Er,
        youngs_modulus=None if method.poisson_ratio is None else _young(Er, method),
        depths=method.depths or indent.facts.depth_range or (0.5 * h.max(), h.max()),
    )  # fmt: skip


def _by_csm(indent: Indent, record: Corrected, method: Method) -> IndentResult:
    curve = csm_curve(indent, record, method)
    low, high = curve.depths
    # from the point nearest to one end to the point nearest to the other, as instruments do
    ends = [int(np.argmin(np.abs(curve.depth - min(x, curve.depth.max())))) for x in (low, high)]
    inside = np.zeros(curve.depth.size, dtype=np.bool_)
    inside[ends[0] : ends[1] + 1] = True
    if inside.sum() < 3:
        raise InputError(
            f"{indent.title}: {int(inside.sum())} points of its stiffness lie between "
            f"{low * 1e9:.4g} and {high * 1e9:.4g} nm of depth; give other depths"
        )

    def told(values: Floats | None) -> tuple[float, float]:
        if values is None or not np.isfinite(values[inside]).any():
            return np.nan, np.nan
        known = values[inside]
        known = known[np.isfinite(known)]  # one nan must not make a mean nan
        return float(known.mean()), float(known.std(ddof=1)) if known.size > 1 else np.nan

    (H, u_H), (Er, u_Er), (E, u_E) = map(
        told, (curve.hardness, curve.modulus, curve.youngs_modulus)
    )
    last = int(np.flatnonzero(inside)[-1])
    return IndentResult(
        title=indent.title, method="CSM", load=float(curve.load[last]),
        depth=float(curve.depth[last]), contact_depth=float(curve.contact_depth[last]),
        contact_area=float(curve.contact_area[last]), stiffness=float(curve.stiffness[last]),
        stiffness_spread=np.nan, hardness=H, hardness_spread=u_H, modulus=Er, modulus_spread=u_Er,
        youngs_modulus=E, youngs_modulus_spread=u_E, record=record, csm=curve,
    )  # fmt: skip
