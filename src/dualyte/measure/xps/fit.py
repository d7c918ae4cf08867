"""Fit of a model of peaks to a spectrum, with lmfit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, MissingExtraError
from dualyte.measure.xps.background import (
    ends_of,
    linear_background,
    running_integral,
    shirley_background,
    tougaard_background,
)
from dualyte.measure.xps.models import Peak, PeakModel
from dualyte.measure.xps.peaks import SHAPES
from dualyte.measure.xps.result import SEEN, PeakFit
from dualyte.measure.xps.spectrum import XpsSpectrum
from dualyte.vocabulary import ELECTRON, Floats, show

Background = Literal["shirley", "shirley-fixed", "linear", "linear-fixed", "tougaard", "stored"]
_FITTED: Final = ("shirley", "linear")  #: backgrounds whose ends are fitted with the peaks
_EDGE: Final = 2e-3  # share of the range of a parameter within which it is at its bound
_POOR: Final = 2.5  # reduced χ² of counts above which the model misses something
_TIED: Final = 0.9  # correlation of areas that is worth a word


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which parameters there are: centres, widths, mixing, areas, background."""

    model: PeakModel
    groups: tuple[str, ...]  #: peaks that own a width
    names: tuple[str, ...]
    low: Floats
    high: Floats
    background: str

    @property
    def mixings(self) -> int:
        return 1 if self.model.one_mixing else len(self.groups)

    def owners(self) -> list[tuple[int, int]]:
        """Place of the width and of the mixing of each peak among the parameters."""
        n, g = len(self.model.peaks), len(self.groups)
        own = [self.groups.index(p.width_of or p.name) for p in self.model.peaks]
        return [(n + k, n + g + (0 if self.model.one_mixing else k)) for k in own]

    @property
    def areas(self) -> slice:
        n = len(self.model.peaks)
        begin = n + len(self.groups) + self.mixings
        return slice(begin, begin + n)


def fit_peaks(
    spectrum: XpsSpectrum,
    model: PeakModel,
    *,
    background: str = "shirley",
    window: tuple[float, float] | None = None,
    ends: int = 5,
    weights: Literal["poisson", "equal"] = "poisson",
) -> PeakFit:
    """Fit a model of peaks to a spectrum.

    Parameters
    ----------
    spectrum
        Its charge shift applied.
    model
        Peaks, and what ties them.
    background
        `shirley` or `linear`: its ends are fitted together with the peaks. `shirley-fixed`,
        `linear-fixed`, `tougaard`: it meets the mean of the channels at the ends, and its errors
        are not in those of the areas. `stored`: that of the file.
    window
        J, lowest and highest energy; that of the model by default.
    ends
        Channels at each end whose mean the background meets, or starts from.
    weights
        `poisson`: the variance of a channel is the fitted count. `equal`: the scatter of the
        residuals gives the errors.

    Returns
    -------
    PeakFit

    Raises
    ------
    InputError
        If the window holds too few channels for the parameters, or the background is not there.
    MissingExtraError
        If lmfit is not installed.

    Notes
    -----
    Errors come from the curvature of χ² at the best fit. They are multiplied by the root of the
    reduced χ² where it is above 1, or where the scatter of counting is not known. Parameters at
    their bounds, and centres of peaks that are not seen (area below two standard deviations), are
    held, and a flag says so.
    """
    if background not in get_args(Background):
        raise InputError(
            f"background={background!r}; it is one of {', '.join(get_args(Background))}"
        )
    low, high = model.window if window is None else window
    used = spectrum.between(low, high)
    x, y = used.energy_ev, used.counts
    layout = _layout(model, background, x)
    if x.size < layout.low.size + 3:
        raise InputError(
            f"{spectrum.title}: {x.size} channels in the window are too few for "
            f"{layout.low.size} parameters; widen it, or take a model of fewer peaks"
        )
    fixed = _fixed(used, background, ends)
    known = weights == "poisson" and used.counted
    sigma = np.sqrt(np.maximum(y, 1.0)) if known else _guess(y, weights)
    theta = _start(layout, x, y, fixed, sigma, ends)
    held = np.zeros(theta.size, dtype=bool)
    for step in range(theta.size + 2):  # what is held stays so: it ends
        theta = _minimise(layout, x, y, fixed, sigma, theta, held)
        if known:  # weights from the data draw the fit down to low counts
            sigma = np.sqrt(np.maximum(_total(layout, x, fixed, theta), 1.0))
        more = _held(layout, x, fixed, sigma, theta, known=known, y=y) & ~held
        if not more.any() and step > 0:
            break
        held |= more
        theta = _centred(layout, theta, held)
    return _result(spectrum, used, layout, fixed, sigma, theta, held, known, background)


