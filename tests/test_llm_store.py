"""The store of calls: what is written stays, whatever happens to the process; what is damaged says so."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest

from classifier import llm

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 3, 1)


def request(text: str = "why?", **fields: object) -> llm.Request:
    message = llm.Message(role="user", content=text)
    return llm.Request.model_validate({"model": "openai/m", "messages": (message,)} | fields)


def reply(text: str = "because", **fields: object) -> llm.Reply:
    known = {"text": text, "finish_reason": "stop", "model": "m", "cost": 0.1 + 0.2, "latency": 1.25}
    return llm.Reply.model_validate(known | fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "judge" / "calls.sqlite3"


def test_a_recorded_answer_comes_back_as_it_was_and_says_that_it_was_recorded(path: Path) -> None:
    odd = "NUL \0, emoji 😀, quote ' and half a pair \ud800"
    asked, answered = request(odd), reply("\u2028 \0 ok", prompt_tokens=3, completion_tokens=2, reasoning_tokens=1)
    with llm.Store(path) as store:
        assert store.reply(asked) is None
        assert not store.record(asked, answered, "trace-1").recorded
    with llm.Store(path) as store:
        back = store.reply(asked)
        assert back == answered.model_copy(update={"recorded": True})
        (call,) = store.calls()
    assert (call.request, call.reply, call.tag) == (asked, back, "trace-1")
    assert call.answered is not None
    assert call.asked <= call.answered


def test_the_hash_is_of_everything_that_decides_the_answer_and_of_nothing_else() -> None:
    # a change of this figure makes every recorded answer unfindable, and every one is paid for again
    assert request().hash == "aac76e4150e5e04ac1b10187edc3f945a4bef504eb5d933b1426571767efa4d1"
    assert request(temperature=0).hash == request(temperature=0.0).hash
    assert request(response_schema='{"a": 1, "b": 2}').hash == request(response_schema='{"b":2,"a":1}').hash
    variants = [
        request(),
        request("why"),
        request(model="openai/n"),
        request(response_schema="{}"),
        request(max_tokens=5),
        request(temperature=0.0),
        request(seed=0),
        request(vote=1),
        request(messages=(llm.Message(role="system", content="why?"),)),
    ]
    assert len({variant.hash for variant in variants}) == len(variants)


def test_the_first_answer_stays(path: Path) -> None:
    with llm.Store(path) as store:
        store.record(request(), reply("first"), "a")
        second = store.record(request(), reply("second"), "b")
        assert (second.text, second.recorded) == ("first", True)
        assert [call.tag for call in store.calls()] == ["a"]


def test_calls_come_in_the_order_they_were_asked_by_trace_and_by_state(path: Path) -> None:
    with llm.Store(path) as store:
        for number in range(250):  # more than a page
            store.expect(request(str(number)), f"trace-{number % 2}")
        store.record(request("7"), reply(), "elsewhere")
        assert [call.request.messages[0].content for call in store.calls()] == [str(number) for number in range(250)]
        assert sum(1 for _ in store.calls("trace-1")) == 125
        assert store.count_pending() == sum(1 for _ in store.pending()) == 249
        known = store.find(request("7").hash)
        assert known is not None
        assert (known.tag, known.reply is not None) == ("trace-1", True)
        assert store.find("0" * 64) is None


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    with llm.Store(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_acknowledged_survives_a_killed_process(path: Path) -> None:
    writer = """
import sys
from pathlib import Path
from classifier import llm
store = llm.Store(Path(sys.argv[1]))
for number in range(1_000_000):
    asked = llm.Request(model="m", messages=(llm.Message(role="user", content=str(number)),))
    store.record(asked, llm.Reply(text=str(number), finish_reason="stop", model="m"), "t")
    print(number, flush=True)
