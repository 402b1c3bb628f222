"""A small real classifier for the surfaces' tests: reads nothing but the trace it is given, needs no index."""

from __future__ import annotations

import threading
from pathlib import Path

from classifier import taxonomy
from classifier.diagnosis import (
    Candidate,
    DecidedBy,
    Diagnosis,
    Evidence,
    Familiarity,
    NeighbourRun,
    Outcome,
    Provenance,
    Segment,
    StepChoice,
    Versions,
)
from classifier.trace import Phase, Trace

EXAMPLES = Path(__file__).parents[1] / "examples"


class FakeClassifier:
    """Blames the step with the longest content for one cause; abstains on `HARD`, breaks on `BUG` in the task."""

    def __init__(self, scheme: str = taxonomy.DEFAULT, blames: str = "E2.2") -> None:
        self.taxonomy, self.blames = taxonomy.load(scheme), blames
        self.versions = Versions(coroner="0", index="fake", taxonomy=self.taxonomy.name, embedder="none")
        self.threads: set[int] = set()

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        self.threads.add(threading.get_ident())
        if "BUG" in trace.task:
            raise RuntimeError("the secret inside")
        if trace.succeeded:
            return Diagnosis(
                trace_id=trace.id, file=file, outcome=Outcome.SUCCEEDED, cause=None, phase=None, step=None, agent=None,
                confidence=1, versions=self.versions,
            )  # fmt: skip
        worst = max(trace.steps, key=lambda step: len(step.content))
        cause = None if "HARD" in trace.task else self.blames
        return Diagnosis(
            trace_id=trace.id,
            file=file,
            outcome=Outcome.UNKNOWN if trace.succeeded is None else Outcome.FAILED,
            cause=cause,
            phase=self.taxonomy.phase_of(self.blames),
            step=worst.index,
            agent=worst.agent,
            confidence=0.62 if cause else 0.2,
            steps=(StepChoice(step=worst.index, agent=worst.agent, probability=0.5),),
            candidates=(Candidate(cause=self.blames, probability=0.62), Candidate(cause="P1", probability=0.3)),
            evidence=(Evidence(step=worst.index, quote=worst.content),),
            neighbours=(
                NeighbourRun(
                    trace_id="ag-1", step=2, cause="E2.2", similarity=0.8, provenance=Provenance.MODEL, system="autogen"
                ),
            ),
            secondary=("E1.1",),
            mitigation=self.taxonomy.cause(cause).mitigation if cause else None,
            decided_by=DecidedBy.NEIGHBOURS if cause else DecidedBy.NOBODY,
            familiarity=Familiarity.KNOWN if cause else Familiarity.NEW,
            segments=(
                Segment(phase=Phase.PLANNING, start=trace.steps[0].index, end=trace.steps[0].index),
                Segment(phase=Phase.EXECUTION, start=trace.steps[0].index + 1, end=trace.steps[-1].index),
            ),
            notes=() if cause else ("No cause is likely enough to be named.",),
            versions=self.versions,
        )
