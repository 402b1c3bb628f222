"""Run: what became of one cell, as its folder's `run.json` keeps it."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from classifier.trace import Frozen
from runner.matrix import Cell, Limits
from runner.task import Category

if TYPE_CHECKING:
    from pathlib import Path

RUNS = "runs"  # the folder of a bench that holds a folder per run
RUN_FILE = "run.json"
TRACE_FILE = "record.jsonl"  # what the proxy writes, and `coroner classify` reads


class RunError(ValueError):
    """A `run.json` that cannot be read. Says which and why."""


class Outcome(StrEnum):
    """What became of a run. BROKEN: not the agent but what ran it; such a run says nothing of the agent."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BROKEN = "broken"


class Usage(Frozen):
    """What a run took. `usd` is None where the model has no known price; `seconds` are of wall clock."""

    calls: int = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    usd: float | None = Field(default=0.0, ge=0)
    seconds: float = Field(default=0.0, ge=0)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.prompt_tokens + self.completion_tokens


class Scored(Frozen):
    """How a run's answer was judged: what it said, what was asked for, and in a word how the two compare."""

    right: bool
    verdict: str  # the scoring's own word: exact match, right value in a wrong form, wrong, no answer
    final: str = ""  # the text that the answer was looked for in
    given: dict[str, str] = Field(default_factory=dict)
    wanted: dict[str, str] = Field(default_factory=dict)


class Truth(Frozen):
    """What a fault run does wrong, known by construction. `step` is a `Step.index` of its trace, None if not known."""

    cause: str
    step: int | None = None
    agent: str | None = None
    note: str | None = None


class Run(Frozen):
    """One run. `stopped_by` is the bound or cap that ended it: time, memory, output, calls, tokens, usd.

    `error` is what broke in the machinery around the agent, None where nothing did. `started` is UTC, ISO 8601.
    """

    cell: Cell
    category: Category
    outcome: Outcome
    limits: Limits = Limits()
    framework_version: str | None = None
    coroner_version: str | None = None
    sandbox: str | None = None
    score: Scored | None = None
    truth: Truth | None = None
    exit_code: int | None = None
    stopped_by: str | None = None
    error: str | None = None
    usage: Usage = Usage()
    started: str | None = None
    trace: bool = False  # whether its record holds a step, so that `coroner classify` can read it
    left_out: tuple[str, ...] = ()  # what the workspace held beyond what is kept of it

    @property
    def id(self) -> str:
        """The run's name, and that of its folder."""
        return self.cell.key


def write(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after a kill or a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def folders(bench: Path) -> tuple[Path, ...]:
    """Return the folders of the runs that are done, sorted by name."""
    runs = bench / RUNS
    return tuple(sorted(folder for folder in runs.iterdir() if (folder / RUN_FILE).is_file())) if runs.is_dir() else ()


def read(folder: Path) -> Run:
    """Read a run's `run.json`. Raises RunError."""
    path = folder / RUN_FILE
    try:
        return Run.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RunError(f"{path}: no run of a bench: {place or 'top level'}: {first['msg']}") from error


def load(bench: Path) -> tuple[Run, ...]:
    """Read all runs of a bench's folder that are done. Raises RunError where one cannot be read."""
    return tuple(read(folder) for folder in folders(bench))
