"""The command line: what goes in, what comes out on which stream, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fake_classifier import EXAMPLES, FakeClassifier
from typer.testing import CliRunner, Result

from classifier import cli, intake, terminal
from classifier.diagnosis import Diagnosis
from classifier.intake import Unread

if TYPE_CHECKING:
    from pathlib import Path

FAILED = str(EXAMPLES / "failed_run.json")
SUCCEEDED = str(EXAMPLES / "succeeded_run.json")


def run(*arguments: str, stdin: bytes = b"") -> Result:
    tools = terminal.Tools(load=lambda *_: FakeClassifier())
    return CliRunner().invoke(cli.app, list(arguments), obj=tools, input=stdin, catch_exceptions=False)


def bug(folder: Path, name: str = "bug.json") -> str:
    path = folder / name
    path.write_text(json.dumps([{"role": "user", "name": "a", "content": "BUG"}]), encoding="utf-8")
    return str(path)


def test_json_gives_one_diagnosis_per_run_and_says_what_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"chat_history": [', encoding="utf-8")
    result = run("classify", "--json", FAILED, str(tmp_path / "broken.json"), SUCCEEDED)
    first, second, third = result.stdout.splitlines()
    diagnosis = Diagnosis.model_validate_json(first)
    assert (diagnosis.file, diagnosis.cause, diagnosis.agent) == (FAILED, "E2.2", "Data_Analyst")
    unread = Unread.model_validate_json(second)
    assert unread.file.endswith("broken.json")
    assert "line 1" in unread.error
    assert Diagnosis.model_validate_json(third).outcome == "succeeded"
    assert result.exit_code == 3


def test_all_read_is_0_and_nothing_read_is_1(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.json")
    assert run("classify", "--json", FAILED).exit_code == 0
    nothing = run("classify", "--json", missing)
    assert nothing.exit_code == 1
    assert json.loads(nothing.stdout) == {
        "file": missing,
        "error": f"{missing}: cannot be read: No such file or directory",
    }


@pytest.mark.parametrize("arguments", [["classify"], ["classify", FAILED, "--format", "yaml"], ["nonsense"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    assert "who_and_when" in run("classify", FAILED, "--format", "yaml").stderr


def test_standard_input_is_read() -> None:
    result = run("classify", "--json", "-", stdin=(EXAMPLES / "failed_run.json").read_bytes())
    assert result.exit_code == 0
    assert json.loads(result.stdout)["file"] == "-"


def test_the_named_format_is_the_one_that_reads() -> None:
    result = run("classify", "--json", FAILED, "--format", "tau_bench")
    assert result.exit_code == 1
    assert "read as tau_bench" in json.loads(result.stdout)["error"]


def test_a_defect_on_one_run_does_not_cost_the_others(tmp_path: Path) -> None:
    result = run("classify", "--json", bug(tmp_path), FAILED)
    assert result.exit_code == 3
    assert "a defect of coroner: RuntimeError" in json.loads(result.stdout.splitlines()[0])["error"]


def test_folders_are_searched_in_order_and_other_files_passed_over(tmp_path: Path) -> None:
    for name in ("b.json", "a/2.jsonl.gz", "a/1.TXT", ".git/x.json", "annotations.jsonl", "README.md", ".c.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found, passed_over = intake.find([str(tmp_path)])
    assert [os.path.relpath(path, tmp_path) for path in found] == ["b.json", "a/1.TXT", "a/2.jsonl.gz"]
    assert passed_over == 3  # what a hidden folder holds is not counted
    assert intake.find([str(tmp_path / "README.md"), "-"])[0] == [str(tmp_path / "README.md"), "-"]


def test_of_the_runs_of_a_bench_only_the_records_are_read(tmp_path: Path) -> None:
    run_files = ("run.json", "record.jsonl", "log.txt", "native/history.json", "workspace/data.json")
    names = ("bench.json", "annotations.jsonl", *(f"runs/a/{name}" for name in run_files), "runs/b/run.json")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found, passed_over = intake.find([str(tmp_path)])
    assert [os.path.relpath(path, tmp_path) for path in found] == ["runs/a/record.jsonl", "runs/b/run.json"]
    assert passed_over == 1  # the annotations
    assert intake.find([str(tmp_path / "runs/a/workspace")])[0] == [str(tmp_path / "runs/a/workspace/data.json")]
    (tmp_path / "runs").rename(tmp_path / "others")
    assert str(tmp_path / "bench.json") in intake.find([str(tmp_path)])[0]


def test_a_folder_without_logs_is_said_to_be_one(tmp_path: Path) -> None:
    result = run("classify", str(tmp_path))
    assert (result.exit_code, result.stderr) == (1, "coroner: no file to read\n")


def test_a_file_over_the_limit_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_bytes(b"x" * 100)
    assert len(intake.load(str(path), limit=10)) == 11


def test_a_name_that_is_no_utf8_is_still_json(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")
    try:
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - the name is the matter
            file.write("{")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert json.loads(run("classify", "--json", path).stdout)["file"].endswith("\ufffd.json")


def test_few_runs_get_a_page_each_and_many_a_line_and_a_summary() -> None:
    few, many = run("classify", FAILED, SUCCEEDED), run("classify", *[FAILED] * 4)
    assert few.stdout.count("What the log says") == 1
    assert "there is no failure to explain" in few.stdout
    assert len([part for part in many.stdout.splitlines() if part.endswith("failed_run.json")]) == 4
    assert "4  E2.2 Functionality error" in many.stdout
    assert run("classify", "--full", *[FAILED] * 4).stdout.count("What the log says") == 4


def test_what_could_not_be_read_is_told_on_standard_error_without_its_control_characters(tmp_path: Path) -> None:
    result = run("classify", FAILED, str(tmp_path / "\x1b[31mred"))
    assert "\x1b" not in result.output
    assert "red: cannot be read" in result.stderr
    assert "red: cannot be read" not in result.stdout


def test_a_classifier_that_cannot_be_loaded_ends_the_command_with_its_reason() -> None:
    def refuse(*_: object) -> FakeClassifier:
        raise ValueError("the index was made with another embedder")

    result = CliRunner().invoke(cli.app, ["classify", FAILED], obj=terminal.Tools(load=refuse))
    assert (result.exit_code, result.stderr) == (1, "coroner: the index was made with another embedder\n")


def test_the_taxonomy_is_shown_whole_by_cause_and_as_json(tmp_path: Path) -> None:
    whole = run("taxonomy")
    assert "19 = 9 second-tier + 10 third-tier" in " ".join(whole.stdout.split())
    assert "E2.4 Goal conflict" in run("taxonomy", "goal conflict").stdout
    assert len(json.loads(run("taxonomy", "--json").stdout)["causes"]) == 19
    assert json.loads(run("taxonomy", "FM-1.3", "--taxonomy", "mast", "--json").stdout)["slug"] == "step_repetition"
    for arguments in (["taxonomy", "E9"], ["taxonomy", "--taxonomy", str(tmp_path / "none.toml")]):
        refused = run(*arguments)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("coroner: ")


def test_help_lists_the_exit_codes() -> None:
    words = " ".join(run("--help").stdout.split())
    assert all(code in words for code in ("0 all done", "1 no input", "2 wrong usage", "3 done, but"))


def test_a_terminal_that_knows_only_ascii_gets_ascii(tmp_path: Path) -> None:
    script = tmp_path / "ascii.py"
    script.write_text(
        "import sys\nfrom classifier import cli, terminal\nfrom fake_classifier import FakeClassifier\n"
        "cli.app(obj=terminal.Tools(load=lambda *_: FakeClassifier()))\n",
        encoding="utf-8",
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter on our own script
        [sys.executable, str(script), "classify", FAILED],
        env={"PYTHONPATH": os.pathsep.join(["tests", "."]), "PYTHONIOENCODING": "ascii", "COLUMNS": "60"},
        cwd=EXAMPLES.parent,
        capture_output=True,
        check=True,
    )
    assert done.stdout.isascii()
    assert b"###X###" in done.stdout


def test_a_cold_start_imports_nothing_heavy() -> None:
    script = (
        "import sys; import classifier.cli, classifier.pipeline, classifier.intake, classifier.report; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603 - as above
    heavy = {
        "torch",
        "sklearn",
        "scipy",
        "statsmodels",
        "mapie",
        "litellm",
        "fastapi",
        "uvicorn",
        "sentence_transformers",
    }
    assert heavy.isdisjoint(done.stdout.split())
