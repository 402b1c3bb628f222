"""Caps: what a run may use of its model, held however the agent goes on; and Totals: what it has used."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pydantic import Field

from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable


class Caps(Frozen):
    """The most that a run may use. None: no bound.

    A call is let through while every cap leaves room for it: for one more call, for its prompt, for a price that is
    not yet known to be too much. So tokens and money can run over by one answer per call under way, and no more.
    """

    calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)  # of prompts and answers together
    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # since the proxy was started


class Totals(Frozen):
    """What a run has used so far. `calls` were let through, `refused` were turned away, at a cap.

    `usd` is the sum over calls with a known price, `unpriced` the number of those without. `limit` says which cap was
    reached, None where none was.
    """

    calls: int = 0
    refused: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0
    limit: str | None = None

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers together."""
        return self.prompt_tokens + self.completion_tokens


class Meter:
    """Keeps to the caps, from several threads at once."""

    def __init__(self, caps: Caps, clock: Callable[[], float] = time.monotonic) -> None:
        self.caps, self._clock = caps, clock
        self._began = clock()
        self._lock = threading.Lock()
        self._totals = Totals()
        self._reserved = 0  # tokens of prompts under way
        self.reached = threading.Event()  # set with the first refusal: whoever runs the agent may stop it

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds that a call may take before the run's time is up; None where time has no cap."""
        return None if self.caps.seconds is None else max(0.0, self.caps.seconds - self.seconds)

    @property
    def totals(self) -> Totals:
        """What was used so far."""
        with self._lock:
            return self._totals.model_copy(update={"seconds": self.seconds})

    def enter(self, prompt_tokens: int) -> int | str:
        """Let a call in and return its number, from 0; or say which cap is reached."""
        with self._lock:
            if why := self._overrun(prompt_tokens):
                return self._refuse(why)
            number = self._totals.calls
            self._totals = self._totals.model_copy(update={"calls": number + 1})
            self._reserved += prompt_tokens
            return number

    def leave(self, reserved: int, prompt_tokens: int, completion_tokens: int, cost: float | None) -> None:
        """Book what a call took; `reserved` is what it entered with."""
        with self._lock:
            was = self._totals
            self._reserved -= reserved
            self._totals = was.model_copy(
                update={
                    "prompt_tokens": was.prompt_tokens + prompt_tokens,
                    "completion_tokens": was.completion_tokens + completion_tokens,
                    "usd": was.usd + (cost or 0.0),
                    "unpriced": was.unpriced + (cost is None),
                }
            )

    def time_is_up(self) -> str:
        """Note that a call under way was broken off by the clock, and return the words for it."""
        with self._lock:
            return self._refuse(f"the limit of {self.caps.seconds:g} seconds for this run is reached")

    def _refuse(self, why: str) -> str:
        self._totals = self._totals.model_copy(
            update={"refused": self._totals.refused + 1, "limit": self._totals.limit or why}
        )
        self.reached.set()
        return why

    def _overrun(self, prompt_tokens: int) -> str | None:
        caps, used = self.caps, self._totals
        if used.limit is not None:  # over is over: a shorter prompt does not go on with the run
            return used.limit
        if caps.seconds is not None and self.seconds >= caps.seconds:
            return f"the limit of {caps.seconds:g} seconds for this run is reached"
        if caps.calls is not None and used.calls >= caps.calls:
            return f"the limit of {caps.calls} calls for this run is reached"
        if caps.tokens is not None and used.tokens + self._reserved + prompt_tokens > caps.tokens:
            return f"the limit of {caps.tokens} tokens for this run is reached"
        if caps.usd is not None and used.usd >= caps.usd:
            return f"the limit of {caps.usd:g} USD for this run is reached"
        return None
