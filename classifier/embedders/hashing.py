"""Word and character n-grams hashed to a fixed length: no model, no download, no training. For tests and bare machines.

`hashing` has 1,024 dimensions, `hashing:N` has N. scikit-learn's HashingVectorizer (MurmurHash3, signed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.embedders import EmbedderError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

DEFAULT_DIM = 1024


class Hashing:
    """Bag of hashed words and pairs of words, scaled to length 1. A text without words is the first unit vector."""

    def __init__(self, dim: int) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415 - heavy

        self.dim = dim
        self.name = f"hashing:{dim}"
        self._hasher = HashingVectorizer(n_features=dim, ngram_range=(1, 2), norm="l2", dtype=np.float64)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of shape (len(texts), dim); see `Embedder.embed`. Reads the whole text."""
        if not len(texts):
            return np.zeros((0, self.dim), np.float32)
        rows: NDArray[np.float32] = self._hasher.transform(texts).toarray().astype(np.float32)
        rows[~rows.any(axis=1), 0] = 1.0
        return rows


def build(model: str, folder: Path) -> Hashing:  # noqa: ARG001 - the backends share one signature
    """Build a hashing embedder of `model` dimensions ("" for the default)."""
    if model and not (model.isdecimal() and int(model) > 0):
        raise EmbedderError(f"hashing:{model}: the part after the colon is the number of dimensions")
    return Hashing(int(model or DEFAULT_DIM))
