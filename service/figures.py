"""Figures on a project, worked out off the event loop and once for each state of it; pages ask here too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from service.learning import versions
from service.learning.copies import holds
from service.learning.material import Material, gather
from service.learning.progress import Progress
from service.learning.progress import progress as stand
from service.reports import agreement
from service.storage import NotFoundError, diagnoses, traces
from service.storage.stamps import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.annotation import Judged
    from service.hub import Hub
    from service.reports.agreement import Agreement, Measured


def material(hub: Hub, project: int) -> tuple[Material, str]:
    """Return what was said in a project, and the stamp of it."""
    with hub.database.begin(write=False) as session:
        mark = stamp(session, project)
    shipped = hub.classifiers.shipped
    learnt: frozenset[str] = getattr(shipped, "learnt", frozenset())
    began = (shipped.versions.index, learnt)

    def work() -> Material:
        with hub.database.begin(write=False) as session:
            found = gather(session, project, began)
        return found.knowing(_copies(hub, project, {each.run for each in found.statements}))

    return hub.cache.get(("material", project), mark, work), mark


def agree(hub: Hub, project: int, field: Judged = "cause", annotators: Sequence[str] | None = None) -> Agreement:
    """Return how far annotators and classifier agree. Raises ValueError for an annotator who said nothing."""
    found, mark = material(hub, project)
    names = tuple(annotators) if annotators is not None else None
    taxonomy = hub.classifiers.shipped.taxonomy
    return hub.cache.get(
        ("agree", project, field, names),
        mark,
        lambda: agreement.agree(found, taxonomy, field=field, annotators=names),
    )


def measure(hub: Hub, project: int) -> Measured:
    """Return the present verdicts against the labels."""
    found, mark = material(hub, project)
    taxonomy = hub.classifiers.shipped.taxonomy
    return hub.cache.get(("measure", project), mark, lambda: agreement.measure(found, taxonomy))


def progress(hub: Hub, project: int) -> Progress:
    """Return where a project stands."""
    found, mark = material(hub, project)

    def work() -> Progress:
        with hub.database.begin(write=False) as session:
            return stand(found, versions.every(session, project), diagnoses.tally(session, project))

    return hub.cache.get(("progress", project), mark, work)


def _copies(hub: Hub, project: int, labelled: set[str]) -> frozenset[str]:
    """Return those of the labelled runs that the shipped index holds, whatever they are called there."""
    from classifier.pipeline import Classifier  # noqa: PLC0415 - heavy, and loaded before anybody asks

    shipped = hub.classifiers.shipped
    if not isinstance(shipped, Classifier):
        return frozenset()

    def held(uid: str) -> bool:
        with hub.database.begin(write=False) as session:
            try:
                run = traces.get(session, project, uid)
            except NotFoundError:  # deleted meanwhile
                return False
        return holds(shipped, run)

    version = shipped.index.version
    return frozenset(uid for uid in labelled if hub.lasting.get(("held", uid), version, partial(held, uid)))
