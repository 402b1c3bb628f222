"""Caps hold however an agent goes on: calls, tokens, money and time; one by one and many at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import openai
import pytest
from proxied import SYSTEM, Counting, Streaming, Toy, assistant, client, proxy, trace, user

from runner.proxy import LIMIT, Caps, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.proxy import Proxy


class Dear(Counting):
    """Takes a cent a call."""

    def cost(self, body: Mapping[str, Any], usage: Mapping[str, Any]) -> float | None:
        assert usage["total_tokens"] > 0
        return None if body["model"] == "unpriced" else 0.01


def until_refused(running: Proxy, most: int = 50, model: str = "m") -> tuple[int, openai.APIStatusError | None]:
    """Ask as an agent that never has enough; return how many answers came, and the refusal."""
    messages: list[Any] = [SYSTEM, user("go")]
    with client(running) as ask:
        for n in range(most):
            try:
                answer = ask.chat.completions.create(model=model, messages=messages).choices[0].message.content
            except openai.APIStatusError as error:
                return n, error
            messages += [assistant(answer), user(f"again {n}")]
    return most, None


@pytest.mark.parametrize(
    ("caps", "answered"), [(Caps(calls=3), 3), (Caps(calls=0), 0), (Caps(usd=0.05), 5), (Caps(tokens=400), None)]
)
def test_past_a_cap_no_call_is_answered_and_clients_do_not_try_again(
    tmp_path: Path, caps: Caps, answered: int | None
) -> None:
    model = Dear()
    with proxy(model, tmp_path, caps=caps) as running:
        n, error = until_refused(running)
        assert not until_refused(running)[0]
        assert running.at_limit.is_set()
        totals = running.totals
    assert isinstance(error, openai.PermissionDeniedError)
    assert error.code == LIMIT
    assert "limit of" in error.message
    assert n == len(model.seen) == totals.calls
    assert answered in (None, n)
    assert caps.tokens is None or totals.tokens <= caps.tokens + totals.completion_tokens / n
    assert totals.refused == 2  # OpenAI's client tries twice again unless it is told that this is no use
    record = read(tmp_path / "record.jsonl")
    assert record.end is not None
    assert record.end.reason == "limit"
    assert [step.kind for step in trace(tmp_path).steps][-1] == "limit"


def test_a_call_that_outlasts_the_run_is_broken_off(tmp_path: Path) -> None:
    never = threading.Event()
    try:
        with proxy(Toy(lambda _: str(never.wait(60))), tmp_path, caps=Caps(seconds=0.3)) as running:
            n, error = until_refused(running)
            assert (n, error and error.code) == (0, LIMIT)
            assert until_refused(running)[0] == 0
    finally:
        never.set()
    assert "seconds" in (trace(tmp_path).steps[-1].error or "")


def test_a_stream_that_outlasts_the_run_is_broken_off(tmp_path: Path) -> None:
    gate = threading.Semaphore(1)
    try:
        with (
            proxy(Streaming(["one", "two"], gate.acquire), tmp_path, caps=Caps(seconds=0.5)) as running,
            client(running) as ask,
            ask.chat.completions.create(model="m", messages=[user("hi")], stream=True) as stream,
        ):
            with pytest.raises(openai.APIError, match="limit of") as caught:
                list(stream)
            assert caught.value.code == LIMIT
    finally:
        gate.release(2)
    assert [step.kind for step in trace(tmp_path).steps] == [None, "limit"]


def test_many_at_once_cannot_slip_past_a_cap(tmp_path: Path) -> None:
    model = Counting()
    with proxy(model, tmp_path, caps=Caps(calls=10)) as running, client(running) as ask:

        def one(n: int) -> bool:
            try:
                ask.chat.completions.create(model="m", messages=[SYSTEM, user(f"question {n}")])
            except openai.PermissionDeniedError:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            answered = list(pool.map(one, range(40)))
    assert sum(answered) == len(model.seen) == 10
    record = read(tmp_path / "record.jsonl")
    assert sorted(call.number for call in record.calls if call.number is not None) == list(range(10))
    assert record.end is not None
    assert (record.end.calls, record.end.refused) == (10, 30)


def test_many_at_once_are_recorded_each_with_its_own_question(tmp_path: Path) -> None:
    with (
        proxy(Toy(lambda body: f"to {body['messages'][-1]['content']}"), tmp_path) as running,
        client(running) as ask,
        ThreadPoolExecutor(16) as pool,
    ):

        def one(n: int) -> str | None:
            messages: list[Any] = [SYSTEM, user(f"question {n}")]
            return ask.chat.completions.create(model="m", messages=messages).choices[0].message.content

        assert list(pool.map(one, range(64))) == [f"to question {n}" for n in range(64)]
    steps, record = trace(tmp_path).steps, read(tmp_path / "record.jsonl")
    assert [step.index for step in steps] == list(range(1 + 2 * 64))
    for call in record.calls:
        assert call.answer is not None
        assert steps[call.answer].content == f"to {steps[call.steps[-1]].content}"


def test_an_agent_that_asks_for_ever_leaves_a_record_of_bounded_size(tmp_path: Path) -> None:
    with proxy(Counting(), tmp_path, caps=Caps(calls=1)) as running, client(running) as ask:
        for n in range(60):
            try:
                ask.chat.completions.create(model="m", messages=[SYSTEM, user(f"{n} " * 100)])
            except openai.PermissionDeniedError:
                continue
    record = read(tmp_path / "record.jsonl")
    assert record.end is not None
    assert record.end.refused == 59
    assert len(record.calls) < 20
    assert len(trace(tmp_path).steps) < 40


def test_calls_without_a_known_price_are_counted_as_such(tmp_path: Path) -> None:
    with proxy(Dear(), tmp_path, caps=Caps(usd=0.02)) as running:
        assert until_refused(running, 5, model="unpriced") == (5, None)
        assert until_refused(running, 5)[0] == 2
        assert (running.totals.unpriced, running.totals.usd) == (5, pytest.approx(0.02))
