"""Facts read off the steps of a run without a model, each with its step and a verbatim quote.

Few and right, rather than many: docs/signals.md has the precision of each kind on real runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.signals._answers import read_answers
from classifier.signals._machine import read_machine
from classifier.signals._repeats import read_repeats
from classifier.signals._said import read_said
from classifier.signals._signal import Signal, SignalKind
from classifier.signals._voices import passages
from classifier.trace import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.signals._voices import Passage
    from classifier.trace import Trace

__all__ = ["Signal", "SignalKind", "by_step", "read"]


def read(trace: Trace) -> tuple[Signal, ...]:
    """Return the signals of a run, ordered by step, then by kind. Linear in its length; never raises."""
    voices = [passages(step, opens=position == 0) for position, step in enumerate(trace.steps)]
    found = [*_read_steps(trace, voices), *read_repeats(trace, voices), *read_answers(trace)]
    order = {kind: place for place, kind in enumerate(SignalKind)}
    return tuple(sorted(found, key=lambda signal: (signal.step, order[signal.kind])))


def by_step(signals: Iterable[Signal]) -> dict[int, tuple[Signal, ...]]:
    """Group signals by the index of their step; a step without any is not in it."""
    grouped: dict[int, list[Signal]] = {}
    for signal in signals:
        grouped.setdefault(signal.step, []).append(signal)
    return {step: tuple(found) for step, found in grouped.items()}


def _read_steps(trace: Trace, voices: list[list[Passage]]) -> Iterator[Signal]:
    humans = [position for position, step in enumerate(trace.steps) if step.role is Role.USER]
    last_human = humans[-1] if humans else -1
    for position, (step, heard) in enumerate(zip(trace.steps, voices, strict=True)):
        if heard:
            yield from read_machine(step, heard)
            yield from read_said(step, heard, nobody_answers=position > last_human, opens=position == 0)
