"""The first hour, simulated on invented runs: the figures are of runs held out, and the same for every order."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import invented_traces as invented
import pytest

from classifier import training
from service.simulate import Team, main, simulate
from service.simulate_tables import page_table, queue_table

if TYPE_CHECKING:
    from pathlib import Path

    from service.simulate_tables import Trial

EXAMPLES = invented.examples(48, systems=invented.SYSTEMS[:2], seed=4)


@pytest.fixture(scope="module")
def team() -> Team:
    tables = [training.describe(each, invented.embedder()) for each in EXAMPLES]
    runs = [training.label(*each, invented.scheme()) for each in zip(EXAMPLES, tables, strict=True)]
    twice = runs[0].model_copy(update={"run": "a copy"})
    return Team([*runs, twice], [*tables, tables[0]], invented.embedder(), invented.scheme())


@pytest.fixture(scope="module")
def trials(team: Team) -> list[Trial]:
    return list(islice(simulate(team, seeds=[0], draws=1, page=True), 4))  # two folds


def test_no_task_that_is_asked_about_is_learnt_and_no_run_is_there_twice(team: Team) -> None:
    folds = list(team.folds(seed=0))
    assert {fold.system for fold in folds} == set(invented.SYSTEMS[:2])
    for fold in folds:
        groups = [{team._runs[i].group for i in each} for each in (fold.asked, fold.pool, fold.base)]
        assert not groups[0] & (groups[1] | groups[2])
        assert all(team._runs[i].system != fold.system for i in fold.base)
        assert not {"a copy", team._runs[0].run} <= {team._runs[i].run for i in (*fold.pool, *fold.asked)}


def test_the_queue_labels_each_run_once_and_chance_the_same_runs_in_another_order(team: Team) -> None:
    fold = next(team.folds(seed=0))
    queue, chance = team.by_queue(fold, team.base(fold)), team.by_chance(fold, 3)
    assert len(set(queue)) == len(queue) == min(40, len(fold.pool))
    assert sorted(chance) == sorted(fold.pool)
    assert queue[:10] != chance[:10]


def test_every_order_is_asked_about_the_same_runs_and_the_page_speaks_of_the_queue(trials: list[Trial]) -> None:
    for one in trials:
        same = [each for each in trials if (each.runs, each.labels) == (one.runs, one.labels)]
        assert {each.order for each in same} == {"queue", "chance 0"}
        assert one.compared == (one.order == "queue")
        assert [guess.best for guess in one.before] == [guess.best for guess in same[0].before]


def test_the_tables_tell_of_the_queue_and_of_what_the_page_said(trials: list[Trial]) -> None:
    first, told = "\n".join(queue_table(trials)), "\n".join(page_table(trials))
    assert f"| {trials[0].system} | 10 | queue |" in first
    said = sum(trial.compared for trial in trials)
    counted = re.findall(r"^\| 10 \| (?:better|worse|cannot be told apart) \| (\d+) \|", told, flags=re.MULTILINE)
    assert sum(map(int, counted)) == said > 0


def test_a_folder_without_labels_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "annotations.jsonl").write_text("{")
    assert main([str(tmp_path), "--embedder", invented.EMBEDDER]) == 2
    assert "Error" in capsys.readouterr().err
