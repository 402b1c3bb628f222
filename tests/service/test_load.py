"""Sixteen people at once, and nothing is lost. `python -m tests.bench.load` does the same for real, with figures."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import httpx
from browsers import serving
from hubs import open_hub, work_off
from load import AWAY, Asked, Mix, Person, drive, unaccounted
from runs import run

from service.storage import projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.trace import Trace
    from service.hub import Hub

MIX = Mix(classify=2, keep=2, pages=3, batches=1, inputs=3, annotations=3, agreement=1)


def invented(seed: int) -> Trace:
    return run(f"run-{seed}", f"Count the loans of month {seed}.")


def people(hub: Hub, number: int = 16) -> dict[str, str]:
    with hub.database.begin() as session:
        project = projects.ensure(session)
        return {f"p{i}": projects.issue(session, project, f"p{i}", Role.ANNOTATOR)[1] for i in range(number)}


def keep_working(hub: Hub, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        work_off(hub)


def test_sixteen_people_at_once_lose_nothing(tmp_path: Path, url: str) -> None:
    hub = open_hub(tmp_path, database=url, keys=True, secure=False, in_flight=8, overlap=16)
    ended = threading.Event()
    worked = threading.Thread(target=keep_working, args=(hub, ended))
    worked.start()
    try:
        with serving(hub) as address:
            told = drive(address, people(hub), invented, MIX, patience=120)
    finally:
        ended.set()
        worked.join()
    assert told.problems == ()
    assert told.stored == 16 * (MIX.classify + MIX.keep + MIX.batches * MIX.inputs) + MIX.annotations
    assert {each.status for each in told.asked} >= {200, 201, 202}
    assert {each.status for each in told.asked} <= {200, 201, 202, 503}


def test_a_request_without_an_answer_and_one_that_the_service_never_saw_are_told() -> None:
    asked = [Asked("GET /traces", 200, 0.1), Asked("GET /traces", 503, 0.1), Asked("POST /traces", 201, 0.1)]
    with httpx.Client() as http:
        person = Person("ann", http, asked=asked)
        wanted = Mix(0, 1, 1, 0, 0, 0, 0).answers(shared=0)
        seen = Counter({("GET /traces", 200): 1, (AWAY, 503): 1, ("POST /traces", 201): 1})
        assert list(unaccounted([person], wanted, seen)) == []
        assert list(unaccounted([person], wanted + Counter({"GET /traces": 1}), seen - Counter([(AWAY, 503)]))) == [
            "ann: 1 answers to GET /traces, not 2",
            "turned away: 1 times 503, of which the service counts 0",
        ]


def test_what_is_lost_is_told(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, keys=True, secure=False)
    with serving(hub) as address:
        told = drive(address, people(hub, 1), invented, Mix(1, 0, 0, 1, 2, 1, 0), patience=0)
    assert "has not ended" in told.problems[0]
    assert sorted(problem.rpartition(": ")[2] for problem in told.problems[1:]) == ["lost"] * 4
