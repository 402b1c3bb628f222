"""Every route, those of the pages too: who may use it, from which site, and that no project sees another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from hubs import batch_of, open_hub, work_off
from runs import run, said
from starlette.testclient import TestClient
from test_access import signed_in

from service.app import API, LAST, PAGES, create
from service.storage import annotations, indices, projects, traces
from service.storage.parcels import Input
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from service.hub import Hub

OPEN = {
    "GET /", "GET /healthz", "GET /readyz", "GET /signin", "GET /styles/code.css", "GET /taxonomy",
    "GET /taxonomy/{cause}", "POST /signin",
}  # fmt: skip
NEEDED = {
    Role.READER: {
        "GET /agreement", "GET /agreement/evaluation", "GET /agreement/page", "GET /agreement/runs", "GET /annotations",
        "GET /batches", "GET /batches/{uid}", "GET /batches/{uid}/page", "GET /batches/{uid}/results", "GET /compare",
        "GET /disagreements", "GET /disagreements/{uid}", "GET /export", "GET /index", "GET /index/progress",
        "GET /index/training", "GET /learning", "GET /metrics", "GET /queue", "GET /runs", "GET /runs/{uid}",
        "GET /runs/{uid}/steps", "GET /runs/{uid}/steps/{index}", "GET /traces", "GET /traces/{uid}",
        "GET /traces/{uid}/annotations", "GET /traces/{uid}/comments", "GET /traces/{uid}/diagnoses",
        "GET /traces/{uid}/diagnosis", "POST /signout",
    },
    Role.CLIENT: {
        "DELETE /batches/{uid}", "GET /import", "POST /batches", "POST /batches/{uid}/cancel",
        "POST /batches/{uid}/page/cancel", "POST /batches/{uid}/page/retry", "POST /batches/{uid}/retry",
        "POST /classify", "POST /import", "POST /learning/again", "POST /traces",
    },
    Role.ANNOTATOR: {
        "POST /annotations", "POST /disagreements/{uid}/comment", "POST /disagreements/{uid}/reveal",
        "POST /queue/next", "POST /runs/{uid}/label", "POST /runs/{uid}/reveal", "POST /runs/{uid}/skip",
        "POST /runs/{uid}/undo", "POST /traces/{uid}/annotations/undo", "POST /traces/{uid}/comments",
    },
    Role.ADMIN: {
        "DELETE /traces/{uid}", "GET /audit", "GET /runs/{uid}/delete", "POST /annotations/import",
        "POST /disagreements/{uid}/settle", "POST /index/rollback", "POST /index/train",
        "POST /index/{version}/activate", "POST /learning/activate", "POST /learning/rollback", "POST /learning/train",
        "POST /runs/{uid}/delete",
    },
}  # fmt: skip
ROUTES = sorted(
    f"{method} {route.path}"
    for router in (*API, *PAGES, *LAST)
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
)
OF_IT = "SECRET task", "SECRET word", "SECRET-input", "SECRET-file"
VERSION = "0123456789ab"
BODIES: dict[str, dict[str, Any]] = {
    "POST /annotations": {"json": {"trace": "{uid}", "cause": "E2.2"}},
    "POST /batches": {"json": {"traces": ["{uid}"]}},
    "POST /traces/{uid}/comments": {"json": {"said": "look"}},
    "POST /disagreements/{uid}/comment": {"data": {"said": "look"}},
    "POST /disagreements/{uid}/settle": {"data": {"cause": "E2.2"}},
    "POST /runs/{uid}/label": {"data": {"cause": "E2.2"}},
    "POST /runs/{uid}/delete": {"data": {"sure": "yes"}},
    "POST /learning/activate": {"data": {"version": VERSION}},
    "POST /annotations/import": {"content": '{"trace": "{uid}", "annotator": "eve", "provenance": "human", "step": 1}'},
}  # fmt: skip


def ask(client: TestClient, route: str, uid: str = 24 * "0", headers: dict[str, str] | None = None) -> Response:
    method, path = route.split(" ")
    address = path.replace("{uid}", uid).replace("{version}", VERSION).replace("{index}", "0").replace("{cause}", "E1")
    body = BODIES.get(route, {"content": b"x"} if method == "POST" else {})
    filled = {name: _filled(value, uid) for name, value in body.items()}
    found: Response = client.request(method, address, headers=headers or {}, **filled)
    return found


def _filled(value: Any, uid: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, uid) for name, each in value.items()}
    return [_filled(each, uid) for each in value] if isinstance(value, list) else str(value).replace("{uid}", uid)


def key(hub: Hub, role: Role, project: str = "default") -> dict[str, str]:
    with hub.database.begin() as session:
        _, secret = projects.issue(session, projects.ensure(session, project), "eve", role)
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def locked(tmp_path: Path) -> Hub:
    return open_hub(tmp_path, keys=True, secure=False, rate="100000/second", overlap=9)


@pytest.fixture
def client(locked: Hub) -> Iterator[TestClient]:
    with TestClient(create(locked), base_url="http://localhost", follow_redirects=False) as opened:
        yield opened


def test_each_route_has_its_role_here() -> None:
    assert sorted(OPEN.union(*NEEDED.values())) == ROUTES


def test_no_key_opens_no_route_and_a_key_of_a_lower_role_neither(locked: Hub, client: TestClient) -> None:
    keys = {role: key(locked, role) for role in Role}
    for needed, routes in NEEDED.items():
        for route in sorted(routes):
            shut = ask(client, route)
            assert (shut.status_code, shut.headers["content-type"]) == (401, "application/problem+json"), route
            for role in Role:
                status = ask(client, route, headers=keys[role]).status_code
                assert (status == 403) == (not role.allows(needed)), (route, role, status)
                assert status < 500 or status == 503, (route, role, status)


def test_every_answer_says_what_browsers_may_do_with_it(client: TestClient) -> None:
    for route in (*ROUTES, "GET /openapi.json", "GET /static/coroner.css", "PUT /traces", "GET /nowhere"):
        headers = ask(client, route).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], route
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer"), route
        assert headers["cache-control"] in {"no-store", "no-cache", "private, no-cache"} or ".css" in route, route


def test_a_method_that_is_not_there_names_those_that_are(client: TestClient) -> None:
    for path in sorted({route.split(" ")[1] for route in ROUTES}):
        answer = ask(client, f"PUT {path}")
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json"), path
        methods = {route.split(" ")[0] for route in ROUTES if route.split(" ")[1] == path}
        expected = methods | ({"HEAD"} if "GET" in methods else set())
        assert set(answer.headers["allow"].split(", ")) == expected, path


def test_head_is_get_without_the_body(client: TestClient) -> None:
    for path in ("/healthz", "/taxonomy", "/static/coroner.css", "/traces", "/signin"):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content, head.headers["content-type"]) == (
            got.status_code,
            b"",
            got.headers["content-type"],
        ), path


@pytest.mark.parametrize("how", ["without its token", "with another token", "from another site"])
def test_nothing_that_changes_anything_obeys_another_site(hub: Hub, how: str) -> None:
    client = signed_in(hub, person="Ann")
    headers = {
        "without its token": {},
        "with another token": {"x-csrf-token": "t\u00f6ken"},
        "from another site": {"sec-fetch-site": "cross-site"},
    }[how]
    for route in ROUTES:
        if not route.startswith("GET"):
            sent = {name: value.encode() for name, value in headers.items()}
            assert ask(client, route, headers=sent).status_code == 403, route  # type: ignore[arg-type]


def test_no_route_shows_or_changes_what_is_another_projects(locked: Hub, client: TestClient) -> None:
    mine, theirs = key(locked, Role.ADMIN, "mine"), key(locked, Role.ADMIN, "theirs")
    trace = run("SECRET-name", task="SECRET task", framework="SECRET-framework")
    with locked.database.begin() as session:
        project = projects.ensure(session, "mine")
        uid = traces.put_trace(session, project, trace, file="SECRET-file", model="SECRET-model")[0].uid
        annotations.add(session, project, uid, said(trace, "SECRET-ann"))
        annotations.add(session, project, uid, said(trace, "SECRET-bob", "P1"))
        annotations.comment(session, project, uid, "SECRET-ann", "SECRET word")
        batch = batch_of(session, project, "SECRET-night", [Input(name="SECRET-input", run=uid)], by="SECRET-ann").uid
        indices.add(session, project, VERSION, "x.npz", by="SECRET-ann", labels=1, evaluation="")
    work_off(locked)

    def whole() -> list[str]:
        paths = f"/traces/{uid}", "/annotations?superseded=true", f"/traces/{uid}/comments", f"/batches/{batch}"
        return [client.get(path, headers=mine).text for path in (*paths, "/index", "/traces")]

    before = whole()
    for route in ROUTES:
        for name in {uid, batch} if "{uid}" in route or route in BODIES else {uid}:
            for accept in ("application/json", "text/html"):
                answer = ask(client, route, name, {**theirs, "accept": accept})
                assert "SECRET" not in answer.text, route
                if "{" in route and "{cause}" not in route:
                    assert answer.status_code in {404, 422}, (route, answer.status_code)
    for path in (
        f"/traces?batch={batch}", "/traces?text=SECRET", "/traces?framework=SECRET-framework", f"/runs?batch={batch}",
        f"/compare?a={batch}&b={batch}", "/agreement?annotator=SECRET-ann&annotator=SECRET-bob", "/runs?text=SECRET",
        "/agreement/runs?first=SECRET-ann&second=SECRET-bob", "/audit", f"/traces/{uid}/annotations?superseded=true",
    ):  # fmt: skip
        told = client.get(path, headers=theirs).text  # what was asked for may come back, and nothing else
        assert not [word for word in ("SECRET task", "SECRET word", "SECRET-input", "SECRET-file") if word in told], (
            path
        )
        assert uid not in told or uid in path, path
    assert whole() == before
