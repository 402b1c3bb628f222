"""The commands around the judge: export and import of batch files, replay of what is on record."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.judge_options import Chosen, opened, takes_judge
from classifier.terminal import (
    EmbedderOption,
    Exit,
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.corpus import Example
    from classifier.llm import Imported, Store
    from classifier.pipeline import Classifier, Reading
    from classifier.trace import Trace

app = typer.Typer(
    name="judge",
    help="Batch files for a judge, and replays of its recorded answers. `coroner classify --judge MODEL` asks it.",
    no_args_is_help=True,
)
PathsArgument = Annotated[list[str], typer.Argument(help="Files, folders (searched through), or - for standard input.")]
SHOWN = 5  # results that could not be used


@app.command()
@takes_judge
def export(
    context: typer.Context,
    paths: PathsArgument,
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write the requests (JSON lines).")],
    chosen: Chosen,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Write the questions that wait for an answer as an OpenAI Batch API file. Nothing is sent.

    Once `coroner judge import` has read the answers, `coroner classify --judge MODEL` finishes the labelling. An answer
    that was cut off or has to be corrected gives a new question: export again.
    """
    from classifier import llm  # noqa: PLC0415 - not on the path of classify

    chosen = offline(chosen)
    classifier = load_classifier(context, index, embedder, taxonomy)
    with opened(classifier, chosen) as (asking, store, _):
        traces = read_traces(paths)
        asked = answered = 0
        requests: list[tuple[llm.Request, str]] = []
        for trace in watched(traces, len(traces), "Reading"):
            reading = asking.read(trace)
            if asking.judge and asking.asks(reading):
                missing, tag = asking.judge.gaps(asking.question(reading), store)
                requests += [(request, tag) for request in missing]
                asked += 1
                answered += not missing
        done = or_fail(partial(llm.export, requests, store, out))
        say(f"{asked} of {len(traces)} runs are to be asked about; {answered} of them have their answers")
        say(f"{done.requests} requests: {', '.join(map(str, done.files)) or 'no file needed'}")


@app.command(name="import")
def import_(
    results: Annotated[list[Path], typer.Argument(help="Results files of a batch, whole or in part, in any order.")],
    *,
    store: Annotated[
        Path | None, typer.Option("--judge-store", help="File of all calls, instead of the user's own.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Record the answers of a batch. Those that are on record already stay as they are."""
    from classifier import llm  # noqa: PLC0415 - not on the path of classify

    unusable = used = 0
    try:
        with llm.Store(store or llm.default_path()) as calls:
            for path in results:
                done = or_fail(partial(_import, path, calls))
                problems = (*done.failed, *done.unknown, *done.unreadable)
                unusable, used = unusable + len(problems), used + done.recorded + done.known
                if as_json:
                    write(done.model_dump_json() + "\n")
                    continue
                say(f"{path}: {done.recorded} answers recorded, {done.known} known; {done.pending} still wait")
                for problem in problems[:SHOWN]:
                    say(f"{path}: line {problem.line}: {problem.reason}")
                if len(problems) > SHOWN:
                    say(f"{path}: and {len(problems) - SHOWN} more that could not be used")
                if done.truncated:
                    say(f"{path}: its last line is cut off")
    except llm.StoreError as error:
        fail(str(error))
    if unusable:
        raise typer.Exit(Exit.SOME_UNREAD if used else Exit.FAILED)


def _import(path: Path, calls: Store) -> Imported:
    from classifier import llm  # noqa: PLC0415 - as above

    with path.open("rb") as lines:
        return llm.import_(lines, calls)


@app.command()
@takes_judge
def replay(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Labelled folders, or runs without labels.")],
    *,
    chosen: Chosen,
    threshold: Annotated[
        list[float] | None, typer.Option("--threshold", help="Ask below this confidence; may be given often.")
    ] = None,
    combine: Annotated[
        str, typer.Option("--combine", help="index: as learnt; fitted: to these labels, cross-fitted; judge: its word.")
    ] = "index",
    as_json: JsonOption = False,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Run the pipeline over the answers on record, under every threshold: kappa, calls, cost. Nothing is sent."""
    from classifier import replay as replays  # noqa: PLC0415 - not on the path of classify

    if combine not in set(replays.Combination):
        raise typer.BadParameter(f"none of {', '.join(replays.Combination)}", param_hint="--combine")
    classifier = load_classifier(context, index, embedder, taxonomy)
    with opened(classifier, offline(chosen)) as (asking, _, __):
        examples = read_labelled(paths)
        traces = [example.trace for example in examples] if examples else read_traces(paths)
        heard = [_heard(asking, trace) for trace in watched(traces, len(traces), "Replaying")]
        runs = [replays.Run(*both) for both in heard]
        if examples:
            runs = [
                run._replace(label=example.label, group=example.group)
                for run, example in zip(runs, examples, strict=True)
            ]
            if seen := sum(trace.id in asking.learnt for trace in traces):
                say(f"{seen} of these runs are in the index, which knows them by heart: its kappa is flattered")
        at = sorted({replays.NEVER, replays.ALWAYS, *threshold}) if threshold else replays.thresholds(asking, runs)
        points = or_fail(lambda: replays.replay(asking, runs, at, replays.Combination(combine)))
        if as_json:
            write("".join(f"{point.model_dump_json()}\n" for point in points))
            return
        from classifier import tables  # noqa: PLC0415 - JSON needs no rich

        show(console(), tables.replay_page(points, str(asking.promise)))


def _heard(asking: Classifier, trace: Trace) -> tuple[Reading, Any]:
    from classifier.consult import Hearing  # noqa: PLC0415 - not on the path of classify
    from classifier.diagnosis import Cost  # noqa: PLC0415 - as above

    reading = asking.read(trace)
    if asking.judge is None or trace.succeeded:
        return reading, Hearing(None, Cost())
    return reading, asking.judge.hear(asking.question(reading))


def offline(chosen: Chosen) -> Chosen:
    """Return the same choice, but for asking: what is on record is all there is."""
    from dataclasses import replace  # noqa: PLC0415 - as above

    if chosen.judge is None:
        raise typer.BadParameter("name the model whose answers these are", param_hint="--judge")
    return replace(chosen, recorded=True)


def read_labelled(paths: Sequence[str]) -> tuple[Example, ...]:
    """Read the labelled runs, where every path has annotations; else none."""
    from classifier import cli_labels, corpus  # noqa: PLC0415 - as above

    places = [Path(path) for path in paths]
    if not all((place / corpus.ANNOTATIONS).is_file() or place.name == corpus.ANNOTATIONS for place in places):
        return ()
    return cli_labels.read_examples(places)


def read_traces(paths: Sequence[str]) -> list[Trace]:
    """Read all runs; say what cannot be read; fail if nothing can."""
    from classifier import formats, intake  # noqa: PLC0415 - as above
    from classifier.trace import TraceError  # noqa: PLC0415 - as above

    traces: list[Trace] = []
    for file in intake.find(paths)[0]:
        try:
            traces += formats.read(intake.load(file), name=intake.printable(file))
        except TraceError as error:
            say(str(error))
    if not traces:
        fail("no run could be read")
    return traces
