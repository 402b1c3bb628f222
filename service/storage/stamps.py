"""Stamps: short texts that change with whatever a figure rests on, so that it is worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from service.storage._rows import digest
from service.storage.schema import AnnotationRow, DiagnosisRow, IndexRow, TraceRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def stamp(session: Session, project: int) -> str:
    """Return the stamp of a project's runs, verdicts, labels and versions of the index.

    Rows are only added, superseded or deleted, so counts and the largest id tell any change.
    """
    parts: list[object] = [project]
    for table in (AnnotationRow, DiagnosisRow):
        wanted = select(func.count(), func.max(table.id), func.count(table.superseded)).select_from(table)
        counted = wanted.join(TraceRow, TraceRow.id == table.trace_id).where(TraceRow.project_id == project)
        parts += session.execute(counted).one()
    runs = select(func.count(), func.max(TraceRow.id)).where(TraceRow.project_id == project)
    parts += session.execute(runs).one()
    versions = select(IndexRow.id, IndexRow.state).where(IndexRow.project_id == project).order_by(IndexRow.id)
    parts += [part for row in session.execute(versions) for part in row]
    return digest("stamp", *parts)
