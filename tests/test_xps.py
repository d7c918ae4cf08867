"""Photoelectron spectra: read as they are, and evaluated with errors that hold."""

import json
import random
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectrum_files import shared_data

from dualyte import InputError, MissingExtraError, q
from dualyte.errors import DualyteError, ValidityError
from dualyte.measure.examples.xps import OPTIONS, THICKNESS, write
from dualyte.measure.xps import (
    C1S_CARBON,
    CL2P_OXYHALIDE,
    O1S_GARNET,
    Peak,
    PeakModel,
    XpsSpectrum,
    film_thickness,
    fit_peaks,
    imfp_tpp2m,
    linear_background,
    looks_like,
    main_line,
    measure_xps,
    model_for,
    overlayer_thickness,
    pseudo_voigt,
    read_vamas,
    read_xps,
    reference_of,
    shirley_background,
    tougaard_background,
    voigt,
    write_vamas,
)
from dualyte.measure.xps.background import running_integral
from dualyte.measure.xps.vamas import SIGNATURE
from dualyte.plot import draw
from dualyte.plot.xps import xps_figures
from dualyte.vocabulary import ELECTRON as EV

AL = 1486.6 * EV
SHAPES = {"pseudo-voigt": pseudo_voigt, "voigt": voigt}


def counts_of(e, lines, base=1000.0, step=0.03, shape="pseudo-voigt", mixing=0.3):
    """Counts of lines (centre, width, area[, splitting, ratio]) on a Shirley background."""
    total = np.zeros(e.size)
    for centre, width, area, *doublet in lines:
        y = SHAPES[shape](e, centre, width, mixing)
        if doublet:
            y = y + doublet[1] * SHAPES[shape](e, centre + doublet[0], width, mixing)
            y = y / (1 + doublet[1])
        total += area * y
    return base + total + step * running_integral(e, total)


def spectrum_of(e, counts, **how):
    how = {"photon_energy": AL, "region": "Cl 2p", "name": "a", "file": "a.vms", **how}
    return XpsSpectrum(energy=e * EV, counts=counts, **how)


def example(region="O 1s", m=40):
    e = np.linspace(526, 537, m) if region == "O 1s" else np.linspace(193, 207, m)
    n = np.round(counts_of(e, [(e.mean(), 1.5, 9000)]))
    return spectrum_of(e, n, region=region, dwell=0.1, scans=3, pass_energy=20 * EV, angle=0.5)


def vamas(tmp_path, change=None, name="a.vms", spectra=None, **how):
    """A VAMAS file, its lines changed by a function."""
    path = write_vamas(tmp_path / name, spectra or [example()], **how)
    if change is not None:
        lines = path.read_text().split("\n")
        lines = change(lines) or lines
        path.write_text("\n".join(lines), encoding="latin-1")
    return path


def put(text, old, times=1):
    """A change that replaces the first line that equals `old`."""

    def change(lines):
        at = [k for k, line in enumerate(lines) if line == old][times - 1]
        lines[at] = text

    return change


# --- the noun ---------------------------------------------------------------------------


def test_a_spectrum_is_read_only_and_knows_its_scales():
    s = example()
    assert s.energy_ev[0] == pytest.approx(526)
    assert s.kinetic_energy[0] == pytest.approx((1486.6 - 526) * EV)
    assert s.rate == pytest.approx(s.counts / 0.3)
    with pytest.raises(ValueError, match="read-only"):
        s.counts[0] = 1
    moved = s.shifted(2 * EV, 0.1 * EV, "moved")
    assert moved.energy_ev[0] == pytest.approx(528)
    assert moved.kinetic_energy == pytest.approx(s.kinetic_energy)
    assert moved.changes == ("moved",)
    assert "O 1s" in str(s)


@pytest.mark.parametrize(
    ("energy", "counts", "why"),
    [
        ([1, 2, 3, 4, 5], [1, 2, 3, 4], "4 numbers and energy 5"),
        ([1, 2, 3, 4], [1, 2, 3, 4], "has 4 channels"),
        ([1, 2, 2, 4, 5], [1, 2, 3, 4, 5], "do not ascend"),
        ([1, 2, 3, 4, 5], [1, 2, np.nan, 4, 5], "number 3 of counts is not finite"),
    ],
)
def test_a_spectrum_that_is_none_is_refused(energy, counts, why):
    with pytest.raises(InputError, match=why):
        XpsSpectrum(energy=np.array(energy) * EV, counts=counts, name="a")


# --- VAMAS ------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 10**7), min_size=5, max_size=40),
    st.floats(20, 1200),
    st.sampled_from([0.05, 0.1, 1.0]),
    st.booleans(),
    st.booleans(),
)
def test_what_is_written_as_vamas_is_read_again(
    tmp_path_factory, counts, start, step, irregular, passed
):
    e = start + step * np.arange(len(counts))
    t = np.linspace(1, 2, len(counts)) if passed else None
    s = replace(spectrum_of(e, counts, region="Ni 2p"), transmission=t, dwell=0.25, scans=4)
    path = tmp_path_factory.mktemp("v") / "a.vms"
    [again] = read_vamas(write_vamas(path, [s], irregular=irregular))
    assert again.energy_ev == pytest.approx(s.energy_ev, abs=2e-5 * len(counts))
    assert again.counts == pytest.approx(s.counts, abs=0)
    assert (again.dwell, again.scans, again.region) == (0.25, 4, "Ni 2p")
    assert (again.transmission is None) == (t is None)
    assert again.counted


def test_several_blocks_keep_their_regions_and_facts(tmp_path):
    one, two = read_xps(vamas(tmp_path, spectra=[example(), example("Cl 2p", 60)]))
    assert (one.region, two.region, len(two)) == ("O 1s", "Cl 2p", 60)
    assert one.pass_energy == pytest.approx(20 * EV)
    assert one.angle == pytest.approx(0.5, rel=1e-5)
    assert (one.dwell, one.scans, one.form) == (0.1, 3, "VAMAS")


def test_a_vamas_file_is_the_same_with_other_line_ends_and_lines_above(tmp_path):
    path = vamas(tmp_path)
    [plain] = read_xps(path)
    path.write_bytes(b"\r\n\r\n" + path.read_bytes().replace(b"\n", b"\r\n"))
    [other] = read_xps(path)
    assert other.counts.tolist() == plain.counts.tolist()


def test_decimal_commas_are_put_right_and_said(tmp_path):
    path = vamas(tmp_path)
    [plain] = read_xps(path)
    path.write_text(path.read_text().replace("1486.6", "1486,6").replace(".", ","))
    [comma] = read_xps(path)
    assert comma.energy == pytest.approx(plain.energy)
    assert "read decimal commas" in comma.changes


def test_a_rate_is_made_counts_over_the_time_of_all_scans(tmp_path):
    path = vamas(tmp_path, lambda lines: [("c/s" if x == "d" else x) for x in lines])
    [s] = read_xps(path)
    assert s.counts == pytest.approx(example().counts[:] * 0.3)
    assert s.counted
    assert any("made counts of a rate over 0.3 s" in said for said in s.changes)


