"""What whoever runs the service relies on: rates, readiness, metrics, logs, the audit log, the command line."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from fake_classifier import FakeClassifier
from hubs import batch_of, open_hub
from prometheus_client.parser import text_string_to_metric_families
from runs import run
from starlette.testclient import TestClient
from typer.testing import CliRunner

from classifier import cli
from classifier.terminal import Tools
from service import logs
from service.app import create
from service.storage import indices, projects
from service.storage.parcels import Input
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service.hub import Hub

WORDS = "the words of a private run"


def client(hub: Hub, **more: Any) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost", **more)


def key(hub: Hub, role: Role, person: str = "ann") -> dict[str, str]:
    with hub.database.begin() as session:
        secret = projects.issue(session, projects.ensure(session), person, role)[1]
    return {"authorization": f"Bearer {secret}"}


def test_a_key_has_its_own_rate_and_is_told_when_to_come_back(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False, rate="3/minute")
    http, ann, bob = client(hub), key(hub, Role.READER), key(hub, Role.READER, "bob")
    assert [http.get("/batches", headers=ann).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = http.get("/batches", headers=ann)
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert http.get("/batches", headers=bob).status_code == 200


def test_keys_are_not_guessed_at_faster_than_the_rate(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False, rate="3/minute")
    http = client(hub)
    guesses = [http.get("/batches", headers={"authorization": f"Bearer cor_{i}"}).status_code for i in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert http.get("/healthz").status_code == 200


def test_this_machine_is_not_counted_where_no_keys_are_needed(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, rate="2/minute")
    here, elsewhere = client(hub, client=("127.0.0.1", 1)), client(hub, client=("10.0.0.9", 1))
    assert {here.get("/batches").status_code for _ in range(5)} == {200}
    assert [elsewhere.get("/batches").status_code for _ in range(3)] == [200, 200, 429]


def test_it_is_ready_until_its_database_is_not(hub: Hub) -> None:
    http = client(hub)
    assert http.get("/readyz").json() == {"status": "ready"}
    with sqlite3.connect(hub.settings.folder / "coroner.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
    answer = http.get("/readyz")
    assert (answer.status_code, "at revision older" in answer.json()["detail"]) == (503, True)
    assert http.get("/healthz").status_code == 200


class Broken:
    """A queue that is away."""

    def wake(self, items: object) -> None:
        raise OSError(items)

    @property
    def length(self) -> int:
        raise OSError("redis://user:password@host is away")


def test_it_is_not_ready_without_its_queue_and_says_so_without_secrets(hub: Hub) -> None:
    hub.queue = Broken()
    answer = client(hub).get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the queue cannot be reached")


def test_metrics_count_requests_by_route_and_runs_by_verdict(hub: Hub) -> None:
    http = client(hub)
    for name in ("a", "b"):
        http.post("/classify", content=run(name).model_dump_json())
    http.get("/traces/000000000000000000000000")
    with hub.database.begin() as session:
        batch_of(session, projects.ensure(session), "night", [Input(name="x", data=b"x")])
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert value("coroner_requests_total", method="POST", route="/classify", status="200") == 2
    assert value("coroner_requests_total", method="GET", route="/traces/{uid}", status="404") == 1
    assert value("coroner_request_seconds_count", method="POST", route="/classify") == 2
    assert value("coroner_runs", cause="E2.2", decided_by="neighbours") == 2
    assert value("coroner_batch_inputs", state="waiting") == 1
    assert value("coroner_queue_length") == 0


def test_two_services_in_one_process_count_for_themselves(tmp_path: Path) -> None:
    one, other = (client(open_hub(tmp_path / name)) for name in "ab")
    one.get("/batches")
    assert 'route="/batches"' in one.get("/metrics").text
    assert 'route="/batches"' not in other.get("/metrics").text


def test_metrics_need_a_key_where_keys_are_needed(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    assert client(hub).get("/metrics").status_code == 401
    assert client(hub).get("/metrics", headers=key(hub, Role.READER)).status_code == 200


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Give what is logged as JSON lines; put the loggers back in the end."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_a_json_line_with_the_id_that_the_answer_bears(hub: Hub, logged: io.StringIO) -> None:
    http = client(hub)
    answer = http.get("/traces?text=" + WORDS, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    made = http.get("/batches", headers={"x-request-id": "not one\tword"}).headers["x-request-id"]
    told = lines(logged)
    assert [(line["request"], line["route"], line["status"]) for line in told] == [
        ("mine-1", "/traces", 200),
        (made, "/batches", 200),
    ]
    assert {line["level"] for line in told} == {"info"}
    http.get("/healthz")
    assert len(lines(logged)) == 2


def test_a_defect_is_found_in_the_log_by_the_id_that_its_answer_bears(hub: Hub, logged: io.StringIO) -> None:
    answer = client(hub, raise_server_exceptions=False).post("/classify", content=run(task="BUG").model_dump_json())
    assert answer.status_code == 500
    (told,) = [line for line in lines(logged) if line.get("request") == answer.headers["x-request-id"]]
    assert told["exception"] == "RuntimeError"
    assert "fake_classifier.py" in told["at"][-1]


def test_no_log_holds_the_words_of_a_run_a_person_or_a_key(tmp_path: Path, logged: io.StringIO) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    http, admin = client(hub, raise_server_exceptions=False), key(hub, Role.ADMIN)
    body = run(task=WORDS).model_dump_json()
    uid = http.post("/traces?classify=true", content=body, headers=admin).json()[0]["trace"]["uid"]
    http.post("/annotations", json={"trace": uid, "cause": "P1", "note": WORDS}, headers=admin)
    http.post("/classify", content=run(task=f"BUG {WORDS}").model_dump_json(), headers=admin)
    http.post("/classify", content=body[:-40], headers=admin)
    http.get(f"/{WORDS}")
    text = logged.getvalue()
    assert len(lines(logged)) >= 5
    assert WORDS not in text
    assert "secret inside" not in text
    assert admin["authorization"].partition(" ")[2] not in text


def test_an_exception_is_logged_by_its_type_and_place_alone(logged: io.StringIO) -> None:
    try:
        int(WORDS)
    except ValueError:
        logging.getLogger("coroner.work").exception("item %s", 7)
    [line] = lines(logged)
    assert (line["event"], line["exception"]) == ("item 7", "ValueError")
    assert "test_operations.py" in line["at"][0]
    assert WORDS not in logged.getvalue()


def test_the_audit_log_is_an_admins_and_is_paged(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    http, admin = client(hub), key(hub, Role.ADMIN, "boss")
    assert http.get("/audit", headers=key(hub, Role.ANNOTATOR)).status_code == 403
    for name in "abc":
        uid = http.post("/traces", content=run(name).model_dump_json(), headers=admin).json()[0]["trace"]["uid"]
        http.delete(f"/traces/{uid}", headers=admin)
    first = http.get("/audit?limit=2", headers=admin).json()
    rest = http.get(f"/audit?before={first[-1]['id']}", headers=admin).json()
    assert [json.loads(each["detail"])["name"] for each in (*first, *rest)] == ["c", "b", "a"]
    assert {each["person"] for each in first} == {"boss"}


def command(*arguments: str) -> Any:
    tools = Tools(load=lambda *_: FakeClassifier())
    return CliRunner().invoke(cli.whole(), list(arguments), obj=tools)


def test_the_index_is_listed_activated_and_rolled_back_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORONER_FOLDER", str(tmp_path))
    hub = open_hub(tmp_path)
    with hub.database.begin() as session:
        project = projects.ensure(session)
        indices.add(session, project, "0" * 12, "gone.npz", by="ann", labels=12, evaluation="")
    listed = command("index", "list")
    assert (listed.exit_code, listed.stdout.split("\t")[:3]) == (0, ["0" * 12, "candidate", "12 labels"])
    for arguments, why in (
        (("train",), "does not learn"),
        (("activate", "0" * 12), "never measured"),
        (("activate", "f" * 12), "no index"),
        (("rollback",), "nothing to go back to"),
    ):
        refused = command("index", *arguments)
        assert refused.exit_code == 1
        assert why in refused.stderr
