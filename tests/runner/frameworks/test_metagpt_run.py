"""MetaGPT's Data Interpreter, for real: its environment, its run in a sandbox, and what its three logs tell."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from played import PROMPT, Played, assert_in_order, in_turn, leave, play

from classifier.trace import Role
from runner.frameworks import Installed, _run, load

if TYPE_CHECKING:
    from pathlib import Path

LOAD = {"task_id": "1", "dependent_task_ids": [], "instruction": "Read the file", "task_type": "eda"}
CLEAN = {"task_id": "2", "dependent_task_ids": ["1"], "instruction": "Clean x", "task_type": "data preprocessing"}
SUM = {"task_id": "3", "dependent_task_ids": ["2"], "instruction": "Sum y", "task_type": "other"}
LONG = "that " * 50  # a listing on the console is cut where it ends


def plan(*tasks: dict[str, object]) -> str:
    return f"```json\n{json.dumps(tasks, indent=1)}\n```"


def code(*lines: str, thought: str = "Now this.") -> str:
    return "\n".join([thought, "```python", *lines, "```"])


ANSWERS = [
    f"This is what I will do.\n\nThree things.\n{plan(LOAD, CLEAN, SUM)}\nThat is all.",
    code("import pandas as pd", "", "df = pd.read_csv('data.csv')", "print(5)", thought="I think.\n\nThen I read:\n"),
    code("from metagpt.tools.libs.data_preprocess import get_column_info", "print(get_column_info(df))"),
    code("df = df.dropna()", "df.describe()") + "\nThis cleans it.",
    code("print('before')", "total = df['y'].sum()"),
    "I am done, since the total can be seen at once.",
    code("try:", "    total = df.y.sum()", "except KeyError as error:", "    print('1 try')", "print(total)"),
    plan(SUM | {"instruction": "Sum x, there is no y"}),
    code(f"# It is a comment {LONG}long", "total = df['x'].sum()", "print(f'@total[{total}]')"),
]


@pytest.fixture(scope="module")
def run(metagpt: Installed, tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(metagpt, in_turn(ANSWERS), tmp_path_factory.mktemp("metagpt"))


def outputs(run: Played) -> list[str]:
    """What came last of each cell, in their order, as the notebook of the run has it."""
    result = json.loads(next(path for path in run.collected.native if path.name == "result.json").read_text())
    last = [cell["outputs"][-1] for cell in result["cells"]]
    return [
        (output.get("text") or output.get("data", {}).get("text/plain") or output["evalue"].partition(" (")[0]).strip()
        for output in last
    ]


def test_a_run_goes_from_the_prompt_to_its_last_word(run: Played) -> None:
    assert run.ended.code == 0, run.console
    assert len(run.seen) == len(ANSWERS)
    assert PROMPT in run.seen[0]["messages"][1]["content"]
    assert run.collected.final == "@total[60]"


def test_the_console_tells_the_same_story_as_the_record(run: Played) -> None:
    steps = run.trace("console.txt").steps
    answers = [step.content for step in steps if step.role is Role.ASSISTANT and step.kind != "task"]
    assert [text.strip() for text in answers] == run.answers == [text.strip() for text in ANSWERS]
    results = [step.content for step in steps if step.kind == "result"]
    assert len(results) == len(outputs(run))
    for result, output in zip(results, outputs(run), strict=True):
        assert result.rstrip().endswith(output)
    # What came of the last cell, the model is never told.
    assert [result for result in results[:-1] if result.strip() not in run.told] == []
    recorded = "\n".join(step.content for step in run.recorded.steps)
    assert [line for result in results[:-1] if (line := result.strip().split("\n")[-1]) not in recorded] == []
    assert results[0].strip() == "5"
    assert results[-1].strip() == "@total[60]"


def test_the_notebook_tells_every_code_and_what_came_of_it(run: Played) -> None:
    trace = run.trace("result.json")
    fenced = [re.search(r"```(\w+)\n(.*?)\n```", text, re.DOTALL) for text in ANSWERS]
    codes = [
        found[2].strip() if found else text
        for found, text in zip(fenced, ANSWERS, strict=True)
        if not found or found[1] == "python"
    ]
    assert [step.content.strip() for step in trace.steps if step.kind == "code"] == codes
    results = [step.content for step in trace.steps if step.role is Role.TOOL]
    assert len(results) == len(codes)
    for result, output in zip(results, outputs(run), strict=True):
        assert output in result
    assert trace.task == PROMPT


def test_the_log_file_tells_the_same_as_far_as_it_goes(run: Played) -> None:
    repeated = ["print(5)", "5", "df.describe()", "count   3.0", "df['y'].sum()", "KeyError: 'y'", ANSWERS[5]]
    assert_in_order(repeated, [step.content for step in run.trace("logs/*.txt").steps])


def always_failing(body: dict[str, object]) -> str:
    """Plan, and write code that fails: MetaGPT would go on for ever."""
    return plan(SUM | {"dependent_task_ids": []}) if "Available Task Types" in str(body) else code("1 / 0")


def test_the_run_ends_after_the_rounds_it_was_given_though_its_code_always_fails(
    metagpt: Installed, tmp_path: Path
) -> None:
    done = play(metagpt, always_failing, tmp_path, rounds=5)
    codes = [body for body in done.seen if "Available Task Types" not in str(body)]
    assert len(codes) == 5
    assert done.ended.code == 0
    assert "maximum of 5 rounds is reached" in done.trace("console.txt").steps[-1].content
    assert done.collected.final == ""


def test_the_agent_gets_no_stand_in_for_a_package_that_is_not_there(metagpt: Installed, tmp_path: Path) -> None:
    tried = code(
        *(["for name in ('anthropic', 'google.generativeai', 'websocket'):", "    try:", "        __import__(name)"]),
        *(["    except ModuleNotFoundError as error:", "        print(error)"]),
        "import numpy, pandas, scipy, sklearn, requests, bs4",
    )
    done = play(metagpt, in_turn([plan(LOAD), tried]), tmp_path)
    assert done.collected.final.splitlines() == [
        "No module named 'anthropic'",
        "No module named 'google'",
        "No module named 'websocket'",
    ]


def test_the_key_is_in_no_log(run: Played) -> None:
    assert len(run.collected.native) == 3
    assert all(_run.KEY.encode() not in path.read_bytes() for path in run.collected.native)


@pytest.mark.parametrize(
    ("outputs", "final"),
    [
        ([{"output_type": "stream", "text": "@a[1]\n"}, {"data": {"text/plain": "3"}}], "@a[1]\n3"),
        ([{"output_type": "error", "ename": "KeyError", "evalue": "@a[1]", "traceback": ["@a[1]"]}], ""),
        ([], ""),
        ("no list", ""),
    ],
)
def test_the_last_word_is_what_the_last_cell_printed(outputs: object, final: str, tmp_path: Path) -> None:
    cells = [{"outputs": [{"text": "earlier"}]}, {"outputs": outputs}]
    leave(tmp_path, result_json={"plan": {}, "cells": cells})
    assert load("metagpt").collect(tmp_path).final == final