def test_binding_energies_need_no_photon_energy(tmp_path):
    def change(lines):
        put("Binding Energy", "Kinetic Energy")(lines)
        put("1E+37", "1486.600000")(lines)
        put("526", f"{1486.6 - 537:.6f}")(lines)

    [s] = read_xps(vamas(tmp_path, change))
    assert s.energy_ev[0] == pytest.approx(526)
    assert s.photon_energy is None


def test_a_region_whose_lines_are_not_in_its_window_is_said(tmp_path):
    [s] = read_xps(vamas(tmp_path, put(f"{1386.6 - 537:.6f}", f"{1486.6 - 537:.6f}")))
    assert s.energy_ev[0] == pytest.approx(626)
    assert any("named O 1s, whose lines lie from 528 to 534 eV" in said for said in s.changes)
    [s] = read_xps(vamas(tmp_path))
    assert s.changes == ()


def test_a_missing_photon_energy_is_asked_for_and_can_be_given(tmp_path):
    path = vamas(tmp_path, put("1E+37", "1486.600000"))
    with pytest.raises(InputError, match="no photon energy; give it"):
        read_xps(path)
    [s] = read_xps(path, photon_energy=AL)
    assert s.energy_ev[0] == pytest.approx(526)


def test_a_photon_energy_that_its_source_denies_is_refused(tmp_path):
    path = vamas(tmp_path, put("14866", "1486.600000"))
    with pytest.raises(InputError, match=r"photons have 1486.6 eV, but it says 14866 eV"):
        read_xps(path)


