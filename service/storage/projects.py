"""Projects, the keys that open them, and the audit log."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from classifier.trace import Frozen
from service.storage._rows import ConflictError, NotFoundError, now, put
from service.storage.schema import AuditRow, KeyRow, ProjectRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DEFAULT = "default"  # the project of those who ask for none


class Role(StrEnum):
    """What a key allows; each role allows what those before it do."""

    READER = "reader"  # look at runs, verdicts, agreement
    CLIENT = "client"  # send runs and batches
    ANNOTATOR = "annotator"  # label
    ADMIN = "admin"  # delete, adjudicate, train, activate, give keys

    def allows(self, other: Role) -> bool:
        """Say whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Access(Frozen):
    """Who asks, in which project, with which role. `key` is the id of the key, None without one (on loopback)."""

    project: int
    project_name: str
    person: str
    role: Role
    key: int | None = None


class Key(Frozen):
    """A key as it is listed; the secret itself is shown once, when it is made."""

    id: int
    prefix: str
    person: str
    role: Role
    created: datetime
    expires: datetime | None
    revoked: datetime | None


class Entry(Frozen):
    """A line of the audit log. `detail` is JSON."""

    id: int
    made: datetime
    person: str
    action: str
    subject: str
    detail: str


def ensure(session: Session, name: str = DEFAULT) -> int:
    """Return the id of the project of that name; it is made where there is none."""
    return put(session, ProjectRow, {"name": name, "created": now()}, by=("name",))[0]


def find(session: Session, name: str) -> int:
    """Return the id of the project of that name. Raises NotFoundError."""
    found = session.scalar(select(ProjectRow.id).where(ProjectRow.name == name))
    if found is None:
        raise NotFoundError(f"no project {name!r}")
    return found


def names(session: Session) -> tuple[str, ...]:
    """Return the names of all projects."""
    return tuple(session.scalars(select(ProjectRow.name).order_by(ProjectRow.name)))


def issue(session: Session, project: int, person: str, role: Role, expires: datetime | None = None) -> tuple[Key, str]:
    """Make a key; return it with its secret, which is stored nowhere."""
    secret = f"cor_{secrets.token_urlsafe(32)}"
    row = KeyRow(
        project_id=project,
        person=person,
        role=role.value,
        prefix=secret[:10],
        digest=digest(secret),
        created=now(),
        expires=expires,
    )
    session.add(row)
    session.flush()
    return _key(row), secret


def unlock(session: Session, secret: str) -> Access | None:
    """Return what a secret gives access to; None where it is unknown, revoked or expired."""
    return recognise(session, digest(secret))


def recognise(session: Session, key: str) -> Access | None:
    """Return what a key gives access to, by its digest; None where it is unknown, revoked or expired."""
    found = session.execute(
        select(KeyRow, ProjectRow.name).join(ProjectRow, ProjectRow.id == KeyRow.project_id).where(KeyRow.digest == key)
    ).first()
    if found is None:
        return None
    row, name = found
    if row.revoked is not None or (row.expires is not None and row.expires <= now()):
        return None
    return Access(project=row.project_id, project_name=name, person=row.person, role=Role(row.role), key=row.id)


def keys(session: Session, project: int) -> tuple[Key, ...]:
    """Return the keys of a project, those that are revoked among them, newest last."""
    return tuple(map(_key, session.scalars(select(KeyRow).where(KeyRow.project_id == project).order_by(KeyRow.id))))


def revoke(session: Session, project: int, key: int) -> None:
    """Make a key useless from now on. Raises NotFoundError, and ConflictError where it is revoked already."""
    changed = session.scalars(
        update(KeyRow)
        .where(KeyRow.id == key, KeyRow.project_id == project, KeyRow.revoked.is_(None))
        .values(revoked=now())
        .returning(KeyRow.id)
    ).first()
    if changed is None:
        if session.scalar(select(KeyRow.id).where(KeyRow.id == key, KeyRow.project_id == project)) is None:
            raise NotFoundError(f"no key {key}")
        raise ConflictError(f"key {key} is revoked already")


def note(session: Session, access: Access, action: str, subject: str, **detail: object) -> None:
    """Write a line into the audit log."""
    session.add(
        AuditRow(
            project_id=access.project,
            made=now(),
            person=access.person,
            action=action,
            subject=subject,
            detail=json.dumps(detail, sort_keys=True, default=str),
        )
    )


def noted(session: Session, access: Access, action: str, subject: str) -> bool:
    """Say whether this person has done so before, by the audit log."""
    wanted = select(AuditRow.id).where(
        AuditRow.project_id == access.project,
        AuditRow.person == access.person,
        AuditRow.action == action,
        AuditRow.subject == subject,
    )
    return session.scalar(wanted.limit(1)) is not None


def subjects(session: Session, access: Access, action: str) -> frozenset[str]:
    """Return all that this person has done so with, by the audit log."""
    wanted = select(AuditRow.subject).where(
        AuditRow.project_id == access.project, AuditRow.person == access.person, AuditRow.action == action
    )
    return frozenset(session.scalars(wanted))


def log(session: Session, project: int, *, before: int | None = None, limit: int = 100) -> tuple[Entry, ...]:
    """Return the audit log of a project, newest first; `before` is the id of the last line that was seen."""
    wanted = select(AuditRow).where(AuditRow.project_id == project)
    if before is not None:
        wanted = wanted.where(AuditRow.id < before)
    return tuple(map(_entry, session.scalars(wanted.order_by(AuditRow.id.desc()).limit(limit))))


def last(session: Session, project: int, action: str, subject: str) -> Entry | None:
    """Return the latest line of the audit log on an action and its subject."""
    row = session.scalar(
        select(AuditRow)
        .where(AuditRow.project_id == project, AuditRow.action == action, AuditRow.subject == subject)
        .order_by(AuditRow.id.desc())
        .limit(1)
    )
    return _entry(row) if row is not None else None


def _entry(row: AuditRow) -> Entry:
    return Entry(id=row.id, made=row.made, person=row.person, action=row.action, subject=row.subject, detail=row.detail)


def _key(row: KeyRow) -> Key:
    return Key(
        id=row.id,
        prefix=row.prefix,
        person=row.person,
        role=Role(row.role),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
    )


def digest(secret: str) -> str:
    """Return the hash of a secret, by which alone it is known.

    One round is enough: it is 256 random bits, not a password that could be guessed.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
