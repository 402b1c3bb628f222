"""Dawid-Skene: the likeliest true labels of units that several annotators labelled, each with errors of their own.

A. P. Dawid and A. M. Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm",
Journal of the Royal Statistical Society C 28(1), 20-28. The tests hold it to the paper's own data and figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUNDS = 500
SETTLED = 1e-8  # change of a posterior below which EM ends
_SMALL = 1e-300


class Fitted(NamedTuple):
    """What was estimated: `posteriors` (units, classes), `prior` (classes,), `errors` (annotators, true, said)."""

    posteriors: Floats
    prior: Floats
    errors: Floats


def fit(counts: Floats, *, tied: bool = False, right: float = 0.0, wrong: float = 0.0) -> Fitted:
    """Estimate the true labels by EM, beginning at the share of votes. Equations are the paper's (2.3) to (2.5).

    `counts` (units, annotators, classes): how often an annotator gave a unit that label. Every unit needs one.
    `tied`: one accuracy an annotator in place of a whole table of confusions, and all classes as likely: what a few
    dozen labels of many classes can tell. `right` and `wrong` are pseudo-counts of that accuracy, which keep a few
    labels from making somebody infallible.
    """
    maximise = _maximise if not tied else lambda given, posteriors: _maximise_tied(given, posteriors, right, wrong)
    votes = counts.sum(axis=1)
    posteriors: Floats = votes / votes.sum(axis=1, keepdims=True)
    for _ in range(ROUNDS):
        prior, errors = maximise(counts, posteriors)
        logs = np.log(np.maximum(prior, _SMALL)) + np.einsum("irl,rjl->ij", counts, np.log(np.maximum(errors, _SMALL)))
        raised = np.exp(logs - logs.max(axis=1, keepdims=True))
        before, posteriors = posteriors, raised / raised.sum(axis=1, keepdims=True)
        if float(np.abs(posteriors - before).max()) < SETTLED:
            break
    return Fitted(posteriors, *maximise(counts, posteriors))


def _maximise(counts: Floats, posteriors: Floats) -> tuple[Floats, Floats]:
    given = np.einsum("ij,irl->rjl", posteriors, counts)
    total = given.sum(axis=2, keepdims=True)
    errors = np.where(total > 0, given / np.where(total > 0, total, 1), 1 / counts.shape[2])
    return posteriors.mean(axis=0), errors


def _maximise_tied(counts: Floats, posteriors: Floats, right: float, wrong: float) -> tuple[Floats, Floats]:
    classes = counts.shape[2]
    hits = np.einsum("ij,irj->r", posteriors, counts) + right
    accuracy = hits / (counts.sum(axis=(0, 2)) + right + wrong)
    errors = np.repeat(((1 - accuracy) / max(classes - 1, 1))[:, None, None], classes, axis=1).repeat(classes, axis=2)
    errors[:, np.arange(classes), np.arange(classes)] = accuracy[:, None]
    return np.full(classes, 1 / classes), errors
