"""Cyclers' files: every format is read into one noun, checked, and written back."""

import re
import zipfile
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from cycler_files import FORMS, TEXTS, WITHOUT, a_run, arbin, bdf, landt, named, neware, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spectrum_files import SHARED, shared_data

from dualyte.errors import DualyteError, InputError
from dualyte.measure.files.cyclers import FORMATS, looks_like, read_records, write_bdf
from dualyte.measure.files.cyclers.clocks import clock_seconds, stamps
from dualyte.measure.files.cyclers.counters import without_resets
from dualyte.measure.files.record import Record

RUN = a_run()
MAH = 3.6  # C
CYCLING = SHARED / "cycling"


def put(folder, text, name="cell.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def one(path):
    records = read_records(path)
    assert len(records) == 1
    return records[0]


def read(folder, text, **how):
    return one(put(folder, text, **how))


def said(record, words):
    return any(re.search(words, sentence) for sentence in record.changes)


def refused(folder, text, words):
    with pytest.raises(InputError, match=words):
        read(folder, text)


def assert_run(record, run=RUN, *, counters=True):
    """The columns of the run, to the digits that the files have."""
    assert record.time == pytest.approx(run.time, abs=2e-5)
    assert record.voltage == pytest.approx(run.voltage, abs=1e-7)
    assert record.current == pytest.approx(run.current, abs=1e-10)
    if counters:
        assert record.charged == pytest.approx(run.charged, rel=1e-6)
        assert record.discharged == pytest.approx(run.discharged, rel=1e-6)


class TestTexts:
    """One run, written as every program writes it, is read as one and the same record."""

    @pytest.mark.parametrize("name", TEXTS)
    def test_every_format_tells_the_same_run(self, tmp_path, name):
        record = read(tmp_path, TEXTS[name](RUN), name="cell.dat")
        assert record.form == FORMS.get(name, name)
        assert_run(record, counters=name not in WITHOUT["counters"])
        if name not in WITHOUT["cycles"]:
            assert (record.cycle == RUN.cycle).all()
            assert (record.step == RUN.step).all()

    @pytest.mark.parametrize("name", sorted(set(TEXTS) - WITHOUT["temperature"]))
    def test_temperatures_are_above_absolute_zero_by_273_15(self, tmp_path, name):
        record = read(tmp_path, TEXTS[name](RUN))
        assert record.temperature == pytest.approx(RUN.temperature, abs=1e-6)

    @pytest.mark.parametrize("name", sorted(set(TEXTS) - WITHOUT["dates"]))
    def test_the_first_row_has_its_date(self, tmp_path, name):
        record = read(tmp_path, TEXTS[name](RUN))
        if name == "Maccor":  # 05/01/2024: nothing tells day from month
            assert record.started is None
        else:
            assert record.started == pytest.approx(RUN.started + RUN.time[0], abs=0.1)

    @pytest.mark.parametrize("name", TEXTS)
    def test_the_format_is_known_by_what_it_holds(self, tmp_path, name):
        path = put(tmp_path, TEXTS[name](RUN), name="anything.xyz")
        assert looks_like(path, path.read_bytes()[:65536]) == FORMS.get(name, name)

    @pytest.mark.parametrize("name", TEXTS)
    @pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
    def test_encodings_are_read(self, tmp_path, name, encoding):
        assert_run(read(tmp_path, TEXTS[name](RUN), encoding=encoding), counters=False)

    def test_facts_of_a_head_are_kept_and_presets_are_not(self, tmp_path):
        record = read(tmp_path, TEXTS["Novonix"](RUN))
        assert record.facts == pytest.approx({"mass": 1.2e-5, "capacity": MAH})
        assert said(record, "area of 1 in the head: a preset")

    def test_chinese_headings_are_read(self, tmp_path):
        text = table({
            "循环号": RUN.cycle, "工步号": RUN.step, "工步状态": ["x"] * RUN.time.size,
            "总时间(s)": RUN.time, "电压(V)": RUN.voltage, "电流(mA)": RUN.current * 1e3,
        })  # fmt: skip
        record = read(tmp_path, text)
        assert_run(record, counters=False)
        assert (record.cycle == RUN.cycle).all()

    def test_a_voltage_over_state_of_charge_needs_a_capacity(self, tmp_path):
        soc = np.linspace(0, 1, 50)
        text = table({"soc": soc, "voltage": 0.6 - 0.5 * soc})
        refused(tmp_path, text, "capacity = ")
        (tmp_path / "cell.toml").write_text('capacity = "5 mAh"\n')
        record = read(tmp_path, text)
        assert record.discharged[-1] == pytest.approx(5 * MAH)
        assert (record.current < 0).all()
        assert said(record, "made up")


class TestChecks:
    """Sign, unit and power of ten are put right and said, or refused."""

    @pytest.mark.parametrize("form", [arbin, bdf, named])
    def test_a_turned_sign_is_turned_back(self, tmp_path, form):
        record = read(tmp_path, form(replace(RUN, current=-RUN.current)))
        assert_run(record)
        assert said(record, "turned the sign")

    def test_without_counters_the_voltage_tells_the_sign(self, tmp_path):
        record = read(tmp_path, TEXTS["ampworks"](replace(RUN, current=-RUN.current)))
        assert_run(record, counters=False)
        assert said(record, "turned the sign")

    def test_a_current_without_sign_and_states_is_refused(self, tmp_path):
        text = TEXTS["ampworks"](replace(RUN, current=np.abs(RUN.current)))
        refused(tmp_path, text, "no sign")

    def test_counters_sign_a_current_that_has_no_sign(self, tmp_path):
        record = read(tmp_path, arbin(replace(RUN, current=np.abs(RUN.current))))
        assert_run(record)
        assert said(record, "counters of charge tell")

    def test_counters_of_few_digits_sign_it_too(self, tmp_path):
        coarse = tuple(np.round(c / MAH, 1) * MAH for c in RUN.per_cycle)
        run = replace(RUN, per_cycle=coarse, current=np.abs(RUN.current))
        record = read(tmp_path, arbin(run))
        assert record.current == pytest.approx(RUN.current, abs=1e-9)

    def test_a_file_that_contradicts_itself_is_refused(self, tmp_path):
        half = RUN.current * np.where(RUN.cycle == 1, 1, -1)
        refused(tmp_path, arbin(replace(RUN, current=half)), "contradicts itself")

    def test_millivolts_under_volts_are_put_right(self, tmp_path):
        record = read(tmp_path, arbin(replace(RUN, voltage=1e3 * RUN.voltage)))
        assert_run(record)
        assert said(record, "mV")

    def test_volts_under_millivolts_are_put_right(self, tmp_path):
        record = read(tmp_path, arbin(RUN).replace("Voltage(V)", "Voltage(mV)"))
        assert_run(record)
        assert said(record, "took the voltage as in V")

    def test_a_voltage_that_no_cell_has_is_refused(self, tmp_path):
        voltage = RUN.voltage.copy()
        voltage[40] = 55.0
        refused(tmp_path, arbin(replace(RUN, voltage=voltage)), "row 41")

    def test_milliampere_against_ampere_hours_without_a_witness_is_refused(self, tmp_path):
        refused(tmp_path, arbin(RUN).replace("Current(A)", "Current(mA)"), "unit is wrong")

    def test_energies_tell_whether_current_or_charge_has_the_wrong_unit(self, tmp_path):
        columns = {
            "Test_Time(s)": RUN.time, "Step_Time(s)": RUN.step_time, "Step_Index": RUN.step,
            "Cycle_Index": RUN.cycle, "Current(mA)": RUN.current, "Voltage(V)": RUN.voltage,
            "Charge_Capacity(Ah)": RUN.charged / 3600,
            "Discharge_Capacity(Ah)": RUN.discharged / 3600,
            "Charge_Energy(Wh)": 3.8 * RUN.charged / 3600,
            "Discharge_Energy(Wh)": 3.8 * RUN.discharged / 3600,
        }  # fmt: skip
        record = read(tmp_path, table(columns))
        assert_run(record)
        assert said(record, "multiplied the current by 1000")
        columns = {k.replace("(mA)", "(A)").replace("(Ah)", "(mAh)"): v for k, v in columns.items()}
        record = read(tmp_path, table(columns))
        assert_run(record)
        assert said(record, "divided the counters of charge by 0.001")

    def test_a_power_tells_it_as_well(self, tmp_path):
        text = table({
            "Time [s]": RUN.time, "Voltage [V]": RUN.voltage, "Current [mA]": RUN.current,
            "Charge capacity [Ah]": RUN.charged / 3600,
            "Discharge capacity [Ah]": RUN.discharged / 3600,
            "Power [W]": RUN.current * RUN.voltage,
        })  # fmt: skip
        record = read(tmp_path, text)
        assert_run(record)
        assert said(record, "multiplied the current by 1000")

    def test_hours_under_seconds_are_told_by_the_dates(self, tmp_path):
        record = read(tmp_path, arbin(RUN).replace("Test_Time(s)", "Test_Time(h)"))
        assert_run(record)
        assert said(record, "dates of the rows")

    def test_a_time_without_a_unit_is_told_by_the_counters(self, tmp_path):
        text = table({
            "time": RUN.time / 3600, "voltage": RUN.voltage, "current (A)": RUN.current,
            "charge capacity (Ah)": RUN.charged / 3600,
            "discharge capacity (Ah)": RUN.discharged / 3600,
        })  # fmt: skip
        record = read(tmp_path, text)
        assert_run(record)
        assert said(record, "in hours")

    def test_capacities_of_which_one_is_wrong_are_left_out_and_said(self, tmp_path):
        wrong = tuple(7 * c for c in RUN.per_cycle)
        record = read(tmp_path, arbin(replace(RUN, per_cycle=wrong)))
        assert record.charged is None
        assert said(record, "left out the counters of charge")

    def test_an_unknown_unit_is_refused_by_name(self, tmp_path):
        refused(tmp_path, arbin(RUN).replace("Current(A)", "Current(furlong)"), "Current.furlong")

    def test_decimal_commas_are_read_and_said(self, tmp_path):
        lines = named(RUN).splitlines()
        text = "\n".join([lines[0], *(line.replace(".", ",") for line in lines[1:])]) + "\n"
        record = read(tmp_path, text)
        assert_run(record)
        assert said(record, "decimal commas")

    def test_a_heading_repeated_between_rows_is_no_number(self, tmp_path):
        lines = arbin(RUN).splitlines()
        middle = len(lines) // 2
        text = "\n".join([*lines[:middle], lines[0], *lines[middle:]]) + "\n"
        try:
            records = read_records(put(tmp_path, text))
        except InputError:
            return
        assert all(np.isfinite(record.voltage).all() for record in records)
        assert sum(map(len, records)) == RUN.time.size

    def test_rows_of_impedance_are_left_out(self, tmp_path):
        text = TEXTS["Argonne CAMP"](RUN)
        head, *rows = text.splitlines()
        rows[10] = rows[10].replace("NaN", "5000")
        record = read(tmp_path, "\n".join([head, *rows]) + "\n")
        assert len(record) == RUN.time.size - 1
        assert said(record, "1 rows of impedance")

    def test_zero_degrees_in_every_row_is_no_sensor(self, tmp_path):
        cold = replace(RUN, temperature=np.full(RUN.time.size, 273.15))
        record = read(tmp_path, arbin(cold))
        assert record.temperature is None
        assert said(record, "no sensor")

    def test_a_time_that_starts_again_is_joined(self, tmp_path):
        text = table({"Step Time (s)": RUN.step_time, "U [V]": RUN.voltage, "I [A]": RUN.current})
        record = read(tmp_path, text)
        assert record.time[-1] == pytest.approx(RUN.time[-1])
        assert (np.diff(record.time) >= 0).all()

    def test_rows_out_of_order_are_refused(self, tmp_path):
        time = RUN.time.copy()
        time[[100, 101]] = time[[101, 100]]
        refused(tmp_path, TEXTS["ampworks"](replace(RUN, time=time)), "falls at row")

    def test_a_missing_column_is_named(self, tmp_path):
        refused(tmp_path, table({"Time [s]": RUN.time, "Voltage [V]": RUN.voltage}), "current")

    def test_mutated_units_are_never_silently_wrong(self, tmp_path):
        """Each heading's unit is changed in turn: the run is found again, or it is refused."""
        for form in (arbin, neware, landt):
            text = form(RUN)
            head = next(line for line in text.splitlines() if re.search("voltage", line, re.I))
            for old, new in (("(A)", "(mA)"), ("(mA)", "(A)"), ("(V)", "(mV)"), ("(s)", "(h)"),
                             ("(Ah)", "(mAh)"), ("(mAh)", "(Ah)"), ("_A,", "_mA,"),
                             ("_V,", "_mV,"), ("_Ah", "_mAh"), ("_s,", "_h,")):  # fmt: skip
                if old not in head:
                    continue
                try:
                    record = read(tmp_path, text.replace(head, head.replace(old, new)))
                except InputError:
                    continue
                assert record.changes
                assert record.current == pytest.approx(RUN.current, rel=1e-6, abs=1e-10)
                assert record.voltage == pytest.approx(RUN.voltage, abs=1e-6)
                assert record.time == pytest.approx(RUN.time, abs=1e-3)


class TestCounters:
    """Counters grow, whatever sets them to zero."""

    def test_resets_are_removed(self):
        found = without_resets(np.array([0, 1, 2, 0, 0.5, 0, 3.0]))
        assert found.tolist() == [0, 1, 2, 2, 2.5, 2.5, 5.5]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.lists(st.floats(0.01, 5), min_size=1, max_size=9), min_size=1, max_size=9))
    def test_removing_resets_keeps_what_was_counted(self, parts):
        counter = np.concatenate([[0.0, *np.cumsum(part)] for part in parts])
        found = without_resets(counter)
        assert (np.diff(found) >= 0).all()
        assert found[-1] == pytest.approx(sum(map(sum, parts)))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows=st.integers(8, 80), dt=st.floats(1, 600), amperes=st.floats(1e-5, 5))
    def test_one_counter_per_step_is_shared_out(self, tmp_path, rows, dt, amperes):
        run = a_run(rows=rows, dt=dt, amperes=amperes)
        record = read(tmp_path, TEXTS["Maccor rec"](run))
        assert record.charged[-1] == pytest.approx(run.charged[-1], rel=1e-6)
        assert record.discharged[-1] == pytest.approx(run.discharged[-1], rel=1e-6)

    def test_clocks_are_durations(self):
        cells = ["00:00:30", "30:00:00", "2d 01:00:00", "1 day, 2:03:04", "0:00:01:500", "x"]
        found = clock_seconds(cells)
        assert found[:5].tolist() == [30, 108000, 176400, 93784, 1.5]
        assert np.isnan(found[5])

    @pytest.mark.parametrize(
        ("cell", "day_first"),
        [("2024-05-06 07:08:09", None), ("05/06/2024 07:08:09", False),
         ("06.05.2024 07:08:09", True), ("2024/5/6 07:08:09.000", None),
         ("5/6/2024 7:08:09 AM", False)],
    )  # fmt: skip
    def test_dates_are_read_in_their_order(self, cell, day_first):
        assert stamps(np.array([cell], dtype=object), day_first)[0] == 1714979289.0

    def test_a_date_of_unknown_order_is_not_guessed(self):
        assert np.isnan(stamps(np.array(["05/06/2024 07:08:09"], dtype=object), None)).all()

    def test_days_of_spreadsheets_are_dates(self):
        for start in (25569.0, 719529.0):
            found = stamps(np.array([start + 19849.0]), None)
            assert found[0] == 19849 * 86400


