from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import toy_tasks
from autogen_chat import chat

from runner.model import ModelError
from runner.prompt import prompt
from runner.scoring import score
from runner.scripted import Player, play, voices
from runner.scripted.lab import Lab
from runner.scripted.moves import Act, Finish, Plan, Script

if TYPE_CHECKING:
    from runner.task import Task

ASKED = ({"role": "user", "content": "How many?"},)
SCRIPT = Script(
    moves=(
        Plan(steps=("Read", "Report"), said="Plan:", alone=True),
        Act(aim="Read", thought="I read.", code="x = 41"),
        Act(aim="Read", thought="Again.", code="print(x)"),
        Finish(text="The answer: {answer}", otherwise="I do not know."),
    )
)


def said(player: Player, *messages: dict[str, str]) -> str:
    text = player.complete({"model": "m", "messages": [*ASKED, *messages]})["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("task", toy_tasks.TASKS, ids=lambda task: task.id)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_solution_scores_with_what_the_code_printed(task: Task, seed: str) -> None:
    with Lab(partial(toy_tasks.build, task)) as lab:
        player = Player(play(task, "autogen", seed, lab), "autogen")
        messages = chat(player, prompt(task), lab)
    assert score(task, messages[-1]["content"]).success


def test_the_answer_is_read_from_the_output_and_not_from_the_task() -> None:
    player = Player(Script(moves=SCRIPT.moves[-1:]), "autogen")
    assert said(player, {"role": "user", "content": "exitcode: 0\nCode output: @orders[7]"}).startswith(
        "The answer: @orders[7]"
    )


def test_without_a_printed_answer_it_says_that_it_has_none() -> None:
    player = Player(Script(moves=SCRIPT.moves[-1:]), "autogen")
    failed = 'Traceback\n  print(f"@orders[{n}]")\nNameError: n'
    assert said(player, {"role": "user", "content": failed}).startswith("I do not know.")


def test_a_retry_gets_the_same_answer_and_the_script_does_not_go_on() -> None:
    player = Player(SCRIPT, "autogen")
    first = said(player)
    assert said(player) == first
    second = said(player, {"role": "assistant", "content": first}, {"role": "user", "content": ""})
    assert "x = 41" in second
    assert [(one.call, one.move) for one in player.played] == [(0, 0), (2, 1)]


def test_two_players_of_one_script_say_the_same() -> None:
    assert said(Player(SCRIPT, "metagpt")) == said(Player(SCRIPT, "metagpt"))


def test_autogen_sends_kept_code_again_since_it_has_no_kernel() -> None:
    player = Player(Script(moves=SCRIPT.moves[1:]), "autogen")
    said(player)
    assert "x = 41\n\nprint(x)" in said(player, {"role": "user", "content": "exitcode: 0"})


def test_metagpt_does_not_repeat_code_since_its_notebook_remembers() -> None:
    player = Player(Script(moves=SCRIPT.moves[1:]), "metagpt")
    said(player)
    assert "x = 41" not in said(player, {"role": "user", "content": "next"})


def test_a_request_without_messages_is_refused_with_the_reason() -> None:
    with pytest.raises(ModelError, match="messages"):
        Player(SCRIPT, "autogen").complete({"model": "m"})


def test_an_unknown_framework_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="autogen, metagpt"):
        voices.load("nobody")
