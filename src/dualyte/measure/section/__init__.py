"""Sections: micrographs, their phases, pores and boundaries."""

from dualyte.measure.section.boundary import Boundary, find_boundary, given_boundary
from dualyte.measure.section.evaluate import Section, measure_section
from dualyte.measure.section.micrograph import Micrograph, looks_like, read_micrograph
from dualyte.measure.section.phases import PHASES, Classes, Segmentation, segment

__all__ = [
    "PHASES",
    "Boundary",
    "Classes",
    "Micrograph",
    "Section",
    "Segmentation",
    "find_boundary",
    "given_boundary",
    "looks_like",
    "measure_section",
    "read_micrograph",
    "segment",
]
