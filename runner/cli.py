"""coroner bench and coroner record: the runner's part of the command line, hung into it by name.

What a command needs is imported inside it: this file is read at every start of `coroner`.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.judge_options import Chosen, judged, takes_judge
from classifier.terminal import (
    EmbedderOption,
    IndexOption,
    JsonOption,
    TaxonomyOption,
    console,
    fail,
    load_classifier,
    or_fail,
    say,
    show,
    watched,
    write,
)
from runner import cli_inject, cli_run, cli_tasks, cli_verify
from runner.record import record

if TYPE_CHECKING:
    from runner.report.tables import Report

bench = typer.Typer(
    name="bench",
    help="Run agent frameworks on tasks, in sandboxes, and report on the runs. Every run is a trace.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BenchFolder = Annotated[Path, typer.Argument(help="Folder that `coroner bench run` wrote.", metavar="DIR")]

for command in (cli_run.run, cli_tasks.tasks, cli_tasks.install, cli_verify.verify, cli_inject.inject):
    bench.command()(command)


def mount(app: typer.Typer) -> None:
    """Hang the runner's commands into coroner's command line."""
    app.add_typer(bench)
    app.command(context_settings={"allow_interspersed_args": False})(record)  # what follows the command is its own


@bench.command()
@takes_judge
def report(
    context: typer.Context,
    folder: BenchFolder,
    *,
    chosen: Chosen,
    as_json: JsonOption = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write one self-contained page to this file.")
    ] = None,
    causes: Annotated[bool, typer.Option(help="Classify the failed runs; kept in DIR, so done once.")] = True,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Report on runs: success by framework, category and rounds, causes of failure, cost and time."""
    from classifier import taxonomy as taxonomies  # noqa: PLC0415 - see the module
    from runner import bench as benches  # noqa: PLC0415 - as above
    from runner import runs  # noqa: PLC0415 - as above
    from runner.report import causes as found  # noqa: PLC0415 - as above
    from runner.report import tables  # noqa: PLC0415 - as above

    config = or_fail(lambda: benches.configuration(folder))
    made = or_fail(lambda: runs.load(folder))
    if not made:
        fail(f"{folder}: no run is done yet")
    known = or_fail(lambda: taxonomies.load(taxonomy or taxonomies.DEFAULT))
    diagnoses = None
    with ExitStack() as stack:
        if causes:
            diagnoses = found.diagnose(
                folder,
                made,
                lambda: stack.enter_context(judged(load_classifier(context, index, embedder, taxonomy), chosen)),
                lambda failed: watched(failed, len(failed), "Classifying"),
            )
    told: Report = tables.build(made, diagnoses, known)
    if html:
        from runner.report import page  # noqa: PLC0415 - as above

        text = page.render(told, known, config)
        or_fail(lambda: html.write_text(text, encoding="utf-8"))
        say(f"written: {html}")
    if as_json:
        write(told.model_dump_json() + "\n")
        return
    from runner.report import terminal  # noqa: PLC0415 - JSON needs no rich

    show(console(), terminal.page(told, known))
