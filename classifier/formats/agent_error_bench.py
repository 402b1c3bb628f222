"""AgentErrorBench runs (Zhu et al. 2025, arXiv 2509.25370): `{"messages": [...], "metadata": {"won", "steps", ...}}`.

One agent writes <plan>, <action>, <memory> and <reflection> tags. Each user turn repeats the prompt and the whole
history, so a run of 30 steps takes megabytes; what is new in it is the observation of its last action (and the call
for a final answer), and only that is kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.trace import Limits, Role, Step, ToolCall, Trace

if TYPE_CHECKING:
    from classifier.formats._source import Source

_TASK = re.compile(r"^(?:Task:|.*?Your task is to:)[ \t]*", re.MULTILINE)
_TASK_END = re.compile(
    r"\n(?:Prior to this step|Available Tools:|Current Observation:|You are now at step|Your current observation is:)"
)
_NEWEST = re.compile(  # GAIA's prompt, or ALFWorld's and WebShop's
    r"^You are now at step (?P<step>\d{1,9})(?P<last>[^\n]{0,60}?)"
    r"(?:\nCurrent Observation:|current observation is:)[ ]?",
    re.MULTILINE,
)
_REPEATED = ("\n\nAvailable Tools:\n", "\n\nNow it's your turn", "\nYou should first recall relevant past experiences")
_CALL = re.compile(
    r"<action>\s*(?:tool|action):[ \t]*+(?P<tool>[^\n<]++)\s*+"
    r"(?:parameters:(?P<arguments>[^<]*+(?:<(?!/?action>)[^<]*+)*+))?</action>"
)


def sniff(source: Source) -> bool:
    """Say whether its records hold messages and the benchmark's metadata."""
    head = source.head
    if not isinstance(head, dict) or not isinstance(head.get("messages"), list):
        return False
    metadata = head.get("metadata")
    return isinstance(metadata, dict) and "environment" in metadata and ("won" in metadata or "steps" in metadata)


def parse(source: Source) -> list[Trace]:
    """Return a run per record."""
    return [_run(fields.mapping(record, place), place) for place, record in source.records]


def _run(record: dict[str, Any], place: str) -> Trace:
    metadata = fields.mapping(record.get("metadata"), f"{place}.metadata".lstrip("."))
    messages = fields.sequence(record.get("messages"), f"{place}.messages".lstrip("."))
    steps, max_rounds = _steps(messages, f"{place}.messages".lstrip("."))
    return Trace(
        id="",
        format="agent_error_bench",
        framework="agent-error-bench",
        task=_task(steps[0].content),
        steps=steps,
        succeeded=fields.truth(metadata.get("won")),
        limits=Limits(max_rounds=max_rounds),
    )


def _steps(messages: list[Any], place: str) -> tuple[tuple[Step, ...], int | None]:
    """Return the steps, and the limit of rounds if a prompt says that its round is the last.

    The metadata's `steps` is no limit: it counts the rounds taken.
    """
    steps, max_rounds = [], None
    for i, item in enumerate(messages):
        here = f"{place}[{i}]"
        message = fields.mapping(item, here)
        role = fields.role(message.get("role"), f"{here}.role")
        content = fields.text(message.get("content"))
        if role is Role.ASSISTANT:
            steps.append(Step(index=i, agent="agent", role=role, content=content, tool_calls=_calls(content)))
        elif role is Role.USER and i:
            newest = _newest(content, i // 2 + 1)
            if newest and "final step" in newest["last"]:
                max_rounds = int(newest["step"])
            new = _without_prompt(content[newest.end() :]) if newest else content
            steps.append(Step(index=i, agent="environment", role=Role.TOOL, content=new, kind="observation"))
        else:
            steps.append(Step(index=i, agent=role.value, role=role, content=content))
    return tuple(steps), max_rounds


def _newest(prompt: str, step: int) -> re.Match[str] | None:
    """Where the newest observation begins: an older one that quotes such a line has another step's number."""
    found = list(_NEWEST.finditer(prompt))
    return next((match for match in found if match["step"] == str(step)), found[-1] if found else None)


def _without_prompt(text: str) -> str:
    """Drop what follows the observation and was in the first prompt already."""
    for mark in _REPEATED:
        if (at := text.rfind(mark)) >= 0:
            return text[:at]
    return text.rstrip()


def _calls(content: str) -> tuple[ToolCall, ...]:
    found = _CALL.finditer(content)
    calls = ((match["tool"].strip(), (match["arguments"] or "").strip()) for match in found)
    return tuple(ToolCall(name=tool, arguments=arguments) for tool, arguments in calls if tool)


def _task(prompt: str) -> str:
    match = _TASK.search(prompt)
    if not match:
        return prompt.strip()
    return _TASK_END.split(prompt[match.end() :], maxsplit=1)[0].strip()
