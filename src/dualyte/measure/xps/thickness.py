"""Thickness of a film from how much it weakens the substrate's photoelectrons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, ValidityError
from dualyte.material import Value, material
from dualyte.measure.result import measured
from dualyte.measure.xps.result import SEEN, PeakFit
from dualyte.vocabulary import ELECTRON, WORDS, Floats, checked, show

#: g/mol and valence electrons of atoms
ATOMS: Final[dict[str, tuple[float, int]]] = {
    "H": (1.008, 1), "Li": (6.94, 1), "C": (12.011, 4), "N": (14.007, 5), "O": (15.999, 6),
    "F": (18.998, 7), "Na": (22.990, 1), "Al": (26.982, 3), "Si": (28.085, 4), "P": (30.974, 5),
    "S": (32.06, 6), "Cl": (35.45, 7), "K": (39.098, 1), "Ti": (47.867, 4), "Ga": (69.723, 3),
    "Zr": (91.224, 4), "Nb": (92.906, 5), "La": (138.905, 3), "Hf": (178.486, 4),
    "Ta": (180.948, 5), "Au": (196.967, 11),
}  # fmt: skip
BAND_GAP: Final = 6.0 * ELECTRON  # J, assumed for insulators; λ changes by 1 % per eV
_AL_K_ALPHA: Final = 1486.6 * ELECTRON
_LAMBDA_SPREAD: Final = 0.15  # of attenuation lengths, relative
_DENSITY_SPREAD: Final = 0.05  # of atom densities, relative
_DEEPEST: Final = 3.0  # attenuation lengths that still let 5 % through
_THINNEST: Final = WORDS["thickness"].low  # m: less than an atom is no film


def imfp_tpp2m(
    kinetic_energy: npt.ArrayLike,
    *,
    density: float,
    molar_mass: float,
    valence: float,
    band_gap: float = BAND_GAP,
) -> Floats:
    """Inelastic mean free path of electrons [m] by the TPP-2M formula.

    Parameters
    ----------
    kinetic_energy
        J, any shape; the formula holds from 50 eV to 2 keV, and within a few per cent to 30 keV.
    density
        kg/m³.
    molar_mass
        kg/mol of a formula unit.
    valence
        Valence electrons of a formula unit.
    band_gap
        J.

    Notes
    -----
    Root-mean-square error about 10 %. S. Tanuma, C. J. Powell and D. R. Penn, Surf. Interface
    Anal. 21 (1994) 165, doi:10.1002/sia.740210302.

    Examples
    --------
    >>> au = imfp_tpp2m(1000 * 1.602176634e-19, density=19320, molar_mass=0.19697, valence=11,
    ...                 band_gap=0)
    >>> f"{float(au) * 1e9:.2f} nm"
    '1.23 nm'
    """
    e = np.asarray(kinetic_energy, dtype=np.float64) / ELECTRON
    if np.any(e < 50) or np.any(e > 3e4):
        raise ValidityError("TPP-2M holds for electrons of 50 eV to 30 keV")
    rho, mass = density / 1e3, molar_mass * 1e3
    u = valence * rho / mass
    plasmon = 28.8 * np.sqrt(u)
    gap = band_gap / ELECTRON
    beta = -0.10 + 0.944 / np.sqrt(plasmon**2 + gap**2) + 0.069 * rho**0.1
    gamma = 0.191 / np.sqrt(rho)
    c, d = 1.97 - 0.91 * u, 53.4 - 20.8 * u
    length = e / (plasmon**2 * (beta * np.log(gamma * e) - c / e + d / e**2))
    return np.asarray(length * 1e-10)


def atoms_of(formula: str) -> dict[str, float]:
    """Numbers of atoms in a formula without brackets.

    >>> atoms_of("Li2CO3")
    {'Li': 2.0, 'C': 1.0, 'O': 3.0}
    """
    found: dict[str, float] = {}
    for atom, number in re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", formula):
        if atom not in ATOMS:
            raise InputError(f"formula {formula}: no data for {atom!r}")
        found[atom] = found.get(atom, 0.0) + float(number or 1)
    return found


def attenuation_length(name: str, kinetic_energy: float, atom: str = "O") -> tuple[Value, float]:
    """Attenuation length in a material of the library, and its density of one kind of atom.

    Parameters
    ----------
    name
        Material, such as `"Li2CO3"`.
    kinetic_energy
        J.
    atom
        Which atoms are counted.

    Returns
    -------
    Value, float
        Length [m], its spread 15 %; density [mol/m³].
    """
    known = material(name)
    atoms, rho = atoms_of(known.formula), known["density"].si
    mass = sum(ATOMS[a][0] * n for a, n in atoms.items()) * 1e-3
    valence = sum(ATOMS[a][1] * n for a, n in atoms.items())
    length = float(imfp_tpp2m(kinetic_energy, density=rho, molar_mass=mass, valence=valence))
    value = Value(
        quantity="thickness", si=length, spread=_LAMBDA_SPREAD * length, kind="computed",
        spread_kind="assumed", source="tanuma1994", where=f"TPP-2M for {name}",
        note="inelastic mean free path; elastic scattering shortens the attenuation length by "
        "about a tenth, which the spread holds",
    )  # fmt: skip
    return value, rho / mass * atoms.get(atom, 0.0)


def overlayer_thickness(
    ratio: npt.ArrayLike, *, length: float, balance: float = 1.0, angle: float = 0.0
) -> Floats:
    r"""Thickness of an even film over a substrate [m].

    Parameters
    ----------
    ratio
        Signal of the film over that of the substrate, any shape.
    length
        Attenuation length in the film [m], of both signals.
    balance
        Signal of bulk substrate over that of bulk film: atom density times attenuation length.
    angle
        Of emission, from the surface normal [rad].

    Notes
    -----
    :math:`d = \lambda\cos\theta\,\ln(1 + R\,B)`. M. P. Seah and W. A. Dench, Surf. Interface
    Anal. 1 (1979) 2, doi:10.1002/sia.740010103.

    Examples
    --------
    >>> f"{float(overlayer_thickness(np.e - 1, length=2e-9)) * 1e9:.1f} nm"
    '2.0 nm'
    """
    r = np.asarray(ratio, dtype=np.float64)
    checked("angle", angle)
    if not 0 <= angle < np.pi / 2:
        raise InputError(f"angle={angle:g} rad; it lies between 0 and π/2 from the surface normal")
    if np.any(r < 0) or length <= 0 or balance <= 0:
        raise InputError("ratio, length and balance are positive")
    return np.asarray(length * np.cos(angle) * np.log1p(r * balance))


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmThickness:
    """Thickness of a film, or a limit of it, and what was assumed."""

    value: Value
    limit: Literal["", "at least", "at most"]  #: "" for a thickness
    lengths: tuple[Value, ...]  #: attenuation lengths, of the film's parts and the substrate
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.limit} {show('thickness', self.value.si, 3)}".strip()


def film_thickness(fit: PeakFit, *, angle: float | None = None) -> FilmThickness | None:
    """Thickness of the film that a model names, from the areas of its peaks.

    Parameters
    ----------
    fit
        Fit of a model with a substrate and film peaks.
    angle
        Of emission from the surface normal [rad]; by default that of the file, else 0.

    Returns
    -------
    FilmThickness or None
        None if the model has no film, neither film nor substrate is seen, or one of them lies at
        the end of its range, so that it may be something else. A limit where one of
        them is not seen (area below two standard deviations), or the film is thicker than three
        attenuation lengths or thinner than an atom.
    """
    model = fit.model
    if not model.substrate or not model.film or {model.substrate, *model.film} & set(fit.at_end):
        return None
    kinetic, said = _kinetic(fit)
    theta, why = _angle(fit, angle)
    base, base_atoms = attenuation_length(model.materials[model.substrate], kinetic)
    parts = [attenuation_length(model.materials[name], kinetic) for name in model.film]
    balance = np.array([base_atoms * base.si / (n * v.si) for v, n in parts])
    under = fit.index(model.substrate)
    over = [fit.index(name) for name in model.film]
    inside, outside = float(fit.area[under]), fit.area[over]
    cov = fit.area_covariance
    weight = np.zeros(fit.area.size)
    weight[over] = balance
    whole, wide = float(weight @ fit.area), float(np.sqrt(weight @ cov @ weight))
    inside_wide = float(fit.area_spread[under])
    share = np.maximum(outside * balance, 1e-300)
    mean = float(np.average([v.si for v, _ in parts], weights=share))
    deepest = _DEEPEST * mean * np.cos(theta)
    limit, signal, base_signal = _limit(whole, wide, inside, inside_wide)
    if limit is None:
        return None
    d = float(overlayer_thickness(signal / base_signal, length=mean, angle=theta))
    if d > deepest and limit != "at most":
        limit, d = "at least", float(deepest)
    if d < _THINNEST:
        limit, d = "at most", _THINNEST
        said.append("the signals make less than an atom's width of film, taken as the limit")
    grown = signal / base_signal
    relative = 0.0
    if not limit:
        slope = weight / inside
        slope[under] = -whole / inside**2
        relative = float(np.sqrt(slope @ cov @ slope)) / grown
    shape = grown / (1 + grown) * mean * np.cos(theta)
    # λ of film and substrate err alike, so only the density of atoms moves their balance
    spread = float(np.hypot(_LAMBDA_SPREAD * d, np.hypot(relative, _DENSITY_SPREAD) * shape))
    assumptions = (
        f"an even film of {' and '.join(model.film)} on {model.materials[model.substrate]}; "
        "islands or roughness make it look thinner",
        "attenuation lengths are inelastic mean free paths by TPP-2M with a band gap of "
        f"{show('binding_energy', BAND_GAP, 2)}: "
        + ", ".join(
            f"{show('thickness', v.si, 3)} in {model.materials[n]}"
            for (v, _), n in zip(
                [*parts, (base, 0.0)], [*model.film, model.substrate], strict=True
            )
        )
        + f", each ± {100 * _LAMBDA_SPREAD:.0f} %",
        why, *said,
    )  # fmt: skip
    value = measured(
        "thickness", d, spread, computed=True,
        where=f"{fit.spectrum.title}, attenuation of {model.substrate}",
        note="; ".join(assumptions),
    )  # fmt: skip
    return FilmThickness(
        value=value, limit=limit, lengths=(*(v for v, _ in parts), base), assumptions=assumptions
    )


def _limit(
    whole: float, wide: float, inside: float, inside_wide: float
) -> tuple[Literal["", "at least", "at most"] | None, float, float]:
    """Which limit holds, and the signals of film and substrate to use."""
    seen, under = whole >= SEEN * wide, inside >= SEEN * inside_wide
    if not seen and not under:
        return None, 0.0, 0.0
    if not under:
        return "at least", whole, max(inside + SEEN * inside_wide, 1e-6 * whole)
    if not seen:
        return "at most", max(whole, 0.0) + SEEN * wide, inside
    return "", whole, inside


def _kinetic(fit: PeakFit) -> tuple[float, list[str]]:
    photon = fit.spectrum.photon_energy
    said = []
    if photon is None:
        photon = _AL_K_ALPHA
        said.append("the photon energy is taken as that of Al Kα, 1486.6 eV")
    return photon - float(np.mean(fit.position)), said


def _angle(fit: PeakFit, given: float | None) -> tuple[float, str]:
    if given is not None:
        return given, f"electrons leave at {show('angle', given)} from the surface normal, as given"
    if fit.spectrum.angle is not None:
        at = fit.spectrum.angle
        return at, f"electrons leave at {show('angle', at)} from the surface normal, as in the file"
    return 0.0, "electrons are taken to leave along the surface normal; give angle if they do not"
