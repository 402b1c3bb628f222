"""Litellm: the Model that asks a provider, any that litellm knows or any OpenAI-compatible endpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from classifier.llm import LlmError, Refused, Retry, knows
from classifier.llm import provider as providers
from runner.model import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RETRY = Retry(attempts=3, longest=8.0, patience=20.0)  # frameworks try again as well, and longer
_KINDS = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_filter",
    "RateLimitError": "rate_limit_exceeded",
    "AuthenticationError": "invalid_api_key",
    "NotFoundError": "model_not_found",
}


class Litellm:
    """Asks `model`, by litellm's name for it; None: whichever the agent asks for, of an OpenAI-compatible provider.

    `api_base` is the provider's address; where litellm knows no provider by the model's name, it is taken to be an
    OpenAI-compatible one. Keys come from the environment alone. `timeout` is in seconds, for one whole answer.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        api_base: str | None = None,
        timeout: float = providers.TIMEOUT,
        retry: Retry = RETRY,
    ) -> None:
        self.model, self.api_base, self.timeout, self.retry = model, api_base, timeout, retry

    def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request. Raises ModelError with the provider's own status."""
        arguments = self._arguments(body)
        response = self._heeding(
            arguments["model"],
            lambda: providers.within(self.timeout, lambda: providers.load().completion(**arguments)),
        )
        answer = _plain(response)
        for choice in answer.get("choices", ()):
            choice.setdefault("message", {}).setdefault("content", None)
        return answer

    def stream(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the chunks of an answer as the provider sends them. Only the first is tried for again."""
        arguments = self._arguments(body) | {"stream": True, "stream_options": {"include_usage": True}}

        def begin() -> tuple[Iterator[Any], Any]:
            chunks = iter(providers.load().completion(**arguments))
            return chunks, next(chunks, None)

        chunks, chunk = self._heeding(arguments["model"], lambda: providers.within(self.timeout, begin))
        said = False
        while chunk is not None:
            plain = _plain(chunk)
            for choice in plain.get("choices", ()):
                choice.setdefault("delta", {})
                choice.setdefault("finish_reason", None)
                if choice["finish_reason"] and not choice["delta"] and not said:
                    # litellm makes an end of its own where the provider sent anything but a stream
                    raise ModelError(f"{arguments['model']}: what the provider sent is no answer")
            said = True
            yield plain
            chunk = self._heeding(arguments["model"], lambda: next(chunks, None), again=False)

    def cost(self, body: Mapping[str, Any], usage: Mapping[str, Any]) -> float | None:
        """Return the price of a call in USD by litellm's price map."""
        return providers.cost(self._name(body), usage)

    def names(self) -> tuple[str, ...]:
        """Return the model, or what the provider at `api_base` lists."""
        if self.model is not None or self.api_base is None:
            return (self.model,) if self.model else ()
        import httpx  # noqa: PLC0415 - asked for seldom

        try:
            got = httpx.get(f"{self.api_base.rstrip('/')}/models", headers={"Authorization": f"Bearer {self._key}"})
            got.raise_for_status()
            return tuple(str(each["id"]) for each in got.json()["data"])
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise ModelError(f"{self.api_base} lists no models: {error}") from error

    @property
    def _key(self) -> str | None:
        """The key for an address of one's own: such servers often want none, but OpenAI's client wants one to send."""
        return os.environ.get("OPENAI_API_KEY") or "none" if self.api_base is not None else None

    def _name(self, body: Mapping[str, Any]) -> str:
        if self.model is None:
            return f"openai/{body.get('model') or ''}"
        return self.model if self.api_base is None or knows(self.model) else f"openai/{self.model}"

    def _arguments(self, body: Mapping[str, Any]) -> dict[str, Any]:
        name = self._name(body)
        ours = {
            "model": name,
            "timeout": self.timeout,
            "num_retries": 0,  # retries are ours, or each of ours would be three
            "max_retries": 0,
            "drop_params": True,
        }
        if self.api_base is not None:
            ours["api_base"] = self.api_base
            if name.startswith("openai/"):
                ours["api_key"] = self._key
        return {**body, **ours}

    def _heeding(self, model: str, call: Callable[[], Any], *, again: bool = True) -> Any:
        """Make the call, again where it may pass then. Raises ModelError."""

        def once() -> Any:
            try:
                return call()
            except LlmError:
                raise
            except Exception as error:
                raise providers.sorted_out(error, model) from error

        try:
            return self.retry.through(once) if again else once()
        except LlmError as error:
            raise _model_error(error) from error


def _model_error(error: LlmError) -> ModelError:
    """Say to the agent what the provider said, under the provider's status."""
    cause = error.__cause__
    status = getattr(cause, "status_code", None)
    if not isinstance(status, int) or not 400 <= status < 600:
        status = 400 if isinstance(error, Refused) else 502
    late = "timeout" in type(cause).__name__.lower() if cause else not isinstance(error, Refused)
    if isinstance(error, Refused) and "cannot be asked" in str(error):  # litellm has no key to ask with
        status = 401
    kind = _KINDS.get(type(cause).__name__, "api_error")
    return ModelError(str(error), status=504 if late else status, kind="timeout" if late else kind)


def _plain(response: Any) -> dict[str, Any]:
    """Return litellm's object as OpenAI's JSON: what is null is left out, as it is there."""
    plain: dict[str, Any] = response.model_dump(exclude_none=True, warnings=False)
    for choice in plain.get("choices", ()):
        choice.pop("provider_specific_fields", None)
        for said in (choice.get("message"), choice.get("delta")):
            if said:
                said.pop("provider_specific_fields", None)
    return plain
