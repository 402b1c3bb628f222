"""Real frameworks behind the real proxy: the record tells the run once, and caps hold against endless re-planning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from played import in_turn, play

from classifier.trace import Role
from runner.proxy import Caps, read

if TYPE_CHECKING:
    from pathlib import Path

    from runner.frameworks import Installed

PLAN = '```json\n[{"task_id": "1", "dependent_task_ids": [], "instruction": "Sum x", "task_type": "other"}]\n```'


def test_a_run_of_autogen_is_told_once_and_whole(autogen: Installed, tmp_path: Path) -> None:
    answers = [
        "I read it.\n```python\nprint(open('dat.csv').read())\n```",
        "Another name.\n```python\nprint(sum(int(x) for x in open('data.csv').read().split()[1:]))\n```",
        "@total[60] TERMINATE",
    ]
    played = play(autogen, in_turn(answers), tmp_path)
    trace, record = played.recorded, read(played.record)
    assert played.ended.code == 0, played.console
    assert [step.content for step in trace.steps if step.role is Role.ASSISTANT] == answers
    assert [step.role.value for step in trace.steps] == ["system", "user", *["assistant", "tool"] * 2, "assistant"]
    assert "FileNotFoundError" in trace.steps[3].content
    assert [trace.steps[call.answer or 0].content for call in record.calls] == answers


def test_a_run_of_metagpt_is_told_once_though_it_writes_its_prompts_anew(metagpt: Installed, tmp_path: Path) -> None:
    second = '{"task_id": "2", "dependent_task_ids": ["1"], "instruction": "Say it", "task_type": "eda"}'
    answers = [
        PLAN.replace("}]", f"}},\n{second}]"),
        "Wrong column.\n```python\nimport pandas\nframe = pandas.read_csv('data.csv')\nframe['y'].sum()\n```",
        "Right column.\n```python\nimport pandas\nframe = pandas.read_csv('data.csv')\nprint('sum', 60)\n```",
        "So.\n```python\nprint(f\"@total[{frame['x'].sum()}]\")\n```",
    ]
    played = play(metagpt, in_turn(answers), tmp_path)
    trace, record = played.recorded, read(played.record)
    assert played.ended.code == 0, played.console
    assert [step.content for step in trace.steps if step.role is Role.ASSISTANT] == answers
    results = [step.content for step in trace.steps if step.role is Role.TOOL]
    assert len(results) == 2
    assert "KeyError: 'y'" in results[0]
    assert "sum 60" in results[1]
    told = "".join(step.content for step in trace.steps)
    assert told.count("sum 60") == told.count("Right column.") == 1
    assert [call.stream for call in record.calls] == [True] * 4


def test_a_cap_on_time_holds_against_endless_re_planning(metagpt: Installed, tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        if "Output a list of jsons" in body["messages"][-1]["content"]:
            return PLAN
        return f"Once more.\n```python\nraise ValueError('attempt {len(body['messages'])}')\n```"

    played = play(metagpt, answer, tmp_path, rounds=10**6, caps=Caps(seconds=25))  # only a cap ends it
    trace, record = played.recorded, read(played.record)
    assert played.ended.stopped_by is None  # it gave up by itself when the model was closed to it
    assert record.end is not None
    assert record.end.reason == "limit"
    assert record.end.refused <= 3
    assert trace.steps[-1].kind == "limit"
    assert "seconds" in (trace.steps[-1].error or "")
