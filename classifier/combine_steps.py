"""Steps: the neighbours' likely decisive steps and the one that the judge named -> one ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.diagnosis import StepChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.combine import Labelled, Said

    Floats = NDArray[np.float64]

FEWEST = 10  # labelled opinions under which the neighbours' weight is left at 1
ON_WEIGHT = 5.0  # L2 that holds it to 1


def found(curve: Floats, length: int) -> float:
    """Return how often the judge finds the decisive step of a run of so many steps."""
    return float(np.interp(np.log(length), np.log(curve[:, 0]), curve[:, 1]))


def learn(seen: Sequence[Labelled], stated: Sequence[tuple[int, float]]) -> tuple[Floats, float]:
    """Move the stated curve by what the judge found of the decisive steps; weigh the neighbours beside it."""
    curve = np.array(stated, dtype=np.float64)
    best, least = curve, np.inf
    spoken = [each for each in seen if each.opinion.cause is not None]
    right = np.array([each.opinion.step == each.step for each in spoken], dtype=np.float64)
    for shift in np.linspace(-3, 3, 61):
        moved = np.column_stack([curve[:, 0], 1 / (1 + (1 / curve[:, 1] - 1) * np.exp(-shift))])
        p = np.array([found(moved, each.length) for each in spoken])
        # a shift of 1 is as unlikely as two standard deviations
        loss = 2 * shift**2 - float((right * np.log(p) + (1 - right) * np.log(1 - p)).sum())
        if loss < least:
            best, least = moved, loss
    if len(spoken) < FEWEST:
        return best, 1.0
    exponents = np.linspace(0.25, 2, 8)
    losses = [ON_WEIGHT * (a - 1) ** 2 - sum(_log_step(each, float(a), best) for each in spoken) for a in exponents]
    return best, float(exponents[int(np.argmin(losses))])


def _log_step(each: Labelled, exponent: float, curve: Floats) -> float:
    logs, chosen = together(each.steps, each.opinion, each.length, exponent, found(curve, each.length))
    p = normal(logs)
    at = [choice.step for choice in chosen]
    inside = each.step in at
    mine = p[at.index(each.step or 0)] if inside else p[-1] / max(each.length - len(at), 1)
    return float(np.log(max(mine, 1e-6)))


def together(
    steps: Sequence[StepChoice], opinion: Said, length: int, exponent: float, chance: float
) -> tuple[Floats, list[StepChoice]]:
    """Return logs for each likely step, the judge's among them, and for all the others together at the end."""
    chosen = list(steps)
    rest = max(1 - sum(step.probability for step in chosen), 0.02)
    others = max(length - len(chosen), 1)
    if opinion.step not in {step.step for step in chosen}:
        chosen.append(StepChoice(step=opinion.step, agent=opinion.agent, probability=rest / others))
        rest, others = rest * (1 - 1 / others), max(others - 1, 1)
    odds = np.log(chance) - np.log((1 - chance) / (length - 1))
    logs = [
        exponent * np.log(max(step.probability, 1e-4)) + (odds if step.step == opinion.step else 0.0) for step in chosen
    ]
    return np.array([*logs, exponent * np.log(max(rest / others, 1e-6)) + np.log(others)]), chosen


def normal(logs: Floats) -> Floats:
    """Return probabilities from logs."""
    raised = np.exp(logs - logs.max())
    result: Floats = raised / raised.sum()
    return result
