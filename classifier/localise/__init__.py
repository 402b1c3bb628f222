"""Localise: which step of a failed run is the decisive mistake.

Three readings of the same step table, each weak in another place:

- a listwise (conditional) logit: the run is one choice among its candidate steps (McFadden 1974, "Conditional logit
  analysis of qualitative choice behavior"), P(i) proportional to exp(w . x_i);
- a discrete-time hazard: the decisive mistake is the first, P(i) = h_i prod_{j<i} (1 - h_j), h = sigmoid(v . x + b)
  (Singer and Willett 1993, "It's about time");
- nearest neighbours: how much nearer a step's vector lies to labelled decisive steps of its system than to the others.

The first two are averaged, the third multiplies in. Weights are shared + the system's own, both shrunk to zero, so that
a system with few labels leans on the others and one never seen has the shared part alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.localise._rows import listwise, standardised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.features import StepTable

__all__ = ["Learnt", "Localiser", "Ranked", "cross_rank", "fit", "learn", "ratios"]

SHARPNESS = 20.0  # of the kernel exp(s (cos - 1)) around a labelled step: it has faded to 1/e at a cosine of 0.95
_FLOOR = 1e-5  # no candidate is ruled out


class Ranked(NamedTuple):
    """A step (`Step.index`) and the probability that it is the decisive one."""

    step: int
    probability: float


class Learnt(NamedTuple):
    """A localiser, and for each run it learnt from the (n,) probabilities of one that had not seen the run's group."""

    localiser: Localiser
    held_out: list[NDArray[np.float64]]


