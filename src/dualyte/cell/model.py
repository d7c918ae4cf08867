"""The cell as one PyBaMM model, top to bottom: electrode | layers in series | electrode.

Ions carry all current in every electrolyte (t₊ = 1), so no salt moves and Ohm's law is exact.
Signs: the current density i is positive on discharge. Each electrode sees the current `i` that
enters it from the electrolyte, +i on the positive side and −i on the negative, and answers with
its potential against the electrolyte at its face, so that

    V = φ₊(+i) − φ₋(−i) − V_gb − V_he − i (R_grains + R_interlayer + R_contact).

SI throughout; charges per area in C/m². `Stack pressure [Pa]` may be an input of the solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pybamm

from dualyte.cell.cathode import FINER
from dualyte.cell.interphase import growth_weight

F: Final = 96485.33212  # C/mol
R: Final = 8.31446261815  # J/(mol K)
FAR: Final = 10.0  # V, lifts an event that the direction of the current cannot meet

#: what a model may be made of; the first is the default
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "positive": ("porous", "single particle", "silver", "lithium"),
    "negative": ("lithium", "silver", "porous", "single particle"),
    "layers": ("interlayer and garnet", "garnet", "interlayer"),
    "interfaces": ("resistive", "capacitive"),  # capacitive ones have an impedance
    "film": ("ohmic", "warburg", "none"),
    "control": ("current", "voltage"),
}


@dataclass(frozen=True, slots=True)
class _Nominal:
    """What PyBaMM asks of `model.param`."""

    Q: Any
    A_cc: Any


class DualElectrolyteCell(pybamm.BaseModel):  # type: ignore[misc]  # pybamm has no types
    """A cell with an oxyhalide catholyte on a garnet separator.

    Parameters
    ----------
    options
        Some of `CHOICES`, such as `{"positive": "single particle", "negative": "silver"}`.
    name
        What PyBaMM calls it.

    Notes
    -----
    Not modelled: shorts; voids under stripped lithium foil, which make it fail at 1 MPa; the
    drop at low frequency at 1 MPa; garnet and collectors that change with pressure; the
    capacitance of the film, a constant, though measured ones fall at rest and rise on cycling;
    charge that growth of the film consumes; heat.
    """

    def __init__(
        self, options: Mapping[str, str] | None = None, name: str = "Dual-electrolyte cell"
    ) -> None:
        super().__init__(name)
        self.choices = _chosen(options or {})
        self.summary_variables: list[str] = []  # an Experiment asks for them
        area = pybamm.Parameter("Cell area [m2]")
        self.param = _Nominal(pybamm.Parameter("Nominal cell capacity [A.h]"), area)

        current = self._current()
        i = current / area
        self.variables["Current density [A.m-2]"] = i
        self._count("Discharge capacity [A.h]", current / 3600)
        self._count("Throughput [C.m-2]", abs(i), scale=1e5)

        positive = self._electrode("positive", i)
        negative = self._electrode("negative", -i)
        drops = self._series(i)

        voltage = positive - negative - sum(drops.values())
        if self.choices["control"] == "voltage":
            self.algebraic[current] = voltage - pybamm.Parameter("Held voltage [V]")
            self.initial_conditions[current] = pybamm.Scalar(0)
        self._finish(current, i, voltage)
        self.variables.update(
            {
                "Positive electrode potential [V]": positive,
                "Negative electrode potential [V]": negative,
                **{f"{name} drop [V]": drop for name, drop in drops.items()},
            }
        )

    # --- current, events, names -------------------------------------------------------

    def _current(self) -> Any:  # noqa: ANN401 (pybamm has no types)
        """A number over time, or the unknown that keeps a voltage."""
        if self.choices["control"] == "voltage":
            current = pybamm.Variable("Current variable [A]", scale=pybamm.Scalar(1e-3))
            least = pybamm.Parameter("Current cut-off [A]")
            self.events.append(pybamm.Event("Current cut-off [A]", abs(current) - least))
            return current
        return pybamm.FunctionParameter("Current function [A]", {"Time [s]": pybamm.t})

    def _count(self, name: str, rate: Any, scale: float = 1.0) -> Any:  # noqa: ANN401
        counted = pybamm.Variable(name, scale=pybamm.Scalar(scale))
        self.rhs[counted] = rate
        self.initial_conditions[counted] = pybamm.Scalar(0)
        self.variables[name] = counted
        return counted

    def _finish(self, current: Any, i: Any, voltage: Any) -> None:  # noqa: ANN401
        """Cut-offs, each where its direction of current can meet it, and what PyBaMM asks for."""
        if self.choices["control"] == "current":
            low = voltage - pybamm.Parameter("Lower voltage cut-off [V]")
            high = pybamm.Parameter("Upper voltage cut-off [V]") - voltage
            self.events += [
                pybamm.Event("Minimum voltage [V]", low + FAR * (i <= 0)),
                pybamm.Event("Maximum voltage [V]", high + FAR * (i >= 0)),
            ]
        self.variables.update(
            {
                "Time [s]": pybamm.t,
                "Time [h]": pybamm.t / 3600,
                "Current [A]": current,
                "Current variable [A]": current,
                "Voltage [V]": voltage,
                "Battery voltage [V]": voltage,
                "Terminal voltage [V]": voltage,
            }
        )

    # --- electrodes -------------------------------------------------------------------

    def _electrode(self, side: str, i: Any) -> Any:  # noqa: ANN401
        kind = self.choices[side]
        if kind == "lithium":
            return self._lithium(side, i)
        if kind == "silver":
            return self._silver(side, i)
        return self._cathode(side, i, porous=kind == "porous")

    def _lithium(self, side: str, i: Any) -> Any:  # noqa: ANN401
        """Lithium in excess: Butler-Volmer with equal coefficients."""
        eta = _overpotential(-i, pybamm.Parameter("Lithium exchange-current density [A.m-2]"))
        self.variables[f"{side.capitalize()} overpotential [V]"] = eta
        return eta

    def _silver(self, side: str, i: Any) -> Any:  # noqa: ANN401
        """Alloys, then plated lithium; some is trapped at first, some stranded at depletion."""
        name = side.capitalize()
        number = pybamm.Parameter
        plated, stripped = pybamm.maximum(i, 0), pybamm.maximum(-i, 0)
        scale = pybamm.Scalar(1e3)
        n = pybamm.Variable(f"{name} lithium [C.m-2]", scale=scale)
        trapped = pybamm.Variable(f"{name} trapped lithium [C.m-2]", scale=scale)
        dead = pybamm.Variable(f"{name} dead lithium [C.m-2]", scale=scale)
        depletion = number("Depletion inventory [C.m-2]")
        ratio = pybamm.FunctionParameter(
            "Stranding ratio", {"Stack pressure [Pa]": number("Stack pressure [Pa]")}
        )
        trap = (
            number("Trapped share")
            * plated
            * (1 - trapped / number("Trapped lithium at saturation [C.m-2]"))
        )
        inventory = pybamm.maximum(n, 0)
        strand = number("Plating loss") * plated + ratio * stripped * pybamm.exp(
            -inventory / depletion
        )
        self.rhs.update({n: i - trap - strand, trapped: trap, dead: strand})
        self.initial_conditions.update({x: pybamm.Scalar(0) for x in (n, trapped, dead)})
        # charged or discharged, lithium leaves silver only while there is some
        self.events.append(pybamm.Event(f"{name} lithium exhausted", n + 1e6 * (i >= 0)))
        covered = (inventory + 0.01 * depletion) / (inventory + 1.01 * depletion)
        j0 = number("Silver exchange-current density [A.m-2]") * covered
        eta = _overpotential(-i, j0)
        potential = pybamm.FunctionParameter("Silver potential [V]", {"Lithium": inventory})
        self.variables.update(
            {x.name: x for x in (n, trapped, dead)}
            | {f"{name} overpotential [V]": eta, f"{name} open-circuit potential [V]": potential}
        )
        return potential + eta

    def _cathode(self, side: str, i: Any, *, porous: bool) -> Any:  # noqa: ANN401
        """NMC particles in catholyte and carbon, with the film that grows on them."""
        part = self._composite(side, porous)
        name, where, thickness = part.name, part.where, part.thickness

        # current density j from the particles into the electrolyte; lithium leaves with it.
        # Per area of all particles, also those that lost contact: then lithium is conserved to
        # rounding, and only `part.left` of the area carries it
        if porous:
            j = pybamm.Variable(
                f"{name} interfacial current density [A.m-2]", where, scale=pybamm.Scalar(0.05)
            )
        else:
            j = -i / (part.surface * thickness)
        x = self._particles(part)
        edge = pybamm.maximum(pybamm.minimum(pybamm.surf(x), 0.9999), 1e-4)
        u = pybamm.FunctionParameter("Cathode potential [V]", {"Fraction": edge})
        j0 = pybamm.FunctionParameter(
            "Cathode exchange-current density [A.m-2]", {"Fraction": edge}
        )
        eta = self._transfer(part, j / part.left, j0)
        film, behind = self._film(part, u, i)

        # potential of the solid against the electrolyte beside it
        step = u + eta + film * part.surface * thickness * j / part.left
        kappa, sigma = (
            pybamm.Parameter(f"{carrier} conductivity [S.m-1]")
            for carrier in ("Ionic", "Electronic")
        )
        self.variables.update(
            {
                f"{name} open-circuit potential [V]": part.mean(u),
                f"{name} overpotential [V]": part.mean(eta),
                f"{name} potential step [V]": step,
            }
        )
        if not porous:  # as if j were the same everywhere
            return step - i * thickness * (1 / kappa + 1 / sigma) / 3 + behind

        # Ohm's law in both phases, as one equation: no salt moves
        slope = pybamm.grad(step)
        balance = pybamm.div(slope) - (1 / sigma + 1 / kappa) * part.surface * j
        self.algebraic[j] = balance * thickness**2
        self.initial_conditions[j] = pybamm.Scalar(0)
        self.boundary_conditions[step] = {
            "left": (i / kappa, "Neumann"),
            "right": (-i / sigma, "Neumann"),
        }
        front, back = (pybamm.boundary_value(step, end) for end in ("left", "right"))
        return (sigma * front + kappa * back - i * thickness) / (kappa + sigma) + behind

    def _composite(self, side: str, porous: bool) -> _Composite:
        """Active surface, and how much of it has lost contact since."""
        number = pybamm.Parameter
        throughput = self.variables["Throughput [C.m-2]"]
        left = pybamm.exp(-number("Contact loss per charge [m2.C-1]") * throughput)
        self.variables[f"{side.capitalize()} active fraction"] = left
        return _Composite(
            name=side.capitalize(),
            where=f"{side} electrode" if porous else [],
            fraction=number("Active volume fraction") * number("Connected fraction"),
            left=left,
            thickness=number("Cathode thickness [m]"),
            radius=number("Particle radius [m]"),
        )

    def _particles(self, part: _Composite) -> Any:  # noqa: ANN401
        """Diffusion in spheres; returns the lithium fraction of those in contact.

        The unknown is c = x · (share in contact). What loses contact takes its lithium along,
        and c and the isolated lithium add up exactly, as no product of unknowns is in the sum.
        """
        name, number = part.name, pybamm.Parameter
        beyond = {"secondary": part.where} if part.where else {}
        c = pybamm.Variable(
            f"{name} connected lithium", f"{name.lower()} particle", auxiliary_domains=beyond
        )
        x = c / part.left
        losing = number("Contact loss per charge [m2.C-1]") * abs(
            self.variables["Current density [A.m-2]"]
        )
        self.rhs[c] = pybamm.div(_diffusivity(x) * pybamm.grad(c)) - losing * c
        self.initial_conditions[c] = number("Initial lithium fraction")

        full = F * number("Lithium sites [mol.m-3]") * part.fraction * part.thickness  # C/m²
        held = part.mean(pybamm.r_average(c)) * full
        isolated = pybamm.Variable(
            f"{name} isolated lithium [C.m-2]", part.where, scale=pybamm.Scalar(1e3)
        )
        self.rhs[isolated] = losing * pybamm.r_average(c) * full
        self.initial_conditions[isolated] = pybamm.Scalar(0)
        self.variables.update(
            {
                c.name: c,
                isolated.name: isolated,
                f"{name} lithium [C.m-2]": held,
                f"{name} lithium fraction": x,
                f"{name} mean lithium fraction": held / full / part.left,
            }
        )
        return x

    def _transfer(self, part: _Composite, j: Any, j0: Any) -> Any:  # noqa: ANN401
        """Overpotential, and the flux of lithium that it drives."""
        flux = j
        if self.choices["interfaces"] == "capacitive":
            eta = pybamm.Variable(f"{part.name} transfer overpotential [V]", part.where)
            flux = 2 * j0 * pybamm.sinh(eta * F / (2 * R * _temperature()))
            self.rhs[eta] = (j - flux) / pybamm.Parameter("Double-layer capacitance [F.m-2]")
            self.initial_conditions[eta] = pybamm.Scalar(0)
        else:
            eta = _overpotential(j, j0)
        c = self.variables[f"{part.name} connected lithium"]
        sites = F * pybamm.Parameter("Lithium sites [mol.m-3]")
        surface = pybamm.surf(_diffusivity(self.variables[f"{part.name} lithium fraction"]))
        self.boundary_conditions[c] = {
            "left": (pybamm.Scalar(0), "Neumann"),
            "right": (-flux * part.left / (sites * surface), "Neumann"),
        }
        return eta

    def _film(self, part: _Composite, u: Any, i: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Film on the particles, per area of the cell: (resistance at the particles, drop).

        Growth is y = (R − R₀)², dy/dt = k² w(U), where the particles are. The Warburg film is
        one for all particles: its drop stands behind the electrode.
        """
        none = pybamm.Scalar(0)
        kind, number = self.choices["film"], pybamm.Parameter
        if kind == "none":
            return none, none
        y = pybamm.Variable(
            f"{part.name} film growth [Ohm2.m4]", part.where, scale=pybamm.Scalar(1e-6)
        )
        k2 = number("Film growth rate [Ohm.m2.s-0.5]") ** 2
        weight = growth_weight(
            u, number("Film onset potential [V]"), number("Film onset width [V]")
        )
        self.rhs[y] = k2 * weight
        self.initial_conditions[y] = k2 * number("Film age [s]")
        grown = number("Initial film resistance [Ohm.m2]") + pybamm.sqrt(y)
        mean = part.mean(grown)
        self.variables.update({y.name: y, f"{part.name} film resistance [Ohm.m2]": mean})
        if kind == "ohmic":
            return grown, none
        domain = f"{part.name.lower()} film"
        v = pybamm.Variable(f"{part.name} film potential [V]", domain, scale=pybamm.Scalar(1e-2))
        time = number("Film capacitance [F.m-2]") * mean
        self.rhs[v] = pybamm.div(pybamm.grad(v)) / pybamm.PrimaryBroadcast(time, domain)
        self.initial_conditions[v] = pybamm.Scalar(0)
        self.boundary_conditions[v] = {
            "left": (pybamm.Scalar(0), "Dirichlet"),
            "right": (-i * mean, "Neumann"),
        }
        return none, pybamm.boundary_value(v, "right")

    # --- layers in series -------------------------------------------------------------

    def _series(self, i: Any) -> dict[str, Any]:  # noqa: ANN401
        """Voltage lost in the layers between the electrodes."""
        number, kind = pybamm.Parameter, self.choices["layers"]
        pressure = {"Stack pressure [Pa]": number("Stack pressure [Pa]")}
        ohmic = pybamm.FunctionParameter("Contact resistance [Ohm.m2]", pressure)
        drops = {}
        if "garnet" in kind:
            ohmic += number("Grain resistance [Ohm.m2]")
            drops["Grain-boundary"] = self._arc(
                "Grain-boundary", i, number("Grain-boundary resistance [Ohm.m2]")
            )
        if "interlayer" in kind:
            ohmic += number("Interlayer resistance [Ohm.m2]")
        if kind == "interlayer and garnet":
            between = pybamm.FunctionParameter("Hetero-interface resistance [Ohm.m2]", pressure)
            drops["Hetero-interface"] = self._arc("Hetero-interface", i, between)
            self.variables["Hetero-interface resistance [Ohm.m2]"] = between
        return {"Ohmic": i * ohmic, **drops}

    def _arc(self, name: str, i: Any, resistance: Any) -> Any:  # noqa: ANN401
        """Resistance, in parallel with its capacitance where that matters."""
        if self.choices["interfaces"] == "resistive":
            return i * resistance
        v = pybamm.Variable(f"{name} voltage [V]", scale=pybamm.Scalar(1e-2))
        capacitance = pybamm.Parameter(f"{name} capacitance [F.m-2]")
        self.rhs[v] = (i - v / resistance) / capacitance
        self.initial_conditions[v] = pybamm.Scalar(0)
        return v

    # --- what PyBaMM needs to solve it ------------------------------------------------

    @property
    def default_parameter_values(self) -> Any:  # noqa: ANN401
        """Parameters of the cell of the study with this model's electrodes."""
        from dualyte.cell.parameters import get_parameter_values

        return pybamm.ParameterValues(get_parameter_values())

    def _sides(self) -> list[tuple[str, bool]]:
        """Sides with particles, and whether they are porous."""
        kinds = ((side, self.choices[side]) for side in ("positive", "negative"))
        return [(s, k == "porous") for s, k in kinds if k in ("porous", "single particle")]

    @property
    def default_geometry(self) -> Any:  # noqa: ANN401
        """Spheres, electrodes and films."""
        geometry: dict[str, Any] = {}
        zero, number = pybamm.Scalar(0), pybamm.Parameter
        for side, porous in self._sides():
            across, within, film = _coordinates(side, porous)
            radius = {"min": zero, "max": number("Particle radius [m]")}
            geometry[f"{side} particle"] = {within: radius}
            if porous:
                thickness = {"min": zero, "max": number("Cathode thickness [m]")}
                geometry[f"{side} electrode"] = {across: thickness}
            if self.choices["film"] == "warburg":
                geometry[f"{side} film"] = {film: {"min": zero, "max": pybamm.Scalar(1)}}
        return geometry

    @property
    def default_submesh_types(self) -> Any:  # noqa: ANN401
        """Uniform across an electrode; finer towards the surface of particles and films."""
        fine = pybamm.MeshGenerator(
            pybamm.Exponential1DSubMesh, submesh_params={"side": "right", "stretch": FINER}
        )
        return {
            domain: pybamm.Uniform1DSubMesh if "electrode" in domain else fine
            for domain in self.default_geometry
        }

    @property
    def default_var_pts(self) -> Any:  # noqa: ANN401
        """Twenty cells across an electrode and in a particle, thirty through a film."""
        points = {}
        for side, porous in self._sides():
            across, within, film = _coordinates(side, porous)
            points[within] = 20
            if porous:
                points[across] = 20
            if self.choices["film"] == "warburg":
                points[film] = 30
        return points

    @property
    def default_spatial_methods(self) -> Any:  # noqa: ANN401
        """Finite volumes: lithium is conserved to rounding."""
        edges = {
            "extrapolation": {
                "order": {"gradient": "linear", "value": "quadratic"},
                "use bcs": True,
            }
        }
        return {
            domain: pybamm.FiniteVolume() if "particle" in domain else pybamm.FiniteVolume(edges)
            for domain in self.default_geometry
        }

    @property
    def default_solver(self) -> Any:  # noqa: ANN401
        """SUNDIALS IDA, at the tolerances of the verification."""
        return pybamm.IDAKLUSolver(rtol=1e-5, atol=1e-7)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Composite:
    """An electrode of particles, in symbols."""

    name: str
    where: str | list[str]  #: domain of the electrode; none if one particle stands for all
    fraction: Any  #: of the volume, active and wired when built
    left: Any  #: share of that still in contact
    thickness: Any
    radius: Any

    @property
    def surface(self) -> Any:  # noqa: ANN401
        """m² of particles per m³ of electrode, when built."""
        return 3 * self.fraction / self.radius

    def mean(self, symbol: Any) -> Any:  # noqa: ANN401
        """Average across the electrode."""
        return pybamm.x_average(symbol) if self.where else symbol


