"""Simulated: a judge of a known accuracy, to measure what an opinion is worth before one has been paid for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.combine import MEASURED, Worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SELDOM = 0.01  # of any cause, among those named wrongly
NEAR = 0.4  # of the decisive steps that it misses, the share that it misses by one


class Run(NamedTuple):
    """What the simulation knows of a run. `steps`: the steps' indices, in order."""

    cause: str
    step: int | None
    steps: tuple[int, ...]
    agents: tuple[str, ...]


class Guess(NamedTuple):
    """A simulated opinion."""

    cause: str | None
    second_cause: str | None
    step: int
    agent: str


@dataclass(frozen=True)
class SimulatedJudge:
    """A judge that is right about the cause with probability `accuracy`; a worse one guesses worse second, too.

    Where it is wrong, it names a cause by `favourites`, with some chance: how often each is named wrongly. Those of a
    real judge are the frequent causes (with accuracy 0.54 its kappa was 0.46, so that its wrong answers would agree
    with another run's label in 14 of 100 cases); without any given all causes are alike.

    `likeness` (0 to 1) is how far its mistakes are those of the neighbours; 1: it errs where the neighbours give the
    true cause little, and towards the causes that they hold likely. `uneven` (0 to 1): how much easier some causes are
    to it than others. `habit` maps a cause to another that it always takes it for.
    """

    labels: tuple[str, ...]
    accuracy: float = MEASURED.accuracy
    worth: Worth = MEASURED
    favourites: Mapping[str, float] = field(default_factory=dict)
    likeness: float = 0.0
    uneven: float = 0.0
    habit: Mapping[str, str] = field(default_factory=dict)

    def opinions(
        self, runs: Sequence[Run], neighbours: Sequence[Mapping[str, float]], generator: np.random.Generator
    ) -> list[Guess]:
        """Return an opinion of each run. `neighbours` are their probabilities, which `likeness` leans on."""
        count, k = len(runs), len(self.labels)
        favourites = np.array([self.favourites.get(label, 0.0) + SELDOM for label in self.labels])
        favourites *= generator.gamma(2.0, size=k)
        favourites /= favourites.sum()
        given = np.array([[each.get(label, 0.0) for label in self.labels] for each in neighbours]).reshape(count, k)
        of_truth = np.array([each.get(run.cause, 0.0) for run, each in zip(runs, neighbours, strict=True)])
        # a mixture of ranks: at likeness 0 chance alone says where it errs, at 1 the neighbours do
        ease = self.likeness * _ranks(of_truth) + (1 - self.likeness) * generator.random(count)
        easy = dict(zip(self.labels, generator.permutation(len(self.labels)) / k, strict=True))
        ease += self.uneven * np.array([easy[run.cause] for run in runs])
        right = np.zeros(count, dtype=bool)
        right[np.argsort(-ease, kind="stable")[: _round(self.accuracy * count, generator)]] = True
        prior = (self.worth.either - self.worth.accuracy) / (1 - self.worth.accuracy)
        caught_at = min(prior * self.accuracy / self.worth.accuracy, 1.0)
        out = []
        for i, run in enumerate(runs):
            leaning = self.likeness * given[i] / max(float(given[i].sum()), 1e-12) + (1 - self.likeness) * favourites
            first = run.cause if right[i] else self._other(leaning, {run.cause}, generator)
            if run.cause in self.habit:
                first = self.habit[run.cause]
            caught = first != run.cause and generator.random() < caught_at
            second = run.cause if caught else self._other(leaning, {run.cause, first}, generator)
            step = self._step(run, generator)
            out.append(Guess(first, second, step, run.agents[run.steps.index(step)]))
        return out

    def _other(self, leaning: NDArray[np.float64], barred: set[str], generator: np.random.Generator) -> str:
        p = np.array([0.0 if label in barred else leaning[i] + 1e-6 for i, label in enumerate(self.labels)])
        return self.labels[int(generator.choice(len(p), p=p / p.sum()))]

    def _step(self, run: Run, generator: np.random.Generator) -> int:
        curve = np.array(self.worth.steps, dtype=np.float64)
        found = float(np.interp(np.log(len(run.steps)), np.log(curve[:, 0]), curve[:, 1]))
        if run.step in run.steps and generator.random() < found:
            return run.step or 0
        if run.step in run.steps and generator.random() < NEAR:
            at = run.steps.index(run.step or 0)
            beside = [i for i in (at - 1, at + 1) if 0 <= i < len(run.steps)]
            return run.steps[int(generator.choice(beside))] if beside else run.steps[at]
        return run.steps[int(generator.integers(len(run.steps)))]


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value, 0 to 1."""
    out = np.empty(len(values))
    out[np.argsort(values, kind="stable")] = np.arange(len(values)) / max(len(values) - 1, 1)
    return out


def _round(value: float, generator: np.random.Generator) -> int:
    whole = int(value)
    return whole + int(generator.random() < value - whole)


def frequencies(runs: Sequence[Run]) -> dict[str, float]:
    """Return the share of each cause among labelled runs."""
    found = Counter(run.cause for run in runs)
    return {cause: count / len(runs) for cause, count in sorted(found.items())}
