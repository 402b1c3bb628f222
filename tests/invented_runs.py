"""Invented labelled runs as step tables: at its decisive step a run shows a mark of its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.diagnosis import Provenance
from classifier.features import StepTable
from classifier.index import Labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARKS = {"P1": 0, "E2.2": 1, "E1.1": 2}


class Runs(NamedTuple):
    tables: list[StepTable]
    posteriors: list[NDArray[np.float64]]
    labelled: list[Labelled]


def runs(count: int, *, seed: int = 0, systems: tuple[str, ...] = ("alpha", "beta"), steps: int = 6) -> Runs:
    """Make `count` runs of two to a task; the localiser gives the true step 0.6."""
    rng = np.random.default_rng(seed)
    out = Runs([], [], [])
    for i in range(count):
        cause = list(MARKS)[int(rng.integers(3))]
        at = int(rng.integers(1, steps))
        matrix = rng.normal(0, 0.3, (steps, 5))
        matrix[at, MARKS[cause]] += 2.0
        posterior = np.full(steps, 0.4 / (steps - 1))
        posterior[at] = 0.6
        vectors = rng.normal(0, 1, (steps, 8))
        out.tables.append(
            StepTable(
                indices=tuple(range(steps)),
                agents=tuple("planner" if step % 2 else "coder" for step in range(steps)),
                candidates=np.ones(steps, dtype=bool),
                matrix=matrix.astype(np.float32),
                names=("a", "b", "c", "d", "expected_held"),
                vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
            )
        )
        out.posteriors.append(posterior)
        out.labelled.append(
            Labelled(
                run=f"run-{i:03d}",
                system=systems[i % len(systems)],
                group=f"task-{i // 2:03d}",
                step=at,
                cause=cause,
                provenance=Provenance.HUMAN,
            )
        )
    return out
