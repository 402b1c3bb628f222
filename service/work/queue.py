"""Queue: huey, in a SQLite file of the folder, in Redis or in PostgreSQL. It carries ids of items, and no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.settings import Settings

NAME = "coroner"


class QueueError(ValueError):
    """A queue that cannot be used. Says which and why."""


class Queue:
    """Wakes workers. `work` takes the id of an item; whoever only wakes gives none."""

    def __init__(self, settings: Settings, work: Callable[[int], None] | None = None) -> None:
        self.huey = _open(settings)

        @self.huey.task(name="take")  # type: ignore[untyped-decorator] # huey has no types
        def take(item: int) -> None:
            if work is not None:
                work(item)

        self._take = take

    def wake(self, items: Sequence[int]) -> None:
        """Tell the workers of items of batches."""
        for item in items:
            self._take(item)

    @property
    def length(self) -> int:
        """How many calls wait."""
        return int(self.huey.pending_count())

    def consumer(self) -> Any:
        """Return huey's consumer: `run()` works until it is told to end, and then ends what it has begun."""
        return self.huey.create_consumer(
            workers=1, periodic=False, initial_delay=0.05, max_delay=1.0, graceful_signal="TERM"
        )


def _open(settings: Settings) -> Any:
    import huey  # noqa: PLC0415 - only the service needs it

    url = settings.queue
    if not url:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the first start of all: nothing is there yet
        return huey.SqliteHuey(NAME, filename=str(settings.folder / "queue.db"), results=False, timeout=30)
    if url.startswith(("redis://", "rediss://")):
        return huey.RedisHuey(NAME, url=url, results=False)
    if url.startswith(("postgresql://", "postgres://")):
        return huey.PostgresHuey(NAME, dsn=url, results=False)
    raise QueueError(f"{url.partition(':')[0]!r} is no queue: give redis://... or postgresql://..., or none for SQLite")
