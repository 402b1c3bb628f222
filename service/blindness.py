"""Blindness: who labels a run sees no verdict on it before, and whoever did see one is known to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.storage import projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from service.settings import Settings
    from service.storage.database import Database
    from service.storage.projects import Access

SEEN = "verdict.shown"  # in the audit log: from then on this person does not label the run blind


def works_blind(settings: Settings, access: Access) -> bool:
    """Say whether verdicts are kept from this person until they have labelled: from all who may label."""
    return settings.blind and access.role.allows(Role.ANNOTATOR)


def seen(session: Session, access: Access, uid: str) -> bool:
    """Say whether this person has seen the verdict on a run, or what others said of it."""
    return projects.noted(session, access, SEEN, uid)


def show(session: Session, access: Access, uid: str, **how: bool) -> None:
    """Remember, once, that this person sees it."""
    if not seen(session, access, uid):
        projects.note(session, access, SEEN, uid, **how)


def read(database: Database, settings: Settings, access: Access, uid: str) -> None:
    """Remember that this person has read of a run through the API what pages would have hidden."""
    if not works_blind(settings, access):
        return
    with database.begin(write=False) as session:
        known = seen(session, access, uid)
    if not known:
        with database.begin() as session:
            show(session, access, uid, by_api=True)
