"""The tables. A change here needs a migration in `migrations/versions`; a test holds the two against each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows up in INTEGER alone


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC. SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone; store UTC."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return it as UTC."""
        del dialect
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)


def _to(column: str, *, nullable: bool = False, keep: bool = False) -> Mapped[Any]:
    """Return a foreign key: what hangs on a deleted row goes with it, or (`keep`) lets go of it."""
    rule = "SET NULL" if keep else "CASCADE"
    return mapped_column(Key, ForeignKey(column, ondelete=rule), nullable=nullable, index=True)


class ProjectRow(Base):
    """A project: traces of one are never seen from another."""

    __tablename__ = "projects"
    name: Mapped[str] = mapped_column(String(100), unique=True)
    created: Mapped[datetime] = mapped_column(Moment)


class KeyRow(Base):
    """An access key, known by its hash alone. `person` is who holds it: the annotator's name on labels."""

    __tablename__ = "keys"
    project_id: Mapped[int] = _to("projects.id")
    person: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    prefix: Mapped[str] = mapped_column(String(12))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(Moment)
    expires: Mapped[datetime | None] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)
    __table_args__ = (CheckConstraint("role IN ('reader', 'client', 'annotator', 'admin')", name="role"),)


class BlobRow(Base):
    """Bytes by the SHA-256 of what they unpack to, compressed with zlib; shared by all that holds the same."""

    __tablename__ = "blobs"
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes, unpacked


class TraceRow(Base):
    """A run of a project. `uid` follows from project and content, so that to store it again finds it."""

    __tablename__ = "traces"
    project_id: Mapped[int] = _to("projects.id")
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    blob_id: Mapped[int] = mapped_column(Key, ForeignKey("blobs.id"), index=True)
    name: Mapped[str] = mapped_column(String(300))  # the trace's own id
    file: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String(50))
    framework: Mapped[str] = mapped_column(String(100), index=True)
    model: Mapped[str | None] = mapped_column(String(200), index=True)
    task: Mapped[str] = mapped_column(Text)
    steps: Mapped[int]
    succeeded: Mapped[bool | None]
    received: Mapped[datetime] = mapped_column(Moment, index=True)
    __table_args__ = (UniqueConstraint("project_id", "blob_id"),)


class DiagnosisRow(Base):
    """A verdict. `body` is the Diagnosis as JSON; the columns beside it are what lists are filtered by."""

    __tablename__ = "diagnoses"
    trace_id: Mapped[int] = _to("traces.id")
    batch_id: Mapped[int | None] = _to("batches.id", nullable=True, keep=True)
    made: Mapped[datetime] = mapped_column(Moment, index=True)
    superseded: Mapped[datetime | None] = mapped_column(Moment)
    index_version: Mapped[str] = mapped_column(String(64), index=True)
    outcome: Mapped[str] = mapped_column(String(20))
    cause: Mapped[str | None] = mapped_column(String(100), index=True)
    phase: Mapped[str | None] = mapped_column(String(20))
    step: Mapped[int | None]
    confidence: Mapped[float]
    decided_by: Mapped[str] = mapped_column(String(20))
    familiarity: Mapped[str] = mapped_column(String(20))
    body: Mapped[str] = mapped_column(Text)
    place: Mapped[bytes | None] = mapped_column(LargeBinary)  # where the run lies: a vector in half precision
    __table_args__ = (
        Index(
            "uq_diagnoses_current",
            "trace_id",
            unique=True,
            sqlite_where=text("superseded IS NULL"),
            postgresql_where=text("superseded IS NULL"),
        ),
    )


