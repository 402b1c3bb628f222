"""Facts about the run's answer: that there is none, or that it has not the form that the task asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from classifier.signals._signal import QUOTE, Signal, SignalKind
from classifier.signals._voices import Voice, passages
from classifier.trace import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.trace import Step, Trace

_LAST = 3  # steps from the end in which an answer is looked for

_MARKED = re.compile(
    r"<answer>(?P<tag>.*?)(?:</answer>|\Z)"
    r"|^[ \t*#]{0,6}FINAL ANSWER[ \t*]{0,4}:[ \t*]*(?P<line>[^\n]*)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_DECLINED = re.compile(
    r"^\W{0,3}(?:unable to|could not|couldn't|cannot|can't|not (?:able|found|available|determin|possible)|undetermined"
    r"|unknown|n/?a\b|none (?:found|available)|no (?:answer|data|information|result)s?\b"
    r"|(?:I am|I'm|I was|we were|we are) (?:unable|not able)|(?:I|we) (?:could not|couldn't|cannot|can't))"
    r"|\b(?:I am|I'm|we are|was|were) (?:unable|not able) to (?:compute|determine|find|provide|answer|give|locate)"
    r"|\bmaking it impossible to\b"
    r"|\b(?:cannot|could not) be (?:determined|found|computed|answered|provided)\b",
    re.IGNORECASE,
)

_CLOSED = re.compile(r"\b(?:TERMINATE|TASK_COMPLETED?)\b")
_HANDS_OVER = re.compile(r"transfer|hand_?off|escalate|submit|finish|final|terminate", re.IGNORECASE)


class _Answer(NamedTuple):
    step: Step
    text: str  # verbatim, stripped; may be empty
    quote: str  # what to show: the text, or the mark where there is none


class _Form(NamedTuple):
    """A form that a task may ask for: how it asks, and what an answer must then be (or must not contain)."""

    name: str
    asked: re.Pattern[str]
    fits: re.Pattern[str] | None = None
    breaks: str | None = None  # a pattern in which {0} stands for what the task names


def _form(name: str, asked: str, fits: str | None = None, breaks: str | None = None) -> _Form:
    fitting = re.compile(fits, re.IGNORECASE | re.DOTALL) if fits else None
    return _Form(name, re.compile(asked, re.IGNORECASE), fitting, breaks)


_FORMS = (
    _form(
        "an integer",
        r"\b(?:answer|it|result)\b[^.\n]{0,40}\b(?:an|a single|a numerical|a whole) (?:numerical )?(?:integer|number)\b"
        r"[^.\n]{0,12}(?:\.|$)"
        r"|\bas (?:just )?an integer\b",
        r"^[\W_]{0,6}-?\d[\d, ]{0,30}(?:\.0{1,6})?[\W_]{0,6}$",
    ),
    _form(
        "a number",
        r"\b(?:just|only) (?:give|provide|answer with|return|write) (?:the|a) number\b(?! of)"
        r"|\bgive (?:just |only )?the number only\b"
        r"|\byou(?:'d| would) give \"?-?\d[\d.,]{0,12}\"?(?:\W|$)",
        r"^[\W_]{0,6}(?:\\boxed\{)?-?\d[\d,. ]{0,30}[\W_]{0,6}$",
    ),
    _form("a date", r"\bformat (?:DD/MM/YYYY|MM/DD/YYYY)\b", r"^[\W_]{0,6}\d{1,2}/\d{1,2}/\d{4}[\W_]{0,6}$"),
    _form("a comma-separated list", r"\bcomma[- ](?:separated|delimited)\b", r"^[^\n;]*$"),
    _form(
        "JSON",
        r"\b(?:list of jsons?|(?:as|in) (?:a )?json\b|json (?:object|array|list|format))",
        r"^\s*(?:```\w*\s*)?[\[{].*[\]}]",
    ),
    _form(
        "yes or no",
        r"\banswer (?:with )?(?:just |only )?[\"']?yes[\"']? or [\"']?no\b",
        r"^[\W_]{0,6}(?:yes|no)[\W_]{0,6}$",
    ),
    _form(
        "one word",
        r"\b(?:in|with|as|give) (?:just |only )?(?:a single|one) word\b|\bgive (?:just|only) the (?:first|last) name\b",
        r"^[\W_]{0,6}[\w'-]+[\W_]{0,6}$",
    ),
    _form("no articles", r"\bwithout (?:using )?(?:any )?articles\b", r"^(?!(?:the|a|an) )"),
    _form(
        "without a word",
        r"\b(?:don'?t|do not) use the (?:prefix|word|suffix) \"?(\w{2,20})\"? in your answer",
        breaks=r"\b{0}",
    ),
)
_PLACES = re.compile(
    r"\b(?:to|nearest) (\d{1,2}|one|two|three|four|five|six) decimal (?:places?|digits?)\b", re.IGNORECASE
)
_DIGITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DECIMAL = re.compile(r"^[\W_]{0,6}-?\d[\d,]{0,20}\.(\d{1,30})[\W_]{0,6}$")


def read_answers(trace: Trace) -> Iterator[Signal]:
    """Yield what is wrong with the run's answer on its face: absent, declined, empty, or not in the form asked."""
    answer = _answer(trace)
    if answer is None:
        yield from _unfinished(trace)
        return
    if not answer.text:
        yield Signal(kind=SignalKind.NO_ANSWER, step=answer.step.index, quote=answer.quote, detail="empty")
    elif found := _DECLINED.search(answer.text[:600]):
        start = 0 if found.end() <= QUOTE else found.start()
        quote = answer.text[start : start + QUOTE]
        yield Signal(kind=SignalKind.NO_ANSWER, step=answer.step.index, quote=quote.strip(), detail="declined")
    elif (form := _missed(trace.task, answer.text)) is not None:
        yield Signal(
            kind=SignalKind.ANSWER_FORM, step=answer.step.index, quote=answer.text[:QUOTE].strip(), detail=form
        )


