"""Causes: what is counted of a judge's opinions, and how they are weighed beside the neighbours' probabilities."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from classifier import combine_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.diagnosis import StepChoice

    Floats = NDArray[np.float64]

FLOOR = 0.005  # of a cause that the neighbours do not know: rare, not impossible
PRIOR_RUNS = 20.0  # labelled opinions that the stated worth counts for
ON_AGREEMENT = 4.0  # opinions on runs without a label that it counts for
ON_WEIGHTS, ON_NAMED, ON_BIAS = 5.0, 2.0, 50.0  # L2 that holds the exponents to 1, and the others to 0
EVEN = 0.3  # share of the causes named wrongly that is spread over all causes alike
UNSURE = 0.03  # share of runs of which a judge is taken to say `unknown`


class Worth(NamedTuple):
    """What a judge is taken to be worth before it has shown any.

    `accuracy` of the first cause, `either`: the first or the second is right; `steps`: (steps of a run, share of
    decisive steps found in runs of such a length), shortest first.
    """

    accuracy: float
    either: float
    steps: tuple[tuple[int, float], ...] = ((9, 0.54), (44, 0.25))


MEASURED = Worth(0.54, 0.73)  # a careful frontier model on 48 of the 185 real runs, against the annotators (kappa 0.46)
STATED = Worth(0.45, 0.64)  # of a judge that nobody has checked: one that is worse does harm where it is believed


class Leader(StrEnum):
    """Whose first cause goes first where it is not the likeliest of both together."""

    BOTH = "both"
    JUDGE = "judge"
    NEIGHBOURS = "neighbours"


class Said(Protocol):
    """What counts of an opinion; `judge.Opinion` is one. `cause` None: it finds no evidence of any."""

    @property
    def cause(self) -> str | None: ...  # noqa: D102
    @property
    def second_cause(self) -> str | None: ...  # noqa: D102
    @property
    def step(self) -> int: ...  # noqa: D102
    @property
    def agent(self) -> str: ...  # noqa: D102


class Labelled(NamedTuple):
    """An opinion on a labelled run: what the neighbours, who have not seen it, say; the judge; what is true.

    `steps` are the neighbours' likeliest, `length` the number of steps of the run; `step` None: not labelled.
    """

    causes: Mapping[str, float]
    opinion: Said
    cause: str
    group: str
    steps: tuple[StepChoice, ...] = ()
    length: int = 0
    step: int | None = None


class Count(NamedTuple):
    """Positions of the first and second cause that the judge named, None where it named none, and of the true one."""

    first: int | None
    second: int | None
    true: int

    @classmethod
    def of(cls, each: Labelled, at: Mapping[str, int]) -> Count:
        """Take an opinion on a labelled run. Raises ValueError where the run has no cause."""
        true = position(at, each.cause)
        if true is None:
            raise ValueError("an opinion on a run without a cause teaches nothing: leave it out")
        return cls(position(at, each.opinion.cause), position(at, each.opinion.second_cause), true)


def position(at: Mapping[str, int], cause: str | None) -> int | None:
    """Return the place of a cause, None of none. Raises ValueError for one that is not there."""
    if cause is None:
        return None
    if cause not in at:
        raise ValueError(f"{cause!r} is not a cause of this taxonomy, whose causes are {', '.join(at)}")
    return at[cause]


def shares(causes: Mapping[str, float], at: Mapping[str, int]) -> Floats:
    """Return the neighbours' probabilities (K,), none of them 0, summing to 1."""
    out = np.full(len(at), FLOOR)
    for cause, probability in causes.items():
        out[position(at, cause)] = max(probability, FLOOR)
    result: Floats = out / out.sum()
    return result


def named_wrongly(frequency: Mapping[str, float], labels: Sequence[str]) -> Floats:
    """Return how often each cause (K,) is named where that is wrong, until opinions tell more."""
    usual = np.array([frequency.get(label, 0.0) for label in labels])
    usual = (1 - EVEN) * usual / max(float(usual.sum()), 1e-12) + EVEN / len(labels)
    result: Floats = usual / usual.sum()
    return result


