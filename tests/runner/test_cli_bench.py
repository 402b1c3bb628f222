"""coroner bench: what it lists, what it refuses before it begins, and with which exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from script_agent import shop
from typer.testing import CliRunner, Result

from runner import cli, cli_run, options, runs
from runner.options import OptionError
from runner.runs import Outcome
from runner.task import Answer, Category, Task

if TYPE_CHECKING:
    from pathlib import Path


def told(*arguments: str) -> Result:
    app = typer.Typer()
    cli.mount(app)
    return CliRunner().invoke(app, ["bench", *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--framework", "crewai"), "no 'crewai'"),
        (("--tasks", "data,nonsense"), "no task or category 'nonsense'"),
        (("--rounds", "3,x"), "no list of numbers"),
        (("--rounds", "0"), "less than 1"),
        (("--fault", "E99"), "no fault plays 'E99'"),
        (("--fault", "E2.1:nonsense"), "no variant 'nonsense'"),
        (("--fault", "E2.1", "--model", "gpt-5"), "only the scripted model plays faults"),
        (("--sandbox", "unsafe"), "say --unsafe"),
        (("--sandbox", "nonsense"), "no sandbox named 'nonsense'"),
        (("--sandbox", "docker", "--unsafe"), "cannot both be"),
        (("--task-set", "nowhere"), "no such folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_made(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    how = () if "--sandbox" in arguments else ("--unsafe",)
    refused = told("run", "--out", str(tmp_path / "out"), *how, *arguments)
    assert refused.exit_code == 2
    words = " ".join(refused.stderr.replace("│", " ").split())
    assert said in words
    assert not (tmp_path / "out").exists()


def test_the_tasks_are_listed_for_people_and_for_programs() -> None:
    assert len(told("tasks").stdout.splitlines()) == 1 + 34
    rows = [json.loads(row) for row in told("tasks", "files", "--json", "--prompts").stdout.splitlines()]
    assert {row["category"] for row in rows} == {"file_operations"}
    assert all(row["description"] in row["prompt"] for row in rows)


def test_tasks_are_chosen_by_id_and_category_in_the_order_of_their_set() -> None:
    tasks = [
        Task(id=name, category=category, description="", instruction="", answers=(Answer(name="x", value="1"),))
        for name, category in (("a", Category.WEB), ("b", Category.DATA), ("c", Category.DATA))
    ]
    assert [task.id for task in options.choose(tasks, ("c", "web"))] == ["a", "c"]
    assert [task.id for task in options.choose(tasks, ("data_analysis",))] == ["b", "c"]
    with pytest.raises(OptionError, match="no task or category 'files'"):
        options.choose(tasks, ("files",))
    assert options.fingerprint(tasks) != options.fingerprint(tasks[:2])


def test_a_bench_is_gone_on_with_and_its_exit_code_tells_of_broken_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_in = shop("solved", "crashing")
    for _ in range(2):
        with pytest.raises(typer.Exit) as ended:
            cli_run.carry_out(tmp_path, made_in.config, made_in, at_once=2)
        assert ended.value.exit_code == 3
    assert f"{tmp_path}: 2 runs are done, 0 are left" in capsys.readouterr().err
    assert {run.outcome for run in runs.load(tmp_path)} == {Outcome.SUCCEEDED, Outcome.BROKEN}
    with pytest.raises(typer.Exit) as refused:
        cli_run.carry_out(tmp_path, shop("wrong").config, made_in, at_once=1)
    assert refused.value.exit_code == 1
    assert "begun with another configuration" in capsys.readouterr().err
