"""Which pixels of an image are the phase that is asked for, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.vocabulary import Floats

Phase = Literal["dark", "middle", "bright"]
Levels = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
PHASES: Final[tuple[str, ...]] = get_args(Phase)
_BINS: Final = 256
_MOST: Final = 3  # classes that a histogram is taken apart into
_GAIN: Final = 0.004  # log-likelihood per pixel that one more class must bring
_CHANCE: Final = 5.0  # that times the independent pixels, which chance does not bring
_FEWEST: Final = 0.002  # share of the pixels below which a class is none
_OFFSET: Final = 0.35  # of a class's spread: by how much the sweep moves a threshold
_SMOOTH: Final = (0.7, 3.0)  # pixels: narrowest and widest Gaussian
_FAR: Final = 2.5  # sums of spreads between two classes that only blur joins
_STEEP: Final = 3.0  # median slopes from which a pixel hardly counts in a histogram
_STARTS: Final = 8  # random ones of a mixture, beside those written down
_APART: Final = 2.5  # spreads between two classes that need no person to tell them apart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """A histogram taken apart into bells, from dark to bright."""

    shares: Floats  #: (k,) of the pixels
    means: Floats  #: (k,) levels
    spreads: Floats  #: (k,) levels
    likelihood: float  #: mean log-likelihood per pixel
    levels: Floats  #: (256,) middle of the bins
    density: Floats  #: (256,) share of the pixels in each

    def boundary(self, k: int) -> float:
        """Level between classes k and k + 1.

        Where they overlap, a pixel there is as likely of class k or darker as of a brighter
        one. Where they lie far apart only the blur of edges has levels between them, and an
        edge is halfway.
        """
        if self.far(k):
            return float(self.means[k : k + 2].mean())
        x = self.levels
        bells = self.shares / self.spreads * np.exp(
            -0.5 * ((x[:, None] - self.means) / self.spreads) ** 2
        )  # fmt: skip
        between = (x > self.means[k]) & (x < self.means[k + 1])
        brighter = bells[:, k + 1 :].sum(axis=1) > bells[:, : k + 1].sum(axis=1)
        found = np.flatnonzero(between & brighter)
        return float(x[found[0]] if found.size else (self.means[k] + self.means[k + 1]) / 2)

    def far(self, k: int) -> bool:
        """Whether classes k and k + 1 lie so far apart that noise does not mix them."""
        return bool(np.diff(self.means)[k] > _FAR * self.spreads[k : k + 2].sum())

    def valley(self, k: int) -> float | None:
        """Level of the lowest bin between classes k and k + 1, where there is a valley."""
        from scipy.ndimage import gaussian_filter1d

        smooth = gaussian_filter1d(self.density, 3.0)
        between = np.flatnonzero((self.levels > self.means[k]) & (self.levels < self.means[k + 1]))
        if between.size < 5:
            return None
        lowest = between[np.argmin(smooth[between])]
        inside = between[0] + 1 < lowest < between[-1] - 1
        return float(self.levels[lowest]) if inside else None

    def __str__(self) -> str:
        each = zip(self.shares, self.means, strict=True)
        return ", ".join(f"{100 * share:.2g} % near grey level {mean:.4g}" for share, mean in each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One way to tell a phase: smoothing and the levels between which it lies."""

    how: str
    smooth: float  #: standard deviation of the Gaussian, pixels
    low: float  #: levels
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """A phase of an image: the pixels, and other ways to tell them."""

    mask: Mask  #: (ny, nx)
    phase: str
    cut: Cut
    others: tuple[Cut, ...]  #: of the sweep
    classes: Classes
    levels: Levels  #: (ny, nx)
    said: tuple[str, ...] = ()

    def sweep(self) -> Iterator[tuple[Cut, Mask]]:
        """Masks of the chosen cut and of every other, so that a result can be found of each."""
        smoothed: dict[float, Levels] = {}
        for cut in (self.cut, *self.others):
            if cut.smooth not in smoothed:
                smoothed = {cut.smooth: blurred(self.levels, cut.smooth)}
            yield cut, _within(smoothed[cut.smooth], cut)


def blurred(levels: Levels, smooth: float) -> Levels:
    """Gaussian smoothing by `smooth` pixels."""
    from scipy.ndimage import gaussian_filter

    return levels if smooth <= 0 else gaussian_filter(levels, smooth, mode="nearest")


