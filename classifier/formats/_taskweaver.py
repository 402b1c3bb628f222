"""What TaskWeaver's logs have in common: posts between User, Planner and workers, and how a post becomes steps.

A post holds attachments (typed: plan, thought, python, execution_result ...) and a message. The parts of a run, counted
post after post (a post's attachments in their order, then its message), make the source's own list: `Step.index` is
the position in it, so the same run has the same indices in every file that TaskWeaver writes of it. Neighbouring
attachments of one post that say who did what in which phase alike are folded into one step, so indices have gaps.

The attachment's type tells the phase: plans are planning; thought, code and its result are execution. A message is
planning when the planner instructs, response when it goes to the user, execution when a worker reports. Bookkeeping
(`stop`, `reply_type`, empty paths) makes no step, nor does a worker's message that only repeats its code and result.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from classifier.trace import Phase, Role, Step, Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FRAMEWORK = "taskweaver"
_BOOKKEEPING = {"stop", "reply_type", "shared_memory_entry", "board", "signal", "session_variables"}
_PLANS = {"plan_reasoning", "init_plan", "plan", "current_plan_step", "review", "reasoning"}
_RESULTS = {"verification", "code_error", "execution_status", "execution_result", "artifact_paths", "revise_message"}
_EMPTY = {"", "null", "NONE", "[]", "No code verification is performed."}
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b")
_REPORT = re.compile(
    r"\AThe following python code has been executed:\n```python\n(?P<code>.*?)\n```\n\n+(?P<result>.*)\Z", re.DOTALL
)


class Attachment(NamedTuple):
    """A typed part of a post."""

    type: str
    content: str


class Post(NamedTuple):
    """One post. `message` may be "" where the post has attachments only."""

    sender: str
    to: str
    message: str
    attachments: tuple[Attachment, ...] = ()


class _Part(NamedTuple):
    """A part of a post that becomes a step, alone or with its neighbours."""

    at: int
    role: Role
    phase: Phase | None
    kind: str
    content: str


def run(posts: Iterable[Post], format_: str, *, id_: str = "", succeeded: bool | None = None) -> Trace:
    """Return the run of the posts. Raises TraceError where none says anything."""
    posts = list(posts)
    steps = tuple(_steps(posts))
    if not steps:
        raise TraceError("no steps: no post has a message or an attachment")
    asked = next((post.message.strip() for post in posts if _is_user(post.sender) and post.message.strip()), "")
    return Trace(id=id_, format=format_, framework=FRAMEWORK, task=asked, steps=steps, succeeded=succeeded)


def _steps(posts: Iterable[Post]) -> Iterator[Step]:
    start = 0
    for post in posts:
        for _, group in groupby(_parts(post, start), key=lambda part: (part.role, part.phase, part.kind == "message")):
            parts = list(group)
            said = parts[0].kind == "message"
            yield Step(
                index=parts[0].at,
                agent=post.sender,
                role=parts[0].role,
                content="\n".join(part.content.strip("\n") for part in parts),
                to=(post.to or None) if said else None,
                kind=",".join(dict.fromkeys(part.kind for part in parts)),
                phase=parts[0].phase,
                error=_error(parts),
            )
        start += len(post.attachments) + 1


def _parts(post: Post, start: int) -> Iterator[_Part]:
    for i, (type_, content) in enumerate(post.attachments, start):
        if type_ in _BOOKKEEPING or content.strip() in _EMPTY:
            continue
        if type_ in _RESULTS:
            yield _Part(i, Role.TOOL, Phase.EXECUTION, type_, content)
        else:
            planning = type_ in _PLANS or _is_planner(post.sender)
            yield _Part(i, Role.ASSISTANT, Phase.PLANNING if planning else Phase.EXECUTION, type_, content)
    here = start + len(post.attachments)
    report = _REPORT.match(post.message)
    if report:
        types = {attachment.type for attachment in post.attachments}
        if "execution_result" not in types:
            result = report["result"] if types & {"python", "reply_content"} else post.message
            yield _Part(here, Role.TOOL, Phase.EXECUTION, "execution_result", result)
    elif post.message.strip():
        role = Role.USER if _is_user(post.sender) else Role.ASSISTANT
        yield _Part(here, role, _phase_of_message(post), "message", post.message)


def _phase_of_message(post: Post) -> Phase | None:
    if _is_user(post.sender):
        return None
    if _is_user(post.to):
        return Phase.RESPONSE
    return Phase.PLANNING if _is_planner(post.sender) else Phase.EXECUTION


def _error(parts: list[_Part]) -> str | None:
    """Return what the source says went wrong: the exception that ends the result, else its status of FAILURE."""
    said = {part.kind: part.content.strip() for part in parts}
    result = said.get("execution_result", "")
    status = said.get("execution_status", "")
    if status == "FAILURE" or "code above has failed" in result:
        last = result.rsplit("\n", 1)[-1].strip()
        return last if _EXCEPTION.match(last) else (status or None)
    return said.get("code_error")


def _is_user(name: str) -> bool:
    return name.strip().lower() in {"user", "human"}


def _is_planner(name: str) -> bool:
    return name.strip().lower() == "planner"
