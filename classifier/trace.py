"""Trace and Step: what every log format becomes, and the errors of reading one."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base of every domain type: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(StrEnum):
    """Who speaks, whatever the framework calls it."""

    SYSTEM = "system"
    USER = "user"  # a human or a simulated one: gives the task, answers questions
    ASSISTANT = "assistant"  # an agent: plans, acts, answers
    TOOL = "tool"  # what a tool, terminal, browser or environment returned


class Phase(StrEnum):
    """Tier 1 of the taxonomy (Lu, Li and Huo 2025, section IV-B)."""

    PLANNING = "planning"
    EXECUTION = "execution"
    RESPONSE = "response"


class ToolCall(Frozen):
    """One structured call: `arguments` is the JSON text as the agent wrote it, valid or not."""

    name: str
    arguments: str = ""
    id: str | None = None


class Step(Frozen):
    """One message of a run.

    `index` is the position of the message in the source's own list, from 0, so that annotations of the
    source line up. Indices strictly increase along a trace, but may have gaps where a format folds messages.
    """

    index: int = Field(ge=0)
    agent: str
    role: Role
    content: str
    to: str | None = None  # the addressee, where the framework names one
    kind: str | None = None  # the framework's own word for the message (thought, plan, code, ledger ...)
    phase: Phase | None = None  # where the source itself tells the phase (TaskWeaver), else None
    tool_calls: tuple[ToolCall, ...] = ()
    error: str | None = None  # an error that the source states in a field of its own, verbatim


class Limits(Frozen):
    """Caps that the source says the run was under. None: not stated."""

    max_rounds: int | None = None
    max_tokens: int | None = None
    max_seconds: float | None = None


class Trace(Frozen):
    """One run. `succeeded` is what the source says of the outcome; None where it is silent."""

    id: str
    format: str  # name of the file in classifier/formats that read it
    framework: str  # the agent system: autogen, magentic-one, tau-bench, metagpt, taskweaver ...
    task: str
    steps: tuple[Step, ...] = Field(min_length=1)
    expected: str | None = None  # the reference answer, where the source holds one
    succeeded: bool | None = None
    limits: Limits = Limits()


class TraceError(ValueError):
    """An input that is not a readable trace. Says which file, as what format it was read, and where it broke."""

    def __init__(
        self,
        problem: str,
        *,
        file: str = "<bytes>",
        format: str | None = None,  # noqa: A002 - the word of all who call
        place: str | None = None,
    ) -> None:
        self.problem, self.file, self.format, self.place = problem, file, format, place
        where = f" at {place}" if place else ""
        tried = f" (read as {format})" if format else ""
        super().__init__(f"{file}{where}: {problem}{tried}")
