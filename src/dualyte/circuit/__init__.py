"""Circuits, and the spectra they describe."""

from dualyte.circuit.elements import TLM, ZARC, C, Circuit, L, Q, R, W, Wo, Ws
from dualyte.circuit.spectrum import Spectrum, average
from dualyte.circuit.strings import parse, write

__all__ = [
    "TLM",
    "ZARC",
    "C",
    "Circuit",
    "L",
    "Q",
    "R",
    "Spectrum",
    "W",
    "Wo",
    "Ws",
    "average",
    "parse",
    "write",
]
