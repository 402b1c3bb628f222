"""Replay: the whole pipeline over recorded answers under any threshold and combination, for nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.annotation import UNKNOWN
from classifier.bootstrap import Estimate, draws
from classifier.combine import Combiner, Labelled, frequency
from classifier.confusion import NONE, tier
from classifier.consult import total
from classifier.diagnosis import Cost, Familiarity
from classifier.folds import grouped_folds
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.annotation import Label
    from classifier.consult import Hearing
    from classifier.diagnosis import Diagnosis, Opinion, StepChoice
    from classifier.pipeline import Classifier, Combines, Reading

NEVER, ALWAYS = -1.0, 2.0  # thresholds under which nobody and everybody is asked about
STEPS = 9  # thresholds between the two, where none is named


class Combination(StrEnum):
    """How opinion and neighbours become one.

    `index`: as the index has learnt it, or as stated of a judge before it was seen; `fitted`: learnt from the labelled
    runs at hand, each without its task; `judge`: the judge's word alone.
    """

    INDEX = "index"
    FITTED = "fitted"
    JUDGE = "judge"


class Run(NamedTuple):
    """A run as it was read, what the record has of the judge, and, where it is labelled, its label and task."""

    reading: Reading
    hearing: Hearing
    label: Label | None = None
    group: str = ""


class Point(Frozen):
    """What one threshold comes to. `NEVER` and `ALWAYS` ask about no run and about every one.

    `heard` of the `asked` runs have a usable opinion on record; the others keep the neighbours' verdict. `cost` is what
    the answers cost when they were bought. `changed` verdicts differ from the neighbours'. `kappa` and `accuracy`
    compare the likeliest cause with the labels. `frontier`: no threshold that asks about fewer runs has a larger kappa.
    """

    threshold: float
    runs: int
    asked: int
    heard: int
    cost: Cost
    changed: int
    kappa: Estimate | None = None
    accuracy: Estimate | None = None
    frontier: bool = False


class JudgeAlone:
    """Takes the judge at its word, where it has one."""

    def causes(self, causes: Mapping[str, float], opinion: Opinion, /) -> dict[str, float]:
        """Give the judge's cause what it says of it, at least a hair more than any other."""
        if opinion.cause is None:
            return dict(causes)
        others = sum(p for cause, p in causes.items() if cause != opinion.cause)
        p = max(opinion.probability, 0.51)
        shares = {cause: (1 - p) * its / max(others, 1e-12) for cause, its in causes.items() if cause != opinion.cause}
        return {opinion.cause: p, **shares}

    def steps(self, steps: Sequence[StepChoice], opinion: Opinion, _: int, /) -> tuple[StepChoice, ...]:
        """Put the judge's step first."""
        from classifier.diagnosis import StepChoice  # noqa: PLC0415 - a name for types elsewhere in this file

        mine = StepChoice(step=opinion.step, agent=opinion.agent, probability=opinion.probability)
        return (mine, *(choice for choice in steps if choice.step != opinion.step))[:3]


def thresholds(classifier: Classifier, runs: Sequence[Run]) -> list[float]:
    """Return thresholds worth a look: never, evenly over the runs' confidences, the promised one, always."""
    sure = np.array([run.reading.weighed.sure for run in runs])
    between = np.quantile(sure, np.linspace(0, 1, STEPS)).tolist() if len(sure) else []
    promised = classifier.promise.threshold if classifier.promise else None
    return sorted({NEVER, ALWAYS, *between, *([promised] if promised is not None else [])})


def replay(
    classifier: Classifier,
    runs: Sequence[Run],
    at: Sequence[float],
    combination: Combination = Combination.INDEX,
) -> tuple[Point, ...]:
    """Return what each threshold in `at` comes to, in order. Raises ValueError where nothing can be fitted."""
    combiners = _combiners(classifier, runs, combination)
    alone = [classifier.conclude(run.reading) for run in runs]
    both = [
        classifier.conclude(run.reading, run.hearing, combiner=combiner)
        for run, combiner in zip(runs, combiners, strict=True)
    ]
    points = []
    for threshold in at:
        asked = [asks(run, threshold) for run in runs]
        verdicts = [both[i] if ask else alone[i] for i, ask in enumerate(asked)]
        hearings = [run.hearing for run, ask in zip(runs, asked, strict=True) if ask]
        point = Point(
            threshold=threshold,
            runs=len(runs),
            asked=sum(asked),
            heard=sum(hearing.opinion is not None for hearing in hearings),
            cost=total(Cost(), *(hearing.cost for hearing in hearings)),
            changed=sum(one.cause != other.cause for one, other in zip(verdicts, alone, strict=True)),
        )
        points.append(_measured(point, runs, verdicts))
    return _frontier(points)


def asks(run: Run, threshold: float) -> bool:
    """Say whether a run is asked about under a threshold: one of a system that is not known always is."""
    if run.reading.trace.succeeded or threshold == NEVER:
        return False
    return run.reading.weighed.sure < threshold or run.reading.weighed.familiarity is not Familiarity.KNOWN


def _combiners(classifier: Classifier, runs: Sequence[Run], combination: Combination) -> list[Combines | None]:
    if combination is Combination.INDEX:
        return [None] * len(runs)
    if combination is Combination.JUDGE:
        return [JudgeAlone()] * len(runs)
    seen = {i: taught for i, run in enumerate(runs) if (taught := taught_by(run)) is not None}
    if not seen:
        raise ValueError("no labelled run has an opinion on record: nothing can be fitted")
    out: list[Combines | None] = [None] * len(runs)
    for train, test in grouped_folds([run.group for run in runs]):
        opinions = [seen[i] for i in train if i in seen]
        usual = frequency(run.cause for run in classifier.index.runs)
        fitted = Combiner.fit(opinions, classifier.taxonomy.ids, frequency=usual)
        for i in test:
            out[i] = fitted
    return out


def taught_by(run: Run) -> Labelled | None:
    """Return what a labelled run with an opinion teaches of the judge; None where it teaches nothing."""
    if run.hearing.opinion is None or run.label is None or run.label.cause in {None, UNKNOWN}:
        return None
    return Labelled(
        causes=run.reading.weighed.beside,
        opinion=run.hearing.opinion,
        cause=run.label.cause or "",
        group=run.group,
        steps=run.reading.weighed.steps,
        length=len(run.reading.trace.steps),
        step=run.label.step,
    )


def _measured(point: Point, runs: Sequence[Run], verdicts: Sequence[Diagnosis]) -> Point:
    pairs = [
        (run.label.cause, verdict.candidates[0].cause if verdict.candidates else NONE, run.group)
        for run, verdict in zip(runs, verdicts, strict=True)
        if run.label is not None and run.label.cause is not None and run.label.cause != UNKNOWN
    ]
    if not pairs:
        return point
    gold, best, groups = (list(part) for part in zip(*pairs, strict=True))
    scores = tier("cause", gold, best, draws(groups), tasks=len(set(groups)))
    return point.model_copy(update={"kappa": scores.kappa, "accuracy": scores.accuracy})


def _frontier(points: Sequence[Point]) -> tuple[Point, ...]:
    """Mark the points that no other beats: as few runs asked about, and as large a kappa."""

    def worth(point: Point) -> float:
        return point.kappa.value if point.kappa and point.kappa.value is not None else -1.0

    return tuple(
        point.model_copy(
            update={
                "frontier": point.kappa is not None
                and not any(
                    (other.asked <= point.asked and worth(other) > worth(point))
                    or (other.asked < point.asked and worth(other) >= worth(point))
                    for other in points
                )
            }
        )
        for point in points
    )
