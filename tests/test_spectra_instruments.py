"""Files that instruments and their programs write: read point by point as they are."""

import re
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from spectrum_files import (
    HERE,
    PELLET,
    F,
    assert_same,
    cell,
    columns,
    differ,
    one,
    said,
    shared_data,
    table,
    written,
)

from dualyte import InputError, MissingExtraError
from dualyte.measure.files import read_spectra

# --- Bio-Logic .mpr -------------------------------------------------------------------

WIDTHS = {4: "<f8", 24: "<f8", 39: "<u2", 131: "<u2", 469: "<u4", 13: "<f8"}


def mpr(ids, records, version=11, loops=None, widths=None, new=True):
    """Bytes of an .mpr file with these columns."""
    kinds = {**{n: "<f4" for n in ids}, **WIDTHS, **(widths or {})}
    record = np.dtype([(f"{k}", kinds[n]) for k, n in enumerate(ids)])
    rows = np.zeros(len(records[0]), record)
    for k, values in enumerate(records):
        rows[f"{k}"] = values
    begin = {2: 405, 3: 406, 10: 1007, 11: 1007}[version]
    count = struct.pack("<IB" if version < 10 else "<IH", len(rows), len(ids))
    head = count + np.array(ids, "<u2").tobytes()
    modules = [("VMP Set", b"\x00" * 64, 10), ("VMP data", head.ljust(begin, b"\x00"), version)]
    modules[1] = (*modules[1][:1], modules[1][1] + rows.tobytes(), version)
    if loops is not None:
        starts = np.array([len(loops), *loops, 0, 0, 0], "<u4").tobytes()
        modules.append(("VMP loop", starts, 10))
    out = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\x00" * 4
    for name, body, number in modules:
        out += b"MODULE" + name.encode().ljust(10) + name.encode().ljust(25)
        long = struct.pack("<IIII", 0xFFFFFFFF, len(body), 0, number)
        out += (long if new else struct.pack("<II", len(body), number)) + b"01/01/26" + body
    return out


def impedance(f=F, z=None):
    z = cell(f) if z is None else z
    return [f, z.real, -z.imag, np.abs(z)]


def test_a_pellet_reads_the_same_from_binary_text_and_program_export():
    binary = one(HERE / f"{PELLET}.mpr")
    text = one(HERE / f"{PELLET}.txt")
    program = one(HERE / f"{PELLET}_RelaxIS.txt")
    assert binary.frequency.size == 79
    assert binary.frequency[0] == pytest.approx(7e6, rel=1e-5)
    assert binary.z[0] == pytest.approx(359.241455 - 290.92038j, rel=1e-8)
    assert differ(binary, text) < 7e-8
    assert differ(binary, program) < 1e-15
    assert binary.time == pytest.approx(text.time)
    assert {s.temperature for s in (binary, text, program)} == {248.15}


@pytest.mark.parametrize(("name", "sweeps"), [("yadg_peis", 1), ("yadg_geis.issue_149", 4)])
def test_binary_and_text_of_one_measurement_agree(name, sweeps):
    binary = read_spectra(shared_data(f"eis/{name}.mpr"))
    text = read_spectra(shared_data(f"eis/{name}.mpt"))
    assert len(binary) == len(text) == sweeps
    assert max(differ(a, b) for a, b in zip(binary, text, strict=True)) < 6e-8
    assert not said(binary[0], "dropped")


def test_binary_cells_are_read():
    assert one(shared_data("eis_ssb/PEIS_SSB.mpr")).frequency.size == 89
    assert one(shared_data("eis_ssb/Sample1_PEIS_EndOfDischarge.mpr")).frequency.size == 86


@pytest.mark.parametrize("version", [2, 3, 10, 11])
@pytest.mark.parametrize("new", [True, False])
def test_every_version_of_the_data_module_gives_its_numbers(tmp_path, version, new):
    data = mpr([32, 37, 38, 36, 4, 39], [*impedance(), F * 0 + 2, F * 0], version, new=new)
    spectrum = one(written(tmp_path, data, "a.mpr"))
    assert_same(spectrum)
    assert spectrum.time == pytest.approx(np.full(F.size, 2.0))


def test_flags_share_one_byte(tmp_path):
    ids = [1, 2, 3, 32, 37, 38, 36, 21, 31, 65]
    one_byte = {1: "u1", **dict.fromkeys((2, 3, 21, 31, 65), "V0")}
    rows = [F * 0, *[np.zeros(F.size, "V0")] * 2, *impedance(), *[np.zeros(F.size, "V0")] * 3]
    assert_same(one(written(tmp_path, mpr(ids, rows, widths=one_byte), "a.mpr")))


