"""Client: the service from Python, in the types of the classifier. Small and synchronous; safe to use from threads."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter

from classifier import annotation
from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen, Trace
from service.storage.annotations import Statement
from service.storage.batches import Batch, Outcome
from service.storage.items import State
from service.storage.traces import Page, StoredTrace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.annotation import Annotation

_Model = TypeVar("_Model", bound=BaseModel)

NDJSON = "application/x-ndjson"
ENDED = {State.DONE, State.CANCELLED}
_TRIES = 5  # of a request that was turned away for being one too many


class ServiceError(RuntimeError):
    """The service refused. `status` is HTTP's, `problem` the problem detail (RFC 9457), empty where there is none."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status}: {problem.get('detail') or 'no word of why'}")
        self.status, self.problem = status, problem


class Kept(Frozen):
    """A run as it is kept; see POST /traces."""

    trace: StoredTrace
    new: bool
    diagnosis: Diagnosis | None = None


class Client:
    """A service at `url`. Requests that come too fast (429, 503) wait as long as they are told, and are made again.

    Every method raises ServiceError where the service refuses, and httpx.HTTPError where it cannot be reached.
    """

    def __init__(self, url: str = "http://127.0.0.1:8080", key: str | None = None, *, timeout: float = 120.0) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def classify(self, log: bytes | Trace, *, keep: bool = True) -> list[Diagnosis]:
        """Diagnose a log in any known format: a diagnosis for each run in it."""
        found = self._asked("POST", "/classify", params={"keep": keep}, content=_bytes(log)).json()
        return [Diagnosis.model_validate(each) for each in (found if isinstance(found, list) else [found])]

    def put(self, log: bytes | Trace, *, classify: bool = False, model: str | None = None) -> tuple[Kept, ...]:
        """Keep the runs in a log."""
        params = {"classify": classify, **({"model": model} if model else {})}
        answer = self._asked("POST", "/traces", params=params, content=_bytes(log))
        return TypeAdapter(tuple[Kept, ...]).validate_json(answer.content)

    def trace(self, uid: str) -> Trace:
        """Return a run."""
        return self._one(Trace, "GET", f"/traces/{uid}")

    def traces(self, **where: Any) -> Iterator[StoredTrace]:
        """Give all runs that fit (see GET /traces), newest first, page by page."""
        after: str | None = None
        while True:
            given = {**where, **({"after": after} if after else {})}
            page = self._one(Page, "GET", "/traces", params=given)
            yield from (each.trace for each in page.items)
            after = page.next
            if after is None:
                return

    def diagnosis(self, uid: str) -> Diagnosis:
        """Return the present verdict on a run."""
        return self._one(Diagnosis, "GET", f"/traces/{uid}/diagnosis")

    def delete(self, uid: str) -> None:
        """Delete a run with all that hangs on it."""
        self._asked("DELETE", f"/traces/{uid}")

    def batch(self, logs: Sequence[bytes | Trace], name: str = "batch", *, token: str | None = None) -> Batch:
        """Send logs, each on one line (a `Trace`, or JSON); with a `token`, to send them again does no harm."""
        lines = []
        for number, log in enumerate(logs, start=1):
            line = _bytes(log).strip()
            if b"\n" in line:
                raise ValueError(f"log {number} is of several lines: send an archive, or a line each")
            lines.append(line)
        return self.batch_of(b"\n".join(lines), NDJSON, name, token=token)

    def batch_of(self, body: bytes, kind: str, name: str = "batch", *, token: str | None = None) -> Batch:
        """Send an upload as it is: NDJSON, or an archive; `kind` is its media type."""
        headers = {"Content-Type": kind, **({"Idempotency-Key": token} if token else {})}
        return self._one(Batch, "POST", "/batches", params={"name": name}, content=body, headers=headers)

    def state(self, uid: str) -> Batch:
        """Return how far a batch is."""
        return self._one(Batch, "GET", f"/batches/{uid}")

    def wait(self, uid: str, *, seconds: float = 3600.0, every: float = 1.0) -> Batch:
        """Return a batch when no input of it waits or runs. Raises TimeoutError after `seconds`."""
        until = time.monotonic() + seconds
        while (batch := self.state(uid)).state not in ENDED:
            if time.monotonic() > until:
                raise TimeoutError(f"the batch {uid} has {batch.waiting + batch.running} inputs open still")
            time.sleep(every)
        return batch

    def results(self, uid: str) -> Iterator[Outcome]:
        """Give what has come of a batch so far, as it is read, in the order of the inputs."""
        with self._http.stream("GET", f"/batches/{uid}/results") as answer:
            if answer.is_error:
                answer.read()
            _checked(answer)
            for line in answer.iter_lines():
                row = json.loads(line)
                row["run"] = row.pop("trace")
                yield Outcome.model_validate(row)

    def cancel(self, uid: str) -> Batch:
        """Take back the inputs that still wait."""
        return self._one(Batch, "POST", f"/batches/{uid}/cancel")

    def retry(self, uid: str) -> Batch:
        """Try the inputs again that failed."""
        return self._one(Batch, "POST", f"/batches/{uid}/retry")

    def annotate(self, uid: str, **said: Any) -> Statement:
        """Say what sank a run: `cause`, `step`, `agent`, `secondary`, `note`, `unsure` (see POST /annotations)."""
        return self._one(Statement, "POST", "/annotations", json={"trace": uid, **said})

    def annotations(self) -> tuple[Annotation, ...]:
        """Return all that people say, as `coroner evaluate`, `agree` and `train` read it."""
        return annotation.parse(self._asked("GET", "/annotations").text, strict=True).records

    def import_annotations(self, records: Sequence[Annotation]) -> int:
        """Take in annotations, all or none; return how many were new."""
        body = annotation.dump(records).encode()
        answer = self._asked("POST", "/annotations/import", content=body, headers={"Content-Type": NDJSON})
        return int(answer.json()["new"])

    def _one(self, kind: type[_Model], method: str, path: str, **more: Any) -> _Model:
        return kind.model_validate_json(self._asked(method, path, **more).content)

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        for left in reversed(range(_TRIES)):
            answer = self._http.request(method, path, **more)
            wait = answer.headers.get("retry-after", "")
            if answer.status_code not in {429, 503} or not wait.isdigit() or not left:
                break
            time.sleep(int(wait))
        return _checked(answer)


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        told = answer.json()
    except ValueError:
        told = {}
    raise ServiceError(answer.status_code, told if isinstance(told, dict) else {})


def _bytes(log: bytes | Trace) -> bytes:
    return log.model_dump_json().encode() if isinstance(log, Trace) else log
