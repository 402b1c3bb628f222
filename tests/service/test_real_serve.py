"""`coroner serve` as it is started for real, with a worker of its own: whom it asks, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import plain_judge
import pytest
from invented_traces import trace
from model_server import ModelServer

from classifier.pipeline import SHIPPED
from service.storage import batches, indices, projects
from service.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = "openai/test-model"
WITHIN = 120.0  # seconds


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Start it on a free port, and give it once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-c", "from classifier.cli import main; main()", "serve", "--port", str(port), *options]
    environment = {**os.environ, "CORONER_FOLDER": str(folder), "OPENAI_API_KEY": "sk-of-the-tests"}
    with (folder / "said").open("wb") as said:
        child = subprocess.Popen(program, env=environment, stderr=said, process_group=0)  # noqa: S603 - ours
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        try:
            until = time.monotonic() + WITHIN
            while True:
                assert child.poll() is None, (folder / "said").read_text()
                assert time.monotonic() < until
                with contextlib.suppress(httpx.TransportError):
                    if http.get("/readyz").is_success:
                        break
                time.sleep(0.1)
            yield child, http
        finally:
            child.kill()
            child.wait()


def post(http: httpx.Client, *numbers: int) -> str:
    body = "\n".join(trace(number, steps=30).model_dump_json() for number in numbers)
    answer = http.post("/batches?name=night", content=body, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["uid"])


def judges(http: httpx.Client, uid: str) -> list[str | None]:
    """Wait for a batch; return which model its verdicts had for a judge."""
    until = time.monotonic() + WITHIN
    while http.get(f"/batches/{uid}").json()["state"] != "done":
        assert time.monotonic() < until
        time.sleep(0.1)
    rows = [json.loads(line) for line in http.get(f"/batches/{uid}/results").text.splitlines()]
    return [row["diagnosis"]["versions"]["judge"] for row in rows]


def activate(folder: Path, number: int) -> None:
    """Let a copy of the shipped index answer for the first project, as one that was trained does."""
    (folder / "indices").mkdir(exist_ok=True)
    shutil.copy(SHIPPED, folder / "indices" / f"{number}.npz")
    database = Database(f"sqlite:///{folder / 'coroner.db'}")
    with database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        indices.add(session, project, str(number), f"indices/{number}.npz", by="ann", labels=1, evaluation="{}")
        indices.activate(session, project, str(number))
    database.close()


def test_a_judge_of_the_service_is_asked_about_batches_too_and_by_a_project_s_own_index(tmp_path: Path) -> None:
    with ModelServer(plain_judge.answer) as model:
        options = ("--judge", MODEL, "--judge-base", model.base, "--ask", "always", "--budget", "day=3")
        with served(tmp_path, *options) as (_, http):
            assert judges(http, post(http, 1, 2)) == [MODEL, MODEL]
            asked = model.calls
            assert asked >= 2
            activate(tmp_path, 1)
            assert judges(http, post(http, 3)) == [MODEL]
            assert http.post("/classify", content=trace(4).model_dump_json()).json()["versions"]["judge"] == MODEL
            assert model.calls >= asked + 2
    assert (tmp_path / "judge.sqlite3").exists()
    assert f"{MODEL} is asked by 2 processes" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_its_worker_has_finished_what_it_has_begun(tmp_path: Path, told: signal.Signals) -> None:
    with served(tmp_path) as (child, http):
        uid = post(http, *range(30))
        until = time.monotonic() + WITHIN
        while not http.get(f"/batches/{uid}").json()["running"]:
            assert time.monotonic() < until
            time.sleep(0.02)
        os.killpg(child.pid, told)  # as a terminal does
        assert child.wait(60) == 0
    database = Database(f"sqlite:///{tmp_path / 'coroner.db'}")
    with database.begin(write=False) as session:
        left = batches.get(session, projects.find(session, projects.DEFAULT), uid)
    database.close()
    assert left.done
    assert left.running == 0
