"""What can go wrong with a call to a language model, as a tree. Whoever asks a judge catches `LlmError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.llm.request import Request


class LlmError(Exception):
    """No answer to use. The message is one plain sentence, fit for a diagnosis's notes."""


class Unavailable(LlmError):
    """The provider is busy, broken, out of reach or too slow; the same call may pass later.

    `retry_after`: the seconds it asks callers to wait. `maybe_billed`: it may have worked, and charge for it.
    """

    def __init__(self, problem: str, *, retry_after: float | None = None, maybe_billed: bool = False) -> None:
        self.retry_after, self.maybe_billed = retry_after, maybe_billed
        super().__init__(problem)


class Refused(LlmError):
    """The provider will not serve this call, now or later: a bad key, an unknown model, a bad request.

    `everywhere`: it is the caller that is refused, not this one request, so that the next would fail alike.
    """

    def __init__(self, problem: str, *, everywhere: bool = False) -> None:
        self.everywhere = everywhere
        super().__init__(problem)


class CutOff(LlmError):
    """The model spent all its tokens before it answered, also when given more room."""


class OutOfBudget(LlmError):
    """The call would, or could, cost more than is allowed. Nothing was sent."""


class CircuitOpen(LlmError):
    """The provider failed several times in a row and is left alone for a while. Nothing was sent."""


class NotRecorded(LlmError):
    """A replay met a question that was never answered. Nothing was sent."""

    def __init__(self, request: Request) -> None:
        self.request = request
        super().__init__(f"no recorded answer to request {request.hash[:12]} of {request.model}")


class StoreError(LlmError):
    """The store of calls cannot be used: not a store, damaged, locked, full, or written by a newer coroner."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")
