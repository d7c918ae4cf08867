"""Models of regions: which peaks may be there, and what ties them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from dualyte.errors import InputError
from dualyte.vocabulary import ELECTRON, checked, show

Shape = Literal["pseudo-voigt", "voigt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """A line, or a doublet whose weaker line lies at higher binding energy."""

    name: str
    centre: float  #: J, of the stronger line
    play: float = 0.3 * ELECTRON  #: J, how far its centre may lie from there
    splitting: float = 0.0  #: J, to the weaker line; 0: no doublet
    ratio: float = 0.0  #: area of the weaker line over that of the stronger
    width_of: str = ""  #: name of the peak whose width it shares; its own if ""
    relative: str = ""  #: name of the peak that its centre moves with; none if ""

    def __post_init__(self) -> None:
        checked("binding_energy", [self.centre, self.play, self.splitting])
        if self.play < 0 or self.splitting < 0 or not 0 <= self.ratio <= 1:
            raise InputError(
                f"peak {self.name}: play {show('binding_energy', self.play)}, splitting "
                f"{show('binding_energy', self.splitting)}, ratio {self.ratio:g}; none is "
                "negative, and the ratio is 1 or less"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakModel:
    """Which peaks a region may have.

    Raises
    ------
    InputError
        If it has no peak, two of one name, or one that shares with none of them.
    """

    name: str
    region: str  #: such as "O 1s"
    peaks: tuple[Peak, ...]
    window: tuple[float, float]  #: J, that is fitted
    shape: Shape = "pseudo-voigt"
    width: tuple[float, float, float] = (0.6 * ELECTRON, 1.4 * ELECTRON, 2.8 * ELECTRON)
    #: J, least, expected and greatest full width at half maximum
    mixing: tuple[float, float] = (0.0, 0.8)  #: least and greatest share of the Lorentzian
    one_mixing: bool = True  #: whether all peaks have the same share; else as their widths
    notes: tuple[str, ...] = ()  #: what to know of it
    substrate: str = ""  #: peak that a film covers
    film: tuple[str, ...] = ()  #: peaks of the film
    materials: Mapping[str, str] = field(default_factory=dict)  #: peak: material of the library

    def __post_init__(self) -> None:
        names = [peak.name for peak in self.peaks]
        if not names or len(set(names)) < len(names):
            raise InputError(f"model {self.name}: give one peak or more, each with its own name")
        for peak in self.peaks:
            for other in (peak.width_of, peak.relative):
                if other and (other not in names[: names.index(peak.name)]):
                    raise InputError(
                        f"model {self.name}: peak {peak.name} refers to {other!r}, which is none "
                        "of the peaks before it"
                    )
        if not self.window[0] < self.window[1]:
            raise InputError(f"model {self.name}: its window ends before it begins")

    def moved(self, by: float) -> PeakModel:
        """Return it with all centres and its window moved [J]."""
        peaks = tuple(replace(peak, centre=peak.centre + by) for peak in self.peaks)
        return replace(self, peaks=peaks, window=(self.window[0] + by, self.window[1] + by))

    def with_play(self, play: float) -> PeakModel:
        """Return it with another play [J] of all centres."""
        return replace(self, peaks=tuple(replace(peak, play=play) for peak in self.peaks))


def _ev(number: float) -> float:
    return number * ELECTRON


O1S_GARNET: Final = PeakModel(
    name="o1s-garnet",
    region="O 1s",
    peaks=(
        Peak(name="lattice", centre=_ev(528.9), play=_ev(0.4)),
        Peak(name="LiOH", centre=_ev(530.7)),
        Peak(name="Li2CO3", centre=_ev(531.6), width_of="LiOH"),
    ),
    window=(_ev(525.5), _ev(536.5)),
    notes=(
        "O 1s of Li2CO3 (531.6 eV) and of phosphate (531.5 eV) cannot be told apart: the peak "
        "Li2CO3 holds both; P 2p near 133 eV and C 1s of carbonate near 290 eV decide",
        "O 1s of LiOH and Li2CO3 lie 0.9 eV apart, less than a line is wide: their sum is surer "
        "than each",
    ),
    substrate="lattice",
    film=("LiOH", "Li2CO3"),
    materials={"lattice": "LLZTO", "LiOH": "LiOH", "Li2CO3": "Li2CO3"},
)
CL2P_OXYHALIDE: Final = PeakModel(
    name="cl2p-oxyhalide",
    region="Cl 2p",
    peaks=(
        Peak(name="LNOC", centre=_ev(198.8), splitting=_ev(1.6), ratio=0.5),
        Peak(name="oxidised", centre=_ev(199.7), splitting=_ev(1.6), ratio=0.5, width_of="LNOC"),
    ),
    window=(_ev(194.0), _ev(206.0)),
    notes=(
        "Cl 2p of oxidised chloride lies 0.9 eV above that of the oxyhalide, so that its stronger "
        "line lies under the doublet: its share depends on splitting (1.6 eV) and ratio (1/2), "
        "which are held",
    ),
)
C1S_CARBON: Final = PeakModel(
    name="c1s-carbon",
    region="C 1s",
    peaks=(
        Peak(name="C-C", centre=_ev(284.8), play=_ev(0.5)),
        Peak(name="C-O", centre=_ev(286.3), play=_ev(0.3), width_of="C-C", relative="C-C"),
        Peak(name="carbonate", centre=_ev(289.5), play=_ev(1.0), width_of="C-C", relative="C-C"),
    ),
    window=(_ev(281.5), _ev(293.5)),
    width=(_ev(0.5), _ev(1.3), _ev(2.4)),
)
#: region: eV between the lines of a doublet, and area of the weaker over the stronger
DOUBLETS: Final = {
    "Al 2p": (0.4, 1 / 2), "Si 2p": (0.6, 1 / 2), "P 2p": (0.87, 1 / 2), "S 2p": (1.18, 1 / 2),
    "Cl 2p": (1.6, 1 / 2), "Ti 2p": (5.7, 1 / 2), "Sr 3d": (1.76, 2 / 3), "Zr 3d": (2.4, 2 / 3),
    "Nb 3d": (2.72, 2 / 3), "Ta 4f": (1.91, 3 / 4), "W 4f": (2.18, 3 / 4), "Pt 4f": (3.33, 3 / 4),
    "Au 4f": (3.67, 3 / 4),
}  # fmt: skip
LINE: Final = "line"  #: name of the model of one line, or doublet, wherever it lies
MODELS: Final = (O1S_GARNET, CL2P_OXYHALIDE, C1S_CARBON)


def model_for(name: str | None, region: str) -> PeakModel | None:
    """Model of a name, or the one of a region; None if there is none.

    Raises
    ------
    InputError
        If no model has the name.

    >>> model_for(None, "Cl 2p").name
    'cl2p-oxyhalide'
    """
    if name == LINE:
        return None  # it is made for a spectrum
    if name is None:
        return next((model for model in MODELS if model.region == region), None)
    for model in MODELS:
        if model.name == name:
            return model
    raise InputError(
        f"no peak model is called {name!r}; known are {', '.join(m.name for m in MODELS)}, {LINE}"
    )
