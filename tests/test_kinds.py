"""Every kind of measurement, from example files to the values of a prediction."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from dualyte import InputError, material
from dualyte.cli import kinds as command_line
from dualyte.cli import main
from dualyte.measure.examples import example_options, write_example
from dualyte.measure.kinds import evaluator, files_of, recognise, sort_files
from dualyte.measure.result import KINDS, Evaluation, FileFailure, each_file, measured
from dualyte.report.anything import measure_everything, samples
from dualyte.report.kinds import (
    PROPERTIES,
    evaluation_json,
    evaluation_text,
    write_evaluation,
    write_material,
    write_page,
)

OTHERS = [kind for kind in KINDS if kind != "eis"]


@pytest.fixture(scope="module", params=OTHERS)
def example(request, tmp_path_factory):
    """Kind, folder, truth and evaluation of an example."""
    folder = tmp_path_factory.mktemp(request.param) / "files"
    truth = write_example(request.param, folder)
    found = evaluator(request.param)(
        sort_files([folder]).kinds[request.param], **example_options(request.param)
    )
    return request.param, folder, truth, found


def command(words):
    try:
        main([str(word) for word in words])
    except SystemExit as left:
        return left.code or 0
    return 0


def test_files_are_recognised_by_their_content(example):
    kind, folder, _, _ = example
    assert set(sort_files([folder]).kinds) == {kind}
    assert not sort_files([folder]).unknown


def test_a_name_says_nothing_of_the_kind(example, tmp_path):
    """A file of another name is still known; only suffixes that libraries ask for stay."""
    kind, folder, _, _ = example
    path = sort_files([folder]).kinds[kind][0]
    copy = tmp_path / f"other{path.suffix}"
    copy.write_bytes(path.read_bytes())
    known = recognise(copy)
    assert known is not None
    assert known.kind == kind


def test_the_truth_lies_within_three_deviations(example):
    _, _, truth, found = example
    assert truth
    for name, (word, si) in truth.items():
        value = found[name]
        assert value.quantity == word
        near = max(3 * value.spread, 1e-9 * abs(si))
        assert abs(value.si - si) <= near, f"{name}: {value.si} instead of {si} ± {near}"


def test_every_result_says_what_it_is(example):
    _, _, _, found = example
    for name, value in found.results.items():
        assert value.kind in ("measured", "computed", "assumed"), name
        assert value.where
        assert np.isfinite(value.si)


def test_json_has_what_machines_look_for(example):
    kind, _, _, found = example
    told = json.loads(json.dumps(evaluation_json(found), allow_nan=False))
    assert told["kind"] == kind
    assert told["files"]
    assert {"results", "warnings", "changed"} <= told.keys()
    for row in told["results"].values():
        assert {"value", "spread", "unit"} <= row.keys()


def test_results_are_values_of_a_material(example, tmp_path):
    kind, _, _, found = example
    path = write_material(found, tmp_path / "mine.toml", base="LNOC")
    mine = material(path)
    for name, value in found.results.items():
        kept = mine[PROPERTIES.get((kind, name), name)]
        assert kept.si == pytest.approx(value.si, rel=1e-12)
        assert kept.quantity == value.quantity
        assert kept.kind == value.kind
    assert mine["density"].si == material("LNOC")["density"].si


def test_a_folder_holds_figures_and_where_they_are_from(example, tmp_path):
    kind, folder, _, found = example
    paths = sort_files([folder]).kinds[kind]
    names = {p.name for p in write_evaluation(found, tmp_path / "out", paths=paths)}
    assert {f"{kind}.json", f"{kind}_summary.txt", f"{kind}_values.toml"} <= names
    assert any(name.endswith(".png") for name in names)
    about = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert all(len(digest) == 64 for digest in about["files"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_writes_an_example_and_measures_it(kind, tmp_path, capsys):
    folder = tmp_path / "files"
    assert command(["example", kind, folder, "--json"]) == 0
    truth = json.loads(capsys.readouterr().out)["truth"]
    options = [] if kind != "eis" else ["--joint", "--circuit", example_options(kind)["circuit"]]
    if kind == "eis":
        assert command(["measure", kind, folder, *options, "--json"]) == 0
    else:
        assert command(["measure", kind, folder, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == kind
    results = told["joint"]["results"] if kind == "eis" else told["results"]
    assert set(truth) <= set(results)


def test_a_mixed_folder_gives_one_page(tmp_path, capsys):
    for kind in ("growth", "compression"):
        write_example(kind, tmp_path / "all" / kind)
    (tmp_path / "all" / "strange.bin").write_bytes(b"\x00\x01\x02" * 50)
    assert command(["measure", tmp_path / "all", "--json", "--out", tmp_path / "out"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in told["measurements"]] == ["compression", "growth"]
    assert "strange.bin" in told["unknown"][0]
    page = (tmp_path / "out" / "summary.html").read_text(encoding="utf-8")
    assert "compression" in page
    assert ".png" in page


def test_three_columns_of_numbers_are_no_spectrum_unless_frequencies_are(tmp_path):
    rows = "".join(f"{x},{0.2},{x / 2}\n" for x in (1, 2, 3, 4, 5, 6, 700))
    path = tmp_path / "moduli.csv"
    path.write_text(rows, encoding="utf-8")
    assert recognise(path) is None
    rows = "".join(f"{10.0**k},{50 + k},{-k}\n" for k in range(6, 0, -1))
    path.write_text(rows, encoding="utf-8")
    assert recognise(path).kind == "eis"


def test_files_that_differ_by_a_number_are_replicates(tmp_path):
    for name in ("a_1.csv", "a_2.csv", "b.csv"):
        (tmp_path / name).write_text("", encoding="utf-8")
    paths = sorted(tmp_path.iterdir())
    assert [len(part) for part in samples("compression", paths)] == [2, 1]
    assert [len(part) for part in samples("growth", paths)] == [3]


def test_a_sidecar_says_the_kind(tmp_path):
    path = tmp_path / "scan.txt"
    path.write_text("1 2\n2 3\n3 4\n", encoding="utf-8")
    (tmp_path / "dualyte.toml").write_text('["scan.txt"]\nkind = "phases"\n', encoding="utf-8")
    assert recognise(path).kind == "phases"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["example", "xrd", "out"], "there is no kind 'xrd'"),
        (["measure", "compression", "nowhere.csv"], "no file 'nowhere.csv'"),
        (["measure", "nowhere"], "no file or folder 'nowhere'"),
        (["measure", "compression", "x.csv", "--diameter", "10"], "--diameter: .* has no unit"),
        (["measure", "compression", "x.csv", "--save", "x.json"], "is no TOML file"),
        (["measure", "compression", "x.csv", "--base", "LNOC"], "give --save, too"),
    ],
)
def test_what_is_wrong_is_one_sentence(words, says, tmp_path, monkeypatch, capsys):
    import re

    monkeypatch.chdir(tmp_path)
    assert command(words) == 2
    said = capsys.readouterr().err
    assert re.search(says, said)
    assert said.count("\n") == 1


def test_a_bad_file_costs_only_itself(tmp_path):
    good, bad = tmp_path / "a", tmp_path / "b"
    good.write_text("1", encoding="utf-8")
    bad.write_text("x", encoding="utf-8")

    def make(path):
        try:
            return float(path.read_text(encoding="utf-8"))
        except ValueError:
            raise InputError(f"{path.name} holds no number") from None

    batch = each_file([good, bad], make)
    assert [value for _, value in batch.made] == [1.0]
    assert batch.failures[0].why == "b holds no number"
    with pytest.raises(InputError, match="b holds no number"):
        each_file([good, bad], make, raise_errors=True)
    with pytest.raises(InputError, match="b holds no number"):
        each_file([bad], make)


def test_what_is_measured_is_plausible():
    with pytest.raises(InputError, match="hardness"):
        measured("hardness", 0.42, where="a slip")
    with pytest.raises(InputError, match="spread"):
        measured("hardness", 4.2e8, -1.0, where="a slip")
    with pytest.raises(InputError, match="gave no 'x'"):
        Evaluation(kind="xps", files=(), results={})["x"]


# ---------------------------------------------------------------- what a user does next


def seeds(folder, sidecar=""):
    """The example of particles, with a sidecar of another text."""
    write_example("topography", folder)
    (folder / "dualyte.toml").write_text(sidecar, encoding="utf-8")
    return folder / "seeds.txt"


def test_an_option_given_wins_over_the_sidecar_even_if_it_is_the_default(tmp_path, capsys):
    path = seeds(tmp_path / "a", 'options = {level = "none"}\n')
    changed = {}
    for level in ("", "none", "plane"):
        words = ["--level", level] if level else []
        assert command(["measure", "topography", path, *words, "--json"]) == 0
        changed[level] = json.loads(capsys.readouterr().out)["changed"]
    assert changed[""] == changed["none"]
    assert any("least-squares plane" in said for said in changed["plane"])


@pytest.mark.parametrize("kind", OTHERS)
def test_no_option_of_the_command_has_a_default_that_hides_a_sidecar(kind):
    options = getattr(command_line, f"{kind.capitalize()}Options")
    assert fields(options)
    for field in fields(options):
        assert field.default is None or field.default is False, field.name


@pytest.mark.parametrize(
    ("sidecar", "says"),
    [
        ('kind = "xpss"', "it is one of cycling"),
        ('kind = "xps', "is not TOML"),
        ('options = {smooth = "wide"}', "smooth = 'wide'; it is a number"),
        ('options = {particles = "no"}', "particles = 'no'; it is true or false"),
        ("options = {level = 3}", "level = 3; it is a text"),
        ("options = {split = 1}", "split = 1; it is true or false"),
    ],
)
def test_a_wrong_sidecar_is_said_in_one_sentence(sidecar, says, tmp_path, capsys):
    path = seeds(tmp_path / "a", sidecar)
    assert command(["measure", "topography", path.parent]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "dualyte.toml" in told
    assert says in told


def test_a_wrong_sidecar_costs_a_folder_of_all_kinds_its_own_files_only(tmp_path):
    write_example("phases", tmp_path / "good")
    seeds(tmp_path / "bad", 'kind = "xpss"')
    every = measure_everything([tmp_path])
    assert [each.kind for each in every.found] == ["phases"]
    assert any(said.startswith("seeds.txt: dualyte.toml: kind is") for said in every.unknown)


def test_a_file_named_twice_is_no_replicate(tmp_path):
    write_example("indentation", tmp_path / "ü 1")
    path = tmp_path / "ü 1" / "indent_1.hld"
    given = [path, path.parent / ".." / "ü 1" / "indent_1.hld", path.parent]
    assert len(files_of("indentation", given)) == 5
    assert files_of("indentation", given[:2]) == [path]
    assert sort_files(given).kinds["indentation"] == sort_files([path.parent]).kinds["indentation"]


def test_results_in_a_folder_are_not_measured_again(tmp_path, capsys):
    home = tmp_path / "mine"
    write_example("section", home)
    for where in ("found", "of all"):
        kind = ["section"] if where == "found" else []
        assert command(["measure", *kind, home, "--out", home / where]) == 0
    assert [p.name for p in files_of("section", [home])] == ["section.tif"]
    held = sort_files([home])
    assert list(held.kinds) == ["section"]
    assert not held.unknown
    figure = next((home / "found").glob("*.png"))
    assert sort_files([figure]).kinds["section"] == (figure,)  # named, it is read


def test_what_people_write_beside_is_passed_over_and_measurements_are_not(tmp_path):
    write_example("xps", tmp_path / ".hidden")
    good = (tmp_path / ".hidden" / "cycled.vms").read_bytes()
    (tmp_path / ".hidden" / "notes 1.vms").write_bytes(good)
    (tmp_path / ".hidden" / "README.md").write_text("what this is", encoding="utf-8")
    held = sort_files([tmp_path / ".hidden"])  # hidden from above, but named here
    assert [p.name for p in held.kinds["xps"]] == ["cycled.vms", "garnet.vms", "notes 1.vms"]
    assert not held.unknown
    assert not sort_files([tmp_path]).kinds


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path):
    paths = []
    for folder in ("a", "b"):
        write_example("indentation", tmp_path / folder)
        (tmp_path / folder / "broken.hld").write_text(f"{folder}\n", encoding="utf-8")
        paths += [tmp_path / folder / name for name in ("indent_1.hld", "broken.hld")]
    found = evaluator("indentation")(paths)
    assert len(evaluation_json(found)["failed"]) == 2
    write_evaluation(found, tmp_path / "out", paths=paths)
    told = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert len(told["files"]) == 4
    same = [FileFailure(file="x", why=why) for why in ("first", "second")]
    assert evaluation_json(replace(found, failures=tuple(same)))["failed"] == {"x": "first; second"}


def test_files_passed_over_are_told_apart(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "info.txt").write_text("what it is", encoding="utf-8")
    assert len({said.partition(":")[0] for said in sort_files([tmp_path]).unknown}) == 2


def test_a_page_says_which_files_it_is_of_and_outlives_no_result(tmp_path):
    write_example("phases", tmp_path / "in")
    every = measure_everything([tmp_path / "in"])
    twice = [*every.found, *every.found]
    write_page(twice, tmp_path / "out", paths=every.paths * 2)
    (tmp_path / "out" / "phases_2" / "mine.txt").write_text("mine", encoding="utf-8")
    told = json.loads((tmp_path / "out/phases/provenance.json").read_text(encoding="utf-8"))
    assert list(told["files"]) == ["garnet.xy"]
    write_page(every.found, tmp_path / "out", paths=every.paths)
    assert [p.name for p in (tmp_path / "out" / "phases_2").iterdir()] == ["mine.txt"]
    assert (tmp_path / "out" / "phases" / "phases.json").is_file()


def test_a_sample_without_results_has_a_name_and_no_empty_table():
    failed = FileFailure(file="cell.mpr", why="cell.mpr ends early")
    found = Evaluation(kind="cycling", files=(), results={}, failures=(failed,))
    assert evaluation_text(found) == ["cycling: cell.mpr", "- not read: cell.mpr ends early"]


def test_what_was_stopped_says_so_everywhere(tmp_path, monkeypatch, capsys):
    write_example("indentation", tmp_path / "in")
    every = measure_everything([tmp_path / "in"])
    stopped = replace(every.found[0], stopped=True)
    assert evaluation_json(stopped)["stopped"] is True
    assert "stopped" in evaluation_text(stopped)[-1]
    assert "stopped" not in evaluation_json(every.found[0])
    told = []

    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("dualyte.report.anything.evaluator", lambda _kind: stop)
    every = measure_everything([tmp_path / "in"], progress=lambda *at: told.append(at))
    assert every.stopped
    assert every.as_dict()["stopped"] is True
    assert (5, 5) not in told  # it was not done
    assert command(["measure", tmp_path / "in"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_progress_over_a_folder_counts_files(tmp_path):
    write_example("indentation", tmp_path / "a")
    write_example("phases", tmp_path / "b")
    told = []
    measure_everything([tmp_path], progress=lambda *at: told.append(at))
    assert told == sorted(told)
    assert {total for _, total in told} == {6}
    assert len({done for done, _ in told}) >= 5
    assert told[-1] == (6, 6)


@pytest.mark.parametrize("words", [["indentation"], []])
def test_ctrl_c_while_figures_are_drawn_costs_no_result(words, tmp_path, monkeypatch, capsys):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    write_example("indentation", tmp_path / "in")
    monkeypatch.setattr("dualyte.report.kinds.draw_all", stop)
    asked = ["measure", *words, tmp_path / "in", "--out", tmp_path / "out", "--json"]
    assert command(asked) == 130
    told = capsys.readouterr()
    assert "hardness" in told.out
    assert json.loads(told.out)
    assert "stopped while writing" in told.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["measure", "xps", "in", "--save", "none/x.toml"], "no folder none"),
        (["example", "xps", "file/x"], "cannot be made"),
        (["example", "xps", "new", "--seed", "-1"], "0 or more"),
    ],
)
def test_where_nothing_can_be_written_is_one_sentence(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    write_example("xps", tmp_path / "in")
    assert command(words) == 2
    assert says in capsys.readouterr().err.strip().splitlines()[-1]
    with pytest.raises(InputError, match="cannot be written"):
        write_material(measure_everything(["in"]).found[0], tmp_path / "none" / "x.toml")


def test_columns_without_headings_are_a_spectrum_only_if_evenly_spaced(tmp_path):
    rows = [(10.0**k, 100 / (k + 1), 5.0) for k in np.arange(0, 5, 0.25)]
    pressed = [(45 * k**2.2, 0.016 * k**1.1, 0.3 + 0.05 * k) for k in range(1, 15)]
    for name, table in (("a.txt", rows), ("b.txt", pressed)):
        text = "".join(f"{x:.6g}\t{y:.6g}\t{z:.6g}\n" for x, y, z in table)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [p.name for p in sort_files([tmp_path]).kinds["eis"]] == ["a.txt"]
