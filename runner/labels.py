"""Labels: what is known of the runs of a bench, as annotations, which `coroner train`, `evaluate` and `agree` read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier import annotation
from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from runner import runs
from runner.runs import RUNS, TRACE_FILE, Outcome, Run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "annotations.jsonl"
ANNOTATOR = "coroner bench"


def write(bench: Path, done: Iterable[Run]) -> int:
    """Write the annotations of a bench's fault runs beside them; return how many. None are no file.

    A run that did not fail, or left no trace, has no label, whatever was put into it.
    """
    records = [label for run in sorted(done, key=lambda run: run.id) if (label := of(run)) is not None]
    if records:
        runs.write(bench / FILE, annotation.dump(records))
    else:
        (bench / FILE).unlink(missing_ok=True)
    return len(records)


def of(run: Run) -> Annotation | None:
    """Say what is known of a run by construction."""
    if run.truth is None or run.outcome is not Outcome.FAILED or not run.trace:
        return None
    return Annotation(
        trace=run.id,
        annotator=ANNOTATOR,
        provenance=Provenance.INJECTED,
        file=f"{RUNS}/{run.id}/{TRACE_FILE}",
        cause=run.truth.cause,
        step=run.truth.step,
        agent=run.truth.agent,
        note=run.truth.note,
    )
