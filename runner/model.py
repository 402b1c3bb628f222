"""Model: whatever answers a chat completion behind the recording proxy: a provider by litellm, or the scripted one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Model(Protocol):
    """The seam behind the proxy. Bodies are OpenAI's chat completions API, as JSON."""

    def complete(self, body: Mapping[str, Any], /) -> dict[str, Any]:
        """Answer a request (its `stream` is to be ignored) with a `chat.completion` object. Raises ModelError."""
        ...


class ModelError(RuntimeError):
    """A model that does not answer: `status` and `kind` are passed on to the agent as OpenAI's API would."""

    def __init__(self, problem: str, *, status: int = 502, kind: str = "api_error") -> None:
        super().__init__(problem)
        self.status, self.kind = status, kind
