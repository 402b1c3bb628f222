from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner.prompt import prompt
from runner.scoring import score
from runner.task import Category, Kind, Task
from runner.tasks import UnknownTaskError, build, load, names, tasks

if TYPE_CHECKING:
    from pathlib import Path

TASKS = tasks()


def test_the_folder_is_the_registry() -> None:
    assert sorted(task.id for task in TASKS) == sorted(names())
    assert [task.category for task in TASKS] == sorted((task.category for task in TASKS), key=list(Category).index)
    assert Counter(task.category for task in TASKS) == {Category.WEB: 12, Category.DATA: 18, Category.FILES: 4}


def test_a_task_that_is_not_there_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownTaskError, match="web_atlas"):
        load("web_nothing")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_a_task_has_all_that_a_task_needs(task: Task) -> None:
    assert task.id.startswith(
        {"web_crawling": "web_", "data_analysis": "data_", "file_operations": "file_"}[task.category]
    )
    assert task.description
    assert task.instruction
    assert task.environment
    assert task.level in {"easy", "medium", "hard"}
    assert 2 <= len(task.stages) <= 5
    assert all(stage.aim and stage.code for stage in task.stages)
    assert all(answer.what for answer in task.answers)
    assert len({answer.name for answer in task.answers}) == len(task.answers)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_a_declared_answer_is_right_in_its_own_form(task: Task) -> None:
    stated = " ".join(f"@{answer.name}[{answer.value}]" for answer in task.answers)
    assert score(task, stated).success
    for answer in task.answers:
        if answer.kind is Kind.NUMBER and answer.decimals is not None:
            assert answer.value == f"{float(answer.value):.{answer.decimals}f}"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_stages_are_python_and_only_the_last_states_answers(task: Task) -> None:
    *first, last = task.at("http://127.0.0.1:8000").stages
    for stage in (*first, last):
        ast.parse(stage.code)
    stated = [answer.name for answer in task.answers]
    assert all(f"@{name}[" in last.code for name in stated)
    assert not any(f"@{name}[" in stage.code for stage in first for name in stated)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_no_prompt_gives_an_answer_away(task: Task) -> None:
    text = prompt(task.at("http://127.0.0.1:8000"))
    values = [answer.value for answer in task.answers]
    assert not score(task, text).success
    assert not all(value in text for value in values)


def test_a_task_without_files_builds_nothing(tmp_path: Path) -> None:
    build(load("web_atlas"), tmp_path)
    assert not list(tmp_path.iterdir())