@pytest.mark.parametrize("kind", ["u1", "<u2", "<f4", "<f8"])
def test_an_unknown_column_of_fixed_width_is_dropped_and_said(tmp_path, kind):
    ids = [32, 37, 9999, 38, 36]
    f, re_, im, size = impedance()
    spectrum = one(
        written(tmp_path, mpr(ids, [f, re_, F * 0 + 7, im, size], widths={9999: kind}), "a.mpr")
    )
    assert_same(spectrum)
    width = np.dtype(kind).itemsize
    assert said(spectrum, f"dropped column 9999 of {width} bytes: unknown")


def test_unknown_columns_that_do_not_enclose_the_impedance_are_dropped(tmp_path):
    rows = [F * 0, F * 0, *impedance(), F * 0, F * 0]
    data = mpr([9001, 9002, 32, 37, 38, 36], rows[:-2])
    assert_same(one(written(tmp_path, data, "front.mpr")))
    data = mpr([32, 37, 38, 36, 9001, 9002], rows[2:], widths={9002: "<f8"})
    spectrum = one(written(tmp_path, data, "back.mpr"))
    assert_same(spectrum)
    assert said(spectrum, "dropped columns 9001, 9002, 12 bytes together")


def test_unknown_columns_around_the_impedance_are_one_clear_error(tmp_path):
    data = mpr([9001, 32, 37, 38, 36, 9002], [F * 0, *impedance(), F * 0])
    with pytest.raises(InputError, match=r"a\.mpr: columns 9001, 9002 are of unknown width.*32"):
        read_spectra(written(tmp_path, data, "a.mpr"))


def test_a_record_that_its_columns_do_not_fill_is_refused(tmp_path):
    data = mpr([32, 37, 38, 36], impedance(), widths={36: "<f8"})
    with pytest.raises(InputError, match="does not fit its columns"):
        read_spectra(written(tmp_path, data, "a.mpr"))


def test_a_modulus_that_contradicts_re_and_im_gives_a_wrong_layout_away(tmp_path):
    f, re_, im, size = impedance()
    data = mpr([32, 37, 38, 36], [f, re_, im, 3 * size])
    with pytest.raises(InputError, match="modulus of its impedance is not that"):
        read_spectra(written(tmp_path, data, "a.mpr"))


def test_the_loop_module_keeps_loops_apart_and_direct_current_rows_fall_away(tmp_path):
    f = np.concatenate([[0], F, [0], F[:20], [0], F[:3]])
    z = np.concatenate([[1], cell(), [1], 2 * cell(F[:20]), [1], cell(F[:3])])
    data = mpr([32, 37, 38, 36], impedance(f, z), loops=[0, 32, 53])
    reading = read_spectra(written(tmp_path, data, "a.mpr"))
    assert [s.frequency.size for s in reading] == [31, 20]
    assert [s.loop for s in reading] == [0, 1]
    assert [s.name for s in reading] == ["a loop 0", "a loop 1"]
    assert_same(reading[1], F[:20], 2 * cell(F[:20]))
    assert said(reading[0], "dropped 3 of 57 rows with f = 0")
    assert said(reading[0], "left out 1 of 3 loops, which have fewer than 5")


def test_the_z_cycle_keeps_loops_apart_without_a_loop_module(tmp_path):
    f, z = np.tile(F, 2), np.concatenate([cell(), 2 * cell()])
    data = mpr([469, 32, 37, 38, 36], [np.repeat([0, 1], F.size), *impedance(f, z)])
    assert len(read_spectra(written(tmp_path, data, "a.mpr"))) == 2


def test_a_truncated_mpr_says_where_it_ends(tmp_path):
    data = (HERE / f"{PELLET}.mpr").read_bytes()[:9000]
    with pytest.raises(InputError, match=r"cut short or damaged.*6864.*9000 bytes"):
        read_spectra(written(tmp_path, data, "a.mpr"))


@pytest.mark.parametrize("size", range(0, 21792, 311))
def test_however_short_an_mpr_is_cut_it_is_refused_or_read_whole(tmp_path, size):
    path = written(tmp_path, (HERE / f"{PELLET}.mpr").read_bytes()[:size], "a.mpr")
    reading = read_spectra(path, raise_errors=False)
    assert bool(reading.failures) != bool(reading.spectra)
    assert all(s.frequency.size == 79 for s in reading)


