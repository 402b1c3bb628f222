"""What layouts of folders share: JSON Lines with places in errors, and a task set whose files lie there already."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.task import Task

_Model = TypeVar("_Model", bound=BaseModel)


class TaskSetError(ValueError):
    """A task set that cannot be read. Names the file, the line where there is one, and what is wrong."""


class Line(Generic[_Model]):
    """One line of a file: what it says, and its place, for errors found later."""

    def __init__(self, path: Path, number: int, value: _Model) -> None:
        self.value = value
        self._place = f"{path}, line {number}"

    def broken(self, why: str) -> TaskSetError:
        """Return the error to raise."""
        return TaskSetError(f"{self._place}: {why}")

    def distinct(self, names: Sequence[str]) -> None:
        """Refuse two answers of one name: only one of them could be given."""
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise self.broken(f"two answers are called {twice[0]!r}")


class Loaded:
    """A task set of a folder: `files` maps a task's id to the file or the folder that it starts from."""

    def __init__(self, tasks: Sequence[Task], files: Mapping[str, Path]) -> None:
        self._tasks = {task.id: task for task in tasks}
        self._files = dict(files)

    def tasks(self) -> tuple[Task, ...]:
        """Return the tasks in the order of their lines."""
        return tuple(self._tasks.values())

    def build(self, task: Task, folder: Path) -> None:
        """Copy the task's files into an empty folder; none where it has none. Raises TaskSetError for a stranger."""
        if task.id not in self._tasks:
            raise TaskSetError(f"no task of this set is called {task.id!r}")
        source = self._files.get(task.id)
        if source is None:
            return
        if source.is_dir():
            shutil.copytree(source, folder, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, folder / source.name)


def lines(path: Path, model: type[_Model]) -> list[Line[_Model]]:
    """Read JSON Lines; blank ones are passed over. Raises TaskSetError with the first line that is broken."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TaskSetError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TaskSetError(f"{path}: cannot be read as UTF-8: {error}") from error
    out = []
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: JSON may hold U+2028 as it is
        if line.strip():
            try:
                out.append(Line(path, number, model.model_validate_json(line)))
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(map(str, first["loc"]))
                raise TaskSetError(f"{path}, line {number}: {field + ': ' if field else ''}{first['msg']}") from None
    if not out:
        raise TaskSetError(f"{path}: holds no line")
    return out
