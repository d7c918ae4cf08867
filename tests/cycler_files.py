"""Cyclers' files made for tests: one run of two cycles, written as many programs do."""

from dataclasses import dataclass

import numpy as np

STATES = ("R", "C", "R", "D")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Rest, charge, rest, discharge, twice; SI, current positive on charge."""

    time: np.ndarray
    step_time: np.ndarray
    voltage: np.ndarray
    current: np.ndarray
    charged: np.ndarray
    discharged: np.ndarray
    per_cycle: tuple[np.ndarray, np.ndarray]  # counters that a new cycle sets to zero
    per_step: np.ndarray
    cycle: np.ndarray
    step: np.ndarray
    state: np.ndarray
    temperature: np.ndarray
    started: float = 1714564800.0  # 2024-05-01 12:00:00


def a_run(rows=60, dt=60.0, amperes=1e-3, loss=0.97):
    """A run whose counters are the exact integral of its current."""
    lengths = {"R": rows // 4, "C": rows, "D": int(rows * loss)}
    state, step, cycle, inner = [], [], [], []
    for number in (1, 2):
        for k, word in enumerate(STATES):
            n = lengths[word]
            state += [word] * n
            step += [4 * (number - 1) + k + 1] * n
            cycle += [number] * n
            inner += list(range(1, n + 1))
    state, step, cycle, inner = map(np.array, (state, step, cycle, inner))
    sign = np.select([state == "C", state == "D"], [1.0, -1.0], 0.0)
    current = amperes * sign
    grown = np.abs(current) * dt  # each row ends an interval of its own current
    up, down = grown * (sign > 0), grown * (sign < 0)
    charged, discharged = np.cumsum(up), np.cumsum(down)
    second = cycle == 2
    reset = [np.where(second, total - total[~second][-1], total) for total in (charged, discharged)]
    per_step = np.concatenate([np.cumsum(grown[step == s]) for s in np.unique(step)])
    soc = (charged - discharged) / charged[~second][-1]
    voltage = 3.6 + 0.4 * soc + 0.05 * sign
    return Run(
        time=dt * np.arange(1, state.size + 1), step_time=dt * inner, voltage=voltage,
        current=current, charged=charged, discharged=discharged, per_cycle=tuple(reset),
        per_step=per_step, cycle=cycle, step=step, state=state,
        temperature=np.full(state.size, 298.15) + 0.1 * sign,
    )  # fmt: skip


def stamps(run, pattern="%m/%d/%Y %H:%M:%S"):
    from datetime import UTC, datetime

    when = run.started + run.time
    return [datetime.fromtimestamp(t, UTC).strftime(pattern) for t in when]


def clocks(seconds):
    return [f"{int(s) // 3600:02d}:{int(s) // 60 % 60:02d}:{int(s) % 60:02d}" for s in seconds]


def words(run, rest, charge, discharge):
    return [{"R": rest, "C": charge, "D": discharge}[s] for s in run.state]


def table(columns, sep=",", comma=False):
    """Text of named columns."""
    lines = [sep.join(columns)]
    for row in zip(*columns.values(), strict=True):
        cells = [c if isinstance(c, str) else f"{c:.9g}" for c in row]
        lines.append(sep.join(c.replace(".", ",") if comma else c for c in cells))
    return "\n".join(lines) + "\n"


def arbin(run):
    up, down = run.per_cycle
    return table({
        "Data_Point": np.arange(run.time.size), "Date_Time": stamps(run),
        "Test_Time(s)": run.time, "Step_Time(s)": run.step_time, "Step_Index": run.step,
        "Cycle_Index": run.cycle, "Current(A)": run.current, "Voltage(V)": run.voltage,
        "Charge_Capacity(Ah)": up / 3600, "Discharge_Capacity(Ah)": down / 3600,
        "Aux_Temperature_1(C)": run.temperature - 273.15,
    })  # fmt: skip


def neware(run):
    up = run.per_step * (run.current > 0)
    down = run.per_step * (run.current < 0)
    return table({
        "DataPoint": np.arange(run.time.size), "Cycle Index": run.cycle, "Step Index": run.step,
        "Step Type": words(run, "Rest", "CC Chg", "CC DChg"), "Time": clocks(run.step_time),
        "Total Time": clocks(run.time), "Current(mA)": run.current * 1e3,
        "Voltage(V)": run.voltage, "Capacity(mAh)": run.per_step / 3.6,
        "Spec. Cap.(mAh/g)": run.per_step, "Chg. Cap.(mAh)": up / 3.6,
        "DChg. Cap.(mAh)": down / 3.6, "Date": stamps(run, "%Y-%m-%d %H:%M:%S"),
        "T1(°C)": run.temperature - 273.15,
    })  # fmt: skip


def landt(run):
    """Current without a sign: the state tells it."""
    rows = {
        "channel_index": np.ones(run.time.size), "cycle_index": run.cycle, "step_index": run.step,
        "date_time_iso_string": stamps(run), "test_time_s": run.time,
        "step_time_s": run.step_time, "current_A": np.abs(run.current), "voltage_V": run.voltage,
        "discharge_capacity_Ah": run.per_cycle[1] / 3600,
        "charge_capacity_Ah": run.per_cycle[0] / 3600,
        "temperature_1_C": run.temperature - 273.15,
        "step_name": words(run, "rest", "charge CC", "discharge CC"),
    }  # fmt: skip
    head = "cell model:,,\ntest: ,,\n"
    return head + table(rows).replace("CC\n", "CC,\n").replace("rest\n", "rest,\n")


def lanhe(run):
    return table({
        "Index": np.arange(run.time.size), "TestTime/h": run.time / 3600,
        "StepTime/h": run.step_time / 3600, "Voltage/V": run.voltage,
        "Current/uA": np.abs(run.current) * 1e6, "Capacity/uAh": run.per_step / 3.6e-3,
        "SpeCap/mAh/g": run.per_step, "SysTime": stamps(run, "%Y-%m-%d %H:%M:%S"),
        "State": words(run, "R", "C_CC", "D_CC").copy(), "Cycle": run.cycle, "Step": run.step,
    }, sep="\t")  # fmt: skip


def maccor(run):
    """Decimal commas, minutes without a unit, current without a sign."""
    head = "Name:\tcell\nStarted\t05/01/2024 12:00:00\nSCap\t0,017\n\n"
    return head + table({
        "Rec": np.arange(1, run.time.size + 1), "Cycle P": run.cycle, "Cycle C": run.cycle,
        "Step": run.step, "TestTime": run.time / 60, "StepTime": run.step_time / 60,
        "Cap. [Ah]": run.per_step / 3600, "Ener. [Wh]": run.per_step / 1000,
        "Current [A]": np.abs(run.current), "Voltage [V]": run.voltage, "Md": list(run.state),
        "DPT Time": [s.replace("/2024", "/2024") for s in stamps(run)],
    }, sep="\t", comma=True)  # fmt: skip


def maccor_rec(run):
    return table({
        "Rec#": np.arange(1, run.time.size + 1), "Cyc#": run.cycle, "Step": run.step,
        "TestTime(s)": run.time, "StepTime(s)": run.step_time, "Amp-hr": run.per_step / 3600,
        "Amps": np.abs(run.current), "Volts": run.voltage, "State": list(run.state),
    }, sep="\t")  # fmt: skip


def basytec(run):
    head = (
        "~Resultfile from Basytec Battery Test System\n~Name of Test: test\n"
        "~Start of Test: 01.05.2024 12:00:00\n~\n"
    )
    return head + table({
        "~Time[s]": run.time, "DataSet": np.arange(run.time.size), "t-Step[s]": run.step_time,
        "Line": run.step, "Command": words(run, "Pause", "Charge", "Discharge"),
        "U[V]": run.voltage, "I[A]": run.current, "Ah[Ah]": (run.charged - run.discharged) / 3600,
        "Ah-Cyc-Charge": run.per_cycle[0] / 3600, "Ah-Cyc-Discharge": run.per_cycle[1] / 3600,
        "Ah-Step": run.per_step / 3600, "T1[°C]": run.temperature - 273.15,
        "Cyc-Count": run.cycle, "State": np.ones(run.time.size),
    }, sep="\t")  # fmt: skip


def novonix(run):
    head = (
        "[Summary]\nNovonix UHPC data file\nMass (g): 0.0120\nCapacity (Ah): 0.001\n"
        "Area (cm2): 1.000\nStarted: 2024-05-01 12:00:00\n[End Summary]\n[Data]\n"
    )
    return head + table({
        "Date and Time": stamps(run, "%Y-%m-%d %H:%M:%S"), "Cycle Number": run.cycle,
        "Step Type": np.full(run.time.size, 7), "Run Time (h)": run.time / 3600,
        "Step Time (h)": run.step_time / 3600, "Current (A)": run.current,
        "Potential (V)": run.voltage, "Capacity (Ah)": (run.charged - run.discharged) / 3600,
        "Temperature (°C)": run.temperature - 273.15, "Step Number": run.step,
    })  # fmt: skip


def digatron(run):
    return table({
        "Step": run.step, "Timestamp": stamps(run, "%Y-%m-%d %H:%M:%S"),
        "Program Duration#s": run.time, "Step Duration#s": run.step_time,
        "AhCha#Ah": run.charged / 3600, "AhDch#Ah": run.discharged / 3600,
        "Voltage#V": run.voltage, "Current#A": run.current, "T1#degC": run.temperature - 273.15,
        "Cycle": run.cycle,
    })  # fmt: skip


def bdf(run):
    return table({
        "test_time_second": run.time, "voltage_volt": run.voltage, "current_ampere": run.current,
        "cycle_count": run.cycle, "step_count": run.step,
        "discharging_capacity_ah": run.discharged / 3600,
        "charging_capacity_ah": run.charged / 3600,
        "ambient_temperature_celsius": run.temperature - 273.15,
        "unix_time_second": [f"{run.started + t:.3f}" for t in run.time],
    })  # fmt: skip


def camp(run):
    return table({
        "Cycle_Index": run.cycle, "Step": run.step, "Time_s": run.time,
        "Amphr": run.per_step / 3600, "Watthr": run.per_step / 1000, "Current_A": run.current,
        "Voltage_V": run.voltage, "Cell_Temperature_C": run.temperature - 273.15,
        "Datenum_d": [f"{719529 + (run.started + t) / 86400:.9f}" for t in run.time],
        "Charge_Capacity_Ah": run.per_cycle[0] / 3600,
        "Discharge_Capacity_Ah": run.per_cycle[1] / 3600,
        "Frequency_Hz": ["NaN"] * run.time.size,
    })  # fmt: skip


def pybamm(run):
    """Positive on discharge, the capacity as well."""
    return table({
        "Time [s]": run.time, "Current [A]": -run.current, "Terminal voltage [V]": run.voltage,
        "Discharge capacity [A.h]": (run.discharged - run.charged) / 3600,
    })  # fmt: skip


def custom(run):
    head = "# PRIME INSTRUMENT FILE --- X\noperator;somebody\nmass;0.0012\n"
    return head + table({
        "index": np.arange(run.time.size), "test_time": run.time, "step_time": run.step_time,
        "date_stamp": [f"{25569 + (run.started + t) / 86400:.6f}" for t in run.time],
        "step": run.step, "cycle": run.cycle, "current": run.current, "voltage": run.voltage,
        "charge_capacity": run.per_cycle[0] / 3600, "discharge_Capacity": run.per_cycle[1] / 3600,
    }, sep=";")  # fmt: skip


def ampworks(run):
    return table({"Seconds": run.time, "Amps": run.current, "Volts": run.voltage})


def named(run):
    return table({
        "time [min]": run.time / 60, "cell voltage [mV]": run.voltage * 1e3,
        "I / uA": run.current * 1e6, "charge capacity (uAh)": run.charged / 3.6e-3,
        "discharge capacity (uAh)": run.discharged / 3.6e-3, "cycle": run.cycle, "step": run.step,
        "temperature [K]": run.temperature,
    }, sep=";")  # fmt: skip


TEXTS = {
    "Arbin": arbin, "Neware": neware, "Landt": landt, "LANHE": lanhe, "Maccor": maccor,
    "Maccor rec": maccor_rec, "Basytec": basytec, "Novonix": novonix, "Digatron": digatron,
    "BDF": bdf, "Argonne CAMP": camp, "PyBaMM or ionworks": pybamm, "cellpy custom": custom,
    "ampworks": ampworks, "named columns": named,
}  # fmt: skip
FORMS = {"LANHE": "Landt", "Maccor rec": "Maccor"}
#: formats that have no counters, cycles, temperature, or dates
WITHOUT = {
    "counters": {"ampworks"},
    "cycles": {"PyBaMM or ionworks", "ampworks"},
    "temperature": {"LANHE", "Maccor", "Maccor rec", "PyBaMM or ionworks", "cellpy custom",
                    "ampworks"},
    "dates": {"Maccor rec", "PyBaMM or ionworks", "ampworks", "named columns"},
}  # fmt: skip
