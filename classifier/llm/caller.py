"""The whole way of a question: from the store, else within bounds from the model, and into the store."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from classifier.llm.breaker import Breaker
from classifier.llm.budget import Budget, Meter
from classifier.llm.errors import CutOff, NotRecorded, Unavailable
from classifier.llm.provider import TIMEOUT, litellm_complete, price
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from classifier.llm.request import Complete, Reply, Request
    from classifier.llm.store import Store


Heard: TypeAlias = "Callable[[Reply], None]"
T = TypeVar("T")


def _unheeded(_: Reply) -> None:
    """Let a reply pass."""


class Retry(Frozen):
    """How often a call is tried, and the waits between, in seconds.

    The waits are drawn evenly from 0 to `first`, 2 * `first`, 4 * `first` and so on, at most `longest` ("full jitter":
    M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015), and never shorter than the provider asks
    for. One that asks for more than `patience` is taken at its word: the call fails at once.
    """

    attempts: int = 4
    first: float = 1.0
    longest: float = 30.0
    patience: float = 60.0

    def through(self, call: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
        """Make the call until it passes, fails for good or the attempts are used up. Raises what it raised last."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt  # noqa: PLC0415 - only where one is asked

        retrying = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=self._wait,
            retry=retry_if_exception(self._may_pass),
            sleep=sleep,
            reraise=True,
        )
        return retrying(call)

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, Unavailable) and (error.retry_after or 0) <= self.patience

    def _wait(self, state: RetryCallState) -> float:
        from tenacity import wait_random_exponential  # noqa: PLC0415 - as above

        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Unavailable) else None
        return max(asked or 0.0, wait_random_exponential(self.first, self.longest)(state))


class Caller:
    """Asks each request once, ever; at most `concurrency` at a time; within the meter's budget; while the breaker lets.

    `complete` makes one attempt. `sleep` is the seam of the waits.
    """

    def __init__(
        self,
        complete: Complete,
        store: Store,
        *,
        meter: Meter,
        breaker: Breaker,
        retry: Retry = Retry(),  # noqa: B008 - frozen
        concurrency: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.complete, self.store, self.meter, self.breaker = complete, store, meter, breaker
        self.retry, self.sleep = retry, sleep
        self._room = threading.BoundedSemaphore(concurrency)

    def on(self, tag: str, heard: Heard = _unheeded) -> Complete:
        """Return the way to ask about one trace, named by `tag`: what `judge.ask` is given. Raises LlmError.

        `heard` is told of every reply, also of one that was cut off and asked for again.
        """
        return with_room(_overheard(lambda request: self._ask(request, tag), heard))

    def _ask(self, request: Request, tag: str) -> Reply:
        if known := self.store.reply(request):
            return known
        with self.store.alone(request):
            if known := self.store.reply(request):  # whoever held the lock has asked
                return known
            with self._room:  # also while it waits to try again: a provider that is busy is asked less
                reply = self.breaker.call(lambda: self._try(request, tag))
            return self.store.record(request, reply, tag)

    def _try(self, request: Request, tag: str) -> Reply:
        return self.retry.through(lambda: self.meter.call(self.complete, request, tag), self.sleep)


def replay(store: Store, missing: Callable[[Request], None] = lambda _: None, heard: Heard = _unheeded) -> Complete:
    """Return a way to ask that only ever answers from the store. Raises NotRecorded, and tells `missing`, else.

    `heard` as in `Caller.on`.
    """

    def recorded(request: Request) -> Reply:
        if (reply := store.reply(request)) is None:
            missing(request)
            raise NotRecorded(request)
        return reply

    return with_room(_overheard(recorded, heard))


def _overheard(complete: Complete, heard: Heard) -> Complete:
    def ask(request: Request) -> Reply:
        reply = complete(request)
        heard(reply)
        return reply

    return ask


def with_room(complete: Complete) -> Complete:
    """Ask once more, with more room, where the tokens ran out: a reasoning model may spend them before it answers.

    Raises CutOff where there is no answer then, either. Half an answer is passed on, for its reader to judge.
    """

    def asked_again(request: Request) -> Reply:
        reply = complete(request)
        roomier = request.roomier() if reply.cut_off else None
        if roomier is not None:
            reply = complete(roomier)
        if reply.cut_off and not reply.text.strip():
            room = (roomier or request).max_tokens
            raise CutOff(
                f"{request.model} spent {room} tokens ({reply.reasoning_tokens} on reasoning) and said nothing"
            )
        return reply

    return asked_again


def litellm_caller(
    store: Store,
    *,
    budget: Budget | None = None,
    api_base: str | None = None,
    timeout: float = TIMEOUT,
    stream: bool = False,
    concurrency: int = 4,
) -> Caller:
    """Return the Caller that `--judge MODEL` stands for: litellm, the budget (None: its defaults), and this store."""
    return Caller(
        litellm_complete(api_base=api_base, timeout=timeout, stream=stream),
        store,
        meter=Meter(budget or Budget(), store, price),
        breaker=Breaker(),
        concurrency=concurrency,
    )
