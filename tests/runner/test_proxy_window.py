"""A small context window: what a request loses, as a real one would, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proxied import SYSTEM, Counting, assistant, client, proxy, told, trace, user

from runner.proxy import Full, Window, read, tokens
from runner.proxy.window import fit

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Window(tokens=120)
LONG = [user(f"question {n}: " + "word " * 30) for n in range(6)]


def test_what_fits_is_left_as_it_is() -> None:
    messages = [SYSTEM, user("short")]
    assert fit(messages, SMALL) == (tuple(messages), 0, 0)


def test_the_oldest_messages_go_first_and_the_system_prompt_stays() -> None:
    fitted = fit([SYSTEM, *LONG], SMALL)
    assert fitted.messages[0] == SYSTEM
    assert fitted.messages[1:] == (None, None, None, None, *LONG[4:]) or fitted.messages[-1] == LONG[-1]
    assert fitted.left_out == sum(message is None for message in fitted.messages) > 2
    assert tokens.of_messages(m for m in fitted.messages if m) <= SMALL.tokens


def test_a_message_that_alone_is_too_long_loses_its_end_and_says_how_much() -> None:
    page = "".join(f"<p>paragraph {n}</p>" for n in range(500))
    fitted = fit([SYSTEM, user("task"), user(page)], SMALL)
    assert fitted.messages[:2] == (SYSTEM, None)
    kept = str((fitted.messages[2] or {})["content"])
    assert kept.startswith(page[:100])
    assert kept.endswith("tokens cut: the context window is full]")
    assert fitted.cut > 1_000
    assert tokens.of_messages(m for m in fitted.messages if m) <= SMALL.tokens


def test_a_call_goes_with_its_answers_so_that_the_rest_is_a_valid_chat() -> None:
    call: Any = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}" + " " * 900}}
    chat = [user("a"), assistant(None, tool_calls=[call]), {"role": "tool", "tool_call_id": "c", "content": "x " * 90}]
    fitted = fit([SYSTEM, *chat, user("b")], SMALL)
    assert fitted.messages == (SYSTEM, None, None, None, user("b"))


def test_tools_take_room_as_well() -> None:
    messages = [SYSTEM, user("one " * 20), user("two " * 20)]
    assert not fit(messages, SMALL).left_out
    assert fit(messages, SMALL, extra=60).left_out == 1


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    lengths=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    room=st.integers(64, 400),
    letter=st.sampled_from(["word ", "x", "ü", "한", "🙂", "\n"]),
)
def test_whatever_comes_fits_where_its_frame_does(lengths: list[int], room: int, letter: str) -> None:
    fitted = fit([SYSTEM, *[user(letter * length) for length in lengths]], Window(tokens=room))
    left = [message for message in fitted.messages if message]
    assert left[0]["role"] == "system"
    assert fitted.messages[-1] is not None
    assert tokens.of_messages(left) <= room


def test_in_the_other_mode_it_is_refused_as_providers_refuse_it(tmp_path: Path) -> None:
    window = Window(tokens=120, full=Full.REFUSE)
    model = Counting()
    with proxy(model, tmp_path, window=window) as running, client(running) as ask:
        ask.chat.completions.create(model="m", messages=[user("short")])
        with pytest.raises(openai.BadRequestError, match="maximum context length is 120 tokens") as caught:
            ask.chat.completions.create(model="m", messages=LONG)  # type: ignore[arg-type]
        assert caught.value.code == "context_length_exceeded"
        ask.chat.completions.create(model="m", messages=[user("short again")])
    assert len(model.seen) == 2
    assert [(call.number, call.status) for call in read(tmp_path / "record.jsonl").calls] == [
        (0, 200), (None, 400), (1, 200)]  # fmt: skip
    assert "maximum context length" in next(step.error for step in trace(tmp_path).steps if step.error)


def test_the_model_and_the_record_see_the_same(tmp_path: Path) -> None:
    model = Counting()
    with proxy(model, tmp_path, window=SMALL) as running, client(running) as ask:
        ask.chat.completions.create(model="m", messages=[SYSTEM, user("the task")])
        page = "so many words " * 500
        later: list[Any] = [SYSTEM, user("the task"), assistant("1"), user(page)]
        ask.chat.completions.create(model="m", messages=later)
        ask.chat.completions.create(model="m", messages=[*later, assistant("2"), user("and now?")])
    sent = [[message["content"] for message in body["messages"]] for body in model.seen]
    assert sent[0] == [SYSTEM["content"], "the task"]
    assert sent[1][0] == SYSTEM["content"]
    assert "the task" not in sent[1]
    steps = told(tmp_path)
    assert [content for _, _, content in steps].count(sent[1][-1]) == 1  # the page as it was cut
    assert page not in (tmp_path / "record.jsonl").read_text()
    assert sum("of the oldest messages were left out" in content for _, _, content in steps) == 1
    calls = read(tmp_path / "record.jsonl").calls
    assert [call.left_out for call in calls] == [0, 2, 3]
    assert [bool(call.cut) for call in calls] == [False, True, False]
