"""Folds: splits of labelled runs that keep runs of one task together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDS = 5


def grouped_folds(
    groups: Sequence[str] | Sequence[int], k: int = FOLDS, seed: int = 0
) -> list[tuple[list[int], list[int]]]:
    """Split positions into k pairs of train and test, no group on both sides. Fewer where there are fewer groups."""
    unique = np.unique(np.asarray(groups))
    order = np.random.default_rng(seed).permutation(len(unique))
    fold = {unique[g].item(): i % k for i, g in enumerate(order)}
    return [
        ([i for i, g in enumerate(groups) if fold[g] != f], [i for i, g in enumerate(groups) if fold[g] == f])
        for f in range(min(k, len(unique)))
    ]