class TestBdf:
    """BDF is written and read back."""

    @pytest.mark.parametrize("suffix", [".bdf.csv", ".bdf.parquet"])
    def test_what_is_written_is_read(self, tmp_path, suffix):
        record = read(tmp_path, arbin(RUN))
        again = one(write_bdf(record, tmp_path / f"out{suffix}"))
        assert again.form == "BDF"
        assert_run(again)
        assert again.temperature == pytest.approx(record.temperature)
        assert again.started == pytest.approx(record.started)
        assert (again.cycle == record.cycle).all()
        assert (again.step == record.step).all()
        assert not again.changes

    def test_current_is_positive_on_charge(self, tmp_path):
        record = read(tmp_path, TEXTS["PyBaMM or ionworks"](RUN))
        text = write_bdf(record, tmp_path / "out.csv").read_text().splitlines()
        current = text[0].split(",").index("Current / A")
        rows = np.array([float(line.split(",")[current]) for line in text[1:]])
        assert rows[RUN.state == "C"] == pytest.approx(1e-3)

    def test_the_library_reads_what_we_write(self, tmp_path):
        bdf_library = pytest.importorskip("bdf")
        record = read(tmp_path, arbin(RUN))
        for suffix in (".bdf.csv", ".bdf.parquet"):
            frame = import_module("bdf.io").load(write_bdf(record, tmp_path / f"out{suffix}"))
            assert bdf_library.validate(frame)["ok"]
            assert frame["Current / A"].to_numpy() == pytest.approx(RUN.current)

    def test_records_that_follow_each_other_are_joined(self, tmp_path):
        first = read(tmp_path, arbin(RUN))
        later = read(tmp_path, arbin(replace(RUN, started=RUN.started + 86400 * 3)), name="b.csv")
        joined = one(write_bdf([first, later], tmp_path / "out.csv"))
        assert joined.time[len(first)] - joined.time[0] == pytest.approx(3 * 86400)
        assert joined.charged[-1] == pytest.approx(2 * RUN.charged[-1])
        with pytest.raises(InputError, match="order"):
            write_bdf([later, first], tmp_path / "out.csv")

    def test_other_suffixes_are_refused(self, tmp_path):
        record = read(tmp_path, arbin(RUN))
        with pytest.raises(InputError, match=r"\.csv or \.parquet"):
            write_bdf(record, tmp_path / "out.xlsx")
        with pytest.raises(InputError, match="no record"):
            write_bdf([], tmp_path / "out.csv")


