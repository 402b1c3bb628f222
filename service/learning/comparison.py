"""Comparison: what a new index would be worth beside the current one, on labels that neither has seen.

Cross-validation over the project's labels: each task is held out in turn, both indices are made without it, and both
are asked about it. What the base index holds of a held-out task (a copy of one of its runs) is left out there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import risk, training
from classifier.bootstrap import Estimate, draws, estimate, mean
from classifier.coefficients import cohen_kappa, kappa_over, tables_over
from classifier.decide import name_cause
from classifier.diagnosis import likeliest
from classifier.folds import FOLDS, grouped_folds
from classifier.pipeline import Classifier
from classifier.risk import Promise
from classifier.trace import Frozen
from service.learning.copies import matched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifier.embedders import Embedder
    from classifier.features import StepTable
    from classifier.index import Index, Labelled
    from classifier.taxonomy import Taxonomy

SIZES = (10, 20, 40, 80)  # labels at which the learning curve is read, besides none and all
RISKS = (0.1, 0.2, 0.3)


class Figures(Frozen):
    """An index on held-out runs. `named`: share for which a cause is named; `named_right`: share of those right."""

    kappa: Estimate
    accuracy: Estimate
    step: Estimate
    named: Estimate
    named_right: Estimate


class CurvePoint(Frozen):
    """The held-out figures with about so many of the project's labels in the index."""

    labels: float
    kappa: Estimate
    accuracy: Estimate


class Comparison(Frozen):
    """What the project's own labels say of a new index and of the current one, whose version is `current`.

    `better`: the new one less the current one, paired. `promises`: what may be promised of the new one's verdicts on
    this project. `learnt`: the runs whose labels the new one holds.
    """

    current: str
    runs: int
    tasks: int
    new: Figures
    old: Figures
    better_kappa: Estimate
    better_accuracy: Estimate
    curve: tuple[CurvePoint, ...]
    promises: tuple[Promise, ...]
    learnt: tuple[str, ...]

    @property
    def is_better(self) -> bool | None:
        """Whether the new one is better beyond chance; False: worse; None: cannot be told apart."""
        low, high = self.better_accuracy.low, self.better_accuracy.high
        if low is not None and low > 0:
            return True
        return False if high is not None and high < 0 else None


class Guess(NamedTuple):
    """What an index says of a held-out run: likeliest cause, whether one is named and is right, step, confidence."""

    best: str
    named: bool
    right: bool
    step: int
    confidence: float


class Contest:
    """The project's labelled runs beside those of the base index, encoded once.

    `silent`: those that say nothing of the cause; one that says that nobody can know it is none of them.
    """

    def __init__(
        self,
        base: Index,
        labelled: Sequence[Labelled],
        tables: Sequence[StepTable],
        embedder: Embedder,
        taxonomy: Taxonomy,
        *,
        silent: frozenset[str] = frozenset(),
    ) -> None:
        self._base, self._embedder, self._taxonomy = base, embedder, taxonomy
        self._tables = [*training.tables_of(base), *tables]
        self._runs = [*base.runs, *labelled]
        self._own = range(len(base.runs), len(self._runs))
        found = matched(base, [table.vectors for table in tables])
        self._copies = {i: row for i, row in zip(self._own, found, strict=True) if row is not None}
        self._taught = [self._filled(i, run, silent) for i, run in enumerate(self._runs)]

    def fit(self, own: Sequence[int] | None = None, barred: frozenset[str] = frozenset()) -> Index:
        """Make an index of the base's runs and those of the project at `own` (positions from 0; None: all).

        What a label of the project says takes the place of what the base's says of the same run; what it says nothing
        of, stays. Tasks in `barred` are left out.
        """
        first = len(self._base.runs)
        mine = [first + i for i in own] if own is not None else list(self._own)
        replaced = {self._copies[i] for i in mine if i in self._copies}
        away = {self._base.runs[row].group for i, row in self._copies.items() if self._runs[i].group in barred}
        kept = [
            row
            for row, run in enumerate(self._base.runs)
            if row not in replaced and run.group not in away and run.group not in barred
        ]
        rows = [*kept, *mine]
        if len(rows) == len(self._base.runs) and not mine:
            return self._base
        return training.fit(
            [self._taught[i] for i in rows],
            [self._tables[i] for i in rows],
            embedder=self._embedder.name,
            taxonomy=self._taxonomy.digest,
        )

    def compare(
        self,
        learnt: frozenset[str],
        current: str,
        *,
        sizes: Sequence[int] = SIZES,
        folds: int = FOLDS,
        watch: Callable[[str], None] = lambda _: None,
        seed: int = 0,
    ) -> Comparison:
        """Hold every task out in turn, in so many folds.

        `learnt`: the project's runs that the current index has been taught.
        """
        own = [self._runs[i] for i in self._own]
        asked = [i for i, run in enumerate(own) if run.cause is not None]
        groups = [own[i].group for i in asked]
        splits = grouped_folds(groups, folds, seed)
        most = max(len(train) for train, _ in splits)
        marks = [0, *(size for size in sizes if size < most)]
        old: dict[int, Guess] = {}
        new: dict[int, Guess] = {}
        at: dict[int, dict[int, Guess]] = {mark: {} for mark in marks}
        for number, (train, test) in enumerate(splits, start=1):
            watch(f"fold {number} of {len(splits)}")
            barred = frozenset(groups[i] for i in test)
            rest = [i for i, run in enumerate(own) if run.group not in barred]
            told = [asked[i] for i in test]
            taught = [i for i in rest if own[i].run in learnt]
            drawn = _drawn([asked[i] for i in train], [groups[i] for i in train], seed)
            for mark in marks:
                at[mark].update(self._ask(drawn[:mark], barred, told))
            old.update(self._ask(taught, barred, told) if taught else at[0])
            new.update(self._ask(rest, barred, told))
        weights = draws(groups, seed=seed)
        score = _Score([own[i] for i in asked], weights, len(set(groups)))
        theirs, ours = ([said[i] for i in asked] for said in (old, new))
        held_out = np.array([[guess.confidence, guess.right] for guess in ours], dtype=np.float64)
        return Comparison(
            current=current,
            runs=len(asked),
            tasks=len(set(groups)),
            new=score.figures(ours),
            old=score.figures(theirs),
            better_kappa=score.difference(score.kappas(ours), score.kappas(theirs)),
            better_accuracy=score.difference(score.accuracies(ours), score.accuracies(theirs)),
            curve=(
                *(score.point(mark, [at[mark][i] for i in asked]) for mark in marks),
                score.point(float(np.mean([len(train) for train, _ in splits])), ours),
            ),
            promises=tuple(risk.promise(held_out, level) for level in RISKS),
            learnt=tuple(run.run for run in own),
        )

    def _filled(self, i: int, run: Labelled, silent: frozenset[str]) -> Labelled:
        """Return a label with what the base knows of the same run where it says nothing itself."""
        if i not in self._copies:
            return run
        base = self._base.runs[self._copies[i]]
        more: dict[str, object] = {}
        if run.cause is None and run.run in silent:
            more |= {"cause": base.cause, "provenance": base.provenance, "weight": base.weight}
        if run.step is None and base.step in self._tables[i].indices:
            more |= {"step": base.step}
        return run.model_copy(update=more)

    def _ask(self, taught: Sequence[int], barred: frozenset[str], told: Sequence[int]) -> dict[int, Guess]:
        classifier = Classifier(self._embedder, self.fit(taught, barred), self._taxonomy)
        first = len(self._base.runs)
        return {i: guess(classifier, self._runs[first + i], self._tables[first + i]) for i in told}


