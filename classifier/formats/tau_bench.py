"""tau-bench results (Yao et al. 2024): `{"task_id", "reward", "info": {"task": ...}, "traj", "trial"}`, or a list.

`traj` is a chat between a simulated user and a tool-calling agent, under a system policy. The reference answer is what
tau-bench compares with: the actions on the database and the outputs that the user must be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.formats import _fields as fields
from classifier.formats._chat import tool_calls
from classifier.trace import Role, Step, Trace

if TYPE_CHECKING:
    from classifier.formats._source import Source


def sniff(source: Source) -> bool:
    """Say whether its records have a trajectory and a reward."""
    head = source.head
    return isinstance(head, dict) and isinstance(head.get("traj"), list) and "reward" in head


def parse(source: Source) -> list[Trace]:
    """Return a run per result."""
    runs = [_run(fields.mapping(record, place), place) for place, record in source.records]
    if len(runs) == 1:  # the file's name then says more than its task's number
        return runs
    ids = [f"task{record.get('task_id', '')}-trial{record.get('trial', '')}" for _, record in source.records]
    return [run.model_copy(update={"id": fields.clean(id_)}) for run, id_ in zip(runs, ids, strict=True)]


def _run(result: dict[str, Any], place: str) -> Trace:
    steps = _steps(result.get("traj"), f"{place}.traj".lstrip("."))
    info = result.get("info")
    task = info.get("task") if isinstance(info, dict) else None
    task = task if isinstance(task, dict) else {}
    said = next((step.content for step in steps if step.role is Role.USER), steps[0].content)
    reward = result.get("reward")
    return Trace(
        id="",
        format="tau_bench",
        framework="tau-bench",
        task=(fields.text(task.get("instruction")) or said).strip(),
        steps=steps,
        expected=_expected(task),
        succeeded=abs(reward - 1) < 1e-6
        if isinstance(reward, int | float)
        else None,  # tau-bench's own test of success
    )


def _expected(task: dict[str, Any]) -> str | None:
    actions = task.get("actions")
    lines = [
        f"{fields.text(action.get('name'))} {fields.compact(action.get('kwargs', action.get('arguments')))}"
        for action in (actions if isinstance(actions, list) else [])
        if isinstance(action, dict)
    ]
    outputs = task.get("outputs")
    lines += [f"output: {fields.text(output)}" for output in (outputs if isinstance(outputs, list) else [])]
    return "\n".join(lines) or None


def _steps(traj: Any, place: str) -> tuple[Step, ...]:
    steps = []
    for i, item in enumerate(fields.sequence(traj, place)):
        here = f"{place}[{i}]"
        message = fields.mapping(item, here)
        role = fields.role(message.get("role"), f"{here}.role")
        named = message.get("name") if role is Role.TOOL else None
        agent = fields.name(named or role.value, f"{here}.name")
        content = fields.text(message.get("content"))
        steps.append(Step(index=i, agent=agent, role=role, content=content, tool_calls=tool_calls(message, here)))
    return tuple(steps)
