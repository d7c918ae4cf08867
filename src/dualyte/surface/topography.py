"""A surface before anything touches it: drawn or measured, described, made ready to press.

Heights are metres above the mean plane, `heights[i, j]` at x = (i + ½)·pixel and
y = (j + ½)·pixel. Nothing here changes a surface in place: each step returns a new one
and adds to `changes` a sentence that says what was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from dualyte.errors import InputError
from dualyte.material import Value
from dualyte.vocabulary import WORDS, Floats, checked, show

if TYPE_CHECKING:
    import xarray as xr

_PAPER: Final = "text, 'Electrical properties of bilayer symmetric cells'"
_GRITS: Final = {
    name: Value(
        quantity="roughness",
        si=si,
        kind="measured",
        source="paper2026",
        where=_PAPER,
        law="normal" if low is None else "uniform",
        spread=0.1 * si if low is None else 0.0,
        low=low,
        high=high,
        spread_kind="assumed" if low is None else None,
        note=f"LLZTO ground with {name} paper",
    )
    for name, si, low, high in (
        ("P400", 300e-9, None, None),
        ("P1000", 130e-9, 120e-9, 150e-9),
        ("P4000", 30e-9, None, None),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """Heights on a rectangular grid, and how they came to be.

    Raises
    ------
    InputError
        If heights are not a grid of at least 4 × 4 finite numbers, or heights or sizes
        are implausible in metres.
    """

    heights: Floats  #: (nx, ny) m, zero mean, read-only
    size: tuple[float, float]  #: field along x and y, m
    name: str
    periodic: bool = False  #: whether the field repeats without a step
    seed: int | None = None  #: of a synthetic surface
    inputs: Mapping[str, Value] = field(default_factory=dict)  #: what it was drawn from
    changes: tuple[str, ...] = ()  #: what reading and preparing changed, in order

    def __post_init__(self) -> None:
        heights = np.array(self.heights, dtype=np.float64)
        if heights.ndim != 2 or min(heights.shape) < 4:
            raise InputError(
                f"{self.name}: heights have shape {heights.shape}; "
                "give a grid (nx, ny) of at least 4 × 4 points"
            )
        if bad := int(np.count_nonzero(~np.isfinite(heights))):
            raise InputError(
                f"{self.name}: {bad} of {heights.size} heights are not finite numbers; "
                "fill or crop them first (read_surface fills small voids of a file)"
            )
        size = checked("length", self.size)
        if size.shape != (2,):
            raise InputError(f"{self.name}: size is {self.size}; give (x, y) in metres")
        mean = heights.mean()
        if abs(mean) > 1e-14 * np.abs(heights).max():
            heights -= mean  # first, as an instrument's zero may be centimetres away
        checked("height", [heights.min(), heights.max()])
        heights.setflags(write=False)
        object.__setattr__(self, "heights", heights)
        object.__setattr__(self, "size", (float(size[0]), float(size[1])))
        object.__setattr__(self, "changes", tuple(self.changes))

    @property
    def pixel(self) -> tuple[float, float]:
        """Distance between neighbouring points along x and y [m]."""
        return self.size[0] / self.heights.shape[0], self.size[1] / self.heights.shape[1]

    def to_dataset(self) -> xr.Dataset:
        """Return the heights as a Dataset that can be saved and plotted."""
        import xarray as xr

        axes = {
            name: (name, (np.arange(n) + 0.5) * d, {"units": WORDS["length"].unit})
            for name, n, d in zip("xy", self.heights.shape, self.pixel, strict=True)
        }
        attrs = {"name": self.name, "periodic": int(self.periodic)}
        if self.seed is not None:
            attrs["seed"] = self.seed
        about = {"units": WORDS["height"].unit, "long_name": WORDS["height"].text}
        return xr.Dataset(
            {"height": (("x", "y"), self.heights, about)},
            coords=axes,
            attrs={**attrs, "changes": "\n".join(self.changes)},
        )

    def __str__(self) -> str:
        sides = " × ".join(show("length", side) for side in self.size)
        points = " × ".join(str(n) for n in self.heights.shape)
        kind = "periodic" if self.periodic else "not periodic"
        sq, slope = float(self.heights.std()), np.sqrt(_mean_square_slope(self))
        rows = [
            f"{self.name}: {sides}, {points} points, {kind}",
            f"  Sq {show('roughness', sq)}, slope {show('slope', slope, 3)}",
            *(f"  {name}: {value}" for name, value in self.inputs.items()),
            *(f"  changed: {sentence}" for sentence in self.changes),
        ]
        return "\n".join(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roughness:
    """Areal roughness parameters of one surface, as measured: nothing is filtered."""

    sq: float  #: root-mean-square height, m
    sa: float  #: mean absolute height, m
    ssk: float  #: skewness; 0 for a Gaussian surface
    sku: float  #: kurtosis; 3 for a Gaussian surface
    sdq: float  #: root-mean-square slope
    curvature: float  #: root-mean-square mean curvature ½∇²h, 1/m
    correlation_length: float  #: where the autocorrelation falls to 1/e, m; nan if it never does

    def __str__(self) -> str:
        return (
            f"Sq {show('roughness', self.sq)}, Sa {show('roughness', self.sa)}, "
            f"slope {show('slope', self.sdq, 3)}, "
            f"correlation length {show('length', self.correlation_length, 3)}, "
            f"skewness {self.ssk:.2f}, kurtosis {self.sku:.2f}"
        )


def grit(name: str) -> Value:
    """Root-mean-square roughness of LLZTO ground with a grade of sandpaper.

    P400 and P4000 come without an uncertainty: their 10 % spread is assumed.

    Raises
    ------
    InputError
        If the grade was not measured.

    Examples
    --------
    >>> print(grit("P1000"))
    130 nm (121 nm … 148 nm), measured, paper2026: text, 'Electrical ... symmetric cells'
    """
    found = _GRITS.get(str(name).strip().upper())
    if found is None:
        raise InputError(f"no roughness is known for grit {name!r} (known: {', '.join(_GRITS)})")
    return found


def self_affine(
    *,
    sq: float | Value,
    correlation_length: float | Value,
    hurst: float | Value = 0.8,
    cutoff: float | Value,
    seed: int,
    size: float,
    n: int,
) -> Surface:
    r"""Draw a periodic, isotropic, Gaussian self-affine surface.

    Its power spectrum is flat up to q₀ = 2π/`correlation_length`, falls as
    q^(-2-2H) up to 2π/`cutoff`, and is zero beyond.

    Parameters
    ----------
    sq
        Root-mean-square height Sq [m]; met exactly, whatever the seed.
    correlation_length
        Roll-off wavelength λ₀ [m]. The distance where the autocorrelation falls to 1/e
        (see `roughness`) is shorter, about λ₀/4 for H = 0.8.
    hurst
        Hurst exponent H ∈ (0, 1].
    cutoff
        Shortest wavelength [m], at least two pixels.
    seed
        The same seed and `n` give the same surface, on every machine.
    size, n
        Side of the square cell [m] and points along it.

    Returns
    -------
    Surface
        (n, n), periodic; `inputs` keeps each number and where it is from.

    Raises
    ------
    InputError
        If the lengths are not in the order 2 pixels ≤ cutoff ≤ correlation_length ≤ size,
        or the Hurst exponent is outside (0, 1].

    Notes
    -----
    White noise is filtered in Fourier space. Source: Jacobs, Junge & Pastewka 2017,
    doi:10.1088/2051-672X/aa51f8.

    Examples
    --------
    >>> s = self_affine(sq=grit("P1000"), correlation_length=4e-6, cutoff=5e-7, seed=1,
    ...                 size=16e-6, n=64)
    >>> round(float(s.heights.std()) * 1e9, 6)
    130.0
    """
    from scipy.fft import irfft2, rfft2

    inputs = {
        "sq": _input("roughness", "sq", sq),
        "correlation_length": _input("length", "correlation_length", correlation_length),
        "hurst": _input("ratio", "hurst", hurst),
        "cutoff": _input("length", "cutoff", cutoff),
    }
    longest, h, shortest = (inputs[x].si for x in ("correlation_length", "hurst", "cutoff"))
    _check_band(shortest, longest, h, float(checked("length", size)), n)
    along = np.abs(np.fft.fftfreq(n, 1 / n))  # in waves per side, so that edges are exact
    k = np.hypot(along[:, None], along[None, : n // 2 + 1])
    power = np.maximum(k * longest / size, 1.0) ** (-2 - 2 * h)
    power[k > size / shortest * (1 + 1e-9)] = 0.0
    power[0, 0] = 0.0
    white = np.random.default_rng(seed).standard_normal((n, n))
    heights = irfft2(rfft2(white) * np.sqrt(power), s=(n, n))
    heights -= heights.mean()
    return Surface(
        heights=heights * (inputs["sq"].si / heights.std()),
        size=(size, size),
        name=f"self-affine surface, seed {seed}",
        periodic=True,
        seed=seed,
        inputs=inputs,
    )


def _input(word: str, name: str, given: float | Value) -> Value:
    if isinstance(given, Value):
        return given
    return Value(
        quantity=word,
        si=float(checked(word, given)),
        kind="assumed",
        source="user",
        where=f"{name} given to self_affine",
    )


def _check_band(cutoff: float, roll_off: float, hurst: float, size: float, n: int) -> None:
    if n < 4:
        raise InputError(f"n={n} points a side are too few; give at least 4")
    if not 0 < hurst <= 1:
        raise InputError(f"hurst={hurst:g} is outside (0, 1]; ground surfaces have about 0.8")
    length = {x: show("length", y) for x, y in (("c", cutoff), ("r", roll_off), ("s", size))}
    slack = 1 + 1e-9
    if cutoff * slack < 2 * size / n:
        raise InputError(
            f"cutoff={length['c']} is shorter than two pixels of {show('length', size / n)}; "
            f"give n of at least {int(np.ceil(2 * size / cutoff / slack))}, or a longer cutoff"
        )
    if roll_off * slack < cutoff:
        raise InputError(
            f"correlation_length={length['r']} is shorter than cutoff={length['c']}; "
            "give a shorter cutoff"
        )
    if size * slack < roll_off:
        raise InputError(
            f"size={length['s']} is shorter than correlation_length={length['r']}; "
            "give a larger size, several correlation lengths if the surface is to be typical"
        )


def roughness(surface: Surface) -> Roughness:
    """Areal roughness parameters of a surface.

    Slope and curvature of a periodic surface are spectral, so exact for what the grid can
    hold. Those of other surfaces are finite differences (forward for the slope), which
    see less of wavelengths near two pixels; tilt counts, so `detrend` first.

    Parameters
    ----------
    surface
        Heights (nx, ny) [m].

    Returns
    -------
    Roughness
        Skewness and kurtosis of a flat surface are nan.

    Notes
    -----
    Sq, Sa, Ssk, Sku and Sdq as ISO 25178-2 defines them on the unfiltered surface. The
    correlation length is where the radially averaged autocorrelation first falls to 1/e,
    looked for up to half the shorter side.

    Examples
    --------
    >>> x = np.arange(64) / 64 * 1e-5
    >>> wave = np.repeat(1e-7 * np.sin(2 * np.pi * x[:, None] / 1e-5), 64, axis=1)
    >>> found = roughness(Surface(heights=wave, size=(1e-5, 1e-5), name="wave", periodic=True))
    >>> round(found.sq * 1e9, 3), round(found.sku, 3), round(found.sdq, 5)
    (70.711, 1.5, 0.04443)
    """
    z = surface.heights
    sq = float(z.std())
    shape = z / sq if sq > 0 else np.full_like(z, np.nan)
    return Roughness(
        sq=sq,
        sa=float(np.abs(z).mean()),
        ssk=float((shape**3).mean()),
        sku=float((shape**4).mean()),
        sdq=float(np.sqrt(_mean_square_slope(surface))),
        curvature=_curvature(surface),
        correlation_length=_correlation_length(surface) if sq > 0 else float("nan"),
    )


def psd(surface: Surface, *, radial: bool = True) -> tuple[Floats, Floats]:
    """Power spectral density of the heights.

    Parameters
    ----------
    surface
        Heights (nx, ny) [m]. A surface that is not periodic is put under a Hann window,
        after which the spectrum is scaled to keep Sq.
    radial
        Average over rings of wavevectors one 2π/side wide; otherwise return every mode.

    Returns
    -------
    q, C : (r,) or (nx, ny)
        Wavevector magnitude [1/m] and C = |∫ h e^(-iqx) dA|² / A [m⁴]. The modes obey the
        sum rule ∫ C d²q / 4π² = ΣC / A = Sq² exactly; the rings, with d²q = 2πq dq, to the
        few per cent by which a ring of a square grid holds more or fewer modes than its area.

    Notes
    -----
    The convention C^iso of Jacobs, Junge & Pastewka 2017, doi:10.1088/2051-672X/aa51f8.

    Examples
    --------
    >>> s = self_affine(sq=1e-7, correlation_length=4e-6, cutoff=1e-6, seed=1, size=16e-6, n=32)
    >>> q, C = psd(s, radial=False)
    >>> round(float(C.sum()) / 16e-6**2 / 1e-14, 9)
    1.0
    """
    z, area = surface.heights, surface.size[0] * surface.size[1]
    if not surface.periodic:
        z = z * np.outer(*(np.hanning(n + 2)[1:-1] for n in z.shape))
        z = z - z.mean()
    power = np.abs(np.fft.fft2(z)) ** 2
    power[0, 0] = 0.0
    if (total := float(power.sum())) > 0:
        power *= float(surface.heights.var()) * area / total
    q = _wavevectors(surface)
    if not radial:
        return q, power
    ring = np.rint(q * max(surface.size) / (2 * np.pi)).astype(np.intp).ravel()
    count = np.bincount(ring)
    kept = np.flatnonzero(count[1:]) + 1  # ring 0 is the mean height
    rings = [np.bincount(ring, weights=x.ravel())[kept] / count[kept] for x in (q, power)]
    return rings[0], rings[1]


def _wavevectors(surface: Surface) -> Floats:
    """Magnitude of the wavevector of every Fourier mode, (nx, ny) [1/m]."""
    along = [
        2 * np.pi * np.fft.fftfreq(n, d)
        for n, d in zip(surface.heights.shape, surface.pixel, strict=True)
    ]
    return np.asarray(np.hypot(along[0][:, None], along[1][None, :]))


def _mean_square_slope(surface: Surface) -> float:
    if surface.periodic:
        q, power = psd(surface, radial=False)
        return float((q**2 * power).sum()) / (surface.size[0] * surface.size[1])
    z, (dx, dy) = surface.heights, surface.pixel
    along_x = np.diff(z, axis=0)[:, :-1] / dx
    along_y = np.diff(z, axis=1)[:-1] / dy
    return float((along_x**2 + along_y**2).mean())


def _curvature(surface: Surface) -> float:
    """Root-mean-square of ½∇²h [1/m]."""
    if surface.periodic:
        q, power = psd(surface, radial=False)
        area = surface.size[0] * surface.size[1]
        return float(np.sqrt((q**4 * power).sum() / area)) / 2
    z, (dx, dy) = surface.heights, surface.pixel
    along_x = np.diff(z, 2, axis=0)[:, 1:-1] / dx**2
    along_y = np.diff(z, 2, axis=1)[1:-1] / dy**2
    return float(np.sqrt(((along_x + along_y) ** 2).mean())) / 2


def _correlation_length(surface: Surface) -> float:
    z = surface.heights
    nx, ny = z.shape
    wrap = (nx, ny) if surface.periodic else (2 * nx, 2 * ny)
    both = np.fft.irfft2(np.abs(np.fft.rfft2(z, s=wrap)) ** 2, s=wrap)[: nx // 2, : ny // 2]
    pairs = np.full(both.shape, float(z.size))
    if not surface.periodic:
        pairs = np.outer(nx - np.arange(nx // 2), ny - np.arange(ny // 2)).astype(np.float64)
    dx, dy = surface.pixel
    lag = np.hypot(np.arange(nx // 2)[:, None] * dx, np.arange(ny // 2)[None, :] * dy)
    ring = np.rint(lag / max(dx, dy)).astype(np.intp).ravel()
    count = np.bincount(ring)
    r = np.bincount(ring, weights=lag.ravel()) / count
    alike = np.bincount(ring, weights=(both / pairs).ravel()) / count / z.var()
    alike, r = alike[r <= min(surface.size) / 2], r[r <= min(surface.size) / 2]
    below = np.flatnonzero(alike < np.exp(-1))
    if not below.size:
        return float("nan")
    if (i := int(below[0])) == 0:
        return float(r[0])
    step = (alike[i - 1] - np.exp(-1)) / (alike[i - 1] - alike[i])
    return float(r[i - 1] + step * (r[i] - r[i - 1]))
