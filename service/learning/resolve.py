"""Several annotators' words on a run -> one label: adjudicated, agreed, or weighed by how reliable each has been."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from classifier.annotation import TRUST, Annotation, Label, merge
from classifier.trace import Frozen
from service.learning import skene

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from classifier.diagnosis import Provenance
    from service.storage.annotations import Statement

CLEAR = 0.75  # probability from which on a disagreement counts as resolved without an adjudicator
RIGHT, WRONG = 4.0, 1.0  # pseudo-counts of Dawid-Skene: an annotator is mostly right until shown otherwise


class How(StrEnum):
    """How a label came about."""

    ONE = "one annotator"
    AGREED = "agreed"
    WEIGHED = "weighed"
    ADJUDICATED = "adjudicated"


class Resolved(Frozen):
    """What is held true of a run. `probability`: of the cause, by Dawid-Skene where annotators differ, else 1."""

    run: str
    label: Label
    how: How
    probability: float
    annotators: int

    @property
    def annotation(self) -> Annotation:
        """The label as one annotation, to learn from."""
        by = self.label.cause_by or self.label.step_by or TRUST[0]
        return Annotation(
            trace=self.run,
            annotator=self.how.value,
            provenance=by,
            cause=self.label.cause,
            secondary=self.label.secondary,
            step=self.label.step,
            agent=self.label.agent,
        )


class Resolution(Frozen):
    """All labels of a project. `disputed`: runs that wait for an adjudicator. `unsure`: nobody was sure of these."""

    labels: tuple[Resolved, ...]
    disputed: tuple[str, ...]
    unsure: tuple[str, ...]

    @property
    def by_run(self) -> dict[str, Resolved]:
        """The labels by the run's uid."""
        return {each.run: each for each in self.labels}


def resolve(statements: Sequence[Statement]) -> Resolution:
    """Resolve what holds of each run. A "not sure" counts for nothing here, the most trusted provenance alone does.

    Where the annotators of a run differ on the cause, Dawid-Skene over all runs weighs their words; the run is
    disputed where no cause is clear (`CLEAR`). Step and agent are those of the annotators whose cause holds.
    """
    by_run: defaultdict[str, list[Statement]] = defaultdict(list)
    for each in statements:
        if each.superseded is None:
            by_run[each.run].append(each)
    sure = {run: found for run, said in by_run.items() if (found := _trusted(said))}
    weights = _weigh({run: said for run, said in sure.items() if not _last(said)})
    labels, disputed = [], []
    for run, said in sure.items():
        resolved = _one(run, said, weights.get(run, {}))
        if resolved is None:
            disputed.append(run)
        else:
            labels.append(resolved)
    return Resolution(
        labels=tuple(labels), disputed=tuple(disputed), unsure=tuple(run for run in by_run if run not in sure)
    )


def _one(run: str, said: Sequence[Statement], weights: Mapping[str, float]) -> Resolved | None:
    if last := _last(said):
        return Resolved(
            run=run, label=merge([last.annotation]), how=How.ADJUDICATED, probability=1.0, annotators=len(said)
        )
    causes = {each.annotation.cause for each in said} - {None}
    if len(causes) <= 1:
        how = How.ONE if len(said) == 1 else How.AGREED
        label = merge([each.annotation for each in said])
        return Resolved(run=run, label=label, how=how, probability=1.0, annotators=len(said))
    best = max(sorted(weights), key=lambda cause: weights[cause])
    if weights[best] < CLEAR:
        return None
    holders = [each.annotation for each in said if each.annotation.cause == best]
    if not holders:  # the model may think that all of them erred; a label that nobody gave is none
        return None
    return Resolved(run=run, label=merge(holders), how=How.WEIGHED, probability=weights[best], annotators=len(said))


def _trusted(said: Iterable[Statement]) -> list[Statement]:
    sure = [each for each in said if not each.unsure]
    if any(each.adjudicated for each in sure):
        return sure
    best: Provenance | None = min((each.annotation.provenance for each in sure), key=TRUST.index, default=None)
    return [each for each in sure if each.annotation.provenance is best]


def _last(said: Iterable[Statement]) -> Statement | None:
    """Return what was adjudicated, the latest of it."""
    return max((each for each in said if each.adjudicated), key=lambda each: each.made, default=None)


def _weigh(sure: Mapping[str, Sequence[Statement]]) -> dict[str, dict[str, float]]:
    """Return the probability of each cause of each run, by Dawid-Skene over all runs."""
    given = [
        (run, each.annotation.annotator, each.annotation.cause)
        for run, said in sure.items()
        for each in said
        if each.annotation.cause is not None
    ]
    if not given:
        return {}
    runs, people, causes = (sorted({one[place] for one in given}) for place in range(3))
    counts = np.zeros((len(runs), len(people), len(causes)))
    for run, person, cause in given:
        counts[runs.index(run), people.index(person), causes.index(cause)] += 1
    fitted = skene.fit(counts, tied=True, right=RIGHT, wrong=WRONG)
    return {run: dict(zip(causes, row.tolist(), strict=True)) for run, row in zip(runs, fitted.posteriors, strict=True)}
