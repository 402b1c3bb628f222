"""Facts that machines report: exceptions, missing things, HTTP errors, blocks, time-outs, limits, overflows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.signals._patterns import FAILED, LIMITS, ON_PAGES, REPORTS, TITLES
from classifier.signals._signal import QUOTE, Signal, SignalKind, quote_of
from classifier.signals._voices import Voice
from classifier.trace import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classifier.signals._patterns import Fact
    from classifier.signals._voices import Passage
    from classifier.trace import Step

_DETAILS = 8  # different facts of one pattern that are told of one passage
_TRACEBACK = 400  # lines of a traceback that are read
_MESSAGE = 8  # lines that an exception's message may run on before the next exception of its chain

_TITLE = re.compile(r"(?m)^(?:Here is a screenshot of \[(?P<shot>[^\n]{0,300}?)\]\(|Title: (?P<title>[^\n]{0,300}))")
_LINE = re.compile(r"[^\n]+")
_HEADER = re.compile(r"Traceback \(most recent call last\)")
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?::(?:\s.*)?)?$")
_ESCAPED = re.compile(r"\\n(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*(?:Error|Exception))\b[^\n\\]{0,200}")  # in a JSON string
_CHAINED = ("During handling of the above", "The above exception was")
_FILES = tuple(fact for fact in REPORTS if fact.kind is SignalKind.MISSING_FILE)


def read_machine(step: Step, passages: Sequence[Passage]) -> Iterator[Signal]:
    """Yield what machines report on a step, each fact once, and a plain failure only where nothing says more."""
    seen: set[tuple[SignalKind, str | None]] = set()
    for signal in [*_reported(step, passages), *_broken_off(step, passages)]:
        if (signal.kind, signal.detail) not in seen:
            seen.add((signal.kind, signal.detail))
            yield signal
    if not seen and step.role is Role.TOOL and (found := FAILED.search(step.content)):
        yield Signal(kind=SignalKind.TOOL_ERROR, step=step.index, quote=quote_of(step.content, found))


def _reported(step: Step, passages: Sequence[Passage]) -> Iterator[Signal]:
    lower = step.content.lower()
    voices = {passage.voice for passage in passages}
    reports = _possible(REPORTS, lower) if Voice.MACHINE in voices else []
    limits = _possible(LIMITS, lower) if voices & {Voice.MACHINE, Voice.SAID} else []
    on_pages = _possible(ON_PAGES, lower) if Voice.PAGE in voices else []
    for passage in passages:
        if passage.voice is Voice.MACHINE:
            yield from _tracebacks(step, passage)
            yield from _matches(step, passage, reports)
        if passage.voice in {Voice.MACHINE, Voice.SAID}:
            yield from _matches(step, passage, limits)
        if passage.voice is Voice.PAGE:
            yield from _page(step, passage)
            yield from _matches(step, passage, on_pages)


def _possible(facts: Iterable[Fact], lower: str) -> list[Fact]:
    return [fact for fact in facts if any(literal in lower for literal in fact.literals)]


def _matches(step: Step, passage: Passage, facts: Iterable[Fact]) -> Iterator[Signal]:
    for fact in facts:
        seen: set[str | None] = set()
        for found in fact.pattern.finditer(step.content, passage.start, passage.end):
            detail = fact.detail or next((group for group in found.groups() if group), None)
            if detail in seen:
                continue
            quote = quote_of(step.content, found)
            if quote.startswith("raise "):  # a line of code in a traceback; what was raised follows
                continue
            seen.add(detail)
            kind = _program(fact.kind, detail, step.content, found.start())
            yield Signal(kind=kind, step=step.index, quote=quote, detail=detail)
            if len(seen) == _DETAILS:
                break


def _program(kind: SignalKind, detail: str | None, content: str, at: int) -> SignalKind:
    """Return the kind: a file that the start of a process could not find is a program."""
    started = kind is SignalKind.MISSING_FILE and detail is not None and not set("./\\") & set(detail)
    return SignalKind.MISSING_MODULE if started and "_execute_child" in content[max(0, at - 2_000) : at] else kind


def _page(step: Step, passage: Passage) -> Iterator[Signal]:
    """Yield what the title of a page says, and, of a file's page, that there is no such file."""
    title = _TITLE.search(step.content, passage.start, min(passage.end, passage.start + 2_400))
    if title is None:
        return
    group = "shot" if title["shot"] is not None else "title"
    text = title[group].strip()
    is_file = step.content.startswith("Address: file:", passage.start)
    for fact in TITLES:
        if text and not (is_file and fact.kind is SignalKind.HTTP_ERROR) and (found := fact.pattern.match(text)):
            detail = fact.detail or found[1]
            yield Signal(kind=fact.kind, step=step.index, quote=text[:QUOTE].strip(), detail=detail)
    if is_file:
        yield from _matches(step, passage, _FILES)


def _broken_off(step: Step, passages: Sequence[Passage]) -> Iterator[Signal]:
    """Yield a signal if the agent's message ends in the middle of its code."""
    if passages and passages[-1].voice is Voice.CODE and passages[-1].end - passages[-1].start > QUOTE:
        line = step.content.rstrip().rsplit("\n", 1)[-1].strip()
        if line and not line.startswith("```"):
            quote = line[-QUOTE:].strip()
            yield Signal(kind=SignalKind.CONTEXT_OVERFLOW, step=step.index, quote=quote, detail="truncated")


def _tracebacks(step: Step, passage: Passage) -> Iterator[Signal]:
    """Yield one signal per chain of exceptions: the last of it is what the program died of."""
    at = passage.start
    while (header := _HEADER.search(step.content, at, passage.end)) is not None:
        last, at = _chain(step.content, header.end(), passage.end)
        quote, name = last or (header[0], None)
        yield Signal(kind=SignalKind.TRACEBACK, step=step.index, quote=quote[:QUOTE].rstrip(), detail=name)


def _chain(content: str, at: int, end: int) -> tuple[tuple[str, str] | None, int]:
    """Return the last exception of the chain, as its line and its class, and where to read on."""
    last: tuple[str, str] | None = None
    due, after = True, 0  # whether an exception is still to come; lines since the last one
    for number, found in enumerate(_LINE.finditer(content, at, end)):
        line, start = found[0], found.start()
        if last is None and (escaped := list(_ESCAPED.finditer(line))):
            return (escaped[-1][0][2:], escaped[-1][1]), found.end()
        if number > _TRACEBACK or after > _MESSAGE or (not due and _HEADER.search(line)):
            return last, start
        if line.startswith(_CHAINED):
            due = True
        elif due and (exception := _EXCEPTION.match(line)):
            last, due, after = (line, exception[1]), False, 0
        elif not due:
            after += 1
    return last, end