"""
    command = [sys.executable, "-c", writer, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - the text above
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(40)]
        process.kill()
        said += process.stdout.readlines()
    acknowledged = [int(line) for line in said if line.endswith("\n")]
    with llm.Store(path) as store:
        there = {int(call.reply.text) for call in store.calls() if call.reply}
        assert there >= set(acknowledged)
        assert len(acknowledged) >= 40
        store.record(request("after"), reply(), "t")


def test_processes_that_ask_the_same_at_once_make_one_call(path: Path, tmp_path: Path) -> None:
    asker = """
import os, sys, time
from pathlib import Path
from classifier import llm
paid = Path(sys.argv[2])
def complete(request):
    with paid.open("a") as file:
        file.write("x")
    time.sleep(0.2)  # so that the others come while this call is under way
    return llm.Reply(text="one", finish_reason="stop", model="m")
with llm.Store(Path(sys.argv[1])) as store:
    meter = llm.Meter(llm.Budget(), store, lambda _: 0.0)
    ask = llm.Caller(complete, store, meter=meter, breaker=llm.Breaker()).on("t")
    print(ask(llm.Request(model="m", messages=(llm.Message(role="user", content="same"),))).text)
"""
    paid = tmp_path / "paid"
    command = [sys.executable, "-c", asker, str(path), str(paid)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]  # noqa: S603 - as above
    assert [process.communicate()[0] for process in processes] == ["one\n"] * 4
    assert paid.read_text() == "x"


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a store at all, but long enough to be read as one".ljust(4096, b"!"))


def damage_pages(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def damage_reply(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE calls SET reply = '{\"text\": 1'")
    db.close()


def grow_old(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize("damage", [damage_header, damage_pages, cut_short, damage_reply, grow_old])
def test_a_store_that_cannot_be_read_says_which_and_why(path: Path, damage: object) -> None:
    with llm.Store(path) as store:
        for number in range(60):
            store.record(request(str(number)), reply(), "t")
    assert callable(damage)
    damage(path)

    def use() -> None:
        with llm.Store(path) as store:
            for number in range(60):
                store.reply(request(str(number)))
            list(store.calls())

    with pytest.raises(llm.StoreError, match=r"calls\.sqlite3: ."):
        use()


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(llm.StoreError, match="cannot be opened"):
        llm.Store(tmp_path / "file" / "calls.sqlite3")
    with pytest.raises(llm.StoreError):
        llm.Store(tmp_path)


def test_a_replay_answers_from_the_store_and_never_asks(path: Path) -> None:
    with llm.Store(path) as store:
        store.record(request("known"), reply("yes"), "t")
        gaps: list[llm.Request] = []
        ask = llm.replay(store, gaps.append)
        assert ask(request("known")).text == "yes"
        with pytest.raises(llm.NotRecorded) as caught:
            ask(request("unknown"))
        assert gaps == [request("unknown")] == [caught.value.request]
        assert store.count_pending() == 0


def test_a_replay_takes_the_way_of_the_live_call_where_it_asked_for_more_room(path: Path) -> None:
    short = request(max_tokens=100)
    roomier = short.roomier()
    assert roomier is not None
    with llm.Store(path) as store:
        store.record(short, reply("", finish_reason="length"), "t")
        ask = llm.replay(store)
        with pytest.raises(llm.NotRecorded) as caught:
            ask(short)
        assert caught.value.request == roomier
        store.record(roomier, reply("at last"), "t")
        assert ask(short).text == "at last"


def test_the_account_of_a_day_is_kept_across_processes_and_days(path: Path) -> None:
    with llm.Store(path) as store:
        kept = store.book(DAY, "m", "t", 0.5, lambda _: None)
        store.book(DAY, "m", "t", 0.25, lambda _: None)
        store.book(date(2026, 3, 2), "m", "t", 9.0, lambda _: None)
        store.settle(kept, 0.125)
    with llm.Store(path) as store:  # the second was never settled: its process is gone, the money may be, too
        assert store.spent(DAY) == llm.Spent(usd=0.375, calls=2)
        with pytest.raises(llm.OutOfBudget, match=r"of the day .*enough"):
            store.book(DAY, "m", "t", 0.1, lambda spent: "enough" if spent.calls == 2 else None)
        assert store.spent(DAY).calls == 2
