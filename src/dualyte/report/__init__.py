"""Tables and pages: predictions beside the study's measurements, and measurements by themselves."""

from dualyte.report.anything import Everything, measure_everything
from dualyte.report.evaluation import Measurement, evaluate, join, over_temperature
from dualyte.report.folder import write_prediction
from dualyte.report.kinds import write_evaluation, write_material, write_page
from dualyte.report.measurement import measurement_json, write_measurement
from dualyte.report.study import Row, StudyTable, interface_table

__all__ = [
    "Everything",
    "Measurement",
    "Row",
    "StudyTable",
    "evaluate",
    "interface_table",
    "join",
    "measure_everything",
    "measurement_json",
    "over_temperature",
    "write_evaluation",
    "write_material",
    "write_measurement",
    "write_page",
    "write_prediction",
]
