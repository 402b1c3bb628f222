"""Spans, sent to a collector of our own on loopback: what is in them, and that nothing private is."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from fake_classifier import FakeClassifier
from hubs import work_off
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from runs import run
from starlette.testclient import TestClient

from service.app import create
from service.settings import Settings
from service.spans import SpansError, provider
from service.storage import projects
from service.storage.projects import Role
from service.terminal import hub_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS = "the-words-of-a-private-run"
ABOVE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """Takes what OTLP's exporters send. `paths` and `bodies`, in the order they came."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.paths.append(self.path)
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def spans(self) -> list[Any]:
        told = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [span for each in told for of in each.resource_spans for scope in of.scope_spans for span in scope.spans]

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    opened = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", opened.url)
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")  # must bring nothing about
    yield opened
    opened.close()


def attributes(span: Any) -> dict[str, Any]:
    found = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return found


def test_a_span_tells_a_request_by_route_status_and_id_and_nothing_that_is_private(
    collector: Collector, tmp_path: Path
) -> None:
    settings = Settings(folder=tmp_path, keys=True, secure=False)
    with hub_for(settings, FakeClassifier(), None) as hub:
        with hub.database.begin() as session:
            key = projects.issue(session, projects.ensure(session), "ann-private", Role.ADMIN)[1]
        headers = {"authorization": f"Bearer {key}", "traceparent": f"00-{ABOVE}-b7ad6b7169203331-01"}
        app = create(hub)
        with TestClient(app, base_url="http://localhost", headers=headers, raise_server_exceptions=False) as http:
            answer = http.post("/classify", content=run(WORDS, task=f"BUG {WORDS}").model_dump_json())
            http.get(f"/traces/{WORDS}", params={"q": WORDS})
            http.get("/healthz")
            lines = f"{run(WORDS).model_dump_json()}\n{WORDS}"
            http.post("/batches", content=lines, headers={"content-type": "application/x-ndjson"})
        work_off(hub)
    assert set(collector.paths) == {"/v1/traces"}
    found = {span.name: span for span in collector.spans()}
    assert set(found) == {"POST /classify", "GET /traces/{uid}", "POST /batches", "input"}
    broken = found["POST /classify"]
    assert attributes(broken) == {
        "http.request.method": "POST",
        "http.route": "/classify",
        "http.response.status_code": answer.status_code,
        "http.response.header.x-request-id": [answer.headers["x-request-id"]],
    }
    assert broken.trace_id.hex() == ABOVE
    assert attributes(found["GET /traces/{uid}"])["http.response.status_code"] == 422
    outcomes = sorted(attributes(span)["coroner.outcome"] for span in collector.spans() if span.name == "input")
    assert outcomes == ["done", "failed"]
    for private in (WORDS, "ann-private", key, "the secret inside"):
        assert not any(private.encode() in body for body in collector.bodies)


def test_what_cannot_be_meant_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "user:password@collector:4318")
    with pytest.raises(SpansError, match="http://HOST:4318") as found:
        provider()
    assert "password" not in str(found.value)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SpansError, match="http/protobuf alone"):
        provider()


MISSING = """
import os, sys
sys.modules["opentelemetry.sdk"] = None  # as where it is not installed
from service.spans import SpansError, provider
assert provider() is None
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://collector:4318"
try:
    provider()
except SpansError as error:
    print(error)
"""


def test_without_a_collector_nothing_is_asked_of_the_extra_and_with_one_its_lack_is_told() -> None:
    said = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)  # noqa: S603
    assert (
        said.stdout == "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is missing: pip install 'coroner[otel]'\n"
    )
