"""Teach: a judge's opinions on a system that the index does not know become labels of a local index.

They are kept apart: their provenance is `model`, their weight is below 1 (that of a label which somebody vouches for)
and says what such an opinion has shown to be worth, and a label of any other provenance takes their place. Nothing that
was learnt from an opinion speaks for it: before each training it is weighed anew against neighbours that have not seen
its task, by all that people have said of other opinions meanwhile. An opinion that these outweigh teaches nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from classifier import causes, risk, training
from classifier.calibration import Acquaintance, Calibration
from classifier.causes import CauseModel
from classifier.combine import STATED, Combiner, Labelled, Worth, frequency, lead
from classifier.diagnosis import Candidate, Provenance, StepChoice, likeliest
from classifier.folds import grouped_folds
from classifier.index import Index, is_taught, middles
from classifier.index import Labelled as Taught
from classifier.localise import Localiser
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.combine import Said
    from classifier.features import StepTable
    from classifier.pipeline import Weighed
    from classifier.risk import Promise

    Floats = NDArray[np.float64]

ROOT = 1 / 3  # power of its probability that an opinion weighs: at the plain one, labels of other systems drown it
SUREST = 0.95  # no opinion weighs as much as a label that somebody vouches for
STEP_SURE = 0.4  # a step that is less likely is not taught: a localiser has no weights


class Told(Frozen):
    """What counts of an opinion; see `combine.Said`."""

    cause: str | None
    second_cause: str | None
    step: int
    agent: str


class Lesson(Frozen):
    """A run of a new system and what was said of it. Holds nothing of its text.

    `before`: what the neighbours said who had not seen it, `trust` (0 to 1) how far labels of its system that somebody
    vouches for carried that, `steps` the likely ones of its `length`. `opinion` None: the judge was not asked. `cause`
    and `step` are what a person said of it, None: nobody did.
    """

    run: str
    system: str
    group: str
    before: tuple[Candidate, ...]
    trust: float = Field(default=0.0, ge=0, le=1)
    steps: tuple[StepChoice, ...] = ()
    length: int = Field(ge=1)
    opinion: Told | None = None
    cause: str | None = None
    step: int | None = None

    @classmethod
    def of(cls, labelled: Taught, weighed: Weighed, length: int, opinion: Said | None = None) -> Lesson:
        """Take what was said of a run. Of `labelled` counts which run it is, and the label only if a person gave it."""
        human = labelled.provenance is not Provenance.MODEL
        return cls(
            run=labelled.run,
            system=labelled.system,
            group=labelled.group,
            before=tuple(
                Candidate(cause=cause, probability=weighed.beside[cause]) for cause in likeliest(weighed.beside)
            ),
            trust=weighed.vouched,
            steps=weighed.steps,
            length=length,
            opinion=Told.model_validate(opinion, from_attributes=True) if opinion else None,
            cause=labelled.cause if human else None,
            step=labelled.step if human else None,
        )

    @property
    def causes(self) -> dict[str, float]:
        """What the neighbours said, by cause."""
        return {candidate.cause: candidate.probability for candidate in self.before}

    def verdict(self, combiner: Combiner) -> dict[str, float]:
        """Return the probabilities of the causes: those a person left, or neighbours and opinion together.

        Of a system of which the neighbours know nothing the judge's cause goes first.
        """
        if self.cause is not None:
            return {self.cause: 1.0}
        if self.opinion is None:
            return self.causes
        both = combiner.causes(self.causes, self.opinion)
        return lead(both, self.opinion.cause) if self.trust == 0 and self.opinion.cause else both

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
                cause, weight = best, min(verdict[best] ** ROOT, SUREST)
                first = combiner.steps(self.steps, self.opinion, self.length, keep=1)[0]
                step = first.step if first.probability >= STEP_SURE else None
        return Taught(
            run=self.run, system=self.system, group=self.group, step=step, cause=cause,
            provenance=Provenance.MODEL, weight=weight,
        )  # fmt: skip


def counts(index: Index) -> Mapping[tuple[str, Provenance, bool], int]:
    """Count an index's labels by system, by provenance, and by whether they are only taught."""
    return Counter((run.system, run.provenance, is_taught(run)) for run in index.runs if run.cause is not None)


def learn_worth(
    lessons: Iterable[Lesson],
    labels: Sequence[str],
    worth: Worth = STATED,
    usual: Mapping[str, float] | None = None,
    unlabelled: Iterable[Lesson] = (),
) -> Combiner:
    """Return what the judge is worth by those of its opinions on which a person has spoken.

    `usual` is the `frequency` of `Combiner.fit`, `unlabelled` its opinions that count by how far they agree with
    neighbours who have seen none of them.
    """
    seen = [
        Labelled(each.causes, each.opinion, each.cause, each.group, each.steps, each.length, each.step)
        for each in lessons
        if each.opinion is not None and each.cause is not None
    ]
    others = [(each.causes, each.opinion) for each in unlabelled if each.opinion is not None and each.cause is None]
    return Combiner.fit(seen, labels, worth, usual, others)


def learn(
    base: Index, lessons: Sequence[Lesson], tables: Mapping[str, StepTable], labels: Sequence[str]
) -> tuple[Index, tuple[Lesson, ...], Combiner]:
    """Teach an index all lessons at once; return it, the lessons as they were weighed, and what the judge is worth.

    `labels` are the taxonomy's causes. Trains twice: what people said of some of the runs weighs the opinions on the
    others. The index keeps what a promise on each of their systems rests on. Raises what `extend` raises.
    """
    usual = frequency(run.cause for run in base.runs if not is_taught(run))
    # what neighbours say whom the judge has taught agrees with it anyhow: they are not asked how far it agrees
    fresh = [
        lesson for lesson in lessons if not any(run.system == lesson.system and is_taught(run) for run in base.runs)
    ]
    combiner = learn_worth(lessons, labels, usual=usual, unlabelled=fresh)
    first = extend(base, lessons, tables, combiner)
    weighed = review(first, lessons, tables, vouched=True)
    combiner = learn_worth(weighed, labels, usual=usual, unlabelled=fresh)
    made = extend(first, weighed, tables, combiner)
    grounds = risk.grounds(made.group("taught")) | told(weighed, review(made, weighed, tables), combiner)
    kept = {f"taught/{name}": value for name, value in risk.kept(grounds).items()}
    return replace(made, arrays={**made.arrays, **kept}), weighed, combiner


