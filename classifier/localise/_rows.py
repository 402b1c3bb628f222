"""Rows: the candidates of a run as standardised features, and the softmax over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.features import StepTable

CLIP = 4.0  # standard deviations: no single count decides


def standardised(table: StepTable, centre: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the candidates' features (m, F), in standard deviations, less the run's mean: only differences choose."""
    rows = np.clip((table.matrix[table.candidates] - centre) / scale, -CLIP, CLIP)
    result: NDArray[np.float64] = rows - rows.mean(axis=0)
    return result


def listwise(scores: NDArray[np.float64], starts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Softmax within each run, and the log of each run's normaliser. Run r is `scores[starts[r]:starts[r + 1]]`."""
    sizes = np.diff(starts)
    top = np.maximum.reduceat(scores, starts[:-1])
    e = np.exp(scores - np.repeat(top, sizes))
    z = np.add.reduceat(e, starts[:-1])
    return e / np.repeat(z, sizes), top + np.log(z)
