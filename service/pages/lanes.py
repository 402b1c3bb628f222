"""Lanes of phases over a whole run, with ticks of what matters. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from classifier.trace import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.pages.reading import Emphasis, Reading

COLUMNS = 240  # of the lanes


class Bar(NamedTuple):
    """A stretch of a lane: its place and width in the 1000 units across, and the index of its first step."""

    x: float
    width: float
    step: int


class Lanes(NamedTuple):
    """The run from left to right: stretches of each phase, and ticks of signals, evidence, and the decisive step."""

    phases: tuple[tuple[Phase, tuple[Bar, ...]], ...]
    signals: tuple[Bar, ...]
    evidence: tuple[Bar, ...]
    decisive: Bar | None
    chosen: Bar | None


def lanes(reading: Reading, emphasis: Emphasis) -> Lanes:
    """Draw the run. A long one is drawn in columns, each of several steps, so that the drawing stays small."""
    steps = reading.trace.steps
    columns = min(COLUMNS, len(steps))
    wide = 1000 / columns

    def column(position: int) -> int:
        return position * columns // len(steps)

    def first(at: int) -> int:
        return steps[-(-at * len(steps) // columns)].index

    def stretches(positions: Iterable[int]) -> tuple[Bar, ...]:
        taken = sorted({column(position) for position in positions})
        bars: list[tuple[int, int]] = []
        for at in taken:
            if bars and bars[-1][1] == at:
                bars[-1] = (bars[-1][0], at + 1)
            else:
                bars.append((at, at + 1))
        return tuple(Bar(round(a * wide, 2), round((b - a) * wide, 2), first(a)) for a, b in bars)

    def ticks(indices: Sequence[int]) -> tuple[Bar, ...]:
        at = sorted({column(reading.positions[index]) for index in indices if index in reading.positions})
        return tuple(Bar(round(c * wide, 2), round(wide, 2), first(c)) for c in at)

    def tick(index: int | None) -> Bar | None:
        return next(iter(ticks([index])), None) if index is not None else None

    return Lanes(
        tuple((phase, stretches(i for i, each in enumerate(reading.phases) if each is phase)) for phase in Phase),
        ticks(tuple(reading.signals)),
        ticks(emphasis.evidence),
        tick(emphasis.decisive),
        tick(emphasis.chosen),
    )