def test_an_mpr_of_another_technique_or_version_is_refused(tmp_path):
    data = mpr([4, 6, 8], [F, F, F])
    with pytest.raises(InputError, match="holds no impedance: among its columns 4, 6, 8"):
        read_spectra(written(tmp_path, data, "cp.mpr"))
    data = mpr([32, 37, 38], impedance()[:3]).replace(
        struct.pack("<I", 11) + b"01/01/26", struct.pack("<I", 77) + b"01/01/26"
    )
    with pytest.raises(InputError, match="version 77 of the data module is not known"):
        read_spectra(written(tmp_path, data, "new.mpr"))
    with pytest.raises(InputError, match="not a Bio-Logic"):
        read_spectra(written(tmp_path, b"\x89PNG" * 100, "picture.mpr"))


# --- Bio-Logic .mpt -------------------------------------------------------------------


def mpt(loops=0, per=31, comma=False, cycle=None, encoding="latin-1"):
    head = ["Electrode surface area : 0.001 cm²"]
    if loops:
        head += [f"Number of loops : {loops}"]
        head += [f"Loop {k} from point number {k * per} to {k * per + per - 1}"
                 for k in range(loops)]  # fmt: skip
    names = "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\t|Z|/Ohm\tPhase(Z)/deg\ttime/s\tcycle number\t"
    start = ["EC-Lab ASCII FILE", f"Nb header lines : {len(head) + 4}", "", *head, names]
    rows = []
    for k in range(max(loops, 1)):
        f, z = F[:per], (k + 1) * cell(F[:per])
        number = np.full(per, 1.0) if cycle is None else cycle[k * per : (k + 1) * per]
        size, angle = np.abs(z), np.degrees(np.angle(z))
        rows += list(zip(f, z.real, -z.imag, size, angle, f * 0 + k, number, strict=True))
    lines = ["\t".join(f"{x:.9E}" for x in row) for row in rows]
    text = "\r\n".join(lines)
    text = text.replace(".", ",") if comma else text
    return ("\r\n".join(start) + "\r\n" + text + "\r\n").encode(encoding)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-16"])
@pytest.mark.parametrize("comma", [True, False])
def test_an_mpt_means_the_same_with_decimal_commas_and_in_any_encoding(tmp_path, encoding, comma):
    spectrum = one(written(tmp_path, mpt(comma=comma, encoding=encoding), "a.mpt"))
    assert_same(spectrum)
    assert said(spectrum, "decimal commas") == comma
    assert spectrum.area is None
    assert said(spectrum, r"ignored the electrode area of 0\.001 cm2 in the head: a preset")


def test_lines_may_end_as_on_any_system(tmp_path):
    for name, data in (("n", mpt().replace(b"\r\n", b"\n")), ("rn", mpt())):
        assert_same(one(written(tmp_path, data, f"{name}.mpt")))


def test_an_electrode_area_that_someone_entered_is_taken(tmp_path):
    spectrum = one(written(tmp_path, mpt().replace(b"0.001 cm", b"1.130 cm"), "a.mpt"))
    assert spectrum.area == pytest.approx(1.13e-4)
    assert said(spectrum, "took the area 1.13 cm2 from the file's head")


def test_two_loops_stay_two_spectra(tmp_path):
    reading = read_spectra(written(tmp_path, mpt(loops=2), "a.mpt"))
    assert [s.frequency.size for s in reading] == [31, 31]
    assert_same(reading[0])
    assert_same(reading[1], F, 2 * cell())


def test_cycles_that_restart_the_sweep_are_loops(tmp_path):
    """Without a list of loops, as older files are."""
    data = mpt(loops=2, cycle=np.repeat([1.0, 2.0], 31))
    data = re.sub(rb"(Number of loops|Loop \d)[^\r]*", b"x", data)
    assert [s.frequency.size for s in read_spectra(written(tmp_path, data, "a.mpt"))] == [31, 31]


def test_loops_are_averaged_when_asked(tmp_path):
    spectrum = one(written(tmp_path, mpt(loops=2), "a.mpt"), average=True)
    assert spectrum.name == "a"
    assert_same(spectrum, F, 1.5 * cell())


def test_a_cycle_counted_up_in_the_middle_of_a_sweep_does_not_split_it(tmp_path):
    cycle = np.where(np.arange(31) < 12, 1.0, 2.0)
    spectrum = one(written(tmp_path, mpt(cycle=cycle), "a.mpt"))
    assert_same(spectrum)
    assert said(spectrum, "joined cycles")


def test_files_of_two_loops_hold_59_points_each():
    for name in ("ex1.mpt", "ex2.mpt"):
        reading = read_spectra(shared_data(f"eis_more/PyEIS_Apache2/{name}"))
        assert [s.frequency.size for s in reading] == [59, 59]
        assert all(s.frequency[0] == pytest.approx(200019.48) for s in reading)


