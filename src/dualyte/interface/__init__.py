"""Two electrolytes pressed together: how much touches, and what that costs the current."""

from dualyte.interface.press import (
    Contact,
    CreepRule,
    FlowRule,
    Step,
    pellet_to_pellet,
    powder_to_pellet,
    press,
)
from dualyte.interface.transport import (
    Interface,
    Resistance,
    Transfer,
    hetero_interface,
    interface_impedance,
    resistance,
    transfer,
)

__all__ = [
    "Contact",
    "CreepRule",
    "FlowRule",
    "Interface",
    "Resistance",
    "Step",
    "Transfer",
    "hetero_interface",
    "interface_impedance",
    "pellet_to_pellet",
    "powder_to_pellet",
    "press",
    "resistance",
    "transfer",
]
