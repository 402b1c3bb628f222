"""The real call through litellm, against a real server on loopback that behaves, and misbehaves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from model_server import Answer, Drip, Drop, Fail, Garbage, Hang, ModelServer, rate_limit
from pydantic import BaseModel

from classifier import llm

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = llm.Message(role="user", content="why did the run fail?")
PATIENT, HASTY = 30.0, 0.3  # seconds: more than any answer takes here, and less than a silent server will wait


class Opinion(BaseModel):
    cause: str
    step: int | None


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(lambda _: '{"cause": "x", "step": null}') as running:
        yield running


def request(model: str = "openai/test-model", **fields: object) -> llm.Request:
    return llm.Request.model_validate({"model": model, "messages": (QUESTION,)} | fields)


def ask(server: ModelServer, asked: llm.Request, *, timeout: float = PATIENT, stream: bool = False) -> llm.Reply:
    return llm.litellm_complete(api_base=server.base, timeout=timeout, stream=stream)(asked)


def test_an_answer_comes_back_with_what_it_took(server: ModelServer) -> None:
    server.script = [Answer("done", reasoning_tokens=7)]
    reply = ask(server, request())
    assert (reply.text, reply.finish_reason, reply.model) == ("done", "stop", "test-model")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.reasoning_tokens) == (5, 8, 7)
    assert reply.cost is None  # nobody has priced test-model
    assert reply.latency > 0
    assert not reply.recorded


def test_a_priced_model_costs_what_the_price_map_says(server: ModelServer) -> None:
    server.script = [Answer("done")]
    reply = ask(server, request("openai/gpt-4o-mini"))
    assert reply.cost == pytest.approx(5 * 0.15e-6 + 1 * 0.60e-6)  # OpenAI's price list: per million, in and out


def test_a_stream_says_the_same_as_a_whole_answer(server: ModelServer) -> None:
    whole, streamed = ask(server, request()), ask(server, request(), stream=True)
    assert server.seen[1]["stream"] is True
    assert streamed.model_copy(update={"latency": whole.latency}) == whole


def test_the_key_comes_from_the_environment_of_litellm(server: ModelServer) -> None:
    ask(server, request())
    assert server.keys == ["Bearer sk-loopback"]


def test_the_address_may_come_from_the_environment_of_litellm(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", server.base)
    assert llm.litellm_complete(timeout=PATIENT)(request()).text
    assert server.calls == 1


def test_without_a_key_the_call_is_refused_before_it_is_made(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(llm.Refused) as caught:
        ask(server, request())
    assert caught.value.everywhere
    assert server.calls == 0


def test_a_schema_is_sent_where_the_model_heeds_one_and_not_where_it_does_not(server: ModelServer) -> None:
    schema = llm.strict_schema(Opinion)
    ask(server, request("openai/gpt-4o-mini", response_schema=schema))
    ask(server, request("openai/test-model", response_schema=schema))
    sent = server.seen[0]["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["required"] == ["cause", "step"]
    assert sent["schema"]["additionalProperties"] is False
    assert "response_format" not in server.seen[1]


def test_parameters_that_a_model_does_not_take_are_dropped(server: ModelServer) -> None:
    asked = {"temperature": 0.0, "seed": 3, "max_tokens": 50}
    ask(server, request("openai/gpt-5-mini", **asked))
    ask(server, request("openai/gpt-4o-mini", **asked))
    reasoning, plain = server.seen
    assert "temperature" not in reasoning
    assert (reasoning["max_completion_tokens"], reasoning["seed"]) == (50, 3)
    assert (plain["temperature"], plain["max_tokens"], plain["seed"]) == (0.0, 50, 3)


@pytest.mark.parametrize("answer", [Answer(None, refusal="I will not"), Answer(None, "content_filter")])
def test_a_model_that_declines_is_a_reply_that_says_so(server: ModelServer, answer: Answer) -> None:
    server.script = [answer]
    reply = ask(server, request())
    assert reply.text == ""
    assert (reply.refusal, reply.finish_reason) == (answer.refusal, answer.finish_reason)


@pytest.mark.parametrize(("status", "everywhere"), [(400, False), (422, False), (401, True), (403, True), (404, True)])
def test_a_4xx_is_a_refusal_and_tells_whether_every_call_would_be_refused(
    server: ModelServer, status: int, *, everywhere: bool
) -> None:
    server.script = [Fail(status, "no, because")]
    with pytest.raises(llm.Refused, match="no, because") as caught:
        ask(server, request())
    assert caught.value.everywhere is everywhere


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_provider_that_says_it_is_busy_or_broken_may_pass_and_has_not_billed(
    server: ModelServer, status: int
) -> None:
    server.script = [Fail(status)]
    with pytest.raises(llm.Unavailable) as caught:
        ask(server, request())
    assert not caught.value.maybe_billed
    assert server.calls == 1  # litellm and the OpenAI client would like to try again by themselves


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        (7, 7, 7),
        ("0.5", 0.5, 0.5),
        ("Fri, 01 Jan 2999 00:00:00 GMT", 1e9, 1e12),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    server: ModelServer, header: float | str, low: float, high: float
) -> None:
    server.script = [rate_limit(header)]
    with pytest.raises(llm.Unavailable) as caught:
        ask(server, request())
    assert caught.value.retry_after is not None
    assert low <= caught.value.retry_after <= high


@pytest.mark.parametrize("header", [None, "soon", "-"])
def test_a_retry_after_that_is_none_is_none(server: ModelServer, header: str | None) -> None:
    server.script = [rate_limit(header)]
    with pytest.raises(llm.Unavailable) as caught:
        ask(server, request())
    assert caught.value.retry_after is None


@pytest.mark.parametrize("behaviour", [Hang(), Drip()])
def test_a_silent_or_dripping_server_is_left_after_the_timeout_and_may_bill(
    server: ModelServer, behaviour: Hang | Drip
) -> None:
    server.script = [behaviour]
    with pytest.raises(llm.Unavailable) as caught:
        ask(server, request(), timeout=HASTY)
    assert caught.value.maybe_billed


@pytest.mark.parametrize("stream", [False, True])
def test_a_line_that_breaks_is_no_answer_and_may_bill(server: ModelServer, *, stream: bool) -> None:
    server.script = [Drop()]
    with pytest.raises(llm.Unavailable) as caught:
        ask(server, request(), stream=stream)
    assert caught.value.maybe_billed


@pytest.mark.parametrize("data", [b"<html>oops</html>", b"{}", b'{"choices": []}', b"[1]", b"null", b""])
def test_a_success_that_is_no_completion_is_no_answer(server: ModelServer, data: bytes) -> None:
    server.script = [Garbage(data)]
    with pytest.raises(llm.Unavailable):
        ask(server, request())


def test_a_provider_that_nobody_knows_is_refused() -> None:
    with pytest.raises(llm.Refused, match="no-such-provider"):
        llm.litellm_complete(timeout=PATIENT)(request("no-such-provider/x"))


def test_errors_print_nothing(server: ModelServer, capfd: pytest.CaptureFixture[str]) -> None:
    server.script = [Fail(500), Fail(400)]
    for _ in range(2):
        with pytest.raises(llm.LlmError):
            ask(server, request())
    with pytest.raises(llm.LlmError):
        llm.litellm_complete(timeout=PATIENT)(request("nobody/x"))
    assert llm.price(request()) is None
    assert capfd.readouterr() == ("", "")


def test_the_price_of_a_request_is_its_prompt_and_all_its_room() -> None:
    asked = request("openai/gpt-4o-mini", max_tokens=1_000)
    prompt = llm.count_tokens("openai/gpt-4o-mini", QUESTION.content)
    assert llm.price(asked) == pytest.approx(prompt * 0.15e-6 + 1_000 * 0.60e-6, rel=0.01)
    assert llm.price(request("ollama/llama3.1")) == 0.0


def test_nothing_goes_out_before_a_model_is_asked() -> None:
    watched = """
import sys
seen = []
sys.addaudithook(lambda event, args: event in ("socket.connect", "socket.getaddrinfo") and seen.append((event, args)))
from classifier import llm
assert "litellm" not in sys.modules and "openai" not in sys.modules
request = llm.Request(model="anthropic/claude-sonnet-4-5", messages=(llm.Message(role="user", content="hi"),))
assert llm.price(request) > 0
for model in ("meta-llama/llama-3-8b", "cohere/command-r", "ollama/x", "gemini/gemini-2.5-flash", "openai/gpt-5-mini"):
    assert llm.count_tokens(model, "one two three") > 2
assert "litellm" in sys.modules
print(seen)
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter on the text above
        [sys.executable, "-c", watched], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
