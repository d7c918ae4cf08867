"""`dualyte measure` on the command line: what it prints, writes, remembers and refuses."""

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bilayer_cells import CIRCUIT, bilayer, noisy, series

from dualyte.circuit import parse
from dualyte.cli import main
from dualyte.measure.arrhenius.table import read_points

HERE = Path(__file__).parent / "data" / "eis"
PELLET = HERE / "PEIS_LPSCl_IonBlocking_-25C.mpr"
F = np.geomspace(7e6, 1.0, 69)
AREA = ["--area", "1 cm2"]
FIT = ["measure", "eis", "--circuit", CIRCUIT]
TWO_ARCS = "R_0-p(R_bulk,CPE_bulk)-p(R_he,CPE_he)-CPE_tail"
KEYS = {
    "results", "chi2_reduced", "kk_verdict", "flags", "circuit", "convention", "temperature_C",
    "pressure_MPa",
}  # fmt: skip


def run(*words):
    """Exit code of a command."""
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code or 0
    return 0


def asked(capsys, *words):
    """The one JSON object that a command prints."""
    assert run(*words, "--json") == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert isinstance(told, dict)
    return told


def refusal(capsys, *words):
    """The one line a refused command prints."""
    assert run(*words) == 2
    out, err = capsys.readouterr()
    told = [line for line in err.splitlines() if line.startswith("dualyte: ")]
    assert len(told) == 1
    assert "Traceback" not in err
    assert out == ""
    return told[0]


def write(path, z, f=F):
    rows = [f"{a:.8e},{b.real:.8e},{b.imag:.8e}" for a, b in zip(f, z, strict=True)]
    Path(path).write_text("\n".join(["Frequency/Hz,Re(Z)/Ohm,Im(Z)/Ohm", *rows]) + "\n")
    return path


def cells(folder, spectra):
    """Files named after temperature and pressure, as people name them."""
    folder.mkdir()
    for s in spectra:
        P = "" if s.pressure is None else f"_{s.pressure / 1e6:g}MPa"
        write(folder / f"cell1_{s.temperature - 273.15:.0f}C{P}.csv", s.z, s.frequency)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cell(here):
    """One cell at 25 °C, 55 MPa: its interface has 150 Ω cm²."""
    return write("cell1_25C_55MPa.csv", noisy(bilayer()))


@pytest.fixture
def hot(here):
    """Arcs a factor 3 apart, at five temperatures."""
    return cells(here / "hot", series(3, temperatures=np.linspace(233.15, 313.15, 5)))


@pytest.fixture
def pressed(here):
    """The same at two pressures."""
    T = np.linspace(233.15, 313.15, 5)
    return cells(here / "pressed", series(4, temperatures=T, fractions=(1.0, 0.4)))


# --- JSON -------------------------------------------------------------------------------


def test_labels_name_the_results_and_spreads_hold_the_truth(cell, capsys):
    told = asked(capsys, *FIT, cell, *AREA)
    assert list(told) == ["kind", "files", "results", "warnings", "changed"]
    row = told["files"]["cell1_25C_55MPa.csv"]
    assert told["results"] == row["results"]
    assert row.keys() >= KEYS
    assert (row["temperature_C"], row["pressure_MPa"], row["kk_verdict"]) == (25, 55, "pass")
    units = {name: x["unit"] for name, x in row["results"].items()}
    assert units["R_he"] == "ohm cm2"
    assert units["C_he"] == "F/cm2"
    assert units["Q_he"] == "S s^n/cm2"
    assert units["f_he"] == "Hz"
    assert units["n_he"] == "1"
    truth = {"R_he": 150, "Q_he": 3.6e-6, "n_he": 0.727, "R_bulk": 125, "R_gb": 80}
    for name, true in truth.items():
        found = row["results"][name]
        assert abs(found["value"] - true) < 4 * found["spread"]
        assert found["spread"] < 0.3 * true
    assert "failed" not in row


def test_frequency_resistance_and_capacitance_agree(cell, capsys):
    found = asked(capsys, *FIT, cell, *AREA)["files"]["cell1_25C_55MPa.csv"]["results"]
    for arc in ("bulk", "gb", "he"):
        R, C, f = (found[f"{name}_{arc}"]["value"] for name in ("R", "C", "f"))
        assert 2 * math.pi * R * C * f == pytest.approx(1, rel=1e-9)


