"""The record that coroner's proxy writes as a run goes on (`record.jsonl`; see `runner.proxy.record`).

JSON lines: a header, then steps and calls, a closing line, and how the run was scored. A torn last line, as a kill
leaves it, is dropped; lines of kinds that are not known are passed over. Records may follow one another in one file.
`Step.index` counts the steps of the run as they were written.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from classifier.formats import _fields as fields
from classifier.formats._source import Source, parse_json
from classifier.trace import Limits, Role, Step, Trace, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = "coroner_record"
_VERSION = 1


def sniff(source: Source) -> bool:
    """Say whether it begins with the header of a record."""
    head = source.head
    if head is None and source.data.startswith(b'{"coroner_record"'):  # torn within a letter, so that it is no UTF-8
        return True
    return isinstance(head, dict) and _MARK in head


def parse(source: Source) -> list[Trace]:
    """Return a run per header."""
    runs: list[_Run] = []
    for place, line in _lines(source):
        if _MARK in line:
            runs.append(_Run(line, place))
        elif not runs:
            raise TraceError("the header is missing", place=place)
        else:
            runs[-1].read(line, place)
    return [run.trace() for run in runs]


def _lines(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    whole = source.text if source.is_text else _untorn(source)
    lines = [(number, line) for number, line in enumerate(whole.split("\n"), 1) if line.strip()]
    for number, line in lines:
        place = f"line {number}"
        try:
            yield place, fields.mapping(parse_json(line), place)
        except TraceError as error:
            if 1 < number == lines[-1][0] and not whole.endswith("\n"):
                return  # torn by a kill
            raise TraceError(error.problem, place=place) from None


def _untorn(source: Source) -> str:
    """Return the text without a last line that was torn. Raises TraceError where that is not what ails it."""
    whole = source.data[: source.data.rfind(b"\n") + 1]
    return Source(whole, name=source.name).text


class _Run:
    """One run, as its lines bring it."""

    def __init__(self, header: dict[str, Any], place: str) -> None:
        if header[_MARK] != _VERSION:
            raise TraceError(
                f"a record of version {fields.compact(header[_MARK])[:20]}; this coroner reads 1", place=place
            )
        run = fields.mapping(header.get("run"), f"{place}: run")
        self.place = place
        self.id = fields.text(run.get("id")).strip()
        self.framework = fields.text(run.get("framework")).strip() or "openai-chat"
        self.task = fields.text(run.get("task")).strip()
        self.limits = _valid(Limits, run.get("limits") or {}, f"{place}: run.limits")
        self.steps: list[tuple[int | None, Step]] = []  # with the conversation
        self.names: dict[int, str] = {}
        self.succeeded: bool | None = None
        self.expected: str | None = None

    def read(self, line: dict[str, Any], place: str) -> None:
        if "step" in line:
            conversation = line.get("conversation")
            step = _clean(_valid(Step, line["step"], f"{place}: step"))
            self.steps.append((conversation if isinstance(conversation, int) else None, step))
        elif "named" in line:
            named = fields.mapping(line["named"], f"{place}: named")
            if isinstance(named.get("conversation"), int):
                self.names[named["conversation"]] = fields.name(named.get("agent"), f"{place}: named.agent")
        elif "outcome" in line:
            outcome = fields.mapping(line["outcome"], f"{place}: outcome")
            self.succeeded = fields.truth(outcome.get("succeeded"))
            self.expected = fields.optional(outcome.get("expected"))

    def trace(self) -> Trace:
        steps = tuple(self._named(conversation, step) for conversation, step in self.steps)
        if not steps:
            raise TraceError("no steps: the model was never asked", place=self.place)
        for one, two in pairwise(steps):
            if two.index <= one.index:
                raise TraceError("step indices must increase", place=f"{self.place}: step {two.index}")
        task = self.task or next((step.content for step in steps if step.role is Role.USER), "")
        return Trace(
            id=self.id,
            format="coroner_record",
            framework=self.framework,
            task=task.strip(),
            steps=steps,
            expected=self.expected,
            succeeded=self.succeeded,
            limits=self.limits,
        )

    def _named(self, conversation: int | None, step: Step) -> Step:
        name = self.names.get(conversation) if conversation is not None else None
        return step.model_copy(update={"agent": name}) if name and step.role is Role.ASSISTANT else step


def _valid(kind: Any, value: Any, place: str) -> Any:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TraceError(first["msg"], place=f"{place}.{where}".rstrip(".")) from None


def _clean(step: Step) -> Step:
    """Put U+FFFD for what UTF-8 refuses, wherever text of the run stands."""
    calls = tuple(
        call.model_copy(
            update={
                "name": fields.clean(call.name),
                "arguments": fields.clean(call.arguments),
                "id": call.id and fields.clean(call.id),
            }
        )
        for call in step.tool_calls
    )
    texts = {
        name: fields.clean(value)
        for name in ("agent", "content", "to", "kind", "error")
        if (value := getattr(step, name))
    }
    return step.model_copy(update={"tool_calls": calls, **texts})
