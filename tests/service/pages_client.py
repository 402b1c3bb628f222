"""A person with a browser that runs no script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from test_access import signed_in

from service.storage import diagnoses, traces

if TYPE_CHECKING:
    from httpx import Response

    from classifier.diagnosis import Diagnosis
    from classifier.trace import Trace
    from service.hub import Hub


class Person:
    """Somebody who has signed in on this machine by a name."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.client = signed_in(hub, person=name)

    def get(self, path: str) -> Response:
        return self.client.get(path, headers={"accept": "text/html"})

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def post(self, path: str, **form: Any) -> Response:
        token = re.search(r'name="csrf" value="([^"]+)"', self.get("/queue").text)
        assert token
        return self.client.post(path, data={"csrf": token[1], **form}, headers={"accept": "text/html"})

    def take(self) -> str | None:
        """Take the next run; None where none is left."""
        where = self.post("/queue/next").headers["location"]
        return where.removeprefix("/runs/") if where.startswith("/runs/") else None

    def label(self, uid: str, cause: str = "E2.2", **form: Any) -> Response:
        return self.post(f"/runs/{uid}/label", cause=cause, **form)


def store(hub: Hub, trace: Trace, verdict: Diagnosis | None, *, file: str | None = None) -> str:
    """Keep a run with its verdict."""
    with hub.database.begin() as session:
        kept, _ = traces.put_trace(session, 1, trace, file=file, model=file)
        if verdict is not None:
            diagnoses.add(session, 1, kept.uid, verdict)
    return kept.uid
