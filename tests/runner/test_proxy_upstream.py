"""The proxy in front of a provider: litellm, against a real server on loopback that behaves, and misbehaves."""

from __future__ import annotations

import time
from threading import Semaphore
from typing import TYPE_CHECKING, Any

import openai
import pytest
from model_server import Answer, Drip, Drop, Fail, Garbage, Hang, ModelServer, rate_limit
from proxied import Streaming, client, proxy, told, trace, user

from classifier.llm import Retry
from runner.model import ModelError
from runner.proxy import read
from runner.proxy.upstream import Litellm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONCE = Retry(attempts=1)
SOON = Retry(attempts=3, first=0.01, longest=0.01, patience=1)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-of-the-provider")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(lambda body: f"you said {body['messages'][-1]['content']}, and I say so too") as running:
        yield running


def ask(running: Any, content: str = "hi", **more: Any) -> Any:
    """Return the answer, or the chunks of a stream."""
    with client(running, max_retries=0) as asking:
        got = asking.chat.completions.create(model="their-model", messages=[user(content)], **more)  # type: ignore[call-overload]
        return list(got) if more.get("stream") else got


def test_an_answer_comes_from_the_provider_with_its_tokens_and_its_price(server: ModelServer, tmp_path: Path) -> None:
    with proxy(Litellm("openai/gpt-4o-mini", api_base=server.base), tmp_path) as running:
        answer = ask(running, temperature=0, stop=["<EOS>"], response_format={"type": "json_object"})
        totals = running.totals
    assert answer.choices[0].message.content == "you said hi, and I say so too"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (1, 8)  # as the provider counts: words
    assert totals.usd == pytest.approx(1 * 0.15e-6 + 8 * 0.60e-6)  # OpenAI's price list: per million, in and out
    (seen,) = server.seen
    assert (seen["model"], seen["stop"], seen["response_format"]) == ("gpt-4o-mini", ["<EOS>"], {"type": "json_object"})
    assert server.keys == ["Bearer sk-loopback-of-the-provider"]  # never the agent's own
    (call,) = read(tmp_path / "record.jsonl").calls
    assert (call.prompt_tokens, call.completion_tokens, call.cost) == (1, 8, totals.usd)


def test_a_stream_is_asked_for_as_a_stream_and_says_the_same(server: ModelServer, tmp_path: Path) -> None:
    with proxy(Litellm("openai/gpt-4o-mini", api_base=server.base), tmp_path) as running:
        with client(running) as asking:
            options: Any = {"stream": True, "stream_options": {"include_usage": True}}
            chunks = list(asking.chat.completions.create(model="m", messages=[user("hi")], **options))
        totals = running.totals
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "you said hi, and I say so too"
    assert chunks[-1].usage.completion_tokens == 8
    assert server.seen[0]["stream"] is True
    assert (totals.completion_tokens, totals.usd) == (8, pytest.approx(1 * 0.15e-6 + 8 * 0.60e-6))
    assert told(tmp_path)[-1][2] == "you said hi, and I say so too"


def test_without_a_model_of_its_own_it_asks_for_the_agents(server: ModelServer, tmp_path: Path) -> None:
    with proxy(Litellm(api_base=server.base), tmp_path) as running:
        ask(running)
        with client(running) as asking:
            asking.chat.completions.create(model="vendor/a-model", messages=[user("hi")])
            assert [model.id for model in asking.models.list()] == ["test-model"]
        assert running.totals.unpriced == 2  # nobody has priced these
    assert [seen["model"] for seen in server.seen] == ["their-model", "vendor/a-model"]


