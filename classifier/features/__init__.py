"""Features: a trace and its step vectors -> a table of what each step looks like, for the localiser.

Every column means something a reader of the log could check: where the step stands and who acts (`_place`), what it
says (`_words`), what it brings and what comes of it (`_flow`), how its vector lies in the run (`_bearing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.features import _bearing, _flow, _place, _words
from classifier.features._view import View
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StepTable", "names", "step_features"]


@dataclass(frozen=True)
class StepTable:
    """What the localiser sees of a run of n steps.

    `indices` are the steps' `Step.index`, `agents` their speakers, `candidates` (n,) says which may be at fault,
    `matrix` (n, F) holds the columns named in `names`, `vectors` (n, d) the steps' embeddings.
    """

    indices: tuple[int, ...]
    agents: tuple[str, ...]
    candidates: NDArray[np.bool_]
    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)


def step_features(trace: Trace, vectors: NDArray[np.float32], task: NDArray[np.float32]) -> StepTable:
    """Describe every step of a trace.

    `vectors` is (n, d): the embedding of each step's beginning, of unit length; `task` (d,) that of the task's text.
    Time grows linearly with the number of steps. Raises ValueError where there is not one vector a step.
    """
    if vectors.ndim != 2 or len(vectors) != len(trace.steps):
        raise ValueError(f"{len(trace.steps)} steps need as many vectors, got an array of shape {vectors.shape}")
    view = View(trace)
    found = _place.columns(view) | _words.columns(view) | _flow.columns(view) | _bearing.columns(view, vectors, task)
    matrix = np.column_stack(list(found.values())).astype(np.float32)
    return StepTable(
        indices=tuple(step.index for step in trace.steps),
        agents=tuple(step.agent for step in trace.steps),
        candidates=view.candidates,
        matrix=np.nan_to_num(matrix),
        names=tuple(found),
        vectors=vectors,
    )


def names() -> tuple[str, ...]:
    """Return the columns of every table that this version makes: an index made of other columns is of no use to it."""
    blank = Trace(
        id="", format="", framework="", task="", steps=(Step(index=0, agent="", role=Role.ASSISTANT, content=""),)
    )
    return step_features(blank, np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.float32)).names
