"""Causes: what the classifier says of the failed runs of a bench, kept in its folder so that it is worked out once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from classifier import intake
from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen
from runner.runs import RUNS, TRACE_FILE, Outcome, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from classifier.intake import Classifies
    from runner.runs import Run

CACHE = ".diagnoses.jsonl"  # hidden, so that a search for logs passes it over


class _Kept(Frozen):
    """A line of the cache. It holds for this trace and for these versions of whatever diagnosed it."""

    run: str
    trace: str  # sha256
    diagnosis: Diagnosis


def diagnose(
    bench: Path,
    runs: Iterable[Run],
    classifier: Callable[[], Classifies],
    watched: Callable[[Sequence[Run]], Iterable[Run]] = iter,
) -> dict[str, Diagnosis | None]:
    """Diagnose the failed runs; None where the trace is missing or cannot be read.

    `classifier` is asked for if there is a failed run; `watched` passes on those that the cache does not know.
    """
    failed = [run for run in runs if run.outcome is Outcome.FAILED]
    if not failed:
        return {}
    asked = classifier()
    digests = {run.id: _digest(bench / RUNS / run.id / TRACE_FILE) for run in failed}
    kept = {
        line.run: line
        for line in _read(bench / CACHE)
        if line.trace == digests.get(line.run) and line.diagnosis.versions == asked.versions
    }
    fresh = list(
        _ask(bench, watched([run for run in failed if run.id not in kept and digests[run.id]]), asked, digests)
    )
    if fresh:
        kept |= {line.run: line for line in fresh}
        write(bench / CACHE, "".join(f"{kept[name].model_dump_json()}\n" for name in sorted(kept)))
    return {run.id: kept[run.id].diagnosis if run.id in kept else None for run in failed}


def _ask(bench: Path, runs: Iterable[Run], classifier: Classifies, digests: dict[str, str | None]) -> Iterator[_Kept]:
    for run in runs:
        found = intake.outcome(classifier, str(bench / RUNS / run.id / TRACE_FILE))
        if isinstance(found, list) and len(found) == 1:
            # by its place in the bench: the folder may be moved
            diagnosis = found[0].model_copy(update={"file": f"{RUNS}/{run.id}/{TRACE_FILE}"})
            yield _Kept(run=run.id, trace=digests[run.id] or "", diagnosis=diagnosis)


def _read(cache: Path) -> Iterator[_Kept]:
    """Give the lines that can be read; the others are worked out anew."""
    try:
        lines = cache.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            yield _Kept.model_validate_json(line)
        except ValidationError:
            continue


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
