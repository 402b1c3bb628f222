"""A real OpenAI-compatible server on loopback that answers, or fails, as it is told; for tests and examples.

    with ModelServer(lambda body: "42") as server:                    # every question is answered
        server.script = [RateLimit(seconds=2), Hang(), Answer("43")]  # the next three go by the script
        ... openai/any-name at server.base ...

By hand: `python tests/model_server.py --port 8001 --answer package.module:function`.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Body: TypeAlias = dict[str, Any]  # a request of the Chat Completions API


@dataclass(frozen=True)
class Answer:
    """Says `content`, well or badly formed: that is the caller's word."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None
    reasoning_tokens: int = 0


@dataclass(frozen=True)
class Fail:
    """Says no: any status, with OpenAI's error object and any headers."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Hang:
    """Takes the question and stays silent until the server closes."""


@dataclass(frozen=True)
class Drip:
    """Sends a space now and then, as gateways do to keep a line open, and never the answer."""


@dataclass(frozen=True)
class Drop:
    """Breaks the connection in the middle of the answer."""


@dataclass(frozen=True)
class Garbage:
    """A success whose body is no JSON."""

    body: bytes = b"<html>upstream error</html>"


@dataclass(frozen=True)
class LengthUnless:
    """Spends all tokens on thought, unless it is given at least `tokens`; then it answers."""

    tokens: int
    content: str


Behaviour: TypeAlias = Answer | Fail | Hang | Drip | Drop | Garbage | LengthUnless


def rate_limit(seconds: float | str | None = None) -> Fail:
    """A 429, with a Retry-After header where `seconds` (or an HTTP date) is given."""
    return Fail(429, "slow down", "rate_limit_exceeded", () if seconds is None else (("Retry-After", str(seconds)),))


@dataclass
class ModelServer:
    """Serves while its `with` block lasts. `seen` holds every question's body, in the order they came."""

    answer: Callable[[Body], str]
    port: int = 0
    script: list[Behaviour] = field(default_factory=list)
    gate: Callable[[], None] = lambda: None  # called before each answer: a test may hold answers back here
    seen: list[Body] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the Authorization header of each question

    def __enter__(self) -> Self:
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @property
    def base(self) -> str:
        """The address to give as `api_base`."""
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.seen)

    def next(self, body: Body, key: str) -> Behaviour:
        with self.lock:
            self.seen.append(body)
            self.keys.append(key)
            scripted = self.script.pop(0) if self.script else None
        self.gate()
        return scripted or Answer(self.answer(body))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(_Handler):
            owner = server

        return Handler


class _Handler(BaseHTTPRequestHandler):
    owner: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Stay silent: the tests read `seen`."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._json(404, _error("no such page", None))
            return
        self._json(200, {"object": "list", "data": [{"id": "test-model", "object": "model", "owned_by": "coroner"}]})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._json(404, _error("no such page", None))
            return
        body: Body = json.loads(data)
        try:
            self._play(self.owner.next(body, self.headers.get("Authorization", "")), body)
        except OSError:  # the caller gave up on us: that is what some tests are about
            self.close_connection = True

    def _play(self, behaviour: Behaviour, body: Body) -> None:
        if isinstance(behaviour, LengthUnless):
            room = body.get("max_completion_tokens") or body.get("max_tokens") or 0
            whole = Answer(behaviour.content)
            behaviour = whole if room >= behaviour.tokens else Answer("", "length", reasoning_tokens=room)
        match behaviour:
            case Answer() if body.get("stream"):
                self._stream(behaviour, body)
            case Answer():
                self._json(200, completion(behaviour, body))
            case Fail():
                self._json(behaviour.status, _error(behaviour.message, behaviour.code), behaviour.headers)
            case Garbage():
                self._send(200, behaviour.body, "text/html")
            case _:
                self._break_off(behaviour, body)

    def _break_off(self, behaviour: Hang | Drip | Drop, body: Body) -> None:
        self.close_connection = True
        if isinstance(behaviour, Hang):
            self.owner.closing.wait()
        elif isinstance(behaviour, Drip):
            self._head(200, "application/json", 1_000_000)
            while not self.owner.closing.wait(0.02):
                self.wfile.write(b" ")
        elif body.get("stream"):
            self._stream(Answer("half an answer, and never the other half"), body, broken=True)
        else:
            whole = json.dumps(completion(Answer("half an answer"), body)).encode()
            self._head(200, "application/json", len(whole))
            self.wfile.write(whole[: len(whole) // 2])

    def _stream(self, answer: Answer, body: Body, *, broken: bool = False) -> None:
        whole = completion(answer, body)
        content = answer.content or ""
        parts = [content[at : at + 7] for at in range(0, len(content), 7)] or [""]
        chunks: list[Body] = [{"index": 0, "delta": {"role": "assistant", "content": part}} for part in parts]
        chunks.append({"index": 0, "delta": {}, "finish_reason": answer.finish_reason})
        base = {"id": whole["id"], "object": "chat.completion.chunk", "created": 0, "model": whole["model"]}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if broken:
            chunks = chunks[: len(chunks) // 2]
        for chunk in chunks:
            self._event(json.dumps(base | {"choices": [chunk]}))
        if broken:
            return
        if body.get("stream_options", {}).get("include_usage"):
            self._event(json.dumps(base | {"choices": [], "usage": whole["usage"]}))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, value: Body, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(self, status: int, data: bytes, kind: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._head(status, kind, len(data), headers)
        self.wfile.write(data)

    def _head(self, status: int, kind: str, length: int, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()


def completion(answer: Answer, body: Body) -> Body:
    """Return the chat.completion object that says `answer`: what batch results files hold, too."""
    asked = sum(len(str(message["content"]).split()) for message in body["messages"])
    said = len((answer.content or "").split()) + answer.reasoning_tokens
    message: Body = {"role": "assistant", "content": answer.content}
    if answer.refusal is not None:
        message["refusal"] = answer.refusal
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
            "completion_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        },
    }


def _error(message: str, code: str | None) -> Body:
    return {"error": {"message": message, "type": "scripted", "param": None, "code": code}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--answer", required=True, help="package.module:function, from the request's body to the text")
    chosen = parser.parse_args()
    with ModelServer(pkgutil.resolve_name(chosen.answer), chosen.port) as server:
        print(server.base, flush=True)  # noqa: T201 - whoever starts it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
