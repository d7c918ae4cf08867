"""Distributions of relaxation times by dualyte and its peers, and the arc that each shows."""

from __future__ import annotations

import io
import sys
import types
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import pairwise

import numpy as np

from benchmarks.spectra import (
    AREA,
    F_GB,
    F_HE,
    FREQUENCIES,
    R_HE,
    Complexes,
    Floats,
    measured,
    tail,
    truth,
)
from benchmarks.timing import Found

TAILS = ("whole", "cut", "subtracted")
CUT = 1e3  # Hz, below which the tail is cut where it is cut
NEAR = 3.0  # a peak further off by this factor is not that of arc he
SMALL = 0.01  # a peak with less than this share of all resistance is no arc

Peaks = list[tuple[float, float]]  # frequency [Hz] and resistance [Ω cm²] of each
Shown = Callable[[], list[Peaks]]


def drt_dualyte(job: Found) -> Shown:
    from dualyte.circuit import Spectrum
    from dualyte.measure.drt import drt

    spectra = [Spectrum(frequency=FREQUENCIES, z=z, area=AREA) for z in measured(job.get("apart"))]
    return lambda: [
        [(p.frequency, p.resistance / AREA) for p in drt(spectrum).peaks] for spectrum in spectra
    ]


def drt_pydrttools(job: Found) -> Shown:
    """Its ridge regression; the modules of its windows are left out, so that Qt is not needed."""
    for name in ("GUI", "cli", "layout"):
        sys.modules[f"pyDRTtools.{name}"] = types.ModuleType(f"pyDRTtools.{name}")
    with redirect_stdout(io.StringIO()):
        from pyDRTtools.runs import EIS_object, simple_run
    criterion, order = job["how"]

    def one(f: Floats, z: Complexes) -> Peaks:
        with redirect_stdout(io.StringIO()):
            found = EIS_object(f, z.real, z.imag)
            simple_run(found, cv_type=criterion, der_used=order)
        return peaks_of(found.out_tau_vec, found.gamma)

    return lambda: [one(f, z) for f, z in treated(job)]


def drt_pyimpspec(job: Found) -> Shown:
    import pyimpspec

    warnings.simplefilter("ignore")
    mode, strength = job["how"]

    def one(f: Floats, z: Complexes) -> Peaks:
        found = pyimpspec.calculate_drt(
            pyimpspec.DataSet(f, z), method="tr-nnls", mode=mode, lambda_value=strength
        )
        return peaks_of(found.time_constants, found.gammas)

    return lambda: [one(f, z) for f, z in treated(job)]


def treated(job: Found) -> list[tuple[Floats, Complexes]]:
    """Spectra with the tail left, cut off, or subtracted (with the true tail, as nobody can)."""
    how, spectra = job["tail"], measured(job.get("apart"))
    if how == "subtracted":
        spectra = [z - tail(truth()) for z in spectra]
    lowest = CUT if how == "cut" else 0.0
    kept = lowest < FREQUENCIES
    return [(FREQUENCIES[kept], z[kept]) for z in spectra]


def peaks_of(tau: Floats, gamma: Floats) -> Peaks:
    """Peaks of a distribution, with the area between the minima on either side."""
    from scipy.signal import find_peaks

    order = np.argsort(tau)
    tau, gamma = tau[order], np.asarray(gamma)[order]
    share = gamma * np.gradient(np.log(tau))
    top = find_peaks(np.concatenate([[0], gamma, [0]]))[0] - 1
    between = [a + int(np.argmin(gamma[a : b + 1])) for a, b in pairwise(top)]
    areas = np.add.reduceat(share, [0, *between]) if top.size else []
    return [(1 / (2 * np.pi * tau[k]), float(R)) for k, R in zip(top, areas, strict=True)]


def arc_he(found: list[Peaks], job: Found) -> Found:
    """Error of the peak nearest to arc he, 100 % if there is none; and how often arcs are three."""
    place = F_GB / job["apart"] if job.get("apart") else F_HE
    errors, three = [], 0
    for peaks in found:
        arcs = [(abs(np.log(f / place)), R) for f, R in peaks if f > CUT and R > SMALL * 355]
        off, R = min(arcs, default=(np.inf, 0.0))
        errors.append(abs(R / R_HE - 1) if off < np.log(NEAR) else 1.0)
        three += len(arcs) == 3
    return {"error": float(np.median(errors)), "worst": float(np.max(errors)), "three": three}
