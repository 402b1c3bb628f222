"""A trace -> numbers: the texts of its steps embedded, its steps described. What localiser and cause model see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.features import StepTable, step_features
from classifier.index import middles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.embedders import Embedder
    from classifier.trace import Step, Trace

READ = 1200  # characters of a step that are embedded: a little more than the 256 tokens that MiniLM takes in
EMPTY = "(empty)"  # an empty text has no direction of its own in any embedder


def encode(trace: Trace, embedder: Embedder) -> StepTable:
    """Describe every step of a trace: its features, and its vector (n, d) from `embedder`. Linear in its length."""
    texts = [said(step) for step in trace.steps]
    vectors = embedder.embed([*texts, _begin(trace.task)])
    return step_features(trace, vectors[:-1], vectors[-1])


def place(trace: Trace, embedder: Embedder) -> NDArray[np.float32]:
    """Return where a run lies among others: the mean of its steps' vectors (d,), of unit length."""
    found: NDArray[np.float32] = middles([embedder.embed([said(step) for step in trace.steps])])[0]
    return found


def said(step: Step) -> str:
    """Return the beginning of what a step says and calls, as it is embedded."""
    calls = "".join(f"\n[call {call.name} {call.arguments}]" for call in step.tool_calls)
    return _begin(f"{step.content[:READ]}{calls}")


def _begin(text: str) -> str:
    return text.strip()[:READ] or EMPTY
