"""Harvest: from a run's folder, its trace as the framework's own log tells it, and the label that is known of it.

The decisive step is known in the proxy's record, by construction. It is found again in the native log by what was said
there. What differs from one making of the same run to the next (times, ports, places of temporary files, addresses in
memory) is brought into one form, so that the same run gives the same bytes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from classifier import formats
from classifier.annotation import Annotation
from classifier.diagnosis import Provenance
from classifier.trace import Frozen, Limits, Role, Step, Trace, TraceError
from runner import runs, scoring
from runner.prompt import prompt
from runner.runs import TRACE_FILE, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.runs import Run
    from runner.task import Task

ANNOTATOR = "coroner-inject"
LIMIT = "R3"
_SHARED = 0.6  # of the lines of two texts, where they tell the same: a log may cut, or add
_RICHEST = {"autogen": "history.json", "metagpt": "console.txt", "taskweaver": "rounds.json"}  # it holds every answer
_SAME = (  # what differs between two makings of one run, and what stands for it
    (r"(?:/[\w.+-]+)+/site-packages/", "/venv/lib/python3/site-packages/"),
    (r"(?:/[\w.+-]+)+/lib/python3\.\d+/(?!site-packages)", "/usr/lib/python3/"),
    (r"/tmp/(?:tmp\w{8}\b|[\w.-]*\d{3,}[\w.-]*)", "/tmp/scratch"),  # noqa: S108 - a pattern
    (r"\b0x[0-9a-f]{6,16}\b", "0x7f0000000000"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3,6}\b", "2026-01-01 00:00:00.000"),
    (r"(?<=http://127\.0\.0\.1:)\d{4,5}\b", "8000"),
    (r"(?<=port=)\d{4,5}\b", "8000"),
    (r"\bpid[ =:]+\d+", "pid 1"),
    (r"\btmp_code_[0-9a-f]{32}\b", "tmp_code"),
    (r"\bipykernel_\d+/\d+\.py", "ipykernel_1/1.py"),
    (r"^0\.00s - .*\n?", ""),
)
_PATTERNS = tuple((re.compile(pattern, re.MULTILINE), text) for pattern, text in _SAME)


class Yield(Frozen):
    """A run of the corpus: its trace and its label."""

    trace: Trace
    label: Annotation


class NoYieldError(ValueError):
    """A run that is of no use for the corpus. Says why."""


def harvest(folder: Path, task: Task, file: str) -> Yield:
    """Read a run that is done. `task` is as the run saw it, `file` where the trace will lie. Raises NoYieldError."""
    run = runs.read(folder)
    wanted = Outcome.SUCCEEDED if run.cell.fault is None else Outcome.FAILED
    if run.outcome is not wanted:
        raise NoYieldError(f"{run.outcome} where it should have {wanted}: {run.error or ''}".strip(" :"))
    trace = normalised(read_native(folder, run.cell.framework))
    trace = trace.model_copy(
        update={
            "id": run.id,
            "task": prompt(task).strip(),
            "expected": scoring.state({answer.name: answer.value for answer in task.answers}),
            "succeeded": run.outcome is Outcome.SUCCEEDED,
            "limits": Limits(max_rounds=run.max_rounds),
        }
    )
    if run.truth is None:
        label = Annotation(trace=run.id, annotator=ANNOTATOR, provenance=Provenance.INJECTED, file=file)
        return Yield(trace=trace, label=label)
    step = decisive(folder, run, trace)
    label = Annotation(
        trace=run.id,
        annotator=ANNOTATOR,
        provenance=Provenance.INJECTED,
        file=file,
        cause=run.truth.cause,
        step=step.index,
        agent=step.agent,
        note=f"{run.truth.variant}: {run.truth.note}" if run.truth.variant else run.truth.note,
    )
    return Yield(trace=trace, label=label)


def read_native(folder: Path, framework: str) -> Trace:
    """Read the framework's own log of a run. Raises NoYieldError."""
    names = sorted(path.name for path in (folder / "native").iterdir()) if (folder / "native").is_dir() else []
    name = _RICHEST.get(framework, names[0] if names else "")
    if name not in names:
        raise NoYieldError(f"no native log {name!r} (there are: {', '.join(names) or 'none'})")
    try:
        return formats.read((folder / "native" / name).read_bytes(), name=name)[0]
    except TraceError as error:
        raise NoYieldError(f"native log: {error}") from error


def decisive(folder: Path, run: Run, trace: Trace) -> Step:
    """Find in the native trace the step that sank the run. Raises NoYieldError."""
    if run.truth is None or run.truth.step is None:
        raise NoYieldError("the decisive move was not played")
    try:
        record = formats.read((folder / TRACE_FILE).read_bytes(), name=TRACE_FILE)[0]
    except TraceError as error:
        raise NoYieldError(f"record: {error}") from error
    said = [step for step in record.steps if step.role is Role.ASSISTANT and step.index <= run.truth.step]
    at = -1
    for step in said:  # in order, so that of two that say the same the right one is found
        found = next((i for i in range(at + 1, len(trace.steps)) if _tells(trace.steps[i], step)), None)
        if found is not None:
            at = found
        elif step is said[-1] and run.truth.cause != LIMIT:  # where the limit falls, the answer may not be posted
            raise NoYieldError("the decisive answer is not in the native log")
    if at < 0:
        raise NoYieldError("the decisive answer is not in the record")
    return trace.steps[at]


def _tells(native: Step, recorded: Step) -> bool:
    """Whether a step of the native log is this answer: its words, its code, or most of its lines."""
    if native.role is not Role.ASSISTANT:
        return False
    told = {line.strip() for line in _bare(native.content) if line.strip()}
    part = _decided(recorded.content)
    lines = {line.strip() for line in _bare(normal(part or recorded.content)) if line.strip()}
    shared = len(lines & told)
    return bool(lines) and shared >= _SHARED * len(lines) and (bool(part) or shared >= _SHARED * len(told))


def _decided(answer: str) -> str:
    """Return what decides in an answer of TaskWeaver's, which its log tells in parts; "" for other answers."""
    if not answer.startswith('{"response"'):
        return ""
    try:
        parts = json.loads(answer)["response"]
    except (ValueError, KeyError):
        return ""
    if parts.get("send_to") == "User":
        return str(parts.get("message", ""))
    return str(parts.get("reply_content") or parts.get("init_plan") or "")


def _bare(text: str) -> Iterable[str]:
    return (line for line in text.split("\n") if not line.startswith("```"))


def normalised(trace: Trace) -> Trace:
    """Bring what differs between two makings of one run into one form."""
    steps = tuple(
        step.model_copy(update={"content": normal(step.content), "error": step.error and normal(step.error)})
        for step in trace.steps
    )
    return trace.model_copy(update={"steps": steps})


def normal(text: str) -> str:
    """Bring times, ports, places and addresses in a text into one form."""
    for pattern, plain in _PATTERNS:
        text = pattern.sub(plain, text)
    return text