def test_without_area_numbers_are_those_of_the_cell_and_a_flag_says_so(cell, capsys):
    small = asked(capsys, *FIT, cell, "--area", "0.5 cm2")["files"]["cell1_25C_55MPa.csv"]
    plain = asked(capsys, *FIT, cell)["files"]["cell1_25C_55MPa.csv"]
    assert plain["results"]["R_he"]["unit"] == "ohm"
    assert plain["results"]["C_he"]["unit"] == "F"
    assert plain["results"]["Q_he"]["unit"] == "S s^n"
    for name, power in (("R_he", 1), ("C_he", -1), ("Q_he", -1), ("n_he", 0)):
        ratio = small["results"][name]["value"] / plain["results"][name]["value"]
        assert ratio == pytest.approx(0.5**power, rel=1e-4)
    assert any("no electrode area" in flag for flag in plain["flags"])
    assert "no area" in plain["convention"]


def test_two_interfaces_halve_the_resistance_double_the_capacitance_and_are_remembered(
    cell, capsys
):
    one = asked(capsys, *FIT, cell, *AREA)["files"]["cell1_25C_55MPa.csv"]
    two = asked(capsys, *FIT, cell, *AREA, "--interfaces", 2, "--thickness", "1 mm")
    again = asked(capsys, *FIT, cell, *AREA)
    two, again = (told["files"]["cell1_25C_55MPa.csv"] for told in (two, again))
    assert two["results"] == again["results"]
    assert any("took the interfaces 2 from" in flag for flag in again["flags"])
    for name, factor in (("R_he", 0.5), ("C_he", 2), ("Q_he", 2), ("R_gb", 1), ("f_he", 1)):
        ratio = two["results"][name]["value"] / one["results"][name]["value"]
        assert ratio == pytest.approx(factor, rel=1e-9)
    assert one["convention"].startswith("per cell as measured")
    assert two["convention"].startswith("per interface for he")
    sigma = two["results"]["sigma_bulk"]
    assert sigma["unit"] == "S/cm"
    assert sigma["value"] * two["results"]["R_bulk"]["value"] == pytest.approx(0.1, rel=1e-9)
    assert Path("cell1_25C_55MPa.toml").read_text().count("=") == 2


def test_a_folder_is_remembered_in_one_place(hot, capsys):
    asked(capsys, *FIT, hot, *AREA, "--interfaces", 2)
    assert [p.name for p in hot.glob("*.toml")] == ["dualyte.toml"]


