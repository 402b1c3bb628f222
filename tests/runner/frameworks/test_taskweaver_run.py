"""TaskWeaver, for real where it is installed: its run in a sandbox, and what its three logs tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from played import PROMPT, Played, in_turn, leave, play

from classifier.trace import Role
from runner.frameworks import Installed, _run, load

if TYPE_CHECKING:
    from pathlib import Path

PLAN = {
    "init_plan": "1. Read data.csv\n2. Sum x <sequentially depends on 1>\n3. Report <interactively depends on 2>",
    "plan": "1. Read data.csv and sum x\n2. Report the sum",
}


def planner(to: str, message: str, step: str) -> str:
    return json.dumps({"response": {**PLAN, "current_plan_step": step, "send_to": to, "message": message}})


def code(thought: str, *lines: str) -> str:
    reply = {"thought": thought, "reply_type": "python", "reply_content": "\n".join(lines)}
    return json.dumps({"response": reply})


ANSWERS = [
    planner("CodeInterpreter", "Please read data.csv and sum x.", "1. Read data.csv and sum x"),
    code("I read it first.", "import pandas as pd", "", "df = pd.read_csv('data.csv')", "df['y'].sum()"),
    code(
        "It has no y.", "df = pd.read_csv('data.csv')", "total = int(df['x'].sum())", "print('seen nowhere')", "total"
    ),
    planner("CodeInterpreter", "Please give it in its form.", "1. Read data.csv and sum x"),
    code("total lives on.", "print(f'@total[{total}]')", "open('note.txt', 'w').write('60')", "print('written')"),
    planner("User", "It is @total[60].", "2. Report the sum"),
]


@pytest.fixture(scope="module")
def run(taskweaver: Installed, tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(taskweaver, in_turn(ANSWERS), tmp_path_factory.mktemp("taskweaver"))


def told(answer: str) -> list[tuple[str, ...]]:
    """The parts of an answer that a trace tells, in their order, and the message apart."""
    parts = dict(json.loads(answer)["response"])
    message = parts.pop("message", None)
    shown = [text for name, text in parts.items() if name not in ("send_to", "reply_type")]
    return [("\n".join(shown),), *([(message,)] if message else [])]


def test_a_run_goes_from_the_prompt_to_its_last_word(run: Played) -> None:
    assert run.ended.code == 0, run.console
    assert len(run.seen) == len(ANSWERS)
    assert PROMPT in run.seen[0]["messages"][1]["content"]
    assert run.collected.final == "It is @total[60]."
    assert (run.workspace / "note.txt").read_text() == "60"


@pytest.mark.parametrize("log", ["rounds.json", "events.jsonl", "task_weaver.log"])
def test_every_log_tells_the_same_story_as_the_record(run: Played, log: str) -> None:
    steps = run.trace(log).steps
    said = [step.content for step in steps if step.role is Role.ASSISTANT]
    assert run.answers == ANSWERS
    assert said == [text for answer in run.answers for (text,) in told(answer)]
    results = [step for step in steps if step.role is Role.TOOL]
    assert [step.error for step in results] == ["KeyError: 'y'", None, None]
    assert "execution is:\n60" in results[1].content
    assert "@total[60]" in results[2].content
    # The log says of the code what the model was told.
    shown = [result.content.removeprefix("SUCCESS\n").removeprefix("FAILURE\n") for result in results]
    assert [text for text in shown[1:] if text not in run.told] == []
    assert "KeyError: 'y'" in run.told
    # The last line has a value, so TaskWeaver tells nobody what was printed.
    assert "The stdout is" not in results[1].content


def test_the_round_fails_after_the_posts_that_it_was_given(taskweaver: Installed, tmp_path: Path) -> None:
    def answer(body: dict[str, object]) -> str:
        return ANSWERS[0] if "You are the Planner" in str(body) else code("Again.", "print('again')")

    done = play(taskweaver, answer, tmp_path, rounds=4)
    assert len(done.seen) == 4
    assert done.collected.final == ""
    assert done.trace("rounds.json").succeeded is False
    assert done.trace("events.jsonl").succeeded is False
    assert "exceeds the limit of 4" in done.trace("task_weaver.log").steps[-1].content


def test_an_answer_that_is_no_json_is_in_every_log_as_far_as_taskweaver_read_it(
    taskweaver: Installed, tmp_path: Path
) -> None:
    done = play(taskweaver, in_turn(["I would rather talk.", ANSWERS[-1]]), tmp_path)
    assert done.collected.final == "It is @total[60]."
    for log in ("rounds.json", "events.jsonl", "task_weaver.log"):
        (invalid,) = (step for step in done.trace(log).steps if step.kind == "invalid_response")
        assert invalid.content.startswith("I")  # it stops reading where the JSON breaks: no log has the rest
        assert "I would rather talk.".startswith(invalid.content.strip())


def test_the_key_is_in_no_log(run: Played) -> None:
    assert len(run.collected.native) == 3
    assert all(_run.KEY.encode() not in path.read_bytes() for path in run.collected.native)


def post(sender: str, to: str, message: str) -> dict[str, object]:
    return {"send_from": sender, "send_to": to, "message": message, "attachment_list": []}


@pytest.mark.parametrize(
    ("posts", "final"),
    [
        ([post("User", "Planner", "Do."), post("Planner", "User", "@a[1]")], "@a[1]"),
        ([post("Planner", "User", "Which file?"), post("Planner", "CodeInterpreter", "Read it.")], "Which file?"),
        ([post("User", "Planner", "Do."), post("CodeInterpreter", "Planner", "@a[1]")], ""),
        ("no list", ""),
    ],
)
def test_the_last_word_is_what_the_planner_told_the_user(posts: object, final: str, tmp_path: Path) -> None:
    leave(tmp_path, rounds_json={"rounds": [{"post_list": posts}]})
    assert load("taskweaver").collect(tmp_path).final == final
