"""From an interface, or a stack of layers around it, to the spectrum an instrument would show.

Importing this is cheap: the models load when `impedance` is first called.
"""

from __future__ import annotations

from functools import singledispatch
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from dualyte.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dualyte.circuit import Spectrum

_HOME: Final = {
    "layers": ("Arc", "Electrode", "HardLayer", "SoftLayer", "blocking"),
    "predict": ("ImpedancePrediction", "impedance_rows", "predict_impedance"),
    "stack": ("FREQUENCIES", "Bilayer", "bilayer", "series"),
}  #: module: words that load when first used
_WORDS: Final = {word: home for home, words in _HOME.items() for word in words}

__all__ = [
    "FREQUENCIES",
    "Arc",
    "Bilayer",
    "Electrode",
    "HardLayer",
    "ImpedancePrediction",
    "SoftLayer",
    "bilayer",
    "blocking",
    "impedance",
    "impedance_rows",
    "predict_impedance",
    "series",
]


@singledispatch
def impedance(
    thing: Any,  # noqa: ANN401 (whatever a model is registered for)
    *,
    frequency: npt.ArrayLike | None = None,
    temperature: npt.ArrayLike | None = None,
    pressure: npt.ArrayLike | None = None,
    reading: Literal["C", "Q"] = "Q",
) -> Spectrum | list[Spectrum]:
    """Simulate the impedance spectrum of an interface or of a cell around it.

    Parameters
    ----------
    thing
        An `Interface` (the interface alone, in excess of its layers) or a `Bilayer` (layers,
        interfaces, electrodes and leads). Other types register with `impedance.register`.
    frequency : (m,)
        Hz; 7 MHz to 1 Hz with 69 points by default.
    temperature
        K, one or several; 25 °C by default.
    pressure
        Pa, one or several of the stack pressures that the interface is resolved at; it may
        be left out where there is only one.
    reading
        How the capacitance that the calibration quotes per true contact area is read: as the
        Q of a constant-phase element, which puts the arc where it is measured, or as a
        capacitance `"C"`.

    Returns
    -------
    Spectrum or list of Spectrum
        One spectrum for one temperature and one pressure. Where either is a sequence, a list:
        all temperatures at the first pressure, then at the next. Each is that of a cell of
        `area`, says its `interfaces` (R and C belong to all of them together), its
        temperature and its pressure.

    Raises
    ------
    InputError
        If no model is registered for `thing`, or the interface is not resolved at `pressure`.
    ValidityError
        If a temperature is outside the range of the conductivities.

    Notes
    -----
    The interface enters by the spectral measure of its contact map, which is exact at every
    frequency and temperature; nothing is lumped. `dualyte.Bilayer.circuit` is the lumped
    equivalent circuit with the same names as a fit.
    """
    import_module("dualyte.impedance.stack")  # registers the types it knows
    model = impedance.dispatch(type(thing))
    if model is impedance.dispatch(object):
        known = sorted(kind.__name__ for kind in impedance.registry if kind is not object)
        raise InputError(
            f"no impedance model for a {type(thing).__name__}; there is one for {', '.join(known)}"
        )
    return model(
        thing, frequency=frequency, temperature=temperature, pressure=pressure, reading=reading
    )


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: words load when first used)
    if name in _WORDS:
        return getattr(import_module(f"dualyte.impedance.{_WORDS[name]}"), name)
    raise AttributeError(f"module 'dualyte.impedance' has no attribute {name!r}")