def test_entries_left_out_of_later_blocks_are_those_of_the_first(tmp_path):
    """An inclusion list: blocks after the first hold the names of regions only."""
    spectra = [example(), replace(example(), region="C 1s", name="b")]
    path = write_vamas(tmp_path / "a.vms", spectra)
    lines = path.read_text().split("\n")
    # after the head: experimental variables 0, list length 0, manual 0, upgrades 0 0, blocks 2
    at = lines.index("2", 8)
    assert lines[at : at + 7] == ["2", "0", "0", "0", "0", "0", "2"]
    begin = len(lines) - 1 - lines[::-1].index("b")
    block = lines[begin:-2]
    numbers = block.index(f"{len(spectra[0])}")
    lines = [
        *lines[:at + 2], "2", "29", "30", *lines[at + 3:begin], "b", "Not Specified",
        "C", "1s", "-1", *block[numbers:], *lines[-2:],
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    one, two = read_xps(path)
    assert (one.region, two.region) == ("O 1s", "C 1s")
    assert two.counts.tolist() == one.counts.tolist()
    assert two.dwell == one.dwell


def test_an_exclusion_list_and_upgrade_entries_are_understood(tmp_path):
    spectra = [example(), replace(example(), name="b")]
    path = write_vamas(tmp_path / "a.vms", spectra)
    lines = path.read_text().split("\n")
    at = lines.index("2", 8)
    begin = len(lines) - 1 - lines[::-1].index("b")
    out = [*lines[begin : begin + 2], *lines[begin + 9 :]]  # without its date
    extra = [-7, 1, 2, 3, 4, 5, 6, 7]
    head = [*lines[: at + 2], *(str(x) for x in extra), "0", "1", "0", "old", "2"]
    path.write_text("\n".join([*head, *lines[at + 7 : begin], *out]))
    assert [s.name for s in read_xps(path)] == ["a", "b"]


def test_a_sputter_profile_has_its_own_entries(tmp_path):
    def change(lines):
        lines[lines.index("NORM")] = "SDP"
        at = lines.index("Al")
        lines[at + 1 : at + 1] = ["18", "1", "1"]
        at = lines.index("pulse counting") + 4
        lines[at:at] = ["1E+37"] * 7

    [s] = read_xps(vamas(tmp_path, change))
    assert len(s) == 40


def test_least_and_greatest_numbers_that_the_file_states_are_checked(tmp_path):
    biggest = f"{example().counts.max():g}"
    path = vamas(tmp_path, put(f"{10 * float(biggest):g}", biggest, times=2))
    [s] = read_xps(path)
    assert any("but the file states" in said for said in s.changes)
    assert any("a spike or a wrong number" in said for said in s.changes) or len(s) < 60


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("40", "41", "counts 41 values|not 'end of experiment'|cut short"),
        ("40", "39", "not 'end of experiment'"),
        ("40", "999999999999", "only .* lines follow"),
        ("40", "-4", "number of ordinate values is -4"),
        ("40", "12.5", "number of ordinate values is 12.5"),
        ("NORM", "NORMAL", "the experiment mode should stand here"),
        ("REGULAR", "MAPPING", "a map, not spectra"),
        ("XPS", "SIMS", "should stand|stands|is not|no XPS"),
        ("XPS", "what", "the technique should stand here"),
        ("eV", "keV", "energies are in 'keV'"),
        ("Kinetic Energy", "time", "neither kinetic nor binding"),
        ("end of experiment", "end", "after the last block stands 'end'"),
        ("1486.600000", "nan", "not a finite number"),
        ("1486.600000", "x", "should stand here, not 'x'"),
        ("pulse counting", "9", None),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_with_its_line(tmp_path, old, new, why):
    path = vamas(tmp_path, put(new, old))
    if why is None:
        [s] = read_xps(path)
        assert not s.counted
        return
    with pytest.raises(InputError, match=rf"a\.vms.*({why})"):
        read_xps(path)


def test_a_wrong_number_of_blocks_is_refused(tmp_path):
    spectra = [example(), example("Cl 2p")]

    def change(number):
        def put_it(lines):
            at = lines.index("2", 8)
            lines[at + 6] = number

        return put_it

    for number, why in (
        ("1", "not 'end of experiment'"),
        ("3", "cut short|should stand"),
        ("99999999", "only .* lines follow"),
        ("0", "counts no blocks"),
    ):
        with pytest.raises(InputError, match=why):
            read_xps(vamas(tmp_path, change(number), spectra=spectra))


def test_a_file_cut_at_any_line_is_refused_or_whole(tmp_path):
    whole = vamas(tmp_path).read_text()
    lines = whole.split("\n")
    path = tmp_path / "cut.vms"
    for k in range(len(lines) - 2):
        path.write_text("\n".join(lines[:k]))
        with pytest.raises(InputError):
            read_xps(path)
    path.write_text("\n".join(lines[:-2]) + "\n")
    [s] = read_xps(path)
    assert s.changes == ("the line 'end of experiment' is missing, all numbers are there",)
    path.write_text("\n".join(lines[:-2]))
    with pytest.raises(InputError, match="ends within its last number"):
        read_xps(path)


def test_an_auger_file_is_no_xps(tmp_path):
    path = vamas(tmp_path, put("AES dir", "XPS"))
    with pytest.raises(InputError, match="no XPS or UPS spectrum, but AES dir"):
        read_xps(path)


def test_writing_asks_for_what_vamas_needs(tmp_path):
    with pytest.raises(InputError, match="one spectrum or more"):
        write_vamas(tmp_path / "a.vms", [])
    with pytest.raises(InputError, match="no photon energy"):
        write_vamas(tmp_path / "a.vms", [replace(example(), photon_energy=None)])
    uneven = spectrum_of(np.array([1.0, 2, 3, 4, 9]), np.ones(5))
    with pytest.raises(InputError, match="uneven steps"):
        write_vamas(tmp_path / "a.vms", [uneven])


def mutated(data, rng):
    """Bytes with one of the ways in which files break."""
    out = bytearray(data)
    at = rng.randrange(len(out))
    way = rng.randrange(6)
    if way == 0:
        return bytes(out[:at])
    if way == 1:
        for _ in range(rng.randrange(1, 20)):
            out[rng.randrange(len(out))] = rng.randrange(256)
    elif way == 2:
        del out[at : at + rng.randrange(1, 300)]
    elif way == 3:
        out[at:at] = out[at : at + rng.randrange(1, 300)]
    else:
        lines = bytes(out).split(b"\n")
        k = rng.randrange(min(len(lines), rng.choice([60, 10**6])))
        odd = [
            b"-1",
            b"0",
            b"999999999999",
            b"1e308",
            b"nan",
            b"1E37",
            b"2.5",
            b"",
            b"1,5",
            b"9" * 999,
        ]
        lines[k] = rng.choice(odd)
        return b"\n".join(lines)
    return bytes(out)


@pytest.mark.parametrize("irregular", [False, True])
def test_a_damaged_vamas_file_gives_a_spectrum_or_one_clear_error(tmp_path, irregular):
    spectra = [example(), example("Cl 2p")]
    data = write_vamas(tmp_path / "a.vms", spectra, irregular=irregular).read_bytes()
    rng, path = random.Random(7), tmp_path / "b.vms"
    for _ in range(250):
        path.write_bytes(mutated(data, rng))
        said = ""
        try:
            read_xps(path)
        except DualyteError as error:
            said = str(error)
        assert len(said) < 900


def test_the_same_spectrum_regular_irregular_and_as_specs_text():
    [regular] = read_xps(shared_data("xps/pynx_regular.vms"))
    [irregular] = read_xps(shared_data("xps/pynx_irregular.vms"))
    survey, iron = read_xps(shared_data("xps/pynx_MgFe2O4_small.xy"))
    assert len(regular) == len(irregular) == len(survey) == 1351
    assert irregular.energy_ev == pytest.approx(regular.energy_ev, abs=1e-9)
    assert irregular.counts == pytest.approx(regular.rate, rel=1e-5)
    assert survey.energy_ev == pytest.approx(regular.energy_ev, abs=1e-6)
    assert survey.counts == pytest.approx(regular.counts, rel=1e-5)
    assert regular.transmission == pytest.approx(irregular.transmission, rel=1e-6)
    assert (iron.region, len(iron), survey.region) == ("Fe 2p", 56, "")
    assert survey.photon_energy == pytest.approx(1486.61 * EV)
    assert not irregular.counted  # its name says that it holds a rate, its unit counts


def test_casa_kratos_and_other_vamas_files_are_read():
    [platinum] = read_xps(shared_data("xps/kf_Pt4f.vms"))
    assert (platinum.region, len(platinum), platinum.scans) == ("Pt 4f", 281, 1)
    assert platinum.energy_ev[[0, -1]] == pytest.approx([62, 90])
    assert platinum.counts[-1] == 544.369
    assert platinum.transmission[-1] == 0.820997
    kratos = read_xps(shared_data("xps/lg4x_0-150W.vms"))
    assert [s.region for s in kratos] == ["", "Ni 2p", "O 1s", "C 1s", "W 4f"]
    assert [len(s) for s in kratos] == [1206, 601, 251, 301, 251]
    assert [s.scans for s in kratos] == [1, 1, 5, 10, 10]
    assert kratos[0].counts.max() == 6050
    others = read_xps(shared_data("xps/vamas_xps_eis.vms"))
    assert [len(s) for s in others] == [8201, 321, 941, 541]
    assert others[1].counts[-1] == pytest.approx(5 * others[1].rate[-1])


# --- other formats ------------------------------------------------------------------------


def test_a_text_table_is_read_whatever_its_decimals(tmp_path):
    s = example()
    rows = [f"{e:.2f};{n:.0f}" for e, n in zip(s.energy_ev[::-1], s.counts[::-1], strict=True)]
    plain, comma = tmp_path / "O1s.csv", tmp_path / "comma.csv"
    plain.write_text("Binding Energy (eV);Counts\n" + "\n".join(rows) + "\n")
    comma.write_text(plain.read_text().replace(".", ","))
    [one], [two] = read_xps(plain), read_xps(comma)
    assert one.counts.tolist() == s.counts.tolist() == two.counts.tolist()
    assert one.energy_ev == pytest.approx(s.energy_ev, abs=6e-3)
    assert one.region == two.region == "O 1s"
    assert "read decimal commas" in two.changes
    assert one.counted
    assert looks_like(plain, plain.read_bytes()) == "XPS table"


def test_a_text_of_kinetic_energies_needs_the_photon_energy(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Kinetic Energy/eV\tCPS\n" + "".join(f"{950 + k}\t{k}.5\n" for k in range(9)))
    with pytest.raises(InputError, match="no photon energy"):
        read_xps(path)
    [s] = read_xps(path, photon_energy=AL)
    assert s.energy_ev[-1] == pytest.approx(536.6)
    assert not s.counted


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["530.0 10", "530.1 11", "5302 12", "530.3 13", "530.4 12", "530.5 9"], "energies jump"),
        (["530.0 10", "530.1 11", "530.1 12", "530.3 13", "530.4 12", "530.5 9"], "energies jump"),
        ([f"{53000 + 10 * k} 10" for k in range(9)], "do not fit a photon energy"),
        ([f"{-530 + k} 10" for k in range(9)], "do not fit a photon energy"),
    ],
)
def test_an_energy_of_the_wrong_size_is_refused(tmp_path, rows, why):
    path = tmp_path / "a.txt"
    path.write_text("BE/eV Counts\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError, match=why):
        read_xps(path)


def test_a_count_of_the_wrong_size_is_said(tmp_path):
    e = np.arange(526, 537, 0.1)
    n = np.round(counts_of(e, [(531, 1.5, 9000)]))
    n[20] *= 10
    path = tmp_path / "a.txt"
    path.write_text(
        "BE/eV Counts\n" + "".join(f"{a:.1f} {b:.0f}\n" for a, b in zip(e, n, strict=True))
    )
    [s] = read_xps(path)
    assert any("counts at 528.00 eV stand apart" in said for said in s.changes)


def workbook(path, sheets):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def avantage(s, stated=None):
    n = len(s) if stated is None else stated
    rows = [["Axis", "Energy", "Elements=", n], [], ["Binding Energy (E)"]]
    rows.append(["eV", None, "Counts / s"])
    return rows + [[e, None, c] for e, c in zip(s.energy_ev[::-1], s.counts[::-1], strict=True)]


def test_an_avantage_export_is_read_and_its_length_checked(tmp_path):
    s = example()
    sheets = {"O1s Scan": avantage(s), "Titles": [["a", "b"]]}
    path = workbook(tmp_path / "a.xlsx", sheets)
    [again] = read_xps(path)
    assert again.energy_ev == pytest.approx(s.energy_ev)
    assert again.counts == pytest.approx(s.counts)
    assert (again.region, again.counted) == ("O 1s", False)
    assert looks_like(path, path.read_bytes()[:65536]) == "XPS workbook"
    with pytest.raises(InputError, match="states 44 channels and holds 40"):
        read_xps(workbook(tmp_path / "b.xlsx", {"O1s Scan": avantage(s, 44)}))
    with pytest.raises(InputError, match="no sheet with a column"):
        read_xps(workbook(tmp_path / "c.xlsx", {"x": [["a", 1], ["b", 2]]}))


def test_json_of_programs_is_read_with_its_background_and_shift(tmp_path):
    s = example()
    e, n = s.energy_ev[::-1].tolist(), s.counts[::-1].tolist()
    level = {"Name": "O1s", "B.E.": e, "Raw Data": n, "Background": {"Bkg X": e, "Bkg Y": n}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"Core levels": {"O1s": level}}))
    [kherve] = read_xps(path)
    assert kherve.background == pytest.approx(s.counts)
    tab = {"name": "O1s Scan", "rawBE": e, "rawIntensity": n, "ccShift": -4.7}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("tab.json", json.dumps(tab))
    [moved] = read_xps(tmp_path / "a.zip")
    assert moved.energy_ev == pytest.approx(s.energy_ev + 4.7)
    assert moved.region == "O 1s"
    path.write_text(json.dumps({"Core levels": {"O1s": {**level, "Raw Data": n[:-3]}}}))
    with pytest.raises(InputError, match="40 energies and 37 counts"):
        read_xps(path)
    path.write_text(json.dumps(tab)[:-40])
    with pytest.raises(InputError, match="not JSON"):
        read_xps(path)


