"""The record of a run: an append-only file of JSON lines, from which `coroner_record` reads the Trace.

    {"coroner_record": 1, "run": {...}, "started": "..."}      the header, first
    {"step": {...}, "conversation": 0}                          a message that is new, as the model saw it
    {"named": {"conversation": 0, "agent": "Coder"}}            whose conversation that is, once another agent tells
    {"call": {...}}                                             a call, once it is answered or has failed
    {"end": {...}}                                              the run is over
    {"outcome": {"succeeded": true, "expected": "..."}}         added by whoever scored the run

Every line is written at once and as a whole, so a kill leaves at most a torn last line, which readers drop. Calls, the
header and the end are also forced to the disk.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, ValidationError

from classifier.trace import Frozen, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.trace import Step

VERSION = 1


class RecordError(ValueError):
    """A record that cannot be written or read. Says which file, where, and what to do."""


class Run(Frozen):
    """What is known of a run before it starts. `task` may be left to the first message."""

    id: str
    framework: str = "openai-chat"
    task: str = ""
    model: str = ""
    limits: Limits = Limits()


class Call(Frozen):
    """One call. `number` counts those that reached the model, from 0; None: it was turned away before.

    `request` is the SHA-256 of the request's canonical JSON, `steps` are the messages that were new in it, `answer` is
    the step that the answer became, None where there was none. `cost` is in USD, None where no price is known;
    `at` (since the run began) and `latency` are in seconds. `left_out` (messages) and `cut` (tokens) are what a small
    window took from the request. `ignored` are parameters that are not passed on. Status 499: the agent hung up.
    """

    number: int | None
    request: str
    conversation: int
    agent: str
    steps: tuple[int, ...] = ()
    answer: int | None = None
    status: int = 200
    finish_reason: str | None = None
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    cost: float | None = None
    at: float = 0.0
    latency: float = 0.0
    stream: bool = False
    left_out: int = 0
    cut: int = 0
    ignored: tuple[str, ...] = ()
    error: str | None = None


class End(Frozen):
    """How a run ended: `done` (it closed by itself), `limit` (a cap was reached) or what its runner says."""

    reason: str
    detail: str = ""
    calls: int = 0
    refused: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0


class Outcome(Frozen):
    """How a run was scored. What caused a failure has no place here: it would be an annotation."""

    succeeded: bool | None = None
    expected: str | None = None


class Record(Frozen):
    """What a record says of the run besides its steps; `end` is None where the run was killed."""

    run: Run
    calls: tuple[Call, ...] = ()
    end: End | None = None
    outcome: Outcome | None = None

    def answer_step(self, number: int) -> int | None:
        """Return the step (`Step.index`) that the answer to call `number` became, None where it became none."""
        return next((call.answer for call in self.calls if call.number == number), None)


class Writer:
    """Writes a new record. Raises RecordError where the file is there already or cannot be made."""

    def __init__(self, path: Path, run: Run, started: str) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            self._file: int | None = os.open(path, flags, 0o600)
        except FileExistsError:
            raise RecordError(f"{path}: there is a record already; remove it or choose another name") from None
        except OSError as error:
            raise RecordError(f"{path}: cannot be written: {error.strerror}") from None
        self._write({"coroner_record": VERSION, "run": _slim(run), "started": started}, sync=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is written is there."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def step(self, step: Step, conversation: int) -> None:
        """Add a step."""
        self._write({"step": step.model_dump(mode="json", exclude_defaults=True), "conversation": conversation})

    def named(self, conversation: int, agent: str) -> None:
        """Add the name of the agent whose conversation it is."""
        self._write({"named": {"conversation": conversation, "agent": agent}})

    def call(self, call: Call) -> None:
        """Add a call."""
        self._write({"call": _slim(call) | {"number": call.number}}, sync=True)

    def end(self, end: End) -> None:
        """Add the closing line."""
        self._write({"end": _slim(end)}, sync=True)

    def _write(self, line: dict[str, Any], *, sync: bool = False) -> None:
        if self._file is None:
            return  # a call that outlived its run: nobody waits for it
        rest = memoryview(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        while rest:
            rest = rest[os.write(self._file, rest) :]
        if sync:
            os.fsync(self._file)


def add_outcome(path: Path, outcome: Outcome) -> None:
    """Add how the run was scored to a finished or broken-off record. Raises RecordError where it is none."""
    read(path)
    with path.open("r+b") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)  # a torn last line is not for anybody to read
        file.seek(0, os.SEEK_END)
        file.write(json.dumps({"outcome": _slim(outcome)}, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> Record:
    """Read a record's header, calls, end and outcome. Raises RecordError."""
    found: dict[str, Any] = {"calls": []}
    try:
        for number, line in _lines(path):
            where = f"{path}, line {number}"
            if "coroner_record" in line:
                found["run"] = Run.model_validate(line["run"])
            elif "call" in line:
                found["calls"].append(Call.model_validate(line["call"]))
            elif "end" in line:
                found["end"] = End.model_validate(line["end"])
            elif "outcome" in line:
                found["outcome"] = Outcome.model_validate(line["outcome"])
        return Record.model_validate(found)
    except (ValidationError, KeyError, TypeError) as error:
        said = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else repr(error)
        raise RecordError(f"{where if found.get('run') else path}: no record of coroner's proxy: {said}") from None


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
    whole = data[: data.rfind(b"\n") + 1]  # a last line without its end was torn
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise RecordError(f"{path}, line {number}: not valid JSON: {error}") from None
        if isinstance(value, dict):
            yield number, value


def _slim(model: Frozen) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_defaults=True)
