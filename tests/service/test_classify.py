"""The service: any trace in, diagnoses out, every error a problem detail."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fake_classifier import EXAMPLES, FakeClassifier
from hubs import open_hub

from classifier import formats
from classifier.diagnosis import Diagnosis
from classifier.taxonomy import Taxonomy
from service import examples
from service.app import create
from service.limits import LimitCrowd
from service.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from classifier.trace import Trace
    from service.hub import Hub

FAILED = (EXAMPLES / "failed_run.json").read_bytes()
SUCCEEDED = (EXAMPLES / "succeeded_run.json").read_bytes()
TWO_RUNS = b"\n".join(json.dumps(json.loads(SUCCEEDED)).encode() for _ in range(2))


class Client:
    """Asks the app as a server would, each time in a loop of its own."""

    def __init__(self, hub: Hub) -> None:
        self.transport = httpx.ASGITransport(create(hub), raise_app_exceptions=False)

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.ask("POST", path, **body)

    def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="http://localhost") as client:
                return await client.request(method, path, **body)

        return asyncio.run(asked())


@pytest.fixture
def client(hub: Hub) -> Client:
    return Client(hub)


def problem(response: httpx.Response, status: int) -> Problem:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(response.content)
    assert found.status == status
    assert found.title
    return found


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded", None]
)
def test_one_run_gives_one_diagnosis_whatever_the_client_calls_the_body(client: Client, kind: str | None) -> None:
    response = client.post("/classify", content=FAILED, headers={"content-type": kind} if kind else {})
    assert response.status_code == 200
    diagnosis = Diagnosis.model_validate_json(response.content)
    assert (diagnosis.cause, diagnosis.step, diagnosis.agent) == ("E2.2", 4, "Data_Analyst")


def test_several_runs_in_one_body_give_a_list_in_their_order(client: Client) -> None:
    found = client.post("/classify", content=TWO_RUNS).json()
    assert [one["trace_id"] for one in found] == ["library-october-2#0", "library-october-2#1"]


def test_a_file_of_a_form_is_read_and_named(client: Client) -> None:
    one = client.post("/classify", files={"file": ("run.json", FAILED)}).json()
    assert (one["file"], one["trace_id"]) == ("run.json", "run")
    many = client.post("/classify", files=[("a", ("1.json", FAILED)), ("b", ("2.json", SUCCEEDED))]).json()
    assert [found["file"] for found in many] == ["1.json", "2.json"]


def test_a_gzipped_file_is_unpacked_within_the_limit(client: Client) -> None:
    assert client.post("/classify", content=gzip.compress(FAILED)).json()["cause"] == "E2.2"
    bomb = client.post("/classify", content=gzip.compress(b" " * 1_000_000 + FAILED))
    assert "unpacks to more than the limit" in problem(bomb, 422).detail


def test_the_named_format_is_the_one_that_reads(client: Client) -> None:
    assert client.post("/classify?format=autogen_history", content=FAILED).status_code == 200
    refused = problem(client.post("/classify?format=tau_bench", content=FAILED), 422)
    assert refused.format == "tau_bench"
    assert "who_and_when" in problem(client.post("/classify?format=none", content=FAILED), 422).detail


def test_an_unreadable_log_is_422_with_file_and_place(client: Client) -> None:
    found = problem(client.post("/classify", files={"file": ("x.json", b'{"chat_history": [')}), 422)
    assert found.file == "x.json"
    assert found.place
    assert "line 1" in found.place
    assert problem(client.post("/classify", content=b""), 422).file is None


def test_unknown_paths_methods_types_and_codings_are_problems(client: Client) -> None:
    for path in ("/nowhere", "/docs", "/redoc"):
        problem(client.get(path), 404)
    assert problem(client.get("/classify"), 405)
    assert client.get("/classify").headers["allow"] == "POST"
    problem(client.post("/classify", content=FAILED, headers={"content-type": "image/png"}), 415)
    problem(client.post("/classify", content=FAILED, headers={"content-encoding": "br"}), 415)
    problem(client.post("/classify", content=b"--x--", headers={"content-type": "multipart/form-data"}), 400)
    form = {"content-type": "multipart/form-data; boundary=x"}
    problem(client.post("/classify", content=b"--x\r\nbroken", headers=form), 400)
    problem(client.post("/classify", data={"field": "text"}, files={"": ("", b"")}), 400)


def test_a_defect_is_500_and_keeps_its_inside_to_itself(client: Client) -> None:
    bug = json.dumps([{"role": "user", "name": "a", "content": "BUG"}])
    response = client.post("/classify", content=bug)
    assert "secret" not in problem(response, 500).detail


def test_an_announced_length_over_the_limit_is_refused_before_it_is_sent(client: Client) -> None:
    found = problem(client.post("/classify", content=b"x" * 50_001), 413)
    assert "50000" in found.detail


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x"])
def test_a_body_without_length_is_cut_off_where_it_runs_over(hub: Hub, kind: str) -> None:
    sent = 0
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield head
        while sent < 10_000_000:
            sent += 1000
            yield b"x" * 1000

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create(hub))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/classify", content=endless(), headers={"content-type": kind})

    problem(asyncio.run(ask()), 413)
    assert sent < 60_000


class SlowClassifier(FakeClassifier):
    """Waits until it is let go, and counts how many of its calls run at once."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.busy = threading.Event(), threading.Event()
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == 2:
                self.busy.set()
        assert self.go.wait(10)
        with self.lock:
            self.now -= 1
        return super().classify(trace, file)


