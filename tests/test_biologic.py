"""Bio-Logic files: binary and text of one run are one table, and cycling is what was done."""

import random
import struct

import numpy as np
import pytest
from biologic_files import as_text, cell, mpr, mpt
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import differ, said, shared_data, written

from dualyte import InputError
from dualyte.measure.files import read_spectra
from dualyte.measure.files.biologic import (
    holds,
    looks_like,
    read_biologic_records,
    read_mpr,
    read_mpr_table,
    read_mpt_table,
)
from dualyte.measure.files.biologic.columns import COLUMNS

PAIRS = [
    "cycling/yadg_ca", "cycling/yadg_cp.issue_61", "cycling/yadg_gcpl.issue_149",
    "cycling/yadg_gcpl.pr_182.1", "cycling/yadg_mb.issue_149", "eis/yadg_peis",
    "eis/yadg_geis.issue_149",
]  # fmt: skip
CYCLED = PAIRS[:5]


def record(path):
    [found] = read_biologic_records(path)
    return found


# --- real files -----------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRS)
def test_every_column_of_a_binary_file_equals_that_of_its_text(name):
    """To 1e-6; what the text masks as not valid (quality indicators: -1 and 0) is passed over."""
    binary = read_mpr_table(shared_data(f"{name}.mpr"))
    text = read_mpt_table(shared_data(f"{name}.mpt"))
    assert len(binary) == len(text) > 30
    assert not any("dropped" in change for change in binary.changes)
    for heading, ours in zip(binary.names, binary.columns, strict=True):
        other = "Pwe/W" if heading == "P/W" and "Pwe/W" in text.names else heading
        theirs = text.get(other)
        assert theirs is not None, heading
        masked = np.zeros(len(ours), dtype=bool)
        if name.endswith("geis.issue_149") and (text.get("THD I/%") == -1).any():
            quality = heading[:4] in ("THD ", "NSD ", "NSR ") or " h" in heading
            masked = (text.get("THD I/%") == -1) & quality
            assert masked.sum() == 8 * quality
        assert ours[~masked] == pytest.approx(theirs[~masked], rel=1e-6, abs=0), heading


def test_the_decimal_comma_of_a_text_that_does_not_say_so_is_read():
    """Not 1e15 times too large."""
    for name in ("gcpl", "mb"):
        table = read_mpt_table(shared_data(f"cycling/yadg_{name}.issue_149.mpt"))
        assert "read decimal commas" in table.changes
        assert 3.3 < table.get("Ewe/V").min() < table.get("Ewe/V").max() < 3.6


@pytest.mark.parametrize("name", CYCLED)
def test_binary_and_text_give_one_record(name):
    binary = record(shared_data(f"{name}.mpr"))
    text = record(shared_data(f"{name}.mpt"))
    assert len(binary) == len(text)
    most = np.abs(text.current).max()
    assert binary.time == pytest.approx(text.time, rel=1e-12)
    assert binary.voltage == pytest.approx(text.voltage, abs=2e-7)
    assert binary.current == pytest.approx(text.current, rel=1e-7, abs=1e-9 * most)
    assert binary.charged == pytest.approx(text.charged, rel=1e-9, abs=1e-13)
    assert binary.discharged == pytest.approx(text.discharged, rel=1e-9, abs=1e-13)
    assert (binary.cycle == text.cycle).all()
    assert (binary.step == text.step).all()
    assert dict(binary.facts) == pytest.approx(dict(text.facts)) or text.started is None
    assert binary.started == pytest.approx(text.started, abs=2e-3)


def test_the_current_of_a_gcpl_from_charge_and_time_is_what_the_text_says():
    """The text has <I>, which EC-Lab computed; the binary file logs no current."""
    path = shared_data("cycling/yadg_gcpl.pr_182.1.mpr")
    ours, text = record(path), read_mpt_table(path.with_suffix(".mpt"))
    assert "<I>/mA" not in read_mpr_table(path).names
    assert ours.current == pytest.approx(1e-3 * text.get("<I>/mA"), rel=1e-9, abs=1e-15)
    assert any("took the current from charge and time" in c for c in ours.changes)


