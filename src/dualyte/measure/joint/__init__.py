"""A series over temperature and pressure, fitted as one."""

from dualyte.measure.joint.fit import JointFit, fit_joint, profile_joint
from dualyte.measure.joint.ladder import LawTest
from dualyte.measure.joint.laws import Terms

__all__ = ["JointFit", "LawTest", "Terms", "fit_joint", "profile_joint"]