def _within(levels: Levels, cut: Cut) -> Mask:
    return np.asarray((levels >= cut.low) & (levels < cut.high))


def noise_width(levels: Levels, least: float = _SMOOTH[0]) -> float:
    """Width of the Gaussian [pixels] that takes out the noise of an image.

    Notes
    -----
    Noise from the median of a second difference that planes and edges along an axis do not
    reach (Immerkær 1996, doi:10.1006/cviu.1996.0060, with the median in place of the mean).
    """
    from scipy.ndimage import convolve

    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    step = max(1, levels.shape[0] // 1000)
    rows = levels[: 1000 * step]
    noise = float(np.median(np.abs(convolve(rows, kernel)))) / 0.6745 / 6
    contrast = float(levels.std())
    ratio = noise / contrast if contrast > 0 else 0.0
    return float(np.clip(4 * ratio, least, _SMOOTH[1]))


def classes_of(
    levels: Levels, smooth: float = 0.0, *, count: int | None = None, steep: bool = False
) -> Classes:
    """Take a histogram apart into classes, as many as it shows or as `count` says.

    One more class must raise the mean log-likelihood per pixel by 0.004, which a class of
    some tenths of a per cent does and a skew of a bell does not, and by what chance brings:
    smoothing leaves few independent pixels. Pixels on steep edges hardly count, since their
    levels are those of no phase; with `steep` they do, as the flanks of domes must.
    """
    from scipy.ndimage import gaussian_gradient_magnitude

    low, high = float(levels.min()), float(levels.max())
    if not high > low:
        raise InputError("all pixels have the same grey level; give an image with contrast")
    slope = gaussian_gradient_magnitude(levels, 1.0)
    typical = _STEEP * float(np.median(slope)) or float(slope.max()) or 1.0
    weight = np.ones(levels.shape) if steep else 1 / (1 + (slope / typical) ** 4)
    h, edges = np.histogram(levels, _BINS, range=(low, high), weights=weight)
    x = (edges[1:] + edges[:-1]) / 2
    w = h / h.sum()
    best = _mixture(x, w, 1 if count is None else count)
    chance = _CHANCE * max(1.0, 4 * np.pi * smooth**2) / levels.size
    for k in range(2, _MOST + 1) if count is None else ():
        more = _mixture(x, w, k)
        if more.likelihood - best.likelihood < max(_GAIN, chance) or more.shares.min() < _FEWEST:
            break
        best = more
    return best


def _mixture(x: Floats, w: Floats, k: int) -> Classes:
    """Best of a few mixtures of k bells, each begun from other shares."""
    starts = {
        1: ([1.0],),
        2: ([0.5, 0.5], [0.05, 0.95], [0.95, 0.05], [0.2, 0.8], [0.8, 0.2]),
        3: ([1 / 3] * 3, [0.1, 0.6, 0.3], [0.05, 0.9, 0.05], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6],
            [0.6, 0.2, 0.2]),
    }.get(k, ([1 / k] * k,))  # fmt: skip
    rng = np.random.default_rng(0)
    more = rng.dirichlet(np.full(k, 2.0), _STARTS) if k > 1 else ()
    found = [_maximised(x, w, np.array(shares)) for shares in (*starts, *more)]
    return max(found, key=lambda classes: classes.likelihood)


def _maximised(x: Floats, w: Floats, shares: Floats) -> Classes:
    """Expectation maximisation on a histogram."""
    step = x[1] - x[0]
    total = np.cumsum(w)
    ends = np.searchsorted(total, np.cumsum(shares)[:-1])
    part = np.zeros((x.size, shares.size))
    for k, (a, b) in enumerate(zip([0, *ends], [*ends, x.size], strict=True)):
        part[a : max(b, a + 1), k] = 1.0
    part += 1e-6
    last = -np.inf
    for _ in range(400):
        r = part / part.sum(axis=1, keepdims=True) * w[:, None]
        p = r.sum(axis=0) + 1e-12
        mean = (r * x[:, None]).sum(axis=0) / p
        sd = np.sqrt((r * (x[:, None] - mean) ** 2).sum(axis=0) / p + (0.7 * step) ** 2)
        part = p / sd * np.exp(-0.5 * ((x[:, None] - mean) / sd) ** 2) / np.sqrt(2 * np.pi) + 1e-300
        likelihood = float((w * np.log(part.sum(axis=1) * step)).sum())
        if likelihood - last < 1e-7:
            break
        last = likelihood
    order = np.argsort(mean)
    return Classes(
        shares=p[order], means=mean[order], spreads=sd[order], likelihood=likelihood,
        levels=x, density=w,
    )  # fmt: skip


