"""Model: whatever answers a chat completion behind the recording proxy: a provider by litellm, or the scripted one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Model(Protocol):
    """The seam behind the proxy. Bodies are OpenAI's chat completions API, as JSON.

    It may be asked from several threads at once, where an agent has several calls under way.
    """

    def complete(self, body: Mapping[str, Any], /) -> dict[str, Any]:
        """Answer a request (its `stream` is to be ignored) with a `chat.completion` object. Raises ModelError."""
        ...


@runtime_checkable
class Streams(Protocol):
    """A model that can answer piece by piece. Others are asked for the whole, which is then sent in pieces."""

    def stream(self, body: Mapping[str, Any], /) -> Iterator[dict[str, Any]]:
        """Yield `chat.completion.chunk` objects, the last with `usage` where it is known. Raises ModelError."""
        ...


@runtime_checkable
class Priced(Protocol):
    """A model whose calls cost money. Calls of others cost nothing."""

    def cost(self, body: Mapping[str, Any], usage: Mapping[str, Any], /) -> float | None:
        """Return the price in USD of a call for this request by its usage; None where no price is known."""
        ...


@runtime_checkable
class Named(Protocol):
    """A model that knows under which names it can be asked for."""

    def names(self) -> tuple[str, ...]:
        """Return the names that `/v1/models` lists. Raises ModelError."""
        ...


class ModelError(RuntimeError):
    """A model that does not answer: `status` and `kind` are passed on to the agent as OpenAI's API would."""

    def __init__(self, problem: str, *, status: int = 502, kind: str = "api_error") -> None:
        super().__init__(problem)
        self.status, self.kind = status, kind
