"""Whether a confidence can be trusted: calibration, and what is gained by keeping only the confident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.bootstrap import Estimate, estimate, mean, ratio
from classifier.risk import RISK, Promise, promise
from classifier.trace import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.bootstrap import Floats

BINS = 10
RISKS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Bin(Frozen):
    """Runs of similar confidence: how many, their mean confidence, and the share that is right."""

    runs: int
    confidence: float
    accuracy: float


class Calibration(Frozen):
    """Expected calibration error of a confidence, and Brier scores.

    `ece` is over 10 bins of equally many runs: a few hundred runs leave bins of equal width empty at the top, where it
    matters. `ece_width` is over 10 bins of equal width (Naeini et al. 2015; Guo et al. 2017). Both are biased upwards
    on few runs, under resampling more so: their intervals may lie above the figure. `brier` is over the whole
    distribution, 0 to 2 (Brier 1950), None without one; `brier_confidence` over the confidence alone, 0 to 1.
    """

    ece: Estimate
    ece_width: Estimate
    brier: Estimate
    brier_confidence: Estimate
    bins: tuple[Bin, ...]


class Accepted(Frozen):
    """The most confident share of the runs: how many, the least confidence among them, how many of them are right.

    `asked` is what that threshold costs a judge: the runs below it, each a call for every vote.
    """

    coverage: float
    runs: int
    asked: int
    threshold: float
    accuracy: Estimate


class RiskCoverage(Frozen):
    """Accuracy against coverage. `aurc`: mean risk over all coverages (Geifman and El-Yaniv 2017), lower is better.

    `promise`: what the same runs allow to be promised of those that no judge is asked about; `promises`: the same at
    each of `RISKS`.
    """

    rows: tuple[Accepted, ...]
    promise: Promise
    promises: tuple[Promise, ...]
    aurc: Estimate


def calibration(
    confidence: Floats, right: Floats, weights: Floats, *, tasks: int, brier: Floats | None = None
) -> Calibration:
    """Compare confidence (n,) with being right (n, 0 or 1) under weights (r, n); `brier` is each run's score."""
    n = len(confidence)
    mass = equal_mass_bins(confidence)
    width = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    nothing = Estimate(value=None)
    return Calibration(
        ece=estimate(ece_over(confidence, right, mass, weights), n, tasks=tasks),
        ece_width=estimate(ece_over(confidence, right, width, weights), n, tasks=tasks),
        brier=nothing if brier is None else estimate(mean(weights, brier), n, tasks=tasks),
        brier_confidence=estimate(mean(weights, (confidence - right) ** 2), n, tasks=tasks),
        bins=tuple(
            Bin(
                runs=int((mass == bin_).sum()),
                confidence=float(confidence[mass == bin_].mean()),
                accuracy=float(right[mass == bin_].mean()),
            )
            for bin_ in np.unique(mass)
        ),
    )


def equal_mass_bins(confidence: Floats) -> NDArray[np.int64]:
    """Give each run (n,) its bin, from 0: equally many in each, but equal confidences share the one of their middle."""
    ordered = np.sort(confidence)
    below = np.searchsorted(ordered, confidence, side="left")
    upto = np.searchsorted(ordered, confidence, side="right")
    return np.asarray((below + upto) / 2 / max(len(confidence), 1) * BINS, dtype=np.int64)


def ece_over(confidence: Floats, right: Floats, bins: NDArray[np.int64], weights: Floats) -> Floats:
    """Average |confidence - accuracy| over bins, by their runs, under each row of weights (r, n)."""
    member = (bins[:, None] == np.arange(BINS)).astype(np.float64)
    gaps = np.abs(weights @ (member * (confidence - right)[:, None])).sum(axis=1)
    return ratio(gaps, weights.sum(axis=1))


def risk_coverage(
    confidence: Floats,
    right: Floats,
    weights: Floats,
    *,
    tasks: int,
    risk: float = RISK,
    once: NDArray[np.bool_] | None = None,
) -> RiskCoverage:
    """Tabulate accuracy of the most confident runs. Runs of equal confidence count as if in random order.

    `once` (n,) picks the rows that the promise may rest on, where a run comes more than once.
    """
    n = len(confidence)
    curves = [_risks(confidence, right, row) for row in weights]
    area = np.array([curve.mean() if len(curve) else np.nan for curve in curves])
    ordered = np.sort(confidence)[::-1]
    rows = []
    for coverage in COVERAGES if n else ():
        kept = _kept(coverage, n)
        accuracy = np.array([1 - curve[_kept(coverage, len(curve)) - 1] if len(curve) else np.nan for curve in curves])
        rows.append(
            Accepted(
                coverage=coverage,
                runs=kept,
                asked=n - kept,
                threshold=float(ordered[kept - 1]),
                accuracy=estimate(accuracy, kept, tasks=tasks),
            )
        )
    held_out = np.column_stack([confidence, right])
    promised, *others = (promise(held_out if once is None else held_out[once], each) for each in (risk, *RISKS))
    return RiskCoverage(rows=tuple(rows), promise=promised, promises=tuple(others), aurc=estimate(area, n, tasks=tasks))


def _risks(confidence: Floats, right: Floats, weight: Floats) -> Floats:
    """Give the share of wrong runs among the k most confident, k = 1 to n, each run counted as often as it weighs."""
    if not weight.any():
        return np.zeros(0)
    _, tie = np.unique(-confidence, return_inverse=True)
    drawn = np.bincount(tie, weights=weight).astype(np.float64)
    wrong = np.bincount(tie, weights=weight * (1 - right)).astype(np.float64)
    errors = np.repeat(np.nan_to_num(ratio(wrong, drawn)), drawn.astype(np.int64))
    return np.asarray(np.cumsum(errors) / np.arange(1, len(errors) + 1), dtype=np.float64)


def _kept(coverage: float, n: int) -> int:
    return max(1, round(coverage * n))
