"""A stage for tests of pages: who is signed in where, and runs with verdicts and labels put there by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

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

HTML = {"accept": "text/html"}


class Person:
    """Somebody with a browser that runs no script; forms bring the session's token along."""

    def __init__(self, hub: Hub, *, follow: bool) -> None:
        self.client = TestClient(create(hub), base_url="http://localhost", follow_redirects=follow)

    def get(self, path: str) -> Response:
        return self.client.get(path, headers=HTML)

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def post(self, path: str, data: dict[str, str] | None = None, *, files: Any = None, **form: Any) -> Response:
        token = re.search(r'name="csrf" content="([^"]+)"', self.client.get("/signin").text)
        assert token
        sent = {**(data or {}), **form, "csrf": token[1]}
        return self.client.post(path, data=sent, files=files, headers=HTML)

    def take(self) -> str | None:
        """Take the next run; None where none is left."""
        where = self.post("/queue/next").headers["location"]
        return where.removeprefix("/runs/") if where.startswith("/runs/") else None

    def label(self, uid: str, cause: str = "E2.2", **form: Any) -> Response:
        return self.post(f"/runs/{uid}/label", cause=cause, **form)


def local(hub: Hub, name: str = "ann", *, follow: bool = True) -> Person:
    """Sign in on this machine, by a name. `follow`: answers are what redirects lead to."""
    person = Person(hub, follow=follow)
    person.post("/signin", {"person": name})
    return person


def unled(hub: Hub, name: str) -> Person:
    """Sign in on this machine as somebody who sees where each answer leads, and does not go there."""
    return local(hub, name, follow=False)


def with_key(hub: Hub, name: str, role: Role) -> Person:
    """Sign in with a key of a role."""
    with hub.database.begin() as session:
        secret = projects.issue(session, projects.find(session, projects.DEFAULT), name, role)[1]
    person = Person(hub, follow=True)
    person.post("/signin", {"key": secret})
    return person


def put(hub: Hub, trace: Trace | str, found: Diagnosis | str | None = "E2.2", **labels: str | None) -> str:
    """Store a run with a verdict (a cause stands for one), and labels: annotator=cause. Returns its uid."""
    trace = run(trace) if isinstance(trace, str) else trace
    uid = store(hub, trace, verdict(trace, found) if isinstance(found, str) else found)
    with hub.database.begin() as session:
        for annotator, cause in labels.items():
            annotations.add(session, projects.find(session, projects.DEFAULT), uid, said(trace, annotator, cause))
    return uid


def store(hub: Hub, trace: Trace, found: Diagnosis | None, *, file: str | None = None) -> str:
    """Store a run with its verdict; `file` is also the name of its model. Returns its uid."""
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        uid = traces.put_trace(session, project, trace, file=file, model=file)[0].uid
        if found is not None:
            diagnoses.add(session, project, uid, found)
    return uid
