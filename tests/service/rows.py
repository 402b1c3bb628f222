"""Rows of the service's database, for its tests: stored and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs import run
from sqlalchemy import func, select

from service.storage import traces

if TYPE_CHECKING:
    from service.storage.database import Database

RUNS = [run(f"run-{i}") for i in range(5)]


def count(database: Database, table: type) -> int:
    with database.begin(write=False) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def stored(database: Database, project: int, number: int = 0) -> str:
    with database.begin() as session:
        return traces.put_trace(session, project, RUNS[number])[0].uid
