"""The one call to a language model: asked through litellm, bounded, recorded, never paid for twice."""

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
from classifier.llm.request import Complete, Message, Reply, Request, strict_schema

__all__ = [
    "CircuitOpen",
    "Complete",
    "CutOff",
    "LlmError",
    "Message",
    "NotRecorded",
    "OutOfBudget",
    "Refused",
    "Reply",
    "Request",
    "StoreError",
    "Unavailable",
    "strict_schema",
]
