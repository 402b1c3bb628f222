"""A run as its page shows it: steps folded to what matters, in chunks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from classifier import segments, signals
from service.pages.markup import Mark, Marked, find_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from classifier.diagnosis import Diagnosis
    from classifier.signals import Signal
    from classifier.trace import Phase, Step, ToolCall, Trace

CHUNK = 50  # steps that are loaded at once
HEAD_LINES, HEAD_CHARS = 8, 900  # of a step that is folded
TAIL_LINES, TAIL_CHARS = 2, 300  # at its end, where outcomes and answers stand
EXCERPTS = 3  # lines of what is folded that are shown, since a signal or a mark is in them
SHOWN = 12_000  # characters of a step on the run's page; the rest is on the step's own
CHUNK_CHARS = 150_000  # of the steps of a chunk, together; those behind are cut to their heads
CALLS = 20  # tool calls of a step that are shown


class Reading(NamedTuple):
    """A run with what is read off it without any verdict: signals by step, phases by position."""

    trace: Trace
    signals: dict[int, tuple[Signal, ...]]
    phases: tuple[Phase, ...]
    positions: dict[int, int]  # of steps, by their index

    @classmethod
    def of(cls, trace: Trace) -> Reading:
        """Read a run."""
        return cls(
            trace,
            signals.by_step(signals.read(trace)),
            segments.phase_of_steps(trace),
            {step.index: position for position, step in enumerate(trace.steps)},
        )

    @property
    def agents(self) -> tuple[str, ...]:
        """Who speaks in it, in the order of their first word."""
        return tuple(dict.fromkeys(step.agent for step in self.trace.steps))


class Readings:
    """The runs that were looked at last: a long one is read once, not for each of its chunks."""

    def __init__(self, most: int = 4) -> None:
        self._most, self._lock = most, threading.Lock()
        self._held: OrderedDict[str, Reading] = OrderedDict()

    def get(self, uid: str, load: Callable[[], Trace]) -> Reading:
        """Return the reading of the run; `uid` follows from its content, so that what is held is never stale."""
        with self._lock:
            if uid in self._held:
                self._held.move_to_end(uid)
                return self._held[uid]
        reading = Reading.of(load())
        with self._lock:
            self._held[uid] = reading
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return reading


class Call(NamedTuple):
    """A tool call of a step. `open`: what is searched for is in it."""

    name: str
    arguments: Markup
    open: bool


class Shown(NamedTuple):
    """A step on the page: its head, what unfolds (`rest`; None: nothing), and its tail.

    `cut`: even unfolded it is not all of the step. `excerpts` stand behind that, `glimpses` are what matters in the
    fold, seen while it is closed.
    """

    step: Step
    position: int
    phase: Phase
    signals: tuple[Signal, ...]
    decisive: bool
    evidence: bool
    chosen: bool
    head: Markup
    rest: Markup | None
    rest_lines: int
    tail: Markup | None
    open: bool
    glimpses: tuple[Markup, ...]
    excerpts: tuple[Markup, ...]
    cut: bool
    size: int
    calls: tuple[Call, ...]
    more_calls: int
    error: Markup | None


class Emphasis(NamedTuple):
    """What is marked: of the verdict (None: hidden), of the annotator's own choice, of a search."""

    diagnosis: Diagnosis | None = None
    chosen: int | None = None
    query: str = ""

    @property
    def decisive(self) -> int | None:
        """The verdict's decisive step."""
        return self.diagnosis.step if self.diagnosis else None

    @property
    def evidence(self) -> tuple[int, ...]:
        """The steps that the verdict quotes, each once, in their order."""
        return tuple(sorted({each.step for each in self.diagnosis.evidence})) if self.diagnosis else ()

    def marks(self, step: Step) -> list[Mark]:
        """Return the marks in a step's content: quotes of the verdict, then hits of the search."""
        found = []
        for each in self.diagnosis.evidence if self.diagnosis else ():
            at = step.content.find(each.quote) if each.step == step.index and each.quote else -1
            if at >= 0:
                css = "evidence decisive" if step.index == self.decisive and each.signal is None else "evidence"
                found.append(Mark(at, at + len(each.quote), css))
        return found or find_all(step.content, self.query, "hit")


def show(reading: Reading, positions: range, emphasis: Emphasis) -> tuple[Shown, ...]:
    """Return steps as the page shows them."""
    room, made = CHUNK_CHARS, []
    for position in positions:
        step = reading.trace.steps[position]
        each = _show(reading, position, emphasis, min(SHOWN, max(room, 0)))
        room -= min(len(step.content), SHOWN)
        made.append(each)
    return tuple(made)


