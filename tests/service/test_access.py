"""Who may do what: keys, sessions, and the machine itself."""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hubs import open_hub
from starlette.testclient import TestClient

from service.access import session_secret
from service.app import create
from service.hub import NoTrainer, Training
from service.settings import Settings
from service.storage import projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub

RUN = b'[{"role": "user", "name": "a", "content": "count"}, {"role": "user", "name": "b", "content": "12"}]'
HTML = {"accept": "text/html"}
MIB = 2**20


class Broken(NoTrainer):
    """Has a defect."""

    def state(self, project: str) -> Training:
        raise RuntimeError(project)


def browser(hub: Hub) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost", follow_redirects=False)


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def signed_in(hub: Hub, **form: str) -> TestClient:
    client = browser(hub)
    page = client.get("/signin")
    answer = client.post("/signin", data={"csrf": token(page.text), **form})
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def locked(tmp_path: Path) -> Hub:
    return open_hub(tmp_path, keys=True, secure=False)


def issue(hub: Hub, role: Role, project: str = "default") -> dict[str, str]:
    with hub.database.begin() as session:
        _, secret = projects.issue(session, projects.ensure(session, project), "ann", role)
    return {"authorization": f"Bearer {secret}"}


def test_on_loopback_no_key_is_asked_for(hub: Hub) -> None:
    assert browser(hub).post("/classify", content=RUN).status_code == 200


def test_elsewhere_a_request_without_a_key_is_401(locked: Hub) -> None:
    answer = browser(locked).post("/classify", content=RUN)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org"])
def test_any_address_but_loopback_needs_keys(tmp_path: Path, host: str) -> None:
    hub = open_hub(tmp_path, host=host)
    assert hub.settings.needs_keys
    assert browser(hub).post("/classify", content=RUN).status_code == 401


def test_a_key_opens_what_its_role_allows(locked: Hub) -> None:
    client = browser(locked)
    assert client.post("/classify", content=RUN, headers=issue(locked, Role.CLIENT)).status_code == 200
    refused = client.post("/classify", content=RUN, headers=issue(locked, Role.READER))
    assert refused.status_code == 403
    assert "client" in refused.json()["detail"]


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic dTpw", "Bearer"])
def test_what_is_no_valid_key_is_401(locked: Hub, header: str) -> None:
    assert browser(locked).post("/classify", content=RUN, headers={"authorization": header}).status_code == 401


def test_a_browser_without_a_session_is_shown_the_way_in(hub: Hub) -> None:
    answer = browser(hub).get("/nowhere", headers=HTML)
    assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (404, True)


def test_a_browser_is_shown_a_page_also_for_a_defect_and_for_an_address_that_cannot_be(hub: Hub) -> None:
    client = TestClient(create(hub), base_url="http://localhost", raise_server_exceptions=False, headers=HTML)
    client.post("/signin", data={"person": "Ann", "csrf": token(client.get("/signin").text)})
    hub.trainer = Broken()
    for path, status in (("/learning", 500), ("/runs/none", 422), ("/agreement/runs?first=" + 301 * "x", 422)):
        answer = client.get(path)
        assert (answer.status_code, "Back to the queue" in answer.text) == (status, True)
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_person_signs_in_by_name_on_loopback_and_by_key_elsewhere(hub: Hub, locked: Hub) -> None:
    signed_in(hub, person="Ann")
    secret = issue(locked, Role.ANNOTATOR)["authorization"].partition(" ")[2]
    client = signed_in(locked, key=secret)
    page = client.get("/signin").text
    assert client.post("/classify", content=RUN, headers={"x-csrf-token": token(page)}).status_code == 200


def test_a_cookie_does_not_hold_the_key_and_ends_with_it(locked: Hub) -> None:
    secret = issue(locked, Role.ANNOTATOR)["authorization"].partition(" ")[2]
    client = signed_in(locked, key=secret)
    held = base64.b64decode(client.cookies["coroner"].partition(".")[0] + "==").decode()
    assert "key" in held
    assert secret not in held
    assert client.get("/queue").status_code == 200
    with locked.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        projects.revoke(session, project, projects.keys(session, project)[-1].id)
    assert client.get("/queue").status_code == 401


def test_who_has_no_key_cannot_make_the_service_read_much(locked: Hub) -> None:
    much = b"x" * 2 * MIB
    for path in ("/annotations", "/signin", "/runs/000000000000000000000000/label", "/learning/activate"):
        assert browser(locked).post(path, content=much).status_code == 413
    app = create(locked)

    async def status(path: str) -> int:
        told: list[int] = []

        async def receive() -> Any:
            raise AssertionError(path)

        async def send(message: Any) -> None:
            told.append(message.get("status", 0))

        headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=x")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        await app(scope, receive, send)
        return told[0]

    for path in ("/batches", "/import", "/classify", "/traces", "/annotations/import"):
        assert anyio.run(status, path) == 401


def test_a_wrong_key_begins_no_session(locked: Hub) -> None:
    client = browser(locked)
    page = client.get("/signin")
    assert client.post("/signin", data={"csrf": token(page.text), "key": "cor_wrong"}).status_code == 401
    assert client.post("/classify", content=RUN).status_code in {401, 403}


@pytest.mark.parametrize("form", [{}, {"csrf": "forged"}])
def test_a_form_without_the_sessions_token_is_refused(hub: Hub, form: dict[str, Any]) -> None:
    client = signed_in(hub, person="Ann")
    assert client.post("/signout", data=form).status_code == 403


def test_another_sites_page_cannot_make_a_browser_act(hub: Hub) -> None:
    for where in ("cross-site", "same-site"):
        assert browser(hub).post("/classify", content=RUN, headers={"sec-fetch-site": where}).status_code == 403


def test_a_name_that_another_site_gave_this_machine_is_refused(hub: Hub) -> None:
    for name in ("evil.example", "127.0.0.1.evil.example", "evil.example:8080", "[::2]", "[", ""):
        refused = browser(hub).get("/healthz", headers={"host": name})
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert "default-src 'none'" in refused.headers["content-security-policy"]
    for name in ("127.0.0.1:8080", "LOCALHOST", "[::1]:8080"):
        assert browser(hub).get("/healthz", headers={"host": name}).status_code == 200


def test_every_answer_forbids_scripts_of_others(hub: Hub) -> None:
    client = browser(hub)
    for path in ("/signin", "/healthz", "/nowhere", "/static/coroner.css"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_session_cookie_is_out_of_scripts_reach(hub: Hub, tmp_path: Path) -> None:
    cookie = browser(hub).get("/signin").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    public = open_hub(tmp_path / "p", keys=True)
    assert "secure" in browser(public).get("/signin").headers["set-cookie"].lower()


def test_services_that_start_at_once_sign_sessions_alike(tmp_path: Path) -> None:
    settings = Settings(folder=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: session_secret(settings), range(32)))
    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["session.secret"]
    assert (tmp_path / "session.secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("token", ["", "x", "\u2028\u202e", "\x00"])
def test_a_token_of_any_letters_is_only_a_wrong_one(hub: Hub, token: str) -> None:
    client = signed_in(hub, person="ann")
    assert client.post("/queue/next", data={"csrf": token}).status_code == 403
