"""AutoGen, for real: its environment, its run in a sandbox, and what its three logs tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from played import PROMPT, Played, assert_in_order, in_turn, leave, play

from classifier.trace import Role
from runner import sandboxes
from runner.frameworks import Installed, _run, load

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = [
    "I read the file.\n```python\nimport pandas as pd\n\ndf = pd.read_csv('data.csv')\nprint(df['y'].sum())\n```",
    (
        "No y.\n```sh\nhead -2 data.csv\n```\n```python\nimport csv\n\n"
        "rows = csv.DictReader(open('data.csv'))\nprint('total', sum(int(row['x']) for row in rows))\n```"
    ),
    "It is @total[60]",
    "The answer is @total[60]\n\nTERMINATE",
]


@pytest.fixture(scope="module")
def run(autogen: Installed, tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(autogen, in_turn(ANSWERS), tmp_path_factory.mktemp("autogen"))


def test_a_run_goes_from_the_prompt_to_its_last_word(run: Played) -> None:
    assert run.ended.code == 0, run.console
    assert len(run.seen) == len(ANSWERS)
    assert run.seen[0]["messages"][1]["content"] == PROMPT
    assert run.collected.final == "The answer is @total[60]"


@pytest.mark.parametrize("log", ["history.json", "autogen.db", "console.txt"])
def test_every_log_tells_the_same_story_as_the_record(run: Played, log: str) -> None:
    trace = run.trace(log)
    assert run.answers == ANSWERS
    assert [step.content.strip() for step in trace.steps if step.role is Role.ASSISTANT] == ANSWERS
    outputs = [step.content.strip() for step in run.recorded.steps if step.content.startswith("exitcode")]
    assert [step.content.strip() for step in trace.steps if step.role is Role.TOOL] == outputs
    assert "KeyError: 'y'" in outputs[0]
    assert outputs[1].endswith("x\n10\ntotal 60")
    assert trace.task == run.recorded.task == PROMPT


def test_code_finds_the_packages_of_the_tasks_and_neither_key_nor_host(autogen: Installed, tmp_path: Path) -> None:
    code = (
        "import os, sys, numpy, pandas, scipy, sklearn, requests, bs4\n"
        "print(sorted(k for k in os.environ if 'KEY' in k or 'CORONER' in k), os.path.realpath('.') == os.getcwd())\n"
        "print(pandas.read_csv('data.csv').x.sum(), sys.executable)"
    )
    done = play(autogen, in_turn([f"```python\n{code}\n```", "TERMINATE"]), tmp_path)
    where = autogen.python if sandboxes.load("bubblewrap").available() else "/opt/autogen/bin/python"
    assert f"[] True\n60 {where}" in done.collected.final


def test_the_run_ends_after_the_rounds_it_was_given(autogen: Installed, tmp_path: Path) -> None:
    done = play(autogen, in_turn(["```python\nprint(1)\n```"]), tmp_path, rounds=2)
    assert len(done.seen) == 2
    assert done.ended.code == 0
    assert done.collected.final == ""


def test_a_run_that_is_killed_leaves_all_that_was_said(autogen: Installed, tmp_path: Path) -> None:
    killing = "Now die.\n```python\nimport os, signal\n\nos.kill(os.getppid(), signal.SIGKILL)\n```"
    done = play(autogen, in_turn(["Wait.\n```python\nprint('so far')\n```", killing]), tmp_path)
    assert done.ended.code == -9
    for log in ("history.json", "autogen.db", "console.txt"):
        assert_in_order(["Wait.", "so far", killing], [step.content for step in done.trace(log).steps])


def test_the_key_is_in_no_log(run: Played) -> None:
    assert all(_run.KEY.encode() not in path.read_bytes() for path in run.collected.native)


def chat(*said: tuple[str, str]) -> dict[str, object]:
    return {"chat_history": [{"name": name, "role": "user", "content": content} for name, content in said]}


CODE = "Let me see.\n```python\nprint('@total[61]')\n```"
OUTPUT = "exitcode: 0 (execution succeeded)\nCode output: @total[60]\n"


@pytest.mark.parametrize(
    ("messages", "final"),
    [
        ([("assistant", "@total[60] TERMINATE")], "@total[60]"),
        ([("assistant", "```\n@total[60]\n```\nTERMINATE.")], "```\n@total[60]\n```"),
        ([("assistant", CODE)], "Let me see."),  # what code might have printed is no answer
        ([("assistant", CODE), ("user_proxy", OUTPUT), ("assistant", "TERMINATE")], "@total[60]"),
        ([("assistant", CODE), ("user_proxy", OUTPUT), ("assistant", "Done.\nTERMINATE")], "Done."),
        ([("assistant", CODE), ("user_proxy", "exitcode: 1 (execution failed)\nCode output: @total[60]"),
          ("assistant", "TERMINATE")], ""),
        ([("user_proxy", "Sum it.")], ""),
        ([("assistant", "")], ""),
    ],
)  # fmt: skip
def test_the_last_word_is_the_assistants_own(messages: list[tuple[str, str]], final: str, tmp_path: Path) -> None:
    leave(tmp_path, history_json=chat(("user_proxy", PROMPT), *messages))
    assert load("autogen").collect(tmp_path).final == final
