"""Teach: a judge's opinions on a system that the index does not know become labels of a local index.

They are kept apart: their provenance is `model`, their weight is below 1 (that of a label which somebody vouches for)
and says what such an opinion has shown to be worth, and a label of any other provenance takes their place. Nothing that
was learnt from an opinion speaks for it: before each training it is weighed anew against neighbours that have not seen
its task, by all that people have said of other opinions meanwhile. An opinion that these outweigh teaches nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from classifier import causes, risk, training
from classifier.calibration import Acquaintance, Calibration
from classifier.causes import CauseModel
from classifier.combine import STATED, Combiner, Labelled, Worth
from classifier.diagnosis import Candidate, Provenance, StepChoice
from classifier.folds import grouped_folds
from classifier.index import Index, unit
from classifier.index import Labelled as Taught
from classifier.localise import Localiser
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from classifier.features import StepTable
    from classifier.risk import Promise

SUREST = 0.95  # no opinion weighs as much as a label that somebody vouches for
STEP_SURE = 0.4  # a step that is less likely is not taught: a localiser has no weights
AUDIT = 0.05  # share of the runs accepted without asking that the judge is asked about all the same


class Told(Frozen):
    """What counts of an opinion; see `combine.Said`."""

    cause: str | None
    second_cause: str | None
    step: int
    agent: str


class Lesson(Frozen):
    """A run of a new system and what was said of it. Holds nothing of its text.

    `before`: what the neighbours said who had not seen it, `steps` the likely ones of its `length`. `opinion` None:
    the judge was not asked. `cause` and `step` are what a person said of it, None: nobody did.
    """

    run: str
    system: str
    group: str
    before: tuple[Candidate, ...]
    steps: tuple[StepChoice, ...] = ()
    length: int = Field(ge=1)
    opinion: Told | None = None
    cause: str | None = None
    step: int | None = None

    @property
    def causes(self) -> dict[str, float]:
        """What the neighbours said, by cause."""
        return {candidate.cause: candidate.probability for candidate in self.before}

    def verdict(self, combiner: Combiner) -> dict[str, float]:
        """Return the probabilities of the causes: those a person left, or neighbours and opinion together."""
        if self.cause is not None:
            return {self.cause: 1.0}
        return self.causes if self.opinion is None else combiner.causes(self.causes, self.opinion)

    def label(self, combiner: Combiner) -> Taught:
        """Return what the run teaches.

        A person's word as it is. Of the opinion what is left of it beside the neighbours, if the judge named that
        cause at all; else nothing (no cause, weight 0): neighbours who teach themselves would only grow surer.
        """
        if self.cause is not None:
            return Taught(
                run=self.run, system=self.system, group=self.group, step=self.step, cause=self.cause,
                provenance=Provenance.HUMAN,
            )  # fmt: skip
        cause, weight, step = None, 0.0, None
        if self.opinion is not None:
            verdict = self.verdict(combiner)
            best = max(verdict, key=lambda name: (verdict[name], name))
            if best in {self.opinion.cause, self.opinion.second_cause}:
                cause, weight = best, min(verdict[best], SUREST)
                first = combiner.steps(self.steps, self.opinion, self.length, keep=1)[0]
                step = first.step if first.probability >= STEP_SURE else None
        return Taught(
            run=self.run, system=self.system, group=self.group, step=step, cause=cause,
            provenance=Provenance.MODEL, weight=weight,
        )  # fmt: skip


class Ask(StrEnum):
    """Why the judge is asked."""

    UNSURE = "unsure"
    AUDIT = "audit"


def is_taught(run: Taught) -> bool:
    """Say whether a label of an index is a judge's opinion that nobody has vouched for."""
    return run.provenance is Provenance.MODEL and run.weight < 1


def counts(index: Index) -> Mapping[tuple[str, Provenance, bool], int]:
    """Count an index's labels by system, by provenance, and by whether they are only taught."""
    return Counter((run.system, run.provenance, is_taught(run)) for run in index.runs if run.cause is not None)


def learn_worth(
    lessons: Iterable[Lesson],
    labels: Sequence[str],
    worth: Worth = STATED,
    frequency: Mapping[str, float] | None = None,
) -> Combiner:
    """Return what the judge is worth by those of its opinions on which a person has spoken; see `Combiner.fit`."""
    seen = [
        Labelled(each.causes, each.opinion, each.cause, each.group, each.steps, each.length, each.step)
        for each in lessons
        if each.opinion is not None and each.cause is not None
    ]
    return Combiner.fit(seen, labels, worth, frequency)