# --- other instruments ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "points", "first", "last"),
    [
        ("imppy_exampleDataGamry.DTA", 72, 825.8584 - 1367.239j, 17007.49 - 6635.557j),
        ("imppy_exampleDataZPlot.z", 21, 147.77 - 11.335j, 613.68 - 137.13j),
        ("imppy_exampleDataCHInstruments.txt", 73, 98.91 - 2.748j, 5685 - 15860j),
        ("eisfit_s04147_140C.txt", 42, 22142.3 - 54311.5j, 3272660 - 1408530j),
        ("eis_button_sofc_with_title.csv", 61, 1.752595372 + 0.380132j, 5.877797869 - 0.069223361j),
        ("eis_4x4_sofc_2space_sep.txt", 73, 0.011845 + 0.0053427j, 0.025808 - 0.00024207j),
        ("eis_ism_format.ism", 74, 0.00756201618 - 0.00263518653j, 0.0202418344 - 0.000576001137j),
    ],
)
def test_instruments_give_the_points_they_wrote(name, points, first, last):
    spectrum = one(HERE / name)
    assert spectrum.frequency.size == points
    assert spectrum.z[0] == pytest.approx(first, rel=1e-8)
    assert spectrum.z[-1] == pytest.approx(last, rel=1e-8)


ONE_SPECTRUM = [
    "eis/pyimpspec_data-comma.csv", "eis/pyimpspec_data.mpt", "eis/pyimpspec_data.xlsx",
    "eis/pyimpspec_data.z", "eis/pyimpspec_data.dta", "eis_more/AutoEIS_MIT/data.dfr",
    "eis_more/AutoEIS_MIT/data.ids", "eis_more/AutoEIS_MIT/data.idf",
    "eis_more/AutoEIS_MIT/data.pssession", "eis_more/AutoEIS_MIT/data.xlsx",
]  # fmt: skip


@pytest.mark.parametrize("name", ONE_SPECTRUM)
def test_one_spectrum_reads_identically_from_every_format(name):
    """To half a unit of the last digit that each format writes."""
    true = one(shared_data(ONE_SPECTRUM[0]))
    assert true.frequency.size == 29
    assert true.z[0] == pytest.approx(109.00918219439028 - 26.55567987651522j)
    reading = read_spectra(shared_data(name))
    assert len(reading) == {".xlsx": 4, ".ids": 2}.get(Path(name).suffix, 1)
    digits = {".ids": 6, ".idf": 6, ".z": 7, ".mpt": 8}.get(Path(name).suffix, 14)
    assert max(differ(spectrum, true) for spectrum in reading) < 0.5 * 10.0 ** (1 - digits)


def test_ten_loops_of_modulus_and_phase_stay_apart_and_lose_their_direct_current_rows():
    reading = read_spectra(shared_data("eis_ssb/Sample2_PEIS_AtRest.csv"))
    assert [s.frequency.size for s in reading] == [89] * 10
    assert [s.loop for s in reading] == list(range(10))
    z = 50.752583 * np.exp(1j * np.radians(-20.75998))
    assert reading[0].z[0] == pytest.approx(z)
    assert reading[0].time[0] == pytest.approx(126.23869597606244)
    assert said(reading[0], "dropped 10 of 900 rows with f = 0")


def test_direct_current_rows_of_a_parstat_are_no_points():
    spectrum = one(shared_data("eis/imppy_exampleDataParstat.txt"))
    assert spectrum.frequency.size == 31
    assert spectrum.frequency[[0, -1]] == pytest.approx([1e4, 10])
    assert said(spectrum, "dropped 781 of 812 rows with f = 0")


def test_an_instruments_own_sign_is_kept_where_most_of_a_sweep_is_inductive(tmp_path):
    """Low-ohmic cells are inductive over most decades; the format fixes the sign."""
    z = 0.05 + 1j * np.logspace(0, -4, F.size)
    rows = "".join(f"\t{k}\t{f:.8g}\t{v.real:.8g}\t{v.imag:.8g}\n"
                   for k, (f, v) in enumerate(zip(F, z, strict=True)))  # fmt: skip
    text = "EXPLAIN\nTAG\tGALVEIS\nAREA\tQUANT\t2,50000E+000\t&Area (cm^2)\nZCURVE\tTABLE\n"
    text += "\tPt\tFreq\tZreal\tZimag\n\t#\tHz\tohm\tohm\n" + rows
    spectrum = one(written(tmp_path, text, "a.DTA"))
    assert_same(spectrum, F, z)
    assert spectrum.area == pytest.approx(2.5e-4)


