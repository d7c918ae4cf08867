"""The command line: what it prints, writes and refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dualyte.cli import main

TOPOGRAPHY = Path(__file__).parent / "data" / "topography"
SMALL = ["--seeds", "2", "--draws", "50", "--pixels", "64", "--cutoff", "1 um"]
KEYS = {
    "soft", "hard", "route", "treatment", "stack_MPa", "temperature_C", "contact_fraction",
    "r_he_ohm_cm2", "r_he_interval_90", "c_he_uF_cm2", "mechanisms", "length_ratio", "flags",
    "sources",
}  # fmt: skip


def run(*words):
    """Exit code of a command."""
    try:
        main(list(words))
    except SystemExit as stop:
        return stop.code or 0
    return 0


def refusal(capsys, *words):
    """The one line a refused command prints."""
    assert run(*words) == 2
    told = capsys.readouterr().err.strip().splitlines()
    sentence = told[-1]
    assert sentence.startswith("dualyte: ")
    assert sum(line.startswith("dualyte: ") for line in told) == 1
    assert "Traceback" not in "".join(told)
    return sentence


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", [["predict"], ["predict", "interface"]])
def test_json_holds_one_object_per_stack_pressure(verb, here, capsys):
    stacks = ["--stack", "55 MPa", "--stack", "3 MPa"]
    assert run(*verb, *SMALL, *stacks, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["interface"]
    assert [row["stack_MPa"] for row in rows] == [55, 3]
    for row in rows:
        assert row.keys() >= KEYS
        assert row["mechanisms"].keys() == {"constriction", "film", "transfer"}
        assert sum(row["mechanisms"].values()) == pytest.approx(row["r_he_ohm_cm2"], rel=1e-4)
        low, high = row["r_he_interval_90"]
        assert low < row["r_he_ohm_cm2"] < high
        assert "calibrated" in row["sources"]["paper2026"]
    assert list(here.iterdir()) == []


def test_json_holds_a_spectrum_per_stack_pressure_and_whose_it_is(here, capsys):
    words = ["--stack", "55 MPa", "--stack", "3 MPa", "--hard-thickness", "0.8 mm", "--json"]
    assert run("predict", *SMALL, *words) == 0
    found = json.loads(capsys.readouterr().out)
    rows = found["impedance"]
    assert [row["stack_MPa"] for row in rows] == [55, 3]
    for row in rows:
        z = np.array(row["re"]) + 1j * np.array(row["im"])
        assert len(row["frequency"]) == len(z) == 69
        assert row["frequency"][0] > row["frequency"][-1]
        assert (z.real > 0).all()
        assert (z.imag < 0).all()
        assert row["units"] == {"frequency": "Hz", "re": "ohm cm2", "im": "ohm cm2"}
        assert (row["interfaces"], row["cell"]) == (2, "LNOC | LLZTO | LNOC")
        assert row["convention"].startswith("per cell")
    high, low = (row["parameters"] for row in rows)
    assert high["R_gb"] == low["R_gb"]
    assert high["R_he"]["value"] < low["R_he"]["value"]


def test_the_impedance_of_one_interface_ends_at_its_resistance(here, capsys):
    words = ["--stack", "55 MPa", "--cell", "interface", "--reading", "C", "--json"]
    assert run("predict", *SMALL, *words) == 0
    found = json.loads(capsys.readouterr().out)
    row = found["impedance"][0]
    assert row["re"][-1] == pytest.approx(found["interface"][0]["r_he_ohm_cm2"], rel=0.2)
    assert row["interfaces"] == 1
    assert row["convention"].startswith("per interface")


def test_measured_files_are_drawn_over_the_prediction(here, capsys):
    """A prediction's own spectrum, written as a table and read back."""
    words = ["predict", *SMALL, "--stack", "55 MPa"]
    assert run(*words, "--out", "found") == 0
    row = json.loads((here / "found" / "impedance.json").read_text(encoding="utf-8"))
    row = row["impedance"][0]
    table = zip(row["frequency"], row["re"], row["im"], strict=True)
    text = "\n".join(",".join(f"{x:.6e}" for x in line) for line in table)
    (here / "cell_25C_55MPa.csv").write_text(f"Frequency/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n{text}\n")
    plain = (here / "found" / "impedance_nyquist.png").read_bytes()
    over = ["--measured", "cell_25C_55MPa.csv", "--area", "1 cm2", "--out", "found"]
    assert run(*words, *over) == 0
    assert (here / "found" / "impedance_nyquist.png").read_bytes() != plain
    assert "no electrode area" in refusal(capsys, *words, "--measured", "cell_25C_55MPa.csv")


