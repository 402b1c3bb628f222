"""Bearing: how a step's vector lies to the task, to its neighbours and to the rest of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.features._view import View

WINDOW = 64  # steps looked back and ahead: keeps long runs linear


def columns(view: View, heads: NDArray[np.float32], task: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Cosines of each step's vector; `heads` is (n, d) and `task` (d,), both of unit length."""
    n = len(view)
    vectors = heads.astype(np.float64)
    to_task = vectors @ task.astype(np.float64)
    follows = np.append(0.0, (vectors[1:] * vectors[:-1]).sum(axis=1))
    mean = np.cumsum(vectors, axis=0)
    before = mean - vectors
    after = mean[-1] - mean
    speaks = ~view.tool
    nearest_back, nearest_ahead = np.zeros(n), np.zeros(n)
    near_back, near_ahead = np.zeros(n), np.zeros(n)
    for i in range(n):
        low, high = max(0, i - WINDOW), min(n, i + WINDOW + 1)
        cos = vectors[low:high] @ vectors[i]
        same = speaks[low:high] & (view.who[low:high] == view.who[i])
        back, ahead = cos[: i - low][same[: i - low]], cos[i - low + 1 :][same[i - low + 1 :]]
        nearest_back[i], near_back[i] = (back.max(), (back > 0.9).sum()) if back.size else (0.0, 0.0)
        nearest_ahead[i], near_ahead[i] = (ahead.max(), (ahead > 0.9).sum()) if ahead.size else (0.0, 0.0)
    return {
        "cos_task": to_task,
        "cos_task_drop": to_task - np.append(to_task[0], to_task[:-1]),
        "cos_prev": follows,
        "cos_next": np.append(follows[1:], 0.0),
        "cos_before": _cosine(vectors, before),
        "cos_after": _cosine(vectors, after),
        "cos_end": vectors @ vectors[-1],
        "cos_turn": _cosine(before, after),
        "nearest_back": nearest_back,
        "nearest_ahead": nearest_ahead,
        "near_back": np.log1p(near_back),
        "near_ahead": np.log1p(near_ahead),
        "surprise": nearest_ahead - nearest_back,
    }


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    result: NDArray[np.float64] = (a * b).sum(axis=1) / np.where(norms > 1e-9, norms, 1.0)
    return result