def guess(classifier: Classifier, run: Labelled, table: StepTable) -> Guess:
    """Ask an index about a labelled run."""
    weighed = classifier.weigh(table, run.system)
    best = likeliest(weighed.causes)[0]
    named = name_cause(weighed.causes, classifier.taxonomy, weighed.trust)
    claim = named.cause or best
    gold = run.cause or ""
    above = {each.id for each in classifier.taxonomy.ancestors(gold)} if gold in classifier.taxonomy else set()
    return Guess(
        best=best,
        named=named.cause is not None,
        right=claim == gold or claim in above,
        step=weighed.steps[0].step,
        confidence=named.probability,
    )


class _Score:
    """Figures over held-out runs, each with its interval over tasks."""

    def __init__(self, runs: Sequence[Labelled], weights: NDArray[np.float64], tasks: int) -> None:
        self._runs, self._weights, self._tasks = runs, weights, tasks

    def figures(self, said: Sequence[Guess]) -> Figures:
        located = [(run.step, guess.step) for run, guess in zip(self._runs, said, strict=True)]
        known = np.array([step is not None for step, _ in located])
        steps = np.array([gold == told for gold, told in located], dtype=np.float64)
        named = np.array([guess.named for guess in said])
        right = np.array([guess.right for guess in said], dtype=np.float64)
        return Figures(
            kappa=self._kappa(said),
            accuracy=self._estimate(self.accuracies(said)),
            step=self._part(steps, known),
            named=self._estimate(mean(self._weights, named.astype(np.float64))),
            named_right=self._part(right, named),
        )

    def point(self, labels: float, said: Sequence[Guess]) -> CurvePoint:
        return CurvePoint(labels=labels, kappa=self._kappa(said), accuracy=self._estimate(self.accuracies(said)))

    def kappas(self, said: Sequence[Guess]) -> NDArray[np.float64]:
        names = sorted({run.cause or "" for run in self._runs} | {guess.best for guess in said})
        gold = np.array([names.index(run.cause or "") for run in self._runs])
        told = np.array([names.index(guess.best) for guess in said])
        return kappa_over(tables_over(gold, told, len(names), self._weights))

    def accuracies(self, said: Sequence[Guess]) -> NDArray[np.float64]:
        hit = np.array([guess.best == run.cause for guess, run in zip(said, self._runs, strict=True)], dtype=np.float64)
        return mean(self._weights, hit)

    def difference(self, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
        return self._estimate(ours - theirs)

    def _kappa(self, said: Sequence[Guess]) -> Estimate:
        point = cohen_kappa([run.cause for run in self._runs], [guess.best for guess in said])
        return estimate(self.kappas(said), len(self._runs), tasks=self._tasks, point=point)

    def _part(self, values: NDArray[np.float64], inside: NDArray[np.bool_]) -> Estimate:
        tasks = len({run.group for run, kept in zip(self._runs, inside, strict=True) if kept})
        return estimate(mean(self._weights[:, inside], values[inside]), int(inside.sum()), tasks=tasks)

    def _estimate(self, values: NDArray[np.float64]) -> Estimate:
        return estimate(values, len(self._runs), tasks=self._tasks)


def _drawn(rows: Sequence[int], groups: Sequence[str], seed: int) -> list[int]:
    """Order runs by chance, those of a task together."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    return [row for place in order for row, group in zip(rows, groups, strict=True) if group == names[place]]
