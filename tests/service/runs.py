"""Invented runs for the service's tests."""

from __future__ import annotations

from pathlib import Path

from fake_classifier import FakeClassifier

from classifier import formats
from classifier.annotation import Annotation
from classifier.diagnosis import Diagnosis, Provenance
from classifier.trace import Role, Step, Trace

EXAMPLE = formats.read((Path(__file__).parents[2] / "examples" / "failed_run.json").read_bytes())[0]


def run(name: str = "run-1", task: str = "Count the loans of October.", framework: str = "autogen") -> Trace:
    return Trace(
        id=name,
        format="coroner",
        framework=framework,
        task=task,
        steps=(
            Step(index=0, agent="user", role=Role.USER, content=task),
            Step(index=1, agent="planner", role=Role.ASSISTANT, content=f"Plan for {name}: read, group, count."),
            Step(index=2, agent="coder", role=Role.ASSISTANT, content="loans = 12  # from memory, not from the file"),
        ),
    )


def verdict(trace: Trace, cause: str = "E2.2") -> Diagnosis:
    return FakeClassifier(blames=cause).classify(trace)


def said(trace: Trace, annotator: str = "ann", cause: str | None = "E2.2", step: int | None = 2) -> Annotation:
    return Annotation(trace=trace.id, annotator=annotator, provenance=Provenance.HUMAN, cause=cause, step=step)
