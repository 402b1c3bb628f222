"""Annotation: what one annotator said of one run. One record for people, injected faults, models and importers."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from classifier.diagnosis import Provenance
from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from classifier.taxonomy import Taxonomy

UNKNOWN = "unknown"  # the annotator's word for "the log does not show it"; a statement, unlike an absent cause

TRUST = (Provenance.HUMAN, Provenance.INJECTED, Provenance.MODEL)

_Value = TypeVar("_Value", str, int)

Judged = Literal["cause", "tier2", "phase", "step", "agent", "native_category"]


class Annotation(Frozen):
    """One line of an annotations file. Every judgement may be absent; whose it is may not.

    `trace` is the id of the run, `file` its path relative to the annotations file. `step` is a `Step.index`.
    `native_category` is the cause in the annotator's own scheme. `uid` names the record where it was exported from.
    `unsure`: said with a "not sure"; it counts for agreement, not as a label. `adjudicated`: the last word on a
    disagreement; it goes before all others as a label, and is not an annotator's own for agreement. A key that is not
    named here is refused: a mistyped key would be a label lost in silence.
    """

    trace: str = Field(min_length=1)
    annotator: str = Field(min_length=1)
    provenance: Provenance
    file: str | None = None
    cause: str | None = None
    secondary: tuple[str, ...] = ()
    step: int | None = Field(default=None, ge=0)
    agent: str | None = None
    native_category: str | None = None
    confidence: Literal["low", "medium", "high"] | Annotated[float, Field(ge=0, le=1)] | None = None
    note: str | None = None
    uid: str | None = Field(default=None, pattern="^[0-9A-Za-z_-]{1,32}$")
    unsure: bool = False
    adjudicated: bool = False

    @field_validator("secondary", mode="before")
    @classmethod
    def _absent_is_empty(cls, value: object) -> object:
        return () if value is None else value


class Problem(Frozen):
    """What could not be read of a labelled set: which file, which line of it (from 1), and what is wrong."""

    file: str
    problem: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}" if self.line else f"{self.file}: {self.problem}"


class AnnotationError(ValueError):
    """An annotations file that a strict reader refuses. Says file, line and what is wrong with it."""


class Annotations(Frozen):
    """What a file held: the records in its order, and the lines that are none."""

    records: tuple[Annotation, ...]
    bad: tuple[Problem, ...]


class Label(Frozen):
    """What is held true of a run, field by field, each with the provenance of whoever said it."""

    cause: str | None = None
    cause_by: Provenance | None = None
    step: int | None = None
    step_by: Provenance | None = None
    agent: str | None = None
    agent_by: Provenance | None = None
    native_category: str | None = None
    native_category_by: Provenance | None = None
    secondary: tuple[str, ...] = ()


def parse(text: str, *, file: str = "<text>", strict: bool = False) -> Annotations:
    """Read annotations from JSON lines; blank lines are skipped. `file` names the source in errors.

    A line that is no annotation is reported in `bad`, with `strict` it raises AnnotationError.
    """
    records, bad = [], []
    # split on \n alone: splitlines() also breaks at U+2028, which JSON allows inside a string
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(Annotation.model_validate_json(line))
        except ValidationError as error:
            problem = Problem(file=file, line=number, problem=_problems(error))
            if strict:
                raise AnnotationError(str(problem)) from error
            bad.append(problem)
    return Annotations(records=tuple(records), bad=tuple(bad))


def read(path: Path, *, strict: bool = False) -> Annotations:
    """Read an annotations file (JSONL, UTF-8). Raises AnnotationError where it is missing or is not text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AnnotationError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    return parse(text, file=str(path), strict=strict)


def dump(records: Iterable[Annotation]) -> str:
    """Write annotations as JSON lines, without the fields that are absent; `parse` gives the same records back."""
    return "".join(f"{record.model_dump_json(exclude_defaults=True)}\n" for record in records)


def write(path: Path, records: Iterable[Annotation]) -> None:
    """Write an annotations file (JSONL, UTF-8), replacing what is there."""
    path.write_text(dump(records), encoding="utf-8")


