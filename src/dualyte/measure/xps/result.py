"""What a fit of peaks found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dualyte.errors import InputError
from dualyte.measure.xps.models import PeakModel
from dualyte.measure.xps.peaks import SHAPES
from dualyte.measure.xps.spectrum import XpsSpectrum
from dualyte.vocabulary import ELECTRON, Floats, show

SEEN: Final = 2.0  #: standard deviations of area below which a peak is not seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeakFit:
    """Peaks fitted to a spectrum, and how far to trust them. Read-only.

    Areas of doublets are those of both lines, positions and heights those of the stronger.
    """

    model: PeakModel
    spectrum: XpsSpectrum  #: the channels fitted
    background_kind: str
    background: Floats  #: (m,) in units of the counts
    components: Floats  #: (n, m) in units of the counts
    residuals: Floats  #: (m,) over their standard deviations
    position: Floats  #: (n,) J
    position_spread: Floats  #: (n,) J, without that of the charge reference; nan where held
    width: Floats  #: (n,) J, full width at half maximum
    width_spread: Floats  #: (n,) J
    area: Floats  #: (n,) counts times J
    area_covariance: Floats  #: (n, n)
    mixing: Floats  #: (n,) share of the Lorentzian
    chi2_reduced: float  #: nan where the scatter of counting is not known
    counted: bool  #: whether errors start from the scatter of counting
    at_end: tuple[str, ...] = ()  #: peaks that are seen, and lie at the end of their range
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for word in ("background", "components", "residuals", "position", "position_spread",
                     "width", "width_spread", "area", "area_covariance",
                     "mixing"):  # fmt: skip
            column = np.array(getattr(self, word), dtype=np.float64)
            column.setflags(write=False)
            object.__setattr__(self, word, column)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the peaks, (n,)."""
        return tuple(peak.name for peak in self.model.peaks)

    @property
    def seen(self) -> tuple[bool, ...]:
        """Whether the area of each peak is two standard deviations or more, (n,)."""
        return tuple((self.area >= SEEN * self.area_spread).tolist())

    @property
    def area_spread(self) -> Floats:
        """Standard deviations of the areas, (n,)."""
        return np.asarray(np.sqrt(np.diag(self.area_covariance)))

    @property
    def correlation(self) -> Floats:
        """Correlation of the areas, (n, n)."""
        wide = np.where(self.area_spread > 0, self.area_spread, 1.0)
        return np.asarray(self.area_covariance / np.outer(wide, wide))

    @property
    def share(self) -> Floats:
        """Share of each peak in the area of all, (n,)."""
        return np.asarray(self.area / max(float(self.area.sum()), 1e-300))

    @property
    def share_spread(self) -> Floats:
        """Standard deviations of the shares, correlation included, (n,)."""
        slope = (np.eye(self.area.size) - self.share[:, None]) / max(float(self.area.sum()), 1e-300)
        return np.asarray(np.sqrt(np.diag(slope @ self.area_covariance @ slope.T)))

    @property
    def height(self) -> Floats:
        """Heights of the (stronger) lines above the background, (n,)."""
        shape = SHAPES[self.model.shape]
        ratios = np.array([peak.ratio for peak in self.model.peaks])
        tops = [
            float(shape(np.zeros(1), 0.0, w, m)[0])
            for w, m in zip(self.width / ELECTRON, self.mixing, strict=True)
        ]
        return np.asarray(self.area / ELECTRON / (1 + ratios) * np.array(tops))

    @property
    def fitted(self) -> Floats:
        """Background and all peaks, (m,)."""
        return np.asarray(self.background + self.components.sum(axis=0))

    def index(self, name: str) -> int:
        """Return the index of a peak.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if name not in self.names:
            raise InputError(f"no peak is called {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def ratio(self, name: str, other: str) -> tuple[float, float]:
        """Ratio of two areas and its standard deviation.

        Raises
        ------
        InputError
            If a name is unknown or the other area is 0.
        """
        i, j = self.index(name), self.index(other)
        if self.area[j] <= 0:
            raise InputError(f"peak {other} has no area, so there is no ratio to it")
        found = float(self.area[i] / self.area[j])
        slope = np.zeros(self.area.size)
        slope[i], slope[j] = 1 / self.area[j], -found / self.area[j]
        return found, float(np.sqrt(slope @ self.area_covariance @ slope))

    def __str__(self) -> str:
        lines = [f"{self.spectrum.title}: {self.model.name}, {self.background_kind} background"]
        for k, name in enumerate(self.names):
            position = show("binding_energy", self.position[k], 6)
            wide = float(self.position_spread[k])
            spread = f"± {show('binding_energy', wide, 2)}" if np.isfinite(wide) else "(held)"
            lines.append(
                f"  {name}: {position} {spread}, width {show('binding_energy', self.width[k])}, "
                f"{100 * self.share[k]:.1f} % ± {100 * self.share_spread[k]:.1f} %"
            )
        if np.isfinite(self.chi2_reduced):
            lines.append(f"  reduced χ² {self.chi2_reduced:.3g}")
        return "\n".join([*lines, *(f"  note: {flag}" for flag in self.flags)])
