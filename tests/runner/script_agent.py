"""A tiny agent framework, and a workshop that runs it: a plain Python script asks its model until it is done."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from runner import bench
from runner.casting import Part
from runner.frameworks import Collected, Framework, Installed, Setup, Start
from runner.matrix import Cell, Config
from runner.model import ModelError
from runner.one import Workshop
from runner.proxy.caps import Caps
from runner.task import Answer, Category, Kind, Task, TaskSet

DRIVER = """
import json, sys, time, urllib.request
setup = json.load(open("setup.json"))
if "crashes" in setup["prompt"]:
    sys.exit("cannot start")
said = [{"role": "user", "content": setup["prompt"]}]
rounds = 0
while rounds < setup["max_rounds"] or "for ever" in setup["prompt"]:
    rounds += 1
    body = json.dumps({"model": setup["model"], "messages": said}).encode()
    try:
        url, kind = setup["base_url"] + "/chat/completions", {"Content-Type": "application/json"}
        answer = json.load(urllib.request.urlopen(urllib.request.Request(url, body, kind)))
        answer = answer["choices"][0]["message"]["content"]
    except OSError:
        time.sleep(0.02)  # plans anew whatever happens, as MetaGPT does
        continue
    said += [{"role": "assistant", "content": answer}, {"role": "user", "content": "Go on."}]
    open("log.json", "w").write(json.dumps(said))
    if answer.startswith("DONE"):
        break
open("kept.txt", "w").write(open("given.txt").read())
"""

WORDS = {
    "solved": "Add the numbers in given.txt.",
    "wrong": "Add the numbers in given.txt; it is answered wrongly.",
    "endless": "Add the numbers in given.txt; it is gone about for ever.",
    "crashing": "Add the numbers in given.txt; the agent crashes.",
    "unanswered": "Add the numbers in given.txt; the model is away.",
    "unprepared": "Add the numbers in given.txt; the framework breaks.",
}


class ScriptAgent:
    """The framework."""

    PACKAGES: tuple[str, ...] = ()

    def install(self, _home: Path) -> Installed:
        python = Path(sys.executable).resolve()
        return Installed(name="script", version="1", python=python, folders=(python.parents[1],))

    def prepare(self, setup: Setup) -> Start:
        if "breaks" in setup.prompt:
            raise RuntimeError("the framework is broken")
        told = {name: getattr(setup, name) for name in ("prompt", "model", "base_url", "max_rounds")}
        (setup.workspace / "setup.json").write_text(json.dumps(told), encoding="utf-8")
        (setup.workspace / "driver.py").write_text(DRIVER, encoding="utf-8")
        readable = {folder: str(folder) for folder in setup.installed.folders}
        return Start(argv=(str(setup.installed.python), "driver.py"), readable=readable)

    def collect(self, workspace: Path) -> Collected:
        log = workspace / "log.json"
        said = json.loads(log.read_bytes()) if log.is_file() else []
        answers = [message["content"] for message in said if message["role"] == "assistant"]
        return Collected(native=(log,) if said else (), final=answers[-1] if answers else "")


class Sums:
    """The tasks."""

    def tasks(self) -> tuple[Task, ...]:
        total = Answer(name="total", value="6", kind=Kind.NUMBER, decimals=0)
        return tuple(
            Task(id=name, category=Category.FILES, description="Sums.", instruction=words, answers=(total,))
            for name, words in WORDS.items()
        )

    def build(self, _task: Task, folder: Path) -> None:
        (folder / "given.txt").write_text("1 2 3", encoding="utf-8")


@dataclass(frozen=True)
class Parrot:
    """The model: it thinks, then says its line."""

    line: str
    away: bool = False

    def complete(self, body: Any, /) -> dict[str, Any]:
        if self.away:
            raise ModelError("the model is away", status=503)
        done = len(body["messages"]) > 2 and self.line
        content = f"DONE {self.line}" if done else "Let me think."
        return {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": "parrot",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        }


@dataclass(frozen=True)
class Shop(Workshop):
    """Runs the script agent on the sums."""

    def framework(self, _name: str) -> Framework:
        return ScriptAgent()

    @cached_property
    def task_set(self) -> TaskSet:
        return Sums()

    def cast(self, cell: Cell, task: Task, _site: str) -> Part:
        lines = {"wrong": "@total[7]", "endless": ""}
        model = Parrot(lines.get(task.id, "@total[6]"), away=task.id == "unanswered")
        return Part(model, cell.rounds, None, lambda _: None)


def shop(*tasks: str, sandbox: str = "unsafe", repeat: int = 1, caps: Caps | None = None) -> Shop:
    config = Config(
        frameworks=("script",),
        models=("parrot",),
        task_set="sums",
        tasks=tasks,
        fingerprint="",
        rounds=(10,),
        repeat=repeat,
        sandbox=sandbox,
        caps=caps or Caps(seconds=60),
    )
    return Shop(config, Path("unused"), patience=0.3)


def main(folder: Path, repeat: int) -> None:
    made_in = shop("solved", repeat=repeat)
    with (
        bench.opened(folder, made_in.config) as cells,
        closing(bench.run(folder, cells, made_in, at_once=2)) as made,
    ):
        for run in made:
            print(run.id, flush=True)  # noqa: T201 - what the test waits for


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