def _layout(model: PeakModel, background: str, x: Floats) -> _Layout:
    groups = tuple(p.name for p in model.peaks if not p.width_of)
    widths = [w / ELECTRON for w in model.width]
    floor = float(np.median(np.diff(x))) * 1.2
    low = [_offset(model, p) - p.play / ELECTRON for p in model.peaks]
    high = [_offset(model, p) + p.play / ELECTRON for p in model.peaks]
    mixings = 1 if model.one_mixing else len(groups)
    low += [max(widths[0], floor)] * len(groups) + [model.mixing[0]] * mixings
    high += [widths[2]] * len(groups) + [model.mixing[1]] * mixings
    low += [0.0] * len(model.peaks)
    high += [np.inf] * len(model.peaks)
    names = [f"{p.name} position" for p in model.peaks] + [f"{g} width" for g in groups]
    names += ["mixing"] * mixings + [f"{p.name} area" for p in model.peaks]
    if background in _FITTED:
        names += ["background", "background rise" if background == "shirley" else "slope"]
        low += [-np.inf, -np.inf]
        high += [np.inf, np.inf]
    return _Layout(
        model=model, groups=groups, names=tuple(names), low=np.array(low), high=np.array(high),
        background=background,
    )  # fmt: skip


def _offset(model: PeakModel, peak: Peak) -> float:
    """Expected centre [eV], or its distance from the peak that it moves with."""
    base = next((p.centre for p in model.peaks if p.name == peak.relative), 0.0)
    return (peak.centre - base) / ELECTRON


def _fixed(used: XpsSpectrum, background: str, ends: int) -> Floats | None:
    """Background that is not fitted."""
    x, y = used.energy_ev, used.counts
    if background == "stored":
        if used.background is None:
            raise InputError(f"{used.title} stores no background; take another")
        return used.background
    makers: dict[str, Any] = {
        "shirley-fixed": shirley_background,
        "linear-fixed": linear_background,
        "tougaard": tougaard_background,
    }
    try:
        ends_of(y, ends)
        if background in _FITTED:
            return None
        return np.asarray(makers[background](x, y, ends=ends), dtype=np.float64)
    except InputError as error:
        raise InputError(f"{used.title}: {error}") from None


def _guess(y: Floats, weights: str) -> Floats:
    """Relative standard deviations where the scatter of counting is not known."""
    if weights == "equal" or y.min() <= 0:
        return np.full(y.size, max(float(np.std(y)), 1e-300))
    return np.asarray(np.sqrt(y * float(y.max())))


def _centres(layout: _Layout, theta: Floats) -> list[float]:
    found: dict[str, float] = {}
    for peak, value in zip(layout.model.peaks, theta, strict=False):
        found[peak.name] = float(value) + found.get(peak.relative, 0.0)
    return list(found.values())


def _lines(layout: _Layout, x: Floats, theta: Floats) -> Floats:
    """Peaks of area 1, (n, m)."""
    shape = SHAPES[layout.model.shape]
    rows = []
    for peak, centre, (w, m) in zip(
        layout.model.peaks, _centres(layout, theta), layout.owners(), strict=True
    ):
        width, mixing = float(theta[w]), float(theta[m])
        row = shape(x, centre, width, mixing)
        if peak.ratio:
            beside = shape(x, centre + peak.splitting / ELECTRON, width, mixing)
            row = (row + peak.ratio * beside) / (1 + peak.ratio)
        rows.append(row)
    return np.array(rows)


