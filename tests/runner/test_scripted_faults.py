from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import toy_tasks
from autogen_chat import chat

from classifier import taxonomy
from runner.prompt import prompt
from runner.scoring import score
from runner.scripted import Player, faults, play
from runner.scripted.lab import Lab
from runner.scripted.moves import Finish, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.task import Task

LABS = {task.id: partial(toy_tasks.build, task) for task in toy_tasks.TASKS}
VARIANTS = [(cause, variant) for cause in faults.causes() for variant in faults.load(cause).VARIANTS]


@pytest.fixture(scope="module")
def labs() -> Iterator[dict[str, Lab]]:
    with Lab(LABS["toy_sales"]) as sales, Lab(LABS["toy_notes"]) as notes:
        yield {"toy_sales": sales, "toy_notes": notes}


def test_every_cause_of_the_taxonomy_can_be_played() -> None:
    studied = taxonomy.load()
    assert set(faults.causes()) == {cause.id for cause in studied.causes}


@pytest.mark.parametrize("cause", faults.causes())
@pytest.mark.parametrize("task", toy_tasks.TASKS, ids=lambda task: task.id)
def test_a_fault_changes_the_script_fails_and_marks_its_decisive_move(
    cause: str, task: Task, labs: dict[str, Lab]
) -> None:
    lab = labs[task.id]
    script = faults.inject(cause, task, "autogen", "1", lab)
    assert script is not None
    assert script.cause == cause
    assert script.note
    assert script.decisive is not None
    assert script.moves != play(task, "autogen", "1", lab).moves
    player = Player(script, "autogen")
    messages = chat(player, prompt(task), lab, rounds=script.max_rounds or 25)
    assert not score(task, messages[-1]["content"]).success
    assert script.decisive in [each.move for each in player.played]


@pytest.mark.parametrize(("cause", "variant"), VARIANTS)
def test_a_variant_finds_its_place_or_says_that_there_is_none(cause: str, variant: str, labs: dict[str, Lab]) -> None:
    for task in toy_tasks.TASKS:
        script = faults.inject(cause, task, "metagpt", "2", labs[task.id], variant=variant)
        if script is not None:
            assert script.variant == variant
            assert isinstance(script.moves[0], Plan)
            assert isinstance(script.moves[-1], Finish)
            assert script.decisive in range(len(script.moves))


def test_the_same_seed_writes_the_same_script(labs: dict[str, Lab]) -> None:
    with Lab(LABS["toy_sales"]) as other:
        first = faults.inject("E2.2", toy_tasks.SALES, "autogen", "7", labs["toy_sales"])
        assert faults.inject("E2.2", toy_tasks.SALES, "autogen", "7", other) == first


def test_other_seeds_write_other_scripts(labs: dict[str, Lab]) -> None:
    scripts = [faults.inject("E2.1", toy_tasks.SALES, "autogen", str(n), labs["toy_sales"]) for n in range(6)]
    assert len({script.model_dump_json() for script in scripts if script}) == 6


def test_code_that_is_wrong_was_seen_to_be_wrong(labs: dict[str, Lab]) -> None:
    script = faults.inject("E2.2", toy_tasks.SALES, "autogen", "3", labs["toy_sales"], variant="other_value")
    assert script is not None
    messages = chat(Player(script, "autogen"), prompt(toy_tasks.SALES), labs["toy_sales"])
    last = score(toy_tasks.SALES, messages[-1]["content"])
    assert any(one.given is not None for one in last.checked)  # it answers, wrongly


def test_an_unknown_cause_and_an_unknown_variant_are_refused_with_the_known_ones(labs: dict[str, Lab]) -> None:
    with pytest.raises(ValueError, match=r"E2\.1"):
        faults.inject("E9", toy_tasks.SALES, "autogen", "1", labs["toy_sales"])
    with pytest.raises(ValueError, match="unparsable"):
        faults.inject("E2.1", toy_tasks.SALES, "autogen", "1", labs["toy_sales"], variant="nothing")
