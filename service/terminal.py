"""What the service's commands share: settings, the database, and the inside of a service."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from classifier.terminal import fail, or_fail, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifier.intake import Classifies
    from service.hub import Hub, Trains
    from service.settings import Settings
    from service.storage.database import Database

_Result = TypeVar("_Result")

ProjectOption = Annotated[str, typer.Option("--project", help="Project that is meant; made where there is none.")]


@contextlib.contextmanager
def hub_for(
    settings: Settings,
    shipped: Classifies,
    taxonomy: str | None,
    *,
    queue: bool = False,
    trainer: Trains | None = None,
) -> Iterator[Hub]:
    """Open a service's inside, with logs read in confined processes; close it in the end."""
    from classifier.pipeline import Classifier  # noqa: PLC0415 - see the module
    from service import spans  # noqa: PLC0415 - as above
    from service.hub import Hub  # noqa: PLC0415 - as above
    from service.work.queue import Queue  # noqa: PLC0415 - as above
    from service.work.reader import ConfinedReader  # noqa: PLC0415 - as above

    reader = ConfinedReader(
        settings.max_bytes, settings.max_steps, seconds=settings.parse_seconds, memory=settings.parse_bytes
    )

    def load(path: Path) -> Classifies:
        loaded = Classifier.load(path, taxonomy=taxonomy)
        judge = shipped.judge if isinstance(shipped, Classifier) else None  # a project's own index asks it likewise
        return loaded.with_judge(judge) if judge else loaded

    sending = opened(spans.provider)
    if sending is not None:
        say("spans of requests and of inputs are sent to a collector")
    waking = opened(lambda: Queue(settings)) if queue else None
    hub = opened(
        lambda: Hub.open(
            settings,
            shipped,
            load,
            queue=waking,
            read=reader,
            trainer=trainer,
            tracer=sending.get_tracer("coroner") if sending else None,
        )
    )
    try:
        yield hub
    finally:
        hub.close()
        reader.close()
        if waking is not None:
            waking.close()
        if sending is not None:
            sending.shutdown()


def configured(**given: Any) -> Settings:
    """Return the settings of the environment, but for what is given; end the command where they cannot be meant."""
    from service.settings import SECRETS, Settings  # noqa: PLC0415 - see the module

    files = Path(os.environ.get("CORONER_SECRETS", SECRETS))
    named = {name: value for name, value in given.items() if value is not None}
    return or_fail(lambda: Settings(_secrets_dir=files if files.is_dir() else None, **named))


def open_database() -> Database:
    """Open the database of the settings, as it is."""
    from service.storage.database import Database  # noqa: PLC0415 - see the module

    return opened(lambda: Database(configured().database_url))


def ready_database() -> Database:
    """Open the database of the settings and bring it up to date."""
    database = open_database()
    opened(database.upgrade)
    return database


def opened(work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns; end the command with the reason where folder, database or queue cannot be used."""
    from service.spans import SpansError  # noqa: PLC0415 - as above
    from service.storage.database import DatabaseError  # noqa: PLC0415 - see the module
    from service.work.queue import QueueError  # noqa: PLC0415 - as above

    try:
        return work()
    except (DatabaseError, QueueError, SpansError, OSError) as error:
        fail(str(error))