def specs(s, values=None):
    head = ["# Created by: SpecsLab Prodigy", "#", "#   Energy Axis:  Binding Energy",
            "#   Count Rate:  Counts per Second", "# Region:  O1s",
            f"# Values/Curve: {len(s) if values is None else values}", "# Dwell Time:  0.5",
            "# Excitation Energy: 1486.6", "# Pass Energy: 20",
            "# ColumnLabels: energy counts/s"]  # fmt: skip
    rows = [f"{e:.4f}  {n:.6f}" for e, n in zip(s.energy_ev[::-1], s.counts[::-1], strict=True)]
    return "\n".join(head) + "\n" + "\n".join(rows) + "\n"


def test_scans_of_a_specs_file_are_summed(tmp_path):
    s = example()
    path = tmp_path / "a.xy"
    path.write_text(specs(s) + "\n# Cycle: 0, Scan: 1\n" + specs(s))
    [both] = read_xps(path)
    assert both.counts == pytest.approx(s.counts)  # two scans of half a second
    assert (both.scans, both.dwell) == (2, 0.5)
    path.write_text(specs(s, values=41))
    with pytest.raises(InputError, match="states 41 values and has 40"):
        read_xps(path)


def test_a_thermo_file_is_that_of_its_project():
    [binary] = read_xps(shared_data("xps/xpsapp_Cl2p_Scan.VGD"))
    project = read_xps(shared_data("xps/xpsapp_Cl2p_project.zip"))
    same = next(s for s in project if s.name == "Cl2p Scan")
    assert binary.counts == pytest.approx(same.counts, rel=1e-12)
    assert (binary.scans, binary.dwell) == (4, pytest.approx(0.05))
    assert binary.energy_ev[[0, -1]] == pytest.approx([190, 210], abs=1e-3)


def test_the_workbooks_of_one_sample_agree_with_each_other():
    thermo = read_xps(shared_data("xps/kf_Hard_carbon_Thermo.xlsx"))
    fitted = read_xps(shared_data("xps/kf_Hard_carbon.oracle_fit.xlsx"))
    assert [len(s) for s in thermo] == [2721, 151, 171, 191, 501] == [len(s) for s in fitted]
    for one, two in zip(thermo, fitted, strict=True):
        assert one.counts.tolist() == two.counts.tolist()
        assert one.energy == pytest.approx(two.energy, abs=1e-9 * EV)
    of_json = {s.name: s for s in read_xps(shared_data("xps/kf_LaSrTiO3.json"))}
    of_book = {s.name: s for s in read_xps(shared_data("xps/kf_LaSrTiO3.xlsx"))}
    assert set(of_json) == set(of_book)
    assert of_json["O1s"].counts.tolist() == of_book["O1s"].counts.tolist()


def test_what_is_missing_empty_or_something_else_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no file"):
        read_xps(tmp_path / "a.vms")
    (tmp_path / "a.vms").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        read_xps(tmp_path / "a.vms")
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(InputError, match="no XPS file that dualyte reads"):
        read_xps(tmp_path / "a.bin")
    for name in ("a.vgd", "a.xlsx", "a.zip", "a.json", "b.vms"):
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0 no such thing" * 40)
        with pytest.raises(InputError, match=name):
            read_xps(tmp_path / name)
    workbook(tmp_path / "c.xlsx", {"O1s Scan": avantage(example())})
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"dualyte\[files\]"):
        read_xps(tmp_path / "c.xlsx")


