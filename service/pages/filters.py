"""Filters: the form above a list of runs, as it stands in the address, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError

from classifier.diagnosis import Outcome
from classifier.trace import Phase
from service.storage.traces import Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = (
    "text", "cause", "phase", "framework", "model", "min", "max", "since", "until", "labelled", "batch", "outcome",
)  # fmt: skip
NOBODY = "none"  # as a cause: the verdict names none
REVEALING = ("cause", "phase", "min", "max", "outcome")  # whoever filters by these learns of the verdict
_Choice = TypeVar("_Choice", Phase, Outcome)
LONGEST = 300  # characters of a field


class FilterError(ValueError):
    """A filter that cannot be meant. Says which field is wrong, and what it takes."""


def given(query: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """Return the fields of a form that say something."""
    found = {name: query.get(prefix + name, "").strip()[:LONGEST] for name in FIELDS}
    return {name: value for name, value in found.items() if value}


def parse(fields: Mapping[str, str]) -> Filter:
    """Return the filter that a form stands for. Raises FilterError."""
    cause = fields.get("cause")
    labelled = fields.get("labelled")
    until = _day(fields, "until")
    try:
        return Filter(
            text=fields.get("text"),
            cause=None if cause == NOBODY else cause,
            named=False if cause == NOBODY else None,
            phase=_choice(fields, "phase", Phase),
            outcome=_choice(fields, "outcome", Outcome),
            framework=fields.get("framework"),
            model=fields.get("model"),
            min_confidence=_share(fields, "min"),
            max_confidence=_share(fields, "max"),
            since=_day(fields, "since"),
            until=until + timedelta(days=1) if until else None,
            labelled=None if labelled is None else labelled == "yes",
            batch=fields.get("batch"),
        )
    except (ValidationError, OverflowError) as error:
        raise FilterError(str(error)) from error


def query(fields: Mapping[str, str], **more: str | None) -> str:
    """Return the form as the query of an address; `more` adds fields, or with None takes them away."""
    merged = {**fields, **more}
    return urlencode({name: value for name, value in merged.items() if value})


def _share(fields: Mapping[str, str], name: str) -> float | None:
    text = fields.get(name)
    if text is None:
        return None
    try:
        value = float(text.rstrip(" %").replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise FilterError(f"Confidence is a number of per cent, from 0 to 100; {text!r} is none.")
    return value / 100


def _day(fields: Mapping[str, str], name: str) -> datetime | None:
    text = fields.get(name)
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError as error:
        raise FilterError(f"{text!r} is no day: give it as 2026-11-25.") from error


def _choice(fields: Mapping[str, str], name: str, kind: type[_Choice]) -> _Choice | None:
    text = fields.get(name)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError as error:
        raise FilterError(f"{text!r} is none of {', '.join(kind)}.") from error