class Believed(NamedTuple):
    """Confusion matrix (K, K + 1), P(second is right | first is not), and what is named wrongly (K,)."""

    confusion: Floats
    second: float
    named: Floats


def believed(said: Sequence[Count], usual: Floats, worth: Worth, strength: float) -> Believed:
    """Count what the judge says, shrunk to its stated worth and to the usual mistakes (K,)."""
    k = len(usual)
    spoken = [each for each in said if each.first is not None]
    right = sum(each.first == each.true for each in spoken)
    accuracy = (PRIOR_RUNS * worth.accuracy + right) / (PRIOR_RUNS + len(spoken))
    unsure = (PRIOR_RUNS * UNSURE + len(said) - len(spoken)) / (PRIOR_RUNS + len(said))
    named = PRIOR_RUNS * usual
    for each in said:
        for cause in (each.first, each.second):
            if cause is not None and cause != each.true:
                named[cause] += 1
    named /= named.sum()
    wrong = np.where(np.eye(k, dtype=bool), 0.0, named[None])
    rows = (1 - accuracy) * wrong / wrong.sum(axis=1, keepdims=True) + accuracy * np.eye(k)
    expected = np.hstack([(1 - unsure) * rows, np.full((k, 1), unsure)])
    counts = np.zeros((k, k + 1))
    for each in said:
        counts[each.true, k if each.first is None else each.first] += 1
    confusion = (counts + strength * expected) / (counts.sum(axis=1, keepdims=True) + strength)
    missed = [each for each in said if each.first != each.true and each.second is not None]
    prior = max(worth.either - worth.accuracy, 0.0) / max(1 - worth.accuracy, 1e-9)
    caught = sum(each.second == each.true for each in missed)
    second = float(np.clip((PRIOR_RUNS * prior + caught) / (PRIOR_RUNS + len(missed)), 0.01, 0.99))
    return Believed(confusion, second, named)


def likelihood(believed: Believed, said: Count) -> Floats:
    """Return the log of P(what the judge says | cause), (K,)."""
    named = believed.named
    out: Floats = np.log(believed.confusion[:, len(named) if said.first is None else said.first])
    if said.second is not None:
        # the second cause is the true one, or one of those named wrongly, not the first
        taken = 0.0 if said.first is None else named[said.first]
        p = (1 - believed.second) * named[said.second] / np.maximum(1 - taken - named, 1e-3)
        p[said.second] = believed.second
        if said.first is not None:
            p[said.first] = named[said.second] / (1 - taken)
        out = out + np.log(np.minimum(p, 1.0))
    return out


class Weights(NamedTuple):
    """What is fitted: `exponents` (2,) of neighbours and judge, `named` (2,) and the biases (K,).

    `named` is what the cause gains that the judge names first, in log odds: of itself, and for each unit of log(its
    probability by the neighbours, times K). Where the judge errs as the neighbours do, its word for a cause that they
    hold likely is worth less than by itself.
    """

    exponents: Floats
    named: Floats
    bias: Floats

    @classmethod
    def even(cls, k: int) -> Weights:
        """Return those of two who know nothing of each other."""
        return cls(np.ones(2), np.zeros(2), np.zeros(k))

    def logs(self, neighbours: Floats, judge: Floats, first: NDArray[np.int64]) -> Floats:
        """Return log-probabilities (n, K), not normalised, from both sides' (n, K) and what was named first (n,)."""
        logs = np.tensordot(np.concatenate([self.exponents, self.named]), _columns(neighbours, judge, first), 1)
        result: Floats = logs + self.bias
        return result


def _columns(neighbours: Floats, judge: Floats, first: NDArray[np.int64]) -> Floats:
    """Return what is weighed, (4, n, K): both sides' logs, which cause was named first (-1: none), and how likely."""
    named = np.zeros_like(neighbours)
    spoke = np.flatnonzero(first >= 0)
    named[spoke, first[spoke]] = 1
    return np.array([neighbours, judge, named, named * (neighbours + np.log(neighbours.shape[1]))])


