"""The words of the package: one row per quantity, its SI unit and plausible range.

Input checks, Dataset attributes, axis labels, material files and the nomenclature page
of the docs are all read from this table. SI in code, units at the border.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError

if TYPE_CHECKING:
    import pint

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Word:
    """One quantity."""

    unit: str  #: SI unit, as written to files
    low: float  #: below this, suspect a unit slip
    high: float  #: above this, suspect a unit slip
    shown: str  #: unit a person expects, for messages and plots
    symbol: str  #: as papers write it
    text: str


WORDS: Final = {
    "activation_energy": Word("J", 0.0, 8e-19, "eV", "E_a", "activation energy"),
    "angle": Word("rad", -7.0, 7.0, "deg", "2θ", "angle"),
    "area": Word("m2", 1e-14, 1e-1, "cm2", "A", "electrode area"),
    "areal_capacity": Word("C/m2", 0.0, 1e7, "mAh/cm2", "q", "capacity per area"),
    "asr": Word("ohm m2", 0.0, 1e6, "ohm cm2", "R", "area-specific resistance"),
    "binding_energy": Word("J", -1e-15, 3e-15, "eV", "E_B", "binding energy of a photoelectron"),
    "capacitance": Word("F/m2", 0.0, 1e4, "uF/cm2", "C", "capacitance per area"),
    "capacity": Word("C", 0.0, 1e9, "mAh", "Q", "capacity of a cell"),
    "cell_capacitance": Word("F", 0.0, 1e4, "uF", "C", "capacitance of a cell"),
    "cell_cpe_prefactor": Word(
        "S", 0.0, 1e6, "S", "Q", "prefactor Q of Q(iω)ⁿ, in S sⁿ, of a cell"
    ),
    "cell_inductance": Word("H", 0.0, 1.0, "nH", "L", "inductance of a cell and its leads"),
    "cell_warburg": Word(
        "ohm/s^0.5", 0.0, 1e9, "ohm/s^0.5", "W", "coefficient W of W√2/√s, of a cell"
    ),
    "compliance": Word("m/N", -1e-3, 1.0, "nm/mN", "C_f", "compliance of a frame"),
    "conductivity": Word("S/m", 1e-18, 1e9, "mS/cm", "σ", "conductivity"),
    "count": Word("1", 0.0, 1e12, "1", "N", "number counted"),
    "cpe_exponent": Word("1", 0.2, 1.0, "1", "n", "exponent of a constant-phase element"),
    "cpe_prefactor": Word(
        "S/m2", 0.0, 1e8, "S/cm2", "Q", "prefactor Q of Q(iω)ⁿ, in S sⁿ, per area"
    ),
    "creep_activation_energy": Word("J", 0.0, 8e-19, "eV", "Q", "activation energy of creep"),
    "creep_exponent": Word("1", 1.0, 50.0, "1", "n", "power-law creep exponent"),
    "creep_rate": Word("1/s", 0.0, 1e3, "1/s", "ε̇₀", "strain rate at the reference stress"),
    "current": Word("A", -1e5, 1e5, "mA", "I", "current, positive on charge"),
    "current_density": Word("A/m2", -1e6, 1e6, "mA/cm2", "i", "current density"),
    "density": Word("kg/m3", 10.0, 3e4, "g/cm3", "ρ", "density"),
    "diffusivity": Word("m2/s", 1e-25, 1e-4, "cm2/s", "D", "diffusivity"),
    "displacement": Word("m", -10.0, 10.0, "mm", "u", "displacement"),
    "dwell": Word("s", 0.0, 1e9, "min", "t", "time held at a pressure"),
    "efficiency": Word("1", 0.0, 1e3, "%", "CE", "coulombic efficiency"),
    "elastance_growth": Word(
        "1/F/s^0.5", 0.0, 1e12, "1/uF/h^0.5", "k''", "parabolic growth of a reciprocal capacitance"
    ),
    "energy": Word("J", 0.0, 1e6, "J", "W", "energy"),
    "exchange_current": Word("A/m2", 0.0, 1e6, "mA/cm2", "i₀", "exchange current density"),
    "exponent": Word("1", -50.0, 50.0, "1", "n", "exponent"),
    "force": Word("N", -1e8, 1e8, "N", "F", "force"),
    "fraction": Word("1", 0.0, 1.0, "%", "f", "true contact area / nominal area"),
    "fracture_energy": Word("J/m2", 1e-4, 1e5, "J/m2", "G", "fracture energy per area"),
    "fracture_toughness": Word("Pa m^0.5", 1e3, 1e9, "MPa m^0.5", "K_Ic", "fracture toughness"),
    "frequency": Word("Hz", 0.0, 1e13, "Hz", "ν", "frequency"),
    "growth_asr": Word(
        "ohm m2/s^0.5", 0.0, 1e3, "ohm cm2/h^0.5", "k", "rate of parabolic growth of a resistance"
    ),
    "growth_rate": Word("ohm/s^0.5", 0.0, 1e6, "ohm/h^0.5", "k'", "parabolic growth of resistance"),
    "hardness": Word("Pa", 1e5, 2e11, "GPa", "H", "indentation hardness"),
    "height": Word("m", -1e-2, 1e-2, "nm", "h", "surface height"),
    "impedance": Word("ohm m2", -1e9, 1e9, "ohm cm2", "Z", "area-specific impedance"),
    "inductance": Word("H m2", 0.0, 1.0, "H cm2", "L", "inductance times area"),
    "lattice_parameter": Word("m", 1e-10, 1e-8, "angstrom", "a", "lattice parameter"),
    "length": Word("m", 1e-10, 1.0, "um", "ℓ", "length"),
    "load": Word("N", -10.0, 1e3, "mN", "P", "load on an indenter"),
    "loss_per_charge": Word("m2/C", 0.0, 1.0, "cm2/mAh", "k", "share lost per charge passed"),
    "mass": Word("kg", 1e-9, 10.0, "mg", "m", "mass"),
    "modulus": Word("Pa", 1e6, 2e12, "GPa", "M", "elastic modulus other than Young's"),
    "molar_volume": Word("m3/mol", 1e-7, 1e-2, "cm3/mol", "V_m", "molar volume"),
    "peak_area": Word("J", 0.0, 1e-5, "eV", "A", "area of a peak, in counts times energy"),
    "per_cent": Word("1", -1e3, 1e3, "%", "x", "share of a whole, or change"),
    "permittivity": Word("1", 1.0, 1e5, "1", "ε_r", "relative permittivity"),
    "pixel": Word("m", 1e-12, 1e-2, "nm", "p", "side of a pixel"),
    "poisson_ratio": Word("1", -1.0, 0.5, "1", "ν", "Poisson ratio"),
    "potential": Word("V", -10.0, 10.0, "V", "E", "potential against Li+/Li"),
    "pressure": Word("Pa", 1e3, 1e10, "MPa", "P", "stack or fabrication pressure"),
    "ratio": Word("1", 0.0, 1e12, "1", "x", "ratio"),
    "relative_density": Word("1", 0.0, 1.2, "1", "D", "relative density"),
    "relative_growth": Word(
        "1/s^0.5", 0.0, 1e3, "1/h^0.5", "k''", "parabolic growth over the first resistance"
    ),
    "relaxation_time": Word("s", 0.0, 1e12, "s", "τ", "time of stress relaxation or creep"),
    "resistance": Word("ohm", 0.0, 1e12, "ohm", "R", "resistance of a cell"),
    "roughness": Word("m", 1e-10, 1e-3, "nm", "Sq", "root-mean-square roughness"),
    "slope": Word("1", 0.0, 10.0, "1", "Sdq", "root-mean-square slope"),
    "specific_capacity": Word("C/kg", 0.0, 1e8, "mAh/g", "q", "specific capacity"),
    "specific_work": Word("J/kg", 0.0, 1e8, "J/g", "w", "work per mass"),
    "stiffness": Word("N/m", 0.0, 1e12, "N/mm", "S", "stiffness"),
    "strain": Word("1", -10.0, 10.0, "%", "ε", "strain"),
    "stress": Word("Pa", 1e3, 1e11, "MPa", "σ_y", "stress"),
    "surface_energy": Word("J/m2", 1e-4, 1e2, "J/m2", "γ", "surface energy"),
    "temperature": Word("K", 100.0, 2000.0, "degC", "T", "temperature"),
    "thickness": Word("m", 1e-10, 1e-1, "nm", "d", "thickness of a layer"),
    "time": Word("s", 0.0, 1e10, "h", "t", "time"),
    "viscosity": Word("Pa s", 1e-6, 1e20, "Pa s", "η", "viscosity"),
    "voltage": Word("V", -100.0, 100.0, "V", "U", "voltage of a cell"),
    "warburg": Word(
        "ohm m2/s^0.5", 0.0, 1e6, "ohm cm2/s^0.5", "W", "coefficient W of W√2/√s, per area"
    ),
    "wavelength": Word("m", 1e-12, 1e-8, "angstrom", "λ", "wavelength"),
    "work_density": Word("J/m3", 0.0, 1e12, "MJ/m3", "w", "work per volume"),
    "work_of_adhesion": Word("J/m2", 0.0, 1e2, "J/m2", "W_ad", "work of adhesion"),
    "youngs_modulus": Word("Pa", 1e6, 2e12, "GPa", "E", "Young's modulus"),
}

ROOM: Final = 298.15  #: K, 25 °C
BOLTZMANN: Final = 1.380649e-23  #: J/K
ELECTRON: Final = 1.602176634e-19  #: J/eV
_AVOGADRO: Final = 6.02214076e23
_SPELLINGS: Final = (("°C", "degC"), ("Ω", "ohm"), ("\u2126", "ohm"), ("·", " "), ("−", "-"))


@cache
def _registry() -> pint.UnitRegistry[float]:
    import pint

    # people write cm2, pint reads cm**2; the exponent of 1e-7 is not a power
    powers = re.compile(r"(?<=[A-Za-z])(?<![\d.][eE])(-?\d)")

    def spell(text: str) -> str:
        for seen, meant in _SPELLINGS:
            text = text.replace(seen, meant)
        return powers.sub(r"**\1", text.replace("%", " percent"))

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True, preprocessors=[spell])


def q(text: str, word: str | None = None) -> float:
    """Turn a quantity written for people into an SI float.

    Parameters
    ----------
    text
        A number with its unit, e.g. `"3 MPa"` or `"0.8 mS/cm"`.
    word
        Name of a row of `WORDS`: then the unit must fit it and the value must be
        plausible.

    Raises
    ------
    InputError
        If the text is not a quantity, has no unit where one is needed, or does not fit.

    Examples
    --------
    >>> q("3 MPa")
    3000000.0
    >>> round(q("0.8 mS/cm"), 6), round(q("150 ohm cm2"), 6)
    (0.08, 0.015)
    >>> q("3", "pressure")
    Traceback (most recent call last):
        ...
    dualyte.errors.InputError: pressure '3' has no unit; write it with one, such as '3 MPa'
    """
    if "," in str(text):
        raise InputError(f"cannot read {text!r} as a quantity: write a decimal point, no comma")
    try:
        quantity: Any = _registry().Quantity(text).to_base_units()
        number = float(quantity.magnitude)
    except Exception as error:  # pint raises many kinds; all mean the same here
        raise InputError(f"cannot read {text!r} as a quantity: {error}") from error
    if word is None and not np.isfinite(number):
        raise InputError(f"{word or 'quantity'} {text!r} is not a finite number")
    if word is None:
        return number
    return float(checked(word, _fitted(text, word, quantity, number)))


@cache
def size(unit: str, word: str) -> float:
    """Size of one `unit` of a quantity in SI, for differences (offsets cancel).

    >>> size("degC", "temperature"), size("GPa", "hardness")
    (1.0, 1000000000.0)
    """

    def si(number: int) -> float:
        text = f"{number} {unit}"
        quantity: Any = _registry().Quantity(text).to_base_units()
        return _fitted(text, word, quantity, float(quantity.magnitude))

    return 1.0 if known(word).unit == unit else si(1) - si(0)


def _fitted(text: str, word: str, quantity: pint.Quantity[float], number: float) -> float:
    row = known(word)
    wanted = _registry().Quantity(1.0, row.unit).dimensionality
    if quantity.dimensionality != wanted:
        if quantity.dimensionless:
            unit = row.shown if row.shown != "1" else row.unit
            raise InputError(
                f"{word} {text!r} has no unit; write it with one, such as "
                f"'{str(text).strip()} {unit}'"
            )
        molar = quantity.dimensionality * _registry().Quantity(1, "mol").dimensionality
        if molar != wanted:
            raise InputError(
                f"{word} {text!r} has the wrong unit; it is given in {row.shown}, "
                f"not in {quantity.units:~}"
            )
        number /= _AVOGADRO
    return number


def known(name: str) -> Word:
    """Return the row of `WORDS` called `name`, or say which is nearest."""
    if name not in WORDS:
        near = get_close_matches(name, WORDS, n=3, cutoff=0.5)
        hint = f"; best matches are {', '.join(near)}" if near else ""
        raise InputError(f"no quantity is called {name!r}{hint}")
    return WORDS[name]


@cache
def _line(name: str) -> tuple[float, float]:
    """Slope and offset from SI to the shown unit."""
    word = known(name)
    at = [_registry().Quantity(x, word.unit).to(word.shown).magnitude for x in (0.0, 1.0)]
    return at[1] - at[0], at[0]


def shown(name: str, si: npt.ArrayLike) -> Floats:
    """SI values as numbers in the unit people expect.

    >>> float(shown("asr", 0.015))
    150.0
    """
    slope, offset = _line(name)
    return np.asarray(np.asarray(si, dtype=np.float64) * slope + offset)


def show(name: str, si: float, digits: int = 4) -> str:
    """Write an SI value the way a person expects it.

    >>> show("pressure", 120)
    '0.00012 MPa'
    """
    unit = known(name).shown
    return f"{float(shown(name, si)):.{digits}g}" + ("" if unit == "1" else f" {unit}")


def label(name: str) -> str:
    """Axis label: the text, symbol and unit of a quantity.

    >>> label("pressure")
    'stack or fabrication pressure P / MPa'
    """
    word = known(name)
    unit = "" if word.shown == "1" else f" / {pretty(word.shown)}"
    return f"{word.text} {word.symbol}{unit}"


def pretty(unit: str) -> str:
    """Typeset a unit for a figure or a page.

    >>> pretty("ohm cm2"), pretty("uF/cm2"), pretty("degC")
    ('Ω cm²', 'µF/cm²', '°C')
    """
    for seen, meant in (("ohm", "Ω"), ("degC", "°C"), ("um", "µm"), ("uF", "µF")):
        unit = unit.replace(seen, meant)
    return unit.replace("2", "²").replace("3", "³")


def checked(name: str, value: npt.ArrayLike) -> Floats:
    """Return `value` as float64, or say which number is implausible and why."""
    word, array = known(name), np.asarray(value, dtype=np.float64)
    bad = ~((word.low <= array) & (array <= word.high))  # NaN is bad too
    if bad.any():
        worst = float(array[bad].flat[0])
        if not np.isfinite(worst):
            raise InputError(f"{name}={worst} is not a finite number; give one in {word.shown}")
        meant = f'dualyte takes SI: did you mean {name}=q("{worst:g} {word.shown}")?'
        inside = word.low <= _from_shown(name, worst) <= word.high and word.shown != "1"
        raise InputError(
            f"{name}={worst:g} {word.unit} ({show(name, worst)}) is outside "
            f"{show(name, word.low)} … {show(name, word.high)}."
            + (f" {meant}" if inside else " Check its sign and unit.")
        )
    return array


def _from_shown(name: str, number: float) -> float:
    slope, offset = _line(name)
    return (number - offset) / slope
