"""Localise: which step of a failed run is the decisive mistake. A listwise (conditional) logit over step features.

Each run is one choice among its candidate steps (McFadden 1974, "Conditional logit analysis of qualitative choice
behavior"): P(step) is proportional to exp(w . x), with w = shared + the system's own weights, both shrunk to zero, so
that a system with few labels leans on the others and one never seen has the shared part alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.features import StepTable

SMOOTHING = 0.1  # share of a label that each neighbouring candidate gets: annotators are often a step apart
SHRINKAGE = 100.0  # L2 of the shared and of the systems' own weights, in units of standardised features
CLIP = 4.0  # standard deviations: no single count decides
FOLDS = 5


class Ranked(NamedTuple):
    """A step and the probability that it is the decisive one."""

    step: int
    probability: float


@dataclass(frozen=True)
class Localiser:
    """Fitted weights. `centre`, `scale`, `shared` are (F,), `own` is (S, F) in the order of `systems`."""

    names: tuple[str, ...]
    systems: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    shared: NDArray[np.float64]
    own: NDArray[np.float64]
    temperature: float

    def rank(self, table: StepTable, system: str) -> NDArray[np.float64]:
        """Return a probability for each of the n steps; they sum to 1, and only candidates have any."""
        weights = self.shared
        if system in self.systems:
            weights = weights + self.own[self.systems.index(system)]
        scores = self._standard(table) @ weights / self.temperature
        out = np.zeros(len(table))
        out[table.candidates] = _softmax(scores)
        return out

    def top(self, table: StepTable, system: str, k: int = 3) -> tuple[Ranked, ...]:
        """Return the k likeliest steps (by `Step.index`), best first, the earlier one on a tie."""
        probabilities = self.rank(table, system)
        best = np.argsort(-probabilities, kind="stable")[:k]
        return tuple(Ranked(table.indices[i], float(probabilities[i])) for i in best if probabilities[i] > 0)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as named arrays, to be stored in an index."""
        return {
            "names": np.array(self.names),
            "systems": np.array(self.systems, dtype=np.str_),
            "centre": self.centre,
            "scale": self.scale,
            "shared": self.shared,
            "own": self.own,
            "temperature": np.array(self.temperature),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Localiser:
        """Return the localiser that `to_arrays` gave."""
        return cls(
            names=tuple(map(str, arrays["names"])),
            systems=tuple(map(str, arrays["systems"])),
            centre=np.asarray(arrays["centre"], dtype=np.float64),
            scale=np.asarray(arrays["scale"], dtype=np.float64),
            shared=np.asarray(arrays["shared"], dtype=np.float64),
            own=np.asarray(arrays["own"], dtype=np.float64),
            temperature=float(np.asarray(arrays["temperature"], dtype=np.float64)),
        )

    def _standard(self, table: StepTable) -> NDArray[np.float64]:
        if table.names != self.names:
            raise ValueError("the table's columns are not those that the localiser was fitted on")
        return _standardised(table, self.centre, self.scale)


def fit(tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str], groups: Sequence[int]) -> Localiser:
    """Fit on runs whose decisive step (`Step.index`) is known; `groups` keeps runs of one task together.

    Deterministic. The temperature is fitted on the runs as they are ranked with their group left out. Raises
    ValueError for a gold step that is not a candidate of its run.
    """
    whole = _fit(tables, gold, systems)
    held_out = cross_rank(tables, gold, systems, groups)
    return _with_temperature(whole, _temperature(held_out, tables, gold))


def cross_rank(
    tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str], groups: Sequence[int]
) -> list[NDArray[np.float64]]:
    """Rank every run by a localiser that has seen no run of its group: (n,) probabilities each."""
    out: list[NDArray[np.float64]] = [np.zeros(0)] * len(tables)
    for train, test in grouped_folds(groups):
        fitted = _fit([tables[i] for i in train], [gold[i] for i in train], [systems[i] for i in train])
        for i in test:
            out[i] = fitted.rank(tables[i], systems[i])
    return out


