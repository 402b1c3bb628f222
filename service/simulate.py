"""Simulate a team's first hour: what labels bring in the queue's order and by chance, and whether the page tells true.

`python -m service.simulate FOLDER` holds each system of a labelled folder out in turn, as if it were a team's own. Its
tasks are split into folds; the runs of one fold are asked about, those of the others are what the team can label. The
first 10, 20 and 40 labels are taken in the queue's order, and in orders drawn by chance, and an index is trained on
each. All are asked about the same runs. With `--page`, what the page of the index would say after the queue's labels is
held against what came true. A run that lies in the folder twice is taken once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import corpus, embedders, taxonomy, training
from classifier.annotation import UNKNOWN, AnnotationError
from classifier.crossval import CrossValidation
from classifier.folds import grouped_folds
from classifier.index import middles
from classifier.pipeline import Classifier
from service.learning.comparison import Comparison, Contest, Guess, guess
from service.learning.copies import SAME
from service.queueing import rank
from service.simulate_tables import Trial, page_table, queue_table
from service.storage.assignments import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifier.embedders import Embedder
    from classifier.features import StepTable
    from classifier.index import Index, Labelled
    from classifier.taxonomy import Taxonomy

MARKS = (10, 20, 40)
FOLDS = 3  # of a system's tasks: one is asked about, the others are labelled
FEWEST = 5  # runs that are asked about, and labelled, below which a fold says nothing


class Fold(NamedTuple):
    """Positions of the runs that can be labelled, of those that are asked about, and of what the index holds before."""

    system: str
    number: int
    pool: tuple[int, ...]
    asked: tuple[int, ...]
    base: tuple[int, ...]


class Team:
    """Labelled runs, encoded once, of which one system after the other is a team's own."""

    def __init__(
        self, runs: Sequence[Labelled], tables: Sequence[StepTable], embedder: Embedder, scheme: Taxonomy
    ) -> None:
        self._runs, self._tables, self._embedder, self._taxonomy = list(runs), list(tables), embedder, scheme
        self._points = middles(table.vectors for table in tables)

    def folds(self, seed: int, count: int = FOLDS) -> Iterator[Fold]:
        """Split each system's tasks. A task that is asked about is in no index, whichever system ran it."""
        for system in sorted({run.system for run in self._runs}):
            mine = [i for i, run in enumerate(self._runs) if run.system == system]
            once = [i for n, i in enumerate(mine) if (self._points[mine[:n]] @ self._points[i] < SAME).all()]
            for number, (train, test) in enumerate(grouped_folds([self._runs[i].group for i in once], count, seed)):
                asked = tuple(once[i] for i in test if self._runs[once[i]].cause is not None)
                if min(len(asked), len(train)) < FEWEST:
                    continue
                barred = {self._runs[once[i]].group for i in test}
                others = (i for i, run in enumerate(self._runs) if run.system != system and run.group not in barred)
                yield Fold(system, number, tuple(once[i] for i in train), asked, tuple(others))

    def by_chance(self, fold: Fold, seed: int) -> list[int]:
        """Order the runs that can be labelled by chance."""
        return [fold.pool[i] for i in np.random.default_rng([seed, fold.number]).permutation(len(fold.pool))]

    def by_queue(self, fold: Fold, base: Index) -> list[int]:
        """Order them as the queue hands them to one person, who labels each at once."""
        classifier = self._classifier(base)
        waiting = {self._runs[i].run: self._waiting(classifier, i) for i in fold.pool}
        position = {self._runs[i].run: i for i in fold.pool}
        order: list[int] = []
        while len(order) < min(len(fold.pool), max(MARKS)):
            uid = next(rank(tuple(waiting.values()), "ann", overlap=1)).uid
            said = self._runs[position[uid]].cause or UNKNOWN
            waiting[uid] = waiting[uid].model_copy(update={"said": (("ann", said),)})
            order.append(position[uid])
        return order

    def base(self, fold: Fold) -> Index:
        """Make the index that the team begins with."""
        return training.fit(
            [self._runs[i] for i in fold.base],
            [self._tables[i] for i in fold.base],
            embedder=self._embedder.name,
            taxonomy=self._taxonomy.digest,
        )

    def learn(self, fold: Fold, base: Index, name: str, order: Sequence[int], *, page: bool) -> Iterator[Trial]:
        """Train after each of `MARKS` labels, and ask. `page`: compare as the service does, too."""
        before = self.ask(base, fold)
        for mark in MARKS:
            if mark > len(order):
                return
            labelled = sorted(order[:mark])
            contest = Contest(
                base,
                [self._runs[i] for i in labelled],
                [self._tables[i] for i in labelled],
                self._embedder,
                self._taxonomy,
            )
            told: Comparison | None = contest.compare(frozenset(), base.version, sizes=()) if page else None
            yield Trial(
                system=fold.system,
                order=name,
                labels=mark,
                causes=len({self._runs[i].cause for i in labelled} - {None}),
                runs=tuple(self._runs[i].run for i in fold.asked),
                groups=tuple(self._runs[i].group for i in fold.asked),
                gold=tuple(self._runs[i].cause or "" for i in fold.asked),
                before=before,
                guesses=self.ask(contest.fit(), fold),
                better=told.is_better if told else None,
                promises=told.promises if told else (),
                compared=told is not None,
            )

    def ask(self, index: Index, fold: Fold) -> tuple[Guess, ...]:
        """Ask an index about the runs of a fold."""
        classifier = self._classifier(index)
        return tuple(guess(classifier, self._runs[i], self._tables[i]) for i in fold.asked)

    def _classifier(self, index: Index) -> Classifier:
        return Classifier(self._embedder, index, self._taxonomy)

    def _waiting(self, classifier: Classifier, i: int) -> Waiting:
        run, said = self._runs[i], guess(classifier, self._runs[i], self._tables[i])
        weighed = classifier.weigh(self._tables[i], run.system)
        return Waiting(
            uid=run.run,
            name=run.run,
            framework=run.system,
            task=run.group,
            steps=len(self._tables[i]),
            cause=said.best if said.named else None,
            confidence=said.confidence,
            familiarity=weighed.familiarity,
            place=self._points[i].astype(np.float16).tobytes(),
        )


