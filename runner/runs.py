"""Run: what became of one cell, as its folder's `run.json` keeps it."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from classifier.trace import Frozen
from runner.matrix import Cell
from runner.proxy.caps import Caps
from runner.scoring import Score
from runner.task import Category

if TYPE_CHECKING:
    from pathlib import Path

RUNS = "runs"  # the folder of a bench that holds a folder per run
RUN_FILE = "run.json"
TRACE_FILE = "record.jsonl"  # what the proxy writes, and `coroner classify` reads


class RunError(ValueError):
    """A `run.json` that cannot be read. Says which and why."""


class NoPlaceError(ValueError):
    """A fault that a task has no place for."""


class Outcome(StrEnum):
    """What became of a run. The last two say nothing of the agent, and count in no figure.

    BROKEN: not the agent, but what ran it. SKIPPED: the task has no place for the fault.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BROKEN = "broken"
    SKIPPED = "skipped"


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


class Truth(Frozen):
    """What a fault run does wrong, known by construction. `step` is a `Step.index` of its trace, None if not known."""

    cause: str
    variant: str = ""
    step: int | None = None
    agent: str | None = None
    note: str | None = None


class Run(Frozen):
    """One run.

    `stopped_by` is the bound or cap that it met: time, memory, output, disk of the sandbox; calls, tokens, usd,
    seconds of the proxy. `caps`, `window` and the cell's `rounds` are what it was under; a fault may have its own:
    `max_rounds` is what the framework was told. `error` is what broke in the machinery around the agent, None where
    nothing did. `started` is UTC, ISO 8601.
    """

    cell: Cell
    category: Category
    outcome: Outcome
    caps: Caps = Caps()
    window: int | None = None
    max_rounds: int | None = None
    framework_version: str | None = None
    coroner_version: str | None = None
    sandbox: str | None = None
    final: str = ""  # the agent's last word, in which the answer is looked for
    score: Score | None = None
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