def test_only_files_of_xps_look_like_it(tmp_path):
    root = shared_data("xps").parent
    for path in (p for p in root.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            head = file.read(65536)
        assert (looks_like(path, head) is not None) == (path.parent.name == "xps"), path.name
    for head in (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe\x00", b"{"):
        assert looks_like(tmp_path / "none", head) is None
    assert looks_like(tmp_path / "none", b"\n" + SIGNATURE.encode()) == "VAMAS"


# --- lines and backgrounds ----------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@given(mixing=st.floats(0, 1), width=st.floats(0.4, 3))
def test_lines_have_unit_area_and_their_width(shape, mixing, width):
    half = SHAPES[shape](np.array([-width / 2, 0, width / 2]), 0.0, width, mixing)
    assert half[0] / half[1] == pytest.approx(0.5, abs=5e-4)
    assert half[0] == pytest.approx(half[2])
    x = np.linspace(-2000, 2000, 800_001) * width
    x = np.sinh(np.linspace(-14, 14, 20_001)) * width / 100
    assert np.trapezoid(SHAPES[shape](x, 0.0, width, mixing), x) == pytest.approx(1, abs=2e-4)


def test_shirley_recovers_its_own_background():
    e = np.linspace(190, 210, 401)
    peak = 5000 * pseudo_voigt(e, 200, 1.5, 0.0)
    for step in (0.2, 0.01, -0.02):
        truth = 800 + step * running_integral(e, peak)
        found = shirley_background(e, peak + truth, ends=1)
        assert np.abs(found - truth).max() < 1e-3 * abs(truth[-1] - truth[0])


def test_backgrounds_meet_the_means_of_the_ends():
    rng = np.random.default_rng(1)
    e = np.linspace(190, 210, 201)
    y = rng.poisson(counts_of(e, [(200, 1.5, 9000)])).astype(float)
    ends = y[:7].mean(), y[-7:].mean()
    for make in (shirley_background, linear_background, tougaard_background):
        found = make(e, y, ends=7)
        assert found[:7].mean() == pytest.approx(ends[0], rel=2e-2)
        assert found[-7:].mean() == pytest.approx(ends[1], rel=2e-2)
    assert linear_background(e, 3 * e, ends=7) == pytest.approx(3 * e)


def test_a_background_without_a_peak_is_refused():
    e = np.linspace(0, 10, 50)
    for make in (shirley_background, tougaard_background):
        with pytest.raises(InputError, match="no peak rises above the ends"):
            make(e, 100 - 10 * np.exp(-((e - 5) ** 2)))
    with pytest.raises(InputError, match="ends=30"):
        linear_background(e, e, ends=30)


# --- fits -----------------------------------------------------------------------------------

LINE = PeakModel(
    name="line", region="Cl 2p", window=(192 * EV, 208 * EV),
    peaks=(Peak(name="Cl", centre=198 * EV, play=1 * EV, splitting=1.6 * EV, ratio=0.5),),
)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("background", ["shirley", "linear"])
def test_a_spectrum_without_noise_gives_its_peaks_back(shape, background):
    e = np.linspace(192, 208, 161)
    step = 0.03 if background == "shirley" else 0.0
    y = counts_of(e, [(198.3, 1.4, 8000, 1.6, 0.5)], step=step, shape=shape)
    y = y + (3 * (e - 192) if background == "linear" else 0)
    fit = fit_peaks(spectrum_of(e, y), replace(LINE, shape=shape), background=background)
    assert fit.position[0] / EV == pytest.approx(198.3, abs=1e-5)
    assert fit.width[0] / EV == pytest.approx(1.4, abs=1e-4)
    assert fit.area[0] / EV == pytest.approx(8000, rel=1e-4)
    assert fit.mixing[0] == pytest.approx(0.3, abs=1e-3)
    top = SHAPES[shape](np.zeros(1), 0.0, 1.4, 0.3)[0] * 8000 / 1.5
    assert fit.height[0] == pytest.approx(top, rel=1e-3)
    assert fit.flags == ()


def test_errors_are_those_of_counting():
    """Over 60 draws, errors over their standard deviations scatter by 1."""
    rng = np.random.default_rng(3)
    e = np.linspace(194, 206, 121)
    areas = np.array([9000.0, 4000.0])
    truth = counts_of(e, [(198.8, 1.3, areas[0], 1.6, 0.5), (199.7, 1.3, areas[1], 1.6, 0.5)])
    pulls = []
    for _ in range(60):
        fit = fit_peaks(spectrum_of(e, rng.poisson(truth)), CL2P_OXYHALIDE)
        share = areas / areas.sum()
        pulls.append(
            [*(fit.area / EV - areas) / (fit.area_spread / EV),
             *(fit.share - share) / fit.share_spread,
             *(fit.position / EV - [198.8, 199.7]) / (fit.position_spread / EV)]
        )  # fmt: skip
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 3.2 / np.sqrt(60)
    assert pulls.std(axis=0).min() > 0.7
    assert pulls.std(axis=0).max() < 1.35


def test_a_rate_of_unknown_time_gives_the_same_errors_from_the_scatter():
    rng = np.random.default_rng(5)
    e = np.linspace(192, 208, 321)
    y = rng.poisson(counts_of(e, [(198.3, 1.4, 8000, 1.6, 0.5)])).astype(float)
    known = fit_peaks(spectrum_of(e, y), LINE)
    rate = fit_peaks(spectrum_of(e, y / 37, counted=False), LINE)
    assert rate.area[0] * 37 == pytest.approx(known.area[0], rel=5e-3)
    assert rate.area_spread[0] * 37 == pytest.approx(known.area_spread[0], rel=0.15)
    assert np.isnan(rate.chi2_reduced)
    assert known.chi2_reduced == pytest.approx(1, abs=0.25)


@settings(max_examples=8, deadline=None)
@given(by=st.floats(-0.5, 0.5), times=st.floats(0.2, 5))
def test_a_shift_moves_positions_and_a_factor_areas(by, times):
    e = np.linspace(192, 208, 161)
    y = counts_of(e, [(198.3, 1.4, 8000, 1.6, 0.5)])
    one = fit_peaks(spectrum_of(e, y), LINE)
    two = fit_peaks(spectrum_of(e, times * y).shifted(by * EV), LINE.moved(by * EV))
    assert (two.position - one.position)[0] / EV == pytest.approx(by, abs=1e-4)
    assert two.area[0] / one.area[0] == pytest.approx(times, rel=1e-3)


def test_a_peak_that_is_not_there_is_said_and_its_limit_holds():
    rng = np.random.default_rng(2)
    e = np.linspace(194, 206, 121)
    y = rng.poisson(counts_of(e, [(198.8, 1.3, 9000, 1.6, 0.5)]))
    fit = fit_peaks(spectrum_of(e, y), CL2P_OXYHALIDE)
    assert fit.share[1] < 3 * fit.share_spread[1]
    assert fit.seen == (True, False)
    assert any("oxidised is not seen" in flag for flag in fit.flags)
    assert fit.area_spread[1] > 0


def test_a_model_that_does_not_fit_says_so():
    e = np.linspace(194, 206, 121)
    y = counts_of(e, [(197.6, 1.3, 9e4, 1.6, 0.5)])
    fit = fit_peaks(spectrum_of(e, y), CL2P_OXYHALIDE)
    said = " ".join(fit.flags)
    assert "LNOC lies at the end of its range" in said
    assert "misses the counts" in said
    assert fit.at_end[0] == "LNOC"


def test_overlapping_areas_are_reported_as_tied():
    fit = fit_peaks(
        spectrum_of(
            e := np.arange(525.5, 536.6, 0.1),
            counts_of(e, [(528.9, 1.3, 3e4), (530.7, 1.6, 2e4), (531.6, 1.6, 3e4)]), region="O 1s",
        ),
        O1S_GARNET,
    )  # fmt: skip
    assert fit.correlation[1, 2] < -0.9
    assert any("LiOH and Li2CO3 are tied" in flag for flag in fit.flags)
    both = np.array([0, 1, 1])
    sum_spread = np.sqrt(both @ fit.area_covariance @ both)
    assert sum_spread < 0.5 * fit.area_spread[2]
    ratio, spread = fit.ratio("Li2CO3", "lattice")
    assert ratio == pytest.approx(1, rel=1e-2)
    assert spread > 0


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"background": "poly"}, "background='poly'; it is one of shirley"),
        ({"background": "stored"}, "stores no background"),
        ({"window": (190 * EV, 190.5 * EV)}, "has 0 channels between"),
        ({"window": (198 * EV, 198.6 * EV)}, "too few for 6 parameters"),
        ({"ends": 900}, "ends=900"),
    ],
)
def test_a_fit_that_cannot_be_made_is_refused(how, why):
    e = np.linspace(192, 208, 161)
    with pytest.raises(InputError, match=why):
        fit_peaks(spectrum_of(e, counts_of(e, [(198.3, 1.4, 8000, 1.6, 0.5)])), LINE, **how)


def test_models_are_checked_and_found():
    assert model_for("o1s-garnet", "") is O1S_GARNET
    assert model_for(None, "Fe 2p") is None
    with pytest.raises(InputError, match="known are o1s-garnet, cl2p-oxyhalide, c1s-carbon, line"):
        model_for("o1s", "")
    with pytest.raises(InputError, match="its own name"):
        replace(LINE, peaks=LINE.peaks * 2)
    with pytest.raises(InputError, match="none of the peaks before it"):
        replace(LINE, peaks=(replace(LINE.peaks[0], width_of="x"),))
    with pytest.raises(InputError, match="ratio"):
        Peak(name="a", centre=200 * EV, ratio=2.0)