def _show(reading: Reading, position: int, emphasis: Emphasis, most: int) -> Shown:
    step = reading.trace.steps[position]
    text, found = step.content, reading.signals.get(step.index, ())
    most = max(most, HEAD_CHARS)
    head, tail = _fold(text, most)
    marks = emphasis.marks(step)
    every = sorted([*marks, *_signal_marks(text, found, marks)])
    # colouring and search look no further than what is shown; a mark behind it is shown as an excerpt
    marked = Marked(text[:most], [mark for mark in every if mark.start < most], _language(step))
    opens = any(head < mark.end and mark.start < tail for mark in marks)
    folded = [mark for mark in every if head < mark.end and mark.start < tail and mark.start < most]
    calls = step.tool_calls[:CALLS]
    return Shown(
        step=step,
        position=position,
        phase=reading.phases[position],
        signals=found,
        decisive=step.index == emphasis.decisive,
        evidence=step.index in emphasis.evidence,
        chosen=step.index == emphasis.chosen,
        head=marked.html(0, head),
        rest=marked.html(head, tail) if head < tail else None,
        rest_lines=text.count("\n", head, tail) + (tail == min(len(text), most)),
        tail=marked.html(tail, most) if tail < min(len(text), most) else None,
        open=opens,
        glimpses=() if opens else tuple(_line(text, mark) for mark in folded[:EXCERPTS]),
        excerpts=tuple(excerpt(text, mark) for mark in [each for each in every if each.start >= most][:5]),
        cut=len(text) > most or len(calls) < len(step.tool_calls) or any(len(each) > SHOWN for each in _beside(step)),
        size=len(text) + sum(map(len, _beside(step))),
        calls=tuple(called(call, emphasis.query, SHOWN) for call in calls),
        more_calls=len(step.tool_calls) - len(calls),
        error=Marked(step.error[:SHOWN], find_all(step.error[:SHOWN], emphasis.query, "hit")).html()
        if step.error
        else None,
    )


def called(call: ToolCall, query: str, most: int) -> Call:
    """Return a tool call as it is shown, its arguments cut at `most` characters."""
    text = call.arguments[:most]
    marks = find_all(text, query, "hit")
    return Call(call.name, Marked(text, marks, "json").html(), bool(marks))


def _beside(step: Step) -> tuple[str, ...]:
    """Return what a step says beside its content."""
    return (step.error or "", *(part for call in step.tool_calls for part in (call.name, call.arguments)))


def _signal_marks(text: str, found: Sequence[Signal], taken: Sequence[Mark]) -> list[Mark]:
    """Return marks on what the signals quote, but for what is marked already."""
    made: list[Mark] = []
    for each in found:
        at = text.find(each.quote) if each.quote else -1
        end = at + len(each.quote)
        if at >= 0 and all(end <= mark.start or at >= mark.end for mark in (*taken, *made)):
            made.append(Mark(at, end, "signal"))
    return made


def _line(text: str, mark: Mark, most: int = 200) -> Markup:
    """Return the line that a mark begins in, or the part of it around the mark."""
    start = max(text.rfind("\n", 0, mark.start) + 1, mark.start - most // 2)
    end = text.find("\n", mark.start)
    end = min(len(text) if end < 0 else end, mark.start + most)
    return Marked(text[start:end], [Mark(mark.start - start, min(mark.end, end) - start, mark.css)]).html()


def excerpt(text: str, mark: Mark, around: int = 200) -> Markup:
    """Return a mark with what stands around it."""
    start, end = max(0, mark.start - around), min(len(text), mark.end + around, mark.start + SHOWN)
    return Marked(text[start:end], [Mark(mark.start - start, mark.end - start, mark.css)]).html()


def found_in(reading: Reading, query: str, most: int = 500) -> tuple[int, ...]:
    """Return the indices of the steps that hold the words, whatever the case of letters."""
    wanted = query.casefold()
    hits = (
        step.index
        for step in reading.trace.steps
        if any(wanted in text.casefold() for text in (step.content, *_beside(step)))
    )
    return tuple(index for index, _ in zip(hits, range(most), strict=False))


def _fold(text: str, most: int) -> tuple[int, int]:
    """Return where the head of a folded step ends, and where its tail begins; the same place where nothing is folded.

    The head is its first lines that say something, the tail its last; a step that is cut at `most` has none.
    """
    at, lines = 0, 0
    while lines < HEAD_LINES and at < min(len(text), HEAD_CHARS):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end + 1
        lines += bool(text[at:end].strip())
        at = end
    head, tail = min(at, HEAD_CHARS), min(len(text), most)
    if len(text) <= most:
        for _ in range(TAIL_LINES):
            line = text.rfind("\n", 0, len(text[:tail].rstrip())) + 1
            if line <= head or len(text) - line > TAIL_CHARS:
                break
            tail = line
    if tail - head < HEAD_CHARS // 3 and len(text) <= most:  # not worth a fold
        return len(text), len(text)
    return head, tail


def _language(step: Step) -> str | None:
    return "python" if step.kind in {"code", "python"} and "```" not in step.content[:200] else None
