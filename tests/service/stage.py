"""A stage for tests of pages: who is signed in where, and runs with verdicts and labels put there by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runs import run, said, verdict
from starlette.testclient import TestClient

from service.app import create
from service.storage import annotations, diagnoses, projects, traces

if TYPE_CHECKING:
    from httpx import Response

    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace
    from service.hub import Hub
    from service.storage.projects import Role


class Person:
    """Somebody with a browser; forms bring the session's token along."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str) -> Response:
        return self.client.get(path, headers={"accept": "text/html"})

    def post(self, path: str, data: dict[str, str] | None = None, **more: object) -> Response:
        found = re.search(r'name="csrf" content="([^"]+)"', self.client.get("/signin").text)
        assert found
        return self.client.post(path, data={**(data or {}), "csrf": found[1]}, **more)


def local(hub: Hub, name: str = "ann") -> Person:
    """Sign in on this machine, by a name."""
    person = Person(TestClient(create(hub), base_url="http://localhost", follow_redirects=True))
    person.post("/signin", {"person": name})
    return person


def with_key(hub: Hub, name: str, role: Role) -> Person:
    """Sign in with a key of a role."""
    with hub.database.begin() as session:
        secret = projects.issue(session, projects.find(session, projects.DEFAULT), name, role)[1]
    person = Person(TestClient(create(hub), base_url="http://localhost", follow_redirects=True))
    person.post("/signin", {"key": secret})
    return person


def put(hub: Hub, trace: Trace | str, found: Diagnosis | str | None = "E2.2", **labels: str | None) -> str:
    """Store a run with a verdict (a cause stands for one), and labels: annotator=cause. Returns its uid."""
    trace = run(trace) if isinstance(trace, str) else trace
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        uid = traces.put_trace(session, project, trace)[0].uid
        if found is not None:
            diagnoses.add(session, project, uid, verdict(trace, found) if isinstance(found, str) else found)
        for annotator, cause in labels.items():
            annotations.add(session, project, uid, said(trace, annotator, cause))
    return uid
