"""Causes: the vote. Labelled runs that lie near the likely decisive steps of a run, in a learnt space, name its cause.

Each likely step asks the nearest labelled runs; the answers are added up by the probability of the step (`_vote`).
What the learnt space itself says (the linear part of `metric`) is pooled with the vote: it is the better calibrated of
the two, the vote the more accurate one. How many neighbours, how far, and the shares are chosen by cross-validation
inside the training runs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import metric
from classifier.folds import grouped_folds
from classifier.metric import Metric, Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.features import StepTable
    from classifier.index import Labelled
    from classifier.metric import Floats, Placed

SMALL = 1e-3  # no cause is ruled out
CARRIERS = 5
REPEATS = 2  # of the inner cross-validation: one split of 150 runs chooses by luck
GRID = tuple(
    product(((6, 3.0), (10, 3.0), (16, 3.0), (16, 2.0)), (0.5, 0.8), (0.2, 0.4, 0.6, 0.8, 1.0))
)  # (neighbours, decay), balance, pool


class Carrier(NamedTuple):
    """A labelled run that carried the vote: its share of the vote for the first cause, and its nearness (0 to 1)."""

    labelled: Labelled
    share: float
    similarity: float


class Vote(NamedTuple):
    """Probabilities (K,) of the causes in the order of `labels`, the steps' (n,), and the runs that carried it."""

    labels: tuple[str, ...]
    probabilities: Floats
    steps: Floats
    carriers: tuple[Carrier, ...]


@dataclass(frozen=True)
class Knobs:
    """How the neighbours are asked. Chosen by cross-validation in `fit`.

    `neighbours` sets the distance at which a vote has fallen to exp(-`decay`): that of the so-manieth neighbour.
    `same_system` multiplies votes of the run's own system, `balance` raises rare causes, `pool` is the vote's share
    against the linear part (geometric).
    """

    neighbours: int = 10
    decay: float = 3.0
    same_system: float = 2.0
    balance: float = 0.5
    pool: float = 0.6


@dataclass(frozen=True)
class CauseModel:
    """The learnt space and where the labelled runs lie in it: `coordinates` (n, K), in the order of `runs`."""

    metric: Metric
    runs: tuple[Labelled, ...]
    coordinates: Floats
    knobs: Knobs

    @property
    def labels(self) -> tuple[str, ...]:
        """The causes that it can name."""
        return self.metric.labels

    def predict(self, table: StepTable, posterior: Floats, system: str) -> Vote:
        """Name the cause of a run, given the localiser's (n,) probabilities of its steps."""
        placed = self.metric.place(table, posterior, system)
        votes, nearness = self.votes(placed, system)
        probabilities = self.pool(placed, votes)
        steps = np.zeros(len(table))
        steps[placed.positions] = placed.joint.sum(axis=1)
        first = int(probabilities.argmax())
        mine = np.flatnonzero(self._y == first)
        total = max(float(votes[mine].sum()), 1e-12)
        order = sorted(mine.tolist(), key=lambda i: (-votes[i], self.runs[i].run))[:CARRIERS]
        carriers = tuple(Carrier(self.runs[i], float(votes[i]) / total, float(nearness[i])) for i in order)
        return Vote(self.labels, probabilities, steps, carriers)

    def votes(self, placed: Placed, system: str) -> tuple[Floats, Floats]:
        """Return each labelled run's share (n,) of the vote, 1 in all, and its nearness to the likely steps, 0 to 1."""
        knobs = self.knobs
        weight = self._weight * np.where(self._systems == system, knobs.same_system, 1.0)
        distance = ((placed.coordinates[:, None] - self.coordinates[None]) ** 2).sum(axis=2)
        so_many = min(knobs.neighbours, len(self.runs) - 1)
        reach = np.maximum(np.partition(distance, so_many, axis=1)[:, so_many], 1e-12)
        nearness = np.exp(-knobs.decay * distance / reach[:, None])
        votes = nearness * weight
        votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1e-300)
        steps = placed.joint.sum(axis=1)
        return steps @ votes, steps @ nearness

    def pool(self, placed: Placed, votes: Floats) -> Floats:
        """Pool the vote (n,) with the linear part, geometrically: probabilities (K,) of the causes."""
        k = len(self.labels)
        frequency = (np.bincount(self._y, minlength=k) + 0.3) / (len(self.runs) + 0.3 * k)
        voted = 0.95 * np.bincount(self._y, weights=votes, minlength=k) + 0.05 * frequency
        linear = np.maximum(placed.joint.sum(axis=0), SMALL)
        out = np.maximum(voted, SMALL) ** self.knobs.pool * linear ** (1 - self.knobs.pool)
        result: Floats = out / out.sum()
        return result

    @cached_property
    def _y(self) -> NDArray[np.int64]:
        at = {label: i for i, label in enumerate(self.labels)}
        return np.array([at[run.cause or ""] for run in self.runs], dtype=np.int64)

    @cached_property
    def _weight(self) -> Floats:
        sure = np.array([run.weight for run in self.runs])
        weight: Floats = sure * np.bincount(self._y)[self._y] ** -self.knobs.balance
        return weight

    @cached_property
    def _systems(self) -> NDArray[np.str_]:
        return np.array([run.system for run in self.runs])

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything but `runs` as named arrays, to be stored in an index that holds the runs."""
        m = self.metric
        numbers = {
            "mean": m.mean, "basis": m.basis, "local": m.local, "whole": m.whole, "bias": m.bias,
            "coordinates": self.coordinates,
            **{f"steps.{f.name}": getattr(m.steps, f.name) for f in fields(Scaling)},
            **{f"runs.{f.name}": getattr(m.runs, f.name) for f in fields(Scaling)},
        }  # fmt: skip
        words = {"labels": m.labels, "systems": m.systems, "names": m.names, "ids": tuple(run.run for run in self.runs)}
        return {
            **{name: value.astype(np.float32) for name, value in numbers.items()},
            **{name: np.array(value, dtype=np.str_) for name, value in words.items()},
            "knobs": np.array([float(getattr(self.knobs, f.name)) for f in fields(Knobs)]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], runs: Sequence[Labelled]) -> CauseModel:
        """Return the model that `to_arrays` gave; `runs` are those of the index, in any order."""

        def number(name: str) -> Floats:
            return np.asarray(arrays[name], dtype=np.float64)

        def words(name: str) -> tuple[str, ...]:
            return tuple(map(str, arrays[name]))

        def scaling(part: str) -> Scaling:
            return Scaling(**{f.name: number(f"{part}.{f.name}") for f in fields(Scaling)})

        by_id = {run.run: run for run in runs}
        neighbours, decay, same_system, balance, pool = map(float, number("knobs"))
        return cls(
            metric=Metric(
                words("labels"), words("systems"), words("names"), number("mean"), number("basis"), scaling("steps"),
                scaling("runs"), number("local"), number("whole"), number("bias"),
            ),
            runs=tuple(by_id[name] for name in words("ids")),
            coordinates=number("coordinates"),
            knobs=Knobs(int(neighbours), decay, same_system, balance, pool),
        )  # fmt: skip


class Fitted(NamedTuple):
    """A model, and what it says of each training run when the run's group is left out: (R, n, K), R repeats."""

    model: CauseModel
    held_out: Floats


