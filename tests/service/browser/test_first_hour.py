"""The acceptance of the service: two people, from the import to a batch that is killed, in processes of their own."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import invented_traces as invented
from first_hour import Answer, live
from served import Service

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

SYSTEM = "unheard-of"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_two_people_teach_an_index_and_a_kill_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    causes = tuple(invented.MISTAKES)
    invented.index().save(tmp_path / "shipped.npz")
    runs: list[tuple[str, bytes]] = []
    answers: dict[str, dict[str, Answer]] = {"Ann": {}, "Bob": {}}
    for number in range(14):
        cause = causes[number % len(causes)]
        trace = invented.trace(7000 + number, SYSTEM, cause)
        runs.append((f"{trace.id}.json", trace.model_dump_json().encode()))
        answers["Ann"][trace.id] = Answer(cause, 3)
        answers["Bob"][trace.id] = Answer(causes[(number + (number % 3 == 0)) % len(causes)], 3)
    night = [
        (f"{trace.id}.json", trace.model_dump_json().encode())
        for trace in (invented.trace(8000 + number, SYSTEM, causes[number % len(causes)]) for number in range(120))
    ]
    options = ("--index", str(tmp_path / "shipped.npz"), "--embedder", invented.EMBEDDER)
    service = Service(tmp_path, free_port(), options)
    try:
        told = live(service, browser, runs, night, answers)
    finally:
        service.stop()
    assert told.first["done"] == 14
    assert set(told.labelled["Ann"]) == set(told.labelled["Bob"])
    assert len(set(told.labelled["Ann"])) == 10
    assert "People with each other" in told.agreement
    assert "Settled:" in told.settled
    assert "held-out runs of" in told.index
    assert told.answering[0] == told.answering[2] != told.answering[1]
    assert told.again["done"] == 14
    assert told.night["done"] == len(night)
    assert told.night["failed"] == 0
    assert sorted(line["name"] for line in told.results) == sorted(name for name, _ in night)
    assert told.runs == (14, 14 + len(night))
    assert not told.complaints
