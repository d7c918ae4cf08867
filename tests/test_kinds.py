"""Every kind of measurement, from example files to the values of a prediction."""

import json

import numpy as np
import pytest

from dualyte import InputError, material
from dualyte.cli import main
from dualyte.measure.examples import example_options, write_example
from dualyte.measure.kinds import evaluator, recognise, sort_files
from dualyte.measure.result import KINDS, Evaluation, each_file, measured
from dualyte.report.anything import samples
from dualyte.report.kinds import PROPERTIES, evaluation_json, write_evaluation, write_material

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
