"""Closed forms: what rough contact, constriction and impedance are when they can be written down.

Each takes and returns SI arrays that broadcast, and names its source. They serve as limits
for the models, as oracles for the tests, and as estimates in their own right.
"""

from dualyte.exact.arcs import (
    brug,
    hsu_mansfeld,
    peak_frequency,
)
from dualyte.exact.constriction import (
    cooper_mikic_yovanovich,
    holm,
    isoflux_circle,
    isothermal_circle,
    lattice,
    macroscopic,
    maxwell,
    random_two_phase,
    strip,
)
from dualyte.exact.contact import (
    bearing_area,
    creep_contact,
    effective_modulus,
    hertz,
    perimeter_correction,
    persson,
    persson_plastic,
    pullen_williamson,
    westergaard,
)

__all__ = [
    "bearing_area",
    "brug",
    "cooper_mikic_yovanovich",
    "creep_contact",
    "effective_modulus",
    "hertz",
    "holm",
    "hsu_mansfeld",
    "isoflux_circle",
    "isothermal_circle",
    "lattice",
    "macroscopic",
    "maxwell",
    "peak_frequency",
    "perimeter_correction",
    "persson",
    "persson_plastic",
    "pullen_williamson",
    "random_two_phase",
    "strip",
    "westergaard",
]
