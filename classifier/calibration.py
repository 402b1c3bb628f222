"""Calibration: votes -> probabilities that hold, a candidate set that covers, and how familiar a run is.

Two regimes. `known`: fitted on what the cause model says of runs whose task it has not seen. `new`: fitted on what it
says of runs of a whole system that it has not seen, each system left out in turn; causes do not carry over between
systems, so there the probabilities fall back towards the frequencies of the causes and the candidate set is wide. A
system with few labels lies between the two. Fitting uses MAPIE for the sets (Sadinle, Lei and Wasserman 2019, "Least
ambiguous set-valued classifiers with bounded error levels"); using needs numpy alone.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier.diagnosis import Familiarity
from classifier.index import is_taught

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.index import Labelled

    Floats = NDArray[np.float64]

COVERAGE = 0.9
SMALL = 1e-4
HALF = 8.0  # labelled runs of a system at which the two regimes weigh the same
ENOUGH = 10  # labelled runs from which on a system is called known
STRANGE = 0.02  # p-value below which a run of a known system is unlike its labelled runs
NEAREST = 3  # labelled runs that the distance is measured to
BIAS = 10.0  # weight of the squared bias of the confidence beside the log-loss
SHARPNESS = tuple(float(x) for x in np.exp(np.linspace(np.log(0.2), np.log(2.0), 24)))
MIXES = tuple(float(x) for x in np.linspace(0, 1, 21))


class Regime(NamedTuple):
    """p -> normalised p ** `sharpness`, mixed with the causes' frequencies by `mix`; kept from `threshold` on."""

    sharpness: float
    mix: float
    threshold: float


class Judged(NamedTuple):
    """Calibrated probabilities (K,), and the candidate set as positions, most likely first, never empty."""

    probabilities: Floats
    candidates: tuple[int, ...]


