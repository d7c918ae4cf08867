"""Distribution of relaxation times: how many arcs there are, and how large each is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.circuit import Spectrum
from dualyte.errors import InputError
from dualyte.measure.arcs import ALIKE, LOOSE, QUIET, REACH, Fit, Task, areas, search
from dualyte.measure.kramers import check_spectrum
from dualyte.numerics import arcfit, relaxation
from dualyte.numerics.solve import Outcome
from dualyte.vocabulary import Floats, checked

if TYPE_CHECKING:
    import xarray as xr

Complexes = npt.NDArray[np.complex128]
Bools = npt.NDArray[np.bool_]

_PER_DECADE: Final = 8  # times
_STRENGTHS: Final = 10.0 ** np.arange(3, -1.25, -0.5)  # of smoothing, over the noise variance
_RIDGE: Final = 30.0  # weight of g² beside g″²
_MISFIT: Final = 2.0  # times the noise: more is left by the model
_APART: Final = np.linspace(0.2, 6.4, 63)  # distances in ln τ at which two arcs are tried
_BAND: Final = 0.01  # of the strength: with less smoothing, the bias hides in the width
_LEVELS: Final = (0.05, 0.95)  # of the bands


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One arc: R / (1 + (iωτ)ⁿ), refined on the spectrum itself."""

    resistance: float  #: Ω m² (Ω without an area)
    frequency: float  #: Hz, of the top of the arc
    exponent: float  #: n: 1 for a single time, lower for a wider peak
    resistance_spread: float  #: standard deviation, as `resistance`
    frequency_spread: float  #: standard deviation, Hz
    exponent_spread: float  #: standard deviation; one-sided where n sits at a bound
    capacitance: float  #: F/m² (F without an area), τ/R
    capacitance_spread: float  #: standard deviation, as `capacitance`
    area: float  #: the same from the regularised distribution between its minima: biased
    resolution: float  #: two equal arcs nearer in frequency than this factor pass for this one
    resolved: bool  #: whether its resistance is known to better than 25 %

    def gamma(self, tau: npt.ArrayLike) -> Floats:
        """Distribution [as `resistance`] over ln τ at times `tau` [s], any shape."""
        n = min(self.exponent, 0.999)  # a single time has no finite distribution
        x = n * np.log(2 * np.pi * self.frequency * np.asarray(tau, dtype=np.float64))
        height = self.resistance * math.sin(n * np.pi) / (2 * np.pi)
        return np.asarray(height / (np.cosh(x) + math.cos(n * np.pi)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DRT:
    """Distribution of relaxation times of one spectrum, and the arcs in it."""

    spectrum: Spectrum  #: the points that were fitted
    tau: Floats  #: (k,) s, even in ln τ
    gamma: Floats  #: (k,) `unit` per ln τ, regularised
    bands: Floats | None  #: (2, k) 5 % and 95 % of `gamma`
    strength: float  #: of the smoothing
    outcome: Outcome  #: how the search for the arcs ended
    peaks: tuple[Peak, ...]  #: from high to low frequency
    series: float  #: R in series, `unit`
    series_spread: float
    inductance: float  #: H m² (H without an area)
    tail: tuple[float, float] | None  #: Q, n of a blocking tail 1/(Q (iω)ⁿ); Q in S sⁿ/`unit`
    residual: Complexes  #: (m,) measured less refined, relative to |Z|
    noise: float  #: standard deviation of Re and Im that the refined arcs leave
    evidence: dict[int, float]  #: arcs tried → information criterion (BIC), lowest best
    unit: str  #: of resistances: "ohm m2" where the area is known, else "ohm"
    flags: tuple[str, ...]

    @property
    def polarisation(self) -> float:
        """Sum of the resistances of all arcs [`unit`]."""
        return float(sum(p.resistance for p in self.peaks))

    @property
    def refined(self) -> Floats:
        """Distribution of the refined arcs [`unit` per ln τ], (k,)."""
        return np.asarray(sum((p.gamma(self.tau) for p in self.peaks), np.zeros(self.tau.size)))

    def to_dataset(self) -> xr.Dataset:
        """Return it as a Dataset that can be saved and plotted."""
        import xarray as xr

        data: dict[str, Any] = {
            "gamma": ("tau", self.gamma, {"units": self.unit}),
            "refined": ("tau", self.refined, {"units": self.unit}),
        }
        if self.bands is not None:
            data["low"] = ("tau", self.bands[0], {"units": self.unit})
            data["high"] = ("tau", self.bands[1], {"units": self.unit})
        for name in Peak.__dataclass_fields__:
            data[f"peak_{name}"] = ("peak", np.array([getattr(p, name) for p in self.peaks]) * 1.0)
        return xr.Dataset(
            data,
            coords={"tau": ("tau", self.tau, {"units": "s"})},
            attrs={"strength": self.strength, "noise": self.noise, "flags": " | ".join(self.flags)},
        )

    def __str__(self) -> str:
        size, unit = (1e4, "ohm cm2") if self.unit == "ohm m2" else (1.0, "ohm")
        rows = [f"{self.spectrum.title}: {len(self.peaks)} arcs"]
        rows += [
            f"  {p.frequency:.3g} Hz: {size * p.resistance:.4g} ± "
            f"{size * p.resistance_spread:.2g} {unit}, n {p.exponent:.3f} "
            f"(area of the peak {size * p.area:.4g})"
            for p in self.peaks
        ]
        return "\n  ".join(["\n".join(rows), *self.flags])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DRTMap:
    """Distributions of several spectra on one axis."""

    drts: tuple[DRT, ...]
    tau: Floats  #: (k,) s
    gamma: Floats  #: (s, k) `unit` per ln τ
    temperature: Floats  #: (s,) K, nan where not known
    pressure: Floats  #: (s,) Pa, nan where not known
    unit: str
    failures: tuple[tuple[str, str], ...] = ()  #: title of a spectrum that has none, and why

    def to_dataset(self) -> xr.Dataset:
        """Return it as a Dataset that can be saved and plotted."""
        import xarray as xr

        return xr.Dataset(
            {"gamma": (("spectrum", "tau"), self.gamma, {"units": self.unit})},
            coords={
                "tau": ("tau", self.tau, {"units": "s"}),
                "spectrum": [d.spectrum.title for d in self.drts],
                "temperature": ("spectrum", self.temperature, {"units": "K"}),
                "pressure": ("spectrum", self.pressure, {"units": "Pa"}),
            },
        )


def drt(
    spectrum: Spectrum,
    *,
    tau: npt.ArrayLike | None = None,
    strength: float | None = None,
    arcs: int | None = None,
    inductance: bool = True,
    tail: bool = True,
    bands: bool = False,
    draws: int = 300,
    seed: int = 0,
) -> DRT:
    r"""Distribution of relaxation times, the number of arcs, and the size of each.

    .. math::
        Z = R + i\omega L + \frac{1}{Q(i\omega)^n}
            + \int \frac{\gamma(\ln\tau)}{1+i\omega\tau}\,d\ln\tau, \qquad \gamma \ge 0

    Parameters
    ----------
    spectrum
        Ten points or more. Masked points, and single points that fail `check_spectrum`, are
        left out; a flag says so.
    tau : (k,), optional
        Times [s], even in ln τ; by default eight a decade over the measured range and half
        a decade beyond.
    strength
        Of the smoothing, to set it by hand.
    arcs
        Number of arcs, to set it by hand.
    inductance, tail
        Whether the model has an inductance and a blocking tail. Both are left out anyway
        where the information criterion says that the data do not need them.
    bands
        Whether to compute a 90 % credible band of `gamma` from `draws` of the data and the
        prior. It takes a hundredth of the smoothing, since otherwise the bias of a sharp peak
        exceeds the width of its band.
    seed
        Of the draws.

    Returns
    -------
    DRT
        `gamma` minimises the weighted sum of squares (1/\|Z\|) plus strength times
        ∫ (γ″² + 30 γ²) d ln τ with all coefficients ≥ 0. The strength is the largest whose
        score S/(N − 1.4 p)² is within one standard error, √(2/N), of the least.

        Its peaks suggest arcs. They are refined as R/(1 + (iωτ)ⁿ), together with R, L and
        the tail, by least squares on the spectrum itself. Arcs are added where the residual
        asks for one, or taken away; their number is the smallest whose Bayesian information
        criterion is within 6 of the least. The area of a peak of `gamma` is a biased
        estimate of the resistance of a depressed arc, so both are given. Spreads are
        standard deviations from the covariance of the refined fit.

    Raises
    ------
    InputError
        If there are too few points, `tau` is not even in ln τ, or a number is out of range.

    Notes
    -----
    Source of the score: Kim & Gu 2004, J. R. Stat. Soc. B 66, 337,
    doi:10.1046/j.1369-7412.2003.05316.x.

    Examples
    --------
    >>> import numpy as np
    >>> s = 2j * np.pi * np.logspace(6, 0, 61)
    >>> z = 5 + 100 / (1 + (s * 1e-5) ** 0.9) + 50 / (1 + (s * 1e-3) ** 0.9)
    >>> found = drt(Spectrum(frequency=s.imag / 2 / np.pi, z=z))
    >>> [round(peak.resistance, 3) for peak in found.peaks], found.unit
    ([100.0, 50.0], 'ohm')
    """
    kept, sigma, flags = _usable(spectrum)
    area = kept.area
    task = Task.of(kept, kept.z if area is None else kept.specific)
    ltau = _times(kept, tau)
    parts = np.array([True, inductance, tail])
    strengths = _strengths(strength, sigma)
    excess = 1 + math.sqrt(2 / task.y.size)
    start = min(max(-2 * float(np.angle(kept.z[-1])) / math.pi, 0.5), 1.0)
    x, chosen, n, left, used = relaxation.distribution(
        task.omega, task.y, task.weight, ltau, parts, start, strengths, _RIDGE, excess
    )
    best, evidence = search(task, ltau, x, n, parts, arcs)
    noise = math.sqrt(left / max(task.y.size - used, 1.0))
    band = None
    if bands:
        rng = np.random.default_rng(seed)
        shape = (draws, task.y.size + ltau.size)
        band = np.quantile(
            relaxation.resample(
                task.omega, task.y, task.weight, ltau, x[:3] > 0, n, chosen * _BAND, _RIDGE,
                noise * rng.standard_normal(shape),
            ),
            _LEVELS,
            axis=0,
        ) * task.size  # fmt: skip
    return _result(kept, task, ltau, x, chosen, band, best, evidence, sigma, flags)


def drt_map(
    spectra: Sequence[Spectrum],
    *,
    tau: npt.ArrayLike | None = None,
    **how: Any,  # noqa: ANN401 (the options of drt)
) -> DRTMap:
    """Distributions of a series, over temperature or pressure, on one axis.

    Parameters
    ----------
    spectra
        One or more, all with an area or all without.
    tau : (k,), optional
        Times [s], even in ln τ; by default those that cover all spectra.
    **how
        Options of `drt`.

    Returns
    -------
    DRTMap
        A spectrum that has no distribution costs only itself: `failures` says why.

    Raises
    ------
    InputError
        If areas are known of some only, or no spectrum has a distribution.

    Examples
    --------
    >>> import numpy as np
    >>> f = np.logspace(6, 0, 61)
    >>> z = [5 + 100 / (1 + 2j * np.pi * f * t) for t in (1e-5, 1e-3)]
    >>> found = drt_map([Spectrum(frequency=f, z=x) for x in z])
    >>> found.gamma.shape == (2, found.tau.size)
    True
    """
    if not spectra:
        raise InputError("a map takes one spectrum or more")
    if len({s.area is None for s in spectra}) > 1:
        names = ", ".join(s.title for s in spectra if s.area is None)
        raise InputError(f"no area is given for {names}, but for others; give all areas or none")
    if tau is None:
        whole = (min(s.frequency[-1] for s in spectra), max(s.frequency[0] for s in spectra))
        tau = np.exp(_default_times(*whole))
    drts, failed = [], []
    for spectrum in spectra:
        try:
            drts.append(drt(spectrum, tau=tau, **how))
        except InputError as error:
            failed.append((spectrum.title, str(error)))
    if not drts:
        raise InputError(failed[0][1])
    return replace(map_of(drts), failures=tuple(failed))


def map_of(drts: Sequence[DRT]) -> DRTMap:
    """Put distributions that are there already on one axis.

    Parameters
    ----------
    drts
        What `drt` found of one spectrum or more, all in one unit.

    Returns
    -------
    DRTMap
        On the times of the first where all have the same; else on times that cover all, with
        `gamma` between its times by linear interpolation in ln τ, and zero beyond them.
    """
    if len({d.unit for d in drts}) != 1:
        raise InputError(
            "a map takes one distribution or more, all per area or all of the whole cell"
        )
    tau = drts[0].tau
    rows = [d.gamma for d in drts]
    if not all(d.tau.size == tau.size and np.allclose(d.tau, tau) for d in drts):
        low, high = min(d.tau[0] for d in drts), max(d.tau[-1] for d in drts)
        count = round(math.log10(high / low) * _PER_DECADE) + 1
        ltau = np.linspace(math.log(low), math.log(high), count)
        rows = [np.interp(ltau, np.log(d.tau), d.gamma, left=0.0, right=0.0) for d in drts]
        tau = np.exp(ltau)
    conditions = [[getattr(d.spectrum, x) for d in drts] for x in ("temperature", "pressure")]
    temperature, pressure = (
        np.array([np.nan if number is None else number for number in row]) for row in conditions
    )
    return DRTMap(
        drts=tuple(drts),
        tau=tau,
        gamma=np.array(rows),
        temperature=temperature,
        pressure=pressure,
        unit=drts[0].unit,
    )


def _usable(spectrum: Spectrum) -> tuple[Spectrum, float, list[str]]:
    """Points to fit, their relative noise, and what to say about them."""
    check = check_spectrum(spectrum)
    flags = []
    kept = check.spectrum
    if check.verdict == "fail":
        flags.append("the spectrum fails the Kramers–Kronig test; do not trust the arcs")
    elif not check.good.all():
        named = ", ".join(f"{f:.3g}" for f in kept.frequency[~check.good][:6])
        flags.append(f"left out points that fail the Kramers–Kronig test: {named} Hz")
        kept = kept.pick(check.good)
    return kept, max(check.noise, QUIET), flags


def _default_times(lowest: float, highest: float) -> Floats:
    low = -math.log(2 * math.pi * highest * REACH)
    high = -math.log(2 * math.pi * lowest / REACH)
    count = round((high - low) / math.log(10) * _PER_DECADE) + 1
    return np.linspace(low, high, max(count, 5))


def _times(spectrum: Spectrum, tau: npt.ArrayLike | None) -> Floats:
    """Logarithms of the times."""
    if tau is None:
        return _default_times(float(spectrum.frequency[-1]), float(spectrum.frequency[0]))
    given = np.asarray(checked("relaxation_time", tau), dtype=np.float64).ravel()
    if given.size < 5 or (given <= 0).any():
        raise InputError(f"tau holds {given.size} times; give five or more, all above 0 s")
    ltau = np.log(given)
    step = np.diff(ltau)
    if step[0] <= 0 or np.ptp(step) > 1e-6 * step[0]:
        raise InputError("tau must rise evenly in ln τ; make it with numpy.geomspace")
    return np.asarray(ltau)


def _strengths(strength: float | None, sigma: float) -> Floats:
    if strength is None:
        return np.asarray(sigma**2 * _STRENGTHS)
    if not 0 < strength < 1e6:
        raise InputError(f"strength={strength:g} lies outside 0 … 1e6; 1e-4 smooths a little")
    return np.array([float(strength)] * 4)  # repeated for the exponent of the tail to settle


def _result(
    spectrum: Spectrum,
    task: Task,
    ltau: Floats,
    x: Floats,
    strength: float,
    bands: Floats | None,
    fit: Fit,
    evidence: dict[int, float],
    noise: float,
    flags: list[str],
) -> DRT:
    gamma, tau = x[4:] * task.size, np.exp(ltau)
    cov = fit.covariance()
    peaks = _refined(task, fit, cov, ltau, gamma)
    tail = None
    if fit.on[2]:
        n = float(fit.x[3])
        tail = (math.exp(-fit.x[2] - n * task.lw[-1]) / task.size, n)
    half = spectrum.frequency.size
    relative = -(fit.residual[:half] + 1j * fit.residual[half:])
    for array in (tau, gamma, relative, *(() if bands is None else (bands,))):
        array.setflags(write=False)
    return DRT(
        spectrum=spectrum,
        tau=tau,
        gamma=gamma,
        bands=bands,
        strength=strength,
        outcome=Outcome.CONVERGED if fit.settled else Outcome.MAX_STEPS,
        peaks=peaks,
        series=float(fit.x[0]) * task.size if fit.on[0] else 0.0,
        series_spread=math.sqrt(cov[0, 0]) * task.size,
        inductance=float(fit.x[1]) * task.size / task.omega[0] if fit.on[1] else 0.0,
        tail=tail,
        residual=relative,
        noise=math.sqrt(fit.variance),
        evidence=evidence,
        unit="ohm" if spectrum.area is None else "ohm m2",
        flags=(*flags, *_doubts(spectrum, fit, peaks, cov, evidence, noise)),
    )


def _refined(task: Task, fit: Fit, cov: Floats, ltau: Floats, gamma: Floats) -> tuple[Peak, ...]:
    arcs = fit.x[arcfit.SERIES :].reshape(-1, 3)
    area = areas(ltau, gamma, arcs[:, 1])
    needed = arcfit.PER_ARC * math.log(task.y.size) * max(fit.variance, QUIET**2)
    peaks = []
    for k, (lr, lt, n) in enumerate(arcs):
        j = arcfit.SERIES + 3 * k
        apart = arcfit.twins(fit.x, k, fit.jac, fit.free, task.lw, task.weight, _APART, needed)
        var_r, var_t = cov[j, j], cov[j + 1, j + 1]
        r, frequency = math.exp(lr) * task.size, math.exp(-lt) / (2 * math.pi)
        spread_r, spread_t = math.sqrt(var_r), math.sqrt(var_t)
        both = var_r + var_t - 2 * cov[j, j + 1] if math.isfinite(var_r + var_t) else math.inf
        spread_c = math.sqrt(max(both, 0.0))
        capacitance = math.exp(lt) / r
        peaks.append(
            Peak(
                resistance=r,
                frequency=frequency,
                exponent=float(n),
                resistance_spread=r * spread_r,
                frequency_spread=frequency * spread_t,
                exponent_spread=math.sqrt(cov[j + 2, j + 2]),
                capacitance=capacitance,
                capacitance_spread=capacitance * spread_c,
                area=area[k],
                resolution=math.exp(apart) if math.isfinite(apart) else math.inf,
                resolved=bool(spread_r < LOOSE),
            )
        )
    return tuple(peaks)


def _doubts(
    spectrum: Spectrum,
    fit: Fit,
    peaks: tuple[Peak, ...],
    cov: Floats,
    evidence: dict[int, float],
    noise: float,
) -> list[str]:
    flags = []
    f = spectrum.frequency
    if (left := math.sqrt(fit.variance)) > _MISFIT * max(noise, QUIET):
        flags.append(
            f"the arcs leave {100 * left:.2g} % of |Z| where the noise is {100 * noise:.2g} %: the "
            "cell is no sum of such arcs, and the spreads are too small"
        )
    for p in peaks:
        if not f[-1] < p.frequency < f[0]:
            flags.append(f"the arc at {p.frequency:.3g} Hz has its top outside the measured range")
        if not p.resolved:
            share = p.resistance_spread / p.resistance
            known = f"to {100 * share:.0f} % only" if share < 1 else "not even to its size"
            flags.append(
                f"the arc at {p.frequency:.3g} Hz is not resolved: its resistance is known {known}"
            )
    flags += _sums(peaks, cov)
    for k, bic in sorted(evidence.items()):
        if k != len(peaks) and bic - fit.bic < ALIKE:
            flags.append(
                f"{k} arcs describe the spectrum about as well as {len(peaks)} "
                f"(information criterion {bic - fit.bic:+.1f})"
            )
    if peaks:
        each = ", ".join(
            f"×{p.resolution:.2g} ({p.frequency:.2g} Hz)"
            if math.isfinite(p.resolution)
            else f"any distance ({p.frequency:.2g} Hz)"
            for p in peaks
        )
        flags.append(
            f"one spectrum cannot tell an arc from two that lie nearer than {each}; a series over "
            "temperature or pressure can"
        )
    return flags


def _sums(peaks: tuple[Peak, ...], cov: Floats) -> list[str]:
    """What is known of two neighbours together where they trade resistance."""
    flags = []
    for k, (a, b) in enumerate(pairwise(peaks)):
        i = arcfit.SERIES + 3 * k
        ra, rb = a.resistance, b.resistance
        both = ra**2 * cov[i, i] + rb**2 * cov[i + 3, i + 3] + 2 * ra * rb * cov[i, i + 3]
        if not math.isfinite(both):
            continue
        spread = math.sqrt(max(both, 0.0))
        worst = max(a.resistance_spread, b.resistance_spread)
        if not (a.resolved and b.resolved) and spread < worst / 2:
            flags.append(
                f"the arcs at {a.frequency:.3g} and {b.frequency:.3g} Hz overlap; their sum is "
                f"known to {100 * spread / (ra + rb):.2g} %"
            )
    return flags
