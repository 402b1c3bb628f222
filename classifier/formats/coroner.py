"""coroner's own: `Trace.model_dump_json()`, one document, a list of them, or JSONL.

It reads back exactly what was written.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from classifier.trace import Trace, TraceError

if TYPE_CHECKING:
    from classifier.formats._source import Source


def sniff(source: Source) -> bool:
    """Say whether it has the keys of a Trace."""
    head = source.head
    return isinstance(head, dict) and {"format", "framework", "task", "steps"} <= head.keys()


def parse(source: Source) -> list[Trace]:
    """Return a run per document."""
    return [_trace(record, place) for place, record in source.records]


def _trace(record: Any, place: str) -> Trace:
    try:
        trace = Trace.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise TraceError(first["msg"], place=_join(place, first["loc"])) from None
    for i, (one, two) in enumerate(pairwise(trace.steps)):
        if two.index <= one.index:
            raise TraceError("step indices must increase", place=_join(place, ("steps", i + 1, "index")))
    return trace


def _join(place: str, loc: tuple[int | str, ...]) -> str:
    """Write a location as in code: `steps[3].role`."""
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return f"{place}{parts}".lstrip(".") or "the top level"
