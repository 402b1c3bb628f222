"""What AutoGen 0.2's logs have in common: who speaks in which role, and its printed tool calls and responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from classifier.trace import Role, Step, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable

FRAMEWORK = "autogen"
_PROXY = re.compile(r"proxy|^(?:user|human|admin|customer|client)$", re.IGNORECASE)
_EXECUTOR = re.compile(r"^(?:computer_?terminal|(?:code_?)?executor(?:_?agent)?)$", re.IGNORECASE)
_RESULT = re.compile(r"\s*(?:exitcode: -?\d+ \(|\*{5} Response from calling (?:tool|function) )")
_CALL = re.compile(
    r"^\*{5} Suggested (?:tool|function) [Cc]all(?: \((?P<id>[^)\n]*)\))?: (?P<name>[^\n]+?) ?\*{5}\n"
    r"Arguments: *\n(?P<arguments>(?:(?!\*{5})[^\n]*\n)*+)\*{10,}$",
    re.MULTILINE,
)


class Message(NamedTuple):
    """One message as AutoGen sent it. `result`: the source itself says that a tool or code gave it."""

    sender: str
    to: str | None
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    kind: str | None = None
    result: bool = False
    system: bool = False


def to_steps(messages: Iterable[Message]) -> tuple[Step, ...]:
    """Make steps of the messages. A chat role means nothing in AutoGen: each agent sees itself as the assistant."""
    return tuple(
        Step(
            index=i,
            agent=message.sender,
            role=_role(message, first=i == 0),
            content=message.content,
            to=message.to,
            kind=message.kind,
            tool_calls=message.tool_calls or printed_calls(message.content),
        )
        for i, message in enumerate(messages)
    )


def printed_calls(content: str) -> tuple[ToolCall, ...]:
    """Read the tool calls that AutoGen prints into a message."""
    if "Suggested " not in content:
        return ()
    return tuple(
        ToolCall(name=m["name"].strip(), arguments=m["arguments"].strip(), id=m["id"]) for m in _CALL.finditer(content)
    )


def first_request(steps: tuple[Step, ...]) -> str:
    """Return the task: what the first speaker (or the first user) asked."""
    first = next((step for step in steps if step.role is Role.USER and step.content.strip()), steps[0])
    return first.content.strip()


def _role(message: Message, *, first: bool) -> Role:
    if message.system:
        return Role.SYSTEM
    if message.result or _RESULT.match(message.content) or _EXECUTOR.match(message.sender):
        return Role.TOOL
    if first or _PROXY.search(message.sender):  # the one who opens the chat gives the task
        return Role.USER
    return Role.ASSISTANT
