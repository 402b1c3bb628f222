"""The one call to a language model: asked through litellm, bounded, recorded, never paid for twice.

A question takes this way: `Caller.on(trace)` -> with_room -> Store, answered already? -> one asker per request ->
a free place -> Breaker -> retries -> Meter -> `litellm_complete` -> Store.
"""

from classifier.llm.batch import Exported, Imported, Problem, export, import_
from classifier.llm.breaker import Breaker
from classifier.llm.budget import Budget, Cap, Meter, Spent
from classifier.llm.caller import Caller, Heard, Retry, litellm_caller, replay, with_room
from classifier.llm.errors import (
    CircuitOpen,
    CutOff,
    LlmError,
    NotRecorded,
    OutOfBudget,
    Refused,
    StoreError,
    Unavailable,
)
from classifier.llm.provider import count_tokens, knows, litellm_complete, price
from classifier.llm.request import Complete, Message, Reply, Request, strict_schema
from classifier.llm.store import Call, Store, default_path

__all__ = [
    "Breaker",
    "Budget",
    "Call",
    "Caller",
    "Cap",
    "CircuitOpen",
    "Complete",
    "CutOff",
    "Exported",
    "Heard",
    "Imported",
    "LlmError",
    "Message",
    "Meter",
    "NotRecorded",
    "OutOfBudget",
    "Problem",
    "Refused",
    "Reply",
    "Request",
    "Retry",
    "Spent",
    "Store",
    "StoreError",
    "Unavailable",
    "count_tokens",
    "default_path",
    "export",
    "import_",
    "knows",
    "litellm_caller",
    "litellm_complete",
    "price",
    "replay",
    "strict_schema",
    "with_room",
]