class TestBooks:
    """Workbooks of Arbin and Neware."""

    @staticmethod
    def book(folder, *parts):
        openpyxl = pytest.importorskip("openpyxl")
        made = openpyxl.Workbook()
        made.active.append(["TEST REPORT"])
        for title, text in parts:
            page = made.create_sheet(title)
            for line in text.splitlines():
                page.append([_cell(cell) for cell in line.split(",")])
        path = folder / "cell.xlsx"
        made.save(path)
        return path

    @pytest.mark.parametrize("name", ["Arbin", "Neware"])
    def test_a_sheet_is_read(self, tmp_path, name):
        path = self.book(tmp_path, ("Channel_1", TEXTS[name](RUN)))
        record = one(path)
        assert record.form == name
        assert_run(record)
        assert looks_like(path, path.read_bytes()[:65536]) == name

    def test_a_long_run_goes_on_in_the_next_sheet(self, tmp_path):
        head, *rows = arbin(RUN).splitlines()
        middle = len(rows) // 2
        parts = [("Channel_1", [head, *rows[:middle]]), ("Channel_1_2", [head, *rows[middle:]])]
        assert_run(one(self.book(tmp_path, *((t, "\n".join(lines)) for t, lines in parts))))

    def test_a_book_without_rows_of_a_cycler_is_refused(self, tmp_path):
        path = self.book(tmp_path, ("cells", "Name,Chemistry\nA,NMC\n"))
        with pytest.raises(InputError, match="no sheet"):
            read_records(path)
        assert looks_like(path, path.read_bytes()[:65536]) is None


