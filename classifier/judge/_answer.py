"""The answer's form, how it is read from whatever the model wrote, and what must hold of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from classifier.diagnosis import Evidence
from classifier.judge._case import UNKNOWN
from classifier.judge._clean import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.judge._fit import Shown
    from classifier.taxonomy import Taxonomy

_BLOCK = re.compile(r"(?s)```(?:json)?\s*(\{.*?\})\s*```")
_SHORTEST = 4  # characters of a quote without white space: less occurs anywhere
_LONGEST_REASON = 600
_LONGEST_REPLY = 20_000  # characters of an answer that are read at all


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _absent(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() in {"", "none", "null", "n/a"} else value


class Answer(BaseModel):
    """What the model is asked to write, in the order in which it is to think."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    quotes: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        description="1 to 3 passages copied character for character from steps of the log; the first proves the cause"
    )
    reason: str = Field(description="one sentence: what went wrong and why it is this cause")
    step: int = Field(description="number of the step in which the decisive mistake was made")
    agent: str = Field(description="who made it")
    cause: str = Field(description="id of the root cause")
    second_cause: Annotated[str | None, BeforeValidator(_absent)] = Field(
        description="id of the next likeliest, or null"
    )
    probability: float = Field(description="that the cause is right, from 0 to 1")


class Unusable(Exception):  # noqa: N818 - caught within the package
    """An answer that cannot be used; `problems` are sentences that the model and a reader understand."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


class Checked(Answer):
    """An answer in which every check holds: causes are ids (None: unknown), the agent is the step's own."""

    cause: str | None  # type: ignore[assignment]
    evidence: tuple[Evidence, ...]


def schema(taxonomy: Taxonomy) -> str:
    """Return the answer's JSON schema as text, in the strict form that providers hold answers to."""
    form: dict[str, Any] = Answer.model_json_schema()
    fields = form["properties"]
    ids = [*taxonomy.ids, UNKNOWN]
    fields["cause"]["enum"] = ids
    fields["second_cause"] = {"anyOf": [{"type": "string", "enum": ids}, {"type": "null"}]}
    return json.dumps({"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False})


def parse(text: str, *, refusal: str | None = None) -> Answer:
    """Read an answer from a reply: JSON as asked for, or mended where it is not. Raises Unusable."""
    if refusal:
        raise Unusable(["the model declined to answer"])
    plain = text.rsplit("</think>", 1)[-1][:_LONGEST_REPLY].strip()
    for attempt in (plain, *(hit[1] for hit in reversed(list(_BLOCK.finditer(plain))))):
        try:
            return _answer(json.loads(attempt))
        except (ValueError, RecursionError):
            continue
    if "{" not in plain:
        raise Unusable(["the answer is not a JSON object"])
    import json_repair  # noqa: PLC0415 - only for answers that are no JSON

    try:
        return _answer(json_repair.loads(plain[plain.index("{") :], skip_json_loads=True))
    except ValidationError as error:
        raise Unusable(_faults(error)) from error
    except (ValueError, RecursionError) as error:
        raise Unusable(["the answer is not a JSON object"]) from error


def check(answer: Answer, taxonomy: Taxonomy, shown: Sequence[Shown]) -> Checked:
    """Hold an answer against the taxonomy and the log as it was shown. Raises Unusable with all that is wrong."""
    problems: list[str] = []
    cause = _cause(answer.cause, "cause", taxonomy, problems)
    second = _cause(answer.second_cause, "second_cause", taxonomy, problems)
    step = next((each.step for each in shown if each.step.index == answer.step), None)
    if step is None:
        last = shown[-1].step.index
        problems.append(f"step {answer.step} is not in the log, whose steps are {shown[0].step.index} to {last}")
    evidence = _evidence(answer, shown, problems)
    if not 0 <= answer.probability <= 1:
        problems.append("probability is not between 0 and 1")
    if problems or step is None:
        raise Unusable(problems)
    return Checked(
        quotes=answer.quotes,
        reason=one_line(answer.reason, _LONGEST_REASON),
        step=answer.step,
        agent=step.agent,
        cause=cause,
        second_cause=None if second == cause else second,
        probability=answer.probability,
        evidence=evidence,
    )


def _evidence(answer: Answer, shown: Sequence[Shown], problems: list[str]) -> tuple[Evidence, ...]:
    """Find every quote, in the step named before all others; problems say which do not occur, never what they say."""
    found: list[Evidence] = []
    if not answer.quotes and answer.cause != UNKNOWN:
        problems.append("there is no quote")
    near = sorted(shown, key=lambda each: abs(each.step.index - answer.step))
    for number, quote in enumerate(answer.quotes[:10], 1):
        if len("".join(quote.split())) < _SHORTEST:
            problems.append(f"quote {number} is too short to prove anything")
            continue
        for each in near:
            words = each.passage.find(quote) if each.passage else None
            if words and words in _told(each):
                found.append(Evidence(step=each.step.index, quote=words))
                break
        else:
            problems.append(f"quote {number} does not occur in any one step of the log as it was shown")
    return tuple(dict.fromkeys(found))


def _told(shown: Shown) -> _Parts:
    step = shown.step
    return _Parts((step.content, step.error or "", *(call.arguments for call in step.tool_calls)))


class _Parts(tuple[str, ...]):
    """The texts of a step; a quote is in them if it is in one of them."""

    __slots__ = ()

    def __contains__(self, quote: object) -> bool:
        return isinstance(quote, str) and any(quote in part for part in self)


def _cause(named: str | None, field: str, taxonomy: Taxonomy, problems: list[str]) -> str | None:
    if named is None or named.strip().lower() == UNKNOWN:
        return None
    words = named.split()
    for attempt in (named.strip(), words[0].strip(":,.()") if words else ""):
        known = taxonomy.resolve(attempt) if attempt else None
        if known:
            return known.id
    problems.append(f"{field} is not an id of the codebook")
    return None


def _answer(value: object) -> Answer:
    if isinstance(value, list):  # mended from text around the object
        value = next((item for item in reversed(value) if isinstance(item, dict)), None)
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - a fault of the text, as those of json are
    return Answer.model_validate({"second_cause": None, "agent": "", **value})


def _faults(error: ValidationError) -> list[str]:
    """Say what is wrong with which field, without repeating the model's words."""
    return [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors(include_input=False)
    ]