def _chosen(options: Mapping[str, str]) -> dict[str, str]:
    """Options with defaults filled in, or which word is not known."""
    chosen = {key: words[0] for key, words in CHOICES.items()}
    for key, word in options.items():
        if key not in CHOICES:
            raise pybamm.OptionError(f"no option {key!r}; options are {', '.join(CHOICES)}")
        if word not in CHOICES[key]:
            raise pybamm.OptionError(
                f"{key}={word!r} is not modelled; it is one of {', '.join(CHOICES[key])}"
            )
        chosen[key] = word
    return chosen


def _temperature() -> Any:  # noqa: ANN401
    return pybamm.Parameter("Ambient temperature [K]")


def _overpotential(j: Any, j0: Any) -> Any:  # noqa: ANN401
    """Butler-Volmer with equal coefficients, solved for the overpotential."""
    return 2 * R * _temperature() / F * pybamm.arcsinh(j / (2 * j0))


def _diffusivity(x: Any) -> Any:  # noqa: ANN401
    return pybamm.FunctionParameter("Particle diffusivity [m2.s-1]", {"Fraction": x})


def _coordinates(side: str, porous: bool) -> tuple[Any, Any, Any]:
    """Across the electrode, from the middle of a particle outwards, and through the film."""
    coordinate, letter = pybamm.SpatialVariable, side[0]
    beyond = {"secondary": f"{side} electrode"} if porous else {}
    return (
        coordinate(f"x_{letter}", domain=f"{side} electrode", coord_sys="cartesian"),
        coordinate(
            f"r_{letter}",
            domain=f"{side} particle",
            auxiliary_domains=beyond,
            coord_sys="spherical polar",
        ),
        coordinate(f"z_{letter}", domain=f"{side} film", coord_sys="cartesian"),
    )
