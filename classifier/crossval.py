"""Cross-validation on labelled runs: no task on both sides, all tuning inside the training runs, systems held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import evaluation, training
from classifier.bootstrap import Estimate
from classifier.decide import name_cause
from classifier.diagnosis import Candidate, likeliest
from classifier.folds import FOLDS, grouped_folds
from classifier.pipeline import Classifier
from classifier.prediction import Prediction
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from classifier.corpus import Example
    from classifier.embedders import Embedder
    from classifier.features import StepTable
    from classifier.index import Labelled
    from classifier.taxonomy import Taxonomy

ADDED = (0, 10, 20, 40)  # runs of a held-out system that are labelled and added
ASKED = 20  # runs of it that are asked about, if it has so many
ALL = "all systems"


class Held(NamedTuple):
    """Predictions for runs of a system of which about `added` runs (`labelled`: whole tasks) were in the index."""

    system: str
    added: int
    labelled: int
    predictions: tuple[Prediction, ...]


class CurvePoint(Frozen):
    """Figures on a system's runs, all draws together. `labelled`: mean number of its runs in the index.

    `named`: share for which a cause is named, `named_right`: share of those that are right.
    """

    system: str
    added: int
    labelled: float
    runs: int
    kappa: Estimate
    accuracy: Estimate
    ece: Estimate
    named: Estimate
    named_right: Estimate
    set_coverage: Estimate
    set_size: Estimate
    step: Estimate


def curve(held: Sequence[Held], examples: Sequence[Example], taxonomy: Taxonomy) -> tuple[CurvePoint, ...]:
    """Return the figures at each number of added runs: each system's, then all systems' together."""
    points = []
    systems = sorted({one.system for one in held})
    for system, added in [(system, added) for system in (*systems, ALL) for added in ADDED]:
        of_it = [one for one in held if one.added == added and system in {one.system, ALL}]
        cases = tuple(case for one in of_it for case in evaluation.cases(examples, one.predictions))
        if not cases:
            continue
        scores = evaluation.evaluate(cases, taxonomy).overall
        points.append(
            CurvePoint(
                system=system,
                added=added,
                labelled=float(np.mean([one.labelled for one in of_it])),
                runs=scores.runs,
                kappa=scores.tiers[0].kappa,
                accuracy=scores.tiers[0].accuracy,
                ece=scores.calibration.ece,
                named=scores.named,
                named_right=scores.named_right,
                set_coverage=scores.set_coverage,
                set_size=scores.set_size,
                step=scores.step_exact,
            )
        )
    return tuple(points)


class CrossValidation:
    """Labelled runs, encoded once, from which indices are trained without some of them.

    `besides` are runs that are learnt from and never asked about: injected ones, say, of which is to be known what
    they bring for the others. One that shares its task with a run that is asked about is left out there.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        embedder: Embedder,
        taxonomy: Taxonomy,
        watch: Callable[[Iterable[Example]], Iterable[Example]] = iter,
        *,
        besides: Sequence[Example] = (),
    ) -> None:
        self._embedder, self._taxonomy, self._asked = embedder, taxonomy, len(examples)
        every = [*examples, *besides]
        self._tables = [training.describe(example, embedder) for example in watch(every)]
        self._labelled = [
            training.label(example, table, taxonomy) for example, table in zip(every, self._tables, strict=True)
        ]

    @property
    def runs(self) -> tuple[Labelled, ...]:
        """The labelled runs, in the order of the examples; those besides come last."""
        return tuple(self._labelled)

    @property
    def tables(self) -> tuple[StepTable, ...]:
        """Their step tables, in the same order."""
        return tuple(self._tables)

    def predict(self, train: Iterable[int], test: Iterable[int]) -> list[Prediction]:
        """Train on the runs at the positions `train`, predict those at `test`."""
        rows = list(train)
        index = training.fit(
            [self._labelled[i] for i in rows],
            [self._tables[i] for i in rows],
            embedder=self._embedder.name,
            taxonomy=self._taxonomy.digest,
        )
        classifier = Classifier(self._embedder, index, self._taxonomy)
        return [self._prediction(classifier, self._labelled[i], self._tables[i]) for i in test]

    def folds(self, seed: int = 0, k: int = FOLDS) -> list[Prediction]:
        """Predict every run by an index that has seen no run of its task, in the order of the examples."""
        out: dict[int, Prediction] = {}
        for train, test in grouped_folds([run.group for run in self._labelled[: self._asked]], k, seed):
            barred = {self._labelled[i].group for i in test}
            rest = range(self._asked, len(self._labelled))
            besides = [i for i in rest if self._labelled[i].group not in barred]
            out.update(zip(test, self.predict([*train, *besides], test), strict=True))
        return [out[i] for i in range(len(out))]

    def hold_out(self, system: str, added: int, seed: int = 0) -> Held:
        """Predict runs of a system by an index of the others and `added` runs of it, whole tasks at a time.

        The runs predicted are those of the tasks that not even the largest number of `ADDED` uses, so that all are
        compared on the same runs; a system with fewer than `ADDED` and `ASKED` keeps half of its runs for that.
        """
        mine = [i for i, run in enumerate(self._labelled[: self._asked]) if run.system == system]
        groups = sorted({self._labelled[i].group for i in mine})
        order = [groups[g] for g in np.random.default_rng(seed).permutation(len(groups))]
        by_task = [i for group in order for i in mine if self._labelled[i].group == group]
        reserve = min(max(ADDED), max(len(mine) // 2, len(mine) - ASKED))
        taken = {self._labelled[i].group for i in by_task[: min(added, reserve)]}
        kept = {self._labelled[i].group for i in by_task[:reserve]}
        test = [i for i in mine if self._labelled[i].group not in kept]
        asked = {self._labelled[i].group for i in test}
        # a task of the runs that are asked about is not learnt from either, whichever system ran it
        train = [
            i
            for i, run in enumerate(self._labelled)
            if run.group not in asked and (run.system != system or run.group in taken or i >= self._asked)
        ]
        count = sum(self._labelled[i].system == system for i in train if i < self._asked)
        return Held(system, added, count, tuple(self.predict(train, test)))

    def _prediction(self, classifier: Classifier, run: Labelled, table: StepTable) -> Prediction:
        weighed = classifier.weigh(table, run.system)
        named = name_cause(weighed.causes, self._taxonomy, weighed.trust)
        ranked = likeliest(weighed.causes)
        return Prediction(
            trace_id=run.run,
            best=ranked[0],
            named=named.cause,
            confidence=named.probability,
            probabilities=tuple(Candidate(cause=cause, probability=weighed.causes[cause]) for cause in ranked),
            candidates=weighed.candidates,
            steps=tuple(choice.step for choice in weighed.steps),
            agent=weighed.steps[0].agent,
        )