def test_a_name_that_litellm_does_not_know_is_asked_of_the_given_address(server: ModelServer, tmp_path: Path) -> None:
    with proxy(Litellm("llama-at-home", api_base=server.base), tmp_path) as running:
        assert ask(running).model
    assert server.seen[0]["model"] == "llama-at-home"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "bad", openai.BadRequestError),
        (401, "invalid_api_key", openai.AuthenticationError),
        (404, "model_not_found", openai.NotFoundError),
        (429, "rate_limit_exceeded", openai.RateLimitError),
        (500, "boom", openai.InternalServerError),
        (503, "boom", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_passed_on_under_its_own_status(
    server: ModelServer, tmp_path: Path, status: int, code: str, error: type[openai.APIStatusError], *, stream: bool
) -> None:
    server.script = [Fail(status, "no, because", code)]
    with proxy(Litellm("openai/m", api_base=server.base, retry=ONCE), tmp_path) as running:
        with pytest.raises(error, match="no, because") as caught:
            ask(running, stream=stream)
        assert caught.value.status_code == status
        assert ask(running).choices  # and it goes on
    assert "no, because" in (trace(tmp_path).steps[1].error or "")


def test_a_context_that_is_too_long_for_the_provider_is_told_as_such(server: ModelServer, tmp_path: Path) -> None:
    server.script = [Fail(400, "This model's maximum context length is 10 tokens.", "context_length_exceeded")]
    model = Litellm("openai/m", api_base=server.base)
    with proxy(model, tmp_path) as running, pytest.raises(openai.BadRequestError) as caught:
        ask(running)
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_is_busy_is_tried_again(server: ModelServer, tmp_path: Path, *, stream: bool) -> None:
    server.script = [rate_limit(0), Fail(503), Answer("there you are")]
    with proxy(Litellm("openai/m", api_base=server.base, retry=SOON), tmp_path) as running:
        got = ask(running, stream=stream)
        text = "".join(c.choices[0].delta.content or "" for c in got) if stream else got.choices[0].message.content
    assert text == "there you are"
    assert server.calls == 3
    assert len(read(tmp_path / "record.jsonl").calls) == 1


@pytest.mark.parametrize("behaviour", [Hang(), Drip()])
def test_a_silent_provider_is_a_timeout(server: ModelServer, tmp_path: Path, behaviour: Any) -> None:
    server.script = [behaviour]
    model = Litellm("openai/m", api_base=server.base, timeout=0.5, retry=ONCE)
    with proxy(model, tmp_path) as running, pytest.raises(openai.InternalServerError) as caught:
        ask(running)
    assert (caught.value.status_code, caught.value.code) == (504, "timeout")


@pytest.mark.parametrize("behaviour", [Drop(), Garbage()])
@pytest.mark.parametrize("stream", [False, True])
def test_a_broken_answer_is_an_error_and_no_answer(
    server: ModelServer, tmp_path: Path, behaviour: Any, *, stream: bool
) -> None:
    server.script = [behaviour]
    model = Litellm("openai/m", api_base=server.base, retry=ONCE)
    with proxy(model, tmp_path) as running, pytest.raises(openai.APIError):
        ask(running, stream=stream)
    (call,) = read(tmp_path / "record.jsonl").calls
    assert (call.answer, bool(call.error)) == (None, True)


def test_without_a_key_it_says_so(server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    theirs = proxy(Litellm("openai/gpt-4o-mini"), tmp_path)
    with theirs as running, pytest.raises(openai.AuthenticationError, match="api_key"):
        ask(running)
    (tmp_path / "own").mkdir()
    with proxy(Litellm("local", api_base=server.base), tmp_path / "own") as running:
        assert ask(running).choices  # servers of one's own often want none


def test_an_address_without_models_is_an_error() -> None:
    with pytest.raises(ModelError, match="lists no models"):
        Litellm(api_base="http://127.0.0.1:9/v1").names()


def test_an_agent_that_hangs_up_in_a_stream_leaves_a_booked_call_and_no_answer(tmp_path: Path) -> None:
    gate = Semaphore(1)
    with proxy(Streaming(["one", "two", "three"], gate.acquire), tmp_path) as running:
        with client(running) as asking:
            stream = asking.chat.completions.create(model="m", messages=[user("hi")], stream=True)
            next(iter(stream))
            stream.close()
        deadline = time.monotonic() + 20
        while running.totals.prompt_tokens == 0 and time.monotonic() < deadline:
            gate.release()
            time.sleep(0.02)
    (call,) = read(tmp_path / "record.jsonl").calls
    assert (call.status, call.answer) == (499, None)
    assert call.prompt_tokens > 0
    assert [step.content for step in trace(tmp_path).steps] == ["hi"]
