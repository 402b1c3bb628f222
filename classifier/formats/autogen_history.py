"""AutoGen 0.2 chat history as JSON: a ChatResult (`{"chat_history": [...], "summary", "cost"}`), or a group's messages.

Messages are `{"content", "role", "name"}`. `name` says who speaks. Older versions write no name; then the chat role
tells the two speakers apart, as seen by the one who opened the chat (its own messages are "assistant").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.formats import _autogen
from classifier.formats import _fields as fields
from classifier.formats._chat import tool_calls
from classifier.trace import Trace

if TYPE_CHECKING:
    from classifier.formats._source import Source

_LISTS = ("chat_history", "history")
_NAMELESS = {"assistant": "user_proxy", "user": "assistant"}


def sniff(source: Source) -> bool:
    """Say whether it is a chat result, or a list of messages that all name their speaker."""
    head = source.head
    if not isinstance(head, dict):
        return False
    histories = [head[key] for key in _LISTS if isinstance(head.get(key), list)]
    if histories:
        return "question" not in head and all(map(_is_message, histories[0]))
    document = source.document
    return isinstance(document, list) and all(map(_is_message, document)) and _all_named(document)


def parse(source: Source) -> list[Trace]:
    """Return a run per chat."""
    document = source.document
    if isinstance(document, list) and all(map(_is_message, document)):
        return [_run(document, "")]
    return [_run(*_history(fields.mapping(record, place), place)) for place, record in source.records]


def _history(result: dict[str, Any], place: str) -> tuple[list[Any], str]:
    for key in _LISTS:
        if key in result:
            here = f"{place}.{key}".lstrip(".")
            return fields.sequence(result[key], here), here
    return fields.sequence(None, f"{place}.chat_history".lstrip(".")), ""


def _run(history: list[Any], place: str) -> Trace:
    messages = [_message(item, f"{place}[{i}]") for i, item in enumerate(fields.sequence(history, place))]
    steps = _autogen.to_steps(messages)
    task = _autogen.first_request(steps)
    return Trace(id="", format="autogen_history", framework=_autogen.FRAMEWORK, task=task, steps=steps)


def _message(value: Any, place: str) -> _autogen.Message:
    message = fields.mapping(value, place)
    chat_role = fields.text(message.get("role"))
    speaker = message.get("name") or _NAMELESS.get(chat_role, chat_role)
    return _autogen.Message(
        sender=fields.name(speaker, f"{place}.name"),
        to=None,
        content=fields.text(message.get("content")),
        tool_calls=tool_calls(message, place),
        result=chat_role in {"tool", "function"},
        system=chat_role == "system",
    )


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value and ("content" in value or "tool_calls" in value)


def _all_named(messages: list[Any]) -> bool:
    return all(isinstance(m.get("name"), str) and m["name"].strip() for m in messages if m["role"] != "system")
