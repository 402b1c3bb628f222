"""Combine: the neighbours' probabilities and the judge's opinion -> one distribution, each counting for what it showed.

P(cause c | both) is proportional to n_c ^ a * P(the judge says so | c) ^ b * exp(bias_c): stacking (Wolpert 1992) with
the judge as a noisy annotator who has a confusion matrix (Dawid and Skene 1979). A row of the matrix is what it said
of labelled runs of that cause, shrunk towards its accuracy over all causes, and that towards the accuracy stated for
it, so that one labelled opinion changes little and many decide. `a`, `b` and the biases are fitted on opinions that
the matrix has not seen. Without labelled opinions the stated worth alone counts. Using needs numpy alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from classifier import combine_steps
from classifier.diagnosis import likeliest
from classifier.folds import grouped_folds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.diagnosis import StepChoice

    Floats = NDArray[np.float64]

FLOOR = 0.005  # of a cause that the neighbours do not know: rare, not impossible
COVERAGE = 0.9
PRIOR_RUNS = 20.0  # labelled opinions that the stated worth counts for
STRENGTHS = (10.0, 30.0, 100.0, 300.0)  # runs that the accuracy over all causes counts for, beside those of one cause
ON_WEIGHTS, ON_BIAS = 5.0, 50.0  # L2 that holds `a` and `b` to 1, and the biases to 0
FEWEST = 10  # labelled opinions under which nothing is fitted but what is counted
EVEN = 0.3  # share of the causes named wrongly that is spread over all causes alike
UNSURE = 0.03  # share of runs of which a judge is taken to say `unknown`


class Worth(NamedTuple):
    """What a judge is taken to be worth before it has shown any.

    `accuracy` of the first cause, `either`: the first or the second is right; `steps`: (steps of a run, share of
    decisive steps found in runs of such a length), shortest first.
    """

    accuracy: float = 0.54
    either: float = 0.73
    steps: tuple[tuple[int, float], ...] = ((9, 0.54), (44, 0.25))


STATED = Worth()  # a careful frontier model on 48 of the 185 real runs, against the annotators (kappa 0.46)


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


@dataclass(frozen=True)
class Combiner:
    """What both are worth. K causes in the order of `labels`.

    `confusion` (K, K + 1): P(the judge says j | the cause is i), the last column `unknown`; `second`: P(its second
    cause is right | its first is not); `named` (K,): how often it names which where it is wrong. `weights` (3,):
    exponents of the neighbours, the judge, and of the neighbours for steps; `bias` (K,), in log odds. `length` (m, 2):
    steps of a run, P(the judge finds the decisive one), in between by the logarithm of the length. `seen`: labelled
    opinions that all this rests on.
    """

    labels: tuple[str, ...]
    confusion: Floats
    second: float
    named: Floats
    weights: Floats
    bias: Floats
    length: Floats
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
    ) -> Combiner:
        """Fit on opinions on labelled runs; `worth` is what they are shrunk to. Deterministic.

        `frequency` tells how often each cause occurs in labelled runs: the frequent ones are those that a judge names
        where it is wrong, until its opinions tell more; None: all alike. Raises ValueError for a cause that is not in
        `labels`, and for fewer than three labels.
        """
        if len(labels) < 3:
            raise ValueError("fewer than three causes: nothing to weigh a second guess against")
        at = {label: i for i, label in enumerate(labels)}
        said = [_Count.of(each, at) for each in seen]
        usual = np.array([(frequency or {}).get(label, 0.0) for label in labels])
        usual = (1 - EVEN) * usual / max(float(usual.sum()), 1e-12) + EVEN / len(labels)
        usual /= usual.sum()
        strength = STRENGTHS[1]
        weights, bias = np.ones(2), np.zeros(len(labels))
        if len(said) >= FEWEST:
            neighbours = np.array([np.log(_shares(each.causes, at)) for each in seen])
            y = np.array([each.true for each in said])
            folds = grouped_folds([each.group for each in seen])
            best = np.inf
            for tried in STRENGTHS:
                # what the judge says of a run is weighed by a matrix that has not seen the run's task
                unseen = np.zeros_like(neighbours)
                for train, test in folds:
                    believed = _believed([said[i] for i in train], usual, worth, tried)
                    unseen[test] = [_likelihood(believed, said[i]) for i in test]
                loss, *found = _weigh(neighbours, unseen, y)
                if loss < best - 1e-9:
                    best, strength, (weights, bias) = loss, tried, found
        believed = _believed(said, usual, worth, strength)
        located = [each for each in seen if each.step is not None and each.length > 1]
        length, on_steps = combine_steps.learn(located, worth.steps)
        return cls(tuple(labels), *believed, np.append(weights, on_steps), bias, length, len(seen))

    def causes(self, causes: Mapping[str, float], opinion: Said) -> dict[str, float]:
        """Return the probability of every cause of `labels`, likeliest first, summing to 1.

        `causes` are the neighbours' calibrated probabilities. Raises ValueError for a cause that is not in `labels`.
        """
        at = {label: i for i, label in enumerate(self.labels)}
        said = _Count(_position(at, opinion.cause), _position(at, opinion.second_cause), 0)
        logs = self.weights[0] * np.log(_shares(causes, at)) + self.bias
        logs += self.weights[1] * _likelihood(_Believed(self.confusion, self.second, self.named), said)
        p = combine_steps.normal(logs)
        return {self.labels[i]: float(p[i]) for i in np.argsort(-p, kind="stable")}

    def accuracy(self, cause: str) -> float:
        """Return P(the judge names `cause` | it is the cause)."""
        i = self.labels.index(cause)
        return float(self.confusion[i, i])

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
        return {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}

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
            bias=number("bias"),
            length=number("length"),
            seen=int(number("seen")),
        )


def frequency(causes: Iterable[str | None]) -> dict[str, float]:
    """Count the causes of labelled runs, as `Combiner.fit` wants them."""
    counted = Counter(cause for cause in causes if cause is not None)
    return {cause: float(count) for cause, count in sorted(counted.items())}


def credible(causes: Mapping[str, float], coverage: float = COVERAGE) -> tuple[str, ...]:
    """Return the fewest causes that hold `coverage` of the probability, likeliest first; never none."""
    order = likeliest(causes)
    held = np.cumsum([causes[cause] for cause in order])
    return order[: int(np.searchsorted(held, coverage - 1e-9)) + 1]


class _Count(NamedTuple):
    """Positions of the first and second cause that the judge named, None where it named none, and of the true one."""

    first: int | None
    second: int | None
    true: int

    @classmethod
    def of(cls, each: Labelled, at: Mapping[str, int]) -> _Count:
        true = _position(at, each.cause)
        if true is None:
            raise ValueError("an opinion on a run without a cause teaches nothing: leave it out")
        return cls(_position(at, each.opinion.cause), _position(at, each.opinion.second_cause), true)


def _position(at: Mapping[str, int], cause: str | None) -> int | None:
    if cause is None:
        return None
    if cause not in at:
        raise ValueError(f"{cause!r} is not a cause of this taxonomy, whose causes are {', '.join(at)}")
    return at[cause]


def _shares(causes: Mapping[str, float], at: Mapping[str, int]) -> Floats:
    out = np.full(len(at), FLOOR)
    for cause, probability in causes.items():
        out[_position(at, cause)] = max(probability, FLOOR)
    result: Floats = out / out.sum()
    return result


class _Believed(NamedTuple):
    """Confusion matrix (K, K + 1), P(second is right | first is not), and what is named wrongly (K,)."""

    confusion: Floats
    second: float
    named: Floats


def _believed(said: Sequence[_Count], usual: Floats, worth: Worth, strength: float) -> _Believed:
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
    return _Believed(confusion, second, named)


def _likelihood(believed: _Believed, said: _Count) -> Floats:
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


def _weigh(neighbours: Floats, judge: Floats, y: NDArray[np.int64]) -> tuple[float, Floats, Floats]:
    """Fit the exponents (2,) and the biases (K,) on log-probabilities (n, K); return the loss beside them."""
    from scipy.optimize import minimize  # noqa: PLC0415 - to learn; using needs numpy alone

    n, k = neighbours.shape
    truth = np.eye(k)[y]

    def loss(flat: Floats) -> tuple[float, Floats]:
        logs = flat[0] * neighbours + flat[1] * judge + flat[2:]
        logs = logs - logs.max(axis=1, keepdims=True)
        p = np.exp(logs)
        p /= p.sum(axis=1, keepdims=True)
        off = p - truth
        value = -float(np.log(np.maximum(p[np.arange(n), y], 1e-12)).sum())
        value += ON_WEIGHTS * float(((flat[:2] - 1) ** 2).sum()) + ON_BIAS * float((flat[2:] ** 2).sum())
        steep = np.concatenate([[(off * neighbours).sum(), (off * judge).sum()], off.sum(axis=0)])
        return value, steep + 2 * np.concatenate([ON_WEIGHTS * (flat[:2] - 1), ON_BIAS * flat[2:]])

    start = np.concatenate([np.ones(2), np.zeros(k)])
    bounds = [(0.0, 2.0)] * 2 + [(None, None)] * k
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.fun), found.x[:2], found.x[2:]
