"""POST /batches and what follows from it."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from hubs import open_hub, work_off
from pyarrow import parquet
from runs import run
from starlette.testclient import TestClient

from service.api import batches as batches_api
from service.app import create
from service.storage import items, projects
from service.storage.projects import Role
from service.work import worker

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub

LOGS = [run(f"run-{i}").model_dump_json() for i in range(3)]
NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture
def client(hub: Hub) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost")


def test_a_batch_is_taken_in_worked_off_and_read_as_it_comes(client: TestClient, hub: Hub) -> None:
    made = client.post("/batches?name=night", content="\n".join([*LOGS, "broken"]), headers=NDJSON)
    assert made.status_code == 202
    place = made.headers["location"]
    assert client.get(place).json()["waiting"] == 4
    assert client.get(f"{place}/results").text == ""
    work_off(hub)
    state = client.get(place).json()
    assert (state["state"], state["done"], state["failed"]) == ("done", 3, 1)
    rows = [json.loads(line) for line in client.get(f"{place}/results").text.splitlines()]
    assert [row["diagnosis"]["cause"] if row["diagnosis"] else None for row in rows] == ["E2.2", "E2.2", "E2.2", None]
    assert "broken" not in rows[3]["name"]
    assert rows[3]["problem"]
    rest = client.get(f"{place}/results?after=1").text.splitlines()
    assert [json.loads(line)["position"] for line in rest] == [2, 3]


def test_results_come_as_csv_and_parquet_too(client: TestClient, hub: Hub) -> None:
    odd = run("=cmd()").model_dump_json()
    place = client.post("/batches", content=f"{LOGS[0]}\n{odd}", headers=NDJSON).headers["location"]
    work_off(hub)
    table = list(csv.DictReader(io.StringIO(client.get(f"{place}/results?format=csv").text)))
    assert [row["cause"] for row in table] == ["E2.2", "E2.2"]
    frame = parquet.read_table(io.BytesIO(client.get(f"{place}/results?format=parquet").content)).to_pylist()
    assert [(row["cause"], row["step"]) for row in frame] == [("E2.2", 2), ("E2.2", 2)]


def test_a_zip_and_stored_runs_are_batches_too(client: TestClient, hub: Hub) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.json", LOGS[0])
    place = client.post("/batches", content=out.getvalue(), headers={"content-type": "application/zip"})
    work_off(hub)
    [row] = client.get(f"{place.headers['location']}/results").text.splitlines()
    again = client.post("/batches", json={"traces": [json.loads(row)["trace"]]})
    assert again.status_code == 202
    work_off(hub)
    assert client.get(again.headers["location"]).json()["done"] == 1


def test_a_repeated_post_with_one_key_is_one_batch(client: TestClient) -> None:
    key = {**NDJSON, "idempotency-key": "night-1"}
    first, again = (client.post("/batches", content=LOGS[0], headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["uid"] == again.json()["uid"]
    other = client.post("/batches", content=LOGS[1], headers=key)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"


def test_cancel_and_retry_touch_only_what_is_theirs(client: TestClient, hub: Hub) -> None:
    place = client.post("/batches", content="\n".join(LOGS), headers=NDJSON).headers["location"]
    with hub.database.begin(write=False) as session:
        first = items.pending(session)[0]
    worker.take(hub, first)
    assert client.post(f"{place}/cancel").json()["cancelled"] == 2
    work_off(hub)
    assert client.get(place).json()["done"] == 1
    assert client.post(f"{place}/retry").json()["waiting"] == 2
    work_off(hub)
    assert client.get(place).json()["done"] == 3


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("", "application/x-ndjson", 422),
        ("nothing", "application/zip", 422),
        ('{"traces": []}', "application/json", 422),
        ('{"traces": ["0123"]}', "application/json", 404),
        ("{", "application/json", 422),
    ],
)
def test_what_is_no_batch_is_a_problem(client: TestClient, body: str, kind: str, status: int) -> None:
    answer = client.post("/batches", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/batches/000000000000000000000000", "/batches/000000000000000000000000/results"])
def test_a_batch_that_is_not_there_is_404(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_deleted_batch_is_gone(client: TestClient) -> None:
    place = client.post("/batches", content=LOGS[0], headers=NDJSON).headers["location"]
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404


def test_a_name_that_is_no_text_is_a_name_all_the_same(client: TestClient, hub: Hub) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("caf\udce9.json")
        member.size = len(LOGS[0])
        archive.addfile(member, io.BytesIO(LOGS[0].encode()))
    made = client.post("/batches", content=out.getvalue(), headers={"content-type": "application/x-tar"})
    assert made.status_code == 202
    work_off(hub)
    assert json.loads(client.get(f"{made.headers['location']}/results").text)["name"] == "caf?.json"


def test_labels_that_come_with_runs_are_told_of(client: TestClient, hub: Hub) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.json", LOGS[0])
        archive.writestr("annotations.jsonl", '{"trace": "a", "annotator": "ann", "provenance": "human", "step": 1}')
    place = client.post("/batches", content=out.getvalue(), headers={"content-type": "application/zip"})
    work_off(hub)
    rows = [json.loads(line) for line in client.get(f"{place.headers['location']}/results").text.splitlines()]
    assert "import them as annotations" in rows[1]["problem"]


def test_who_reads_on_from_a_position_misses_no_input_that_ends_later(client: TestClient, hub: Hub) -> None:
    place = client.post("/batches", content="\n".join(LOGS), headers=NDJSON).headers["location"]
    with hub.database.begin(write=False) as session:
        first, second, third = items.pending(session)

    def positions(query: str) -> list[int]:
        return [json.loads(line)["position"] for line in client.get(f"{place}/results{query}").text.splitlines()]

    worker.take(hub, first)
    worker.take(hub, third)
    assert positions("") == [0, 2]
    assert positions("?after=-1") == [0]
    worker.take(hub, second)
    assert positions("?after=0") == [1, 2]


def test_results_go_on_behind_inputs_whose_runs_were_deleted(
    client: TestClient, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_api, "PAGE", 1)
    place = client.post("/batches", content="\n".join(LOGS), headers=NDJSON).headers["location"]
    work_off(hub)
    rows = [json.loads(line) for line in client.get(f"{place}/results").text.splitlines()]
    assert client.delete(f"/traces/{rows[0]['trace']}").status_code == 204
    assert [json.loads(line) for line in client.get(f"{place}/results").text.splitlines()] == rows[1:]


def test_a_token_is_each_projects_own(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True)
    found = set()
    for project in ("one", "two"):
        with hub.database.begin() as session:
            _, secret = projects.issue(session, projects.ensure(session, project), "ann", Role.CLIENT)
        headers = {**NDJSON, "idempotency-key": "night-1", "authorization": f"Bearer {secret}"}
        with TestClient(create(hub), base_url="http://localhost") as client:
            answers = [client.post("/batches", content=LOGS[0], headers=headers) for _ in range(2)]
        assert [each.status_code for each in answers] == [202, 200]
        found.add(answers[0].json()["uid"])
    assert len(found) == 2
