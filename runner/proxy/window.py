"""Window: a context window smaller than the model's own, so that a run meets it as it would meet a real one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from classifier.formats import _fields as fields
from classifier.trace import Frozen
from runner.model import ModelError
from runner.proxy import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST = 16  # tokens of a cut text that are kept, whatever the window


class Full(StrEnum):
    """What happens to a request that does not fit."""

    TRUNCATE = "truncate"  # the oldest messages are left out, then the longest is cut: what local servers do, silently
    REFUSE = "refuse"  # 400 context_length_exceeded: what providers do


class Window(Frozen):
    """The prompt may have `tokens` tokens."""

    tokens: int = Field(ge=64)
    full: Full = Full.TRUNCATE


class Fitted(NamedTuple):
    """A request's messages as the model sees them: `messages[i]` is None where it is left out."""

    messages: tuple[dict[str, Any] | None, ...]
    left_out: int = 0  # messages
    cut: int = 0  # tokens


def fit(messages: Sequence[dict[str, Any]], window: Window, extra: int = 0) -> Fitted:
    """Make the messages fit; `extra` tokens are taken by the tools. Raises ModelError where they are refused.

    System messages and the last message are never left out. What is cut loses its end, where a mark says how much.
    """
    sizes = [tokens.of_message(message) for message in messages]
    used = tokens.PER_REPLY + extra + sum(sizes)
    if used <= window.tokens:
        return Fitted(tuple(messages))
    if window.full is Full.REFUSE:
        raise ModelError(
            f"This model's maximum context length is {window.tokens} tokens. However, your messages resulted in "
            f"{used} tokens. Please reduce the length of the messages.",
            status=400,
            kind="context_length_exceeded",
        )
    seen: list[dict[str, Any] | None] = list(messages)
    left_out = cut = 0
    for group in _groups(messages)[:-1]:  # the last is what is to be answered
        if used <= window.tokens:
            break
        for i in group:
            seen[i], used, left_out = None, used - sizes[i], left_out + 1
    while used > window.tokens:
        longest = max((i for i, message in enumerate(seen) if message), key=lambda i: sizes[i])
        shorter = _shortened(messages[longest], used - window.tokens)
        size = tokens.of_message(shorter)
        if size >= sizes[longest]:
            break  # nothing is left that could be cut
        cut, used = cut + sizes[longest] - size, used - sizes[longest] + size
        seen[longest], sizes[longest] = shorter, size
    return Fitted(tuple(seen), left_out, cut)


def _groups(messages: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Return what may be left out together, oldest first: a call without its answers would be refused, as they are."""
    groups: list[list[int]] = []
    for i, message in enumerate(messages):
        if message.get("role") in {"system", "developer"}:
            continue
        if message.get("role") == "tool" and groups:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _shortened(message: dict[str, Any], over: int) -> dict[str, Any]:
    text = fields.text(message.get("content"))
    whole = tokens.count(text)
    mark = "\n[… {} tokens cut: the context window is full]"
    keep = max(_LEAST, whole - over - tokens.count(mark) - 4)
    if keep >= whole:
        return message
    return message | {"content": tokens.head(text, keep) + mark.format(whole - keep)}
