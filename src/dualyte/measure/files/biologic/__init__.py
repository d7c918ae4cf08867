"""Bio-Logic files of EC-Lab and BT-Lab: binary (.mpr) and text (.mpt), impedance and cycling."""

from dualyte.measure.files.biologic.cycling import holds, looks_like, read_biologic_records
from dualyte.measure.files.biologic.spectra import read_mpr
from dualyte.measure.files.biologic.table import Table, read_mpr_table
from dualyte.measure.files.biologic.text import read_mpt_table

__all__ = [
    "Table",
    "holds",
    "looks_like",
    "read_biologic_records",
    "read_mpr",
    "read_mpr_table",
    "read_mpt_table",
]
