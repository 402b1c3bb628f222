"""The scripted model: it plays each task's reference solution, and faults, in each framework's answer format.

A script is a tuple of moves (`moves`), written from a task in a scene (`scene`), in the words of a seed (`surface`,
`phrases`). A voice (`voices/`) says a move as the framework wants it said, and the player (`player`) is the model
behind the proxy. Faults (`faults/`) write scripts that fail for one of the 19 causes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.moves import Script
from runner.scripted.player import Player
from runner.scripted.scene import Scene
from runner.scripted.surface import Surface

if TYPE_CHECKING:
    from runner.scripted.lab import Lab
    from runner.task import Task

__all__ = ["Player", "Scene", "Script", "Surface", "play"]


def play(task: Task, framework: str, seed: str, lab: Lab) -> Script:
    """Write the script of a run that solves the task, in the words of a seed.

    The task is as the run sees it (`Task.at`). Raises ValueError for one without a reference solution.
    """
    return Scene(task, framework, Surface(f"{task.id}/{framework}/{seed}"), lab).solution()
