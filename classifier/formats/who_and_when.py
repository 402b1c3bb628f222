"""Who&When records (Zhang et al. 2025, arXiv 2505.00212): `{"question", "ground_truth", "history", ...}`.

Algorithm-generated runs are group chats of an AutoGen CaptainAgent team, where `name` says who speaks and the chat
role means nothing; hand-crafted runs are Magentic-One's, where the role says it. Which of the two is told by content.
`mistake_agent`, `mistake_step`, `mistake_reason` and `mistake_type` are annotations and are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats import magentic_one
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from classifier.formats._source import Source

_TERMINALS = {"computer_terminal", "computerterminal"}


def sniff(source: Source) -> bool:
    """Say whether its records have a question and a history."""
    head = source.head
    return isinstance(head, dict) and isinstance(head.get("question"), str) and isinstance(head.get("history"), list)


def parse(source: Source) -> list[Trace]:
    """Return a run per record."""
    return [_run(fields.mapping(record, place), place) for place, record in source.records]


def _run(record: dict[str, Any], place: str) -> Trace:
    here = f"{place}.history".lstrip(".")
    history = record.get("history")
    team = magentic_one.is_team(history)
    outcome = record.get("is_correct", record.get("is_corrected"))
    return Trace(
        id="",  # question_ID names the task, which several runs share
        format="who_and_when",
        framework=magentic_one.FRAMEWORK if team else "autogen",
        task=fields.text(record.get("question")).strip(),
        steps=magentic_one.read_steps(history, here) if team else _group_chat(history, here),
        expected=fields.optional(record.get("ground_truth")),
        succeeded=fields.truth(outcome),
    )


def _group_chat(history: Any, place: str) -> tuple[Step, ...]:
    steps = []
    for i, item in enumerate(fields.sequence(history, place)):
        message = fields.mapping(item, f"{place}[{i}]")
        agent = fields.name(message.get("name") or message.get("role"), f"{place}[{i}].name")
        role = Role.TOOL if agent.lower() in _TERMINALS else Role.ASSISTANT
        steps.append(Step(index=i, agent=agent, role=role, content=fields.text(message.get("content"))))
    return tuple(steps)
