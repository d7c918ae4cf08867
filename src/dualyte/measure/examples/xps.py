"""Synthetic photoelectron spectra: a garnet under a thin film, and an oxyhalide, cycled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from dualyte.measure.xps.background import running_integral
from dualyte.measure.xps.models import C1S_CARBON, CL2P_OXYHALIDE, O1S_GARNET, PeakModel
from dualyte.measure.xps.peaks import pseudo_voigt
from dualyte.measure.xps.spectrum import XpsSpectrum
from dualyte.measure.xps.thickness import attenuation_length
from dualyte.measure.xps.vamas import write_vamas
from dualyte.vocabulary import ELECTRON, Floats

OPTIONS: Final[dict[str, Any]] = {}  # the sidecar says all
_PHOTON: Final = 1486.6  # eV
_CHARGED: Final = 1.30  # eV, by which the sample's charge moves every line
_STEP: Final = 0.1  # eV
_MIXING: Final = 0.25
_SIDECAR: Final = 'kind = "xps"\nreference = "C 1s 284.8 eV"\n'
#: nm of Li2CO3 on the garnet
THICKNESS: Final = 2.5e-9
_LIOH: Final = 0.30  # of the volume of the film


def write(folder: Path, *, seed: int = 0) -> dict[str, tuple[str, float]]:
    """Write two VAMAS files and their sidecar, and return what they hold.

    Parameters
    ----------
    folder
        Where; it exists.
    seed
        Of the scatter of counting.

    Returns
    -------
    dict
        Name in the results: row of the vocabulary and true value, SI.
    """
    rng = np.random.default_rng(seed)
    lines, oxide, chloride = O1S_GARNET.peaks, _oxygen(), (42_000.0, 18_000.0)
    garnet = [
        _spectrum(rng, C1S_CARBON, (9000.0, 2000.0, 2600.0), (1.3, 1.3, 1.3), "garnet C 1s"),
        _spectrum(rng, O1S_GARNET, oxide, (1.3, 1.6, 1.6), "garnet O 1s"),
    ]
    cycled = [
        _spectrum(rng, C1S_CARBON, (15_000.0, 2500.0, 1000.0), (1.3, 1.3, 1.3), "cycled C 1s"),
        _spectrum(rng, CL2P_OXYHALIDE, chloride, (1.25, 1.25), "cycled Cl 2p"),
    ]
    write_vamas(folder / "garnet.vms", garnet)
    write_vamas(folder / "cycled.vms", cycled)
    (folder / "dualyte.toml").write_text(_SIDECAR, encoding="utf-8")
    truth: dict[str, tuple[str, float]] = {}
    for base, peaks, areas in (
        ("o1s", lines, oxide), ("cl2p", CL2P_OXYHALIDE.peaks, chloride)
    ):  # fmt: skip
        for peak, area in zip(peaks, areas, strict=True):
            name = f"{base}_{peak.name.lower()}"
            truth[f"{name}_position"] = ("binding_energy", peak.centre)
            truth[f"{name}_share"] = ("per_cent", area / sum(areas))
    truth["film_thickness"] = ("thickness", THICKNESS)
    return truth


def _oxygen() -> tuple[float, float, float]:
    """Areas of O 1s under a film of Li2CO3 and LiOH."""
    kinetic = (_PHOTON - 530.4) * ELECTRON
    (base, n0), (oh, n1), (co3, n2) = (
        attenuation_length(name, kinetic) for name in ("LLZTO", "LiOH", "Li2CO3")
    )
    mean = _LIOH * oh.si + (1 - _LIOH) * co3.si
    let = np.exp(-THICKNESS / mean)
    signals = np.array(
        [n0 * base.si * let, _LIOH * n1 * oh.si * (1 - let), (1 - _LIOH) * n2 * co3.si * (1 - let)]
    )
    first, second, third = (float(s) for s in 90_000 * signals / signals.sum())
    return first, second, third


def _spectrum(
    rng: np.random.Generator,
    model: PeakModel,
    areas: Sequence[float],
    widths: Sequence[float],
    name: str,
) -> XpsSpectrum:
    """Counts of a model with a Shirley background, of a charged sample."""
    low, high = (round(end / ELECTRON + _CHARGED, 1) for end in model.window)
    e: Floats = np.arange(low - 2.0, high + 2.0 + _STEP / 2, _STEP)
    total = np.zeros(e.size)
    for peak, area, width in zip(model.peaks, areas, widths, strict=True):
        at = peak.centre / ELECTRON + _CHARGED
        line = pseudo_voigt(e, at, width, _MIXING)
        if peak.ratio:
            beside = pseudo_voigt(e, at + peak.splitting / ELECTRON, width, _MIXING)
            line = (line + peak.ratio * beside) / (1 + peak.ratio)
        total += area * line
    total += 1500 + 0.04 * running_integral(e, total)
    return XpsSpectrum(
        energy=e * ELECTRON, counts=rng.poisson(total).astype(np.float64), region=model.region,
        name=name, photon_energy=_PHOTON * ELECTRON, pass_energy=20 * ELECTRON, dwell=0.2,
        scans=10, angle=0.0,
    )  # fmt: skip