def _cell(text):
    try:
        return float(text)
    except ValueError:
        return text


class TestFiles:
    """Several files, and files that are none."""

    def test_a_bad_file_costs_only_itself(self, tmp_path):
        paths = [put(tmp_path, arbin(RUN)), put(tmp_path, "notes\n", name="b.csv")]
        assert len(read_records(paths, raise_errors=False)) == 1
        with pytest.raises(InputError, match=r"b\.csv"):
            read_records(paths)
        told = []
        read_records(paths, raise_errors=False, progress=lambda k, n: told.append((k, n)))
        assert told[-1] == (2, 2)

    def test_what_is_no_cycler_is_no_cycler(self, tmp_path):
        for text in (
            "notes\n",
            "freq/Hz,Re,Im\n1,2,3\n2,3,4\n",
            "freq/Hz,time/s,Ewe/V,I/mA\n1,2,3,4\n",
            "time,load\n1,2\n",
            "time_s,V_min,I_avg\n1,2,3\n",
            "",
            "\x00\x01",
        ):
            path = put(tmp_path, text)
            assert looks_like(path, path.read_bytes()) is None
            with pytest.raises(InputError):
                read_records(path)
        with pytest.raises(InputError, match="no file"):
            read_records(tmp_path / "none.csv")

    def test_formats_have_one_name_each_in_messages(self):
        assert FORMATS[-1].name == "named columns"
        assert all(form.name for form in FORMATS)

    def test_a_zip_bomb_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("dualyte.measure.files.cyclers.binary._UNPACKED", 5e6)
        path = tmp_path / "bomb.ndax"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("data.ndc", bytes(7_000_000))
        with pytest.raises(InputError, match=r"unpack to 0\.0 GB"):
            read_records(path)


