"""Task sets: the project's own, and folders of other people's. One file per layout; this folder is the registry.

A layout of your own is one new file here, named like it, with

    FILE = "what-it-is-known-by.jsonl"
    def claims(spec: str) -> bool: ...   # is this mine? a folder is known by the files in it
    def load(spec: str) -> TaskSet: ...  # raises TaskSetError with file and line for whatever is broken
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from runner.tasksets._loaded import TaskSetError

if TYPE_CHECKING:
    from types import ModuleType

    from runner.task import TaskSet

__all__ = ["TaskSetError", "load", "names"]


def names() -> tuple[str, ...]:
    """Return the layouts in the order of the alphabet."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")))


def load(spec: str | Path) -> TaskSet:
    """Load the task set that `spec` names: "own", or a folder, whose layout is found by what is in it.

    Raises TaskSetError where there is no such folder, where no layout or more than one knows it, and where it is
    broken.
    """
    spec = str(spec)
    layouts = [_module(name) for name in names()]
    claiming = [layout for layout in layouts if layout.claims(spec)]
    if len(claiming) == 1:
        loaded: TaskSet = claiming[0].load(spec)
        return loaded
    known = ", ".join(layout.FILE for layout in layouts if layout.FILE)
    if claiming:
        held = ", ".join(layout.FILE for layout in claiming)
        raise TaskSetError(f"{spec}: holds {held}, each of another kind of task set: keep them in folders of their own")
    if not Path(spec).exists():
        raise TaskSetError(f"{spec}: no such folder (the project's own tasks are called own)")
    raise TaskSetError(f"{spec}: no task set: one is a folder that holds one of {known}")


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
