"""Player: the scripted model behind the proxy. It plays one script in one run of one framework."""

from __future__ import annotations

import hashlib
import json
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.model import ModelError
from runner.scripted import voices
from runner.scripted.moves import rounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.scripted.moves import Script

_CHARS_PER_TOKEN = 4  # a rule of thumb; the proxy counts for itself


class Played(NamedTuple):
    """A call, numbered from 0 as the proxy sees them, the move that it played, and what was said."""

    call: int
    move: int
    said: str


class Player:
    """A `runner.model.Model` made of a script and a framework's voice.

    It is deterministic. A request that repeats the one right before it is a retry: it gets the same answer, and the
    script does not go on.
    """

    def __init__(self, script: Script, framework: str) -> None:
        self.script, self.framework = script, framework
        self.played: tuple[Played, ...] = ()
        self._voice = voices.load(framework)
        self._at = self._calls = 0
        self._last: tuple[str, str] | None = None  # digest of the latest request, and its answer
        self._lock = Lock()  # the proxy may serve calls from several threads

    def rounds(self) -> int:
        """Count the rounds that the whole script takes in the framework."""
        return rounds(self.script.moves, self.framework)

    def complete(self, body: Mapping[str, Any], /) -> dict[str, Any]:
        """Answer a request with the next move. Raises ModelError for a body without messages."""
        messages = _messages(body)
        digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()
        with self._lock:
            call, self._calls = self._calls, self._calls + 1
            if self._last is None or self._last[0] != digest:
                reply = self._voice.reply(messages, self.script, self._at)
                self._at = reply.next
                self.played += tuple(Played(call, move, reply.text) for move in reply.played)
                self._last = digest, reply.text
            said = self._last[1]
        return _completion(str(body.get("model", "scripted")), digest, messages, said)


def _messages(body: Mapping[str, Any]) -> voices.Messages:
    given = body.get("messages")
    if not isinstance(given, list) or not given:
        raise ModelError(
            "messages: expected a list with at least one message", status=400, kind="invalid_request_error"
        )
    return tuple(voices.Message(str(one.get("role", "")), _text(one.get("content"))) for one in given)


def _text(content: Any) -> str:
    """Read a message's content: a string, or a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _completion(model: str, digest: str, messages: voices.Messages, said: str) -> dict[str, Any]:
    asked = sum(len(message.content) for message in messages) // _CHARS_PER_TOKEN
    answered = len(said) // _CHARS_PER_TOKEN
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
    }
