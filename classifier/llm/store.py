"""Every call that was made, or is to be made, in one SQLite file: asked once, paid once. All of its SQL is here."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from classifier.llm.budget import Spent
from classifier.llm.errors import OutOfBudget, StoreError
from classifier.llm.request import Reply, Request
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VERSION = 1
STRIPES = 256  # lock files; two requests that share one wait for each other, no more
PATIENCE = 900.0  # seconds to wait for another process that is asking the same
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS calls (
    hash TEXT PRIMARY KEY,
    tag TEXT NOT NULL,       -- the trace it was asked for first
    model TEXT NOT NULL,
    request TEXT NOT NULL,   -- JSON
    asked TEXT NOT NULL,     -- ISO 8601, UTC
    reply TEXT,              -- JSON with tokens, cost and latency; NULL while it is pending
    answered TEXT)""",
    "CREATE INDEX IF NOT EXISTS calls_tag ON calls (tag)",
    """CREATE TABLE IF NOT EXISTS spending (
    entry INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    tag TEXT NOT NULL,
    usd REAL NOT NULL,       -- reserved, until it is settled: a process that is killed leaves what it had reserved
    settled INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS spending_day ON spending (day)",
)


class Call(Frozen):
    """One line of the store. `reply` is None while the request waits for its answer; times are in UTC."""

    request: Request
    tag: str
    asked: datetime
    reply: Reply | None
    answered: datetime | None


def default_path() -> Path:
    """Return where the calls of this user are kept."""
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed where a path is given

    return user_data_path("coroner") / "judge.sqlite3"


class Store:
    """The calls in one file, made if missing, readable by its owner alone. For all threads; processes may share it.

    Every method raises StoreError where the file cannot be used. What a method has written survives a killed process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(path, f"cannot be opened: {error}") from error
        try:
            self._prepare()
        except StoreError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Nothing is lost without it."""
        self._db.close()

    @contextmanager
    def alone(self, request: Request) -> Iterator[None]:
        """Keep every other thread and process from asking this request. The kernel frees it when the holder dies."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - not needed where a store is only read

        folder = self.path.with_name(f"{self.path.name}.locks")
        try:
            folder.mkdir(exist_ok=True)
            lock = FileLock(folder / str(int(request.hash[:8], 16) % STRIPES), timeout=PATIENCE)
            lock.acquire()
        except (OSError, Timeout) as error:
            raise StoreError(self.path, f"cannot be locked: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def reply(self, request: Request) -> Reply | None:
        """Return the recorded answer, marked as such; None where there is none."""
        with self._transaction("DEFERRED") as db:
            row = db.execute("SELECT reply FROM calls WHERE hash = ?", (request.hash,)).fetchone()
        return None if row is None or row[0] is None else self._reply(row[0])

    def expect(self, request: Request, tag: str) -> None:
        """Note a request that is to be answered later, by a batch. One that is known stays as it is."""
        with self._transaction() as db:
            self._insert(db, request, tag)

    def record(self, request: Request, reply: Reply, tag: str) -> Reply:
        """Record an answer and return the one that is on record: the first, where there was one already."""
        with self._transaction() as db:
            self._insert(db, request, tag)
            if self._answer(db, request.hash, reply):
                return reply
            row = db.execute("SELECT reply FROM calls WHERE hash = ?", (request.hash,)).fetchone()
        return self._reply(row[0])

    def find(self, key: str) -> Call | None:
        """Return the call of this hash, answered or not; None where it is unknown."""
        return next(self._calls("hash = ?", (key,)), None)

    def calls(self, tag: str | None = None) -> Iterator[Call]:
        """Yield all calls, or those of one trace, in the order they were first asked."""
        yield from self._calls(*(("TRUE", ()) if tag is None else ("tag = ?", (tag,))))

    def pending(self) -> Iterator[Call]:
        """Yield the calls that have no answer."""
        yield from self._calls("reply IS NULL", ())

    def count_pending(self) -> int:
        """Return how many calls have no answer."""
        with self._transaction("DEFERRED") as db:
            return int(db.execute("SELECT count(*) FROM calls WHERE reply IS NULL").fetchone()[0])

    def book(self, day: date, model: str, tag: str, usd: float, overrun: Callable[[Spent], str | None]) -> int:
        """Reserve `usd` on that day's account and return the entry. Raises OutOfBudget with what `overrun` says."""
        with self._transaction() as db:
            if why := overrun(self._spent(db, day)):
                raise OutOfBudget(f"the budget of the day is used up: {why}")
            values = (day.isoformat(), model, tag, usd)
            row = db.execute("INSERT INTO spending (day, model, tag, usd) VALUES (?, ?, ?, ?)", values)
            return int(row.lastrowid or 0)

    def settle(self, entry: int, usd: float) -> None:
        """Put what a call did cost in the place of what was reserved for it."""
        with self._transaction() as db:
            db.execute("UPDATE spending SET usd = ?, settled = 1 WHERE entry = ?", (usd, entry))

    def spent(self, day: date) -> Spent:
        """Return what was spent and is reserved on one day, by every process."""
        with self._transaction("DEFERRED") as db:
            return self._spent(db, day)

    def _prepare(self) -> None:
        with self._readable():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise StoreError(self.path, f"written by a newer coroner (version {version}, this one reads {VERSION})")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # an answer that was paid for outlives a power cut, too
            if version == VERSION:
                return
            with self._transaction() as db:
                for statement in SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            advice = "move it away to start a new store" if "malformed" in str(error) or "not a" in str(error) else ""
            raise StoreError(self.path, "; ".join(filter(None, (str(error), advice)))) from error

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with self._lock, self._readable():
            self._db.execute(f"BEGIN {kind}")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _calls(self, where: str, values: tuple[str, ...]) -> Iterator[Call]:
        seen = 0
        while True:  # a page at a time: prompts are long, and a year of them does not fit into memory
            query = f"SELECT rowid, request, tag, asked, reply, answered FROM calls WHERE {where} AND rowid > ? "  # noqa: S608 - `where` is one of the literals above
            with self._transaction("DEFERRED") as db:
                rows = db.execute(query + "ORDER BY rowid LIMIT 100", (*values, seen)).fetchall()
            if not rows:
                return
            seen = rows[-1][0]
            for _, request, tag, asked, reply, answered in rows:
                yield Call(
                    request=self._request(request),
                    tag=tag,
                    asked=datetime.fromisoformat(asked),
                    reply=None if reply is None else self._reply(reply),
                    answered=None if answered is None else datetime.fromisoformat(answered),
                )

    def _request(self, text: str) -> Request:
        try:
            return Request.model_validate_json(text)
        except ValidationError as error:
            raise StoreError(self.path, f"holds a request that is none: {text[:80]!r}") from error

    def _reply(self, text: str) -> Reply:
        try:
            return Reply.model_validate_json(text).model_copy(update={"recorded": True})
        except ValidationError as error:
            raise StoreError(self.path, f"holds a reply that is none: {text[:80]!r}") from error

    @staticmethod
    def _insert(db: sqlite3.Connection, request: Request, tag: str) -> None:
        values = (request.hash, tag, request.model, request.model_dump_json(), datetime.now(UTC).isoformat())
        db.execute("INSERT OR IGNORE INTO calls (hash, tag, model, request, asked) VALUES (?, ?, ?, ?, ?)", values)

    @staticmethod
    def _answer(db: sqlite3.Connection, key: str, reply: Reply) -> bool:
        text = reply.model_copy(update={"recorded": False}).model_dump_json()
        values = (text, datetime.now(UTC).isoformat(), key)
        done = db.execute("UPDATE calls SET reply = ?, answered = ? WHERE hash = ? AND reply IS NULL", values)
        return done.rowcount == 1

    @staticmethod
    def _spent(db: sqlite3.Connection, day: date) -> Spent:
        row = db.execute("SELECT coalesce(sum(usd), 0), count(*) FROM spending WHERE day = ?", (day.isoformat(),))
        usd, calls = row.fetchone()
        return Spent(usd=usd, calls=calls)