def test_work_runs_beside_the_event_loop_so_many_at_once_and_the_crowd_is_turned_away(tmp_path: Path) -> None:
    slow = SlowClassifier()
    hub = open_hub(tmp_path, slow, at_once=2, in_flight=5)

    async def ask() -> tuple[list[httpx.Response], httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(create(hub))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            waiting = [asyncio.create_task(client.post("/classify", content=FAILED)) for _ in range(5)]
            await asyncio.to_thread(slow.busy.wait, 10)
            health, turned_away = await client.get("/healthz"), await client.post("/classify", content=FAILED)
            slow.go.set()
            return await asyncio.gather(*waiting), health, turned_away

    served, health, turned_away = asyncio.run(ask())
    assert health.status_code == 200
    assert problem(turned_away, 503)
    assert turned_away.headers["retry-after"] == "1"
    assert [one.status_code for one in served] == [200] * 5
    assert slow.most == 2
    assert threading.get_ident() not in slow.threads


def test_a_run_is_kept_while_others_are_diagnosed(tmp_path: Path) -> None:
    slow = SlowClassifier()
    hub = open_hub(tmp_path, slow, at_once=2)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create(hub))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            waiting = [asyncio.create_task(client.post("/classify", content=FAILED)) for _ in range(3)]
            await asyncio.to_thread(slow.busy.wait, 10)
            kept = await client.post("/traces", content=FAILED)
            slow.go.set()
            await asyncio.gather(*waiting)
            return kept

    assert asyncio.run(ask()).status_code == 201


def test_a_place_is_given_back_after_a_failure() -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    async def nothing(*_: object) -> dict[str, Any]:
        return {}

    crowd = LimitCrowd(broken, in_flight=1)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            asyncio.run(crowd({"type": "http", "method": "POST"}, nothing, nothing))
    assert crowd.now == 0


def test_the_taxonomy_is_served_whole_and_by_cause(client: Client) -> None:
    whole = Taxonomy.model_validate_json(client.get("/taxonomy").content)
    assert len(whole.causes) == 19
    assert client.get("/taxonomy/goal_conflict").json()["id"] == "E2.4"
    assert "E9" in problem(client.get("/taxonomy/E9"), 404).detail


def test_health_names_the_versions(client: Client) -> None:
    health = client.get("/healthz").json()
    assert health["status"] == "ok"
    assert health["versions"]["index"] == "fake"


def test_the_documentation_documents_diagnoses_and_problems_with_examples_that_hold(client: Client) -> None:
    document = client.get("/openapi.json").json()
    post = document["paths"]["/classify"]["post"]
    assert set(post["responses"]) >= {"200", "400", "413", "415", "422", "503"}
    assert "application/problem+json" in post["responses"]["413"]["content"]
    assert "HTTPValidationError" not in json.dumps(document)
    shown = post["responses"]["200"]["content"]["application/json"]["examples"]
    assert Diagnosis.model_validate(shown["one run"]["value"]).cause == "E3.2"
    assert [Diagnosis.model_validate(one).trace_id for one in shown["several runs"]["value"]] == ["run-7", "run-8"]
    log = examples.REQUEST_BODY["content"]["application/json"]["examples"]["AutoGen chat history"]["value"]
    [trace] = formats.read(json.dumps(log).encode())
    assert len(trace.steps) == 4
