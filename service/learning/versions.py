"""Versions of a project's index: listed with what they are worth, activated, and rolled back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from classifier.index import IndexRefusedError
from classifier.trace import Frozen
from service.learning.comparison import Comparison
from service.storage import ConflictError, NotFoundError, indices, projects
from service.storage.indices import IndexVersion, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from service.hub import Hub
    from service.storage.projects import Access

SHIPPED = "shipped"  # the version that every project begins with
ACTIVATED, BACK = "activate index", "roll back index"


class Version(Frozen):
    """A version. `comparison`: with the one that answered when it was made. `better`: None: cannot be told apart."""

    version: str
    state: State
    made: datetime
    by: str
    labels: int
    comparison: Comparison | None
    better: bool | None

    @classmethod
    def of(cls, stored: IndexVersion) -> Version:
        """Read what is stored of it."""
        comparison = Comparison.model_validate_json(stored.evaluation) if stored.evaluation else None
        return cls(
            version=stored.version,
            state=stored.state,
            made=stored.made,
            by=stored.by,
            labels=stored.labels,
            comparison=comparison,
            better=comparison.is_better if comparison else None,
        )


def every(session: Session, project: int) -> tuple[Version, ...]:
    """Return the versions of a project, newest first."""
    return tuple(map(Version.of, indices.every(session, project)))


def activate(hub: Hub, access: Access, version: str) -> str:
    """Let a version answer from now on, or (`SHIPPED`) the shipped index; return its name.

    Requests under way end with the classifier that they began with. Raises NotFoundError, and ConflictError where it
    was not measured or cannot be loaded: what answers now goes on.
    """
    with hub.database.begin(write=False) as session:
        wanted = None if version == SHIPPED else indices.get(session, access.project, version)
    if wanted is not None:
        _loadable(hub, wanted)
    with hub.database.begin() as session:
        before = indices.active(session, access.project)
        if (before.version if before else SHIPPED) == version:
            return version
        indices.activate(session, access.project, wanted.version if wanted else None)
        previous = before.version if before else SHIPPED
        projects.note(session, access, ACTIVATED, version, previous=previous)
    hub.classifier(access.project)  # so that it is not the next request that waits for its loading
    return version


def roll_back(hub: Hub, access: Access) -> str:
    """Let the version answer that did before the present one was activated; return its name. Can be repeated.

    Raises ConflictError where the shipped index answers.
    """
    with hub.database.begin(write=False) as session:
        target = _before(session, access.project)
    if target is not None:
        _loadable(hub, target)
    with hub.database.begin() as session:
        if _before(session, access.project) != target:
            raise ConflictError("another version was activated meanwhile")
        present = indices.active(session, access.project)
        indices.activate(session, access.project, target.version if target else None)
        name = target.version if target else SHIPPED
        projects.note(session, access, BACK, name, previous=present.version if present else SHIPPED)
    hub.classifier(access.project)
    return name


def _before(session: Session, project: int) -> IndexVersion | None:
    """Return the version that the present one took the place of; None: the shipped index."""
    present = indices.active(session, project)
    if present is None:
        raise ConflictError("the shipped index answers: there is nothing to go back to")
    entry = projects.last(session, project, ACTIVATED, present.version)
    name = json.loads(entry.detail).get("previous", SHIPPED) if entry else SHIPPED
    try:
        return None if name == SHIPPED else indices.get(session, project, name)
    except NotFoundError:
        return None


def _loadable(hub: Hub, version: IndexVersion) -> None:
    if not version.evaluation:
        raise ConflictError(f"index {version.version} was never measured: train it anew")
    try:
        hub.classifiers.load(version.path)
    except IndexRefusedError as error:
        raise ConflictError(f"index {version.version} cannot be used: {error}") from error