def simulate(
    team: Team, *, seeds: Sequence[int], draws: int, page: bool = False, watch: Callable[[str], None] = lambda _: None
) -> Iterator[Trial]:
    """Give what came of every order, in every fold."""
    for seed in seeds:
        for fold in team.folds(seed):
            watch(f"{fold.system}, fold {fold.number + 1}: {len(fold.pool)} to label, {len(fold.asked)} asked about")
            base = team.base(fold)
            yield from team.learn(fold, base, "queue", team.by_queue(fold, base), page=page)
            for draw in range(draws):
                order = team.by_chance(fold, 1000 * seed + draw)
                yield from team.learn(fold, base, f"chance {draw}", order, page=False)


def main(arguments: list[str] | None = None) -> int:
    """Run the simulation, print its tables, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m service.simulate", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--embedder", default="minilm")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the splits into folds (default: 0)")
    parser.add_argument("--draws", type=int, default=4, help="orders by chance a fold (default %(default)s)")
    parser.add_argument("--page", action="store_true", help="also what the page of the index says: slow")
    chosen = parser.parse_args(arguments)
    try:
        examples = corpus.read(chosen.folder).examples
    except AnnotationError as error:
        _say(f"Error: {error}")
        return 2
    embedder, scheme = embedders.build(chosen.embedder), taxonomy.load()
    tested = CrossValidation(examples, embedder, scheme)
    trials: list[Trial] = []
    if tested.runs:
        team = Team(tested.runs, tested.tables, embedder, scheme)
        trials = list(simulate(team, seeds=chosen.seeds, draws=chosen.draws, page=chosen.page, watch=_say))
    if not trials:
        _say(f"Error: no system here has runs enough: {MARKS[0]} to label, {FEWEST} to ask about")
        return 2
    for line in (*queue_table(trials), *(page_table(trials) if chosen.page else ())):
        sys.stdout.write(f"{line}\n")
    return 0


def _say(said: str) -> None:
    sys.stderr.write(f"{said}\n")


if __name__ == "__main__":
    raise SystemExit(main())
