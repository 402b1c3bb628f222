"""The project's own tasks, as a task set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import tasks

if TYPE_CHECKING:
    from pathlib import Path

    from runner.task import Task

FILE = ""  # known by its name
_NAME = "own"


class _Own:
    def tasks(self) -> tuple[Task, ...]:
        return tasks.tasks()

    def build(self, task: Task, folder: Path) -> None:
        tasks.build(task, folder)


def claims(spec: str) -> bool:
    """Tell whether the project's own tasks are meant; a folder of that name is ./own."""
    return spec == _NAME


def load(spec: str) -> _Own:  # noqa: ARG001 - there is one
    """Return the project's own tasks."""
    return _Own()
