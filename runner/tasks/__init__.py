"""The project's own tasks: 12 web crawling, 18 data analysis, 4 file operations. This folder is the registry.

A task of your own is one new file here, named by its id, with

    TASK = Task(id="<the file's name>", ...)
    def build(folder: Path) -> None: ...   # only where the task starts from files
        "Write them into an empty folder. TASK.seed alone decides what is in them."

`coroner bench verify` and the contract tests find it, and hold it to being solvable, and not by a guess.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from runner.task import Category, Task

if TYPE_CHECKING:
    from types import ModuleType

_ORDER = tuple(Category)


class UnknownTaskError(ValueError):
    """A name that no task has. Says which there are."""


def names() -> tuple[str, ...]:
    """Return the tasks' ids in the order of the alphabet."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")))


def load(name: str) -> Task:
    """Return the task of that id. Raises UnknownTaskError."""
    task = _module(name).TASK
    if not isinstance(task, Task) or task.id != name:
        raise TypeError(f"runner/tasks/{name}.py: TASK must be a Task with id={name!r}")
    return task


def tasks() -> tuple[Task, ...]:
    """Return all tasks: web crawling, data analysis, file operations, each in the order of the alphabet."""
    return tuple(sorted(map(load, names()), key=lambda task: (_ORDER.index(task.category), task.id)))


def build(task: Task, folder: Path) -> None:
    """Write the files that the task starts from into an empty folder; none where it has none."""
    module = _module(task.id)
    if hasattr(module, "build"):
        module.build(folder)


def _module(name: str) -> ModuleType:
    if name not in names():
        raise UnknownTaskError(f"no task is called {name!r}: there are {', '.join(names())}")
    return import_module(f"{__name__}.{name}")
