"""Combine: the neighbours' probabilities and the judge's opinion -> one distribution, each counting for what it showed.

P(cause c | both) is proportional to n_c ^ a * P(the judge says so | c) ^ b * exp(bias_c): stacking (Wolpert 1992) with
the judge as a noisy annotator who has a confusion matrix (Dawid and Skene 1979). A row of the matrix is what it said
of labelled runs of that cause, shrunk towards its accuracy over all causes, and that towards the accuracy stated for
it, so that one labelled opinion changes little and many decide. `a`, `b` and the biases are fitted on opinions that
the matrix has not seen. Without labelled opinions the stated worth alone counts. Using needs numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from classifier.diagnosis import StepChoice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FLOOR = 0.005  # of a cause that the neighbours do not know: rare, not impossible
COVERAGE = 0.9
PRIOR_RUNS = 20.0  # labelled opinions that the stated worth counts for
STRENGTHS = (3.0, 10.0, 30.0, 100.0)  # runs that the accuracy over all causes counts for, beside those of one cause
ON_WEIGHTS, ON_BIAS = 5.0, 5.0  # L2 that holds `a` and `b` to 1, and the biases to 0
FEWEST = 10  # labelled opinions under which nothing is fitted but what is counted
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
    cause is right | its first is not); `weights` (3,): exponents of the neighbours, the judge, and of the neighbours
    for steps; `bias` (K,), in log odds; `length` (m, 2): steps of a run, P(the judge finds the decisive one), in
    between by the logarithm of the length; `seen`: labelled opinions that all this rests on.
    """

    labels: tuple[str, ...]
    confusion: Floats
    second: float
    weights: Floats
    bias: Floats
    length: Floats
    seen: int = 0

    @classmethod
    def stated(cls, labels: Sequence[str], worth: Worth = STATED) -> Combiner:
        """Return what is believed of a judge of this worth before it has been seen at work."""
        raise NotImplementedError

    @classmethod
    def fit(cls, seen: Sequence[Labelled], labels: Sequence[str], worth: Worth = STATED) -> Combiner:
        """Fit on opinions on labelled runs; `worth` is what they are shrunk to. Deterministic."""
        raise NotImplementedError

    def causes(self, causes: Mapping[str, float], opinion: Said) -> dict[str, float]:
        """Return the probability of every cause of `labels`, likeliest first, summing to 1.

        `causes` are the neighbours' calibrated probabilities. Raises ValueError for a cause that is not in `labels`.
        """
        raise NotImplementedError

    def steps(self, steps: Sequence[StepChoice], opinion: Said, length: int, keep: int = 3) -> tuple[StepChoice, ...]:
        """Return the likely decisive steps of a run of `length` steps, likeliest first: at most `keep`."""
        raise NotImplementedError

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as named arrays, to be stored in an index."""
        raise NotImplementedError

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Combiner:
        """Return the combiner that `to_arrays` gave."""
        raise NotImplementedError


def credible(causes: Mapping[str, float], coverage: float = COVERAGE) -> tuple[str, ...]:
    """Return the fewest causes that hold `coverage` of the probability, likeliest first; never none."""
    raise NotImplementedError
