"""Casting: who plays the model of a run: a provider, or the scripted model with a solution or a fault."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from runner.runs import NoPlaceError, Truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.matrix import Cell, Config
    from runner.model import Model
    from runner.proxy import Record
    from runner.scripted import Player, Script
    from runner.task import Task, TaskSet

SCRIPTED = "scripted"


class Part(NamedTuple):
    """What answers a run's agent, and how the run differs from others for it.

    `truth` says from the run's record what is wrong with it, None where nothing was put in.
    """

    model: Model
    max_rounds: int
    window: int | None
    truth: Callable[[Record], Truth | None]


def cast(cell: Cell, task: Task, task_set: TaskSet, site: str, config: Config) -> Part:
    """Say who plays the model of a cell. Raises NoPlaceError where the task has no place for the fault."""
    if cell.model != SCRIPTED:
        from runner.proxy.upstream import Litellm  # noqa: PLC0415 - litellm is heavy

        return Part(Litellm(cell.model, api_base=config.model_base), cell.rounds, config.window, lambda _: None)
    return stage(write(cell, task, task_set, site), cell, config)


def stage(script: Script, cell: Cell, config: Config) -> Part:
    """Let the scripted model play a script."""
    from runner.scripted import Player  # noqa: PLC0415 - not for others' models

    player = Player(script, cell.framework)
    return Part(player, script.max_rounds or cell.rounds, script.window or config.window, _Label(player))


def write(cell: Cell, task: Task, task_set: TaskSet, site: str) -> Script:
    """Write the script of a cell; it is tried out as it is written. `site` is the site's address in the run."""
    from runner.scripted import play  # noqa: PLC0415 - as above
    from runner.scripted.lab import Lab  # noqa: PLC0415 - as above

    placed = task.at(site)

    def build(folder: Path) -> None:
        task_set.build(task, folder)

    with ExitStack() as stack:
        reached = ""
        if placed != task:  # it speaks of the site
            from runner.site import serving  # noqa: PLC0415 - as above

            reached = stack.enter_context(serving.on_port())
        lab = stack.enter_context(Lab(build, site=site if reached else "", reached_at=reached))
        seed = str(cell.repeat)
        if cell.fault is None:
            return play(placed, cell.framework, seed, lab)
        from runner.scripted import faults  # noqa: PLC0415 - as above

        cause, _, variant = cell.fault.partition(":")
        script = faults.inject(cause, placed, cell.framework, seed, lab, variant=variant or None)
    if script is None:
        raise NoPlaceError(f"{task.id} has no place for the fault {cell.fault}")
    return script


@dataclass(frozen=True)
class _Label:
    """What is wrong with a run, once it has been played: the decisive move is known, its place in the record is not."""

    player: Player

    def __call__(self, record: Record) -> Truth | None:
        script = self.player.script
        if script.cause is None:
            return None
        number = next((each.call for each in self.player.played if each.move == script.decisive), None)
        call = next((call for call in record.calls if number is not None and call.number == number), None)
        return Truth(
            cause=script.cause,
            variant=script.variant,
            step=call.answer if call else None,
            agent=call.agent if call else None,
            note=script.note,
        )