def grouped_folds(groups: Sequence[int], k: int = FOLDS, seed: int = 0) -> list[tuple[list[int], list[int]]]:
    """Split positions into k pairs of train and test, no group on both sides. Fewer where there are fewer groups."""
    unique = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(unique))
    fold = {unique[g]: i % k for i, g in enumerate(order)}
    return [
        ([i for i, g in enumerate(groups) if fold[g] != f], [i for i, g in enumerate(groups) if fold[g] == f])
        for f in range(min(k, len(unique)))
    ]


def _fit(tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str]) -> Localiser:
    from scipy.optimize import minimize  # noqa: PLC0415 - to learn; ranking needs numpy alone

    if not tables:
        raise ValueError("no run to learn from")
    rows = np.vstack([table.matrix[table.candidates] for table in tables]).astype(np.float64)
    centre, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    known = tuple(sorted(set(systems)))
    blocks = [_standardised(table, centre, scale) for table in tables]
    starts = np.cumsum([0, *map(len, blocks)])
    x = np.vstack(blocks)
    y = np.concatenate([_target(table, step) for table, step in zip(tables, gold, strict=True)])
    member = np.repeat([known.index(system) for system in systems], np.diff(starts))
    rows_of = [member == s for s in range(len(known))]
    width = x.shape[1]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(1 + len(known), width)
        scores = x @ weights[0]
        for s, rows_ in enumerate(rows_of):
            scores[rows_] += x[rows_] @ weights[1 + s]
        p, log_z = _listwise(scores, starts)
        residual = p - y
        gradient = np.vstack([x.T @ residual, *(x[rows_].T @ residual[rows_] for rows_ in rows_of)])
        value = log_z.sum() - y @ scores + 0.5 * SHRINKAGE * (flat @ flat)
        return float(value), (gradient + SHRINKAGE * weights).ravel()

    found = minimize(loss, np.zeros((1 + len(known)) * width), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    weights = found.x.reshape(1 + len(known), width)
    return Localiser(tables[0].names, known, centre, scale, weights[0], weights[1:], 1.0)


def _target(table: StepTable, step: int) -> NDArray[np.float64]:
    """Spread the label over the candidates: most on the step itself, some on its neighbours."""
    candidates = np.flatnonzero(table.candidates)
    at = [i for i, c in enumerate(candidates) if table.indices[c] == step]
    if not at:
        raise ValueError(f"step {step} is not one that may be at fault")
    target = np.zeros(len(candidates))
    target[at[0]] = 1.0
    for neighbour in (at[0] - 1, at[0] + 1):
        if 0 <= neighbour < len(target):
            target[neighbour] = SMOOTHING
    spread: NDArray[np.float64] = target / target.sum()
    return spread


def _standardised(table: StepTable, centre: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = np.clip((table.matrix[table.candidates] - centre) / scale, -CLIP, CLIP)
    result: NDArray[np.float64] = rows - rows.mean(axis=0)
    return result


def _listwise(
    scores: NDArray[np.float64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Softmax within each run, and the log of each run's normaliser."""
    sizes = np.diff(starts)
    top = np.maximum.reduceat(scores, starts[:-1])
    e = np.exp(scores - np.repeat(top, sizes))
    z = np.add.reduceat(e, starts[:-1])
    return e / np.repeat(z, sizes), top + np.log(z)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(scores - scores.max())
    result: NDArray[np.float64] = e / e.sum()
    return result


def _temperature(ranked: Sequence[NDArray[np.float64]], tables: Sequence[StepTable], gold: Sequence[int]) -> float:
    """Find the temperature at which the held-out probabilities of the true steps are likeliest (grid search)."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(2.5), 61))
    likely = np.zeros(len(grid))
    for probabilities, table, step in zip(ranked, tables, gold, strict=True):
        logs = np.log(np.maximum(probabilities[table.candidates], 1e-12))
        at = [table.indices[c] for c in np.flatnonzero(table.candidates)].index(step)
        for i, t in enumerate(grid):
            likely[i] += np.log(_softmax(logs / t)[at])
    return float(grid[int(likely.argmax())])


def _with_temperature(fitted: Localiser, temperature: float) -> Localiser:
    return replace(fitted, temperature=temperature)
