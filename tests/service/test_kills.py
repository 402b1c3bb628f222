"""Workers in processes of their own: killed at random moments, told to end, and left without their queue."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import postgres as postgres_server
import pytest
import redis_server
from hubs import batch_of, open_hub
from runs import run
from sqlalchemy import func, select
from starlette.testclient import TestClient

from service.app import create
from service.storage import batches, items, projects
from service.storage.parcels import Input
from service.storage.schema import DiagnosisRow, ResultRow, TraceRow
from service.work.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.hub import Hub

HERE = Path(__file__).parent


class Stores(NamedTuple):
    """Where a service keeps its rows, and what wakes its workers."""

    database: str
    queue: str


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[redis_server.Server]:
    """Give a Redis that runs."""
    program = redis_server.program()
    if program is None:
        pytest.skip(redis_server.MISSING)
    server = redis_server.Server(program, tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Give an empty database and each kind of queue in turn. Redis is for several machines, so beside PostgreSQL."""
    if request.param == "sqlite":
        return Stores(f"sqlite:///{tmp_path / 'coroner.db'}", "")
    database = postgres_server.empty(request.getfixturevalue("postgres"))
    return Stores(database, database if request.param == "postgres" else request.getfixturevalue("redis").url)


def start(folder: Path, stores: Stores) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, str(HERE / "work_off.py"), str(folder), *stores],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def working(folder: Path, stores: Stores, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start workers, and end in the end whoever is there then."""
    workers = [start(folder, stores) for _ in range(number)]
    try:
        yield workers
    finally:
        for each in workers:
            each.kill()
            each.wait()


@contextlib.contextmanager
def opened(folder: Path, stores: Stores) -> Iterator[Hub]:
    """Open a service's inside, with its bell."""
    hub = open_hub(folder, database=stores.database, queue=stores.queue)
    hub.queue = queue = Queue(hub.settings)
    yield hub
    queue.close()


@pytest.fixture
def hub(stores: Stores, tmp_path: Path) -> Iterator[Hub]:
    with opened(tmp_path / "folder", stores) as hub:
        yield hub


def posted(hub: Hub, *data: bytes) -> batches.Batch:
    """Post as the API does: the rows, then the bell."""
    with hub.database.begin() as session:
        project = projects.ensure(session)
        batch = batch_of(session, project, "night", (Input(name=f"{i}.json", data=each) for i, each in enumerate(data)))
        waiting = items.pending(session)
    hub.queue.wake(waiting)
    return batch


def state(hub: Hub, uid: str) -> batches.Batch:
    with hub.database.begin(write=False) as session:
        return batches.get(session, projects.find(session, projects.DEFAULT), uid)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def log(name: str, task: str) -> bytes:
    return run(name, task=task).model_dump_json().encode()


def test_workers_killed_at_random_moments_lose_nothing_and_label_nothing_twice(
    hub: Hub, stores: Stores, tmp_path: Path
) -> None:
    logs = [log(f"run-{i}", f"Task {i}") for i in range(60)]
    batch = posted(hub, *logs[:30], log("deadly", "KILL"), b"no log", *logs[30:])
    draw, kills = random.Random(7), 0  # noqa: S311 - moments, no secrets
    with working(tmp_path / "folder", stores, 2) as workers:
        began = time.monotonic()
        while time.monotonic() - began < 240:
            time.sleep(draw.uniform(0.2, 2.5))
            now = state(hub, batch.uid)
            if now.state is items.State.DONE:
                break
            victim = draw.randrange(2)
            if kills < 6 and now.done:
                workers[victim].kill()
                kills += 1
            for place, each in enumerate(workers):
                if each.poll() is not None:
                    workers[place] = start(tmp_path / "folder", stores)
    ended = state(hub, batch.uid)
    with hub.database.begin(write=False) as session:
        found = batches.results(session, projects.find(session, projects.DEFAULT), batch.uid).outcomes
        counts = [session.scalar(select(func.count()).select_from(t)) for t in (ResultRow, DiagnosisRow, TraceRow)]
    assert kills
    assert (ended.done, ended.failed) == (60, 2)
    assert counts == [60, 60, 60]
    assert [each.position for each in found] == list(range(62))
    assert [each.name for each in found if each.problem] == ["30.json", "31.json"]
    assert "3 times" in (found[30].problem or "")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_end_finishes_what_it_has_begun(tmp_path: Path, told: signal.Signals) -> None:
    stores = Stores(f"sqlite:///{tmp_path / 'coroner.db'}", "")
    with opened(tmp_path / "folder", stores) as hub, working(tmp_path / "folder", stores, 1) as (worker,):
        batch = posted(hub, log("long", "LONG"), log("next", "LONG"))
        until(lambda: state(hub, batch.uid).running == 1)
        worker.send_signal(told)
        time.sleep(0.5)
        worker.send_signal(signal.SIGTERM)  # a second time, as where its service and systemd both tell it
        assert worker.wait(20) == 0
        ended = state(hub, batch.uid)
    assert (ended.done, ended.running, ended.waiting) == (1, 0, 1)


def test_a_queue_that_goes_away_and_comes_back_empty_loses_nothing(redis: redis_server.Server, tmp_path: Path) -> None:
    stores = Stores(f"sqlite:///{tmp_path / 'coroner.db'}", redis.url)
    with opened(tmp_path / "folder", stores) as hub, working(tmp_path / "folder", stores, 1):
        http = TestClient(create(hub), base_url="http://localhost")
        first = posted(hub, log("run-1", "Task 1"))
        until(lambda: state(hub, first.uid).state is items.State.DONE)
        redis.stop()
        refused = http.get("/readyz")
        assert (refused.status_code, refused.json()["detail"]) == (503, "the queue cannot be reached")
        answer = http.post("/batches", content=log("run-2", "Task 2"), headers={"content-type": "application/x-ndjson"})
        assert answer.status_code == 202
        assert "coroner_runs" in http.get("/metrics").text
        time.sleep(1.0)  # the worker looks for what waits meanwhile, and must not end of it
        redis.start()
        until(lambda: state(hub, answer.json()["uid"]).state is items.State.DONE)
        assert http.get("/readyz").status_code == 200


def test_a_database_that_is_started_again_under_the_workers_loses_nothing(postgres: str, tmp_path: Path) -> None:
    del postgres  # one is installed; this is another, as it is broken off
    programs = postgres_server.programs()
    assert programs is not None
    with postgres_server.running(programs) as url:
        stores = Stores(url, "")
        with opened(tmp_path / "folder", stores) as hub, working(tmp_path / "folder", stores, 1) as (worker,):
            batch = posted(hub, *(log(f"run-{i}", f"Task {i}") for i in range(30)))
            until(lambda: state(hub, batch.uid).done > 0)
            postgres_server.restart(programs, url)
            until(lambda: state(hub, batch.uid).state is items.State.DONE)
            ended = state(hub, batch.uid)
            assert (ended.done, worker.poll()) == (30, None)
