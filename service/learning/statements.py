"""Statements: what an annotator says of a run, checked against the run, and as the records of an annotations file."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from classifier import annotation
from classifier.annotation import UNKNOWN, Annotation, Problem, agent_key
from classifier.diagnosis import Provenance
from classifier.trace import Frozen
from service import sheets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace
    from service.storage.annotations import Statement

CLASSIFIER = "classifier"  # the name under which its verdicts stand beside the annotators'
COLUMNS = (
    "uid", "trace", "file", "annotator", "provenance", "cause", "secondary", "step", "agent", "native_category",
    "confidence", "unsure", "adjudicated", "note",
)  # fmt: skip
SEPARATOR = ";"  # between secondary causes in a cell; no cause's id holds it
CELLS = "<csv>"
LONGEST = 100  # characters of an annotator's name
_DERIVED = 32  # characters of the id of a line that brings none


class StatementError(ValueError):
    """A statement that cannot be kept: it speaks of what is not in the run or in the taxonomy, or says nothing."""


class Said(Frozen):
    """What an annotator says of a run. `cause` by id, slug or name, or `unknown` where the log does not show it."""

    cause: str | None = Field(default=None, max_length=100, examples=["E2.2"])
    secondary: tuple[str, ...] = Field(default=(), max_length=20)
    step: int | None = Field(default=None, ge=0, le=2**31 - 1, description="A `Step.index`.", examples=[2])
    agent: str | None = Field(default=None, max_length=300)
    confidence: Literal["low", "medium", "high"] | None = None
    note: str | None = Field(default=None, max_length=20_000)
    unsure: bool = Field(default=False, description="Counts for agreement, not for training.")


def checked(said: Said, trace: Trace, taxonomy: Taxonomy, annotator: str) -> Annotation:
    """Return it as the annotation that is kept. Raises StatementError.

    Causes become ids; the agent is that of the decisive step where none is named.
    """
    if said.cause is None and said.step is None and not said.unsure:
        raise StatementError("it says nothing: name a cause or a step, or say that you are not sure")
    record = Annotation(
        trace=trace.id,
        annotator=annotator,
        provenance=Provenance.HUMAN,
        cause=said.cause,
        secondary=said.secondary,
        step=said.step,
        agent=said.agent,
        confidence=said.confidence,
        note=_clean(said.note),
    )
    return fitted(record, trace, taxonomy)


def fitted(record: Annotation, trace: Trace, taxonomy: Taxonomy) -> Annotation:
    """Return an annotation as that of this run, in ids of the taxonomy. Raises StatementError."""
    if record.annotator == CLASSIFIER:
        raise StatementError(f"no annotator can be called {CLASSIFIER!r}: its verdicts stand beside theirs")
    if len(record.annotator) > LONGEST or "\x00" in record.annotator:
        raise StatementError(f"an annotator's name has at most {LONGEST} characters, and no NUL")
    steps = {step.index: step for step in trace.steps}
    if record.step is not None and record.step not in steps:
        raise StatementError(f"the run has no step {record.step}; it has {min(steps)} to {max(steps)}")
    acting = {agent_key(step.agent): step.agent for step in trace.steps}
    agent = record.agent
    # a scheme with categories of its own may name a module of the one agent; `coroner lint` tells of that
    own_scheme = record.native_category is not None or record.provenance is not Provenance.HUMAN
    if agent is not None and not own_scheme and agent_key(agent) not in acting:
        raise StatementError(f"no agent {agent!r} acts in the run; there are {', '.join(acting.values())}")
    if agent is None and record.step is not None:
        agent = steps[record.step].agent
    cause = _cause(record.cause, taxonomy)
    found = (_cause(each, taxonomy) for each in record.secondary)
    secondary = tuple(dict.fromkeys(each for each in found if each not in {None, cause}))
    return record.model_copy(
        update={"trace": trace.id, "file": None, "cause": cause, "secondary": secondary, "agent": agent}
    )


def record(statement: Statement) -> Annotation:
    """Return a kept statement as a line of an export: the run goes by its uid, its file by where `folder` puts it."""
    return statement.annotation.model_copy(
        update={
            "trace": statement.run,
            "file": file_of(statement.run),
            "uid": statement.uid,
            "unsure": statement.unsure,
            "adjudicated": statement.adjudicated,
        }
    )


def file_of(run: str) -> str:
    """Return where a run lies in an exported folder."""
    return f"traces/{run}.json"


def to_csv(records: Iterable[Annotation]) -> Iterator[str]:
    """Write annotations as CSV, a line at a time; no cell is taken for a formula. `parse` reads it back."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for each in records:
        cells = each.model_dump(mode="json", exclude_defaults=True)
        cells["secondary"] = SEPARATOR.join(each.secondary)
        writer.writerow({name: sheets.safe(cells.get(name)) for name in COLUMNS})
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def parse(text: str, *, is_csv: bool) -> tuple[list[tuple[int, Annotation]], list[Problem]]:
    """Read annotations from JSON lines or CSV, each with its line (from 1); tell what is wrong with the other lines."""
    return _parse_csv(text) if is_csv else _parse_lines(text)


def _parse_lines(text: str) -> tuple[list[tuple[int, Annotation]], list[Problem]]:
    records, bad = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        found = annotation.parse(line)
        records += [(number, each) for each in found.records]
        bad += [each.model_copy(update={"line": number}) for each in found.bad]
    return records, bad


def _parse_csv(text: str) -> tuple[list[tuple[int, Annotation]], list[Problem]]:
    records, bad = [], []
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if absent := {"trace", "annotator", "provenance"} - set(reader.fieldnames or ()):
            return [], [Problem(file=CELLS, line=1, problem=f"no column {', '.join(sorted(absent))}")]
        for row in reader:
            try:
                records.append((reader.line_num, _record(row)))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(map(str, first["loc"]))
                problem = f"{place}: {first['msg']}" if place else first["msg"]
                bad.append(Problem(file=CELLS, line=reader.line_num, problem=problem))
    except csv.Error as error:
        bad.append(Problem(file=CELLS, line=reader.line_num, problem=f"no CSV: {error}"))
    return records, bad


def named(record: Annotation, run: str) -> str:
    """Return the id of an imported line: its own, or one that follows from what it says of which run."""
    if record.uid is not None:
        return record.uid
    body = record.model_copy(update={"trace": run, "file": None}).model_dump_json(exclude_defaults=True)
    return hashlib.sha256(f"annotation\x00{run}\x00{body}".encode()).hexdigest()[:_DERIVED]


def _record(row: Mapping[str | Any, str | Any]) -> Annotation:
    cells: dict[str, object] = {
        (name or "more cells than columns"): sheets.plain(value) if isinstance(value, str) else value
        for name, value in row.items()
        if value
    }
    if "secondary" in cells:
        cells["secondary"] = [part.strip() for part in str(cells["secondary"]).split(SEPARATOR) if part.strip()]
    return Annotation.model_validate(cells)


def _cause(named_: str | None, taxonomy: Taxonomy) -> str | None:
    if named_ is None or named_ == UNKNOWN:
        return named_
    found = taxonomy.resolve(named_)
    if found is None:
        raise StatementError(f"no cause {named_!r} in {taxonomy.name}")
    return found.id


def _clean(text: str | None) -> str | None:
    return text.replace("\x00", "\ufffd") if text else None
