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
from dualyte.exact.densification import (
    confined_modulus,
    creep_contacts,
    creep_pores,
    heckel,
    hollow_cylinder_pressure,
    hollow_sphere_pressure,
    kawakita,
    porous_moduli,
    sintering_contacts,
    sintering_pores,
    yield_contacts,
    yield_pores,
)
from dualyte.exact.porous import (
    bruggeman,
    effective_medium,
    hashin_shtrikman,
    maxwell_mixture,
)

__all__ = [
    "bearing_area",
    "brug",
    "bruggeman",
    "confined_modulus",
    "cooper_mikic_yovanovich",
    "creep_contact",
    "creep_contacts",
    "creep_pores",
    "effective_medium",
    "effective_modulus",
    "hashin_shtrikman",
    "heckel",
    "hertz",
    "hollow_cylinder_pressure",
    "hollow_sphere_pressure",
    "holm",
    "hsu_mansfeld",
    "isoflux_circle",
    "isothermal_circle",
    "kawakita",
    "lattice",
    "macroscopic",
    "maxwell",
    "maxwell_mixture",
    "peak_frequency",
    "perimeter_correction",
    "persson",
    "persson_plastic",
    "porous_moduli",
    "pullen_williamson",
    "random_two_phase",
    "sintering_contacts",
    "sintering_pores",
    "strip",
    "westergaard",
    "yield_contacts",
    "yield_pores",
]
