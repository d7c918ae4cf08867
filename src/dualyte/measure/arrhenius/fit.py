"""Fit of an activation energy."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.measure.arrhenius.judge import input_flags, judge, use_flags
from dualyte.measure.arrhenius.laws import Errors, Form, Law, Outliers
from dualyte.measure.arrhenius.result import ArrheniusFit
from dualyte.measure.arrhenius.solve import choose, read
from dualyte.vocabulary import ROOM, checked, known

_QUANTITY: Final[dict[Form, str]] = {
    "R": "asr", "sigma": "conductivity", "sigmaT": "conductivity", "tau": "relaxation_time",
}  # fmt: skip


def fit_arrhenius(
    temperature: npt.ArrayLike,
    value: npt.ArrayLike,
    spread: npt.ArrayLike | None = None,
    *,
    form: Form = "R",
    law: Law | Literal["auto"] = "arrhenius",
    outliers: Outliers = "flag",
    errors: Errors = "auto",
    at: float = ROOM,
    quantity: str | None = None,
    name: str = "",
) -> ArrheniusFit:
    """Fit an activation energy.

    Parameters
    ----------
    temperature : (n,)
        K, or texts such as "25 degC". Equal temperatures (to 0.05 K) are replicates.
    value : (n,)
        Resistance [Ω m²], conductivity [S/m] or relaxation time [s]; other units change
        the prefactor only. For `sigmaT` give the conductivity: it is multiplied by T here.
    spread : (n,) or ()
        Standard deviation of each value, in its unit. Without it the weights are equal, or
        come from the scatter of replicates where that differs between temperatures.
    form
        What is linear in 1/T: ln R, ln σ, ln σT or ln τ.
    law
        `arrhenius`; `vtf` (five temperatures or more); `auto` takes the VTF law where its
        corrected information criterion (AICc) is lower by more than 2.
    outliers
        `keep` looks for none; `flag` names the points whose studentised residual is beyond
        chance (5 %, Bonferroni) and uses them all; `robust` lowers the weight of points
        that lie off (Tukey's bisquare) and names those without a say.
    errors
        `scaled` multiplies the covariance by the reduced χ², `unscaled` trusts the spreads.
        `auto` trusts them unless χ² is too large (5 %).
    at
        K, where the quantity is reported.
    quantity
        Row of the vocabulary, if not that of the form.
    name
        What tables call it.

    Returns
    -------
    ArrheniusFit
        With `activation_energy` and `reference` as `Value`.

    Raises
    ------
    InputError
        If the temperatures look like °C, a number is not positive, or there are too few.

    Notes
    -----
    AICc: Hurvich & Tsai 1989, doi:10.1093/biomet/76.2.297. Replicates give a test for lack
    of fit; where it speaks up, errors come from the scatter of the means about the law.

    Examples
    --------
    >>> import numpy as np
    >>> from dualyte import show
    >>> T = np.array([253.15, 273.15, 293.15, 313.15])
    >>> fit = fit_arrhenius(T, 3e-9 * np.exp(0.43 / (8.617333262e-5 * T)))
    >>> show("activation_energy", fit.activation_energy.si)
    '0.43 eV'
    """
    for what, given, known_ones in (
        ("form", form, get_args(Form)), ("law", law, (*get_args(Law), "auto")),
        ("outliers", outliers, get_args(Outliers)), ("errors", errors, get_args(Errors)),
    ):  # fmt: skip
        if given not in known_ones:
            raise InputError(f"{what} {given!r} is none of {', '.join(known_ones)}")
    data = read(temperature, value, spread, form)
    kind = quantity or _QUANTITY[form]
    known(kind)
    at = float(checked("temperature", at))
    if errors == "unscaled" and not data.trusted:
        raise InputError("errors='unscaled' needs spread, the standard deviation of each value")
    chosen, fits, aicc = choose(data, law, outliers)
    best = fits[chosen]
    tests = judge(best, data, outliers, errors)
    flags = [*input_flags(data), *tests.flags, *use_flags(best, data, at)]
    if law == "auto" and chosen == "vtf":
        gain = aicc["arrhenius"] - aicc["vtf"]
        flags.append(f"the VTF law was chosen: its AICc is lower by {gain:.3g}")
    return ArrheniusFit(
        form=form, law=chosen, quantity=kind, temperature=data.T, value=data.value,
        relative=data.relative, weights=data.weights, policy=outliers, robust=best.robust,
        outliers=tests.outliers, theta=best.theta, covariance=tests.covariance,
        errors=tests.errors, degrees=tests.degrees, residual=best.residual,
        chi2_reduced=tests.chi2_reduced, r_squared=tests.r_squared, aicc=aicc,
        curvature=tests.curvature, lack_of_fit=tests.lack_of_fit, at=at, flags=tuple(flags),
        name=name,
    )  # fmt: skip
