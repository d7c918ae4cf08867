"""What a temperature fit found, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.material import Law as Spread
from dualyte.material import Value
from dualyte.measure.arrhenius.laws import (
    FORM_TEXT,
    LAW_TEXT,
    SAME,
    Form,
    Law,
    Outliers,
    columns,
    quantile,
)
from dualyte.vocabulary import WORDS, Floats, checked, show

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """A fitted law at some temperatures, with its interval."""

    temperature: Floats  #: (m,) K
    value: Floats  #: (m,) SI
    low: Floats  #: (m,) SI
    high: Floats  #: (m,) SI
    level: float
    extrapolated: npt.NDArray[np.bool_]  #: (m,) outside the measured temperatures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrheniusFit:
    """An activation energy, and all that is needed to judge it."""

    form: Form
    law: Law
    quantity: str  #: row of the vocabulary that the values belong to
    temperature: Floats  #: (n,) K
    value: Floats  #: (n,) SI
    relative: Floats | None  #: (n,) relative standard deviation used as weight, if known
    weights: str  #: where the weights come from
    policy: Outliers
    robust: Floats  #: (n,) weight left by the outlier policy, 0 … 1
    outliers: tuple[int, ...]  #: indices of points that stand out
    theta: Floats  #: ln of the prefactor, energy [J] and, of the VTF law, T₀ [K]
    covariance: Floats  #: of theta; zero for a T₀ at its bound, which is held
    errors: Literal["scaled", "unscaled"]  #: whether the covariance was scaled by χ²
    degrees: float  #: of freedom of intervals; inf where the spreads are trusted
    residual: Floats  #: (n,) of the logarithm
    chi2_reduced: float  #: of the weighted fit; without spreads, the squared relative scatter
    r_squared: float  #: of the weighted fit, in the logarithm
    aicc: Mapping[str, float]  #: by law; lower is better
    curvature: float | None  #: probability of so much curvature by chance, if Arrhenius holds
    lack_of_fit: float | None  #: probability of such residuals by the scatter of replicates
    at: float  #: K, where `reference` is given
    flags: tuple[str, ...]  #: what to know before using it, in sentences
    name: str = ""

    @property
    def activation_energy(self) -> Value:
        """Activation energy [J]; of a VTF law its slope at `at`, which is no constant."""
        energy, gradient = self._energy(self.at)
        spread = float(np.sqrt(gradient @ self.covariance @ gradient))
        note = (
            ""
            if self.law == "arrhenius"
            else f"slope of a VTF law at {show('temperature', self.at)}"
        )
        return self._told("activation_energy", energy, spread, "normal", note)

    @property
    def reference(self) -> Value:
        """The quantity at the temperature `at`, SI; its spread is of the logarithm."""
        y, gradient = self._log(np.array([self.at]))
        spread = float(np.sqrt(gradient[0] @ self.covariance @ gradient[0]))
        note = "extrapolated" if self._outside(np.array([self.at]))[0] else ""
        return self._told(self.quantity, float(np.exp(y[0])), spread, "log-normal", note)

    @property
    def correlation(self) -> Floats:
        """Of theta."""
        s = np.sqrt(np.diag(self.covariance))
        with np.errstate(invalid="ignore"):
            return np.asarray(self.covariance / np.outer(s, s))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Interval of the activation energy [J], with the degrees of freedom of the fit."""
        value = self.activation_energy
        reach = quantile(level, self.degrees) * value.spread
        return value.si - reach, value.si + reach

    def band(self, temperature: npt.ArrayLike, *, level: float = 0.9, new: bool = False) -> Band:
        """Predict the law at some temperatures.

        Parameters
        ----------
        temperature : (...)
            K, any shape; the answer is flat.
        level
            Probability inside the interval.
        new
            Whether the interval is that of one more measurement, not of the law.
        """
        T = np.atleast_1d(checked("temperature", temperature)).ravel()
        y, gradient = self._log(T)
        variance = np.einsum("ij,jk,ik->i", gradient, self.covariance, gradient)
        if new:
            variance = variance + self.scatter**2
        reach = quantile(level, self.degrees) * np.sqrt(variance)
        return Band(
            temperature=T,
            value=np.exp(y),
            low=np.exp(y - reach),
            high=np.exp(y + reach),
            level=level,
            extrapolated=self._outside(T),
        )

    @property
    def scatter(self) -> float:
        """Relative standard deviation of one measurement (root mean square of the weights')."""
        if self.relative is None:
            return float(np.sqrt(self.chi2_reduced))
        scale = self.chi2_reduced if self.errors == "scaled" else 1.0
        return float(np.sqrt(np.mean(self.relative**2) * scale))

    def _energy(self, T: float) -> tuple[float, Floats]:
        """Slope of the law in 1/kT at T, and its gradient with respect to theta."""
        if self.law == "arrhenius":
            return float(self.theta[1]), np.array([0.0, 1.0])
        B, T0 = self.theta[1:]
        ratio = T / (T - T0)
        return float(B * ratio**2), np.array([0.0, ratio**2, 2 * B * ratio**2 / (T - T0)])

    def _log(self, T: Floats) -> tuple[Floats, Floats]:
        """Logarithm of the quantity, and its gradient (m, p) with respect to theta."""
        T0 = float(self.theta[2]) if self.law == "vtf" else 0.0
        if (T <= T0).any():
            raise InputError(
                f"temperature {T.min():g} K is not above T0 = {T0:g} K, where the VTF law ends"
            )
        gradient = columns(T, T0, float(self.theta[1]), self.form, self.law == "vtf")
        y = self.theta[0] + gradient[:, 1] * self.theta[1]
        return (y - np.log(T) if self.form == "sigmaT" else y), gradient

    def _outside(self, T: Floats) -> npt.NDArray[np.bool_]:
        low, high = self.temperature.min() - SAME, self.temperature.max() + SAME
        return np.asarray((low > T) | (high < T))

    def _told(self, quantity: str, si: float, spread: float, law: Spread, note: str) -> Value:
        low, high = (show("temperature", f(self.temperature)) for f in (np.min, np.max))
        return Value(
            quantity=quantity, si=si, kind="measured", source="user", law=law, spread=spread,
            where=f"{LAW_TEXT[self.law]} fit of {FORM_TEXT[self.form]}, "
            f"{self.temperature.size} points, {low} … {high}", note=note,
        )  # fmt: skip

    def to_dataset(self) -> xr.Dataset:
        """Return points, residuals and the law as a Dataset."""
        import xarray as xr

        unit = WORDS[self.quantity].unit
        band = self.band(self.temperature)
        rows = {"value": self.value, "fit": band.value, "low": band.low, "high": band.high}
        data = {name: ("point", y, {"units": unit}) for name, y in rows.items()}
        plain = {"residual": self.residual, "robust": self.robust}
        data |= {name: ("point", y, {"units": "1"}) for name, y in plain.items()}
        energy = self.activation_energy
        about = {
            "form": self.form, "law": self.law, "errors": self.errors, "weights": self.weights,
            "activation_energy": energy.si, "activation_energy_spread": energy.spread,
            "flags": "; ".join(self.flags),
        }  # fmt: skip
        return xr.Dataset(
            data, coords={"temperature": ("point", self.temperature, {"units": "K"})}, attrs=about
        )

    def __str__(self) -> str:
        low, high = self.interval()
        energy = self.activation_energy
        told = [
            show("activation_energy", x, digits)
            for x, digits in ((energy.si, 4), (energy.spread, 2), (low, 4), (high, 4))
        ]
        room = self.band(self.at)
        value, least, most = (
            show(self.quantity, float(x[0]), digits)
            for x, digits in ((room.value, 4), (room.low, 3), (room.high, 3))
        )
        rows = [
            f"{self.name or self.quantity}: Ea = {told[0]} ± {told[1]} "
            f"({told[2]} … {told[3]}, 90 %)",
            f"  at {show('temperature', self.at)}: {value} ({least} … {most}, 90 %)",
            f"  {LAW_TEXT[self.law]} law of {FORM_TEXT[self.form]}; "
            f"weights: {self.weights}; errors {self.errors}; reduced χ² {self.chi2_reduced:.3g}; "
            f"R² {self.r_squared:.4f}",
        ]
        return "\n".join([*rows, *(f"  {flag}" for flag in self.flags)])
