"""Runs out of the records of AutoGen 0.2's runtime_logging, whichever way they were stored (SQLite or file).

The conversation is what agents received. A group's manager relays every message to the others; relays are dropped. A
completion of a language model adds a message only where the log holds no event of it (logs of versions before events
have completions only; then the messages of their requests are read, too).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier.formats import _autogen
from classifier.formats import _fields as fields
from classifier.formats._autogen import Message
from classifier.formats._chat import tool_calls
from classifier.formats._source import parse_json
from classifier.trace import Limits, Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]

_INTERNAL = {"checking_agent", "speaker_selection_agent"}  # AutoGen's own talk about who speaks next


class Log(NamedTuple):
    """The records of one session, each table in the order of writing."""

    session: str
    events: list[Row]
    completions: list[Row]
    agents: list[Row]


def run(log: Log, format_: str) -> Trace | None:
    """Return the session's run, or None where nobody said anything in it."""
    heard = list(_heard(log.events))
    timed = [*heard, *_replied(log.completions, heard)]
    timed.sort(key=lambda item: item[0])
    messages = [message for _, message in timed]
    if not heard:
        messages = list(_asked(log.completions))
    if not messages:
        return None
    steps = _autogen.to_steps(messages)
    return Trace(
        id=log.session,
        format=format_,
        framework=_autogen.FRAMEWORK,
        task=_autogen.first_request(steps),
        steps=steps,
        limits=Limits(max_rounds=_max_rounds(log.agents)),
    )


def load(value: Any, place: str) -> Any:
    """Return a JSON column's value; text that was cut off is a TraceError at `place`."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except TraceError as error:
        raise TraceError(error.problem, place=f"{place}, {error.place}") from None


def _heard(events: list[Row]) -> Iterator[tuple[str, Message]]:
    managers = {"chat_manager", *(e.get("source_name") for e in events if _is_manager(e))}
    sent: dict[str, set[str]] = {}  # what each of them was sent, and may relay
    for i, event in enumerate(events):
        if event.get("event_name") != "received_message":
            continue
        place = f"events[{i}].json_state"
        state = fields.mapping(load(event.get("json_state"), place), place)
        sender = fields.name(state.get("sender"), f"{place}.sender")
        receiver = fields.name(event.get("source_name"), f"events[{i}].source_name")
        if {sender, receiver} & _INTERNAL:
            continue
        message = _message(state.get("message"), sender, receiver, f"{place}.message")
        key = message.content.strip()
        if sender in managers and key in sent.get(sender, ()):
            continue
        sent.setdefault(receiver, set()).add(key)
        yield fields.text(event.get("timestamp")), message


def _is_manager(event: Row) -> bool:
    return "GroupChatManager" in fields.text(event.get("agent_class_name", event.get("agent_class")))


def _replied(completions: list[Row], heard: Iterable[tuple[str, Message]]) -> Iterator[tuple[str, Message]]:
    """Completions that nobody is known to have received."""
    known = Counter((message.sender, message.content.strip()) for _, message in heard)
    for row in completions:
        sender = fields.text(row.get("source_name")).strip() or "assistant"
        message = _reply(row, sender)
        if sender in _INTERNAL or message is None:
            continue
        key = (sender, message.content.strip())
        if known[key]:
            known[key] -= 1
        else:
            yield fields.text(row.get("end_time")), message


def _asked(completions: list[Row]) -> Iterator[Message]:
    """Messages of the requests as they come up, and the replies to them."""
    seen: set[str] = set()
    for row in completions:
        agent = fields.text(row.get("source_name")).strip() or "assistant"
        if agent in _INTERNAL:
            continue
        request = load(row.get("request"), "chat_completions.request")
        said = request.get("messages") if isinstance(request, dict) else None
        for i, item in enumerate(said if isinstance(said, list) else []):
            entry = fields.mapping(item, f"request.messages[{i}]")
            role = fields.text(entry.get("role"))
            sender = fields.text(entry.get("name")) or {"assistant": agent, "user": "user_proxy"}.get(role, role)
            message = _message(entry, sender or "user_proxy", agent, f"request.messages[{i}]")
            key = message.content + repr(message.tool_calls)
            if key not in seen:
                seen.add(key)
                yield message
        reply = _reply(row, agent)
        if reply:
            seen.add(reply.content + repr(reply.tool_calls))
            yield reply


def _message(value: Any, sender: str, to: str, place: str) -> Message:
    if not isinstance(value, dict):
        return Message(sender, to, fields.text(value))
    role = value.get("role")
    return Message(
        sender=sender,
        to=to,
        content=fields.text(value.get("content")),
        tool_calls=tool_calls(value, place),
        result=role in ("tool", "function") or bool(value.get("tool_responses")),
        system=role == "system",
    )


def _reply(row: Row, sender: str) -> Message | None:
    """Return the message of a completion; of a text that was cut off, as much of its content as is there."""
    response = row.get("response")
    if isinstance(response, str):
        try:
            response = parse_json(response)
        except TraceError:
            content = partial_string(response, "content")
            return Message(sender, None, content) if content else None
    if not isinstance(response, dict):
        return None
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        return None
    return Message(sender, None, fields.text(message.get("content")), tool_calls(message, "response.choices[0]"))


def partial_string(text: str, key: str) -> str:
    """Return the value of a string field in JSON text that may end in the middle of it, "" where there is none."""
    match = re.search(rf'"{re.escape(key)}": ?"((?:[^"\\]|\\(?:u[0-9a-fA-F]{{4}}|[^u]))*+)', text)
    if not match:
        return ""
    try:
        return fields.clean(json.loads(f'"{match[1]}"', strict=False))
    except ValueError:
        return ""


def _max_rounds(agents: list[Row]) -> int | None:
    """Return the lowest cap on replies that an agent was made with."""
    caps = []
    for row in agents:
        try:
            made_with = load(row.get("init_args", row.get("args")), "agents.init_args")
        except TraceError:
            continue  # cut off: the cap is a detail, not worth the run
        cap = made_with.get("max_consecutive_auto_reply") if isinstance(made_with, dict) else None
        if isinstance(cap, int) and not isinstance(cap, bool) and cap > 0:
            caps.append(cap)
    return min(caps, default=None)
