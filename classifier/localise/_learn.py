"""Learn: labelled runs -> a Localiser. Every figure here was chosen on held-out likelihood (DECISIONS.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from classifier.folds import grouped_folds
from classifier.localise import Learnt, Localiser, log_ratio
from classifier.localise._rows import listwise, standardised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifier.features import StepTable

SMOOTHING = 0.1  # share of a label that each neighbouring candidate gets: annotators are often a step apart
SHRINKAGE = 100.0  # L2 of shared and own weights, on standardised features
NEAR_SHRINKAGE = 3.0  # L2 of the neighbours' weight: one number a system
SPREAD = 0.4  # least standard deviation: a flag that few steps raise is not blown up
EMPHASIS = {"derailed": 10.0}  # known beforehand: a run set off on another task than its own failed there
OTHERS = 1500  # steps kept of each system that are not decisive: enough for a density
_ONSET_SHRINKAGE = 0.1


@dataclass(frozen=True)
class _Runs:
    """Labelled runs: tables with the position of the decisive step among the candidates, system and group."""

    tables: Sequence[StepTable]
    at: Sequence[int]
    systems: Sequence[str]
    groups: Sequence[int]

    def __len__(self) -> int:
        return len(self.tables)

    def take(self, chosen: Sequence[int]) -> _Runs:
        """Return the runs at these positions."""
        return _Runs(
            [self.tables[i] for i in chosen],
            [self.at[i] for i in chosen],
            [self.systems[i] for i in chosen],
            [self.groups[i] for i in chosen],
        )


def learn(
    tables: Sequence[StepTable],
    gold: Sequence[int],
    systems: Sequence[str],
    groups: Sequence[int],
    ratios: Sequence[NDArray[np.float64]] | None = None,
) -> Learnt:
    """See `classifier.localise.learn`."""
    if not tables:
        raise ValueError("no run to learn from")
    runs = _runs(tables, gold, systems, groups)
    whole = _weights(runs)
    base: list[NDArray[np.float64]] = [np.zeros(0)] * len(runs)
    for train, test in grouped_folds(groups):
        part = _weights(runs.take(train)) if train else whole  # one task alone: nothing can be held out
        for i in test:
            base[i] = part.base(tables[i], systems[i])
    ratios = _ratios(runs) if ratios is None else ratios
    whole = replace(_with_labelled(whole, runs), nearness=_nearness(runs, base, ratios, whole.systems))
    at = [whole.systems.index(system) for system in systems]
    logs = [b + whole.nearness[s] * r for b, s, r in zip(base, at, ratios, strict=True)]
    whole = replace(whole, temperature=_temperature(logs, runs.at))
    held_out = []
    for table, log in zip(tables, logs, strict=True):
        out = np.zeros(len(table))
        out[table.candidates], _ = listwise(log / whole.temperature, np.array([0, len(log)]))
        held_out.append(out)
    return Learnt(whole, held_out)


def ratios(
    tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str], groups: Sequence[int]
) -> list[NDArray[np.float64]]:
    """See `classifier.localise.ratios`."""
    return _ratios(_runs(tables, gold, systems, groups))


def _runs(tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str], groups: Sequence[int]) -> _Runs:
    return _Runs(tables, [_position(t, step) for t, step in zip(tables, gold, strict=True)], systems, groups)


def _position(table: StepTable, step: int) -> int:
    """Where among the candidates the step stands."""
    found = [i for i, c in enumerate(np.flatnonzero(table.candidates)) if table.indices[c] == step]
    if not found:
        raise ValueError(f"step {step} is not one that may be at fault")
    return found[0]


def _target(size: int, at: int) -> NDArray[np.float64]:
    """Spread the label over the candidates: most on the step itself, some on its neighbours."""
    target = np.zeros(size)
    target[at] = 1.0
    for neighbour in (at - 1, at + 1):
        if 0 <= neighbour < size:
            target[neighbour] = SMOOTHING
    spread: NDArray[np.float64] = target / target.sum()
    return spread


def _weights(runs: _Runs) -> Localiser:
    """Fit choice and hazard; no neighbours yet."""
    names, known = runs.tables[0].names, tuple(sorted(set(runs.systems)))
    rows = np.vstack([table.matrix[table.candidates] for table in runs.tables]).astype(np.float64)
    centre = rows.mean(axis=0)
    scale = np.maximum(rows.std(axis=0), SPREAD)
    blocks = [standardised(table, centre, scale) for table in runs.tables]
    starts = np.cumsum([0, *map(len, blocks)])
    emphasis = np.array([EMPHASIS.get(name, 1.0) for name in names])
    x = np.vstack(blocks) * emphasis
    targets = [_target(len(block), at) for block, at in zip(blocks, runs.at, strict=True)]
    y = np.concatenate(targets)
    at_risk = np.concatenate([1 - np.cumsum(target) + target for target in targets])
    member = np.repeat([known.index(system) for system in runs.systems], np.diff(starts))
    rows_of = [member == s for s in range(len(known))]

    def choice(scores: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        p, log_z = listwise(scores, starts)
        return float(log_z.sum() - y @ scores), p - y

    def hazard(scores: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value = (at_risk * np.logaddexp(0, scores) - y * scores).sum()
        return float(value), at_risk / (1 + np.exp(-scores)) - y

    chosen, _ = _minimise(choice, x, rows_of, onset=False)
    risky, onset = _minimise(hazard, x, rows_of, onset=True)
    width, none = runs.tables[0].vectors.shape[1], np.zeros(0, dtype=np.int64)
    empty = np.zeros((0, width), dtype=np.float16)
    nearness = np.zeros(len(known))
    return Localiser(
        names, known, centre, scale, chosen * emphasis, risky * emphasis, onset, nearness, empty, none, empty, none
    )


def _minimise(
    loss: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    x: NDArray[np.float64],
    rows_of: Sequence[NDArray[np.bool_]],
    *,
    onset: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (1 + S, F) and onsets (S,) of least loss + L2; `loss` maps scores to its value and their gradient."""
    count, width = len(rows_of), x.shape[1]
    parts = [x[rows] for rows in rows_of]

    def penalised(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, level = flat[: (1 + count) * width].reshape(1 + count, width), flat[(1 + count) * width :]
        scores = x @ weights[0]
        for s, (rows, part) in enumerate(zip(rows_of, parts, strict=True)):
            scores[rows] += part @ weights[1 + s] + (level[s] if onset else 0.0)
        value, slope = loss(scores)
        gradient = np.vstack([x.T @ slope, *(part.T @ slope[rows] for rows, part in zip(rows_of, parts, strict=True))])
        value += 0.5 * SHRINKAGE * float((weights**2).sum()) + 0.5 * _ONSET_SHRINKAGE * float(level @ level)
        steep = np.array([slope[rows].sum() for rows in rows_of]) * onset + _ONSET_SHRINKAGE * level
        return value, np.append(gradient + SHRINKAGE * weights, steep)

    start = np.zeros((1 + count) * width + count)
    found = minimize(penalised, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found[: (1 + count) * width].reshape(1 + count, width), found[(1 + count) * width :]


def _with_labelled(fitted: Localiser, runs: _Runs) -> Localiser:
    """Add the vectors of the decisive steps and, thinned evenly, of the others."""
    width = runs.tables[0].vectors.shape[1]
    decisive, others = np.zeros((0, width)), np.zeros((0, width))
    decisive_of, others_of = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for s, system in enumerate(fitted.systems):
        own = [i for i in range(len(runs)) if runs.systems[i] == system]
        hits, misses = (np.vstack([_split(runs, i)[k] for i in own]) for k in (0, 1))
        if len(misses) > OTHERS:
            misses = misses[np.linspace(0, len(misses) - 1, OTHERS).astype(int)]
        decisive, others = np.vstack([decisive, hits]), np.vstack([others, misses])
        decisive_of = np.append(decisive_of, np.full(len(hits), s))
        others_of = np.append(others_of, np.full(len(misses), s))
    return replace(
        fitted,
        decisive=decisive.astype(np.float16),
        decisive_of=decisive_of,
        others=others.astype(np.float16),
        others_of=others_of,
    )


def _split(runs: _Runs, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    vectors = runs.tables[i].vectors[runs.tables[i].candidates]
    return vectors[runs.at[i]][None, :], np.delete(vectors, runs.at[i], axis=0)


def _ratios(runs: _Runs) -> list[NDArray[np.float64]]:
    """Neighbours' log ratios at the candidates of each run, its own group left out."""
    split = [tuple(part.astype(np.float16) for part in _split(runs, i)) for i in range(len(runs))]
    out = []
    for i, table in enumerate(runs.tables):
        allowed = [
            j for j in range(len(runs)) if runs.groups[j] != runs.groups[i] and runs.systems[j] == runs.systems[i]
        ]
        vectors = table.vectors[table.candidates].astype(np.float64)
        if allowed:
            hits, misses = (np.vstack([split[j][k] for j in allowed]) for k in (0, 1))
            out.append(log_ratio(vectors, hits, misses))
        else:
            out.append(np.zeros(len(vectors)))
    return out


def _nearness(
    runs: _Runs,
    base: Sequence[NDArray[np.float64]],
    ratios: Sequence[NDArray[np.float64]],
    known: tuple[str, ...],
) -> NDArray[np.float64]:
    """Weigh the neighbours in each system, on held-out runs. Never negative: to resemble a mistake is no alibi."""
    out = np.zeros(len(known))
    for s, system in enumerate(known):
        own = [i for i in range(len(runs)) if runs.systems[i] == system]
        starts = np.cumsum([0, *(len(base[i]) for i in own)])
        offset, ratio = (np.concatenate([part[i] for i in own]) for part in (base, ratios))
        y = np.concatenate([_target(len(base[i]), runs.at[i]) for i in own])

        def loss(
            w: NDArray[np.float64],
            offset: NDArray[np.float64] = offset,
            ratio: NDArray[np.float64] = ratio,
            y: NDArray[np.float64] = y,
            starts: NDArray[np.int64] = starts,
        ) -> tuple[float, NDArray[np.float64]]:
            p, log_z = listwise(offset + w[0] * ratio, starts)
            value = log_z.sum() - y @ (offset + w[0] * ratio) + 0.5 * NEAR_SHRINKAGE * w[0] ** 2
            return float(value), np.array([(p - y) @ ratio + NEAR_SHRINKAGE * w[0]])

        out[s] = minimize(loss, np.zeros(1), jac=True, method="L-BFGS-B", bounds=[(0, None)]).x[0]
    return out


def _temperature(logs: Sequence[NDArray[np.float64]], at: Sequence[int]) -> float:
    """Find the temperature at which the held-out probabilities of the true steps are likeliest."""
    grid = np.exp(np.linspace(-0.7, 0.7, 57))
    starts = np.cumsum([0, *map(len, logs)])
    true = starts[:-1] + np.array(at)
    stacked = np.concatenate(logs)
    likely = [float((stacked[true] / t - listwise(stacked / t, starts)[1]).sum()) for t in grid]
    return float(grid[int(np.argmax(likely))])
