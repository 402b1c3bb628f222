"""Where a run lies: kept with its verdict whichever way it came, so that the queue can spread the first labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import invented_traces as invented
import numpy as np
import pytest
from hubs import open_learner
from starlette.testclient import TestClient

from classifier.index import unit
from classifier.training import describe
from service.app import create
from service.storage import assignments, diagnoses, items
from service.work import worker

if TYPE_CHECKING:
    from pathlib import Path

    from service.hub import Hub

RUN = invented.trace(4, "unheard-of", "P1")


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return open_learner(tmp_path)


@pytest.fixture(params=["/classify", "/traces?classify=true", "a batch"])
def kept(hub: Hub, request: pytest.FixtureRequest) -> bytes | None:
    """Send a run in, and give where it lies by what is stored."""
    body, client = RUN.model_dump_json().encode(), TestClient(create(hub), base_url="http://localhost")
    if request.param == "a batch":
        client.post("/batches", content=body, headers={"content-type": "application/x-ndjson"}).raise_for_status()
        with hub.database.begin(write=False) as session:
            (item,) = items.pending(session)
        assert worker.take(hub, item)
    else:
        client.post(request.param, content=body).raise_for_status()
    with hub.database.begin(write=False) as session:
        (found,) = assignments.pool(session, 1)
    return found.place


def test_a_run_is_kept_where_an_index_that_learnt_it_would_hold_it(kept: bytes | None) -> None:
    assert kept is not None
    table = describe(invented.example(RUN, "P1", 3, group="a"), invented.embedder())
    assert np.allclose(np.frombuffer(kept, dtype=np.float16), unit(table.vectors.mean(axis=0)[None])[0], atol=1e-3)


def test_a_verdict_that_says_nothing_new_still_brings_the_place_that_was_missing(hub: Hub) -> None:
    found = hub.classifier(1).classify(RUN)
    client = TestClient(create(hub), base_url="http://localhost")
    uid = client.post("/traces", content=RUN.model_dump_json()).json()[0]["trace"]["uid"]
    with hub.database.begin() as session:
        first = diagnoses.add(session, 1, uid, found)
        assert diagnoses.add(session, 1, uid, found, place=b"12") == first
        assert assignments.pool(session, 1)[0].place == b"12"
