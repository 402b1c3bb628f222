"""A circuit breaker: a provider that fails again and again is left alone for a while, then tried with one call."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from classifier.llm.errors import CircuitOpen, LlmError, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Breaker:
    """Opens after `failures` calls in a row have failed, for `pause` seconds of `clock`; then one call may try.

    A failure is a provider that is gone, or that refuses the caller (a bad key). A single bad request is none: whoever
    refuses it is there.
    """

    def __init__(self, failures: int = 5, pause: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures, self.pause, self.clock = failures, pause, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened: float | None = None
        self._trying = False
        self._last = ""

    def call(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns. Raises CircuitOpen instead of trying while the circuit is open."""
        trial = self._enter()
        try:
            result = attempt()
        except LlmError as error:
            if isinstance(error, Unavailable) or (isinstance(error, Refused) and error.everywhere):
                self._failed(str(error))
            elif isinstance(error, Refused):
                self._passed()
            raise
        else:
            self._passed()
            return result
        finally:
            if trial:
                with self._lock:
                    self._trying = False

    def _enter(self) -> bool:
        with self._lock:
            if self._opened is None:
                return False
            if self._trying or self.clock() - self._opened < self.pause:
                raise CircuitOpen(f"not asked: the last {self._in_a_row} calls failed, the last one so: {self._last}")
            self._trying = True
            return True

    def _failed(self, why: str) -> None:
        with self._lock:
            self._in_a_row += 1
            self._last = why
            if self._in_a_row >= self.failures:
                self._opened = self.clock()

    def _passed(self) -> None:
        with self._lock:
            self._in_a_row, self._opened = 0, None
