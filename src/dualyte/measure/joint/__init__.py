"""A series over temperature and pressure, fitted as one."""

from dualyte.measure.joint.fit import JointFit, fit_joint, profile_joint, reference_cell
from dualyte.measure.joint.ladder import LawTest
from dualyte.measure.joint.laws import Terms
from dualyte.measure.joint.mechanism import (
    JointComparison,
    Stability,
    Verdict,
    compare_joint,
    judge_mechanism,
    stability,
)

__all__ = [
    "JointComparison",
    "JointFit",
    "LawTest",
    "Stability",
    "Terms",
    "Verdict",
    "compare_joint",
    "fit_joint",
    "judge_mechanism",
    "profile_joint",
    "reference_cell",
    "stability",
]
