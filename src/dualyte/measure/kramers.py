"""Tests of a spectrum: Kramers–Kronig relations, noise, and drift between two sweeps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.circuit import Spectrum
from dualyte.errors import InputError
from dualyte.numerics import relaxation
from dualyte.vocabulary import WORDS, Floats

if TYPE_CHECKING:
    import xarray as xr

Complexes = npt.NDArray[np.complex128]
Bools = npt.NDArray[np.bool_]
Verdict = Literal["pass", "suspect", "fail"]

_PER_DECADE: Final = (1.5, 2.0, 2.5, 3.0, 3.6, 4.4, 5.5, 7.0)  # relaxations to choose from
_REACH: Final = math.sqrt(10)  # factor by which their times exceed the measured range
_FALSE_ALARM: Final = 1e-3  # share of true spectra in which one point or more fails by chance
_ROUNDS: Final = 8  # of leaving out points
_FEWEST: Final = 10  # points
_STRUCTURE: Final = 4.0  # standard deviations of the correlation of neighbours
_GROSS: Final = 5.0  # tolerances: a structured residual above is a failure, not a suspicion
_MANY: Final = 0.1  # share of the points: more failing ones condemn the spectrum
_NOISY: Final = 0.05  # relative noise above which the test says little
_WINDOW: Final = 5  # points over which a change between sweeps is averaged

_STATIONARY: Final = (
    "passing is no proof of a stationary cell: a resistance that drifts by 6 % during the sweep "
    "passes; repeat or reverse the sweep and give both to compare_sweeps"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Check:
    """Kramers–Kronig test of one spectrum."""

    spectrum: Spectrum  #: the points that were tested
    residual: Complexes  #: (m,) measured less fitted, relative to |Z|
    score: Floats  #: (m,) length of the residual in standard deviations of the noise
    good: Bools  #: (m,) verdict on each point
    noise: float  #: standard deviation of Re and of Im, relative to |Z|
    structure: float  #: correlation of neighbouring residuals, in standard deviations
    size: int  #: relaxations in the fit
    verdict: Verdict
    flags: tuple[str, ...]  #: what to know, in sentences

    def to_dataset(self) -> xr.Dataset:
        """Return it as a Dataset that can be saved and plotted."""
        import xarray as xr

        f = self.spectrum.frequency
        columns = {
            "residual_re": (self.residual.real, "1"),
            "residual_im": (self.residual.imag, "1"),
            "score": (self.score, "1"),
            "good": (self.good.astype("i1"), "1"),
        }
        return xr.Dataset(
            {name: ("frequency", y, {"units": unit}) for name, (y, unit) in columns.items()},
            coords={"frequency": ("frequency", f, {"units": WORDS["frequency"].unit})},
            attrs={"verdict": self.verdict, "noise": self.noise, "flags": " | ".join(self.flags)},
        )

    def __str__(self) -> str:
        bad = int((~self.good).sum())
        head = (
            f"{self.spectrum.title}: {self.verdict}, noise {100 * self.noise:.2g} % of |Z|, "
            f"{bad} of {self.good.size} points fail"
        )
        return "\n  ".join([head, *self.flags])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drift:
    """Change between two sweeps of one cell."""

    first: Spectrum
    second: Spectrum
    frequency: Floats  #: (m,) Hz, measured in both
    change: Complexes  #: (m,) second less first, relative to |Z|
    smooth: Complexes  #: (m,) the same, averaged over neighbouring points
    score: Floats  #: (m,) length of `smooth` in standard deviations of its noise
    noise: float  #: standard deviation of Re and of Im of `change`
    verdict: Verdict
    flags: tuple[str, ...]

    @property
    def largest(self) -> float:
        """Largest averaged change, relative to |Z|."""
        return float(np.abs(self.smooth).max())

    def __str__(self) -> str:
        head = f"{self.second.title} after {self.first.title}: {self.verdict}"
        return "\n  ".join([head, *self.flags])


def check_spectrum(spectrum: Spectrum, *, tolerance: float = 2e-3) -> Check:
    r"""Test a spectrum against the Kramers–Kronig relations.

    Re and Im are fitted together by a sum that obeys the relations whatever its signed
    coefficients are,

    .. math:: Z = R + i\omega L + \frac{1}{i\omega C} + \sum_k \frac{R_k}{1+i\omega\tau_k},

    with times even in ln τ, weighted by 1/|Z|. What it cannot reach violates the relations.

    Parameters
    ----------
    spectrum
        Ten points or more. Points that its mask leaves out are not tested.
    tolerance
        Residuals below this part of |Z| never count against a point or a spectrum.

    Returns
    -------
    Check
        The number of relaxations has the least generalised cross-validation score S/(N − p)²
        (S: weighted sum of squares, N: numbers, p: coefficients), so that it stops where the
        residual no longer falls faster than the degrees of freedom. A point fails when its
        residual exceeds both `tolerance` and what one in a thousand good spectra would
        show anywhere; it is then left out of the fit, so that it cannot hide or blame its
        neighbours. `noise` comes from the residuals of the others, each divided by
        √(1 − leverage), so that it is unbiased.

        The verdict is "fail" when more than a tenth of the points fail or the residuals are
        both correlated and above five tolerances, "suspect" when some points fail, the
        residuals are correlated, or the noise exceeds 5 %.

    Raises
    ------
    InputError
        If there are fewer than ten points, the frequencies are all alike, or Z is zero.

    Notes
    -----
    Source: Boukamp 1995, J. Electrochem. Soc. 142, 1885, doi:10.1149/1.2044210 (the linear
    test); choice of the size and treatment of single points are ours.

    Examples
    --------
    >>> import numpy as np
    >>> f = np.logspace(6, 0, 61)
    >>> z = 10 + 100 / (1 + 2j * np.pi * f * 1e-4)
    >>> check_spectrum(Spectrum(frequency=f, z=z)).verdict
    'pass'
    >>> z[20] *= 1.05
    >>> check = check_spectrum(Spectrum(frequency=f, z=z))
    >>> check.verdict, np.flatnonzero(~check.good).tolist()
    ('suspect', [20])
    """
    kept = spectrum.kept
    omega, z = kept.omega, kept.z
    enough_points(kept)
    residual, score, good, sigma, structure, size = _examine(omega, z, tolerance)
    wrong_sign = False
    if _verdict(good, sigma, structure, tolerance) == "fail":
        wrong_sign = _examine(omega, z.conj(), tolerance)[3] < sigma / 4
    relative = residual[: z.size] + 1j * residual[z.size :]
    for array in (relative, score, good):
        array.setflags(write=False)
    return Check(
        spectrum=kept,
        residual=relative,
        score=score,
        good=good,
        noise=sigma,
        structure=structure,
        size=size,
        verdict=_verdict(good, sigma, structure, tolerance),
        flags=_flags(kept, relative, good, sigma, structure, tolerance, wrong_sign),
    )


def compare_sweeps(first: Spectrum, second: Spectrum, *, tolerance: float = 2e-3) -> Drift:
    """Test two sweeps of one cell, repeated or reversed, for drift.

    Parameters
    ----------
    first, second
        Sweeps with at least five frequencies in common (to 1 %); the later one second.
    tolerance
        Changes below this part of |Z| never count.

    Returns
    -------
    Drift
        Changes are averaged over five neighbouring frequencies and held against the noise
        that `check_spectrum` finds in each sweep. The verdict is "pass" where no change
        stands out, "fail" where one does and exceeds five tolerances, else "suspect".

    Raises
    ------
    InputError
        If the sweeps share too few frequencies, or one of them cannot be tested.

    Examples
    --------
    >>> import numpy as np
    >>> f = np.logspace(6, 0, 61)
    >>> before, after = (
    ...     Spectrum(frequency=f, z=10 + r / (1 + 2j * np.pi * f * 1e-4)) for r in (100, 106)
    ... )
    >>> drift = compare_sweeps(before, after)
    >>> drift.verdict, round(drift.largest, 3)
    ('fail', 0.053)
    """
    a, b = _shared(first.kept, second.kept)
    sigma = math.hypot(*(check_spectrum(s, tolerance=tolerance).noise for s in (first, second)))
    size = (np.abs(a.z) + np.abs(b.z)) / 2
    change = (b.z - a.z) / size
    count = np.convolve(np.ones(a.z.size), np.ones(_WINDOW), mode="same")
    smooth = np.convolve(change, np.ones(_WINDOW), mode="same") / count
    score = np.abs(smooth) * np.sqrt(count) / max(sigma, 1e-300)
    stands_out = (score > _limit(a.z.size)) & (np.abs(smooth) > tolerance)
    verdict: Verdict = "pass"
    if stands_out.any():
        gross = np.abs(smooth[stands_out]).max() > _GROSS * tolerance
        verdict = "fail" if gross else "suspect"
    return Drift(
        first=first,
        second=second,
        frequency=a.frequency,
        change=change,
        smooth=smooth,
        score=score,
        noise=sigma,
        verdict=verdict,
        flags=_drift_flags(a, b, smooth, stands_out),
    )


def enough_points(spectrum: Spectrum) -> None:
    """Refuse a spectrum that is too short to be tested."""
    f, z = spectrum.frequency, spectrum.z
    if f.size < _FEWEST:
        raise InputError(
            f"{spectrum.title}: {f.size} points are too few for a Kramers–Kronig test or a "
            f"distribution of relaxation times; it takes {_FEWEST} or more"
        )
    if f[0] < 1.5 * f[-1]:
        raise InputError(
            f"{spectrum.title}: all frequencies lie between {f[-1]:g} and {f[0]:g} Hz; a sweep "
            "covers a decade or more"
        )
    if (z == 0).any():
        where = f[int(np.argmax(z == 0))]
        raise InputError(f"{spectrum.title}: Z = 0 at {where:g} Hz; mask or remove that point")


def _limit(points: int) -> float:
    """Length of a two-part residual that one of `points` exceeds by chance [σ]."""
    return math.sqrt(2 * math.log(points / _FALSE_ALARM))


def _examine(
    omega: Floats, z: Complexes, tolerance: float
) -> tuple[Floats, Floats, Bools, float, float, int]:
    decades = math.log10(omega[0] / omega[-1]) + 2 * math.log10(_REACH)
    sizes = sorted({max(3, min(round(n * decades), z.size - 3)) for n in _PER_DECADE})
    weight = 1 / np.abs(z)
    y = np.concatenate([z.real * weight, z.imag * weight])
    found: tuple[Floats, Floats, Bools, float, float, int] = relaxation.examine(
        omega, y, weight, np.array(sizes), _REACH, _limit(z.size), tolerance, _ROUNDS
    )
    return found


def _verdict(good: Bools, sigma: float, structure: float, tolerance: float) -> Verdict:
    structured = structure > _STRUCTURE and sigma > tolerance
    if np.mean(~good) > _MANY or (structured and sigma > _GROSS * tolerance):
        return "fail"
    return "suspect" if structured or not good.all() or sigma > _NOISY else "pass"


def _flags(
    spectrum: Spectrum,
    residual: Complexes,
    good: Bools,
    sigma: float,
    structure: float,
    tolerance: float,
    wrong_sign: bool,
) -> tuple[str, ...]:
    f, flags = spectrum.frequency, []
    if wrong_sign:
        return (
            "Im Z has the wrong sign: the conjugate obeys the relations; read the file with "
            "read_spectra, or give z.conj()",
        )
    if not good.all():
        worst = np.abs(residual[~good]).max()
        named = ", ".join(f"{x:.3g}" for x in f[~good][:6])
        more = ", …" if (~good).sum() > 6 else ""
        flags.append(
            f"{(~good).sum()} of {f.size} points fail by up to {100 * worst:.2g} % of |Z|: "
            f"{named}{more} Hz"
        )
        share = np.cumsum(~good) / np.arange(1, f.size + 1)  # of the points from the top down
        if (share[1 : f.size // 2] >= 0.5).any():
            flags.append("the highest frequencies fail: cables or the instrument; mask them")
    if structure > _STRUCTURE and sigma > tolerance:
        flags.append(
            f"the residuals are correlated ({100 * sigma:.2g} % of |Z|): the cell changed during "
            "the sweep, was driven beyond its linear range, or the data were smoothed; the noise "
            "is an upper bound"
        )
    if sigma > _NOISY:
        flags.append(f"the noise is {100 * sigma:.2g} % of |Z|: the test says little")
    took = ""
    if spectrum.time is not None and (minutes := float(np.ptp(spectrum.time)) / 60) > 0:
        took = f" (this one took {minutes:.3g} min)"
    flags.append(_STATIONARY.replace("the sweep passes", f"the sweep{took} passes"))
    return tuple(flags)


def _shared(a: Spectrum, b: Spectrum) -> tuple[Spectrum, Spectrum]:
    """Points of both sweeps at the same frequencies."""
    near = np.abs(np.log(a.frequency[:, None] / b.frequency[None, :]))
    other = near.argmin(axis=1)
    same = near[np.arange(near.shape[0]), other] < 0.01
    if same.sum() < _WINDOW:
        raise InputError(
            f"{a.title} and {b.title} share {same.sum()} frequencies; comparing sweeps takes "
            f"{_WINDOW} or more"
        )
    return a.pick(same), b.pick(other[same])


def _drift_flags(a: Spectrum, b: Spectrum, smooth: Complexes, stands_out: Bools) -> tuple[str, ...]:
    if not stands_out.any():
        largest = np.abs(smooth).max()
        return (f"no change stands out of the noise; the largest is {100 * largest:.2g} % of |Z|",)
    at = int(np.argmax(np.where(stands_out, np.abs(smooth), 0)))
    size = 100 * (abs(b.z[at]) / abs(a.z[at]) - 1)
    f = a.frequency
    flags = [
        f"Z changed by {100 * abs(smooth[at]):.2g} % at {f[at]:.3g} Hz (|Z| by {size:+.2g} %); "
        f"the change stands out between {f[stands_out].min():.3g} and "
        f"{f[stands_out].max():.3g} Hz"
    ]
    if a.time is not None and b.time is not None and (gap := float(b.time[at] - a.time[at])) > 0:
        rate = 100 * abs(smooth[at]) * 3600 / gap
        flags.append(f"{gap / 60:.3g} min lie between: {rate:.2g} % per hour")
    flags.append("a single sweep mixes this change into its arcs: wait, or shorten the sweep")
    return tuple(flags)
