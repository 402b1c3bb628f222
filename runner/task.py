"""Task: one piece of work of a benchmark, what counts as its answer, and how it can be done."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from classifier.trace import Frozen

if TYPE_CHECKING:
    from pathlib import Path


class Category(StrEnum):
    """The study's three kinds of work (Lu, Li and Huo 2025, section III)."""

    WEB = "web_crawling"
    DATA = "data_analysis"
    FILES = "file_operations"


class Kind(StrEnum):
    """How two values of an answer are compared; see `scoring`."""

    NUMBER = "number"  # to `decimals` places, as the task asks; as it stands where `decimals` is None
    TEXT = "text"
    LIST = "list"  # comma-separated, order counts


class Answer(Frozen):
    """One value that is asked for. It is given as `@name[value]`, the form of InfiAgent-DABench."""

    name: str = Field(pattern=r"^\w+$")
    value: str
    kind: Kind = Kind.TEXT
    decimals: int | None = Field(default=None, ge=0)
    what: str = ""  # what the value is, in the words of the prompt: "the mean price in euros, two decimals"


class Stage(Frozen):
    """One part of the reference solution.

    `code` is Python; it may use the names of earlier stages, and running the earlier stages once more does no harm, so
    that a framework without a kernel can send all stages so far as one script. The last stage prints the answer in
    its form.
    """

    aim: str  # as a plan would say it: "Read sales.csv and drop rows without a price"
    code: str


class Task(Frozen):
    """A task. Its files are made by its task set; see `TaskSet.build`.

    `environment` tells the agent what it finds: files, packages, the address of the site ("{site}" stands for it).
    """

    id: str = Field(pattern=r"^[\w-]+$")
    category: Category
    description: str
    instruction: str
    constraints: tuple[str, ...] = ()
    environment: str = ""
    answers: tuple[Answer, ...] = Field(min_length=1)
    stages: tuple[Stage, ...] = ()  # none: the set has no reference solution
    seed: int = 0
    level: str | None = None  # easy, medium, hard, where the set says so

    def at(self, site: str) -> Task:
        """Return the task with the site's address (no slash at its end) for every "{site}", in texts and in code."""

        def put(text: str) -> str:
            return text.replace("{site}", site)

        return self.model_copy(
            update={
                "description": put(self.description),
                "instruction": put(self.instruction),
                "constraints": tuple(map(put, self.constraints)),
                "environment": put(self.environment),
                "stages": tuple(Stage(aim=put(stage.aim), code=put(stage.code)) for stage in self.stages),
            }
        )


class TaskSet(Protocol):
    """A folder of tasks: the project's own, or somebody's benchmark."""

    def tasks(self) -> tuple[Task, ...]:
        """Return the tasks, in a fixed order."""
        ...

    def build(self, task: Task, folder: Path) -> None:
        """Write the files that the task starts from into an empty folder. The same task gives the same bytes."""
        ...
