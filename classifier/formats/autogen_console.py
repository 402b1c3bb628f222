"""AutoGen 0.2 console text: `sender (to receiver):`, a blank line, the message, and a line of 80 dashes.

Between the messages stands what the program said meanwhile (code about to be executed, streamed text that the message
repeats, warnings). A step is one message that a dashed line closes, so the steps count as a reader would count them.
A message that prints such a line itself is put together again. A traceback that ends the run is a step of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.formats import _autogen
from classifier.formats import _fields as fields
from classifier.formats._autogen import Message
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.formats._source import Source

_HEADER = re.compile(r"^(?P<sender>[^\s(][^\n(]{0,99}) \(to (?P<to>[^\n()]{1,100})\):\n\n", re.MULTILINE)
_RULE = "-" * 80
_EXECUTING = re.compile(r"^>>>>>>>> EXECUTING (?:CODE BLOCK|FUNCTION|ASYNC FUNCTION|TOOL)", re.MULTILINE)
_TERMINATING = re.compile(r"^>>>>>>>> TERMINATING RUN .*$", re.MULTILINE)
_CRASH = re.compile(r"^Traceback \(most recent call last\):.*", re.MULTILINE | re.DOTALL)


def sniff(source: Source) -> bool:
    """Say whether it holds a message header and a dashed line."""
    if source.is_sqlite or not source.is_text or source.document is not None:
        return False
    text = source.plain
    return f"\n{_RULE}" in text and _HEADER.search(text) is not None


def parse(source: Source) -> list[Trace]:
    """Return the one run in the text."""
    steps = _autogen.to_steps(_messages(source.plain))
    if not steps:
        raise TraceError("no steps: no message header like 'user_proxy (to assistant):'")
    task = _autogen.first_request(steps)
    return [Trace(id="", format="autogen_console", framework=_autogen.FRAMEWORK, task=task, steps=steps)]


def _messages(text: str) -> list[Message]:
    """Walk over the dashed lines: each closes a message, or goes on with the one before it."""
    messages: list[tuple[Message, list[str]]] = []  # with the blocks that go on with it
    nested = False  # the last message was a tool's response, printed inside the message that brings it
    *closed, rest = _blocks(text)
    for block in closed:
        header = _HEADER.search(block)
        if header:
            gap, nested = block[: header.start()], False
            while inner := _HEADER.match(block, header.end()):
                header, nested = inner, True
            messages.append((_message(header, gap, block[header.end() :]), []))
        elif messages and nested:  # what the user said besides the tool's response
            last, _ = messages[-1]
            messages.append((Message(last.sender, last.to, fields.clean(block.strip("\n"))), []))
            nested = False
        elif messages:
            messages[-1][1].append(fields.clean(block.strip("\n")))
    whole = [m._replace(content=f"\n{_RULE}\n".join([m.content, *more])) if more else m for m, more in messages]
    return [*whole, *_ending(rest)]


def _blocks(text: str) -> Iterator[str]:
    start = 0
    for rule in re.finditer(rf"^{_RULE}$\n?", text, re.MULTILINE):
        yield text[start : rule.start()]
        start = rule.end()
    yield text[start:]


def _message(header: re.Match[str], gap: str, body: str) -> Message:
    result = _EXECUTING.search(gap) is not None
    return Message(
        sender=fields.clean(header["sender"].strip()),
        to=fields.clean(header["to"]),
        content=fields.clean(body.strip("\n")),
        result=result,
        kind="auto reply" if "USING AUTO REPLY" in gap and not result else None,
    )


def _ending(rest: str) -> Iterator[Message]:
    """Read what follows the last dashed line: a message cut off, the reason of the end, a crash."""
    header = _HEADER.search(rest)
    if header:
        yield _message(header, rest[: header.start()], rest[header.end() :])
        return
    if reason := _TERMINATING.search(rest):
        yield Message("autogen", None, fields.clean(reason[0]), kind="termination", result=True)
    if crash := _CRASH.search(rest):
        yield Message("autogen", None, fields.clean(crash[0].strip()), kind="crash", result=True)
