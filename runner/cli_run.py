"""coroner bench run: options in, runs in a folder out."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.terminal import Exit, fail, say

if TYPE_CHECKING:
    from runner.matrix import Config
    from runner.one import Workshop


def run(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for the runs; one that was begun is gone on with.")],
    framework: Annotated[str, typer.Option("--framework", help="Frameworks, with commas; all.")] = "autogen",
    model: Annotated[
        str, typer.Option("--model", help="Models, with commas: scripted (offline), or as litellm names them.")
    ] = "scripted",
    model_base: Annotated[
        str | None, typer.Option("--model-base", help="Address of the models' API, where not usual.")
    ] = None,
    tasks: Annotated[
        str, typer.Option("--tasks", help="Tasks, with commas: ids, categories (web, data, files), or all.")
    ] = "all",
    task_set: Annotated[str, typer.Option("--task-set", help="own, or a folder in a known layout.")] = "own",
    rounds: Annotated[
        str, typer.Option("--rounds", help="Most rounds of a run; several with commas: 3,5,10 runs each.")
    ] = "10",
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs of each.")] = 1,
    fault: Annotated[
        str | None,
        typer.Option("--fault", help="Causes that the scripted model plays, with commas: E2.1, E3.2:variant, all."),
    ] = None,
    sandbox: Annotated[
        str, typer.Option("--sandbox", help="docker, bubblewrap, or auto: the first of them that works here.")
    ] = "auto",
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="No sandbox: the agents' code runs as you, on your files.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs at a time.")] = 2,
    max_calls: Annotated[int | None, typer.Option("--max-calls", min=1, help="Most calls of a run.")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Most tokens of a run.")] = None,
    max_usd: Annotated[float | None, typer.Option("--max-usd", min=0, help="Most money of a run.")] = None,
    max_seconds: Annotated[float, typer.Option("--max-seconds", min=1, help="Most seconds of a run.")] = 600.0,
    window: Annotated[int | None, typer.Option("--window", min=64, help="Tokens of context that a model sees.")] = None,
    redo_broken: Annotated[bool, typer.Option("--redo-broken", help="Begin runs anew that broke.")] = False,
) -> None:
    """Run tasks: each by each framework and model, in a sandbox, recorded and scored. Repeat it to go on."""
    from runner import (  # noqa: PLC0415 - read at every start of coroner
        one,
        options,
        tasksets,
    )
    from runner.proxy.caps import Caps  # noqa: PLC0415 - as above

    try:
        config = options.configure(
            frameworks=options.frameworks(framework),
            models=options.words(model, "--model"),
            task_set=task_set,
            tasks=options.choose(tasksets.load(task_set).tasks(), options.words(tasks, "--tasks")),
            rounds=options.numbers(rounds, "--rounds"),
            repeat=repeat,
            faults=options.faults(fault) if fault else (),
            sandbox=options.sandbox(sandbox, unsafe=unsafe),
            caps=Caps(calls=max_calls, tokens=max_tokens, usd=max_usd, seconds=max_seconds),
            model_base=model_base,
            window=window,
        )
    except (options.OptionError, tasksets.TaskSetError) as error:
        raise typer.BadParameter(str(error)) from error
    carry_out(out, config, one.Workshop(config, options.environments()), at_once=jobs, redo_broken=redo_broken)


def carry_out(out: Path, config: Config, workshop: Workshop, *, at_once: int, redo_broken: bool = False) -> None:
    """Make the runs of a bench that are not there yet; end the command with its exit code."""
    from runner import bench, labels, runs  # noqa: PLC0415 - as above
    from runner.frameworks import InstallError  # noqa: PLC0415 - as above
    from runner.progress import Tally, watch  # noqa: PLC0415 - as above

    tally = Tally()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the labels are still written
    try:
        workshop = workshop.installing()
        with bench.opened(out, config, redo_broken=redo_broken) as cells:
            done = runs.load(out)
            for each in done:
                tally.add(each)
            if done:
                say(f"{out}: {len(done)} runs are done, {len(cells)} are left")
            try:
                with closing(bench.run(out, cells, workshop, at_once=at_once)) as made:
                    for _ in watch(made, len(done) + len(cells), tally):
                        pass
            finally:
                labelled = labels.write(out, runs.load(out))
    except KeyboardInterrupt:
        say(f"stopped: {tally.words()}; the same command goes on from here")
        raise typer.Exit(Exit.FAILED) from None
    except (bench.BenchError, runs.RunError, InstallError) as error:
        fail(str(error))
    say(f"{out}: {tally.words()}" + (f"; {labelled} labelled failures in {labels.FILE}" if labelled else ""))
    if tally.counts[runs.Outcome.BROKEN]:
        say("broken runs say nothing of the agent; --redo-broken begins them anew")
        raise typer.Exit(Exit.SOME_UNREAD)