def fit(tables: Sequence[StepTable], posteriors: Sequence[Floats], runs: Sequence[Labelled]) -> Fitted:
    """Fit on labelled runs, each with a cause. Deterministic; labels may be ids of any taxonomy.

    `posteriors` are the localiser's (n,) probabilities of each run's steps, made without the run's own group (see
    `localise.cross_rank`). Raises ValueError for a run without a cause.
    """
    if any(run.cause is None for run in runs):
        raise ValueError("runs without a cause teach no cause: leave them out")
    whole = settle(tables, posteriors, runs)
    groups = [run.group for run in runs]
    repeats: list[list[tuple[CauseModel, dict[int, Placed]]]] = []
    for seed in range(REPEATS if len(set(groups)) > 1 else 0):
        parts = []
        for train, test in grouped_folds(groups, seed=seed):
            part = settle([tables[i] for i in train], [posteriors[i] for i in train], [runs[i] for i in train])
            parts.append((part, {i: part.metric.place(tables[i], posteriors[i], runs[i].system) for i in test}))
        repeats.append(parts)

    @cache
    def votes(knobs: Knobs, seed: int, fold: int) -> dict[int, Floats]:
        part, test = repeats[seed][fold]
        asked = replace(part, knobs=knobs)
        return {i: asked.votes(placed, runs[i].system)[0] for i, placed in test.items()}

    def held_out(knobs: Knobs, seed: int) -> Floats:
        out = np.full((len(runs), len(whole.labels)), SMALL)
        for fold, (part, test) in enumerate(repeats[seed]):
            asked = replace(part, knobs=knobs)
            columns = [whole.labels.index(label) for label in part.labels]
            for i, voted in votes(replace(knobs, pool=0.0), seed, fold).items():  # the same whatever the pool
                out[i, columns] = asked.pool(test[i], voted)
        result: Floats = out / out.sum(axis=1, keepdims=True)
        return result

    y = np.array([whole.labels.index(run.cause or "") for run in runs])
    w = np.array([run.weight for run in runs])
    best, most = Knobs(), -np.inf
    for (neighbours, decay), balance, pool in GRID if repeats else ():
        knobs = Knobs(neighbours, decay, balance=balance, pool=pool)
        merit = float(np.mean([_merit(held_out(knobs, seed), y, w) for seed in range(len(repeats))]))
        if merit > most + 1e-9:
            best, most = knobs, merit
    unseen = [held_out(best, seed) for seed in range(len(repeats))]
    return Fitted(replace(whole, knobs=best), np.array(unseen).reshape(len(repeats), len(runs), len(whole.labels)))


def settle(
    tables: Sequence[StepTable], posteriors: Sequence[Floats], runs: Sequence[Labelled], knobs: Knobs | None = None
) -> CauseModel:
    """Learn the space from runs and place them in it."""
    space = metric.learn(tables, posteriors, runs)
    coordinates = []
    for table, posterior, run in zip(tables, posteriors, runs, strict=True):
        # where the run would be seen if it were new: at its likely steps, not at the one that was named. A run that is
        # asked about comes without a named step, so this is what it can be compared with (kappa .36 against .32)
        placed = space.place(table, posterior, run.system)
        coordinates.append(placed.joint.sum(axis=1) @ placed.coordinates)
    return CauseModel(space, tuple(runs), np.array(coordinates), knobs or Knobs())


def _merit(probabilities: Floats, y: NDArray[np.int64], weights: Floats) -> float:
    """Cohen's kappa less 0.3 of the log-loss at the best temperature: kappa alone is noisy, the loss alone timid."""
    k = probabilities.shape[1]
    table = np.zeros((k, k))
    np.add.at(table, (y, probabilities.argmax(axis=1)), weights)
    table /= table.sum()
    agreed, chance = float(np.trace(table)), float(table.sum(axis=1) @ table.sum(axis=0))
    logs = np.log(np.maximum(probabilities, SMALL))
    losses = []
    for sharpness in (0.4, 0.6, 0.8, 1.0):
        z = sharpness * logs
        z = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        losses.append(-float(weights @ z[np.arange(len(y)), y]) / float(weights.sum()))
    return (agreed - chance) / max(1 - chance, 1e-9) - 0.3 * min(losses)