def test_a_prediction_writes_summary_figures_data_and_provenance(here, capsys):
    assert run("predict", *SMALL, "--stack", "55 MPa", "--stack", "3 MPa", "--out", "found") == 0
    folder = here / "found"
    names = {p.name for p in folder.iterdir()}
    figures = {"contact_map", "contact_fraction", "resistance", "resistance_budget"}
    assert {f"{name}.png" for name in figures} | {f"{name}.pdf" for name in figures} <= names
    assert {"summary.txt", "interface.json", "interface.csv", "interface.nc"} <= names
    spectra = {"impedance.json", "impedance.csv", "impedance.nc", "impedance_nyquist.png"}
    assert spectra | {"impedance_bode.pdf"} <= names
    with (folder / "impedance.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 69
    assert {line["interfaces"] for line in lines} == {"2"}
    assert "per cell: two interfaces" in (folder / "summary.txt").read_text(encoding="utf-8")
    with (folder / "interface.csv").open(encoding="utf-8") as file:
        assert [float(row["stack_MPa"]) for row in csv.DictReader(file)] == [55, 3]
    told = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert told["faces"] == [1, 2]
    assert "assumed, dualyte_prior" in told["inputs"]["youngs_modulus"]
    assert (folder / "references.bib").read_text(encoding="utf-8").startswith("@")
    assert "R_HE" in capsys.readouterr().out


def test_saved_data_open_again_with_units(here):
    xr = pytest.importorskip("xarray")
    assert run("predict", *SMALL, "--stack", "55 MPa", "--out", "found") == 0
    with xr.open_dataset(here / "found" / "interface.nc", engine="h5netcdf") as data:
        assert data["r_he"].attrs["units"] == "ohm m2"
        assert data["r_he"].shape == (100, 1)


@pytest.mark.slow
def test_without_a_folder_named_none_is_overwritten(here):
    for _ in range(2):
        assert run("predict", *SMALL, "--stack", "55 MPa") == 0
    assert run("predict", *SMALL, "--stack", "7 MPa") == 0
    assert {p.name for p in here.iterdir()} == {"dualyte-interface", "dualyte-interface-2"}


def test_finished_faces_are_not_pressed_again(here, capsys):
    words = ["predict", *SMALL, "--stack", "55 MPa", "--out", "found"]
    assert run(*words) == 0
    kept = {p: p.stat().st_mtime_ns for p in (here / "found" / "samples").iterdir()}
    first = (here / "found" / "interface.json").read_text(encoding="utf-8")
    assert run(*words) == 0
    assert kept == {p: p.stat().st_mtime_ns for p in (here / "found" / "samples").iterdir()}
    assert first == (here / "found" / "interface.json").read_text(encoding="utf-8")


def test_a_damaged_sample_is_pressed_again(here):
    words = ["predict", *SMALL, "--stack", "55 MPa", "--out", "found"]
    assert run(*words) == 0
    first = (here / "found" / "interface.json").read_text(encoding="utf-8")
    next((here / "found" / "samples").iterdir()).write_bytes(b"cut short")
    assert run(*words) == 0
    assert first == (here / "found" / "interface.json").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is delivered differently there")
def test_ctrl_c_leaves_what_was_finished_and_the_same_command_continues(tmp_path):
    out = tmp_path / "found"
    # a shell may start tests with Ctrl-C ignored, which children inherit
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    words = [sys.executable, "-c", f"{heed}from dualyte.cli import main; main()", "predict"]
    words += ["--seeds", "40", "--stack", "55 MPa", "--workers", "1", "--out", str(out)]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and len(list(out.glob("samples/*[0-9].npz"))) < 2:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "the same command continues" in err
    told = json.loads((out / "interface.json").read_text(encoding="utf-8"))["interface"][0]
    assert 2 <= told["seeds"] < 40
    assert any("interrupted" in flag for flag in told["flags"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--stack", "55"], "pressure '55' has no unit; write it with one, such as '55 MPa'"),
        (["--stack", "3 s"], "wrong unit"),
        (["--stack", "-3 MPa"], "Check its sign"),
        (["--stack", "nan MPa"], "not a finite number"),
        (["--press", "500 MPa"], "above the validity range"),
        (["--dwell", "-3 min"], "dwell=-180 s"),
        (["--soft", "LNCO"], "did you mean 'LNOC'?"),
        (["--soft", "mine.toml"], "no file 'mine.toml'"),
        (["--treatment", "polishd"], "did you mean 'polished'?"),
        (["--route", "sideways"], "powder-to-pellet, pellet-to-pellet"),
        (["--stack", "200 MPa"], "exceeds the fabrication pressure"),
        (["--temperature", "400 degC"], "is outside"),
        (["--seeds", "0"], "--seeds is 0"),
        (["--pixels", "64"], "--cutoff"),
        (["--seeds", "many"], "--seeds"),
        (["--film-removal", "2"], "a fraction from 0 to 1"),
        (["--sq", "130 nm", "--grit", "P400"], "keep one"),
        (["--grit", "P80"], "known: P400, P1000, P4000"),
        (["--surface", "missing.x3p"], "no file 'missing.x3p'"),
        (["--surface", "a.x3p", "--sq", "1 nm"], "leave out --sq"),
        (["--cell", "coin"], "--cell is 'coin'; it is one of symmetric, interface"),
        (["--reading", "R"], "--reading is 'R'; it is one of Q, C"),
        (["--hard-thickness", "0.8"], "write it with one, such as '0.8 um'"),
        (["--soft-thickness", "-1 um"], "Check its sign"),
        (["--measured", "missing.mpr"], "no file 'missing.mpr'"),
        (["--area", "1 cm2"], "--area belongs to measured files"),
        (["--seedz", "3"], "Unknown option"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_bad_input_is_one_sentence_and_exit_code_2(words, says, here, capsys):
    assert says in refusal(capsys, "predict", *words)
    assert list(here.iterdir()) == []


def test_broken_topography_is_one_sentence(here, capsys):
    (here / "empty.x3p").write_bytes(b"")
    whole = (TOPOGRAPHY / "st_x3p-2.x3p").read_bytes()
    (here / "cut.x3p").write_bytes(whole[:20000])
    np.save(here / "nan.npy", np.full((16, 16), np.nan))
    assert "empty.x3p is empty" in refusal(capsys, "predict", "--surface", "empty.x3p")
    assert "cut.x3p" in refusal(capsys, "predict", "--surface", "cut.x3p")
    words = ["--surface", "nan.npy", "--unit", "nm", "--size", "90 um"]
    assert "256 of 256 points" in refusal(capsys, "predict", *words)
    line = str(TOPOGRAPHY / "st_opdx-3.opdx")
    assert "line scan" in refusal(capsys, "predict", "--surface", line)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("st_x3p-2.x3p", "so that it repeats"),
        ("st_nms-1.nms", "NanoFocus files are read 10⁶ too wide"),
        ("st_frt-1.frt", "filled 76956 of 250000 points"),
        ("st_tmd-1.tmd", "as mm, as TrueMap files are written"),
    ],
)
def test_real_topographies_are_predicted_and_say_what_was_changed(file, says, here, capsys):
    words = ["--surface", str(TOPOGRAPHY / file), "--stack", "3 MPa", "--seeds", "1"]
    assert run("predict", *words, "--pixels", "64", "--json") == 0
    row = json.loads(capsys.readouterr().out)["interface"][0]
    assert 0 < row["contact_fraction"] < 1
    assert any(says in flag for flag in row["flags"])


def test_a_material_of_your_own_is_predicted(here, capsys):
    (here / "mine.toml").write_text(
        'base = "LNOC"\nname = "mine"\n[[hardness]]\nvalue = 0.2\nunit = "GPa"\n'
        'kind = "measured"\nsource = "me"\nwhere = "notebook 7"\n'
    )
    assert run("predict", "--soft", "mine.toml", *SMALL, "--stack", "3 MPa", "--json") == 0
    row = json.loads(capsys.readouterr().out)["interface"][0]
    assert row["soft"] == "mine"
    assert row["sources"]["me"] == ["measured"]


def test_materials_are_listed_and_shown_with_sources(capsys):
    assert run("materials") == 0
    assert "LiNbOCl4" in capsys.readouterr().out
    assert run("materials", "LNOC") == 0
    assert "hardness: 0.42 GPa" in (told := capsys.readouterr().out)
    assert "measured, paper2026" in told
    assert run("materials", "LNOC", "--json") == 0
    assert json.loads(capsys.readouterr().out)["LNOC"]["properties"]["hardness"]["si"] == 4.2e8
    assert "did you mean 'LNOC'" in refusal(capsys, "materials", "LNCO")


def test_the_same_seed_prints_the_same_numbers(here, capsys):
    words = ["predict", *SMALL, "--stack", "3 MPa", "--json"]
    told = []
    for _ in range(2):
        assert run(*words, "--workers", str(1 + len(told))) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
