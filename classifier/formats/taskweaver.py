"""TaskWeaver's rounds and posts, as JSON or YAML: a conversation (`{"rounds": [...]}`), a round (`{"post_list": ...}`).

Saved experiences (`raw_exp_*.yaml`) have this form, and so have the examples of its projects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats._taskweaver import Attachment, Post, run
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.formats._source import Source

_MAX_DEPTH = 40
_YAML = re.compile(r"^(?:rounds|post_list):", re.MULTILINE)
_SENDER = re.compile(r"^\s*(?:- )?send_from:", re.MULTILINE)


def sniff(source: Source) -> bool:
    """Say whether it is a round or has rounds."""
    head = source.head
    if isinstance(head, dict):
        rounds = head.get("rounds", [head])
        first = rounds[0] if isinstance(rounds, list) and rounds else None
        return isinstance(first, dict) and isinstance(first.get("post_list"), list)
    if source.is_sqlite or source.document is not None or not source.is_text:
        return False
    return _YAML.search(source.text) is not None and _SENDER.search(source.text) is not None


def parse(source: Source) -> list[Trace]:
    """Return the run of a conversation, or of a lone round; a list of rounds is one conversation."""
    if source.head is None:
        return [_conversation(fields.mapping(_yaml(source.text), ""), "")]
    records = source.records
    if len(records) > 1 and all(isinstance(record, dict) and "post_list" in record for _, record in records):
        return [_conversation({"rounds": [record for _, record in records]}, "")]
    return [_conversation(fields.mapping(record, place), place) for place, record in records]


def _conversation(value: dict[str, Any], place: str) -> Trace:
    here = f"{place}.rounds".lstrip(".")
    rounds = fields.sequence(value["rounds"], here) if "rounds" in value else [value]
    posts: list[Post] = []
    failed = False
    for i, item in enumerate(rounds):
        inside = f"{here}[{i}]" if "rounds" in value else place
        round_ = fields.mapping(item, inside)
        failed = failed or round_.get("state") == "failed"
        posts.extend(_posts(round_, inside))
    own = value.get("id")
    return run(posts, "taskweaver", id_=fields.text(own), succeeded=False if failed else None)


def _posts(round_: dict[str, Any], place: str) -> Iterator[Post]:
    here = f"{place}.post_list".lstrip(".")
    for i, item in enumerate(fields.sequence(round_.get("post_list"), here)):
        inside = f"{here}[{i}]"
        post = fields.mapping(item, inside)
        attachments = post.get("attachment_list") or []
        if not isinstance(attachments, list):
            raise TraceError("expected a list", place=f"{inside}.attachment_list")
        yield Post(
            sender=fields.name(post.get("send_from"), f"{inside}.send_from"),
            to=fields.name(post.get("send_to"), f"{inside}.send_to"),
            message=fields.text(post.get("message")),
            attachments=tuple(_attachment(a, f"{inside}.attachment_list[{n}]") for n, a in enumerate(attachments)),
        )


def _attachment(value: Any, place: str) -> Attachment:
    attachment = fields.mapping(value, place)
    return Attachment(fields.name(attachment.get("type"), f"{place}.type"), fields.text(attachment.get("content")))


def _yaml(text: str) -> Any:
    """Load YAML, every scalar as text. Depth is checked and aliases refused before anything is built (YAML bombs)."""
    import yaml  # noqa: PLC0415 - only this format needs it

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _MAX_DEPTH or isinstance(event, yaml.AliasEvent):
                problem = "nested too deep" if depth > _MAX_DEPTH else "a YAML alias, which is not read"
                raise TraceError(problem, place=_line(event.start_mark))
        return yaml.load(text, Loader=loader)  # noqa: S506 - the base loader builds text, lists and mappings only
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
        raise TraceError(f"not valid YAML: {problem}", place=_line(getattr(error, "problem_mark", None))) from None


def _line(mark: Any) -> str | None:
    return f"line {mark.line + 1} column {mark.column + 1}" if mark else None
