"""Tables and pages that set predictions beside the study's measurements."""

from dualyte.report.folder import write_prediction
from dualyte.report.study import Row, StudyTable, interface_table

__all__ = ["Row", "StudyTable", "interface_table", "write_prediction"]
