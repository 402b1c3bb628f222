"""The endpoint with the clients that agents use: OpenAI's (sync, async, streaming, tools) and litellm, TCP and unix."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proxied import SYSTEM, Counting, Streaming, Toy, assistant, client, proxy, said, told, trace, user

from classifier.trace import Role
from runner.model import ModelError
from runner.proxy import AGENT, Proxy, ProxyError, RecordError, Run, Window

if TYPE_CHECKING:
    from pathlib import Path

TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"town": "Graz"}'}}


@pytest.mark.parametrize("unix", [False, True])
def test_a_chat_is_answered_and_recorded(tmp_path: Path, *, unix: bool) -> None:
    listening = {"unix": tmp_path / "s", "port": None} if unix else {}
    with proxy(Counting(), tmp_path, **listening) as running, client(running) as ask:
        first = ask.chat.completions.create(model="any", messages=[SYSTEM, user("count")])
        assert first.choices[0].message.content == "1"
        assert first.usage is not None
        assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens > 10
        ask.chat.completions.create(model="any", messages=[SYSTEM, user("count"), assistant("1"), user("go on")])
    assert told(tmp_path) == [
        ("system", "system", SYSTEM["content"]),
        ("user", "user", "count"),
        ("assistant", "assistant", "1"),
        ("user", "user", "go on"),
        ("assistant", "assistant", "2"),
    ]
    assert trace(tmp_path).task == "count"
    assert not (tmp_path / "s").exists()


def test_a_whole_answer_is_streamed_in_pieces_and_its_usage_only_where_asked(tmp_path: Path) -> None:
    text = "so many words " * 100
    with proxy(Toy(lambda _: text), tmp_path) as running, client(running) as ask:
        for include in (False, True):
            options: Any = {"stream_options": {"include_usage": True}} if include else {}
            chunks = list(ask.chat.completions.create(model="m", messages=[user("hi")], stream=True, **options))
            contents = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
            assert len(contents) > 3
            assert "".join(contents) == text
            assert [chunk for chunk in chunks if not chunk.choices or chunk.usage] == ([chunks[-1]] if include else [])


def test_a_stream_without_usage_has_no_such_key_at_all(tmp_path: Path) -> None:
    for name, model in (("whole", Toy(lambda _: "ab")), ("pieces", Streaming(["a", "b"]))):
        (tmp_path / name).mkdir()
        with proxy(model, tmp_path / name) as running:
            body = {"model": "m", "messages": [user("hi")], "stream": True}
            got = httpx.post(f"{running.base_url}/chat/completions", json=body)
        events = [line.removeprefix("data: ") for line in got.text.split("\n") if line]
        assert events[-1] == "[DONE]"
        assert all("usage" not in json.loads(event) for event in events[:-1])


def test_a_model_that_streams_is_passed_on_as_it_comes(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    model = Streaming(["one", "two", "three"], gate.acquire)
    with proxy(model, tmp_path) as running, client(running) as ask:
        gate.release()
        with ask.chat.completions.create(model="m", messages=[user("hi")], stream=True) as stream:
            parts = iter(stream)
            assert next(parts).choices[0].delta.content == "one "  # while the model waits for the gate
            gate.release(2)
            rest = [part.choices[0].delta.content for part in parts if part.choices]
        assert rest[:2] == ["two ", "three "]
    assert told(tmp_path)[-1] == ("assistant", "assistant", "one two three ")


def test_tools_go_to_the_model_and_calls_come_back_whole_or_in_pieces(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any] | str:
        return "rain" if body["messages"][-1]["role"] == "tool" else said(None, tool_calls=[CALL])

    model = Toy(answer)
    with proxy(model, tmp_path) as running, client(running) as ask:
        question: list[Any] = [user("weather?")]
        whole = ask.chat.completions.create(model="m", messages=question, tools=TOOLS).choices[0]
        pieces = list(ask.chat.completions.create(model="m", messages=question, tools=TOOLS, stream=True))
        (call,) = [call for chunk in pieces for call in chunk.choices[0].delta.tool_calls or ()]
        assert call.function is not None
        assert (call.function.name, call.function.arguments) == ("weather", CALL["function"]["arguments"])
        assert (call.id, whole.finish_reason, pieces[-1].choices[0].finish_reason) == ("call_1", *["tool_calls"] * 2)
        question += [whole.message, {"role": "tool", "tool_call_id": "call_1", "content": "12 °C"}]
        assert (
            ask.chat.completions.create(model="m", messages=question, tools=TOOLS).choices[0].message.content == "rain"
        )
    assert model.seen[0]["tools"] == TOOLS
    calls = [step for step in trace(tmp_path).steps if step.tool_calls]
    assert [call.name for step in calls for call in step.tool_calls] == ["weather"] * 2  # it was asked twice
    assert told(tmp_path)[-2:] == [("weather", "tool", "12 °C"), ("assistant", "assistant", "rain")]


def test_an_async_client_and_litellm_are_served(tmp_path: Path) -> None:
    litellm = pytest.importorskip("classifier.llm.provider").load()
    with proxy(Counting(), tmp_path) as running:

        async def ask() -> str | None:
            async with openai.AsyncOpenAI(base_url=running.base_url, api_key="k") as asking:
                got = await asking.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
                return got.choices[0].message.content

        assert asyncio.run(ask()) == "1"
        options = {"model": "openai/m", "api_base": running.base_url, "api_key": "k", "messages": [user("hi again")]}
        assert litellm.completion(**options).choices[0].message.content == "2"
        parts = litellm.completion(**options, stream=True)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == "3"


def test_what_is_asked_of_the_answer_reaches_the_model_and_nothing_else_does(tmp_path: Path) -> None:
    model = Counting()
    asked: Any = {"response_format": {"type": "json_object"}, "stop": ["<EOS>"], "seed": 3, "top_p": 0, "max_tokens": 9}
    beside = {"api_base": "http://elsewhere.invalid", "api_key": "x" * 20, "metadata": {"a": "b"}}
    with proxy(model, tmp_path) as running, client(running) as ask:
        ask.chat.completions.create(model="m", messages=[user("hi")], extra_body=beside, **asked)
    assert model.seen == [{"model": "m", "messages": [user("hi")], **asked}]


def test_several_answers_at_once_are_refused(tmp_path: Path) -> None:
    with (
        proxy(Counting(), tmp_path) as running,
        client(running) as ask,
        pytest.raises(openai.BadRequestError, match="'n' must be 1"),
    ):
        ask.chat.completions.create(model="m", messages=[user("hi")], n=2)


def test_a_model_that_fails_passes_its_status_on_and_the_trace_shows_it(tmp_path: Path) -> None:
    def fail(_: dict[str, Any]) -> str:
        raise ModelError("slow down", status=429, kind="rate_limit_exceeded")

    with proxy(Toy(fail), tmp_path) as running, client(running, max_retries=1) as ask:
        for stream in (False, True):
            with pytest.raises(openai.RateLimitError) as caught:
                ask.chat.completions.create(model="m", messages=[user("hi")], stream=stream)  # type: ignore[call-overload]
            assert caught.value.code == "rate_limit_exceeded"
    assert [step.error for step in trace(tmp_path).steps] == [None, "slow down"]  # asked four times, told once


def test_a_model_that_breaks_is_an_error_of_the_server_and_the_proxy_lives_on(tmp_path: Path) -> None:
    model = Toy(lambda body: said(None) | {"choices": []} if len(body["messages"]) == 1 else str(1 // 0))
    with proxy(model, tmp_path) as running, client(running, max_retries=0) as ask:
        for messages in ([user("a")], [user("a"), user("b")]):
            with pytest.raises(openai.InternalServerError):
                ask.chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]
    errors = [step.error or "" for step in trace(tmp_path).steps if step.role is Role.TOOL]
    assert ["no chat completion" in errors[0], "ZeroDivisionError" in errors[1]] == [True, True]


@pytest.mark.parametrize(
    ("sent", "status", "word"),
    [
        ({"content": b"{"}, 400, "not JSON"),
        ({"content": b"[]"}, 400, "not a JSON object"),
        ({"content": b"[" * 100_000}, 400, "not JSON"),
        ({"json": {"model": "m"}}, 400, "'messages'"),
        ({"json": {"messages": []}}, 400, "'messages'"),
        ({"json": {"messages": ["hi"]}}, 400, "'messages'"),
        ({"json": {"messages": [{"role": "wizard", "content": "hi"}]}}, 400, "wizard"),
        ({"content": b" " * (33 * 2**20)}, 413, "at most"),
        ({"content": b"x", "headers": {"Content-Encoding": "gzip"}}, 415, "packed"),
    ],
)
def test_a_bad_request_is_an_error_in_openais_form(tmp_path: Path, sent: Any, status: int, word: str) -> None:
    with proxy(Counting(), tmp_path) as running:
        got = httpx.post(f"{running.base_url}/chat/completions", **sent)
        assert httpx.get(f"{running.base_url}/models").status_code == 200
    assert got.status_code == status
    assert set(got.json()["error"]) == {"message", "type", "param", "code"}
    assert word in got.json()["error"]["message"]


LEAVES = st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=8) | st.just("\ud800")
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "developer", "function"]) | VALUES},
    optional=dict.fromkeys(("content", "name", "tool_calls", "tool_call_id", "function_call", "refusal"), VALUES),
)
BODIES = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES, max_size=4) | VALUES},
    optional=dict.fromkeys(("model", "stream", "stream_options", "n", "tools", "stop", "max_tokens", "extra"), VALUES),
)


def test_whatever_is_asked_is_answered_or_refused_and_recorded(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path, window=Window(tokens=90)) as running, httpx.Client() as asking:

        @settings(max_examples=80, deadline=None, derandomize=True, database=None)
        @given(body=BODIES)
        def ask(body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            got = asking.post(f"{running.base_url}/chat/completions", content=data)
            assert got.status_code in {200, 400}

        ask()
        with client(running) as last:
            last.chat.completions.create(model="m", messages=[user("the last word")])
    assert told(tmp_path)[-2][2] == "the last word"


def test_the_proxy_closes_though_the_model_never_answers(tmp_path: Path) -> None:
    asked, never = threading.Event(), threading.Event()

    def answer(_: dict[str, Any]) -> str:
        asked.set()
        never.wait(60)
        return "too late"

    def ask(base_url: str) -> None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(f"{base_url}/chat/completions", json={"messages": [user("hi")]}, timeout=50)

    with proxy(Toy(answer), tmp_path) as running:
        agent = threading.Thread(target=ask, args=(running.base_url,))
        agent.start()
        assert asked.wait(30)
    agent.join(30)
    assert not agent.is_alive()
    assert not never.is_set()
    never.set()
    assert told(tmp_path) == [("user", "user", "hi")]


def test_other_pages_are_not_there_and_the_error_says_what_is(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path) as running, client(running) as ask:
        assert [model.id for model in ask.models.list()] == ["toy"]
        with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
            ask.responses.create(model="m", input="hi")


def test_only_who_has_the_key_comes_in(tmp_path: Path) -> None:
    key = "the-key-of-this-run"
    with proxy(Counting(), tmp_path, token=key) as running:
        with client(running, key="another") as ask, pytest.raises(openai.AuthenticationError):
            ask.chat.completions.create(model="m", messages=[user("hi")])
        with client(running, key="another") as ask, pytest.raises(openai.AuthenticationError):
            ask.models.list()
        with client(running, key=key) as ask:
            assert ask.chat.completions.create(model="m", messages=[user("hi")]).choices[0].message.content == "1"
    assert key not in (tmp_path / "record.jsonl").read_text()


def test_a_record_is_never_written_over_and_a_bad_address_is_a_plain_error(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path):
        pass
    with pytest.raises(RecordError, match=r"there is a record already"), proxy(Counting(), tmp_path):
        pass
    run = Run(id="r")
    with (
        pytest.raises(ProxyError, match=r"too long"),
        Proxy(Counting(), tmp_path / "b", run, unix=tmp_path / ("s" * 100)),
    ):
        pass
    (tmp_path / "s").touch()
    with pytest.raises(ProxyError, match=r"cannot listen"), Proxy(Counting(), tmp_path / "c", run, unix=tmp_path / "s"):
        pass


def test_an_agent_may_give_its_name_in_a_header(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path) as running, client(running, default_headers={AGENT: "Ada"}) as ask:
        ask.chat.completions.create(model="m", messages=[user("hi")])
    assert told(tmp_path)[-1] == ("Ada", "assistant", "1")
