"""OpenAI chat messages: a list, `{"messages": [...]}`, or JSONL of messages (one run) or of such objects (a run each).

With `tool_calls` or the older `function_call`, and tool results. The most general of the formats, so it is asked last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats._chat import tool_calls
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from classifier.formats._source import Source

LAST_RESORT = True


def sniff(source: Source) -> bool:
    """Say whether it begins with a chat message."""
    head = source.head
    if isinstance(head, dict) and isinstance(head.get("messages"), list):
        head = next(iter(head["messages"]), None)
    return _is_message(head)


def parse(source: Source) -> list[Trace]:
    """Return the run of a list of messages, or a run per object that holds one."""
    records = source.records
    if any(_is_message(record) for _, record in records):
        return [_run([record for _, record in records], [place for place, _ in records], "")]
    runs = []
    for place, record in records:
        chat = fields.mapping(record, place)
        here = f"{place}.messages".lstrip(".")
        messages = fields.sequence(chat.get("messages"), here)
        places = [f"{here}[{i}]" for i in range(len(messages))]
        own = chat.get("id")
        runs.append(_run(messages, places, fields.clean(own) if isinstance(own, str) else ""))
    return runs


def _run(messages: list[Any], places: list[str], id_: str) -> Trace:
    names: dict[str, str] = {}  # a call's id -> the tool's name
    steps = []
    for i, (item, place) in enumerate(zip(messages, places, strict=True)):
        step = _step(fields.mapping(item, place), place, i, names)
        names.update({call.id: call.name for call in step.tool_calls if call.id})
        steps.append(step)
    task = next((step.content for step in steps if step.role is Role.USER and step.content.strip()), "")
    return Trace(id=id_, format="openai_chat", framework="openai-chat", task=task.strip(), steps=tuple(steps))


def _step(message: dict[str, Any], place: str, index: int, names: dict[str, str]) -> Step:
    role = fields.role(message.get("role"), f"{place}.role")
    named = message.get("name")
    if not named and role is Role.TOOL:
        named = names.get(fields.text(message.get("tool_call_id")))
    return Step(
        index=index,
        agent=fields.name(named or role.value, f"{place}.name"),
        role=role,
        content=fields.text(message.get("content")) or fields.text(message.get("refusal")),
        tool_calls=tool_calls(message, place),
    )


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value and not value.keys().isdisjoint(_CONTENT)


_CONTENT = {"content", "tool_calls", "function_call"}
