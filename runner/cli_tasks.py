"""coroner bench tasks and coroner bench install: what there is to be run, and what runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.terminal import Exit, JsonOption, console, or_fail, say, show, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from runner.task import Task


def tasks(
    names: Annotated[
        str, typer.Argument(help="Tasks, with commas: ids, categories (web, data, files), or all.", metavar="TASKS")
    ] = "all",
    *,
    task_set: Annotated[str, typer.Option("--task-set", help="own, or a folder in a known layout.")] = "own",
    prompts: Annotated[bool, typer.Option("--prompts", help="Show the prompts as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the tasks; with --prompts, what an agent is told."""
    from runner import (  # noqa: PLC0415 - read at every start of coroner
        options,
        prompt,
        tasksets,
    )

    chosen = or_fail(lambda: options.choose(tasksets.load(task_set).tasks(), options.words(names, "TASKS")))
    if as_json:
        write("".join(f"{json.dumps(task.model_dump(mode='json') | _prompt(task, prompts))}\n" for task in chosen))
        return
    out = console()
    show(out, _table(chosen))
    if prompts:
        for task in chosen:
            out.print(f"\n{task.id}\n\n{prompt.prompt(task)}", soft_wrap=True)


def install(
    frameworks: Annotated[list[str], typer.Argument(help="Names, or all.", metavar="FRAMEWORK...")],
    *,
    image: Annotated[bool, typer.Option("--image", help="Make images for docker as well.")] = False,
) -> None:
    """Install agent frameworks, each in an environment of its own, from their locks. `run` does so by itself."""
    from runner import frameworks as there  # noqa: PLC0415 - as above
    from runner import images  # noqa: PLC0415 - as above
    from runner.options import OptionError, environments, known  # noqa: PLC0415 - as above
    from runner.sandboxes import SandboxError  # noqa: PLC0415 - as above

    failed = 0
    try:
        names = known(frameworks, there.names(), "FRAMEWORK")
    except OptionError as error:
        raise typer.BadParameter(str(error)) from error
    for name in names:
        try:
            installed = there.load(name).install(environments())
            write(f"{name} {installed.version}: {installed.python}\n")
            if image:
                write(f"{name} {installed.version}: {images.build(name, environments())}\n")
        except (there.InstallError, SandboxError) as error:
            say(str(error))
            failed += 1
    if failed:
        raise typer.Exit(Exit.FAILED if failed == len(names) else Exit.SOME_UNREAD)


def _prompt(task: Task, asked: bool) -> dict[str, str]:  # noqa: FBT001 - as the option is
    from runner.prompt import prompt  # noqa: PLC0415 - as above

    return {"prompt": prompt(task)} if asked else {}


def _table(chosen: Sequence[Task]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - JSON needs no rich

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("task", no_wrap=True, min_width=max(len(task.id) for task in chosen))
    table.add_column("category", no_wrap=True, min_width=max(len(task.category) for task in chosen))
    table.add_column("description", overflow="ellipsis", no_wrap=True)
    for task in chosen:
        table.add_row(task.id, task.category.value, task.description.split("\n")[0])
    return table
