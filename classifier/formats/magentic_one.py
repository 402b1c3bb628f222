"""Magentic-One message lists: `[{"role": "human" | "Orchestrator (thought)" | "WebSurfer" ..., "content": ...}]`.

Source of the form: autogen_magentic_one's console log, as AgentRx and Who&When's hand-crafted runs publish it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from classifier.formats._source import Source

FRAMEWORK = "magentic-one"
_ORCHESTRATOR = re.compile(r"^(?:Magentic[ -]?One ?)?Orchestrator\b", re.IGNORECASE)
_KINDS = {"termination condition": "termination"}
_ROLES = {
    "human": Role.USER,
    "user": Role.USER,
    "userproxy": Role.USER,
    "system": Role.SYSTEM,
    "computerterminal": Role.TOOL,
    "executor": Role.TOOL,
}


def sniff(source: Source) -> bool:
    """Say whether it is a list of messages of a Magentic-One team."""
    return isinstance(source.document, list) and is_team(source.document)


def parse(source: Source) -> list[Trace]:
    """Return the one run; its task is the human's first message."""
    steps = read_steps(source.json, "")
    first = next((step for step in steps if step.role is Role.USER), steps[0])
    return [Trace(id="", format="magentic_one", framework=FRAMEWORK, task=first.content.strip(), steps=steps)]


def is_team(messages: Any) -> bool:
    """Whether these are messages of a Magentic-One team: an orchestrator is among the speakers."""
    if not isinstance(messages, list):
        return False
    roles = [m.get("role") for m in messages if isinstance(m, dict)]
    return any(isinstance(role, str) and _ORCHESTRATOR.match(role) for role in roles)


def read_steps(messages: Any, place: str) -> tuple[Step, ...]:
    """Read the steps of a message list at `place`: the role's text holds the agent, the addressee and the kind."""
    steps = []
    for i, item in enumerate(fields.sequence(messages, place)):
        here = f"{place}[{i}]"
        message = fields.mapping(item, here)
        agent, to, kind = speaker(fields.name(message.get("role"), f"{here}.role"))
        role = _ROLES.get(agent.lower(), Role.ASSISTANT)
        content = fields.text(message.get("content"))
        steps.append(Step(index=i, agent=agent, role=role, content=content, to=to, kind=kind))
    return tuple(steps)


def speaker(role: str) -> tuple[str, str | None, str | None]:
    """Split a role into agent, addressee and kind.

    "Orchestrator (-> WebSurfer)" gives ("Orchestrator", "WebSurfer", "instruction").
    """
    agent, bracket, note = role.removesuffix(")").partition("(")
    agent, note = agent.strip(), note.strip()
    if not bracket or not agent or not role.endswith(")"):
        return role, None, None
    if note.startswith("->"):
        return agent, note[2:].strip() or None, "instruction"
    return agent, None, _KINDS.get(note, note) or None