def test_a_folder_that_cannot_be_written_to_costs_a_flag_only(cell, capsys, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError

    monkeypatch.setattr("dualyte.report.evaluation.remember", refuse)
    told = asked(capsys, *FIT, cell, *AREA, "--interfaces", 2)
    assert any("could not be remembered" in flag for flag in told["flags"])


def test_fixed_and_tied_numbers_are_kept_as_results_show_them(cell, capsys):
    words = ["--interfaces", 2, "--fix", "R_he=70 ohm cm2", "n_tail=0.9", "--tie", "n_bulk,n_gb"]
    row = asked(capsys, *FIT, cell, *AREA, *words)["files"]["cell1_25C_55MPa.csv"]["results"]
    assert row["R_he"]["value"] == pytest.approx(70)
    assert row["R_he"]["spread"] == 0
    assert row["n_tail"]["value"] == 0.9
    assert row["n_bulk"]["value"] == row["n_gb"]["value"]


def test_a_profile_interval_is_that_of_the_spread_where_a_number_is_settled(cell, capsys):
    row = asked(capsys, *FIT, cell, *AREA, "--profile", "--interfaces", 2)
    row = row["files"]["cell1_25C_55MPa.csv"]
    ends, found = row["profiles"]["R_bulk"], row["results"]["R_bulk"]
    assert ends["unit"] == "ohm cm2"
    width = (ends["high"] - ends["low"]) / (2 * 1.645 * found["spread"])
    assert width == pytest.approx(1, abs=0.1)
    assert row["profiles"]["R_he"]["low"] < row["results"]["R_he"]["value"]
    assert row["results"]["R_he"]["value"] < row["profiles"]["R_he"]["high"]


def test_points_beyond_the_limits_are_left_out(cell, capsys):
    row = asked(capsys, *FIT, cell, *AREA, "--highest", "3 MHz", "--lowest", "2 Hz")
    flags = row["files"]["cell1_25C_55MPa.csv"]["flags"]
    assert any("masked 7 of 69 points" in flag for flag in flags)


# --- series -----------------------------------------------------------------------------


def test_a_joint_fit_separates_what_single_fits_cannot(hot, capsys):
    told = asked(capsys, *FIT, hot, *AREA, "--joint")
    assert len(told["files"]) == 5
    joint = told["joint"]
    assert joint["results"]["R_he"]["value"] == pytest.approx(150, rel=0.08)
    assert joint["results"]["Ea_he"]["value"] == pytest.approx(0.51, abs=0.01)
    assert joint["results"]["Ea_he"]["unit"] == "eV"
    assert joint["temperature_C"] == 25
    assert joint["laws"][0]["laws"] == "hard laws"
    low, high = (joint["profiles"]["R_he"][end] for end in ("low", "high"))
    assert low < joint["results"]["R_he"]["value"] < high
    assert joint["mechanism"]["he"]["mechanism"] == "undecided"
    single = told["files"]["cell1_20C.csv"]["results"]["R_he"]
    here = joint["results"]["R_he"]
    assert single["spread"] / single["value"] > 3 * here["spread"] / here["value"]


def test_pressure_gives_the_contact_law_and_the_mechanism(pressed, capsys):
    joint = asked(capsys, *FIT, pressed, *AREA, "--joint", "--interfaces", 2)["joint"]
    assert joint["results"]["m_he"]["value"] == pytest.approx(1, abs=0.02)
    assert joint["results"]["R_he"]["value"] == pytest.approx(75, rel=0.02)
    assert joint["profiles"]["R_he"]["low"] < 75 < joint["profiles"]["R_he"]["high"]
    assert joint["pressure_MPa"] == 55
    assert joint["mechanism"]["he"]["mechanism"] == "transfer or film on true contact"
    assert joint["contact"]["he"]["pressure_MPa"] == [55, 22]
    assert joint["contact"]["he"]["relative_contact"][1] == pytest.approx(0.4, abs=0.01)


def test_what_a_joint_fit_is_told_it_keeps_and_it_spares_spread(hot, capsys):
    free = asked(capsys, *FIT, hot, *AREA, "--joint")["joint"]["results"]
    told = asked(capsys, *FIT, hot, *AREA, "--joint", "--fix", "n_gb=0.9")["joint"]["results"]
    assert told["n_gb"]["value"] == pytest.approx(0.9, abs=1e-3)
    assert told["R_he"]["spread"] < free["R_he"]["spread"]
    assert "works on logarithms" in refusal(
        capsys, *FIT, hot, *AREA, "--joint", "--fix", "R_0=0 ohm cm2"
    )


def test_without_joint_a_temperature_series_gives_activation_energies_and_advice(hot, capsys):
    told = asked(capsys, *FIT, f"{hot}/*.csv", *AREA)
    assert "joint" not in told
    found = told["arrhenius"]["R_bulk"]["results"]
    assert found["Ea_bulk"]["value"] == pytest.approx(0.43, abs=0.01)
    assert found["R_bulk"]["value"] == pytest.approx(125, rel=0.03)
    assert any("--joint" in flag for flag in told["flags"])


@pytest.fixture
def partly(hot):
    """Six spectra; the area is known of three."""
    [s] = series(3, temperatures=(323.15,))
    write(hot / "cell1_50C.csv", s.z, s.frequency)
    for T in (-40, 0, 40):
        (hot / f"cell1_{T}C.toml").write_text('area = "1 cm2"\n')
    return hot


def test_cells_without_an_area_cost_those_with_one_nothing(partly, capsys, monkeypatch):
    for module in ("measurement", "relaxation"):
        monkeypatch.setattr(f"dualyte.report.{module}.draw_all", lambda *_: [])
    told = asked(capsys, *FIT, partly, "--out", "found")
    units = [row["results"]["R_he"]["unit"] for row in told["files"].values()]
    assert sorted(units) == ["ohm"] * 3 + ["ohm cm2"] * 3
    told = asked(capsys, "measure", "drt", partly, "--out", "found")
    assert all(len(row["peaks"]) > 1 for row in told["files"].values())


def test_the_best_of_several_circuits_is_used_and_the_others_are_told(cell, hot, capsys):
    both = ["--circuit", TWO_ARCS]
    row = asked(capsys, *FIT, cell, *AREA, *both)["files"][cell]
    best, other = row["comparison"]
    assert row["circuit"] == best["circuit"]
    assert (best["parameters"], other["parameters"]) == (12, 9)
    assert best["delta_bic"] == 0
    assert other["delta_bic"] > 100
    told = asked(capsys, *FIT, hot, *AREA, *both, "--joint")
    assert {r["circuit"] for r in told["files"].values()} == {best["circuit"]}
    assert [r["circuit"] for r in told["comparison"]] == [best["circuit"], other["circuit"]]
    assert told["comparison"][0]["spectra"] == 5
    single = [r["comparison"] for r in told["files"].values()]
    bic = [sum(c["delta_bic"] for r in single for c in r if c["circuit"] == name["circuit"])
           for name in (best, other)]  # fmt: skip
    assert told["comparison"][1]["delta_bic"] == pytest.approx(bic[1] - bic[0])
    joint = told["joint"]
    assert joint["circuit"] == joint["comparison"][0]["circuit"] == best["circuit"]
    assert joint["comparison"][1]["delta_bic"] > 10


def test_an_arc_that_is_not_there_is_not_asked_for(here, capsys):
    z = noisy(parse("R_0-p(R_1,CPE_1)-CPE_tail", 5, 100, 1e-8, 0.95, 1e-5, 0.9).impedance(F))
    write("one.csv", z)
    words = ["--circuit", "R_0-p(R_1,CPE_1)-p(R_2,CPE_2)-CPE_tail"]
    words += ["--circuit", "R_0-p(R_1,CPE_1)-CPE_tail"]
    row = asked(capsys, "measure", "eis", "one.csv", *words)["files"]["one.csv"]
    assert row["circuit"] == "R_0+(R_1|CPE_1)+CPE_tail"
    write("five.csv", z[::14], F[::14])
    row = asked(capsys, *FIT, "five.csv", *words[2:])["files"]["five.csv"]
    assert row["circuit"] == "R_0+(R_1|CPE_1)+CPE_tail"
    assert "cannot settle 12 parameters" in row["comparison"][1]["failed"]


def test_auto_takes_one_circuit_for_a_series(hot, capsys):
    told = asked(capsys, "measure", "eis", hot, *AREA)
    circuits = {row["circuit"] for row in told["files"].values()}
    assert len(circuits) == 1
    assert all(row["chi2_reduced"] < 2e-5 for row in told["files"].values())


def test_replicates_are_averaged_and_weighted_by_their_spread(here, capsys):
    for k in (1, 2, 3):
        write(f"cell_25C_rep{k}.csv", noisy(bilayer(), seed=k))
    words = [*AREA, "--average", "--weighting", "spread"]
    told = asked(capsys, *FIT, "cell_25C_rep*.csv", *words)
    assert list(told["files"]) == ["cell_25C"]
    assert told["files"]["cell_25C"]["results"]["R_he"]["value"] == pytest.approx(150, rel=0.2)


def test_a_spectrum_without_replicates_costs_only_itself_where_spreads_are_the_weights(
    here, capsys
):
    for k in (1, 2, 3):
        write(f"cell_25C_rep{k}.csv", noisy(bilayer(), seed=k))
    write("alone_25C.csv", noisy(bilayer(), seed=4))
    words = ["*.csv", *AREA, "--average", "--weighting", "spread"]
    for circuit in (FIT[2:], []):
        rows = asked(capsys, "measure", "eis", *words, *circuit)["files"]
        assert "needs the spread of every point" in rows["alone_25C.csv"]["failed"]
        assert rows["cell_25C"]["results"]


# --- what goes wrong --------------------------------------------------------------------


def test_a_bad_file_costs_only_itself(cell, capsys):
    z = noisy(bilayer())
    write("few.csv", z[:3], F[:3])
    write("five.csv", z[::14], F[::14])
    Path("empty.csv").write_text("")
    told = asked(capsys, *FIT, cell, "few.csv", "five.csv", "empty.csv", "gone.csv", *AREA)
    rows = told["files"]
    assert "failed" not in rows["cell1_25C_55MPa.csv"]
    assert "only 3 distinct frequencies" in rows["few.csv"]["failed"]
    assert "cannot settle 12 parameters" in rows["five.csv"]["failed"]
    assert "gone.csv" in rows["gone.csv"]["failed"]
    for name in ("few.csv", "five.csv", "empty.csv", "gone.csv"):
        assert rows[name]["results"] == {}
        assert rows[name]["chi2_reduced"] is None


def test_a_spectrum_that_violates_kramers_kronig_is_fitted_and_flagged(here, capsys):
    z = noisy(bilayer())
    z[10:25] *= np.linspace(1, 1.3, 15)
    row = asked(capsys, *FIT, write("drifting_25C.csv", z), *AREA)["files"]["drifting_25C.csv"]
    assert row["kk_verdict"] == "fail"
    assert any(flag.startswith("Kramers–Kronig test:") and "fail" in flag for flag in row["flags"])


def test_a_missing_number_costs_its_point_and_repeated_frequencies_are_flagged(here, capsys):
    z = noisy(bilayer())
    write("nan.csv", z)
    lines = Path("nan.csv").read_text().splitlines()
    lines[12] = lines[12].split(",")[0] + ",nan,nan"
    Path("nan.csv").write_text("\n".join(lines))
    write("twice.csv", np.append(z, z[5:9]), np.append(F, F[5:9]))
    rows = asked(capsys, *FIT, "nan.csv", "twice.csv", *AREA)["files"]
    for row in rows.values():
        found = row["results"]["R_he"]
        assert abs(found["value"] - 150) < 4 * found["spread"]
    assert "left out line 13, which lacks a number" in rows["nan.csv"]["flags"]
    assert any("4 of 69 frequencies come more than once" in f for f in rows["twice.csv"]["flags"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--circuit", "R0-p(R1,CPE1"], "character 13: expected ')'"),
        (["--circuit", "R0-X1"], "'X' is no element"),
        (["--area", "1.13"], "write it with one, such as '1.13 cm2'"),
        (["--area", "-1 cm2"], "Check its sign"),
        (["--temperature", "25"], "such as '25 degC'"),
        (["--pressure", "3 s"], "wrong unit"),
        (["--thickness", "1"], "has no unit"),
        (["--interfaces", "0"], "a cell has 1 or more"),
        (["--weighting", "best"], "modulus, parts, unit, spread"),
        (["--weighting", "spread"], "needs the spread of every point"),
        (["--workers", "0"], "--workers is 0"),
        (["--lowest", "1 GHz"], "no point lies between"),
        (["--fix", "R_x=3 ohm"], "the circuit has no parameter R_x; it has R_0"),
        (["--fix", "R_0=3"], "write it with one, such as '3 ohm'"),
        (["--fix", "R_0"], "no NAME=VALUE"),
        (["--fix", "n_he=one"], "'one' is not a number"),
        (["--tie", "n_he"], "give two or more"),
        (["--tie", "n_he,n_x"], "no parameter n_x"),
        (["--circuit", "auto", "--fix", "n_he=1"], "give --circuit"),
        (["--circuit", CIRCUIT, "--circuit", TWO_ARCS, "--fix", "n_he=1"], "give one --circuit"),
        (["--circuit", CIRCUIT, "--circuit", "auto"], "auto is no circuit to compare"),
        (["--circuit", CIRCUIT, "--circuit", CIRCUIT], "is given twice"),
        (["--joint"], "--joint needs several spectra"),
        (["--joint", "--soft", "LNCO"], "did you mean 'LNOC'?"),
        (["--out", "cell1_25C_55MPa.csv"], "is a file; name a folder"),
        (["--cirkuit", "R"], "Unknown option"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_bad_options_are_one_sentence_and_exit_code_2(words, says, cell, capsys):
    default = [] if "--circuit" in words else ["--circuit", CIRCUIT]
    assert says in refusal(capsys, "measure", "eis", cell, *default, *words)
    assert [p.name for p in Path().iterdir()] == [cell]


def test_files_that_hold_nothing_are_one_sentence(here, capsys):
    (here / "notes").mkdir()
    write("few.csv", bilayer()[:3], F[:3])
    assert "no file 'gone.csv'" in refusal(capsys, *FIT, "gone.csv")
    assert "holds no file that a reader knows" in refusal(capsys, *FIT, "notes")
    assert "matches 'gone*.mpr'" in refusal(capsys, *FIT, "gone*.mpr")
    assert "only 3 distinct frequencies" in refusal(capsys, *FIT, "few.csv")
    assert "(and 1 more failed)" in refusal(capsys, *FIT, "few.csv", "gone.csv")


def test_a_joint_fit_refuses_what_is_no_series_of_one_cell(here, capsys):
    folder = cells(here / "two", series(1, temperatures=(273.15, 298.15, 313.15)))
    same = refusal(capsys, *FIT, folder, *AREA, "--joint", "--temperature", "25 degC")
    assert "at one temperature and one pressure" in same
    (folder / "cell1_0C.toml").write_text('area = "2 cm2"\n')
    assert "different area" in refusal(capsys, *FIT, folder, "--joint")


def test_a_file_without_temperature_costs_a_joint_fit_only_itself(here, capsys):
    folder = cells(here / "some", series(1, temperatures=(273.15, 298.15, 313.15)))
    write(folder / "cell2.csv", bilayer())
    assert run(*FIT, folder, *AREA, "--joint", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["joint"]["spectra"] == 3
    assert "left out of the joint fit: cell2.csv" in told["joint"]["flags"] + told["flags"]


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_fitted(cell, capsys):
    Path("file").write_text("in the way")
    assert "cannot be made" in refusal(capsys, *FIT, cell, *AREA, "--out", "file/found")


@pytest.mark.slow
def test_files_of_an_earlier_run_do_not_outlive_its_results(cell, capsys):
    assert run(*FIT, cell, *AREA, "--out", "found") == 0
    Path("found/notes.txt").write_text("mine")
    assert run("measure", "eis", cell, "--circuit", "R_0-p(R_1,CPE_1)-CPE_2", "--out", "found") == 0
    names = {p.name for p in Path("found").iterdir()}
    assert "notes.txt" in names
    written = json.loads(Path("found/provenance.json").read_text(encoding="utf-8"))
    assert set(written["files_written"]) | {"notes.txt"} >= names - {"provenance.json"}


def test_ties_hold_in_the_joint_fit_too(hot, capsys):
    assert run(*FIT, hot, *AREA, "--joint", "--json", "--tie", "n_gb,n_he") == 0
    results = json.loads(capsys.readouterr().out)["joint"]["results"]
    assert results["n_gb"]["value"] == results["n_he"]["value"]


# --- folder and text --------------------------------------------------------------------


def test_a_spectrum_writes_tables_figures_and_provenance(cell, capsys):
    assert run(*FIT, cell, *AREA, "--out", "found") == 0
    out = capsys.readouterr().out
    assert "R_0+(R_bulk|CPE_bulk)" in out
    assert "Kramers–Kronig pass" in out
    folder = Path("found")
    names = {p.name for p in folder.iterdir()}
    assert {"summary.txt", "results.json", "results.csv", "spectra.csv"} <= names
    figures = ("nyquist", "bode", "residuals", "drt")
    assert {f"{x}.{end}" for x in figures for end in ("png", "pdf")} <= names
    with (folder / "results.csv").open(encoding="utf-8") as file:
        [line] = csv.DictReader(file)
    told = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    R = told["files"][cell]["results"]["R_he"]["value"]
    assert float(line["R_he / ohm cm2"]) == pytest.approx(R)
    with (folder / "spectra.csv").open(encoding="utf-8") as file:
        points = list(csv.DictReader(file))
    assert len(points) == 69
    assert float(points[0]["fit_re_ohm"]) == pytest.approx(float(points[0]["re_ohm"]), rel=0.05)
    about = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert len(about["files"][cell]["sha256"]) == 64
    assert about["options"]["circuit"] == CIRCUIT
    assert about["options"]["asked"]["area"] == "1 cm2"


def test_a_joint_fit_writes_the_figures_of_a_series(pressed, capsys):
    assert run(*FIT, pressed, *AREA, "--joint", "--out", "found") == 0
    text = capsys.readouterr().out
    assert "Joint fit of 10 spectra at 25 °C, 55 MPa" in text
    assert "he: transfer or film on true contact" in text
    names = {p.stem for p in Path("found").glob("*.png")}
    assert names == {p.stem for p in Path("found").glob("*.pdf")}
    assert {
        "nyquist_temperature", "nyquist_pressure", "bode_temperature", "bode_pressure",
        "residuals", "arrhenius", "contact", "drt_map_temperature", "nyquist_-40C_55MPa",
    } <= names  # fmt: skip
    with Path("found/joint.csv").open(encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert float(rows["R_he"]["value"]) == pytest.approx(150, rel=0.02)
    assert rows["Ea_he"]["unit"] == "eV"


def test_the_pellet_is_read_tested_and_gives_a_conductivity(here, capsys):
    words = ["--area", "0.785 cm2", "--thickness", "1 mm", "--circuit", "R_0-p(R_1,CPE_1)-CPE_tail"]
    local = Path(PELLET.name)
    local.write_bytes(PELLET.read_bytes())
    told = asked(capsys, "measure", "eis", local, *words)["files"][local.name]
    assert told["temperature_C"] == -25
    assert told["kk_verdict"] == "pass"
    sigma = told["results"]["sigma_total"]
    assert 5e-5 < sigma["value"] < 2e-4
    assert 0 < sigma["spread"] < 0.02 * sigma["value"]


# --- the other commands -----------------------------------------------------------------


def test_distributions_find_the_arcs_of_the_cell(cell, capsys):
    told = asked(capsys, "measure", "drt", cell, *AREA, "--out", "found")
    row = told["files"][cell]
    assert len(row["peaks"]) == 3
    R = [peak["resistance"]["value"] for peak in row["peaks"]]
    assert pytest.approx([125, 80, 150], rel=0.2) == R
    last = row["peaks"][-1]
    assert last["resistance"]["unit"] == "ohm cm2"
    assert last["capacitance"]["unit"] == "F/cm2"
    product = last["resistance"]["value"] * last["capacitance"]["value"]
    assert 2 * math.pi * product * last["frequency"]["value"] == pytest.approx(1, rel=1e-6)
    assert row["tail"]["n"]["value"] == pytest.approx(0.9, abs=0.02)
    assert {"drt.json", "peaks.csv", "distributions.csv", "drt.png", "drt.pdf"} <= {
        p.name for p in Path("found").iterdir()
    }
    assert run("measure", "drt", cell, *AREA) == 0
    assert "yes" in capsys.readouterr().out


def test_a_check_names_the_frequencies_that_fail_and_the_drift_of_a_later_sweep(here, capsys):
    z = noisy(bilayer())
    z[40] *= 1.05
    write("spike.csv", z)
    told = asked(capsys, "measure", "check", "spike.csv", "--out", "found")["files"]["spike.csv"]
    assert told["kk_verdict"] == "suspect"
    assert told["failing_Hz"] == pytest.approx([F[40]], rel=1e-6)
    assert (here / "found" / "check.png").exists()
    both = np.concatenate([noisy(bilayer(), 1e-4), noisy(bilayer(r_he=165.0), 1e-4, 1)])
    rows = [f"{f:.6e},{x.real:.8e},{x.imag:.8e},{1 + k // 69}"
            for k, (f, x) in enumerate(zip(np.tile(F, 2), both, strict=True))]  # fmt: skip
    head = "freq/Hz,Re(Z)/Ohm,Im(Z)/Ohm,cycle number"
    Path("sweeps.csv").write_text("\n".join([head, *rows]))
    sweeps = asked(capsys, "measure", "check", "sweeps.csv")["files"]
    assert list(sweeps) == ["sweeps.csv#1", "sweeps.csv#2"]
    assert sweeps["sweeps.csv#2"]["drift"]["verdict"] == "fail"
    assert sweeps["sweeps.csv#2"]["drift"]["against"] == "sweeps.csv#1"


def test_a_table_gives_activation_energies_in_the_form_asked_for(here, capsys):
    T = np.array([253.15, 273.15, 298.15, 323.15])
    R = 150e-4 * np.exp(0.51 / 8.617333262e-5 * (1 / T - 1 / 298.15))
    rows = [f"{t - 273.15:.2f};{r * 1e4:.6g};{r * 100:.3g};{0.01 / r:.8g}" for t, r in
            zip(T, R, strict=True)]  # fmt: skip
    head = "temperature / degC;R_he / ohm cm2;R_he spread / ohm cm2;sigma / mS/cm"
    Path("t.csv").write_text("\n".join(["# typed by hand", head, *rows]).replace(".", ","))
    told = asked(capsys, "measure", "arrhenius", "t.csv")["arrhenius"]
    assert set(told) == {"R_he", "sigma"}
    assert told["R_he"]["results"]["Ea_he"]["value"] == pytest.approx(0.51, abs=1e-3)
    assert told["R_he"]["results"]["R_he"]["value"] == pytest.approx(150, rel=1e-3)
    product = asked(capsys, "measure", "arrhenius", "t.csv", "--form", "sigmaT")["arrhenius"]
    assert set(product) == {"sigma"}
    gain = product["sigma"]["results"]["Ea"]["value"] - told["sigma"]["results"]["Ea"]["value"]
    assert gain == pytest.approx(8.617e-5 * 285, rel=0.05)


def test_a_small_outlier_is_told_with_digits(here, capsys):
    T = np.linspace(253.15, 323.15, 8)
    R = 150 * np.exp(0.51 / 8.617333262e-5 * (1 / T - 1 / 298.15))
    R[3] *= 1.002
    rows = [f"{t:.2f},{r:.10g}" for t, r in zip(T, R, strict=True)]
    Path("t.csv").write_text("\n".join(["temperature / K,R_he / ohm cm2", *rows]))
    flags = asked(capsys, "measure", "arrhenius", "t.csv")["arrhenius"]["R_he"]["flags"]
    assert any("point 4 at 283.15 K lies off by +0.17%" in flag for flag in flags)


def test_spectra_give_activation_energies_of_conductivities(hot, capsys):
    words = [*AREA, "--thickness", "1 mm", "--form", "sigma", "--out", "found"]
    told = asked(capsys, "measure", "arrhenius", hot, "--circuit", CIRCUIT, *words)["arrhenius"]
    assert told["sigma_bulk"]["results"]["Ea_bulk"]["value"] == pytest.approx(0.43, abs=0.01)
    assert told["sigma_bulk"]["results"]["sigma_bulk"]["unit"] == "S/cm"
    assert {"arrhenius.json", "arrhenius.csv", "arrhenius.png", "provenance.json"} <= {
        p.name for p in Path("found").iterdir()
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "is the temperature; name the columns"),
        ("temperature,R / ohm\n1,2\n", "needs degC or K as its unit"),
        ("T / K,R / S\n300,2\n", "has no unit of an area-specific resistance"),
        ("T / K,R / ohm\n300,two\n", "'two' is not a number"),
        ("T / K,U / V\n300,2\n", "is a resistance, conductivity or time"),
        ("T / K,R / ohm\n25,2\n", "is outside"),
        ("", "holds no table of values"),
    ],
)
def test_a_wrong_table_is_one_sentence(text, says, here, capsys):
    Path("t.csv").write_text(text)
    told = refusal(capsys, "measure", "arrhenius", "t.csv")
    assert says in told
    assert "to fit spectra, give --circuit" in told


def test_a_lone_spread_column_belongs_to_the_lone_value(here):
    Path("t.csv").write_text("T (K),tau [s],std\n300,2,0.1\n310,1,\n")
    [points] = read_points("t.csv")
    assert points.form == "tau"
    assert points.spread.tolist() == pytest.approx([0.1, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["arrhenius", "--form", "x"], "R, sigma, sigmaT, tau"),
        (["arrhenius", "--circuit", CIRCUIT], "three temperatures or more"),
        (["arrhenius", "--circuit", CIRCUIT, "--temperature", "25"], "such as '25 degC'"),
        (["drt", "--arcs", "99"], "arcs=99"),
        (["check", "--out", "cell1_25C_55MPa.csv"], "is a file"),
    ],
)
def test_bad_options_of_the_others_are_one_sentence(words, says, cell, capsys):
    assert says in refusal(capsys, "measure", words[0], cell, *words[1:])


def test_ctrl_c_during_the_joint_fit_keeps_the_single_fits(hot, capsys, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("dualyte.report.evaluation.fit_joint", stop)
    assert run(*FIT, hot, *AREA, "--joint", "--json") == 130
    out, err = capsys.readouterr()
    assert len(json.loads(out)["files"]) == 5
    assert "stopped before the joint fit ended" in err


def test_the_installed_command_prints_json_and_nothing_else(cell):
    code = "from dualyte.cli import main; main()"
    words = [sys.executable, "-c", code, *FIT, cell, *AREA, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout)["files"][cell]["kk_verdict"] == "pass"


def test_text_is_utf8_where_a_pipe_would_take_less(cell, monkeypatch):
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", pipe)
    assert run(*FIT, cell, *AREA) == 0
    pipe.flush()
    assert "Ω cm²" in pipe.buffer.getvalue().decode("utf-8")


def test_circuits_of_results_can_be_given_again(cell, capsys):
    row = asked(capsys, *FIT, cell, *AREA)["files"][cell]
    assert parse(row["circuit"]).parameters.keys() == parse(CIRCUIT).parameters.keys()
    again = asked(capsys, "measure", "eis", cell, "--circuit", row["circuit"], *AREA)
    assert again["files"][cell]["results"] == row["results"]