def test_the_built_in_models_hold_what_the_study_says():
    assert [p.centre / EV for p in O1S_GARNET.peaks] == pytest.approx([528.9, 530.7, 531.6])
    assert [p.centre / EV for p in CL2P_OXYHALIDE.peaks] == pytest.approx([198.8, 199.7])
    assert [p.splitting / EV for p in CL2P_OXYHALIDE.peaks] == pytest.approx([1.6, 1.6])
    assert {p.ratio for p in CL2P_OXYHALIDE.peaks} == {0.5}
    assert "phosphate (531.5 eV) cannot be told apart" in O1S_GARNET.notes[0]


# --- oracles --------------------------------------------------------------------------------


def test_an_oxygen_spectrum_gives_the_fit_that_kherve_fitting_stored():
    """Stored background, equal weights, a Voigt line with a share of its own for each peak."""
    spectrum = next(s for s in read_xps(shared_data("xps/kf_LaSrTiO3.json")) if s.name == "O1s")
    centres = (("lattice", 529.9), ("hydroxide", 530.7), ("carbonate", 532.3))
    model = PeakModel(
        name="titanate", region="O 1s", shape="voigt", one_mixing=False, mixing=(0.01, 0.8),
        window=(525 * EV, 545.2 * EV), width=(0.3 * EV, 1.5 * EV, 3.5 * EV),
        peaks=tuple(Peak(name=n, centre=c * EV, play=0.6 * EV) for n, c in centres),
    )  # fmt: skip
    fit = fit_peaks(spectrum, model, background="stored", weights="equal")
    assert fit.position / EV == pytest.approx([529.93, 530.56, 532.32], abs=0.02)
    assert fit.width / EV == pytest.approx([1.21, 1.58, 1.91], abs=0.03)
    assert fit.area / EV == pytest.approx([11455, 12191, 7372], rel=0.025)
    assert fit.area.sum() / EV == pytest.approx(31018, rel=0.002)
    assert (np.abs(fit.area / EV - [11455, 12191, 7372]) < fit.area_spread / EV).all()
    theirs = spectrum.background + sum(
        a * voigt(spectrum.energy_ev, c, w, m)
        for c, w, m, a in [(529.93, 1.21, 0.2435, 11455), (530.56, 1.58, 0.0201, 12191),
                           (532.32, 1.91, 0.0202, 7372)]
    )  # fmt: skip
    ours = np.sum((spectrum.counts - fit.fitted) ** 2)
    assert ours < np.sum((spectrum.counts - theirs) ** 2)


CHLORIDE = PeakModel(
    name="chloride", region="Cl 2p", window=(193 * EV, 206 * EV),
    peaks=(Peak(name="Cl", centre=197.9 * EV, play=1 * EV, splitting=1.6 * EV, ratio=0.5),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "position", "width", "height"),
    [("", 197.870, 1.742, 5743), ("_0", 197.802, 1.789, 5304)],
)
def test_a_chloride_doublet_with_a_fixed_shirley_background(name, position, width, height):
    [spectrum] = read_xps(shared_data(f"xps/xpsapp_Cl2p_Scan{name}.VGD"))
    fit = fit_peaks(spectrum, CHLORIDE, background="shirley-fixed")
    assert fit.position[0] / EV == pytest.approx(position, abs=0.01)
    assert fit.width[0] / EV == pytest.approx(width, abs=0.01)
    assert fit.height[0] == pytest.approx(height, rel=0.01)
    assert fit.chi2_reduced > 4  # one doublet is not enough: a tail at high energy remains
    assert any("misses the counts" in flag for flag in fit.flags)


@pytest.mark.parametrize(
    ("name", "position", "width", "height"),
    [("Cl2p Scan", 197.917, 1.649, 5822.9), ("Cl2p Scan_0", 197.830, 1.672, 5390.9)],
)
def test_a_chloride_doublet_is_that_of_an_expert(name, position, width, height):
    """On the project's energies; the expert took another background, without the tail."""
    project = read_xps(shared_data("xps/xpsapp_Cl2p_project.zip"))
    spectrum = next(s for s in project if s.name == name)
    window = (190.1 * EV, 202.1 * EV)
    fit = fit_peaks(spectrum, CHLORIDE, background="shirley-fixed", window=window)
    assert fit.position[0] / EV == pytest.approx(position, abs=0.035)
    assert fit.width[0] / EV == pytest.approx(width, abs=0.03)
    assert fit.height[0] == pytest.approx(height, rel=0.01)


def test_graphite_lies_where_an_expert_put_it():
    project = read_xps(shared_data("xps/xpsapp_Cl2p_project.zip"))
    for spectrum in (s for s in project if s.region == "C 1s"):
        assert main_line(spectrum)[0] / EV == pytest.approx(284.5, abs=0.025)


def test_sodium_and_oxygen_of_hard_carbon_lie_where_avantage_put_them():
    spectra = {s.region: s for s in read_xps(shared_data("xps/kf_Hard_carbon_Thermo.xlsx"))}
    assert main_line(spectra["Na 1s"])[0] / EV == pytest.approx(1071.88, abs=0.06)
    peaks = (
        Peak(name="O", centre=532 * EV, play=1 * EV),
        Peak(name="Na KLL", centre=535 * EV, play=1.5 * EV),
    )
    model = PeakModel(
        name="carbon", region="O 1s", peaks=peaks, window=(525 * EV, 539.5 * EV),
        width=(0.6 * EV, 1.6 * EV, 4 * EV), one_mixing=False,
    )  # fmt: skip
    fit = fit_peaks(spectra["O 1s"], model)
    assert fit.position[0] / EV == pytest.approx(532.28, abs=0.06)


# --- charge reference -----------------------------------------------------------------------


def test_references_are_read_or_refused():
    assert reference_of("C 1s at 284.8 eV").energy == pytest.approx(284.8 * EV)
    assert reference_of("C1s 284.8 eV").region == "C 1s"
    assert reference_of("-4.7 eV").energy == pytest.approx(-4.7 * EV)
    assert reference_of("LNOC 198.8 eV").region == "Cl 2p"
    for text, why in (("carbon", "is no charge reference"), ("C 1s 284.8", "no charge reference"),
                      ("shift -470 eV", "at most 30 eV"), ("C 1s 284.8 nm", "wrong unit"),
                      ("C 1s 284,8 eV", "no charge reference|comma")):  # fmt: skip
        with pytest.raises(InputError, match=why):
            reference_of(text)


@settings(max_examples=10, deadline=None)
@given(by=st.floats(-8, 8))
def test_the_main_line_is_found_wherever_charge_puts_it(by):
    e = np.arange(270, 305, 0.1)
    at = 284.8 + by
    y = counts_of(e, [(at, 1.2, 9000), (at + 1.5, 1.2, 2000), (at + 4.6, 1.2, 1500)])
    place, spread = main_line(spectrum_of(e, y, region="C 1s"))
    assert place / EV == pytest.approx(at, abs=5e-3)
    assert 0 < spread / EV < 0.02


