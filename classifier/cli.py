"""coroner: the command line. Thin: arguments in, a call to the core, text or JSON out.

What a command needs is imported inside it: a cold `coroner classify` must feel instant.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated

import typer

from classifier import cli_evaluate, cli_judge, cli_label, cli_labels, cli_teach
from classifier.judge_options import Chosen, judged, parallel, takes_judge
from classifier.terminal import (
    EXIT_CODES,
    EmbedderOption,
    Exit,
    IndexOption,
    JsonOption,
    TaxonomyOption,
    Tools,
    console,
    fail,
    load_classifier,
    open_classifier,
    or_fail,
    say,
    show,
    watched,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.diagnosis import Diagnosis
    from classifier.intake import Unread
    from classifier.taxonomy import Taxonomy

FULL_REPORTS = 3  # more inputs than this are shown one to a line


app = typer.Typer(
    name="coroner",
    help=f"Tells why an LLM-agent run failed.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print it.")] = False
) -> None:
    if version:
        from classifier import __version__  # noqa: PLC0415 - asked for seldom

        typer.echo(f"coroner {__version__}")
        raise typer.Exit
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows a question mark
    context.obj = context.obj or Tools(load=open_classifier)


@app.command()
@takes_judge
def classify(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, folders (searched through), or - for standard input.")],
    *,
    chosen: Chosen,
    as_json: Annotated[bool, typer.Option("--json", help="One Diagnosis per line, or {file, error}.")] = False,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
    kind: Annotated[
        str | None, typer.Option("--format", help="Format of the inputs; found by content if absent.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="A full page for each of many runs.")] = False,
) -> None:
    """Say why runs failed: the decisive step, the cause, the proof, and how sure that is."""
    from classifier import formats, intake  # noqa: PLC0415 - see the module

    if kind is not None and kind not in formats.names():
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(formats.names())}", param_hint="--format")
    files, passed_over = intake.find(paths)
    if passed_over:
        say(f"files passed over, as they are not named like logs: {passed_over}")
    if not files:
        fail("no file to read")
    with judged(load_classifier(context, index, embedder, taxonomy), chosen) as classifier:
        found = intake.outcomes(classifier, files, kind, at_once=parallel(chosen))
        outcomes = watched(found, len(files), "Classifying")
        if as_json:
            read, unread = _write_lines(outcomes)
        else:
            read, unread = _write_report(outcomes, classifier.taxonomy, full=full or len(files) <= FULL_REPORTS)
    if unread:
        raise typer.Exit(Exit.SOME_UNREAD if read else Exit.FAILED)


def _write_lines(outcomes: Iterable[Sequence[Diagnosis] | Unread]) -> tuple[int, int]:
    """Write one JSON object per run or unreadable input; return how many inputs were read and how many not."""
    read = unread = 0
    for outcome in outcomes:
        if isinstance(outcome, Sequence):
            read += 1
            write("".join(f"{diagnosis.model_dump_json()}\n" for diagnosis in outcome))
        else:
            unread += 1
            write(f"{outcome.model_dump_json()}\n")
    return read, unread


def _write_report(
    outcomes: Iterable[Sequence[Diagnosis] | Unread], taxonomy: Taxonomy, *, full: bool
) -> tuple[int, int]:
    """Print a page per run, or a line per run and a summary; return how many inputs were read and how many not."""
    from classifier import report  # noqa: PLC0415 - JSON needs no rich

    shown: list[Diagnosis] = []
    out, read, unread = console(), 0, 0
    for outcome in outcomes:
        if not isinstance(outcome, Sequence):
            unread += 1
            say(outcome.error)
            continue
        read += 1
        for diagnosis in outcome:
            if full and len(outcome) <= FULL_REPORTS:
                show(out, report.page(diagnosis, taxonomy))
            else:
                out.print(report.row(diagnosis, taxonomy, out.width if out.is_terminal else None), soft_wrap=True)
        shown += outcome
    if len(shown) > FULL_REPORTS:
        show(out, report.summary(shown, taxonomy))
    return read, unread


@app.command(name="taxonomy")
def show_taxonomy(
    cause: Annotated[str | None, typer.Argument(help="Show this cause alone: id, slug or name.")] = None,
    taxonomy: TaxonomyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the causes with what they mean and what helps. Shipped: lu2025 (the 19), mast, agentrx, agenterrorbench."""
    from classifier import taxonomy as taxonomies  # noqa: PLC0415 - see the module

    known = or_fail(lambda: taxonomies.load(taxonomy or taxonomies.DEFAULT))
    found = known.resolve(cause) if cause else None
    if cause and found is None:
        fail(f"no cause {cause!r} in {known.name}; it has {', '.join(known.ids)}")
    if as_json:
        write((found or known).model_dump_json() + "\n")
        return
    from classifier import report  # noqa: PLC0415 - JSON needs no rich

    show(console(), report.cause_page(found, known) if found else report.taxonomy_page(known))


@cache
def whole() -> typer.Typer:
    """Return the command line with the runner's and the service's commands: by name, for both lie above this layer."""
    import importlib  # noqa: PLC0415 - see the module

    for part in ("runner.cli", "service.cli"):
        importlib.import_module(part).mount(app)
    return app


def main() -> None:
    """Run the command line."""
    whole()()


for command in (cli_label.label, cli_labels.train, cli_evaluate.evaluate, cli_labels.agree, cli_labels.lint):
    app.command()(command)
cli_judge.app.command()(cli_teach.teach)
app.add_typer(cli_judge.app)