def extend(index: Index, lessons: Sequence[Lesson], tables: Mapping[str, StepTable], combiner: Combiner) -> Index:
    """Train anew with all lessons, which `review` is to have weighed anew. The index keeps `combiner` too.

    What is promised of verdicts that nobody is asked about rests on the other labels alone. `tables` are the step
    tables (`training.describe`) of the runs that the index does not hold yet. A label of the index that is not a taught
    one stays, unless a person has spoken on that run. Raises KeyError for a run without a table, and TrainingError.
    """
    held = dict(zip((run.run for run in index.runs), training.tables_of(index), strict=True))
    labels = {run.run: run for run in index.runs}
    for lesson in lessons:
        there = labels.get(lesson.run)
        if there is None or is_taught(there) or lesson.cause is not None:
            labels[lesson.run] = lesson.label(combiner)
    rows = [held[run] if run in held else tables[run] for run in labels]
    fitted = training.fit(list(labels.values()), rows, embedder=index.embedder, taxonomy=index.taxonomy)
    learnt = {f"combiner/{name}": value for name, value in combiner.to_arrays().items()}
    before = {name: value for name, value in index.arrays.items() if name.startswith("taught/")}
    return replace(fitted, arrays={**fitted.arrays, **before, **learnt})


def review(
    index: Index, lessons: Sequence[Lesson], tables: Mapping[str, StepTable], *, vouched: bool = False
) -> tuple[Lesson, ...]:
    """Ask the neighbours again about the lessons' runs, each by neighbours who have not seen its task.

    With `vouched`, only by those whose label somebody vouches for: before lessons are weighed, lest a judge's mistakes
    confirm each other. `tables` are those of the runs that the index does not hold; a run without one stays as it is.
    """
    localiser = Localiser.from_arrays(index.group("localiser"))
    whole = CauseModel.from_arrays(index.group("causes"), index.runs)
    calibration = Calibration.from_arrays(index.group("calibration"))
    held = dict(zip((run.run for run in index.runs), training.tables_of(index), strict=True))
    held |= {run: table for run, table in tables.items() if run not in held}
    systems = {run.run: run.system for run in index.runs} | {lesson.run: lesson.system for lesson in lessons}
    ranked = {run: localiser.rank(held[run], system) for run, system in systems.items() if run in held}
    trusted = [i for i, run in enumerate(index.runs) if not (vouched and is_taught(run))]
    asked = [lesson for lesson in lessons if lesson.run in held]
    said: dict[str, tuple[tuple[Candidate, ...], float]] = {}
    for _, test in grouped_folds([lesson.group for lesson in asked]):
        barred = {asked[t].group for t in test}
        kept = [i for i in trusted if index.runs[i].group not in barred]
        known = Acquaintance.of([index.runs[i] for i in kept], index.vectors[kept], index.agents)
        named = [index.runs[i] for i in kept if index.runs[i].cause is not None]
        part = causes.settle([held[run.run] for run in named], [ranked[run.run] for run in named], named, whole.knobs)
        columns = [whole.labels.index(label) for label in part.labels]
        for lesson in (asked[t] for t in test):
            table = held[lesson.run]
            votes = np.full(len(whole.labels), causes.SMALL)
            votes[columns] = part.predict(table, ranked[lesson.run], lesson.system).probabilities
            middle = middles([table.vectors])[0]
            trust = known.trust(lesson.system, middle, set(table.agents))
            p = calibration.judge(votes / votes.sum(), trust).probabilities
            said[lesson.run] = (
                tuple(Candidate(cause=whole.labels[c], probability=float(p[c])) for c in np.argsort(-p, kind="stable")),
                trust,
            )
    return tuple(
        lesson.model_copy(update=dict(zip(("before", "trust"), said[lesson.run], strict=True)))
        if lesson.run in said
        else lesson
        for lesson in lessons
    )


def told(lessons: Iterable[Lesson], now: Iterable[Lesson], combiner: Combiner) -> dict[str, Floats]:
    """Return by system what a promise rests on: (n, 2), the neighbours' confidence and how likely they are right.

    `now` are the same lessons, as neighbours see them who have learnt the others (`review`). Where no person has spoken
    on a run, their verdict counts as right by its probability beside the opinion, by labels that somebody vouches for.
    So a promise holds as far as `combiner` tells what the judge is worth; to make it good, label some of the runs.
    """
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for lesson, seen in zip(lessons, now, strict=True):
        if lesson.opinion is not None or lesson.cause is not None:
            best = seen.before[0]
            found[lesson.system].append((best.probability, lesson.verdict(combiner).get(best.cause, 0.0)))
    return {system: np.array(pairs) for system, pairs in sorted(found.items())}


def promise(
    lessons: Sequence[Lesson], now: Sequence[Lesson], combiner: Combiner, wrong: float, sure: float = risk.SURE
) -> Promise:
    """Return from which confidence on the neighbours may go unasked on these lessons' system; see `told`."""
    pairs = [np.zeros((0, 2)), *told(lessons, now, combiner).values()]
    return risk.expect(np.vstack(pairs), wrong, sure)
