"""Combine: the neighbours' probabilities and the judge's opinion -> one distribution, each counting for what it showed.

P(cause c | both) is proportional to n_c ^ a * P(the judge says so | c) ^ b * exp(bias_c): stacking (Wolpert 1992) with
the judge as a noisy annotator who has a confusion matrix (Dawid and Skene 1979). A row of the matrix is what it said
of labelled runs of that cause, shrunk towards its accuracy over all causes, and that towards the accuracy stated for
it, so that one labelled opinion changes little and many decide. The cause that the judge named has two weights more,
which take up that both may err alike. All weights are fitted on opinions that the matrix has not seen; where one of the
two alone was right more often than both together, by more than noise, its cause goes first. Without labelled opinions
the stated worth alone counts. Using needs numpy alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from classifier import combine_steps
from classifier.combine_causes import (
    MEASURED,
    STATED,
    Believed,
    Count,
    Labelled,
    Leader,
    Said,
    Weights,
    Worth,
    agreed,
    believed,
    leader,
    likelihood,
    named_wrongly,
    position,
    shares,
    weigh,
)
from classifier.diagnosis import likeliest
from classifier.folds import grouped_folds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.diagnosis import StepChoice

    Floats = NDArray[np.float64]

__all__ = ["MEASURED", "STATED", "Combiner", "Labelled", "Leader", "Said", "Worth", "credible", "frequency", "lead"]

COVERAGE = 0.9
STRENGTHS = (10.0, 30.0, 100.0, 300.0)  # runs that the accuracy over all causes counts for, beside those of one cause
EDGE = 1e-9  # by which a cause that is put first is ahead
LEADING = 40  # labelled opinions under which who leads would be chosen by luck
FEWEST = 10  # labelled opinions under which nothing is fitted but what is counted


@dataclass(frozen=True)
class Combiner:
    """What both are worth. K causes in the order of `labels`.

    `confusion` (K, K + 1): P(the judge says j | the cause is i), the last column `unknown`; `second`: P(its second
    cause is right | its first is not); `named` (K,): how often it names which where it is wrong. `weights` (3,):
    exponents of the neighbours, the judge, and of the neighbours for steps; `first` (2,) and `bias` (K,), in log odds:
    see `combine_causes.Weights`. `length` (m, 2): steps of a run, P(the judge finds the decisive one), in between by
    the logarithm of the length. `leader`: whose cause goes first. `seen`: labelled opinions that all this rests on.
    """

    labels: tuple[str, ...]
    confusion: Floats
    second: float
    named: Floats
    weights: Floats
    first: Floats
    bias: Floats
    length: Floats
    leader: Leader = Leader.BOTH
    seen: int = 0

    @classmethod
    def stated(
        cls, labels: Sequence[str], worth: Worth = STATED, frequency: Mapping[str, float] | None = None
    ) -> Combiner:
        """Return what is believed of a judge of this worth before it has been seen at work; see `fit`."""
        return cls.fit((), labels, worth, frequency)

    @classmethod
    def fit(
        cls,
        seen: Sequence[Labelled],
        labels: Sequence[str],
        worth: Worth = STATED,
        frequency: Mapping[str, float] | None = None,
        unlabelled: Sequence[tuple[Mapping[str, float], Said]] = (),
    ) -> Combiner:
        """Fit on opinions on labelled runs; `worth` is what they are shrunk to. Deterministic.

        `unlabelled`: what neighbours who have not seen them, and the judge, say of runs without a label; a judge that
        seldom agrees is taken to be worth less than stated. `frequency` tells how often each cause occurs in labelled
        runs: the frequent ones are those that a judge names where it is wrong, until its opinions tell more; None: all
        alike. Raises ValueError for a cause that is not in `labels`, and for fewer than three labels.
        """
        if len(labels) < 3:
            raise ValueError("fewer than three causes: nothing to weigh a second guess against")
        at = {label: i for i, label in enumerate(labels)}
        said = [Count.of(each, at) for each in seen]
        usual = named_wrongly(frequency or {}, labels)
        if unlabelled:
            heard = [Count(position(at, say.cause), position(at, say.second_cause), -1) for _, say in unlabelled]
            worth = agreed(heard, np.log([shares(causes, at) for causes, _ in unlabelled]), usual, worth)
        strength, weights, ahead = STRENGTHS[1], Weights.even(len(labels)), Leader.BOTH
        if len(said) >= FEWEST:
            neighbours = np.log([shares(each.causes, at) for each in seen])
            y, first = np.array([each.true for each in said]), np.array([_or_none(each.first) for each in said])
            groups = [each.group for each in seen]
            folds, best, chosen = grouped_folds(groups), np.inf, np.zeros_like(neighbours)
            for tried in STRENGTHS:
                # what the judge says of a run is weighed by a matrix that has not seen the run's task
                unseen = np.zeros_like(neighbours)
                for train, test in folds:
                    trusted = believed([said[i] for i in train], usual, worth, tried)
                    unseen[test] = [likelihood(trusted, said[i]) for i in test]
                loss, found = weigh(neighbours, unseen, first, y)
                if loss < best - 1e-9:
                    best, strength, weights, chosen = loss, tried, found, unseen
            if len(said) >= LEADING:
                ahead = leader(neighbours, chosen, first, y, grouped_folds(groups, seed=1))
        known = believed(said, usual, worth, strength)
        located = [each for each in seen if each.step is not None and each.length > 1]
        length, on_steps = combine_steps.learn(located, worth.steps)
        exponents = np.append(weights.exponents, on_steps)
        return cls(tuple(labels), *known, exponents, weights.named, weights.bias, length, ahead, len(seen))

    def causes(self, causes: Mapping[str, float], opinion: Said) -> dict[str, float]:
        """Return the probability of every cause of `labels`, likeliest first, summing to 1.

        `causes` are the neighbours' calibrated probabilities. Raises ValueError for a cause that is not in `labels`.
        """
        at = {label: i for i, label in enumerate(self.labels)}
        said = Count(position(at, opinion.cause), position(at, opinion.second_cause), -1)
        neighbours = np.log(shares(causes, at))
        judge = likelihood(Believed(self.confusion, self.second, self.named), said)
        weights = Weights(self.weights[:2], self.first, self.bias)
        p = combine_steps.normal(weights.logs(neighbours[None], judge[None], np.array([_or_none(said.first)]))[0])
        first = said.first if self.leader is Leader.JUDGE else int(neighbours.argmax())
        if self.leader is not Leader.BOTH and first is not None:
            return lead(dict(zip(self.labels, p.tolist(), strict=True)), self.labels[first])
        return {self.labels[i]: float(p[i]) for i in np.argsort(-p, kind="stable")}

    def accuracy(self, cause: str) -> float:
        """Return P(the judge names `cause` | it is the cause)."""
        i = self.labels.index(cause)
        return float(self.confusion[i, i])

    @property
    def overall(self) -> float:
        """How often the judge is taken to name the right cause, all causes alike."""
        return float(np.diag(self.confusion[:, :-1]).mean())

    def steps(self, steps: Sequence[StepChoice], opinion: Said, length: int, keep: int = 3) -> tuple[StepChoice, ...]:
        """Return the likely decisive steps of a run of `length` steps, likeliest first: at most `keep`.

        `steps` are the neighbours' likeliest. A judge that finds no evidence of any cause has no say.
        """
        if opinion.cause is None or length < 2:
            return tuple(steps[:keep])
        chance = combine_steps.found(self.length, length)
        logs, chosen = combine_steps.together(steps, opinion, length, float(self.weights[2]), chance)
        p = combine_steps.normal(logs)
        order = np.argsort(-p[:-1], kind="stable")[:keep]
        return tuple(chosen[i].model_copy(update={"probability": round(float(p[i]), 4)}) for i in order)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as named arrays, to be stored in an index."""
        return {
            f.name: np.asarray(getattr(self, f.name), dtype=np.str_ if f.name == "leader" else None)
            for f in fields(self)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Combiner:
        """Return the combiner that `to_arrays` gave. Raises KeyError where an array is missing."""

        def number(name: str) -> Floats:
            return np.asarray(arrays[name], dtype=np.float64)

        return cls(
            labels=tuple(map(str, arrays["labels"])),
            confusion=number("confusion"),
            second=float(number("second")),
            named=number("named"),
            weights=number("weights"),
            first=number("first") if "first" in arrays else np.zeros(2),
            bias=number("bias"),
            length=number("length"),
            leader=Leader(str(arrays.get("leader", Leader.BOTH))),
            seen=int(number("seen")),
        )


def frequency(causes: Iterable[str | None]) -> dict[str, float]:
    """Count the causes of labelled runs, as `Combiner.fit` wants them."""
    counted = Counter(cause for cause in causes if cause is not None)
    return {cause: float(count) for cause, count in sorted(counted.items())}


def lead(causes: Mapping[str, float], first: str) -> dict[str, float]:
    """Put a cause first, the others behind it by likelihood: it shares what it and the likeliest hold.

    So whoever leads is believed, but not as much as the likeliest would be.
    """
    best = likeliest(causes)[0]
    half = (causes[first] + causes[best]) / 2
    others = {cause: causes[cause] for cause in likeliest(causes) if cause not in {first, best}}
    return {first: half, **others} if first == best else {first: half + EDGE, best: half - EDGE, **others}


def credible(causes: Mapping[str, float], coverage: float = COVERAGE) -> tuple[str, ...]:
    """Return the fewest causes that hold `coverage` of the probability, likeliest first; never none."""
    order = likeliest(causes)
    held = np.cumsum([causes[cause] for cause in order])
    return order[: int(np.searchsorted(held, coverage - 1e-9)) + 1]


def _or_none(place: int | None) -> int:
    return -1 if place is None else place
