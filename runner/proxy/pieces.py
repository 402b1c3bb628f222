"""A chat completion in pieces, as it is streamed: a whole one taken apart, and pieces put together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LENGTH = 400  # characters of content a piece


def apart(completion: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the chunks that say a completion, without its usage."""
    message = completion["choices"][0]["message"]
    said = {name: message[name] for name in ("content", "refusal") if isinstance(message.get(name), str)}
    yield _chunk(completion, {"role": "assistant", "content": "" if "content" in said else None})
    for name, text in said.items():
        for at in range(0, len(text), _LENGTH):
            yield _chunk(completion, {name: text[at : at + _LENGTH]})
    if calls := message.get("tool_calls"):
        yield _chunk(completion, {"tool_calls": [{"index": i, **call} for i, call in enumerate(calls)]})
    if call := message.get("function_call"):
        yield _chunk(completion, {"function_call": call})
    yield _chunk(completion, {}, completion["choices"][0].get("finish_reason") or "stop")


def usage_chunk(like: Mapping[str, Any], usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last chunk of a stream whose caller asked for the usage."""
    return {**_base(like), "choices": [], "usage": dict(usage)}


def event(value: Mapping[str, Any]) -> bytes:
    """Return a server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Assembly:
    """The completion that chunks add up to."""

    def __init__(self) -> None:
        self._first: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._function: dict[str, str] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] | None = None

    def add(self, chunk: Mapping[str, Any]) -> dict[str, Any] | None:
        """Take a chunk in, and return what of it an agent is sent: no usage, for it may not have asked."""
        self._first = self._first or dict(chunk)
        if chunk.get("usage"):
            self._usage = dict(chunk["usage"])
        if not chunk.get("choices"):
            return None
        choice = chunk["choices"][0]
        delta = choice.get("delta") or {}
        for name in ("content", "refusal"):
            if isinstance(delta.get(name), str):
                self._texts.setdefault(name, []).append(delta[name])
        for i, call in enumerate(delta.get("tool_calls") or ()):
            self._add_call(call.get("index", i), call)
        for name, text in (delta.get("function_call") or {}).items():
            self._function[name] = self._function.get(name, "") + (text or "")
        self._finish = choice.get("finish_reason") or self._finish
        return {name: value for name, value in chunk.items() if name != "usage"}

    def completion(self) -> dict[str, Any]:
        """Return the whole, as far as it came."""
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: "".join(parts) for name, parts in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [self._calls[i] for i in sorted(self._calls)]
        if self._function:
            message["function_call"] = self._function
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        whole = {**_base(self._first), "object": "chat.completion", "choices": [choice]}
        return whole if self._usage is None else whole | {"usage": self._usage}

    def _add_call(self, index: int, call: Mapping[str, Any]) -> None:
        mine = self._calls.setdefault(
            index, {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
        )
        mine["id"] = call.get("id") or mine["id"]
        for name, text in (call.get("function") or {}).items():
            if name in mine["function"] and text:
                mine["function"][name] += text


def _chunk(like: Mapping[str, Any], delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {**_base(like), "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _base(like: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": like.get("id") or "chatcmpl-coroner",
        "object": "chat.completion.chunk",
        "created": like.get("created") or 0,
        "model": like.get("model") or "",
    }
