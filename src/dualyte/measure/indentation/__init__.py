"""Nanoindentation: files, the method of Oliver and Pharr, tips, maps of many indents.

From the unloading or from a dynamic stiffness (CSM): contact stiffness S, contact depth
h_c = h - ε P/S, contact area A(h_c), hardness H = P/A, reduced modulus E_r = √π S / (2 β √A).
"""

from dualyte.measure.indentation.area import (
    AreaFunction,
    Compliance,
    contact_depth,
    fit_area_function,
    fit_frame_compliance,
    reduced_modulus,
    youngs_modulus,
)
from dualyte.measure.indentation.correct import Corrected, corrected, drift_in_hold
from dualyte.measure.indentation.evaluate import measure_indentation
from dualyte.measure.indentation.files import looks_like, read_indents
from dualyte.measure.indentation.indent import Facts, Indent
from dualyte.measure.indentation.maps import IndentMap, flow_stress, indent_map, outliers, spread
from dualyte.measure.indentation.oliver_pharr import (
    CsmCurve,
    IndentResult,
    Method,
    csm_curve,
    oliver_pharr,
)
from dualyte.measure.indentation.unloading import Branch, UnloadingFit, branches, fit_unloading

__all__ = [
    "AreaFunction",
    "Branch",
    "Compliance",
    "Corrected",
    "CsmCurve",
    "Facts",
    "Indent",
    "IndentMap",
    "IndentResult",
    "Method",
    "UnloadingFit",
    "branches",
    "contact_depth",
    "corrected",
    "csm_curve",
    "drift_in_hold",
    "fit_area_function",
    "fit_frame_compliance",
    "fit_unloading",
    "flow_stress",
    "indent_map",
    "looks_like",
    "measure_indentation",
    "oliver_pharr",
    "outliers",
    "read_indents",
    "reduced_modulus",
    "spread",
    "youngs_modulus",
]
