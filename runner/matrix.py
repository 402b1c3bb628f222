"""Matrix: which runs a bench is made of. One cell is one run, and its key names its folder."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pydantic import Field

from classifier.trace import Frozen
from runner.proxy.caps import Caps

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLUG = 40  # letters of a name that a key shows; the hash after it tells longer ones apart


class Cell(Frozen):
    """One run: this task, by this framework and model, in at most `rounds` rounds, for the `repeat`-th time (from 1).

    `fault` is what the scripted model does wrong, `CAUSE` or `CAUSE:variant`; None where it is to succeed.
    """

    task: str
    framework: str
    model: str
    rounds: int = Field(gt=0)
    repeat: int = Field(default=1, gt=0)
    fault: str | None = None

    @property
    def key(self) -> str:
        """The name of the run's folder: the same for the same cell, different for different ones."""
        shown = [self.task, self.framework, self.model, f"r{self.rounds}", str(self.repeat)]
        words = [re.sub(r"[^\w.-]+", "-", word)[-_SLUG:].strip("-.") for word in [*shown, self.fault or ""]]
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]
        return "_".join([*(word for word in words if word), digest])


class Config(Frozen):
    """All that decides what the runs of a bench are; kept in its `bench.json`, so that a resumed one is the same.

    `task_set` is `own` or the path of a folder, `fingerprint` a hash of the tasks as they were when the bench began.
    """

    frameworks: tuple[str, ...] = Field(min_length=1)
    models: tuple[str, ...] = Field(min_length=1)
    task_set: str
    tasks: tuple[str, ...] = Field(min_length=1)
    fingerprint: str
    rounds: tuple[int, ...] = Field(min_length=1)
    repeat: int = Field(default=1, gt=0)
    faults: tuple[str, ...] = ()
    sandbox: str
    caps: Caps = Caps(seconds=600.0)
    model_base: str | None = None  # address of the models' API; None: as litellm knows it
    window: int | None = None  # tokens; None: the model's own

    def cells(self) -> Iterator[Cell]:
        """Give the cells in a fixed order that mixes frameworks and tasks, so that the first results tell something."""
        for repeat in range(1, self.repeat + 1):
            for fault in self.faults or (None,):
                for task in self.tasks:
                    for rounds in self.rounds:
                        for model in self.models:
                            for framework in self.frameworks:
                                yield Cell(
                                    task=task,
                                    framework=framework,
                                    model=model,
                                    rounds=rounds,
                                    repeat=repeat,
                                    fault=fault,
                                )

    def differences(self, other: Config) -> tuple[str, ...]:
        """Say in which fields another configuration differs, each with both values."""
        mine, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return tuple(f"{name}: {mine[name]} there, {theirs[name]} now" for name in mine if mine[name] != theirs[name])