def extend(index: Index, lessons: Sequence[Lesson], tables: Mapping[str, StepTable], combiner: Combiner) -> Index:
    """Train anew with all lessons, which `review` has weighed anew.

    `tables` are the step tables (`training.describe`) of the runs that the index does not hold yet. A label of the
    index that is not a taught one stays, unless a person has spoken on that run. Raises KeyError for a run without a
    table, and TrainingError.
    """
    held = dict(zip((run.run for run in index.runs), training.tables_of(index), strict=True))
    labels = {run.run: run for run in index.runs}
    for lesson in lessons:
        there = labels.get(lesson.run)
        if there is None or is_taught(there) or lesson.cause is not None:
            labels[lesson.run] = lesson.label(combiner)
    rows = [held[run] if run in held else tables[run] for run in labels]
    return training.fit(list(labels.values()), rows, embedder=index.embedder, taxonomy=index.taxonomy)


def review(index: Index, lessons: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """Ask the neighbours again about the runs that they were taught, each by neighbours who have not seen its task.

    Returns all lessons, those of runs that the index does not hold as they are.
    """
    mine = {lesson.run for lesson in lessons}
    rows = [i for i, run in enumerate(index.runs) if run.run in mine]
    if not rows:
        return tuple(lessons)
    localiser = Localiser.from_arrays(index.group("localiser"))
    whole = CauseModel.from_arrays(index.group("causes"), index.runs)
    calibration = Calibration.from_arrays(index.group("calibration"))
    acquaintance = Acquaintance.of(index.runs, index.vectors, index.agents)
    tables = training.tables_of(index)
    ranked = [localiser.rank(table, run.system) for table, run in zip(tables, index.runs, strict=True)]
    said: dict[str, tuple[Candidate, ...]] = {}
    for _, test in grouped_folds([index.runs[i].group for i in rows]):
        asked = [rows[t] for t in test]
        barred = {index.runs[i].group for i in asked}
        train = [i for i, run in enumerate(index.runs) if run.cause is not None and run.group not in barred]
        part = causes.settle(
            [tables[i] for i in train], [ranked[i] for i in train], [index.runs[i] for i in train], whole.knobs
        )
        columns = [whole.labels.index(label) for label in part.labels]
        for i in asked:
            run = index.runs[i]
            votes = np.full(len(whole.labels), causes.SMALL)
            votes[columns] = part.predict(tables[i], ranked[i], run.system).probabilities
            middle = unit(tables[i].vectors.mean(axis=0)[None])[0]
            trust = acquaintance.trust(run.system, middle, set(tables[i].agents))
            p = calibration.judge(votes / votes.sum(), trust).probabilities
            said[run.run] = tuple(
                Candidate(cause=whole.labels[c], probability=float(p[c])) for c in np.argsort(-p, kind="stable")
            )
    return tuple(
        lesson.model_copy(update={"before": said[lesson.run]}) if lesson.run in said else lesson for lesson in lessons
    )


def promise(lessons: Iterable[Lesson], combiner: Combiner, wrong: float, sure: float = risk.SURE) -> Promise:
    """Return from which confidence on the neighbours may go unasked on this system, so that at most `wrong` are wrong.

    Where no person has spoken on a run, the neighbours' verdict counts as right by its probability beside the opinion.
    So the promise holds as far as `combiner` tells what the judge is worth; to make it good, label some of the runs.
    """
    told = []
    for lesson in lessons:
        if lesson.opinion is None and lesson.cause is None:
            continue
        best = lesson.before[0]
        told.append((best.probability, lesson.verdict(combiner).get(best.cause, 0.0)))
    told.sort(key=lambda pair: -pair[0])
    # whole mistakes, never fewer above any confidence than are expected there
    expected = np.ceil(np.cumsum([1 - right for _, right in told]) - 1e-9)
    right = 1 - np.diff(expected, prepend=0.0)
    return risk.promise(np.array([(c, r) for (c, _), r in zip(told, right, strict=True)]).reshape(-1, 2), wrong, sure)


def ask(run: str, confidence: float, promised: Promise, audit: float = AUDIT) -> Ask | None:
    """Say whether to ask the judge about a run, and why; the same run is always answered the same.

    `audit` is the share of confident runs that are asked about too: without them a mistake that neighbours have once
    learnt would never be heard of again.
    """
    if promised.threshold is None or confidence < promised.threshold:
        return Ask.UNSURE
    drawn = int.from_bytes(hashlib.sha256(f"audit {run}".encode()).digest()[:8], "big") / 2**64
    return Ask.AUDIT if drawn < audit else None
