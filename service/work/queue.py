"""Queue: huey, in a SQLite file of the folder, in Redis or in PostgreSQL. It carries ids of items, and no state."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from service.addresses import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.settings import Settings

NAME = "coroner"
MANY = 1000  # calls that wait: workers look for more items when these are worked off

log = logging.getLogger("coroner.queue")


class QueueError(ValueError):
    """A queue that cannot be used. Says which (without its password) and why."""


class Queue:
    """Wakes workers. `work` takes the id of an item; whoever only wakes gives none. Close it in the end."""

    def __init__(self, settings: Settings, work: Callable[[int], None] | None = None) -> None:
        self.huey = _open(settings)

        @self.huey.task(name="take")  # type: ignore[untyped-decorator] # huey has no types
        def take(item: int) -> None:
            if work is not None:
                work(item)

        self._take = take

    def wake(self, items: Sequence[int]) -> None:
        """Tell the workers of items of batches, unless they have been told of `MANY` already.

        Never raises: where it is away, they find them once it is back.
        """
        try:
            for item in items if self.length < MANY else ():
                self._take(item)
        except Exception:  # whatever its library raises; the items are in the database, so nothing is lost
            log.warning("the queue cannot be reached", exc_info=True)

    @property
    def length(self) -> int:
        """How many calls wait. Raises whatever its library does where it cannot be reached."""
        return int(self.huey.pending_count())

    def consumer(self) -> Any:
        """Return huey's consumer: `run()` works until it is told to end."""
        return self.huey.create_consumer(workers=1, periodic=False, initial_delay=0.05, max_delay=1.0)

    def close(self) -> None:
        """Close the connection to it."""
        self.huey.storage.close()


def _open(settings: Settings) -> Any:
    import huey  # noqa: PLC0415 - only the service needs it

    url = settings.queue
    if not url:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the first start of all: nothing is there yet
        return huey.SqliteHuey(NAME, filename=str(settings.folder / "queue.db"), results=False, timeout=30)
    try:
        if url.startswith(("redis://", "rediss://")):
            return huey.RedisHuey(NAME, url=url, results=False)
        if url.startswith(("postgresql://", "postgres://")):
            return huey.PostgresHuey(NAME, dsn=url, results=False)
    except Exception as error:  # whatever their libraries raise; its words may hold a piece of the password
        raise QueueError(f"the queue {hidden(url)} cannot be used: {type(error).__name__}") from error
    raise QueueError(f"{url.partition(':')[0]!r} is no queue: give redis://... or postgresql://..., or none for SQLite")
