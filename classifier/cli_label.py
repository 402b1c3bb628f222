"""`coroner label`: verdicts on many logs in one file, without a server; it goes on where it was ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.judge_options import Chosen, judged, parallel, takes_judge
from classifier.terminal import (
    LONG,
    EmbedderOption,
    Exit,
    IndexOption,
    TaxonomyOption,
    console,
    fail,
    load_classifier,
    or_fail,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@takes_judge
def label(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, or folders (searched through).")],
    *,
    out: Annotated[Path, typer.Option("--out", help="File of verdicts, JSON lines; gone on with where it is there.")],
    chosen: Chosen,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs that are worked on at once.")] = 1,
    retry: Annotated[bool, typer.Option("--retry", help="Try inputs again that could not be read.")] = False,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Label many logs into one file. Whatever ends it, the same command goes on: nothing is lost or labelled twice."""
    from classifier import intake, labelling  # noqa: PLC0415 - not on the path of classify

    files, passed_over = intake.find(paths)
    if passed_over:
        say(f"files passed over, as they are not named like logs: {passed_over}")
    files = [file for file in files if file != intake.STDIN and Path(file).absolute() != out.absolute()]
    if not files:
        fail("no file to read")
    with judged(load_classifier(context, index, embedder, taxonomy), chosen) as classifier:
        at_once = max(jobs, parallel(chosen))

        def work() -> labelling.Done:
            with labelling.opened(out) as output:
                return labelling.label(classifier, _shown(files), output, at_once=at_once, retry=retry)

        done = or_fail(work)
    parts = (
        f"{done.labelled} runs labelled",
        f"{done.before} were there before" if done.before else "",
        f"{done.copies} inputs are copies of others" if done.copies else "",
        f"{done.problems} could not be labelled" if done.problems else "",
    )
    say(f"{out}: {', '.join(filter(None, parts))}")
    if done.problems:
        raise typer.Exit(Exit.SOME_UNREAD if done.labelled or done.before else Exit.FAILED)


def _shown(files: Sequence[str]) -> Iterator[str]:
    """Pass the files on, with a progress bar on a terminal."""
    if len(files) <= LONG or not sys.stderr.isatty():
        yield from files
        return
    from rich.progress import track  # noqa: PLC0415 - only on a terminal

    yield from track(files, "Labelling", console=console(err=True), transient=True)
