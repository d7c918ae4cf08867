"""Circuits, and the spectra they describe."""

from dualyte.circuit.elements import TLM, ZARC, Arc, C, Circuit, G, K, L, Q, R, W, Wo, Ws, arcs
from dualyte.circuit.spectrum import Spectrum, average
from dualyte.circuit.strings import parse, write

parse_circuit, write_circuit, average_spectra = parse, write, average

__all__ = [
    "TLM",
    "ZARC",
    "Arc",
    "C",
    "Circuit",
    "G",
    "K",
    "L",
    "Q",
    "R",
    "Spectrum",
    "W",
    "Wo",
    "Ws",
    "arcs",
    "average",
    "average_spectra",
    "parse",
    "parse_circuit",
    "write",
    "write_circuit",
]
