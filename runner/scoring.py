"""Scoring: the answer in an agent's last word, held against what the task declares.

The study counts a run as a success by exact match after post-processing. Here the post-processing is the extraction
of `@name[value]`, as InfiAgent-DABench does it; both the extraction and the match are in the `Score`, and a right
value in a wrong form is told apart from a wrong one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.trace import Frozen
from runner import forms

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.task import Answer, Task

_OPENING = re.compile(r"(?<![\w@])@(\w+)\[")


class Verdict(StrEnum):
    """What became of one value that was asked for."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"
    MISFORMED = "right_value_wrong_form"


class Checked(Frozen):
    """One value: what was expected, what was given (None: nothing in the form), and why it is not right."""

    name: str
    expected: str
    given: str | None
    verdict: Verdict
    why: str = ""


class Score(Frozen):
    """The score of a run. `success`: every value is right."""

    success: bool
    checked: tuple[Checked, ...]


def score(task: Task, final: str) -> Score:
    """Score the last word of a run."""
    given = extract(final)
    prose = without_answers(final, {answer.name for answer in task.answers})
    checked = tuple(_check(answer, given.get(answer.name), prose) for answer in task.answers)
    return Score(success=all(one.verdict is Verdict.RIGHT for one in checked), checked=checked)


def extract(final: str) -> dict[str, str]:
    """Return the value of the last `@name[value]` of each name, without white space at its ends.

    Brackets within a value nest; one that is never closed gives nothing.
    """
    return {name: value for name, value, _, _ in _answers(final)}


def without_answers(final: str, names: Collection[str]) -> str:
    """Return the text without the answers of these names: what is said in another form, or under another name."""
    out, place = [], 0
    for name, _, start, end in _answers(final):
        if name in names:
            out.append(final[place:start])
            place = end
    return " ".join([*out, final[place:]])


def state(values: dict[str, str]) -> str:
    """Write values in the form that `extract` reads."""
    return "\n".join(f"@{name}[{value}]" for name, value in values.items())


def _answers(final: str) -> list[tuple[str, str, int, int]]:
    """Find name, value, and where the form begins and ends."""
    closings = _closings(final)
    out = []
    place = 0
    while opening := _OPENING.search(final, place):
        start = place = opening.end()
        end = closings.get(start - 1)
        if end is not None:
            place = end + 1
            out.append((opening[1], final[start:end].strip(), opening.start(), place))
    return out


def _closings(text: str) -> dict[int, int]:
    """Map the place of each bracket that is closed to where it is."""
    out, opened = {}, []
    for bracket in re.finditer(r"[\[\]]", text):
        if bracket[0] == "[":
            opened.append(bracket.start())
        elif opened:
            out[opened.pop()] = bracket.start()
    return out


def _check(answer: Answer, given: str | None, prose: str) -> Checked:
    nothing = given is None or (not given and answer.value)  # empty brackets are an answer where it is empty
    verdict, why = _judge(answer, None if nothing else given, prose)
    return Checked(name=answer.name, expected=answer.value, given=given, verdict=verdict, why=why)


def _judge(answer: Answer, given: str | None, prose: str) -> tuple[Verdict, str]:
    if given is None:
        if answer.value and forms.told(answer, prose):
            return Verdict.MISFORMED, f"said, but not as @{answer.name}[...]"
        return Verdict.MISSING, f"no @{answer.name}[...]"
    if forms.equal(answer, given):
        return Verdict.RIGHT, ""
    if way := forms.misformed(answer, given):
        return Verdict.MISFORMED, way
    return Verdict.WRONG, "another value"
