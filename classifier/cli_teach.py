"""The command that teaches an index a new system by a judge's recorded opinions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier import cli_judge
from classifier.judge_options import Chosen, opened, takes_judge
from classifier.terminal import (
    EmbedderOption,
    IndexOption,
    TaxonomyOption,
    fail,
    load_classifier,
    or_fail,
    say,
    watched,
)

if TYPE_CHECKING:
    from classifier.corpus import Example
    from classifier.features import StepTable
    from classifier.pipeline import Classifier
    from classifier.teach import Lesson


@takes_judge
def teach(
    context: typer.Context,
    paths: Annotated[
        list[str], typer.Argument(help="Runs, or labelled folders: a person's label goes before any opinion.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write the index.")],
    chosen: Chosen,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Teach an index a new system by the opinions on record. Nothing is sent.

    They weigh less than a person's label and are marked as a model's. Give all runs of the system each time, with the
    index that knew none of them: an opinion is weighed anew by what people have said since.
    """
    from classifier import risk  # noqa: PLC0415 - not on the path of classify
    from classifier import teach as lessons  # noqa: PLC0415 - as above
    from classifier.index import is_taught  # noqa: PLC0415 - as above

    classifier = load_classifier(context, index, embedder, taxonomy)
    with opened(classifier, cli_judge.offline(chosen)) as (asking, _, __):
        examples = _runs(paths)
        told: list[Lesson] = []
        tables: dict[str, StepTable] = {}
        for example in watched(examples, len(examples), "Hearing"):
            heard = None if example.trace.succeeded else _lesson(asking, example)
            if heard is not None:
                told.append(heard[0])
                tables[example.trace.id] = heard[1]
    if not told:
        fail(f"no answer on record of {chosen.judge} on any of {len(examples)} runs: `coroner classify --judge` asks")
    made, weighed, combiner = or_fail(partial(lessons.learn, asking.index, told, tables, classifier.taxonomy.ids))
    or_fail(partial(made.save, out))
    mine = {lesson.run for lesson in weighed}
    taught = [run for run in made.runs if run.run in mine and is_taught(run) and run.cause is not None]
    people = sum(lesson.cause is not None for lesson in weighed)
    say(f"{out}: index {made.version} of {len(made.runs)} labelled runs")
    say(f"of {len(examples)} runs given, {people} are labelled by people and {len(taught)} by {chosen.judge}")
    if taught:
        mean = sum(run.weight for run in taught) / len(taught)
        say(f"a label by {chosen.judge} weighs {mean:.2f} on average, beside 1 of a person's")
    say(
        f"{chosen.judge} is taken to be right in {combiner.overall:.0%} of the cases, by {combiner.seen} opinions that "
        "people have checked"
    )
    systems = {lesson.system for lesson in weighed}
    for system, grounds in risk.grounds(made.group("taught")).items():
        if system in systems:
            say(f"{system}: {risk.expect(grounds, chosen.risk)}")


def _runs(paths: list[str]) -> tuple[Example, ...]:
    """Read the runs, each with its labels if it has any."""
    from classifier import corpus  # noqa: PLC0415 - as above

    with_labels = [path for path in paths if (Path(path) / corpus.ANNOTATIONS).is_file()]
    labelled = cli_judge.read_labelled(with_labels) if with_labels else ()
    known = {example.trace.id for example in labelled}
    others = [trace for trace in cli_judge.read_traces(paths) if trace.id not in known]
    traces = [*(example.trace for example in labelled), *others]
    groups = corpus.group_tasks([trace.task for trace in traces])
    return tuple(
        corpus.Example(
            trace=trace,
            annotations=labelled[i].annotations if i < len(labelled) else (),
            group=group,
            system=trace.framework,
            source=trace.framework,
        )
        for i, (trace, group) in enumerate(zip(traces, groups, strict=True))
    )


def _lesson(asking: Classifier, example: Example) -> tuple[Lesson, StepTable] | None:
    """Return what a run teaches, and its step table; None where nobody has said anything of it."""
    from classifier import training  # noqa: PLC0415 - as above
    from classifier.diagnosis import Provenance  # noqa: PLC0415 - as above
    from classifier.index import Labelled  # noqa: PLC0415 - as above
    from classifier.teach import Lesson  # noqa: PLC0415 - as above

    table = training.describe(example, asking.embedder)
    reading = asking.read(example.trace)
    opinion = asking.judge.hear(asking.question(reading)).opinion if asking.judge else None
    labelled = Labelled(
        run=example.trace.id, system=example.system, group=example.group, step=None, cause=None,
        provenance=Provenance.MODEL,
    )  # fmt: skip
    if example.annotations:
        labelled = training.label(example, table, asking.taxonomy)
    lesson = Lesson.of(labelled, reading.weighed, len(table), opinion)
    return (lesson, table) if lesson.opinion or lesson.cause else None
