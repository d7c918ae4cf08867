"""The spectra that impedance is compared on: one cell, its noise, starts, and series.

A bilayer symmetric cell of 1 cm², so that Ω and Ω cm² are one number: 5 Ω in series, bulk
125 Ω at 3 MHz, grain boundary 80 Ω at 60 kHz, hetero-electrolyte contact (he) 150 Ω at 5 kHz
and a blocking tail. Parameters are in the order of `CIRCUIT`: R, then R, Q, n of each arc,
then Q, n of the tail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

CIRCUIT = "R_0-p(R_bulk,CPE_bulk)-p(R_gb,CPE_gb)-p(R_he,CPE_he)-CPE_tail"
FREQUENCIES = np.logspace(np.log10(7e6), 0, 69)  # Hz
NOISE = 0.003  # of |Z|, standard deviation of each part
R_HE = 150.0  # Ω cm²
EA_HE = 0.51  # eV
ENERGIES = np.array([0.43, 0.48, EA_HE])  # eV
F_GB, F_HE = 60e3, 5e3  # Hz
AREA = 1e-4  # m²
SEEDS = 20
TEMPERATURES = np.linspace(-40, 40, 17) + 273.15  # K
ROOM = 13  # its index of 25 °C
CONTACT = (1.0, 0.8, 0.6, 0.4, 0.25, 0.15)  # fraction of that at the top pressure
PRESSURE = 55e6  # Pa, where all of it is reached
BOLTZMANN = 8.617333262e-5  # eV/K
ARCS = (1, 4, 7)  # where R of each arc stands
_IS_R, _IS_Q = [0, 1, 4, 7], [2, 5, 8, 10]


def prefactor(resistance: float, frequency: float, n: float) -> float:
    """Q of an arc that peaks at a frequency."""
    return float(1 / (resistance * (2 * np.pi * frequency) ** n))


def truth(apart: float | None = None) -> Floats:
    """The cell; with `apart`, arc he peaks at that fraction of the grain boundary, n 0.85."""
    he = (3.6e-6, 0.727)
    if apart is not None:
        he = (prefactor(R_HE, F_GB / apart, 0.85), 0.85)
    bulk, gb = prefactor(125, 3e6, 0.95), prefactor(80, F_GB, 0.90)
    return np.array([5.0, 125, bulk, 0.95, 80, gb, 0.90, R_HE, *he, 1e-5, 0.90])


def impedance(p: Floats) -> Complexes:
    """Z [Ω] at FREQUENCIES."""
    s = 2j * np.pi * FREQUENCIES
    arcs = sum(p[k] / (1 + p[k] * p[k + 1] * s ** p[k + 2]) for k in ARCS)
    return np.asarray(p[0] + arcs + tail(p))


def tail(p: Floats) -> Complexes:
    """Z [Ω] of the blocking tail alone."""
    return np.asarray(1 / (p[10] * (2j * np.pi * FREQUENCIES) ** p[11]))


def noisy(z: Complexes, rng: np.random.Generator) -> Complexes:
    """Add noise in proportion to |Z| to both parts."""
    white = rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size)
    return np.asarray(z + NOISE * np.abs(z) * white)


def measured(apart: float | None = None, seeds: int = SEEDS) -> list[Complexes]:
    """The spectrum once for each seed."""
    clean = impedance(truth(apart))
    return [noisy(clean, np.random.default_rng(seed)) for seed in range(seeds)]


def start(p: Floats, factor: float, seed: int) -> list[float]:
    """Where a fit starts: each R, the frequency of each arc and Q of the tail off by up to
    `factor` either way; n 0.85 for every arc and 0.9 for the tail.
    """  # fmt: skip
    rng, guess = np.random.default_rng(1000 + seed), p.copy()
    guess[[0, 1, 4, 7, 10]] *= factor ** rng.uniform(-1, 1, 5)
    for k in ARCS:
        peak = (p[k] * p[k + 1]) ** (-1 / p[k + 2]) / (2 * np.pi)
        peak *= factor ** rng.uniform(-1, 1)
        guess[k + 1 : k + 3] = prefactor(guess[k], peak, 0.85), 0.85
    guess[11] = 0.90
    return [float(number) for number in guess]


def si(p: list[float]) -> list[float]:
    """Parameters of 1 m² from those of 1 cm²."""
    scale = np.ones(12)
    scale[_IS_R], scale[_IS_Q] = AREA, 1 / AREA
    return [float(number) for number in scale * p]


def varied(rng: np.random.Generator) -> Floats:
    """A cell whose arcs have R and frequencies up to ×2 from those of `truth`, either way."""
    p = truth()
    for k in ARCS:
        peak = (p[k] * p[k + 1]) ** (-1 / p[k + 2]) / (2 * np.pi) * 2 ** rng.uniform(-1, 1)
        p[k] *= 2 ** rng.uniform(-1, 1)
        p[k + 1] = prefactor(p[k], peak, p[k + 2])
    return p


def series(apart: float | None, seed: int, contact: tuple[float, ...] = (1.0,)) -> list[Any]:
    """Spectra of the cell over TEMPERATURES and contact, as dualyte takes them.

    Activation energies are 0.43, 0.48 and 0.51 eV (bulk, grain boundary, he); Q and n do not
    change with temperature. R of he goes as 1/contact and its Q as contact, which is
    proportional to the pressure.
    """
    from dualyte.circuit import Spectrum

    rng, found = np.random.default_rng(seed), []
    for fraction in contact:
        for T in TEMPERATURES:
            p = truth(apart)
            p[list(ARCS)] *= np.exp(ENERGIES * (1 / T - 1 / 298.15) / BOLTZMANN)
            p[7], p[8] = p[7] / fraction, p[8] * fraction
            found.append(
                Spectrum(
                    frequency=FREQUENCIES,
                    z=noisy(impedance(p), rng),
                    area=AREA,
                    temperature=float(T),
                    pressure=PRESSURE * fraction if len(contact) > 1 else None,
                )
            )
    return found
