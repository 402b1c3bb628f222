"""Tokens of a request, counted offline with OpenAI's cl100k_base, as it lies in litellm.

Providers count a little differently; what they report of a call is preferred where they do.
"""

from __future__ import annotations

import json
import os
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tiktoken import Encoding

PER_MESSAGE, PER_REPLY = 3, 3  # what the chat form adds, by OpenAI's cookbook
_PIECE = 4_000  # characters: the tokenizer is quadratic in the length of a word, and a page may be one


def count(text: str) -> int:
    """Return the tokens of a text."""
    return sum(_count(text[at : at + _PIECE]) for at in range(0, len(text), _PIECE))


def head(text: str, tokens: int) -> str:
    """Return the longest beginning of a text, to within a piece's rounding, that has at most so many tokens."""
    parts: list[str] = []
    for at in range(0, len(text), _PIECE):
        encoded = _encoding().encode_ordinary(text[at : at + _PIECE])
        if len(encoded) > tokens:
            parts.append(_encoding().decode(encoded[: max(0, tokens)]).rstrip("\ufffd"))
            break
        parts.append(text[at : at + _PIECE])
        tokens -= len(encoded)
    return "".join(parts)


def of_message(message: Mapping[str, Any]) -> int:
    """Return the tokens of one message of a chat, its tool calls included."""
    calls = message.get("tool_calls") or message.get("function_call")
    name = message.get("name")
    return (
        PER_MESSAGE
        + count(fields.text(message.get("content")))
        + (count(json.dumps(calls)) if calls else 0)
        + (1 + count(name) if isinstance(name, str) else 0)
    )


def of_request(body: Mapping[str, Any]) -> int:
    """Return the tokens of a request: its messages and its tools."""
    tools = body.get("tools") or body.get("functions")
    return of_messages(body["messages"]) + (count(json.dumps(tools)) if tools else 0)


def of_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    """Return the tokens of a chat."""
    return PER_REPLY + sum(of_message(message) for message in messages)


@lru_cache(maxsize=4_096)  # a chat is sent again whole with every call
def _count(piece: str) -> int:
    return len(_encoding().encode_ordinary(piece))


@cache
def _encoding() -> Encoding:
    litellm = find_spec("litellm")  # found, not imported: it weighs seconds
    if litellm is not None and litellm.origin:
        folder = Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(folder))
    import tiktoken  # noqa: PLC0415 - reads a megabyte

    return tiktoken.get_encoding("cl100k_base")
