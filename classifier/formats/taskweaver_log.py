"""TaskWeaver's log file: `2026-01-01 10:00:00,000 - INFO - Planner talk to CodeInterpreter: ...`.

What a role told another is a post; the model's output before it holds the attachments (as JSON, which may be broken).
The log does not hold what the user said: the task is "". Indices differ from those of the session's other files,
because the log has fewer parts.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats._source import parse_json
from classifier.formats._taskweaver import Attachment, Post, run
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.formats._source import Source

_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - (?P<level>[A-Z]+) - ", re.MULTILINE)
_TALK = re.compile(r"(?P<sender>[\w ]{1,60}?) talk to (?P<to>[\w ]{1,60}?): ?(?P<message>.*)", re.DOTALL)
_SESSION = re.compile(r"Session (?P<id>\S+) is initialized")
_FIELD = re.compile(r'"(?P<key>\w+)": ?"(?P<value>(?:[^"\\]|\\.)*+)"')
_NOT_ATTACHED = {"send_to", "message"}


def sniff(source: Source) -> bool:
    """Say whether it has records of roles that talk, or of a session."""
    if source.is_sqlite or not source.is_text or source.document is not None:
        return False
    return any(_TALK.match(said) or _SESSION.match(said) for _, said in _records(source.plain))


def parse(source: Source) -> list[Trace]:
    """Return a run per session in which a role said anything."""
    sessions: list[tuple[str, list[Post]]] = [("", [])]
    thought: tuple[Attachment, ...] = ()
    for level, said in _records(source.plain):
        posts = sessions[-1][1]
        if session := _SESSION.match(said):
            sessions.append((fields.clean(session["id"]), []))
        elif said.startswith("LLM output: "):
            thought = tuple(_attachments(said.removeprefix("LLM output: ")))
        elif talk := _TALK.match(said):
            posts.append(Post(talk["sender"], talk["to"], fields.clean(talk["message"].strip("\n")), thought))
            thought = ()
        elif level in ("ERROR", "CRITICAL"):
            posts.append(Post("TaskWeaver", "", "", (Attachment("execution_result", fields.clean(said.strip("\n"))),)))
    runs = [run(posts, "taskweaver_log", id_=id_) for id_, posts in sessions if posts]
    if not runs:
        raise TraceError("no steps: no role talks to another")
    return runs


def _records(text: str) -> Iterator[tuple[str, str]]:
    """Level and text of each record; lines without a date go on with the record before them."""
    found = list(_RECORD.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):
        yield match["level"], text[match.end() : end]


def _attachments(output: str) -> Iterator[Attachment]:
    try:
        said: Any = parse_json(output)
        said = said.get("response", said) if isinstance(said, dict) else {}
    except TraceError:
        said = {match["key"]: _decoded(match["value"]) for match in _FIELD.finditer(output)}
        said = said or {"invalid_response": output.strip("\n")}  # as TaskWeaver itself calls it
    if isinstance(said, dict):
        yield from (Attachment(fields.clean(k), fields.text(v)) for k, v in said.items() if k not in _NOT_ATTACHED)


def _decoded(value: str) -> str:
    try:
        return fields.clean(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return fields.clean(value)
