"""coroner bench inject: a labelled corpus of runs that fail for causes which were put in."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.terminal import Exit, fail, say

if TYPE_CHECKING:
    from runner.inject import Quota


def inject(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for the corpus: traces, and annotations.jsonl.")],
    work: Annotated[Path, typer.Option("--work", help="Folder for the runs; one that was begun is gone on with.")],
    framework: Annotated[str, typer.Option("--framework", help="Frameworks, with commas; all.")] = "autogen,metagpt",
    tasks: Annotated[str, typer.Option("--tasks", help="Tasks: ids, categories (web, data, files), or all.")] = "all",
    per_cause: Annotated[
        str,
        typer.Option("--per-cause", help="Failing runs of each cause in each framework: 12, or autogen=16,metagpt=8."),
    ] = "autogen=16,metagpt=8,taskweaver=2",
    successes: Annotated[
        str, typer.Option("--successes", help="Runs in each framework that succeed, as for --per-cause.")
    ] = "autogen=45,metagpt=22,taskweaver=4",
    sandbox: Annotated[
        str, typer.Option("--sandbox", help="docker, bubblewrap, or auto: the first of them that works here.")
    ] = "auto",
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="No sandbox: the agents' code runs as you, on your files.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs at a time.")] = 2,
    probe: Annotated[bool, typer.Option("--probe", help="Also say how far words alone give the causes away.")] = False,
) -> None:
    """Make runs that fail for a known cause, of all 19, and write them down as a labelled folder.

    Each is run for real, and counts only if it failed and its log shows where. Repeat the command to go on.
    """
    from runner import bench, options, runs, tasksets  # noqa: PLC0415 - read at every start of coroner
    from runner import inject as making  # noqa: PLC0415 - as above
    from runner.frameworks import InstallError  # noqa: PLC0415 - as above
    from runner.progress import Tally, watch  # noqa: PLC0415 - as above

    try:
        frameworks = options.frameworks(framework)
        quotas = _quotas(frameworks, per_cause, successes)
        config = options.configure(
            frameworks=frameworks,
            models=("scripted",),
            task_set="own",
            tasks=options.choose(tasksets.load("own").tasks(), options.words(tasks, "--tasks")),
            rounds=(making.ROUNDS,),
            repeat=1,
            faults=making.all_faults(),
            sandbox=options.sandbox(sandbox, unsafe=unsafe),
            caps=making.CAPS,
            model_base=None,
            window=None,
        )
    except options.OptionError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        workshop = making.Stage(config, options.environments(), scripts=work / "scripts").installing()
        found, made = making.make(
            work / "bench", workshop, quotas, at_once=jobs, watch=lambda done, total: watch(done, total, Tally())
        )
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        raise typer.Exit(Exit.FAILED) from None
    except (bench.BenchError, runs.RunError, InstallError) as error:
        fail(str(error))
    size = making.write(out, found)
    say(f"{out}: {len(found)} runs, {size / 2**20:.1f} MiB; {len(made.missing)} others do not count")
    for one in made.missing:
        say(f"  {one.run}: {one.why}")
    if probe:
        from runner import probe as probing  # noqa: PLC0415 - as above

        say(probing.table(probing.examine(out)))
    if size > making.MOST_BYTES:
        fail(f"{out}: more than {making.MOST_BYTES // 2**20} MiB; ask for fewer runs")
    if made.short:
        fail(f"too few runs that count: {'; '.join(made.short)}")


def _quotas(frameworks: tuple[str, ...], per_cause: str, successes: str) -> dict[str, Quota]:
    from runner.inject import Quota  # noqa: PLC0415 - as above

    causes, right = _counts(frameworks, per_cause, "--per-cause"), _counts(frameworks, successes, "--successes")
    return {name: Quota(per_cause=causes[name], successes=right[name]) for name in frameworks}


def _counts(frameworks: tuple[str, ...], text: str, option: str) -> dict[str, int]:
    """Read `12`, or `autogen=16,metagpt=8`. Raises OptionError."""
    from runner.options import OptionError  # noqa: PLC0415 - as above

    counts: dict[str, int] = {}
    for word in text.split(","):
        name, given, number = word.strip().rpartition("=")
        if not number.isdecimal():
            raise OptionError(f"{option}: {text!r} is neither a number nor a list such as autogen=16,metagpt=8")
        counts |= {name: int(number)} if given else dict.fromkeys(frameworks, int(number))
    lacking = [name for name in frameworks if name not in counts]
    if lacking:
        raise OptionError(f"{option}: {text!r} says nothing of {', '.join(lacking)}")
    return counts
