"""Worker: takes an item of a batch, reads it, diagnoses its runs, and stores all of it in one transaction."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from classifier.trace import TraceError
from service import spans
from service.places import place
from service.storage import NotFoundError, diagnoses, items, traces
from service.storage.database import UNAVAILABLE
from service.work.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace
    from service.hub import Hub

LEASE = timedelta(seconds=60)  # renewed while the work goes on; a dead worker's runs out
SWEEP = 10.0  # seconds between looks for what the queue has lost
SOON = 0.5  # the same where more waits than is looked for at once
CHECK = 10.0  # seconds between looks whether huey's threads live

log = logging.getLogger("coroner.work")


def take(hub: Hub, item: int, lease: timedelta = LEASE) -> bool:
    """Work one item off. False where it was not to be had, or was taken away meanwhile.

    Raises what says that the database is away, and nothing for a bad item.
    """
    with hub.database.begin() as session:
        claimed = items.claim(session, item, lease)
    if claimed is None:
        return False
    numbers = {"batch": claimed.batch, "item": claimed.item, "attempt": claimed.attempt}
    with _held(hub, claimed, lease), spans.around(hub.tracer, "input", **numbers) as ended:
        try:
            found = _diagnosed(hub, claimed)
        except TraceError as error:
            problem: str | None = str(error)
        except NotFoundError as error:
            problem = f"{error}: it was deleted"
        except UNAVAILABLE:
            raise  # no fault of the item: it is taken again when its lease has run out
        except Exception as error:  # a defect of ours on one run must not cost the others of a batch
            log.exception("item %s of batch %s", claimed.item, claimed.batch)
            problem = f"a defect of coroner: {type(error).__name__}: {error}"
        else:
            problem = None
        ended("done" if problem is None else "failed")
        with hub.database.begin() as session:
            if problem is not None:
                return items.fail(session, claimed, problem)
            return _store(session, claimed, found)


class Judged(NamedTuple):
    """A run, its verdict, and where it lies."""

    run: Trace
    diagnosis: Diagnosis
    place: bytes | None


def _diagnosed(hub: Hub, claimed: items.Claim) -> list[Judged]:
    if claimed.data is not None:
        runs = hub.read(claimed.data, name=claimed.name)
    else:
        with hub.database.begin(write=False) as session:
            runs = [traces.get(session, claimed.project, claimed.run or "")]
    classifier = hub.classifier(claimed.project)
    return [Judged(run, classifier.classify(run, claimed.name), place(classifier, run)) for run in runs]


def _store(session: Session, claimed: items.Claim, found: list[Judged]) -> bool:
    verdicts = []
    if not items.holds(session, claimed):
        return False
    for run, diagnosis, where in found:
        if claimed.run is not None:
            uid = claimed.run
        else:
            uid = traces.put_trace(session, claimed.project, run, file=claimed.name)[0].uid
        stored = diagnoses.add(session, claimed.project, uid, diagnosis, batch=claimed.batch, place=where)
        verdicts.append((uid, stored))
    return items.finish(session, claimed, verdicts)


@contextlib.contextmanager
def _held(hub: Hub, claimed: items.Claim, lease: timedelta) -> Iterator[None]:
    """Renew the lease while the work goes on."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(lease.total_seconds() / 3):
            try:
                with hub.database.begin() as session:
                    if not items.renew(session, claimed, lease):
                        return
            except Exception:  # a database that is away may be back before the lease has run out
                log.exception("the lease of item %s could not be renewed", claimed.item)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run(hub: Hub, *, lease: timedelta = LEASE, sweep: float = SWEEP) -> None:
    """Work items off until the process is told to end (SIGTERM, SIGINT): what is begun is finished first.

    Interrupted (SIGINT) a second time, it ends at once. Raises QueueError.
    """
    queue = Queue(hub.settings, lambda item: _quietly(hub, item, lease))
    stopped = threading.Event()

    def look() -> None:
        while True:
            left: tuple[int, ...] = ()
            try:
                if queue.length == 0:
                    with hub.database.begin(write=False) as session:
                        left = items.pending(session, items.AT_ONCE)
                    queue.wake(left)
            except Exception:  # a queue or a database that is away for a moment: they are looked at again
                log.warning("what waits cannot be looked for", exc_info=True)
            if stopped.wait(SOON if len(left) == items.AT_ONCE else sweep):
                return

    finder = threading.Thread(target=look, name="sweep", daemon=True)
    finder.start()
    consumer = queue.consumer()
    consumer.start()  # it answers signals itself, and not as we do
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.default_int_handler)
    try:
        while True:
            time.sleep(CHECK)
            consumer.check_worker_health()
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the service tells its workers, and whoever tells all does too
        consumer.stop(graceful=True)
    finally:
        stopped.set()
        finder.join()
        queue.close()


def _quietly(hub: Hub, item: int, lease: timedelta) -> None:
    """Take an item; a database that is away for a moment costs this call, and the sweep finds the item again."""
    try:
        take(hub, item, lease)
    except Exception:
        log.exception("item %s could not be worked on", item)
