"""Diagnosis: the verdict on one run, as stored, returned and shown. One set of types, no twins."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from classifier.taxonomy import Mitigation
from classifier.trace import Frozen, Phase


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
    """What produced the diagnosis."""

    coroner: str
    index: str
    taxonomy: str
    embedder: str


class Diagnosis(Frozen):
    """Why a run failed. `cause` is None when the classifier abstains or the run succeeded.

    `cause` is an id of the taxonomy: the finest that the evidence supports, else its parent. `confidence` is the
    calibrated probability that `cause` (or, where it abstains, the first candidate) is right. `candidates` is a
    conformal set, most likely first. `steps` are the likely decisive steps, most likely first; `step` is the first.
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
    familiarity: Familiarity = Familiarity.NEW
    segments: tuple[Segment, ...] = ()
    notes: tuple[str, ...] = ()  # plain sentences a reader should know: why it abstained, what was missing
    versions: Versions
