"""What every format calls its columns: a table, one row per format.

A word is a heading in one spelling without its unit (`headings.split`). The first word of a role
that a file has is the one used. What a format does not say of itself is taken from `COMMON`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from dualyte.measure.files.cyclers.headings import CLOCKS, UNITS, split

Words = Mapping[str, tuple[str, ...]]

#: role: the quantity whose units its heading may have
QUANTITY: Final = {
    "time": "time", "step_time": "time", "voltage": "voltage", "current": "current",
    "charged": "charge", "discharged": "charge", "capacity": "charge", "net": "charge",
    "charge_energy": "energy", "discharge_energy": "energy", "energy": "energy",
    "power": "power", "temperature": "temperature", "frequency": "frequency",
}  # fmt: skip
#: roles that hold no quantity
PLAIN: Final = ("stamp", "cycle", "step", "state", "soc")

COMMON: Final[Words] = {
    "time": (
        "testtime", "totaltime", "cumulativetime", "elapsedtime", "runtime", "programduration",
        "progtime", "programtime", "testsec", "time", "seconds", "times", "zeit", "t",
        "总时间", "测试时间", "累计时间",
    ),
    "step_time": (
        "steptime", "stepduration", "relativetime", "tstep", "stepsec", "statetime", "相对时间",
    ),
    "stamp": (
        "unixtime", "datetime", "datetimeisostring", "dateandtime", "dpttime", "realtime",
        "systime", "systemtime", "absolutetime", "absolutetimehms", "timestamp", "date",
        "datestamp", "datenum", "绝对时间", "系统时间",
    ),
    "voltage": (
        "voltage", "cellvoltage", "terminalvoltage", "batteryvoltage", "potential", "volts",
        "volt", "u", "v", "ecell", "ewe", "e", "spannung", "电压",
    ),
    "current": ("current", "cellcurrent", "i", "amps", "amp", "a", "strom", "电流"),
    "charged": (
        "chargecapacity", "chargingcapacity", "chgcap", "chgcapacity", "capchg", "capacitycharge",
        "ahcyccharge", "ahcharge", "ahcha", "qcharge", "qchg", "充电容量",
    ),
    "discharged": (
        "dischargecapacity", "dischargingcapacity", "dchgcap", "dchgcapacity", "dischgcap",
        "capdchg", "capacitydischarge", "ahcycdischarge", "ahdischarge", "ahdch", "qdischarge",
        "qdis", "放电容量",
    ),
    "capacity": ("stepcapacity", "ahstep", "capacity", "cap", "amphr", "capacitystep", "容量"),
    "net": ("netcapacity", "ahbal", "capacitynet"),
    "charge_energy": (
        "chargeenergy", "chargingenergy", "chgenergy", "chgeng", "whcyccharge", "whcha",
    ),
    "discharge_energy": (
        "dischargeenergy", "dischargingenergy", "dchgenergy", "dchgeng", "whcycdischarge", "whdch",
    ),
    "energy": ("stepenergy", "energy", "ener", "watthr", "whstep", "能量"),
    "power": ("power", "watt", "watts", "pwr", "p", "功率"),
    "cycle": (
        "cycle", "cycleindex", "cyclecount", "cyclenumber", "cycleno", "cycleid", "cyccount", "cyc",
        "cyclec", "cyclep", "halfcycle", "循环", "循环号",
    ),
    "step": (
        "stepcount", "step", "stepnumber", "stepno", "stepid", "ns", "line", "stepindex",
        "工步", "工步号",
    ),
    "state": (
        "steptype", "stepname", "state", "status", "md", "mode", "command", "工步状态", "状态",
    ),
    "temperature": (
        "temperature", "celltemperature", "surfacetemperaturet1", "temperature1",
        "auxtemperature1", "auxtemp1", "temperaturet1", "temp", "temp1", "t1", "tcell",
        "ambienttemperature", "tenv", "温度",
    ),
    "frequency": ("frequency", "freq"),
    "soc": ("soc",),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one format is known, and what it calls its columns."""

    name: str
    words: tuple[str, ...] = ()  #: headings it must have, in one spelling
    head: str = ""  #: what must stand above the headings, a pattern
    raw: str = ""  #: what the line of headings must hold as written, a pattern
    columns: Words = field(default_factory=dict)  #: instead of those of COMMON
    units: Mapping[str, str] = field(default_factory=dict)  #: where the heading names none
    positive: Literal["charge", "discharge"] = "charge"  #: what its positive current does
    day_first: bool | None = None  #: how it writes dates; None: unknown
    text: bool = True  #: whether it is looked for in texts and workbooks

    def fits(self, words: Iterable[str], line: str, head: str) -> bool:
        """Whether headings and what stands above them are of this format."""
        return (
            set(self.words) <= set(words)
            and re.search(self.head, head, re.IGNORECASE) is not None
            and re.search(self.raw, line, re.IGNORECASE) is not None
        )

    def role(self, role: str) -> tuple[str, ...]:
        """Words of a role, the best first."""
        return self.columns.get(role, COMMON[role])


