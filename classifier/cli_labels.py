"""The commands over labelled runs: train, evaluate, agree, lint."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier import taxonomy as taxonomies
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
    from collections.abc import Iterable, Sequence

    from classifier.annotation import Annotation
    from classifier.corpus import Example
    from classifier.intake import Classifies
    from classifier.prediction import Prediction
    from classifier.taxonomy import Taxonomy

SHOWN_PROBLEMS = 5

LabelledArgument = Annotated[
    list[Path], typer.Argument(help="Folders with an annotations.jsonl and the runs it names, or such files.")
]

NativeOption = Annotated[
    bool, typer.Option("--native", help="Take the annotators' own categories, those of --taxonomy, for the causes.")
]


class Field(StrEnum):
    """What annotators can be compared on."""

    CAUSE = "cause"
    TIER2 = "tier2"
    PHASE = "phase"
    STEP = "step"
    AGENT = "agent"
    NATIVE_CATEGORY = "native_category"


def train(
    *,
    out: Annotated[Path, typer.Option("--out", help="Where to write the index.")],
    folders: Annotated[
        list[Path] | None, typer.Option("--from", help="Labelled folder to learn from; may be given often.")
    ] = None,
    add: Annotated[
        list[Path] | None, typer.Option("--add", help="Labelled folder to add to an index; may be given often.")
    ] = None,
    index: Annotated[Path | None, typer.Option("--index", help="Index to add to instead of the shipped one.")] = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
    native: NativeOption = False,
) -> None:
    """Learn from labelled runs: an index of your own (--from), or a known one and 20 to 40 runs of yours (--add).

    Runs of one task are kept together in all tuning. The same labels give the same bytes.
    """
    if bool(folders) == bool(add):
        raise typer.BadParameter("give labelled folders: --from for a new index, or --add to add to one")
    if index and not add:
        raise typer.BadParameter(
            "is what --add adds to; --embedder and --taxonomy shape a new index", param_hint="--index"
        )
    from classifier import embedders, training  # noqa: PLC0415 - not on the path of classify
    from classifier.index import Index  # noqa: PLC0415 - as above
    from classifier.pipeline import SHIPPED  # noqa: PLC0415 - as above

    scheme = or_fail(partial(taxonomies.load, taxonomy or taxonomies.DEFAULT))
    examples = read_examples(folders or add or [])
    if native:
        examples = in_own_words(examples, scheme)
    base = or_fail(partial(Index.load, index or SHIPPED, taxonomy=scheme.digest)) if add else None
    spec = embedder or (base.embedder if base else embedders.DEFAULT)
    reader = or_fail(partial(embedders.build, spec))
    watch = partial(watched, total=len(examples), what="Reading")
    made = or_fail(partial(training.train, examples, reader, scheme, base=base, watch=watch))
    or_fail(partial(made.save, out))
    say(f"{out}: index {made.version} of {len(made.runs)} labelled runs")


def agree(
    context: typer.Context,
    labelled: LabelledArgument,
    *,
    field: Annotated[Field, typer.Option(help="What to compare.")] = Field.CAUSE,
    annotator: Annotated[list[str] | None, typer.Option(help="Only these annotators; may be given often.")] = None,
    classifier: Annotated[bool, typer.Option("--classifier", help="Let the classifier be an annotator too.")] = False,
    as_json: JsonOption = False,
    index: IndexOption = None,
    embedder: EmbedderOption = None,
    taxonomy: TaxonomyOption = None,
) -> None:
    """Measure how far annotators agree, each pair and all, beside the ceiling that the humans set."""
    from classifier import agreement, corpus  # noqa: PLC0415 - statistics are slow to import

    examples = read_examples(labelled, needed=classifier)
    if classifier:
        loaded = load_classifier(context, index, embedder, taxonomy)
        once = {corpus.run_key(example.trace): example for example in reversed(examples)}  # of copies the first
        said = {mine.trace_id: mine.annotation() for mine in predict(loaded, tuple(once.values()))}
        examples = tuple(
            example.model_copy(update={"annotations": (*example.annotations, said[example.trace.id])})
            if example.trace.id in said
            else example
            for example in examples
        )
    annotations, groups = corpus.align(examples), corpus.groups_of(examples)
    if not examples:
        say("none of the runs is at hand, so each counts as a task of its own")
        annotations = _annotations(labelled)
    scheme = or_fail(lambda: taxonomies.load(taxonomy or taxonomies.DEFAULT))
    found = or_fail(
        lambda: agreement.agree(
            annotations, field=field.value, annotators=annotator or None, groups=groups, taxonomy=scheme
        )
    )
    if as_json:
        write(found.model_dump_json() + "\n")
        return
    from classifier import tables  # noqa: PLC0415 - JSON needs no rich

    show(console(), tables.agreement_page(found))


def lint(
    labelled: LabelledArgument,
    *,
    split: Annotated[
        Path | None, typer.Option(help='JSON object: the side of each run, {"run-1": "train", "run-2": "test"}.')
    ] = None,
    taxonomy: TaxonomyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what cannot be meant in annotations: duplicates, impossible steps and agents, unknown causes, leaks.

    Exits with 1 if anything is found.
    """
    from classifier import lint as linter  # noqa: PLC0415 - only this command needs it

    examples = read_examples(labelled)
    scheme = or_fail(lambda: taxonomies.load(taxonomy or taxonomies.DEFAULT))
    found = linter.lint(examples, taxonomy=scheme, split=_sides(split) if split else None)
    if as_json:
        write("".join(f"{finding.model_dump_json()}\n" for finding in found))
    else:
        from classifier import tables  # noqa: PLC0415 - JSON needs no rich

        show(console(), tables.findings_page(found))
    if found:
        raise typer.Exit(Exit.FAILED)


