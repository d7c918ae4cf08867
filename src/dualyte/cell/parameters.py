"""Every number of a cell as a `Value`, and the same as a PyBaMM parameter set."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dualyte.cell import anode, cathode
from dualyte.cell.interphase import HeteroInterface, by_carbon, garnet_layers
from dualyte.material import DATA, Kind, Value, calibration
from dualyte.vocabulary import ELECTRON

if TYPE_CHECKING:
    from dualyte.cell.cell import Cell

FARADAY: Final = 96485.33212  # C/mol
_PAPER, _PRIOR = "paper2026", "dualyte_prior"
_CM2, _MAH_G, _HOUR = 1e-4, 3600.0, 3600.0  # m², C/kg, s


def _row(
    quantity: str,
    si: float,
    kind: Kind,
    source: str,
    where: str,
    **more: Any,  # noqa: ANN401
) -> Value:
    return Value(quantity=quantity, si=si, kind=kind, source=source, where=where, **more)


def _span(
    quantity: str, si: float, low: float, high: float, where: str, *, log: bool = True
) -> Value:
    """Assumed: no source, only a range."""
    law: Any = "log-uniform" if log else "uniform"
    return _row(quantity, si, "assumed", _PRIOR, where, law=law, low=low, high=high)


_UNPUBLISHED: Final = "not published; span of cells of this kind"

#: what a cell of the study is made of, by short name; the calibrated ones are those that
#: `calibrate cell` may move
PARAMETERS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        # --- the cell
        "area": _span("area", 0.785e-4, 0.5e-4, 1.33e-4, f"{_UNPUBLISHED}: 10 mm across"),
        "areal_capacity": _row(
            "areal_capacity", 2 * 36e3, "measured", _PAPER, "F185: Fig. 7 caption, 2 mAh/cm²"
        ),
        "rated_capacity": _row(
            "specific_capacity", 200 * _MAH_G, "measured", _PAPER, "F139: 1C is 200 mA/g"
        ),
        "garnet_thickness": _span("thickness", 0.8e-3, 0.4e-3, 1.5e-3, _UNPUBLISHED),
        "interlayer_thickness": _span("thickness", 1e-4, 2e-5, 3e-4, _UNPUBLISHED),
        "grain_boundary_capacitance": _row(
            "capacitance",
            8e-4,
            "computed",
            _PAPER,
            "from F075, 50-80 kHz at 25 °C, and the resistance of 0.8 mm of garnet",
        ),
        "contact_resistance": _span(
            "asr", 0.0, 0.0, 1e-3, "collectors; the ohmic drop of the layers dominates", log=False
        ),
        "pellet_factor": _row(
            "ratio",
            6.22,
            "calibrated",
            _PAPER,
            "F189: a pre-densified cathode side conforms less than pressed powder",
        ),
        # --- the active material
        "site_capacity": _row(
            "specific_capacity", 275 * _MAH_G, "computed", _PAPER, "one Li per formula unit"
        ),
        "initial_fraction": _span(
            "ratio", 0.985, 0.96, 0.995, "as made; NMC82 is nearly full", log=False
        ),
        "charged_fraction": _row(
            "ratio", 0.2, "calibrated", _PAPER, "F183: what the activation charge takes out"
        ),
        "particle_radius": _span("length", 2e-6, 1e-6, 3e-6, "single crystals; size not published"),
        "fast_diffusivity": _span("diffusivity", 2e-14, 2e-15, 1e-13, "as barai2021, at 60 °C"),
        "slow_diffusivity": _row(
            "diffusivity", 2.77e-17, "calibrated", _PAPER, "F182: what a C/10 discharge cannot fill"
        ),
        "diffusivity_edge": _span("ratio", 0.92, 0.88, 0.95, "where NMC is nearly full"),
        "diffusivity_width": _span("ratio", 0.015, 0.01, 0.03, "steepness of the same"),
        "cathode_exchange_current": _span(
            "exchange_current", 2.0, 0.2, 10.0, "NMC in oxyhalide at 60 °C, at half lithiation"
        ),
        "double_layer": _span("capacitance", 0.2, 0.05, 0.5, "per area of particles"),
        # --- wiring
        "network_conductivity": _span(
            "conductivity", 1e4, 1e3, 1e5, "fibre network, two decades below a fibre (contacts)"
        ),
        "bare_connection": _row(
            "ratio",
            0.1022,
            "calibrated",
            _PAPER,
            "F135: 20 mAh/g without carbon, taken as isolated grains",
        ),
        "connection_width": _span(
            "ratio", 0.006, 0.003, 0.012, "2 wt% carbon is enough, so the rise is short"
        ),
        "contact_loss": _row(
            "loss_per_charge", 2.116e-8, "calibrated", _PAPER, "F144: 92.6 % after 25 cycles"
        ),
        # --- the film on NMC
        "film_rate_2": _row(
            "growth_asr",
            6.61e-6,
            "calibrated",
            _PAPER,
            "F158: as at 5 wt%, scaled by the resistances after activation",
        ),
        "film_rate_5": _row("growth_asr", 4.28e-5, "calibrated", _PAPER, "F201, at 5 wt% carbon"),
        "film_initial_2": _row(
            "asr", 3.16e-4, "calibrated", _PAPER, "F158: with the rate, its share of 13.2 Ω"
        ),
        "film_initial_5": _row("asr", 2.05e-3, "calibrated", _PAPER, "F156"),
        "film_onset": _span(
            "potential", 4.0, 3.8, 4.2, "prior; the oxidation limit of LNOC is 4.06 V", log=False
        ),
        "film_onset_width": _span("potential", 0.03, 0.01, 0.06, "prior"),
        "film_capacitance": _span(
            "capacitance", 1500.0, 100.0, 5000.0, "from an onset below 50 Hz (F150)"
        ),
        # --- the anode
        "lithium_exchange_current": _span(
            "exchange_current", 30.0, 5.0, 100.0, "lithium on garnet at 60 °C"
        ),
        "silver_exchange_current": _span(
            "exchange_current", 30.0, 5.0, 100.0, "as lithium foil; not known"
        ),
        "alloy_charge": _row(
            "specific_capacity",
            6 * _MAH_G,
            "calibrated",
            _PAPER,
            "F181: plateaus of the first charge",
        ),
        "trapped_lithium": _row(
            "areal_capacity",
            0.462 * _HOUR,
            "calibrated",
            _PAPER,
            "F171 against F172: what the first half-cell cycle loses beyond the second",
        ),
        "trapped_share": _span(
            "ratio", 0.2, 0.05, 0.4, "of the first plated lithium; only how soon, not how much"
        ),
        "plating_loss": _span("ratio", 2.5e-4, 0.0, 5e-4, "at most 0.05 % per cycle", log=False),
        "depletion": _span(
            "areal_capacity", 0.3 * _HOUR, 0.1 * _HOUR, 1.0 * _HOUR, "contact is lost below this"
        ),
        **{
            f"strip_loss_{P}": _row(
                "ratio", loss, "calibrated", _PAPER, f"{fact}: half-cell, {P} MPa"
            )
            for P, loss, fact in (
                (7, 0.0034, "F172"),
                (5, 0.0033, "F173"),
                (3, 0.0058, "F174"),
                (1, 0.0239, "F175"),
            )
        },
    }
)
HALF_CELL: Final = 72000.0  # C/m², 2 mAh/cm² plated in the half-cells (F166)
PRESSURES: Final = (1e6, 3e6, 5e6, 7e6)  # Pa, of the half-cells


def study_interface() -> HeteroInterface:
    """Resistance of LNOC on heat-treated LLZTO, as measured, and drawn out to 1 MPa.

    Measured at 25 °C are 250 Ω cm² at 1.8 MPa, less than 100 at 6 MPa and 37 at 55 MPa
    (F114, F121, F103); an interface model gives a better table.
    """
    points = ((1.8e6, 250.0, "F114"), (6e6, 100.0, "F121"), (55e6, 37.0, "F103"))
    rows = tuple(_row("asr", R * _CM2, "measured", _PAPER, fact) for _, R, fact in points)
    slope = np.log(points[1][1] / points[0][1]) / np.log(points[1][0] / points[0][0])
    first = float(points[0][1] * (1e6 / points[0][0]) ** slope)
    drawn = _row("asr", first * _CM2, "assumed", _PRIOR, "F114 and F121, drawn out to 1 MPa")
    energy = _row("activation_energy", 0.49 * ELECTRON, "measured", _PAPER, "F105")
    capacitance = _row("capacitance", 2.2e-2, "measured", _PAPER, "F122: at 6 MPa")
    return HeteroInterface(
        pressures=(1e6, *(P for P, _, _ in points)),
        resistances=(drawn.si, *(row.si for row in rows)),
        energy=energy.si,
        capacitance=capacitance.si,
        made_from=(drawn, *rows, energy, capacitance),
    )


def defaults() -> Mapping[str, Value]:
    """`PARAMETERS`, with those that `calibrate cell` has fitted in their place."""
    fitted: Mapping[str, Value] = {}
    if (DATA / "calibration" / "cell.toml").is_file():
        fitted = calibration("cell").values
    return MappingProxyType({**PARAMETERS, **{k: v for k, v in fitted.items() if k in PARAMETERS}})


def loading(cell: Cell) -> float:
    """Active material per area [kg/m²]."""
    return cell["areal_capacity"].si / cell["rated_capacity"].si


def parameter_dict(cell: Cell) -> dict[str, Any]:
    """The parameters of a cell under the names of `DualElectrolyteCell`, SI."""
    import pybamm

    T = cell.temperature
    grains, walls = garnet_layers(cell.garnet.properties, cell["garnet_thickness"].si, T)
    area, areal = cell["area"].si, cell["areal_capacity"].si
    between = cell.interface

    def hetero(pressure: Any) -> Any:  # noqa: ANN401 (a symbol)
        table = _against(pressure, between.pressures, between.resistances)
        return cell["pellet_factor"].si * float(between.heat(T)) * table

    found: dict[str, Any] = {
        "Cell area [m2]": area,
        "Nominal cell capacity [A.h]": areal * area / _HOUR,
        "Ambient temperature [K]": T,
        "Stack pressure [Pa]": cell.pressure,
        "Current function [A]": areal * area / _HOUR / 5,
        "Lower voltage cut-off [V]": 2.8,
        "Upper voltage cut-off [V]": 4.3,
        "Held voltage [V]": 4.3,
        "Current cut-off [A]": 0.0,
        "Contact resistance [Ohm.m2]": _constant(cell["contact_resistance"].si),
        "Grain resistance [Ohm.m2]": grains,
        "Grain-boundary resistance [Ohm.m2]": walls,
        "Grain-boundary capacitance [F.m-2]": cell["grain_boundary_capacitance"].si,
        "Hetero-interface resistance [Ohm.m2]": hetero,
        "Hetero-interface capacitance [F.m-2]": between.capacitance,
        "Lithium exchange-current density [A.m-2]": cell["lithium_exchange_current"].si,
        **_silver(cell),
    }
    if cell.cathode is not None:
        found |= _cathode(cell, pybamm)
    return found


def _cathode(cell: Cell, pybamm: Any) -> dict[str, Any]:  # noqa: ANN401 (a module without types)
    assert cell.cathode is not None
    mix = cell.cathode.composition
    D = [cell[f"{k}"].si for k in ("fast_diffusivity", "slow_diffusivity")]
    D += [cell[f"diffusivity_{k}"].si for k in ("edge", "width")]
    rate, _ = by_carbon(mix.carbon, cell["film_rate_2"], cell["film_rate_5"])
    first, _ = by_carbon(mix.carbon, cell["film_initial_2"], cell["film_initial_5"])
    active, density = float(mix.fractions[0]), mix.active["density"].si
    kappa = float(mix.ionic(cell.temperature) / mix.fractions[1] ** 1.5)
    return {
        "Cathode thickness [m]": loading(cell) / (active * density),
        "Particle radius [m]": cell["particle_radius"].si,
        "Active volume fraction": active,
        "Connected fraction": mix.connected(
            cell["bare_connection"].si, cell["connection_width"].si
        ),
        "Contact loss per charge [m2.C-1]": cell["contact_loss"].si,
        "Lithium sites [mol.m-3]": cell["site_capacity"].si * density / FARADAY,
        "Initial lithium fraction": cell["initial_fraction"].si,
        "Ionic conductivity [S.m-1]": mix.ionic(cell.temperature),
        "Electronic conductivity [S.m-1]": mix.electronic(cell["network_conductivity"].si),
        "Double-layer capacitance [F.m-2]": cell["double_layer"].si,
        "Interlayer resistance [Ohm.m2]": cell["interlayer_thickness"].si / kappa,
        "Film growth rate [Ohm.m2.s-0.5]": rate,
        "Initial film resistance [Ohm.m2]": first,
        "Film age [s]": 1.0,  # √y has no slope at 0
        "Film onset potential [V]": cell["film_onset"].si,
        "Film onset width [V]": cell["film_onset_width"].si,
        "Film capacitance [F.m-2]": cell["film_capacitance"].si,
        "Cathode potential [V]": lambda x: cathode.open_circuit(x, cell["charged_fraction"].si),
        "Particle diffusivity [m2.s-1]": lambda x: cathode.diffusivity(x, *D),
        "Cathode exchange-current density [A.m-2]": lambda x: cathode.exchange_current(
            x, cell["cathode_exchange_current"].si
        ),
    }


def _silver(cell: Cell) -> dict[str, Any]:
    trapped, share = cell["trapped_lithium"].si, cell["trapped_share"].si
    alloy = cell["alloy_charge"].si * loading(cell)
    capacity = float(anode.alloy_capacity(alloy, trapped, share))
    depletion, plating = cell["depletion"].si, cell["plating_loss"].si
    loss = np.array([cell[f"strip_loss_{P / 1e6:.0f}"].si for P in PRESSURES])
    ratio = anode.stranding_ratio(np.maximum(loss - plating, 0) * HALF_CELL, depletion)
    return {
        "Silver exchange-current density [A.m-2]": cell["silver_exchange_current"].si,
        "Silver potential [V]": lambda n: anode.silver_potential(n, capacity),
        "Trapped share": share,
        "Trapped lithium at saturation [C.m-2]": trapped,
        "Plating loss": plating,
        "Depletion inventory [C.m-2]": depletion,
        "Stranding ratio": lambda P: _against(P, PRESSURES, tuple(ratio)),
    }


def _constant(number: float) -> Any:  # noqa: ANN401
    return lambda pressure: number


def _against(pressure: Any, at: tuple[float, ...], numbers: tuple[float, ...]) -> Any:  # noqa: ANN401
    """Positive numbers against pressure: straight in logarithms, constant beyond the table."""
    import pybamm

    if len(at) == 1:
        return pybamm.Scalar(numbers[0])
    inside = pybamm.maximum(pybamm.minimum(pressure, at[-1]), at[0])
    logs = pybamm.Interpolant(np.log(at), np.log(numbers), pybamm.log(inside))
    return pybamm.exp(logs)


def get_parameter_values() -> dict[str, Any]:
    """Return the cell of the study (Li foil, 2 wt% carbon, 60 °C) as a PyBaMM parameter set.

    `pybamm.ParameterValues("DualElectrolyte2026")` finds it by its entry point.
    """
    from dualyte.cell.cell import Cell

    return parameter_dict(Cell())
