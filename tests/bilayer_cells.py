"""Synthetic bilayer cells of known truth: the reference spectrum and its series.

R₀ 5 Ω cm², bulk 125 Ω cm² at 3 MHz (n .95), grain boundary 80 Ω cm² at 60 kHz (.90), interface
150 Ω cm² and 3.6 µF s^(n−1)/cm² (.727, peak 5 kHz), tail 1e-5 (.90); 7 MHz to 1 Hz, 69 points,
0.3 % noise. Overlap variants put the interface at 60 kHz over 3, 2 or 1.3 (n .85).
"""

import numpy as np

from dualyte.circuit import Circuit, Spectrum, parse

CIRCUIT = "R_0-p(R_bulk,CPE_bulk)-p(R_gb,CPE_gb)-p(R_he,CPE_he)-CPE_tail"
FREQUENCY = np.geomspace(7e6, 1.0, 69)
ENERGY = {"R_bulk": 0.43, "R_gb": 0.48, "R_he": 0.51}  #: eV
NOISE = 0.003
AREA = 1e-4
R_HE = 150e-4
K = 8.617333262e-5


def prefactor(R: float, peak: float, n: float) -> float:
    """Q of an arc from its resistance and peak frequency."""
    return 1 / (R * (2 * np.pi * peak) ** n)


def truth(ratio: float | None = None) -> dict[str, float]:
    """Parameters in SI; arcs apart by `ratio` in frequency, or as in the reference."""
    n = 0.727 if ratio is None else 0.85
    Q = 3.6e-2 if ratio is None else prefactor(R_HE, 60e3 / ratio, n)
    return {
        "R_0": 5e-4,
        "R_bulk": 125e-4, "Q_bulk": prefactor(125e-4, 3e6, 0.95), "n_bulk": 0.95,
        "R_gb": 80e-4, "Q_gb": prefactor(80e-4, 60e3, 0.90), "n_gb": 0.90,
        "R_he": R_HE, "Q_he": Q, "n_he": n,
        "Q_tail": 0.1, "n_tail": 0.90,
    }  # fmt: skip


def circuit(**numbers: float) -> Circuit:
    """The cell's circuit with these numbers."""
    return parse(CIRCUIT, *numbers.values())


def bilayer(f=FREQUENCY, r_he=150.0, ratio=None):
    """Impedance of the cell of 1 cm² [Ω]."""
    numbers = truth(ratio) | {"R_he": r_he * 1e-4}
    return circuit(**numbers).impedance(f) / AREA


def noisy(z, noise=NOISE, seed=0):
    """Proportional noise on both parts."""
    rng = np.random.default_rng(seed)
    return z + noise * np.abs(z) * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))


def spectrum(numbers, seed, noise=NOISE, **about) -> Spectrum:
    """One measurement of a cell of 1 cm²."""
    z = noisy(circuit(**numbers).impedance(FREQUENCY) / AREA, noise, seed)
    return Spectrum(frequency=FREQUENCY, z=z, area=AREA, **about)


def start(seed, factor=2.0, ratio=None) -> Circuit:
    """The circuit a user would begin with: every number off by up to `factor`, n at 0.85."""
    rng = np.random.default_rng(1000 + seed)
    p = truth(ratio)
    for name in p:
        if name[0] == "R" or name == "Q_tail":
            p[name] *= factor ** rng.uniform(-1, 1)
    for arc in ("bulk", "gb", "he"):
        true = truth(ratio)
        tau = (true[f"R_{arc}"] * true[f"Q_{arc}"]) ** (1 / true[f"n_{arc}"])
        peak = factor ** rng.uniform(-1, 1) / (2 * np.pi * tau)
        p[f"n_{arc}"], p[f"Q_{arc}"] = 0.85, prefactor(p[f"R_{arc}"], peak, 0.85)
    return circuit(**p)


TEMPERATURES = np.linspace(233.15, 313.15, 17)
FRACTIONS = (1.0, 0.8, 0.6, 0.4, 0.25, 0.15)


def series(
    seed, *, ratio=3.0, temperatures=TEMPERATURES, fractions=(1.0,), drift_n=0.0, drift_Q=0.0,
    drifting=("he",), noise=NOISE, pressures=None,
) -> list[Spectrum]:  # fmt: skip
    """Spectra over temperature and contact; drifts are relative, over 80 K.

    The contact at each pressure is `fractions` of that at the highest, 55 MPa; by default the
    pressure is proportional to it.
    """
    found = []
    levels = [55e6 * f for f in fractions] if pressures is None else pressures
    for level, contact in zip(levels, fractions, strict=True):
        for T in temperatures:
            p = truth(ratio)
            u = (1 / T - 1 / 298.15) / K
            for name, energy in ENERGY.items():
                p[name] *= np.exp(energy * u)
            p["R_he"] /= contact
            p["Q_he"] *= contact
            t = (T - 298.15) / 80
            for arc in drifting:
                p[f"n_{arc}"] *= 1 + drift_n * t
                p[f"Q_{arc}"] *= 1 + drift_Q * t
            name = f"cell_{T - 273.15:.0f}C_{level / 1e6:.3g}MPa"
            found.append(
                spectrum(
                    p, [seed, len(found)], noise, temperature=T, name=name,
                    pressure=level if len(fractions) > 1 else None,
                )
            )  # fmt: skip
    return found


def bound(numbers, noise=NOISE, wanted="R_he") -> float:
    """Cramér–Rao bound of ln of a parameter from one spectrum."""
    made = circuit(**numbers)
    z = made.impedance(FREQUENCY)
    slopes = made.derivatives(FREQUENCY)
    rows = np.array([slopes[k] * v / np.abs(z) / noise for k, v in numbers.items()])
    J = np.concatenate([rows.real, rows.imag], axis=1)
    return float(
        np.sqrt(np.linalg.inv(J @ J.T)[list(numbers).index(wanted)][list(numbers).index(wanted)])
    )
