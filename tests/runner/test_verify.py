from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from runner import verify as verifier
from runner.task import Answer, Kind, Stage, Task
from runner.tasks import tasks
from runner.verify import guess, page, verify

if TYPE_CHECKING:
    from pathlib import Path

ATLAS = next(task for task in tasks() if task.id == "web_atlas")


def solved_by(*code: str, value: str = "7319") -> Task:
    """Return the atlas task, which has no files, with another solution and answer."""
    answers = (Answer(name="x", value=value, kind=Kind.TEXT, what="the number"),)
    return ATLAS.model_copy(update={"stages": tuple(Stage(aim="-", code=one) for one in code), "answers": answers})


def test_every_task_is_solvable_and_not_by_a_guess() -> None:
    failed = [one for one in verify(tasks()) if not one.passed]
    assert not failed, failed


def test_tasks_are_verified_without_a_sandbox_too() -> None:
    (found,) = verify([ATLAS], sandbox="unsafe")
    assert found.passed, found


def test_a_solution_that_needs_a_kernel_or_a_script_fails_the_other_way() -> None:
    counted = "import os\nn = len(os.listdir('.'))\nopen(f'{n}', 'w').close()\n"
    (found,) = verify([solved_by(counted, "print(f'@x[{7319 + n}]')")])
    assert found.problems["kernel"] == ""
    assert "x: 7320 is wrong, expected 7319" in found.problems["script"]
    assert not found.passed


def test_a_stage_that_fails_is_told_with_its_number_and_error() -> None:
    (found,) = verify([solved_by("a = 1", "b = a / 0", "print('@x[7319]')")])
    assert found.problems["script"].endswith("ZeroDivisionError: division by zero (stage 2)")
    assert found.problems["kernel"].endswith("ZeroDivisionError: division by zero (stage 2)")


def test_what_a_child_process_prints_counts() -> None:
    (found,) = verify([solved_by("import subprocess", "subprocess.run(['echo', '@x[7319]'], check=True)")])
    assert found.passed, found


def test_a_solution_that_kills_its_process_is_a_problem_of_that_task_alone() -> None:
    dead, alive = verify([solved_by("import os", "os._exit(3)"), solved_by("", "print('@x[7319]')")])
    assert "ended with 3" in dead.problems["script"]
    assert alive.passed


@pytest.mark.parametrize("value", ["0", "yes", "Fragments", "Fragments and queries"])
def test_constants_and_words_of_the_prompt_are_guesses(value: str) -> None:
    assert value in guess(solved_by("", "", value=value))


def test_one_value_that_cannot_be_guessed_is_enough() -> None:
    easy = Answer(name="easy", value="1", kind=Kind.NUMBER)
    hard = Answer(name="hard", value="7319", kind=Kind.NUMBER)
    assert guess(ATLAS.model_copy(update={"answers": (easy,)}))
    assert not guess(ATLAS.model_copy(update={"answers": (easy, hard)}))


def test_files_that_differ_when_built_again_are_named(tmp_path: Path) -> None:
    for name, text in (("a", "1"), ("b", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.csv").write_text("0")
        (tmp_path / name / "data.csv").write_text(text)
    (tmp_path / "b" / "more.csv").write_text("")
    assert verifier._difference(tmp_path / "a", tmp_path / "b").endswith("data.csv, more.csv")


def test_the_page_shows_each_task_and_what_is_wrong_with_it() -> None:
    found = list(verify([solved_by("1 / 0", "print('@x[7319]')")]))
    console = Console(width=200, file=(out := io.StringIO()))
    console.print(page(found))
    text = out.getvalue()
    assert "web_atlas" in text
    assert "ZeroDivisionError: division by zero (stage 1)" in text
    assert "0 of 1 tasks can be solved" in text