def _under(layout: _Layout, x: Floats, fixed: Floats | None, theta: Floats, sum_: Floats) -> Floats:
    """Background, (m,)."""
    if fixed is not None:
        return fixed
    base, step = theta[-2:]
    if layout.background == "linear":
        return np.asarray(base + step * (x - x[0]))
    # the rise counts, and not its ratio to the peaks: else a window that slopes without a peak
    # is fitted with a peak of no area, whose error is as small as it is wrong
    inside = running_integral(x, sum_)
    if inside[-1] == 0:
        inside = x - x[0]
    return np.asarray(base + step * inside / inside[-1])


def _total(layout: _Layout, x: Floats, fixed: Floats | None, theta: Floats) -> Floats:
    sum_ = theta[layout.areas] @ _lines(layout, x, theta)
    return np.asarray(sum_ + _under(layout, x, fixed, theta, sum_))


def _start(
    layout: _Layout, x: Floats, y: Floats, fixed: Floats | None, sigma: Floats, ends: int
) -> Floats:
    """Areas by non-negative least squares at the expected centres and a few widths."""
    from scipy.optimize import nnls

    model, n = layout.model, len(layout.model.peaks)
    low, high = ends_of(y, ends)
    under = fixed if fixed is not None else _rough(x, y, ends)
    best: tuple[float, Floats] | None = None
    for factor in (0.7, 1.0, 1.4):
        theta = np.zeros(layout.low.size)
        theta[:n] = [_offset(model, p) for p in model.peaks]
        theta[n : n + len(layout.groups)] = factor * model.width[1] / ELECTRON
        mixed = slice(n + len(layout.groups), layout.areas.start)
        theta[mixed] = 0.5 * (model.mixing[0] + min(model.mixing[1], 0.5))
        lines = _lines(layout, x, theta)
        areas, miss = nnls((lines / sigma).T, (y - under) / sigma)
        least = 1e-3 * max(float(areas.sum()), float(np.ptp(y)), 1e-12)
        theta[layout.areas] = np.maximum(areas, least)
        if layout.background == "linear":
            theta[-2:] = low, (high - low) / (x[-1] - x[0])
        elif layout.background == "shirley":
            theta[-2:] = low, high - low
        if best is None or miss < best[0]:
            best = (float(miss), theta)
    if best is None:  # the loop above ran
        raise InputError("no start was found")
    return best[1]


def _rough(x: Floats, y: Floats, ends: int) -> Floats:
    try:
        return shirley_background(x, y, ends=ends, rtol=1e-3)
    except (InputError, ArithmeticError, RuntimeError):
        return linear_background(x, y, ends=ends)


def _minimise(
    layout: _Layout,
    x: Floats,
    y: Floats,
    fixed: Floats | None,
    sigma: Floats,
    start: Floats,
    held: npt.NDArray[np.bool_],
) -> Floats:
    try:
        lmfit: Any = import_module("lmfit")
    except ImportError as error:
        raise MissingExtraError("lmfit", "files") from error
    size = np.ones(start.size)  # areas and background in units of about 1
    size[layout.areas] = max(float(start[layout.areas].sum()), 1e-300)
    if fixed is None:
        size[-2] = max(abs(float(start[-2])), 1e-300)
        size[-1] = max(abs(float(start[-1])), 1e-3 * size[-2])
    parameters = lmfit.Parameters()
    for k, value in enumerate(start):
        low, high = layout.low[k] / size[k], layout.high[k] / size[k]
        inside = float(np.clip(value / size[k], low, high))
        parameters.add(f"p{k}", value=inside, min=low, max=high, vary=not bool(held[k]))

    def miss(now: Any) -> Floats:  # noqa: ANN401 (lmfit's parameters)
        theta = np.array([now[f"p{k}"].value for k in range(start.size)]) * size
        return np.asarray((_total(layout, x, fixed, theta) - y) / sigma)

    try:
        with np.errstate(all="ignore"):  # lmfit takes roots of a covariance that is not used
            found = lmfit.minimize(
                miss, parameters, method="least_squares", calc_covar=False, max_nfev=2000,
                ftol=1e-10, xtol=1e-10, gtol=1e-10,
            )  # fmt: skip
    except ValueError as error:  # residuals that are not finite
        raise InputError(
            f"the model {layout.model.name} cannot be fitted to these counts: {error}"
        ) from error
    return np.array([found.params[f"p{k}"].value for k in range(start.size)]) * size


