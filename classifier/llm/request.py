"""Request and Reply: one question to a language model and what came back, as sent, stored and replayed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field, field_validator

from classifier.trace import Frozen

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOM = 4  # an answer that was cut off is asked for again with this many times the tokens
MOST_TOKENS = 65_536  # no request asks for more than this


class Message(Frozen):
    """One turn of the conversation. A lone surrogate, which no provider can be sent, becomes U+FFFD."""

    role: Literal["system", "user", "assistant"]
    content: str

    @field_validator("content")
    @classmethod
    def _sendable(cls, content: str) -> str:
        return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Request(Frozen):
    """Everything that decides the answer, and nothing else: its hash names it in the store and in batch files.

    `model` is litellm's name (`openai/gpt-5-mini`, `ollama/llama3.1`). `response_schema` is the JSON schema of the
    answer as JSON text (see `strict_schema`), None for free text. `temperature` and `seed` are dropped where the
    model does not take them. `vote` tells repeated questions apart (0, 1, 2 ...), so that each is asked for itself.
    """

    model: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    response_schema: str | None = None
    max_tokens: int = Field(default=2_000, ge=1, le=MOST_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=2)
    seed: int | None = None
    vote: int = Field(default=0, ge=0)

    @property
    def hash(self) -> str:
        """SHA-256, in hex, of the request as canonical JSON: the same in every process and version of Python."""
        fields = self.model_dump(mode="json")
        if self.response_schema is not None:  # its layout is no part of the question
            fields["response_schema"] = json.loads(self.response_schema)
        return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def roomier(self) -> Request | None:
        """Return the same question with more room for the answer; None where it has the most there is.

        A pure function of the request, so that a replay asks for the very request that was recorded.
        """
        most = min(self.max_tokens * ROOM, MOST_TOKENS)
        return self.model_copy(update={"max_tokens": most}) if most > self.max_tokens else None


class Reply(Frozen):
    """What the model answered. Tokens as the provider counts them, 0 where it is silent.

    `finish_reason` is OpenAI's: `stop`, `length` (cut off), `content_filter`. `refusal` is the model's own words
    where it declines to answer. `cost` is in USD, None where the model has no known price; `latency` in seconds.
    `recorded`: it came from the store and cost nothing this time.
    """

    text: str
    finish_reason: str | None
    model: str
    refusal: str | None = None
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    reasoning_tokens: int = Field(default=0, ge=0)
    cost: float | None = Field(default=None, ge=0)
    latency: float = Field(default=0.0, ge=0)
    recorded: bool = False

    @property
    def cut_off(self) -> bool:
        """Whether the tokens ran out before the answer was whole, or before it began."""
        return self.finish_reason == "length"


Complete: TypeAlias = Callable[[Request], Reply]  # the seam: what `judge.ask` is given. Raises LlmError.


def strict_schema(answer: type[BaseModel]) -> str:
    """Return the JSON schema of `answer` as text, in the strict form that providers hold answers to."""
    from openai import pydantic_function_tool  # noqa: PLC0415 - heavy, and needed only where a judge is asked

    return json.dumps(pydantic_function_tool(answer)["function"]["parameters"], sort_keys=True)
