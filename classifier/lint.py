"""A linter of annotations: what cannot be meant, found before it is trained on."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.annotation import UNKNOWN, agent_key
from classifier.corpus import run_key
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from classifier.annotation import Annotation
    from classifier.corpus import Example
    from classifier.taxonomy import Taxonomy

_SHORT_NOTE = 20  # characters: below that two people write the same words by chance


class Kind(StrEnum):
    """What a finding is about."""

    DUPLICATE = "duplicate"  # the same record twice
    COPIED_NOTE = "copied_note"  # the same words on two runs, or by two annotators
    CONFLICT = "conflict"  # one annotator says two things of one run
    COPY_CONFLICT = "copy_conflict"  # one annotator says two things of two copies of one run
    STEP_OUT_OF_RANGE = "step_out_of_range"
    AGENT_NOT_IN_RUN = "agent_not_in_run"
    AGENT_NOT_AT_STEP = "agent_not_at_step"
    UNKNOWN_CAUSE = "unknown_cause"
    CAUSE_OF_SUCCESS = "cause_of_success"  # a run that succeeded has no cause
    SPLIT_TASK = "split_task"  # runs of one task on both sides of a split


class Finding(Frozen):
    """Something that cannot be meant. `runs` are the trace ids concerned, `annotator` is None where nobody's fault."""

    kind: Kind
    runs: tuple[str, ...]
    annotator: str | None
    message: str


def lint(
    examples: Sequence[Example], *, taxonomy: Taxonomy | None = None, split: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Check annotations against each other, their runs, a taxonomy and a split (trace id -> side), where given."""
    findings = [*_repeated(examples), *_copied(examples), *_contradictory(examples)]
    for example in examples:
        for note in example.annotations:
            findings += _against_run(example, note)
            if taxonomy is not None:
                findings += _against_taxonomy(note, taxonomy)
    return tuple(findings + list(_split(examples, split or {})))


def _repeated(examples: Iterable[Example]) -> Iterator[Finding]:
    for example in examples:
        seen: list[Annotation] = []
        for note in example.annotations:
            if note in seen:
                yield Finding(
                    kind=Kind.DUPLICATE, runs=(note.trace,), annotator=note.annotator, message="the same record twice"
                )
            seen.append(note)


def _copied(examples: Iterable[Example]) -> Iterator[Finding]:
    uses: defaultdict[str, list[Annotation]] = defaultdict(list)
    for example in examples:
        for note in dict.fromkeys(example.annotations):
            words = " ".join((note.note or "").split())
            if len(words) >= _SHORT_NOTE:
                uses[words.casefold()].append(note)
    for words, notes in uses.items():
        if len(notes) > 1:
            who = sorted({note.annotator for note in notes})
            yield Finding(
                kind=Kind.COPIED_NOTE,
                runs=tuple(dict.fromkeys(note.trace for note in notes)),
                annotator=who[0] if len(who) == 1 else None,
                message=f"the same note {len(notes)} times by {', '.join(who)}: {words[:60]!r}",
            )


def _contradictory(examples: Iterable[Example]) -> Iterator[Finding]:
    """Find what one annotator says of one run, or of copies of it, that cannot both hold."""
    by_run: defaultdict[tuple[str, str], list[Annotation]] = defaultdict(list)
    for example in examples:
        for note in example.annotations:
            by_run[run_key(example.trace), note.annotator].append(note)
    for (_, annotator), notes in by_run.items():
        runs = tuple(dict.fromkeys(note.trace for note in notes))
        for field, values in (
            ("cause", [note.cause for note in notes]),
            ("step", [note.step for note in notes]),
            ("agent", [note.agent and agent_key(note.agent) for note in notes]),
            ("native_category", [note.native_category for note in notes]),
        ):
            said = list(dict.fromkeys(value for value in values if value is not None))
            if len(said) > 1:
                yield Finding(
                    kind=Kind.CONFLICT if len(runs) == 1 else Kind.COPY_CONFLICT,
                    runs=runs,
                    annotator=annotator,
                    message=f"{field} is {' and '.join(str(value) for value in said)}",
                )


def _against_run(example: Example, note: Annotation) -> Iterator[Finding]:
    steps = {step.index: step for step in example.trace.steps}
    if note.step is not None and note.step not in steps:
        yield Finding(
            kind=Kind.STEP_OUT_OF_RANGE,
            runs=(note.trace,),
            annotator=note.annotator,
            message=f"step {note.step}, but the run has {min(steps)} to {max(steps)}"
            + ("" if note.step > max(steps) or note.step < min(steps) else " without it"),
        )
    if example.trace.succeeded and note.cause is not None:
        yield Finding(
            kind=Kind.CAUSE_OF_SUCCESS,
            runs=(note.trace,),
            annotator=note.annotator,
            message=f"cause {note.cause}, but the source says that the run succeeded",
        )
    if note.agent is None:
        return
    acts_at = [index for index, step in steps.items() if agent_key(step.agent) == agent_key(note.agent)]
    if not acts_at:
        agents = ", ".join(sorted({step.agent for step in steps.values()}))
        yield Finding(
            kind=Kind.AGENT_NOT_IN_RUN,
            runs=(note.trace,),
            annotator=note.annotator,
            message=f"agent {note.agent}, but the run has {agents}",
        )
    elif note.step in steps and note.step not in acts_at:
        nearest = min(acts_at, key=lambda index: (abs(index - (note.step or 0)), index))
        yield Finding(
            kind=Kind.AGENT_NOT_AT_STEP,
            runs=(note.trace,),
            annotator=note.annotator,
            message=f"agent {note.agent} at step {note.step}, but there acts {steps[note.step].agent}; "
            f"{note.agent} acts nearest at {nearest}",
        )


def _against_taxonomy(note: Annotation, taxonomy: Taxonomy) -> Iterator[Finding]:
    for field, causes in (("cause", (note.cause,)), ("secondary", note.secondary)):
        for cause in causes:
            if cause is not None and cause != UNKNOWN and cause not in taxonomy:
                meant = taxonomy.resolve(cause)
                yield Finding(
                    kind=Kind.UNKNOWN_CAUSE,
                    runs=(note.trace,),
                    annotator=note.annotator,
                    message=f"{field} {cause!r} is not in {taxonomy.name}" + (f": {meant.id}?" if meant else ""),
                )


def _split(examples: Iterable[Example], split: Mapping[str, str]) -> Iterator[Finding]:
    sides: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for example in examples:
        if example.trace.id in split:
            sides[example.group][example.trace.id] = split[example.trace.id]
    for runs in sides.values():
        if len(set(runs.values())) > 1:
            told = ", ".join(f"{run} in {side}" for run, side in runs.items())
            yield Finding(
                kind=Kind.SPLIT_TASK, runs=tuple(runs), annotator=None, message=f"one task on both sides: {told}"
            )
