"""Cyclers' files: read into records, whatever wrote them, and written in BDF."""

from dualyte.measure.files.cyclers.bdf import write_bdf
from dualyte.measure.files.cyclers.maps import FORMATS
from dualyte.measure.files.cyclers.reading import looks_like, read_records

__all__ = ["FORMATS", "looks_like", "read_records", "write_bdf"]
