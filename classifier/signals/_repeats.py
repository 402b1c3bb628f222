"""Steps that do again what was done before, with the same or nearly the same result.

Linear in the length of the run: actions are looked up by their exact words and by a few signatures of them (one
permutation min-hash, Li, Owen and Zhang 2012), and only the latest of those found are compared word by word.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, NamedTuple

from classifier.signals._signal import Signal, SignalKind
from classifier.signals._voices import Voice
from classifier.trace import Phase, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.signals._voices import Passage
    from classifier.trace import Step, Trace

_SAME_ACTION = 0.9  # Jaccard index of the words of two actions ...
_SAME_RESULT = 0.85  # ... and of their results
_LONG = 20  # words of an action from which on "nearly the same" is allowed; a shorter one differs in what counts
_PROSE = 15  # words that a mere message needs to count as an action: "I agree" is none
_HEAD = 1_500  # characters of a result in which a browser says where it is
_CHARS = 6_000  # characters of an action or a result that are compared
_BINS, _ROWS = 24, 4
_CANDIDATES = 3  # latest steps with a signature that are compared
_PLACE = re.compile(r"\b\d{1,3}% |\bpage \d{1,4} of \d{1,4}\b|\bat the (?:top|bottom)\b")  # where a reader is in a page
_NEAR = 4  # steps within which an agent that was told to do something does it
_PLANS = re.compile(r"plan|thought|ledger", re.IGNORECASE)
_WORD = re.compile(r"\w+|[^\w\s]")


class _Deed(NamedTuple):
    """What a step does: its words as one string, where the reader sees it, and what came of it."""

    step: int
    shown: tuple[int, str]  # step and verbatim quote
    agent: str | None  # None where who does it does not matter
    action: str
    words: frozenset[str]  # empty where only the same words count
    result: frozenset[str]
    place: tuple[str, ...]  # scrolling the same page on is progress, however alike its parts are

    def ended_as(self, other: _Deed) -> bool:
        """Say whether the same or nearly the same came of both."""
        return self.place == other.place and _alike(self.result, other.result) >= _SAME_RESULT


def read_repeats(trace: Trace, voices: Sequence[Sequence[Passage]]) -> Iterator[Signal]:
    """Yield a signal for every step that repeats an earlier one. `voices` holds the passages of every step."""
    exact: dict[tuple[str | None, str], _Deed] = {}
    near: dict[tuple[str | None, int, int], list[_Deed]] = {}
    for position, step in enumerate(trace.steps):
        deed = _deed(trace, voices, position) if step.role is Role.ASSISTANT else None
        if deed is None:
            continue
        keys = [(deed.agent, band, signature) for band, signature in _signatures(deed.words)]
        earlier = _find(deed, exact, [near.get(key, []) for key in keys])
        if earlier is not None:
            shown, quote = deed.shown
            yield Signal(kind=SignalKind.REPEATED_STEP, step=shown, quote=quote, detail=str(earlier.step))
        exact[deed.agent, deed.action] = deed
        for key in keys:
            bucket = near.setdefault(key, [])
            bucket.append(deed)
            del bucket[:-_CANDIDATES]


def _find(deed: _Deed, exact: dict[tuple[str | None, str], _Deed], buckets: list[list[_Deed]]) -> _Deed | None:
    same = exact.get((deed.agent, deed.action))
    if same is not None and deed.ended_as(same):
        return same
    others = {id(other): other for bucket in buckets for other in bucket}
    for other in sorted(others.values(), key=lambda other: -other.step):
        if _alike(deed.words, other.words) >= _SAME_ACTION and deed.ended_as(other):
            return other
    return None


def _deed(trace: Trace, voices: Sequence[Sequence[Passage]], position: int) -> _Deed | None:
    """Return what the step does, or None where it does nothing that could be repeated."""
    step = trace.steps[position]
    answered = position + 1 < len(trace.steps) and trace.steps[position + 1].role is Role.TOOL
    found = _action(step, voices[position], answered=answered)
    if found is None:
        return None
    action, quote, agent = found
    result, result_step = _result(trace, voices, position)
    near = bool(result) or answered  # mere words must come back exactly
    shown = (step.index, quote)
    if not quote:  # a call without words: what it brought is what can be shown
        if result_step is None or not result_step.content.strip():
            return None
        shown = (result_step.index, result_step.content.strip()[:200].strip())
    words = _WORD.findall(action)
    place = tuple(_PLACE.findall(result[:_HEAD]))
    seen = frozenset(result.lower().split())
    return _Deed(step.index, shown, agent, " ".join(words), frozenset(words if near else ()), seen, place)


def _action(step: Step, passages: Sequence[Passage], *, answered: bool) -> tuple[str, str, str | None] | None:
    """Return the words of the action, the quote that shows it and the agent, if it matters who acts."""
    content = step.content
    code = [content[passage.start : passage.end] for passage in passages if passage.voice is Voice.CODE]
    if step.tool_calls:
        calls = "\n".join(f"{call.name} {call.arguments}" for call in step.tool_calls)[:_CHARS]
        quote = next(
            (line for call in step.tool_calls if (line := call.arguments.strip()[:200]) and line in content), ""
        )
        return calls, quote or content.strip()[:200].strip(), None
    if code and (answered or sum(block.count(" ") for block in code) >= _PROSE):
        return "\n".join(code)[:_CHARS], code[0].strip()[:200].strip(), None
    said = next((content[p.start : p.end].strip() for p in passages if p.voice is Voice.SAID), "")
    if not said or step.phase is Phase.PLANNING or _PLANS.search(step.kind or ""):
        return None  # a plan is told again on purpose
    shows = len(passages) > 1  # it says what it did and shows what came of it: a browser's step
    return (said[:_CHARS], said[:200].strip(), step.agent) if shows or said.count(" ") >= _PROSE else None


def _result(trace: Trace, voices: Sequence[Sequence[Passage]], position: int) -> tuple[str, Step | None]:
    """Return what came of the step: what it shows itself, or the outputs that follow it."""
    step = trace.steps[position]
    own = [p for p in voices[position] if p.voice in {Voice.MACHINE, Voice.PAGE}]
    if own:
        return "\n".join(step.content[p.start : p.end][:_CHARS] for p in own)[:_CHARS], None
    for following in trace.steps[position + 1 : position + 1 + _NEAR]:
        if following.role is Role.TOOL or (step.to is not None and following.agent == step.to):
            return following.content[:_CHARS], following
        if step.to is None or following.to is not None:
            break
    return "", None


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard index, 0 to 1; two empty sets are alike."""
    if not one or not other:
        return float(not one and not other)
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def _signatures(words: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Yield the bands of a min-hash of the words: sets that are nearly the same share one almost surely."""
    if len(words) < _LONG:
        return
    least = [0] * _BINS
    for word in words:
        value = zlib.crc32(word.encode("utf-8", "surrogatepass")) + 1
        slot = value % _BINS
        if not least[slot] or value < least[slot]:
            least[slot] = value
    for band in range(0, _BINS, _ROWS):
        yield band, hash(tuple(least[band : band + _ROWS]))