def test_the_voltage_of_three_electrodes_is_that_of_the_cell():
    path = shared_data("cycling/yadg_gcpl.pr_182.1.mpr")
    text = read_mpt_table(path.with_suffix(".mpt"))
    assert record(path).voltage == pytest.approx(text.get("Ewe-Ece/V"), abs=2e-7)
    assert any("Ewe - Ece" in change for change in record(path).changes)


def test_cycle_numbers_from_half_cycles_are_those_of_the_text():
    for name in CYCLED:
        path = shared_data(f"{name}.mpr")
        text = read_mpt_table(path.with_suffix(".mpt"))
        numbers = text.get("cycle number")
        numbers = text.get("Cycle number") if numbers is None else numbers
        half = read_mpr_table(path).get("half cycle")
        assert (np.floor(half / 2) == numbers).all()


def test_rows_of_impedance_in_a_modulo_bat_are_no_cycling_but_their_charge_counts():
    """0.1 mA flowed in 16 of 20 loops of some 17 s; the count of each row lacks part of it."""
    path = shared_data("cycling/yadg_mb.issue_149.mpr")
    ours, table = record(path), read_mpr_table(path)
    assert len(ours) == 356 == (table.get("freq/Hz") == 0).sum()
    assert any("left out 208 of 564 rows" in change for change in ours.changes)
    starts = [*table.starts[table.starts < len(table)], len(table)]
    total = table.get("(Q-Qo)/mA.h")
    ends = np.flatnonzero(np.diff(total) < 0)  # it begins anew three times
    expected = 3.6 * (total[ends].sum() + total[-1])
    assert ours.charged[-1] == pytest.approx(expected, rel=1e-3)
    assert ours.discharged[-1] == 0
    assert len(starts) == 21
    assert read_spectra(path).spectra[0].frequency.size == 13


def test_the_impedance_of_a_modulo_bat_reads_the_same_from_binary_and_text():
    path = shared_data("cycling/yadg_mb.issue_149.mpr")
    binary, text = read_spectra(path), read_spectra(path.with_suffix(".mpt"))
    assert len(binary) == len(text) == 16
    assert max(differ(a, b) for a, b in zip(binary, text, strict=True)) < 1e-6
    assert said(binary[0], "dropped 356 of 564 rows with f = 0")


def test_charge_and_current_of_five_cycles_agree():
    """C/24, 2.0 to 3.8 V; dq has single precision. The two masses of the head differ."""
    ours = record(shared_data("cycling/navani_gcpl_5cycles_C24.mpr"))
    assert len(ours) == 46102
    flowed = np.diff(ours.time) * ours.current[1:]
    assert np.maximum(flowed, 0).sum() == pytest.approx(ours.charged[-1], rel=1e-7)
    assert np.maximum(-flowed, 0).sum() == pytest.approx(ours.discharged[-1], rel=1e-7)
    assert ours.voltage.max() == pytest.approx(3.8, abs=2e-3)
    assert ours.voltage.min() == pytest.approx(2.0, abs=5e-3)
    assert "mass" not in ours.facts
    assert "area" not in ours.facts
    assert any("they differ" in change for change in ours.changes)


def test_what_someone_entered_is_a_fact_and_what_the_program_puts_there_is_none():
    found = record(shared_data("cycling/yadg_ca.mpr")).facts
    assert found == pytest.approx({"mass": 0.875e-6, "area": 1.131e-4, "capacity": 0.378})
    assert record(shared_data("cycling/yadg_ca.mpt")).facts == pytest.approx(found)
    assert not record(shared_data("cycling/yadg_cp.issue_61.mpr")).facts
    assert not record(shared_data("cycling/yadg_gcpl.issue_149.mpt")).facts


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("cycling/yadg_ca", {"cycling"}),
        ("cycling/yadg_gcpl.issue_149", {"cycling"}),
        ("cycling/yadg_mb.issue_149", {"cycling", "eis"}),
        ("eis/yadg_peis", {"eis"}),
        ("eis/yadg_geis.issue_149", {"eis"}),
    ],
)
def test_a_file_says_whether_it_holds_impedance_or_cycling(name, kinds):
    for form in (".mpr", ".mpt"):
        path = shared_data(f"{name}{form}")
        assert holds(path) == kinds
        assert looks_like(path, path.read_bytes()[:65536]) == f"Bio-Logic {form}"
        if "cycling" not in kinds:
            with pytest.raises(InputError, match="it is an impedance measurement"):
                read_biologic_records(path)


