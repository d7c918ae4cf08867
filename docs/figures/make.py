"""Make the figures of the documentation again: python docs/figures/make.py (minutes)."""

import sys
from pathlib import Path

import numpy as np

from dualyte import built_in, draw, predict_interface
from dualyte.measure.files import Reading
from dualyte.plot import contact_map, resistance_curve
from dualyte.plot.measured import nyquist_with_arcs
from dualyte.report import evaluate, join
from dualyte.report.measurement import joint_circuits

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "tests"))
STACK = 6e6  # Pa, of the map


def main():
    found = predict_interface(built_in(), seeds=20)
    low = int(abs(found.pressure - STACK).argmin())
    for figure, dpi in ((resistance_curve(found), 220), (contact_map(found, low), 180)):
        draw(figure).savefig(HERE / f"{figure.name}.png", dpi=dpi)
    draw(joint_fit()).savefig(HERE / "nyquist.png", dpi=200)


def joint_fit():
    """One of a simulated series whose arcs lie a factor of three apart."""
    from bilayer_cells import CIRCUIT, series

    T = np.linspace(238.15, 318.15, 9)
    spectra = series(2, ratio=3, temperatures=T, fractions=(1.0, 0.5))
    found = join(evaluate(Reading(spectra=tuple(spectra)), CIRCUIT), CIRCUIT)
    row = next(r for r in found.rows if r.spectrum.temperature == 298.15)
    circuit = joint_circuits(found)[row.name]
    title = "simulated bilayer cell: one of 18 spectra"
    return nyquist_with_arcs(row.fit, joint=circuit, title=title)


if __name__ == "__main__":
    main()
