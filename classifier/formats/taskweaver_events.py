"""TaskWeaver's event stream as JSONL: `{"scope": "post", "type": "post_attachment_update", "msg", "extra", ...}`.

Attachments and messages come in pieces, which are put together. The stream does not hold what the user said: the task
is "" and the user's post of each round only takes its place in the indices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats._taskweaver import Attachment, Post, run

if TYPE_CHECKING:
    from classifier.formats._source import Source
    from classifier.trace import Trace


@dataclass
class _Open:
    """A post that is still being written."""

    sender: str
    to: str = ""
    message: list[str] = field(default_factory=list)
    attachments: dict[str, tuple[str, list[str]]] = field(default_factory=dict)  # id -> type, pieces

    def close(self) -> Post:
        parts = tuple(Attachment(type_, "".join(pieces)) for type_, pieces in self.attachments.values())
        return Post(self.sender, self.to, "".join(self.message), parts)


def sniff(source: Source) -> bool:
    """Say whether it begins with an event of a session, round or post."""
    head = source.head
    return (
        isinstance(head, dict) and head.get("scope") in ("session", "round", "post") and {"type", "msg"} <= head.keys()
    )


def parse(source: Source) -> list[Trace]:
    """Return the one run of the stream."""
    posts: list[_Open] = []
    by_id: dict[str, _Open] = {}
    failed = False
    for place, record in source.records:
        event = fields.mapping(record, place)
        type_ = fields.text(event.get("type"))
        extra = event.get("extra")
        extra = extra if isinstance(extra, dict) else {}
        if type_ == "round_start":
            posts.append(_Open("User"))
        elif type_ == "round_error":
            failed = True
            posts.append(_Open("TaskWeaver", attachments={"": ("execution_result", [fields.text(event.get("msg"))])}))
        elif event.get("scope") == "post":
            key = fields.text(event.get("post"))
            if key not in by_id:
                by_id[key] = _Open(fields.name(extra.get("role") or "Planner", f"{place}.extra.role"))
                posts.append(by_id[key])
            _update(by_id[key], type_, fields.text(event.get("msg")), extra)
    return [run((post.close() for post in posts), "taskweaver_events", succeeded=False if failed else None)]


def _update(post: _Open, type_: str, said: str, extra: dict[str, Any]) -> None:
    if type_ == "post_send_to_update":
        post.to = fields.text(extra.get("role"))
    elif type_ == "post_message_update":
        post.message.append(said)
    elif type_ == "post_attachment_update":
        kind = fields.text(extra.get("type")).removeprefix("AttachmentType.")
        post.attachments.setdefault(fields.text(extra.get("id")), (kind, []))[1].append(said)
    elif type_ == "post_error":
        post.attachments.setdefault("error", ("execution_result", []))[1].append(said)
