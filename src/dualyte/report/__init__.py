"""Tables and pages: predictions beside the study's measurements, and measurements by themselves."""

from dualyte.report.evaluation import Measurement, evaluate, join, over_temperature
from dualyte.report.folder import write_prediction
from dualyte.report.measurement import measurement_json, write_measurement
from dualyte.report.study import Row, StudyTable, interface_table

__all__ = [
    "Measurement",
    "Row",
    "StudyTable",
    "evaluate",
    "interface_table",
    "join",
    "measurement_json",
    "over_temperature",
    "write_measurement",
    "write_prediction",
]
