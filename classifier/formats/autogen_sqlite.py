"""AutoGen 0.2 `runtime_logging` as an SQLite file (tables chat_completions, agents, events), or printed as text.

The file is opened from memory, read-only in effect: an authorizer lets nothing but plain reads of tables through, so
views, triggers, functions or pragmas in a hostile file are never run.

The text form is a listing of the tables: `-- events`, then one `    column = value` a line, values cut at a length.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from classifier.formats._autogen_log import Log, run
from classifier.formats._fields import clean
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.formats._source import Source

_TABLES = ("chat_completions", "events", "agents")
_LISTED = re.compile(r"^-- (?:chat_completions|events)\n {4}\w+ = ", re.MULTILINE)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
_MAX_ROWS = 1_000_000

Row = dict[str, Any]


def sniff(source: Source) -> bool:
    """Say whether it is an SQLite file, or a listing of the log's tables."""
    if source.is_sqlite:
        return True
    return source.is_text and source.document is None and _LISTED.search(source.text) is not None


def parse(source: Source) -> list[Trace]:
    """Return a run per logging session in which anybody spoke."""
    tables = _database(source.data) if source.is_sqlite else _listing(source.text)
    if not tables["chat_completions"] and not tables["events"]:
        raise TraceError("no steps: neither chat_completions nor events hold a row")
    runs = [run(log, "autogen_sqlite") for log in _sessions(tables)]
    found = [trace for trace in runs if trace]
    if not found:
        raise TraceError("no steps: no agent received a message", place="events")
    return found


def _sessions(tables: dict[str, list[Row]]) -> Iterator[Log]:
    """Split the tables by session. Events name none, but their agent does (else they go to the last one)."""
    session_of = {str(row.get("agent_id")): _session(row) for row in tables["agents"]}
    logs: dict[str, Log] = {}
    for row in (*tables["agents"], *tables["chat_completions"]):
        logs.setdefault(_session(row), Log(_session(row), [], [], []))
    last = next(reversed(logs), "")
    for row in tables["events"]:
        session = session_of.get(str(row.get("source_id")), last)
        logs.setdefault(session, Log(session, [], [], [])).events.append(row)
    for row in tables["chat_completions"]:
        logs[_session(row)].completions.append(row)
    for row in tables["agents"]:
        logs[_session(row)].agents.append(row)
    yield from logs.values()


def _session(row: Row) -> str:
    return clean(str(row.get("session_id") or ""))


def _database(data: bytes) -> dict[str, list[Row]]:
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            if data[18:20] == b"\x02\x02":  # a write-ahead log cannot go with bytes: read the file without it
                data = data[:18] + b"\x01\x01" + data[20:]
            connection.deserialize(data)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            connection.set_authorizer(lambda action, *_: 0 if action in _ALLOWED else 1)
            return {table: _rows(connection, table) for table in _TABLES}
    except UnicodeDecodeError:  # SQLite quotes the damage in its message
        raise TraceError("broken SQLite file: malformed database schema") from None
    except (sqlite3.Error, OverflowError) as error:
        raise TraceError(f"broken SQLite file: {error}") from None


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    found = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    if not found:
        return []
    if "virtual" in str(found[0]).lower().split(None, 2)[:2]:
        raise TraceError("a virtual table is not read", place=table)
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid LIMIT {_MAX_ROWS}")  # noqa: S608 - a constant name
    names = [column[0] for column in cursor.description]
    return [
        {n: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for n, v in zip(names, row, strict=True)}
        for row in cursor
    ]


def _listing(text: str) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {table: [] for table in _TABLES}
    row: Row = {}
    for line in text.split("\n"):
        if line.startswith("-- "):
            row = {}
            tables.setdefault(line[3:].strip(), []).append(row)
        elif line.startswith("    ") and " = " in line:
            name, _, value = line.strip().partition(" = ")
            row[name] = value
    return tables