@dataclass(frozen=True)
class Calibration:
    """What was fitted. `prior` (K,): the causes' frequencies, flattened; `accepted` (n, 2): confidence, right."""

    prior: Floats
    known: Regime
    new: Regime
    accepted: Floats

    def judge(self, votes: Floats, trust: float) -> Judged:
        """Calibrate the cause model's (K,) probabilities. `trust` (0 to 1) is `Acquaintance.trust`'s."""
        share = min(max(trust, 0.0), 1.0)
        probabilities = share * _apply(votes[None], self.known, self.prior)[0]
        probabilities += (1 - share) * _apply(votes[None], self.new, self.prior)[0]
        threshold = share * self.known.threshold + (1 - share) * self.new.threshold
        order = np.argsort(-probabilities, kind="stable")
        kept = [int(i) for i in order if probabilities[i] >= threshold - 1e-12]
        return Judged(probabilities, tuple(kept or [int(order[0])]))

    def floor(self, right: float) -> float:
        """Return the least confidence above which at least `right` (0 to 1) of the held-out verdicts were right.

        1.0 where no level is enough.
        """
        order = np.argsort(-self.accepted[:, 0], kind="stable")
        rate = np.cumsum(self.accepted[order, 1]) / np.arange(1, len(order) + 1)
        enough = np.flatnonzero(rate >= right)
        return float(self.accepted[order[enough[-1]], 0]) if len(enough) else 1.0

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as named arrays, to be stored in an index."""
        return {
            "prior": self.prior, "known": np.array(self.known), "new": np.array(self.new), "accepted": self.accepted,
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Calibration:
        """Return the calibration that `to_arrays` gave."""
        values = {f.name: np.asarray(arrays[f.name], dtype=np.float64) for f in fields(cls)}
        return cls(
            values["prior"],
            Regime(*map(float, values["known"])),
            Regime(*map(float, values["new"])),
            values["accepted"],
        )


class Held(NamedTuple):
    """What the cause model says (n, K) of runs that it has not seen, and the causes (n,) they were given."""

    votes: Floats
    y: NDArray[np.int64]


def fit(repeats: Sequence[Held], strangers: Sequence[Held], coverage: float = COVERAGE) -> Calibration:
    """Fit both regimes.

    `repeats`: the training runs with their task left out, once per split (`causes.Fitted.held_out`). `strangers`: the
    runs of each system, by a model that has seen none of it; where there are fewer than two, nothing is known of new
    systems, and the regime `new` is the flattened frequencies alone.
    """
    k = repeats[0].votes.shape[1]
    count = np.bincount(repeats[0].y, minlength=k) + 0.5
    # the square root: how often a cause occurs differs between systems about as much as between causes
    prior = np.sqrt(count / count.sum())
    prior /= prior.sum()
    known = _regime(repeats, prior, coverage)
    # of several new systems the most cautious word is taken: the next one may be as strange as the strangest
    each = [_regime([held], prior, coverage) for held in strangers if len(held.y)] if len(strangers) > 1 else []
    mix = max((regime.mix for regime in each), default=1.0)
    new = Regime(1.0, mix, 0.0)
    levels = [
        1 - conformal_quantile(_apply(held.votes, new, prior), held.y, coverage) for held in strangers if len(held.y)
    ]
    new = new._replace(threshold=min(levels, default=float(np.sort(prior)[int(k * (1 - coverage))])))
    judged = _apply(repeats[0].votes, known, prior)
    accepted = np.column_stack([judged.max(axis=1), judged.argmax(axis=1) == repeats[0].y]).astype(np.float64)
    return Calibration(prior, known, new, accepted)


def _regime(sets: Sequence[Held], prior: Floats, coverage: float) -> Regime:
    """Choose sharpness and mix by log-loss and by the bias of the confidence, the threshold by conformal prediction.

    The bias is what an expected calibration error mostly consists of; the log-loss alone leaves some.
    """
    best, least = (1.0, 1.0), np.inf
    for sharpness in SHARPNESS:
        for mix in MIXES:
            loss = 0.0
            for held in sets:
                p = _apply(held.votes, Regime(sharpness, mix, 0.0), prior)
                bias = float(p.max(axis=1).mean() - (p.argmax(axis=1) == held.y).mean())
                loss += BIAS * bias**2 - float(np.log(np.maximum(p[np.arange(len(held.y)), held.y], SMALL)).mean())
            if loss < least - 1e-9:
                best, least = (sharpness, mix), loss
    sharpened = Regime(*best, 0.0)
    levels = [1 - conformal_quantile(_apply(held.votes, sharpened, prior), held.y, coverage) for held in sets]
    return Regime(*best, float(np.mean(levels)))


def conformal_quantile(probabilities: Floats, y: NDArray[np.int64], coverage: float) -> float:
    """Return the level q such that {c: 1 - p_c <= q} holds the true cause with `coverage`, by MAPIE's LAC score."""
    from mapie.classification import SplitConformalClassifier  # noqa: PLC0415 - to learn; using needs numpy alone
    from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: PLC0415 - as above

    class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # untyped bases
        """A classifier whose input is its output: the probabilities are made elsewhere."""

        def __init__(self) -> None:
            self.classes_ = np.arange(probabilities.shape[1])
            self.fitted_ = True

        def fit(self, x: Floats, y: NDArray[np.int64]) -> Given:  # noqa: ARG002 - scikit-learn's signature
            return self

        def predict(self, x: Floats) -> NDArray[np.int64]:
            found: NDArray[np.int64] = x.argmax(axis=1)
            return found

        def predict_proba(self, x: Floats) -> Floats:
            return x

    sets = SplitConformalClassifier(Given(), confidence_level=coverage, conformity_score="lac", prefit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that some causes are rare is known
        sets.conformalize(probabilities, y)
        sets.predict_set(probabilities[:1])  # MAPIE computes its quantiles on first use
    found = sets._mapie_classifier.conformity_score_function_.quantiles_  # noqa: SLF001 - no other way
    return float(np.ravel(found)[0])


def _apply(votes: Floats, regime: Regime, prior: Floats) -> Floats:
    logs = regime.sharpness * np.log(np.maximum(votes, SMALL))
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    sharpened = raised / raised.sum(axis=1, keepdims=True)
    result: Floats = (1 - regime.mix) * sharpened + regime.mix * prior
    return result


@dataclass(frozen=True)
class Acquaintance:
    """What the index has seen: labelled runs and agents by system, and how far its runs lie from each other.

    `vectors` (n, d), unit length, one per labelled run; `far` (n,) the distance of each to the nearest labelled runs
    of its system and another group.
    """

    runs: tuple[Labelled, ...]
    vectors: NDArray[np.float32]
    agents: Mapping[str, tuple[str, ...]]
    far: Floats

    @classmethod
    def of(
        cls, runs: Sequence[Labelled], vectors: NDArray[np.float32], agents: Mapping[str, tuple[str, ...]]
    ) -> Acquaintance:
        """Measure the labelled runs against each other."""
        far = np.array(
            [_distance(vectors[i], vectors[_others(runs, run.system, run.group)]) for i, run in enumerate(runs)]
        )
        return cls(tuple(runs), vectors, agents, far)

    def trust(
        self, system: str, vector: NDArray[np.floating], agents: Collection[str], *, vouched: bool = False
    ) -> float:
        """Return how far (0 to 1) the cause model's word on a run of this system can be taken as on known runs.

        n / (n + 8) of its n labelled runs, each by its weight, halved where the run is unlike all of them. 0 where none
        of its agents acts in them: one framework carries many systems, and another team of agents is another system.
        `vouched`: labels that only a judge has taught do not count.
        """
        if not self._met(system, agents):
            return 0.0
        counted = [run for run in self.runs if run.system == system and not (vouched and is_taught(run))]
        n = sum(run.weight for run in counted)
        share = n / (n + HALF)
        return share if n < ENOUGH or self.p_value(system, vector) >= STRANGE else share / 2

    def _met(self, system: str, agents: Collection[str]) -> bool:
        return not set(agents).isdisjoint(self.agents.get(system, ()))

    def p_value(self, system: str, vector: NDArray[np.floating]) -> float:
        """Return the conformal p-value of the run being one more of its system: small where it lies far from them.

        1.0 for a system without labelled runs: there is nothing to differ from.
        """
        mine = [i for i, run in enumerate(self.runs) if run.system == system]
        if not mine:
            return 1.0
        distance = _distance(np.asarray(vector), self.vectors[mine])
        return float((1 + (self.far[mine] >= distance - 1e-9).sum()) / (len(mine) + 1))

    def familiarity(self, system: str, vector: NDArray[np.floating], agents: Collection[str]) -> Familiarity:
        """Say whether the run is of a system the index knows.

        Known: ten labelled runs or more, not unlike them, and one of the agents acts in them. Similar: fewer, or
        unlike, or other agents, or a system of another name in which at least half of the agents are called as in a
        labelled one. New: none of it.
        """
        n = sum(run.system == system for run in self.runs)
        if n >= ENOUGH and self._met(system, agents) and self.p_value(system, vector) >= STRANGE:
            return Familiarity.KNOWN
        named = set(agents)
        alike = any(named and 2 * len(named & set(others)) >= len(named) for others in self.agents.values())
        return Familiarity.SIMILAR if n or alike else Familiarity.NEW


def _others(runs: Sequence[Labelled], system: str, group: str) -> list[int]:
    return [i for i, run in enumerate(runs) if run.system == system and run.group != group]


def _distance(vector: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """One less the mean cosine to the nearest others; 1 where there are none."""
    if not len(others):
        return 1.0
    return float(1 - np.sort(others @ (vector / max(float(np.linalg.norm(vector)), 1e-12)))[-NEAREST:].mean())
