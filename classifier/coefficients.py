"""The coefficients of agreement: Cohen's and Fleiss' kappa, Krippendorff's alpha, Gwet's AC1.

The figures come from scikit-learn, statsmodels and krippendorff; AC1 is ours, none of them has it. Intervals need each
statistic a thousand times, so each has a vectorised form beside the library's, over resampling weights (`*_over`);
the tests hold the two equal.

`counts` throughout: units x categories, how many annotators gave the unit that label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.bootstrap import mean, ratio

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

    from classifier.bootstrap import Floats


def cohen_kappa(first: Iterable[Hashable], second: Iterable[Hashable]) -> float | None:
    """Cohen's kappa (1960) of two label sequences; pairs with a None are left out.

    None where it is undefined: no pair, or both used one and the same label throughout.
    """
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415 - a second of import, only where it is asked for

    pairs = [(str(a), str(b)) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if len({label for pair in pairs for label in pair}) < 2:
        return None
    ours, theirs = zip(*pairs, strict=True)
    return float(cohen_kappa_score(ours, theirs))


def fleiss_kappa(counts: Floats) -> float | None:
    """Fleiss' kappa (1971), for units with one and the same number of labels. None where undefined."""
    from statsmodels.stats.inter_rater import fleiss_kappa as kappa  # noqa: PLC0415 - as above

    if len(counts) == 0 or (counts.sum(axis=0) > 0).sum() < 2:
        return None
    return float(kappa(counts, method="fleiss"))


def krippendorff_alpha(counts: Floats) -> float | None:
    """Krippendorff's nominal alpha over the units with two labels or more. None where undefined."""
    import krippendorff  # noqa: PLC0415 - as above

    paired = counts[counts.sum(axis=1) >= 2]
    if (paired.sum(axis=0) > 0).sum() < 2:
        return None
    return float(krippendorff.alpha(value_counts=paired.astype(np.int64), level_of_measurement="nominal"))


def gwet_ac1(counts: Floats) -> float | None:
    """Gwet's AC1, for any number of labels a unit; the scale is taken to have as many categories as columns.

    Gwet, K. L. (2008), Computing inter-rater reliability and its variance in the presence of high agreement, British
    Journal of Mathematical and Statistical Psychology 61, 29-48; with missing labels as in his Handbook of Inter-Rater
    Reliability (4th ed. 2014), ch. 2. Unlike kappa it does not collapse where one cause dominates.
    """
    value = ac1_over(counts, np.ones((1, len(counts))))[0]
    return float(value) if np.isfinite(value) else None


def kappa_over(tables: Floats) -> Floats:
    """Cohen's kappa of each contingency table, (..., k, k) -> (...); NaN where undefined."""
    total = tables.sum(axis=(-2, -1))
    observed = ratio(np.trace(tables, axis1=-2, axis2=-1), total)
    expected = ratio((tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1), total**2)
    return ratio(observed - expected, np.where(expected > 1 - 1e-12, 0, 1 - expected))


def tables_over(first: NDArray[np.int64], second: NDArray[np.int64], size: int, weights: Floats) -> Floats:
    """Cross two code sequences (n,) under each row of weights (r, n): contingency tables (r, size, size)."""
    cells = np.zeros((len(first), size * size))
    cells[np.arange(len(first)), first * size + second] = 1
    return (weights @ cells).reshape(len(weights), size, size)


def observed_over(counts: Floats, weights: Floats) -> Floats:
    """Share of agreeing pairs of labels, averaged over the units with two labels or more."""
    labels = counts.sum(axis=1)
    paired = labels >= 2
    agreeing = ratio((counts * (counts - 1)).sum(axis=1), labels * (labels - 1))
    return mean(weights[:, paired], agreeing[paired])


def fleiss_over(counts: Floats, weights: Floats) -> Floats:
    """Fleiss' kappa under each row of weights (r, units)."""
    share = ratio(weights @ counts, (weights @ counts.sum(axis=1))[:, None])
    expected = (share**2).sum(axis=1)
    return ratio(observed_over(counts, weights) - expected, np.where(expected > 1 - 1e-12, 0, 1 - expected))


def alpha_over(counts: Floats, weights: Floats) -> Floats:
    """Krippendorff's nominal alpha under each row of weights (r, units)."""
    labels = counts.sum(axis=1)
    paired = labels >= 2
    counts, labels, weights = counts[paired], labels[paired], weights[:, paired]
    disagreeing = weights @ (ratio(labels**2 - (counts**2).sum(axis=1), labels - 1))
    totals = weights @ counts
    n = totals.sum(axis=1)
    expected = n**2 - (totals**2).sum(axis=1)
    return np.asarray(1 - ratio(disagreeing * (n - 1), expected), dtype=np.float64)


def ac1_over(counts: Floats, weights: Floats) -> Floats:
    """Gwet's AC1 under each row of weights (r, units)."""
    labels = counts.sum(axis=1)
    labelled = labels > 0
    share = counts[labelled] / labels[labelled, None]
    prevalence = ratio(weights[:, labelled] @ share, weights[:, labelled].sum(axis=1)[:, None])
    others = max(counts.shape[1] - 1, 1)
    expected = (prevalence * (1 - prevalence)).sum(axis=1) / others
    return ratio(observed_over(counts, weights) - expected, 1 - expected)


def category_over(uses: Floats, labels: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Specific agreement and kappa of one category against the rest, under each row of weights (r, units).

    `uses` (units,): how many of the `labels` (units,) of a unit are this category; at least two labels a unit. With
    unequal numbers of labels each unit counts by them, as in Krippendorff's coincidences.
    """
    apart = weights @ (uses * (labels - uses) / (labels - 1))
    total = weights @ labels
    share = ratio(weights @ uses, total)
    specific = ratio(weights @ (uses * (uses - 1) / (labels - 1)), weights @ uses)
    return specific, np.asarray(1 - ratio(apart, total * share * (1 - share)), dtype=np.float64)
