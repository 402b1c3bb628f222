"""Voices against requests as the frameworks word them; the contents are invented."""

from __future__ import annotations

import json

import pytest

from runner.scripted import voices
from runner.scripted.moves import Act, Finish, Plan, Say, Script, rounds
from runner.scripted.voices import Message, metagpt

SCRIPT = Script(
    moves=(
        Plan(steps=("Read the file", "Add it up", "Report"), said="Plan:"),
        Act(aim="Read the file", thought="I read.", code="x = 41"),
        Act(aim="Add it up", thought="I add.", code="print(f'@sum[{x}]')"),
        Finish(text="It is {answer}.", otherwise="I do not know."),
    )
)
PLAN = (
    "# Context:\nuser: \n## User Requirement\nAdd. Answer @sum[sum].\n## Context\n\n## Current Plan\n{plan}\n"
    "## Current Task\n{{}}\n\n# Task:\nOutput a list of jsons following the format:\n"
)
CODE = (
    "# User Requirement\nAdd. Answer @sum[sum].\n\n# Plan Status\n\n## Finished Tasks\n### code\n```python\n{code}\n```"
    "\n\n### execution result\n{result}\n\n## Current Task\n{task}\n\n## Task Guidance\nWrite complete code"
)


def asked(*contents: str, system: str = "You are a helpful assistant.") -> voices.Messages:
    turns = [Message("assistant" if i % 2 else "user", content) for i, content in enumerate(contents)]
    return (Message("system", system), *turns)


def tasks_of(text: str) -> list[dict[str, object]]:
    found = json.loads(text.partition("```json\n")[2].removesuffix("\n```"))
    assert isinstance(found, list)
    return found


def test_metagpt_is_given_its_plan_as_a_list_of_dependent_tasks() -> None:
    reply = metagpt.reply(asked(PLAN.format(plan="[]")), SCRIPT, 0)
    tasks = tasks_of(reply.text)
    assert [task["instruction"] for task in tasks] == ["Read the file", "Add it up", "Report"]
    assert tasks[1]["dependent_task_ids"] == ["1"]
    assert (reply.played, reply.next) == ((0,), 1)


def test_metagpt_keeps_finished_tasks_when_it_plans_anew_and_plays_no_move() -> None:
    done = {
        "task_id": "1",
        "dependent_task_ids": [],
        "instruction": "Read the file",
        "task_type": "eda",
        "is_finished": True,
    }
    reply = metagpt.reply(asked(PLAN.format(plan=json.dumps([done]))), SCRIPT, 2)
    assert [task["instruction"] for task in tasks_of(reply.text)] == ["Read the file", "Add it up", "Report"]
    assert (reply.played, reply.next) == ((), 2)


def test_metagpt_prints_the_last_word_with_the_answer_of_the_finished_tasks() -> None:
    request = asked(CODE.format(code="print(f'@sum[{x}]')", result="@sum[41]", task="Report"))
    assert "print('It is @sum[41].')" in metagpt.reply(request, SCRIPT, 3).text


def test_metagpt_does_not_take_the_form_in_the_task_for_an_answer() -> None:
    request = asked(CODE.format(code="", result="", task="Report"))
    assert "I do not know." in metagpt.reply(request, SCRIPT, 3).text


def test_metagpt_sees_the_answer_of_an_attempt_before_the_last_one() -> None:
    first = CODE.format(code="", result="", task="Report")
    assert (
        "@sum[7]" in metagpt.reply(asked(first, "print('@sum[7]'); 1 / 0", "@sum[7],ZeroDivisionError"), SCRIPT, 3).text
    )


def test_metagpt_gets_no_cell_to_check_data_with() -> None:
    check = "# Background\nCheck latest data info to guide subsequent tasks.\n\n## Finished Tasks\n"
    assert metagpt.reply(asked(check), SCRIPT, 1) == voices.Reply("", (), 1)


def test_metagpt_goes_on_printing_when_tasks_are_left_and_the_script_is_over() -> None:
    reply = metagpt.reply(asked(CODE.format(code="", result="", task="More")), SCRIPT, 4)
    assert reply.text.startswith("```python\nprint(")
    assert reply.played == ()


def test_metagpt_runs_a_shell_command_as_a_cell_of_bash() -> None:
    act = Act(aim="List", thought="", code="ls", language="sh")
    script = Script(moves=(act,))
    assert metagpt.reply(asked(CODE.format(code="", result="", task="List")), script, 0).text == (
        "```python\n%%bash\nls\n```"
    )


PLANNER = "You are the Planner who can coordinate Workers"
INTERPRETER = "## On current environment context:\n"


def said(reply: voices.Reply) -> dict[str, str]:
    parts: dict[str, str] = json.loads(reply.text)["response"]
    return parts


def test_taskweavers_planner_hands_the_next_step_over_and_its_interpreter_plays_it() -> None:
    voice = voices.load("taskweaver")
    handed = voice.reply(asked("From: User\nMessage: Add.", system=PLANNER), SCRIPT, 0)
    assert said(handed)["send_to"] == "CodeInterpreter"
    assert said(handed)["current_plan_step"] == "1. Read the file"
    assert (handed.played, handed.next) == ((0,), 1)
    coded = voice.reply(asked("## Conversation Start", system=INTERPRETER), SCRIPT, handed.next)
    assert said(coded) == {"thought": "I read.", "reply_type": "python", "reply_content": "x = 41"}
    assert (coded.played, coded.next) == ((1,), 2)


def test_taskweavers_planner_gives_the_user_what_the_code_printed() -> None:
    report = "From: CodeInterpreter\nMessage: Executed:\n```python\nprint('@sum[0]')\n```\nThe stdout is:\n@sum[41]\n"
    reply = voices.load("taskweaver").reply(asked("From: User", "{}", report, system=PLANNER), SCRIPT, 3)
    assert said(reply)["send_to"] == "User"
    assert said(reply)["message"] == "It is @sum[41]."


def test_taskweavers_interpreter_says_so_when_the_script_has_no_code_for_it() -> None:
    reply = voices.load("taskweaver").reply(asked("## Conversation Start", system=INTERPRETER), SCRIPT, 3)
    assert said(reply)["reply_type"] == "text"
    assert (reply.played, reply.next) == ((), 3)


@pytest.mark.parametrize(("framework", "count"), [("autogen", 3), ("metagpt", 3), ("taskweaver", 5)])
def test_rounds_are_counted_as_the_framework_counts_them(framework: str, count: int) -> None:
    assert rounds(SCRIPT.moves, framework) == count


def test_a_question_costs_a_round_and_a_plan_of_its_own_only_where_it_is_a_message() -> None:
    moves = (Plan(steps=("Ask",), alone=True), Say(text="May I?"))
    assert [rounds(moves, framework) for framework in ("autogen", "metagpt")] == [2, 1]
