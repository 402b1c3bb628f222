"""AutoGen 0.2 `runtime_logging` to a file: one JSON record a line, between lines of plain text.

A new session begins with "Started new session with Session ID". Records that the logger could not write, or that
were cut off, are lost; a message that was cut off is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from classifier.formats._autogen_log import Log, run
from classifier.formats._fields import clean
from classifier.formats._source import parse_json
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from classifier.formats._source import Source

_SESSION = re.compile(r"Started new session with Session ID: (?P<id>\S+)")
_EVENT = re.compile(r'^\{.*"event_name": "received_message"', re.MULTILINE)
_COMPLETION = re.compile(r'^\{"invocation_id": .*"wrapper_id": ', re.MULTILINE)


def sniff(source: Source) -> bool:
    """Say whether a line is an event or a completion of the logger."""
    if source.is_sqlite or not source.is_text:
        return False
    text = source.text
    return ('"received_message"' in text and _EVENT.search(text) is not None) or (
        '"invocation_id"' in text and _COMPLETION.search(text) is not None
    )


def parse(source: Source) -> list[Trace]:
    """Return a run per session in which anybody spoke."""
    logs = [Log("", [], [], [])]
    for number, line in source.lines:
        if session := _SESSION.search(line):
            logs.append(Log(clean(session["id"]), [], [], []))
        elif line.startswith("{"):
            record = _record(line, number)
            table = _table(record, logs[-1])
            if table is not None:
                table.append(record)
    traces = [trace for log in logs if (trace := run(log, "autogen_filelog"))]
    if not traces:
        raise TraceError("no steps: no agent received a message")
    return traces


def _record(line: str, number: int) -> dict[str, Any]:
    try:
        record = parse_json(line)
    except TraceError as error:
        if _EVENT.match(line):
            raise TraceError(error.problem, place=f"line {number}, {error.place}") from None
        return {}
    return record if isinstance(record, dict) else {}


def _table(record: dict[str, Any], log: Log) -> Any:
    if "event_name" in record:
        return log.events
    if "response" in record:
        return log.completions
    return log.agents if "agent_name" in record else None