def test_a_reference_without_its_region_is_refused(tmp_path):
    path = vamas(tmp_path, spectra=[example()])
    with pytest.raises(InputError, match=r"no spectrum of C 1s .*regions: O 1s"):
        measure_xps([path], reference="C 1s 284.8 eV")
    noise = np.random.default_rng(1).poisson(100, 151)
    flat = spectrum_of(np.linspace(280, 295, 151), noise, region="C 1s")
    with pytest.raises(InputError, match="no line of C 1s stands above the noise"):
        main_line(flat)


# --- thickness ------------------------------------------------------------------------------


@given(d=st.floats(0.05, 2.9), angle=st.floats(0, 1.4), balance=st.floats(0.3, 3))
def test_a_thickness_is_recovered_from_its_signals(d, angle, balance):
    seen = np.exp(-d / np.cos(angle))
    ratio = (1 - seen) / (balance * seen)
    found = overlayer_thickness(ratio, length=1.0, balance=balance, angle=angle)
    assert float(found) == pytest.approx(d, rel=1e-9)


def test_mean_free_paths_are_those_of_the_formula():
    """Silicon at 1 keV: 2.4 nm with a plasmon energy of 16.6 eV; they grow as E^0.75 or so."""
    si = {"density": 2330.0, "molar_mass": 0.028085, "valence": 4, "band_gap": 1.1 * EV}
    at = imfp_tpp2m(np.array([500.0, 1000.0, 2000.0]) * EV, **si)
    assert at[1] == pytest.approx(2.4e-9, rel=0.03)
    assert np.diff(np.log(at)) / np.log(2) == pytest.approx([0.77, 0.79], abs=0.04)
    with pytest.raises(ValidityError, match="50 eV"):
        imfp_tpp2m(10 * EV, **si)


def oxygen_fit(areas, seed=1, angle=0.0):
    rng = np.random.default_rng(seed)
    e = np.arange(525.5, 536.6, 0.1)
    lines = zip((528.9, 530.7, 531.6), (1.3, 1.6, 1.6), areas, strict=True)
    y = rng.poisson(counts_of(e, list(lines), base=1500))
    return fit_peaks(spectrum_of(e, y, region="O 1s", angle=angle), O1S_GARNET)


def test_a_film_that_hides_the_garnet_has_a_lower_limit_of_thickness():
    film = film_thickness(oxygen_fit((0.0, 5e3, 6e4)))
    assert film.limit == "at least"
    assert 6e-9 < film.value.si <= 3 * 2.9e-9
    thick = film_thickness(oxygen_fit((900.0, 5e3, 6e4)))
    assert thick.limit in ("", "at least")
    assert "an even film" in film.assumptions[0]


def test_a_clean_garnet_has_an_upper_limit_of_thickness():
    film = film_thickness(oxygen_fit((6e4, 0.0, 0.0)))
    assert film.limit == "at most"
    assert film.value.si < 0.3e-9


def test_a_tilted_sample_shows_a_thinner_film_for_the_same_signals():
    fit = oxygen_fit((2e4, 5e3, 4e4), angle=np.deg2rad(60))
    tilted, upright = film_thickness(fit), film_thickness(fit, angle=0.0)
    assert tilted.value.si == pytest.approx(upright.value.si / 2, rel=1e-6)
    assert tilted.value.kind == "computed"
    assert 0.1 < tilted.value.spread / tilted.value.si < 0.25


def test_no_thickness_comes_of_peaks_that_may_be_something_else():
    e = np.arange(525.5, 536.6, 0.1)
    y = counts_of(e, [(528.2, 1.3, 3e4), (532.4, 1.6, 3e4)])
    fit = fit_peaks(spectrum_of(e, y, region="O 1s"), O1S_GARNET)
    assert film_thickness(fit) is None
    line = fit_peaks(spectrum_of(e - 333, y), replace(LINE, window=(193 * EV, 203 * EV)))
    assert film_thickness(line) is None


# --- measure_xps ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("xps")
    truth = write(folder, seed=0)
    paths = sorted(folder.glob("*.vms"))
    return folder, truth, measure_xps(paths, **OPTIONS)


def test_the_examples_give_their_truth(made):
    folder, truth, found = made
    for name, (quantity, si) in truth.items():
        value = found[name]
        assert value.quantity == quantity
        assert abs(value.si - si) < 3 * value.spread, name
        assert value.si == pytest.approx(si, rel=0.08), name
    assert found.kind == "xps"
    assert all(path.stat().st_size < 50_000 for path in folder.iterdir())
    assert found["film_thickness"].si == pytest.approx(THICKNESS, rel=0.03)


def test_what_was_done_is_said(made):
    _, _, found = made
    assert any("cannot be told apart" in said for said in found.warnings)
    assert any("inelastic mean free paths" in said for said in found.warnings)
    assert any("moved by -1.30" in said for said in found.changed)
    assert len(found.table) == 5
    assert {row["peak"] for row in found.table} == {
        "lattice", "LiOH", "Li2CO3", "LNOC", "oxidised"
    }  # fmt: skip
    assert "o1s_lattice_position: 528.9 eV" in str(found)


