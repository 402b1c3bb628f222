"""The straight path: a trace in, a diagnosis out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from classifier import __version__, embedders, evidence, features, signals
from classifier import taxonomy as taxonomies
from classifier.calibration import Acquaintance, Calibration
from classifier.causes import CauseModel
from classifier.combine import Combiner, credible, frequency, lead
from classifier.decide import Findings, decide
from classifier.diagnosis import (
    Cost,
    Familiarity,
    NeighbourOpinion,
    NeighbourRun,
    Opinions,
    StepChoice,
    Versions,
    likeliest,
)
from classifier.encoding import encode
from classifier.index import Index, IndexRefusedError, is_taught, middles
from classifier.localise import Localiser
from classifier.risk import RISK, Promise, When, ask, expect, grounds, promise
from classifier.segments import segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.consult import Hearing, Judge, Question  # a language model's weight is lifted where one is named
    from classifier.diagnosis import Diagnosis, Opinion
    from classifier.embedders import Embedder
    from classifier.features import StepTable
    from classifier.signals import Signal
    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace

SHIPPED = Path(__file__).parent.parent / "labeled_logs" / "index.npz"
STEPS = 3  # likely decisive steps that a diagnosis names


class Weighed(NamedTuple):
    """What the labelled runs say of a run: likely steps, every cause's probability, the candidate set, who voted.

    `trust` (0 to 1): how far the vote counts on this run; see `Acquaintance.trust`.
    `sure`: the confidence as on runs of a known system, which the promise of `risk` is made on. `beside` and `vouched`
    are the causes and the trust as they stand beside a judge's opinion: what a judge has taught does not count there,
    or its word would count twice.
    """

    steps: tuple[StepChoice, ...]
    causes: dict[str, float]
    candidates: tuple[str, ...]
    neighbours: tuple[NeighbourRun, ...]
    familiarity: Familiarity
    trust: float
    sure: float
    beside: dict[str, float]
    vouched: float


class Combines(Protocol):
    """What makes one distribution of neighbours and judge; `combine.Combiner` does."""

    def causes(self, causes: Mapping[str, float], opinion: Opinion, /) -> dict[str, float]:
        """Return the probability of every cause."""

    def steps(self, steps: Sequence[StepChoice], opinion: Opinion, length: int, /) -> tuple[StepChoice, ...]:
        """Return the likely decisive steps of a run of `length` steps, likeliest first."""


class Reading(NamedTuple):
    """All that is learnt of a run without asking a judge."""

    trace: Trace
    table: StepTable
    weighed: Weighed
    signals: tuple[Signal, ...]


class Classifier:
    """Reads runs by an index. Holds no state but what it was made of: the same trace gives the same diagnosis.

    With a judge, that holds for the same answers: those on record are not asked for again.
    """

    def __init__(self, embedder: Embedder, index: Index, taxonomy: Taxonomy, judge: Judge | None = None) -> None:
        self.taxonomy, self.embedder, self.judge = taxonomy, embedder, judge
        self.versions = Versions(
            coroner=__version__,
            index=index.version,
            taxonomy=taxonomy.digest[:12],
            embedder=embedder.name,
            judge=judge.options.model if judge else None,
        )
        self._index = index
        self._localiser = Localiser.from_arrays(index.group("localiser"))
        self._causes = CauseModel.from_arrays(index.group("causes"), index.runs)
        self._calibration = Calibration.from_arrays(index.group("calibration"))
        self._acquaintance = Acquaintance.of(index.runs, index.vectors, index.agents)
        if self._localiser.names != features.names():
            raise ValueError("its steps are described by other columns")
        self.combiner = _combiner(index, taxonomy) if judge else None
        self.promise = self.promised(judge.risk) if judge else None
        self.taught = _taught(index, judge.risk) if judge else {}

    @classmethod
    def load(cls, index: Path | None = None, *, embedder: str | None = None, taxonomy: str | None = None) -> Classifier:
        """Load an index (None: the shipped one) with its embedder, and the taxonomy of this name or file.

        Raises IndexRefusedError where the index was made with another embedder or taxonomy than those named.
        """
        scheme = taxonomies.load(taxonomy or taxonomies.DEFAULT)
        named = embedders.build(embedder) if embedder else None
        loaded = Index.load(index or SHIPPED, embedder=named.name if named else None, taxonomy=scheme.digest)
        chosen = named or embedders.build(loaded.embedder)
        try:
            return cls(chosen, loaded, scheme)
        except (KeyError, TypeError, ValueError) as error:
            raise IndexRefusedError(
                f"{index or SHIPPED}: made by another version of coroner ({error}); rebuild it: `coroner train`"
            ) from error

    @property
    def index(self) -> Index:
        """The labelled runs, and what was learnt from them."""
        return self._index

    def with_judge(self, judge: Judge) -> Classifier:
        """Return a classifier that also asks."""
        return Classifier(self.embedder, self._index, self.taxonomy, judge)

    def promised(self, risk: float = RISK) -> Promise:
        """Return from which confidence on the index's labelled runs allow verdicts to be accepted without asking."""
        return promise(self._calibration.accepted, risk)

    @property
    def learnt(self) -> frozenset[str]:
        """The ids of the runs in the index: figures on these flatter."""
        return frozenset(run.run for run in self._index.runs)

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        """Say why a run failed: ask the labelled runs, and the judge where they are not sure, and decide."""
        reading = self.read(trace)
        hearing = self.judge.hear(self.question(reading)) if self.judge and self.asks(reading) else None
        return self.conclude(reading, hearing, file=file)

    def read(self, trace: Trace) -> Reading:
        """Embed the run's steps, ask the labelled runs, add what the steps show."""
        table = encode(trace, self.embedder)
        return Reading(trace, table, self.weigh(table, trace.framework), signals.read(trace))

    def asks(self, reading: Reading) -> bool:
        """Say whether the judge is to be asked: a system that the index does not know is always asked about.

        One that a judge has taught the index has a promise of its own (`taught`), and some runs are asked about anyhow.
        """
        if self.judge is None or self.promise is None or reading.trace.succeeded or self.judge.when is When.NEVER:
            return False
        weighed, trace = reading.weighed, reading.trace
        if self.judge.when is When.ALWAYS or weighed.familiarity is not Familiarity.KNOWN:
            return True
        if trace.framework in self.taught:
            return ask(trace.id, max(weighed.causes.values()), self.taught[trace.framework]) is not None
        return self.promise.threshold is None or weighed.sure < self.promise.threshold

    def question(self, reading: Reading) -> Question:
        """Return what the judge is told."""
        from classifier.consult import Question  # noqa: PLC0415 - see above

        weighed = reading.weighed
        at = reading.table.vectors[reading.table.indices.index(weighed.steps[0].step)]
        return Question(reading.trace, self.taxonomy, weighed.candidates, weighed.steps, reading.signals, at)

    def conclude(
        self,
        reading: Reading,
        hearing: Hearing | None = None,
        *,
        combiner: Combines | None = None,
        file: str | None = None,
    ) -> Diagnosis:
        """Decide, by the judge's opinion as well where it was heard. `combiner` stands in for the index's."""
        trace, table, weighed, facts = reading
        opinion, both = hearing.opinion if hearing else None, combiner or self.combiner
        causes, candidates, steps = weighed.causes, weighed.candidates, weighed.steps
        if opinion and both:
            causes = both.causes(self._open(weighed), opinion)
            if weighed.vouched == 0 and opinion.cause:
                causes = lead(causes, opinion.cause)  # of such a system the neighbours know nothing
            candidates = credible(causes)
            steps = both.steps(weighed.steps, opinion, len(trace.steps))
        best = likeliest(weighed.causes)[0]
        alone = NeighbourOpinion(cause=best, probability=round(weighed.causes[best], 4), step=weighed.steps[0].step)
        findings = Findings(
            steps=steps,
            causes=causes,
            candidates=candidates,
            neighbours=weighed.neighbours,
            signals=facts,
            segments=segment(trace),
            familiarity=weighed.familiarity,
            trust=weighed.trust,
            quote=self._quote(trace, table, steps[0].step, likeliest(causes)[0]),
            versions=self.versions,
            alone=weighed.causes,
            opinions=Opinions(neighbours=alone, judge=opinion) if hearing else None,
            cost=hearing.cost if hearing else Cost(),
            remarks=hearing.notes if hearing else (),
        )
        return decide(trace, findings, self.taxonomy, file=file)

    def _open(self, weighed: Weighed) -> dict[str, float]:
        """Return the causes as the judge's opinion meets them.

        On a system that the index cannot speak for, a cause that it has never seen is as likely as any other.
        """
        if weighed.vouched > 0:
            return weighed.beside
        unseen = dict.fromkeys(self.taxonomy.ids, 1 / len(self.taxonomy.ids))
        whole = sum({**unseen, **weighed.beside}.values())
        return {cause: p / whole for cause, p in {**unseen, **weighed.beside}.items()}

    def weigh(self, table: StepTable, system: str) -> Weighed:
        """Ask the labelled runs about a run of an agent system, given as its step table."""
        ranked = self._localiser.rank(table, system)
        vote = self._causes.predict(table, ranked, system)
        middle = middles([table.vectors])[0]
        trust = self._acquaintance.trust(system, middle, set(table.agents))
        vouched = self._acquaintance.trust(system, middle, set(table.agents), vouched=True)
        judged = self._calibration.judge(vote.probabilities, trust)
        beside = self._calibration.judge(vote.probabilities, vouched)
        first = np.argsort(-ranked, kind="stable")[:STEPS]
        return Weighed(
            steps=tuple(
                StepChoice(step=table.indices[i], agent=table.agents[i], probability=round(float(ranked[i]), 4))
                for i in first
                if ranked[i] > 0
            ),
            causes=dict(zip(vote.labels, judged.probabilities.tolist(), strict=True)),
            candidates=tuple(vote.labels[i] for i in judged.candidates),
            neighbours=tuple(
                NeighbourRun(
                    trace_id=carrier.labelled.run,
                    step=carrier.labelled.step,
                    cause=carrier.labelled.cause or "",
                    similarity=round(carrier.similarity, 4),
                    provenance=carrier.labelled.provenance,
                    system=carrier.labelled.system,
                )
                for carrier in vote.carriers
            ),
            familiarity=self._acquaintance.familiarity(system, middle, set(table.agents)),
            trust=trust,
            sure=float(self._calibration.judge(vote.probabilities, 1.0).probabilities.max()),
            beside=dict(zip(vote.labels, beside.probabilities.tolist(), strict=True)),
            vouched=vouched,
        )

    def _quote(self, trace: Trace, table: StepTable, step: int, cause: str) -> str | None:
        """Return the passage of the decisive step that speaks most for the cause."""
        if cause not in self._causes.labels:
            return None  # a cause that no labelled run has: only the judge can quote for it
        at = table.indices.index(step)
        speaks = self._causes.metric.direction(cause)
        return evidence.quote(trace.steps[at].content, table.vectors[at], speaks, self.embedder)


def _combiner(index: Index, taxonomy: Taxonomy) -> Combiner:
    """Return what the index has learnt of judges, or what is stated of one before it has been seen at work."""
    learnt = index.group("combiner")
    if learnt:
        return Combiner.from_arrays(learnt)
    return Combiner.stated(taxonomy.ids, frequency=frequency(run.cause for run in index.runs))


def _taught(index: Index, risk: float) -> dict[str, Promise]:
    """Return what is promised of each system that a judge has taught the index; nothing where it kept no grounds."""
    none = dict.fromkeys((run.system for run in index.runs if is_taught(run)), np.zeros((0, 2)))
    return {system: expect(told, risk) for system, told in sorted({**none, **grounds(index.group("taught"))}.items())}
