"""Rates: how many requests a key may make, or an address without one; more are turned away with 429."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from service.settings import LOOPBACK

if TYPE_CHECKING:
    from fastapi import Request

    from service.settings import Settings


class Rates:
    """Counts requests in windows that begin with the first of them. Each process counts for itself."""

    def __init__(self, settings: Settings) -> None:
        from limits import parse  # noqa: PLC0415 - only the service needs it
        from limits.storage import MemoryStorage  # noqa: PLC0415 - as above
        from limits.strategies import FixedWindowRateLimiter  # noqa: PLC0415 - as above

        self._allowed = parse(settings.rate)
        self._open = not settings.needs_keys
        self._counter = FixedWindowRateLimiter(MemoryStorage())

    def hit(self, request: Request, key: int | None = None) -> None:
        """Count a request of a key, or of the address that it comes from. Raises HTTPException (429).

        Where no keys are needed, this machine is not counted: there is nobody to be kept from it.
        """
        address = request.client.host if request.client else "unknown"
        if key is None and self._open and address in LOOPBACK:
            return
        who = f"key {key}" if key is not None else f"address {address}"
        if not self._counter.hit(self._allowed, who):
            reset = self._counter.get_window_stats(self._allowed, who).reset_time
            wait = max(1, math.ceil(reset - time.time()))
            raise HTTPException(
                429, f"more than {self._allowed} by this {who.split(maxsplit=1)[0]}", headers={"Retry-After": str(wait)}
            )
