"""Diagnosis: the verdict on one run, as stored, returned and shown. One set of types, no twins."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from classifier.taxonomy import Mitigation
from classifier.trace import Frozen, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping


class Outcome(StrEnum):
    """What became of the run: as the source states it, or as the trace shows it."""

    FAILED = "failed"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"


class Provenance(StrEnum):
    """Who vouches for a label. No figure mixes them silently."""

    HUMAN = "human"
    INJECTED = "injected"
    MODEL = "model"


class Familiarity(StrEnum):
    """How far the index knows the system that wrote the trace."""

    KNOWN = "known"
    SIMILAR = "similar"
    NEW = "new"


class DecidedBy(StrEnum):
    """Whose word the cause is."""

    SIGNALS = "signals"
    NEIGHBOURS = "neighbours"
    JUDGE = "judge"
    NOBODY = "nobody"


class Candidate(Frozen):
    """A cause with its calibrated probability."""

    cause: str
    probability: float = Field(ge=0, le=1)


class Evidence(Frozen):
    """A verbatim quote of a step's content; `signal` names the fact it shows, None for the decisive text itself."""

    step: int
    quote: str
    signal: str | None = None


class NeighbourRun(Frozen):
    """A labelled run that carried the vote. `similarity` is a cosine, -1 to 1."""

    trace_id: str
    step: int | None
    cause: str
    similarity: float
    provenance: Provenance
    system: str


class StepChoice(Frozen):
    """A step with the probability that the mistake was made there."""

    step: int
    agent: str
    probability: float = Field(ge=0, le=1)


class Segment(Frozen):
    """A maximal run of consecutive steps in one phase. `start` and `end` are step indices, both inclusive."""

    phase: Phase
    start: int
    end: int


class Versions(Frozen):
    """What produced the diagnosis. `judge` is the model that could be asked, None where there is none."""

    coroner: str
    index: str
    taxonomy: str
    embedder: str
    judge: str | None = None


class Opinion(Frozen):
    """What the judge holds, checked. `cause` is None where it finds no evidence of any.

    `quotes` and `reason` hold words of the source as they are, secrets that were hidden from the model included: keep
    them on this machine. `probability` is the judge's own, not calibrated. `votes` were asked for, `stability` is the
    share of them for this cause. `repaired`: an answer was only usable once the model had been told what was wrong.
    `cost` in USD, over all calls; None where a call has no known price.
    """

    cause: str | None
    second_cause: str | None
    step: int
    agent: str
    quotes: tuple[Evidence, ...]
    probability: float = Field(ge=0, le=1)
    reason: str
    model: str
    votes: int = Field(default=1, ge=1)
    stability: float = Field(default=1.0, gt=0, le=1)
    repaired: bool = False
    calls: int = Field(default=0, ge=0)
    tokens: int = Field(default=0, ge=0)
    cost: float | None = Field(default=0.0, ge=0)


class NeighbourOpinion(Frozen):
    """What the labelled runs alone hold: the likeliest cause and step, calibrated."""

    cause: str
    probability: float = Field(ge=0, le=1)
    step: int


class Opinions(Frozen):
    """Both opinions of a run that a judge was asked about; `judge` is None where none could be had (see the notes)."""

    neighbours: NeighbourOpinion
    judge: Opinion | None


class Cost(Frozen):
    """What a judge's answers cost: `usd` when they were bought, None where the model has no known price.

    `recorded` of the `calls` were on record and were not paid for again.
    """

    usd: float | None = Field(default=0.0, ge=0)
    calls: int = Field(default=0, ge=0)
    tokens: int = Field(default=0, ge=0)
    recorded: int = Field(default=0, ge=0)


class Diagnosis(Frozen):
    """Why a run failed. `cause` is None when the classifier abstains or the run succeeded.

    `cause` is an id of the taxonomy: the finest that the evidence supports, else its parent. `confidence` is the
    calibrated probability that `cause` (or, where it abstains, the first candidate) is right. `candidates` is a
    conformal set, most likely first; where a judge was heard, the causes that hold nine tenths of the probability.
    `steps` are the likely decisive steps, most likely first; `step` is the first. `decided_by` is `judge` where the
    verdict would be another without it. `opinions` is None where no judge was asked.
    """

    trace_id: str
    file: str | None
    outcome: Outcome
    cause: str | None
    phase: Phase | None
    step: int | None
    agent: str | None
    confidence: float = Field(ge=0, le=1)
    steps: tuple[StepChoice, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    neighbours: tuple[NeighbourRun, ...] = ()
    secondary: tuple[str, ...] = ()
    mitigation: Mitigation | None = None
    decided_by: DecidedBy = DecidedBy.NOBODY
    opinions: Opinions | None = None
    cost: Cost = Cost()
    familiarity: Familiarity = Familiarity.NEW
    segments: tuple[Segment, ...] = ()
    notes: tuple[str, ...] = ()  # plain sentences a reader should know: why it abstained, what was missing
    versions: Versions


def likeliest(probabilities: Mapping[str, float]) -> tuple[str, ...]:
    """Return the ids of causes, likeliest first; of equals the first by name, everywhere the same."""
    return tuple(sorted(probabilities, key=lambda cause: (-probabilities[cause], cause)))
