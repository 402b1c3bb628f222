"""The Data Interpreter's result: its plan (`plan.json`), its notebook (`.ipynb`), or both (`{"plan", "cells"}`).

The source's list is the plan, then each cell, each with its outputs right after it; of a plan alone, each task that has
code, with its result. Cells hold failed attempts too, so with a notebook the plan's copies of code are not read again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier.formats import _fields as fields
from classifier.trace import Role, Step, Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.formats._source import Source

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_AGENT = "DataInterpreter"
_KERNEL = "ExecuteNbCode"


class _Part(NamedTuple):
    """A step without its index."""

    agent: str
    role: Role
    kind: str
    content: str
    error: str | None = None


def sniff(source: Source) -> bool:
    """Say whether it is a plan of tasks, or a notebook."""
    document = source.document
    if not isinstance(document, dict):
        return False
    return _is_plan(document) or _is_plan(document.get("plan")) or _is_notebook(document)


def parse(source: Source) -> list[Trace]:
    """Return the one run."""
    result = fields.mapping(source.json, "")
    plan = result if _is_plan(result) else result.get("plan")
    goal, parts = "", []
    if plan is not None:
        plan = fields.mapping(plan, "plan")
        goal = fields.text(plan.get("goal")).strip()
        tasks = [
            fields.mapping(task, f"tasks[{i}]") for i, task in enumerate(fields.sequence(plan.get("tasks"), "tasks"))
        ]
        parts.append(_Part(_AGENT, Role.ASSISTANT, "plan", "\n".join(_line(task) for task in tasks)))
        if "cells" not in result:
            parts.extend(part for task in tasks for part in _worked(task))
    if "cells" in result:
        cells = result["cells"]
        if not isinstance(cells, list):
            raise TraceError("expected a list", place="cells")
        parts.extend(part for i, cell in enumerate(cells) for part in _cell(fields.mapping(cell, f"cells[{i}]")))
    steps = tuple(Step(index=i, **part._asdict()) for i, part in enumerate(parts))
    if not steps:
        raise TraceError("no steps: neither a plan nor a cell", place="cells")
    return [Trace(id="", format="metagpt_di", framework="metagpt", task=goal, steps=steps)]


def _is_plan(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("tasks"), list) or "goal" not in value:
        return False
    return all(isinstance(task, dict) and {"task_id", "instruction"} <= task.keys() for task in value["tasks"])


def _is_notebook(value: dict[str, Any]) -> bool:
    cells = value.get("cells")
    return isinstance(cells, list) and (
        "nbformat" in value or any(isinstance(cell, dict) and "cell_type" in cell for cell in cells)
    )


def _line(task: dict[str, Any]) -> str:
    after = task.get("dependent_task_ids")
    needs = f" (after {', '.join(map(fields.text, after))})" if isinstance(after, list) and after else ""
    return f"{fields.text(task.get('task_id'))}. {fields.text(task.get('instruction'))}{needs}"


def _worked(task: dict[str, Any]) -> Iterator[_Part]:
    if code := fields.text(task.get("code")):
        yield _Part(_AGENT, Role.ASSISTANT, "code", code)
        failed = fields.truth(task.get("is_success")) is False
        result = fields.text(task.get("result"))
        if result or failed:
            yield _Part(_KERNEL, Role.TOOL, "result", result, "is_success: false" if failed else None)


def _cell(cell: dict[str, Any]) -> Iterator[_Part]:
    source = _joined(cell.get("source"))
    code = cell.get("cell_type") == "code"
    if source.strip():
        yield _Part(_AGENT, Role.ASSISTANT, "code" if code else "markdown", source)
    outputs = cell.get("outputs")
    if not isinstance(outputs, list) or not outputs:
        return
    shown = [_output(output) for output in outputs if isinstance(output, dict)]
    errors = [error for _, error in shown if error]
    yield _Part(_KERNEL, Role.TOOL, "result", "\n".join(text for text, _ in shown if text), next(iter(errors), None))


def _output(output: dict[str, Any]) -> tuple[str, str | None]:
    """Text of an output, and its error."""
    if output.get("output_type") == "error":
        name, value = fields.text(output.get("ename")), fields.text(output.get("evalue"))
        lines = output.get("traceback")
        shown = "\n".join(map(fields.text, lines)) if isinstance(lines, list) else ""
        return _ESCAPES.sub("", shown), f"{name}: {value}".strip(": ")
    data = output.get("data")
    if isinstance(data, dict):
        plain = _joined(data.get("text/plain"))
        return plain or f"[{', '.join(map(fields.clean, data))}]", None
    return _ESCAPES.sub("", _joined(output.get("text"))).rstrip("\n"), None


def _joined(value: Any) -> str:
    """Notebook text: a string, or a list of lines that keep their ends."""
    if isinstance(value, list):
        return "".join(fields.text(line) for line in value)
    return fields.text(value)
