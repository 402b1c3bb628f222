"""Opinions of a judge of known accuracy on the runs of a system that the index does not know, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifier import risk, teach, training
from classifier.combine import Combiner
from classifier.diagnosis import Provenance, likeliest
from classifier.pipeline import Classifier
from classifier.simulate._judge import Run, SimulatedJudge, frequencies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.embedders import Embedder
    from classifier.features import StepTable
    from classifier.index import Index, Labelled
    from classifier.pipeline import Weighed
    from classifier.taxonomy import Taxonomy

EVERY = 10  # runs after which the index is trained anew


class Review(StrEnum):
    """Who weighs lessons anew: those whose label somebody vouches for, all, or nobody."""

    VOUCHED = "vouched"
    ALL = "all"
    NONE = "none"


class Policy(NamedTuple):
    """How opinions are asked for and used.

    `wrong`: of the verdicts accepted without asking, at most so many may be wrong. `people`: share of the runs that a
    person labels, once they have been diagnosed. Lessons are weighed anew by the neighbours that `review` says.
    """

    wrong: float = 0.1
    audit: float = risk.AUDIT
    people: float = 0.0
    review: Review = Review.VOUCHED
    teaches: bool = True


class Verdict(NamedTuple):
    """One run as it came: its true cause, the verdict and how sure it is, and whether the judge was asked."""

    seen: int
    truth: str
    cause: str
    confidence: float
    asked: bool


class Held(NamedTuple):
    """What neighbours who have not seen them say of all the system's runs, after `seen` runs: (true, said) pairs.

    `taught` are the labels by opinion: (run's true cause, label, weight).
    """

    seen: int
    pairs: tuple[tuple[str, str], ...]
    taught: tuple[tuple[str, str, float], ...]


class Course(NamedTuple):
    """A system's runs in one order."""

    system: str
    seed: int
    verdicts: tuple[Verdict, ...]
    held: tuple[Held, ...]


@dataclass(frozen=True)
class School:
    """Labelled runs with their step tables; all but one system's make the index to begin with."""

    labelled: Sequence[Labelled]
    tables: Sequence[StepTable]
    embedder: Embedder
    taxonomy: Taxonomy

    def judge(self, habit: Mapping[str, str]) -> SimulatedJudge:
        """Return a judge of the stated worth whose mistakes are the frequent causes."""
        runs = [self._run(i) for i, run in enumerate(self.labelled) if run.cause is not None]
        return SimulatedJudge(self.taxonomy.ids, favourites=frequencies(runs), habit=habit)

    def base(self, system: str) -> Index:
        """Train on the other systems' runs, those of a task of this system's left out."""
        groups = {run.group for run in self.labelled if run.system == system}
        rows = [i for i, run in enumerate(self.labelled) if run.system != system and run.group not in groups]
        return training.fit(
            [self.labelled[i] for i in rows],
            [self.tables[i] for i in rows],
            embedder=self.embedder.name,
            taxonomy=self.taxonomy.digest,
        )

    def attend(self, base: Index, system: str, judge: SimulatedJudge, policy: Policy, seed: int) -> Course:
        """Let the runs of a system come one by one, in an order and with opinions drawn by `seed`."""
        generator = np.random.default_rng(seed)
        mine = [i for i, run in enumerate(self.labelled) if run.system == system and run.cause is not None]
        order = generator.permutation(mine).tolist()
        drawn = judge.opinions([self._run(i) for i in order], [{}] * len(order), generator)
        opinions = dict(zip(order, drawn, strict=True))
        people = dict(zip(order, generator.random(len(order)), strict=True))
        tables = {self.labelled[i].run: self.tables[i] for i in mine}
        index, combiner = base, Combiner.stated(self.taxonomy.ids, frequency=judge.favourites)
        lessons: list[teach.Lesson] = []
        promised = teach.promise((), (), combiner, policy.wrong)
        verdicts: list[Verdict] = []
        classifier = Classifier(self.embedder, index, self.taxonomy)
        held = [self._held(0, mine, classifier, lessons, index)]
        for seen, i in enumerate(order):
            if seen and seen % EVERY == 0 and policy.teaches:
                if policy.review is not Review.NONE:
                    vouched = policy.review is Review.VOUCHED
                    lessons = [*teach.review(index, lessons, tables, vouched=vouched)]
                combiner = teach.learn_worth(lessons, self.taxonomy.ids, usual=judge.favourites)
                index = teach.extend(index, lessons, tables, combiner)
                now = teach.review(index, lessons, tables)
                promised = teach.promise(lessons, now, combiner, policy.wrong)
                classifier = Classifier(self.embedder, index, self.taxonomy)
                held.append(self._held(seen, mine, classifier, now, index))
            run = self.labelled[i]
            weighed = classifier.weigh(self.tables[i], system)
            lesson = self._lesson(i, weighed)
            asked = risk.ask(run.run, max(weighed.causes.values()), promised, policy.audit) is not None
            if asked:
                lesson = lesson.model_copy(update={"opinion": teach.Told(**opinions[i]._asdict())})
            verdict = lesson.verdict(combiner) if asked else weighed.causes
            best = max(verdict, key=lambda cause: (verdict[cause], cause))
            verdicts.append(Verdict(seen, run.cause or "", best, verdict[best], asked))
            if people[i] < policy.people:
                lesson = lesson.model_copy(update={"cause": run.cause, "step": run.step})
            lessons.append(lesson)
        return Course(system, seed, tuple(verdicts), tuple(held))

    def _run(self, i: int) -> Run:
        run, table = self.labelled[i], self.tables[i]
        return Run(run.cause or "", run.step, table.indices, table.agents)

    def _lesson(self, i: int, weighed: Weighed) -> teach.Lesson:
        unlabelled = self.labelled[i].model_copy(update={"provenance": Provenance.MODEL})
        return teach.Lesson.of(unlabelled, weighed, len(self.tables[i]))

    def _held(
        self, seen: int, mine: Sequence[int], classifier: Classifier, lessons: Sequence[teach.Lesson], index: Index
    ) -> Held:
        """Let neighbours speak of every run: of those they were taught, neighbours who have not seen its task."""
        said: Mapping[str, teach.Lesson] = {lesson.run: lesson for lesson in lessons}
        pairs = []
        for i in mine:
            run = self.labelled[i]
            if run.run in said:
                pairs.append((run.cause or "", said[run.run].before[0].cause))
            else:
                pairs.append((run.cause or "", likeliest(classifier.weigh(self.tables[i], run.system).causes)[0]))
        truth = {self.labelled[i].run: self.labelled[i].cause or "" for i in mine}
        taught = tuple(
            (truth[run.run], run.cause, run.weight)
            for run in index.runs
            if run.run in truth and run.cause is not None and run.provenance is Provenance.MODEL
        )
        return Held(seen, tuple(pairs), taught)