def read_examples(paths: Sequence[Path], *, needed: bool = True) -> tuple[Example, ...]:
    """Read labelled folders; say what could not be read; fail if nothing could and it is needed."""
    from classifier import corpus  # noqa: PLC0415 - not on the path of classify

    read = [or_fail(partial(corpus.read, path)) for path in paths]
    problems = [problem for one in read for problem in one.problems]
    for problem in problems[:SHOWN_PROBLEMS]:
        say(str(problem))
    if len(problems) > SHOWN_PROBLEMS:
        say(f"and {len(problems) - SHOWN_PROBLEMS} more that could not be read")
    examples = tuple(example for one in read for example in one.examples)
    if needed and not examples:
        fail("no labelled run could be read")
    if len(paths) == 1:
        return examples
    groups = corpus.group_tasks([example.trace.task for example in examples])  # a task may lie in two folders
    return tuple(e.model_copy(update={"group": group}) for e, group in zip(examples, groups, strict=True))


def in_own_words(examples: Iterable[Example], taxonomy: Taxonomy) -> tuple[Example, ...]:
    """Put what each annotator called the fault, in the taxonomy made for it, in the place of the cause."""
    from classifier.annotation import in_terms_of, merge  # noqa: PLC0415 - not on the path of classify

    return tuple(
        example.model_copy(
            update={
                "annotations": tuple(
                    note.model_copy(update={"cause": in_terms_of(merge([note]), taxonomy).cause})
                    for note in example.annotations
                )
            }
        )
        for example in examples
    )


def _annotations(paths: Iterable[Path]) -> tuple[Annotation, ...]:
    """Read the annotations alone, where their runs are not at hand."""
    from classifier import annotation, corpus  # noqa: PLC0415 - not on the path of classify

    files = [path / corpus.ANNOTATIONS if path.is_dir() else path for path in paths]
    return tuple(record for file in files for record in annotation.read(file).records)


def predict(classifier: Classifies, examples: Sequence[Example]) -> list[Prediction]:
    """Diagnose labelled runs, to be measured."""
    from classifier.prediction import Prediction  # noqa: PLC0415 - not on the path of classify

    runs = (Prediction.of(classifier.classify(example.trace)) for example in examples)
    return list(watched(runs, len(examples), "Classifying"))


def _sides(path: Path) -> dict[str, str]:
    try:
        sides = json.loads(or_fail(path.read_bytes))
    except ValueError as error:
        fail(f"{path}: not JSON: {error}")
    if not isinstance(sides, dict) or not all(isinstance(side, str) for side in sides.values()):
        fail(f"{path}: not an object of run ids and sides")
    return sides
