"""Database: opens SQLite (WAL) or PostgreSQL, brings its tables up to date, and gives out transactions."""

from __future__ import annotations

import contextlib
import sqlite3
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import Session

from service.addresses import hidden
from service.storage.schema import Base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from sqlalchemy.engine import Engine

BUSY = 30_000  # milliseconds that a writer waits for another
WRITERS = 0x636F726F6E6572  # PostgreSQL's lock for writers: "coroner"
# what is raised while a database cannot be used: it is away, full, held by another, or all connections are taken
UNAVAILABLE = (OperationalError, InterfaceError, NoConnectionError)


class DatabaseError(RuntimeError):
    """A database that cannot be used. Says which (without its password), why, and what to do."""


class Database:
    """An engine and its transactions. Safe to share among threads; not among forked processes."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(_located(url))
            self.engine: Engine = create_engine(self.url, pool_pre_ping=True)
        except (ArgumentError, ImportError, ValueError) as error:  # their words may hold a piece of the password
            raise DatabaseError(f"{hidden(url)!r} is no database; give sqlite:///FILE or postgresql://...") from error
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        event.listen(self.engine, "connect", _prepare_sqlite if self.is_sqlite else _prepare_postgres)
        event.listen(self.engine, "begin", _begin_sqlite if self.is_sqlite else _begin_postgres)

    @property
    def name(self) -> str:
        """The URL without its password."""
        return hidden(self.url.render_as_string(hide_password=False))

    @contextlib.contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Session]:
        """Give a session in a transaction that is committed in the end, or rolled back where anything is raised.

        One that writes takes the only place for writers at once: on SQLite a reader that turned writer later could be
        refused, and on PostgreSQL two that write the same rows in another order would wait for each other. So both
        kinds behave alike; transactions are short, and none waits for more than `BUSY`.
        """
        with self.engine.connect().execution_options(coroner_write=write) as connection, Session(connection) as session:
            with session.begin():
                yield session
            if connection.in_transaction():
                connection.commit()

    def upgrade(self, revision: str = "head") -> None:
        """Bring the tables to a revision; a new database gets them all. Raises DatabaseError."""
        from alembic import command  # noqa: PLC0415 - seldom needed
        from alembic.util import CommandError  # noqa: PLC0415 - as above

        try:
            command.upgrade(self._config(), revision)
        except CommandError as error:
            raise DatabaseError(f"{self.name}: made by a newer coroner, or none: {error}; install that one") from error
        except DBAPIError as error:
            raise DatabaseError(f"{self.name}: cannot be upgraded: {error.orig}") from error

    def problems(self) -> tuple[str, ...]:
        """Say what is wrong with the database: out of date, damaged, dangling references. Empty: nothing."""
        try:
            return tuple(self._problems())
        except OperationalError as error:
            return (f"{self.name}: cannot be opened: {error.orig}",)
        except DBAPIError as error:
            return (f"{self.name}: damaged: {error.orig}",)

    def lagging(self) -> str | None:
        """Say what keeps the database from being used now: out of reach, or out of date. None: nothing does."""
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as below
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - as below

        head = ScriptDirectory.from_config(self._config()).get_current_head()
        try:
            with self.engine.connect() as connection:
                current = MigrationContext.configure(connection).get_current_revision()
        except DBAPIError:
            return "the database cannot be reached"
        return None if current == head else f"the database is at revision {current or 'none'}, not {head}"

    def _problems(self) -> Iterator[str]:
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - seldom needed
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

        head = ScriptDirectory.from_config(self._config()).get_current_head()
        with self.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
            current = context.get_current_revision()
            if current != head:
                yield f"{self.name}: at revision {current or 'none'}, not {head}: `coroner db upgrade`"
                return
            for difference in compare_metadata(context, Base.metadata):
                yield f"{self.name}: its tables differ from what is expected: {difference!r}"
            if self.is_sqlite:
                for (found,) in connection.execute(text("PRAGMA integrity_check")):
                    if found != "ok":
                        yield f"{self.name}: damaged: {found}"
                for row in connection.execute(text("PRAGMA foreign_key_check")):
                    yield f"{self.name}: a row of {row[0]} refers to one of {row[2]} that is gone"

    def backup(self, target: Path) -> None:
        """Copy a SQLite database, also while it is in use. Raises DatabaseError; PostgreSQL has `pg_dump` for this."""
        if not self.is_sqlite:
            raise DatabaseError(f"{self.name}: use pg_dump for a PostgreSQL database")
        if target.exists():
            raise DatabaseError(f"{target} is there already; name a new file")
        part = target.with_name(f"{target.name}.part")
        part.unlink(missing_ok=True)
        with self.engine.connect() as connection, contextlib.closing(sqlite3.connect(part)) as copy:
            driver: Any = connection.connection.driver_connection
            driver.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        part.rename(target)

    def is_empty(self) -> bool:
        """Say whether no table is there."""
        return not inspect(self.engine).get_table_names()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _config(self) -> Config:
        from alembic.config import Config  # noqa: PLC0415 - seldom needed

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = self.engine
        return config


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    """Say whether a table is no business of the queue, which may be in the same PostgreSQL database."""
    return kind != "table" or not (name or "").startswith("huey_")


def restore(source: Path, target: Path) -> Path | None:
    """Put a backup in the place of a SQLite database. Raises DatabaseError, also where somebody has it open.

    The database that was there is kept beside it, as `<name>.before`, `<name>.before.2` and so on; return where.
    """
    found = Database(f"sqlite:///{source}")
    try:
        if not source.is_file() or found.is_empty():
            raise DatabaseError(f"{source} is no backup of coroner's")
        broken = [problem for problem in found.problems() if "damaged" in problem or "gone" in problem]
        if broken:
            raise DatabaseError(f"the backup is not sound: {broken[0]}")
        before = None
        if target.exists():
            _settle(target)
            names = (f"{target}.before{f'.{number}' if number > 1 else ''}" for number in count(1))
            before = next(path for path in map(Path, names) if not path.exists())
            for suffix in ("", "-wal", "-shm"):  # the last two are there where it is damaged
                if (part := Path(f"{target}{suffix}")).exists():
                    part.rename(f"{before}{suffix}")
        found.backup(target)
        return before
    finally:
        found.close()


def _settle(file: Path) -> None:
    """Bring a SQLite database and its journal into one file. Raises DatabaseError where somebody has it open."""
    with contextlib.closing(sqlite3.connect(file, timeout=2)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise DatabaseError(f"{file} is in use: stop the service and its workers first") from error


def _located(url: str) -> str:
    """Name the driver of a PostgreSQL URL; make the folder of a SQLite file."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return f"postgresql+psycopg://{url.removeprefix(scheme)}"
    if url.startswith("sqlite:///") and (file := url.removeprefix("sqlite:///")):
        Path(file).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return url


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Set up a SQLite connection: readers beside a writer, references kept, transactions begun by us (`_begin`)."""
    del record
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")


def _prepare_postgres(connection: Any, record: object) -> None:
    """Set up a PostgreSQL connection: whoever hangs in a transaction is ended, so that others can write again."""
    del record
    connection.execute(f"SET lock_timeout = {BUSY}")
    connection.execute(f"SET idle_in_transaction_session_timeout = {2 * BUSY}")
    connection.commit()


def _begin_postgres(connection: Any) -> None:
    if _writes(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")


def _writes(connection: Any) -> bool:
    return bool(connection.get_execution_options().get("coroner_write", True))
