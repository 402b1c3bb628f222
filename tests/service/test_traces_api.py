"""Runs that the service keeps: POST /traces and what follows from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hubs import open_hub
from runs import run, said
from starlette.testclient import TestClient

from classifier.trace import Trace
from service.app import create
from service.storage import annotations, projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub

NOWHERE = "0" * 24


@pytest.fixture
def client(hub: Hub) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost")


def put(client: TestClient, trace: Trace | None = None, query: str = "") -> dict[str, Any]:
    answer = client.post(f"/traces{query}", content=(trace or run()).model_dump_json())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()[0]
    return found


def test_a_run_is_kept_once_and_read_as_it_was(client: TestClient) -> None:
    first, again = put(client), put(client)
    assert (first["new"], again["new"], first["diagnosis"]) == (True, False, None)
    assert first["trace"]["uid"] == again["trace"]["uid"]
    assert Trace.model_validate_json(client.get(f"/traces/{first['trace']['uid']}").content) == run()


def test_a_run_that_cannot_be_read_leaves_nothing_behind(client: TestClient) -> None:
    body = f"{run().model_dump_json()}\n{{broken"
    assert client.post("/traces", content=body).status_code == 422
    assert client.get("/traces").json()["total"] == 0


def test_what_a_client_holds_is_not_sent_again(client: TestClient) -> None:
    uid = put(client, query="?classify=true")["trace"]["uid"]
    for path in (f"/traces/{uid}", f"/traces/{uid}/diagnosis"):
        tag = client.get(path).headers["etag"]
        held = client.get(path, headers={"if-none-match": f'"other", W/{tag}'})
        assert (held.status_code, held.content, held.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_pages_are_linked_and_hold_every_run_once(client: TestClient) -> None:
    for i in range(5):
        put(client, run(f"run-{i}"), "?model=gpt")
    put(client, run("other"))
    path, names = "/traces?model=gpt&limit=2", []
    for _ in range(3):
        answer = client.get(path)
        names += [each["trace"]["name"] for each in answer.json()["items"]]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    assert names == ["run-4", "run-3", "run-2", "run-1", "run-0"]
    assert not path


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("cause=E2.2", ["told"]),
        ("cause=P1", []),
        ("phase=planning", []),
        ("framework=metagpt", ["quiet"]),
        ("min_confidence=0.5&max_confidence=0.7", ["told"]),
        ("labelled=true", ["told"]),
        ("labelled=false", ["quiet"]),
        ("text=oct", ["quiet", "told"]),
        ("text=%25", []),
        ("until=2020-01-01T00:00:00Z", []),
        ("since=2020-01-01T00:00:00%2B02:00", ["quiet", "told"]),
    ],
)
def test_a_filter_finds_what_fits_and_nothing_else(client: TestClient, hub: Hub, query: str, names: list[str]) -> None:
    told = put(client, run("told"), "?classify=true")["trace"]["uid"]
    put(client, run("quiet", framework="metagpt"))
    with hub.database.begin() as session:
        annotations.add(session, projects.find(session, projects.DEFAULT), told, said(run("told")))
    found = client.get(f"/traces?{query}").json()
    assert [each["trace"]["name"] for each in found["items"]] == names
    assert found["total"] == len(names)


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "limit=0", "limit=1000", "phase=none", "since=2020-01-01T00:00:00", "nonsense=1"]
)
def test_a_filter_that_cannot_be_meant_is_a_problem(client: TestClient, query: str) -> None:
    answer = client.get(f"/traces?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_verdict_has_a_history(client: TestClient, hub: Hub) -> None:
    uid = put(client)["trace"]["uid"]
    assert client.get(f"/traces/{uid}/diagnosis").status_code == 404
    put(client, query="?classify=true")
    hub.classifiers.shipped.blames = "P1"  # type: ignore[attr-defined]
    put(client, query="?classify=true")
    assert client.get(f"/traces/{uid}/diagnosis").json()["cause"] == "P1"
    history = client.get(f"/traces/{uid}/diagnoses").json()
    assert [(each["diagnosis"]["cause"], each["superseded"] is None) for each in history] == [
        ("P1", True),
        ("E2.2", False),
    ]


def test_only_an_admin_deletes_and_the_audit_log_keeps_it(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    client = TestClient(create(hub), base_url="http://localhost")
    keys = {}
    for role in Role:
        with hub.database.begin() as session:
            secret = projects.issue(session, projects.ensure(session), role.value, role)[1]
        keys[role] = {"authorization": f"Bearer {secret}"}
    body = run().model_dump_json()
    uid = client.post("/traces", content=body, headers=keys[Role.CLIENT]).json()[0]["trace"]["uid"]
    assert client.delete(f"/traces/{uid}", headers=keys[Role.ANNOTATOR]).status_code == 403
    assert client.delete(f"/traces/{uid}", headers=keys[Role.ADMIN]).status_code == 204
    assert client.get(f"/traces/{uid}", headers=keys[Role.READER]).status_code == 404
    with hub.database.begin(write=False) as session:
        [entry] = projects.log(session, projects.find(session, projects.DEFAULT))
    assert (entry.person, entry.action, entry.subject) == ("admin", "delete trace", uid)


def test_a_run_of_another_project_is_not_there(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    client = TestClient(create(hub), base_url="http://localhost")
    ours, theirs = {}, {}
    for name, key in (("default", ours), ("theirs", theirs)):
        with hub.database.begin() as session:
            secret = projects.issue(session, projects.ensure(session, name), "ann", Role.ADMIN)[1]
        key["authorization"] = f"Bearer {secret}"
    uid = client.post("/traces?classify=true", content=run().model_dump_json(), headers=ours).json()[0]["trace"]["uid"]
    for path in ("", "/diagnosis", "/diagnoses", "/annotations", "/comments"):
        assert client.get(f"/traces/{uid}{path}", headers=ours).status_code == 200, path
        assert client.get(f"/traces/{uid}{path}", headers=theirs).status_code == 404, path
    assert client.delete(f"/traces/{uid}", headers=theirs).status_code == 404
    assert client.get("/traces", headers=theirs).json()["total"] == 0
    said_ = client.post("/annotations", json={"trace": uid, "cause": "P1"}, headers=theirs)
    assert said_.status_code == 404


def test_what_is_not_there_is_404(client: TestClient) -> None:
    for path in ("", "/diagnosis", "/diagnoses", "/annotations", "/comments"):
        assert client.get(f"/traces/{NOWHERE}{path}").status_code == 404
