"""MetaGPT plans anew for ever what never works: caps from outside must end it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import formats
from runner import frameworks, sandboxes
from runner.casting import Part
from runner.matrix import Cell, Config
from runner.one import Workshop
from runner.proxy.caps import Caps
from runner.runs import Outcome

sys.path.insert(0, str(Path(__file__).parents[1]))
from script_agent import Sums

if TYPE_CHECKING:
    from runner.task import Task, TaskSet

PLAN = [{"task_id": "1", "dependent_task_ids": [], "instruction": "Add the numbers", "task_type": "other"}]


class Hopeless:
    """A model whose code never works."""

    def __init__(self) -> None:
        self.plans = 0

    def complete(self, body: Any, /) -> dict[str, Any]:
        asked = str(body["messages"][-1]["content"])
        planning = "Output a list of jsons following the format" in asked
        self.plans += planning
        content = f"```json\n{json.dumps(PLAN)}\n```" if planning else "```python\nraise ValueError('never')\n```"
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "1", "object": "chat.completion", "created": 0, "model": "hopeless", "choices": [choice]}


@dataclass(frozen=True)
class Endless(Workshop):
    """Runs MetaGPT with it."""

    model: Hopeless | None = None

    @cached_property
    def task_set(self) -> TaskSet:
        return Sums()

    def cast(self, cell: Cell, _task: Task, _site: str) -> Part:
        return Part(self.model or Hopeless(), cell.rounds, None, lambda _: None)


def test_caps_hold_against_metagpts_endless_replanning(metagpt: frameworks.Installed, tmp_path: Path) -> None:
    box = "bubblewrap" if sandboxes.load("bubblewrap").available() is None else "unsafe"
    config = Config(
        frameworks=("metagpt",),
        models=("hopeless",),
        task_set="sums",
        tasks=("solved",),
        fingerprint="",
        rounds=(100_000,),  # MetaGPT itself would not stop
        sandbox=box,
        caps=Caps(calls=12, seconds=400),
    )
    model = Hopeless()
    (cell,) = config.cells()
    run = Endless(config, tmp_path, installed=(metagpt,), patience=1, model=model).make(cell, tmp_path)
    assert run.error is None
    assert (run.outcome, run.stopped_by, run.usage.calls) == (Outcome.FAILED, "calls", 12)
    assert model.plans > 1  # it did plan anew
    (trace,) = formats.read((tmp_path / "record.jsonl").read_bytes())
    assert trace.succeeded is False
    assert sum("never" in step.content for step in trace.steps) > 1
    assert (tmp_path / "native" / "console.txt").is_file()
