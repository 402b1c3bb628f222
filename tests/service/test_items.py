"""Batches and their inputs as the service keeps them, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hubs import batch_of
from rows import RUNS, count
from runs import verdict

from service.storage import batches, diagnoses, items, traces
from service.storage._rows import ConflictError
from service.storage.parcels import Input
from service.storage.schema import BlobRow, ItemRow, ResultRow

if TYPE_CHECKING:
    from service.storage.database import Database

NIGHT = "2026-11-25 night"


def made(database: Database, project: int, *names: str, token: str | None = None) -> batches.Batch:
    with database.begin() as session:
        inputs = [Input(name=name, data=name.encode()) for name in names]
        return batch_of(session, project, "night", inputs, token=token)


def test_a_batch_posted_twice_with_one_token_is_one_batch(database: Database, project: int) -> None:
    first, again = (made(database, project, "a", "b", token=NIGHT) for _ in range(2))
    assert first.uid == again.uid
    assert count(database, ItemRow) == 2
    with pytest.raises(ConflictError):
        made(database, project, "a", token=NIGHT)


def test_an_input_is_claimed_by_one_of_many_workers(database: Database, project: int) -> None:
    made(database, project, "a")
    with database.begin(write=False) as session:
        (item,) = items.pending(session)
    start = threading.Barrier(6)

    def take() -> items.Claim | None:
        start.wait()
        with database.begin() as session:
            return items.claim(session, item)

    with ThreadPoolExecutor(6) as pool:
        claims = [each.result() for each in [pool.submit(take) for _ in range(6)]]
    assert sum(claim is not None for claim in claims) == 1


def test_an_input_left_by_a_dead_worker_is_taken_again_and_ends_once(database: Database, project: int) -> None:
    batch = made(database, project, "a")
    with database.begin() as session:
        (item,) = items.pending(session)
        dead = items.claim(session, item, timedelta(seconds=-1))
        taken = items.claim(session, item)
        assert dead is not None
        assert taken is not None
        assert (dead.attempt, taken.attempt, taken.data) == (1, 2, b"a")
    with database.begin() as session:
        uid = traces.put_trace(session, project, RUNS[0])[0].uid
        row = diagnoses.add(session, project, uid, verdict(RUNS[0]))
        assert not items.finish(session, dead, [(uid, row)])
        assert items.finish(session, taken, [(uid, row)])
        assert not items.finish(session, taken, [(uid, row)])
        assert batches.get(session, project, batch.uid).state is items.State.DONE
        (result,) = batches.results(session, project, batch.uid).outcomes
    assert (result.run, result.diagnosis) == (uid, verdict(RUNS[0]))
    assert count(database, ResultRow) == 1


def test_an_input_that_kills_its_workers_fails_and_says_so(database: Database, project: int) -> None:
    batch = made(database, project, "bomb")
    with database.begin() as session:
        (item,) = items.pending(session)
        claims = [items.claim(session, item, timedelta(seconds=-1)) for _ in range(items.ATTEMPTS + 1)]
        assert [claim is not None for claim in claims] == [True] * items.ATTEMPTS + [False]
        found = batches.get(session, project, batch.uid)
        (result,) = batches.results(session, project, batch.uid).outcomes
    assert (found.state, found.failed) == (items.State.DONE, 1)
    assert "3 times" in (result.problem or "")


def test_a_cancelled_batch_keeps_what_is_done_and_retry_takes_the_rest_up_again(
    database: Database, project: int
) -> None:
    batch = made(database, project, "a", "b", "c")
    with database.begin() as session:
        first, second, _ = items.pending(session)
        one, two = items.claim(session, first), items.claim(session, second)
        assert one is not None
        assert two is not None
        items.finish(session, one, [])
        items.fail(session, two, "no known format")
        found = batches.cancel(session, project, batch.uid)
        assert (found.state, found.done, found.failed, found.cancelled) == (items.State.CANCELLED, 1, 1, 1)
        again = batches.retry(session, project, batch.uid)
    assert (again.done, again.waiting, again.failed, again.cancelled) == (1, 2, 0, 0)


def test_a_deleted_batch_leaves_its_runs_and_verdicts(database: Database, project: int) -> None:
    batch = made(database, project, "a")
    with database.begin() as session:
        (item,) = items.pending(session)
        claimed = items.claim(session, item)
        assert claimed is not None
        uid = traces.put_trace(session, project, RUNS[0])[0].uid
        items.finish(session, claimed, [(uid, diagnoses.add(session, project, uid, verdict(RUNS[0])))])
    with database.begin() as session:
        batches.delete(session, project, batch.uid)
    with database.begin(write=False) as session:
        assert diagnoses.present(session, project) == {uid: verdict(RUNS[0])}
    assert count(database, ItemRow) == 0
    assert count(database, BlobRow) == 1