def test_no_other_file_looks_like_one_of_bio_logic():
    for path in shared_data("PROVENANCE.md").parent.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                found = looks_like(path, file.read(65536))
            own = path.suffix in (".mpr", ".mpt") or path.name.startswith("PEIS_LPSCl_Ion")
            own = own and "RelaxIS" not in path.name  # another program's export
            assert (found is not None) == own, path.name
            assert found or holds(path) == frozenset()


def test_cells_and_pellets_hold_impedance():
    for name in ("PEIS_SSB", "Sample1_PEIS_EndOfDischarge", "PEIS_LPSCl_IonBlocking_-25C"):
        path = shared_data(f"eis_ssb/{name}.mpr")
        assert holds(path) == {"eis"}
        assert len(read_mpr_table(path).names) == 16


# --- files of our own -----------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3, 10, 11])
@pytest.mark.parametrize("new", [True, False])
def test_every_version_gives_its_columns_and_its_flags(tmp_path, version, new):
    columns = cell()
    table = read_mpr_table(written(tmp_path, mpr(columns, version=version, new=new), "a.mpr"))
    for heading, values in as_text(columns).items():
        assert table.get(heading) == pytest.approx(np.asarray(values), rel=1e-7), heading
    assert table.clock == 45301.5 * 86400 - 25569 * 86400