def segment(
    levels: Levels,
    *,
    name: str,
    phase: str | None = None,
    threshold: float | None = None,
    smooth: float | None = None,
    what: str = "pores",
    ground: bool = False,
) -> Segmentation:
    """Tell one phase of an image, and set up the sweep of other ways to tell it.

    Parameters
    ----------
    levels : (ny, nx)
        Grey levels or heights.
    name
        Of the file, for messages.
    phase
        `"dark"`, `"middle"` (of three) or `"bright"`. None is taken as the smaller of two
        classes that lie well apart, and refused otherwise.
    threshold
        Level between the phase and its neighbour, in place of the one found.
    smooth
        Width of the Gaussian that takes out noise [pixels]; by default from the noise.
    what
        Word for the phase, for messages.
    ground
        Whether the phase is all that is brighter than the largest class, as what stands out
        of a height map is.

    Raises
    ------
    InputError
        If the phase is not given and the histogram cannot tell, or there is no such phase.
    """
    if phase is not None and phase not in PHASES:
        raise InputError(f"phase={phase!r}; it is one of {', '.join(PHASES)}")
    if smooth is not None and not 0 <= smooth <= 50:
        raise InputError(f"smooth={smooth:g} pixels; give 0 to 50")
    # heights are as sharp as they can be told, and a blurred edge of a tall seed is wide
    least = 0.0 if ground else _SMOOTH[0]
    width = noise_width(levels, least) if smooth is None else float(smooth)
    soft = blurred(levels, width)
    try:
        classes = classes_of(soft, width, steep=ground)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    said: list[str] = []
    if ground:
        phase = "bright"
    if phase is None:
        phase, sentence = _guessed(classes, name, what)
        said.append(sentence)
    if threshold is not None:
        cuts = _given(soft, phase, threshold, width, classes, name)
    elif ground:
        cuts = _above_ground(levels, classes, width, name, what)
    else:
        cuts = _found(levels, classes, phase, width, name, what)
    mask = _within(soft, cuts[0])
    return Segmentation(
        mask=mask, phase=phase, cut=cuts[0], others=tuple(cuts[1:]), classes=classes,
        levels=levels, said=tuple(said),
    )  # fmt: skip


def _guessed(classes: Classes, name: str, what: str) -> tuple[str, str]:
    """The smaller of two classes that lie well apart, or a refusal."""
    ask = 'say which are meant: phase="dark", "middle" or "bright"'
    if classes.means.size != 2:
        count = {1: "one class", 3: "three classes"}.get(classes.means.size, "many classes")
        raise InputError(
            f"{name}: its histogram shows {count} ({classes}), so it cannot tell the {what}; {ask}"
        )
    apart = float(np.diff(classes.means)[0] / np.sqrt((classes.spreads**2).mean()))
    few = int(np.argmin(classes.shares))
    if apart < _APART or classes.shares[few] > 0.35:
        raise InputError(
            f"{name}: its histogram shows two classes ({classes}), of which neither is clearly "
            f"the {what}; {ask}"
        )
    phase = ("dark", "bright")[few]
    return phase, f"took the {phase} phase, the smaller of two ({classes}), as {what}"


def _given(
    soft: Levels, phase: str, threshold: float, width: float, classes: Classes, name: str
) -> list[Cut]:
    """Cuts about a threshold that a person gave."""
    low, high = float(soft.min()), float(soft.max())
    if phase == "middle":
        raise InputError("one threshold cannot tell the middle phase; leave it out")
    if not low < threshold < high:
        raise InputError(
            f"{name}: threshold={threshold:g} is outside the levels of the image, "
            f"{low:.4g} to {high:.4g}"
        )
    step = _OFFSET * float(classes.spreads[0 if phase == "dark" else -1])
    return [
        _side(phase, "given", width, threshold),
        *(
            _side(phase, f"given {'-+'[sign > 0]}", width, threshold + sign * step)
            for sign in (-1, 1)
        ),
        *(_side(phase, "given", factor * width, threshold) for factor in (0.7, 1.4)),
    ]


