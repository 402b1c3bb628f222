"""Who speaks in a passage of a step: the agent, its code, a machine, or a page that it merely shows.

A page that mentions "404" is no error, and an agent that talks of a time-out reports one at best. So every kind of
signal is looked for in the voices that can prove it, and in no other.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from classifier.trace import Role

if TYPE_CHECKING:
    from classifier.trace import Step


class Voice(Enum):
    """Whose words a passage holds."""

    SAID = "said"  # the agent's own prose
    CODE = "code"  # what the agent wrote to be run
    MACHINE = "machine"  # what a terminal, a tool or the framework itself reported
    PAGE = "page"  # contents that were fetched: a web page, its screenshot read out, search results, a file


class Passage(NamedTuple):
    """`content[start:end]` of a step is in one voice."""

    voice: Voice
    start: int
    end: int


# Marks at the beginning of a line. The text is searched with a line end put before it: a literal first character is
# what makes this fast on pages of megabytes.
_AT_LINE = re.compile(
    r"\n(?:(?P<machine>"
    r"(?:[\w.]{1,80}[ ]+)?Traceback \(most recent call last\)"
    r"|Error processing publish message"
    r"|(?:File|Web) ?surf(?:er|ing) (?:encountered an )?error\b"
    r"|exitcode: -?\d"
    r"|Code output:(?! Search Result \d)"
    r"|(?:The )?execution of the (?:generated )?[\w ]{0,30}has (?:failed|succeeded)"
    r"|Tool '[^'\n]{1,80}' executed"
    r"|(?:Observation|Tool [Rr]esult|Tool [Oo]utput|Execution [Rr]esult)s?:)"
    r"|(?P<page>"
    r"Here is a screenshot of \["
    r"|Address: [^\n]{1,2000}\nTitle: "
    r"|(?:Code output: )?Search Result \d{1,3}:"
    r"|<(?:!DOCTYPE html|!doctype html|html)\b)"
    r"|(?P<fence>[ \t]{0,12}```(?![^\n]*```)))"
)
_IN_LINE = re.compile(
    r"(?P<page>Automatic OCR of the page screenshot"
    r"|\"output\": \"Search results for"
    r"|\"(?:extracted_text|snippet|page_content|body_text)\": ?\"(?!Error|Failed|Exception))"
    r"|(?P<open><(?:action|code|execute)>)"
    r"|(?P<close></(?:action|code|execute)>)"
)
_LITERALS = (
    *("Automatic OCR", "Search results for", '"extracted_text"', '"snippet"', '"page_content"', '"body_text"'),
    *("<action>", "<code>", "<execute>"),
)


def passages(step: Step, *, opens: bool = False) -> list[Passage]:
    """Return the step's passages in order; together they are its content, less what proves nothing.

    A system's rules and a human's words prove nothing. `opens` says that the step is the first of its run: what it
    quotes of machines and pages is part of the task.
    """
    if step.role is Role.SYSTEM or not step.content:
        return []
    base = {Role.TOOL: Voice.MACHINE, Role.ASSISTANT: Voice.SAID}.get(step.role)
    found: list[Passage] = []
    voice, start = base, 0
    for at, mark in _marks(step.content):
        turned = _turn(mark, voice, base)
        if turned is not voice:
            if voice is not None and at > start:
                found.append(Passage(voice, start, at))
            voice, start = turned, at
    if voice is not None and len(step.content) > start:
        found.append(Passage(voice, start, len(step.content)))
    if opens and step.role is not Role.TOOL:
        return [passage for passage in found if passage.voice in {Voice.SAID, Voice.CODE}]
    return found


def _marks(content: str) -> list[tuple[int, str | None]]:
    """Return where marks stand, in order, and which."""
    marks = [(mark.start(), mark.lastgroup) for mark in _AT_LINE.finditer(f"\n{content}")]
    if any(literal in content for literal in _LITERALS):
        marks = sorted(marks + [(mark.start(), mark.lastgroup) for mark in _IN_LINE.finditer(content)])
    return marks


def _turn(mark: str | None, voice: Voice | None, base: Voice | None) -> Voice | None:
    """Return the voice from a mark on. Within a page or a machine's report, fences and tags are content."""
    if mark == "machine":
        return Voice.MACHINE
    if mark == "page":
        return Voice.PAGE
    if mark == "open":
        return Voice.CODE if voice is Voice.SAID else voice
    if mark == "close":
        return base if voice is Voice.CODE else voice
    if voice is Voice.SAID:
        return Voice.CODE
    return base if voice is Voice.CODE else voice