def _binary(name: str) -> Format:
    return Format(name=name, text=False)


_AH: Final = {"charged": "ah", "discharged": "ah", "capacity": "ah", "net": "ah"}
#: every format, the most telling first; the last one is for any table with named columns
FORMATS: Final[tuple[Format, ...]] = (
    _binary("Arbin .res"),
    _binary("Neware .nda"),
    _binary("Neware .ndax"),
    _binary("Bio-Logic"),
    _binary("BDF parquet"),
    Format(
        name="Novonix",
        head=r"\[Summary\]|Novonix",
        words=("runtime", "potential", "current"),
        columns={"net": ("capacity",), "capacity": (), "state": (), "step": ("stepnumber",)},
    ),
    Format(
        name="Basytec",
        head=r"Basytec|~Resultfile",
        words=("time", "u", "i"),
        columns={
            "time": ("time",), "capacity": ("ahstep",), "net": ("ah",),
            "cycle": ("cyccount",), "step": ("line",), "state": ("command",),
        },
        units=_AH | {"charge_energy": "wh", "discharge_energy": "wh", "energy": "wh"},
        day_first=True,
    ),
    Format(
        name="Maccor",
        raw=r"(^|[\t,;])\W*Rec\W?[\t,;]",
        words=("step", "steptime"),
        columns={
            "time": ("testtime", "testsec"), "cycle": ("cyclep", "cyclec", "cyc", "cycle"),
            "state": ("md", "state"), "charged": ("capchg", "chargecapacity"),
        },
    ),
    Format(
        name="Maccor",
        raw=r"Test\s*\(Sec\)",
        words=("amps", "volts"),
        columns={"time": ("test",), "step_time": ("step",), "step": (), "state": ("state", "md")},
        units={"capacity": "ah"},
    ),
    Format(
        name="Argonne CAMP",
        words=("cycleindex", "time", "amphr", "current", "voltage", "datenum", "chargecapacity"),
        columns={"capacity": ()},
    ),
    Format(
        name="Landt",
        words=("channelindex", "datetimeisostring", "testtime", "current", "voltage"),
        columns={"state": ("stepname",)},
        day_first=False,
    ),
    Format(
        name="Landt",
        raw=r"SpeCap",
        words=("testtime", "voltage", "current"),
        columns={"step": ("step", "stepindex")},
        units={"time": "h", "step_time": "h"},
    ),
    Format(
        name="Neware",
        raw=r"D?Chg[.,]\s*Cap|Step Type.*Current|工步|Date\s*\(h:min:s|Record ID|Cap[.,] Dens",
        words=("voltage", "current"),
        columns={"time": ("totaltime", "cumulativetime", "testtime", "总时间"),
                 "step_time": ("time", "relativetime", "steptime", "时间"),
                 "step": ("stepnumber", "stepno", "stepid", "stepindex", "step")},
    ),
    Format(
        name="Neware",
        words=("时间", "电压", "电流"),
        columns={"time": ("总时间", "测试时间"), "step_time": ("时间", "相对时间")},
    ),
    Format(
        name="Digatron",
        raw=r"Program Duration#s|Prog\s*Time",
        words=("step", "voltage", "current"),
        columns={"net": ("ahbal",)},
    ),
    Format(
        name="Arbin",
        words=("testtime", "steptime", "stepindex", "cycleindex", "chargecapacity"),
        columns={"stamp": ("datetime",), "state": (), "capacity": ()},
        units=_AH | {"time": "s", "step_time": "s", "current": "a", "voltage": "v",
                     "temperature": "c", "charge_energy": "wh", "discharge_energy": "wh"},
        day_first=False,
    ),
    Format(
        name="BDF",
        raw=r"test_time_second|Test Time / s",
        words=("testtime", "voltage", "current"),
        columns={"time": ("testtime",), "capacity": ("stepcapacity",), "state": ()},
    ),
    Format(
        name="PyBaMM or ionworks",
        raw=r"Terminal voltage|Discharge capacity \[A[.,]h\]|Step from cycler",
        words=("time", "current"),
        columns={"net": ("dischargecapacity",), "charged": (), "discharged": ()},
        positive="discharge",
    ),
    Format(
        name="cellpy custom",
        head=r"PRIME INSTRUMENT FILE",
        words=("testtime", "current", "voltage"),
        day_first=False,
    ),
    Format(name="ampworks", words=("seconds", "amps", "volts")),
    Format(name="ampworks curve", words=("soc", "voltage")),
    Format(name="named columns"),
)  # fmt: skip
GENERIC: Final = FORMATS[-1]
#: one of these words is among the headings of every format
_TELLING: Final = frozenset({*COMMON["voltage"], *COMMON["current"], *COMMON["soc"]})
CURVE: Final = next(form for form in FORMATS if form.name == "ampworks curve")
#: pattern of a line of the head, the fact it tells, its factor to SI, and what programs preset
HEAD_FACTS: Final[tuple[tuple[re.Pattern[str], str, float, tuple[float, ...]], ...]] = (
    (re.compile(r"^\W*mass\s*[(\[]g[)\]]\s*[:;,\t=]\s*([\d.,]+)", re.I | re.M), "mass", 1e-3,
     (0, 1)),
    (re.compile(r"^\W*(?:active )?mass\s*[(\[]mg[)\]]\s*[:;,\t=]\s*([\d.,]+)", re.I | re.M), "mass",
     1e-6, (0, 1)),
    (re.compile(r"^\W*area\s*[(\[]cm[2²][)\]]\s*[:;,\t=]\s*([\d.,]+)", re.I | re.M), "area", 1e-4,
     (0, 1)),
    (re.compile(r"^\W*(?:nominal )?capacity\s*[(\[]mAh[)\]]\s*[:;,\t=]\s*([\d.,]+)", re.I | re.M),
     "capacity", 3.6, (0,)),
    (re.compile(r"^\W*(?:nominal )?capacity\s*[(\[]Ah[)\]]\s*[:;,\t=]\s*([\d.,]+)", re.I | re.M),
     "capacity", 3600.0, (0,)),
)  # fmt: skip
#: lines of the head that tell when the test began
HEAD_START: Final = re.compile(
    r"^\W*(?:Started|Start of Test|Start Time|Date of Test)\s*[:;,\t]\s*(\d[^\t;,\n]*)", re.I | re.M
)


def known(headings: Sequence[str], head: str) -> Format | None:
    """Format whose headings these are; None if no table with time, voltage and current.

    Parameters
    ----------
    headings
        As written, with their units.
    head
        What stands above them.
    """
    pairs = [split(heading) for heading in headings]
    words = {word for word, _ in pairs}
    if not words & _TELLING:
        return None
    line = "\t".join(headings)
    for form in FORMATS[:-1]:
        if form.text and form.fits(words, line, head):
            return form
    if words & set(COMMON["frequency"]):  # impedance
        return None
    roles = (("time", "step_time", "stamp"), ("voltage",), ("current",))
    return GENERIC if all(any(_has(pairs, role) for role in some) for some in roles) else None


def _has(pairs: Iterable[tuple[str, str]], role: str) -> bool:
    """Whether a heading is of a role, with a unit of its quantity or none."""
    words = COMMON[role]
    if role not in QUANTITY:
        return any(word in words for word, _ in pairs)
    units = UNITS[QUANTITY[role]]
    return any(
        word in words and (not unit or unit in units or CLOCKS.fullmatch(unit))
        for word, unit in pairs
    )
