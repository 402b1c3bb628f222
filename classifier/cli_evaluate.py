"""`coroner evaluate`: the classifier against annotations, an index as it is or cross-validated."""

from __future__ import annotations

from functools import partial
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from classifier import taxonomy as taxonomies
from classifier.cli_labels import LabelledArgument, NativeOption, in_own_words, predict, read_examples
from classifier.risk import RISK
from classifier.terminal import (
    EmbedderOption,
    IndexOption,
    JsonOption,
    TaxonomyOption,
    console,
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
    from classifier.crossval import CrossValidation
    from classifier.taxonomy import Taxonomy

SEEDS = 3


def evaluate(
    context: typer.Context,
    folders: LabelledArgument,
    *,
    cv: Annotated[
        bool, typer.Option("--cv", help="Train on four fifths of the tasks, ask about the rest, in turn: no index.")
    ] = False,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Hold each system out, then add 0, 10, 20, 40 of its runs: no index.")
    ] = False,
    besides: Annotated[
        list[Path] | None,
        typer.Option("--with", help="Labelled folder to learn from as well, never asked about; may be given often."),
    ] = None,
    risk: Annotated[
        float, typer.Option("--risk", min=0.001, max=0.9, help="Share of wrong verdicts to accept without a judge.")
    ] = RISK,
    seeds: Annotated[int, typer.Option(min=1, help="Repeat --cv or --held-out over so many splits.")] = SEEDS,
    as_json: JsonOption = False,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
    native: NativeOption = False,
) -> None:
    """Measure the classifier against annotations: causes, step, agent, calibration, what abstaining buys.

    An index measured on the runs that it was trained on flatters itself: use --cv there.
    """
    if index and (cv or held_out):
        raise typer.BadParameter("--cv and --held-out train their own", param_hint="--index")
    if besides and not (cv or held_out):
        raise typer.BadParameter("only --cv and --held-out train", param_hint="--with")
    examples = read_examples(folders)
    if cv or held_out:
        scheme = or_fail(partial(taxonomies.load, taxonomy or taxonomies.DEFAULT))
        examples = in_own_words(examples, scheme) if native else examples
        more = _besides(examples, read_examples(besides)) if besides else ()
        more = in_own_words(more, scheme) if native else more
        validation = _encoded(examples, more, embedder, scheme)
        if held_out:
            _held_out(validation, examples, scheme, seeds=seeds, as_json=as_json)
        if cv:
            _cross_validated(validation, examples, scheme, seeds=seeds, risk=risk, as_json=as_json)
        return
    from classifier import evaluation  # noqa: PLC0415 - statistics are slow to import

    classifier = load_classifier(context, index, embedder, taxonomy)
    examples = in_own_words(examples, classifier.taxonomy) if native else examples
    learnt: frozenset[str] = getattr(classifier, "learnt", frozenset())
    if seen := sum(example.trace.id in learnt for example in examples):
        say(f"{seen} of these runs are in the index, which knows them by heart: promises and figures are flattered")
    cases = evaluation.cases(examples, predict(classifier, examples))
    found = or_fail(partial(evaluation.evaluate, cases, classifier.taxonomy, risk=risk))
    if as_json:
        write(found.model_dump_json() + "\n")
        return
    from classifier import tables  # noqa: PLC0415 - JSON needs no rich

    show(console(), tables.evaluation_page(found, f"index {classifier.versions.index}"))


def _besides(examples: Sequence[Example], besides: Sequence[Example]) -> tuple[Example, ...]:
    """Give runs besides that share a task with examples the group of these, so that both are held out together."""
    from classifier import corpus  # noqa: PLC0415 - not on the path of classify

    groups = corpus.group_tasks([example.trace.task for example in (*examples, *besides)])
    theirs = {group: example.group for group, example in zip(groups, examples, strict=False)}
    mine = groups[len(examples) :]
    return tuple(
        example.model_copy(update={"group": theirs[group]}) if group in theirs else example
        for example, group in zip(besides, mine, strict=True)
    )


def _encoded(
    examples: Sequence[Example], besides: Sequence[Example], embedder: str | None, scheme: Taxonomy
) -> CrossValidation:
    from classifier import embedders  # noqa: PLC0415 - not on the path of classify
    from classifier.crossval import CrossValidation  # noqa: PLC0415 - as above

    reader = or_fail(partial(embedders.build, embedder or embedders.DEFAULT))
    watch = partial(watched, total=len(examples) + len(besides), what="Reading")
    return or_fail(partial(CrossValidation, examples, reader, scheme, watch, besides=besides))


def _cross_validated(
    validation: CrossValidation,
    examples: Sequence[Example],
    scheme: Taxonomy,
    *,
    seeds: int,
    risk: float,
    as_json: bool,
) -> None:
    """Show figures over all splits together: every run counts once per split, intervals are over tasks."""
    from classifier import evaluation  # noqa: PLC0415 - statistics are slow to import

    splits = [or_fail(partial(validation.folds, seed)) for seed in watched(range(seeds), seeds, "Splits")]
    cases = tuple(case for predictions in splits for case in evaluation.cases(examples, predictions))
    found = or_fail(partial(evaluation.evaluate, cases, scheme, risk=risk))
    if as_json:
        write(found.model_dump_json() + "\n")
        return
    from classifier import tables  # noqa: PLC0415 - JSON needs no rich

    show(console(), tables.evaluation_page(found, f"cross-validated, {seeds} splits of {len(examples)} runs together"))


def _held_out(
    validation: CrossValidation, examples: Sequence[Example], scheme: Taxonomy, *, seeds: int, as_json: bool
) -> None:
    """Show what each system's runs get from an index without it, and with some of its runs."""
    from classifier import crossval  # noqa: PLC0415 - not on the path of classify

    plan = [
        (system, added, seed)
        for system in sorted({run.system for run in validation.runs})
        for added in crossval.ADDED
        for seed in range(seeds)
    ]
    held = [or_fail(partial(validation.hold_out, *which)) for which in watched(plan, len(plan), "Holding out")]
    found = crossval.curve(held, examples, scheme)
    if as_json:
        write("".join(f"{point.model_dump_json()}\n" for point in found))
        return
    from classifier import tables  # noqa: PLC0415 - JSON needs no rich

    show(console(), tables.curve_page(found))
