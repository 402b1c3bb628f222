"""What asking may cost, per trace, per run and per day: reserved before a call, settled after it."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from classifier.llm.errors import OutOfBudget, Refused, Unavailable
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.llm.request import Complete, Reply, Request
    from classifier.llm.store import Store


class Cap(Frozen):
    """The most that may be spent, in USD and in calls. None: no bound."""

    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    calls: int | None = Field(default=None, ge=0)


class Budget(Frozen):
    """Caps per trace, per run (the life of a `Meter`) and per day (UTC, all processes that share a store).

    The defaults let one trace be asked about thrice, corrected once each time and given more room each time.
    """

    trace: Cap = Cap(usd=0.5, calls=12)
    run: Cap = Cap(usd=5.0, calls=2_000)
    day: Cap = Cap(usd=20.0, calls=10_000)


class Spent(Frozen):
    """What was spent, or is reserved for calls under way. Every attempt is a call, also one that failed."""

    usd: float = 0.0
    calls: int = 0

    def plus(self, usd: float, calls: int = 0) -> Spent:
        """Return the sum; rounding never leaves less than nothing."""
        return Spent(usd=max(0.0, self.usd + usd), calls=self.calls + calls)

    def overrun(self, cap: Cap, usd: float) -> str | None:
        """Say why one more call of at most `usd` would break the cap; None where it would not."""
        if cap.calls is not None and self.calls + 1 > cap.calls:
            return f"all {cap.calls} calls are used"
        if cap.usd is not None and usd and self.usd + usd > cap.usd * (1 + 1e-9):
            return f"{cap.usd:g} USD are allowed, {self.usd:.4f} are spent and the call may cost {usd:.4f}"
        return None


@dataclass(frozen=True)
class _Reserved:
    tag: str
    usd: float
    entry: int  # in the ledger of the day


def today() -> date:
    """Return the day it is in UTC: budgets of a day end at the same moment everywhere."""
    return datetime.now(UTC).date()


class Meter:
    """Keeps to a budget, however many threads ask. `price` is the most that a request may cost in USD, or None.

    Calls to a model that has no known price are counted, not priced; `notes` then says so.
    """

    def __init__(
        self,
        budget: Budget,
        store: Store,
        price: Callable[[Request], float | None],
        today: Callable[[], date] = today,
    ) -> None:
        self.budget, self.store, self.price, self.today = budget, store, price, today
        self._lock = threading.Lock()
        self._run = Spent()
        self._traces: defaultdict[str, Spent] = defaultdict(Spent)
        self._unpriced: set[str] = set()

    @property
    def spent(self) -> Spent:
        """What this run has spent and reserved."""
        return self._run

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever set the budget should know."""
        unpriced = sorted(self._unpriced)
        return tuple(f"{model} has no known price: its calls are counted, its dollars are not" for model in unpriced)

    def spent_on(self, tag: str) -> Spent:
        """Return what was spent and is reserved for one trace."""
        with self._lock:
            return self._traces.get(tag, Spent())

    def call(self, complete: Complete, request: Request, tag: str) -> Reply:
        """Make one attempt, paid for. Raises OutOfBudget, before anything is sent, where it might break a cap.

        An attempt that failed and may still be billed (a timeout, a broken line) is booked at the most it may cost.
        """
        reserved = self._reserve(request, tag)
        usd = reserved.usd
        try:
            reply = complete(request)
            usd = usd if reply.cost is None else reply.cost
        except Unavailable as error:
            usd = usd if error.maybe_billed else 0.0
            raise
        except Refused:
            usd = 0.0
            raise
        finally:
            self._settle(reserved, usd)
        return reply

    def _reserve(self, request: Request, tag: str) -> _Reserved:
        estimate = self.price(request)
        usd = estimate or 0.0
        with self._lock:
            if estimate is None:
                self._unpriced.add(request.model)
            for whose, spent, cap in (
                ("this trace", self._traces[tag], self.budget.trace),
                ("this run", self._run, self.budget.run),
            ):
                if why := spent.overrun(cap, usd):
                    raise OutOfBudget(f"the budget of {whose} is used up: {why}")
            day = self.today()
            entry = self.store.book(day, request.model, tag, usd, lambda spent: spent.overrun(self.budget.day, usd))
            self._run = self._run.plus(usd, 1)
            self._traces[tag] = self._traces[tag].plus(usd, 1)
        return _Reserved(tag, usd, entry)

    def _settle(self, reserved: _Reserved, usd: float) -> None:
        with self._lock:
            self._run = self._run.plus(usd - reserved.usd)
            self._traces[reserved.tag] = self._traces[reserved.tag].plus(usd - reserved.usd)
            self.store.settle(reserved.entry, usd)