def _side(phase: str, how: str, width: float, level: float) -> Cut:
    low, high = (-np.inf, level) if phase == "dark" else (level, np.inf)
    return Cut(how=how, smooth=width, low=low, high=high)


def _found(
    levels: Levels, classes: Classes, phase: str, width: float, name: str, what: str
) -> list[Cut]:
    """Cuts at the boundaries of classes: the mixture's, and others."""
    k = classes.means.size
    if k == 1:
        raise InputError(
            f"{name}: its histogram shows one class ({classes}), so no {what} can be told by "
            "their grey level; give threshold= if you see them"
        )
    if phase == "middle" and k != 3:
        raise InputError(f"{name}: its histogram shows {k} classes ({classes}), so none is middle")
    cuts = _at_boundaries(blurred(levels, width), classes, phase, width)
    for factor in (0.7, 1.4):
        soft = blurred(levels, factor * width)
        again = classes_of(soft, count=k)
        if abs(again.means - classes.means).max() < 1.5 * classes.spreads.max():
            cuts.append(_at_boundaries(soft, again, phase, factor * width)[0])
    if k == 2:  # with a third class these fall between the wrong ones, or amid a bell
        cuts.append(_side(phase, "halfway", width, float(classes.means.mean())))
        cuts.append(_side(phase, "Otsu", width, _otsu(classes)))
        if (valley := classes.valley(0)) is not None:
            cuts.append(_side(phase, "valley", width, valley))
    return cuts


def _above_ground(
    levels: Levels, classes: Classes, width: float, name: str, what: str
) -> list[Cut]:
    """Cuts above the largest class: where another begins, and above its spread."""
    k, last = int(np.argmax(classes.shares)), classes.means.size - 1
    if k == last:
        raise InputError(
            f"{name}: no {what} stand out of the largest class of heights; give threshold= "
            '[m] above its median, or phase="dark" for pits'
        )
    mean, spread = float(classes.means[k]), float(classes.spreads[k])
    level = classes.boundary(k)
    cuts = [
        _side("bright", how, width, level + move * spread)
        for how, move in (("mixture", 0.0), ("mixture -", -_OFFSET), ("mixture +", _OFFSET))
    ]
    cuts += [_side("bright", f"{n} spreads", width, mean + n * spread) for n in (3, 4)]
    for factor in (0.7, 1.4):
        again = classes_of(blurred(levels, factor * width), count=last + 1, steep=True)
        k = int(np.argmax(again.shares))
        if k < last:
            cuts.append(_side("bright", "mixture", factor * width, again.boundary(k)))
    return cuts


def _at_boundaries(soft: Levels, classes: Classes, phase: str, width: float) -> list[Cut]:
    """Cut at the boundaries of a phase, and cuts to either side of it.

    Of three classes the outer ones overlap the one in the middle, and a fourth bell moves
    the boundary much: then it is taken halfway between those of three and of four.
    """
    last = classes.means.size - 1
    if last == 2 and phase == "middle":
        step = _OFFSET * float(classes.spreads[1])
        low, high = classes.boundary(0), classes.boundary(1)
        return [
            Cut(how=how, smooth=width, low=low - move, high=high + move)
            for how, move in (("mixture", 0.0), ("mixture -", -step), ("mixture +", step))
        ]
    own, k = (0, 0) if phase == "dark" else (last, last - 1)
    level, step = classes.boundary(k), _OFFSET * float(classes.spreads[own])
    extra = []
    if last == 2 and not classes.far(k):
        four = classes_of(soft, count=4)
        other = four.boundary(0 if phase == "dark" else 2)
        extra = [("three classes", level), ("four classes", other)]
        level = (level + other) / 2
    moved = [("mixture", level), ("mixture -", level - step), ("mixture +", level + step)]
    return [_side(phase, how, width, at) for how, at in (*moved, *extra)]


def _otsu(classes: Classes) -> float:
    """Level that parts the histogram with the least variance within (Otsu 1979)."""
    w, x = classes.density, classes.levels
    below = np.cumsum(w)
    mean = np.cumsum(w * x)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * below - mean) ** 2 / (below * (1 - below))
    return float(x[np.nanargmax(between[:-1])])
