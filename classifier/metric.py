"""Metric: the space in which labelled runs are neighbours, learnt from which step and which cause they were given.

A latent-step model: P(step i, cause c | run) is proportional to p_i exp(x_i W_c + r V_c + b_c), with p_i from the
localiser, x_i what the window around step i looks like, r the run as a whole. x_i W + r V are the coordinates of the
window, one per cause: where two windows lie close, the same cause is likely. It is learnt from both, the step that was
named (with some room for its rivals, for annotators of one run agree on the step in 36 % of the cases) and the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.features import StepTable
    from classifier.index import Labelled

    Floats = NDArray[np.float64]

TOP = 12  # likeliest steps of a run that are looked at: they hold nearly all of the probability
CLIP = 4.0  # standard deviations: no single count decides
FLOOR = 0.1  # added to a standard deviation: a column that hardly varies says little
CENTRING = 0.5  # share of a system's own mean that is taken off its columns
FEW = 5.0  # labelled runs at which a system's mean is half trusted
COMPONENTS = 60  # principal components of the steps' vectors
BESIDE = ((1, 0.7), (-1, 0.5))  # the steps around and their weights in a window
STEP_SCALE, RUN_SCALE, VECTOR_SCALE = 0.5, 0.2, 2.0  # of the groups of columns, before one L2 for all
STEP_SYSTEM, RUN_SYSTEM = 0.3, 0.5  # of a system's own intercepts
SHRINK_STEP, SHRINK_RUN, SHRINK_BIAS = 6.0, 4.0, 0.01  # L2
ON_STEP, ON_CAUSE = 0.5, 0.5  # of the loss: step and cause together; the cause, whatever the step
ROOM = 0.4  # share of a labelled step that its rivals get, by the localiser's probability
BALANCE = 0.5  # weights of causes by frequency to minus this
ITERATIONS = 20  # of L-BFGS: stopping early shrinks too; 20, 30 and 50 are equally good


class Placed(NamedTuple):
    """The likely steps of a run: positions (m,), coordinates (m, K), P(step, cause | run) (m, K), summing to 1."""

    positions: NDArray[np.int64]
    coordinates: Floats
    joint: Floats


@dataclass(frozen=True)
class Scaling:
    """Columns to standard units. `centre`, `scale` (F,); `own` (S, F): what each system's mean lies off `centre`."""

    centre: Floats
    scale: Floats
    own: Floats

    def __call__(self, rows: NDArray[np.floating], system: int | None) -> Floats:
        """Return rows (n, F) in standard units, clipped. `system` None: one that was not seen."""
        off = self.centre if system is None else self.centre + self.own[system]
        result: Floats = np.clip((rows - off) / self.scale, -CLIP, CLIP)
        return result

    @classmethod
    def fit(cls, blocks: Sequence[NDArray[np.floating]], systems: Sequence[int], count: int) -> Scaling:
        """Fit on one block of rows per run."""
        rows = np.vstack(blocks).astype(np.float64)
        centre = rows.mean(axis=0)
        own = np.zeros((count, rows.shape[1]))
        for s in range(count):
            mine = [block for block, system in zip(blocks, systems, strict=True) if system == s]
            own[s] = CENTRING * len(mine) / (len(mine) + FEW) * (np.vstack(mine).mean(axis=0) - centre)
        return cls(centre, rows.std(axis=0) + FLOOR, own)


