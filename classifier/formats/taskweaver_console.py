"""TaskWeaver's command line, as text (also inside a document), or posts printed one a line: `User -> Planner: ...`.

TaskWeaver ▶  I am TaskWeaver ...          begins a session
Human ▶  add up column x                   the user's post
╭───< Planner >                            a role begins its post
├─► [plan] ...                             an attachment; lines with │ go on with it
├──● Please add up column x                the message
╰──● sending message to CodeInterpreter    ends the post
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.formats._fields import clean
from classifier.formats._taskweaver import Attachment, Post, run
from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from classifier.formats._source import Source

_HELLO = re.compile(r"\s*TaskWeaver ▶\s+I am TaskWeaver")
_ANSWER = re.compile(r"\s*TaskWeaver ▶")
_HUMAN = re.compile(r"\s*Human\s+▶\s*(?P<said>.*)")
_BEGIN = re.compile(r"\s*╭─*< ?(?P<role>[^<>]+?) ?>")
_ATTACHMENT = re.compile(r"\s*├─►\s*\[(?P<type>\w+)\] ?(?P<said>.*)")
_MESSAGE = re.compile(r"\s*├──●\s?(?P<said>.*)")
_MORE = re.compile(r"\s*│(?: {1,3})?(?P<said>.*)")
_END = re.compile(r"\s*╰──●\s*sending message to (?P<to>\w+)")
_LINE = re.compile(r"(?P<sender>[A-Z]\w*) -> (?P<to>[A-Z]\w*): (?P<said>.*)")
_PROGRESS = re.compile(r"<=.=>$")  # the end of an animated status line, which left its tail on the line


@dataclass
class _Open:
    """A post that is still being printed. The part with type "" is its message."""

    role: str
    parts: list[tuple[str, list[str]]] = field(default_factory=list)

    def close(self, to: str) -> Post:
        texts = [(type_, clean("\n".join(lines).strip("\n"))) for type_, lines in self.parts]
        message = "\n".join(text for type_, text in texts if not type_)
        return Post(clean(self.role), to, message, tuple(Attachment(t, text) for t, text in texts if t))


def sniff(source: Source) -> bool:
    """Say whether a role's post is drawn in it, or a post of the user printed."""
    if source.is_sqlite or not source.is_text or source.document is not None:
        return False
    text = source.plain
    return ("╭───< " in text and "├──●" in text) or re.search(r"^User -> \w+: ", text, re.MULTILINE) is not None


def parse(source: Source) -> list[Trace]:
    """Return a run per session."""
    sessions: list[list[Post]] = [[]]
    post: _Open | None = None
    for line in source.plain.split("\n"):
        if _HELLO.match(line):
            sessions.append([])
            post = None
        elif human := _HUMAN.match(line):
            sessions[-1].append(Post("User", "Planner", clean(human["said"].strip())))
        elif begin := _BEGIN.match(line):
            post = _Open(begin["role"])
        elif post and (end := _END.match(line)):
            sessions[-1].append(post.close(end["to"]))
            post = None
        elif post:
            _read_part(post, line)
        elif printed := _LINE.match(line):
            said = clean(printed["said"].replace("\\n", "\n"))
            sessions[-1].append(Post(printed["sender"], printed["to"], said))
    if post:  # cut off in the middle
        sessions[-1].append(post.close(""))
    runs = [run(posts, "taskweaver_console") for posts in sessions if posts]
    if not runs:
        raise TraceError("no steps: no post in it")
    return runs


def _read_part(post: _Open, line: str) -> None:
    if attachment := _ATTACHMENT.match(line):
        post.parts.append((attachment["type"], [_said(attachment["said"])]))
    elif message := _MESSAGE.match(line):
        post.parts.append(("", [_said(message["said"])]))
    elif post.parts and (more := _MORE.match(line)):
        post.parts[-1][1].append(more["said"])


def _said(text: str) -> str:
    """Cut off the tail of a status line, as far as it can be told from the text."""
    shown = text.rstrip()
    if not _PROGRESS.search(shown[-5:]):
        return text
    shown = shown[:-5]
    for mark in ("▶ [", "] "):
        shown = shown.partition(mark)[0]
    return shown.rstrip()
