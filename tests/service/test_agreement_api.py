"""Agreement over HTTP: people, the classifier, and what was agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runs import run, said, verdict
from starlette.testclient import TestClient

from service import figures
from service.app import create
from service.storage import annotations, diagnoses, projects, traces

if TYPE_CHECKING:
    from service.hub import Hub


@pytest.fixture
def client(hub: Hub) -> TestClient:
    return TestClient(create(hub), base_url="http://localhost")


def fill(hub: Hub, *words: tuple[str, str | None]) -> int:
    """Store runs that two people labelled; the classifier says E2.2 of all."""
    with hub.database.begin() as session:
        project = projects.ensure(session)
        for i, (one, other) in enumerate(words):
            one_run = run(f"run-{i}", f"Question {i}: which {i}th word opens the {i}th chapter of volume {i}?")
            uid = traces.put_trace(session, project, one_run)[0].uid
            diagnoses.add(session, project, uid, verdict(one_run))
            annotations.add(session, project, uid, said(one_run, "ann", one))
            if other is not None:
                annotations.add(session, project, uid, said(one_run, "bob", other))
    return project


WORDS = (("E2.2", "E2.2"), ("P1", "P1"), ("E2.2", "P1"), ("E2.2", None), ("P1", "P1"), ("E2.2", "E2.2"))


def test_people_and_classifier_are_compared_and_the_ceiling_is_beside(client: TestClient, hub: Hub) -> None:
    fill(hub, *WORDS)
    told = client.get("/agreement").json()
    assert {rater["name"] for rater in told["report"]["raters"]} == {"ann", "bob", "classifier"}
    assert told["ceiling"]["observed"]["value"] == pytest.approx(4 / 5)
    assert told["classifier"]["units"] == 6
    pair = next(p for p in told["report"]["pairs"] if (p["first"], p["second"]) == ("ann", "classifier"))
    assert pair["observed"]["value"] == pytest.approx(4 / 6)
    two = client.get("/agreement?annotator=bob&annotator=ann&field=phase").json()
    assert [rater["name"] for rater in two["report"]["raters"]] == ["bob", "ann"]


def test_what_cannot_be_compared_is_said_in_words(client: TestClient, hub: Hub) -> None:
    assert "no run has a cause label" in client.get("/agreement").json()["problem"]
    assert client.get("/agreement/evaluation").json()["problem"] == "no label to measure against"
    fill(hub, *WORDS)
    assert client.get("/agreement?annotator=nobody").status_code == 404
    assert client.get("/agreement?field=mood").status_code == 422


def test_the_classifier_is_measured_against_what_was_agreed(client: TestClient, hub: Hub) -> None:
    fill(hub, *WORDS)
    told = client.get("/agreement/evaluation").json()
    assert (told["labels"], told["disputed"]) == (5, 1)
    overall = told["evaluation"]["overall"]
    assert overall["runs"] == 5
    assert overall["tiers"][0]["accuracy"]["value"] == pytest.approx(3 / 5)
    assert [source["name"] for source in told["evaluation"]["sources"]] == ["autogen"]
    assert [(point["version"], point["runs"]) for point in told["trend"]] == [("fake", 5)]


def test_figures_are_worked_out_once_until_something_is_said(hub: Hub) -> None:
    project = fill(hub, *WORDS)
    first = figures.measure(hub, project)
    assert figures.measure(hub, project) is first
    with hub.database.begin() as session:
        uid = traces.uids(session, project)[0]
        annotations.undo(session, project, uid, "bob")
    assert figures.measure(hub, project) is not first