@dataclass(frozen=True)
class Localiser:
    """What was learnt. F features, S systems, d the dimension of the vectors.

    `centre`, `scale` (F,) standardise the features; `choice`, `hazard` (1 + S, F) are the weights, the shared ones
    first; `onset` (S,) is the hazard's level; `nearness` (S,) weighs the neighbours. `decisive` (G, d) and `others`
    (N, d) are vectors of labelled steps, `decisive_of`, `others_of` their systems' positions in `systems`.
    """

    names: tuple[str, ...]
    systems: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    choice: NDArray[np.float64]
    hazard: NDArray[np.float64]
    onset: NDArray[np.float64]
    nearness: NDArray[np.float64]
    decisive: NDArray[np.float16]
    decisive_of: NDArray[np.int64]
    others: NDArray[np.float16]
    others_of: NDArray[np.int64]
    temperature: float = 1.0

    def rank(self, table: StepTable, system: str) -> NDArray[np.float64]:
        """Return a probability for each of the n steps; they sum to 1, and only candidates have any.

        Raises ValueError for a table of other columns than those learnt from.
        """
        logs = self.base(table, system) + self.evidence(table, system)
        out = np.zeros(len(table))
        out[table.candidates], _ = listwise(logs / self.temperature, np.array([0, len(logs)]))
        return out

    def top(self, table: StepTable, system: str, k: int = 3) -> tuple[Ranked, ...]:
        """Return the k likeliest steps, best first, the earlier one on a tie."""
        probabilities = self.rank(table, system)
        best = np.argsort(-probabilities, kind="stable")[:k]
        return tuple(Ranked(table.indices[i], float(probabilities[i])) for i in best if table.candidates[i])

    def base(self, table: StepTable, system: str) -> NDArray[np.float64]:
        """Return the log of the mean of choice and hazard, for the candidates only."""
        if table.names != self.names:
            raise ValueError("the table's columns are not those that the localiser was fitted on")
        rows = standardised(table, self.centre, self.scale)
        choice, hazard, onset = self.choice[0], self.hazard[0], float(self.onset.mean())
        if system in self.systems:
            at = self.systems.index(system)
            choice, hazard, onset = choice + self.choice[1 + at], hazard + self.hazard[1 + at], float(self.onset[at])
        chosen, _ = listwise(rows @ choice, np.array([0, len(rows)]))
        risk = 1 / (1 + np.exp(-(rows @ hazard + onset)))
        risk[-1] = max(risk[-1], 0.5)  # the run failed: where nothing went before, it went wrong at the end
        first = risk * np.append(1.0, np.cumprod(1 - risk)[:-1])
        result: NDArray[np.float64] = np.log(np.maximum((chosen + first / first.sum()) / 2, _FLOOR))
        return result

    def evidence(self, table: StepTable, system: str) -> NDArray[np.float64]:
        """Return the neighbours' say in log odds, for the candidates only; 0 for a system without labels."""
        if system not in self.systems:
            return np.zeros(int(table.candidates.sum()))
        at = self.systems.index(system)
        vectors = table.vectors[table.candidates].astype(np.float64)
        ratio = log_ratio(vectors, self.decisive[self.decisive_of == at], self.others[self.others_of == at])
        return float(self.nearness[at]) * ratio

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as named arrays, to be stored in an index."""
        out: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _ARRAYS}
        out["names"], out["systems"] = np.array(self.names), np.array(self.systems, dtype=np.str_)
        out["temperature"] = np.array(self.temperature)
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Localiser:
        """Return the localiser that `to_arrays` gave. Raises KeyError where an array is missing."""
        return cls(
            names=tuple(map(str, arrays["names"])),
            systems=tuple(map(str, arrays["systems"])),
            temperature=float(np.asarray(arrays["temperature"], dtype=np.float64)),
            **{name: np.asarray(arrays[name], dtype=kind) for name, kind in _ARRAYS.items()},
        )


_ARRAYS: dict[str, type[np.generic]] = {
    "centre": np.float64,
    "scale": np.float64,
    "choice": np.float64,
    "hazard": np.float64,
    "onset": np.float64,
    "nearness": np.float64,
    "decisive": np.float16,
    "decisive_of": np.int64,
    "others": np.float16,
    "others_of": np.int64,
}


def log_ratio(
    vectors: NDArray[np.float64], decisive: NDArray[np.float16], others: NDArray[np.float16]
) -> NDArray[np.float64]:
    """Log of the density of decisive steps over that of the others, at each of (m, d) unit vectors: (m,)."""
    if not len(decisive) or not len(others):
        return np.zeros(len(vectors))
    near, far = (
        np.exp(SHARPNESS * (vectors @ labelled.astype(np.float64).T - 1)).mean(axis=1)
        for labelled in (decisive, others)
    )
    result: NDArray[np.float64] = np.log(near + 1e-9) - np.log(far + 1e-9)
    return result


def learn(
    tables: Sequence[StepTable],
    gold: Sequence[int],
    systems: Sequence[str],
    groups: Sequence[int],
    ratios: Sequence[NDArray[np.float64]] | None = None,
) -> Learnt:
    """Learn from runs whose decisive step (`Step.index`) is known; `groups` keeps runs of one task together.

    Deterministic. `held_out` comes from five grouped folds. `ratios`: what `ratios` gives for these runs, also if other
    systems were there then. Raises ValueError for a gold step that is not a candidate of its run, and where there is
    no run.
    """
    from classifier.localise import _learn  # noqa: PLC0415 - scipy; ranking needs numpy alone

    return _learn.learn(tables, gold, systems, groups, ratios)


def ratios(
    tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str], groups: Sequence[int]
) -> list[NDArray[np.float64]]:
    """Return the neighbours' log ratio at each candidate of each run, made of its system's runs of other groups.

    It takes most of the time of `learn`, and leaving whole systems out does not change it.
    """
    from classifier.localise import _learn  # noqa: PLC0415 - as above

    return _learn.ratios(tables, gold, systems, groups)


def fit(
    tables: Sequence[StepTable],
    gold: Sequence[int],
    systems: Sequence[str],
    groups: Sequence[int],
    ratios: Sequence[NDArray[np.float64]] | None = None,
) -> Localiser:
    """Return the localiser of `learn`."""
    return learn(tables, gold, systems, groups, ratios).localiser


def cross_rank(
    tables: Sequence[StepTable], gold: Sequence[int], systems: Sequence[str], groups: Sequence[int]
) -> list[NDArray[np.float64]]:
    """Return the held-out probabilities of `learn`: each run ranked without its group."""
    return learn(tables, gold, systems, groups).held_out
