"""The fact itself: its kind, the step, the words that prove it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from classifier.trace import Frozen

if TYPE_CHECKING:
    import re

QUOTE = 240  # characters of a quote at most, unless what proves the fact is longer
_BEFORE = 60  # of them before it, where the line is long


class SignalKind(StrEnum):
    """What is seen on a step. docs/signals.md says how often each is right."""

    TRACEBACK = "traceback"  # detail: the exception's class
    SYNTAX_ERROR = "syntax_error"  # detail: the class, or what did not parse (shell, sql, call)
    MISSING_MODULE = "missing_module"  # a module, package or program; detail: its name
    MISSING_FILE = "missing_file"  # detail: the path, where it is named
    HTTP_ERROR = "http_error"  # detail: the status, 400 to 599
    BLOCKED = "blocked"  # detail: captcha, content filter, login, credentials or forbidden
    TIMEOUT = "timeout"
    REPEATED_STEP = "repeated_step"  # detail: the index of the earlier step
    LIMIT_REACHED = "limit_reached"  # detail: the limit's number, where it is named
    CONTEXT_OVERFLOW = "context_overflow"  # detail: overflow or truncated
    PLACEHOLDER = "placeholder"  # detail: key, path or data
    ASKED_CONFIRMATION = "asked_confirmation"  # of nobody who would answer
    NO_ANSWER = "no_answer"  # detail: declined, empty or unfinished
    ANSWER_FORM = "answer_form"  # detail: the form that was asked for
    TOOL_ERROR = "tool_error"  # a tool says that it failed, and none of the kinds above says how

    @property
    def cause(self) -> str | None:
        """The cause in the 19 that the fact alone speaks for; None where it is a symptom of many."""
        return _CAUSES.get(self)


class Signal(Frozen):
    """A fact read off a step. `quote` occurs verbatim in the content of the step with that index."""

    kind: SignalKind
    step: int = Field(ge=0)
    quote: str = Field(min_length=1)
    detail: str | None = None

    @property
    def cause(self) -> str | None:
        """As `SignalKind.cause`, told more finely where the detail allows."""
        return _FINER.get((self.kind, self.detail or ""), self.kind.cause)


_CAUSES = {
    SignalKind.SYNTAX_ERROR: "E2.1",
    SignalKind.MISSING_MODULE: "E3.1",
    SignalKind.MISSING_FILE: "E3.2",
    SignalKind.BLOCKED: "E3",
    SignalKind.TIMEOUT: "E3",
    SignalKind.REPEATED_STEP: "P2",
    SignalKind.LIMIT_REACHED: "R3",
    SignalKind.CONTEXT_OVERFLOW: "R1",
    SignalKind.PLACEHOLDER: "E2.4",
    SignalKind.ASKED_CONFIRMATION: "P1",
    SignalKind.ANSWER_FORM: "R2",
}
_FINER = {
    (SignalKind.PLACEHOLDER, "key"): "E2.3",
    (SignalKind.PLACEHOLDER, "path"): "E2.3",
}


def quote_of(content: str, found: re.Match[str]) -> str:
    """Return the line of the match, cut at words around it if it is long: what a reader should see, verbatim."""
    least = max(0, found.start() - QUOTE)  # looking further back would make long lines cost their square
    start = content.rfind("\n", least, found.start()) + 1 or least
    end = content.find("\n", found.start() + 1, found.end() + QUOTE)
    end = min(len(content), found.end() + QUOTE) if end < 0 else end
    if end - start > QUOTE:
        if found.start() - start > _BEFORE:
            space = content.find(" ", found.start() - _BEFORE, found.start())
            start = space + 1 if space >= 0 else found.start()
        end = min(end, max(start + QUOTE, found.end()))
    return content[start:end].strip() or found[0].strip()
