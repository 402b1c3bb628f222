"""The provider's side, all of it through litellm: one attempt at a call, its price, its tokens, its errors.

Nothing here is imported, looked up or sent before a model is asked: litellm weighs seconds, reads `.env` files and
fetches its price map from the network unless it is told not to.
"""

from __future__ import annotations

import functools
import json
import os
import queue
import threading
import time
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from classifier.llm.errors import LlmError, Refused, Unavailable
from classifier.llm.request import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from classifier.llm.request import Complete, Request

T = TypeVar("T")
TIMEOUT = 120.0  # seconds for one whole answer: reasoning models take their time
OF_ALL_CALLS = {401, 402, 403, 404}  # key, credit, permission, model: the next call would be refused as well
TO_RETRY = {408, 425, 429}  # of the 4xx, those that ask to come back


def load() -> Any:
    """Import litellm and keep it off the network: bundled prices and tokenizers, no `.env`, nothing printed."""
    # what pydantic says of litellm's own types and habits is no word for users, who can do nothing about it
    warnings.filterwarnings("ignore", r"Items? .* on TypedDict class .* using the `ReadOnly`", UserWarning)
    warnings.filterwarnings("ignore", r"Accessing the 'model_\w+' attribute on the instance", DeprecationWarning)
    return _imported()


@functools.cache
def _imported() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm  # noqa: PLC0415 - see above

    litellm.disable_hf_tokenizer_download = True
    litellm.suppress_debug_info = True
    return litellm


def litellm_complete(*, api_base: str | None = None, timeout: float = TIMEOUT, stream: bool = False) -> Complete:
    """Return the real thing: one attempt at a call, no retry, no bound but `timeout`, in seconds for the whole answer.

    Keys, and `api_base` where it is None, come from the environment variables that litellm documents for the model's
    provider. `stream` reads the answer as it is written, for gateways that cut silent lines. Raises Unavailable and
    Refused.
    """

    def complete(request: Request) -> Reply:
        litellm = load()
        began = time.perf_counter()
        try:
            arguments = {**parameters(request), "api_base": api_base, "timeout": timeout, "stream": stream}
            response = within(timeout, lambda: _call(litellm, arguments))
            latency = time.perf_counter() - began
            cost = _cost(litellm, response, request.model)
            plain = response.model_dump(warnings=False)  # litellm's own subclasses do not fit its declared fields
            return read_reply(plain, request.model, cost=cost, latency=latency)
        except LlmError:
            raise
        except Exception as error:
            raise sorted_out(error, request.model) from error

    return complete


