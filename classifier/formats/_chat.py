"""Tool calls as OpenAI's chat API writes them, which many formats embed."""

from __future__ import annotations

from typing import Any

from classifier.formats import _fields as fields
from classifier.trace import ToolCall


def tool_calls(message: dict[str, Any], place: str) -> tuple[ToolCall, ...]:
    """Return the calls of a message: `tool_calls`, or the older `function_call`.

    Arguments stay the text that the model wrote.
    """
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        calls = [calls]
    found = [_call(call, f"{place}.tool_calls[{i}]") for i, call in enumerate(calls)]
    if message.get("function_call"):
        found.append(_call({"function": message["function_call"]}, f"{place}.function_call"))
    return tuple(found)


def _call(value: Any, place: str) -> ToolCall:
    call = fields.mapping(value, place)
    function = fields.mapping(call.get("function", call), place)
    return ToolCall(
        name=fields.name(function.get("name"), f"{place}.name"),
        arguments=fields.text(function.get("arguments", function.get("input"))),
        id=fields.optional(call.get("id")),
    )