def _jacobian(
    layout: _Layout, x: Floats, fixed: Floats | None, sigma: Floats, theta: Floats
) -> Floats:
    """Derivatives of the weighted model, (m, k), by central differences."""
    columns = []
    counts = float(np.median(sigma))
    # steps that counts can feel: the background of peaks of no area hangs on their ratios
    areas = max(float(np.abs(theta[layout.areas]).sum()), 1e3 * counts)
    for k, value in enumerate(theta):
        step = 1e-5
        if k >= layout.areas.start:
            step *= areas if k < layout.areas.stop else max(abs(value), counts)
        up, down = theta.copy(), theta.copy()
        up[k] += step
        down[k] -= step
        moved = _total(layout, x, fixed, up) - _total(layout, x, fixed, down)
        columns.append(moved / (2 * step) / sigma)
    return np.array(columns).T


def _covariance(jacobian: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Inverse curvature over the free parameters, zero elsewhere."""
    out = np.zeros((free.size, free.size))
    size = np.linalg.norm(jacobian[:, free], axis=0)
    size[size == 0] = 1.0
    inner = np.linalg.pinv((jacobian[:, free] / size).T @ (jacobian[:, free] / size), rcond=1e-12)
    out[np.ix_(free, free)] = inner / np.outer(size, size)
    return out


def _held(
    layout: _Layout,
    x: Floats,
    fixed: Floats | None,
    sigma: Floats,
    theta: Floats,
    *,
    known: bool,
    y: Floats,
) -> npt.NDArray[np.bool_]:
    """Which parameters to hold: those at their bounds, and centres of peaks that are not seen."""
    span = layout.high - layout.low
    with np.errstate(invalid="ignore"):
        at = (theta - layout.low < _EDGE * span) | (layout.high - theta < _EDGE * span)
    at &= np.isfinite(span)
    linear = np.zeros(theta.size, dtype=bool)
    linear[layout.areas.start :] = True
    cov = _covariance(_jacobian(layout, x, fixed, sigma, theta), linear)
    scale = 1.0
    chi2 = float(np.sum(((_total(layout, x, fixed, theta) - y) / sigma) ** 2)) / x.size
    if not known or chi2 > 1:
        scale = np.sqrt(chi2)
    spread = np.sqrt(np.diag(cov))[layout.areas] * scale
    for k, (area, wide) in enumerate(zip(theta[layout.areas], spread, strict=True)):
        if area < SEEN * wide:
            at[k] = True
            name = layout.model.peaks[k].name
            if name in layout.groups:
                at[len(layout.model.peaks) + layout.groups.index(name)] |= not any(
                    p.width_of == name for p in layout.model.peaks
                )
    return at


def _centred(layout: _Layout, theta: Floats, held: npt.NDArray[np.bool_]) -> Floats:
    """Put held centres of peaks without area where they are expected."""
    out = theta.copy()
    total = max(float(theta[layout.areas].sum()), 1e-300)
    for k, peak in enumerate(layout.model.peaks):
        if held[k] and theta[layout.areas][k] < 0.02 * total:
            out[k] = _offset(layout.model, peak)
            width = len(layout.model.peaks) + (
                layout.groups.index(peak.name) if peak.name in layout.groups else 0
            )
            if peak.name in layout.groups and held[width]:
                out[width] = layout.model.width[1] / ELECTRON
    return out


def _result(
    spectrum: XpsSpectrum,
    used: XpsSpectrum,
    layout: _Layout,
    fixed: Floats | None,
    sigma: Floats,
    theta: Floats,
    held: npt.NDArray[np.bool_],
    known: bool,
    background: str,
) -> PeakFit:
    x, y = used.energy_ev, used.counts
    lines = _lines(layout, x, theta)
    theta = theta.copy()
    areas = theta[layout.areas]  # a view: what the bounds leave of nothing is nothing
    areas[areas < 1e-9 * max(float(areas.sum()), 1e-300)] = 0.0
    under = _under(layout, x, fixed, theta, areas @ lines)
    misses = (y - under - areas @ lines) / sigma
    degrees = max(x.size - int(np.count_nonzero(~held)), 1)
    chi2 = float(np.sum(misses**2)) / degrees
    scale = chi2 if not known or chi2 > 1 else 1.0
    jacobian = _jacobian(layout, x, fixed, sigma, theta)
    cov = _covariance(jacobian, ~held) * scale
    if not known:
        misses = misses / np.sqrt(max(chi2, 1e-300))
    n, peaks = len(layout.model.peaks), layout.model.peaks
    tie = np.zeros((n, n))  # centre of each peak from the parameters
    for k, peak in enumerate(peaks):
        tie[k, k] = 1
        if peak.relative:
            tie[k] += tie[[p.name for p in peaks].index(peak.relative)]
    owner, mixed = (list(places) for places in zip(*layout.owners(), strict=True))
    unseen = areas < SEEN * np.sqrt(np.diag(cov))[layout.areas]
    ends = [
        p.name for k, p in enumerate(peaks) if held[k] and not unseen[k] and p.play > 0
    ]  # fmt: skip
    return PeakFit(
        model=layout.model,
        spectrum=used,
        background_kind=background,
        background=under,
        components=areas[:, None] * lines,
        residuals=misses,
        position=np.array(_centres(layout, theta)) * ELECTRON,
        position_spread=_known(np.sqrt(np.diag(tie @ cov[:n, :n] @ tie.T)), held[:n], peaks)
        * ELECTRON,
        width=theta[owner] * ELECTRON,
        width_spread=np.sqrt(np.diag(cov))[owner] * ELECTRON,
        area=areas * ELECTRON,
        area_covariance=cov[layout.areas, layout.areas] * ELECTRON**2,
        mixing=theta[mixed],
        chi2_reduced=chi2 if known else float("nan"),
        counted=known,
        at_end=tuple(ends),
        flags=tuple(_flags(spectrum, layout, theta, held, cov, chi2 if known else None)),
    )


def _known(spread: Floats, held: npt.NDArray[np.bool_], peaks: Sequence[Peak]) -> Floats:
    """Errors of centres; nan where the fit had no say, and not 0."""
    free = np.array([peak.play > 0 for peak in peaks])
    return np.where(held & free, np.nan, spread)


def _flags(
    spectrum: XpsSpectrum,
    layout: _Layout,
    theta: Floats,
    held: npt.NDArray[np.bool_],
    cov: Floats,
    chi2: float | None,
) -> Sequence[str]:
    """What to know before using a fit, in sentences."""
    said, n = [], len(layout.model.peaks)
    spread = np.sqrt(np.diag(cov))[layout.areas]
    unseen = theta[layout.areas] < SEEN * spread
    for k, peak in enumerate(layout.model.peaks):
        if unseen[k]:
            said.append(
                f"{peak.name} is not seen: its area is below two standard deviations, so it was "
                "held where it is expected"
            )
        elif held[k] and peak.play > 0:
            at = show("binding_energy", _centres(layout, theta)[k] * ELECTRON)
            said.append(
                f"{peak.name} lies at the end of its range ({at}): check the charge reference and "
                "whether the model fits this sample"
            )
    for k, name in enumerate(layout.groups):
        if held[n + k] and not unseen[[p.name for p in layout.model.peaks].index(name)]:
            at = show("binding_energy", float(theta[n + k]) * ELECTRON, 3)
            said.append(f"the width of {name} is at the end of its range ({at})")
    for i in range(n):
        for j in range(i):
            tied = cov[layout.areas, layout.areas][i, j] / max(spread[i] * spread[j], 1e-300)
            if abs(tied) > _TIED and not (unseen[i] or unseen[j]):
                names = f"{layout.model.peaks[j].name} and {layout.model.peaks[i].name}"
                said.append(
                    f"the areas of {names} are tied (correlation {tied:.2f}): their sum is surer "
                    "than each"
                )
    if chi2 is not None and chi2 > _POOR:
        said.append(
            f"the model misses the counts (reduced χ² {chi2:.3g}): there may be more peaks, or "
            "another background"
        )
    return [f"{spectrum.title}: {line}" for line in said]