@given(
    ids=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=30, unique=True),
    rows=st.integers(1, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_any_columns_in_any_order_are_read_as_they_were_written(tmp_path_factory, ids, rows, seed):
    rng = np.random.default_rng(seed)
    columns = {k: rng.integers(0, 100, rows) for k in ids}
    path = written(tmp_path_factory.mktemp("a"), mpr(columns, version=11), "a.mpr")
    table = read_mpr_table(path)
    read = [
        (name, column.tolist()) for name, column in zip(table.names, table.columns, strict=True)
    ]
    assert read == [(COLUMNS[k][0], values.tolist()) for k, values in columns.items()]


@pytest.mark.parametrize("kind", ["u1", "<u2", "<f4", "<f8"])
def test_an_unknown_column_whose_width_the_record_fixes_is_dropped_with_a_word(tmp_path, kind):
    columns = {**cell(), 9999: np.arange(40)}
    columns[6] = columns.pop(6)  # after the unknown one
    path = written(tmp_path, mpr(columns, kinds={9999: kind}), "a.mpr")
    table = read_mpr_table(path)
    assert table.get("Ewe/V") == pytest.approx(columns[6])
    width = np.dtype(kind).itemsize
    assert f"dropped column 9999 of {width} bytes: unknown" in table.changes


def test_an_unknown_column_of_a_newer_program_has_the_width_of_its_lower_byte(tmp_path):
    """512 + 6 and 512 + 13, of 4 and 8 bytes, with a known column between them."""
    columns = {4: np.arange(9.0), 518: np.zeros(9), 6: np.arange(9.0), 525: np.zeros(9)}
    path = written(tmp_path, mpr(columns, kinds={518: "<f4", 525: "<f8"}), "a.mpr")
    table = read_mpr_table(path)
    assert table.get("Ewe/V").tolist() == list(range(9))
    assert "dropped columns 518, 525, 12 bytes together: unknown" in table.changes


def test_unknown_columns_that_hide_a_known_one_are_one_clear_error(tmp_path):
    columns = {4: np.arange(9.0), 9001: np.zeros(9), 6: np.zeros(9), 9002: np.zeros(9)}
    path = written(tmp_path, mpr(columns, kinds={9001: "<f4", 9002: "<f8"}), "a.mpr")
    with pytest.raises(InputError, match=r"a\.mpr: columns 9001, 9002 are of unknown width.* 6 "):
        read_mpr_table(path)


def test_a_gcpl_becomes_a_record_in_si(tmp_path):
    facts = {
        0x107: ("<f", 12.5), 0x211: ("<f", 0.785), 0x250: ("B", 2), 0x251: ("B", 2),
        0x24C: ("<f", 12.5), 0x25C: ("<f", 2.0), 0x260: ("B", 1),
    }  # fmt: skip
    ours = record(written(tmp_path, mpr(cell(), facts=facts), "a.mpr"))
    assert ours.form == "Bio-Logic .mpr"
    assert ours.current[1:20] == pytest.approx(1e-4)
    assert ours.current[20:] == pytest.approx(-1e-4)
    assert ours.charged[-1] == pytest.approx(19 * 6e-3)
    assert ours.discharged[-1] == pytest.approx(20 * 6e-3)
    assert ours.step.tolist() == [0] * 20 + [1] * 20
    assert ours.facts == pytest.approx({"mass": 12.5e-6, "area": 0.785e-4, "capacity": 7.2})
    assert ours.started == 45301.5 * 86400 - 25569 * 86400


def test_a_row_without_duration_has_the_current_that_was_set(tmp_path):
    columns = cell()
    columns[4] = columns[4].copy()
    columns[4][5] = columns[4][4]
    columns[7] = columns[7].copy()
    columns[7][5] = 0
    ours = record(written(tmp_path, mpr(columns), "a.mpr"))
    assert ours.current[[0, 5]] == pytest.approx(1e-4)


@pytest.mark.parametrize("charge", ["(Q-Qo)", "half cycles", "rows", "C"])
def test_every_count_of_charge_gives_the_same_charge(tmp_path, charge):
    columns = cell()
    counts = {"(Q-Qo)": [13], "half cycles": [467, 468], "rows": [7], "C": [434]}[charge]
    columns[434] = 3.6 * columns[13]
    kept = {k: v for k, v in columns.items() if k not in (7, 13, 434, 467, 468) or k in counts}
    ours = record(written(tmp_path, mpr(kept), "a.mpr"))
    assert ours.charged[-1] == pytest.approx(19 * 6e-3, rel=1e-6)
    assert ours.discharged[-1] == pytest.approx(20 * 6e-3, rel=1e-6)


def test_a_count_that_begins_anew_with_a_loop_goes_on(tmp_path):
    columns = cell()
    columns[13] = columns[13] - np.where(np.arange(40) >= 20, columns[13][20], 0)
    columns[7] = columns[7].copy()
    columns[7][20] = 0.0
    path = written(tmp_path, mpr(columns, loops=[0, 20, 40]), "a.mpr")
    ours = record(path)
    assert ours.charged[-1] == pytest.approx(19 * 6e-3)
    assert ours.discharged[-1] == pytest.approx(19 * 6e-3)
    plain = record(written(tmp_path, mpr(columns), "b.mpr"))  # loops not listed
    assert plain.discharged[-1] == pytest.approx(19 * 6e-3)


def test_a_linked_technique_begins_anywhere(tmp_path):
    columns = cell()
    columns[4] = columns[4] + 1e6
    columns[13] = columns[13] + 5.0
    ours = record(written(tmp_path, mpr(columns), "a.mpr"))
    assert ours.time[0] == 1e6
    assert ours.charged[0] == 0
    assert ours.charged[-1] == pytest.approx(19 * 6e-3)
    assert ours.started == pytest.approx(45301.5 * 86400 - 25569 * 86400 + 1e6)


def test_a_cell_at_rest_has_no_current(tmp_path):
    columns = {1: np.full(9, 3), 4: np.arange(9.0), 6: np.full(9, 2.5)}
    ours = record(written(tmp_path, mpr(columns), "a.mpr"))
    assert not ours.current.any()
    assert ours.charged is None
    assert any("at rest" in change for change in ours.changes)


def test_a_cycler_that_logs_neither_current_nor_charge_is_refused(tmp_path):
    columns = {1: np.full(9, 2), 4: np.arange(9.0), 6: np.full(9, 2.5)}
    path = written(tmp_path, mpr(columns), "a.mpr")
    with pytest.raises(InputError, match=r"a\.mpr logs neither current nor charge"):
        read_biologic_records(path)


def test_the_temperature_is_in_kelvin(tmp_path):
    columns = {**cell(), 462: np.full(40, 25.0)}
    ours = record(written(tmp_path, mpr(columns), "a.mpr"))
    assert ours.temperature == pytest.approx(298.15)


@pytest.mark.parametrize("factor", [-1.0, 1e3, 1e-3])
def test_a_charge_that_contradicts_the_current_is_refused(tmp_path, factor):
    columns = {**cell(), 8: cell()[5] * factor}
    path = written(tmp_path, mpr(columns), "a.mpr")
    with pytest.raises(InputError, match=r"charge is .* times the current by the time"):
        read_biologic_records(path)


# --- text -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("comma", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_a_text_means_the_same_however_its_lines_end(tmp_path, end, comma, last):
    columns = cell()
    text = mpt(as_text(columns), comma=comma, end=end, last=last)
    ours = record(written(tmp_path, text, "a.mpt"))
    binary = record(written(tmp_path, mpr(columns), "a.mpr"))
    assert ours.voltage == pytest.approx(binary.voltage, rel=1e-6)
    assert ours.charged == pytest.approx(binary.charged)
    assert ours.current == pytest.approx(binary.current)
    assert ("read decimal commas" in ours.changes) == comma
    assert not any("last line" in change for change in ours.changes)


def test_the_head_of_a_text_gives_facts_and_the_start(tmp_path):
    head = [
        "Acquisition started on : 01/10/2024 11:02:29.886", "Mass of active material : 8,75 mg",
        "Battery capacity : 105.000 µA.h", "Electrode surface area : 0.785 cm²",
        "Characteristic mass : 0.001 mg",
    ]  # fmt: skip
    ours = record(written(tmp_path, mpt(as_text(cell()), head=head), "a.mpt"))
    assert ours.facts == pytest.approx({"mass": 8.75e-6, "area": 0.785e-4, "capacity": 0.378})
    assert ours.started == pytest.approx(1704884549.886)


def test_a_time_written_as_dates_is_read(tmp_path):
    text = mpt(as_text(cell(4)), last=True).decode("cp1252")
    for k in range(4):
        stamp = f"{60.0 * k:.15E}".replace("E+0", "E+00")
        assert stamp in text
        text = text.replace(f"\t{stamp}\t", f"\t01/10/2024 12:0{k}:00.000\t", 1)
    ours = record(written(tmp_path, text.encode("cp1252"), "a.mpt"))
    assert ours.time == pytest.approx([0, 60, 120, 180])
    assert ours.started == pytest.approx(45301.5 * 86400 - 25569 * 86400)


def test_units_in_the_headings_are_heeded(tmp_path):
    columns = as_text({**cell(), 8: cell()[5]})
    columns = {k.replace("I/mA", "I/µA").replace("time/s", "time/h"): v for k, v in columns.items()}
    columns["I/µA"] = 1e3 * columns["I/µA"]
    columns["time/h"] = columns["time/h"] / 3600
    del columns["control/V/mA"]
    ours = record(written(tmp_path, mpt(columns), "a.mpt"))
    assert ours.current[:20] == pytest.approx(1e-4)
    assert ours.time[-1] == pytest.approx(39 * 60)


def test_a_text_cut_anywhere_loses_rows_but_never_changes_a_number(tmp_path):
    columns = as_text(cell(12))
    whole = mpt(columns)
    true = read_mpt_table(written(tmp_path, whole, "a.mpt"))
    begin = whole.rindex(b"\t\r\n") + 3
    for size in range(begin, len(whole), 7):
        try:
            table = read_mpt_table(written(tmp_path, whole[:size], "cut.mpt"))
        except InputError:
            continue
        rows = whole[begin:size].count(b"\n")
        assert len(table) in (rows, rows + 1)
        for ours, theirs in zip(table.columns, true.columns, strict=True):
            assert ours.tolist() == theirs[: len(ours)].tolist()
        left = whole[size - 1 : size] != b"\n" and len(table) == rows
        assert left == any("last line" in change for change in table.changes) or len(table) > rows


def test_a_text_with_fewer_rows_than_its_head_counts_says_so(tmp_path):
    head = ["Number of loops : 2", "Loop 0 from point number 0 to 19",
            "Loop 1 from point number 20 to 99"]  # fmt: skip
    ours = record(written(tmp_path, mpt(as_text(cell()), head=head), "a.mpt"))
    assert any("counts 100 rows, the table has 40" in change for change in ours.changes)


def test_the_encoding_of_a_text_does_not_matter(tmp_path):
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "utf-16"):
        text = mpt({**as_text(cell()), "Cs/µF": np.ones(40)}, encoding=encoding, last=True)
        path = written(tmp_path, text, "a.txt")
        assert looks_like(path, text[:65536]) == "Bio-Logic .mpt"
        assert read_mpt_table(path).names[-1] == "Cs/µF"
        assert holds(path) == {"cycling"}


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_biologic_records(tmp_path / "a.mpr")
    assert holds(tmp_path / "a.mpr") == frozenset()