class TestMutations:
    """A damaged file is refused in a sentence, or read; it never crashes a reader."""

    @staticmethod
    def mutated(data, rng):
        data = bytearray(data)
        kind = rng.integers(5)
        if kind == 0:
            return bytes(data[: rng.integers(len(data))])
        at = int(rng.integers(len(data)))
        if kind == 1:
            for _ in range(int(rng.integers(1, 30))):
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 200))]
        elif kind == 3:
            data[at:at] = bytes(rng.integers(0, 256, int(rng.integers(1, 60)), dtype=np.uint8))
        else:
            end = at + int(rng.integers(1, 400))
            data[at:at] = data[at:end]
        return bytes(data)

    def survives(self, folder, data, count, seed=0, name="cell.dat"):
        rng = np.random.default_rng(seed)
        for _ in range(count):
            path = put(folder, self.mutated(data, rng), name=name)
            looks_like(path, path.read_bytes()[:65536])
            try:
                for record in read_records(path):
                    assert isinstance(record, Record)
                    assert np.abs(record.voltage).max() <= 10
            except DualyteError:
                continue

    @pytest.mark.parametrize("name", ["Arbin", "Maccor", "Novonix", "BDF", "cellpy custom"])
    def test_texts(self, tmp_path, name):
        self.survives(tmp_path, TEXTS[name](a_run(rows=12)).encode(), 25)

    def test_parquet(self, tmp_path):
        record = read(tmp_path, arbin(a_run(rows=12)))
        data = write_bdf(record, tmp_path / "a.parquet").read_bytes()
        self.survives(tmp_path, data, 60, name="cell.parquet")

    def test_a_text_cut_short_is_said_or_whole(self, tmp_path):
        text = arbin(RUN)
        for cut in range(len(text) - 130, len(text), 3):
            try:
                record = read(tmp_path, text[:cut])
            except InputError:
                continue
            n = len(record)
            assert record.voltage == pytest.approx(RUN.voltage[:n], abs=1e-6)
            assert record.current == pytest.approx(RUN.current[:n], abs=1e-9)
            whole = text[cut - 1] == "\n" or text[cut] == "\n"  # then nothing can tell
            if n < RUN.time.size and not whole:
                assert said(record, "last line")

    def test_databases(self, tmp_path):
        data = shared_data("cycling/cellpy_45_cc_01.res").read_bytes()
        self.survives(tmp_path, data, 40, name="cell.res")

    @pytest.mark.parametrize("name", ["nnda_new.nda", "navani_test.ndax"])
    def test_neware(self, tmp_path, name):
        data = shared_data(f"cycling/{name}").read_bytes()
        self.survives(tmp_path, data, 40, name=name)

    def test_workbooks(self, tmp_path):
        data = TestBooks.book(tmp_path, ("Channel_1", arbin(a_run(rows=8)))).read_bytes()
        self.survives(tmp_path, data, 30, name="cell.xlsx")


