"""Neighbours and a judge of known accuracy together: is the combination ever worse, and where does asking pay."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.coefficients import kappa_over, tables_over
from classifier.combine import Combiner, Labelled
from classifier.folds import grouped_folds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.combine import Said
    from classifier.simulate._judge import Run, SimulatedJudge

ACCURACIES = (0.2, 0.3, 0.4, 0.54, 0.7, 0.8)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Asked(NamedTuple):
    """Labelled runs with what held-out neighbours said of them, in one split."""

    runs: tuple[Run, ...]
    groups: tuple[str, ...]
    neighbours: tuple[Mapping[str, float], ...]


class Together(NamedTuple):
    """Kappa of each alone and of both, with the stated worth and with a fitted one, and of both by nested folds.

    `error` is the gap between confidence and accuracy of the fitted combination, positive where it is too sure.
    `frontier`: kappa where the runs that the neighbours are least sure of are asked about, by share (`SHARES`).
    """

    neighbours: float
    judge: float
    stated: float
    fitted: float
    error: float
    frontier: tuple[float, ...]


def together(asked: Asked, judge: SimulatedJudge, seed: Sequence[int], *, labelled: int | None = None) -> Together:
    """Measure one draw of opinions. `labelled`: at most so many opinions of each training fold are fitted on."""
    generator = np.random.default_rng(seed)
    opinions = judge.opinions(asked.runs, asked.neighbours, generator)
    labels, truth = judge.labels, [run.cause for run in asked.runs]
    known = Combiner.stated(labels, frequency=judge.favourites)
    stated = [_first(known.causes(p, said)) for p, said in zip(asked.neighbours, opinions, strict=True)]
    fitted, sure = [""] * len(truth), np.zeros(len(truth))
    seen = [
        Labelled(p, said, run.cause, group)
        for p, said, run, group in zip(asked.neighbours, opinions, asked.runs, asked.groups, strict=True)
    ]
    for train, test in grouped_folds(asked.groups, seed=int(generator.integers(2**31))):
        chosen = generator.permutation(train)[:labelled].tolist()
        combiner = Combiner.fit([seen[i] for i in chosen], labels, frequency=judge.favourites)
        for i in test:
            verdict = combiner.causes(asked.neighbours[i], opinions[i])
            fitted[i] = _first(verdict)
            sure[i] = verdict[fitted[i]]
    alone = [_first(each) for each in asked.neighbours]
    order = np.argsort([max(each.values()) for each in asked.neighbours], kind="stable")
    frontier = []
    for share in SHARES:
        mixed = list(alone)
        for i in order[: round(share * len(order))]:
            mixed[i] = fitted[i]
        frontier.append(kappa(truth, mixed))
    right = np.array([one == other for one, other in zip(fitted, truth, strict=True)])
    return Together(
        neighbours=kappa(truth, alone),
        judge=kappa(truth, [_named(said) for said in opinions]),
        stated=kappa(truth, stated),
        fitted=kappa(truth, fitted),
        error=float(sure.mean() - right.mean()),
        frontier=tuple(frontier),
    )


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
    return said.cause or "unknown"