def test_figures_show_every_fit_with_energy_rising_to_the_left(made, tmp_path):
    figures = xps_figures(made[2])
    assert [figure.name for figure in figures] == ["xps_cl2p", "xps_o1s"]
    for figure in figures:
        spectrum, residuals = figure.panels
        assert spectrum.x_limits[0] > spectrum.x_limits[1]
        assert residuals.x_limits == spectrum.x_limits
        assert any(series.name.startswith("measured") for series in spectrum.series)
    draw(figures[1], tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    with pytest.raises(InputError, match="not of xps"):
        xps_figures(replace(made[2], detail=None))


def test_replicates_are_combined_and_a_bad_file_costs_only_itself(made, tmp_path):
    folder, _, one = made
    write(tmp_path, seed=5)
    (tmp_path / "bad.vms").write_text(SIGNATURE + "\n")
    paths = [folder / "garnet.vms", tmp_path / "garnet.vms", tmp_path / "bad.vms"]
    both = measure_xps(paths)
    assert both.files == ("garnet.vms", "garnet.vms")
    assert [failure.file for failure in both.failures] == ["bad.vms"]
    assert any("taken for replicates" in said for said in both.warnings)
    name = "o1s_lattice_share"
    assert both[name].si == pytest.approx(one[name].si, abs=4 * one[name].spread)
    assert both[name].spread > 0
    with pytest.raises(InputError, match=r"bad\.vms"):
        measure_xps(paths, raise_errors=True)


def test_options_choose_regions_windows_and_models(made):
    folder = made[0]
    path = [folder / "garnet.vms"]
    carbon = measure_xps(path, regions="C 1s")
    assert "c1s_cc_position" in carbon.results
    assert carbon["c1s_cc_position"].si == pytest.approx(q("284.8 eV"), abs=0.02 * EV)
    own = measure_xps(
        path, model=replace(O1S_GARNET, name="mine"), low=q("526 eV"), high=q("535 eV")
    )
    assert own["o1s_lattice_position"].si == pytest.approx(q("528.9 eV"), abs=0.03 * EV)
    assert own.detail.fits[0].spectrum.energy_ev[0] >= 526
    moved = measure_xps(path, reference="shift -1.3 eV", background="shirley-fixed")
    assert moved["o1s_lattice_position"].si == pytest.approx(q("528.9 eV"), abs=0.03 * EV)
    by_line = measure_xps(path, reference="Li2CO3 531.6 eV")
    assert by_line["o1s_lattice_position"].si == pytest.approx(q("528.9 eV"), abs=0.3 * EV)
    for how, why in (
        ({"regions": "x"}, "write core levels"), ({"model": "x"}, "no peak model"),
        ({"reference": "x"}, "no charge reference"), ({"angle": 2.0}, "between 0 and 90 deg"),
        ({"low": 530.0}, "q\\(\"530 eV\"\\)"),
        ({"regions": "Fe 2p"}, "no spectrum of Fe 2p .*other regions"),
        ({"low": 535 * EV, "high": 530 * EV}, "is not below"),
        ({"model": "cl2p-oxyhalide"}, "no spectrum of Cl 2p .*another model"),
        ({"low": 531 * EV}, "leave .* where lattice at 528.9 eV is not"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=why):
            measure_xps(path, **how)


def test_a_region_without_a_model_gives_its_strongest_line(tmp_path):
    e = np.arange(65, 85, 0.1)
    y = np.round(counts_of(e, [(71.2, 1.1, 9e4, 3.33, 0.75)]))
    path = vamas(tmp_path, spectra=[spectrum_of(e, y, region="Pt 4f")])
    found = measure_xps([path])
    assert found["pt4f_line_position"].si / EV == pytest.approx(71.2, abs=0.01)
    assert any("no model for Pt 4f: only the strongest line" in said for said in found.warnings)
    platinum = measure_xps([shared_data("xps/kf_Pt4f.vms")])
    assert platinum["pt4f_line_position"].si / EV == pytest.approx(71.1, abs=0.3)


def test_windows_without_a_name_have_a_line_each_if_asked(tmp_path):
    """A refusal says how, and lines of two windows are not taken for replicates."""
    windows = [
        spectrum_of(e, np.round(counts_of(e, [(place, 1.2, 9e4)])), region="")
        for place in (231.2, 259.7)
        for e in [np.arange(place - 8, place + 8, 0.1)]
    ]
    path = vamas(tmp_path, spectra=windows)
    with pytest.raises(InputError, match='give model="line" for the strongest line of each'):
        measure_xps([path])
    found = measure_xps([path], model="line")
    assert found["231ev_line_position"].si / EV == pytest.approx(231.2, abs=0.01)
    assert found["260ev_line_position"].si / EV == pytest.approx(259.7, abs=0.01)


def test_a_survey_is_too_coarse_for_a_line(tmp_path):
    e = np.arange(0.0, 300.0, 1.0)
    y = np.round(counts_of(e, [(231.2, 2.0, 9e4)]))
    path = vamas(tmp_path, spectra=[spectrum_of(e, y, region="")])
    with pytest.raises(InputError, match="steps of 1 eV are too coarse"):
        measure_xps([path], model="line")


@pytest.mark.parametrize("rise", [0.0, 500.0])
def test_a_slope_without_a_peak_is_no_peak(rise, tmp_path):
    """The background cannot hang on peaks of no area with errors of no size."""
    e = np.arange(270.0, 300.0, 0.1)
    y = np.random.default_rng(3).poisson(2000 + rise * (e - e[0]) / 30)
    fit = fit_peaks(spectrum_of(e, y, region="C 1s"), C1S_CARBON)
    assert not any(fit.seen)
    assert np.all(fit.area_spread / EV > 5)  # a count or two in each of some channels
    assert np.all(fit.area < 3 * fit.area_spread)
    found = measure_xps([vamas(tmp_path, spectra=[spectrum_of(e, y, region="C 1s")])])
    assert "c1s_cc_area" in found.results
    assert not [name for name in found.results if name.endswith(("_share", "_position"))]
    drawn = xps_figures(found)[0].panels[0].series
    assert not any("%" in line.name for line in drawn)


def test_a_held_position_has_no_error_and_not_none(made):
    e = np.arange(525, 537, 0.1)
    y = np.round(counts_of(e, [(528.9, 1.3, 5e4)]))
    fit = fit_peaks(spectrum_of(e, y), O1S_GARNET)
    assert np.isfinite(fit.position_spread[0])
    assert np.isnan(fit.position_spread[fit.index("LiOH")])
    assert "LiOH: 530.7 eV (held)" in str(fit)


def test_a_model_taken_by_region_is_said(made):
    path = [made[0] / "garnet.vms"]
    said = "took the model o1s-garnet for O 1s"
    assert any(said in line for line in measure_xps(path).warnings)
    assert not any(said in line for line in measure_xps(path, model="o1s-garnet").warnings)


def test_replicates_are_no_surer_than_scatter_and_each_alone(made, tmp_path):
    """Two equal files share their noise and their charge reference: their mean is no surer."""
    for name in ("garnet.vms", "dualyte.toml"):
        (tmp_path / name).write_bytes((made[0] / name).read_bytes())
    (tmp_path / "again.vms").write_bytes((made[0] / "garnet.vms").read_bytes())
    alone = measure_xps([tmp_path / "garnet.vms"])["o1s_lattice_position"].spread
    both = measure_xps([tmp_path / "garnet.vms", tmp_path / "again.vms"])
    assert both["o1s_lattice_position"].spread == pytest.approx(alone, rel=1e-6)


def test_less_than_an_atom_of_film_is_an_upper_limit():
    e = np.arange(525, 537, 0.02)
    y = np.round(1e4 * counts_of(e, [(528.9, 1.3, 5e4), (531.6, 1.3, 5e2)], step=0.0))
    film = film_thickness(fit_peaks(spectrum_of(e, y), O1S_GARNET))
    assert film is not None
    assert film.limit == "at most"
    assert film.value.si == 1e-10
    assert any("less than an atom" in line for line in film.assumptions)


def test_a_sidecar_gives_photon_energy_and_reference(tmp_path):
    write(tmp_path)
    path = tmp_path / "cycled.vms"
    path.write_text(path.read_text().replace("1486.600000", "1E+37"))
    with pytest.raises(InputError, match="no photon energy"):
        measure_xps([path])
    (tmp_path / "cycled.toml").write_text('photon_energy = "1486.6 eV"\n')
    found = measure_xps([path])
    assert found["cl2p_lnoc_position"].si == pytest.approx(q("198.8 eV"), abs=0.03 * EV)


def test_real_files_are_evaluated_with_their_misfits_said():
    paths = [shared_data("xps/lg4x_0-150W.vms")]
    found = measure_xps(paths, reference="C 1s 284.8 eV")
    assert "film_thickness" not in found.results  # no garnet: a peak lies at the end of its range
    assert any("lies at the end of its range" in said for said in found.warnings)
    carbon = measure_xps(paths, reference="C 1s 284.8 eV", model="c1s-carbon")
    assert carbon["c1s_cc_position"].si / EV == pytest.approx(284.8, abs=1e-3)
    assert C1S_CARBON.region == carbon.detail.fits[0].model.region
