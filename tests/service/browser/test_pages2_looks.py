"""Runs, comparison, disagreements, agreement and index in a browser: usable by all, and within a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hubs import batch_of
from stage import put
from test_looks import NARROW, serious

from service.storage import projects
from service.storage.parcels import Input

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from service.hub import Hub

    Served = tuple[Hub, str, dict[str, str]]
    SignIn = Callable[..., Page]


def paths(hub: Hub, person: str) -> tuple[str, ...]:
    """Label some runs, so that there is something to see; give the pages."""
    disputed = [
        put(hub, f"disputed {number}", "E2.2", **{person: "E2.2", "bob": cause})
        for number, cause in enumerate(("E2.2", "P1", "R1"))
    ]
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        batch = batch_of(session, project, "night", [Input(name="a", data=b"{")], by=person)
    return (
        "/runs",
        "/runs?cause=E2.2",
        "/import",
        f"/batches/{batch.uid}/page",
        f"/runs/{disputed[0]}/delete",
        "/compare?a-text=disputed&b-text=ferry",
        "/disagreements",
        f"/disagreements/{disputed[1]}",
        "/agreement/page",
        "/agreement/page?field=step",
        "/agreement/runs?first=bob",
        "/learning",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_here(served: Served, sign_in: SignIn, scheme: str) -> None:
    page = sign_in("Axel", color_scheme=scheme)
    found = []
    for path in paths(served[0], "Axel"):
        page.goto(path)
        found += serious(page, path)
    assert not found, "\n".join(found)


def test_at_400_pixels_nothing_lies_outside_here(served: Served, sign_in: SignIn) -> None:
    page = sign_in("Nils", viewport=NARROW)
    for path in paths(served[0], "Nils"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
