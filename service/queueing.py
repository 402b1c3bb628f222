"""What to label next: the most informative run first.

At the beginning every label is worth most where nothing is known: the first labels are spread over kinds of runs
(framework, task) and over causes, so that rare ones are among them. The more labels there are, the more it counts
where the classifier is unsure and where opinions differ. Pure: what is known goes in, an order comes out.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.diagnosis import Familiarity
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.storage.assignments import Waiting

FIRST = 20  # labels after which spreading counts half as much as at first
_STRANGE = {Familiarity.NEW: 1.0, Familiarity.SIMILAR: 0.5, Familiarity.KNOWN: 0.0, None: 0.5}


class Reason(StrEnum):
    """Why a run is asked about. Those of `FROM_VERDICT` tell something of the verdict: not for whoever works blind."""

    DISAGREED = "opinions differ"
    SECOND = "needs another opinion"
    NEW_SYSTEM = "a system nobody has labelled yet"
    NEW_TASK = "a task nobody has labelled yet"
    RARE_CAUSE = "a cause with few labels"
    UNSURE = "the classifier is unsure"
    STRANGE = "unlike what the index knows"


FROM_VERDICT = frozenset({Reason.RARE_CAUSE, Reason.UNSURE, Reason.STRANGE})


class Ranked(Frozen):
    """A run with what it is worth (the higher the sooner) and why."""

    uid: str
    score: float
    reasons: tuple[Reason, ...]


class _Seen:
    """How many labels there are of each kind, those that are being given among them."""

    def __init__(self, runs: Iterable[Waiting]) -> None:
        self.labels = 0
        self.systems: Counter[str] = Counter()
        self.tasks: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        for run in runs:
            if run.people:
                self.count(run)

    def count(self, run: Waiting) -> None:
        """Count a run as labelled: by what people said, else by what the classifier believes."""
        self.labels += 1
        self.systems[run.framework] += 1
        self.tasks[_task(run)] += 1
        said = {cause for _, cause in run.said if cause is not None}
        self.causes.update(said or {run.cause or ""})


def rank(
    runs: Sequence[Waiting], annotator: str, *, overlap: int, passed: frozenset[str] = frozenset()
) -> Iterator[Ranked]:
    """Yield the runs that a person may label, the most informative first; each is weighed given those before it.

    A run that they have said something of, that `overlap` people have labelled or hold, or that succeeded is left
    out. Those they `passed` on come last. Of equals the older comes first.
    """
    seen = _Seen(runs)
    left = [
        run
        for run in runs
        if run.failed and annotator not in run.people and annotator not in run.spoke and len(run.people) < overlap
    ]
    while left:
        best = max(left, key=lambda run: (run.uid not in passed, _score(run, seen)))
        yield Ranked(uid=best.uid, score=_score(best, seen), reasons=tuple(_reasons(best, seen)))
        left.remove(best)
        seen.count(best)


def _score(run: Waiting, seen: _Seen) -> float:
    early = FIRST / (FIRST + seen.labels)
    spread = (
        1.5 / (1 + seen.systems[run.framework])
        + 0.7 / (1 + seen.tasks[_task(run)])
        + 1.0 / (1 + seen.causes[run.cause or ""])
    )
    unsure = 1 - run.confidence if run.confidence is not None else 0.5
    opinions = 1.0 * _differ(run) + 0.4 * bool(run.people)
    return early * spread + (1.25 - early) * (unsure + 0.5 * _STRANGE[run.familiarity]) + opinions


def _reasons(run: Waiting, seen: _Seen) -> Iterator[Reason]:
    if _differ(run):
        yield Reason.DISAGREED
    elif run.people:
        yield Reason.SECOND
    if not seen.systems[run.framework]:
        yield Reason.NEW_SYSTEM
    elif not seen.tasks[_task(run)]:
        yield Reason.NEW_TASK
    if run.cause and seen.causes[run.cause] <= seen.labels / 20:
        yield Reason.RARE_CAUSE
    if run.confidence is not None and run.confidence < 0.5:
        yield Reason.UNSURE
    if run.familiarity is Familiarity.NEW:
        yield Reason.STRANGE


def _differ(run: Waiting) -> bool:
    """Say whether annotators differ among themselves, or from the classifier."""
    said = {cause for _, cause in run.said}
    return len(said) > 1 or bool(said and run.cause is not None and said != {run.cause})


def _task(run: Waiting) -> str:
    return " ".join(run.task.split()).casefold()