@dataclass(frozen=True)
class Metric:
    """The learnt space. `columns` (F,) pick from a table; `basis` (d, p) and `mean` (d,) reduce vectors."""

    labels: tuple[str, ...]
    systems: tuple[str, ...]
    names: tuple[str, ...]
    mean: Floats
    basis: Floats
    steps: Scaling
    runs: Scaling
    local: Floats  # (D, K)
    whole: Floats  # (E, K)
    bias: Floats  # (K,)

    def place(self, table: StepTable, posterior: Floats, system: str) -> Placed:
        """Place the likely steps of a run, given the localiser's (n,) probabilities."""
        chosen = likely(posterior)
        windows, run = self.describe(table, system, chosen)
        coordinates = windows @ self.local + run @ self.whole + self.bias
        joint = np.exp(coordinates + np.log(posterior[chosen] + 1e-4)[:, None] - coordinates.max())
        coordinates = coordinates - coordinates.mean(axis=1, keepdims=True)
        return Placed(chosen, coordinates, joint / joint.sum())

    def describe(self, table: StepTable, system: str, at: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the windows (m, D) at positions `at` and the run as a whole (E,), in the units of the weights."""
        if table.names != self.names:
            raise ValueError("the table's columns are not those that the cause model was fitted on")
        s = self.systems.index(system) if system in self.systems else None
        marks = np.zeros(len(self.systems))
        if s is not None:
            marks[s] = 1.0
        used = _used(self.names)
        values = table.matrix[:, used]
        windows = np.hstack(
            [
                VECTOR_SCALE * self._reduced(table, at),
                *(VECTOR_SCALE * weight * self._reduced(table, at + by) for by, weight in BESIDE),
                STEP_SCALE * self.steps(values[at], s),
                np.tile(STEP_SYSTEM * marks, (len(at), 1)),
            ]
        )
        run = np.hstack([RUN_SCALE * self.runs(values.mean(axis=0)[None], s)[0], RUN_SYSTEM * marks])
        return windows, run

    def direction(self, label: str) -> Floats:
        """Return the direction (d,) in the embedder's space along which a step's own text speaks for a cause."""
        own = self.local[: self.basis.shape[1]]
        result: Floats = self.basis @ (own[:, self.labels.index(label)] - own.mean(axis=1))
        return result

    def _reduced(self, table: StepTable, at: NDArray[np.int64]) -> Floats:
        """Return the reduced vectors (m, p) at positions `at`, zeros where those lie past the ends."""
        inside = ((at >= 0) & (at < len(table)))[:, None]
        vectors = table.vectors[np.clip(at, 0, len(table) - 1)]
        result: Floats = ((vectors - self.mean) @ self.basis) * inside
        return result


def likely(posterior: Floats) -> NDArray[np.int64]:
    """Return the positions of the likeliest steps, in order of the run."""
    best = np.argsort(-posterior, kind="stable")[:TOP]
    chosen: NDArray[np.int64] = np.sort(best[posterior[best] > 0])
    return chosen


def learn(tables: Sequence[StepTable], posteriors: Sequence[Floats], labelled: Sequence[Labelled]) -> Metric:
    """Learn the space from labelled runs, each with a cause and, if it has one, the step that was named.

    `posteriors` are the localiser's (n,) probabilities of each run's steps, made without its own label.
    Deterministic. Raises ValueError where there is nothing to learn from.
    """
    if not tables:
        raise ValueError("no labelled run to learn from")
    causes = [run.cause or "" for run in labelled]
    labels, known = tuple(sorted(set(causes))), tuple(sorted({run.system for run in labelled}))
    of = [known.index(run.system) for run in labelled]
    used = _used(tables[0].names)
    mean, basis = _principal([table.vectors for table in tables])
    blank = Metric(
        labels=labels,
        systems=known,
        names=tables[0].names,
        mean=mean,
        basis=basis,
        steps=Scaling.fit([table.matrix[:, used] for table in tables], of, len(known)),
        runs=Scaling.fit([table.matrix[:, used].mean(axis=0)[None] for table in tables], of, len(known)),
        local=np.zeros((0, 0)),
        whole=np.zeros((0, 0)),
        bias=np.zeros(0),
    )
    rows, runs, prior, target = [], [], [], []
    for table, posterior, label in zip(tables, posteriors, labelled, strict=True):
        chosen = likely(posterior)
        at = table.indices.index(label.step) if label.step in table.indices else None
        if at is not None and at not in chosen:
            chosen = np.sort(np.append(chosen, at))
        p = posterior[chosen]
        wanted = p / p.sum() if p.sum() > 0 else np.full(len(p), 1 / len(p))
        if at is not None:
            wanted = ROOM * wanted + (1 - ROOM) * (chosen == at)
        windows, run = blank.describe(table, label.system, chosen)
        rows.append(windows)
        runs.append(run)
        prior.append(np.log(p + 1e-4))
        target.append(wanted)
    y = np.array([labels.index(cause) for cause in causes])
    sure = np.array([run.weight for run in labelled])
    w = sure * balance(y, sure, BALANCE)
    local, whole, bias = _solve(rows, np.vstack(runs), prior, target, y, w, len(labels))
    return Metric(labels, known, blank.names, mean, basis, blank.steps, blank.runs, local, whole, bias)


def balance(y: NDArray[np.int64], weights: Floats, power: float) -> Floats:
    """Weigh samples by the frequency of their class to minus `power`; the mean is 1."""
    count = np.bincount(y, weights=weights)
    out = np.maximum(count, 1e-9)[y] ** -power
    result: Floats = out / out.mean()
    return result


def _solve(  # noqa: PLR0917 - the parts of one loss
    rows: list[Floats],
    runs: Floats,
    prior: list[Floats],
    target: list[Floats],
    y: NDArray[np.int64],
    w: Floats,
    k: int,
) -> tuple[Floats, Floats, Floats]:
    """Minimise the weighted loss with L2; return the local (D, k) and whole (E, k) weights and the bias (k,)."""
    from scipy.optimize import minimize  # noqa: PLC0415 - to learn; placing needs numpy alone

    x, off, wanted = np.vstack(rows), np.concatenate(prior)[:, None], np.concatenate(target)
    sizes = np.array([len(block) for block in rows])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    of = np.repeat(np.arange(len(rows)), sizes)
    every, mine, weight = np.arange(len(x)), y[of], w[of][:, None]
    d, e = x.shape[1], runs.shape[1]
    shrink = np.concatenate([np.full(d * k, SHRINK_STEP), np.full(e * k, SHRINK_RUN), np.full(k, SHRINK_BIAS)])

    def split(flat: Floats) -> tuple[Floats, Floats, Floats]:
        return flat[: d * k].reshape(d, k), flat[d * k : (d + e) * k].reshape(e, k), flat[(d + e) * k :]

    def loss(flat: Floats) -> tuple[float, Floats]:
        local, whole, bias = split(flat)
        z = x @ local + (runs @ whole + bias)[of] + off
        top = np.maximum.reduceat(z.max(axis=1), starts)[of]
        raised = np.exp(z - top[:, None])
        total = np.add.reduceat(raised.sum(axis=1), starts)
        joint = raised / total[of][:, None]
        right = raised[every, mine]
        held = np.add.reduceat(right, starts)
        on_step = np.add.reduceat(wanted * np.log(np.maximum(joint[every, mine], 1e-12)), starts)
        on_cause = np.log(np.maximum(held / total, 1e-12))
        slope = joint.copy()
        slope[every, mine] -= ON_STEP * wanted + ON_CAUSE * right / np.maximum(held[of], 1e-300)
        slope *= weight
        gradient = [x.T @ slope, runs.T @ np.add.reduceat(slope, starts, axis=0), slope.sum(axis=0)]
        value = -(w * (ON_STEP * on_step + ON_CAUSE * on_cause)).sum() + 0.5 * (shrink * flat) @ flat
        return float(value), np.concatenate([part.ravel() for part in gradient]) + shrink * flat

    found = minimize(loss, np.zeros(len(shrink)), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return split(found.x)


def _principal(blocks: Sequence[NDArray[np.floating]]) -> tuple[Floats, Floats]:
    """Return the mean (d,) of all rows and their first principal directions (d, p), signs fixed."""
    rows = np.vstack(blocks).astype(np.float64)
    mean = rows.mean(axis=0)
    _, vectors = np.linalg.eigh((rows - mean).T @ (rows - mean))
    basis = vectors[:, ::-1][:, :COMPONENTS]
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    return mean, basis * signs


@cache
def _used(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Pick the columns a cause may rest on: not those made from a reference answer, for few runs have one."""
    return np.array([i for i, name in enumerate(names) if not name.startswith("expected")])
