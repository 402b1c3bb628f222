"""Batches at work: confined reading, workers, and kills at random moments."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fake_classifier import FakeClassifier
from hubs import batch_of, open_hub, work_off
from runs import run
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from classifier.trace import TraceError
from service.storage import batches, items, projects, traces
from service.storage.parcels import Input
from service.storage.schema import BlobRow
from service.work import worker
from service.work.queue import Queue, QueueError
from service.work.reader import ConfinedReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace
    from service.hub import Hub

HERE = Path(__file__).parent
LOG = run().model_dump_json().encode()


@pytest.fixture(scope="module")
def confined() -> Iterator[ConfinedReader]:
    reader = ConfinedReader(10**7, max_steps=10, seconds=20, memory=2**30)
    yield reader
    reader.close()


def test_a_confined_reader_reads_what_a_plain_one_does(confined: ConfinedReader) -> None:
    assert confined(LOG) == [run()]


def test_a_log_that_cannot_be_read_says_the_same_as_elsewhere(confined: ConfinedReader) -> None:
    with pytest.raises(TraceError) as found:
        confined(b'{"chat_history": [', name="x.json")
    assert (found.value.file, bool(found.value.place)) == ("x.json", True)


def test_a_run_with_too_many_steps_is_refused(confined: ConfinedReader) -> None:
    long = run().model_dump(mode="json")
    long["steps"] = [{**long["steps"][0], "index": i} for i in range(11)]
    with pytest.raises(TraceError, match="11 steps; 10 are taken"):
        confined(json.dumps(long).encode())


def test_what_takes_too_long_is_stopped_and_the_next_is_read() -> None:
    reader = ConfinedReader(10**8, max_steps=10, seconds=0.05)
    with pytest.raises(TraceError, match="took longer than"):
        reader((LOG + b"\n") * 30_000)
    reader.seconds = 30
    assert reader(LOG) == [run()]
    reader.close()


def test_what_takes_too_much_memory_is_refused_and_the_next_is_read() -> None:
    reader = ConfinedReader(10**8, max_steps=10, seconds=60, memory=2**29)
    with pytest.raises(TraceError, match="memory"):
        reader(b"[" + b"[]," * 8_000_000 + b"[]]")  # half a gigabyte of lists and pointers
    assert reader(LOG) == [run()]
    reader.close()


def test_reading_goes_on_when_the_thread_that_first_read_has_ended(confined: ConfinedReader) -> None:
    first = threading.Thread(target=confined, args=(LOG,))
    first.start()
    first.join()
    time.sleep(0.5)
    assert confined(LOG) == [run()]


def test_a_child_that_is_killed_while_it_waits_is_replaced(confined: ConfinedReader) -> None:
    for _ in range(3):
        assert confined(LOG) == [run()]
        [child] = [each for each in multiprocessing.active_children() if each.is_alive()]
        child.kill()
        child.join()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(confined, [LOG] * 16)) == [[run()]] * 16


def test_a_child_that_is_killed_while_it_reads_is_no_fault_of_the_log(confined: ConfinedReader) -> None:
    confined(LOG)
    [child] = [each for each in multiprocessing.active_children() if each.is_alive()]
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(confined, (LOG + b"\n") * 10_000)
        time.sleep(0.3)
        assert not reading.done()
        child.kill()
        assert len(reading.result()) == 10_000


def test_a_queue_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QueueError, match="is no queue"):
        Queue(open_hub(tmp_path, queue="amqp://here").settings)


def posted(hub: Hub, *data: bytes) -> batches.Batch:
    with hub.database.begin() as session:
        found = [Input(name=f"{i}.json", data=each) for i, each in enumerate(data)]
        return batch_of(session, projects.ensure(session), "night", found)


def worked(hub: Hub) -> list[batches.Outcome]:
    work_off(hub)
    with hub.database.begin(write=False) as session:
        project = projects.find(session, projects.DEFAULT)
        (batch,) = batches.every(session, project)
        return list(batches.results(session, project, batch.uid).outcomes)


def test_a_poisoned_input_is_one_recorded_problem_and_ends_nothing(hub: Hub) -> None:
    bug = run(task="BUG").model_dump_json().encode()
    posted(hub, LOG, b"no log at all", bug, run("run-2").model_dump_json().encode())
    found = worked(hub)
    assert [bool(each.problem) for each in found] == [False, True, True, False]
    assert "no known format" in (found[1].problem or "")
    assert "a defect of coroner" in (found[2].problem or "")


def test_an_input_of_several_runs_gives_a_result_each(hub: Hub) -> None:
    posted(hub, LOG + b"\n" + run("run-2").model_dump_json().encode())
    found = worked(hub)
    assert [(each.position, each.place) for each in found] == [(0, 0), (0, 1)]
    assert [each.diagnosis.trace_id for each in found if each.diagnosis] == ["run-1", "run-2"]


class Long(FakeClassifier):
    """Works for longer than a lease, and looks meanwhile whether others could take its item."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.hub = hub

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        time.sleep(1.0)
        with self.hub.database.begin() as session:
            assert items.pending(session) == ()
        return super().classify(trace, file)


def test_work_that_outlasts_its_lease_keeps_it(hub: Hub) -> None:
    hub.classifiers.shipped = Long(hub)
    posted(hub, LOG)
    with hub.database.begin(write=False) as session:
        (item,) = items.pending(session)
    assert worker.take(hub, item, timedelta(seconds=0.6))


class Away(FakeClassifier):
    """Loses the database while it works."""

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        del trace, file
        raise OperationalError("SELECT 1", None, OSError("the server closed the connection"))


def test_a_database_that_is_away_for_a_moment_is_no_fault_of_the_input(hub: Hub) -> None:
    classifier, hub.classifiers.shipped = hub.classifiers.shipped, Away()
    posted(hub, LOG)
    with hub.database.begin(write=False) as session:
        (item,) = items.pending(session)
    with pytest.raises(OperationalError):
        worker.take(hub, item, timedelta(0))
    hub.classifiers.shipped = classifier
    assert [each.problem for each in worked(hub)] == [None]


def test_what_was_sent_goes_when_its_runs_are_kept_and_so_leaves_nothing_of_a_deleted_one(hub: Hub) -> None:
    posted(hub, b"  " + LOG, b"no log")
    (outcome, _) = worked(hub)
    with hub.database.begin() as session:
        assert session.scalar(select(func.count()).select_from(BlobRow)) == 2  # the run, and what is tried again
        traces.delete(session, projects.find(session, projects.DEFAULT), outcome.run or "")
        assert [zlib.decompress(data) for data in session.scalars(select(BlobRow.data))] == [b"no log"]
