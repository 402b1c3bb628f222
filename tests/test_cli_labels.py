"""The commands over labelled runs, on a small labelled folder of our own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_classifier import EXAMPLES, FakeClassifier
from typer.testing import CliRunner, Result

from classifier import cli, terminal
from classifier.agreement import AgreementReport
from classifier.diagnosis import Diagnosis
from classifier.evaluation import Evaluation
from classifier.index import Index
from classifier.lint import Finding

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str) -> Result:
    tools = terminal.Tools(load=lambda *_: FakeClassifier())
    return CliRunner().invoke(cli.app, list(arguments), obj=tools, catch_exceptions=False)


def note(trace: str, annotator: str, provenance: str = "human", **said: Any) -> dict[str, Any]:
    return {"trace": trace, "annotator": annotator, "provenance": provenance, "file": f"{trace}.json", **said}


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Four runs of four tasks: two people label all, one of them and the fake classifier agree on three."""
    log = json.loads((EXAMPLES / "failed_run.json").read_text(encoding="utf-8"))
    tasks = ("Count the boats in the harbour list.", "Name the tallest tree of the park register.",
             "Sum the tolls of the bridge ledger.", "Find the oldest bell of the tower book.")  # fmt: skip
    notes = []
    for number, (task, second) in enumerate(zip(tasks, ("E2.2", "E2.2", "E2.2", "P1"), strict=True)):
        log["chat_history"][0]["content"] = task
        log["chat_history"][5]["content"] = f"exitcode: 0 (execution succeeded)\nCode output:\n{number}"
        (tmp_path / f"run-{number}.json").write_text(json.dumps(log), encoding="utf-8")
        notes.append(note(f"run-{number}", "ann", cause="E2.2", step=4, agent="Data_Analyst", native_category="4"))
        notes.append(note(f"run-{number}", "ben", cause=second, step=4))
    lines = "".join(f"{json.dumps(one)}\n" for one in notes)
    (tmp_path / "annotations.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


def test_evaluate_gives_the_figures_as_json_and_as_a_page(labelled: Path) -> None:
    found = Evaluation.model_validate_json(run("evaluate", str(labelled), "--json").stdout)
    assert (found.overall.runs, found.overall.tasks) == (4, 4)
    assert found.overall.tier("cause").accuracy.value == 1
    assert found.overall.step_exact.value == 1
    page = run("evaluate", str(labelled)).stdout
    assert "4 runs of 4 tasks" in page
    assert "expected calibration error" in page


def test_evaluate_in_the_annotators_own_categories(labelled: Path) -> None:
    tools = terminal.Tools(load=lambda *_: FakeClassifier("agentrx", blames="4"))
    result = CliRunner().invoke(cli.app, ["evaluate", str(labelled), "--native", "--json"], obj=tools)
    native = Evaluation.model_validate_json(result.stdout).overall
    assert [(score.cause, score.support, score.recall) for score in native.causes] == [("4", 4, 1.0)]


def test_agree_compares_people_and_the_classifier(labelled: Path) -> None:
    people = AgreementReport.model_validate_json(run("agree", str(labelled), "--json").stdout)
    assert [rater.name for rater in people.raters] == ["ann", "ben"]
    assert people.observed.value == 0.75
    three = AgreementReport.model_validate_json(run("agree", str(labelled), "--classifier", "--json").stdout)
    assert [rater.name for rater in three.raters] == ["ann", "ben", "coroner"]
    step = run("agree", str(labelled), "--field", "step").stdout
    assert "Krippendorff's alpha" in step
    assert "at most 1 apart" in step
    only = run("agree", str(labelled), "--annotator", "ann", "--annotator", "nobody")
    assert (only.exit_code, only.stderr) == (1, "coroner: no cause label by nobody; there are ann, ben\n")


def test_agree_needs_no_runs_but_says_so(labelled: Path) -> None:
    for file in labelled.glob("run-*.json"):
        file.unlink()
    result = run("agree", str(labelled / "annotations.jsonl"), "--json")
    assert AgreementReport.model_validate_json(result.stdout).tasks == 4
    assert "none of the runs is at hand" in result.stderr


def test_a_task_in_two_folders_is_one_task(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    log = json.loads((labelled / "run-0.json").read_text(encoding="utf-8"))
    log["chat_history"][4]["content"] = "I count them by hand: nine boats."
    (other / "again.json").write_text(json.dumps(log), encoding="utf-8")
    (other / "annotations.jsonl").write_text(json.dumps(note("again", "ann", cause="P1")), encoding="utf-8")
    found = Evaluation.model_validate_json(run("evaluate", str(labelled), str(other), "--json").stdout)
    assert (found.overall.runs, found.overall.tasks) == (5, 4)


def test_lint_is_silent_on_clean_labels_and_exits_with_1_on_others(labelled: Path) -> None:
    clean = run("lint", str(labelled))
    assert (clean.exit_code, clean.stdout) == (0, "Nothing found.\n")
    with (labelled / "annotations.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(note("run-1", "cem", cause="E9", step=77)))
    found = run("lint", str(labelled), "--json")
    kinds = {Finding.model_validate_json(row).kind for row in found.stdout.splitlines()}
    assert kinds == {"step_out_of_range", "unknown_cause"}
    assert found.exit_code == 1
    assert "step out of range (1)" in run("lint", str(labelled)).stdout


def test_lint_sees_a_task_on_both_sides_of_a_split(labelled: Path) -> None:
    log = (labelled / "run-0.json").read_text(encoding="utf-8").replace("Verifier", "Checker")
    (labelled / "twin.json").write_text(log, encoding="utf-8")
    with (labelled / "annotations.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(note("twin", "ann", cause="E2.2")))
    sides = labelled / "split.json"
    sides.write_text('{"run-0": "train", "twin": "test"}', encoding="utf-8")
    assert "split_task" in run("lint", str(labelled), "--split", str(sides), "--json").stdout
    for broken in ("[]", "{", '{"run-0": 1}'):
        sides.write_text(broken, encoding="utf-8")
        refused = run("lint", str(labelled), "--split", str(sides))
        assert refused.exit_code == 1
        assert str(sides) in refused.stderr


@pytest.mark.parametrize("command", ["evaluate", "agree", "lint"])
def test_a_folder_without_labels_is_refused(command: str, tmp_path: Path) -> None:
    result = run(command, str(tmp_path))
    assert result.exit_code == 1
    assert "annotations.jsonl" in result.stderr


def test_runs_that_cannot_be_read_are_named_but_do_not_end_the_work(labelled: Path) -> None:
    (labelled / "run-3.json").write_text("{", encoding="utf-8")
    result = run("evaluate", str(labelled), "--json")
    assert Evaluation.model_validate_json(result.stdout).overall.runs == 3
    assert "run-3.json" in result.stderr


THINGS = ("apples", "boats", "clocks", "doors", "eels", "forks", "goats", "hats", "inks", "jars", "kites", "lamps")


def learnable(folder: Path, things: tuple[str, ...] = THINGS) -> Path:
    """Runs of twelve tasks: half fail at step 1 by a missing file, half at step 3 by a wrong sum."""
    folder.mkdir()
    notes = []
    for number, thing in enumerate(things):
        missing = number % 2 == 0
        said = (
            ("user_proxy", f"How many {thing} does the stock list of the harbour shop count for last year?"),
            ("Coder", "I read the file.\n```python\nopen('no_such_list.csv')\n```" if missing else "I plan to sum up."),
            ("Computer_terminal", "FileNotFoundError: no_such_list.csv" if missing else "exitcode: 0\nready"),
            ("Coder", "I cannot find it." if missing else f"Adding the {thing} by head, 2 and 2 makes {number + 5}."),
            ("Coder", f"FINAL ANSWER: {number} {thing} TERMINATE"),
        )
        log = {"chat_history": [{"name": name, "role": "user", "content": content} for name, content in said]}
        (folder / f"{thing}.json").write_text(json.dumps(log), encoding="utf-8")
        cause, category, step = ("E3.2", "9", 1) if missing else ("E2.2", "4", 3)
        notes.append(note(thing, "ann", cause=cause, native_category=category, step=step, agent="Coder"))
    lines = "".join(f"{json.dumps(one)}\n" for one in notes)
    (folder / "annotations.jsonl").write_text(lines, encoding="utf-8")
    return folder


def test_train_makes_an_index_and_adds_to_it_in_the_annotators_own_categories_too(tmp_path: Path) -> None:
    folder, more = learnable(tmp_path / "all"), learnable(tmp_path / "more", ("masts", "nets"))
    own, both = tmp_path / "own.npz", tmp_path / "both.npz"
    options = ["--taxonomy", "agentrx", "--native"]
    made = run("train", "--from", str(folder), *options, "--embedder", "hashing", "--out", str(own))
    assert made.exit_code == 0, made.output
    assert "of 12 labelled runs" in made.stderr
    assert {labelled.cause for labelled in Index.load(own).runs} == {"9", "4"}
    added = run("train", "--add", str(more), "--index", str(own), *options, "--out", str(both))
    assert "of 14 labelled runs" in added.stderr
    assert {labelled.run for labelled in Index.load(both).runs} == {*THINGS, "masts", "nets"}
    options = ["--index", str(both), "--taxonomy", "agentrx", "--json"]
    [read] = CliRunner().invoke(cli.app, ["classify", str(more / "nets.json"), *options]).stdout.splitlines()
    assert Diagnosis.model_validate_json(read).candidates[0].cause in {"9", "4"}


def test_train_says_what_it_lacks(tmp_path: Path, labelled: Path) -> None:
    out = ["--out", str(tmp_path / "index"), "--embedder", "hashing"]
    assert run("train", *out).exit_code == 2
    assert run("train", "--from", str(labelled), "--index", "x", *out).exit_code == 2
    few = run("train", "--from", str(labelled), *out)
    assert few.exit_code == 1
    assert "label at least" in few.stderr
    assert not (tmp_path / "index").exists()
