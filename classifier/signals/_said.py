"""Facts in the agent's own words and code: made-up data and placeholders, and confirmations asked of nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.signals._signal import Signal, SignalKind, quote_of
from classifier.signals._voices import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.signals._voices import Passage
    from classifier.trace import Step

_LATE = 400  # a question that stops the work stands at the end of what is said

_INVENTED = r"mock(?:ed|up)?|dummy|fake|simulated|synthetic|hypothetical|fictional|placeholder|made[- ]up|sample"
_THINGS = (
    r"(?:data(?:set|frame|base)?|values?|numbers?|results?|responses?|prices?|coordinates|records?|entries|csv|files?"
    r"|addresses|distances|content|revenue|sales|scores?|figures|implementation)"
)
# Literals (lower case), one of which must occur, keep most steps from being searched at all.
_IN_CODE = (
    (
        "key",
        re.compile(
            r"(?i)\bYOUR[-_ ][A-Z0-9_-]{0,40}(?:KEY|TOKEN|SECRET|ID|PASSWORD|USERNAME)[A-Z0-9_]{0,20}\b"
            r"|\byour[-_](?:\w{1,30}[-_])?(?:key|token|secret|password|credentials)\b"
            r"|<your[^>\n]{1,40}>"
            r"|\bINSERT_\w{1,40}_HERE\b"
        ),
    ),
    ("path", re.compile(r"(?i)(?<![\w-])/?(?:your[/_])?path[/_]to[/_][\w./ -]{1,120}|\bpath_to_\w{1,60}")),
    (
        "data",
        re.compile(
            rf"(?i)(?:#[^\n]{{0,80}}|\"\"\"[^\n]{{0,80}}|print\([^\n]{{0,60}})"
            rf"\b(?:{_INVENTED}|example)[ _-](?:\w{{1,20}}[ _-]){{0,2}}{_THINGS}\b"
            rf"|\b(?:mock|dummy|fake|simulated|sample|synthetic)_{_THINGS}\b"
            r"|\bmock_\w{2,40}"
        ),
    ),
)
_IN_PROSE = (
    (
        "data",
        re.compile(
            r"(?i)\b(?:using|use|create|generate|provide|with|on|following|simulate|demonstrate[\w ]{0,30} using)"
            rf"(?: an?| some| the| this| our)? (?:{_INVENTED}) (?:\w{{1,20}} ){{0,2}}{_THINGS}\b"
            r"|\b(?:I will|I'll|we will|we'll|let'?s|let me|we can|I can|I need to|going to) (?:now )?"
            r"(?:simulate|mock(?: up)?|fabricate|make up)\b(?! game)[^.\n]{0,80}"
            r"|\bfor (?:the sake of |the purpose of )?(?:demonstration|illustration|illustrative)\b"
            r"|\bassum(?:e|ing) (?:a |the |these |some )?(?:hypothetical|placeholder|mock|fictional)\b"
        ),
    ),
    ("key", re.compile(r"\b[Rr]eplac(?:e|ing) [`'\"]?YOUR[-_ ]\w{1,40}")),
    ("path", re.compile(r"(?i)\breplac(?:e|ing) (?:the )?[^.\n]{0,60}\bwith (?:the|your) actual (?:\w+ )?path\b")),
)
_LITERALS = (
    *("your", "path", "insert_", "mock", "dummy", "fake", "simulat", "synthetic", "hypothetical", "fictional"),
    *("placeholder", "made-up", "made up", "make up", "sample", "example", "fabricate", "demonstration", "illustrat"),
)
_ASKS = re.compile(
    r"(?im)\b(?:shall|should|may|can) (?:we|I) (?:proceed|continue|go ahead|start|begin|conclude|finali[sz]e|terminate"
    r"|move (?:on|forward))\b[^\n?]{0,160}\?"
    r"|\bshall we\b[^\n?]{0,100}\?"
    r"|\bwould you (?:like|prefer|want) (?:me |us )?to\b[^\n?]{0,200}\?"
    r"|\bdo(?:es)? (?:you|everyone|all (?:of you|members)|we all|anyone)(?: all| both)? "
    r"(?:agree|concur|confirm|want me to|have any objections?)\b[^\n?]{0,160}\?"
    r"|\bare (?:we|you|there)(?: all)? (?:ready|okay|ok|in agreement|any (?:objections|concerns|adjustments))\b"
    r"[^\n?]{0,160}\?"
    r"|\bplease (?:re)?confirm(?: (?:if|whether|that)? ?(?:we|I|you|this|everything|everyone|all|it)\b[^\n]{0,160}"
    r"|[.!]?$)"
    r"|\bplease (?:let (?:me|us) know|advise|tell me) (?:if|whether) (?:I|we|you agree|this|everyone)\b[^\n]{0,160}"
)


def read_said(step: Step, passages: Sequence[Passage], *, nobody_answers: bool, opens: bool) -> Iterator[Signal]:
    """Yield what the agent says or writes on a step.

    `nobody_answers`: no human speaks after it in the run. `opens`: it is the run's first message, and its prose the
    task.
    """
    yield from _placeholders(step, passages, opens=opens)
    acts = bool(step.tool_calls) or any(passage.voice is not Voice.SAID for passage in passages)
    if nobody_answers and not acts and not opens:
        end = passages[-1].end
        if found := _ASKS.search(step.content, max(passages[-1].start, end - _LATE), end):
            yield Signal(kind=SignalKind.ASKED_CONFIRMATION, step=step.index, quote=quote_of(step.content, found))


def _placeholders(step: Step, passages: Sequence[Passage], *, opens: bool) -> Iterator[Signal]:
    lower = step.content.lower()
    if not any(literal in lower for literal in _LITERALS):
        return
    patterns = {Voice.CODE: _IN_CODE, Voice.SAID: () if opens else _IN_PROSE}
    seen: set[str] = set()
    for passage in passages:
        for detail, pattern in patterns.get(passage.voice, ()):
            if detail not in seen and (found := pattern.search(step.content, passage.start, passage.end)):
                seen.add(detail)
                quote = quote_of(step.content, found)
                yield Signal(kind=SignalKind.PLACEHOLDER, step=step.index, quote=quote, detail=detail)
