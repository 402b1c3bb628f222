"""Every page of the service as a person comes to it, for whoever looks at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubs import batch_of
from shot_runs import measured
from stage import put

from service.storage import annotations as statements
from service.storage import indices, items, projects
from service.storage.parcels import Input

if TYPE_CHECKING:
    from service.hub import Hub

NOWHERE = "0" * 24
EMPTY = ("/signin", "/queue", "/runs", "/import", "/compare", "/disagreements", "/agreement/page", "/learning")


def every(hub: Hub, person: str, run: str) -> tuple[str, ...]:
    """Give the pages, once there is something on each: `run` is one that the person has not labelled."""
    disputed = [
        put(hub, f"disputed {number}", "E2.2", **{person: "E2.2", "bob": cause})
        for number, cause in enumerate(("E2.2", "P1", "R1"))
    ]
    with hub.database.begin() as session:
        project = projects.find(session, projects.DEFAULT)
        inputs = [Input(name=f"{name}.json", data=b"{") for name in ("a", "b")]
        batch = batch_of(session, project, "night", inputs, by=person)
        if claimed := items.claim(session, items.pending(session)[0]):
            items.fail(session, claimed, "not a log in any known format")
        statements.comment(session, project, disputed[1], "bob", "The plan names the wrong column already.")
        known = indices.every(session, project)
    if not known:
        measured(hub)
    return (
        "/signin",
        "/queue",
        f"/queue?saved={disputed[0]}",
        f"/runs/{run}",
        f"/runs/{run}?q=timetable",
        f"/runs/{run}/steps/4",
        f"/runs/{NOWHERE}",
        f"/runs/{disputed[0]}",
        f"/runs/{disputed[0]}?saved={disputed[0]}",
        f"/runs/{disputed[0]}/delete",
        "/runs",
        "/runs?phase=execution&min=10&since=2020-01-01",
        "/runs?text=zebra",
        "/runs?min=lots",
        "/import",
        f"/batches/{batch.uid}/page",
        "/compare",
        "/compare?a-text=disputed&b-text=ferry",
        "/disagreements",
        f"/disagreements/{disputed[1]}",
        f"/disagreements/{run}",
        "/agreement/page",
        "/agreement/page?field=phase",
        "/agreement/page?field=step",
        "/agreement/runs?first=bob",
        "/agreement/runs?first=nobody",
        "/learning",
    )