def weigh(neighbours: Floats, judge: Floats, first: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, Weights]:
    """Fit the weights on log-probabilities (n, K); return the loss beside them."""
    from scipy.optimize import minimize  # noqa: PLC0415 - to learn; using needs numpy alone

    n, k = neighbours.shape
    truth, columns = np.eye(k)[y], _columns(neighbours, judge, first)
    even = np.array([1.0, 1.0, 0.0, 0.0])
    held = np.array([ON_WEIGHTS, ON_WEIGHTS, ON_NAMED, ON_NAMED])

    def loss(flat: Floats) -> tuple[float, Floats]:
        logs = np.tensordot(flat[:4], columns, 1) + flat[4:]
        logs = logs - logs.max(axis=1, keepdims=True)
        p = np.exp(logs)
        p /= p.sum(axis=1, keepdims=True)
        off = p - truth
        value = -float(np.log(np.maximum(p[np.arange(n), y], 1e-12)).sum())
        value += float((held * (flat[:4] - even) ** 2).sum()) + ON_BIAS * float((flat[4:] ** 2).sum())
        steep = np.concatenate([(off * columns).sum(axis=(1, 2)), off.sum(axis=0)])
        return value, steep + 2 * np.concatenate([held * (flat[:4] - even), ON_BIAS * flat[4:]])

    start = np.concatenate([even, np.zeros(k)])
    bounds = [(0.0, 2.0)] * 2 + [(None, None)] * (k + 2)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.fun), Weights(found.x[:2], found.x[2:4], found.x[4:])


def leader(
    neighbours: Floats,
    judge: Floats,
    first: NDArray[np.int64],
    y: NDArray[np.int64],
    folds: Sequence[tuple[list[int], list[int]]],
) -> Leader:
    """Say whose first cause is right most often, by (n, K) logs: both together, unless one alone is by more than noise.

    Noise is one standard error of the difference. What both say of a run is weighed without its fold.
    """
    both = np.zeros(len(y), dtype=np.int64)
    for train, test in folds:
        _, weights = weigh(neighbours[train], judge[train], first[train], y[train])
        both[test] = weights.logs(neighbours[test], judge[test], first[test]).argmax(axis=1)
    alone = {Leader.JUDGE: first == y, Leader.NEIGHBOURS: neighbours.argmax(axis=1) == y}
    best = max(alone, key=lambda who: float(alone[who].mean()))
    gain = alone[best].astype(np.float64) - (both == y)
    return best if gain.mean() > gain.std() / np.sqrt(len(y)) else Leader.BOTH


def agreed(said: Sequence[Count], neighbours: Floats, usual: Floats, worth: Worth) -> Worth:
    """Lower what is believed of a judge that seldom says what the neighbours hold likely; `Count.true` does not count.

    P(it says j | the neighbours' (K,) probabilities n) = a n_j + (1 - a) sum over c of n_c P(j is named wrongly for c)
    tells its accuracy a where its mistakes have nothing to do with theirs (Dawid and Skene 1979, one annotator known).
    Where they err alike, agreement shows more than it is worth, so it never raises what is believed.
    """
    spoken = [i for i, each in enumerate(said) if each.first is not None]
    if not spoken:
        return worth
    first = np.array([said[i].first for i in spoken])
    p = np.exp(neighbours[spoken])
    wrongly = usual[first][:, None] / (1 - usual[None])
    wrongly[np.arange(len(first)), first] = 0
    hit, missed = p[np.arange(len(first)), first], (p * wrongly).sum(axis=1)
    tried = np.linspace(0.01, 0.99, 99)
    logs = np.log(tried[:, None] * hit + (1 - tried[:, None]) * missed).sum(axis=1)
    logs += ON_AGREEMENT * (worth.accuracy * np.log(tried) + (1 - worth.accuracy) * np.log(1 - tried))
    accuracy = float(combine_steps.normal(logs) @ tried)
    if accuracy >= worth.accuracy:
        return worth
    second = (worth.either - worth.accuracy) / (1 - worth.accuracy) * accuracy / worth.accuracy
    return worth._replace(accuracy=accuracy, either=accuracy + (1 - accuracy) * second)