def test_a_wrong_count_of_header_lines_is_put_right(tmp_path):
    text = mpt(as_text(cell()), last=True).replace(b"lines : 4", b"lines : 99")
    assert len(record(written(tmp_path, text, "a.mpt"))) == 40


# --- damage ---------------------------------------------------------------------------


def test_a_binary_file_cut_anywhere_is_refused_or_whole(tmp_path):
    whole = mpr(cell(10), loops=[0, 5])
    true = record(written(tmp_path, whole, "a.mpr"))
    for size in range(0, len(whole), 13):
        path = written(tmp_path, whole[:size], "cut.mpr")
        try:
            ours = record(path)
        except InputError:
            assert True
        else:
            assert ours.voltage.tolist() == true.voltage.tolist()
        assert holds(path) in ({"cycling"}, frozenset())


def test_counts_that_are_damaged_ask_for_no_memory(tmp_path):
    whole = mpr(cell(10))
    at = whole.index(b"VMP data") + 35 + 16
    for count in (0, 1, 3, 9, 11, 2**31, 2**32 - 1):
        damaged = whole[:at] + struct.pack("<I", count) + whole[at + 4 :]
        path = written(tmp_path, damaged, "a.mpr")
        with pytest.raises(InputError, match=r"a\.mpr"):
            read_mpr_table(path)
    for columns in (0, 1, 200, 255):
        damaged = whole[: at + 4] + bytes([columns]) + whole[at + 5 :]
        with pytest.raises(InputError, match=r"a\.mpr"):
            read_mpr_table(written(tmp_path, damaged, "a.mpr"))