class TestReal:
    """Real files, against what others read from them."""

    def test_arbin_res_is_the_golden_table(self):
        pandas = pytest.importorskip("pandas")
        record = one(shared_data("cycling/cellpy_45_cc_01.res"))
        golden = pandas.read_parquet(CYCLING / "cellpy_45_cc_01.oracle_raw.parquet")
        assert len(record) == 10261
        assert np.unique(record.cycle).size == 18
        assert 1 + np.count_nonzero(np.diff(record.step) | np.diff(record.cycle)) == 103
        for word, column in (("time", "test_time"), ("voltage", "voltage"), ("current", "current"),
                             ("cycle", "cycle_index"), ("step", "step_index")):  # fmt: skip
            assert (getattr(record, word) == golden[column].to_numpy()).all()
        for word, column in (("charged", "charge_capacity"), ("discharged", "discharge_capacity")):
            counted = 3600 * golden.groupby("cycle_index")[column].max().sum()
            assert getattr(record, word)[-1] == pytest.approx(counted, rel=1e-12)
        start = golden["date_time"].iloc[0].timestamp()
        assert record.started == pytest.approx(start, abs=0.6)
        assert record.facts["mass"] == pytest.approx(8.5284e-7, rel=1e-4)

    def test_arbin_res_counts_the_golden_capacities(self):
        pandas = pytest.importorskip("pandas")
        record = one(shared_data("cycling/cellpy_45_cc_01.res"))
        golden = pandas.read_parquet(CYCLING / "cellpy_45_cc_01.oracle_summary.parquet")
        for word in ("charged", "discharged"):
            total = getattr(record, word)
            ends = np.array([total[record.cycle == n][-1] for n in np.unique(record.cycle)])
            ours = np.diff(ends, prepend=0.0) / 3600
            theirs = golden[f"{word[:-1]}_capacity"].to_numpy()
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)

    def test_our_reader_of_databases_equals_the_library(self):
        library = pytest.importorskip("access_parser")
        from dualyte.measure.files.cyclers.jet import Database

        path = shared_data("cycling/cellpy_45_cc_01.res")
        theirs = library.AccessParser(str(path)).parse_table("Channel_Normal_Table")
        base = Database(path.read_bytes(), path.name)
        ours = base.read("Channel_Normal_Table", tuple(theirs))
        assert set(ours) == set(theirs)
        for name, column in ours.items():
            assert (column == np.array(theirs[name], dtype=column.dtype)).all()
        head = library.AccessParser(str(path)).parse_table("Version_Table")
        mine = base.read("Version_Table", tuple(head))
        assert mine["Version_Schema_Field"].tolist() == head["Version_Schema_Field"]

    @pytest.mark.parametrize("name", ["nnda_2-1-6_61", "nnda_new"])
    def test_neware_nda_is_the_reference_table(self, name):
        pandas = pytest.importorskip("pandas")
        record = one(shared_data(f"cycling/{name}.nda"))
        golden = pandas.read_feather(CYCLING / f"{name}.oracle.ftr")
        assert len(record) == len(golden)
        assert record.voltage == pytest.approx(golden["Voltage"].to_numpy(float), rel=1e-6)
        theirs = golden["Current(mA)"].to_numpy(float) * 1e-3
        assert record.current == pytest.approx(theirs, rel=1e-6, abs=1e-12)
        assert (record.step == golden["Step"].to_numpy()).all()
        for word in ("charged", "discharged"):
            column = golden[f"{word[:-1].title()}_Capacity(mAh)"].abs()
            counted = MAH * column.groupby(golden["Step"]).max().sum()
            assert getattr(record, word)[-1] == pytest.approx(counted, rel=2e-5, abs=1e-9)
        zone = golden["Timestamp"].dt.tz
        stamp = golden["Timestamp"].iloc[0]
        assert record.started == pytest.approx(stamp.timestamp(), abs=0.01 if zone else 1)

    def test_neware_ndax_charges_and_discharges(self):
        record = one(shared_data("cycling/navani_test.ndax"))
        assert len(record) == 1464
        assert record.voltage.max() == pytest.approx(4.4, abs=1e-3)
        assert record.charged[-1] / MAH == pytest.approx(0.593, abs=0.001)

    def test_neware_text_has_9065_rows(self):
        record = one(shared_data("cycling/cellpy_neware_uio.csv"))
        assert len(record) == 9065
        assert record.form == "Neware"
        assert record.time[-1] == 144 * 3600 + 2 * 60 + 18
        assert record.started == pytest.approx(1652891272)

    def test_a_custom_table_has_2442_rows_and_two_of_nothing(self):
        path = shared_data("cycling/cellpy_custom_data_001.csv")
        assert len(one(path)) == 2442
        assert len(path.read_text().splitlines()) - 20 == 2444

    def test_landt_is_the_same_run_in_bdf_column_by_column(self):
        ours = one(shared_data("cycling/bdf_LiGrR2032_Landt.csv"))
        oracle = one(shared_data("cycling/bdf_LiGrR2032_Landt.oracle.bdf.csv"))
        assert len(ours) == len(oracle) == 25162
        for word in ("time", "voltage", "current", "charged", "discharged", "step"):
            assert (getattr(ours, word) == getattr(oracle, word)).all()
        assert ours.temperature is None
        assert said(ours, "no sensor")

    def test_argonne_counts_what_the_laboratory_counted(self):
        pandas = pytest.importorskip("pandas")
        record = one(shared_data("cycling/bdt_p492-13-raw.csv"))
        assert record.form == "Argonne CAMP"
        assert said(record, "78 rows of impedance")
        assert record.voltage.min() > 2.9  # the impedance's rows have -3.8 V
        golden = pandas.read_csv(CYCLING / "bdt_p492-13.oracle_summary.csv")
        cycles = np.unique(record.cycle)
        golden = golden.set_index("Cycle_Index").reindex(cycles)
        for word, column in (("charged", "Q_chg"), ("discharged", "Q_dis")):
            total = getattr(record, word)
            ends = np.array([total[record.cycle == n][-1] for n in cycles])
            ours = np.diff(ends, prepend=0.0) / 3600
            theirs = golden[column].to_numpy()
            # the laboratory takes the largest step of a cycle: cycles of several are larger here
            simple = np.isfinite(theirs) & ~np.isin(cycles, (4, 5)) & (cycles < cycles.max())
            assert simple.sum() >= 3
            assert ours[simple] == pytest.approx(theirs[simple], rel=1e-6)
        # counters of 25 short pulses are set to zero before the row that holds their last part
        passed = (record.charged + record.discharged) / 3600
        raw = pandas.read_csv(CYCLING / "bdt_p492-13-raw.csv")["Absolute_Charge_Throughput_Ah"]
        assert passed[-1] == pytest.approx(raw.iloc[-1], rel=0.01)

    def test_samples_of_pyprobe(self):
        novonix = one(shared_data("cycling/pyprobe_novonix.csv"))
        assert (novonix.form, len(novonix)) == ("Novonix", 207)
        assert novonix.charged[-1] == pytest.approx(1.70652976 * 3600)
        assert novonix.facts == {"capacity": 5 * 3600}
        assert novonix.temperature[0] == pytest.approx(24.644 + 273.15)
        basytec = one(shared_data("cycling/pyprobe_basytec.txt"))
        assert (basytec.form, len(basytec)) == ("Basytec", 74)
        assert basytec.charged[-1] == pytest.approx(0.001248916998009 * 3600)
        arbin_csv = one(shared_data("cycling/pyprobe_arbin.csv"))
        assert (arbin_csv.form, len(arbin_csv)) == ("Arbin", 13)
        assert arbin_csv.temperature[0] == pytest.approx(24.66422 + 273.15)
        with pytest.raises(InputError, match="no sheet"):  # a list of cells, no rows
            read_records(shared_data("cycling/pyprobe_neware_record.xlsx"))

    def test_arbin_csv_of_beep(self):
        record = one(shared_data("cycling/beep_TC-contact_CH33.csv"))
        assert (record.form, len(record)) == ("Arbin", 287)
        assert record.cycle is None
        assert record.started == pytest.approx(1494377253.17)
        assert record.charged[-1] / 3600 == pytest.approx(0.6082700490951538)

    def test_maccor_in_minutes_with_decimal_commas(self):
        record = one(shared_data("cycling/cellpy_maccor_two.txt"))
        assert (record.form, len(record)) == ("Maccor", 213)
        assert record.time[-1] == pytest.approx(212 * 60)
        assert said(record, "minutes")
        assert said(record, "cut short")

    def test_arbin_workbook_of_navani(self):
        record = one(shared_data("cycling/navani_arbin_gr_li.xlsx"))
        assert (record.form, len(record)) == ("Arbin", 4526)
        assert np.abs(record.current).max() == pytest.approx(5e-5, rel=0.06)
        assert record.started == pytest.approx(1603107106.582)

    def test_bio_logic_comes_through(self):
        record = one(shared_data("cycling/navani_gcpl_5cycles_C24.mpr"))
        assert record.form.startswith("Bio-Logic")
        assert record.voltage.max() == pytest.approx(3.8, abs=2e-3)
        assert record.voltage.min() == pytest.approx(2.0, abs=2e-3)

    def test_no_file_of_another_kind_looks_like_a_cyclers(self):
        shared_data("PROVENANCE.md")
        others = [p for p in sorted(SHARED.rglob("*")) if p.is_file() and p.parent != CYCLING]
        for path in others:
            with path.open("rb") as file:
                head = file.read(65536)
            assert looks_like(path, head) is None, path.name