def merge(annotations: Sequence[Annotation]) -> Label:
    """Resolve the annotations of one run into one label, field by field.

    What was adjudicated holds, where it was. Else human statements go before injected ones, those before a model's.
    Among annotators of one provenance the most frequent value holds, on a tie the one that comes first. `unknown` is
    a statement, one that is `unsure` is none. `secondary` is that of the first annotator whose cause holds.
    """
    last = [record for record in annotations if record.adjudicated and not record.unsure]
    annotations = last or [record for record in annotations if not record.unsure]
    cause, cause_by = _resolve((record.cause, record.provenance) for record in annotations)
    step, step_by = _resolve((record.step, record.provenance) for record in annotations)
    agent, agent_by = _resolve((record.agent, record.provenance) for record in annotations)
    native, native_by = _resolve((record.native_category, record.provenance) for record in annotations)
    owners = (record for record in annotations if (record.cause, record.provenance) == (cause, cause_by))
    first = next(owners, None)
    return Label(
        cause=cause,
        cause_by=cause_by,
        step=step,
        step_by=step_by,
        agent=agent,
        agent_by=agent_by,
        native_category=native,
        native_category_by=native_by,
        secondary=first.secondary if cause is not None and first else (),
    )


def in_terms_of(label: Label, taxonomy: Taxonomy) -> Label:
    """Take the annotators' own category for the cause, as an id of the taxonomy made for it.

    A category that the taxonomy has under several parents is looked up under the label's agent, which in
    AgentErrorBench is the module at fault. The cause is None where the taxonomy holds no such category.
    """
    native, within = label.native_category, taxonomy.resolve(label.agent or "")
    found = taxonomy.resolve(native) if native else None
    if native and found is None and within is not None:
        found = taxonomy.resolve(native, within=within.id)
    by = label.native_category_by if found else None
    return label.model_copy(update={"cause": found.id if found else None, "cause_by": by, "secondary": ()})


def coarser(cause: str, taxonomy: Taxonomy, tier: Literal["tier2", "phase"]) -> str | None:
    """Give the cause's ancestor below the phase, or its phase (None where the taxonomy has none).

    A cause that the taxonomy does not hold, such as `unknown`, stays as it is.
    """
    if cause not in taxonomy:
        return cause
    if tier == "phase":
        return taxonomy.phase_of(cause)
    return (cause, *(above.id for above in taxonomy.ancestors(cause)))[-1]


def field_value(note: Annotation, field: Judged, taxonomy: Taxonomy | None = None) -> str | None:
    """Give one field as text that can be compared: agents by `agent_key`, causes at the tier that the field names.

    Raises ValueError for `tier2` and `phase` without a taxonomy.
    """
    if field in {"tier2", "phase"}:
        if taxonomy is None:
            raise ValueError(f"{field} needs a taxonomy")
        return note.cause and coarser(note.cause, taxonomy, "phase" if field == "phase" else "tier2")
    if field == "agent":
        return note.agent and agent_key(note.agent)
    if field == "step":
        return None if note.step is None else str(note.step)
    return note.cause if field == "cause" else note.native_category


def agent_key(name: str) -> str:
    """Give what two spellings of an agent share: case, spaces, underscores and a role in brackets do not count.

    `WebSurfer`, `Websurfer`; `Orchestrator (thought)`, `Orchestrator (-> WebSurfer)`, `Orchestrator`.
    """
    bare = re.sub(r"\s*[(\[].*$", "", name, flags=re.DOTALL)
    return re.sub(r"[\s_-]+", "", bare or name).casefold()


def _resolve(said: Iterable[tuple[_Value | None, Provenance]]) -> tuple[_Value | None, Provenance | None]:
    present = [(value, by) for value, by in said if value is not None]
    for trusted in TRUST:
        values = [value for value, by in present if by is trusted]
        if values:
            return Counter(values).most_common(1)[0][0], trusted  # most_common keeps first-seen order on a tie
    return None, None


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" if problem["loc"] else problem["msg"]
        for problem in error.errors(include_url=False, include_input=False)
    )
