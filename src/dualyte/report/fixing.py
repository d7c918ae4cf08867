"""Numbers that a user fixes, from text to SI."""

from __future__ import annotations

from collections.abc import Sequence

from dualyte.circuit.elements import slots
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse
from dualyte.errors import InputError
from dualyte.measure.eis.result import INTERFACE
from dualyte.vocabulary import q

_WORDS = {  # kind of parameter: word per area, word of a cell, example
    "R": ("asr", "resistance"),
    "C": ("capacitance", "cell_capacitance"),
    "Q": ("cpe_prefactor", "cell_cpe_prefactor"),
    "L": ("inductance", "cell_inductance"),
    "W": ("warburg", "cell_warburg"),
    "tau": ("relaxation_time", "relaxation_time"),
}


def fixed_number(circuit: str, name: str, text: str, spectra: Sequence[Spectrum]) -> float:
    """SI number of the cell that a text such as `5 ohm cm2` fixes a parameter at.

    Parameters
    ----------
    circuit
        Circuit string.
    name, text
        Parameter, and its value as results show it: per interface for R_he, C_he and Q_he.
    spectra
        Whose area and interfaces decide the unit and the share.

    Raises
    ------
    InputError
        If the circuit has no such parameter, or the text is no such quantity.

    Examples
    --------
    >>> cell = Spectrum(frequency=[1.0], z=[1.0], area=1e-4, interfaces=2)
    >>> round(fixed_number("R_0-p(R_he,CPE_he)", "R_he", "75 ohm cm2", [cell]), 9)
    0.015
    >>> fixed_number("R_0-p(R_he,CPE_he)", "n_he", "0.9", [cell])
    0.9
    """
    kinds = {each: kind for each, _, _, kind in slots(parse(circuit))}
    if name not in kinds:
        raise InputError(f"the circuit has no parameter {name}; it has {', '.join(kinds)}")
    kind = kinds[name]
    if kind == "n":
        try:
            return float(text)
        except ValueError:
            raise InputError(f"--fix {name}={text}: {text!r} is not a number") from None
    areas = {spectrum.area is None for spectrum in spectra}
    counts = {spectrum.interfaces for spectrum in spectra}
    if len(areas) > 1 or len(counts) > 1:
        raise InputError(
            f"--fix {name}={text} has no one meaning: area or interfaces are not known alike of "
            "all files; give --area and --interfaces"
        )
    word = _WORDS[kind][areas == {True}]
    try:
        si = q(text.replace(" s^n", ""), word)
    except InputError as error:
        raise InputError(f"--fix {name}={text}: {error}") from None
    n = next(iter(counts), 1) if name.split("_")[-1].lower() in INTERFACE else 1
    return si * {"R": n, "W": n, "C": 1 / n, "Q": 1 / n}.get(kind, 1)
