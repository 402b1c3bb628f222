"""Labels crossed with predictions: accuracy, kappa and macro-F1 of a tier, the confusion table, each cause's scores."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np

from classifier.annotation import coarser
from classifier.bootstrap import Estimate, estimate, ratio
from classifier.coefficients import kappa_over, tables_over
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.bootstrap import Floats
    from classifier.taxonomy import Taxonomy

TierName = Literal["cause", "tier2", "phase"]
NONE = "(none)"  # in tables: the prediction names no cause


class Tier(Frozen):
    """The likeliest cause against the label on one tier. Macro-F1 is over the causes in either, as scikit-learn's."""

    tier: TierName
    accuracy: Estimate
    kappa: Estimate
    macro_f1: Estimate


class CauseScore(Frozen):
    """One cause: `support` runs have it, for `predicted` runs it is the likeliest. None: 0 of 0."""

    cause: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class Confusion(Frozen):
    """`counts[i][j]`: runs labelled `labels[i]` for which `labels[j]` is the likeliest cause."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def tiers(taxonomy: Taxonomy) -> tuple[TierName, ...]:
    """Name the tiers that differ in this taxonomy, finest first."""
    named: list[TierName] = ["cause"]
    if any(cause.parent for cause in taxonomy.causes):
        named.append("tier2")
    if any(cause.phase for cause in taxonomy.causes):
        named.append("phase")
    return tuple(named)


def at_tier(name: TierName, cause: str | None, taxonomy: Taxonomy) -> str:
    """Give a cause as it counts on a tier; NONE for no cause."""
    if cause is None:
        return NONE
    return cause if name == "cause" else coarser(cause, taxonomy, name) or NONE


def tier(name: TierName, gold: Sequence[str], best: Sequence[str], weights: Floats, *, tasks: int) -> Tier:
    """Compare labels with predictions (n,), intervals from weights (r, n)."""
    number = {cause: code for code, cause in enumerate(sorted({*gold, *best}))}
    tables = tables_over(
        np.array([number[cause] for cause in gold], dtype=np.int64),
        np.array([number[cause] for cause in best], dtype=np.int64),
        len(number),
        weights,
    )
    n = len(gold)
    hits = np.diagonal(tables, axis1=1, axis2=2).sum(axis=1)
    return Tier(
        tier=name,
        accuracy=estimate(ratio(hits, tables.sum(axis=(1, 2))), n, tasks=tasks),
        kappa=estimate(kappa_over(tables), n, tasks=tasks),
        macro_f1=estimate(macro_f1_over(tables), n, tasks=tasks),
    )


def macro_f1_over(tables: Floats) -> Floats:
    """Macro-F1 of each contingency table (r, k, k), over the causes that occur in its labels or predictions."""
    either = tables.sum(axis=2) + tables.sum(axis=1)
    f1 = ratio(2 * np.diagonal(tables, axis1=1, axis2=2), either)
    return ratio(np.nansum(f1, axis=1), (either > 0).sum(axis=1).astype(np.float64))


def confusion(gold: Sequence[str], best: Sequence[str]) -> Confusion:
    """Cross labels with predictions (n,)."""
    cells = Counter(zip(gold, best, strict=True))
    labels = tuple(sorted({label for cell in cells for label in cell}))
    return Confusion(labels=labels, counts=tuple(tuple(cells[row, column] for column in labels) for row in labels))


def cause_scores(confusion: Confusion) -> tuple[CauseScore, ...]:
    """Score each cause of the table."""
    table = np.array(confusion.counts, dtype=np.int64).reshape(len(confusion.labels), len(confusion.labels))
    scores = []
    for i, cause in enumerate(confusion.labels):
        if cause == NONE:
            continue
        hits, support, predicted = (int(part) for part in (table[i, i], table[i].sum(), table[:, i].sum()))
        scores.append(
            CauseScore(
                cause=cause,
                support=support,
                predicted=predicted,
                precision=hits / predicted if predicted else None,
                recall=hits / support if support else None,
                f1=2 * hits / (support + predicted),
            )
        )
    return tuple(scores)
