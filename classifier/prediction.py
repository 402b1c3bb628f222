"""Prediction: what is known of a diagnosis once it is to be measured, from the classifier or from a held-out fold."""

from __future__ import annotations

from pydantic import Field

from classifier.annotation import Annotation
from classifier.diagnosis import Candidate, Diagnosis, Provenance
from classifier.trace import Frozen


class Prediction(Frozen):
    """What is known of a prediction.

    `best`: the likeliest cause, however unlikely. `named`: the cause, or a parent of causes, that it commits to; None
    where it abstains. `confidence`: the probability that `named` (or, abstaining, `best`) is right. `probabilities`:
    the whole distribution, if there is one. `candidates`: the conformal set. `steps`: likeliest first.
    """

    trace_id: str
    best: str | None
    named: str | None
    confidence: float = Field(ge=0, le=1)
    probabilities: tuple[Candidate, ...] = ()
    candidates: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    agent: str | None = None

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Prediction:
        """Take a diagnosis for a prediction. It holds no whole distribution, so there is no Brier score of it."""
        candidates = tuple(candidate.cause for candidate in diagnosis.candidates)
        return cls(
            trace_id=diagnosis.trace_id,
            best=candidates[0] if candidates else diagnosis.cause,
            named=diagnosis.cause,
            confidence=diagnosis.confidence,
            candidates=candidates,
            steps=tuple(choice.step for choice in diagnosis.steps),
            agent=diagnosis.agent,
        )

    def annotation(self, annotator: str = "coroner") -> Annotation:
        """Take the prediction for an annotation, to measure agreement: the likeliest cause, abstaining or not."""
        return Annotation(
            trace=self.trace_id,
            annotator=annotator,
            provenance=Provenance.MODEL,
            cause=self.best,
            step=self.steps[0] if self.steps else None,
            agent=self.agent,
            confidence=self.confidence,
        )
