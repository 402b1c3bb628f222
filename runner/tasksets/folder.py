"""A folder of one's own tasks: `tasks.jsonl`, a Task as JSON in each line, and the files of task X in `files/X/`."""

from __future__ import annotations

from pathlib import Path

from runner import forms
from runner.task import Kind, Task
from runner.tasksets._loaded import Line, Loaded, TaskSetError, lines

FILE = "tasks.jsonl"
_FILES = "files"


def claims(spec: str) -> bool:
    """Tell whether the folder has a tasks.jsonl."""
    return Path(spec, FILE).is_file()


def load(spec: str) -> Loaded:
    """Load the tasks. Raises TaskSetError with file and line."""
    found: dict[str, Task] = {}
    for line in lines(Path(spec, FILE), Task):
        if line.value.id in found:
            raise line.broken(f"a second task with the id {line.value.id!r}")
        _check(line)
        found[line.value.id] = line.value
    top = Path(spec, _FILES)
    files = {path.name: path for path in sorted(top.iterdir())} if top.is_dir() else {}
    for name, path in files.items():
        if not path.is_dir():
            raise TaskSetError(f"{path}: files of a task lie in a folder named by the task's id")
        if name not in found:
            raise TaskSetError(f"{path}: no task in {FILE} has this id")
    return Loaded(tuple(found.values()), files)


def _check(line: Line[Task]) -> None:
    """Refuse answers that nothing could match."""
    line.distinct([answer.name for answer in line.value.answers])
    for answer in line.value.answers:
        if answer.kind is Kind.NUMBER and forms.number(answer.value) is None:
            raise line.broken(f"answers: {answer.value!r} is no plain number, as {answer.name} must be")
