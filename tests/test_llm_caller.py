"""The way of a question: recorded, bounded, retried, never asked twice. Clocks, waits and models are given ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_server import Answer, Fail, LengthUnless, ModelServer, rate_limit

from classifier import llm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from classifier.llm import Complete

BUSY = llm.Unavailable("busy")
GONE = llm.Unavailable("gone", maybe_billed=True)
BAD_KEY = llm.Refused("bad key", everywhere=True)
BAD_REQUEST = llm.Refused("too long")
UNBOUND = llm.Budget(trace=llm.Cap(), run=llm.Cap(), day=llm.Cap())


def request(text: str = "why?", **fields: object) -> llm.Request:
    message = llm.Message(role="user", content=text)
    return llm.Request.model_validate({"model": "openai/test-model", "messages": (message,)} | fields)


@dataclass
class Model:
    """Answers by a script of replies and errors, the last of them for ever; notes what it was asked."""

    script: list[llm.Reply | llm.LlmError]
    seen: list[llm.Request] = field(default_factory=list)

    def __call__(self, asked: llm.Request) -> llm.Reply:
        self.seen.append(asked)
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(said, llm.LlmError):
            raise said
        return said


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def reply(text: str = "because", *, cost: float | None = 0.01, finish: str = "stop") -> llm.Reply:
    return llm.Reply(text=text, finish_reason=finish, model="m", cost=cost)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[llm.Store]:
    with llm.Store(tmp_path / "calls.sqlite3") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def caller(
    complete: Complete,
    store: llm.Store,
    clock: Clock,
    *,
    budget: llm.Budget = UNBOUND,
    price: Callable[[llm.Request], float | None] = lambda _: 0.01,
    failures: int = 5,
    concurrency: int = 4,
    today: Callable[[], date] = lambda: date(2026, 3, 1),
) -> llm.Caller:
    meter = llm.Meter(budget, store, price, today)
    breaker = llm.Breaker(failures=failures, pause=60.0, clock=clock)
    return llm.Caller(complete, store, meter=meter, breaker=breaker, concurrency=concurrency, sleep=clock.sleep)


def test_the_same_request_is_paid_once_whatever_trace_it_is_for(store: llm.Store, clock: Clock) -> None:
    model = Model([reply()])
    calls = caller(model, store, clock)
    first, second = calls.on("a")(request()), calls.on("b")(request())
    assert (first.recorded, second.recorded) == (False, True)
    assert first.text == second.text
    assert len(model.seen) == calls.meter.spent.calls == 1


def test_threads_that_ask_the_same_at_once_make_one_call(store: llm.Store, clock: Clock) -> None:
    threads = 8
    together = threading.Barrier(threads)
    calls = caller(Model([reply()]), store, clock)

    def ask(_: int) -> llm.Reply:
        together.wait()
        return calls.on("t")(request())

    with ThreadPoolExecutor(threads) as pool:
        replies = list(pool.map(ask, range(threads)))
    assert calls.meter.spent.calls == 1
    assert sum(not said.recorded for said in replies) == 1


def test_a_failure_is_not_recorded_and_may_be_asked_again(store: llm.Store, clock: Clock) -> None:
    model = Model([BAD_REQUEST, reply()])
    ask = caller(model, store, clock).on("t")
    with pytest.raises(llm.Refused):
        ask(request())
    assert ask(request()).text == "because"


def test_busy_providers_are_tried_again_with_full_jitter(store: llm.Store, clock: Clock) -> None:
    model = Model([BUSY, BUSY, BUSY, reply()])
    assert caller(model, store, clock).on("t")(request()).text == "because"
    assert len(model.seen) == 4
    assert all(0 <= waited <= most for waited, most in zip(clock.slept, (1, 2, 4), strict=True))


def test_waits_differ_from_call_to_call(store: llm.Store, clock: Clock) -> None:
    calls = caller(Model([BUSY]), store, clock, failures=1_000)
    for number in range(20):
        with pytest.raises(llm.Unavailable):
            calls.on("t")(request(str(number)))
    firsts = clock.slept[::3]
    assert len(set(firsts)) == len(firsts) == 20
    assert min(firsts) < 0.5 < max(firsts)  # all on one side of the middle: once in half a million


def test_no_try_comes_sooner_than_the_provider_asks(store: llm.Store, clock: Clock) -> None:
    model = Model([llm.Unavailable("slow down", retry_after=45.0), reply()])
    caller(model, store, clock).on("t")(request())
    assert clock.slept == [45.0]


def test_a_provider_that_asks_for_an_hour_is_not_waited_for(store: llm.Store, clock: Clock) -> None:
    model = Model([llm.Unavailable("tomorrow", retry_after=3600.0)])
    with pytest.raises(llm.Unavailable, match="tomorrow"):
        caller(model, store, clock).on("t")(request())
    assert (clock.slept, len(model.seen)) == ([], 1)


@pytest.mark.parametrize(("error", "tries"), [(BUSY, 4), (GONE, 4), (BAD_KEY, 1), (BAD_REQUEST, 1)])
def test_what_may_pass_is_tried_four_times_and_what_is_refused_once(
    store: llm.Store, clock: Clock, error: llm.LlmError, tries: int
) -> None:
    model = Model([error])
    with pytest.raises(type(error)):
        caller(model, store, clock).on("t")(request())
    assert len(model.seen) == tries


def test_tokens_spent_on_thought_are_noticed_and_more_are_given_once(store: llm.Store, clock: Clock) -> None:
    model = Model([reply("", finish="length"), reply("at last")])
    calls = caller(model, store, clock)
    assert calls.on("t")(request(max_tokens=100)).text == "at last"
    assert [asked.max_tokens for asked in model.seen] == [100, 400]
    assert calls.on("t")(request(max_tokens=100)).recorded
    assert len(model.seen) == 2


def test_a_model_that_never_comes_to_speak_is_cut_off_and_both_calls_are_kept(store: llm.Store, clock: Clock) -> None:
    model = Model([reply(" \n", finish="length")])
    ask = caller(model, store, clock).on("t")
    for _ in range(2):
        with pytest.raises(llm.CutOff, match="400 tokens"):
            ask(request(max_tokens=100))
    assert len(model.seen) == 2


def test_half_an_answer_after_all_the_room_there_is_is_passed_on(store: llm.Store, clock: Clock) -> None:
    ask = caller(Model([reply("{", finish="length")]), store, clock).on("t")
    assert ask(request()).cut_off
    with pytest.raises(llm.CutOff):  # at the top there is no more room to give
        caller(Model([reply("", finish="length")]), store, clock).on("t")(request("other", max_tokens=65_536))


@pytest.mark.parametrize(
    ("budget", "whose"),
    [
        (llm.Budget(trace=llm.Cap(calls=2), run=llm.Cap(), day=llm.Cap()), "this trace"),
        (llm.Budget(trace=llm.Cap(), run=llm.Cap(calls=2), day=llm.Cap()), "this run"),
        (llm.Budget(trace=llm.Cap(), run=llm.Cap(), day=llm.Cap(calls=2)), "the day"),
        (llm.Budget(trace=llm.Cap(usd=0.02), run=llm.Cap(), day=llm.Cap()), "this trace"),
        (llm.Budget(trace=llm.Cap(), run=llm.Cap(usd=0.02), day=llm.Cap()), "this run"),
        (llm.Budget(trace=llm.Cap(), run=llm.Cap(), day=llm.Cap(usd=0.02)), "the day"),
    ],
)
def test_a_call_that_would_break_a_cap_is_not_made_and_recorded_answers_stay_free(
    store: llm.Store, clock: Clock, budget: llm.Budget, whose: str
) -> None:
    model = Model([reply()])
    ask = caller(model, store, clock, budget=budget).on("t")
    ask(request("1"))
    ask(request("2"))
    with pytest.raises(llm.OutOfBudget, match=whose):
        ask(request("3"))
    assert len(model.seen) == 2
    assert ask(request("1")).recorded


def test_one_trace_out_of_budget_leaves_the_others_theirs(store: llm.Store, clock: Clock) -> None:
    budget = llm.Budget(trace=llm.Cap(calls=1), run=llm.Cap(), day=llm.Cap())
    calls = caller(Model([reply()]), store, clock, budget=budget)
    calls.on("a")(request("1"))
    with pytest.raises(llm.OutOfBudget):
        calls.on("a")(request("2"))
    calls.on("b")(request("3"))
    assert calls.meter.spent_on("b") == llm.Spent(usd=0.01, calls=1)


def test_the_budget_of_a_day_outlives_the_run_and_ends_with_the_day(store: llm.Store, clock: Clock) -> None:
    budget = llm.Budget(trace=llm.Cap(), run=llm.Cap(), day=llm.Cap(calls=1))
    days = [date(2026, 3, 1)]
    caller(Model([reply()]), store, clock, budget=budget).on("t")(request("1"))
    later = caller(Model([reply()]), store, clock, budget=budget, today=lambda: days[-1])
    with pytest.raises(llm.OutOfBudget):
        later.on("t")(request("2"))
    days.append(date(2026, 3, 2))
    assert later.on("t")(request("2")).text == "because"


def test_a_reservation_is_settled_at_what_the_call_did_cost(store: llm.Store, clock: Clock) -> None:
    budget = llm.Budget(trace=llm.Cap(), run=llm.Cap(usd=1.0), day=llm.Cap())
    calls = caller(Model([reply(cost=0.01)]), store, clock, budget=budget, price=lambda _: 0.9)
    for number in range(10):  # ten reservations of 0.9 would not fit into 1, ten calls of 0.01 do
        calls.on("t")(request(str(number)))
    assert calls.meter.spent.usd == pytest.approx(0.1)
    assert store.spent(date(2026, 3, 1)).usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("error", "booked"), [(BUSY, 0.0), (GONE, 4 * 0.5), (BAD_REQUEST, 0.0), (BAD_KEY, 0.0), (RuntimeError("bug"), 0.5)]
)
def test_a_failed_attempt_is_booked_where_it_may_be_billed(
    store: llm.Store, clock: Clock, error: Exception, booked: float
) -> None:
    def fail(_: llm.Request) -> llm.Reply:
        raise error

    calls = caller(fail, store, clock, price=lambda _: 0.5)
    with pytest.raises(type(error)):
        calls.on("t")(request())
    assert calls.meter.spent.usd == calls.meter.spent_on("t").usd == store.spent(date(2026, 3, 1)).usd == booked


def test_a_model_without_a_price_is_bounded_by_calls_and_says_so(store: llm.Store, clock: Clock) -> None:
    budget = llm.Budget(trace=llm.Cap(usd=0.0), run=llm.Cap(usd=0.0, calls=2), day=llm.Cap(usd=0.0))
    calls = caller(Model([reply(cost=None)]), store, clock, budget=budget, price=lambda _: None)
    assert not calls.meter.notes
    calls.on("t")(request("1"))
    calls.on("t")(request("2"))
    with pytest.raises(llm.OutOfBudget, match="all 2 calls"):
        calls.on("t")(request("3"))
    (note,) = calls.meter.notes
    assert "openai/test-model has no known price" in note


@settings(max_examples=15, deadline=None)
@given(cap=st.integers(0, 12), threads=st.integers(1, 8), cost=st.sampled_from([0.0, 0.3, 1.0]))
def test_threads_together_never_overshoot(
    tmp_path_factory: pytest.TempPathFactory, cap: int, threads: int, cost: float
) -> None:
    """Each call may cost 1 and costs `cost`: at no moment may more than `cap` be spent or owed."""
    budget = llm.Budget(trace=llm.Cap(), run=llm.Cap(usd=float(cap)), day=llm.Cap())
    lock = threading.Lock()
    owed = paid = most = 0.0

    def complete(_: llm.Request) -> llm.Reply:
        nonlocal owed, paid, most
        with lock:
            owed += 1
            most = max(most, paid + owed)
        with lock:
            owed -= 1
            paid += cost
        return reply(cost=cost)

    with llm.Store(tmp_path_factory.mktemp("s") / "calls.sqlite3") as store:
        calls = caller(complete, store, Clock(), budget=budget, price=lambda _: 1.0, concurrency=threads)

        def ask(number: int) -> bool:
            try:
                calls.on(str(number))(request(str(number)))
            except llm.OutOfBudget:
                return False
            return True

        with ThreadPoolExecutor(threads) as pool:
            answered = sum(pool.map(ask, range(16)))
    assert most <= cap + 1e-6
    assert answered * cost == pytest.approx(calls.meter.spent.usd)
    assert (answered > 0) == (cap > 0)


def test_no_more_calls_are_under_way_than_allowed(store: llm.Store, clock: Clock) -> None:
    under_way, go_on = threading.Semaphore(0), threading.Event()

    def complete(_: llm.Request) -> llm.Reply:
        under_way.release()
        go_on.wait()
        return reply()

    calls = caller(complete, store, clock, concurrency=2)
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(calls.on("t"), request(str(number))) for number in range(6)]
        try:
            assert under_way.acquire(timeout=30)
            assert under_way.acquire(timeout=30)
            assert not under_way.acquire(timeout=0.3)  # a third would have come long since
        finally:
            go_on.set()
        assert [one.result().text for one in done] == ["because"] * 6


@pytest.mark.parametrize("error", [GONE, BAD_KEY])
def test_a_provider_that_keeps_failing_is_left_alone_then_tried_with_one_call(clock: Clock, error: Exception) -> None:
    breaker = llm.Breaker(failures=3, pause=60.0, clock=clock)
    tried: list[str] = []

    def fail() -> str:
        tried.append("failed")
        raise error

    def work() -> str:
        tried.append("worked")
        with pytest.raises(llm.CircuitOpen):  # while one call tries, no other may
            breaker.call(fail)
        return "ok"

    for _ in range(3):
        with pytest.raises(type(error)):
            breaker.call(fail)
    clock.sleep(59.9)
    with pytest.raises(llm.CircuitOpen, match=f"last 3 calls failed.*{error}"):
        breaker.call(fail)
    clock.sleep(0.2)
    with pytest.raises(type(error)):
        breaker.call(fail)
    with pytest.raises(llm.CircuitOpen):  # the trial failed: another pause
        breaker.call(work)
    clock.sleep(60.1)
    assert breaker.call(work) == "ok"
    for _ in range(2):  # closed, and counting from the start
        with pytest.raises(type(error)):
            breaker.call(fail)
    assert tried == ["failed"] * 4 + ["worked"] + ["failed"] * 2


def test_a_bad_request_or_an_empty_purse_says_nothing_against_the_provider(clock: Clock) -> None:
    breaker = llm.Breaker(failures=2, pause=60.0, clock=clock)

    def fail(error: Exception) -> None:
        def attempt() -> None:
            raise error

        with pytest.raises(type(error)):
            breaker.call(attempt)

    for _ in range(5):
        fail(BAD_REQUEST)
        fail(llm.OutOfBudget("empty"))
    fail(GONE)
    fail(llm.OutOfBudget("empty"))
    fail(GONE)
    fail(llm.CircuitOpen("open"))
    clock.sleep(61)
    fail(llm.OutOfBudget("empty"))  # the trial was no trial: the next one is
    assert breaker.call(lambda: "ok") == "ok"


def test_a_batch_goes_on_without_its_provider(store: llm.Store, clock: Clock) -> None:
    model = Model([BUSY])
    calls = caller(model, store, clock, failures=3)
    ends: list[type[llm.LlmError]] = []
    for number in range(50):
        try:
            calls.on(str(number))(request(str(number)))
        except llm.LlmError as error:
            ends.append(type(error))
    assert ends == [llm.Unavailable] * 3 + [llm.CircuitOpen] * 47
    assert len(model.seen) == 3 * 4


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")
    with ModelServer(lambda _: "because") as running:
        yield running


def test_over_a_real_line_a_rate_limit_and_an_error_pass_and_the_answer_is_kept(
    store: llm.Store, clock: Clock, server: ModelServer
) -> None:
    server.script = [rate_limit(3), Fail(503), LengthUnless(500, "at last"), LengthUnless(500, "at last")]
    calls = caller(llm.litellm_complete(api_base=server.base), store, clock, price=llm.price)
    said = calls.on("t")(request(max_tokens=200))
    assert said.text == "at last"
    assert clock.slept[0] >= 3
    assert [asked["max_tokens"] for asked in server.seen] == [200, 200, 200, 800]
    assert calls.on("t")(request(max_tokens=200)).recorded
    assert server.calls == calls.meter.spent.calls == 4


def test_over_a_real_line_a_bad_key_ends_the_asking_soon(store: llm.Store, clock: Clock, server: ModelServer) -> None:
    server.script = [Fail(401, "Incorrect API key")] * 50
    calls = caller(llm.litellm_complete(api_base=server.base), store, clock)
    for number in range(20):
        with pytest.raises((llm.Refused, llm.CircuitOpen)):
            calls.on("t")(request(str(number)))
    assert server.calls == 5
    assert clock.slept == []


def test_the_caller_of_the_command_line_asks_within_its_budget(store: llm.Store, server: ModelServer) -> None:
    server.script = [Answer("a"), Answer("b")]
    budget = llm.Budget(run=llm.Cap(usd=0.001))
    calls = llm.litellm_caller(store, budget=budget, api_base=server.base)
    priced = {"model": "openai/gpt-4o-mini", "max_tokens": 500}  # 0.0003 USD and the prompt, if all room is used
    assert calls.on("t")(request("1", **priced)).cost == pytest.approx(0.15e-6 + 0.6e-6)
    with pytest.raises(llm.OutOfBudget):
        calls.on("t")(request("2", model="openai/gpt-4o-mini", max_tokens=5_000))
    assert calls.on("t")(request("2", **priced)).text == "b"
    assert server.calls == 2
