"""The OpenAPI document against what the service does, by Schemathesis: a few cases an operation, always the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hubs import open_hub
from hypothesis import HealthCheck, Phase, given, settings
from runs import run, said, verdict
from schemathesis.specs.openapi.checks import positive_data_acceptance

from service.app import API, create
from service.storage import annotations, diagnoses, projects, traces

if TYPE_CHECKING:
    from pathlib import Path

    from schemathesis import Case

    from service.hub import Hub


EXAMPLES = int(os.environ.get("CORONER_TEST_EXAMPLES", "10"))  # of each operation
# logs and tables of labels: what is well formed there no schema tells
IN_OTHER_LANGUAGES = {"/classify", "/traces", "/annotations/import"}


def fill(hub: Hub) -> None:
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        uid = traces.put_trace(session, project, run())[0].uid
        diagnoses.add(session, project, uid, verdict(run()))
        annotations.add(session, project, uid, said(run()))


@pytest.fixture
def api(tmp_path: Path, url: str) -> schemathesis.BaseSchema:
    hub = open_hub(tmp_path, database=url, rate="1000000/second", hosts=("testserver",))
    fill(hub)
    return schemathesis.openapi.from_asgi("/openapi.json", create(hub))


OPERATIONS = [
    (method, route.path)
    for router in API
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_keeps_to_its_document(api: schemathesis.BaseSchema, method: str, path: str) -> None:
    # not by Schemathesis' own decorator: its plugin reaches into pytest's insides, which have moved
    @given(case=api[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Case) -> None:
        untold = method == "POST" and path in IN_OTHER_LANGUAGES
        case.call_and_validate(excluded_checks=[positive_data_acceptance] if untold else [])

    check()


def test_the_document_tells_of_every_operation(api: schemathesis.BaseSchema) -> None:
    told = {(found.ok().method.upper(), found.ok().path) for found in api.get_all_operations()}
    assert told == set(OPERATIONS)