def mutated(rng, data):
    """Flip, cut, repeat or overwrite some bytes."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at, how = rng.randrange(len(out)), rng.randrange(5)
        if how == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            out[at : at + 4] = rng.randbytes(4)
        elif how == 2:
            del out[at : at + rng.choice([1, 4, 100])]
        elif how == 3:
            out[at:at] = out[at : at + rng.choice([1, 8, 300])]
        else:
            out[at : at + 4] = rng.choice([b"\xff" * 4, b"\x00" * 4, b"\x00\x00\x80\x7f"])
        if not out:
            break
    return bytes(out[: rng.randrange(len(out) + 1)] if rng.random() < 0.1 else out)


@pytest.mark.parametrize("form", ["mpr", "mpt"])
def test_damaged_files_give_a_record_or_one_clear_error(tmp_path, form):
    rng = random.Random(1)
    columns = {**cell(12), 32: np.r_[np.zeros(9), 1e3, 1e2, 10], 37: np.ones(12), 38: np.ones(12)}
    head = ["Loop 0 from point number 0 to 5", "Loop 1 from point number 6 to 11"]
    whole = mpr(columns, loops=[0, 6]) if form == "mpr" else mpt(as_text(columns), head=head)
    readers = [read_biologic_records, read_mpr_table if form == "mpr" else read_mpt_table]
    readers += [read_mpr] if form == "mpr" else []
    failures = 0
    for _ in range(150):
        path = written(tmp_path, mutated(rng, whole), f"a.{form}")
        for read in readers:
            try:
                read(path)
            except InputError:
                failures += 1
        assert holds(path) <= {"eis", "cycling"}
    assert 100 < failures < 450


def test_other_bytes_are_refused(tmp_path):
    for data in (b"", b"\x00" * 500, random.Random(2).randbytes(3000), b"a\tb\n1\t2\n"):
        path = written(tmp_path, data, "a.mpr")
        assert looks_like(path, data) is None
        assert holds(path) == frozenset()
        with pytest.raises(InputError, match="no Bio-Logic file"):
            read_biologic_records(path)
