"""What the files of this package share: times, names that follow from content, inserts that find what is there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from service.storage.schema import Base


class NotFoundError(LookupError):
    """What is asked for is not there, or not in this project: the same answer, so that none can probe for it."""


class ConflictError(RuntimeError):
    """What is asked for cannot be, as things stand. Says why."""


def now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)


def digest(*parts: object) -> str:
    """Return the SHA-256 of the parts, in hex."""
    return hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()


def inserting(session: Session, table: type[Base]) -> Any:
    """Return an insert of the database at hand, which can say what is to be done where the row is there already."""
    return (sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert)(table)


def put(session: Session, table: type[Base], values: Mapping[str, Any], *, by: tuple[str, ...]) -> tuple[int, bool]:
    """Insert a row unless one of these values in the columns `by` is there; return its id, and whether it is new.

    Safe beside others who insert or delete the same at the same time.
    """
    made = inserting(session, table).values(dict(values)).on_conflict_do_nothing(index_elements=list(by))
    there = select(table.id).where(*(getattr(table, column) == values[column] for column in by))
    while True:
        new = session.execute(made.returning(table.id)).scalar()
        if new is not None:
            return new, True
        found = session.execute(there.with_for_update(read=True, key_share=True)).scalar()
        if found is not None:  # else it was deleted meanwhile
            return found, False


def clean(text: str) -> str:
    """Replace what PostgreSQL's text cannot hold: NUL, and surrogates that stand alone."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
