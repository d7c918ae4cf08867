"""Impedance files: what instruments write, read into spectra."""

from dualyte.measure.files.reading import Failure, Reading, read_spectra
from dualyte.measure.files.sidecar import remember

__all__ = ["Failure", "Reading", "read_spectra", "remember"]
