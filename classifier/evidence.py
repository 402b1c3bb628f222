"""Evidence: the passage of a step that its verdict rests on, verbatim."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.embedders import Embedder

READ, PASSAGES = 6000, 48  # characters of a step that are searched, passages that are weighed
SHORTEST, LONGEST = 20, 300  # characters: less proves nothing, more is no quote
_BREAK = re.compile(r"(?<=[.!?])\s+|\n+")
_WORDS = re.compile(r"[^\W\d_]{2,}")
FEWEST_WORDS = 4


def quote(content: str, own: NDArray[np.float32], speaks: NDArray[np.float64], embedder: Embedder) -> str | None:
    """Return the passage of `content` that says most of what the step says and speaks most for the cause.

    `own` (d,) is the step's vector, `speaks` (d,) the direction that speaks for the cause. Both count alike, each in
    standard deviations over the passages. None where no passage is long enough to be quoted.
    """
    found = passages(content)
    if len(found) < 2:
        return found[0] if found else None
    vectors = embedder.embed(found).astype(np.float64)
    scores = _standard(vectors @ own) + _standard(vectors @ speaks)
    return found[int(scores.argmax())]


def passages(content: str) -> list[str]:
    """Return the sentences and lines of a text that can be quoted, as they stand, in order, each once."""
    parts = (part.strip()[:LONGEST] for part in _BREAK.split(content[:READ]))
    quotable = (part for part in parts if len(part) >= SHORTEST and len(_WORDS.findall(part)) >= FEWEST_WORDS)
    return list(dict.fromkeys(quotable))[:PASSAGES]


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (values - values.mean()) / (values.std() + 1e-9)
    return result
