"""Numbers that a user fixes, from text to SI."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dualyte.circuit.elements import slots
from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse
from dualyte.errors import InputError
from dualyte.measure.eis.model import Model
from dualyte.measure.eis.result import Estimate
from dualyte.vocabulary import q


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
    made = parse(circuit)
    kinds = {each: kind for each, _, _, kind in slots(made)}
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
    cell = (
        spectra[0]
        if spectra
        else Spectrum(frequency=np.ones(1), z=np.ones(1, dtype=np.complex128), area=1e-4)
    )
    model = Model(circuit=made)
    units = Estimate(  # numbers of 1, as results show them: their units and shares
        model=model, numbers=dict.fromkeys(model.names, 1.0), cell=cell, where="--fix",
        covariance=np.zeros((len(model.names), len(model.names))),
    ).values  # fmt: skip
    try:
        si = q(text.replace(" s^n", ""), units[name].quantity)
    except InputError as error:
        raise InputError(f"--fix {name}={text}: {error}") from None
    return si / units[name].si