def test_a_gamry_file_without_impedance_names_its_tables(tmp_path):
    text = "EXPLAIN\nTAG\tCV\nCURVE1\tTABLE\n\tPt\tT\tVf\n\t#\ts\tV\n\t0\t1\t2\n"
    with pytest.raises(InputError, match=r"no table ZCURVE \(its tables: CURVE1\)"):
        read_spectra(written(tmp_path, text, "cv.dta"))


def test_versastudio_autolab_elchemea_and_zview_layouts(tmp_path):
    rows = columns()
    lines = "".join(f"0,{k},0,{f:.9g},{re_:.9g},{im:.9g}\n" for k, (f, re_, im) in enumerate(rows))
    par = "<Application>\n</Application>\n<Segment1>\nType=2\n"
    par += "Definition=Segment #, Point #, E(V), Frequency(Hz), Z Real, Z Imag\n" + lines
    assert_same(one(written(tmp_path, par + "</Segment1>\n", "a.par")))
    p00 = "title\nF/Hz\tZ'/ohm\tZ''/ohm\tTIME/s\tEdc/V\tIdc/A\n 31\n"
    p00 += "".join(f"{f:.9g}\t{re_:.9g}\t{-im:.9g}\t1\t0\t0\n" for f, re_, im in rows)
    assert_same(one(written(tmp_path, p00, "a.P00")))
    i2b = "sample\n01-01-2026\nx\ny\nz\n" + table(rows, header="", sep=" ")
    assert_same(one(written(tmp_path, i2b, "a.i2b")))
    zview = '"ZPlot2 ASCII"\nEnd Comments\n'
    zview += "".join(f"{f:.9g}, 0, 0, 1, {re_:.9g}, {im:.9g}, 0, 0, 1\n" for f, re_, im in rows)
    assert_same(one(written(tmp_path, zview, "a.z")))


def test_several_spectra_of_one_program_export_stay_apart(tmp_path):
    names = "Data: Frequency\tData: Z'\tData: Z''\tData: |Z|"
    text = f"RelaxIS 3.0 Spectrum export\nDate: 1/1/2026\n{names}\n"
    for t in ("-20C", "40C"):
        text += f"DC=0, TM=3\tModel: x\t(WE/RE Spectrum) PEIS_{t}_C01.mpr_1\t\n"
        z = cell(r=100 if t == "40C" else 900)
        text += table(np.column_stack([F, z.real, z.imag, np.abs(z)]), header="", sep="\t")
    cold, warm = read_spectra(written(tmp_path, text, "export.txt"))
    assert_same(cold, F, cell(r=900))
    assert_same(warm, F, cell(r=100))
    assert (cold.temperature, warm.temperature) == pytest.approx((253.15, 313.15))


def test_tables_one_after_another_are_loops_of_the_file(tmp_path):
    text = table(columns()) + "\n" + table(columns(z=2 * cell()))
    first, second = read_spectra(written(tmp_path, text))
    assert_same(first)
    assert_same(second, F, 2 * cell())
    assert [first.name, second.name] == ["cell loop 0", "cell loop 1"]
    assert [first.loop, second.loop] == [0, 1]


def test_a_workbook_without_its_package_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    path = written(tmp_path, b"PK", "a.xlsx")
    with pytest.raises(MissingExtraError, match=r"openpyxl.*pip install 'dualyte\[files\]'"):
        read_spectra(path)
    assert len(read_spectra(path, raise_errors=False).failures) == 1


def test_every_sheet_of_a_workbook_that_holds_a_table_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["notes on the cell"])
    for k, names in enumerate((["freq/Hz", "Re(Z)/kOhm", "-Im(Z)/kOhm"], ["f", "|Z|", "-phase"])):
        page = book.create_sheet(f"cell {k}")
        page.append(["made on Monday"])
        page.append(names)
        for f, z in zip(F, cell(), strict=True):
            polar = [f, abs(z), -np.degrees(np.angle(z))]
            page.append([f, z.real / 1e3, -z.imag / 1e3] if k == 0 else polar)
    book.save(tmp_path / "a.xlsx")
    reading = read_spectra(tmp_path / "a.xlsx")
    assert [s.name for s in reading] == ["a cell 0", "a cell 1"]
    for spectrum in reading:
        assert_same(spectrum, rtol=1e-12)


def test_spectra_side_by_side_stay_apart(tmp_path):
    head = ";".join(["f/Hz;Z'/Ohm;Z''/Ohm"] * 2)
    both = np.column_stack([columns(), columns(z=3 * cell())])
    first, second = read_spectra(written(tmp_path, table(both, head, ";")))
    assert_same(first)
    assert_same(second, F, 3 * cell())
