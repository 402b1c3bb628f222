"""The Python client against a real server on loopback, and a real worker."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from browsers import serving
from hubs import open_hub, work_off
from runs import run

from service.client import Client, ServiceError
from service.storage import projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.hub import Hub


@pytest.fixture
def client(hub: Hub) -> Iterator[Client]:
    with serving(hub) as url, Client(url) as opened:
        yield opened


def test_runs_go_out_and_verdicts_come_back_in_types(client: Client) -> None:
    assert [each.cause for each in client.classify(run())] == ["E2.2"]
    both = run("a").model_dump_json() + "\n" + run("b").model_dump_json()
    assert [each.trace_id for each in client.classify(both.encode(), keep=False)] == ["a", "b"]
    [kept] = client.put(run("c"), classify=True, model="gpt")
    assert (kept.new, kept.diagnosis and kept.diagnosis.cause, kept.trace.model) == (True, "E2.2", "gpt")
    assert client.trace(kept.trace.uid) == run("c")
    assert client.diagnosis(kept.trace.uid) == kept.diagnosis
    client.delete(kept.trace.uid)
    with pytest.raises(ServiceError, match="404: no trace") as refused:
        client.trace(kept.trace.uid)
    assert (refused.value.status, refused.value.problem["title"]) == (404, "Not Found")


def test_all_runs_come_page_by_page(client: Client) -> None:
    for i in range(5):
        client.put(run(f"run-{i}"))
    assert [each.name for each in client.traces(limit=2)] == [f"run-{i}" for i in (4, 3, 2, 1, 0)]
    assert list(client.traces(framework="metagpt")) == []


def test_a_batch_is_sent_waited_for_and_read(client: Client, hub: Hub) -> None:
    logs = [run("a"), run("b").model_dump_json().encode(), b'{"no": "log"}']
    batch, again = (client.batch(logs, "night", token="night-1") for _ in range(2))  # noqa: S106 - a name of the request
    assert batch.uid == again.uid
    with pytest.raises(TimeoutError, match="3 inputs open"):
        client.wait(batch.uid, seconds=0, every=0.01)
    worked = threading.Thread(target=work_off, args=(hub,))
    worked.start()
    ended = client.wait(batch.uid, seconds=60, every=0.05)
    worked.join()
    assert (ended.done, ended.failed) == (2, 1)
    found = list(client.results(batch.uid))
    assert [each.diagnosis.trace_id if each.diagnosis else None for each in found] == ["a", "b", None]
    assert found[2].problem
    assert client.retry(batch.uid).waiting == 1
    assert client.cancel(batch.uid).cancelled == 1
    with pytest.raises(ServiceError, match="404"):
        list(client.results("0" * 24))
    with pytest.raises(ValueError, match="log 1 is of several lines"):
        client.batch([b"{\n}"])


def test_labels_leave_and_come_back(client: Client) -> None:
    [kept] = client.put(run())
    said = client.annotate(kept.trace.uid, cause="P1", step=1, note="the plan")
    assert (said.annotation.cause, said.annotation.agent) == ("P1", "planner")
    records = client.annotations()
    assert [(each.uid, each.trace, each.note) for each in records] == [(said.uid, kept.trace.uid, "the plan")]
    assert client.import_annotations(records) == 0
    other = records[0].model_copy(update={"annotator": "bob", "uid": None})
    assert client.import_annotations([other]) == 1
    with pytest.raises(ServiceError) as refused:
        client.import_annotations([other.model_copy(update={"trace": "gone", "uid": None})])
    assert refused.value.problem["lines"][0]["line"] == 1


def test_a_key_is_sent_and_too_many_requests_are_waited_for(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False, rate="3/second")
    with hub.database.begin() as session:
        secret = projects.issue(session, projects.ensure(session), "ann", Role.CLIENT)[1]
    with serving(hub) as url:
        with Client(url, secret) as client:
            assert len([client.put(run(f"run-{i}")) for i in range(8)]) == 8
        with Client(url) as nobody, pytest.raises(ServiceError, match="401"):
            nobody.classify(run())
