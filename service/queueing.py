"""What to label next: the most informative run first.

At the beginning every label is worth most where it stands for many runs that nobody has labelled: the first `FIRST`
are spread over all runs by facility location (greedily, the run that brings all of them nearest to a labelled one), so
that kinds of runs and rare causes are among them. Then it counts where the classifier is unsure and where a run is
unlike the labelled ones. Where opinions differ, and where a run waits for its second opinion, goes before. Pure: what
is known goes in, an order comes out. docs/service.md tells what it is worth beside chance.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from classifier.diagnosis import Familiarity
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from service.storage.assignments import Waiting

FIRST = 40  # labels that are spread by coverage alone
MOST = 1000  # runs that are weighed and covered; of more, every so-manieth is
_STRANGE = {Familiarity.NEW: 1.0, Familiarity.SIMILAR: 0.5, Familiarity.KNOWN: 0.0, None: 0.5}
_DISPUTED, _SAID, _HELD, _KIND = 20.0, 10.0, 5.0, 1e-3  # a gain is at most 2, what is unsure or strange as much


class Reason(StrEnum):
    """Why a run is asked about. Those of `FROM_VERDICT` tell something of the verdict: not for whoever works blind."""

    DISAGREED = "opinions differ"
    SECOND = "needs another opinion"
    NEW_SYSTEM = "a system nobody has labelled yet"
    NEW_TASK = "a task nobody has labelled yet"
    TYPICAL = "like many that nobody has labelled"
    UNSURE = "the classifier is unsure"
    STRANGE = "unlike what the index knows"


FROM_VERDICT = frozenset({Reason.UNSURE, Reason.STRANGE})


class Ranked(Frozen):
    """A run with what it is worth (the higher the sooner) and why."""

    uid: str
    score: float
    reasons: tuple[Reason, ...]


class _Seen:
    """How many labels there are of each kind, those that are being given among them, and what they cover."""

    def __init__(self, runs: Sequence[Waiting]) -> None:
        self.labels = 0
        self.systems: Counter[str] = Counter()
        self.tasks: Counter[str] = Counter()
        self.map = _Map([run for run in runs if run.failed])
        for run in runs:
            if run.people:
                self.count(run)

    def count(self, run: Waiting) -> None:
        """Count a run as labelled."""
        self.labels += 1
        self.systems[run.framework] += 1
        self.tasks[_task(run)] += 1
        self.map.cover(run)


class _Map:
    """Where the runs lie, and how near each is to a labelled one: cosines, -1 where there is none."""

    def __init__(self, runs: Sequence[Waiting]) -> None:
        sizes = Counter(len(run.place) for run in runs if run.place).most_common(1)  # of one embedder
        self._size = sizes[0][0] if sizes else 0
        placed = [run for run in runs if run.place and len(run.place) == self._size]
        chosen = (
            placed if len(placed) <= MOST else [placed[i] for i in np.linspace(0, len(placed) - 1, MOST, dtype=int)]
        )
        self._row = {run.uid: row for row, run in enumerate(chosen)}
        self._points = np.array([_vector(run.place) for run in chosen]).reshape(len(chosen), self._size // 2)
        self._near = self._points @ self._points.T
        self._covered = np.full(len(chosen), -1.0, dtype=np.float32)

    def cover(self, run: Waiting) -> None:
        """Take a run for labelled."""
        if run.uid in self._row:
            self._covered = np.maximum(self._covered, self._near[self._row[run.uid]])
        elif run.place and len(run.place) == self._size and len(self._covered):
            self._covered = np.maximum(self._covered, self._points @ _vector(run.place))

    def gains(self) -> dict[str, float]:
        """Return how much nearer (0 to 2, on average) all runs would be to a labelled one, were each run labelled."""
        if not len(self._covered):
            return {}
        gain = np.maximum(self._near - self._covered, 0).mean(axis=1)
        return {uid: float(gain[row]) for uid, row in self._row.items()}


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
        gains = seen.map.gains()
        best, score = max(
            ((run, _score(run, seen, gains.get(run.uid, 0.0))) for run in left),
            key=lambda each: (each[0].uid not in passed, each[1]),
        )
        yield Ranked(uid=best.uid, score=score, reasons=tuple(_reasons(best, seen, gains.get(best.uid, 0.0))))
        left.remove(best)
        seen.count(best)


def _score(run: Waiting, seen: _Seen, gain: float) -> float:
    kind = 2.0 / (1 + seen.systems[run.framework]) + 1.0 / (1 + seen.tasks[_task(run)])
    begun = _SAID if run.said else _HELD if run.held else 0.0
    score = gain + _KIND * kind + _DISPUTED * _differ(run) + begun
    if seen.labels < FIRST:
        return score
    unsure = 1 - run.confidence if run.confidence is not None else 0.5
    return score + unsure + 0.5 * _STRANGE[run.familiarity]


def _reasons(run: Waiting, seen: _Seen, gain: float) -> Iterator[Reason]:
    if _differ(run):
        yield Reason.DISAGREED
    elif run.people:
        yield Reason.SECOND
    if not seen.systems[run.framework]:
        yield Reason.NEW_SYSTEM
    elif not seen.tasks[_task(run)]:
        yield Reason.NEW_TASK
    if gain > 0 and not run.people and seen.labels < FIRST:
        yield Reason.TYPICAL
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


def _vector(place: bytes | None) -> NDArray[np.float32]:
    return np.frombuffer(place or b"", dtype=np.float16).astype(np.float32)
