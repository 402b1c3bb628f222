"""Copies: runs that an index holds under another name. It holds no text of them, so they are known by their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.encoding import encode
from classifier.index import middles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from classifier.index import Index
    from classifier.pipeline import Classifier
    from classifier.trace import Trace

SAME = 0.9999  # cosine from which on two runs are copies of one; half precision alone makes it 0.99999


def matched(index: Index, vectors: Sequence[NDArray[np.float32]]) -> list[int | None]:
    """Return which run of the index each is a copy of, by its position; `vectors` (steps, d) are those of its steps."""
    if not vectors or not index.runs:
        return [None] * len(vectors)
    cosines = middles(vectors) @ index.vectors.T
    return [int(row) if line[row] >= SAME else None for row, line in zip(cosines.argmax(axis=1), cosines, strict=True)]


def holds(classifier: Classifier, trace: Trace) -> bool:
    """Say whether the classifier's index holds a run."""
    return matched(classifier.index, [encode(trace, classifier.embedder).vectors]) != [None]
