"""What the judge is asked about, and how: Case, Options. What it says is `diagnosis.Opinion`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

from pydantic import Field, model_validator

from classifier.diagnosis import Evidence, Provenance, StepChoice
from classifier.taxonomy import Taxonomy
from classifier.trace import Frozen, Trace

UNKNOWN = "unknown"  # what annotators and judges write where a log holds no evidence
BUDGET = 12_000  # tokens of the log

Count: TypeAlias = Callable[[str], int]  # tokens of a text


def approximate_tokens(text: str) -> int:
    """Count tokens without a tokenizer: a token for 3.4 bytes of UTF-8, a little more than English and code have."""
    return -(-len(text.encode("utf-8", "replace")) * 5 // 17)


class LabelledWindow(Frozen):
    """A stretch of another run around its decisive step, with its label. `group` names the task; see `corpus`."""

    cause: str
    text: str = Field(min_length=1)
    provenance: Provenance
    group: str


class Case(Frozen):
    """All that may be shown of one run. There is no room in it for annotations of the run itself.

    `candidates` is the conformal set, `steps` the likely decisive steps, both most likely first. `signals` are facts
    with their quotes. `examples` come nearest first; those of the run's own `group` (its task) are never shown, so
    that examples without a known group are refused.
    """

    trace: Trace
    taxonomy: Taxonomy
    candidates: tuple[str, ...] = ()
    steps: tuple[StepChoice, ...] = ()
    signals: tuple[Evidence, ...] = ()
    examples: tuple[LabelledWindow, ...] = ()
    group: str | None = None

    @model_validator(mode="after")
    def _checked(self) -> Case:
        for cause in (*self.candidates, *(example.cause for example in self.examples)):
            self.taxonomy.cause(cause)
        if self.examples and self.group is None:
            raise ValueError("examples need the group of the run's own task, so that none of it is shown")
        return self

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of what happened in the run: not of its id or file, nor of what is known of its outcome."""
        told = self.trace.model_dump(mode="json", include={"framework", "task", "steps"})
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


class Options(Frozen):
    """How a judge is asked. `budget`: tokens of the log, as `count` counts them. `votes`: how often, each in another
    order of causes. `key`: see `fence.nonce`. Everything here decides the prompt, so that it must be kept the same
    for a recorded answer to be found again.
    """  # noqa: D205 - one thought

    model: str = Field(min_length=1)
    budget: int = Field(default=BUDGET, ge=1_000)
    votes: int = Field(default=1, ge=1, le=25)
    examples: int = Field(default=6, ge=0)
    max_tokens: int = Field(default=2_000, ge=200)
    temperature: float | None = None
    count: Count = approximate_tokens
    key: bytes = b""


class OpinionRejected(Exception):  # noqa: N818 - an outcome with a name of its own
    """The judge's answer was of no use, also after it was told why. `reasons` are sentences fit for a note.

    `calls`, `tokens` and `cost` (USD, None: unknown) were spent all the same.
    """

    def __init__(self, reasons: tuple[str, ...], *, calls: int = 0, tokens: int = 0, cost: float | None = 0.0) -> None:
        self.reasons, self.calls, self.tokens, self.cost = reasons, calls, tokens, cost
        super().__init__("the judge's opinion was discarded: " + "; ".join(reasons))
