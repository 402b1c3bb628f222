"""Neighbours and a judge of known accuracy together: is the combination ever worse, and where does asking pay."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.annotation import UNKNOWN
from classifier.bootstrap import draws, estimate
from classifier.coefficients import kappa_over, tables_over
from classifier.combine import Combiner, Labelled
from classifier.diagnosis import StepChoice
from classifier.folds import grouped_folds
from classifier.risk import promise
from classifier.simulate._judge import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.bootstrap import Estimate
    from classifier.combine import Said
    from classifier.corpus import Example
    from classifier.prediction import Prediction
    from classifier.simulate._judge import SimulatedJudge

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
RESAMPLES = 400
RISKS = (0.1, 0.3, 0.5, 0.6, 0.7)


class Asked(NamedTuple):
    """Runs with a labelled cause, and what held-out neighbours said of their causes and steps, in one split."""

    runs: tuple[Run, ...]
    groups: tuple[str, ...]
    neighbours: tuple[Mapping[str, float], ...]
    steps: tuple[tuple[StepChoice, ...], ...]

    @classmethod
    def of(cls, examples: Iterable[Example], predictions: Iterable[Prediction]) -> Asked:
        """Put held-out predictions, in the order of the examples, beside the labels.

        A prediction does not say how likely its steps are: each place in its ranking gets the share of the runs in
        which the labelled step stands there, of the shorter and of the longer half of the runs.
        """
        pairs = [
            (example, prediction)
            for example, prediction in zip(examples, predictions, strict=True)
            if example.label.cause not in {None, UNKNOWN}
        ]
        middle = float(np.median([len(example.trace.steps) for example, _ in pairs]))
        hits = {
            long: [
                float(
                    np.mean(
                        [p.steps[place : place + 1] == (e.label.step,) for e, p in pairs if _long(e, middle) is long]
                    )
                )
                for place in range(3)
            ]
            for long in (False, True)
        }
        runs, steps = [], []
        for example, prediction in pairs:
            acts = {step.index: step.agent for step in example.trace.steps}
            runs.append(Run(example.label.cause or "", example.label.step, tuple(acts), tuple(acts.values())))
            ranked = zip(prediction.steps, hits[_long(example, middle)], strict=False)
            steps.append(tuple(StepChoice(step=at, agent=acts[at], probability=p) for at, p in ranked))
        neighbours = tuple(
            {candidate.cause: candidate.probability for candidate in prediction.probabilities}
            for _, prediction in pairs
        )
        return cls(tuple(runs), tuple(example.group for example, _ in pairs), neighbours, tuple(steps))


class Auto(NamedTuple):
    """What `auto` does at a risk: the share of runs asked about, kappa, and the share of wrong among the others."""

    asked: float
    kappa: float
    wrong: float


class Together(NamedTuple):
    """One draw. Kappa of each alone; of both with the stated worth; and with one fitted on other tasks (`fitted`).

    `agreed`: the stated worth, lowered by how far the judge agrees with the neighbours, without a label. `codes`
    (4, n): the true causes, and what neighbours, judge and the fitted combination say, as positions among the labels
    (-1: unknown).
    `error` is how far the fitted combination's confidence lies above its accuracy. `steps`: the share of decisive
    steps that neighbours, judge and both find. `frontier`: kappa where the share of the runs (`SHARES`) that the
    neighbours are least sure of is asked about. `auto`: at each of `RISKS`, the threshold chosen on other tasks.
    """

    neighbours: float
    judge: float
    stated: float
    agreed: float
    fitted: float
    error: float
    steps: tuple[float, float, float]
    frontier: tuple[float, ...]
    auto: tuple[Auto, ...]
    codes: NDArray[np.int64]


def together(asked: Asked, judge: SimulatedJudge, seed: Sequence[int], *, labelled: int | None = None) -> Together:
    """Measure one draw of opinions. `labelled`: of each training fold, at most so many opinions are fitted on.

    The others count by how far they agree with the neighbours.
    """
    generator = np.random.default_rng(seed)
    opinions = judge.opinions(asked.runs, asked.neighbours, generator)
    labels, truth = judge.labels, [run.cause for run in asked.runs]
    known = Combiner.stated(labels, frequency=judge.favourites)
    seen = [
        Labelled(p, said, run.cause, group, steps, len(run.steps), run.step)
        for p, said, run, group, steps in zip(
            asked.neighbours, opinions, asked.runs, asked.groups, asked.steps, strict=True
        )
    ]
    alone = [_first(each) for each in asked.neighbours]
    confidence = np.array([max(each.values()) for each in asked.neighbours])
    right = np.array([one == other for one, other in zip(alone, truth, strict=True)])
    fitted, sure, found = [""] * len(truth), np.zeros(len(truth)), np.zeros((len(truth), 3))
    unsure = np.zeros((len(RISKS), len(truth)), dtype=bool)
    for train, test in grouped_folds(asked.groups, seed=int(generator.integers(2**31))):
        chosen = generator.permutation(train)[:labelled].tolist()
        others = [(seen[i].causes, seen[i].opinion) for i in sorted({*train} - {*chosen})]
        combiner = Combiner.fit([seen[i] for i in chosen], labels, frequency=judge.favourites, unlabelled=others)
        held_out = np.column_stack([confidence[train], right[train]]).astype(np.float64)
        for r, risk in enumerate(RISKS):
            threshold = promise(held_out, risk).threshold
            unsure[r, test] = threshold is None or confidence[test] < threshold
        for i in test:
            verdict = combiner.causes(asked.neighbours[i], opinions[i])
            fitted[i] = _first(verdict)
            sure[i] = verdict[fitted[i]]
            both = combiner.steps(asked.steps[i], opinions[i], len(asked.runs[i].steps))
            found[i] = [at == asked.runs[i].step for at in (asked.steps[i][0].step, opinions[i].step, both[0].step)]
    located = [run.step is not None for run in asked.runs]
    least_sure = np.argsort(confidence, kind="stable")
    frontier = []
    for share in SHARES:
        chosen = set(least_sure[: round(share * len(truth))].tolist())
        frontier.append(kappa(truth, [fitted[i] if i in chosen else alone[i] for i in range(len(truth))]))
    auto = []
    for mask in unsure:
        said = [fitted[i] if mask[i] else alone[i] for i in range(len(truth))]
        wrong = float(1 - right[~mask].mean()) if not mask.all() else float("nan")
        auto.append(Auto(float(mask.mean()), kappa(truth, said), wrong))
    pairs = list(zip(asked.neighbours, opinions, strict=True))
    stated = [_first(known.causes(p, said)) for p, said in pairs]
    lowered = Combiner.fit((), labels, frequency=judge.favourites, unlabelled=pairs)
    agreed = [_first(lowered.causes(p, said)) for p, said in pairs]
    at = {label: i for i, label in enumerate(labels)}
    named = [_named(said) for said in opinions]
    share = found[located].mean(axis=0)
    accuracy = np.mean([one == other for one, other in zip(fitted, truth, strict=True)])
    return Together(
        neighbours=kappa(truth, alone),
        judge=kappa(truth, named),
        stated=kappa(truth, stated),
        agreed=kappa(truth, agreed),
        fitted=kappa(truth, fitted),
        error=float(sure.mean() - accuracy),
        steps=(float(share[0]), float(share[1]), float(share[2])),
        frontier=tuple(frontier),
        auto=tuple(auto),
        codes=np.array([[at.get(label, -1) for label in each] for each in (truth, alone, named, fitted)]),
    )


def over_the_better(asked: Sequence[Asked], found: Sequence[Together]) -> Estimate:
    """Return how far the fitted combination lies over the better of the two: mean of the draws, interval over tasks.

    `asked` are the splits of `found`, in their order. Every draw is of the same runs, so each sample of the tasks is
    one for all; which is the better of the two is settled by the mean of the draws.
    """
    samples = [draws(each.groups, resamples=RESAMPLES) for each in asked]
    kappas = []
    for one, weights in zip(found, samples, strict=True):
        size = int(one.codes.max()) + 2
        codes = np.where(one.codes < 0, size - 1, one.codes)
        kappas.append([kappa_over(tables_over(codes[0], said, size, weights)) for said in codes[1:]])
    neighbours, judge, both = np.mean(kappas, axis=0)
    better = judge if judge[0] > neighbours[0] else neighbours
    return estimate(both - better, len(asked[0].runs), tasks=len(set(asked[0].groups)))


def _long(example: Example, middle: float) -> bool:
    return len(example.trace.steps) > middle


def kappa(truth: Sequence[str], said: Sequence[str]) -> float:
    """Cohen's kappa of two label sequences; NaN where it is undefined."""
    codes = {label: i for i, label in enumerate(sorted({*truth, *said}))}

    def coded(labels: Sequence[str]) -> NDArray[np.int64]:
        return np.array([codes[label] for label in labels], dtype=np.int64)

    tables = tables_over(coded(truth), coded(said), len(codes), np.ones((1, len(truth))))
    return float(kappa_over(tables)[0])


def _first(causes: Mapping[str, float]) -> str:
    return max(causes, key=lambda cause: (causes[cause], cause))


def _named(said: Said) -> str:
    return said.cause or UNKNOWN