class AnnotationRow(Base):
    """What a person said of a run. `body` is the Annotation as JSON; `unsure`: a statement, but not for training."""

    __tablename__ = "annotations"
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    trace_id: Mapped[int] = _to("traces.id")
    annotator: Mapped[str] = mapped_column(String(100), index=True)
    provenance: Mapped[str] = mapped_column(String(20))
    cause: Mapped[str | None] = mapped_column(String(100), index=True)
    step: Mapped[int | None]
    unsure: Mapped[bool]
    adjudicated: Mapped[bool]  # the last word on a disagreement
    undone: Mapped[bool]  # taken back, or said again as a later row: undo passes it over
    blind: Mapped[bool | None]  # whether the verdict was hidden until it was said; None: not known, as of an import
    body: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(Moment, index=True)
    superseded: Mapped[datetime | None] = mapped_column(Moment)
    __table_args__ = (
        Index(
            "uq_annotations_current",
            "trace_id",
            "annotator",
            "adjudicated",
            unique=True,
            sqlite_where=text("superseded IS NULL"),
            postgresql_where=text("superseded IS NULL"),
        ),
    )


class AssignmentRow(Base):
    """A run that a person was given to label. `until`: afterwards others may have it."""

    __tablename__ = "assignments"
    trace_id: Mapped[int] = _to("traces.id")
    annotator: Mapped[str] = mapped_column(String(100), index=True)
    made: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (UniqueConstraint("trace_id", "annotator"),)


class CommentRow(Base):
    """A word in the discussion of a run."""

    __tablename__ = "comments"
    trace_id: Mapped[int] = _to("traces.id")
    author: Mapped[str] = mapped_column(String(100))
    said: Mapped[str] = mapped_column(Text)
    made: Mapped[datetime] = mapped_column(Moment)


class BatchRow(Base):
    """A batch. `token` is the client's idempotency key, `request` the hash of what came with it."""

    __tablename__ = "batches"
    project_id: Mapped[int] = _to("projects.id")
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    token: Mapped[str | None] = mapped_column(String(200))
    request: Mapped[str] = mapped_column(String(64))
    made: Mapped[datetime] = mapped_column(Moment, index=True)
    cancelled: Mapped[datetime | None] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    __table_args__ = (UniqueConstraint("project_id", "token"),)


class ItemRow(Base):
    """One input of a batch: a stored trace, or bytes that are still to be read. Its state is the queue's truth."""

    __tablename__ = "items"
    batch_id: Mapped[int] = _to("batches.id")
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    trace_id: Mapped[int | None] = _to("traces.id", nullable=True)
    blob_id: Mapped[int | None] = mapped_column(Key, ForeignKey("blobs.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[datetime | None] = mapped_column(Moment)  # until then one worker has it
    problem: Mapped[str | None] = mapped_column(Text)
    ended: Mapped[datetime | None] = mapped_column(Moment)
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        Index("ix_items_state_lease", "state", "lease"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"),
    )


class ResultRow(Base):
    """A run that an item held, with the verdict on it: an input may hold several runs."""

    __tablename__ = "results"
    item_id: Mapped[int] = _to("items.id")
    place: Mapped[int]  # of the run in the item, from 0
    trace_id: Mapped[int] = _to("traces.id")
    diagnosis_id: Mapped[int] = _to("diagnoses.id")
    __table_args__ = (UniqueConstraint("item_id", "place"),)


class IndexRow(Base):
    """A version of a project's index. `state`: candidate, active, retired; `path` is below the service's folder."""

    __tablename__ = "indices"
    project_id: Mapped[int] = _to("projects.id")
    version: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    made: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    labels: Mapped[int]
    evaluation: Mapped[str] = mapped_column(Text)  # JSON: figures against the version that was active then
    __table_args__ = (
        UniqueConstraint("project_id", "version"),
        CheckConstraint("state IN ('candidate', 'active', 'retired')", name="state"),
        Index(
            "uq_indices_active",
            "project_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )


class AuditRow(Base):
    """Who did what, when. Rows are only ever added."""

    __tablename__ = "audit"
    project_id: Mapped[int | None] = _to("projects.id", nullable=True, keep=True)
    made: Mapped[datetime] = mapped_column(Moment, index=True)
    person: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(50))
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)  # JSON
