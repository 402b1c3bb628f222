"""Models and clients for the tests of the proxy: small, real, and without a provider."""

from __future__ import annotations

import importlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import openai

from classifier import formats
from runner.proxy import Proxy, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from classifier.trace import Trace

Body = dict[str, Any]
SYSTEM = {"role": "system", "content": "You are a helpful AI assistant."}


def said(content: str | None, **fields: Any) -> Body:
    """A chat.completion that says so, without usage, as the scripted model's are."""
    message = {"role": "assistant", "content": content, **fields}
    reason = "tool_calls" if "tool_calls" in fields else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "toy", "choices": [choice]}


class Toy:
    """Answers with what `answer` makes of the request; `seen` are the requests."""

    def __init__(self, answer: Callable[[Body], Body | str]) -> None:
        self.answer, self.seen, self.lock = answer, list[Body](), threading.Lock()

    def complete(self, body: Mapping[str, Any]) -> Body:
        with self.lock:
            self.seen.append(dict(body))
        answer = self.answer(dict(body))
        return said(answer) if isinstance(answer, str) else answer


class Counting(Toy):
    """Answers "1", "2", "3" ..."""

    def __init__(self) -> None:
        super().__init__(lambda _: str(len(self.seen)))


class Streaming(Toy):
    """Answers word by word, each when `gate` lets it."""

    def __init__(self, words: list[str], gate: Callable[[], object] = lambda: None) -> None:
        super().__init__(lambda _: " ".join(words))
        self.words, self.gate = words, gate

    def stream(self, body: Mapping[str, Any]) -> Iterator[Body]:
        self.seen.append(dict(body))
        base = {"id": "s-1", "object": "chat.completion.chunk", "created": 1, "model": "toy"}
        for word in self.words:
            self.gate()
            yield {**base, "choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}]}
        yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}
        usage = {"prompt_tokens": 7, "completion_tokens": len(self.words), "total_tokens": 7 + len(self.words)}
        yield {**base, "choices": [], "usage": usage}


def proxy(model: Any, folder: Path, run: Run | None = None, **options: Any) -> Proxy:
    """A proxy on a free port, whose record is `folder/record.jsonl`."""
    options = {"port": 0} | options
    return Proxy(model, folder / "record.jsonl", run or Run(id="r-1", framework="autogen", model="toy"), **options)


@contextmanager
def client(running: Proxy, *, key: str = "any-key", **options: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, over the port, or over the unix socket where there is no port."""
    if running.unix is not None:
        its = importlib.import_module(
            openai.DefaultHttpxClient.__base__.__module__.partition(".")[0]
        )  # httpx, or httpx2 since openai 3
        transport = its.HTTPTransport(uds=str(running.unix))
        options["http_client"] = openai.DefaultHttpxClient(transport=transport)
    base = "http://model.invalid/v1" if running.unix is not None else running.base_url
    with openai.OpenAI(base_url=base, api_key=key, **options) as made:
        yield made


def user(content: str, **fields: Any) -> Body:
    return {"role": "user", "content": content, **fields}


def assistant(content: str | None, **fields: Any) -> Body:
    return {"role": "assistant", "content": content, **fields}


def trace(folder: Path) -> Trace:
    """The record as the format reads it."""
    (found,) = formats.read((folder / "record.jsonl").read_bytes(), name="record.jsonl")
    return found


def told(folder: Path) -> list[tuple[str, str, str]]:
    """The steps of the record: agent, role, content."""
    return [(step.agent, step.role.value, step.content) for step in trace(folder).steps]