def _missed(task: str, answer: str) -> str | None:
    """Return the form that the task asks for and the answer has not."""
    for form in _FORMS:
        if asked := form.asked.search(task):
            if form.fits is not None and not form.fits.search(answer):
                return form.name
            if form.breaks and re.search(form.breaks.format(re.escape(asked[1])), answer, re.IGNORECASE):
                return f"{form.name}: {asked[1]}"
    if (asked := _PLACES.search(task)) and (decimal := _DECIMAL.match(answer)):
        places = _DIGITS.get(asked[1].lower()) or int(asked[1])
        return f"{places} decimal places" if len(decimal[1]) > places else None
    return None


def _answer(trace: Trace) -> _Answer | None:
    """Return the last answer that is marked as such near the run's end."""
    agents = [step for step in trace.steps if step.role is Role.ASSISTANT]
    for step in reversed(agents[-_LAST:]):
        found = list(_MARKED.finditer(step.content))
        if found:
            group = "tag" if found[-1]["tag"] is not None else "line"
            return _Answer(step, found[-1][group].strip(), found[-1][0].strip())
    return None


def _unfinished(trace: Trace) -> Iterator[Signal]:
    """Yield a signal if the run stops while something is under way: a call, code, an order, an output unread."""
    last = trace.steps[-1]
    said = next((step.content for step in reversed(trace.steps) if step.role is Role.ASSISTANT), "")
    if last.role in {Role.USER, Role.SYSTEM} or not last.content.strip() or _CLOSED.search(said):
        return
    if _HANDS_OVER.search(last.agent) or any(_HANDS_OVER.search(call.name) for call in last.tool_calls):
        return
    voices = {passage.voice for passage in passages(last)}
    if last.role is Role.TOOL or last.tool_calls or last.kind == "instruction" or voices - {Voice.SAID}:
        quote = last.content.rstrip().rsplit("\n", 1)[-1][-QUOTE:].strip()
        yield Signal(kind=SignalKind.NO_ANSWER, step=last.index, quote=quote, detail="unfinished")