def parameters(request: Request) -> dict[str, Any]:
    """Return the arguments of `litellm.completion` that put the question; None where a parameter is left out."""
    return {
        "model": request.model,
        "messages": [message.model_dump() for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "response_format": response_format(request),
        "drop_params": True,
    }


def response_format(request: Request) -> dict[str, Any] | None:
    """Return the schema as OpenAI's `response_format` where litellm knows that the model heeds one, else None."""
    if request.response_schema is None or not load().supports_response_schema(model=request.model):
        return None
    schema = json.loads(request.response_schema)
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def knows(model: str) -> bool:
    """Say whether litellm knows the provider that the model's name names."""
    try:
        load().get_llm_provider(model)
    except Exception:  # noqa: BLE001 - litellm's errors have no base of their own
        return False
    return True


def count_tokens(model: str, text: str) -> int:
    """Return the tokens of `text`, offline; for models whose tokenizer litellm does not bundle, by OpenAI's."""
    return int(load().token_counter(model=model, text=text))


def price(request: Request) -> float | None:
    """Return the most that a call may cost in USD: its prompt and all the room it has. None: no known price."""
    litellm = load()
    messages = [message.model_dump() for message in request.messages]
    with suppress(Exception):  # litellm raises a plain Exception for a model that is not in its price map
        asked = litellm.token_counter(model=request.model, messages=messages)
        return float(
            sum(litellm.cost_per_token(request.model, prompt_tokens=asked, completion_tokens=request.max_tokens))
        )
    return None


def batch_cost(model: str, response: dict[str, Any]) -> float | None:
    """Return what a call of a batch cost in USD: batch prices, or half of the others; None where there is none."""
    litellm = load()
    from litellm.cost_calculator import batch_cost_calculator  # noqa: PLC0415 - as litellm

    with suppress(Exception):  # as in `price`, and for usage that the provider left out or garbled
        litellm.cost_per_token(model, prompt_tokens=1, completion_tokens=1)
        return float(sum(batch_cost_calculator(litellm.Usage(**response["usage"]), model)))
    return None


def cost(model: str, usage: Mapping[str, Any]) -> float | None:
    """Return what a call cost in USD by its usage, as OpenAI's API states it. None: no known price."""
    litellm = load()
    with suppress(Exception):  # as in `price`
        return float(sum(litellm.cost_per_token(model, usage_object=litellm.Usage(**usage))))
    return None


def read_reply(response: dict[str, Any], model: str, *, cost: float | None, latency: float) -> Reply:
    """Read a chat.completion. Raises LookupError, TypeError, AttributeError or ValueError where it is none.

    A refusal is taken from where OpenAI puts it, and from where litellm does.
    """
    choice = response["choices"][0]
    message = choice["message"]
    content = message.get("content")
    usage = response.get("usage") or {}
    details = usage.get("completion_tokens_details") or {}
    refusal = message.get("refusal") or (message.get("provider_specific_fields") or {}).get("refusal")
    return Reply(
        text=content if isinstance(content, str) else "",
        finish_reason=choice.get("finish_reason"),
        model=response.get("model") or model,
        refusal=refusal,
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
        reasoning_tokens=details.get("reasoning_tokens") or 0,
        cost=cost,
        latency=latency,
    )


def _call(litellm: Any, arguments: dict[str, Any]) -> Any:
    quiet = {"num_retries": 0, "max_retries": 0}  # retries are ours, or each of ours would be three
    if not arguments["stream"]:
        return litellm.completion(**arguments, **quiet)
    chunks = list(litellm.completion(**arguments, **quiet, stream_options={"include_usage": True}))
    return litellm.stream_chunk_builder(chunks, messages=arguments["messages"])


def _cost(litellm: Any, response: Any, model: str) -> float | None:
    with suppress(Exception):  # as in `price`
        return float(litellm.completion_cost(completion_response=response, model=model))
    return None


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run `call` for so long and no longer: a provider that keeps sending blanks resets every timeout of the socket.

    Raises what `call` raises, and Unavailable where it takes longer.
    """
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits, and raised there
            done.put((None, error))

    threading.Thread(target=run, name="llm call", daemon=True).start()
    try:
        result, error = done.get(timeout=seconds)
    except queue.Empty:
        raise Unavailable(f"no whole answer within {seconds:g} s", maybe_billed=True) from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value] # None only beside an error


def sorted_out(error: Exception, model: str) -> LlmError:
    """Turn what litellm raised into ours, by status: it has a class for most, and a bare APIError for the rest."""
    status = getattr(error, "status_code", None)
    said = " ".join(str(error).split())[:300]
    headers: Mapping[str, str] = getattr(error, "litellm_response_headers", None) or {}
    if "timeout" in type(error).__name__.lower():
        return Unavailable(f"{model}: no answer in time: {said}", maybe_billed=True)
    if isinstance(status, int) and 400 <= status < 500 and status not in TO_RETRY:
        return Refused(f"{model} refused the call ({status}): {said}", everywhere=status in OF_ALL_CALLS)
    if not headers and "api_key" in said:  # the client's own word, with status 500, before it asks anybody
        return Refused(f"{model} cannot be asked: {said}", everywhere=True)
    spoken = isinstance(status, int) and bool(headers)  # the provider itself says that it failed: nothing is billed
    return Unavailable(
        f"{model} is unavailable ({status or type(error).__name__}): {said}",
        retry_after=_retry_after(headers),
        maybe_billed=not spoken,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or an HTTP date. None where there is none to be read."""
    value = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    return None
