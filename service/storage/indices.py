"""Versions of a project's index: which there are, which one answers, and what each was measured to be worth."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from classifier.trace import Frozen
from service.storage._rows import ConflictError, NotFoundError, now
from service.storage.schema import IndexRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class State(StrEnum):
    """Whether a version answers."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    RETIRED = "retired"


class IndexVersion(Frozen):
    """A version. `path` is below the service's folder; `evaluation` is JSON; `labels` of people it was trained on."""

    version: str
    path: str
    state: State
    made: datetime
    by: str
    labels: int
    evaluation: str


def add(
    session: Session, project: int, version: str, path: str, *, by: str, labels: int, evaluation: str
) -> IndexVersion:
    """Store a new version as a candidate. Raises ConflictError where it is there already."""
    if session.scalar(select(IndexRow.id).where(IndexRow.project_id == project, IndexRow.version == version)):
        raise ConflictError(f"index {version} is there already: the labels have not changed since")
    row = IndexRow(
        project_id=project,
        version=version,
        path=path,
        state=State.CANDIDATE.value,
        made=now(),
        by=by,
        labels=labels,
        evaluation=evaluation,
    )
    session.add(row)
    session.flush()
    return _version(row)


def every(session: Session, project: int) -> tuple[IndexVersion, ...]:
    """Return the versions of a project, newest first."""
    found = session.scalars(select(IndexRow).where(IndexRow.project_id == project).order_by(IndexRow.id.desc()))
    return tuple(map(_version, found))


def active(session: Session, project: int) -> IndexVersion | None:
    """Return the version that answers; None: the shipped index does."""
    found = session.scalar(select(IndexRow).where(IndexRow.project_id == project, IndexRow.state == State.ACTIVE.value))
    return _version(found) if found is not None else None


def activate(session: Session, project: int, version: str | None) -> IndexVersion | None:
    """Let a version answer from now on, or (None) the shipped index; what answered before is retired.

    Raises NotFoundError. Going back is activating the version before.
    """
    row = None
    if version is not None:
        row = session.scalar(select(IndexRow).where(IndexRow.project_id == project, IndexRow.version == version))
        if row is None:
            raise NotFoundError(f"no index {version!r}")
    session.execute(
        update(IndexRow)
        .where(IndexRow.project_id == project, IndexRow.state == State.ACTIVE.value)
        .values(state=State.RETIRED.value)
    )
    if row is None:
        return None
    row.state = State.ACTIVE.value
    session.flush()
    return _version(row)


def get(session: Session, project: int, version: str) -> IndexVersion:
    """Return a version. Raises NotFoundError."""
    found = session.scalar(select(IndexRow).where(IndexRow.project_id == project, IndexRow.version == version))
    if found is None:
        raise NotFoundError(f"no index {version!r}")
    return _version(found)


def _version(row: IndexRow) -> IndexVersion:
    return IndexVersion(
        version=row.version,
        path=row.path,
        state=State(row.state),
        made=row.made,
        by=row.by,
        labels=row.labels,
        evaluation=row.evaluation,
    )
